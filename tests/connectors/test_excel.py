# ruff: noqa: DTZ001  (cells of Excel know no zone)
"""Excel workbooks, beyond the samples: types of cells, places of tables, files that are none."""

from __future__ import annotations

import logging
from datetime import date, datetime, time, timedelta
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from pydantic import ValidationError
from sample_files import workbook

from connectors.errors import ReadError
from connectors.kinds.files.excel import CONNECTOR, ExcelOptions

DATA = Path(__file__).resolve().parents[3] / "shared" / "data" / "mes_optimoldiq"
real = pytest.mark.skipif(not DATA.is_dir(), reason="the real plant files lie beside the checkout")


def read(path: Path, **options: Any) -> pl.DataFrame:
    return CONNECTOR.read(path, ExcelOptions.model_validate(options)).collect()


def error(path: Path, **options: Any) -> str:
    with pytest.raises(ReadError) as caught:
        read(path, **options)
    return str(caught.value)


def sheet(tmp_path: Path, rows: list[list[Any]]) -> Path:
    return workbook(tmp_path / "export.xlsx", {"Sheet1": rows})


def column(tmp_path: Path, *cells: Any) -> pl.Series:
    """One column between two others, as it is read."""
    return read(sheet(tmp_path, [["a", "x", "b"], *[["k", cell, 1] for cell in cells]]))["x"]


# --- types ----------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("cells", "dtype", "expected"),
    [
        ([1, 2.0, None], pl.Int64, [1, 2, None]),
        ([1, 2.5], pl.Float64, [1.0, 2.5]),
        ([1 / 3, 123456789012.25], pl.Float64, [1 / 3, 123456789012.25]),
        ([45717.5, 45718], pl.Float64, [45717.5, 45718.0]),  # a serial without a date format stays the number it is
        ([True, False, None], pl.Boolean, [True, False, None]),
        (
            [date(2024, 1, 2), datetime(2024, 1, 3, 4, 5, 6)],
            pl.Datetime("us"),
            [datetime(2024, 1, 2), datetime(2024, 1, 3, 4, 5, 6)],
        ),
        ([timedelta(hours=26, minutes=3), time(6, 5)], pl.String, ["26:03:00", "06:05:00"]),
        ([10045, "A-77", 10046], pl.String, ["10045", "A-77", "10046"]),
        ([1 / 3, "n/a"], pl.String, ["0.3333333333333333", "n/a"]),
        ([9915740199, "x"], pl.String, ["9915740199", "x"]),
        ([datetime(2024, 1, 3, 4, 5), "open"], pl.String, ["2024-01-03 04:05:00", "open"]),
        (["00123", "1.50"], pl.String, ["00123", "1.50"]),  # numbers that stand as text keep their zeros
        (["true", True], pl.String, ["true", "true"]),
        ([" x ", None, "  "], pl.String, [" x ", None, "  "]),
        ([5, "#N/A", "#REF!", "#DIV/0!"], pl.String, ["5", "#N/A", "#REF!", "#DIV/0!"]),
        ([None, None], pl.String, [None, None]),
    ],
)
def test_a_column_keeps_the_type_that_all_its_cells_have(tmp_path: Path, cells: list[Any], dtype: pl.DataType, expected: list[Any]) -> None:
    found = column(tmp_path, *cells)
    assert found.dtype == dtype
    assert found.to_list() == expected


def test_dates_of_the_1904_system(tmp_path: Path) -> None:
    import openpyxl
    from openpyxl.utils.datetime import CALENDAR_MAC_1904

    book = openpyxl.Workbook()
    book.epoch = CALENDAR_MAC_1904
    book.active.append(["when", "n"])
    book.active.append([datetime(2024, 1, 2, 3), 1])
    book.save(tmp_path / "mac.xlsx")
    assert read(tmp_path / "mac.xlsx")["when"].to_list() == [datetime(2024, 1, 2, 3)]


def test_words_for_nothing_let_a_column_keep_its_type(tmp_path: Path) -> None:
    found = read(sheet(tmp_path, [["a"], [1], ["-"], [" NULL "], [4]]), nulls=["-", "NULL"])
    assert found.schema["a"] == pl.Int64
    assert found["a"].to_list() == [1, None, None, 4]


