"""Golden cases of the time ledger, of roll-ups and of counts: a small plant in, the parts and ratios that a person works out with a pencil out.

Times are UTC and of 2 June 2025 unless a case says otherwise. Seconds are exact, ratios to 1e-9.
"""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import pytest
from golden_portfolio import Case, events, made, planned, rate, windows
from published import Published, check, exactly

MEASURED = {"settings": {"state_method": "MEASURED"}}
STOPS = {"settings": {"state_method": "RESIDUAL"}}
COUNTS = {"settings": {"state_method": "NONE"}}
TWO_SHIFTS = {"shifts": {"S1": {"at": "06:00-14:00", "days": "daily"}, "S2": {"at": "14:00-22:00", "days": "daily"}}}


def of_berlin(shift: dict[str, str], **other: Any) -> dict[str, Any]:
    return {**STOPS, "timezone": "Europe/Berlin", "shifts": {code: {"at": at, "days": "daily"} for code, at in shift.items()}, **other}


def units(*names: str) -> dict[str, Any]:
    return {"equipment": {"units": {name: {} for name in names}}}


def rated(plant: str, **seconds: float) -> dict[str, Any]:
    """Ideal seconds a piece by product."""
    return {"ideal_rates": [rate(plant, value, material) for material, value in seconds.items()]}


def days_of(unit: str, hours: int) -> list[dict[str, Any]]:
    """Machine-shifts of 24 h from 2 June on, that together last so many hours."""
    whole, rest = divmod(hours, 24)
    lines = [(unit, "D", f"2025-06-{2 + n:02d}T00:00", f"2025-06-{3 + n:02d}T00:00") for n in range(whole)]
    return windows(*lines, *([(unit, "D", f"2025-06-{2 + whole:02d}T00:00", f"2025-06-{2 + whole:02d}T{rest:02d}:00")] if rest else []))


def adapter(name: str, *readings: tuple[int | str, str]) -> str:
    """A dump of an adapter's part counter."""
    return "".join(f"2025-06-02T{clock}:00Z|{name}:made|{value}\n" for value, clock in readings)


def agent(unit: str, **options: Any) -> dict[str, Any]:
    columns = {"equipment": "device", "event_ts": "timestamp", "produced_qty": "delta", "material": {"const": "P"}}
    return {
        "kind": "mtconnect_shdr", "path": f"{unit}-*.txt", "timezone": "UTC", "options": {"part_count": ["made"], **options},
        "covers": {"from_name": r"-(\d{8})\.txt$", "format": "%Y%m%d"},
        "tables": {"production_count": {"records": "counts", "columns": columns, "key": ["device", "timestamp"]}},
    }  # fmt: skip


