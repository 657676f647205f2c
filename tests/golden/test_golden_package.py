"""The package `oee` beside plantlake: its functions, given the parts as they are published, say what is published, or differ as documented.

The package knows times and counts of one machine at a time, no events. Where it differs, its number is the one that the specification
(section 0) names as a defect: performance is cut at 1 before machines are added up, a log of several products is weighted by pieces,
and a shift without pieces or without planned time is an error instead of a 0 or an unknown.
"""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import oee
import pytest
from published import Published, check

CASES = [
    ("gc01", "S1", "2025-06-02"), ("gc02", "S1", "2025-06-02"), ("gc04", "N", "2025-10-25"), ("gc05", "N", "2025-03-29"),
    ("gc11", "S1", "2025-06-02"), ("gc12", "S1", "2025-06-02"), ("gc22a", "S1", "2025-06-02"), ("gc22b", "S1", "2025-06-02"),
    ("gc40_maintenance", "S1", "2025-06-02"),
]  # fmt: skip


def computed(parts: dict[str, Any], run_s: float = 0.0) -> oee.OEEResult:
    """What the package makes of published parts; `run_s` is added to the run time."""
    return oee.oee(
        float(parts["pbt_s"]), run_time=float(parts["apt_s"]) + run_s, ideal_cycle_time=float(parts["ideal_pq_s"] / parts["pq"]),
        total_count=float(parts["pq"]), good_count=float(parts["gq"]),
    )  # fmt: skip


def said(result: oee.OEEResult) -> dict[str, float]:
    return {"A": result.availability, "E": result.performance, "Q": result.quality, "OEE": result.oee}


@pytest.mark.parametrize(("plant", "shift", "day"), CASES, ids=[plant for plant, *_ in CASES])
def test_a_shift_is_what_the_package_makes_of_its_parts(lake: Published, plant: str, shift: str, day: str) -> None:
    check(lake.values(plant, start=day, shift=shift), **said(computed(lake.parts(plant, shift, day))))


def test_golden_gc12_with_micro_stops_as_run_time_too(lake: Published) -> None:
    parts = lake.parts("gc12")
    check(lake.values("gc12", profile="TPM", shift="S1"), **said(computed(parts, float(parts["micro_s"]))))


@pytest.mark.parametrize(("plant", "shifts"), [("gc14_bank", ("S", "S")), ("gc15", ("LONG", "SHORT"))])
def test_golden_gc14_gc15_machines_add_up_as_in_the_package(lake: Published, plant: str, shifts: tuple[str, str]) -> None:
    together = oee.aggregate(computed(lake.parts(plant, shift, unit=unit)) for shift, unit in zip(shifts, ("M1", "M2"), strict=True))
    check(lake.values(plant), **said(together))


def test_golden_gc26_failures_add_up_as_in_the_package(lake: Published) -> None:
    units = {"M1": (500, [2, 3, 1, 4]), "M2": (300, [6])}
    for unit, (hours, repairs) in units.items():
        found = oee.reliability(hours, repair_times=repairs)
        check(lake.values("gc26", "MONTH", "2025-06-01", name=unit), MTBF=found.mtbf, MTTR=found.mttr, INH_AVAIL=found.availability)


def test_golden_gc25_yields_of_steps_multiply_as_in_the_package(lake: Published) -> None:
    rolled = oee.rolled_throughput_yield([(950, 1000), (970, 990)])
    check(lake.values("gc25_routing", "MONTH", "2025-06-01"), RTY=rolled.rty)


def test_golden_gc13_the_package_cuts_performance_before_it_adds_up(lake: Published) -> None:
    # M1 made 27 000 s worth of pieces in 25 200 s: cut to 25 200 x 89/90 = 24 920 good, and 16 200 of M2: 41 120 of 57 600.
    cut = oee.aggregate(computed(lake.parts("gc13", unit=unit)) for unit in ("M1", "M2"))
    check(said(cut), OEE=Fraction(4112, 5760))
    check(lake.values("gc13"), OEE=Fraction(429, 576))


def test_golden_gc17_the_package_weighs_the_quality_of_a_log_by_pieces(lake: Published) -> None:
    runs = [{"count": 1000, "good": 1000, "ideal_cycle_time": 10}, {"count": 100, "good": 50, "ideal_cycle_time": 60}]
    # 16 000 / 28 800 x 1 050 / 1 100; by ideal time it is 16 000 / 28 800 x 13 / 16.
    weighed = oee.from_log(28800, runs=runs, downtime_events=[{"duration": 8800, "reason": "material"}])
    check(said(weighed), OEE=Fraction(16000, 28800) * Fraction(1050, 1100))
    check(lake.values("gc17", shift="S1"), OEE=Fraction(130, 288))


def test_golden_gc23_gc24_the_package_has_no_answer_where_there_are_no_pieces_or_no_plan(lake: Published) -> None:
    with pytest.raises(ValueError, match="total_count must be positive"):
        oee.oee(28800, run_time=0, ideal_cycle_time=30, total_count=0, good_count=0)
    check(lake.values("gc23", shift="S1"), OEE=0, E=None)
    with pytest.raises(ValueError, match="planned_production_time must be positive"):
        oee.oee(0, run_time=0, ideal_cycle_time=30, total_count=1, good_count=1)
    check(lake.values("gc24", start="2025-06-01"), OEE=None, TEEP=0)
