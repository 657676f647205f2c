{{ config(materialized='table') }}
-- ADDITIVE parts of the days in scope of every unit that has a ledger: one row per unit, shift instance and product; '~' carries the
-- time that belongs to no product and everything that belongs to the shift. Without a calendar, planned and unknown time is unknown;
-- without states, run time and stops are.
with shift_count as (
    select
        equipment_id, shift_instance_id, sum(pq) as pq, sum(pq_rated) as pq_rated, sum(unrated_counts) as unrated_counts,
        sum(local_ideal_pq_s) as local_ideal_pq_s, sum(local_ideal_gq_s) as local_ideal_gq_s,
        sum(local_ideal_rq_s) as local_ideal_rq_s,
        max(ambiguous) as ambiguous, max(allocated) as allocated, max(in_stop) as in_stop, sum(outside_counts) as outside_counts, sum(unknown_good_counts) as unknown_good_counts
    from {{ ref('int_count__placed') }}
    group by equipment_id, shift_instance_id
),

shift_product_time as (
    select equipment_id, shift_instance_id, sum(apt_s) as apt_s
    from {{ ref('int_product__time') }}
    group by equipment_id, shift_instance_id
),

rated_product as (
    select distinct
        u.equipment_id, coalesce(r.material_id, '*') as material_key,
        {{ micros('r.valid_from') }} as from_us, coalesce({{ micros('r.valid_to') }}, {{ always_to() }}) as to_us
    from {{ ref('int_unit__horizon') }} as u
    inner join {{ source('silver', 'ideal_rate') }} as r
        on u.plant_id = r.plant_id and (r.equipment_id is null or r.equipment_id = u.equipment_id) and r.is_current and not r.is_deleted
    inner join {{ source('silver', 'rate_basis_rank') }} as b on r.plant_id = b.plant_id and r.rate_basis = b.rate_basis
),

-- Products that have an ideal rate at the start of the shift; '*' is a rate of any product.
rated_shift as (
    select distinct t.equipment_id, t.shift_instance_id, r.material_key
    from {{ ref('int_shift__time') }} as t
    inner join rated_product as r
        on t.equipment_id = r.equipment_id and {{ micros('t.start_ts') }} >= r.from_us and {{ micros('t.start_ts') }} < r.to_us
),

shift as (
    select
        t.*,
        u.state_method, u.state_method = 'NONE' as no_states, u.calendar = 'none' as no_calendar,
        -- A stop log says nothing about run time unless the shifts are known.
        u.state_method = 'NONE' or (u.state_method = 'RESIDUAL' and u.calendar = 'none') as no_run_time,
        t.apt_s + t.aust_s + t.adet_eq_s + t.adet_org_s + t.micro_s + t.adot_s + t.unknown_s as pbt_s,
        t.ct_s - t.not_scheduled_s as pot_s,
        t.apt_s - coalesce(p.apt_s, 0) as free_apt_s,
        c.equipment_id is not null as has_counts,
        c.pq as shift_pq, c.pq_rated as shift_pq_rated,
        c.local_ideal_pq_s,
        -- A source that cuts performance above 1 cuts all it made in that shift.
        case when d.perf_capped_at_source and c.local_ideal_pq_s > t.apt_s then cast(t.apt_s as double) / c.local_ideal_pq_s else 1 end as local_cap,
        c.local_ideal_gq_s + case when d.rework_counts_as_good then coalesce(c.local_ideal_rq_s, 0) else 0 end as local_ideal_gq_s,
        t.apt_s + t.aust_s + t.adet_eq_s + t.adet_org_s + t.micro_s + t.adot_s + t.unknown_s
        + case when d.breaks_in_pbt then t.planned_break_s else 0 end + case when d.planned_maint_in_pbt then t.planned_maint_s else 0 end
        + case when d.no_demand_in_pbt then t.planned_no_demand_s else 0 end - case when d.setup_in_pbt = false then t.aust_s else 0 end
            as local_pbt_s,
 coalesce(c.outside_counts, 0) as shift_outside,
        coalesce(c.unknown_good_counts, 0) as shift_unknown_good, greatest(t.ambiguous, coalesce(c.ambiguous, 0)) as shift_ambiguous, coalesce(c.allocated, 0) as shift_allocated, coalesce(c.in_stop, 0) as shift_in_stop,
        -- It provably made nothing: it did not run, and no second of it is unknown.
        u.state_method <> 'NONE' and t.apt_s = 0 and t.unknown_s = 0 as made_nothing,
        -- The share of the run time of no product that has an ideal rate.
        case
            when c.equipment_id is null or c.pq = 0 then case when r.equipment_id is not null then 1.0 else 0.0 end
            when c.unrated_counts = 0 then 1.0
            else cast(c.pq_rated as double) / cast(c.pq as double)
        end as rated_share
    from {{ ref('int_shift__time') }} as t
    inner join {{ ref('int_unit__horizon') }} as u on t.equipment_id = u.equipment_id
    left join {{ source('silver', 'plant_definition_profile') }} as d on t.plant_id = d.plant_id
    left join shift_product_time as p on t.equipment_id = p.equipment_id and t.shift_instance_id = p.shift_instance_id
    left join shift_count as c on t.equipment_id = c.equipment_id and t.shift_instance_id = c.shift_instance_id
    left join (select distinct equipment_id, shift_instance_id from rated_shift) as r
        on t.equipment_id = r.equipment_id and t.shift_instance_id = r.shift_instance_id
),

