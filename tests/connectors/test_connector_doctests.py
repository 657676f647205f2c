"""The worked examples in the docstrings of discovery and the file kinds are true."""

from __future__ import annotations

import doctest
from importlib import import_module

import pytest


@pytest.mark.parametrize("module", ["connectors.discovery", "connectors.kinds.files.lines", "connectors.kinds.files.excel"])
def test_examples(module: str) -> None:
    found = doctest.testmod(import_module(module))
    assert found.attempted > 0
    assert found.failed == 0
