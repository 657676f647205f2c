"""What published tables say of themselves: no table, column or macro of a snapshot is without a description."""

from __future__ import annotations

import doctest
from collections.abc import Callable, Iterator
from pathlib import Path

import duckdb
import pytest
from small_portfolio import without_plants
from three_releases import three_releases

from dbt_project import described
from pipelines import state
from publish import dictionary, snapshot

Lake = Callable[..., Path]


@pytest.fixture(scope="module", params=[three_releases, without_plants])
def published(request: pytest.FixtureRequest, made_once: Lake) -> Iterator[duckdb.DuckDBPyConnection]:
    """A snapshot of two plants, and that of a portfolio without any."""
    root = made_once(request.param.__name__, request.param)
    with duckdb.connect(str(root / "lake" / "kpi.duckdb"), read_only=True) as con:
        yield con


def test_every_table_column_and_macro_is_described(published: duckdb.DuckDBPyConnection) -> None:
    silent = published.sql("""
        SELECT schema_name || '.' || view_name FROM duckdb_views() WHERE NOT internal AND coalesce(trim(comment), '') = ''
        UNION ALL
        SELECT table_name || '.' || column_name FROM duckdb_columns() WHERE NOT internal AND coalesce(trim(comment), '') = ''
        UNION ALL
        SELECT function_name || '()' FROM duckdb_functions() WHERE NOT internal AND coalesce(trim(comment), '') = ''
    """).fetchall()
    assert silent == []


def test_a_comment_is_what_the_contract_says(published: duckdb.DuckDBPyConnection) -> None:
    (contract,) = (c["description"] for c in described.models("marts")["kpi_value"]["columns"] if c["name"] == "coverage")
    question = "SELECT comment FROM duckdb_columns() WHERE table_name = 'kpi_value' AND column_name = 'coverage'"
    assert published.sql(question).fetchall() == [(contract,)]


def test_what_published_yml_describes_exists(published: duckdb.DuckDBPyConnection) -> None:
    """A column that is published no more keeps no description; `plant_id` and the like hold for any table."""
    there: dict[str, set[str]] = {}
    for schema, table, column in published.sql("SELECT schema_name, table_name, column_name FROM duckdb_columns()").fetchall():
        there.setdefault(dictionary.name_of(schema, table), set()).add(column)
    own = {name: set(entry.get("columns", ())) for name, entry in dictionary._own()["tables"].items() if name in there}
    assert {name: columns - there[name] for name, columns in own.items() if columns - there[name]} == {}
    known = {*snapshot.GOLD, *snapshot.READ_IN_SILVER, *state.TRAIL, "export_ledger", "plant_status", "quality_results", "drift", *there}
    assert [name for name in dictionary._own()["tables"] if name not in known] == []


def test_a_sum_says_over_which_shifts_it_is() -> None:
    told = dictionary.told("mart_kpi_unit_month").columns["ideal_gq_s__output_rate_good"]
    assert told == (
        "ideal time of what was good: PRI times good quantity (GQ); summed over the shifts that know what was made, ideal rates of what was made, "
        "how much of it was good"
    )


def test_units_follow_from_names() -> None:
    assert doctest.testmod(dictionary).failed == 0
    assert [dictionary.unit("t", name) for name in ("labour_h", "revenue_rc", "in_plan", "as_of_ts", "value")] == [
        "h", "reporting currency", "", "UTC", "unit of the KPI (kpi_definition)",
    ]  # fmt: skip
