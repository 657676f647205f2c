{{ config(materialized='table', tags=['records']) }}
-- Orders that count in the plant-days in scope: on the day that they are due (attainment, on time), and on the day that they ended (their
-- execution time). What was made of them and when is mart_kpi_parts_order_work.
with operation as (
    select
        order_id,
        max(case when rank_first = 1 then operation_id end) as first_operation_id,
        max(case when rank_last = 1 then operation_id end) as last_operation_id
    from (
        select order_id, operation_id,
            row_number() over (partition by order_id order by operation_no) as rank_first,
            row_number() over (partition by order_id order by operation_no desc) as rank_last
        from {{ source('silver', 'order_operation') }}
        where is_current and not is_deleted
    ) as ranked
    where rank_first = 1 or rank_last = 1
    group by order_id
),

orders as (
    select * from {{ source('silver', 'production_order') }} where is_current and not is_deleted and order_type <> 'TRIAL'
),

event as (
    select *, 'DUE' as kind, {{ micros('due_ts') }} as at_us
    from orders
    where due_ts is not null and planned_qty is not null and coalesce(status, '') not in ('Cancelled', 'Aborted')
    union all
    select *, 'END', {{ micros('actual_end_ts') }} from orders where actual_end_ts is not null
),

dated as (
    select e.*, coalesce(d.production_day, cast({{ instant('e.at_us') }} as date)) as production_day
    from event as e
    left join {{ source('silver', 'production_day') }} as d
        on e.plant_id = d.plant_id and e.at_us >= {{ micros('d.start_ts') }} and e.at_us < {{ micros('d.end_ts') }}
),

scoped as (
    select d.* from dated as d
    inner join {{ ref('int_scope_place') }} as s on s.equipment_id = '~' || d.plant_id and s.production_day = d.production_day
    union
    select d.* from dated as d
    inner join {{ ref('int_scope_place') }} as s on s.equipment_id = '~' || d.plant_id and s.production_day is null
)

select
    s.plant_id, '~' || s.plant_id as equipment_id, s.production_day, s.order_id, s.kind,
    s.material_id, cast(s.planned_qty as decimal(18, 6)) as planned_qty, cast(s.planned_scrap_qty as decimal(18, 6)) as planned_scrap_qty,
    cast(s.actual_end_ts <= s.due_ts as boolean) as is_on_time,
    cast({{ seconds(micros('s.actual_end_ts') ~ ' - ' ~ micros('s.actual_start_ts')) }} as decimal(18, 6)) as aoet_s,
    o.first_operation_id, o.last_operation_id,
    (select b.calc_version from {{ source('state', 'building') }} as b) as calc_version,
    (select b.as_of_ts from {{ source('state', 'building') }} as b) as as_of_ts
from scoped as s
left join operation as o on s.order_id = o.order_id
