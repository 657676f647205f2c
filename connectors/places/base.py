"""What every place of files offers, and what is said when one cannot be reached.

Here: `Files` (folders, one file, its bytes), the settings that all places share, causes in words, secrets out of texts. Elsewhere: the
places themselves (`connectors.places.<place>`), which files are exports (`connectors.discovery`), polite HTTP (`connectors.http`).
"""

from __future__ import annotations

import errno
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Protocol, TypeVar
from urllib.parse import urlsplit, urlunsplit

from pydantic import Field, ValidationError

from connectors.contract import Export, Place
from connectors.errors import Problem, ReadError, UnreachableError, closest, listed
from connectors.secrets import SECRET_WORDS
from connectors.strict import StrictModel

COPIED = 1 << 20
"""Bytes that are copied at a time."""
SLOWEST = 100
"""Bytes a second below which a server counts as hanging."""


@dataclass(frozen=True, slots=True)
class Entry:
    """A file or a folder in a folder."""

    name: str
    is_folder: bool = False
    size: int | None = None
    modified: datetime | None = None
    is_link: bool = False


class Files(Protocol):
    """Files below a root. Names are below it, with '/'. What is not there raises FileNotFoundError, all else that fails ReadError."""

    def entries(self, folder: str) -> Iterable[Entry]:
        """What is in a folder ('' is the root)."""
        ...

    def entry(self, name: str) -> Entry | None:
        """One file; None where there is no such file."""
        ...

    def url(self, name: str) -> str: ...

    def detailed(self, exports: list[Export]) -> list[Export]:
        """Exports with the size and time that a listing did not tell."""
        ...

    def copy(self, export: Export, target: Path) -> None:
        """Writes the bytes of a file to a local one, all of them or ReadError."""
        ...

    def beside(self) -> list[str]:
        """Names of what is beside the root, for a message."""
        ...

    def close(self) -> None: ...


class Reached(StrictModel):
    """Settings that every connection has."""

    timeout_s: float = Field(default=30, gt=0, le=600)
    """Seconds without a byte after which a server counts as hanging."""
    attempts: int = Field(default=3, ge=1, le=10)
    """How often a question is asked that was not answered: a connection that broke, a server that is busy."""


Model = TypeVar("Model", bound=StrictModel)


def settings(place: Place, model: type[Model]) -> Model:
    """The settings of a connection. Raises ReadError naming those that are wrong, never their values."""
    try:
        return model.model_validate(dict(place.connection))
    except ValidationError as error:
        raise ReadError([_wrong(detail["loc"], detail["type"], detail["msg"], model) for detail in error.errors()]) from None


def _wrong(at: tuple[Any, ...], kind: str, message: str, model: type[StrictModel]) -> Problem:
    key, known = ".".join(map(str, at)), sorted(model.model_fields)
    if kind == "extra_forbidden":
        told = f"This connection has no setting '{key}'."
        return Problem(told, found=key, closest=closest(key, known), fix=f"connection: one of {listed(known, 30)}")
    return Problem(f"connection.{key}: {message.removeprefix('Value error, ')}.", fix=f"connection: {{{key}: ...}}")


def not_installed(error: ModuleNotFoundError, extra: str) -> ReadError:
    """The error for a package that an optional extra brings."""
    told, fix = "A package that this connection needs is not installed.", f"pip install 'plantlake[{extra}]'"
    return ReadError(Problem(told, found=str(error.name), fix=fix, actor="retry"))


def has_no_room(error: BaseException) -> bool:
    """Whether it is this machine that failed: its disk is full."""
    return isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT)


# --- what is told -----------------------------------------------------------------------------------------------------------------


def shown(url: str) -> str:
    """An address without user, password and query, which may hold secrets; a folder as it is.

    >>> shown("https://me:pw@host:8443/a/b.csv?sig=abc")
    'https://host:8443/a/b.csv'
    """
    parts = urlsplit(url)
    if not parts.netloc:
        return url
    return urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], parts.path, "", ""))


def without_secrets(text: str, connection: Mapping[str, Any]) -> str:
    """A text of a library or a server without what the connection holds as a secret.

    >>> without_secrets("login of reader with hunter2 failed", {"user": "reader", "password": "hunter2"})
    'login of reader with ... failed'
    """
    for secret in sorted(_secrets(connection), key=len, reverse=True):
        text = text.replace(secret, "...")
    return re.sub(r"(?i)\b(sig|signature|token|password|secret|x-amz-[a-z-]+)=[^&\s'\"]+", r"\1=...", text)


def _secrets(connection: Mapping[str, Any], *, inside: bool = False) -> Iterator[str]:
    for key, value in connection.items():
        is_secret = inside or SECRET_WORDS.search(key) is not None
        if isinstance(value, Mapping):
            yield from _secrets(value, inside=is_secret or key == "headers")
        elif is_secret and isinstance(value, str) and len(value) > 2:
            yield value


UNREACHABLE = {
    "hang": ("The server hangs: nothing came for {timeout:g} s.", "let the plant look at it, or connection.timeout_s"),
    "host": ("The host is not known.", "mend the host in `root:`, or the names of the network"),
    "refused": ("The server does not take the connection.", "let the plant start it or open its port, or mend the port in `root:`"),
    "certificate": ("The server's certificate is not trusted.", "connection.ca_file: <the authority's certificate, PEM>"),
    "credentials": ("The server refuses the credentials.", "mend the secret that `connection:` names, or let the plant admit the user"),
    "forbidden": ("The user may not read this.", "let the plant give this user the right to list and read it"),
    "busy": ("The server is busy.", "wait: the next refresh asks again"),
    "broken": ("The connection broke.", "wait: the next refresh asks again"),
}
OF_ONE_FILE = {"forbidden", "broken"}
"""Causes that say nothing of other files at the same place; the rest of them end the questions to it in this refresh."""


def unreachable(cause: str, place: Place, error: object, *, timeout_s: float = 0) -> ReadError:
    """The error for a cause, in words, without secrets."""
    message, fix = UNREACHABLE[cause]
    said = " ".join(without_secrets(str(error), place.connection).split())[:300]
    found = f"{shown(place.root)}: {said}" if said else shown(place.root)
    told = message.format(timeout=timeout_s)
    kind = ReadError if cause in OF_ONE_FILE else UnreachableError
    return kind(Problem(told, found=found, fix=fix, actor="retry", consequence=AGAIN))


def cut(export: Export, size: int, wanted: int) -> ReadError:
    """The error for a file whose end did not come."""
    found, fix = f"{size} of {wanted} bytes", "wait: the next refresh asks again"
    told = "The connection broke in the middle of the file."
    return ReadError(Problem(told, export=export.name, found=found, fix=fix, actor="retry", consequence=AGAIN))


AGAIN = "Nothing of it was landed; the next refresh tries again."
