"""Text of AVEVA Historian, once Wonderware (`kind: aveva_historian`): import files, narrow CSV of Insight, results of its SQL tables.

Here: the three forms, versions of a sample, which of three qualities counts. Elsewhere: rows below a header
(`connectors.kinds.files.delimited`), columns of samples (`connectors.kinds.historians.samples`), its OData (`kind: json`).

An import file has three lines above its samples: encoding, delimiter, and who wrote it in which time zone. A line names a tag and an
operation, then has one or several values, each `date,time,type,value,quality`, with a second date and time where it holds until then.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import Literal

import polars as pl
from polars.selectors import by_name

from connectors import quality
from connectors.contract import ROW, SURPLUS, UNREADABLE, FileConnector
from connectors.errors import Problem, ReadError, listed
from connectors.kinds.files import delimited, text
from connectors.kinds.files.delimited import DelimitedOptions
from connectors.kinds.files.lines import Splitter, detect_delimiter
from connectors.kinds.files.record_frames import Row, framed, unreadable
from connectors.kinds.historians.samples import SAMPLE, SUPERSEDED, with_superseded
from connectors.quality import Quality
from connectors.strict import StrictModel

COLUMNS = (*SAMPLE, "operation", "format", "until", "time_zone")
ENCODINGS = ("ascii", "unicode", "utf-8", "utf8")
"""The first line of an import file."""
DATE = re.compile(r"\s*(\d{4})/(\d{1,2})/(\d{1,2})\s*")
CLOCK = re.compile(r"\s*\d{1,2}:\d{2}(:\d{2}(\.\d{1,9})?)?\s*")
OF_HEADER = {"tagname": "tag", "datetime": "timestamp", "operation": "operation", "format": "format", "wwtimezone": "time_zone"}
CODES = {"opcquality": "detail", "qualitydetail": "detail", "quality": "word"}
"""Columns of quality and their vocabulary, the one that says most first."""
RANKS: tuple[Quality, ...] = ("GOOD", "UNCERTAIN", "BAD")


class AvevaOptions(StrictModel):
    """What the file itself does not say."""

    nulls: tuple[str, ...] = ("NULL",)
    """Words for no value and no quality, as tools of SQL Server write them."""
    decimal: Literal[".", ","] = "."
    """Decimal sign of the numbers."""
    encoding: str | None = None
    """Encoding of the file; default: detected."""
    member: str | None = None
    """Which file of a zip, by name or pattern, where it holds several."""


class AvevaHistorian(FileConnector):
    """Reads text of AVEVA Historian and Insight."""

    kind = "aveva_historian"
    version = "1"
    Options = AvevaOptions
    suffixes = (".csv", ".txt")

    def read(self, path: Path, options: AvevaOptions, records: str = "rows") -> pl.LazyFrame:
        """One row a value; the columns are always there, those of a query's own follow them. See `connectors.contract`."""
        plain = text.lined(path, options.encoding, options.member, wanted="text of AVEVA Historian")
        head = [line for line in text.head(plain, 50) if line.strip()]
        if head and head[0].strip(" ,;|\t").casefold() in ENCODINGS:
            found = framed(_imported(plain), COLUMNS, path).with_columns(pl.col("quality_code").alias("opcquality"))
        else:
            found = _below_header(plain, head, options)
        names = found.collect_schema().names()
        others = [name for name in names if name not in (ROW, *COLUMNS, *CODES, SURPLUS, UNREADABLE)]
        last = [name for name in (SURPLUS, UNREADABLE) if name in names]
        whole = with_superseded(_in_utc(_judged(found, options)))
        return whole.select(by_name(ROW, *COLUMNS, SUPERSEDED, *others, *last))


# --- import files --------------------------------------------------------------------------------------------------------------


