"""`plantlake export`: the published tables in a file or a folder that can be taken elsewhere.

Here: the verb. Elsewhere: writing (`publish.export`).
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from connectors.errors import ConfigError, Problem, closest, listed
from pipelines.terminal import PortfolioOption, err, lake_at, out, root_of

FORMATS = ("duckdb", "parquet", "delta")


def export(
    target: Annotated[Path, typer.Argument(help="A file for duckdb, a folder for parquet and delta; an earlier export is replaced.")],
    form: Annotated[
        str | None,
        typer.Option(
            "--format", help="duckdb, parquet or delta; default: duckdb for a name that ends so, else parquet.", show_default=False
        ),
    ] = None,
    table: Annotated[list[str] | None, typer.Option("--table", help="Only this table (repeatable).", show_default=False)] = None,
    period: Annotated[
        list[str] | None,
        typer.Option("--period", help="Of kpi_value, in parquet and delta, only this kind of period (repeatable).", show_default=False),
    ] = None,
    portfolio: PortfolioOption = None,
) -> None:
    """Writes the published tables to a file or a folder of their own, with what every column means; whole or not at all."""
    from publish import export as exports
    from publish.reader import Snapshot
    from publish.scopes import PERIODS

    chosen = (form or ("duckdb" if target.suffix == ".duckdb" else "parquet")).lower()
    _known("format", [chosen], FORMATS)
    periods = [word.upper() for word in period or ()]
    _known("kind of period", periods, tuple(PERIODS.values()))
    if chosen == "duckdb" and (periods or table):
        fix = "leave out --table and --period, or --format parquet"
        raise ConfigError(Problem("A file of DuckDB holds every table: its values are computed from all of them.", fix=fix))
    lake = lake_at(root_of(portfolio))
    Snapshot(lake.snapshot).close()  # tells when nothing is published yet
    with err.status("Exporting ...") as status:
        done = exports.write(lake, target, chosen, lambda what: status.update(f"Exporting {what}"), table or (), periods)  # type: ignore[arg-type]
    out.print(f"{target}: {done.tables} tables, {done.rows:,} rows, {done.size / 1e6:,.1f} MB.", highlight=False, soft_wrap=True)


def _known(what: str, words: list[str], choices: tuple[str, ...]) -> None:
    for word in words:
        if word not in choices:
            near = closest(word, choices)
            raise ConfigError(Problem(f"There is no {what} '{word}'.", found=listed(list(choices)), closest=near))
