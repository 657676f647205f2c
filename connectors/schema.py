"""JSON Schemas of portfolio.yaml and plant files, for editors that complete, describe and check while one writes.

Here: the models as schemas, with the options of each kind and the columns of each table. Elsewhere: the models
(`connectors.models`), checking (`connectors.portfolio`).
"""

from __future__ import annotations

from typing import Any

from connectors.models import PlantFile, PortfolioFile
from connectors.presets import names
from connectors.registry import KINDS, connector
from transforms.tables import TABLES

DRAFT = "https://json-schema.org/draft/2020-12/schema"


def portfolio_file_schema() -> dict[str, Any]:
    """The schema of portfolio.yaml."""
    return {"$schema": DRAFT, **PortfolioFile.model_json_schema()}


def plant_file_schema() -> dict[str, Any]:
    """The schema of a plant file: kinds, their options, canonical tables and their columns are closed lists."""
    schema = PlantFile.model_json_schema()
    definitions = schema["$defs"]
    source = definitions["Source"]
    source["properties"]["kind"]["enum"] = list(KINDS)
    source["allOf"] = []
    for kind in KINDS:
        options = connector(kind).Options.model_json_schema()
        definitions |= options.pop("$defs", {})
        definitions[f"{kind}_options"] = options
        then = {"properties": {"options": {"$ref": f"#/$defs/{kind}_options"}}}
        source["allOf"].append({"if": {"properties": {"kind": {"const": kind}}, "required": ["kind"]}, "then": then})
    source["properties"]["preset"] = {**source["properties"]["preset"], "anyOf": [{"enum": list(names())}, {"type": "string"}]}
    column = {"anyOf": [{"type": "string"}, {"type": "array", "items": {"type": "string"}}, {"$ref": "#/$defs/Column"}, {"type": "null"}]}
    tables, needed = {}, {}
    for name, spec in TABLES.items():
        columns = {key: {**column, "description": wanted.doc} for key, wanted in spec.inputs.items()}
        required = [key for key, wanted in spec.inputs.items() if wanted.required]
        own = {"columns": {"type": "object", "properties": columns, "additionalProperties": False}}
        own["mode"] = {"enum": list(spec.modes)}
        tables[name] = {"allOf": [{"$ref": "#/$defs/Table"}], "properties": own, "description": spec.grain}
        needed[name] = {"properties": {"columns": {"required": required}}, "required": ["columns"]}
    source["properties"]["tables"] = {"type": "object", "properties": tables, "additionalProperties": False}
    _without_a_preset(definitions, needed)
    definitions["Table"]["properties"]["columns"]["additionalProperties"] = column
    _short_forms(schema)
    return {"$schema": DRAFT, **schema}


def _without_a_preset(definitions: dict[str, Any], needed: dict[str, Any]) -> None:
    """What has to be said of a source where no preset says it. Null takes away what a preset says."""
    source, table = definitions["Source"], definitions["Table"]
    alone = {"required": source.pop("required"), "properties": {"tables": {"properties": needed, "minProperties": 1}}}
    table.pop("required")
    source["allOf"].append({"if": {"not": {"required": ["preset"]}}, "then": alone})
    tables = source["properties"]["tables"]["properties"]
    for name, own in tables.items():
        tables[name] = {"anyOf": [own, {"type": "null"}]}


WORDS = ("const", "default", "else", "map", "in", "not_in", "nulls", "aliases", "not_kpi_units")
"""Fields with words of the plant's data, which YAML may read as numbers."""


def _short_forms(schema: Any, name: str = "") -> None:
    """Allows what the models understand beside the full form: one text for a list of one, and a number for a word."""
    if isinstance(schema, list):
        for item in schema:
            _short_forms(item, name)
    if not isinstance(schema, dict):
        return
    for key, value in list(schema.items()):
        _short_forms(value, key if key not in ("anyOf", "items", "additionalProperties") else name)
    if name in WORDS and schema.get("type") == "string":
        schema["type"] = ["string", "number"]
    elif name in LISTS and schema.get("type") == "array":
        full = {key: schema.pop(key) for key in ("type", "items", "maxItems", "minItems") if key in schema}
        schema["anyOf"] = [{"type": "string"}, full]


LISTS = ("from", "format", "key")
"""Fields that take a list of texts, or one text."""
