{{ config(materialized='view') }}
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
    sum(case when pbt_s is not null and adet_eq_s is not null then adet_eq_s end) as adet_eq_s__plan_states,
    sum(case when apt_s is not null and adet_eq_s is not null then adet_eq_s end) as adet_eq_s__run_time_states,
    sum(case when apt_s is not null and adet_eq_s is not null then adet_org_s end) as adet_org_s__run_time_states,
    sum(case when pbt_s is not null and apt_s is not null and books_output = 1 and books_rated = 1 and books_good = 1 and unknown_good_counts = 0 then apt_rated_s end) as apt_rated_s__plan_run_time_output_rate_good,
    sum(case when apt_s is not null and books_output = 1 and books_rated = 1 then apt_rated_s end) as apt_rated_s__run_time_output_rate,
    sum(case when pbt_s is not null and apt_s is not null then apt_s end) as apt_s__plan_run_time,
    sum(case when pbt_s is not null and apt_s is not null and adet_eq_s is not null then apt_s end) as apt_s__plan_run_time_states,
    sum(case when apt_s is not null then apt_s end) as apt_s__run_time,
    sum(case when apt_s is not null and adet_eq_s is not null then apt_s end) as apt_s__run_time_states,
    sum(case when pbt_s is not null and apt_s is not null then aubt_s end) as aubt_s__plan_run_time,
    sum(case when apt_s is not null then aubt_s end) as aubt_s__run_time,
    sum(case when pbt_s is not null and apt_s is not null and books_output = 1 and books_rated = 1 and books_good = 1 and unknown_good_counts = 0 then aupt_s end) as aupt_s__plan_run_time_output_rate_good,
    sum(case when apt_s is not null and adet_eq_s is not null then aupt_s end) as aupt_s__run_time_states,
    sum(case when apt_s is not null and adet_eq_s is not null then aust_s end) as aust_s__run_time_states,
    sum(case when adet_eq_s is not null then coded_stop_s end) as coded_stop_s__states,
    sum(case when books_output = 1 and books_rated = 1 and books_good = 1 and unknown_good_counts = 0 then ct_s end) as ct_s__output_rate_good,
    sum(case when pbt_s is not null then ct_s end) as ct_s__plan,
    sum(case when apt_s is not null then ct_s end) as ct_s__run_time,
    sum(case when apt_s is not null and adet_eq_s is not null then fe end) as fe__run_time_states,
    sum(case when adet_eq_s is not null then fe end) as fe__states,
    sum(case when books_output = 1 and books_good = 1 and unknown_good_counts = 0 then coalesce(gq, 0) end) as gq__output_good,
    sum(case when books_output = 1 and books_rated = 1 and books_good = 1 and unknown_good_counts = 0 then coalesce(ideal_gq_s, 0) end) as ideal_gq_s__output_rate_good,
    sum(case when pbt_s is not null and books_output = 1 and books_rated = 1 and books_good = 1 and unknown_good_counts = 0 then coalesce(ideal_gq_s, 0) end) as ideal_gq_s__plan_output_rate_good,
    sum(case when pbt_s is not null and apt_s is not null and books_output = 1 and books_rated = 1 and books_good = 1 and unknown_good_counts = 0 then coalesce(ideal_gq_s, 0) end) as ideal_gq_s__plan_run_time_output_rate_good,
    sum(case when books_output = 1 and books_rated = 1 and books_good = 1 and unknown_good_counts = 0 then coalesce(ideal_pq_s, 0) end) as ideal_pq_s__output_rate_good,
    sum(case when pbt_s is not null and books_output = 1 and books_rated = 1 then coalesce(ideal_pq_s, 0) end) as ideal_pq_s__plan_output_rate,
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
    sum(case when apt_s is not null and adet_eq_s is not null then micro_s end) as micro_s__run_time_states,
    sum(case when pbt_s is not null then pbt_s end) as pbt_s__plan,
    sum(case when pbt_s is not null and books_output = 1 and books_rated = 1 then pbt_s end) as pbt_s__plan_output_rate,
    sum(case when pbt_s is not null and books_output = 1 and books_rated = 1 and books_good = 1 and unknown_good_counts = 0 then pbt_s end) as pbt_s__plan_output_rate_good,
    sum(case when pbt_s is not null and apt_s is not null then pbt_s end) as pbt_s__plan_run_time,
    sum(case when pbt_s is not null and apt_s is not null and books_output = 1 and books_rated = 1 and books_good = 1 and unknown_good_counts = 0 then pbt_s end) as pbt_s__plan_run_time_output_rate_good,
    sum(case when pbt_s is not null and apt_s is not null and adet_eq_s is not null then pbt_s end) as pbt_s__plan_run_time_states,
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
    sum(case when adet_eq_s is not null then ttr_s end) as ttr_s__states,
    sum(case when pbt_s is not null and apt_s is not null then unknown_s end) as unknown_s__plan_run_time,
    sum(case when pbt_s is not null and apt_s is not null and adet_eq_s is not null then unknown_s end) as unknown_s__plan_run_time_states,
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
    sum(unknown_rework) as unknown_rework,
    sum(case when books_rated = 1 then rate_base_s end) as rate_in_s,
    sum(case when books_rated = 1 then rate_known_s end) as rate_known_in_s,
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
    max(release_id) as release_id,
    max(as_of_ts) as as_of_ts
