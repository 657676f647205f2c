{{ config(materialized='table', database='scratch') }}
-- The ledger of the days in scope: one row per stretch of a unit's time with one owner.
-- Where an event first owns time: in one of this build's stretches, unless it owned time on a day before that is not in scope. A unit is a
-- number here, as in the sweep: its texts come last.
with unit as (
    select u.unit_no, dense_rank() over (order by u.equipment_id) as equipment_no from {{ ref('int_unit') }} as u
),

begun as (
    select distinct n.equipment_no, e.event_no
    from {{ ref('int_event__micro') }} as e
    inner join {{ source('state', 'event_begun') }} as b on e.equipment_id = b.equipment_id and e.event_id = b.event_id
    inner join unit as n on e.unit_no = n.unit_no
),

first_owned as (
    select n.equipment_no, s.event_no, min(s.start_us) as first_us
    from {{ ref('int_segment__swept') }} as s
    inner join unit as n on s.unit_no = n.unit_no
    where s.event_no is not null and (s.event_class = 'RUN' or (s.planned_class is null and s.window_no is not null))
    group by n.equipment_no, s.event_no
),

first_of_all as (
    select f.* from first_owned as f
    left join begun as b on f.equipment_no = b.equipment_no and f.event_no = b.event_no
    where b.event_no is null
),

-- The days of a stretch that are in scope.
in_scope as (
    select distinct u.unit_no, x.production_day
    from {{ ref('int_unit') }} as u
    inner join {{ ref('int_scope') }} as x on u.equipment_id = x.equipment_id
),

-- Rule T16: what a plant does not log is run time only in a window with a sign of life, an event or a count.
alive as (
    select s.unit_no, s.window_no
    from {{ ref('int_segment__swept') }} as s
    inner join {{ ref('int_unit') }} as u on s.unit_no = u.unit_no and u.state_method = 'RESIDUAL' and u.calendar <> 'none'
    where s.window_no is not null and s.event_class <> 'UNKNOWN'
    union
    select c.unit_no, c.window_no
    from {{ ref('int_count__rated') }} as c
    inner join {{ ref('int_unit') }} as u on c.unit_no = u.unit_no and u.state_method = 'RESIDUAL' and u.calendar <> 'none'
    where c.window_no is not null
),

classed as (
    select
        s.*,
        case
            when s.event_class = 'RUN' then 'APT'
            when s.window_no is null then 'NOT_SCHEDULED'
            when s.planned_class is not null then s.planned_class
            when s.event_class is null then case when a.window_no is not null then 'APT' else 'UNKNOWN' end
            when s.is_micro then 'MICRO'
            when s.event_class = 'SETUP' then 'AUST'
            when s.event_class = 'DELAY_EQ' then 'ADET_EQ'
            when s.event_class = 'DELAY_ORG' then 'ADET_ORG'
            when s.event_class = 'IDLE' then 'ADOT'
            else 'UNKNOWN'
        end as time_class,
        s.event_class = 'RUN' and (s.planned_class is not null or s.window_no is null) as is_pbt_extension
    from {{ ref('int_segment__swept') }} as s
    left join alive as a on s.unit_no = a.unit_no and s.window_no = a.window_no
)

select
    u.plant_id,
    u.equipment_id,
    {{ instant('c.start_us') }} as start_ts,
    {{ instant('c.end_us') }} as end_ts,
    {{ seconds('c.end_us - c.start_us') }} as duration_s,
    c.time_class,
    coalesce(
        w.shift_instance_id,
        case when c.time_class = 'APT' then u.equipment_id || ':OVERTIME:' else 'OFF:' || u.equipment_id || ':' end || cast(d.production_day as varchar)
    ) as shift_instance_id,
    coalesce(w.shift_code, case when c.time_class = 'APT' then 'OVERTIME' else 'OFF' end) as shift_code,
    coalesce(w.production_day, d.production_day) as production_day,
    e.event_id,
    coalesce(c.start_us = f.first_us, false) as is_first_segment,
    case when c.start_us = f.first_us then {{ seconds('e.end_us - e.start_us') }} end as event_duration_s,
    e.order_id,
    e.material_id,
    e.reason_code,
    coalesce(e.is_coded, false) as is_coded,
    coalesce(e.is_failure, false) as is_failure,
    coalesce(c.is_pbt_extension, false) as is_pbt_extension,
    coalesce(w.is_preliminary, d.is_preliminary) as is_preliminary,
    coalesce(w.has_overlap, false) as has_shift_overlap,
    coalesce(e.is_ambiguous, false) as is_dst_ambiguous
from classed as c
inner join {{ ref('int_unit') }} as u on c.unit_no = u.unit_no
inner join unit as n on c.unit_no = n.unit_no
inner join {{ ref('int_unit_day') }} as d on c.unit_no = d.unit_no and c.day_no = d.day_no
left join {{ ref('int_shift_window') }} as w on c.unit_no = w.unit_no and c.window_no = w.window_no and w.piece = 1
-- Time that the plan took out, or that nobody planned, belongs to no event.
left join {{ ref('int_event__micro') }} as e
    on c.unit_no = e.unit_no and c.event_no = e.event_no
    and (c.event_class = 'RUN' or (c.window_no is not null and c.planned_class is null))
left join first_of_all as f on n.equipment_no = f.equipment_no and e.event_no = f.event_no
inner join in_scope as x on c.unit_no = x.unit_no and coalesce(w.production_day, d.production_day) = x.production_day
