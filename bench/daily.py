"""A day of a whole portfolio: `python -m bench.daily [--plants 100] [--files 20]`.

Here: every plant delivers so many small files, and the refresh of them is timed end to end, by step; then one with nothing new, and the
verbs that people type. Elsewhere: the portfolio (`bench.lakes`).
"""

from __future__ import annotations

import argparse
import shutil
import sys
import tempfile
from datetime import timedelta
from pathlib import Path

from bench import lakes


def deliver(root: Path, size: lakes.Size, files: int, day: int) -> None:
    """Each plant's day in `files` files: half of them states, half counts, a unit or a part of the day each."""
    first = lakes.FIRST_DAY + timedelta(days=day)
    for number in range(size.plants):
        plant = f"p{number:03d}"
        for part in range(files // 2):
            small = lakes.Size(size.plants, 1, size.months, max(1, size.events * size.units // (files // 2)))
            lakes.deliver(root, plant, small, first, first + timedelta(days=1), f"{first}-{part:02d}")
            _rename(root, plant, f"{first}-{part:02d}", f"U{part}")


def _rename(root: Path, plant: str, name: str, unit: str) -> None:
    for kind in ("mes", "erp"):
        path = root / "landing" / plant / f"{kind}_{name}.csv"
        path.write_text(path.read_text(encoding="utf-8").replace("\nU0,", f"\n{unit},"), encoding="utf-8")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--plants", type=int, default=100)
    parser.add_argument("--files", type=int, default=20, help="per plant and day")
    parser.add_argument("--keep", type=Path, default=None, help="a folder for the lake, which then stays")
    chosen = parser.parse_args()
    folder = chosen.keep or Path(tempfile.mkdtemp(prefix="daily"))
    size = lakes.Size(chosen.plants, 4, 1, 40)
    root = folder / "portfolio"
    try:
        lakes.write(root, lakes.Size(chosen.plants, 4, 0, 40))
        for day in range(2):
            deliver(root, size, chosen.files, day)
            seconds = lakes.plantlake("refresh", "-p", str(root))
            print(f"{'first' if day == 0 else 'daily'} refresh of {chosen.plants} plants x {chosen.files} files: {seconds:.1f} s")
            print("  " + ", ".join(f"{step} {spent:.1f} s" for step, spent in lakes.steps(root).items() if spent >= 0.05))
        for words in (["refresh"], ["status"], ["kpi", "--last", "1"]):
            print(
                f"plantlake {' '.join(words)}{' with nothing new' if words == ['refresh'] else ''}: {lakes.plantlake(*words, '-p', str(root)):.1f} s"
            )
    finally:
        if chosen.keep is None:
            shutil.rmtree(folder, ignore_errors=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
