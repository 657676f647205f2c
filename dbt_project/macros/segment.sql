{# What the ledger has to know of an event, in one integer that the sweep carries: its number, its reason, four flags and its class. #}
{% macro event_bits() -%}
    {{ return({
        'classes': {'RUN': 0, 'SETUP': 1, 'DELAY_EQ': 2, 'DELAY_ORG': 3, 'IDLE': 4, 'UNKNOWN': 5, 'STANDBY': 6},
        'flags': {'is_micro': 8, 'is_coded': 16, 'is_failure': 32, 'is_ambiguous': 64},
        'reason': 128, 'event': 1048576,
    }) }}
{%- endmacro %}

{% macro packed_event() -%}
    {%- set bits = event_bits() -%}
    event_ref * {{ bits.event }} + reason_no * {{ bits.reason }}
    {%- for name, bit in bits.flags.items() %} + case when {{ name }} then {{ bit }} else 0 end{% endfor %}
    + case event_class{% for name, code in bits.classes.items() %} when '{{ name }}' then {{ code }}{% endfor %} end
{%- endmacro %}

{% macro unpacked_event(packed) -%}
    {%- set bits = event_bits() -%}
    {{ whole(packed, bits.event) }} as event_ref,
    {{ whole(packed ~ ' % ' ~ bits.event, bits.reason) }} as reason_no,
    {% for name, bit in bits.flags.items() %}({{ packed }} & {{ bit }}) <> 0 as {{ name }},
    {% endfor -%}
    case {{ packed }} & 7{% for name, code in bits.classes.items() %} when {{ code }} then '{{ name }}'{% endfor %} end as event_class
{%- endmacro %}

{# The number of the shift of time outside every window: the overtime of its day, else what nobody scheduled. #}
{% macro shift_of_day(day_no, is_overtime) -%}
    (-2 * {{ day_no }} - case when {{ is_overtime }} then 1 else 0 end)
{%- endmacro %}

{# Microseconds of the segments for which a condition holds. As double: exact below 2^53, and DuckDB adds BIGINT in 128 bits. #}
{% macro sum_us(condition, value='s.end_us - s.start_us') -%}
    cast(sum(cast(case when {{ condition }} then {{ value }} else 0 end as double)) as bigint)
{%- endmacro %}
