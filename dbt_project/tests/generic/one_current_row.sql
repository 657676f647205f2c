{% test one_current_row(model, key) %}
-- A key has one row that holds, and no version closes before it begins. Over all history: in full tests only.
{{ config(tags=['history']) }}
select min(plant_id) as plant_id, {{ key | join(', ') }}
from {{ model }}
group by {{ key | join(', ') }}
having sum(case when valid_to_release is null then 1 else 0 end) > 1 or max(case when valid_to_release <= valid_from_release then 1 else 0 end) = 1
{% endtest %}
