"""Estimates of a clock by hand: transitions that two sources saw in, offset, pairs and range out (rule T17)."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import polars as pl
import pytest

from transforms.skew import clock_offsets
from transforms.tables import UTC_US

DAY = datetime(2025, 6, 2, tzinfo=UTC)


def stops(
    source: str, *spans: tuple[float, float | None], unit: str = "M", state: str | None = "DELAY_EQ", day: datetime = DAY
) -> list[tuple[object, ...]]:
    """Stops in seconds after midnight."""
    at = [(day + timedelta(seconds=start), None if end is None else day + timedelta(seconds=end)) for start, end in spans]
    return [(source, unit, start, end, state) for start, end in at]


def estimated(*events: list[tuple[object, ...]], stated_s: float = 0.0) -> list[tuple[object, ...]]:
    """(day of June, offset, pairs, range, applied) of the MES by the PLC."""
    schema = {"source_system": pl.String, "equipment_id": pl.String, "start_ts": UTC_US, "end_ts": UTC_US, "state_class": pl.String}
    frame = pl.DataFrame([row for rows in events for row in rows], schema=schema, orient="row")
    found = clock_offsets(frame, {"mes": "plc"}, {"plc": stated_s}).sort("day")
    return [(day.day, *rest) for day, *rest in found.drop("source_system").rows()]


PLC = stops("plc", (36000, 36600), (43200, 43800))
"""10:00-10:10 and 12:00-12:10."""


def test_the_median_of_a_day_is_the_offset() -> None:
    # 3, 4, 5 and 8 s: median 4.5; quartiles 3.75 and 5.75.
    assert estimated(PLC, stops("mes", (36003, 36604), (43205, 43808))) == [(2, 4.5, 4, 2.0, True)]
    assert estimated(PLC, stops("mes", (35880, 36480), (43080, 43680))) == [(2, -120.0, 4, 0.0, True)]


@pytest.mark.parametrize(
    ("seconds", "expected"),
    [
        ((120, 120, 125, 125), (122.5, 4, 5.0, False)),  # quartiles 120 and 125: not below 5 s
        ((120, 121, 124, 125), (122.5, 4, 3.5, True)),  # 120.75 and 124.25
        ((2, 2, 2, 2), (2.0, 4, 0.0, False)),  # not above 2 s
        ((2, 2.1, 2.1, 2.2), (2.1, 4, 0.05, True)),
    ],
)
def test_limits_are_strict(seconds: tuple[float, ...], expected: tuple[object, ...]) -> None:
    a, b, c, d = seconds
    assert estimated(PLC, stops("mes", (36000 + a, 36600 + b), (43200 + c, 43800 + d))) == [(2, *expected)]


def test_three_pairs_of_all_units_are_enough_and_two_are_not() -> None:
    both = [stops("plc", (36000, 36600)), stops("mes", (36060, 36660))]
    assert estimated(*both) == [(2, 60.0, 2, 0.0, False)]
    # Another unit, which the MES still calls stopped.
    assert estimated(*both, stops("plc", (50000, 51000), unit="N"), stops("mes", (50060, None), unit="N")) == [(2, 60.0, 3, 0.0, True)]


def test_transitions_further_apart_than_ten_minutes_are_no_pair() -> None:
    assert estimated(stops("plc", (36000, 40000)), stops("mes", (36600, 40600.001))) == [(2, 600.0, 1, 0.0, False)]


def test_each_is_the_nearest_of_the_other_in_the_same_direction() -> None:
    # The MES names one stop 10:02-10:12 where the PLC saw 10:00-10:03 and 10:06-10:10. Down: 10:00 and 10:06 are 2 and 4 min away, so
    # 10:00. Up: 10:10. The PLC's 10:03 and 10:06 find nobody.
    found = estimated(stops("plc", (36000, 36180), (36360, 36600)), stops("mes", (36120, 36720)))
    assert found == [(2, 120.0, 2, 0.0, False)]


def test_runs_of_one_source_are_held_against_stops_of_the_other() -> None:
    runs = stops("plc", (21600, 36000), (36600, 43200), (43800, 50400), state="RUN")
    # A stop without a class has a reason; an order after an order is no transition, and UNKNOWN is none.
    more = [*stops("plc", (50400, 54000), state="RUN"), *stops("mes", (21605, 21700), state="UNKNOWN")]
    assert estimated(runs, more, stops("mes", (36090, 36690), (43290, 43890), state=None)) == [(2, 90.0, 4, 0.0, True)]


def test_a_pair_counts_on_the_day_of_the_sources_own_stamp() -> None:
    # Down at 23:59 on the 2nd by the PLC, 00:01 on the 3rd by the MES.
    assert estimated(stops("plc", (86340, 90000)), stops("mes", (86460, 90120))) == [(3, 120.0, 2, 0.0, False)]


def test_the_reference_is_right_after_its_stated_offset() -> None:
    # The PLC is stated to be an hour ahead, so that it saw 09:00-09:10 and 11:00-11:10.
    assert estimated(PLC, stops("mes", (32400 + 30, 33000 + 30), (39600 + 30, 40200 + 30)), stated_s=3600) == [(2, 30.0, 4, 0.0, True)]


def test_without_a_pair_there_is_no_row() -> None:
    assert estimated(PLC) == []
    assert clock_offsets(
        pl.DataFrame(
            schema={"source_system": pl.String, "equipment_id": pl.String, "start_ts": UTC_US, "end_ts": UTC_US, "state_class": pl.String}
        ),
        {},
        {},
    ).is_empty()
