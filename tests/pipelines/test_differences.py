"""Two states of a lake compared: which rows changed in which columns, which shifts are restated, which values moved."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from connectors.errors import PlantlakeError
from pipelines import silver
from pipelines.lake import Lake
from publish.differences import (
    KPI_DIFFERENCES,
    SHIFT_DIFFERENCES,
    SILVER_DIFFERENCES,
    Differences,
    Side,
    kpi_differences,
    shift_differences,
    silver_differences,
    versions,
)
from publish.reader import Snapshot
from transforms.keys import row_hash

STOPS = "equipment_state_event"
T0 = datetime(2025, 6, 2, 6, tzinfo=UTC)
META = silver.commit_metadata("test", [])


def stop(number: int, state: str, *, event: str | None = None, plant: str = "p", reason: str | None = None, **other: Any) -> dict[str, Any]:
    """A current state event read from line `number` of the one export; its id follows from the state unless it has one of its own."""
    about = {
        "plant_id": plant, "month": "2025-06", "event_id": event or f"{plant}{number}{state}", "equipment_id": "e1", "equipment_code": "M1",
        "start_ts": T0 + timedelta(hours=number), "state_class": state, "source_reason_code": reason, "is_open": True, "dq_flags": [],
        "revision": 1, "is_current": True, "is_deleted": False, "_source_system": "mes", "_batch_id": "B", "_row_number": number,
        "_ingested_at": T0,
    }  # fmt: skip
    return about | other


def table(name: str, rows: list[dict[str, Any]]) -> pl.DataFrame:
    """Rows with every column of a silver table, and the hash of what they say about the business."""
    frame = pl.DataFrame([dict.fromkeys(silver.columns(name)) | row for row in rows], schema=silver.columns(name), orient="row")
    if "_row_hash" not in frame.columns or frame.is_empty():
        return frame
    return frame.with_columns(row_hash(["event_id", "state_class", "source_reason_code", "start_ts"]).alias("_row_hash"))


def written(lake: Lake, name: str, rows: list[dict[str, Any]], *plants: str) -> dict[str, int]:
    """Makes the rows all there is of these plants; the versions of the lake's tables from then on."""
    keys = [(plant, "2025-06") for plant in plants or ("p",)] if "month" in silver.partition_by(name) else list(plants or ("p",))
    silver.replace(lake, name, table(name, rows), keys, META)
    return versions(lake)


def compared(lake: Lake, before: dict[str, int], *plants: str) -> list[dict[str, Any]]:
    return silver_differences(Side(lake, before), Side(lake), plants or ("p",)).to_dicts()


def moved(row: dict[str, Any]) -> dict[str, Any]:
    """The counts of a row of SILVER_DIFFERENCES that are not nought."""
    return {name: value for name, value in row.items() if value and name not in ("plant_id", "source_system", "table_name")}


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    return Lake(tmp_path / "lake").create()


# --- rows of silver ------------------------------------------------------------------------------------------------------------------


def test_a_row_changes_where_a_business_column_does(lake: Lake) -> None:
    before = written(lake, STOPS, [stop(1, "RUN", event="1"), stop(2, "IDLE", event="2", reason="x"), stop(3, "IDLE", event="3")])
    written(lake, STOPS, [stop(1, "RUN", event="1"), stop(2, "SETUP", event="2", reason="y"), stop(3, "SETUP", event="3")])
    (row,) = compared(lake, before)
    assert (row["plant_id"], row["source_system"], row["table_name"]) == ("p", "mes", STOPS)
    columns = [{"name": "state_class", "rows": 2}, {"name": "source_reason_code", "rows": 1}]
    assert moved(row) == {"changed": 2, "columns": columns}


def test_a_record_is_found_again_where_its_id_follows_from_its_state(lake: Lake) -> None:
    before = written(lake, STOPS, [stop(1, "RUN"), stop(2, "IDLE")])
    written(lake, STOPS, [stop(1, "RUN"), stop(2, "SETUP")])
    (row,) = compared(lake, before)
    assert moved(row) == {"changed": 1, "columns": [{"name": "state_class", "rows": 1}]}


def test_who_told_it_and_when_is_no_difference(lake: Lake) -> None:
    before = written(lake, STOPS, [stop(1, "RUN", event="1")])
    again = stop(1, "RUN", event="1", _ingested_at=T0 + timedelta(days=9), _transform_version="2", _batch_id="C", revision=2)
    written(lake, STOPS, [again])
    assert compared(lake, before) == []