# --- places ---------------------------------------------------------------------------------------------------------------------


def test_rows_have_the_numbers_of_the_sheet(tmp_path: Path) -> None:
    """Empty rows above, between and at the end count but are no records."""
    rows = [[], [], [None, None, "a", "b"], [None, None, 1, 2], [], [None, None, 3, " "], [None, None, " ", None]]
    found = read(sheet(tmp_path, rows))
    assert found.columns == ["_row", "a", "b"]
    assert found["_row"].to_list() == [4, 6]


def test_names_are_kept_and_made_unique(tmp_path: Path) -> None:
    found = read(sheet(tmp_path, [["_row", " a ", None, "a", "a", None, 2024], [1, 2, 3, 4, 5, None, 7]]))
    assert found.columns == ["_row", "_row_2", " a ", "column_3", "a", "a_2", "2024"]


def test_the_header_is_found_below_titles_or_named(tmp_path: Path) -> None:
    path = sheet(tmp_path, [["Monthly report"], ["printed", date(2024, 1, 2)], [], ["Tag", "Value", "Unit", "By"], ["T1", 5, "bar", "x"]])
    for options in ({}, {"header": 4}, {"header": ["Value", "Tag"]}, {"header": "Val.*"}):
        assert read(path, **options).rows() == [(5, "T1", 5, "bar", "x")]
    assert "Closest: Value" in error(path, header="Valeu")
    assert "no header in row 3" in error(path, header=3)


def test_units_go_into_the_names_if_wanted(tmp_path: Path) -> None:
    path = sheet(tmp_path, [["Tag", "Power"], [None, "kW"], ["T1", 5]])
    assert read(path, units_row=True).columns == ["_row", "Tag", "Power"]
    assert read(path, units_row=1, units_in_header=True).rows(named=True) == [{"_row": 3, "Tag": "T1", "Power (kW)": 5}]


def test_a_cell_merged_downwards_does_not_name_its_neighbour(tmp_path: Path) -> None:
    rows = [["Date", None, "Shift A", None], [None, "Line", "Good", "Scrap"], [date(2024, 1, 2), "L1", 5, 1]]
    path = workbook(tmp_path / "m.xlsx", {"S": rows}, {"S": [["A1:A2", "Date"], ["C1:D1", "Shift A"]]})
    assert read(path, header=2, header_rows=2).columns == ["_row", "Date", "Line", "Shift A / Good", "Shift A / Scrap"]


def test_tables_side_by_side_and_below_each_other(tmp_path: Path) -> None:
    rows = [
        ["Order", "Qty", None, "Stop", "Min"],
        ["4711", 5, None, "Jam", 12],
        [None, None, None, "Setup", 30],
        ["Tool", "Shots", None, None, None],
        ["W1", 900, None, "Sum", 42],
    ]
    path = sheet(tmp_path, rows)
    assert read(path, columns="A:B", table={"header": ["Order"]}).rows() == [(2, "4711", 5)]
    assert read(path, columns="D:E", table={"header": ["Stop", "Min"], "until": "^Sum"}).rows() == [
        (2, "Jam", 12),
        (3, "Setup", 30),
    ]
    assert read(path, columns="A:B", table={"header": ["Tool"]}).rows() == [(5, "W1", 900)]
    assert read(path, columns="E", footer="^42$").rows() == [(2, 12), (3, 30)]


def test_sheets_by_name_pattern_and_position(tmp_path: Path) -> None:
    path = workbook(tmp_path / "s.xlsx", {"Cover": [], "Week 1": [["a"], [1]], "Week 2": [["a"], [2]]})
    for wanted, value in ((None, 1), ("week 2", 2), ("Week*", 1), (r"Week \d", 1), (3, 2)):
        assert read(path, sheet=wanted)["a"].to_list() == [value]
    assert "no sheet 7" in error(path, sheet=7)
    assert "is empty" in error(path, sheet="Cover")


# --- files that are none --------------------------------------------------------------------------------------------------------


