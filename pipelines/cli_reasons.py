"""`plantlake reasons`: stops that nobody can explain yet, what they may mean, and saying so.

Here: the verbs and their tables. Elsewhere: the work (`pipelines.reasons`).
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from connectors.errors import ConfigError, Problem, closest, listed
from pipelines.terminal import JsonOption, PortfolioOption, counted, err, lake_at, out, root_of, table
from pipelines.terminal import as_json as print_json

if TYPE_CHECKING:
    from pipelines.reasons import Waiting

app = typer.Typer(help="Reasons of stops: codes that nobody mapped, suggestions, and their approval.", no_args_is_help=True)
PlantOption = Annotated[list[str] | None, typer.Option("--plant", help="Only this plant (repeatable).", show_default=False)]


@app.command("list")
def reasons_list(
    plant: PlantOption = None,
    top: Annotated[int, typer.Option(min=1, help="So many codes.")] = 20,
    portfolio: PortfolioOption = None,
    as_json: JsonOption = False,
) -> None:
    """The Pareto of stops without an approved reason: minutes of planned time by the plant's code, and what each may mean."""
    found = _found(root_of(portfolio), plant)
    if as_json:
        print_json([{name: getattr(item, name) for name in item.__slots__} for item in found])
        return
    if not found:
        out.print("Every coded stop has an approved reason.", highlight=False)
        return
    import polars as pl

    minutes = sum(item.minutes for item in found)
    rows, sum_so_far = [], 0.0
    for item in found[:top]:
        sum_so_far += item.minutes
        sure = f" ({item.sure} %)" if item.sure else ""
        rows.append({
            "plant": item.plant, "source": item.source, "code": item.code, "minutes": round(item.minutes, 1), "stops": item.stops,
            "together": f"{sum_so_far / minutes:.0%}" if minutes else "-", "state": item.state,
            "reason": f"{item.reason_code}{sure}" if item.reason_code else "-",
        })  # fmt: skip
    table(pl.DataFrame(rows))
    rest = f", {len(found) - top} more are not shown (--top)" if len(found) > top else ""
    err.print(f"\n{counted(len(found), 'code')} without an approved reason{rest}.", highlight=False)
    err.print(
        "Write the suggestions: plantlake reasons suggest. Approve: plantlake reasons approve PLANT CODE ... [--as REASON]", highlight=False
    )


@app.command("suggest")
def reasons_suggest(plant: PlantOption = None, portfolio: PortfolioOption = None) -> None:
    """Writes what the texts of codes suggest (six languages) to vocabularies/reason_map.csv, without approval: nothing counts yet."""
    from pipelines import reasons

    root = root_of(portfolio)
    found = _found(root, plant)
    added = reasons.suggest(root, found)
    unknown = sum(1 for item in found if item.state == "unmapped" and not item.reason_code)
    out.print(f"{counted(added, 'suggestion')} written to vocabularies/reason_map.csv; {unknown} code(s) suggest nothing.", highlight=False)
    err.print("Read them, then: plantlake reasons approve PLANT CODE ... (or --all), and plantlake refresh", highlight=False)


@app.command("approve")
def reasons_approve(
    plant: Annotated[str, typer.Argument(help="The plant.")],
    codes: Annotated[list[str] | None, typer.Argument(help="Its codes, as delivered.", show_default=False)] = None,
    reason: Annotated[
        str | None, typer.Option("--as", help="The portfolio's reason, where it is another than suggested, or none is.")
    ] = None,
    everything: Annotated[bool, typer.Option("--all", help="All suggestions of the plant.")] = False,
    by: Annotated[str | None, typer.Option(help="Who approves; default: you.", show_default=False)] = None,
    portfolio: PortfolioOption = None,
) -> None:
    """Approves what codes mean. They count from the next refresh on, also for the past."""
    from connectors.vocabularies import reason_codes
    from pipelines import reasons
    from pipelines.lock import user

    root = root_of(portfolio)
    if reason and reason not in reason_codes():
        near = closest(reason, reason_codes())
        raise ConfigError(Problem(f"There is no reason '{reason}'.", found=listed(sorted(reason_codes()), 60), closest=near))
    waiting = reasons.suggested(root, plant)
    wanted = waiting if everything else list(codes or ())
    if not wanted:
        raise ConfigError(
            Problem(f"No code of {plant} is named.", found=listed(waiting) or "no suggestion waits", fix="name codes, or --all")
        )
    done = reasons.approve(root, plant, wanted, by or user(), reason)
    if lost := [code for code in wanted if code not in done]:
        near = closest(lost[0], waiting)
        fix = f"plantlake reasons approve {plant} {lost[0]} --as <reason>"
        raise ConfigError(Problem(f"'{lost[0]}' of {plant} has no line in reason_map.csv.", found=listed(waiting), closest=near, fix=fix))
    out.print(f"{counted(len(done), 'reason')} approved. They count from the next refresh on: plantlake refresh", highlight=False)


def _found(root: Path, plants: list[str] | None) -> list[Waiting]:
    from pipelines import reasons
    from publish.reader import Snapshot

    with Snapshot(lake_at(root).snapshot) as reader:
        return reasons.waiting(reader, reasons.read_words(root), plants or ())
