-- One row per booked count with the shift window that its instant lies in (half-open), by one ordered pass.
with pass as (
    select equipment_id, start_us as t, 0 as kind, shift_instance_id as window_ref, end_us, cast(null as varchar) as count_id
    from {{ ref('int_shift_window') }}
    union all
    select equipment_id, t, 1, null, null, count_id from {{ ref('int_count__booked') }}
),

placed as (
    select
        equipment_id, t, kind, count_id,
        {{ last_known('window_ref', 'partition by equipment_id order by t, kind') }} as window_ref,
        {{ last_known('end_us', 'partition by equipment_id order by t, kind') }} as window_end
    from pass
)

select c.*, case when p.t < p.window_end then p.window_ref end as window_ref
from {{ ref('int_count__booked') }} as c
inner join placed as p on c.count_id = p.count_id and p.kind = 1
