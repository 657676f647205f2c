"""The worked examples in the docstrings of discovery and the file kinds are true."""

from __future__ import annotations

import doctest
from importlib import import_module

import pytest

MODULES = (
    "connectors.discovery", "connectors.strict", "connectors.kinds.files.lines", "connectors.kinds.files.excel", "connectors.kinds.documents.xml_text",
    "connectors.kinds.files.record_frames", "connectors.kinds.documents.b2mml", "connectors.kinds.machines.mtconnect", "connectors.quality",
    "connectors.kinds.files.json_values", "connectors.kinds.files.json_rows", "connectors.kinds.files.json_stream",
    "connectors.kinds.historians.pi_web_api", "connectors.kinds.historians.samples", "connectors.kinds.historians.influx_lines", "connectors.kinds.historians.aveva_historian", "connectors.kinds.historians.pi_csv",
    "connectors.kinds.erp.sap_odata",
)  # fmt: skip


@pytest.mark.parametrize("module", MODULES)
def test_examples(module: str) -> None:
    found = doctest.testmod(import_module(module))
    assert found.attempted > 0
    assert found.failed == 0
