"""What all verbs of the command line share: the terminal, tables, options, where the portfolio and its lake are.

Elsewhere: the verbs (`pipelines.cli`, `pipelines.cli_release`, `pipelines.cli_quarantine`).
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console

from connectors.errors import Problem

if TYPE_CHECKING:
    import polars as pl

    from pipelines.lake import Lake

WIDE = None if sys.stdout.isatty() else 200
out = Console(width=WIDE)
err = Console(stderr=True, width=None if sys.stderr.isatty() else 200)

PortfolioOption = Annotated[
    Path | None,
    typer.Option("--portfolio", "-p", help="The portfolio folder; else $PLANTLAKE_PORTFOLIO, else ./portfolio.", show_default=False),
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON for machines.")]


def say(problems: list[Problem]) -> None:
    """Problems as blocks on standard error."""
    for problem in problems:
        where, *lines = str(problem).splitlines()
        err.print(where, style="bold red" if problem.where else None, highlight=False, soft_wrap=True, markup=False)
        for line in lines:
            err.print(line, highlight=False, soft_wrap=True, markup=False)
        err.print()


def root_of(portfolio: Path | None) -> Path:
    """The portfolio folder that a verb is about."""
    from connectors.portfolio import find

    return find(portfolio)


def lake_at(root: Path) -> Lake:
    """The lake of a portfolio folder."""
    from connectors.portfolio import lake_of
    from pipelines.lake import Lake

    return Lake(lake_of(root))


def counted(number: int, word: str) -> str:
    """A number and its noun.

    >>> counted(1, "export"), counted(1200, "export")
    ('1 export', '1,200 exports')
    """
    return f"{number:,} {word}{'' if number == 1 else 's'}"


def show(part: Any) -> None:
    """A line or a table of an answer; lines that begin at the margin with a letter open a section."""
    if isinstance(part, str):
        out.print(part, highlight=False, soft_wrap=True, markup=False, style="bold" if part[:1].isalpha() else None)
    else:
        out.print(part)


def as_json(value: Any) -> None:
    """A value for machines, on standard output."""
    sys.stdout.write(json.dumps(value, default=str, indent=2) + "\n")


def table(frame: pl.DataFrame, title: str | None = None) -> None:
    """A frame as a table on standard output."""
    from rich.table import Table

    shown = Table(title=title, title_justify="left", header_style="bold", box=None, pad_edge=False)
    for name, dtype in frame.schema.items():
        shown.add_column(name, justify="right" if dtype.is_numeric() else "left", overflow="fold")
    for row in frame.rows():
        shown.add_row(*(_cell(value) for value in row))
    out.print(shown)


def _cell(value: Any) -> str:
    if value is None:
        return "-"
    if isinstance(value, float):
        return f"{value:,.4f}".rstrip("0").rstrip(".")
    if isinstance(value, list):
        return " ".join(map(str, value))
    return value.strftime("%Y-%m-%d %H:%M") if hasattr(value, "hour") else str(value)
