"""The workbook says what `kpi_value` says, its formulas say the same, and nothing that a plant calls itself is ever a formula.

Numbers: `two_closings.py`. Formulas are calculated here by LibreOffice where it is installed, and without it by a few lines of Python that
know SUMIFS and a division.
"""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Callable
from datetime import date, datetime
from pathlib import Path
from typing import Any

import openpyxl
import polars as pl
import pytest
from small_portfolio import SmallPortfolio
from two_closings import HOSTILE, RIGHT_TO_LEFT, two_closings
from typer.testing import CliRunner

from pipelines import cli, outlets
from publish import sheets, workbook, workbook_live
from publish.reader import Snapshot

pytestmark = pytest.mark.filterwarnings("ignore::UserWarning")  # openpyxl does not know every extension
runner = CliRunner()
JUNE, JULY = date(2025, 6, 1), date(2025, 7, 1)


@pytest.fixture(scope="module")
def lake(made_once: Callable[..., Path]) -> SmallPortfolio:
    return SmallPortfolio(made_once("two_closings", two_closings))


@pytest.fixture(scope="module")
def file(lake: SmallPortfolio, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The workbook as the command writes it."""
    target = tmp_path_factory.mktemp("workbook") / "kpi.xlsx"
    done = runner.invoke(cli.app, ["workbook", str(target), "-p", str(lake.root)])
    assert done.exit_code == 0, done.output
    return target


@pytest.fixture(scope="module")
def book(file: Path) -> Any:
    return openpyxl.load_workbook(file, data_only=True)


@pytest.fixture(scope="module")
def formulas(file: Path) -> Any:
    return openpyxl.load_workbook(file)


def table(book: Any, sheet: str, header: str) -> list[dict[str, Any]]:
    """The rows of a sheet below the row that begins with `header`."""
    rows = list(book[sheet].iter_rows(values_only=True))
    top = next(place for place, row in enumerate(rows) if row[0] == header)
    width = next((place for place, name in enumerate(rows[top]) if name is None), len(rows[top]))
    found = []
    for row in rows[top + 1 :]:
        if row[0] is None:
            break
        found.append(dict(zip(rows[top][:width], row, strict=False)))
    return found


def answers(book: Any) -> dict[str, dict[str, Any]]:
    """The KPIs of the live sheet."""
    names = ("kpi", "unit", *(f"{side} {what}" for side in ("left", "right") for what in ("numerator", "denominator", "value", "coverage")))
    rows = [dict(zip(names, row, strict=False)) for row in book["Live"].iter_rows(min_row=10, max_row=20, values_only=True)]
    return {str(row["kpi"]).split()[0]: row for row in rows}


# --- values -------------------------------------------------------------------------------------------------------------------------------


def test_the_newest_whole_month_is_shown(book: Any) -> None:
    """Data end on 1 July: June is over. Release 2 says 170/240 of a, 180/240 of b: together 350/480."""
    rows = {row["plant"]: row for row in table(book, "KPIs", "plant")}
    assert book["KPIs"]["A1"].value == "KPIs of 2025-06"
    assert {name: row["OEE"] for name, row in rows.items()} == {
        "portfolio": pytest.approx(350 / 480), "a": pytest.approx(170 / 240), "b": pytest.approx(0.75), "c": None,
    }  # fmt: skip
    assert "OEE" in rows["c"]["no value, and why"]
    assert "no ideal rate is known" in rows["c"]["no value, and why"] or "no counts arrived" in rows["c"]["no value, and why"]


def test_every_value_of_the_detail_is_that_of_kpi_value(lake: SmallPortfolio, book: Any) -> None:
    with Snapshot(lake.root / "lake" / "kpi.duckdb") as reader:
        said = reader.rows(
            "SELECT scope_id, kpi_id, value FROM kpi_value WHERE scope_type IN ('PLANT', 'PORTFOLIO') AND period_type = 'MONTH'"
            " AND profile = 'ISO' AND period_start = DATE '2025-06-01'"
        )
    found = {(row["plant"], row["KPI"]): row for row in table(book, "KPI detail", "plant")}
    assert found.keys() == {(scope, kpi) for scope, kpi, _ in said}
    for scope, kpi, value in said:
        assert found[scope, kpi]["value"] == (None if value is None else pytest.approx(value, abs=1e-9))
        assert (found[scope, kpi]["why there is no value"] is None) == (value is not None)


def test_parts_hold_sums_and_no_ratio(book: Any) -> None:
    """240 s of ideal time for each of 170 good pieces, over two planned days of 28,800 s."""
    rows = {(row["plant"], row["month"].date()): row for row in table(book, "Parts", "plant")}
    assert rows.keys() == {("a", JUNE), ("b", JUNE), ("c", JUNE), ("a", JULY)}
    assert (rows["a", JUNE]["OEE numerator"], rows["a", JUNE]["OEE denominator"]) == (170 * 240, 57_600)
    assert not {"OEE", "OEE value", "coverage"} & rows["a", JUNE].keys()


# --- live formulas ------------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("month", [JUNE, JULY])
def test_a_choice_answers_as_kpi_value_does(lake: SmallPortfolio, month: date) -> None:
    """All plants are the portfolio, a company is the company, a plant is the plant: value and coverage of every KPI."""
    with Snapshot(lake.root / "lake" / "kpi.duckdb") as reader:
        parts = workbook_live.read(reader, workbook.Shown(reader, "x").over_time)
        said = {
            (scope, kpi): (value, coverage)
            for scope, kpi, value, coverage in reader.rows(
                "SELECT scope_id, kpi_id, value, coverage FROM kpi_value WHERE period_type = 'MONTH' AND profile = 'ISO' AND period_start = ?",
                [month],
            )
        }
    scopes = {
        workbook_live.ALL: "portfolio",
        "company: acme": "acme",
        f"company: {RIGHT_TO_LEFT}": RIGHT_TO_LEFT,
        "a": "a",
        "b": "b",
        "c": "c",
    }
    assert {choice.label for choice in parts.choices} == scopes.keys()
    compared = 0
    for choice in parts.choices:
        for kpi in workbook_live.kpis():
            value, coverage = said.get((scopes[choice.label], kpi.kpi_id), (None, None))
            found = parts.answer(kpi, choice, month, month)
            if value is None:
                assert isinstance(found.value, str), (choice.label, kpi.kpi_id)
            else:
                assert found.value == pytest.approx(value, abs=1e-9), (choice.label, kpi.kpi_id)
                assert found.coverage == pytest.approx(coverage, abs=1e-9), (choice.label, kpi.kpi_id)
                compared += 1
    assert compared > 20


def test_formulas_are_sums_over_sums_of_the_parts(book: Any, formulas: Any) -> None:
    """Each side of a KPI is SUMIFS of its own column; summed here by hand over the sheet of parts it is the number in the cell."""
    rows = [row for row in table(book, "Parts", "plant") if row["month"].date() == JUNE]
    for row, (kpi, found) in enumerate(answers(book).items(), start=10):
        for column, side in (("C", "numerator"), ("D", "denominator")):
            formula = formulas["Live"][f"{column}{row}"].value
            assert re.match(rf"=SUMIFS\(parts\[{kpi} {side}\],parts\[plant\],left_plant,", formula)
            assert found[f"left {side}"] == pytest.approx(sum(of[f"{kpi} {side}"] or 0 for of in rows), abs=1e-9)
        assert (
            formulas["Live"][f"E{row}"].value.endswith(f"$C${row}/$D${row}))") or f"$C${row}/$D${row}" in formulas["Live"][f"E{row}"].value
        )


def test_left_is_the_portfolio_and_right_a_plant(book: Any) -> None:
    live = answers(book)
    assert live["OEE"]["left value"] == pytest.approx(350 / 480, abs=1e-9)
    assert live["OEE"]["right value"] == "not computable"  # c counts nothing
    assert live["A"]["right value"] == pytest.approx((57_600 - 1_800) / 57_600, abs=1e-9)  # half an hour of two days


@pytest.mark.skipif(shutil.which("soffice") is None, reason="LibreOffice is not installed")
def test_a_spreadsheet_calculates_what_stands_in_the_cells(file: Path, tmp_path: Path) -> None:
    """Written without the cached values, and with another choice: b against a hostile company, June to July."""
    bare = openpyxl.load_workbook(file)
    bare["Live"]["C4"], bare["Live"]["G4"] = "a", f"company: {RIGHT_TO_LEFT}"
    bare["Live"]["C6"] = datetime(2025, 7, 1)  # noqa: DTZ001
    bare.save(tmp_path / "bare.xlsx")
    subprocess.run(["soffice", f"-env:UserInstallation=file://{tmp_path}/profile", "--headless", "--convert-to", "xlsx:Calc MS Excel 2007 XML",
                    "--outdir", str(tmp_path / "out"), str(tmp_path / "bare.xlsx")], check=True, capture_output=True, timeout=120)  # fmt: skip
    live = answers(openpyxl.load_workbook(tmp_path / "out" / "bare.xlsx", data_only=True))
    assert live["OEE"]["left value"] == pytest.approx((170 + 96) / 360, abs=1e-9)  # two days of June, one of July
    assert live["OEE"]["left coverage"] == pytest.approx(1, abs=1e-9)
    assert live["OEE"]["right value"] == "not computable"
    assert live["A"]["right value"] == pytest.approx((57_600 - 1_800) / 57_600, abs=1e-9)


# --- hostile names, limits, nothing at all ------------------------------------------------------------------------------------------------


def test_names_stay_text(formulas: Any) -> None:
    """Every formula of the workbook is one that we wrote; the name that looks like one is text, and stays it when it is edited."""
    cells = [cell for sheet in formulas for row in sheet.iter_rows() for cell in row if cell.value is not None]
    assert {cell.parent.title for cell in cells if cell.data_type == "f"} == {"Live", "Lists", "Losses"}
    named = [cell for cell in cells if cell.value in (HOSTILE, RIGHT_TO_LEFT)]
    assert {cell.parent.title for cell in named} >= {"KPIs", "KPI detail", "Parts", "Data health"}
    assert {(cell.data_type, cell.quotePrefix) for cell in named} == {("s", True)}
    assert not [cell for cell in cells if cell.hyperlink and not str(cell.hyperlink.location or "").endswith("!A1")]


def test_text_that_is_too_long_or_broken_is_cut_and_said() -> None:
    assert len(sheets.legible("x" * 40_000)) == 32_767
    assert sheets.legible("a" + chr(0xDC00)) == "a?"


def test_a_table_that_is_too_long_is_cut_and_says_where_the_rest_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A sheet of 12 rows: title, note, header and 8 of 20 rows."""
    monkeypatch.setattr(sheets, "ROWS", 12)
    book = sheets.Book(tmp_path / "x.xlsx", "x", workbook.UNDATED)
    book.table(book.sheet("x"), 1, pl.DataFrame({"n": range(20)}), [sheets.Column("n", "n", "whole")], name="t", more="SQL has all")
    book.close()
    rows = [row[0] for row in openpyxl.load_workbook(tmp_path / "x.xlsx")["x"].iter_rows(values_only=True)]
    assert len(rows) <= 12
    assert rows[1] == "The first 9 of 20 rows: a sheet holds no more; SQL has all."
    assert rows[2:] == ["n", *range(8)]


def test_an_empty_portfolio_has_a_workbook_that_says_so(tmp_path: Path) -> None:
    portfolio = SmallPortfolio(tmp_path / "empty")
    portfolio.plant("a")
    portfolio.refresh()
    target = tmp_path / "kpi.xlsx"
    with Snapshot(portfolio.root / "lake" / "kpi.duckdb") as reader:
        workbook.write(reader, target, "Nothing yet")
    book = openpyxl.load_workbook(target, data_only=True)
    assert book["Live"]["A3"].value == "No plant has a month of parts yet."
    assert (book["Data health"]["A5"].value, book["Data health"]["E5"].value) == ("a", "STALE")  # its folder of exports does not exist


# --- the outlet, the command ----------------------------------------------------------------------------------------------------------------


def test_the_same_snapshot_gives_the_same_bytes(lake: SmallPortfolio, tmp_path: Path) -> None:
    with Snapshot(lake.root / "lake" / "kpi.duckdb") as reader:
        reader.in_order()
        for name in ("one.xlsx", "two.xlsx"):
            workbook.write(reader, tmp_path / name, "Small")
    assert (tmp_path / "one.xlsx").read_bytes() == (tmp_path / "two.xlsx").read_bytes()


def test_a_portfolio_may_do_without(tmp_path: Path) -> None:
    from connectors.portfolio import read

    portfolio = SmallPortfolio(tmp_path / "p").good("a")
    assert "workbook" in [outlet.name for outlet in outlets.wanted(read(portfolio.root))]
    (portfolio.root / "portfolio.yaml").write_text("name: Small\npublish: {workbook: false}\n")
    assert "workbook" not in [outlet.name for outlet in outlets.wanted(read(portfolio.root))]


@pytest.mark.parametrize(
    ("words", "told"), [(["x.csv"], "no known ending"), (["nowhere/x.xlsx"], "does not exist"), (["x.xlsx", "--by", "lin,week"], "line")]
)
def test_what_cannot_be_written_is_told(lake: SmallPortfolio, tmp_path: Path, words: list[str], told: str) -> None:
    done = runner.invoke(cli.app, ["workbook", str(tmp_path / words[0]), *words[1:], "-p", str(lake.root)])
    assert told in str(done.exception)
    assert list(tmp_path.iterdir()) == []


def test_another_scope_and_period(lake: SmallPortfolio, tmp_path: Path) -> None:
    done = runner.invoke(cli.app, ["workbook", str(tmp_path / "x.xlsx"), "--by", "equipment,day", "-p", str(lake.root)])
    assert done.exit_code == 0, done.output
    rows = table(openpyxl.load_workbook(tmp_path / "x.xlsx", data_only=True), "By equipment and day", "equipment")
    assert [row["OEE"] for row in rows if row["day"].date() == JULY] == [pytest.approx(0.8)]
