"""What a kind finds of a file itself, for whoever asks why today's export is another file than yesterday's.

Here: encodings, delimiters, sheets, and bytes that are none. Elsewhere: what is made of it (`tests/transforms/test_drift_compare.py`).
"""

from __future__ import annotations

from pathlib import Path

import pytest
import xlsxwriter
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from connectors.contract import FileConnector
from connectors.registry import connector


def layout(kind: str, path: Path) -> dict[str, str]:
    found = connector(kind)
    assert isinstance(found, FileConnector)
    return found.layout(path, found.Options())


@pytest.mark.parametrize(
    ("content", "found"),
    [
        (b"a;b\n1;2\n", {"encoding": "ascii", "delimiter": ";"}),
        ("Gerät,b\n1,2\n".encode(), {"encoding": "utf-8", "delimiter": ","}),
        ("Gerät\tb\n1\t2\n".encode("cp1252"), {"encoding": "cp1252", "delimiter": "tab"}),
        ("a;b\n1;2\n".encode("utf-16"), {"encoding": "utf-16", "delimiter": ";"}),
        (b"one column\n1\n", {"encoding": "ascii"}),
        (b"PK\x03\x04\x00\x00\x07", {}),
    ],
)
def test_a_text_has_an_encoding_and_a_delimiter(tmp_path: Path, content: bytes, found: dict[str, str]) -> None:
    (tmp_path / "x.csv").write_bytes(content)
    assert layout("delimited", tmp_path / "x.csv") == found


def test_a_workbook_has_sheets(tmp_path: Path) -> None:
    with xlsxwriter.Workbook(tmp_path / "x.xlsx") as book:
        for name in ("Export", "Help"):
            book.add_worksheet(name)
    assert layout("excel", tmp_path / "x.xlsx") == {"sheets": "Export\nHelp"}


@given(content=st.binary(max_size=200))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@pytest.mark.parametrize("kind", ["delimited", "excel"])
def test_whatever_the_bytes_are_it_never_fails(tmp_path: Path, kind: str, content: bytes) -> None:
    (tmp_path / "x").write_bytes(content)
    layout(kind, tmp_path / "x")
