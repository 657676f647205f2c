"""`plantlake plant try`: how a trial of a plant file looks in the terminal.

Here: options, the sections of the answer from the exports to the KPIs, the exit code. Elsewhere: the trial (`pipelines.trial`), tables of
KPI values (`publish.tables`).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from decimal import Decimal
from textwrap import wrap
from typing import TYPE_CHECKING, Annotated, Any
from zoneinfo import ZoneInfo

import typer

from pipelines.terminal import JsonOption, PortfolioOption, counted, err, root_of, say, show
from pipelines.terminal import as_json as print_json

if TYPE_CHECKING:
    from pipelines.trial import Trial
    from pipelines.trial_exports import Account, Rejected, Tried
    from pipelines.trial_kpis import Machine, Verdict
    from pipelines.trial_words import Conversion

LISTED = 10
"""Words, materials and gaps that are listed at most; --json has all of them."""
LINE = 130
"""Characters of a line of KPIs."""
WIDE = 24
"""Characters of a cell of the first rows."""


def plant_try(
    id: Annotated[str, typer.Argument(help="The plant: the name of its file in plants/ without .yaml.")],
    files: Annotated[
        int | None, typer.Option(min=1, help="The newest N exports of each source, whatever their size.", show_default=False)
    ] = None,
    everything: Annotated[bool, typer.Option("--all", help="All exports of every source.")] = False,
    rows: Annotated[int, typer.Option(min=0, help="First rows of each table and of each kind of rejection.")] = 3,
    portfolio: PortfolioOption = None,
    as_json: JsonOption = False,
) -> None:
    """Tries a plant file on the plant's exports before any refresh: what is accepted and rejected, words nobody mapped, units, gaps, KPIs.

    It is the refresh itself in a temporary folder that is removed afterwards: nothing is written into the portfolio, no lake has to be
    there, and a refresh that runs meanwhile is not disturbed. Of each source the newest exports are taken, 31 or 16 MB at most; what is
    left out is said. Exit code 1 when something has to be mended: a line of a vocabulary, a pattern that finds no file, an export that
    cannot be read or does not fit its mapping, rejected records, a quality check that would hold the plant, KPIs that cannot be built;
    2 when the plant file itself cannot be used. What is only missing (reasons, ideal rates, tables that are not mapped) is no fault.
    """
    from pipelines.trial import try_plant
    from pipelines.trial_exports import Bound

    bound = Bound(None, None) if everything else Bound(files, None) if files else Bound()
    root = root_of(portfolio)
    with err.status(f"Trying {id} ...") as status:
        trial = try_plant(root, id, bound, rows=rows, tell=lambda text: status.update(text[:110]))
    if as_json:
        print_json(trial.as_dict())
    else:
        for shown in told(trial):
            show(shown)
        say(trial.problems)
    for line in trial.to_fix:
        err.print(f"To mend: {line}", highlight=False, soft_wrap=True, markup=False)
    err.print("Nothing was written.", highlight=False)
    raise typer.Exit(1 if trial.to_fix else 0)


def told(trial: Trial) -> Iterable[Any]:
    """The answer as lines and tables, from the exports to the KPIs. Lines that begin at the margin open a section."""
    yield from _sources(trial)
    yield from _tables(trial)
    yield from _rejected(trial.rejected)
    yield from _words(trial)
    yield from _units(trial.units)
    yield from _machines(trial)
    yield from _kpis(trial)
    yield from _verdicts(trial.verdicts)


def _table(titles: Sequence[str], right: Iterable[str], rows: Iterable[Sequence[str]]) -> Any:
    from rich.table import Table
    from rich.text import Text

    table = Table(header_style="bold", box=None, pad_edge=False)
    table.add_column("", no_wrap=True)
    for title in titles:
        table.add_column(title, justify="right" if title in right else "left", overflow="fold")
    for row in rows:
        table.add_row("", *(Text(cell) for cell in row))
    return table


# --- exports and records ----------------------------------------------------------------------------------------------------------------


def _sources(trial: Trial) -> Iterator[Any]:
    from pipelines.disk import size_text

    zone = ZoneInfo(trial.timezone)
    yield f"Exports of {trial.plant} ({trial.name}); times are local, {trial.timezone}"
    titles = ("source", "taken", "size", "newest export", "its stamp", "newest record", "behind")
    yield _table(titles, ("taken", "size", "behind"), (_source(source, zone) for source in trial.sources))
    for source in trial.sources:
        if source.left_out:
            older = f"{counted(source.left_out, 'older export')} ({size_text(source.left_out_bytes)})"
            yield f"  {source.source}: {older} left out; --files {source.taken + source.left_out} or --all takes them"
        if source.behind_s is not None and source.behind_s < 0:
            yield f"  {source.source}: records are later than their export ({source.stamp_of}); is the time zone right?"
    if trial.kpis_from:
        yield f"  Timeline and KPIs begin on {trial.kpis_from}: before that day some source was left out."


def _source(source: Tried, zone: ZoneInfo) -> Sequence[str]:
    from pipelines.disk import size_text

    stamp = f"{_moment(source.stamp, zone)} ({source.stamp_of})" if source.stamp else "-"
    return (
        source.source, f"{source.taken} of {source.taken + source.left_out}", size_text(source.taken_bytes), source.newest or "-", stamp,
        _moment(source.newest_record, zone), "-" if source.behind_s is None else _span(source.behind_s),
    )  # fmt: skip


def _tables(trial: Trial) -> Iterator[Any]:
    zone = ZoneInfo(trial.timezone)
    yield "Records"
    numbers = ("exports", "read", "accepted", "rejected", "repeated", "left out")
    titles = ("source", "table", *numbers, "from", "to")
    yield _table(titles, numbers, (_account(account, zone) for account in trial.tables))
    for account in trial.tables:
        if account.first_rows:
            yield f"  First rows of {account.source} · {account.table} (times in UTC)"
            names = list(account.first_rows[0])
            yield _table(names, (), ([_cell(row[name]) for name in names] for row in account.first_rows))


def _account(account: Account, zone: ZoneInfo) -> Sequence[str]:
    filtered = ", ".join(f"{count:,} {name}" for name, count in account.filtered_by.items())
    exports = f"{account.exports}" + (f" (+{account.failed} failed)" if account.failed else "")
    counts = (f"{number:,}" for number in (account.read, account.accepted, account.rejected, account.repeated))
    moments = (account.data_from, account.data_to)
    ends = (f"{moment:%Y-%m-%d}" if account.is_of_days and moment else _moment(moment, zone) for moment in moments)
    return account.source, account.table, exports, *counts, filtered or "0", *ends


def _rejected(groups: Sequence[Rejected]) -> Iterator[str]:
    if not groups:
        return
    yield "Rejected"
    for group in groups:
        yield f"  {group.source} · {group.table} · {group.rule}: {counted(group.records, 'record')}"
        for line in group.first:
            place = f"{line.place}, record {line.row}" if line.place != f"record {line.row}" else line.place
            yield f"    {line.export} {place}: {line.detail}"
            yield f"      {line.text}"


# --- words and units ----------------------------------------------------------------------------------------------------------------------


def _words(trial: Trial) -> Iterator[Any]:
    if trial.states:
        yield "State words that the map does not know, longest first"
        rows = ((w.source, w.word, _span(w.seconds), f"{w.events:,}", w.becomes) for w in trial.states[:LISTED])
        yield _table(("source", "word", "time", "events", "its records"), ("time", "events"), rows)
        yield from _more(trial.states)
    if trial.reasons:
        yield "Reason codes without an approved line in vocabularies/reason_map.csv, longest first (planned time)"
        codes = ((r.source, r.code, _span(r.seconds), f"{r.stops:,}", r.suggested or "-") for r in trial.reasons[:LISTED])
        yield _table(("source", "code", "time", "stops", "waits for approval as"), ("time", "stops"), codes)
        yield from _more(trial.reasons)
    if trial.materials:
        yield "Materials without an ideal rate, most pieces first"
        made = (
            (m.material or "(none named)", f"{m.pieces:,.6g}", _span(m.seconds) if m.seconds else "-", ", ".join(m.machines))
            for m in trial.materials[:LISTED]
        )
        yield _table(("material", "pieces", "run time", "machines"), ("pieces", "run time"), made)
        yield from _more(trial.materials)


def _more(items: Sequence[Any]) -> Iterator[str]:
    if len(items) > LISTED:
        yield f"  and {len(items) - LISTED} more (--json lists all)"


def _units(found: Sequence[Conversion]) -> Iterator[Any]:
    converted = [item for item in found if item.is_converted]
    unstated: dict[tuple[str, str, str], list[str]] = {}
    for item in found:
        if not item.is_stated:
            unstated.setdefault((item.source, item.table, item.unit), []).append(item.column)
    if converted or unstated:
        yield "Units"
    if converted:
        titles = ("source", "table", "column", "from", "unit", "to", "factor", "example")
        yield _table(titles, ("factor",), (_conversion(item) for item in converted))
    for (source, table, unit), columns in unstated.items():
        yield f"  {source} · {table}: no unit is stated for {', '.join(columns)}; read as {unit}"


def _conversion(item: Conversion) -> Sequence[str]:
    factor = f"{item.factor:.10g}{' / number' if item.is_inverted else ''}"
    example = f"{item.before} → {item.after:.10g}"
    return item.source, item.table, item.column, item.from_column, item.unit, item.to_unit, factor, example


# --- timeline and KPIs --------------------------------------------------------------------------------------------------------------------


def _machines(trial: Trial) -> Iterator[Any]:
    if not trial.machines:
        return
    zone = ZoneInfo(trial.timezone)
    yield "Timeline of each machine: who owns the time, and planned time of which nothing is told"
    shares = ("by events", "by plan", "by rule", "unknown", "plan known", "gaps")
    titles = ("machine", "states", "from", "to", *shares, "longest gap")
    yield _table(titles, shares, (_machine(machine, zone) for machine in trial.machines))


def _machine(machine: Machine, zone: ZoneInfo) -> Sequence[str]:
    shares = (machine.owned_by_events, machine.owned_by_plan, machine.by_rule, machine.unknown, machine.known_of_plan)
    longest = machine.gaps[0] if machine.gaps else None
    gap = f"{_span(longest.seconds)} from {_moment(longest.start, zone)}" if longest else "-"
    name = machine.equipment if machine.name == machine.equipment else f"{machine.equipment} {machine.name}"
    ends = (_moment(moment, zone) for moment in (machine.start, machine.end))
    return name, machine.state_method, *ends, *(_percent(share) for share in shares), str(machine.gap_count), gap


def _kpis(trial: Trial) -> Iterator[Any]:
    from publish.tables import MARKED, kpi_table

    if trial.kpis.is_empty():
        return
    yield "KPIs by month, of these exports"
    yield kpi_table(trial.kpis)
    yield f"  In brackets: points against the month before.  {MARKED}"


def _verdicts(verdicts: Sequence[Verdict]) -> Iterator[str]:
    groups = {answer: [v for v in verdicts if v.verdict == answer] for answer in ("COMPUTABLE", "NO_CASE", "BLOCKED")}
    yield f"Verdict: {len(groups['COMPUTABLE'])} of {len(verdicts)} KPIs are computable"
    for line in wrap("  ".join(_computable(verdict) for verdict in groups["COMPUTABLE"]), LINE):
        yield f"  {line}"
    for (because, _), own in _grouped(groups["NO_CASE"]):
        yield f"  No case yet, {because}: {' '.join(v.kpi_id for v in own)}"
    if groups["BLOCKED"]:
        yield f"Blocked: {len(groups['BLOCKED'])}"
    for (because, fix), own in _grouped(groups["BLOCKED"]):
        for line in wrap(f"{' '.join(v.kpi_id for v in own)}: {because}", LINE):
            yield f"  {line}"
        for number, line in enumerate(wrap(fix or _lacking(own), LINE)):
            yield f"    {' ' if number else '→'} {line}"


def _lacking(verdicts: Sequence[Verdict]) -> str:
    """The columns to map, by table, and the vocabularies to write, of several KPIs together."""
    tables: dict[str, list[str]] = {}
    for name in dict.fromkeys(name for verdict in verdicts for name in verdict.columns):
        table, column = name.split(".")
        tables.setdefault(table, []).append(column)
    named = [f"{table} ({', '.join(columns)})" for table, columns in tables.items()]
    todo = [f"map {', '.join(named)}"] if named else []
    return "; ".join([*todo, *dict.fromkeys(name for verdict in verdicts for name in verdict.files)])


def _computable(verdict: Verdict) -> str:
    """With what to know of its newest value: how much of it is covered, and in how many months it is told."""
    notes = [_percent(verdict.coverage)] if verdict.coverage is not None and verdict.coverage < 0.9995 else []
    notes += ["estimated"] if verdict.status == "ESTIMATED" else []
    notes += [f"{verdict.months_with_value} of {verdict.months} months"] if verdict.months_with_value < verdict.months else []
    return verdict.kpi_id + (f" ({', '.join(notes)})" if notes else "")


def _grouped(verdicts: Sequence[Verdict]) -> Iterable[tuple[tuple[str | None, str | None], list[Verdict]]]:
    """KPIs with one reason and one thing to do."""
    found: dict[tuple[str | None, str | None], list[Verdict]] = {}
    for verdict in verdicts:
        found.setdefault((verdict.because, verdict.fix), []).append(verdict)
    return found.items()


# --- cells --------------------------------------------------------------------------------------------------------------------------------


def _moment(moment: datetime | None, zone: ZoneInfo) -> str:
    return "-" if moment is None else moment.astimezone(zone).strftime("%Y-%m-%d %H:%M")


def _percent(share: float | None) -> str:
    return "-" if share is None else f"{100 * share:.1f} %"


def _span(seconds: float) -> str:
    """A length of time, short.

    >>> _span(59), _span(5400), _span(-7200), _span(3 * 86400)
    ('59 s', '90 min', '-2.0 h', '3.0 d')
    """
    size = abs(seconds)
    for least, unit, word in ((172_800, 86_400, "d"), (7_200, 3_600, "h")):
        if size >= least:
            return f"{seconds / unit:,.1f} {word}"
    return f"{seconds / 60:.0f} min" if size >= 120 else f"{seconds:.0f} s"


def _cell(value: Any) -> str:
    text = "-" if value is None else value.strftime("%Y-%m-%d %H:%M:%S") if isinstance(value, datetime) else f"{value}"
    if isinstance(value, Decimal) and "." in text:
        text = text.rstrip("0").rstrip(".")
    return text if len(text) <= WIDE else f"{text[: WIDE - 1]}…"
