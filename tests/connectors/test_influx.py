"""Exports of InfluxDB, beyond the samples: escapes and types of line protocol, its times, and tables of annotated CSV."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from reading import reading

from connectors.kinds.files import record_frames
from connectors.kinds.historians import influx_lines, samples

Make = Callable[..., Path]
NS = 1672531200000000000
"""2023-01-01 00:00:00 UTC: 19,358 days of 86,400 s."""


rows, error = reading("influx")


# --- line protocol -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("written", "value", "value_type"),
    [
        ("1", "1", "float"), ("-1.50", "-1.50", "float"), ("1e-7", "1e-7", "float"), (".5", ".5", "float"), ("7i", "7", "integer"),
        ("-7i", "-7", "integer"), ("18446744073709551615u", "18446744073709551615", "unsigned"), ("t", "true", "boolean"),
        ("FALSE", "false", "boolean"), ('"5"', "5", "string"), ('""', "", "string"), (r'"a\"b\\c\d"', r'a"b\c\d', "string"),
        ('"a, b=c # d"', "a, b=c # d", "string"),
    ],
)  # fmt: skip
def test_values_and_their_types(make: Make, written: str, value: str, value_type: str) -> None:
    assert rows(make(f"m f={written} {NS}\n"), "value", "value_type", "timestamp") == [
        (value, value_type, "2023-01-01T00:00:00.000000000Z")
    ]


@pytest.mark.parametrize("point", ["m", "m f", "m f=", "m f=1,", "m f=x", "m f=1,f=2", "m f=-1u", ",a=b f=1", "m,a f=1", "m,a=b,a=c f=1",
                                   "m f=1 now", 'm f="a', "m f=NaN", "m =1", "m f=1 99999999999999999999"])  # fmt: skip
def test_what_is_no_point_costs_itself_alone(make: Make, point: str) -> None:
    found = rows(make(f"m g=1 {NS}\n{point}\n"), "_row", "value", "_surplus")
    assert found == [(1, "1", None), (2, None, point)]


def test_escapes_of_measurement_tags_and_fields(make: Make) -> None:
    path = make(rf"oven\ 1\,a,the\ unit=M\=4\,b,z=\x te\ mp\==1 {NS}" + "\n")
    found = rows(path, "measurement", "tags", "field", "tag", "tags.the unit", tags="the unit")
    assert found == [("oven 1,a", r'{"the unit":"M=4,b","z":"\\x"}', "te mp=", r"oven 1,a,the unit=M=4,b,z=\x:te mp=", "M=4,b")]


def test_a_series_has_one_name_whatever_the_order_of_its_tags(make: Make) -> None:
    assert rows(make(f"m,b=2,a=1 f=1 {NS}\nm,a=1,b=2 f=2 {NS}\n"), "tag", "superseded") == [
        ("m,a=1,b=2:f", "true"),
        ("m,a=1,b=2:f", "false"),
    ]


def test_a_later_write_overrides_field_by_field(make: Make) -> None:
    path = make(f"m f=1,g=2 {NS}\nm f=3 {NS}\nm f=4 {NS + 1}\nm,a=b f=5 {NS}\nm f=6\nm f=7\n")
    assert rows(path, "value", "superseded") == [
        ("1", "true"), ("2", "false"), ("3", "false"), ("4", "false"), ("5", "false"), ("6", "false"), ("7", "false"),
    ]  # fmt: skip


def test_a_text_may_span_lines_and_a_stray_quote_does_not_swallow_the_file(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    assert rows(make(f'm f="a\n# b\n\nc" {NS}\r\nm f=1 {NS}\n'), "value") == [("a\n# b\n\nc",), ("1",)]
    monkeypatch.setattr(influx_lines, "LONGEST_TEXT", 3)
    found = rows(make(f'm f="a {NS}\n' + f"m f=1 {NS}\n" * 5), "value", "_surplus")
    assert found == [(None, f'm f="a {NS}'), *[("1", None)] * 5]


def test_statements_and_comments_are_no_points(make: Make) -> None:
    path = make(f"# DDL\nCREATE DATABASE a WITH NAME b\n# DML\n# CONTEXT-DATABASE:a\n#x\n\nm f=1 {NS}\n# CONTEXT-DATABASE:c\nm f=2 {NS}\n")
    assert rows(path, "value", "database") == [("1", "a"), ("2", "c")]


@pytest.mark.parametrize(("precision", "stamp", "moment"), [
    ("ns", "1672531200000000001", "2023-01-01T00:00:00.000000001Z"), ("us", "1672531200000001", "2023-01-01T00:00:00.000001Z"),
    ("ms", "1672531200001", "2023-01-01T00:00:00.001Z"), ("s", "1672531200", "2023-01-01T00:00:00Z"),
])  # fmt: skip
def test_the_precision_is_stated_and_a_wrong_one_is_seen(make: Make, precision: str, stamp: str, moment: str) -> None:
    path = make(f"m f=1\nm f=1 {stamp}\n")
    assert rows(path, "timestamp", precision=precision) == [(None,), (moment,)]
    for other in {"ns", "us", "ms", "s"} - {precision}:
        assert f"Fix: options.precision: {precision}" in error(path, precision=other)


@pytest.mark.parametrize("named", ["m,q=24 f=1", "m f=1,q=24i", 'm f=1,q="24"'])
def test_quality_of_a_tag_or_a_field(make: Make, named: str) -> None:
    found = rows(make(f"{named} {NS}\nm f=2 {NS}\n"), "field", "quality", "quality_code", "quality_text", quality="q")
    assert found == [("f", "BAD", "24", "communication failure"), ("f", None, None, None)]


def test_many_points_are_one_frame_in_order(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(record_frames, "HELD_ROWS", 7)
    found = rows(make("".join(f"m f={n} {NS + n}\n" for n in range(50))), "_row", "value")
    assert found == [(n + 1, str(n)) for n in range(50)]


NAME = st.text(
    st.characters(
        codec="utf-8",
        exclude_characters='\\\n\r"#\x0b\x0c\x1c\x1d\x1e\x85\u2028\u2029\ufeff',
        exclude_categories=["Cc", "Cs", "Zs", "Zl", "Zp"],
    ),
    min_size=1,
    max_size=6,
)


def escaped(text: str) -> str:
    return "".join(f"\\{sign}" if sign in ",= " else sign for sign in text)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.tuples(NAME, st.dictionaries(NAME, NAME, max_size=3), st.dictionaries(NAME, NAME, min_size=1, max_size=3)), min_size=1))
def test_law_every_field_arrives_once_in_the_order_of_the_file(
    tmp_path: Path, points: list[tuple[str, dict[str, str], dict[str, str]]]
) -> None:
    def line(name: str, tags: dict[str, str], fields: dict[str, str]) -> str:
        told = "".join(f",{escaped(key)}={escaped(value)}" for key, value in tags.items())
        return f"{escaped(name)}{told} " + ",".join(f'{escaped(key)}="{value}"' for key, value in fields.items())

    path = tmp_path / "points.lp"
    path.write_text("".join(f"{line(*point)} {NS}\n" for point in points), encoding="utf-8")
    sent = [(name, field, value) for name, _, fields in points for field, value in fields.items()]
    assert rows(path, "measurement", "field", "value") == sent


# --- annotated CSV -------------------------------------------------------------------------------------------------------------

HEAD = "#group,false,false,false,false,true,true,true\n#datatype,string,long,dateTime:RFC3339,{0},string,string,string\n#default,_result,,,,,,\n"
HEADER = ",result,table,_time,_value,_field,_measurement,unit\n"


def test_tables_of_different_headers_follow_each_other(make: Make) -> None:
    first = HEAD.format("long") + HEADER + ",,0,2026-11-01T00:00:01Z,5,n,m,A\n"
    second = "#group,false,false,false,true\n#datatype,string,long,boolean,string\n#default,r,,,m\n,result,table,_value,_measurement\n,,1,true,\n"
    for between in ("", "\n", "\r\n\r\n"):
        found = rows(make(first + between + second), "_row", "tag", "value", "value_type", "timestamp")
        assert found == [(1, "m,unit=A:n", "5", "integer", "2026-11-01T00:00:01Z"), (2, "m:", "true", "boolean", None)]


def test_a_header_alone_is_a_table_too(make: Make) -> None:
    assert rows(make(HEADER + ",,0,2026-11-01T00:00:01Z,5,n,m,A\n"), "tag", "value", "value_type") == [("m,unit=A:n", "5", None)]
    assert rows(make(HEAD.format("long") + HEADER), "tag") == []


def test_an_empty_value_is_null_and_a_row_too_long_keeps_its_rest(make: Make) -> None:
    path = make(HEAD.format("double") + HEADER + ",,0,2026-11-01T00:00:01Z,,n,m,A\n,,0,2026-11-01T00:00:02Z,1,n,m,A,B\n")
    assert rows(path, "value", "_surplus") == [(None, None), ("1", "B")]


def test_an_error_behind_samples_is_an_error_of_the_file(make: Make) -> None:
    path = make(
        HEAD.format("long")
        + HEADER
        + ",,0,2026-11-01T00:00:01Z,5,n,m,A\n\n#datatype,string,string\n#group,true,true\n#default,,\n,error,reference\n,timeout,\n"
    )
    assert "answered with an error" in error(path)


def test_fields_without_group_are_not_told_from_tags(make: Make) -> None:
    assert "#group" in error(make("#datatype,string,long,dateTime:RFC3339,double\n,result,table,_time,temp\n,,0,2026-11-01T00:00:01Z,5\n"))


@pytest.mark.parametrize("content", ["# DDL\n", "a;b\n1;2\n", "<x/>", '{"a": 1}', "just words\nand more\n"])
def test_other_files_are_refused(make: Make, content: str) -> None:
    if content != "# DDL\n":
        assert error(make(content))
    else:
        assert rows(make(content), "tag") == []


def test_repeated_writes_are_found_some_records_at_a_time(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(samples, "TOGETHER", 7)
    path = make("".join(f"m f={n} {NS + n % 30}\n" for n in range(50)))
    # the times 0 to 19 are written twice, the first 20 writes are the earlier ones
    assert rows(path, "superseded") == [("true",)] * 20 + [("false",)] * 30
