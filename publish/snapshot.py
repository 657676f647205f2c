"""Publishes a release: immutable Parquet beside a small database of views over it, swapped by one rename.

Here: which tables readers get, plant_status, the swap. Elsewhere: the SQL of `kpi_value` (generated from the catalogue by
`dbt_project.generate`), the tables themselves (`pipelines.release`), what they mean (`publish.dictionary`), reading (`publish.reader`).

`metrics.json` beside it says what each KPI is. What grows with history is written in pieces (`publish.parts`). Rejected rows and ideal rates
are read where they are, in the files of their Delta tables.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Container, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import polars as pl

from connectors.portfolio import Portfolio
from dbt_project import semantic_models, value_sql
from dbt_project.catalogue import published
from pipelines import state, views
from pipelines.drift_store import DriftStore
from pipelines.lake import Lake
from pipelines.ledger import ExportLedger
from publish import comparison, dictionary, losses, parts
from publish.restated import restated_sql
from quality_checks.store import Store

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

    from pipelines.refresh import Outcome

GOLD = {
    "kpi_definition": "SELECT * FROM gold.kpi_definition",
    "release": "SELECT * FROM gold.release ORDER BY release_id",
    "release_cause": "SELECT * FROM gold.release_cause ORDER BY release_id, plant_id, cause",
    "change_scope": "SELECT * FROM gold.change_scope WHERE state <> 'CLOSED' OR closed_release = (SELECT max(release_id) FROM gold.release)",
    "kpi_release": "SELECT * FROM gold.kpi_release",
    "plant_status_release": "SELECT * FROM gold.plant_status_release",
    "plant": "SELECT * FROM silver.plant",
    "equipment": "SELECT * FROM silver.equipment WHERE is_current AND NOT is_deleted",
    "line_station": "SELECT * FROM silver.line_station",
    "built_version": "SELECT * FROM gold.built_version",
    "plant_setting": "SELECT * FROM silver.plant_setting",
    "clock_offset": "SELECT * FROM silver.clock_offset ORDER BY plant_id, source_system, day",
    "unit_scope": "SELECT * FROM gold.unit_scope",
    "kpi_target": "SELECT * FROM gold.kpi_target",
    "downtime_reason": "SELECT * FROM seeds.downtime_reason",
    "economics": "SELECT * FROM silver.economics",
    "fx_rate": "SELECT * FROM silver.fx_rate",
}
"""Published tables that are small: written whole with each release."""
DERIVED = ("mart_kpi_unit_shift", "kpi_value")
"""Published tables that are views over others."""
READ_IN_SILVER = {"quarantine": "", "ideal_rate": "is_current AND NOT is_deleted"}
"""Published tables that are the files of silver themselves, with the condition on their rows."""
KEPT_RELEASES = 3
"""Folders of older releases stay for readers that still hold the last snapshot open."""

STATUS: dict[str, pl.DataType | type[pl.DataType]] = {
    "plant_id": pl.String, "plant_name": pl.String, "company": pl.String, "owner": pl.String, "status": pl.String,
    "data_to": pl.Datetime("us", "UTC"), "refreshed_at": pl.Datetime("us", "UTC"), "exports": pl.Int64, "failed_exports": pl.Int64,
    "records_read": pl.Int64, "rejected": pl.Int64, "stale_since": pl.Datetime("us", "UTC"), "stale_reason": pl.String,
}  # fmt: skip


def publish(lake: Lake, portfolio: Portfolio, ledger: ExportLedger, outcome: Outcome) -> Path:
    """Writes what is new and swaps the snapshot; returns the snapshot's path. Readers see the old or the new, never both."""
    with state.connection(lake) as con:
        state.create(con)
        folder = lake.release(f"{_newest(con):06d}-{outcome.refresh_id}")
        folder.mkdir(parents=True, exist_ok=True)
        pieces = {"export_ledger": parts.exports(con, lake, ledger)}
        frames = {
            "plant_status": plant_status(lake, portfolio, _told(con, pieces["export_ledger"]), ledger.failing(), outcome, _gates(con)),
            "quality_results": Store(lake.quality).all_results(),
            "drift": _drift(lake),
        }
        for name, frame in frames.items():
            frame.write_parquet(folder / f"{name}.parquet", compression="snappy")
        for name, query in _queries(con).items():
            con.execute(f"COPY ({query}) TO {views.quoted(f'{folder / name}.parquet')} (FORMAT parquet, COMPRESSION snappy)")
        pieces |= {of.mart: parts.months(con, lake, of) for of in state.PARTS}
        pieces["mart_kpi_unit_month"] = parts.unit_months(con, lake)
        trail = parts.trail(con, lake)
    _tell(lake, folder)
    _swap(lake, folder, pieces, trail)
    _forget(lake, folder)
    parts.forget(lake, {name for names in (*pieces.values(), *trail.values()) for name in names})
    return lake.snapshot


def _drift(lake: Lake) -> pl.DataFrame:
    with DriftStore(lake.drift) as store:
        return store.frame()


def _newest(con: DuckDBPyConnection) -> int:
    row = con.execute("SELECT coalesce(max(release_id), 0) FROM gold.release").fetchone()
    return int(row[0]) if row else 0


