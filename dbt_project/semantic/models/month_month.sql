-- Generated from kpis.yml by `python -m dbt_project.generate`. Published with each release; never built here.
with unit_month as (
select * from mart_kpi_unit_month
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
    select p.plant_id, p.production_day as month from mart_kpi_parts_month as p where p.valid_to_release is null
    union
    select p.plant_id, cast(date_trunc('month', p.production_day) as date) from mart_kpi_parts_day as p where p.valid_to_release is null
) as k
left join mart_kpi_parts_month as m on k.plant_id = m.plant_id and k.month = m.production_day and m.valid_to_release is null
left join (
    select
        p.plant_id, cast(date_trunc('month', p.production_day) as date) as month, sum(p.energy_kwh) as energy_kwh,
        case when count(p.co2_kg) = count(p.energy_kwh) then sum(p.co2_kg) end as co2_kg, sum(p.labour_s) / 3600 as labour_h,
        max(p.valid_from_release) as release_id, max(p.as_of_ts) as as_of_ts
    from mart_kpi_parts_day as p
    where p.valid_to_release is null
    group by p.plant_id, cast(date_trunc('month', p.production_day) as date)
) as d on k.plant_id = d.plant_id and k.month = d.month
left join (
    select t.plant_id, cast(t.month as date) as month, sum(t.good_equiv_units) as good_equiv_units,
        max(t.release_id) as release_id, max(t.as_of_ts) as as_of_ts
    from unit_month as t
    inner join unit_scope as x on t.equipment_id = x.unit_id and x.scope_type = 'PLANT'
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
inner join unit_scope as x on u.equipment_id = x.unit_id
group by x.scope_type, x.scope_id, x.plant_id, u.period_type, u.period_start
)

select
    plant_id, period_start as month,
    due_lines__due_lines_otif_lines,
    otif_lines__due_lines_otif_lines
from plant_month
where scope_type = 'PLANT' and period_type = 'MONTH'
