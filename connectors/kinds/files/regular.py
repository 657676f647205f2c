"""Which delimited files are regular, and how the others become so.

Here: the check that lets a file be scanned as it stands, and the rewriting of one that does not pass. Elsewhere: options, header
and the scan itself (`connectors.kinds.files.delimited`), lines and fields (`connectors.kinds.files.lines`).

Regular is a file whose lines after the header all have the same, right number of fields, with nothing to leave out (no blank or
comment lines, repeated headers or footer) and quotes only around whole fields.
"""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice, takewhile
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from connectors.kinds.files import text
from connectors.kinds.files.lines import Fields, Splitter

if TYPE_CHECKING:
    import numpy.typing as npt

    from connectors.kinds.files.delimited import DelimitedOptions

Record = tuple[int, str, Fields | None]
"""Number of its first line from 0, its text, its fields where it holds quotes."""


@dataclass(frozen=True, slots=True)
class Layout:
    """Where a text's records are and what their columns are called."""

    delimiter: str
    start: int
    """Number of the first line after header and units, from 0."""
    header: tuple[str, ...]
    """The header's cells as they stand, for finding it again; empty without header."""
    header_line: int
    """From 1; 0 without header."""
    names: tuple[str, ...]

    @property
    def unnamed_last(self) -> bool:
        """Whether the header ends with a delimiter: then the last column is only one if it holds something."""
        return len(self.header) > 1 and not self.header[-1].strip()


def regular_width(path: Path, layout: Layout, options: DelimitedOptions) -> int | None:
    """Fields of every line when the file is regular and has records, else None."""
    if options.footer is not None or len(layout.delimiter + options.quote) > 2 or not layout.delimiter.isascii():
        return None
    if layout.start == 0 and _head_has_mark(path):
        return None
    check = _Regularity(layout, options)
    rest = b""
    with path.open("rb") as file:
        for _ in range(layout.start):
            file.readline()
        while chunk := file.read(text.CHUNK):
            rest = check.rest(rest + chunk)
            if check.failed or len(rest) > 4 * text.CHUNK:
                return None
    if rest.strip():
        rest = check.rest(rest + b"\n")
    return None if check.failed or rest.strip() else check.width


def _head_has_mark(path: Path) -> bool:
    with path.open("rb") as file:
        return file.read(3) == b"\xef\xbb\xbf"


class _Regularity:
    """Checks blocks of bytes, vectorised: gigabytes must not pass through Python line by line to be found clean."""

    def __init__(self, layout: Layout, options: DelimitedOptions):
        self.width: int | None = None
        self.failed = False
        self._columns = len(layout.names)
        self._unnamed_last = layout.unnamed_last
        self._delimiter = ord(layout.delimiter)
        self._quote = ord(options.quote) if options.quote and options.quote.isascii() else None
        sep = re.escape(layout.delimiter.encode())
        suspects = [rb"\n[" + sep + rb"\s]*\n", rb"\r(?!\n)", b"\xef\xbb\xbf"]
        if options.comment:
            suspects.append(rb"\n" + re.escape(options.comment.encode()))
        if options.repeated_headers and any(layout.header):
            name = re.escape(layout.header[0].strip().encode())
            suspects.append(rb'\n[ "]*' + name + rb'[ "]*(?:' + sep + rb"|\r?\n)")
        self._suspects = [re.compile(pattern) for pattern in suspects]

    def rest(self, block: bytes) -> bytes:
        """Checks the whole lines of a block and returns what follows them; sets `failed` where they are not regular."""
        data = np.frombuffer(block, dtype=np.uint8)
        ends, signs = np.flatnonzero(data == 10), np.flatnonzero(data == self._delimiter)
        if self._quote is not None and bytes([self._quote]) in block:
            quotes = np.flatnonzero(data == self._quote)
            inside = np.cumsum(data == self._quote, dtype=np.uint8) & 1
            ends, signs = ends[inside[ends] == 0], signs[inside[signs] == 0]
            if ends.size and not self._encloses(data, quotes[quotes < ends[-1]]):
                self.failed = True
        if not ends.size:
            return block
        cut = int(ends[-1]) + 1
        counts = np.diff(np.searchsorted(signs, ends), prepend=0)
        whole = b"\n" + block[:cut]
        if any(suspect.search(whole) for suspect in self._suspects) or not self._fits(data, ends, counts):
            self.failed = True
        return block[cut:]

    def _encloses(self, data: npt.NDArray[np.uint8], quotes: npt.NDArray[np.int64]) -> bool:
        """Whether quotes stand only around whole fields, or doubled inside them."""
        edges = np.array([self._delimiter, 10, 13, self._quote], dtype=np.uint8)
        opening, closing = quotes[0::2], quotes[1::2]
        before = data[np.maximum(opening - 1, 0)]
        starts = (opening == 0) | np.isin(before, edges)
        return bool(starts.all() and np.isin(data[closing + 1], edges).all())

    def _fits(self, data: npt.NDArray[np.uint8], ends: npt.NDArray[np.int64], counts: npt.NDArray[np.int64]) -> bool:
        """Whether each line has the same, right number of fields, the last one empty where it has no name."""
        width = int(counts[0]) + 1
        self.width = self.width or width
        if width != self.width or not (counts == width - 1).all() or width not in (self._columns, self._columns + 1):
            return False
        if width == self._columns and not self._unnamed_last:
            return True
        if width == self._columns + 1 and self._unnamed_last:
            return False
        last = data[ends - 1]
        last = np.where(last == 13, data[np.maximum(ends - 2, 0)], last)
        return bool((last == self._delimiter).all())


