"""Cells of an Excel sheet with nothing lost: text as text, numbers to the last digit, moments, clock times, error cells.

Here: reading through fastexcel (calamine), and the type of one column. Elsewhere: which sheet, header and rows
(`connectors.kinds.files.excel`).

fastexcel gives one type per column, and a column of a real sheet holds several. So a sheet is read several times: as text (which
shortens 1/3 to 0.333333333), as floats (which also turns the text '00123' into 123), as booleans (where number and boolean cells
are filled and no text is) and, for columns with something like a moment, as durations (where date, time and duration cells are
filled). Together they tell the type and value of each cell.
"""

from __future__ import annotations

import re
import zipfile
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl

from connectors.errors import Problem, ReadError
from connectors.kinds.files import text
from connectors.kinds.files.text import AGAIN, OLE, ZIP

ERRORS = {
    "NA": "#N/A",
    "Ref": "#REF!",
    "Div0": "#DIV/0!",
    "Value": "#VALUE!",
    "Name": "#NAME?",
    "Num": "#NUM!",
    "Null": "#NULL!",
    "GettingData": "#GETTING_DATA",
}
STAMP = r"^\d{4}-\d{2}-\d{2} \d{2}:\d{2}:\d{2}(?:\.\d+)?$"
MS_PER_DAY = 86_400_000
DAYS_OF_CLOCK = 366
"""A date or duration cell below so many days is a clock time or a duration: no plant exports dates of 1900."""
WHOLE = 2**53
"""Whole numbers above are not exact in Excel."""


@dataclass(frozen=True, slots=True)
class Cells:
    """A sheet from its first row on. The three frames have the same rows and columns c0, c1 ..."""

    text: pl.DataFrame
    """Every cell as text, to the last digit; null where it is empty."""
    number: pl.DataFrame
    """Number and boolean cells as Float64."""
    moment: pl.DataFrame
    """Date, time and duration cells as milliseconds since Excel's day 0 (only columns that hold any)."""
    positions: list[int]
    """Columns in the sheet, from 0."""

    def only(self, positions: set[int]) -> Cells:
        """The columns at some positions of the sheet."""
        kept = [n for n, position in enumerate(self.positions) if position in positions]
        columns = [self.text.columns[n] for n in kept]
        moments = [column for column in self.moment.columns if column in columns]
        return Cells(self.text.select(columns), self.number.select(columns), self.moment.select(moments), [self.positions[n] for n in kept])


def open_workbook(path: Path) -> Any:
    """A fastexcel reader. Raises ReadError for what is empty, protected, damaged or no workbook."""
    import fastexcel

    with path.open("rb") as file:
        head = file.read(1 << 20)
    if not head:
        raise ReadError(Problem("The file is empty.", found="0 bytes", fix=AGAIN))
    if not head.startswith((OLE, ZIP)):
        raise _no_workbook(head)
    if head.startswith(OLE) and "EncryptedPackage".encode("utf-16-le") in head:
        raise ReadError(Problem("The workbook is protected by a password.", fix="save it without a password to open it"))
    with suppress(zipfile.BadZipFile), zipfile.ZipFile(path) as parts:
        if sum(part.file_size for part in parts.infolist()) > text.largest(path):
            raise text.bomb(path, text.largest(path))
    try:
        book = fastexcel.read_excel(path)
    except fastexcel.FastExcelError as error:
        told = str(error).splitlines()[0][:200]
        if "assword" in str(error):
            raise ReadError(Problem("The workbook is protected by a password.", found=told, fix="save it without a password")) from error
        raise ReadError(Problem("The workbook is truncated or damaged.", found=told, fix=AGAIN)) from error
    if not book.sheet_names:
        raise ReadError(Problem("The workbook holds no sheet.", fix=AGAIN))
    return book


def _no_workbook(head: bytes) -> ReadError:
    start = head.lstrip(b"\xef\xbb\xbf \r\n\t")[:200].lower()
    if start.startswith((b"<html", b"<table", b"<!doctype", b"<?xml")):
        told, fix = "The file is HTML or XML that was named like a workbook.", "let the plant save it as .xlsx or .csv"
    elif b"\x00" not in head[:1000]:
        told, fix = "The file is text, not an Excel workbook.", "kind: delimited"
    else:
        told, fix = "The file is not an Excel workbook.", AGAIN
    return ReadError(Problem(told, found=repr(head[:40]), fix=fix))


def load_cells(book: Any, sheet: str) -> Cells:
    """The cells of a sheet; no columns where it is empty. Raises ReadError when the sheet cannot be read."""
    import fastexcel

    def load(dtype: str) -> Any:
        return book.load_sheet(sheet, header_row=None, skip_rows=0, dtypes=dtype)

    try:
        loaded = load("string")
        batch, errors = loaded.to_arrow_with_errors()
        positions = [column.absolute_index for column in loaded.selected_columns]
        text = _numbered(batch)
        if text.width == 0 or text.height == 0:
            return Cells(pl.DataFrame(), pl.DataFrame(), pl.DataFrame(), [])
        number, is_number = _numbered(load("float").to_arrow()), _numbered(load("boolean").to_arrow())
        stamped = [n for n, column in enumerate(text.columns) if text[column].str.contains(STAMP).any()]
        moments = _numbered(load("duration").to_arrow()).select([f"c{n}" for n in stamped]) if stamped else pl.DataFrame()
    except fastexcel.FastExcelError as error:
        found = str(error).splitlines()[0][:200]
        raise ReadError(Problem(f"The sheet '{sheet}' cannot be read.", found=found, fix=AGAIN)) from error
    number = number.select(pl.when(is_number[name].is_not_null()).then(pl.col(name)).alias(name) for name in number.columns)
    moments = moments.with_columns(pl.all().cast(pl.Duration("ms")).cast(pl.Int64))
    exact = [_exact(text[name], number[name], moments[name] if name in moments.columns else None).alias(name) for name in text.columns]
    return Cells(_with_errors(pl.DataFrame(exact), errors), number, moments, positions)