def _imported(plain: Path) -> Iterator[Row]:
    """Raises ReadError where the three lines above the samples are not all there."""
    lines = text.lines(plain)
    head = list(islice(lines, 3))
    delimiter = head[1].strip("\r\n ") or "\t" if len(head) > 1 else ""
    about = head[2].split(delimiter) if len(head) > 2 and delimiter else []
    if len(delimiter) != 1 or len(about) < 3:
        told = (
            "The file begins like an import file of AVEVA Historian, but its three first lines are not encoding, delimiter, user and zone."
        )
        raise ReadError(Problem(told, found=listed(head), fix=text.AGAIN))
    zone = about[2].strip()
    splitter, plain_splitter = Splitter(delimiter, '"'), Splitter(delimiter, "")
    for line in lines:
        if line.strip(f"{delimiter} \t"):
            fields = splitter.split(line) or plain_splitter.split(line) or []
            try:
                rows = [row | {"time_zone": zone} for row in _values([(field or "").strip() for field in fields])]
            except ValueError as error:
                rows = [unreadable(line, str(error))]
            yield from rows


def _values(fields: Sequence[str]) -> Iterator[Row]:
    """The values of a line; behind one stands the date of the next, or the tag of another one. Raises ValueError."""
    fields = fields if fields[-1] else fields[:-1]  # a delimiter at the end of a line
    at = 0
    tag = operation = ""
    while at < len(fields):
        if not DATE.fullmatch(fields[at]):
            tag, operation, at = fields[at], fields[at + 1] if at + 1 < len(fields) else "", at + 2
            if not tag:
                raise ValueError("there is no tag")
        moment, at = _moment(fields, at)
        until = None
        if at < len(fields) and DATE.fullmatch(fields[at]):
            until, at = _moment(fields, at)
        if at + 3 > len(fields):
            raise ValueError("the line ends in the middle of a value")
        told, value, code = fields[at : at + 3]
        at += 3
        yield {
            "tag": tag, "timestamp": moment, "value": value or None, "quality_code": code or None, "operation": operation or None,
            "format": told or None, "until": until,
        }  # fmt: skip


def _moment(fields: Sequence[str], at: int) -> tuple[str, int]:
    """Date and time at a place in ISO 8601, and the place behind them. Raises ValueError."""
    date = DATE.fullmatch(fields[at]) if at < len(fields) else None
    if not date or at + 1 >= len(fields) or not CLOCK.fullmatch(fields[at + 1]):
        found = ", ".join(fields[at : at + 2])[:40]
        raise ValueError(f"'{found}' is no date and time (YYYY/MM/DD, HH:MM:SS.mmm)" if found else "the line ends in front of a date")
    day = f"{date[1]}-{date[2].zfill(2)}-{date[3].zfill(2)}"
    hour, _, rest = fields[at + 1].strip().partition(":")
    return f"{day}T{hour.zfill(2)}:{rest.rstrip('0').rstrip('.') if '.' in rest else rest}", at + 2


# --- rows below a header -------------------------------------------------------------------------------------------------------


def _below_header(plain: Path, head: Sequence[str], options: AvevaOptions) -> pl.LazyFrame:
    """Rows of Insight or of a query. Raises ReadError where the header names no tag, time and value."""
    delimiter = detect_delimiter(head, '"')
    first = head[0] if head else ""
    if delimiter is None or "tagname" not in first.casefold():
        told = "This is neither an import file of AVEVA Historian nor rows below a header with TagName, DateTime and Value."
        raise ReadError(Problem(told, found=first[:120], fix="kind: delimited, or the kind for this format"))
    stated = DelimitedOptions(delimiter=delimiter, encoding="utf-8", header=("(?i)tagname",), nulls=options.nulls)
    frame = delimited.CONNECTOR.read(plain, stated)
    usual = {name: name.strip().casefold() for name in frame.collect_schema().names() if name not in (ROW, SURPLUS)}
    renamed = {name: OF_HEADER.get(word, word) for name, word in usual.items() if word in (*OF_HEADER, *CODES, "value", "vvalue")}
    known = list(renamed.values())
    if len(set(known)) < len(known) or not {"tag", "timestamp"} <= set(known) or not {"value", "vvalue", "operation"} & set(known):
        told = "The header has to name TagName, DateTime and Value, each once."
        raise ReadError(Problem(told, found=listed(list(usual)), fix="kind: delimited, or a query with these columns"))
    value = [name for name in ("vvalue", "value") if name in known]  # Value is NULL for string tags
    lacking = [name for name in (*COLUMNS, "value") if name not in known]
    none = pl.lit(None, dtype=pl.String)
    found = frame.rename(renamed)
    return (
        found.with_columns(*(none.alias(name) for name in dict.fromkeys(lacking)))
        .with_columns((pl.coalesce(value) if value else none).alias("value"))
        .drop([name for name in ("vvalue",) if name in known])
    )


