"""The trial of docs/add-a-plant.md, typed: the portfolio of the page is written, and the command prints what stands there."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from test_on_call import typed
from test_worked_example import ADD, written

from pipelines import trial

(COMMAND, EXPECTED), *OTHERS = re.findall(r"^```console\n\$ (plantlake plant try [^\n]*)\n(.*?)^```", ADD, re.DOTALL | re.MULTILINE)


def test_the_trial_prints_what_the_page_says(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without Great Expectations, which holds nothing here (`tests/pipelines/test_trial.py` has it)."""
    monkeypatch.setattr(trial._Attempt, "_judged", lambda *_: {})
    monkeypatch.setenv("PLANTLAKE_PORTFOLIO", str(written(tmp_path / "portfolio")))
    said, code = typed(COMMAND)
    assert said == EXPECTED.rstrip()
    assert (code, OTHERS) == (1, [])
