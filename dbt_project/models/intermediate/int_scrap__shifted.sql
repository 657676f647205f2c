{{ config(materialized='table') }}
-- One row per scrap record of the days in scope that says whether it is start-up scrap, with the shift that it was
-- made in, by its own clock. `qty` is the start-up scrap of it, in the base unit of its material.
with record as (
    select
        r.plant_id, r.equipment_id, coalesce(r.material_id, '?') as material_key,
        case when r.is_startup then {{ in_base_unit('r.qty', 'k.to_base_factor') }} else 0 end as qty,
        {{ micros('r.event_ts') }} as event_us
    from {{ source('silver', 'scrap') }} as r
    left join {{ source('silver', 'uom_conversion') }} as k
        on r.material_id = k.material_id and r.uom = k.from_uom and k.is_current and not k.is_deleted
    where r.is_current and not r.is_deleted and r.is_startup is not null
),

window_of_unit as (
    select u.equipment_id, w.shift_instance_id, w.start_us, w.full_end_us
    from {{ ref('int_shift_window') }} as w
    inner join {{ ref('int_unit') }} as u on w.unit_no = u.unit_no
    inner join {{ ref('int_scope') }} as x on u.equipment_id = x.equipment_id and w.production_day = x.production_day
)

select r.plant_id, r.equipment_id, w.shift_instance_id, r.material_key, r.qty
from record as r
inner join window_of_unit as w on r.equipment_id = w.equipment_id and r.event_us >= w.start_us and r.event_us < w.full_end_us
