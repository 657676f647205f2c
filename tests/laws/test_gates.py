"""Promise 4: one plant's bad input. Its parts stay byte-equal, it is named stale with the reason, the portfolio is the sum of the parts
that stand, all others refresh, and mending it clears it without a full build.

Here: what readers see of the gates, through whole refreshes with their checks. Elsewhere: the checks and their limits (`tests/quality`).
"""

from __future__ import annotations

import importlib.util
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from equal_lakes import NOT_PARTS, differences
from small_portfolio import COUNTS, DAY_1, DAY_2, SmallPortfolio, plant_file

from pipelines.lake import Lake
from pipelines.lock import writer_lock
from pipelines.refresh import Outcome, Refresh
from publish.reader import Snapshot

pytestmark = pytest.mark.skipif(importlib.util.find_spec("pipelines.scope") is None, reason="there are no gates yet")

BROKEN, WELL = "p", "q"
DAY_3 = ("M1;2025-06-04 06:00;2025-06-04 10:00;RUN;;240", "M1;2025-06-04 10:00;2025-06-04 14:00;DELAY_EQ;17;240")
RATED = "plant,equipment,material,tool,rate_basis,rate,unit,pieces_per_cycle,valid_from,valid_to,provenance"
MINUTE_A_PIECE = "*,,,,ENGINEERED,60,s,,,,test"
COUNTED_3 = ("M1;2025-06-04 09:00;D3;150;10;pcs",)


def refresh(portfolio: SmallPortfolio) -> Outcome:
    """One refresh with its quality checks."""
    job = Refresh(portfolio.root)
    with closing(job), writer_lock(job.lake):
        job.run(job.plan())
    return job.outcome


def rated(portfolio: SmallPortfolio) -> None:
    """A minute a piece, everywhere."""
    folder = portfolio.root / "vocabularies"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "ideal_rates.csv").write_text("\n".join([RATED, *(MINUTE_A_PIECE.replace("*", plant, 1) for plant in (BROKEN, WELL)), ""]))


@dataclass(frozen=True)
class Break:
    """How plant p is broken, what its stale_reason has to name, and how it is mended."""

    name: str
    harm: Callable[[SmallPortfolio], None]
    told: str
    mend: Callable[[SmallPortfolio], None]


def _a_column_is_missing(portfolio: SmallPortfolio) -> None:
    portfolio.file(BROKEN, "stops_3.csv", "M1;2025-06-04 06:00;RUN;;240", header="Unit;From;Class;Reason;Minutes")


def _the_file_is_whole(portfolio: SmallPortfolio) -> None:
    portfolio.file(BROKEN, "stops_3.csv", *DAY_3)


def _reversed_twice(portfolio: SmallPortfolio) -> None:
    """Two documents cancel the hundred pieces of D1: below zero pieces were made (check chains_not_negative)."""
    lines = ("M1;2025-06-02 11:00;R1;-100;-2;pcs;D1", "M1;2025-06-02 12:00;R2;-100;-2;pcs;D1")
    portfolio.file(BROKEN, "stops_3.csv", *DAY_3)
    portfolio.file(BROKEN, "counts_2.csv", *lines, header=f"{COUNTS};Reverses")


def _reversed_once(portfolio: SmallPortfolio) -> None:
    """The second one was never made: it is delivered again as nothing."""
    portfolio.file(BROKEN, "counts_3.csv", "M1;2025-06-02 12:00;R2;0;0;pcs;D1", header=f"{COUNTS};Reverses")


def _two_bases_at_once(portfolio: SmallPortfolio) -> None:
    """Two rates for the same product and time (check one_rate_at_a_time)."""
    path = portfolio.root / "vocabularies" / "ideal_rates.csv"
    path.write_text(path.read_text() + f"{BROKEN},,,,ENGINEERED,30,s,,2025-06-01,,test\n")
    portfolio.file(BROKEN, "stops_3.csv", *DAY_3)


def _one_basis(portfolio: SmallPortfolio) -> None:
    rated(portfolio)


BREAKS = (
    Break("a states file lacks a column", _a_column_is_missing, "stops_3.csv", _the_file_is_whole),
    Break("counts are reversed twice", _reversed_twice, "chains_not_negative", _reversed_once),
    Break("two ideal rates at once", _two_bases_at_once, "one_rate_at_a_time", _one_basis),
)


def about(plant: str) -> dict[str, Any]:
    """A plant whose counts may be reversed; the older count files have no such column."""
    found = plant_file(plant)
    counts = found["sources"]["erp"]["tables"]["production_count"]
    reversing = {**counts, "columns": {**counts["columns"], "reverses": "Reverses"}}
    found["sources"]["erp"]["tables"] = {"production_count": reversing}
    return found


