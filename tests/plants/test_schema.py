"""The JSON Schemas that editors complete from: they accept every plant file that plantlake accepts and refuse what it refuses."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from connectors.schema import plant_file_schema, portfolio_file_schema
from connectors.yaml_lines import load

EXAMPLES = Path(__file__).resolve().parents[2] / "examples" / "real"
jsonschema = pytest.importorskip("jsonschema")


@pytest.fixture(scope="module")
def validator() -> Any:
    schema = plant_file_schema()
    jsonschema.Draft202012Validator.check_schema(schema)
    return jsonschema.Draft202012Validator(schema)


@pytest.mark.parametrize("path", sorted((EXAMPLES / "plants").glob("*.yaml")), ids=lambda path: path.stem)
def test_the_example_plants_are_valid(validator: Any, path: Path) -> None:
    content = json.loads(json.dumps(load(path, path.name)))  # JSON's keys are texts
    assert [f"{error.json_path}: {error.message}" for error in validator.iter_errors(content)] == []


def test_the_example_portfolio_is_valid() -> None:
    jsonschema.validate(load(EXAMPLES / "portfolio.yaml", "portfolio.yaml"), portfolio_file_schema())


@pytest.mark.parametrize(
    ("place", "key", "value"),
    [
        ((), "timzone", "UTC"),
        (("sources", "mes"), "kind", "delimitd"),
        (("sources", "mes", "options"), "delimeter", ";"),
        (("sources", "mes", "tables"), "equipment_state_events", {"columns": {}}),
        (("sources", "mes", "tables", "equipment", "columns"), "colour", "red"),
    ],
)
def test_what_plantlake_refuses_the_schema_refuses(validator: Any, place: tuple[str, ...], key: str, value: Any) -> None:
    plant: dict[str, Any] = {
        "plant": "p", "name": "P", "company": "c", "timezone": "UTC", "calendar": "none",
        "sources": {"mes": {"kind": "delimited", "path": "*.csv", "options": {}, "tables": {"equipment": {"columns": {"equipment": "U"}}}}},
    }  # fmt: skip
    assert list(validator.iter_errors(plant)) == []
    inner = plant
    for step in place:
        inner = inner[step]
    inner[key] = value
    assert list(validator.iter_errors(plant)) != []


def test_every_field_is_described() -> None:
    schema = plant_file_schema()
    for name in ("Source", "Table", "Column", "Unit", "UnitSettings", "Settings", "Line", "Definition"):
        for field, about in schema["$defs"][name]["properties"].items():
            assert about.get("description") or field in ("tables", "options"), f"{name}.{field}"
