{{ config(materialized='view', tags=['standing']) }}
-- Generated from kpis.yml by `python -m dbt_project.generate`; edit the catalogue.
with unit_shift as (
select * from {{ ref('mart_kpi_unit_shift') }}
),

unit_month as (
select * from {{ ref('mart_kpi_unit_month') }}
),

known as (
select s.*, b.books_output, b.books_rated, b.books_good
from unit_shift as s
inner join unit_month as b on s.plant_id = b.plant_id and s.equipment_id = b.equipment_id and date_trunc('month', s.production_day) = b.month
),

unit_period as (
select
    'SHIFT' as period_type, production_day as period_start, shift_code as shift_code, plant_id, equipment_id,
    sum(case when pbt_s is not null and apt_s is not null and adet_eq_s is not null and books_output = 1 and books_rated = 1 and books_good = 1 and unknown_good_counts = 0 then adet_eq_s end) as adet_eq_s__plan_run_time_states_output_rate_good,
    sum(case when pbt_s is not null and adet_eq_s is not null then adet_eq_s end) as adet_eq_s__plan_states,
    sum(case when apt_s is not null and adet_eq_s is not null then adet_eq_s end) as adet_eq_s__run_time_states,
    sum(case when pbt_s is not null and apt_s is not null and adet_eq_s is not null and books_output = 1 and books_rated = 1 and books_good = 1 and unknown_good_counts = 0 then adet_org_s end) as adet_org_s__plan_run_time_states_output_rate_good,
    sum(case when apt_s is not null and adet_eq_s is not null then adet_org_s end) as adet_org_s__run_time_states,
    sum(case when pbt_s is not null and apt_s is not null and adet_eq_s is not null and books_output = 1 and books_rated = 1 and books_good = 1 and unknown_good_counts = 0 then adot_s end) as adot_s__plan_run_time_states_output_rate_good,
    sum(case when pbt_s is not null and apt_s is not null and books_output = 1 and books_rated = 1 and books_good = 1 and unknown_good_counts = 0 then apt_rated_s end) as apt_rated_s__plan_run_time_output_rate_good,
    sum(case when apt_s is not null and books_output = 1 and books_rated = 1 then apt_rated_s end) as apt_rated_s__run_time_output_rate,
    sum(case when pbt_s is not null and apt_s is not null then apt_s end) as apt_s__plan_run_time,
    sum(case when pbt_s is not null and apt_s is not null and adet_eq_s is not null then apt_s end) as apt_s__plan_run_time_states,
    sum(case when pbt_s is not null and apt_s is not null and adet_eq_s is not null and books_output = 1 and books_rated = 1 and books_good = 1 and unknown_good_counts = 0 then apt_s end) as apt_s__plan_run_time_states_output_rate_good,
    sum(case when apt_s is not null then apt_s end) as apt_s__run_time,
    sum(case when apt_s is not null and adet_eq_s is not null then apt_s end) as apt_s__run_time_states,
    sum(case when pbt_s is not null and apt_s is not null then aubt_s end) as aubt_s__plan_run_time,
    sum(case when apt_s is not null then aubt_s end) as aubt_s__run_time,
    sum(case when pbt_s is not null and apt_s is not null and books_output = 1 and books_rated = 1 and books_good = 1 and unknown_good_counts = 0 then aupt_s end) as aupt_s__plan_run_time_output_rate_good,
    sum(case when apt_s is not null and adet_eq_s is not null then aupt_s end) as aupt_s__run_time_states,
    sum(case when pbt_s is not null and apt_s is not null and adet_eq_s is not null and books_output = 1 and books_rated = 1 and books_good = 1 and unknown_good_counts = 0 then aust_s end) as aust_s__plan_run_time_states_output_rate_good,
    sum(case when apt_s is not null and adet_eq_s is not null then aust_s end) as aust_s__run_time_states,
    cast(round(sum(case when pbt_s is not null and books_output = 1 and books_rated = 1 and books_good = 1 and unknown_good_counts = 0 then cast(pbt_s as double) end) * sum(case when pbt_s is not null and books_output = 1 and books_rated = 1 and books_good = 1 and unknown_good_counts = 0 then cast(pq as double) end) / nullif(sum(case when pbt_s is not null and books_output = 1 and books_rated = 1 and books_good = 1 and unknown_good_counts = 0 then cast(ideal_pq_s as double) end), 0), 6) as decimal(28, 6)) as capacity_qty__plan_output_rate_good,
    sum(case when adet_eq_s is not null then coded_stop_s end) as coded_stop_s__states,
    sum(case when books_output = 1 and books_rated = 1 and books_good = 1 and unknown_good_counts = 0 then ct_s end) as ct_s__output_rate_good,
    sum(case when pbt_s is not null then ct_s end) as ct_s__plan,
    sum(case when apt_s is not null then ct_s end) as ct_s__run_time,
    sum(case when apt_s is not null and adet_eq_s is not null then fe end) as fe__run_time_states,
    sum(case when adet_eq_s is not null then fe end) as fe__states,
    sum(case when books_output = 1 and books_good = 1 and unknown_good_counts = 0 then coalesce(gq, 0) end) as gq__output_good,
    sum(case when pbt_s is not null and books_output = 1 and books_rated = 1 and books_good = 1 and unknown_good_counts = 0 then coalesce(gq, 0) end) as gq__plan_output_rate_good,
    sum(case when books_output = 1 and books_rated = 1 and books_good = 1 and unknown_good_counts = 0 then coalesce(ideal_gq_s, 0) end) as ideal_gq_s__output_rate_good,
    sum(case when pbt_s is not null and books_output = 1 and books_rated = 1 and books_good = 1 and unknown_good_counts = 0 then coalesce(ideal_gq_s, 0) end) as ideal_gq_s__plan_output_rate_good,
    sum(case when pbt_s is not null and apt_s is not null and books_output = 1 and books_rated = 1 and books_good = 1 and unknown_good_counts = 0 then coalesce(ideal_gq_s, 0) end) as ideal_gq_s__plan_run_time_output_rate_good,
    sum(case when pbt_s is not null and apt_s is not null and adet_eq_s is not null and books_output = 1 and books_rated = 1 and books_good = 1 and unknown_good_counts = 0 then coalesce(ideal_gq_s, 0) end) as ideal_gq_s__plan_run_time_states_output_rate_good,
    sum(case when books_output = 1 and books_rated = 1 and books_good = 1 and unknown_good_counts = 0 then coalesce(ideal_pq_s, 0) end) as ideal_pq_s__output_rate_good,
    sum(case when pbt_s is not null and books_output = 1 and books_rated = 1 then coalesce(ideal_pq_s, 0) end) as ideal_pq_s__plan_output_rate,
    sum(case when pbt_s is not null and apt_s is not null and adet_eq_s is not null and books_output = 1 and books_rated = 1 and books_good = 1 and unknown_good_counts = 0 then coalesce(ideal_pq_s, 0) end) as ideal_pq_s__plan_run_time_states_output_rate_good,
    sum(case when apt_s is not null and books_output = 1 and books_rated = 1 then coalesce(ideal_pq_s, 0) end) as ideal_pq_s__run_time_output_rate,
    sum(case when books_output = 1 and books_rated = 1 and books_good = 1 and unknown_good_counts = 0 then coalesce(local_ideal_gq_s, 0) end) as local_ideal_gq_s__output_rate_good,
    sum(case when pbt_s is not null and books_output = 1 and books_rated = 1 and books_good = 1 and unknown_good_counts = 0 then coalesce(local_ideal_gq_s, 0) end) as local_ideal_gq_s__plan_output_rate_good,
    sum(case when books_output = 1 and books_rated = 1 and books_good = 1 and unknown_good_counts = 0 then coalesce(local_ideal_pq_s, 0) end) as local_ideal_pq_s__output_rate_good,
    sum(case when pbt_s is not null and books_output = 1 and books_rated = 1 then coalesce(local_ideal_pq_s, 0) end) as local_ideal_pq_s__plan_output_rate,
    sum(case when apt_s is not null and books_output = 1 and books_rated = 1 then coalesce(local_ideal_pq_s, 0) end) as local_ideal_pq_s__run_time_output_rate,
    sum(case when pbt_s is not null and books_output = 1 and books_rated = 1 then local_pbt_s end) as local_pbt_s__plan_output_rate,
    sum(case when pbt_s is not null and books_output = 1 and books_rated = 1 and books_good = 1 and unknown_good_counts = 0 then local_pbt_s end) as local_pbt_s__plan_output_rate_good,
    sum(case when pbt_s is not null and apt_s is not null then local_pbt_s end) as local_pbt_s__plan_run_time,
    sum(case when apt_s is not null and books_output = 1 and books_rated = 1 then micro_rated_s end) as micro_rated_s__run_time_output_rate,
    sum(case when pbt_s is not null and apt_s is not null and adet_eq_s is not null then micro_s end) as micro_s__plan_run_time_states,
    sum(case when pbt_s is not null and apt_s is not null and adet_eq_s is not null and books_output = 1 and books_rated = 1 and books_good = 1 and unknown_good_counts = 0 then micro_s end) as micro_s__plan_run_time_states_output_rate_good,
    sum(case when apt_s is not null and adet_eq_s is not null then micro_s end) as micro_s__run_time_states,
    sum(case when pbt_s is not null then pbt_s end) as pbt_s__plan,
    sum(case when pbt_s is not null and books_output = 1 and books_rated = 1 then pbt_s end) as pbt_s__plan_output_rate,
    sum(case when pbt_s is not null and books_output = 1 and books_rated = 1 and books_good = 1 and unknown_good_counts = 0 then pbt_s end) as pbt_s__plan_output_rate_good,
    sum(case when pbt_s is not null and apt_s is not null then pbt_s end) as pbt_s__plan_run_time,
    sum(case when pbt_s is not null and apt_s is not null and books_output = 1 and books_rated = 1 and books_good = 1 and unknown_good_counts = 0 then pbt_s end) as pbt_s__plan_run_time_output_rate_good,
    sum(case when pbt_s is not null and apt_s is not null and adet_eq_s is not null then pbt_s end) as pbt_s__plan_run_time_states,
    sum(case when pbt_s is not null and apt_s is not null and adet_eq_s is not null and books_output = 1 and books_rated = 1 and books_good = 1 and unknown_good_counts = 0 then pbt_s end) as pbt_s__plan_run_time_states_output_rate_good,
    sum(case when pbt_s is not null and adet_eq_s is not null then pbt_s end) as pbt_s__plan_states,
    sum(case when pbt_s is not null and books_output = 1 and books_rated = 1 then pot_s end) as pot_s__plan_output_rate,
    sum(case when pbt_s is not null and books_output = 1 and books_rated = 1 and books_good = 1 and unknown_good_counts = 0 then pot_s end) as pot_s__plan_output_rate_good,
    sum(case when books_output = 1 and books_good = 1 and unknown_good_counts = 0 then coalesce(pq, 0) end) as pq__output_good,
    sum(case when books_output = 1 and unknown_rework = 0 then coalesce(pq, 0) end) as pq__output_rework,
    sum(case when books_output = 1 and unknown_scrap = 0 then coalesce(pq, 0) end) as pq__output_scrap,
    sum(case when books_output = 1 and unknown_rework = 0 then coalesce(rq, 0) end) as rq__output_rework,
    sum(case when adet_eq_s is not null then setup_count end) as setup_count__states,
    sum(case when adet_eq_s is not null then setup_elapsed_s end) as setup_elapsed_s__states,
    sum(case when books_output = 1 and unknown_scrap = 0 then coalesce(sq, 0) end) as sq__output_scrap,
    sum(case when adet_eq_s is not null then stop_s end) as stop_s__states,
    sum(case when apt_s is not null and adet_eq_s is not null then tbf_s end) as tbf_s__run_time_states,
    sum(case when apt_s is not null and adet_eq_s is not null then ttr_s end) as ttr_s__run_time_states,
    sum(case when adet_eq_s is not null then ttr_s end) as ttr_s__states,
    sum(case when pbt_s is not null and apt_s is not null then unknown_s end) as unknown_s__plan_run_time,
    sum(case when pbt_s is not null and apt_s is not null and adet_eq_s is not null then unknown_s end) as unknown_s__plan_run_time_states,
    sum(case when pbt_s is not null and apt_s is not null and adet_eq_s is not null and books_output = 1 and books_rated = 1 and books_good = 1 and unknown_good_counts = 0 then unknown_s end) as unknown_s__plan_run_time_states_output_rate_good,
    sum(case when pbt_s is not null and adet_eq_s is not null then unknown_s end) as unknown_s__plan_states,
    sum(pbt_s) as pbt_s,
    sum(unknown_s) as unknown_s,
    sum(rate_base_s) as rate_base_s,
    sum(rate_known_s) as rate_known_s,
    sum(expected_count_shifts) as expected_count_shifts,
    sum(reported_count_shifts) as reported_count_shifts,
    sum(coded_stop_s) as coded_stop_s,
    sum(stop_s) as stop_s,
    sum(told_pbt_s) as told_pbt_s,
    sum(unknown_good_counts) as unknown_good_counts,
    sum(outside_counts) as outside_counts,
    sum(unknown_scrap) as unknown_scrap,
    sum(good_equiv_units) as good_equiv_units,
    sum(unknown_rework) as unknown_rework,
    sum(case when books_rated = 1 then rate_base_s end) as rate_in_s,
    sum(case when books_rated = 1 then rate_known_s end) as rate_known_in_s,
    sum(ideal_pq_s) as rated_s,
    sum(ideal_best_s) as ideal_best_s,
    sum(ideal_engineered_s) as ideal_engineered_s,
    sum(ideal_erp_s) as ideal_erp_s,
    max(case when books_output = 1 and books_good = 1 and unknown_good_counts = 0 then 1 else 0 end) as in_output_good,
    max(case when books_output = 1 and books_rated = 1 and books_good = 1 and unknown_good_counts = 0 then 1 else 0 end) as in_output_rate_good,
    max(case when books_output = 1 and unknown_rework = 0 then 1 else 0 end) as in_output_rework,
    max(case when books_output = 1 and unknown_scrap = 0 then 1 else 0 end) as in_output_scrap,
    max(case when pbt_s is not null then 1 else 0 end) as in_plan,
    max(case when pbt_s is not null and books_output = 1 and books_rated = 1 then 1 else 0 end) as in_plan_output_rate,
    max(case when pbt_s is not null and books_output = 1 and books_rated = 1 and books_good = 1 and unknown_good_counts = 0 then 1 else 0 end) as in_plan_output_rate_good,
    max(case when pbt_s is not null and apt_s is not null then 1 else 0 end) as in_plan_run_time,
    max(case when pbt_s is not null and apt_s is not null and books_output = 1 and books_rated = 1 and books_good = 1 and unknown_good_counts = 0 then 1 else 0 end) as in_plan_run_time_output_rate_good,
    max(case when pbt_s is not null and apt_s is not null and adet_eq_s is not null then 1 else 0 end) as in_plan_run_time_states,
    max(case when pbt_s is not null and apt_s is not null and adet_eq_s is not null and books_output = 1 and books_rated = 1 and books_good = 1 and unknown_good_counts = 0 then 1 else 0 end) as in_plan_run_time_states_output_rate_good,
    max(case when pbt_s is not null and adet_eq_s is not null then 1 else 0 end) as in_plan_states,
    max(case when apt_s is not null then 1 else 0 end) as in_run_time,
    max(case when apt_s is not null and books_output = 1 and books_rated = 1 then 1 else 0 end) as in_run_time_output_rate,
    max(case when apt_s is not null and adet_eq_s is not null then 1 else 0 end) as in_run_time_states,
    max(case when adet_eq_s is not null then 1 else 0 end) as in_states,
    max(is_residual) as is_residual,
    max(is_none) as is_none,
    max(is_preliminary) as is_preliminary,
    max(has_overlap) as has_overlap,
    max(has_ambiguous) as has_ambiguous,
    max(has_allocated) as has_allocated,
    max(has_stop_counts) as has_stop_counts,
    max(release_id) as release_id,
    max(as_of_ts) as as_of_ts
from known
group by plant_id, equipment_id, production_day, shift_code
union all
select
    'DAY' as period_type, production_day as period_start, cast(null as varchar) as shift_code, plant_id, equipment_id,
    sum(case when pbt_s is not null and apt_s is not null and adet_eq_s is not null and books_output = 1 and books_rated = 1 and books_good = 1 and unknown_good_counts = 0 then adet_eq_s end) as adet_eq_s__plan_run_time_states_output_rate_good,
    sum(case when pbt_s is not null and adet_eq_s is not null then adet_eq_s end) as adet_eq_s__plan_states,
    sum(case when apt_s is not null and adet_eq_s is not null then adet_eq_s end) as adet_eq_s__run_time_states,
    sum(case when pbt_s is not null and apt_s is not null and adet_eq_s is not null and books_output = 1 and books_rated = 1 and books_good = 1 and unknown_good_counts = 0 then adet_org_s end) as adet_org_s__plan_run_time_states_output_rate_good,
    sum(case when apt_s is not null and adet_eq_s is not null then adet_org_s end) as adet_org_s__run_time_states,
    sum(case when pbt_s is not null and apt_s is not null and adet_eq_s is not null and books_output = 1 and books_rated = 1 and books_good = 1 and unknown_good_counts = 0 then adot_s end) as adot_s__plan_run_time_states_output_rate_good,
    sum(case when pbt_s is not null and apt_s is not null and books_output = 1 and books_rated = 1 and books_good = 1 and unknown_good_counts = 0 then apt_rated_s end) as apt_rated_s__plan_run_time_output_rate_good,
    sum(case when apt_s is not null and books_output = 1 and books_rated = 1 then apt_rated_s end) as apt_rated_s__run_time_output_rate,
    sum(case when pbt_s is not null and apt_s is not null then apt_s end) as apt_s__plan_run_time,
    sum(case when pbt_s is not null and apt_s is not null and adet_eq_s is not null then apt_s end) as apt_s__plan_run_time_states,
    sum(case when pbt_s is not null and apt_s is not null and adet_eq_s is not null and books_output = 1 and books_rated = 1 and books_good = 1 and unknown_good_counts = 0 then apt_s end) as apt_s__plan_run_time_states_output_rate_good,
    sum(case when apt_s is not null then apt_s end) as apt_s__run_time,
    sum(case when apt_s is not null and adet_eq_s is not null then apt_s end) as apt_s__run_time_states,
    sum(case when pbt_s is not null and apt_s is not null then aubt_s end) as aubt_s__plan_run_time,
    sum(case when apt_s is not null then aubt_s end) as aubt_s__run_time,
    sum(case when pbt_s is not null and apt_s is not null and books_output = 1 and books_rated = 1 and books_good = 1 and unknown_good_counts = 0 then aupt_s end) as aupt_s__plan_run_time_output_rate_good,
    sum(case when apt_s is not null and adet_eq_s is not null then aupt_s end) as aupt_s__run_time_states,
    sum(case when pbt_s is not null and apt_s is not null and adet_eq_s is not null and books_output = 1 and books_rated = 1 and books_good = 1 and unknown_good_counts = 0 then aust_s end) as aust_s__plan_run_time_states_output_rate_good,
    sum(case when apt_s is not null and adet_eq_s is not null then aust_s end) as aust_s__run_time_states,
    cast(round(sum(case when pbt_s is not null and books_output = 1 and books_rated = 1 and books_good = 1 and unknown_good_counts = 0 then cast(pbt_s as double) end) * sum(case when pbt_s is not null and books_output = 1 and books_rated = 1 and books_good = 1 and unknown_good_counts = 0 then cast(pq as double) end) / nullif(sum(case when pbt_s is not null and books_output = 1 and books_rated = 1 and books_good = 1 and unknown_good_counts = 0 then cast(ideal_pq_s as double) end), 0), 6) as decimal(28, 6)) as capacity_qty__plan_output_rate_good,
    sum(case when adet_eq_s is not null then coded_stop_s end) as coded_stop_s__states,
    sum(case when books_output = 1 and books_rated = 1 and books_good = 1 and unknown_good_counts = 0 then ct_s end) as ct_s__output_rate_good,
    sum(case when pbt_s is not null then ct_s end) as ct_s__plan,
    sum(case when apt_s is not null then ct_s end) as ct_s__run_time,
    sum(case when apt_s is not null and adet_eq_s is not null then fe end) as fe__run_time_states,
    sum(case when adet_eq_s is not null then fe end) as fe__states,
    sum(case when books_output = 1 and books_good = 1 and unknown_good_counts = 0 then coalesce(gq, 0) end) as gq__output_good,
    sum(case when pbt_s is not null and books_output = 1 and books_rated = 1 and books_good = 1 and unknown_good_counts = 0 then coalesce(gq, 0) end) as gq__plan_output_rate_good,
    sum(case when books_output = 1 and books_rated = 1 and books_good = 1 and unknown_good_counts = 0 then coalesce(ideal_gq_s, 0) end) as ideal_gq_s__output_rate_good,
    sum(case when pbt_s is not null and books_output = 1 and books_rated = 1 and books_good = 1 and unknown_good_counts = 0 then coalesce(ideal_gq_s, 0) end) as ideal_gq_s__plan_output_rate_good,
    sum(case when pbt_s is not null and apt_s is not null and books_output = 1 and books_rated = 1 and books_good = 1 and unknown_good_counts = 0 then coalesce(ideal_gq_s, 0) end) as ideal_gq_s__plan_run_time_output_rate_good,
    sum(case when pbt_s is not null and apt_s is not null and adet_eq_s is not null and books_output = 1 and books_rated = 1 and books_good = 1 and unknown_good_counts = 0 then coalesce(ideal_gq_s, 0) end) as ideal_gq_s__plan_run_time_states_output_rate_good,
    sum(case when books_output = 1 and books_rated = 1 and books_good = 1 and unknown_good_counts = 0 then coalesce(ideal_pq_s, 0) end) as ideal_pq_s__output_rate_good,
    sum(case when pbt_s is not null and books_output = 1 and books_rated = 1 then coalesce(ideal_pq_s, 0) end) as ideal_pq_s__plan_output_rate,
    sum(case when pbt_s is not null and apt_s is not null and adet_eq_s is not null and books_output = 1 and books_rated = 1 and books_good = 1 and unknown_good_counts = 0 then coalesce(ideal_pq_s, 0) end) as ideal_pq_s__plan_run_time_states_output_rate_good,
    sum(case when apt_s is not null and books_output = 1 and books_rated = 1 then coalesce(ideal_pq_s, 0) end) as ideal_pq_s__run_time_output_rate,
    sum(case when books_output = 1 and books_rated = 1 and books_good = 1 and unknown_good_counts = 0 then coalesce(local_ideal_gq_s, 0) end) as local_ideal_gq_s__output_rate_good,
    sum(case when pbt_s is not null and books_output = 1 and books_rated = 1 and books_good = 1 and unknown_good_counts = 0 then coalesce(local_ideal_gq_s, 0) end) as local_ideal_gq_s__plan_output_rate_good,
    sum(case when books_output = 1 and books_rated = 1 and books_good = 1 and unknown_good_counts = 0 then coalesce(local_ideal_pq_s, 0) end) as local_ideal_pq_s__output_rate_good,
    sum(case when pbt_s is not null and books_output = 1 and books_rated = 1 then coalesce(local_ideal_pq_s, 0) end) as local_ideal_pq_s__plan_output_rate,
    sum(case when apt_s is not null and books_output = 1 and books_rated = 1 then coalesce(local_ideal_pq_s, 0) end) as local_ideal_pq_s__run_time_output_rate,
    sum(case when pbt_s is not null and books_output = 1 and books_rated = 1 then local_pbt_s end) as local_pbt_s__plan_output_rate,
    sum(case when pbt_s is not null and books_output = 1 and books_rated = 1 and books_good = 1 and unknown_good_counts = 0 then local_pbt_s end) as local_pbt_s__plan_output_rate_good,
    sum(case when pbt_s is not null and apt_s is not null then local_pbt_s end) as local_pbt_s__plan_run_time,
    sum(case when apt_s is not null and books_output = 1 and books_rated = 1 then micro_rated_s end) as micro_rated_s__run_time_output_rate,
    sum(case when pbt_s is not null and apt_s is not null and adet_eq_s is not null then micro_s end) as micro_s__plan_run_time_states,
    sum(case when pbt_s is not null and apt_s is not null and adet_eq_s is not null and books_output = 1 and books_rated = 1 and books_good = 1 and unknown_good_counts = 0 then micro_s end) as micro_s__plan_run_time_states_output_rate_good,
    sum(case when apt_s is not null and adet_eq_s is not null then micro_s end) as micro_s__run_time_states,
    sum(case when pbt_s is not null then pbt_s end) as pbt_s__plan,
    sum(case when pbt_s is not null and books_output = 1 and books_rated = 1 then pbt_s end) as pbt_s__plan_output_rate,
    sum(case when pbt_s is not null and books_output = 1 and books_rated = 1 and books_good = 1 and unknown_good_counts = 0 then pbt_s end) as pbt_s__plan_output_rate_good,
    sum(case when pbt_s is not null and apt_s is not null then pbt_s end) as pbt_s__plan_run_time,
    sum(case when pbt_s is not null and apt_s is not null and books_output = 1 and books_rated = 1 and books_good = 1 and unknown_good_counts = 0 then pbt_s end) as pbt_s__plan_run_time_output_rate_good,
    sum(case when pbt_s is not null and apt_s is not null and adet_eq_s is not null then pbt_s end) as pbt_s__plan_run_time_states,
    sum(case when pbt_s is not null and apt_s is not null and adet_eq_s is not null and books_output = 1 and books_rated = 1 and books_good = 1 and unknown_good_counts = 0 then pbt_s end) as pbt_s__plan_run_time_states_output_rate_good,
    sum(case when pbt_s is not null and adet_eq_s is not null then pbt_s end) as pbt_s__plan_states,
    sum(case when pbt_s is not null and books_output = 1 and books_rated = 1 then pot_s end) as pot_s__plan_output_rate,
    sum(case when pbt_s is not null and books_output = 1 and books_rated = 1 and books_good = 1 and unknown_good_counts = 0 then pot_s end) as pot_s__plan_output_rate_good,
    sum(case when books_output = 1 and books_good = 1 and unknown_good_counts = 0 then coalesce(pq, 0) end) as pq__output_good,
    sum(case when books_output = 1 and unknown_rework = 0 then coalesce(pq, 0) end) as pq__output_rework,
    sum(case when books_output = 1 and unknown_scrap = 0 then coalesce(pq, 0) end) as pq__output_scrap,
    sum(case when books_output = 1 and unknown_rework = 0 then coalesce(rq, 0) end) as rq__output_rework,
    sum(case when adet_eq_s is not null then setup_count end) as setup_count__states,
    sum(case when adet_eq_s is not null then setup_elapsed_s end) as setup_elapsed_s__states,
    sum(case when books_output = 1 and unknown_scrap = 0 then coalesce(sq, 0) end) as sq__output_scrap,
    sum(case when adet_eq_s is not null then stop_s end) as stop_s__states,
    sum(case when apt_s is not null and adet_eq_s is not null then tbf_s end) as tbf_s__run_time_states,
    sum(case when apt_s is not null and adet_eq_s is not null then ttr_s end) as ttr_s__run_time_states,
    sum(case when adet_eq_s is not null then ttr_s end) as ttr_s__states,
    sum(case when pbt_s is not null and apt_s is not null then unknown_s end) as unknown_s__plan_run_time,
    sum(case when pbt_s is not null and apt_s is not null and adet_eq_s is not null then unknown_s end) as unknown_s__plan_run_time_states,
    sum(case when pbt_s is not null and apt_s is not null and adet_eq_s is not null and books_output = 1 and books_rated = 1 and books_good = 1 and unknown_good_counts = 0 then unknown_s end) as unknown_s__plan_run_time_states_output_rate_good,
    sum(case when pbt_s is not null and adet_eq_s is not null then unknown_s end) as unknown_s__plan_states,
    sum(pbt_s) as pbt_s,
    sum(unknown_s) as unknown_s,
    sum(rate_base_s) as rate_base_s,
    sum(rate_known_s) as rate_known_s,
    sum(expected_count_shifts) as expected_count_shifts,
    sum(reported_count_shifts) as reported_count_shifts,
    sum(coded_stop_s) as coded_stop_s,
    sum(stop_s) as stop_s,
    sum(told_pbt_s) as told_pbt_s,
    sum(unknown_good_counts) as unknown_good_counts,
    sum(outside_counts) as outside_counts,
    sum(unknown_scrap) as unknown_scrap,
    sum(good_equiv_units) as good_equiv_units,
    sum(unknown_rework) as unknown_rework,
    sum(case when books_rated = 1 then rate_base_s end) as rate_in_s,
    sum(case when books_rated = 1 then rate_known_s end) as rate_known_in_s,
    sum(ideal_pq_s) as rated_s,
    sum(ideal_best_s) as ideal_best_s,
    sum(ideal_engineered_s) as ideal_engineered_s,
    sum(ideal_erp_s) as ideal_erp_s,
    max(case when books_output = 1 and books_good = 1 and unknown_good_counts = 0 then 1 else 0 end) as in_output_good,
    max(case when books_output = 1 and books_rated = 1 and books_good = 1 and unknown_good_counts = 0 then 1 else 0 end) as in_output_rate_good,
    max(case when books_output = 1 and unknown_rework = 0 then 1 else 0 end) as in_output_rework,
    max(case when books_output = 1 and unknown_scrap = 0 then 1 else 0 end) as in_output_scrap,
    max(case when pbt_s is not null then 1 else 0 end) as in_plan,
    max(case when pbt_s is not null and books_output = 1 and books_rated = 1 then 1 else 0 end) as in_plan_output_rate,
    max(case when pbt_s is not null and books_output = 1 and books_rated = 1 and books_good = 1 and unknown_good_counts = 0 then 1 else 0 end) as in_plan_output_rate_good,
    max(case when pbt_s is not null and apt_s is not null then 1 else 0 end) as in_plan_run_time,
    max(case when pbt_s is not null and apt_s is not null and books_output = 1 and books_rated = 1 and books_good = 1 and unknown_good_counts = 0 then 1 else 0 end) as in_plan_run_time_output_rate_good,
    max(case when pbt_s is not null and apt_s is not null and adet_eq_s is not null then 1 else 0 end) as in_plan_run_time_states,
    max(case when pbt_s is not null and apt_s is not null and adet_eq_s is not null and books_output = 1 and books_rated = 1 and books_good = 1 and unknown_good_counts = 0 then 1 else 0 end) as in_plan_run_time_states_output_rate_good,
    max(case when pbt_s is not null and adet_eq_s is not null then 1 else 0 end) as in_plan_states,
    max(case when apt_s is not null then 1 else 0 end) as in_run_time,
    max(case when apt_s is not null and books_output = 1 and books_rated = 1 then 1 else 0 end) as in_run_time_output_rate,
    max(case when apt_s is not null and adet_eq_s is not null then 1 else 0 end) as in_run_time_states,
    max(case when adet_eq_s is not null then 1 else 0 end) as in_states,
    max(is_residual) as is_residual,
    max(is_none) as is_none,
    max(is_preliminary) as is_preliminary,
    max(has_overlap) as has_overlap,
    max(has_ambiguous) as has_ambiguous,
    max(has_allocated) as has_allocated,
    max(has_stop_counts) as has_stop_counts,
    max(release_id) as release_id,
    max(as_of_ts) as as_of_ts
from known
group by plant_id, equipment_id, production_day
union all
select
    'WEEK' as period_type, cast(date_trunc('week', production_day) as date) as period_start, cast(null as varchar) as shift_code, plant_id, equipment_id,
    sum(case when pbt_s is not null and apt_s is not null and adet_eq_s is not null and books_output = 1 and books_rated = 1 and books_good = 1 and unknown_good_counts = 0 then adet_eq_s end) as adet_eq_s__plan_run_time_states_output_rate_good,
    sum(case when pbt_s is not null and adet_eq_s is not null then adet_eq_s end) as adet_eq_s__plan_states,
    sum(case when apt_s is not null and adet_eq_s is not null then adet_eq_s end) as adet_eq_s__run_time_states,
    sum(case when pbt_s is not null and apt_s is not null and adet_eq_s is not null and books_output = 1 and books_rated = 1 and books_good = 1 and unknown_good_counts = 0 then adet_org_s end) as adet_org_s__plan_run_time_states_output_rate_good,
    sum(case when apt_s is not null and adet_eq_s is not null then adet_org_s end) as adet_org_s__run_time_states,
    sum(case when pbt_s is not null and apt_s is not null and adet_eq_s is not null and books_output = 1 and books_rated = 1 and books_good = 1 and unknown_good_counts = 0 then adot_s end) as adot_s__plan_run_time_states_output_rate_good,
    sum(case when pbt_s is not null and apt_s is not null and books_output = 1 and books_rated = 1 and books_good = 1 and unknown_good_counts = 0 then apt_rated_s end) as apt_rated_s__plan_run_time_output_rate_good,
    sum(case when apt_s is not null and books_output = 1 and books_rated = 1 then apt_rated_s end) as apt_rated_s__run_time_output_rate,
    sum(case when pbt_s is not null and apt_s is not null then apt_s end) as apt_s__plan_run_time,
    sum(case when pbt_s is not null and apt_s is not null and adet_eq_s is not null then apt_s end) as apt_s__plan_run_time_states,
    sum(case when pbt_s is not null and apt_s is not null and adet_eq_s is not null and books_output = 1 and books_rated = 1 and books_good = 1 and unknown_good_counts = 0 then apt_s end) as apt_s__plan_run_time_states_output_rate_good,
    sum(case when apt_s is not null then apt_s end) as apt_s__run_time,
    sum(case when apt_s is not null and adet_eq_s is not null then apt_s end) as apt_s__run_time_states,
    sum(case when pbt_s is not null and apt_s is not null then aubt_s end) as aubt_s__plan_run_time,
    sum(case when apt_s is not null then aubt_s end) as aubt_s__run_time,
    sum(case when pbt_s is not null and apt_s is not null and books_output = 1 and books_rated = 1 and books_good = 1 and unknown_good_counts = 0 then aupt_s end) as aupt_s__plan_run_time_output_rate_good,
    sum(case when apt_s is not null and adet_eq_s is not null then aupt_s end) as aupt_s__run_time_states,
    sum(case when pbt_s is not null and apt_s is not null and adet_eq_s is not null and books_output = 1 and books_rated = 1 and books_good = 1 and unknown_good_counts = 0 then aust_s end) as aust_s__plan_run_time_states_output_rate_good,
    sum(case when apt_s is not null and adet_eq_s is not null then aust_s end) as aust_s__run_time_states,
    cast(round(sum(case when pbt_s is not null and books_output = 1 and books_rated = 1 and books_good = 1 and unknown_good_counts = 0 then cast(pbt_s as double) end) * sum(case when pbt_s is not null and books_output = 1 and books_rated = 1 and books_good = 1 and unknown_good_counts = 0 then cast(pq as double) end) / nullif(sum(case when pbt_s is not null and books_output = 1 and books_rated = 1 and books_good = 1 and unknown_good_counts = 0 then cast(ideal_pq_s as double) end), 0), 6) as decimal(28, 6)) as capacity_qty__plan_output_rate_good,
    sum(case when adet_eq_s is not null then coded_stop_s end) as coded_stop_s__states,
    sum(case when books_output = 1 and books_rated = 1 and books_good = 1 and unknown_good_counts = 0 then ct_s end) as ct_s__output_rate_good,
    sum(case when pbt_s is not null then ct_s end) as ct_s__plan,
    sum(case when apt_s is not null then ct_s end) as ct_s__run_time,
    sum(case when apt_s is not null and adet_eq_s is not null then fe end) as fe__run_time_states,
    sum(case when adet_eq_s is not null then fe end) as fe__states,
    sum(case when books_output = 1 and books_good = 1 and unknown_good_counts = 0 then coalesce(gq, 0) end) as gq__output_good,
    sum(case when pbt_s is not null and books_output = 1 and books_rated = 1 and books_good = 1 and unknown_good_counts = 0 then coalesce(gq, 0) end) as gq__plan_output_rate_good,
    sum(case when books_output = 1 and books_rated = 1 and books_good = 1 and unknown_good_counts = 0 then coalesce(ideal_gq_s, 0) end) as ideal_gq_s__output_rate_good,
    sum(case when pbt_s is not null and books_output = 1 and books_rated = 1 and books_good = 1 and unknown_good_counts = 0 then coalesce(ideal_gq_s, 0) end) as ideal_gq_s__plan_output_rate_good,
    sum(case when pbt_s is not null and apt_s is not null and books_output = 1 and books_rated = 1 and books_good = 1 and unknown_good_counts = 0 then coalesce(ideal_gq_s, 0) end) as ideal_gq_s__plan_run_time_output_rate_good,
    sum(case when pbt_s is not null and apt_s is not null and adet_eq_s is not null and books_output = 1 and books_rated = 1 and books_good = 1 and unknown_good_counts = 0 then coalesce(ideal_gq_s, 0) end) as ideal_gq_s__plan_run_time_states_output_rate_good,
    sum(case when books_output = 1 and books_rated = 1 and books_good = 1 and unknown_good_counts = 0 then coalesce(ideal_pq_s, 0) end) as ideal_pq_s__output_rate_good,
    sum(case when pbt_s is not null and books_output = 1 and books_rated = 1 then coalesce(ideal_pq_s, 0) end) as ideal_pq_s__plan_output_rate,
    sum(case when pbt_s is not null and apt_s is not null and adet_eq_s is not null and books_output = 1 and books_rated = 1 and books_good = 1 and unknown_good_counts = 0 then coalesce(ideal_pq_s, 0) end) as ideal_pq_s__plan_run_time_states_output_rate_good,
    sum(case when apt_s is not null and books_output = 1 and books_rated = 1 then coalesce(ideal_pq_s, 0) end) as ideal_pq_s__run_time_output_rate,
    sum(case when books_output = 1 and books_rated = 1 and books_good = 1 and unknown_good_counts = 0 then coalesce(local_ideal_gq_s, 0) end) as local_ideal_gq_s__output_rate_good,
    sum(case when pbt_s is not null and books_output = 1 and books_rated = 1 and books_good = 1 and unknown_good_counts = 0 then coalesce(local_ideal_gq_s, 0) end) as local_ideal_gq_s__plan_output_rate_good,
    sum(case when books_output = 1 and books_rated = 1 and books_good = 1 and unknown_good_counts = 0 then coalesce(local_ideal_pq_s, 0) end) as local_ideal_pq_s__output_rate_good,
    sum(case when pbt_s is not null and books_output = 1 and books_rated = 1 then coalesce(local_ideal_pq_s, 0) end) as local_ideal_pq_s__plan_output_rate,
    sum(case when apt_s is not null and books_output = 1 and books_rated = 1 then coalesce(local_ideal_pq_s, 0) end) as local_ideal_pq_s__run_time_output_rate,
    sum(case when pbt_s is not null and books_output = 1 and books_rated = 1 then local_pbt_s end) as local_pbt_s__plan_output_rate,
    sum(case when pbt_s is not null and books_output = 1 and books_rated = 1 and books_good = 1 and unknown_good_counts = 0 then local_pbt_s end) as local_pbt_s__plan_output_rate_good,
    sum(case when pbt_s is not null and apt_s is not null then local_pbt_s end) as local_pbt_s__plan_run_time,
    sum(case when apt_s is not null and books_output = 1 and books_rated = 1 then micro_rated_s end) as micro_rated_s__run_time_output_rate,
    sum(case when pbt_s is not null and apt_s is not null and adet_eq_s is not null then micro_s end) as micro_s__plan_run_time_states,
    sum(case when pbt_s is not null and apt_s is not null and adet_eq_s is not null and books_output = 1 and books_rated = 1 and books_good = 1 and unknown_good_counts = 0 then micro_s end) as micro_s__plan_run_time_states_output_rate_good,
    sum(case when apt_s is not null and adet_eq_s is not null then micro_s end) as micro_s__run_time_states,
    sum(case when pbt_s is not null then pbt_s end) as pbt_s__plan,
    sum(case when pbt_s is not null and books_output = 1 and books_rated = 1 then pbt_s end) as pbt_s__plan_output_rate,
    sum(case when pbt_s is not null and books_output = 1 and books_rated = 1 and books_good = 1 and unknown_good_counts = 0 then pbt_s end) as pbt_s__plan_output_rate_good,
    sum(case when pbt_s is not null and apt_s is not null then pbt_s end) as pbt_s__plan_run_time,
    sum(case when pbt_s is not null and apt_s is not null and books_output = 1 and books_rated = 1 and books_good = 1 and unknown_good_counts = 0 then pbt_s end) as pbt_s__plan_run_time_output_rate_good,
    sum(case when pbt_s is not null and apt_s is not null and adet_eq_s is not null then pbt_s end) as pbt_s__plan_run_time_states,
    sum(case when pbt_s is not null and apt_s is not null and adet_eq_s is not null and books_output = 1 and books_rated = 1 and books_good = 1 and unknown_good_counts = 0 then pbt_s end) as pbt_s__plan_run_time_states_output_rate_good,
    sum(case when pbt_s is not null and adet_eq_s is not null then pbt_s end) as pbt_s__plan_states,
    sum(case when pbt_s is not null and books_output = 1 and books_rated = 1 then pot_s end) as pot_s__plan_output_rate,
    sum(case when pbt_s is not null and books_output = 1 and books_rated = 1 and books_good = 1 and unknown_good_counts = 0 then pot_s end) as pot_s__plan_output_rate_good,
    sum(case when books_output = 1 and books_good = 1 and unknown_good_counts = 0 then coalesce(pq, 0) end) as pq__output_good,
    sum(case when books_output = 1 and unknown_rework = 0 then coalesce(pq, 0) end) as pq__output_rework,
    sum(case when books_output = 1 and unknown_scrap = 0 then coalesce(pq, 0) end) as pq__output_scrap,
    sum(case when books_output = 1 and unknown_rework = 0 then coalesce(rq, 0) end) as rq__output_rework,
    sum(case when adet_eq_s is not null then setup_count end) as setup_count__states,
    sum(case when adet_eq_s is not null then setup_elapsed_s end) as setup_elapsed_s__states,
    sum(case when books_output = 1 and unknown_scrap = 0 then coalesce(sq, 0) end) as sq__output_scrap,
    sum(case when adet_eq_s is not null then stop_s end) as stop_s__states,
    sum(case when apt_s is not null and adet_eq_s is not null then tbf_s end) as tbf_s__run_time_states,
    sum(case when apt_s is not null and adet_eq_s is not null then ttr_s end) as ttr_s__run_time_states,
    sum(case when adet_eq_s is not null then ttr_s end) as ttr_s__states,
    sum(case when pbt_s is not null and apt_s is not null then unknown_s end) as unknown_s__plan_run_time,
    sum(case when pbt_s is not null and apt_s is not null and adet_eq_s is not null then unknown_s end) as unknown_s__plan_run_time_states,
    sum(case when pbt_s is not null and apt_s is not null and adet_eq_s is not null and books_output = 1 and books_rated = 1 and books_good = 1 and unknown_good_counts = 0 then unknown_s end) as unknown_s__plan_run_time_states_output_rate_good,
    sum(case when pbt_s is not null and adet_eq_s is not null then unknown_s end) as unknown_s__plan_states,
    sum(pbt_s) as pbt_s,
    sum(unknown_s) as unknown_s,
    sum(rate_base_s) as rate_base_s,
    sum(rate_known_s) as rate_known_s,
    sum(expected_count_shifts) as expected_count_shifts,
    sum(reported_count_shifts) as reported_count_shifts,
    sum(coded_stop_s) as coded_stop_s,
    sum(stop_s) as stop_s,
    sum(told_pbt_s) as told_pbt_s,
    sum(unknown_good_counts) as unknown_good_counts,
    sum(outside_counts) as outside_counts,
    sum(unknown_scrap) as unknown_scrap,
    sum(good_equiv_units) as good_equiv_units,
    sum(unknown_rework) as unknown_rework,
    sum(case when books_rated = 1 then rate_base_s end) as rate_in_s,
    sum(case when books_rated = 1 then rate_known_s end) as rate_known_in_s,
    sum(ideal_pq_s) as rated_s,
    sum(ideal_best_s) as ideal_best_s,
    sum(ideal_engineered_s) as ideal_engineered_s,
    sum(ideal_erp_s) as ideal_erp_s,
    max(case when books_output = 1 and books_good = 1 and unknown_good_counts = 0 then 1 else 0 end) as in_output_good,
    max(case when books_output = 1 and books_rated = 1 and books_good = 1 and unknown_good_counts = 0 then 1 else 0 end) as in_output_rate_good,
    max(case when books_output = 1 and unknown_rework = 0 then 1 else 0 end) as in_output_rework,
    max(case when books_output = 1 and unknown_scrap = 0 then 1 else 0 end) as in_output_scrap,
    max(case when pbt_s is not null then 1 else 0 end) as in_plan,
    max(case when pbt_s is not null and books_output = 1 and books_rated = 1 then 1 else 0 end) as in_plan_output_rate,
    max(case when pbt_s is not null and books_output = 1 and books_rated = 1 and books_good = 1 and unknown_good_counts = 0 then 1 else 0 end) as in_plan_output_rate_good,
    max(case when pbt_s is not null and apt_s is not null then 1 else 0 end) as in_plan_run_time,
    max(case when pbt_s is not null and apt_s is not null and books_output = 1 and books_rated = 1 and books_good = 1 and unknown_good_counts = 0 then 1 else 0 end) as in_plan_run_time_output_rate_good,
    max(case when pbt_s is not null and apt_s is not null and adet_eq_s is not null then 1 else 0 end) as in_plan_run_time_states,
    max(case when pbt_s is not null and apt_s is not null and adet_eq_s is not null and books_output = 1 and books_rated = 1 and books_good = 1 and unknown_good_counts = 0 then 1 else 0 end) as in_plan_run_time_states_output_rate_good,
    max(case when pbt_s is not null and adet_eq_s is not null then 1 else 0 end) as in_plan_states,
    max(case when apt_s is not null then 1 else 0 end) as in_run_time,
    max(case when apt_s is not null and books_output = 1 and books_rated = 1 then 1 else 0 end) as in_run_time_output_rate,
    max(case when apt_s is not null and adet_eq_s is not null then 1 else 0 end) as in_run_time_states,
    max(case when adet_eq_s is not null then 1 else 0 end) as in_states,
    max(is_residual) as is_residual,
    max(is_none) as is_none,
    max(is_preliminary) as is_preliminary,
    max(has_overlap) as has_overlap,
    max(has_ambiguous) as has_ambiguous,
    max(has_allocated) as has_allocated,
    max(has_stop_counts) as has_stop_counts,
    max(release_id) as release_id,
    max(as_of_ts) as as_of_ts
from known
group by plant_id, equipment_id, cast(date_trunc('week', production_day) as date)
union all
select
    'MONTH' as period_type, cast(month as date) as period_start, cast(null as varchar) as shift_code, plant_id, equipment_id,
    sum(adet_eq_s__plan_run_time_states_output_rate_good) as adet_eq_s__plan_run_time_states_output_rate_good,
    sum(adet_eq_s__plan_states) as adet_eq_s__plan_states,
    sum(adet_eq_s__run_time_states) as adet_eq_s__run_time_states,
    sum(adet_org_s__plan_run_time_states_output_rate_good) as adet_org_s__plan_run_time_states_output_rate_good,
    sum(adet_org_s__run_time_states) as adet_org_s__run_time_states,
    sum(adot_s__plan_run_time_states_output_rate_good) as adot_s__plan_run_time_states_output_rate_good,
    sum(apt_rated_s__plan_run_time_output_rate_good) as apt_rated_s__plan_run_time_output_rate_good,
    sum(apt_rated_s__run_time_output_rate) as apt_rated_s__run_time_output_rate,
    sum(apt_s__plan_run_time) as apt_s__plan_run_time,
    sum(apt_s__plan_run_time_states) as apt_s__plan_run_time_states,
    sum(apt_s__plan_run_time_states_output_rate_good) as apt_s__plan_run_time_states_output_rate_good,
    sum(apt_s__run_time) as apt_s__run_time,
    sum(apt_s__run_time_states) as apt_s__run_time_states,
    sum(aubt_s__plan_run_time) as aubt_s__plan_run_time,
    sum(aubt_s__run_time) as aubt_s__run_time,
    sum(aupt_s__plan_run_time_output_rate_good) as aupt_s__plan_run_time_output_rate_good,
    sum(aupt_s__run_time_states) as aupt_s__run_time_states,
    sum(aust_s__plan_run_time_states_output_rate_good) as aust_s__plan_run_time_states_output_rate_good,
    sum(aust_s__run_time_states) as aust_s__run_time_states,
    sum(capacity_qty__plan_output_rate_good) as capacity_qty__plan_output_rate_good,
    sum(coded_stop_s__states) as coded_stop_s__states,
    sum(ct_s__output_rate_good) as ct_s__output_rate_good,
    sum(ct_s__plan) as ct_s__plan,
    sum(ct_s__run_time) as ct_s__run_time,
    sum(fe__run_time_states) as fe__run_time_states,
    sum(fe__states) as fe__states,
    sum(gq__output_good) as gq__output_good,
    sum(gq__plan_output_rate_good) as gq__plan_output_rate_good,
    sum(ideal_gq_s__output_rate_good) as ideal_gq_s__output_rate_good,
    sum(ideal_gq_s__plan_output_rate_good) as ideal_gq_s__plan_output_rate_good,
    sum(ideal_gq_s__plan_run_time_output_rate_good) as ideal_gq_s__plan_run_time_output_rate_good,
    sum(ideal_gq_s__plan_run_time_states_output_rate_good) as ideal_gq_s__plan_run_time_states_output_rate_good,
    sum(ideal_pq_s__output_rate_good) as ideal_pq_s__output_rate_good,
    sum(ideal_pq_s__plan_output_rate) as ideal_pq_s__plan_output_rate,
    sum(ideal_pq_s__plan_run_time_states_output_rate_good) as ideal_pq_s__plan_run_time_states_output_rate_good,
    sum(ideal_pq_s__run_time_output_rate) as ideal_pq_s__run_time_output_rate,
    sum(local_ideal_gq_s__output_rate_good) as local_ideal_gq_s__output_rate_good,
    sum(local_ideal_gq_s__plan_output_rate_good) as local_ideal_gq_s__plan_output_rate_good,
    sum(local_ideal_pq_s__output_rate_good) as local_ideal_pq_s__output_rate_good,
    sum(local_ideal_pq_s__plan_output_rate) as local_ideal_pq_s__plan_output_rate,
    sum(local_ideal_pq_s__run_time_output_rate) as local_ideal_pq_s__run_time_output_rate,
    sum(local_pbt_s__plan_output_rate) as local_pbt_s__plan_output_rate,
    sum(local_pbt_s__plan_output_rate_good) as local_pbt_s__plan_output_rate_good,
    sum(local_pbt_s__plan_run_time) as local_pbt_s__plan_run_time,
    sum(micro_rated_s__run_time_output_rate) as micro_rated_s__run_time_output_rate,
    sum(micro_s__plan_run_time_states) as micro_s__plan_run_time_states,
    sum(micro_s__plan_run_time_states_output_rate_good) as micro_s__plan_run_time_states_output_rate_good,
    sum(micro_s__run_time_states) as micro_s__run_time_states,
    sum(pbt_s__plan) as pbt_s__plan,
    sum(pbt_s__plan_output_rate) as pbt_s__plan_output_rate,
    sum(pbt_s__plan_output_rate_good) as pbt_s__plan_output_rate_good,
    sum(pbt_s__plan_run_time) as pbt_s__plan_run_time,
    sum(pbt_s__plan_run_time_output_rate_good) as pbt_s__plan_run_time_output_rate_good,
    sum(pbt_s__plan_run_time_states) as pbt_s__plan_run_time_states,
    sum(pbt_s__plan_run_time_states_output_rate_good) as pbt_s__plan_run_time_states_output_rate_good,
    sum(pbt_s__plan_states) as pbt_s__plan_states,
    sum(pot_s__plan_output_rate) as pot_s__plan_output_rate,
    sum(pot_s__plan_output_rate_good) as pot_s__plan_output_rate_good,
    sum(pq__output_good) as pq__output_good,
    sum(pq__output_rework) as pq__output_rework,
    sum(pq__output_scrap) as pq__output_scrap,
    sum(rq__output_rework) as rq__output_rework,
    sum(setup_count__states) as setup_count__states,
    sum(setup_elapsed_s__states) as setup_elapsed_s__states,
    sum(sq__output_scrap) as sq__output_scrap,
    sum(stop_s__states) as stop_s__states,
    sum(tbf_s__run_time_states) as tbf_s__run_time_states,
    sum(ttr_s__run_time_states) as ttr_s__run_time_states,
    sum(ttr_s__states) as ttr_s__states,
    sum(unknown_s__plan_run_time) as unknown_s__plan_run_time,
    sum(unknown_s__plan_run_time_states) as unknown_s__plan_run_time_states,
    sum(unknown_s__plan_run_time_states_output_rate_good) as unknown_s__plan_run_time_states_output_rate_good,
    sum(unknown_s__plan_states) as unknown_s__plan_states,
    sum(pbt_s) as pbt_s,
    sum(unknown_s) as unknown_s,
    sum(rate_base_s) as rate_base_s,
    sum(rate_known_s) as rate_known_s,
    sum(expected_count_shifts) as expected_count_shifts,
    sum(reported_count_shifts) as reported_count_shifts,
    sum(coded_stop_s) as coded_stop_s,
    sum(stop_s) as stop_s,
    sum(told_pbt_s) as told_pbt_s,
    sum(unknown_good_counts) as unknown_good_counts,
    sum(outside_counts) as outside_counts,
    sum(unknown_scrap) as unknown_scrap,
    sum(good_equiv_units) as good_equiv_units,
    sum(unknown_rework) as unknown_rework,
    sum(rate_in_s) as rate_in_s,
    sum(rate_known_in_s) as rate_known_in_s,
    sum(rated_s) as rated_s,
    sum(ideal_best_s) as ideal_best_s,
    sum(ideal_engineered_s) as ideal_engineered_s,
    sum(ideal_erp_s) as ideal_erp_s,
    max(in_output_good) as in_output_good,
    max(in_output_rate_good) as in_output_rate_good,
    max(in_output_rework) as in_output_rework,
    max(in_output_scrap) as in_output_scrap,
    max(in_plan) as in_plan,
    max(in_plan_output_rate) as in_plan_output_rate,
    max(in_plan_output_rate_good) as in_plan_output_rate_good,
    max(in_plan_run_time) as in_plan_run_time,
    max(in_plan_run_time_output_rate_good) as in_plan_run_time_output_rate_good,
    max(in_plan_run_time_states) as in_plan_run_time_states,
    max(in_plan_run_time_states_output_rate_good) as in_plan_run_time_states_output_rate_good,
    max(in_plan_states) as in_plan_states,
    max(in_run_time) as in_run_time,
    max(in_run_time_output_rate) as in_run_time_output_rate,
    max(in_run_time_states) as in_run_time_states,
    max(in_states) as in_states,
    max(is_residual) as is_residual,
    max(is_none) as is_none,
    max(is_preliminary) as is_preliminary,
    max(has_overlap) as has_overlap,
    max(has_ambiguous) as has_ambiguous,
    max(has_allocated) as has_allocated,
    max(has_stop_counts) as has_stop_counts,
    max(release_id) as release_id,
    max(as_of_ts) as as_of_ts
from unit_month
group by plant_id, equipment_id, cast(month as date)
union all
select
    'QUARTER' as period_type, cast(date_trunc('quarter', month) as date) as period_start, cast(null as varchar) as shift_code, plant_id, equipment_id,
    sum(adet_eq_s__plan_run_time_states_output_rate_good) as adet_eq_s__plan_run_time_states_output_rate_good,
    sum(adet_eq_s__plan_states) as adet_eq_s__plan_states,
    sum(adet_eq_s__run_time_states) as adet_eq_s__run_time_states,
    sum(adet_org_s__plan_run_time_states_output_rate_good) as adet_org_s__plan_run_time_states_output_rate_good,
    sum(adet_org_s__run_time_states) as adet_org_s__run_time_states,
    sum(adot_s__plan_run_time_states_output_rate_good) as adot_s__plan_run_time_states_output_rate_good,
    sum(apt_rated_s__plan_run_time_output_rate_good) as apt_rated_s__plan_run_time_output_rate_good,
    sum(apt_rated_s__run_time_output_rate) as apt_rated_s__run_time_output_rate,
    sum(apt_s__plan_run_time) as apt_s__plan_run_time,
    sum(apt_s__plan_run_time_states) as apt_s__plan_run_time_states,
    sum(apt_s__plan_run_time_states_output_rate_good) as apt_s__plan_run_time_states_output_rate_good,
    sum(apt_s__run_time) as apt_s__run_time,
    sum(apt_s__run_time_states) as apt_s__run_time_states,
    sum(aubt_s__plan_run_time) as aubt_s__plan_run_time,
    sum(aubt_s__run_time) as aubt_s__run_time,
    sum(aupt_s__plan_run_time_output_rate_good) as aupt_s__plan_run_time_output_rate_good,
    sum(aupt_s__run_time_states) as aupt_s__run_time_states,
    sum(aust_s__plan_run_time_states_output_rate_good) as aust_s__plan_run_time_states_output_rate_good,
    sum(aust_s__run_time_states) as aust_s__run_time_states,
    sum(capacity_qty__plan_output_rate_good) as capacity_qty__plan_output_rate_good,
    sum(coded_stop_s__states) as coded_stop_s__states,
    sum(ct_s__output_rate_good) as ct_s__output_rate_good,
    sum(ct_s__plan) as ct_s__plan,
    sum(ct_s__run_time) as ct_s__run_time,
    sum(fe__run_time_states) as fe__run_time_states,
    sum(fe__states) as fe__states,
    sum(gq__output_good) as gq__output_good,
    sum(gq__plan_output_rate_good) as gq__plan_output_rate_good,
    sum(ideal_gq_s__output_rate_good) as ideal_gq_s__output_rate_good,
    sum(ideal_gq_s__plan_output_rate_good) as ideal_gq_s__plan_output_rate_good,
    sum(ideal_gq_s__plan_run_time_output_rate_good) as ideal_gq_s__plan_run_time_output_rate_good,
    sum(ideal_gq_s__plan_run_time_states_output_rate_good) as ideal_gq_s__plan_run_time_states_output_rate_good,
    sum(ideal_pq_s__output_rate_good) as ideal_pq_s__output_rate_good,
    sum(ideal_pq_s__plan_output_rate) as ideal_pq_s__plan_output_rate,
    sum(ideal_pq_s__plan_run_time_states_output_rate_good) as ideal_pq_s__plan_run_time_states_output_rate_good,
    sum(ideal_pq_s__run_time_output_rate) as ideal_pq_s__run_time_output_rate,
    sum(local_ideal_gq_s__output_rate_good) as local_ideal_gq_s__output_rate_good,
    sum(local_ideal_gq_s__plan_output_rate_good) as local_ideal_gq_s__plan_output_rate_good,
    sum(local_ideal_pq_s__output_rate_good) as local_ideal_pq_s__output_rate_good,
    sum(local_ideal_pq_s__plan_output_rate) as local_ideal_pq_s__plan_output_rate,
    sum(local_ideal_pq_s__run_time_output_rate) as local_ideal_pq_s__run_time_output_rate,
    sum(local_pbt_s__plan_output_rate) as local_pbt_s__plan_output_rate,
    sum(local_pbt_s__plan_output_rate_good) as local_pbt_s__plan_output_rate_good,
    sum(local_pbt_s__plan_run_time) as local_pbt_s__plan_run_time,
    sum(micro_rated_s__run_time_output_rate) as micro_rated_s__run_time_output_rate,
    sum(micro_s__plan_run_time_states) as micro_s__plan_run_time_states,
    sum(micro_s__plan_run_time_states_output_rate_good) as micro_s__plan_run_time_states_output_rate_good,
    sum(micro_s__run_time_states) as micro_s__run_time_states,
    sum(pbt_s__plan) as pbt_s__plan,
    sum(pbt_s__plan_output_rate) as pbt_s__plan_output_rate,
    sum(pbt_s__plan_output_rate_good) as pbt_s__plan_output_rate_good,
    sum(pbt_s__plan_run_time) as pbt_s__plan_run_time,
    sum(pbt_s__plan_run_time_output_rate_good) as pbt_s__plan_run_time_output_rate_good,
    sum(pbt_s__plan_run_time_states) as pbt_s__plan_run_time_states,
    sum(pbt_s__plan_run_time_states_output_rate_good) as pbt_s__plan_run_time_states_output_rate_good,
    sum(pbt_s__plan_states) as pbt_s__plan_states,
    sum(pot_s__plan_output_rate) as pot_s__plan_output_rate,
    sum(pot_s__plan_output_rate_good) as pot_s__plan_output_rate_good,
    sum(pq__output_good) as pq__output_good,
    sum(pq__output_rework) as pq__output_rework,
    sum(pq__output_scrap) as pq__output_scrap,
    sum(rq__output_rework) as rq__output_rework,
    sum(setup_count__states) as setup_count__states,
    sum(setup_elapsed_s__states) as setup_elapsed_s__states,
    sum(sq__output_scrap) as sq__output_scrap,
    sum(stop_s__states) as stop_s__states,
    sum(tbf_s__run_time_states) as tbf_s__run_time_states,
    sum(ttr_s__run_time_states) as ttr_s__run_time_states,
    sum(ttr_s__states) as ttr_s__states,
    sum(unknown_s__plan_run_time) as unknown_s__plan_run_time,
    sum(unknown_s__plan_run_time_states) as unknown_s__plan_run_time_states,
    sum(unknown_s__plan_run_time_states_output_rate_good) as unknown_s__plan_run_time_states_output_rate_good,
    sum(unknown_s__plan_states) as unknown_s__plan_states,
    sum(pbt_s) as pbt_s,
    sum(unknown_s) as unknown_s,
    sum(rate_base_s) as rate_base_s,
    sum(rate_known_s) as rate_known_s,
    sum(expected_count_shifts) as expected_count_shifts,
    sum(reported_count_shifts) as reported_count_shifts,
    sum(coded_stop_s) as coded_stop_s,
    sum(stop_s) as stop_s,
    sum(told_pbt_s) as told_pbt_s,
    sum(unknown_good_counts) as unknown_good_counts,
    sum(outside_counts) as outside_counts,
    sum(unknown_scrap) as unknown_scrap,
    sum(good_equiv_units) as good_equiv_units,
    sum(unknown_rework) as unknown_rework,
    sum(rate_in_s) as rate_in_s,
    sum(rate_known_in_s) as rate_known_in_s,
    sum(rated_s) as rated_s,
    sum(ideal_best_s) as ideal_best_s,
    sum(ideal_engineered_s) as ideal_engineered_s,
    sum(ideal_erp_s) as ideal_erp_s,
    max(in_output_good) as in_output_good,
    max(in_output_rate_good) as in_output_rate_good,
    max(in_output_rework) as in_output_rework,
    max(in_output_scrap) as in_output_scrap,
    max(in_plan) as in_plan,
    max(in_plan_output_rate) as in_plan_output_rate,
    max(in_plan_output_rate_good) as in_plan_output_rate_good,
    max(in_plan_run_time) as in_plan_run_time,
    max(in_plan_run_time_output_rate_good) as in_plan_run_time_output_rate_good,
    max(in_plan_run_time_states) as in_plan_run_time_states,
    max(in_plan_run_time_states_output_rate_good) as in_plan_run_time_states_output_rate_good,
    max(in_plan_states) as in_plan_states,
    max(in_run_time) as in_run_time,
    max(in_run_time_output_rate) as in_run_time_output_rate,
    max(in_run_time_states) as in_run_time_states,
    max(in_states) as in_states,
    max(is_residual) as is_residual,
    max(is_none) as is_none,
    max(is_preliminary) as is_preliminary,
    max(has_overlap) as has_overlap,
    max(has_ambiguous) as has_ambiguous,
    max(has_allocated) as has_allocated,
    max(has_stop_counts) as has_stop_counts,
    max(release_id) as release_id,
    max(as_of_ts) as as_of_ts
from unit_month
group by plant_id, equipment_id, cast(date_trunc('quarter', month) as date)
),

