"""The time model beside the golden cases: words of standards, standby and transitions, flicker. Files in, published parts out.

Numbers are worked out in the tests. All plants are refreshed once. Elsewhere: golden cases (`test_golden_*.py`).
"""

from __future__ import annotations

from typing import Any

from golden_portfolio import Case
from published import Published

D = "2025-06-02T"


def states(*lines: tuple[str, str, str], order: str | None = None) -> list[dict[str, Any]]:
    """(start, end, state) of unit M on 2 June, as a machine tells them."""
    rows = [{"equipment": "M", "start_ts": D + start, "end_ts": D + end, "state": state} for start, end, state in lines]
    return [{**row, "order": order} for row in rows] if order else rows


def operation(order: str, start: str, end: str | None) -> dict[str, Any]:
    return {"order": order, "operation": "10", "equipment": "M", "actual_start_ts": D + start, "actual_end_ts": D + end if end else ""}


def of_standard(standard: str) -> dict[str, Any]:
    """What the plant file says of a source that delivers the names of a standard."""
    return {"state": {"state_class": {"from": "state", "map": standard}}}


MEASURED = {"settings": {"state_method": "MEASURED"}, "equipment": {"units": {"M": {}}}}
FLICKERS = {**MEASURED, "equipment": {"units": {"M": {"settings": {"flicker": True}}}}}
RATE = [{"plant": "flickers", "equipment": "", "material": "P", "tool": "", "rate_basis": "ENGINEERED", "rate": 30, "unit": "s"}]
BLIPS = [
    {"equipment": "M", "event": n, "start_ts": D + start, "end_ts": D + end, "state_class": state, "source_reason_code": reason}
    for n, (start, end, state, reason) in enumerate((
        ("06:00:00", "08:00:00", "RUN", ""),
        ("08:00:00", "08:10:00", "DELAY_EQ", "E-MECH"), ("08:10:00", "08:10:20", "RUN", ""), ("08:10:20", "08:30:00", "DELAY_EQ", "E-MECH"),
        ("08:30:00", "08:30:40", "RUN", ""), ("08:30:40", "08:50:40", "DELAY_EQ", "E-MECH"),
        ("08:50:40", "08:50:50", "RUN", ""), ("08:50:50", "09:00:00", "DELAY_EQ", "E-ELEC"),
        ("09:00:00", "14:00:00", "RUN", ""),
    ))
]  # fmt: skip
REASONS = [
    {"plant": "*", "source": "*", "source_code": code, "reason_code": code, "mapped_by": "us", "approved_at": "2025-01-01"}
    for code in ("E-MECH", "E-ELEC")
]

CASES = [
    Case(
        "packml",
        {
            "equipment_state_event": states(
                ("06:00:00", "08:00:00", "EXECUTE"), ("08:00:00", "08:00:10", "Aborting"), ("08:00:10", "08:19:00", "Aborted"),
                ("08:19:00", "08:20:00", "CLEARING"), ("08:20:00", "08:40:00", "Stopped"), ("08:40:00", "08:41:00", "Resetting"),
                ("08:41:00", "08:50:00", "Idle"), ("08:50:00", "08:51:00", "Starting"), ("08:51:00", "10:00:00", "Execute"),
                ("10:00:00", "10:00:05", "Holding"), ("10:00:05", "10:10:00", "Held"), ("10:10:00", "10:10:30", "un-holding"),
                ("10:10:30", "12:00:00", "Execute"), ("12:00:00", "12:01:00", "Suspended"), ("12:01:00", "14:00:00", "Execute"),
            ),
            "order_operation": [operation("A", "06:00", "08:35"), operation("B", "08:45", None)],
        },
        MEASURED, maps=of_standard("PackML"),
    ),
    Case(
        "e10",
        {
            "equipment_state_event": states(
                ("06:00", "07:00", "Standby"), ("07:00", "09:00", "Productive"), ("09:00", "10:00", "Setup"),
                ("10:00", "11:00", "SCHEDULED DOWNTIME"), ("11:00", "12:00", "Unscheduled Downtime"), ("12:00", "13:00", "Engineering"),
                ("13:00", "14:00", "Standby"),
            ),
            "order_operation": [operation("A", "06:30", "07:30"), operation("B", "06:40", "06:50")],
        },
        MEASURED, maps=of_standard("SEMI_E10"),
    ),
    Case("opc_ua", {"equipment_state_event": states(("06:00", "10:00", "Executing"), ("10:00", "14:00", "NotExecuting"), order="A")},
         MEASURED, maps=of_standard("OPC_UA_Machinery")),
    Case("by_number", {"equipment_state_event": states(("06:00", "10:00", "6"), ("10:00", "13:00", "11"), ("13:00", "14:00", "99"))},
         MEASURED, maps={"state": {"state_class": {"from": "state", "map": {"6": "PackML:Execute", "11": "PackML:Held"}}}}),
    Case("no_flicker", {"equipment_state_event": BLIPS}, MEASURED, words={"ideal_rates": RATE, "reason_map": REASONS}),
    Case("flickers", {"equipment_state_event": BLIPS}, FLICKERS),
]  # fmt: skip


