"""Releases as the person on call handles them: list, show, back, on again, closing a month, days asked for; a changed limit.

Elsewhere: which rows a release changes (`tests/dbt/test_releases.py`), gates and histories (`tests/laws`).
"""

from __future__ import annotations

import json
from contextlib import closing
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from small_portfolio import COUNTED, COUNTS, SmallPortfolio
from typer.testing import CliRunner

from pipelines import build, cli, state
from pipelines.lock import writer_lock
from pipelines.refresh import Outcome, Refresh, Request
from publish.reader import Snapshot

runner = CliRunner()
MORE = "M1;2025-06-02 12:00;D3;40;0;pcs"


@pytest.fixture(scope="module")
def two_releases(tmp_path_factory: pytest.TempPathFactory) -> SmallPortfolio:
    """Two plants that made 100 good pieces on the first day; then plant a reports 40 more of that day: release 2."""
    made = SmallPortfolio(tmp_path_factory.mktemp("releases") / "portfolio").good("a", "b")
    made.refresh()
    made.file("a", "counts_2.csv", MORE, header=COUNTS)
    made.refresh()
    return made


@pytest.fixture
def portfolio(two_releases: SmallPortfolio, tmp_path: Path) -> SmallPortfolio:
    return two_releases.copy(tmp_path / "portfolio")


def plantlake(portfolio: SmallPortfolio, *words: str) -> str:
    done = runner.invoke(cli.app, [*words, "-p", str(portfolio.root)])
    assert done.exit_code == 0, done.output
    return done.output


def good(portfolio: SmallPortfolio, plant: str, as_of: int | None = None) -> int:
    """Good pieces of 2 June, today or as of a release."""
    valid = "valid_to_release is null" if as_of is None else f"valid_from_release <= {as_of} and coalesce(valid_to_release, 99) > {as_of}"
    with Snapshot(portfolio.root / "lake" / "kpi.duckdb") as reader:
        return int(
            reader.rows(
                f"select sum(gq) from mart_kpi_parts_shift where {valid} and plant_id = ? and production_day = '2025-06-02'", [plant]
            )[0][0]
        )


def rows(portfolio: SmallPortfolio, sql: str) -> list[tuple[Any, ...]]:
    with Snapshot(portfolio.root / "lake" / "kpi.duckdb") as reader:
        return reader.rows(sql)


def refreshed(portfolio: SmallPortfolio, request: Request) -> Outcome:
    job = Refresh(portfolio.root, request)
    with closing(job), writer_lock(job.lake):
        return job.run(job.plan(), quality=False)


def test_a_release_names_its_cause_its_exports_and_what_it_restated(portfolio: SmallPortfolio) -> None:
    listed = json.loads(plantlake(portfolio, "release", "list", "--json"))
    assert [(row["release_id"], row["kind"], row["causes"], row["plants"]) for row in listed] == [
        (2, "REFRESH", "count", 1), (1, "REFRESH", "first build", 2),
    ]  # fmt: skip
    shown = json.loads(plantlake(portfolio, "release", "show", "--json"))
    assert shown["release_id"] == 2
    assert [(c["plant_id"], c["cause"], c["unit_days"], c["first_day"], c["exports"]) for c in shown["causes"]] == [
        ("a", "count", 1, "2025-06-02", ["counts_2.csv"])
    ]
    assert [(r["plant_id"], r["shifts_restated"]) for r in shown["restated"]] == [("a", 1)]


def test_a_release_that_does_not_exist_is_told_with_those_that_do(portfolio: SmallPortfolio) -> None:
    done = runner.invoke(cli.app, ["release", "show", "9", "-p", str(portfolio.root)])
    assert "releases 1 to 2" in str(done.exception)
    back = runner.invoke(cli.app, ["release", "rollback", "2", "-p", str(portfolio.root)])
    assert "no release 2 to go back to" in str(back.exception)


def test_rolling_back_brings_the_numbers_back_and_holds_the_plant_until_it_is_resumed(portfolio: SmallPortfolio) -> None:
    plantlake(portfolio, "release", "rollback", "1")
    assert (good(portfolio, "a"), good(portfolio, "a", as_of=2), good(portfolio, "b")) == (100, 140, 100)
    assert rows(portfolio, "select kind, note from release where release_id = 3") == [("ROLLBACK", "rollback to release 1")]
    (status,) = rows(portfolio, "select status, stale_reason from plant_status where plant_id = 'a'")
    assert status[0] == "STALE"
    assert "taken back to release 1" in status[1]

    portfolio.file("a", "counts_3.csv", "M1;2025-06-02 13:00;D4;7;0;pcs", header=COUNTS)
    portfolio.file("b", "counts_3.csv", "M1;2025-06-02 13:00;D4;7;0;pcs", header=COUNTS)
    held = portfolio.refresh()
    assert list(held.held) == ["a"]
    assert (good(portfolio, "a"), good(portfolio, "b")) == (100, 107)

    plantlake(portfolio, "release", "resume")
    portfolio.refresh()
    assert good(portfolio, "a") == 147
    assert rows(portfolio, "select status from plant_status order by plant_id") == [("OK",), ("OK",)]
    assert rows(portfolio, "select count(*) from change_scope where state <> 'CLOSED'") == [(0,)]


def test_kpis_as_of_a_release_are_those_that_were_published_then(portfolio: SmallPortfolio) -> None:
    question = "select value from {} where kpi_id = 'QC' and scope_id = 'a' and period_type = 'DAY' and profile = 'ISO' and period_start = '2025-06-02'"
    # 100 of 102 pieces were good; with the 40 more, 140 of 142.
    assert rows(portfolio, question.format("kpi_value_as_of(1)")) == [(pytest.approx(100 / 102),)]
    assert rows(portfolio, question.format("kpi_value")) == [(pytest.approx(140 / 142),)]


