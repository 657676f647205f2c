"""Publishes a release: immutable Parquet beside a small database of views over it, swapped by one rename.

Here: which tables readers get, plant_status, the swap. Elsewhere: the SQL of `kpi_value` (generated from the catalogue by
`dbt_project.generate`), the tables themselves (`pipelines.build`), reading (`publish.reader`).
"""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import polars as pl

from connectors.portfolio import Portfolio
from dbt_project import generate
from pipelines import build, silver
from pipelines.lake import Lake
from pipelines.ledger import ExportLedger
from quality_checks.runner import RESULTS

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

    from pipelines.refresh import Outcome

GOLD = ("mart_kpi_parts_shift", "kpi_definition", "release")
SILVER = ("plant", "equipment", "plant_setting", "downtime_reason")
KEPT_RELEASES = 3
"""Folders of older releases stay for readers that still hold the last snapshot open."""

STATUS: dict[str, pl.DataType | type[pl.DataType]] = {
    "plant_id": pl.String, "plant_name": pl.String, "company": pl.String, "owner": pl.String, "status": pl.String,
    "data_to": pl.Datetime("us", "UTC"), "refreshed_at": pl.Datetime("us", "UTC"), "exports": pl.Int64, "failed_exports": pl.Int64,
    "records_read": pl.Int64, "rejected": pl.Int64, "stale_since": pl.Datetime("us", "UTC"), "stale_reason": pl.String,
}  # fmt: skip


def publish(lake: Lake, portfolio: Portfolio, ledger: ExportLedger, outcome: Outcome) -> Path:
    """Writes the release's folder and swaps the snapshot; returns the snapshot's path. Readers see the old or the new, never both."""
    folder = lake.release(f"{outcome.release_id or 0:06d}-{outcome.refresh_id}")
    folder.mkdir(parents=True, exist_ok=True)
    frames = {
        "export_ledger": ledger.frame(),
        "plant_status": plant_status(portfolio, ledger, outcome),
        "quarantine": silver.read(lake, "quarantine").collect(),
        "quality_results": _quality(lake, outcome),
    }
    for name, frame in frames.items():
        frame.write_parquet(folder / f"{name}.parquet", compression="snappy")
    with build.connection(lake) as con:
        con.execute("SET TimeZone = 'UTC'")
        for name, query in _queries(con).items():
            con.execute(f"COPY ({query}) TO '{folder / name}.parquet' (FORMAT parquet, COMPRESSION snappy)")
    _swap(lake, folder, [path.stem for path in sorted(folder.glob("*.parquet"))])
    _forget(lake, folder)
    return lake.snapshot


def _queries(con: DuckDBPyConnection) -> dict[str, str]:
    """Every table of the release that exists in the build database, by its published name."""
    found = {(schema, name) for schema, name in con.execute("SELECT table_schema, table_name FROM information_schema.tables").fetchall()}
    queries = {name: f'SELECT * FROM gold."{name}"' for name in GOLD if ("gold", name) in found}
    for name in SILVER:
        for schema in ("silver", "seeds"):
            if (schema, name) in found:
                current = " WHERE is_current AND NOT is_deleted" if name == "equipment" else ""
                queries[name] = f'SELECT * FROM {schema}."{name}"{current}'
    if ("gold", "mart_kpi_parts_shift") in found:
        queries["mart_kpi_parts_shift"] += " ORDER BY plant_id, production_day, equipment_id, shift_instance_id, material_key"
    return queries


def plant_status(portfolio: Portfolio, ledger: ExportLedger, outcome: Outcome) -> pl.DataFrame:
    """One row a plant: how far its data goes, what was rejected, and since when and why it is stale."""
    accounts = ledger.frame()
    broken = {plant: " ".join(dict.fromkeys(p.message for p in outcome.problems if p.plant == plant)) for plant in outcome.broken_plants}
    before = _stale_before(portfolio)
    rows = []
    for plant_id in sorted({*portfolio.plants, *portfolio.broken, *before}):
        plant = portfolio.plants.get(plant_id)
        mine = accounts.filter(pl.col("plant_id") == plant_id)
        failed = mine.filter(pl.col("export_state") == "FAILED")["name"].n_unique()
        failed += mine.filter(pl.col("table_state") == "FAILED")["batch_id"].n_unique()
        reason = broken.get(plant_id) or (f"{failed} export(s) could not be loaded" if failed else None)
        since = before.get(plant_id) or outcome_time(outcome)
        rows.append(
            {
                "plant_id": plant_id, "plant_name": plant.name if plant else None, "company": plant.company if plant else None,
                "owner": plant.owner if plant else None,
                "status": "STALE" if reason else ("OK" if len(mine) else "NO_DATA"),
                "data_to": mine["data_to"].max(), "refreshed_at": mine["committed_at"].max(),
                "exports": mine["sha256"].n_unique() - (1 if mine["sha256"].null_count() else 0), "failed_exports": failed,
                "records_read": int(mine["records_read"].sum()), "rejected": int(mine["rejected"].sum()),
                "stale_since": since if reason else None, "stale_reason": reason,
            }
        )  # fmt: skip
    return pl.DataFrame(rows, schema=STATUS, orient="row")


def outcome_time(outcome: Outcome) -> object:
    from datetime import UTC, datetime

    return datetime.strptime(outcome.refresh_id, "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)


def _stale_before(portfolio: Portfolio) -> dict[str, object]:
    """Since when plants have been stale, by the snapshot that stands."""
    from publish.reader import Snapshot

    snapshot = Lake(portfolio.lake).snapshot
    if not snapshot.exists():
        return {}
    with Snapshot(snapshot) as reader:
        return dict(reader.rows("SELECT plant_id, stale_since FROM plant_status WHERE stale_since IS NOT NULL"))


def _quality(lake: Lake, outcome: Outcome) -> pl.DataFrame:
    """All quality results that the lake holds, with those of this refresh."""
    path = lake.gold / "quality_results.parquet"
    frames = [pl.read_parquet(path)] if path.exists() else []
    if outcome.quality is not None and len(outcome.quality):
        frames = [*(frame.filter(pl.col("refresh_id") != outcome.refresh_id) for frame in frames), outcome.quality]
    if not frames:
        return pl.DataFrame(schema=RESULTS)
    stacked = pl.concat(frames, how="diagonal_relaxed")
    with lake.half_written(path) as part:
        stacked.write_parquet(part)
    return stacked


def _swap(lake: Lake, folder: Path, names: list[str]) -> None:
    """Writes the snapshot beside its place and renames it: views over absolute paths, and the KPI view."""
    import duckdb

    with lake.half_written(lake.snapshot) as part:
        con = duckdb.connect(str(part))
        try:
            con.execute("SET TimeZone = 'UTC'")
            for name in names:
                con.execute(f"CREATE VIEW {name} AS SELECT * FROM read_parquet('{folder / name}.parquet')")
            if "mart_kpi_parts_shift" in names:
                con.execute(f"CREATE VIEW kpi_value AS {generate.kpi_value_sql(lambda name: name)}")
        finally:
            con.close()


def _forget(lake: Lake, current: Path) -> None:
    """Removes folders of releases that no reader can still have open; parts of every release are in the newest folder."""
    folders = sorted(path for path in current.parent.iterdir() if path.is_dir() and path != current)
    for path in folders[: -KEPT_RELEASES or None]:
        shutil.rmtree(path, ignore_errors=True)
