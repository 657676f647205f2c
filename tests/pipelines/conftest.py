"""Fixtures of the tests of pipelines."""

from __future__ import annotations

from pathlib import Path

import pytest
from small_portfolio import SmallPortfolio


@pytest.fixture
def portfolio(tmp_path: Path) -> SmallPortfolio:
    """An empty portfolio."""
    return SmallPortfolio(tmp_path / "portfolio")


@pytest.fixture(scope="module")
def module_portfolio(tmp_path_factory: pytest.TempPathFactory) -> SmallPortfolio:
    """An empty portfolio that the tests of a module share."""
    return SmallPortfolio(tmp_path_factory.mktemp("shared") / "portfolio")
