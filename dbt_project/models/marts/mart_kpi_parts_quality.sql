{{ config(materialized='view', tags=['standing']) }}
-- ADDITIVE parts with all their versions (pipelines.release):
-- depends_on: {{ ref('candidate_parts_quality') }}
select * from {{ source('state', 'parts_quality') }}
