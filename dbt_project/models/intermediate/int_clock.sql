-- One row per source and UTC day of its stamps on which its clock is corrected by what a reference saw (rule T17). Another day has the offset
-- that the plant file states (int_source). Both ends of an event take the offset of the day on which it starts, so that its length stays.
select
    plant_id,
    source_system,
    {{ days_between("cast('1970-01-01' as date)", 'day') }} as day_no,
    cast(round(offset_s * 1000000) as bigint) as offset_us
from {{ source('silver', 'clock_offset') }}
where is_applied
