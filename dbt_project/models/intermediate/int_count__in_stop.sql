{{ config(materialized='table') }}
-- One row per count of pieces that were made inside a logged stop, which the stop says cannot be (rule T8): a step of a counter strictly inside it,
-- or an interval that it covers. Shift totals and confirmations say nothing of the instant.
with asked as (
    select equipment_id, count_id, coalesce(from_us, booked_us - 1) as from_us, booked_us + case when from_us is null then 1 else 0 end as to_us
    from {{ ref('int_count__rated') }}
    where pq > 0 and ((from_us < booked_us and not is_over_windows) or (from_us is null and count_source = 'COUNTER'))
),

pass as (
    select s.equipment_id, s.start_us as t, 0 as is_count, s.end_us, cast(null as bigint) as to_us, cast(null as varchar) as count_id
    from {{ ref('int_segment__in_scope') }} as s
    inner join (select distinct equipment_id from asked) as a on s.equipment_id = a.equipment_id
    where s.time_class in ('ADET_EQ', 'ADET_ORG')
    union all
    select equipment_id, from_us, 1, null, to_us, count_id from asked
),

found as (
    select is_count, count_id, to_us, {{ last_known('end_us', 'partition by equipment_id order by t, is_count') }} as stop_end_us
    from pass
)

select count_id from found where is_count = 1 and to_us <= stop_end_us
