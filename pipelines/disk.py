"""A disk without room: how that is recognised, and what to say of it.

Here: the errors of the operating system and of the libraries that write (polars, delta-rs, DuckDB, SQLite, zstd), and the block that
names what may be freed. Elsewhere: that nothing is half-published (each layer is committed or swapped in one step: `pipelines.bronze`,
`pipelines.silver`, `publish`), upkeep (`pipelines.silver.maintain`).
"""

from __future__ import annotations

import errno
import shutil
from collections.abc import Iterator
from pathlib import Path

from connectors.errors import Problem
from pipelines.lake import Lake

_NUMBERS = {errno.ENOSPC, errno.EDQUOT}
_WORDS = ("no space left", "disk quota exceeded", "database or disk is full", "not enough space", "os error 28")
"""Libraries hand on the text of the system; SQLite, DuckDB and Windows have their own."""


def is_full(error: BaseException) -> bool:
    """Whether an error, or one that it came of, says that the disk or a quota is full.

    >>> is_full(OSError(errno.ENOSPC, "x")), is_full(RuntimeError("IO Error: No space left on device")), is_full(ValueError("x"))
    (True, True, False)
    """
    return any(getattr(one, "errno", None) in _NUMBERS or any(word in str(one).lower() for word in _WORDS) for one in _chain(error))


def no_space(error: BaseException, lake: Lake) -> Problem | None:
    """What to say where `error` means that the lake's disk is full, None where it means something else.

    Names how full the disk is, and the parts of the lake that may be freed with their sizes.
    """
    if not is_full(error):
        return None
    root = next(folder for folder in (lake.root, *lake.root.parents) if folder.exists())
    usage = shutil.disk_usage(root)
    freed = {
        "bronze/tmp (left by interrupted refreshes)": lake.scratch,
        "logs": lake.logs,
        ".dagster (history of runs)": lake.dagster_home,
        "gold/releases (old releases)": lake.gold / "releases",
        "bronze/parsed (made again from bronze/objects when it is needed)": lake.parsed,
    }
    sizes = {name: size_of(path) for name, path in freed.items()}
    named = ", ".join(f"{name} {size_text(size)}" for name, size in sizes.items() if size)
    return Problem(
        f"There is no room left on the disk of {lake.root}.",
        found=f"{size_text(usage.free)} free of {size_text(usage.total)}; the lake may give back: {named or 'nothing'}",
        fix="free some of it, or give the lake a larger disk; then run the refresh again",
        consequence="Nothing was half-published: readers have the numbers of the last refresh, and the next one goes on where this one"
        " stopped.",
        actor="us",
    )


def size_of(folder: Path) -> int:
    """The bytes in the files below a folder; 0 where there is none."""
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def size_text(size: int) -> str:
    """A size as people write it.

    >>> size_text(1_500), size_text(3_200_000_000)
    ('1.5 kB', '3.2 GB')
    """
    number, units = float(size), ["B", "kB", "MB", "GB", "TB"]
    while number >= 1000 and len(units) > 1:
        number, units = number / 1000, units[1:]
    return f"{number:.0f} B" if units[0] == "B" else f"{number:.1f} {units[0]}"


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    seen: set[int] = set()
    while error is not None and id(error) not in seen:
        seen.add(id(error))
        yield error
        error = error.__cause__ or error.__context__
