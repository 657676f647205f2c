"""How KPI values look in a terminal: one row per scope and period, one column per KPI, and what has to stand under it.

Here: rich tables and footnotes. Elsewhere: the values (`publish.reader`), files (`pipelines.cli`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

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
    "NO_DATA": "no data",
    "RATE_PARTIAL": "ideal rates cover too little of the run time",
    "PLANTS_PARTIAL": "not every plant takes part",
    "UNITS_PARTIAL": "not every unit takes part",
    "COUNT_PARTIAL": "some shifts delivered no counts",
}


def kpi_table(frame: pl.DataFrame) -> Table:
    """Values by scope and period with the change against the period before; ~ estimated, * preliminary, - not computable."""
    from rich.table import Table

    table = Table(header_style="bold", box=None, pad_edge=False)
    has_shift = frame["shift_code"].is_not_null().any()
    for title in ("scope", "period", *(["shift"] if has_shift else [])):
        table.add_column(title, no_wrap=True)
    names = frame["kpi_id"].unique(maintain_order=True).to_list()
    for name in sorted(names, key=_headline):
        table.add_column(name, justify="right", no_wrap=True)
    table.add_column("coverage", justify="right")
    table.add_column("grade", justify="center")
    for (scope, period, shift), rows in frame.group_by(["scope_id", "period_start", "shift_code"], maintain_order=True):
        values = {row["kpi_id"]: row for row in rows.iter_rows(named=True)}
        lead = values.get("OEE") or next(iter(values.values()))
        name = lead["scope_name"] if lead["scope_type"] in ("EQUIPMENT", "LINE", "AREA") else scope
        cells = [str(name), str(period), *([str(shift)] if has_shift else [])]
        cells += [_value(values.get(kpi)) for kpi in sorted(names, key=_headline)]
        table.add_row(*cells, f"{lead['coverage']:.0%}", lead["grade"])
    return table


def _headline(kpi_id: str) -> int:
    order = ["OEE", "A", "E", "Q", "AE", "QC", "OOE", "TEEP", "COVERAGE"]
    return order.index(kpi_id) if kpi_id in order else len(order)


def _value(row: dict[str, object] | None) -> str:
    if row is None or row["value"] is None:
        return "-"
    factor, unit = (100, "%") if row["unit"] == "ratio" else (1, str(row["unit"]))
    value, previous = factor * float(str(row["value"])), row["previous"]
    change = f" ({value - factor * float(str(previous)):+,.1f})" if previous is not None else ""
    return f"{value:,.1f} {unit}{MARKS.get(str(row['status']), '')}{change}"


def footnotes(reader: Snapshot, frame: pl.DataFrame) -> list[str]:
    """As-of, why values are missing, and which plants are not in."""
    lines = ["", "In brackets: points against the period before.  ~ rests on an assumption   * touches the watermark   - not computable"]
    if frame.is_empty():
        return ["No values. `plantlake status` tells how far the data goes."]
    for release, moment, watermark in reader.rows(
        "SELECT release_id, released_at, watermark FROM release ORDER BY release_id DESC LIMIT 1"
    ):
        lines.append(f"Release {release} of {moment:%Y-%m-%d %H:%M} UTC; newest data {watermark:%Y-%m-%d %H:%M} UTC.")
    missing = (
        frame.filter(pl.col("value").is_null())
        .select("scope_id", "kpi_id", pl.col("flags").list.first().alias("why"))
        .unique(maintain_order=True)
    )
    for (scope, why), rows in missing.group_by(["scope_id", "why"], maintain_order=True):
        kpis = " ".join(sorted(rows["kpi_id"].unique().to_list(), key=_headline))
        lines.append(f"{scope}: no {kpis}: {EXPLAINED.get(str(why), str(why))}.")
    for plant, text in reader.rows("SELECT plant_id, assumptions FROM plant WHERE assumptions <> '' ORDER BY plant_id"):
        if plant in frame["scope_id"].to_list():
            lines += [f"{plant} assumes {line}" for line in str(text).splitlines()]
    stale = reader.rows("SELECT plant_id, stale_since, stale_reason FROM plant_status WHERE status <> 'OK' ORDER BY plant_id")
    lines += [
        f"{plant} is stale since {since:%Y-%m-%d %H:%M} UTC: {why}" if since else f"{plant}: no data yet." for plant, since, why in stale
    ]
    return lines
