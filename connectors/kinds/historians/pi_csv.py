"""Text that people export from AVEVA PI (`kind: pi_csv`): sheets of DataLink saved as CSV, and lists of SMT and piconfig.

Here: where a sheet's data begin, which column is whose time, which texts are states or errors instead of values. Elsewhere: PI's system
states (`connectors.quality`), lines and fields (`connectors.kinds.files.lines`), responses of PI Web API
(`connectors.kinds.historians.pi_web_api`), numbers and times of a locale (`transforms`).

In a sheet each column of times belongs to the columns right of it, up to the next one: pairs of time and value a tag, or one time for
several tags. Above them stand names, descriptions and units. A list has one sample a line.
"""

from __future__ import annotations

import re
from collections import Counter, deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Annotated, Literal

import polars as pl
from polars.selectors import by_name
from pydantic import AfterValidator, Field

from connectors import quality
from connectors.contract import ROW, SURPLUS, UNREADABLE, FileConnector
from connectors.errors import Problem, ReadError, listed
from connectors.kinds.files import delimited, text
from connectors.kinds.files.delimited import DelimitedOptions
from connectors.kinds.files.lines import DELIMITERS, Line, Splitter, detect_delimiter, unused_delimiter
from connectors.kinds.files.record_frames import Row, Spool, unreadable
from connectors.kinds.historians.samples import SAMPLE
from connectors.strict import StrictModel

COLUMNS = (*SAMPLE, "description")
CLOCK = r"[ T,]+\D{0,8}\d{1,2}[:.]\d{2}([:.]\d{2}([.,]\d{1,9})?)?\s*([^\W\d.]{1,4}\.?([^\W\d]{1,2}\.?)?|[-+]\d{2}:?\d{2})?"
MOMENT = re.compile(rf"\s*\d{{1,4}}([-/. ])\s?(\d{{1,2}}|[^\W\d]{{3,9}}\.?)\1\s?\d{{1,4}}\.?({CLOCK})?\s*")
"""A day in any locale, with or without a time of day."""
NUMBER = r"^\s*[-+]?[\d.,' \u00a0]*\d[\d.,]*([eE][-+]?\d+)?\s*%?\s*$"
ERRORS = (
    "tag not found", "point not found", "pi point not found", "resize to show all values", "no events found",
    "cannot do summary calculation on non-numeric data", "#ref!", "#n/a", "#value!", "#name?", "#num!", "#div/0!", "#null!", "#spill!",
)  # fmt: skip
"""How texts begin that DataLink and Excel write where a value should be."""
CODED = re.compile(r"\s*\[(-\d+)\]\s*(.*)", re.DOTALL)
"""An error of PI with its number: `[-11059] No Good Data For Calculation`."""
CUT = "resize to show all values"
OF_LIST = {
    "tag": ("tag", "tagname", "tag name", "point", "point name", "name", "pipoint"),
    "timestamp": ("timestamp", "time", "time stamp", "date", "datetime"),
    "value": ("value", "val"),
    "units": ("units", "engunits", "uom", "eng units"),
    "description": ("description", "descriptor"),
    "questionable": ("questionable",),
}
"""Columns of a list by the words that SMT, piconfig and scripts put above them."""
LABELS = {
    "tag": ("tag", "tags", "tag name", "tagname", "pi tag", "point", "point name"),
    "units": ("unit", "units", "engunits", "eng units", "engineering units", "uom"),
    "description": ("description", "descriptor", "desc"),
}
"""What may stand at the beginning of a line above the samples of a sheet."""
GENERIC = (*OF_LIST["timestamp"], *OF_LIST["value"], *(word for words in LABELS.values() for word in words))
LOOKED_AT = 500
WIDEST = 1 << 20
"""Bytes of a line: 16,384 columns of Excel have a third of that."""


