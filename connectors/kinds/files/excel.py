"""Excel workbooks (`kind: excel`): xlsx, xlsm, xlsb and xls.

Here: finding the sheet and the table in it, records with the types that the cells have. Elsewhere: values of cells
(`connectors.kinds.files.cells`), what columns mean (`transforms`).
"""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Annotated, Any, Literal

import polars as pl
from pydantic import AfterValidator, BeforeValidator, Field

from connectors.contract import ROW, FileConnector, Original, as_read
from connectors.errors import Problem, ReadError, closest, listed
from connectors.kinds.files.cells import Cells, load_cells, open_workbook, typed
from connectors.kinds.files.lines import unique
from connectors.strict import StrictModel, as_texts

SEARCHED_ROWS = 200


def _as_pattern(value: str | None) -> str | None:
    try:
        re.compile(value or "")
    except re.error as error:
        raise ValueError(f"'{value}' is not a regular expression: {error}") from error
    return value


def _as_ranges(value: str | None) -> str | None:
    if value is not None:
        column_numbers(value)
    return value


class TableAt(StrictModel):
    """One table of a sheet that holds several."""

    header: Annotated[tuple[str, ...], BeforeValidator(as_texts)]
    """Texts that stand in its (lowest) header row."""
    until: Annotated[str, AfterValidator(_as_pattern)] = "blank_row"
    """blank_row, or a regular expression that the first row after the table matches."""


class ExcelOptions(StrictModel):
    """Where in the workbook the records are. Whatever is not given is detected, or taken not to be there."""

    sheet: str | int | None = None
    """Name, pattern ('Week *' or a regular expression) or position from 1; default: the first sheet that is not empty."""
    header: Annotated[int | tuple[str, ...] | None, BeforeValidator(as_texts)] = None
    """Row of the header from 1 (the lowest, where it has several), or texts that it holds; default: detected."""
    header_rows: Annotated[int, Field(ge=1)] = 1
    """Rows of the header; merged cells of the upper ones are joined to the lower: 'Shift A / Good'."""
    units_row: Annotated[int, BeforeValidator(int), Field(ge=0)] = 0
    """Rows with units (or other notes) directly below the header; true is 1."""
    units_in_header: bool = False
    """Put the units of the first units row into the names: 'Power (kW)'."""
    table: TableAt | None = None
    """One table of a sheet that holds several."""
    columns: Annotated[str | None, AfterValidator(_as_ranges)] = None
    """Columns of the table, such as A:F or A:C,F, where something else stands beside it."""
    footer: Annotated[str | None, AfterValidator(_as_pattern)] = None
    """The first row that matches this regular expression ends the table; its cells are joined by blanks."""
    nulls: tuple[str, ...] = ()
    """Texts that mean 'empty' in every column, such as NULL or '-'."""
    decimal: Literal[".", ","] = "."
    """Decimal sign of numbers that stand as text."""
    thousands: Literal["", ",", ".", " ", "'"] = ""
    """Sign between groups of three digits of numbers that stand as text."""


class Excel(FileConnector):
    """Reads one table of a workbook."""

    kind = "excel"
    version = "3"
    Options = ExcelOptions
    suffixes = (".xlsx", ".xlsm", ".xlsb", ".xls")

    def read(self, path: Path, options: ExcelOptions, records: str = "rows") -> pl.LazyFrame:
        """Records with `_row` = the sheet's own row number; a column of one type keeps it, a mixed one is text.

        Types are Int64, Float64, Boolean, Datetime and String; clock times and durations are text (`26:03:00`), and so are error
        cells (`#N/A`). See `connectors.contract` and `connectors.kinds.files.cells`.
        """
        book = open_workbook(path)
        cells = _first_filled(book) if options.sheet is None else load_cells(book, _sheet(book, options.sheet))
        cells = cells.only(column_numbers(options.columns)) if options.columns else cells
        place = _place(cells, options)
        body = _until_end(cells.text.slice(place.start).with_row_index(ROW, place.start + 1), place, options)
        filled = pl.any_horizontal(_filled(pl.col(column)) for column in place.columns)
        body = body.filter(filled)
        kept = body[ROW].cast(pl.Int64)
        columns = [typed(cells, column, kept, options.nulls).alias(name) for column, name in place.columns.items()]
        return pl.DataFrame([kept, *columns]).lazy()

    def layout(self, path: Path, options: ExcelOptions) -> dict[str, str]:
        """The names of the sheets."""
        try:
            return {"sheets": "\n".join(open_workbook(path).sheet_names)}
        except (ReadError, OSError, ValueError):
            return {}

    def originals(self, path: Path, options: ExcelOptions, records: str, rows: Collection[int]) -> dict[int, Original]:
        """The rows of the sheet: `_row` is the sheet's own number."""
        return as_read(self.read(path, options, records), rows, "row of the sheet")


