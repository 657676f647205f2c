{{ config(materialized='ephemeral') }}
-- The edge sweep: one row per stretch of a unit's time in which nothing begins or ends, with the window, day, event and plan in force.
-- What is active is a mask of bits, because spans of one bit never overlap: bits 0-31 are event levels (lower wins), 32-35 planned
-- classes, 40 a shift window, 41 a production day, 42 an active order, which decides what a STANDBY is (specification 1.3). No range join, no grouping: one sort for the mask, one for the event's number.
{%- set levels = 4294967295 %}
{%- set planned = 64424509440 %}
{%- set window = 1099511627776 %}
{%- set day = 2199023255552 %}
{%- set order = 4398046511104 %}
with candidate as (
    select
        unit_no, level_rank as rank, event_no,
        {{ packed_event() }} as ref,
        start_us, end_us
    from {{ ref('int_event__micro') }}
),

-- Inside a level the earliest start wins (then the id, which event_no follows); what is left of the others is disjoint.
won as (
    select
        unit_no, rank, ref, end_us,
        greatest(start_us, coalesce(max(end_us) over (
            partition by unit_no, rank order by event_no rows between unbounded preceding and 1 preceding
        ), start_us)) as start_us
    from candidate
),

event_span as (
    select unit_no, {{ bit('rank') }} as bit, ref, start_us, end_us from won where end_us > start_us
),

planned_won as (
    select
        unit_no, planned_rank, end_us,
        greatest(start_us, coalesce(max(end_us) over (
            partition by unit_no, planned_rank order by start_us, planned_downtime_id rows between unbounded preceding and 1 preceding
        ), start_us)) as start_us
    from {{ ref('int_planned__effective') }}
),

framed as (
    select unit_no, {{ bit('planned_rank + 32') }} as bit, cast(null as bigint) as window_no, cast(null as bigint) as day_no, start_us, end_us
    from planned_won where end_us > start_us
    union all
    select unit_no, {{ bit(40) }}, window_no, null, start_us, end_us from {{ ref('int_shift_window') }} where end_us > start_us
    union all
    select unit_no, {{ bit(41) }}, null, day_no, start_us, end_us from {{ ref('int_unit_day') }}
    union all
    select unit_no, {{ bit(42) }}, null, null, start_us, end_us from {{ ref('int_order__active') }}
),

span as (
    select unit_no, bit, cast(null as bigint) as window_no, cast(null as bigint) as day_no, start_us, end_us from event_span
    union all
    select f.*
    from framed as f
    inner join {{ ref('int_unit') }} as u on f.unit_no = u.unit_no and {{ in_group('u') }}
),

edge as (
    select unit_no, start_us as t, bit, window_no, day_no from span
    union all
    select unit_no, end_us, -bit, null, null from span
),

swept as (
    select
        unit_no, t as start_us,
        lead(t) over (partition by unit_no order by t) as end_us,
        -- As double: exact below 2^53, and DuckDB adds BIGINT in 128 bits, which takes twice as long.
        cast(sum(cast(bit as double)) over (partition by unit_no order by t rows between unbounded preceding and current row) as bigint) as mask,
        {{ last_known('window_no', 'partition by unit_no order by t') }} as window_no,
        {{ last_known('day_no', 'partition by unit_no order by t') }} as day_no
    from edge
),

-- Edges at one instant give rows of no length; the last of them knows all. Outside the horizon there is no day.
segment as (
    select
        unit_no, start_us, end_us, day_no,
        (mask & {{ levels }}) & -(mask & {{ levels }}) as event_bit,
        (mask & {{ planned }}) & -(mask & {{ planned }}) as planned_bit,
        (mask & {{ order }}) <> 0 as has_order,
        case when (mask & {{ window }}) <> 0 then window_no end as window_no
    from swept
    where end_us > start_us and (mask & {{ day }}) <> 0
),

-- Which event: the last one of the winning level that began, found by one ordered pass over starts and segments.
pass as (
    select unit_no, bit, start_us as t, 0 as is_segment, ref, cast(null as bigint) as end_us, cast(null as bigint) as day_no,
        cast(null as bigint) as planned_bit, cast(null as bigint) as window_no, cast(null as boolean) as has_order
    from event_span
    union all
    select unit_no, event_bit, start_us, 1, null, end_us, day_no, planned_bit, window_no, has_order from segment where event_bit <> 0
),

found as (
    select *, {{ last_known('ref', 'partition by unit_no, bit order by t, is_segment') }} as found_ref from pass
)

select unit_no, t as start_us, end_us, day_no, window_no, planned_bit, has_order, found_ref as ref
from found
where is_segment = 1
union all
select unit_no, start_us, end_us, day_no, window_no, planned_bit, has_order, null
from segment
where event_bit = 0
order by start_us, unit_no