plant_part as (
select
    x.scope_type, x.scope_id, x.plant_id, u.period_type, u.period_start, u.shift_code,
    sum(u.adet_eq_s__plan_run_time_states_output_rate_good) as adet_eq_s__plan_run_time_states_output_rate_good,
    sum(u.adet_eq_s__plan_states) as adet_eq_s__plan_states,
    sum(u.adet_eq_s__run_time_states) as adet_eq_s__run_time_states,
    sum(u.adet_org_s__plan_run_time_states_output_rate_good) as adet_org_s__plan_run_time_states_output_rate_good,
    sum(u.adet_org_s__run_time_states) as adet_org_s__run_time_states,
    sum(u.adot_s__plan_run_time_states_output_rate_good) as adot_s__plan_run_time_states_output_rate_good,
    sum(u.apt_rated_s__plan_run_time_output_rate_good) as apt_rated_s__plan_run_time_output_rate_good,
    sum(u.apt_rated_s__run_time_output_rate) as apt_rated_s__run_time_output_rate,
    sum(u.apt_s__plan_run_time) as apt_s__plan_run_time,
    sum(u.apt_s__plan_run_time_states) as apt_s__plan_run_time_states,
    sum(u.apt_s__plan_run_time_states_output_rate_good) as apt_s__plan_run_time_states_output_rate_good,
    sum(u.apt_s__run_time) as apt_s__run_time,
    sum(u.apt_s__run_time_states) as apt_s__run_time_states,
    sum(u.aubt_s__plan_run_time) as aubt_s__plan_run_time,
    sum(u.aubt_s__run_time) as aubt_s__run_time,
    sum(u.aupt_s__plan_run_time_output_rate_good) as aupt_s__plan_run_time_output_rate_good,
    sum(u.aupt_s__run_time_states) as aupt_s__run_time_states,
    sum(u.aust_s__plan_run_time_states_output_rate_good) as aust_s__plan_run_time_states_output_rate_good,
    sum(u.aust_s__run_time_states) as aust_s__run_time_states,
    sum(u.capacity_qty__plan_output_rate_good) as capacity_qty__plan_output_rate_good,
    sum(u.coded_stop_s__states) as coded_stop_s__states,
    sum(u.ct_s__output_rate_good) as ct_s__output_rate_good,
    sum(u.ct_s__plan) as ct_s__plan,
    sum(u.ct_s__run_time) as ct_s__run_time,
    sum(u.fe__run_time_states) as fe__run_time_states,
    sum(u.fe__states) as fe__states,
    sum(u.gq__output_good) as gq__output_good,
    sum(u.gq__plan_output_rate_good) as gq__plan_output_rate_good,
    sum(u.ideal_gq_s__output_rate_good) as ideal_gq_s__output_rate_good,
    sum(u.ideal_gq_s__plan_output_rate_good) as ideal_gq_s__plan_output_rate_good,
    sum(u.ideal_gq_s__plan_run_time_output_rate_good) as ideal_gq_s__plan_run_time_output_rate_good,
    sum(u.ideal_gq_s__plan_run_time_states_output_rate_good) as ideal_gq_s__plan_run_time_states_output_rate_good,
    sum(u.ideal_pq_s__output_rate_good) as ideal_pq_s__output_rate_good,
    sum(u.ideal_pq_s__plan_output_rate) as ideal_pq_s__plan_output_rate,
    sum(u.ideal_pq_s__plan_run_time_states_output_rate_good) as ideal_pq_s__plan_run_time_states_output_rate_good,
    sum(u.ideal_pq_s__run_time_output_rate) as ideal_pq_s__run_time_output_rate,
    sum(u.local_ideal_gq_s__output_rate_good) as local_ideal_gq_s__output_rate_good,
    sum(u.local_ideal_gq_s__plan_output_rate_good) as local_ideal_gq_s__plan_output_rate_good,
    sum(u.local_ideal_pq_s__output_rate_good) as local_ideal_pq_s__output_rate_good,
    sum(u.local_ideal_pq_s__plan_output_rate) as local_ideal_pq_s__plan_output_rate,
    sum(u.local_ideal_pq_s__run_time_output_rate) as local_ideal_pq_s__run_time_output_rate,
    sum(u.local_pbt_s__plan_output_rate) as local_pbt_s__plan_output_rate,
    sum(u.local_pbt_s__plan_output_rate_good) as local_pbt_s__plan_output_rate_good,
    sum(u.local_pbt_s__plan_run_time) as local_pbt_s__plan_run_time,
    sum(u.micro_rated_s__run_time_output_rate) as micro_rated_s__run_time_output_rate,
    sum(u.micro_s__plan_run_time_states) as micro_s__plan_run_time_states,
    sum(u.micro_s__plan_run_time_states_output_rate_good) as micro_s__plan_run_time_states_output_rate_good,
    sum(u.micro_s__run_time_states) as micro_s__run_time_states,
    sum(u.pbt_s__plan) as pbt_s__plan,
    sum(u.pbt_s__plan_output_rate) as pbt_s__plan_output_rate,
    sum(u.pbt_s__plan_output_rate_good) as pbt_s__plan_output_rate_good,
    sum(u.pbt_s__plan_run_time) as pbt_s__plan_run_time,
    sum(u.pbt_s__plan_run_time_output_rate_good) as pbt_s__plan_run_time_output_rate_good,
    sum(u.pbt_s__plan_run_time_states) as pbt_s__plan_run_time_states,
    sum(u.pbt_s__plan_run_time_states_output_rate_good) as pbt_s__plan_run_time_states_output_rate_good,
    sum(u.pbt_s__plan_states) as pbt_s__plan_states,
    sum(u.pot_s__plan_output_rate) as pot_s__plan_output_rate,
    sum(u.pot_s__plan_output_rate_good) as pot_s__plan_output_rate_good,
    sum(u.pq__output_good) as pq__output_good,
    sum(u.pq__output_rework) as pq__output_rework,
    sum(u.pq__output_scrap) as pq__output_scrap,
    sum(u.rq__output_rework) as rq__output_rework,
    sum(u.setup_count__states) as setup_count__states,
    sum(u.setup_elapsed_s__states) as setup_elapsed_s__states,
    sum(u.sq__output_scrap) as sq__output_scrap,
    sum(u.stop_s__states) as stop_s__states,
    sum(u.tbf_s__run_time_states) as tbf_s__run_time_states,
    sum(u.ttr_s__run_time_states) as ttr_s__run_time_states,
    sum(u.ttr_s__states) as ttr_s__states,
    sum(u.unknown_s__plan_run_time) as unknown_s__plan_run_time,
    sum(u.unknown_s__plan_run_time_states) as unknown_s__plan_run_time_states,
    sum(u.unknown_s__plan_run_time_states_output_rate_good) as unknown_s__plan_run_time_states_output_rate_good,
    sum(u.unknown_s__plan_states) as unknown_s__plan_states,
    sum(u.pbt_s) as pbt_s,
    sum(u.unknown_s) as unknown_s,
    sum(u.rate_base_s) as rate_base_s,
    sum(u.rate_known_s) as rate_known_s,
    sum(u.expected_count_shifts) as expected_count_shifts,
    sum(u.reported_count_shifts) as reported_count_shifts,
    sum(u.coded_stop_s) as coded_stop_s,
    sum(u.stop_s) as stop_s,
    sum(u.told_pbt_s) as told_pbt_s,
    sum(u.unknown_good_counts) as unknown_good_counts,
    sum(u.outside_counts) as outside_counts,
    sum(u.unknown_scrap) as unknown_scrap,
    sum(u.good_equiv_units) as good_equiv_units,
    sum(u.unknown_rework) as unknown_rework,
    sum(u.rate_in_s) as rate_in_s,
    sum(u.rate_known_in_s) as rate_known_in_s,
    sum(u.rated_s) as rated_s,
    sum(u.ideal_best_s) as ideal_best_s,
    sum(u.ideal_engineered_s) as ideal_engineered_s,
    sum(u.ideal_erp_s) as ideal_erp_s,
    sum(u.in_output_good) as units_output_good,
    sum(u.in_output_rate_good) as units_output_rate_good,
    sum(u.in_output_rework) as units_output_rework,
    sum(u.in_output_scrap) as units_output_scrap,
    sum(u.in_plan) as units_plan,
    sum(u.in_plan_output_rate) as units_plan_output_rate,
    sum(u.in_plan_output_rate_good) as units_plan_output_rate_good,
    sum(u.in_plan_run_time) as units_plan_run_time,
    sum(u.in_plan_run_time_output_rate_good) as units_plan_run_time_output_rate_good,
    sum(u.in_plan_run_time_states) as units_plan_run_time_states,
    sum(u.in_plan_run_time_states_output_rate_good) as units_plan_run_time_states_output_rate_good,
    sum(u.in_plan_states) as units_plan_states,
    sum(u.in_run_time) as units_run_time,
    sum(u.in_run_time_output_rate) as units_run_time_output_rate,
    sum(u.in_run_time_states) as units_run_time_states,
    sum(u.in_states) as units_states,
    count(*) as units_of,
    min(u.is_none) as all_none,
    max(u.is_residual) as is_residual,
    max(u.is_none) as is_none,
    max(u.is_preliminary) as is_preliminary,
    max(u.has_overlap) as has_overlap,
    max(u.has_ambiguous) as has_ambiguous,
    max(u.has_allocated) as has_allocated,
    max(u.has_stop_counts) as has_stop_counts,
    max(u.release_id) as release_id,
    max(u.as_of_ts) as as_of_ts,
    max(x.assumed_calendar) as assumed_calendar,
    max(x.assumed_rate) as assumed_rate,
    max(x.no_calendar) as no_calendar,
    max(x.min_rate_coverage) as min_rate_coverage,
    max(x.scope_name) as scope_name,
    min(x.definition_score) as definition_score
from unit_period as u
inner join {{ ref('unit_scope') }} as x on u.equipment_id = x.unit_id
group by x.scope_type, x.scope_id, x.plant_id, u.period_type, u.period_start, u.shift_code
),

