-- One row per count booked in a swept stretch, inside its unit's horizon, with the shift window of its instant (half-open), by one ordered
-- pass. What was counted over an interval belongs to its last instant, and may have begun in another window (T19). What was booked later, of
-- an interval or an order that reaches into a stretch, has no window here.
with booked as (
    select u.unit_no, c.*, c.booked_us - case when c.from_us < c.booked_us then 1 else 0 end as placed_us
    from {{ ref('int_count__booked') }} as c
    inner join {{ ref('int_unit') }} as u
        on c.equipment_id = u.equipment_id and c.booked_us >= u.from_us and c.booked_us < u.to_us
    where c.booked_us >= u.horizon_from
),

pass as (
    select unit_no, start_us as t, 0 as is_count, window_no, start_us, full_end_us, cast(null as varchar) as count_id
    from {{ ref('int_shift_window') }}
    union all
    select unit_no, placed_us, 1, null, null, null, count_id from booked
),

placed as (
    select
        t, is_count, count_id,
        {{ last_known('window_no', 'partition by unit_no order by t, is_count') }} as window_no,
        {{ last_known('start_us', 'partition by unit_no order by t, is_count') }} as window_us,
        {{ last_known('full_end_us', 'partition by unit_no order by t, is_count') }} as full_end_us
    from pass
),

later as (
    select distinct c.count_id
    from {{ ref('int_count__booked') }} as c
    inner join {{ ref('int_unit') }} as u
        on c.equipment_id = u.equipment_id and coalesce(c.from_us, c.since_us) < u.to_us and c.booked_us >= u.to_us
    where c.booked_us > coalesce(c.from_us, c.since_us)
)

select
    b.*,
    case when p.t < p.full_end_us then p.window_no end as window_no,
    b.from_us < b.booked_us and (p.t >= p.full_end_us or p.window_us is null or b.from_us < p.window_us) as is_over_windows
from booked as b
inner join placed as p on b.count_id = p.count_id and p.is_count = 1
union all
select null, c.*, c.booked_us, null, c.from_us is not null
from {{ ref('int_count__booked') }} as c
inner join later as l on c.count_id = l.count_id
left join booked as b on c.count_id = b.count_id
where b.count_id is null