from known
group by plant_id, equipment_id, production_day, shift_code
union all
select
    'DAY' as period_type, production_day as period_start, cast(null as varchar) as shift_code, plant_id, equipment_id,
    sum(case when pbt_s is not null and adet_eq_s is not null then adet_eq_s end) as adet_eq_s__plan_states,
    sum(case when apt_s is not null and adet_eq_s is not null then adet_eq_s end) as adet_eq_s__run_time_states,
    sum(case when apt_s is not null and adet_eq_s is not null then adet_org_s end) as adet_org_s__run_time_states,
    sum(case when pbt_s is not null and apt_s is not null and books_output = 1 and books_rated = 1 and books_good = 1 and unknown_good_counts = 0 then apt_rated_s end) as apt_rated_s__plan_run_time_output_rate_good,
    sum(case when apt_s is not null and books_output = 1 and books_rated = 1 then apt_rated_s end) as apt_rated_s__run_time_output_rate,
    sum(case when pbt_s is not null and apt_s is not null then apt_s end) as apt_s__plan_run_time,
    sum(case when pbt_s is not null and apt_s is not null and adet_eq_s is not null then apt_s end) as apt_s__plan_run_time_states,
    sum(case when apt_s is not null then apt_s end) as apt_s__run_time,
    sum(case when apt_s is not null and adet_eq_s is not null then apt_s end) as apt_s__run_time_states,
    sum(case when pbt_s is not null and apt_s is not null then aubt_s end) as aubt_s__plan_run_time,
    sum(case when apt_s is not null then aubt_s end) as aubt_s__run_time,
    sum(case when pbt_s is not null and apt_s is not null and books_output = 1 and books_rated = 1 and books_good = 1 and unknown_good_counts = 0 then aupt_s end) as aupt_s__plan_run_time_output_rate_good,
    sum(case when apt_s is not null and adet_eq_s is not null then aupt_s end) as aupt_s__run_time_states,
    sum(case when apt_s is not null and adet_eq_s is not null then aust_s end) as aust_s__run_time_states,
    sum(case when adet_eq_s is not null then coded_stop_s end) as coded_stop_s__states,
    sum(case when books_output = 1 and books_rated = 1 and books_good = 1 and unknown_good_counts = 0 then ct_s end) as ct_s__output_rate_good,
    sum(case when pbt_s is not null then ct_s end) as ct_s__plan,
    sum(case when apt_s is not null then ct_s end) as ct_s__run_time,
    sum(case when apt_s is not null and adet_eq_s is not null then fe end) as fe__run_time_states,
    sum(case when adet_eq_s is not null then fe end) as fe__states,
    sum(case when books_output = 1 and books_good = 1 and unknown_good_counts = 0 then coalesce(gq, 0) end) as gq__output_good,
    sum(case when books_output = 1 and books_rated = 1 and books_good = 1 and unknown_good_counts = 0 then coalesce(ideal_gq_s, 0) end) as ideal_gq_s__output_rate_good,
    sum(case when pbt_s is not null and books_output = 1 and books_rated = 1 and books_good = 1 and unknown_good_counts = 0 then coalesce(ideal_gq_s, 0) end) as ideal_gq_s__plan_output_rate_good,
    sum(case when pbt_s is not null and apt_s is not null and books_output = 1 and books_rated = 1 and books_good = 1 and unknown_good_counts = 0 then coalesce(ideal_gq_s, 0) end) as ideal_gq_s__plan_run_time_output_rate_good,
    sum(case when books_output = 1 and books_rated = 1 and books_good = 1 and unknown_good_counts = 0 then coalesce(ideal_pq_s, 0) end) as ideal_pq_s__output_rate_good,
    sum(case when pbt_s is not null and books_output = 1 and books_rated = 1 then coalesce(ideal_pq_s, 0) end) as ideal_pq_s__plan_output_rate,
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
    sum(case when apt_s is not null and adet_eq_s is not null then micro_s end) as micro_s__run_time_states,
    sum(case when pbt_s is not null then pbt_s end) as pbt_s__plan,
    sum(case when pbt_s is not null and books_output = 1 and books_rated = 1 then pbt_s end) as pbt_s__plan_output_rate,
    sum(case when pbt_s is not null and books_output = 1 and books_rated = 1 and books_good = 1 and unknown_good_counts = 0 then pbt_s end) as pbt_s__plan_output_rate_good,
    sum(case when pbt_s is not null and apt_s is not null then pbt_s end) as pbt_s__plan_run_time,
    sum(case when pbt_s is not null and apt_s is not null and books_output = 1 and books_rated = 1 and books_good = 1 and unknown_good_counts = 0 then pbt_s end) as pbt_s__plan_run_time_output_rate_good,
    sum(case when pbt_s is not null and apt_s is not null and adet_eq_s is not null then pbt_s end) as pbt_s__plan_run_time_states,
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
    sum(case when adet_eq_s is not null then ttr_s end) as ttr_s__states,
    sum(case when pbt_s is not null and apt_s is not null then unknown_s end) as unknown_s__plan_run_time,
    sum(case when pbt_s is not null and apt_s is not null and adet_eq_s is not null then unknown_s end) as unknown_s__plan_run_time_states,
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
    sum(unknown_rework) as unknown_rework,
    sum(case when books_rated = 1 then rate_base_s end) as rate_in_s,
    sum(case when books_rated = 1 then rate_known_s end) as rate_known_in_s,
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
    max(release_id) as release_id,
    max(as_of_ts) as as_of_ts
