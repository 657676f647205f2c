"""The fixture that writes small files for the tests of connectors; the builders are in `sample_files`."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from sample_files import compressed


@pytest.fixture
def make(tmp_path: Path) -> Callable[..., Path]:
    """make(text, name=..., encoding=..., compress=..., cut=n) writes a file of one test; line ends are kept as given."""

    def write(content: str | bytes, name: str = "export.csv", encoding: str = "utf-8", compress: str = "", cut: int = 0) -> Path:
        data = content.encode(encoding) if isinstance(content, str) else content
        data = compressed(data, compress) if compress else data
        path = tmp_path / name
        path.write_bytes(data[: len(data) - cut])
        return path

    return write
