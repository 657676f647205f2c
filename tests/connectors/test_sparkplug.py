"""Captures of Sparkplug B, beyond the samples: what births, aliases and deaths mean, values of all types, lines of many tools.

The payloads in hexadecimal were encoded by another implementation than the one that reads them here.
"""

from __future__ import annotations

import base64
import gzip
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from reading import reading

Make = Callable[..., Path]
T = 1795068000000
"""2026-11-19 06:00:00 UTC in milliseconds: 20,776 days of 86,400 s, and 21,600 s."""
BIRTH = (
    "0880ee8f939f3412120a0562645365711880ee8f939f342004580312160a0454656d7010011880ee8f939f34200965cdcca04112160a054c6576656c"
    "10021880ee8f939f34200250fbff03121f0a07436f756e74657210031880ee8f939f342008588180808080808080800112120a0352756e10041880ee"
    "8f939f34200b7001121a0a05537461746510051880ee8f939f34200c7a066cc3a4756674121b0a074368616e67656410061880ee8f939f34200d58fa"
    "ef8f939f3412210a05437572766510071880ee8f939f34201882010c01000000feffffff03000000121a0a05466c61677310081880ee8f939f342020"
    "82010503000000a0121b0a05576f72647310091880ee8f939f34202182010661006220630012130a04476f6e65100a1880ee8f939f34200a38011800"
    ""
)
DATA = "08e8f58f939f34121010011884f58f939f342801659a99a141120d100218e8f58f939f3450faff031801"
DEATH = "0880ee8f939f3412120a0562645365711880ee8f939f3420045803"


rows, error = reading("sparkplug")


def message(kind: str, *metrics: dict[str, Any], at: int = 0, seq: int | None = None, device: str = "") -> str:
    topic = f"spBv1.0/G/{kind}/N" + (f"/{device}" if device else "")
    sequence = {} if seq is None else {"seq": seq}
    return json.dumps(
        {"topic": topic, "received_at": T + 1000 * at + 500, "payload": {"timestamp": T + 1000 * at, **sequence, "metrics": metrics}}
    )


def birth(*metrics: dict[str, Any], device: str = "", at: int = 0, seq: int | None = None) -> str:
    return message("DBIRTH" if device else "NBIRTH", *metrics, device=device, at=at, seq=seq)


def lines(*texts: str) -> str:
    return "".join(f"{text}\n" for text in texts)


# --- values ---------------------------------------------------------------------------------------------------------------------


def test_values_of_all_types_in_protobuf(make: Make) -> None:
    found = rows(make(f"spBv1.0/G/NBIRTH/N {BIRTH}\n"), "metric", "value_type", "value")
    assert found == [
        ("bdSeq", "Int64", "3"), ("Temp", "Float", "20.1"), ("Level", "Int16", "-5"), ("Counter", "UInt64", "9223372036854775809"),
        ("Run", "Boolean", "true"), ("State", "String", "läuft"), ("Changed", "DateTime", "2026-11-19T06:00:00.250Z"),
        ("Curve", "Int32Array", "[1, -2, 3]"), ("Flags", "BooleanArray", "[true, false, true]"), ("Words", "StringArray", '["a", "b c"]'),
        ("Gone", "Double", None),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("metric", "value_type", "value"),
    [
        ({"type": "Int32", "value": 4294967295}, "Int32", "-1"), ({"dataType": "int32", "value": -1}, "Int32", "-1"),
        ({"datatype": 1, "intValue": 255}, "Int8", "-1"), ({"datatype": "4", "longValue": "18446744073709551615"}, "Int64", "-1"),
        ({"datatype": 8, "long_value": {"low": -1, "high": 0, "unsigned": True}}, "UInt64", "4294967295"),
        ({"dataType": "Double", "value": 0.10}, "Double", "0.1"), ({"dataType": "Boolean", "value": 1}, "Boolean", "true"),
        ({"dataType": "Boolean", "boolean_value": False}, "Boolean", "false"), ({"type": "DateTime", "value": T + 1}, "DateTime", "2026-11-19T06:00:00.001Z"),
        ({"dataType": "integer", "value": 12}, "integer", "12"), ({"value": "5"}, None, "5"), ({"dataType": "Double", "value": None}, "Double", None),
        ({"dataType": "Double", "value": 5, "is_null": True}, "Double", None), ({"dataType": "DataSet", "value": {"rows": [[1]]}}, "DataSet", '{"rows": [[1]]}'),
    ],
)  # fmt: skip
def test_values_in_the_json_of_many_tools(make: Make, metric: dict[str, Any], value_type: str | None, value: str | None) -> None:
    assert rows(make(lines(birth({"name": "A", **metric}))), "value_type", "value") == [(value_type, value)]


