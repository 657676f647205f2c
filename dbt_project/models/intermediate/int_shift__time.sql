{{ config(materialized='table') }}
-- One row per unit and shift instance (or overtime, or the unscheduled rest of a day) with its seconds by class. A shift of which only
-- a count is known, because the watermark stands at its start, has none yet.
{%- set classes = {
    'planned_maint_s': 'PLANNED_MAINT', 'planned_break_s': 'PLANNED_BREAK', 'planned_no_demand_s': 'PLANNED_NO_DEMAND',
    'planned_other_s': 'PLANNED_OTHER', 'apt_s': 'APT', 'aust_s': 'AUST', 'adet_eq_s': 'ADET_EQ', 'adet_org_s': 'ADET_ORG',
    'micro_s': 'MICRO', 'adot_s': 'ADOT', 'unknown_s': 'UNKNOWN', 'not_scheduled_s': 'NOT_SCHEDULED'} %}
with summed as (
    select
        plant_id, equipment_id, shift_instance_id, shift_code, production_day,
        {{ instant('min(start_us)') }} as start_ts,
        max(case when is_preliminary then 1 else 0 end) as preliminary,
        max(case when has_shift_overlap then 1 else 0 end) as overlap,
        max(case when is_dst_ambiguous then 1 else 0 end) as ambiguous,
        {{ seconds(sum_us('true')) }} as ct_s,
        {% for name, class in classes.items() -%}
        {{ seconds(sum_us("time_class = '" ~ class ~ "'")) }} as {{ name }},
        {% endfor -%}
        {{ seconds(sum_us('is_pbt_extension')) }} as pbt_ext_s,
        {{ seconds(sum_us("is_coded and time_class in ('ADET_EQ', 'ADET_ORG', 'AUST', 'ADOT')")) }} as coded_stop_s,
        sum(case when is_failure and is_first_segment then 1 else 0 end) as fe,
        sum(case when is_failure and is_first_segment then event_duration_s else 0 end) as ttr_s,
        sum(case when time_class = 'AUST' and is_first_segment then 1 else 0 end) as setup_count,
        sum(case when time_class = 'AUST' and is_first_segment then event_duration_s else 0 end) as setup_elapsed_s
    from {{ ref('int_segment__in_scope') }} as s
    group by plant_id, equipment_id, shift_instance_id, shift_code, production_day
),

counted_only as (
    select c.plant_id, c.equipment_id, c.shift_instance_id, c.shift_code, c.production_day, {{ instant('min(c.start_us)') }} as start_ts
    from {{ ref('int_count__placed') }} as c
    where not exists (select 1 from summed as s where s.equipment_id = c.equipment_id and s.shift_instance_id = c.shift_instance_id)
    group by c.plant_id, c.equipment_id, c.shift_instance_id, c.shift_code, c.production_day
)

select * from summed
union all
select
    plant_id, equipment_id, shift_instance_id, shift_code, production_day, start_ts,
    1, 0, 0, 0, {% for name in classes %}0, {% endfor %}0, 0, 0, 0, 0, 0
from counted_only
