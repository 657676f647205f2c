"""SHDR dumps: each way a line can be laid out, what Devices.xml adds, and states and counts made of observations."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from connectors.errors import ReadError
from connectors.kinds.machines.mtconnect_shdr import CONNECTOR, ShdrOptions

NIST = Path(__file__).resolve().parents[2] / "../shared/data/mtc_nist_shdr"
OKUMA = Path(__file__).resolve().parents[2] / "../shared/data/mtc_misc_xml/okuma.txt"
DEVICES = Path(__file__).parent / "samples/mtconnect_shdr/with-devices/Devices.xml"
LATHE = {"devices": str(DEVICES), "device": "Lathe"}
T = "2026-09-21T06:00:00Z"

Make = Callable[..., Path]


def rows(path: Path, *columns: str, records: str = "observations", **options: object) -> list[tuple[object, ...]]:
    return CONNECTOR.read(path, ShdrOptions.model_validate(options), records).select(*columns).collect().rows()


# --- lines -------------------------------------------------------------------------------------------------------------------


def test_every_pair_of_a_line_is_an_observation(make: Make) -> None:
    found = rows(make(f"{T}|a|1|b|2\n\n{T}|c|3\r\n"), "_row", "line", "data_item", "value")
    assert found == [(1, 1, "a", "1"), (2, 1, "b", "2"), (3, 3, "c", "3")]


def test_values_stay_as_they_were_sent(make: Make) -> None:
    found = rows(make(f'{T}|a|Unavailable|b||c| 1 |d|x=1;y="2"|e|Größe\n'), "value", "unavailable")
    assert found == [("Unavailable", True), ("", False), (" 1 ", False), ('x=1;y="2"', False), ("Größe", False)]


def test_a_byte_order_mark_is_no_part_of_the_first_time(make: Make) -> None:
    assert rows(make(f"\ufeff{T}|a|1\n"), "timestamp", "value") == [(T, "1")]


def test_the_three_precisions_of_a_shop_and_a_duration(make: Make) -> None:
    stamps = ["2026-09-21T06:00:00Z", "2026-09-21T06:00:00.123Z", "2026-09-21T06:00:00.1234567Z"]
    lines = "".join(f"{stamp}|a|1\n" for stamp in stamps) + f"{T}@60.5|a|1\n"
    assert rows(make(lines), "timestamp", "duration") == [*((stamp, None) for stamp in stamps), (T, "60.5")]


def test_a_condition_without_devices_is_told_by_its_level_and_qualifier(make: Make) -> None:
    lines = f"{T}|servo|FAULT|42|1|HIGH|Over|travel\n{T}|servo|Normal||||\n{T}|servo|WARNING|7||\n"
    columns = ("category", "value", "native_code", "native_severity", "qualifier", "message")
    assert rows(make(lines), *columns) == [
        ("CONDITION", "FAULT", "42", "1", "HIGH", "Over|travel"),
        ("CONDITION", "Normal", "", "", "", ""),
        ("CONDITION", "WARNING", "7", "", "", None),
    ]


@pytest.mark.parametrize("word", ["UNAVAILABLE", "NORMAL"])
def test_three_pairs_that_begin_with_the_word_of_a_level_are_no_condition(make: Make, word: str) -> None:
    # As in an adapter's burst at a lost connection, and in a real log of an Okuma: 'p1Fcmd|UNAVAILABLE|p1Fract|861.4038|p1Frcmd|5'
    found = rows(make(f"{T}|a|{word}|b|861.4|c|5\n"), "category", "data_item", "value")
    assert found == [(None, "a", word), (None, "b", "861.4"), (None, "c", "5")]


def test_assets_and_commands_keep_all_they_say(make: Make) -> None:
    lines = f"{T}|@ASSET@|T7|CuttingTool|<CuttingTool id='|'/>\n{T}|@REMOVE_ALL_ASSETS@\n* shdrVersion: 2.0\n"
    assert rows(make(lines), "category", "data_item", "value") == [
        ("ASSET", "@ASSET@", "T7|CuttingTool|<CuttingTool id='|'/>"),
        ("ASSET", "@REMOVE_ALL_ASSETS@", ""),
        ("COMMAND", None, "* shdrVersion: 2.0"),
    ]


def test_an_asset_over_several_lines_is_one_observation(make: Make) -> None:
    lines = f"{T}|@ASSET@|T7|Tool|--multiline--A\n<Tool>\n\n</Tool>\n--multiline--A\n{T}|a|1\n"
    found = rows(make(lines), "line", "category", "value")
    assert found == [(1, "ASSET", "T7|Tool|--multiline--A\n<Tool>\n\n</Tool>\n--multiline--A"), (6, None, "1")]


def test_an_asset_without_end_does_not_swallow_the_lines_behind_it(make: Make) -> None:
    found = rows(make(f"{T}|@ASSET@|T7|Tool|--multiline--A\n<Tool>\n{T}|a|1\n"), "line", "category")
    assert found == [(1, "ASSET"), (2, "MALFORMED"), (3, None)]


def test_a_delimiter_escaped_in_quotes_divides_nothing(make: Make) -> None:
    assert rows(make(f'{T}|a|"x\\|y"|b|C:\\|c|1\n'), "data_item", "value") == [("a", '"x\\|y"'), ("b", "C:\\"), ("c", "1")]


def test_an_escaped_delimiter_comes_back_in_every_column(make: Make) -> None:
    lines = f'{T}|servo_cond|FAULT|"E\\|1"|2|HIGH|"x\\|y"\n{T}|msg|"C\\|3"|"a\\|b"\n'
    found = rows(make(lines), "value", "native_code", "message", **LATHE)
    assert found == [("FAULT", '"E\\|1"', '"x\\|y"'), ('"a\\|b"', '"C\\|3"', None)]


def test_control_characters_stay_what_they_are(make: Make) -> None:
    assert rows(make(f"{T}|a|x\x1fy\n"), "value") == [("x\x1fy",)]


def test_unavailable_pairs_with_a_delimiter_at_the_end_are_no_condition(make: Make) -> None:
    # six fields, as a short condition has, but UNAVAILABLE has no native code
    found = rows(make(f"{T}|a|UNAVAILABLE|b|UNAVAILABLE|\n{T}|a|UNAVAILABLE|||\n"), "category", "data_item", "value")
    assert found == [(None, "a", "UNAVAILABLE"), (None, "b", "UNAVAILABLE"), ("CONDITION", "a", "UNAVAILABLE")]


@pytest.mark.parametrize(
    ("line", "value"),
    [
        ("2026-09-21T06:00", "2026-09-21T06:00"), (f"{T}|execution", f"{T}|execution"), ("a|b|c", "a|b|c"), (f"{T}||5", f"{T}||5"),
        (f"{T}|a|1|execution", "execution"), (f"{T}|a|1||5", "|5"), ("|a|1", "|a|1"), (f"{T}|:|1", None),
    ],
)  # fmt: skip
def test_what_cannot_be_read_is_kept_as_malformed(make: Make, line: str, value: str | None) -> None:
    found = rows(make(f"{T}|ok|1\n{line}"), "category", "data_item", "value")
    assert ("MALFORMED", None, value or line) in found


def test_a_delimiter_at_the_end_of_a_line_says_nothing(make: Make) -> None:
    assert rows(make(f"{T}|a|1|\n{T}|b|2||\n"), "data_item", "value") == [("a", "1"), ("b", "2")]


@pytest.mark.parametrize(
    "content", ["", "\n\n", "<?xml version='1.0'?><MTConnectStreams/>", '{"MTConnectStreams": {}}', "Order|Item|Quantity\n1|2|3\n"]
)
def test_other_files_are_refused(make: Make, content: str) -> None:
    with pytest.raises(ReadError) as caught:
        rows(make(content), "value")
    assert caught.value.problems[0].fix


FIELD = st.text(st.characters(exclude_characters='|\r\n"*@:\\\ufeff', exclude_categories=["Cs", "Cc", "Zl", "Zp"]), min_size=1, max_size=8)


@settings(deadline=2000)  # the first example imports and compiles; a busy machine took 340 ms (2026-11-21)
@given(st.lists(st.lists(st.tuples(FIELD.filter(str.strip), FIELD), min_size=1, max_size=5), min_size=1, max_size=6))
def test_law_every_pair_arrives_once_in_the_order_of_the_file(
    tmp_path_factory: pytest.TempPathFactory, lines: list[list[tuple[str, str]]]
) -> None:
    path = tmp_path_factory.mktemp("shdr") / "dump.txt"
    path.write_text("".join(f"{T}|" + "|".join(f"{key}|{value}" for key, value in line) + "\n" for line in lines), encoding="utf-8")
    sent = [(number, key, value) for number, line in enumerate(lines, 1) for key, value in line]
    read = rows(path, "line", "data_item", "value")
    assert [(line, str(key).strip(), str(value).strip()) for line, key, value in read] == [
        (n, key.strip(), value.strip()) for n, key, value in sent
    ]


# --- Devices.xml -------------------------------------------------------------------------------------------------------------


def test_a_data_item_is_found_by_name_source_or_id(make: Make) -> None:
    found = rows(make(f"{T}|Xload|1|Xabs|2|d1_xload|3|other|4\n"), "data_item", "type", "units", **LATHE)
    assert found == [
        ("Xload", "LOAD", "PERCENT"),
        ("Xabs", "POSITION", "MILLIMETER"),
        ("d1_xload", "LOAD", "PERCENT"),
        ("other", None, None),
    ]


def test_a_prefix_names_the_device_and_its_data_items(make: Make) -> None:
    lines = f"{T}|Xload|1|Mill:Xload|2|mill-0001:Xload|3|lathe-0001:Xload|4|Robot:Xload|5\n"
    assert rows(make(lines), "device", "data_item", "units", **LATHE) == [
        ("Lathe", "Xload", "PERCENT"), ("Mill", "Xload", "NEWTON"), ("mill-0001", "Xload", "NEWTON"), ("Lathe", "Xload", "PERCENT"),
        ("Robot", "Xload", None),
    ]  # fmt: skip


def test_the_device_is_the_one_that_has_most_of_the_keys(make: Make) -> None:
    assert rows(make(f"{T}|run|READY|cmode|MANUAL\n"), "device", devices=str(DEVICES)) == [("Lathe",), ("Lathe",)]
    with pytest.raises(ReadError, match="equally well") as caught:  # both have 'run'
        rows(make(f"{T}|run|READY\n"), "device", devices=str(DEVICES))
    assert caught.value.problems[0].fix == "options.device: Lathe"


def test_the_device_is_not_guessed_from_the_name_of_the_file(make: Make) -> None:
    assert rows(make(f"{T}|a|1\n", name="Mazak01-20171001.txt"), "device") == [(None,)]


def test_a_wrong_device_names_the_closest(make: Make) -> None:
    with pytest.raises(ReadError) as caught:
        rows(make(f"{T}|a|1\n"), "device", devices=str(DEVICES), device="Lathe-001")
    assert (caught.value.problems[0].closest, caught.value.problems[0].fix) == ("lathe-0001", "options.device")


@pytest.mark.parametrize("content", ["", "<Devices><Device", "<MTConnectDevices/>"])
def test_a_devices_file_that_is_none_is_refused(make: Make, content: str) -> None:
    with pytest.raises(ReadError) as caught:
        rows(make(f"{T}|a|1\n"), "device", devices=str(make(content, name="Devices.xml")))
    assert caught.value.problems[0].fix == "options.devices"


def test_the_layout_follows_devices_xml(make: Make) -> None:
    lines = f"{T}|servo_cond|FAULT|E|1\n{T}|msg|INSERT|a|b\n{T}|msg|text only\n{T}|Xvib|3|100|1 2 3\n{T}|d1_assets|Tool|T7\n{T}|cmode|NORMAL||||\n"
    assert rows(make(lines), "category", "data_item", "value", "native_code", "native_severity", **LATHE) == [
        ("CONDITION", "servo_cond", "FAULT", "E", "1"), ("EVENT", "msg", "a|b", "INSERT", None), ("EVENT", "msg", "text only", None, None),
        ("SAMPLE", "Xvib", "3|100|1 2 3", None, None), ("EVENT", "d1_assets", "Tool|T7", None, None),
        ("EVENT", "cmode", "NORMAL", None, None),
    ]  # fmt: skip


def test_a_condition_may_stand_behind_pairs(make: Make) -> None:
    found = rows(make(f"{T}|Xload|8|run|READY|servo_cond|FAULT|42|1|LOW|text\n"), "_row", "data_item", "value", "message", **LATHE)
    assert found == [(1, "Xload", "8", None), (2, "run", "READY", None), (3, "servo_cond", "FAULT", "text")]


def test_a_burst_of_unavailable_may_hold_messages_and_series(make: Make) -> None:
    found = rows(make(f"{T}|msg|UNAVAILABLE|Xvib|UNAVAILABLE|run|UNAVAILABLE\n"), "data_item", "unavailable", **LATHE)
    assert found == [("msg", True), ("Xvib", True), ("run", True)]


# --- states ------------------------------------------------------------------------------------------------------------------


def test_states_carry_the_mode_as_of_their_instant_whatever_the_order_of_lines(make: Make) -> None:
    lines = (
        "2026-09-21T06:00:00Z|run|READY\n2026-09-21T08:00:00+01:00|run|ACTIVE\n2026-09-21T06:30:00Z|cmode|AUTOMATIC\n"
        "2026-09-21T05:00:00Z|run|STOPPED\n2026-09-21T06:00:00Z|cmode|MANUAL\nlast year|run|READY\n2026-09-21T06:99:00Z|run|READY\n"
    )
    # 08:00+01:00 is 07:00 UTC; no mode is known at 05:00, and none at a time that does not exist
    assert rows(make(lines), "_row", "execution", "controller_mode", records="states", **LATHE) == [
        (1, "READY", "MANUAL"), (2, "ACTIVE", "AUTOMATIC"), (3, "STOPPED", None), (4, "READY", None),
    ]  # fmt: skip


def test_replayed_states_are_delivered_as_they_stand(make: Make) -> None:
    line = "2026-09-20T06:00:00Z|execution|READY\n"
    assert rows(make(line + line), "_row", "timestamp", records="states") == [(1, "2026-09-20T06:00:00Z"), (2, "2026-09-20T06:00:00Z")]


def test_a_change_of_mode_is_a_row_where_that_is_wanted(make: Make) -> None:
    lines = (
        "2026-09-21T05:00:00Z|cmode|MANUAL\n2026-09-21T06:00:00Z|run|READY|cmode|AUTOMATIC\n"
        "2026-09-21T06:10:00Z|cmode|AUTOMATIC\n2026-09-21T06:20:00Z|cmode|MANUAL\n"
    )
    # 05:00: no execution is known yet; 06:00: the item speaks for itself; 06:10: no change
    assert rows(make(lines), "timestamp", "data_item", "execution", "controller_mode", records="states", with_mode=True, **LATHE) == [
        ("2026-09-21T06:00:00Z", "run", "READY", "AUTOMATIC"), ("2026-09-21T06:20:00Z", "run", "READY", "MANUAL"),
    ]  # fmt: skip


def test_data_items_may_be_stated(make: Make) -> None:
    lines = f"{T}|prog|RUN|sel|AUTO\n"
    assert rows(make(lines), "execution", "controller_mode", records="states", execution="prog", controller_mode="sel") == [("RUN", "AUTO")]


def test_a_dump_without_an_execution_item_has_no_states(make: Make) -> None:
    assert rows(make(f"{T}|a|1\n"), "execution", records="states") == []


def test_a_stated_data_item_that_nobody_knows_names_the_closest(make: Make) -> None:
    with pytest.raises(ReadError) as caught:
        rows(make(f"{T}|run|READY\n"), "execution", records="states", execution="runn", **LATHE)
    assert (caught.value.problems[0].closest, caught.value.problems[0].fix) == ("run", "options.execution: run")
    # known to Devices.xml, only quiet today; and without Devices.xml nobody knows whether the item exists
    assert rows(make(f"{T}|Xload|1\n"), "execution", records="states", execution="run", **LATHE) == []
    assert rows(make(f"{T}|run|READY\n"), "execution", records="states", execution="runn") == []


# --- counts ------------------------------------------------------------------------------------------------------------------


def test_a_replayed_snapshot_is_no_reset(make: Make) -> None:
    earlier = "2026-09-20T06:00:00Z|good|5\n2026-09-20T06:00:00Z|good|6\n"
    lines = f"{earlier}2026-09-21T06:00:00Z|good|8\n{earlier}"
    # in the order of time and each once: 5, 6, 8
    assert rows(make(lines), "delta", "reset", records="counts", **LATHE) == [(1.0, False), (2.0, False)]


def test_unavailable_does_not_break_a_counter(make: Make) -> None:
    lines = "".join(f"2026-09-21T06:0{n}:00Z|good|{value}\n" for n, value in enumerate([5, "UNAVAILABLE", 7, "Unavailable", 3]))
    assert rows(make(lines), "delta", "total", "reset", records="counts", **LATHE) == [(2.0, 7.0, False), (3.0, 3.0, True)]


def test_blanks_around_a_reading_do_not_make_it_a_word(make: Make) -> None:
    lines = "2026-09-21T06:00:00Z|good|5\n2026-09-21T06:01:00Z|good| 7 \n"
    assert rows(make(lines), "delta", "total", records="counts", **LATHE) == [(2.0, 7.0)]


def test_readings_without_number_or_time_are_kept_for_rejection(make: Make) -> None:
    lines = "2026-09-21T06:00:00Z|good|5\n2026-09-21T06:01:00Z|good|many\n2026-09-21T06:99:00Z|good|9\n2026-09-21T06:02:00Z|good|6\n"
    assert rows(make(lines), "_row", "delta", "total", records="counts", **LATHE) == [(1, None, None), (2, None, 9.0), (3, 1.0, 6.0)]


def test_a_counter_that_never_moves_has_no_rows(make: Make) -> None:
    assert rows(make(f"{T}|good|5\n{T}|good|5\n"), "delta", records="counts", **LATHE) == []


# --- real machines -----------------------------------------------------------------------------------------------------------


@pytest.mark.skipif(not NIST.is_dir(), reason="the NIST dumps are not beside the checkout")
def test_nist_mazak01_over_fifteen_days() -> None:
    options = ShdrOptions(devices=str(NIST / "Devices.xml"))  # the device is found by its keys
    dumps = sorted((NIST / "Mazak01").glob("*.txt"))
    assert sum(CONNECTOR.read(dump, options).select(pl.len()).collect().item() for dump in dumps) == 228_193  # one a line
    assert all(CONNECTOR.read(dump, options, "counts").collect().is_empty() for dump in dumps)
    states = pl.concat([CONNECTOR.read(dump, options, "states").collect() for dump in dumps])
    assert states["device"].unique().to_list() == ["Mazak01"]
    first, last = datetime(2017, 10, 1, tzinfo=UTC), datetime(2017, 10, 16, tzinfo=UTC)
    stamp = pl.col("timestamp").str.replace(r"(\.\d{6})\d+", "$1").str.to_datetime(time_unit="us", time_zone="UTC")
    once = states.unique(["timestamp", "execution"]).with_columns(stamp.alias("at")).sort("at")
    lasting = pl.col("at").shift(-1).fill_null(last).clip(first, last) - pl.col("at").clip(first, last)
    timed = once.with_columns((lasting.dt.total_microseconds() / 1e6).alias("seconds"))
    spent = dict(timed.group_by("execution").agg(pl.col("seconds").sum()).rows())
    assert spent["ACTIVE"] == pytest.approx(18_454.687, abs=5e-4)
    assert spent["UNAVAILABLE"] == pytest.approx(1_191_145.585, abs=5e-4)
    assert sum(spent.values()) == pytest.approx((last - first).total_seconds())


@pytest.mark.skipif(not OKUMA.is_file(), reason="the Okuma log is not beside the checkout")
def test_okuma_log_has_no_line_that_cannot_be_read() -> None:
    found = CONNECTOR.read(OKUMA, ShdrOptions()).collect()
    # counted in the file by grep: 118 @ASSET@, 30 @REMOVE_ASSET@ and 4 @REMOVE_ALL_ASSETS@; 9 commands; every other pair is one
    assert dict(found["category"].value_counts().rows()) == {"ASSET": 152, "COMMAND": 9, "CONDITION": 40, None: 25_467}
    assert found["value"].null_count() == 0
