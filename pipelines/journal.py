"""The journal of a lake's ledger: what was delivered and what became of it, as lines that are only ever added.

Here: adding lines and reading them again. Elsewhere: what a line says (`pipelines.ledger`, which writes it before it commits, and
makes itself anew from the lines when its file is gone), what can be known without the journal (`pipelines.rebuild`).

The journal stands beside the bytes in bronze, because it says what they are: plant, source and name of every delivery. One file a
month for the whole lake, one JSON object a line, one write and one fsync a transaction. A small file per export was the other
choice: 100 plants with 20 exports a day make 730,000 of them in a year, which cost each backup and each listing more than the bytes.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

Entry = dict[str, Any]
BASE = "0000-00.jsonl"
"""Read first: what was known before the journal was begun."""


class Journal:
    """The journal in a folder. Those who write hold the lake's lock."""

    def __init__(self, folder: Path):
        self.folder = folder

    @property
    def files(self) -> list[Path]:
        return sorted(self.folder.glob("[0-9]*.jsonl"))

    def append(self, entries: Sequence[Entry]) -> None:
        """Adds entries so that they survive a power cut; values that are None are left out."""
        if not entries:
            return
        self.folder.mkdir(parents=True, exist_ok=True)
        path = self.folder / f"{datetime.now(UTC):%Y-%m}.jsonl"
        with path.open("ab+") as file:
            head = b"\n" if _is_torn(file) else b""  # a killed writer's half line stays one broken line
            file.write(head + lines(entries))
            file.flush()
            os.fsync(file.fileno())

    @property
    def base(self) -> Path:
        return self.folder / BASE

    def entries(self) -> Iterator[Entry]:
        """Every entry in the order in which it was written. A line that a killed writer left half written counts for nothing."""
        for path in self.files:
            with path.open("rb") as file:
                for line in file:
                    entry = _entry(line)
                    if entry is not None:
                        yield entry


def lines(entries: Iterable[Entry]) -> bytes:
    """Entries as they stand in a file."""
    kept = ({name: value for name, value in entry.items() if value is not None} for entry in entries)
    return "".join(json.dumps(entry, ensure_ascii=False, separators=(",", ":")) + "\n" for entry in kept).encode()


def _entry(line: bytes) -> Entry | None:
    try:
        entry = json.loads(line)
    except ValueError:  # also bytes that end within a letter
        return None
    return entry if isinstance(entry, dict) else None


def _is_torn(file: Any) -> bool:
    if file.seek(0, os.SEEK_END) == 0:
        return False
    file.seek(-1, os.SEEK_END)
    return bool(file.read(1) != b"\n")
