{# A part that belongs to the shift as a whole: on its '~' row only, NULL where no source of the unit can know it. #}
{% macro if_shift(expression, unknown='false', type='decimal(18, 6)') -%}
    cast(case when {{ unknown }} then null when is_shift then {{ expression }} else 0 end as {{ type }})
{%- endmacro %}

{# The same of a value that is NULL by itself where it is unknown. #}
{% macro of_shift(name, type='decimal(18, 6)') -%}
    cast(case when is_shift then {{ name }} when {{ name }} is not null then 0 end as {{ type }})
{%- endmacro %}
