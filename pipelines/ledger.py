"""The export ledger: what every plant delivered, what became of it, and that no record was lost on the way.

Here: the SQLite tables `export` (one row per version of a delivered object), `export_table` (one row per export and target table)
and `plant_state` (what a plant file stated at the last refresh), the first two as one frame, and the ledger made anew from its
journal. Elsewhere: finding exports (`connectors.discovery`), comparing with the ledger (`pipelines.plan`), counting records
(`transforms.conform`), publishing the frame as `export_ledger` (`publish`), the journal's file (`pipelines.journal`).

The ledger is an index. The commit point of an export is the silver commit, whose metadata lists its batch ids
(`pipelines.silver.committed_batches`); what a refresh did is written here afterwards, in one transaction. A refresh that was
killed in between finds the exports as not committed and does them again, which changes nothing in silver.

What is written is in the journal first. A ledger whose file is gone reads the journal when it is opened, and all is as it was but
`plant_state`: what the plant files state is told to silver once more, which changes nothing there.
"""

from __future__ import annotations

import json
import sqlite3
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, fields, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal, NamedTuple

import polars as pl

from connectors.errors import PlantlakeError, Problem
from pipelines.journal import Entry, Journal, lines
from pipelines.sqlite_store import SqliteStore

ExportState = Literal["NEW", "LANDED", "FAILED", "GONE"]
TableState = Literal["COMMITTED", "FAILED"]

_OF_EXPORT = "FROM export e WHERE (e.plant_id, e.source_system, e.batch_id) = (t.plant_id, t.source_system, t.batch_id)"
_SPANS_OF_EXPORTS = f"""
    UPDATE export_table AS t SET data_from = (SELECT CASE WHEN t.table_name IN ('equipment_state_event', 'production_count')
        THEN min(e.data_from) END {_OF_EXPORT}), data_to = (SELECT CASE WHEN t.table_name IN ('equipment_state_event', 'production_count',
        'historian_sample') THEN max(e.data_to) ELSE max(nullif(substr(e.export_order, 1, instr(e.export_order, '|') - 1), '') || '+00:00')
        END {_OF_EXPORT}) WHERE t.state = 'COMMITTED'"""
"""For accounts that were written before each told the span of its own data: what is known of their export, which is never too little."""

BLOCK_ROWS = 20_000
"""Exports that are published in one file: what was delivered years ago is not written again with every refresh."""
_CHANGED = (
    f"INSERT INTO block SELECT export_id / {BLOCK_ROWS}, lower(hex(randomblob(8))) FROM ({{}}) WHERE export_id IS NOT NULL"
    " ON CONFLICT (block) DO UPDATE SET version = excluded.version"
)
_OF_ACCOUNT = (
    "SELECT min(export_id) AS export_id FROM export WHERE plant_id = {0}.plant_id AND source_system = {0}.source_system"
    " AND batch_id = {0}.batch_id"
)
_BLOCK_TRIGGERS = "\n".join(
    f"CREATE TRIGGER IF NOT EXISTS {table}_{event.lower()} AFTER {event} ON {table} BEGIN {_CHANGED.format(of.format(row))}; END;"
    for table, of in (("export", "SELECT {0}.export_id AS export_id"), ("export_table", _OF_ACCOUNT))
    for event, row in (("INSERT", "new"), ("UPDATE", "new"), ("DELETE", "old"))
)
"""Whoever changes a row gives its block a version that it never had."""

_UNHEARD = """
    UPDATE export AS e SET export_order = NULL WHERE substr(export_order, -length(name || '|' || sha256)) <> name || '|' || sha256
    AND EXISTS (SELECT 1 FROM export f WHERE f.plant_id = e.plant_id AND f.source_system = e.source_system AND f.batch_id = e.batch_id
        AND (f.exported_at IS NOT e.exported_at OR f.covers_from IS NOT e.covers_from OR f.covers_to IS NOT e.covers_to))"""
"""Once, bytes alone made a delivery. A second name of a delivery that states something else waits to be heard as a word of its own."""

