"""The published tables that grow with history, written in pieces: a refresh writes those in which it changed something.

Here: parts by month of their production day (all versions in one file), their sums by unit and month, the export ledger by block.
Elsewhere: the small tables and the swap (`publish.snapshot`), the SQL of the sums (`dbt_project.value_sql`).

A piece is never changed: a newer one takes its place in the next snapshot. Those that somebody lost are written anew.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Collection
from pathlib import Path
from typing import TYPE_CHECKING

from dbt_project import value_sql
from pipelines import views
from pipelines.lake import Lake
from pipelines.ledger import ExportLedger

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

ORDER = "plant_id, production_day, equipment_id, shift_instance_id, material_key, valid_from_release"
KEPT_S = 24 * 3600
"""Pieces that no snapshot names any more stay for a day, for readers that still hold an older one open."""


def shifts(con: DuckDBPyConnection, lake: Lake) -> list[str]:
    """The files of `mart_kpi_parts_shift`, one a month: those that a release touched are written anew."""
    written = con.execute("SELECT month, path FROM gold.published_month").fetchall()
    lost = [month for month, path in written if not (lake.root / path).exists()]
    con.execute(f"DELETE FROM gold.published_month WHERE month IN ({views.listed(lost)})")
    missing = con.execute(
        """SELECT DISTINCT strftime(production_day, '%Y-%m') AS month FROM gold.parts
        WHERE strftime(production_day, '%Y-%m') NOT IN (SELECT month FROM gold.published_month) ORDER BY 1"""
    ).fetchall()
    release = con.execute("SELECT coalesce(max(release_id), 0) FROM gold.release").fetchall()[0][0]
    for (month,) in missing:
        path = _place(lake.published_parts / month, f"{release:06d}")
        _write(con, f"SELECT * FROM {_of_month(month)} ORDER BY {ORDER}", path)
        con.execute("INSERT INTO gold.published_month VALUES (?, ?)", [month, _name(lake, path)])
    return _files(lake, con.execute("SELECT path FROM gold.published_month ORDER BY month").fetchall())


def unit_months(con: DuckDBPyConnection, lake: Lake) -> list[str]:
    """The files of `mart_kpi_unit_month`, one a month: those whose parts were written anew, or that an older catalogue made."""
    version = hashlib.sha256(value_sql.unit_month_sql(value_sql.inlined(str)).encode()).hexdigest()[:12]
    standing = {
        month: (parts, path) for month, parts, made, path in con.execute("SELECT * FROM gold.published_sums").fetchall() if made == version
    }
    for month, parts in con.execute("SELECT month, path FROM gold.published_month ORDER BY month").fetchall():
        of, path = standing.get(month, ("", ""))
        if of != parts or not (lake.root / path).exists():
            new = _place(lake.published_months, month)
            _write(con, value_sql.unit_month_sql(value_sql.inlined(_relation(month))), new)
            con.execute("INSERT OR REPLACE INTO gold.published_sums VALUES (?, ?, ?, ?)", [month, parts, version, _name(lake, new)])
    con.execute("DELETE FROM gold.published_sums WHERE month NOT IN (SELECT month FROM gold.published_month)")
    return _files(lake, con.execute("SELECT path FROM gold.published_sums ORDER BY month").fetchall())


def exports(con: DuckDBPyConnection, lake: Lake, ledger: ExportLedger) -> list[str]:
    """The files of `export_ledger`, one a block of exports: those whose block changed are written anew."""
    known = {block: (version, path) for block, version, path in con.execute("SELECT * FROM gold.published_block").fetchall()}
    blocks, found = ledger.blocks(), {}
    for block, version in blocks.items():
        before, name = known.get(block, (None, ""))
        if before != version or not (lake.root / name).exists():
            path = _place(lake.published_ledger, f"{block:06d}")
            ledger.frame(block).write_parquet(path, compression="snappy")
            name = _name(lake, path)
        found[block] = (version, name)
    con.execute("DELETE FROM gold.published_block")
    con.executemany("INSERT INTO gold.published_block VALUES (?, ?, ?)", [[block, *about] for block, about in found.items()])
    return _files(lake, [(name,) for _, name in found.values()])


def forget(lake: Lake, named: Collection[str]) -> None:
    """Removes pieces that no reader can still have open."""
    folders = (lake.published_parts, lake.published_months, lake.published_ledger)
    for path in (path for folder in folders for path in folder.rglob("*.parquet")):
        if path.as_posix() not in named and path.stat().st_mtime < time.time() - KEPT_S:
            path.unlink(missing_ok=True)


def _relation(month: str) -> value_sql.Relation:
    """The parts of a month, under the name of all parts."""
    return lambda _: _of_month(month)


def _of_month(month: str) -> str:
    days = f"production_day >= DATE '{month}-01' AND production_day < DATE '{month}-01' + INTERVAL 1 MONTH"
    return f"(SELECT * FROM gold.mart_kpi_parts_shift WHERE {days})"


def _place(folder: Path, name: str) -> Path:
    """Where the next piece of this name goes."""
    folder.mkdir(parents=True, exist_ok=True)
    return folder / f"{name}-{time.time_ns() // 1_000_000}.parquet"


def _write(con: DuckDBPyConnection, query: str, path: Path) -> None:
    con.execute(f"COPY ({query}) TO {views.quoted(path)} (FORMAT parquet, COMPRESSION snappy)")


def _name(lake: Lake, path: Path) -> str:
    return path.relative_to(lake.root).as_posix()


def _files(lake: Lake, names: list[tuple[str]]) -> list[str]:
    return [(lake.root / name).as_posix() for (name,) in names]