class PiCsvOptions(StrictModel):
    """What a sheet or list itself does not say."""

    layout: Literal["sheet", "list"] | None = None
    """sheet: columns of times and values; list: one sample a line, with its tag; default: by the header."""
    data_row: Annotated[int, Field(ge=1)] | None = None
    """Line of the first sample, from 1; default: the first that begins with a moment and has a value."""
    tag_row: Annotated[int, Field(ge=1)] | None = None
    """Line with the names of the tags, above the times or the values; default: the one that begins with Tag, else the only one."""
    units_row: Annotated[int, Field(ge=1)] | None = None
    """Line with the units; default: the one that begins with Units."""
    description_row: Annotated[int, Field(ge=1)] | None = None
    """Line with the descriptions; default: the one that begins with Description."""
    time_columns: tuple[Annotated[int, Field(ge=1)], ...] = ()
    """Columns of times, from 1, where they are numbers (Excel serials); default: those that hold moments."""
    columns: tuple[str, ...] = ()
    """Names of the columns of a list without header (piconfig), such as [tag, timestamp, value]."""
    state_codes: tuple[int, ...] = ()
    """Numbers that are codes of SYSTEM states (246, 255, 307): nothing tells them from values, so only those stated are."""
    states: dict[str, int | None] = {}
    """Names of SYSTEM states that an administrator translated ({Keine Daten: 248}), or that a tag has as its own ({Failed: null})."""
    incomplete: Literal["refuse", "accept"] = "refuse"
    """What to do with a sheet that says 'Resize to show all values': its end is missing."""
    delimiter: Annotated[str, AfterValidator(delimited.as_delimiter)] | None = None
    """Between fields; default: detected."""
    decimal: Literal[".", ","] = "."
    """Decimal sign of the numbers."""
    thousands: Literal["", ",", ".", " ", "'"] = ""
    """Sign between groups of three digits."""
    encoding: str | None = None
    """Encoding of the file; default: detected."""
    member: str | None = None
    """Which file of a zip, by name or pattern, where it holds several."""


class PiCsv(FileConnector):
    """Reads what DataLink, SMT and piconfig leave as text."""

    kind = "pi_csv"
    version = "1"
    Options = PiCsvOptions
    suffixes = (".csv", ".txt")

    def read(self, path: Path, options: PiCsvOptions, records: str = "rows") -> pl.LazyFrame:
        """One row a sample; the columns are always the same. See `connectors.contract`."""
        plain = text.lined(path, options.encoding, options.member, wanted="text of PI", longest=WIDEST)
        head = text.head(plain, max(LOOKED_AT, (options.data_row or 0) + 50))
        delimiter = options.delimiter or _delimiter(head, options)
        lines = list(_split(head, delimiter))
        is_list = options.layout == "list" if options.layout else bool(options.columns) or _header_of_list(lines) is not None
        found = _of_list(plain, lines, delimiter, options) if is_list else _of_sheet(plain, path, lines, delimiter, options)
        names = found.collect_schema().names()
        lacking = [pl.lit(None, dtype=pl.String).alias(name) for name in COLUMNS if name not in names]
        last = [name for name in (SURPLUS, UNREADABLE) if name in names]
        others = [name for name in names if name not in (ROW, *COLUMNS, "questionable", *last)]
        return _valued(found.with_columns(lacking), options).select(by_name(ROW, *COLUMNS, *others, *last))


def _delimiter(head: Sequence[str], options: PiCsvOptions) -> str:
    """The one with which samples are seen; names above every second column tell less than samples do."""
    if options.data_row and options.data_row <= len(head):
        return max(DELIMITERS, key=head[options.data_row - 1].count)
    for delimiter in DELIMITERS:
        lines = list(_split(head, delimiter))
        if any(_is_sample(line) for line in lines) or _header_of_list(lines):
            return delimiter
    return detect_delimiter(head, '"') or unused_delimiter(head)


def _split(head: Sequence[str], delimiter: str) -> Iterator[Line]:
    """Lines of a head; no cell of PI spans lines, so a quote that is open at a line's end is a stray one."""
    splitter, plain = Splitter(delimiter, '"'), Splitter(delimiter, "")
    for number, line in enumerate(head):
        yield Line(number, number + 1, line, splitter.split(line) or plain.split(line) or [])


