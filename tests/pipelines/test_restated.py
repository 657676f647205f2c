"""`plantlake restated` and `kpi_restated`: what was said on the 5th, and why it is something else today (numbers: `three_releases.py`)."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from small_portfolio import COUNTS, SmallPortfolio
from three_releases import three_releases
from typer.testing import CliRunner

from pipelines import cli
from publish.reader import Snapshot

runner = CliRunner()
Releases = list[tuple[int, list[str], list[str]]]
COUNT: Releases = [(2, ["count"], ["counts_2.csv"])]
MORE: Releases = [(2, ["count", "watermark"], ["counts_2.csv"])]
MAP: Releases = [(3, ["reason map"], [])]


@pytest.fixture(scope="module")
def lake(made_once: Callable[..., Path]) -> SmallPortfolio:
    return SmallPortfolio(made_once("three_releases", three_releases))


def said(lake: SmallPortfolio, *words: str) -> str:
    done = runner.invoke(cli.app, ["restated", *words, "-p", str(lake.root)])
    assert done.exit_code == 0, done.output
    return done.output


def changes(lake: SmallPortfolio, *words: str) -> list[tuple[Any, ...]]:
    """KPI, scope, day, value then, value now, and the releases with causes and exports."""

    def rounded(value: float | None) -> float | None:
        return None if value is None else round(value, 4)

    return [
        (r["kpi_id"], r["scope_id"], r["period_start"][5:], rounded(r["value_then"]), rounded(r["value_now"]),
         [(m["release_id"], m["causes"], m["exports"]) for m in r["releases"]])
        for r in json.loads(said(lake, *words, "--json"))
    ]  # fmt: skip


KPIS = ("--kpi", "OEE", "--kpi", "MTTR", "--kpi", "CODED", "--by", "plant,day")


@pytest.mark.parametrize("since", ["1", "2025-07-05", "2025-07-06 05:00"])
def test_each_change_names_the_release_that_moved_it_and_its_export(lake: SmallPortfolio, since: str) -> None:
    assert changes(lake, "--since", since, *KPIS) == [
        ("OEE", "a", "06-03", 0.6667, 0.8333, MORE),
        ("CODED", "a", "06-02", 0.0, 1.0, MAP),
        ("MTTR", "a", "06-02", None, 0.5, MAP),
        ("OEE", "a", "06-02", 0.8333, 0.75, COUNT),
    ]


def test_without_a_release_the_newest_is_compared_with_the_one_before(lake: SmallPortfolio) -> None:
    assert [row[:2] for row in changes(lake, *KPIS)] == [("CODED", "a"), ("MTTR", "a")]
    assert said(lake) == "No value has changed since release 2 of 2025-07-06 06:00 UTC.\n", "the headline KPIs did not move"


def test_above_the_plant_the_plant_that_moved_it_is_named(lake: SmallPortfolio) -> None:
    assert changes(lake, "--since", "1", "--kpi", "OEE", "--by", "company,month") == [("OEE", "acme", "06-01", 0.75, 0.7708, MORE)]
    assert "UTC of a: count, watermark (counts_2.csv) → acme 2025-06-01 OEE" in said(
        lake, "--since", "1", "--kpi", "OEE", "--by", "company"
    )


def test_the_table_says_points_units_and_why(lake: SmallPortfolio) -> None:
    lines = [" ".join(line.split()) for line in said(lake, "--since", "1", *KPIS).splitlines()]
    assert lines == [
        "scope period KPI release 1 today change",
        "a 2025-06-03 OEE 66.7 %* 83.3 %* +16.7 points",
        "a 2025-06-02 OEE 83.3 % 75.0 % -8.3 points",
        "a 2025-06-02 MTTR - 0.5 h -",
        "a 2025-06-02 CODED 0.0 % 100.0 % +100.0 points",
        "",
        "Release 2 of 2025-07-06 06:00 UTC: count, watermark (counts_2.csv) → a 2025-06-03 OEE",
        "Release 2 of 2025-07-06 06:00 UTC: count (counts_2.csv) → a 2025-06-02 OEE",
        "Release 3 of 2025-07-08 06:00 UTC: reason map → a 2025-06-02 MTTR CODED",
        "a 2025-06-02 MTTR: no value then: nothing failed.",
        "4 values changed since release 1 of 2025-07-05 06:00 UTC.",
    ]


@pytest.mark.parametrize(
    ("words", "days"),
    [
        (("--period", "2025-06-02"), {"06-02"}), (("--period", "2025-06"), {"06-02", "06-03"}), (("--period", "2025-07"), set()),
        (("--plant", "b"), set()), (("--plant", "a", "--period", "2025-W23"), {"06-02", "06-03"}),
    ],
)  # fmt: skip
def test_plant_and_period_leave_in_what_they_name(lake: SmallPortfolio, words: tuple[str, ...], days: set[str]) -> None:
    assert {row[2] for row in changes(lake, "--since", "1", *KPIS, *words)} == days


@pytest.mark.parametrize("by", ["equipment,shift", "plant,week", "area,quarter", "portfolio,quarter"])
def test_every_scope_and_period_can_be_asked_for(lake: SmallPortfolio, by: str) -> None:
    found = changes(lake, "--since", "1", "--kpi", "OEE", "--by", by)
    assert {release for *_, releases in found for release, *_ in releases} == ({2} if "area" not in by else set())


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("--since", "9"), "There is no release 9."), (("--kpi", "OEEE"), "Closest: OEE"), (("--plant", "aa"), "Closest: a"),
        (("--closed", "--since", "1"), "compared with what it was closed with"), (("--period", "June"), "is no day and no period"),
    ],
)  # fmt: skip
def test_what_cannot_be_answered_names_what_could(lake: SmallPortfolio, words: tuple[str, ...], told: str) -> None:
    assert told in str(runner.invoke(cli.app, ["restated", *words, "-p", str(lake.root)]).exception)


def test_the_macro_says_the_same_and_joins_the_causes(lake: SmallPortfolio) -> None:
    with Snapshot(lake.root / "lake" / "kpi.duckdb") as reader:
        asked = "profile = 'ISO' AND period_type = 'DAY' AND scope_type = 'PLANT' AND kpi_id IN ('OEE', 'MTTR')"
        found = reader.rows(
            f"SELECT kpi_id, day(period_start), round(value_then, 4), round(value_now, 4), round(difference, 4) FROM kpi_restated(1) WHERE {asked} ORDER BY ALL"
        )
        assert found == [("MTTR", 2, None, 0.5, None), ("OEE", 2, 0.8333, 0.75, -0.0833), ("OEE", 3, 0.6667, 0.8333, 0.1667)]
        assert reader.rows(f"SELECT 1 FROM kpi_restated(3) WHERE {asked}") == []


def test_a_closed_month_is_compared_with_what_it_was_closed_with(lake: SmallPortfolio, tmp_path: Path) -> None:
    assert said(lake, "--closed") == "No month is closed yet: `plantlake release close 2026-01` closes one.\n"
    portfolio = lake.copy(tmp_path / "portfolio")
    assert runner.invoke(cli.app, ["release", "close", "2025-06", "-p", str(portfolio.root)]).exit_code == 0
    assert said(portfolio, "--closed") == "No value has changed since the month was closed.\n"
    portfolio.file("a", "counts_3.csv", "M1;2025-06-03 12:00;D4;0;58;pcs", header=COUNTS)
    portfolio.refresh()
    # 190 of 202 pieces were good; with 58 more rejects, 190 of 260.
    assert changes(portfolio, "--closed", "--kpi", "Q", "--kpi", "OEE") == [
        ("Q", "a", "06-01", round(190 / 202, 4), round(190 / 260, 4), [(4, ["count", "watermark"], ["counts_3.csv"])])
    ]
    assert "What is closed is a month." in str(
        runner.invoke(cli.app, ["restated", "--closed", "--by", "day", "-p", str(portfolio.root)]).exception
    )


def test_of_the_exports_of_a_release_those_are_named_whose_data_touch_the_days(lake: SmallPortfolio, tmp_path: Path) -> None:
    portfolio = lake.copy(tmp_path / "portfolio")
    portfolio.file("a", "counts_3.csv", "M1;2025-06-02 12:00;D4;10;0;pcs", header=COUNTS)
    portfolio.file("a", "counts_4.csv", "M1;2025-06-20 12:00;D5;10;0;pcs", header=COUNTS)
    portfolio.refresh()
    (row,) = changes(portfolio, "--since", "3", "--kpi", "QC", "--by", "plant,day", "--period", "2025-06-02")
    assert [exports for _, _, exports in row[-1]] == [["counts_3.csv"]]
    assert changes(portfolio, "--since", "3", "--kpi", "QC", "--by", "plant,day", "--period", "2025-06-20") == [], (
        "a day that is new is news"
    )


def test_a_rollback_is_a_cause(lake: SmallPortfolio, tmp_path: Path) -> None:
    portfolio = lake.copy(tmp_path / "portfolio")
    assert runner.invoke(cli.app, ["release", "rollback", "2", "-p", str(portfolio.root)]).exit_code == 0
    assert changes(portfolio, "--kpi", "MTTR", "--kpi", "OEE", "--by", "day") == [
        ("MTTR", "a", "06-02", 0.5, None, [(4, ["rollback to release 2"], [])])
    ]
    assert changes(portfolio, "--since", "2", "--kpi", "MTTR", "--by", "day") == []
