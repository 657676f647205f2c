"""`plantlake kpi` and `plantlake restated`: the KPI table, rankings, trends, and what was said before.

Here: options, and which table or file answers. Elsewhere: the values (`publish.reader`, `publish.ranking`), what changed since a
release (`publish.restated`), how it looks (`publish.tables`).
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from connectors.errors import PlantlakeError, Problem, closest
from pipelines.terminal import JsonOption, PortfolioOption, counted, err, lake_at, out, root_of
from pipelines.terminal import as_json as print_json

if TYPE_CHECKING:
    from datetime import datetime

    import polars as pl

    from publish.reader import Snapshot
    from publish.scopes import Only

BY = "month"
"""By plant, or what --scope is."""
ByOption = Annotated[
    str,
    typer.Option(
        help="One scope (equipment, line, area, plant, class, company, portfolio) and one period (shift, day, week, month, quarter).",
        show_default="plant,month",
    ),
]
ProfileOption = Annotated[str, typer.Option(help="ISO, or TPM (micro-stops count as performance loss).")]
PlantOption = Annotated[
    list[str] | None, typer.Option("--plant", help="Only this plant and what is in it (repeatable).", show_default=False)
]
CompanyOption = Annotated[
    list[str] | None, typer.Option("--company", help="Only this company and its plants (repeatable).", show_default=False)
]
ClassOption = Annotated[list[str] | None, typer.Option("--class", help="Only this equipment class (repeatable).", show_default=False)]
ScopeOption = Annotated[
    list[str] | None, typer.Option("--scope", help="Only this scope, by its id or name (repeatable).", show_default=False)
]


@dataclass(frozen=True, slots=True)
class Look:
    """How values are ordered and shown."""

    sort: str | None = None
    desc: bool = False
    rank: str | None = None
    trend: bool = False


def kpi(
    names: Annotated[list[str] | None, typer.Argument(help="KPIs such as OEE A Q; default: the headline ones.", show_default=False)] = None,
    by: ByOption = BY,
    plant: PlantOption = None,
    company: CompanyOption = None,
    class_: ClassOption = None,
    scope: ScopeOption = None,
    since: Annotated[
        str | None, typer.Option("--from", help="First day on which a period begins, as 2026-11-05, 2026-11, 2026-Q4.", show_default=False)
    ] = None,
    until: Annotated[
        str | None, typer.Option("--to", help="Last day on which a period begins; 2026-11 is its end.", show_default=False)
    ] = None,
    last: Annotated[int | None, typer.Option(min=1, help="Only the newest periods.", show_default=False)] = None,
    sort: Annotated[str | None, typer.Option(help="Order by a KPI, by name or by period.", show_default=False)] = None,
    desc: Annotated[bool, typer.Option("--desc", help="Largest, last or newest first.")] = False,
    rank: Annotated[
        str | None,
        typer.Option(
            help="Rank by this KPI, best first: the newest period, without what is grade D or not computable.", show_default=False
        ),
    ] = None,
    trend: Annotated[bool, typer.Option("--trend", help="One line a scope and KPI: its course over the periods.")] = False,
    profile: ProfileOption = "ISO",
    as_of: Annotated[
        str | None, typer.Option(help="What was published then: a release, a day (its end) or a time (UTC).", show_default=False)
    ] = None,
    target: Annotated[
        Path | None, typer.Option("--out", help="Write all columns to a .csv or .xlsx file instead.", show_default=False)
    ] = None,
    list_: Annotated[bool, typer.Option("--list", help="Print the catalogue: every KPI with its unit, formula and trend.")] = False,
    portfolio: PortfolioOption = None,
    as_json: JsonOption = False,
) -> None:
    """The KPI table, with the period before, coverage and grade; as-of and missing plants stand under it.

    Filters, ranking and trend hold for the table, for --json and for --out alike.
    """  # fmt: skip
    checked_profile(profile)
    if list_:
        _print_catalogue(names or [], profile, as_json=as_json)
        return
    look = Look(sort, desc, rank, trend)
    _check(look, names or [])
    from publish.reader import Snapshot
    from publish.scopes import release_at

    with Snapshot(lake_at(root_of(portfolio)).snapshot) as reader:
        only = only_of(plant, company, class_, scope, since, until)
        moment = None if as_of is None else release_at(reader, as_of)
        if not (target or as_json):
            show(reader, names or [], by, profile, last, only, moment, look)
            return
        frame = _found(reader, names or [], by, profile, last, only, moment, look)
    if as_json:
        print_json(frame.to_dicts())
    elif target is not None:
        write(frame, target)
        then = f" as of release {moment[0]}" if moment else ""
        err.print(f"{len(frame)} values{then} written to {target}.", highlight=False)


def show(
    reader: Snapshot, names: list[str], by: str, profile: str, last: int | None,
    only: Only | None = None, moment: tuple[int, datetime] | None = None, look: Look = Look(),
) -> None:  # fmt: skip
    """Prints the table of a question with what has to stand under it."""
    from publish import tables

    frame = _found(reader, names, by, profile, last, only, moment, look)
    notes = None
    if look.rank is not None:
        shown, notes = tables.rank_table(frame) if len(frame) else None, tables.rank_notes(frame)
    else:
        shown = tables.trend_table(frame) if look.trend else tables.kpi_table(frame)
    if shown is not None:
        out.print(shown)
    for line in tables.footnotes(reader, frame, moment, notes):
        out.print(line, highlight=False)


def _found(
    reader: Snapshot, names: list[str], by: str, profile: str, last: int | None,
    only: Only | None, moment: tuple[int, datetime] | None, look: Look,
) -> pl.DataFrame:  # fmt: skip
    """The values that a question asks for, in its order."""
    from publish import ranking, tables
    from publish.reader import HEADLINE
    from publish.scopes import Only

    sort = _sort(reader, look.sort)
    wanted = [look.rank] if look.rank is not None else names
    if sort is not None and sort not in ("name", "period", *map(str.upper, wanted or HEADLINE)):
        wanted = [*(wanted or HEADLINE), sort]
    if look.trend and last is None:
        last = tables.TREND_PERIODS
    frame = reader.kpis(wanted, by, profile, last, only=only or Only(), as_of=moment[0] if moment else None)
    if look.rank is not None:
        trend = frame["trend"][0] if len(frame) else "HIGHER"
        return ranking.ranked(frame, trend)
    return tables.ordered(frame, sort, desc=look.desc)


def _sort(reader: Snapshot, word: str | None) -> str | None:
    if word is None or word.lower() in ("name", "period"):
        return word and word.lower()
    known = reader.kpi_ids()
    if word.upper() not in known:
        near = closest(word, [*known, "name", "period"])
        raise PlantlakeError(
            Problem(
                f"There is no KPI '{word}' to sort by.",
                found=f"--sort {word}",
                closest=near,
                fix="--sort OEE, --sort name or --sort period",
            )
        )
    return word.upper()


def _check(look: Look, names: list[str]) -> None:
    """Raises PlantlakeError for options that ask for two tables at once."""
    if look.rank is None:
        if look.trend and (look.sort or look.desc):
            raise PlantlakeError(
                Problem("A trend has one line a scope, in the order of their names.", found="--trend and --sort or --desc")
            )
        return
    others = [word for word, given in (("--trend", look.trend), ("--sort", look.sort), ("--desc", look.desc)) if given]
    others += [name for name in names if name.upper() != look.rank.upper()]
    if others:
        raise PlantlakeError(Problem("A ranking is by one KPI, best first.", found=f"--rank {look.rank} and {', '.join(others)}",
                                     fix=f"plantlake kpi --rank {look.rank}"))  # fmt: skip


def checked_profile(profile: str) -> str:
    """Raises PlantlakeError for a profile that the catalogue does not have."""
    from dbt_project.catalogue import PROFILES

    if profile.upper() not in PROFILES:
        raise PlantlakeError(Problem(f"There is no profile '{profile}'.", found=profile, closest=closest(profile, PROFILES),
                                     fix=f"--profile {' or '.join(PROFILES)}"))  # fmt: skip
    return profile.upper()


def only_of(
    plants: list[str] | None, companies: list[str] | None, classes: list[str] | None, scopes: list[str] | None,
    since: str | None, until: str | None,
) -> Only:  # fmt: skip
    """What the options leave in."""
    from publish.scopes import Only, days

    first = days(since, "--from")[0] if since else None
    return Only(plants or (), companies or (), classes or (), scopes or (), first, days(until, "--to")[1] if until else None)


def _print_catalogue(names: list[str], profile: str, *, as_json: bool) -> None:
    """The KPIs of a profile as the catalogue defines them; of the names that are given."""
    from rich.table import Table

    from dbt_project.catalogue import published

    known = {
        kpi["id"]: {**kpi, "formula": found["formula"]}
        for kpi in published()["kpis"]
        for found in kpi["profiles"]
        if found["profile"] == profile.upper()
    }
    if unknown := [name for name in names if name.upper() not in known]:
        raise PlantlakeError(
            Problem(f"There is no KPI '{name}'.", closest=closest(name, known), fix="plantlake kpi --list") for name in unknown
        )
    columns = ("name", "unit", "formula", "trend")
    rows = [
        {"kpi_id": kpi_id, **{column: about[column] for column in columns}}
        for kpi_id, about in known.items()
        if not names or kpi_id in map(str.upper, names)
    ]
    if as_json:
        print_json(rows)
        return
    table = Table(header_style="bold", box=None, pad_edge=False)
    for title in ("KPI", *columns):
        table.add_column(title, overflow="fold")
    for row in rows:
        table.add_row(*row.values())
    out.print(table)


def write(frame: pl.DataFrame, target: Path) -> None:
    """Writes a frame to a file: every column, lists as words."""
    import polars as pl
    from polars import selectors

    flat = frame.with_columns(pl.col(pl.List(pl.String)).list.join(" "))
    if target.suffix == ".csv":
        flat.write_csv(target)
    elif target.suffix == ".xlsx":
        # a worksheet knows no time zones
        flat.with_columns(selectors.datetime().dt.replace_time_zone(None)).write_excel(target, worksheet="kpi", autofit=True)
    else:
        raise PlantlakeError(Problem(f"'{target.suffix}' is no known ending.", found=str(target), fix="--out NAME.csv or --out NAME.xlsx"))


def restated(
    since: Annotated[
        str | None,
        typer.Option(
            help="What was said then: a release, a day (its end) or a time (UTC); default: before the newest release.", show_default=False
        ),
    ] = None,
    closed: Annotated[bool, typer.Option("--closed", help="Compare with what months were closed with instead.")] = False,
    plant: PlantOption = None,
    kpi: Annotated[
        list[str] | None, typer.Option("--kpi", help="Only this KPI (repeatable); default: the headline ones.", show_default=False)
    ] = None,
    by: ByOption = BY,
    period: Annotated[
        str | None, typer.Option(help="Only periods that begin in it, as 2026-11-05, 2026-11, 2026-W45, 2026-Q4.", show_default=False)
    ] = None,
    profile: ProfileOption = "ISO",
    portfolio: PortfolioOption = None,
    as_json: JsonOption = False,
) -> None:
    """What was said and is not said any more: values then and today, and the releases, causes and exports that moved them.

    Periods that nobody had spoken of then are news and no restatement.
    """  # fmt: skip
    profile = checked_profile(profile)
    from publish import restated as comparing
    from publish import tables
    from publish.reader import HEADLINE, Snapshot
    from publish.scopes import Only, days

    if closed and since:
        raise PlantlakeError(Problem("A closed month is compared with what it was closed with.", found=f"--closed and --since {since}"))
    with Snapshot(lake_at(root_of(portfolio)).snapshot) as reader:
        then = None if closed else _then(reader, since)
        if nothing := _nothing_before(reader, closed=closed, then=then):
            print_json([]) if as_json else out.print(nothing, highlight=False)
            return
        scope, of, ids = reader.asked(by, Only(plants=plant or ()))
        if closed and of != "MONTH":
            raise PlantlakeError(Problem("What is closed is a month.", found=f"--closed and --by {by}", fix=f"--by {scope.lower()},month"))
        span = {"days": days(period, "--period")} if period else {}
        wanted = reader.known_kpis(kpi or []) or list(HEADLINE)
        frame = comparing.restated(reader, then[0] if then else None, wanted, scope, of, ids=ids, profile=profile, **span)
    if as_json:
        print_json(frame.to_dicts())
        return
    told = f"since release {then[0]} of {then[1]:%Y-%m-%d %H:%M} UTC" if then else "since the month was closed"
    if frame.is_empty():
        out.print(f"No value has changed {told}.", highlight=False)
        return
    out.print(tables.restated_table(frame, f"release {then[0]}" if then else "closed"))
    for line in [*tables.restated_notes(frame), f"{counted(len(frame), 'value')} changed {told}."]:
        out.print(line, highlight=False, soft_wrap=True)


def _then(reader: Snapshot, since: str | None) -> tuple[int, datetime] | None:
    """The release to compare with; None where there is none before the newest."""
    from publish.scopes import release_at

    if since is not None:
        return release_at(reader, since, "--since")
    found = reader.rows("SELECT release_id, released_at FROM release ORDER BY release_id DESC LIMIT 1 OFFSET 1")
    return (found[0][0], found[0][1]) if found else None


def _nothing_before(reader: Snapshot, *, closed: bool, then: tuple[int, datetime] | None) -> str | None:
    """Why there is nothing to compare with."""
    if closed:
        return None if reader.has("kpi_release") else "No month is closed yet: `plantlake release close 2026-01` closes one."
    return None if then else "There is one release: nothing was said before it."