from known
group by plant_id, equipment_id, production_day
union all
select
    'WEEK' as period_type, cast(date_trunc('week', production_day) as date) as period_start, cast(null as varchar) as shift_code, plant_id, equipment_id,
    sum(case when pbt_s is not null and adet_eq_s is not null then adet_eq_s end) as adet_eq_s__plan_states,
    sum(case when apt_s is not null and adet_eq_s is not null then adet_eq_s end) as adet_eq_s__run_time_states,
    sum(case when apt_s is not null and adet_eq_s is not null then adet_org_s end) as adet_org_s__run_time_states,
    sum(case when pbt_s is not null and apt_s is not null and books_output = 1 and books_rated = 1 and books_good = 1 and unknown_good_counts = 0 then apt_rated_s end) as apt_rated_s__plan_run_time_output_rate_good,
    sum(case when apt_s is not null and books_output = 1 and books_rated = 1 then apt_rated_s end) as apt_rated_s__run_time_output_rate,
    sum(case when pbt_s is not null and apt_s is not null then apt_s end) as apt_s__plan_run_time,
    sum(case when pbt_s is not null and apt_s is not null and adet_eq_s is not null then apt_s end) as apt_s__plan_run_time_states,
    sum(case when apt_s is not null then apt_s end) as apt_s__run_time,
    sum(case when apt_s is not null and adet_eq_s is not null then apt_s end) as apt_s__run_time_states,
    sum(case when pbt_s is not null and apt_s is not null then aubt_s end) as aubt_s__plan_run_time,
    sum(case when apt_s is not null then aubt_s end) as aubt_s__run_time,
    sum(case when pbt_s is not null and apt_s is not null and books_output = 1 and books_rated = 1 and books_good = 1 and unknown_good_counts = 0 then aupt_s end) as aupt_s__plan_run_time_output_rate_good,
    sum(case when apt_s is not null and adet_eq_s is not null then aupt_s end) as aupt_s__run_time_states,
    sum(case when apt_s is not null and adet_eq_s is not null then aust_s end) as aust_s__run_time_states,
    sum(case when adet_eq_s is not null then coded_stop_s end) as coded_stop_s__states,
    sum(case when books_output = 1 and books_rated = 1 and books_good = 1 and unknown_good_counts = 0 then ct_s end) as ct_s__output_rate_good,
    sum(case when pbt_s is not null then ct_s end) as ct_s__plan,
    sum(case when apt_s is not null then ct_s end) as ct_s__run_time,
    sum(case when apt_s is not null and adet_eq_s is not null then fe end) as fe__run_time_states,
    sum(case when adet_eq_s is not null then fe end) as fe__states,
    sum(case when books_output = 1 and books_good = 1 and unknown_good_counts = 0 then coalesce(gq, 0) end) as gq__output_good,
    sum(case when books_output = 1 and books_rated = 1 and books_good = 1 and unknown_good_counts = 0 then coalesce(ideal_gq_s, 0) end) as ideal_gq_s__output_rate_good,
    sum(case when pbt_s is not null and books_output = 1 and books_rated = 1 and books_good = 1 and unknown_good_counts = 0 then coalesce(ideal_gq_s, 0) end) as ideal_gq_s__plan_output_rate_good,
    sum(case when pbt_s is not null and apt_s is not null and books_output = 1 and books_rated = 1 and books_good = 1 and unknown_good_counts = 0 then coalesce(ideal_gq_s, 0) end) as ideal_gq_s__plan_run_time_output_rate_good,
    sum(case when books_output = 1 and books_rated = 1 and books_good = 1 and unknown_good_counts = 0 then coalesce(ideal_pq_s, 0) end) as ideal_pq_s__output_rate_good,
    sum(case when pbt_s is not null and books_output = 1 and books_rated = 1 then coalesce(ideal_pq_s, 0) end) as ideal_pq_s__plan_output_rate,
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
    sum(case when apt_s is not null and adet_eq_s is not null then micro_s end) as micro_s__run_time_states,
    sum(case when pbt_s is not null then pbt_s end) as pbt_s__plan,
    sum(case when pbt_s is not null and books_output = 1 and books_rated = 1 then pbt_s end) as pbt_s__plan_output_rate,
    sum(case when pbt_s is not null and books_output = 1 and books_rated = 1 and books_good = 1 and unknown_good_counts = 0 then pbt_s end) as pbt_s__plan_output_rate_good,
    sum(case when pbt_s is not null and apt_s is not null then pbt_s end) as pbt_s__plan_run_time,
    sum(case when pbt_s is not null and apt_s is not null and books_output = 1 and books_rated = 1 and books_good = 1 and unknown_good_counts = 0 then pbt_s end) as pbt_s__plan_run_time_output_rate_good,
    sum(case when pbt_s is not null and apt_s is not null and adet_eq_s is not null then pbt_s end) as pbt_s__plan_run_time_states,
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
    sum(case when adet_eq_s is not null then ttr_s end) as ttr_s__states,
    sum(case when pbt_s is not null and apt_s is not null then unknown_s end) as unknown_s__plan_run_time,
    sum(case when pbt_s is not null and apt_s is not null and adet_eq_s is not null then unknown_s end) as unknown_s__plan_run_time_states,
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
    sum(unknown_rework) as unknown_rework,
    sum(case when books_rated = 1 then rate_base_s end) as rate_in_s,
    sum(case when books_rated = 1 then rate_known_s end) as rate_known_in_s,
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
    max(release_id) as release_id,
    max(as_of_ts) as as_of_ts
