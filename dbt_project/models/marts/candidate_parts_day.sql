{{ config(materialized='table', tags=['records']) }}
-- ADDITIVE parts of the places and days in scope that no shift ledger holds: energy, people, maintenance. What no record tells is NULL.
with emission as (
    select
        r.record_id, max(f.kg_per_kwh) as kg_per_kwh
    from {{ ref('int_record__dated') }} as r
    inner join {{ source('silver', 'emission_factor') }} as f
        on r.plant_id = f.plant_id and r.word = f.carrier
        and r.middle_us >= coalesce({{ micros('f.valid_from') }}, {{ always_from() }})
        and r.middle_us < coalesce({{ micros('f.valid_to') }}, {{ always_to() }})
    where r.kind = 'energy'
    group by r.record_id
),

scoped as (
    select r.*, e.kg_per_kwh
    from {{ ref('int_record__dated') }} as r
    inner join (select distinct plant_id, equipment_id, production_day from {{ ref('int_scope_place') }}) as s
        on r.equipment_id = s.equipment_id and r.production_day = s.production_day
    left join emission as e on r.record_id = e.record_id
    union
    select r.*, e.kg_per_kwh
    from {{ ref('int_record__dated') }} as r
    inner join (select distinct equipment_id from {{ ref('int_scope_place') }} where production_day is null) as s
        on r.equipment_id = s.equipment_id
    left join emission as e on r.record_id = e.record_id
)

select
    plant_id, equipment_id, production_day,
    cast(round(sum(case when kind = 'energy' and word <> 'WATER' then amount end), 6) as decimal(18, 6)) as energy_kwh,
    -- Unknown when one of the carriers has no emission factor.
    case when count(case when kind = 'energy' and word <> 'WATER' then 1 end) = count(case when kind = 'energy' and word <> 'WATER' then kg_per_kwh end)
        then cast(round(sum(case when kind = 'energy' and word <> 'WATER' then amount * kg_per_kwh end), 6) as decimal(18, 6)) end as co2_kg,
    cast(round(sum(case when kind = 'labour' then amount end), 6) as decimal(18, 6)) as labour_s,
    cast(round(sum(case when kind = 'labour' and worked_s is not null then amount end), 6) as decimal(18, 6)) as apat_s,
    cast(round(sum(case when kind = 'labour' then worked_s end), 6) as decimal(18, 6)) as apwt_s,
    cast(round(sum(case when kind = 'maintenance' then case when word = 'CORRECTIVE' then amount else 0 end end), 6) as decimal(18, 6)) as cmt_s,
    cast(round(sum(case when kind = 'maintenance' then case when word in ('PREVENTIVE', 'PREDICTIVE', 'CONDITION') then amount else 0 end end), 6) as decimal(18, 6)) as pmt_s,
    (select b.calc_version from {{ source('state', 'building') }} as b) as calc_version,
    (select b.as_of_ts from {{ source('state', 'building') }} as b) as as_of_ts
from scoped
group by plant_id, equipment_id, production_day
