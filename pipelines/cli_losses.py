"""`plantlake losses`: where planned time went, the six big losses, the stops behind them, what is not mapped, and what it is worth.

Here: options, and what is asked of the snapshot. Elsewhere: the sums (`publish.losses`), how they look (`publish.loss_tables`), the words
of a question (`publish.scopes`).
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from connectors.errors import PlantlakeError, Problem, closest
from pipelines.cli_kpi import (
    ByOption,
    ClassOption,
    CompanyOption,
    PlantOption,
    ProfileOption,
    ScopeOption,
    checked_profile,
    only_of,
    write,
)  # fmt: skip
from pipelines.terminal import JsonOption, PortfolioOption, err, lake_at, out, root_of
from pipelines.terminal import as_json as print_json

if TYPE_CHECKING:
    from publish.scopes import Only

RATES = ("AVG", "BUDGET")


def losses(
    by: ByOption = "month",
    plant: PlantOption = None,
    company: CompanyOption = None,
    class_: ClassOption = None,
    scope: ScopeOption = None,
    period: Annotated[
        str | None, typer.Option(help="The period, as 2026-11-05, 2026-11, 2026-W45, 2026-Q4; default: the newest.", show_default=False)
    ] = None,
    top: Annotated[int, typer.Option(min=1, help="So many reasons and unmapped codes.")] = 10,
    rates: Annotated[str, typer.Option(help="Exchange rates: AVG of each month, or BUDGET (constant currency).")] = "AVG",
    profile: ProfileOption = "ISO",
    target: Annotated[
        Path | None, typer.Option("--out", help="Write every step of the waterfall to a .csv or .xlsx file instead.", show_default=False)
    ] = None,
    portfolio: PortfolioOption = None,
    as_json: JsonOption = False,
) -> None:
    """Where planned time went: from calendar time to good time, the six big losses, the stops behind them, and what they are worth.

    The losses sum to planned busy time less good time, and good time is OEE. One scope is shown whole (default: the plant of --plant, else
    the portfolio); of several, as with --by plant, the largest losses of each. Stops that no approved reason explains stand by the plant's
    own code: map those in vocabularies/reason_map.csv next. Money needs vocabularies/economics.csv.
    """  # fmt: skip
    profile, rates = checked_profile(profile), _checked_rates(rates)
    from publish import loss_tables
    from publish.reader import Snapshot

    with Snapshot(lake_at(root_of(portfolio)).snapshot) as reader:
        only = only_of(plant, company, class_, scope, period, period)
        found = loss_tables.ask(reader, _scoped(by, only), only, profile=profile, rates=rates)
    if as_json:
        print_json(found.as_dict())
    elif target is not None:
        write(found.waterfall, target)
        err.print(f"{len(found.waterfall)} steps of {found.period.lower()} {found.start} written to {target}.", highlight=False)
    else:
        for shown in loss_tables.shown(found, top):
            out.print(shown, highlight=False)


def _scoped(by: str, only: Only) -> str:
    """Without a kind of scope: the plants, companies or classes that are asked for, else the portfolio."""
    from publish.scopes import by as words

    if words(by)[0] is not None or only.scopes:
        return by
    kind = "plant" if only.plants else "company" if only.companies else "class" if only.classes else "portfolio"
    return f"{kind},{by}"


def _checked_rates(rates: str) -> str:
    if rates.upper() not in RATES:
        raise PlantlakeError(Problem(f"There are no exchange rates '{rates}'.", found=f"--rates {rates}", closest=closest(rates, RATES),
                                     fix=f"--rates {' or '.join(RATES)}"))  # fmt: skip
    return rates.upper()
