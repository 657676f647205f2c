"""How long people wait before anything happens: `python -m bench.startup [PORTFOLIO]`.

Prints seconds (the best of three) of `plantlake --help`, of a refresh that finds nothing new (PORTFOLIO has to be refreshed before;
left out without one), and of Dagster's definitions with 1,000 plants.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

PLANTS = 1000


def best(command: list[str], runs: int = 3, **environment: str) -> float:
    """Seconds of the fastest run of a command."""
    times = []
    for _ in range(runs):
        started = time.perf_counter()
        subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False, env={**os.environ, **environment})
        times.append(time.perf_counter() - started)
    return min(times)


def thousand(root: Path) -> Path:
    """A portfolio with so many plant files; definitions never parse one."""
    (root / "plants").mkdir(parents=True)
    (root / "portfolio.yaml").write_text("name: Thousand\n", encoding="utf-8")
    for number in range(PLANTS):
        (root / "plants" / f"plant_{number:04}.yaml").write_text(f"plant: plant_{number:04}\n", encoding="utf-8")
    return root


def main() -> None:
    python = sys.executable
    sys.stdout.write(f"plantlake --help           {best([python, '-m', 'pipelines.cli', '--help']):6.2f} s\n")
    if len(sys.argv) > 1:
        nothing = best([python, "-m", "pipelines.cli", "refresh", "-p", sys.argv[1]])
        sys.stdout.write(f"refresh, nothing new       {nothing:6.2f} s\n")
    with tempfile.TemporaryDirectory() as folder:
        root = thousand(Path(folder) / "portfolio")
        seconds = best([python, "-c", "import pipelines.definitions"], PLANTLAKE_PORTFOLIO=str(root))
        sys.stdout.write(f"definitions, {PLANTS:,} plants  {seconds:6.2f} s\n")


if __name__ == "__main__":
    main()
