"""Conform: records of one export in; accepted rows, rejected rows with their reasons and counts that add up out."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from small_plant import reading, records

from connectors.errors import ConformError
from transforms.conform import Conformed, conform, conform_together

EVENTS = {"equipment": "Unit", "start_ts": "From", "end_ts": "To", "state_class": "Class", "source_reason_code": "Reason"}


def conformed(frame: pl.DataFrame, columns: dict[str, Any], table: str = "equipment_state_event", **more: Any) -> Conformed:
    return conform(frame.lazy(), reading(columns, table, **more))


def event(
    unit: str | None = "M1", start: str | None = "06:00", end: str | None = "07:00", state: str | None = "RUN", reason: str | None = None
) -> dict[str, Any]:
    day = "2025-06-02 "
    return {"Unit": unit, "From": start and day + start, "To": end and day + end, "Class": state, "Reason": reason}


def events(*rows: dict[str, Any]) -> pl.DataFrame:
    schema = dict.fromkeys(("Unit", "From", "To", "Class", "Reason"), pl.String)
    columns = pl.DataFrame(list(rows), schema=schema)
    return records(**columns.to_dict(as_series=False)) if rows else columns.with_columns(pl.lit(1, pl.Int64).alias("_row"))


def test_readings_without_a_step_are_left_out_and_counted() -> None:
    """The first reading is where counting begins; one that did not move tells nothing. What cannot be read is rejected."""
    columns = {"equipment": "Unit", "event_ts": "At", "produced_qty": {"from": "Total", "counter": {}}}
    times = ["2025-06-02 06:00", "2025-06-02 06:01", "2025-06-02 06:02", "2025-06-02 06:03"]
    frame = records(Unit=["M1"] * 4, At=times, Total=["5", "5", "x", "9"])
    found = conform(frame.lazy(), reading(columns, "production_count"))
    assert found.filtered_by == {"no_step": 2}
    assert found.rejected["rule"].to_list() == ["NOT_A_NUMBER"]
    assert [int(row) for row in found.accepted["produced_qty"]] == [4]
    assert found.read == 4


def test_each_record_is_accepted_rejected_or_filtered() -> None:
    frame = events(
        event(), event(unit="TEST"), event(start="25:99"), event(unit=None), event(start="08:00", end="07:00"), event(state=None)
    )
    found = conformed(frame, EVENTS, skip={"test machine": {"column": "Unit", "in": ["TEST"]}})
    assert (found.read, len(found.accepted), len(found.rejected), found.filtered_by) == (6, 1, 4, {"test machine": 1})
    assert found.rejected.select("row_number", "rule").rows() == [
        (3, "NOT_A_TIME"), (4, "MISSING"), (5, "NEG_DURATION"), (6, "NO_STATE_AND_NO_REASON"),
    ]  # fmt: skip


def test_a_rejected_row_keeps_the_whole_record_as_delivered() -> None:
    found = conformed(events(event(start="25:99", reason=" 17 ")), EVENTS)
    (row,) = found.rejected.to_dicts()
    assert row["detail"] == "NOT_A_TIME: start_ts '2025-06-02 25:99'"
    assert json.loads(row["raw_row"]) == {
        "Unit": "M1",
        "From": "2025-06-02 25:99",
        "To": "2025-06-02 07:00",
        "Class": "RUN",
        "Reason": "17",
    }


def test_every_reason_of_a_row_is_told() -> None:
    (row,) = conformed(events(event(start="25:99", end="26:00", state="RUNNING")), EVENTS).rejected.to_dicts()
    assert row["detail"].split("; ") == [
        "NOT_A_TIME: start_ts '2025-06-02 25:99'", "NOT_A_TIME: end_ts '2025-06-02 26:00'", "UNKNOWN_STATE: state_class 'RUNNING'",
    ]  # fmt: skip


def test_an_accepted_row_has_ids_times_in_utc_and_its_place_in_the_file() -> None:
    (row,) = conformed(events(event(reason="17")), EVENTS).accepted.to_dicts()
    assert (row["start_ts"], row["end_ts"]) == (datetime(2025, 6, 2, 4, tzinfo=UTC), datetime(2025, 6, 2, 5, tzinfo=UTC))
    assert (row["equipment_code"], row["state_class"], row["source_reason_code"], row["is_open"]) == ("M1", "RUN", "17", False)
    assert (row["month"], row["_source_object"], row["_row_number"], row["start_ts_source"]) == ("2025-06", "a.csv", 1, "2025-06-02 06:00")


def test_without_an_end_a_state_is_open() -> None:
    found = conformed(events(event(end=None)), EVENTS).accepted
    assert found.select("end_ts", "is_open").row(0) == (None, True)


def test_ids_do_not_depend_on_the_place_in_the_file() -> None:
    first = conformed(events(event(), event(unit="M2")), EVENTS).accepted
    second = conformed(events(event(unit="M2"), event()), EVENTS).accepted
    assert set(first["event_id"]) == set(second["event_id"])
    assert set(first["_row_hash"]) == set(second["_row_hash"])


def test_what_lies_after_its_ingestion_is_rejected() -> None:
    now = datetime(2025, 6, 2, 3, 50, tzinfo=UTC)  # 05:50 in Berlin: 06:00 is ten minutes ahead
    found = conformed(events(event()), EVENTS, ingested_at=now)
    assert found.rejected["rule"].to_list() == ["FUTURE_TS"]


def test_a_code_that_the_plant_file_does_not_know_is_rejected_where_it_says_so() -> None:
    found = conformed(events(event(), event(unit="M9")), EVENTS, known_equipment=frozenset({"M1"}))
    assert found.rejected["detail"].to_list() == ["UNKNOWN_EQUIPMENT: 'M9'"]


def test_aliases_are_the_same_unit() -> None:
    equipment = {"units": {"M1": {"aliases": ["Press 1"]}}}
    found = conformed(events(event(), event(unit="Press 1", start="07:00", end="08:00")), EVENTS, equipment=equipment).accepted
    assert found["equipment_id"].n_unique() == 1


def test_a_record_with_more_fields_than_the_header_cannot_be_trusted() -> None:
    frame = events(event(), event(start="07:00", end="08:00")).with_columns(pl.Series("_surplus", [None, "x"], dtype=pl.String))
    assert conformed(frame, EVENTS).rejected["rule"].to_list() == ["TOO_MANY_FIELDS"]


def test_a_record_that_its_connector_could_not_read_says_why_and_nothing_else() -> None:
    frame = events(event(), dict.fromkeys(event())).with_columns(
        pl.Series("_surplus", [None, '{"a": 1'], dtype=pl.String),
        pl.Series("_unreadable", [None, "the JSON ends in the middle of a value (column 8)"], dtype=pl.String),
    )
    rejected = conformed(frame, EVENTS).rejected
    assert rejected.select("row_number", "rule", "detail").rows() == [
        (2, "UNREADABLE", "UNREADABLE: the JSON ends in the middle of a value (column 8)")
    ]
    assert '{\\"a\\": 1' in rejected["raw_row"][0]


def test_an_empty_export_is_an_account_of_nothing() -> None:
    found = conformed(events(), EVENTS) if len(events()) else conformed(events(event()).clear(), EVENTS)
    assert (found.read, len(found.accepted), len(found.rejected), found.filtered) == (0, 0, 0, 0)


def test_the_span_is_that_of_the_accepted_rows() -> None:
    found = conformed(events(event(), event(start="07:00", end="09:30"), event(start="99:00")), EVENTS)
    assert (found.data_from, found.data_to) == (datetime(2025, 6, 2, 4, tzinfo=UTC), datetime(2025, 6, 2, 7, 30, tzinfo=UTC))


def test_a_renamed_column_stops_the_export_and_names_the_closest() -> None:
    with pytest.raises(ConformError, match="Closest: Unit_No"):
        conformed(events(event()).rename({"Unit": "Unit_No"}), EVENTS)


# --- quantities ----------------------------------------------------------------------------------------------------------------

COUNTS = {
    "equipment": "Unit",
    "event_ts": "At",
    "document": "Doc",
    "good_qty": {"from": "Good", "unit_from": "Uom"},
    "scrap_qty": {"from": "Scrap", "unit_from": "Uom"},
}


def test_quantities_with_signs_units_and_unknown_units() -> None:
    frame = records(
        Unit=["M1"] * 3, At=["2025-06-02 06:00"] * 3, Doc=["1", "2", "3"], Good=["10", "-10", "5"], Scrap=["1", "", ""], Uom=["pcs", "pcs", "box"],
    )  # fmt: skip
    found = conformed(frame, COUNTS, "production_count")
    assert [(float(g), s and float(s)) for g, s in found.accepted.select("good_qty", "scrap_qty").rows()] == [(10.0, 1.0), (-10.0, None)]
    assert found.rejected["rule"].to_list() == ["UNKNOWN_UNIT"]


def test_parts_that_exceed_their_total_are_rejected() -> None:
    columns = {"equipment": "Unit", "event_ts": "At", "produced_qty": "All", "good_qty": "Good"}
    frame = records(Unit=["M1", "M2"], At=["2025-06-02 06:00"] * 2, All=["10", "10"], Good=["10", "11"])
    assert conformed(frame, columns, "production_count").rejected["rule"].to_list() == ["PARTS_EXCEED_TOTAL"]


# --- loggers -------------------------------------------------------------------------------------------------------------------

LOGGER = {"equipment": "Unit", "start_ts": "At", "state_class": "Class"}


def spans(intervals: dict[str, Any], *stamps: str) -> list[str]:
    """hh:mm-hh:mm of UTC of intervals on a grid of five minutes; the plant's zone is UTC."""
    frame = records(Unit=["M1"] * len(stamps), At=[f"2025-06-02 {stamp}" for stamp in stamps], Class=["RUN"] * len(stamps))
    found = conformed(frame, LOGGER, timezone="UTC", intervals={"grid_s": 300, **intervals}).accepted.sort("start_ts", "_row_number")
    return [f"{start:%H:%M}-{end:%H:%M}" for start, end in found.select("start_ts", "end_ts").rows()]


