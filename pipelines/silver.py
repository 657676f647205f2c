"""The silver layer: canonical tables in Delta, read by plant and month, replaced by partition or added to by export.

Here: reading, the commits, the SQL of the views that dbt reads, and upkeep. Elsewhere: columns and row rules
(`transforms.tables`), how versions are merged (`transforms.revisions`), when what is committed (`pipelines.refresh`).

Facts and production days are partitioned by plant and UTC month, one file a partition where the table is replaced; orders, their
operations and `quarantine` by plant. Everything else (master data, statements) is not partitioned: thousands of small files would cost
each reader more than a writer pays for rewriting one file (a million rows: 0.6 s). Each function that writes makes exactly one commit:
it succeeds as a whole or leaves the version that was there. Its metadata says which exports are in it (`plantlake.batches`, a JSON
list).

Two ways of writing. Partitioned tables: polars streams into the table's folder, and the files are committed with the removal of
those that they replace (40 M samples: 13 M rows/s and 0.7 GB, against 6 M rows/s and 1.3 GB through delta-rs; 3,000 partitions of
events: 2.5 s and 0.6 GB, against 5.5 s and 2.6 GB). Small tables: delta-rs overwrites what a predicate names, within files. Both
expect the writer's lock to be held.
"""

from __future__ import annotations

import json
import time
import uuid
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import polars as pl

from connectors.errors import PlantlakeError, Problem
from pipelines.lake import Lake
from transforms.keys import row_hash
from transforms.tables import STATEMENTS, TABLES, UTC_US

if TYPE_CHECKING:
    from deltalake import CommitProperties, DeltaTable, WriterProperties
    from deltalake.transaction import AddAction

    from pipelines.ledger import TableRow

Schema = dict[str, pl.DataType]
Located = tuple[str, int, dict[str, str | None]]
"""A file: its path in the table, its size, its partition values."""
Frame = TypeVar("Frame", pl.DataFrame, pl.LazyFrame)
BATCHES = "plantlake.batches"
ACCOUNTS = "plantlake.accounts"
REFRESH = "plantlake.refresh_id"
_ACCOUNTED = ("plant_id", "source_system", "table_name", "mapping_version", "connector_version")

QUARANTINE: Schema = {
    "plant_id": pl.String(), "quarantine_id": pl.String(), "batch_id": pl.String(), "source_system": pl.String(),
    "source_object": pl.String(), "table_name": pl.String(), "row_number": pl.Int64(), "rule": pl.String(), "detail": pl.String(),
    "raw_row": pl.String(), "rejected_at": UTC_US, "resolved_at": UTC_US,
}  # fmt: skip
"""One row per rejected source record, target table and broken rule; `raw_row` is the record as delivered, in JSON. `rejected_at`: first
so; `resolved_at`: when a later load of the same export no longer rejected it for this rule, null as long as it stands rejected."""
_EXPORT_TABLE = ("plant_id", "table_name", "batch_id")

_KEPT_DAYS = 7
"""So long stay files that a newer version replaced."""
_CONFIGURATION = {
    "delta.checkpointInterval": "50",
    "delta.logRetentionDuration": "interval 90 days",
    "delta.deletedFileRetentionDuration": f"interval {_KEPT_DAYS} days",
}
_WIDENED = "plantlake.widened"
"""Property of a table whose older files lack columns that were added since."""
_PARTITIONS = ("plant_id", "month")
_BY_PLANT = ("quarantine", "production_order", "order_operation")
_STATISTICS = ("ts", "start_ts", "end_ts", "event_ts", "tag_id", "_batch_id")
_SMALL_FILES = 16
"""More files than these in one partition of an appended table are made one."""


@dataclass(frozen=True, slots=True)
class Drop:
    """Rows of an appended table that an export replaces: those of these batches of the plant, in [time_from, time_to) if given."""

    plant_id: str
    batches: tuple[str, ...]
    time_from: datetime | None = None
    time_to: datetime | None = None

    def rows(self) -> pl.Expr:
        tests = [pl.col("plant_id") == self.plant_id, pl.col("_batch_id").is_in(list(self.batches))]
        tests += [pl.col("ts") >= self.time_from] if self.time_from else []
        tests += [pl.col("ts") < self.time_to] if self.time_to else []
        return pl.all_horizontal(tests)


