"""Refuses an average of a ratio: `python -m dbt_project.lint`, a part of `make lint`.

A KPI is sum(numerator) / sum(denominator); avg(value), sum(a / b) and their kin weigh a machine of one hour like one of a thousand.
Here: where SQL stands (models and macros, strings of Python, ```sql in pages), and what is refused in it; the same of polars' mean().
Elsewhere: the roll-up rule of each KPI (`kpis.yml`), the law that A x E x Q = OEE at every level (tests).
"""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Iterator
from pathlib import Path

import sqlglot
from sqlglot import exp
from sqlglot.errors import SqlglotError

from dbt_project.catalogue import kpi_ids

ROOT = Path(__file__).resolve().parent.parent
FOLDERS = ("bench", "connectors", "dbt_project", "docs", "examples", "pipelines", "publish", "quality_checks", "transforms")
"""Tests are left out: they compute naive results to show that they differ."""
ALLOWED = {
    "sum_x2 - sum_x * sum_x / n": "rule R7: the squares about the mean of each subgroup, as capability is defined over them",
    "ln(cast(nullif(fp_good": "rule R4: the product of the yields of the steps of one routing, as a sum of logarithms",
}
"""A piece of a call: why it is no average of a ratio."""

AVERAGES = ("avg", "mean", "median", "favg", "quantile_cont", "quantile_disc", "approx_quantile")
CALL = re.compile(rf"\b({'|'.join((*AVERAGES, 'sum'))})\s*\(", re.IGNORECASE)
OF_VALUES = re.compile(r"\bkpi_(value|release|restated)")
"""What has the ratios of many KPIs in one column."""
RATIOS = {*(kpi_id.lower() for kpi_id in kpi_ids() if len(kpi_id) > 1), "availability", "effectiveness", "performance", "quality_ratio"}
VALUES = {"value", "value_low", "value_high", "value_then", "value_now"}


# --- what is refused ----------------------------------------------------------------------------------------------------------------------


def refused(sql: str) -> list[str]:
    """The calls in a text of SQL that average a ratio, as they stand there.

    >>> refused("select plant_id, avg(value) from kpi_value group by 1")
    ['avg(value)']
    >>> refused("select sum(apt_s / pbt_s) from p"), refused("select sum(apt_s) / sum(pbt_s), sum(apt_s / 3600) from p")
    (['sum(apt_s / pbt_s)'], [])
    """
    return [call for _, call in _refused(sql)]


PROSE = re.compile(r"--[^\n]*|\{#.*?#\}|\{%.*?%\}|'(?:[^'\n]|'')*'", re.DOTALL)
"""Comments, statements of Jinja and literals: what stands in them is not computed."""


def _refused(sql: str) -> Iterator[tuple[int, str]]:
    """The same with the line in the text, from 0."""
    text = PROSE.sub(lambda found: "''" if found[0][0] == "'" else "\n" * found[0].count("\n"), re.sub(r"\{\{[^\n]*?\}\}", "_jinja_", sql))
    if not CALL.search(text):
        return
    names = RATIOS | _made_here(text) | (VALUES if OF_VALUES.search(sql) else set())
    yield from ((text[:start].count("\n"), call) for start, call in _calls(text) if _averages(call, names))


def _calls(text: str) -> Iterator[tuple[int, str]]:
    """Every call of an aggregate in a text, whole or a fragment of SQL, with its place."""
    for found in CALL.finditer(text):
        depth = 0
        for place in range(found.end() - 1, len(text)):
            depth += (text[place] == "(") - (text[place] == ")")
            if depth == 0:
                yield found.start(), text[found.start() : place + 1]
                break


def _made_here(text: str) -> set[str]:
    """Columns that the text itself makes by division."""
    try:
        trees = sqlglot.parse(text, dialect="duckdb")
    except SqlglotError:  # a fragment
        return set()
    return {alias.alias.lower() for tree in trees if tree for alias in tree.find_all(exp.Alias) if _is_ratio(alias.this)}


