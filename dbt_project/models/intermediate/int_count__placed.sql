{{ config(materialized='table') }}
-- One row per unit, shift and product with its quantities.
select
    c.plant_id, c.equipment_id, c.shift_instance_id,
    min(shift_code) as shift_code,
    min(production_day) as production_day,
    min(start_us) as start_us,
    material_key,
    count(*) as counts,
    max(case when is_ambiguous then 1 else 0 end) as ambiguous,
    max(case when is_allocated then 1 else 0 end) as allocated,
    max(case when s.count_id is not null then 1 else 0 end) as in_stop,
    sum(case when is_outside then 1 else 0 end) as outside_counts,
    sum(case when gq is null then 1 else 0 end) as unknown_good_counts,
    sum(case when pri_s is null then 1 else 0 end) as unrated_counts,
    sum(pq) as pq,
    sum(case when pri_s is not null then pq else 0 end) as pq_rated,
    case when count(gq) = count(*) then sum(gq) end as gq,
    case when count(sq) = count(*) then sum(sq) end as sq,
    sum(rq) as rq,
    sum(ideal_pq_s) as ideal_pq_s,
    sum(case when rate_basis = 'BEST_DEMONSTRATED' then ideal_pq_s when pri_s is not null then 0 end) as ideal_best_s,
    sum(case when rate_basis = 'ENGINEERED' then ideal_pq_s when pri_s is not null then 0 end) as ideal_engineered_s,
    sum(case when rate_basis = 'ERP_STANDARD' then ideal_pq_s when pri_s is not null then 0 end) as ideal_erp_s,
    case when count(gq) = count(*) then sum(ideal_gq_s) end as ideal_gq_s,
    case when count(gq) = count(*) then cast(round(sum(cast(gq as double) * equiv_weight), 6) as decimal(18, 6)) end as good_equiv_units,
    cast(round(sum(cast(pq as double) * local_pri_s), 9) as decimal(28, 9)) as local_ideal_pq_s,
    case when count(gq) = count(*) then cast(round(sum(cast(gq as double) * local_pri_s), 9) as decimal(28, 9)) end as local_ideal_gq_s,
    cast(round(sum(cast(rq as double) * local_pri_s), 9) as decimal(28, 9)) as local_ideal_rq_s
from {{ ref('int_count__shifted') }} as c
left join {{ ref('int_count__in_stop') }} as s on c.count_id = s.count_id
group by c.plant_id, c.equipment_id, c.shift_instance_id, c.material_key