summed as (
select
    scope_type, scope_id, period_type, period_start, shift_code,
    case when scope_type in ('CLASS', 'COMPANY', 'PORTFOLIO') then null else min(plant_id) end as plant_id,
    sum(adet_eq_s__plan_run_time_states_output_rate_good) as adet_eq_s__plan_run_time_states_output_rate_good,
    sum(adet_eq_s__plan_states) as adet_eq_s__plan_states,
    sum(adet_eq_s__run_time_states) as adet_eq_s__run_time_states,
    sum(adet_org_s__plan_run_time_states_output_rate_good) as adet_org_s__plan_run_time_states_output_rate_good,
    sum(adet_org_s__run_time_states) as adet_org_s__run_time_states,
    sum(adot_s__plan_run_time_states_output_rate_good) as adot_s__plan_run_time_states_output_rate_good,
    sum(apt_rated_s__plan_run_time_output_rate_good) as apt_rated_s__plan_run_time_output_rate_good,
    sum(apt_rated_s__run_time_output_rate) as apt_rated_s__run_time_output_rate,
    sum(apt_s__plan_run_time) as apt_s__plan_run_time,
    sum(apt_s__plan_run_time_states) as apt_s__plan_run_time_states,
    sum(apt_s__plan_run_time_states_output_rate_good) as apt_s__plan_run_time_states_output_rate_good,
    sum(apt_s__run_time) as apt_s__run_time,
    sum(apt_s__run_time_states) as apt_s__run_time_states,
    sum(aubt_s__plan_run_time) as aubt_s__plan_run_time,
    sum(aubt_s__run_time) as aubt_s__run_time,
    sum(aupt_s__plan_run_time_output_rate_good) as aupt_s__plan_run_time_output_rate_good,
    sum(aupt_s__run_time_states) as aupt_s__run_time_states,
    sum(aust_s__plan_run_time_states_output_rate_good) as aust_s__plan_run_time_states_output_rate_good,
    sum(aust_s__run_time_states) as aust_s__run_time_states,
    sum(capacity_qty__plan_output_rate_good) as capacity_qty__plan_output_rate_good,
    sum(coded_stop_s__states) as coded_stop_s__states,
    sum(ct_s__output_rate_good) as ct_s__output_rate_good,
    sum(ct_s__plan) as ct_s__plan,
    sum(ct_s__run_time) as ct_s__run_time,
    sum(fe__run_time_states) as fe__run_time_states,
    sum(fe__states) as fe__states,
    sum(gq__output_good) as gq__output_good,
    sum(gq__plan_output_rate_good) as gq__plan_output_rate_good,
    sum(ideal_gq_s__output_rate_good) as ideal_gq_s__output_rate_good,
    sum(ideal_gq_s__plan_output_rate_good) as ideal_gq_s__plan_output_rate_good,
    sum(ideal_gq_s__plan_run_time_output_rate_good) as ideal_gq_s__plan_run_time_output_rate_good,
    sum(ideal_gq_s__plan_run_time_states_output_rate_good) as ideal_gq_s__plan_run_time_states_output_rate_good,
    sum(ideal_pq_s__output_rate_good) as ideal_pq_s__output_rate_good,
    sum(ideal_pq_s__plan_output_rate) as ideal_pq_s__plan_output_rate,
    sum(ideal_pq_s__plan_run_time_states_output_rate_good) as ideal_pq_s__plan_run_time_states_output_rate_good,
    sum(ideal_pq_s__run_time_output_rate) as ideal_pq_s__run_time_output_rate,
    sum(local_ideal_gq_s__output_rate_good) as local_ideal_gq_s__output_rate_good,
    sum(local_ideal_gq_s__plan_output_rate_good) as local_ideal_gq_s__plan_output_rate_good,
    sum(local_ideal_pq_s__output_rate_good) as local_ideal_pq_s__output_rate_good,
    sum(local_ideal_pq_s__plan_output_rate) as local_ideal_pq_s__plan_output_rate,
    sum(local_ideal_pq_s__run_time_output_rate) as local_ideal_pq_s__run_time_output_rate,
    sum(local_pbt_s__plan_output_rate) as local_pbt_s__plan_output_rate,
    sum(local_pbt_s__plan_output_rate_good) as local_pbt_s__plan_output_rate_good,
    sum(local_pbt_s__plan_run_time) as local_pbt_s__plan_run_time,
    sum(micro_rated_s__run_time_output_rate) as micro_rated_s__run_time_output_rate,
    sum(micro_s__plan_run_time_states) as micro_s__plan_run_time_states,
    sum(micro_s__plan_run_time_states_output_rate_good) as micro_s__plan_run_time_states_output_rate_good,
    sum(micro_s__run_time_states) as micro_s__run_time_states,
    sum(pbt_s__plan) as pbt_s__plan,
    sum(pbt_s__plan_output_rate) as pbt_s__plan_output_rate,
    sum(pbt_s__plan_output_rate_good) as pbt_s__plan_output_rate_good,
    sum(pbt_s__plan_run_time) as pbt_s__plan_run_time,
    sum(pbt_s__plan_run_time_output_rate_good) as pbt_s__plan_run_time_output_rate_good,
    sum(pbt_s__plan_run_time_states) as pbt_s__plan_run_time_states,
    sum(pbt_s__plan_run_time_states_output_rate_good) as pbt_s__plan_run_time_states_output_rate_good,
    sum(pbt_s__plan_states) as pbt_s__plan_states,
    sum(pot_s__plan_output_rate) as pot_s__plan_output_rate,
    sum(pot_s__plan_output_rate_good) as pot_s__plan_output_rate_good,
    sum(pq__output_good) as pq__output_good,
    sum(pq__output_rework) as pq__output_rework,
    sum(pq__output_scrap) as pq__output_scrap,
    sum(rq__output_rework) as rq__output_rework,
    sum(setup_count__states) as setup_count__states,
    sum(setup_elapsed_s__states) as setup_elapsed_s__states,
    sum(sq__output_scrap) as sq__output_scrap,
    sum(stop_s__states) as stop_s__states,
    sum(tbf_s__run_time_states) as tbf_s__run_time_states,
    sum(ttr_s__run_time_states) as ttr_s__run_time_states,
    sum(ttr_s__states) as ttr_s__states,
    sum(unknown_s__plan_run_time) as unknown_s__plan_run_time,
    sum(unknown_s__plan_run_time_states) as unknown_s__plan_run_time_states,
    sum(unknown_s__plan_run_time_states_output_rate_good) as unknown_s__plan_run_time_states_output_rate_good,
    sum(unknown_s__plan_states) as unknown_s__plan_states,
    sum(pbt_s) as pbt_s,
    sum(unknown_s) as unknown_s,
    sum(rate_base_s) as rate_base_s,
    sum(rate_known_s) as rate_known_s,
    sum(expected_count_shifts) as expected_count_shifts,
    sum(reported_count_shifts) as reported_count_shifts,
    sum(coded_stop_s) as coded_stop_s,
    sum(stop_s) as stop_s,
    sum(told_pbt_s) as told_pbt_s,
    sum(unknown_good_counts) as unknown_good_counts,
    sum(outside_counts) as outside_counts,
    sum(unknown_scrap) as unknown_scrap,
    sum(good_equiv_units) as good_equiv_units,
    sum(unknown_rework) as unknown_rework,
    sum(rate_in_s) as rate_in_s,
    sum(rate_known_in_s) as rate_known_in_s,
    sum(rated_s) as rated_s,
    sum(ideal_best_s) as ideal_best_s,
    sum(ideal_engineered_s) as ideal_engineered_s,
    sum(ideal_erp_s) as ideal_erp_s,
    cast(sum(units_output_good) as bigint) as units_output_good,
    cast(sum(units_output_rate_good) as bigint) as units_output_rate_good,
    cast(sum(units_output_rework) as bigint) as units_output_rework,
    cast(sum(units_output_scrap) as bigint) as units_output_scrap,
    cast(sum(units_plan) as bigint) as units_plan,
    cast(sum(units_plan_output_rate) as bigint) as units_plan_output_rate,
    cast(sum(units_plan_output_rate_good) as bigint) as units_plan_output_rate_good,
    cast(sum(units_plan_run_time) as bigint) as units_plan_run_time,
    cast(sum(units_plan_run_time_output_rate_good) as bigint) as units_plan_run_time_output_rate_good,
    cast(sum(units_plan_run_time_states) as bigint) as units_plan_run_time_states,
    cast(sum(units_plan_run_time_states_output_rate_good) as bigint) as units_plan_run_time_states_output_rate_good,
    cast(sum(units_plan_states) as bigint) as units_plan_states,
    cast(sum(units_run_time) as bigint) as units_run_time,
    cast(sum(units_run_time_output_rate) as bigint) as units_run_time_output_rate,
    cast(sum(units_run_time_states) as bigint) as units_run_time_states,
    cast(sum(units_states) as bigint) as units_states,
    count(case when units_output_good > 0 then 1 end) as plants_output_good,
    count(case when units_output_rate_good > 0 then 1 end) as plants_output_rate_good,
    count(case when units_output_rework > 0 then 1 end) as plants_output_rework,
    count(case when units_output_scrap > 0 then 1 end) as plants_output_scrap,
    count(case when units_plan > 0 then 1 end) as plants_plan,
    count(case when units_plan_output_rate > 0 then 1 end) as plants_plan_output_rate,
    count(case when units_plan_output_rate_good > 0 then 1 end) as plants_plan_output_rate_good,
    count(case when units_plan_run_time > 0 then 1 end) as plants_plan_run_time,
    count(case when units_plan_run_time_output_rate_good > 0 then 1 end) as plants_plan_run_time_output_rate_good,
    count(case when units_plan_run_time_states > 0 then 1 end) as plants_plan_run_time_states,
    count(case when units_plan_run_time_states_output_rate_good > 0 then 1 end) as plants_plan_run_time_states_output_rate_good,
    count(case when units_plan_states > 0 then 1 end) as plants_plan_states,
    count(case when units_run_time > 0 then 1 end) as plants_run_time,
    count(case when units_run_time_output_rate > 0 then 1 end) as plants_run_time_output_rate,
    count(case when units_run_time_states > 0 then 1 end) as plants_run_time_states,
    count(case when units_states > 0 then 1 end) as plants_states,
    cast(sum(units_of) as bigint) as units_of,
    count(*) as plants_told,
    min(all_none) as all_none,
    min(definition_score) as definition_score,
    max(is_residual) as is_residual,
    max(is_none) as is_none,
    max(is_preliminary) as is_preliminary,
    max(has_overlap) as has_overlap,
    max(has_ambiguous) as has_ambiguous,
    max(has_allocated) as has_allocated,
    max(has_stop_counts) as has_stop_counts,
    max(assumed_calendar) as assumed_calendar,
    max(assumed_rate) as assumed_rate,
    max(no_calendar) as no_calendar,
    max(min_rate_coverage) as min_rate_coverage,
    max(release_id) as release_id,
    max(as_of_ts) as as_of_ts,
    max(scope_name) as scope_name
from plant_part
group by scope_type, scope_id, period_type, period_start, shift_code
),

