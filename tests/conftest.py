"""What all tests share: folders that are made once for all workers. Laws have no deadline: a slow example on a noisy machine is not wrong."""

from __future__ import annotations

import fcntl
import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import mysql_server
import postgres_server
import pytest
import sample_portfolio
from hypothesis import settings

settings.register_profile("plantlake", deadline=None)
settings.load_profile("plantlake")

MadeOnce = Callable[[str, Callable[[Path], object]], Path]


@pytest.fixture(scope="session")
def made_once(tmp_path_factory: pytest.TempPathFactory) -> MadeOnce:
    """made_once(name, make) is a folder that `make` filled once in this run of the tests, whichever worker asked first. Only for reading."""
    base = tmp_path_factory.getbasetemp()
    base = base.parent if "PYTEST_XDIST_WORKER" in os.environ else base

    def folder(name: str, make: Callable[[Path], object]) -> Path:
        path, whole = base / name, base / f"{name}.made"
        with (base / f"{name}.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if not whole.exists():
                shutil.rmtree(path, ignore_errors=True)
                path.mkdir()
                make(path)
                whole.touch()
        return path

    return folder


@pytest.fixture(scope="session")
def sample(made_once: MadeOnce) -> Path:
    """The sample portfolio, refreshed; only for reading. $PLANTLAKE_SAMPLE names one that is there already, for who works at a page."""
    if there := os.environ.get("PLANTLAKE_SAMPLE"):
        return Path(there)
    return made_once("sample", sample_portfolio.refreshed)


@pytest.fixture(scope="module")
def postgres() -> Iterator[postgres_server.Server]:
    """A PostgreSQL server for the tests of a module."""
    if reason := postgres_server.missing():
        pytest.skip(reason)
    server = postgres_server.Server()
    yield server
    server.remove()


@pytest.fixture(scope="module")
def mysql() -> Iterator[mysql_server.Server]:
    """A MySQL server for the tests of a module."""
    if reason := mysql_server.missing():
        pytest.skip(reason)
    server = mysql_server.Server()
    yield server
    server.remove()
