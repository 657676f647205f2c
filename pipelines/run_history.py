"""Dagster's instance of a lake, with an event log that keeps its connections open.

Here: opening the instance, and the event log. Elsewhere: the run itself (`pipelines.run`), what the web UI reads (Dagster's own classes,
on the same files).

Dagster makes an engine and a connection of SQLite for each statement: a refresh of 130 assets makes 1,100 of them, which was a quarter of
what a small refresh costs. The statements and files are Dagster's own; only the connection to each file is kept.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import dagster as dg
import yaml
from dagster._core.instance.ref import InstanceRef
from dagster._core.storage.event_log import SqliteEventLogStorage
from sqlalchemy import Connection, Engine, create_engine
from sqlalchemy.pool import StaticPool

if TYPE_CHECKING:
    from dagster._serdes import ConfigurableClassData

    from pipelines.lake import Lake

SETTINGS = "telemetry:\n  enabled: false\n"
STORAGES = ("storage", "event_log_storage", "run_storage", "schedule_storage")


class EventLog(SqliteEventLogStorage):
    """Dagster's event log in SQLite with one connection to each of its files, used by one thread at a time."""

    def __init__(self, base_dir: str, inst_data: ConfigurableClassData | None = None):
        self._engines: dict[str, Engine] = {}
        super().__init__(base_dir, inst_data)

    @classmethod
    def from_config_value(cls, inst_data: ConfigurableClassData | None, config_value: Any) -> EventLog:
        return cls(inst_data=inst_data, **config_value)

    @contextmanager
    def _connect(self, shard: str) -> Iterator[Connection]:
        with self._db_lock:
            if shard not in self._engines:
                self._engines[shard] = create_engine(
                    self.conn_string_for_shard(shard), poolclass=StaticPool, connect_args={"timeout": 30, "check_same_thread": False}
                )
            engine = self._engines[shard]
            if shard not in self._initialized_dbs:
                self._initdb(engine)
                self._initialized_dbs.add(shard)
            with engine.connect() as connection, connection.begin():
                yield connection

    def dispose(self) -> None:
        with self._db_lock:
            for engine in self._engines.values():
                engine.dispose()
            self._engines.clear()
        super().dispose()


@contextmanager
def instance_of(lake: Lake) -> Iterator[dg.DagsterInstance]:
    """The instance of a lake; storages that its dagster.yaml names (PostgreSQL, say) are used as they are."""
    home = lake.dagster_home
    settings = home / "dagster.yaml"
    if not settings.exists():
        settings.write_text(SETTINGS, encoding="utf-8")
    named = yaml.safe_load(settings.read_text(encoding="utf-8")) or {}
    log = {"module": EventLog.__module__, "class": EventLog.__name__, "config": {"base_dir": str(home / "history" / "runs")}}
    overrides: Any = {} if any(named.get(name) for name in STORAGES) else {"event_log_storage": log}
    with dg.DagsterInstance.from_ref(InstanceRef.from_dir(str(home), overrides=overrides)) as instance:
        yield instance
