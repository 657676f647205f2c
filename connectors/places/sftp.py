"""Files on an SFTP server (`sftp://user@host:22/folder`), through paramiko.

Here: the login, whose server it is (a key that is known, never any), the errors in words. Elsewhere: what a place offers
(`connectors.places.base`).
"""

from __future__ import annotations

import base64
import hashlib
import io
import posixpath
import socket
import stat
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from time import monotonic
from typing import Any, TypeVar
from urllib.parse import unquote, urlsplit

from connectors.contract import Export, Place
from connectors.errors import Problem, ReadError, UnreachableError
from connectors.places.base import COPIED, Entry, Reached, cut, has_no_room, not_installed, settings, unreachable

T = TypeVar("T")
IN_FLIGHT = 32
"""Pieces of a file that are asked for before the first one came: a line of 50 ms then gives 20 MB/s instead of 0.6."""


class SftpSettings(Reached):
    """A password or a key. Whose server it is says its fingerprint, or a file of known hosts."""

    user: str | None = None
    """Login; or in the address."""
    password: str | None = None
    """Password."""
    private_key: str | None = None
    """Private key, its text by reference: {file: keys/plant}."""
    passphrase: str | None = None
    """Of the private key."""
    fingerprint: str | None = None
    """The server's key as `ssh-keyscan HOST | ssh-keygen -lf -` tells it: SHA256:..."""
    known_hosts: str | None = None
    """File with the keys of known servers; default ~/.ssh/known_hosts."""


