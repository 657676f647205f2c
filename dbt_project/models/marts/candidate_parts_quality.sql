{{ config(materialized='table', tags=['records']) }}
-- ADDITIVE parts of inspections: one row per place, production day, product, step, characteristic and subgroup; characteristic '~' carries the
-- pieces: inspected, and good at the first attempt. A serial number is one piece whatever is measured of it; it is good when all of it is.
with scoped as (
    select r.* from {{ ref('int_inspection__dated') }} as r
    inner join {{ ref('int_scope_place') }} as s on r.place = s.equipment_id and r.production_day = s.production_day
    union
    select r.* from {{ ref('int_inspection__dated') }} as r
    inner join {{ ref('int_scope_place') }} as s on r.place = s.equipment_id and s.production_day is null
),

piece as (
    select
        plant_id, place, production_day, material_key, step_key,
        case when lot_or_serial is not null and quantity = 1 then lot_or_serial else inspection_id end as piece,
        max(quantity) as pieces, case when min(case when result = 'PASS' then 1 else 0 end) = 1 then max(quantity) else 0 end as good
    from scoped
    where attempt_no = 1
    group by plant_id, place, production_day, material_key, step_key,
        case when lot_or_serial is not null and quantity = 1 then lot_or_serial else inspection_id end
),

-- Where nothing was inspected, the counts may say how many were good at the first attempt.
counted as (
    select
        c.plant_id, c.equipment_id as place, c.production_day, c.material_key, c.equipment_id as step_key,
        sum(c.pq) as pieces, sum(c.fp_gq) as good
    from {{ ref('int_count__shifted') }} as c
    left join (select distinct place, production_day from piece) as p on c.equipment_id = p.place and c.production_day = p.production_day
    where c.fp_gq is not null and p.place is null
    group by c.plant_id, c.equipment_id, c.production_day, c.material_key
),

part as (
    select plant_id, place, production_day, material_key, step_key, '~' as characteristic, '~' as subgroup_key,
        sum(pieces) as inspected, sum(good) as fp_good, cast(null as bigint) as n, cast(null as double) as sum_x, cast(null as double) as sum_x2,
        cast(null as double) as lsl, cast(null as double) as usl
    from piece
    group by plant_id, place, production_day, material_key, step_key
    union all
    select plant_id, place, production_day, material_key, step_key, '~', '~', pieces, good, null, null, null, null, null from counted
    union all
    select plant_id, place, production_day, material_key, step_key, characteristic, coalesce(subgroup_id, cast(production_day as varchar)),
        null, null, count(*), {{ sum_in_order('measured_value') }}, {{ sum_in_order('measured_value * measured_value') }}, max(lsl), min(usl)
    from scoped
    where measured_value is not null
    group by plant_id, place, production_day, material_key, step_key, characteristic, coalesce(subgroup_id, cast(production_day as varchar))
)

select
    plant_id, place as equipment_id, production_day, material_key, step_key, characteristic, subgroup_key,
    cast(inspected as decimal(18, 6)) as inspected, cast(fp_good as decimal(18, 6)) as fp_good, n, sum_x, sum_x2, lsl, usl,
    (select b.calc_version from {{ source('state', 'building') }} as b) as calc_version,
    (select b.as_of_ts from {{ source('state', 'building') }} as b) as as_of_ts
from part
