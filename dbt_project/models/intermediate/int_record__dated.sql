{{ config(materialized='table', tags=['records']) }}
-- One row per record of energy, people, maintenance and inspection, with the place that it belongs to and the production day of the middle
-- of its interval; where the plant has no calendar, the UTC date.
with record as (
    select plant_id, equipment_id, energy_id as record_id, 'energy' as kind, carrier as word,
        ({{ micros('start_ts') }} + {{ micros('end_ts') }}) / 2 as middle_us, energy_kwh as amount, cast(null as double) as worked_s
    from {{ source('silver', 'energy') }}
    where is_current and not is_deleted
    union all
    select plant_id, equipment_id, labour_id, 'labour', labour_class,
        ({{ micros('start_ts') }} + {{ micros('end_ts') }}) / 2,
        cast(coalesce(attended_s, {{ seconds(micros('end_ts') ~ ' - ' ~ micros('start_ts')) }}) as double), cast(worked_s as double)
    from {{ source('silver', 'labour_time') }}
    where is_current and not is_deleted
    union all
    select plant_id, equipment_id, maintenance_id, 'maintenance', maintenance_type,
        ({{ micros('work_start_ts') }} + {{ micros('work_end_ts') }}) / 2,
        cast({{ seconds(micros('work_end_ts') ~ ' - ' ~ micros('work_start_ts')) }} as double), null
    from {{ source('silver', 'maintenance_order') }}
    where is_current and not is_deleted and work_start_ts is not null and work_end_ts is not null
)

select
    r.plant_id, r.record_id, r.kind, r.word, r.amount, r.worked_s,
    coalesce(u.equipment_id, '~' || r.plant_id) as equipment_id,
    coalesce(d.production_day, cast({{ instant('cast(r.middle_us as bigint)') }} as date)) as production_day,
    cast(r.middle_us as bigint) as middle_us
from record as r
left join {{ ref('int_unit__horizon') }} as u on r.equipment_id = u.equipment_id
left join {{ source('silver', 'production_day') }} as d
    on r.plant_id = d.plant_id and r.middle_us >= {{ micros('d.start_ts') }} and r.middle_us < {{ micros('d.end_ts') }}
