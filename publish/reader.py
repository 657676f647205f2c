"""Reads the published snapshot: read-only SQL, and the KPI table that people ask for.

Here: questions to `kpi.duckdb`. Elsewhere: what the words of a question mean (`publish.scopes`), what changed since a release
(`publish.restated`), how answers look in the terminal (`publish.tables`), how the snapshot is made (`publish.snapshot`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

import polars as pl

from connectors.errors import ConfigError, Problem, closest, listed
from publish import scopes
from publish.scopes import Only, QueryError

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

HEADLINE = ("OEE", "A", "E", "Q", "OOE", "TEEP", "COVERAGE")
"""What is shown when no KPI is asked for."""


class Snapshot:
    """A published snapshot, opened read-only; usable as a context manager."""

    def __init__(self, path: Path):
        import duckdb

        if not path.exists():
            raise ConfigError(Problem(f"Nothing is published yet: {path} does not exist.", fix="run `plantlake refresh`"))
        self._con = duckdb.connect(str(path), read_only=True)
        self._con.execute("SET TimeZone = 'UTC'")

    def __enter__(self) -> Snapshot:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Lets go of the file."""
        self._con.close()

    @property
    def connection(self) -> DuckDBPyConnection:
        """The connection itself, read-only."""
        return self._con

    def in_order(self) -> None:
        """One thread from here on, for every reader of this file in the process: sums of floats depend on their order."""
        self._con.execute("SET threads = 1")

    def query(self, sql: str, parameters: Sequence[Any] | Mapping[str, Any] = ()) -> pl.DataFrame:
        """The answer as a frame. Raises QueryError with DuckDB's own words, which name the closest column."""
        import duckdb

        try:
            return pl.DataFrame(
                self._con.sql(sql, params=dict(parameters) if isinstance(parameters, Mapping) else list(parameters)).to_arrow_table()
            )
        except duckdb.Error as error:
            tables = [row[0] for row in self._con.execute("SELECT view_name FROM duckdb_views() WHERE NOT internal").fetchall()]
            raise QueryError(Problem(str(error), found=f"tables: {listed(sorted(tables), 20)}")) from error

    def rows(self, sql: str, parameters: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        """The answer as tuples."""
        return self.query(sql, parameters).rows()

    def dicts(self, sql: str, parameters: Sequence[Any] = ()) -> list[dict[str, Any]]:
        """The answer as dictionaries."""
        return self.query(sql, parameters).to_dicts()

    def run(self, sql: str) -> None:
        """A statement that leaves the snapshot as it is, such as a temporary table."""
        self._con.execute(sql)

    def kpi_ids(self) -> list[str]:
        return [row[0] for row in self.rows("SELECT DISTINCT kpi_id FROM kpi_definition ORDER BY kpi_id")]

    def has(self, name: str, column: str | None = None) -> bool:
        """Whether the snapshot has a table, and in it a column: an older one may not."""
        wanted = "table_name = ?" if column is None else "table_name = ? AND column_name = ?"
        return bool(self.rows(f"SELECT 1 FROM duckdb_columns() WHERE {wanted} LIMIT 1", [name, *([column] if column else [])]))

    def known_kpis(self, names: Sequence[str]) -> list[str]:
        """KPI ids as the catalogue writes them. Raises QueryError for one that it does not have."""
        known = self.kpi_ids()
        wanted = [name.upper() for name in names]
        unknown = [name for name in wanted if name not in known]
        if unknown:
            raise QueryError(
                Problem(f"There is no KPI '{name}'.", found=listed(known, 60), closest=closest(name, known), fix="plantlake kpi --list")
                for name in unknown
            )
        return wanted

    def asked(self, by: str, only: Only) -> tuple[str, str, list[str] | None]:
        """The kind of scope, the kind of period, and the ids of the scopes (None: all) that a question is about."""
        scope, period = scopes.by(by)
        kind = scope or (scopes.kind_of(self, only.scopes) if only.scopes else "PLANT")
        return kind, period or "MONTH", scopes.scope_ids(self, kind, only)

    def kpis(
        self,
        names: Sequence[str],
        by: str,
        profile: str = "ISO",
        periods: int | None = None,
        *,
        only: Only = Only(),  # noqa: B008 - frozen
        as_of: int | None = None,
    ) -> pl.DataFrame:
        """KPI values by scope and period, each with the value of the period before.

        `by` names a scope and a period, such as 'plant,month'; `periods` keeps the newest; `as_of` asks for what a release said.
        Columns: those of kpi_value, unit, trend and previous. Raises QueryError for a KPI, scope, period or
        profile that does not exist.
        """
        wanted = self.known_kpis(names) or list(HEADLINE)
        kind, period, ids = self.asked(by, only)
        within = "" if ids is None else " AND list_contains(?, scope_id)"
        frame = self.query(
            f"""
            WITH v AS (
                SELECT *, lag(value) OVER (PARTITION BY kpi_id, scope_id, profile, shift_code ORDER BY period_start) AS previous
                FROM {"kpi_value" if as_of is None else f"kpi_value_as_of({int(as_of)})"}
                WHERE scope_type = ? AND period_type = ? AND profile = ? AND list_contains(?, kpi_id){within}
            )
            SELECT v.*, d.unit, d.trend
            FROM v LEFT JOIN kpi_definition AS d USING (kpi_id, profile)
            WHERE period_start BETWEEN ? AND ?
            ORDER BY period_start, scope_id, shift_code, kpi_id
            """,
            [kind, period, profile.upper(), wanted, *([] if ids is None else [ids]), only.first or date.min, only.last or date.max],
        )
        if periods is None or frame.is_empty():
            return frame
        newest = frame["period_start"].unique().sort(descending=True).head(periods)
        return frame.filter(pl.col("period_start").is_in(newest.to_list()))