def test_truncated_and_protected_workbooks(tmp_path: Path) -> None:
    whole = sheet(tmp_path, [["a", "b"], *[[n, n * 7919 % 1000] for n in range(300)]]).read_bytes()
    path = tmp_path / "cut.xlsx"
    for size in (100, len(whole) // 2, len(whole) - 30):
        path.write_bytes(whole[:size])
        assert "truncated or damaged" in error(path)
    # An encrypted workbook is an OLE container with a stream of this name (MS-OFFCRYPTO 2.3.4.4).
    path.write_bytes(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\x00" * 500 + "EncryptedPackage".encode("utf-16-le") + b"\x00" * 500)
    assert "password" in error(path)


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"<html><table></table></html>", "HTML"),
        (b"a;b\n1;2\n", "kind: delimited"),
        (bytes(range(256)) * 4, "not an Excel workbook"),
    ],
)
def test_what_is_no_workbook_says_what_it_looks_like(tmp_path: Path, content: bytes, told: str) -> None:
    path = tmp_path / "report.xls"
    path.write_bytes(content)
    assert told in error(path)


def test_reading_is_silent(tmp_path: Path, capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture) -> None:
    """A refresh of a thousand workbooks must not bury its one message: the reader below warns about mixed columns."""
    with caplog.at_level(logging.DEBUG):
        column(tmp_path, 1, "x", None, timedelta(hours=1), True, "#N/A")
    out, err = capfd.readouterr()
    assert (out, err) == ("", "")
    assert [record for record in caplog.records if record.levelno >= logging.INFO] == []


def test_options_refuse_nonsense() -> None:
    for wrong in ({"columns": "A-F"}, {"footer": "("}, {"header_rows": 0}, {"table": {"header": "a", "until": "["}}, {"shet": "x"}):
        with pytest.raises(ValidationError):
            ExcelOptions.model_validate(wrong)


# --- real files -----------------------------------------------------------------------------------------------------------------


@real
def test_a_real_monthly_report() -> None:
    """xlsb, dates as formatted serials, codes that are a number in one row and a text in another."""
    found = read(DATA / "dynamicDatabase" / "monthlyReports_history" / "monthlyReports_201811.xlsb")
    assert found.shape == (697, 33)
    assert found.schema["recordDate"] == pl.Datetime("us")
    assert found["recordDate"].min() == datetime(2018, 11, 1)
    first = found.row(0, named=True)
    assert {name: first[name] for name in ("_row", "machineNo", "itemCode", "itemTotalQuantity", "itemGoodQuantity", "otherNG")} == {
        "_row": 2, "machineNo": "NO.01", "itemCode": "26001122M", "itemTotalQuantity": 9936, "itemGoodQuantity": 9620, "otherNG": 316,
    }  # fmt: skip
    assert found.filter(pl.col("plasticResineCode").cast(pl.String).str.ends_with(".0")).is_empty()
    # The law of the data: total = shots x cavities. It only holds if no cell moved to a neighbour.
    whole = found.drop_nulls(["moldShot", "moldCavity", "itemTotalQuantity"])
    assert (whole["moldShot"] * whole["moldCavity"] == whole["itemTotalQuantity"]).all()


@real
@pytest.mark.parametrize(
    ("name", "shape"),
    [
        ("dynamicDatabase/purchaseOrders_history/purchaseOrder_181101.xlsx", (55, 16)),
        ("staticDatabase/machineInfo.xlsx", (11, 10)),
        ("staticDatabase/moldInfo.xlsx", (66, 9)),
        ("staticDatabase/itemCompositionSummary.xlsx", (121, 12)),
    ],
)
def test_real_masters(name: str, shape: tuple[int, int]) -> None:
    assert read(DATA / name).shape == shape


def test_a_workbook_that_is_a_bomb_is_left_packed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("connectors.kinds.files.text.BOMB_BYTES", 1_000)
    monkeypatch.setattr("connectors.kinds.files.text.BOMB_RATIO", 1)
    with pytest.raises(ReadError, match="unpacks to much more"):
        CONNECTOR.read(workbook(tmp_path / "a.xlsx", {"S": [["a", "b"], *([1, 2] for _ in range(2_000))]}), ExcelOptions()).collect()
