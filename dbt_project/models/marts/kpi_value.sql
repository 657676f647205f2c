{{ config(materialized='view') }}
-- Generated from kpis.yml by `python -m dbt_project.generate`; edit the catalogue.
with shift_sum as (
    select
        p.equipment_id, p.plant_id, p.shift_instance_id, p.shift_code, p.production_day,
        sum(p.apt_rated_s) as apt_rated_s,
        sum(p.apt_s) as apt_s,
        sum(p.coded_stop_s) as coded_stop_s,
        sum(p.ct_s) as ct_s,
        sum(p.expected_count_shifts) as expected_count_shifts,
        sum(p.gq) as gq,
        sum(p.ideal_gq_s) as ideal_gq_s,
        sum(p.ideal_pq_s) as ideal_pq_s,
        sum(p.micro_rated_s) as micro_rated_s,
        sum(p.micro_s) as micro_s,
        sum(p.pbt_s) as pbt_s,
        sum(p.pot_s) as pot_s,
        sum(p.pq) as pq,
        sum(p.rate_base_s) as rate_base_s,
        sum(p.rate_known_s) as rate_known_s,
        sum(p.reported_count_shifts) as reported_count_shifts,
        sum(p.unknown_s) as unknown_s,
        sum(p.adet_eq_s + p.adet_org_s + p.aust_s + coalesce(p.adot_s, 0)) as stop_s,
        sum(case when p.unknown_s is not null then p.pbt_s end) as told_pbt_s,
        max(case when p.material_key <> '~' and p.pq is not null then 1 else 0 end) as has_output,
        max(case when p.material_key <> '~' and p.ideal_pq_s is not null then 1 else 0 end) as has_rated,
        max(case when p.material_key <> '~' and p.gq is not null then 1 else 0 end) as has_good,
        max(case when p.pq is not null then 1 else 0 end) as knows_output,
        sum(p.unknown_good_counts) as unknown_good_counts, sum(p.outside_counts) as outside_counts,
        max(case when p.state_method = 'RESIDUAL' then 1 else 0 end) as is_residual,
        max(case when p.state_method = 'NONE' then 1 else 0 end) as is_none,
        max(case when p.is_preliminary then 1 else 0 end) as is_preliminary,
        max(case when p.has_shift_overlap then 1 else 0 end) as has_overlap,
        max(case when array_contains(p.flags, 'DST_AMBIGUOUS') then 1 else 0 end) as has_ambiguous,
        max(p.valid_from_release) as release_id, max(p.as_of_ts) as as_of_ts
    from {{ ref('mart_kpi_parts_shift') }} as p
    where p.valid_to_release is null
    group by p.equipment_id, p.plant_id, p.shift_instance_id, p.shift_code, p.production_day
),

-- What a unit books in a month; one that provably made nothing all month knows everything about it.
booking as (
    select
        *,
        greatest(max(has_output) over month_of_unit, min(knows_output) over month_of_unit) as books_output,
        greatest(max(has_rated) over month_of_unit, min(knows_output) over month_of_unit - max(has_output) over month_of_unit) as books_rated,
        greatest(max(has_good) over month_of_unit, min(knows_output) over month_of_unit - max(has_output) over month_of_unit) as books_good
    from shift_sum
    window month_of_unit as (partition by equipment_id, date_trunc('month', production_day))
),

