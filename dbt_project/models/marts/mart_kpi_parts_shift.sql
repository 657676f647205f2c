{{ config(materialized='incremental', incremental_strategy='versioned', on_schema_change='fail', full_refresh=false) }}
-- ADDITIVE parts: one row per KPI unit, shift instance and product, '~' for the time that belongs to no product.
with segment as (
    select s.*, coalesce(s.material_id, o.material_id) as product_id
    from {{ ref('int_time_segment') }} as s
    left join {{ source('silver', 'production_order') }} as o on s.order_id = o.order_id and o.is_current and not o.is_deleted
),

shift_time as (
    select
        plant_id, equipment_id, shift_instance_id, shift_code, production_day,
        min(state_method) as state_method, min(calendar) as calendar, min(start_us) as start_us,
        max(case when is_preliminary then 1 else 0 end) as preliminary, max(case when has_overlap then 1 else 0 end) as overlap,
        sum(duration_us) as ct, sum(case when time_class <> 'NOT_SCHEDULED' then duration_us else 0 end) as pot,
        sum(case when time_class = 'PLANNED_MAINT' then duration_us else 0 end) as planned_maint,
        sum(case when time_class = 'PLANNED_BREAK' then duration_us else 0 end) as planned_break,
        sum(case when time_class = 'PLANNED_NO_DEMAND' then duration_us else 0 end) as planned_no_demand,
        sum(case when time_class = 'PLANNED_OTHER' then duration_us else 0 end) as planned_other,
        sum(case when is_pbt_extension then duration_us else 0 end) as pbt_ext,
        sum(case when time_class = 'APT' then duration_us else 0 end) as apt,
        sum(case when time_class = 'AUST' then duration_us else 0 end) as aust,
        sum(case when time_class = 'ADET_EQ' then duration_us else 0 end) as adet_eq,
        sum(case when time_class = 'ADET_ORG' then duration_us else 0 end) as adet_org,
        sum(case when time_class = 'MICRO' then duration_us else 0 end) as micro,
        sum(case when time_class = 'ADOT' then duration_us else 0 end) as adot,
        sum(case when time_class = 'UNKNOWN' then duration_us else 0 end) as unknown,
        sum(case when is_coded and time_class in ('ADET_EQ', 'ADET_ORG', 'AUST', 'ADOT') then duration_us else 0 end) as coded_stop,
        sum(case when is_failure and is_first_segment then 1 else 0 end) as fe,
        sum(case when is_failure and is_first_segment then event_us else 0 end) as ttr,
        sum(case when is_setup and is_first_segment then 1 else 0 end) as setup_count,
        sum(case when is_setup and is_first_segment then event_us else 0 end) as setup_elapsed
    from segment
    group by plant_id, equipment_id, shift_instance_id, shift_code, production_day
),

product_time as (
    select equipment_id, shift_instance_id, product_id as material_key, sum(duration_us) as apt
    from segment
    where time_class = 'APT' and product_id is not null
    group by equipment_id, shift_instance_id, product_id
),

-- Counts outside every window belong to the overtime of their day, or to the time that was not scheduled.
count_day as (
    select c.count_id, c.equipment_id || ':OVERTIME:' || cast(d.production_day as varchar) as overtime_id,
        'OFF:' || c.equipment_id || ':' || cast(d.production_day as varchar) as off_id
    from {{ ref('int_count__rated') }} as c
    inner join {{ source('silver', 'production_day') }} as d
        on c.plant_id = d.plant_id and c.t >= {{ micros('d.start_ts') }} and c.t < {{ micros('d.end_ts') }}
    where c.window_ref is null
),

placed as (
    select c.*, coalesce(c.window_ref, o.shift_instance_id, d.off_id) as shift_instance_id
    from {{ ref('int_count__rated') }} as c
    left join count_day as d on c.count_id = d.count_id
    left join shift_time as o on d.overtime_id = o.shift_instance_id
),

product_count as (
    select
        equipment_id, shift_instance_id, material_key,
        count(*) as counts, sum(case when gq is null then 1 else 0 end) as unknown_good, sum(case when window_ref is null then 1 else 0 end) as outside,
        max(case when pri_s is null then 1 else 0 end) as unrated,
        sum(pq) as pq, case when count(gq) = count(*) then sum(gq) end as gq,
        case when count(sq) = count(*) then sum(sq) end as sq, sum(rq) as rq,
        sum(case when pri_s is not null then pq end) as pq_rated,
        sum(ideal_pq_s) as ideal_pq_s, case when count(gq) = count(*) then sum(ideal_gq_s) end as ideal_gq_s
    from placed
    group by equipment_id, shift_instance_id, material_key
),