def _averages(call: str, names: set[str]) -> bool:
    try:
        tree = sqlglot.parse_one(call, dialect="duckdb")
    except SqlglotError:
        return "/" in call
    inner = next(iter(tree.iter_expressions()), tree)
    if not call.lower().startswith("sum"):
        return _is_ratio(inner) or any(column.name.lower() in names for column in tree.find_all(exp.Column))
    # A sum of what was multiplied by its weight is a numerator again.
    return any(_is_ratio(part) for part in inner.find_all(exp.Div)) or (isinstance(inner, exp.Column) and inner.name.lower() in names)


def _is_ratio(tree: exp.Expression) -> bool:
    """Whether a value is a quotient of two columns: what is divided by a number only changes its unit."""
    division = tree
    while isinstance(division, exp.Paren | exp.Cast | exp.Round | exp.Coalesce):
        division = division.this
    return isinstance(division, exp.Div) and all(side.find(exp.Column) is not None for side in (division.this, division.expression))


def refused_of_frames(tree: ast.AST, names: set[str]) -> list[tuple[int, str]]:
    """The same of polars: `pl.col("value").mean()`, `(pl.col("a") / pl.col("b")).mean()`, `pl.mean("oee")`; with their lines."""
    found = []
    for call in (node for node in ast.walk(tree) if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)):
        if isinstance(call.func, ast.Attribute) and call.func.attr in ("mean", "median"):
            of = call.args if isinstance(call.func.value, ast.Name) else [call.func.value]
            inside = [node for part in of for node in ast.walk(part)]
            words = {node.value.lower() for node in inside if isinstance(node, ast.Constant) and isinstance(node.value, str)}
            if words & names or (words and any(isinstance(node, ast.BinOp) and isinstance(node.op, ast.Div) for node in inside)):
                found.append((call.lineno, ast.unparse(call)))
    return found


# --- where SQL stands ---------------------------------------------------------------------------------------------------------------------


def problems() -> list[str]:
    """Every average of a ratio in the repository, with its file and line."""
    paths = [ROOT / "README.md", *(path for folder in FOLDERS for path in sorted((ROOT / folder).rglob("*")))]
    return [
        f"{name}:{line}: averages a ratio: {' '.join(call.split())}. Sum both sides and divide last."
        for path in paths
        if path.suffix in (".sql", ".md", ".py") and "target" not in path.parts and path != Path(__file__).resolve()
        for name in [path.relative_to(ROOT).as_posix()]
        for line, call in of_file(name, path.read_text(encoding="utf-8"))
    ]


def of_file(name: str, text: str) -> list[tuple[int, str]]:
    """What is refused in a file, with its line, without what is allowed."""
    found = [(line + below, call) for line, sql in _sql_of(name, text) for below, call in _refused(sql)]
    if name.endswith(".py"):
        found += refused_of_frames(ast.parse(text), RATIOS | (VALUES if OF_VALUES.search(text) else set()))
    return [(line, call) for line, call in found if not any(piece in call for piece in ALLOWED)]


def _sql_of(name: str, text: str) -> Iterator[tuple[int, str]]:
    """The texts of SQL in a file, with the line on which each starts."""
    if name.endswith(".sql"):
        yield 1, text
    elif name.endswith(".md"):
        for block in re.finditer(r"```sql\n(.*?)```", text, re.DOTALL):
            yield text[: block.start(1)].count("\n") + 1, block[1]
    else:
        yield from _strings(ast.parse(text))


def _strings(tree: ast.AST) -> Iterator[tuple[int, str]]:
    """The strings of a module, with a name for what is put into them; docstrings are prose."""
    prose = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    inside = {id(part) for node in ast.walk(tree) if isinstance(node, ast.JoinedStr) for part in node.values}
    for node in ast.walk(tree):
        if id(node) in prose or id(node) in inside:
            continue
        if isinstance(node, ast.JoinedStr):
            yield node.lineno, "".join(str(part.value) if isinstance(part, ast.Constant) else "_put_" for part in node.values)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.lineno, node.value


def main() -> int:
    """Names every average of a ratio; 1 where there is one."""
    found = problems()
    sys.stderr.write("".join(f"{problem}\n" for problem in found))
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
