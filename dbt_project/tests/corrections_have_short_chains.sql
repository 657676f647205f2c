{{ config(tags=["notice"]) }}
-- Corrections are followed four steps up (int_count__booked); a fifth would be booked in the wrong shift. A correction of itself too.
select c1.plant_id, c1.count_id
from {{ source('silver', 'production_count') }} as c1
inner join {{ source('silver', 'production_count') }} as c2 on coalesce(c1.corrects_count_id, c1.reverses_count_id) = c2.count_id and c2.is_current
inner join {{ source('silver', 'production_count') }} as c3 on coalesce(c2.corrects_count_id, c2.reverses_count_id) = c3.count_id and c3.is_current
inner join {{ source('silver', 'production_count') }} as c4 on coalesce(c3.corrects_count_id, c3.reverses_count_id) = c4.count_id and c4.is_current
inner join {{ source('silver', 'production_count') }} as c5 on coalesce(c4.corrects_count_id, c4.reverses_count_id) = c5.count_id and c5.is_current
where c1.is_current and coalesce(c5.corrects_count_id, c5.reverses_count_id) is not null
