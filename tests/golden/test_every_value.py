"""Laws that every published value of the golden portfolio keeps: it is its numerator over its denominator, and its bounds lie around it."""

from __future__ import annotations

import polars as pl
from published import Published


def test_every_value_is_its_numerator_over_its_denominator(lake: Published) -> None:
    """Law 10 of the specification (5.1), at every release, scope, period and profile; 56 KPIs have a value here."""
    for release in (None, 1):
        told = lake.kpis(release).filter(pl.col("value").is_not_null())
        assert told["kpi_id"].n_unique() > 50
        assert told.select("numerator", "denominator").null_count().row(0) == (0, 0)
        ratio = pl.col("numerator").cast(pl.Float64) / pl.col("denominator").cast(pl.Float64)
        wrong = told.filter((ratio - pl.col("value")).abs() > 1e-12 * pl.max_horizontal(pl.col("value").abs(), 1))
        assert wrong.is_empty(), wrong


def test_bounds_lie_around_their_value(lake: Published) -> None:
    told = lake.kpis(None).filter(pl.col("value").is_not_null())
    assert told.filter((pl.col("value_low") > pl.col("value") + 1e-12) | (pl.col("value_high") < pl.col("value") - 1e-12)).is_empty()
