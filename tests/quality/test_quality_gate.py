"""The gates: which plants a judgement holds, with which words, and what each gate measures and stores."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import duckdb
import polars as pl
import pytest
from candidate_of_two_plants import candidate
from lake_of_two_plants import AT, PLANTS

from quality_checks import gate
from quality_checks.gold_profiles import GOLD
from quality_checks.profiles import LEDGER_TABLES, SILVER
from quality_checks.runner import RESULTS
from quality_checks.store import Store


def result(plant: str, check: str = "key_unique", table: str = "candidate_parts", **cells: Any) -> dict[str, Any]:
    sound = {
        "refresh_id": "r", "checked_at": AT, "rung": "logical", "severity": "blocking", "status": "FAIL", "measure": "repeated_keys",
        "observed": 3.0, "limit_low": None, "limit_high": 0.0, "rows": 10, "reason": "added twice",
    }  # fmt: skip
    return {**sound, "plant_id": plant, "table_name": table, "check_name": check, **cells}


def results(*rows: dict[str, Any]) -> pl.DataFrame:
    return pl.DataFrame(rows, schema=RESULTS)


def test_a_plant_is_held_by_a_blocking_failure_and_the_line_says_which() -> None:
    found = results(
        result("b"), result("b", "times_not_negative"), result("a", "quality_at_most_one", "kpi_value", observed=1.25, limit_high=1.0)
    )
    assert gate.held(found) == {
        "a": "kpi_value.quality_at_most_one: repeated_keys is 1.25, allowed is ≤ 1: added twice",
        "b": "candidate_parts.key_unique: repeated_keys is 3, allowed is ≤ 0: added twice (and 1 more)",
    }


@pytest.mark.parametrize(
    "row",
    [
        result("a", severity="warning"),
        result("a", status="PASS"),
        result("a", status="SKIPPED", observed=None),
        result("*", table="map_downtime_reason"),
        result("a", table="historian_sample"),
        result("a", table="tag"),
        result("a", table="material"),
    ],
    ids=["a warning", "passed", "nothing to judge", "the whole portfolio", "samples", "tags", "materials"],
)
def test_nobody_is_held_by(row: dict[str, Any]) -> None:
    assert gate.held(results(row)) == {}
    is_told = row["status"] == "FAIL" and row["severity"] == "blocking"
    assert len(gate.told(results(row))) == is_told


def test_tables_that_hold_are_those_that_the_models_read() -> None:
    """What a model reads without a check of its own (settings, watermarks) follows from plant files, which are checked when read."""
    models = Path(__file__).resolve().parents[2] / "dbt_project" / "models"
    read = {name for name in SILVER for path in models.rglob("*.sql") if f"source('silver', '{name}')" in path.read_text(encoding="utf-8")}
    assert set(LEDGER_TABLES) == read
    assert {*LEDGER_TABLES, *GOLD} == gate.HOLDING


@pytest.fixture
def con() -> duckdb.DuckDBPyConnection:
    return candidate()


def test_both_gates_store_what_they_measured_and_judged(con: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    silver = gate.silver(con, tmp_path, "20261120T120000Z", PLANTS, AT)
    gold = gate.gold(con, tmp_path, "20261120T120000Z", PLANTS, AT)
    assert set(silver["table_name"]) == set(SILVER)
    assert set(gold["table_name"]) == set(GOLD)
    assert gate.held(silver) == gate.held(gold) == {}
    store = Store(tmp_path)
    assert len(store.results("20261120T120000Z")) == len(silver) + len(gold)
    assert set(store.profiles("20261120T120000Z")["table_name"]) == {*SILVER, *GOLD}


def test_a_damaged_plant_is_held_at_the_gate_that_sees_it_and_the_other_passes(con: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    con.execute("update silver.equipment_state_event set equipment_id = 'ghost' where plant_id = 'south' and event_id = 'M1-0'")
    held = gate.held(gate.silver(con, tmp_path, "r", PLANTS, AT))
    assert held == {
        "south": "equipment_state_event.equipment_known: equipment_orphan_rows is 1, allowed is ≤ 0: rows of an unknown unit reach no KPI"
    }
    con.execute("update gold.candidate_parts set apt_s = apt_s + 1 where plant_id = 'south' and shift_instance_id = 'M1:early:2026-10-01'")
    held = gate.held(gate.gold(con, tmp_path, "r", PLANTS, AT))
    assert list(held) == ["south"]
    assert held["south"].startswith("candidate_parts.busy_time_adds_up: busy_time_unbalanced is 1, allowed is ≤ 0")


def test_no_plants_are_no_judgement_and_leave_nothing(con: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    found = gate.silver(con, tmp_path / "quality", "r", [], AT)
    assert found.schema == RESULTS
    assert found.is_empty()
    assert not (tmp_path / "quality").exists()


def test_a_plant_of_which_nothing_is_in_the_window_is_not_held(con: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    for table in ("equipment_state_event", "production_count", "planned_downtime", "shift_instance", "production_day"):
        con.execute(f"delete from silver.{table} where plant_id = 'south'")
    con.execute("delete from gold.candidate_parts where plant_id = 'south'")  # every part of the day was deleted
    assert gate.held(gate.silver(con, tmp_path, "r", PLANTS, AT)) == {}
    assert gate.held(gate.gold(con, tmp_path, "r", PLANTS, AT)) == {}
