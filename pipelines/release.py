"""Releases: candidate parts become parts, plant by plant, in one transaction; and back.

Here: the move with its release row, causes and closed scope; rolling back; closing a month. Elsewhere: who may move
(`pipelines.gates`), what readers see (`publish.snapshot`).

Parts keep every version: a row holds from `valid_from_release` up to, not including, `valid_to_release`. So what was published as of
any release can be asked for, and nothing that was published is ever changed.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import TYPE_CHECKING

from connectors.errors import ConfigError, Problem
from pipelines import state
from pipelines.build import next_release
from pipelines.lock import user
from pipelines.views import listed

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

PLACE = ("plant_id", "production_day", "equipment_id")
UNVERSIONED = ("valid_from_release", "valid_to_release", "as_of_ts", "calc_version")
"""Columns that alone do not make another version."""
KEPT_SCOPE = "INTERVAL 90 DAY"
"""How long closed scope rows stay, for those who ask why."""


@dataclass
class Moved:
    """What a move did."""

    release_id: int | None = None
    unit_days: int = 0
    changed: int = 0
    """Rows of parts that are new or say something else."""
    closed: int = 0
    """Rows of parts that no longer hold."""


@dataclass
class Move:
    """What is to be published: plants that passed both gates, and what they were made from."""

    refresh_id: str
    at: datetime
    versions: Mapping[str, int]
    moving: Collection[str]
    unchanged: Collection[str] = ()
    """Plants that were compared and had nothing to build."""
    failures: Mapping[str, list[str]] = field(default_factory=dict)
    """Plant: its exports that could not be loaded, as far as they are known; they hold it back no more."""
    exports: Mapping[str, list[str]] = field(default_factory=dict)
    """Plant: names of the exports that came with this refresh."""


def move(con: DuckDBPyConnection, about: Move) -> Moved:
    """Makes the candidate parts of the moving plants the ones that hold, with the release, its causes and the closed scope."""
    moved = Moved()
    with _transaction(con):
        if about.moving:
            moved.release_id = next_release(con)
            _version(con, moved, listed(about.moving))
            _trail_is_due(con, listed(about.moving))
            _close_scope(con, moved, about)
        plants = [*about.moving, *about.unchanged]
        known = dict(con.execute("SELECT plant_id, failures FROM gold.built_plant").fetchall())
        con.execute(f"DELETE FROM gold.built_version WHERE plant_id IN ({listed(plants)})")
        con.execute(f"DELETE FROM gold.built_plant WHERE plant_id IN ({listed(plants)})")
        con.execute(
            "INSERT INTO gold.built_version SELECT p, t, v FROM (SELECT unnest($plants) AS p), (SELECT unnest($tables) AS t, unnest($versions) AS v)",
            {"plants": plants, "tables": list(about.versions), "versions": list(about.versions.values())},
        )
        con.executemany(
            "INSERT INTO gold.built_plant VALUES (?, ?, ?, ?)",
            [[plant, state.calc_version(), _known_failures(plant, about, known), about.at] for plant in plants] or [],
        ) if plants else None
        con.execute(f"DELETE FROM gold.plant_gate WHERE gate <> 'rollback' AND plant_id IN ({listed(plants)})")
    return moved


def _known_failures(plant: str, about: Move, known: Mapping[str, list[str] | None]) -> list[str]:
    """The failed exports that the plant's parts do without. Where nothing was built, one that failed since is still news: it holds
    what comes after it."""
    failing = about.failures.get(plant, [])
    return failing if plant in about.moving or plant not in known else [name for name in failing if name in (known[plant] or [])]


def _version(con: DuckDBPyConnection, moved: Moved, plants: str) -> None:
    """Of every table of parts: what the candidate says otherwise no longer holds, and what it says anew holds from this release on."""
    con.execute("CREATE OR REPLACE TEMP TABLE touched (table_name VARCHAR, month VARCHAR)")
    built = {row[0] for row in con.execute("SELECT table_name FROM gold.built_parts").fetchall()}
    for parts in (parts for parts in state.PARTS if parts.table in built):
        closed, changed = _version_of(con, parts, plants, moved.release_id)
        moved.closed += closed
        moved.changed += changed
    con.execute("DELETE FROM gold.published_month WHERE (table_name, month) IN (SELECT (table_name, month) FROM touched)")


def _version_of(con: DuckDBPyConnection, parts: state.Parts, plants: str, release: int | None) -> tuple[int, int]:
    """Rows of one table of parts that no longer hold, and rows that are new."""
    columns, key = list(state.parts_columns(parts.mart)), (*PLACE, *parts.key)
    compared = [name for name in columns if name not in (*UNVERSIONED, *key)]
    said = [name for name in columns if name not in ("valid_from_release", "valid_to_release")]
    on = " AND ".join([*(f"p.{name} = n.{name}" for name in key), *(f"p.{name} IS NOT DISTINCT FROM n.{name}" for name in compared)])
    con.execute(
        f"""CREATE OR REPLACE TEMP TABLE same AS SELECT p.rowid AS row, {", ".join(f"n.{name}" for name in key)}
        FROM gold.{parts.table} AS p JOIN gold.{parts.candidate} AS n ON {on} WHERE p.valid_to_release IS NULL AND n.plant_id IN ({plants})"""
    )
    touched = f"INSERT INTO touched SELECT DISTINCT '{parts.mart}', strftime(production_day, '%Y-%m') FROM"
    closed = 0
    for columns_of, where in SCOPE_KEYS:
        inside = f"valid_to_release IS NULL AND plant_id IN ({plants}) AND {columns_of} IN (SELECT {columns_of} FROM gold.open_scope WHERE {where})"
        inside += " AND rowid NOT IN (SELECT row FROM same)"
        con.execute(f"{touched} gold.{parts.table} WHERE {inside}")
        row = con.execute(f"UPDATE gold.{parts.table} SET valid_to_release = {release} WHERE {inside}").fetchone()
        closed += int(row[0]) if row else 0
    fresh = (
        f"n.plant_id IN ({plants}) AND NOT EXISTS (SELECT 1 FROM same AS s WHERE {' AND '.join(f's.{name} = n.{name}' for name in key)})"
    )
    con.execute(f"{touched} gold.{parts.candidate} AS n WHERE {fresh}")
    row = con.execute(
        f"""INSERT INTO gold.{parts.table} ({", ".join(said)}, valid_from_release, valid_to_release)
        SELECT {", ".join(f"n.{name}" for name in said)}, {release}, NULL FROM gold.{parts.candidate} AS n
        WHERE {fresh} ORDER BY n.production_day, n.plant_id, n.equipment_id"""
    ).fetchone()
    return closed, int(row[0]) if row else 0


SCOPE_KEYS = (
    ("(plant_id)", "equipment_id = '*' AND production_day IS NULL"),
    ("(plant_id, production_day)", "equipment_id = '*' AND production_day IS NOT NULL"),
    ("(equipment_id)", "equipment_id <> '*' AND production_day IS NULL"),
    ("(equipment_id, production_day)", "equipment_id <> '*' AND production_day IS NOT NULL"),
)
"""The four ways in which a scope row names rows (as in the macro `scope_keys`)."""


def _trail_is_due(con: DuckDBPyConnection, plants: str) -> None:
    """The ledgers of the months in scope of the moving plants have to be published again; of a plant built anew all its months."""
    there = {row[0] for row in con.execute("SELECT table_name FROM information_schema.tables WHERE table_schema = 'int'").fetchall()}
    anew = "plant_id IN (SELECT plant_id FROM gold.open_scope WHERE production_day IS NULL)"
    months = [f"SELECT plant_id, production_day FROM int.{model} WHERE {anew}" for model in state.TRAIL.values() if model in there]
    months += ["SELECT plant_id, production_day FROM gold.open_scope WHERE production_day IS NOT NULL"]
    found = f"SELECT plant_id, strftime(production_day, '%Y-%m') FROM ({' UNION ALL '.join(months)})"
    con.execute(
        f"""INSERT INTO gold.trail_due SELECT DISTINCT * FROM ({found} UNION ALL SELECT plant_id, month FROM gold.published_trail WHERE {anew})
        WHERE plant_id IN ({plants}) EXCEPT SELECT * FROM gold.trail_due"""
    )


def _close_scope(con: DuckDBPyConnection, moved: Moved, about: Move) -> None:
    plants = listed(about.moving)
    row = con.execute(
        f"SELECT count(*) FROM (SELECT DISTINCT equipment_id, production_day FROM int.int_scope WHERE plant_id IN ({plants}))"
    ).fetchone()
    moved.unit_days = int(row[0]) if row else 0
    con.execute(
        f"""INSERT INTO gold.release_cause
        SELECT {moved.release_id}, plant_id, cause, count(DISTINCT (equipment_id, production_day)), min(production_day), max(production_day), []
        FROM gold.change_scope WHERE state = 'OPEN' AND plant_id IN ({plants}) GROUP BY plant_id, cause"""
    )
    for plant, names in about.exports.items():
        con.execute(
            "UPDATE gold.release_cause SET exports = ? WHERE release_id = ? AND plant_id = ?", [list(names), moved.release_id, plant]
        )
    con.execute(
        f"UPDATE gold.change_scope SET state = 'CLOSED', closed_release = {moved.release_id} WHERE state = 'OPEN' AND plant_id IN ({plants})"
    )
    con.execute(f"DELETE FROM gold.change_scope WHERE state = 'CLOSED' AND opened_at < $at::TIMESTAMPTZ - {KEPT_SCOPE}", {"at": about.at})
    _release_row(con, moved, about.refresh_id, about.at, "REFRESH", sorted(about.moving), sum(map(len, about.exports.values())), None)


def _release_row(
    con: DuckDBPyConnection, moved: Moved, refresh_id: str, at: datetime, kind: str, plants: list[str], exports: int, note: str | None
) -> None:
    con.execute(
        """INSERT INTO gold.release (release_id, refresh_id, released_at, watermark, calc_version, plants, exports, kind, unit_days,
            parts_changed, parts_closed, note)
        SELECT ?, ?, ?, (SELECT max(data_to) FROM silver.source_watermark), ?, ?, ?, ?, ?, ?, ?, ?""",
        [moved.release_id, refresh_id, at, state.calc_version(), ",".join(plants), exports, kind, moved.unit_days, moved.changed,
         moved.closed, note],
    )  # fmt: skip


# --- back -----------------------------------------------------------------------------------------------------------------------------


def rollback(con: DuckDBPyConnection, to: int, at: datetime, refresh_id: str, plants: Collection[str] = ()) -> Moved:
    """Makes the parts as of release `to` the ones that hold again, of these plants (all when empty), as a new release.

    What is taken back stays in its versions. The plants are held until `resume`, so that the next refresh does not publish again what
    was taken back; their scope is TAKEN_BACK. Raises ConfigError for a release that does not exist or is the newest.
    """
    newest = next_release(con) - 1
    if not 1 <= to < newest:
        known = f"1 to {newest - 1}" if newest > 1 else "none yet"
        raise ConfigError(Problem(f"There is no release {to} to go back to.", found=f"releases before the newest: {known}",
                                  fix="plantlake release list"))  # fmt: skip
    moved = Moved(newest + 1)
    of_plants = f"plant_id IN ({listed(plants)})" if plants else "true"
    with _transaction(con):
        con.execute("CREATE OR REPLACE TEMP TABLE affected (plant_id VARCHAR, equipment_id VARCHAR, production_day DATE)")
        for parts in state.PARTS:
            closed, changed = _take_back(con, parts, of_plants, to, newest + 1)
            moved.closed += closed
            moved.changed += changed
        con.execute("CREATE OR REPLACE TEMP TABLE affected AS SELECT DISTINCT * FROM affected")
        names = [row[0] for row in con.execute("SELECT DISTINCT plant_id FROM affected ORDER BY 1").fetchall()]
        moved.unit_days = _count(con, "affected")
        cause = f"rollback to release {to}"
        con.execute(f"INSERT INTO gold.change_scope SELECT *, '{cause}', 'TAKEN_BACK', $at, NULL FROM affected", {"at": at})
        con.execute(
            f"INSERT INTO gold.release_cause SELECT {moved.release_id}, plant_id, '{cause}', count(*), min(production_day), max(production_day), []"
            " FROM affected GROUP BY plant_id"
        )
        con.execute(f"DELETE FROM gold.plant_gate WHERE plant_id IN ({listed(names)})")
        if names:
            reason = f"taken back to release {to} by {user()}; `plantlake release resume` lets it be refreshed again"
            con.executemany("INSERT INTO gold.plant_gate VALUES (?, ?, 'rollback', ?, NULL)", [[plant, at, reason] for plant in names])
        con.execute("DELETE FROM gold.published_month WHERE month IN (SELECT strftime(production_day, '%Y-%m') FROM affected)")
        _release_row(con, moved, refresh_id, at, "ROLLBACK", names, 0, cause)
    return moved


def _take_back(con: DuckDBPyConnection, parts: state.Parts, of_plants: str, to: int, release: int) -> tuple[int, int]:
    """Makes the rows of one table of parts that held at a release hold again; rows that no longer hold, and rows that are back."""
    table = f"gold.{parts.table}"
    held = f"(valid_from_release <= {to} AND (valid_to_release IS NULL OR valid_to_release > {to}))"
    con.execute(f"CREATE OR REPLACE TEMP TABLE back AS SELECT * FROM {table} WHERE {of_plants} AND {held} AND valid_to_release IS NOT NULL")
    gone = f"{of_plants} AND valid_to_release IS NULL AND valid_from_release > {to}"
    for source in ("back", f"{table} WHERE {gone}"):
        con.execute(f"INSERT INTO affected SELECT DISTINCT plant_id, equipment_id, production_day FROM {source}")
    closed = con.execute(f"UPDATE {table} SET valid_to_release = {release} WHERE {gone}").fetchone()
    said = ", ".join(name for name in state.parts_columns(parts.mart) if name not in ("valid_from_release", "valid_to_release"))
    back = con.execute(
        f"INSERT INTO {table} ({said}, valid_from_release, valid_to_release) SELECT {said}, {release}, NULL FROM back"
    ).fetchone()
    return int(closed[0]) if closed else 0, int(back[0]) if back else 0


def resume(con: DuckDBPyConnection, plants: Collection[str] = ()) -> list[str]:
    """Lets plants that were taken back be refreshed again: what was taken back is built by the next refresh. Returns the plants."""
    of_plants = f"plant_id IN ({listed(plants)})" if plants else "true"
    with _transaction(con):
        names = [
            row[0]
            for row in con.execute(f"SELECT plant_id FROM gold.plant_gate WHERE gate = 'rollback' AND {of_plants} ORDER BY 1").fetchall()
        ]
        con.execute(f"DELETE FROM gold.plant_gate WHERE plant_id IN ({listed(names)}) AND gate = 'rollback'")
        con.execute(f"UPDATE gold.change_scope SET state = 'OPEN' WHERE state = 'TAKEN_BACK' AND plant_id IN ({listed(names)})")
    return names


# --- month close ----------------------------------------------------------------------------------------------------------------------


def close_month(con: DuckDBPyConnection, month: date, values: object, at: datetime, status: object | None = None) -> int:
    """Keeps the month's KPI values as they are published now, for good. `values` is an Arrow table of `kpi_value` rows of the month,
    `status` one of `plant_status`: no later release can tell it again.

    Raises ConfigError when the month is closed already. Returns the number of values.
    """
    con.register("closing", values)
    _keeps(con, "kpi_release", "closing")
    if status is not None:
        con.register("closing_status", status)
        _keeps(con, "plant_status_release", "closing_status")
    with _transaction(con):
        before = con.execute("SELECT max(closed_at), max(closed_by) FROM gold.kpi_release WHERE closed_month = ?", [month]).fetchone()
        if before is not None and before[0] is not None:
            raise ConfigError(Problem(f"{month:%Y-%m} is closed already.", found=f"closed on {before[0]:%Y-%m-%d %H:%M} UTC by {before[1]}",
                                      fix="closed months are never changed; `plantlake release show` names what was restated since"))  # fmt: skip
        con.execute("INSERT INTO gold.kpi_release BY NAME SELECT ? AS closed_month, ? AS closed_at, ? AS closed_by, * FROM closing",
                    [month, at, user()])  # fmt: skip
        if status is not None:
            con.execute("INSERT INTO gold.plant_status_release BY NAME SELECT ? AS closed_month, ? AS closed_at, ? AS closed_by, *"
                        " FROM closing_status", [month, at, user()])  # fmt: skip
        return _count(con, "closing")


def _keeps(con: DuckDBPyConnection, table: str, source: str) -> None:
    """Makes sure that a table of gold has a column for each of what is to be kept."""
    con.execute(
        f"CREATE TABLE IF NOT EXISTS gold.{table} AS SELECT CAST(NULL AS DATE) AS closed_month, CAST(NULL AS TIMESTAMPTZ) AS closed_at,"
        f" CAST(NULL AS VARCHAR) AS closed_by, * FROM {source} WHERE false"
    )
    kept = {row[0] for row in con.execute(f"DESCRIBE gold.{table}").fetchall()}
    for name, dtype, *_ in con.execute(f"DESCRIBE {source}").fetchall():
        if name not in kept:  # a column that there was not when the first month was closed
            con.execute(f"ALTER TABLE gold.{table} ADD COLUMN {name} {dtype}")


def _count(con: DuckDBPyConnection, table: str) -> int:
    row = con.execute(f"SELECT count(*) FROM {table}").fetchone()
    return int(row[0]) if row else 0


@contextmanager
def _transaction(con: DuckDBPyConnection) -> Iterator[None]:
    con.execute("BEGIN")
    try:
        yield
    except BaseException:
        con.execute("ROLLBACK")
        raise
    con.execute("COMMIT")
