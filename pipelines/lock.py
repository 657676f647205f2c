"""One writer at a time: the lock of a lake, with the name of who holds it.

Here: taking, keeping and giving back the lock, and taking over one whose holder is dead. It is a row in the lake's SQLite file
(not a lock file: SQLite decides atomically on every platform, and `status` can read who is writing). Elsewhere: what writers do.
Readers need no lock: they read committed versions only.
"""

from __future__ import annotations

import getpass
import logging
import os
import socket
import sqlite3
import threading
import time
import uuid
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from connectors.errors import LockedError, Problem
from pipelines.lake import Lake

log = logging.getLogger(__name__)

HEARTBEAT_S = 5.0
STALE_S = 60.0
_SCHEMA = """
CREATE TABLE IF NOT EXISTS writer_lock (
  one INTEGER PRIMARY KEY CHECK (one = 1), token TEXT NOT NULL, user TEXT NOT NULL, pid INTEGER NOT NULL, host TEXT NOT NULL,
  started REAL NOT NULL, heartbeat REAL NOT NULL)
"""


@dataclass(frozen=True, slots=True)
class Holder:
    """Who holds the lock. Times are seconds since 1970."""

    token: str
    user: str
    pid: int
    host: str
    started: float
    heartbeat: float

    def __str__(self) -> str:
        since = datetime.fromtimestamp(self.started, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
        return f"{self.user} on {self.host}, process {self.pid}, since {since}"

    @property
    def is_dead(self) -> bool:
        """Whether nobody can be writing any more: its process is gone, or it has not been heard of for `STALE_S` seconds."""
        if time.time() - self.heartbeat > STALE_S:
            return True
        return self.host == socket.gethostname() and not _is_running(self.pid)


class WriterLock:
    """The lock as held by this process. `check` before each commit: a machine that slept may have lost it meanwhile."""

    def __init__(self, path: Path, me: Holder, taken_from: Holder | None):
        self.holder = me
        self.taken_from = taken_from
        """The dead holder it was taken over from: its refresh was interrupted."""
        self._path = path
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._beat, name="plantlake-lock", daemon=True)
        self._thread.start()

    def check(self) -> None:
        """Raises LockedError when the lock is no longer ours."""
        if not self._update("UPDATE writer_lock SET heartbeat = ? WHERE token = ?", time.time(), self.holder.token):
            now = holder(self._path)
            raise LockedError(
                Problem(
                    "This refresh lost the lake's lock: it was not heard of for more than a minute, and another one took over.",
                    found=str(now) if now else None,
                    fix="run the refresh again; nothing was damaged",
                    actor="retry",
                )
            )

    def release(self) -> None:
        self._stop.set()
        self._thread.join(timeout=HEARTBEAT_S)
        self._update("DELETE FROM writer_lock WHERE token = ?", self.holder.token)

    def _beat(self) -> None:
        while not self._stop.wait(HEARTBEAT_S):
            try:
                if not self._update("UPDATE writer_lock SET heartbeat = ? WHERE token = ?", time.time(), self.holder.token):
                    return
            except sqlite3.Error as error:  # busy for long: the next beat comes in time
                log.warning("The lock's heartbeat could not be written: %s", error)

    def _update(self, sql: str, *values: object) -> bool:
        with closing(_connect(self._path)) as connection:
            return connection.execute(sql, values).rowcount > 0


@contextmanager
def writer_lock(lake: Lake, wait_s: float = 0) -> Iterator[WriterLock]:
    """Holds the writer's lock of the lake for the block.

    Waits up to `wait_s` seconds for another writer. Takes over the lock of a dead one, with a note in the log. Raises LockedError
    naming the holder and since when.
    """
    lake.root.mkdir(parents=True, exist_ok=True)
    deadline = time.monotonic() + wait_s
    while True:
        me = Holder(uuid.uuid4().hex, user(), os.getpid(), socket.gethostname(), time.time(), time.time())
        before = _take(lake.ledger, me)
        if before is None or before.is_dead:
            break
        if time.monotonic() >= deadline:
            raise LockedError(
                Problem(
                    f"Another refresh is writing to {lake.root}.",
                    found=str(before),
                    fix="wait until it has ended, or end that process; the lock of a dead process is taken over by itself",
                    actor="retry",
                )
            )
        time.sleep(min(0.5, max(0.0, deadline - time.monotonic())))
    if before is not None:
        log.warning("The lake's lock was taken over from a writer that is gone: %s.", before)
    lock = WriterLock(lake.ledger, me, before)
    try:
        yield lock
    finally:
        lock.release()


def holder(path: Path) -> Holder | None:
    """Who holds the lock of the lake whose SQLite file is `path`, or None."""
    if not path.exists():
        return None
    with closing(_connect(path)) as connection:
        return _read(connection)


def _take(path: Path, me: Holder) -> Holder | None:
    """Writes `me` as the holder unless a living one is there; returns who was there before."""
    with closing(_connect(path)) as connection:
        connection.execute("BEGIN IMMEDIATE")
        before = _read(connection)
        if before is None or before.is_dead:
            connection.execute(
                "INSERT OR REPLACE INTO writer_lock VALUES (1, ?, ?, ?, ?, ?, ?)",
                (me.token, me.user, me.pid, me.host, me.started, me.heartbeat),
            )
        connection.execute("COMMIT")
        return before


def _read(connection: sqlite3.Connection) -> Holder | None:
    row = connection.execute("SELECT token, user, pid, host, started, heartbeat FROM writer_lock").fetchone()
    return Holder(*row) if row else None


def _connect(path: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(path, timeout=30, isolation_level=None)
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute(_SCHEMA)
    return connection


def user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError, ImportError):  # a container without a user database
        return "unknown"


def _is_running(pid: int) -> bool:
    if os.name == "nt":  # os.kill would end the process there; its heartbeat tells
        return True
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
