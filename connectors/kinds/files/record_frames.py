"""Records read one after the other to one frame, in bounded memory.

Here: records of text columns whose names may only be known at the end, kept in Parquet files beside the export where they are many;
records that cannot be read. Elsewhere: what a record is (each kind). As in `connectors.kinds.files.text`, the caller owns the folder
of the export, keeps it as long as the frame is in use, and removes it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from uuid import uuid4

import polars as pl
from polars.selectors import by_name

from connectors.contract import ROW, SURPLUS, UNREADABLE
from connectors.errors import Problem, ReadError, listed

Row = dict[str, str | None]
Record = Mapping[str, str | None]
HELD_ROWS = 20_000
HELD_CHARACTERS = 64 << 20
"""Records are written when so many, or so much text, is in memory."""
MOST_COLUMNS = 2_000
HALF = "a text holds half a character"
LAST = (SURPLUS, UNREADABLE)


class Spool:
    """Records on their way to a frame: some thousand in memory, the others in Parquet files beside the export."""

    def __init__(self, path: Path, first: Sequence[str] = (), fix: str = "the option that says which records are read"):
        self.folder = path.with_name(f"{path.name}.{uuid4().hex[:8]}")
        self.names: dict[str, None] = dict.fromkeys(first)
        self.fix = fix
        """What to edit where the records have too many different fields."""
        self.count = 0
        self._rows: list[Record] = []
        self._size = 0
        self._written: list[Path] = []

    def add(self, row: Record) -> None:
        """Adds a record. Raises ReadError where there are too many different fields."""
        self.count += 1
        self._size += sum([len(text) for text in row.values() if text])
        self._rows.append(row)
        if len(self._rows) >= HELD_ROWS or self._size >= HELD_CHARACTERS:
            self._write()

    def expect(self, names: Iterable[str]) -> None:
        """Fields that are there although no record may have them."""
        self.names |= dict.fromkeys(names)

    def known(self) -> list[str]:
        """The fields of the records that could be read."""
        names = dict.fromkeys([*self.names, *(name for row in self._rows for name in row)])
        return [name for name in names if name not in LAST]

    def frame(self, nulls: Sequence[str] = ()) -> pl.LazyFrame:
        """All records in their order: `_row`, fields in the order of their first appearance, what could not be read last."""
        held = self._held()
        names = sorted(self.names, key=lambda name: LAST.index(name) if name in LAST else -1)
        parts = [pl.scan_parquet(file, glob=False) for file in self._written]
        whole = pl.concat([*parts, held.lazy()], how="diagonal") if parts else held.lazy()
        chosen = whole.select(by_name(ROW, *names))
        texts = by_name(names)
        return chosen.with_columns(pl.when(~texts.is_in(nulls)).then(texts).name.keep()) if nulls else chosen

    def _held(self) -> pl.DataFrame:
        try:
            return self._framed()
        except UnicodeEncodeError:
            self._rows = [row if _is_whole(row) else unreadable(_shown(row), HALF) for row in self._rows]
            return self._framed()

    def _framed(self) -> pl.DataFrame:
        rows, names = self._rows, dict(self.names)
        for row in rows:
            names.update(dict.fromkeys(row))
        if len(names) > MOST_COLUMNS:
            told = f"The records have more than {MOST_COLUMNS} different fields: some object has names where others have values."
            raise ReadError(Problem(told, found=listed(list(names)), fix=self.fix))
        columns = {name: [row.get(name) for row in rows] for name in names}
        frame = pl.DataFrame(columns, schema=dict.fromkeys(columns, pl.String), strict=True)
        numbers = pl.int_range(self.count - len(rows) + 1, self.count + 1, dtype=pl.Int64, eager=True).alias(ROW)
        self.names = names
        return pl.DataFrame([numbers, *frame.get_columns()])

    def _write(self) -> None:
        self.folder.mkdir(exist_ok=True)
        target = self.folder / f"{len(self._written):06}.parquet"
        self._held().write_parquet(target, compression="lz4")
        self._written.append(target)
        self._rows, self._size = [], 0


def framed(records: Iterable[Record], columns: Sequence[str], path: Path) -> pl.LazyFrame:
    """`_row` from 1, then `columns`, then all other names in the order in which records bring them; every column is text."""
    spool = Spool(path, columns)
    for record in records:
        spool.add(record)
    return spool.frame()


def unreadable(text: str | None, why: str) -> Row:
    """The row of a record that cannot be read: its text and why; conform rejects it with its number.

    >>> unreadable("5;", "the value is missing")
    {'_surplus': '5;', '_unreadable': 'the value is missing'}
    """
    return {SURPLUS: text, UNREADABLE: why}


def _shown(row: Record) -> str:
    return repr(dict(row)).encode("utf-8", "backslashreplace").decode()


def _is_whole(row: Record) -> bool:
    """Whether every text of a row can be stored; JSON can escape one half of a pair of UTF-16 alone."""
    try:
        "".join([*row, *(text for text in row.values() if text)]).encode()
    except UnicodeEncodeError:
        return False
    return True