class Sftp:
    """Files below a folder of a server, over one connection."""

    def __init__(self, place: Place):
        try:
            import paramiko  # noqa: F401
        except ModuleNotFoundError as error:
            raise not_installed(error, "sftp") from None
        self.place, self.own = place, settings(place, SftpSettings)
        parts = urlsplit(place.root)
        self.host, self.port = parts.hostname or "", parts.port or 22
        self.user = self.own.user or unquote(parts.username or "") or None
        self.base = "/" + unquote(parts.path).strip("/")
        self.client = self._asked(self._connected)
        self.sftp = self._asked(self._opened)

    def entries(self, folder: str) -> Iterator[Entry]:
        for about in self._asked(lambda: self.sftp.listdir_attr(self._path(folder))):
            yield from filter(None, [self._entry(f"{folder}{about.filename}", about)])

    def entry(self, name: str) -> Entry | None:
        try:
            found = self._entry(name, self._asked(lambda: self.sftp.stat(self._path(name))))
        except FileNotFoundError:
            return None
        return None if found is None or found.is_folder else found

    def url(self, name: str) -> str:
        return f"sftp://{self.host}:{self.port}{self._path(name)}"

    def detailed(self, exports: list[Export]) -> list[Export]:
        return exports

    def copy(self, export: Export, target: Path) -> None:
        """A file that broke off goes on where it stopped, as long as the server's is the one that was begun."""
        with target.open("wb") as out:
            wanted = self._asked(lambda: self.sftp.stat(self._path(export.name)))
            for attempt in range(self.own.attempts):
                try:
                    self._asked(lambda: self._copied(export, out, wanted))
                    break
                except ReadError:
                    if attempt + 1 == self.own.attempts or self.is_hanging:
                        raise
                    self._again(export, wanted)
        if target.stat().st_size != wanted.st_size:
            raise cut(export, target.stat().st_size, wanted.st_size)

    def beside(self) -> list[str]:
        return self._asked(lambda: self.sftp.listdir(posixpath.dirname(self.base)))

    def close(self) -> None:
        self.client.close()

    # --- the connection -----------------------------------------------------------------------------------------------------------

    is_hanging = False

    def _connected(self) -> Any:
        import paramiko

        client = paramiko.SSHClient()
        if self.own.fingerprint:
            client.set_missing_host_key_policy(_Pinned(self.own.fingerprint))
        else:
            known = Path(self.own.known_hosts or "~/.ssh/known_hosts").expanduser()
            if known.exists():
                client.load_host_keys(str(known))
            client.set_missing_host_key_policy(_Pinned(None))
        wait = self.own.timeout_s
        client.connect(
            self.host, self.port, self.user, self.own.password, pkey=self._key(), timeout=wait, banner_timeout=wait, auth_timeout=wait,
            allow_agent=not (self.own.password or self.own.private_key), look_for_keys=not (self.own.password or self.own.private_key),
        )  # fmt: skip
        return client

    def _opened(self) -> Any:
        channel = self.client.get_transport().open_session(timeout=self.own.timeout_s)
        channel.settimeout(self.own.timeout_s)
        channel.invoke_subsystem("sftp")
        import paramiko

        return paramiko.SFTPClient(channel)

    def _key(self) -> Any:
        import paramiko

        if not self.own.private_key:
            return None
        for kind in (paramiko.Ed25519Key, paramiko.ECDSAKey, paramiko.RSAKey):
            try:
                return kind.from_private_key(io.StringIO(self.own.private_key + "\n"), self.own.passphrase)
            except (paramiko.SSHException, ValueError, IndexError):
                continue
        told, fix = "The private key cannot be read.", "connection.private_key: {file: <OpenSSH or PEM key>}, and its passphrase"
        raise ReadError(Problem(told, fix=fix, actor="retry"))

    def _copied(self, export: Export, out: Any, wanted: Any) -> None:
        with self.sftp.open(self._path(export.name), "rb") as source:
            source.seek(out.tell())
            source.prefetch(wanted.st_size, IN_FLIGHT)
            while chunk := source.read(COPIED):
                out.write(chunk)

    def _again(self, export: Export, wanted: Any) -> None:
        """A new connection, to a file that must not have changed."""
        self.close()
        self.client = self._asked(self._connected)
        self.sftp = self._asked(self._opened)
        now = self._asked(lambda: self.sftp.stat(self._path(export.name)))
        if (now.st_size, now.st_mtime) != (wanted.st_size, wanted.st_mtime):
            told = "The file was written anew while it was fetched."
            raise ReadError(Problem(told, export=export.name, fix="wait: the next refresh fetches it", actor="retry"))

    def _path(self, name: str) -> str:
        return posixpath.join(self.base, name).rstrip("/") or "/"

    def _entry(self, name: str, about: Any) -> Entry | None:
        """A link is what it leads to; one that leads nowhere is nothing."""
        mode = about.st_mode or 0
        is_link = stat.S_ISLNK(mode)
        if is_link:
            try:
                about = self._asked(lambda: self.sftp.stat(self._path(name)))
            except FileNotFoundError:
                return None
            mode = about.st_mode or 0
        modified = datetime.fromtimestamp(about.st_mtime, UTC) if about.st_mtime is not None else None
        return Entry(posixpath.basename(name), stat.S_ISDIR(mode), about.st_size, modified, is_link)

    def _asked(self, question: Callable[[], T]) -> T:
        """What a question gives, its errors in words. paramiko has many for a server that took the connection and then said nothing."""
        import paramiko

        begun = monotonic()
        try:
            return question()
        except FileNotFoundError:
            raise
        except (_UnknownServerError, paramiko.BadHostKeyException) as error:
            raise self._unknown(error.fingerprint if isinstance(error, _UnknownServerError) else _told(error.key)) from None
        except (paramiko.SSHException, EOFError, OSError) as error:
            if has_no_room(error):
                raise
            cause = next((cause for kind, cause in _causes().items() if isinstance(error, kind)), "broken")
            cause = "hang" if monotonic() - begun > 0.9 * self.own.timeout_s and not isinstance(error, socket.gaierror) else cause
            self.is_hanging = cause == "hang"
            raise unreachable(cause, self.place, error or type(error).__name__, timeout_s=self.own.timeout_s) from None

    def _unknown(self, fingerprint: str) -> UnreachableError:
        told = "It is not known whose server this is: its key is not the one that is expected."
        fix = f"ask the plant for its key's fingerprint; if it is this one: connection.fingerprint: {fingerprint}"
        return UnreachableError(Problem(told, found=f"{self.host}: {fingerprint}", fix=fix, actor="retry"))


def _causes() -> dict[type[BaseException], str]:
    import paramiko

    return {
        paramiko.AuthenticationException: "credentials", socket.gaierror: "host", TimeoutError: "hang",
        ConnectionRefusedError: "refused", paramiko.ssh_exception.NoValidConnectionsError: "refused", PermissionError: "forbidden",
    }  # fmt: skip


class _UnknownServerError(Exception):
    """The server showed a key that is not known."""

    def __init__(self, fingerprint: str):
        super().__init__(fingerprint)
        self.fingerprint = fingerprint


class _Pinned:
    """Takes a server's key by its fingerprint, or none."""

    def __init__(self, fingerprint: str | None):
        self.fingerprint = fingerprint

    def missing_host_key(self, client: Any, hostname: str, key: Any) -> None:
        found = _told(key)
        if self.fingerprint is None or found != self.fingerprint.rstrip("="):
            raise _UnknownServerError(found)


def _told(key: Any) -> str:
    return "SHA256:" + base64.b64encode(hashlib.sha256(key.asbytes()).digest()).decode().rstrip("=")
