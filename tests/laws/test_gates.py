"""Promise 4: plants with bad input. Their parts stay byte-equal, they are named stale with the reason, the portfolio is the sum of the
parts that stand, all others refresh, and mending clears them without a full build.

Here: what readers see of the gates, through three whole refreshes with their checks of one portfolio, in which each plant but the last
is broken in another way. Elsewhere: the checks and their limits (`tests/quality`).
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from equal_lakes import differences
from small_portfolio import COUNTS, DAY_1, DAY_2, SmallPortfolio, plant_file

from pipelines.lake import Lake
from pipelines.lock import writer_lock
from pipelines.refresh import Outcome, Refresh
from publish.reader import Snapshot

WELL = "well"
DAY_3 = ("M1;2025-06-04 06:00;2025-06-04 10:00;RUN;;240", "M1;2025-06-04 10:00;2025-06-04 14:00;DELAY_EQ;17;240")
REVERSIBLE = f"{COUNTS};Reverses"
RATED = "plant,equipment,material,tool,rate_basis,rate,unit,pieces_per_cycle,valid_from,valid_to,provenance"


def refresh(portfolio: SmallPortfolio) -> Outcome:
    """One refresh with its quality checks."""
    job = Refresh(portfolio.root)
    with closing(job), writer_lock(job.lake):
        job.run(job.plan())
    return job.outcome


def rated(portfolio: SmallPortfolio, *more: str) -> None:
    """A minute a piece, everywhere."""
    folder = portfolio.root / "vocabularies"
    folder.mkdir(parents=True, exist_ok=True)
    lines = [f"{plant},,,,ENGINEERED,60,s,,,,test" for plant in PLANTS]
    (folder / "ideal_rates.csv").write_text("\n".join([RATED, *lines, *more, ""]))


@dataclass(frozen=True)
class Break:
    """How a plant is broken, what its stale_reason has to name, and how it is mended."""

    plant: str
    harm: Callable[[SmallPortfolio], None]
    told: str
    mend: Callable[[SmallPortfolio], None]


def _a_column_is_missing(portfolio: SmallPortfolio) -> None:
    portfolio.file("column-missing", "stops_3.csv", "M1;2025-06-04 06:00;RUN;;240", header="Unit;From;Class;Reason;Minutes")
    portfolio.file("column-missing", "counts_2.csv", "M1;2025-06-04 09:00;D3;20;0;pcs;", header=REVERSIBLE)  # good, and it has to wait


def _the_file_is_whole(portfolio: SmallPortfolio) -> None:
    portfolio.file("column-missing", "stops_3.csv", *DAY_3)


def _reversed_twice(portfolio: SmallPortfolio) -> None:
    """Two documents cancel the hundred pieces of D1: fewer than none were made."""
    lines = ("M1;2025-06-02 11:00;R1;-100;-2;pcs;D1", "M1;2025-06-02 12:00;R2;-100;-2;pcs;D1")
    portfolio.file("reversed-twice", "stops_3.csv", *DAY_3)
    portfolio.file("reversed-twice", "counts_2.csv", *lines, header=REVERSIBLE)


def _reversed_once(portfolio: SmallPortfolio) -> None:
    """The second document is delivered again, as nothing."""
    portfolio.file("reversed-twice", "counts_3.csv", "M1;2025-06-02 12:00;R2;0;0;pcs;D1", header=REVERSIBLE)


def _two_rates_at_once(portfolio: SmallPortfolio) -> None:
    portfolio.file("two-rates", "stops_3.csv", *DAY_3)
    rated(portfolio, "two-rates,,,,ENGINEERED,30,s,,2025-06-01,,test")


BREAKS = (
    Break("column-missing", _a_column_is_missing, "Column 'To'", _the_file_is_whole),
    Break("reversed-twice", _reversed_twice, "reversal", _reversed_once),
    Break("two-rates", _two_rates_at_once, "one_rate_at_a_time", rated),
)
PLANTS = (*(each.plant for each in BREAKS), WELL)


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

    versions: dict[str, pl.DataFrame]
    """Plant: all versions of its parts."""
    status: dict[str, dict[str, Any]]
    sums: dict[str, tuple[Decimal, Decimal]]
    """Plant, or PORTFOLIO: numerator and denominator of the OEE of June."""
    outcome: Outcome
    snapshot: Path

    def last_day(self, plant: str) -> str:
        return str(self.versions[plant].filter(pl.col("valid_to_release").is_null())["production_day"].max())


def told(portfolio: SmallPortfolio, outcome: Outcome) -> Told:
    with Snapshot(Lake(portfolio.root / "lake").snapshot) as reader:
        parts = reader.query("SELECT * FROM mart_kpi_parts_shift")
        status = reader.query("SELECT * FROM plant_status").to_dicts()
        values = reader.rows(
            "SELECT CASE scope_type WHEN 'PLANT' THEN scope_id ELSE scope_type END, numerator, denominator FROM kpi_value"
            " WHERE kpi_id = 'OEE' AND profile = 'ISO' AND period_type = 'MONTH' AND scope_type IN ('PLANT', 'PORTFOLIO')"
        )
    return Told(
        {plant: parts.filter(pl.col("plant_id") == plant) for plant in PLANTS},
        {row["plant_id"]: row for row in status},
        {scope: (numerator, denominator) for scope, numerator, denominator in values},
        outcome,
        Lake(portfolio.root / "lake").snapshot,
    )


Three = tuple[Told, Told, Told]


@pytest.fixture(scope="module")
def three(tmp_path_factory: pytest.TempPathFactory) -> Three:
    """A good refresh; one with new data for every plant, all but one broken; and one after they were mended."""
    portfolio = SmallPortfolio(tmp_path_factory.mktemp("gates") / "portfolio")
    rated(portfolio)
    for plant in PLANTS:
        portfolio.plant(plant, about(plant))
        portfolio.file(plant, "stops_1.csv", *DAY_1)
        portfolio.file(plant, "stops_2.csv", *DAY_2)
        portfolio.file(plant, "counts_1.csv", "M1;2025-06-02 10:00;D1;100;2;pcs;", "M1;2025-06-03 10:00;D2;80;0;pcs;", header=REVERSIBLE)
    good = told(portfolio, refresh(portfolio))
    for each in BREAKS:
        each.harm(portfolio)
    portfolio.file(WELL, "stops_3.csv", *DAY_3)
    broken = told(portfolio, refresh(portfolio))
    for each in BREAKS:
        each.mend(portfolio)
    return good, broken, told(portfolio, refresh(portfolio))


each_break = pytest.mark.parametrize("each", BREAKS, ids=[each.plant for each in BREAKS])


@each_break
def test_its_parts_stay_byte_equal(three: Three, each: Break) -> None:
    good, broken, _ = three
    # Of two days: the shift, its product '?', and the time that nobody scheduled.
    assert len(good.versions[each.plant]) == 2 * 3
    assert differences({"parts": good.versions[each.plant]}, {"parts": broken.versions[each.plant]}) == []


@each_break
def test_it_is_named_stale_with_the_reason(three: Three, each: Break) -> None:
    _, broken, _ = three
    stale = broken.status[each.plant]
    assert stale["status"] == "STALE"
    assert stale["stale_since"] is not None
    assert each.told in stale["stale_reason"]


@pytest.mark.parametrize("each", [pytest.param(each, id=each.plant) for each in BREAKS])
def test_mending_clears_the_status(three: Three, each: Break) -> None:
    good, _, mended = three
    for fine in (good, mended):
        assert [fine.status[each.plant][name] for name in ("status", "stale_since", "stale_reason")] == ["OK", None, None]


def test_the_others_are_refreshed(three: Three) -> None:
    good, broken, _ = three
    assert (good.last_day(WELL), broken.last_day(WELL)) == ("2025-06-03", "2025-06-04")
    assert [broken.status[WELL][name] for name in ("status", "stale_since", "stale_reason")] == ["OK", None, None]
    assert set(broken.outcome.held) == {each.plant for each in BREAKS}


def test_the_portfolio_is_the_sum_of_the_parts_that_stand(three: Three) -> None:
    # 180 good pieces at a minute each, 10,800 s, over two shifts of 28,800 s; of the plant that is well then over three.
    good, broken, _ = three
    old, new = (10_800, 57_600), (10_800, 86_400)
    assert good.sums == {**dict.fromkeys(PLANTS, old), "PORTFOLIO": (4 * 10_800, 4 * 57_600)}
    assert broken.sums == {**dict.fromkeys(PLANTS, old), WELL: new, "PORTFOLIO": (4 * 10_800, 3 * 57_600 + 86_400)}


@each_break
def test_mending_clears_it_without_a_full_build(three: Three, each: Break) -> None:
    _, broken, mended = three
    assert mended.outcome.held == {}
    assert mended.last_day(each.plant) == "2025-06-04"
    assert differences({"parts": broken.versions[WELL]}, {"parts": mended.versions[WELL]}) == []


def test_mending_builds_what_waited_and_no_more(three: Three) -> None:
    *_, mended = three
    with Snapshot(mended.snapshot) as reader:
        built = reader.rows(
            "SELECT plant_id, min(first_day), bool_or(cause IN ('first build', 'code', 'asked')), bool_or(first_day IS NULL) FROM release_cause"
            " WHERE release_id = ? GROUP BY ALL ORDER BY 1",
            [mended.outcome.release_id],
        )
    # The new data are of the 4th, and a day before it may end a micro-stop; a reversal of the 2nd restates the 2nd; the rate of the 1st
    # on is the old one again, and every day since waited for that.
    days = {plant: str(first) for plant, first, _, _ in built}
    assert days == {"column-missing": "2025-06-03", "reversed-twice": "2025-06-02", "two-rates": "2025-06-01"}
    assert not any(is_whole or is_open for _, _, is_whole, is_open in built)
