{{ config(materialized='table') }}
-- One row per reason code that an event can have, with its number: reasons travel through the sweep in a few bits.
with code as (
    select reason_code from {{ ref('downtime_reason') }}
    union
    select reason_code from {{ source('silver', 'map_downtime_reason') }} where reason_code is not null
    union
    select 'U-UNC'
)

select row_number() over (order by c.reason_code) as reason_no, c.reason_code, r.state_class, r.counts_as_failure
from code as c
left join {{ ref('downtime_reason') }} as r on c.reason_code = r.reason_code
