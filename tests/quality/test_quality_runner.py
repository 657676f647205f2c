"""Judging: results per plant, skipped where there is nothing to judge, stored profiles judged again, and what stays unimported."""

from __future__ import annotations

import re
import subprocess
import sys
from dataclasses import replace
from datetime import date
from pathlib import Path

import duckdb
import polars as pl
import pytest
from lake_of_two_plants import AT, lake

from quality_checks import expectations, judging, runner, suites
from quality_checks.measuring import PROFILE
from quality_checks.profiles import RECIPES, profile
from quality_checks.runner import RESULTS, judge, run, worst
from quality_checks.suites import CHECKS

PAGE = Path(__file__).resolve().parents[2] / "docs" / "quality.md"


@pytest.fixture(scope="module")
def silver() -> duckdb.DuckDBPyConnection:
    return lake()


def measured(plant: str, measure: str, value: float | None, rows: int = 10, table: str = "material") -> dict[str, object]:
    return {"plant_id": plant, "table_name": table, "measure": measure, "value": value, "rows": rows}


def verdict(results: pl.DataFrame, plant: str, check: str) -> tuple[str, float | None]:
    row = results.filter(plant_id=plant, check_name=check)
    return row["status"].item(), row["observed"].item()


def test_run_gives_one_result_per_plant_and_check_of_the_tables_asked_for(silver: duckdb.DuckDBPyConnection) -> None:
    results = run(silver, "2026-11-20-1", ["south", "west"], AT, tables=["material", "tag"])
    assert results.schema == RESULTS
    assert results.height == 2 * (len(CHECKS["material"]) + len(CHECKS["tag"]))
    assert set(results["refresh_id"]) == {"2026-11-20-1"}
    assert set(results["checked_at"]) == {AT}
    assert set(results.filter(plant_id="south")["status"]) == {"PASS"}
    assert set(results.filter(plant_id="west")["status"]) == {"SKIPPED"}  # a plant without rows has not passed
    assert set(results.filter(plant_id="west")["reason"]) == {runner.NO_ROWS}


def test_limits_are_inclusive_and_absent_measures_are_skipped() -> None:
    share = "measured_tags_without_unit_share"
    rows = [measured(plant, share, value, table="tag") for plant, value in (("at", 0.0), ("above", 0.01), ("none", None))]
    results = judge(pl.DataFrame(rows, schema=PROFILE), "r", AT)
    assert verdict(results, "at", "measured_tags_have_unit") == ("PASS", 0.0)
    assert verdict(results, "above", "measured_tags_have_unit") == ("FAIL", 0.01)
    assert verdict(results, "none", "measured_tags_have_unit") == ("SKIPPED", None)
    of_none = results.filter(plant_id="none", check_name="measured_tags_have_unit")
    assert of_none["reason"].item() == runner.NOTHING_TO_MEASURE


def test_a_changed_limit_judges_stored_profiles_again_without_a_query(
    silver: duckdb.DuckDBPyConnection, monkeypatch: pytest.MonkeyPatch
) -> None:
    stored = profile(silver, "ideal_rate", ["south"], AT)  # its slowest rate is 30 s
    assert verdict(judge(stored, "r", AT), "south", "rate_not_too_slow") == ("PASS", 30.0)
    stricter = tuple(replace(c, high=29.0) if c.name == "rate_not_too_slow" else c for c in CHECKS["ideal_rate"])
    monkeypatch.setitem(suites.CHECKS, "ideal_rate", stricter)
    assert verdict(judge(stored, "r", AT), "south", "rate_not_too_slow") == ("FAIL", 30.0)


def test_a_profile_older_than_a_measure_is_skipped_not_passed() -> None:
    results = judge(pl.DataFrame([measured("south", "negative_costs", 0.0)], schema=PROFILE), "r", AT)
    assert verdict(results, "south", "cost_not_negative") == ("PASS", 0.0)
    row = results.filter(check_name="numbers_distinct")
    assert (row["status"].item(), row["reason"].item()) == ("SKIPPED", runner.NOT_PROFILED)


def test_no_profiles_give_no_results_with_the_same_columns() -> None:
    assert judge(pl.DataFrame(schema=PROFILE), "r", AT).schema == RESULTS


