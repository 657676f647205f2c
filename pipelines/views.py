"""Views of the build database over chosen files of silver.

Here: which files a version of a table has, and the SQL of a view over some of them. Elsewhere: which files a refresh needs
(`pipelines.scope`), how they are written (`pipelines.silver`).

A view is pinned: it names files, so that commits made while dbt runs are not seen. Partition columns are VARCHAR, so that plant
'1001' stays text.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import polars as pl

from pipelines import silver
from pipelines.lake import Lake

FILES = {"path": pl.String(), "plant_id": pl.String(), "month": pl.String(), "records": pl.Int64()}
"""Columns of `files`; plant_id and month are NULL where the table is not partitioned by them."""


def files(lake: Lake, table: str, version: int | None = None) -> pl.DataFrame | None:
    """The files of a version of a table (None: today's) with their partition values; None when that version is not there any more."""
    from deltalake import DeltaTable
    from deltalake.exceptions import DeltaError

    folder = lake.table(table)
    if not (folder / "_delta_log").is_dir():
        return pl.DataFrame(schema=FILES)
    try:
        delta = DeltaTable(folder, version=version)
    except (DeltaError, FileNotFoundError):
        return None
    actions = pl.DataFrame(delta.get_add_actions(flatten=True))
    if actions.is_empty():
        return pl.DataFrame(schema=FILES)
    keys = {name: f"partition.{name}" for name in ("plant_id", "month")}
    return actions.select(
        (pl.lit(folder.as_posix() + "/") + pl.col("path")).alias("path"),
        *(
            (pl.col(at) if at in actions.columns else pl.lit(None, dtype=pl.String)).cast(pl.String).alias(name)
            for name, at in keys.items()
        ),
        pl.col("num_records").cast(pl.Int64).alias("records"),
    )


def view_sql(table: str, paths: Sequence[str], *, name: str | None = None, where: str = "") -> str:
    """`CREATE OR REPLACE VIEW` over these files, with the exact columns and types of the table; without files an empty SELECT.

    `name` is the view's (`silver.<table>` if not given), `where` a condition on its rows.
    """
    return f"CREATE OR REPLACE VIEW {name or f'silver.{_name(table)}'} AS\n{select_sql(table, paths, where=where)}"


def select_sql(table: str, paths: Sequence[str], *, where: str = "") -> str:
    """The SELECT of `view_sql`."""
    types = {column: silver.duckdb_type(dtype) for column, dtype in silver.columns(table).items()}
    nothing = "SELECT " + ", ".join(f"CAST(NULL AS {dtype}) AS {_name(column)}" for column, dtype in types.items()) + " WHERE false"
    if not paths:
        return nothing
    hive = "true" if silver.partition_by(table) else "false"
    rows = f"SELECT * FROM read_parquet([{listed(sorted(paths))}], hive_partitioning = {hive}, hive_types_autocast = false, union_by_name = true)"
    selected = ", ".join(f"CAST({_name(column)} AS {dtype}) AS {_name(column)}" for column, dtype in types.items())
    # Older files may lack columns that were added since: the empty SELECT names them all.
    found = f"SELECT {selected} FROM ({rows} UNION ALL BY NAME {nothing})"
    return f"{found} WHERE {where}" if where else found


def listed(texts: Iterable[Any]) -> str:
    """Texts as SQL literals between commas; NULL when there are none."""
    return ", ".join(quoted(text) for text in texts) or "NULL"


def quoted(value: Any) -> str:
    """A text as a SQL literal."""
    return "'" + str(value).replace("'", "''") + "'"


def _name(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
