-- One row per event that lasts: without an end it ends where its source's next event begins, else at its source's watermark (T10).
-- Events of no length own no seconds (T11); events of class UNKNOWN only end the one before, and own what nobody else owns.
with followed as (
    select
        *,
        lead(start_us) over (partition by equipment_id, source_no order by start_us, event_id) as next_us,
        row_number() over (partition by equipment_id order by start_us, event_id) as event_no
    from {{ ref('int_event__classified') }}
)

select
    equipment_id, event_no, plant_id, source_system, event_id, event_class, reason_code, is_coded, may_be_failure, order_id, material_id, is_ambiguous,
    start_us,
    least(coalesce(end_us, next_us, watermark_us), watermark_us) as end_us,
    end_us is null and next_us is null as is_open
from followed
where least(coalesce(end_us, next_us, watermark_us), watermark_us) > start_us