def _in_utc(frame: pl.LazyFrame) -> pl.LazyFrame:
    """Times with a Z where the file says that its zone is UTC: without it they would be taken for the plant's."""
    local = ~pl.col("timestamp").str.contains(r"([Zz]|[+-]\d{2}:?\d{2})$")
    is_utc = (pl.col("time_zone").str.to_uppercase() == "UTC") & local
    return frame.with_columns(pl.when(is_utc).then(pl.col("timestamp") + "Z").otherwise("timestamp").alias("timestamp"))


# --- quality -------------------------------------------------------------------------------------------------------------------


def _judged(frame: pl.LazyFrame, options: AvevaOptions) -> pl.LazyFrame:
    """The worst of what the columns of quality say, and the code of the one that says most."""
    names = frame.collect_schema().names()
    codes = [name for name in CODES if name in names]
    frame = frame.with_columns(
        pl.when(~pl.col(name).str.strip_chars().is_in(options.nulls)).then(pl.col(name)).alias(name) for name in ("value", *codes)
    )
    none = pl.lit(None, dtype=pl.String)
    ranks = [pl.col(name).map_batches(_ranks(CODES[name]), return_dtype=pl.Int8, is_elementwise=True) for name in codes]
    worst = pl.max_horizontal(ranks) if ranks else pl.lit(None, dtype=pl.Int8)
    told = [pl.col(name).map_batches(_texts, return_dtype=pl.String, is_elementwise=True) for name in codes if CODES[name] == "detail"]
    return frame.with_columns(
        worst.replace_strict(dict(enumerate(RANKS)), default=None, return_dtype=pl.String).alias("quality"),
        (pl.coalesce(codes) if codes else none).alias("quality_code"),
        (pl.coalesce(told) if told else none).alias("quality_text"),
    )


def _ranks(vocabulary: str) -> Callable[[pl.Series], pl.Series]:
    def each(codes: pl.Series) -> pl.Series:
        known = codes.unique().drop_nulls()
        return codes.replace_strict(known, [_rank(code, vocabulary) for code in known], default=None, return_dtype=pl.Int8)

    return each


def _rank(code: str, vocabulary: str) -> int | None:
    """How bad a code is; what no vocabulary has is uncertain.

    >>> _rank("192", "detail"), _rank("0", "word"), _rank("0", "detail"), _rank("133", "word"), _rank("Doubtful", "word")
    (0, 0, 2, None, 1)
    """
    text = code.strip()
    if not text.isdecimal() or len(text) > 10:
        return RANKS.index(quality.worded(text) or "UNCERTAIN")
    found = quality.aveva(int(text)) if vocabulary == "word" else quality.aveva_detail(int(text))
    return None if text == "133" and vocabulary == "word" else RANKS.index(found or "UNCERTAIN")


def _texts(codes: pl.Series) -> pl.Series:
    """What the codes of details say in words."""
    known = codes.unique().drop_nulls()
    numbers = [int(code) if code.strip().isdecimal() and len(code) < 11 else quality.NULL_STORED for code in known]
    told = [None if number == quality.NULL_STORED else quality.opc_classic_text(number & 0xFF) for number in numbers]
    return codes.replace_strict(known, told, default=None, return_dtype=pl.String)


CONNECTOR = AvevaHistorian()
