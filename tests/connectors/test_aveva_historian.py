"""Text of AVEVA Historian, beyond the samples: lines with several values, updates, versions, and three vocabularies of quality."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from reading import reading

Make = Callable[..., Path]
HEAD = "ASCII\n,\nadmin,1,Server Local,10,0\n"


rows, error = reading("aveva_historian")


# --- import files --------------------------------------------------------------------------------------------------------------


def test_a_line_holds_one_value_several_or_several_tags(make: Make) -> None:
    one, two = "2026/11/19,06:00:00.000,0,1,192", "2026/11/19,6:00:01.250,0,2,192"
    path = make(f"{HEAD}A,0,{one}\nA,0,{one},{two}\nA,0,{one},B,1,{two},\n")
    assert rows(path, "_row", "tag", "operation", "timestamp", "value") == [
        (1, "A", "0", "2026-11-19T06:00:00", "1"), (2, "A", "0", "2026-11-19T06:00:00", "1"), (3, "A", "0", "2026-11-19T06:00:01.25", "2"),
        (4, "A", "0", "2026-11-19T06:00:00", "1"), (5, "B", "1", "2026-11-19T06:00:01.25", "2"),
    ]  # fmt: skip


def test_an_update_holds_until_its_second_time(make: Make) -> None:
    path = make(f"{HEAD}A,1,2026/11/19,06:00:00,2026/11/19,06:05:00,0,7,192\n")
    assert rows(path, "timestamp", "until", "value", "quality") == [("2026-11-19T06:00:00", "2026-11-19T06:05:00", "7", "GOOD")]


def test_the_last_value_of_a_tag_and_time_holds(make: Make) -> None:
    path = make(f"{HEAD}A,0,2026/11/19,06:00:00.000,0,1,192\nB,0,2026/11/19,06:00:00,0,1,192\nA,1,2026/11/19,06:00:00,0,2,192\n")
    assert rows(path, "value", "superseded") == [("1", "true"), ("1", "false"), ("2", "false")]


def test_utc_is_said_in_the_times(make: Make) -> None:
    path = make("UTF-8\n|\nadmin|0|UTC|10|0\nA|0|2026/11/19|06:00:00|0|1|192\n")
    assert rows(path, "timestamp", "time_zone") == [("2026-11-19T06:00:00Z", "UTC")]


@pytest.mark.parametrize("line", ["A", "A,0", "A,0,2026/11/19", "A,0,2026/11/19,06:00,0,1", ",0,2026/11/19,06:00,0,1,192", "A,0,19.11.2026,06:00,0,1,192",
                                  "A,0,2026/11/19,6 Uhr,0,1,192", "A,0,2026/11/19,06:00,0,1,192,B"])  # fmt: skip
def test_a_line_that_cannot_be_read_costs_itself_alone(make: Make, line: str) -> None:
    path = make(f"{HEAD}{line}\nB,0,2026/11/19,06:00:00,0,5,192\n")
    assert rows(path, "tag", "_surplus") == [(None, line), ("B", None)]


def test_a_head_without_values_is_a_quiet_time(make: Make) -> None:
    assert rows(make(HEAD), "tag") == []


def test_a_tab_may_be_the_delimiter(make: Make) -> None:
    assert rows(make("ASCII\n\t\na\t1\tServer Local\t10\t0\nA\t0\t2026/11/19\t06:00:00\t0\t1\t192\n"), "tag", "value") == [("A", "1")]


# --- rows below a header -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("quality", "detail", "opc", "word", "code"),
    [
        ("0", "192", "192", "GOOD", "192"), ("0", "192", "216", "GOOD", "216"), ("1", "24", "24", "BAD", "24"), ("16", "192", "64", "UNCERTAIN", "64"),
        ("133", "192", "192", "GOOD", "192"), ("133", "NULL", "NULL", None, "133"), ("1", "249", "0", "BAD", "0"), ("0", "249", "192", "BAD", "192"),
        ("1", "65536", "192", "BAD", "192"), ("0", "448", "192", "GOOD", "192"), ("7", "NULL", "NULL", "UNCERTAIN", "7"), ("NULL", "NULL", "NULL", None, None),
    ],
)  # fmt: skip
def test_the_worst_quality_counts(make: Make, quality: str, detail: str, opc: str, word: str | None, code: str | None) -> None:
    path = make(f"DateTime,TagName,Value,Quality,QualityDetail,OPCQuality\n2026-11-19 06:00:00,A,1,{quality},{detail},{opc}\n")
    assert rows(path, "quality", "quality_code") == [(word, code)]


def test_zero_is_good_in_one_column_and_bad_in_the_other(make: Make) -> None:
    assert rows(make("TagName,DateTime,Value,Quality\nA,2026-11-19 06:00:00,1,0\n"), "quality") == [("GOOD",)]
    assert rows(make("TagName,DateTime,Value,OpcQuality\nA,2026-11-19 06:00:00,1,0\n"), "quality") == [("BAD",)]


def test_values_of_strings_stand_in_vvalue(make: Make) -> None:
    path = make(
        "DateTime,TagName,Value,vValue\n2026-11-19 06:00:00,A,1.5,1.5\n2026-11-19 06:00:00,S,NULL,run\n2026-11-19 06:00:01,S,NULL,NULL\n"
    )
    assert rows(path, "value") == [("1.5",), ("run",), (None,)]


def test_a_tombstone_supersedes_what_it_deletes(make: Make) -> None:
    path = make("Operation,TagName,DateTime,Value\noriginal,A,2026-11-19T06:00:00Z,5\ndelete,A,2026-11-19T06:00:00Z,\n")
    assert rows(path, "operation", "value", "superseded") == [("original", "5", "true"), ("delete", None, "false")]
    assert rows(make("Operation,TagName,DateTime\ndelete,A,2026-11-19T06:00:00Z\n"), "operation", "value") == [("delete", None)]


def test_a_row_too_long_keeps_its_rest(make: Make) -> None:
    assert rows(make("TagName,DateTime,Value\nA,2026-11-19T06:00:00Z,5,6\n"), "value", "_surplus") == [("5", "6")]


@pytest.mark.parametrize(
    "content",
    ["\n", "ASCII\n", "ASCII\n,\n", "a,b\n1,2\n", "TagName,DateTime\nA,2026\n", "TagName,tagname,DateTime,Value\nA,B,2026,1\n", "<x/>"],
)
def test_other_files_are_refused(make: Make, content: str) -> None:
    assert error(make(content))


VALUE = st.tuples(st.sampled_from("ABC"), st.integers(0, 59), st.sampled_from(["1", "2.5", "run", ""]))


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.lists(VALUE, min_size=1, max_size=4), min_size=1, max_size=8))
def test_law_every_value_arrives_once_in_the_order_of_the_file(tmp_path: Path, lines: list[list[tuple[str, int, str]]]) -> None:
    path = tmp_path / "import.csv"
    texts = [",".join(f"{tag},0,2026/11/19,06:00:{second:02},0,{value},192" for tag, second, value in line) for line in lines]
    path.write_text(HEAD + "\n".join(texts), encoding="utf-8")
    sent = [(tag, f"2026-11-19T06:00:{second:02}", value or None) for line in lines for tag, second, value in line]
    assert rows(path, "tag", "timestamp", "value") == sent
