-- Segments of a unit follow each other from the start of its horizon to its watermark.
with segment as (
    select
        equipment_id, start_ts, end_ts,
        lead(start_ts) over (partition by equipment_id order by start_ts) as next_ts,
        row_number() over (partition by equipment_id order by start_ts) as place
    from {{ ref('int_time_segment') }}
)

select u.equipment_id, s.start_ts, s.end_ts, s.next_ts
from {{ ref('int_unit') }} as u
left join segment as s on u.equipment_id = s.equipment_id
where s.start_ts is null
    or s.end_ts <= s.start_ts
    or s.next_ts <> s.end_ts
    or (s.place = 1 and s.start_ts <> {{ instant('u.horizon_from') }})
    or (s.next_ts is null and s.end_ts <> {{ instant('u.horizon_to') }})
