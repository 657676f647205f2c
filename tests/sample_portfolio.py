"""The sample portfolio of `plantlake demo`, refreshed: made once in a run of the tests, for whoever only reads it.

Elsewhere: what it holds (`examples.sample`), that its numbers are right (`tests/sample/test_truth.py`).
"""

from __future__ import annotations

from pathlib import Path

from golden_portfolio import refresh

from examples.sample import write_portfolio
from pipelines import upkeep


def refreshed(root: Path) -> None:
    write_portfolio(root)
    assert refresh(root).problems == []
    upkeep.close_dbt()
