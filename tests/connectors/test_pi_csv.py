"""Sheets of DataLink and lists of PI, beyond the samples: where the data begin, whose time is whose, and what is no value."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from reading import reading

Make = Callable[..., Path]
T = "19-Nov-26 06:00:0"


rows, error = reading("pi_csv")


# --- values --------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("written", "value", "value_type", "quality", "code", "text"),
    [
        ("12.50", "12.50", "number", None, None, None), ("-1E-7", "-1E-7", "number", None, None, None),
        ('"1,234.5"', "1,234.5", "number", None, None, None), ("Running", "Running", "text", None, None, None),
        ("6.42E+29", "6.42E+29", "number", None, None, None), ("255", "255", "number", None, None, None),
        ("307", None, "system_state", "BAD", "307", "Bad"), ("i/o timeout", None, "system_state", "BAD", "246", "i/o timeout"),
        ("Calc Failed", None, "system_state", "BAD", "249", "Calc Failed"), ("Keine Daten", None, "system_state", "BAD", "248", "Keine Daten"),
        ("Execute", "Execute", "text", None, None, None),
        ("[-11057] Not Enough Values For Calculation", None, "error", "BAD", "-11057", "Not Enough Values For Calculation"),
        ("Cannot do summary calculation on non-numeric data.", None, "error", "BAD", None, "Cannot do summary calculation on non-numeric data."),
        ("#REF!", None, "error", "BAD", None, "#REF!"), ("Tag not found", None, "error", "BAD", None, "Tag not found"),
        ("", None, None, None, None, None),
    ],
)  # fmt: skip
def test_states_and_errors_are_no_values(
    make: Make, written: str, value: str | None, value_type: str | None, quality: str | None, code: str | None, text: str | None
) -> None:
    options: dict[str, Any] = {"state_codes": [307], "states": {"Keine Daten": 248, "Execute": None}}
    sheet = make(f"A,\n{T}0,1\n{T}1,{written}\n")
    columns = ("value", "value_type", "quality", "quality_code", "quality_text")
    assert rows(sheet, *columns, delimiter=",", **options)[1] == (value, value_type, quality, code, text)
    listed = make(f"Tag,Time,Value\nA,{T}1,{written}\n")
    assert rows(listed, *columns, delimiter=",", **options) == [(value, value_type, quality, code, text)]


# --- sheets --------------------------------------------------------------------------------------------------------------------


def test_pairs_of_columns_have_each_their_own_times(make: Make) -> None:
    path = make(f"A,,B,\n{T}0,1,{T}3,7\n{T}1,2,,\n")
    assert rows(path, "_row", "tag", "timestamp", "value") == [(1, "A", f"{T}0", "1"), (2, "B", f"{T}3", "7"), (3, "A", f"{T}1", "2")]


def test_names_above_the_values_and_one_time_for_several_tags(make: Make) -> None:
    assert rows(make(f"Time,A,Time,B\n{T}0,1,{T}3,7\n"), "tag", "value") == [("A", "1"), ("B", "7")]
    assert rows(make(f"Time,A,B\n{T}0,1,2\n{T}1,3,\n"), "tag", "timestamp", "value") == [
        ("A", f"{T}0", "1"), ("B", f"{T}0", "2"), ("A", f"{T}1", "3"), ("B", f"{T}1", None),
    ]  # fmt: skip


@pytest.mark.parametrize(
    "stamp",
    ["19.11.2026 06:00:00", "11/19/2026 6:00:00 AM", "2026-11-19T06:00:00", "19-nov.-26 06:00", "2026. 11. 19 오전 6:00", "19-Nov-26"],
)
def test_moments_of_many_locales_begin_the_data(make: Make, stamp: str) -> None:
    assert rows(make(f"A;\n{stamp};1\n"), "timestamp", "value") == [(stamp, "1")]


def test_cells_above_the_data_may_hold_moments(make: Make) -> None:
    path = make(f"Mill,,\nStart,{T}0,\nEnd,{T}9,\nA,,\nt/h,,\n{T}1,5,\n")
    assert rows(path, "tag", "units", "value", tag_row=4, units_row=5) == [("A", "t/h", "5")]


def test_lines_above_the_data_say_themselves_what_they_are(make: Make) -> None:
    for head in (
        "Tag,A,,B\nDescription,Feed,,Oven\nUnits,t/h,,degC\n",
        "Mill,,,\nUnits,t/h,,degC\nDescription,Feed,,Oven\n,,,\nTag,A,,B\n",
    ):
        path = make(f"{head}{T}0,1,{T}0,80\n")
        assert rows(path, "tag", "units", "description", "value") == [("A", "t/h", "Feed", "1"), ("B", "degC", "Oven", "80")]


def test_several_lines_that_may_hold_the_names_are_not_guessed(make: Make) -> None:
    path = make(f"Mill report,\nA,\n{T}0,1\n")
    assert "may hold the names of the tags: 1, 2" in error(path)
    assert rows(path, "tag", tag_row=2) == [("A",)]
    assert "No line above the samples" in error(path, tag_row=3)


def test_serials_of_excel_are_stated(make: Make) -> None:
    found = rows(make("A,,B,\n46345.25,5,46345.5,6\n"), "tag", "timestamp", "value", data_row=2, time_columns=[1, 3])
    assert found == [("A", "46345.25", "5"), ("B", "46345.5", "6")]


def test_headers_in_the_middle_are_no_samples_and_empty_columns_no_tags(make: Make) -> None:
    path = make(f"A,,\nt/h,,\n{T}0,1,\nA,,\nt/h,,\n,,\n{T}1,2,\n")
    assert rows(path, "tag", "value", units_row=2) == [("A", "1"), ("A", "2")]


def test_what_is_no_sample_is_kept_as_unreadable(make: Make) -> None:
    path = make(f"A,,B,,\n{T}0,1,{T}0,2,\n,3,Tag not found,,\n{T}1,4,{T}1,5,lost\n")
    assert rows(path, "_row", "tag", "value", "_unreadable") == [
        (1, "A", "1", None), (2, "B", "2", None), (3, None, None, "the tag A has '3' instead of a sample"),
        (4, None, None, "the tag B has 'Tag not found' instead of a sample"), (5, "A", "4", None), (6, "B", "5", None),
        (7, None, None, "there are cells behind the columns of tags"),
    ]  # fmt: skip


def test_a_sheet_without_its_end_is_refused_until_that_is_accepted(make: Make) -> None:
    path = make(f"A,,B,\n{T}0,1,{T}0,2\nResize to show all values,,{T}1,3\n")
    assert "DataLink says of A" in error(path)
    assert rows(path, "tag", "value", incomplete="accept") == [("A", "1"), ("B", "2"), ("B", "3")]


def test_two_tags_of_one_name_are_refused(make: Make) -> None:
    assert "Two columns have the name 'A'" in error(make(f"A,,A,\n{T}0,1,{T}0,2\n"))


# --- lists ---------------------------------------------------------------------------------------------------------------------


def test_words_above_a_list_and_columns_that_nobody_asked_for(make: Make) -> None:
    path = make(f"Point Name;Timestamp;Val;EngUnits;Annotated\nA;{T}0;1,5;t/h;False\n")
    assert rows(path, "tag", "timestamp", "value", "units", "Annotated") == [("A", f"{T}0", "1,5", "t/h", "False")]


def test_a_list_of_piconfig_has_comments_and_no_header(make: Make) -> None:
    path = make(f"* piconfig\nA,{T}0,1\n* next\nA,{T}1,Shutdown\n")
    assert rows(path, "value", "quality", columns=["tag", "timestamp", "value"]) == [("1", None), (None, "BAD")]
    assert "names the columns" in error(path, layout="list")


def test_a_list_with_a_header_alone_is_a_quiet_time(make: Make) -> None:
    assert rows(make("Tag,Time,Value\n"), "tag") == []


def test_a_line_too_long_keeps_its_rest(make: Make) -> None:
    assert rows(make(f"Tag,Time,Value\nA,{T}0,1,5\nB,{T}0,2\n"), "value", "_surplus") == [("1", "5"), ("2", None)]


@pytest.mark.parametrize("content", ["\n\n", "a,b\nc,d\n", "<x/>", '{"a": 1}', "19-Nov-26 06:00:00,1\n"])
def test_other_files_are_refused(make: Make, content: str) -> None:
    assert error(make(content))


CELL = st.tuples(st.booleans(), st.sampled_from(["1", "2.5", "Running", "Shutdown", "[-11059] No Good Data"]))


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.integers(1, 4).flatmap(lambda width: st.lists(st.lists(CELL, min_size=width, max_size=width), min_size=1, max_size=8)))
def test_law_every_filled_pair_is_a_sample_and_no_other(tmp_path: Path, sheet: list[list[tuple[bool, str]]]) -> None:
    first = [(True, "1")] * len(sheet[0])
    lines = [",".join(f"TAG{n}," for n in range(len(first)))]
    sent = []
    for number, line in enumerate([first, *sheet]):
        lines.append(",".join(f"19-Nov-26 06:00:{number:02},{cell}" if is_there else "," for is_there, cell in line))
        sent += [(f"TAG{n}", f"19-Nov-26 06:00:{number:02}") for n, (is_there, _) in enumerate(line) if is_there]
    path = tmp_path / "sheet.csv"
    path.write_text("\n".join(lines), encoding="utf-8")
    assert rows(path, "tag", "timestamp", delimiter=",") == sent
