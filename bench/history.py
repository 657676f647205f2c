"""Whether work follows the change: `python -m bench.history [--months 1 12 60]`.

Here: lakes that differ in their history only, one more plant-day delivered to each, and what the refresh of that day opens and reads:
distinct Parquet files below lake/silver (by inotify, so that no reader can be forgotten), the rows in them, and seconds. Elsewhere:
the lakes (`bench.lakes`).
"""

from __future__ import annotations

import argparse
import ctypes
import os
import shutil
import struct
import sys
import tempfile
import threading
from pathlib import Path
from typing import Self

import pyarrow.parquet as pq

from bench import lakes

IN_OPEN, IN_CREATE, IN_MOVED_TO = 0x20, 0x100, 0x80
EVENT = struct.Struct("iIII")


class Opened:
    """The files below a folder that any process opened while the block ran, without those that were made in it. Linux only."""

    def __init__(self, folder: Path):
        self.paths: set[Path] = set()
        self.made: set[Path] = set()
        self._libc = ctypes.CDLL(None, use_errno=True)
        self._fd = self._libc.inotify_init1(0)
        self._folders: dict[int, Path] = {}
        for at in (folder, *(path for path in folder.rglob("*") if path.is_dir())):
            watch = self._libc.inotify_add_watch(self._fd, os.fsencode(at), IN_OPEN | IN_CREATE | IN_MOVED_TO)
            if watch < 0:
                raise OSError(ctypes.get_errno(), f"inotify cannot watch {at}; raise fs.inotify.max_user_watches")
            self._folders[watch] = at

    def __enter__(self) -> Self:
        threading.Thread(target=self._listen, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        os.close(self._fd)

    def _listen(self) -> None:
        while True:
            try:
                data = os.read(self._fd, 1 << 20)
            except OSError:
                return
            at = 0
            while at < len(data):
                watch, mask, _, length = EVENT.unpack_from(data, at)
                name = data[at + EVENT.size : at + EVENT.size + length].rstrip(b"\0").decode()
                at += EVENT.size + length
                if name.endswith(".parquet") and watch in self._folders:
                    (self.made if mask & (IN_CREATE | IN_MOVED_TO) else self.paths).add(self._folders[watch] / name)


def measure(root: Path, size: lakes.Size) -> dict[str, float]:
    """Files opened, rows in them and seconds of the refresh of one more plant-day."""
    lakes.write(root, size)
    first = lakes.plantlake("refresh", "-p", str(root))
    lakes.next_day(root, size)
    silver = root / "lake" / "silver"
    rows = {path: pq.read_metadata(path).num_rows for path in silver.rglob("*.parquet") if "_delta_log" not in path.parts}
    with Opened(silver) as opened:
        seconds = lakes.plantlake("refresh", "-p", str(root))
    known = {path for path in opened.paths if path in rows}
    noop = lakes.plantlake("refresh", "-p", str(root))
    per_table: dict[str, list[int]] = {}
    for path in known:
        found = per_table.setdefault(path.relative_to(silver).parts[0], [0, 0])
        found[0] += 1
        found[1] += rows[path]
    print(
        f"  {size.months} months: " + ", ".join(f"{name} {n} files {r:,} rows" for name, (n, r) in sorted(per_table.items())),
        file=sys.stderr,
    )
    print("  " + ", ".join(f"{step} {spent:.1f} s" for step, spent in lakes.steps(root).items() if spent >= 0.05), file=sys.stderr)
    return {"events": size.plants * size.units * size.months * 30 * size.events, "first": first, "files": len(known),
            "rows": sum(rows[path] for path in known), "seconds": seconds, "noop": noop}  # fmt: skip


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--months", type=int, nargs="+", default=[1, 12, 60])
    parser.add_argument("--plants", type=int, default=3)
    parser.add_argument("--units", type=int, default=4)
    parser.add_argument("--events", type=int, default=40, help="per unit and day")
    parser.add_argument("--documents", action="store_true", help="records have ids of their own: the id columns of other months are read")
    parser.add_argument("--keep", type=Path, default=None, help="a folder for the lakes, which then stay")
    chosen = parser.parse_args()
    folder = chosen.keep or Path(tempfile.mkdtemp(prefix="history"))
    try:
        found = {
            months: measure(folder / f"{months:03d}", lakes.Size(chosen.plants, chosen.units, months, chosen.events, chosen.documents))
            for months in chosen.months
        }
    finally:
        if chosen.keep is None:
            shutil.rmtree(folder, ignore_errors=True)
    base = found[chosen.months[0]]
    print("months      events  first refresh   files      rows   one plant-day     ratio   nothing new")
    for months, row in found.items():
        print(f"{months:6d}  {row['events']:10,.0f}  {row['first']:11.1f} s  {row['files']:6.0f}  {row['rows']:8,.0f}  {row['seconds']:12.1f} s"
              f"  {row['seconds'] / base['seconds']:8.2f}  {row['noop']:10.1f} s")  # fmt: skip
    same = len({(row["files"], row["rows"]) for row in found.values()}) == 1
    print("files and rows are equal" if same else "files or rows differ")
    return 0 if same else 1


if __name__ == "__main__":
    sys.exit(main())
