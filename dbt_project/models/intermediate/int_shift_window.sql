{{ config(materialized='table') }}
-- One row per shift window of a KPI unit: inside the horizon, without overlaps (the later start wins), in microseconds.
with instance as (
    select
        u.plant_id, u.equipment_id, u.horizon_from, u.horizon_to, s.shift_code, s.production_day, s.source, s.shift_instance_id as source_id,
        {{ micros('s.start_ts') }} as start_us,
        {{ micros('s.end_ts') }} as end_us
    from {{ source('silver', 'shift_instance') }} as s
    inner join {{ ref('int_unit') }} as u
        on s.plant_id = u.plant_id and (s.equipment_id is null or s.equipment_id = u.equipment_id)
    where s.is_current and not s.is_deleted
),

cut as (
    select
        *,
        coalesce(least(end_us, lead(start_us) over (partition by equipment_id order by start_us, source_id)), end_us) as free_end_us
    from instance
)

select
    plant_id, equipment_id, shift_code, production_day, source,
    equipment_id || ':' || shift_code || ':' || cast(production_day as varchar)
    || case
        when row_number() over (partition by equipment_id, shift_code, production_day order by start_us) > 1
            then '#' || cast(row_number() over (partition by equipment_id, shift_code, production_day order by start_us) as varchar)
        else ''
    end as shift_instance_id,
    greatest(start_us, horizon_from) as start_us,
    least(free_end_us, horizon_to) as end_us,
    end_us > horizon_to as is_preliminary,
    free_end_us < end_us as has_overlap
from cut
where least(free_end_us, horizon_to) > greatest(start_us, horizon_from)
