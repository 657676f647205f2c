-- depends_on: {{ ref('candidate_parts') }}, {{ ref('mart_kpi_parts_shift') }}, {{ ref('candidate_parts_reason') }}, {{ ref('mart_kpi_parts_reason') }}
-- The stops of a unit and shift by reason are its stops by class, without tolerance, and so are its failures.
{%- set classes = {'adet_eq_s': 'ADET_EQ', 'adet_org_s': 'ADET_ORG', 'aust_s': 'AUST', 'adot_s': 'ADOT', 'micro_s': 'MICRO'} %}
with part as (
    select plant_id, equipment_id, shift_instance_id, sum(fe) as fe, {% for name in classes %}sum({{ name }}) as {{ name }}{{ ", " if not loop.last }}{% endfor %}
    from {{ parts_to_test() }}
    group by plant_id, equipment_id, shift_instance_id
),

reason as (
    select
        plant_id, equipment_id, shift_instance_id, sum(failures) as fe,
        {% for name, class in classes.items() %}sum(case when time_class = '{{ class }}' then seconds else 0 end) as {{ name }}{{ ", " if not loop.last }}{% endfor %}
    from {% if var('test_all') %}(select * from {{ ref('mart_kpi_parts_reason') }} where valid_to_release is null) as r{% else %}{{ ref('candidate_parts_reason') }} as r{% endif %}
    group by plant_id, equipment_id, shift_instance_id
)

select coalesce(p.plant_id, r.plant_id) as plant_id, coalesce(p.equipment_id, r.equipment_id) as equipment_id,
    coalesce(p.shift_instance_id, r.shift_instance_id) as shift_instance_id
from part as p
full join reason as r on p.equipment_id = r.equipment_id and p.shift_instance_id = r.shift_instance_id
where p.plant_id is null
    or p.fe <> coalesce(r.fe, 0)
    {% for name in classes %}or p.{{ name }} <> coalesce(r.{{ name }}, 0){% endfor %}