from known
group by plant_id, equipment_id, cast(date_trunc('week', production_day) as date)
union all
select
    'MONTH' as period_type, cast(month as date) as period_start, cast(null as varchar) as shift_code, plant_id, equipment_id,
    sum(adet_eq_s__plan_states) as adet_eq_s__plan_states,
    sum(adet_eq_s__run_time_states) as adet_eq_s__run_time_states,
    sum(adet_org_s__run_time_states) as adet_org_s__run_time_states,
    sum(apt_rated_s__plan_run_time_output_rate_good) as apt_rated_s__plan_run_time_output_rate_good,
    sum(apt_rated_s__run_time_output_rate) as apt_rated_s__run_time_output_rate,
    sum(apt_s__plan_run_time) as apt_s__plan_run_time,
    sum(apt_s__plan_run_time_states) as apt_s__plan_run_time_states,
    sum(apt_s__run_time) as apt_s__run_time,
    sum(apt_s__run_time_states) as apt_s__run_time_states,
    sum(aubt_s__plan_run_time) as aubt_s__plan_run_time,
    sum(aubt_s__run_time) as aubt_s__run_time,
    sum(aupt_s__plan_run_time_output_rate_good) as aupt_s__plan_run_time_output_rate_good,
    sum(aupt_s__run_time_states) as aupt_s__run_time_states,
    sum(aust_s__run_time_states) as aust_s__run_time_states,
    sum(coded_stop_s__states) as coded_stop_s__states,
    sum(ct_s__output_rate_good) as ct_s__output_rate_good,
    sum(ct_s__plan) as ct_s__plan,
    sum(ct_s__run_time) as ct_s__run_time,
    sum(fe__run_time_states) as fe__run_time_states,
    sum(fe__states) as fe__states,
    sum(gq__output_good) as gq__output_good,
    sum(ideal_gq_s__output_rate_good) as ideal_gq_s__output_rate_good,
    sum(ideal_gq_s__plan_output_rate_good) as ideal_gq_s__plan_output_rate_good,
    sum(ideal_gq_s__plan_run_time_output_rate_good) as ideal_gq_s__plan_run_time_output_rate_good,
    sum(ideal_pq_s__output_rate_good) as ideal_pq_s__output_rate_good,
    sum(ideal_pq_s__plan_output_rate) as ideal_pq_s__plan_output_rate,
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
    sum(micro_s__run_time_states) as micro_s__run_time_states,
    sum(pbt_s__plan) as pbt_s__plan,
    sum(pbt_s__plan_output_rate) as pbt_s__plan_output_rate,
    sum(pbt_s__plan_output_rate_good) as pbt_s__plan_output_rate_good,
    sum(pbt_s__plan_run_time) as pbt_s__plan_run_time,
    sum(pbt_s__plan_run_time_output_rate_good) as pbt_s__plan_run_time_output_rate_good,
    sum(pbt_s__plan_run_time_states) as pbt_s__plan_run_time_states,
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
    sum(ttr_s__states) as ttr_s__states,
    sum(unknown_s__plan_run_time) as unknown_s__plan_run_time,
    sum(unknown_s__plan_run_time_states) as unknown_s__plan_run_time_states,
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
    sum(unknown_rework) as unknown_rework,
    sum(rate_in_s) as rate_in_s,
    sum(rate_known_in_s) as rate_known_in_s,
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
    max(release_id) as release_id,
    max(as_of_ts) as as_of_ts
from unit_month
group by plant_id, equipment_id, cast(month as date)
union all
select
    'QUARTER' as period_type, cast(date_trunc('quarter', month) as date) as period_start, cast(null as varchar) as shift_code, plant_id, equipment_id,
    sum(adet_eq_s__plan_states) as adet_eq_s__plan_states,
    sum(adet_eq_s__run_time_states) as adet_eq_s__run_time_states,
    sum(adet_org_s__run_time_states) as adet_org_s__run_time_states,
    sum(apt_rated_s__plan_run_time_output_rate_good) as apt_rated_s__plan_run_time_output_rate_good,
    sum(apt_rated_s__run_time_output_rate) as apt_rated_s__run_time_output_rate,
    sum(apt_s__plan_run_time) as apt_s__plan_run_time,
    sum(apt_s__plan_run_time_states) as apt_s__plan_run_time_states,
    sum(apt_s__run_time) as apt_s__run_time,
    sum(apt_s__run_time_states) as apt_s__run_time_states,
    sum(aubt_s__plan_run_time) as aubt_s__plan_run_time,
    sum(aubt_s__run_time) as aubt_s__run_time,
    sum(aupt_s__plan_run_time_output_rate_good) as aupt_s__plan_run_time_output_rate_good,
    sum(aupt_s__run_time_states) as aupt_s__run_time_states,
    sum(aust_s__run_time_states) as aust_s__run_time_states,
    sum(coded_stop_s__states) as coded_stop_s__states,
    sum(ct_s__output_rate_good) as ct_s__output_rate_good,
    sum(ct_s__plan) as ct_s__plan,
    sum(ct_s__run_time) as ct_s__run_time,
    sum(fe__run_time_states) as fe__run_time_states,
    sum(fe__states) as fe__states,
    sum(gq__output_good) as gq__output_good,
    sum(ideal_gq_s__output_rate_good) as ideal_gq_s__output_rate_good,
    sum(ideal_gq_s__plan_output_rate_good) as ideal_gq_s__plan_output_rate_good,
    sum(ideal_gq_s__plan_run_time_output_rate_good) as ideal_gq_s__plan_run_time_output_rate_good,
    sum(ideal_pq_s__output_rate_good) as ideal_pq_s__output_rate_good,
    sum(ideal_pq_s__plan_output_rate) as ideal_pq_s__plan_output_rate,
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
    sum(micro_s__run_time_states) as micro_s__run_time_states,
    sum(pbt_s__plan) as pbt_s__plan,
    sum(pbt_s__plan_output_rate) as pbt_s__plan_output_rate,
    sum(pbt_s__plan_output_rate_good) as pbt_s__plan_output_rate_good,
    sum(pbt_s__plan_run_time) as pbt_s__plan_run_time,
    sum(pbt_s__plan_run_time_output_rate_good) as pbt_s__plan_run_time_output_rate_good,
    sum(pbt_s__plan_run_time_states) as pbt_s__plan_run_time_states,
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
    sum(ttr_s__states) as ttr_s__states,
    sum(unknown_s__plan_run_time) as unknown_s__plan_run_time,
    sum(unknown_s__plan_run_time_states) as unknown_s__plan_run_time_states,
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
    sum(unknown_rework) as unknown_rework,
    sum(rate_in_s) as rate_in_s,
    sum(rate_known_in_s) as rate_known_in_s,
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
    max(release_id) as release_id,
    max(as_of_ts) as as_of_ts
from unit_month
group by plant_id, equipment_id, cast(date_trunc('quarter', month) as date)
),

