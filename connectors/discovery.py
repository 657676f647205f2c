"""Finds and fetches exports below a plant's root: a local folder, or anything fsspec reaches.

Here: listing by pattern, copying bytes, near misses for messages. Elsewhere: which exports are new (`pipelines.plan`).
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from connectors.contract import Export
from connectors.errors import Problem, ReadError, closest

PARTIAL = (".tmp", ".part", ".partial", ".crdownload", ".filepart")
"""Endings of files that are still being written."""


def discover(root: str, pattern: str) -> Iterator[Export]:
    """The exports below `root` that match `pattern` ('*' stays inside a folder, '**' does not), by name.

    Hidden files, Excel's lock files and half-copied files are not exports. Raises ReadError when the root does not exist.
    """
    matches = _matcher(pattern)
    found = (export for export in _walk(root, deep="/" in pattern or "**" in pattern) if matches.fullmatch(export.name))
    return iter(sorted(found, key=lambda export: export.name))


def near_misses(root: str, pattern: str, most: int = 5) -> list[str]:
    """Names below `root` that are most like a pattern that matched nothing."""
    try:
        names = [export.name for export in _walk(root, deep=True)]
    except ReadError:
        return []
    best = closest(pattern, names)
    return ([best] if best else []) + [name for name in sorted(names) if name != best][: most - 1]


def fetch(export: Export, target: Path) -> None:
    """Copies an export's bytes to a local file. Raises ReadError when they cannot be read."""
    try:
        if "://" not in export.url:
            shutil.copyfile(export.url, target)
            return
        import fsspec

        with fsspec.open(export.url, "rb") as source, target.open("wb") as out:
            shutil.copyfileobj(source, out, 4 << 20)
    except PermissionError as error:
        raise ReadError(
            Problem("The file is locked or may not be read.", export=export.name, found=str(error), fix="let plantlake read it", actor="retry")
        ) from error
    except OSError as error:
        raise ReadError(Problem("The file cannot be fetched.", export=export.name, found=str(error), actor="retry")) from error


def _walk(root: str, *, deep: bool) -> Iterator[Export]:
    if "://" in root:
        yield from _walk_remote(root)
        return
    base = Path(root)
    if not base.is_dir():
        raise ReadError(Problem("The plant's root folder does not exist.", found=root, fix="create it, or set `root:` in the plant file"))
    for path in base.rglob("*") if deep else base.iterdir():
        name = path.relative_to(base).as_posix()
        if _is_export(name) and path.is_file():
            status = path.stat()
            yield Export(str(path), name, status.st_size, datetime.fromtimestamp(status.st_mtime, UTC))


def _walk_remote(root: str) -> Iterator[Export]:
    import fsspec

    files, base = fsspec.core.url_to_fs(root)
    if not files.exists(base):
        raise ReadError(Problem("The plant's root does not exist.", found=root, fix="set `root:` in the plant file"))
    for path, about in files.find(base, detail=True).items():
        name = path[len(base) :].lstrip("/")
        if _is_export(name):
            yield Export(files.unstrip_protocol(path), name, about.get("size"), _moment(about))


def _moment(about: dict[str, Any]) -> datetime | None:
    value = about.get("mtime") or about.get("LastModified") or about.get("created")
    if isinstance(value, int | float):
        return datetime.fromtimestamp(value, UTC)
    return value.astimezone(UTC) if isinstance(value, datetime) else None


def _is_export(name: str) -> bool:
    parts = name.split("/")
    return not any(part.startswith((".", "~$")) for part in parts) and not name.lower().endswith(PARTIAL)


def _matcher(pattern: str) -> re.Pattern[str]:
    """A glob as a regular expression in which '*' does not cross '/'.

    >>> bool(_matcher("mes/stops_*.csv").fullmatch("mes/stops_1.csv")), bool(_matcher("*.csv").fullmatch("mes/stops_1.csv"))
    (True, False)
    """
    body = ""
    for part in re.split(r"(\*\*/?|\*|\?|\[[^]]+\])", pattern):
        if part.startswith("**"):
            body += "(?:.*/)?" if part.endswith("/") else ".*"
        elif part == "*":
            body += "[^/]*"
        elif part == "?":
            body += "[^/]"
        elif part.startswith("["):
            body += part.replace("[!", "[^")
        else:
            body += re.escape(part)
    return re.compile(body)
