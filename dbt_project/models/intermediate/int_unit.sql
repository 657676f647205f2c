{{ config(materialized='table') }}
-- One row per KPI unit and stretch of its time that is swept: the days in scope with their shift windows, merged where they meet.
-- `from_us`, `to_us` hold those days whole; `range_from`, `range_to` are cut to the unit's horizon. A full build has one stretch a unit.
with shift as (
    select plant_id, equipment_id, production_day, min({{ micros('start_ts') }}) as start_us, max({{ micros('end_ts') }}) as end_us
    from {{ source('silver', 'shift_instance') }}
    where is_current and not is_deleted and end_ts > start_ts
    group by plant_id, equipment_id, production_day
),

extent as (
    select
        s.plant_id, s.equipment_id,
        least(s.start_us, coalesce(p.start_us, s.start_us), coalesce(o.start_us, s.start_us)) as start_us,
        greatest(s.end_us, coalesce(p.end_us, s.end_us), coalesce(o.end_us, s.end_us)) as end_us
    from {{ ref('int_scope') }} as s
    left join shift as p on s.plant_id = p.plant_id and s.production_day = p.production_day and p.equipment_id is null
    left join shift as o on s.plant_id = o.plant_id and s.production_day = o.production_day and o.equipment_id = s.equipment_id
),

reached as (
    select
        *,
        max(end_us) over (partition by equipment_id order by start_us, end_us rows between unbounded preceding and 1 preceding) as reached_us
    from extent
),

numbered as (
    select *, sum(case when start_us <= reached_us then 0 else 1 end) over (partition by equipment_id order by start_us, end_us rows unbounded preceding) as stretch
    from reached
),

stretch as (
    select equipment_id, stretch, min(start_us) as from_us, max(end_us) as to_us
    from numbered
    group by equipment_id, stretch
)

select
    row_number() over (order by u.equipment_id, s.from_us) as unit_no,
    u.*, s.from_us, s.to_us,
    -- How far beyond the stretch a stop can begin that is one with a stop in it.
    case when u.has_flicker then greatest(u.microstop_us, 86400000000) else u.microstop_us end as margin_us,
    greatest(s.from_us, u.horizon_from) as range_from,
    least(s.to_us, u.horizon_to) as range_to
from stretch as s
inner join {{ ref('int_unit__horizon') }} as u on s.equipment_id = u.equipment_id