OPEN = events(("e1", "12:00", "", "DELAY_EQ"))
CASES = [
    Case(
        "gc01",
        {"planned_downtime": planned(("08:00", "08:20", "PLANNED_OTHER")), "equipment_state_event": events(("e1", "10:00", "11:00", "DELAY_EQ")),
         "production_count": [made("15:00", 400, 392)]},
        {**STOPS, "shifts": {"S1": {"at": "08:00-16:00", "days": "daily"}}}, words=rated("gc01", P=30),
    ),
    Case(
        "gc02",
        {"equipment_state_event": events(("e1", "08:00", "09:00", "DELAY_EQ"), ("e2", "08:30", "09:30", "DELAY_ORG")),
         "production_count": [made("13:00", 700, 686)]},
        STOPS, words=rated("gc02", P=30),
    ),
    Case(
        # The second export is another file: it has a line more, of an event without length before the shift.
        "gc03", {"equipment_state_event": events(("e1", "08:00", "08:30", "DELAY_EQ"))}, STOPS,
        later={"equipment_state_event": events(("e1", "08:00", "08:30", "DELAY_EQ"), ("z", "05:00", "05:00", "IDLE"))},
    ),
    Case(
        "gc04",
        {"equipment_state_event": events(("e1", "2025-10-26T02:30+02:00", "2025-10-26T02:15+01:00", "DELAY_EQ")),
         "production_count": [made("2025-10-26T05:00", 1000, 990)]},
        of_berlin({"N": "22:00-06:00"}), "2025-10-25", "2025-10-27T00:00", rated("gc04", P=27),
    ),
    Case(
        "gc05",
        {"equipment_state_event": events(("e1", "2025-03-30T01:45", "2025-03-30T03:15", "DELAY_EQ")),
         "production_count": [made("2025-03-30T05:00", 780, 756)]},
        of_berlin({"N": "22:00-06:00"}), "2025-03-29", "2025-03-31T00:00", rated("gc05", P=25),
    ),
    Case(
        "gc06", {"equipment_state_event": events(("e1", "21:30", "2025-06-03T00:30", "DELAY_EQ"))},
        of_berlin({"A": "14:00-22:00", "B": "22:00-06:00"}, production_day_start="06:00"), until="2025-06-04T00:00",
    ),
    Case(
        "gc07", {"equipment_state_event": OPEN}, STOPS, until="2025-06-02T13:00",
        later={"equipment_state_event": events(("e1", "12:00", "13:30", "DELAY_EQ"))}, later_until="2025-06-03T06:00",
    ),
    Case(
        "gc08",
        {"equipment_state_event": events(
            ("r1", "06:00", "10:00", "RUN"), ("neg", "10:15", "10:00", "DELAY_EQ"), ("r2", "10:15", "14:00", "RUN"), ("zero", "11:00", "11:00", "DELAY_EQ"),
        )}, MEASURED,
    ),
    Case(
        "gc09",
        {"equipment_state_event": events(("r1", "06:00", "09:00", "RUN"), ("s1", "09:00", "09:30", "DELAY_EQ"), ("r2", "10:00", "14:00", "RUN"))},
        MEASURED,
    ),
    Case(
        "gc10", {"planned_downtime": planned(("10:00", "10:15", "PLANNED_BREAK")), "equipment_state_event": events(("e1", "09:45", "10:20", "DELAY_EQ"))}, STOPS,
    ),
    Case(
        "gc11",
        {"planned_downtime": planned(("10:00", "10:30", "PLANNED_BREAK")), "equipment_state_event": events(("r1", "06:00", "14:00", "RUN")),
         "production_count": [made("13:00", 450, 450)]},
        MEASURED, words=rated("gc11", P=60),
    ),
    Case(
        "gc12",
        {"equipment_state_event": events(
            ("e1", "07:00:00", "07:02:00", "DELAY_EQ"), ("e2", "08:00:00", "08:04:59", "DELAY_ORG"), ("e3", "09:00:00", "09:05:00", "DELAY_EQ"),
            ("e4", "10:00:00", "10:30:00", "DELAY_EQ"), ("e5", "13:56:40", "14:03:20", "DELAY_EQ"),
        ), "production_count": [made("12:00", 1200, 1188)]},
        STOPS | TWO_SHIFTS, words=rated("gc12", P=20),
    ),
    Case(
        "gc13",
        {"equipment_state_event": [*events(("a", "08:00", "09:00", "DELAY_EQ"), unit="M1"), *events(("b", "08:00", "10:00", "DELAY_EQ"), unit="M2")],
         "production_count": [made("13:00", 900, 890, "M1"), made("13:00", 540, 540, "M2")]},
        STOPS | units("M1", "M2"), words=rated("gc13", P=30),
    ),
    Case(
        "gc15",
        {"shift_instance": windows(("M1", "LONG", "00:00", "2025-06-03T00:00"), ("M2", "SHORT", "06:00", "14:00")),
         "equipment_state_event": [*events(("a", "01:00", "08:20", "DELAY_EQ"), unit="M1"), *events(("b", "08:00:00", "08:13:20", "DELAY_EQ"), unit="M2")],
         "production_count": [made("13:00", 4400, 4320, "M1"), made("13:00", 2600, 2592, "M2")]},
        STOPS | units("M1", "M2") | {"calendar": "records", "shifts": {}}, words=rated("gc15", P=10),
    ),
    Case(
        "gc17",
        {"equipment_state_event": events(("e1", "08:00:00", "10:26:40", "DELAY_ORG")),
         "production_count": [made("13:00", 1000, 1000, material="X"), made("13:00", 100, 50, material="Y")]},
        STOPS, words=rated("gc17", X=10, Y=60),
    ),
    Case(
        "gc18",
        {"equipment_state_event": events(
            ("x", "06:00:00", "10:10:00", "RUN", "X"), ("z", "10:10:00", "11:33:20", "RUN", "Z"), ("i", "11:33:20", "14:00:00", "IDLE", ""),
        ), "production_count": [made("10:00", 1200, 1176, material="X"), made("11:00", 300, 295, material="Z")]},
        MEASURED, words=rated("gc18", X=10),
    ),
    Case("gc19", {"production_count": [made("13:00", 600, 582)]}, COUNTS, words=rated("gc19", P=40)),
    Case(
        "gc20",
        {"production_count": [made("13:00", None, 900, document="D1", scrap_qty=100, posted_ts="2025-06-02T14:05", corrects="")]}, COUNTS, until="2025-06-03T00:00",
        later={"production_count": [
            made("2025-06-04T13:00", None, 950, document="D3", scrap_qty=50, posted_ts="2025-06-04T14:02"),
            made("2025-06-04T11:00", None, 40, document="D2", scrap_qty=-40, posted_ts="2025-06-04T11:00", corrects="D1"),
        ]}, later_until="2025-06-05T00:00", words=rated("gc20", P=25),
    ),
    Case(
        "gc21",
        {"production_count": [
            made("13:00", None, 500, document="C1", scrap_qty=0), made("13:20", None, -500, document="C1R", scrap_qty=0, reverses="C1"),
            made("13:25", None, 480, document="C2", scrap_qty=20), made("13:00", None, 500, document="C1", scrap_qty=0),
        ]}, COUNTS, words=rated("gc21", P=48),
    ),
    Case(
        "gc22a", {"planned_downtime": planned(("10:00", "14:00", "PLANNED_NO_DEMAND")), "equipment_state_event": events(("z", "05:00", "05:00", "IDLE")),
                  "production_count": [made("09:00", 360, 360)]},
        STOPS, words=rated("gc22a", P=36),
    ),
    Case(
        # The plan is of 10:05, when the machine already stood: it is none.
        "gc22b", {"planned_downtime": planned(("10:00", "14:00", "PLANNED_NO_DEMAND", "10:05")), "equipment_state_event": events(("e1", "10:00", "14:00", "IDLE")),
                  "production_count": [made("09:00", 360, 360)]},
        STOPS, words=rated("gc22b", P=36),
    ),
    Case(
        "gc23", {"equipment_state_event": events(("e1", "05:00", "15:00", "DELAY_EQ")), "production_count": [made("13:00", 0, 0)]}, STOPS, words=rated("gc23", P=30),
    ),
    Case(
        # 1 June 2025 is a Sunday.
        "gc24", {"equipment_state_event": events(("z", "2025-06-01T05:00", "2025-06-01T05:00", "IDLE"))},
        STOPS | {"shifts": {"S1": {"at": "06:00-14:00", "days": "Mon-Fri"}}}, "2025-06-01", "2025-06-02T00:00", rated("gc24", P=30),
    ),
    Case(
        # M1 has 510 h of which it stands 2 + 3 + 1 + 4 h, M2 306 h with a stop of 6 h; M3 never runs.
        "gc26",
        {"shift_instance": [*days_of("M1", 510), *days_of("M2", 306), *days_of("M3", 8)],
         "equipment_state_event": [
             *events(("r", "00:00", "2025-06-23T06:00", "RUN"), *((f"e{n}", f"2025-06-{3 + n:02d}T08:00", f"2025-06-{3 + n:02d}T{8 + h:02d}:00", "DELAY_EQ") for n, h in enumerate((2, 3, 1, 4))), unit="M1"),
             *events(("r", "00:00", "2025-06-14T18:00", "RUN"), ("e", "2025-06-03T08:00", "2025-06-03T14:00", "DELAY_EQ"), unit="M2"), *events(("i", "00:00", "08:00", "IDLE"), unit="M3"),
         ]},
        MEASURED | units("M1", "M2", "M3") | {"calendar": "records", "shifts": {}}, until="2025-06-25T00:00",
    ),
    Case(
        "gc32",
        {"mes:equipment_state_event": events(("s1", "10:02:00", "10:12:00", "DELAY_EQ")),
         "plc:equipment_state_event": events(("r1", "06:00:00", "10:00:00", "RUN"), ("r2", "10:10:00", "14:00:00", "RUN"))},
        MEASURED, clock_offset_s={"mes": 120},
    ),
    Case(
        "gc34", about={**COUNTS, **units("rollover16", "reset", "bad"), "sources": {
            "rollover16": agent("rollover16", part_count_modulus=65536), "reset": agent("reset"), "bad": agent("bad"),
        }},
        files={
            "rollover16-20250602.txt": adapter("rollover16", (65500, "07:00"), (65530, "08:00"), (10, "09:00"), (40, "10:00")),
            "reset-20250602.txt": adapter("reset", (500, "07:00"), (520, "08:00"), (0, "09:00"), (15, "10:00")),
            "bad-20250602.txt": adapter("bad", (100, "07:00"), (150, "08:00"), ("UNAVAILABLE", "09:00"), (180, "10:00")),
        },
    ),
    Case(
        "gc37", {"planned_downtime": planned(("14:15", "14:25", "PLANNED_BREAK")), "equipment_state_event": events(("c1", "13:30", "14:40", "SETUP"))}, STOPS | TWO_SHIFTS,
    ),
    Case(
        "gc38", {"equipment_state_event": events(("e1", "08:00", "09:00", "DELAY_ORG"))}, STOPS,
        later={"equipment_state_event": events(("e1", "08:00", "08:40", "DELAY_EQ"))},
    ),
    Case("gc46", {"equipment_state_event": events(("z", "05:00", "05:00", "IDLE"))}, STOPS),
    Case(
        "gc47",
        {"equipment_state_event": events(
            ("a1", "08:00:00", "08:03:20", "DELAY_EQ"), ("a2", "08:03:20", "08:06:40", "DELAY_EQ"), ("b1", "10:00:00", "10:30:00", "DELAY_ORG"),
            ("b2", "10:10:00", "10:11:00", "DELAY_EQ"), ("c1", "12:00:00", "12:01:00", "DELAY_EQ"),
        )}, STOPS,
    ),
]  # fmt: skip