scope_size as (
select scope_type, scope_id, count(distinct plant_id) as plants
from {{ ref('unit_scope') }}
where scope_type in ('CLASS', 'COMPANY', 'PORTFOLIO')
group by scope_type, scope_id
),

kpi as (
select * from (values
    (1, 'shift', 'OEE', 'ISO', 'HIGHER', true, true, true, false, true, false, false, true, false, cast(null as varchar), cast(null as varchar)),
    (2, 'shift', 'OEE', 'TPM', 'HIGHER', true, true, true, false, true, false, false, true, false, cast(null as varchar), cast(null as varchar)),
    (3, 'shift', 'OEE', 'LOCAL', 'HIGHER', true, true, true, false, true, false, false, true, false, cast(null as varchar), cast(null as varchar)),
    (4, 'shift', 'A', 'ISO', 'HIGHER', false, false, true, true, false, false, false, false, true, cast(null as varchar), cast(null as varchar)),
    (5, 'shift', 'A', 'TPM', 'HIGHER', false, false, true, true, false, false, false, false, true, cast(null as varchar), cast(null as varchar)),
    (6, 'shift', 'A', 'LOCAL', 'HIGHER', false, false, true, true, false, false, false, false, true, cast(null as varchar), cast(null as varchar)),
    (7, 'shift', 'E', 'ISO', 'HIGHER', true, true, false, true, false, false, false, false, false, cast(null as varchar), cast(null as varchar)),
    (8, 'shift', 'E', 'TPM', 'HIGHER', true, true, false, true, false, false, false, false, false, cast(null as varchar), cast(null as varchar)),
    (9, 'shift', 'E', 'LOCAL', 'HIGHER', true, true, false, true, false, false, false, false, false, cast(null as varchar), cast(null as varchar)),
    (10, 'shift', 'Q', 'ISO', 'HIGHER', true, true, false, false, true, false, false, false, false, cast(null as varchar), cast(null as varchar)),
    (11, 'shift', 'Q', 'TPM', 'HIGHER', true, true, false, false, true, false, false, false, false, cast(null as varchar), cast(null as varchar)),
    (12, 'shift', 'Q', 'LOCAL', 'HIGHER', true, true, false, false, true, false, false, false, false, cast(null as varchar), cast(null as varchar)),
    (13, 'shift', 'QC', 'ISO', 'HIGHER', false, true, false, false, true, false, false, false, false, cast(null as varchar), cast(null as varchar)),
    (14, 'shift', 'QC', 'TPM', 'HIGHER', false, true, false, false, true, false, false, false, false, cast(null as varchar), cast(null as varchar)),
    (15, 'shift', 'QC', 'LOCAL', 'HIGHER', false, true, false, false, true, false, false, false, false, cast(null as varchar), cast(null as varchar)),
    (16, 'shift', 'AE', 'ISO', 'HIGHER', true, true, true, false, false, false, false, true, false, cast(null as varchar), cast(null as varchar)),
    (17, 'shift', 'AE', 'TPM', 'HIGHER', true, true, true, false, false, false, false, true, false, cast(null as varchar), cast(null as varchar)),
    (18, 'shift', 'AE', 'LOCAL', 'HIGHER', true, true, true, false, false, false, false, true, false, cast(null as varchar), cast(null as varchar)),
    (19, 'shift', 'OOE', 'ISO', 'HIGHER', true, true, true, false, true, false, false, true, false, cast(null as varchar), cast(null as varchar)),
    (20, 'shift', 'OOE', 'TPM', 'HIGHER', true, true, true, false, true, false, false, true, false, cast(null as varchar), cast(null as varchar)),
    (21, 'shift', 'OOE', 'LOCAL', 'HIGHER', true, true, true, false, true, false, false, true, false, cast(null as varchar), cast(null as varchar)),
    (22, 'shift', 'TEEP', 'ISO', 'HIGHER', true, true, false, false, true, false, false, true, false, cast(null as varchar), cast(null as varchar)),
    (23, 'shift', 'TEEP', 'TPM', 'HIGHER', true, true, false, false, true, false, false, true, false, cast(null as varchar), cast(null as varchar)),
    (24, 'shift', 'TEEP', 'LOCAL', 'HIGHER', true, true, false, false, true, false, false, true, false, cast(null as varchar), cast(null as varchar)),
    (25, 'shift', 'NEE', 'ISO', 'HIGHER', true, true, true, true, true, false, false, false, false, cast(null as varchar), cast(null as varchar)),
    (26, 'shift', 'NEE', 'TPM', 'HIGHER', true, true, true, true, true, false, false, false, false, cast(null as varchar), cast(null as varchar)),
    (27, 'shift', 'NEE', 'LOCAL', 'HIGHER', true, true, true, true, true, false, false, false, false, cast(null as varchar), cast(null as varchar)),
    (28, 'shift', 'UTIL_CAL', 'ISO', 'HIGHER', false, false, false, true, false, false, false, false, false, cast(null as varchar), cast(null as varchar)),
    (29, 'shift', 'UTIL_CAL', 'TPM', 'HIGHER', false, false, false, true, false, false, false, false, false, cast(null as varchar), cast(null as varchar)),
    (30, 'shift', 'UTIL_CAL', 'LOCAL', 'HIGHER', false, false, false, true, false, false, false, false, false, cast(null as varchar), cast(null as varchar)),
    (31, 'shift', 'LOADING', 'ISO', 'TARGET', false, false, true, false, false, false, false, false, false, cast(null as varchar), cast(null as varchar)),
    (32, 'shift', 'LOADING', 'TPM', 'TARGET', false, false, true, false, false, false, false, false, false, cast(null as varchar), cast(null as varchar)),
    (33, 'shift', 'LOADING', 'LOCAL', 'TARGET', false, false, true, false, false, false, false, false, false, cast(null as varchar), cast(null as varchar)),
    (34, 'shift', 'ALLOC_EFF', 'ISO', 'HIGHER', false, false, true, true, false, false, false, false, false, cast(null as varchar), cast(null as varchar)),
    (35, 'shift', 'ALLOC_EFF', 'TPM', 'HIGHER', false, false, true, true, false, false, false, false, false, cast(null as varchar), cast(null as varchar)),
    (36, 'shift', 'ALLOC_EFF', 'LOCAL', 'HIGHER', false, false, true, true, false, false, false, false, false, cast(null as varchar), cast(null as varchar)),
    (37, 'shift', 'UTIL_EFF', 'ISO', 'HIGHER', false, false, false, true, false, false, false, false, false, 'NO_BUSY_TIME', cast(null as varchar)),
    (38, 'shift', 'UTIL_EFF', 'TPM', 'HIGHER', false, false, false, true, false, false, false, false, false, 'NO_BUSY_TIME', cast(null as varchar)),
    (39, 'shift', 'UTIL_EFF', 'LOCAL', 'HIGHER', false, false, false, true, false, false, false, false, false, 'NO_BUSY_TIME', cast(null as varchar)),
    (40, 'shift', 'TECH_EFF', 'ISO', 'HIGHER', false, false, false, true, false, false, false, false, false, 'NO_BUSY_TIME', cast(null as varchar)),
    (41, 'shift', 'TECH_EFF', 'TPM', 'HIGHER', false, false, false, true, false, false, false, false, false, 'NO_BUSY_TIME', cast(null as varchar)),
    (42, 'shift', 'TECH_EFF', 'LOCAL', 'HIGHER', false, false, false, true, false, false, false, false, false, 'NO_BUSY_TIME', cast(null as varchar)),
    (43, 'shift', 'SETUP_RATIO', 'ISO', 'LOWER', false, false, false, true, false, false, false, false, false, 'NO_RUN_TIME', cast(null as varchar)),
    (44, 'shift', 'SETUP_RATIO', 'TPM', 'LOWER', false, false, false, true, false, false, false, false, false, 'NO_RUN_TIME', cast(null as varchar)),
    (45, 'shift', 'SETUP_RATIO', 'LOCAL', 'LOWER', false, false, false, true, false, false, false, false, false, 'NO_RUN_TIME', cast(null as varchar)),
    (46, 'shift', 'CO_TIME', 'ISO', 'LOWER', false, false, false, true, false, false, false, false, false, 'NO_CHANGEOVERS', cast(null as varchar)),
    (47, 'shift', 'CO_TIME', 'TPM', 'LOWER', false, false, false, true, false, false, false, false, false, 'NO_CHANGEOVERS', cast(null as varchar)),
    (48, 'shift', 'CO_TIME', 'LOCAL', 'LOWER', false, false, false, true, false, false, false, false, false, 'NO_CHANGEOVERS', cast(null as varchar)),
    (49, 'shift', 'SCRAP', 'ISO', 'LOWER', false, true, false, false, false, true, false, false, false, cast(null as varchar), cast(null as varchar)),
    (50, 'shift', 'SCRAP', 'TPM', 'LOWER', false, true, false, false, false, true, false, false, false, cast(null as varchar), cast(null as varchar)),
    (51, 'shift', 'SCRAP', 'LOCAL', 'LOWER', false, true, false, false, false, true, false, false, false, cast(null as varchar), cast(null as varchar)),
    (52, 'shift', 'REWORK', 'ISO', 'LOWER', false, true, false, false, false, false, true, false, false, cast(null as varchar), cast(null as varchar)),
    (53, 'shift', 'REWORK', 'TPM', 'LOWER', false, true, false, false, false, false, true, false, false, cast(null as varchar), cast(null as varchar)),
    (54, 'shift', 'REWORK', 'LOCAL', 'LOWER', false, true, false, false, false, false, true, false, false, cast(null as varchar), cast(null as varchar)),
    (55, 'shift', 'MTBF', 'ISO', 'HIGHER', false, false, false, true, false, false, false, false, false, 'NO_FAILURES', cast(null as varchar)),
    (56, 'shift', 'MTBF', 'TPM', 'HIGHER', false, false, false, true, false, false, false, false, false, 'NO_FAILURES', cast(null as varchar)),
    (57, 'shift', 'MTBF', 'LOCAL', 'HIGHER', false, false, false, true, false, false, false, false, false, 'NO_FAILURES', cast(null as varchar)),
    (58, 'shift', 'MTTF', 'ISO', 'HIGHER', false, false, false, true, false, false, false, false, false, 'NO_FAILURES', cast(null as varchar)),
    (59, 'shift', 'MTTF', 'TPM', 'HIGHER', false, false, false, true, false, false, false, false, false, 'NO_FAILURES', cast(null as varchar)),
    (60, 'shift', 'MTTF', 'LOCAL', 'HIGHER', false, false, false, true, false, false, false, false, false, 'NO_FAILURES', cast(null as varchar)),
    (61, 'shift', 'MTTR', 'ISO', 'LOWER', false, false, false, true, false, false, false, false, false, 'NO_FAILURES', cast(null as varchar)),
    (62, 'shift', 'MTTR', 'TPM', 'LOWER', false, false, false, true, false, false, false, false, false, 'NO_FAILURES', cast(null as varchar)),
    (63, 'shift', 'MTTR', 'LOCAL', 'LOWER', false, false, false, true, false, false, false, false, false, 'NO_FAILURES', cast(null as varchar)),
    (64, 'shift', 'FAIL_RATE', 'ISO', 'LOWER', false, false, false, true, false, false, false, false, false, 'NO_RUN_TIME', cast(null as varchar)),
    (65, 'shift', 'FAIL_RATE', 'TPM', 'LOWER', false, false, false, true, false, false, false, false, false, 'NO_RUN_TIME', cast(null as varchar)),
    (66, 'shift', 'FAIL_RATE', 'LOCAL', 'LOWER', false, false, false, true, false, false, false, false, false, 'NO_RUN_TIME', cast(null as varchar)),
    (67, 'shift', 'MTBF_FE1', 'ISO', 'HIGHER', false, false, false, true, false, false, false, false, false, cast(null as varchar), cast(null as varchar)),
    (68, 'shift', 'MTBF_FE1', 'TPM', 'HIGHER', false, false, false, true, false, false, false, false, false, cast(null as varchar), cast(null as varchar)),
    (69, 'shift', 'MTBF_FE1', 'LOCAL', 'HIGHER', false, false, false, true, false, false, false, false, false, cast(null as varchar), cast(null as varchar)),
    (70, 'shift', 'INH_AVAIL', 'ISO', 'HIGHER', false, false, false, true, false, false, false, false, false, 'NO_RUN_TIME', cast(null as varchar)),
    (71, 'shift', 'INH_AVAIL', 'TPM', 'HIGHER', false, false, false, true, false, false, false, false, false, 'NO_RUN_TIME', cast(null as varchar)),
    (72, 'shift', 'INH_AVAIL', 'LOCAL', 'HIGHER', false, false, false, true, false, false, false, false, false, 'NO_RUN_TIME', cast(null as varchar)),
    (73, 'shift', 'OEE_CAP', 'ISO', 'HIGHER', true, true, true, false, true, false, false, false, false, cast(null as varchar), cast(null as varchar)),
    (74, 'shift', 'OEE_CAP', 'TPM', 'HIGHER', true, true, true, false, true, false, false, false, false, cast(null as varchar), cast(null as varchar)),
    (75, 'shift', 'OEE_CAP', 'LOCAL', 'HIGHER', true, true, true, false, true, false, false, false, false, cast(null as varchar), cast(null as varchar)),
    (76, 'shift', 'EQ_LOAD', 'ISO', 'TARGET', true, true, true, false, false, false, false, true, false, cast(null as varchar), cast(null as varchar)),
    (77, 'shift', 'EQ_LOAD', 'TPM', 'TARGET', true, true, true, false, false, false, false, true, false, cast(null as varchar), cast(null as varchar)),
    (78, 'shift', 'EQ_LOAD', 'LOCAL', 'TARGET', true, true, true, false, false, false, false, true, false, cast(null as varchar), cast(null as varchar)),
    (79, 'shift', 'UNPL_DOWN', 'ISO', 'LOWER', false, false, true, true, false, false, false, false, false, cast(null as varchar), cast(null as varchar)),
    (80, 'shift', 'UNPL_DOWN', 'TPM', 'LOWER', false, false, true, true, false, false, false, false, false, cast(null as varchar), cast(null as varchar)),
    (81, 'shift', 'UNPL_DOWN', 'LOCAL', 'LOWER', false, false, true, true, false, false, false, false, false, cast(null as varchar), cast(null as varchar)),
    (82, 'shift', 'COVERAGE', 'ISO', 'HIGHER', false, false, true, true, false, false, false, false, false, cast(null as varchar), cast(null as varchar)),
    (83, 'shift', 'COVERAGE', 'TPM', 'HIGHER', false, false, true, true, false, false, false, false, false, cast(null as varchar), cast(null as varchar)),
    (84, 'shift', 'COVERAGE', 'LOCAL', 'HIGHER', false, false, true, true, false, false, false, false, false, cast(null as varchar), cast(null as varchar)),
    (85, 'shift', 'CODED', 'ISO', 'HIGHER', false, false, false, true, false, false, false, false, false, 'NO_STOPS', cast(null as varchar)),
    (86, 'shift', 'CODED', 'TPM', 'HIGHER', false, false, false, true, false, false, false, false, false, 'NO_STOPS', cast(null as varchar)),
    (87, 'shift', 'CODED', 'LOCAL', 'HIGHER', false, false, false, true, false, false, false, false, false, 'NO_STOPS', cast(null as varchar)),
    (88, 'day', 'WORKER_EFF', 'ISO', 'HIGHER', false, false, false, false, false, false, false, false, false, cast(null as varchar), 'NO_LABOUR'),
    (89, 'day', 'WORKER_EFF', 'TPM', 'HIGHER', false, false, false, false, false, false, false, false, false, cast(null as varchar), 'NO_LABOUR'),
    (90, 'day', 'WORKER_EFF', 'LOCAL', 'HIGHER', false, false, false, false, false, false, false, false, false, cast(null as varchar), 'NO_LABOUR'),
    (91, 'day', 'CMR', 'ISO', 'LOWER', false, false, false, false, false, false, false, false, false, cast(null as varchar), 'NO_MAINTENANCE'),
    (92, 'day', 'CMR', 'TPM', 'LOWER', false, false, false, false, false, false, false, false, false, cast(null as varchar), 'NO_MAINTENANCE'),
    (93, 'day', 'CMR', 'LOCAL', 'LOWER', false, false, false, false, false, false, false, false, false, cast(null as varchar), 'NO_MAINTENANCE'),
    (94, 'quality', 'FPY', 'ISO', 'HIGHER', false, false, false, false, false, false, false, false, false, cast(null as varchar), 'NO_INSPECTIONS'),
    (95, 'quality', 'FPY', 'TPM', 'HIGHER', false, false, false, false, false, false, false, false, false, cast(null as varchar), 'NO_INSPECTIONS'),
    (96, 'quality', 'FPY', 'LOCAL', 'HIGHER', false, false, false, false, false, false, false, false, false, cast(null as varchar), 'NO_INSPECTIONS'),
    (97, 'order', 'ALLOC_RATIO', 'ISO', 'HIGHER', false, false, false, false, false, false, false, false, false, cast(null as varchar), 'NO_ORDERS'),
    (98, 'order', 'ALLOC_RATIO', 'TPM', 'HIGHER', false, false, false, false, false, false, false, false, false, cast(null as varchar), 'NO_ORDERS'),
    (99, 'order', 'ALLOC_RATIO', 'LOCAL', 'HIGHER', false, false, false, false, false, false, false, false, false, cast(null as varchar), 'NO_ORDERS'),
    (100, 'order', 'PROC_RATIO', 'ISO', 'HIGHER', false, false, false, false, false, false, false, false, false, cast(null as varchar), 'NO_ORDERS'),
    (101, 'order', 'PROC_RATIO', 'TPM', 'HIGHER', false, false, false, false, false, false, false, false, false, cast(null as varchar), 'NO_ORDERS'),
    (102, 'order', 'PROC_RATIO', 'LOCAL', 'HIGHER', false, false, false, false, false, false, false, false, false, cast(null as varchar), 'NO_ORDERS'),
    (103, 'order', 'THRU', 'ISO', 'HIGHER', false, false, false, false, false, false, false, false, false, cast(null as varchar), 'NO_ORDERS'),
    (104, 'order', 'THRU', 'TPM', 'HIGHER', false, false, false, false, false, false, false, false, false, cast(null as varchar), 'NO_ORDERS'),
    (105, 'order', 'THRU', 'LOCAL', 'HIGHER', false, false, false, false, false, false, false, false, false, cast(null as varchar), 'NO_ORDERS'),
    (106, 'order', 'SCRAP_PLAN', 'ISO', 'LOWER', false, false, false, false, false, false, false, false, false, 'NO_PLANNED_SCRAP', 'NO_PLANNED_SCRAP'),
    (107, 'order', 'SCRAP_PLAN', 'TPM', 'LOWER', false, false, false, false, false, false, false, false, false, 'NO_PLANNED_SCRAP', 'NO_PLANNED_SCRAP'),
    (108, 'order', 'SCRAP_PLAN', 'LOCAL', 'LOWER', false, false, false, false, false, false, false, false, false, 'NO_PLANNED_SCRAP', 'NO_PLANNED_SCRAP'),
    (109, 'order', 'FALLOFF', 'ISO', 'LOWER', false, false, false, false, false, false, false, false, false, cast(null as varchar), 'NO_ORDERS'),
    (110, 'order', 'FALLOFF', 'TPM', 'LOWER', false, false, false, false, false, false, false, false, false, cast(null as varchar), 'NO_ORDERS'),
    (111, 'order', 'FALLOFF', 'LOCAL', 'LOWER', false, false, false, false, false, false, false, false, false, cast(null as varchar), 'NO_ORDERS'),
    (112, 'order', 'SCHED_ATT', 'ISO', 'HIGHER', false, false, false, false, false, false, false, false, false, cast(null as varchar), 'NO_ORDERS'),
    (113, 'order', 'SCHED_ATT', 'TPM', 'HIGHER', false, false, false, false, false, false, false, false, false, cast(null as varchar), 'NO_ORDERS'),
    (114, 'order', 'SCHED_ATT', 'LOCAL', 'HIGHER', false, false, false, false, false, false, false, false, false, cast(null as varchar), 'NO_ORDERS'),
    (115, 'order', 'ORDER_OT', 'ISO', 'HIGHER', false, false, false, false, false, false, false, false, false, cast(null as varchar), 'NO_ORDERS'),
    (116, 'order', 'ORDER_OT', 'TPM', 'HIGHER', false, false, false, false, false, false, false, false, false, cast(null as varchar), 'NO_ORDERS'),
    (117, 'order', 'ORDER_OT', 'LOCAL', 'HIGHER', false, false, false, false, false, false, false, false, false, cast(null as varchar), 'NO_ORDERS'),
    (118, 'month', 'OTIF', 'ISO', 'HIGHER', false, false, false, false, false, false, false, false, false, cast(null as varchar), 'NO_DELIVERIES'),
    (119, 'month', 'OTIF', 'TPM', 'HIGHER', false, false, false, false, false, false, false, false, false, cast(null as varchar), 'NO_DELIVERIES'),
    (120, 'month', 'OTIF', 'LOCAL', 'HIGHER', false, false, false, false, false, false, false, false, false, cast(null as varchar), 'NO_DELIVERIES'),
    (121, 'month', 'WIP_DAYS', 'ISO', 'LOWER', false, false, false, false, false, false, false, false, false, cast(null as varchar), 'NO_STOCK'),
    (122, 'month', 'WIP_DAYS', 'TPM', 'LOWER', false, false, false, false, false, false, false, false, false, cast(null as varchar), 'NO_STOCK'),
    (123, 'month', 'WIP_DAYS', 'LOCAL', 'LOWER', false, false, false, false, false, false, false, false, false, cast(null as varchar), 'NO_STOCK'),
    (124, 'month', 'INV_TURNS', 'ISO', 'HIGHER', false, false, false, false, false, false, false, false, false, cast(null as varchar), 'NO_STOCK'),
    (125, 'month', 'INV_TURNS', 'TPM', 'HIGHER', false, false, false, false, false, false, false, false, false, cast(null as varchar), 'NO_STOCK'),
    (126, 'month', 'INV_TURNS', 'LOCAL', 'HIGHER', false, false, false, false, false, false, false, false, false, cast(null as varchar), 'NO_STOCK'),
    (127, 'month', 'ENERGY_INT', 'ISO', 'LOWER', false, false, false, false, false, false, false, false, false, cast(null as varchar), 'NO_ENERGY'),
    (128, 'month', 'ENERGY_INT', 'TPM', 'LOWER', false, false, false, false, false, false, false, false, false, cast(null as varchar), 'NO_ENERGY'),
    (129, 'month', 'ENERGY_INT', 'LOCAL', 'LOWER', false, false, false, false, false, false, false, false, false, cast(null as varchar), 'NO_ENERGY'),
    (130, 'month', 'CO2_INT', 'ISO', 'LOWER', false, false, false, false, false, false, false, false, false, cast(null as varchar), 'NO_EMISSIONS'),
    (131, 'month', 'CO2_INT', 'TPM', 'LOWER', false, false, false, false, false, false, false, false, false, cast(null as varchar), 'NO_EMISSIONS'),
    (132, 'month', 'CO2_INT', 'LOCAL', 'LOWER', false, false, false, false, false, false, false, false, false, cast(null as varchar), 'NO_EMISSIONS'),
    (133, 'month', 'COPQ', 'ISO', 'LOWER', false, false, false, false, false, false, false, false, false, cast(null as varchar), 'NO_COSTS'),
    (134, 'month', 'COPQ', 'TPM', 'LOWER', false, false, false, false, false, false, false, false, false, cast(null as varchar), 'NO_COSTS'),
    (135, 'month', 'COPQ', 'LOCAL', 'LOWER', false, false, false, false, false, false, false, false, false, cast(null as varchar), 'NO_COSTS'),
    (136, 'month', 'CONV_COST', 'ISO', 'LOWER', false, false, false, false, false, false, false, false, false, cast(null as varchar), 'NO_COSTS'),
    (137, 'month', 'CONV_COST', 'TPM', 'LOWER', false, false, false, false, false, false, false, false, false, cast(null as varchar), 'NO_COSTS'),
    (138, 'month', 'CONV_COST', 'LOCAL', 'LOWER', false, false, false, false, false, false, false, false, false, cast(null as varchar), 'NO_COSTS'),
    (139, 'month', 'LAB_PROD', 'ISO', 'HIGHER', false, false, false, false, false, false, false, false, false, cast(null as varchar), 'NO_LABOUR'),
    (140, 'month', 'LAB_PROD', 'TPM', 'HIGHER', false, false, false, false, false, false, false, false, false, cast(null as varchar), 'NO_LABOUR'),
    (141, 'month', 'LAB_PROD', 'LOCAL', 'HIGHER', false, false, false, false, false, false, false, false, false, cast(null as varchar), 'NO_LABOUR'),
    (142, 'month', 'MAINT_COST', 'ISO', 'TARGET', false, false, false, false, false, false, false, false, false, cast(null as varchar), 'NO_COSTS'),
    (143, 'month', 'MAINT_COST', 'TPM', 'TARGET', false, false, false, false, false, false, false, false, false, cast(null as varchar), 'NO_COSTS'),
    (144, 'month', 'MAINT_COST', 'LOCAL', 'TARGET', false, false, false, false, false, false, false, false, false, cast(null as varchar), 'NO_COSTS'),
    (145, 'routing', 'RTY', 'ISO', 'HIGHER', false, false, false, false, false, false, false, false, false, cast(null as varchar), 'NO_INSPECTIONS'),
    (146, 'routing', 'RTY', 'TPM', 'HIGHER', false, false, false, false, false, false, false, false, false, cast(null as varchar), 'NO_INSPECTIONS'),
    (147, 'routing', 'RTY', 'LOCAL', 'HIGHER', false, false, false, false, false, false, false, false, false, cast(null as varchar), 'NO_INSPECTIONS'),
    (148, 'characteristic', 'CP', 'ISO', 'HIGHER', false, false, false, false, false, false, false, false, false, 'SEVERAL_CHARACTERISTICS', 'NO_MEASUREMENTS'),
    (149, 'characteristic', 'CP', 'TPM', 'HIGHER', false, false, false, false, false, false, false, false, false, 'SEVERAL_CHARACTERISTICS', 'NO_MEASUREMENTS'),
    (150, 'characteristic', 'CP', 'LOCAL', 'HIGHER', false, false, false, false, false, false, false, false, false, 'SEVERAL_CHARACTERISTICS', 'NO_MEASUREMENTS'),
    (151, 'characteristic', 'CPK', 'ISO', 'HIGHER', false, false, false, false, false, false, false, false, false, 'SEVERAL_CHARACTERISTICS', 'NO_MEASUREMENTS'),
    (152, 'characteristic', 'CPK', 'TPM', 'HIGHER', false, false, false, false, false, false, false, false, false, 'SEVERAL_CHARACTERISTICS', 'NO_MEASUREMENTS'),
    (153, 'characteristic', 'CPK', 'LOCAL', 'HIGHER', false, false, false, false, false, false, false, false, false, 'SEVERAL_CHARACTERISTICS', 'NO_MEASUREMENTS'),
    (154, 'characteristic', 'PPK', 'ISO', 'HIGHER', false, false, false, false, false, false, false, false, false, 'SEVERAL_CHARACTERISTICS', 'NO_MEASUREMENTS'),
    (155, 'characteristic', 'PPK', 'TPM', 'HIGHER', false, false, false, false, false, false, false, false, false, 'SEVERAL_CHARACTERISTICS', 'NO_MEASUREMENTS'),
    (156, 'characteristic', 'PPK', 'LOCAL', 'HIGHER', false, false, false, false, false, false, false, false, false, 'SEVERAL_CHARACTERISTICS', 'NO_MEASUREMENTS'),
    (157, 'characteristic', 'CPK_SHARE', 'ISO', 'HIGHER', false, false, false, false, false, false, false, false, false, cast(null as varchar), 'NO_MEASUREMENTS'),
    (158, 'characteristic', 'CPK_SHARE', 'TPM', 'HIGHER', false, false, false, false, false, false, false, false, false, cast(null as varchar), 'NO_MEASUREMENTS'),
    (159, 'characteristic', 'CPK_SHARE', 'LOCAL', 'HIGHER', false, false, false, false, false, false, false, false, false, cast(null as varchar), 'NO_MEASUREMENTS'),
    (160, 'shift', 'LOSS_BREAKDOWN', 'ISO', 'LOWER', true, true, true, true, true, false, false, true, false, cast(null as varchar), cast(null as varchar)),
    (161, 'shift', 'LOSS_ORGANISATION', 'ISO', 'LOWER', true, true, true, true, true, false, false, true, false, cast(null as varchar), cast(null as varchar)),
    (162, 'shift', 'LOSS_SETUP', 'ISO', 'LOWER', true, true, true, true, true, false, false, true, false, cast(null as varchar), cast(null as varchar)),
    (163, 'shift', 'LOSS_NO_ORDER', 'ISO', 'LOWER', true, true, true, true, true, false, false, true, false, cast(null as varchar), cast(null as varchar)),
    (164, 'shift', 'LOSS_MINOR', 'ISO', 'LOWER', true, true, true, true, true, false, false, true, false, cast(null as varchar), cast(null as varchar)),
    (165, 'shift', 'LOSS_UNKNOWN', 'ISO', 'LOWER', true, true, true, true, true, false, false, true, false, cast(null as varchar), cast(null as varchar)),
    (166, 'shift', 'LOSS_SPEED', 'ISO', 'LOWER', true, true, true, true, true, false, false, true, false, cast(null as varchar), cast(null as varchar)),
    (167, 'shift', 'LOSS_QUALITY', 'ISO', 'LOWER', true, true, true, true, true, false, false, true, false, cast(null as varchar), cast(null as varchar))
) as v (number, parts, kpi_id, profile, trend, uses_rate, uses_counts, uses_plan, uses_states, uses_good, uses_scrap, uses_rework, is_withheld, has_bound, none_word, no_data_word)
),