@cache
def columns(table: str) -> Schema:
    """Columns of a silver table (or `quarantine`) as stored: closed vocabularies are plain text.

    >>> columns("equipment_state_event")["state_class"]
    String
    """
    if table == "quarantine":
        return QUARANTINE
    found: Mapping[str, Any] = TABLES[table].columns if table in TABLES else STATEMENTS[table]
    return {name: _stored(dtype) for name, dtype in found.items()}


def empty(table: str) -> pl.DataFrame:
    """No rows of a table, with its columns as stored."""
    return pl.DataFrame(schema=columns(table))


def partition_by(table: str) -> list[str]:
    """The columns that a table is partitioned by.

    >>> partition_by("production_count"), partition_by("material"), partition_by("production_order")
    (['plant_id', 'month'], [], ['plant_id'])
    """
    if table in _BY_PLANT:
        return ["plant_id"]
    return list(_PARTITIONS) if "month" in columns(table) else []


def version(lake: Lake, table: str) -> int | None:
    """The current version of a table, None when it was never written."""
    delta = _open(lake, table)
    return delta.version() if delta else None


class Snapshot:
    """One version of a table, its log read once: for a caller that reads it plant by plant."""

    def __init__(self, lake: Lake, table: str, at_version: int | None = None):
        self.lake, self.table = lake, table
        delta = _open(lake, table, at_version)
        self._keys = delta.metadata().partition_columns if delta else []
        self._actions = _actions(delta) if delta else pl.DataFrame()

    def months(self, plant_id: str) -> set[str]:
        """The UTC months in which a plant has rows, by the log alone."""
        return set(self._files({"plant_id": [plant_id], "month": None})["partition.month"].to_list()) if "month" in self._keys else set()

    def read(
        self, plants: Collection[str] | None = None, months: Collection[str] | None = None, columns: Sequence[str] | None = None
    ) -> pl.LazyFrame:
        """The rows of these plants and UTC months; None means all. Of the files only these `columns` are read."""
        wanted = {"plant_id": plants, "month": months}
        found = self._files({key: wanted[key] for key in self._keys})
        if found.is_empty():
            return empty(self.table).select(columns or pl.all()).lazy()
        frame = _scan(self.lake, self.table, sorted(found["path"].to_list()), self._keys, columns)
        for name, values in wanted.items():
            if values is not None and name not in self._keys:
                frame = frame.filter(pl.col(name).is_in(list(values)))
        return frame

    def _files(self, wanted: Mapping[str, Collection[str] | None]) -> pl.DataFrame:
        return _chosen(self._actions, wanted)


def read(
    lake: Lake,
    table: str,
    plants: Collection[str] | None = None,
    months: Collection[str] | None = None,
    current_only: bool = False,
) -> pl.LazyFrame:
    """The rows of a table, of these plants and UTC months ('2026-01'); None means all. An absent table is an empty frame.

    `current_only` leaves the last version of each record that is not deleted. Plant ids stay text.
    """
    frame = Snapshot(lake, table).read(plants, months)
    return frame.filter(pl.col("is_current"), ~pl.col("is_deleted")) if current_only else frame


def replace(
    lake: Lake,
    table: str,
    rows: pl.DataFrame,
    partitions: Collection[tuple[str, str] | str],
    metadata: Mapping[str, str],
) -> int:
    """Makes `rows` all there is in these partitions, in one commit; returns the new version.

    `partitions` are (plant_id, month) pairs for facts and plant ids for all other tables; one without rows becomes empty. Rows
    outside them are refused (PlantlakeError, nothing is written). Give all plants of a refresh at once: one commit a table.
    """
    if not partitions:
        raise ValueError(f"{table}: a commit that replaces nothing")
    _refuse_outside(table, rows, partitions)
    delta = _created(lake, table)
    if not partition_by(table):
        return _overwrite(lake, table, rows, f"plant_id IN ({_listed(map(str, partitions))})", metadata)
    keys = [f"partition.{name}" for name in partition_by(table)]
    named = pl.DataFrame(sorted(map(_as_tuple, partitions)), schema=dict.fromkeys(keys, pl.String), orient="row")
    actions = _actions(delta)
    replaced = actions if actions.is_empty() else actions.join(named, on=keys, how="semi")
    with _files_to_commit(lake, table) as stamp:
        _sink(lake, table, _fitting(table, rows.lazy()), f"new-{stamp}")
        return _commit_files(lake, table, stamp, _located(delta, replaced), metadata)


