"""A refresh that is killed at a chosen place is finished by the next one: both end as if nobody had been killed.

Here: SIGKILL in the places between two steps that a crash could tear apart. Elsewhere: any moment, whole refreshes with Dagster and
quality checks, and a reader beside them (`bench/crash.py`, whose comparison of two lakes is used here).

    delivered twice:  day 1  --refresh-->  lake  --day 2, a corrected stop, a bad count--> killed refresh --> next refresh
    compared with:    day 1  --refresh-->  lake  --the same-----------------------------------------------> one refresh
"""

from __future__ import annotations

import shutil
import signal
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

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
import importlib, logging, os, signal, sys
from pathlib import Path
from bench.crash import in_peace

root, how, where = sys.argv[1:]

def die(*_, **__):
    os.kill(os.getpid(), signal.SIGKILL)

if how == "line":
    class Deadly(logging.Handler):
        def emit(self, record):
            if record.getMessage().startswith(where):
                die()
    importlib.import_module("pipelines.refresh").log.addHandler(Deadly())
else:
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
in_peace(Path(root), quality=False)
"""
"""A refresh that kills itself: when a line of its log begins so, or before or after a function."""

PLACES = [
    pytest.param("line", "a · conform", "conform", False, id="landed, nothing conformed"),
    pytest.param("before", "pipelines.silver:_commit_files", "commit equipment_state_event", False, id="files written, not committed"),
    pytest.param("line", "commit production_count", "commit production_count", False, id="some tables committed"),
    pytest.param("before", "pipelines.load:Loader._record", "commit source_watermark", False, id="silver committed, ledger not told"),
    pytest.param("after", "pipelines.load:Loader._record", "commit source_watermark", False, id="ledger told, no scope"),
    pytest.param("after", "pipelines.refresh:Refresh.find", "change scope", False, id="scope found"),
    pytest.param("line", "dbt int_time_segment", "dbt", False, id="within dbt"),
    pytest.param("before", "pipelines.release:_close_scope", "after dbt: laws, gate, move", False, id="within the transaction of the move"),
    pytest.param("line", "publish", "publish", False, id="moved, not published"),
    pytest.param("before", "publish.snapshot:_swap", "publish", False, id="parts written, not swapped"),
    pytest.param("after", "publish.snapshot:_swap", "publish", True, id="swapped, not marked as finished"),
    pytest.param("line", "upkeep", "upkeep", True, id="before upkeep"),
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


@pytest.mark.parametrize(("how", "where", "step", "swapped"), PLACES)
def test_the_next_refresh_finishes_what_a_killed_one_began(
    first_day: Path, undisturbed: Path, tmp_path: Path, how: str, where: str, step: str, swapped: bool
) -> None:
    root = second_day(first_day, tmp_path / "portfolio").root
    before = set((root / "lake" / "logs").iterdir())
    killed = subprocess.run(
        [sys.executable, "-c", CHILD, str(root), how, where], cwd=REPOSITORY, check=False, capture_output=True, text=True
    )
    assert killed.returncode == -signal.SIGKILL, killed.stderr
    (log,) = set((root / "lake" / "logs").iterdir()) - before
    assert step_of(log.read_text().splitlines()) == step

    assert published(root) == (2 if swapped else 1), "readers see the old or the new"

    in_peace(root, quality=False)
    assert differences(root, undisturbed) == []
    assert published(root) == 2, "one change is one release, however often it was begun"
    assert not has_work(root), "the refresh after the kill leaves nothing behind"
