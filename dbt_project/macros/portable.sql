{# What DuckDB and Spark spell differently, and nothing else. Instants are BIGINT microseconds since 1970 in the ledger. #}

{% macro micros(ts) %}{{ return(adapter.dispatch('micros', 'plantlake')(ts)) }}{% endmacro %}
{% macro default__micros(ts) %}epoch_us({{ ts }}){% endmacro %}
{% macro spark__micros(ts) %}unix_micros({{ ts }}){% endmacro %}

{% macro instant(us) %}{{ return(adapter.dispatch('instant', 'plantlake')(us)) }}{% endmacro %}
{% macro default__instant(us) %}make_timestamptz({{ us }}){% endmacro %}
{% macro spark__instant(us) %}timestamp_micros({{ us }}){% endmacro %}

{# The last value that is not null, of the rows up to this one. #}
{% macro last_known(value, over) %}{{ return(adapter.dispatch('last_known', 'plantlake')(value, over)) }}{% endmacro %}
{% macro default__last_known(value, over) %}last_value({{ value }} ignore nulls) over ({{ over }} rows between unbounded preceding and current row){% endmacro %}
{% macro spark__last_known(value, over) %}last_value({{ value }}, true) over ({{ over }} rows between unbounded preceding and current row){% endmacro %}

{% macro bit(rank) %}{{ return(adapter.dispatch('bit', 'plantlake')(rank)) }}{% endmacro %}
{% macro default__bit(rank) %}(cast(1 as bigint) << cast({{ rank }} as integer)){% endmacro %}
{% macro spark__bit(rank) %}shiftleft(cast(1 as bigint), cast({{ rank }} as int)){% endmacro %}

{# Words between commas as an array; an empty text is an empty array. #}
{% macro words(text) %}{{ return(adapter.dispatch('words', 'plantlake')(text)) }}{% endmacro %}
{% macro default__words(text) %}coalesce(string_split(nullif({{ text }}, ''), ','), cast([] as varchar[])){% endmacro %}
{% macro spark__words(text) %}coalesce(split(nullif({{ text }}, ''), ','), cast(array() as array<string>)){% endmacro %}

{# Microseconds as exact seconds. #}
{% macro seconds(us) %}cast(cast({{ us }} as decimal(18, 0)) * cast(0.000001 as decimal(6, 6)) as decimal(18, 6)){% endmacro %}

{# Whether a list of flags, which may be absent, holds one. #}
{% macro has_flag(flags, flag) %}coalesce(array_contains({{ flags }}, '{{ flag }}'), false){% endmacro %}

{# Before and after everything: the ends of a validity that is not limited. #}
{% macro always_from() %}cast(-9000000000000000000 as bigint){% endmacro %}
{% macro always_to() %}cast(9000000000000000000 as bigint){% endmacro %}

{# Whole division of integers. #}
{% macro whole(a, b) %}{{ return(adapter.dispatch('whole', 'plantlake')(a, b)) }}{% endmacro %}
{% macro default__whole(a, b) %}(({{ a }}) // {{ b }}){% endmacro %}
{% macro spark__whole(a, b) %}(({{ a }}) div {{ b }}){% endmacro %}

{# A number for each row, in no order. #}
{% macro row_ref() %}{{ return(adapter.dispatch('row_ref', 'plantlake')()) }}{% endmacro %}
{% macro default__row_ref() %}row_number() over (){% endmacro %}
{% macro spark__row_ref() %}monotonically_increasing_id(){% endmacro %}

{# Whether a unit is in the group that is swept now (materialization by_scope); outside of it every unit is. #}
{% macro in_group(unit) %}{{ return(adapter.dispatch('in_group', 'plantlake')(unit)) }}{% endmacro %}
{% macro default__in_group(unit) %}{{ unit }}.group_no = coalesce(getvariable('unit_group'), {{ unit }}.group_no){% endmacro %}
{% macro spark__in_group(unit) %}true{% endmacro %}

{# The UTC day of an instant in microseconds, as days since 1970. #}
{% macro utc_day(us) %}{{ return(whole(us, 86400000000)) }}{% endmacro %}

{# Days from one date to another. #}
{% macro days_between(first, last) %}{{ return(adapter.dispatch('days_between', 'plantlake')(first, last)) }}{% endmacro %}
{% macro default__days_between(first, last) %}date_diff('day', {{ first }}, {{ last }}){% endmacro %}
{% macro spark__days_between(first, last) %}datediff({{ last }}, {{ first }}){% endmacro %}

{# The sum of doubles in the order of their size: the same whatever order the rows came in. #}
{% macro sum_in_order(value) %}{{ return(adapter.dispatch('sum_in_order', 'plantlake')(value)) }}{% endmacro %}
{% macro default__sum_in_order(value) %}list_sum(list({{ value }} order by {{ value }})){% endmacro %}
{% macro spark__sum_in_order(value) %}aggregate(array_sort(collect_list({{ value }})), cast(0 as double), (a, x) -> a + x){% endmacro %}

{# The UTC days of a span, counted since 1970: one row a day. #}
{% macro days_of(first_us, last_us) %}{{ return(adapter.dispatch('days_of', 'plantlake')(first_us, last_us)) }}{% endmacro %}
{% macro default__days_of(first_us, last_us) %}unnest(generate_series(cast(floor(({{ first_us }}) / 86400000000) as bigint), cast(floor(({{ last_us }}) / 86400000000) as bigint))){% endmacro %}
{% macro spark__days_of(first_us, last_us) %}explode(sequence(cast(floor(({{ first_us }}) / 86400000000) as bigint), cast(floor(({{ last_us }}) / 86400000000) as bigint))){% endmacro %}

{# What of a quantity lies between two shares of it; such parts add up to the whole. #}
{% macro part_of(quantity, from_share, to_share, digits) -%}
cast(round(cast({{ quantity }} as double) * {{ to_share }}, {{ digits }}) as decimal(28, {{ digits }}))
        - cast(round(cast({{ quantity }} as double) * {{ from_share }}, {{ digits }}) as decimal(28, {{ digits }}))
{%- endmacro %}

{# How far back the pieces of a confirmation may have been made, in microseconds. #}
{% macro spread_us() %}{{ var('spread_days') * 86400000000 }}{% endmacro %}