def test_intervals_stamped_at_their_end() -> None:
    # 06:05 covers from its line 06:00; 06:10 from its neighbour; after a gap 06:25 reaches back to its line 06:20 and no further
    assert spans({"stamped": "end"}, "06:05", "06:10", "06:25") == ["06:00-06:05", "06:05-06:10", "06:20-06:25"]


def test_intervals_stamped_at_their_start() -> None:
    assert spans({"stamped": "start"}, "06:05", "06:10", "06:25") == ["06:05-06:10", "06:10-06:15", "06:25-06:30"]


def test_a_stamp_between_two_lines_shares_the_interval_with_its_neighbour() -> None:
    assert spans({"stamped": "end"}, "06:05", "06:07", "06:10") == ["06:00-06:05", "06:05-06:07", "06:07-06:10"]


def test_a_first_interval_may_be_left_unknown() -> None:
    assert spans({"stamped": "end", "first": "unknown"}, "06:05", "06:10") == ["06:05-06:05", "06:05-06:10"]


# --- laws ----------------------------------------------------------------------------------------------------------------------

CELL = st.sampled_from(["M1", "TEST", "", None])
STAMP = st.sampled_from(["06:00", "07:00", "25:99", None])


@settings(max_examples=40, deadline=None)
@given(st.lists(st.tuples(CELL, STAMP, STAMP, st.sampled_from(["RUN", "BOGUS", None])), min_size=1, max_size=12))
def test_law_nothing_is_lost_and_nothing_invented(rows: list[tuple[Any, ...]]) -> None:
    frame = events(*(event(*row) for row in rows))
    found = conformed(frame, EVENTS, skip={"test": {"column": "Unit", "in": ["TEST"]}})
    assert found.read == len(rows) == len(found.accepted) + len(found.rejected) + found.filtered
    placed = [*found.accepted["_row_number"], *found.rejected["row_number"]]
    assert len(placed) == len(set(placed))