unit_shift as (
    select
        s.*, case when s.books_rated = 1 then s.rate_base_s end as rate_in_s, case when s.books_rated = 1 then s.rate_known_s end as rate_known_in_s, l.company, e.equipment_name, l.plant_name,
        case when l.assumed_calendar then 1 else 0 end as assumed_calendar, case when l.assumed_rate then 1 else 0 end as assumed_rate,
        case when l.calendar = 'none' then 1 else 0 end as no_calendar, coalesce(g.min_rate_coverage, 0.95) as min_rate_coverage,
        case when pbt_s is not null and books_output = 1 and books_rated = 1 and books_good = 1 and unknown_good_counts = 0 then coalesce(ideal_gq_s, 0) end as n_oee_iso,
        case when pbt_s is not null and books_output = 1 and books_rated = 1 and books_good = 1 and unknown_good_counts = 0 then pbt_s end as d_oee_iso,
        case when pbt_s is not null and books_output = 1 and books_rated = 1 and books_good = 1 and unknown_good_counts = 0 then coalesce(ideal_gq_s, 0) end as n_oee_tpm,
        case when pbt_s is not null and books_output = 1 and books_rated = 1 and books_good = 1 and unknown_good_counts = 0 then pbt_s end as d_oee_tpm,
        case when apt_s is not null and pbt_s is not null then apt_s end as n_a_iso,
        case when apt_s is not null and pbt_s is not null then pbt_s end as d_a_iso,
        case when apt_s is not null and micro_s is not null and pbt_s is not null then apt_s + micro_s end as n_a_tpm,
        case when apt_s is not null and micro_s is not null and pbt_s is not null then pbt_s end as d_a_tpm,
        case when apt_rated_s is not null and books_output = 1 and books_rated = 1 then coalesce(ideal_pq_s, 0) end as n_e_iso,
        case when apt_rated_s is not null and books_output = 1 and books_rated = 1 then apt_rated_s end as d_e_iso,
        case when apt_rated_s is not null and micro_rated_s is not null and books_output = 1 and books_rated = 1 then coalesce(ideal_pq_s, 0) end as n_e_tpm,
        case when apt_rated_s is not null and micro_rated_s is not null and books_output = 1 and books_rated = 1 then apt_rated_s + micro_rated_s end as d_e_tpm,
        case when books_output = 1 and books_rated = 1 and books_good = 1 and unknown_good_counts = 0 then coalesce(ideal_gq_s, 0) end as n_q_iso,
        case when books_output = 1 and books_rated = 1 and books_good = 1 and unknown_good_counts = 0 then coalesce(ideal_pq_s, 0) end as d_q_iso,
        case when books_output = 1 and books_rated = 1 and books_good = 1 and unknown_good_counts = 0 then coalesce(ideal_gq_s, 0) end as n_q_tpm,
        case when books_output = 1 and books_rated = 1 and books_good = 1 and unknown_good_counts = 0 then coalesce(ideal_pq_s, 0) end as d_q_tpm,
        case when books_output = 1 and books_good = 1 and unknown_good_counts = 0 then coalesce(gq, 0) end as n_qc_iso,
        case when books_output = 1 and books_good = 1 and unknown_good_counts = 0 then coalesce(pq, 0) end as d_qc_iso,
        case when books_output = 1 and books_good = 1 and unknown_good_counts = 0 then coalesce(gq, 0) end as n_qc_tpm,
        case when books_output = 1 and books_good = 1 and unknown_good_counts = 0 then coalesce(pq, 0) end as d_qc_tpm,
        case when pbt_s is not null and books_output = 1 and books_rated = 1 then coalesce(ideal_pq_s, 0) end as n_ae_iso,
        case when pbt_s is not null and books_output = 1 and books_rated = 1 then pbt_s end as d_ae_iso,
        case when pbt_s is not null and books_output = 1 and books_rated = 1 then coalesce(ideal_pq_s, 0) end as n_ae_tpm,
        case when pbt_s is not null and books_output = 1 and books_rated = 1 then pbt_s end as d_ae_tpm,
        case when pot_s is not null and books_output = 1 and books_rated = 1 and books_good = 1 and unknown_good_counts = 0 then coalesce(ideal_gq_s, 0) end as n_ooe_iso,
        case when pot_s is not null and books_output = 1 and books_rated = 1 and books_good = 1 and unknown_good_counts = 0 then pot_s end as d_ooe_iso,
        case when pot_s is not null and books_output = 1 and books_rated = 1 and books_good = 1 and unknown_good_counts = 0 then coalesce(ideal_gq_s, 0) end as n_ooe_tpm,
        case when pot_s is not null and books_output = 1 and books_rated = 1 and books_good = 1 and unknown_good_counts = 0 then pot_s end as d_ooe_tpm,
        case when ct_s is not null and books_output = 1 and books_rated = 1 and books_good = 1 and unknown_good_counts = 0 then coalesce(ideal_gq_s, 0) end as n_teep_iso,
        case when ct_s is not null and books_output = 1 and books_rated = 1 and books_good = 1 and unknown_good_counts = 0 then ct_s end as d_teep_iso,
        case when ct_s is not null and books_output = 1 and books_rated = 1 and books_good = 1 and unknown_good_counts = 0 then coalesce(ideal_gq_s, 0) end as n_teep_tpm,
        case when ct_s is not null and books_output = 1 and books_rated = 1 and books_good = 1 and unknown_good_counts = 0 then ct_s end as d_teep_tpm,
        case when pbt_s is not null and unknown_s is not null then pbt_s - unknown_s end as n_coverage_iso,
        case when pbt_s is not null and unknown_s is not null then pbt_s end as d_coverage_iso,
        case when pbt_s is not null and unknown_s is not null then pbt_s - unknown_s end as n_coverage_tpm,
        case when pbt_s is not null and unknown_s is not null then pbt_s end as d_coverage_tpm
    from booking as s
    inner join {{ source('silver', 'plant') }} as l on s.plant_id = l.plant_id
    left join (select * from {{ source('silver', 'equipment') }} where is_current and not is_deleted) as e on s.equipment_id = e.equipment_id
    left join {{ source('silver', 'plant_setting') }} as g on s.plant_id = g.plant_id and g.equipment_id = '*'
),
unit_period as (
    select
        plant_id, company, plant_name, equipment_id, equipment_name,
        case when grouping(shift_code) = 0 then 'SHIFT' when grouping(production_day) = 0 then 'DAY'
            when grouping(week_start) = 0 then 'WEEK' else 'MONTH' end as period_type,
        coalesce(production_day, week_start, month_start) as period_start,
        shift_code,
        sum(n_oee_iso) as n_oee_iso,
        sum(d_oee_iso) as d_oee_iso,
        sum(n_oee_tpm) as n_oee_tpm,
        sum(d_oee_tpm) as d_oee_tpm,
        sum(n_a_iso) as n_a_iso,
        sum(d_a_iso) as d_a_iso,
        sum(n_a_tpm) as n_a_tpm,
        sum(d_a_tpm) as d_a_tpm,
        sum(n_e_iso) as n_e_iso,
        sum(d_e_iso) as d_e_iso,
        sum(n_e_tpm) as n_e_tpm,
        sum(d_e_tpm) as d_e_tpm,
        sum(n_q_iso) as n_q_iso,
        sum(d_q_iso) as d_q_iso,
        sum(n_q_tpm) as n_q_tpm,
        sum(d_q_tpm) as d_q_tpm,
        sum(n_qc_iso) as n_qc_iso,
        sum(d_qc_iso) as d_qc_iso,
        sum(n_qc_tpm) as n_qc_tpm,
        sum(d_qc_tpm) as d_qc_tpm,
        sum(n_ae_iso) as n_ae_iso,
        sum(d_ae_iso) as d_ae_iso,
        sum(n_ae_tpm) as n_ae_tpm,
        sum(d_ae_tpm) as d_ae_tpm,
        sum(n_ooe_iso) as n_ooe_iso,
        sum(d_ooe_iso) as d_ooe_iso,
        sum(n_ooe_tpm) as n_ooe_tpm,
        sum(d_ooe_tpm) as d_ooe_tpm,
        sum(n_teep_iso) as n_teep_iso,
        sum(d_teep_iso) as d_teep_iso,
        sum(n_teep_tpm) as n_teep_tpm,
        sum(d_teep_tpm) as d_teep_tpm,
        sum(n_coverage_iso) as n_coverage_iso,
        sum(d_coverage_iso) as d_coverage_iso,
        sum(n_coverage_tpm) as n_coverage_tpm,
        sum(d_coverage_tpm) as d_coverage_tpm,
        max(case when d_oee_iso is not null then 1 else 0 end) as p_oee_iso,
        max(case when d_oee_tpm is not null then 1 else 0 end) as p_oee_tpm,
        max(case when d_a_iso is not null then 1 else 0 end) as p_a_iso,
        max(case when d_a_tpm is not null then 1 else 0 end) as p_a_tpm,
        max(case when d_e_iso is not null then 1 else 0 end) as p_e_iso,
        max(case when d_e_tpm is not null then 1 else 0 end) as p_e_tpm,
        max(case when d_q_iso is not null then 1 else 0 end) as p_q_iso,
        max(case when d_q_tpm is not null then 1 else 0 end) as p_q_tpm,
        max(case when d_qc_iso is not null then 1 else 0 end) as p_qc_iso,
        max(case when d_qc_tpm is not null then 1 else 0 end) as p_qc_tpm,
        max(case when d_ae_iso is not null then 1 else 0 end) as p_ae_iso,
        max(case when d_ae_tpm is not null then 1 else 0 end) as p_ae_tpm,
        max(case when d_ooe_iso is not null then 1 else 0 end) as p_ooe_iso,
        max(case when d_ooe_tpm is not null then 1 else 0 end) as p_ooe_tpm,
        max(case when d_teep_iso is not null then 1 else 0 end) as p_teep_iso,
        max(case when d_teep_tpm is not null then 1 else 0 end) as p_teep_tpm,
        max(case when d_coverage_iso is not null then 1 else 0 end) as p_coverage_iso,
        max(case when d_coverage_tpm is not null then 1 else 0 end) as p_coverage_tpm,
        max(case when d_oee_iso is not null then 1 else 0 end) as u_oee_iso,
        max(case when d_oee_tpm is not null then 1 else 0 end) as u_oee_tpm,
        max(case when d_a_iso is not null then 1 else 0 end) as u_a_iso,
        max(case when d_a_tpm is not null then 1 else 0 end) as u_a_tpm,
        max(case when d_e_iso is not null then 1 else 0 end) as u_e_iso,
        max(case when d_e_tpm is not null then 1 else 0 end) as u_e_tpm,
        max(case when d_q_iso is not null then 1 else 0 end) as u_q_iso,
        max(case when d_q_tpm is not null then 1 else 0 end) as u_q_tpm,
        max(case when d_qc_iso is not null then 1 else 0 end) as u_qc_iso,
        max(case when d_qc_tpm is not null then 1 else 0 end) as u_qc_tpm,
        max(case when d_ae_iso is not null then 1 else 0 end) as u_ae_iso,
        max(case when d_ae_tpm is not null then 1 else 0 end) as u_ae_tpm,
        max(case when d_ooe_iso is not null then 1 else 0 end) as u_ooe_iso,
        max(case when d_ooe_tpm is not null then 1 else 0 end) as u_ooe_tpm,
        max(case when d_teep_iso is not null then 1 else 0 end) as u_teep_iso,
        max(case when d_teep_tpm is not null then 1 else 0 end) as u_teep_tpm,
        max(case when d_coverage_iso is not null then 1 else 0 end) as u_coverage_iso,
        max(case when d_coverage_tpm is not null then 1 else 0 end) as u_coverage_tpm,
        sum(pbt_s) as pbt_s,
        sum(unknown_s) as unknown_s,
        sum(rate_base_s) as rate_base_s,
        sum(rate_known_s) as rate_known_s,
        sum(expected_count_shifts) as expected_count_shifts,
        sum(reported_count_shifts) as reported_count_shifts,
        sum(coded_stop_s) as coded_stop_s,
        sum(told_pbt_s) as told_pbt_s,
        sum(rate_in_s) as rate_in_s,
        sum(rate_known_in_s) as rate_known_in_s,
        sum(stop_s) as stop_s,
        sum(unknown_good_counts) as unknown_good_counts,
        sum(outside_counts) as outside_counts,
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
        min(is_none) as all_none,
        1 as units_of,
        1 as plants_told
    from (
        select *, cast(date_trunc('week', production_day) as date) as week_start, cast(date_trunc('month', production_day) as date) as month_start
        from unit_shift
    ) as s
    group by grouping sets ((plant_id, company, plant_name, equipment_id, equipment_name, production_day, shift_code), (plant_id, company, plant_name, equipment_id, equipment_name, production_day), (plant_id, company, plant_name, equipment_id, equipment_name, week_start), (plant_id, company, plant_name, equipment_id, equipment_name, month_start))
),