product as (
    select
        coalesce(n.equipment_id, p.equipment_id) as equipment_id,
        coalesce(n.shift_instance_id, p.shift_instance_id) as shift_instance_id,
        coalesce(n.material_key, p.material_key) as material_key,
        coalesce(p.apt_s, 0) as apt_s,
        coalesce(n.unrated_counts = 0, r.equipment_id is not null or a.equipment_id is not null) as is_rated,
        n.counts, n.unknown_good_counts, n.outside_counts, n.pq, n.gq, n.sq, n.rq, n.ideal_pq_s, n.ideal_gq_s,
        n.ideal_best_s, n.ideal_engineered_s, n.ideal_erp_s, n.good_equiv_units
    from {{ ref('int_count__placed') }} as n
    full outer join {{ ref('int_product__time') }} as p
        on n.equipment_id = p.equipment_id and n.shift_instance_id = p.shift_instance_id and n.material_key = p.material_key
    left join rated_shift as r
        on p.equipment_id = r.equipment_id and p.shift_instance_id = r.shift_instance_id and p.material_key = r.material_key
    left join rated_shift as a
        on p.equipment_id = a.equipment_id and p.shift_instance_id = a.shift_instance_id and a.material_key = '*'
),

part as (
    -- The shift, with the time of no product.
    select
        s.*, '~' as material_key, true as is_shift, s.free_apt_s as own_apt_s,
        cast(round(cast(s.free_apt_s as double) * s.rated_share, 6) as decimal(18, 6)) as own_apt_rated_s,
        case when s.has_counts or s.made_nothing then 0 end as pq, case when s.has_counts or s.made_nothing then 0 end as gq,
        case when s.has_counts or s.made_nothing then 0 end as sq, case when s.has_counts or s.made_nothing then 0 end as rq,
        case when s.has_counts or s.made_nothing then 0 end as ideal_pq_s, case when s.has_counts or s.made_nothing then 0 end as ideal_gq_s,
        case when s.has_counts or s.made_nothing then 0 end as ideal_best_s,
        case when s.has_counts or s.made_nothing then 0 end as ideal_engineered_s,
        case when s.has_counts or s.made_nothing then 0 end as ideal_erp_s,
        case when s.has_counts or s.made_nothing then 0 end as good_equiv_units,
        0 as unknown_good_counts, 0 as outside_counts
    from shift as s
    union all
    select
        s.*, p.material_key, false, p.apt_s, case when p.is_rated then p.apt_s else 0 end,
        p.pq, p.gq, p.sq, p.rq,
        p.ideal_pq_s, p.ideal_gq_s, p.ideal_best_s, p.ideal_engineered_s, p.ideal_erp_s, p.good_equiv_units,
        coalesce(p.unknown_good_counts, 0), coalesce(p.outside_counts, 0)
    from product as p
    inner join shift as s on p.equipment_id = s.equipment_id and p.shift_instance_id = s.shift_instance_id
)

