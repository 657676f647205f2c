{{ config(materialized='table') }}
-- ADDITIVE parts of the lines in scope, from the parts of their stations (specification 2, serial line). The constraint of a product is the
-- station, or the group of parallel stations, that needs longest for a piece: PRI_line = max(PRI / stations in parallel). A shift's time
-- is that of the constraint of the product with the most ideal time in it (the mean of its parallel stations); pieces produced are those
-- of the constraint, good pieces those of the output.
{%- set times = ['ct_s', 'pot_s', 'planned_maint_s', 'planned_break_s', 'planned_no_demand_s', 'planned_other_s', 'pbt_planned_s',
    'pbt_ext_s', 'pbt_s', 'apt_s', 'aust_s', 'adet_eq_s', 'adet_org_s', 'micro_s', 'adot_s', 'unknown_s', 'aupt_s', 'aubt_s',
    'coded_stop_s', 'apt_rated_s', 'micro_rated_s', 'rate_base_s', 'rate_known_s', 'tbf_s', 'local_pbt_s'] %}
{#- Means of parallel stations are rounded: what is a sum of times is the sum of the rounded ones, so that time is divided without rest. #}
{%- set busy = 'apt_s + aust_s + adet_eq_s + adet_org_s + micro_s' %}
{%- set pbt = 'coalesce(' ~ busy ~ ' + adot_s + unknown_s, pbt_s)' %}
{%- set pot = 'coalesce(planned_maint_s + planned_break_s + planned_no_demand_s + planned_other_s + ' ~ pbt ~ ', pot_s)' %}
{%- set sums = {
    'ct_s': 'coalesce(' ~ pot ~ ' + ct_s - pot_s, ct_s)', 'pot_s': pot, 'pbt_s': pbt, 'pbt_planned_s': pbt ~ ' - pbt_ext_s',
    'aupt_s': 'apt_s + aust_s', 'aubt_s': busy, 'tbf_s': 'apt_s + aust_s'} %}
{%- set bases = ['ideal_best_s', 'ideal_engineered_s', 'ideal_erp_s'] %}
{%- set events = ['fe', 'ttr_s', 'setup_count', 'setup_elapsed_s'] %}
with part as (
    select * from {{ ref('int_line__part') }}
),

product as (
    select * from {{ ref('int_line__made') }}
),

output as (
    select
        line_id, line_shift_id, material_key,
        case when count(gq) = count(*) then sum(gq) end as gq, sum(sq) as sq, sum(rq) as rq, sum(good_equiv_units) as good_equiv_units,
        sum(unknown_good_counts) as unknown_good_counts
    from part
    where material_key <> '~' and is_output_counter
    group by line_id, line_shift_id, material_key
),

mean as (
    select
        p.line_id, p.line_shift_id, min(p.plant_id) as plant_id, min(p.production_day) as production_day, min(p.shift_code) as shift_code,
        min(p.start_ts) as start_ts, min(p.state_method) as state_method, bool_or(p.is_preliminary) as is_preliminary,
        bool_or(p.has_shift_overlap) as has_shift_overlap, min(p.flags) as flags,
        {% for name in times -%}
        cast(round(cast(sum(p.{{ name }}) as double) / max(p.parallel), 6) as decimal(18, 6)) as {{ name }},
        {% endfor -%}
        {% for name in events -%}
        sum(p.{{ name }}) as {{ name }},
        {% endfor -%}
        max(p.expected_count_shifts) as expected_count_shifts, max(p.reported_count_shifts) as reported_count_shifts
    from part as p
    inner join {{ ref('int_line__constraint') }} as c
        on p.line_id = c.line_id and p.line_shift_id = c.line_shift_id and p.parallel_group = c.parallel_group
    group by p.line_id, p.line_shift_id
),

shift as (
    select
        line_id, line_shift_id, plant_id, production_day, shift_code, start_ts, state_method, is_preliminary, has_shift_overlap, flags,
        {% for name in times -%}
        cast({{ sums.get(name, name) }} as decimal(18, 6)) as {{ name }},
        {% endfor -%}
        {% for name in events -%}
        {{ name }},
        {% endfor -%}
        expected_count_shifts, reported_count_shifts
    from mean
),

row_of as (
    select s.*, '~' as material_key, true as is_shift, case when p.line_id is not null then 0 end as pq,
        case when p.line_id is not null then 0 end as gq, case when p.line_id is not null then 0 end as sq,
        case when p.line_id is not null then 0 end as rq, case when p.line_id is not null then 0 end as good_equiv_units,
        case when p.line_id is not null then 0 end as ideal_pq_s, case when p.line_id is not null then 0 end as ideal_gq_s,
        {% for name in bases %}case when p.line_id is not null then 0 end as {{ name }}, {% endfor %}
        p.ideal_pq_s as local_ideal_pq_s, p.ideal_gq_s as local_ideal_gq_s, 0 as unknown_good_counts, 0 as outside_counts
    from shift as s
    left join (
        select m.line_id, m.line_shift_id, sum(m.pq * m.pri_s) as ideal_pq_s, sum(o.gq * m.pri_s) as ideal_gq_s
        from product as m
        left join output as o on m.line_id = o.line_id and m.line_shift_id = o.line_shift_id and m.material_key = o.material_key
        group by m.line_id, m.line_shift_id
    ) as p on s.line_id = p.line_id and s.line_shift_id = p.line_shift_id
    union all
    select s.*, m.material_key, false, m.pq, o.gq, o.sq, o.rq, o.good_equiv_units, m.pq * m.pri_s, o.gq * m.pri_s,
        {% for name in bases %}m.{{ name }}, {% endfor %}0, 0, coalesce(o.unknown_good_counts, 0), 0
    from shift as s
    inner join product as m on s.line_id = m.line_id and s.line_shift_id = m.line_shift_id
    left join output as o on m.line_id = o.line_id and m.line_shift_id = o.line_shift_id and m.material_key = o.material_key
)

select
    line_id as equipment_id, line_shift_id as shift_instance_id, material_key, plant_id, production_day, shift_code, start_ts,
    {% for name in times[:18] -%}
    {{ of_shift(name) }} as {{ name }},
    {% endfor -%}
    {{ of_shift('coded_stop_s') }} as coded_stop_s,
    {{ of_shift('apt_rated_s') }} as apt_rated_s,
    {{ of_shift('micro_rated_s') }} as micro_rated_s,
    {{ of_shift('rate_base_s') }} as rate_base_s,
    {{ of_shift('rate_known_s') }} as rate_known_s,
    cast(round(ideal_pq_s, 9) as decimal(28, 9)) as ideal_pq_s,
    cast(round(ideal_gq_s, 9) as decimal(28, 9)) as ideal_gq_s,
    {% for name in bases -%}
    cast(round({{ name }}, 9) as decimal(28, 9)) as {{ name }},
    {% endfor -%}
    {{ of_shift('local_pbt_s') }} as local_pbt_s,
    cast(round(local_ideal_pq_s, 9) as decimal(28, 9)) as local_ideal_pq_s,
    cast(round(local_ideal_gq_s, 9) as decimal(28, 9)) as local_ideal_gq_s,
    cast(pq as decimal(18, 6)) as pq,
    cast(gq as decimal(18, 6)) as gq,
    cast(sq as decimal(18, 6)) as sq,
    cast(rq as decimal(18, 6)) as rq,
    cast(good_equiv_units as decimal(18, 6)) as good_equiv_units,
    {{ of_shift('fe', 'bigint') }} as fe,
    {{ of_shift('ttr_s') }} as ttr_s,
    {{ of_shift('tbf_s') }} as tbf_s,
    {{ of_shift('setup_count', 'bigint') }} as setup_count,
    {{ of_shift('setup_elapsed_s') }} as setup_elapsed_s,
    {{ of_shift('expected_count_shifts', 'integer') }} as expected_count_shifts,
    {{ of_shift('reported_count_shifts', 'integer') }} as reported_count_shifts,
    cast(unknown_good_counts as integer) as unknown_good_counts,
    cast(outside_counts as integer) as outside_counts,
    state_method, is_preliminary, has_shift_overlap, flags,
    (select b.calc_version from {{ source('state', 'building') }} as b) as calc_version,
    (select b.as_of_ts from {{ source('state', 'building') }} as b) as as_of_ts
from row_of