plant_period as (
    select
        plant_id,
        plant_name,
        company,
        period_type,
        period_start,
        shift_code,
        sum(n_oee_iso) as n_oee_iso,
        sum(d_oee_iso) as d_oee_iso,
        sum(n_oee_tpm) as n_oee_tpm,
        sum(d_oee_tpm) as d_oee_tpm,
        sum(n_a_iso) as n_a_iso,
        sum(d_a_iso) as d_a_iso,
        sum(n_a_tpm) as n_a_tpm,
        sum(d_a_tpm) as d_a_tpm,
        sum(n_e_iso) as n_e_iso,
        sum(d_e_iso) as d_e_iso,
        sum(n_e_tpm) as n_e_tpm,
        sum(d_e_tpm) as d_e_tpm,
        sum(n_q_iso) as n_q_iso,
        sum(d_q_iso) as d_q_iso,
        sum(n_q_tpm) as n_q_tpm,
        sum(d_q_tpm) as d_q_tpm,
        sum(n_qc_iso) as n_qc_iso,
        sum(d_qc_iso) as d_qc_iso,
        sum(n_qc_tpm) as n_qc_tpm,
        sum(d_qc_tpm) as d_qc_tpm,
        sum(n_ae_iso) as n_ae_iso,
        sum(d_ae_iso) as d_ae_iso,
        sum(n_ae_tpm) as n_ae_tpm,
        sum(d_ae_tpm) as d_ae_tpm,
        sum(n_ooe_iso) as n_ooe_iso,
        sum(d_ooe_iso) as d_ooe_iso,
        sum(n_ooe_tpm) as n_ooe_tpm,
        sum(d_ooe_tpm) as d_ooe_tpm,
        sum(n_teep_iso) as n_teep_iso,
        sum(d_teep_iso) as d_teep_iso,
        sum(n_teep_tpm) as n_teep_tpm,
        sum(d_teep_tpm) as d_teep_tpm,
        sum(n_coverage_iso) as n_coverage_iso,
        sum(d_coverage_iso) as d_coverage_iso,
        sum(n_coverage_tpm) as n_coverage_tpm,
        sum(d_coverage_tpm) as d_coverage_tpm,
        cast(max(p_oee_iso) as bigint) as p_oee_iso, cast(sum(u_oee_iso) as bigint) as u_oee_iso,
        cast(max(p_oee_tpm) as bigint) as p_oee_tpm, cast(sum(u_oee_tpm) as bigint) as u_oee_tpm,
        cast(max(p_a_iso) as bigint) as p_a_iso, cast(sum(u_a_iso) as bigint) as u_a_iso,
        cast(max(p_a_tpm) as bigint) as p_a_tpm, cast(sum(u_a_tpm) as bigint) as u_a_tpm,
        cast(max(p_e_iso) as bigint) as p_e_iso, cast(sum(u_e_iso) as bigint) as u_e_iso,
        cast(max(p_e_tpm) as bigint) as p_e_tpm, cast(sum(u_e_tpm) as bigint) as u_e_tpm,
        cast(max(p_q_iso) as bigint) as p_q_iso, cast(sum(u_q_iso) as bigint) as u_q_iso,
        cast(max(p_q_tpm) as bigint) as p_q_tpm, cast(sum(u_q_tpm) as bigint) as u_q_tpm,
        cast(max(p_qc_iso) as bigint) as p_qc_iso, cast(sum(u_qc_iso) as bigint) as u_qc_iso,
        cast(max(p_qc_tpm) as bigint) as p_qc_tpm, cast(sum(u_qc_tpm) as bigint) as u_qc_tpm,
        cast(max(p_ae_iso) as bigint) as p_ae_iso, cast(sum(u_ae_iso) as bigint) as u_ae_iso,
        cast(max(p_ae_tpm) as bigint) as p_ae_tpm, cast(sum(u_ae_tpm) as bigint) as u_ae_tpm,
        cast(max(p_ooe_iso) as bigint) as p_ooe_iso, cast(sum(u_ooe_iso) as bigint) as u_ooe_iso,
        cast(max(p_ooe_tpm) as bigint) as p_ooe_tpm, cast(sum(u_ooe_tpm) as bigint) as u_ooe_tpm,
        cast(max(p_teep_iso) as bigint) as p_teep_iso, cast(sum(u_teep_iso) as bigint) as u_teep_iso,
        cast(max(p_teep_tpm) as bigint) as p_teep_tpm, cast(sum(u_teep_tpm) as bigint) as u_teep_tpm,
        cast(max(p_coverage_iso) as bigint) as p_coverage_iso, cast(sum(u_coverage_iso) as bigint) as u_coverage_iso,
        cast(max(p_coverage_tpm) as bigint) as p_coverage_tpm, cast(sum(u_coverage_tpm) as bigint) as u_coverage_tpm,
        sum(pbt_s) as pbt_s,
        sum(unknown_s) as unknown_s,
        sum(rate_base_s) as rate_base_s,
        sum(rate_known_s) as rate_known_s,
        sum(expected_count_shifts) as expected_count_shifts,
        sum(reported_count_shifts) as reported_count_shifts,
        sum(coded_stop_s) as coded_stop_s,
        sum(told_pbt_s) as told_pbt_s,
        sum(rate_in_s) as rate_in_s,
        sum(rate_known_in_s) as rate_known_in_s,
        sum(stop_s) as stop_s,
        sum(unknown_good_counts) as unknown_good_counts,
        sum(outside_counts) as outside_counts,
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
        min(all_none) as all_none,
        cast(sum(units_of) as bigint) as units_of,
        cast(1 as bigint) as plants_told
    from unit_period
    group by plant_id, plant_name, company, period_type, period_start, shift_code
),

