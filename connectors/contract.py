"""The contract of a connector, and what every connector shares.

A connector knows a format or a protocol; never a plant, and never a canonical column. Here: `Connector`, `Place`, `Export` and the base
of the kinds that read files. Elsewhere: the kinds themselves (`connectors/kinds/<family>/<kind>.py`), finding a kind by its name
(`connectors.registry`), finding and fetching files (`connectors.discovery`), what columns mean (`transforms`).
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Protocol, runtime_checkable

from connectors.strict import StrictModel

if TYPE_CHECKING:
    import polars as pl

ROW = "_row"
SURPLUS = "_surplus"
"""What a record holds beyond its columns, or all of a record that cannot be read, as text: conform rejects it, because its fields
have shifted or have no names."""
UNREADABLE = "_unreadable"
"""Why one record cannot be read, in words that follow 'UNREADABLE:'; conform rejects it. Its text stands in `_surplus`."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where the exports of one source are, and how they are reached."""

    root: str
    """A local folder, or a URL."""
    path: str
    """A pattern of names below it; of a system, what is asked of it."""
    options: Any = None
    """The kind's options; None where they do not matter."""
    connection: Mapping[str, Any] = field(default_factory=dict, repr=False)
    """Settings of the connection, secrets in place."""
    last: str | None = None
    """The export of this source that was landed last, in the order of exports: a system is asked from there."""
    timezone: str = "UTC"
    """Zone of the source's clock, for a system whose times state none."""
    no_dst: bool = False
    """Whether that clock keeps standard time all year."""


@dataclass(frozen=True, slots=True)
class Export:
    """One thing a plant delivered, seen but not yet read. `name` is its path below the source's root, with '/'."""

    url: str
    name: str
    size: int | None = None
    modified: datetime | None = None


@dataclass(frozen=True, slots=True)
class Original:
    """A record as it stands in its export, for somebody who wants to see it."""

    place: str
    """Where it stands, in words of its format: 'line 7', 'row 12', 'record 3'."""
    text: str
    is_verbatim: bool
    """Whether it is the text of the file itself; else the record as it was read, in JSON."""


@runtime_checkable
class Connector(Protocol):
    """What a kind has to offer. One instance serves all plants, so it holds no state."""

    kind: ClassVar[str]
    """As written in a plant file."""
    version: ClassVar[str]
    """Raised when the same bytes read differently; parsed bronze is keyed by it."""
    Options: ClassVar[type[StrictModel]]
    """The kind's YAML options, each described; those that decide only what is asked, not how an answer reads, are `strict.Asking`."""
    records: ClassVar[tuple[str, ...]]
    """The record sets one export holds, the default first; most kinds have one, 'rows'."""
    record_pattern: ClassVar[str | None]
    """What names of further record sets look like, where they are words of the data (segments of an IDoc); None where `records` is all."""
    suffixes: ClassVar[tuple[str, ...]]
    """File name endings that suggest this kind, for messages and drafts."""

    def discover(self, place: Place) -> Iterator[Export]:
        """The exports at a place, by name; of a system, what is to be asked since `place.last` (names by `connectors.windows`).

        A system is asked in the order given here, and where one answer fails none after it is asked: the next refresh goes on there.
        Cheap: lists, never reads. Raises ReadError when the place cannot be reached."""
        ...

    def fetch(self, export: Export, place: Place, target: Path) -> None:
        """Copies the export's original bytes (a system's answer) to the local file `target`."""
        ...

    def read(self, path: Path, options: Any, records: str = "rows") -> pl.LazyFrame:
        """The records of one export as delivered: original headers, text where the format has no types, `_row` from 1.

        `_row` (Int64) numbers the data records in the order of the file (a spreadsheet: the sheet's own row number).
        Nulls are what the format itself calls null (an empty unquoted field, an empty cell); words such as 'N/A' stay as they are.
        Raises ReadError (with `Problem.fix` where an option would help) when the bytes are not of this kind, are truncated or empty
        of any header. A file with a header and no records is an empty frame with its columns.
        """
        ...

    def originals(self, path: Path, options: Any, records: str, rows: Collection[int]) -> Mapping[int, Original]:
        """The records of some `_row`s as they stand in the export. Raises ReadError like `read`."""
        ...


class FileConnector:
    """A kind that reads files found by a path pattern on anything fsspec reaches."""

    records: ClassVar[tuple[str, ...]] = ("rows",)
    record_pattern: ClassVar[str | None] = None

    def is_system(self, place: Place) -> bool:
        """Whether there is no file at a place but a system that is asked: `discover` and `fetch` are then the kind's own."""
        return False

    def discover(self, place: Place) -> Iterator[Export]:
        from connectors.discovery import discover

        return discover(place)

    def fetch(self, export: Export, place: Place, target: Path) -> None:
        from connectors.discovery import fetch

        fetch(export, place, target)

    def layout(self, path: Path, options: Any) -> dict[str, str]:
        """What is found of the file itself where it was only detected: its encoding, its delimiter, its sheets. Cheap, and never fails."""
        return {}

    def originals(self: Connector, path: Path, options: Any, records: str, rows: Collection[int]) -> Mapping[int, Original]:
        """The records as they were read: right for every format, and verbatim for none. Kinds with lines of text tell the line."""
        return as_read(self.read(path, options, records), rows, "record" if records == "rows" else f"record of '{records}'")


def as_read(frame: pl.LazyFrame, rows: Collection[int], word: str) -> dict[int, Original]:
    """Records by their `_row` in JSON, their place as `word` and the number."""
    import json

    import polars as pl

    found = frame.filter(pl.col(ROW).is_in(list(rows))).collect()
    texts = {row.pop(ROW): json.dumps(row, default=str, ensure_ascii=False) for row in found.to_dicts()}
    return {number: Original(f"{word} {number}", text, is_verbatim=False) for number, text in texts.items()}