chosen_shift as (
select
    s.scope_type, s.scope_id, s.scope_name, s.plant_id, s.shift_code, s.period_type, s.period_start, k.*,
    case
        when k.number in (1, 2, 19, 20, 21) then cast(ideal_gq_s__plan_output_rate_good as double)
        when k.number in (3) then cast(local_ideal_gq_s__plan_output_rate_good as double)
        when k.number in (4, 6) then cast(apt_s__plan_run_time as double)
        when k.number in (5) then cast(apt_s__plan_run_time_states as double) + cast(micro_s__plan_run_time_states as double)
        when k.number in (7, 8) then cast(ideal_pq_s__run_time_output_rate as double)
        when k.number in (9) then cast(local_ideal_pq_s__run_time_output_rate as double)
        when k.number in (10, 11, 22, 23, 24) then cast(ideal_gq_s__output_rate_good as double)
        when k.number in (12) then cast(local_ideal_gq_s__output_rate_good as double)
        when k.number in (13, 14, 15) then cast(gq__output_good as double)
        when k.number in (16, 17, 76, 77, 78) then cast(ideal_pq_s__plan_output_rate as double)
        when k.number in (18) then cast(local_ideal_pq_s__plan_output_rate as double)
        when k.number in (25, 26, 27) then cast(aupt_s__plan_run_time_output_rate_good as double) * cast(ideal_gq_s__plan_run_time_output_rate_good as double)
        when k.number in (28, 29, 30, 37, 38, 39) then cast(apt_s__run_time as double)
        when k.number in (31, 32, 33) then cast(pbt_s__plan as double)
        when k.number in (34, 35, 36) then cast(aubt_s__plan_run_time as double)
        when k.number in (40, 41, 42) then cast(apt_s__run_time_states as double)
        when k.number in (43, 44, 45) then cast(aust_s__run_time_states as double)
        when k.number in (46, 47, 48) then cast(setup_elapsed_s__states as double)
        when k.number in (49, 50, 51) then cast(sq__output_scrap as double)
        when k.number in (52, 53, 54) then cast(rq__output_rework as double)
        when k.number in (55, 56, 57, 58, 59, 60, 67, 68, 69) then cast(tbf_s__run_time_states as double) / 3600
        when k.number in (61, 62, 63) then cast(ttr_s__states as double) / 3600
        when k.number in (64, 65, 66) then cast(fe__run_time_states as double)
        when k.number in (70, 71, 72) then cast(tbf_s__run_time_states as double)
        when k.number in (73, 74, 75) then cast(gq__plan_output_rate_good as double)
        when k.number in (79, 80, 81) then cast(adet_eq_s__plan_states as double)
        when k.number in (82, 83, 84) then cast(pbt_s__plan_states as double) - cast(unknown_s__plan_states as double)
        when k.number in (85, 86, 87) then cast(coded_stop_s__states as double)
        when k.number in (160) then cast(adet_eq_s__plan_run_time_states_output_rate_good as double)
        when k.number in (161) then cast(adet_org_s__plan_run_time_states_output_rate_good as double)
        when k.number in (162) then cast(aust_s__plan_run_time_states_output_rate_good as double)
        when k.number in (163) then cast(adot_s__plan_run_time_states_output_rate_good as double)
        when k.number in (164) then cast(micro_s__plan_run_time_states_output_rate_good as double)
        when k.number in (165) then cast(unknown_s__plan_run_time_states_output_rate_good as double)
        when k.number in (166) then cast(apt_s__plan_run_time_states_output_rate_good as double) - cast(ideal_pq_s__plan_run_time_states_output_rate_good as double)
        when k.number in (167) then cast(ideal_pq_s__plan_run_time_states_output_rate_good as double) - cast(ideal_gq_s__plan_run_time_states_output_rate_good as double)
    end as numerator,
    case
        when k.number in (1, 2) then cast(pbt_s__plan_output_rate_good as double)
        when k.number in (3) then cast(local_pbt_s__plan_output_rate_good as double)
        when k.number in (4, 34, 35, 36) then cast(pbt_s__plan_run_time as double)
        when k.number in (5) then cast(pbt_s__plan_run_time_states as double)
        when k.number in (6) then cast(local_pbt_s__plan_run_time as double)
        when k.number in (7, 9) then cast(apt_rated_s__run_time_output_rate as double)
        when k.number in (8) then cast(apt_rated_s__run_time_output_rate as double) + cast(micro_rated_s__run_time_output_rate as double)
        when k.number in (10, 11) then cast(ideal_pq_s__output_rate_good as double)
        when k.number in (12) then cast(local_ideal_pq_s__output_rate_good as double)
        when k.number in (13, 14, 15) then cast(pq__output_good as double)
        when k.number in (16, 17) then cast(pbt_s__plan_output_rate as double)
        when k.number in (18) then cast(local_pbt_s__plan_output_rate as double)
        when k.number in (19, 20, 21) then cast(pot_s__plan_output_rate_good as double)
        when k.number in (22, 23, 24) then cast(ct_s__output_rate_good as double)
        when k.number in (25, 26, 27) then cast(pbt_s__plan_run_time_output_rate_good as double) * cast(apt_rated_s__plan_run_time_output_rate_good as double)
        when k.number in (28, 29, 30) then cast(ct_s__run_time as double)
        when k.number in (31, 32, 33) then cast(ct_s__plan as double)
        when k.number in (37, 38, 39) then cast(aubt_s__run_time as double)
        when k.number in (40, 41, 42) then cast(apt_s__run_time_states as double) + cast(adet_eq_s__run_time_states as double) + cast(adet_org_s__run_time_states as double) + cast(micro_s__run_time_states as double)
        when k.number in (43, 44, 45) then cast(aupt_s__run_time_states as double)
        when k.number in (46, 47, 48) then cast(setup_count__states as double)
        when k.number in (49, 50, 51) then cast(pq__output_scrap as double)
        when k.number in (52, 53, 54) then cast(pq__output_rework as double)
        when k.number in (55, 56, 57, 58, 59, 60) then cast(fe__run_time_states as double)
        when k.number in (61, 62, 63) then cast(fe__states as double)
        when k.number in (64, 65, 66) then cast(aupt_s__run_time_states as double) / 360000
        when k.number in (67, 68, 69) then cast(fe__run_time_states as double) + 1
        when k.number in (70, 71, 72) then cast(tbf_s__run_time_states as double) + cast(ttr_s__run_time_states as double)
        when k.number in (73, 74, 75) then cast(capacity_qty__plan_output_rate_good as double)
        when k.number in (76, 77, 78) then cast(pot_s__plan_output_rate as double)
        when k.number in (79, 80, 81, 82, 83, 84) then cast(pbt_s__plan_states as double)
        when k.number in (85, 86, 87) then cast(stop_s__states as double)
        when k.number in (160, 161, 162, 163, 164, 165, 166, 167) then cast(pbt_s__plan_run_time_states_output_rate_good as double)
    end as denominator,
    case
        when k.number in (4, 6) then cast(apt_s__plan_run_time as double) + cast(unknown_s__plan_run_time as double)
        when k.number in (5) then cast(apt_s__plan_run_time_states as double) + cast(micro_s__plan_run_time_states as double) + cast(unknown_s__plan_run_time_states as double)
    end as high,
    case
        when k.number in (1, 2, 3, 19, 20, 21, 73, 74, 75) then plants_plan_output_rate_good
        when k.number in (4, 6, 34, 35, 36) then plants_plan_run_time
        when k.number in (5) then plants_plan_run_time_states
        when k.number in (7, 8, 9) then plants_run_time_output_rate
        when k.number in (10, 11, 12, 22, 23, 24) then plants_output_rate_good
        when k.number in (13, 14, 15) then plants_output_good
        when k.number in (16, 17, 18, 76, 77, 78) then plants_plan_output_rate
        when k.number in (25, 26, 27) then plants_plan_run_time_output_rate_good
        when k.number in (28, 29, 30, 37, 38, 39) then plants_run_time
        when k.number in (31, 32, 33) then plants_plan
        when k.number in (40, 41, 42, 43, 44, 45, 55, 56, 57, 58, 59, 60, 64, 65, 66, 67, 68, 69, 70, 71, 72) then plants_run_time_states
        when k.number in (46, 47, 48, 61, 62, 63, 85, 86, 87) then plants_states
        when k.number in (49, 50, 51) then plants_output_scrap
        when k.number in (52, 53, 54) then plants_output_rework
        when k.number in (79, 80, 81, 82, 83, 84) then plants_plan_states
        when k.number in (160, 161, 162, 163, 164, 165, 166, 167) then plants_plan_run_time_states_output_rate_good
    end as plants_in,
    case
        when k.number in (1, 2, 3, 19, 20, 21, 73, 74, 75) then units_plan_output_rate_good
        when k.number in (4, 6, 34, 35, 36) then units_plan_run_time
        when k.number in (5) then units_plan_run_time_states
        when k.number in (7, 8, 9) then units_run_time_output_rate
        when k.number in (10, 11, 12, 22, 23, 24) then units_output_rate_good
        when k.number in (13, 14, 15) then units_output_good
        when k.number in (16, 17, 18, 76, 77, 78) then units_plan_output_rate
        when k.number in (25, 26, 27) then units_plan_run_time_output_rate_good
        when k.number in (28, 29, 30, 37, 38, 39) then units_run_time
        when k.number in (31, 32, 33) then units_plan
        when k.number in (40, 41, 42, 43, 44, 45, 55, 56, 57, 58, 59, 60, 64, 65, 66, 67, 68, 69, 70, 71, 72) then units_run_time_states
        when k.number in (46, 47, 48, 61, 62, 63, 85, 86, 87) then units_states
        when k.number in (49, 50, 51) then units_output_scrap
        when k.number in (52, 53, 54) then units_output_rework
        when k.number in (79, 80, 81, 82, 83, 84) then units_plan_states
        when k.number in (160, 161, 162, 163, 164, 165, 166, 167) then units_plan_run_time_states_output_rate_good
    end as units_in,
    s.units_of,
    case when s.period_type = 'SHIFT' and c.plants is not null then s.plants_told else c.plants end as plants_of,
    s.plants_told, s.release_id, s.as_of_ts,
    cast(s.told_pbt_s - s.unknown_s as double) / nullif(cast(s.told_pbt_s as double), 0) as time_cov,
    coalesce(cast(s.rate_known_in_s as double) / nullif(cast(s.rate_in_s as double), 0), cast(s.rate_known_s as double) / nullif(cast(s.rate_base_s as double), 0)) as rate_cov,
    cast(s.reported_count_shifts as double) / nullif(s.expected_count_shifts, 0) as count_cov,
    cast(s.coded_stop_s as double) / nullif(cast(s.stop_s as double), 0) as reason_cov,
    s.min_rate_coverage as min_rate_coverage,
    s.definition_score as definition_score,
    s.unknown_good_counts as unknown_good_counts,
    s.unknown_scrap as unknown_scrap,
    s.unknown_rework as unknown_rework,
    s.outside_counts as outside_counts,
    s.is_residual as is_residual,
    s.is_none as is_none,
    s.is_preliminary as is_preliminary,
    s.has_overlap as has_overlap,
    s.has_ambiguous as has_ambiguous,
    s.has_allocated as has_allocated,
    s.has_stop_counts as has_stop_counts,
    s.all_none as all_none,
    s.assumed_calendar as assumed_calendar,
    s.assumed_rate as assumed_rate,
    s.no_calendar as no_calendar,
    s.rated_s as rated_s,
    s.ideal_best_s as ideal_best_s,
    s.ideal_engineered_s as ideal_engineered_s,
    s.ideal_erp_s as ideal_erp_s
from summed as s
left join scope_size as c on s.scope_type = c.scope_type and s.scope_id = c.scope_id
cross join (select * from kpi where parts = 'shift') as k
),

row_day as (
select p.plant_id, p.equipment_id, p.production_day, false as is_nothing, p.apat_s, p.apwt_s, p.cmt_s, p.pmt_s,
    p.valid_from_release as release_id, p.as_of_ts
from {{ ref('mart_kpi_parts_day') }} as p
where p.valid_to_release is null
union all
select plant_id, '~' || plant_id, month, true, null as apat_s, null as apwt_s, null as cmt_s, null as pmt_s, null, null
from (select distinct plant_id, month from unit_month) as worked
),