def _gates(con: DuckDBPyConnection) -> dict[str, tuple[datetime, str]]:
    return {
        plant: (since, f"{reason}")
        for plant, since, reason in con.execute("SELECT plant_id, held_since, reason FROM gold.plant_gate").fetchall()
    }


def named(table: str) -> str:
    """In the snapshot every table goes by its name."""
    return table


def _queries(con: DuckDBPyConnection) -> dict[str, str]:
    """The small tables of the release that exist in the build database."""
    found = {
        f"{schema}.{name}" for schema, name in con.execute("SELECT table_schema, table_name FROM information_schema.tables").fetchall()
    }
    return {name: query for name, query in GOLD.items() if query.split(" FROM ")[1].split()[0] in found}


def _told(con: DuckDBPyConnection, exports: Sequence[str]) -> dict[str, dict[str, Any]]:
    """By plant: the sums of its published export ledger."""
    rows = con.sql(
        "SELECT plant_id, max(data_to) AS data_to, max(committed_at) AS refreshed_at, count(DISTINCT sha256) AS exports,"
        " coalesce(sum(records_read), 0) AS records_read, coalesce(sum(rejected), 0) AS rejected"
        f" FROM read_parquet([{views.listed(exports)}]) GROUP BY plant_id"
    )
    return {row["plant_id"]: row for row in pl.DataFrame(rows.to_arrow_table()).to_dicts()}


def plant_status(
    lake: Lake,
    portfolio: Portfolio,
    told: Mapping[str, Mapping[str, Any]],
    failing: Sequence[tuple[str, str, str | None, str]],
    outcome: Outcome,
    gated: Mapping[str, tuple[datetime, str]],
) -> pl.DataFrame:
    """One row a plant: how far its data goes, what was rejected, and since when and why it is stale."""
    failures = {(plant, name) for plant, name, *_ in failing}
    broken = {plant: " ".join(dict.fromkeys(p.message for p in outcome.problems if p.plant == plant)) for plant in outcome.broken_plants}
    before = _stale_before(lake)
    rows = []
    for plant_id in sorted({*portfolio.plants, *portfolio.broken, *before, *gated}):
        plant = portfolio.plants.get(plant_id)
        mine = told.get(plant_id, {})
        failed = sum(of == plant_id for of, _ in failures)
        since, reason = gated.get(plant_id, (before.get(plant_id) or outcome_time(outcome), None))
        reason = reason or broken.get(plant_id) or (f"{failed} export(s) could not be loaded" if failed else None)
        rows.append(
            {
                "plant_id": plant_id, "plant_name": plant.name if plant else None, "company": plant.company if plant else None,
                "owner": plant.owner if plant else None,
                "status": "STALE" if reason else ("OK" if mine else "NO_DATA"),
                "data_to": mine.get("data_to"), "refreshed_at": mine.get("refreshed_at"),
                "exports": mine.get("exports", 0), "failed_exports": failed,
                "records_read": int(mine.get("records_read", 0)), "rejected": int(mine.get("rejected", 0)),
                "stale_since": since if reason else None, "stale_reason": reason,
            }
        )  # fmt: skip
    return pl.DataFrame(rows, schema=STATUS, orient="row")


