"""Portfolios for the golden cases: plant files, vocabularies and CSV exports in, KPI tables out, by the product's own way.

Here: files are written and refreshed; every column of an export has the name of the canonical input that it is mapped to. Nothing of the
product's calculation is imported, so that a case cannot agree with itself. Elsewhere: the cases (`test_golden_*.py`).
"""

from __future__ import annotations

import csv
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
    """One plant. Times are UTC; `tables` holds the rows of its exports by canonical table."""

    plant: str
    tables: dict[str, list[Row]] = field(default_factory=dict)
    about: dict[str, Any] = field(default_factory=dict)
    """What the plant file says beside the defaults."""
    start: str = "2025-06-02"
    until: str = "2025-06-03T00:00"
    """Up to when every source has told everything."""
    words: dict[str, list[Row]] = field(default_factory=dict)
    """Its lines of vocabularies."""
    maps: dict[str, dict[str, Any]] = field(default_factory=dict)
    """Columns of exports that are mapped otherwise than by their name: what the plant file says instead."""


def write(root: Path, cases: list[Case]) -> None:
    """Writes the whole portfolio."""
    (root / "plants").mkdir(parents=True)
    (root / "portfolio.yaml").write_text("name: Golden\ncurrency: USD\n", encoding="utf-8")
    words: dict[str, list[Row]] = {}
    for case in cases:
        _write_plant(root, case)
        for name, rows in case.words.items():
            words.setdefault(name, []).extend(rows)
    for name, rows in words.items():
        write_csv(root / "vocabularies" / f"{name}.csv", rows)


def _write_plant(root: Path, case: Case) -> None:
    window = f"{case.start.replace('-', '')}0000-{case.until.replace('-', '').replace('T', '').replace(':', '')}"
    sources = {}
    for table, rows in case.tables.items():
        write_csv(root / "landing" / case.plant / f"{table}_{window}.csv", rows)
        columns = dict.fromkeys(key for row in rows for key in row)
        sources[table] = {
            "kind": "delimited", "path": f"{table}_*.csv", "options": {"delimiter": ",", "encoding": "utf-8"},
            "covers": {"from_name": r"_(\d{12})-(\d{12})", "format": "%Y%m%d%H%M"},
            "tables": {table: {"columns": _columns(case, table, columns)}},
        }  # fmt: skip
        if "uom" in columns:
            for name in ("produced_qty", "good_qty", "scrap_qty"):
                if name in columns:
                    sources[table]["tables"][table]["columns"][name] = {"from": name, "unit_from": "uom"}
    about = {
        "plant": case.plant, "name": case.plant, "company": "golden", "timezone": "UTC", "data_start_on": case.start,
        "shifts": {"S1": {"at": "06:00-14:00", "days": "daily"}}, "sources": sources, **case.about,
    }  # fmt: skip
    (root / "plants" / f"{case.plant}.yaml").write_text(yaml.safe_dump(about, sort_keys=False), encoding="utf-8")


def _columns(case: Case, table: str, columns: dict[str, None]) -> dict[str, Any]:
    named = {name: _mapped(table, name) for name in columns if name != "uom" and name not in case.maps}
    return named | {column: rule for name in columns for column, rule in case.maps.get(name, {}).items()}


def _mapped(table: str, name: str) -> Any:
    return {"from": name, "unit": "kW.h"} if (table, name) == ("energy", "energy") else name


def write_csv(path: Path, rows: list[Row]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(dict.fromkeys(key for row in rows for key in row)))
        writer.writeheader()
        writer.writerows(rows)


def refresh(root: Path) -> Outcome:
    """Everything that `plantlake refresh` does except Dagster's run and the quality checks."""
    job = Refresh(root)
    with closing(job), writer_lock(job.lake):
        return job.run(job.plan(), quality=False)
