"""The snapshot as it stood when a month was closed: the same tables, views and macros, at that release and up to the end of that month.

Here: which release a closed month stands for, and a database of it that `publish.reader` opens like any other. Elsewhere: closing a month
(`pipelines.release`), today's snapshot (`publish.snapshot`), what is made of it (`publish.board_pack`).

Values of the closed month are those it was closed with. Everything else follows from the parts, which keep every version.
"""

from __future__ import annotations

import calendar
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from connectors.errors import PlantlakeError, Problem, listed
from dbt_project import value_sql
from publish.snapshot import named, over_sums

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

    from publish.reader import Snapshot

DERIVED = ("kpi_value", "mart_kpi_unit_shift", "mart_kpi_unit_month")
"""Made anew over the parts as they stood."""
TOLD_AT = {"export_ledger": "committed_at", "quarantine": "rejected_at", "drift": "found_at", "quality_results": "checked_at"}
"""Tables of what happened, with when it did."""
CLOSING = ("closed_month", "closed_at", "closed_by")


@dataclass(frozen=True)
class Closing:
    """A closed month: when and by whom, and the release whose numbers it was closed with."""

    month: date
    closed_at: datetime
    closed_by: str
    release: int
    released_at: datetime

    @property
    def last_day(self) -> date:
        return self.month.replace(day=calendar.monthrange(self.month.year, self.month.month)[1])


def closings(reader: Snapshot) -> list[Closing]:
    """Every month that is closed, oldest first."""
    if not reader.has("kpi_release"):
        return []
    rows = reader.rows(
        """SELECT k.closed_month, k.closed_at, k.closed_by, r.release_id, r.released_at
        FROM (SELECT closed_month, max(closed_at) AS closed_at, max(closed_by) AS closed_by FROM kpi_release GROUP BY closed_month) AS k
        ASOF JOIN release AS r ON r.released_at <= k.closed_at
        ORDER BY k.closed_month"""
    )
    return [Closing(*row) for row in rows]


def closing(reader: Snapshot, month: date) -> Closing:
    """The closing of a month. Raises PlantlakeError for one that is not closed."""
    known = {found.month: found for found in closings(reader)}
    if month in known:
        return known[month]
    months = [row[0] for row in reader.rows("SELECT DISTINCT CAST(month AS DATE) FROM mart_kpi_unit_month ORDER BY 1")]
    told = f"closed months: {listed([f'{day:%Y-%m}' for day in known], 12)}" if known else "no month is closed yet"
    has_values = f"plantlake release close {month:%Y-%m}, when its numbers are final"
    has_none = f"months with values: {listed([f'{day:%Y-%m}' for day in months], 12)}" if months else "plantlake refresh"
    raise PlantlakeError(Problem(f"{month:%Y-%m} is not closed.", found=told, fix=has_values if month in months else has_none))


def write(published: Snapshot, target: Path, about: Closing) -> None:
    """Writes the snapshot as it stood, as a database of views over the published files."""
    import duckdb

    views = dict(published.rows("SELECT view_name, sql FROM duckdb_views() WHERE NOT internal AND schema_name = 'main'"))
    versioned = {
        row[0]
        for row in published.rows(
            "SELECT table_name FROM duckdb_columns() WHERE column_name = 'valid_from_release' AND schema_name = 'main'"
        )
    }
    con = duckdb.connect(str(target))
    try:
        con.execute("SET TimeZone = 'UTC'")
        con.execute("CREATE SCHEMA published")
        names = sorted(views.keys() - set(DERIVED))
        for name in names:
            con.execute(f"CREATE VIEW published.{name} AS {views[name].partition(' AS ')[2]}")
        for name in names:
            con.execute(f"CREATE VIEW {name} AS {_as_it_stood(name, views, versioned, about)}")
        con.execute(f"CREATE VIEW mart_kpi_unit_shift AS {value_sql.unit_shift_sql(named)}")
        # A table: everything that is asked of months reads it, and nothing of it is published as of a release.
        con.execute(f"CREATE TABLE mart_kpi_unit_month AS {value_sql.unit_month_sql(named)}")
        over_sums(con, _values(con, about))
    finally:
        con.close()


def _as_it_stood(name: str, views: Mapping[str, str], versioned: set[str], about: Closing) -> str:
    """The SELECT of a table as it stood, over the published one."""
    source, moment = f"published.{name}", f"TIMESTAMPTZ '{about.closed_at.isoformat()}'"
    if name in versioned:
        days = f" AND production_day <= DATE '{about.last_day}'"
        until = f"CASE WHEN valid_to_release <= {about.release} THEN valid_to_release END"
        return f"SELECT * REPLACE ({until} AS valid_to_release) FROM {source} WHERE valid_from_release <= {about.release}{days}"
    if name in ("release", "release_cause"):
        return f"SELECT * FROM {source} WHERE release_id <= {about.release}"
    if name in ("kpi_release", "plant_status_release"):
        return f"SELECT * FROM {source} WHERE closed_at <= {moment}"
    if name == "plant_status":
        if "plant_status_release" not in views:
            return f"SELECT * FROM {source} WHERE false"
        kept = f"SELECT * EXCLUDE ({', '.join(CLOSING)}) FROM published.plant_status_release WHERE closed_month = DATE '{about.month}'"
        return f"SELECT * FROM {source} WHERE false UNION ALL BY NAME {kept}"
    if name in TOLD_AT:
        return f"SELECT * FROM {source} WHERE {TOLD_AT[name]} IS NULL OR {TOLD_AT[name]} <= {moment}"
    return f"SELECT * FROM {source}"


def _values(con: DuckDBPyConnection, about: Closing) -> str:
    """The SELECT of `kpi_value`: of the closed month what it was closed with."""
    closed = f"period_type = 'MONTH' AND period_start = DATE '{about.month}'"
    kept = f"SELECT * EXCLUDE ({', '.join(CLOSING)}) FROM kpi_release WHERE closed_month = DATE '{about.month}'"
    return f"SELECT * FROM ({value_sql.kpi_value_sql(named)}) AS v WHERE NOT ({closed}) UNION ALL BY NAME {kept}"


def not_reconciled(reader: Snapshot, about: Closing) -> tuple[int, int]:
    """Of the values of the closed month: how many the parts as they stood do not give, and how many there are.

    They differ where something that keeps no versions was changed since the month was closed: which units a plant has, or a definition.
    """
    row = reader.rows(
        f"""SELECT count(*) FILTER (now.value IS DISTINCT FROM v.value AND NOT coalesce(abs(now.value - v.value) <= 1e-9, false)), count(*)
        FROM (SELECT * FROM kpi_release WHERE closed_month = ?) AS v
        LEFT JOIN (SELECT * FROM ({value_sql.kpi_value_sql(named)}) WHERE period_type = 'MONTH' AND period_start = ?) AS now
            USING (kpi_id, profile, scope_type, scope_id)""",
        [about.month, about.month],
    )  # fmt: skip
    return int(row[0][0]), int(row[0][1])
