"""What refreshes know of each other: tables of the build database, and a small file that says whether a refresh is needed at all.

Here: their columns, made and widened on opening; the version of the code that decides parts; the marker of a refresh that has not
come to its end. Elsewhere: what is put into them (`pipelines.scope`, `pipelines.release`, `pipelines.gates`).
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from pipelines.lake import Lake

if TYPE_CHECKING:
    from datetime import datetime

    from duckdb import DuckDBPyConnection

PROJECT = Path(__file__).resolve().parent.parent / "dbt_project"
PARTS_CODE = ("models/intermediate/*", "models/marts/candidate_*", "macros/*", "seeds/*")
"""What decides the parts: another content gives other parts, and everything is built anew."""
VALUES_CODE = ("models/marts/*",)
"""What decides the values over parts: another content is published anew, over the parts that hold."""


@dataclass(frozen=True, slots=True)
class Parts:
    """A table of additive parts that keeps every version. All have plant_id, equipment_id (or '~' and the plant) and production_day."""

    table: str
    candidate: str
    mart: str
    key: tuple[str, ...]
    """What identifies a row beside plant, unit and day."""
    of_records: bool = False
    """Made of records that many plants do not deliver (models with the tag `records`)."""


PARTS = (
    Parts("parts", "candidate_parts", "mart_kpi_parts_shift", ("shift_instance_id", "material_key")),
    Parts(
        "parts_reason", "candidate_parts_reason", "mart_kpi_parts_reason",
        ("shift_instance_id", "reason_code", "time_class", "source_system", "source_reason_code"),
    ),
    Parts("parts_day", "candidate_parts_day", "mart_kpi_parts_day", (), of_records=True),
    Parts("parts_month", "candidate_parts_month", "mart_kpi_parts_month", (), of_records=True),
    Parts("parts_order", "candidate_parts_order", "mart_kpi_parts_order", ("order_id", "kind"), of_records=True),
    Parts("parts_order_work", "candidate_parts_order_work", "mart_kpi_parts_order_work", ("order_id", "operation_key", "is_busy")),
    Parts(
        "parts_quality", "candidate_parts_quality", "mart_kpi_parts_quality",
        ("material_key", "step_key", "characteristic", "subgroup_key"), of_records=True,
    ),
)  # fmt: skip
"""Every table of parts; the first is the ledger's."""

TRAIL = {"time_segment": "int_time_segment", "count_ledger": "int_count_ledger", "record_ledger": "int_record_ledger"}
"""Ledgers that say which records the parts are made of: published name, model. All have plant_id, equipment_id and production_day."""

TABLES = {
    "release": "release_id BIGINT PRIMARY KEY, refresh_id VARCHAR, released_at TIMESTAMPTZ, watermark TIMESTAMPTZ, calc_version VARCHAR,"
    " plants VARCHAR, exports BIGINT, kind VARCHAR, unit_days BIGINT, parts_changed BIGINT, parts_closed BIGINT, note VARCHAR",
    "release_cause": "release_id BIGINT, plant_id VARCHAR, cause VARCHAR, unit_days BIGINT, first_day DATE, last_day DATE,"
    " exports VARCHAR[]",
    "change_scope": "plant_id VARCHAR, equipment_id VARCHAR, production_day DATE, cause VARCHAR, state VARCHAR, opened_at TIMESTAMPTZ,"
    " closed_release BIGINT",
    "built_version": "plant_id VARCHAR, table_name VARCHAR, version BIGINT",
    "built_plant": "plant_id VARCHAR PRIMARY KEY, calc_version VARCHAR, failures VARCHAR[], built_at TIMESTAMPTZ",
    "plant_gate": "plant_id VARCHAR PRIMARY KEY, held_since TIMESTAMPTZ, gate VARCHAR, reason VARCHAR, limits_version VARCHAR",
    "event_reach": "plant_id VARCHAR, month VARCHAR, equipment_id VARCHAR, source_system VARCHAR, first_us BIGINT, last_us BIGINT,"
    " is_open BOOLEAN, end_us BIGINT",
    "event_code": "plant_id VARCHAR, month VARCHAR, source_system VARCHAR, source_code VARCHAR",
    "span_reach": "table_name VARCHAR, plant_id VARCHAR, month VARCHAR, first_us BIGINT, end_us BIGINT",
    "spread_month": "plant_id VARCHAR, month VARCHAR",
    "count_link": "plant_id VARCHAR, month VARCHAR, equipment_id VARCHAR, count_id VARCHAR, parent_id VARCHAR, event_us BIGINT,"
    " parent_month VARCHAR, parent_us BIGINT, root_us BIGINT",
    "published_month": "table_name VARCHAR, month VARCHAR, path VARCHAR",
    "published_sums": "month VARCHAR PRIMARY KEY, parts_path VARCHAR, version VARCHAR, path VARCHAR",
    "published_block": "block BIGINT PRIMARY KEY, version VARCHAR, path VARCHAR",
    "published_trail": "table_name VARCHAR, plant_id VARCHAR, month VARCHAR, path VARCHAR",
    "trail_due": "plant_id VARCHAR, month VARCHAR",
    "open_scope": "plant_id VARCHAR, equipment_id VARCHAR, production_day DATE",
    "built_parts": "table_name VARCHAR",
    "standing_views": "version VARCHAR",
    "building": "calc_version VARCHAR, as_of_ts TIMESTAMPTZ",
    "event_begun": "equipment_id VARCHAR, event_id VARCHAR",
    "clock_month": "plant_id VARCHAR, month VARCHAR, made_of VARCHAR",
}
"""Columns of the tables in schema `gold` that no model makes.

`built_parts` names the tables of parts that the last build made candidates of. `change_scope.state` is OPEN (to be built), CLOSED,
TAKEN_BACK (by a rollback) or ORPHANED (its plant has no plant file);
`equipment_id` '*' is the whole plant, a `production_day` of NULL every day. `built_version` is the Delta version of a silver table
that the parts of a plant were made from. `trail_due` names the plants and months whose published ledgers (TRAIL) a release changed. The
`*_reach` tables say which monthly files can hold what overlaps an instant; `count_link` where corrections are booked (rule T20).
`clock_month` says which files the clock offsets of a month are made of."""


