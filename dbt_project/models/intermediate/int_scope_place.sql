{{ config(materialized='ephemeral') }}
-- The scope of what is not a shift's: one row per place and production day that is made anew; a day of NULL is every day. A place is a KPI
-- unit with a ledger, or '~' and the plant for what belongs to none of its units.
select plant_id, equipment_id, production_day from {{ ref('int_scope') }}
union
select plant_id, '~' || plant_id, production_day
from {{ source('state', 'open_scope') }}
where equipment_id in ('*', '~' || plant_id)
