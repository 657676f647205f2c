"""Text of the Canary Historian (`kind: canary_csv`): what its CSV collector reads and its Excel add-in writes.

Here: the two layouts (a row a sample, a column a tag), words for no data, TVQ quality. Elsewhere: header and rows
(`connectors.kinds.files.delimited`), columns of samples (`connectors.kinds.historians.samples`), OPC codes (`connectors.quality`).
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Literal

import polars as pl
from polars.selectors import by_name
from pydantic import BeforeValidator, WithJsonSchema

from connectors.contract import ROW, SURPLUS, FileConnector, Original, as_read
from connectors.errors import Problem, ReadError, closest, listed
from connectors.kinds.files import delimited
from connectors.kinds.files.delimited import DelimitedOptions
from connectors.kinds.historians.samples import SAMPLE, judged, opc
from connectors.strict import ONE_OR_SEVERAL, as_texts

WORDS = {
    "tag": ("tag", "tagname", "tag name", "tag path", "tagpath", "name"),
    "timestamp": ("timestamp", "time stamp", "time", "datetime", "date time", "date/time"),
    "value": ("value",),
    "quality": ("quality", "tag quality"),
    "value_type": ("datatype", "data type", "type"),
    "units": ("units", "engineering units", "eng units", "engunits"),
}
"""Headers that need no option; case does not count."""
NO_DATA = "no data"


class CanaryOptions(DelimitedOptions):
    """How the text is laid out, and which columns are what."""

    layout: Literal["rows", "columns"] | None = None
    """rows: a sample a line; columns: a column a tag; default: rows where a column is called as tags are."""
    fields: Annotated[
        dict[Literal["tag", "timestamp", "value", "quality", "value_type", "units"], Annotated[tuple[str, ...], BeforeValidator(as_texts)]],
        WithJsonSchema({"type": "object", "additionalProperties": ONE_OR_SEVERAL}),
    ] = {}
    """Headers of the file where they are not the usual words: {tag: Sensor, timestamp: [Date, Time]} (several are joined by a blank)."""
    no_data: tuple[str, ...] = ("#VALUE!", "No Data", "NoData")
    """Values that mean that there is none (NoDataValues of the collector); with "" an empty cell of a column is such a sample too."""
    quality_suffix: str | None = None
    """In columns: behind a tag's name, the column of its quality ("FI-101 Quality": " Quality")."""


class CanaryCsv(FileConnector):
    """Reads text of the Canary Historian."""

    kind = "canary_csv"
    version = "1"
    Options = CanaryOptions
    suffixes = (".csv", ".txt")

    def read(self, path: Path, options: CanaryOptions, records: str = "rows") -> pl.LazyFrame:
        """One row a sample, line by line; columns that are no field of a sample are properties and follow. See `connectors.contract`."""
        frame = delimited.CONNECTOR.read(path, options)
        own = [name for name in frame.collect_schema().names() if name not in (ROW, SURPLUS)]
        fields = _fields(own, options)
        found = _of_columns(frame, own, fields, options) if _is_wide(fields, options) else _of_rows(frame, own, fields)
        whole = _without_no_data(judged(found, opc), options)
        names = whole.collect_schema().names()
        others = [name for name in names if name not in (ROW, *SAMPLE, SURPLUS)]
        return whole.select(by_name(ROW, *SAMPLE, *others, *(name for name in (SURPLUS,) if name in names)))

    def originals(self, path: Path, options: CanaryOptions, records: str, rows: Collection[int]) -> Mapping[int, Original]:
        """Of a sample a line the line, verbatim; in columns a line holds several."""
        frame = delimited.CONNECTOR.read(path, options)
        own = [name for name in frame.collect_schema().names() if name not in (ROW, SURPLUS)]
        if _is_wide(_fields(own, options), options):
            return as_read(self.read(path, options, records), rows, "sample")
        return delimited.CONNECTOR.originals(path, options, records, rows)


# --- columns -------------------------------------------------------------------------------------------------------------------


def _fields(own: Sequence[str], options: CanaryOptions) -> dict[str, list[str]]:
    """Fields of a sample and the headers that hold them. Raises ReadError for a stated one that is not there."""
    found: dict[str, list[str]] = {}
    for field, stated in options.fields.items():
        lost = next((name for name in stated if name not in own), None)
        if lost is not None:
            near = closest(lost, own)
            told = f"The file has no column '{lost}'."
            raise ReadError(Problem(told, found=listed(own), closest=near, fix=f"options.fields.{field}: {near or '<header of the file>'}"))
        found[field] = list(stated)
    taken = {name for names in found.values() for name in names}
    for word, words in WORDS.items():
        usual = [name for name in own if name.strip().casefold() in words and name not in taken]
        if word not in found and usual:
            found[word] = usual[:1]
            taken.add(usual[0])
    return found


