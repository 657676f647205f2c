{{ config(materialized='incremental', incremental_strategy='by_scope', on_schema_change='append_new_columns', full_refresh=false) }}
-- THE LEDGER: one row per stretch of a unit's time with one owner; no gap, no overlap, from the start of its horizon to its watermark.
-- In the order of days, so that what is asked of a few days reads a few row groups.
select * from {{ ref('int_segment__labelled') }}
order by production_day, equipment_id, start_ts
