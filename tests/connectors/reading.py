"""How a test of a kind reads: what rows a file gives, what error it is, and what a system answers since the last time.

Here: the three short ways. Elsewhere: files for a test (`sample_files`, the fixture `make`).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from connectors.contract import Export, Place
from connectors.errors import ReadError
from connectors.registry import connector


def reading(kind: str) -> tuple[Callable[..., list[tuple[Any, ...]]], Callable[..., str]]:
    """`rows(path, *columns, records=..., **options)` of a kind (columns that a file lacks are left out), and `error(path, ...)`: its words."""
    found = connector(kind)

    def rows(path: Path, *columns: str, records: str = found.records[0], **options: Any) -> list[tuple[Any, ...]]:
        frame = found.read(path, found.Options.model_validate(options), records).collect()
        return frame.select(column for column in columns if column in frame.columns).rows()

    def error(path: Path, records: str = found.records[0], **options: Any) -> str:
        with pytest.raises(ReadError) as caught:
            rows(path, "_row", records=records, **options)
        assert caught.value.problems[0].fix, "an error says what to edit"
        return str(caught.value)

    return rows, error


class AskedSource:
    """A source of a system, asked as refreshes ask it: `land` gives the rows of what is new."""

    def __init__(
        self,
        kind: str,
        root: Path | str,
        path: str,
        folder: Path,
        connection: dict[str, Any] | None = None,
        timezone: str = "UTC",
        **options: Any,
    ):
        self.kind = connector(kind)
        self.place = Place(str(root), path, self.kind.Options.model_validate(options), connection or {}, None, timezone)
        self.folder = folder

    def due(self) -> list[Export]:
        return list(self.kind.discover(self.place))

    def rows(self, export: Export) -> pl.DataFrame:
        target = self.folder / "answer.parquet"
        self.kind.fetch(export, self.place, target)
        self.place = replace(self.place, last=export.name)
        return self.kind.read(target, self.place.options, self.kind.records[0]).collect()

    def land(self, column: str = "id") -> list[list[Any]]:
        return [self.rows(export)[column].to_list() for export in self.due()]
