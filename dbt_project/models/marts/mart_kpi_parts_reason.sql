{{ config(materialized='view', tags=['standing']) }}
-- ADDITIVE parts with all their versions (pipelines.release):
-- depends_on: {{ ref('candidate_parts_reason') }}
select * from {{ source('state', 'parts_reason') }}
