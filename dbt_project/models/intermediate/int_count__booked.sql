-- One row per current count of a KPI unit, booked at the time of its root document (T20), with quantities completed where they follow.
with own as (
    select
        c.plant_id, c.equipment_id, c.count_id, c.material_id, c.tool_code, c.order_id, c.event_ts, c.uom,
        c.produced_qty, c.good_qty, c.scrap_qty, c.rework_qty, c.count_source, c._source_system as source_system,
        coalesce(c.corrects_count_id, c.reverses_count_id) as parent_id
    from {{ source('silver', 'production_count') }} as c
    inner join {{ ref('int_unit') }} as u on c.equipment_id = u.equipment_id
    where c.is_current and not c.is_deleted
),

-- Corrections of corrections: three steps up; a data test refuses longer chains.
rooted as (
    select o.*, coalesce(p3.event_ts, p2.event_ts, p1.event_ts, o.event_ts) as root_ts
    from own as o
    left join own as p1 on o.parent_id = p1.count_id
    left join own as p2 on p1.parent_id = p2.count_id
    left join own as p3 on p2.parent_id = p3.count_id
),

filled as (
    select
        *,
        coalesce(scrap_qty, 0) + coalesce(rework_qty, 0) as bad_qty,
        scrap_qty is not null or rework_qty is not null as knows_bad
    from rooted
)

select
    plant_id, equipment_id, count_id, material_id, tool_code, order_id, uom, count_source, source_system,
    {{ micros('root_ts') }} as t,
    root_ts as event_ts,
    coalesce(produced_qty, coalesce(good_qty, 0) + bad_qty) as pq,
    coalesce(good_qty, case when produced_qty is not null and knows_bad then produced_qty - bad_qty end) as gq,
    coalesce(scrap_qty, case when produced_qty is not null and good_qty is not null then produced_qty - good_qty - coalesce(rework_qty, 0) end) as sq,
    rework_qty as rq
from filled
