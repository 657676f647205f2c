{{ config(materialized='by_scope') }}
-- THE LEDGER OF COUNTS: one row per count and shift that it is booked in (of a count over several
-- shifts its share of each), so that parts can be followed to the records they are made of.
select
    plant_id, equipment_id, production_day, shift_instance_id, shift_code, material_key, count_id, order_id, operation_id,
    cast(pq as decimal(18, 6)) as pq, cast(gq as decimal(18, 6)) as gq, cast(sq as decimal(18, 6)) as sq, cast(rq as decimal(18, 6)) as rq,
    pri_s, ideal_rate_id, cast(ideal_pq_s as decimal(28, 9)) as ideal_pq_s, cast(ideal_gq_s as decimal(28, 9)) as ideal_gq_s, equiv_weight,
    is_outside, is_allocated
from {{ ref('int_count__shifted') }}
order by production_day, equipment_id, count_id
