"""Upkeep of a lake that is refreshed every hour for years: what a refresh leaves behind is tidied by the next one, a little each time.

Here: what is due, and the build database written anew when most of it is holes. Elsewhere: the upkeep of one Delta table
(`pipelines.silver.maintain`), releases that no reader needs any more (`publish`).

Each part is safe against being killed: files vanish only when nobody can read them, and the database is swapped by one rename. A
part that fails is told and hinders nothing: the refresh is done, and the next one tries again. What was done when is in upkeep.json.
"""

from __future__ import annotations

import gc
import json
import logging
import shutil
import sys
from collections import defaultdict
from collections.abc import Collection, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pipelines import bronze, silver
from pipelines.lake import Lake
from transforms.tables import STATEMENTS, TABLES

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

log = logging.getLogger("plantlake.upkeep")

VACUUM_EVERY = timedelta(days=1)
LOGS_KEPT = timedelta(days=30)
HOLES = 2.0
"""A build database of more than so many times its live size is written anew."""
SMALL = 32 << 20
"""A build database below so many bytes is left as it is."""


@dataclass
class Kept:
    """What upkeep did."""

    compacted: dict[str, int] = field(default_factory=dict)
    """Table: partitions whose small files were made one."""
    removed: dict[str, int] = field(default_factory=dict)
    """Table: files that nobody can read any more."""
    database: tuple[int, int] | None = None
    """Bytes of the build database before and after it was written anew."""
    logs: int = 0
    problems: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Size:
    """Of the build database in bytes: the file, and what of it holds rows that count."""

    file: int
    live: int

    @property
    def is_mostly_holes(self) -> bool:
        return self.file >= SMALL and self.file > HOLES * self.live


def keep(lake: Lake, tables: Collection[str], build_db: bool = True, *, at: datetime | None = None) -> Kept:
    """Tidies the lake after a refresh that changed these silver tables. Only for the holder of the writer's lock.

    Each table is vacuumed at most once a day, changed or not: its files of last week are due even when nothing was added since. No
    connection to the build database may be open.
    """
    now, kept = at or datetime.now(UTC), Kept()
    known = remembered(lake)
    with _told(kept, "silver"):
        _tables(lake, {*tables, "quarantine"}, now, known, kept)
    if build_db:
        with _told(kept, "build database"):
            kept.database = compact_database(lake)
    with _told(kept, "logs"):
        kept.logs = _remove_logs(lake, now)
    with _told(kept, "bronze/tmp"):
        bronze.clean(lake)
    known["at"] = now.isoformat()
    with _told(kept, "upkeep.json"), lake.half_written(lake.upkeep) as part:
        part.write_text(json.dumps(known, indent=1) + "\n", encoding="utf-8")
    return kept