def outcome_time(outcome: Outcome) -> datetime:
    """When the refresh began."""
    return datetime.strptime(outcome.refresh_id, "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)


def _stale_before(lake: Lake) -> dict[str, datetime]:
    """Since when plants have been stale, by the snapshot that stands."""
    from publish.reader import Snapshot

    if not lake.snapshot.exists():
        return {}
    with Snapshot(lake.snapshot) as reader:
        return dict(reader.rows("SELECT plant_id, stale_since FROM plant_status WHERE stale_since IS NOT NULL"))


def _tell(lake: Lake, folder: Path) -> None:
    """Writes the definitions of the KPIs with the release's targets beside the snapshot."""
    aims = folder / "kpi_target.parquet"
    targets = pl.read_parquet(aims).sort("kpi_id", "scope_type", "scope_id", "valid_from").to_dicts() if aims.exists() else []
    told = {**published(), "release": folder.name, "targets": targets}
    with lake.half_written(lake.metrics) as part:
        part.write_text(json.dumps(told, ensure_ascii=False, default=str), encoding="utf-8")


def _swap(lake: Lake, folder: Path, grown: Mapping[str, Sequence[str]], trail: Mapping[str, Sequence[str]]) -> None:
    """Writes the snapshot beside its place and renames it: views over absolute paths, and the KPI view.

    The small tables are the files of `folder`; `grown` names the files of those that are written in pieces, `trail` those of the
    ledgers, whose folders are named by plant and month.
    """
    import duckdb

    names = {path.stem: [path.as_posix()] for path in sorted(folder.glob("*.parquet"))} | {
        name: files for name, files in grown.items() if files
    }
    with lake.half_written(lake.snapshot) as part:
        con = duckdb.connect(str(part))
        try:
            con.execute("SET TimeZone = 'UTC'")
            for name, files in names.items():
                con.execute(f"CREATE VIEW {name} AS SELECT * FROM read_parquet([{views.listed(files)}])")
            for name, files in trail.items():
                con.execute(f"CREATE VIEW {name} AS {_trail_sql(name, files)}")
            for table, where in READ_IN_SILVER.items():
                found = views.files(lake, table)
                con.execute(views.view_sql(table, [] if found is None else found["path"].to_list(), name=table, where=where))
            for mart in (mart for mart in (*(of.mart for of in state.PARTS), "kpi_target") if mart not in names):
                columns = ", ".join(f"CAST(NULL AS {dtype}) AS {name}" for name, dtype in state.parts_columns(mart).items())
                con.execute(f"CREATE VIEW {mart} AS SELECT {columns} WHERE false")
            for name in (name for name in ("line_station", "economics", "fx_rate") if name not in names):
                con.execute(views.view_sql(name, [], name=name))
            derive(con, names)
            comment(con)
        finally:
            con.close()


def derive(con: DuckDBPyConnection, names: Container[str]) -> None:
    """Makes what a database that has the tables `names` gets above them: `kpi_value`, the views between, the macros."""
    if "unit_scope" not in names:
        return
    con.execute(f"CREATE VIEW mart_kpi_unit_shift AS {value_sql.unit_shift_sql(named)}")
    if "mart_kpi_unit_month" not in names:
        con.execute(f"CREATE VIEW mart_kpi_unit_month AS {value_sql.unit_month_sql(named)}")
    over_sums(con)


def over_sums(con: DuckDBPyConnection, kpi_value: str | None = None) -> None:
    """The values and the macros, over parts and sums that are there. `kpi_value`: another SELECT than the generated one."""
    # DuckDB plans what a macro reads when it is made: over nothing that is quick.
    columns = ", ".join(f"CAST(NULL AS {dtype}) AS {name}" for name, dtype in state.parts_columns("kpi_value").items())
    con.execute(f"CREATE VIEW kpi_value AS SELECT {columns} WHERE false")
    con.execute("CREATE MACRO kpi_value_as_of(as_of_release) AS TABLE SELECT * FROM kpi_value")
    restated = restated_sql("kpi_value_as_of(since_release)", "kpi_value")
    for macro in (f"CREATE MACRO kpi_restated(since_release) AS TABLE {restated}", *comparison.MACROS, *losses.MACROS):
        con.execute(macro)
    con.execute("CREATE SCHEMA semantic")
    for view, sql in semantic_models.views(named).items():
        con.execute(f"CREATE VIEW semantic.{view} AS {sql}")
    con.execute(f"CREATE OR REPLACE VIEW kpi_value AS {kpi_value or value_sql.kpi_value_sql(named)}")
    as_of = value_sql.kpi_value_sql(named, as_of="as_of_release")
    con.execute(f"CREATE OR REPLACE MACRO kpi_value_as_of(as_of_release) AS TABLE {as_of}")


def comment(con: DuckDBPyConnection) -> None:
    """Says in the database what its tables, columns and macros are; in one transaction, or it takes twice as long."""
    found: dict[tuple[str, str], list[str]] = {}
    columns = "SELECT schema_name, table_name, column_name FROM duckdb_columns() WHERE NOT internal ORDER BY ALL"
    kinds = dict(con.execute("SELECT (schema_name, view_name), 'VIEW' FROM duckdb_views() WHERE NOT internal").fetchall())
    for schema, table, column in con.execute(columns).fetchall():
        found.setdefault((schema, table), []).append(column)
    con.execute("BEGIN")
    for (schema, table), names in found.items():
        for column, text in dictionary.comments(dictionary.name_of(schema, table), names):
            what = f'COLUMN {schema}.{table}."{column}"' if column else f"{kinds.get((schema, table), 'TABLE')} {schema}.{table}"
            con.execute(f"COMMENT ON {what} IS {views.quoted(text)}")
    for (macro,) in con.execute("SELECT DISTINCT function_name FROM duckdb_functions() WHERE NOT internal").fetchall():
        con.execute(f"COMMENT ON MACRO TABLE {macro} IS {views.quoted(dictionary.macros()[macro])}")
    con.execute("COMMIT")


def _trail_sql(name: str, files: Sequence[str]) -> str:
    """A ledger as one relation. `month` and `plant_id` stand in the names of the folders: a question that names them opens one file."""
    columns = {**state.parts_columns(state.TRAIL[name], "intermediate"), "month": "varchar"}
    nothing = ", ".join(f"CAST(NULL AS {dtype}) AS {column}" for column, dtype in columns.items())
    if not files:
        return f"SELECT {nothing} WHERE false"
    rows = f"read_parquet([{views.listed(files)}], hive_partitioning = true, hive_types_autocast = false)"
    return f"SELECT {', '.join(columns)} FROM {rows}"


def _forget(lake: Lake, current: Path) -> None:
    """Removes the folders of releases that no reader can still have open."""
    folders = sorted(path for path in current.parent.iterdir() if path.is_dir() and path != current)
    for path in folders[: -KEPT_RELEASES or None]:
        shutil.rmtree(path, ignore_errors=True)
