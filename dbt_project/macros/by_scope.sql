{# Materialization `by_scope`, of the ledgers: what the scope names is deleted, what the SELECT gives is inserted; one transaction, no row outside
   the scope is touched. A scope row may name a unit or '*', a day or none (every day). Columns are those of the contract; a table of an older
   release gets those that it lacks. Unlike dbt's `incremental` it makes no copy of the rows on their way.
   With `in_groups` the SELECT runs once for each group of units (int_unit.group_no), so that memory is bounded by a group, and joins keep the
   order of their left side, which is that of time. #}
{% materialization by_scope, adapter='duckdb' %}
    {%- set target = this.incorporate(type='table') -%}
    {%- set existing = load_cached_relation(this) -%}
    {%- set columns = model['columns'].values() -%}
    {%- set names = columns | map(attribute='name') | join(', ') -%}
    {{ run_hooks(pre_hooks) }}
    {% call statement('main') %}
        {%- if existing is none %}
        {{ get_assert_columns_equivalent(compiled_code) }}
        create table {{ target }} ({% for column in columns %}{{ column.name }} {{ column.data_type }}{{ ', ' if not loop.last }}{% endfor %})
        {%- else %}
        {%- set known = adapter.get_columns_in_relation(existing) | map(attribute='name') | list %}
        {%- for column in columns if column.name not in known %}
        alter table {{ target }} add column {{ column.name }} {{ column.data_type }};
        {%- endfor %}
        {%- for key in plantlake.scope_keys() %}
        delete from {{ target }} where {{ key['columns'] }} in (select {{ key['columns'] }} from {{ source('state', 'open_scope') }} where {{ key['where'] }});
        {%- endfor %}
        {%- endif %}
    {% endcall %}
    {%- set insert %}insert into {{ target }} ({{ names }}) select {{ names }} from ({{ compiled_code }}
        ) as made{% endset -%}
    {% if config.get('in_groups') %}
        {% do run_query("set disabled_optimizers = 'build_side_probe_side'") %}
        {% for group in run_query('select distinct group_no from ' ~ ref('int_unit') ~ ' order by group_no').columns[0].values() %}
            {% do run_query('set variable unit_group = ' ~ group) %}
            {% do run_query(insert) %}
        {% endfor %}
        {% do run_query('reset variable unit_group') %}
        {% do run_query('reset disabled_optimizers') %}
    {% else %}
        {% do run_query(insert) %}
    {% endif %}
    {{ run_hooks(post_hooks) }}
    {{ adapter.commit() }}
    {{ return({'relations': [target]}) }}
{% endmaterialization %}

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