def quarantine(
    lake: Lake, rows: pl.DataFrame, scope: Collection[tuple[str, str, str]], metadata: Mapping[str, str], *, at: datetime | None = None
) -> int:
    """Makes `rows` the unresolved rejected records of the (plant_id, table_name, batch_id)s of `scope`, in one commit.

    A record that is rejected again keeps when that was first so. One that stood rejected and is not any more stays, with `at` (the
    instant of the refresh, default now) as `resolved_at`. Exports of which nothing changed are not written again, and without any
    change there is no commit. `quarantine_id` and `resolved_at` of `rows` may be absent. Returns the table's version.
    """
    from deltalake import write_deltalake

    if not scope:
        raise ValueError("quarantine: a commit that replaces nothing")
    _created(lake, "quarantine")
    wanted = pl.DataFrame(sorted(scope), schema=dict.fromkeys(_EXPORT_TABLE, pl.String), orient="row")
    standing = read(lake, "quarantine", wanted["plant_id"].unique().to_list()).join(wanted.lazy(), on=_EXPORT_TABLE, how="semi").collect()
    known = _identified(standing.drop("quarantine_id"))  # lakes of format 1 made the id of the file's name too
    now = _resolved(_fitting("quarantine", _identified(rows)), _fitting("quarantine", known), at or datetime.now(UTC))
    changed = now.join(standing, on=list(QUARANTINE), how="anti", nulls_equal=True).select(_EXPORT_TABLE).unique()
    if changed.is_empty():
        return _current_version(lake, "quarantine")
    now = now.join(changed, on=_EXPORT_TABLE, how="semi")
    if standing.join(changed, on=_EXPORT_TABLE, how="semi").is_empty():
        write_deltalake(
            lake.quarantine, _fitting("quarantine", now), mode="append", writer_properties=_zstd(), commit_properties=_commit(metadata)
        )
        return _current_version(lake, "quarantine")
    return _overwrite(lake, "quarantine", now, _any_of(changed), metadata)


def _resolved(rejected: pl.DataFrame, standing: pl.DataFrame, at: datetime) -> pl.DataFrame:
    """All that is known of rejected records: those of today, as of when they were first rejected, and those that no longer are."""
    first = standing.select("quarantine_id", pl.col("rejected_at").alias("_first"))
    again = rejected.unique("quarantine_id", keep="first", maintain_order=True).join(first, on="quarantine_id", how="left")
    again = again.with_columns(pl.coalesce("_first", "rejected_at").alias("rejected_at")).select(*QUARANTINE)
    gone = standing.join(rejected, on="quarantine_id", how="anti")
    return pl.concat([again, gone.with_columns(pl.col("resolved_at").fill_null(pl.lit(at, dtype=UTC_US)))])


def _any_of(exports: pl.DataFrame) -> str:
    """A predicate for the rows of these exports and tables."""
    batches: dict[tuple[str, str], set[str]] = defaultdict(set)
    for plant_id, table_name, batch_id in exports.iter_rows():
        batches[plant_id, table_name].add(batch_id)
    tests = [
        f"(plant_id = {_quoted(plant)} AND table_name = {_quoted(name)} AND batch_id IN ({_listed(ids)}))"
        for (plant, name), ids in sorted(batches.items())
    ]
    return " OR ".join(tests)


def append(
    lake: Lake,
    table: str,
    rows: pl.LazyFrame | pl.DataFrame | Iterable[pl.DataFrame],
    metadata: Mapping[str, str],
    drop: Sequence[Drop] = (),
) -> int:
    """Adds rows to an appended table (`historian_sample`) as a stream, in one commit; frames of an iterator are taken one by one.

    What the same batches gave before is replaced in that commit: to load an export again changes nothing, and a refresh that was
    killed after its commit does no harm. `drop` names more rows to remove (the window that an export covers). Files that hold
    other rows beside them are written again without them. Without a row to add or to remove there is no commit.
    """
    delta = _created(lake, table)
    with _files_to_commit(lake, table) as stamp:
        _sink(lake, table, _fitting(table, _lazy(table, rows)), f"new-{stamp}")
        drops = [*drop, *_batches_of(lake, table, stamp)]
        rewritten = _files_with(delta, drops)
        if rewritten:
            kept = _scan(lake, table, [path for path, _, _ in rewritten])
            _sink(lake, table, kept.filter(~pl.any_horizontal(item.rows() for item in drops)), f"old-{stamp}")
        if not rewritten and not _written(lake, table, stamp):
            return delta.version()
        return _commit_files(lake, table, stamp, rewritten, metadata)


