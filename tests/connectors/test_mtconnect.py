"""MTConnectStreams: versions and vendors in XML, the layouts of JSON, resets, and what is no stream."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from pathlib import Path

import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from mutations import DAMAGE, damaged, reads_or_refuses, samples

from connectors.errors import ReadError
from connectors.kinds.machines.mtconnect import CONNECTOR, MtconnectOptions

DATA = Path(__file__).resolve().parents[2] / "../shared/data"
NIST, MISC = DATA / "mtc_nist_xml", DATA / "mtc_misc_xml"
DEVICES = Path(__file__).parent / "samples/mtconnect_shdr/with-devices/Devices.xml"

Make = Callable[..., Path]


def read(path: Path, records: str = "observations", **options: object) -> pl.DataFrame:
    return CONNECTOR.read(path, MtconnectOptions.model_validate(options), records).collect()


def rows(path: Path, *columns: str, records: str = "observations", **options: object) -> list[tuple[object, ...]]:
    return read(path, records, **options).select(*columns).rows()


def error(path: Path, **options: object) -> str:
    with pytest.raises(ReadError) as caught:
        read(path, **options)
    assert caught.value.problems[0].fix
    return str(caught.value)


def stream(events: str, component: str = "component='Path' componentId='path'", container: str = "Events") -> str:
    """A document of one device with one component."""
    inner = f"<ComponentStream {component}><{container}>{events}</{container}></ComponentStream>"
    return f"<MTConnectStreams><Header instanceId='7'/><Streams><DeviceStream name='M' uuid='u'>{inner}</DeviceStream></Streams></MTConnectStreams>"


def event(name: str, value: str, minute: int, more: str = "") -> str:
    return f"<{name} dataItemId='{name.lower()}' timestamp='2026-09-21T06:{minute:02}:00Z' sequence='{minute}' {more}>{value}</{name}>"


# --- observations ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("opened", ["<MTConnectStreams>", "<MTConnectStreams xmlns='urn:mtconnect.org:MTConnectStreams:1.1'>"])
def test_the_namespace_does_not_count(make: Make, opened: str) -> None:
    text = stream(event("Execution", "ACTIVE", 1)).replace("<MTConnectStreams>", opened)
    assert rows(make(text), "type", "value") == [("EXECUTION", "ACTIVE")]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1252"])
def test_encodings(make: Make, encoding: str) -> None:
    declared = "windows-1252" if encoding == "cp1252" else encoding.removesuffix("-sig")
    text = f"<?xml version='1.0' encoding='{declared}'?>" + stream(event("Message", "Tür offen", 1))
    assert rows(make(text, encoding=encoding), "value") == [("Tür offen",)]


@pytest.mark.parametrize("how", ["gzip", "zstd", "zip"])
def test_compressed(make: Make, how: str) -> None:
    assert rows(make(stream(event("Execution", "ACTIVE", 1)), compress=how), "value") == [("ACTIVE",)]


def test_a_device_without_name_is_known_by_its_uuid(make: Make) -> None:
    text = stream(event("Execution", "ACTIVE", 1)).replace("name='M' ", "")
    assert rows(make(text), "device", "device_uuid") == [("u", "u")]


def test_an_observation_without_text_is_an_empty_text_and_a_set_without_entries_one_record(make: Make) -> None:
    found = rows(
        make(stream("<ProgramComment dataItemId='c'/><VariableDataSet dataItemId='v' count='0'/>")), "value", "entry", "attributes"
    )
    assert found == [("", None, None), ("", None, '{"count": "0"}')]


def test_a_document_may_come_from_a_mac_with_cdata_and_comments(make: Make) -> None:
    text = stream("<Program dataItemId='p'>O<!-- main -->10<![CDATA[ <a> & b]]></Program>")
    assert rows(make(text), "value") == [("O10 <a> & b",)]


def test_an_unavailable_condition_has_the_words_of_shdr(make: Make) -> None:
    text = stream("<Unavailable dataItemId='c' type='SYSTEM'/><Warning dataItemId='c' type='SYSTEM'>hot</Warning>", container="Condition")
    assert rows(make(text), "value", "unavailable", "type", "message") == [
        ("UNAVAILABLE", True, "SYSTEM", None), ("WARNING", False, "SYSTEM", "hot"),
    ]  # fmt: skip


def test_json_and_xml_say_the_same(make: Make) -> None:
    columns = ("timestamp", "device", "data_item", "category", "type", "component", "value", "sequence", "instance_id")
    text = stream(event("PartCount", "3", 1))
    json = (
        '{"MTConnectStreams": {"Header": {"instanceId": 7}, "Streams": {"DeviceStream": {"name": "M", "uuid": "u", "ComponentStream": {'
        '"component": "Path", "componentId": "path", "Events": {"PartCount": {"value": 3, "dataItemId": "partcount",'
        ' "timestamp": "2026-09-21T06:01:00Z", "sequence": 1}}}}}}}'
    )
    assert rows(make(json, name="a.json"), *columns) == rows(make(text, name="a.xml"), *columns)


def test_an_observation_without_an_id_is_not_lost(make: Make) -> None:
    json = '{"header": {}, "streams": [{"name": "M", "componentStream": [{"events": [{"type": "EXECUTION", "result": "ACTIVE"}, {}]}]}]}'
    assert rows(make(json), "data_item", "type", "value") == [(None, "EXECUTION", "ACTIVE")]
    assert rows(make(stream("<Execution>ACTIVE</Execution>")), "data_item", "type", "value") == [(None, "EXECUTION", "ACTIVE")]


def test_half_a_surrogate_in_json_is_a_question_mark(make: Make) -> None:
    json = '{"header": {}, "streams": [{"name": "M", "componentStream": [{"events": [{"dataItemId": "m", "result": "a\\ud800b"}]}]}]}'
    assert rows(make(json), "value") == [("a?b",)]


# --- states and counts -------------------------------------------------------------------------------------------------------


def test_items_are_stated_by_id_or_name(make: Make) -> None:
    text = stream("<Run dataItemId='r1' name='run' timestamp='2026-09-21T06:00:00Z'>ACTIVE</Run>")
    for name in ("r1", "run"):
        assert rows(make(text), "data_item", "execution", records="states", execution=name) == [("r1", "ACTIVE")]


def test_a_stated_item_that_nobody_knows_names_the_closest(make: Make) -> None:
    told = error(make(stream(event("Execution", "ACTIVE", 1))), devices=str(DEVICES), execution="d1_exek")
    assert "Closest: d1_exec" in told


def test_a_reset_that_the_agent_tells_counts_from_zero(make: Make) -> None:
    text = stream(
        event("PartCount", "5", 1) + event("PartCount", "7", 2) + event("PartCount", "7", 3, "resetTriggered='NOT_SPECIFIED'")
        + event("PartCount", "8", 4, "resetTriggered='SHIFT'") + event("PartCount", "0", 5, "resetTriggered='SHIFT'")
        + event("PartCount", "2", 6)
    )  # fmt: skip
    # 5 is the baseline; 7 is 2 more; 8 since the shift began; then 0, and 2 since
    assert rows(make(text), "delta", "total", "reset", records="counts") == [(2.0, 7.0, False), (8.0, 8.0, True), (2.0, 2.0, False)]


def test_counters_of_two_devices_are_apart(make: Make) -> None:
    one = "<DeviceStream name='{0}' uuid='{0}'><ComponentStream componentId='p'><Events>{1}</Events></ComponentStream></DeviceStream>"
    events = event("PartCount", "1", 1) + event("PartCount", "4", 2)
    text = f"<MTConnectStreams><Streams>{one.format('A', events)}{one.format('B', events)}</Streams></MTConnectStreams>"
    assert rows(make(text), "device", "delta", records="counts") == [("A", 3.0), ("B", 3.0)]


# --- what is no stream -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("<MTConnectError><Errors><Error errorCode='QUERY_ERROR'>bad</Error></Errors></MTConnectError>", "QUERY_ERROR"),
        ("<MTConnectError><Errors><OutOfRange errorCode='OUT_OF_RANGE'><ErrorMessage>x</ErrorMessage></OutOfRange></Errors></MTConnectError>", "OUT_OF_RANGE"),
        ("<MTConnectError><Errors/></MTConnectError>", "no code"),
        ('{"header": {}, "errors": [{"errorCode": "NO_DEVICE", "value": "x"}]}', "NO_DEVICE"),
        ('{"MTConnectError": {"Errors": {"InvalidURI": [{"errorCode": "INVALID_URI", "ErrorMessage": "x"}]}}}', "INVALID_URI"),
        ('{"MTConnectError": {}}', "no code"),
        ("<MTConnectAssets/>", "MTConnectAssets"),
        ('{"MTConnectDevices": {}}', "MTConnectDevices"),
        ('{"orders": []}', "no MTConnectStreams"),
        ("[1, 2]", "no MTConnectStreams"),
        ("2026-09-21T06:00:00Z|a|1\n", "no XML"),
        ("<!DOCTYPE html><html><body>Login</body></html>", "HTML"),
        ("<MTConnectStreams><Streams></MTConnectStreams>", "not well-formed"),
        ("<MTConnectStreams/>\n<MTConnectStreams/>", "several documents"),
        ("[" * 100_000, "nested"),
        ("", "empty"),
    ],
)  # fmt: skip
def test_what_is_no_stream_says_what_it_is(make: Make, text: str, told: str) -> None:
    assert told in error(make(text))


@pytest.mark.parametrize("depth", [500, 900, 960, 990, 1500])
def test_json_of_any_depth_ends(make: Make, depth: int) -> None:
    path = make('{"header": {}, "streams": ' + "[" * depth + "]" * depth + "}")
    reads_or_refuses(lambda: CONNECTOR.read(path, MtconnectOptions()))


def test_nothing_outside_the_document_is_read(make: Make, tmp_path: Path) -> None:
    (tmp_path / "secret.txt").write_text("secret")
    text = f"<!DOCTYPE a [<!ENTITY s SYSTEM 'file://{tmp_path}/secret.txt'>]>" + stream(event("Message", "&s;", 1))
    assert "secret.txt" not in error(make(text)).replace(str(tmp_path), "")


FILES = [*samples("mtconnect", ".xml"), *samples("mtconnect", ".json")]


@settings(max_examples=120, deadline=2000, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.sampled_from(FILES), DAMAGE, st.sampled_from(CONNECTOR.records))
def test_law_damage_gives_a_frame_or_an_error_with_a_mend(
    make: Make, file: bytes, damage: list[tuple[float, int, str, bytes]], records: str
) -> None:
    path = make(damaged(file, damage), name="damaged.xml")
    reads_or_refuses(lambda: CONNECTOR.read(path, MtconnectOptions(), records))


# --- real agents -------------------------------------------------------------------------------------------------------------


@pytest.mark.skipif(not NIST.is_dir(), reason="the NIST document is not beside the checkout")
def test_nist_hurco04() -> None:
    path = NIST / "Cover-Hurco04-01of20.xml"
    found = read(path, devices=str(NIST / "Devices.xml"))
    # counted in the file by grep: one element with a sequence each
    assert found.height == 11_928
    assert Counter(found["type"]) == {
        "PATH_FEEDRATE": 5608, "LINE": 3691, "ACCUMULATED_TIME": 2068, "ROTARY_VELOCITY": 398, "PATH_FEEDRATE_OVERRIDE": 114,
        "TOOL_NUMBER": 26, "EXECUTION": 14, "PROGRAM_EDIT_NAME": 6, "PART_COUNT": 3,
    }  # fmt: skip
    assert found["instance_id"].n_unique() == 1
    assert read(path, "states").height == 14
    assert read(path, "counts")["delta"].sum() >= 0


@pytest.mark.skipif(not MISC.is_dir(), reason="the documents of other agents are not beside the checkout")
def test_other_agents() -> None:
    # counted by grep: 110 and 121 elements with a sequence; of 2.0, data sets and tables are told by their entries and cells
    assert read(MISC / "Current-Mazak-1.5.xml").height == 110
    table = read(MISC / "Current-Mazak-2.0.xml")
    assert table.unique("sequence").height == 121
    assert table["cell"].count() == 1336
    assert table.filter(pl.col("entry").is_not_null() & pl.col("cell").is_null()).height + table.unique(["sequence", "entry"]).filter(
        pl.col("cell").is_not_null()
    ).height == 506  # fmt: skip
    assert rows(MISC / "Current-Mazak-2.0.xml", "execution", "controller_mode", records="states") == [("ACTIVE", "AUTOMATIC")]
    for name in ("Streams.json", "MTConnectStreamsResponseDocument.json"):
        found = read(MISC / name)
        assert found.height > 100
        assert found.select("data_item", "timestamp", "sequence", "category", "component", "instance_id").null_count().row(0) == (0,) * 6
    net = read(MISC / "Streams.json")
    assert net.filter(pl.col("entry").is_not_null()).height >= 4
    assert {"CONDITION", "SAMPLE", "EVENT"} == {*net["category"]}
