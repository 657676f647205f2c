"""Excel workbooks (`kind: excel`): xlsx, xlsm, xlsb and xls.

Here: finding the sheet and the table in it, records with the types that the cells have. Elsewhere: what columns mean
(`transforms`). Reading is fastexcel's (calamine).
"""

from __future__ import annotations

import logging
import re
from pathlib import Path
from typing import Any

import polars as pl

from connectors.contract import ROW, FileConnector
from connectors.errors import Problem, ReadError, closest, listed
from connectors.strict import StrictModel

SEARCHED_ROWS = 200


class TableAt(StrictModel):
    """One table of a sheet that holds several."""

    header: tuple[str, ...]
    """Texts that stand in its header row."""
    until: str = "blank_row"
    """blank_row, or a regular expression that the first row after the table matches."""


class Options(StrictModel):
    """Where in the workbook the records are."""

    sheet: str | int | None = None
    """Name, regular expression, or position from 1; default: the first sheet that is not empty."""
    header: int | tuple[str, ...] | None = None
    """Row of the header from 1, or texts that it holds; default: the first row as wide as most."""
    header_rows: int = 1
    """Rows of the header; merged cells of the upper ones are joined to the lower: 'Shift A / Good'."""
    units_row: int = 0
    """Rows with units (or other notes) directly below the header."""
    table: TableAt | None = None
    """One table of a sheet that holds several."""
    columns: str | None = None
    """Columns of the table, such as A:F, where tables stand side by side."""
    footer: str | None = None
    """The first row that matches this regular expression ends the table."""
    decimal: str = "."
    """Decimal sign of numbers that stand as text."""
    thousands: str = ""
    """Sign between groups of three digits of numbers that stand as text."""


class Excel(FileConnector):
    """Reads one table of a workbook."""

    kind = "excel"
    version = "1"
    Options = Options
    suffixes = (".xlsx", ".xlsm", ".xlsb", ".xls")

    def read(self, path: Path, options: Options, records: str = "rows") -> pl.LazyFrame:
        """Records with `_row` = the sheet's own row number; a column of one type keeps it, a mixed one is text."""
        book = _open(path)
        cells = _cells(book, _sheet(book, options), options.columns)
        top = _header_row(cells, options)
        names = _names(cells, top, options)
        body = cells.slice(top + options.header_rows + options.units_row)
        body = body.with_columns(pl.Series(ROW, range(top + options.header_rows + options.units_row + 1, len(cells) + 1), dtype=pl.Int64))
        body = _until_end(body, options)
        kept = [(column, name) for column, name in zip(cells.columns, names, strict=True) if name is not None]
        body = body.filter(pl.any_horizontal(pl.col(column).fill_null("").str.strip_chars() != "" for column, _ in kept))
        return body.select(ROW, *(_typed(body[column]).alias(name) for column, name in kept)).lazy()


def _open(path: Path) -> Any:
    import fastexcel

    logging.getLogger("fastexcel").setLevel(logging.ERROR)
    if not path.stat().st_size:
        raise ReadError(Problem("The file is empty.", fix="ask the plant for the file again"))
    try:
        return fastexcel.read_excel(path)
    except (fastexcel.FastExcelError, ValueError, OSError) as error:
        with path.open("rb") as file:
            magic = file.read(4)
        text = str(error).splitlines()[0][:200]
        if magic == b"\xd0\xcf\x11\xe0" and "assword" in str(error):
            raise ReadError(Problem("The workbook is protected by a password.", found=text, fix="save it without password")) from error
        if magic not in (b"PK\x03\x04", b"\xd0\xcf\x11\xe0"):
            raise ReadError(Problem("The file is no Excel workbook.", found=repr(magic), fix="kind: delimited, if it is text")) from error
        raise ReadError(Problem("The workbook is truncated, damaged or protected.", found=text, fix="ask the plant for the file again")) from error


def _sheet(book: Any, options: Options) -> str:
    names: list[str] = list(book.sheet_names)
    wanted = options.sheet
    if wanted is None:
        return next((name for name in names if book.load_sheet(name, header_row=None, n_rows=1).height), names[0])
    if isinstance(wanted, int):
        if 0 < wanted <= len(names):
            return names[wanted - 1]
        raise ReadError(Problem(f"The workbook has no sheet {wanted}.", found=listed(names), fix="options.sheet"))
    found = [name for name in names if name.strip() == wanted] or [name for name in names if re.fullmatch(wanted, name)]
    if not found:
        near = closest(wanted, names)
        raise ReadError(Problem(f"The workbook has no sheet '{wanted}'.", found=listed(names), closest=near, fix=f"options.sheet: {near or names[0]}"))
    return found[0]