def delete_batches(lake: Lake, table: str, batches: Iterable[tuple[str, str]], metadata: Mapping[str, str]) -> int:
    """Removes everything these (plant_id, batch_id)s gave to an appended table, in one commit."""
    of_plant: dict[str, set[str]] = defaultdict(set)
    for plant_id, batch_id in batches:
        of_plant[plant_id].add(batch_id)
    return append(lake, table, empty(table), metadata, [Drop(plant, tuple(sorted(ids))) for plant, ids in of_plant.items()])


def files(lake: Lake, table: str, at_version: int | None = None) -> tuple[int, list[str]]:
    """The version of a table and the paths of its files; (-1, []) when it was never written."""
    delta = _open(lake, table, at_version)
    if delta is None:
        return -1, []
    folder = lake.table(table)
    return delta.version(), [(folder / path).as_posix() for path in _paths(delta)]


def duckdb_view_sql(lake: Lake, table: str, at_version: int | None = None) -> str:
    """`CREATE OR REPLACE VIEW silver.<table>` over the files of one version, with the exact columns and types of the table.

    The version is pinned: commits made while dbt runs are not seen. Partition columns are VARCHAR, so that plant '1001' stays
    text. A table without files is an empty SELECT.
    """
    _, paths = files(lake, table, at_version)
    types = {name: duckdb_type(dtype) for name, dtype in columns(table).items()}
    head = f"CREATE OR REPLACE VIEW silver.{_name(table)} AS\nSELECT"
    if not paths:
        nothing = ", ".join(f"CAST(NULL AS {dtype}) AS {_name(name)}" for name, dtype in types.items())
        return f"{head} {nothing}\nWHERE false"
    delta = _open(lake, table, at_version)
    assert delta is not None
    stored = {field.name for field in delta.schema().fields}
    selected = ", ".join(f"CAST({_name(name) if name in stored else 'NULL'} AS {dtype}) AS {_name(name)}" for name, dtype in types.items())
    union = "true" if delta.metadata().configuration.get(_WIDENED) else "false"  # binds every file: 0.1 s per 3,000
    hive = "true" if partition_by(table) else "false"
    return (
        f"{head} {selected}\nFROM read_parquet([{', '.join(map(_quoted, paths))}], hive_partitioning = {hive},"
        f" hive_types_autocast = false, union_by_name = {union})"
    )


def committed_batches(lake: Lake, table: str) -> set[str]:
    """The batch ids that the commits of a table name: what of an interrupted refresh is in silver already.

    Commits older than the log's retention (90 days) are not known any more.
    """
    return {str(batch) for commit in _commits(lake, table) for batch in json.loads(commit.get(BATCHES, "[]"))}


def committed_accounts(lake: Lake, table: str) -> dict[tuple[str, str], TableRow]:
    """By (plant, batch): what the newest commit that tells accounts says of the export; those of the last 90 days, as above."""
    from pipelines.ledger import TableRow

    found: dict[tuple[str, str], TableRow] = {}
    for commit in _commits(lake, table):  # newest first
        for group in json.loads(commit.get(ACCOUNTS, "[]")):
            plant_id, source_id, name, mapping, connector = (group[key] for key in _ACCOUNTED)
            for batch, read_, accepted, rejected, duplicate, written, filtered_by in group["of"]:
                row = TableRow(plant_id, source_id, batch, name, "COMMITTED", read_, accepted, rejected, duplicate, filtered_by, written,
                               mapping, connector)  # fmt: skip
                found.setdefault((plant_id, batch), row)
    return found


def last_commit(lake: Lake, table: str) -> datetime | None:
    """When a refresh last wrote to a table; upkeep does not count."""
    for commit in _commits(lake, table, 50):
        if commit.get(REFRESH):
            return datetime.fromtimestamp(commit["timestamp"] / 1000, UTC)
    return None


def _commits(lake: Lake, table: str, most: int | None = None) -> list[dict[str, Any]]:
    """What commits say about themselves, the newest first."""
    delta = _open(lake, table)
    return delta.history(most) if delta else []


