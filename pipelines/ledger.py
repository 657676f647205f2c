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
import threading
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, fields, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

import polars as pl

from connectors.errors import PlantlakeError, Problem
from pipelines.journal import Entry, Journal, lines

ExportState = Literal["NEW", "LANDED", "FAILED", "GONE"]
TableState = Literal["COMMITTED", "FAILED"]

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
)
"""Statements that lead from one `user_version` to the next; only ever added to."""

_NEWEST = (
    "WITH newest AS (SELECT *, row_number() OVER (PARTITION BY plant_id, source_system, name ORDER BY seen DESC) AS place FROM export)"
)
"""Versions of exports with their place among those of their name, the newest first."""

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

    @property
    def filtered(self) -> int:
        return sum(self.filtered_by.values())


_EXPORT = tuple(item.name for item in fields(ExportRow))
_TABLE = tuple(item.name for item in fields(TableRow))
_KEY = ("plant_id", "source_system", "name", "sha256")
_KEPT = ("batch_id", "landed_at", "exported_at", "data_from", "data_to", "covers_from", "covers_to", "export_order")
"""What is known of a version and not said again stays known."""


class ExportLedger:
    """The ledger of one lake. Usable from several threads of one process; those who write hold the lake's lock.

    Its journal is in bronze/journal beside its file. A file that is new is filled from the journal. Raises PlantlakeError when the
    file is damaged.
    """

    def __init__(self, path: str | Path):
        Path(path).parent.mkdir(parents=True, exist_ok=True)
        self._mutex = threading.RLock()
        self._journal = Journal(Path(path).parent / "bronze" / "journal")
        self._pending: list[Entry] = []
        self._connection = sqlite3.connect(path, timeout=30, isolation_level=None, check_same_thread=False)
        self._connection.row_factory = sqlite3.Row
        try:
            self._connection.execute("PRAGMA journal_mode = WAL")
            # The journal is synced before each commit. A power cut may set this file back by some commits: those exports are done again.
            self._connection.execute("PRAGMA synchronous = NORMAL")
            self._migrate()
        except sqlite3.OperationalError:  # busy, no disk left: nothing is wrong with what is there
            self._connection.close()
            raise
        except sqlite3.DatabaseError as error:
            self._connection.close()
            raise PlantlakeError(
                Problem("The ledger's file is damaged.", found=f"{path}: {error}", fix="plantlake doctor --rebuild-ledger", actor="us")
            ) from error

    def close(self) -> None:
        self._connection.close()

    def __enter__(self) -> ExportLedger:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """All that the block records is written together, or not at all. Within another transaction it joins that one."""
        with self._mutex:
            if self._connection.in_transaction:
                yield
                return
            self._connection.execute("BEGIN IMMEDIATE")
            self._pending = []
            try:
                yield
                self._journal.append(self._pending)  # first: what the ledger knows can always be made anew
                self._connection.execute("COMMIT")
            except BaseException:
                self._connection.execute("ROLLBACK")
                raise
            finally:
                self._pending = []

    # --- what was delivered -----------------------------------------------------------------------------------------------------

    def seen(self, plant_id: str) -> dict[tuple[str, str], ExportRow]:
        """By (source, name): the version of each object of the plant that was recorded last, whatever its state."""
        rows = self._rows("SELECT * FROM export WHERE plant_id = ? ORDER BY seen", plant_id)
        return {(row["source_system"], row["name"]): _export_row(row) for row in rows}

    def exports(self, plant_id: str, source_system: str | None = None) -> list[ExportRow]:
        """All versions of a plant's (and source's) exports whose bytes are in bronze, by source and name."""
        rows = self._rows(
            "SELECT * FROM export WHERE plant_id = ? AND source_system = coalesce(?, source_system) AND batch_id IS NOT NULL"
            " AND sha256 <> '' ORDER BY source_system, name, export_order, sha256",
            plant_id, source_system,
        )  # fmt: skip
        return [_export_row(row) for row in rows]

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

    def failures(self) -> list[tuple[str, str]]:
        """(plant, block) of exports and tables that failed and have not been mended since: those of `failing`, each block once."""
        return sorted({(plant, error) for plant, *_, error in self.failing() if error})

    def failing(self) -> list[tuple[str, str, str | None, str]]:
        """(plant, source and name, table or None, error block) of the newest version of each export, as far as it failed and is still
        delivered.
        """
        rows = self._rows(
            f"{_NEWEST} SELECT plant_id, source_system || ' · ' || name, NULL, coalesce(error, '') FROM newest WHERE place = 1 AND"
            " state = 'FAILED' UNION ALL SELECT e.plant_id, e.source_system || ' · ' || e.name, t.table_name, coalesce(t.error, '')"
            " FROM newest e JOIN export_table t USING (plant_id, source_system, batch_id)"
            " WHERE e.place = 1 AND e.state NOT IN ('FAILED', 'GONE') AND t.state = 'FAILED' ORDER BY 1, 2, 3"
        )
        return [tuple(row) for row in rows]

    def not_loaded(self, plant_id: str) -> set[tuple[str, str]]:
        """(source, name) of exports in bronze of which a table failed, of their newest version."""
        rows = self._rows(
            f"{_NEWEST} SELECT e.source_system, e.name FROM newest e JOIN export_table t USING (plant_id, source_system, batch_id)"
            " WHERE e.plant_id = ? AND e.place = 1 AND e.state <> 'GONE' AND t.state = 'FAILED'",
            plant_id,
        )
        return {(row[0], row[1]) for row in rows}

    def waived(self, plant_id: str) -> set[tuple[str, str, str]]:
        """(source, table, batch) that failed and nobody waits for: the object was delivered anew since, or is no longer there."""
        rows = self._rows(
            f"{_NEWEST} SELECT e.source_system, t.table_name, e.batch_id FROM newest e"
            " JOIN export_table t USING (plant_id, source_system, batch_id)"
            " WHERE e.plant_id = ? AND t.state = 'FAILED' AND (e.place > 1 OR e.state = 'GONE')",
            plant_id,
        )
        return {(row[0], row[1], row[2]) for row in rows}

    def unloaded(self) -> set[str]:
        """Plants with exports in bronze that have no account: a refresh was killed between landing and loading them."""
        rows = self._rows(
            "SELECT DISTINCT plant_id FROM export e WHERE state = 'LANDED' AND batch_id IS NOT NULL AND NOT EXISTS (SELECT 1"
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
                self._pending.append({"kind": "table", **row})
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
        return lines([*entries, *({"kind": "table", **row} for row in tables)])

    def committed(self) -> set[tuple[str, str, str]]:
        """(plant, table, batch) of everything that is in silver."""
        sql = "SELECT plant_id, table_name, batch_id FROM export_table WHERE state = 'COMMITTED'"
        return {(row[0], row[1], row[2]) for row in self._rows(sql)}

    # --- for readers ------------------------------------------------------------------------------------------------------------

    def frame(self) -> pl.DataFrame:
        """`export_ledger`: one row per export and target table; an export without a table yet has one row.

        The same bytes under a second name were delivered, but are no second delivery: such a row has no table and no counts.
        """
        sources = {
            "export_state": "e.state", "export_error": "e.error", "table_state": "t.state", "table_error": "t.error",
            "sha256": "nullif(e.sha256, '')",
        }  # fmt: skip
        of_export = list(EXPORT_LEDGER)[: list(EXPORT_LEDGER).index("table_name")]
        selected = [f"{sources.get(name, ('e.' if name in of_export else 't.') + name)} AS {name}" for name in EXPORT_LEDGER]
        rows = self._rows(
            f"SELECT {', '.join(selected)} FROM export e LEFT JOIN export_table t ON t.plant_id = e.plant_id"
            " AND t.source_system = e.source_system AND t.batch_id = e.batch_id AND e.export_id = (SELECT min(f.export_id)"
            " FROM export f WHERE f.plant_id = e.plant_id AND f.source_system = e.source_system AND f.batch_id = e.batch_id)"
            " ORDER BY e.plant_id, e.source_system, e.name, e.export_id, t.table_name"
        )
        return _frame(rows, EXPORT_LEDGER)

    def watermarks(self) -> pl.DataFrame:
        """Per plant and source, of exports with a committed table: the span of the data, of stated windows, and the last export."""
        times = ("data_from", "data_to", "covers_from", "covers_to", "exported_at")
        rows = self._rows(
            "SELECT plant_id, source_system, min(data_from) data_from, max(data_to) data_to, min(covers_from) covers_from,"
            " max(covers_to) covers_to, max(exported_at) exported_at FROM export JOIN export_table t"
            " USING (plant_id, source_system, batch_id) WHERE t.state = 'COMMITTED' GROUP BY 1, 2 ORDER BY 1, 2"
        )
        return _frame(rows, {"plant_id": pl.String, "source_system": pl.String, **dict.fromkeys(times, _UTC_US)})

    def _record(self, row: dict[str, Any]) -> None:
        before = "FROM export WHERE plant_id = :plant_id AND source_system = :source_system AND name = :name AND sha256 = ''"
        if row["sha256"] and (found := self._connection.execute(f"SELECT first_seen_at {before}", row).fetchone()):
            row = row | {"first_seen_at": found[0]}
            self._connection.execute(f"DELETE {before}", row)
        renewed = [f"{name} = excluded.{name}" for name in row if name not in (*_KEY, *_KEPT, "first_seen_at")]
        # What an older version's data told may be said again later; only another look at the object makes it the last one seen.
        same = " AND ".join(f"excluded.{name} IS export.{name}" for name in ("state", "size", "modified", "landed_at", "attempt"))
        renewed.append(f"seen = CASE WHEN {same} THEN export.seen ELSE excluded.seen END")
        renewed += [f"{name} = coalesce(excluded.{name}, {name})" for name in _KEPT]
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

    def _rows(self, sql: str, *values: object) -> list[sqlite3.Row]:
        with self._mutex:
            return self._connection.execute(sql, values).fetchall()

    def _migrate(self) -> None:
        with self.transaction():
            version: int = self._connection.execute("PRAGMA user_version").fetchone()[0]
            for statements in _MIGRATIONS[version:]:
                for statement in filter(str.strip, statements.split(";")):
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
            elif kind == "gone":
                self._record_gone(row)


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
    records = [tuple(_in_utc(_read(name, row[name])) for name in schema) for row in rows]
    return pl.DataFrame(records, schema=dict(schema), orient="row")


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
