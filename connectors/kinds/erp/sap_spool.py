"""Lists of SAP as text (`kind: sap_spool`): spool requests and ALV lists with pipes, and 'unconverted' downloads with tabs.

Here: which line of a list is what. Elsewhere: bytes and encodings (`connectors.kinds.files.text`), numbers with trailing minus and days
(`transforms`), the same records from tables and services of SAP (`kind: delimited`, `excel`, `sap_odata`, `sap_idoc`).

A list is made for eyes: titles, a date and page line, dashes, a header that every page repeats, records between pipes, sums that begin
with stars. Every line that is not blank belongs to one record set: `rows`, `totals` or `other`.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain, islice, pairwise
from pathlib import Path
from typing import Literal

import polars as pl

from connectors.contract import ROW, SURPLUS, UNREADABLE, FileConnector, Original
from connectors.errors import Problem, ReadError, closest, listed
from connectors.kinds.files import text
from connectors.kinds.files.lines import unique
from connectors.kinds.files.record_frames import Row, framed, unreadable
from connectors.strict import StrictModel, Texts

RULE = re.compile(r"[-=_|+\s]*([-=_])\1\1[-=_|+\s]*|[|\s]*")
"""A line that only divides, or a row without anything in it."""
STARS = re.compile(r"\|?\s*(\*{1,9})(?![^\s|])")
"""What a sum begins with: as many stars as levels are summed."""
FEW = 2
"""Cells that make a header; a box around a title has one."""
LOOKED_AT = 2000
WIDEST = 1 << 20
"""Bytes of a line; SAP prints at most 1,023 characters."""


class SpoolOptions(StrictModel):
    """What a list itself does not say."""

    header: Texts = ()
    """Texts that the header's line holds, where it is not the first line of several cells; of a header of several lines, of its first."""
    cut: Literal["refuse", "drop", "keep"] = "refuse"
    """What to do with a list that is narrower than its header: refuse it, drop the column that was cut, or keep what is left of it."""
    decimal: Literal[".", ","] = "."
    """Decimal sign of the numbers."""
    thousands: Literal["", ",", ".", " ", "'"] = ""
    """Sign between groups of three digits."""
    nulls: tuple[str, ...] = ()
    """Texts that mean 'empty' in every column, such as 00.00.0000."""
    encoding: str | None = None
    """Encoding of the file; default: detected."""
    member: str | None = None
    """Which file of a zip, by name or pattern, where it holds several."""


@dataclass(frozen=True, slots=True)
class Layout:
    """How the records of a list lie on its lines."""

    header: tuple[str, ...]
    """The lines of the header, as they stand."""
    names: tuple[str, ...]
    """Of all cells of a record, line after line."""
    edges: tuple[tuple[int, ...], ...] = ()
    """Of each line of a record, where its pipes stand; empty for tabs."""
    cut: bool = False
    """Whether the last column is not all there."""
    stars_first: bool = False
    """Whether the first column of tabs has no name: nothing but the stars of sums stands there."""

    @property
    def height(self) -> int:
        """Lines of a record."""
        return len(self.header)


@dataclass(frozen=True, slots=True)
class Found:
    """One record of one of the sets: the number of its first line from 1, its text, its cells."""

    records: Literal["rows", "totals", "other"]
    line: int
    text: str
    row: Row


class SapSpool(FileConnector):
    """Reads lists of SAP."""

    kind = "sap_spool"
    version = "1"
    Options = SpoolOptions
    records = ("rows", "totals", "other")
    suffixes = (".txt", ".lst", ".xls")

    def read(self, path: Path, options: SpoolOptions, records: str = "rows") -> pl.LazyFrame:
        """The records, the sums, or everything else, as text. See `connectors.contract`."""
        plain, layout = _opened(path, options)
        own = () if records == "other" else layout.names
        first = {"rows": (), "totals": ("level", "text"), "other": ("text",)}[records]
        found = framed((one.row for one in _walked(plain, layout) if one.records == records), (*first, *own), path)
        if layout.cut and options.cut == "drop" and own:
            found = found.drop(layout.names[-1])
        if not options.nulls:
            return found
        fields = pl.col(pl.String).exclude(SURPLUS, UNREADABLE)
        return found.with_columns(pl.when(~fields.is_in(options.nulls)).then(fields))

    def originals(self, path: Path, options: SpoolOptions, records: str, rows: Collection[int]) -> Mapping[int, Original]:
        """The lines of the records, verbatim."""
        plain, layout = _opened(path, options)
        found = (one for one in _walked(plain, layout) if one.records == records)
        numbered = islice(enumerate(found, 1), max(rows, default=0))
        return {row: Original(f"line {one.line}", one.text, is_verbatim=True) for row, one in numbered if row in rows}


