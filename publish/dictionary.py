"""The data dictionary: what every published table, column and macro means, from wherever that is said already.

Here: where each description stands, and the units that names of columns tell. Elsewhere: the descriptions themselves — contracts of dbt
models, seeds and silver's sources (`dbt_project`), what a plant file may map (`transforms.tables`), sums (`kpis.yml`), and what nothing
else describes (`publish/published.yml`) — and who shows them: comments of the snapshot (`publish.snapshot`), the export
(`publish.export`), the mirror (`publish.mirror`), docs/sql.md (`docs.generate`).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from dbt_project import catalogue, described, semantic_models
from pipelines.state import TRAIL

OWN = Path(__file__).with_name("published.yml")
UNITS = {
    "_s": "s", "_kwh": "kWh", "_kg": "kg", "_h": "h", "_rc": "reporting currency", "_days_rc": "reporting currency x days",
    "_ts": "UTC", "_at": "UTC", "_local": "currency of the plant",
}  # fmt: skip
"""Unit by the end of a column's name; the longest end counts."""
PIECES = {"pq", "gq", "sq", "rq", "planned_qty", "planned_scrap_qty", "inspected", "fp_good", "good_equiv_units", "capacity_qty"}
"""Columns of quantities, in the base unit of their material."""
OF_KPI = {"value", "value_low", "value_high", "target", "target_gap"}
KEPT_AT_CLOSING = {"kpi_release": "kpi_value", "plant_status_release": "plant_status"}
"""Tables that keep rows of another when a month is closed."""
KNOWS = "in_"
"""How the name of a column begins that says whether a unit takes part at all."""


@dataclass(frozen=True, slots=True)
class Told:
    """What is known of one published table."""

    about: str
    source: str
    """Where its rows come from."""
    columns: Mapping[str, str]


def name_of(schema: str, table: str) -> str:
    """A table as the dictionary names it: those of the main schema go without it."""
    return table if schema in {"main", ""} else f"{schema}.{table}"


@cache
def told(table: str) -> Told:
    """What is known of a published table; nothing of one that is not described anywhere."""
    own, found = _own()["tables"].get(table, {}), _elsewhere(table)
    columns = {**_own()["columns"], **_sums(table), **found.columns, **own.get("columns", {})}
    if table in KEPT_AT_CLOSING:
        columns = {**told(KEPT_AT_CLOSING[table]).columns, **columns}
    return Told(_text(own.get("about") or found.about), found.source, {name: _text(text) for name, text in columns.items()})


def macros() -> dict[str, str]:
    """What the macros of the snapshot answer."""
    found: dict[str, str] = _own()["macros"]
    return found


def unit(table: str, column: str) -> str:
    """The unit of a column by its name; empty where it has none.

    >>> unit("mart_kpi_parts_shift", "pbt_s"), unit("mart_kpi_unit_month", "pq__output_good"), unit("plant", "owner")
    ('s', 'base unit of the material', '')
    """
    if column in OF_KPI:
        return "unit of the KPI (kpi_definition)"
    name = column.partition("__")[0]
    if name in PIECES:
        return "base unit of the material"
    ends = [end for end in UNITS if name.endswith(end)]
    return UNITS[max(ends, key=len)] if ends and not column.startswith(KNOWS) else ""


def comments(table: str, columns: list[str]) -> Iterator[tuple[str | None, str]]:
    """(None, what the table is), then (column, what it is) for each that is described."""
    known = told(table)
    if known.about:
        yield None, known.about
    yield from ((column, known.columns[column]) for column in columns if known.columns.get(column))


@cache
def _own() -> dict[str, Any]:
    found: dict[str, Any] = described.read(OWN)
    return found


def _elsewhere(table: str) -> Told:
    """What the project says of a table: a model's contract, a seed, or a table of silver."""
    name = table.rpartition(".")[2]
    for layer, of in (("marts", name), ("intermediate", TRAIL.get(name, ""))):
        if model := described.models(layer).get(of):
            return Told(model["description"], f"dbt model {of}", _columns(model))
    if seed := _named("seeds/seeds.yml", "seeds").get(table):
        return Told(seed["description"], f"dbt seed {table}", _columns(seed))
    if table in _silver():
        return _of_silver(table)
    return Told("", "semantic layer" if "." in table else "written by each refresh", {})


def _of_silver(table: str) -> Told:
    from transforms.tables import TABLES

    entry = _silver()[table]
    mapped = {name: given.doc for name, given in TABLES[table].inputs.items() if given.doc} if table in TABLES else {}
    about = entry["description"]
    return Told(f"{about[:1].upper()}{about[1:]}.", f"silver table {table}", mapped | _columns(entry))


def _sums(table: str) -> dict[str, str]:
    """Columns that are sums over what a KPI needs (`ideal_gq_s__plan_output_rate_good`), and those that the KPI catalogue explains."""
    means = {name: about["means"] for name, about in catalogue.read()["columns"].items()}
    parts = {"mart_kpi_unit_shift": "shift", "mart_kpi_unit_month": "shift"}.get(table) or _of_semantic(table)
    if parts is None:
        return means
    terms = {term.name: f"{means.get(term.column, term.column)}; summed {_over(parts, term.needs)}" for term in catalogue.terms(parts)}
    takes_part = {
        f"{KNOWS}{catalogue.condition_name(needs)}": f"1 where some shift knows {_words(needs)}" for needs in catalogue.conditions("shift")
    }
    shift = _columns(described.models("marts")["mart_kpi_parts_shift"])
    return shift | means | takes_part | terms


def _of_semantic(table: str) -> str | None:
    schema, _, name = table.rpartition(".")
    return name.removesuffix("_month") if schema == "semantic" and name in semantic_models.views(str) else None


def _over(parts: str, needs: tuple[str, ...]) -> str:
    return f"over the shifts that know {_words(needs)}" if parts == "shift" else f"over the rows that tell {', '.join(needs)}"


def _words(needs: tuple[str, ...]) -> str:
    """What a shift knows, in words."""
    knowledge = catalogue.read()["knowledge"]
    return ", ".join(str(knowledge[word]["means"]) for word in needs) or "anything"


@cache
def _silver() -> dict[str, Any]:
    sources = described.read(described.MODELS / "sources.yml")["sources"]
    return {table["name"]: table for source in sources if source["name"] == "silver" for table in source["tables"]}


@cache
def _named(file: str, key: str) -> dict[str, Any]:
    return {entry["name"]: entry for entry in described.read(described.MODELS.parent / file)[key]}


def _columns(entry: Mapping[str, Any]) -> dict[str, str]:
    return {column["name"]: column.get("description", "") for column in entry.get("columns", ())}


def _text(text: str) -> str:
    return " ".join(str(text).split())