def shift(lake: Published, plant: str, columns: str) -> tuple[Any, ...]:
    """Columns of the shift of 2 June, as numbers."""
    row = lake.rows(f"select {columns} from mart_kpi_parts_shift where plant_id = ? and shift_code = 'S1' and material_key = '~'", [plant])[
        0
    ]
    return tuple(None if value is None else float(value) for value in row)


def test_packml_transitions_belong_to_their_stop_and_an_abort_is_one_failure(lake: Published) -> None:
    # Abort 08:00-08:20 with its transitions. Stopped and idle 08:20-08:51: order A until 08:35, B from 08:45: 10 min nobody's. Held 630 s
    # is no failure; suspended for a minute is a micro-stop.
    assert shift(lake, "packml", "adet_eq_s, adet_org_s, adot_s, micro_s, unknown_s, fe, ttr_s") == (
        1200 + 630, 15 * 60 + 6 * 60, 600, 60, 0, 1, 18 * 60 + 50,
    )  # fmt: skip


def test_what_stands_by_is_delayed_while_an_order_is_active_and_idle_without_one(lake: Published) -> None:
    # Standby: 06:30-07:00 with order A (B lies inside it), 06:00-06:30 and 13:00-14:00 without. Engineering is organisational.
    assert shift(lake, "e10", "apt_s, aust_s, adet_eq_s, adet_org_s, adot_s, fe") == (7200, 3600, 7200, 1800 + 3600, 1800 + 3600, 1)


def test_an_order_that_the_event_names_is_active(lake: Published) -> None:
    assert shift(lake, "opc_ua", "apt_s, adet_org_s, adot_s") == (14400, 14400, 0)


def test_numbers_are_mapped_by_the_plant_file_only(lake: Published) -> None:
    # State 99 is in nobody's list: the record is rejected and its hour unknown.
    assert shift(lake, "by_number", "apt_s, adet_eq_s, unknown_s, fe") == (14400, 10800, 3600, 0)


def test_run_time_shorter_than_a_cycle_does_not_split_a_stop_where_a_unit_flickers(lake: Published) -> None:
    # 20 s of run time is less than a cycle of 30 s: 08:00-08:30 is one failure of 1 800 s. 40 s is a cycle; 10 s lie between two reasons.
    assert shift(lake, "no_flicker", "apt_s, adet_eq_s, fe, ttr_s") == (25200 + 20 + 40 + 10, 600 + 1180 + 1200 + 550, 4, 3530)
    assert shift(lake, "flickers", "apt_s, adet_eq_s, fe, ttr_s") == (25200 + 40 + 10, 1800 + 1200 + 550, 3, 3550)
