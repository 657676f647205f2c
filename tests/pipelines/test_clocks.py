"""Estimates of clocks are kept what silver says: after a correction, a kill, a changed plant file; over the end of a month.

Here: `silver.clock_offset` after loads of plant a, whose MES follows a PLC. Elsewhere: the estimate (`tests/transforms/test_skew.py`), what
it does to KPIs (`tests/golden/test_golden_clock.py`), random histories (`tests/laws`).
"""

from __future__ import annotations

from contextlib import closing
from typing import Any

import pytest
from small_portfolio import SmallPortfolio, plant_file

from pipelines import clocks, silver, state
from pipelines.lake import Lake
from pipelines.lock import writer_lock
from pipelines.refresh import Refresh

MES, PLC = "stops_1.csv", "plc_1.csv"
SEEN = ("10:00:00", "10:10:00", "12:00:00", "12:10:00")
STAMPED = ("10:01:30", "10:11:30", "12:01:30", "12:11:30")


def about(**of_mes: Any) -> dict[str, Any]:
    plant = plant_file("a")
    sources = plant["sources"]
    sources["plc"] = {**sources["mes"], "path": "plc_*.csv"}
    sources["mes"] = {**sources["mes"], **(of_mes or {"clock_reference": "plc"})}
    return {**plant, "timezone": "UTC"}


def stops(*clocks_: str, day: str = "2025-06-02") -> list[str]:
    """Two stops of M1."""
    first, second = clocks_[:2], clocks_[2:]
    return [f"M1;{day} {start};{day} {end};DELAY_EQ;17;" for start, end in (first, second)]


@pytest.fixture
def skewed(portfolio: SmallPortfolio) -> SmallPortfolio:
    """Loaded: the MES stamps both stops 90 s late."""
    portfolio.plant("a", about())
    portfolio.file("a", MES, *stops(*STAMPED))
    portfolio.file("a", PLC, *stops(*SEEN))
    portfolio.load()
    return portfolio


def offsets(portfolio: SmallPortfolio) -> list[tuple[Any, ...]]:
    rows = portfolio.silver("clock_offset").sort("day")
    return [(str(day), *rest) for day, *rest in rows.select("day", "offset_s", "pairs", "is_applied").rows()]


def lake(portfolio: SmallPortfolio) -> Lake:
    return Lake(portfolio.root / "lake")


def test_a_correction_gives_another_estimate_and_a_repeat_writes_nothing(skewed: SmallPortfolio) -> None:
    assert offsets(skewed) == [("2025-06-02", 90, 4, True)]
    before = silver.version(lake(skewed), "clock_offset")
    skewed.file("a", "stops_2.csv", *stops(*STAMPED))  # the same once more
    skewed.load()
    assert silver.version(lake(skewed), "clock_offset") == before
    # The PLC learns that the first stop ended at 10:10:40: 90, 50, 90 and 90 s; the quartiles are 80 and 90 s.
    skewed.file("a", "plc_2.csv", *stops("10:00:00", "10:10:40", "12:00:00", "12:10:00"))
    skewed.load()
    assert offsets(skewed) == [("2025-06-02", 90, 4, False)]


@pytest.mark.parametrize("where", ["before the estimate", "before its commit", "after its commit"])
def test_a_refresh_that_is_killed_is_made_up_for(skewed: SmallPortfolio, monkeypatch: pytest.MonkeyPatch, where: str) -> None:
    def killed(*_: Any) -> Any:
        if where == "after its commit":
            COMMIT(*_)
        raise KeyboardInterrupt

    skewed.file("a", "stops_2.csv", *stops("10:01:30", "10:11:30", "12:01:31", "12:11:31", day="2025-06-03"))
    skewed.file("a", "plc_2.csv", *stops(*SEEN, day="2025-06-03"))
    with monkeypatch.context() as patched, pytest.raises(KeyboardInterrupt):
        patched.setattr(clocks, "estimate" if where == "before the estimate" else "_commit", killed)
        skewed.load()
    assert len(offsets(skewed)) == (2 if where == "after its commit" else 1)
    skewed.load()
    assert offsets(skewed) == [("2025-06-02", 90, 4, True), ("2025-06-03", 90.5, 4, True)]
    with state.connection(lake(skewed)) as con:
        assert con.execute("SELECT plant_id, month FROM gold.clock_month").fetchall() == [("a", "2025-06")]


COMMIT = clocks._commit


def test_pairs_over_the_end_of_a_month_are_found_whichever_file_comes_last(skewed: SmallPortfolio) -> None:
    # Down at 23:59 on 30 June by the PLC, 00:00:30 on 1 July by the MES; up at 00:30 and 00:31:30. The stop of the PLC lies in June's file.
    skewed.file(
        "a",
        "stops_3.csv",
        "M1;2025-07-01 00:00:30;2025-07-01 00:31:30;DELAY_EQ;17;",
        "M1;2025-07-01 08:01:30;2025-07-01 09:00;DELAY_EQ;17;",
    )
    skewed.file("a", "plc_3.csv", "M1;2025-07-01 08:00;2025-07-01 12:00;DELAY_EQ;17;")
    skewed.load()
    assert offsets(skewed)[1:] == [("2025-07-01", 90, 1, False)]
    skewed.file("a", "plc_4.csv", "M1;2025-06-30 23:59;2025-07-01 00:30;DELAY_EQ;17;")
    skewed.load()
    assert offsets(skewed)[1:] == [("2025-07-01", 90, 3, True)]


def test_the_plant_file_decides_whether_a_clock_follows_another(skewed: SmallPortfolio) -> None:
    skewed.plant("a", about(clock_offset_s=90))
    skewed.load()
    assert offsets(skewed) == []
    skewed.plant("a", about())
    skewed.load()
    assert offsets(skewed) == [("2025-06-02", 90, 4, True)]


def test_plants_without_a_reference_cost_nothing(portfolio: SmallPortfolio) -> None:
    portfolio.good("a").load()
    assert silver.version(lake(portfolio), "clock_offset") is None
    assert not lake(portfolio).build_database.exists()


def test_a_month_that_did_not_change_is_not_read_again(skewed: SmallPortfolio, monkeypatch: pytest.MonkeyPatch) -> None:
    skewed.file("a", "stops_3.csv", *stops(*STAMPED, day="2025-10-02"))
    skewed.file("a", "plc_3.csv", *stops(*SEEN, day="2025-10-02"))
    read: list[str] = []
    month = clocks._month
    monkeypatch.setattr(clocks, "_month", lambda *given: read.append(given[2]) or month(*given))
    skewed.load()
    assert read == ["2025-10"]
    assert len(offsets(skewed)) == 2


def test_a_lost_build_database_costs_one_estimate_and_changes_nothing(skewed: SmallPortfolio) -> None:
    before = silver.version(lake(skewed), "clock_offset")
    lake(skewed).build_database.unlink()
    job = Refresh(skewed.root)
    with closing(job), writer_lock(job.lake):
        assert clocks.estimate(job.lake, job.portfolio.plants, {}, lambda: None) == []
    assert silver.version(lake(skewed), "clock_offset") == before
    assert offsets(skewed) == [("2025-06-02", 90, 4, True)]