def _opened(path: Path, options: SpoolOptions) -> tuple[Path, Layout]:
    plain = text.lined(path, options.encoding, options.member, wanted="a list of SAP", longest=WIDEST)
    layout = _layout(plain, options)
    if layout.cut and options.cut == "refuse":
        told = f"The list was cut: the column '{layout.names[-1]}' has no end, and columns behind it may be missing."
        fix = "print the list wider (or download it unconverted); options.cut: drop leaves that column out"
        raise ReadError(Problem(told, found=layout.header[-1][-80:], fix=fix))
    return plain, layout


# --- the header ----------------------------------------------------------------------------------------------------------------


def _layout(plain: Path, options: SpoolOptions) -> Layout:
    """Raises ReadError where no line is a header, or not the one that is stated."""
    head = [line for line in text.head(plain, LOOKED_AT) if line.strip()]
    tabs = sum(line.count("\t") >= FEW for line in head)
    has_tabs = tabs > sum(line.count("|") >= FEW for line in head)
    cells = [_split(line, has_tabs) for line in head]
    filled = [[cell for cell in line if cell] for line in cells]
    at = next((place for place, line in enumerate(filled) if _is_header(line, head[place], options)), None)
    if at is None and options.header:
        words = list(dict.fromkeys(cell for line in filled for cell in line))
        lost = next((word for word in options.header if word not in words), options.header[0])
        near = closest(lost, words)
        told = f"No line of the list is a header with '{lost}'."
        raise ReadError(Problem(told, found=listed(words), closest=near, fix=f"options.header: [{near or '<texts of the header>'}]"))
    if at is None:
        told = "The file is no list of SAP: no line has several cells between pipes or tabs."
        first = head[0][:120] if head else None
        raise ReadError(Problem(told, found=first, fix="kind: delimited, or the kind for this format"))
    return _of_tabs(head[at], cells[at]) if has_tabs else _of_pipes(head[at:])


def _is_header(filled: Sequence[str], line: str, options: SpoolOptions) -> bool:
    if options.header:
        return all(word in filled for word in options.header)
    return len(filled) >= FEW and not RULE.fullmatch(line)


def _split(line: str, has_tabs: bool) -> list[str]:
    return [cell.strip() for cell in line.split("\t" if has_tabs else "|")] if ("\t" if has_tabs else "|") in line else []


def _of_tabs(header: str, cells: Sequence[str]) -> Layout:
    stars_first = not cells[0]
    return Layout((header,), tuple(unique(cells[stars_first:], taken=(ROW, SURPLUS))), stars_first=stars_first)


def _of_pipes(lines: Sequence[str]) -> Layout:
    """The header's lines reach to the next rule; where no rule follows at once or soon, it is one line."""
    rule = next((place for place, line in enumerate(lines[:10]) if RULE.fullmatch(line)), 1)
    header = tuple(lines[: rule or 1])
    edges = tuple(tuple(place for place, sign in enumerate(line) if sign == "|") for line in header)
    last = header[-1].rstrip()
    cut = not last.endswith("|")
    if cut:
        edges = (*edges[:-1], (*edges[-1], len(last)))
    cells = [line[start + 1 : end].strip() for line, at in zip(header, edges, strict=True) for start, end in pairwise(at)]
    return Layout(header, tuple(unique(cells, taken=(ROW, SURPLUS))), edges, cut)