plant_part as (
select
    x.scope_type, x.scope_id, x.plant_id, u.period_type, u.period_start, u.shift_code,
    sum(u.adet_eq_s__plan_states) as adet_eq_s__plan_states,
    sum(u.adet_eq_s__run_time_states) as adet_eq_s__run_time_states,
    sum(u.adet_org_s__run_time_states) as adet_org_s__run_time_states,
    sum(u.apt_rated_s__plan_run_time_output_rate_good) as apt_rated_s__plan_run_time_output_rate_good,
    sum(u.apt_rated_s__run_time_output_rate) as apt_rated_s__run_time_output_rate,
    sum(u.apt_s__plan_run_time) as apt_s__plan_run_time,
    sum(u.apt_s__plan_run_time_states) as apt_s__plan_run_time_states,
    sum(u.apt_s__run_time) as apt_s__run_time,
    sum(u.apt_s__run_time_states) as apt_s__run_time_states,
    sum(u.aubt_s__plan_run_time) as aubt_s__plan_run_time,
    sum(u.aubt_s__run_time) as aubt_s__run_time,
    sum(u.aupt_s__plan_run_time_output_rate_good) as aupt_s__plan_run_time_output_rate_good,
    sum(u.aupt_s__run_time_states) as aupt_s__run_time_states,
    sum(u.aust_s__run_time_states) as aust_s__run_time_states,
    sum(u.coded_stop_s__states) as coded_stop_s__states,
    sum(u.ct_s__output_rate_good) as ct_s__output_rate_good,
    sum(u.ct_s__plan) as ct_s__plan,
    sum(u.ct_s__run_time) as ct_s__run_time,
    sum(u.fe__run_time_states) as fe__run_time_states,
    sum(u.fe__states) as fe__states,
    sum(u.gq__output_good) as gq__output_good,
    sum(u.ideal_gq_s__output_rate_good) as ideal_gq_s__output_rate_good,
    sum(u.ideal_gq_s__plan_output_rate_good) as ideal_gq_s__plan_output_rate_good,
    sum(u.ideal_gq_s__plan_run_time_output_rate_good) as ideal_gq_s__plan_run_time_output_rate_good,
    sum(u.ideal_pq_s__output_rate_good) as ideal_pq_s__output_rate_good,
    sum(u.ideal_pq_s__plan_output_rate) as ideal_pq_s__plan_output_rate,
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
    sum(u.micro_s__run_time_states) as micro_s__run_time_states,
    sum(u.pbt_s__plan) as pbt_s__plan,
    sum(u.pbt_s__plan_output_rate) as pbt_s__plan_output_rate,
    sum(u.pbt_s__plan_output_rate_good) as pbt_s__plan_output_rate_good,
    sum(u.pbt_s__plan_run_time) as pbt_s__plan_run_time,
    sum(u.pbt_s__plan_run_time_output_rate_good) as pbt_s__plan_run_time_output_rate_good,
    sum(u.pbt_s__plan_run_time_states) as pbt_s__plan_run_time_states,
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
    sum(u.ttr_s__states) as ttr_s__states,
    sum(u.unknown_s__plan_run_time) as unknown_s__plan_run_time,
    sum(u.unknown_s__plan_run_time_states) as unknown_s__plan_run_time_states,
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
    sum(u.unknown_rework) as unknown_rework,
    sum(u.rate_in_s) as rate_in_s,
    sum(u.rate_known_in_s) as rate_known_in_s,
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
    max(u.release_id) as release_id,
    max(u.as_of_ts) as as_of_ts,
    max(x.assumed_calendar) as assumed_calendar,
    max(x.assumed_rate) as assumed_rate,
    max(x.no_calendar) as no_calendar,
    max(x.min_rate_coverage) as min_rate_coverage,
    max(x.scope_name) as scope_name
from unit_period as u
inner join {{ ref('unit_scope') }} as x on u.equipment_id = x.unit_id
group by x.scope_type, x.scope_id, x.plant_id, u.period_type, u.period_start, u.shift_code
),

