"""JSON (`kind: json`): arrays, single objects and JSON lines, whatever wraps the records.

Here: options, lines or documents, records as delivered (every value is text). Elsewhere: text to values
(`connectors.kinds.files.json_values`), values to records (`connectors.kinds.files.json_rows`), bytes and encodings
(`connectors.kinds.files.text`), numbers and times (`transforms`), systems with a JSON of their own (`pi_web_api`, `sap_odata`).

JSON lines stream: a line that cannot be read is a record that is rejected, with its text and the reason. Any other file is one
document: where it cannot be read, nothing of it can be trusted.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from pathlib import Path
from typing import Annotated, Any, Literal

import polars as pl

from connectors.contract import SURPLUS, Export, FileConnector, Original, Place, as_read
from connectors.errors import Problem, ReadError, closest, listed
from connectors.kinds.files import json_live, text
from connectors.kinds.files.json_live import JsonAsk
from connectors.kinds.files.json_rows import FIX_FIELDS, PathTo, found_at, name_of, shown, spread
from connectors.kinds.files.json_stream import records_at
from connectors.kinds.files.json_values import (
    BLANKS,
    TooDeepError,
    UnreadableError,
    as_text,
    content,
    dumped,
    is_lines,
    numbered_lines,
    value_at,
)
from connectors.kinds.files.record_frames import Row, Spool, unreadable
from connectors.strict import Asking, StrictModel, Texts


class JsonOptions(StrictModel):
    """Where in the JSON the records are, and what their fields become."""

    rows: PathTo = ()
    """Keys that lead to the records: value.results; a list where a key holds a dot; * for all values of an object."""
    parents: Texts = ()
    """Fields above the records that each record repeats, from the root: [plant, lines.id]."""
    explode: PathTo = ()
    """An array inside the records, such as operations or orders.operations: one record an element, the other fields repeated."""
    keep: Texts = ()
    """Objects that stay JSON text instead of becoming columns."""
    fields: Texts = ()
    """Fields that a file may lack altogether: their columns are there all the same, empty."""
    columns: Texts = ()
    """Names of the columns where records are arrays (or bare values) instead of objects."""
    lines: bool | None = None
    """One value a line (JSON lines); default: detected."""
    nulls: tuple[str, ...] = ()
    """Texts that mean 'empty' in every column, such as NULL or '-'."""
    decimal: Literal[".", ","] = "."
    """Decimal sign of numbers that stand as text."""
    thousands: Literal["", ",", ".", " ", "'"] = ""
    """Sign between groups of three digits of numbers that stand as text."""
    encoding: str | None = None
    """utf-8, cp1252, utf-16 ...; default: by byte order mark, else UTF-8 where all of it is valid, else CP1252."""
    member: str | None = None
    """Which file of a zip, by name or pattern, where it holds several."""
    ask: Annotated[JsonAsk | None, Asking] = None
    """How an HTTP interface at `root` is asked for records; without it there are files."""


class Json(FileConnector):
    """Reads JSON."""

    kind = "json"
    version = "1"
    Options = JsonOptions
    suffixes = (".json", ".jsonl", ".ndjson", ".json.gz", ".json.zst")

    def is_system(self, place: Place) -> bool:
        return place.options is not None and place.options.ask is not None

    def discover(self, place: Place) -> Iterator[Export]:
        return json_live.questions(place, place.options.ask) if self.is_system(place) else super().discover(place)

    def fetch(self, export: Export, place: Place, target: Path) -> None:
        if self.is_system(place):
            json_live.answer(export, place, place.options.ask, target)
        else:
            super().fetch(export, place, target)

    def read(self, path: Path, options: JsonOptions, records: str = "rows") -> pl.LazyFrame:
        """Every value as text, null where it is null or absent; `_row` numbers the records. See `connectors.contract`.

        A record that cannot be read has `_unreadable` and its text in `_surplus`.
        """
        out = Spool(path, options.fields, FIX_FIELDS)
        plain = text.utf8(path, options.encoding, options.member, wanted="JSON")
        if is_lines(plain) if options.lines is None else options.lines:
            _add_lines(plain, options, out)
        else:
            _add_document(content(plain), options, out)
        frame = out.frame(options.nulls)
        _refuse_lost_parents(out, options)
        return frame

    def originals(self, path: Path, options: JsonOptions, records: str, rows: Collection[int]) -> dict[int, Original]:
        """Of JSON lines with one record each the line, verbatim; else the record as it was read."""
        plain = text.utf8(path, options.encoding, options.member, wanted="JSON")
        lines = is_lines(plain) if options.lines is None else options.lines
        if not lines or options.rows or options.explode:
            return as_read(self.read(path, options, records), rows, "record")
        wanted, last = set(rows), max(rows, default=0)
        found: dict[int, Original] = {}
        for row, (number, line) in enumerate(numbered_lines(plain), 1):
            if row > last:
                break
            if row in wanted:
                found[row] = Original(f"line {number}", line, is_verbatim=True)
        return found


def _add_lines(plain: Path, options: JsonOptions, out: Spool) -> None:
    """Raises ReadError where no line is JSON."""
    is_readable = False
    first: UnreadableError | None = None
    for _, line in numbered_lines(plain):
        try:
            rows = _rows_of_line(line, options)
            is_readable = True
        except UnreadableError as error:
            first = first or error
            rows = [unreadable(line.encode("utf-8", "backslashreplace").decode(), error.why)]
        for row in rows:
            out.add(row)
    if first and not is_readable:
        raise ReadError(first.problem)


def _rows_of_line(line: str, options: JsonOptions) -> list[Row]:
    value, end = value_at(line)
    if line[end:].strip(BLANKS):
        raise UnreadableError("more than one value stands in the line", found=line[end : end + 60])
    if not options.rows:
        return list(_rows_of(value, {}, options))
    return [row for above, record in found_at(value, options.rows, options.parents) for row in _rows_of(record, above, options)]


def _add_document(source: str, options: JsonOptions, out: Spool) -> None:
    """Raises ReadError where there is no such path."""
    try:
        for above, record in records_at(source, options.rows, options.parents):
            try:
                rows = list(_rows_of(record, above, options))
            except TooDeepError:
                raise
            except UnreadableError as error:
                rows = [unreadable(shown(record), error.why)]
            for row in rows:
                out.add(row)
    except UnreadableError as error:
        raise ReadError(error.problem) from error


def _rows_of(record: Any, above: Row, options: JsonOptions) -> Iterator[Row]:
    if isinstance(record, dict):
        yield from spread(record, options.explode, above, options.keep)
    elif isinstance(record, list):
        yield _array(record, above, options.columns)
    elif len(options.columns) == 1:
        yield {**above, name_of("", options.columns[0]): as_text(record)}
    else:
        raise UnreadableError(f"the record is no object but {dumped(record)[:60]}")


def _array(record: list[Any], above: Row, columns: Sequence[str]) -> Row:
    """A record that is an array; what is beyond the stated columns is surplus."""
    names = [name_of("", name) for name in columns] or [f"column_{n}" for n in range(1, len(record) + 1)]
    row = above | dict(zip(names, map(as_text, record), strict=False))
    rest = record[len(names) :]
    return {**row, SURPLUS: dumped(rest)} if rest else row


def _refuse_lost_parents(out: Spool, options: JsonOptions) -> None:
    known = out.known()
    lost = next((name for name in options.parents if name not in known), None)
    if lost and known:
        near = closest(lost, known)
        fix = "options.parents: [<dotted names from the root, on the way to the records>]"
        raise ReadError(Problem(f"No record has a field '{lost}' above it.", found=listed(known), closest=near, fix=fix))


CONNECTOR = Json()
