{{ config(materialized='view', tags=['standing']) }}
-- Generated from kpis.yml by `python -m dbt_project.generate`; edit the catalogue.
with stated as (
    select kpi_id, upper(scope_type) as scope_type, scope_id as named, target,
        coalesce(valid_from, date '0001-01-01') as first_day, coalesce(valid_to, date '9999-12-31') as end_day
    from {{ source('silver', 'kpi_target') }}
),

scope as (
    select distinct scope_type, scope_id, scope_id as named from {{ ref('unit_scope') }}
    union
    select x.scope_type, x.scope_id, e.plant_id || '/' || e.equipment_code
    from {{ ref('unit_scope') }} as x
    inner join (select * from {{ source('silver', 'equipment') }} where is_current) as e on x.scope_id = e.equipment_id
),

aimed as (
    select t.kpi_id, x.scope_type, x.scope_id, t.target, t.first_day, t.end_day, case when t.named = '*' then 1 else 0 end as is_general
    from stated as t
    inner join scope as x on t.scope_type = x.scope_type and (t.named = x.named or (t.named = '*' and x.named = x.scope_id))
),

edge as (
    select kpi_id, scope_type, scope_id, first_day as day from aimed
    union
    select kpi_id, scope_type, scope_id, end_day from aimed
),

span as (
    select *, lead(day) over (partition by kpi_id, scope_type, scope_id order by day) as end_day from edge
),

ranked as (
    select s.kpi_id, s.scope_type, s.scope_id, a.target, s.day, s.end_day,
        row_number() over (partition by s.kpi_id, s.scope_type, s.scope_id, s.day order by a.is_general, a.first_day desc, a.end_day, a.target) as place
    from span as s
    inner join aimed as a on s.kpi_id = a.kpi_id and s.scope_type = a.scope_type and s.scope_id = a.scope_id and a.first_day <= s.day and a.end_day >= s.end_day
    where s.end_day is not null
)

select kpi_id, scope_type, scope_id, target, nullif(day, date '0001-01-01') as valid_from, nullif(end_day, date '9999-12-31') as valid_to
from ranked
where place = 1
