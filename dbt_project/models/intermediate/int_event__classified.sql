{{ config(materialized='ephemeral') }}
-- One row per current event of a unit of the group whose states are logged, with its class, its approved reason and its clock corrected (T2, T17). It has a
-- number here (`event_ref`), by which the ledger finds its texts again: what lies between sorts numbers only.
with event as (
    select
        u.equipment_no, e.plant_id, e.equipment_id, e._source_system as source_system, coalesce(s.source_no, 0) as source_no,
        e.event_id, e.state_class, e.is_failure, e.source_reason_code, e.order_id, e.material_id,
        {{ has_flag('e.dq_flags', 'DST_AMBIGUOUS') }} as is_ambiguous,
        {{ micros('e.start_ts') }} as raw_us,
        {{ micros('e.start_ts') }} - coalesce(c.offset_us, s.offset_us, 0) as start_us,
        {{ micros('e.end_ts') }} - coalesce(c.offset_us, s.offset_us, 0) as end_us,
        coalesce(s.data_to_us, u.horizon_to) as watermark_us
    from {{ source('silver', 'equipment_state_event') }} as e
    inner join {{ ref('int_unit__horizon') }} as u on e.equipment_id = u.equipment_id and u.state_method <> 'NONE' and {{ in_group('u') }}
    left join {{ ref('int_source') }} as s on e.plant_id = s.plant_id and e._source_system = s.source_system
    left join {{ ref('int_clock') }} as c
        on e.plant_id = c.plant_id and e._source_system = c.source_system and {{ utc_day(micros('e.start_ts')) }} = c.day_no
    where e.is_current and not e.is_deleted
),

code as (
    select distinct plant_id, _source_system as source_system, source_reason_code
    from {{ source('silver', 'equipment_state_event') }}
    where is_current and not is_deleted and source_reason_code is not null
),

-- A map may say '*' for any plant and any source; the more specific line wins. Unapproved lines are suggestions.
matched as (
    select
        c.plant_id, c.source_system, c.source_reason_code, m.reason_code, w.any_plant, w.any_source,
        coalesce({{ micros('m.valid_from') }}, {{ always_from() }}) as from_us,
        coalesce({{ micros('m.valid_to') }}, {{ always_to() }}) as to_us
    from code as c
    cross join (
        select 0 as any_plant, 0 as any_source union all select 0, 1 union all select 1, 0 union all select 1, 1
    ) as w
    inner join {{ source('silver', 'map_downtime_reason') }} as m
        on m.plant_id = case when w.any_plant = 1 then '*' else c.plant_id end
        and m.source_system = case when w.any_source = 1 then '*' else c.source_system end
        and m.source_code = c.source_reason_code
    where m.approved_at is not null
),

reason as (
    {{ best_in_time('matched', ['plant_id', 'source_system', 'source_reason_code'], ['reason_code'],
        'm.any_plant, m.any_source, m.from_us desc, m.reason_code') }}
),

reasoned as (
    select e.*, r.reason_no, m.reason_code as approved_reason, r.state_class as reason_class, r.counts_as_failure
    from event as e
    left join reason as m
        on e.plant_id = m.plant_id and e.source_system = m.source_system and e.source_reason_code = m.source_reason_code
        and e.start_us >= m.from_us and e.start_us < m.to_us
    left join {{ ref('int_reason') }} as r on m.reason_code = r.reason_code
),

-- The source's own state wins; a stop that has only a reason, and a state that decides nothing (STOP, STANDBY, ACTING, MANUAL), take the class
-- of the reason. What is planned is decided by the plan, never by an operator afterwards; a stop without an approved reason is U-UNC.
classed as (
    select
        *,
        coalesce(
            case when state_class not in ('STOP', 'STANDBY', 'ACTING', 'MANUAL') then state_class end,
            case reason_class
                when 'PLANNED_NO_DEMAND' then 'IDLE'
                when 'PLANNED_MAINT' then 'DELAY_EQ'
                when 'PLANNED_BREAK' then 'DELAY_ORG'
                when 'PLANNED_OTHER' then 'DELAY_ORG'
                when 'NOT_SCHEDULED' then 'DELAY_ORG'
                else reason_class
            end,
            case when state_class = 'STANDBY' and order_id is not null then 'DELAY_ORG' end,
            nullif(state_class, 'STOP'),
            'DELAY_ORG'
        ) as event_class
    from reasoned
)

select
    {{ row_ref() }} as event_ref,
    equipment_no, source_no, plant_id, equipment_id, source_system, event_id, order_id, material_id, source_reason_code,
    event_class, is_ambiguous, raw_us, start_us, end_us, watermark_us,
    coalesce(reason_no, case when event_class not in ('RUN', 'UNKNOWN') then (select u.reason_no from {{ ref('int_reason') }} as u where u.reason_code = 'U-UNC') end, 0)
        as reason_no,
    approved_reason is not null and approved_reason <> 'U-UNC' as is_coded,
    -- An approved reason decides, then the source; a stop of the equipment without either is a failure, one with an unmapped reason none.
    event_class = 'DELAY_EQ' and coalesce(counts_as_failure, is_failure, source_reason_code is null) as may_be_failure
from classed
