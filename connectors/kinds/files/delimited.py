"""Delimited text (`kind: delimited`): CSV and its relatives, as plants really write them.

Here: options, the layout of one file, records as delivered (every field is text). Elsewhere: bytes and encodings
(`connectors.kinds.files.text`), lines and fields (`connectors.kinds.files.lines`), irregular files
(`connectors.kinds.files.regular`), numbers and times (`transforms`).

Two ways lead to the same records. A regular file (every line has the header's number of fields, nothing to leave out) is scanned
by polars as it stands. Anything else goes through one pass of Python that writes the records as a regular file beside the export.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from itertools import islice
from pathlib import Path
from typing import Annotated, Any, Literal

import polars as pl
from pydantic import AfterValidator, BeforeValidator, Field, model_validator

from connectors.contract import ROW, SURPLUS, FileConnector, Original
from connectors.errors import Problem, ReadError, closest, listed
from connectors.kinds.files import text
from connectors.kinds.files.lines import (
    Line,
    detect_delimiter,
    detect_numbers,
    finds,
    header_index,
    looks_like_data,
    sample,
    unique,
    unused_delimiter,
)
from connectors.kinds.files.regular import Cleaner, Layout, regular_width
from connectors.strict import StrictModel, as_texts

HEAD_LINES = 1000
WORDS = {"tab": "\t", "\\t": "\t", "comma": ",", "semicolon": ";", "pipe": "|", "space": " "}


def as_delimiter(value: str) -> str:
    found = WORDS.get(value.lower(), value)
    if not found or "\n" in found:
        raise ValueError('a delimiter is one or more characters, such as ";" or tab')
    return found


def _as_pattern(value: Any) -> Any:
    if isinstance(value, str):
        try:
            re.compile(value)
        except re.error as error:
            raise ValueError(f"'{value}' is not a regular expression: {error}") from error
    return value


class DelimitedOptions(StrictModel):
    """How the text is laid out. Whatever is not given is detected, or taken not to be there."""

    delimiter: Annotated[str, AfterValidator(as_delimiter)] | None = None
    """Between fields; default: the one of tab ; | , that splits the lines alike."""
    encoding: str | None = None
    """utf-8, cp1252, utf-16 ...; default: by byte order mark, else UTF-8 where all of it is valid, else CP1252."""
    decimal: Literal[".", ","] = "."
    """Decimal sign of the numbers."""
    thousands: Literal["", ",", ".", " ", "'"] = ""
    """Sign between groups of three digits."""
    quote: Annotated[str, Field(max_length=1)] = '"'
    """Around fields that hold delimiters or line breaks; '' for none."""
    header: Annotated[Literal[False] | int | tuple[str, ...] | None, BeforeValidator(as_texts)] = None
    """Line of the header from 1, texts (or regular expressions) its cells hold, or false (then `columns`); default: detected."""
    columns: tuple[str, ...] = ()
    """Names of the columns of a file without header."""
    skip_rows: Annotated[int, Field(ge=0)] = 0
    """Lines at the top that are ignored before anything is looked for."""
    units_row: Annotated[int, BeforeValidator(int), Field(ge=0)] = 0
    """Lines with units (or other notes) directly below the header; true is 1."""
    units_in_header: bool = False
    """Put the units of the first units line into the names: 'Power (kW)'."""
    comment: str | None = None
    """Lines that start with this are no records."""
    footer: Annotated[str | int | None, AfterValidator(_as_pattern)] = None
    """Where the table ends: a regular expression that the first line after it matches, or a number of last lines."""
    repeated_headers: bool = True
    """Lines equal to the header are no records (files that were glued together)."""
    nulls: tuple[str, ...] = ()
    """Texts that mean 'empty' in every column, such as NULL or '-'."""
    member: str | None = None
    """Which file of a zip, by name or pattern, where it holds several."""

    @model_validator(mode="after")
    def _columns_replace_the_header(self) -> DelimitedOptions:
        if self.columns and self.header is not False:
            raise ValueError("columns names the columns of a file without header: write header: false as well")
        return self


class Delimited(FileConnector):
    """Reads delimited text."""

    kind = "delimited"
    version = "3"
    Options = DelimitedOptions
    suffixes = (".csv", ".txt", ".tsv", ".dat", ".csv.gz", ".csv.zst", ".zip")

    def read(self, path: Path, options: DelimitedOptions, records: str = "rows") -> pl.LazyFrame:
        """Every field as text, null where it is empty and unquoted; `_row` numbers the records. See `connectors.contract`.

        A record with more fields than the header keeps them in `_surplus`; a shorter one ends in nulls.
        """
        plain = text.lined(path, options.encoding, options.member)
        layout = _layout(plain, options)
        width = regular_width(plain, layout, options)
        frame = _scan_regular(plain, layout, options, width) if width else _clean(plain, path, layout, options)
        if not options.nulls:
            return frame
        fields = pl.col(pl.String)
        return frame.with_columns(pl.when(~fields.is_in(options.nulls)).then(fields))

    def layout(self, path: Path, options: DelimitedOptions) -> dict[str, str]:
        """Encoding and delimiter, by the first lines."""
        source = next((file for file in (path.with_name(f"{path.name}.plain"), path) if file.exists()), path)
        try:
            encoding = text.looks_like(source)
            if not encoding:
                return {}
            with source.open(encoding="utf-8-sig" if encoding in ("utf-8", "ascii") else encoding, errors="replace", newline="") as lines:
                found = detect_delimiter([line[:10_000] for line in islice(lines, 100)], options.quote)
        except (OSError, ValueError):
            return {}
        return {"encoding": encoding} | ({"delimiter": "tab" if found == "\t" else found} if found else {})

    def originals(self, path: Path, options: DelimitedOptions, records: str, rows: Collection[int]) -> dict[int, Original]:
        """The lines of the records, verbatim; a record with line breaks in quotes has several."""
        plain = text.lined(path, options.encoding, options.member)
        last = max(rows, default=0)
        with plain.open(encoding="utf-8-sig", newline="") as source:
            lines = islice(enumerate(Cleaner(_layout(plain, options), options).lines(source), 1), last)
            return {row: Original(f"line {number}", line, is_verbatim=True) for row, (number, line) in lines if row in rows}


def sniff(path: Path) -> DelimitedOptions:
    """Options that state what a file looks like: encoding, delimiter, line of the header, decimal and thousands sign.

    For drafts of a plant file. Raises ReadError like `read`.
    """
    plain = text.lined(path)
    layout = _layout(plain, DelimitedOptions())
    lines = sample(_head(plain)[layout.start :], layout.delimiter, '"')
    decimal, thousands = detect_numbers(lines)
    stated = {"delimiter": layout.delimiter, "header": layout.header_line, "decimal": decimal, "thousands": thousands}
    source = path.with_name(f"{path.name}.plain") if plain != path and path.with_name(f"{path.name}.plain").exists() else path
    return DelimitedOptions.model_validate({"encoding": text.encoding_of(source), **stated})


def _head(path: Path, lines: int = HEAD_LINES) -> list[str]:
    with path.open(encoding="utf-8-sig", newline="") as file:
        return list(islice(file, lines))


def _layout(path: Path, options: DelimitedOptions) -> Layout:
    """Raises ReadError when there is no header, or not where or as the options say."""
    head = _head(path, max(HEAD_LINES, options.header + 50) if options.header and isinstance(options.header, int) else HEAD_LINES)
    first = options.header - 1 if options.header and isinstance(options.header, int) else options.skip_rows
    if first >= len(head):
        fix = f"{'options.header' if options.header else 'options.skip_rows'}: <a line from 1 to {len(head)}>"
        raise ReadError(Problem(f"The file has no line {first + 1}.", found=f"{len(head)} lines", fix=fix))
    at_comment = isinstance(options.header, int) and options.comment and head[first].startswith(options.comment)
    if at_comment:
        head[first] = head[first].removeprefix(options.comment or "").lstrip(" ")
    detected = options.delimiter or detect_delimiter([raw for raw in head[first:] if not _is_comment(raw, options)], options.quote)
    delimiter = detected or unused_delimiter(head[first:])
    lines = sample(head[first:], delimiter, options.quote, first, options.comment)
    if options.header is False:
        return _without_header(lines, first, delimiter, options)
    if not lines:
        raise ReadError(Problem("The file holds no header.", found="blank lines and comments only", fix=text.AGAIN))
    at = _header_at(lines, options)
    _refuse_wrong_delimiter(lines, at, delimiter, head[first:], options)
    units = lines[at + 1 : at + 1 + options.units_row]
    header = tuple(field or "" for field in lines[at].fields)
    start = units[-1].after if units else lines[at].after
    return Layout(delimiter, start, header, lines[at].first + 1, tuple(_names(header, units, options)))


def _is_comment(raw: str, options: DelimitedOptions) -> bool:
    return bool(options.comment) and raw.startswith(options.comment or "")


def _without_header(lines: list[Line], first: int, delimiter: str, options: DelimitedOptions) -> Layout:
    width = max((line.width for line in lines), default=0)
    names = options.columns or tuple(f"column_{n}" for n in range(1, width + 1))
    return Layout(delimiter, first, (), 0, tuple(unique(names, taken=(ROW, SURPLUS))))


def _names(header: tuple[str, ...], units: list[Line], options: DelimitedOptions) -> list[str]:
    if not (units and options.units_in_header):
        return unique(header, taken=(ROW, SURPLUS))
    found = [*(unit.strip() if unit else "" for unit in units[0].fields), *[""] * len(header)]
    return unique([f"{name} ({unit})" if unit else name for name, unit in zip(header, found, strict=False)], taken=(ROW, SURPLUS))


def _header_at(lines: list[Line], options: DelimitedOptions) -> int:
    """Position of the header in the lines."""
    if isinstance(options.header, tuple):
        found = next((n for n, line in enumerate(lines) if finds(options.header, line)), None)
        if found is None:
            words = list(dict.fromkeys(field.strip() for line in lines[:100] for field in line.fields if field and field.strip()))
            lost = next((word for word in options.header if word not in words), options.header[0])
            near = closest(lost, words)
            found_words = listed(words)
            fix = f"options.header: [{near or '<texts of the header>'}]"
            raise ReadError(Problem(f"No line holds the header's text '{lost}'.", found=found_words, closest=near, fix=fix))
        return found
    if options.header:
        return 0
    at = header_index(lines)
    if looks_like_data(lines[at]):
        fix = "options.header: false with options.columns: [...], or options.header: <line of the header>"
        raise ReadError(Problem("The file has no header: its first line holds data.", found=lines[at].text[:120], fix=fix))
    return at


def _refuse_wrong_delimiter(lines: list[Line], at: int, delimiter: str, head: list[str], options: DelimitedOptions) -> None:
    if options.delimiter is None or lines[at].width > 1:
        return
    better = detect_delimiter(head, options.quote)
    if better and better != delimiter:
        shown = {"\t": "tab"}.get(better, f'"{better}"')
        told = f"With the delimiter '{delimiter}' the header is one field."
        raise ReadError(Problem(told, found=lines[at].text[:120], fix=f"options.delimiter: {shown}"))


def _scan(path: Path, names: Sequence[str], delimiter: str, quote: str, skip: int = 0) -> pl.LazyFrame:
    """A lazy scan of a regular file."""
    frame = pl.scan_csv(
        path,
        separator=delimiter,
        has_header=False,
        skip_lines=skip,
        schema=dict.fromkeys(names, pl.String),
        quote_char=quote or None,
        row_index_name=ROW,
        row_index_offset=1,
        glob=False,
    )
    return frame.with_columns(pl.col(ROW).cast(pl.Int64))


def _scan_regular(path: Path, layout: Layout, options: DelimitedOptions, width: int) -> pl.LazyFrame:
    """An empty unnamed last column is left out."""
    names = layout.names[:-1] if layout.unnamed_last else layout.names
    padding = [f"_pad_{n}" for n in range(width - len(names))]
    return _scan(path, [*names, *padding], layout.delimiter, options.quote, layout.start).drop(padding)


def _clean(plain: Path, path: Path, layout: Layout, options: DelimitedOptions) -> pl.LazyFrame:
    """The records of an irregular file, by way of a regular one beside the export."""
    target = path.with_name(f"{path.name}.records")
    cleaner = Cleaner(layout, options)
    with plain.open(encoding="utf-8-sig", newline="") as source, target.open("w", encoding="utf-8", newline="") as out:
        out.writelines(cleaner.rows(source))
    names = [*layout.names, SURPLUS]
    if not cleaner.written:
        return pl.LazyFrame(schema={ROW: pl.Int64, **dict.fromkeys(names[:-1], pl.String)})
    frame = _scan(target, names, cleaner.delimiter, cleaner.quote)
    return frame.drop([] if cleaner.surplus else SURPLUS, [] if cleaner.last or not layout.unnamed_last else layout.names[-1])


CONNECTOR = Delimited()