@pytest.mark.parametrize(
    "properties",
    [
        {"engUnit": {"type": "String", "value": "bar"}, "Quality": {"type": "Int32", "value": 192}},
        {"keys": ["engUnit", "Quality"], "values": [{"type": 12, "stringValue": "bar"}, {"type": 3, "intValue": 192}]},
        {"engUnit": "bar", "Quality": 192},
    ],
)
def test_units_and_quality_of_properties(make: Make, properties: dict[str, Any]) -> None:
    path = make(lines(birth({"name": "A", "alias": 1, "value": 5, "properties": properties}), message("NDATA", {"alias": 1, "value": 6})))
    # what a birth says of the unit holds for the data behind it, what it says of the quality does not
    assert rows(path, "value", "units", "quality", "quality_code") == [("5", "bar", "GOOD", "192"), ("6", "bar", None, None)]


@pytest.mark.parametrize(("code", "word"), [(192, "GOOD"), (0, "BAD"), (500, "BAD"), (64, "UNCERTAIN")])
def test_stale_looks_good_to_opc_and_is_not(make: Make, code: int, word: str) -> None:
    assert rows(make(lines(birth({"name": "A", "value": 5, "properties": {"Quality": code}}))), "quality") == [(word,)]


# --- births, aliases, deaths -----------------------------------------------------------------------------------------------------


def test_an_alias_is_resolved_by_the_last_birth(make: Make) -> None:
    path = make(lines(
        birth({"name": "A", "alias": 1, "type": "Int8", "value": 1}), message("NDATA", {"alias": 1, "value": 255}, at=1),
        birth({"name": "B", "alias": 1, "type": "UInt8", "value": 1}, at=2), message("NDATA", {"alias": 1, "value": 255}, at=3),
        message("NDATA", {"name": "B", "value": 254}, at=4),
    ))  # fmt: skip
    found = rows(path, "timestamp", "tag", "value", "value_type")[1::2]
    assert found == [("2026-11-19T06:00:01.000Z", "G/N/A", "-1", "Int8"), ("2026-11-19T06:00:03.000Z", "G/N/B", "255", "UInt8")]
    assert rows(path, "alias", "value_type")[-1] == ("1", "UInt8")


def test_aliases_are_of_a_node_and_a_birth_of_the_node_forgets_its_devices(make: Make) -> None:
    path = make(lines(
        birth({"name": "A", "alias": 1, "value": 1}), birth({"name": "P", "alias": 2, "value": 1}, device="D"), message("DDATA", {"alias": 2, "value": 5}, device="D"),
        message("DDATA", {"alias": 1, "value": 6}, device="D"), message("NDATA", {"alias": 2, "value": 7}), birth({"name": "A", "alias": 1, "value": 1}),
        message("DDATA", {"alias": 2, "value": 8}, device="D"),
    ))  # fmt: skip
    assert rows(path, "tag", "value", "_unreadable")[2:] == [
        ("G/N/D/P", "5", None), (None, None, "the alias 1 belongs to the node itself"), (None, None, "the alias 2 belongs to D"), ("G/N/A", "1", None),
        (None, None, "the alias 2 was not told by a birth in this capture (options.births)"),
    ]  # fmt: skip