unit_rate as (
    select u.equipment_id, max(case when r.ideal_rate_id is not null then 1 else 0 end) as has_rate
    from {{ ref('int_unit') }} as u
    left join {{ source('silver', 'ideal_rate') }} as r
        on u.plant_id = r.plant_id and (r.equipment_id is null or r.equipment_id = u.equipment_id) and r.is_current and not r.is_deleted
        and r.rate_basis in (select b.rate_basis from {{ source('silver', 'rate_basis_rank') }} as b where b.plant_id = u.plant_id)
    group by u.equipment_id
),

shift_count as (
    select
        equipment_id, shift_instance_id, sum(counts) as counts, sum(unknown_good) as unknown_good, sum(outside) as outside,
        sum(pq) as pq, sum(coalesce(pq_rated, 0)) as pq_rated, max(unrated) as unrated
    from product_count
    group by equipment_id, shift_instance_id
),

-- The share of a shift's run time without product that has an ideal rate.
shift_share as (
    select
        t.equipment_id, t.shift_instance_id,
        coalesce(p.apt, 0) as product_apt,
        case
            when c.counts is null or (c.pq = 0 and c.unrated = 0) or c.pq = 0 then cast(r.has_rate as double)
            when c.unrated = 0 then 1.0
            else cast(c.pq_rated as double) / cast(c.pq as double)
        end as rated_share
    from shift_time as t
    left join (
        select equipment_id, shift_instance_id, sum(apt) as apt from product_time group by equipment_id, shift_instance_id
    ) as p on t.equipment_id = p.equipment_id and t.shift_instance_id = p.shift_instance_id
    left join shift_count as c on t.equipment_id = c.equipment_id and t.shift_instance_id = c.shift_instance_id
    left join unit_rate as r on t.equipment_id = r.equipment_id
),

row_key as (
    select equipment_id, shift_instance_id, '~' as material_key from shift_time
    union
    select equipment_id, shift_instance_id, material_key from product_time
    union
    select p.equipment_id, p.shift_instance_id, p.material_key
    from product_count as p
    inner join shift_time as t on p.equipment_id = t.equipment_id and p.shift_instance_id = t.shift_instance_id
),

part as (
    select
        k.material_key = '~' as whole,
        t.*, k.material_key, n.counts, n.unknown_good, n.outside, n.unrated, n.pq, n.gq, n.sq, n.rq, n.pq_rated, n.ideal_pq_s, n.ideal_gq_s,
        h.rated_share, c.counts as shift_counts, c.pq as shift_pq, c.pq_rated as shift_pq_rated,
        t.adet_eq + t.adet_org + t.micro + t.aust + t.adot + t.apt + t.unknown as pbt,
        case when k.material_key = '~' then t.apt - h.product_apt else coalesce(p.apt, 0) end as own_apt,
        case
            when k.material_key = '~' then cast(round((t.apt - h.product_apt) * h.rated_share) as bigint)
            when n.counts is not null then case when n.unrated = 0 then coalesce(p.apt, 0) else 0 end
            else coalesce(p.apt, 0) * r.has_rate
        end as own_apt_rated,
        t.state_method = 'NONE' as no_states,
        t.calendar = 'none' as no_calendar
    from row_key as k
    inner join shift_time as t on k.equipment_id = t.equipment_id and k.shift_instance_id = t.shift_instance_id
    inner join shift_share as h on k.equipment_id = h.equipment_id and k.shift_instance_id = h.shift_instance_id
    left join product_time as p
        on k.equipment_id = p.equipment_id and k.shift_instance_id = p.shift_instance_id and k.material_key = p.material_key
    left join product_count as n
        on k.equipment_id = n.equipment_id and k.shift_instance_id = n.shift_instance_id and k.material_key = n.material_key
    left join shift_count as c on k.equipment_id = c.equipment_id and k.shift_instance_id = c.shift_instance_id
    left join unit_rate as r on k.equipment_id = r.equipment_id
)