@dataclass(frozen=True, slots=True)
class Place:
    """Where a sheet's table is."""

    start: int
    """Row below header and units, from 0."""
    columns: dict[str, str]
    """Names by column of `Cells.text`."""


def column_numbers(ranges: str) -> set[int]:
    """Positions (from 0) of Excel columns.

    >>> sorted(column_numbers("A:C,AA"))
    [0, 1, 2, 26]
    """
    found: set[int] = set()
    for part in ranges.upper().replace(" ", "").split(","):
        ends = re.fullmatch(r"([A-Z]{1,3})(?::([A-Z]{1,3}))?", part)
        if not ends:
            raise ValueError(f"'{part}' is not a range of columns; write A:F or A:C,F")
        first, last = (_column_number(letters) for letters in (ends[1], ends[2] or ends[1]))
        found.update(range(first, last + 1))
    return found


def _column_number(letters: str) -> int:
    number = 0
    for letter in letters:
        number = number * 26 + ord(letter) - ord("A") + 1
    return number - 1


def _first_filled(book: Any) -> Cells:
    """The first sheet that holds anything, else the first."""
    first = load_cells(book, book.sheet_names[0])
    if first.text.width:
        return first
    others = (load_cells(book, name) for name in book.sheet_names[1:])
    return next((cells for cells in others if cells.text.width), first)


def _sheet(book: Any, wanted: str | int) -> str:
    names: list[str] = list(book.sheet_names)
    if isinstance(wanted, int):
        if 0 < wanted <= len(names):
            return names[wanted - 1]
        raise ReadError(Problem(f"The workbook has no sheet {wanted}.", found=listed(names), fix=f"options.sheet: <1 to {len(names)}>"))
    exact = [name for name in names if name.strip().casefold() == wanted.strip().casefold()]
    found = exact or [name for name in names if fnmatchcase(name, wanted)] or [name for name in names if _matches(wanted, name)]
    if not found:
        near = closest(wanted, names)
        fix = f'options.sheet: "{near or names[0]}"'
        raise ReadError(Problem(f"The workbook has no sheet '{wanted}'.", found=listed(names), closest=near, fix=fix))
    return found[0]


def _matches(pattern: str, text: str) -> bool:
    try:
        return re.fullmatch(pattern, text) is not None
    except re.error:
        return False


def _filled(cell: pl.Expr) -> pl.Expr:
    return cell.fill_null("").str.strip_chars() != ""


def _place(cells: Cells, options: ExcelOptions) -> Place:
    """Raises ReadError when the sheet holds no header, or not where or as the options say."""
    if not cells.text.width:
        raise ReadError(Problem("The sheet is empty.", fix="options.sheet: <the sheet with the records>"))
    lowest = _header_row(cells, options)
    top = max(lowest - options.header_rows + 1, 0)
    header = _joined([list(row) for row in cells.text.slice(top, lowest - top + 1).rows()])
    units = cells.text.slice(lowest + 1, options.units_row).rows()
    if units and options.units_in_header:
        header = [
            f"{name} ({unit.strip()})" if name and unit and unit.strip() else name for name, unit in zip(header, units[0], strict=True)
        ]
    start = lowest + 1 + options.units_row
    below = cells.text.slice(start).select(_filled(pl.all()).any()).row(0)
    wanted = [n for n, name in enumerate(header) if name or below[n]]
    named = unique([header[n] or f"column_{cells.positions[n] + 1}" for n in wanted], taken=(ROW,))
    return Place(start, {cells.text.columns[n]: name for n, name in zip(wanted, named, strict=True)})