def test_metrics_that_cannot_be_read_cost_themselves_alone(make: Make) -> None:
    path = make(
        lines(birth({"alias": 1, "value": 1}, {"name": "A", "value": 2}), message("NDATA", {"value": 3}, {"name": "New", "value": 4}))
    )
    assert rows(path, "metric", "value", "_unreadable") == [
        (None, None, "a metric is born without a name"), ("A", "2", None), (None, None, "the metric has neither name nor alias"), ("New", "4", None),
    ]  # fmt: skip


def test_a_death_of_a_node_makes_all_its_metrics_stale(make: Make) -> None:
    path = make(lines(
        birth({"name": "bdSeq", "value": 7}, {"name": "A", "alias": 1, "value": 1}), birth({"name": "P", "value": 1}, device="D"),
        message("NDEATH", {"name": "bdSeq", "value": 7}, at=9), message("NDATA", {"alias": 1, "value": 2}, at=10), message("DDATA", {"name": "P", "value": 3}, at=10, device="D"),
        birth({"name": "A", "alias": 1, "value": 4}, at=11),
    ))  # fmt: skip
    # its payload was written when the node came: the death counts from when it was received, 9.5 s
    assert rows(path, "tag", "timestamp", "value", "quality", "quality_text")[4:] == [
        ("G/N/A", "2026-11-19T06:00:09.500Z", None, "BAD", "stale since NDEATH"), ("G/N/D/P", "2026-11-19T06:00:09.500Z", None, "BAD", "stale since NDEATH"),
        ("G/N/A", "2026-11-19T06:00:10.000Z", "2", "UNCERTAIN", "no birth since the death"),
        ("G/N/D/P", "2026-11-19T06:00:10.000Z", "3", "UNCERTAIN", "no birth since the death"), ("G/N/A", "2026-11-19T06:00:11.000Z", "4", None, None),
    ]  # fmt: skip


def test_a_late_death_of_a_birth_before_the_last_says_nothing(make: Make) -> None:
    path = make(
        lines(
            birth({"name": "bdSeq", "value": 8}, {"name": "A", "value": 1}),
            message("NDEATH", {"name": "bdSeq", "value": 7}),
            message("NDATA", {"name": "A", "value": 2}),
        )
    )
    assert rows(path, "message_type", "metric", "quality") == [
        ("NBIRTH", "bdSeq", None),
        ("NBIRTH", "A", None),
        ("NDEATH", "bdSeq", None),
        ("NDATA", "A", None),
    ]


def test_a_death_of_a_device_is_its_own(make: Make) -> None:
    path = make(lines(
        birth({"name": "A", "value": 1}), birth({"name": "P", "value": 1}, device="D"), birth({"name": "Q", "value": 1}, device="E"),
        message("DDEATH", at=5, device="D"), message("DDATA", {"name": "Q", "value": 2}, at=6, device="E"), message("DDEATH", at=7, device="X"),
    ))  # fmt: skip
    assert rows(path, "tag", "timestamp", "quality", "_unreadable")[3:] == [
        ("G/N/D/P", "2026-11-19T06:00:05.000Z", "BAD", None), ("G/N/E/Q", "2026-11-19T06:00:06.000Z", None, None),
        (None, None, None, "what died was not born in this capture (options.births)"),
    ]  # fmt: skip


def test_a_death_without_a_time_of_receipt_counts_from_the_last_message(make: Make) -> None:
    path = make(f"spBv1.0/G/NBIRTH/N {BIRTH}\nspBv1.0/G/NDATA/N {DATA}\nspBv1.0/G/NDEATH/N {DEATH}\n")
    assert rows(path, "metric", "timestamp", "quality_code")[-1] == ("Gone", "2026-11-19T06:00:01.000Z", "500")


