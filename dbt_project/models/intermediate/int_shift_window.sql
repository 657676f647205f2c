{{ config(materialized='table') }}
-- One row per swept stretch of a unit, shift window and piece of it: windows begin inside the horizon and never overlap (the later start
-- wins, and a window around it goes on after it, as a second piece). `start_us`, `end_us` are cut to the stretch; `full_end_us` is not.
with instance as (
    select
        u.unit_no, u.equipment_id, u.range_from, u.range_to, u.horizon_to, s.shift_code, s.production_day, s.source,
        {{ micros('s.start_ts') }} as start_us,
        {{ micros('s.end_ts') }} as end_us,
        row_number() over (
            partition by u.unit_no order by s.start_ts, case when s.equipment_id is null then 0 else 1 end, s.end_ts desc, s.shift_instance_id
        ) as window_no
    from {{ source('silver', 'shift_instance') }} as s
    inner join {{ ref('int_unit') }} as u
        on s.plant_id = u.plant_id and (s.equipment_id is null or s.equipment_id = u.equipment_id)
    where s.is_current and not s.is_deleted and s.end_ts > s.start_ts
        and {{ micros('s.start_ts') }} <= u.range_to and {{ micros('s.end_ts') }} > u.range_from
),

reached as (
    select
        *,
        max(end_us) over (partition by unit_no order by window_no rows between unbounded preceding and 1 preceding) as reached_us
    from instance
),

clustered as (
    select
        *,
        sum(case when start_us < reached_us then 0 else 1 end) over (partition by unit_no order by window_no rows unbounded preceding) as cluster_no
    from reached
),

cut as (
    select unit_no, cluster_no, t as start_us, lead(t) over (partition by unit_no, cluster_no order by t) as end_us
    from (
        select unit_no, cluster_no, start_us as t from clustered
        union
        select unit_no, cluster_no, end_us from clustered
    ) as edge
),

owned as (
    select
        c.unit_no, c.cluster_no, c.start_us, c.end_us, max(w.window_no) as window_no, count(*) as windows
    from cut as c
    inner join clustered as w
        on c.unit_no = w.unit_no and c.cluster_no = w.cluster_no and w.start_us <= c.start_us and w.end_us >= c.end_us
    group by c.unit_no, c.cluster_no, c.start_us, c.end_us
),

overlapping as (
    select distinct unit_no, cluster_no from owned where windows > 1
),

piece as (
    select
        o.unit_no, o.window_no, w.equipment_id, w.shift_code, w.production_day, w.source, w.range_from, w.range_to, w.horizon_to, w.end_us as window_end_us,
        o.start_us, o.end_us,
        v.cluster_no is not null as has_overlap,
        row_number() over (partition by o.unit_no, o.window_no order by o.start_us) as piece,
        dense_rank() over (partition by o.unit_no, w.shift_code, w.production_day order by o.window_no) as repeat
    from owned as o
    inner join clustered as w on o.unit_no = w.unit_no and o.window_no = w.window_no
    left join overlapping as v on o.unit_no = v.unit_no and o.cluster_no = v.cluster_no
)

select
    unit_no, window_no, piece, shift_code, production_day, source,
    equipment_id || ':' || shift_code || ':' || cast(production_day as varchar)
    || case when repeat > 1 then '#' || cast(repeat as varchar) else '' end as shift_instance_id,
    greatest(start_us, range_from) as start_us,
    greatest(least(end_us, range_to), greatest(start_us, range_from)) as end_us,
    end_us as full_end_us,
    window_end_us > horizon_to as is_preliminary,
    has_overlap
from piece
where end_us > range_from and start_us <= range_to
