"""Portfolios for the tests of the ledger: plants in a few lines, written as plant files and CSV exports, refreshed by the product.

Here: files in, KPI tables out. Elsewhere: the cases with their numbers (`test_ledger_cases.py`), laws over random plants
(`test_ledger_laws.py`), versions (`test_releases.py`).
"""

from __future__ import annotations

import csv
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from pipelines.lock import writer_lock
from pipelines.refresh import Outcome, Refresh

EVENTS = ("unit", "id", "start", "end", "class", "product")
COUNTS = ("unit", "document", "at", "product", "produced", "good", "scrap", "corrects", "reverses", "posted")
PLANNED = ("id", "start", "end", "class", "planned_at")
WINDOWS = ("unit", "shift", "start", "end")
RATES = ("plant", "equipment", "material", "tool", "rate_basis", "rate", "unit")
LONG_BEFORE = "2024-01-01T00:00"

Line = Sequence[Any]


@dataclass
class Plant:
    """One plant. Times are local and unquoted ISO text; what is left out does not exist for the plant."""

    name: str
    start: str = "2025-06-02"
    """First production day."""
    until: str = "2025-06-03T00:00"
    """Local time up to which every source has told everything."""
    shifts: dict[str, str] = field(default_factory=lambda: {"S1": "06:00-14:00"})
    method: str = "RESIDUAL"
    zone: str = "UTC"
    day_start: str = "00:00"
    units: tuple[str, ...] = ("M",)
    days: str = "daily"
    events: Sequence[Line] = ()
    """(id, start, end, class) of unit M, or lines of EVENTS."""
    more_events: Sequence[Sequence[Line]] = ()
    """Later exports of the same source."""
    other_source: Sequence[Line] = ()
    """Events of a second source, the PLC."""
    offset_s: float = 0.0
    """Clock offset of the first source."""
    counts: Sequence[dict[str, Any]] = ()
    planned: Sequence[Line] = ()
    windows: Sequence[Line] = ()
    """Machine-shifts that a source delivers instead of a pattern."""
    rates: dict[str, float] = field(default_factory=dict)
    """Ideal seconds a piece by product."""
    settings: dict[str, Any] = field(default_factory=dict)
    company: str = "acme"


def write(root: Path, plants: Sequence[Plant]) -> None:
    """Writes the whole portfolio: portfolio.yaml, plant files, vocabularies and exports."""
    for folder in ("plants", "vocabularies"):
        (root / folder).mkdir(parents=True, exist_ok=True)
    (root / "portfolio.yaml").write_text("name: Test portfolio\n", encoding="utf-8")
    rates = [(p.name, "", product, "", "ENGINEERED", seconds, "s") for p in plants for product, seconds in p.rates.items()]
    write_csv(root / "vocabularies" / "ideal_rates.csv", RATES, rates)
    for plant in plants:
        write_plant(root, plant)


def write_plant(root: Path, plant: Plant) -> None:
    """Writes one plant's file and exports."""
    sources = _sources(plant)
    about: dict[str, Any] = {
        "plant": plant.name, "name": plant.name.upper(), "company": plant.company, "timezone": plant.zone,
        "data_start_on": plant.start, "production_day_start": plant.day_start,
        "equipment": {"units": {unit: {"class": "TEST"} for unit in plant.units}},
        "settings": {"state_method": plant.method, **plant.settings}, "sources": sources,
        **({"calendar": "records"} if plant.windows else {"shifts": {c: {"at": at, "days": plant.days} for c, at in plant.shifts.items()}}),
    }  # fmt: skip
    (root / "plants" / f"{plant.name}.yaml").write_text(yaml.safe_dump(about, sort_keys=False), encoding="utf-8")
    folder = root / "landing" / plant.name
    for number, lines in enumerate((plant.events, *plant.more_events), start=1):
        write_csv(folder / f"mes{number}_{_window(plant)}.csv", EVENTS, [_event(line) for line in lines])
    if plant.other_source:
        write_csv(folder / f"plc_{_window(plant)}.csv", EVENTS, [_event(line) for line in plant.other_source])
    if plant.counts:
        write_csv(folder / f"erp_{_window(plant)}.csv", COUNTS, [_count(count) for count in plant.counts])
    if plant.planned:
        write_csv(folder / "plan.csv", PLANNED, [(n, *(*line, LONG_BEFORE)[:4]) for n, line in enumerate(plant.planned)])
    if plant.windows:
        write_csv(folder / "windows.csv", WINDOWS, plant.windows)


def write_csv(path: Path, header: Sequence[str], lines: Sequence[Line]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(header)
        writer.writerows(lines)


def _window(plant: Plant) -> str:
    first, last = (text.replace("-", "").replace("T", "").replace(":", "") for text in (f"{plant.start}T00:00", plant.until))
    return f"{first}-{last}"


def _event(line: Line) -> Line:
    """A line of EVENTS; short lines are of unit M and no product."""
    return ("M", *line, "") if len(line) == 4 else line


def _count(count: dict[str, Any]) -> Line:
    return [{"unit": "M", "product": "P", **count}.get(name, "") for name in COUNTS]


def _sources(plant: Plant) -> dict[str, Any]:
    events = {
        "equipment": "unit", "event": "id", "start_ts": "start", "end_ts": "end", "state_class": "class", "material": "product",
    }  # fmt: skip
    counts = {
        "equipment": "unit", "event_ts": "at", "posted_ts": "posted", "material": "product", "produced_qty": "produced",
        "good_qty": "good", "scrap_qty": "scrap", "document": "document", "corrects": "corrects", "reverses": "reverses",
    }  # fmt: skip
    sources: dict[str, Any] = {}
    if plant.method != "NONE":
        sources["mes"] = {**_told("mes*.csv"), "clock_offset_s": plant.offset_s, "tables": {"equipment_state_event": {"columns": events}}}
    if plant.other_source:
        sources["plc"] = {**_told("plc*.csv"), "tables": {"equipment_state_event": {"columns": events}}}
    if plant.counts:
        sources["erp"] = {**_told("erp*.csv"), "tables": {"production_count": {"columns": counts}}}
    if plant.planned:
        columns = {"entry": "id", "start_ts": "start", "end_ts": "end", "planned_class": "class", "planned_at": "planned_at"}
        sources["plan"] = {**_file("plan.csv"), "tables": {"planned_downtime": {"columns": columns}}}
    if plant.windows:
        columns = {"equipment": "unit", "shift_code": "shift", "start_ts": "start", "end_ts": "end"}
        sources["calendar"] = {**_file("windows.csv"), "tables": {"shift_instance": {"columns": columns}}}
    return sources


def _file(pattern: str) -> dict[str, Any]:
    return {"kind": "delimited", "path": pattern, "options": {"delimiter": ",", "encoding": "utf-8"}}


def _told(pattern: str) -> dict[str, Any]:
    """A source whose exports state in their names which window they cover."""
    return {**_file(pattern), "covers": {"from_name": r"_(\d{12})-(\d{12})", "format": "%Y%m%d%H%M"}}


def refresh(root: Path) -> Outcome:
    """Everything that `plantlake refresh` does except Dagster's run and the quality checks of silver."""
    job = Refresh(root)
    with closing(job), writer_lock(job.lake):
        return job.run(job.plan(), quality=False)
