"""The mapping vocabulary word by word: a source column in, a canonical column out, a reason for what cannot be read."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

import polars as pl
import pytest
from small_plant import read, reading, reasons, records

from connectors.errors import ConfigError, ConformError
from transforms.mapping import check_columns, mark_skipped

BASE = {"equipment": {"const": "M1"}, "start_ts": {"const": "2025-06-02 06:00"}}


def text(rule: Any, **columns: list[Any]) -> tuple[list[Any], list[list[str]]]:
    """`source_reason_code` under a rule, and the reasons."""
    found = read(records(**columns), {**BASE, "source_reason_code": rule})
    return found["source_reason_code"].to_list(), reasons(found)


def quantity(rule: Any, options: dict[str, Any] | None = None, **columns: list[Any]) -> pl.DataFrame:
    """`good_qty` under a rule."""
    return read(
        records(**columns),
        {"equipment": {"const": "M1"}, "event_ts": {"const": "2025-06-02 06:00"}, "good_qty": rule},
        "production_count",
        options=options or {},
    )


# --- texts ----------------------------------------------------------------------------------------------------------------


def test_a_column_is_taken_without_the_blanks_around_it_and_empty_is_null() -> None:
    assert text("Code", Code=[" 101 ", "", "  ", None])[0] == ["101", None, None, None]


def test_numbers_of_typed_files_read_as_people_write_them() -> None:
    assert text("Code", Code=[101.0, 1.5, None])[0] == ["101", "1.5", None]


def test_join() -> None:
    joined, _ = text({"from": ["Area", "Code"], "sep": "/"}, Area=["A", "B", None], Code=["1", None, None])
    assert joined == ["A/1", "B", None]


def test_const() -> None:
    assert text({"const": "E17"}, Any=["x", "y"])[0] == ["E17", "E17"]


def test_regex_with_several_groups_joins_them() -> None:
    """A client read SAP's day as UTC, showed it in Tokyo, and put the clock time in a field of its own."""
    columns = {"Day": ["2016-09-21T09:00:00+09:00", ""], "Clock": ["11:16:37", "00:00:00"]}
    assert text({"from": ["Day", "Clock"], "regex": r"^(\d{4}-\d\d-\d\d)\S* (.+)$"}, **columns)[0] == ["2016-09-21 11:16:37", None]


def test_readings_of_a_counter_become_what_was_made() -> None:
    """GC34: 500, 520, then a reset and 15: 20 and 15. A late record stands where its time is; M2's counter is another."""
    columns = {"equipment": "Unit", "event_ts": "At", "produced_qty": {"from": "Total", "counter": {}}}
    frame = records(
        Unit=["M1", "M1", "M2", "M1", "M1"], Total=["500", "15", "7", "520", ""],
        At=[f"2025-06-02 06:0{minute}" for minute in (0, 3, 1, 2, 4)],
    )  # fmt: skip
    assert read(frame, columns, "production_count")["produced_qty"].to_list() == [None, 15.0, None, 20.0, None]


def test_a_counter_of_sixteen_bits_rolls_over_and_counts_in_its_unit() -> None:
    """65530 and then 4 are ten steps, of a dozen pieces each; two tags of one unit are two counters."""
    columns = {
        "equipment": {"const": "M1"}, "event_ts": "At",
        "good_qty": {"from": "Total", "unit": "12.{piece}", "counter": {"by": "Tag", "modulus": 65536}},
    }  # fmt: skip
    times = [f"2025-06-02 06:0{minute}" for minute in (0, 1, 2, 3)]
    frame = records(Tag=["a", "b", "a", "b"], Total=["65530", "1", "4", "1"], At=times)
    assert read(frame, columns, "production_count")["good_qty"].to_list() == [None, None, 120.0, 0.0]


def test_a_machine_that_only_the_name_of_the_export_tells() -> None:
    """Every export of these tests is called a.csv."""
    assert text({"from_name": r"^(\w)\."}, Any=["x", "y"])[0] == ["a", "a"]
    with pytest.raises(ConformError, match="name does not give 'source_reason_code'") as caught:
        text({"from_name": r"_(\d+)"}, Any=["x"])
    assert caught.value.problems[0].found == "a.csv"


def test_what_the_source_leaves_out_is_put_before() -> None:
    assert text({"from": "Day", "prefix": "2018-"}, Day=["01-04", None])[0] == ["2018-01-04", None]


