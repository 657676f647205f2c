{{ config(materialized='ephemeral') }}
-- The ledger of the days in scope, as this build made it.
select s.*, {{ micros('s.start_ts') }} as start_us, {{ micros('s.end_ts') }} as end_us
from {{ ref('int_time_segment') }} as s
inner join {{ ref('int_scope') }} as x on s.equipment_id = x.equipment_id and s.production_day = x.production_day
