"""Files on any other file system of fsspec (ftp://, smb://, webdav:// ...), with the settings that fsspec documents for it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar

from connectors.contract import Export, Place
from connectors.errors import Problem, ReadError
from connectors.places.base import COPIED, Entry, cut, has_no_room, shown, unreachable, without_secrets

T = TypeVar("T")


class Other:
    """Files below a URL that fsspec knows."""

    def __init__(self, place: Place):
        import fsspec

        self.place = place
        try:
            self.fs, base = fsspec.core.url_to_fs(place.root, skip_instance_cache=True, use_listings_cache=False, **place.connection)
        except (ImportError, ValueError) as error:
            said = without_secrets(str(error), place.connection)
            fix = "install the package that the message names, or mend `root:`"
            raise ReadError(
                Problem("The plant's root cannot be listed.", found=f"{shown(place.root)}: {said}"[:300], fix=fix, actor="retry")
            ) from None
        except OSError as error:
            raise unreachable("broken", place, error) from None
        self.base = base.rstrip("/")

    def entries(self, folder: str) -> Iterator[Entry]:
        for about in self._ask(lambda: self.fs.ls(self._path(folder), detail=True)):
            entry = self._entry(about)
            if entry.name:
                yield entry

    def entry(self, name: str) -> Entry | None:
        try:
            found = self._entry(self._ask(lambda: self.fs.info(self._path(name))))
        except FileNotFoundError:
            return None
        return None if found.is_folder else found

    def url(self, name: str) -> str:
        return str(self.fs.unstrip_protocol(self._path(name)))

    def detailed(self, exports: list[Export]) -> list[Export]:
        return exports

    def copy(self, export: Export, target: Path) -> None:
        size = self._ask(lambda: self._copied(export, target))
        now = self.entry(export.name)
        if now and now.size is not None and now.modified == export.modified and now.size != size:
            raise cut(export, size, now.size)

    def beside(self) -> list[str]:
        above = self.base.rpartition("/")[0] or "/"
        return [self._entry(about).name for about in self._ask(lambda: self.fs.ls(above, detail=True))]

    def close(self) -> None:
        """fsspec closes what it opened."""

    def _copied(self, export: Export, target: Path) -> int:
        size = 0
        with self.fs.open(self._path(export.name), "rb") as source, target.open("wb") as out:
            while chunk := source.read(COPIED):
                size += out.write(chunk)
        return size

    def _path(self, name: str) -> str:
        return f"{self.base}/{name}".rstrip("/") or "/"

    @staticmethod
    def _entry(about: dict[str, Any]) -> Entry:
        return Entry(about["name"].rstrip("/").rpartition("/")[2], about["type"] == "directory", about.get("size"), _moment(about))

    def _ask(self, question: Callable[[], T]) -> T:
        try:
            return question()
        except FileNotFoundError:
            raise
        except PermissionError as error:
            raise unreachable("forbidden", self.place, error) from None
        except (OSError, EOFError) as error:
            if has_no_room(error):
                raise
            raise unreachable("broken", self.place, error) from None


def _moment(about: dict[str, Any]) -> datetime | None:
    value = next((about[key] for key in ("mtime", "LastModified", "last_modified", "modify", "created") if about.get(key)), None)
    if isinstance(value, int | float):
        return datetime.fromtimestamp(value, UTC)
    return value.astimezone(UTC) if isinstance(value, datetime) else None