def _cells(book: Any, sheet: str, columns: str | None) -> pl.DataFrame:
    """Every cell of the sheet as text, columns c0, c1 ...: dates in ISO form, whole numbers without '.0'.

    Read as text because a header above numbers, or a code that is now a number and now a text, makes any type of a column wrong.
    """
    frame = book.load_sheet(sheet, header_row=None, skip_rows=0, dtypes="string", use_columns=columns).to_polars()
    cells = frame.rename({name: f"c{n}" for n, name in enumerate(frame.columns)})
    if not cells.width:
        raise ReadError(Problem(f"The sheet '{sheet}' is empty.", found=listed(list(book.sheet_names)), fix="options.sheet"))
    clock_only = r"^1899-12-3[01] (\d{2}:\d{2}:\d{2})$"
    return cells.with_columns(pl.all().str.replace(clock_only, "$1"))


def _header_row(cells: pl.DataFrame, options: Options) -> int:
    texts = options.table.header if options.table else options.header
    if isinstance(texts, int):
        if 0 < texts <= len(cells):
            return texts - 1
        raise ReadError(Problem(f"The sheet has no row {texts} for the header.", found=f"{len(cells)} rows", fix="options.header"))
    rows = cells.head(SEARCHED_ROWS if not options.table else len(cells)).rows()
    if texts is not None:
        for number, row in enumerate(rows):
            found = {str(cell).strip() for cell in row if cell is not None}
            if all(text in found for text in texts):
                return number - (options.header_rows - 1)
        words = sorted({str(cell).strip() for row in rows for cell in row if cell is not None})
        raise ReadError(Problem("No row holds the header's texts.", found=listed(words, 20), closest=closest(texts[0], words), fix="options.header"))
    widths = [sum(cell is not None and str(cell).strip() != "" for cell in row) for row in rows]
    if not any(widths):
        raise ReadError(Problem("The sheet holds no header.", fix="options.sheet"))
    usual = sorted(width for width in widths if width)[len([width for width in widths if width]) // 2]
    return next(n for n, width in enumerate(widths) if width and width >= usual * 0.6)


def _names(cells: pl.DataFrame, top: int, options: Options) -> list[str | None]:
    """Names of the columns; None for a column without name and without cells below."""
    levels = [_filled(row) if n < options.header_rows - 1 else list(row) for n, row in enumerate(cells.slice(top, options.header_rows).rows())]
    below = cells.slice(top + options.header_rows)
    names: list[str | None] = []
    for position, column in enumerate(cells.columns):
        parts = [str(level[position]).strip() for level in levels if level[position] is not None and str(level[position]).strip()]
        name = " / ".join(dict.fromkeys(parts))
        if not name:
            names.append(None if not below[column].is_not_null().any() else f"column_{position + 1}")
            continue
        count = sum(1 for other in names if other == name)
        names.append(f"{name}_{count + 1}" if count else name)
    return names


def _filled(row: tuple[Any, ...]) -> list[Any]:
    """A merged cell holds its text in its first column only."""
    filled: list[Any] = []
    for cell in row:
        filled.append(cell if cell is not None and str(cell).strip() else (filled[-1] if filled else None))
    return filled


def _until_end(body: pl.DataFrame, options: Options) -> pl.DataFrame:
    """The rows before the end of the table."""
    cells = [name for name in body.columns if name != ROW]
    ends = [pl.lit(False)]
    if options.table and options.table.until == "blank_row":
        ends.append(pl.all_horizontal(pl.col(name).fill_null("").str.strip_chars() == "" for name in cells))
    pattern = options.footer or (options.table.until if options.table and options.table.until != "blank_row" else None)
    if pattern:
        ends.append(pl.concat_str(cells, separator=" ", ignore_nulls=True).str.contains(pattern))
    return body.filter(~pl.any_horizontal(ends).cum_max())


NUMBER = r"^-?(?:0|[1-9]\d{0,14})(?:\.\d+)?(?:[eE][+-]?\d+)?$"
STAMP = r"^\d{4}-\d{2}-\d{2} \d{2}:\d{2}:\d{2}(?:\.\d+)?$"


def _typed(text: pl.Series) -> pl.Series:
    """A column as numbers or times when every cell is one; codes with leading zeros or more than 15 digits stay text."""
    filled = text.drop_nulls()
    if filled.is_empty():
        return text
    if filled.str.contains(NUMBER).all():
        return text.cast(pl.Float64)
    if filled.str.contains(STAMP).all():
        return text.str.to_datetime("%Y-%m-%d %H:%M:%S%.f", time_unit="us")
    return text


CONNECTOR = Excel()
