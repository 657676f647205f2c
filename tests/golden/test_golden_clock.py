"""GC32 with the offset estimated (rule T17): two sources saw the same stops, and the clock of one is held against the other.

Every plant has one unit, one shift 06:00-14:00 UTC on 2025-06-02, a PLC that logs RUN, and an MES that logs stops and counts. The PLC is
right: it saw the unit stand from 10:00 to 10:10 and from 12:00 to 12:10. In seconds of S1 then: run 28 800 - 1 200 = 27 600, stopped 1 200.
"""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import yaml
from golden_portfolio import refresh, write_csv

from pipelines import state
from pipelines.lake import Lake
from publish.reader import Snapshot
from quality_checks.profiles import profile

DAY = "2025-06-02T"
TOLD = "202506020000-202506030000"
RUNS = [("06:00:00", "10:00:00"), ("10:10:00", "12:00:00"), ("12:10:00", "14:00:00")]
FIRST, SECOND = ("10:02:00", "10:12:00"), ("12:02:00", "12:12:00")
"""The two stops by an MES that is 120 s ahead."""

STOPS: dict[str, list[tuple[str, str]]] = {
    "steady": [FIRST, SECOND],
    # 120, 130, 110 and 140 s ahead: the middle half of them spans 15 s, which is no offset.
    "unsteady": [("10:02:00", "10:12:10"), ("12:01:50", "12:12:20")],
    "too_few": [FIRST],  # two pairs
    "late": [FIRST],  # the second stop comes with a later export
    "near": [("10:00:02", "10:10:02"), ("12:00:02", "12:10:02")],  # 2 s are not noticed
    "half_a_minute": [("10:00:30", "10:10:30"), ("12:00:30", "12:10:30")],
}


def write(root: Path, plant: str, stops: list[tuple[str, str]], name: str = "mes_1") -> None:
    """An export of the MES: stops, and ten pieces counted at 14:01 by its clock."""
    rows = [{"kind": "stop", "unit": "M", "from": DAY + start, "to": DAY + end, "good": ""} for start, end in stops]
    rows.append({"kind": "count", "unit": "M", "from": f"{DAY}14:01:00", "to": "", "good": "10"})
    write_csv(root / "landing" / plant / f"{name}_{TOLD}.csv", rows)


def write_plant(root: Path, plant: str) -> None:
    events = {"equipment": "unit", "start_ts": "from", "end_ts": "to"}
    counts = {"equipment": "unit", "event_ts": "from", "good_qty": {"from": "good", "unit": "pcs"}}
    source: dict[str, Any] = {
        "kind": "delimited", "options": {"delimiter": ",", "encoding": "utf-8"},
        "covers": {"from_name": r"_(\d{12})-(\d{12})", "format": "%Y%m%d%H%M"},
    }  # fmt: skip
    stops = {"columns": {**events, "state_class": {"const": "DELAY_EQ"}}, "skip": {"counts": {"column": "kind", "in": ["count"]}}}
    pieces = {"columns": counts, "skip": {"stops": {"column": "kind", "in": ["stop"]}}}
    about = {
        "plant": plant, "name": plant, "company": "golden", "timezone": "UTC", "data_start_on": "2025-06-02",
        "shifts": {"S1": {"at": "06:00-14:00", "days": "daily"}},
        "sources": {
            "plc": {**source, "path": "plc_*.csv", "tables": {"equipment_state_event": {"columns": {**events, "state_class": {"const": "RUN"}}}}},
            "mes": {**source, "path": "mes_*.csv", "clock_reference": "plc", "tables": {"equipment_state_event": stops, "production_count": pieces}},
        },
    }  # fmt: skip
    (root / "plants" / f"{plant}.yaml").write_text(yaml.safe_dump(about, sort_keys=False), encoding="utf-8")
    write_csv(root / "landing" / plant / f"plc_{TOLD}.csv", [{"unit": "M", "from": DAY + start, "to": DAY + end} for start, end in RUNS])


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """All plants, refreshed; then the second stop of `late`, refreshed."""
    root = tmp_path_factory.mktemp("clock")
    (root / "plants").mkdir()
    (root / "portfolio.yaml").write_text("name: Golden\n", encoding="utf-8")
    for plant, stops in STOPS.items():
        write_plant(root, plant)
        write(root, plant, stops)
    refresh(root)
    write(root, "late", [FIRST, SECOND], "mes_2")
    refresh(root)
    return root