_MIGRATIONS = (
    """
    CREATE TABLE export (
      export_id INTEGER PRIMARY KEY, seen INTEGER NOT NULL,
      plant_id TEXT NOT NULL, source_system TEXT NOT NULL, name TEXT NOT NULL, url TEXT NOT NULL,
      size INTEGER, modified TEXT, sha256 TEXT NOT NULL DEFAULT '', batch_id TEXT,
      state TEXT NOT NULL CHECK (state IN ('NEW', 'LANDED', 'FAILED', 'GONE')), error TEXT, attempt TEXT,
      first_seen_at TEXT NOT NULL, landed_at TEXT, exported_at TEXT, covers_from TEXT, covers_to TEXT,
      data_from TEXT, data_to TEXT, export_order TEXT,
      UNIQUE (plant_id, source_system, name, sha256));
    CREATE INDEX export_batch ON export (plant_id, source_system, batch_id);
    CREATE TABLE export_table (
      plant_id TEXT NOT NULL, source_system TEXT NOT NULL, batch_id TEXT NOT NULL, table_name TEXT NOT NULL,
      state TEXT NOT NULL CHECK (state IN ('COMMITTED', 'FAILED')), error TEXT,
      records_read INTEGER NOT NULL, accepted INTEGER NOT NULL, rejected INTEGER NOT NULL, duplicate INTEGER NOT NULL,
      filtered INTEGER NOT NULL, filtered_by TEXT NOT NULL, rows_written INTEGER NOT NULL,
      mapping_version TEXT, connector_version TEXT, release_id TEXT,
      committed_at TEXT,
      PRIMARY KEY (plant_id, source_system, batch_id, table_name),
      CHECK (state = 'FAILED' OR records_read = accepted + rejected + duplicate + filtered)) WITHOUT ROWID;
    CREATE TABLE plant_state (plant_id TEXT PRIMARY KEY, statement_hash TEXT NOT NULL, stated_at TEXT NOT NULL) WITHOUT ROWID;
    """,
    f"""
    ALTER TABLE export_table ADD COLUMN data_from TEXT;
    ALTER TABLE export_table ADD COLUMN data_to TEXT;
    {_SPANS_OF_EXPORTS};
    """,
    f"""
    CREATE INDEX IF NOT EXISTS export_seen ON export (seen);
    CREATE INDEX IF NOT EXISTS export_waiting ON export (plant_id, source_system) WHERE export_order IS NULL;
    CREATE INDEX IF NOT EXISTS export_failed ON export (plant_id) WHERE state = 'FAILED';
    CREATE INDEX IF NOT EXISTS export_bytes ON export (plant_id, source_system, sha256);
    CREATE INDEX IF NOT EXISTS export_place ON export (plant_id, source_system, export_order);
    CREATE INDEX IF NOT EXISTS export_table_failed ON export_table (plant_id, source_system, batch_id) WHERE state = 'FAILED';
    CREATE INDEX IF NOT EXISTS export_table_mapping ON export_table (plant_id, source_system, table_name, mapping_version);
    CREATE TABLE IF NOT EXISTS block (block INTEGER PRIMARY KEY, version TEXT NOT NULL);
    {_BLOCK_TRIGGERS}
    {_UNHEARD};
    INSERT OR REPLACE INTO block SELECT export_id / {BLOCK_ROWS}, lower(hex(randomblob(8))) FROM export GROUP BY 1;
    """,
)
"""Statements that lead from one `user_version` to the next; only ever added to."""

_IS_NEWEST = (
    "NOT EXISTS (SELECT 1 FROM export n WHERE n.plant_id = e.plant_id AND n.source_system = e.source_system AND n.name = e.name"
    " AND n.seen > e.seen)"
)
"""Whether a version of an export is the one of its name that was recorded last."""
_FAILED_TABLES = (
    "FROM export_table t CROSS JOIN export e ON e.plant_id = t.plant_id AND e.source_system = t.source_system AND e.batch_id = t.batch_id"
    " WHERE t.state = 'FAILED'"
)
"""From the few accounts that failed to their exports: CROSS JOIN keeps SQLite from going the other way."""
_IN_BRONZE = "e.batch_id IS NOT NULL AND e.sha256 <> ''"
_WAITING = f"""
    WITH waiting AS (
        SELECT e.source_system, e.sha256 FROM export e WHERE e.plant_id = :plant AND e.export_order IS NULL AND {_IN_BRONZE}
        UNION SELECT e.source_system, e.sha256 {_FAILED_TABLES} AND t.plant_id = :plant)
"""
"""The bytes of a plant that were never loaded, or of which a table failed."""

