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
    is_last = (pl.col(ROW) == pl.col(ROW).max().over(by)) | pl.any_horizontal(pl.col(name).is_null() for name in by)
    return frame.with_columns(pl.when(is_last).then(pl.lit("false")).otherwise(pl.lit("true")).alias(SUPERSEDED))


def numbered(parts: Sequence[pl.LazyFrame]) -> pl.LazyFrame:
    """Parts of an export as one frame, `_row` from 1 throughout."""
    if len(parts) == 1:
        return parts[0]
    whole = pl.concat([part.drop(ROW) for part in parts], how="diagonal").with_row_index(ROW, offset=1)
    return whole.with_columns(pl.col(ROW).cast(pl.Int64))
