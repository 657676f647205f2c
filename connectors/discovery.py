"""Finds and fetches exports below a plant's root: a local folder, or anything fsspec reaches.

Here: listing by pattern, copying bytes, near misses for messages. Elsewhere: which exports are new (`pipelines.plan`).
"""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from connectors.contract import Export, Place
from connectors.errors import Problem, ReadError

PARTIAL = (".tmp", ".part", ".partial", ".crdownload", ".filepart")
"""Endings of files that are still being written."""
COPIED = 4 << 20


def discover(place: Place) -> Iterator[Export]:
    """The exports below a root that match its pattern ('*' stays inside a folder, '**/' is any folder or none), by name.

    Hidden files, Excel's lock files and half-copied files are not exports. Only folders that the pattern can reach are listed.
    Raises ReadError when the root does not exist or cannot be listed.
    """
    root, parts = place.root, [part for part in place.path.strip("/").split("/") if part not in ("", ".")]
    found: Iterator[Export]
    if "://" in root:
        matches = matcher("/".join(parts))
        found = (export for export in _remote(place, _fixed(parts)) if matches.fullmatch(export.name))
    else:
        found = _local(_folder(root), parts)
    return iter(sorted({export.name: export for export in found}.values(), key=lambda export: export.name))


def near_misses(place: Place, most: int = 5) -> list[str]:
    """Names below a root that are most like a pattern that matched nothing, the most like first."""
    from rapidfuzz import fuzz, process, utils

    try:
        names = [export.name for export in discover(replace(place, path="**/*"))]
    except ReadError:
        return []
    found = process.extract(place.path, names, scorer=fuzz.WRatio, processor=utils.default_process, limit=most)
    return [name for name, _, _ in found]


def fetch(export: Export, place: Place, target: Path) -> None:
    """Copies an export's bytes to a local file. Raises ReadError when they cannot be read."""
    try:
        if "://" not in export.url:
            shutil.copyfile(export.url, target)
            return
        import fsspec

        with fsspec.open(export.url, "rb", **place.connection) as source, target.open("wb") as out:
            shutil.copyfileobj(source, out, COPIED)
    except PermissionError as error:
        fix = "close it where it is open, or let plantlake read it"
        raise ReadError(
            Problem("The file is locked or may not be read.", export=export.name, found=str(error), fix=fix, actor="retry")
        ) from error
    except (OSError, ImportError) as error:
        raise ReadError(Problem("The file cannot be fetched.", export=export.name, found=str(error)[:200], actor="retry")) from error


def matcher(pattern: str) -> re.Pattern[str]:
    """A glob as a regular expression over names in which '*' does not cross '/'.

    >>> bool(matcher("mes/stops_*.csv").fullmatch("mes/stops_1.csv")), bool(matcher("*.csv").fullmatch("mes/stops_1.csv"))
    (True, False)
    >>> bool(matcher("**/x.csv").fullmatch("x.csv")), bool(matcher("**/x.csv").fullmatch("a/b/x.csv"))
    (True, True)
    """
    body = ""
    for part in re.split(r"(\*\*/?|\*|\?|\[!?\]?[^]/]*\])", pattern):
        if part.startswith("**"):
            body += "(?:.*/)?" if part.endswith("/") else ".*"
        elif part == "*":
            body += "[^/]*"
        elif part == "?":
            body += "[^/]"
        elif part.startswith("[") and part.endswith("]"):
            body += ("[^" if part[1] == "!" else "[") + re.escape(part[2:-1] if part[1] == "!" else part[1:-1]).replace(r"\-", "-") + "]"
        else:
            body += re.escape(part)
    return re.compile(body, re.DOTALL)


def is_export(name: str) -> bool:
    """Whether the last part of a path may be an export: not hidden, no lock file of Excel, not half-copied.

    >>> is_export("stops.csv"), is_export("~$plan.xlsx"), is_export("stops.csv.part")
    (True, False, False)
    """
    return not name.startswith((".", "~$")) and not name.lower().endswith(PARTIAL)


def _folder(root: str) -> Path:
    base = Path(root)
    if base.is_dir():
        return base
    told = "The plant's root is a file, not a folder." if base.exists() else "The plant's root folder does not exist."
    raise ReadError(Problem(told, found=root, fix="root: <the folder of the exports>, or create it"))


def _local(folder: Path, parts: list[str], above: str = "") -> Iterator[Export]:
    """Exports below a folder that fit the parts of a pattern, folder by folder."""
    if not parts:
        return
    part, rest = parts[0], parts[1:]
    deep = part == "**"
    if deep and rest:
        yield from _local(folder, rest, above)
    wanted = matcher(part)
    for entry in _entries(folder):
        name = f"{above}{entry.name}"
        if not is_export(entry.name) or not wanted.fullmatch(entry.name):
            continue
        if entry.is_dir():
            if deep and not entry.is_symlink():
                yield from _local(Path(entry.path), parts, f"{name}/")
            elif rest:
                yield from _local(Path(entry.path), rest, f"{name}/")
        elif not rest and entry.is_file():
            status = entry.stat()
            yield Export(entry.path, name, status.st_size, datetime.fromtimestamp(status.st_mtime, UTC))


def _entries(folder: Path) -> list[os.DirEntry[str]]:
    try:
        with os.scandir(folder) as entries:
            return list(entries)
    except OSError as error:
        fix = "let plantlake list the folder"
        raise ReadError(Problem("A folder of the plant cannot be listed.", found=str(error), fix=fix, actor="retry")) from error


def _fixed(parts: list[str]) -> str:
    """The folders at the start of a pattern that hold no wildcard: only what is below them is listed."""
    fixed: list[str] = []
    for part in parts[:-1]:
        if re.search(r"[*?\[]", part):
            break
        fixed.append(part)
    return "".join(f"{part}/" for part in fixed)


def _remote(place: Place, below: str) -> Iterator[Export]:
    root = place.root
    try:
        import fsspec

        files, base = fsspec.core.url_to_fs(root, **place.connection)
        files.invalidate_cache()
        base = base.rstrip("/")
        if not files.exists(base or "/"):
            raise ReadError(Problem("The plant's root does not exist.", found=root, fix="root: <the address of the exports>"))
        listed = files.find(f"{base}/{below}".rstrip("/") or "/", detail=True)
    except (OSError, ImportError, ValueError) as error:
        fix = "install the package that the message names, or mend `root:`"
        raise ReadError(Problem("The plant's root cannot be listed.", found=f"{root}: {error}"[:200], fix=fix, actor="retry")) from error
    for path, about in listed.items():
        name = path[len(base) :].lstrip("/") if path.startswith(base) else path
        if all(is_export(part) for part in name.split("/")):
            yield Export(files.unstrip_protocol(path), name, about.get("size"), _moment(about))


def _moment(about: dict[str, Any]) -> datetime | None:
    value = next((about[key] for key in ("mtime", "LastModified", "last_modified", "created") if about.get(key)), None)
    if isinstance(value, int | float):
        return datetime.fromtimestamp(value, UTC)
    return value.astimezone(UTC) if isinstance(value, datetime) else None