_TIMES = (
    "modified", "first_seen_at", "landed_at", "exported_at", "covers_from", "covers_to", "data_from", "data_to", "committed_at",
)  # fmt: skip
_UTC_US = pl.Datetime("us", "UTC")
EXPORT_LEDGER: dict[str, pl.DataType | type[pl.DataType]] = {
    "plant_id": pl.String, "source_system": pl.String, "name": pl.String, "url": pl.String, "export_state": pl.String,
    "export_error": pl.String, "size": pl.Int64, "modified": _UTC_US, "sha256": pl.String, "batch_id": pl.String,
    "first_seen_at": _UTC_US, "landed_at": _UTC_US, "exported_at": _UTC_US, "covers_from": _UTC_US, "covers_to": _UTC_US,
    "data_from": _UTC_US, "data_to": _UTC_US, "export_order": pl.String,
    "table_name": pl.String, "table_state": pl.String, "table_error": pl.String, "records_read": pl.Int64, "accepted": pl.Int64,
    "rejected": pl.Int64, "duplicate": pl.Int64, "filtered": pl.Int64, "filtered_by": pl.String, "rows_written": pl.Int64,
    "mapping_version": pl.String, "connector_version": pl.String, "release_id": pl.String, "committed_at": _UTC_US,
}  # fmt: skip
"""Columns of the published `export_ledger`. Records are counted in source records, `rows_written` in silver rows."""


@dataclass(frozen=True, slots=True)
class ExportRow:
    """One version of a delivered object: its name and its bytes. `sha256` and `batch_id` are None until it was fetched."""

    plant_id: str
    source_system: str
    name: str
    url: str
    state: ExportState
    size: int | None = None
    modified: datetime | None = None
    sha256: str | None = None
    batch_id: str | None = None
    error: str | None = None
    first_seen_at: datetime | None = None
    """Default: now; the first one is kept."""
    landed_at: datetime | None = None
    exported_at: datetime | None = None
    data_from: datetime | None = None
    data_to: datetime | None = None
    covers_from: datetime | None = None
    covers_to: datetime | None = None
    export_order: str | None = None
    attempt: str | None = None
    """Under which version of the plant file it was last tried."""


@dataclass(frozen=True, slots=True)
class TableRow:
    """What one export gave to one target table, in source records; `rows_written` counts silver rows."""

    plant_id: str
    source_system: str
    batch_id: str
    table_name: str
    state: TableState
    records_read: int = 0
    accepted: int = 0
    rejected: int = 0
    duplicate: int = 0
    filtered_by: Mapping[str, int] = field(default_factory=dict)
    """Records left out on purpose, by the name of the filter."""
    rows_written: int = 0
    mapping_version: str | None = None
    connector_version: str | None = None
    release_id: str | None = None
    error: str | None = None
    committed_at: datetime | None = None
    data_from: datetime | None = None
    """First and last instant of the accepted data."""
    data_to: datetime | None = None

    @property
    def filtered(self) -> int:
        return sum(self.filtered_by.values())


class Seen(NamedTuple):
    """What tells whether an object changed since it was looked at. `modified` is what the source said, as text."""

    state: ExportState
    size: int | None
    modified: str | None
    attempt: str | None

    def is_as(self, size: int | None, modified: datetime | None) -> bool:
        """Whether the object still has this size and time."""
        return (self.size, self.modified) == (size, modified.isoformat() if modified else None)


class Past(NamedTuple):
    """What the loaded exports of a source told together: the last place in their order, and the first and last of their times."""

    order: str
    data_from: datetime | None
    data_to: datetime | None
    covers_to: datetime | None
    exported_at: datetime | None


_EXPORT = tuple(item.name for item in fields(ExportRow))
_TABLE = tuple(item.name for item in fields(TableRow))
_TABLE_KEY = ("plant_id", "source_system", "batch_id", "table_name")
SPANNED = {"spanned": True}
"""Marks a line of the journal whose account tells the span of its data, be it that there is none."""
_KEY = ("plant_id", "source_system", "name", "sha256")
_KEPT = ("batch_id", "landed_at", "exported_at", "covers_from", "covers_to", "export_order")
"""What is known of a version and not said again stays known."""
_SPAN = ("data_from", "data_to")
"""Said together with the place in the order: an export that is loaded again may hold less than before."""


