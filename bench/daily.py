"""A day of a whole portfolio: `python -m bench.daily [--plants 100] [--files 20] [--days 3] [--aged YEARS] [--profile]`.

Here: every plant delivers so many small files, and the refresh of them is timed end to end, by step, at every day of the history; then
one with nothing new, and the verbs that people type. `--profile` refreshes one more day in this process under cProfile, without Dagster
and without the judging process, and prints the functions that take most of it. Elsewhere: the portfolio (`bench.lakes`).
"""

from __future__ import annotations

import argparse
import cProfile
import pstats
import shutil
import sys
import tempfile
from contextlib import closing
from datetime import timedelta
from pathlib import Path

from bench import lakes

TARGET_S = {"daily": 120, "nothing new": 6}


def deliver(root: Path, size: lakes.Size, files: int, day: int) -> None:
    """Each plant's day in `files` files: half of them states, half counts, one unit each."""
    first = lakes.FIRST_DAY + timedelta(days=day)
    small = lakes.Size(size.plants, 1, size.months, max(1, size.events * size.units // (files // 2)))
    for number in range(size.plants):
        plant = f"p{number:03d}"
        for part in range(files // 2):
            lakes.deliver(root, plant, small, first, first + timedelta(days=1), f"{first}-{part:02d}")
            _rename(root, plant, f"{first}-{part:02d}", f"U{part}")


def _rename(root: Path, plant: str, name: str, unit: str) -> None:
    for kind in ("mes", "erp"):
        path = root / "landing" / plant / f"{kind}_{name}.csv"
        path.write_text(path.read_text(encoding="utf-8").replace("\nU0,", f"\n{unit},"), encoding="utf-8")


def aged(root: Path, size: lakes.Size, files: int, day: int, years: float) -> None:
    """The same with the ledger of so many years."""
    exports = lakes.age(root, max(1, round(years * 365 / day)))
    noop, status = lakes.plantlake("refresh", "-p", str(root)), lakes.plantlake("status", "-p", str(root))
    deliver(root, size, files, day)
    took = lakes.plantlake("refresh", "-p", str(root))
    print(
        f"with {exports:,} exports in the ledger: nothing new {noop}, status {status}, daily refresh {took}\n  {lakes.told(took.steps)}",
        flush=True,
    )


def profiled(root: Path, lines: int) -> None:
    """Refreshes in this process under cProfile and prints the functions by the time spent below them, then in them."""
    from pipelines.lock import writer_lock
    from pipelines.refresh import Refresh

    profile = cProfile.Profile()
    profile.enable()
    job = Refresh(root)
    with closing(job), writer_lock(job.lake):
        job.run(job.plan(), quality=False)
    profile.disable()
    stats = pstats.Stats(profile, stream=sys.stdout).strip_dirs()
    stats.sort_stats("cumulative").print_stats(r"^(?!<|_bootstrap|.*importlib)", lines)
    stats.sort_stats("tottime").print_stats(lines)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--plants", type=int, default=100)
    parser.add_argument("--files", type=int, default=20, help="per plant and day")
    parser.add_argument("--days", type=int, default=2, help="days that are delivered and refreshed one by one")
    parser.add_argument(
        "--profile", type=int, nargs="?", const=40, default=0, help="one more day under cProfile; how many functions are shown"
    )
    parser.add_argument("--aged", type=float, default=0, help="one more day with an export ledger of so many years")
    parser.add_argument("--keep", type=Path, default=None, help="a folder for the lake, which then stays")
    chosen = parser.parse_args()
    folder = chosen.keep or Path(tempfile.mkdtemp(prefix="daily"))
    size = lakes.Size(chosen.plants, 4, 0, 40)
    root = folder / "portfolio"
    try:
        lakes.write(root, size)
        for day in range(chosen.days):
            deliver(root, size, chosen.files, day)
            took = lakes.plantlake("refresh", "-p", str(root))
            print(f"{'first' if day == 0 else 'daily'} refresh of {chosen.plants} plants x {chosen.files} files: {took}\n  {lakes.told(took.steps)}", flush=True)  # fmt: skip
        noop = lakes.plantlake("refresh", "-p", str(root))
        print(f"refresh with nothing new: {noop}")
        for words in (["status", "-p", str(root)], ["kpi", "--last", "1", "-p", str(root)], ["--help"]):
            print(f"plantlake {' '.join(words[:1])}: {lakes.plantlake(*words)}", flush=True)
        if chosen.aged:
            aged(root, size, chosen.files, chosen.days, chosen.aged)
        if chosen.profile:
            deliver(root, size, chosen.files, chosen.days + 1)
            profiled(root, chosen.profile)
    finally:
        if chosen.keep is None:
            shutil.rmtree(folder, ignore_errors=True)
    return 0 if took.wall < TARGET_S["daily"] and noop.wall < TARGET_S["nothing new"] else 1


if __name__ == "__main__":
    sys.exit(main())
