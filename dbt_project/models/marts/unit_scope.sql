{{ config(materialized='view', tags=['standing']) }}
-- Generated from kpis.yml by `python -m dbt_project.generate`; edit the catalogue.
with equipment as (
    select equipment_id, parent_equipment_id, equipment_name, equipment_class, level, is_kpi_unit, in_rollup, kpi_scope, plant_id
    from (select * from {{ source('silver', 'equipment') }} where is_current)
),

of_plant as (
    select
        p.plant_id, p.company, p.plant_name, case when p.assumed_calendar then 1 else 0 end as assumed_calendar,
        case when p.assumed_rate then 1 else 0 end as assumed_rate, case when p.calendar = 'none' then 1 else 0 end as no_calendar,
        coalesce(g.min_rate_coverage, 0.95) as min_rate_coverage,
        -- Specification 4.1: what differs from the portfolio's definition and cannot be made anew of what the plant delivers.
        1.0 - case when d.rate_basis in ('TARGET', 'NAMEPLATE') then 0.4 else 0 end
        - case when d.scrap_scope <> 'STATION' then 0.15 else 0 end - case when d.perf_capped_at_source then 0.1 else 0 end
            as definition_score
    from {{ source('silver', 'plant') }} as p
    left join {{ source('silver', 'plant_setting') }} as g on p.plant_id = g.plant_id and g.equipment_id = '*'
    left join {{ source('silver', 'plant_definition_profile') }} as d on p.plant_id = d.plant_id
),

step_1 as (
    select equipment_id as unit_id, parent_equipment_id as above_id
    from equipment
    where parent_equipment_id is not null
),

step_2 as (
    select s.unit_id, e.parent_equipment_id as above_id
    from step_1 as s
    inner join equipment as e on s.above_id = e.equipment_id
    where e.parent_equipment_id is not null
),

step_3 as (
    select s.unit_id, e.parent_equipment_id as above_id
    from step_2 as s
    inner join equipment as e on s.above_id = e.equipment_id
    where e.parent_equipment_id is not null
),

step_4 as (
    select s.unit_id, e.parent_equipment_id as above_id
    from step_3 as s
    inner join equipment as e on s.above_id = e.equipment_id
    where e.parent_equipment_id is not null
),

above as (
    select unit_id, above_id from step_1
    union
    select unit_id, above_id from step_2
    union
    select unit_id, above_id from step_3
    union
    select unit_id, above_id from step_4
),

unit as (
    select e.equipment_id as unit_id, e.equipment_name, e.equipment_class, e.kpi_scope, e.in_rollup, p.plant_id, p.assumed_calendar, p.assumed_rate, p.no_calendar, p.min_rate_coverage, p.definition_score, p.company, p.plant_name
    from equipment as e
    inner join of_plant as p on e.plant_id = p.plant_id
    union all
    select '~' || plant_id, null, null, null, true, plant_id, assumed_calendar, assumed_rate, no_calendar, min_rate_coverage, definition_score, company, plant_name from of_plant
),

unit_above as (
    select u.*, a.above_id, e.equipment_name as above_name, case when e.level = 'Area' then 'AREA' else 'LINE' end as above_scope
    from above as a
    inner join unit as u on a.unit_id = u.unit_id
    inner join equipment as e on a.above_id = e.equipment_id
    where e.level = 'Area' or (e.level in ('WorkCenter', 'ProcessCell', 'ProductionUnit', 'ProductionLine', 'StorageZone') and not e.is_kpi_unit)
)

select unit_id, case when kpi_scope = 'LINE' then 'LINE' else 'EQUIPMENT' end as scope_type, unit_id as scope_id, equipment_name as scope_name, plant_id, assumed_calendar, assumed_rate, no_calendar, min_rate_coverage, definition_score from unit where equipment_name is not null
union all
select unit_id, above_scope as scope_type, above_id as scope_id, above_name as scope_name, plant_id, assumed_calendar, assumed_rate, no_calendar, min_rate_coverage, definition_score from unit_above where in_rollup
union all
select unit_id, 'CLASS' as scope_type, equipment_class as scope_id, equipment_class as scope_name, plant_id, assumed_calendar, assumed_rate, no_calendar, min_rate_coverage, definition_score from unit where equipment_class is not null
union all
select unit_id, 'PLANT' as scope_type, plant_id as scope_id, plant_name as scope_name, plant_id, assumed_calendar, assumed_rate, no_calendar, min_rate_coverage, definition_score from unit where in_rollup
union all
select unit_id, 'COMPANY' as scope_type, company as scope_id, company as scope_name, plant_id, assumed_calendar, assumed_rate, no_calendar, min_rate_coverage, definition_score from unit where in_rollup
union all
select unit_id, 'PORTFOLIO' as scope_type, 'portfolio' as scope_id, 'Portfolio' as scope_name, plant_id, assumed_calendar, assumed_rate, no_calendar, min_rate_coverage, definition_score from unit where in_rollup
