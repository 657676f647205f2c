"""`plantlake quarantine list/show/replay`: rejected records, and again once their cause is mended.

Here: arguments and what is printed. Elsewhere: the records and what a replay has to do (`pipelines.quarantine`), the refresh that a
replay is (`pipelines.cli_refresh`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from pipelines.terminal import JsonOption, PortfolioOption, counted, err, lake_at, out, root_of, say
from pipelines.terminal import as_json as print_json
from pipelines.terminal import table as table_of

if TYPE_CHECKING:
    from pipelines import quarantine

app = typer.Typer(
    help="Rejected records: how many and why (list), as delivered (show), and again once a mapping or vocabulary is mended (replay).",
    no_args_is_help=True, rich_markup_mode=None,
)  # fmt: skip

PlantOption = Annotated[list[str] | None, typer.Option("--plant", help="Only this plant (repeatable).", show_default=False)]
SourceOption = Annotated[str | None, typer.Option(help="Only this source of the plant files.", show_default=False)]
TableOption = Annotated[str | None, typer.Option(help="Only this table, such as production_count.", show_default=False)]
RuleOption = Annotated[str | None, typer.Option(help="Only this rule, such as UNKNOWN_UNIT.", show_default=False)]
AllOption = Annotated[bool, typer.Option("--all", help="Also records that were accepted since.")]


@app.command("list")
def list_(
    plant: PlantOption = None,
    source: SourceOption = None,
    table: TableOption = None,
    rule: RuleOption = None,
    everything: AllOption = False,
    portfolio: PortfolioOption = None,
    as_json: JsonOption = False,
) -> None:
    """How many records wait in quarantine, by plant, source, table and rule, most first, each with an example.

    A record that breaks a rule is never dropped and never guessed at: it waits here as delivered and is in no KPI. Mend the cause
    (the mapping in plants/ID.yaml, a vocabulary), then `plantlake quarantine replay`. When the plant delivers the record again and
    right, nothing has to be done: the good one counts.
    """
    from pipelines import quarantine

    wanted = quarantine.Wanted(plant or (), source, table, rule, everything)
    found = quarantine.summary(lake_at(root_of(portfolio)), wanted)
    if as_json:
        print_json(found.to_dicts())
        return
    if found.is_empty():
        err.print("Nothing is in quarantine" + (" for this choice." if _is_chosen(wanted) else "."), highlight=False)
        return
    table_of(found if everything else found.drop("resolved"))
    waits = int(found["rows"].sum())
    err.print(
        f"{counted(waits, 'record')} in quarantine. The records: plantlake quarantine show. Mended? plantlake quarantine replay",
        highlight=False,
        soft_wrap=True,
    )


@app.command()
def show(
    ids: Annotated[list[str] | None, typer.Argument(help="Ids, or how they start; default: all.", show_default=False)] = None,
    plant: PlantOption = None,
    source: SourceOption = None,
    table: TableOption = None,
    rule: RuleOption = None,
    everything: AllOption = False,
    limit: Annotated[int, typer.Option(help="At most so many records, newest first.", min=1)] = 20,
    portfolio: PortfolioOption = None,
    as_json: JsonOption = False,
) -> None:
    """The rejected records themselves: id, file, record number (from 1), the rule, why, and the record as it was delivered."""
    from pipelines import quarantine

    wanted = quarantine.Wanted(plant or (), source, table, rule, everything)
    found = quarantine.records(lake_at(root_of(portfolio)), wanted, limit + 1, ids or ())
    shown = found.head(limit)
    if as_json:
        print_json(shown.to_dicts())
        return
    for row in shown.iter_rows(named=True):
        where = " · ".join(str(row[name]) for name in ("plant_id", "source_system", "table_name", "source_object"))
        out.print(f"{where} · record {row['row_number']}", style="bold", highlight=False, soft_wrap=True, markup=False)
        since = f"rejected {row['rejected_at']:%Y-%m-%d %H:%M}" + (
            f", resolved {row['resolved_at']:%Y-%m-%d %H:%M}" if row["resolved_at"] else ""
        )
        why = (
            row["detail"]
            if str(row["detail"]).startswith(row["rule"])
            else f"{row['rule']}: {row['detail']}"
            if row["detail"]
            else row["rule"]
        )
        for line in (why, f"{row['quarantine_id']}   {since} UTC", str(row["raw_row"])):
            out.print(f"  {line}", highlight=False, soft_wrap=True, markup=False)
    if len(found) > limit:
        err.print(f"There are more; --limit {limit * 10} shows more of them.", highlight=False)
    elif found.is_empty():
        err.print("Nothing is in quarantine for this choice.", highlight=False)


@app.command()
def replay(
    plant: PlantOption = None,
    source: SourceOption = None,
    table: TableOption = None,
    wait: Annotated[float, typer.Option(help="Seconds to wait for another refresh to end.")] = 0,
    portfolio: PortfolioOption = None,
    as_json: JsonOption = False,
) -> None:
    """Makes every table with waiting records again from bronze, by today's mapping and vocabularies; the plant is asked for nothing.

    It is a refresh of those plants: gates, change scope and release follow as always. Records that are accepted now stay in
    quarantine with the time at which they were resolved. Exit code 1 when some still wait.
    """
    from connectors.portfolio import plant_ids, read
    from pipelines import quarantine
    from pipelines.cli_refresh import refresh
    from pipelines.refresh import Request

    root = root_of(portfolio)
    lake = lake_at(root)
    waiting = quarantine.waiting(lake, plant or None, source, table)
    named = tuple(sorted(set(waiting) & set(plant_ids(root))))
    pairs, problems = quarantine.mapped(waiting, read(root, named))
    before = quarantine.open_ids(lake, pairs)
    code = 0
    if pairs:
        code = refresh(root, Request(tuple(pairs), replay=pairs), retry_lock_s=wait, as_json=False)
    done = quarantine.replayed(lake, before)
    if as_json:
        print_json({"resolved": done.resolved, "remaining": done.remaining.to_dicts(), "problems": [str(problem) for problem in problems]})
    else:
        say(problems)
        _told(done, nothing=not pairs)
    raise typer.Exit(code or (1 if done.remain or problems else 0))


def _told(done: quarantine.Replayed, *, nothing: bool) -> None:
    if nothing:
        err.print("Nothing to replay: no record waits that a plant file maps.", highlight=False)
        return
    err.print(f"{done.resolved:,} records resolved, {done.remain:,} still wait.", highlight=False)
    if done.remain:
        table_of(done.remaining)


def _is_chosen(wanted: quarantine.Wanted) -> bool:
    return bool(wanted.plants or wanted.source or wanted.table or wanted.rule)
