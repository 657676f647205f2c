"""How fast the time ledger is: `python -m bench.ledger [--events 1500000]`.

Here: a synthetic silver schema of the size that is asked for; the dbt models from silver to parts, timed; and in the same run, on the
same data, the bare edge sweep (a running sum for each class) and its cheapest form, the least that any ledger has to do. Elsewhere: the models (`dbt_project`), whether they are right
(`tests/dbt`).
"""

from __future__ import annotations

import argparse
import os
import shutil
import sys
import tempfile
import threading
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import duckdb
import polars as pl

from pipelines import state
from transforms.tables import STATEMENTS, TABLES

UNITS_PER_PLANT = 12
SHIFTS_PER_DAY = 3
EVENTS_PER_WINDOW = 13.6
"""1.5 million events in 110 thousand windows."""

START = "timestamptz '2024-01-01 00:00:00Z'"

SPANS = """
create or replace temp table span as
with unit as (select *, row_number() over (order by equipment_id) as unit from silver.equipment)
select u.unit, case e.state_class when 'DELAY_EQ' then 0 when 'SETUP' then 1 when 'DELAY_ORG' then 2 when 'IDLE' then 3 else 4 end as level,
    row_number() over (order by e.equipment_id, e.start_ts) as ref, epoch_us(e.start_ts) as s, epoch_us(e.end_ts) as e
from silver.equipment_state_event as e inner join unit as u using (equipment_id)
union all
select u.unit, 5, row_number() over (order by u.unit, w.start_ts), epoch_us(w.start_ts), epoch_us(w.end_ts)
from silver.shift_instance as w inner join unit as u using (plant_id)
"""
"""Events and windows as the bare sweep likes them, all integers; made before its clock starts."""

CLASSES = range(6)
"""Five levels of events and the shift window."""

SWEEP_BY_CLASS = """
with edge as (
    select unit, s as t, 1 as d, level, ref from span
    union all
    select unit, e, -1, level, null from span
),
instant as (select unit, t, {edges} from edge group by unit, t),
swept as (
    select unit, lead(t) over w - t as us, {classes} from instant window w as (partition by unit order by t)
),
owned as (
    select unit, us, case when active5 > 0 then r5 end as window_id, case {level} end as level, case {owner} end as event_id
    from swept where us > 0
)
select unit, window_id, level, sum(us) as us, max(event_id) as last_event from owned group by all
"""
"""The bare edge sweep: edges by unit and instant, a running sum for each class, the last event of each class, the lowest active level."""

BARE_SWEEP = """
with edge as (
    select unit, s as t, 1::bigint << (8 * level) as d, level, ref from span
    union all
    select unit, e, -(1::bigint << (8 * level)), level, null from span
),
swept as (
    select unit, lead(t) over w - t as us, sum(d) over w as active, {last} from edge
    window w as (partition by unit order by t rows between unbounded preceding and current row)
),
owned as (
    select unit, us, case when active >= 1::bigint << 40 then r5 end as window_id, case {level} end as level, case {owner} end as event_id
    from swept where us > 0
)
select unit, window_id, level, sum(us) as us, max(event_id) as last_event from owned group by all
"""
"""The same in its cheapest form: no grouping of edges, one running sum with a byte for each level. It cannot say which of two overlapping events
of one level owns the time, and knows at most six levels."""


@dataclass(frozen=True)
class Cost:
    """Seconds of the clock and of all cores; on a busy machine only the second can be compared."""

    wall: float
    cpu: float


@dataclass(frozen=True)
class Size:
    """How much is measured."""

    plants: int
    days: int

    @property
    def windows(self) -> int:
        return self.plants * UNITS_PER_PLANT * SHIFTS_PER_DAY * self.days


def size_of(events: int, plants: int = 10) -> Size:
    """The portfolio that has about so many events."""
    return Size(plants, max(1, round(events / EVENTS_PER_WINDOW / (plants * UNITS_PER_PLANT * SHIFTS_PER_DAY))))


def sweep_by_class_sql() -> str:
    """The bare sweep as one query, a running sum for each class."""
    return SWEEP_BY_CLASS.format(
        edges=", ".join(
            f"sum(case when level = {n} then d else 0 end) as d{n}, max(case when level = {n} then ref end) as f{n}" for n in CLASSES
        ),
        classes=", ".join(f"sum(d{n}) over w as active{n}, last_value(f{n} ignore nulls) over w as r{n}" for n in CLASSES),
        level=" ".join(f"when active{n} > 0 then {n}" for n in range(5)),
        owner=" ".join(f"when active{n} > 0 then r{n}" for n in range(5)),
    )


def bare_sweep_sql() -> str:
    """The bare sweep as one query, in its cheapest form."""
    events = range(5)
    active = {n: f"when (active::bigint & {255 << 8 * n}) <> 0 then" for n in events}
    return BARE_SWEEP.format(
        last=", ".join(f"last_value(case when level = {n} then ref end ignore nulls) over w as r{n}" for n in CLASSES),
        level=" ".join(f"{active[n]} {n}" for n in events),
        owner=" ".join(f"{active[n]} r{n}" for n in events),
    )


