"""The pages name what the code has, and nothing in the repository names a machine's path or a package registry's host."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest
import typer

from connectors.registry import KINDS, connector
from connectors.vocabularies import COLUMNS
from dbt_project import catalogue as kpi_catalogue
from dbt_project import value_sql
from docs import generate
from pipelines import cli, doctor, drift, drift_store, lock, logs, release, scope_sql, silver, upkeep
from publish import parts, snapshot, tables
from quality_checks import store
from transforms.drift import compare, moved, profile, words
from transforms.tables import TABLES

ROOT = Path(__file__).resolve().parents[2]
PAGES = {
    path.relative_to(ROOT).as_posix(): path.read_text(encoding="utf-8")
    for path in [ROOT / "README.md", ROOT / "DECISIONS.md", *sorted((ROOT / "docs").rglob("*.md"))]
}
ALL = "\n".join(PAGES.values())
VERBS = dict(generate.verbs(typer.main.get_command(cli.app), "plantlake"))
CODE = re.compile(r"```.*?```|`[^`\n]+`", re.DOTALL)
"""What stands as code in a page."""


def test_generated_blocks_are_current() -> None:
    assert [path.name for path, text in generate.pages().items() if path.read_text(encoding="utf-8") != text] == []


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_has_a_page_with_its_options(kind: str) -> None:
    page = PAGES[f"docs/connectors/{kind}.md"]
    assert [name for name in connector(kind).Options.model_fields if name not in page] == []


def test_every_table_with_its_inputs_is_named() -> None:
    page = PAGES["docs/plant-file.md"]
    for name, spec in TABLES.items():
        section = page.split(f"### {name}\n")[1].split("\n#")[0]
        assert [column for column in spec.inputs if f"| `{column}` |" not in section] == [], name


def test_every_vocabulary_with_its_columns_is_named() -> None:
    page = PAGES["docs/plant-file.md"]
    for name, columns in COLUMNS.items():
        (line,) = (line for line in page.splitlines() if line.startswith(f"| `vocabularies/{name}.csv`"))
        assert [column for column in columns if f"`{column}`" not in line] == []


def test_every_kpi_is_explained() -> None:
    assert [kpi for kpi in kpi_catalogue.kpi_ids() if f"| {kpi} |" not in PAGES["docs/kpis.md"]] == []


def test_every_status_flag_scope_and_period_is_explained() -> None:
    """Every word in capitals that the view can answer with stands in the page, and so does each that the terminal explains."""
    sql = value_sql.kpi_value_sql(str) + value_sql.unit_scope_sql(str)
    words = {
        *re.findall(r"(?:then|else) '([A-Z][A-Z_0-9]+)'", sql),
        *re.findall(r"'(\w+)' as (?:scope|period)_type", sql),
        *(kpi.about[key] for kpi in kpi_catalogue.catalogue() for key in ("none", "no_data") if key in kpi.about),
        *tables.EXPLAINED,
    }
    assert {"NO_STATES", "PERF_GT_1", "ESTIMATED", "PORTFOLIO", "WEEK"} < words
    assert sorted(word for word in words if not re.search(rf"\b{word}\b", PAGES["docs/kpis.md"])) == []


def test_every_published_table_is_named() -> None:
    names = (
        *snapshot.GOLD,
        "mart_kpi_parts_shift",
        "mart_kpi_unit_shift",
        "mart_kpi_unit_month",
        "kpi_value",
        "export_ledger",
        "quarantine",
        "plant_status",
        "quality_results",
        "drift",
    )
    assert [name for name in names if f"`{name}`" not in PAGES["docs/sql.md"].partition("kpi_value_as_of")[0]] == []


def test_every_change_of_exports_and_what_ends_it_is_explained() -> None:
    page = PAGES["docs/drift.md"]
    told = re.findall(r"`([A-Z_]+)`", "".join(line.split(" | ")[0] for line in page.splitlines() if line.startswith("| `")))
    assert sorted(told) == sorted(compare.WHAT)
    assert [state for state in drift_store.STATES if f"`{state}`" not in page] == []
    assert [name for name in drift_store.DRIFT if f"`{name}`" not in PAGES["docs/sql.md"]] == []
    assert (profile.SAMPLE, drift.KEPT, moved.HISTORY, moved.LARGE, moved.CLOSE, words.SEVERAL) == (
        500,
        20,
        3,
        50,
        0.04,
        3,
    )  # in words there


def test_every_cause_of_the_change_scope_is_explained() -> None:
    """The table in operations.md names every cause that a statement can give, and no other."""
    inserts = re.findall(r"INSERT INTO (?:span|scope_day)\b(.*?);", "".join(map(str, vars(scope_sql).values())), re.DOTALL)
    found = {cause for text in inserts for cause in re.findall(r"'([a-z][a-z ]+)'", text)} - {"was", "now", "month"}
    found |= {statement[4] for statement in (*scope_sql.STATEMENTS, *scope_sql.UNIT_RECORDS)}
    code = (ROOT / "pipelines/scope.py").read_text(encoding="utf-8")
    found |= {
        cause for cause in ("first build", "code", "asked", "history of silver is gone") if f'{cause}"' in code or f"'{cause}'" in code
    }
    table = PAGES["docs/operations.md"].partition("| what changed | cause |")[2].partition("\n\n")[0]
    told = re.findall(r"^\| [^|]* \| (`[^|]+`) \|", table, re.MULTILINE)
    assert {cause for cell in told for cause in re.findall(r"`([^`]+)`", cell)} == found
    assert len(found) == 33


def test_what_is_kept_how_long_is_what_the_code_keeps() -> None:
    page = " ".join(PAGES["docs/operations.md"].split())
    kept = {
        f"Delta's log | {silver._CONFIGURATION['delta.logRetentionDuration'].removeprefix('interval ')}",
        f"a checkpoint every {silver._CONFIGURATION['delta.checkpointInterval']} commits",
        f"from {upkeep.SMALL >> 20} MB", f"| `logs` | {logs.KEPT} refreshes, {upkeep.LOGS_KEPT.days} days",
        f"| `quality` | {store.KEPT} refreshes", f"closed rows of the change scope | {release.KEPT_SCOPE.split()[1]} days",
        f"beats every {lock.HEARTBEAT_S:.0f} s", f"not heard of for {lock.STALE_S:.0f} s",
    }  # fmt: skip
    assert sorted(text for text in kept if text not in page) == []
    assert (snapshot.KEPT_RELEASES, parts.KEPT_S, doctor.LATE_UPKEEP.days) == (3, 86_400, 14)  # in words on the page


@pytest.mark.parametrize("verb", VERBS)
def test_every_verb_and_option_is_named_and_explains_itself(verb: str) -> None:
    page = PAGES["docs/operations.md"]
    section = page.split(f"### {verb}\n")[1].split("\n#")[0]
    assert VERBS[verb].help
    assert [
        option for parameter in VERBS[verb].params for option in parameter.opts if option[0] == "-" and f"`{option}`" not in section
    ] == []
    prose = page.split("<!-- commands:start -->")[0] + "".join(text for name, text in PAGES.items() if name != "docs/operations.md")
    assert verb in prose, f"{verb} stands in the list of commands only: no page says what it is for"


def test_no_page_names_a_verb_that_does_not_exist() -> None:
    known = {verb.split()[1] for verb in VERBS}
    named = {
        (page, word)
        for page, text in PAGES.items()
        for code in CODE.findall(text)
        for word in re.findall(r"\bplantlake ([a-z]+(?:-[a-z]+)*)", code)
    }
    assert sorted(item for item in named if item[1] not in known) == []


def test_every_page_can_be_reached_from_the_index() -> None:
    reached, waiting = set(), [ROOT / "docs/index.md"]
    while waiting:
        page = waiting.pop()
        if page in reached or page.suffix != ".md":
            continue
        reached.add(page)
        waiting += [(page.parent / target).resolve() for target in re.findall(r"\]\(([^)#:]+)\)", page.read_text(encoding="utf-8"))]
    assert sorted(name for name in PAGES if name.startswith("docs/") and ROOT / name not in reached) == []


def test_links_between_pages_resolve() -> None:
    broken = [
        (page, target)
        for page, text in PAGES.items()
        for target in re.findall(r"\]\(([^)#:]+)\)", text)
        if not (ROOT / page).parent.joinpath(target).exists()
    ]
    assert broken == []


def test_files_and_folders_that_pages_name_exist() -> None:
    """`connectors/models.py` in a page is a file of the repository."""
    folders = "connectors|transforms|pipelines|publish|quality_checks|dbt_project|tests|examples|docs"
    missing = [
        (page, name)
        for page, text in PAGES.items()
        for name in re.findall(rf"`((?:{folders})/[\w./-]+?)/?`", text)
        if not (ROOT / name).exists() and not list(ROOT.glob(f"{name}*"))
    ]
    assert missing == []


def test_no_path_of_a_machine_and_no_registry_host() -> None:
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=False).stdout.split("\0")
    host = "pypi" + ".org", "files.python" + "hosted.org", "registry.npm" + "js.org"
    place = "/" + "work/", "/root" + "/"
    found = [
        (name, word)
        for name in filter(None, listed)
        if (ROOT / name).is_file() and b"\0" not in (content := (ROOT / name).read_bytes())
        for word in (*host, *place)
        if word.encode() in content
    ]
    assert found == []
