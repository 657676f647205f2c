"""Measures worked out by hand: what a profile says of small silver tables."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lake_of_two_plants import AT, DAY, hours, lake, write

from quality_checks.measuring import PROFILE
from quality_checks.profiles import SILVER, profile


@pytest.fixture
def con() -> duckdb.DuckDBPyConnection:
    return lake()


def measures(con: duckdb.DuckDBPyConnection, table: str, plant: str = "south") -> dict[str, float | None]:
    rows = profile(con, table, [plant], AT)
    return dict(rows.filter(plant_id=plant).select("measure", "value").iter_rows())


def count(name: str, good: float, **links: Any) -> dict[str, Any]:
    return {
        "plant_id": "south", "count_id": name, "equipment_id": "M1", "equipment_code": "M1", "event_ts": hours(10), "good_qty": good,
        "uom": "{piece}", "count_source": "MES", **links,
    }  # fmt: skip


def shift(name: str, start: float, end: float, unit: str | None = None, **more: Any) -> dict[str, Any]:
    return {
        "plant_id": "south", "shift_instance_id": name, "equipment_id": unit, "shift_code": name, "production_day": DAY.date(),
        "start_ts": hours(start), "end_ts": hours(end), "source": "MES", **more,
    }  # fmt: skip


def event(name: str, start: datetime, reason: str | None = None, **more: Any) -> dict[str, Any]:
    return {
        "plant_id": "south", "event_id": name, "equipment_id": "M1", "equipment_code": "M1", "start_ts": start,
        "end_ts": start + timedelta(hours=1), "is_open": False, "source_reason_code": reason, **more,
    }  # fmt: skip


@pytest.mark.parametrize("table", SILVER)
def test_a_profile_has_one_row_per_plant_and_measure(con: duckdb.DuckDBPyConnection, table: str) -> None:
    found = profile(con, table, None, AT)
    assert found.schema == PROFILE
    assert found.height == 2 * len(SILVER[table].names())
    assert len(SILVER[table].names()) == len(set(SILVER[table].names()))


@pytest.mark.parametrize("table", [name for name in SILVER if name != "plant"])
def test_a_plant_without_rows_is_measured_as_nothing_not_as_zero(con: duckdb.DuckDBPyConnection, table: str) -> None:
    con.execute(f"delete from silver.{table} where plant_id = 'south'")
    found = profile(con, table, None, AT).filter(plant_id="south")
    assert found["rows"].unique().to_list() == [0]
    assert found["value"].null_count() == found.height


def test_only_the_plants_asked_for_are_measured_known_or_not(con: duckdb.DuckDBPyConnection) -> None:
    assert profile(con, "material", ["south", "it's new"], AT)["plant_id"].unique().sort().to_list() == ["it's new", "south"]


def test_entries_of_the_whole_portfolio_are_measured_as_plant_star(con: duckdb.DuckDBPyConnection) -> None:
    con.execute("update silver.map_downtime_reason set plant_id = '*' where plant_id = 'north'")
    assert profile(con, "map_downtime_reason", ["south"], AT)["plant_id"].unique().sort().to_list() == ["*", "south"]


def test_a_reversal_of_a_correction_belongs_to_the_first_document(con: duckdb.DuckDBPyConnection) -> None:
    # D = 100, C takes 10 off, R gives the 10 back: the chain D-C-R is 100, and no part of it is a chain of its own.
    rows = [count("D", 100), count("C", -10, corrects_count_id="D"), count("R", 10, reverses_count_id="C")]
    write(con, "production_count", rows)
    assert measures(con, "production_count")["negative_chains"] == 0
    write(con, "production_count", [*rows, count("R2", -101, reverses_count_id="D")])  # 100 - 10 + 10 - 101 = -1
    assert measures(con, "production_count")["negative_chains"] == 1


def test_a_reversal_whose_document_is_missing_is_an_orphan_not_a_negative_sum(con: duckdb.DuckDBPyConnection) -> None:
    late = count("R", -50, reverses_count_id="before the first export", event_ts=hours(10, 7))
    write(con, "production_count", [count("D", 100), late])
    found = measures(con, "production_count")
    assert (found["negative_chains"], found["document_orphan_share"]) == (0, 1)


def test_documents_that_reverse_each_other_do_not_hang_the_profile(con: duckdb.DuckDBPyConnection) -> None:
    ring = [count(one, 5, reverses_count_id=other, event_ts=hours(10, 9)) for one, other in ("AB", "BA")]
    write(con, "production_count", ring)
    assert measures(con, "production_count")["document_orphan_share"] == 0


def test_scrap_ratio_divides_sums_and_is_unknown_without_scrap(con: duckdb.DuckDBPyConnection) -> None:
    # (1 + 9) / (10 + 30); the third row knows no total and counts on neither side.
    rows = [count("a", 9, scrap_qty=1, produced_qty=10), count("b", 21, scrap_qty=9, produced_qty=30), count("c", 5, scrap_qty=5)]
    write(con, "production_count", rows)
    assert measures(con, "production_count")["scrap_ratio"] == 0.25
    write(con, "production_count", [count("a", 9)])
    assert measures(con, "production_count")["scrap_ratio"] is None


def test_shift_windows_overlap_per_unit_and_touching_is_no_overlap(con: duckdb.DuckDBPyConnection) -> None:
    # early touches late; 'long' holds two others inside; M1's own window and the plant's are alternatives, not overlaps.
    write(con, "shift_instance", [shift("early", 4, 12), shift("late", 12, 20), shift("own", 4, 12, unit="M1")])
    assert measures(con, "shift_instance")["overlapping_rows"] == 0
    write(con, "shift_instance", [shift("long", 0, 24), shift("a", 1, 2), shift("b", 3, 4), shift("next", 24, 32)])
    assert measures(con, "shift_instance")["overlapping_rows"] == 2


def test_older_versions_and_deleted_windows_do_not_overlap(con: duckdb.DuckDBPyConnection) -> None:
    first, second = shift("s", 4, 12, is_current=False), shift("s", 4, 13, revision=2)
    write(con, "shift_instance", [first, second, shift("gone", 5, 6, is_deleted=True)])
    found = measures(con, "shift_instance")
    assert (found["overlapping_rows"], found["ids_with_several_current"], found["lost_record_share"]) == (0, 0, 0)


spans = st.tuples(st.integers(0, 23), st.integers(1, 10)).map(lambda span: (span[0], span[0] + span[1]))


@settings(max_examples=25, deadline=None)
@given(windows=st.lists(spans, min_size=1, max_size=6), entries=st.lists(spans, min_size=1, max_size=6))
def test_law_an_entry_is_outside_when_it_overlaps_no_window(windows: list[tuple[int, int]], entries: list[tuple[int, int]]) -> None:
    con = LAKE
    write(con, "shift_instance", [shift(str(number), *window) for number, window in enumerate(windows)])
    write(
        con,
        "planned_downtime",
        [
            {
                "plant_id": "south", "planned_downtime_id": str(number), "start_ts": hours(start), "end_ts": hours(end),
                "planned_class": "PLANNED_BREAK",
            }
            for number, (start, end) in enumerate(entries)
        ],
    )  # fmt: skip
    outside = [all(end <= first or last <= start for first, last in windows) for start, end in entries]
    assert measures(con, "planned_downtime")["outside_shift_share"] == pytest.approx(sum(outside) / len(outside))


LAKE = lake()


def test_reasons_count_as_mapped_by_plant_source_approval_and_validity(con: duckdb.DuckDBPyConnection) -> None:
    entry = {"reason_code": "E-MECH", "mapped_by": "ann", "approved_at": DAY}
    write(
        con,
        "map_downtime_reason",
        [
            {**entry, "plant_id": "south", "source_system": "mes", "source_code": "own"},
            {**entry, "plant_id": "*", "source_system": "*", "source_code": "shared"},
            {**entry, "plant_id": "north", "source_system": "mes", "source_code": "of another plant"},
            {**entry, "plant_id": "south", "source_system": "plc", "source_code": "of another source"},
            {**entry, "plant_id": "south", "source_system": "mes", "source_code": "proposed", "approved_at": None},
            {**entry, "plant_id": "south", "source_system": "mes", "source_code": "old", "valid_to": hours(10)},
        ],
    )
    coded = ["own", "shared", "of another plant", "of another source", "proposed", "nowhere"]
    events = [event(code, hours(10), code) for code in coded]
    events += [event("in time", hours(9), "old"), event("too late", hours(10), "old"), event("none", hours(11), state_class="IDLE")]
    write(con, "equipment_state_event", events)
    # Mapped: own, shared, in time. Coded: 8. The event without a code is in neither.
    assert measures(con, "equipment_state_event")["unmapped_reason_share"] == pytest.approx(5 / 8)


def test_references_are_not_judged_where_a_plant_has_no_such_master(con: duckdb.DuckDBPyConnection) -> None:
    con.execute("delete from silver.production_order where plant_id = 'south'")
    assert measures(con, "equipment_state_event")["order_orphan_share"] is None
    assert measures(con, "equipment_state_event", "north")["order_orphan_share"] == 0


def test_a_unit_that_was_deleted_is_still_known(con: duckdb.DuckDBPyConnection) -> None:
    con.execute("update silver.equipment set is_deleted = true where equipment_id = 'M1'")
    assert measures(con, "equipment_state_event")["equipment_orphan_rows"] == 0


def test_plant_ids_are_texts(con: duckdb.DuckDBPyConnection) -> None:
    con.execute("update silver.plant set plant_id = '0010' where plant_id = 'south'")
    assert "0010" in profile(con, "plant", None, AT)["plant_id"].to_list()


def test_the_first_week_after_a_month_that_is_not_there_says_nothing_of_lost_documents(con: duckdb.DuckDBPyConnection) -> None:
    # October is there without September: a reversal of the 7th may mean a document of September; one of the 8th is judged.
    lost = [count(f"R{day}", -1, reverses_count_id="ghost", event_ts=hours(0, day - 1)) for day in (1, 7, 8)]
    write(con, "production_count", [count("D", 100), *lost])
    assert measures(con, "production_count")["document_orphan_share"] == 1
    write(con, "production_count", [count("D", 100), *lost[:2]])
    assert measures(con, "production_count")["document_orphan_share"] is None
    # With September beside it the whole of October is judged, the first week of September is not.
    september = count("S", 100, event_ts=hours(0, -29), month="2026-09")
    found = count("RS", -1, reverses_count_id="S")
    write(con, "production_count", [september, count("D", 100), found, *lost[:2]])
    assert measures(con, "production_count")["document_orphan_share"] == pytest.approx(2 / 3)


def test_a_record_whose_current_version_is_in_another_month_is_a_share_not_a_fault(con: duckdb.DuckDBPyConnection) -> None:
    moved = count("moved", 5, is_current=False)  # its second version, in November, is not in the window
    write(con, "production_count", [count(str(number), 1) for number in range(199)] + [moved])
    found = measures(con, "production_count")
    assert (found["lost_record_share"], found["ids_with_several_current"]) == (1 / 200, 0)


def test_silence_of_units_is_judged_over_a_week_or_longer(con: duckdb.DuckDBPyConnection) -> None:
    con.execute("delete from silver.equipment_state_event where plant_id = 'south'")
    write(con, "production_count", [count("D", 100), count("E", 100, event_ts=hours(9.99, 7))])
    assert measures(con, "equipment")["silent_unit_share"] is None  # two instants less than seven days apart
    write(con, "production_count", [count("D", 100), count("E", 100, event_ts=hours(10, 7))])
    assert measures(con, "equipment")["silent_unit_share"] == 0.5  # M1 counted, M2 is silent


def test_ends_are_forgotten_by_sources_that_tell_ends_not_by_logs_of_states(con: duckdb.DuckDBPyConnection) -> None:
    states = [event(f"s{day}", hours(0, day), state_class="RUN", end_ts=None, is_open=True, _source_system="agent") for day in range(20)]
    write(con, "equipment_state_event", states)
    assert measures(con, "equipment_state_event")["forgotten_open_share"] is None
    stops = [event(f"e{day}", hours(1, day), "E01") for day in range(9)]
    lost = event("lost", hours(2), "E01", end_ts=None, is_open=True)
    write(con, "equipment_state_event", [*states, *stops, lost])  # the last event of the plant is on the 20th
    assert measures(con, "equipment_state_event")["forgotten_open_share"] == 0.1


def test_planned_entries_of_a_month_without_windows_are_not_outside_of_them(con: duckdb.DuckDBPyConnection) -> None:
    con.execute("update silver.planned_downtime set month = '2026-12' where plant_id = 'south'")
    assert measures(con, "planned_downtime")["outside_shift_share"] is None


def test_a_tag_with_one_sample_is_judged_over_a_day_or_longer(con: duckdb.DuckDBPyConnection) -> None:
    con.execute("delete from silver.historian_sample where plant_id = 'south' and (tag_id = 'T1' and _row > 0 or _row > 1)")
    assert measures(con, "historian_sample")["tags_with_one_sample_share"] is None


def test_an_order_overproduces_by_one_unit_not_by_its_operations(con: duckdb.DuckDBPyConnection) -> None:
    # Planned 300: two units that book 290 each are two operations of it; 460 on one unit is half as much again and more.
    con.execute(
        "insert into silver.production_count select * replace ('M2' as equipment_id, 'x' || count_id as count_id) from silver.production_count"
    )
    assert measures(con, "production_order")["overproduced_share"] == 0
    con.execute("update silver.production_count set produced_qty = 270 where plant_id = 'south' and count_id = 'D1'")  # 290 + 170
    assert measures(con, "production_order")["overproduced_share"] == 1
    con.execute("update silver.production_count set uom = 'kg' where plant_id = 'south'")
    assert measures(con, "production_order")["overproduced_share"] is None  # kilograms against pieces say nothing


def test_a_clock_is_judged_by_its_last_week_and_by_days_with_enough_pairs(con: duckdb.DuckDBPyConnection) -> None:
    # Days from the 1st to the 9th: 30 s, 31 s, ... 38 s. The 2nd is eight days old, and two pairs of the 8th are chance.
    con.execute("update silver.clock_offset set offset_s = 400, iqr_s = 90 where plant_id = 'south' and day = date '2026-10-02'")
    con.execute("update silver.clock_offset set offset_s = 500, iqr_s = 90, pairs = 2 where plant_id = 'south' and day = date '2026-10-08'")
    assert measures(con, "clock_offset") == {"largest_offset_s": 38.0, "unsteady_days": 0.0}
