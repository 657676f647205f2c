{{ config(materialized='table') }}
-- One row per swept stretch and event, with whether it is a micro-stop (T7) and the level at which it competes for its time (T8).
-- Events that touch a swept stretch, and those so near that they may share a stop block with one that does.
-- Read once: the numbering below it is a sort.
with event as (
    select u.unit_no, u.microstop_us, e.*
    from {{ ref('int_event__closed') }} as e
    inner join {{ ref('int_unit') }} as u
        on e.equipment_id = u.equipment_id
        and e.start_us <= u.range_to + u.microstop_us and e.end_us >= u.range_from - u.microstop_us
),

stop as (
    select
        unit_no, event_no, event_class, start_us, end_us, microstop_us, is_open,
        max(end_us) over (partition by unit_no order by event_no rows between unbounded preceding and 1 preceding) as reached_us
    from event
    where event_class not in ('RUN', 'UNKNOWN')
),

-- Contiguous stop blocks: stops that touch or overlap, of any class, whatever shift they lie in.
numbered as (
    select
        *,
        sum(case when start_us <= reached_us then 0.0e0 else 1.0e0 end) over (partition by unit_no order by event_no rows unbounded preceding) as block_no
    from stop
),

block as (
    select unit_no, block_no
    from numbered
    group by unit_no, block_no
    having max(end_us) - min(start_us) < min(microstop_us) and max(case when is_open then 1 else 0 end) = 0
),

micro as (
    select n.unit_no, n.event_no
    from numbered as n
    inner join block as b on n.unit_no = b.unit_no and n.block_no = b.block_no
    where n.event_class in ('DELAY_EQ', 'DELAY_ORG')
),

default_level as (
    select 'DELAY_EQ' as state_class, 10 as level
    union all select 'SETUP', 20
    union all select 'DELAY_ORG', 30
    union all select 'IDLE', 40
    union all select 'RUN', 90
    union all select 'UNKNOWN', 99
),

-- Levels as ranks without gaps, so that each is one bit of the sweep's mask.
level_rank as (
    select level, dense_rank() over (order by level) - 1 as level_rank
    from (select level from default_level union select level from {{ source('silver', 'class_precedence') }}) as l
)

select
    e.unit_no, e.equipment_id, e.event_no, e.plant_id, e.event_id, e.event_class, e.reason_code, e.is_coded, e.order_id, e.material_id, e.is_ambiguous, e.is_open,
    e.start_us, e.end_us,
    m.event_no is not null as is_micro,
    e.may_be_failure and m.event_no is null as is_failure,
    cast(r.level_rank as integer) as level_rank
from event as e
left join micro as m on e.unit_no = m.unit_no and e.event_no = m.event_no
left join {{ source('silver', 'class_precedence') }} as p
    on e.plant_id = p.plant_id and e.source_system = p.source_system and e.event_class = p.state_class
inner join default_level as d on e.event_class = d.state_class
inner join level_rank as r on coalesce(p.level, d.level) = r.level