def test_a_closed_month_keeps_its_values_whatever_comes_later(portfolio: SmallPortfolio) -> None:
    plantlake(portfolio, "release", "close", "2025-06")
    portfolio.file("a", "counts_3.csv", "M1;2025-06-02 13:00;D4;0;58;pcs", header=COUNTS)
    portfolio.refresh()
    month = "kpi_id = 'QC' and scope_type = 'PLANT' and scope_id = 'a' and period_type = 'MONTH' and profile = 'ISO'"
    # 100 + 80 good of 182, and 40 more: 220 of 222; then 58 rejects: 220 of 280.
    assert rows(portfolio, f"select value, closed_month from kpi_release where {month}") == [(pytest.approx(220 / 222), date(2025, 6, 1))]
    assert rows(portfolio, f"select value from kpi_value where {month}") == [(pytest.approx(220 / 280),)]
    again = runner.invoke(cli.app, ["release", "close", "2025-06", "-p", str(portfolio.root)])
    assert "closed already" in str(again.exception)


def test_days_that_are_asked_for_are_built_and_say_the_same(portfolio: SmallPortfolio) -> None:
    before = rows(portfolio, "select * from mart_kpi_parts_shift order by all")
    asked = refreshed(portfolio, Request(plants=("a",), since=date(2025, 6, 3)))
    assert (asked.release_id, asked.parts_changed, asked.parts_closed) == (3, 0, 0)
    assert asked.unit_days >= 1
    assert rows(portfolio, "select * from mart_kpi_parts_shift order by all") == before


def test_a_full_refresh_builds_every_day_and_writes_no_version(portfolio: SmallPortfolio) -> None:
    full = refreshed(portfolio, Request(full=True))
    assert (full.parts_changed, full.parts_closed) == (0, 0)
    assert rows(portfolio, "select distinct cause from release_cause where release_id = 3") == [("asked",)]


def test_scope_of_a_plant_without_a_plant_file_waits_and_its_numbers_stand(portfolio: SmallPortfolio) -> None:
    job = Refresh(portfolio.root)
    with closing(job), writer_lock(job.lake):
        todo = job.plan()
        portfolio.file("a", "counts_3.csv", "M1;2025-06-02 13:00;D4;7;0;pcs", header=COUNTS)
        todo = job.plan()
        job.land(todo)
        job.load(todo)
        job.find()  # and dies
    (portfolio.root / "plants" / "a.yaml").rename(portfolio.root / "a.yaml")
    outcome = portfolio.refresh()
    assert [problem.message for problem in outcome.problems] == ["Plant 'a' has changes to build and no plant file."]
    assert good(portfolio, "a") == 140
    (portfolio.root / "a.yaml").rename(portfolio.root / "plants" / "a.yaml")
    portfolio.refresh()
    assert good(portfolio, "a") == 147


def test_a_lost_build_database_is_made_again(portfolio: SmallPortfolio) -> None:
    before = rows(
        portfolio,
        "select * exclude (valid_from_release, valid_to_release, as_of_ts) from mart_kpi_parts_shift where valid_to_release is null order by all",
    )
    (portfolio.root / "lake" / "gold" / "build.duckdb").unlink()
    refreshed(portfolio, Request(full=True))
    after = rows(
        portfolio,
        "select * exclude (valid_from_release, valid_to_release, as_of_ts) from mart_kpi_parts_shift where valid_to_release is null order by all",
    )
    assert after == before


def test_a_changed_limit_asks_for_a_refresh_that_judges_again(portfolio: SmallPortfolio, monkeypatch: pytest.MonkeyPatch) -> None:
    def reasons() -> list[str]:
        job = Refresh(portfolio.root)
        with closing(job):
            return job.plan().reasons

    lake = Refresh(portfolio.root).lake
    state.mark(lake, state.Marker(calc_version=state.calc_version(), values_version=state.values_version(), limits_version="other"))
    assert reasons() == ["limits of quality have changed: what was measured is judged again"]


def test_another_catalogue_publishes_values_anew_over_the_parts_that_hold(
    portfolio: SmallPortfolio, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(state, "values_version", lambda: "other")
    monkeypatch.setattr(build, "values_version", lambda: "other")
    job = Refresh(portfolio.root)
    with closing(job), writer_lock(job.lake):
        todo = job.plan()
        assert todo.reasons == ["definitions of KPIs have changed: values are published anew, over the parts that hold"]
        job.run(todo, quality=False)
    assert "kpi_value" in job.outcome.models
    assert (job.outcome.release_id, job.outcome.parts_changed, good(portfolio, "a")) == (None, 0, 140)
    with closing(Refresh(portfolio.root)) as after:
        assert after.plan().reasons == []


def test_another_calculation_builds_everything_anew_and_says_so(portfolio: SmallPortfolio, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(state, "calc_version", lambda: "other")
    job = Refresh(portfolio.root)
    with closing(job), writer_lock(job.lake):
        todo = job.plan()
        assert todo.reasons == ["the calculation has changed: every plant is built anew"]
        job.run(todo, quality=False)
    assert rows(portfolio, "select distinct cause from release_cause where release_id = 3") == [("code",)]
    assert job.outcome.parts_changed == 0


assert COUNTED[0].endswith("100;2;pcs")  # what the sums above rest on
