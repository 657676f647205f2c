{{ config(materialized='table') }}
-- One row per count of the days in scope and shift that it counts in: one, or those over which it is spread (T19). Counts outside every window
-- belong to the overtime of their day, else to the time that nobody scheduled.
with overtime as (
    select distinct equipment_id, production_day from {{ ref('int_segment__in_scope') }} where shift_code = 'OVERTIME'
),

day as (
    select plant_id, production_day, {{ micros('start_ts') }} as start_us, {{ micros('end_ts') }} as end_us
    from {{ source('silver', 'production_day') }}
),

outside as (
    select
        c.count_id, d.production_day, d.start_us,
        case when o.production_day is not null then 'OVERTIME' else 'OFF' end as shift_code,
        case when o.production_day is not null then c.equipment_id || ':OVERTIME:' else 'OFF:' || c.equipment_id || ':' end
        || cast(d.production_day as varchar) as shift_instance_id
    from {{ ref('int_count__rated') }} as c
    inner join day as d on c.plant_id = d.plant_id and c.booked_us >= d.start_us and c.booked_us < d.end_us
    left join overtime as o on c.equipment_id = o.equipment_id and d.production_day = o.production_day
    where c.window_no is null
),

spread as (select distinct count_id from {{ ref('int_count__spread') }}),

whole as (
    select
        c.count_id,
        coalesce(w.shift_instance_id, o.shift_instance_id) as shift_instance_id,
        coalesce(w.shift_code, o.shift_code) as shift_code,
        coalesce(w.production_day, o.production_day) as production_day,
        coalesce(w.start_us, o.start_us) as start_us,
        c.window_no is null as is_outside
    from {{ ref('int_count__rated') }} as c
    left join {{ ref('int_shift_window') }} as w on c.unit_no = w.unit_no and c.window_no = w.window_no and w.piece = 1
    left join outside as o on c.count_id = o.count_id
    left join spread as x on c.count_id = x.count_id
    where x.count_id is null
),

shared as (
    select
        c.plant_id, c.equipment_id, c.count_id, n.shift_instance_id, n.shift_code, n.production_day, n.start_us, n.is_outside, false as is_allocated,
        c.is_ambiguous, c.material_key, c.order_id, c.operation_id, c.equiv_weight, c.pri_s, c.ideal_rate_id, c.rate_basis, c.local_pri_s,
        c.pq, c.gq, c.sq, c.rq, c.fp_gq, c.ideal_pq_s, c.ideal_gq_s
    from whole as n
    inner join {{ ref('int_count__rated') }} as c on n.count_id = c.count_id
    union all
    select
        c.plant_id, c.equipment_id, c.count_id, n.shift_instance_id, n.shift_code, n.production_day, n.start_us, false, n.is_allocated,
        c.is_ambiguous, c.material_key, c.order_id, c.operation_id, c.equiv_weight, c.pri_s, c.ideal_rate_id, c.rate_basis, c.local_pri_s,
        {% for name in ('pq', 'gq', 'sq', 'rq', 'fp_gq') -%}
        {{ part_of('c.' ~ name, 'n.from_share', 'n.to_share', 6) }} as {{ name }},
        {% endfor -%}
        {{ part_of('c.ideal_pq_s', 'n.from_share', 'n.to_share', 9) }} as ideal_pq_s,
        {{ part_of('c.ideal_gq_s', 'n.from_share', 'n.to_share', 9) }} as ideal_gq_s
    from {{ ref('int_count__spread') }} as n
    inner join {{ ref('int_count__rated') }} as c on n.count_id = c.count_id
)

select c.*
from shared as c
inner join {{ ref('int_scope') }} as s on c.equipment_id = s.equipment_id and c.production_day = s.production_day
where c.shift_instance_id is not null
