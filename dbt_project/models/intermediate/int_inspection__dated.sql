{{ config(tags=['records']) }}
-- One row per current inspection result, with the place that it belongs to and its production day; where the plant has no calendar, the
-- UTC date.
select
    i.*, coalesce(u.equipment_id, '~' || i.plant_id) as place,
    coalesce(d.production_day, cast(i.measured_ts as date)) as production_day,
    coalesce(i.step, i.equipment_id, '~') as step_key, coalesce(i.material_id, '?') as material_key
from {{ source('silver', 'inspection_result') }} as i
left join {{ ref('int_unit__horizon') }} as u on i.equipment_id = u.equipment_id
left join {{ source('silver', 'production_day') }} as d
    on i.plant_id = d.plant_id and i.measured_ts >= d.start_ts and i.measured_ts < d.end_ts
where i.is_current and not i.is_deleted
