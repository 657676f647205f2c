"""XML of any kind (`kind: xml`): one record for each element at a path, its columns at paths relative to it.

Here: paths, the records they find, read as a stream. Elsewhere: the parser (`connectors.kinds.documents.xml_text`), formats whose
meaning is known (b2mml, sap_idoc, mtconnect).

A record is forgotten as soon as it is read, and so is everything that no path asks for: memory does not grow with the file. What
stands in elements around a record may come behind it, so it is read at their end and joined to their records then.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Annotated

import polars as pl
from lxml import etree
from polars.selectors import by_name
from pydantic import AfterValidator, Field, model_validator

from connectors.contract import ROW, FileConnector, Original
from connectors.errors import Problem, ReadError, closest, listed
from connectors.kinds.documents.xml_text import Element, attribute, attributes, empty, events, joined, local, text
from connectors.kinds.files.record_frames import Record, framed
from connectors.strict import StrictModel

NAME = r"(?:[^\W\d][\w.-]*|\*)"
ROWS = re.compile(rf"/?{NAME}(?:/{NAME})*")
COLUMN = re.compile(rf"\.|(?:\.\./)*(?:@[^\W\d][\w.-]*|{NAME}(?:/{NAME})*(?:/@[^\W\d][\w.-]*)?)")
AROUND = "_around"
"""Number of the element that holds a record, while what stands there is not yet known."""
MOST_PATHS = 1000
"""Paths that are remembered for messages."""


def _as_rows(value: str) -> str:
    if not ROWS.fullmatch(value):
        raise ValueError(f"'{value}' is no path of elements: write names without prefix, such as Orders/Order or /Root/*/Row")
    return value


def _as_column(value: str) -> str:
    if not COLUMN.fullmatch(value):
        raise ValueError(f"'{value}' is no path from a row: write Quantity, Quantity/@unit, @id, ../@date, ../Plant or .")
    return value


class XmlOptions(StrictModel):
    """What is a record, and what are its columns."""

    rows: Annotated[str, AfterValidator(_as_rows)]
    """Path of the elements that are records, names without namespace: Order, Orders/Order, /Root/Order (from the top), Orders/*."""
    columns: dict[str, Annotated[str, AfterValidator(_as_column)]] = Field(default={})
    """Column: its path from a record: Quantity, Quantity/@unit, @id, ../@date, ../../Plant, . (the text of the record itself). Default:
    every attribute and every text that records hold, by its path."""
    encoding: str | None = None
    """Encoding of the file; default: by byte order mark and declaration, as far as the bytes agree."""

    @model_validator(mode="after")
    def _names_are_free(self) -> XmlOptions:
        if taken := [name for name in self.columns if name == ROW or name.startswith(AROUND)]:
            raise ValueError(f"'{taken[0]}' is a name that plantlake uses itself: call the column otherwise")
        return self


@dataclass(frozen=True, slots=True)
class Place:
    """A column's path: how many levels up it starts, which children it follows, and which attribute it ends in."""

    up: int
    steps: tuple[str, ...]
    attribute: str | None

    @classmethod
    def of(cls, path: str) -> Place:
        steps = [step for step in path.split("/") if step != "."]
        up = steps.count("..")
        attribute = steps.pop().removeprefix("@") if steps and steps[-1].startswith("@") else None
        return cls(up, tuple(steps[up:]), attribute)


@dataclass(slots=True)
class Open:
    """An element that has begun and not ended."""

    element: Element
    number: int | None = None
    """Which of the elements around records, once a record was found in it."""


@dataclass(slots=True)
class Reading:
    """One pass over a file: records as they come, and what is found around them."""

    rows: tuple[str, ...]
    from_top: bool
    places: Mapping[str, Place]
    around: dict[int, list[Record]] = field(default_factory=dict)
    """By levels up, what each element around records holds; a record knows its number."""
    numbers: Iterator[int] = field(default_factory=count)
    paths: dict[str, None] = field(default_factory=dict)
    """The paths of elements that were seen, for messages."""

    @property
    def levels(self) -> list[int]:
        return sorted({place.up for place in self.places.values()} - {0})

    def of_level(self, level: int) -> dict[str, Place]:
        return {column: place for column, place in self.places.items() if place.up == level}

    @property
    def kept(self) -> set[str]:
        """Names of elements outside records that a column asks for."""
        return {step for place in self.places.values() if place.up for step in place.steps}


class Xml(FileConnector):
    """Reads XML."""

    kind = "xml"
    version = "1"
    Options = XmlOptions
    suffixes = (".xml",)

    def read(self, path: Path, options: XmlOptions, records: str = "rows") -> pl.LazyFrame:
        """Every element at `rows` as a record of text, null where nothing stands. See `connectors.contract`."""
        reading = _reading(options)
        numbers = [f"{AROUND}{level}" for level in reading.levels]
        own = [column for column in options.columns if not reading.places[column].up]
        frame = framed(_records(path, options, reading), [*numbers, *own], path)
        _refuse_nothing(frame, options, reading)
        return _with_around(frame, reading).select(by_name(ROW, *options.columns)) if options.columns else frame

    def originals(self, path: Path, options: XmlOptions, records: str, rows: Collection[int]) -> Mapping[int, Original]:
        """The element of each record, written anew: its text, not the blanks between its attributes."""
        found: dict[int, Original] = {}
        reading = _reading(options)
        for number, element in enumerate(_elements(path, options, reading), 1):
            if number in rows:
                told = etree.tostring(element, encoding="unicode", with_tail=False)
                found[number] = Original(f"line {element.sourceline}", told, is_verbatim=False)
        return found


def _reading(options: XmlOptions) -> Reading:
    rows = tuple(options.rows.removeprefix("/").split("/"))
    return Reading(rows, options.rows.startswith("/"), {column: Place.of(path) for column, path in options.columns.items()})


# --- elements ----------------------------------------------------------------------------------------------------------------


def _elements(path: Path, options: XmlOptions, reading: Reading) -> Iterator[Element]:
    """The elements that are records, each whole; what was read is forgotten behind it."""
    for element, _ in _found(path, options, reading):
        yield element


def _found(path: Path, options: XmlOptions, reading: Reading) -> Iterator[tuple[Element, list[Open]]]:
    """Records with the elements around them, which take their numbers; a record inside a record is a part of it."""
    around: list[Open] = []
    names: list[str] = []
    inside, kept = 0, reading.kept
    for event, element in events(path, options.encoding):
        if event == "start":
            if inside:
                inside += 1
                continue
            names.append(local(element))
            inside = int(_fits(names, reading))
            if not inside:
                around.append(Open(element))
                if len(reading.paths) < MOST_PATHS:
                    reading.paths.setdefault("/".join(names))
            continue
        if inside > 1:
            inside -= 1
            continue
        names.pop()
        if inside:
            inside = 0
            yield element, around
        elif (closed := around.pop()).number is not None:
            _read_around(closed, reading)
        _forget(element, kept)


def _fits(path: list[str], reading: Reading) -> bool:
    """Whether a path ends in the path of rows; from the top it is that path."""
    if len(path) < len(reading.rows) or (reading.from_top and len(path) > len(reading.rows)):
        return False
    return all(wanted in ("*", name) for wanted, name in zip(reversed(reading.rows), reversed(path), strict=False))


def _forget(element: Element, kept: set[str]) -> None:
    """Frees an element at its end, unless it or one around it has a name that a column asks for.

    Its sibling before it goes, because now nothing points at that one.
    """
    if "*" in kept or (kept and any(local(other) in kept for other in element.iterancestors())):
        return
    above, before = element.getparent(), element.getprevious()
    if above is not None and before is not None and local(before) not in kept:
        above.remove(before)
    if local(element) not in kept:
        empty(element)


# --- records -----------------------------------------------------------------------------------------------------------------


def _records(path: Path, options: XmlOptions, reading: Reading) -> Iterator[Record]:
    own, levels = reading.of_level(0), reading.levels
    for element, around in _found(path, options, reading):
        record = _at(element, own) if options.columns else _whole(element)
        for level in levels:
            if level <= len(around):
                holder = around[-level]
                holder.number = next(reading.numbers) if holder.number is None else holder.number
                record[f"{AROUND}{level}"] = str(holder.number)
        yield record


def _read_around(closed: Open, reading: Reading) -> None:
    for level in reading.levels:
        values = _at(closed.element, reading.of_level(level))
        reading.around.setdefault(level, []).append({f"{AROUND}{level}": str(closed.number), **values})


def _with_around(frame: pl.LazyFrame, reading: Reading) -> pl.LazyFrame:
    for level in reading.levels:
        number = f"{AROUND}{level}"
        schema = dict.fromkeys([number, *reading.of_level(level)], pl.String)
        told = pl.DataFrame(reading.around.get(level, []), schema=schema, orient="row")
        frame = frame.join(told.lazy(), on=number, how="left", maintain_order="left")
    return frame


def _at(element: Element, places: Mapping[str, Place]) -> dict[str, str | None]:
    """What stands at some places; where a path meets several elements, a JSON list."""
    children: dict[str, list[Element]] = {"*": list(element)}
    for inner in children["*"]:
        children.setdefault(local(inner), []).append(inner)
    found: dict[str, str | None] = {}
    for column, place in places.items():
        held = children.get(place.steps[0], []) if place.steps else [element]
        for step in place.steps[1:]:
            held = [inner for other in held for inner in other if step in ("*", local(inner))]
        told = [attribute(other, place.attribute) if place.attribute else text(other) for other in held]
        found[column] = joined([value for value in told if value is not None])
    return found


def _whole(element: Element) -> dict[str, str | None]:
    """Every attribute and text of a record by its path."""
    found: dict[str, list[str]] = {}
    _gather(element, "", found)
    return {f"./{path}" if path == ROW else path: joined(values) for path, values in found.items()}


def _gather(element: Element, prefix: str, found: dict[str, list[str]]) -> None:
    for name, value in attributes(element).items():
        found.setdefault(f"{prefix}@{name}", []).append(value)
    told = text(element)
    if told is not None or not len(element):
        values = found.setdefault(prefix.removesuffix("/") or ".", [])
        values += [told] if told is not None else []
    for inner in element:
        _gather(inner, f"{prefix}{local(inner)}/", found)


def _refuse_nothing(frame: pl.LazyFrame, options: XmlOptions, reading: Reading) -> None:
    """Raises ReadError when no record was found and the path is wrong, or when nobody can tell the columns."""
    if not frame.head(1).collect().is_empty():
        return
    parent = Reading(reading.rows[:-1], reading.from_top, {})
    has_parent = any(_fits(path.split("/"), parent) for path in reading.paths) if parent.rows else len(reading.paths) == 1
    if not has_parent:
        near = closest(options.rows, reading.paths)
        told = f"The document has no element at '{options.rows}'."
        raise ReadError(Problem(told, found=listed(list(reading.paths)), closest=near, fix=f"options.rows: {near or '<path>'}"))
    if not options.columns:
        told = f"The document has no element at '{options.rows}', so that nobody can tell the columns of its records."
        raise ReadError(Problem(told, found=listed(list(reading.paths)), fix="options.columns: {<name>: <path>}, or correct options.rows"))


CONNECTOR = Xml()
