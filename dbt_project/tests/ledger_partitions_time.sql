-- depends_on: {{ ref('candidate_parts') }}, {{ ref('mart_kpi_parts_shift') }}
-- The identity of the specification, 1.1, per unit and shift, without tolerance: CT = NOT_SCHEDULED + POT; POT = planned + PBT;
-- PBT = APT + AUST + ADET_EQ + ADET_ORG + MICRO + ADOT + UNKNOWN.
with part as (
    select
        plant_id, equipment_id, shift_instance_id, shift_code, sum(ct_s) as ct_s, sum(pot_s) as pot_s,
        sum(planned_maint_s + planned_break_s + planned_no_demand_s + planned_other_s) as planned_s, sum(pbt_s) as pbt_s,
        sum(pbt_planned_s + pbt_ext_s) as pbt_sum_s,
        sum(apt_s) + sum(aust_s + adet_eq_s + adet_org_s + micro_s + adot_s + unknown_s) as owned_s
    from {{ parts_to_test() }}
    group by plant_id, equipment_id, shift_instance_id, shift_code
)

select *
from part
where ct_s <> pot_s + case when shift_code = 'OFF' then ct_s else 0 end
    or pot_s <> planned_s + pbt_s
    or pbt_s <> pbt_sum_s
    or pbt_s <> owned_s