class ExportLedger(SqliteStore):
    """The ledger of one lake. Its journal is in bronze/journal beside its file; a file that is new is filled from it."""

    what = "The ledger's file"
    mend = "plantlake doctor --rebuild-ledger"

    def __init__(self, path: str | Path):
        self._journal = Journal(Path(path).parent / "bronze" / "journal")
        self._pending: list[Entry] = []
        super().__init__(path)

    @contextmanager
    def transaction(self) -> Iterator[bool]:
        """All that the block records is written together, or not at all. Within another transaction it joins that one."""
        with super().transaction() as is_own:
            if is_own:
                self._pending = []
            yield is_own
            if is_own:
                pending, self._pending = self._pending, []
                self._journal.append(pending)  # before the commit: what the ledger knows can always be made anew

    # --- what was delivered -----------------------------------------------------------------------------------------------------

    def seen(self, plant_id: str, source_system: str, names: Iterable[str]) -> dict[str, Seen]:
        """By name: the version of each of these objects that was recorded last, whatever its state."""
        rows = self._rows(
            "SELECT name, state, size, modified, attempt FROM export WHERE plant_id = ? AND source_system = ?"
            " AND name IN (SELECT value FROM json_each(?)) ORDER BY seen",
            plant_id, source_system, json.dumps(list(names)),
        )  # fmt: skip
        return {row[0]: Seen(row[1], row[2], row[3], row[4]) for row in rows}

    def knows(self, plant_id: str, source_system: str | None = None) -> bool:
        """Whether the plant (or its source) ever delivered something."""
        sql = "SELECT 1 FROM export WHERE plant_id = ? AND source_system = coalesce(?, source_system) LIMIT 1"
        return bool(self._rows(sql, plant_id, source_system))

    def last(self, plant_id: str, source_system: str) -> str | None:
        """The name of the export of a source in bronze that is last by when it was taken, else by its name."""
        rows = self._rows(
            "SELECT name FROM export WHERE plant_id = ? AND source_system = ? AND sha256 <> ''"
            " ORDER BY exported_at DESC, name DESC LIMIT 1", plant_id, source_system,
        )  # fmt: skip
        return rows[0][0] if rows else None

    def batch_id(self, export: ExportRow) -> str | None:
        """The id that these bytes under this name were given before."""
        key = (export.plant_id, export.source_system, export.name, export.sha256 or "")
        rows = self._rows("SELECT batch_id FROM export WHERE plant_id = ? AND source_system = ? AND name = ? AND sha256 = ?", *key)
        return rows[0][0] if rows else None

    def exports(self, plant_id: str, source_system: str | None = None) -> list[ExportRow]:
        """All versions of a plant's (and source's) exports whose bytes are in bronze, by source and name."""
        rows = self._rows(
            "SELECT * FROM export WHERE plant_id = ? AND source_system = coalesce(?, source_system) AND batch_id IS NOT NULL"
            " AND sha256 <> '' ORDER BY source_system, name, export_order, sha256",
            plant_id, source_system,
        )  # fmt: skip
        return [_export_row(row) for row in rows]

    def waiting(self, plant_id: str) -> list[ExportRow]:
        """The plant's exports in bronze that were never loaded or of which a table failed, with every copy of their bytes; like `exports`."""
        rows = self._rows(
            f"{_WAITING} SELECT e.* FROM waiting w CROSS JOIN export e ON e.plant_id = :plant AND e.source_system = w.source_system"
            f" AND e.sha256 = w.sha256 WHERE {_IN_BRONZE} ORDER BY e.source_system, e.name, e.export_order, e.sha256",
            plant=plant_id,
        )
        return [_export_row(row) for row in rows]

    def past(self, plant_id: str) -> dict[str, Past]:
        """By source: what its loaded exports told together, as far as they do not wait."""
        rows = self._rows(
            "SELECT source_system, max(export_order), min(data_from), max(data_to), max(covers_to), max(exported_at) FROM export"
            " WHERE plant_id = :plant AND export_order IS NOT NULL AND state <> 'FAILED' AND (source_system, batch_id) NOT IN"
            " (SELECT source_system, batch_id FROM export_table WHERE plant_id = :plant AND state = 'FAILED') GROUP BY 1",
            plant=plant_id,
        )
        return {row[0]: Past(row[1], *(_read("data_to", text) for text in row[2:])) for row in rows}

    def newest(self) -> int:
        """A number that grows with each export that is landed."""
        return int(self._rows("SELECT coalesce(max(seen), 0) FROM export")[0][0])

    def landed_since(self, number: int) -> list[ExportRow]:
        """Exports that were landed after `newest` gave this number."""
        rows = self._rows(f"SELECT * FROM export e WHERE seen > ? AND state = 'LANDED' AND {_IN_BRONZE} ORDER BY seen", number)
        return [_export_row(row) for row in rows]

    def before(self, plant_id: str, source_system: str, order: str, most: int) -> list[ExportRow]:
        """The exports of a source that are wholly loaded and come next before a place in its order, last first."""
        rows = self._rows(
            f"SELECT * FROM export e WHERE plant_id = ? AND source_system = ? AND export_order < ? AND state = 'LANDED' AND {_IN_BRONZE}"
            " AND NOT EXISTS (SELECT 1 FROM export_table t WHERE t.state = 'FAILED' AND t.plant_id = e.plant_id"
            " AND t.source_system = e.source_system AND t.batch_id = e.batch_id) ORDER BY export_order DESC LIMIT ?",
            plant_id, source_system, order, most,
        )  # fmt: skip
        return [_export_row(row) for row in rows]

    def some(self, plant_id: str, source_system: str, most: int) -> list[ExportRow]:
        """Exports of a source in bronze, those first that were landed last."""
        sql = f"SELECT * FROM export e WHERE plant_id = ? AND source_system = ? AND state = 'LANDED' AND {_IN_BRONZE} ORDER BY seen DESC LIMIT ?"
        return [_export_row(row) for row in self._rows(sql, plant_id, source_system, most)]

    def is_loaded(self, export: ExportRow) -> bool:
        """Whether an export is in every table that it was tried for."""
        sql = "SELECT count(*), sum(state = 'FAILED') FROM export_table WHERE plant_id = ? AND source_system = ? AND batch_id = ?"
        tried, failed = self._rows(sql, export.plant_id, export.source_system, export.batch_id)[0]
        return bool(tried) and not failed

    def record_export(self, *exports: ExportRow) -> None:
        """Writes or renews versions of exports; one that now has its bytes takes the place of its row from before."""
        with self.transaction():
            for export in exports:
                values = _export_values(export)
                self._pending.append({"kind": "export", **values, "sha256": values["sha256"] or None})
                self._record(values)

    def failed(self, export: ExportRow, error: PlantlakeError | str) -> None:
        """Records that an export could not be fetched or read, with the block that tells why."""
        self.record_export(replace(export, state="FAILED", error=str(error)))

    def gone(self, plant_id: str, source_system: str, names: Iterable[str]) -> None:
        """Records that objects are no longer where they were; what they delivered stays."""
        with self.transaction():
            entry = {"kind": "gone", "plant_id": plant_id, "source_system": source_system, "names": list(names)}
            self._pending.append(entry)
            self._record_gone(entry)

    # --- what became of it ------------------------------------------------------------------------------------------------------

    def tables(self, plant_id: str) -> list[TableRow]:
        """What the exports of a plant gave to their target tables."""
        return [_table_row(row) for row in self._rows("SELECT * FROM export_table WHERE plant_id = ?", plant_id)]

    def waiting_tables(self, plant_id: str) -> list[TableRow]:
        """The same of the exports that `waiting` gives."""
        rows = self._rows(
            f"{_WAITING} SELECT DISTINCT t.* FROM waiting w CROSS JOIN export e ON e.plant_id = :plant AND e.source_system = w.source_system"
            " AND e.sha256 = w.sha256 CROSS JOIN export_table t ON t.plant_id = e.plant_id AND t.source_system = e.source_system"
            " AND t.batch_id = e.batch_id",
            plant=plant_id,
        )
        return [_table_row(row) for row in rows]

    def failures(self) -> list[tuple[str, str]]:
        """(plant, block) of exports and tables that failed and have not been mended since: those of `failing`, each block once."""
        return sorted({(plant, error) for plant, *_, error in self.failing() if error})

    def failing(self) -> list[tuple[str, str, str | None, str]]:
        """(plant, source and name, table or None, error block) of the newest version of each export, as far as it failed and is still
        delivered.
        """
        return sorted(((plant, f"{source} · {name}", table, error) for plant, source, name, table, error in self._failing()), key=str)

    def awaited(self, plant_id: str) -> set[tuple[str, str]]:
        """(source, name) of the plant's exports that failed, wholly or into a table, and are waited for."""
        return {(source, name) for plant, source, name, *_ in self._failing() if plant == plant_id}

    def _failing(self) -> Iterator[tuple[str, str, str, str | None, str]]:
        where = f"e.state NOT IN ('FAILED', 'GONE') AND {_IS_NEWEST}"
        for sql in (
            f"SELECT e.plant_id, e.source_system, e.name, NULL, coalesce(e.error, '') FROM export e WHERE e.state = 'FAILED' AND {_IS_NEWEST}",
            f"SELECT e.plant_id, e.source_system, e.name, t.table_name, coalesce(t.error, '') {_FAILED_TABLES} AND {where}",
        ):
            yield from (tuple(row) for row in self._rows(sql))

    def waived(self, plant_id: str) -> set[tuple[str, str, str]]:
        """(source, table, batch) that failed and nobody waits for: under each of its names newer bytes stand, or nothing any more."""
        rows = self._rows(
            f"SELECT e.source_system, t.table_name, e.batch_id {_FAILED_TABLES} AND t.plant_id = ? GROUP BY 1, 2, 3"
            f" HAVING min(e.state = 'GONE' OR NOT {_IS_NEWEST})",
            plant_id,
        )
        return {(row[0], row[1], row[2]) for row in rows}

    def unloaded(self) -> set[str]:
        """Plants with exports in bronze that have no account: a refresh was killed between landing and loading them."""
        rows = self._rows(
            f"SELECT DISTINCT plant_id FROM export e WHERE state = 'LANDED' AND export_order IS NULL AND {_IN_BRONZE} AND NOT EXISTS (SELECT 1"
            " FROM export_table t WHERE t.plant_id = e.plant_id AND t.source_system = e.source_system AND t.batch_id = e.batch_id)"
        )
        return {row[0] for row in rows}

    def mapping_versions(self, plant_id: str) -> dict[tuple[str, str], set[str]]:
        """By (source, table): the mapping versions under which its exports were last tried."""
        found: dict[tuple[str, str], set[str]] = defaultdict(set)
        sql = "SELECT DISTINCT source_system, table_name, mapping_version FROM export_table WHERE plant_id = ?"
        for source_id, table, mapping in self._rows(sql, plant_id):
            found[source_id, table].add(mapping)
        return dict(found)

    def plant_states(self) -> dict[str, str]:
        """By plant: the hash of what its file and vocabularies stated when silver was last told."""
        return {row[0]: row[1] for row in self._rows("SELECT plant_id, statement_hash FROM plant_state")}

    def record_tables(self, rows: Iterable[TableRow]) -> None:
        """Writes or renews what exports gave to their tables.

        Raises PlantlakeError, and writes nothing, when the records of a row do not add up.
        """
        values = [_table_values(row) for row in rows]
        with self.transaction():
            for row in values:
                self._pending.append({"kind": "table", **SPANNED, **row})
                self._record_table(row)

    def record_plant(self, plant_id: str, statement_hash: str, at: datetime) -> None:
        """Records what a plant's file and vocabularies stated when silver was told."""
        with self.transaction():
            self._connection.execute("INSERT OR REPLACE INTO plant_state VALUES (?, ?, ?)", (plant_id, statement_hash, _text(at)))

    # --- made anew ---------------------------------------------------------------------------------------------------------------

    def rebuild(self) -> None:
        """Forgets everything and makes it anew from the journal, in one transaction."""
        with self.transaction():
            for table in ("export", "export_table", "plant_state"):
                self._connection.execute(f"DELETE FROM {table}")
            self._replay()

    def as_lines(self) -> bytes:
        """All that is known as lines of a journal, for a ledger that is older than its journal."""
        exports = [_export_values(_export_row(row)) for row in self._rows("SELECT * FROM export ORDER BY seen, export_id")]
        tables = [_table_values(_table_row(row)) for row in self._rows("SELECT * FROM export_table")]
        entries = [{"kind": "export", **row, "sha256": row["sha256"] or None} for row in exports]
        return lines([*entries, *({"kind": "table", **SPANNED, **row} for row in tables)])

    def committed(self) -> set[tuple[str, str, str]]:
        """(plant, table, batch) of everything that is in silver."""
        sql = "SELECT plant_id, table_name, batch_id FROM export_table WHERE state = 'COMMITTED'"
        return {(row[0], row[1], row[2]) for row in self._rows(sql)}

    # --- for readers ------------------------------------------------------------------------------------------------------------

    def blocks(self) -> dict[int, str]:
        """The blocks of `frame` with the version of each: one that has the version it had holds what it held. There is always one."""
        return {row[0]: row[1] for row in self._rows("SELECT block, version FROM block ORDER BY block")} or {0: ""}

    def frame(self, block: int | None = None) -> pl.DataFrame:
        """`export_ledger`, or one block of it: one row per export and target table; an export without a table yet has one row.

        The same bytes under a second name were delivered, but are no second delivery: such a row has no table and no counts.
        """
        sources = {
            "export_state": "e.state", "export_error": "e.error", "table_state": "t.state", "table_error": "t.error",
            "sha256": "nullif(e.sha256, '')",
        }  # fmt: skip
        of_export = list(EXPORT_LEDGER)[: list(EXPORT_LEDGER).index("table_name")]
        selected = [f"{sources.get(name, ('e.' if name in of_export else 't.') + name)} AS {name}" for name in EXPORT_LEDGER]
        ids = (0, 1 << 62) if block is None else (block * BLOCK_ROWS, (block + 1) * BLOCK_ROWS - 1)
        rows = self._rows(
            f"SELECT {', '.join(selected)} FROM export e LEFT JOIN export_table t ON t.plant_id = e.plant_id"
            " AND t.source_system = e.source_system AND t.batch_id = e.batch_id AND e.export_id = (SELECT min(f.export_id)"
            " FROM export f WHERE f.plant_id = e.plant_id AND f.source_system = e.source_system AND f.batch_id = e.batch_id)"
            " WHERE e.export_id BETWEEN ? AND ? ORDER BY e.plant_id, e.source_system, e.name, e.export_id, t.table_name",
            *ids,
        )
        return _frame(rows, EXPORT_LEDGER)

    def _record(self, row: dict[str, Any]) -> None:
        before = "FROM export WHERE plant_id = :plant_id AND source_system = :source_system AND name = :name AND sha256 = ''"
        if row["sha256"] and (found := self._connection.execute(f"SELECT first_seen_at {before}", row).fetchone()):
            row = row | {"first_seen_at": found[0]}
            self._connection.execute(f"DELETE {before}", row)
        renewed = [f"{name} = excluded.{name}" for name in row if name not in (*_KEY, *_KEPT, *_SPAN, "first_seen_at")]
        # What an older version's data told may be said again later; only another look at the object makes it the last one seen.
        same = " AND ".join(f"excluded.{name} IS export.{name}" for name in ("state", "size", "modified", "landed_at", "attempt"))
        renewed.append(f"seen = CASE WHEN {same} THEN export.seen ELSE excluded.seen END")
        renewed += [f"{name} = coalesce(excluded.{name}, {name})" for name in _KEPT]
        renewed += [f"{name} = iif(excluded.export_order IS NULL, coalesce(excluded.{name}, {name}), excluded.{name})" for name in _SPAN]
        self._connection.execute(
            f"INSERT INTO export (seen, {', '.join(row)}) VALUES ((SELECT coalesce(max(seen), 0) + 1 FROM export),"
            f" {', '.join(':' + name for name in row)}) ON CONFLICT ({', '.join(_KEY)}) DO UPDATE SET {', '.join(renewed)}",
            row,
        )

    def _record_table(self, row: dict[str, Any]) -> None:
        names = ", ".join(f":{name}" for name in row)
        self._connection.execute(f"INSERT OR REPLACE INTO export_table ({', '.join(row)}) VALUES ({names})", row)

    def _record_gone(self, entry: Entry) -> None:
        self._connection.executemany(
            "UPDATE export SET state = 'GONE' WHERE plant_id = ? AND source_system = ? AND name = ?",
            [(entry["plant_id"], entry["source_system"], name) for name in entry["names"]],
        )

    def _prepare(self) -> None:
        """Leads the file to the newest version; one that is new is filled from the journal."""
        with self.transaction():
            version: int = self._connection.execute("PRAGMA user_version").fetchone()[0]
            for statements in _MIGRATIONS[version:]:
                for statement in _statements(statements):
                    self._connection.execute(statement)
            self._connection.execute(f"PRAGMA user_version = {max(version, len(_MIGRATIONS))}")
            if version == 0:
                self._replay()

    def _replay(self) -> None:
        """Does again what the journal says, through the same statements and so in the same order."""
        for entry in self._journal.entries():
            row = dict(entry)
            kind = row.pop("kind", None)
            if kind == "export":
                self._record(dict.fromkeys(_EXPORT) | {"sha256": ""} | {name: row[name] for name in _EXPORT if row.get(name) is not None})
            elif kind == "table":
                self._record_table({name: row.get(name) for name in (*_TABLE, "filtered")})
                if not SPANNED.items() <= row.items():
                    self._connection.execute(f"{_SPANS_OF_EXPORTS} AND {' AND '.join(f't.{name} = :{name}' for name in _TABLE_KEY)}", row)
            elif kind == "gone":
                self._record_gone(row)
        self._connection.execute(_UNHEARD)