company_period as (
    select
        company,
        period_type,
        period_start,
        shift_code,
        sum(n_oee_iso) as n_oee_iso,
        sum(d_oee_iso) as d_oee_iso,
        sum(n_oee_tpm) as n_oee_tpm,
        sum(d_oee_tpm) as d_oee_tpm,
        sum(n_a_iso) as n_a_iso,
        sum(d_a_iso) as d_a_iso,
        sum(n_a_tpm) as n_a_tpm,
        sum(d_a_tpm) as d_a_tpm,
        sum(n_e_iso) as n_e_iso,
        sum(d_e_iso) as d_e_iso,
        sum(n_e_tpm) as n_e_tpm,
        sum(d_e_tpm) as d_e_tpm,
        sum(n_q_iso) as n_q_iso,
        sum(d_q_iso) as d_q_iso,
        sum(n_q_tpm) as n_q_tpm,
        sum(d_q_tpm) as d_q_tpm,
        sum(n_qc_iso) as n_qc_iso,
        sum(d_qc_iso) as d_qc_iso,
        sum(n_qc_tpm) as n_qc_tpm,
        sum(d_qc_tpm) as d_qc_tpm,
        sum(n_ae_iso) as n_ae_iso,
        sum(d_ae_iso) as d_ae_iso,
        sum(n_ae_tpm) as n_ae_tpm,
        sum(d_ae_tpm) as d_ae_tpm,
        sum(n_ooe_iso) as n_ooe_iso,
        sum(d_ooe_iso) as d_ooe_iso,
        sum(n_ooe_tpm) as n_ooe_tpm,
        sum(d_ooe_tpm) as d_ooe_tpm,
        sum(n_teep_iso) as n_teep_iso,
        sum(d_teep_iso) as d_teep_iso,
        sum(n_teep_tpm) as n_teep_tpm,
        sum(d_teep_tpm) as d_teep_tpm,
        sum(n_coverage_iso) as n_coverage_iso,
        sum(d_coverage_iso) as d_coverage_iso,
        sum(n_coverage_tpm) as n_coverage_tpm,
        sum(d_coverage_tpm) as d_coverage_tpm,
        cast(sum(p_oee_iso) as bigint) as p_oee_iso, cast(sum(u_oee_iso) as bigint) as u_oee_iso,
        cast(sum(p_oee_tpm) as bigint) as p_oee_tpm, cast(sum(u_oee_tpm) as bigint) as u_oee_tpm,
        cast(sum(p_a_iso) as bigint) as p_a_iso, cast(sum(u_a_iso) as bigint) as u_a_iso,
        cast(sum(p_a_tpm) as bigint) as p_a_tpm, cast(sum(u_a_tpm) as bigint) as u_a_tpm,
        cast(sum(p_e_iso) as bigint) as p_e_iso, cast(sum(u_e_iso) as bigint) as u_e_iso,
        cast(sum(p_e_tpm) as bigint) as p_e_tpm, cast(sum(u_e_tpm) as bigint) as u_e_tpm,
        cast(sum(p_q_iso) as bigint) as p_q_iso, cast(sum(u_q_iso) as bigint) as u_q_iso,
        cast(sum(p_q_tpm) as bigint) as p_q_tpm, cast(sum(u_q_tpm) as bigint) as u_q_tpm,
        cast(sum(p_qc_iso) as bigint) as p_qc_iso, cast(sum(u_qc_iso) as bigint) as u_qc_iso,
        cast(sum(p_qc_tpm) as bigint) as p_qc_tpm, cast(sum(u_qc_tpm) as bigint) as u_qc_tpm,
        cast(sum(p_ae_iso) as bigint) as p_ae_iso, cast(sum(u_ae_iso) as bigint) as u_ae_iso,
        cast(sum(p_ae_tpm) as bigint) as p_ae_tpm, cast(sum(u_ae_tpm) as bigint) as u_ae_tpm,
        cast(sum(p_ooe_iso) as bigint) as p_ooe_iso, cast(sum(u_ooe_iso) as bigint) as u_ooe_iso,
        cast(sum(p_ooe_tpm) as bigint) as p_ooe_tpm, cast(sum(u_ooe_tpm) as bigint) as u_ooe_tpm,
        cast(sum(p_teep_iso) as bigint) as p_teep_iso, cast(sum(u_teep_iso) as bigint) as u_teep_iso,
        cast(sum(p_teep_tpm) as bigint) as p_teep_tpm, cast(sum(u_teep_tpm) as bigint) as u_teep_tpm,
        cast(sum(p_coverage_iso) as bigint) as p_coverage_iso, cast(sum(u_coverage_iso) as bigint) as u_coverage_iso,
        cast(sum(p_coverage_tpm) as bigint) as p_coverage_tpm, cast(sum(u_coverage_tpm) as bigint) as u_coverage_tpm,
        sum(pbt_s) as pbt_s,
        sum(unknown_s) as unknown_s,
        sum(rate_base_s) as rate_base_s,
        sum(rate_known_s) as rate_known_s,
        sum(expected_count_shifts) as expected_count_shifts,
        sum(reported_count_shifts) as reported_count_shifts,
        sum(coded_stop_s) as coded_stop_s,
        sum(told_pbt_s) as told_pbt_s,
        sum(rate_in_s) as rate_in_s,
        sum(rate_known_in_s) as rate_known_in_s,
        sum(stop_s) as stop_s,
        sum(unknown_good_counts) as unknown_good_counts,
        sum(outside_counts) as outside_counts,
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
        min(all_none) as all_none,
        cast(sum(units_of) as bigint) as units_of,
        cast(sum(plants_told) as bigint) as plants_told
    from plant_period
    group by company, period_type, period_start, shift_code
),