def silver(con: duckdb.DuckDBPyConnection, size: Size) -> None:
    """Silver tables with all their columns, filled for `size`: every unit logs its states without gaps, with overlaps and nesting."""
    con.execute("SET TimeZone = 'UTC'")
    state.create(con)
    schemas: dict[str, Any] = {**{name: spec.columns for name, spec in TABLES.items()}, **STATEMENTS}
    for name, columns in schemas.items():
        empty = pl.DataFrame(schema=columns).with_columns(pl.col(pl.Enum).cast(pl.String))
        con.register("empty", empty.to_arrow())
        con.execute(f"CREATE OR REPLACE TABLE silver.{name} AS SELECT * FROM empty")
    state.begin(con, datetime(2025, 1, 1, tzinfo=UTC))
    for name, rows in _rows(size).items():
        lineage = "" if name in STATEMENTS else "1 as revision, true as is_current, false as is_deleted, 'mes' as _source_system, "
        con.execute(f"INSERT INTO silver.{name} BY NAME SELECT {lineage}* FROM ({rows})")
    con.execute("INSERT INTO gold.open_scope SELECT plant_id, '*', NULL FROM silver.plant")


def _rows(size: Size) -> dict[str, str]:
    """Table: the query that fills it."""
    plants = f"(select 'plant' || lpad(i::varchar, 3, '0') as plant_id from range({size.plants}) as r (i))"
    units = f"(select plant_id, plant_id || '-' || lpad(j::varchar, 2, '0') as equipment_id from {plants} cross join range({UNITS_PER_PLANT}) as u (j))"
    shifts = f"(select k, {START} + interval (k * 8) hour as start_ts from range({size.days * SHIFTS_PER_DAY}) as s (k))"
    horizon = f"{START} + interval ({size.days}) day"
    per_unit = round(size.days * SHIFTS_PER_DAY * EVENTS_PER_WINDOW)
    step = size.days * 86400 / per_unit
    # Runs and stops in turn; a third of the stops reach into what follows, as logs of two people do.
    states = "case when n % 2 = 0 then 'RUN' else (['DELAY_EQ', 'SETUP', 'DELAY_ORG', 'IDLE', 'DELAY_EQ'])[1 + (hash(equipment_id, n) % 5)::int] end"
    length = f"case when hash(n, equipment_id, 'long') % 3 = 0 then {round(step * 1.7)} else {round(step)} end"
    return {
        "plant": f"select plant_id, plant_id as plant_name, 'bench' as company, 'UTC' as timezone, 'pattern' as calendar, false as assumed_calendar, false as assumed_rate from {plants}",
        "plant_setting": f"select plant_id, '*' as equipment_id, 300 as microstop_s, 86400 as plan_freeze_s, 0.95 as min_rate_coverage from {plants}",
        "source_setting": f"select plant_id, 'mes' as source_system, 0.0 as clock_offset_s from {plants}",
        "class_precedence": f"""select plant_id, 'mes' as source_system, state_class, level from {plants}
            cross join (values ('DELAY_EQ', 10), ('SETUP', 20), ('DELAY_ORG', 30), ('IDLE', 40), ('RUN', 90)) as v (state_class, level)""",
        "rate_basis_rank": f"select plant_id, 'ENGINEERED' as rate_basis, 1 as rank from {plants}",
        "source_watermark": f"select plant_id, 'mes' as source_system, {START} as data_from, {horizon} as data_to from {plants}",
        "production_day": f"""select plant_id, ({START} + interval (k) day)::date as production_day, {START} + interval (k) day as start_ts,
            {START} + interval (k + 1) day as end_ts from {plants} cross join range({size.days}) as d (k)""",
        "equipment": f"""select plant_id, equipment_id, equipment_id as equipment_code, equipment_id as equipment_name, true as is_kpi_unit,
            'MACHINE' as kpi_scope, 'MEASURED' as state_method from {units}""",
        "ideal_rate": f"""select plant_id, plant_id || m as ideal_rate_id, plant_id || m as material_id, 'ENGINEERED' as rate_basis, 7.0 as pri_s,
            {START} as valid_from from {plants} cross join (values ('-A'), ('-B')) as v (m)""",
        "shift_instance": f"""select plant_id, plant_id || '-' || k as shift_instance_id, 'S' || (k % 3) as shift_code, start_ts::date as production_day,
            start_ts, start_ts + interval 8 hour as end_ts, 'PATTERN' as source from {plants} cross join {shifts}""",
        "planned_downtime": f"""select plant_id, plant_id || '-' || k as planned_downtime_id, start_ts + interval 4 hour as start_ts,
            start_ts + interval 270 minute as end_ts, 'PLANNED_BREAK' as planned_class from {plants} cross join {shifts}""",
        "equipment_state_event": f"""select plant_id, equipment_id, hash(equipment_id, n)::varchar as event_id, {states} as state_class,
            {START} + to_seconds(round(n * {step})) as start_ts, {START} + to_seconds(round(n * {step}) + {length}) as end_ts, false as is_open
            from {units} cross join range({per_unit}) as e (n)""",
        "production_count": f"""select plant_id, equipment_id, hash(equipment_id, k, 'count')::varchar as count_id, start_ts + interval 7 hour as event_ts,
            plant_id || case when k % 2 = 0 then '-A' else '-B' end as material_id, 1000 as produced_qty, 990 as good_qty, '{{piece}}' as uom,
            'MES' as count_source from {units} cross join {shifts}""",
    }  # fmt: skip


