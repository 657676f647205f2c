{{ config(materialized='table') }}
-- One row per unit, product and tool that was made, and span: the ideal rate (PRI, s per piece) that holds. The plant's order of bases
-- decides (specification 6), then the most specific line (tool, then material, then equipment), then the line that began last.
with made as (
    select distinct plant_id, equipment_id, material_id, tool_code from {{ ref('int_count__booked') }}
),

matched as (
    select
        k.equipment_id, coalesce(k.material_id, '') as material_key, coalesce(k.tool_code, '') as tool_key,
        r.pri_s, r.ideal_rate_id, b.rank as basis_rank, w.any_equipment + w.any_material + w.any_tool as wildcards, w.any_tool, w.any_material,
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
    inner join {{ source('silver', 'rate_basis_rank') }} as b on r.plant_id = b.plant_id and r.rate_basis = b.rate_basis
    where r.is_current and not r.is_deleted
)

{{ best_in_time('matched', ['equipment_id', 'material_key', 'tool_key'], ['pri_s'],
    'm.basis_rank, m.wildcards, m.any_tool, m.any_material, m.from_us desc, m.ideal_rate_id') }}
