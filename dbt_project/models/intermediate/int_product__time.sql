{{ config(materialized='table') }}
-- One row per unit, shift and product with the run time that its source attributes to it, by material or by order.
select
    s.equipment_id, s.shift_instance_id, coalesce(s.material_id, o.material_id) as material_key, {{ seconds(sum_us('true')) }} as apt_s
from {{ ref('int_segment__in_scope') }} as s
left join {{ source('silver', 'production_order') }} as o
    on s.order_id = o.order_id and o.is_current and not o.is_deleted
where s.time_class = 'APT' and coalesce(s.material_id, o.material_id) is not null
group by s.equipment_id, s.shift_instance_id, coalesce(s.material_id, o.material_id)