portfolio_period as (
    select
        period_type,
        period_start,
        shift_code,
        sum(n_oee_iso) as n_oee_iso,
        sum(d_oee_iso) as d_oee_iso,
        sum(n_oee_tpm) as n_oee_tpm,
        sum(d_oee_tpm) as d_oee_tpm,
        sum(n_a_iso) as n_a_iso,
        sum(d_a_iso) as d_a_iso,
        sum(n_a_tpm) as n_a_tpm,
        sum(d_a_tpm) as d_a_tpm,
        sum(n_e_iso) as n_e_iso,
        sum(d_e_iso) as d_e_iso,
        sum(n_e_tpm) as n_e_tpm,
        sum(d_e_tpm) as d_e_tpm,
        sum(n_q_iso) as n_q_iso,
        sum(d_q_iso) as d_q_iso,
        sum(n_q_tpm) as n_q_tpm,
        sum(d_q_tpm) as d_q_tpm,
        sum(n_qc_iso) as n_qc_iso,
        sum(d_qc_iso) as d_qc_iso,
        sum(n_qc_tpm) as n_qc_tpm,
        sum(d_qc_tpm) as d_qc_tpm,
        sum(n_ae_iso) as n_ae_iso,
        sum(d_ae_iso) as d_ae_iso,
        sum(n_ae_tpm) as n_ae_tpm,
        sum(d_ae_tpm) as d_ae_tpm,
        sum(n_ooe_iso) as n_ooe_iso,
        sum(d_ooe_iso) as d_ooe_iso,
        sum(n_ooe_tpm) as n_ooe_tpm,
        sum(d_ooe_tpm) as d_ooe_tpm,
        sum(n_teep_iso) as n_teep_iso,
        sum(d_teep_iso) as d_teep_iso,
        sum(n_teep_tpm) as n_teep_tpm,
        sum(d_teep_tpm) as d_teep_tpm,
        sum(n_coverage_iso) as n_coverage_iso,
        sum(d_coverage_iso) as d_coverage_iso,
        sum(n_coverage_tpm) as n_coverage_tpm,
        sum(d_coverage_tpm) as d_coverage_tpm,
        cast(sum(p_oee_iso) as bigint) as p_oee_iso, cast(sum(u_oee_iso) as bigint) as u_oee_iso,
        cast(sum(p_oee_tpm) as bigint) as p_oee_tpm, cast(sum(u_oee_tpm) as bigint) as u_oee_tpm,
        cast(sum(p_a_iso) as bigint) as p_a_iso, cast(sum(u_a_iso) as bigint) as u_a_iso,
        cast(sum(p_a_tpm) as bigint) as p_a_tpm, cast(sum(u_a_tpm) as bigint) as u_a_tpm,
        cast(sum(p_e_iso) as bigint) as p_e_iso, cast(sum(u_e_iso) as bigint) as u_e_iso,
        cast(sum(p_e_tpm) as bigint) as p_e_tpm, cast(sum(u_e_tpm) as bigint) as u_e_tpm,
        cast(sum(p_q_iso) as bigint) as p_q_iso, cast(sum(u_q_iso) as bigint) as u_q_iso,
        cast(sum(p_q_tpm) as bigint) as p_q_tpm, cast(sum(u_q_tpm) as bigint) as u_q_tpm,
        cast(sum(p_qc_iso) as bigint) as p_qc_iso, cast(sum(u_qc_iso) as bigint) as u_qc_iso,
        cast(sum(p_qc_tpm) as bigint) as p_qc_tpm, cast(sum(u_qc_tpm) as bigint) as u_qc_tpm,
        cast(sum(p_ae_iso) as bigint) as p_ae_iso, cast(sum(u_ae_iso) as bigint) as u_ae_iso,
        cast(sum(p_ae_tpm) as bigint) as p_ae_tpm, cast(sum(u_ae_tpm) as bigint) as u_ae_tpm,
        cast(sum(p_ooe_iso) as bigint) as p_ooe_iso, cast(sum(u_ooe_iso) as bigint) as u_ooe_iso,
        cast(sum(p_ooe_tpm) as bigint) as p_ooe_tpm, cast(sum(u_ooe_tpm) as bigint) as u_ooe_tpm,
        cast(sum(p_teep_iso) as bigint) as p_teep_iso, cast(sum(u_teep_iso) as bigint) as u_teep_iso,
        cast(sum(p_teep_tpm) as bigint) as p_teep_tpm, cast(sum(u_teep_tpm) as bigint) as u_teep_tpm,
        cast(sum(p_coverage_iso) as bigint) as p_coverage_iso, cast(sum(u_coverage_iso) as bigint) as u_coverage_iso,
        cast(sum(p_coverage_tpm) as bigint) as p_coverage_tpm, cast(sum(u_coverage_tpm) as bigint) as u_coverage_tpm,
        sum(pbt_s) as pbt_s,
        sum(unknown_s) as unknown_s,
        sum(rate_base_s) as rate_base_s,
        sum(rate_known_s) as rate_known_s,
        sum(expected_count_shifts) as expected_count_shifts,
        sum(reported_count_shifts) as reported_count_shifts,
        sum(coded_stop_s) as coded_stop_s,
        sum(told_pbt_s) as told_pbt_s,
        sum(rate_in_s) as rate_in_s,
        sum(rate_known_in_s) as rate_known_in_s,
        sum(stop_s) as stop_s,
        sum(unknown_good_counts) as unknown_good_counts,
        sum(outside_counts) as outside_counts,
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
        min(all_none) as all_none,
        cast(sum(units_of) as bigint) as units_of,
        cast(sum(plants_told) as bigint) as plants_told
    from company_period
    group by period_type, period_start, shift_code
),

