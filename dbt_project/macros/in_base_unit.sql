{# A quantity in the base unit of its material, where another unit was delivered. #}
{% macro in_base_unit(quantity, factor) -%}
    case when {{ factor }} is null then {{ quantity }} else cast(round(cast({{ quantity }} as double) * cast({{ factor }} as double), 6) as decimal(18, 6)) end
{%- endmacro %}
