"""The worked examples in the docstrings of discovery and the file kinds are true."""

from __future__ import annotations

import doctest
from importlib import import_module

import pytest


@pytest.mark.parametrize(
    "module",
    [
        "connectors.discovery",
        "connectors.quality",
        "connectors.kinds.files.lines",
        "connectors.kinds.files.excel",
        "connectors.kinds.files.json_values",
        "connectors.kinds.files.json_rows",
        "connectors.kinds.files.json_stream",
        "connectors.kinds.historians.pi_web_api",
        "connectors.kinds.erp.sap_odata",
    ],
)
def test_examples(module: str) -> None:
    found = doctest.testmod(import_module(module))
    assert found.attempted > 0
    assert found.failed == 0