summed as (
    select 'EQUIPMENT' as scope_type, equipment_id as scope_id, equipment_name as scope_name, plant_id as plant_id, period_type, period_start, shift_code, n_oee_iso, d_oee_iso, p_oee_iso, u_oee_iso, n_oee_tpm, d_oee_tpm, p_oee_tpm, u_oee_tpm, n_a_iso, d_a_iso, p_a_iso, u_a_iso, n_a_tpm, d_a_tpm, p_a_tpm, u_a_tpm, n_e_iso, d_e_iso, p_e_iso, u_e_iso, n_e_tpm, d_e_tpm, p_e_tpm, u_e_tpm, n_q_iso, d_q_iso, p_q_iso, u_q_iso, n_q_tpm, d_q_tpm, p_q_tpm, u_q_tpm, n_qc_iso, d_qc_iso, p_qc_iso, u_qc_iso, n_qc_tpm, d_qc_tpm, p_qc_tpm, u_qc_tpm, n_ae_iso, d_ae_iso, p_ae_iso, u_ae_iso, n_ae_tpm, d_ae_tpm, p_ae_tpm, u_ae_tpm, n_ooe_iso, d_ooe_iso, p_ooe_iso, u_ooe_iso, n_ooe_tpm, d_ooe_tpm, p_ooe_tpm, u_ooe_tpm, n_teep_iso, d_teep_iso, p_teep_iso, u_teep_iso, n_teep_tpm, d_teep_tpm, p_teep_tpm, u_teep_tpm, n_coverage_iso, d_coverage_iso, p_coverage_iso, u_coverage_iso, n_coverage_tpm, d_coverage_tpm, p_coverage_tpm, u_coverage_tpm, pbt_s, unknown_s, rate_base_s, rate_known_s, expected_count_shifts, reported_count_shifts, coded_stop_s, told_pbt_s, rate_in_s, rate_known_in_s, stop_s, unknown_good_counts, outside_counts, is_residual, is_none, is_preliminary, has_overlap, has_ambiguous, assumed_calendar, assumed_rate, no_calendar, min_rate_coverage, release_id, as_of_ts, all_none, units_of, plants_told from unit_period
    union all
    select 'PLANT' as scope_type, plant_id as scope_id, plant_name as scope_name, plant_id as plant_id, period_type, period_start, shift_code, n_oee_iso, d_oee_iso, p_oee_iso, u_oee_iso, n_oee_tpm, d_oee_tpm, p_oee_tpm, u_oee_tpm, n_a_iso, d_a_iso, p_a_iso, u_a_iso, n_a_tpm, d_a_tpm, p_a_tpm, u_a_tpm, n_e_iso, d_e_iso, p_e_iso, u_e_iso, n_e_tpm, d_e_tpm, p_e_tpm, u_e_tpm, n_q_iso, d_q_iso, p_q_iso, u_q_iso, n_q_tpm, d_q_tpm, p_q_tpm, u_q_tpm, n_qc_iso, d_qc_iso, p_qc_iso, u_qc_iso, n_qc_tpm, d_qc_tpm, p_qc_tpm, u_qc_tpm, n_ae_iso, d_ae_iso, p_ae_iso, u_ae_iso, n_ae_tpm, d_ae_tpm, p_ae_tpm, u_ae_tpm, n_ooe_iso, d_ooe_iso, p_ooe_iso, u_ooe_iso, n_ooe_tpm, d_ooe_tpm, p_ooe_tpm, u_ooe_tpm, n_teep_iso, d_teep_iso, p_teep_iso, u_teep_iso, n_teep_tpm, d_teep_tpm, p_teep_tpm, u_teep_tpm, n_coverage_iso, d_coverage_iso, p_coverage_iso, u_coverage_iso, n_coverage_tpm, d_coverage_tpm, p_coverage_tpm, u_coverage_tpm, pbt_s, unknown_s, rate_base_s, rate_known_s, expected_count_shifts, reported_count_shifts, coded_stop_s, told_pbt_s, rate_in_s, rate_known_in_s, stop_s, unknown_good_counts, outside_counts, is_residual, is_none, is_preliminary, has_overlap, has_ambiguous, assumed_calendar, assumed_rate, no_calendar, min_rate_coverage, release_id, as_of_ts, all_none, units_of, plants_told from plant_period
    union all
    select 'COMPANY' as scope_type, company as scope_id, company as scope_name, cast(null as varchar) as plant_id, period_type, period_start, shift_code, n_oee_iso, d_oee_iso, p_oee_iso, u_oee_iso, n_oee_tpm, d_oee_tpm, p_oee_tpm, u_oee_tpm, n_a_iso, d_a_iso, p_a_iso, u_a_iso, n_a_tpm, d_a_tpm, p_a_tpm, u_a_tpm, n_e_iso, d_e_iso, p_e_iso, u_e_iso, n_e_tpm, d_e_tpm, p_e_tpm, u_e_tpm, n_q_iso, d_q_iso, p_q_iso, u_q_iso, n_q_tpm, d_q_tpm, p_q_tpm, u_q_tpm, n_qc_iso, d_qc_iso, p_qc_iso, u_qc_iso, n_qc_tpm, d_qc_tpm, p_qc_tpm, u_qc_tpm, n_ae_iso, d_ae_iso, p_ae_iso, u_ae_iso, n_ae_tpm, d_ae_tpm, p_ae_tpm, u_ae_tpm, n_ooe_iso, d_ooe_iso, p_ooe_iso, u_ooe_iso, n_ooe_tpm, d_ooe_tpm, p_ooe_tpm, u_ooe_tpm, n_teep_iso, d_teep_iso, p_teep_iso, u_teep_iso, n_teep_tpm, d_teep_tpm, p_teep_tpm, u_teep_tpm, n_coverage_iso, d_coverage_iso, p_coverage_iso, u_coverage_iso, n_coverage_tpm, d_coverage_tpm, p_coverage_tpm, u_coverage_tpm, pbt_s, unknown_s, rate_base_s, rate_known_s, expected_count_shifts, reported_count_shifts, coded_stop_s, told_pbt_s, rate_in_s, rate_known_in_s, stop_s, unknown_good_counts, outside_counts, is_residual, is_none, is_preliminary, has_overlap, has_ambiguous, assumed_calendar, assumed_rate, no_calendar, min_rate_coverage, release_id, as_of_ts, all_none, units_of, plants_told from company_period
    union all
    select 'PORTFOLIO' as scope_type, 'portfolio' as scope_id, 'Portfolio' as scope_name, cast(null as varchar) as plant_id, period_type, period_start, shift_code, n_oee_iso, d_oee_iso, p_oee_iso, u_oee_iso, n_oee_tpm, d_oee_tpm, p_oee_tpm, u_oee_tpm, n_a_iso, d_a_iso, p_a_iso, u_a_iso, n_a_tpm, d_a_tpm, p_a_tpm, u_a_tpm, n_e_iso, d_e_iso, p_e_iso, u_e_iso, n_e_tpm, d_e_tpm, p_e_tpm, u_e_tpm, n_q_iso, d_q_iso, p_q_iso, u_q_iso, n_q_tpm, d_q_tpm, p_q_tpm, u_q_tpm, n_qc_iso, d_qc_iso, p_qc_iso, u_qc_iso, n_qc_tpm, d_qc_tpm, p_qc_tpm, u_qc_tpm, n_ae_iso, d_ae_iso, p_ae_iso, u_ae_iso, n_ae_tpm, d_ae_tpm, p_ae_tpm, u_ae_tpm, n_ooe_iso, d_ooe_iso, p_ooe_iso, u_ooe_iso, n_ooe_tpm, d_ooe_tpm, p_ooe_tpm, u_ooe_tpm, n_teep_iso, d_teep_iso, p_teep_iso, u_teep_iso, n_teep_tpm, d_teep_tpm, p_teep_tpm, u_teep_tpm, n_coverage_iso, d_coverage_iso, p_coverage_iso, u_coverage_iso, n_coverage_tpm, d_coverage_tpm, p_coverage_tpm, u_coverage_tpm, pbt_s, unknown_s, rate_base_s, rate_known_s, expected_count_shifts, reported_count_shifts, coded_stop_s, told_pbt_s, rate_in_s, rate_known_in_s, stop_s, unknown_good_counts, outside_counts, is_residual, is_none, is_preliminary, has_overlap, has_ambiguous, assumed_calendar, assumed_rate, no_calendar, min_rate_coverage, release_id, as_of_ts, all_none, units_of, plants_told from portfolio_period
),

