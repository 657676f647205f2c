"""Who is best: scopes of one period ranked by one KPI, as far as their values can be told apart (specification 4.2).

Here: the ranks, a pure function of KPI values. Elsewhere: the values (`publish.reader`), the table (`publish.tables`).
"""

from __future__ import annotations

import polars as pl

NOISE = 1e-9
"""Values nearer than this are the same: sums of floats depend on their order."""
RANKED: dict[str, type[pl.DataType]] = {"rank": pl.Int64, "is_shared": pl.Boolean, "left_out": pl.String}
"""Columns that a ranking adds: the rank, whether it is shared, and of those that have none, why.

`left_out` is NOT_COMPUTABLE, GRADE_D, NO_TARGET (of a KPI that is best at its target) or NOT_IN_PERIOD (the newest value is older).
"""


def ranked(frame: pl.DataFrame, trend: str) -> pl.DataFrame:
    """The newest period of one KPI's values, best first, then those that have no rank: the frame with the columns of RANKED.

    Two scopes have different ranks only if their intervals [value_low, value_high] do not overlap. Overlapping is passed on: what
    overlaps a scope of rank 2 has rank 2 as well, even where it does not overlap all of them. A shared rank takes as many places as
    it has scopes: 1, 2=, 2=, 4.

    `trend` is HIGHER, LOWER or TARGET; best at TARGET is the smallest distance to it.

    >>> values = [("a", 0.70, 0.70, 0.74), ("b", 0.73, 0.73, 0.73), ("c", 0.80, 0.80, 0.80)]
    >>> frame = pl.DataFrame(values, schema=["scope_id", "value", "value_low", "value_high"], orient="row").with_columns(
    ...     period_start=1, shift_code=None, grade=pl.lit("A"), status=pl.lit("OK"), target=None)
    >>> ranked(frame, "HIGHER").select("scope_id", "rank", "is_shared").rows()
    [('c', 1, False), ('b', 2, True), ('a', 2, True)]
    """
    if frame.is_empty():
        return frame.with_columns(pl.lit(None, dtype).alias(name) for name, dtype in RANKED.items())
    newest = frame["period_start"].max()
    latest = frame.filter(pl.col("period_start") == pl.col("period_start").max().over("scope_id"))
    reason = (
        pl.when(pl.col("period_start") < newest).then(pl.lit("NOT_IN_PERIOD"))
        .when(pl.col("value").is_null()).then(pl.lit("NOT_COMPUTABLE"))
        .when(pl.col("grade") == "D").then(pl.lit("GRADE_D"))
        .when(pl.lit(trend == "TARGET") & pl.col("target").is_null()).then(pl.lit("NO_TARGET"))
    )  # fmt: skip
    judged = latest.with_columns(reason.alias("left_out"))
    inside = _placed(judged.filter(pl.col("left_out").is_null()), trend)
    outside = judged.filter(pl.col("left_out").is_not_null()).sort("left_out", "scope_id")
    outside = outside.with_columns(pl.lit(None, pl.Int64).alias("rank"), pl.lit(None, pl.Boolean).alias("is_shared"))
    return pl.concat([inside, outside.select(inside.columns)])


def _placed(frame: pl.DataFrame, trend: str) -> pl.DataFrame:
    """Ranks by a loss of which less is better, between the least and the most that it can be."""
    low, high = (pl.coalesce(name, "value") for name in ("value_low", "value_high"))
    if trend == "TARGET":
        target = pl.col("target")
        least = pl.max_horizontal(pl.lit(0.0), low - target, target - high)
        most, loss = pl.max_horizontal((low - target).abs(), (high - target).abs()), (pl.col("value") - target).abs()
    elif trend == "LOWER":
        least, most, loss = low, high, pl.col("value")
    else:
        least, most, loss = -high, -low, -pl.col("value")
    begins = pl.col("_least") > pl.col("_most").cum_max().shift(1, fill_value=float("-inf")) + NOISE
    return (
        frame.with_columns(least.alias("_least"), most.alias("_most"), loss.alias("_loss"))
        .sort("_least", "_most")
        .with_row_index("_place", offset=1)
        .with_columns(begins.cum_sum().alias("_group"))
        .with_columns(pl.col("_place").min().over("_group").cast(pl.Int64).alias("rank"), (pl.len().over("_group") > 1).alias("is_shared"))
        .sort("rank", "_loss", "scope_id")
        .select(pl.exclude("^_.*$"))
    )