def test_golden_gc01_a_textbook_shift_has_the_published_87_x_50_x_98_percent(lake: Published) -> None:
    # 8 h = 28 800 s; 20 min planned leave 27 600 s; 1 h breakdown leaves 24 000 s of run time; 400 pieces x 30 s = 12 000 s.
    exactly(lake.parts("gc01"), pot=28800, pbt=27600, planned_other=1200, adet_eq=3600, apt=24000, pq=400, gq=392)
    check(
        lake.values("gc01", shift="S1"),
        A=Fraction(400, 460),
        E=Fraction(1, 2),
        Q=Fraction(98, 100),
        OEE=Fraction(196, 460),
        OOE=Fraction(11760, 28800),
    )


def test_golden_gc02_overlapping_stops_are_a_union(lake: Published) -> None:
    # 8:00-9:30 is 5 400 s, not the sum of 7 200 s; the equipment stop owns the overlap.
    exactly(lake.parts("gc02"), pbt=28800, adet_eq=3600, adet_org=1800, apt=23400)
    check(lake.values("gc02", shift="S1"), A=Fraction(13, 16), E=Fraction(21000, 23400), Q=Fraction(98, 100), OEE=Fraction(20580, 28800))


@pytest.mark.parametrize("release", [1, 2])
def test_golden_gc03_a_stop_told_by_two_exports_is_one_stop(lake: Published, release: int) -> None:
    exactly(lake.parts("gc03", release=release), pbt=28800, adet_eq=1800, apt=27000, fe=1)


