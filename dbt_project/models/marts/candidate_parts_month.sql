{{ config(materialized='table', tags=['records']) }}
-- ADDITIVE parts of the plant-months in scope: money in the reporting currency (flows at the month's average rate, stocks and assets at its
-- closing rate), stock times days, delivery lines. What no record tells, or no rate converts, is NULL.
with plant as (
    select plant_id, currency, reporting_currency from {{ source('silver', 'plant') }}
),

rate as (
    select p.plant_id, f.period, f.rate_type, max(f.rate) as rate
    from plant as p
    inner join {{ source('silver', 'fx_rate') }} as f on f.from_ccy = p.currency and f.to_ccy = p.reporting_currency
    group by p.plant_id, f.period, f.rate_type
),

cost as (
    select plant_id, cast(date_trunc('month', period) as date) as period, cost_class, sum(amount_local) as amount
    from {{ source('silver', 'cost') }}
    where is_current and not is_deleted
    group by plant_id, cast(date_trunc('month', period) as date), cost_class
),

-- The mean over the days of which the stock is told, all materials together.
stock_day as (
    select plant_id, cast(date_trunc('month', snapshot_date) as date) as period, snapshot_date,
        sum(value_local) as value_local, sum(case when stock_class = 'WIP' then value_local end) as wip_local
    from {{ source('silver', 'inventory_snapshot') }}
    where is_current and not is_deleted
    group by plant_id, cast(date_trunc('month', snapshot_date) as date), snapshot_date
),

stock as (
    select plant_id, period, cast(sum(value_local) as double) / count(value_local) as value_local,
        cast(sum(wip_local) as double) / nullif(count(wip_local), 0) as wip_local
    from stock_day group by plant_id, period
),

delivery as (
    select plant_id, cast(date_trunc('month', promised_date) as date) as period, count(*) as due_lines,
        sum(case when last_delivery_date <= promised_date and delivered_qty >= ordered_qty then 1 else 0 end) as otif_lines
    from {{ source('silver', 'delivery_line') }}
    where is_current and not is_deleted
    group by plant_id, cast(date_trunc('month', promised_date) as date)
),

told as (
    select plant_id, period from cost
    union
    select plant_id, period from stock
    union
    select plant_id, period from delivery
),

scoped as (
    select t.* from told as t
    inner join {{ ref('int_scope_place') }} as s on s.equipment_id = '~' || t.plant_id and s.production_day = t.period
    union
    select t.* from told as t
    inner join {{ ref('int_scope_place') }} as s on s.equipment_id = '~' || t.plant_id and s.production_day is null
),

flow as (
    select
        s.plant_id, s.period,
        {% for name, classes in {
            'conversion_cost': ['DIRECT_LABOUR', 'ENERGY', 'MAINTENANCE', 'DEPRECIATION', 'OVERHEAD'], 'copq': ['SCRAP', 'REWORK', 'WARRANTY'],
            'coq_prevention_appraisal': ['PREVENTION', 'APPRAISAL'], 'cogs': ['COGS'], 'revenue': ['REVENUE'],
            'maintenance_cost': ['MAINTENANCE'], 'rav': ['REPLACEMENT_ASSET_VALUE']}.items() -%}
        sum(case when c.cost_class in ('{{ classes | join("', '") }}') then c.amount end) as {{ name }}{{ ',' if not loop.last }}
        {% endfor %}
    from scoped as s
    left join cost as c on s.plant_id = c.plant_id and s.period = c.period
    group by s.plant_id, s.period
),

converted as (
    select
        f.*, case when p.currency = p.reporting_currency then 1.0 else cast(a.rate as double) end as avg_rate,
        case when p.currency = p.reporting_currency then 1.0 else cast(k.rate as double) end as close_rate,
        {{ days_between('f.period', 'cast(f.period + interval 1 month as date)') }} as days
    from flow as f
    inner join plant as p on f.plant_id = p.plant_id
    left join rate as a on f.plant_id = a.plant_id and f.period = a.period and a.rate_type = 'AVG'
    left join rate as k on f.plant_id = k.plant_id and f.period = k.period and k.rate_type = 'CLOSE'
)

select
    c.plant_id, '~' || c.plant_id as equipment_id, c.period as production_day, c.days,
    {% for name in ('conversion_cost', 'copq', 'coq_prevention_appraisal', 'cogs', 'revenue', 'maintenance_cost') -%}
    cast(round(cast(c.{{ name }} as double) * c.avg_rate, 4) as decimal(18, 4)) as {{ name }}_rc,
    {% endfor -%}
    cast(round(cast(c.rav as double) * c.close_rate * c.days, 4) as decimal(22, 4)) as rav_days_rc,
    cast(round(s.value_local * c.close_rate * c.days, 4) as decimal(22, 4)) as inventory_days_rc,
    cast(round(s.wip_local * c.close_rate * c.days, 4) as decimal(22, 4)) as wip_days_rc,
    d.due_lines, d.otif_lines,
    (c.conversion_cost is not null or c.cogs is not null) and c.avg_rate is null or s.value_local is not null and c.close_rate is null as lacks_rate,
    (select b.calc_version from {{ source('state', 'building') }} as b) as calc_version,
    (select b.as_of_ts from {{ source('state', 'building') }} as b) as as_of_ts
from converted as c
left join stock as s on c.plant_id = s.plant_id and c.period = s.period
left join delivery as d on c.plant_id = d.plant_id and c.period = d.period
