"""Ranks and sparklines: small tables in, small tables out. Elsewhere: the same from a lake (`tests/pipelines/test_kpi_cli.py`)."""

from __future__ import annotations

import doctest
from datetime import date
from typing import Any

import polars as pl
import pytest

from connectors import errors
from publish import ranking, restated, scopes, tables
from publish.ranking import ranked

NOVEMBER, OCTOBER = date(2026, 11, 1), date(2026, 10, 1)


def values(*rows: tuple[Any, ...], kpi: str = "OEE") -> pl.DataFrame:
    """KPI values: scope, value, low, high, and what differs from an OEE of November with grade A."""
    known: dict[str, Any] = {
        "kpi_id": kpi, "scope_type": "PLANT", "period_type": "MONTH", "period_start": NOVEMBER, "shift_code": None, "grade": "A", "status": "OK",
        "coverage": 1.0, "flags": [], "unit": "ratio", "target": None, "target_gap": None, "previous": None,
    }  # fmt: skip
    found = [
        {
            "scope_id": scope,
            "scope_name": scope.title(),
            "value": value,
            "value_low": low,
            "value_high": high,
            **known,
            **(rest[0] if rest else {}),
        }
        for scope, value, low, high, *rest in rows
    ]
    types = {"value": pl.Float64, "value_low": pl.Float64, "value_high": pl.Float64, "target": pl.Float64, "target_gap": pl.Float64,
             "previous": pl.Float64, "shift_code": pl.String, "flags": pl.List(pl.String)}  # fmt: skip
    return pl.DataFrame(found, schema_overrides=types)


def ranks(frame: pl.DataFrame, trend: str = "HIGHER") -> list[str]:
    """`rank=scope`, and of those without a rank `why scope`."""
    rows = ranked(frame, trend).rows(named=True)
    return [
        f"{r['left_out']} {r['scope_id']}" if r["rank"] is None else f"{r['rank']}{'=' if r['is_shared'] else ''} {r['scope_id']}"
        for r in rows
    ]


def exact(**found: float) -> list[tuple[Any, ...]]:
    return [(scope, value, value, value) for scope, value in found.items()]


def test_the_best_is_first_by_the_trend_of_the_kpi() -> None:
    frame = values(*exact(a=0.7, b=0.9, c=0.8))
    assert ranks(frame) == ["1 b", "2 c", "3 a"]
    assert ranks(frame, "LOWER") == ["1 a", "2 c", "3 b"]


def test_what_overlaps_shares_a_rank_and_takes_as_many_places() -> None:
    # [0.70, 0.74] and [0.73, 0.73] overlap; 0.80 is above both, 0.60 below.
    assert ranks(values(("a", 0.70, 0.70, 0.74), *exact(b=0.73, c=0.80, d=0.60))) == ["1 c", "2= b", "2= a", "4 d"]


def test_overlapping_is_passed_on() -> None:
    # a and c do not overlap, and b overlaps both: no rank may tell b from one of them, so none tells a from c.
    assert ranks(values(("a", 0.80, 0.80, 0.90), ("b", 0.75, 0.75, 0.82), ("c", 0.70, 0.70, 0.76))) == ["1= a", "1= b", "1= c"]


def test_one_that_may_be_anything_shares_with_all() -> None:
    assert ranks(values(("a", 0.1, 0.1, 1.0), *exact(b=0.5, c=0.9))) == ["1= c", "1= b", "1= a"]


def test_equal_values_share_a_rank_also_where_their_sums_differ_in_the_last_digit() -> None:
    assert ranks(values(*exact(a=0.1 + 0.2, b=0.3, c=0.2))) == ["1= a", "1= b", "3 c"]


def test_at_target_the_nearest_is_best_from_either_side() -> None:
    aimed = [("a", 0.70, 0.70, 0.70, {"target": 0.8}), ("b", 0.85, 0.85, 0.85, {"target": 0.8}), ("c", 0.9, 0.9, 0.9)]
    assert ranks(values(*aimed), "TARGET") == ["1 b", "2 a", "NO_TARGET c"]
    # Between 0.75 and 0.95 it may be on the target or 0.15 away from it: as far as a.
    assert ranks(values(*aimed[:1], ("d", 0.75, 0.75, 0.95, {"target": 0.8})), "TARGET") == ["1= d", "1= a"]


def test_who_has_no_rank_is_told_why() -> None:
    frame = values(
        *exact(a=0.7),
        ("b", None, 0.4, 0.8, {"status": "NOT_COMPUTABLE", "grade": "D", "flags": ["RATE_PARTIAL"]}),
        ("c", 0.9, 0.9, 0.9, {"grade": "D", "coverage": 0.35, "flags": ["COUNT_PARTIAL", "UNKNOWN_TIME"]}),
        ("d", 0.9, 0.9, 0.9, {"period_start": OCTOBER}),
        ("a", 0.1, 0.1, 0.1, {"period_start": OCTOBER}),
    )
    assert ranks(frame) == ["1 a", "GRADE_D c", "NOT_COMPUTABLE b", "NOT_IN_PERIOD d"]
    assert tables.rank_notes(ranked(frame, "HIGHER"))[3:] == [
        "c: no rank: 90.0 % has grade D at 35% coverage (some shifts delivered no counts).",
        "b: no rank: ideal rates cover too little of the run time (from 40.0 % to 80.0 %).",
        "d: no rank: nothing of 2026-11-01; its newest is 90.0 % of 2026-10-01.",
    ]


def test_nothing_is_ranked_where_there_is_nothing() -> None:
    assert ranks(values(*exact(a=0.7)).clear()) == []
    assert tables.rank_notes(ranked(values(*exact(a=0.7)).clear(), "HIGHER")) == []


@pytest.mark.parametrize(
    ("found", "line"),
    [([0.0, 0.5, 1.0], "▁▅█"), ([None, 0.0, None, 1.0, None], " ▁ █ "), ([0.4], "▄"), ([None, None], "  "), ([], "")],
)
def test_a_sparkline_stands_between_the_least_and_the_most(found: list[float | None], line: str) -> None:
    assert tables.sparkline(found) == line


def test_rows_in_the_order_of_a_kpi_keep_their_scope_together_and_what_has_none_last() -> None:
    frame = pl.concat([values(*exact(a=0.7, b=0.9), ("c", None, None, None)), values(*exact(a=0.2, b=0.1, c=0.3), kpi="A")])
    for desc, order in ((False, "abc"), (True, "bac")):
        assert "".join(tables.ordered(frame, "OEE", desc=desc)["scope_id"].unique(maintain_order=True)) == order
    assert "".join(tables.ordered(frame, "name", desc=True)["scope_id"].unique(maintain_order=True)) == "cba"
    assert len(tables.ordered(frame, "OEE")) == len(frame)


@pytest.mark.parametrize("module", [errors, ranking, restated, scopes, tables])
def test_examples_in_docstrings(module: Any) -> None:
    assert doctest.testmod(module).failed == 0


@pytest.mark.parametrize("text", ["2026-13", "2026-02-30", "2026-W60", "November", "2026-Q5", ""])
def test_what_is_no_period_is_told(text: str) -> None:
    with pytest.raises(scopes.QueryError, match="is no day and no period"):
        scopes.days(text, "--period")