def _numbered(batch: Any) -> pl.DataFrame:
    frame = pl.DataFrame(pl.from_arrow(batch))
    return frame.rename({name: f"c{n}" for n, name in enumerate(frame.columns)})


def _with_errors(text: pl.DataFrame, errors: Any) -> pl.DataFrame:
    """Error cells as the text that Excel shows; fastexcel reads them as empty, and names them beside the data."""
    found: dict[int, list[tuple[int, str]]] = {}
    for error in errors.errors if errors else ():
        kind = re.search(r"Error\((\w+)\)", error.detail)
        row, column = error.offset_position
        found.setdefault(column, []).append((row, ERRORS.get(kind[1], f"#{kind[1].upper()}!") if kind else "#ERROR!"))
    for column, cells in found.items():
        series = text[f"c{column}"].scatter([row for row, _ in cells], [shown for _, shown in cells])
        text = text.with_columns(series.alias(f"c{column}"))
    return text


def _exact(text: pl.Series, number: pl.Series, moment: pl.Series | None) -> pl.Series:
    """Text of every cell with all digits of its number ('10045', never '10045.0'), and clock times as HH:MM:SS."""
    cell, ms = pl.col("number"), pl.col("moment")
    digits = cell.is_not_null() & ~pl.col("text").is_in(["true", "false"])
    whole = (cell == cell.round()) & (cell.abs() < WHOLE)
    shown = pl.when(whole).then(cell.cast(pl.Int64, strict=False).cast(pl.String)).otherwise(cell.cast(pl.String))
    frame = pl.DataFrame({"text": text, "number": number, "moment": moment if moment is not None else [None] * len(text)})
    frame = frame.with_columns(ms.cast(pl.Int64))
    return frame.select(pl.when(_is_clock(ms)).then(_clock(ms)).when(digits).then(shown).otherwise("text")).to_series()


def _is_clock(ms: pl.Expr) -> pl.Expr:
    return ms.is_not_null() & (ms.abs() < DAYS_OF_CLOCK * MS_PER_DAY)


def _clock(ms: pl.Expr) -> pl.Expr:
    """Milliseconds as [h]:mm:ss, with hours beyond 24 and a fraction only where there is one."""
    rest = ms.abs()
    parts = [rest // 3_600_000, rest // 60_000 % 60, rest // 1000 % 60]
    two = [part.cast(pl.String).str.zfill(2) for part in parts]
    fraction = pl.when(rest % 1000 > 0).then(pl.concat_str(pl.lit("."), (rest % 1000).cast(pl.String).str.zfill(3))).otherwise(pl.lit(""))
    sign = pl.when(ms < 0).then(pl.lit("-")).otherwise(pl.lit(""))
    return pl.concat_str(sign, two[0], pl.lit(":"), two[1], pl.lit(":"), two[2], fraction)


def typed(cells: Cells, column: str, rows: pl.Series, nulls: tuple[str, ...] = ()) -> pl.Series:
    """One column at some rows (from 1), in the one type that all its filled cells have, else as text.

    Whole numbers are Int64, other numbers Float64, dates Datetime, flags Boolean; clock times and durations stay text.
    """
    moment = cells.moment[column] if column in cells.moment.columns else pl.Series([None] * len(cells.text), dtype=pl.Int64)
    frame = pl.DataFrame({"text": cells.text[column], "number": cells.number[column], "moment": moment})[rows - 1]
    if nulls:
        frame = frame.with_columns(pl.when(~pl.col("text").str.strip_chars().is_in(nulls)).then(pl.all()))
    text, number, stamp = pl.col("text"), pl.col("number").is_not_null(), pl.col("moment")
    flag = number & text.is_in(["true", "false"])
    date = stamp.is_not_null() & ~_is_clock(stamp)
    counts = frame.select(filled=text.is_not_null().sum(), flags=flag.sum(), numbers=(number & ~flag).sum(), dates=date.sum())
    found = counts.row(0, named=True)
    if not found["filled"]:
        return frame["text"]
    if found["flags"] == found["filled"]:
        return frame["text"] == "true"
    if found["numbers"] == found["filled"]:
        return _number(frame["number"])
    if found["dates"] == found["filled"]:
        return frame["text"].str.to_datetime("%Y-%m-%d %H:%M:%S%.f", time_unit="us")
    return frame["text"]


def _number(number: pl.Series) -> pl.Series:
    whole = number.drop_nulls()
    return number.cast(pl.Int64) if ((whole == whole.round()) & (whole.abs() < WHOLE)).all() else number
