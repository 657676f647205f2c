{{ config(materialized='table') }}
-- One row per count and shift, of counts that belong to several (rule T19): an interval is split by the run time of its shifts, a confirmation
-- of an order by the run time of the order since its last confirmation; an interval without run time by its planned busy time. `from_share`
-- and `to_share` are the shares of the count before and with this shift, so that what is split adds up to the whole. Of days that are not
-- in scope the ledger stands.
with interval_span as (
    select equipment_id, count_id, from_us, booked_us as to_us from {{ ref('int_count__rated') }} where is_over_windows
),

order_span as (
    select equipment_id, count_id, confirmed_order_id as order_id, since_us as from_us, booked_us as to_us
    from {{ ref('int_count__rated') }}
    where since_us is not null
),

asking as (
    select equipment_id from interval_span
    union
    select equipment_id from order_span
),

busy as (
    select
        s.equipment_id, s.order_id, s.shift_instance_id, s.shift_code, s.production_day, s.time_class = 'APT' as is_run,
        {{ micros('s.start_ts') }} as start_us, {{ micros('s.end_ts') }} as end_us
    from {{ ref('int_time_segment') }} as s
    inner join asking as a on s.equipment_id = a.equipment_id
    where s.time_class in ('APT', 'AUST', 'ADET_EQ', 'ADET_ORG', 'MICRO', 'ADOT', 'UNKNOWN')
),

-- By UTC day, so that an interval meets the segments of its days only.
interval_day as (
    select i.*, {{ days_of('i.from_us', 'i.to_us - 1') }} as utc_day from interval_span as i
),

busy_day as (
    select b.*, {{ days_of('b.start_us', 'b.end_us - 1') }} as utc_day
    from busy as b
    inner join (select distinct equipment_id from interval_span) as i on b.equipment_id = i.equipment_id
),

piece as (
    select
        i.count_id, b.shift_instance_id, b.shift_code, b.production_day, b.is_run, false as of_order,
        greatest(b.start_us, i.from_us, b.utc_day * 86400000000) as start_us,
        least(b.end_us, i.to_us, (b.utc_day + 1) * 86400000000) as end_us
    from interval_day as i
    inner join busy_day as b
        on i.equipment_id = b.equipment_id and i.utc_day = b.utc_day and b.start_us < i.to_us and b.end_us > i.from_us
    union all
    select
        o.count_id, b.shift_instance_id, b.shift_code, b.production_day, true, true,
        greatest(b.start_us, o.from_us), least(b.end_us, o.to_us)
    from order_span as o
    inner join busy as b
        on o.equipment_id = b.equipment_id and o.order_id = b.order_id and b.is_run and b.start_us < o.to_us and b.end_us > o.from_us
),

shared as (
    select
        count_id, shift_instance_id, min(shift_code) as shift_code, min(production_day) as production_day, min(start_us) as start_us,
        max(case when of_order then 1 else 0 end) as of_order,
        sum(case when is_run then end_us - start_us else 0 end) as run_us, sum(end_us - start_us) as busy_us
    from piece
    where end_us > start_us
    group by count_id, shift_instance_id
),

weighed as (
    select
        *,
        sum(run_us) over (partition by count_id) as total_run_us,
        cast(case when sum(run_us) over (partition by count_id) > 0 then run_us else busy_us end as double) as weight
    from shared
)

select
    count_id, shift_instance_id, shift_code, production_day, start_us,
    (of_order = 1 or total_run_us = 0) and count(*) over (partition by count_id) > 1 as is_allocated,
    (sum(weight) over (partition by count_id order by start_us, shift_instance_id rows unbounded preceding) - weight)
    / sum(weight) over (partition by count_id) as from_share,
    sum(weight) over (partition by count_id order by start_us, shift_instance_id rows unbounded preceding)
    / sum(weight) over (partition by count_id) as to_share
from weighed
where weight > 0