def _is_wide(fields: Mapping[str, Sequence[str]], options: CanaryOptions) -> bool:
    return options.layout == "columns" if options.layout else "tag" not in fields


def _joined(names: Sequence[str]) -> pl.Expr:
    return pl.concat_str([by_name(name).as_expr() for name in names], separator=" ", ignore_nulls=True).replace("", None)


def _of_rows(frame: pl.LazyFrame, own: Sequence[str], fields: Mapping[str, Sequence[str]]) -> pl.LazyFrame:
    """Raises ReadError where a sample has no tag, time or value."""
    lost = next((field for field in ("tag", "timestamp", "value") if field not in fields), None)
    if lost:
        fix = f"options.fields.{lost}: <its header>" + (", or options.layout: columns" if lost != "timestamp" else "")
        raise ReadError(Problem(f"No column of the file is the {lost} of its samples.", found=listed(own), fix=fix))
    taken = {name for names in fields.values() for name in names}
    surplus = [SURPLUS] if SURPLUS in frame.collect_schema().names() else []
    others = [name for name in own if name not in taken]
    renamed = {name: f"{name}_2" for name in others if name in (*SAMPLE, "quality_code")}
    none = pl.lit(None, dtype=pl.String)
    of = {("quality_code" if field == "quality" else field): names for field, names in fields.items()}
    texts = [(_joined(of[name]) if name in of else none).alias(name) for name in SAMPLE if name not in ("quality", "quality_text")]
    return frame.select(by_name(ROW), *texts, by_name(*others, *surplus).as_expr().name.map(lambda name: renamed.get(name, name)))


def _of_columns(frame: pl.LazyFrame, own: Sequence[str], fields: Mapping[str, Sequence[str]], options: CanaryOptions) -> pl.LazyFrame:
    """Every column that is not the time is a tag; an empty cell is no sample. Raises ReadError where there is no time, or no tag."""
    if "timestamp" not in fields:
        told = "The file has neither a column of tags nor one of times."
        raise ReadError(Problem(told, found=listed(own), fix="options.fields: {timestamp: <its header>}, or kind: delimited"))
    times = list(fields["timestamp"])
    suffix = options.quality_suffix
    judges = {name: f"{name}{suffix}" for name in own if suffix and f"{name}{suffix}" in own}
    tags = [name for name in own if name not in times and name not in judges.values()]
    if not tags:
        told = "The file has one column beside its header: neither a tag a column nor a sample a line."
        raise ReadError(Problem(told, found=listed(own), fix="options.delimiter, or options.layout: rows with options.fields"))
    surplus = [pl.col(SURPLUS)] if SURPLUS in frame.collect_schema().names() else []
    cells = [_cell(name, judges.get(name)) for name in tags]
    long = frame.select(_joined(times).alias("timestamp"), *surplus, pl.concat_list(cells).alias("cell")).explode("cell").unnest("cell")
    empty = pl.col("value").fill_null("").str.strip_chars() == ""
    is_sample = pl.lit(True) if "" in options.no_data else ~empty | pl.col("quality_code").is_not_null()
    kept = long.filter(is_sample | pl.any_horizontal(*(expression.is_not_null() for expression in surplus), pl.lit(False)))
    none = pl.lit(None, dtype=pl.String)
    return kept.with_row_index(ROW, offset=1).with_columns(pl.col(ROW).cast(pl.Int64), none.alias("value_type"), none.alias("units"))


def _cell(name: str, judge: str | None) -> pl.Expr:
    code = by_name(judge).as_expr() if judge else pl.lit(None, dtype=pl.String)
    return pl.struct(pl.lit(name).alias("tag"), by_name(name).as_expr().alias("value"), code.alias("quality_code"))


def _without_no_data(frame: pl.LazyFrame, options: CanaryOptions) -> pl.LazyFrame:
    words = [word.strip().casefold() for word in options.no_data]
    is_none = pl.col("value").fill_null("").str.strip_chars().str.to_lowercase().is_in(words)
    return frame.with_columns(
        pl.when(~is_none).then("value").alias("value"),
        pl.when(is_none).then(pl.lit("BAD")).otherwise("quality").alias("quality"),
        pl.when(is_none).then(pl.lit(NO_DATA)).otherwise("quality_text").alias("quality_text"),
    )


CONNECTOR = CanaryCsv()