# --- several exports at once ---------------------------------------------------------------------------------------------------

STAMPS = st.sampled_from(
    ["2025-06-02 06:00", "2025-06-02T07:00:00", "2025-06-02 07:00:00.1234567", "2025-06-02T05:00:00Z", "2025-06-02 08:00+02:00",
     "2025-6-2 9:00:00", "2025-06-02 24:00", "2025-06-03", "never", "", None,
     "2024-10-27 02:30", "2024-10-27 02:10", "2024-10-27 02:50", "2024-03-31 02:30"]
)  # fmt: skip
"""Texts that a file reads otherwise among others: mixed layouts, digits without zeros, the repeated hour of Berlin."""
RECORD = st.tuples(st.sampled_from(["M1", "M2", "TEST", ""]), STAMPS, STAMPS, st.sampled_from(["RUN", "IDLE", "BOGUS", None]))


def dated(rows: list[tuple[Any, ...]]) -> pl.DataFrame:
    frame = pl.DataFrame(rows, schema=dict.fromkeys(("Unit", "From", "To", "Class"), pl.String), orient="row")
    return frame.with_columns(pl.lit(None, dtype=pl.String).alias("Reason")).with_row_index("_row", offset=1).cast({"_row": pl.Int64})


@settings(max_examples=60, deadline=None)
@given(st.lists(st.lists(RECORD, max_size=5), min_size=1, max_size=4), st.sampled_from(["Europe/Berlin", "UTC"]))
def test_law_exports_that_are_conformed_together_give_what_each_gives_alone(files: list[list[tuple[Any, ...]]], zone: str) -> None:
    own = reading(EVENTS, skip={"test": {"column": "Unit", "in": ["TEST"]}}, timezone=zone)
    taken = [datetime(2025, 6, 4, number, tzinfo=UTC) for number in range(len(files))]
    readings = [replace(own, export=f"{n}.csv", batch_id=f"batch {n}", extracted_at=taken[n]) for n in range(len(files))]
    frames = [dated(rows) for rows in files]
    for found, frame, its_own in zip(conform_together(frames, readings), frames, readings, strict=True):
        alone = conform(frame.lazy(), its_own)
        assert found.accepted.equals(alone.accepted)
        assert found.rejected.equals(alone.rejected)
        for name in ("read", "filtered_by", "data_from", "data_to", "equipment", "materials"):
            assert getattr(found, name) == getattr(alone, name), name
        assert sorted(found.refused) == sorted(alone.refused)
        assert sorted(found.movable) == sorted(alone.movable)