# --- lines ---------------------------------------------------------------------------------------------------------------------


def _walked(plain: Path, layout: Layout) -> Iterator[Found]:
    """Every line that is not blank, as a part of one of the record sets. A record of several lines never goes over a rule."""
    held: list[tuple[int, str]] = []
    headers = {line.strip() for line in layout.header}
    is_below = False
    for number, line in chain(enumerate(text.lines(plain), 1), [(0, "")]):
        plain_line = line.strip()
        is_rule = not plain_line or (bool(layout.edges) and RULE.fullmatch(line) is not None)
        is_repeat = not is_rule and plain_line in headers
        is_other = is_rule or is_repeat or not _is_record(line, layout)
        stars = None if is_other else STARS.match(line)
        if held and (is_other or stars):
            yield _broken(held)
            held = []
        if not plain_line:
            continue
        if is_other or not is_below:
            is_below = is_below or is_repeat
            yield Found("other", number, line, {"text": line})
        elif stars:
            yield Found("totals", number, line, {"level": str(len(stars[1])), "text": line, **_summed(line, layout)})
        else:
            held.append((number, line))
            if len(held) == layout.height:
                yield _record(held, layout)
                held = []


def _is_record(line: str, layout: Layout) -> bool:
    """Whether a line looks like one of a record, perhaps a damaged one: a title may hold a pipe, but not half of them."""
    if not layout.edges:
        return "\t" in line
    return line.lstrip().startswith("|") or line.count("|") * 2 >= min(map(len, layout.edges))


def _broken(held: Sequence[tuple[int, str]]) -> Found:
    told = "\n".join(line for _, line in held)
    return Found("rows", held[0][0], told, unreadable(told, "the list goes on before all lines of the record are there"))


def _record(held: Sequence[tuple[int, str]], layout: Layout) -> Found:
    told = "\n".join(line for _, line in held)
    cells: list[str] = []
    for place, (_, line) in enumerate(held):
        found = _cells(line, layout, place)
        if found is None:
            why = f"the line does not have the {_width(layout, place)} columns of the header"
            return Found("rows", held[0][0], told, unreadable(told, why))
        cells += found
    return Found("rows", held[0][0], told, {name: cell or None for name, cell in zip(layout.names, cells, strict=True)})


def _width(layout: Layout, place: int) -> int:
    return len(layout.edges[place]) - 1 if layout.edges else len(layout.names)


def _cells(line: str, layout: Layout, place: int = 0) -> list[str] | None:
    """The cells of a line; None where it does not have the header's. A pipe in a text is no edge, wide letters shift edges."""
    if not layout.edges:
        cells = [cell.strip() for cell in line.split("\t")]
        if layout.stars_first:
            cells = [] if cells[0].strip("*") else cells[1:]
        return cells if len(cells) == len(layout.names) else None
    edges = layout.edges[place]
    is_cut = layout.cut and place == layout.height - 1
    inner = edges[:-1] if is_cut else edges
    stripped = line.rstrip()
    if (not is_cut and len(stripped) != edges[-1] + 1) or any(edge >= len(stripped) or stripped[edge] != "|" for edge in inner):
        parts = stripped.strip("|" if not is_cut else "").split("|") if stripped.lstrip().startswith("|") else []
        parts = parts[1:] if is_cut else parts
        closed = is_cut or stripped.endswith("|")
        return [part.strip() for part in parts] if closed and len(parts) == len(edges) - 1 else None
    ends = [*edges[1:-1], len(stripped) if is_cut else edges[-1]]
    return [stripped[start + 1 : end].strip() for start, end in zip(edges[:-1], ends, strict=True)]


def _summed(line: str, layout: Layout) -> Row:
    """The cells of a sum, as far as they stand in columns; some lists write its key over several."""
    cells = _cells(line, layout) if layout.height == 1 else None
    if not cells:
        return {}
    cells[0] = cells[0].lstrip("* ")
    return {name: cell or None for name, cell in zip(layout.names, cells, strict=True)}


CONNECTOR = SapSpool()
