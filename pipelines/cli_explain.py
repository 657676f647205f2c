"""`plantlake explain`: from a number down to the lines of the exports that it is made of.

Here: options, and the answer as text that can be read from the top. Elsewhere: the steps (`publish.explain`), the records and their
lines (`pipelines.origins`).
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Annotated, Any

import typer

from pipelines.cli_kpi import ProfileOption, checked_profile
from pipelines.terminal import JsonOption, PortfolioOption, counted, lake_at, root_of, show
from pipelines.terminal import as_json as print_json

if TYPE_CHECKING:
    from datetime import datetime

Answer = dict[str, Any]


def explain(
    kpi: Annotated[str, typer.Argument(help="A KPI such as OEE; `plantlake kpi --list` lists them.")],
    plant: Annotated[str, typer.Option("--plant", help="The plant, by its id or name.")],
    period: Annotated[str, typer.Option(help="A day, week, month or quarter: 2026-11-05, 2026-W45, 2026-11, 2026-Q4.")],
    unit: Annotated[
        str | None, typer.Option(help="Only this machine, line or area of the plant, by its id or name.", show_default=False)
    ] = None,
    shift: Annotated[str | None, typer.Option(help="Only this shift; the period is then a day.", show_default=False)] = None,
    profile: ProfileOption = "ISO",
    time: Annotated[
        list[str] | None, typer.Option("--time", help="Only segments of this class of time, as ADET_EQ (repeatable).", show_default=False)
    ] = None,
    limit: Annotated[int, typer.Option(min=0, help="Shifts, segments and records that are listed, the largest first; 0 lists all.")] = 5,
    portfolio: PortfolioOption = None,
    as_json: JsonOption = False,
) -> None:
    """Where a number comes from: formula, parts, time, segments, events and counts, down to the original lines of the exports.

    Every step says whether its sums give the one above. A refresh that runs meanwhile is not disturbed and changes nothing in the answer.
    """  # fmt: skip
    profile = checked_profile(profile)
    from pipelines.origins import Origins, follow
    from publish.explain import Question
    from publish.explain import explain as explained
    from publish.reader import Snapshot

    root = root_of(portfolio)
    lake = lake_at(root)
    with Snapshot(lake.snapshot) as reader:
        answer = explained(reader, Question(kpi, plant, period, unit, shift, profile, time or (), limit))
        months = sorted(
            {str(row["production_day"])[:7] for rows in ("segments", "counts", "records") for row in (answer[rows] or {"rows": []})["rows"]}
        )
        follow(Origins(lake, reader, root, answer["value"]["plant_id"]), answer, months)
    if as_json:
        print_json(answer)
        return
    for line in told(answer):
        show(line)


def told(answer: Answer) -> Iterable[Any]:
    """The answer as lines and tables, from the value down."""
    yield from _head(answer)
    yield from _parts(answer["parts"])
    if answer["time"]:
        yield from _time(answer["time"], answer["excluded"])
    if answer["segments"] is not None:
        yield from _listed("Segments", answer["segments"], "the largest stops and unknown times, then run time", _segment)
    if answer["counts"] is not None:
        yield from _listed("Counts", answer["counts"], "the largest", _count)
        yield from _rates(answer["ideal_rates"])
    if answer["records"] is not None:
        yield from _listed("Records", answer["records"], "the largest", _booked)
    yield from _checks(answer)


# --- the value ------------------------------------------------------------------------------------------------------------------------


def _head(answer: Answer) -> Iterable[str]:
    from publish.tables import EXPLAINED, HELP, name_of

    value, about, release = answer["value"], answer["definition"], answer["release"]
    unit = about["unit"]
    shift = f", shift {value['shift_code']}" if value["shift_code"] else ""
    told = "not computable" if value["value"] is None else _in_unit(value["value"], unit)
    yield f"{value['kpi_id']} of {name_of(value)}, {value['period_type'].lower()} of {value['period_start']}{shift}: {told}"
    if value["value"] is None:
        why = next(iter(value["flags"] or ()), "")
        yield f"  Why: {EXPLAINED.get(why, why)}." + (f" What helps: {HELP[why]}." if why in HELP else "")
    low, high = value["value_low"], value["value_high"]
    between = f"between {_in_unit(low, unit)} and {_in_unit(high, unit)}; " if low is not None and high is not None and low != high else ""
    flags = f", flags {' '.join(value['flags'])}" if value["flags"] else ""
    trust = f"coverage {value['coverage']:.0%}, grade {value['grade']}, confidence {value['confidence']:.2f}"
    yield f"  {between}{trust}, status {value['status']}{flags}"
    yield f"  {about['name']} = {about['formula']}   (profile {value['profile']}, definition {value['kpi_version']})"
    yield f"  numerator    {about['numerator_expr']} = {_number(value['numerator'])}"
    yield f"  denominator  {about['denominator_expr']} = {_number(value['denominator'])}"
    if release.get("release_id"):
        yield f"  release {release['release_id']} of {_moment(release['released_at'])}, calculation {release['calc_version']}"
    if release["stale_reason"]:
        yield f"  The plant is stale since {_moment(release['stale_since'])}: {release['stale_reason']}"


# --- parts and time -------------------------------------------------------------------------------------------------------------------


def _parts(parts: Answer) -> Iterable[Any]:
    yield ""
    yield f"Parts ({parts['table']})"
    columns = parts["columns"]
    if parts["units"]:
        rows = [
            [_unit(unit), f"{unit['shifts_in']:,} of {unit['shifts']:,}", *(_number(unit["columns"][name]) for name in columns)]
            for unit in parts["units"]
        ]
        sums = [["sum", "", *(_number(parts["sums"][name]) for name in columns)]] if len(rows) > 1 else []
        yield _table(["unit", "shifts in", *columns], rows + sums, 1)
    for unit in parts["units"]:
        if unit["left_out"]:
            yield f"  {_unit(unit)}: {counted(unit['shifts'] - unit['shifts_in'], 'shift')} in neither side: {unit['left_out']}."
        if unit["stations"]:
            about = "is a line: the time of its constraint, the good pieces of its output"
            yield f"  {_unit(unit)} {about}. Its stations: {', '.join(unit['stations'])}."
    if parts["rows"]:
        yield f"  {_shown(parts['rows'], parts['rows_of'])} rows of the parts, the largest:"
        named = [name for name in ("production_day", "shift_code") if name in parts["rows"][0]]
        yield _table(
            ["unit", *(name.replace("production_", "").replace("_code", "") for name in named), *columns],
            [[_unit(row), *(str(row[name]) for name in named), *(_number(row[name]) for name in columns)] for row in parts["rows"]],
            1 + len(named),
        )


def _time(time: list[Answer], excluded: Answer) -> Iterable[Any]:
    yield ""
    yield "Time of the units by class (time_segment)"
    rows = [[row["time_class"], row["name"], "in" if row["in_pbt"] else "out", f"{row['seconds'] / 60:,.1f}",
             f"{row['share']:.1%}" if row["share"] is not None else "", f"{row['segments']:,}"] for row in time]  # fmt: skip
    yield _table(["class", "", "PBT", "minutes", "of calendar time", "segments"], rows, 3)
    planned = ", ".join(f"{name} {minutes:,.1f}" for name, minutes in excluded["planned_minutes"].items())
    yield (
        f"  Excluded minutes: planned {planned or 'none'}; not scheduled {excluded['not_scheduled_minutes']:,.1f}."
        f" Unknown inside PBT: {excluded['unknown_minutes']:,.1f}."
    )


# --- records and lines ----------------------------------------------------------------------------------------------------------------


def _listed(title: str, found: Answer, order: str, show: Any) -> Iterable[str]:
    yield ""
    if not found["rows"]:
        yield f"{title}: none"
        return
    yield f"{title}: {_shown(found['rows'], found['of'])}, {order}"
    for row in found["rows"]:
        yield from show(row)


def _segment(row: Answer) -> Iterable[str]:
    words = [
        word
        for word in (row["reason_code"], "failure" if row["is_failure"] else None, f"order {row['order_id']}" if row["order_id"] else None)
        if word
    ]
    yield (
        f"  {_unit(row)}  {_moment(row['start_ts'], row['end_ts'])}  {row['duration_s'] / 60:,.1f} min  {row['time_class']}"
        f"{'  ' + ', '.join(words) if words else ''}"
    )
    if row["event_id"] is None:
        yield "     no event owns it: " + ("nothing is logged" if row["time_class"] in ("UNKNOWN", "APT") else "the calendar does")
    else:
        yield from _record(row["record"], row["event_id"])


def _count(row: Answer) -> Iterable[str]:
    pieces = "  ".join(
        f"{name} {_number(row[key])}" for name, key in (("PQ", "pq"), ("GQ", "gq"), ("SQ", "sq"), ("RQ", "rq")) if row[key] is not None
    )
    rate = f"  PRI {_number(row['pri_s'])} s  PRI x GQ {_number(row['ideal_gq_s'])} s" if row["pri_s"] is not None else "  no ideal rate"
    outside = "  outside every shift" if row["is_outside"] else ""
    yield f"  {_unit(row)}  {row['production_day']} {row['shift_code']}  {pieces}{rate}{outside}"
    yield from _record(row["record"], row["count_id"])
    for other in row["chain"]:
        yield f"     {_link(row, other)}:"
        yield from _record(other, other["record_id"], "       ")


def _link(row: Answer, other: Answer) -> str:
    if row["record"] is not None and other["record_id"] in row["record"]["corrects"]:
        return "corrects or reverses"
    return "corrected or reversed by" if row["count_id"] in other["corrects"] else "of the same documents"


def _booked(row: Answer) -> Iterable[str]:
    amounts = "  ".join(_number(row[key]) for key in ("amount", "further") if row[key] is not None)
    yield f"  {_unit(row)}  {row['production_day']}  {row['table_name']}  {row['word'] or ''}  {amounts}"
    yield from _record(row["record"], row["record_id"])


def _rates(rates: list[Answer]) -> Iterable[str]:
    if rates:
        yield "  Ideal rates of these counts:"
    for rate in rates:
        says = rate["says"]
        yield f"  {_number(says.get('pri_s'))} s per piece, {says.get('rate_basis')}: {says.get('provenance') or rate['file']}"
        yield from _record(rate, rate["record_id"])


def _record(record: Answer | None, record_id: str, indent: str = "     ") -> Iterable[str]:
    """Where a record came from, down to its line."""
    if record is None:
        yield f"{indent}record {record_id} is not in silver any more"
        return
    export, original, mapping = record["export"], record["original"], record["mapping"]
    flags = f"  flags {' '.join(record['flags'])}" if record["flags"] else ""
    yield f"{indent}{record['table']} {record['record_id']} revision {record['revision']}, row hash {record['row_hash']}{flags}"
    if export:
        received = export["landed_at"] or export["first_seen_at"]
        yield f"{indent}{export['name']} record {record['row_number']}, received {_moment(received)}"
        yield f"{indent}sha256 {export['sha256']}"
    if mapping["version"]:
        same = {True: "as it is today", False: "changed since", None: ""}[mapping["is_current"]]
        yield f"{indent}mapping {mapping['version']}{', ' + same if same else ''}: {mapping['where']}"
    if original["text"] is None:
        yield f"{indent}no line: {original['why']}"
    else:
        yield f"{indent}{original['place']}{'' if original['is_verbatim'] else ', as it was read'}:"
        for line in original["text"].split("\n"):
            yield f"{indent}| {line}"
    for was in record["earlier"]:
        yield f"{indent}before: revision {was['revision']} of {was['file']} record {was['row_number']}"


# --- whether it adds up ---------------------------------------------------------------------------------------------------------------


def _checks(answer: Answer) -> Iterable[str]:
    checks, broken = answer["checks"], [check for check in answer["checks"] if not check["holds"]]
    yield ""
    if not broken:
        yield (
            f"Every sum agrees: {counted(len(checks), 'comparison')} from the value down to the ledgers."
            if checks
            else "Nothing here is a plain sum."
        )
        return
    for check in broken:
        yield f"DOES NOT AGREE: {check['what']}: {_number(check['told'])} there, {_number(check['found'])} here."
    reason = answer["release"]["stale_reason"]
    yield f"The plant is held: {reason}" if reason else "This is a fault of plantlake: please report it with `--json`."


# --- words ----------------------------------------------------------------------------------------------------------------------------


def _table(titles: list[str], rows: list[list[str]], left: int) -> Any:
    from rich.table import Table

    table = Table(header_style="bold", box=None, pad_edge=True)
    for n, title in enumerate(titles):
        table.add_column(title, justify="left" if n < left else "right", overflow="fold")
    for row in rows:
        table.add_row(*row)
    return table


def _unit(row: Answer) -> str:
    if row["equipment_id"].startswith("~"):
        return "(plant)"
    return str(row.get("name") or row["equipment_id"])


def _shown(rows: list[Any], of: int) -> str:
    return f"{len(rows):,} of {of:,}"


def _number(value: float | None) -> str:
    if value is None:
        return "-"
    return f"{value:,.3f}".rstrip("0").rstrip(".")


def _in_unit(value: float, unit: str) -> str:
    return f"{100 * value:,.1f} %" if unit == "ratio" else f"{_number(value)} {unit}"


def _moment(start: datetime | None, end: datetime | None = None) -> str:
    if start is None:
        return "at a time that is not known"
    if end is None:
        return f"{start:%Y-%m-%d %H:%M} UTC"
    return f"{start:%Y-%m-%d %H:%M:%S} to {end:{'%H:%M:%S' if end.date() == start.date() else '%Y-%m-%d %H:%M:%S'}} UTC"
