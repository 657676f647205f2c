"""What is kept of measures and judgements, and judging again by other limits without a query."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import polars as pl
import pytest
from lake_of_two_plants import AT

from quality_checks import store as stores
from quality_checks import suites
from quality_checks.measuring import PROFILE
from quality_checks.runner import RESULTS
from quality_checks.store import Store, rejudge
from quality_checks.suites import limits_version


def profile(plant: str, value: float, measure: str = "slowest_s", table: str = "ideal_rate") -> pl.DataFrame:
    return pl.DataFrame([(plant, table, measure, value, 3)], schema=PROFILE, orient="row")


def judged(refresh_id: str, plant: str, status: str = "PASS", check: str = "rate_not_too_slow") -> pl.DataFrame:
    row = {
        "refresh_id": refresh_id, "checked_at": AT, "plant_id": plant, "table_name": "ideal_rate", "check_name": check, "rung": "plausible",
        "severity": "warning", "status": status, "measure": "slowest_s", "observed": 1.0, "limit_low": None, "limit_high": 9.0, "rows": 3,
        "reason": "why",
    }  # fmt: skip
    return pl.DataFrame([row], schema=RESULTS)


def kept(store: Store) -> list[tuple[str, str, str]]:
    return store.all_results().select("refresh_id", "plant_id", "status").rows()


def test_a_changed_limit_judges_stored_measures_again_without_a_query(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = Store(tmp_path)
    store.save("r1", pl.concat([profile("a", 30.0), profile("b", 31.0)]), judged("r1", "a"))
    before = limits_version()
    monkeypatch.setitem(
        suites.CHECKS, "ideal_rate", [replace(c, high=30.0) if c.high == 7 * 86400.0 else c for c in suites.CHECKS["ideal_rate"]]
    )
    assert limits_version() != before
    found = rejudge(store, "r2", at=AT + timedelta(hours=1)).filter(pl.col("status") != "SKIPPED")
    assert found.select("refresh_id", "plant_id", "check_name", "status").rows() == [
        ("r2", "a", "rate_not_too_slow", "PASS"), ("r2", "b", "rate_not_too_slow", "FAIL"),
    ]  # fmt: skip
    assert set(rejudge(store, "r2", ["a"])["plant_id"]) == {"a"}


def test_words_may_change_without_a_new_version_of_the_limits(monkeypatch: pytest.MonkeyPatch) -> None:
    before = limits_version()
    first, *others = suites.CHECKS["plant"]
    monkeypatch.setitem(suites.CHECKS, "plant", (replace(first, reason="said better"), *others))
    assert limits_version() == before
    monkeypatch.setitem(suites.CHECKS, "plant", (replace(first, severity="warning"), *others))
    assert limits_version() != before


def test_the_last_measures_are_those_of_the_last_refresh_that_took_them(tmp_path: Path) -> None:
    store = Store(tmp_path)
    store.save("r1", pl.concat([profile("a", 1.0), profile("b", 2.0), profile("a", 5.0, "plant_rows", "plant")]), judged("r1", "a"))
    store.save("r2", profile("a", 3.0), judged("r2", "a"))
    assert sorted(store.latest_profiles().select("plant_id", "table_name", "value").rows()) == [
        ("a", "ideal_rate", 3.0), ("a", "plant", 5.0), ("b", "ideal_rate", 2.0),
    ]  # fmt: skip
    assert store.latest_profiles(["b"])["value"].to_list() == [2.0]
    assert store.profiles("r1").height == 3


def test_published_are_the_last_judgement_of_each_plant_and_earlier_failures(tmp_path: Path) -> None:
    store = Store(tmp_path)
    store.save("r1", profile("a", 1.0), pl.concat([judged("r1", "a"), judged("r1", "b", "FAIL")]))
    store.save("r2", profile("a", 1.0), pl.concat([judged("r2", "a", "FAIL"), judged("r2", "b")]))
    store.save("r3", profile("a", 1.0), judged("r3", "a"))
    assert kept(store) == [("r1", "b", "FAIL"), ("r2", "a", "FAIL"), ("r2", "b", "PASS"), ("r3", "a", "PASS")]


def test_the_two_gates_of_a_refresh_add_up_and_a_gate_that_ran_twice_counts_once(tmp_path: Path) -> None:
    store = Store(tmp_path)
    gold = judged("r1", "a").with_columns(pl.lit("kpi_value").alias("table_name"))
    for results in (judged("r1", "a"), gold, judged("r1", "a", "FAIL")):
        store.save("r1", profile("a", 1.0), results)
    assert sorted(store.results("r1").select("table_name", "status").rows()) == [("ideal_rate", "FAIL"), ("kpi_value", "PASS")]
    assert store.all_results().height == 2


def test_old_refreshes_are_forgotten_but_not_the_last_judgement_of_a_plant(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stores, "KEPT", 3)
    store = Store(tmp_path)
    store.save("r0", profile("quiet", 1.0), judged("r0", "quiet"))
    for number in range(1, 6):
        store.save(f"r{number}", profile("a", 1.0), judged(f"r{number}", "a", "FAIL"))
    assert store.refreshes() == ["r3", "r4", "r5"]
    assert sorted(path.stem for path in (tmp_path / "profiles").iterdir()) == ["r3", "r4", "r5"]
    assert kept(store) == [("r0", "quiet", "PASS"), ("r3", "a", "FAIL"), ("r4", "a", "FAIL"), ("r5", "a", "FAIL")]
    assert set(store.latest_profiles()["plant_id"]) == {"a", "quiet"}


def test_files_of_an_older_version_are_read_with_today_s_columns(tmp_path: Path) -> None:
    (tmp_path / "results").mkdir()
    judged("r1", "a").drop("rung", "rows").write_parquet(tmp_path / "results" / "r1.parquet")
    assert Store(tmp_path).results("r1").schema == RESULTS
    assert Store(tmp_path).results("r1")["rung"].to_list() == [None]


def test_an_empty_store_answers_with_no_rows(tmp_path: Path) -> None:
    store = Store(tmp_path / "nothing")
    assert (store.refreshes(), store.all_results().schema, store.latest_profiles().schema) == ([], RESULTS, PROFILE)
    assert rejudge(store, "r").schema == RESULTS
    assert not (tmp_path / "nothing").exists()


def test_a_write_that_fails_leaves_the_file_that_was_there(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_text("whole")
    with pytest.raises(ValueError, match="disk"), stores.replacing(path) as part:
        part.write_text("half")
        raise ValueError("no disk left")
    assert path.read_text() == "whole"
    assert list(tmp_path.iterdir()) == [path]
