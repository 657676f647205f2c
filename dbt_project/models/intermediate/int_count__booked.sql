-- One row per current count of a unit, booked at the time of its root document (T20), with the quantities that follow from
-- others, in the base unit of its material. Of what belongs to several shifts (T19) `from_us` is the start of the interval that the root
-- counted; `since_us` when its order was confirmed last, at most {{ var('spread_days') }} days ago.
with own as (
    select
        c.plant_id, c.equipment_id, c.count_id, c.material_id, c.tool_code, c.order_id, c.operation_id,
        {% for name in ('produced_qty', 'good_qty', 'scrap_qty', 'rework_qty', 'first_pass_good_qty') -%}
        {{ in_base_unit('c.' ~ name, 'k.to_base_factor') }} as {{ name }},
        {% endfor -%}
        {{ has_flag('c.dq_flags', 'DST_AMBIGUOUS') }} as is_ambiguous,
        {{ micros('c.event_ts') }} - coalesce(t.offset_us, s.offset_us, 0) as event_us,
        {{ micros('c.start_ts') }} - coalesce(t.offset_us, s.offset_us, 0) as start_us,
        c.count_source,
        coalesce(c.corrects_count_id, c.reverses_count_id) as parent_id
    from {{ source('silver', 'production_count') }} as c
    inner join {{ ref('int_unit__horizon') }} as u on c.equipment_id = u.equipment_id
    left join {{ ref('int_source') }} as s on c.plant_id = s.plant_id and c._source_system = s.source_system
    left join {{ ref('int_clock') }} as t
        on c.plant_id = t.plant_id and c._source_system = t.source_system and {{ utc_day(micros('c.event_ts')) }} = t.day_no
    left join {{ source('silver', 'uom_conversion') }} as k
        on c.material_id = k.material_id and c.uom = k.from_uom and k.is_current and not k.is_deleted
    where c.is_current and not c.is_deleted
),

-- Corrections of corrections: four steps up; a data test refuses longer chains.
root as (
    select o.count_id, coalesce(p4.count_id, p3.count_id, p2.count_id, p1.count_id) as root_id
    from (select count_id, parent_id from own where parent_id is not null) as o
    inner join own as p1 on o.parent_id = p1.count_id
    left join own as p2 on p1.parent_id = p2.count_id
    left join own as p3 on p2.parent_id = p3.count_id
    left join own as p4 on p3.parent_id = p4.count_id
),

confirmed as (
    select
        count_id, order_id,
        coalesce(
            max(event_us) over (
                partition by equipment_id, order_id order by event_us range between {{ spread_us() }} preceding and 1 preceding
            ),
            event_us - {{ spread_us() }}
        ) as since_us
    from own
    where parent_id is null and count_source = 'ERP_CONFIRMATION' and order_id is not null and start_us is null
)

select
    o.plant_id, o.equipment_id, o.count_id, o.material_id, o.tool_code, o.order_id, o.operation_id, o.is_ambiguous, o.count_source,
    f.since_us, f.order_id as confirmed_order_id,
    case when d.count_id is null then o.event_us else d.event_us end as booked_us,
    case when d.count_id is null then o.start_us else d.start_us end as from_us,
    coalesce(o.produced_qty, coalesce(o.good_qty, 0) + coalesce(o.scrap_qty, 0) + coalesce(o.rework_qty, 0)) as pq,
    -- Good pieces are known when they are counted, or when all and the rejected ones are; a record of rejects alone has none.
    coalesce(o.good_qty, case when o.produced_qty is null then 0 else o.produced_qty - o.scrap_qty - coalesce(o.rework_qty, 0) end) as gq,
    coalesce(o.scrap_qty, o.produced_qty - o.good_qty - coalesce(o.rework_qty, 0)) as sq,
    o.rework_qty as rq,
    o.first_pass_good_qty as fp_gq
from own as o
left join root as r on o.count_id = r.count_id
left join own as d on r.root_id = d.count_id
left join confirmed as f on coalesce(d.count_id, o.count_id) = f.count_id
