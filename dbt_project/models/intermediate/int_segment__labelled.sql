{{ config(materialized='ephemeral') }}
-- The ledger of the days in scope, in numbers: one row per stretch of a unit's time with one owner. Its texts are those of int_shift__instance,
-- int_event__classified and int_reason.
with known as (
    select s.*, {{ unpacked_event('s.ref') }} from {{ ref('int_segment__swept') }} as s
),

-- What stands by is a delay while an order is active, and idle otherwise (specification 1.3).
segment as (
    select
        unit_no, start_us, end_us, day_no, window_no, planned_bit, event_ref, reason_no, is_coded, is_failure, is_ambiguous,
        case when event_class = 'STANDBY' then case when has_order then 'DELAY_ORG' else 'IDLE' end else event_class end as event_class,
        is_micro and (event_class <> 'STANDBY' or has_order) as is_micro,
        -- Time that the plan took out, or that nobody planned, belongs to no event that does not run.
        event_class = 'RUN' or (event_class is not null and window_no is not null and planned_bit = 0) as is_owned
    from known
),

-- Where an event first owns time: in one of this build's stretches, unless it owned time on a day before that is not in scope.
begun as (
    select e.event_ref
    from {{ ref('int_event__classified') }} as e
    inner join {{ source('state', 'event_begun') }} as b on e.equipment_id = b.equipment_id and e.event_id = b.event_id
),

-- Stretches of a unit are numbered in the order of time.
first_owned as (
    select event_ref, min(unit_no) as unit_no, min(start_us) as first_us
    from segment
    where is_owned
    group by event_ref
),

first_of_all as (
    select f.event_ref, f.first_us, e.end_us - e.start_us as event_us
    from first_owned as f
    inner join {{ ref('int_event__micro') }} as e on f.unit_no = e.unit_no and f.event_ref = e.event_ref
    left join begun as b on f.event_ref = b.event_ref
    where b.event_ref is null
),

-- Rule T16: what a plant does not log is run time only in a window with a sign of life, an event or a count.
alive as (
    select s.unit_no, s.window_no
    from segment as s
    inner join {{ ref('int_unit') }} as u on s.unit_no = u.unit_no and u.state_method = 'RESIDUAL' and u.calendar <> 'none'
    where s.window_no is not null and s.event_class <> 'UNKNOWN'
    union
    select c.unit_no, c.window_no
    from {{ ref('int_count__rated') }} as c
    inner join {{ ref('int_unit') }} as u on c.unit_no = u.unit_no and u.state_method = 'RESIDUAL' and u.calendar <> 'none'
    where c.window_no is not null
),

classed as (
    select
        s.*,
        case
            when s.event_class = 'RUN' then 'APT'
            when s.window_no is null then 'NOT_SCHEDULED'
            when s.planned_bit <> 0 then
                case s.planned_bit
                    when 4294967296 then 'PLANNED_NO_DEMAND' when 8589934592 then 'PLANNED_MAINT'
                    when 17179869184 then 'PLANNED_BREAK' when 34359738368 then 'PLANNED_OTHER'
                end
            when s.event_class is null then case when a.window_no is not null then 'APT' else 'UNKNOWN' end
            when s.is_micro then 'MICRO'
            when s.event_class = 'SETUP' then 'AUST'
            when s.event_class = 'DELAY_EQ' then 'ADET_EQ'
            when s.event_class = 'DELAY_ORG' then 'ADET_ORG'
            when s.event_class = 'IDLE' then 'ADOT'
            else 'UNKNOWN'
        end as time_class,
        case when s.is_owned then s.event_ref end as owner_ref
    from segment as s
    left join alive as a on s.unit_no = a.unit_no and s.window_no = a.window_no
)

select
    c.unit_no,
    coalesce(c.window_no, {{ shift_of_day('c.day_no', "c.time_class = 'APT'") }}) as shift_no,
    c.start_us,
    c.end_us,
    c.time_class,
    c.owner_ref as event_ref,
    f.event_ref is not null as is_first_segment,
    f.event_us,
    case when c.owner_ref is not null then c.reason_no end as reason_no,
    c.owner_ref is not null and c.is_coded as is_coded,
    c.owner_ref is not null and c.is_failure as is_failure,
    c.owner_ref is not null and c.is_ambiguous as is_dst_ambiguous,
    coalesce(c.event_class = 'RUN' and (c.planned_bit <> 0 or c.window_no is null), false) as is_pbt_extension
from classed as c
left join first_of_all as f on c.owner_ref = f.event_ref and c.start_us = f.first_us
