{{ config(materialized='table') }}
-- One row per swept stretch and shift of the days in scope that its time can belong to: its windows, and of each day the overtime and what nobody
-- scheduled. `shift_no` is the window's number, or below zero that of the day.
with named as (
    select unit_no, window_no as shift_no, shift_instance_id, shift_code, production_day, is_preliminary, has_overlap
    from {{ ref('int_shift_window') }}
    where piece = 1
    union all
    select
        d.unit_no, {{ shift_of_day('d.day_no', "k.shift_code = 'OVERTIME'") }},
        case k.shift_code when 'OVERTIME' then u.equipment_id || ':OVERTIME:' else 'OFF:' || u.equipment_id || ':' end || cast(d.production_day as varchar),
        k.shift_code, d.production_day, d.is_preliminary, false
    from {{ ref('int_unit_day') }} as d
    inner join {{ ref('int_unit') }} as u on d.unit_no = u.unit_no
    cross join (select 'OVERTIME' as shift_code union all select 'OFF') as k
)

select u.plant_id, u.equipment_id, n.*
from named as n
inner join {{ ref('int_unit') }} as u on n.unit_no = u.unit_no
inner join {{ ref('int_scope') }} as s on u.equipment_id = s.equipment_id and n.production_day = s.production_day