def starts(rule: Any, **columns: list[Any]) -> list[datetime | None]:
    """`start_ts` under a rule."""
    return read(records(**columns), {**BASE, "start_ts": rule})["start_ts"].to_list()


def test_a_time_that_counts_from_a_moment() -> None:
    """Berlin is two hours ahead in June: the moment is 04:00 UTC."""
    since = {"const": "2025-06-02 06:00"}
    four = datetime(2025, 6, 2, 4, tzinfo=UTC)
    told = starts({"from": "t", "since": since}, t=["0.008", "90", None])
    assert told == [four + timedelta(milliseconds=8), four + timedelta(seconds=90), None]
    assert starts({"from": "t", "unit": "min", "since": since}, t=["1.5"]) == [four + timedelta(seconds=90)]


def test_records_without_a_time_are_counted() -> None:
    """The first record is one grid step after the moment that the plant file assumes."""
    four = datetime(2025, 6, 2, 4, tzinfo=UTC)
    told = starts({"from": "_row", "unit": "min", "since": {"const": "2025-06-02 06:00"}}, v=["1", "2"])
    assert told == [four + timedelta(minutes=1), four + timedelta(minutes=2)]


def test_a_count_that_is_no_number_is_no_time() -> None:
    found = read(records(t=["x"]), {**BASE, "start_ts": {"from": "t", "since": {"const": "2025-06-02 06:00"}}})
    assert reasons(found) == [["NOT_A_NUMBER: start_ts 'x'"]]


@pytest.mark.parametrize(("part", "expected"), [(1, ["L1", "L2"]), (2, ["M3", None]), (-1, ["M3", "L2"])])
def test_split(part: int, expected: list[str | None]) -> None:
    assert text({"from": "Unit", "split": {"sep": "-", "part": part}}, Unit=["L1 - M3", "L2"])[0] == expected


def test_regex_takes_its_first_group() -> None:
    assert text({"from": "Text", "regex": r"E(\d+)"}, Text=["Fault E17 at 6", "ok"])[0] == ["17", None]


def test_nulls_and_default() -> None:
    assert text({"from": "Code", "nulls": ["-", "000"], "default": "NONE"}, Code=["-", "000", "17", ""])[0] == [
        "NONE",
        "NONE",
        "17",
        "NONE",
    ]


@pytest.mark.parametrize(
    ("otherwise", "values", "refused"),
    [
        ("reject", ["A", None, None], [[], ["UNMAPPED_VALUE: source_reason_code '9'"], []]),
        ("keep", ["A", "9", None], [[], [], []]),
        ("empty", ["A", None, None], [[], [], []]),
        ("OTHER", ["A", "OTHER", None], [[], [], []]),
    ],
)
def test_map_and_what_becomes_of_a_word_that_it_does_not_list(otherwise: str, values: list[Any], refused: list[list[str]]) -> None:
    assert text({"from": "Code", "map": {"1": "A"}, "else": otherwise}, Code=[" 1 ", "9", ""]) == (values, refused)


def test_map_may_read_yaml_numbers() -> None:
    assert text({"from": "Code", "map": {1: 100}}, Code=["1"])[0] == ["100"]


def test_sql_is_the_escape_hatch() -> None:
    assert text({"sql": "CASE WHEN Minutes > 5 THEN 'LONG' ELSE 'SHORT' END"}, Minutes=[3, 8])[0] == ["SHORT", "LONG"]


def test_sql_that_cannot_be_used_names_its_key() -> None:
    with pytest.raises(ConformError, match=r"tables\.equipment_state_event\.columns\.source_reason_code"):
        text({"sql": "CASE WHEN"}, Minutes=[3])


def test_sql_over_a_column_that_is_not_there_names_its_key() -> None:
    with pytest.raises(ConformError, match=r"tables\.equipment_state_event\.columns\.source_reason_code"):
        text({"sql": "upper(Missing)"}, Minutes=[3])


# --- numbers --------------------------------------------------------------------------------------------------------------


def test_numbers_are_read_in_the_style_of_the_source() -> None:
    found = quantity("Qty", {"decimal": ",", "thousands": "."}, Qty=["1.234,5", "12.5", "zwölf", ""])
    assert found["good_qty"].to_list() == [1234.5, None, None, None]
    assert reasons(found) == [[], ["NOT_A_NUMBER: good_qty '12.5'"], ["NOT_A_NUMBER: good_qty 'zwölf'"], []]