def _header_row(cells: Cells, options: ExcelOptions) -> int:
    """The (lowest) row of the header, from 0."""
    texts = options.table.header if options.table else options.header
    if isinstance(texts, int):
        if 0 < texts <= len(cells.text) and any(cell and cell.strip() for cell in cells.text.row(texts - 1)):
            return texts - 1
        fix = f"options.header: <a row from 1 to {len(cells.text)}>"
        raise ReadError(Problem(f"The sheet has no header in row {texts}.", found=f"{len(cells.text)} rows", fix=fix))
    rows = cells.text.rows() if options.table else cells.text.head(SEARCHED_ROWS).rows()
    if texts is not None:
        return _row_with(texts, rows, "options.table.header" if options.table else "options.header")
    widths = [sum(cell is not None and bool(cell.strip()) for cell in row) for row in rows]
    wide = sorted(width for width in widths if width)
    if not wide:
        raise ReadError(Problem("The sheet holds no header.", found="empty cells only", fix="options.sheet: <the sheet with the records>"))
    usual = wide[len(wide) // 2]
    first = next(n for n, width in enumerate(widths) if width >= usual * 0.6)
    return min(first + options.header_rows - 1, len(rows) - 1)


def _row_with(texts: Sequence[str], rows: Sequence[Sequence[str | None]], option: str) -> int:
    """The first row whose cells are the texts, or match them as regular expressions."""
    words: dict[str, None] = {}
    for number, row in enumerate(rows):
        cells = [cell.strip() for cell in row if cell and cell.strip()]
        if all(text.strip() in cells or any(_matches(text, cell) for cell in cells) for text in texts):
            return number
        if number < SEARCHED_ROWS:
            words.update(dict.fromkeys(cells))
    lost = next((text for text in texts if text not in words), texts[0])
    near = closest(lost, words)
    fix = f"{option}: [{near or '<texts of the header>'}]"
    raise ReadError(Problem(f"No row holds the header's text '{lost}'.", found=listed(list(words)), closest=near, fix=fix))


def _joined(levels: list[list[str | None]]) -> list[str]:
    """Header rows as one; a merged cell holds its text in its first column only, and so counts for the empty ones after it.

    A cell with nothing below it is merged downwards, and does not count for its neighbours.

    >>> _joined([["Date", "Shift A", None, "Shift B"], [None, "Good", "Scrap", "Good"]])
    ['Date', 'Shift A / Good', 'Shift A / Scrap', 'Shift B / Good']
    """
    lowest = [(cell or "").strip() for cell in levels[-1]]
    if len(levels) == 1:
        return [cell or "" if (cell or "").strip() else "" for cell in levels[-1]]
    upper: list[list[str]] = []
    for level in levels[:-1]:
        group, filled = "", []
        for position, cell in enumerate(level):
            own = (cell or "").strip()
            group = own or (group if lowest[position] else "")
            filled.append(group)
            group = group if lowest[position] else ""
        upper.append(filled)
    return [" / ".join(dict.fromkeys(part for part in parts if part)) for parts in zip(*upper, lowest, strict=True)]


def _until_end(body: pl.DataFrame, place: Place, options: ExcelOptions) -> pl.DataFrame:
    """The rows before the end of the table."""
    cells = [pl.col(column) for column in place.columns]
    ends = [pl.lit(False)]
    if options.table and options.table.until == "blank_row":
        ends.append(~pl.any_horizontal(_filled(cell) for cell in cells))
    elif options.table:
        ends.append(_row_matches(cells, options.table.until))
    if options.footer:
        ends.append(_row_matches(cells, options.footer))
    return body.filter(~pl.any_horizontal(ends).cum_max())


def _row_matches(cells: list[pl.Expr], pattern: str) -> pl.Expr:
    """Python's regular expressions, as everywhere in the options: polars' own have no look-around."""
    compiled = re.compile(pattern)
    joined = pl.concat_str([cell.str.strip_chars() for cell in cells], separator=" ", ignore_nulls=True)
    return joined.map_elements(lambda text: compiled.search(text) is not None, return_dtype=pl.Boolean)


CONNECTOR = Excel()
