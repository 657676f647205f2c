"""What the lake keeps of the exports' drift: a profile of each export, and every change that was found.

Here: one SQLite file beside the ledger. Elsewhere: what a profile is (`transforms.drift.profile`), what is found and when it ends
(`pipelines.drift`), the published table `drift` (`publish.snapshot`).

One file and not one a profile: bronze has two files an export already, and 100,000 more of a kilobyte cost each backup more than they
hold. It is not the ledger, because profiles can be made again from bronze and need no journal. What cannot be made again is what people
accepted; losing it makes them be asked once more.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Collection, Iterable, Mapping
from dataclasses import asdict, dataclass, fields
from datetime import datetime
from typing import Any, Literal

import polars as pl
import zstandard

from pipelines.sqlite_store import SqliteStore
from transforms.drift.profile import Profile, loads

State = Literal["OPEN", "NOTED", "ACCEPTED", "MENDED", "RETURNED"]
STATES = {
    "OPEN": "somebody has to look: edit the plant file, ask the plant, or accept it",
    "NOTED": "told once; nothing has to be done",
    "ACCEPTED": "somebody accepted it",
    "MENDED": "the plant file was edited since, where it concerns the column",
    "RETURNED": "later exports are as before, or the export was delivered anew",
}

_SCHEMA = """
CREATE TABLE IF NOT EXISTS profile (key TEXT PRIMARY KEY, content BLOB NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS finding (
  finding_id INTEGER PRIMARY KEY, plant_id TEXT NOT NULL, source_system TEXT NOT NULL, records TEXT NOT NULL, export TEXT NOT NULL,
  place TEXT NOT NULL, column_name TEXT, what TEXT NOT NULL, message TEXT NOT NULL, before TEXT NOT NULL, now TEXT NOT NULL, edit TEXT,
  edit_path TEXT, advice TEXT, is_loaded INTEGER NOT NULL, state TEXT NOT NULL, signature TEXT NOT NULL, mapping TEXT NOT NULL,
  found_at TEXT NOT NULL, refresh_id TEXT NOT NULL, last_export TEXT NOT NULL, exports INTEGER NOT NULL,
  closed_at TEXT, closed_by TEXT, note TEXT);
CREATE INDEX IF NOT EXISTS finding_source ON finding (plant_id, source_system, records, signature);
CREATE INDEX IF NOT EXISTS finding_open ON finding (plant_id) WHERE state = 'OPEN';
CREATE TABLE IF NOT EXISTS mark (name TEXT PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID;
"""


@dataclass(frozen=True, slots=True)
class Found:
    """One change, as it is kept."""

    plant_id: str
    source_system: str
    records: str
    export: str
    place: str
    """Of the export in the order of its source."""
    column_name: str | None
    what: str
    message: str
    before: str
    now: str
    edit: str | None
    """YAML to add to the plant file."""
    edit_path: str | None
    advice: str | None
    is_loaded: bool
    state: State
    signature: str
    mapping: str
    """Of what the plant file says of the column: when it says something else, the change is mended."""
    found_at: str
    refresh_id: str
    last_export: str
    """The last export in which it was seen."""
    exports: int = 1
    closed_at: str | None = None
    closed_by: str | None = None
    note: str | None = None
    finding_id: int | None = None

    @property
    def where(self) -> str:
        return " · ".join(part for part in (self.plant_id, self.source_system, self.export) if part)


_COLUMNS = tuple(item.name for item in fields(Found))
_UTC = pl.Datetime("us", "UTC")
DRIFT: dict[str, pl.DataType | type[pl.DataType]] = {
    "finding_id": pl.Int64, "plant_id": pl.String, "source_system": pl.String, "records": pl.String, "export": pl.String,
    "column_name": pl.String, "what": pl.String, "message": pl.String, "before": pl.String, "now": pl.String, "edit_path": pl.String,
    "edit": pl.String, "advice": pl.String, "is_loaded": pl.Boolean, "state": pl.String, "found_at": _UTC, "refresh_id": pl.String,
    "last_export": pl.String, "exports": pl.Int64, "closed_at": _UTC, "closed_by": pl.String, "note": pl.String,
}  # fmt: skip
"""Columns of the published `drift`."""


class DriftStore(SqliteStore):
    """The store of one lake."""

    what = "The file of profiles of exports and their changes"
    mend = "restore it from a backup, or move it away: profiles are made again, and changes that were accepted may be told once more"

    def _prepare(self) -> None:
        self._connection.executescript(_SCHEMA)

    # --- profiles ---------------------------------------------------------------------------------------------------------------

    def keep(self, profiles: Mapping[str, Profile]) -> None:
        """Adds profiles by their key; what is there stays."""
        pack = zstandard.ZstdCompressor(level=3)
        rows = [(key, pack.compress(profile.dumps().encode())) for key, profile in profiles.items()]
        with self.transaction():
            self._connection.executemany("INSERT OR IGNORE INTO profile VALUES (?, ?)", rows)

    def profile(self, key: str) -> Profile | None:
        rows = self._rows("SELECT content FROM profile WHERE key = ?", key)
        return loads(zstandard.ZstdDecompressor().decompress(rows[0][0]).decode()) if rows else None

    # --- what changed -------------------------------------------------------------------------------------------------------------

    def of_source(self, plant_id: str, source_system: str) -> list[Found]:
        """Every change of a source, the first found first."""
        sql = "SELECT * FROM finding WHERE plant_id = ? AND source_system = ? ORDER BY finding_id"
        return [_found(row) for row in self._rows(sql, plant_id, source_system)]

    def open(self, plants: Collection[str] | None = None) -> list[Found]:
        """Changes that wait for somebody."""
        rows = [
            _found(row) for row in self._rows("SELECT * FROM finding WHERE state = 'OPEN' ORDER BY plant_id, source_system, finding_id")
        ]
        return [row for row in rows if plants is None or row.plant_id in plants]

    def all(self) -> list[Found]:
        return [_found(row) for row in self._rows("SELECT * FROM finding ORDER BY plant_id, source_system, finding_id")]

    def add(self, found: Iterable[Found]) -> list[int]:
        """Enters changes; gives their ids."""
        names = _COLUMNS[:-1]
        ids: list[int] = []
        for row in found:
            values = asdict(row)
            sql = f"INSERT INTO finding ({', '.join(names)}) VALUES ({', '.join(':' + name for name in names)})"
            ids.append(int(self._connection.execute(sql, values).lastrowid or 0))
        return ids

    def seen_again(self, finding_id: int, export: str) -> None:
        self._connection.execute("UPDATE finding SET last_export = ?, exports = exports + 1 WHERE finding_id = ?", (export, finding_id))

    def end(self, finding_id: int, state: State, at: datetime, by: str, note: str | None = None) -> None:
        sql = "UPDATE finding SET state = ?, closed_at = ?, closed_by = ?, note = coalesce(?, note) WHERE finding_id = ?"
        self._connection.execute(sql, (state, at.isoformat(), by, note, finding_id))

    def remap(self, finding_id: int, mapping: str) -> None:
        self._connection.execute("UPDATE finding SET mapping = ? WHERE finding_id = ?", (mapping, finding_id))

    # --- up to where exports were compared -------------------------------------------------------------------------------------------

    @property
    def mark(self) -> int | None:
        """The ledger's number up to which exports were compared; None where none ever was."""
        rows = self._rows("SELECT value FROM mark WHERE name = 'compared'")
        return int(rows[0][0]) if rows else None

    def set_mark(self, number: int) -> None:
        self._connection.execute("INSERT OR REPLACE INTO mark VALUES ('compared', ?)", (number,))

    def frame(self) -> pl.DataFrame:
        """The table `drift`."""
        rows = [{name: getattr(row, name) for name in DRIFT} for row in self.all()]
        texts = {name: pl.String if dtype == _UTC else dtype for name, dtype in DRIFT.items()}
        frame = pl.DataFrame(rows, schema=texts, orient="row")
        times = [name for name, dtype in DRIFT.items() if dtype == _UTC]
        return frame.with_columns(pl.col(name).str.to_datetime("%Y-%m-%dT%H:%M:%S%:z", time_unit="us", time_zone="UTC") for name in times)


def _found(row: sqlite3.Row) -> Found:
    values: dict[str, Any] = {name: row[name] for name in _COLUMNS}
    return Found(**values | {"is_loaded": bool(row["is_loaded"])})