def repartition(lake: Lake, table: str) -> bool:
    """Rewrites a table whose files are laid out otherwise than `partition_by` says, in one commit; says whether there was need.

    Readers of a pinned version keep the old files. Columns that the rows lack are null, except the month of a production day.
    Killed at any moment, the table is in its old layout or in its new one.
    """
    from deltalake import write_deltalake

    delta = _open(lake, table)
    if delta is None or delta.metadata().partition_columns == partition_by(table):
        return False
    rows = Snapshot(lake, table).read().collect()
    if table == "production_day":
        rows = rows.with_columns(pl.col("start_ts").dt.strftime("%Y-%m").alias("month"))
    write_deltalake(
        lake.table(table), _fitting(table, rows), mode="overwrite", schema_mode="overwrite", partition_by=partition_by(table) or None,
        writer_properties=_zstd(), commit_properties=_commit(commit_metadata("repartition", ())),
    )  # fmt: skip
    return True


def maintain(lake: Lake, table: str, *, vacuum: bool = True, keep_versions: Collection[int] = ()) -> tuple[int, int]:
    """Upkeep, cheap when there is nothing to do; only for the holder of the writer's lock. Returns (partitions made one, files removed).

    Small files of one partition are made one. Files that a newer version replaced stay for a week for readers of a pinned version,
    and as long as one of `keep_versions` is made of them; files of interrupted writes go with them. Removing lists the table's
    folder (2,000 files: 0.06 s) and makes two commits without rows when it finds something; `vacuum` says whether to look.
    Checkpoints and log clean-up happen by themselves, every 50 commits.
    """
    delta = _open(lake, table)
    if delta is None:
        return 0, 0
    keys = partition_by(table)
    crowded = _crowded(delta, keys) if keys else []
    for partition in crowded:
        filters = [(name, "=", value) for name, value in partition]
        delta.optimize.compact(partition_filters=filters, writer_properties=_zstd())
    if not vacuum:
        return len(crowded), 0
    kept = _needing_care(lake, table, keep_versions)
    how: dict[str, Any] = {"retention_hours": _KEPT_DAYS * 24, "full": True, "keep_versions": kept or None}
    found = [path for path in delta.vacuum(dry_run=True, **how) if (lake.table(table) / path).exists()]
    if found:
        delta.vacuum(dry_run=False, **how)
    return len(crowded), len(found)


def _needing_care(lake: Lake, table: str, versions: Collection[int]) -> list[int]:
    """Of these versions those of which a vacuum would remove files: a commit after them is older than the files' week.

    Each costs the vacuum a reading of the log. A version that the log no longer tells has no files that could be kept.
    """
    log, oldest = lake.table(table) / "_delta_log", time.time() - _KEPT_DAYS * 86400
    found = []
    for number in sorted(set(versions)):
        after = log / f"{number + 1:020d}.json"
        replaced = after.exists() and after.stat().st_mtime < oldest
        cleaned = not after.exists() and number < _current_version(lake, table)
        if (replaced or cleaned) and _is_told(lake, table, number):
            found.append(number)
    return found


def _is_told(lake: Lake, table: str, number: int) -> bool:
    from deltalake.exceptions import DeltaError

    try:
        return _open(lake, table, number) is not None
    except DeltaError:
        return False


def _stored(dtype: Any) -> pl.DataType:
    instance: pl.DataType = dtype() if isinstance(dtype, type) else dtype
    return pl.String() if isinstance(instance, pl.Enum | pl.Categorical) else instance


def _fitting(table: str, rows: Frame) -> Frame:
    return rows.select(pl.col(name).cast(dtype) for name, dtype in columns(table).items())


def _identified(rows: pl.DataFrame) -> pl.DataFrame:
    key = ["plant_id", "source_system", "batch_id", "table_name", "row_number", "rule"]
    if "quarantine_id" not in rows.columns:
        rows = rows.with_columns(row_hash(key).alias("quarantine_id"))
    return rows if "resolved_at" in rows.columns else rows.with_columns(pl.lit(None, dtype=UTC_US).alias("resolved_at"))


def _as_tuple(partition: tuple[str, ...] | str) -> tuple[str, ...]:
    return partition if isinstance(partition, tuple) else (partition,)


