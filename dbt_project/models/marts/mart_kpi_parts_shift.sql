{{ config(materialized='view', tags=['standing']) }}
-- ADDITIVE parts with all their versions. Parts move here from candidate_parts when the gold gate lets their plant pass (pipelines.release):
-- depends_on: {{ ref('candidate_parts') }}
select * from {{ source('state', 'parts') }}