summed_with_plants as (
    select s.*, c.plants as company_plants, t.plants as portfolio_plants
    from summed as s
    left join (select company, count(*) as plants from {{ source('silver', 'plant') }} group by company) as c
        on s.scope_type = 'COMPANY' and s.scope_id = c.company
    cross join (select count(*) as plants from {{ source('silver', 'plant') }}) as t
),
kpi as (
    select * from (values
        ('OEE', 'ISO', True, True, True, False, True, True, False),
        ('OEE', 'TPM', True, True, True, False, True, True, False),
        ('A', 'ISO', False, False, True, True, False, False, True),
        ('A', 'TPM', False, False, True, True, False, False, True),
        ('E', 'ISO', True, True, False, True, False, False, False),
        ('E', 'TPM', True, True, False, True, False, False, False),
        ('Q', 'ISO', True, True, False, False, True, False, False),
        ('Q', 'TPM', True, True, False, False, True, False, False),
        ('QC', 'ISO', False, True, False, False, True, False, False),
        ('QC', 'TPM', False, True, False, False, True, False, False),
        ('AE', 'ISO', True, True, True, False, False, True, False),
        ('AE', 'TPM', True, True, True, False, False, True, False),
        ('OOE', 'ISO', True, True, True, False, True, True, False),
        ('OOE', 'TPM', True, True, True, False, True, True, False),
        ('TEEP', 'ISO', True, True, False, False, True, True, False),
        ('TEEP', 'TPM', True, True, False, False, True, True, False),
        ('COVERAGE', 'ISO', False, False, True, True, False, False, False),
        ('COVERAGE', 'TPM', False, False, True, True, False, False, False)
    ) as v (kpi_id, profile, uses_rate, uses_counts, uses_plan, uses_states, uses_good, is_withheld, has_bound)
),