def _refuse_outside(table: str, rows: pl.DataFrame, partitions: Collection[Any]) -> None:
    keys = [name for name in _PARTITIONS if name in partition_by(table)] or ["plant_id"]
    found = set(rows.select(keys).unique().iter_rows())
    allowed = set(map(_as_tuple, partitions))
    if outside := sorted(found - allowed, key=str):
        raise PlantlakeError(
            Problem(
                f"{table} got rows outside the partitions that this commit replaces; nothing was written.",
                table=table,
                found=", ".join("/".join(map(str, item)) for item in outside[:5]),
                fix="this is a defect of plantlake: report it",
                actor="us",
            )
        )


def _open(lake: Lake, table: str, at_version: int | None = None) -> DeltaTable | None:
    from deltalake import DeltaTable

    path = lake.table(table)
    if not (path / "_delta_log").is_dir() or not DeltaTable.is_deltatable(str(path)):
        return None
    return DeltaTable(path, version=at_version)


def _created(lake: Lake, table: str) -> DeltaTable:
    """The table, made if it is absent, widened by columns that it lacks."""
    from deltalake import DeltaTable
    from deltalake import Schema as DeltaSchema

    arrow = pl.DataFrame(schema=columns(table)).to_arrow(compat_level=pl.CompatLevel.oldest()).schema
    delta = _open(lake, table)
    if delta is None:
        return DeltaTable.create(
            lake.table(table), schema=arrow, mode="ignore", partition_by=partition_by(table), configuration=_CONFIGURATION
        )
    stored = {field.name for field in delta.schema().fields}
    if missing := [field for field in DeltaSchema.from_arrow(arrow).fields if field.name not in stored]:
        delta.alter.add_columns(missing)
        delta.alter.set_table_properties({_WIDENED: "true"}, raise_if_not_exists=False)
    return delta


def _current_version(lake: Lake, table: str) -> int:
    found = version(lake, table)
    assert found is not None
    return found


def _overwrite(lake: Lake, table: str, rows: pl.DataFrame, predicate: str, metadata: Mapping[str, str]) -> int:
    """Replaces the rows that meet the predicate, within files."""
    from deltalake import write_deltalake

    started = time.time()
    try:
        write_deltalake(
            lake.table(table), _fitting(table, rows), mode="overwrite", predicate=predicate,
            writer_properties=_zstd(), commit_properties=_commit(metadata),
        )  # fmt: skip
    except BaseException:
        _remove_unknown(lake, table, started)
        raise
    return _current_version(lake, table)


def _remove_unknown(lake: Lake, table: str, since: float) -> None:
    """Removes what a commit that failed wrote: files that are not older than its start and that the log does not know."""
    delta = _open(lake, table)
    known = set(_paths(delta)) if delta else set()
    folder = lake.table(table)
    for path in folder.rglob("*.parquet"):
        place = path.relative_to(folder).as_posix()
        if "_delta_log" not in path.parts and place not in known and path.stat().st_mtime >= since - 1:
            path.unlink(missing_ok=True)


def _zstd() -> WriterProperties:
    from deltalake import WriterProperties

    return WriterProperties(compression="ZSTD", compression_level=1)


@contextmanager
def _files_to_commit(lake: Lake, table: str) -> Iterator[str]:
    """A stamp for the files of one commit; they are removed when the block fails."""
    stamp = f"{int(time.time() * 1000)}-{uuid.uuid4().hex[:12]}"
    try:
        yield stamp
    except BaseException:
        for path in _written(lake, table, stamp):
            path.unlink(missing_ok=True)
        raise


def _commit_files(lake: Lake, table: str, stamp: str, removed: Sequence[Located], metadata: Mapping[str, str]) -> int:
    """Adds the files with this stamp and removes others, in one commit."""
    from deltalake.transaction import RemoveAction

    delta = _created(lake, table)
    now = int(time.time() * 1000)
    removals = [RemoveAction(path, True, now, size=size, partition_values=dict(values)) for path, size, values in removed]
    delta.create_write_transaction(
        [*_add_actions(lake, table, stamp, now), *removals], mode="append", schema=delta.schema(),
        partition_by=partition_by(table), commit_properties=_commit(metadata),
    )  # fmt: skip
    return _current_version(lake, table)


def _commit(metadata: Mapping[str, str]) -> CommitProperties:
    from deltalake import CommitProperties

    return CommitProperties(custom_metadata=dict(metadata))


