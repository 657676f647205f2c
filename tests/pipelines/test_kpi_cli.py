"""`plantlake kpi`: filters, order, ranking, trend, as of a release, targets. The numbers are worked out in `three_releases.py`.

Elsewhere: ranks by themselves (`tests/publish/test_ranking.py`), what was restated (`test_restated.py`).
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from small_portfolio import SmallPortfolio
from three_releases import three_releases
from typer.testing import CliRunner

from pipelines import cli

runner = CliRunner()


@pytest.fixture(scope="module")
def lake(made_once: Callable[..., Path]) -> SmallPortfolio:
    return SmallPortfolio(made_once("three_releases", three_releases))


def shown(lake: SmallPortfolio, *words: str) -> list[str]:
    done = runner.invoke(cli.app, ["kpi", *words, "-p", str(lake.root)])
    assert done.exit_code == 0, done.output
    return [line.rstrip() for line in done.output.splitlines()]


def rows(lake: SmallPortfolio, *words: str) -> list[dict[str, Any]]:
    return list(json.loads("\n".join(shown(lake, *words, "--json"))))


def percent(lake: SmallPortfolio, *words: str) -> dict[tuple[str, str], float]:
    """OEE in percent by scope and first day of the period."""
    return {(row["scope_id"], row["period_start"][5:]): round(100 * row["value"], 1) for row in rows(lake, "OEE", *words)}


def refused(lake: SmallPortfolio, *words: str) -> str:
    return str(runner.invoke(cli.app, ["kpi", *words, "-p", str(lake.root)]).exception)


DAYS = {("a", "06-02"): 75.0, ("a", "06-03"): 83.3, ("b", "06-02"): 83.3, ("b", "06-03"): 66.7}


@pytest.mark.parametrize(
    ("words", "left"),
    [
        ((), list(DAYS)),
        (("--plant", "a"), [("a", "06-02"), ("a", "06-03")]),
        (("--plant", "a", "--plant", "B"), list(DAYS)),
        (("--company", "acme", "--from", "2025-06-03"), [("a", "06-03"), ("b", "06-03")]),
        (("--scope", "B", "--to", "2025-06-02"), [("b", "06-02")]),
        (("--last", "1", "--plant", "b"), [("b", "06-03")]),
        (("--from", "2025-07"), []),
        (("--from", "2025-06", "--to", "2025-Q2"), list(DAYS)),
    ],
)
def test_filters_leave_in_what_they_name(lake: SmallPortfolio, words: tuple[str, ...], left: list[tuple[str, str]]) -> None:
    assert percent(lake, "--by", "plant,day", *words) == {key: DAYS[key] for key in left}


def test_the_change_against_the_day_before_stands_also_where_that_day_is_not_shown(lake: SmallPortfolio) -> None:
    (row,) = rows(lake, "OEE", "--by", "day", "--plant", "a", "--from", "2025-06-03")
    assert row["previous"] == pytest.approx(90 / 120)


def test_a_scope_by_its_name_says_itself_what_kind_it_is(lake: SmallPortfolio) -> None:
    assert percent(lake, "--scope", "ACME") == {("acme", "06-01"): 77.1}
    assert [row["scope_type"] for row in rows(lake, "OEE", "--scope", "M1", "--by", "day", "--last", "1")] == ["EQUIPMENT"] * 2
    assert len(percent(lake, "--scope", "M1", "--plant", "a", "--by", "equipment,day")) == 2


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--plant", "aa"), "Closest: a"),
        (("--company", "acne"), "Closest: acme"),
        (("--scope", "acne"), "Closest: acme"),
        (("--class", "PRESS"), "no equipment class 'PRESS'"),
        (("--scope", "acme", "--by", "plant,day"), "Fix: --by company,..."),
        (("--plant", "a", "--by", "company"), "A company is more than the plants of --plant"),
        (("OEEE",), "Closest: OEE"),
        (("--sort", "nme"), "Closest: name"),
        (("--rank", "OEEE"), "Closest: OEE"),
        (("--rank", "OEE", "--trend"), "Found: --rank OEE and --trend"),
        (("A", "--rank", "OEE"), "Found: --rank OEE and A"),
        (("--trend", "--desc"), "A trend has one line a scope"),
        (("--profile", "ISSO"), "Closest: ISO"),
        (("--as-of", "4"), "There is no release 4."),
        (("--as-of", "2025-07-04"), "Nothing had been released by 2025-07-04 23:59 UTC."),
        (("--as-of", "soon"), "is no release, day or time"),
        (("--from", "5.11."), "is no day and no period"),
        (("--list", "OEEE"), "Closest: OEE"),
    ],
)
def test_what_cannot_be_answered_names_what_could(lake: SmallPortfolio, words: tuple[str, ...], said: str) -> None:
    assert said in refused(lake, *words)


@pytest.mark.parametrize(
    ("as_of", "oee"),
    [
        ("1", 75.0), ("2", 79.2), ("2025-07-05", 75.0), ("2025-07-06", 79.2), ("2025-07-07", 79.2), ("2025-07-06T05:59", 75.0),
        ("2025-07-06 06:00", 79.2), ("2025-07-06T06:30+02:00", 75.0), ("2030-01-01", 79.2),
    ],
)  # fmt: skip
def test_as_of_a_release_a_day_or_a_moment(lake: SmallPortfolio, as_of: str, oee: float) -> None:
    assert percent(lake, "--plant", "a", "--as-of", as_of) == {("a", "06-01"): oee}


def test_the_footnote_names_the_release_that_is_asked_for(lake: SmallPortfolio) -> None:
    assert "As of release 1 of 2025-07-05 06:00 UTC; the newest is 3 of 2025-07-08 06:00 UTC." in shown(lake, "--as-of", "2025-07-05")


def test_the_order_of_a_table_is_that_of_its_json(lake: SmallPortfolio) -> None:
    words = ("OEE", "--by", "plant,day", "--sort", "OEE", "--desc")
    ordered = [(row["scope_id"], row["period_start"][5:]) for row in rows(lake, *words)]
    assert ordered == [("b", "06-02"), ("a", "06-03"), ("a", "06-02"), ("b", "06-03")]
    assert [tuple(line.split()[:2]) for line in shown(lake, *words)[1:5]] == [(scope, f"2025-{day}") for scope, day in ordered]
    # MTTR is not asked for but sorted by: it is shown too, and b, which has none, is last in both directions.
    for desc in ((), ("--desc",)):
        assert [line[0] for line in shown(lake, "OEE", "--to", "2025-06-02", "--by", "day", "--sort", "MTTR", *desc)[1:3]] == ["a", "b"]


def test_a_ranking_of_the_newest_period(lake: SmallPortfolio) -> None:
    table = shown(lake, "--rank", "OEE", "--by", "plant,day")
    assert [line.split()[:4] for line in table[1:3]] == [["1", "a", "83.3", "%*"], ["2", "b", "66.7", "%*"]]
    # Nobody approved the reason of the stop of b: the grade of its E is D.
    found = rows(lake, "--rank", "E", "--to", "2025-06-02", "--by", "day")
    assert [(row["scope_id"], row["rank"], row["left_out"]) for row in found] == [("a", 1, None), ("b", None, "GRADE_D")]
    none = shown(lake, "--rank", "MTTR", "--by", "plant,day", "--to", "2025-06-02")
    assert none[1].split()[:4] == ["1", "a", "0.5", "h"]
    assert "b: no rank: nothing failed." in none


def test_a_trend_has_a_line_a_scope(lake: SmallPortfolio) -> None:
    table = shown(lake, "OEE", "--trend", "--by", "plant,day")
    assert [line.split()[:3] for line in table[1:3]] == [["a", "OEE", "▁█"], ["b", "OEE", "█▁"]]
    assert "83.3 %* (+8.3)" in table[1]
    gap = shown(lake, "MTTR", "--trend", "--by", "plant,day", "--plant", "a")
    assert gap[1].split() == ["a", "MTTR", "▄", "0.5", "h", "0.5", "h", "0.5", "h", "2025-06-02"], "3 June has none: a space"


def test_the_catalogue_needs_no_lake() -> None:
    done = runner.invoke(cli.app, ["kpi", "--list", "OEE", "A", "--profile", "TPM", "--json"])
    assert [(row["kpi_id"], row["unit"], row["formula"], row["trend"]) for row in json.loads(done.output)] == [
        ("OEE", "ratio", "A x E x Q = sum(PRI x GQ) / PBT", "HIGHER"), ("A", "ratio", "(APT + micro-stops) / PBT", "HIGHER"),
    ]  # fmt: skip
    assert len(runner.invoke(cli.app, ["kpi", "--list"]).output.splitlines()) > 20


def test_a_target_stands_beside_its_value_with_the_distance(lake: SmallPortfolio, tmp_path: Path) -> None:
    assert "target" not in shown(lake, "OEE")[0]
    aimed = lake.copy(tmp_path / "portfolio")
    (aimed.root / "vocabularies" / "targets.csv").write_text(
        "kpi_id,scope_type,scope_id,target,valid_from,valid_to\n"
        "OEE,PLANT,*,0.70,,\nOEE,PLANT,a,0.60,2024-01-01,2025-06-01\nOEE,PLANT,a,0.80,2025-06-01,\nOEE,COMPANY,*,0.9,2025-07-01,\n"
    )
    aimed.refresh()
    # a has 79.2 % and a target of its own, which holds from 1 June; b has 75.0 % and that of every plant.
    assert [(row["scope_id"], row["target"], round(row["target_gap"], 3), row["meets_target"]) for row in rows(aimed, "OEE")] == [
        ("a", 0.8, -0.008, False),
        ("b", 0.7, 0.05, True),
    ]
    assert [row["target"] for row in rows(aimed, "OEE", "--by", "company")] == [None]
    told = json.loads((aimed.root / "lake" / "metrics.json").read_text(encoding="utf-8"))
    assert [(row["scope_id"], row["target"], row["valid_from"], row["valid_to"]) for row in told["targets"] if row["scope_type"] == "PLANT"] == [
        ("a", 0.7, None, "2024-01-01"), ("a", 0.6, "2024-01-01", "2025-06-01"), ("a", 0.8, "2025-06-01", None), ("b", 0.7, None, None),
    ]  # fmt: skip
    assert [kpi["id"] for kpi in told["kpis"]][:3] == ["OEE", "A", "E"]
    table = shown(aimed, "OEE")
    assert table[0].split() == ["scope", "period", "OEE", "target", "coverage", "grade"]
    assert "80.0 % (-0.8)" in table[1]
    assert "80.0 % (-0.8)" in shown(aimed, "OEE", "--trend")[1]
    assert "80.0 % (-0.8)" in shown(aimed, "--rank", "OEE")[1]


def test_a_file_has_all_columns_of_the_json(lake: SmallPortfolio, tmp_path: Path) -> None:
    shown(lake, "--rank", "OEE", "--out", str(tmp_path / "rank.csv"))
    header = (tmp_path / "rank.csv").read_text(encoding="utf-8").splitlines()[0].split(",")
    assert header == list(rows(lake, "--rank", "OEE")[0])
    assert {"rank", "is_shared", "left_out", "value_low", "value_high", "flags", "target", "target_gap", "meets_target", "previous"} < set(
        header
    )
