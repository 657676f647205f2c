"""Finds and fetches exports below a plant's root: a local folder, or any place of files at a URL.

Here: listing by pattern, copying bytes, near misses for messages. Elsewhere: places at a URL (`connectors.places`), which exports are
new (`pipelines.plan`).
"""

from __future__ import annotations

import os
import re
import shutil
import threading
from collections.abc import Iterable, Iterator
from contextlib import closing, contextmanager, suppress
from datetime import UTC, datetime
from importlib import import_module
from itertools import islice
from pathlib import Path

from connectors.contract import Export, Place
from connectors.errors import Problem, ReadError, closest, listed
from connectors.places.base import Entry, Files, shown
from connectors.strict import StrictModel

PARTIAL = (".tmp", ".part", ".partial", ".crdownload", ".filepart")
"""Endings of files that are still being written."""
_HELD = threading.local()
LOOKED_AT = 2_000
"""Names that are compared for a message."""
PLACES: dict[str, tuple[str, str]] = {
    **dict.fromkeys(("s3", "az", "abfs", "abfss", "gs", "gcs"), ("connectors.places.buckets", "Buckets")),
    "sftp": ("connectors.places.sftp", "Sftp"), **dict.fromkeys(("http", "https"), ("connectors.places.web", "Web")),
}  # fmt: skip
"""By the scheme of a URL; any other goes through fsspec."""
SETTINGS: dict[str, tuple[str, str]] = {
    "s3": ("connectors.places.buckets", "S3Settings"), "sftp": ("connectors.places.sftp", "SftpSettings"),
    **dict.fromkeys(("az", "abfs", "abfss"), ("connectors.places.buckets", "AzureSettings")),
    **dict.fromkeys(("gs", "gcs"), ("connectors.places.buckets", "GoogleSettings")),
    **dict.fromkeys(("http", "https"), ("connectors.http", "HttpSettings")),
    "opc.tcp": ("connectors.kinds.historians.opcua_ha", "OpcUaSettings"),
}  # fmt: skip


def discover(place: Place) -> Iterator[Export]:
    """The exports below a root that match its pattern ('*' stays inside a folder, '**/' is any folder or none), by name.

    Hidden files, Excel's lock files and half-copied files are not exports. Only folders that the pattern can reach are listed.
    Raises ReadError when the root does not exist or cannot be listed.
    """
    with closing(opened(place)) as files:
        found = {export.name: export for export in _walk(files, _parts(place.path))}
        if not found:
            _refuse_no_root(files, place)
        return iter(files.detailed(sorted(found.values(), key=lambda export: export.name)))


def near_misses(place: Place, most: int = 5) -> list[str]:
    """Names below a root that are most like a pattern that matched nothing, the most like first."""
    from rapidfuzz import fuzz, process, utils

    try:
        with closing(opened(place)) as files:
            names = [export.name for export in islice(_walk(files, ["**", "*"]), LOOKED_AT)]
    except (ReadError, FileNotFoundError):
        return []
    found = process.extract(place.path, names, scorer=fuzz.WRatio, processor=utils.default_process, limit=most)
    return [name for name, _, _ in found]


def fetch(export: Export, place: Place, target: Path) -> None:
    """Copies an export's bytes to a local file, all of them. Raises ReadError when they cannot be had."""
    try:
        with _connected(place) as files:
            files.copy(export, target)
    except PermissionError as error:
        fix = "close it where it is open, or let plantlake read it"
        raise ReadError(
            Problem("The file is locked or may not be read.", export=export.name, found=str(error), fix=fix, actor="retry")
        ) from error
    except OSError as error:
        raise ReadError(Problem("The file cannot be fetched.", export=export.name, found=str(error)[:200], actor="retry")) from error


@contextmanager
def _connected(place: Place) -> Iterator[Files]:
    """The files at a place, over the connection that this thread used for it last: a server is not logged in to for each file.

    It is closed when the thread asks for another place, or ends, and after an error."""
    if getattr(_HELD, "place", None) is not place:
        _release()
        _HELD.place, _HELD.files = place, opened(place)
    try:
        yield _HELD.files
    except BaseException:
        _release()
        raise


def _release() -> None:
    if files := getattr(_HELD, "files", None):
        files.close()
    _HELD.place = _HELD.files = None


def opened(place: Place) -> Files:
    """The files at a place. Raises ReadError when it cannot be reached."""
    scheme, is_url, _ = place.root.partition("://")
    if not is_url:
        return Local(place)
    module, name = PLACES.get(scheme, ("connectors.places.other", "Other"))
    try:
        files: Files = getattr(import_module(module), name)(place)
    except FileNotFoundError as error:
        raise _no_root(place, [], str(error)) from error
    return files


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


