"""docs/on-call.md, typed: its files are written and its commands run in the order of the page, and print what stands there.

Here: one morning from a broken file to a rollback. Elsewhere: the command line with Dagster and quality checks (`test_cli.py`), which
rows a refresh builds (`tests/dbt`), when a plant is held (`tests/laws`).
"""

from __future__ import annotations

import io
import re
import shlex
import sys
from collections.abc import Iterator
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path

import pytest
from quick_refresh import make_quick
from test_worked_example import FILES

from pipelines.cli import main

PAGE = Path(__file__).resolve().parents[2] / "docs" / "on-call.md"
STEP = re.compile(
    r"^`(?P<name>(?:landing|vocabularies)/[\w./-]+)`\n\n```csv\n(?P<content>.*?)^```|^```console\n(?P<typed>.*?)^```",
    re.DOTALL | re.MULTILINE,
)
PASSING = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d|\d{8}T\d{6}Z|(?<=Calculation )\w+|\b[0-9a-f]{32}\b")
"""What differs from run to run: moments, refresh ids, the hash of the calculation; ids of rejected rows, which hold how the file was read."""


def portfolio(folder: Path) -> Path:
    """The portfolio of docs/add-a-plant.md, and the same with Reno for Tulsa."""
    for name, content in FILES.items():
        is_shared = name.startswith("vocabularies")
        lines = content.splitlines(keepends=True)
        both = content + "".join(lines[1:]).replace("tulsa", "reno")
        for of, text in {
            name: both if is_shared else content,
            name.replace("tulsa", "reno"): both if is_shared else _reno(content),
        }.items():
            path = folder / of
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
    return folder


def _reno(content: str) -> str:
    return content.replace("tulsa", "reno").replace("Tulsa", "Reno")


def typed(command: str) -> tuple[str, int]:
    """What a command prints, and its exit code."""
    said = io.StringIO()
    with pytest.MonkeyPatch.context() as patch, redirect_stdout(said), redirect_stderr(said):
        patch.setattr(sys, "argv", shlex.split(command))
        make_quick(patch)
        with pytest.raises(SystemExit) as ended:
            main()
    return "\n".join(line.rstrip() for line in said.getvalue().strip().splitlines()), int(ended.value.code or 0)


def played(root: Path, text: str) -> Iterator[tuple[str, str, str, int]]:
    """Every command of the page: what is typed, what the page says that it prints, what it prints, its exit code."""
    for step in STEP.finditer(text):
        if step["name"]:
            (root / step["name"]).parent.mkdir(parents=True, exist_ok=True)
            (root / step["name"]).write_text(step["content"], encoding="utf-8")
        for command, expected in re.findall(r"^\$ (.*)\n((?:(?!\$ ).*\n)*)", step["typed"] or "", re.MULTILINE):
            yield command, expected.strip(), *typed(command)


def passing(text: str) -> str:
    return PASSING.sub("...", text)


@pytest.fixture(scope="module")
def morning(tmp_path_factory: pytest.TempPathFactory) -> list[tuple[str, str, str, int]]:
    """The page, typed once."""
    root = portfolio(tmp_path_factory.mktemp("on_call") / "portfolio")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PLANTLAKE_PORTFOLIO", str(root))
        patch.setenv("LOGNAME", "jane")
        return list(played(root, PAGE.read_text(encoding="utf-8")))


def test_every_command_prints_what_the_page_says(morning: list[tuple[str, str, str, int]]) -> None:
    different = [f"$ {command}\n{found}\n\nOn the page:\n{said}" for command, said, found, _ in morning if passing(said) != passing(found)]
    assert not different, "\n\n".join(different)


def test_the_exit_codes_tell_when_somebody_is_needed(morning: list[tuple[str, str, str, int]]) -> None:
    """1 while a plant is held: the refresh that holds it, the status, what changed, and the status after the rollback."""
    needed = [command for command, *_, code in morning if code]
    assert needed == ["plantlake refresh", "plantlake status", "plantlake drift", "plantlake status"]
    assert {code for *_, code in morning} == {0, 1}
