"""Responses of OData services, beyond the samples: both versions, dates, and what a response says is missing."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sample_files import DATA, mutated

from connectors.errors import ReadError
from connectors.kinds.erp.sap_odata import CONNECTOR, EPOCH, SapOdataOptions, iso

DAY = timedelta(days=1)
Make = Callable[..., Path]
real = pytest.mark.skipif(not DATA.is_dir(), reason="the real plant files lie beside the checkout")


def dicts(path: Path, **options: Any) -> list[dict[str, Any]]:
    return CONNECTOR.read(path, SapOdataOptions.model_validate(options)).drop("_row").collect().to_dicts()


def error(path: Path, **options: Any) -> str:
    with pytest.raises(ReadError) as caught:
        CONNECTOR.read(path, SapOdataOptions.model_validate(options)).collect()
    return str(caught.value)


@pytest.mark.parametrize(
    "text",
    [
        '{"d": {"results": [{"A": "1"}, {"A": "2"}]}}',
        '{"d": [{"A": "1"}, {"A": "2"}]}',
        '{"@odata.context": "x", "value": [{"A": "1"}, {"A": "2"}]}',
        '{"value": [{"@odata.id": "x", "A": "1"}, {"A": "2", "B@odata.type": "#Decimal"}]}',
        '{"odata.metadata": "x", "value": [{"A": "1"}, {"A": "2"}]}',
        '{"d": {"A": "1"}} {"@odata.context": "x", "A": "2"}',
    ],
)
def test_envelopes_of_all_versions(make: Make, text: str) -> None:
    assert dicts(make(text)) == [{"A": "1"}, {"A": "2"}]


def test_what_is_about_a_record_is_kept_where_it_is_wanted(make: Make) -> None:
    text = '{"d": {"results": [{"__metadata": {"etag": "W/1"}, "A": "1", "to_B": {"__deferred": {"uri": "u"}}}]}}'
    assert dicts(make(text)) == [{"A": "1"}]
    assert dicts(make(text), metadata=True) == [{"__metadata.etag": "W/1", "A": "1", "to_B.__deferred.uri": "u"}]


def test_a_deletion_of_a_delta_response_is_a_record(make: Make) -> None:
    text = '{"@odata.context": "x#$delta", "value": [{"@removed": {"reason": "deleted"}, "OrderID": "1"}], "@odata.deltaLink": "y"}'
    assert dicts(make(text)) == [{"@removed.reason": "deleted", "OrderID": "1"}]


def test_expanded_entities_are_columns_and_expanded_collections_json_or_records(make: Make) -> None:
    text = '{"d": {"results": [{"A": 1, "to_B": {"C": "x"}, "to_D": {"results": [{"E": 1.0}, {"E": "/Date(0)/"}]}}]}}'
    assert dicts(make(text)) == [{"A": "1", "to_B.C": "x", "to_D": '[{"E": 1.0}, {"E": "1970-01-01"}]'}]
    assert [row["to_D.E"] for row in dicts(make(text), explode="to_D")] == ["1.0", "1970-01-01"]


@pytest.mark.parametrize(
    "text",
    [
        '{"value": [{"A": 1}], "@odata.nextLink": "Orders?$skiptoken=2"}',
        '{"value": [{"A": 1}], "@nextLink": "Orders?$skiptoken=2"}',
        '{"d": {"results": [{"A": 1, "to_B": {"results": [{"C": 1}], "__next": "B?$skiptoken=2"}}]}}',
        '{"value": [{"A": 1, "_B": [{"C": 1}], "_B@odata.nextLink": "B?$skiptoken=2"}]}',
        '{"d": {"__count": "9", "results": [{"A": 1}]}}',
    ],
)
def test_a_page_is_refused_until_that_is_accepted(make: Make, text: str) -> None:
    assert "options.incomplete: accept" in error(make(text))
    assert dicts(make(text), incomplete="accept")[0]["A"] == "1"


def test_an_entity_that_is_none_is_rejected_alone(make: Make) -> None:
    found = dicts(make('{"value": [{"A": 1}, 5, {"A": 2, "A": 3}, {"results": [1]}]}'))
    none = "the record is no object"
    assert [row["_unreadable"] for row in found] == [None, none, "the key 'A' is there twice", none]


def test_errors_of_both_versions(make: Make) -> None:
    assert "Found: C/1: denied" in error(make('{"error": {"code": "C/1", "message": {"lang": "en", "value": "denied"}}}'))
    assert "Found: C/1: denied" in error(make('{"error": {"code": "C/1", "message": "denied"}}'))


@given(st.datetimes(EPOCH - 700_000 * DAY, EPOCH + 2_900_000 * DAY), st.integers(-840, 840))
def test_dates_are_the_instant_that_was_written(moment: datetime, offset: int) -> None:
    moment = moment.replace(microsecond=moment.microsecond // 1000 * 1000)
    ms = (moment - EPOCH) // timedelta(milliseconds=1)
    assert datetime.fromisoformat(iso(f"/Date({ms})/")) == moment
    assert datetime.fromisoformat(iso(f"/Date({ms}{offset:+05})/")) == moment.replace(tzinfo=UTC)


@pytest.mark.parametrize("text", ["", "/Date()/", "/Date(1)", "x/Date(1)/", "PT1H", "PT1H2M", "00:00", "/Date(-9999999999999999)/"])
def test_other_texts_stay_as_they_are(text: str) -> None:
    assert iso(text) == text


SEEDS = [
    *(file.read_bytes() for file in sorted((Path(__file__).parent / "samples/sap_odata").glob("*/*.json"))),
    b'{"@odata.context": "x", "@odata.count": 2, "value": [{"A": "1", "B": [{"C": 1}]}, {"A": null}]}',
]


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_whatever_happens_to_a_file_it_is_a_frame_or_a_read_error(tmp_path: Path, data: st.DataObject) -> None:
    path = tmp_path / "fuzz.json"
    path.write_bytes(mutated(data, SEEDS, b'{}[],:"\\0-@d \xff'))
    try:
        frame = CONNECTOR.read(path, SapOdataOptions(explode=("to_Items",))).collect()
    except ReadError as told:
        assert told.problems[0].message
    else:
        assert frame["_row"].to_list() == list(range(1, frame.height + 1))


@real
def test_real_confirmations_as_a_client_logged_them(tmp_path: Path) -> None:
    for file in sorted(DATA.glob("erp_s4_odata/Outputs/*.json")):
        path = tmp_path / file.name
        path.write_bytes(file.read_bytes())
        found = dicts(path, rows="message")
        wanted = json.loads(file.read_bytes())["message"]
        assert len(found) == len(wanted) > 0
        assert "_unreadable" not in found[0]
        assert [row["Plant"] for row in found] == [record["Plant"] for record in wanted]
        if "ConfirmationEntryTime" in found[0]:
            assert all(len(row["ConfirmationEntryTime"]) == 8 for row in found)
