"""One writer at a time, and no lock that outlives its holder."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import pytest

from connectors.errors import LockedError
from pipelines import lock as lock_module
from pipelines.lake import Lake
from pipelines.lock import Holder, holder, writer_lock


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    return Lake(tmp_path / "lake").create()


def pretend(lake: Lake, **changes: object) -> None:
    """Changes what the lock says about its holder."""
    with sqlite3.connect(lake.ledger) as connection:
        for name, value in changes.items():
            connection.execute(f"UPDATE writer_lock SET {name} = ?", (value,))


def test_a_second_writer_is_told_who_holds_the_lock(lake: Lake) -> None:
    with writer_lock(lake) as mine, pytest.raises(LockedError, match=rf"process {os.getpid()}, since 20\d\d-"), writer_lock(lake):
        pass
    assert mine.taken_from is None
    assert holder(lake.ledger) is None


def test_a_failing_writer_gives_the_lock_back(lake: Lake) -> None:
    with pytest.raises(RuntimeError), writer_lock(lake):
        raise RuntimeError
    with writer_lock(lake):
        pass


def test_a_second_writer_may_wait(lake: Lake) -> None:
    with writer_lock(lake):
        started = time.monotonic()
        with pytest.raises(LockedError), writer_lock(lake, wait_s=0.3):
            pass
        assert time.monotonic() - started >= 0.3


def test_the_lock_of_a_killed_process_is_taken_over(lake: Lake) -> None:
    code = (
        "import os, sys; from pipelines.lake import Lake; from pipelines.lock import writer_lock\n"
        "with writer_lock(Lake(sys.argv[1])): os.kill(os.getpid(), 9)"
    )
    killed = subprocess.run([sys.executable, "-c", code, str(lake.root)], check=False, cwd=Path(__file__).parents[2])
    assert killed.returncode == -9
    with writer_lock(lake) as mine:
        assert mine.taken_from is not None
        assert mine.taken_from.pid != os.getpid()
        mine.check()


def test_a_silent_writer_on_another_host_is_dead_after_a_minute(lake: Lake) -> None:
    with writer_lock(lake):
        pretend(lake, host="elsewhere", heartbeat=time.time() - 50)
        with pytest.raises(LockedError, match="on elsewhere"), writer_lock(lake):
            pass
        pretend(lake, heartbeat=time.time() - 61)
        with writer_lock(lake) as mine:
            assert mine.taken_from is not None
            assert mine.taken_from.host == "elsewhere"


def test_a_writer_that_lost_its_lock_notices(lake: Lake) -> None:
    with writer_lock(lake) as sleeper:
        pretend(lake, host="elsewhere", heartbeat=time.time() - 61)
        with writer_lock(lake), pytest.raises(LockedError, match="lost"):
            sleeper.check()


def test_the_heart_beats(lake: Lake, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lock_module, "HEARTBEAT_S", 0.02)
    with writer_lock(lake):
        pretend(lake, heartbeat=1.0)
        deadline = time.monotonic() + 5
        while _heartbeat(lake) == 1.0 and time.monotonic() < deadline:
            time.sleep(0.02)
        assert time.time() - _heartbeat(lake) < 5


def _heartbeat(lake: Lake) -> float:
    found = holder(lake.ledger)
    assert isinstance(found, Holder)
    return found.heartbeat