def commit_metadata(refresh_id: str, batches: Iterable[str], accounts: Iterable[TableRow] = ()) -> dict[str, str]:
    """What a commit says about itself: the refresh, the exports it holds and, if given, what became of their records.

    Accounts are grouped by plant, source, table and versions; each is [batch, read, accepted, rejected, duplicate, rows written,
    {filter: records}], 110 bytes an export.
    """
    metadata = {REFRESH: refresh_id, BATCHES: json.dumps(sorted(set(batches)))}
    groups: dict[tuple[str | None, ...], list[list[Any]]] = defaultdict(list)
    for row in accounts:
        counts = (row.records_read, row.accepted, row.rejected, row.duplicate, row.rows_written, dict(row.filtered_by))
        groups[tuple(getattr(row, name) for name in _ACCOUNTED)].append([row.batch_id, *counts])
    if groups:
        grouped = [dict(zip((*_ACCOUNTED, "of"), (*key, rows), strict=True)) for key, rows in groups.items()]
        metadata[ACCOUNTS] = json.dumps(grouped, separators=(",", ":"))
    return metadata


def _listed(texts: Iterable[str]) -> str:
    return ", ".join(map(_quoted, sorted(texts)))


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def _name(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def duckdb_type(dtype: pl.DataType) -> str:
    """The DuckDB type of a stored column."""
    if isinstance(dtype, pl.Decimal):
        return f"DECIMAL({dtype.precision}, {dtype.scale})"
    if isinstance(dtype, pl.List):
        return duckdb_type(_stored(dtype.inner)) + "[]"
    if isinstance(dtype, pl.Datetime):
        return "TIMESTAMPTZ" if dtype.time_zone else "TIMESTAMP"
    names = {"String": "VARCHAR", "Int64": "BIGINT", "Int32": "INTEGER", "Float64": "DOUBLE", "Boolean": "BOOLEAN", "Date": "DATE"}
    return names[str(dtype)]


def _actions(delta: DeltaTable) -> pl.DataFrame:
    """The files of a version with their partition values and statistics, one row each."""
    return pl.DataFrame(delta.get_add_actions(flatten=True))


def _chosen(actions: pl.DataFrame, wanted: Mapping[str, Collection[str] | None]) -> pl.DataFrame:
    """The files of these partition values; None means any."""
    for key, values in wanted.items():
        if values is not None and not actions.is_empty():
            actions = actions.filter(pl.col(f"partition.{key}").is_in(list(values)))
    return actions


def _paths(delta: DeltaTable) -> list[str]:
    """The files, relative to the table."""
    actions = _actions(delta)
    return sorted(actions["path"].to_list()) if not actions.is_empty() else []


def _files_with(delta: DeltaTable, drop: Sequence[Drop]) -> list[Located]:
    """(path, size, partition values) of the files that may hold a row to drop, by partition and statistics."""
    if not drop:
        return []
    actions = _actions(delta)
    if actions.is_empty():
        return []
    low, high = (pl.col(f"{end}._batch_id") if f"{end}._batch_id" in actions.columns else pl.lit(None) for end in ("min", "max"))
    tests = [
        (pl.col("partition.plant_id") == item.plant_id)
        & pl.any_horizontal(((low <= batch) & (high >= batch)).fill_null(True) for batch in item.batches)
        for item in drop
        if item.batches
    ]
    found = actions.filter(pl.any_horizontal(tests) if tests else pl.lit(False))
    return _located(delta, found)


def _located(delta: DeltaTable, actions: pl.DataFrame) -> list[Located]:
    keys = delta.metadata().partition_columns
    return [(row["path"], row["size_bytes"], {key: row[f"partition.{key}"] for key in keys}) for row in actions.iter_rows(named=True)]


def _scan(
    lake: Lake, table: str, paths: Sequence[str], keys: Sequence[str] | None = None, wanted: Sequence[str] | None = None
) -> pl.LazyFrame:
    """These files of a table. Every read of rows goes through here. `keys`: what the files are partitioned by, where it is not today's."""
    keys = partition_by(table) if keys is None else keys
    return pl.scan_parquet(
        [lake.table(table) / path for path in paths], hive_partitioning=True, hive_schema=dict.fromkeys(keys, pl.String()),
        missing_columns="insert", schema={name: dtype for name, dtype in columns(table).items() if name not in keys},
    ).select(*(wanted or columns(table)))  # fmt: skip


def _lazy(table: str, rows: pl.LazyFrame | pl.DataFrame | Iterable[pl.DataFrame]) -> pl.LazyFrame:
    if isinstance(rows, pl.LazyFrame | pl.DataFrame):
        return rows.lazy()
    return _streamed(table, rows)


def _streamed(table: str, frames: Iterable[pl.DataFrame]) -> pl.LazyFrame:
    from polars.io.plugins import register_io_source

    def produce(
        with_columns: list[str] | None, predicate: pl.Expr | None, n_rows: int | None, batch_size: int | None
    ) -> Iterator[pl.DataFrame]:
        for frame in frames:
            part = _fitting(table, frame)
            part = part if predicate is None else part.filter(predicate)
            yield part if with_columns is None else part.select(with_columns)

    return register_io_source(produce, schema=columns(table))


def _sink(lake: Lake, table: str, rows: pl.LazyFrame, prefix: str) -> None:
    """Streams rows into files of the table's folder that no reader knows yet."""
    keys = partition_by(table)

    def place(args: Any) -> str:
        values = args.partition_keys.row(0, named=True)
        return "/".join([*(f"{key}={values[key]}" for key in keys), f"{prefix}-{args.index_in_partition:05d}.parquet"])

    target = pl.PartitionBy(lake.table(table), key=keys, include_key=False, file_path_provider=place)
    rows.sink_parquet(target, compression="zstd", compression_level=1, mkdir=True, statistics=True)


def _written(lake: Lake, table: str, stamp: str) -> list[Path]:
    folders = "*/" * len(partition_by(table))
    return sorted(lake.table(table).glob(f"{folders}*-{stamp}-*.parquet"))


def _batches_of(lake: Lake, table: str, stamp: str) -> list[Drop]:
    """The batches in files that were just written."""
    folder = lake.table(table)
    paths = [path.relative_to(folder).as_posix() for path in _written(lake, table, stamp)]
    if not paths:
        return []
    found = _scan(lake, table, paths).select("plant_id", "_batch_id").unique().collect(engine="streaming")
    of_plant = found.group_by("plant_id").agg("_batch_id").sort("plant_id")
    return [Drop(plant_id, tuple(sorted(batches))) for plant_id, batches in of_plant.iter_rows()]


def _add_actions(lake: Lake, table: str, stamp: str, now: int) -> list[AddAction]:
    from deltalake.transaction import AddAction

    folder = lake.table(table)
    actions = []
    for path in _written(lake, table, stamp):
        place = path.relative_to(folder)
        values = dict(part.split("=", 1) for part in place.parts[:-1])
        actions.append(AddAction(place.as_posix(), path.stat().st_size, values, now, True, _statistics(path)))
    return actions


def _statistics(path: Path) -> str:
    """Delta's statistics of a file, from its own footer: readers skip files by them."""
    import pyarrow.parquet as pq

    footer = pq.read_metadata(path)
    low: dict[str, Any] = {}
    high: dict[str, Any] = {}
    nulls: dict[str, int] = defaultdict(int)
    for group in range(footer.num_row_groups):
        for index in range(footer.num_columns):
            column = footer.row_group(group).column(index)
            name, found = column.path_in_schema, column.statistics
            if name not in _STATISTICS or found is None:
                continue
            nulls[name] += found.null_count or 0
            if found.has_min_max:
                least, most = _end(found, "min"), _end(found, "max")
                low[name], high[name] = min(low.get(name, least), least), max(high.get(name, most), most)
    return json.dumps({"numRecords": footer.num_rows, "minValues": low, "maxValues": high, "nullCount": nulls})


def _end(found: Any, which: str) -> str:
    """The least or greatest value of a column of texts or instants, as the Delta log writes it.

    Instants are taken as they are stored: pyarrow makes pandas' timestamps of them, and its import costs a second.
    """
    if found.physical_type != "INT64":
        return str(getattr(found, which))
    moment = datetime.fromtimestamp(0, UTC) + timedelta(microseconds=getattr(found, f"{which}_raw"))
    return moment.isoformat(timespec="microseconds").replace("+00:00", "Z")


def _crowded(delta: DeltaTable, keys: Sequence[str]) -> list[list[tuple[str, str]]]:
    actions = _actions(delta)
    if actions.is_empty():
        return []
    names = [f"partition.{key}" for key in keys]
    counted = actions.group_by(names).len().filter(pl.col("len") > _SMALL_FILES).sort(names)
    return [[(key, row[f"partition.{key}"]) for key in keys] for row in counted.iter_rows(named=True)]
