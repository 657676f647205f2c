-- One row per swept stretch and span in which an order is active at its unit: operations that began and did not end yet, merged where they meet.
with operation as (
    select
        u.unit_no,
        {{ micros('o.actual_start_ts') }} - coalesce(s.offset_us, 0) as start_us,
        coalesce({{ micros('o.actual_end_ts') }} - coalesce(s.offset_us, 0), u.range_to) as end_us,
        u.range_from, u.range_to
    from {{ source('silver', 'order_operation') }} as o
    inner join {{ ref('int_unit') }} as u on o.equipment_id = u.equipment_id and {{ in_group('u') }}
    left join {{ ref('int_source') }} as s on o.plant_id = s.plant_id and o._source_system = s.source_system
    where o.is_current and not o.is_deleted and o.actual_start_ts is not null
),

cut as (
    select unit_no, greatest(start_us, range_from) as start_us, least(end_us, range_to) as end_us from operation
),

reached as (
    select *, max(end_us) over (partition by unit_no order by start_us, end_us rows between unbounded preceding and 1 preceding) as reached_us
    from cut
    where end_us > start_us
),

numbered as (
    select *, sum(case when start_us <= reached_us then 0 else 1 end) over (partition by unit_no order by start_us, end_us rows unbounded preceding) as span
    from reached
)

select unit_no, min(start_us) as start_us, max(end_us) as end_us from numbered group by unit_no, span
