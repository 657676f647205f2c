"""Exports that could not be loaded and are no longer waited for: delivered again under the same name, or taken out of landing.

Elsewhere: plants that are held for failed exports (`tests/laws`), the ledger's tables (`test_ledger.py`).
"""

from __future__ import annotations

from pathlib import Path

import pytest
from small_portfolio import COUNTS, DAY_2, HEADER, SmallPortfolio

from pipelines import state
from pipelines.refresh import Refresh
from publish.reader import Snapshot

RENAMED = HEADER.replace("Reason", "ReasonCode")
DAY_3 = "M1;2025-06-04 06:00;2025-06-04 14:00;RUN;;480"


@pytest.fixture(scope="module")
def standing(tmp_path_factory: pytest.TempPathFactory) -> SmallPortfolio:
    """Plant a, published once, then with a file that lacks a mapped column; an hour later its counts of that day arrive."""
    portfolio = SmallPortfolio(tmp_path_factory.mktemp("held") / "portfolio").good("a")
    portfolio.refresh()
    portfolio.file("a", "stops_3.csv", DAY_3, header=RENAMED)
    assert portfolio.refresh().release_id is None
    portfolio.file("a", "counts_2.csv", "M1;2025-06-04 10:00;D3;50;0;pcs", header=COUNTS)
    outcome = portfolio.refresh()
    assert (list(outcome.held), outcome.release_id, status(portfolio)) == (["a"], None, ("STALE", 1))
    return portfolio


@pytest.fixture
def held(standing: SmallPortfolio, tmp_path: Path) -> SmallPortfolio:
    return standing.copy(tmp_path / "portfolio")


def status(portfolio: SmallPortfolio) -> tuple[str, int]:
    with Snapshot(portfolio.root / "lake" / "kpi.duckdb") as reader:
        return reader.rows("SELECT status, failed_exports FROM plant_status")[0]  # type: ignore[return-value]


def run_hours(portfolio: SmallPortfolio) -> float:
    with Snapshot(portfolio.root / "lake" / "kpi.duckdb") as reader:
        rows = reader.rows("SELECT sum(apt_s) / 3600 FROM mart_kpi_parts_shift WHERE valid_to_release IS NULL")
        return float(rows[0][0])


def test_a_file_that_is_delivered_again_mends_its_plant(held: SmallPortfolio) -> None:
    held.file("a", "stops_3.csv", DAY_3)
    outcome = held.refresh()
    assert (outcome.problems, outcome.held, outcome.release_id) == ([], {}, 2)
    assert status(held) == ("OK", 0)
    assert run_hours(held) == 7.5 + 8 + 8  # the first day has half an hour of delay
    # The file of before is not tried again with the next one, a repeat of the second day.
    held.file("a", "stops_4.csv", *DAY_2)
    assert held.refresh().problems == []


def test_a_file_that_is_taken_out_of_landing_is_no_longer_waited_for(held: SmallPortfolio) -> None:
    (held.root / "landing" / "a" / "stops_3.csv").unlink()
    outcome = held.refresh()
    assert (outcome.problems, outcome.held, status(held)) == ([], {}, ("OK", 0))
    assert run_hours(held) == 7.5 + 8
    job = Refresh(held.root)
    assert state.marker(job.lake).held == {}
    assert not job.plan()
    job.close()