@dataclass
class Told:
    """What readers see after a refresh."""

    parts: dict[str, pl.DataFrame]
    versions: dict[str, pl.DataFrame]
    status: dict[str, dict[str, Any]]
    sums: dict[str, tuple[Any, Any]]
    """Scope: numerator and denominator of the OEE of June."""
    outcome: Outcome


def told(portfolio: SmallPortfolio, outcome: Outcome) -> Told:
    with Snapshot(Lake(portfolio.root / "lake").snapshot) as reader:
        rows = reader.query("SELECT * FROM mart_kpi_parts_shift")
        status = reader.query("SELECT * FROM plant_status").to_dicts()
        values = reader.rows(
            "SELECT scope_id, numerator, denominator FROM kpi_value WHERE kpi_id = 'OEE' AND profile = 'ISO' AND period_type = 'MONTH'"
            " AND scope_type IN ('PLANT', 'PORTFOLIO')"
        )
    now = rows.filter(pl.col("valid_to_release").is_null())
    return Told(
        {plant: now.filter(pl.col("plant_id") == plant).drop(NOT_PARTS) for plant in (BROKEN, WELL)},
        {plant: rows.filter(pl.col("plant_id") == plant) for plant in (BROKEN, WELL)},
        {row["plant_id"]: row for row in status},
        {scope: (numerator, denominator) for scope, numerator, denominator in values},
        outcome,
    )


@pytest.fixture(scope="module", params=BREAKS, ids=[each.name for each in BREAKS])
def three(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[Break, Told, Told, Told]:
    """A good refresh, one with p broken and new data of both, and one after p was mended."""
    each: Break = request.param
    portfolio = SmallPortfolio(tmp_path_factory.mktemp("gates") / "portfolio")
    rated(portfolio)
    for plant in (BROKEN, WELL):
        portfolio.plant(plant, about(plant))
        portfolio.file(plant, "stops_1.csv", *DAY_1)
        portfolio.file(plant, "stops_2.csv", *DAY_2)
        lines = ("M1;2025-06-02 10:00;D1;100;2;pcs;", "M1;2025-06-03 10:00;D2;80;0;pcs;")
        portfolio.file(plant, "counts_1.csv", *lines, header=f"{COUNTS};Reverses")
    good = told(portfolio, refresh(portfolio))
    each.harm(portfolio)
    portfolio.file(WELL, "stops_3.csv", *DAY_3)
    broken = told(portfolio, refresh(portfolio))
    each.mend(portfolio)
    return each, good, broken, told(portfolio, refresh(portfolio))


Three = tuple[Break, Told, Told, Told]


def test_its_parts_stay_byte_equal(three: Three) -> None:
    _, good, broken, _ = three
    assert len(good.parts[BROKEN]) > 0
    assert differences({"parts": good.versions[BROKEN]}, {"parts": broken.versions[BROKEN]}) == []


def test_it_is_named_stale_with_the_reason(three: Three) -> None:
    each, good, broken, mended = three
    assert good.status[BROKEN]["stale_since"] is None
    assert broken.status[BROKEN]["status"] == "STALE"
    assert broken.status[BROKEN]["stale_since"] is not None
    assert each.told in broken.status[BROKEN]["stale_reason"]
    assert [broken.status[WELL][name] for name in ("status", "stale_since", "stale_reason")] == ["OK", None, None]
    assert [mended.status[BROKEN][name] for name in ("status", "stale_since", "stale_reason")] == ["OK", None, None]


def test_the_other_plant_is_refreshed(three: Three) -> None:
    _, good, broken, _ = three
    days = [str(told.parts[WELL]["production_day"].max()) for told in (good, broken)]
    assert days == ["2025-06-03", "2025-06-04"]


def test_the_portfolio_is_the_sum_of_the_parts_that_stand(three: Three) -> None:
    # Good pieces at a minute each, over planned time. p, and q before: 180 good pieces, 10,800 s, over two shifts of 28,800 s.
    # q afterwards: one shift more in which nothing was counted.
    _, good, broken, _ = three
    assert tuple(map(float, good.sums["PORTFOLIO"])) == (2 * 10_800, 2 * 57_600)
    for sums in (good.sums, broken.sums):
        portfolio = next(value for scope, value in sums.items() if scope not in (BROKEN, WELL))
        assert portfolio == tuple(p + q for p, q in zip(sums[BROKEN], sums[WELL], strict=True))
    assert broken.sums[BROKEN] == good.sums[BROKEN]
    assert tuple(map(float, broken.sums[WELL])) == (10_800, 57_600 + 28_800)


def test_mending_clears_it_without_a_full_build(three: Three) -> None:
    _, _, broken, mended = three
    assert str(mended.parts[BROKEN]["production_day"].max()) == "2025-06-04"
    assert mended.outcome.held == {}
    # q has nothing to build, p the days of its new data and those that changed with it: no more than its three days and a margin.
    assert 0 < mended.outcome.unit_days <= 5
    assert differences({"parts": broken.versions[WELL]}, {"parts": mended.versions[WELL]}) == []
