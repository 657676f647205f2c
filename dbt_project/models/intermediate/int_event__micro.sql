{{ config(materialized='ephemeral') }}
-- One row per swept stretch and event, with whether it is a micro-stop (T7) and the level at which it competes for its time (T8).
-- Events that touch a swept stretch, and those so near that they may be one stop, or one stop block, with one that does.
-- Read once: the numbering below it is a sort.
with near as (
    select u.unit_no, u.plant_id, u.equipment_id, u.microstop_us, u.has_flicker, e.*
    from {{ ref('int_event__closed') }} as e
    inner join {{ ref('int_unit') }} as u
        on e.equipment_no = u.equipment_no
        and e.start_us <= u.range_to + u.margin_us and e.end_us >= u.range_from - u.margin_us
),

-- Rule T18: of units that flicker, run time shorter than one ideal cycle between two stops of one reason does not split the stop. The
-- fastest rate of the unit decides: in less time nothing can have been made.
flickering as (
    select
        *,
        max(end_us) over (partition by unit_no order by event_no rows between unbounded preceding and 1 preceding) as reached_us,
        lag(event_class) over (partition by unit_no order by event_no) = event_class
        and lag(reason_no) over (partition by unit_no order by event_no) = reason_no as is_alike
    from near
    where has_flicker and event_class not in ('RUN', 'UNKNOWN')
),

blip as (
    select f.unit_no, f.event_no
    from flickering as f
    inner join {{ source('silver', 'ideal_rate') }} as r
        on f.plant_id = r.plant_id and (r.equipment_id is null or f.equipment_id = r.equipment_id)
        and {{ micros('r.valid_from') }} <= f.reached_us
        and (r.valid_to is null or {{ micros('r.valid_to') }} > f.reached_us)
    inner join {{ source('silver', 'rate_basis_rank') }} as b on r.plant_id = b.plant_id and r.rate_basis = b.rate_basis
    where r.is_current and not r.is_deleted and f.is_alike and f.start_us > f.reached_us
    group by f.unit_no, f.event_no, f.start_us, f.reached_us
    having min(r.pri_s) * 1000000 > f.start_us - f.reached_us
),

chained as (
    select
        f.*,
        sum(case when b.event_no is null then 1 else 0 end) over (partition by f.unit_no order by f.event_no rows unbounded preceding) as chain
    from flickering as f
    left join blip as b on f.unit_no = b.unit_no and f.event_no = b.event_no
),

one_stop as (
    select unit_no, min(event_no) as event_no, max(end_us) as end_us, max(case when is_open then 1 else 0 end) = 1 as is_open
    from chained
    group by unit_no, chain
    having count(*) > 1
),

event as (
    select
        n.unit_no, n.microstop_us, n.event_no, n.event_ref, n.source_no, n.event_class, n.reason_no, n.is_coded, n.may_be_failure, n.is_ambiguous, n.start_us,
        coalesce(o.end_us, n.end_us) as end_us, coalesce(o.is_open, n.is_open) as is_open
    from near as n
    left join one_stop as o on n.unit_no = o.unit_no and n.event_no = o.event_no
    left join blip as b on n.unit_no = b.unit_no and n.event_no = b.event_no
    where b.event_no is null
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
    where n.event_class in ('DELAY_EQ', 'DELAY_ORG', 'STANDBY')
),

default_level as (
    select 'DELAY_EQ' as state_class, 10 as level
    union all select 'SETUP', 20
    union all select 'DELAY_ORG', 30
    union all select 'STANDBY', 35
    union all select 'IDLE', 40
    union all select 'RUN', 90
    union all select 'UNKNOWN', 99
),

stated_level as (
    select s.source_no, p.state_class, p.level
    from {{ source('silver', 'class_precedence') }} as p
    inner join {{ ref('int_source') }} as s on p.plant_id = s.plant_id and p.source_system = s.source_system
),

-- Levels as ranks without gaps, so that each is one bit of the sweep's mask.
level_rank as (
    select level, dense_rank() over (order by level) - 1 as level_rank
    from (select level from default_level union select level from {{ source('silver', 'class_precedence') }}) as l
)

select
    e.unit_no, e.event_no, e.event_ref, e.event_class, e.reason_no, e.is_coded, e.is_ambiguous, e.start_us, e.end_us,
    m.event_no is not null as is_micro,
    e.may_be_failure and m.event_no is null as is_failure,
    cast(r.level_rank as integer) as level_rank
from event as e
left join micro as m on e.unit_no = m.unit_no and e.event_no = m.event_no
left join stated_level as p on e.source_no = p.source_no and e.event_class = p.state_class
inner join default_level as d on e.event_class = d.state_class
inner join level_rank as r on coalesce(p.level, d.level) = r.level