def remembered(lake: Lake) -> dict[str, Any]:
    """What upkeep did when: `at` (its last run) and `vacuumed`, a time per table; empty where nothing is known."""
    try:
        found = json.loads(lake.upkeep.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def last_vacuum(lake: Lake) -> datetime | None:
    """When the table that waits longest was vacuumed."""
    times = [datetime.fromisoformat(text) for text in remembered(lake).get("vacuumed", {}).values()]
    return min(times, default=None)


# --- silver ------------------------------------------------------------------------------------------------------------------------


def _tables(lake: Lake, changed: Collection[str], now: datetime, known: dict[str, Any], kept: Kept) -> None:
    vacuumed = known.setdefault("vacuumed", {})
    due = {name for name in (*TABLES, *STATEMENTS, "quarantine") if lake.table(name).is_dir() and _is_due(vacuumed.get(name), now)}
    versions = built_versions(lake) if due else {}
    for name in sorted({*changed, *due}):
        with _told(kept, name):
            partitions, files = silver.maintain(lake, name, vacuum=name in due, keep_versions=versions.get(name, ()))
            kept.compacted |= {name: partitions} if partitions else {}
            kept.removed |= {name: files} if files else {}
            if name in due:
                vacuumed[name] = now.isoformat()


def _is_due(last: str | None, now: datetime) -> bool:
    """Once a day; a clock that was set back makes it due too."""
    return last is None or not timedelta(0) <= now - datetime.fromisoformat(last) < VACUUM_EVERY


def built_versions(lake: Lake) -> dict[str, set[int]]:
    """By silver table: the versions that parts of some plant were made from; a plant that is held may be weeks behind."""
    found: dict[str, set[int]] = defaultdict(set)
    if not lake.build_database.exists():
        return found
    with closing(_connect(lake.build_database)) as con:
        if _has(con, "built_version"):
            for name, version in con.execute("SELECT DISTINCT table_name, version FROM gold.built_version WHERE version >= 0").fetchall():
                found[name].add(int(version))
    return found


# --- the build database ------------------------------------------------------------------------------------------------------------


def compact_database(lake: Lake) -> tuple[int, int] | None:
    """Writes the build database anew when it is more than twice its live size: (bytes before, bytes after), None when it is not.

    Everything is copied (tables, keys, views, macros) and the new file takes the old one's name in one rename. DuckDB gives blocks
    back within the file, never to the disk, and rows that were deleted one by one keep theirs.
    """
    path = lake.build_database
    if not path.exists() or path.stat().st_size < SMALL:
        return None
    with closing(_connect(path)) as con:
        con.execute("CHECKPOINT")
        size = size_of(con)
    if not size.is_mostly_holes:
        return None
    if shutil.disk_usage(lake.root).free < 2 * size.live:
        raise OSError(f"no room to write {size.live / 1e6:.0f} MB anew")
    close_dbt()
    if path.with_name(path.name + ".wal").exists():
        raise OSError("somebody else has it open")  # its log would be taken for the new file's
    with lake.half_written(path) as part:
        _copy(path, part)
    log.info("build database: %.0f MB before, %.0f MB now", size.file / 1e6, path.stat().st_size / 1e6)
    return size.file, path.stat().st_size


def size_of(con: DuckDBPyConnection) -> Size:
    """The size of the database that is open. Live is what is used, less the share of rows that were deleted and still have a place."""
    row = con.execute("SELECT block_size, total_blocks, used_blocks FROM pragma_database_size() WHERE database_name = current_database()")
    block, total, used = row.fetchall()[0]
    tables = con.execute(
        "SELECT schema_name, table_name, estimated_size FROM duckdb_tables() WHERE NOT internal AND NOT temporary"
        " AND database_name = current_database()"
    ).fetchall()
    stored = sum(size or 0 for _, _, size in tables)
    rows = sum(con.execute(f'SELECT count(*) FROM "{schema}"."{name}"').fetchall()[0][0] for schema, name, _ in tables)
    share = min(1.0, rows / stored) if stored else 1.0
    return Size(block * total, int(block * used * share))


def close_dbt() -> None:
    """dbt keeps its connection for the next run of this process, and a file that is open must not be swapped."""
    adapter = sys.modules.get("dbt.adapters.duckdb.connections")
    if adapter is not None:
        adapter.DuckDBConnectionManager.close_all_connections()
        gc.collect()  # the handles of its threads refer to each other


def _copy(path: Path, part: Path) -> None:
    import duckdb

    with closing(duckdb.connect()) as con:
        con.execute(f"ATTACH '{_text(path)}' AS build (READ_ONLY)")
        con.execute(f"ATTACH '{_text(part)}' AS fresh")
        con.execute("COPY FROM DATABASE build TO fresh")
        con.execute("DETACH fresh")  # writes its log into the file


def _connect(path: Path) -> DuckDBPyConnection:
    import duckdb

    return duckdb.connect(str(path))


def _has(con: DuckDBPyConnection, table: str) -> bool:
    sql = "SELECT count(*) FROM information_schema.tables WHERE table_schema = 'gold' AND table_name = ?"
    return bool(con.execute(sql, [table]).fetchall()[0][0])


def _text(path: Path) -> str:
    return str(path).replace("'", "''")


# --- files -------------------------------------------------------------------------------------------------------------------------


def _remove_logs(lake: Lake, now: datetime) -> int:
    oldest, removed = (now - LOGS_KEPT).timestamp(), 0
    for path in lake.logs.rglob("*.log*"):
        if path.is_file() and path.stat().st_mtime < oldest:
            path.unlink(missing_ok=True)
            removed += 1
    return removed


@contextmanager
def _told(kept: Kept, part: str) -> Iterator[None]:
    try:
        yield
    except Exception as error:  # whatever it is: the refresh is done and good, and the next one tidies
        log.warning("upkeep of %s failed", part, exc_info=error)
        kept.problems.append(f"{part}: {str(error).splitlines()[0] if str(error) else type(error).__name__}")
