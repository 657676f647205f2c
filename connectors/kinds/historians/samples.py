"""Long rows of historians, one a sample: the columns that all kinds share, their quality, and which of several versions holds.

Here: what does not depend on how a historian writes its exports down. Elsewhere: the exports (`connectors.kinds.historians`), the words
of quality (`connectors.quality`), what a mapping makes of the rows (`transforms.samples`).

`value` is what was delivered, as text; null where the source has none, or a state or an error instead of one. `quality` is GOOD,
UNCERTAIN or BAD, null where the source says nothing of it; `quality_code` keeps what the source wrote, `quality_text` says it in words.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import polars as pl

from connectors import quality
from connectors.contract import ROW
from connectors.quality import Quality

SAMPLE = ("tag", "timestamp", "value", "value_type", "units", "quality", "quality_code", "quality_text")
SUPERSEDED = "superseded"
"""'true' where a later record of the same export holds instead, else 'false'."""

TOGETHER = 2_000_000
"""Records whose keys are compared at a time."""

Judge = Callable[[str], tuple[Quality | None, str | None]]
"""What a text of the source's quality means: the word, and what it says besides."""


def opc(code: str) -> tuple[Quality | None, str | None]:
    """The quality of a number of OPC Classic, or of a word. What is neither is uncertain: the source said something of the value.

    >>> opc("192"), opc("24"), opc("Good"), opc("odd")
    (('GOOD', 'good'), ('BAD', 'communication failure'), ('GOOD', None), ('UNCERTAIN', None))
    """
    text = code.strip()
    if text.isdecimal() and len(text) < 11:
        return quality.opc_classic(int(text)), quality.opc_classic_text(int(text))
    return quality.worded(text) or "UNCERTAIN", None


def judged(frame: pl.LazyFrame, judge: Judge) -> pl.LazyFrame:
    """Adds `quality` and `quality_text` by `quality_code`, which is judged once a word and not once a row."""

    def mapped(place: int) -> Callable[[pl.Series], pl.Series]:
        def each(codes: pl.Series) -> pl.Series:
            known = codes.unique().drop_nulls()
            return codes.replace_strict(known, [judge(code)[place] for code in known], default=None, return_dtype=pl.String)

        return each

    code = pl.col("quality_code")
    names = ("quality", "quality_text")
    return frame.with_columns(
        code.map_batches(mapped(place), return_dtype=pl.String, is_elementwise=True).alias(name) for place, name in enumerate(names)
    )


def with_superseded(frame: pl.LazyFrame, by: Sequence[str] = ("tag", "timestamp")) -> pl.LazyFrame:
    """Marks records behind which the same export has another one of the same tag and time."""
    is_earlier = pl.col(ROW).is_in(_earlier(frame, by).implode())
    return frame.with_columns(pl.when(is_earlier).then(pl.lit("true")).otherwise(pl.lit("false")).alias(SUPERSEDED))


def _earlier(frame: pl.LazyFrame, by: Sequence[str]) -> pl.Series:
    """The `_row`s that a later one of the same key follows.

    Keys that are there several times are few among many: they are found by their hash, some million records at a time, and only those
    are compared themselves.
    """
    keyed = frame.select(ROW, *by).drop_nulls().with_columns(pl.struct(by).hash().alias("_hash"))
    parts = int(keyed.select(pl.len()).collect(engine="streaming").item()) // TOGETHER + 1
    found = []
    for part in range(parts):
        own = keyed.filter(pl.col("_hash") % parts == part)
        several = own.group_by("_hash").agg(pl.len()).filter(pl.col("len") > 1).select("_hash").collect(engine="streaming")
        again = own.join(several.lazy(), on="_hash", how="semi").collect(engine="streaming")
        found.append(again.filter(pl.col(ROW) < pl.col(ROW).max().over(by))[ROW])
    return pl.concat(found)


def numbered(parts: Sequence[pl.LazyFrame]) -> pl.LazyFrame:
    """Parts of an export as one frame, `_row` from 1 throughout."""
    if len(parts) == 1:
        return parts[0]
    whole = pl.concat([part.drop(ROW) for part in parts], how="diagonal").with_row_index(ROW, offset=1)
    return whole.with_columns(pl.col(ROW).cast(pl.Int64))
