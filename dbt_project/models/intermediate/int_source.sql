{{ config(materialized='table') }}
-- One row per plant and source: its clock's stated offset, and the span about which it has told everything, by the true clock (rule T17). The
-- watermark has the offset of the last instant that was told: midnight still belongs to the day that it ends.
select
    w.plant_id,
    w.source_system,
    row_number() over (order by w.plant_id, w.source_system) as source_no,
    cast(round(coalesce(s.clock_offset_s, 0) * 1000000) as bigint) as offset_us,
    {{ micros('w.data_from') }} - coalesce(f.offset_us, cast(round(coalesce(s.clock_offset_s, 0) * 1000000) as bigint)) as data_from_us,
    {{ micros('w.data_to') }} - coalesce(t.offset_us, cast(round(coalesce(s.clock_offset_s, 0) * 1000000) as bigint)) as data_to_us
from {{ source('silver', 'source_watermark') }} as w
left join {{ source('silver', 'source_setting') }} as s on w.plant_id = s.plant_id and w.source_system = s.source_system
left join {{ ref('int_clock') }} as f
    on w.plant_id = f.plant_id and w.source_system = f.source_system and {{ utc_day(micros('w.data_from')) }} = f.day_no
left join {{ ref('int_clock') }} as t
    on w.plant_id = t.plant_id and w.source_system = t.source_system and {{ utc_day(micros('w.data_to') ~ ' - 1') }} = t.day_no
