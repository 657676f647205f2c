{{ config(materialized='table') }}
-- One row per unit, product and tool that was made, and span: the ideal rate (PRI, s per piece) that holds. The plant's order of bases
-- decides (specification 6), then the most specific line (tool, then material, then equipment), then the line that began last.
-- `local_pri_s` is the rate on the basis of the plant's own definition (specification 4.1), where it has one.
with made as (
    select distinct plant_id, equipment_id, material_id, tool_code from {{ ref('int_count__booked') }}
),

matched as (
    select
        k.equipment_id, coalesce(k.material_id, '') as material_key, coalesce(k.tool_code, '') as tool_key,
        r.pri_s, r.ideal_rate_id, r.rate_basis, b.rank as basis_rank, r.rate_basis = d.rate_basis as is_local,
        w.any_equipment + w.any_material + w.any_tool as wildcards, w.any_tool, w.any_material,
        {{ micros('r.valid_from') }} as from_us,
        coalesce({{ micros('r.valid_to') }}, {{ always_to() }}) as to_us
    from made as k
    cross join (
        select e.wild as any_equipment, m.wild as any_material, t.wild as any_tool
        from (select 0 as wild union all select 1) as e
        cross join (select 0 as wild union all select 1) as m
        cross join (select 0 as wild union all select 1) as t
    ) as w
    inner join {{ source('silver', 'ideal_rate') }} as r
        on k.plant_id = r.plant_id
        and coalesce(r.equipment_id, '') = case when w.any_equipment = 1 then '' else k.equipment_id end
        and coalesce(r.material_id, '') = case when w.any_material = 1 then '' else k.material_id end
        and coalesce(r.tool_code, '') = case when w.any_tool = 1 then '' else k.tool_code end
    left join {{ source('silver', 'rate_basis_rank') }} as b on r.plant_id = b.plant_id and r.rate_basis = b.rate_basis
    left join {{ source('silver', 'plant_definition_profile') }} as d on r.plant_id = d.plant_id
    where r.is_current and not r.is_deleted and (b.rank is not null or r.rate_basis = d.rate_basis)
),

of_bases as (select * from matched where basis_rank is not null),

of_local as (select * from matched where is_local),

best as (
    {{ best_in_time('of_bases', ['equipment_id', 'material_key', 'tool_key'], ['pri_s', 'ideal_rate_id', 'rate_basis'],
        'm.basis_rank, m.wildcards, m.any_tool, m.any_material, m.from_us desc, m.ideal_rate_id') }}
),

best_local as (
    {{ best_in_time('of_local', ['equipment_id', 'material_key', 'tool_key'], ['pri_s'],
        'm.wildcards, m.any_tool, m.any_material, m.from_us desc, m.ideal_rate_id') }}
),

either as (
    select equipment_id, material_key, tool_key, from_us, to_us, pri_s, ideal_rate_id, rate_basis, cast(null as double) as local_pri_s from best
    union all
    select equipment_id, material_key, tool_key, from_us, to_us, null, null, null, pri_s from best_local
),

-- Spans in which neither of the two changes.
cut as (
    select equipment_id, material_key, tool_key, t as from_us, lead(t) over (partition by equipment_id, material_key, tool_key order by t) as to_us
    from (
        select equipment_id, material_key, tool_key, from_us as t from either
        union
        select equipment_id, material_key, tool_key, to_us from either
    ) as instant
)

select
    c.equipment_id, c.material_key, c.tool_key, c.from_us, c.to_us,
    max(e.pri_s) as pri_s, max(e.ideal_rate_id) as ideal_rate_id, max(e.rate_basis) as rate_basis, max(e.local_pri_s) as local_pri_s
from cut as c
inner join either as e
    on c.equipment_id = e.equipment_id and c.material_key = e.material_key and c.tool_key = e.tool_key
    and e.from_us <= c.from_us and e.to_us >= c.to_us
group by c.equipment_id, c.material_key, c.tool_key, c.from_us, c.to_us
