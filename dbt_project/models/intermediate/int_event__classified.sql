-- One row per current event of a KPI unit, with its class, its approved reason and its clock corrected (rules T2, T17).
with event as (
    select
        e.plant_id, e.equipment_id, e._source_system as source_system, e.event_id, e.state_class, e.source_reason_code, e.order_id, e.material_id,
        {{ micros('e.start_ts') }} - cast(coalesce(o.clock_offset_s, 0) * 1000000 as bigint) as start_us,
        {{ micros('e.end_ts') }} - cast(coalesce(o.clock_offset_s, 0) * 1000000 as bigint) as end_us,
        {{ micros('w.data_to') }} as watermark_us,
        e.start_ts
    from {{ source('silver', 'equipment_state_event') }} as e
    left join {{ source('silver', 'source_setting') }} as o on e.plant_id = o.plant_id and e._source_system = o.source_system
    left join {{ source('silver', 'source_watermark') }} as w on e.plant_id = w.plant_id and e._source_system = w.source_system
    where e.is_current and not e.is_deleted
),

mapped as (
    select
        e.event_id, m.reason_code,
        row_number() over (
            partition by e.event_id
            order by case when m.source_system = '*' then 1 else 0 end, m.valid_from desc nulls last, m.reason_code
        ) as choice
    from event as e
    inner join {{ source('silver', 'map_downtime_reason') }} as m
        on e.plant_id = m.plant_id and e.source_reason_code = m.source_code and m.source_system in (e.source_system, '*')
    where m.approved_at is not null
        and (m.valid_from is null or e.start_ts >= m.valid_from)
        and (m.valid_to is null or e.start_ts < m.valid_to)
),

reasoned as (
    select e.*, m.reason_code as approved_reason, r.state_class as reason_class, r.counts_as_failure
    from event as e
    left join mapped as m on e.event_id = m.event_id and m.choice = 1
    left join {{ ref('downtime_reason') }} as r on m.reason_code = r.reason_code
)

select
    plant_id, equipment_id, source_system, event_id, order_id, material_id, start_us, end_us, watermark_us,
    coalesce(approved_reason, case when source_reason_code is not null then 'U-UNC' end) as reason_code,
    approved_reason is not null and approved_reason <> 'U-UNC' as is_coded,
    -- The source's own state wins; a stop that has only a reason takes its class. What is planned is decided by the plan, not by an operator.
    coalesce(
        state_class,
        case reason_class
            when 'PLANNED_NO_DEMAND' then 'IDLE'
            when 'PLANNED_MAINT' then 'DELAY_EQ'
            when 'PLANNED_BREAK' then 'DELAY_ORG'
            when 'PLANNED_OTHER' then 'DELAY_ORG'
            when 'NOT_SCHEDULED' then 'DELAY_ORG'
            else reason_class
        end,
        'DELAY_ORG'
    ) as event_class,
    -- Without any reason a stop of the equipment is a failure; with a reason, the reason decides (an unmapped one is none).
    case when source_reason_code is null then true else coalesce(counts_as_failure, false) end as may_be_failure
from reasoned
