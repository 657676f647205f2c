"""Conform for historian samples: many rows, few rules, a narrow result; called on bounded batches of one export.

Here: wide and long records to (tag, ts, value, quality), what is rejected, and the tags seen. Elsewhere: every other table
(`transforms.conform`), the loop over batches and the writing (`pipelines.load`), counters and gaps (dbt and later issues).
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

import polars as pl

from connectors import quality
from connectors.contract import ROW, SURPLUS, UNREADABLE
from connectors.errors import ConformError
from transforms.conform import quarantine, too_many_fields, unreadable
from transforms.keys import stable_id
from transforms.mapping import Reading, as_mapped, as_text, check_columns, collect_reasons, evaluate_sample, mark_skipped, veiled
from transforms.numbers import parse_numbers

WORDS = {"GOOD": "GOOD", "BAD": "BAD", "UNCERTAIN": "UNCERTAIN", "QUESTIONABLE": "UNCERTAIN"}
"""Words that need no map. A vocabulary of its own, such as OPC UA where 0 is good, is mapped in the plant file."""

COLUMNS = ("plant_id", "month", "tag_id", "ts", "value_num", "value_text", "quality", "_batch_id", "_row")


@dataclass(frozen=True)
class Samples:
    """What became of one batch of records. `read` counts records; a wide record gives a sample for each tag column."""

    accepted: pl.DataFrame
    rejected: pl.DataFrame
    tags: pl.DataFrame
    read: int
    filtered_by: dict[str, int]

    @property
    def accepted_records(self) -> int:
        return self.read - len(self.rejected) - sum(self.filtered_by.values())


def tag_columns(reading: Reading, columns: list[str]) -> list[str]:
    """The value columns of a wide file: those named in `tags.from`, where /regex/ stands for every unused column it matches.

    Raises ConformError when there is none.
    """
    wanted = reading.table.columns["tags"].from_ or ()
    used = {text for name, rule in reading.table.columns.items() if name != "tags" for text in rule.from_ or ()}
    free = [column for column in columns if column not in used and column not in (ROW, SURPLUS, UNREADABLE)]
    found: list[str] = []
    for text in wanted:
        is_regex = len(text) > 2 and text.startswith("/") and text.endswith("/")
        found += [column for column in (free if is_regex else [text]) if not is_regex or re.search(text[1:-1], column)]
    if not found:
        raise ConformError(
            reading.problem("No column of the file is a tag.", found=", ".join(columns), fix=f"{reading.fix_path}.columns.tags.from")
        )
    return list(dict.fromkeys(found))


def split_unit(header: str) -> tuple[str, str | None]:
    """Tag and unit of a header such as `LV ActivePower (kW)` or `Temp [°C]`.

    >>> split_unit("LV ActivePower (kW)"), split_unit("Speed")
    (('LV ActivePower', 'kW'), ('Speed', None))
    """
    found = re.match(r"^(.*?)\s*[(\[]([^()\[\]]+)[)\]]\s*$", header)
    return (found[1], found[2]) if found and found[1] else (header, None)


def conform_samples(batch: pl.DataFrame, reading: Reading) -> Samples:
    """Samples of one batch of records of an export.

    Raises ConformError when the mapping and the file do not fit each other.
    """
    batch = as_mapped(batch, reading.source)
    check_columns(reading, batch.columns)
    kept, counts = batch, {}
    if reading.table.skip:
        skipped = mark_skipped(batch, reading.table)
        kept = batch.filter(skipped.is_null())
        counts = {str(name): int(count) for name, count in skipped.drop_nulls().value_counts(sort=True).rows()}
    inputs, reasons = evaluate_sample(kept, reading)
    reasons = [*unreadable(kept), *reasons, *too_many_fields(kept)]
    rejected, readable = _refused(veiled(kept, reading), reasons)
    if readable is not None:
        inputs, kept = inputs.filter(readable), kept.filter(readable)
    long, tags = _wide(inputs, kept, reading) if "tags" in reading.table.columns else (inputs, _tags(inputs))
    return Samples(_narrow(long, reading), rejected, tags, len(batch), counts)


def _refused(kept: pl.DataFrame, reasons: list[pl.Series]) -> tuple[pl.DataFrame, pl.Series | None]:
    """Records with a reason, for the quarantine, and which of the records have none (None: all)."""
    if not reasons:
        return quarantine(pl.DataFrame(), kept), None
    marked = kept.select(pl.col(ROW).alias("_row_number"), collect_reasons(reasons, len(kept)).alias("reasons"))
    wrong = marked["reasons"].list.len() > 0
    return quarantine(marked.filter(wrong), kept.filter(wrong)), ~wrong


def _tags(inputs: pl.DataFrame) -> pl.DataFrame:
    return inputs.select(pl.col("tag").unique(), pl.lit(None, dtype=pl.String).alias("unit"))


def _wide(inputs: pl.DataFrame, kept: pl.DataFrame, reading: Reading) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Records of a wide file as _row, ts, tag, value, quality; and the catalogue of the batch.

    Where a column tells whose a record is (`tag`: a machine, a well), its samples are of `<tag>/<column>`.
    """
    columns = tag_columns(reading, kept.columns)
    headers = pl.DataFrame([(column, *split_unit(column)) for column in columns], schema=["column", "name", "unit"], orient="row")
    nulls = [word.strip() for word in reading.table.columns["tags"].nulls]
    wide = inputs.with_columns(kept.select(_filled(as_text(kept, column), nulls).alias(f"tag:{column}") for column in columns))
    index = [name for name in (ROW, "ts", "tag") if name in inputs.columns]
    long = wide.unpivot([f"tag:{column}" for column in columns], index=index, variable_name="column", value_name="value")
    names = {f"tag:{column}": name for column, name in zip(headers["column"], headers["name"], strict=True)}
    name = pl.col("column").replace(names)
    named = long.filter(pl.col("value").is_not_null()).with_columns(
        (pl.col("tag") + "/" + name if "tag" in index else name).alias("tag"), pl.lit(None, dtype=pl.String).alias("quality")
    )
    if "tag" not in index:
        return named, headers.select(pl.col("name").alias("tag"), "unit")
    machines = inputs.select(pl.col("tag").unique())
    return named, headers.join(machines, how="cross").select(pl.col("tag") + "/" + pl.col("name"), "unit")