summed as (
select
    scope_type, scope_id, period_type, period_start, shift_code,
    case when scope_type in ('CLASS', 'COMPANY', 'PORTFOLIO') then null else min(plant_id) end as plant_id,
    sum(adet_eq_s__plan_states) as adet_eq_s__plan_states,
    sum(adet_eq_s__run_time_states) as adet_eq_s__run_time_states,
    sum(adet_org_s__run_time_states) as adet_org_s__run_time_states,
    sum(apt_rated_s__plan_run_time_output_rate_good) as apt_rated_s__plan_run_time_output_rate_good,
    sum(apt_rated_s__run_time_output_rate) as apt_rated_s__run_time_output_rate,
    sum(apt_s__plan_run_time) as apt_s__plan_run_time,
    sum(apt_s__plan_run_time_states) as apt_s__plan_run_time_states,
    sum(apt_s__run_time) as apt_s__run_time,
    sum(apt_s__run_time_states) as apt_s__run_time_states,
    sum(aubt_s__plan_run_time) as aubt_s__plan_run_time,
    sum(aubt_s__run_time) as aubt_s__run_time,
    sum(aupt_s__plan_run_time_output_rate_good) as aupt_s__plan_run_time_output_rate_good,
    sum(aupt_s__run_time_states) as aupt_s__run_time_states,
    sum(aust_s__run_time_states) as aust_s__run_time_states,
    sum(coded_stop_s__states) as coded_stop_s__states,
    sum(ct_s__output_rate_good) as ct_s__output_rate_good,
    sum(ct_s__plan) as ct_s__plan,
    sum(ct_s__run_time) as ct_s__run_time,
    sum(fe__run_time_states) as fe__run_time_states,
    sum(fe__states) as fe__states,
    sum(gq__output_good) as gq__output_good,
    sum(ideal_gq_s__output_rate_good) as ideal_gq_s__output_rate_good,
    sum(ideal_gq_s__plan_output_rate_good) as ideal_gq_s__plan_output_rate_good,
    sum(ideal_gq_s__plan_run_time_output_rate_good) as ideal_gq_s__plan_run_time_output_rate_good,
    sum(ideal_pq_s__output_rate_good) as ideal_pq_s__output_rate_good,
    sum(ideal_pq_s__plan_output_rate) as ideal_pq_s__plan_output_rate,
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
    sum(micro_s__run_time_states) as micro_s__run_time_states,
    sum(pbt_s__plan) as pbt_s__plan,
    sum(pbt_s__plan_output_rate) as pbt_s__plan_output_rate,
    sum(pbt_s__plan_output_rate_good) as pbt_s__plan_output_rate_good,
    sum(pbt_s__plan_run_time) as pbt_s__plan_run_time,
    sum(pbt_s__plan_run_time_output_rate_good) as pbt_s__plan_run_time_output_rate_good,
    sum(pbt_s__plan_run_time_states) as pbt_s__plan_run_time_states,
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
    sum(ttr_s__states) as ttr_s__states,
    sum(unknown_s__plan_run_time) as unknown_s__plan_run_time,
    sum(unknown_s__plan_run_time_states) as unknown_s__plan_run_time_states,
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
    sum(unknown_rework) as unknown_rework,
    sum(rate_in_s) as rate_in_s,
    sum(rate_known_in_s) as rate_known_in_s,
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
    count(case when units_plan_states > 0 then 1 end) as plants_plan_states,
    count(case when units_run_time > 0 then 1 end) as plants_run_time,
    count(case when units_run_time_output_rate > 0 then 1 end) as plants_run_time_output_rate,
    count(case when units_run_time_states > 0 then 1 end) as plants_run_time_states,
    count(case when units_states > 0 then 1 end) as plants_states,
    cast(sum(units_of) as bigint) as units_of,
    count(*) as plants_told,
    min(all_none) as all_none,
    max(is_residual) as is_residual,
    max(is_none) as is_none,
    max(is_preliminary) as is_preliminary,
    max(has_overlap) as has_overlap,
    max(has_ambiguous) as has_ambiguous,
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
    (1, 'OEE', 'ISO', true, true, true, false, true, false, false, true, false, null),
    (2, 'OEE', 'TPM', true, true, true, false, true, false, false, true, false, null),
    (3, 'OEE', 'LOCAL', true, true, true, false, true, false, false, true, false, null),
    (4, 'A', 'ISO', false, false, true, true, false, false, false, false, true, null),
    (5, 'A', 'TPM', false, false, true, true, false, false, false, false, true, null),
    (6, 'A', 'LOCAL', false, false, true, true, false, false, false, false, true, null),
    (7, 'E', 'ISO', true, true, false, true, false, false, false, false, false, null),
    (8, 'E', 'TPM', true, true, false, true, false, false, false, false, false, null),
    (9, 'E', 'LOCAL', true, true, false, true, false, false, false, false, false, null),
    (10, 'Q', 'ISO', true, true, false, false, true, false, false, false, false, null),
    (11, 'Q', 'TPM', true, true, false, false, true, false, false, false, false, null),
    (12, 'Q', 'LOCAL', true, true, false, false, true, false, false, false, false, null),
    (13, 'QC', 'ISO', false, true, false, false, true, false, false, false, false, null),
    (14, 'QC', 'TPM', false, true, false, false, true, false, false, false, false, null),
    (15, 'QC', 'LOCAL', false, true, false, false, true, false, false, false, false, null),
    (16, 'AE', 'ISO', true, true, true, false, false, false, false, true, false, null),
    (17, 'AE', 'TPM', true, true, true, false, false, false, false, true, false, null),
    (18, 'AE', 'LOCAL', true, true, true, false, false, false, false, true, false, null),
    (19, 'OOE', 'ISO', true, true, true, false, true, false, false, true, false, null),
    (20, 'OOE', 'TPM', true, true, true, false, true, false, false, true, false, null),
    (21, 'OOE', 'LOCAL', true, true, true, false, true, false, false, true, false, null),
    (22, 'TEEP', 'ISO', true, true, false, false, true, false, false, true, false, null),
    (23, 'TEEP', 'TPM', true, true, false, false, true, false, false, true, false, null),
    (24, 'TEEP', 'LOCAL', true, true, false, false, true, false, false, true, false, null),
    (25, 'NEE', 'ISO', true, true, true, true, true, false, false, false, false, null),
    (26, 'NEE', 'TPM', true, true, true, true, true, false, false, false, false, null),
    (27, 'NEE', 'LOCAL', true, true, true, true, true, false, false, false, false, null),
    (28, 'UTIL_CAL', 'ISO', false, false, false, true, false, false, false, false, false, null),
    (29, 'UTIL_CAL', 'TPM', false, false, false, true, false, false, false, false, false, null),
    (30, 'UTIL_CAL', 'LOCAL', false, false, false, true, false, false, false, false, false, null),
    (31, 'LOADING', 'ISO', false, false, true, false, false, false, false, false, false, null),
    (32, 'LOADING', 'TPM', false, false, true, false, false, false, false, false, false, null),
    (33, 'LOADING', 'LOCAL', false, false, true, false, false, false, false, false, false, null),
    (34, 'ALLOC_EFF', 'ISO', false, false, true, true, false, false, false, false, false, null),
    (35, 'ALLOC_EFF', 'TPM', false, false, true, true, false, false, false, false, false, null),
    (36, 'ALLOC_EFF', 'LOCAL', false, false, true, true, false, false, false, false, false, null),
    (37, 'UTIL_EFF', 'ISO', false, false, false, true, false, false, false, false, false, 'NO_BUSY_TIME'),
    (38, 'UTIL_EFF', 'TPM', false, false, false, true, false, false, false, false, false, 'NO_BUSY_TIME'),
    (39, 'UTIL_EFF', 'LOCAL', false, false, false, true, false, false, false, false, false, 'NO_BUSY_TIME'),
    (40, 'TECH_EFF', 'ISO', false, false, false, true, false, false, false, false, false, 'NO_BUSY_TIME'),
    (41, 'TECH_EFF', 'TPM', false, false, false, true, false, false, false, false, false, 'NO_BUSY_TIME'),
    (42, 'TECH_EFF', 'LOCAL', false, false, false, true, false, false, false, false, false, 'NO_BUSY_TIME'),
    (43, 'SETUP_RATIO', 'ISO', false, false, false, true, false, false, false, false, false, 'NO_RUN_TIME'),
    (44, 'SETUP_RATIO', 'TPM', false, false, false, true, false, false, false, false, false, 'NO_RUN_TIME'),
    (45, 'SETUP_RATIO', 'LOCAL', false, false, false, true, false, false, false, false, false, 'NO_RUN_TIME'),
    (46, 'CO_TIME', 'ISO', false, false, false, true, false, false, false, false, false, 'NO_CHANGEOVERS'),
    (47, 'CO_TIME', 'TPM', false, false, false, true, false, false, false, false, false, 'NO_CHANGEOVERS'),
    (48, 'CO_TIME', 'LOCAL', false, false, false, true, false, false, false, false, false, 'NO_CHANGEOVERS'),
    (49, 'SCRAP', 'ISO', false, true, false, false, false, true, false, false, false, null),
    (50, 'SCRAP', 'TPM', false, true, false, false, false, true, false, false, false, null),
    (51, 'SCRAP', 'LOCAL', false, true, false, false, false, true, false, false, false, null),
    (52, 'REWORK', 'ISO', false, true, false, false, false, false, true, false, false, null),
    (53, 'REWORK', 'TPM', false, true, false, false, false, false, true, false, false, null),
    (54, 'REWORK', 'LOCAL', false, true, false, false, false, false, true, false, false, null),
    (55, 'MTBF', 'ISO', false, false, false, true, false, false, false, false, false, 'NO_FAILURES'),
    (56, 'MTBF', 'TPM', false, false, false, true, false, false, false, false, false, 'NO_FAILURES'),
    (57, 'MTBF', 'LOCAL', false, false, false, true, false, false, false, false, false, 'NO_FAILURES'),
    (58, 'MTTF', 'ISO', false, false, false, true, false, false, false, false, false, 'NO_FAILURES'),
    (59, 'MTTF', 'TPM', false, false, false, true, false, false, false, false, false, 'NO_FAILURES'),
    (60, 'MTTF', 'LOCAL', false, false, false, true, false, false, false, false, false, 'NO_FAILURES'),
    (61, 'MTTR', 'ISO', false, false, false, true, false, false, false, false, false, 'NO_FAILURES'),
    (62, 'MTTR', 'TPM', false, false, false, true, false, false, false, false, false, 'NO_FAILURES'),
    (63, 'MTTR', 'LOCAL', false, false, false, true, false, false, false, false, false, 'NO_FAILURES'),
    (64, 'FAIL_RATE', 'ISO', false, false, false, true, false, false, false, false, false, 'NO_RUN_TIME'),
    (65, 'FAIL_RATE', 'TPM', false, false, false, true, false, false, false, false, false, 'NO_RUN_TIME'),
    (66, 'FAIL_RATE', 'LOCAL', false, false, false, true, false, false, false, false, false, 'NO_RUN_TIME'),
    (67, 'EQ_LOAD', 'ISO', true, true, true, false, false, false, false, true, false, null),
    (68, 'EQ_LOAD', 'TPM', true, true, true, false, false, false, false, true, false, null),
    (69, 'EQ_LOAD', 'LOCAL', true, true, true, false, false, false, false, true, false, null),
    (70, 'UNPL_DOWN', 'ISO', false, false, true, true, false, false, false, false, false, null),
    (71, 'UNPL_DOWN', 'TPM', false, false, true, true, false, false, false, false, false, null),
    (72, 'UNPL_DOWN', 'LOCAL', false, false, true, true, false, false, false, false, false, null),
    (73, 'COVERAGE', 'ISO', false, false, true, true, false, false, false, false, false, null),
    (74, 'COVERAGE', 'TPM', false, false, true, true, false, false, false, false, false, null),
    (75, 'COVERAGE', 'LOCAL', false, false, true, true, false, false, false, false, false, null),
    (76, 'CODED', 'ISO', false, false, false, true, false, false, false, false, false, 'NO_STOPS'),
    (77, 'CODED', 'TPM', false, false, false, true, false, false, false, false, false, 'NO_STOPS'),
    (78, 'CODED', 'LOCAL', false, false, false, true, false, false, false, false, false, 'NO_STOPS')
) as v (number, kpi_id, profile, uses_rate, uses_counts, uses_plan, uses_states, uses_good, uses_scrap, uses_rework, is_withheld, has_bound, none_word)
),

