-- Generated from kpis.yml by `python -m dbt_project.generate`. Published with each release; never built here.
with unit_month as (
select * from mart_kpi_unit_month
),

row_order as (
select h.plant_id, h.equipment_id, h.production_day, false as is_nothing,
    case when h.kind = 'END' then h.aoet_s end as aoet_s,
    case when h.kind = 'DUE' and c.plant_id is not null then least(coalesce(w.made_by_due, 0), h.planned_qty) end as attained_qty,
    case when h.kind = 'DUE' then 1 end as due_orders,
    case when h.kind = 'END' then coalesce(w.first_pq, w.pq) end as first_op_pq,
    case when h.kind = 'DUE' then case when h.is_on_time then 1 else 0 end end as on_time_orders,
    case when h.kind = 'END' then w.apt_s end as order_apt_s,
    case when h.kind = 'END' then w.aubt_s end as order_aubt_s,
    case when h.kind = 'END' then coalesce(w.last_pq, w.pq) end as order_pq,
    case when h.kind = 'END' then h.planned_scrap_qty end as order_psq,
    case when h.kind = 'END' then w.sq end as order_sq,
    case when h.kind = 'DUE' then h.planned_qty end as planned_qty,
    greatest(h.valid_from_release, coalesce(w.release_id, 0)) as release_id, h.as_of_ts
from mart_kpi_parts_order as h
left join (
    select
        o.order_id, o.kind, sum(p.aubt_s) as aubt_s, sum(p.apt_s) as apt_s, sum(p.pq) as pq, sum(p.sq) as sq,
        sum(case when p.operation_key = o.first_operation_id then p.pq end) as first_pq,
        sum(case when p.operation_key = o.last_operation_id then p.pq end) as last_pq,
        sum(case when p.production_day <= o.production_day and p.operation_key in ('~', coalesce(o.last_operation_id, '~'))
            then coalesce(p.gq, p.pq) end) as made_by_due,
        max(p.valid_from_release) as release_id
    from mart_kpi_parts_order as o
    inner join mart_kpi_parts_order_work as p on o.order_id = p.order_id
    where o.valid_to_release is null and p.valid_to_release is null
    group by o.order_id, o.kind
) as w on h.order_id = w.order_id and h.kind = w.kind
-- A plant whose counts never name an order does not tell what was made of one.
left join (
    select distinct p.plant_id from mart_kpi_parts_order_work as p where not p.is_busy and p.valid_to_release is null
) as c on h.plant_id = c.plant_id
where h.valid_to_release is null
union all
select plant_id, '~' || plant_id, month, true, null as aoet_s, null as attained_qty, null as due_orders, null as first_op_pq, null as on_time_orders, null as order_apt_s, null as order_aubt_s, null as order_pq, null as order_psq, null as order_sq, null as planned_qty, null, null
from (select distinct plant_id, month from unit_month) as worked
),

