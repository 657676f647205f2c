"""What `plantlake plant try` says of a plant's numbers: how far its timeline is covered, the headline KPIs, and what blocks the others.

Here: questions to the trial's own build database, and which columns and files would unblock a KPI. Elsewhere: the values and their
reasons (`dbt_project`, as for every refresh), the words of a reason (`publish.tables`).

The views that a refresh publishes are asked where dbt made them: to publish a snapshot first would cost two of a trial's seconds.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Any, Literal

import polars as pl

from connectors.errors import listed
from connectors.models import PlantFile
from connectors.portfolio import Portfolio
from publish.reader import HEADLINE, Snapshot
from publish.tables import EXPLAINED, HELP

Answer = Literal["COMPUTABLE", "NO_CASE", "BLOCKED"]
"""NO_CASE: everything is known, and there was nothing to count (no failure, no changeover)."""
GAPS = 3
"""So many gaps of a machine are listed, longest first."""
RATES = ("NO_IDEAL_RATE", "RATE_PARTIAL")
OPTIONAL = {"shift_instance", "planned_downtime", "ideal_rate"}
"""Tables that a plant file, or a vocabulary, can stand for."""
MAPPED = "all of it is mapped: no accepted record of it has come (see what was rejected, the problems and the gaps)"


@dataclass(frozen=True, slots=True)
class Gap:
    """Planned time of a machine of which no source tells anything."""

    start: datetime
    end: datetime
    seconds: float


@dataclass(frozen=True, slots=True)
class Machine:
    """How far the timeline of a machine is covered, by the ledger of time; the four shares are of all of it and sum to 1."""

    equipment: str
    name: str
    state_method: str
    start: datetime | None
    end: datetime | None
    owned_by_events: float | None
    owned_by_plan: float | None
    """Planned stops, and time outside the shifts in which nothing ran."""
    by_rule: float | None
    """Run time of a plant that logs stops only (state_method RESIDUAL)."""
    unknown: float | None
    known_of_plan: float | None
    """Share of planned busy time that is known: what COVERAGE is made of; None where no states are expected."""
    gap_count: int
    gaps: list[Gap]


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether a KPI can be computed of the plant, by month, and what it takes where it cannot."""

    kpi_id: str
    name: str
    verdict: Answer
    month: date | None
    """The newest month with a value, else the newest of which anything is told."""
    value: float | None
    unit: str
    coverage: float | None
    grade: str | None
    status: str | None
    flags: list[str]
    months: int
    months_with_value: int
    why: str | None
    """The product's word for a value that is missing."""
    because: str | None
    """The same in words."""
    fix: str | None
    """What to do, where that is no list of columns and files."""
    columns: list[str]
    """Canonical columns that it is made of and no source maps."""
    files: list[str]
    """Vocabularies that it needs and that have no line of the plant."""


class Built(Snapshot):
    """A build database, asked as the published snapshot is; its silver holds every version of a record. No writer may have it open."""

    def __init__(self, path: Path):
        super().__init__(path)
        self._con.execute("SET search_path = 'gold,silver,int'")


# --- the timeline ---------------------------------------------------------------------------------------------------------------------

_MACHINES = """
SELECT e.equipment_code, coalesce(e.equipment_name, e.equipment_code), e.state_method, min(t.start_ts), max(t.end_ts),
    CAST(sum(t.duration_s) AS DOUBLE) AS told_s,
    CAST(sum(CASE WHEN t.event_id IS NOT NULL AND t.time_class <> 'UNKNOWN' THEN t.duration_s ELSE 0 END) AS DOUBLE) AS events_s,
    CAST(sum(CASE WHEN t.event_id IS NULL AND t.time_class = 'APT' THEN t.duration_s ELSE 0 END) AS DOUBLE) AS rule_s,
    CAST(sum(CASE WHEN t.time_class = 'UNKNOWN' THEN t.duration_s ELSE 0 END) AS DOUBLE) AS unknown_s,
    CAST(sum(CASE WHEN t.time_class LIKE 'PLANNED%' OR t.time_class = 'NOT_SCHEDULED' THEN 0 ELSE t.duration_s END) AS DOUBLE) AS busy_s
FROM equipment AS e
LEFT JOIN int_time_segment AS t ON e.equipment_id = t.equipment_id
WHERE e.plant_id = ? AND e.is_current AND NOT e.is_deleted AND e.is_kpi_unit AND e.equipment_id NOT IN (SELECT line_id FROM line_station)
GROUP BY ALL ORDER BY e.equipment_code
"""
_GAPS = """
WITH unknown AS (
    SELECT *, lag(end_ts) OVER (PARTITION BY equipment_id ORDER BY start_ts) AS before FROM int_time_segment
    WHERE plant_id = ? AND time_class = 'UNKNOWN'
),
numbered AS (
    SELECT *, sum(CASE WHEN before = start_ts THEN 0 ELSE 1 END) OVER (PARTITION BY equipment_id ORDER BY start_ts) AS gap FROM unknown
)
SELECT e.equipment_code, min(n.start_ts), max(n.end_ts), CAST(sum(n.duration_s) AS DOUBLE) AS seconds
FROM numbered AS n INNER JOIN equipment AS e ON n.equipment_id = e.equipment_id AND e.is_current
GROUP BY e.equipment_code, n.gap ORDER BY e.equipment_code, seconds DESC
"""


def machines(reader: Snapshot, plant: PlantFile) -> list[Machine]:
    """Every unit with a ledger of its own; the shares of one of which nothing is told are None."""
    gaps: dict[str, list[Gap]] = {}
    for code, *gap in reader.rows(_GAPS, [plant.plant]):
        gaps.setdefault(code, []).append(Gap(*gap))
    return [_machine(row, gaps.get(row[0], [])) for row in reader.rows(_MACHINES, [plant.plant])]