def _filled(text: pl.Expr, nulls: list[str]) -> pl.Expr:
    return pl.when(~text.is_in(nulls)).then(text) if nulls else text


def _narrow(long: pl.DataFrame, reading: Reading) -> pl.DataFrame:
    options = reading.source.options
    number = _numbers(long["value"], options.get("decimal", "."), options.get("thousands", ""))
    is_text = number.is_null()
    exceeded = _exceeded(long["tag"], number, reading)
    no_word = pl.when(pl.col("value").is_null()).then(pl.lit("BAD")).otherwise(pl.lit("GOOD"))
    return long.select(
        pl.lit(reading.plant.plant).alias("plant_id"),
        _each(pl.col("ts").dt.truncate("1mo"), lambda months: months.dt.strftime("%Y-%m")).alias("month"),
        _each(pl.col("tag"), lambda tags: _ids(tags, reading)).alias("tag_id"),
        "ts",
        number.alias("value_num"),
        (pl.when(is_text).then(pl.col("value")) if is_text.any() else pl.lit(None, dtype=pl.String)).alias("value_text"),
        _or_uncertain(pl.coalesce(_each(pl.col("quality"), _qualities), no_word), exceeded).alias("quality"),
        pl.lit(reading.batch_id).alias("_batch_id"),
        pl.col(ROW),
    )


def _exceeded(tags: pl.Series, number: pl.Series, reading: Reading) -> pl.Series | None:
    """Where a number is not possible by the limits of its tag; None where the plant file gives no limits."""
    limits = reading.table.limits
    if not limits:
        return None
    low, high = (
        tags.replace_strict({tag: getattr(bound, end) for tag, bound in limits.items()}, default=None, return_dtype=pl.Float64)
        for end in ("low", "high")
    )
    return (number < low).fill_null(False) | (number > high).fill_null(False)


def _or_uncertain(quality: pl.Expr, exceeded: pl.Series | None) -> pl.Expr:
    """What a source calls bad stays bad."""
    return quality if exceeded is None else pl.when(pl.lit(exceeded) & (quality == "GOOD")).then(pl.lit("UNCERTAIN")).otherwise(quality)


def _each(column: pl.Expr, make: Callable[[pl.Series], pl.Series]) -> pl.Expr:
    """A text made of each value of a column with few different ones: computed once a value, not once a row."""

    def mapped(values: pl.Series) -> pl.Series:
        distinct = values.unique().drop_nulls()
        return values.replace_strict(distinct, make(distinct), default=None, return_dtype=pl.String)

    return column.map_batches(mapped, return_dtype=pl.String)


def _ids(tags: pl.Series, reading: Reading) -> pl.Series:
    return pl.select(stable_id(reading.plant.plant, reading.source_id, [pl.lit(tags)])).to_series()


def _qualities(words: pl.Series) -> pl.Series:
    return pl.Series([quality_of(word) for word in words], dtype=pl.String)


def quality_of(word: str) -> str:
    """The quality that a word or a number of OPC Classic means (its two highest bits); what nobody knows is uncertain.

    >>> quality_of("Good"), quality_of("216"), quality_of("0"), quality_of("odd")
    ('GOOD', 'GOOD', 'BAD', 'UNCERTAIN')
    """
    if not word.isdecimal():
        return WORDS.get(word.upper(), "UNCERTAIN")
    return quality.opc_classic(int(word))


def _numbers(text: pl.Series, decimal: str, thousands: str) -> pl.Series:
    """Numbers of a column of texts; the plain ones by a cast, so that only the odd ones pay for their parsing."""
    if decimal == ".":
        value = text.cast(pl.Float64, strict=False)
        finite = value.is_finite()
        value = value if finite.all() else value.zip_with(finite, pl.Series([None], dtype=pl.Float64))
        if value.null_count() == text.null_count():
            return value
    return text.rename("t").to_frame().select(parse_numbers(pl.col("t"), decimal=decimal, thousands=thousands).alias("t"))["t"]
