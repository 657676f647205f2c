{{ config(materialized='table') }}
-- One row per count with its ideal rate (PRI, s per piece) and the part of mart_kpi_parts_shift that it belongs to.
with combination as (
    select distinct plant_id, equipment_id, material_id, tool_code from {{ ref('int_count__windowed') }}
),

-- The most specific rate of the best basis; few combinations, so the comparison is cheap.
rate as (
    select
        k.equipment_id, k.material_id, k.tool_code, r.pri_s, r.valid_from, r.valid_to,
        row_number() over (
            partition by k.equipment_id, k.material_id, k.tool_code
            order by b.rank,
                case when r.tool_code is null then 1 else 0 end + case when r.material_id is null then 1 else 0 end
                + case when r.equipment_id is null then 1 else 0 end,
                r.valid_from desc, r.ideal_rate_id
        ) as choice
    from combination as k
    inner join {{ source('silver', 'ideal_rate') }} as r
        on k.plant_id = r.plant_id
        and (r.equipment_id is null or r.equipment_id = k.equipment_id)
        and (r.material_id is null or r.material_id = k.material_id)
        and (r.tool_code is null or r.tool_code = k.tool_code)
    inner join {{ source('silver', 'rate_basis_rank') }} as b on r.plant_id = b.plant_id and r.rate_basis = b.rate_basis
    where r.is_current and not r.is_deleted
),

chosen as (
    select
        c.*, r.pri_s,
        row_number() over (partition by c.count_id order by r.choice) as first_choice
    from {{ ref('int_count__windowed') }} as c
    left join rate as r
        on c.equipment_id = r.equipment_id
        and coalesce(c.material_id, '') = coalesce(r.material_id, '') and coalesce(c.tool_code, '') = coalesce(r.tool_code, '')
        and c.event_ts >= r.valid_from and (r.valid_to is null or c.event_ts < r.valid_to)
)

select
    plant_id, equipment_id, count_id, coalesce(material_id, '?') as material_key, window_ref, t, pq, gq, sq, rq, pri_s,
    cast(round(cast(pq as double) * pri_s, 9) as decimal(28, 9)) as ideal_pq_s,
    cast(round(cast(gq as double) * pri_s, 9) as decimal(28, 9)) as ideal_gq_s
from chosen
where first_choice = 1
