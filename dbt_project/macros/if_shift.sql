{# A part that belongs to the shift as a whole: on its '~' row only, NULL where no source of the unit can know it. #}
{% macro if_shift(expression, unknown='false', type='decimal(18, 6)') -%}
    cast(case when {{ unknown }} then null when is_shift then {{ expression }} else 0 end as {{ type }})
{%- endmacro %}
