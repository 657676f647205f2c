{{ config(materialized='table') }}
-- One row per event that owns time: closed (T10), with its precedence level (T8) and whether it is a micro-stop (T7).
with closed as (
    select
        e.*,
        u.microstop_us,
        coalesce(
            e.end_us,
            lead(e.start_us) over (partition by e.equipment_id, e.source_system order by e.start_us, e.event_id),
            e.watermark_us,
            u.horizon_to
        ) as closed_us,
        e.end_us is null
        and lead(e.start_us) over (partition by e.equipment_id, e.source_system order by e.start_us, e.event_id) is null as is_open
    from {{ ref('int_event__classified') }} as e
    inner join {{ ref('int_unit') }} as u on e.equipment_id = u.equipment_id
    where u.state_method <> 'NONE'
),

lasting as (
    select * from closed where closed_us > start_us and event_class <> 'UNKNOWN'
),

-- Contiguous stop blocks: touching or overlapping events that are no run time, over all classes, whatever shift they lie in.
islands as (
    select
        *,
        case
            when start_us <= max(closed_us) over (
                partition by equipment_id order by start_us, event_id rows between unbounded preceding and 1 preceding
            ) then 0
            else 1
        end as opens_block
    from lasting
    where event_class <> 'RUN'
),

numbered as (
    select *, sum(opens_block) over (partition by equipment_id order by start_us, event_id rows unbounded preceding) as block_no
    from islands
),

blocks as (
    select equipment_id, block_no, max(closed_us) - min(start_us) as block_us, max(case when is_open then 1 else 0 end) as has_open
    from numbered
    group by equipment_id, block_no
),

micro as (
    select n.event_id
    from numbered as n
    inner join blocks as b on n.equipment_id = b.equipment_id and n.block_no = b.block_no
    where n.event_class in ('DELAY_EQ', 'DELAY_ORG') and b.block_us < n.microstop_us and b.has_open = 0
),

levels as (
    select
        plant_id, source_system, state_class,
        dense_rank() over (partition by plant_id order by level) - 1 as rank
    from {{ source('silver', 'class_precedence') }}
)

select
    l.plant_id, l.equipment_id, l.source_system, l.event_id, l.order_id, l.material_id, l.event_class, l.reason_code, l.is_coded, l.is_open,
    l.start_us, l.closed_us as end_us, l.closed_us - l.start_us as event_us,
    m.event_id is not null as is_micro,
    l.event_class = 'DELAY_EQ' and l.may_be_failure and m.event_id is null as is_failure,
    cast(coalesce(
        v.rank,
        case l.event_class when 'DELAY_EQ' then 0 when 'SETUP' then 1 when 'DELAY_ORG' then 2 when 'IDLE' then 3 else 4 end
    ) as integer) as rank
from lasting as l
left join micro as m on l.event_id = m.event_id
left join levels as v on l.plant_id = v.plant_id and l.source_system = v.source_system and l.event_class = v.state_class
