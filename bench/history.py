"""Whether work follows the change: `python -m bench.history [--months 1 12 60]`, `python -m bench.history --total 15000000`.

Here: lakes that differ in their history only, one more plant-day delivered to each, and what the refresh of that day opens and reads:
distinct Parquet files of bronze and silver (by inotify, so that no reader can be forgotten), the rows in them, bytes, and seconds.
With `--total` one lake of so many state events, and where the seconds of one more plant-day go. Elsewhere: the lakes (`bench.lakes`).
"""

from __future__ import annotations

import argparse
import ctypes
import os
import select
import shutil
import struct
import sys
import tempfile
import threading
from collections import defaultdict
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Self

import pyarrow.parquet as pq

from bench import lakes

TARGET_S = 15
"""One plant-day in a lake of 15 million events, start-up included."""
IN_OPEN, IN_Q_OVERFLOW, IN_NONBLOCK = 0x20, 0x4000, 0o4000
EVENT = struct.Struct("iIII")


class Opened:
    """The Parquet files below a folder that any process opened while the block ran. Linux only.

    Folders that are made meanwhile are not watched: all that is in them is new. Raises OSError when the system forgot some events.
    """

    def __init__(self, folder: Path):
        self.paths: set[Path] = set()
        self._libc = ctypes.CDLL(None, use_errno=True)
        self._fd = self._libc.inotify_init1(IN_NONBLOCK)
        self._folders: dict[int, Path] = {}
        self._ended = threading.Event()
        self._lost = False
        for at in (folder, *(path for path in folder.rglob("*") if path.is_dir())):
            watch = self._libc.inotify_add_watch(self._fd, os.fsencode(at), IN_OPEN)
            if watch < 0:
                raise OSError(ctypes.get_errno(), f"inotify cannot watch {at}; raise fs.inotify.max_user_watches")
            self._folders[watch] = at
        self._thread = threading.Thread(target=self._listen, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._thread.join()
        os.close(self._fd)
        if self._lost:
            raise OSError("inotify lost events: raise fs.inotify.max_queued_events")

    def _listen(self) -> None:
        """Until the block has ended and everything that was told before is taken."""
        while select.select([self._fd], [], [], 0.05)[0] or not self._ended.is_set():
            try:
                self._take(os.read(self._fd, 1 << 20))
            except BlockingIOError:
                continue

    def _take(self, data: bytes) -> None:
        at = 0
        while at < len(data):
            watch, mask, _, length = EVENT.unpack_from(data, at)
            name = data[at + EVENT.size : at + EVENT.size + length].rstrip(b"\0").decode()
            at += EVENT.size + length
            self._lost |= bool(mask & IN_Q_OVERFLOW)
            if name.endswith(".parquet") and watch in self._folders:
                self.paths.add(self._folders[watch] / name)


@dataclass(frozen=True)
class Measured:
    """The refresh of one more plant-day, and those around it."""

    events: int
    first: lakes.Command
    tables: dict[str, tuple[int, int]]
    """Layer or silver table: files that were there and were opened, rows in them."""
    day: lakes.Command
    noop: lakes.Command

    @property
    def files(self) -> int:
        return sum(files for files, _ in self.tables.values())

    @property
    def rows(self) -> int:
        return sum(rows for _, rows in self.tables.values())


def measure(root: Path, size: lakes.Size) -> Measured:
    """Makes a lake unless it is there, and refreshes one more plant-day."""
    lakes.write(root, size)
    first = lakes.plantlake("refresh", "-p", str(root))
    say(f"  {size.months} months, {size.total:,} events, first refresh {first}\n    {lakes.told(first.steps)}")
    lakes.next_day(root, size)
    lake = root / "lake"
    rows = {path: pq.read_metadata(path).num_rows for path in data_files(lake)}
    with Opened(lake) as opened:
        day = lakes.plantlake("refresh", "-p", str(root))
    tables: dict[str, tuple[int, int]] = defaultdict(lambda: (0, 0))
    for path in opened.paths & set(rows):
        table = path.relative_to(lake).parts[1] if lake / "silver" in path.parents else "bronze"
        files, count = tables[table]
        tables[table] = files + 1, count + rows[path]
    say("    " + ", ".join(f"{name} {n} files {r:,} rows" for name, (n, r) in sorted(tables.items())))
    say(f"    one plant-day {day}: {lakes.told(day.steps)}")
    return Measured(size.total, first, dict(tables), day, lakes.plantlake("refresh", "-p", str(root)))


def data_files(lake: Path) -> list[Path]:
    """Parquet files of bronze and silver; checkpoints of Delta's log are none."""
    found = [*(lake / "silver").rglob("*.parquet"), *(lake / "bronze").rglob("*.parquet")]
    return [path for path in found if "_delta_log" not in path.parts]


def report(found: dict[int, Measured]) -> bool:
    """Prints the table; whether files and rows are the same at every length of history."""
    base = found[min(found)]
    print("months      events   files      rows   MB read   one plant-day       CPU   ratio of CPU   nothing new")
    for months, row in found.items():
        print(f"{months:6d}  {row.events:10,d}  {row.files:6d}  {row.rows:8,d}  {row.day.read_mb:8.0f}  {row.day.wall:12.1f} s  {row.day.cpu:6.1f} s"
              f"  {row.day.cpu / base.day.cpu:13.2f}  {row.noop.wall:10.1f} s")  # fmt: skip
    same = len({tuple(sorted(row.tables.items())) for row in found.values()}) == 1
    print("files and rows are equal" if same else "files or rows differ")
    return same


def large(root: Path, events: int, plants: int, months: int) -> int:
    """One lake of so many events: prints where the time of one more plant-day goes."""
    per_day = 41  # 13.6 events a shift
    units = max(1, round(events / (plants * per_day * months * 30.4)))
    size = lakes.Size(plants, units, months, per_day)
    found = measure(root, size)
    lakes.next_day(root, size, "p001")
    next_one = lakes.plantlake("refresh", "-p", str(root))
    print(f"{found.events:,} events of {plants} plants with {units} units in {months} months")
    print(f"first refresh   {found.first}\n  {lakes.told(found.first.steps, 1)}")
    print(
        f"one plant-day   {found.day}: {found.files} files, {found.rows:,} rows, {found.day.read_mb:,.0f} MB read\n  {lakes.told(found.day.steps)}"
    )
    print(f"and another     {next_one} (the first one also writes the build database anew, which the first refresh left twice as large)")
    print(f"  {lakes.told(next_one.steps)}")
    print(f"nothing new     {found.noop}")
    return 0 if next_one.wall < TARGET_S else 1


def say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--months", type=int, nargs="+", default=[1, 12, 60])
    parser.add_argument("--plants", type=int, default=None, help="default 3; 100 with --total")
    parser.add_argument("--units", type=int, default=4)
    parser.add_argument("--events", type=int, default=40, help="per unit and day")
    parser.add_argument("--documents", action="store_true", help="records have ids of their own: the id columns of other months are read")
    parser.add_argument(
        "--total", type=int, default=None, help="one lake of so many state events instead, over 12 months or the first of --months"
    )
    parser.add_argument("--keep", type=Path, default=None, help="a folder for the lakes, which then stay")
    chosen = parser.parse_args()
    folder = chosen.keep or Path(tempfile.mkdtemp(prefix="history"))
    try:
        if chosen.total:
            months = chosen.months[0] if chosen.months != parser.get_default("months") else 12
            return large(folder / "large", chosen.total, chosen.plants or 100, months)
        size = lakes.Size(chosen.plants or 3, chosen.units, 1, chosen.events, chosen.documents)
        found = {months: measure(folder / f"{months:03d}", replace(size, months=months)) for months in chosen.months}
        return 0 if report(found) else 1
    finally:
        if chosen.keep is None:
            shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    sys.exit(main())