def begin(con: DuckDBPyConnection, at: datetime) -> None:
    """Says what the parts that are built now are made by, and when."""
    con.execute("DELETE FROM gold.building")
    con.execute("INSERT INTO gold.building VALUES (?, ?)", [calc_version(), at])


@contextmanager
def connection(lake: Lake) -> Iterator[DuckDBPyConnection]:
    """The private build database, with its state tables. Only for the holder of the writer's lock."""
    import duckdb

    lake.gold.mkdir(parents=True, exist_ok=True)
    con = duckdb.connect(str(lake.build_database))
    try:
        con.execute("SET TimeZone = 'UTC'; SET enable_progress_bar = false")
        yield con
    finally:
        con.close()


def create(con: DuckDBPyConnection) -> None:
    """Makes what is missing, and gives what an older version made the columns of today; keeps every row."""
    for schema in ("silver", "int", "gold", "was"):
        con.execute(f"CREATE SCHEMA IF NOT EXISTS {schema}")
    kinds = dict(con.execute("SELECT table_name, table_type FROM information_schema.tables WHERE table_schema = 'gold'").fetchall())
    if kinds.get("mart_kpi_parts_shift") == "BASE TABLE":  # before parts had a table of their own
        con.execute("ALTER TABLE gold.mart_kpi_parts_shift RENAME TO parts")
    of_parts = {parts.table: ", ".join(f"{name} {dtype}" for name, dtype in parts_columns(parts.mart).items()) for parts in PARTS}
    versioned = "SELECT count(*) FROM duckdb_columns() WHERE table_name = 'published_month' AND column_name = 'table_name'"
    if "published_month" in kinds and con.execute(versioned).fetchone() == (0,):
        con.execute("DROP TABLE gold.published_month")  # before there were several tables of parts; pieces are written anew
    for name, columns in {**TABLES, **of_parts}.items():
        con.execute(f"CREATE TABLE IF NOT EXISTS gold.{name} ({columns})")
        known = {row[0] for row in con.execute(f"DESCRIBE gold.{name}").fetchall()}
        for column in columns.split(", "):
            if column.split()[0] not in known:
                if name in of_parts:  # readers see all months as one table: their files are written anew with the column
                    con.execute("DELETE FROM gold.published_month")
                con.execute(f"ALTER TABLE gold.{name} ADD COLUMN {column.removesuffix(' PRIMARY KEY')}")
        for column in known - {column.split()[0] for column in columns.split(", ")}:
            con.execute(f"ALTER TABLE gold.{name} DROP COLUMN {column}")


@cache
def parts_columns(mart: str = PARTS[0].mart, layer: str = "marts") -> dict[str, str]:
    """Columns and types of a table of parts, or of a model of another layer, from its contract."""
    from dbt_project import described

    return {column["name"]: column["data_type"] for column in described.models(layer)[mart]["columns"]}


@cache
def calc_version() -> str:
    """Version of the code that makes parts of silver."""
    return _digest(PARTS_CODE)


@cache
def values_version() -> str:
    """Version of the views over parts, which stay as they are until their SQL changes. They are generated from the catalogue."""
    return _digest(VALUES_CODE)


def _digest(patterns: Iterable[str]) -> str:
    digest = hashlib.sha256()
    for file in sorted(file for pattern in patterns for file in PROJECT.glob(pattern)):
        if file.suffix in {".sql", ".csv", ".yml"}:
            digest.update(file.name.encode() + file.read_bytes())
    return digest.hexdigest()[:12]


@dataclass
class Marker:
    """What the next refresh has to know before it opens anything: a file beside the build database."""

    unfinished: bool = False
    """A refresh began to write silver and did not publish."""
    calc_version: str = ""
    values_version: str = ""
    limits_version: str = ""
    """The limits of quality that the last judgement was held against."""
    held: dict[str, str] = field(default_factory=dict)
    """Plants that a quality gate holds, with the version of the limits that held them."""


def marker(lake: Lake) -> Marker:
    """The marker of a lake; of a lake that has none yet, or an unreadable one, that of an unfinished refresh."""
    try:
        return Marker(**json.loads((lake.gold / "state.json").read_text(encoding="utf-8")))
    except FileNotFoundError:
        return Marker(unfinished=lake.build_database.exists())
    except (ValueError, TypeError):
        return Marker(unfinished=True)


def mark(lake: Lake, state: Marker) -> None:
    """Writes the marker in one step."""
    lake.gold.mkdir(parents=True, exist_ok=True)
    part = lake.gold / "state.json.part"
    part.write_text(json.dumps(asdict(state)), encoding="utf-8")
    part.replace(lake.gold / "state.json")
