"""`plantlake losses`: what is asked of the lake, what stands in the terminal, and money that is stated later.

Two machines, each planned for 57,600 s on two days: 55,800 s of run time, half an hour under a code that nobody has mapped, and 182 pieces
at 240 s of which 2 are rejected: 12,120 s of reduced speed, 480 s of rejects, 43,200 s of good time. Elsewhere: every bucket with its number
(`tests/golden/test_golden_losses.py`).
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from small_portfolio import SmallPortfolio
from typer.testing import CliRunner

from pipelines import cli
from pipelines.refresh import Outcome

runner = CliRunner()


@pytest.fixture(scope="module")
def lake(tmp_path_factory: pytest.TempPathFactory) -> SmallPortfolio:
    portfolio = SmallPortfolio(tmp_path_factory.mktemp("losses") / "portfolio").good("a", "b")
    state(portfolio, "ideal_rates", "plant,rate,unit", "a,240,s", "b,240,s")
    portfolio.refresh()
    return portfolio


def state(portfolio: SmallPortfolio, name: str, *lines: str) -> None:
    path = portfolio.root / "vocabularies" / f"{name}.csv"
    path.parent.mkdir(exist_ok=True)
    path.write_text("\n".join((*lines, "")), encoding="utf-8")


def shown(lake: SmallPortfolio, *words: str) -> str:
    done = runner.invoke(cli.app, ["losses", *words, "-p", str(lake.root)])
    assert done.exit_code == 0, done.output
    return str(done.output)


def answer(lake: SmallPortfolio, *words: str) -> dict[str, Any]:
    return dict(json.loads(shown(lake, *words, "--json")))


def test_a_plant_is_shown_whole_with_the_code_that_waits_for_a_map(lake: SmallPortfolio) -> None:
    lines = [" ".join(line.split()) for line in shown(lake, "--plant", "a").splitlines()]
    assert lines[0] == "a, month of 2025-06-01"
    assert "Planned busy time 16.0 100.0 % ████████████████████████" in lines
    assert "- reduced speed 3.4 21.0 % ██████████████████░░░░░" in lines
    assert "Good time 12.0 75.0 % ██████████████████" in lines
    assert "4 Reduced speed 3.4 21.0 %" in lines
    assert "Stops without an approved reason 0.5 3.1 %" in lines
    assert lines[lines.index("plant source source_code hours stops") + 1] == "a mes 17 0.5 1"
    assert "Money: nothing is stated in vocabularies/economics.csv." in lines


def test_without_a_scope_it_is_the_portfolio_and_several_stand_beside_each_other(lake: SmallPortfolio) -> None:
    assert shown(lake).startswith("portfolio, month of 2025-06-01")
    rows = [line.split() for line in shown(lake, "--by", "plant,month").splitlines()]
    assert rows[0] == ["scope", "planned", "h", "OEE", "speed", "equipment", "rejects"]
    assert rows[1] == ["a", "16.0", "75.0", "%", "21.0", "%", "3.1", "%", "0.8", "%"]
    day = answer(lake, "--plant", "b", "--by", "day", "--period", "2025-06-02")
    assert (day["period_type"], day["period_start"]) == ("DAY", "2025-06-02")
    assert {row["bucket"]: row["seconds"] for row in day["waterfall"]}["ADET_EQ"] == 1800.0


def test_what_cannot_be_asked_is_said(lake: SmallPortfolio) -> None:
    for words, message in (
        (("--rates", "AVGG"), "There are no exchange rates 'AVGG'."),
        (("--period", "2031"), "There are no values in that period."),
    ):
        done = runner.invoke(cli.app, ["losses", *words, "-p", str(lake.root)])
        assert message in str(done.exception)


def test_every_step_goes_to_a_file(lake: SmallPortfolio, tmp_path: Path) -> None:
    shown(lake, "--by", "plant,month", "--out", str(tmp_path / "losses.csv"))
    frame = pl.read_csv(tmp_path / "losses.csv").filter((pl.col("what") == "LOSS") & (pl.col("scope_id") == "a"))
    assert frame["seconds"].sum() == 57600 - 43200


def test_what_an_hour_is_worth_can_be_stated_later_and_makes_no_day_anew(lake: SmallPortfolio, tmp_path: Path) -> None:
    portfolio = lake.copy(tmp_path / "portfolio")
    state(
        portfolio,
        "economics",
        "plant,regime,avoidable_cost_per_h,material_cost_per_unit,valid_from",
        "a,DEMAND,36,,2025-01-01",
        "*,DEMAND,72,5,",
    )
    outcome: Outcome = portfolio.refresh()
    assert (outcome.problems, outcome.unit_days, outcome.parts_changed) == ([], 0, 0)
    worth = {plant: {row["bucket"]: row for row in answer(portfolio, "--plant", plant)["waterfall"]} for plant in "ab"}
    # 12 120 s at 36 and at 72 an hour; the 2 rejects of b also cost 5 each.
    assert (worth["a"]["SPEED"]["money"], worth["b"]["SPEED"]["money"]) == pytest.approx((121.2, 242.4))
    assert worth["b"]["REJECTS"]["money"] == pytest.approx(480 * 72 / 3600 + 2 * 5)
    assert (worth["a"]["REJECTS"]["why"], worth["b"]["REJECTS"]["why"]) == ("NO_MATERIAL_COST", None)
    assert "One point of OEE is worth" in shown(portfolio)
