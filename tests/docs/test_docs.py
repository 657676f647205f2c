"""The pages name what the code has, and nothing in the repository names a machine's path or a package registry's host."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest
import typer

from connectors.registry import KINDS, connector
from connectors.vocabularies import COLUMNS
from dbt_project import generate
from docs import generate as plant_file
from pipelines import cli
from publish import snapshot
from transforms.tables import TABLES

ROOT = Path(__file__).resolve().parents[2]
PAGES = {
    path.relative_to(ROOT).as_posix(): path.read_text(encoding="utf-8") for path in [ROOT / "README.md", *(ROOT / "docs").rglob("*.md")]
}
ALL = "\n".join(PAGES.values())


def test_the_plant_file_reference_is_current() -> None:
    assert plant_file.PAGE.read_text(encoding="utf-8") == plant_file.page()


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_has_a_page_with_its_options(kind: str) -> None:
    page = PAGES[f"docs/connectors/{kind}.md"]
    assert [name for name in connector(kind).Options.model_fields if f"`{name}`" not in page and name not in page] == []


def test_every_table_and_vocabulary_is_named() -> None:
    assert [name for name in (*TABLES, *COLUMNS) if name not in ALL] == []


def test_every_kpi_is_explained() -> None:
    assert [kpi for kpi in generate.kpi_ids() if f"| {kpi} |" not in PAGES["docs/kpis.md"]] == []


def test_every_published_table_is_named() -> None:
    names = (*snapshot.GOLD, *snapshot.SILVER, "kpi_value", "export_ledger", "quarantine", "plant_status", "quality_results")
    assert [name for name in names if f"`{name}`" not in PAGES["docs/sql.md"]] == []


def test_every_verb_is_named_and_explains_itself() -> None:
    group = typer.main.get_command(cli.app)
    for name, command in group.commands.items():  # type: ignore[attr-defined]
        assert f"plantlake {name}" in ALL, name
        assert command.help, name


def test_links_between_pages_resolve() -> None:
    broken = [
        (page, target)
        for page, text in PAGES.items()
        for target in re.findall(r"\]\(([^)#:]+)\)", text)
        if not (ROOT / page).parent.joinpath(target).exists()
    ]
    assert broken == []


def test_no_path_of_a_machine_and_no_registry_host() -> None:
    tracked = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=False).stdout.split()
    host = "pypi" + ".org", "files.python" + "hosted.org", "registry.npm" + "js.org"
    place = "/" + "work/", "/root" + "/"
    found = [
        (name, word)
        for name in tracked
        if (ROOT / name).is_file() and (ROOT / name).suffix not in {".xlsx", ".xlsb", ".parquet", ".gz", ".zst"}
        for word in (*host, *place)
        if word in (ROOT / name).read_text(encoding="utf-8", errors="ignore")
    ]
    assert found == []
