{{ config(materialized='table') }}
-- ADDITIVE parts of what units in scope did for orders: one row per unit, production day, order and operation.
with busy as (
    select
        plant_id, equipment_id, production_day, order_id, cast(null as varchar) as operation_id,
        {{ seconds(sum_us('true')) }} as aubt_s, {{ seconds(sum_us("time_class = 'APT'")) }} as apt_s,
        cast(null as decimal(18, 6)) as pq, cast(null as decimal(18, 6)) as gq, cast(null as decimal(18, 6)) as sq
    from {{ ref('int_segment__in_scope') }} as s
    where order_id is not null and time_class in ('APT', 'AUST', 'ADET_EQ', 'ADET_ORG', 'MICRO')
    group by plant_id, equipment_id, production_day, order_id
),

made as (
    select
        plant_id, equipment_id, production_day, order_id, operation_id, null as aubt_s, null as apt_s,
        sum(pq) as pq, case when count(gq) = count(*) then sum(gq) end as gq, case when count(sq) = count(*) then sum(sq) end as sq
    from {{ ref('int_count__shifted') }}
    where order_id is not null
    group by plant_id, equipment_id, production_day, order_id, operation_id
)

select
    w.plant_id, w.equipment_id, w.production_day, w.order_id, coalesce(w.operation_id, '~') as operation_key,
    cast(w.aubt_s as decimal(18, 6)) as aubt_s, cast(w.apt_s as decimal(18, 6)) as apt_s,
    cast(w.pq as decimal(18, 6)) as pq, cast(w.gq as decimal(18, 6)) as gq, cast(w.sq as decimal(18, 6)) as sq,
    w.is_busy,
    (select b.calc_version from {{ source('state', 'building') }} as b) as calc_version,
    (select b.as_of_ts from {{ source('state', 'building') }} as b) as as_of_ts
from (select *, true as is_busy from busy union all select *, false from made) as w
