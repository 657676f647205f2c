{# Schemas are named as the layers are: int, gold, seeds; no prefix of a developer. #}
{% macro generate_schema_name(custom_schema_name, node) -%}
    {{ custom_schema_name if custom_schema_name else target.schema }}
{%- endmacro %}
