-- One row per event that lasts: without an end it ends where its source's next event begins, else at its source's watermark (T10).
-- What comes next is what its source stamped next, whatever its clock was corrected by.
-- Events of no length own no seconds (T11); events of class UNKNOWN only end the one before, and own what nobody else owns. A transition
-- (ACTING) belongs to the stop that it leads out of, else to the one that it leads into (specification 1.3), and is no failure of its own.
{%- set beside = 'over (partition by equipment_id, source_no order by raw_us, event_id)' %}
with followed as (
    select
        *,
        lead(start_us) {{ beside }} as next_us,
        {% for name in ('event_class', 'reason_code', 'is_coded') -%}
        lag({{ name }}) {{ beside }} as {{ name }}_before, lead({{ name }}) {{ beside }} as {{ name }}_after,
        {% endfor -%}
        row_number() over (partition by equipment_id order by start_us, event_id) as event_no
    from {{ ref('int_event__classified') }}
),

joined as (
    select
        *,
        case
            when event_class <> 'ACTING' then 'none'
            when event_class_before not in ('RUN', 'UNKNOWN', 'ACTING') then 'before'
            when event_class_after not in ('RUN', 'UNKNOWN', 'ACTING') then 'after'
            else 'alone'
        end as belongs
    from followed
)

select
    equipment_id, event_no, plant_id, source_system, event_id,
    case belongs when 'before' then event_class_before when 'after' then event_class_after when 'alone' then 'STANDBY' else event_class end as event_class,
    case belongs when 'before' then reason_code_before when 'after' then reason_code_after else reason_code end as reason_code,
    case belongs when 'before' then is_coded_before when 'after' then is_coded_after else is_coded end as is_coded,
    may_be_failure, order_id, material_id, is_ambiguous,
    start_us,
    least(coalesce(end_us, next_us, watermark_us), watermark_us) as end_us,
    end_us is null and next_us is null as is_open
from joined
where least(coalesce(end_us, next_us, watermark_us), watermark_us) > start_us
