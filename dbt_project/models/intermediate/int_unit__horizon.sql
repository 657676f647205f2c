{{ config(materialized='table') }}
-- One row per KPI unit of the plants in scope: its method, its thresholds and the horizon of its ledger (T10), from its first
-- production day to the watermark of its plant, in microseconds. A line has none of its own: it is made of its stations.
-- Units of a plant of which nothing is told have no ledger.
with told as (
    select plant_id, min(data_from_us) as data_from_us, max(data_to_us) as data_to_us
    from {{ ref('int_source') }}
    group by plant_id
),

stated_start as (
    select p.plant_id, min(d.start_ts) as start_ts
    from {{ source('silver', 'plant') }} as p
    inner join {{ source('silver', 'production_day') }} as d
        on p.plant_id = d.plant_id and d.production_day >= p.data_start_on
    group by p.plant_id
),

first_day as (
    select t.plant_id, max(d.start_ts) as start_ts
    from told as t
    inner join {{ source('silver', 'production_day') }} as d
        on t.plant_id = d.plant_id and {{ micros('d.start_ts') }} <= t.data_from_us
    group by t.plant_id
),

-- The settings that hold at the watermark.
setting as (
    select g.*
    from {{ source('silver', 'plant_setting') }} as g
    inner join told as t on g.plant_id = t.plant_id
    where (g.valid_from is null or {{ micros('g.valid_from') }} <= t.data_to_us)
        and (g.valid_to is null or {{ micros('g.valid_to') }} > t.data_to_us)
),

unit as (
    select
        e.plant_id,
        e.equipment_id,
        e.state_method,
        p.calendar,
        {{ micros('case when p.data_start_on is null then f.start_ts else s.start_ts end') }} as horizon_from,
        t.data_to_us as horizon_to,
        cast(coalesce(own.microstop_s, whole.microstop_s, 300) as bigint) * 1000000 as microstop_us,
        cast(coalesce(own.plan_freeze_s, whole.plan_freeze_s, 86400) as bigint) * 1000000 as plan_freeze_us,
        coalesce(own.flicker, whole.flicker, false) as has_flicker
    from {{ source('silver', 'equipment') }} as e
    inner join {{ source('silver', 'plant') }} as p on e.plant_id = p.plant_id
    inner join told as t on e.plant_id = t.plant_id
    inner join (select distinct plant_id from {{ source('state', 'open_scope') }}) as x on e.plant_id = x.plant_id
    left join (select distinct line_id from {{ source('silver', 'line_station') }}) as l on e.equipment_id = l.line_id
    left join stated_start as s on e.plant_id = s.plant_id
    left join first_day as f on e.plant_id = f.plant_id
    left join setting as whole on e.plant_id = whole.plant_id and whole.equipment_id = '*'
    left join setting as own on e.plant_id = own.plant_id and e.equipment_id = own.equipment_id
    where e.is_current and not e.is_deleted and e.is_kpi_unit and l.line_id is null and {{ micros('case when p.data_start_on is null then f.start_ts else s.start_ts end') }} < t.data_to_us
),

logged as (
    select equipment_id, count(*) as events
    from {{ source('silver', 'equipment_state_event') }}
    where is_current and not is_deleted
    group by equipment_id
)

select
    row_number() over (order by u.equipment_id) as equipment_no,
    -- Units that are swept together: about so many events as fit in memory many times over.
    cast(floor(sum(coalesce(l.events, 0)) over (order by u.equipment_id rows unbounded preceding) / {{ var('events_per_group') }}) as bigint) as group_no,
    u.*
from unit as u
left join logged as l on u.equipment_id = l.equipment_id
