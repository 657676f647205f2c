-- depends_on: {{ ref('candidate_parts') }}, {{ ref('mart_kpi_parts_shift') }}
-- A x E x Q = OEE per unit and shift, wherever all four exist and all run time has an ideal rate.
with part as (
    select
        plant_id, equipment_id, shift_instance_id,
        cast(sum(pbt_s) as double) as pbt_s, cast(sum(apt_s) as double) as apt_s, cast(sum(apt_rated_s) as double) as apt_rated_s,
        cast(sum(ideal_pq_s) as double) as ideal_pq_s, cast(sum(ideal_gq_s) as double) as ideal_gq_s
    from {{ parts_to_test() }}
    group by plant_id, equipment_id, shift_instance_id
)

select *
from part
where pbt_s > 0 and apt_s > 0 and apt_rated_s = apt_s and ideal_pq_s > 0
    and abs((apt_s / pbt_s) * (ideal_pq_s / apt_rated_s) * (ideal_gq_s / ideal_pq_s) - ideal_gq_s / pbt_s) > 1e-12
