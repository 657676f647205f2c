"""The export ledger made anew when its file is gone, damaged or wrong, and how far it agrees with silver.

Here: what is set aside, what is read in which order, the comparison. Elsewhere: the ledger and its replay (`pipelines.ledger`), the
journal (`pipelines.journal`), the exports that the commits of silver name (`pipelines.silver`), telling it (`pipelines.doctor`).

Sources, the surer first. The journal in bronze has every line of the ledger. Where it has a gap (a lake of format 1, a folder that
was lost), silver's rows name the exports that they came from, and bronze has their bytes: such an export is entered as landed, its
tables as not done, and the next refresh makes them again, which gives the exact accounts and changes nothing in silver. Accounts in
Delta's history are not entered: they do not tell up to when an export's data go, and without that a source would get a wrong
watermark. They serve to say what the ledger does not know.
"""

from __future__ import annotations

import sqlite3
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import polars as pl

from pipelines import bronze, silver
from pipelines.journal import Journal
from pipelines.lake import Lake
from pipelines.ledger import ExportLedger, ExportRow, TableRow
from pipelines.lock import writer_lock
from transforms.tables import TABLES

if TYPE_CHECKING:
    from collections.abc import Iterator

EXPORT = ("plant_id", "_source_system", "_batch_id")
_LINEAGE = ("_source_object", "_export_order", "_ingested_at")
_SHA256 = r"^[0-9a-f]{64}$"


@dataclass(frozen=True, slots=True)
class Rebuilt:
    """What the ledger holds after it was made anew."""

    exports: int
    tables: int
    from_silver: int
    """Exports that the journal did not know; the next refresh counts their records again."""
    set_aside: Path | None
    """Where a damaged file was moved to."""


@dataclass(frozen=True, slots=True)
class Unknown:
    """An export that a commit of silver names and the ledger does not hold as committed; `plant_id` where the commit tells it."""

    table_name: str
    batch_id: str
    plant_id: str | None = None
    source_system: str | None = None


def rebuild(lake: Lake, *, wait_s: float = 0) -> Rebuilt:
    """Makes the ledger anew from bronze and silver, under the writer's lock; killed at any moment, it is as before or done.

    What plant files stated is not known afterwards: the next refresh states it again, which changes nothing. Raises LockedError
    when a refresh runs.
    """
    set_aside = _set_aside(lake) if damage(lake.ledger) else None
    with writer_lock(lake, wait_s), ExportLedger(lake.ledger) as ledger:
        if lake.version == 1:
            write_base(lake, ledger)
        with ledger.transaction():
            ledger.rebuild()
            found = list(_in_silver(lake, ledger))
            ledger.record_export(*(export for export, _ in found))
            ledger.record_tables(_to_count(export, table) for export, tables in found for table in tables)
        frame = ledger.frame()
    return Rebuilt(
        frame.select("plant_id", "source_system", "name", "sha256").n_unique(), frame["table_name"].count(), len(found), set_aside
    )


def write_base(lake: Lake, ledger: ExportLedger) -> None:
    """Begins the journal of a ledger that is older than journals with all that it knows; an empty ledger knows nothing better."""
    if ledger.frame().is_empty():
        return
    with lake.half_written(Journal(lake.journal).base) as part:
        part.write_bytes(ledger.as_lines())


def damage(path: Path) -> str | None:
    """What is wrong with the ledger's file as a file; None when it is sound or is not there."""
    if not path.exists():
        return None
    try:
        with closing(sqlite3.connect(path, timeout=30)) as connection:
            [found] = connection.execute("PRAGMA quick_check(1)").fetchone()
    except sqlite3.OperationalError:  # busy: somebody can read it
        return None
    except sqlite3.DatabaseError as error:
        return str(error)
    return None if found == "ok" else str(found)


def unknown(lake: Lake, ledger: ExportLedger) -> list[Unknown]:
    """What the commits of silver of the last 90 days name and the ledger does not hold as committed."""
    known = ledger.committed()
    batches = {(table, batch) for _, table, batch in known}
    found: list[Unknown] = []
    for table in TABLES:
        accounts = silver.committed_accounts(lake, table)
        told = {batch for _, batch in accounts}
        found += [
            Unknown(table, batch, plant_id, row.source_system)
            for (plant_id, batch), row in accounts.items()
            if (plant_id, table, batch) not in known
        ]
        rest = silver.committed_batches(lake, table) - told
        found += [Unknown(table, batch) for batch in sorted(rest) if (table, batch) not in batches]
    return found


def _set_aside(lake: Lake) -> Path:
    """Moves a damaged file away, with what SQLite keeps beside it; nothing is thrown away."""
    stamp = datetime.now(UTC).strftime("%Y%m%dT%H%M%SZ")
    target = lake.ledger.with_name(f"{lake.ledger.name}.damaged-{stamp}")
    for suffix in ("-wal", "-shm"):
        beside = lake.ledger.with_name(lake.ledger.name + suffix)
        if beside.exists():
            beside.replace(target.with_name(target.name + suffix))
    lake.ledger.replace(target)
    return target


def _in_silver(lake: Lake, ledger: ExportLedger) -> Iterator[tuple[ExportRow, list[str]]]:
    """Exports that silver's rows name, whose bytes are in bronze and that the ledger does not know; with their tables."""
    known: dict[str, set[tuple[str, str]]] = {}
    for row in _named(lake).iter_rows(named=True):
        plant_id, source_id, batch = (str(row[name]) for name in EXPORT)
        if plant_id not in known:
            known[plant_id] = {(export.source_system, str(export.batch_id)) for export in ledger.exports(plant_id)}
        if (source_id, batch) in known[plant_id] or not bronze.object_path(lake, row["sha256"]).exists():
            continue
        yield ExportRow(
            plant_id, source_id, row["_source_object"], "", "LANDED", sha256=row["sha256"], batch_id=batch,
            first_seen_at=row["_ingested_at"], landed_at=row["_ingested_at"], export_order=row["_export_order"],
        ), row["tables"]  # fmt: skip


def _to_count(export: ExportRow, table: str) -> TableRow:
    """The account of a table that has to be made again: under no mapping version, so that the whole table of the source is."""
    return TableRow(export.plant_id, export.source_system, str(export.batch_id), table, "FAILED")


def _named(lake: Lake) -> pl.DataFrame:
    """The exports that rows came from, once each, with their tables; the hash of their bytes ends their place in the order of exports."""
    names = [name for name, spec in TABLES.items() if {*EXPORT, *_LINEAGE} <= set(spec.columns)]
    frames = [silver.read(lake, name).select(*EXPORT, *_LINEAGE, pl.lit(name).alias("tables")).unique() for name in names]
    rows = pl.concat(frames).group_by(EXPORT).agg(
        pl.col("_source_object").sort_by("_ingested_at", "_source_object").first(), pl.col("_ingested_at").min(),
        pl.col("_export_order").max(), pl.col("tables").unique().sort(),
    )  # fmt: skip
    rows = rows.with_columns(pl.col("_export_order").str.split("|").list.last().alias("sha256"))
    return (
        rows.filter(pl.col("sha256").str.contains(_SHA256)).sort("plant_id", "_source_system", "_export_order").collect(engine="streaming")
    )
