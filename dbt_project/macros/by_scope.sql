{# Incremental strategy `by_scope`: what the scope names is deleted, what the SELECT gives is inserted; one transaction, no row outside the
   scope is touched. A scope row may name a unit or '*', a day or none (every day). #}
{% macro get_incremental_by_scope_sql(arg_dict) %}
    {%- set target = arg_dict['target_relation'] -%}
    {%- set columns = adapter.get_columns_in_relation(target) | map(attribute='quoted') | join(', ') -%}
    {% for key in plantlake.scope_keys() %}
    delete from {{ target }} where {{ key['columns'] }} in (select {{ key['columns'] }} from {{ source('state', 'open_scope') }} where {{ key['where'] }});
    {% endfor %}
    insert into {{ target }} ({{ columns }}) select {{ columns }} from {{ arg_dict['temp_relation'] }}
{% endmacro %}

{# The four ways in which a scope row names rows: as columns that have to be equal. #}
{% macro scope_keys() %}
    {{ return([
        {'columns': '(plant_id)', 'where': "equipment_id = '*' and production_day is null"},
        {'columns': '(plant_id, production_day)', 'where': "equipment_id = '*' and production_day is not null"},
        {'columns': '(equipment_id)', 'where': "equipment_id <> '*' and production_day is null"},
        {'columns': '(equipment_id, production_day)', 'where': "equipment_id <> '*' and production_day is not null"},
    ]) }}
{% endmacro %}

{# For data tests of the parts: those of the days in scope before they move; all that hold in a full test (var test_all). #}
{% macro parts_to_test() %}
    {%- if var('test_all') -%}
        (select * from {{ ref('mart_kpi_parts_shift') }} where valid_to_release is null)
    {%- else -%}
        {{ ref('candidate_parts') }}
    {%- endif -%}
{% endmacro %}
