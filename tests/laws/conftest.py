"""Fixtures of the laws. The portfolio of a test and its refresh are those of the tests of pipelines (`small_portfolio`)."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "pipelines"))  # before the tests of this folder are imported

import pytest
from small_portfolio import SmallPortfolio


@pytest.fixture
def portfolio(tmp_path: Path) -> SmallPortfolio:
    """An empty portfolio."""
    return SmallPortfolio(tmp_path / "portfolio")
