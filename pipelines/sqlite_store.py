"""One SQLite file of a lake, open: its connection, its transactions, and an error in words where the file is damaged.

Here: what every such file needs. Elsewhere: the tables and what is asked of them (`pipelines.ledger`, `pipelines.drift_store`); the
writer's lock opens its file for a moment at a time (`pipelines.lock`).
"""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import ClassVar, Self

from connectors.errors import PlantlakeError, Problem


class SqliteStore:
    """Usable from several threads of one process; those who write hold the lake's lock. Raises PlantlakeError when the file is damaged."""

    what: ClassVar[str]
    """Whose file it is, in the words of an error."""
    mend: ClassVar[str]
    """What to do when it is damaged."""

    def __init__(self, path: str | Path):
        Path(path).parent.mkdir(parents=True, exist_ok=True)
        self._mutex = threading.RLock()
        self._connection = sqlite3.connect(path, timeout=30, isolation_level=None, check_same_thread=False)
        self._connection.row_factory = sqlite3.Row
        try:
            self._connection.execute("PRAGMA journal_mode = WAL")
            # A power cut may set the file back by some commits: the next refresh does them again.
            self._connection.execute("PRAGMA synchronous = NORMAL")
            self._prepare()
        except sqlite3.OperationalError:  # busy, no disk left: nothing is wrong with what is there
            self._connection.close()
            raise
        except sqlite3.DatabaseError as error:
            self._connection.close()
            raise PlantlakeError(Problem(f"{self.what} is damaged.", found=f"{path}: {error}", fix=self.mend, actor="us")) from error

    def _prepare(self) -> None:
        """Makes the tables that are not there yet."""
        raise NotImplementedError

    def close(self) -> None:
        self._connection.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @contextmanager
    def transaction(self) -> Iterator[bool]:
        """All that the block writes is written together, or not at all. Within another transaction it joins that one and gives False."""
        with self._mutex:
            if self._connection.in_transaction:
                yield False
                return
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                yield True
                self._connection.execute("COMMIT")
            except BaseException:
                self._connection.execute("ROLLBACK")
                raise

    def _rows(self, sql: str, *values: object, **named: object) -> list[sqlite3.Row]:
        with self._mutex:
            return self._connection.execute(sql, named or values).fetchall()
