"""Text of the Canary Historian, beyond the samples: both layouts, words for no data, quality beside values."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from reading import reading

from connectors.kinds.historians.canary_csv import CONNECTOR, CanaryOptions

Make = Callable[..., Path]
T = "2026-11-19 06:00:0"


rows, error = reading("canary_csv")


@pytest.mark.parametrize(
    ("code", "quality", "text"),
    [
        ("192", "GOOD", "good"), ("193", "GOOD", "good"), ("216", "GOOD", "local override"), ("255", "GOOD", None), ("64", "UNCERTAIN", "uncertain"),
        ("84", "UNCERTAIN", "engineering units exceeded"), ("0", "BAD", "bad"), ("24", "BAD", "communication failure"), ("32768", "BAD", "bad"),
        ("Good", "GOOD", None), ("", None, None), ("?", "UNCERTAIN", None),
    ],
)  # fmt: skip
def test_good_is_a_range(make: Make, code: str, quality: str | None, text: str | None) -> None:
    path = make(f"Tag,Timestamp,Value,Quality\nA,{T}0,1,{code}\n")
    assert rows(path, "value", "quality", "quality_code", "quality_text") == [("1", quality, code or None, text)]


@pytest.mark.parametrize("word", ["#VALUE!", "no data", "NoData", " No Data "])
def test_no_data_is_a_sample_without_a_value(make: Make, word: str) -> None:
    assert rows(make(f"Tag,Timestamp,Value,Quality\nA,{T}0,{word},192\n"), "value", "quality", "quality_text") == [(None, "BAD", "no data")]
    assert rows(make(f"Time,A,B\n{T}0,{word},1\n"), "tag", "value", "quality") == [("A", None, "BAD"), ("B", "1", None)]


def test_an_empty_cell_of_a_column_is_no_sample_unless_it_is_said_to_be_a_gap(make: Make) -> None:
    path = make(f"Time,A,B\n{T}0,1,\n{T}1,,\n{T}2,,2\n")
    assert rows(path, "_row", "tag", "timestamp", "value") == [(1, "A", f"{T}0", "1"), (2, "B", f"{T}2", "2")]
    assert rows(path, "value", "quality", no_data=[""]) == [("1", None), *[(None, "BAD")] * 4, ("2", None)]


def test_headers_of_ones_own(make: Make) -> None:
    path = make("Sensor;Day;Clock;Reading;Engineering Units;tag_id\nA;2026-11-19;06:00;1,5;t/h;7\n")
    fields = {"tag": "Sensor", "timestamp": ["Day", "Clock"], "value": "Reading"}
    assert rows(path, "tag", "timestamp", "value", "units", "tag_id", fields=fields) == [("A", "2026-11-19 06:00", "1,5", "t/h", "7")]


def test_a_property_never_takes_the_place_of_a_field(make: Make) -> None:
    path = make(f"Tag,Timestamp,Value,Reading,quality_text,Tag Name\nA,{T}0,1,2,x,y\n")
    found = CONNECTOR.read(path, CanaryOptions.model_validate({"fields": {"value": "Reading"}})).collect()
    assert found.select("value", "Value", "quality_text", "quality_text_2", "Tag Name").rows() == [("2", "1", None, "x", "y")]


def test_quality_beside_the_values_of_columns(make: Make) -> None:
    path = make(f"Time,A,A.Q,B\n{T}0,1,24,2\n{T}1,,0,\n")
    assert rows(path, "tag", "value", "quality", quality_suffix=".Q") == [("A", "1", "BAD"), ("B", "2", None), ("A", None, "BAD")]
    assert rows(path, "tag", "value") == [("A", "1"), ("A.Q", "24"), ("B", "2"), ("A.Q", "0")]


def test_all_samples_of_a_line_that_is_too_long_are_suspect(make: Make) -> None:
    path = make(f"Time,A,B\n{T}0,1,2,3\n{T}1,4,5\n")
    assert rows(path, "value", "_surplus") == [("1", "3"), ("2", "3"), ("4", None), ("5", None)]


def test_originals_are_lines_where_a_line_is_a_sample(make: Make) -> None:
    path = make(f"Tag,Timestamp,Value\nA,{T}0,1\n\nB,{T}1,2\n")
    found = CONNECTOR.originals(path, CanaryOptions(), "rows", [2])
    assert (found[2].place, found[2].text) == ("line 4", f"B,{T}1,2")


def test_what_cannot_be_told_is_an_error(make: Make) -> None:
    assert "is the value of its samples" in error(make("Tag,Timestamp,Reading\nA,x,1\n"))
    assert "is the timestamp of its samples" in error(make("Tag,When,Value\nA,x,1\n"))
    assert "is the tag of its samples" in error(make("Sensor,Time,Value\nA,x,1\n"), layout="rows")
    assert "neither a column of tags nor one of times" in error(make("MBLNR,MENGE\n1,5\n"))
    assert "longer than 4 MB" in error(make("Time,A\n" + "1" * (5 << 20)))


CELLS = st.lists(st.sampled_from(["1", "2.5", "RUN", ""]), min_size=3, max_size=3)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(CELLS, min_size=1, max_size=8))
def test_law_every_filled_cell_is_a_sample_and_no_other(tmp_path: Path, lines: list[list[str]]) -> None:
    path = tmp_path / "columns.csv"
    path.write_text("Time,A,B,C\n" + "".join(f"{T}{n},{','.join(line)}\n" for n, line in enumerate(lines)), encoding="utf-8")
    sent = [(tag, f"{T}{n}", cell) for n, line in enumerate(lines) for tag, cell in zip("ABC", line, strict=True) if cell]
    assert rows(path, "tag", "timestamp", "value", delimiter=",") == sent
