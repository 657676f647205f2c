-- One row per count booked in a swept stretch, inside its unit's horizon, with the shift window of its instant (half-open), by one ordered pass.
with booked as (
    select u.unit_no, c.*
    from {{ ref('int_count__booked') }} as c
    inner join {{ ref('int_unit') }} as u
        on c.equipment_id = u.equipment_id and c.booked_us >= u.from_us and c.booked_us < u.to_us
    where c.booked_us >= u.horizon_from
),

pass as (
    select unit_no, start_us as t, 0 as is_count, window_no, full_end_us, cast(null as varchar) as count_id
    from {{ ref('int_shift_window') }}
    union all
    select unit_no, booked_us, 1, null, null, count_id from booked
),

placed as (
    select
        t, is_count, count_id,
        {{ last_known('window_no', 'partition by unit_no order by t, is_count') }} as window_no,
        {{ last_known('full_end_us', 'partition by unit_no order by t, is_count') }} as full_end_us
    from pass
)

select b.*, case when p.t < p.full_end_us then p.window_no end as window_no
from booked as b
inner join placed as p on b.count_id = p.count_id and p.is_count = 1
