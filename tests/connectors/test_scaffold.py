"""What the scaffold writes works before anybody changes it: a kind and a preset in a copy of the checkout, proven by the suite there."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from connectors.errors import ConfigError
from connectors.presets import preset
from connectors.scaffold import new_kind, new_preset

CHECKOUT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What a kind touches; the rest of the program is the checkout's own."""
    root = tmp_path_factory.mktemp("copy")
    for folder in ("connectors", "docs", "transforms", "dbt_project/seeds"):
        shutil.copytree(CHECKOUT / folder, root / folder, ignore=shutil.ignore_patterns("__pycache__"))
    for file in ("test_connector_conformance.py", "test_presets.py", "sample_files.py"):
        (root / "tests/connectors").mkdir(parents=True, exist_ok=True)
        shutil.copy(CHECKOUT / "tests/connectors" / file, root / "tests/connectors" / file)
    for folder in ("samples/delimited", "presets/sap.afru"):
        shutil.copytree(CHECKOUT / "tests/connectors" / folder, root / "tests/connectors" / folder)
    return root


def test_a_new_kind_and_a_new_preset_pass_the_suite(copy: Path) -> None:
    assert len(new_kind("acme_log", "machines", copy)) == 6
    assert len(new_preset("acme.stops", checkout=copy)) == 3
    paths = {**os.environ, "PYTHONPATH": os.pathsep.join([str(copy), str(CHECKOUT)])}
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "no:xdist", "-k", "acme", "tests/connectors"]
    done = subprocess.run(command, cwd=copy, env=paths, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-1000:]
    assert "8 passed" in done.stdout, done.stdout[-300:]


def test_a_portfolio_gets_its_preset_without_a_sample(tmp_path: Path) -> None:
    (written,) = new_preset("acme.stops", tmp_path)
    assert written == tmp_path / "presets/acme/stops.yaml"
    assert preset("acme.stops", tmp_path).source["kind"] == "delimited"


@pytest.mark.parametrize(
    ("kind", "family", "told"),
    [
        ("Acme", "files", "lower case"),
        ("delimited", "files", "already"),
        ("acme_log", "machine", "no family 'machine'"),
        ("../acme", "files", "lower case"),
    ],
)
def test_what_cannot_be_begun_is_told(kind: str, family: str, told: str) -> None:
    with pytest.raises(ConfigError, match=told):
        new_kind(kind, family)


def test_a_preset_that_is_there_is_not_written_over(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="already"):
        new_preset("sap.afru", tmp_path)
    with pytest.raises(ConfigError, match="<system>"):
        new_preset("acme", tmp_path)