def test_new_rows_and_rows_no_longer_there_are_counted_apart(lake: Lake) -> None:
    before = written(lake, STOPS, [stop(1, "RUN"), stop(2, "RUN")])
    written(lake, STOPS, [stop(2, "RUN"), stop(3, "RUN"), stop(4, "RUN")])
    (row,) = compared(lake, before)
    assert moved(row) == {"added": 2, "removed": 1}


def test_versions_that_are_not_current_do_not_count(lake: Lake) -> None:
    before = written(lake, STOPS, [stop(1, "RUN", event="1")])
    written(lake, STOPS, [stop(1, "IDLE", event="1", is_current=False), stop(1, "RUN", event="1"), stop(9, "RUN", is_deleted=True)])
    assert compared(lake, before) == []


def test_only_the_plants_asked_for_are_compared(lake: Lake) -> None:
    before = written(lake, STOPS, [stop(1, "RUN"), stop(1, "RUN", plant="q")], "p", "q")
    written(lake, STOPS, [stop(1, "IDLE"), stop(1, "IDLE", plant="q")], "p", "q")
    assert [row["plant_id"] for row in compared(lake, before, "q")] == ["q"]
    assert [row["plant_id"] for row in compared(lake, before, "p", "q")] == ["p", "q"]


def test_a_table_that_was_not_there_is_new_rows(lake: Lake) -> None:
    written(lake, STOPS, [stop(1, "RUN")])
    (row,) = compared(lake, {})
    assert moved(row) == {"added": 1}


def test_statements_are_found_again_by_what_they_are_about(lake: Lake) -> None:
    setting = {"plant_id": "p", "equipment_id": "*", "microstop_s": 300, "plan_freeze_s": 86400, "min_rate_coverage": 0.95}
    before = written(lake, "plant_setting", [setting])
    written(lake, "plant_setting", [setting | {"microstop_s": 120}])
    (row,) = compared(lake, before)
    assert (row["source_system"], row["table_name"]) == ("plant_file", "plant_setting")
    assert moved(row) == {"changed": 1, "columns": [{"name": "microstop_s", "rows": 1}]}


def test_a_changed_entry_of_the_reason_map_names_the_events_that_use_it(lake: Lake) -> None:
    """Three events say 17, one says 18; the entry for 17 changes, whatever the source. A deleted event uses nothing."""
    events = [stop(n, "IDLE", reason="17") for n in (1, 2, 3)]
    written(lake, STOPS, [*events, stop(4, "IDLE", reason="18"), stop(5, "IDLE", reason="17", is_deleted=True)])
    entries = [{"plant_id": "p", "source_system": "*", "source_code": code, "reason_code": "E-TOOL"} for code in ("17", "18")]
    before = written(lake, "map_downtime_reason", entries)
    written(lake, "map_downtime_reason", [entries[0] | {"reason_code": "O-MAT"}, entries[1]])
    (row,) = compared(lake, before)
    assert moved(row) == {"changed": 1, "columns": [{"name": "reason_code", "rows": 1}], "affected_events": 3}


def test_samples_are_compared_by_tag_and_instant(lake: Lake) -> None:
    def sample(number: int, value: float, row: int = 0) -> dict[str, Any]:
        at = T0 + timedelta(minutes=number)
        return {
            "plant_id": "p",
            "month": "2025-06",
            "tag_id": "t",
            "ts": at,
            "value_num": value,
            "quality": "GOOD",
            "_batch_id": "B",
            "_row": row,
        }

    before = written(lake, "historian_sample", [sample(1, 1.0), sample(2, 2.0), sample(3, 3.0)])
    written(lake, "historian_sample", [sample(1, 1.0, row=7), sample(2, 2.5), sample(4, 4.0)])
    (row,) = compared(lake, before)
    assert moved(row) == {"changed": 1, "columns": [{"name": "value_num", "rows": 1}], "added": 1, "removed": 1}


def test_a_version_that_upkeep_removed_cannot_be_compared(lake: Lake) -> None:
    written(lake, STOPS, [stop(1, "RUN")])
    with pytest.raises(PlantlakeError, match="Version 99 of silver table 'equipment_state_event' is no longer kept"):
        silver_differences(Side(lake, {STOPS: 99}), Side(lake), ["p"])


STATES = st.dictionaries(st.integers(1, 5), st.sampled_from(["RUN", "IDLE", "SETUP"]), max_size=5)