def build(database: Path, folder: Path) -> tuple[Cost, dict[str, float]]:
    """Runs every model once; returns the cost and the seconds of each model. Raises RuntimeError when one fails.

    Wall time is from the first model to the last; CPU time includes about a second of dbt's own.
    """
    from dbt.cli.main import dbtRunner

    os.environ["PLANTLAKE_BUILD_DB"] = str(database)
    project = str(state.PROJECT)
    common = [
        "--project-dir",
        project,
        "--profiles-dir",
        project,
        "--target-path",
        str(folder / "dbt"),
        "--log-path",
        str(folder / "logs"),
        "--quiet",
    ]
    runner = dbtRunner()
    if not runner.invoke(["seed", *common]).success:
        raise RuntimeError("dbt seed failed")
    started = time.process_time()
    outcome = runner.invoke(["run", "--exclude", "tag:standing", "tag:history", "tag:records", *common])
    cpu = time.process_time() - started
    results: list[Any] = list(getattr(outcome.result, "results", None) or [])
    failed = [f"{item.node.name}: {item.message}" for item in results if str(item.status) != "success"]
    if failed or not outcome.success:
        raise RuntimeError("\n".join(failed) or str(outcome.exception))
    timings = [timing for item in results for timing in item.timing]
    first: datetime = min(timing.started_at for timing in timings)
    last: datetime = max(timing.completed_at for timing in timings)
    return Cost((last - first).total_seconds(), cpu), {item.node.name: float(item.execution_time) for item in results}


def main() -> int:
    """Measures once and prints a table."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("--events", type=int, default=1_500_000, help="about how many events")
    arguments = parser.parse_args()
    size = size_of(arguments.events)
    folder = Path(tempfile.mkdtemp(prefix="bench-ledger-"))
    try:
        _measure(size, folder)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    return 0


def _measure(size: Size, folder: Path) -> None:
    database = folder / "build.duckdb"
    with duckdb.connect(str(database)) as con:
        silver(con, size)
        (events,) = con.execute("select count(*) from silver.equipment_state_event").fetchone() or (0,)
        con.execute("SET threads = 2")
        con.execute(SPANS)
        by_class, cheapest = (_timed(con, query) for query in (sweep_by_class_sql(), bare_sweep_sql()))
    peak = _Peak()
    full, models = build(database, folder)
    out = sys.stdout.write
    out(f"{events:>12,} events, {size.windows:,} shift windows, {size.plants * UNITS_PER_PLANT} units, {size.days} days\n")
    out(f"{'wall':>12} {'CPU':>9}\n")
    out(f"{full.wall:10.2f} s {full.cpu:7.2f} s  silver to parts with dbt; peak memory {peak.stop() / 1e9:.1f} GB\n")
    for name, bare in (("bare edge sweep, a running sum for each class", by_class), ("bare edge sweep in its cheapest form", cheapest)):
        out(f"{bare.wall:10.2f} s {bare.cpu:7.2f} s  {name}\n{full.wall / bare.wall:11.2f}x {full.cpu / bare.cpu:8.2f}x\n")
    for name, took in sorted(models.items(), key=lambda item: -item[1]):
        out(f"{took:10.2f} s {'':9}  {name}\n")


def _timed(con: duckdb.DuckDBPyConnection, query: str) -> Cost:
    started, busy = time.perf_counter(), time.process_time()
    con.execute(f"CREATE OR REPLACE TEMP TABLE bare AS {query}")
    return Cost(time.perf_counter() - started, time.process_time() - busy)


class _Peak:
    """The most memory that this process holds until it is stopped, in bytes, looked at twenty times a second."""

    def __init__(self) -> None:
        self._most, self._stopped = 0, threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self._thread.start()

    def _watch(self) -> None:
        page = os.sysconf("SC_PAGE_SIZE")
        while not self._stopped.wait(0.05):
            self._most = max(self._most, int(Path("/proc/self/statm").read_text().split()[1]) * page)

    def stop(self) -> int:
        self._stopped.set()
        self._thread.join()
        return self._most


if __name__ == "__main__":
    sys.exit(main())
