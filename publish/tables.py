"""How KPI values look in a terminal: tables of values, rankings and trends, what was restated, and what has to stand under them.

Here: rich tables and footnotes. Elsewhere: the values (`publish.reader`), the ranks (`publish.ranking`), what changed since a release
(`publish.restated`), files (`pipelines.cli_kpi`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

import polars as pl

from connectors.errors import listed
from publish.ranking import NOISE
from publish.scopes import BY_NAME

if TYPE_CHECKING:
    from rich.table import Table

    from publish.reader import Snapshot

MARKS = {"ESTIMATED": "~", "PRELIMINARY": "*"}
EXPLAINED = {
    "NO_CALENDAR": "no shift calendar is known",
    "NO_IDEAL_RATE": "no ideal rate is known",
    "NO_STATES": "no machine states are delivered",
    "NO_REJECT_COUNT": "no rejects are counted",
    "NO_COUNTS": "no counts arrived",
    "NO_PLANNED_TIME": "nothing was planned",
    "NO_RUN_TIME": "nothing ran",
    "NO_BUSY_TIME": "no order was worked on",
    "NO_FAILURES": "nothing failed",
    "NO_CHANGEOVERS": "nothing was changed over",
    "NO_STOPS": "nothing stopped",
    "NO_REWORK_COUNT": "no rework is counted",
    "NO_LABOUR": "no labour time arrived",
    "NO_MAINTENANCE": "no maintenance orders arrived",
    "NO_INSPECTIONS": "nothing was inspected",
    "NO_MEASUREMENTS": "nothing with a specification limit was measured",
    "SEVERAL_CHARACTERISTICS": "an index belongs to one characteristic",
    "NO_ORDERS": "no orders, or nothing is known of what was made of them",
    "NO_PLANNED_SCRAP": "no scrap was planned",
    "NO_DELIVERIES": "no delivery lines arrived",
    "NO_STOCK": "no stock or cost of goods arrived",
    "NO_ENERGY": "no energy, or no family of products, is known",
    "NO_EMISSIONS": "an emission factor is missing",
    "NO_COSTS": "no costs, exchange rate or family of products is known",
    "NO_DATA": "no data",
    "RATE_PARTIAL": "ideal rates cover too little of the run time",
    "PLANTS_PARTIAL": "not every plant takes part",
    "UNITS_PARTIAL": "not every unit takes part",
    "COUNT_PARTIAL": "some shifts delivered no counts",
}
FLAGGED = {
    "RESIDUAL_APT": "run time is what no stop covers: an unlogged stop looks like run time",
    "PERF_GT_1": "effectiveness is above 1 and kept: the ideal rate is too slow, or pieces are booked in the wrong shift",
    "RATE_PARTIAL": "part of the run time has no ideal rate",
    "COUNT_PARTIAL": "shifts without a count stay in the denominator: the value is the lower figure",
    "COUNT_OUTSIDE_SHIFT": "pieces were booked outside every shift",
    "COUNT_ALLOCATED": "pieces were spread over several shifts: days are surer than shifts",
    "STOP_WITH_COUNTS": "a counter counted pieces inside a logged stop: one of the two clocks or logs is wrong",
    "UNKNOWN_TIME": "part of the planned time is unknown",
    "ASSUMED_CALENDAR": "the plant file assumes the shift calendar, and says why",
    "ASSUMED_RATE": "the plant file assumes ideal rates, and says why",
    "PLANTS_PARTIAL": "not every plant of the scope takes part",
    "UNITS_PARTIAL": "not every unit of the scope takes part",
    "SHIFT_OVERLAP": "shift windows overlapped; the later start won",
    "DST_AMBIGUOUS": "a time lies in the repeated hour of autumn and could be either",
    "PRELIMINARY": "the period touches the watermark: more may be told",
}
"""What a flag says of a value that is there; EXPLAINED says why one is not."""
HELP = {
    "NO_CALENDAR": "the plant file: shifts, or map shift_instance",
    "NO_STATES": "map a stop log to equipment_state_event; OEE and AE are known without it",
    "NO_REJECT_COUNT": "map scrap_qty or produced_qty of production_count",
    "NO_REWORK_COUNT": "map rework_qty of production_count",
    "NO_IDEAL_RATE": "vocabularies/ideal_rates.csv: a line for what the plant makes",
    "RATE_PARTIAL": "vocabularies/ideal_rates.csv: lines for the products that have none",
    "NO_COUNTS": "map production_count; see `plantlake status` and `plantlake quarantine list`",
    "NO_DATA": "see `plantlake status`: nothing of the period has arrived",
    "NO_LABOUR": "map labour_time", "NO_MAINTENANCE": "map maintenance_order with its work times",
    "NO_INSPECTIONS": "map inspection_result",
    "NO_MEASUREMENTS": "map measured_value, lsl and usl of inspection_result", "NO_ORDERS": "map production_order, and order of the counts",
    "NO_PLANNED_SCRAP": "map planned_scrap_qty of production_order", "NO_DELIVERIES": "map delivery_line",
    "NO_STOCK": "map inventory_snapshot, and cost of class COGS", "NO_ENERGY": "map energy; vocabularies/product_families.csv",
    "NO_EMISSIONS": "vocabularies/emission_factors.csv", "NO_COSTS": "map cost; vocabularies/fx.csv, product_families.csv",
}  # fmt: skip
"""What would make a missing value known."""

BLOCKS = "▁▂▃▄▅▆▇█"
MARKED = "~ rests on an assumption   * touches the watermark   - not computable"
AT_ITS_TARGET = "after a target the distance to it"


def kpi_table(frame: pl.DataFrame) -> Table:
    """Values by scope and period with the change against the period before; ~ estimated, * preliminary, - not computable.

    A KPI with a target has a column for it. The rows are in the order of the frame.
    """
    from rich.table import Table

    table = Table(header_style="bold", box=None, pad_edge=False)
    has_shift = frame["shift_code"].is_not_null().any()
    for title in ("scope", "period", *(["shift"] if has_shift else [])):
        table.add_column(title, no_wrap=True)
    names = sorted(frame["kpi_id"].unique(maintain_order=True).to_list(), key=_headline)
    aimed = set(frame.filter(pl.col("target").is_not_null())["kpi_id"])
    for name in names:
        table.add_column(name, justify="right", no_wrap=True)
        if name in aimed:
            table.add_column("target", justify="right", no_wrap=True)
    table.add_column("coverage", justify="right")
    table.add_column("grade", justify="center")
    for values in _by_period(frame):
        lead = values.get("OEE") or next(iter(values.values()))
        cells = [name_of(lead), str(lead["period_start"]), *([str(lead["shift_code"])] if has_shift else [])]
        for name in names:
            cells += [_value(values.get(name)), *([_target(values.get(name))] if name in aimed else [])]
        table.add_row(*cells, f"{lead['coverage']:.0%}", lead["grade"])
    return table


def _by_period(frame: pl.DataFrame) -> list[dict[str, dict[str, Any]]]:
    """The values of each scope and period, by KPI."""
    groups = frame.group_by(["scope_id", "period_start", "shift_code"], maintain_order=True)
    return [{row["kpi_id"]: row for row in rows.iter_rows(named=True)} for _, rows in groups]


def ordered(frame: pl.DataFrame, sort: str | None, *, desc: bool = False) -> pl.DataFrame:
    """The rows of a frame by 'period' (None), 'name' or the value of a KPI, scopes and periods kept together.

    What has no value of the KPI comes last, whatever the direction.
    """
    if sort is None and not desc:
        return frame
    key = ["scope_id", "period_start", "shift_code"]
    if sort in (None, "period"):
        by, where = pl.col("period_start"), frame
    elif sort == "name":
        by, where = pl.when(pl.col("scope_type").is_in(BY_NAME)).then("scope_name").otherwise("scope_id").str.to_lowercase(), frame
    else:
        values = frame.filter(pl.col("kpi_id") == sort).select(*key, pl.col("value").alias("_by"))
        by, where = pl.col("_by"), frame.join(values, on=key, how="left", nulls_equal=True, maintain_order="left")
    return where.sort(by, descending=desc, nulls_last=True, maintain_order=True).select(frame.columns)


def name_of(row: Mapping[str, Any]) -> str:
    """How people call a scope: a machine, line or area by its name, others by their id."""
    return str(row["scope_name"] if row["scope_type"] in BY_NAME else row["scope_id"])


def _headline(kpi_id: str) -> int:
    """The place of a KPI in the catalogue."""
    from dbt_project.catalogue import published

    return next((place for place, kpi in enumerate(published()["kpis"]) if kpi["id"] == kpi_id), 0)


def _number(value: float | None, unit: str) -> str:
    factor, shown = (100, "%") if unit == "ratio" else (1, unit)
    return "-" if value is None else f"{factor * value:,.1f} {shown}"


def _move(difference: float | None, unit: str) -> str:
    return "" if difference is None else f"{(100 if unit == 'ratio' else 1) * difference:+,.1f}"


def _value(row: Mapping[str, Any] | None) -> str:
    if row is None or row["value"] is None:
        return "-"
    change = f" ({_move(row['value'] - row['previous'], row['unit'])})" if row["previous"] is not None else ""
    return f"{_number(row['value'], row['unit'])}{MARKS.get(row['status'], '')}{change}"


def _target(row: Mapping[str, Any] | None) -> str:
    if row is None or row["target"] is None:
        return ""
    away = f" ({_move(row['target_gap'], row['unit'])})" if row["target_gap"] is not None else ""
    return f"{_number(row['target'], row['unit'])}{away}"


def why(row: Mapping[str, Any]) -> str:
    """Why a value is missing, in words."""
    flag = next(iter(row["flags"] or ()), None)
    return EXPLAINED.get(str(flag), str(flag))


# --- rankings and trends --------------------------------------------------------------------------------------------------------------


def rank_table(frame: pl.DataFrame) -> Table:
    """What `publish.ranking.ranked` found, without those that have no rank; `2=` is a rank that is shared."""
    from rich.table import Table

    table = Table(header_style="bold", box=None, pad_edge=False)
    rows = [row for row in frame.iter_rows(named=True) if row["rank"] is not None]
    has_shift = any(row["shift_code"] is not None for row in rows)
    has_target = any(row["target"] is not None for row in rows)
    table.add_column("rank", justify="right")
    table.add_column("scope", no_wrap=True)
    right = [*(["shift"] if has_shift else []), frame["kpi_id"][0], "from, to", *(["target"] if has_target else []), "coverage"]
    for title in right:
        table.add_column(title, justify="right", no_wrap=True)
    table.add_column("grade", justify="center")
    for row in rows:
        table.add_row(
            f"{row['rank']}{'=' if row['is_shared'] else ' '}", name_of(row), *([str(row["shift_code"])] if has_shift else []),
            _value(row), _between(row), *([_target(row)] if has_target else []), f"{row['coverage']:.0%}", row["grade"],
        )  # fmt: skip
    return table


def _between(row: Mapping[str, Any]) -> str:
    ends = [_number(row[end] if row[end] is not None else row["value"], row["unit"]) for end in ("value_low", "value_high")]
    return " to ".join(dict.fromkeys(ends)) if ends[0] != ends[1] else ""


def rank_notes(frame: pl.DataFrame) -> list[str]:
    """What a ranking is of, and who has no rank and why."""
    if frame.is_empty():
        return []
    period = max(frame["period_start"].to_list())
    lines = [
        "",
        f"{frame['kpi_id'][0]} of {period}. A rank is shared (=) where values overlap between the least and the most that they can be.",
        f"In brackets: points against the period before.  {MARKED}",
    ]
    for row in frame.iter_rows(named=True):
        shift = f" {row['shift_code']}" if row["shift_code"] is not None else ""
        known = f"{name_of(row)}{shift}: no rank: "
        if row["left_out"] == "NOT_IN_PERIOD":
            lines.append(f"{known}nothing of {period}; its newest is {_number(row['value'], row['unit'])} of {row['period_start']}.")
        elif row["left_out"] == "NOT_COMPUTABLE":
            bounds = f" (from {_between(row)})" if row["value_high"] is not None and _between(row) else ""
            lines.append(f"{known}{why(row)}{bounds}.")
        elif row["left_out"] == "GRADE_D":
            said = [text for flag in row["flags"] if (text := EXPLAINED.get(flag))]
            reason = f" ({'; '.join(said)})" if said else ""
            lines.append(f"{known}{_number(row['value'], row['unit'])} has grade D at {row['coverage']:.0%} coverage{reason}.")
        elif row["left_out"] == "NO_TARGET":
            lines.append(f"{known}it has no target, and this KPI is best at its target.")
    return lines


EVERY = {"SHIFT": "1d", "DAY": "1d", "WEEK": "1w", "MONTH": "1mo", "QUARTER": "3mo"}
TREND_PERIODS = 30
"""Periods of a trend when nothing else is asked for: they fit beside each other."""


def trend_table(frame: pl.DataFrame) -> Table:
    """One line per scope (and shift) and KPI: its course, its least and most, the newest value with its period and its change.

    The line stands between its own least and most value; a period without a value is a space.
    """
    from rich.table import Table
    from rich.text import Text

    table = Table(header_style="bold", box=None, pad_edge=False)
    has_shift = frame["shift_code"].is_not_null().any()
    for title in ("scope", *(["shift"] if has_shift else []), "KPI", "trend"):
        table.add_column(title, no_wrap=True)
    aimed = frame["target"].is_not_null().any()
    for title in ("least", "most", "newest", *(["target"] if aimed else []), "of"):
        table.add_column(title, justify="right", no_wrap=True)
    if frame.is_empty():
        return table
    known = frame["period_start"].to_list()
    periods = pl.date_range(min(known), max(known), EVERY[frame["period_type"][0]], eager=True).to_list()
    groups = dict(iter(frame.group_by(["scope_id", "shift_code", "kpi_id"], maintain_order=True)))
    for key in sorted(groups, key=lambda key: (str(key[0]), str(key[1]), _headline(str(key[2])))):
        rows = groups[key].rows(named=True)
        values = {row["period_start"]: row["value"] for row in rows if row["value"] is not None}
        newest = next((row for row in reversed(rows) if row["value"] is not None), rows[-1])
        bounds = [_number(end(values.values(), default=None), newest["unit"]) for end in (min, max)]
        table.add_row(
            name_of(newest), *([str(key[1])] if has_shift else []), str(key[2]), Text(sparkline([values.get(day) for day in periods])),
            *bounds, _value(newest), *([_target(newest)] if aimed else []), str(newest["period_start"]),
        )  # fmt: skip
    return table


def sparkline(values: Sequence[float | None]) -> str:
    """Values as blocks between their least and their most; a space where there is none.

    >>> sparkline([0, None, 5, 10]), sparkline([3.0, 3.0])
    ('▁ ▅█', '▄▄')
    """
    told = [value for value in values if value is not None]
    low, width = min(told, default=0.0), max(told, default=0.0) - min(told, default=0.0)
    last, steps = len(BLOCKS) - 1, len(BLOCKS) / width if width > NOISE else 0.0
    blocks = [" " if value is None else BLOCKS[min(last, int(steps * (value - low)))] if steps else BLOCKS[last // 2] for value in values]
    return "".join(blocks)


# --- below the table ------------------------------------------------------------------------------------------------------------------


def footnotes(
    reader: Snapshot, frame: pl.DataFrame, as_of: tuple[int, datetime] | None = None, notes: Sequence[str] | None = None
) -> list[str]:
    """As-of, why values are missing, and which plants are not in. `notes` stand for the first lines and the missing values."""
    if frame.is_empty():
        return ["No values. `plantlake status` tells how far the data goes."]
    has_target = ", " + AT_ITS_TARGET if frame["target"].is_not_null().any() else ""
    lines = ["", f"In brackets: points against the period before{has_target}.  {MARKED}"] if notes is None else list(notes)
    lines += _bases(frame)
    newest = reader.rows("SELECT release_id, released_at, watermark FROM release ORDER BY release_id DESC LIMIT 1")
    for release, moment, watermark in newest:
        if as_of is None:
            lines.append(f"Release {release} of {moment:%Y-%m-%d %H:%M} UTC; newest data {watermark:%Y-%m-%d %H:%M} UTC.")
        else:
            lines.append(
                f"As of release {as_of[0]} of {as_of[1]:%Y-%m-%d %H:%M} UTC; the newest is {release} of {moment:%Y-%m-%d %H:%M} UTC."
            )
    lines += _missing(frame) if notes is None else []
    for plant, text in reader.rows("SELECT plant_id, assumptions FROM plant WHERE assumptions <> '' ORDER BY plant_id"):
        if plant in frame["scope_id"].to_list():
            lines += [f"{plant} assumes {line}" for line in str(text).splitlines()]
    if as_of is not None:
        return lines
    stale = reader.rows("SELECT plant_id, stale_since, stale_reason FROM plant_status WHERE status <> 'OK' ORDER BY plant_id")
    return lines + [
        f"{plant} is stale since {since:%Y-%m-%d %H:%M} UTC: {reason}" if since else f"{plant}: no data yet."
        for plant, since, reason in stale
    ]


def _bases(frame: pl.DataFrame) -> list[str]:
    """The bases of the ideal rates that values are made of (specification 6): in one line, or in one a basis with who is on it."""
    if "rate_basis" not in frame.columns:  # published by an older plantlake
        return []
    told = frame.filter(pl.col("rate_basis").is_not_null())
    same = {scope for scope, bases in told.group_by("scope_id").agg(pl.col("rate_basis").n_unique()).iter_rows() if bases == 1}
    who: dict[str, list[str]] = {}
    for row in told.iter_rows(named=True):
        who.setdefault(row["rate_basis"], []).append(name_of(row) if row["scope_id"] in same else f"{name_of(row)} {row['period_start']}")
    if len(who) < 2:
        return [f"Basis of the ideal rates: {basis}." for basis in who]
    return [f"Basis of the ideal rates {basis}: {listed(list(dict.fromkeys(names)), 4)}." for basis, names in who.items()]


def _missing(frame: pl.DataFrame) -> list[str]:
    lines = []
    missing = (
        frame.filter(pl.col("value").is_null())
        .select("scope_id", "kpi_id", pl.col("flags").list.first().alias("why"))
        .unique(maintain_order=True)
    )
    for (scope, reason), rows in missing.group_by(["scope_id", "why"], maintain_order=True):
        kpis = " ".join(sorted(rows["kpi_id"].unique().to_list(), key=_headline))
        lines.append(f"{scope}: no {kpis}: {EXPLAINED.get(str(reason), str(reason))}.")
    return lines


# --- what was restated ----------------------------------------------------------------------------------------------------------------


def restated_table(frame: pl.DataFrame, then: str) -> Table:
    """What `publish.restated.restated` found: what was said, what is said today, the difference in points or in the KPI's unit."""
    from rich.table import Table

    table = Table(header_style="bold", box=None, pad_edge=False)
    has_shift = frame["shift_code"].is_not_null().any()
    for title in ("scope", "period", *(["shift"] if has_shift else []), "KPI"):
        table.add_column(title, no_wrap=True)
    for title in (then, "today", "change"):
        table.add_column(title, justify="right", no_wrap=True)
    for row in sorted(frame.rows(named=True), key=_newest_first):
        sides = [_number(row[f"value_{side}"], row["unit"]) + MARKS.get(str(row[f"status_{side}"]), "") for side in ("then", "now")]
        change = _move(row["difference"], row["unit"])
        unit = "points" if row["unit"] == "ratio" else row["unit"]
        shift = [str(row["shift_code"])] if has_shift else []
        table.add_row(name_of(row), str(row["period_start"]), *shift, row["kpi_id"], *sides, f"{change} {unit}" if change else "-")
    return table