class Cleaner:
    """Rewrites records as regular lines. A line that is regular already passes as it is, which is what makes this fast."""

    def __init__(self, layout: Layout, options: DelimitedOptions):
        self.layout, self.options = layout, options
        simple = len(layout.delimiter) == 1 and layout.delimiter.isascii() and options.quote.isascii()
        self.delimiter = layout.delimiter if simple else "\t"
        self.quote = (options.quote if simple else '"') or "\x1e"
        self.written = False
        self.surplus = False
        """Whether any record has more fields than the header."""
        self.last = False
        """Whether any record fills the last column."""
        self._passes = simple
        self._special = re.compile("[" + re.escape(self.delimiter + self.quote + "\n\r") + "]")

    def rows(self, physical: Iterator[str]) -> Iterator[str]:
        """The text of the regular file. Raises ReadError where a quoted field is never closed."""
        width, delimiter = len(self.layout.names), self.layout.delimiter
        ending = self.delimiter + "\n"
        passes = self._passes and not self.layout.unnamed_last
        for _, line, fields in self._records(physical):
            self.written = True
            if passes and fields is None and line.count(delimiter) == width - 1:
                yield line + ending
            else:
                yield self._row(fields or [field or None for field in line.split(delimiter)])

    def lines(self, physical: Iterator[str]) -> Iterator[tuple[int, str]]:
        """The number (from 1) of the line on which each record begins, and its text as it stands."""
        return ((first + 1, line) for first, line, _ in self._records(physical))

    def _row(self, fields: Fields) -> str:
        width = len(self.layout.names)
        extra = self.layout.delimiter.join(field or "" for field in fields[width:])
        surplus = extra if extra.strip(f"{self.layout.delimiter} \t") else None
        self.surplus = self.surplus or surplus is not None
        kept = [*fields[:width], *[None] * (width - len(fields))]
        self.last = self.last or kept[-1] is not None
        return self.delimiter.join(self._rendered(field) for field in [*kept, surplus]) + "\n"

    def _rendered(self, field: str | None) -> str:
        if field is None:
            return ""
        if field and not self._special.search(field):
            return field
        return f"{self.quote}{field.replace(self.quote, self.quote * 2)}{self.quote}"

    def _records(self, physical: Iterator[str]) -> Iterator[Record]:
        """The lines that are records: number of the first one from 0, text, and the fields of those that hold quotes."""
        options, layout = self.options, self.layout
        lines = Splitter(layout.delimiter, options.quote).texts(islice(physical, layout.start, None), layout.start, options.comment)
        records: Iterator[Record] = ((first, line, fields) for first, _, line, fields in lines)
        if options.repeated_headers and layout.header:
            records = self._without_repeats(records)
        return _until_footer(records, options.footer)

    def _without_repeats(self, records: Iterator[Record]) -> Iterator[Record]:
        header = [cell.strip() for cell in self.layout.header]
        for first, line, fields in records:
            if header[0] in line[: len(header[0]) + 8]:
                cells = [(field or "").strip("\ufeff ") for field in fields or line.split(self.layout.delimiter)]
                if cells[: len(header)] == header:
                    deque(islice(records, self.options.units_row), maxlen=0)
                    continue
            yield first, line, fields


def _until_footer(records: Iterator[Record], footer: str | int | None) -> Iterator[Record]:
    if isinstance(footer, str):
        pattern = re.compile(footer)
        return takewhile(lambda record: not pattern.search(record[1]), records)
    return _without_last(records, footer) if footer else records


def _without_last(records: Iterator[Record], count: int) -> Iterator[Record]:
    held: deque[Record] = deque()
    for record in records:
        held.append(record)
        if len(held) > count:
            yield held.popleft()
