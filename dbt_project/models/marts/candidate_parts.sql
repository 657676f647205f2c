{{ config(materialized='table') }}
-- ADDITIVE parts of the days in scope, as they would be: of units that have a ledger, and of lines, which are made of their stations.
select * from {{ ref('int_unit__parts') }}
union all
select * from {{ ref('int_line__parts') }}
