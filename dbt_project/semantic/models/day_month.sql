-- Generated from kpis.yml by `python -m dbt_project.generate`. Published with each release; never built here.
with unit_month as (
select * from mart_kpi_unit_month
),

row_day as (
select p.plant_id, p.equipment_id, p.production_day, false as is_nothing, p.apat_s, p.apwt_s, p.cmt_s, p.pmt_s,
    p.valid_from_release as release_id, p.as_of_ts
from mart_kpi_parts_day as p
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
inner join unit_scope as x on u.equipment_id = x.unit_id
group by x.scope_type, x.scope_id, x.plant_id, u.period_type, u.period_start
)

select
    plant_id, period_start as month,
    apat_s__apat_s_apwt_s,
    apwt_s__apat_s_apwt_s,
    cmt_s__cmt_s_pmt_s,
    pmt_s__cmt_s_pmt_s
from plant_day
where scope_type = 'PLANT' and period_type = 'MONTH'
