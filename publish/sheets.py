"""Sheets of a workbook that people may trust: text stays text, tables have headers that stay and print, what does not fit is said.

Here: one `Book` over xlsxwriter with its formats, frames as native tables, limits of the format. Elsewhere: what the sheets say
(`publish.workbook`, `publish.workbook_live`).

No text of a plant is ever a formula, a link or a number: whatever begins with = + - @ is written as text, and stays text when it is edited.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import polars as pl
import xlsxwriter

ROWS, TEXT, NAME = 1_048_576, 32_767, 31
"""Limits of the format: rows of a sheet, characters of a cell, characters of a sheet's name."""
FORMULA_LIKE = ("=", "+", "-", "@", "\t", "\r")
"""Beginnings that a spreadsheet takes for a formula when a person edits the cell."""
FORMATS: dict[str, dict[str, Any]] = {
    "text": {},
    "wrap": {"text_wrap": True, "valign": "top"},
    "whole": {"num_format": "#,##0"},
    "number": {"num_format": "#,##0.0"},
    "exact": {"num_format": "#,##0.0##"},
    "percent": {"num_format": "0.0%"},
    "share": {"num_format": "0%"},
    "points": {"num_format": '+0.0" pt";-0.0" pt";0.0" pt"'},
    "move": {"num_format": "+#,##0.0;-#,##0.0;0.0"},
    "month": {"num_format": "yyyy-mm", "align": "left"},
    "day": {"num_format": "yyyy-mm-dd", "align": "left"},
    "moment": {"num_format": "yyyy-mm-dd hh:mm", "align": "left"},
    "centre": {"align": "center"},
    "title": {"bold": True, "font_size": 18, "font_color": "#14365C"},
    "heading": {"bold": True, "font_size": 12, "font_color": "#14365C"},
    "header": {"bold": True, "text_wrap": True, "valign": "vcenter", "bg_color": "#14365C", "font_color": "#FFFFFF", "border": 1,
               "border_color": "#FFFFFF"},
    "note": {"font_color": "#595959", "italic": True},
    "strong": {"bold": True},
    "missing": {"font_color": "#7F7F7F", "align": "right"},
    "choice": {"bold": True, "bg_color": "#FFF2CC", "border": 1, "border_color": "#BF9000"},
    "choice_month": {"bold": True, "bg_color": "#FFF2CC", "border": 1, "border_color": "#BF9000", "num_format": "yyyy-mm", "align": "left"},
    "link": {"font_color": "#0563C1", "underline": 1},
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a table: its header, the format of its cells, its width in characters."""

    name: str
    title: str
    format: str = "text"
    width: float = 12


class Book:
    """A workbook that is being written. Its bytes follow from what is written and from `created`, and from nothing else."""

    def __init__(self, path: Path, title: str, created: datetime):
        options = {"strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False}
        self._book = xlsxwriter.Workbook(str(path), options)
        self._book.set_properties(
            {"title": legible(title, 250), "author": "plantlake", "created": created.astimezone(UTC).replace(tzinfo=None)}
        )
        self._book.set_size(2400, 1600)
        self._formats: dict[tuple[str, bool], Any] = {}
        self._names: set[str] = set()

    def close(self) -> None:
        """Writes the file."""
        self._book.close()

    def sheet(self, name: str, *, colour: str | None = None) -> Any:
        """A new sheet of that name, or the nearest one that the format allows."""
        sheet = self._book.add_worksheet(self._free(name))
        sheet.set_landscape()
        sheet.set_paper(9)  # A4
        sheet.fit_to_pages(1, 0)
        sheet.set_margins(left=0.4, right=0.4, top=0.6, bottom=0.6)
        sheet.set_footer("&L&8&A&R&8&P / &N")
        sheet.hide_gridlines(2)
        if colour:
            sheet.set_tab_color(colour)
        return sheet

    def format(self, name: str, *, is_quoted: bool = False) -> Any:
        """A format by its name; `is_quoted` keeps what a person edits a text."""
        if (name, is_quoted) not in self._formats:
            self._formats[name, is_quoted] = self._book.add_format(FORMATS[name] | ({"quote_prefix": True} if is_quoted else {}))
        return self._formats[name, is_quoted]

    def name(self, name: str, refers_to: str) -> None:
        """A name for a cell."""
        self._book.define_name(name, refers_to)

    def chart(self, **about: Any) -> Any:
        """A chart, to be inserted into a sheet."""
        return self._book.add_chart(about)

    def write(self, sheet: Any, row: int, column: int, value: Any, format_: str = "text") -> None:
        """A value as what it is: nothing, a number, a day, or text."""
        form = self.format(format_)
        if value is None or (isinstance(value, float) and not _is_finite(value)):
            sheet.write_blank(row, column, None, form)
        elif isinstance(value, bool):
            sheet.write_boolean(row, column, value, form)
        elif isinstance(value, int | float):
            sheet.write_number(row, column, value, form)
        elif isinstance(value, datetime):
            sheet.write_datetime(row, column, value.astimezone(UTC).replace(tzinfo=None) if value.tzinfo else value, form)
        elif isinstance(value, date):
            sheet.write_datetime(row, column, value, form)
        else:
            text = legible(str(value))
            sheet.write_string(row, column, text, self.format(format_, is_quoted=text.startswith(FORMULA_LIKE)))

    def lines(self, sheet: Any, row: int, lines: Sequence[str], format_: str = "text", column: int = 0) -> int:
        """Lines of text below each other; the row after them."""
        for line in lines:
            self.write(sheet, row, column, line, format_)
            row += 1
        return row

    def table(
        self, sheet: Any, row: int, frame: pl.DataFrame, columns: Sequence[Column], *, name: str, frozen: int = 1,
        empty: str = "There is nothing to show.", more: str = "`plantlake sql` and kpi.duckdb have all of them",
    ) -> int:  # fmt: skip
        """A frame as a native table with a header that stays in view and is printed on every page; the row after it.

        `frozen` columns stay as well. A frame that is longer than a sheet is cut, and the line above the table says so.
        """
        for place, column in enumerate(columns):
            sheet.set_column(place, place, column.width)
        if frame.is_empty():
            self.write(sheet, row, 0, empty, "note")
            return row + 1
        room = ROWS - row - 2
        if len(frame) > room:
            self.write(sheet, row, 0, f"The first {room:,} of {len(frame):,} rows: a sheet holds no more; {more}.", "note")
            row, frame = row + 1, frame.head(room - 1)
        last = row + len(frame)
        sheet.add_table(row, 0, last, len(columns) - 1, {
            "name": name, "style": "Table Style Light 1", "columns": [{"header": column.title} for column in columns],
        })  # fmt: skip
        for place, column in enumerate(columns):
            sheet.write_string(row, place, column.title, self.format("header"))
            self._column(sheet, row + 1, place, frame[column.name], column.format)
        sheet.set_row(row, 32)
        sheet.freeze_panes(row + 1, frozen)
        sheet.repeat_rows(row)
        return last + 1

    def _column(self, sheet: Any, row: int, place: int, values: pl.Series, format_: str) -> None:
        """The cells of a column: numbers without a detour, for a table has half a million of them."""
        if values.dtype.is_numeric():
            form, write = self.format(format_), sheet.write_number
            told = values.cast(pl.Float64).to_list()
            for at, number in enumerate(told, start=row):
                if number is not None and _is_finite(number):
                    write(at, place, number, form)
            return
        for at, value in enumerate(values.to_list(), start=row):
            if value is not None and value != "":
                self.write(sheet, at, place, value, format_)

    def _free(self, name: str) -> str:
        """A legal name that no sheet has yet, in any case.

        >>> from io import BytesIO
        >>> book = Book(BytesIO(), "t", datetime(2026, 1, 1, tzinfo=UTC))
        >>> book._free("by line/week"), book._free("BY LINE week"), book._free("'=[x]'")
        ('by line week', 'BY LINE week (2)', '= x')
        """
        plain = re.sub(r"[\[\]:*?/\\\x00-\x1f]+", " ", name).strip().strip("'").strip() or "Sheet"
        plain = "History of" if plain.casefold() == "history" else plain
        found, number = plain[:NAME].strip(), 1
        while found.casefold() in self._names:
            number += 1
            found = f"{plain[: NAME - len(f' ({number})')]} ({number})"
        self._names.add(found.casefold())
        return found


def legible(text: str, most: int = TEXT) -> str:
    """Text that a cell can hold: no half characters, no more than fits.

    >>> legible("a" + chr(0xD800)), legible("abcdef", 4)
    ('a?', 'abc…')
    """
    whole = text.encode("utf-8", "replace").decode("utf-8")
    return whole if len(whole) <= most else whole[: most - 1] + "…"


def _is_finite(number: float) -> bool:
    return number - number == 0