# --- values --------------------------------------------------------------------------------------------------------------------


def _valued(frame: pl.LazyFrame, options: PiCsvOptions) -> pl.LazyFrame:
    """What of `value` is a value; a state or an error is the quality, and no value. A text is judged once, not once a row."""
    raw = pl.col("value")
    number = raw.str.contains(NUMBER)
    coded = raw.str.strip_chars().is_in([str(code) for code in options.state_codes]) if options.state_codes else pl.lit(False)
    frame = frame.with_columns(pl.when(~number | coded).then(raw).alias("told"), number.alias("is_number"))

    def mapped(place: int) -> pl.Expr:
        def each(texts: pl.Series) -> pl.Series:
            known = texts.unique().drop_nulls()
            return texts.replace_strict(known, [_told(word, options)[place] for word in known], default=None, return_dtype=pl.String)

        return pl.col("told").map_batches(each, return_dtype=pl.String, is_elementwise=True)

    frame = frame.with_columns(
        pl.coalesce(mapped(0), pl.when("is_number").then(pl.lit("number"))).alias("value_type"),
        mapped(1).alias("quality_code"),
        mapped(2).alias("quality_text"),
    )
    is_told = "questionable" in frame.collect_schema().names()
    words = pl.col("questionable").str.strip_chars().str.to_lowercase() if is_told else pl.lit("")
    doubtful = words.is_in(["true", "1", "yes", "y", "?"])
    is_none = pl.col("value_type").is_in(["system_state", "error"])
    return frame.with_columns(
        pl.when(~is_none.fill_null(False)).then("value").alias("value"),
        pl.when(is_none).then(pl.lit("BAD")).when(doubtful).then(pl.lit("UNCERTAIN")).alias("quality"),
        pl.when(is_none).then("quality_text").when(doubtful).then(pl.lit("Questionable")).alias("quality_text"),
    )  # fmt: skip


def _told(word: str, options: PiCsvOptions) -> tuple[str, str | None, str | None]:
    """What a text in a column of values is, with the code and the words of a state or an error.

    >>> _told("I/O Timeout", PiCsvOptions()), _told("Running", PiCsvOptions())
    (('system_state', '246', 'I/O Timeout'), ('text', None, None))
    >>> _told("[-11059] No Good Data For Calculation", PiCsvOptions())
    ('error', '-11059', 'No Good Data For Calculation')
    """
    plain = word.strip()
    if found := CODED.fullmatch(word):
        return "error", found[1], found[2].strip()
    code = options.states.get(plain, quality.pi_code(plain))
    if code is None and plain.isdecimal() and int(plain) in options.state_codes:
        code = int(plain)
        plain = quality.PI_SYSTEM_STATES.get(code, plain)
    if code is not None:
        return "system_state", str(code), plain
    return ("error", None, plain) if plain.casefold().startswith(ERRORS) else ("text", None, None)


# --- lists ---------------------------------------------------------------------------------------------------------------------


def _header_of_list(lines: Sequence[Line]) -> Line | None:
    """The first line that names tag, time and value."""
    for line in lines[:50]:
        names = set(_list_names([field or "" for field in line.fields]))
        if {"tag", "timestamp", "value"} <= names:
            return line
    return None


def _list_names(cells: Sequence[str]) -> list[str]:
    """The columns that cells of a header mean; other words stay as they are."""
    found: list[str] = []
    for cell in cells:
        word = cell.strip().lstrip("*> ").strip()
        name = next((name for name, words in OF_LIST.items() if word.casefold() in words), word)
        found.append(word if name in found else name)
    return found


