"""Portfolios of any size for the benchmarks: plants, months of history, one more plant-day.

Here: export files and plant files, made fast. Elsewhere: what is measured with them (`bench.history`, `bench.daily`).
"""

from __future__ import annotations

import itertools
import os
import sqlite3
import subprocess
import sys
import tempfile
import time
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import polars as pl
import yaml

ROOT = Path(__file__).resolve().parent.parent
FIRST_DAY = date(2021, 1, 1)


@dataclass(frozen=True)
class Size:
    """A portfolio: `events` state events per unit and day; one export of states and one of counts per plant and month.

    With `documents` records have ids of their own; else they are known by unit and time.
    """

    plants: int = 3
    units: int = 4
    months: int = 12
    events: int = 40
    documents: bool = False

    @property
    def total(self) -> int:
        """State events of all plants, one day of one plant less."""
        return self.plants * self.units * self.events * (_month(self.months) - _month(0)).days


def write(root: Path, size: Size) -> None:
    """Plant files and the exports of all months but the last day of the last one."""
    (root / "plants").mkdir(parents=True)
    (root / "portfolio.yaml").write_text("name: Benchmark\n", encoding="utf-8")
    for number in range(size.plants):
        plant = f"p{number:03d}"
        (root / "plants" / f"{plant}.yaml").write_text(
            yaml.safe_dump(plant_file(plant, documents=size.documents), sort_keys=False), encoding="utf-8"
        )
        for month in range(size.months):
            first, last = _month(month), _month(month + 1)
            deliver(root, plant, size, first, last if month + 1 < size.months else last - timedelta(days=1), f"{first:%Y-%m}")


def next_day(root: Path, size: Size, plant: str = "p000") -> None:
    """One plant delivers one more day."""
    last = _month(size.months)
    deliver(root, plant, size, last - timedelta(days=1), last, f"{last - timedelta(days=1):%Y-%m-%d}")


def age(root: Path, times: int) -> int:
    """Fills the export ledger as if all that was delivered so far had been delivered `times` times before, and returns its rows.

    The rows are older than any other and their rows of silver are made up: it is the bookkeeping of years that is measured.
    """
    copied = f"WITH RECURSIVE n (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n WHERE n < {times}) INSERT INTO"
    with closing(sqlite3.connect(root / "lake" / "ledger.sqlite")) as con, con:
        con.row_factory = sqlite3.Row
        made_up = {
            "export_id": "NULL", "name": "'old' || n || '_' || name", "sha256": "lower(hex(randomblob(32)))",
            "batch_id": "substr(batch_id, 1, 24) || printf('%08x', n)", "exported_at": "NULL", "seen": "0",
            "export_order": "'2000' || substr(export_order, 5)",
        }  # fmt: skip
        for table, where in (("export", "sha256 <> '' AND batch_id IS NOT NULL"), ("export_table", "state = 'COMMITTED'")):
            columns = [row["name"] for row in con.execute(f"PRAGMA table_info({table})")]
            values = ", ".join(made_up.get(name, name) for name in columns)
            con.execute(f"{copied} {table} ({', '.join(columns)}) SELECT {values} FROM {table} CROSS JOIN n WHERE {where}")
        return int(con.execute("SELECT count(*) FROM export").fetchone()[0])


def plant_file(plant: str, *, documents: bool) -> dict[str, object]:
    """States and counts in CSV, three shifts a day."""
    options = {"delimiter": ",", "encoding": "utf-8"}
    states = {"equipment": "unit", "start_ts": "start", "end_ts": "end", "state_class": "class"}
    counts = {"equipment": "unit", "event_ts": "at", "material": "item", "good_qty": "good", "scrap_qty": "scrap"}
    if documents:
        states["event"] = counts["document"] = "id"
    source = {"kind": "delimited", "options": options}
    shifts = {"F": "06:00-14:00", "S": "14:00-22:00", "N": "22:00-06:00"}
    return {
        "plant": plant, "name": plant.upper(), "company": "acme", "timezone": "Asia/Kolkata",  # no clock changes: every row is accepted
        "shifts": {code: {"at": at, "days": "daily"} for code, at in shifts.items()},
        "sources": {
            "mes": {**source, "path": "mes_*.csv", "tables": {"equipment_state_event": {"columns": states}}},
            "erp": {**source, "path": "erp_*.csv", "tables": {"production_count": {"columns": counts}}},
        },
    }  # fmt: skip