def _statements(script: str) -> Iterator[str]:
    """The statements of a script; a trigger has semicolons of its own."""
    statement = ""
    for piece in script.strip().split(";")[:-1]:
        statement += piece + ";"
        if sqlite3.complete_statement(statement):
            yield statement
            statement = ""


def _export_values(export: ExportRow) -> dict[str, Any]:
    values = {name: _text(value) if isinstance(value, datetime) else value for name, value in asdict(export).items()}
    modified = export.modified.isoformat() if export.modified else None  # verbatim: it is compared, never ordered
    first_seen = export.first_seen_at or datetime.now(UTC)
    return values | {"sha256": export.sha256 or "", "modified": modified, "first_seen_at": _text(first_seen)}


def _table_values(row: TableRow) -> dict[str, Any]:
    _conserved(row)
    values = {name: _text(value) if isinstance(value, datetime) else value for name, value in asdict(row).items()}
    counts = {name: count for name, count in sorted(row.filtered_by.items()) if count}
    return values | {"filtered": row.filtered, "filtered_by": json.dumps(counts)}


def _conserved(row: TableRow) -> None:
    total = row.accepted + row.rejected + row.duplicate + row.filtered
    if row.state == "COMMITTED" and row.records_read != total:
        raise PlantlakeError(
            Problem(
                "Records were lost or invented: the records read are not the sum of what became of them.",
                plant=row.plant_id,
                source=row.source_system,
                table=row.table_name,
                export=row.batch_id,
                found=f"read {row.records_read}, accepted {row.accepted}, rejected {row.rejected}, duplicate {row.duplicate}, "
                f"filtered {row.filtered} (sum {total})",
                fix="this is a defect of plantlake: report it with this export",
                actor="us",
            )
        )


