"""The golden portfolio: the plants of all golden files, refreshed after the first delivery and again after the second."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from importlib import import_module
from pathlib import Path

import pytest
from golden_portfolio import deliver_later, refresh, write
from published import Published

FILES = ("test_golden_ledger", "test_golden_records", "test_golden_comparison", "test_time_model")


def refreshed(root: Path) -> None:
    cases = [case for name in FILES for case in import_module(name).CASES]
    write(root, cases)
    first = refresh(root)
    deliver_later(root, cases)
    second = refresh(root)
    assert [str(problem) for problem in (*first.problems, *second.problems)] == []
    assert (first.release_id, second.release_id) == (1, 2)


@pytest.fixture(scope="session")
def root(made_once: Callable[..., Path]) -> Path:
    """The golden portfolio, refreshed twice."""
    return made_once("golden", refreshed)


@pytest.fixture(scope="session")
def lake(root: Path) -> Iterator[Published]:
    """What the golden portfolio published."""
    with Published(root) as published:
        yield published
