"""Conform for historian samples: many rows, few rules, a narrow result; called on bounded batches of one export.

Here: wide and long records to (tag, ts, value, quality), what is rejected, and the tags seen. Elsewhere: every other table
(`transforms.conform`), the loop over batches and the writing (`pipelines.load`), counters and gaps (dbt and later issues).
"""

from __future__ import annotations

import re
from dataclasses import dataclass

import polars as pl

from connectors.contract import ROW
from connectors.errors import ConformError
from transforms.conform import SURPLUS, quarantine
from transforms.keys import stable_id
from transforms.mapping import REJECT, Reading, as_text, check_columns, evaluate_times, mark_skipped
from transforms.numbers import parse_numbers

QUALITIES = {
    "GOOD": "GOOD", "BAD": "BAD", "UNCERTAIN": "UNCERTAIN", "QUESTIONABLE": "UNCERTAIN", "192": "GOOD", "64": "UNCERTAIN", "0": "BAD",
}  # fmt: skip
"""Words that need no map (OPC Classic). A vocabulary of its own, such as OPC UA where 0 is good, is mapped in the plant file."""

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
    free = [column for column in columns if column not in used and column not in (ROW, SURPLUS)]
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
    check_columns(reading, batch.columns)
    skipped = mark_skipped(batch, reading.table)
    kept = batch.filter(skipped.is_null())
    stamped = evaluate_times(kept, reading)
    if SURPLUS in kept.columns:
        surplus = pl.when(kept[SURPLUS].is_not_null()).then(pl.concat_list(pl.col(REJECT), pl.lit("TOO_MANY_FIELDS")))
        stamped = stamped.with_columns(surplus.otherwise(pl.col(REJECT)).alias(REJECT))
    long, tags = _long(kept.with_columns(stamped), reading)
    reasons = long.filter(pl.col("_bad_tag"))["_row"].unique()
    nameless = pl.col(ROW).is_in(reasons.to_list())
    stamped = stamped.with_columns(
        pl.when(nameless).then(pl.concat_list(pl.col(REJECT), pl.lit("MISSING: tag"))).otherwise(pl.col(REJECT)).alias(REJECT)
    )
    refused = stamped.filter(pl.col(REJECT).list.len() > 0)
    rows = _narrow(long.filter(pl.col(REJECT).list.len() == 0, ~pl.col("_bad_tag")), reading)
    rejected = quarantine(refused.select(pl.col(ROW).alias("_row_number"), pl.col(REJECT).alias("reasons")), kept)
    counts = {str(name): int(count) for name, count in skipped.drop_nulls().value_counts(sort=True).rows()}
    return Samples(rows, rejected, tags, len(batch), counts)


def _long(frame: pl.DataFrame, reading: Reading) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Records as _row, ts, _reject, tag, value (text), quality (text), _bad_tag; and the catalogue of the batch."""
    rules = reading.table.columns
    index = [ROW, "ts", REJECT]
    if "tags" in rules:
        columns = tag_columns(reading, [name for name in frame.columns if name not in ("ts", REJECT)])
        units = pl.DataFrame([(column, *split_unit(column)) for column in columns], schema=["column", "tag", "unit"], orient="row")
        texts = frame.select(*index, *(as_text(frame, column).alias(column) for column in columns))
        names = dict(zip(units["column"], units["tag"], strict=True))
        long = texts.unpivot(columns, index=index, variable_name="tag", value_name="value").with_columns(
            pl.col("tag").replace(names), pl.lit(None, dtype=pl.String).alias("quality"), pl.lit(False).alias("_bad_tag")
        )
        return long.filter(pl.col("value").is_not_null()), units.select("tag", "unit")
    texts = frame.select(
        *index,
        _text(frame, reading, "tag").alias("tag"),
        _text(frame, reading, "value").alias("value"),
        _text(frame, reading, "quality").alias("quality"),
    ).with_columns(pl.col("tag").is_null().alias("_bad_tag"))
    tags = texts.select("tag").drop_nulls().unique().with_columns(pl.lit(None, dtype=pl.String).alias("unit"))
    return texts, tags


def _text(frame: pl.DataFrame, reading: Reading, name: str) -> pl.Expr:
    rule = reading.table.columns.get(name)
    if rule is None:
        return pl.lit(None, dtype=pl.String)
    if rule.const is not None:
        return pl.lit(rule.const)
    text = as_text(frame, (rule.from_ or ("",))[0])
    text = pl.when(~text.is_in([word.strip() for word in rule.nulls])).then(text) if rule.nulls else text
    return text.replace(rule.map) if rule.map else text


def _narrow(long: pl.DataFrame, reading: Reading) -> pl.DataFrame:
    options = reading.source.options
    decimal, thousands = options.get("decimal", "."), options.get("thousands", "")
    numbered = long.with_columns(_numbers(long["value"], decimal, thousands).alias("value_num"))
    word = pl.col("quality").str.to_uppercase()
    quality = word.replace_strict(QUALITIES, default=None, return_dtype=pl.String)
    code = word.cast(pl.Int64, strict=False)
    classic = pl.when(code.is_not_null()).then(pl.col("_classic")).otherwise(quality)
    named = numbered.with_columns(
        pl.when(code & 0xC0 == 0xC0)
        .then(pl.lit("GOOD"))
        .when(code & 0xC0 == 0x40)
        .then(pl.lit("UNCERTAIN"))
        .otherwise(pl.lit("BAD"))
        .alias("_classic")
    )
    no_word = pl.when(pl.col("value").is_null()).then(pl.lit("BAD")).otherwise(pl.lit("GOOD"))
    unknown = pl.lit("UNCERTAIN")
    return named.select(
        pl.lit(reading.plant.plant).alias("plant_id"),
        pl.col("ts").dt.strftime("%Y-%m").alias("month"),
        stable_id(reading.plant.plant, reading.source_id, [pl.col("tag")]).alias("tag_id"),
        "ts",
        "value_num",
        pl.when(pl.col("value_num").is_null()).then(pl.col("value")).alias("value_text"),
        pl.when(word.is_null()).then(no_word).otherwise(pl.coalesce(classic, unknown)).alias("quality"),
        pl.lit(reading.batch_id).alias("_batch_id"),
        pl.col(ROW),
    )


def _numbers(text: pl.Series, decimal: str, thousands: str) -> pl.Series:
    """Numbers of a column of texts; the plain ones by a cast, so that only the odd ones pay for their parsing."""
    if decimal == ".":
        value = text.cast(pl.Float64, strict=False)
        value = pl.select(pl.when(value.is_finite()).then(value).alias("v"))["v"]
        if not thousands or value.null_count() == text.null_count():
            return value
    return text.rename("t").to_frame().select(parse_numbers(pl.col("t"), decimal=decimal, thousands=thousands).alias("t"))["t"]
