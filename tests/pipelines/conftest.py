"""Fixtures of the tests of pipelines."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from small_portfolio import SmallPortfolio

from pipelines import upkeep


@pytest.fixture
def portfolio(tmp_path: Path) -> SmallPortfolio:
    """An empty portfolio."""
    return SmallPortfolio(tmp_path / "portfolio")


@pytest.fixture(scope="module")
def module_portfolio(tmp_path_factory: pytest.TempPathFactory) -> SmallPortfolio:
    """An empty portfolio that the tests of a module share."""
    return SmallPortfolio(tmp_path_factory.mktemp("shared") / "portfolio")


@pytest.fixture
def good(made_once: Callable[..., Path], tmp_path: Path) -> SmallPortfolio:
    """Plant a after its first refresh; a copy of the test's own."""

    def refreshed(root: Path) -> None:
        SmallPortfolio(root).good("a").refresh()
        upkeep.close_dbt()

    return SmallPortfolio(made_once("good", refreshed)).copy(tmp_path / "good")
