-- One row per unit and planned entry that counts as planned: it was in the plan before the freeze (T2). Lower rank wins.
select
    u.unit_no, p.planned_downtime_id, p.planned_class,
    {{ micros('p.start_ts') }} as start_us,
    {{ micros('p.end_ts') }} as end_us,
    case p.planned_class when 'PLANNED_NO_DEMAND' then 0 when 'PLANNED_MAINT' then 1 when 'PLANNED_BREAK' then 2 else 3 end as planned_rank
from {{ source('silver', 'planned_downtime') }} as p
inner join {{ ref('int_unit') }} as u
    on p.plant_id = u.plant_id and (p.equipment_id is null or p.equipment_id = u.equipment_id) and {{ in_group('u') }}
where p.is_current and not p.is_deleted and p.end_ts > p.start_ts
    and {{ micros('p.start_ts') }} < u.range_to and {{ micros('p.end_ts') }} > u.range_from
    and (p.planned_at is null or {{ micros('p.planned_at') }} <= {{ micros('p.start_ts') }} - u.plan_freeze_us)
