{{ config(materialized='ephemeral') }}
-- One row per line and part of one of its stations, with the shift of the line that it belongs to.
with station as (
    select
        l.plant_id, l.line_id, l.equipment_id, l.parallel_group, l.is_constraint_default, l.is_output_counter,
        count(*) over (partition by l.line_id, l.parallel_group) as parallel
    from {{ source('silver', 'line_station') }} as l
)

select s.line_id, s.parallel_group, s.parallel, s.is_constraint_default, s.is_output_counter, p.*,
    replace(p.shift_instance_id, p.equipment_id, s.line_id) as line_shift_id
from station as s
inner join {{ ref('int_unit__parts') }} as p on s.equipment_id = p.equipment_id
