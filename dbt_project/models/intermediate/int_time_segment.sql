{{ config(materialized='table') }}
-- THE LEDGER: one row per stretch of a unit's time with one owner; no gap, no overlap, from the start of its horizon to its watermark.
-- An edge sweep: what is active is a bit mask, because spans of one rank never overlap; ranks 0-15 are event classes by
-- precedence, 16-19 planned classes, 20 a shift window, 21 a production day.
with candidate as (
    select equipment_id, rank, event_id as ref, start_us, end_us from {{ ref('int_event') }}
    union all
    select equipment_id, rank, planned_downtime_id, start_us, end_us from {{ ref('int_planned') }}
),

clipped as (
    select c.equipment_id, c.rank, c.ref, greatest(c.start_us, u.horizon_from) as start_us, least(c.end_us, u.horizon_to) as end_us
    from candidate as c
    inner join {{ ref('int_unit') }} as u on c.equipment_id = u.equipment_id
    where c.end_us > u.horizon_from and c.start_us < u.horizon_to
),

-- Inside a rank the earliest start wins; what is left of the others is disjoint.
won as (
    select
        equipment_id, rank, ref, end_us,
        greatest(start_us, coalesce(max(end_us) over (
            partition by equipment_id, rank order by start_us, ref rows between unbounded preceding and 1 preceding
        ), start_us)) as start_us
    from clipped
),

span as (
    select equipment_id, rank, ref, start_us, end_us from won where end_us > start_us
    union all
    select equipment_id, 20, shift_instance_id, start_us, end_us from {{ ref('int_shift_window') }}
    union all
    select
        u.equipment_id, 21, cast(d.production_day as varchar),
        greatest({{ micros('d.start_ts') }}, u.horizon_from), least({{ micros('d.end_ts') }}, u.horizon_to)
    from {{ source('silver', 'production_day') }} as d
    inner join {{ ref('int_unit') }} as u on d.plant_id = u.plant_id
    where {{ micros('d.end_ts') }} > u.horizon_from and {{ micros('d.start_ts') }} < u.horizon_to
),

edge as (
    select equipment_id, start_us as t, {{ bit('rank') }} as bit,
        case when rank = 20 then ref end as window_ref, case when rank = 21 then ref end as day_ref
    from span
    union all
    select equipment_id, end_us, -{{ bit('rank') }}, null, null from span
),

instant as (
    select equipment_id, t, cast(sum(bit) as bigint) as change, max(window_ref) as window_ref, max(day_ref) as day_ref
    from edge
    group by equipment_id, t
),

swept as (
    select
        equipment_id, t as start_us,
        lead(t) over (partition by equipment_id order by t) as end_us,
        cast(sum(change) over (partition by equipment_id order by t rows unbounded preceding) as bigint) as mask,
        {{ last_known('window_ref', 'partition by equipment_id order by t') }} as window_ref,
        {{ last_known('day_ref', 'partition by equipment_id order by t') }} as day_ref
    from instant
),

segment as (
    select
        equipment_id, start_us, end_us, day_ref,
        (mask & 65535) & -(mask & 65535) as event_bit,
        (mask & 983040) & -(mask & 983040) as planned_bit,
        case when mask & 1048576 <> 0 then window_ref end as window_ref
    from swept
    where end_us is not null and mask & 2097152 <> 0
),

-- Which event: the last one of the winning rank that began, found by one ordered pass over starts and segments.
pass as (
    select equipment_id, {{ bit('rank') }} as bit, start_us as t, 0 as is_segment, ref from span where rank < 16
    union all
    select equipment_id, event_bit, start_us, 1, cast(null as varchar) from segment where event_bit <> 0
),

found as (
    select equipment_id, bit, t, is_segment, {{ last_known('ref', 'partition by equipment_id, bit order by t, is_segment') }} as event_id
    from pass
),

owned as (
    select
        s.*, u.plant_id, u.state_method, u.calendar, e.event_id, e.event_class, e.is_micro, e.is_failure, e.is_coded, e.event_us, e.reason_code,
        e.order_id, e.material_id,
        w.shift_code, w.production_day as shift_day, w.is_preliminary, w.has_overlap
    from segment as s
    inner join {{ ref('int_unit') }} as u on s.equipment_id = u.equipment_id
    left join found as f
        on s.equipment_id = f.equipment_id and s.event_bit = f.bit and s.start_us = f.t and f.is_segment = 1
    left join {{ ref('int_event') }} as e on f.event_id = e.event_id
    left join {{ ref('int_shift_window') }} as w on s.equipment_id = w.equipment_id and s.window_ref = w.shift_instance_id
),

-- Rule T16: a window of a plant that logs only stops needs a sign of life.
counted as (
    select distinct equipment_id, window_ref from {{ ref('int_count__windowed') }} where window_ref is not null
),

alive as (
    select window_ref from owned where window_ref is not null and event_id is not null group by window_ref
    union
    select window_ref from counted
),

classed as (
    select
        o.*,
        case
            when o.window_ref is null and o.event_class = 'RUN' then 'APT'
            when o.window_ref is null then 'NOT_SCHEDULED'
            when o.planned_bit <> 0 and coalesce(o.event_class, '') <> 'RUN' then
                case o.planned_bit
                    when 65536 then 'PLANNED_NO_DEMAND' when 131072 then 'PLANNED_MAINT'
                    when 262144 then 'PLANNED_BREAK' else 'PLANNED_OTHER'
                end
            when o.event_class is null and o.state_method = 'RESIDUAL' and a.window_ref is not null then 'APT'
            when o.event_class is null then 'UNKNOWN'
            when o.is_micro then 'MICRO'
            when o.event_class = 'RUN' then 'APT'
            when o.event_class = 'SETUP' then 'AUST'
            when o.event_class = 'DELAY_EQ' then 'ADET_EQ'
            when o.event_class = 'DELAY_ORG' then 'ADET_ORG'
            else 'ADOT'
        end as time_class
    from owned as o
    left join alive as a on o.window_ref = a.window_ref
)

select
    plant_id, equipment_id, start_us, end_us, end_us - start_us as duration_us, time_class,
    coalesce(
        window_ref,
        case when time_class = 'APT' then equipment_id || ':OVERTIME:' || day_ref else 'OFF:' || equipment_id || ':' || day_ref end
    ) as shift_instance_id,
    coalesce(shift_code, case when time_class = 'APT' then 'OVERTIME' else 'OFF' end) as shift_code,
    coalesce(shift_day, cast(day_ref as date)) as production_day,
    case when time_class like 'PLANNED%' or time_class = 'NOT_SCHEDULED' then null else event_id end as event_id,
    coalesce(event_class = 'RUN' and (planned_bit <> 0 or window_ref is null), false) as is_pbt_extension,
    coalesce(is_preliminary, false) as is_preliminary,
    coalesce(has_overlap, false) as has_overlap,
    state_method, calendar, reason_code, order_id, material_id,
    coalesce(is_coded, false) as is_coded,
    event_us,
    coalesce(is_failure, false) as is_failure,
    coalesce(event_class = 'SETUP', false) as is_setup,
    -- Counted once, where the event first owns time inside a shift.
    event_id is not null and time_class not like 'PLANNED%' and time_class <> 'NOT_SCHEDULED'
    and row_number() over (
        partition by event_id, case when time_class like 'PLANNED%' or time_class = 'NOT_SCHEDULED' then 0 else 1 end order by start_us
    ) = 1 as is_first_segment
from classed
