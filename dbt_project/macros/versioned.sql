{# Incremental strategy `versioned`: the SELECT is the whole truth of today. Rows that changed or vanished are closed at this release,
   new and changed ones begin with it, the rest is not touched; one transaction. #}
{% macro get_incremental_versioned_sql(arg_dict) %}
    {%- set target = arg_dict['target_relation'] -%}
    {%- set temp = arg_dict['temp_relation'] -%}
    {%- set release = var('release_id') -%}
    {%- set unversioned = ['valid_from_release', 'valid_to_release', 'as_of_ts', 'calc_version'] -%}
    {%- set columns = adapter.get_columns_in_relation(target) | map(attribute='name') | list -%}
    {%- set compared = columns | reject('in', unversioned) | list -%}
    {%- set key = ['equipment_id', 'shift_instance_id', 'material_key'] -%}
    create or replace temp table versioned_same as
        select {% for name in key %}t.{{ name }}{{ ', ' if not loop.last }}{% endfor %}
        from {{ target }} as t
        inner join {{ temp }} as n
            on {% for name in compared %}t.{{ name }} is not distinct from n.{{ name }}{{ ' and ' if not loop.last }}{% endfor %}
        where t.valid_to_release is null;
    update {{ target }} set valid_to_release = {{ release }}
    where valid_to_release is null and not exists (
        select 1 from versioned_same as s
        where {% for name in key %}s.{{ name }} = {{ target }}.{{ name }}{{ ' and ' if not loop.last }}{% endfor %}
    );
    insert into {{ target }} ({{ columns | join(', ') }})
    select {% for name in columns %}n.{{ name }}{{ ', ' if not loop.last }}{% endfor %} from {{ temp }} as n
    where not exists (
        select 1 from versioned_same as s
        where {% for name in key %}s.{{ name }} = n.{{ name }}{{ ' and ' if not loop.last }}{% endfor %}
    )
{% endmacro %}
