"""Portfolios of small cases: plant files, vocabularies and CSV exports in, KPI tables out, by the product's own way.

Here: files are written and refreshed; every column of an export has the name of the canonical input that it is mapped to. Nothing of the
product's calculation is imported, so that a case cannot agree with itself. Elsewhere: the golden cases (`tests/golden`), laws over random
plants and versions of parts (`tests/dbt`), plants with dialects and flaws of their own (`tests/pipelines/small_portfolio.py`).
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

Row = dict[str, Any]


@dataclass
class Case:
    """One plant. Times are the plant's own, UTC unless `about` names a zone."""

    plant: str
    tables: dict[str, list[Row]] = field(default_factory=dict)
    """Rows of its exports by canonical table. The table of a second source is written `plc:equipment_state_event`."""
    about: dict[str, Any] = field(default_factory=dict)
    """What the plant file says beside the defaults."""
    start: str = "2025-06-02"
    """First production day."""
    until: str = "2025-06-03T00:00"
    """Up to when every source has told everything."""
    words: dict[str, list[Row]] = field(default_factory=dict)
    """Its lines of vocabularies."""
    maps: dict[str, dict[str, Any]] = field(default_factory=dict)
    """Columns of exports that are mapped otherwise than by their name: what the plant file says instead."""
    later: dict[str, list[Row]] = field(default_factory=dict)
    """What a second delivery brings, as `tables`."""
    later_until: str = ""
    """Up to when the second delivery tells; default: as the first."""
    clock_offset_s: dict[str, float] = field(default_factory=dict)
    """Clock of a source less the true one."""
    files: dict[str, str] = field(default_factory=dict)
    """Exports in another format, by name; `about` says how they are read."""


def write(root: Path, cases: Sequence[Case]) -> None:
    """Writes the whole portfolio with the first delivery of every plant."""
    (root / "plants").mkdir(parents=True, exist_ok=True)
    (root / "portfolio.yaml").write_text("name: Golden\ncurrency: USD\n", encoding="utf-8")
    words: dict[str, list[Row]] = {}
    for case in cases:
        write_plant(root, case)
        for name, rows in case.words.items():
            words.setdefault(name, []).extend(rows)
    for name, rows in words.items():
        write_csv(root / "vocabularies" / f"{name}.csv", rows)


def write_plant(root: Path, case: Case) -> None:
    """Writes one plant's file and first delivery, over what was there."""
    about = {
        "plant": case.plant, "name": case.plant, "company": "golden", "timezone": "UTC", "data_start_on": case.start,
        "shifts": {"S1": {"at": "06:00-14:00", "days": "daily"}}, "equipment": {"units": {"M": {}}}, "sources": _sources(case), **case.about,
    }  # fmt: skip
    (root / "plants" / f"{case.plant}.yaml").write_text(yaml.safe_dump(about, sort_keys=False), encoding="utf-8")
    _deliver(root, case, case.tables, 1, case.until)
    for name, text in case.files.items():
        path = root / "landing" / case.plant / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")


def deliver_later(root: Path, cases: Sequence[Case]) -> None:
    """Writes the second delivery of the plants that have one."""
    for case in cases:
        _deliver(root, case, case.later, 2, case.later_until or case.until)


def _deliver(root: Path, case: Case, tables: dict[str, list[Row]], number: int, until: str) -> None:
    window = "-".join(text.translate(str.maketrans("", "", "-T:")) for text in (f"{case.start}T00:00", until))
    for key, rows in tables.items():
        write_csv(root / "landing" / case.plant / f"{_source(key)}_{number}_{window}.csv", rows)


def _source(key: str) -> str:
    return key.split(":", maxsplit=1)[0]