period_day as (
select 'DAY' as period_type, production_day as period_start, plant_id, equipment_id,
    sum(case when apat_s is not null and apwt_s is not null then apat_s end) as apat_s__apat_s_apwt_s,
    sum(case when apat_s is not null and apwt_s is not null then apwt_s end) as apwt_s__apat_s_apwt_s,
    sum(case when cmt_s is not null and pmt_s is not null then cmt_s end) as cmt_s__cmt_s_pmt_s,
    sum(case when cmt_s is not null and pmt_s is not null then pmt_s end) as pmt_s__cmt_s_pmt_s,
    max(case when apat_s is not null and apwt_s is not null then 1 else 0 end) as in_apat_s_apwt_s,
    max(case when cmt_s is not null and pmt_s is not null then 1 else 0 end) as in_cmt_s_pmt_s,
    max(release_id) as release_id,
    max(as_of_ts) as as_of_ts
from row_day where not is_nothing
group by plant_id, equipment_id, production_day
union all
select 'WEEK' as period_type, cast(date_trunc('week', production_day) as date) as period_start, plant_id, equipment_id,
    sum(case when apat_s is not null and apwt_s is not null then apat_s end) as apat_s__apat_s_apwt_s,
    sum(case when apat_s is not null and apwt_s is not null then apwt_s end) as apwt_s__apat_s_apwt_s,
    sum(case when cmt_s is not null and pmt_s is not null then cmt_s end) as cmt_s__cmt_s_pmt_s,
    sum(case when cmt_s is not null and pmt_s is not null then pmt_s end) as pmt_s__cmt_s_pmt_s,
    max(case when apat_s is not null and apwt_s is not null then 1 else 0 end) as in_apat_s_apwt_s,
    max(case when cmt_s is not null and pmt_s is not null then 1 else 0 end) as in_cmt_s_pmt_s,
    max(release_id) as release_id,
    max(as_of_ts) as as_of_ts
from row_day where not is_nothing
group by plant_id, equipment_id, cast(date_trunc('week', production_day) as date)
union all
select 'MONTH' as period_type, cast(date_trunc('month', production_day) as date) as period_start, plant_id, equipment_id,
    sum(case when apat_s is not null and apwt_s is not null then apat_s end) as apat_s__apat_s_apwt_s,
    sum(case when apat_s is not null and apwt_s is not null then apwt_s end) as apwt_s__apat_s_apwt_s,
    sum(case when cmt_s is not null and pmt_s is not null then cmt_s end) as cmt_s__cmt_s_pmt_s,
    sum(case when cmt_s is not null and pmt_s is not null then pmt_s end) as pmt_s__cmt_s_pmt_s,
    max(case when apat_s is not null and apwt_s is not null then 1 else 0 end) as in_apat_s_apwt_s,
    max(case when cmt_s is not null and pmt_s is not null then 1 else 0 end) as in_cmt_s_pmt_s,
    max(release_id) as release_id,
    max(as_of_ts) as as_of_ts
from row_day
group by plant_id, equipment_id, cast(date_trunc('month', production_day) as date)
union all
select 'QUARTER' as period_type, cast(date_trunc('quarter', production_day) as date) as period_start, plant_id, equipment_id,
    sum(case when apat_s is not null and apwt_s is not null then apat_s end) as apat_s__apat_s_apwt_s,
    sum(case when apat_s is not null and apwt_s is not null then apwt_s end) as apwt_s__apat_s_apwt_s,
    sum(case when cmt_s is not null and pmt_s is not null then cmt_s end) as cmt_s__cmt_s_pmt_s,
    sum(case when cmt_s is not null and pmt_s is not null then pmt_s end) as pmt_s__cmt_s_pmt_s,
    max(case when apat_s is not null and apwt_s is not null then 1 else 0 end) as in_apat_s_apwt_s,
    max(case when cmt_s is not null and pmt_s is not null then 1 else 0 end) as in_cmt_s_pmt_s,
    max(release_id) as release_id,
    max(as_of_ts) as as_of_ts
from row_day
group by plant_id, equipment_id, cast(date_trunc('quarter', production_day) as date)
),

plant_day as (
select
    x.scope_type, x.scope_id, x.plant_id, u.period_type, u.period_start, max(x.scope_name) as scope_name,
    sum(apat_s__apat_s_apwt_s) as apat_s__apat_s_apwt_s,
    sum(apwt_s__apat_s_apwt_s) as apwt_s__apat_s_apwt_s,
    sum(cmt_s__cmt_s_pmt_s) as cmt_s__cmt_s_pmt_s,
    sum(pmt_s__cmt_s_pmt_s) as pmt_s__cmt_s_pmt_s,
    max(in_apat_s_apwt_s) as in_apat_s_apwt_s,
    max(in_cmt_s_pmt_s) as in_cmt_s_pmt_s,
    max(release_id) as release_id,
    max(as_of_ts) as as_of_ts
from period_day as u
inner join {{ ref('unit_scope') }} as x on u.equipment_id = x.unit_id
group by x.scope_type, x.scope_id, x.plant_id, u.period_type, u.period_start
),

summed_day as (
select
    scope_type, scope_id, period_type, period_start, max(scope_name) as scope_name,
    case when scope_type in ('CLASS', 'COMPANY', 'PORTFOLIO') then null else min(plant_id) end as plant_id,
    sum(apat_s__apat_s_apwt_s) as apat_s__apat_s_apwt_s,
    sum(apwt_s__apat_s_apwt_s) as apwt_s__apat_s_apwt_s,
    sum(cmt_s__cmt_s_pmt_s) as cmt_s__cmt_s_pmt_s,
    sum(pmt_s__cmt_s_pmt_s) as pmt_s__cmt_s_pmt_s,
    cast(sum(in_apat_s_apwt_s) as bigint) as plants_apat_s_apwt_s,
    cast(sum(in_cmt_s_pmt_s) as bigint) as plants_cmt_s_pmt_s,
    count(*) as plants_told,
    max(release_id) as release_id,
    max(as_of_ts) as as_of_ts
from plant_day
group by scope_type, scope_id, period_type, period_start
),

chosen_day as (
select
    s.scope_type, s.scope_id, s.scope_name, s.plant_id, cast(null as varchar) as shift_code, s.period_type, s.period_start, k.*,
    case
        when k.number in (88, 89, 90) then cast(apwt_s__apat_s_apwt_s as double)
        when k.number in (91, 92, 93) then cast(cmt_s__cmt_s_pmt_s as double)
    end as numerator,
    case
        when k.number in (88, 89, 90) then cast(apat_s__apat_s_apwt_s as double)
        when k.number in (91, 92, 93) then cast(cmt_s__cmt_s_pmt_s as double) + cast(pmt_s__cmt_s_pmt_s as double)
    end as denominator,
    cast(null as double) as high,
    case
        when k.number in (88, 89, 90) then plants_apat_s_apwt_s
        when k.number in (91, 92, 93) then plants_cmt_s_pmt_s
    end as plants_in,
    case
        when k.number in (88, 89, 90) then plants_apat_s_apwt_s
        when k.number in (91, 92, 93) then plants_cmt_s_pmt_s
    end as units_in,
    s.plants_told as units_of,
    case when s.period_type = 'SHIFT' and c.plants is not null then s.plants_told else c.plants end as plants_of,
    s.plants_told, s.release_id, s.as_of_ts,
    cast(null as double) as time_cov,
    cast(null as double) as rate_cov,
    cast(null as double) as count_cov,
    cast(null as double) as reason_cov,
    0 as min_rate_coverage,
    1.0 as definition_score,
    0 as unknown_good_counts,
    0 as unknown_scrap,
    0 as unknown_rework,
    0 as outside_counts,
    0 as is_residual,
    0 as is_none,
    0 as is_preliminary,
    0 as has_overlap,
    0 as has_ambiguous,
    0 as has_allocated,
    0 as has_stop_counts,
    0 as all_none,
    0 as assumed_calendar,
    0 as assumed_rate,
    0 as no_calendar,
    cast(null as double) as rated_s,
    cast(null as double) as ideal_best_s,
    cast(null as double) as ideal_engineered_s,
    cast(null as double) as ideal_erp_s
from summed_day as s
left join scope_size as c on s.scope_type = c.scope_type and s.scope_id = c.scope_id
cross join (select * from kpi where parts = 'day') as k
),

row_quality as (
select p.plant_id, p.equipment_id, p.production_day, false as is_nothing, p.fp_good, p.inspected,
    p.valid_from_release as release_id, p.as_of_ts
from {{ ref('mart_kpi_parts_quality') }} as p
where p.characteristic = '~' and p.valid_to_release is null
union all
select plant_id, '~' || plant_id, month, true, null as fp_good, null as inspected, null, null
from (select distinct plant_id, month from unit_month) as worked
),

period_quality as (
select 'DAY' as period_type, production_day as period_start, plant_id, equipment_id,
    sum(case when fp_good is not null and inspected is not null then fp_good end) as fp_good__fp_good_inspected,
    sum(case when fp_good is not null and inspected is not null then inspected end) as inspected__fp_good_inspected,
    max(case when fp_good is not null and inspected is not null then 1 else 0 end) as in_fp_good_inspected,
    max(release_id) as release_id,
    max(as_of_ts) as as_of_ts
from row_quality where not is_nothing
group by plant_id, equipment_id, production_day
union all
select 'WEEK' as period_type, cast(date_trunc('week', production_day) as date) as period_start, plant_id, equipment_id,
    sum(case when fp_good is not null and inspected is not null then fp_good end) as fp_good__fp_good_inspected,
    sum(case when fp_good is not null and inspected is not null then inspected end) as inspected__fp_good_inspected,
    max(case when fp_good is not null and inspected is not null then 1 else 0 end) as in_fp_good_inspected,
    max(release_id) as release_id,
    max(as_of_ts) as as_of_ts
from row_quality where not is_nothing
group by plant_id, equipment_id, cast(date_trunc('week', production_day) as date)
union all
select 'MONTH' as period_type, cast(date_trunc('month', production_day) as date) as period_start, plant_id, equipment_id,
    sum(case when fp_good is not null and inspected is not null then fp_good end) as fp_good__fp_good_inspected,
    sum(case when fp_good is not null and inspected is not null then inspected end) as inspected__fp_good_inspected,
    max(case when fp_good is not null and inspected is not null then 1 else 0 end) as in_fp_good_inspected,
    max(release_id) as release_id,
    max(as_of_ts) as as_of_ts
from row_quality
group by plant_id, equipment_id, cast(date_trunc('month', production_day) as date)
union all
select 'QUARTER' as period_type, cast(date_trunc('quarter', production_day) as date) as period_start, plant_id, equipment_id,
    sum(case when fp_good is not null and inspected is not null then fp_good end) as fp_good__fp_good_inspected,
    sum(case when fp_good is not null and inspected is not null then inspected end) as inspected__fp_good_inspected,
    max(case when fp_good is not null and inspected is not null then 1 else 0 end) as in_fp_good_inspected,
    max(release_id) as release_id,
    max(as_of_ts) as as_of_ts
from row_quality
group by plant_id, equipment_id, cast(date_trunc('quarter', production_day) as date)
),

plant_quality as (
select
    x.scope_type, x.scope_id, x.plant_id, u.period_type, u.period_start, max(x.scope_name) as scope_name,
    sum(fp_good__fp_good_inspected) as fp_good__fp_good_inspected,
    sum(inspected__fp_good_inspected) as inspected__fp_good_inspected,
    max(in_fp_good_inspected) as in_fp_good_inspected,
    max(release_id) as release_id,
    max(as_of_ts) as as_of_ts
from period_quality as u
inner join {{ ref('unit_scope') }} as x on u.equipment_id = x.unit_id
group by x.scope_type, x.scope_id, x.plant_id, u.period_type, u.period_start
),

summed_quality as (
select
    scope_type, scope_id, period_type, period_start, max(scope_name) as scope_name,
    case when scope_type in ('CLASS', 'COMPANY', 'PORTFOLIO') then null else min(plant_id) end as plant_id,
    sum(fp_good__fp_good_inspected) as fp_good__fp_good_inspected,
    sum(inspected__fp_good_inspected) as inspected__fp_good_inspected,
    cast(sum(in_fp_good_inspected) as bigint) as plants_fp_good_inspected,
    count(*) as plants_told,
    max(release_id) as release_id,
    max(as_of_ts) as as_of_ts
from plant_quality
group by scope_type, scope_id, period_type, period_start
),

chosen_quality as (
select
    s.scope_type, s.scope_id, s.scope_name, s.plant_id, cast(null as varchar) as shift_code, s.period_type, s.period_start, k.*,
    case
        when k.number in (94, 95, 96) then cast(fp_good__fp_good_inspected as double)
    end as numerator,
    case
        when k.number in (94, 95, 96) then cast(inspected__fp_good_inspected as double)
    end as denominator,
    cast(null as double) as high,
    case
        when k.number in (94, 95, 96) then plants_fp_good_inspected
    end as plants_in,
    case
        when k.number in (94, 95, 96) then plants_fp_good_inspected
    end as units_in,
    s.plants_told as units_of,
    case when s.period_type = 'SHIFT' and c.plants is not null then s.plants_told else c.plants end as plants_of,
    s.plants_told, s.release_id, s.as_of_ts,
    cast(null as double) as time_cov,
    cast(null as double) as rate_cov,
    cast(null as double) as count_cov,
    cast(null as double) as reason_cov,
    0 as min_rate_coverage,
    1.0 as definition_score,
    0 as unknown_good_counts,
    0 as unknown_scrap,
    0 as unknown_rework,
    0 as outside_counts,
    0 as is_residual,
    0 as is_none,
    0 as is_preliminary,
    0 as has_overlap,
    0 as has_ambiguous,
    0 as has_allocated,
    0 as has_stop_counts,
    0 as all_none,
    0 as assumed_calendar,
    0 as assumed_rate,
    0 as no_calendar,
    cast(null as double) as rated_s,
    cast(null as double) as ideal_best_s,
    cast(null as double) as ideal_engineered_s,
    cast(null as double) as ideal_erp_s
from summed_quality as s
left join scope_size as c on s.scope_type = c.scope_type and s.scope_id = c.scope_id
cross join (select * from kpi where parts = 'quality') as k
),

row_order as (
select h.plant_id, h.equipment_id, h.production_day, false as is_nothing,
    case when h.kind = 'END' then h.aoet_s end as aoet_s,
    case when h.kind = 'DUE' and c.plant_id is not null then least(coalesce(w.made_by_due, 0), h.planned_qty) end as attained_qty,
    case when h.kind = 'DUE' then 1 end as due_orders,
    case when h.kind = 'END' then coalesce(w.first_pq, w.pq) end as first_op_pq,
    case when h.kind = 'DUE' then case when h.is_on_time then 1 else 0 end end as on_time_orders,
    case when h.kind = 'END' then w.apt_s end as order_apt_s,
    case when h.kind = 'END' then w.aubt_s end as order_aubt_s,
    case when h.kind = 'END' then coalesce(w.last_pq, w.pq) end as order_pq,
    case when h.kind = 'END' then h.planned_scrap_qty end as order_psq,
    case when h.kind = 'END' then w.sq end as order_sq,
    case when h.kind = 'DUE' then h.planned_qty end as planned_qty,
    greatest(h.valid_from_release, coalesce(w.release_id, 0)) as release_id, h.as_of_ts
from {{ ref('mart_kpi_parts_order') }} as h
left join (
    select
        o.order_id, o.kind, sum(p.aubt_s) as aubt_s, sum(p.apt_s) as apt_s, sum(p.pq) as pq, sum(p.sq) as sq,
        sum(case when p.operation_key = o.first_operation_id then p.pq end) as first_pq,
        sum(case when p.operation_key = o.last_operation_id then p.pq end) as last_pq,
        sum(case when p.production_day <= o.production_day and p.operation_key in ('~', coalesce(o.last_operation_id, '~'))
            then coalesce(p.gq, p.pq) end) as made_by_due,
        max(p.valid_from_release) as release_id
    from {{ ref('mart_kpi_parts_order') }} as o
    inner join {{ ref('mart_kpi_parts_order_work') }} as p on o.order_id = p.order_id
    where o.valid_to_release is null and p.valid_to_release is null
    group by o.order_id, o.kind
) as w on h.order_id = w.order_id and h.kind = w.kind
-- A plant whose counts never name an order does not tell what was made of one.
left join (
    select distinct p.plant_id from {{ ref('mart_kpi_parts_order_work') }} as p where not p.is_busy and p.valid_to_release is null
) as c on h.plant_id = c.plant_id
where h.valid_to_release is null
union all
select plant_id, '~' || plant_id, month, true, null as aoet_s, null as attained_qty, null as due_orders, null as first_op_pq, null as on_time_orders, null as order_apt_s, null as order_aubt_s, null as order_pq, null as order_psq, null as order_sq, null as planned_qty, null, null
from (select distinct plant_id, month from unit_month) as worked
),

period_order as (
select 'DAY' as period_type, production_day as period_start, plant_id, equipment_id,
    sum(case when aoet_s is not null and order_apt_s is not null then aoet_s end) as aoet_s__aoet_s_order_apt_s,
    sum(case when aoet_s is not null and order_aubt_s is not null then aoet_s end) as aoet_s__aoet_s_order_aubt_s,
    sum(case when aoet_s is not null and order_pq is not null then aoet_s end) as aoet_s__aoet_s_order_pq,
    sum(case when attained_qty is not null and planned_qty is not null then attained_qty end) as attained_qty__attained_qty_planned_qty,
    sum(case when due_orders is not null and on_time_orders is not null then due_orders end) as due_orders__due_orders_on_time_orders,
    sum(case when first_op_pq is not null and order_sq is not null then first_op_pq end) as first_op_pq__first_op_pq_order_sq,
    sum(case when due_orders is not null and on_time_orders is not null then on_time_orders end) as on_time_orders__due_orders_on_time_orders,
    sum(case when aoet_s is not null and order_apt_s is not null then order_apt_s end) as order_apt_s__aoet_s_order_apt_s,
    sum(case when aoet_s is not null and order_aubt_s is not null then order_aubt_s end) as order_aubt_s__aoet_s_order_aubt_s,
    sum(case when aoet_s is not null and order_pq is not null then order_pq end) as order_pq__aoet_s_order_pq,
    sum(case when order_psq is not null and order_sq is not null then order_psq end) as order_psq__order_psq_order_sq,
    sum(case when first_op_pq is not null and order_sq is not null then order_sq end) as order_sq__first_op_pq_order_sq,
    sum(case when order_psq is not null and order_sq is not null then order_sq end) as order_sq__order_psq_order_sq,
    sum(case when attained_qty is not null and planned_qty is not null then planned_qty end) as planned_qty__attained_qty_planned_qty,
    max(case when aoet_s is not null and order_apt_s is not null then 1 else 0 end) as in_aoet_s_order_apt_s,
    max(case when aoet_s is not null and order_aubt_s is not null then 1 else 0 end) as in_aoet_s_order_aubt_s,
    max(case when aoet_s is not null and order_pq is not null then 1 else 0 end) as in_aoet_s_order_pq,
    max(case when attained_qty is not null and planned_qty is not null then 1 else 0 end) as in_attained_qty_planned_qty,
    max(case when due_orders is not null and on_time_orders is not null then 1 else 0 end) as in_due_orders_on_time_orders,
    max(case when first_op_pq is not null and order_sq is not null then 1 else 0 end) as in_first_op_pq_order_sq,
    max(case when order_psq is not null and order_sq is not null then 1 else 0 end) as in_order_psq_order_sq,
    max(release_id) as release_id,
    max(as_of_ts) as as_of_ts
from row_order where not is_nothing
group by plant_id, equipment_id, production_day
union all
select 'WEEK' as period_type, cast(date_trunc('week', production_day) as date) as period_start, plant_id, equipment_id,
    sum(case when aoet_s is not null and order_apt_s is not null then aoet_s end) as aoet_s__aoet_s_order_apt_s,
    sum(case when aoet_s is not null and order_aubt_s is not null then aoet_s end) as aoet_s__aoet_s_order_aubt_s,
    sum(case when aoet_s is not null and order_pq is not null then aoet_s end) as aoet_s__aoet_s_order_pq,
    sum(case when attained_qty is not null and planned_qty is not null then attained_qty end) as attained_qty__attained_qty_planned_qty,
    sum(case when due_orders is not null and on_time_orders is not null then due_orders end) as due_orders__due_orders_on_time_orders,
    sum(case when first_op_pq is not null and order_sq is not null then first_op_pq end) as first_op_pq__first_op_pq_order_sq,
    sum(case when due_orders is not null and on_time_orders is not null then on_time_orders end) as on_time_orders__due_orders_on_time_orders,
    sum(case when aoet_s is not null and order_apt_s is not null then order_apt_s end) as order_apt_s__aoet_s_order_apt_s,
    sum(case when aoet_s is not null and order_aubt_s is not null then order_aubt_s end) as order_aubt_s__aoet_s_order_aubt_s,
    sum(case when aoet_s is not null and order_pq is not null then order_pq end) as order_pq__aoet_s_order_pq,
    sum(case when order_psq is not null and order_sq is not null then order_psq end) as order_psq__order_psq_order_sq,
    sum(case when first_op_pq is not null and order_sq is not null then order_sq end) as order_sq__first_op_pq_order_sq,
    sum(case when order_psq is not null and order_sq is not null then order_sq end) as order_sq__order_psq_order_sq,
    sum(case when attained_qty is not null and planned_qty is not null then planned_qty end) as planned_qty__attained_qty_planned_qty,
    max(case when aoet_s is not null and order_apt_s is not null then 1 else 0 end) as in_aoet_s_order_apt_s,
    max(case when aoet_s is not null and order_aubt_s is not null then 1 else 0 end) as in_aoet_s_order_aubt_s,
    max(case when aoet_s is not null and order_pq is not null then 1 else 0 end) as in_aoet_s_order_pq,
    max(case when attained_qty is not null and planned_qty is not null then 1 else 0 end) as in_attained_qty_planned_qty,
    max(case when due_orders is not null and on_time_orders is not null then 1 else 0 end) as in_due_orders_on_time_orders,
    max(case when first_op_pq is not null and order_sq is not null then 1 else 0 end) as in_first_op_pq_order_sq,
    max(case when order_psq is not null and order_sq is not null then 1 else 0 end) as in_order_psq_order_sq,
    max(release_id) as release_id,
    max(as_of_ts) as as_of_ts
from row_order where not is_nothing
group by plant_id, equipment_id, cast(date_trunc('week', production_day) as date)
union all
select 'MONTH' as period_type, cast(date_trunc('month', production_day) as date) as period_start, plant_id, equipment_id,
    sum(case when aoet_s is not null and order_apt_s is not null then aoet_s end) as aoet_s__aoet_s_order_apt_s,
    sum(case when aoet_s is not null and order_aubt_s is not null then aoet_s end) as aoet_s__aoet_s_order_aubt_s,
    sum(case when aoet_s is not null and order_pq is not null then aoet_s end) as aoet_s__aoet_s_order_pq,
    sum(case when attained_qty is not null and planned_qty is not null then attained_qty end) as attained_qty__attained_qty_planned_qty,
    sum(case when due_orders is not null and on_time_orders is not null then due_orders end) as due_orders__due_orders_on_time_orders,
    sum(case when first_op_pq is not null and order_sq is not null then first_op_pq end) as first_op_pq__first_op_pq_order_sq,
    sum(case when due_orders is not null and on_time_orders is not null then on_time_orders end) as on_time_orders__due_orders_on_time_orders,
    sum(case when aoet_s is not null and order_apt_s is not null then order_apt_s end) as order_apt_s__aoet_s_order_apt_s,
    sum(case when aoet_s is not null and order_aubt_s is not null then order_aubt_s end) as order_aubt_s__aoet_s_order_aubt_s,
    sum(case when aoet_s is not null and order_pq is not null then order_pq end) as order_pq__aoet_s_order_pq,
    sum(case when order_psq is not null and order_sq is not null then order_psq end) as order_psq__order_psq_order_sq,
    sum(case when first_op_pq is not null and order_sq is not null then order_sq end) as order_sq__first_op_pq_order_sq,
    sum(case when order_psq is not null and order_sq is not null then order_sq end) as order_sq__order_psq_order_sq,
    sum(case when attained_qty is not null and planned_qty is not null then planned_qty end) as planned_qty__attained_qty_planned_qty,
    max(case when aoet_s is not null and order_apt_s is not null then 1 else 0 end) as in_aoet_s_order_apt_s,
    max(case when aoet_s is not null and order_aubt_s is not null then 1 else 0 end) as in_aoet_s_order_aubt_s,
    max(case when aoet_s is not null and order_pq is not null then 1 else 0 end) as in_aoet_s_order_pq,
    max(case when attained_qty is not null and planned_qty is not null then 1 else 0 end) as in_attained_qty_planned_qty,
    max(case when due_orders is not null and on_time_orders is not null then 1 else 0 end) as in_due_orders_on_time_orders,
    max(case when first_op_pq is not null and order_sq is not null then 1 else 0 end) as in_first_op_pq_order_sq,
    max(case when order_psq is not null and order_sq is not null then 1 else 0 end) as in_order_psq_order_sq,
    max(release_id) as release_id,
    max(as_of_ts) as as_of_ts
from row_order
group by plant_id, equipment_id, cast(date_trunc('month', production_day) as date)
union all
select 'QUARTER' as period_type, cast(date_trunc('quarter', production_day) as date) as period_start, plant_id, equipment_id,
    sum(case when aoet_s is not null and order_apt_s is not null then aoet_s end) as aoet_s__aoet_s_order_apt_s,
    sum(case when aoet_s is not null and order_aubt_s is not null then aoet_s end) as aoet_s__aoet_s_order_aubt_s,
    sum(case when aoet_s is not null and order_pq is not null then aoet_s end) as aoet_s__aoet_s_order_pq,
    sum(case when attained_qty is not null and planned_qty is not null then attained_qty end) as attained_qty__attained_qty_planned_qty,
    sum(case when due_orders is not null and on_time_orders is not null then due_orders end) as due_orders__due_orders_on_time_orders,
    sum(case when first_op_pq is not null and order_sq is not null then first_op_pq end) as first_op_pq__first_op_pq_order_sq,
    sum(case when due_orders is not null and on_time_orders is not null then on_time_orders end) as on_time_orders__due_orders_on_time_orders,
    sum(case when aoet_s is not null and order_apt_s is not null then order_apt_s end) as order_apt_s__aoet_s_order_apt_s,
    sum(case when aoet_s is not null and order_aubt_s is not null then order_aubt_s end) as order_aubt_s__aoet_s_order_aubt_s,
    sum(case when aoet_s is not null and order_pq is not null then order_pq end) as order_pq__aoet_s_order_pq,
    sum(case when order_psq is not null and order_sq is not null then order_psq end) as order_psq__order_psq_order_sq,
    sum(case when first_op_pq is not null and order_sq is not null then order_sq end) as order_sq__first_op_pq_order_sq,
    sum(case when order_psq is not null and order_sq is not null then order_sq end) as order_sq__order_psq_order_sq,
    sum(case when attained_qty is not null and planned_qty is not null then planned_qty end) as planned_qty__attained_qty_planned_qty,
    max(case when aoet_s is not null and order_apt_s is not null then 1 else 0 end) as in_aoet_s_order_apt_s,
    max(case when aoet_s is not null and order_aubt_s is not null then 1 else 0 end) as in_aoet_s_order_aubt_s,
    max(case when aoet_s is not null and order_pq is not null then 1 else 0 end) as in_aoet_s_order_pq,
    max(case when attained_qty is not null and planned_qty is not null then 1 else 0 end) as in_attained_qty_planned_qty,
    max(case when due_orders is not null and on_time_orders is not null then 1 else 0 end) as in_due_orders_on_time_orders,
    max(case when first_op_pq is not null and order_sq is not null then 1 else 0 end) as in_first_op_pq_order_sq,
    max(case when order_psq is not null and order_sq is not null then 1 else 0 end) as in_order_psq_order_sq,
    max(release_id) as release_id,
    max(as_of_ts) as as_of_ts
from row_order
group by plant_id, equipment_id, cast(date_trunc('quarter', production_day) as date)
),

