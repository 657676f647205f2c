{{ config(materialized='by_scope', tags=['records']) }}
-- THE LEDGER OF OTHER RECORDS: one row per record and place and day that it is booked in, so that parts of days, orders, inspections and
-- plant-months can be followed to the records they are made of. `word` is what the record says it is; `amount` is in the record's own unit.
with record as (
    select
        plant_id, equipment_id, production_day,
        case kind when 'energy' then 'energy' when 'labour' then 'labour_time' else 'maintenance_order' end as table_name,
        record_id, word, cast(amount as double) as amount, worked_s as further
    from {{ ref('int_record__dated') }}
    union all
    select plant_id, place, production_day, 'inspection_result', inspection_id, coalesce(result, characteristic), quantity, measured_value
    from {{ ref('int_inspection__dated') }}
    union all
    select plant_id, equipment_id, production_day, 'production_order', order_id, kind, planned_qty, aoet_s
    from {{ ref('candidate_parts_order') }}
    union all
    select plant_id, '~' || plant_id, cast(date_trunc('month', period) as date), 'cost', cost_id, cost_class, amount_local, null
    from {{ source('silver', 'cost') }}
    where is_current and not is_deleted
    union all
    select plant_id, '~' || plant_id, cast(date_trunc('month', snapshot_date) as date), 'inventory_snapshot', inventory_snapshot_id, stock_class,
        value_local, null
    from {{ source('silver', 'inventory_snapshot') }}
    where is_current and not is_deleted
    union all
    select plant_id, '~' || plant_id, cast(date_trunc('month', promised_date) as date), 'delivery_line', delivery_line_id,
        case when last_delivery_date <= promised_date and delivered_qty >= ordered_qty then 'OTIF' else 'LATE_OR_SHORT' end, ordered_qty, null
    from {{ source('silver', 'delivery_line') }}
    where is_current and not is_deleted
),

scoped as (
    select r.* from record as r
    inner join (select distinct equipment_id, production_day from {{ ref('int_scope_place') }}) as s
        on r.equipment_id = s.equipment_id and r.production_day = s.production_day
    union
    select r.* from record as r
    inner join (select distinct equipment_id from {{ ref('int_scope_place') }} where production_day is null) as s on r.equipment_id = s.equipment_id
)

select
    plant_id, equipment_id, production_day, table_name, record_id, word, cast(amount as double) as amount, cast(further as double) as further
from scoped
order by production_day, equipment_id, table_name, record_id