def test_historical_metrics_are_marked_and_late(make: Make) -> None:
    path = make(
        lines(
            birth({"name": "A", "value": 1}, seq=0),
            message("NDATA", {"name": "A", "value": 0, "timestamp": T - 5000, "isHistorical": True}, {"name": "A", "value": 2}, at=1),
        )
    )
    assert rows(path, "timestamp", "value", "historical") == [
        ("2026-11-19T06:00:00.000Z", "1", "false"), ("2026-11-19T05:59:55.000Z", "0", "true"), ("2026-11-19T06:00:01.000Z", "2", "false"),
    ]  # fmt: skip


def test_messages_that_are_missing_are_counted(make: Make) -> None:
    a = {"name": "A", "value": 1}
    path = make(
        lines(
            *(birth(a, seq=s) if s == 0 else message("NDATA", a, seq=s) for s in (254, 255, 0, 1, 4)),
            message("NCMD", a, seq=9),
            message("NDATA", a, seq=5),
        )
    )
    assert rows(path, "seq", "missed") == [("254", None), ("255", None), ("0", None), ("1", None), ("4", "2"), ("9", None), ("5", None)]


def test_births_of_another_file(make: Make) -> None:
    births = make(lines(birth({"name": "A", "alias": 1, "type": "Int8", "value": 1}, seq=0)), name="births.jsonl")
    data = make(lines(message("NDATA", {"alias": 1, "value": 255}, seq=77)), name="data.jsonl")
    assert rows(data, "tag", "value", "missed", births=str(births)) == [("G/N/A", "-1", None)]
    assert "No line of the file is a message" in error(data, births=str(make("x\n", name="no.jsonl")))


# --- lines ----------------------------------------------------------------------------------------------------------------------


def test_payloads_are_written_in_many_ways(make: Make) -> None:
    data = bytes.fromhex(DATA)
    topic = "spBv1.0/G/NDATA/N"
    born = f"spBv1.0/G/NBIRTH/N {BIRTH}"
    texts = [
        f"{topic} {DATA.upper()}", f"1795068001.5 {topic} {base64.b64encode(data).decode()}", f"2026-11-19 06:00:01.5 {topic} {DATA}",
        json.dumps({"topic": topic, "payloadHex": DATA}), json.dumps({"topic": topic, "payload": list(data)}), json.dumps({"Topic": topic, "Payload": DATA}),
        json.dumps({"cmd": "publish", "topic": topic, "payload": {"type": "Buffer", "data": list(data)}}),
    ]  # fmt: skip
    for text in texts:
        assert rows(make(lines(born, text)), "metric", "value")[-2:] == [("Temp", "20.2"), ("Level", "-6")]
    inner = {"timestamp": T, "metrics": [{"name": "A", "value": 1}]}
    for text in (
        f"{topic} {json.dumps(inner)}",
        json.dumps({"topic": topic, "payload": json.dumps(inner)}),
        json.dumps({"topic": topic, **inner}),
    ):
        assert rows(make(lines(text)), "tag", "timestamp", "value") == [("G/N/A", "2026-11-19T06:00:00.000Z", "1")]


def test_times_may_be_written_out(make: Make) -> None:
    payload = {
        "timestamp": "2026-11-19T06:00:00.000Z",
        "metrics": [{"name": "A", "value": 1}, {"name": "B", "value": 2, "timestamp": "2026-11-19T05:59:00Z"}],
    }
    path = make(lines(json.dumps({"topic": "spBv1.0/G/NDATA/N", "payload": payload})))
    assert rows(path, "timestamp") == [("2026-11-19T06:00:00.000Z",), ("2026-11-19T05:59:00Z",)]


def varint(number: int) -> bytes:
    return bytes([number]) if number < 128 else bytes([number & 127 | 128]) + varint(number >> 7)


def test_a_compressed_payload_and_one_that_is_a_bomb(make: Make) -> None:
    def wrapped(body: bytes) -> str:
        # field 4 (uuid) and field 5 (body), both of wire type 2: tags 4 << 3 | 2 = 34 and 5 << 3 | 2 = 42
        return (b"\x22\x12SPBV1.0_COMPRESSED\x2a" + varint(len(body)) + body).hex()

    born = f"spBv1.0/G/NBIRTH/N {wrapped(gzip.compress(bytes.fromhex(BIRTH)))}"
    assert rows(make(lines(born)), "metric")[1] == ("Temp",)
    bomb = f"spBv1.0/G/NDATA/N {wrapped(gzip.compress(bytes(70 << 20)))}"
    assert rows(make(lines(born, bomb)), "_unreadable")[-1] == ("the compressed payload is larger than 64 MB",)


