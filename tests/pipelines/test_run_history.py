"""The lake's Dagster instance: an event log that keeps its connections, on the files that Dagster's own classes read."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import Any

import dagster as dg
import pytest

from pipelines.lake import Lake
from pipelines.run_history import EventLog, instance_of


@dg.asset
def one() -> None:
    """An asset."""


def lake(folder: Path) -> Lake:
    found = Lake(folder / "lake")
    found.dagster_home.mkdir(parents=True)
    return found


def test_dagsters_own_classes_read_what_was_written(tmp_path: Path) -> None:
    found = lake(tmp_path)
    with instance_of(found) as instance:
        assert isinstance(instance.event_log_storage, EventLog)
        assert dg.materialize([one], instance=instance).success
    with dg.DagsterInstance.from_config(str(found.dagster_home)) as instance:
        assert not isinstance(instance.event_log_storage, EventLog)
        (run,) = instance.get_runs()
        assert run.is_success
        assert instance.get_latest_materialization_event(one.key) is not None


def test_each_file_is_opened_once_and_closed_at_the_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    opened: list[str] = []
    connect = sqlite3.dbapi2.connect

    def counted(name: str, *arguments: Any, **named: Any) -> Any:
        opened.append(name)
        return connect(name, *arguments, **named)

    found = lake(tmp_path)
    with instance_of(found) as instance:
        log = instance.event_log_storage
        monkeypatch.setattr(sqlite3.dbapi2, "connect", counted)
        assert dg.materialize([one], instance=instance).success
        of_events = [name for name in opened if Path(name).parent.name == "runs"]
        assert len(of_events) == len(set(of_events)) == 2  # the run's file and the index
        assert isinstance(log, EventLog)
        assert len(log._engines) == 2
    assert log._engines == {}


def test_a_storage_that_the_settings_name_is_used_as_it_is(tmp_path: Path) -> None:
    found = lake(tmp_path)
    (found.dagster_home / "dagster.yaml").write_text(f"storage:\n  sqlite:\n    base_dir: {tmp_path / 'elsewhere'}\n")
    with instance_of(found) as instance:
        assert not isinstance(instance.event_log_storage, EventLog)
        assert dg.materialize([one], instance=instance).success
    assert (tmp_path / "elsewhere").is_dir()