plant_order as (
select
    x.scope_type, x.scope_id, x.plant_id, u.period_type, u.period_start, max(x.scope_name) as scope_name,
    sum(aoet_s__aoet_s_order_apt_s) as aoet_s__aoet_s_order_apt_s,
    sum(aoet_s__aoet_s_order_aubt_s) as aoet_s__aoet_s_order_aubt_s,
    sum(aoet_s__aoet_s_order_pq) as aoet_s__aoet_s_order_pq,
    sum(attained_qty__attained_qty_planned_qty) as attained_qty__attained_qty_planned_qty,
    sum(due_orders__due_orders_on_time_orders) as due_orders__due_orders_on_time_orders,
    sum(first_op_pq__first_op_pq_order_sq) as first_op_pq__first_op_pq_order_sq,
    sum(on_time_orders__due_orders_on_time_orders) as on_time_orders__due_orders_on_time_orders,
    sum(order_apt_s__aoet_s_order_apt_s) as order_apt_s__aoet_s_order_apt_s,
    sum(order_aubt_s__aoet_s_order_aubt_s) as order_aubt_s__aoet_s_order_aubt_s,
    sum(order_pq__aoet_s_order_pq) as order_pq__aoet_s_order_pq,
    sum(order_psq__order_psq_order_sq) as order_psq__order_psq_order_sq,
    sum(order_sq__first_op_pq_order_sq) as order_sq__first_op_pq_order_sq,
    sum(order_sq__order_psq_order_sq) as order_sq__order_psq_order_sq,
    sum(planned_qty__attained_qty_planned_qty) as planned_qty__attained_qty_planned_qty,
    max(in_aoet_s_order_apt_s) as in_aoet_s_order_apt_s,
    max(in_aoet_s_order_aubt_s) as in_aoet_s_order_aubt_s,
    max(in_aoet_s_order_pq) as in_aoet_s_order_pq,
    max(in_attained_qty_planned_qty) as in_attained_qty_planned_qty,
    max(in_due_orders_on_time_orders) as in_due_orders_on_time_orders,
    max(in_first_op_pq_order_sq) as in_first_op_pq_order_sq,
    max(in_order_psq_order_sq) as in_order_psq_order_sq,
    max(release_id) as release_id,
    max(as_of_ts) as as_of_ts
from period_order as u
inner join {{ ref('unit_scope') }} as x on u.equipment_id = x.unit_id
group by x.scope_type, x.scope_id, x.plant_id, u.period_type, u.period_start
),

summed_order as (
select
    scope_type, scope_id, period_type, period_start, max(scope_name) as scope_name,
    case when scope_type in ('CLASS', 'COMPANY', 'PORTFOLIO') then null else min(plant_id) end as plant_id,
    sum(aoet_s__aoet_s_order_apt_s) as aoet_s__aoet_s_order_apt_s,
    sum(aoet_s__aoet_s_order_aubt_s) as aoet_s__aoet_s_order_aubt_s,
    sum(aoet_s__aoet_s_order_pq) as aoet_s__aoet_s_order_pq,
    sum(attained_qty__attained_qty_planned_qty) as attained_qty__attained_qty_planned_qty,
    sum(due_orders__due_orders_on_time_orders) as due_orders__due_orders_on_time_orders,
    sum(first_op_pq__first_op_pq_order_sq) as first_op_pq__first_op_pq_order_sq,
    sum(on_time_orders__due_orders_on_time_orders) as on_time_orders__due_orders_on_time_orders,
    sum(order_apt_s__aoet_s_order_apt_s) as order_apt_s__aoet_s_order_apt_s,
    sum(order_aubt_s__aoet_s_order_aubt_s) as order_aubt_s__aoet_s_order_aubt_s,
    sum(order_pq__aoet_s_order_pq) as order_pq__aoet_s_order_pq,
    sum(order_psq__order_psq_order_sq) as order_psq__order_psq_order_sq,
    sum(order_sq__first_op_pq_order_sq) as order_sq__first_op_pq_order_sq,
    sum(order_sq__order_psq_order_sq) as order_sq__order_psq_order_sq,
    sum(planned_qty__attained_qty_planned_qty) as planned_qty__attained_qty_planned_qty,
    cast(sum(in_aoet_s_order_apt_s) as bigint) as plants_aoet_s_order_apt_s,
    cast(sum(in_aoet_s_order_aubt_s) as bigint) as plants_aoet_s_order_aubt_s,
    cast(sum(in_aoet_s_order_pq) as bigint) as plants_aoet_s_order_pq,
    cast(sum(in_attained_qty_planned_qty) as bigint) as plants_attained_qty_planned_qty,
    cast(sum(in_due_orders_on_time_orders) as bigint) as plants_due_orders_on_time_orders,
    cast(sum(in_first_op_pq_order_sq) as bigint) as plants_first_op_pq_order_sq,
    cast(sum(in_order_psq_order_sq) as bigint) as plants_order_psq_order_sq,
    count(*) as plants_told,
    max(release_id) as release_id,
    max(as_of_ts) as as_of_ts
from plant_order
group by scope_type, scope_id, period_type, period_start
),

chosen_order as (
select
    s.scope_type, s.scope_id, s.scope_name, s.plant_id, cast(null as varchar) as shift_code, s.period_type, s.period_start, k.*,
    case
        when k.number in (97, 98, 99) then cast(order_aubt_s__aoet_s_order_aubt_s as double)
        when k.number in (100, 101, 102) then cast(order_apt_s__aoet_s_order_apt_s as double)
        when k.number in (103, 104, 105) then cast(order_pq__aoet_s_order_pq as double)
        when k.number in (106, 107, 108) then cast(order_sq__order_psq_order_sq as double)
        when k.number in (109, 110, 111) then cast(order_sq__first_op_pq_order_sq as double)
        when k.number in (112, 113, 114) then cast(attained_qty__attained_qty_planned_qty as double)
        when k.number in (115, 116, 117) then cast(on_time_orders__due_orders_on_time_orders as double)
    end as numerator,
    case
        when k.number in (97, 98, 99) then cast(aoet_s__aoet_s_order_aubt_s as double)
        when k.number in (100, 101, 102) then cast(aoet_s__aoet_s_order_apt_s as double)
        when k.number in (103, 104, 105) then cast(aoet_s__aoet_s_order_pq as double) / 3600
        when k.number in (106, 107, 108) then cast(order_psq__order_psq_order_sq as double)
        when k.number in (109, 110, 111) then cast(first_op_pq__first_op_pq_order_sq as double)
        when k.number in (112, 113, 114) then cast(planned_qty__attained_qty_planned_qty as double)
        when k.number in (115, 116, 117) then cast(due_orders__due_orders_on_time_orders as double)
    end as denominator,
    cast(null as double) as high,
    case
        when k.number in (97, 98, 99) then plants_aoet_s_order_aubt_s
        when k.number in (100, 101, 102) then plants_aoet_s_order_apt_s
        when k.number in (103, 104, 105) then plants_aoet_s_order_pq
        when k.number in (106, 107, 108) then plants_order_psq_order_sq
        when k.number in (109, 110, 111) then plants_first_op_pq_order_sq
        when k.number in (112, 113, 114) then plants_attained_qty_planned_qty
        when k.number in (115, 116, 117) then plants_due_orders_on_time_orders
    end as plants_in,
    case
        when k.number in (97, 98, 99) then plants_aoet_s_order_aubt_s
        when k.number in (100, 101, 102) then plants_aoet_s_order_apt_s
        when k.number in (103, 104, 105) then plants_aoet_s_order_pq
        when k.number in (106, 107, 108) then plants_order_psq_order_sq
        when k.number in (109, 110, 111) then plants_first_op_pq_order_sq
        when k.number in (112, 113, 114) then plants_attained_qty_planned_qty
        when k.number in (115, 116, 117) then plants_due_orders_on_time_orders
    end as units_in,
    s.plants_told as units_of,
    case when s.period_type = 'SHIFT' and c.plants is not null then s.plants_told else c.plants end as plants_of,
    s.plants_told, s.release_id, s.as_of_ts,
    cast(null as double) as time_cov,
    cast(null as double) as rate_cov,
    cast(null as double) as count_cov,
    cast(null as double) as reason_cov,
    0 as min_rate_coverage,
    1.0 as definition_score,
    0 as unknown_good_counts,
    0 as unknown_scrap,
    0 as unknown_rework,
    0 as outside_counts,
    0 as is_residual,
    0 as is_none,
    0 as is_preliminary,
    0 as has_overlap,
    0 as has_ambiguous,
    0 as has_allocated,
    0 as has_stop_counts,
    0 as all_none,
    0 as assumed_calendar,
    0 as assumed_rate,
    0 as no_calendar,
    cast(null as double) as rated_s,
    cast(null as double) as ideal_best_s,
    cast(null as double) as ideal_engineered_s,
    cast(null as double) as ideal_erp_s
from summed_order as s
left join scope_size as c on s.scope_type = c.scope_type and s.scope_id = c.scope_id
cross join (select * from kpi where parts = 'order') as k
),

row_month as (
select k.plant_id, '~' || k.plant_id as equipment_id, k.month as production_day, false as is_nothing,
    d.co2_kg as co2_kg,
    m.cogs_rc as cogs_rc,
    m.conversion_cost_rc as conversion_cost_rc,
    m.copq_rc as copq_rc,
    m.due_lines as due_lines,
    d.energy_kwh as energy_kwh,
    u.good_equiv_units as good_equiv_units,
    m.inventory_days_rc as inventory_days_rc,
    d.labour_h as labour_h,
    m.maintenance_cost_rc as maintenance_cost_rc,
    m.otif_lines as otif_lines,
    m.rav_days_rc as rav_days_rc,
    m.revenue_rc as revenue_rc,
    m.wip_days_rc as wip_days_rc,
    greatest(coalesce(m.valid_from_release, 0), coalesce(d.release_id, 0), coalesce(u.release_id, 0)) as release_id,
    coalesce(m.as_of_ts, d.as_of_ts, u.as_of_ts) as as_of_ts
from (
    select p.plant_id, p.production_day as month from {{ ref('mart_kpi_parts_month') }} as p where p.valid_to_release is null
    union
    select p.plant_id, cast(date_trunc('month', p.production_day) as date) from {{ ref('mart_kpi_parts_day') }} as p where p.valid_to_release is null
) as k
left join {{ ref('mart_kpi_parts_month') }} as m on k.plant_id = m.plant_id and k.month = m.production_day and m.valid_to_release is null
left join (
    select
        p.plant_id, cast(date_trunc('month', p.production_day) as date) as month, sum(p.energy_kwh) as energy_kwh,
        case when count(p.co2_kg) = count(p.energy_kwh) then sum(p.co2_kg) end as co2_kg, sum(p.labour_s) / 3600 as labour_h,
        max(p.valid_from_release) as release_id, max(p.as_of_ts) as as_of_ts
    from {{ ref('mart_kpi_parts_day') }} as p
    where p.valid_to_release is null
    group by p.plant_id, cast(date_trunc('month', p.production_day) as date)
) as d on k.plant_id = d.plant_id and k.month = d.month
left join (
    select t.plant_id, cast(t.month as date) as month, sum(t.good_equiv_units) as good_equiv_units,
        max(t.release_id) as release_id, max(t.as_of_ts) as as_of_ts
    from unit_month as t
    inner join {{ ref('unit_scope') }} as x on t.equipment_id = x.unit_id and x.scope_type = 'PLANT'
    group by t.plant_id, cast(t.month as date)
) as u on k.plant_id = u.plant_id and k.month = u.month
union all
select plant_id, '~' || plant_id, month, true, null as co2_kg, null as cogs_rc, null as conversion_cost_rc, null as copq_rc, null as due_lines, null as energy_kwh, null as good_equiv_units, null as inventory_days_rc, null as labour_h, null as maintenance_cost_rc, null as otif_lines, null as rav_days_rc, null as revenue_rc, null as wip_days_rc, null, null
from (select distinct plant_id, month from unit_month) as worked
),

period_month as (
select 'MONTH' as period_type, cast(date_trunc('month', production_day) as date) as period_start, plant_id, equipment_id,
    sum(case when co2_kg is not null and good_equiv_units is not null then co2_kg end) as co2_kg__co2_kg_good_equiv_units,
    sum(case when cogs_rc is not null and inventory_days_rc is not null then cogs_rc end) as cogs_rc__cogs_rc_inventory_days_rc,
    sum(case when cogs_rc is not null and wip_days_rc is not null then cogs_rc end) as cogs_rc__cogs_rc_wip_days_rc,
    sum(case when conversion_cost_rc is not null and good_equiv_units is not null then conversion_cost_rc end) as conversion_cost_rc__conversion_cost_rc_good_equiv_units,
    sum(case when copq_rc is not null and revenue_rc is not null then copq_rc end) as copq_rc__copq_rc_revenue_rc,
    sum(case when due_lines is not null and otif_lines is not null then due_lines end) as due_lines__due_lines_otif_lines,
    sum(case when energy_kwh is not null and good_equiv_units is not null then energy_kwh end) as energy_kwh__energy_kwh_good_equiv_units,
    sum(case when co2_kg is not null and good_equiv_units is not null then good_equiv_units end) as good_equiv_units__co2_kg_good_equiv_units,
    sum(case when conversion_cost_rc is not null and good_equiv_units is not null then good_equiv_units end) as good_equiv_units__conversion_cost_rc_good_equiv_units,
    sum(case when energy_kwh is not null and good_equiv_units is not null then good_equiv_units end) as good_equiv_units__energy_kwh_good_equiv_units,
    sum(case when good_equiv_units is not null and labour_h is not null then good_equiv_units end) as good_equiv_units__good_equiv_units_labour_h,
    sum(case when cogs_rc is not null and inventory_days_rc is not null then inventory_days_rc end) as inventory_days_rc__cogs_rc_inventory_days_rc,
    sum(case when good_equiv_units is not null and labour_h is not null then labour_h end) as labour_h__good_equiv_units_labour_h,
    sum(case when maintenance_cost_rc is not null and rav_days_rc is not null then maintenance_cost_rc end) as maintenance_cost_rc__maintenance_cost_rc_rav_days_rc,
    sum(case when due_lines is not null and otif_lines is not null then otif_lines end) as otif_lines__due_lines_otif_lines,
    sum(case when maintenance_cost_rc is not null and rav_days_rc is not null then rav_days_rc end) as rav_days_rc__maintenance_cost_rc_rav_days_rc,
    sum(case when copq_rc is not null and revenue_rc is not null then revenue_rc end) as revenue_rc__copq_rc_revenue_rc,
    sum(case when cogs_rc is not null and wip_days_rc is not null then wip_days_rc end) as wip_days_rc__cogs_rc_wip_days_rc,
    max(case when co2_kg is not null and good_equiv_units is not null then 1 else 0 end) as in_co2_kg_good_equiv_units,
    max(case when cogs_rc is not null and inventory_days_rc is not null then 1 else 0 end) as in_cogs_rc_inventory_days_rc,
    max(case when cogs_rc is not null and wip_days_rc is not null then 1 else 0 end) as in_cogs_rc_wip_days_rc,
    max(case when conversion_cost_rc is not null and good_equiv_units is not null then 1 else 0 end) as in_conversion_cost_rc_good_equiv_units,
    max(case when copq_rc is not null and revenue_rc is not null then 1 else 0 end) as in_copq_rc_revenue_rc,
    max(case when due_lines is not null and otif_lines is not null then 1 else 0 end) as in_due_lines_otif_lines,
    max(case when energy_kwh is not null and good_equiv_units is not null then 1 else 0 end) as in_energy_kwh_good_equiv_units,
    max(case when good_equiv_units is not null and labour_h is not null then 1 else 0 end) as in_good_equiv_units_labour_h,
    max(case when maintenance_cost_rc is not null and rav_days_rc is not null then 1 else 0 end) as in_maintenance_cost_rc_rav_days_rc,
    max(release_id) as release_id,
    max(as_of_ts) as as_of_ts
from row_month
group by plant_id, equipment_id, cast(date_trunc('month', production_day) as date)
union all
select 'QUARTER' as period_type, cast(date_trunc('quarter', production_day) as date) as period_start, plant_id, equipment_id,
    sum(case when co2_kg is not null and good_equiv_units is not null then co2_kg end) as co2_kg__co2_kg_good_equiv_units,
    sum(case when cogs_rc is not null and inventory_days_rc is not null then cogs_rc end) as cogs_rc__cogs_rc_inventory_days_rc,
    sum(case when cogs_rc is not null and wip_days_rc is not null then cogs_rc end) as cogs_rc__cogs_rc_wip_days_rc,
    sum(case when conversion_cost_rc is not null and good_equiv_units is not null then conversion_cost_rc end) as conversion_cost_rc__conversion_cost_rc_good_equiv_units,
    sum(case when copq_rc is not null and revenue_rc is not null then copq_rc end) as copq_rc__copq_rc_revenue_rc,
    sum(case when due_lines is not null and otif_lines is not null then due_lines end) as due_lines__due_lines_otif_lines,
    sum(case when energy_kwh is not null and good_equiv_units is not null then energy_kwh end) as energy_kwh__energy_kwh_good_equiv_units,
    sum(case when co2_kg is not null and good_equiv_units is not null then good_equiv_units end) as good_equiv_units__co2_kg_good_equiv_units,
    sum(case when conversion_cost_rc is not null and good_equiv_units is not null then good_equiv_units end) as good_equiv_units__conversion_cost_rc_good_equiv_units,
    sum(case when energy_kwh is not null and good_equiv_units is not null then good_equiv_units end) as good_equiv_units__energy_kwh_good_equiv_units,
    sum(case when good_equiv_units is not null and labour_h is not null then good_equiv_units end) as good_equiv_units__good_equiv_units_labour_h,
    sum(case when cogs_rc is not null and inventory_days_rc is not null then inventory_days_rc end) as inventory_days_rc__cogs_rc_inventory_days_rc,
    sum(case when good_equiv_units is not null and labour_h is not null then labour_h end) as labour_h__good_equiv_units_labour_h,
    sum(case when maintenance_cost_rc is not null and rav_days_rc is not null then maintenance_cost_rc end) as maintenance_cost_rc__maintenance_cost_rc_rav_days_rc,
    sum(case when due_lines is not null and otif_lines is not null then otif_lines end) as otif_lines__due_lines_otif_lines,
    sum(case when maintenance_cost_rc is not null and rav_days_rc is not null then rav_days_rc end) as rav_days_rc__maintenance_cost_rc_rav_days_rc,
    sum(case when copq_rc is not null and revenue_rc is not null then revenue_rc end) as revenue_rc__copq_rc_revenue_rc,
    sum(case when cogs_rc is not null and wip_days_rc is not null then wip_days_rc end) as wip_days_rc__cogs_rc_wip_days_rc,
    max(case when co2_kg is not null and good_equiv_units is not null then 1 else 0 end) as in_co2_kg_good_equiv_units,
    max(case when cogs_rc is not null and inventory_days_rc is not null then 1 else 0 end) as in_cogs_rc_inventory_days_rc,
    max(case when cogs_rc is not null and wip_days_rc is not null then 1 else 0 end) as in_cogs_rc_wip_days_rc,
    max(case when conversion_cost_rc is not null and good_equiv_units is not null then 1 else 0 end) as in_conversion_cost_rc_good_equiv_units,
    max(case when copq_rc is not null and revenue_rc is not null then 1 else 0 end) as in_copq_rc_revenue_rc,
    max(case when due_lines is not null and otif_lines is not null then 1 else 0 end) as in_due_lines_otif_lines,
    max(case when energy_kwh is not null and good_equiv_units is not null then 1 else 0 end) as in_energy_kwh_good_equiv_units,
    max(case when good_equiv_units is not null and labour_h is not null then 1 else 0 end) as in_good_equiv_units_labour_h,
    max(case when maintenance_cost_rc is not null and rav_days_rc is not null then 1 else 0 end) as in_maintenance_cost_rc_rav_days_rc,
    max(release_id) as release_id,
    max(as_of_ts) as as_of_ts
from row_month
group by plant_id, equipment_id, cast(date_trunc('quarter', production_day) as date)
),

plant_month as (
select
    x.scope_type, x.scope_id, x.plant_id, u.period_type, u.period_start, max(x.scope_name) as scope_name,
    sum(co2_kg__co2_kg_good_equiv_units) as co2_kg__co2_kg_good_equiv_units,
    sum(cogs_rc__cogs_rc_inventory_days_rc) as cogs_rc__cogs_rc_inventory_days_rc,
    sum(cogs_rc__cogs_rc_wip_days_rc) as cogs_rc__cogs_rc_wip_days_rc,
    sum(conversion_cost_rc__conversion_cost_rc_good_equiv_units) as conversion_cost_rc__conversion_cost_rc_good_equiv_units,
    sum(copq_rc__copq_rc_revenue_rc) as copq_rc__copq_rc_revenue_rc,
    sum(due_lines__due_lines_otif_lines) as due_lines__due_lines_otif_lines,
    sum(energy_kwh__energy_kwh_good_equiv_units) as energy_kwh__energy_kwh_good_equiv_units,
    sum(good_equiv_units__co2_kg_good_equiv_units) as good_equiv_units__co2_kg_good_equiv_units,
    sum(good_equiv_units__conversion_cost_rc_good_equiv_units) as good_equiv_units__conversion_cost_rc_good_equiv_units,
    sum(good_equiv_units__energy_kwh_good_equiv_units) as good_equiv_units__energy_kwh_good_equiv_units,
    sum(good_equiv_units__good_equiv_units_labour_h) as good_equiv_units__good_equiv_units_labour_h,
    sum(inventory_days_rc__cogs_rc_inventory_days_rc) as inventory_days_rc__cogs_rc_inventory_days_rc,
    sum(labour_h__good_equiv_units_labour_h) as labour_h__good_equiv_units_labour_h,
    sum(maintenance_cost_rc__maintenance_cost_rc_rav_days_rc) as maintenance_cost_rc__maintenance_cost_rc_rav_days_rc,
    sum(otif_lines__due_lines_otif_lines) as otif_lines__due_lines_otif_lines,
    sum(rav_days_rc__maintenance_cost_rc_rav_days_rc) as rav_days_rc__maintenance_cost_rc_rav_days_rc,
    sum(revenue_rc__copq_rc_revenue_rc) as revenue_rc__copq_rc_revenue_rc,
    sum(wip_days_rc__cogs_rc_wip_days_rc) as wip_days_rc__cogs_rc_wip_days_rc,
    max(in_co2_kg_good_equiv_units) as in_co2_kg_good_equiv_units,
    max(in_cogs_rc_inventory_days_rc) as in_cogs_rc_inventory_days_rc,
    max(in_cogs_rc_wip_days_rc) as in_cogs_rc_wip_days_rc,
    max(in_conversion_cost_rc_good_equiv_units) as in_conversion_cost_rc_good_equiv_units,
    max(in_copq_rc_revenue_rc) as in_copq_rc_revenue_rc,
    max(in_due_lines_otif_lines) as in_due_lines_otif_lines,
    max(in_energy_kwh_good_equiv_units) as in_energy_kwh_good_equiv_units,
    max(in_good_equiv_units_labour_h) as in_good_equiv_units_labour_h,
    max(in_maintenance_cost_rc_rav_days_rc) as in_maintenance_cost_rc_rav_days_rc,
    max(release_id) as release_id,
    max(as_of_ts) as as_of_ts
from period_month as u
inner join {{ ref('unit_scope') }} as x on u.equipment_id = x.unit_id
group by x.scope_type, x.scope_id, x.plant_id, u.period_type, u.period_start
),

