"""The time ledger and its KPIs, case by case: a small plant in, the parts and ratios that a person works out with a pencil out.

Every plant of `PLANTS` goes through the whole product in one refresh (`ledger_portfolio.refresh`). Seconds are exact, ratios to 1e-9.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from functools import cache
from typing import Any

import pytest
from ledger_portfolio import Plant, refresh, write

from publish.reader import Snapshot

D = "2025-06-02T"
LATE = "2025-06-02T22:00"
TWO_SHIFTS = {"S1": "06:00-14:00", "S2": "14:00-22:00"}


def made(at: str, pq: int, gq: int, **other: Any) -> dict[str, Any]:
    """A count: pieces made, good pieces."""
    return {"document": f"D-{at}-{other.get('unit', 'M')}-{other.get('product', 'P')}", "at": at, "produced": pq, "good": gq, **other}


PLANTS = [
    Plant(
        "textbook", shifts={"S1": "08:00-16:00"}, rates={"P": 30},
        planned=[(D + "08:00", D + "08:20", "PLANNED_OTHER")],
        events=[("e1", D + "10:00", D + "11:00", "DELAY_EQ")], counts=[made(D + "15:00", 400, 392)],
    ),
    Plant(
        "overlapping", rates={"P": 30},
        events=[("e1", D + "08:00", D + "09:00", "DELAY_EQ"), ("e2", D + "08:30", D + "09:30", "DELAY_ORG")],
        counts=[made(D + "13:00", 700, 686)],
    ),
    Plant(
        "told_twice", events=[("e1", D + "08:00", D + "08:30", "DELAY_EQ")],
        more_events=[[("e1", D + "08:00", D + "08:30", "DELAY_EQ"), ("z", D + "05:00", D + "05:00", "IDLE")]],
    ),
    Plant(
        "night_of_nine_hours", zone="Europe/Berlin", start="2025-10-25", until="2025-10-27T00:00", shifts={"N": "22:00-06:00"}, rates={"P": 27},
        events=[("e1", "2025-10-26T02:30+02:00", "2025-10-26T02:15+01:00", "DELAY_EQ")],
        counts=[made("2025-10-26T05:00", 1000, 990)],
    ),
    Plant(
        "night_of_seven_hours", zone="Europe/Berlin", start="2025-03-29", until="2025-03-31T00:00", shifts={"N": "22:00-06:00"}, rates={"P": 25},
        events=[("e1", "2025-03-30T01:45", "2025-03-30T03:15", "DELAY_EQ")],
        counts=[made("2025-03-30T05:00", 780, 756)],
    ),
    Plant(
        "over_midnight", zone="Europe/Berlin", day_start="06:00", until="2025-06-04T00:00", shifts={"A": "14:00-22:00", "B": "22:00-06:00"},
        events=[("e1", D + "21:30", "2025-06-03T00:30", "DELAY_EQ")],
    ),
    Plant("still_open", until=D + "13:00", events=[("e1", D + "12:00", "", "DELAY_EQ")]),
    Plant("closed_later", until="2025-06-03T06:00", events=[("e1", D + "12:00", D + "13:30", "DELAY_EQ")]),
    Plant(
        "negative_and_empty", method="MEASURED",
        events=[
            ("r1", D + "06:00", D + "10:00", "RUN"), ("neg", D + "10:15", D + "10:00", "DELAY_EQ"),
            ("r2", D + "10:15", D + "14:00", "RUN"), ("zero", D + "11:00", D + "11:00", "DELAY_EQ"),
        ],
    ),
    Plant(
        "gap", method="MEASURED",
        events=[
            ("r1", D + "06:00", D + "09:00", "RUN"), ("s1", D + "09:00", D + "09:30", "DELAY_EQ"), ("r2", D + "10:00", D + "14:00", "RUN"),
        ],
    ),
    Plant(
        "stop_into_break", planned=[(D + "10:00", D + "10:15", "PLANNED_BREAK")],
        events=[("e1", D + "09:45", D + "10:20", "DELAY_EQ")],
    ),
    Plant(
        "runs_through_break", method="MEASURED", rates={"P": 60}, planned=[(D + "10:00", D + "10:30", "PLANNED_BREAK")],
        events=[("r1", D + "06:00", D + "14:00", "RUN")], counts=[made(D + "13:00", 450, 450)],
    ),
    Plant(
        "short_stops", shifts=TWO_SHIFTS, rates={"P": 20},
        events=[
            ("e1", D + "07:00:00", D + "07:02:00", "DELAY_EQ"), ("e2", D + "08:00:00", D + "08:04:59", "DELAY_ORG"),
            ("e3", D + "09:00:00", D + "09:05:00", "DELAY_EQ"), ("e4", D + "10:00:00", D + "10:30:00", "DELAY_EQ"),
            ("e5", D + "13:56:40", D + "14:03:20", "DELAY_EQ"),
        ],
        counts=[made(D + "12:00", 1200, 1188)],
    ),
    Plant(
        "faster_than_ideal", units=("M1", "M2"), rates={"P": 30},
        events=[("M1", "a", D + "08:00", D + "09:00", "DELAY_EQ", ""), ("M2", "b", D + "08:00", D + "10:00", "DELAY_EQ", "")],
        counts=[made(D + "13:00", 900, 890, unit="M1"), made(D + "13:00", 540, 540, unit="M2")],
    ),
    Plant(
        "unequal_shifts", units=("M1", "M2"), rates={"P": 10},
        windows=[("M1", "LONG", D + "00:00", "2025-06-03T00:00"), ("M2", "SHORT", D + "06:00", D + "14:00")],
        events=[("M1", "a", D + "01:00", D + "08:20", "DELAY_EQ", ""), ("M2", "b", D + "08:00:00", D + "08:13:20", "DELAY_EQ", "")],
        counts=[made(D + "13:00", 4400, 4320, unit="M1"), made(D + "13:00", 2600, 2592, unit="M2")],
    ),
    Plant(
        "two_products", rates={"X": 10, "Y": 60}, events=[("e1", D + "08:00:00", D + "10:26:40", "DELAY_ORG")],
        counts=[made(D + "13:00", 1000, 1000, product="X"), made(D + "13:00", 100, 50, product="Y")],
    ),
    Plant(
        "one_product_unrated", method="MEASURED", rates={"X": 10},
        events=[
            ("M", "x", D + "06:00:00", D + "10:10:00", "RUN", "X"), ("M", "z", D + "10:10:00", D + "11:33:20", "RUN", "Z"),
            ("M", "i", D + "11:33:20", D + "14:00:00", "IDLE", ""),
        ],
        counts=[made(D + "10:00", 1200, 1176, product="X"), made(D + "11:00", 300, 295, product="Z")],
    ),
    Plant("counts_only", method="NONE", rates={"P": 40}, counts=[made(D + "13:00", 600, 582)]),
    Plant(
        "late_correction", until="2025-06-05T00:00", shifts={"S1": "06:00-14:00"}, method="NONE", rates={"P": 25},
        counts=[
            {"document": "D1", "at": D + "13:00", "good": 900, "scrap": 100, "posted": D + "14:05"},
            {"document": "D3", "at": "2025-06-04T13:00", "good": 950, "scrap": 50, "posted": "2025-06-04T14:02"},
            {"document": "D2", "at": "2025-06-04T11:00", "good": 40, "scrap": -40, "posted": "2025-06-04T11:00", "corrects": "D1"},
        ],
    ),
    Plant(
        "cancelled_and_repeated", method="NONE", rates={"P": 48},
        counts=[
            {"document": "C1", "at": D + "13:00", "good": 500, "scrap": 0}, {"document": "C1R", "at": D + "13:20", "good": -500, "scrap": 0, "reverses": "C1"},
            {"document": "C2", "at": D + "13:25", "good": 480, "scrap": 20}, {"document": "C1", "at": D + "13:00", "good": 500, "scrap": 0},
        ],
    ),
    Plant(
        "no_demand_planned", rates={"P": 36}, planned=[(D + "10:00", D + "14:00", "PLANNED_NO_DEMAND")], counts=[made(D + "09:00", 360, 360)],
    ),
    Plant(
        "no_order", rates={"P": 36}, events=[("e1", D + "10:00", D + "14:00", "IDLE")], counts=[made(D + "09:00", 360, 360)],
        # Entered at 10:05, when the machine already stood: not a plan.
        planned=[(D + "10:00", D + "14:00", "PLANNED_NO_DEMAND", D + "10:05")],
    ),
    Plant(
        "down_all_shift", rates={"P": 30}, events=[("e1", D + "05:00", D + "15:00", "DELAY_EQ")],
        counts=[made(D + "13:00", 0, 0)],
    ),
    Plant("nothing_planned", start="2025-06-01", until="2025-06-02T00:00", days="Mon-Fri", rates={"P": 30}),
    Plant(
        "clock_ahead", method="MEASURED", offset_s=120, events=[("s1", D + "10:02:00", D + "10:12:00", "DELAY_EQ")],
        other_source=[("r1", D + "06:00:00", D + "10:00:00", "RUN"), ("r2", D + "10:10:00", D + "14:00:00", "RUN")],
    ),
    Plant(
        "changeover", shifts=TWO_SHIFTS, planned=[(D + "14:15", D + "14:25", "PLANNED_BREAK")],
        events=[("c1", D + "13:30", D + "14:40", "SETUP")],
    ),
    Plant(
        "corrected_stop", events=[("e1", D + "08:00", D + "09:00", "DELAY_ORG")],
        more_events=[[("e1", D + "08:00", D + "08:40", "DELAY_EQ")]],
    ),
    Plant("dead_interface"),
    Plant(
        "chained_short_stops",
        events=[
            ("a1", D + "08:00:00", D + "08:03:20", "DELAY_EQ"), ("a2", D + "08:03:20", D + "08:06:40", "DELAY_EQ"),
            ("b1", D + "10:00:00", D + "10:30:00", "DELAY_ORG"), ("b2", D + "10:10:00", D + "10:11:00", "DELAY_EQ"),
            ("c1", D + "12:00:00", D + "12:01:00", "DELAY_EQ"),
        ],
    ),
]  # fmt: skip


@pytest.fixture(scope="module")
def lake(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Snapshot]:
    root = tmp_path_factory.mktemp("cases")
    write(root, PLANTS)
    outcome = refresh(root)
    assert outcome.problems == []
    with Snapshot(root / "lake" / "kpi.duckdb") as snapshot:
        yield snapshot


PART_SQL = r"""
select sum(columns('(.*_s|pq|gq|sq|fe|setup_count)')) as "\0", bool_or(is_preliminary) as is_preliminary
from mart_kpi_parts_shift
where valid_to_release is null and plant_id = ? and shift_code = ? and production_day = cast(? as date)
"""


def parts(lake: Snapshot, plant: str, shift: str = "S1", day: str = "2025-06-02") -> dict[str, Any]:
    """The parts of one shift, over all products."""
    return lake.query(PART_SQL, [plant, shift, day]).row(0, named=True)


def check(found: dict[str, Any], **expected: Any) -> None:
    """Compares named parts exactly; `adet_eq` stands for `adet_eq_s`."""
    named = {name: found[name if name in found else f"{name}_s"] for name in expected}
    assert named == expected


def kpi(
    lake: Snapshot,
    plant: str,
    name: str,
    profile: str = "ISO",
    *,
    shift: str | None = "S1",
    day: str = "2025-06-02",
    unit: str | None = None,
) -> dict[str, Any]:
    """One row of kpi_value: of the plant or one of its units, in one shift or the whole day."""
    scope = ("EQUIPMENT", unit) if unit else ("PLANT", plant.upper())
    key = (plant, *scope, name, profile, "SHIFT" if shift else "DAY", shift, date.fromisoformat(day))
    return values(lake)[key]


@cache
def values(lake: Snapshot) -> dict[tuple[Any, ...], dict[str, Any]]:
    """Every value, read once: the view plans longer than it runs."""
    question = (
        "select * from kpi_value where profile <> 'LOCAL' and scope_type in ('EQUIPMENT', 'PLANT') and period_type in ('SHIFT', 'DAY')"
    )
    key = ("plant_id", "scope_type", "scope_name", "kpi_id", "profile", "period_type", "shift_code", "period_start")
    return {tuple(row[name] for name in key): row for row in lake.query(question).to_dicts()}


def ratios(
    lake: Snapshot,
    plant: str,
    profile: str = "ISO",
    *,
    shift: str | None = "S1",
    day: str = "2025-06-02",
    unit: str | None = None,
    **expected: float | None,
) -> None:
    """Compares the values of KPIs."""
    for name, value in expected.items():
        found = kpi(lake, plant, name, profile, shift=shift, day=day, unit=unit)["value"]
        assert found == (None if value is None else pytest.approx(value, abs=1e-9)), name


def test_a_textbook_shift_has_the_published_87_x_50_x_98_percent(lake: Snapshot) -> None:
    # 8 h = 28 800 s; 20 min planned leave 27 600 s; 1 h breakdown leaves 24 000 s of run time; 400 pieces x 30 s = 12 000 s.
    check(parts(lake, "textbook"), pot=28800, pbt=27600, planned_other=1200, adet_eq=3600, apt=24000, pq=400, gq=392)
    ratios(lake, "textbook", A=400 / 460, E=1 / 2, Q=98 / 100, OEE=196 / 460, OOE=11760 / 28800)


def test_overlapping_stops_are_a_union(lake: Snapshot) -> None:
    # 8:00-9:30 is 5 400 s, not the sum of 7 200 s; the equipment stop owns the overlap.
    check(parts(lake, "overlapping"), pbt=28800, adet_eq=3600, adet_org=1800, apt=23400)
    ratios(lake, "overlapping", A=13 / 16, E=21000 / 23400, Q=98 / 100, OEE=20580 / 28800)


def test_a_stop_told_by_two_exports_is_one_stop(lake: Snapshot) -> None:
    check(parts(lake, "told_twice"), pbt=28800, adet_eq=1800, apt=27000, fe=1)


def test_the_autumn_night_has_nine_hours(lake: Snapshot) -> None:
    # 22:00 CEST to 06:00 CET is 9 h; 02:30 CEST to 02:15 CET is 45 min although the clock goes backwards.
    night: dict[str, Any] = {"shift": "N", "day": "2025-10-25"}
    check(parts(lake, "night_of_nine_hours", **night), pbt=32400, adet_eq=2700, apt=29700)
    ratios(lake, "night_of_nine_hours", **night, A=11 / 12, E=10 / 11, Q=99 / 100, OEE=33 / 40)


def test_the_spring_night_has_seven_hours(lake: Snapshot) -> None:
    # 01:45 to 03:15 by the clock is half an hour, because 02:00 to 03:00 does not exist.
    night: dict[str, Any] = {"shift": "N", "day": "2025-03-29"}
    check(parts(lake, "night_of_seven_hours", **night), pbt=25200, adet_eq=1800, apt=23400)
    ratios(lake, "night_of_seven_hours", **night, A=13 / 14, E=19500 / 23400, Q=756 / 780, OEE=3 / 4)


def test_a_stop_over_shift_change_and_midnight_is_split_and_counted_once(lake: Snapshot) -> None:
    # 21:30-22:00 is in shift A, 22:00-00:30 in shift B; both belong to the production day that began at 06:00.
    check(parts(lake, "over_midnight", "A"), pbt=28800, adet_eq=1800, apt=27000, fe=1)
    check(parts(lake, "over_midnight", "B"), pbt=28800, adet_eq=9000, apt=19800, fe=0)


def test_an_open_stop_and_its_shift_end_where_the_data_ends(lake: Snapshot) -> None:
    # Told up to 13:00: 7 h of the shift, 1 h of them stopped.
    check(parts(lake, "still_open"), pbt=25200, adet_eq=3600, apt=21600, is_preliminary=True)
    assert kpi(lake, "still_open", "A")["status"] == "PRELIMINARY"


def test_the_same_stop_once_it_has_ended(lake: Snapshot) -> None:
    check(parts(lake, "closed_later"), pbt=28800, adet_eq=5400, apt=23400, is_preliminary=False)
    assert kpi(lake, "closed_later", "A")["status"] == "OK"


def test_a_negative_stop_is_rejected_and_an_empty_one_is_no_failure(lake: Snapshot) -> None:
    # 10:00-10:15 is known by nobody: 900 s.
    check(parts(lake, "negative_and_empty"), pbt=28800, apt=27900, adet_eq=0, unknown=900, fe=0)
    assert lake.rows("select rule from quarantine where plant_id = 'negative_and_empty'") == [("NEG_DURATION",)]


def test_a_gap_bounds_availability(lake: Snapshot) -> None:
    # 9:30-10:00 is unknown: availability is at least 7 h / 8 h and at most 7.5 h / 8 h.
    check(parts(lake, "gap"), pbt=28800, apt=25200, adet_eq=1800, unknown=1800)
    found = kpi(lake, "gap", "A")
    assert (found["value"], found["value_low"], found["value_high"]) == pytest.approx((7 / 8, 7 / 8, 15 / 16), abs=1e-9)
    assert "UNKNOWN_TIME" in found["flags"]
    ratios(lake, "gap", COVERAGE=15 / 16)


def test_a_break_takes_its_time_from_a_breakdown_but_not_from_its_repair_time(lake: Snapshot) -> None:
    # 35 min of outage: 15 in the break, 20 in the ledger; the repair took 2 100 s.
    check(parts(lake, "stop_into_break"), pbt=27900, planned_break=900, adet_eq=1200, apt=26700, ttr=2100, fe=1)


def test_running_through_a_break_extends_the_planned_time(lake: Snapshot) -> None:
    check(parts(lake, "runs_through_break"), pbt_planned=27000, pbt_ext=1800, pbt=28800, planned_break=0, apt=28800)
    ratios(lake, "runs_through_break", A=1, E=15 / 16, Q=1, OEE=15 / 16)


def test_micro_stops_move_a_and_e_between_the_profiles_never_oee(lake: Snapshot) -> None:
    # Micro: 120 + 299 s. 300 s is none; nor are the 200 + 200 s around the shift change, one stop of 400 s.
    check(parts(lake, "short_stops"), pbt=28800, micro=419, adet_eq=2300, adet_org=0, apt=26081)
    check(parts(lake, "short_stops", "S2"), pbt=28800, micro=0, adet_eq=200, apt=28600)
    ratios(lake, "short_stops", A=26081 / 28800, E=24000 / 26081, Q=99 / 100, OEE=33 / 40)
    ratios(lake, "short_stops", "TPM", A=26500 / 28800, E=24000 / 26500, Q=99 / 100, OEE=33 / 40)


def test_performance_above_one_is_kept_flagged_and_rolled_up(lake: Snapshot) -> None:
    # M1: 900 x 30 = 27 000 s of ideal time in 25 200 s. Together: 43 200 s in 46 800 s.
    ratios(lake, "faster_than_ideal", unit="M1", A=7 / 8, E=15 / 14, Q=89 / 90, OEE=267 / 288)
    ratios(lake, "faster_than_ideal", unit="M2", A=3 / 4, E=3 / 4, Q=1, OEE=9 / 16)
    ratios(lake, "faster_than_ideal", shift=None, A=13 / 16, E=12 / 13, Q=429 / 432, OEE=429 / 576)
    assert "PERF_GT_1" in kpi(lake, "faster_than_ideal", "E", unit="M1")["flags"]
    assert "PERF_GT_1" not in kpi(lake, "faster_than_ideal", "E", unit="M2")["flags"]


def test_24_h_at_50_percent_and_8_h_at_90_percent_are_60_percent(lake: Snapshot) -> None:
    # Stops of 26 400 s and 800 s leave 60 000 s and 28 000 s; (43 200 + 25 920) / (86 400 + 28 800).
    check(parts(lake, "unequal_shifts", "LONG"), pbt=86400, apt=60000)
    check(parts(lake, "unequal_shifts", "SHORT"), pbt=28800, apt=28000)
    ratios(lake, "unequal_shifts", shift="LONG", unit="M1", OEE=1 / 2)
    ratios(lake, "unequal_shifts", shift="SHORT", unit="M2", OEE=9 / 10)
    ratios(lake, "unequal_shifts", shift=None, A=880 / 1152, E=700 / 880, Q=6912 / 7000, OEE=3 / 5)


def test_quality_of_two_products_is_weighted_by_ideal_time(lake: Snapshot) -> None:
    # Ideal time: 10 000 + 6 000 s made, 10 000 + 3 000 s good; by count quality would be 1 050 / 1 100.
    check(parts(lake, "two_products"), pbt=28800, apt=20000, ideal_pq=16000, ideal_gq=13000)
    ratios(lake, "two_products", A=25 / 36, E=4 / 5, Q=13 / 16, OEE=130 / 288, QC=105 / 110)


def test_a_product_without_rate_withholds_oee_and_bounds_it(lake: Snapshot) -> None:
    # 15 000 of 20 000 s of run time have a rate. OEE is at least 11 760 / 28 800, and as estimate that over 3/4.
    ratios(lake, "one_product_unrated", A=25 / 36, E=4 / 5, Q=49 / 50, OEE=None)
    found = kpi(lake, "one_product_unrated", "OEE")
    assert (found["value_low"], found["value_high"]) == pytest.approx((49 / 120, 49 / 90), abs=1e-9)
    assert (found["status"], found["flags"]) == ("NOT_COMPUTABLE", ["RATE_PARTIAL"])
    check(parts(lake, "one_product_unrated"), rate_known=15000, rate_base=20000)


def test_counts_alone_give_oee_but_neither_availability_nor_performance(lake: Snapshot) -> None:
    ratios(lake, "counts_only", A=None, E=None, AE=5 / 6, Q=97 / 100, OEE=97 / 120)
    assert kpi(lake, "counts_only", "A")["flags"][0] == "NO_STATES"
    check(parts(lake, "counts_only"), pbt=28800, apt=None)


def test_a_late_correction_restates_the_shift_of_the_pieces(lake: Snapshot) -> None:
    # D2 was posted on 4 June and moves 40 pieces of 2 June from scrap to good: 940 of 1 000. 4 June keeps 950.
    check(parts(lake, "late_correction"), pq=1000, gq=940)
    check(parts(lake, "late_correction", day="2025-06-04"), pq=1000, gq=950)
    ratios(lake, "late_correction", Q=47 / 50, OEE=235 / 288)
    ratios(lake, "late_correction", day="2025-06-04", Q=19 / 20, OEE=2375 / 2880)


def test_a_cancelled_and_repeated_confirmation_counts_once(lake: Snapshot) -> None:
    # 500 - 500 + 480 good, 20 scrap; the second delivery of C1 adds nothing.
    check(parts(lake, "cancelled_and_repeated"), pq=500, gq=480, sq=20)
    ratios(lake, "cancelled_and_repeated", Q=24 / 25, OEE=4 / 5)


def test_no_demand_in_the_plan_leaves_planned_time_and_no_order_does_not(lake: Snapshot) -> None:
    # 360 x 36 = 12 960 s. Over 4 h planned: 9/10. Over 8 h: 9/20. Over POT both are 9/20.
    check(parts(lake, "no_demand_planned"), pot=28800, pbt=14400, planned_no_demand=14400, apt=14400)
    ratios(lake, "no_demand_planned", OEE=9 / 10, OOE=9 / 20)
    check(parts(lake, "no_order"), pot=28800, pbt=28800, planned_no_demand=0, adot=14400, apt=14400)
    ratios(lake, "no_order", OEE=9 / 20, OOE=9 / 20)


def test_a_shift_that_stood_has_oee_zero_and_no_performance(lake: Snapshot) -> None:
    # The stop began an hour before the shift and ended an hour after it: 36 000 s of repair.
    check(parts(lake, "down_all_shift"), pbt=28800, adet_eq=28800, apt=0)
    ratios(lake, "down_all_shift", A=0, E=None, Q=None, OEE=0)
    assert lake.rows("select sum(ttr_s), sum(fe) from mart_kpi_parts_shift where plant_id = 'down_all_shift'") == [(36000, 1)]


def test_a_day_without_plan_has_no_oee_and_teep_zero(lake: Snapshot) -> None:
    sunday: dict[str, Any] = {"shift": None, "day": "2025-06-01"}
    ratios(lake, "nothing_planned", **sunday, A=None, E=None, Q=None, OEE=None, TEEP=0)


def test_a_clock_that_is_ahead_is_set_right_before_events_meet(lake: Snapshot) -> None:
    # The MES clock is 2 min ahead: its stop of 10:02-10:12 lay in the 10 min in which the PLC saw no run.
    check(parts(lake, "clock_ahead"), pbt=28800, apt=28200, adet_eq=600, unknown=0)


def test_a_changeover_over_a_shift_change_is_one_changeover(lake: Snapshot) -> None:
    # 13:30-14:40 is 4 200 s elapsed: 1 800 s in S1; in S2 40 min less the break of 10 min.
    check(parts(lake, "changeover"), pbt=28800, aust=1800, apt=27000, setup_count=1, setup_elapsed=4200)
    check(parts(lake, "changeover", "S2"), pbt=28200, aust=1800, apt=26400, setup_count=0, planned_break=600)


def test_a_correction_replaces_the_first_version_of_a_stop(lake: Snapshot) -> None:
    check(parts(lake, "corrected_stop"), pbt=28800, adet_eq=2400, adet_org=0, apt=26400)


def test_a_shift_without_any_sign_of_life_is_unknown_not_perfect(lake: Snapshot) -> None:
    check(parts(lake, "dead_interface"), pbt=28800, apt=0, unknown=28800)
    found = kpi(lake, "dead_interface", "A")
    assert (found["value"], found["value_high"], found["status"]) == (None, 1, "NOT_COMPUTABLE")
    ratios(lake, "dead_interface", COVERAGE=0)


def test_short_stops_that_touch_or_lie_inside_a_long_one_are_no_micro_stops(lake: Snapshot) -> None:
    # 200 + 200 s touch: one stop of 400 s. A minute inside 30 min is part of them (30 min - 1 min organisational).
    check(parts(lake, "chained_short_stops"), pbt=28800, micro=60, adet_eq=460, adet_org=1740, apt=26540)
