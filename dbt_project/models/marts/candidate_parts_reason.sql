{{ config(materialized='table') }}
-- ADDITIVE parts of the stops of the days in scope, by reason: of units that have a ledger and of lines, whose stops are those of their
-- constraint. A stop without an approved reason keeps the code that the plant gave it. Class QUALITY is what rejects cost: start-up
-- rejects (Q-START) of shifts of which scrap records say whether they are that.
with of_unit as (
    select
        s.plant_id, s.equipment_id, s.production_day, s.shift_instance_id, s.shift_code, s.reason_code, s.time_class,
        coalesce(s.source_system, '~') as source_key, coalesce(s.source_reason_code, '~') as code_key,
        {{ seconds(sum_us('true')) }} as seconds,
        sum(case when s.is_first_segment then 1 else 0 end) as stops,
        sum(case when s.is_first_segment and s.is_failure then 1 else 0 end) as failures
    from {{ ref('int_segment__in_scope') }} as s
    inner join {{ ref('int_unit__horizon') }} as u on s.equipment_id = u.equipment_id
    where s.time_class in ('ADET_EQ', 'ADET_ORG', 'AUST', 'ADOT', 'MICRO') and not (s.time_class = 'ADOT' and u.calendar = 'none')
    group by s.plant_id, s.equipment_id, s.production_day, s.shift_instance_id, s.shift_code, s.reason_code, s.time_class,
        coalesce(s.source_system, '~'), coalesce(s.source_reason_code, '~')
),

of_line as (
    select
        p.plant_id, c.line_id as equipment_id, p.production_day, c.line_shift_id as shift_instance_id, p.shift_code, u.reason_code, u.time_class,
        u.source_key, u.code_key, max(c.parallel) as parallel, sum(u.seconds) as seconds, sum(u.stops) as stops, sum(u.failures) as failures
    from {{ ref('int_line__constraint') }} as c
    inner join {{ ref('int_line__part') }} as p
        on c.line_id = p.line_id and c.line_shift_id = p.line_shift_id and c.parallel_group = p.parallel_group and p.material_key = '~'
    inner join of_unit as u on p.equipment_id = u.equipment_id and p.shift_instance_id = u.shift_instance_id
    group by p.plant_id, c.line_id, p.production_day, c.line_shift_id, p.shift_code, u.reason_code, u.time_class, u.source_key, u.code_key
),

-- The mean of parallel stations, rounded so that the reasons of a class add up to the rounded mean of the class.
reached as (
    select *, sum(seconds) over (
        partition by equipment_id, shift_instance_id, time_class order by reason_code, source_key, code_key rows unbounded preceding
    ) as reached_s
    from of_line
),

stopped as (
    select plant_id, equipment_id, production_day, shift_instance_id, shift_code, reason_code, time_class, source_key, code_key,
        seconds, stops, failures
    from of_unit
    union all
    select plant_id, equipment_id, production_day, shift_instance_id, shift_code, reason_code, time_class, source_key, code_key,
        round(cast(reached_s as double) / parallel, 6) - round(cast(reached_s - seconds as double) / parallel, 6), stops, failures
    from reached
),

rejected as (
    select plant_id, equipment_id, shift_instance_id, material_key, qty from {{ ref('int_scrap__shifted') }}
    union all
    select p.plant_id, p.line_id, p.line_shift_id, r.material_key, r.qty
    from {{ ref('int_scrap__shifted') }} as r
    inner join {{ ref('int_line__part') }} as p
        on r.equipment_id = p.equipment_id and r.shift_instance_id = p.shift_instance_id and p.material_key = '~'
),

rejected_product as (
    select equipment_id, shift_instance_id, material_key, sum(qty) as qty
    from rejected
    group by equipment_id, shift_instance_id, material_key
),

-- In ideal seconds a piece of what the shift made, and never more than its rejects cost.
started as (
    select
        p.plant_id, p.equipment_id, p.production_day, p.shift_instance_id, p.shift_code,
        greatest(0, least(
            cast(r.qty as double) * cast(p.ideal_pq_s as double) / cast(p.pq as double), cast(p.ideal_pq_s - p.ideal_gq_s as double)
        )) as lost_s
    from rejected_product as r
    inner join {{ ref('candidate_parts') }} as p
        on r.equipment_id = p.equipment_id and r.shift_instance_id = p.shift_instance_id and r.material_key = p.material_key
    where p.pq > 0 and p.ideal_gq_s is not null
)

select
    plant_id, equipment_id, production_day, shift_instance_id, shift_code, reason_code, time_class,
    source_key as source_system, code_key as source_reason_code,
    cast(seconds as decimal(18, 6)) as seconds, cast(stops as bigint) as stops, cast(failures as bigint) as failures,
    (select b.calc_version from {{ source('state', 'building') }} as b) as calc_version,
    (select b.as_of_ts from {{ source('state', 'building') }} as b) as as_of_ts
from (
    select * from stopped
    union all
    select plant_id, equipment_id, production_day, shift_instance_id, shift_code, 'Q-START', 'QUALITY', '~', '~',
        round({{ sum_in_order('lost_s') }}, 6), 0, 0
    from started
    group by plant_id, equipment_id, production_day, shift_instance_id, shift_code
) as r