def test_an_expectation_that_cannot_be_evaluated_is_an_error_not_a_pass() -> None:
    broken = {"material": {"plant_id": ["south"]}}  # a profile without the measures
    with pytest.raises(RuntimeError, match="could not judge material"):
        judging.start()({"material": CHECKS["material"]}, broken)
    assert judge(pl.DataFrame([measured("south", "negative_costs", 0.0)], schema=PROFILE), "r", AT).height  # it judges on


def test_a_judge_that_died_is_told_and_replaced() -> None:
    first = judging.start()
    first._process.kill()
    first._process.wait()
    with pytest.raises(RuntimeError, match="ended with -9"):
        first({}, {})
    assert judging.start() is not first
    assert judging.start()({}, {}) == {}


def test_worst_ranks_by_blocking_failures_then_all_then_name() -> None:
    cells = [("b", "x", "blocking"), ("a", "x", "warning"), ("a", "y", "warning"), ("c", "x", "warning"), ("d", "x", "warning")]
    results = pl.DataFrame(
        [{"plant_id": p, "table_name": "t", "check_name": c, "severity": s, "status": "FAIL"} for p, c, s in cells]
        + [{"plant_id": "e", "table_name": "t", "check_name": "x", "severity": "blocking", "status": "PASS"}]
    )
    found = worst(results, n=3)
    assert found["plant_id"].to_list() == ["b", "a", "c"]
    assert found["blocking"].to_list() == [1, 0, 0]
    assert found["checks"].to_list() == [["x"], ["x", "y"], ["x"]]


def test_every_limit_says_why_who_and_until_when() -> None:
    for table, checks in CHECKS.items():
        assert len({check.name for check in checks}) == len(checks), f"{table}: a check name is used twice"
        for check in checks:
            assert check.measure in RECIPES[table].names(), f"{table}.{check.name} judges a measure that nobody takes"
            assert check.low is not None or check.high is not None
            assert len(check.reason) > 20 and check.owner.startswith("team:") and check.review > date(2026, 11, 1)


def test_every_measure_is_judged() -> None:
    for table, recipe in RECIPES.items():
        assert set(recipe.names()) == {check.measure for check in CHECKS[table]}, table


def test_the_suite_carries_reason_owner_review_severity_and_rung() -> None:
    found = expectations.suite("silver.plant", CHECKS["plant"])
    assert found.name == "silver.plant"
    for expectation, check in zip(found.expectations, CHECKS["plant"], strict=True):
        assert expectation.notes == check.reason
        assert (expectation.column, expectation.min_value, expectation.max_value) == (check.measure, check.low, check.high)
        assert expectation.meta == {
            "check": check.name, "rung": check.rung, "severity": check.severity, "reason": check.reason, "owner": check.owner,
            "review": check.review.isoformat(),
        }  # fmt: skip


def test_scipy_and_altair_work_after_their_import_was_put_off() -> None:
    code = (
        "from quality_checks.expectations import great_expectations; great_expectations(); import scipy.stats, sqlalchemy;"
        " print(round(scipy.stats.norm.cdf(0), 3), bool(sqlalchemy.create_engine))"
    )
    assert _python(code) == "0.5 True\n"


def test_the_page_names_every_check_and_is_up_to_date() -> None:
    text = PAGE.read_text(encoding="utf-8")
    named = set(re.findall(r"^\| `(\w+)` ", text, re.MULTILINE))
    assert named == {check.name for checks in CHECKS.values() for check in checks}
    assert suites.page(text) == text, "write it anew: python -m quality_checks.suites docs/quality.md"


def test_great_expectations_and_pandas_are_never_imported_by_a_refresh() -> None:
    heavy = "{'great_expectations', 'pandas', 'dagster', 'scipy'} & set(sys.modules)"
    code = f"""
import sys
from datetime import datetime, UTC
import polars as pl
from quality_checks.measuring import PROFILE
from quality_checks.runner import judge, warm_up
warm_up()
rows = [("p", "material", "negative_costs", 1.0, 9)]
print(judge(pl.DataFrame(rows, PROFILE, orient="row"), "r", datetime.now(UTC)).filter(status="FAIL").height, {heavy})"""
    assert _python(code) == "1 set()\n"


def _python(code: str) -> str:
    root = Path(__file__).resolve().parents[2]
    return subprocess.run([sys.executable, "-c", code], cwd=root, capture_output=True, text=True, check=True).stdout
