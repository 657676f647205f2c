"""How long a million rows take to the mirror: `python -m bench.mirror PORTFOLIO [ROWS]`, with PostgreSQL's server programs installed.

A server of its own is started (as the tests do, fsync off). The values of the portfolio's snapshot are repeated for further plants until
there are so many rows. Prints the seconds of the whole mirror (keys, indexes, comments, swap), of `psql \\copy` of the same rows from a CSV
file that is there already into a table without any index, and the ratio.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, replace
from pathlib import Path

import duckdb

from connectors import portfolio
from connectors.publishing import Postgres, Publish
from pipelines.lake import Lake
from publish import mirror

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests"))
from postgres_server import PROGRAMS, Server

OWNER = {"host": "127.0.0.1", "database": "postgres", "user": "owner", "password": {"env": "PLANTLAKE_BENCH"}}


@dataclass
class Large:
    """As much of a lake as the mirror reads."""

    snapshot: Path
    metrics: Path


def large(lake: Lake, folder: Path, rows: int) -> tuple[Large, int]:
    """A snapshot whose `kpi_value` has so many rows that are no shifts'; the other tables are those of the lake."""
    made = Large(folder / "kpi.duckdb", lake.metrics)
    with duckdb.connect(str(made.snapshot)) as con:
        con.execute(f"SET TimeZone = 'UTC'; ATTACH '{lake.snapshot}' AS lake (READ_ONLY)")
        con.execute("CREATE TABLE found AS SELECT * FROM lake.kpi_value WHERE period_type <> 'SHIFT'")
        (there,) = con.execute("SELECT count(*) FROM found").fetchone() or (0,)
        times = f"generate_series(0, {-(-rows // max(there, 1))})"
        again = "f.* REPLACE (f.scope_id || ' ' || t AS scope_id)"
        con.execute(f"COPY (SELECT {again} FROM found AS f, {times} AS g(t) LIMIT {rows}) TO '{folder}/values.parquet'")
        con.execute(f"DROP TABLE found; CREATE VIEW kpi_value AS SELECT * FROM read_parquet('{folder}/values.parquet')")
        definitions = con.execute("SELECT sql FROM duckdb_views() WHERE database_name = 'lake' AND schema_name = 'main'").fetchall()
        for (sql,) in definitions:
            if " read_parquet(" in sql[:200]:
                con.execute(sql)
    return made, rows


def bare(server: Server, made: Large, folder: Path) -> float:
    """Seconds of COPY alone."""
    plain = "SELECT * REPLACE (array_to_string(flags, ',') AS flags) FROM kpi_value"
    with duckdb.connect(str(made.snapshot), read_only=True) as con:
        con.execute(f"SET TimeZone = 'UTC'; COPY ({plain}) TO '{folder}/values.csv' (HEADER false)")
    server.sql("CREATE TABLE public.bare (LIKE plantlake.kpi_value)", "ALTER TABLE public.bare ALTER kpi_id DROP NOT NULL")
    words = ["-X", "-q", "-h", "127.0.0.1", "-p", str(server.port), "-U", "owner", "-d", "postgres"]
    started = time.perf_counter()
    subprocess.run(
        [f"{PROGRAMS / 'psql' if PROGRAMS else 'psql'}", *words, "-c", f"\\copy public.bare FROM '{folder}/values.csv' CSV"], check=True,
        env={**os.environ, "PGPASSWORD": "owner"},
    )  # fmt: skip
    return time.perf_counter() - started


def main() -> None:
    os.environ["PLANTLAKE_BENCH"] = "owner"
    found = portfolio.read(Path(sys.argv[1]))
    wanted = int(sys.argv[2]) if len(sys.argv) > 2 else 1_000_000
    server = Server()
    try:
        to = Postgres.model_validate(OWNER | {"port": server.port})
        found = replace(found, file=found.file.model_copy(update={"publish": Publish(postgres=to)}))
        with tempfile.TemporaryDirectory() as name:
            made, rows = large(Lake(found.lake), Path(name), wanted)
            started = time.perf_counter()
            written = mirror.write(made, found, lambda _: None)  # type: ignore[arg-type]
            whole = time.perf_counter() - started
            alone = bare(server, made, Path(name))
        sys.stdout.write(f"mirror    {whole:6.2f} s  {written['rows']:,} rows in {written['tables']} tables, {rows:,} of them kpi_value\n")
        sys.stdout.write(f"bare COPY {alone:6.2f} s  {rows:,} rows\nratio     {whole / alone:6.2f}\n")
    finally:
        server.remove()


if __name__ == "__main__":
    main()