def settings_of(root: str) -> type[StrictModel] | None:
    """What may be set for a connection to a root; None where fsspec decides it, or a kind."""
    module, name = SETTINGS.get(root.partition("://")[0], ("", "")) if "://" in root else ("", "")
    found: type[StrictModel] | None = getattr(import_module(module), name) if module else None
    return found


# --- the walk ---------------------------------------------------------------------------------------------------------------------


def _parts(pattern: str) -> list[str]:
    return [part for part in pattern.strip("/").split("/") if part not in ("", ".")]


def _walk(files: Files, parts: list[str], above: str = "", listed: list[Entry] | None = None) -> Iterator[Export]:
    """Exports that fit the parts of a pattern, folder by folder. A part without wildcards is gone to, not looked for."""
    if not parts:
        return
    part, rest = parts[0], parts[1:]
    if not re.search(r"[*?\[]", part):
        if is_export(part):
            yield from _walk(files, rest, f"{above}{part}/") if rest else _named(files, f"{above}{part}")
        return
    entries = _entries(files, above) if listed is None else listed
    if part == "**" and rest:
        yield from _walk(files, rest, above, entries)
    wanted = matcher(part)
    yield from _fitting(files, parts, above, [entry for entry in entries if is_export(entry.name) and wanted.fullmatch(entry.name)])


def _fitting(files: Files, parts: list[str], above: str, entries: list[Entry]) -> Iterator[Export]:
    """Files of a folder that are exports, and exports further down. '**' follows no links: they may lead in a circle."""
    part, rest = parts[0], parts[1:]
    for entry in entries:
        name = f"{above}{entry.name}"
        if not entry.is_folder:
            if not rest:
                yield Export(files.url(name), name, entry.size, entry.modified)
        elif part != "**":
            yield from _walk(files, rest, f"{name}/")
        elif not entry.is_link:
            yield from _walk(files, parts, f"{name}/")


def _named(files: Files, name: str) -> Iterator[Export]:
    if entry := files.entry(name):
        yield Export(files.url(name), name, entry.size, entry.modified)


def _entries(files: Files, folder: str) -> list[Entry]:
    """What is in a folder; nothing where there is none."""
    with suppress(FileNotFoundError, NotADirectoryError):
        return list(files.entries(folder))
    return []


def _refuse_no_root(files: Files, place: Place) -> None:
    try:
        next(iter(files.entries("")), None)
    except FileNotFoundError as error:
        near: list[str] = []
        with suppress(ReadError, OSError):
            near = files.beside()
        raise _no_root(place, near, str(error)) from error


def _no_root(place: Place, beside: list[str], said: str) -> ReadError:
    root = shown(place.root) if "://" in place.root else place.root
    own = root.rstrip("/").rpartition("/")[2]
    fix = "root: <the address of the exports>" if "://" in root else "root: <the folder of the exports>, or create it"
    found = f"{root}; there are {listed(sorted(beside))}" if beside else root
    return ReadError(Problem("The plant's root does not exist.", found=found, closest=closest(own, beside), fix=fix))


# --- a folder of this machine -------------------------------------------------------------------------------------------------------


class Local:
    """Files below a folder."""

    def __init__(self, place: Place):
        self.base = Path(place.root)
        if self.base.exists() and not self.base.is_dir():
            raise ReadError(Problem("The plant's root is a file, not a folder.", found=place.root, fix="root: <the folder of the exports>"))

    def entries(self, folder: str) -> Iterable[Entry]:
        try:
            with os.scandir(self.base / folder) as entries:
                return [entry for found in entries if (entry := self._entry(found))]
        except (FileNotFoundError, NotADirectoryError):
            raise
        except OSError as error:
            fix = "let plantlake list the folder"
            raise ReadError(Problem("A folder of the plant cannot be listed.", found=str(error), fix=fix, actor="retry")) from error

    def entry(self, name: str) -> Entry | None:
        path = self.base / name
        return _of_status(path.name, path.stat()) if path.is_file() else None

    def url(self, name: str) -> str:
        return str(self.base / name)

    def detailed(self, exports: list[Export]) -> list[Export]:
        return exports

    def copy(self, export: Export, target: Path) -> None:
        shutil.copyfile(export.url, target)

    def beside(self) -> list[str]:
        return [path.name for path in self.base.parent.iterdir() if path.is_dir()]

    def close(self) -> None:
        """Nothing is open."""

    @staticmethod
    def _entry(found: os.DirEntry[str]) -> Entry | None:
        """None for what is neither file nor folder, and for what vanished since the folder was listed."""
        if found.is_dir():
            return Entry(found.name, is_folder=True, is_link=found.is_symlink())
        with suppress(FileNotFoundError):
            return _of_status(found.name, found.stat()) if found.is_file() else None
        return None


def _of_status(name: str, status: os.stat_result) -> Entry:
    return Entry(name, False, status.st_size, datetime.fromtimestamp(status.st_mtime, UTC))