def test_golden_gc04_the_autumn_night_has_nine_hours(lake: Published) -> None:
    # 22:00 CEST to 06:00 CET is 9 h; 02:30 CEST to 02:15 CET is 45 min although the clock goes backwards.
    exactly(lake.parts("gc04", "N", "2025-10-25"), pbt=32400, adet_eq=2700, apt=29700)
    check(
        lake.values("gc04", start="2025-10-25", shift="N"),
        A=Fraction(11, 12),
        E=Fraction(10, 11),
        Q=Fraction(99, 100),
        OEE=Fraction(33, 40),
    )


def test_golden_gc05_the_spring_night_has_seven_hours(lake: Published) -> None:
    # 01:45 to 03:15 by the clock is half an hour, because 02:00 to 03:00 does not exist.
    exactly(lake.parts("gc05", "N", "2025-03-29"), pbt=25200, adet_eq=1800, apt=23400)
    check(
        lake.values("gc05", start="2025-03-29", shift="N"),
        A=Fraction(13, 14),
        E=Fraction(19500, 23400),
        Q=Fraction(756, 780),
        OEE=Fraction(3, 4),
    )


def test_golden_gc06_a_stop_over_shift_change_and_midnight_is_split_and_counted_once(lake: Published) -> None:
    # 21:30-22:00 is in shift A, 22:00-00:30 in shift B; both belong to the production day that began at 06:00.
    exactly(lake.parts("gc06", "A"), pbt=28800, adet_eq=1800, apt=27000, fe=1)
    exactly(lake.parts("gc06", "B"), pbt=28800, adet_eq=9000, apt=19800, fe=0)


