{{ config(materialized='incremental', incremental_strategy='by_scope', on_schema_change='append_new_columns', full_refresh=false) }}
-- THE LEDGER: one row per stretch of a unit's time with one owner; no gap, no overlap, from the start of its horizon to its watermark.
select * from {{ ref('int_segment__labelled') }}
