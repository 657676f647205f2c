"""The published tables that grow with history, written in pieces: a refresh writes those in which it changed something.

Here: parts by month of their production day (all versions in one file), their sums by unit and month, the export ledger by block, the
ledgers of time, counts and records by plant and month.
Elsewhere: the small tables and the swap (`publish.snapshot`), the SQL of the sums (`dbt_project.value_sql`).

A piece is never changed: a newer one takes its place in the next snapshot. Those that somebody lost are written anew.
"""

from __future__ import annotations

import hashlib
import time
from collections import defaultdict
from collections.abc import Collection
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import unquote

from dbt_project import value_sql
from dbt_project.sql_text import Relation
from pipelines import state, views
from pipelines.lake import Lake
from pipelines.ledger import ExportLedger
from pipelines.state import Parts

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

KEPT_S = 24 * 3600
"""Pieces that no snapshot names any more stay for a day, for readers that still hold an older one open."""


def months(con: DuckDBPyConnection, lake: Lake, parts: Parts) -> list[str]:
    """The files of a table of parts, one a month: those that a release touched are written anew."""
    known = dict(con.execute("SELECT month, path FROM gold.published_month WHERE table_name = ?", [parts.mart]).fetchall())
    there = [
        row[0] for row in con.execute(f"SELECT DISTINCT strftime(production_day, '%Y-%m') FROM gold.{parts.table} ORDER BY 1").fetchall()
    ]
    release = con.execute("SELECT coalesce(max(release_id), 0) FROM gold.release").fetchall()[0][0]
    for month in there:
        if month not in known or not (lake.root / known[month]).exists():
            path = _place(lake.published_parts / month, f"{parts.table}-{release:06d}")
            order = ", ".join(("plant_id", "production_day", "equipment_id", *parts.key, "valid_from_release"))
            _write(con, f"SELECT * FROM {_of_month(month, parts.mart)} ORDER BY {order}", path)
            con.execute("DELETE FROM gold.published_month WHERE table_name = ? AND month = ?", [parts.mart, month])
            con.execute("INSERT INTO gold.published_month VALUES (?, ?, ?)", [parts.mart, month, _name(lake, path)])
    paths = con.execute("SELECT path FROM gold.published_month WHERE table_name = ? ORDER BY month", [parts.mart]).fetchall()
    return _files(lake, paths)


def unit_months(con: DuckDBPyConnection, lake: Lake) -> list[str]:
    """The files of `mart_kpi_unit_month`, one a month: those whose parts were written anew, or that an older catalogue made."""
    version = hashlib.sha256(value_sql.unit_month_sql(value_sql.inlined(str)).encode()).hexdigest()[:12]
    standing = {
        month: (parts, path) for month, parts, made, path in con.execute("SELECT * FROM gold.published_sums").fetchall() if made == version
    }
    shifts = con.execute("SELECT month, path FROM gold.published_month WHERE table_name = 'mart_kpi_parts_shift' ORDER BY month").fetchall()
    for month, parts in shifts:
        of, path = standing.get(month, ("", ""))
        if of != parts or not (lake.root / path).exists():
            new = _place(lake.published_months, month)
            _write(con, value_sql.unit_month_sql(value_sql.inlined(_relation(month))), new)
            con.execute("INSERT OR REPLACE INTO gold.published_sums VALUES (?, ?, ?, ?)", [month, parts, version, _name(lake, new)])
    con.execute("DELETE FROM gold.published_sums WHERE month NOT IN (SELECT unnest($months))", {"months": [month for month, _ in shifts]})
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


def trail(con: DuckDBPyConnection, lake: Lake) -> dict[str, list[str]]:
    """The files of the ledgers that say what parts are made of, one a plant and month: those that a release changed are written anew.

    Ledgers of a held plant stay as they were published, as its parts do.
    """
    lost = [row[1:3] for row in con.execute("SELECT * FROM gold.published_trail").fetchall() if not (lake.root / row[3]).exists()]
    con.executemany("INSERT INTO gold.trail_due VALUES (?, ?)", lost) if lost else None
    due: dict[str, list[str]] = defaultdict(list)
    for plant, month in con.execute("SELECT DISTINCT plant_id, month FROM gold.trail_due ORDER BY ALL").fetchall():
        due[month].append(plant)
    there = {row[0] for row in con.execute("SELECT table_name FROM information_schema.tables WHERE table_schema = 'int'").fetchall()}
    con.execute("DELETE FROM gold.published_trail WHERE (plant_id, month) IN (SELECT (plant_id, month) FROM gold.trail_due)")
    for name, model in state.TRAIL.items():
        for month, plants in due.items() if model in there else ():
            _write_trail(con, lake, name, model, month, plants)
    con.execute("DELETE FROM gold.trail_due")
    found: dict[str, list[str]] = {name: [] for name in state.TRAIL}
    for name, path in con.execute("SELECT table_name, path FROM gold.published_trail ORDER BY ALL").fetchall():
        found[name] += _files(lake, [(path,)])
    return found


def _write_trail(con: DuckDBPyConnection, lake: Lake, name: str, model: str, month: str, plants: Collection[str]) -> None:
    """A month of a ledger, a file a plant, in folders that name plant and month: readers open those that they ask for."""
    folder = lake.published_trail / name / f"month={month}"
    folder.mkdir(parents=True, exist_ok=True)
    written = con.execute(
        f"""COPY (SELECT * FROM int.{model} WHERE {_days_of(month)} AND plant_id IN ({views.listed(plants)})
            ORDER BY plant_id, production_day, equipment_id)
        TO {views.quoted(folder)} (FORMAT parquet, COMPRESSION snappy, PARTITION_BY (plant_id), OVERWRITE_OR_IGNORE,
            FILENAME_PATTERN '{time.time_ns() // 1_000_000}-{{i}}', RETURN_FILES)"""
    ).fetchone()
    paths = [Path(path) for path in (written[1] if written else ())]
    con.execute(
        "INSERT INTO gold.published_trail SELECT $name, unnest($plants), $month, unnest($paths)",
        {"name": name, "month": month, "plants": [unquote(path.parent.name.partition("=")[2]) for path in paths],
         "paths": [_name(lake, path) for path in paths]},
    )  # fmt: skip


def forget(lake: Lake, named: Collection[str]) -> None:
    """Removes pieces that no reader can still have open."""
    folders = (lake.published_parts, lake.published_months, lake.published_ledger, lake.published_trail)
    for path in (path for folder in folders for path in folder.rglob("*.parquet")):
        if path.as_posix() not in named and path.stat().st_mtime < time.time() - KEPT_S:
            path.unlink(missing_ok=True)


def _relation(month: str) -> Relation:
    """The parts of a month, under the name of all parts."""
    return lambda _: _of_month(month)


def _of_month(month: str, mart: str = "mart_kpi_parts_shift") -> str:
    return f"(SELECT * FROM gold.{mart} WHERE {_days_of(month)})"


def _days_of(month: str) -> str:
    return f"production_day >= DATE '{month}-01' AND production_day < DATE '{month}-01' + INTERVAL 1 MONTH"


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
