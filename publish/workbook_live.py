"""The live sheet of the workbook: choose plants and months, and every ratio is SUMIFS over SUMIFS of the parts, divided last.

Here: the parts by plant and month, the choices, the formulas, and the same answers computed here, which stand in the cells so that a
viewer that does not calculate shows them too. Elsewhere: the other sheets (`publish.workbook`), cells and tables (`publish.sheets`).

A formula gives no value where `kpi_value` gives none: nothing below the line, ideal rates that cover too little, no counts.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from functools import cached_property
from typing import TYPE_CHECKING, Any

import polars as pl

from dbt_project import value_sql
from dbt_project.catalogue import Kpi, catalogue
from publish.sheets import Book, Column, legible

if TYPE_CHECKING:
    from publish.reader import Snapshot

KPIS = ("OEE", "A", "E", "Q", "QC", "OOE", "TEEP", "COVERAGE", "SCRAP", "MTBF", "MTTR")
"""KPIs whose two sides are sums of parts over any plants and months."""
TREND = KPIS[:-2]
COVERAGE = {
    "known time s": "told_pbt_s - coalesce(unknown_s, 0)", "told time s": "told_pbt_s",
    "rated run s": "rate_known_in_s", "run to be rated s": "rate_in_s", "rated run of all s": "rate_known_s", "run of all s": "rate_base_s",
    "shifts with counts": "reported_count_shifts", "shifts expected": "expected_count_shifts", "units": "units_of",
}  # fmt: skip
"""Columns of the parts that the coverage is made of, and their sums in `value_sql`."""
ALL, NOBODY = "All plants", "(no company)"
NONE, PARTIAL = "not computable", "ideal rates cover too little"
SIDES = ("left", "right")


@dataclass(frozen=True)
class Choice:
    """Something that can be chosen: the plants of it, and the criteria that find them."""

    label: str
    plant: str = "*"
    company: str = "*"
    plants: int = 0
    """How many plants it should have; 0: it is a plant."""
    need: float = 0.0
    """The least coverage of the ideal rates with which a value that needs them is given."""


@dataclass(frozen=True)
class Answer:
    """A KPI of a choice and span of months."""

    numerator: float
    denominator: float
    value: float | str
    coverage: float | None


@dataclass(frozen=True)
class Parts:
    """The parts by plant and month, and what can be chosen of them."""

    frame: pl.DataFrame
    choices: list[Choice] = field(default_factory=list)

    @cached_property
    def months(self) -> list[date]:
        return self.frame["month"].unique().sort().to_list()

    def rows(self, choice: Choice, first: date, last: date) -> pl.DataFrame:
        """The rows that the criteria of a choice find."""
        found = self.frame.filter(pl.col("month").is_between(first, last))
        for column, criterion in (("plant", choice.plant), ("company", choice.company)):
            if criterion != "*":
                found = found.filter(pl.col(column).str.to_lowercase() == re.sub(r"~([~*?])", r"\1", criterion[1:]).lower())
        return found

    def covered(self, choice: Choice, rows: pl.DataFrame, months: int) -> dict[str, float | None]:
        """Shares of what a choice should have: known time, ideal rates, counts, plants."""
        of = {name: float(rows[name].sum() or 0) for name in COVERAGE}
        rates = _share(of["rated run s"], of["run to be rated s"])
        return {
            "time": _share(of["known time s"], of["told time s"]),
            "rate": rates if rates is not None else _share(of["rated run of all s"], of["run of all s"]),
            "count": _share(of["shifts with counts"], of["shifts expected"]),
            "plants": _share(len(rows), choice.plants * months if choice.plants else len(rows)),
        }

    def answer(self, kpi: Kpi, choice: Choice, first: date, last: date) -> Answer:
        """What the formulas of a KPI give; the cells hold it."""
        rows = self.rows(choice, first, last)
        covered = self.covered(choice, rows, sum(first <= month <= last for month in self.months))
        over, under, units = (float(rows[f"{kpi.kpi_id} {of}"].sum() or 0) for of in ("numerator", "denominator", "units"))
        share = _share(units, float(rows["units"].sum() or 0))
        counted = [covered[name] for name in ("time", *_rests_on(kpi), "plants")]
        coverage = None if share is None else _product([share, *(1.0 if part is None else part for part in counted)])
        return Answer(over, under, self._value(kpi, choice, covered, over, under), coverage)

    def _value(self, kpi: Kpi, choice: Choice, covered: Mapping[str, float | None], over: float, under: float) -> float | str:
        if under == 0 or any(covered[name] == 0 for name in _needs(kpi)):
            return NONE
        if kpi.about.get("withheld") and covered["rate"] is not None and covered["rate"] < choice.need:
            return PARTIAL
        return over / under


def _share(part: float, whole: float) -> float | None:
    return part / whole if whole else None


def _product(numbers: Iterable[float]) -> float:
    found = 1.0
    for number in numbers:
        found *= number
    return found


def _rests_on(kpi: Kpi) -> list[str]:
    """The shares, besides known time and plants, that its coverage is made of."""
    uses = value_sql.uses(kpi)
    return [name for name, word in (("rate", "uses_rate"), ("count", "uses_counts")) if uses[word]]


def _needs(kpi: Kpi) -> list[str]:
    """The shares that must not be nothing."""
    return [*_rests_on(kpi), *(["time"] if kpi.high is not None else [])]


def kpis() -> list[Kpi]:
    """The KPIs of the live sheet, in its order."""
    found = {kpi.kpi_id: kpi for kpi in catalogue() if kpi.profile == "ISO"}
    return [found[name] for name in KPIS]


# --- the parts ----------------------------------------------------------------------------------------------------------------------------


def read(reader: Snapshot, values: pl.DataFrame) -> Parts:
    """The parts by plant and month: both sides of each KPI and the units in it (of `values`), and what its coverage is made of."""
    of = ("numerator", "denominator", "units_in")
    sides = [
        pl.col(column).filter(pl.col("kpi_id") == kpi).first().cast(pl.Float64).alias(f"{kpi} {column.removesuffix('_in')}")
        for kpi in KPIS
        for column in of
    ]
    frame = (
        values.filter((pl.col("scope_type") == "PLANT") & pl.col("kpi_id").is_in(KPIS))
        .group_by(pl.col("scope_id").alias("plant"), pl.col("period_start").alias("month"))
        .agg(sides)
    )
    ctes = [("unit_month", "SELECT * FROM mart_kpi_unit_month"), *value_sql.plant_month_ctes(str)]
    sums = ", ".join(f'CAST({sql} AS DOUBLE) AS "{title}"' for title, sql in COVERAGE.items())
    covered = reader.query(
        f"WITH {', '.join(f'{name} AS ({sql})' for name, sql in ctes)} SELECT plant_id AS plant, period_start AS month, {sums},"
        " min_rate_coverage AS need FROM plant_part WHERE scope_type = 'PLANT' AND period_type = 'MONTH'"
    )
    companies = reader.query("SELECT plant_id AS plant, company, plant_name AS name FROM plant")
    shown = distinct([name for name in companies["company"].unique().sort().to_list() if name])
    named = companies.with_columns(pl.col("company").replace_strict(shown, default=NOBODY, return_dtype=pl.String))
    joined = frame.join(covered, on=["plant", "month"], how="inner").join(named, on="plant", how="left").sort("month", "plant")
    joined = joined.with_columns(pl.col("company").fill_null(NOBODY), pl.col("name").fill_null(pl.col("plant")))
    return Parts(joined, _choices(joined, named, shown.values()))


def distinct(names: Sequence[str]) -> dict[str, str]:
    """Names as a criterion can tell them apart: not by case, and in 120 characters.

    >>> distinct(["Acme", "ACME", "=1+1"])
    {'Acme': 'Acme', 'ACME': 'ACME (2)', '=1+1': '=1+1'}
    """
    found: dict[str, str] = {}
    taken = {NOBODY.casefold()}
    for name in names:
        plain, number = legible(name, 120), 1
        label = plain
        while label.casefold() in taken:
            number += 1
            label = f"{plain} ({number})"
        taken.add(label.casefold())
        found[name] = label
    return found


def _choices(frame: pl.DataFrame, named: pl.DataFrame, companies: Iterable[str]) -> list[Choice]:
    """All plants, the companies, the plants. A plant that has no month yet is no choice, but is missing in those that it belongs to."""
    if frame.is_empty():
        return []

    def need(where: pl.Expr) -> float:
        return float(frame.filter(where)["need"].max() or 0)  # type: ignore[arg-type]

    found = [Choice(ALL, plants=len(named), need=need(pl.lit(True)))]
    for company in companies:
        plants = len(named.filter(pl.col("company") == company))
        if plants and company in frame["company"]:
            found.append(Choice(f"company: {company}", company=criterion(company), plants=plants, need=need(pl.col("company") == company)))
    for plant in frame["plant"].unique().sort().to_list():
        found.append(Choice(plant, plant=criterion(plant), need=need(pl.col("plant") == plant)))
    return found


def criterion(text: str) -> str:
    """A criterion of SUMIFS that finds this text and no other.

    >>> criterion("=cmd"), criterion("A*?~")
    ('==cmd', '=A~*~?~~')
    """
    return "=" + re.sub(r"([~*?])", r"~\1", text)


# --- the sheets ---------------------------------------------------------------------------------------------------------------------------


def columns() -> list[Column]:
    """The columns of the parts."""
    found = [Column("plant", "plant", width=14), Column("name", "plant name", width=28), Column("company", "company", width=22),
             Column("month", "month", "month", 10)]  # fmt: skip
    for kpi in KPIS:
        found += [
            Column(f"{kpi} {of}", f"{kpi} {of}", "exact" if of != "units" else "whole", 15) for of in ("numerator", "denominator", "units")
        ]
    return found + [Column(name, name, "whole", 14) for name in COVERAGE]


def write_parts(book: Book, parts: Parts) -> str:
    """The sheet of parts; its name. Its rows begin in the second row."""
    sheet = book.sheet("Parts", colour="#7F7F7F")
    book.table(sheet, 0, parts.frame, columns(), name="parts", frozen=4, empty="No plant has a month of parts yet.")
    return "Parts"


@dataclass(frozen=True)
class Cells:
    """Where the live sheet has what: rows from 0."""

    kpi: int = 9
    """The first KPI."""

    @property
    def covered(self) -> int:
        return self.kpi + len(KPIS) + 2

    @property
    def trend(self) -> int:
        return self.covered + 7

    def at(self, side: str, row: int, place: int = 0) -> str:
        """A cell of a side: 0 numerator, 1 denominator, 2 value, 3 coverage."""
        return f"${('CDEF' if side == 'left' else 'GHIJ')[place]}${row + 1}"


AT = Cells()
SHARES = {
    "time": "Planned time of which something is known", "rate": "Run time with an ideal rate", "count": "Shifts whose counts arrived",
    "plants": "Plants and months with data",
}  # fmt: skip


def sums(column: str, side: str) -> str:
    """The sum of a column of the parts over what a side chose."""
    return f"SUMIFS(parts[{column}],{_criteria(side)})"


def _criteria(side: str, month: str | None = None) -> str:
    of = f"parts[plant],{side}_plant,parts[company],{side}_company"
    return f"{of},parts[month],{month}" if month else f"{of},parts[month],{side}_from,parts[month],{side}_to"


def share_formula(name: str, side: str, total: Any) -> str:
    """The formula of a share; `total` sums a column. It is empty where there is nothing to have a share of."""
    if name == "plants":
        return f'IF({side}_expected=0,"",{side}_rows/{side}_expected)'
    part, whole = {"time": ("known time s", "told time s"), "rate": ("rated run s", "run to be rated s"),
                   "count": ("shifts with counts", "shifts expected")}[name]  # fmt: skip
    otherwise = '""'
    if name == "rate":
        otherwise = f'IF({total("run of all s")}=0,"",{total("rated run of all s")}/{total("run of all s")})'
    return f"IF({total(whole)}=0,{otherwise},{total(part)}/{total(whole)})"


def value_formula(kpi: Kpi, side: str, row: int) -> str:
    """The ratio of the two sums beside it, or why there is none."""
    over, under = AT.at(side, row, 0), AT.at(side, row, 1)
    shares = {name: AT.at(side, AT.covered + place, 2) for place, name in enumerate(SHARES)}
    nothing = [f"{under}=0", *(f"IF(ISNUMBER({shares[name]}),{shares[name]}=0,FALSE)" for name in _needs(kpi))]
    found = f"{over}/{under}"
    if kpi.about.get("withheld"):
        found = f'IF(IF(ISNUMBER({shares["rate"]}),{shares["rate"]}<{side}_need,FALSE),"{PARTIAL}",{found})'
    return f'IF(OR({",".join(nothing)}),"{NONE}",{found})'


def coverage_formula(kpi: Kpi, side: str) -> str:
    """Units that take part, times every share that the KPI rests on."""
    shares = {name: AT.at(side, AT.covered + place, 2) for place, name in enumerate(SHARES)}
    factors = [f"IF(ISNUMBER({shares[name]}),{shares[name]},1)" for name in ("time", *_rests_on(kpi), "plants")]
    units = sums("units", side)
    return f'IF({units}=0,"",{sums(f"{kpi.kpi_id} units", side)}/{units}*{"*".join(factors)})'


def write_live(book: Book, parts: Parts, units: Mapping[str, str], month: date) -> str:
    """The live sheet and the lists that it chooses from; the name of the sheet. `month` is what it shows first."""
    sheet = book.sheet("Live", colour="#BF9000")
    book.write(sheet, 0, 0, "Any plants, any months", "title")
    if not parts.choices:
        book.write(sheet, 2, 0, "No plant has a month of parts yet.", "note")
        return "Live"
    book.lines(sheet, 1, [
        "Choose in the yellow cells. Every ratio is a sum of parts over a sum of parts (sheet Parts), divided last: never average ratios.",
        "Left and right may be any plant, company or all plants, over any months.",
    ], "note")  # fmt: skip
    chosen = {"left": parts.choices[0], "right": parts.choices[-1]}
    _lists(book, parts, chosen, month)
    _choose(book, sheet, parts, chosen, month)
    _answers(book, sheet, parts, units, chosen, month)
    _covered(book, sheet, parts, chosen, month)
    _trend(book, sheet, parts, chosen)
    for first, last, width in ((0, 0, 46), (1, 1, 7), (2, 3, 14), (4, 4, 14), (5, 5, 10), (6, 7, 14), (8, 8, 14), (9, 9, 10), (10, 10, 11)):
        sheet.set_column(first, last, width)
    sheet.freeze_panes(AT.kpi, 1)
    sheet.repeat_rows(AT.kpi - 1)
    return "Live"


def _lists(book: Book, parts: Parts, chosen: Mapping[str, Choice], month: date) -> None:
    """What can be chosen, and what the choice means: criteria of SUMIFS, by name."""
    sheet = book.sheet("Lists", colour="#7F7F7F")
    sheet.hide()
    heads = ["choice", "plant criterion", "company criterion", "plants", "least rate coverage", "months", "trend KPI", "numerator column",
             "denominator column", "rests on rates", "withheld", "rests on counts", "rests on known time"]  # fmt: skip
    for place, head in enumerate(heads):
        book.write(sheet, 0, place, head, "header")
    for row, choice in enumerate(parts.choices, start=1):
        for place, value in enumerate((choice.label, choice.plant, choice.company, choice.plants, choice.need)):
            book.write(sheet, row, place, value)
    for row, day in enumerate(parts.months, start=1):
        book.write(sheet, row, 5, day, "month")
    titles = [column.title for column in columns()]
    for row, kpi_id in enumerate(TREND, start=1):
        for at, value in enumerate((kpi_id, *_trend_row(kpi_id, titles)), start=6):
            book.write(sheet, row, at, value)
    sheet.set_column(0, 12, 18)
    sheet.freeze_panes(1, 0)
    last, months = len(parts.choices) + 1, len(parts.months) + 1
    book.name("choices", f"=Lists!$A$2:$A${last}")
    book.name("months", f"=Lists!$F$2:$F${months}")
    book.name("trend_kpis", f"=Lists!$G$2:$G${len(TREND) + 1}")
    for place, side in enumerate(SIDES):
        _meaning(book, sheet, parts, side, chosen[side], month, 15 + 2 * place, last)
    chosen_row = "SUMPRODUCT((trend_kpis=trend_kpi)*(ROW(trend_kpis)-1))"
    for row, (name, letter) in enumerate(zip(TREND_MEANS, "HIJKLM", strict=True), start=1):
        book.write(sheet, row, 20, name)
        formula = f"=INDEX(${letter}$2:${letter}${len(TREND) + 1},{chosen_row})"
        sheet.write_formula(row, 21, formula, None, [*_trend_row("OEE", titles)][row - 1])
        book.name(name, f"=Lists!$V${row + 1}")


TREND_MEANS = ("trend_num", "trend_den", "trend_rate", "trend_withheld", "trend_count", "trend_time")
"""Names of what the KPI of the trend means: columns of its sides in the parts, and what it rests on."""


def _trend_row(kpi_id: str, titles: Sequence[str]) -> list[int]:
    (kpi,) = (of for of in kpis() if of.kpi_id == kpi_id)
    sides = [titles.index(f"{kpi_id} {side}") + 1 for side in ("numerator", "denominator")]
    return [*sides, *map(int, ("rate" in _needs(kpi), bool(kpi.about.get("withheld")), "count" in _needs(kpi), "time" in _needs(kpi)))]


def _meaning(book: Book, sheet: Any, parts: Parts, side: str, choice: Choice, month: date, column: int, last: int) -> None:
    """What a side chose, as named cells."""
    n = f"SUMPRODUCT((choices=Live!{AT.at(side, 3)})*(ROW(choices)-1))"
    months = f"COUNTIFS(months,{side}_from,months,{side}_to)"
    rows = len(parts.rows(choice, month, month))
    serial = (month - date(1899, 12, 30)).days
    cells: list[tuple[str, str, Any]] = [
        ("plant", f"=INDEX($B$2:$B${last},{n})", choice.plant),
        ("company", f"=INDEX($C$2:$C${last},{n})", choice.company),
        ("from", f'=">="&Live!{AT.at(side, 4)}', f">={serial}"),
        ("to", f'="<="&Live!{AT.at(side, 5)}', f"<={serial}"),
        ("need", f"=INDEX($E$2:$E${last},{n})", choice.need),
        ("rows", f"=COUNTIFS({_criteria(side)})", rows),
        ("expected", f"=IF(INDEX($D$2:$D${last},{n})=0,{side}_rows,INDEX($D$2:$D${last},{n})*{months})", choice.plants or rows),
    ]
    letter = "PQRS"[column - 15], "PQRS"[column - 14]
    for row, (name, formula, value) in enumerate(cells, start=1):
        book.write(sheet, row, column, f"{side}_{name}")
        sheet.write_formula(row, column + 1, formula, None, value)
        book.name(f"{side}_{name}", f"=Lists!${letter[1]}${row + 1}")


def _choose(book: Book, sheet: Any, parts: Parts, chosen: Mapping[str, Choice], month: date) -> None:
    for row, text in ((3, "Plants"), (4, "From month"), (5, "To month"), (6, "which is")):
        book.write(sheet, row, 0, text, "strong")
    names = dict(parts.frame.select("plant", "name").unique(keep="last", maintain_order=True).rows())
    at = {"left": 2, "right": 6}
    for side, column in at.items():
        book.write(sheet, 3, column, chosen[side].label, "choice")
        sheet.data_validation(3, column, 3, column, {"validate": "list", "source": "=choices", "input_title": "Plants", "input_message":
                              "All plants, a company or a plant", "error_title": "Not in the list",
                              "error_message": "Choose from the list."})  # fmt: skip
        for row in (4, 5):
            book.write(sheet, row, column, month, "choice_month")
            sheet.data_validation(row, column, row, column, {"validate": "list", "source": "=months"})
        label, rows = AT.at(side, 3), f"{side}_rows"
        name = names.get(chosen[side].label, "")
        found = f'IFERROR(INDEX(parts[plant name],MATCH({label},parts[plant],0)),"")'
        sheet.write_formula(6, column, f"={found}", book.format("note"), legible(name))
        count = len(parts.rows(chosen[side], month, month))
        sheet.write_formula(6, column + 2, f'={rows}&" rows of parts"', book.format("note"), f"{count} rows of parts")


def _answers(book: Book, sheet: Any, parts: Parts, units: Mapping[str, str], chosen: Mapping[str, Choice], month: date) -> None:
    heads = ["KPI", "unit", *(["numerator", "denominator", "value", "coverage"] * 2), "left - right"]
    for place, head in enumerate(heads):
        book.write(sheet, AT.kpi - 1, place, head, "header")
    for row, kpi in enumerate(kpis(), start=AT.kpi):
        unit = units.get(kpi.kpi_id, "")
        is_ratio = unit == "ratio"
        book.write(sheet, row, 0, f"{kpi.kpi_id}  {kpi.about['name']}", "strong")
        book.write(sheet, row, 1, "%" if is_ratio else unit)
        values = []
        for side, column in (("left", 2), ("right", 6)):
            found = parts.answer(kpi, chosen[side], month, month)
            exact = book.format("exact")
            sheet.write_formula(row, column, "=" + sums(f"{kpi.kpi_id} numerator", side), exact, found.numerator)
            sheet.write_formula(row, column + 1, "=" + sums(f"{kpi.kpi_id} denominator", side), exact, found.denominator)
            shown = book.format("percent" if is_ratio else "number")
            sheet.write_formula(row, column + 2, "=" + value_formula(kpi, side, row), shown, found.value)
            share = "" if found.coverage is None else found.coverage
            sheet.write_formula(row, column + 3, "=" + coverage_formula(kpi, side), book.format("share"), share)
            values.append(found.value)
        both = [AT.at(side, row, 2) for side in SIDES]
        factor = "100*" if is_ratio else ""
        gap: float | str = ""
        if isinstance(values[0], float) and isinstance(values[1], float):
            gap = (100 if is_ratio else 1) * (values[0] - values[1])
        formula = f'=IF(AND(ISNUMBER({both[0]}),ISNUMBER({both[1]})),{factor}({both[0]}-{both[1]}),"")'
        sheet.write_formula(row, 10, formula, book.format("points" if is_ratio else "move"), gap)


def _covered(book: Book, sheet: Any, parts: Parts, chosen: Mapping[str, Choice], month: date) -> None:
    """The shares that the coverage of each KPI is made of."""
    book.write(sheet, AT.covered - 1, 0, "What the coverage is made of", "heading")
    for row, (name, text) in enumerate(SHARES.items(), start=AT.covered):
        book.write(sheet, row, 0, text)
        for side, column in (("left", 2), ("right", 6)):
            found = parts.covered(chosen[side], parts.rows(chosen[side], month, month), 1)[name]

            def total(of: str, side: str = side) -> str:
                return sums(of, side)

            sheet.write_formula(
                row, column + 2, "=" + share_formula(name, side, total), book.format("share"), "" if found is None else found
            )


def _trend(book: Book, sheet: Any, parts: Parts, chosen: Mapping[str, Choice]) -> None:
    """One KPI of both sides by month, with a chart."""
    top = AT.trend
    book.write(sheet, top, 0, "By month, whatever the months above", "heading")
    book.write(sheet, top, 2, "OEE", "choice")
    sheet.data_validation(top, 2, top, 2, {"validate": "list", "source": "=trend_kpis"})
    book.name("trend_kpi", f"=Live!$C${top + 1}")
    heads = ["month", "", *(["value", "known time", "ideal rates", "counts"] * 2)]
    for place, head in enumerate(heads):
        book.write(sheet, top + 1, place, head, "header")
    (kpi,) = (of for of in kpis() if of.kpi_id == "OEE")
    size = len(parts.frame)
    whole = f"Parts!$A$2:${_letter(len(columns()))}${size + 1}"
    first = top + 2
    for row, day in enumerate(parts.months, start=first):
        book.write(sheet, row, 0, day, "month")
        for side, column in (("left", 2), ("right", 6)):
            found = parts.answer(kpi, chosen[side], day, day)
            shares = parts.covered(chosen[side], parts.rows(chosen[side], day, day), 1)
            month = f"$A{row + 1}"

            def total(of: str, side: str = side, month: str = month) -> str:
                return f"SUMIFS(parts[{of}],{_criteria(side, month)})"

            cells = [f"${_letter(column + place)}{row + 1}" for place in range(1, 5)]
            over, under = (f"SUMIFS(INDEX({whole},0,{name}),{_criteria(side, month)})" for name in ("trend_num", "trend_den"))
            tests = [f"{under}=0"]
            for flag, cell, least in (
                ("time", cells[1], "=0"),
                ("rate", cells[2], "=0"),
                ("withheld", cells[2], f"<{side}_need"),
                ("count", cells[3], "=0"),
            ):
                tests.append(f"IF(AND(trend_{flag}=1,ISNUMBER({cell})),{cell}{least},FALSE)")
            value = found.value if isinstance(found.value, float) else "#N/A"
            sheet.write_formula(row, column, f"=IF(OR({','.join(tests)}),NA(),{over}/{under})", book.format("percent"), value)
            for place, name in enumerate(("time", "rate", "count"), start=1):
                share = shares[name]
                sheet.write_formula(
                    row, column + place, "=" + share_formula(name, side, total), book.format("share"), "" if share is None else share
                )
    last = first + len(parts.months) - 1
    sheet.conditional_format(first, 2, last, 9, {"type": "errors", "format": book.format("missing")})
    chart = book.chart(type="line")
    for column, colour in ((2, "#14365C"), (6, "#C55A11")):
        chart.add_series({
            "name": ["Live", 3, column], "categories": ["Live", first, 0, last, 0], "values": ["Live", first, column, last, column],
            "line": {"color": colour, "width": 2.25}, "marker": {"type": "circle", "size": 5, "fill": {"color": colour},
            "border": {"color": colour}},
        })  # fmt: skip
    chart.set_title({"name": ["Live", top, 2], "name_font": {"size": 12}})
    chart.set_y_axis({"num_format": "0%", "major_gridlines": {"visible": True, "line": {"color": "#D9D9D9"}}})
    chart.set_x_axis({"date_axis": len(parts.months) > 1, "num_format": "yyyy-mm"})
    chart.set_legend({"position": "bottom"})
    chart.set_size({"width": 760, "height": 320})
    chart.show_na_as_empty_cell()
    sheet.insert_chart(
        AT.kpi - 1, 12, chart, {"description": "The chosen KPI of both sides by month; the table below has the same numbers."}
    )


def _letter(number: int) -> str:
    """The letters of a column, from 1.

    >>> _letter(1), _letter(27)
    ('A', 'AA')
    """
    text = ""
    while number:
        number, rest = divmod(number - 1, 26)
        text = chr(65 + rest) + text
    return text