select
    equipment_id,
    shift_instance_id,
    material_key,
    plant_id,
    production_day,
    shift_code,
    start_ts,
    {{ if_shift('ct_s') }} as ct_s,
    {{ if_shift('pot_s', 'no_calendar') }} as pot_s,
    {{ if_shift('planned_maint_s', 'no_calendar') }} as planned_maint_s,
    {{ if_shift('planned_break_s', 'no_calendar') }} as planned_break_s,
    {{ if_shift('planned_no_demand_s', 'no_calendar') }} as planned_no_demand_s,
    {{ if_shift('planned_other_s', 'no_calendar') }} as planned_other_s,
    {{ if_shift('pbt_s - pbt_ext_s', 'no_calendar') }} as pbt_planned_s,
    {{ if_shift('pbt_ext_s', 'no_calendar') }} as pbt_ext_s,
    {{ if_shift('pbt_s', 'no_calendar') }} as pbt_s,
    cast(case when not no_run_time then own_apt_s end as decimal(18, 6)) as apt_s,
    {{ if_shift('aust_s', 'no_states') }} as aust_s,
    {{ if_shift('adet_eq_s', 'no_states') }} as adet_eq_s,
    {{ if_shift('adet_org_s', 'no_states') }} as adet_org_s,
    {{ if_shift('micro_s', 'no_states') }} as micro_s,
    {{ if_shift('adot_s', 'no_states or no_calendar') }} as adot_s,
    {{ if_shift('unknown_s', 'no_states or no_calendar') }} as unknown_s,
    cast(case when not no_run_time then own_apt_s + case when is_shift then aust_s else 0 end end as decimal(18, 6)) as aupt_s,
    cast(case when not no_run_time
        then own_apt_s + case when is_shift then aust_s + adet_eq_s + adet_org_s + micro_s else 0 end end as decimal(18, 6)) as aubt_s,
    {{ if_shift('coded_stop_s', 'no_states') }} as coded_stop_s,
    cast(case when not no_run_time then own_apt_rated_s end as decimal(18, 6)) as apt_rated_s,
    {{ if_shift('round(cast(micro_s as double) * rated_share, 6)', 'no_run_time') }} as micro_rated_s,
    -- What rate coverage is a share of: run time, or the planned time of shifts with counts where run time is not known.
    {{ if_shift('case when not no_run_time then apt_s when shift_pq > 0 and not no_calendar then pbt_s else 0 end') }} as rate_base_s,
    cast(case
        when not no_run_time then own_apt_rated_s
        when is_shift and shift_pq > 0 and not no_calendar
            then round(cast(pbt_s as double) * cast(shift_pq_rated as double) / cast(shift_pq as double), 6)
        else 0
    end as decimal(18, 6)) as rate_known_s,
    cast(ideal_pq_s as decimal(28, 9)) as ideal_pq_s,
    cast(ideal_gq_s as decimal(28, 9)) as ideal_gq_s,
    cast(ideal_best_s as decimal(28, 9)) as ideal_best_s,
    cast(ideal_engineered_s as decimal(28, 9)) as ideal_engineered_s,
    cast(ideal_erp_s as decimal(28, 9)) as ideal_erp_s,
    -- As the plant itself counts: all products together, on the shift's row.
    {{ if_shift('local_pbt_s', 'no_calendar') }} as local_pbt_s,
    {{ if_shift('local_ideal_pq_s * local_cap', type='decimal(28, 9)') }} as local_ideal_pq_s,
    {{ if_shift('local_ideal_gq_s * local_cap', type='decimal(28, 9)') }} as local_ideal_gq_s,
    cast(pq as decimal(18, 6)) as pq,
    cast(gq as decimal(18, 6)) as gq,
    cast(sq as decimal(18, 6)) as sq,
    cast(rq as decimal(18, 6)) as rq,
    cast(good_equiv_units as decimal(18, 6)) as good_equiv_units,
    {{ if_shift('fe', 'no_states', 'bigint') }} as fe,
    {{ if_shift('ttr_s', 'no_states') }} as ttr_s,
    cast(case when not no_run_time then own_apt_s + case when is_shift then aust_s else 0 end end as decimal(18, 6)) as tbf_s,
    {{ if_shift('setup_count', 'no_states', 'bigint') }} as setup_count,
    {{ if_shift('setup_elapsed_s', 'no_states') }} as setup_elapsed_s,
    {{ if_shift('case when pbt_s > 0 and not no_calendar then 1 else 0 end', type='integer') }} as expected_count_shifts,
    {{ if_shift('case when pbt_s > 0 and not no_calendar and (has_counts or made_nothing) then 1 else 0 end', type='integer') }} as reported_count_shifts,
    cast(unknown_good_counts as integer) as unknown_good_counts,
    cast(outside_counts as integer) as outside_counts,
    state_method,
    preliminary = 1 as is_preliminary,
    overlap = 1 as has_shift_overlap,
    {{ words("concat_ws(',', case when state_method = 'RESIDUAL' then 'RESIDUAL_APT' end, case when overlap = 1 then 'SHIFT_OVERLAP' end,"
        " case when shift_outside > 0 then 'COUNT_OUTSIDE_SHIFT' end, case when shift_unknown_good > 0 then 'GOOD_UNKNOWN' end, case when shift_ambiguous = 1 then 'DST_AMBIGUOUS' end,"
        " case when shift_allocated = 1 then 'COUNT_ALLOCATED' end, case when shift_in_stop = 1 then 'STOP_WITH_COUNTS' end)") }} as flags,
    (select b.calc_version from {{ source('state', 'building') }} as b) as calc_version,
    (select b.as_of_ts from {{ source('state', 'building') }} as b) as as_of_ts
from part