@given(old=STATES, new=STATES)
@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_counts_follow_from_the_two_states_and_turn_round_with_them(
    tmp_path_factory: pytest.TempPathFactory, old: dict[int, str], new: dict[int, str]
) -> None:
    """Whatever the rows: changed are the records on both sides that say something else, and back is forth with new and gone swapped."""
    lake = Lake(tmp_path_factory.mktemp("law") / "lake").create()
    before = written(lake, STOPS, [stop(number, state) for number, state in old.items()])
    after = written(lake, STOPS, [stop(number, state) for number, state in new.items()])
    forth = silver_differences(Side(lake, before), Side(lake, after), ["p"])
    back = silver_differences(Side(lake, after), Side(lake, before), ["p"])
    expected = (sum(old[n] != new[n] for n in old.keys() & new.keys()), len(new.keys() - old.keys()), len(old.keys() - new.keys()))
    assert forth.select("changed", "added", "removed").rows() == ([expected] if any(expected) else [])
    assert forth.select("changed", "added", "removed").rows() == back.select("changed", "removed", "added").rows()


# --- rejected records ---------------------------------------------------------------------------------------------------------------


def rejected(number: int, code: str) -> dict[str, Any]:
    detail = f"UNMAPPED_VALUE: state_class '{code}'"
    return {
        "plant_id": "p", "batch_id": "B", "source_system": "mes", "source_object": "stops.csv", "table_name": STOPS, "row_number": number,
        "rule": "UNMAPPED_VALUE", "detail": detail, "raw_row": "{}", "rejected_at": T0,
    }  # fmt: skip


def quarantined(lake: Lake, *rows: dict[str, Any]) -> dict[str, int]:
    frame = pl.DataFrame(
        list(rows), schema={n: t for n, t in silver.QUARANTINE.items() if n not in ("quarantine_id", "resolved_at")}, orient="row"
    )
    silver.quarantine(lake, frame, [("p", STOPS, "B")], META)
    return versions(lake)


def test_rejected_rows_become_accepted_or_are_left_out_and_others_become_rejected(lake: Lake) -> None:
    """Lines 1, 2, 3 are rejected. Then 1 is a row, 2 is filtered out, 3 stays rejected, and 4 and 5 are rejected for two reasons."""
    written(lake, STOPS, [stop(4, "RUN"), stop(5, "RUN")])
    before = quarantined(lake, rejected(1, "X"), rejected(2, "X"), rejected(3, "X"))
    written(lake, STOPS, [stop(1, "IDLE")])
    quarantined(lake, rejected(3, "X"), rejected(4, "Y"), rejected(5, "Z"))
    (row,) = compared(lake, before)
    rules = [{"name": f"UNMAPPED_VALUE: state_class '{code}'", "rows": 1} for code in ("Y", "Z")]
    assert moved(row) == {"added": 1, "removed": 2, "accepted": 1, "left_out": 1, "rejected": 2, "rules": rules}


def test_exports_that_fail_and_that_are_mended_are_counted(lake: Lake) -> None:
    def ledger(**states: str) -> pl.DataFrame:
        rows = [{"plant_id": "p", "source_system": "mes", "batch_id": b, "table_name": STOPS, "table_state": s} for b, s in states.items()]
        return pl.DataFrame(rows)

    sides = ledger(a="COMMITTED", b="FAILED", c="FAILED"), ledger(a="FAILED", b="COMMITTED", c="FAILED", d="FAILED")
    (row,) = silver_differences(Side(lake), Side(lake), ["p"], sides).to_dicts()
    assert moved(row) == {"failing_exports": 2, "mended_exports": 1}  # a and the new d fail; b is mended; c failed and fails


# --- values -------------------------------------------------------------------------------------------------------------------------


def values(*rows: tuple[str, str, float | None, float | None]) -> pl.DataFrame:
    """(kpi, scope, value, coverage) of June; a value that is not there has a reason."""
    schema = {
        "kpi_id": pl.String, "profile": pl.String, "scope_type": pl.String, "scope_id": pl.String, "period_type": pl.String,
        "period_start": pl.Date, "value": pl.Float64, "coverage": pl.Float64, "grade": pl.String, "status": pl.String, "why": pl.String,
    }  # fmt: skip
    told = [
        (kpi, "ISO", "PORTFOLIO" if scope == "portfolio" else "PLANT", scope, "MONTH", date(2025, 6, 1), value, coverage,
         "A" if value is not None else "D", "OK" if value is not None else "NOT_COMPUTABLE", None if value is not None else "NO_STATES")
        for kpi, scope, value, coverage in rows
    ]  # fmt: skip
    return pl.DataFrame(told, schema=schema, orient="row")


