{{ config(materialized='by_scope', in_groups=true) }}
-- The groups are those of {{ ref('int_unit') }}.
-- THE LEDGER: one row per stretch of a unit's time with one owner; no gap, no overlap, from the start of its horizon to its watermark.
select
    i.plant_id, i.equipment_id,
    {{ instant('s.start_us') }} as start_ts,
    {{ instant('s.end_us') }} as end_ts,
    {{ seconds('s.end_us - s.start_us') }} as duration_s,
    s.time_class, i.shift_instance_id, i.shift_code, i.production_day,
    e.event_id, s.is_first_segment, {{ seconds('s.event_us') }} as event_duration_s, e.order_id, e.material_id,
    r.reason_code,
    case when not s.is_coded and e.source_reason_code is not null then e.source_system end as source_system,
    case when not s.is_coded then e.source_reason_code end as source_reason_code,
    s.is_coded, s.is_failure, s.is_pbt_extension, i.is_preliminary, i.has_overlap as has_shift_overlap, s.is_dst_ambiguous
from {{ ref('int_segment__labelled') }} as s
inner join {{ ref('int_shift__instance') }} as i on s.unit_no = i.unit_no and s.shift_no = i.shift_no
left join {{ ref('int_event__classified') }} as e on s.event_ref = e.event_ref
left join {{ ref('int_reason') }} as r on s.reason_no = r.reason_no
