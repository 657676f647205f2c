{{ config(materialized='ephemeral') }}
-- One row per line, shift and product: what its constraint made of it, the group of parallel stations that needs longest for a piece.
with made as (
    select
        line_id, line_shift_id, material_key, parallel_group, min(production_day) as production_day,
        sum(pq) as pq, sum(ideal_pq_s) as ideal_pq_s,
        {% for name in ['ideal_best_s', 'ideal_engineered_s', 'ideal_erp_s'] -%}
        cast(sum({{ name }}) as double) / max(parallel) as {{ name }},
        {% endfor -%}
        cast(sum(ideal_pq_s) as double) / nullif(cast(sum(pq) as double), 0) / max(parallel) as pri_s,
        max(case when is_constraint_default then 1 else 0 end) as is_default
    from {{ ref('int_line__part') }}
    where material_key <> '~' and pq is not null
    group by line_id, line_shift_id, material_key, parallel_group
)

select * from (
    select *, row_number() over (
        partition by line_id, line_shift_id, material_key order by pri_s desc nulls last, is_default desc, parallel_group
    ) as choice
    from made
) as ranked
where choice = 1
