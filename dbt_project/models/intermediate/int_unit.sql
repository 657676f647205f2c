-- One row per KPI unit: its method, thresholds and the horizon of its ledger, in microseconds.
with told as (
    select plant_id, min(data_from) as data_from, max(data_to) as data_to
    from {{ source('silver', 'source_watermark') }}
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
        on t.plant_id = d.plant_id and d.start_ts <= t.data_from
    group by t.plant_id
)

select
    e.plant_id,
    e.equipment_id,
    e.state_method,
    p.calendar,
    {{ micros('coalesce(s.start_ts, f.start_ts)') }} as horizon_from,
    {{ micros('t.data_to') }} as horizon_to,
    cast(coalesce(own.microstop_s, whole.microstop_s, 300) as bigint) * 1000000 as microstop_us,
    cast(coalesce(own.plan_freeze_s, whole.plan_freeze_s, 86400) as bigint) * 1000000 as plan_freeze_us
from {{ source('silver', 'equipment') }} as e
inner join {{ source('silver', 'plant') }} as p on e.plant_id = p.plant_id
inner join told as t on e.plant_id = t.plant_id
left join stated_start as s on e.plant_id = s.plant_id
left join first_day as f on e.plant_id = f.plant_id
left join {{ source('silver', 'plant_setting') }} as whole on e.plant_id = whole.plant_id and whole.equipment_id = '*'
left join {{ source('silver', 'plant_setting') }} as own on e.plant_id = own.plant_id and e.equipment_id = own.equipment_id
where e.is_current and not e.is_deleted and e.is_kpi_unit and coalesce(s.start_ts, f.start_ts) < t.data_to
