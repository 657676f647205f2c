{{ config(materialized='table') }}
-- One row per plant and source: its clock's offset, and the span about which it has told everything, by the true clock (rule T17).
select
    w.plant_id,
    w.source_system,
    row_number() over (order by w.plant_id, w.source_system) as source_no,
    cast(round(coalesce(s.clock_offset_s, 0) * 1000000) as bigint) as offset_us,
    {{ micros('w.data_from') }} - cast(round(coalesce(s.clock_offset_s, 0) * 1000000) as bigint) as data_from_us,
    {{ micros('w.data_to') }} - cast(round(coalesce(s.clock_offset_s, 0) * 1000000) as bigint) as data_to_us
from {{ source('silver', 'source_watermark') }} as w
left join {{ source('silver', 'source_setting') }} as s on w.plant_id = s.plant_id and w.source_system = s.source_system
