"""Golden cases between plants: gaps by factor and by loss, mix, curves since acquisition, confidence. Files in, macros out."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from fractions import Fraction
from math import log
from typing import Any

import pytest
from golden_portfolio import Case, made
from golden_portfolio import rate as ideal
from published import Published

START = datetime(2025, 6, 2, 6, tzinfo=UTC)
DAY = "DATE '2025-06-02'"


def states(*stretches: tuple[str, int]) -> list[dict[str, Any]]:
    """State events one after the other from 06:00; '-' is time of which nothing is told."""
    rows, at = [], START
    for number, (state, seconds) in enumerate(stretches):
        until = at + timedelta(seconds=seconds)
        if state != "-":
            rows.append(
                {
                    "equipment": "M",
                    "event": f"e{number}",
                    "start_ts": f"{at:%Y-%m-%dT%H:%M:%S}",
                    "end_ts": f"{until:%Y-%m-%dT%H:%M:%S}",
                    "state_class": state,
                }
            )
        at = until
    return rows


def spread(run: int, *stops: tuple[str, int]) -> list[tuple[str, int]]:
    """Stops with run time between them, so that none touches another."""
    piece, rest = divmod(run, len(stops) + 1)
    found = [("RUN", piece + rest)]
    for stop in stops:
        found += [stop, ("RUN", piece)]
    return found


def rate(plant: str) -> dict[str, list[dict[str, Any]]]:
    return {"ideal_rates": [ideal(plant, 1)]}


def machine(plant: str, stretches: list[tuple[str, int]], produced: float, good: float, **about: Any) -> Case:
    """One measured machine in one shift of 28 800 s, one second a piece."""
    tables = {"equipment_state_event": states(*stretches), "production_count": [made("13:59", produced, good)]}
    return Case(plant, tables, {"equipment": {"units": {"M": {}}}, "settings": {"state_method": "MEASURED"}, **about}, words=rate(plant))


def windows(plant: str, units: dict[str, tuple[str, list[tuple[str, int, float]]]], until: str, start: str, **about: Any) -> Case:
    """Units with a class and windows (start, seconds, good pieces), of which only pieces are known."""
    shifts, counts = [], []
    for unit, (_, found) in units.items():
        for at, seconds, good in found:
            end = datetime.fromisoformat(at) + timedelta(seconds=seconds)
            shifts.append({"equipment": unit, "shift_code": "S", "start_ts": at, "end_ts": f"{end:%Y-%m-%dT%H:%M:%S}"})
            counts.append(made(at, good, good, unit, document=f"{unit}{at}"))
    listed = {unit: {"class": kind} for unit, (kind, _) in units.items()}
    return Case(
        plant, {"shift_instance": shifts, "production_count": counts},
        {"equipment": {"units": listed}, "settings": {"state_method": "NONE"}, "calendar": "records", "shifts": {}, **about}, start, until, rate(plant),
    )  # fmt: skip


MONTHS = ("2024-01-20T06:00", "2024-07-20T06:00", "2025-01-20T06:00")
CASES = [
    # Of 28 800 s one percent is 288 s. A 0.80, E 0.90, Q 0.98: 23 040 s run, 20 736 pieces, 20 321.28 good.
    machine("gap_ref", spread(23040, ("DELAY_EQ", 1728), ("DELAY_ORG", 576), ("SETUP", 1440), ("IDLE", 864), ("DELAY_EQ", 288), ("DELAY_EQ", 288), ("-", 576)), 20736, 20321.28),
    # A 0.88, E 0.75, Q 0.96: 25 344 s run, 19 008 pieces, 18 247.68 good.
    machine("gap_cmp", spread(25344, ("DELAY_EQ", 1152), ("DELAY_ORG", 864), ("SETUP", 576), ("IDLE", 288), ("DELAY_EQ", 288), ("-", 288)), 19008, 18247.68),
    machine("gap_down", [("DELAY_EQ", 28800)], 0, 0),
    windows("mix_ref", {"M": ("MOULDING", [("2025-06-02T06:00", 8000, 6400)]), "A": ("ASSEMBLING", [("2025-06-02T06:00", 2000, 1200)])}, "2025-06-03T00:00", "2025-06-02"),
    windows("mix_cmp", {"M": ("MOULDING", [("2025-06-02T06:00", 2000, 1680)]), "A": ("ASSEMBLING", [("2025-06-02T06:00", 8000, 5120)])}, "2025-06-03T00:00", "2025-06-02"),
    *(
        windows(f"vintage_{n}", {"M": ("VINTAGE", [(at, 100, good) for at, good in zip(MONTHS, goods, strict=False)])}, "2025-02-01T00:00", "2024-01-01", acquired_on="2024-01-15")
        for n, goods in enumerate(((60, 66, 70), (50, 56, 60), (40, 46)))
    ),
    # Time 15/16, all rated and counted, 80 % of the stops have a reason, performance is cut at the source: 0.90.
    Case(
        "confidence",
        {
            "equipment_state_event": [
                {**row, "source_reason_code": code}
                for row, code in zip(states(("RUN", 18000), ("DELAY_ORG", 7200), ("RUN", 0), ("DELAY_ORG", 1800)), ("", "17", "", ""), strict=True)
                if row["start_ts"] != row["end_ts"]
            ],
            "production_count": [made("13:00", 9000, 9000)],
        },
        {"equipment": {"units": {"M": {}}}, "settings": {"state_method": "MEASURED"}, "definition": {"perf_capped_at_source": True}},
        words={**rate("confidence"), "reason_map": [{"plant": "confidence", "source": "*", "source_code": "17", "reason_code": "O-MAT", "mapped_by": "ada", "approved_at": "2025-01-01", "valid_from": "", "valid_to": ""}]},
    ),
    # All of its time is told, nothing of what it makes has an ideal rate.
    Case(
        "confidence_none", {"equipment_state_event": states(("RUN", 28800)), "production_count": [made("13:00", 9000, 9000)]}, {"settings": {"state_method": "MEASURED"}},
    ),
]  # fmt: skip


def gap(lake: Published, reference: str, compared: str) -> dict[tuple[str, str], float | None]:
    rows = lake.rows(f"SELECT method, term, points FROM oee_gap('{reference}', '{compared}', 'DAY', {DAY})")
    return {(method, term): points for method, term, points in rows}


def close(value: Fraction | float) -> Any:
    return pytest.approx(float(value), rel=1e-9, abs=1e-12)


def test_golden_gc27_a_gap_by_factors_is_exact_both_ways(lake: Published) -> None:
    found = gap(lake, "gap_ref", "gap_cmp")
    # 0.88 x 0.75 x 0.96 - 0.80 x 0.90 x 0.98 = 0.6336 - 0.7056
    assert found["GAP", "OEE"] == close(-0.072)
    weight = (0.6336 - 0.7056) / log(0.6336 / 0.7056)
    assert [found["LMDI", term] for term in "AEQ"] == [close(weight * log(ratio)) for ratio in (0.88 / 0.80, 0.75 / 0.90, 0.96 / 0.98)]
    assert [found["SHAPLEY", term] for term in "AEQ"] == [close(0.06404), close(-0.1222), close(-0.01384)]


def test_golden_gc28_a_plant_that_was_down_has_the_whole_gap_in_availability(lake: Published) -> None:
    found = gap(lake, "gap_ref", "gap_down")
    assert found["GAP", "OEE"] == close(-0.7056)
    assert [found["LMDI", term] for term in "AEQ"] == [None, None, None]
    assert [found["SHAPLEY", term] for term in "AEQ"] == [close(-0.7056), close(0), close(0)]


def test_golden_gc44_the_gap_by_loss_adds_up(lake: Published) -> None:
    found = {term.removeprefix("LOSS_"): points for (method, term), points in gap(lake, "gap_ref", "gap_cmp").items() if method == "LOSS"}
    expected = {
        "BREAKDOWN": 0.02, "ORGANISATION": -0.01, "SETUP": 0.03, "NO_ORDER": 0.02, "MINOR": 0.01, "UNKNOWN": 0.01, "SPEED": -0.14, "QUALITY": -0.012,
    }  # fmt: skip
    assert found == {term: close(points) for term, points in expected.items()}
    assert sum(points for points in found.values() if points) == close(-0.072)


def test_golden_gc29_mix_hides_that_the_other_plant_is_better_at_both(lake: Published) -> None:
    (row,) = lake.query(f"SELECT * FROM oee_mix('mix_ref', 'mix_cmp', 'DAY', {DAY})").to_dicts()
    assert row == {
        "crude_reference": close(Fraction(19, 25)), "crude_compared": close(Fraction(17, 25)), "standard_reference": close(Fraction(7, 10)),
        "standard_compared": close(Fraction(37, 50)), "shared_support": close(1), "within_classes": close(Fraction(1, 25)),
        "mix_of_classes": close(Fraction(-3, 25)), "gap": close(Fraction(-2, 25)),
    }  # fmt: skip


def test_golden_gc31_curves_since_acquisition(lake: Published) -> None:
    rows = lake.rows("SELECT months_since_acquisition, pooled, balanced, chained, plants, balanced_plants FROM vintage_curve(0, 12)")
    # 150, 168 and 130 of 300, 300 and 200; plants 0 and 1 alone; from 6 to 12 the two of them move from 61 to 65.
    assert rows == [
        (0, close(Fraction(1, 2)), close(Fraction(11, 20)), close(Fraction(1, 2)), 3, 2),
        (6, close(Fraction(14, 25)), close(Fraction(61, 100)), close(Fraction(14, 25)), 3, 2),
        (12, close(Fraction(13, 20)), close(Fraction(13, 20)), close(Fraction(3, 5)), 2, 2),
    ]


def test_golden_gc43_confidence_is_a_weighted_geometric_mean(lake: Published) -> None:
    sql = "SELECT confidence, grade FROM kpi_value WHERE scope_id = 'confidence' AND kpi_id = 'E' AND profile = 'ISO' AND period_type = 'DAY' AND denominator > 0"
    # 27 000 of 28 800 s are told; 7 200 of 9 000 s of stops have a reason.
    assert lake.rows(sql) == [(close(0.9375**0.30 * 0.80**0.10 * 0.90**0.15), "B")]
    # 0 of 28 800 s of run time have a rate: one ingredient that is missing is worth all of them.
    assert [lake.told("confidence_none")["E"][name] for name in ("value", "confidence", "grade")] == [None, 0, "D"]