def test_golden_gc07a_an_open_stop_and_its_shift_end_where_the_data_ends(lake: Published) -> None:
    # The first delivery tells up to 13:00: 7 h of the shift, 1 h of them stopped.
    exactly(lake.parts("gc07", release=1), pbt=25200, adet_eq=3600, apt=21600, is_preliminary=True)
    assert lake.told("gc07", shift="S1", release=1)["A"]["status"] == "PRELIMINARY"


def test_golden_gc07b_the_same_stop_once_it_has_ended(lake: Published) -> None:
    exactly(lake.parts("gc07"), pbt=28800, adet_eq=5400, apt=23400, is_preliminary=False)
    assert lake.told("gc07", shift="S1")["A"]["status"] == "OK"


def test_golden_gc08_a_negative_stop_is_rejected_and_an_empty_one_is_no_failure(lake: Published) -> None:
    # 10:00-10:15 is known by nobody: 900 s.
    exactly(lake.parts("gc08"), pbt=28800, apt=27900, adet_eq=0, unknown=900, fe=0)
    assert lake.rows("SELECT rule, raw_row LIKE '%neg%' FROM quarantine WHERE plant_id = 'gc08'") == [("NEG_DURATION", True)]
    assert lake.flags("equipment_state_event", "gc08", "start_ts_source") == {
        "2025-06-02T06:00": [], "2025-06-02T10:15": [], "2025-06-02T11:00": ["ZERO_LENGTH"],
    }  # fmt: skip


def test_golden_gc09_a_gap_bounds_availability(lake: Published) -> None:
    # 9:30-10:00 is unknown: availability is at least 7 h / 8 h and at most 7.5 h / 8 h.
    exactly(lake.parts("gc09"), pbt=28800, apt=25200, adet_eq=1800, unknown=1800)
    found = lake.told("gc09", shift="S1")
    check(found["A"], value=Fraction(7, 8), value_low=Fraction(7, 8), value_high=Fraction(15, 16))
    check(found["COVERAGE"], value=Fraction(15, 16))
    assert "UNKNOWN_TIME" in found["A"]["flags"]


