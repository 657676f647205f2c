"""What a historian's CSV costs on its way into silver, against the bare kernels: `python -m bench.delimited [--rows N] [--big]`.

Each measurement runs in a process of its own and prints rows a second, its ratio to the faster bare kernel (CSV to Parquet by
DuckDB or polars, which read the same bytes and understand nothing) and its peak memory. Targets: within 5x, below 1.5 GB, also
with 20 times the rows (`--big`).
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

TAGS = 40
PLANT = """\
plant: bench
name: Bench
company: bench
timezone: Europe/Berlin
calendar: none
sources:
  historian:
    kind: delimited
    path: "*.csv"
    options: {delimiter: ";", encoding: utf-8}
    tables:
      historian_sample:
        columns: {tag: tag, ts: timestamp, value: value, quality: quality}
"""


def write(root: Path, rows: int) -> Path:
    """A portfolio of one plant with a historian file of `rows` samples, one tag a second in turn."""
    import duckdb

    folder = root / "landing" / "bench"
    for made in (folder, root / "plants"):
        made.mkdir(parents=True)
    (root / "portfolio.yaml").write_text("name: Bench\n", encoding="utf-8")
    (root / "plants" / "bench.yaml").write_text(PLANT, encoding="utf-8")
    target = folder / "history.csv"
    duckdb.sql(
        f"""COPY (SELECT 'LINE1.TAG' || i % {TAGS} AS tag, strftime(TIMESTAMP '2025-04-01' + to_seconds(i // {TAGS}), '%Y-%m-%d %H:%M:%S')
                  AS timestamp, round(100 * sin(i / 1000.0), 3) AS value, CASE WHEN i % 500 = 0 THEN 'Bad' ELSE 'Good' END AS quality
            FROM range({rows}) t(i)) TO '{target}' (HEADER, DELIMITER ';')"""
    )
    return target


def duckdb_bare(root: Path) -> None:
    """CSV to Parquet by DuckDB alone."""
    import duckdb

    source, target = root / "landing/bench/history.csv", root / "duckdb.parquet"
    duckdb.sql(f"COPY (FROM read_csv('{source}', delim = ';')) TO '{target}' (COMPRESSION zstd, COMPRESSION_LEVEL 1)")


def polars_bare(root: Path) -> None:
    """CSV to Parquet by polars alone."""
    import polars as pl

    lazy = pl.scan_csv(root / "landing/bench/history.csv", separator=";", try_parse_dates=True)
    lazy.sink_parquet(root / "polars.parquet", compression="zstd", compression_level=1)


def plantlake(root: Path) -> None:
    """The same file through bronze into silver: hashed, kept, parsed, conformed, accounted, committed."""
    from connectors import portfolio
    from pipelines.lake import Lake
    from pipelines.ledger import ExportLedger
    from pipelines.load import Loader
    from pipelines.plan import plan

    read = portfolio.read(root)
    lake = Lake(read.lake).create()
    ledger = ExportLedger(lake.ledger)
    loader = Loader(read, lake, ledger, "bench", datetime.now(UTC))
    todo = plan(read, ledger)
    started = time.perf_counter()
    problems = loader.land(todo)
    landed = time.perf_counter()
    loaded = loader.load(todo)
    ledger.close()
    if problems or loaded.problems:
        raise SystemExit("\n".join(map(str, [*problems, *loaded.problems])))
    sys.stderr.write(f"    land {landed - started:.2f} s, load {time.perf_counter() - landed:.2f} s\n")


WAYS: dict[str, Callable[[Path], None]] = {"duckdb": duckdb_bare, "polars": polars_bare, "plantlake": plantlake}


def measured(way: str, root: Path) -> dict[str, float]:
    """Seconds and peak memory (MB) of one way, in a process of its own; imports are not counted."""
    done = subprocess.run([sys.executable, "-m", "bench.delimited", "--way", way, "--root", str(root)], stdout=subprocess.PIPE, check=True)
    return dict(json.loads(done.stdout.splitlines()[-1]))


def in_this_process(way: str, root: Path) -> None:
    """Runs one way and prints what it took as JSON."""
    import deltalake  # noqa: F401
    import duckdb  # noqa: F401

    import pipelines.load  # noqa: F401

    started = time.perf_counter()
    WAYS[way](root)
    seconds = time.perf_counter() - started
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    sys.stdout.write(json.dumps({"seconds": seconds, "peak_mb": peak}) + "\n")


def compare(rows: int) -> None:
    """Prints one line a way."""
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        size = write(root, rows).stat().st_size / 1e6
        sys.stdout.write(f"{rows:,} rows, {size:,.0f} MB\n")
        found = {way: measured(way, root) for way in WAYS}
        bare = min(found["duckdb"]["seconds"], found["polars"]["seconds"])
        for way, told in found.items():
            sys.stdout.write(
                f"  {way:10} {told['seconds']:7.2f} s  {rows / told['seconds']:12,.0f} rows/s  {told['seconds'] / bare:5.2f}x  "
                f"peak {told['peak_mb']:6,.0f} MB\n"
            )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=3_000_000)
    parser.add_argument("--big", action="store_true", help="also with 20 times the rows")
    parser.add_argument("--way", choices=list(WAYS), help=argparse.SUPPRESS)
    parser.add_argument("--root", type=Path, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.way:
        in_this_process(given.way, given.root)
        return
    for rows in (given.rows, given.rows * 20)[: 2 if given.big else 1]:
        compare(rows)


if __name__ == "__main__":
    main()