@pytest.fixture(scope="module")
def lake(root: Path) -> Any:
    with Snapshot(root / "lake" / "kpi.duckdb") as reader:
        yield reader


def seconds(lake: Snapshot, plant: str, release: int = 2) -> tuple[int, ...]:
    """(PBT, APT, ADET of the equipment, unknown, good pieces) of S1."""
    (row,) = lake.rows(
        f"""SELECT sum(pbt_s), sum(apt_s), sum(adet_eq_s), sum(unknown_s), coalesce(sum(gq), 0) FROM mart_kpi_parts_shift
        WHERE plant_id = '{plant}' AND shift_code = 'S1' AND production_day = DATE '2025-06-02'
            AND valid_from_release <= {release} AND coalesce(valid_to_release > {release}, true)"""
    )
    return tuple(int(value) for value in row)


def offset(lake: Snapshot, plant: str) -> tuple[Any, ...]:
    (row,) = lake.rows(
        f"SELECT offset_s, pairs, iqr_s, is_applied FROM clock_offset WHERE plant_id = '{plant}' AND day = DATE '2025-06-02'"
    )
    return tuple(row)


def test_golden_gc32_a_steady_offset_is_estimated_and_subtracted_from_stops_and_counts(lake: Snapshot) -> None:
    assert offset(lake, "steady") == (120, 4, 0, True)
    # 14:01 by the clock of the MES was 13:59: the pieces are the shift's.
    assert seconds(lake, "steady") == (28800, 27600, 1200, 0, 10)
    assert offset(lake, "half_a_minute") == (30, 4, 0, True)
    assert seconds(lake, "half_a_minute") == (28800, 27600, 1200, 0, 0)  # 14:00:30


def test_golden_an_unsteady_clock_is_not_corrected(lake: Snapshot) -> None:
    # 110, 120, 130, 140: quartiles 117.5 and 132.5.
    assert offset(lake, "unsteady") == (125, 4, 15, False)
    # Nobody tells of 10:00:00-10:02:00 and 12:00:00-12:01:50; the stops of 610 s and 630 s own what the PLC calls run behind them.
    assert seconds(lake, "unsteady") == (28800, 28800 - 230 - 1240, 1240, 230, 0)


def test_golden_two_pairs_are_not_enough(lake: Snapshot) -> None:
    assert offset(lake, "too_few") == (120, 2, 0, False)
    # GC32 as a naive ledger has it, with the second stop that the MES missed: 120 s and 600 s without an owner.
    assert seconds(lake, "too_few") == (28800, 28800 - 600 - 120 - 600, 600, 720, 0)


def test_golden_two_seconds_are_how_late_people_stamp(lake: Snapshot) -> None:
    assert offset(lake, "near") == (2, 4, 0, False)
    assert seconds(lake, "near") == (28800, 28800 - 4 - 1200, 1200, 4, 0)


def test_golden_a_later_export_gives_the_estimate_and_restates_its_day(root: Path, lake: Snapshot) -> None:
    assert seconds(lake, "late", release=1) == seconds(lake, "too_few")
    assert seconds(lake, "late", release=2) == seconds(lake, "steady")
    assert offset(lake, "late") == offset(lake, "steady")
    causes = lake.rows("SELECT DISTINCT plant_id FROM release_cause WHERE release_id = 2 AND cause = 'clock offset'")
    assert causes == [("late",)]


def test_golden_more_than_a_minute_and_an_unsteady_clock_are_measured_for_quality(root: Path) -> None:
    with state.connection(Lake(root / "lake")) as con:
        found = profile(con, "clock_offset", sorted(STOPS), datetime(2025, 6, 4, tzinfo=UTC))
    measured = {plant: dict(rows.select("measure", "value").rows()) for (plant,), rows in found.group_by("plant_id")}
    # The warnings are at 60 s and at one day; two pairs of a day (`too_few`) say nothing of a clock.
    assert {plant: (own["largest_offset_s"], own["unsteady_days"]) for plant, own in measured.items()} == {
        "steady": (120, 0), "late": (120, 0), "half_a_minute": (30, 0), "near": (2, 0), "unsteady": (125, 1), "too_few": (None, None),
    }  # fmt: skip