def test_numbers_of_typed_files_are_taken_as_they_are() -> None:
    assert quantity("Qty", Qty=[1.5, float("nan"), None])["good_qty"].to_list() == [1.5, None, None]


def test_sum_counts_empty_as_nothing_and_all_empty_as_unknown() -> None:
    found = quantity({"from": ["A", "B"], "sum": True}, A=["1", "2", ""], B=["10", "", ""])
    assert found["good_qty"].to_list() == [11.0, 2.0, None]


def test_negate_turns_the_sign_of_reversals() -> None:
    rule = {"from": "Qty", "negate": {"column": "Movement", "in": ["102"]}}
    assert quantity(rule, Qty=["5", "5"], Movement=["101", "102"])["good_qty"].to_list() == [5.0, -5.0]


def test_a_unit_of_the_mapping() -> None:
    found = quantity({"from": "Qty", "unit": "lb"}, Qty=["100"])
    assert found.select("good_qty", "good_qty_uom", "good_qty_source_uom").row(0) == (pytest.approx(45.359237), "kg", "[lb_av]")


def test_a_unit_of_each_row_and_one_that_nobody_knows() -> None:
    found = quantity({"from": "Qty", "unit_from": "Uom"}, Qty=["2", "2", "2"], Uom=["t", "Stk", "Krt"])
    assert found["good_qty"].to_list() == [2000.0, 2.0, None]
    assert found["good_qty_uom"].to_list() == ["kg", "{piece}", None]
    assert reasons(found) == [[], [], ["UNKNOWN_UNIT: good_qty 'Krt'"]]


def test_a_plants_own_units() -> None:
    columns = {"equipment": {"const": "M1"}, "event_ts": {"const": "2025-06-02"}, "good_qty": {"from": "Qty", "unit_from": "Uom"}}
    found = read(records(Qty=["2"], Uom=["Krt"]), columns, "production_count", unit_aliases={"Krt": "{piece}"})
    assert found["good_qty"].to_list() == [2.0]


def test_a_unit_of_the_mapping_that_nobody_knows_stops_the_export() -> None:
    with pytest.raises((ConformError, ConfigError), match="'Krt' is not a known unit"):
        quantity({"from": "Qty", "unit": "Krt"}, Qty=["2"])


@pytest.mark.parametrize(("unit", "expected"), [("s", 30.0), ("min", 1800.0), ("1/h", 120.0), ("1/min", 2.0)])
def test_ideal_rates_in_seconds_a_piece(unit: str, expected: float) -> None:
    found = read(records(Rate=["30"]), {"pri_s": {"from": "Rate", "unit": unit}}, "ideal_rate")
    assert found["pri_s"].to_list() == [pytest.approx(expected)]


def test_durations_in_seconds() -> None:
    found = read(records(Min=["1.5"]), {**BASE, "duration": {"from": "Min", "unit": "min"}, "state_class": {"const": "RUN"}})
    assert found["duration"].to_list() == [90.0]


def test_truth_values() -> None:
    found = read(records(Unit=["A", "B"], Kpi=["ja", "maybe"]), {"equipment": "Unit", "is_kpi_unit": "Kpi"}, "equipment")
    assert found["is_kpi_unit"].to_list() == [True, None]
    assert reasons(found) == [[], ["NOT_A_BOOLEAN: is_kpi_unit 'maybe'"]]


# --- times ----------------------------------------------------------------------------------------------------------------


def start(rule: Any, **given: Any) -> tuple[list[Any], list[list[str]]]:
    more = {name: given.pop(name) for name in ("timezone", "no_dst") if name in given}
    found = read(records(**given), {"equipment": {"const": "M1"}, "start_ts": rule}, **more)
    return [None if ts is None else f"{ts:%d %H:%M:%S.%f}"[:-5] for ts in found["start_ts"]], reasons(found)


def test_a_time_in_the_zone_of_the_plant_of_the_source_or_of_the_column() -> None:
    at = ["2025-06-02 06:00"]
    assert start("At", At=at)[0] == ["02 04:00:00.0"]  # Berlin, +2
    assert start("At", At=at, timezone="UTC")[0] == ["02 06:00:00.0"]
    assert start({"from": "At", "timezone": "America/Chicago"}, At=at)[0] == ["02 11:00:00.0"]  # -5
    assert start("At", At=at, no_dst=True)[0] == ["02 05:00:00.0"]  # +1 all year