def _of_list(plain: Path, lines: Sequence[Line], delimiter: str, options: PiCsvOptions) -> pl.LazyFrame:
    header = None if options.columns else _header_of_list(lines)
    if header is None and not options.columns:
        found = lines[0].text[:120] if lines else None
        told = "No line of the list names the columns tag, timestamp and value."
        raise ReadError(Problem(told, found=found, fix="options.columns: [tag, timestamp, value], in the order of the file"))
    names = tuple(options.columns) if header is None else tuple(_list_names([field or "" for field in header.fields]))
    skip = header.after if header else (options.data_row or 1) - 1
    stated = DelimitedOptions(delimiter=delimiter, encoding="utf-8", header=False, columns=names, skip_rows=skip, comment="*")
    try:
        return delimited.CONNECTOR.read(plain, stated)
    except ReadError:
        if header is None or len(lines) > skip:
            raise
        return pl.LazyFrame(schema={ROW: pl.Int64, **dict.fromkeys(names, pl.String)})  # a header and no samples


# --- sheets --------------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Tag:
    """A column of values, the column of its times, and what stands above them."""

    time: int
    value: int
    name: str
    units: str | None
    description: str | None


def _of_sheet(plain: Path, path: Path, lines: Sequence[Line], delimiter: str, options: PiCsvOptions) -> pl.LazyFrame:
    start = _first_row(lines, options)
    times = sorted({number - 1 for number in options.time_columns}) or _time_columns(lines[start : start + 50])
    if not times:
        raise _no_sheet(lines)
    tags = _tags(lines, start, times, options)
    above = {line.text.strip() for line in lines[:start] if line.text.strip(f"{delimiter} ")}
    spool = Spool(path, ("tag", "timestamp", "value", "units", "description"))
    coming = text.lines(plain)
    deque(islice(coming, start), maxlen=0)
    for line in coming:
        if line.strip(f"{delimiter} \t") and line.strip() not in above:
            _add(line, delimiter, tags, spool, options)
    return spool.frame()


def _first_row(lines: Sequence[Line], options: PiCsvOptions) -> int:
    """Position of the first line of samples. Raises ReadError where there is none."""
    if options.data_row:
        return options.data_row - 1
    found = next((place for place, line in enumerate(lines) if _is_sample(line)), None)
    if found is not None:
        return found
    raise _no_sheet(lines)


def _no_sheet(lines: Sequence[Line]) -> ReadError:
    told = "No line of the file begins with a moment and a value behind it: this is no sheet of DataLink."
    first = next((line.text for line in lines if line.text.strip()), "")
    fix = "options.data_row and options.time_columns where times are numbers; options.layout: list; or kind: delimited"
    return ReadError(Problem(told, found=first[:120], fix=fix))


def _is_sample(line: Line) -> bool:
    filled = [field for field in line.fields if field and field.strip()]
    return len(filled) > 1 and MOMENT.fullmatch(filled[0]) is not None


def _time_columns(lines: Sequence[Line]) -> list[int]:
    """The columns at least half of whose cells are moments; errors may stand among them."""
    width = max((line.width for line in lines), default=0)
    found = []
    for column in range(width):
        cells = [field for line in lines if column < line.width and (field := line.fields[column]) and field.strip()]
        if cells and sum(MOMENT.fullmatch(cell) is not None for cell in cells) * 2 >= len(cells):
            found.append(column)
    return found


def _tags(lines: Sequence[Line], start: int, times: Sequence[int], options: PiCsvOptions) -> list[Tag]:
    """The columns of values. Raises ReadError where nobody can tell whose values belong to a column of times."""
    places = _places(lines[:start], options)
    named = places["tag"]
    width = max(line.width for line in lines)
    rows = [_cells(lines, places[what], width) for what in ("tag", "units", "description")]
    found: list[Tag] = []
    for time, end in zip(times, [*times[1:], width], strict=True):
        own = [value for value in range(time + 1, end) if rows[0][value]]
        if not own and (time + 1 >= end or not rows[0][time]):
            told = f"Column {time + 2} has no name of a tag above it, nor has its time."
            raise ReadError(Problem(told, found=lines[named].text[:120], fix="options.tag_row: <line of the names, from 1>"))
        found += [_tag(time, value, rows, alone=len(own) < 2) for value in own or [time + 1]]
    name, count = Counter(tag.name for tag in found).most_common(1)[0]
    if count > 1:
        told = f"Two columns have the name '{name}' above them."
        raise ReadError(Problem(told, found=lines[named].text[:120], fix="options.tag_row: <line of the names, from 1>"))
    return found


