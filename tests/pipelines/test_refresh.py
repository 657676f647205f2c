"""A whole refresh as a Dagster run: what it publishes, what Dagster knows of it, and that only one runs at a time."""

from __future__ import annotations

from contextlib import closing
from typing import Any

import dagster as dg
import pytest
from small_portfolio import DAY_2, SmallPortfolio

from connectors.errors import LockedError
from pipelines.lake import Lake
from pipelines.lock import writer_lock
from pipelines.refresh import Refresh
from pipelines.run import run


def refresh(portfolio: SmallPortfolio) -> Refresh:
    job = Refresh(portfolio.root)
    with closing(job):
        run(job, job.plan())
    return job


@pytest.fixture(scope="module")
def twice(module_portfolio: SmallPortfolio) -> tuple[SmallPortfolio, Refresh, Refresh]:
    """Two refreshes: both plants, then one of them with a new export and the other with one that cannot be read."""
    first = refresh(module_portfolio.good("a", "b"))
    module_portfolio.file("a", "stops_3.csv", DAY_2[0].replace("06-03", "06-04"))
    module_portfolio.bytes("b", "stops_3.csv", b"")
    return module_portfolio, first, refresh(module_portfolio)


def materialized(portfolio: SmallPortfolio, asset: str) -> list[Any]:
    with dg.DagsterInstance.from_config(str(Lake(portfolio.root / "lake").dagster_home)) as instance:
        found = instance.fetch_materializations(dg.AssetKey(asset), limit=20).records
    return [record.asset_materialization.partition for record in reversed(found) if record.asset_materialization]


def test_each_refresh_is_a_release(twice: tuple[SmallPortfolio, Refresh, Refresh]) -> None:
    _, first, second = twice
    assert (first.outcome.release_id, first.outcome.exports, first.outcome.accepted, first.outcome.broken_plants) == (1, 6, 12, [])
    assert (second.outcome.release_id, second.outcome.exports, second.outcome.accepted, second.outcome.broken_plants) == (2, 2, 1, ["b"])


def test_dagster_knows_which_plants_changed(twice: tuple[SmallPortfolio, Refresh, Refresh]) -> None:
    portfolio, *_ = twice
    assert materialized(portfolio, "plant")[:2] == ["a", "b"]
    assert "a" in materialized(portfolio, "plant")[2:]
    assert len(materialized(portfolio, "kpi_snapshot")) == 2


def test_a_run_with_a_broken_plant_publishes_and_then_fails_naming_it(twice: tuple[SmallPortfolio, Refresh, Refresh]) -> None:
    portfolio, *_ = twice
    with dg.DagsterInstance.from_config(str(Lake(portfolio.root / "lake").dagster_home)) as instance:
        states = [run.status.value for run in instance.get_runs()]
    assert states == ["FAILURE", "SUCCESS"]  # the newest first


def test_each_refresh_has_a_log(twice: tuple[SmallPortfolio, Refresh, Refresh]) -> None:
    portfolio, first, _ = twice
    assert any(first.outcome.refresh_id in path.name for path in (portfolio.root / "lake" / "logs").iterdir())


def test_the_checks_are_published(twice: tuple[SmallPortfolio, Refresh, Refresh]) -> None:
    _, first, _ = twice
    assert first.outcome.quality is not None
    assert "FAIL" not in first.outcome.quality.filter(first.outcome.quality["severity"] == "blocking")["status"].to_list()


def test_only_one_refresh_at_a_time(portfolio: SmallPortfolio) -> None:
    portfolio.good("a")
    job = Refresh(portfolio.root)
    with closing(job), writer_lock(job.lake), pytest.raises(LockedError):
        run(job, job.plan())