def test_exports_that_do_not_fit_are_told_for_none_in_particular() -> None:
    with pytest.raises(ConformError, match="Unit"):
        conform_together([events(event()).drop("Unit"), events(event()).drop("Unit")], [reading(EVENTS)] * 2)


def test_the_ids_of_rejected_records_are_known_where_their_keys_are() -> None:
    good = conformed(events(event()), EVENTS).accepted
    rejected = conformed(events(event(end="05:00"), event(unit=None, start=None, state=None)), EVENTS)
    assert rejected.refused.to_list() == good["event_id"].to_list()


def test_a_number_of_the_sources_own_says_nothing_of_the_time() -> None:
    frame = records(Unit=["M1"] * 2, At=["2025-06-02 06:00"] * 2, Doc=["1", ""], Good=["10", "5"], Scrap=["1", ""], Uom=["pcs"] * 2)
    found = conformed(frame, COUNTS, "production_count")
    assert found.movable.to_list() == found.accepted.filter(pl.col("document_no") == "1")["count_id"].to_list()


@pytest.mark.parametrize(("key", "movable"), [(["Unit", "At"], 0), (["Doc"], 1)])
def test_a_key_of_the_plant_files_holds_the_time_or_does_not(key: list[str], movable: int) -> None:
    frame = records(Unit=["M1"], At=["2025-06-02 06:00"], Doc=["1"], Good=["10"], Scrap=["1"], Uom=["pcs"])
    assert len(conformed(frame, COUNTS, "production_count", key=key).movable) == movable
