{{ config(materialized='table') }}
-- One row per count with its ideal rates (of the portfolio's order of bases, and of the plant's own definition), ideal time and the
-- weight of a piece in equivalent units; without a rate ideal time is unknown.
select
    c.unit_no, c.plant_id, c.equipment_id, c.count_id, coalesce(c.material_id, '?') as material_key, c.order_id, c.operation_id,
    c.count_source, c.window_no, c.from_us, c.since_us, c.confirmed_order_id, c.booked_us, c.is_over_windows, c.is_ambiguous, c.pq, c.gq, c.sq, c.rq, c.fp_gq, r.pri_s, r.ideal_rate_id, r.rate_basis, coalesce(r.local_pri_s, r.pri_s) as local_pri_s, f.weight as equiv_weight,
    cast(round(cast(c.pq as double) * r.pri_s, 9) as decimal(28, 9)) as ideal_pq_s,
    cast(round(cast(c.gq as double) * r.pri_s, 9) as decimal(28, 9)) as ideal_gq_s
from {{ ref('int_count__windowed') }} as c
left join {{ ref('int_rate') }} as r
    on c.equipment_id = r.equipment_id
    and coalesce(c.material_id, '') = r.material_key and coalesce(c.tool_code, '') = r.tool_key
    and c.booked_us >= r.from_us and c.booked_us < r.to_us
left join {{ source('silver', 'product_family') }} as f on c.plant_id = f.plant_id and c.material_id = f.material_id