def deliver(root: Path, plant: str, size: Size, first: date, last: date, name: str) -> None:
    """Exports of the days from `first` up to, not including, `last`."""
    folder = root / "landing" / plant
    folder.mkdir(parents=True, exist_ok=True)
    days = (last - first).days
    step = 86400 // size.events
    text = "%Y-%m-%d %H:%M:%S"
    start = datetime(first.year, first.month, first.day, 0, 30, tzinfo=UTC)
    grid = pl.select(pl.int_range(size.units * days * size.events).alias("n")).select(
        ("U" + (pl.col("n") % size.units).cast(pl.String)).alias("unit"), (pl.col("n") // size.units).alias("k")
    )
    begin = pl.lit(start) + pl.duration(seconds=pl.col("k") * step)
    grid.select(
        "unit", (pl.lit(f"{plant}{name}") + pl.col("unit") + pl.col("k").cast(pl.String)).alias("id"),
        begin.dt.strftime(text).alias("start"), (begin + pl.duration(seconds=step - 10)).dt.strftime(text).alias("end"),
        pl.when(pl.col("k") % 4 == 3).then(pl.lit("DELAY_EQ")).otherwise(pl.lit("RUN")).alias("class"),
    ).write_csv(folder / f"mes_{name}.csv")  # fmt: skip
    every = max(1, size.events // 12)
    grid.filter(pl.col("k") % every == 0).select(
        "unit", (pl.lit(f"{plant}{name}") + pl.col("unit") + pl.col("k").cast(pl.String)).alias("id"),
        (begin + pl.duration(seconds=60)).dt.strftime(text).alias("at"), pl.lit("P").alias("item"), pl.lit(100).alias("good"), pl.lit(1).alias("scrap"),
    ).write_csv(folder / f"erp_{name}.csv")  # fmt: skip


@dataclass(frozen=True)
class Command:
    """What a command cost, start-up included. On a busy machine compare `cpu`, the seconds of all cores, also of children it waited for."""

    wall: float
    cpu: float
    peak_mb: float
    read_mb: float
    """Bytes that its own process asked the system for, from the cache or from the disk, the program's own modules among them."""
    steps: dict[str, float]

    def __str__(self) -> str:
        return f"{self.wall:.1f} s ({self.cpu:.1f} s CPU, {self.peak_mb:,.0f} MB)"


def plantlake(*arguments: str) -> Command:
    """Runs a command in a process of its own. SystemExit with its output when it fails."""
    root = Path(arguments[arguments.index("-p") + 1]) if "-p" in arguments else None
    with tempfile.TemporaryFile() as output:
        began, started = time.perf_counter(), time.time()
        process = subprocess.Popen(
            [sys.executable, "-m", "pipelines.cli", *arguments], env={**os.environ, "PYTHONPATH": str(ROOT)}, stdout=output, stderr=output
        )
        os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
        read = _bytes_read(process.pid)
        _, status, used = os.wait4(process.pid, 0)
        wall = time.perf_counter() - began
        process.returncode = os.waitstatus_to_exitcode(status)
        output.seek(0)
        told = output.read().decode(errors="replace")
    if process.returncode:
        raise SystemExit(f"plantlake {' '.join(arguments)} ended with {process.returncode}\n{told[-6000:]}")
    found = steps(root, started) if root and arguments[0] == "refresh" else {}
    return Command(wall, used.ru_utime + used.ru_stime, used.ru_maxrss / 1024, read / 1e6, found)


def _bytes_read(pid: int) -> int:
    """Of a process that has ended and was not waited for yet; 0 where the system does not tell."""
    try:
        return int(Path(f"/proc/{pid}/io").read_text(encoding="ascii").split()[1])
    except (OSError, IndexError, ValueError):
        return 0


def steps(root: Path, started: float | None = None) -> dict[str, float]:
    """Seconds between the steps that the newest log of a refresh names.

    With `started`, seconds since 1970, when the command was started: nothing where the log is older, else also what passed before the
    first line and after the last.
    """
    log = max((root / "lake" / "logs").glob("refresh-*.log"), key=lambda path: path.stat().st_mtime, default=None)
    if log is None or (started is not None and log.stat().st_mtime < started):
        return {}
    found = [("start-up", started)] if started is not None else []
    for line in log.read_text(encoding="utf-8").splitlines():
        if " INFO plantlake.refresh " in line:
            moment, text = line.split(" INFO plantlake.refresh ", 1)
            found.append((_step(text), datetime.strptime(moment, "%Y-%m-%d %H:%M:%S,%f").astimezone().timestamp()))
    found.append(("", time.time() if started is not None else log.stat().st_mtime))
    spent: dict[str, float] = {}
    for (step, begun), (_, after) in itertools.pairwise(found):
        spent[step] = spent.get(step, 0.0) + max(0.0, after - begun)
    return spent


def _step(text: str) -> str:
    """The step that a line of the log begins.

    >>> _step("commit equipment · 2 plants"), _step("p001 · mes · mes_1.csv"), _step("dbt int_unit"), _step("quality checks")
    ('silver commits', 'landing', 'dbt', 'quality checks')
    """
    if text.count(" · ") == 2:
        return "landing"
    if text.endswith("conform"):
        return "conform"
    return {"dbt": "dbt", "commit": "silver commits"}.get(text.split(" ", maxsplit=1)[0], text)


def told(steps_of: dict[str, float], least: float = 0.05) -> str:
    """Steps and their seconds in a line; the short ones are left out."""
    return ", ".join(f"{step} {spent:.1f} s" for step, spent in steps_of.items() if spent >= least)


def _month(number: int) -> date:
    months = FIRST_DAY.year * 12 + FIRST_DAY.month - 1 + number
    return date(months // 12, months % 12 + 1, 1)
