-- Generated from kpis.yml by `python -m dbt_project.generate`. Published with each release; never built here.
with unit_month as (
select * from mart_kpi_unit_month
),

row_quality as (
select p.plant_id, p.equipment_id, p.production_day, false as is_nothing, p.fp_good, p.inspected,
    p.valid_from_release as release_id, p.as_of_ts
from mart_kpi_parts_quality as p
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
inner join unit_scope as x on u.equipment_id = x.unit_id
group by x.scope_type, x.scope_id, x.plant_id, u.period_type, u.period_start
)

select
    plant_id, period_start as month,
    fp_good__fp_good_inspected,
    inspected__fp_good_inspected
from plant_quality
where scope_type = 'PLANT' and period_type = 'MONTH'