def test_golden_gc10_a_break_takes_its_time_from_a_breakdown_but_not_from_its_repair_time(lake: Published) -> None:
    # 35 min of outage: 15 in the break, 20 in the ledger; the repair took 2 100 s.
    exactly(lake.parts("gc10"), pbt=27900, planned_break=900, adet_eq=1200, apt=26700, ttr=2100, fe=1)


def test_golden_gc11_running_through_a_break_extends_the_planned_time(lake: Published) -> None:
    exactly(lake.parts("gc11"), pbt_planned=27000, pbt_ext=1800, pbt=28800, planned_break=0, apt=28800)
    check(lake.values("gc11", shift="S1"), A=1, E=Fraction(15, 16), Q=1, OEE=Fraction(15, 16))


def test_golden_gc12_micro_stops_move_a_and_e_between_the_profiles_never_oee(lake: Published) -> None:
    # Micro: 120 + 299 s. 300 s is none; nor are the 200 + 200 s around the shift change, one stop of 400 s.
    exactly(lake.parts("gc12"), pbt=28800, micro=419, adet_eq=2300, adet_org=0, apt=26081)
    exactly(lake.parts("gc12", "S2"), pbt=28800, micro=0, adet_eq=200, apt=28600)
    check(lake.values("gc12", shift="S1"), A=Fraction(26081, 28800), E=Fraction(24000, 26081), Q=Fraction(99, 100), OEE=Fraction(33, 40))
    check(
        lake.values("gc12", profile="TPM", shift="S1"),
        A=Fraction(26500, 28800),
        E=Fraction(24000, 26500),
        Q=Fraction(99, 100),
        OEE=Fraction(33, 40),
    )


def test_golden_gc13_performance_above_one_is_kept_flagged_and_rolled_up(lake: Published) -> None:
    # M1: 900 x 30 = 27 000 s of ideal time in 25 200 s. Together: 43 200 s in 46 800 s.
    first, second = (lake.told("gc13", name=unit, shift="S1") for unit in ("M1", "M2"))
    check(
        {name: row["value"] for name, row in first.items()},
        A=Fraction(7, 8),
        E=Fraction(15, 14),
        Q=Fraction(89, 90),
        OEE=Fraction(267, 288),
    )
    check({name: row["value"] for name, row in second.items()}, A=Fraction(3, 4), E=Fraction(3, 4), Q=1, OEE=Fraction(9, 16))
    check(lake.values("gc13"), A=Fraction(13, 16), E=Fraction(12, 13), Q=Fraction(429, 432), OEE=Fraction(429, 576))
    assert ["PERF_GT_1" in row["E"]["flags"] for row in (first, second)] == [True, False]


def test_golden_gc15_24_h_at_50_percent_and_8_h_at_90_percent_are_60_percent(lake: Published) -> None:
    # Stops of 26 400 s and 800 s leave 60 000 s and 28 000 s; (43 200 + 25 920) / (86 400 + 28 800).
    exactly(lake.parts("gc15", "LONG"), pbt=86400, apt=60000)
    exactly(lake.parts("gc15", "SHORT"), pbt=28800, apt=28000)
    check(lake.values("gc15", name="M1"), OEE=Fraction(1, 2))
    check(lake.values("gc15", name="M2"), OEE=Fraction(9, 10))
    check(lake.values("gc15"), A=Fraction(880, 1152), E=Fraction(700, 880), Q=Fraction(6912, 7000), OEE=Fraction(3, 5))


def test_golden_gc17_quality_of_two_products_is_weighted_by_ideal_time(lake: Published) -> None:
    # Ideal time: 10 000 + 6 000 s made, 10 000 + 3 000 s good; by count quality would be 1 050 / 1 100.
    exactly(lake.parts("gc17"), pbt=28800, apt=20000, ideal_pq=16000, ideal_gq=13000)
    check(
        lake.values("gc17", shift="S1"),
        A=Fraction(25, 36),
        E=Fraction(4, 5),
        Q=Fraction(13, 16),
        OEE=Fraction(130, 288),
        QC=Fraction(105, 110),
    )


