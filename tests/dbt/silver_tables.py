"""A build database with small silver tables, and dbt over it: for rules of the models that no export need be written for.

Here: rows in, tables out. Elsewhere: the cases (`test_models.py`), whole portfolios through the product (`golden_portfolio`).
"""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import polars as pl

from pipelines import state
from pipelines.release import Move, move
from pipelines.state import PROJECT
from transforms.tables import STATEMENTS, TABLES

Row = dict[str, Any]
DAY = datetime(2025, 6, 2, tzinfo=UTC)


def at(clock: str, day: int = 2) -> datetime:
    """An instant of June 2025, UTC: at("06:30") is on the 2nd, a Monday."""
    hours, minutes, seconds = (int(part) for part in (*clock.split(":"), "0")[:3])
    return datetime(2025, 6, day, tzinfo=UTC) + timedelta(hours=hours, minutes=minutes, seconds=seconds)


def plant(
    name: str, *, units: Sequence[str] = ("M",), method: str = "MEASURED", until: datetime | None = None, **about: Any
) -> dict[str, list[Row]]:
    """The rows that every plant has: one shift 06:00-14:00 (or `shifts`), production days from 00:00, told up to the end of the day."""
    shifts = about.pop("shifts", [("S1", at("06:00"), at("14:00"))])
    sources = about.pop("sources", {"mes": 0.0})
    until = until or DAY + timedelta(days=1)
    return {
        "plant": [{"plant_id": name, "plant_name": name, "company": "acme", "calendar": "pattern", "data_start_on": date(2025, 6, 2), **about}],
        "plant_setting": [{"plant_id": name, "equipment_id": "*", "microstop_s": 300, "plan_freeze_s": 86400, "min_rate_coverage": 0.95}],
        "source_watermark": [{"plant_id": name, "source_system": source, "data_from": DAY, "data_to": until} for source in sources],
        "source_setting": [{"plant_id": name, "source_system": source, "clock_offset_s": offset} for source, offset in sources.items()],
        "rate_basis_rank": [{"plant_id": name, "rate_basis": basis, "rank": n} for n, basis in enumerate(("BEST_DEMONSTRATED", "ENGINEERED", "ERP_STANDARD"))],
        "production_day": [
            {"plant_id": name, "production_day": (DAY + timedelta(days=n)).date(), "start_ts": DAY + timedelta(days=n), "end_ts": DAY + timedelta(days=n + 1)}
            for n in range(-1, 3)
        ],
        "equipment": [{"plant_id": name, "equipment_id": f"{name}/{unit}", "equipment_name": unit, "is_kpi_unit": True, "in_rollup": True, "kpi_scope": "MACHINE", "state_method": method} for unit in units],
        "shift_instance": [
            {"plant_id": name, "shift_instance_id": f"{name}-{code}-{n}", "shift_code": code, "production_day": start.date(), "start_ts": start,
             "end_ts": end, "source": "PATTERN"}
            for n, (code, start, end) in enumerate(shifts)
        ],
    }  # fmt: skip


def event(name: str, start: datetime, end: datetime | None, state: str | None = None, **other: Any) -> Row:
    return {
        "plant_id": name, "equipment_id": f"{name}/M", "event_id": f"{name}-{start:%d%H%M%S}-{state or other.get('source_reason_code')}", "start_ts": start, "end_ts": end,
        "state_class": state, **other,
    }  # fmt: skip


def count(name: str, moment: datetime, document: str = "", **other: Any) -> Row:
    return {
        "plant_id": name, "equipment_id": f"{name}/M", "count_id": f"{name}-{document or f'{moment:%d%H%M%S}'}", "event_ts": moment,
        "material_id": "P", **other,
    }  # fmt: skip


def rate(name: str, pri_s: float, **other: Any) -> Row:
    identity = "-".join(str(value) for value in (name, pri_s, *other.values()))
    return {
        "plant_id": name,
        "ideal_rate_id": identity,
        "rate_basis": "ENGINEERED",
        "pri_s": pri_s,
        "valid_from": datetime(1970, 1, 1, tzinfo=UTC),
        **other,
    }


def write(database: Path, *tables: dict[str, list[Row]]) -> None:
    """Replaces schema silver by these rows; columns that a row leaves out are what an ordinary row has."""
    lineage = {"revision": 1, "is_current": True, "is_deleted": False, "_source_system": "mes"}
    with duckdb.connect(str(database)) as con:
        con.execute("set timezone = 'UTC'; create schema if not exists silver")
        for name, columns in {**{name: spec.columns for name, spec in TABLES.items()}, **STATEMENTS}.items():
            defaults = lineage if name in TABLES else {}
            rows = [{**defaults, **row} for table in tables for row in table.get(name, [])]
            assert not {column for row in rows for column in row} - set(columns), name
            frame = pl.DataFrame(
                {column: [row.get(column) for row in rows] for column in columns},
                schema={column: pl.String if isinstance(dtype, pl.Enum) else dtype for column, dtype in columns.items()}, strict=False,
            )  # fmt: skip
            con.register("rows", frame.to_arrow())
            con.execute(f"create or replace table silver.{name} as from rows")
            con.unregister("rows")


def build(database: Path, release_id: int = 1, **variables: object) -> None:
    """Seeds, models and data tests over all there is, in this process, and the move; with dbt variables of one's own. Fails the test with
    what dbt says."""
    from dbt.cli.main import dbtRunner

    from pipelines import build as product

    with duckdb.connect(str(database)) as con:
        con.execute("set timezone = 'UTC'")
        state.create(con)
        con.execute("delete from gold.open_scope; insert into gold.open_scope select distinct plant_id, '*', null from silver.plant")
        state.begin(con, datetime(2025, 6, release_id, tzinfo=UTC))
        con.execute("delete from gold.built_parts")
        con.executemany("insert into gold.built_parts values (?)", [[parts.table] for parts in state.PARTS])

    os.environ["PLANTLAKE_BUILD_DB"] = str(database)
    folder = database.parent
    arguments = ["--project-dir", str(PROJECT), "--profiles-dir", str(PROJECT), "--target-path", str(folder / "target"),
                 "--log-path", str(folder / "log"), "--log-level", "none", "--no-write-json",
                 "--vars", json.dumps(variables)]  # fmt: skip
    outcome = dbtRunner(manifest=product._parsed(variables, arguments)).invoke(["build", *arguments])
    failed = [f"{r.node.name}: {r.message}" for r in getattr(outcome.result, "results", []) if str(r.status) not in ("success", "pass")]
    assert outcome.success, failed or outcome.exception
    assert failed == []
    with duckdb.connect(str(database)) as con:
        con.execute("set timezone = 'UTC'")
        plants = [row[0] for row in con.execute("select distinct plant_id from silver.plant").fetchall()]
        moved = move(con, Move("test", datetime(2025, 6, release_id, tzinfo=UTC), {}, plants))
    assert moved.release_id in (release_id, None)