chosen as (
    select
        s.scope_type, s.scope_id, s.scope_name, s.plant_id, s.shift_code, s.period_type, s.period_start, k.*,
        cast(case
            when k.kpi_id = 'OEE' and k.profile = 'ISO' then s.n_oee_iso
            when k.kpi_id = 'OEE' and k.profile = 'TPM' then s.n_oee_tpm
            when k.kpi_id = 'A' and k.profile = 'ISO' then s.n_a_iso
            when k.kpi_id = 'A' and k.profile = 'TPM' then s.n_a_tpm
            when k.kpi_id = 'E' and k.profile = 'ISO' then s.n_e_iso
            when k.kpi_id = 'E' and k.profile = 'TPM' then s.n_e_tpm
            when k.kpi_id = 'Q' and k.profile = 'ISO' then s.n_q_iso
            when k.kpi_id = 'Q' and k.profile = 'TPM' then s.n_q_tpm
            when k.kpi_id = 'QC' and k.profile = 'ISO' then s.n_qc_iso
            when k.kpi_id = 'QC' and k.profile = 'TPM' then s.n_qc_tpm
            when k.kpi_id = 'AE' and k.profile = 'ISO' then s.n_ae_iso
            when k.kpi_id = 'AE' and k.profile = 'TPM' then s.n_ae_tpm
            when k.kpi_id = 'OOE' and k.profile = 'ISO' then s.n_ooe_iso
            when k.kpi_id = 'OOE' and k.profile = 'TPM' then s.n_ooe_tpm
            when k.kpi_id = 'TEEP' and k.profile = 'ISO' then s.n_teep_iso
            when k.kpi_id = 'TEEP' and k.profile = 'TPM' then s.n_teep_tpm
            when k.kpi_id = 'COVERAGE' and k.profile = 'ISO' then s.n_coverage_iso
            when k.kpi_id = 'COVERAGE' and k.profile = 'TPM' then s.n_coverage_tpm
        end as double) as numerator,
        cast(case
            when k.kpi_id = 'OEE' and k.profile = 'ISO' then s.d_oee_iso
            when k.kpi_id = 'OEE' and k.profile = 'TPM' then s.d_oee_tpm
            when k.kpi_id = 'A' and k.profile = 'ISO' then s.d_a_iso
            when k.kpi_id = 'A' and k.profile = 'TPM' then s.d_a_tpm
            when k.kpi_id = 'E' and k.profile = 'ISO' then s.d_e_iso
            when k.kpi_id = 'E' and k.profile = 'TPM' then s.d_e_tpm
            when k.kpi_id = 'Q' and k.profile = 'ISO' then s.d_q_iso
            when k.kpi_id = 'Q' and k.profile = 'TPM' then s.d_q_tpm
            when k.kpi_id = 'QC' and k.profile = 'ISO' then s.d_qc_iso
            when k.kpi_id = 'QC' and k.profile = 'TPM' then s.d_qc_tpm
            when k.kpi_id = 'AE' and k.profile = 'ISO' then s.d_ae_iso
            when k.kpi_id = 'AE' and k.profile = 'TPM' then s.d_ae_tpm
            when k.kpi_id = 'OOE' and k.profile = 'ISO' then s.d_ooe_iso
            when k.kpi_id = 'OOE' and k.profile = 'TPM' then s.d_ooe_tpm
            when k.kpi_id = 'TEEP' and k.profile = 'ISO' then s.d_teep_iso
            when k.kpi_id = 'TEEP' and k.profile = 'TPM' then s.d_teep_tpm
            when k.kpi_id = 'COVERAGE' and k.profile = 'ISO' then s.d_coverage_iso
            when k.kpi_id = 'COVERAGE' and k.profile = 'TPM' then s.d_coverage_tpm
        end as double) as denominator,
        case
            when k.kpi_id = 'OEE' and k.profile = 'ISO' then s.p_oee_iso
            when k.kpi_id = 'OEE' and k.profile = 'TPM' then s.p_oee_tpm
            when k.kpi_id = 'A' and k.profile = 'ISO' then s.p_a_iso
            when k.kpi_id = 'A' and k.profile = 'TPM' then s.p_a_tpm
            when k.kpi_id = 'E' and k.profile = 'ISO' then s.p_e_iso
            when k.kpi_id = 'E' and k.profile = 'TPM' then s.p_e_tpm
            when k.kpi_id = 'Q' and k.profile = 'ISO' then s.p_q_iso
            when k.kpi_id = 'Q' and k.profile = 'TPM' then s.p_q_tpm
            when k.kpi_id = 'QC' and k.profile = 'ISO' then s.p_qc_iso
            when k.kpi_id = 'QC' and k.profile = 'TPM' then s.p_qc_tpm
            when k.kpi_id = 'AE' and k.profile = 'ISO' then s.p_ae_iso
            when k.kpi_id = 'AE' and k.profile = 'TPM' then s.p_ae_tpm
            when k.kpi_id = 'OOE' and k.profile = 'ISO' then s.p_ooe_iso
            when k.kpi_id = 'OOE' and k.profile = 'TPM' then s.p_ooe_tpm
            when k.kpi_id = 'TEEP' and k.profile = 'ISO' then s.p_teep_iso
            when k.kpi_id = 'TEEP' and k.profile = 'TPM' then s.p_teep_tpm
            when k.kpi_id = 'COVERAGE' and k.profile = 'ISO' then s.p_coverage_iso
            when k.kpi_id = 'COVERAGE' and k.profile = 'TPM' then s.p_coverage_tpm
        end as plants_in,
        case
            when k.kpi_id = 'OEE' and k.profile = 'ISO' then s.u_oee_iso
            when k.kpi_id = 'OEE' and k.profile = 'TPM' then s.u_oee_tpm
            when k.kpi_id = 'A' and k.profile = 'ISO' then s.u_a_iso
            when k.kpi_id = 'A' and k.profile = 'TPM' then s.u_a_tpm
            when k.kpi_id = 'E' and k.profile = 'ISO' then s.u_e_iso
            when k.kpi_id = 'E' and k.profile = 'TPM' then s.u_e_tpm
            when k.kpi_id = 'Q' and k.profile = 'ISO' then s.u_q_iso
            when k.kpi_id = 'Q' and k.profile = 'TPM' then s.u_q_tpm
            when k.kpi_id = 'QC' and k.profile = 'ISO' then s.u_qc_iso
            when k.kpi_id = 'QC' and k.profile = 'TPM' then s.u_qc_tpm
            when k.kpi_id = 'AE' and k.profile = 'ISO' then s.u_ae_iso
            when k.kpi_id = 'AE' and k.profile = 'TPM' then s.u_ae_tpm
            when k.kpi_id = 'OOE' and k.profile = 'ISO' then s.u_ooe_iso
            when k.kpi_id = 'OOE' and k.profile = 'TPM' then s.u_ooe_tpm
            when k.kpi_id = 'TEEP' and k.profile = 'ISO' then s.u_teep_iso
            when k.kpi_id = 'TEEP' and k.profile = 'TPM' then s.u_teep_tpm
            when k.kpi_id = 'COVERAGE' and k.profile = 'ISO' then s.u_coverage_iso
            when k.kpi_id = 'COVERAGE' and k.profile = 'TPM' then s.u_coverage_tpm
        end as units_in, s.units_of,
        case
            when s.scope_type not in ('COMPANY', 'PORTFOLIO') then null when s.period_type = 'SHIFT' then s.plants_told
            else coalesce(s.company_plants, s.portfolio_plants)
        end as plants_of,
        s.plants_told,
        cast(s.unknown_s as double) as unknown_s, s.min_rate_coverage, s.release_id, s.as_of_ts,
        cast(s.told_pbt_s - s.unknown_s as double) / nullif(cast(s.told_pbt_s as double), 0) as time_cov,
        coalesce(
            cast(s.rate_known_in_s as double) / nullif(cast(s.rate_in_s as double), 0),
            cast(s.rate_known_s as double) / nullif(cast(s.rate_base_s as double), 0)
        ) as rate_cov,
        cast(s.reported_count_shifts as double) / nullif(s.expected_count_shifts, 0) as count_cov,
        cast(s.coded_stop_s as double) / nullif(cast(s.stop_s as double), 0) as reason_cov,
        s.unknown_good_counts, s.outside_counts, s.is_residual, s.is_none, s.all_none, s.is_preliminary, s.has_overlap, s.has_ambiguous, s.assumed_calendar,
        s.assumed_rate, s.no_calendar
    from summed_with_plants as s
    cross join kpi as k
),
judged as (
    select
        *,
        case
            when uses_plan and coalesce(denominator, 0) = 0 and no_calendar = 1 then 'NO_CALENDAR'
            when uses_states and all_none = 1 then 'NO_STATES'
            when uses_good and unknown_good_counts > 0 and coalesce(denominator, 0) = 0 then 'NO_REJECT_COUNT'
            when uses_rate and rate_cov = 0 then 'NO_IDEAL_RATE'
            when uses_counts and count_cov = 0 then 'NO_COUNTS'
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
        when has_bound then (numerator + coalesce(unknown_s, 0)) / nullif(denominator, 0)
        when is_withheld and rate_cov > 0 and rate_cov < 1 then numerator / nullif(denominator, 0) / rate_cov
        else numerator / nullif(denominator, 0)
    end as value_high,
    numerator, denominator,
    coalesce(time_cov, 1) * case when uses_rate then coalesce(rate_cov, 1) else 1 end * case when uses_counts then coalesce(count_cov, 1) else 1 end
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
