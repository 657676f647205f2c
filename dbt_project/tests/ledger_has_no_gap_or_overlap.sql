-- Segments of a unit follow each other without gap or overlap, from the start of its horizon to its watermark: in the swept stretches, over
-- the rows of neighbouring days that were not made anew too; over all time in a full test.
with segment as (
    select
        u.plant_id, u.unit_no, u.range_from, u.range_to, s.start_ts, s.end_ts,
        lead(s.start_ts) over (partition by u.unit_no order by s.start_ts) as next_ts,
        row_number() over (partition by u.unit_no order by s.start_ts) as place
    from {{ ref('int_unit') }} as u
    inner join {{ ref('int_time_segment') }} as s
        on u.equipment_id = s.equipment_id
        and s.start_ts < {{ instant('u.range_to') }} and s.end_ts > {{ instant('u.range_from') }}
    {% if not var('test_all') -%}
    where s.production_day in (select production_day from {{ ref('int_scope') }} union select production_day + 1 from {{ ref('int_scope') }} union select production_day - 1 from {{ ref('int_scope') }})
    {%- endif %}
)

select u.plant_id, u.equipment_id, s.start_ts, s.end_ts, s.next_ts
from {{ ref('int_unit') }} as u
left join segment as s on u.unit_no = s.unit_no
where u.range_from < u.range_to and (
    s.start_ts is null
    or s.end_ts <= s.start_ts
    or s.next_ts <> s.end_ts
    or (s.place = 1 and s.start_ts > {{ instant('u.range_from') }})
    or (s.next_ts is null and s.end_ts < {{ instant('u.range_to') }})
    or (s.place = 1 and u.range_from = u.horizon_from and s.start_ts <> {{ instant('u.horizon_from') }})
    or (s.next_ts is null and u.range_to = u.horizon_to and s.end_ts <> {{ instant('u.horizon_to') }})
)