chosen as (
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
        when k.number in (16, 17, 67, 68, 69) then cast(ideal_pq_s__plan_output_rate as double)
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
        when k.number in (55, 56, 57, 58, 59, 60) then cast(tbf_s__run_time_states as double) / 3600
        when k.number in (61, 62, 63) then cast(ttr_s__states as double) / 3600
        when k.number in (64, 65, 66) then cast(fe__run_time_states as double)
        when k.number in (70, 71, 72) then cast(adet_eq_s__plan_states as double)
        when k.number in (73, 74, 75) then cast(pbt_s__plan_states as double) - cast(unknown_s__plan_states as double)
        when k.number in (76, 77, 78) then cast(coded_stop_s__states as double)
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
        when k.number in (67, 68, 69) then cast(pot_s__plan_output_rate as double)
        when k.number in (70, 71, 72, 73, 74, 75) then cast(pbt_s__plan_states as double)
        when k.number in (76, 77, 78) then cast(stop_s__states as double)
    end as denominator,
    case
        when k.number in (4, 6) then cast(apt_s__plan_run_time as double) + cast(unknown_s__plan_run_time as double)
        when k.number in (5) then cast(apt_s__plan_run_time_states as double) + cast(micro_s__plan_run_time_states as double) + cast(unknown_s__plan_run_time_states as double)
    end as high,
    case
        when k.number in (1, 2, 3, 19, 20, 21) then plants_plan_output_rate_good
        when k.number in (4, 6, 34, 35, 36) then plants_plan_run_time
        when k.number in (5) then plants_plan_run_time_states
        when k.number in (7, 8, 9) then plants_run_time_output_rate
        when k.number in (10, 11, 12, 22, 23, 24) then plants_output_rate_good
        when k.number in (13, 14, 15) then plants_output_good
        when k.number in (16, 17, 18, 67, 68, 69) then plants_plan_output_rate
        when k.number in (25, 26, 27) then plants_plan_run_time_output_rate_good
        when k.number in (28, 29, 30, 37, 38, 39) then plants_run_time
        when k.number in (31, 32, 33) then plants_plan
        when k.number in (40, 41, 42, 43, 44, 45, 55, 56, 57, 58, 59, 60, 64, 65, 66) then plants_run_time_states
        when k.number in (46, 47, 48, 61, 62, 63, 76, 77, 78) then plants_states
        when k.number in (49, 50, 51) then plants_output_scrap
        when k.number in (52, 53, 54) then plants_output_rework
        when k.number in (70, 71, 72, 73, 74, 75) then plants_plan_states
    end as plants_in,
    case
        when k.number in (1, 2, 3, 19, 20, 21) then units_plan_output_rate_good
        when k.number in (4, 6, 34, 35, 36) then units_plan_run_time
        when k.number in (5) then units_plan_run_time_states
        when k.number in (7, 8, 9) then units_run_time_output_rate
        when k.number in (10, 11, 12, 22, 23, 24) then units_output_rate_good
        when k.number in (13, 14, 15) then units_output_good
        when k.number in (16, 17, 18, 67, 68, 69) then units_plan_output_rate
        when k.number in (25, 26, 27) then units_plan_run_time_output_rate_good
        when k.number in (28, 29, 30, 37, 38, 39) then units_run_time
        when k.number in (31, 32, 33) then units_plan
        when k.number in (40, 41, 42, 43, 44, 45, 55, 56, 57, 58, 59, 60, 64, 65, 66) then units_run_time_states
        when k.number in (46, 47, 48, 61, 62, 63, 76, 77, 78) then units_states
        when k.number in (49, 50, 51) then units_output_scrap
        when k.number in (52, 53, 54) then units_output_rework
        when k.number in (70, 71, 72, 73, 74, 75) then units_plan_states
    end as units_in, s.units_of,
    case when s.period_type = 'SHIFT' and c.plants is not null then s.plants_told else c.plants end as plants_of,
    s.plants_told, s.min_rate_coverage, s.release_id, s.as_of_ts,
    cast(s.told_pbt_s - s.unknown_s as double) / nullif(cast(s.told_pbt_s as double), 0) as time_cov,
    coalesce(
        cast(s.rate_known_in_s as double) / nullif(cast(s.rate_in_s as double), 0),
        cast(s.rate_known_s as double) / nullif(cast(s.rate_base_s as double), 0)
    ) as rate_cov,
    cast(s.reported_count_shifts as double) / nullif(s.expected_count_shifts, 0) as count_cov,
    cast(s.coded_stop_s as double) / nullif(cast(s.stop_s as double), 0) as reason_cov,
    s.unknown_good_counts, s.unknown_scrap, s.unknown_rework, s.outside_counts, s.is_residual, s.is_none, s.all_none, s.is_preliminary,
    s.has_overlap, s.has_ambiguous, s.assumed_calendar, s.assumed_rate, s.no_calendar
from summed as s
left join scope_size as c on s.scope_type = c.scope_type and s.scope_id = c.scope_id
cross join kpi as k
),

