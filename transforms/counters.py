"""Counters to steps: what a total that only grows says about what was made in between.

Here: resets, roll-over and readings that are none. Elsewhere: which tag is a counter (`tag.semantic`, a connector's options).
"""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl


def counter_deltas(frame: pl.LazyFrame, *, by: Sequence[str], order: Sequence[str], value: str, modulus: int | None = None) -> pl.LazyFrame:
    """The rows at which a counter moved, with `delta` (made since the last reading), `total` (the reading) and `reset`.

    Readings are taken in `order` within `by`. The first one is a baseline. A reading below the last one is a roll-over when the
    counter has a `modulus` (65536 for 16 bits), else a reset: it then counts from 0. A null is no reading; what is no finite
    number gives a row with an empty delta, so that it can be rejected, and the next reading continues from the last good one.
    Golden case GC34: readings of bad quality have to be left out, or set to null, before.

    >>> import polars as pl
    >>> frame = pl.LazyFrame({"tag": ["a"] * 4, "t": [1, 2, 3, 4], "v": ["500", "520", "0", "15"]})
    >>> counter_deltas(frame, by=["tag"], order=["t"], value="v").select("delta").collect()["delta"].to_list()
    [20.0, 15.0]
    """
    number = pl.col(value).cast(pl.Float64, strict=False)
    read = frame.filter(pl.col(value).is_not_null()).with_columns(pl.when(number.is_finite()).then(number).alias("total")).sort(*by, *order)
    step = pl.col("total") - _before(by)
    reset = ((step < 0) & pl.lit(modulus is None)).fill_null(False)
    return read.with_columns(_made(by, modulus).alias("delta"), reset.alias("reset")).filter(
        (pl.col("delta") > 0) | pl.col("total").is_null()
    )


def steps(readings: pl.Series, by: Sequence[pl.Series], at: pl.Series, modulus: int | None = None) -> pl.Series:
    """What was made up to each reading since the one before it `at` an earlier instant, in the order of the readings.

    Null where there is no reading, or none before it. `by` tells the counters apart.

    >>> steps(pl.Series([520, 500, 15]), [pl.Series(["a", "a", "a"])], pl.Series([2, 1, 3])).to_list()
    [20.0, None, 15.0]
    """
    keys = [f"by{number}" for number in range(len(by))]
    frame = pl.DataFrame(
        [readings.cast(pl.Float64).alias("total"), at.alias("at"), *(key.alias(name) for name, key in zip(keys, by, strict=True))]
    )
    ordered = frame.with_row_index("row").sort(*keys, "at", "row", maintain_order=True)
    return ordered.with_columns(_made(keys, modulus).alias("delta")).sort("row")["delta"]


def _before(by: Sequence[str]) -> pl.Expr:
    return pl.col("total").forward_fill().shift(1).over(by)


def _made(by: Sequence[str], modulus: int | None) -> pl.Expr:
    """Of ordered readings `total`, what was made since the last one."""
    step = pl.col("total") - _before(by)
    return pl.when(step < 0).then(step + modulus if modulus is not None else pl.col("total")).otherwise(step)
