"""The folder that drafts are made in."""

from __future__ import annotations

from pathlib import Path

import pytest
from drafts import Drafts


@pytest.fixture
def drafts(tmp_path: Path) -> Drafts:
    return Drafts(tmp_path)
