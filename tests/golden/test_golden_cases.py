"""What the golden tests are themselves: every case of the specification has one, and none of them calculates with the product."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

HERE = Path(__file__).parent
SPECIFIED = {f"GC{n:02d}" for n in range(1, 48)} - {"GC07", "GC22"} | {"GC07a", "GC07b", "GC22a", "GC22b"}
CALCULATION = {"transforms", "dbt_project", "dbt"}


def names_of_tests(source: str) -> list[str]:
    return [node.name for node in ast.walk(ast.parse(source)) if isinstance(node, ast.FunctionDef) and node.name.startswith("test_")]


def imported(source: str) -> set[str]:
    """Names of the modules that a file imports, by whatever way of writing it."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.ImportFrom):
            found.add(node.module or "")
        elif isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Name | ast.Attribute):
            name = node.func.id if isinstance(node.func, ast.Name) else node.func.attr
            if name in ("import_module", "__import__"):
                found |= {str(argument.value) for argument in node.args if isinstance(argument, ast.Constant)}
    return found


def files() -> set[Path]:
    """The files of this folder and every helper of the tests that they import, directly or not."""
    found, todo = set(), set(HERE.glob("*.py"))
    while todo:
        found |= todo
        names = {name for path in todo for name in imported(path.read_text(encoding="utf-8"))}
        todo = {path for name in names for path in (HERE.parent / f"{name}.py", HERE / f"{name}.py") if path.exists()} - found
    return found


def test_every_case_of_the_specification_has_a_golden_test() -> None:
    names = [name for path in HERE.glob("test_golden_*.py") for name in names_of_tests(path.read_text(encoding="utf-8"))]
    found = {f"GC{number}" for name in names for number in re.findall(r"gc(\d{2}[ab]?)(?=_|$)", name)}
    assert len(SPECIFIED) == 49
    assert found - SPECIFIED == set()
    assert SPECIFIED - found == set()


def test_golden_cases_import_nothing_of_the_calculation() -> None:
    """A case that used the product's own rules would agree with itself."""
    assert {"golden_portfolio.py", "published.py", "conftest.py"} < {path.name for path in files()}
    for path in files():
        assert not {name for name in imported(path.read_text(encoding="utf-8")) if name.split(".")[0] in CALCULATION}, path.name


@pytest.mark.parametrize(
    "line",
    [
        "import transforms.units",
        "from dbt_project.value_sql import x",
        "import dbt.cli.main as m",
        "import_module('transforms')",
        "def f():\n    import dbt",
    ],
)
def test_the_guard_sees_every_way_of_importing(line: str) -> None:
    assert {name.split(".")[0] for name in imported(line)} & CALCULATION