period_order as (
select 'DAY' as period_type, production_day as period_start, plant_id, equipment_id,
    sum(case when aoet_s is not null and order_apt_s is not null then aoet_s end) as aoet_s__aoet_s_order_apt_s,
    sum(case when aoet_s is not null and order_aubt_s is not null then aoet_s end) as aoet_s__aoet_s_order_aubt_s,
    sum(case when aoet_s is not null and order_pq is not null then aoet_s end) as aoet_s__aoet_s_order_pq,
    sum(case when attained_qty is not null and planned_qty is not null then attained_qty end) as attained_qty__attained_qty_planned_qty,
    sum(case when due_orders is not null and on_time_orders is not null then due_orders end) as due_orders__due_orders_on_time_orders,
    sum(case when first_op_pq is not null and order_sq is not null then first_op_pq end) as first_op_pq__first_op_pq_order_sq,
    sum(case when due_orders is not null and on_time_orders is not null then on_time_orders end) as on_time_orders__due_orders_on_time_orders,
    sum(case when aoet_s is not null and order_apt_s is not null then order_apt_s end) as order_apt_s__aoet_s_order_apt_s,
    sum(case when aoet_s is not null and order_aubt_s is not null then order_aubt_s end) as order_aubt_s__aoet_s_order_aubt_s,
    sum(case when aoet_s is not null and order_pq is not null then order_pq end) as order_pq__aoet_s_order_pq,
    sum(case when order_psq is not null and order_sq is not null then order_psq end) as order_psq__order_psq_order_sq,
    sum(case when first_op_pq is not null and order_sq is not null then order_sq end) as order_sq__first_op_pq_order_sq,
    sum(case when order_psq is not null and order_sq is not null then order_sq end) as order_sq__order_psq_order_sq,
    sum(case when attained_qty is not null and planned_qty is not null then planned_qty end) as planned_qty__attained_qty_planned_qty,
    max(case when aoet_s is not null and order_apt_s is not null then 1 else 0 end) as in_aoet_s_order_apt_s,
    max(case when aoet_s is not null and order_aubt_s is not null then 1 else 0 end) as in_aoet_s_order_aubt_s,
    max(case when aoet_s is not null and order_pq is not null then 1 else 0 end) as in_aoet_s_order_pq,
    max(case when attained_qty is not null and planned_qty is not null then 1 else 0 end) as in_attained_qty_planned_qty,
    max(case when due_orders is not null and on_time_orders is not null then 1 else 0 end) as in_due_orders_on_time_orders,
    max(case when first_op_pq is not null and order_sq is not null then 1 else 0 end) as in_first_op_pq_order_sq,
    max(case when order_psq is not null and order_sq is not null then 1 else 0 end) as in_order_psq_order_sq,
    max(release_id) as release_id,
    max(as_of_ts) as as_of_ts
from row_order where not is_nothing
group by plant_id, equipment_id, production_day
union all
select 'WEEK' as period_type, cast(date_trunc('week', production_day) as date) as period_start, plant_id, equipment_id,
    sum(case when aoet_s is not null and order_apt_s is not null then aoet_s end) as aoet_s__aoet_s_order_apt_s,
    sum(case when aoet_s is not null and order_aubt_s is not null then aoet_s end) as aoet_s__aoet_s_order_aubt_s,
    sum(case when aoet_s is not null and order_pq is not null then aoet_s end) as aoet_s__aoet_s_order_pq,
    sum(case when attained_qty is not null and planned_qty is not null then attained_qty end) as attained_qty__attained_qty_planned_qty,
    sum(case when due_orders is not null and on_time_orders is not null then due_orders end) as due_orders__due_orders_on_time_orders,
    sum(case when first_op_pq is not null and order_sq is not null then first_op_pq end) as first_op_pq__first_op_pq_order_sq,
    sum(case when due_orders is not null and on_time_orders is not null then on_time_orders end) as on_time_orders__due_orders_on_time_orders,
    sum(case when aoet_s is not null and order_apt_s is not null then order_apt_s end) as order_apt_s__aoet_s_order_apt_s,
    sum(case when aoet_s is not null and order_aubt_s is not null then order_aubt_s end) as order_aubt_s__aoet_s_order_aubt_s,
    sum(case when aoet_s is not null and order_pq is not null then order_pq end) as order_pq__aoet_s_order_pq,
    sum(case when order_psq is not null and order_sq is not null then order_psq end) as order_psq__order_psq_order_sq,
    sum(case when first_op_pq is not null and order_sq is not null then order_sq end) as order_sq__first_op_pq_order_sq,
    sum(case when order_psq is not null and order_sq is not null then order_sq end) as order_sq__order_psq_order_sq,
    sum(case when attained_qty is not null and planned_qty is not null then planned_qty end) as planned_qty__attained_qty_planned_qty,
    max(case when aoet_s is not null and order_apt_s is not null then 1 else 0 end) as in_aoet_s_order_apt_s,
    max(case when aoet_s is not null and order_aubt_s is not null then 1 else 0 end) as in_aoet_s_order_aubt_s,
    max(case when aoet_s is not null and order_pq is not null then 1 else 0 end) as in_aoet_s_order_pq,
    max(case when attained_qty is not null and planned_qty is not null then 1 else 0 end) as in_attained_qty_planned_qty,
    max(case when due_orders is not null and on_time_orders is not null then 1 else 0 end) as in_due_orders_on_time_orders,
    max(case when first_op_pq is not null and order_sq is not null then 1 else 0 end) as in_first_op_pq_order_sq,
    max(case when order_psq is not null and order_sq is not null then 1 else 0 end) as in_order_psq_order_sq,
    max(release_id) as release_id,
    max(as_of_ts) as as_of_ts
from row_order where not is_nothing
group by plant_id, equipment_id, cast(date_trunc('week', production_day) as date)
union all
select 'MONTH' as period_type, cast(date_trunc('month', production_day) as date) as period_start, plant_id, equipment_id,
    sum(case when aoet_s is not null and order_apt_s is not null then aoet_s end) as aoet_s__aoet_s_order_apt_s,
    sum(case when aoet_s is not null and order_aubt_s is not null then aoet_s end) as aoet_s__aoet_s_order_aubt_s,
    sum(case when aoet_s is not null and order_pq is not null then aoet_s end) as aoet_s__aoet_s_order_pq,
    sum(case when attained_qty is not null and planned_qty is not null then attained_qty end) as attained_qty__attained_qty_planned_qty,
    sum(case when due_orders is not null and on_time_orders is not null then due_orders end) as due_orders__due_orders_on_time_orders,
    sum(case when first_op_pq is not null and order_sq is not null then first_op_pq end) as first_op_pq__first_op_pq_order_sq,
    sum(case when due_orders is not null and on_time_orders is not null then on_time_orders end) as on_time_orders__due_orders_on_time_orders,
    sum(case when aoet_s is not null and order_apt_s is not null then order_apt_s end) as order_apt_s__aoet_s_order_apt_s,
    sum(case when aoet_s is not null and order_aubt_s is not null then order_aubt_s end) as order_aubt_s__aoet_s_order_aubt_s,
    sum(case when aoet_s is not null and order_pq is not null then order_pq end) as order_pq__aoet_s_order_pq,
    sum(case when order_psq is not null and order_sq is not null then order_psq end) as order_psq__order_psq_order_sq,
    sum(case when first_op_pq is not null and order_sq is not null then order_sq end) as order_sq__first_op_pq_order_sq,
    sum(case when order_psq is not null and order_sq is not null then order_sq end) as order_sq__order_psq_order_sq,
    sum(case when attained_qty is not null and planned_qty is not null then planned_qty end) as planned_qty__attained_qty_planned_qty,
    max(case when aoet_s is not null and order_apt_s is not null then 1 else 0 end) as in_aoet_s_order_apt_s,
    max(case when aoet_s is not null and order_aubt_s is not null then 1 else 0 end) as in_aoet_s_order_aubt_s,
    max(case when aoet_s is not null and order_pq is not null then 1 else 0 end) as in_aoet_s_order_pq,
    max(case when attained_qty is not null and planned_qty is not null then 1 else 0 end) as in_attained_qty_planned_qty,
    max(case when due_orders is not null and on_time_orders is not null then 1 else 0 end) as in_due_orders_on_time_orders,
    max(case when first_op_pq is not null and order_sq is not null then 1 else 0 end) as in_first_op_pq_order_sq,
    max(case when order_psq is not null and order_sq is not null then 1 else 0 end) as in_order_psq_order_sq,
    max(release_id) as release_id,
    max(as_of_ts) as as_of_ts
from row_order
group by plant_id, equipment_id, cast(date_trunc('month', production_day) as date)
union all
select 'QUARTER' as period_type, cast(date_trunc('quarter', production_day) as date) as period_start, plant_id, equipment_id,
    sum(case when aoet_s is not null and order_apt_s is not null then aoet_s end) as aoet_s__aoet_s_order_apt_s,
    sum(case when aoet_s is not null and order_aubt_s is not null then aoet_s end) as aoet_s__aoet_s_order_aubt_s,
    sum(case when aoet_s is not null and order_pq is not null then aoet_s end) as aoet_s__aoet_s_order_pq,
    sum(case when attained_qty is not null and planned_qty is not null then attained_qty end) as attained_qty__attained_qty_planned_qty,
    sum(case when due_orders is not null and on_time_orders is not null then due_orders end) as due_orders__due_orders_on_time_orders,
    sum(case when first_op_pq is not null and order_sq is not null then first_op_pq end) as first_op_pq__first_op_pq_order_sq,
    sum(case when due_orders is not null and on_time_orders is not null then on_time_orders end) as on_time_orders__due_orders_on_time_orders,
    sum(case when aoet_s is not null and order_apt_s is not null then order_apt_s end) as order_apt_s__aoet_s_order_apt_s,
    sum(case when aoet_s is not null and order_aubt_s is not null then order_aubt_s end) as order_aubt_s__aoet_s_order_aubt_s,
    sum(case when aoet_s is not null and order_pq is not null then order_pq end) as order_pq__aoet_s_order_pq,
    sum(case when order_psq is not null and order_sq is not null then order_psq end) as order_psq__order_psq_order_sq,
    sum(case when first_op_pq is not null and order_sq is not null then order_sq end) as order_sq__first_op_pq_order_sq,
    sum(case when order_psq is not null and order_sq is not null then order_sq end) as order_sq__order_psq_order_sq,
    sum(case when attained_qty is not null and planned_qty is not null then planned_qty end) as planned_qty__attained_qty_planned_qty,
    max(case when aoet_s is not null and order_apt_s is not null then 1 else 0 end) as in_aoet_s_order_apt_s,
    max(case when aoet_s is not null and order_aubt_s is not null then 1 else 0 end) as in_aoet_s_order_aubt_s,
    max(case when aoet_s is not null and order_pq is not null then 1 else 0 end) as in_aoet_s_order_pq,
    max(case when attained_qty is not null and planned_qty is not null then 1 else 0 end) as in_attained_qty_planned_qty,
    max(case when due_orders is not null and on_time_orders is not null then 1 else 0 end) as in_due_orders_on_time_orders,
    max(case when first_op_pq is not null and order_sq is not null then 1 else 0 end) as in_first_op_pq_order_sq,
    max(case when order_psq is not null and order_sq is not null then 1 else 0 end) as in_order_psq_order_sq,
    max(release_id) as release_id,
    max(as_of_ts) as as_of_ts
from row_order
group by plant_id, equipment_id, cast(date_trunc('quarter', production_day) as date)
),

