"""Splits of a gap add up to it, whatever the plants are: the macros themselves over random values (law 9 of the specification, 5.1).

Elsewhere: the worked cases, through files (`tests/golden/test_golden_comparison.py`).
"""

from __future__ import annotations

from collections.abc import Iterator

import duckdb
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from publish.comparison import OEE_GAP, OEE_MIX

DAY = "DATE '2025-06-02'"
FACTOR = st.floats(0.001, 1.5)
Factors = tuple[float, float, float]
Unit = tuple[str, float, float]
"""Class, ideal seconds of good pieces, planned seconds."""


@pytest.fixture(scope="module")
def con() -> Iterator[duckdb.DuckDBPyConnection]:
    """The macros over an empty `kpi_value` and `unit_scope`."""
    with duckdb.connect() as con:
        con.execute("""CREATE TABLE kpi_value (plant_id VARCHAR, scope_id VARCHAR, scope_type VARCHAR, profile VARCHAR, kpi_id VARCHAR,
            period_type VARCHAR, period_start DATE, value DOUBLE, numerator DOUBLE, denominator DOUBLE)""")
        con.execute("CREATE TABLE unit_scope (unit_id VARCHAR, scope_type VARCHAR, scope_id VARCHAR)")
        con.execute(OEE_GAP)
        con.execute(OEE_MIX)
        yield con


def plants(con: duckdb.DuckDBPyConnection, **factors: tuple[float | None, ...]) -> None:
    """Plants with OEE, A, E and Q."""
    con.execute("DELETE FROM kpi_value")
    rows = [[plant, plant, name, value] for plant, values in factors.items() for name, value in zip(("OEE", *"AEQ"), values, strict=True)]
    con.executemany(f"INSERT INTO kpi_value VALUES (?, ?, 'PLANT', 'ISO', ?, 'DAY', {DAY}, ?, NULL, NULL)", rows)


def gap(con: duckdb.DuckDBPyConnection) -> dict[str, list[float | None]]:
    found: dict[str, list[float | None]] = {}
    for method, points in con.execute(f"SELECT method, points FROM oee_gap('north', 'south', 'DAY', {DAY})").fetchall():
        found.setdefault(method, []).append(points)
    return found


def product(factors: Factors) -> float:
    return factors[0] * factors[1] * factors[2]


@given(north=st.tuples(FACTOR, FACTOR, FACTOR), south=st.tuples(FACTOR, FACTOR, FACTOR))
def test_lmdi_and_shapley_add_up_to_the_gap(con: duckdb.DuckDBPyConnection, north: Factors, south: Factors) -> None:
    plants(con, north=(product(north), *north), south=(product(south), *south))
    found = gap(con)
    wanted = product(south) - product(north)
    assert found["GAP"] == [pytest.approx(wanted, abs=1e-12)]
    for method in ("LMDI", "SHAPLEY"):
        terms = [term for term in found[method] if term is not None]
        assert len(terms) == 3
        # The logarithms of two almost equal products lose digits: the sum is exact to the scale of the plants.
        assert sum(terms) == pytest.approx(wanted, abs=1e-7 if method == "LMDI" else 1e-12)


@given(north=st.tuples(FACTOR, FACTOR, FACTOR))
def test_a_plant_that_was_down_has_the_whole_gap_in_availability(con: duckdb.DuckDBPyConnection, north: Factors) -> None:
    plants(con, north=(product(north), *north), south=(0.0, 0.0, None, None))
    found = gap(con)
    assert found["LMDI"] == [None, None, None]
    assert found["SHAPLEY"] == [pytest.approx(-product(north), abs=1e-12), 0, 0]


UNITS = st.lists(st.tuples(st.sampled_from("abc"), st.floats(0, 1e6), st.floats(1, 1e6)), min_size=1, max_size=6)


@given(north=UNITS, south=UNITS)
def test_better_work_and_another_mix_add_up_to_the_gap(con: duckdb.DuckDBPyConnection, north: list[Unit], south: list[Unit]) -> None:
    assume(north and south)
    con.execute("DELETE FROM kpi_value; DELETE FROM unit_scope")
    units = [(f"{plant}{n}", plant, *unit) for plant, of in (("north", north), ("south", south)) for n, unit in enumerate(of)]
    con.executemany(
        f"INSERT INTO kpi_value VALUES (?, ?, 'EQUIPMENT', 'ISO', 'OEE', 'DAY', {DAY}, NULL, ?, ?)",
        [[plant, unit, good, time] for unit, plant, _, good, time in units],
    )
    scopes = [[unit, kind, of] for unit, plant, group, *_ in units for kind, of in (("CLASS", group), ("PLANT", plant))]
    con.executemany("INSERT INTO unit_scope VALUES (?, ?, ?)", scopes)
    query = f"SELECT within_classes, mix_of_classes, gap FROM oee_mix('north', 'south', 'DAY', {DAY})"
    ((within, mix, whole),) = con.execute(query).fetchall()
    of_north, of_south = (sum(good for _, good, _ in of) / sum(time for *_, time in of) for of in (north, south))
    assert whole == pytest.approx(of_south - of_north, rel=1e-9, abs=1e-9)
    assert within + mix == pytest.approx(whole, rel=1e-9, abs=1e-6 * max(1, of_north, of_south))