def test_golden_gc18_a_product_without_rate_withholds_oee_and_bounds_it(lake: Published) -> None:
    # 15 000 of 20 000 s of run time have a rate. OEE is at least 11 760 / 28 800, and as estimate that over 3/4.
    exactly(lake.parts("gc18"), rate_known=15000, rate_base=20000)
    found = lake.told("gc18", shift="S1")
    check({name: row["value"] for name, row in found.items()}, A=Fraction(25, 36), E=Fraction(4, 5), Q=Fraction(49, 50), OEE=None)
    check(found["OEE"], value_low=Fraction(49, 120), value_high=Fraction(49, 90))
    assert (found["OEE"]["status"], found["OEE"]["flags"]) == ("NOT_COMPUTABLE", ["RATE_PARTIAL"])


def test_golden_gc19_counts_alone_give_oee_but_neither_availability_nor_performance(lake: Published) -> None:
    exactly(lake.parts("gc19"), pbt=28800, apt=None, state_method="NONE")
    check(lake.values("gc19", shift="S1"), A=None, E=None, AE=Fraction(5, 6), Q=Fraction(97, 100), OEE=Fraction(97, 120))
    assert lake.told("gc19", shift="S1")["A"]["flags"][0] == "NO_STATES"


def test_golden_gc20_a_late_correction_restates_the_shift_of_the_pieces(lake: Published) -> None:
    # As known on 3 June: 900 good pieces x 25 s in 28 800 s.
    exactly(lake.parts("gc20", release=1), pq=1000, gq=900)
    check(lake.values("gc20", shift="S1", release=1), Q=Fraction(9, 10), OEE=Fraction(25, 32))
    # D2, posted on 4 June, moves 40 pieces of 2 June from scrap to good: 940 of 1 000. 4 June keeps 950.
    exactly(lake.parts("gc20"), pq=1000, gq=940)
    check(lake.values("gc20", shift="S1"), Q=Fraction(47, 50), OEE=Fraction(235, 288))
    exactly(lake.parts("gc20", day="2025-06-04"), pq=1000, gq=950)
    check(lake.values("gc20", start="2025-06-04", shift="S1"), Q=Fraction(19, 20), OEE=Fraction(2375, 2880))


def test_golden_gc21_a_cancelled_and_repeated_confirmation_counts_once(lake: Published) -> None:
    # 500 - 500 + 480 good, 20 scrap; the second delivery of C1 adds nothing.
    exactly(lake.parts("gc21"), pq=500, gq=480, sq=20)
    check(lake.values("gc21", shift="S1"), Q=Fraction(24, 25), OEE=Fraction(4, 5))


def test_golden_gc22a_no_demand_in_the_plan_leaves_planned_time(lake: Published) -> None:
    # 360 x 36 = 12 960 s over 4 h planned.
    exactly(lake.parts("gc22a"), pot=28800, pbt=14400, planned_no_demand=14400, apt=14400)
    check(lake.values("gc22a", shift="S1"), OEE=Fraction(9, 10), OOE=Fraction(9, 20))


def test_golden_gc22b_no_order_although_planned_stays_in_it(lake: Published) -> None:
    # The same pieces over 8 h; over POT both are the same.
    exactly(lake.parts("gc22b"), pot=28800, pbt=28800, planned_no_demand=0, adot=14400, apt=14400)
    check(lake.values("gc22b", shift="S1"), OEE=Fraction(9, 20), OOE=Fraction(9, 20), ALLOC_EFF=Fraction(1, 2))


def test_golden_gc23_a_shift_that_stood_has_oee_zero_and_no_performance(lake: Published) -> None:
    # The stop began an hour before the shift and ended an hour after it: 36 000 s of repair, counted where it began.
    exactly(lake.parts("gc23"), pbt=28800, adet_eq=28800, apt=0)
    check(lake.values("gc23", shift="S1"), A=0, E=None, Q=None, OEE=0)
    assert lake.rows("SELECT sum(ttr_s), sum(fe) FROM mart_kpi_parts_shift WHERE plant_id = 'gc23'") == [(36000, 1)]


