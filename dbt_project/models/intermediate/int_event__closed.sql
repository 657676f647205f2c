{{ config(materialized='ephemeral') }}
-- One row per event that lasts: without an end it ends where its source's next event begins, else at its source's watermark (T10).
-- What comes next is what its source stamped next, whatever its clock was corrected by.
-- Events of no length own no seconds (T11); events of class UNKNOWN only end the one before, and own what nobody else owns. A transition
-- (ACTING) belongs to the stop that it leads out of, else to the one that it leads into (specification 1.3), and is no failure of its own. Work by
-- hand (MANUAL) is part of a changeover that it follows or leads into, else a delay of the equipment.
{%- set beside = 'over (partition by equipment_no, source_no order by raw_us, event_no)' %}
with numbered as (
    select
        event_ref, equipment_no, source_no, event_class, reason_no, is_coded, may_be_failure, is_ambiguous, raw_us, start_us, end_us, watermark_us,
        row_number() over (partition by equipment_no order by start_us, event_id) as event_no
    from {{ ref('int_event__classified') }}
),

followed as (
    select
        *,
        lead(start_us) {{ beside }} as next_us,
        {% for name in ('event_class', 'reason_no', 'is_coded') -%}
        lag({{ name }}) {{ beside }} as {{ name }}_before, lead({{ name }}) {{ beside }} as {{ name }}_after,
        {% endfor -%}
        least(coalesce(end_us, lead(start_us) {{ beside }}, watermark_us), watermark_us) as closed_us
    from numbered
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
),

decided as (
    select
        *,
        case belongs when 'before' then event_class_before when 'after' then event_class_after when 'alone' then 'STANDBY' else event_class end as decided_class,
        case belongs when 'before' then reason_no_before when 'after' then reason_no_after else reason_no end as decided_reason_no,
        case belongs when 'before' then is_coded_before when 'after' then is_coded_after else is_coded end as decided_is_coded
    from joined
    where closed_us > start_us
)

select
    event_ref, event_no, equipment_no, source_no,
    case
        when decided_class <> 'MANUAL' then decided_class
        when event_class_before = 'SETUP' or event_class_after = 'SETUP' then 'SETUP'
        else 'DELAY_EQ'
    end as event_class,
    decided_reason_no as reason_no, decided_is_coded as is_coded, may_be_failure, is_ambiguous, start_us, closed_us as end_us,
    end_us is null and next_us is null as is_open
from decided
