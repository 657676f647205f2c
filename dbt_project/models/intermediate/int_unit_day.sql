{{ config(materialized='table') }}
-- One row per swept stretch and production day, cut to the stretch. `day_no` counts the plant's days.
with day as (
    select
        plant_id, production_day, {{ micros('start_ts') }} as start_us, {{ micros('end_ts') }} as end_us,
        row_number() over (partition by plant_id order by start_ts) as day_no
    from {{ source('silver', 'production_day') }}
)

select
    u.unit_no, d.day_no, d.production_day,
    greatest(d.start_us, u.range_from) as start_us,
    least(d.end_us, u.range_to) as end_us,
    d.end_us as full_end_us,
    d.end_us > u.horizon_to as is_preliminary
from day as d
inner join {{ ref('int_unit') }} as u on d.plant_id = u.plant_id
where d.end_us > u.range_from and d.start_us < u.range_to