def _export_row(row: sqlite3.Row) -> ExportRow:
    return ExportRow(**{name: _read(name, row[name]) for name in _EXPORT})


def _table_row(row: sqlite3.Row) -> TableRow:
    values = {name: _read(name, row[name]) for name in _TABLE}
    return TableRow(**values | {"filtered_by": json.loads(values["filtered_by"])})


def _frame(rows: list[sqlite3.Row], schema: Mapping[str, pl.DataType | type[pl.DataType]]) -> pl.DataFrame:
    """Rows with typed columns; times are read by the column, those that sources gave (`modified`) one by one, for each writes its own."""
    texts = {name: pl.String if name in _TIMES else dtype for name, dtype in schema.items()}
    frame = pl.DataFrame([tuple(row) for row in rows], schema=texts, orient="row")
    ours = [
        pl.col(name).str.to_datetime("%Y-%m-%dT%H:%M:%S%.6f%:z", time_unit="us") for name in texts if name in _TIMES and name != "modified"
    ]
    theirs = [pl.Series(name, [_in_utc(_read(name, text)) for text in frame[name]], _UTC_US) for name in texts if name == "modified"]
    return frame.with_columns(*ours, *theirs).select(pl.col(name).cast(dtype) for name, dtype in schema.items())


def _text(moment: datetime | None) -> str | None:
    """UTC with microseconds, so that texts sort as times do."""
    if moment is None:
        return None
    if moment.tzinfo is None:
        raise ValueError("the ledger takes times with a zone")
    return moment.astimezone(UTC).isoformat(timespec="microseconds")


def _read(name: str, value: Any) -> Any:
    if name in _TIMES and value is not None:
        return datetime.fromisoformat(value)
    return None if name == "sha256" and value == "" else value


def _in_utc(value: Any) -> Any:
    """A time as a frame wants it; one without a zone (of a source that gives none) counts as UTC."""
    if not isinstance(value, datetime):
        return value
    return value.astimezone(UTC) if value.tzinfo else value.replace(tzinfo=UTC)
