"""Reads the published snapshot: read-only SQL, and the KPI table that people ask for.

Here: questions to `kpi.duckdb`. Elsewhere: how answers look in the terminal (`pipelines.cli`), how the snapshot is made
(`publish.snapshot`).
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import polars as pl

from connectors.errors import ConfigError, PlantlakeError, Problem, closest, listed

SCOPES = {name.lower(): name for name in ("PLANT", "COMPANY", "PORTFOLIO", "AREA", "LINE", "EQUIPMENT", "CLASS")}
PERIODS = {name.lower(): name for name in ("SHIFT", "DAY", "WEEK", "MONTH", "QUARTER")}


class QueryError(PlantlakeError):
    """A question that the snapshot cannot answer as it was put."""


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
        self._con.close()

    def query(self, sql: str, parameters: Sequence[Any] = ()) -> pl.DataFrame:
        """The answer as a frame. Raises QueryError with DuckDB's own words, which name the closest column."""
        import duckdb

        try:
            return pl.DataFrame(self._con.sql(sql, params=list(parameters)).to_arrow_table())
        except duckdb.Error as error:
            tables = [row[0] for row in self._con.execute("SELECT view_name FROM duckdb_views() WHERE NOT internal").fetchall()]
            raise QueryError(Problem(str(error), found=f"tables: {listed(sorted(tables), 20)}")) from error

    def rows(self, sql: str, parameters: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        """The answer as tuples."""
        return self.query(sql, parameters).rows()

    def kpi_ids(self) -> list[str]:
        return [row[0] for row in self.rows("SELECT DISTINCT kpi_id FROM kpi_definition ORDER BY kpi_id")]

    def kpis(self, names: Sequence[str], by: str, profile: str = "ISO", periods: int | None = None) -> pl.DataFrame:
        """KPI values by scope and period, each with the value of the period before.

        `by` names a scope and a period, such as 'plant,month'; `periods` keeps the newest. Columns: those of kpi_value,
        unit, trend and previous. Raises QueryError for a KPI, scope, period or profile that does not exist.
        """
        scope, period = _by(by)
        known = self.kpi_ids()
        wanted = [name.upper() for name in names] or ["OEE", "A", "E", "Q", "OOE", "TEEP", "COVERAGE"]
        unknown = [name for name in wanted if name not in known]
        if unknown:
            raise QueryError(
                Problem(f"There is no KPI '{name}'.", found=listed(known, 60), closest=closest(name, known)) for name in unknown
            )
        frame = self.query(
            """
            SELECT v.*, d.unit, d.trend,
                lag(value) OVER (PARTITION BY kpi_id, scope_id, profile, shift_code ORDER BY period_start) AS previous
            FROM kpi_value AS v LEFT JOIN kpi_definition AS d USING (kpi_id, profile)
            WHERE scope_type = ? AND period_type = ? AND profile = ? AND list_contains(?, kpi_id)
            ORDER BY period_start, scope_id, shift_code, kpi_id
            """,
            [scope, period, profile.upper(), wanted],
        )
        if periods is None or frame.is_empty():
            return frame
        newest = frame["period_start"].unique().sort(descending=True).head(periods)
        return frame.filter(pl.col("period_start").is_in(newest.to_list()))


def _by(by: str) -> tuple[str, str]:
    words = [word.strip().lower() for word in by.split(",") if word.strip()]
    scopes = [SCOPES[word] for word in words if word in SCOPES]
    periods = [PERIODS[word] for word in words if word in PERIODS]
    wrong = [word for word in words if word not in SCOPES and word not in PERIODS]
    if wrong or len(scopes) > 1 or len(periods) > 1:
        known = [*SCOPES, *PERIODS]
        word = wrong[0] if wrong else by
        raise QueryError(
            Problem(f"'--by {by}' does not name one scope and one period.", found=word, closest=closest(word, known),
                    fix=f"--by plant,month (scopes: {', '.join(SCOPES)}; periods: {', '.join(PERIODS)})")
        )  # fmt: skip
    return (scopes or ["PLANT"])[0], (periods or ["MONTH"])[0]
