"""The losses of a scope and period as people ask for them, and how they look in a terminal.

Here: the questions to the macros, rich tables with bars, what has to stand under them. Elsewhere: the macros (`publish.losses`), which
scopes and days words mean (`publish.scopes`), tables of KPI values (`publish.tables`).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Any

import polars as pl
from polars import selectors

from connectors.errors import Problem
from publish import tables
from publish.scopes import Only, QueryError

if TYPE_CHECKING:
    from rich.table import Table

    from publish.reader import Snapshot

BAR = 24
"""Characters of the widest bar."""
EXPLAINED = {
    "NO_ECONOMICS": "nothing is stated in vocabularies/economics.csv",
    "NO_FX": "no exchange rate is stated in vocabularies/fx.csv",
    "NO_CONTRIBUTION": "economics.csv states no contribution_per_unit",
    "NO_AVOIDABLE_COST": "economics.csv states no avoidable_cost_per_h",
    "NO_GOOD_UNITS": "no good piece with an ideal rate was made in the month",
    "NO_MATERIAL_COST": "without material: economics.csv states no material_cost_per_unit",
    "NO_START_UP_REJECTS": "nobody says which rejects are start-up rejects: all of them count as production rejects",
    "NO_STATES": "no machine states are delivered",
    "RATE_PARTIAL": "ideal rates cover too little of the run time",
}
"""Why something is missing. `ALL_SPLIT` needs no words: every unit has states."""


CLASSES = {"ADET_EQ": "equipment", "ADET_ORG": "organisation", "AUST": "setup", "ADOT": "no order", "MICRO": "minor"}


@dataclass(frozen=True)
class Losses:
    """What was found: rows of the macros, for one kind of scope and one period."""

    kind: str
    period: str
    start: date
    waterfall: pl.DataFrame
    six: pl.DataFrame
    reasons: pl.DataFrame
    point: pl.DataFrame
    values: pl.DataFrame
    """OEE of the same scopes and period, with why it is missing."""

    def as_dict(self) -> dict[str, Any]:
        """For machines, by the names of the macros."""
        names = {"waterfall": "waterfall", "six": "six_big_losses", "reasons": "reasons", "point": "oee_point_value"}
        numbers = selectors.decimal().cast(pl.Float64)
        frames = {named: getattr(self, name).with_columns(numbers).to_dicts() for name, named in names.items()}
        return {"scope_type": self.kind, "period_type": self.period, "period_start": self.start, **frames}


def ask(reader: Snapshot, by: str, only: Only, *, profile: str = "ISO", rates: str = "AVG") -> Losses:
    """The losses of the newest period that a question leaves in. Raises QueryError where there is none."""
    kind, period, ids = reader.asked(by, only)
    values = reader.kpis(["OEE"], f"{kind},{period}", "ISO", 1, only=only)
    if values.is_empty():
        raise QueryError(Problem("There are no values in that period.", found=f"--by {by}",
                                 fix="`plantlake status` tells how far the data goes"))  # fmt: skip
    start = values["period_start"][0]
    arguments = f"'{kind}', '{period}', DATE '{start}'"
    within = "" if ids is None else " WHERE list_contains(?, scope_id)"
    priced = f"rates := '{rates}'"

    def rows(macro: str, options: str = "") -> pl.DataFrame:
        return reader.query(f"SELECT * FROM {macro}({arguments}{options}){within}", [] if ids is None else [ids])

    both = f", profile := '{profile}', {priced}"
    return Losses(
        kind, period, start, rows("loss_waterfall", both), rows("six_big_losses", both), rows("loss_reasons"),
        rows("oee_point_value", f", {priced}"), values,
    )  # fmt: skip


def shown(found: Losses, top: int) -> Iterator[Any]:
    """One scope whole, several beside each other."""
    keys = found.values.select("scope_id", "shift_code").unique(maintain_order=True).rows()
    if len(keys) == 1:
        ((scope_id, shift),) = keys
        yield from _whole(found, scope_id, shift, top)
    else:
        yield _beside(found)
    yield from _missing(found)


def _whole(found: Losses, scope_id: str, shift: str | None, top: int) -> Iterator[Any]:
    mine = {name: _of(getattr(found, name), scope_id, shift) for name in ("waterfall", "six", "reasons", "values")}
    name = tables.name_of(mine["values"].row(0, named=True))
    yield f"{name}, {found.period.lower()} of {found.start}{f', shift {shift}' if shift else ''}\n"
    if mine["waterfall"].is_empty():
        return
    has_money = mine["waterfall"]["money"].is_not_null().any()
    yield _waterfall(mine["waterfall"].rows(named=True), has_money)
    yield "\nSix big losses, and what is none of them"
    yield _causes(mine["six"].rows(named=True), has_money)
    mapped = mine["reasons"].filter(pl.col("source_reason_code").is_null())
    if len(mapped):
        yield "\nStops by reason"
        yield _reasons(mapped.group_by("is_planned", maintain_order=True).head(top).rows(named=True))
    waiting = mine["reasons"].filter(pl.col("source_reason_code").is_not_null())
    if len(waiting):
        hours = float(waiting["seconds"].sum()) / 3600
        codes = "1 code" if len(waiting) == 1 else f"{len(waiting):,} codes"
        yield f"\nNot mapped: {hours:,.1f} h under {codes} of the plants' own. Map the largest in vocabularies/reason_map.csv:"
        yield _unmapped(waiting.head(top).rows(named=True))
    yield from _point(_of(found.point, scope_id, None).rows(named=True))
    yield from _why(mine["waterfall"])


def _of(frame: pl.DataFrame, scope_id: str, shift: str | None) -> pl.DataFrame:
    mine = frame.filter(pl.col("scope_id") == scope_id)
    return mine.filter(pl.col("shift_code").eq_missing(shift)) if "shift_code" in frame.columns else mine


def _hours(seconds: Any) -> str:
    return "-" if seconds is None else f"{float(seconds) / 3600:,.1f}"


def _percent(share: float | None) -> str:
    return "-" if share is None else f"{100 * share:,.1f} %"


def _money(row: Mapping[str, Any]) -> str:
    return "-" if row["money"] is None else f"{row['money']:,.0f} {row['currency']}"


def _table(*columns: str, left: int = 1) -> Table:
    from rich.table import Table

    table = Table(header_style="bold", box=None, pad_edge=False)
    for place, title in enumerate(columns):
        table.add_column(title, justify="left" if place < left or title == " " else "right", no_wrap=True)
    return table


def _waterfall(rows: Sequence[Mapping[str, Any]], has_money: bool) -> Table:
    """From calendar time to good time; a bar is what is left, with what went shaded at its end. Steps of nothing are left out."""
    table = _table(" ", "hours", "of planned", *(["worth"] if has_money else []), " ")
    whole, left = next(float(row["seconds"] or 0) for row in rows if row["bucket"] == "PBT"), 0.0
    for row in rows:
        if row["what"] != "LEVEL" and not row["seconds"] and row["why"] in (None, "ALL_SPLIT", "NO_STATES"):
            continue
        seconds = float(row["seconds"] or 0)
        is_level = row["what"] == "LEVEL"
        left = seconds if is_level else left - seconds
        # Above planned busy time a bar would only say how many shifts there are.
        bar = (
            ""
            if left > whole
            else "█" * _wide(left, whole) + ("" if is_level or left > whole else "░" * (_wide(left + seconds, whole) - _wide(left, whole)))
        )
        name = row["name"] if is_level else f"  - {row['name'][:1].lower() + row['name'][1:]}"
        cells = [
            name,
            _hours(row["seconds"]),
            _percent(row["share"]),
            *([_money(row) if row["what"] == "LOSS" else ""] if has_money else []),
            bar,
        ]
        table.add_row(*cells, style="bold" if is_level else None)
    return table


def _wide(seconds: float, whole: float) -> int:
    return round(BAR * max(0.0, seconds) / whole) if whole else 0


def _causes(rows: Sequence[Mapping[str, Any]], has_money: bool) -> Table:
    table = _table(" ", "hours", "of planned", *(["worth"] if has_money else []))
    for row in rows:
        if row["seconds"] or row["is_six"]:
            name = row["name"] if row["is_six"] else f"  {row['name']}"
            table.add_row(name, _hours(row["seconds"]), _percent(row["share"]), *([_money(row)] if has_money else []))
    return table


def _reasons(rows: Sequence[Mapping[str, Any]]) -> Table:
    table = _table("reason", " ", "hours", "of which minor", "stops", "failures", "share", "together", left=2)
    for row in rows:
        minor, stops, failures = (
            _hours(row["micro_s"]) if row["micro_s"] else "",
            *(f"{row[n]:,}" if row[n] else "" for n in ("stops", "failures")),
        )
        kind = " (planned)" if row["is_planned"] else f" ({CLASSES[row['time_class']]})" if row["time_class"] else ""
        table.add_row(
            row["reason_code"], f"{row['reason_name']}{kind}", _hours(row["seconds"]), minor, stops, failures, _percent(row["share"]),
            _percent(row["cumulative"]),
        )  # fmt: skip
    return table


def _unmapped(rows: Sequence[Mapping[str, Any]]) -> Table:
    table = _table("plant", "source", "source_code", "hours", "stops", left=3)
    for row in rows:
        table.add_row(row["plant_id"], row["source_system"], row["source_reason_code"], _hours(row["seconds"]), f"{row['stops']:,}")
    return table


def _point(rows: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    for row in rows:
        if row["value"] is None:
            continue
        how = [f"{row['units']:,.0f} pieces more"] if row["units"] else []
        how += [f"{row['hours_saved']:,.1f} planned hours less"] if row["hours_saved"] else []
        part = f", of {row['valued']:.0%} of the planned time" if row["valued"] < 1 else ""
        gained = f"{' and '.join(how) or 'nothing to gain'}{part}"
        yield f"\nOne point of OEE is worth {row['value']:,.0f} {row['currency']} in this period ({gained})."


def _why(waterfall: pl.DataFrame) -> Iterator[str]:
    """What is missing in the table and why, each reason once."""
    told: dict[str, list[str]] = {}
    for row in waterfall.rows(named=True):
        if row["why"] in EXPLAINED and (row["what"] == "LOSS" or row["seconds"] is None):
            told.setdefault(row["why"], []).append(row["name"])
    if told:
        yield ""
    for reason, names in told.items():
        about = "Money" if reason in ("NO_ECONOMICS", "NO_FX", "NO_CONTRIBUTION", "NO_AVOIDABLE_COST") else ", ".join(names)
        yield f"{about}: {EXPLAINED[reason]}."


def _missing(found: Losses) -> Iterator[str]:
    """Scopes of which OEE is missing, or is not of every unit."""
    for row in found.values.rows(named=True):
        flags = row["flags"] or []
        if row["value"] is None:
            yield f"{tables.name_of(row)}: no OEE: {tables.why(row)}."
        elif {"UNITS_PARTIAL", "PLANTS_PARTIAL"} & set(flags):
            plants = f" of {row['plants_in']} of {row['plants_of']} plants" if row["plants_of"] else ""
            yield f"{tables.name_of(row)}: {row['units_in']} of {row['units_of']} units{plants} take part; the others have no OEE."


def _beside(found: Losses) -> Table:
    """One line a scope: planned hours, OEE, and its losses in percent of planned time, the largest of all scopes first."""
    steps = found.waterfall.filter((pl.col("what") == "LOSS") & pl.col("seconds").is_not_null() & (pl.col("seconds") != 0))
    order = steps.group_by("bucket", "name").agg(pl.col("seconds").sum()).sort("seconds", descending=True).select("bucket", "name").rows()
    keys = found.values.select("scope_id", "shift_code").unique(maintain_order=True).rows()
    has_shift = any(shift is not None for _, shift in keys)
    table = _table(
        "scope", *(["shift"] if has_shift else []), "planned h", "OEE", *(SHORT[bucket] for bucket, _ in order), left=1 + has_shift
    )
    for scope_id, shift in keys:
        rows = {row["bucket"]: row for row in _of(found.waterfall, scope_id, shift).rows(named=True)}
        if not rows:
            continue
        name = tables.name_of(_of(found.values, scope_id, shift).row(0, named=True))
        cells = [_percent(rows[bucket]["share"]) if bucket in rows else "-" for bucket in ("GOOD", *(bucket for bucket, _ in order))]
        table.add_row(name, *([str(shift)] if has_shift else []), _hours(rows["PBT"]["seconds"]), *cells)
    return table


SHORT = {
    "ADET_EQ": "equipment", "ADET_ORG": "organisation", "AUST": "setup", "ADOT": "no order", "MICRO": "minor", "UNKNOWN": "unknown",
    "SPEED": "speed", "UNSPLIT": "not split", "START_UP": "start-up", "REJECTS": "rejects",
}  # fmt: skip
