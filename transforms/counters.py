"""Counters to steps: what a total that only grows says about what was made in between.

Here: resets, roll-over and readings that are none. Elsewhere: which tag is a counter (`tag.semantic`, a connector's options).
"""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl


def counter_deltas(frame: pl.DataFrame, *, by: Sequence[str], order: Sequence[str], value: str, modulus: int | None = None) -> pl.DataFrame:
    """The rows at which a counter moved, with `delta` (made since the last reading), `total` (the reading) and `reset`.

    Readings are taken in `order` within `by`; exact repeats count once. The first reading is a baseline. A reading below the last
    one is a roll-over when the counter has a `modulus`, else a reset: it then counts from 0. What is no number gives a row with
    an empty delta, so that it can be rejected. Golden case GC34.

    >>> import polars as pl
    >>> frame = pl.DataFrame({"tag": ["a"] * 4, "t": [1, 2, 3, 4], "v": ["500", "520", "0", "15"]})
    >>> counter_deltas(frame, by=["tag"], order=["t"], value="v")["delta"].to_list()
    [20.0, 15.0]
    """
    read = frame.with_columns(pl.col(value).cast(pl.Float64, strict=False).alias("total")).sort(*by, *order)
    numbers = read.filter(pl.col("total").is_not_null()).with_columns(pl.col("total").shift(1).over(by).alias("_before"))
    step = pl.col("total") - pl.col("_before")
    fell = step < 0
    delta = pl.when(fell).then(step + modulus if modulus is not None else pl.col("total")).otherwise(step)
    moved = numbers.with_columns(delta.alias("delta"), (fell & pl.lit(modulus is None)).alias("reset")).filter(pl.col("delta") > 0)
    words = read.filter(pl.col("total").is_null() & pl.col(value).is_not_null())
    unread = words.with_columns(pl.lit(None, dtype=pl.Float64).alias("delta"), pl.lit(False).alias("reset"))
    return pl.concat([moved.drop("_before"), unread], how="diagonal")
