{{ config(materialized='table') }}
-- THE SCOPE OF THIS BUILD: one row per KPI unit and production day that is made anew. A scope row may name a unit or '*', a day or none
-- (every day); four equi-joins instead of a condition with "or".
with asked as (
    select distinct plant_id, equipment_id, production_day from {{ source('state', 'open_scope') }}
),

day as (
    select plant_id, production_day, {{ micros('start_ts') }} as start_us, {{ micros('end_ts') }} as end_us
    from {{ source('silver', 'production_day') }}
)

{% for by_unit in (true, false) %}{% for by_day in (true, false) %}
select u.plant_id, u.equipment_id, d.production_day, d.start_us, d.end_us
from {{ ref('int_unit__horizon') }} as u
inner join asked as a
    on u.plant_id = a.plant_id and {{ "u.equipment_id = a.equipment_id" if by_unit else "a.equipment_id = '*'" }}
inner join day as d
    on u.plant_id = d.plant_id and {{ "a.production_day = d.production_day" if by_day else "a.production_day is null" }}
{% if by_unit or by_day %}union{% endif %}
{% endfor %}{% endfor %}