def test_golden_gc24_a_day_without_plan_has_no_oee_and_teep_zero(lake: Published) -> None:
    check(lake.values("gc24", start="2025-06-01"), A=None, E=None, Q=None, OEE=None, TEEP=0)


def test_golden_gc26_means_between_and_to_restoration_are_sums_over_failures(lake: Published) -> None:
    check(lake.values("gc26", "MONTH", "2025-06-01", name="M1"), MTBF=125, MTTR=Fraction(5, 2), INH_AVAIL=Fraction(500, 510), MTBF_FE1=100)
    check(lake.values("gc26", "MONTH", "2025-06-01", name="M2"), MTBF=300, MTTR=6)
    check(lake.values("gc26", "MONTH", "2025-06-01", name="M3"), MTBF=None, MTTR=None)
    # 500 h + 300 h and 10 h + 6 h over 5 failures; the means of the units would be 212.5 h and 4.25 h.
    check(lake.values("gc26", "MONTH", "2025-06-01"), MTBF=160, MTTR=Fraction(16, 5), FAIL_RATE=Fraction(5, 8))


def test_golden_gc32_a_clock_that_is_ahead_is_set_right_before_events_meet(lake: Published) -> None:
    # The MES clock is 2 min ahead: its stop of 10:02-10:12 lay in the 10 min in which the PLC saw no run.
    exactly(lake.parts("gc32"), pbt=28800, apt=28200, adet_eq=600, unknown=0)


@pytest.mark.parametrize(
    ("unit", "pieces"),
    [
        ("rollover16", 76),  # 30 up to 65530, 6 to the end of 16 bits and 10 more, 30
        ("reset", 35),  # 20 before the reset, 15 after it
        ("bad", 80),  # the reading of bad quality is none: 50, then 30
    ],
)
def test_golden_gc34_counters_that_roll_over_are_reset_or_read_badly(lake: Published, unit: str, pieces: int) -> None:
    exactly(lake.parts("gc34", unit=unit), pq=pieces)


def test_golden_gc37_a_changeover_over_a_shift_change_is_one_changeover(lake: Published) -> None:
    # 13:30-14:40 is 4 200 s elapsed: 1 800 s in S1; in S2 40 min less the break of 10 min.
    exactly(lake.parts("gc37"), pbt=28800, aust=1800, apt=27000, setup_count=1, setup_elapsed=4200)
    exactly(lake.parts("gc37", "S2"), pbt=28200, aust=1800, apt=26400, setup_count=0, planned_break=600)


def test_golden_gc38_a_correction_replaces_the_first_version_of_a_stop(lake: Published) -> None:
    exactly(lake.parts("gc38", release=1), adet_org=3600, adet_eq=0)
    exactly(lake.parts("gc38"), pbt=28800, adet_eq=2400, adet_org=0, apt=26400)


def test_golden_gc46_a_shift_without_any_sign_of_life_is_unknown_not_perfect(lake: Published) -> None:
    exactly(lake.parts("gc46"), pbt=28800, apt=0, unknown=28800)
    found = lake.told("gc46", shift="S1")
    assert (found["A"]["value"], found["A"]["value_high"], found["A"]["status"]) == (None, 1, "NOT_COMPUTABLE")
    check(found["COVERAGE"], value=0)


def test_golden_gc47_short_stops_that_touch_or_lie_inside_a_long_one_are_no_micro_stops(lake: Published) -> None:
    # 200 + 200 s touch: one stop of 400 s. A minute inside 30 min is part of them (30 min - 1 min organisational).
    exactly(lake.parts("gc47"), pbt=28800, micro=60, adet_eq=460, adet_org=1740, apt=26540)
    check(lake.told("gc47", profile="TPM", shift="S1")["A"], numerator=26600)