@pytest.mark.parametrize(
    "line",
    [
        "broken", "{", '{"a": 1}', '{"topic": "a/b", "payload": "x"}', '{"topic": "spBv1.0/G/NDATA/N/D", "payload": {"metrics": []}}',
        '{"topic": "spBv1.0/G/DDATA/N", "payload": {"metrics": []}}', '{"topic": "spBv1.0/G/NDATA/N", "payload": null}',
        '{"topic": "spBv1.0/G/NDATA/N", "payload": {"metrics": 5}}', '{"topic": "spBv1.0/G/NDATA/N", "payload": {"metrics": [{"name": "A", "name": "B"}]}}',
        "spBv1.0/G/NDATA/N 00", "spBv1.0/G/NDATA/N !", '{"topic": "spBv1.0/G/NDATA/N", "metrics": []} x',
    ],
)  # fmt: skip
def test_a_line_that_is_no_message_costs_itself_alone(make: Make, line: str) -> None:
    path = make(lines(birth({"name": "A", "value": 1}), line, message("NDATA", {"name": "A", "value": 2})))
    assert rows(path, "value", "_surplus") == [("1", None), (None, line), ("2", None)]


def test_host_applications_say_whether_they_are_there(make: Make) -> None:
    texts = (
        json.dumps({"topic": "spBv1.0/STATE/scada", "payload": {"online": False, "timestamp": T}}),
        json.dumps({"topic": "STATE/scada", "payload": "ONLINE", "ts": T}),
    )
    assert rows(make(lines(*texts)), "tag", "timestamp", "value", "message_type") == [
        ("STATE/scada", "2026-11-19T06:00:00.000Z", "false", "STATE"), ("STATE/scada", "2026-11-19T06:00:00.000Z", "ONLINE", "STATE"),
    ]  # fmt: skip


@pytest.mark.parametrize("content", ["\n", "a,b\n1,2\n", "[1, 2]\n", "<x/>"])
def test_other_files_are_refused(make: Make, content: str) -> None:
    assert error(make(content))


VALUES = st.lists(st.tuples(st.integers(1, 4), st.integers(-(2**31), 2**31 - 1)), min_size=1, max_size=10)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(VALUES, st.booleans())
def test_law_every_metric_is_a_row_with_its_name_and_sign(tmp_path: Path, sent: list[tuple[int, int]], unsigned: bool) -> None:
    path = tmp_path / "capture.jsonl"
    born = birth(*({"name": f"M{alias}", "alias": alias, "type": "Int32", "value": 0} for alias in range(1, 5)))
    data = [message("NDATA", {"alias": alias, "value": value % 2**32 if unsigned else value}) for alias, value in sent]
    path.write_text(lines(born, *data))
    assert rows(path, "metric", "value")[4:] == [(f"M{alias}", str(value)) for alias, value in sent]


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.binary(max_size=20), st.integers(0, len(BIRTH) // 2), st.sampled_from([gzip.compress(b"x"), b"\xff" * 12, b"\x12\x02\x0a\x7f", b""])
)
def test_law_bytes_of_any_kind_are_metrics_or_an_unreadable_record(tmp_path: Path, noise: bytes, at: int, more: bytes) -> None:
    sound = bytes.fromhex(BIRTH)
    damaged = sound[:at] + noise + more + sound[at:]
    path = tmp_path / "capture.txt"
    path.write_text(lines(f"spBv1.0/G/NBIRTH/N {BIRTH}", f"spBv1.0/G/NBIRTH/N {damaged.hex()}"))
    assert len(rows(path, "_row")) >= 11
