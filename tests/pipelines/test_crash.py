"""Refreshes that are killed at chosen places are finished by the next one: it ends as if nobody had been killed.

Here: SIGKILL in the places between two steps that a crash could tear apart. Elsewhere: any moment, whole refreshes with Dagster and
quality checks, and a reader beside them (`bench/crash.py`, whose comparison of two lakes is used here).

    delivered twice:  day 1  --refresh-->  lake  --day 2, a corrected stop, a bad count--> killed --> killed --> next refresh
    compared with:    day 1  --refresh-->  lake  --the same---------------------------------------------------> one refresh

Each place of the first half (before dbt) is followed by one of the second: the second kill lies behind all that the first one tore.
"""

from __future__ import annotations

import shutil
import signal
import subprocess
import sys
from datetime import timedelta
from pathlib import Path
from typing import NamedTuple

import polars as pl
import pytest
from small_portfolio import COUNTS, DAY_1, DAY_2, SmallPortfolio

from bench.crash import differences, has_work, in_peace, step_of
from publish.reader import Snapshot

REPOSITORY = Path(__file__).resolve().parents[2]
CORRECTED = "M1;2025-06-02 09:00;2025-06-02 09:45;DELAY_EQ;17;45"
BAD = "M1;2025-06-03 11:00;D4;many;0;pcs"
"""No number: the record goes to quarantine."""

CHILD = """
import importlib, os, signal, sys
from pathlib import Path
from bench.crash import in_peace

root, how, where = sys.argv[1:]

def die(*_, **__):
    os.kill(os.getpid(), signal.SIGKILL)

if how != "line":
    module, path = where.split(":")
    *owners, name = path.split(".")
    owner = importlib.import_module(module)
    for part in owners:
        owner = getattr(owner, part)
    kept = getattr(owner, name)
    def after(*args, **options):
        kept(*args, **options)
        die()
    setattr(owner, name, die if how == "before" else after)
in_peace(Path(root), quality=False, tell=lambda text: die() if how == "line" and text.startswith(where) else None)
"""
"""A refresh that kills itself: when a line of its log begins so, or before or after a function."""


class Place(NamedTuple):
    """Where a refresh kills itself, the last step that its log names then, and whether readers see the new release."""

    what: str
    how: str
    where: str
    step: str
    swapped: bool = False


BEFORE_DBT = [
    Place("landed, nothing conformed", "line", "a · conform", "conform"),
    Place("files written, not committed", "before", "pipelines.silver:_commit_files", "commit equipment_state_event"),
    Place("some tables committed", "line", "commit production_count", "commit production_count"),
    Place("silver committed, ledger not told", "before", "pipelines.load:Loader._record", "commit source_watermark"),
    Place("ledger told, no scope", "after", "pipelines.load:Loader._record", "commit source_watermark"),
    Place("scope found", "after", "pipelines.refresh:Refresh.find", "change scope"),
]
SINCE_DBT = [
    Place("within dbt", "line", "dbt int_time_segment", "dbt"),
    Place("within the transaction of the move", "before", "pipelines.release:_close_scope", "after dbt: laws, gate, move"),
    Place("moved, not published", "line", "publish", "publish"),
    Place("parts written, not swapped", "before", "publish.snapshot:_swap", "publish"),
    Place("swapped, not marked as finished", "after", "publish.snapshot:_swap", "publish", True),
    Place("before upkeep", "line", "upkeep", "upkeep", True),
]


@pytest.fixture(scope="module")
def first_day(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A portfolio with day 1 refreshed."""
    portfolio = SmallPortfolio(tmp_path_factory.mktemp("first") / "portfolio")
    for plant in ("a", "b"):
        portfolio.plant(plant)
        portfolio.file(plant, "stops_1.csv", *DAY_1)
        portfolio.file(plant, "counts_1.csv", "M1;2025-06-02 10:00;D1;100;2;pcs", header=COUNTS)
    in_peace(portfolio.root, quality=False)
    return portfolio.root


def second_day(first: Path, root: Path) -> SmallPortfolio:
    """A copy in which day 2 waits, with a correction of day 1 and a count that is no number; plant b has nothing new."""
    shutil.copytree(first, root)
    portfolio = SmallPortfolio(root)
    portfolio.file("a", "stops_2.csv", CORRECTED, *DAY_2)
    portfolio.file("a", "counts_2.csv", "M1;2025-06-03 10:00;D2;80;0;pcs", BAD, header=COUNTS)
    return portfolio


@pytest.fixture(scope="module")
def undisturbed(first_day: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = second_day(first_day, tmp_path_factory.mktemp("second") / "portfolio").root
    in_peace(root, quality=False)
    a = SmallPortfolio(root)
    (stopped,) = a.silver("equipment_state_event", "a").filter(pl.col("state_class") == "DELAY_EQ").rows(named=True)
    assert stopped["end_ts"] - stopped["start_ts"] == timedelta(minutes=45), "corrected from 30"
    assert a.silver("quarantine")["plant_id"].to_list() == ["a"], "the count that is no number"
    assert published(root) == 2
    return root


def published(root: Path) -> int:
    """The release that readers see."""
    with Snapshot(root / "lake" / "kpi.duckdb") as reader:
        (release,) = reader.rows("SELECT max(release_id) FROM release")[0]
    return int(release)


def killed(root: Path, how: str, where: str, step: str) -> None:
    """A refresh that is killed there."""
    before = set((root / "lake" / "logs").iterdir())
    child = subprocess.run(
        [sys.executable, "-c", CHILD, str(root), how, where], cwd=REPOSITORY, check=False, capture_output=True, text=True
    )
    assert child.returncode == -signal.SIGKILL, child.stderr
    (log,) = set((root / "lake" / "logs").iterdir()) - before
    assert step_of(log.read_text().splitlines()) == step


@pytest.mark.parametrize(("early", "late"), zip(BEFORE_DBT, SINCE_DBT, strict=True), ids=lambda place: place.what)
def test_the_next_refresh_finishes_what_killed_ones_began(
    first_day: Path, undisturbed: Path, tmp_path: Path, early: Place, late: Place
) -> None:
    root = second_day(first_day, tmp_path / "portfolio").root
    for place in (early, late):
        killed(root, place.how, place.where, place.step)
        assert published(root) == (2 if place.swapped else 1), "readers see the old or the new"

    in_peace(root, quality=False)
    assert differences(root, undisturbed) == []
    assert published(root) == 2, "one change is one release, however often it was begun"
    assert not has_work(root), "the refresh after the kills leaves nothing behind"
