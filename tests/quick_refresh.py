"""`plantlake` in a test's own process without Dagster's run and without Great Expectations: 12 s of CPU less a refresh.

Elsewhere: the command line with both (`tests/pipelines/test_cli.py`, `test_refresh.py`, and applying in `test_preview.py`).
"""

from __future__ import annotations

from typing import Any

import pytest

from pipelines import preview
from pipelines import run as runs
from pipelines.lock import writer_lock


def without_dagster(job: Any, todo: Any, *, wait_s: float = 0) -> None:
    """The refresh itself, under its lock."""
    with writer_lock(job.lake, wait_s) as lock:
        job.checked = lock.check
        job.run(todo, quality=False)


def make_quick(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(runs, "run", without_dagster)
    patch.setattr(preview, "_refresh", lambda job, todo: job.run(todo, quality=False))
    patch.setattr("pipelines.refresh.Refresh.prepare", lambda _: None)