plant_order as (
select
    x.scope_type, x.scope_id, x.plant_id, u.period_type, u.period_start, max(x.scope_name) as scope_name,
    sum(aoet_s__aoet_s_order_apt_s) as aoet_s__aoet_s_order_apt_s,
    sum(aoet_s__aoet_s_order_aubt_s) as aoet_s__aoet_s_order_aubt_s,
    sum(aoet_s__aoet_s_order_pq) as aoet_s__aoet_s_order_pq,
    sum(attained_qty__attained_qty_planned_qty) as attained_qty__attained_qty_planned_qty,
    sum(due_orders__due_orders_on_time_orders) as due_orders__due_orders_on_time_orders,
    sum(first_op_pq__first_op_pq_order_sq) as first_op_pq__first_op_pq_order_sq,
    sum(on_time_orders__due_orders_on_time_orders) as on_time_orders__due_orders_on_time_orders,
    sum(order_apt_s__aoet_s_order_apt_s) as order_apt_s__aoet_s_order_apt_s,
    sum(order_aubt_s__aoet_s_order_aubt_s) as order_aubt_s__aoet_s_order_aubt_s,
    sum(order_pq__aoet_s_order_pq) as order_pq__aoet_s_order_pq,
    sum(order_psq__order_psq_order_sq) as order_psq__order_psq_order_sq,
    sum(order_sq__first_op_pq_order_sq) as order_sq__first_op_pq_order_sq,
    sum(order_sq__order_psq_order_sq) as order_sq__order_psq_order_sq,
    sum(planned_qty__attained_qty_planned_qty) as planned_qty__attained_qty_planned_qty,
    max(in_aoet_s_order_apt_s) as in_aoet_s_order_apt_s,
    max(in_aoet_s_order_aubt_s) as in_aoet_s_order_aubt_s,
    max(in_aoet_s_order_pq) as in_aoet_s_order_pq,
    max(in_attained_qty_planned_qty) as in_attained_qty_planned_qty,
    max(in_due_orders_on_time_orders) as in_due_orders_on_time_orders,
    max(in_first_op_pq_order_sq) as in_first_op_pq_order_sq,
    max(in_order_psq_order_sq) as in_order_psq_order_sq,
    max(release_id) as release_id,
    max(as_of_ts) as as_of_ts
from period_order as u
inner join unit_scope as x on u.equipment_id = x.unit_id
group by x.scope_type, x.scope_id, x.plant_id, u.period_type, u.period_start
)

select
    plant_id, period_start as month,
    aoet_s__aoet_s_order_apt_s,
    aoet_s__aoet_s_order_aubt_s,
    aoet_s__aoet_s_order_pq,
    attained_qty__attained_qty_planned_qty,
    due_orders__due_orders_on_time_orders,
    first_op_pq__first_op_pq_order_sq,
    on_time_orders__due_orders_on_time_orders,
    order_apt_s__aoet_s_order_apt_s,
    order_aubt_s__aoet_s_order_aubt_s,
    order_pq__aoet_s_order_pq,
    order_psq__order_psq_order_sq,
    order_sq__first_op_pq_order_sq,
    order_sq__order_psq_order_sq,
    planned_qty__attained_qty_planned_qty
from plant_order
where scope_type = 'PLANT' and period_type = 'MONTH'
