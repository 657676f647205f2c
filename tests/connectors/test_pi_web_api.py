"""Responses of PI Web API, beyond the samples: every shape, every kind of value, and what a response says is missing."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sample_files import DATA, mutated

from connectors.errors import ReadError
from connectors.kinds.historians.pi_web_api import CONNECTOR, PiWebApiOptions

Make = Callable[..., Path]
T = "2026-11-01T00:00:00Z"
real = pytest.mark.skipif(not DATA.is_dir(), reason="the real plant files lie beside the checkout")


def rows(path: Path, *columns: str, **options: Any) -> list[tuple[Any, ...]]:
    return CONNECTOR.read(path, PiWebApiOptions.model_validate(options)).select(*columns).collect().rows()


def error(path: Path, **options: Any) -> str:
    with pytest.raises(ReadError) as caught:
        CONNECTOR.read(path, PiWebApiOptions.model_validate(options)).collect()
    return str(caught.value)


def timed(value: Any, good: bool | None = True, **more: Any) -> dict[str, Any]:
    return {"Timestamp": T, "Value": value, **({} if good is None else {"Good": good}), **more}


def response(*items: Any, **more: Any) -> str:
    return json.dumps({"Links": {}, "Items": list(items), **more})


# --- values ---------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("item", "value", "value_type", "quality", "code", "text"),
    [
        (timed(1.5), "1.5", "number", "GOOD", None, None),
        (timed("5"), "5", "text", "GOOD", None, None),
        (timed(False), "false", "boolean", "GOOD", None, None),
        (timed([1, 2]), "[1, 2]", "array", "GOOD", None, None),
        (timed(None, None), None, "null", None, None, None),
        (timed(1.5, Questionable=True), "1.5", "number", "UNCERTAIN", None, "Questionable"),
        (timed(1.5, Substituted=True), "1.5", "number", "GOOD", None, "Substituted"),
        (timed(1.5, False), "1.5", "number", "BAD", None, None),
        (timed({"Name": "Open", "Value": 1, "IsSystem": False}), "Open", "state", "GOOD", None, None),
        # a tag whose own states are those of the SYSTEM set
        (timed({"Name": "Shutdown", "Value": 254, "IsSystem": True}), "Shutdown", "state", "GOOD", None, None),
        (timed({"Name": "No Data", "Value": 248, "IsSystem": True}, False), None, "system_state", "BAD", "248", "No Data"),
        # translated, and of an older server that does not say IsSystem
        (timed({"Name": "Keine Daten", "Value": 248}, False), None, "system_state", "BAD", "248", "Keine Daten"),
        # a bad value of the tag's own set is a value
        (timed({"Name": "Open", "Value": 1}, False), "Open", "state", "BAD", None, None),
        (timed("I/O Timeout", False), None, "system_state", "BAD", "246", "I/O Timeout"),
        (timed("I/O Timeout"), "I/O Timeout", "text", "GOOD", None, None),
        (timed("blau", False), "blau", "text", "BAD", None, None),
        (timed({"Errors": ["Calc failed"]}, False), None, "error", "BAD", None, "Calc failed"),
        (timed(7, True, Errors=[{"FieldName": "Value", "Message": ["late", "twice"]}]), "7", "number", "BAD", None, "late; twice"),
    ],
)  # fmt: skip
def test_values_and_what_they_are_worth(
    make: Make, item: dict[str, Any], value: str | None, value_type: str, quality: str | None, code: str | None, text: str | None
) -> None:
    found = rows(make(response(item)), "value", "value_type", "quality", "quality_code", "quality_text")
    assert found == [(value, value_type, quality, code, text)]


def test_numbers_keep_their_digits(make: Make) -> None:
    assert rows(make('{"Items": [{"Timestamp": "x", "Value": 0.10}, {"Timestamp": "y", "Value": 1E-7}]}'), "value") == [
        ("0.10",),
        ("1E-7",),
    ]


# --- shapes ---------------------------------------------------------------------------------------------------------------------


def test_a_single_value_and_a_stream_set_of_single_values(make: Make) -> None:
    assert rows(make(json.dumps(timed(5))), "tag", "value", tag="TI-1") == [("TI-1", "5")]
    text = json.dumps({"Items": [{"WebId": "W", "Name": "FI-1", "Value": timed(1)}, {"WebId": "V", "Value": timed(2)}]})
    assert rows(make(text), "tag", "web_id", "value", "summary_type") == [("FI-1", "W", "1", None), ("V", "V", "2", None)]


def test_a_stream_set_of_summaries(make: Make) -> None:
    items = [{"Type": "Total", "Value": timed(10)}, {"Type": "Maximum", "Value": timed(3)}]
    found = rows(make(response({"Name": "FI-1", "UnitsAbbreviation": "t", "Items": items})), "tag", "summary_type", "value", "units")
    assert found == [("FI-1", "Total", "10", "t"), ("FI-1", "Maximum", "3", "t")]


def test_the_name_in_the_response_goes_before_the_stated_one(make: Make) -> None:
    assert rows(make(response(timed(1), Name="FI-1")), "tag", tag="X") == [("FI-1",)]


def test_streams_of_a_set_never_share_the_stated_name(make: Make) -> None:
    text = response({"WebId": "W1", "Items": [timed(1)]}, {"Path": r"\\PI1\FI-2", "Items": [timed(2)]})
    assert rows(make(text), "tag", tag="X") == [("W1",), ("FI-2",)]


def test_a_batch_names_its_streams_and_tells_what_failed(make: Make) -> None:
    parts = {
        "flow": {"Status": 200, "Headers": {}, "Content": {"Items": [timed(1)]}},
        "lost": {"Status": 404, "Headers": {}, "Content": {"Errors": ["PI Point not found."]}},
    }
    found = rows(make(json.dumps(parts)), "tag", "value", "_unreadable")
    assert found == [("flow", "1", None), (None, None, "the request 'lost' of the batch failed with status 404: PI Point not found.")]


def test_a_response_without_items_is_a_quiet_time(make: Make) -> None:
    assert CONNECTOR.read(make(response()), PiWebApiOptions()).collect().height == 0


def test_items_that_cannot_be_read_cost_themselves_alone(make: Make) -> None:
    found = rows(make(response(timed(1), {"Value": 2}, 5, {"Timestamp": T}, {"Name": "X", "Items": 5})), "value", "_unreadable")
    assert found == [
        ("1", None), (None, "the item has neither a Timestamp nor Items"), (None, "the item is no timed value"),
        (None, "the item has no Value"), (None, "'Items' is no array"),
    ]  # fmt: skip


# --- what is missing -------------------------------------------------------------------------------------------------------------


def test_one_page_of_several_is_refused_until_that_is_accepted(make: Make) -> None:
    path = make(response(timed(1), Links={"Next": "https://pi/next"}))
    assert "Found: Links.Next: https://pi/next" in error(path)
    assert rows(path, "value", incomplete="accept") == [("1",)]


def test_as_many_items_as_were_asked_for_are_refused(make: Make) -> None:
    path = make(response(*[timed(n) for n in range(50)]))
    assert len(rows(path, "value")) == 50
    assert "probably cut off" in error(path, max_count=50)
    assert len(rows(path, "value", max_count=50, incomplete="accept")) == 50
    default = make(response(*[timed(n) for n in range(1000)]))
    assert "1000 items" in error(default)
    assert len(rows(default, "value", max_count=0)) == 1000


@pytest.mark.parametrize(
    "text", ['{"Message": "Denied"}', '{"Errors": ["Denied"]}', '{"Errors": [{"Message": ["Denied"]}], "Message": null}']
)
def test_an_error_is_told_in_its_own_words(make: Make, text: str) -> None:
    assert "Found: Denied" in error(make(text))


# --- laws and real files ----------------------------------------------------------------------------------------------------------

SEEDS = [file.read_bytes() for file in sorted((Path(__file__).parent / "samples/pi_web_api").glob("*/*.json"))]


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_whatever_happens_to_a_file_it_is_a_frame_or_a_read_error(tmp_path: Path, data: st.DataObject) -> None:
    path = tmp_path / "fuzz.json"
    path.write_bytes(mutated(data, SEEDS, b'{}[],:"\\0tn \xff'))
    try:
        frame = CONNECTOR.read(path, PiWebApiOptions()).collect()
    except ReadError as told:
        assert told.problems[0].message
    else:
        assert frame["_row"].to_list() == list(range(1, frame.height + 1))


@real
def test_a_real_year_of_monthly_totals(tmp_path: Path) -> None:
    path = tmp_path / "export.json"
    path.write_bytes((DATA / "pi_webapi_json/summary_total_monthly_pump_flow.json").read_bytes())
    found = rows(path, "summary_type", "quality", "errors")
    # twelve months, five of them with a value (the folder's README)
    assert [row[0] for row in found] == ["Total"] * 12
    assert [row[1] for row in found].count("GOOD") == 5
    assert [row[2] for row in found].count("[-11059] No Good Data For Calculation") == 7