def _machine(row: tuple[Any, ...], gaps: list[Gap]) -> Machine:
    code, name, method, start, end, told, events, rule, unknown, busy = row
    if not told:
        return Machine(code, name, method, None, None, None, None, None, None, None, 0, [])
    planned = told - events - rule - unknown
    if method == "NONE":  # nobody expects states of it: its silence is no gap
        gaps, busy = [], 0
    known = (busy - unknown) / busy if busy else None
    return Machine(
        code, name, method, start, end, events / told, planned / told, rule / told, unknown / told, known, len(gaps), gaps[:GAPS],
    )  # fmt: skip


# --- KPIs -----------------------------------------------------------------------------------------------------------------------------


def values(reader: Snapshot, plant: PlantFile) -> pl.DataFrame:
    """Every KPI of the plant by month, with the value of the month before."""
    return reader.kpis(reader.kpi_ids(), "plant,month").filter(pl.col("scope_id") == plant.plant)


def headline(found: pl.DataFrame, months: int) -> pl.DataFrame:
    """The headline KPIs of the newest months, as `plantlake kpi` gives them."""
    newest = found["period_start"].unique().sort(descending=True).head(months)
    return found.filter(pl.col("kpi_id").is_in(HEADLINE), pl.col("period_start").is_in(newest.to_list()))


def verdicts(found: pl.DataFrame | None, portfolio: Portfolio, plant: PlantFile, unrated: Sequence[str]) -> list[Verdict]:
    """One verdict a KPI of the catalogue, in its order. `unrated` are the materials without an ideal rate.

    Without values nothing could be built: whatever the plant does not map is told all the same.
    """
    from dbt_project.catalogue import catalogue, published

    about = {kpi.kpi_id: kpi.about for kpi in catalogue() if kpi.profile == "ISO"}
    by_kpi: dict[str, list[dict[str, Any]]] = {}
    for row in found.iter_rows(named=True) if found is not None else ():
        by_kpi.setdefault(row["kpi_id"], []).append(row)
    return [_verdict(entry, about[entry["id"]], by_kpi.get(entry["id"], []), portfolio, plant, unrated) for entry in published()["kpis"]]


def _verdict(
    entry: Mapping[str, Any], about: Mapping[str, Any], rows: Sequence[Mapping[str, Any]], portfolio: Portfolio, plant: PlantFile,
    unrated: Sequence[str],
) -> Verdict:  # fmt: skip
    valued = [row for row in rows if row["value"] is not None]
    nothing = dict.fromkeys(("period_start", "value", "coverage", "grade", "status", "flags"))
    told: dict[str, Any] = {**nothing, **next(reversed(valued or rows), {})}
    why = None if valued else str(next(iter(told["flags"] or ()), about.get("no_data", "NO_DATA")))
    is_case = why is not None and why == about.get("none") and why != about.get("no_data")
    answer: Answer = "COMPUTABLE" if valued else "NO_CASE" if is_case else "BLOCKED"
    fix, columns, files = _lack(why, entry, portfolio, plant, unrated) if why and answer == "BLOCKED" else (None, [], [])
    return Verdict(
        kpi_id=entry["id"], name=entry["name"], verdict=answer, month=told["period_start"], value=told["value"], unit=entry["unit"],
        coverage=told["coverage"], grade=told["grade"], status=told["status"], flags=list(told["flags"] or ()), months=len(rows),
        months_with_value=len(valued), why=why, because=EXPLAINED.get(why, why) if why else None, fix=fix, columns=columns, files=files,
    )  # fmt: skip


Lack = tuple[str | None, list[str], list[str]]


def _lack(why: str, entry: Mapping[str, Any], portfolio: Portfolio, plant: PlantFile, unrated: Sequence[str]) -> Lack:
    """What to do in words, else the columns to map and the vocabularies to write."""
    if why in RATES:
        return HELP[why] + (f": {listed(unrated, 4)}" if unrated else ""), [], []
    columns, files = _lacking(entry, portfolio, plant)
    if entry["parts_name"] == "shift":
        if why not in ("NO_DATA", "NO_COUNTS"):
            return HELP.get(why, f"see {entry['id']} in docs/kpi-handbook.md"), [], []
        # Of the many columns that may tell it, those of the tables that are not mapped at all.
        tables = {table for source in plant.sources.values() for table in source.tables} | OPTIONAL
        columns, files = [name for name in columns if name.split(".")[0] not in tables], []
    return None if columns or files else MAPPED, columns, files


def _lacking(entry: Mapping[str, Any], portfolio: Portfolio, plant: PlantFile) -> tuple[list[str], list[str]]:
    """Of what a KPI is made of: the canonical columns that no source maps, and the vocabularies without a line of the plant."""
    mapped = {f"{table}.{name}" for source in plant.sources.values() for table, about in source.tables.items() for name in about.columns}
    needed = list(dict.fromkeys(name for need in entry["needs"] for name in need["from"]))
    columns = [name for name in needed if not name.startswith("`") and name not in mapped]
    files = [name.strip("`") for name in needed if name.startswith("`vocabularies/")]
    stems = {name: name.removeprefix("vocabularies/").removesuffix(".csv") for name in files}
    return columns, [name for name, stem in stems.items() if not _has_lines(portfolio, plant, stem)]


def _has_lines(portfolio: Portfolio, plant: PlantFile, stem: str) -> bool:
    if stem == "fx" and plant.currency in (None, portfolio.file.currency):  # nothing to exchange
        return True
    rows = portfolio.vocabularies.rows(stem)
    return any("plant" not in row or row["plant"] in (plant.plant, "*") for row in rows)
