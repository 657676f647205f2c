"""The workbook: what is published, for people who work in a spreadsheet. Ratios live, coverage beside each, definitions with it.

Here: which sheets there are and what each shows, made of one snapshot. Elsewhere: choosing plants and months (`publish.workbook_live`),
cells and tables (`publish.sheets`), the values (`publish.reader`), losses (`publish.losses`), what was restated (`publish.restated`).

The workbook is as old as the release that it shows, not as the moment it was written: read in one order (`Snapshot.in_order`), the same
snapshot gives the same bytes.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import cached_property
from pathlib import Path
from typing import Any

import polars as pl

from dbt_project.catalogue import published
from publish import loss_tables, restated, tables, workbook_live
from publish.losses import BUCKETS
from publish.reader import HEADLINE, Snapshot
from publish.scopes import Only
from publish.sheets import Book, Column

UNDATED = datetime(1980, 1, 1, tzinfo=UTC)
"""When a workbook of nothing was made."""
GRADES = (
    ("A", "Rests on almost complete data: confidence at least 0.95."), ("B", "Good: confidence at least 0.85."),
    ("C", "Use with care: confidence at least 0.70."),
    ("D", "Not to be ranked or acted on; or there is no value, and the words beside say why."),
)  # fmt: skip
READ = (
    "Every value stands with its coverage: the share of time, ideal rates, counts, units and plants that it knows something of.",
    "A value that the data cannot support is not there, and a word says why. An empty cell is unknown, never zero.",
    "Points are percentage points against the month before. A month with * is not over, or touches the newest data.",
    "Never average ratios, neither over plants nor over months: sheet Live sums the parts on both sides and divides last.",
    "Rank plants only where their values can be told apart: sheet KPI detail has the least and the most that each can be.",
)


@dataclass(frozen=True)
class Shown:
    """What the sheets are made of: one snapshot, asked once."""

    reader: Snapshot
    name: str
    asked: date | None = None
    """The month that is shown; None: the newest that is over."""

    @cached_property
    def release(self) -> dict[str, Any]:
        """The newest release; empty where there is none."""
        rows = self.reader.query("SELECT * FROM release ORDER BY release_id DESC LIMIT 1").to_dicts()
        return rows[0] if rows else {}

    @cached_property
    def months(self) -> list[date]:
        asked = "SELECT DISTINCT CAST(month AS DATE) AS month FROM mart_kpi_unit_month ORDER BY 1"
        return [row[0] for row in self.reader.rows(asked)]

    @cached_property
    def month(self) -> date:
        """The month that is asked for; else the newest that is over by the data; where none is, the newest."""
        if self.asked is not None:
            return self.asked
        watermark = self.release.get("watermark")
        over = [day for day in self.months if watermark is not None and _next(day) <= (watermark + timedelta(days=1)).date()]
        return (over or self.months or [date(1980, 1, 1)])[-1]

    @cached_property
    def over_time(self) -> pl.DataFrame:
        """Values by plant and of the portfolio by month: of the headline and the live KPIs all months, of the others this and the last."""
        return self.reader.query(
            """SELECT kpi_id, scope_type, scope_id, scope_name, period_start, CAST(NULL AS VARCHAR) AS shift_code, value,
                value_low, value_high, target, target_gap, numerator, denominator, coverage, grade, status,
                flags, rate_basis, plants_in, plants_of, units_in
            FROM kpi_value WHERE period_type = 'MONTH' AND profile = 'ISO' AND scope_type IN ('PLANT', 'PORTFOLIO')
                AND (list_contains(?, kpi_id) OR period_start IN (?, ?))""",
            [sorted({*HEADLINE, *workbook_live.KPIS}), self.month, self.before],
        ).sort("period_start", "scope_id", "kpi_id")

    @property
    def before(self) -> date:
        """The month before the one that is shown."""
        return (self.month - timedelta(days=1)).replace(day=1)

    @cached_property
    def values(self) -> pl.DataFrame:
        """Every KPI of the month with its value of the month before: of the portfolio, then by plant."""
        key = ["kpi_id", "scope_type", "scope_id"]
        then = self.over_time.filter(pl.col("period_start") == self.before).select(*key, pl.col("value").alias("previous"))
        about = self.reader.query("SELECT kpi_id, unit, name AS kpi_name FROM kpi_definition WHERE profile = 'ISO'")
        now = self.over_time.filter(pl.col("period_start") == self.month)
        return now.join(then, on=key, how="left").join(about, on="kpi_id", how="left").sort(
            pl.col("scope_type") != "PORTFOLIO", "scope_id", "kpi_id"
        )  # fmt: skip

    @cached_property
    def units(self) -> dict[str, str]:
        """The unit of each KPI."""
        return dict(self.reader.rows("SELECT kpi_id, unit FROM kpi_definition WHERE profile = 'ISO'"))

    @cached_property
    def status(self) -> pl.DataFrame:
        return self.reader.query("SELECT * FROM plant_status ORDER BY plant_id")


def _next(month: date) -> date:
    return (month.replace(day=28) + timedelta(days=4)).replace(day=1)


def write(reader: Snapshot, target: Path, name: str, by: str = "plant,month", month: date | None = None) -> None:
    """Writes the workbook of a snapshot. `by` names a scope and a period for the sheet of values over time, `month` that of the others."""
    shown = Shown(reader, name, month)
    book = Book(target, f"{name}: KPIs", shown.release.get("released_at") or UNDATED)
    try:
        cover = book.sheet("Start here", colour="#14365C")
        contents = [(_kpis(book, shown), "Plants and headline KPIs of the month, with change, target, coverage and grade")]
        parts = workbook_live.read(reader, shown.over_time)
        contents.append(
            (workbook_live.write_live(book, parts, shown.units, shown.month), "Any plants and months: live ratios, side by side")
        )
        contents.append((_trends(book, shown), "The portfolio by month, with charts"))
        contents.append((_losses(book, shown), "Where the time of a plant went, what it is worth, with a chart"))
        contents.append((_over_time(book, shown, by), f"KPIs by {by.replace(',', ' and ')}"))
        contents.append((_detail(book, shown), "Every KPI of the month: least and most, target, why there is no value"))
        contents.append((_health(book, shown), "How far the data of each plant goes, what was rejected, what is stale and why"))
        contents.append((_changes(book, shown), "What the newest release changed of what had been said, and why"))
        contents.append((_definitions(book), "What each KPI is"))
        if parts.choices:
            contents.append((workbook_live.write_parts(book, parts), "The sums that every ratio is made of, by plant and month"))
        _cover(book, cover, shown, contents)
    finally:
        book.close()


# --- the cover ----------------------------------------------------------------------------------------------------------------------------


def _cover(book: Book, sheet: Any, shown: Shown, contents: Sequence[tuple[str, str]]) -> None:
    sheet.set_column(0, 0, 26)
    sheet.set_column(1, 1, 110)
    book.write(sheet, 0, 0, shown.name, "title")
    row = 2
    for title, text in _about(shown):
        book.write(sheet, row, 0, title, "strong")
        book.write(sheet, row, 1, text)
        row += 1
    book.write(sheet, row + 1, 0, "What is where", "heading")
    row += 2
    for name, text in contents:
        # The one kind of link that there is: to a sheet whose name we gave.
        sheet.write_url(row, 0, f"internal:'{name}'!A1", book.format("link"), name)
        book.write(sheet, row, 1, text)
        row += 1
    book.write(sheet, row + 1, 0, "How to read it", "heading")
    row = book.lines(sheet, row + 2, READ)
    book.write(sheet, row + 1, 0, "Grades", "heading")
    for grade, text in GRADES:
        book.write(sheet, row + 2, 0, grade, "strong")
        book.write(sheet, row + 2, 1, text)
        row += 1
    book.write(
        sheet, row + 3, 0, "More than a sheet can hold (machines, shifts, days, older releases): kpi.duckdb, `plantlake sql`.", "note"
    )


def _about(shown: Shown) -> list[tuple[str, str]]:
    release, status = shown.release, shown.status
    if not release:
        return [("Published", "Nothing yet: run `plantlake refresh`.")]
    told = len(status.filter(pl.col("status") != "NO_DATA"))
    stale = status.filter(pl.col("status") == "STALE")["plant_id"].to_list()
    return [
        ("Release", f"{release['release_id']} of {release['released_at']:%Y-%m-%d %H:%M} UTC"),
        ("Newest data", f"{release['watermark']:%Y-%m-%d %H:%M} UTC" if release["watermark"] else "none"),
        ("Month shown", f"{shown.month:%Y-%m}" if shown.months else "none"),
        ("Plants", f"{told} of {len(status)} have data" + (f"; stale: {', '.join(stale)}" if stale else "; none is stale")),
    ]


# --- values -------------------------------------------------------------------------------------------------------------------------------


def said(row: Mapping[str, Any] | None) -> tuple[float | None, str]:
    """A value, or None and why."""
    if row is None:
        return None, "nothing arrived"
    return row["value"], "" if row["value"] is not None else tables.why(row)


def change(row: Mapping[str, Any] | None) -> float | None:
    """Against the month before: points of a ratio, else in the unit."""
    if row is None or row["value"] is None or row["previous"] is None:
        return None
    return float((100 if row["unit"] == "ratio" else 1) * (row["value"] - row["previous"]))


def unexplained(rows: Mapping[str, Mapping[str, Any]], kpis: Sequence[str]) -> str:
    """Which KPIs are missing and why: 'A E: no machine states are delivered'."""
    reasons: dict[str, list[str]] = {}
    for kpi in kpis:
        value, why = said(rows.get(kpi))
        if value is None:
            reasons.setdefault(why, []).append(kpi)
    return "; ".join(f"{' '.join(names)}: {why}" for why, names in reasons.items())


def _kpis(book: Book, shown: Shown) -> str:
    """One row a plant; the portfolio is the first."""
    name = "KPIs"
    sheet = book.sheet(name, colour="#14365C")
    known = shown.values.filter(pl.col("kpi_id").is_in(HEADLINE))
    aimed = [kpi for kpi in HEADLINE if known.filter((pl.col("kpi_id") == kpi) & pl.col("target").is_not_null()).height]
    rows = []
    for (_, scope), group in known.group_by(["scope_type", "scope_id"], maintain_order=True):
        of = {row["kpi_id"]: row for row in group.iter_rows(named=True)}
        lead = of.get("OEE") or next(iter(of.values()))
        row: dict[str, Any] = {"scope": scope, "name": lead["scope_name"]}
        for kpi in HEADLINE:
            found = of.get(kpi)
            row |= {kpi: said(found)[0], f"{kpi} change": change(found)}
            if kpi in aimed:
                row |= {f"{kpi} target": found and found["target"]}
        preliminary = "PRELIMINARY" in (lead["status"], *(lead["flags"] or ()))
        row |= {"coverage": lead["coverage"], "grade": lead["grade"] + ("*" if preliminary else ""), "missing": unexplained(of, HEADLINE)}
        rows.append(row)
    columns = [Column("scope", "plant", width=14), Column("name", "name", width=26)]
    for kpi in HEADLINE:
        columns += [Column(kpi, kpi, "percent", 9), Column(f"{kpi} change", f"{kpi} change", "points", 9)]
        columns += [Column(f"{kpi} target", f"{kpi} target", "percent", 8)] if kpi in aimed else []
    columns += [
        Column("coverage", "OEE coverage", "share", 10),
        Column("grade", "OEE grade", "centre", 7),
        Column("missing", "no value, and why", "wrap", 40),
    ]
    frame = pl.DataFrame(rows, schema=_schema(columns), orient="row")
    book.write(sheet, 0, 0, f"KPIs of {shown.month:%Y-%m}" if rows else "KPIs", "title")
    book.write(
        sheet, 1, 0, "Change: percentage points against the month before. Coverage and grade of every other KPI: sheet KPI detail.", "note"
    )
    after = book.table(
        sheet, 3, frame, columns, name="kpis", frozen=2, empty="No plant has values yet; sheet Data health says how far the data goes."
    )
    if rows:
        book.write(sheet, after + 1, 0, "Written of the snapshot, not live; sheet Live has the same values as formulas.", "note")
        sheet.conditional_format(4, 2, after - 1, 2, {"type": "data_bar", "bar_color": "#9DC3E6", "bar_solid": True, "min_type": "num",
                                                      "min_value": 0, "max_type": "num", "max_value": 1})  # fmt: skip
    return name


def _schema(columns: Sequence[Column]) -> dict[str, Any]:
    texts = ("text", "centre", "wrap")
    others: dict[str, Any] = {"month": pl.Date, "day": pl.Date, "whole": pl.Int64}
    return {column.name: pl.String if column.format in texts else others.get(column.format, pl.Float64) for column in columns}


def _over_time(book: Book, shown: Shown, by: str) -> str:
    """Values by a scope and a period; ratios, so not to be averaged."""
    scope, period, _ = shown.reader.asked(by, Only())
    name = f"By {scope.lower()} and {period.lower()}"
    sheet = book.sheet(name)
    frame = _wide(_rows_of(shown, scope, period)).sort("period_start", "scope_id", "shift_code", descending=[True, False, False])
    columns = [
        Column("scope_id", scope.lower(), width=16), Column("scope_name", "name", width=28),
        Column("period_start", period.lower(), "month" if period == "MONTH" else "day", 11),
    ]  # fmt: skip
    columns += [Column("shift_code", "shift", width=8)] if period == "SHIFT" else []
    columns += [Column(kpi, kpi, "percent", 10) for kpi in HEADLINE]
    columns += [
        Column("coverage", "OEE coverage", "share", 10),
        Column("grade", "OEE grade", "centre", 7),
        Column("status", "OEE status", width=16),
    ]
    book.write(sheet, 0, 0, name, "title")
    book.write(sheet, 1, 0, "Ratios: do not average them. Newest first. An empty cell is not computable.", "note")
    more = f"plantlake kpi --by {scope.lower()},{period.lower()} --out FILE.csv has all of them"
    book.table(sheet, 3, frame, columns, name="over_time", frozen=3, more=more)
    return name


def _rows_of(shown: Shown, scope: str, period: str) -> pl.DataFrame:
    """The headline KPIs of every scope and period of a kind."""
    if (scope, period) == ("PLANT", "MONTH"):
        return shown.over_time.filter((pl.col("scope_type") == "PLANT") & pl.col("kpi_id").is_in(HEADLINE))
    return shown.reader.query(
        """SELECT kpi_id, scope_id, scope_name, period_start, shift_code, value, coverage, grade, status, plants_in, plants_of
        FROM kpi_value WHERE scope_type = ? AND period_type = ? AND profile = 'ISO' AND list_contains(?, kpi_id)""",
        [scope, period, list(HEADLINE)],
    )


def _wide(frame: pl.DataFrame) -> pl.DataFrame:
    """One row a scope and period: a column a headline KPI, and what OEE rests on."""
    lead = pl.col("kpi_id") == "OEE"
    return frame.group_by("scope_id", "period_start", "shift_code").agg(
        pl.col("scope_name").max(),
        *(pl.col("value").filter(pl.col("kpi_id") == kpi).first().alias(kpi) for kpi in HEADLINE),
        *(pl.col(name).filter(lead).first() for name in ("coverage", "grade", "status", "plants_in", "plants_of")),
    )


def _detail(book: Book, shown: Shown) -> str:
    name = "KPI detail"
    sheet = book.sheet(name)
    rows = [
        {
            "scope": row["scope_id"], "name": row["scope_name"], "kpi": row["kpi_id"], "what": row["kpi_name"], "value": row["value"],
            "unit": row["unit"], "low": row["value_low"], "high": row["value_high"], "change": change(row), "target": row["target"],
            "gap": row["target_gap"], "coverage": row["coverage"], "grade": row["grade"], "status": row["status"],
            "why": tables.why(row) if row["value"] is None else "", "basis": row["rate_basis"],
        }
        for row in shown.values.iter_rows(named=True)
    ]  # fmt: skip
    columns = [
        Column("scope", "plant", width=14), Column("name", "name", width=26), Column("kpi", "KPI", width=17),
        Column("what", "what", width=32), Column("value", "value", "exact", 11), Column("unit", "unit", width=10),
        Column("low", "least", "exact", 10), Column("high", "most", "exact", 10),
        Column("change", "change (points or unit)", "move", 11), Column("target", "target", "exact", 9),
        Column("gap", "to target", "exact", 9), Column("coverage", "coverage", "share", 10), Column("grade", "grade", "centre", 7),
        Column("status", "status", width=16), Column("why", "why there is no value", width=36),
        Column("basis", "basis of ideal rates", width=24),
    ]  # fmt: skip
    book.write(sheet, 0, 0, f"Every KPI of {shown.month:%Y-%m}" if rows else "Every KPI", "title")
    book.write(sheet, 1, 0, "Ratios stand as fractions: 0.65 is 65 %. Two plants differ only where least to most do not overlap.", "note")
    book.table(sheet, 3, pl.DataFrame(rows, schema=_schema(columns), orient="row"), columns, name="detail", frozen=3)
    return name


def _of_portfolio(shown: Shown) -> pl.DataFrame:
    return shown.over_time.filter((pl.col("scope_type") == "PORTFOLIO") & pl.col("kpi_id").is_in(HEADLINE))


def _trends(book: Book, shown: Shown) -> str:
    """The portfolio by month, with a chart of each headline KPI."""
    name = "Trends"
    sheet = book.sheet(name)
    frame = _wide(_of_portfolio(shown)).sort("period_start")
    columns = [
        Column("period_start", "month", "month", 11), *(Column(kpi, kpi, "percent", 11) for kpi in HEADLINE),
        Column("coverage", "OEE coverage", "share", 11), Column("plants_in", "plants in OEE", "whole", 9),
        Column("plants_of", "of plants", "whole", 9),
    ]  # fmt: skip
    book.write(sheet, 0, 0, "The portfolio by month", "title")
    book.write(sheet, 1, 0, "Sums over all plants, divided last. A trend means something only while the plants in it are the same.", "note")
    after = book.table(sheet, 3, frame, columns, name="trend", frozen=1)
    for place, kpi in enumerate(HEADLINE if len(frame) else ()):
        chart = book.chart(type="line")
        chart.add_series({"name": kpi, "categories": [name, 4, 0, after - 1, 0], "values": [name, 4, place + 1, after - 1, place + 1],
                          "line": {"color": "#14365C", "width": 2.25}, "marker": {"type": "circle", "size": 5}})  # fmt: skip
        chart.set_title({"name": kpi, "name_font": {"size": 11}})
        chart.set_y_axis({"num_format": "0%", "major_gridlines": {"visible": True, "line": {"color": "#D9D9D9"}}})
        chart.set_x_axis({"date_axis": len(frame) > 1, "num_format": "yyyy-mm"})
        chart.set_legend({"none": True})
        chart.set_size({"width": 400, "height": 220})
        about = f"{kpi} of the portfolio by month, as in the table"
        sheet.insert_chart(after + 1 + 12 * (place // 3), 5 * (place % 3), chart, {"description": about})
    return name


# --- losses -------------------------------------------------------------------------------------------------------------------------------

STEPS = [
    (step, bucket, name) for step, (bucket, what, name, _) in enumerate(BUCKETS, start=1) if what == "LOSS" or bucket in ("PBT", "GOOD")
]
"""The steps of the waterfall: planned busy time, the losses, good time."""


def _losses(book: Book, shown: Shown) -> str:
    name = "Losses"
    sheet = book.sheet(name)
    book.write(sheet, 0, 0, f"Where planned time went in {shown.month:%Y-%m}" if shown.months else "Where planned time went", "title")
    frames = [
        shown.reader.query(f"SELECT '{kind}' AS kind, * FROM loss_waterfall('{kind}', 'MONTH', DATE '{shown.month}')")
        for kind in (("PORTFOLIO", "PLANT") if shown.months else ())
    ]
    if not frames or not sum(map(len, frames)):
        book.write(sheet, 2, 0, "No plant knows its plan, its output and its ideal rates in this month: no waterfall can be drawn.", "note")
        return name
    found = pl.concat(frames, how="vertical_relaxed").with_columns(
        (pl.col("seconds").cast(pl.Float64) / 3600).alias("hours"), pl.col("why").replace(loss_tables.EXPLAINED | {"ALL_SPLIT": None}),
        pl.col("valued").cast(pl.Float64),
    )  # fmt: skip
    top = 6 + len(STEPS)
    columns = [
        Column("scope_id", "plant", width=30), Column("scope_name", "name", width=28), Column("step", "step", "whole", 13),
        Column("name", "bucket", width=28), Column("what", "what", width=14), Column("hours", "hours", "number", 12),
        Column("money", "money", "whole", 14), Column("currency", "currency", width=9),
        Column("valued", "share of hours valued", "share", 10), Column("why", "what is missing", width=60),
    ]  # fmt: skip
    book.write(sheet, 1, 0, "Losses sum to planned busy time less good time, exactly. LEVEL: time that is left; OUT: planned out.", "note")
    book.table(sheet, top + 15, found, columns, name="losses", frozen=1)
    sheet.freeze_panes(0, 0)
    _waterfall(book, sheet, name, found)
    return name


def _waterfall(book: Book, sheet: Any, name: str, found: pl.DataFrame) -> None:
    """The waterfall of the plant that is chosen, over the table below, with a chart."""
    scopes = found["scope_id"].unique(maintain_order=True).to_list()
    book.write(sheet, 3, 0, scopes[0], "choice")
    book.write(sheet, 3, 1, "← choose a plant (or the portfolio)", "note")
    for row, scope in enumerate(scopes):
        book.write(sheet, row, 25, scope)
    sheet.set_column(25, 25, 12, None, {"hidden": True})
    sheet.data_validation(3, 0, 3, 0, {"validate": "list", "source": f"=$Z$1:$Z${len(scopes)}"})
    for place, head in enumerate(("step", "", "hours", "hours below", "share of planned time", "money")):
        book.write(sheet, 4, place, head, "header")
    mine = {row["step"]: row for row in found.filter(pl.col("scope_id") == scopes[0]).iter_rows(named=True)}
    planned = mine.get(STEPS[0][0], {}).get("hours")
    left = planned or 0.0
    for row, (step, bucket, title) in enumerate(STEPS, start=5):
        hours, money = (mine.get(step, {}).get(column) for column in ("hours", "money"))
        is_whole = bucket in ("PBT", "GOOD")
        left -= 0.0 if is_whole else hours or 0.0
        at, matching = row + 1, f"losses[plant],$A$4,losses[step],{step}"
        below = "=0" if is_whole else f"=IF(ISNUMBER($C$6),$C$6,0)-SUM($C$7:$C{at})"
        cells = (
            (f'=IF(COUNTIFS({matching},losses[hours],"<>")=0,"not known",SUMIFS(losses[hours],{matching}))', "number", hours, "not known"),
            (below, "number", 0.0 if is_whole else left, ""),
            (f'=IF(AND(ISNUMBER($C{at}),ISNUMBER($C$6)),IF($C$6=0,"",$C{at}/$C$6),"")', "percent",
             hours / planned if hours is not None and planned else None, ""),
            (f'=IF(COUNTIFS({matching},losses[money],"<>")=0,"",SUMIFS(losses[money],{matching}))', "whole", money, ""),
        )  # fmt: skip
        book.write(sheet, row, 0, title)
        for place, (formula, form, value, otherwise) in enumerate(cells, start=2):
            sheet.write_formula(row, place, formula, book.format(form), otherwise if value is None else value)
    about = {"description": "From planned busy time through each loss to good time, in hours; the table beside has the numbers."}
    sheet.insert_chart(3, 6, _waterfall_chart(book, name), about)


def _waterfall_chart(book: Book, name: str) -> Any:
    end = 4 + len(STEPS)
    chart, categories = book.chart(type="column", subtype="stacked"), [name, 5, 0, end, 0]
    whole = {"fill": {"color": "#14365C"}}
    chart.add_series({"categories": categories, "values": [name, 5, 3, end, 3], "fill": {"none": True}, "border": {"none": True}})
    chart.add_series({"name": "hours", "categories": categories, "values": [name, 5, 2, end, 2], "fill": {"color": "#C55A11"}, "gap": 40,
                      "points": [whole, *([None] * (len(STEPS) - 2)), whole],
                      "data_labels": {"value": True, "num_format": "#,##0", "font": {"size": 8}}})  # fmt: skip
    chart.set_title({"name": [name, 3, 0], "name_font": {"size": 12}})
    chart.set_y_axis({"name": "hours", "num_format": "#,##0", "major_gridlines": {"visible": True, "line": {"color": "#D9D9D9"}}})
    chart.set_legend({"none": True})
    chart.set_size({"width": 780, "height": 420})
    return chart


# --- trust --------------------------------------------------------------------------------------------------------------------------------


def _health(book: Book, shown: Shown) -> str:
    name = "Data health"
    sheet = book.sheet(name)
    columns = [
        Column("plant_id", "plant", width=14), Column("plant_name", "name", width=28), Column("company", "company", width=22),
        Column("owner", "owner", width=22), Column("status", "status", width=10), Column("data_to", "data to (UTC)", "moment", 17),
        Column("refreshed_at", "refreshed (UTC)", "moment", 17), Column("exports", "exports", "whole", 9),
        Column("failed_exports", "failed exports", "whole", 9), Column("records_read", "records read", "whole", 12),
        Column("rejected", "records rejected", "whole", 10), Column("stale_since", "stale since (UTC)", "moment", 17),
        Column("stale_reason", "why", width=60),
    ]  # fmt: skip
    book.write(sheet, 0, 0, "Data health", "title")
    book.write(sheet, 1, 0, "A stale plant keeps its last good numbers until somebody has mended what the last column says.", "note")
    book.table(sheet, 3, shown.status, columns, name="status", frozen=2, empty="There is no plant in this portfolio.")
    return name


def _changes(book: Book, shown: Shown) -> str:
    """What had been said before the newest release and is another now."""
    name = "What changed"
    sheet = book.sheet(name)
    book.write(sheet, 0, 0, "What the newest release changed", "title")
    number = int(shown.release.get("release_id") or 0)
    before = shown.reader.rows("SELECT max(release_id) FROM release WHERE release_id < ?", [number])[0][0] if number else None
    if before is None:
        book.write(sheet, 2, 0, "Nothing was said before it.", "note")
        return name
    book.write(
        sheet,
        1,
        0,
        f"Release {number} against release {before}: months that had been spoken of. Months that are new are no change.",
        "note",
    )
    first, last = shown.reader.rows(
        """SELECT date_trunc('month', min(coalesce(first_day, DATE '0001-01-01'))), max(coalesce(last_day, DATE '9999-12-31'))
        FROM release_cause WHERE release_id = ?""", [number])[0]  # fmt: skip
    if first is None:
        book.write(sheet, 3, 0, "No value that had been said has changed.", "note")
        return name
    found = restated.restated(shown.reader, before, list(HEADLINE), "PLANT", "MONTH", days=(first, last))
    book.table(sheet, 3, moved(found), MOVED, name="changes", frozen=3, empty="No value that had been said has changed.")
    return name


MOVED = [
    Column("plant", "plant", width=14), Column("month", "month", "month", 10), Column("kpi", "KPI", width=12),
    Column("unit", "unit", width=8), Column("then", "then", "exact", 10), Column("now", "now", "exact", 10),
    Column("difference", "difference (points or unit)", "move", 12), Column("release", "moved by release", "whole", 9),
    Column("causes", "causes", width=60), Column("exports", "exports", width=60),
]  # fmt: skip
"""The columns of a table of restated values."""


def moved(found: pl.DataFrame) -> pl.DataFrame:
    """Restated values as people read them: MOVED."""
    rows = []
    for row in found.iter_rows(named=True):
        factor = 100 if row["unit"] == "ratio" else 1
        releases = row["releases"]
        rows.append({
            "plant": row["scope_id"], "month": row["period_start"], "kpi": row["kpi_id"], "unit": row["unit"], "then": row["value_then"],
            "now": row["value_now"],
            "difference": None if row["difference"] is None else factor * row["difference"],
            "release": releases[-1]["release_id"] if releases else None,
            "causes": "; ".join(dict.fromkeys(cause for release in releases for cause in release["causes"]))
            or "no part of it changed: what belongs to the scope, or a setting, did",
            "exports": ", ".join(dict.fromkeys(name for release in releases for name in release["exports"])),
        })  # fmt: skip
    return pl.DataFrame(rows, schema=_schema(MOVED), orient="row")


def _definitions(book: Book) -> str:
    name = "Definitions"
    sheet = book.sheet(name)
    rows = [
        {
            "id": kpi["id"], "name": kpi["name"], "unit": kpi["unit"], "formula": kpi["formula"], "definition": kpi["definition"],
            "trend": {"HIGHER": "more is better", "LOWER": "less is better", "TARGET": "best at its target"}[kpi["trend"]],
            "rollup": kpi["rollup"], "not": kpi["not_comparable_when"], "standard": kpi["standard"],
        }
        for kpi in published()["kpis"]
    ]  # fmt: skip
    columns = [
        Column("id", "KPI", "wrap", 17), Column("name", "name", "wrap", 28), Column("unit", "unit", "wrap", 10),
        Column("formula", "formula", "wrap", 36), Column("definition", "definition", "wrap", 60), Column("trend", "trend", "wrap", 14),
        Column("rollup", "how it is summed", "wrap", 40), Column("not", "not comparable when these differ", "wrap", 40),
        Column("standard", "standard", "wrap", 24),
    ]  # fmt: skip
    book.write(sheet, 0, 0, "Definitions", "title")
    book.table(sheet, 2, pl.DataFrame(rows, schema=_schema(columns), orient="row"), columns, name="definitions", frozen=1)
    return name
