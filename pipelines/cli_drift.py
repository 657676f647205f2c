"""`plantlake drift`: what changed in the exports, the edit of the plant file that it asks for, and accepting it.

Here: options and texts. Elsewhere: finding changes (`pipelines.drift`, `transforms.drift`), where they are kept (`pipelines.drift_store`).
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from connectors.errors import ConfigError, Problem, listed
from pipelines.terminal import JsonOption, PortfolioOption, as_json, counted, err, lake_at, out, root_of

if TYPE_CHECKING:
    from pipelines.drift_store import DriftStore, Found
    from pipelines.lake import Lake

app = typer.Typer(
    help="What changed in the exports of a source, and the edit that it asks for.", rich_markup_mode=None, add_completion=False
)
PlantOption = Annotated[list[str] | None, typer.Option("--plant", help="Only this plant (repeatable).", show_default=False)]


@app.callback(invoke_without_command=True)
def drift(
    context: typer.Context,
    plant: PlantOption = None,
    source: Annotated[str | None, typer.Option("--source", help="Only this source.", show_default=False)] = None,
    every: Annotated[bool, typer.Option("--all", help="Also what is only noted, and what was settled.")] = False,
    portfolio: PortfolioOption = None,
    json: JsonOption = False,
) -> None:
    """What changed in the exports: columns that came, went or are called otherwise, other types, units, scales, zones, words.

    Each change has its numbers and, where one mends it, the edit of the plant file. It waits until the plant file is edited, an export is
    as before, or somebody accepts it. Exit code 1 while one waits.
    """
    if context.invoked_subcommand:
        return
    with _store(portfolio) as store:
        found = [row for row in store.all() if (not plant or row.plant_id in plant) and source in (None, row.source_system)]
    is_open = [row for row in found if row.state == "OPEN"]
    shown = found if every else is_open
    if json:
        as_json([as_dict(row) for row in shown])
    else:
        for row in shown:
            for line in lines(row):
                out.print(line, highlight=False, soft_wrap=True, markup=False)
            out.print()
        others = len(found) - len(is_open)
        more = f"; {counted(others, 'other')} noted or settled (--all)" if others and not every else ""
        err.print(f"{counted(len(is_open), 'change')} of exports waiting for somebody{more}.", highlight=False)
    raise typer.Exit(1 if is_open else 0)


@app.command()
def accept(
    ids: Annotated[list[int], typer.Argument(help="Ids of changes, as `plantlake drift` shows them.")],
    note: Annotated[str | None, typer.Option(help="Why, for the next reader.", show_default=False)] = None,
    wait: Annotated[float, typer.Option(help="Seconds to wait for a refresh to end.")] = 0,
    portfolio: PortfolioOption = None,
    json: JsonOption = False,
) -> None:
    """Ends changes that are meant and need no edit: they are not told again, and later exports are held against those from then on."""
    from pipelines.lock import user, writer_lock

    lake = lake_at(root_of(portfolio))
    with writer_lock(lake, wait), _store(portfolio) as store:
        known = {row.finding_id: row for row in store.all() if row.state == "OPEN"}
        if unknown := [number for number in ids if number not in known]:
            told = f"No change {listed([str(number) for number in unknown])} is waiting."
            there = listed([str(number) for number in known], 30) or "none"
            raise ConfigError(Problem(told, found=f"waiting: {there}", fix="plantlake drift"))
        with store.transaction():
            for number in ids:
                store.end(number, "ACCEPTED", datetime.now(UTC).replace(microsecond=0), user(), note)
    if json:
        as_json([{"id": number, "state": "ACCEPTED"} for number in ids])
    else:
        err.print(f"Accepted: {listed([known[number].message for number in ids], 20)}", highlight=False, soft_wrap=True, markup=False)


def lines(found: Found) -> list[str]:
    """A change as people read it."""
    ended = "" if found.state in ("OPEN", "NOTED") else f" {found.state} by {found.closed_by}" + (f" ({found.note})" if found.note else "")
    loaded = "The file was loaded." if found.is_loaded else "The file was not loaded, or not into every table."
    since = "" if found.exports == 1 else f" Seen in {counted(found.exports, 'export')}, last in {found.last_export}."
    told = [
        f"{found.where}", f"  {found.finding_id} {found.what}: {found.message}{ended}",
        f"  Was: {found.before or '-'}      Is: {found.now or '-'}", f"  {loaded}{since}",
    ]  # fmt: skip
    if found.edit:
        told += [f"  Edit: {found.edit_path}", *(f"      {line}" for line in found.edit.splitlines())]
    return told + ([f"  {found.advice[:1].upper()}{found.advice[1:]}."] if found.advice else [])


def as_dict(found: Found) -> dict[str, Any]:
    """A change for machines."""
    names = ("finding_id", "plant_id", "source_system", "records", "export", "column_name", "what", "message", "before", "now", "edit_path",
             "edit", "advice", "is_loaded", "state", "found_at", "last_export", "exports", "closed_at", "closed_by", "note")  # fmt: skip
    return {name: getattr(found, name) for name in names}


def told(found: Sequence[Found], open_: Sequence[Found]) -> list[str]:
    """Lines below the outcome of a refresh: what is new and needs somebody, and how much there is besides."""
    urgent = [row for row in found if row.state == "OPEN"]
    unsaid = [row for row in urgent if row.is_loaded or row.what not in ("DROPPED", "RENAMED")]  # the error of the file says those
    shown = [f"{row.where}: {row.message} (plantlake drift: {row.finding_id})" for row in unsaid[:20]]
    noted = len(found) - len(urgent)
    more = [f"{counted(noted, 'change')} of exports noted: plantlake drift --all"] if noted else []
    return shown + more + ([waits(open_)] if open_ else [])


def waits(found: Sequence[Found]) -> str:
    """How much waits, in a line."""
    plants = listed(sorted({row.plant_id for row in found}))
    return f"{counted(len(found), 'change')} of exports waiting for somebody ({plants}): plantlake drift"


def waiting(lake: Lake) -> list[Found]:
    """Changes that wait in a lake; none where no refresh has looked."""
    from pipelines.drift_store import DriftStore

    if not lake.drift.exists():
        return []
    with DriftStore(lake.drift) as store:
        return store.open()


def _store(portfolio: Path | None) -> DriftStore:
    from pipelines.drift_store import DriftStore

    path = lake_at(root_of(portfolio)).drift
    if not path.exists():
        raise ConfigError(Problem("No refresh has looked at the exports yet.", found=f"no {path.name}", fix="plantlake refresh"))
    return DriftStore(path)
