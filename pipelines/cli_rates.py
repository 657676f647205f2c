"""`plantlake rates`: what units have demonstrated, beside the ideal rates in force, and freezing it for a quarter.

Here: options, the table, what stands under it. Elsewhere: which hours count and what is written (`pipelines.demonstrated`).
"""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

from connectors.errors import ConfigError, listed
from pipelines.terminal import JsonOption, PortfolioOption, as_json, counted, err, lake_at, out, root_of

if TYPE_CHECKING:
    from rich.table import Table

    from pipelines.demonstrated import Demonstrated, Found


def rates(
    quarter: Annotated[
        str | None, typer.Option(help="The quarter to freeze for, as 2026-Q4; default: that of the newest data.", show_default=False)
    ] = None,
    plant: Annotated[list[str] | None, typer.Option("--plant", help="Only this plant (repeatable).", show_default=False)] = None,
    write: Annotated[bool, typer.Option("--write", help="Freeze: write the rates to vocabularies/demonstrated_rates.csv.")] = False,
    again: Annotated[bool, typer.Option("--again", help="Also plants whose quarter is frozen already: today's rates instead.")] = False,
    portfolio: PortfolioOption = None,
    as_json_: JsonOption = False,
) -> None:
    """Best demonstrated rates of each unit and product, from the hours of the twelve months before a quarter, beside the rates in force.

    Nothing changes before --write: frozen rates are lines of a vocabulary, to be reviewed like any other; the next refresh uses them, from
    the quarter's first day until a later quarter is frozen.
    """
    from connectors.portfolio import read
    from pipelines import demonstrated

    root = root_of(portfolio)
    known = read(root, tuple(plant or ()))
    if wrong := [problem for problem in known.problems if f"{demonstrated.NAME}.csv" in (problem.export or "")]:
        raise ConfigError(wrong)  # lines that cannot be read would be lost
    found = demonstrated.find(known, lake_at(root), quarter, again=again)
    written = None
    if write:
        plants = [name for name in known.plants if name not in found.too_early and (again or name not in found.frozen)]
        written = demonstrated.freeze(root, found, plants)
    if as_json_:
        as_json({**asdict(found), "written": written and {"path": str(written[0]), "lines": written[1]}})
        return
    _show(found)
    if written:
        lines = counted(written[1], "line")
        err.print(f"{lines} for {found.quarter} written to {written[0]}. `plantlake refresh` uses them.", highlight=False)
    elif any(rate.action in ("FREEZE", "END") for rate in found.rates):
        err.print("Nothing is written yet: --write freezes them.", highlight=False)


def _show(found: Found) -> None:
    shown = [rate for rate in found.rates if rate.action != "NONE"]
    if shown:
        out.print(_table(shown))
    for line in _notes(found):
        out.print(line, highlight=False, soft_wrap=True)


def _table(rates: list[Demonstrated]) -> Table:
    from rich.table import Table

    table = Table(header_style="bold", box=None, pad_edge=False)
    has_tool = any(rate.tool for rate in rates)
    for title in ("plant", "equipment", "product", *(["tool"] if has_tool else [])):
        table.add_column(title, overflow="fold")
    for title in ("hours", "pieces/h", "demonstrated", "frozen before", "engineered", "ERP standard", "in force", "OEE x"):
        table.add_column(title, justify="right", no_wrap=True)
    table.add_column("", no_wrap=True)
    for rate in rates:
        change = rate.pri_s and rate.frozen_before_s and f" ({100 * (rate.pri_s / rate.frozen_before_s - 1):+.1f} %)"
        table.add_row(
            rate.plant, rate.equipment, rate.material or "-", *([rate.tool or "-"] if has_tool else []), f"{rate.hours:,}",
            "-" if rate.pieces_per_hour is None else f"{rate.pieces_per_hour:,.6g}", f"{_seconds(rate.pri_s)}{change or ''}",
            _seconds(rate.frozen_before_s), _seconds(rate.engineered_s), _seconds(rate.erp_standard_s),
            f"{_seconds(rate.in_force_s)} {rate.in_force_basis or ''}".rstrip(), "-" if rate.factor is None else f"{rate.factor:.3f}",
            rate.action,
        )  # fmt: skip
    return table


def _seconds(value: float | None) -> str:
    return "-" if value is None else f"{value:,.5g} s"


def _notes(found: Found) -> list[str]:
    """Of what the rates are made, why others have none, who is too early, and what beat its rate."""
    from pipelines.demonstrated import LEAST_HOURS, QUANTILE

    lines = [
        "",
        f"Demonstrated before {found.quarter}: quantile {QUANTILE:g} of the pieces of hours from {found.window_from} to {found.window_to}"
        f" with 55 min of run time and 95 % good, {LEAST_HOURS} such hours at least. OEE x: what OEE and E of the quarter become by it;"
        " below 1 the unit beat the rate in force.",
    ]
    reasons = Counter((rate.why or "", rate.plant) for rate in found.rates if rate.action in ("NONE", "END"))
    for why in dict.fromkeys(why for why, _ in reasons):
        plants = [f"{plant} {number}" for (of, plant), number in reasons.items() if of == why]
        lines.append(f"No demonstrated rate: {why}: {listed(plants, 8)} (units and products).")
    for plant, told in found.too_early.items():
        goes = f"its data goes to {told:%Y-%m-%d %H:%M} UTC" if told else "it has no data"
        lines.append(f"{plant} is not frozen for {found.quarter} yet: {goes}, so the twelve months before it are not complete.")
    if stated := [f"{rate.plant} {rate.equipment} {rate.material}" for rate in found.rates if rate.action == "STATED"]:
        elsewhere = "a master or ideal_rates.csv states a BEST_DEMONSTRATED rate"
        lines.append(f"STATED: {elsewhere}, which goes before: {listed(stated, 4)}. Take it out to freeze.")
    for review in found.reviews:
        lines.append(
            f"Review: {review.plant} {review.equipment} {review.material}: E {100 * review.e:.1f} % in {review.month:%Y-%m}"
            f" on {review.basis} {_seconds(review.pri_s)}."
        )
    if found.frozen:
        lines.append(f"Frozen for {found.quarter} already: {listed(sorted(found.frozen), 8)}. --again computes them anew.")
    return lines