def test_moves_are_told_with_what_appears_first_and_then_by_size() -> None:
    before = values(("OEE", "p", 0.741, 1.0), ("A", "p", 0.8, 1.0), ("Q", "p", 0.99, 1.0), ("E", "p", None, 0.0), ("OEE", "q", 0.5, 1.0))
    after = values(("OEE", "p", 0.733, 0.98), ("A", "p", 0.9, 1.0), ("Q", "p", 0.99, 1.0), ("E", "p", 0.7, 1.0), ("OEE", "q", 0.5, 0.9))
    found = kpi_differences(before, after)
    assert list(found.schema) == list(KPI_DIFFERENCES)
    points = [None if row["points"] is None else round(row["points"], 6) for row in found.to_dicts()]
    assert list(zip(found["kpi_id"], found["scope_id"], points, strict=True)) == [
        ("E", "p", None), ("A", "p", 10.0), ("OEE", "p", -0.8), ("OEE", "q", 0.0),
    ]  # fmt: skip
    assert Differences(pl.DataFrame(schema=SILVER_DIFFERENCES), found, pl.DataFrame(schema=SHIFT_DIFFERENCES)).lines() == [
        "E of p 2025-06: - (NO_STATES) → 70.0 %, coverage 0% → 100%, grade D → A",
        "A of p 2025-06: 80.0 % → 90.0 % (+10.0 points), coverage 100%",
        "OEE of p 2025-06: 74.1 % → 73.3 % (-0.8 points), coverage 100% → 98%",
        "OEE of q 2025-06: 50.0 % → 50.0 % (+0.0 points), coverage 100% → 90%",
    ]


def test_a_scope_that_only_one_side_knows_is_told() -> None:
    (row,) = kpi_differences(values(), values(("OEE", "portfolio", 0.5, 1.0))).to_dicts()
    assert (row["before"], row["after"], row["coverage_before"], row["grade_before"], row["points"]) == (None, 0.5, None, None, None)


def test_noise_of_sums_is_no_move() -> None:
    assert kpi_differences(values(("OEE", "p", 0.1 + 0.2, 1.0)), values(("OEE", "p", 0.3, 1.0))).is_empty()


def test_a_long_list_is_cut_and_says_so() -> None:
    found = kpi_differences(values(), values(*((kpi, f"p{n}", 0.5, 1.0) for n in range(9) for kpi in ("OEE", "A", "E"))))
    lines = Differences(pl.DataFrame(schema=SILVER_DIFFERENCES), found, pl.DataFrame(schema=SHIFT_DIFFERENCES)).lines(most=20)
    assert (len(lines), lines[-1]) == (21, "and 7 smaller moves (--json shows all)")


# --- unit-shifts --------------------------------------------------------------------------------------------------------------------


@pytest.fixture
def parts(tmp_path: Path) -> Path:
    """Parts of one unit over four releases: (shift, product, from release, to release).

    Shift s1 is corrected in release 2; s2 gets a product in 3, which goes in 4; s3 comes with release 3; s4 goes with release 2.
    """
    path = tmp_path / "kpi.duckdb"
    rows = [
        ("s1", "~", 1, 2), ("s1", "~", 2, None), ("s2", "~", 1, None), ("s2", "x", 3, 4), ("s3", "~", 3, None), ("s4", "~", 1, 2),
    ]  # fmt: skip
    with duckdb.connect(str(path)) as con:
        con.execute(
            "CREATE TABLE mart_kpi_parts_shift (plant_id VARCHAR, production_day DATE, equipment_id VARCHAR, shift_instance_id VARCHAR,"
            " material_key VARCHAR, valid_from_release BIGINT, valid_to_release BIGINT)"
        )
        for shift, product, start, end in rows:
            day = date(2025, 6, int(shift[1]))
            con.execute("INSERT INTO mart_kpi_parts_shift VALUES ('p', ?, 'e', ?, ?, ?, ?)", [day, shift, product, start, end])
    return path


@pytest.mark.parametrize(
    ("before", "after", "counts", "days"),
    [
        (1, 2, (1, 0, 1), (1, 4)),  # s1 restated, s4 gone
        (2, 3, (1, 1, 0), (2, 3)),  # s2 restated by its product, s3 new
        (1, 4, (1, 1, 1), (1, 4)),  # what s2 got in 3 and lost in 4 is no difference
        (4, 1, (1, 1, 1), (1, 4)),  # the way back: s4 comes, s3 goes
    ],
)
def test_shifts_restated_between_two_releases(parts: Path, before: int, after: int, counts: tuple[int, ...], days: tuple[int, int]) -> None:
    with Snapshot(parts) as reader:
        (row,) = shift_differences(reader, before, after).to_dicts()
        assert shift_differences(reader, after, after).is_empty()
    assert (row["plant_id"], row["month"]) == ("p", date(2025, 6, 1))
    assert (row["restated"], row["added"], row["removed"]) == counts
    assert (row["first_day"].day, row["last_day"].day) == days