def test_a_date_and_a_clock_in_two_columns() -> None:
    rule = {"from": ["Day", "Clock"], "format": "%d.%m.%Y %H:%M"}
    assert start(rule, Day=["02.06.2025"], Clock=["24:00"])[0] == ["02 22:00:00.0"]  # midnight after 2 June, +2


def test_a_stamp_at_the_end_of_its_interval_belongs_to_what_ends_there() -> None:
    found = read(records(At=["2025-06-02 14:00"]), {"equipment": {"const": "M1"}, "start_ts": {"from": "At", "stamped": "end"}})
    assert found["start_ts"].to_list() == [datetime(2025, 6, 2, 11, 59, 59, 999999, tzinfo=UTC)]


def test_times_that_do_not_exist_are_refused_with_their_text() -> None:
    found = start("At", At=["2025-02-30 06:00", "2025-03-30 02:30", "soon", ""])[1]
    assert found == [
        ["NOT_A_TIME: start_ts '2025-02-30 06:00'"], ["DST_NONEXISTENT: start_ts '2025-03-30 02:30'"], ["NOT_A_TIME: start_ts 'soon'"],
        ["MISSING: start_ts"],
    ]  # fmt: skip


def test_the_text_of_a_time_is_kept() -> None:
    found = read(records(At=["2025-10-26 02:10"]), {"equipment": {"const": "M1"}, "start_ts": "At"})
    assert found.select("start_ts_source", "start_ts_flag").row(0) == ("2025-10-26 02:10", "DST_AMBIGUOUS")


def test_a_time_by_day_and_shift() -> None:
    rule = {"from": "Day", "format": "%d.%m.%Y", "shift": "Shift"}
    values, refused = start(rule, Day=["02.06.2025", "02.06.2025", "02.06.2025"], Shift=["F", "N", "X"])
    assert values == ["02 04:00:00.0", "02 20:00:00.0", None]  # 06:00 and 22:00 in Berlin
    assert refused == [[], [], ["UNKNOWN_SHIFT: start_ts 'X'"]]


def test_a_calendar_day() -> None:
    columns = {"shift_code": "Shift", "day": {"from": "Day", "format": "%d.%m.%Y"}}
    found = read(records(Shift=["F", "F"], Day=["02.06.2025", "31.06.2025"]), columns, "shift_instance")
    assert found["day"].to_list() == [date(2025, 6, 2), None]
    assert reasons(found) == [[], ["NOT_A_DATE: day '31.06.2025'"]]


# --- records and columns ----------------------------------------------------------------------------------------------------


def test_records_for_other_tables_are_left_out_by_name() -> None:
    skip = {
        "totals": {"column": "Unit", "matches": "^Total"}, "empty": {"column": "Unit", "empty": True}, "test": {"column": "Unit", "in": ["T1"]},
        "others": {"column": "Unit", "not_in": ["M1", "M2"]},
    }  # fmt: skip
    frame = records(Unit=["M1", "Total M1", "", "T1", " M2 ", "X"])
    names = mark_skipped(frame, reading({**BASE, "equipment": "Unit"}, skip=skip).table)
    assert names.to_list() == [None, "totals", "empty", "test", None, "others"]


def test_a_column_that_the_file_does_not_have_names_the_closest_and_the_key_to_edit() -> None:
    with pytest.raises(ConformError) as caught:
        check_columns(reading({**BASE, "source_reason_code": "ReasonCd"}), ["_row", "Date", "Reason_Code", "WorkCenter"])
    (problem,) = caught.value.problems
    assert str(problem) == (
        "p · mes · equipment_state_event · a.csv\n"
        "  Column 'ReasonCd' is mapped in columns.source_reason_code but is not in the file.\n"
        "  Found: Date, Reason_Code, WorkCenter      Closest: Reason_Code\n"
        "  Fix: plants/p.yaml → sources.mes.tables.equipment_state_event.columns.source_reason_code: Reason_Code"
    )


def test_every_missing_column_is_told_at_once() -> None:
    columns = {**BASE, "equipment": "Unit", "duration": {"from": "Min", "unit_from": "Uom"}}
    skip = {"test": {"column": "Kind", "in": ["T"]}}
    with pytest.raises(ConformError) as caught:
        check_columns(reading(columns, skip=skip, key="Id"), ["_row", "Other"])
    assert [problem.message.split("'")[1] for problem in caught.value.problems] == ["Min", "Uom", "Unit", "Id", "Kind"]
