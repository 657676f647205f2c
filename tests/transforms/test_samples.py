"""Samples of historians: wide and long records in; (tag, ts, value, quality) out, with the records that cannot be read."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import polars as pl
import pytest
from small_plant import reading, records

from connectors.errors import ConformError
from connectors.models import Limits
from transforms.keys import stable_id
from transforms.samples import Samples, conform_samples, split_unit

LONG = {"tag": "Tag", "ts": "Time", "value": "Value", "quality": "Quality"}
AT = "2025-06-02 12:00"


def samples(frame: pl.DataFrame, columns: dict[str, Any], **more: Any) -> Samples:
    return conform_samples(frame, reading(columns, "historian_sample", timezone="UTC", **more))


def long(*rows: tuple[Any, Any, Any, Any]) -> pl.DataFrame:
    tags, times, values, qualities = (list(part) for part in zip(*rows, strict=True))
    return records(Tag=tags, Time=times, Value=values, Quality=qualities)


def names(found: Samples, *tags: str) -> list[str]:
    """The tags of the accepted samples, by their ids."""
    ids = {pl.select(stable_id("p", "mes", [pl.lit(tag)])).item(): tag for tag in tags}
    return [ids[tag_id] for tag_id in found.accepted["tag_id"]]


def test_long_records() -> None:
    found = samples(long(("T1", AT, "21.5", "Good"), ("T2", AT, "OPEN", "Bad")), LONG)
    assert names(found, "T1", "T2") == ["T1", "T2"]
    assert found.accepted.select("ts", "month", "value_num", "value_text", "quality", "_row").rows() == [
        (datetime(2025, 6, 2, 12, tzinfo=UTC), "2025-06", 21.5, None, "GOOD", 1),
        (datetime(2025, 6, 2, 12, tzinfo=UTC), "2025-06", None, "OPEN", "BAD", 2),
    ]
    assert sorted(found.tags["tag"]) == ["T1", "T2"]


def test_numbers_in_the_style_of_the_source() -> None:
    found = samples(long(("T", AT, "1.234,5", None), ("T", AT, "12.5", None)), LONG, options={"decimal": ",", "thousands": "."})
    assert found.accepted.select("value_num", "value_text").rows() == [(1234.5, None), (None, "12.5")]  # kept as it came


def test_odd_numbers_among_plain_ones_are_numbers() -> None:
    """A sign behind (SAP), a percent sign: read, though the decimal sign is a point and nothing groups."""
    values = ("302.35-", "12.5 %", "21.5", "n/a", None)
    found = samples(long(*(("T", AT, value, "Good") for value in values)), LONG)
    assert found.accepted.select("value_num", "value_text").rows() == [
        (-302.35, None), (12.5, None), (21.5, None), (None, "n/a"), (None, None),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("word", "quality"),
    [
        ("Good", "GOOD"),
        ("bad", "BAD"),
        ("192", "GOOD"),
        ("216", "GOOD"),
        ("64", "UNCERTAIN"),
        ("0", "BAD"),
        ("24", "BAD"),
        ("odd", "UNCERTAIN"),
        (None, "GOOD"),
    ],
)
def test_quality_words_and_opc_codes(word: str | None, quality: str) -> None:
    # OPC Classic: the two highest bits; 192 = 0b11000000 good, 64 = 0b01000000 uncertain, 0 bad; 216 is good with a limit
    assert samples(long(("T", AT, "1", word)), LONG).accepted["quality"].to_list() == [quality]


def test_a_sample_without_a_value_is_bad_unless_its_source_says_otherwise() -> None:
    assert samples(long(("T", AT, "", None)), LONG).accepted.select("value_num", "quality").row(0) == (None, "BAD")


def test_a_quality_of_the_plants_own_is_mapped() -> None:
    columns = {**LONG, "quality": {"from": "Quality", "map": {"0": "GOOD", "1": "BAD"}, "else": "keep"}}
    assert samples(long(("T", AT, "1", "0"), ("T", AT, "1", "1")), columns).accepted["quality"].to_list() == ["GOOD", "BAD"]


def test_records_that_cannot_be_read_are_rejected_with_their_reasons() -> None:
    found = samples(long(("T", "soon", "1", None), (None, AT, "1", None), ("T", None, "1", None), ("T", AT, "1", None)), LONG)
    assert found.rejected.select("row_number", "detail").rows() == [
        (1, "NOT_A_TIME: ts 'soon'"), (2, "MISSING: tag"), (3, "MISSING: ts"),
    ]  # fmt: skip
    assert (found.read, found.accepted_records, len(found.accepted)) == (4, 1, 1)


def test_records_for_nobody_are_filtered() -> None:
    found = samples(long(("T", AT, "1", None), ("X", AT, "1", None)), LONG, skip={"test": {"column": "Tag", "in": ["X"]}})
    assert (found.filtered_by, len(found.accepted), found.accepted_records) == ({"test": 1}, 1, 1)


def test_a_surplus_field_makes_a_record_unreadable() -> None:
    frame = long(("T", AT, "1", None), ("T", AT, "2", None)).with_columns(pl.Series("_surplus", [None, "x"], dtype=pl.String))
    assert samples(frame, LONG).rejected["rule"].to_list() == ["TOO_MANY_FIELDS"]


def test_an_item_that_its_connector_could_not_read_says_why() -> None:
    frame = long(("T", AT, "1", None), (None, None, None, None)).with_columns(
        pl.Series("_surplus", [None, "{}"], dtype=pl.String), pl.Series("_unreadable", [None, "PI Web API: denied"], dtype=pl.String)
    )
    found = samples(frame, LONG)
    assert found.rejected.select("rule", "row_number").rows() == [("UNREADABLE", 2)]
    assert found.rejected["detail"][0].startswith("UNREADABLE: PI Web API: denied")


def test_wide_records_give_a_sample_for_each_filled_tag_column() -> None:
    frame = records(Time=[AT, AT], **{"Power (kW)": ["1", ""], "Temp [°C]": ["20", "21"], "Note": ["a", "b"]})
    found = samples(frame, {"ts": "Time", "tags": {"from": ["Power (kW)", "Temp [°C]"]}})
    assert sorted(zip(names(found, "Power", "Temp"), found.accepted["value_num"], strict=True)) == [
        ("Power", 1.0),
        ("Temp", 20.0),
        ("Temp", 21.0),
    ]
    assert found.tags.rows() == [("Power", "kW"), ("Temp", "°C")]
    assert (found.read, found.accepted_records) == (2, 2)


def test_a_wide_record_of_one_of_several_machines() -> None:
    frame = records(Time=[AT, AT], Well=["F-1", "F-4"], **{"Oil (m3)": ["7", "8"]})
    found = samples(frame, {"ts": "Time", "tag": "Well", "tags": {"from": "/.*/"}})
    assert sorted(zip(names(found, "F-1/Oil", "F-4/Oil"), found.accepted["value_num"], strict=True)) == [("F-1/Oil", 7.0), ("F-4/Oil", 8.0)]
    assert sorted(found.tags.rows()) == [("F-1/Oil", "m3"), ("F-4/Oil", "m3")]


def test_a_number_that_its_tag_cannot_have_is_uncertain() -> None:
    """pH 100.664 is a slip of the source: it is kept, and nobody takes it for good. What is bad stays bad."""
    rows = (
        ("pH", AT, "10.1", None),
        ("pH", AT, "100.664", "Good"),
        ("pH", AT, "-1", "Bad"),
        ("Flow", AT, "500", None),
        ("pH", AT, "x", None),
    )
    mapped = reading(LONG, "historian_sample", timezone="UTC")
    limited = replace(mapped, table=mapped.table.model_copy(update={"limits": {"pH": Limits(low=0, high=14)}}))
    assert conform_samples(long(*rows), limited).accepted["quality"].to_list() == ["GOOD", "UNCERTAIN", "BAD", "GOOD", "GOOD"]


def test_a_regular_expression_stands_for_every_unused_column_that_it_matches() -> None:
    frame = records(Time=[AT], Power=["1"], Temp=["20"])
    assert samples(frame, {"ts": "Time", "tags": {"from": "/.*/"}}).tags["tag"].to_list() == ["Power", "Temp"]


def test_a_wide_file_without_a_tag_column_stops_the_export() -> None:
    with pytest.raises(ConformError, match="No column of the file is a tag"):
        samples(records(Time=[AT], Power=["1"]), {"ts": "Time", "tags": {"from": "/^X/"}})


def test_words_of_the_mapping_hold_for_tags_and_values_as_everywhere() -> None:
    """A tag of two columns, a part of a text, a default: the same words as for events."""
    frame = records(Area=["A", "A"], Name=["T1", ""], Time=[AT, AT], Value=["on", "n/a"])
    columns = {
        "tag": {"from": ["Area", "Name"], "sep": "."}, "ts": "Time",
        "value": {"from": "Value", "nulls": ["n/a"], "map": {"on": "1"}, "else": "keep"},
    }  # fmt: skip
    found = samples(frame, columns)
    assert names(found, "A.T1", "A") == ["A.T1", "A"]
    assert found.accepted["value_num"].to_list() == [1.0, None]


def test_a_map_refuses_what_it_does_not_list_as_everywhere() -> None:
    found = samples(long(("T", AT, "1", "weird")), {**LONG, "quality": {"from": "Quality", "map": {"ok": "GOOD"}}})
    assert found.rejected["detail"].to_list() == ["UNMAPPED_VALUE: quality 'weird'"]


def test_headers_with_units() -> None:
    assert split_unit("Power (kW)") == ("Power", "kW")
    assert split_unit("(kW)") == ("(kW)", None)
