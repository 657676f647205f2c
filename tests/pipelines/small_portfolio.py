"""A portfolio of small plants for the tests of pipelines: files written by the test, refreshed by the product.

Here: two dialects and the short ways to refresh. Elsewhere: what can go wrong with the files (`test_bad_input.py`), whole refreshes
with Dagster (`test_cli.py`).
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import polars as pl
import pytest
import yaml

from pipelines import silver, upkeep
from pipelines.lock import writer_lock
from pipelines.refresh import Outcome, Refresh

HEADER = "Unit;From;To;Class;Reason;Minutes"
DAY_1 = (
    "M1;2025-06-02 06:00;2025-06-02 09:00;RUN;;180",
    "M1;2025-06-02 09:00;2025-06-02 09:30;DELAY_EQ;17;30",
    "M1;2025-06-02 09:30;2025-06-02 14:00;RUN;;270",
)
DAY_2 = ("M1;2025-06-03 06:00;2025-06-03 14:00;RUN;;480",)
COUNTS = "Unit;At;Document;Good;Scrap;Uom"
COUNTED = ("M1;2025-06-02 10:00;D1;100;2;pcs", "M1;2025-06-03 10:00;D2;80;0;pcs")


@contextmanager
def clock_says(moment: datetime) -> Iterator[None]:
    """Refreshes within have this moment."""
    made = Refresh.__init__

    def at_moment(self: Refresh, *arguments: Any, **named: Any) -> None:
        made(self, *arguments, **named)
        self.at = moment

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Refresh, "__init__", at_moment)
        yield


def plant_file(plant: str) -> dict[str, Any]:
    """A plant with stops and counts in CSV."""
    columns = {"equipment": "Unit", "start_ts": "From", "end_ts": "To", "state_class": "Class", "source_reason_code": "Reason"}
    quantities = {name: {"from": column, "unit_from": "Uom"} for name, column in (("good_qty", "Good"), ("scrap_qty", "Scrap"))}
    options = {"delimiter": ";", "encoding": "utf-8"}
    return {
        "plant": plant, "name": plant.title(), "company": "acme", "timezone": "Europe/Berlin",
        "shifts": {"F": {"at": "06:00-14:00", "days": "daily"}},
        "sources": {
            "mes": {"kind": "delimited", "path": "stops_*.csv", "options": options, "tables": {"equipment_state_event": {"columns": columns}}},
            "erp": {
                "kind": "delimited", "path": "counts_*.csv", "options": options,
                "tables": {"production_count": {"columns": {"equipment": "Unit", "event_ts": "At", "document": "Document", **quantities}}},
            },
        },
    }  # fmt: skip


@dataclass
class SmallPortfolio:
    """A portfolio folder of a test."""

    root: Path

    def plant(self, plant: str, about: dict[str, Any] | None = None) -> None:
        """Writes a plant file."""
        (self.root / "plants").mkdir(parents=True, exist_ok=True)
        (self.root / "portfolio.yaml").write_text("name: Small\n")
        text = yaml.safe_dump(about or plant_file(plant), sort_keys=False)
        (self.root / "plants" / f"{plant}.yaml").write_text(text)

    def file(self, plant: str, name: str, *lines: str, header: str = HEADER) -> Path:
        """Writes an export."""
        return self.bytes(plant, name, "".join(f"{line}\n" for line in (header, *lines)).encode())

    def bytes(self, plant: str, name: str, content: bytes) -> Path:
        path = self.root / "landing" / plant / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        return path

    def good(self, *plants: str) -> SmallPortfolio:
        """Plants with two days of good exports."""
        for plant in plants:
            self.plant(plant)
            self.file(plant, "stops_1.csv", *DAY_1)
            self.file(plant, "stops_2.csv", *DAY_2)
            self.file(plant, "counts_1.csv", *COUNTED, header=COUNTS)
        return self

    def copy(self, root: Path) -> SmallPortfolio:
        """The same portfolio and lake in another folder. Until its next refresh, its snapshot reads the Parquet files of this one."""
        upkeep.close_dbt()  # what is open may have half of it in memory
        shutil.copytree(self.root, root, symlinks=True)
        return SmallPortfolio(root)

    def load(self) -> Outcome:
        """Bronze and silver, as `plantlake refresh` does them."""
        return self._refresh(build_gold=False)

    def refresh(self) -> Outcome:
        """Everything that `plantlake refresh` does except Dagster's run and the quality checks of silver."""
        return self._refresh(build_gold=True)

    def _refresh(self, *, build_gold: bool) -> Outcome:
        job = Refresh(self.root)
        with closing(job), writer_lock(job.lake):
            todo = job.plan()
            job.land(todo)
            job.load(todo)
            job.watch()
            if build_gold:
                job.find()
                job.build(quality=False)
                job.publish()
        return job.outcome

    def plans(self) -> bool:
        """Whether a refresh would have anything to do."""
        job = Refresh(self.root)
        with closing(job):
            return bool(job.plan().plants)

    def silver(self, table: str, plant: str | None = None) -> pl.DataFrame:
        """Current rows of a silver table."""
        rows = silver.read(Refresh(self.root).lake, table, [plant] if plant else None).collect()
        return rows.filter(pl.col("is_current") & ~pl.col("is_deleted")) if "is_current" in rows.columns else rows

    def ledger(self) -> pl.DataFrame:
        """The export ledger, one row an export and table."""
        job = Refresh(self.root)
        with closing(job):
            return job.ledger.frame()


def without_plants(root: Path) -> None:
    """A portfolio that has no plant yet, refreshed."""
    portfolio = SmallPortfolio(root)
    portfolio.plant("a")
    (portfolio.root / "plants" / "a.yaml").unlink()
    portfolio.refresh()
    upkeep.close_dbt()