def _newest_first(row: Mapping[str, Any]) -> tuple[Any, ...]:
    return -row["period_start"].toordinal(), row["scope_id"], str(row["shift_code"]), _headline(row["kpi_id"]), row["kpi_id"]


def restated_notes(frame: pl.DataFrame) -> list[str]:
    """Which releases moved the values and why, and why a side has none."""
    lines: dict[str, dict[str, list[str]]] = {}
    for row in frame.rows(named=True):
        said = [_moved_by(row, release) for release in row["releases"]]
        for line in said or ["No part of it changed: what belongs to the scope, or a setting, did"]:
            lines.setdefault(line, {}).setdefault(f"{name_of(row)} {row['period_start']}", []).append(row["kpi_id"])
    found = [""]
    for line, moved in sorted(lines.items(), key=_release_of):
        whats = [f"{what} {' '.join(sorted(dict.fromkeys(kpis), key=_headline))}" for what, kpis in moved.items()]
        found.append(f"{line} → {listed(whats, 4)}")
    for side, words in (("then", "no value then"), ("now", "no value today")):
        for row in frame.filter(pl.col(f"value_{side}").is_null()).rows(named=True):
            reason = EXPLAINED.get(str(row[f"why_{side}"]), row[f"why_{side}"] or "nothing is said of it")
            found.append(f"{name_of(row)} {row['period_start']} {row['kpi_id']}: {words}: {reason}.")
    return found


def _moved_by(row: Mapping[str, Any], release: Mapping[str, Any]) -> str:
    of_plant = "" if row["scope_type"] == "PLANT" else f" of {release['plant_id']}"
    files = f" ({', '.join(release['exports'])})" if release["exports"] else ""
    moment = f"{release['released_at']:%Y-%m-%d %H:%M} UTC"
    return f"Release {release['release_id']} of {moment}{of_plant}: {', '.join(release['causes'])}{files}"


def _release_of(item: tuple[str, Any]) -> int:
    word = item[0].split()[1]
    return int(word) if word.isdigit() else 0
