{{ config(materialized='ephemeral') }}
-- One row per line and shift: its constraint, a group of parallel stations; where nothing was made, the default or else the first station.
select line_id, line_shift_id, parallel_group, parallel from (
    select
        g.line_id, g.line_shift_id, g.parallel_group, g.parallel,
        row_number() over (
            partition by g.line_id, g.line_shift_id
            order by coalesce(p.pq * p.pri_s, 0) desc, g.is_default desc, g.parallel_group
        ) as choice
    from (
        select line_id, line_shift_id, parallel_group, max(parallel) as parallel,
            max(case when is_constraint_default then 1 else 0 end) as is_default
        from {{ ref('int_line__part') }}
        group by line_id, line_shift_id, parallel_group
    ) as g
    left join {{ ref('int_line__made') }} as p on g.line_id = p.line_id and g.line_shift_id = p.line_shift_id and g.parallel_group = p.parallel_group
) as ranked
where choice = 1