select
    equipment_id,
    shift_instance_id,
    material_key,
    plant_id,
    production_day,
    shift_code,
    {{ instant('start_us') }} as start_ts,
    case when whole then {{ seconds('ct') }} else 0 end as ct_s,
    case when no_calendar then null when whole then {{ seconds('pot') }} else 0 end as pot_s,
    case when no_calendar then null when whole then {{ seconds('planned_maint') }} else 0 end as planned_maint_s,
    case when no_calendar then null when whole then {{ seconds('planned_break') }} else 0 end as planned_break_s,
    case when no_calendar then null when whole then {{ seconds('planned_no_demand') }} else 0 end as planned_no_demand_s,
    case when no_calendar then null when whole then {{ seconds('planned_other') }} else 0 end as planned_other_s,
    case when no_calendar then null when whole then {{ seconds('pbt - pbt_ext') }} else 0 end as pbt_planned_s,
    case when no_calendar then null when whole then {{ seconds('pbt_ext') }} else 0 end as pbt_ext_s,
    case when no_calendar then null when whole then {{ seconds('pbt') }} else 0 end as pbt_s,
    case when not no_states then {{ seconds('own_apt') }} end as apt_s,
    case when no_states then null when whole then {{ seconds('aust') }} else 0 end as aust_s,
    case when no_states then null when whole then {{ seconds('adet_eq') }} else 0 end as adet_eq_s,
    case when no_states then null when whole then {{ seconds('adet_org') }} else 0 end as adet_org_s,
    case when no_states then null when whole then {{ seconds('micro') }} else 0 end as micro_s,
    case when no_states then null when whole then {{ seconds('adot') }} else 0 end as adot_s,
    case when no_states or no_calendar then null when whole then {{ seconds('unknown') }} else 0 end as unknown_s,
    case when no_states then null when whole then {{ seconds('own_apt + aust') }} else {{ seconds('own_apt') }} end as aupt_s,
    case when no_states then null when whole then {{ seconds('own_apt + aust + adet_eq + adet_org + micro') }} else {{ seconds('own_apt') }} end as aubt_s,
    case when no_states then null when whole then {{ seconds('coded_stop') }} else 0 end as coded_stop_s,
    case when not no_states then {{ seconds('own_apt_rated') }} end as apt_rated_s,
    case when no_states then null when whole then cast(round(cast({{ seconds('micro') }} as double) * rated_share, 6) as decimal(18, 6)) else 0 end as micro_rated_s,
    case when whole then
        case when no_states then case when shift_pq > 0 and not no_calendar then {{ seconds('pbt') }} else 0 end else {{ seconds('apt') }} end
        else 0
    end as rate_base_s,
    case
        when no_states then case when whole and shift_pq > 0 and not no_calendar
            then cast(round(cast({{ seconds('pbt') }} as double) * cast(shift_pq_rated as double) / cast(shift_pq as double), 6) as decimal(18, 6)) else 0 end
        else {{ seconds('own_apt_rated') }}
    end as rate_known_s,
    case
        when counts is not null then coalesce(ideal_pq_s, 0)
        when whole and shift_counts is null and not (apt = 0 and unknown = 0) then null
        else 0
    end as ideal_pq_s,
    case
        when counts is not null then case when unknown_good = 0 then coalesce(ideal_gq_s, 0) end
        when whole and shift_counts is null and not (apt = 0 and unknown = 0) then null
        else 0
    end as ideal_gq_s,
    cast(case when counts is not null then pq when whole and shift_counts is null and not (apt = 0 and unknown = 0) then null else 0 end as decimal(18, 6)) as pq,
    cast(case when counts is not null then gq when whole and shift_counts is null and not (apt = 0 and unknown = 0) then null else 0 end as decimal(18, 6)) as gq,
    cast(case when counts is not null then sq when whole and shift_counts is null and not (apt = 0 and unknown = 0) then null else 0 end as decimal(18, 6)) as sq,
    cast(rq as decimal(18, 6)) as rq,
    cast(null as decimal(18, 6)) as psq,
    cast(case when whole then fe else 0 end as bigint) as fe,
    case when whole then {{ seconds('ttr') }} else 0 end as ttr_s,
    case when no_states then null when whole then {{ seconds('own_apt + aust') }} else {{ seconds('own_apt') }} end as tbf_s,
    cast(case when whole then setup_count else 0 end as bigint) as setup_count,
    case when whole then {{ seconds('setup_elapsed') }} else 0 end as setup_elapsed_s,
    cast(case when whole and pbt > 0 and not no_calendar then 1 else 0 end as integer) as expected_count_shifts,
    cast(case when whole and pbt > 0 and not no_calendar and (shift_counts is not null or (not no_states and apt = 0 and unknown = 0))
        then 1 else 0 end as integer) as reported_count_shifts,
    cast(coalesce(unknown_good, 0) as integer) as unknown_good_counts,
    cast(coalesce(outside, 0) as integer) as outside_counts,
    state_method,
    preliminary = 1 as is_preliminary,
    overlap = 1 as has_shift_overlap,
    cast('{{ var("calc_version") }}' as varchar) as calc_version,
    cast('{{ var("as_of") }}' as timestamp with time zone) as as_of_ts,
    cast({{ var('release_id') }} as bigint) as valid_from_release,
    cast(null as bigint) as valid_to_release
from part
