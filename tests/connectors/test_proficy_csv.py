"""Files of Proficy Historian, beyond the samples: sections in any order, keywords in any case, quality, lines of the ETL tool."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from reading import reading

Make = Callable[..., Path]
HEADER = "Tagname,TimeStamp,Value,DataQuality\n"


rows, error = reading("proficy_csv")


def test_sections_of_one_name_are_one_record_set(make: Make) -> None:
    path = make(f"[Data]\n{HEADER}A,1/1/26 00:00,1,Good\n[Tags]\nTagname\nA\n[DATA]\nvalue,tagname,timestamp\n2,B,1/1/26 00:01\n")
    assert rows(path, "_row", "tag", "value", "quality") == [(1, "A", "1", "GOOD"), (2, "B", "2", None)]
    assert rows(path, "_row", "Tagname", records="tags") == [(1, "A")]


def test_comments_and_blank_lines_are_no_records_wherever_they_stand(make: Make) -> None:
    path = make(f"\ufeff*a\n\n[Data]\r\n*b\r\n{HEADER}\r\n,,,\r\n*c\r\nA,1/1/26 00:00,1,Good\r\n*d")
    assert rows(path, "_row", "tag") == [(1, "A")]


def test_a_header_may_stand_behind_its_section(make: Make) -> None:
    assert rows(make(f"[Data] {HEADER}A,1/1/26 00:00,1,Good\n"), "tag", "value") == [("A", "1")]


def test_a_name_in_brackets_is_no_section(make: Make) -> None:
    assert rows(make(f"[Data]\n{HEADER}[default]Mill,1/1/26 00:00,1,Good\n"), "tag") == [("[default]Mill",)]


@pytest.mark.parametrize(
    ("code", "numbers", "quality"),
    [
        ("Good", "percent", "GOOD"), ("Bad OutOfService", "percent", "BAD"), ("100", "percent", "GOOD"), ("0", "percent", "BAD"),
        ("50.5", "percent", "UNCERTAIN"), ("192", "percent", "UNCERTAIN"), ("", "percent", None), ("Maybe", "percent", "UNCERTAIN"),
        ("192", "opc", "GOOD"), ("216", "opc", "GOOD"), ("24", "opc", "BAD"), ("100", "opc", "UNCERTAIN"), ("Good", "opc", "GOOD"),
    ],
)  # fmt: skip
def test_quality_is_words_percent_or_codes(make: Make, code: str, numbers: str, quality: str | None) -> None:
    path = make(f"[Data]\n{HEADER}A,1/1/26 00:00,1,{code}\n")
    assert rows(path, "quality", "quality_code", quality_numbers=numbers) == [(quality, code or None)]


def test_a_bad_sample_keeps_its_value(make: Make) -> None:
    assert rows(make(f"[Data]\n{HEADER}A,1/1/26 00:00,0,Bad\n"), "value", "quality") == [("0", "BAD")]


def test_what_is_too_much_for_the_header_is_kept(make: Make) -> None:
    path = make(f"[Data]\n{HEADER}A,1/1/26 00:00,1,5,Good\nB,1/1/26 00:00,1,Good\n")
    assert rows(path, "tag", "_surplus") == [("A", "Good"), ("B", None)]


def test_a_section_without_rows_and_one_without_header(make: Make) -> None:
    assert rows(make(f"[Data]\n{HEADER}"), "tag") == []
    assert rows(make("[Data]\n[Tags]\nTagname\nA\n"), "tag") == []
    assert "it has no Tagname" in error(make("[Data]\nA,1/1/26 00:00,1,Good\n"))
    assert "it has no Timestamp" in error(make("[Data]\nTagname,Value\nA,1\n"))


def test_seconds_and_nanoseconds_of_an_extract(make: Make) -> None:
    # 1601890328 s after 1970-01-01 are 2020-10-05 09:32:08 UTC; 76000000 ns are 0.076 s, 5 ns are 0.000000005 s
    path = make("1601890328:76000000,A,1,float,GOOD\r\n1601890328:5,A,2,float,BAD\r\n-1:0,A,,float,BAD\r\n")
    assert rows(path, "timestamp", "value", "value_type", "quality") == [
        ("2020-10-05T09:32:08.076000000Z", "1", "float", "GOOD"),
        ("2020-10-05T09:32:08.000000005Z", "2", "float", "BAD"),
        ("1969-12-31T23:59:59.000000000Z", None, "float", "BAD"),
    ]


def test_a_broken_line_of_an_extract_costs_itself_alone(make: Make) -> None:
    found = rows(make("1601890328:0,A,1,float,GOOD\nx\n1601890329:0,A,x,y,z,String,GOOD\n"), "_row", "value", "_surplus")
    assert found == [(1, "1", None), (2, None, "x"), (3, "x,y,z", None)]


@pytest.mark.parametrize("content", ["\n\n", "* only a comment\n", "[Foo]\nA,B\n", "a,b\n1,2\n", '{"a": 1}', "<x/>", "[Data\nA,B\n"])
def test_other_files_are_refused(make: Make, content: str) -> None:
    assert error(make(content))


def test_a_line_without_end_is_refused_before_it_is_held(make: Make) -> None:
    assert "longer than 4 MB" in error(make(f"[Data]\n{HEADER}" + "A" * (5 << 20)))