def _sources(case: Case) -> dict[str, Any]:
    keys = {key: [*case.tables.get(key, []), *case.later.get(key, [])] for key in (*case.tables, *case.later)}
    return {
        _source(key): {
            "kind": "delimited", "path": f"{_source(key)}_[12]_*.csv", "options": {"delimiter": ",", "encoding": "utf-8"},
            "covers": {"from_name": r"_(\d{12})-(\d{12})", "format": "%Y%m%d%H%M"},
            "clock_offset_s": case.clock_offset_s.get(_source(key), 0.0),
            "tables": {key.rsplit(":", maxsplit=1)[-1]: {"columns": _columns(case, rows)}},
        }
        for key, rows in keys.items()
    }  # fmt: skip


def _columns(case: Case, rows: list[Row]) -> dict[str, Any]:
    """Each input from the column of its name, unless the case says otherwise; a column `uom` names the unit of the quantities."""
    names = dict.fromkeys(key for row in rows for key in row)
    columns: dict[str, Any] = {name: name for name in names if name != "uom" and name not in case.maps}
    if "energy" in names:
        columns["energy"] = {"from": "energy", "unit": "kW.h"}
    if "uom" in names:
        columns |= {name: {"from": name, "unit_from": "uom"} for name in names if name in ("produced_qty", "good_qty", "scrap_qty")}
    return columns | {column: rule for name in names for column, rule in case.maps.get(name, {}).items()}


def write_csv(path: Path, rows: Sequence[Row]) -> None:
    """A CSV with a header of all columns that any row has."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(dict.fromkeys(key for row in rows for key in row)))
        writer.writeheader()
        writer.writerows(rows)


def refresh(root: Path) -> Outcome:
    """Everything that `plantlake refresh` does except Dagster's run and the quality checks of silver."""
    job = Refresh(root)
    with closing(job), writer_lock(job.lake):
        return job.run(job.plan(), quality=False)


# --- rows -----------------------------------------------------------------------------------------------------------------------------


DAY = "2025-06-02"


def instant(text: str) -> str:
    """A clock alone is of 2 June 2025."""
    return text if "T" in text or not text else f"{DAY}T{text}"


def events(*lines: Sequence[str], unit: str = "M") -> list[Row]:
    """State events: (id, start, end, class) and perhaps material."""
    names = ("event", "start_ts", "end_ts", "state_class", "material")
    rows = [dict(zip(names, (line[0], instant(line[1]), instant(line[2]), *line[3:]), strict=False)) for line in lines]
    return [{"equipment": unit, **row} for row in rows]


def made(when: str, produced: float | None, good: float, unit: str = "M", **other: Any) -> Row:
    """A count of pieces made, and of good ones. Its document is named after unit and product unless `other` names it."""
    return {
        "equipment": unit, "document": f"D-{unit}-{other.get('material', 'P')}", "event_ts": instant(when), "material": "P",
        "produced_qty": "" if produced is None else produced, "good_qty": good, **other,
    }  # fmt: skip


def planned(*lines: Sequence[str]) -> list[Row]:
    """Planned downtime: (start, end, class) and perhaps when it was planned; else long before."""
    return [
        {"entry": f"p{n}", "start_ts": instant(line[0]), "end_ts": instant(line[1]), "planned_class": line[2],
         "planned_at": instant(line[3]) if len(line) > 3 else "2024-01-01T00:00"}
        for n, line in enumerate(lines)
    ]  # fmt: skip


def windows(*lines: Sequence[str]) -> list[Row]:
    """Machine-shifts that a source delivers instead of a pattern: (unit, shift, start, end)."""
    return [
        {"equipment": unit, "shift_code": shift, "start_ts": instant(start), "end_ts": instant(end)} for unit, shift, start, end in lines
    ]


def rate(plant: str, seconds: float, material: str = "P", **other: Any) -> Row:
    """An ideal rate: seconds a piece."""
    return {
        "plant": plant, "equipment": "", "material": material, "tool": "", "rate_basis": "ENGINEERED", "rate": seconds, "unit": "s", **other,
    }  # fmt: skip
