"""Targets: which one holds for a scope on a day. Small tables in, the spans of `kpi_target` out.

Here: the choice among lines of `vocabularies/targets.csv`. Elsewhere: the target beside its value (tests/pipelines/test_kpi_cli.py).
"""

from __future__ import annotations

import duckdb
import pytest

from dbt_project.value_sql import target_sql

Line = tuple[str, str, str, float, str | None, str | None]


def spans(*lines: Line) -> list[tuple[str, str, float, str | None, str | None]]:
    """The spans of OEE in a portfolio of the plants a and b; a has one machine, M1, with the id e1."""
    with duckdb.connect() as con:
        con.execute(
            "CREATE TABLE stated_target (kpi_id VARCHAR, scope_type VARCHAR, scope_id VARCHAR, target DOUBLE, valid_from DATE, valid_to DATE)"
        )
        con.executemany("INSERT INTO stated_target VALUES (?, ?, ?, ?, ?, ?)", [list(line) for line in lines])
        con.execute("CREATE TABLE equipment AS SELECT 'e1' AS equipment_id, 'a' AS plant_id, 'M1' AS equipment_code")
        con.execute(
            "CREATE TABLE unit_scope AS FROM (VALUES ('e1', 'PLANT', 'a'), ('~a', 'PLANT', 'a'), ('~b', 'PLANT', 'b'),"
            " ('e1', 'EQUIPMENT', 'e1')) AS v (unit_id, scope_type, scope_id)"
        )
        found = (
            f"SELECT scope_type, scope_id, target, valid_from::VARCHAR, valid_to::VARCHAR FROM ({target_sql(str)}) ORDER BY ALL NULLS FIRST"
        )
        return con.sql(found).fetchall()


def test_a_target_of_every_plant_holds_where_a_plant_has_none() -> None:
    assert spans(("OEE", "PLANT", "*", 0.7, None, None), ("OEE", "plant", "a", 0.8, None, None)) == [
        ("PLANT", "a", 0.8, None, None),
        ("PLANT", "b", 0.7, None, None),
    ]


def test_when_a_target_ends_the_wider_one_holds_again() -> None:
    """a has one of its own for the second quarter; before and after it that of every plant holds."""
    assert spans(("OEE", "PLANT", "*", 0.7, None, None), ("OEE", "PLANT", "a", 0.8, "2026-04-01", "2026-07-01")) == [
        ("PLANT", "a", 0.7, None, "2026-04-01"),
        ("PLANT", "a", 0.7, "2026-07-01", None),
        ("PLANT", "a", 0.8, "2026-04-01", "2026-07-01"),
        ("PLANT", "b", 0.7, None, None),
    ]


def test_of_two_targets_of_a_scope_the_later_one_holds() -> None:
    assert spans(("OEE", "PLANT", "b", 0.6, "2026-01-01", None), ("OEE", "PLANT", "b", 0.65, "2026-03-01", None)) == [
        ("PLANT", "b", 0.6, "2026-01-01", "2026-03-01"),
        ("PLANT", "b", 0.65, "2026-03-01", None),
    ]


@pytest.mark.parametrize("name", ["e1", "a/M1"])
def test_a_machine_goes_by_its_id_or_by_plant_and_code(name: str) -> None:
    assert spans(("OEE", "EQUIPMENT", name, 0.9, None, None)) == [("EQUIPMENT", "e1", 0.9, None, None)]


def test_a_scope_that_does_not_exist_has_no_target() -> None:
    assert spans(("OEE", "PLANT", "nowhere", 0.9, None, None)) == []
