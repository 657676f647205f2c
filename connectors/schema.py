"""JSON Schemas of portfolio.yaml and plant files, for editors that complete, describe and check while one writes.

Here: the models as schemas, with the options of each kind and the columns of each table. Elsewhere: the models
(`connectors.models`), checking (`connectors.portfolio`).
"""

from __future__ import annotations

from typing import Any

from connectors.models import PlantFile, PortfolioFile
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
        source["allOf"].append({"if": {"properties": {"kind": {"const": kind}}}, "then": then})
    column = {"anyOf": [{"type": "string"}, {"type": "array", "items": {"type": "string"}}, {"$ref": "#/$defs/Column"}]}
    tables = {}
    for name, spec in TABLES.items():
        columns = {key: {**column, "description": wanted.doc} for key, wanted in spec.inputs.items()}
        required = [key for key, wanted in spec.inputs.items() if wanted.required]
        own = {"columns": {"type": "object", "properties": columns, "required": required, "additionalProperties": False}}
        own["mode"] = {"enum": list(spec.modes)}
        tables[name] = {"allOf": [{"$ref": "#/$defs/Table"}], "properties": own, "description": spec.grain}
    source["properties"]["tables"] = {"type": "object", "properties": tables, "additionalProperties": False, "minProperties": 1}
    return {"$schema": DRAFT, **schema}
