"""What the lake remembers of alerts: who was told what, and what waits to be told.

Here: one SQLite file beside the ledger. Elsewhere: what there is to tell (`pipelines.alerts`), how it goes out (`pipelines.alert_posts`).

What is to be told is entered in the transaction that notes it as told, and removed when a receiver has taken it: a crash between the two
tells it twice and never loses it. Losing the file tells what stands once more.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from connectors.errors import PlantlakeError
from pipelines.sqlite_store import SqliteStore

LEASE = timedelta(seconds=90)
"""For so long one process has a message for itself; a process that was killed lets go of it then."""
_SCHEMA = """
CREATE TABLE IF NOT EXISTS receiver (name TEXT PRIMARY KEY, since TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS plant (plant_id TEXT PRIMARY KEY, first_seen TEXT NOT NULL, about TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS told (
  receiver TEXT NOT NULL, topic TEXT NOT NULL, subject TEXT NOT NULL, mark TEXT NOT NULL, content TEXT NOT NULL, told_at TEXT NOT NULL,
  PRIMARY KEY (receiver, topic, subject)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS waiting (
  number INTEGER PRIMARY KEY, receiver TEXT NOT NULL, address TEXT NOT NULL, topic TEXT NOT NULL, subject TEXT NOT NULL,
  content TEXT NOT NULL, since TEXT NOT NULL, tries INTEGER NOT NULL DEFAULT 0, error TEXT, leased_until TEXT NOT NULL DEFAULT '');
"""


@dataclass(frozen=True, slots=True)
class Told:
    """What a receiver was told last of a subject."""

    mark: str
    content: dict[str, Any]
    told_at: datetime


@dataclass(frozen=True, slots=True)
class Waiting:
    """One event that a receiver (of mail: an address) has not taken yet."""

    number: int
    address: str
    content: dict[str, Any]
    tries: int
    error: str | None


class AlertStore(SqliteStore):
    """The store of one lake. Several processes may use it at once."""

    what = "What the lake remembers of alerts"
    mend = "remove the file: what stands is told once more"

    def __init__(self, path: Path | str):
        try:
            super().__init__(path)
        except PlantlakeError:  # damaged: it is set aside with its journal, and what stands is told once more
            for suffix in ("", "-wal", "-shm"):
                with suppress(FileNotFoundError):
                    Path(f"{path}{suffix}").replace(f"{path}{suffix}.damaged")
            super().__init__(path)

    def _prepare(self) -> None:
        self._connection.executescript(_SCHEMA)

    # --- who and since when -----------------------------------------------------------------------------------------------------

    def keep_only(self, receivers: Collection[str]) -> None:
        """Forgets receivers that are no longer stated, with what waited for them."""
        for table, column in (("receiver", "name"), ("told", "receiver"), ("waiting", "receiver")):
            known = {row[0] for row in self._connection.execute(f"SELECT DISTINCT {column} FROM {table}")}
            self._connection.executemany(f"DELETE FROM {table} WHERE {column} = ?", [(name,) for name in known - set(receivers)])

    def since(self, receiver: str, at: datetime) -> datetime:
        """When the receiver was stated first: now, if it was not known."""
        self._connection.execute("INSERT OR IGNORE INTO receiver VALUES (?, ?)", (receiver, at.isoformat()))
        (found,) = self._connection.execute("SELECT since FROM receiver WHERE name = ?", (receiver,)).fetchone()
        return datetime.fromisoformat(found)

    def keep_plants(self, about: Mapping[str, Mapping[str, Any]], at: datetime) -> None:
        """Who the plants are, for the day on which a plant's file cannot be read."""
        sql = "INSERT INTO plant VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET about = excluded.about WHERE about <> excluded.about"
        with self.transaction():
            self._connection.executemany(sql, [(plant, at.isoformat(), _text(dict(row))) for plant, row in about.items()])

    def plants(self) -> dict[str, tuple[datetime, dict[str, Any]]]:
        """By plant: when it was seen first, and who it is."""
        rows = self._connection.execute("SELECT plant_id, first_seen, about FROM plant")
        return {plant: (datetime.fromisoformat(first), json.loads(about)) for plant, first, about in rows}

    # --- told -------------------------------------------------------------------------------------------------------------------

    def told(self, receiver: str) -> dict[tuple[str, str], Told]:
        """By topic and subject: what the receiver was told last."""
        rows = self._connection.execute("SELECT topic, subject, mark, content, told_at FROM told WHERE receiver = ?", (receiver,))
        return {(topic, subject): Told(mark, json.loads(text), datetime.fromisoformat(at)) for topic, subject, mark, text, at in rows}

    def set_told(self, receiver: str, key: tuple[str, str], mark: str, content: dict[str, Any], at: datetime) -> None:
        values = (receiver, *key, mark, _text(content), at.isoformat())
        self._connection.execute("INSERT OR REPLACE INTO told VALUES (?, ?, ?, ?, ?, ?)", values)

    def end(self, receiver: str, key: tuple[str, str]) -> None:
        self._connection.execute("DELETE FROM told WHERE receiver = ? AND topic = ? AND subject = ?", (receiver, *key))

    # --- waiting ----------------------------------------------------------------------------------------------------------------

    def enter(self, receiver: str, address: str, key: tuple[str, str], content: dict[str, Any], at: datetime) -> None:
        sql = "INSERT INTO waiting (receiver, address, topic, subject, content, since) VALUES (?, ?, ?, ?, ?, ?)"
        self._connection.execute(sql, (receiver, address, *key, _text(content), at.isoformat()))

    def waits(self, receiver: str, key: tuple[str, str]) -> bool:
        """Whether something about the subject has not been taken yet."""
        sql = "SELECT 1 FROM waiting WHERE receiver = ? AND topic = ? AND subject = ? LIMIT 1"
        return self._connection.execute(sql, (receiver, *key)).fetchone() is not None

    def waiting(self, receiver: str) -> list[Waiting]:
        sql = "SELECT number, address, content, tries, error FROM waiting WHERE receiver = ? ORDER BY number"
        return [_waiting(row) for row in self._connection.execute(sql, (receiver,))]

    def claim(self, receiver: str, at: datetime) -> list[Waiting]:
        """What waits for the receiver and no other process is sending; for a while it is this one's."""
        with self.transaction():
            sql = "SELECT number, address, content, tries, error FROM waiting WHERE receiver = ? AND leased_until < ? ORDER BY number"
            rows = self._connection.execute(sql, (receiver, at.isoformat())).fetchall()
            until = (at + LEASE).isoformat()
            self._connection.executemany("UPDATE waiting SET leased_until = ? WHERE number = ?", [(until, row[0]) for row in rows])
        return [_waiting(row) for row in rows]

    def taken(self, numbers: Collection[int]) -> None:
        self._connection.executemany("DELETE FROM waiting WHERE number = ?", [(number,) for number in numbers])

    def refused(self, numbers: Collection[int], error: str) -> None:
        sql = "UPDATE waiting SET tries = tries + 1, error = ?, leased_until = '' WHERE number = ?"
        self._connection.executemany(sql, [(error, number) for number in numbers])


def _text(content: dict[str, Any]) -> str:
    return json.dumps(content, ensure_ascii=False, default=str)


def _waiting(row: Iterable[Any]) -> Waiting:
    number, address, text, tries, error = row
    return Waiting(number, address, json.loads(text), tries, error)