def _places(above: Sequence[Line], options: PiCsvOptions) -> dict[str, int]:
    """Which lines above the samples hold names, units and descriptions, -1 for none. Raises ReadError where nobody can tell the names."""
    stated = {"tag": options.tag_row, "units": options.units_row, "description": options.description_row}
    found = {what: row - 1 if row else _labelled(above, LABELS[what]) for what, row in stated.items()}
    if 0 <= found["tag"] < len(above):
        return found
    is_free = not options.tag_row
    others = [place for place, line in enumerate(above) if is_free and line.filled and place not in found.values()]
    if len(others) == 1:
        return {**found, "tag": others[0]}
    told = "No line above the samples holds the names of the tags."
    if others:
        told = f"Several lines above the samples may hold the names of the tags: {listed([str(place + 1) for place in others])}."
    text_of = above[others[0]].text[:120] if others else None
    raise ReadError(Problem(told, found=text_of, fix="options.tag_row: <line of the names, from 1> (and units_row, description_row)"))


def _labelled(above: Sequence[Line], words: Sequence[str]) -> int:
    for place, line in enumerate(above):
        first = next((field.strip().casefold() for field in line.fields if field and field.strip()), "")
        if first in words and line.filled > 1:
            return place
    return -1


def _tag(time: int, value: int, rows: Sequence[Sequence[str | None]], *, alone: bool) -> Tag:
    """What stands above a value; for the only value of a time also above the time."""
    name, units, description = (row[value] or (row[time] if alone else None) for row in rows)
    return Tag(time, value, name or "", units, description)


def _cells(lines: Sequence[Line], place: int, width: int) -> list[str | None]:
    """The cells of a line above the samples; words such as Time and Value say nothing."""
    fields = lines[place].fields if 0 <= place < len(lines) else []
    texts = [(field or "").strip() for field in fields]
    return [*(None if cell.casefold() in GENERIC else cell or None for cell in texts), *[None] * (width - len(texts))]


def _add(line: str, delimiter: str, tags: Sequence[Tag], spool: Spool, options: PiCsvOptions) -> None:
    """The samples of one line; a time without a value is one, a value without a time is none that can be read."""
    (split,) = _split([line], delimiter)
    fields = [(field or "").strip() for field in split.fields]
    used = {place for tag in tags for place in (tag.time, tag.value)}
    extra = [field for place, field in enumerate(fields) if field and place not in used]
    for tag in tags:
        time, value = (fields[place] if place < len(fields) else "" for place in (tag.time, tag.value))
        if not time and not value:
            continue
        if CUT in (time.casefold(), value.casefold()):
            _refuse_cut(tag, options)
        elif not time or (not value and not MOMENT.fullmatch(time) and not options.time_columns):
            spool.add(unreadable(f"{tag.name}: {time}{delimiter}{value}", f"the tag {tag.name} has '{time or value}' instead of a sample"))
        else:
            row: Row = {"tag": tag.name, "timestamp": time, "value": value or None, "units": tag.units, "description": tag.description}
            spool.add(row)
    if extra:
        spool.add(unreadable(line, "there are cells behind the columns of tags"))


def _refuse_cut(tag: Tag, options: PiCsvOptions) -> None:
    if options.incomplete == "refuse":
        told = f"The sheet is not all: DataLink says of {tag.name} 'Resize to show all values'."
        fix = "refresh the sheet with a larger array, or options.incomplete: accept"
        raise ReadError(Problem(told, found=tag.name, fix=fix))


CONNECTOR = PiCsv()