summed_month as (
select
    scope_type, scope_id, period_type, period_start, max(scope_name) as scope_name,
    case when scope_type in ('CLASS', 'COMPANY', 'PORTFOLIO') then null else min(plant_id) end as plant_id,
    sum(co2_kg__co2_kg_good_equiv_units) as co2_kg__co2_kg_good_equiv_units,
    sum(cogs_rc__cogs_rc_inventory_days_rc) as cogs_rc__cogs_rc_inventory_days_rc,
    sum(cogs_rc__cogs_rc_wip_days_rc) as cogs_rc__cogs_rc_wip_days_rc,
    sum(conversion_cost_rc__conversion_cost_rc_good_equiv_units) as conversion_cost_rc__conversion_cost_rc_good_equiv_units,
    sum(copq_rc__copq_rc_revenue_rc) as copq_rc__copq_rc_revenue_rc,
    sum(due_lines__due_lines_otif_lines) as due_lines__due_lines_otif_lines,
    sum(energy_kwh__energy_kwh_good_equiv_units) as energy_kwh__energy_kwh_good_equiv_units,
    sum(good_equiv_units__co2_kg_good_equiv_units) as good_equiv_units__co2_kg_good_equiv_units,
    sum(good_equiv_units__conversion_cost_rc_good_equiv_units) as good_equiv_units__conversion_cost_rc_good_equiv_units,
    sum(good_equiv_units__energy_kwh_good_equiv_units) as good_equiv_units__energy_kwh_good_equiv_units,
    sum(good_equiv_units__good_equiv_units_labour_h) as good_equiv_units__good_equiv_units_labour_h,
    sum(inventory_days_rc__cogs_rc_inventory_days_rc) as inventory_days_rc__cogs_rc_inventory_days_rc,
    sum(labour_h__good_equiv_units_labour_h) as labour_h__good_equiv_units_labour_h,
    sum(maintenance_cost_rc__maintenance_cost_rc_rav_days_rc) as maintenance_cost_rc__maintenance_cost_rc_rav_days_rc,
    sum(otif_lines__due_lines_otif_lines) as otif_lines__due_lines_otif_lines,
    sum(rav_days_rc__maintenance_cost_rc_rav_days_rc) as rav_days_rc__maintenance_cost_rc_rav_days_rc,
    sum(revenue_rc__copq_rc_revenue_rc) as revenue_rc__copq_rc_revenue_rc,
    sum(wip_days_rc__cogs_rc_wip_days_rc) as wip_days_rc__cogs_rc_wip_days_rc,
    cast(sum(in_co2_kg_good_equiv_units) as bigint) as plants_co2_kg_good_equiv_units,
    cast(sum(in_cogs_rc_inventory_days_rc) as bigint) as plants_cogs_rc_inventory_days_rc,
    cast(sum(in_cogs_rc_wip_days_rc) as bigint) as plants_cogs_rc_wip_days_rc,
    cast(sum(in_conversion_cost_rc_good_equiv_units) as bigint) as plants_conversion_cost_rc_good_equiv_units,
    cast(sum(in_copq_rc_revenue_rc) as bigint) as plants_copq_rc_revenue_rc,
    cast(sum(in_due_lines_otif_lines) as bigint) as plants_due_lines_otif_lines,
    cast(sum(in_energy_kwh_good_equiv_units) as bigint) as plants_energy_kwh_good_equiv_units,
    cast(sum(in_good_equiv_units_labour_h) as bigint) as plants_good_equiv_units_labour_h,
    cast(sum(in_maintenance_cost_rc_rav_days_rc) as bigint) as plants_maintenance_cost_rc_rav_days_rc,
    count(*) as plants_told,
    max(release_id) as release_id,
    max(as_of_ts) as as_of_ts
from plant_month
group by scope_type, scope_id, period_type, period_start
),

chosen_month as (
select
    s.scope_type, s.scope_id, s.scope_name, s.plant_id, cast(null as varchar) as shift_code, s.period_type, s.period_start, k.*,
    case
        when k.number in (118, 119, 120) then cast(otif_lines__due_lines_otif_lines as double)
        when k.number in (121, 122, 123) then cast(wip_days_rc__cogs_rc_wip_days_rc as double)
        when k.number in (124, 125, 126) then cast(cogs_rc__cogs_rc_inventory_days_rc as double) * 365
        when k.number in (127, 128, 129) then cast(energy_kwh__energy_kwh_good_equiv_units as double)
        when k.number in (130, 131, 132) then cast(co2_kg__co2_kg_good_equiv_units as double)
        when k.number in (133, 134, 135) then cast(copq_rc__copq_rc_revenue_rc as double)
        when k.number in (136, 137, 138) then cast(conversion_cost_rc__conversion_cost_rc_good_equiv_units as double)
        when k.number in (139, 140, 141) then cast(good_equiv_units__good_equiv_units_labour_h as double)
        when k.number in (142, 143, 144) then cast(maintenance_cost_rc__maintenance_cost_rc_rav_days_rc as double) * 365
    end as numerator,
    case
        when k.number in (118, 119, 120) then cast(due_lines__due_lines_otif_lines as double)
        when k.number in (121, 122, 123) then cast(cogs_rc__cogs_rc_wip_days_rc as double)
        when k.number in (124, 125, 126) then cast(inventory_days_rc__cogs_rc_inventory_days_rc as double)
        when k.number in (127, 128, 129) then cast(good_equiv_units__energy_kwh_good_equiv_units as double)
        when k.number in (130, 131, 132) then cast(good_equiv_units__co2_kg_good_equiv_units as double)
        when k.number in (133, 134, 135) then cast(revenue_rc__copq_rc_revenue_rc as double)
        when k.number in (136, 137, 138) then cast(good_equiv_units__conversion_cost_rc_good_equiv_units as double)
        when k.number in (139, 140, 141) then cast(labour_h__good_equiv_units_labour_h as double)
        when k.number in (142, 143, 144) then cast(rav_days_rc__maintenance_cost_rc_rav_days_rc as double)
    end as denominator,
    cast(null as double) as high,
    case
        when k.number in (118, 119, 120) then plants_due_lines_otif_lines
        when k.number in (121, 122, 123) then plants_cogs_rc_wip_days_rc
        when k.number in (124, 125, 126) then plants_cogs_rc_inventory_days_rc
        when k.number in (127, 128, 129) then plants_energy_kwh_good_equiv_units
        when k.number in (130, 131, 132) then plants_co2_kg_good_equiv_units
        when k.number in (133, 134, 135) then plants_copq_rc_revenue_rc
        when k.number in (136, 137, 138) then plants_conversion_cost_rc_good_equiv_units
        when k.number in (139, 140, 141) then plants_good_equiv_units_labour_h
        when k.number in (142, 143, 144) then plants_maintenance_cost_rc_rav_days_rc
    end as plants_in,
    case
        when k.number in (118, 119, 120) then plants_due_lines_otif_lines
        when k.number in (121, 122, 123) then plants_cogs_rc_wip_days_rc
        when k.number in (124, 125, 126) then plants_cogs_rc_inventory_days_rc
        when k.number in (127, 128, 129) then plants_energy_kwh_good_equiv_units
        when k.number in (130, 131, 132) then plants_co2_kg_good_equiv_units
        when k.number in (133, 134, 135) then plants_copq_rc_revenue_rc
        when k.number in (136, 137, 138) then plants_conversion_cost_rc_good_equiv_units
        when k.number in (139, 140, 141) then plants_good_equiv_units_labour_h
        when k.number in (142, 143, 144) then plants_maintenance_cost_rc_rav_days_rc
    end as units_in,
    s.plants_told as units_of,
    case when s.period_type = 'SHIFT' and c.plants is not null then s.plants_told else c.plants end as plants_of,
    s.plants_told, s.release_id, s.as_of_ts,
    cast(null as double) as time_cov,
    cast(null as double) as rate_cov,
    cast(null as double) as count_cov,
    cast(null as double) as reason_cov,
    0 as min_rate_coverage,
    1.0 as definition_score,
    0 as unknown_good_counts,
    0 as unknown_scrap,
    0 as unknown_rework,
    0 as outside_counts,
    0 as is_residual,
    0 as is_none,
    0 as is_preliminary,
    0 as has_overlap,
    0 as has_ambiguous,
    0 as has_allocated,
    0 as has_stop_counts,
    0 as all_none,
    0 as assumed_calendar,
    0 as assumed_rate,
    0 as no_calendar,
    cast(null as double) as rated_s,
    cast(null as double) as ideal_best_s,
    cast(null as double) as ideal_engineered_s,
    cast(null as double) as ideal_erp_s
from summed_month as s
left join scope_size as c on s.scope_type = c.scope_type and s.scope_id = c.scope_id
cross join (select * from kpi where parts = 'month') as k
),

inspected as (
select
    x.scope_type, x.scope_id, max(x.scope_name) as scope_name, p.period_type, p.period_start, p.plant_id,
    p.material_key, p.step_key, p.characteristic, p.subgroup_key, sum(p.inspected) as inspected, sum(p.fp_good) as fp_good, sum(p.n) as n, sum(p.sum_x) as sum_x, sum(p.sum_x2) as sum_x2, max(p.lsl) as lsl, min(p.usl) as usl,
    max(p.valid_from_release) as release_id, max(p.as_of_ts) as as_of_ts
from (
    with held as (select p.* from {{ ref('mart_kpi_parts_quality') }} as p where p.valid_to_release is null)
    select 'DAY' as period_type, production_day as period_start, * from held
    union all
    select 'WEEK' as period_type, cast(date_trunc('week', production_day) as date) as period_start, * from held
    union all
    select 'MONTH' as period_type, cast(date_trunc('month', production_day) as date) as period_start, * from held
    union all
    select 'QUARTER' as period_type, cast(date_trunc('quarter', production_day) as date) as period_start, * from held
) as p
inner join {{ ref('unit_scope') }} as x on p.equipment_id = x.unit_id
group by x.scope_type, x.scope_id, p.period_type, p.period_start, p.plant_id,
    p.material_key, p.step_key, p.characteristic, p.subgroup_key
),

summed_routing as (
select
    scope_type, scope_id, period_type, period_start, max(scope_name) as scope_name,
    case when scope_type in ('CLASS', 'COMPANY', 'PORTFOLIO') then null else min(plant_id) end as plant_id,
    sum(cast(started as double) * rty) as rty_units__rty_units_units_started,
    sum(cast(started as double)) as units_started__rty_units_units_started,
    count(distinct plant_id) as plants_rty_units_units_started,
    count(distinct plant_id) as plants_told,
    max(release_id) as release_id,
    max(as_of_ts) as as_of_ts
from (
select scope_type, scope_id, period_type, period_start, max(scope_name) as scope_name, plant_id, material_key, max(inspected) as started,
    case when min(fp_good) = 0 then 0 else exp(sum(ln(cast(nullif(fp_good, 0) as double) / cast(inspected as double)))) end as rty,
    max(release_id) as release_id, max(as_of_ts) as as_of_ts
from inspected
where characteristic = '~' and inspected > 0
group by scope_type, scope_id, period_type, period_start, plant_id, material_key
) as made
group by scope_type, scope_id, period_type, period_start
),

chosen_routing as (
select
    s.scope_type, s.scope_id, s.scope_name, s.plant_id, cast(null as varchar) as shift_code, s.period_type, s.period_start, k.*,
    case
        when k.number in (145, 146, 147) then cast(rty_units__rty_units_units_started as double)
    end as numerator,
    case
        when k.number in (145, 146, 147) then cast(units_started__rty_units_units_started as double)
    end as denominator,
    cast(null as double) as high,
    case
        when k.number in (145, 146, 147) then plants_rty_units_units_started
    end as plants_in,
    case
        when k.number in (145, 146, 147) then plants_rty_units_units_started
    end as units_in,
    s.plants_told as units_of,
    case when s.period_type = 'SHIFT' and c.plants is not null then s.plants_told else c.plants end as plants_of,
    s.plants_told, s.release_id, s.as_of_ts,
    cast(null as double) as time_cov,
    cast(null as double) as rate_cov,
    cast(null as double) as count_cov,
    cast(null as double) as reason_cov,
    0 as min_rate_coverage,
    1.0 as definition_score,
    0 as unknown_good_counts,
    0 as unknown_scrap,
    0 as unknown_rework,
    0 as outside_counts,
    0 as is_residual,
    0 as is_none,
    0 as is_preliminary,
    0 as has_overlap,
    0 as has_ambiguous,
    0 as has_allocated,
    0 as has_stop_counts,
    0 as all_none,
    0 as assumed_calendar,
    0 as assumed_rate,
    0 as no_calendar,
    cast(null as double) as rated_s,
    cast(null as double) as ideal_best_s,
    cast(null as double) as ideal_engineered_s,
    cast(null as double) as ideal_erp_s
from summed_routing as s
left join scope_size as c on s.scope_type = c.scope_type and s.scope_id = c.scope_id
cross join (select * from kpi where parts = 'routing') as k
),

summed_characteristic as (
select
    scope_type, scope_id, period_type, period_start, max(scope_name) as scope_name,
    case when scope_type in ('CLASS', 'COMPANY', 'PORTFOLIO') then null else min(plant_id) end as plant_id,
    sum(case when cpk_span >= 1.33 * 3 * s_within then 1 else 0 end) as capable__capable_characteristics,
    count(s_within) as characteristics__capable_characteristics,
    case when count(*) = 1 then max(cp_span) else 0 end as cp_span__cp_span_cp_spread,
    case when count(*) = 1 then max(6 * s_within) else 0 end as cp_spread__cp_span_cp_spread,
    case when count(*) = 1 then max(cpk_span) else 0 end as cpk_span__cpk_span_cpk_spread,
    case when count(*) = 1 then max(3 * s_within) else 0 end as cpk_spread__cpk_span_cpk_spread,
    case when count(*) = 1 then max(cpk_span) else 0 end as ppk_span__ppk_span_ppk_spread,
    case when count(*) = 1 then max(3 * s_overall) else 0 end as ppk_spread__ppk_span_ppk_spread,
    count(distinct plant_id) as plants_capable_characteristics,
    count(distinct plant_id) as plants_cp_span_cp_spread,
    count(distinct plant_id) as plants_cpk_span_cpk_spread,
    count(distinct plant_id) as plants_ppk_span_ppk_spread,
    count(distinct plant_id) as plants_told,
    max(release_id) as release_id,
    max(as_of_ts) as as_of_ts
from (
select
    *, (usl - lsl) as cp_span, least(coalesce(usl - mean, mean - lsl), coalesce(mean - lsl, usl - mean)) as cpk_span
from (
    select scope_type, scope_id, period_type, period_start, max(scope_name) as scope_name, plant_id, material_key, step_key, characteristic,
        sum(sum_x) / sum(n) as mean, max(lsl) as lsl, min(usl) as usl,
        sqrt(greatest(sum(sum_x2 - sum_x * sum_x / n), 0) / nullif(sum(n) - count(*), 0)) as s_within,
        sqrt(greatest(sum(sum_x2) - sum(sum_x) * sum(sum_x) / sum(n), 0) / nullif(sum(n) - 1, 0)) as s_overall,
        max(release_id) as release_id, max(as_of_ts) as as_of_ts
    from inspected
    where n > 0
    group by scope_type, scope_id, period_type, period_start, plant_id, material_key, step_key, characteristic
    having max(lsl) is not null or min(usl) is not null
) as of_characteristic
) as made
group by scope_type, scope_id, period_type, period_start
),

chosen_characteristic as (
select
    s.scope_type, s.scope_id, s.scope_name, s.plant_id, cast(null as varchar) as shift_code, s.period_type, s.period_start, k.*,
    case
        when k.number in (148, 149, 150) then cast(cp_span__cp_span_cp_spread as double)
        when k.number in (151, 152, 153) then cast(cpk_span__cpk_span_cpk_spread as double)
        when k.number in (154, 155, 156) then cast(ppk_span__ppk_span_ppk_spread as double)
        when k.number in (157, 158, 159) then cast(capable__capable_characteristics as double)
    end as numerator,
    case
        when k.number in (148, 149, 150) then cast(cp_spread__cp_span_cp_spread as double)
        when k.number in (151, 152, 153) then cast(cpk_spread__cpk_span_cpk_spread as double)
        when k.number in (154, 155, 156) then cast(ppk_spread__ppk_span_ppk_spread as double)
        when k.number in (157, 158, 159) then cast(characteristics__capable_characteristics as double)
    end as denominator,
    cast(null as double) as high,
    case
        when k.number in (148, 149, 150) then plants_cp_span_cp_spread
        when k.number in (151, 152, 153) then plants_cpk_span_cpk_spread
        when k.number in (154, 155, 156) then plants_ppk_span_ppk_spread
        when k.number in (157, 158, 159) then plants_capable_characteristics
    end as plants_in,
    case
        when k.number in (148, 149, 150) then plants_cp_span_cp_spread
        when k.number in (151, 152, 153) then plants_cpk_span_cpk_spread
        when k.number in (154, 155, 156) then plants_ppk_span_ppk_spread
        when k.number in (157, 158, 159) then plants_capable_characteristics
    end as units_in,
    s.plants_told as units_of,
    case when s.period_type = 'SHIFT' and c.plants is not null then s.plants_told else c.plants end as plants_of,
    s.plants_told, s.release_id, s.as_of_ts,
    cast(null as double) as time_cov,
    cast(null as double) as rate_cov,
    cast(null as double) as count_cov,
    cast(null as double) as reason_cov,
    0 as min_rate_coverage,
    1.0 as definition_score,
    0 as unknown_good_counts,
    0 as unknown_scrap,
    0 as unknown_rework,
    0 as outside_counts,
    0 as is_residual,
    0 as is_none,
    0 as is_preliminary,
    0 as has_overlap,
    0 as has_ambiguous,
    0 as has_allocated,
    0 as has_stop_counts,
    0 as all_none,
    0 as assumed_calendar,
    0 as assumed_rate,
    0 as no_calendar,
    cast(null as double) as rated_s,
    cast(null as double) as ideal_best_s,
    cast(null as double) as ideal_engineered_s,
    cast(null as double) as ideal_erp_s
from summed_characteristic as s
left join scope_size as c on s.scope_type = c.scope_type and s.scope_id = c.scope_id
cross join (select * from kpi where parts = 'characteristic') as k
),

chosen as (
select * from chosen_shift
union all
select * from chosen_day
union all
select * from chosen_quality
union all
select * from chosen_order
union all
select * from chosen_month
union all
select * from chosen_routing
union all
select * from chosen_characteristic
),

judged as (
select
    *,
    case
        when parts <> 'shift' and denominator is null then no_data_word
        when parts <> 'shift' and denominator = 0 then coalesce(none_word, no_data_word)
        when uses_plan and coalesce(denominator, 0) = 0 and no_calendar = 1 then 'NO_CALENDAR'
        when uses_states and all_none = 1 then 'NO_STATES'
        when uses_good and unknown_good_counts > 0 and coalesce(denominator, 0) = 0 then 'NO_REJECT_COUNT'
        when uses_scrap and unknown_scrap > 0 and coalesce(denominator, 0) = 0 then 'NO_REJECT_COUNT'
        when uses_rework and unknown_rework > 0 and coalesce(denominator, 0) = 0 then 'NO_REWORK_COUNT'
        when uses_rate and rate_cov = 0 then 'NO_IDEAL_RATE'
        when uses_counts and count_cov = 0 then 'NO_COUNTS'
        when denominator = 0 and none_word is not null then none_word
        when coalesce(denominator, 0) = 0 and uses_plan then 'NO_PLANNED_TIME'
        when coalesce(denominator, 0) = 0 and uses_counts and uses_states then 'NO_RUN_TIME'
        when coalesce(denominator, 0) = 0 and uses_counts then case when count_cov > 0 then 'NO_RUN_TIME' else 'NO_COUNTS' end
        when coalesce(denominator, 0) = 0 then 'NO_DATA'
        when has_bound and time_cov = 0 then 'NO_DATA'
        when is_withheld and rate_cov < min_rate_coverage then 'RATE_PARTIAL'
    end as missing,
    case when is_residual = 1 then least(time_cov, 0.85) when all_none = 1 then null else time_cov end as time_score
from chosen
),

scored as (
-- Specification 4.2: a weighted geometric mean, so that one hole cannot be averaged away.
select
    *,
    case
        when time_score = 0 or (uses_rate and rate_cov = 0) or count_cov = 0 or (uses_states and reason_cov = 0) then 0
        else exp(
            (0.30 * coalesce(ln(nullif(time_score, 0)), 0) + case when uses_rate then 0.25 * coalesce(ln(nullif(rate_cov, 0)), 0) else 0 end
            + 0.20 * coalesce(ln(nullif(count_cov, 0)), 0)
            + case when uses_states and reason_cov > 0 then 0.10 * ln(reason_cov) else 0 end + 0.15 * ln(definition_score))
            / (0.15 + case when time_score is null then 0 else 0.30 end + case when uses_rate and rate_cov is not null then 0.25 else 0 end
            + case when count_cov is null then 0 else 0.20 end + case when uses_states and reason_cov > 0 then 0.10 else 0 end)
        )
    end as score
from judged
)

select
    kpi_id, 1 as kpi_version, scope_type, scope_id, scope_name, plant_id, period_type, period_start, shift_code, profile,
    value,
    case when missing is null or missing in ('NO_DATA', 'RATE_PARTIAL') then numerator / nullif(denominator, 0) end as value_low,
    case
        when missing is not null and missing not in ('NO_DATA', 'RATE_PARTIAL') then null
        when has_bound then coalesce(high, numerator) / nullif(denominator, 0)
        when is_withheld and rate_cov > 0 and rate_cov < 1 then numerator / nullif(denominator, 0) / rate_cov
        else numerator / nullif(denominator, 0)
    end as value_high,
    target as target,
    value - target as target_gap,
    case when trend = 'HIGHER' then value >= target when trend = 'LOWER' then value <= target end as meets_target,
    numerator, denominator,
    coalesce(time_cov, 1) * case when uses_rate then coalesce(rate_cov, 1) else 1 end
        * case when uses_counts then coalesce(count_cov, 1) else 1 end
        * cast(units_in as double) / units_of * coalesce(cast(plants_told as double) / plants_of, 1) as coverage,
    case when missing is null then score else 0 end as confidence,
    case
        when missing is not null then 'D'
        when score >= 0.95 and all_none = 0 then 'A' when score >= 0.85 then 'B' when score >= 0.70 then 'C' else 'D'
    end as grade,
    case
        when missing is not null then 'NOT_COMPUTABLE'
        when (assumed_calendar = 1 and uses_plan) or (assumed_rate = 1 and uses_rate)
            or (uses_rate and rate_cov < min_rate_coverage) then 'ESTIMATED'
        when is_preliminary = 1 then 'PRELIMINARY'
        else 'OK'
    end as status,
    {{ words("concat_ws(',', missing, case when kpi_id = 'E' and numerator > denominator then 'PERF_GT_1' end, case when uses_states and is_residual = 1 then 'RESIDUAL_APT' end, case when uses_rate and rate_cov > 0 and rate_cov < min_rate_coverage and coalesce(missing, '') <> 'RATE_PARTIAL' then 'RATE_PARTIAL' end, case when uses_counts and count_cov > 0 and count_cov < 1 then 'COUNT_PARTIAL' end, case when uses_counts and outside_counts > 0 then 'COUNT_OUTSIDE_SHIFT' end, case when uses_counts and has_allocated = 1 then 'COUNT_ALLOCATED' end, case when uses_counts and has_stop_counts = 1 then 'STOP_WITH_COUNTS' end, case when uses_plan and time_cov < 1 then 'UNKNOWN_TIME' end, case when assumed_calendar = 1 and uses_plan then 'ASSUMED_CALENDAR' end, case when assumed_rate = 1 and uses_rate then 'ASSUMED_RATE' end, case when plants_of is not null and plants_in < plants_of then 'PLANTS_PARTIAL' end, case when parts = 'shift' and scope_type <> 'EQUIPMENT' and units_in < units_of then 'UNITS_PARTIAL' end, case when has_overlap = 1 then 'SHIFT_OVERLAP' end, case when has_ambiguous = 1 then 'DST_AMBIGUOUS' end, case when is_preliminary = 1 then 'PRELIMINARY' end)") }} as flags,
    case when uses_rate and profile <> 'LOCAL' then nullif(concat_ws(', ', case when ideal_best_s > 0 then 'BEST_DEMONSTRATED' || case when ideal_best_s = rated_s then '' else ' ' || cast(greatest(1, least(99, cast(round(100 * cast(ideal_best_s as double) / cast(rated_s as double)) as integer))) as varchar) || ' %' end end, case when ideal_engineered_s > 0 then 'ENGINEERED' || case when ideal_engineered_s = rated_s then '' else ' ' || cast(greatest(1, least(99, cast(round(100 * cast(ideal_engineered_s as double) / cast(rated_s as double)) as integer))) as varchar) || ' %' end end, case when ideal_erp_s > 0 then 'ERP_STANDARD' || case when ideal_erp_s = rated_s then '' else ' ' || cast(greatest(1, least(99, cast(round(100 * cast(ideal_erp_s as double) / cast(rated_s as double)) as integer))) as varchar) || ' %' end end, case when rated_s - ideal_best_s - ideal_engineered_s - ideal_erp_s > 0 then 'OTHER' || case when rated_s - ideal_best_s - ideal_engineered_s - ideal_erp_s = rated_s then '' else ' ' || cast(greatest(1, least(99, cast(round(100 * cast(rated_s - ideal_best_s - ideal_engineered_s - ideal_erp_s as double) / cast(rated_s as double)) as integer))) as varchar) || ' %' end end), '') end as rate_basis,
    plants_in, plants_of, units_in, units_of, release_id, as_of_ts
from (
    select *, case when missing is null then numerator / nullif(denominator, 0) end as value from scored
) as v
left join (
    select kpi_id as of_kpi, scope_type as of_type, scope_id as of_scope, target, valid_from, valid_to from {{ ref('kpi_target') }}
) as t
    on kpi_id = of_kpi and scope_type = of_type and scope_id = of_scope
    and (valid_from is null or period_start >= valid_from) and (valid_to is null or period_start < valid_to)