judged as (
-- Why a value cannot be given, in the order in which a reader would ask.
select
    *,
    case
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
            + case when uses_states and reason_cov > 0 then 0.10 * ln(reason_cov) else 0 end)
            / (0.15 + case when time_score is null then 0 else 0.30 end + case when uses_rate and rate_cov is not null then 0.25 else 0 end
            + case when count_cov is null then 0 else 0.20 end + case when uses_states and reason_cov > 0 then 0.10 else 0 end)
        )
    end as score
from judged
)

select
    kpi_id, 1 as kpi_version, scope_type, scope_id, scope_name, plant_id, period_type, period_start, shift_code, profile,
    case when missing is null then numerator / nullif(denominator, 0) end as value,
    case when missing is null or missing in ('NO_DATA', 'RATE_PARTIAL') then numerator / nullif(denominator, 0) end as value_low,
    case
        when missing is not null and missing not in ('NO_DATA', 'RATE_PARTIAL') then null
        when has_bound then coalesce(high, numerator) / nullif(denominator, 0)
        when is_withheld and rate_cov > 0 and rate_cov < 1 then numerator / nullif(denominator, 0) / rate_cov
        else numerator / nullif(denominator, 0)
    end as value_high,
    numerator, denominator,
    coalesce(time_cov, 1) * case when uses_rate then coalesce(rate_cov, 1) else 1 end
        * case when uses_counts then coalesce(count_cov, 1) else 1 end
        * cast(units_in as double) / units_of * coalesce(cast(plants_told as double) / plants_of, 1) as coverage,
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
    {{ words("concat_ws(',', missing, case when kpi_id = 'E' and numerator > denominator then 'PERF_GT_1' end, case when uses_states and is_residual = 1 then 'RESIDUAL_APT' end, case when uses_rate and rate_cov > 0 and rate_cov < min_rate_coverage and coalesce(missing, '') <> 'RATE_PARTIAL' then 'RATE_PARTIAL' end, case when uses_counts and count_cov > 0 and count_cov < 1 then 'COUNT_PARTIAL' end, case when uses_counts and outside_counts > 0 then 'COUNT_OUTSIDE_SHIFT' end, case when uses_plan and time_cov < 1 then 'UNKNOWN_TIME' end, case when assumed_calendar = 1 and uses_plan then 'ASSUMED_CALENDAR' end, case when assumed_rate = 1 and uses_rate then 'ASSUMED_RATE' end, case when plants_of is not null and plants_in < plants_of then 'PLANTS_PARTIAL' end, case when scope_type <> 'EQUIPMENT' and units_in < units_of then 'UNITS_PARTIAL' end, case when has_overlap = 1 then 'SHIFT_OVERLAP' end, case when has_ambiguous = 1 then 'DST_AMBIGUOUS' end, case when is_preliminary = 1 then 'PRELIMINARY' end)") }} as flags,
    plants_in, plants_of, units_in, units_of, release_id, as_of_ts
from scored
