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

TWO_SHIFTS = {**MEASURED, "shifts": {"S1": {"at": "06:00-14:00", "days": "daily"}, "S2": {"at": "14:00-22:00", "days": "daily"}}}
RUN_STOP_RUN = [
    {"equipment": "M", "start_ts": D + start, "end_ts": D + end, "state_class": state}
    for start, end, state in (("06:00", "13:30", "RUN"), ("13:30", "14:30", "DELAY_EQ"), ("14:30", "22:00", "RUN"))
]


def counted(number: int, moment: str, good: int, **more: Any) -> dict[str, Any]:
    """A confirmation of unit M."""
    corrects = {"corrects": ""} | more
    return {
        "equipment": "M",
        "document": f"D{number}",
        "event_ts": D + moment,
        "material": "P",
        "good_qty": good,
        "scrap_qty": 0,
        **corrects,
    }


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
                ("13:00", "13:50", "Standby"),
            ),
            "order_operation": [operation("A", "06:30", "07:30"), operation("B", "06:40", "06:50"), operation("C", "13:50", None)],
        },
        MEASURED, maps=of_standard("SEMI_E10"),
    ),
    Case("opc_ua", {"equipment_state_event": states(("06:00", "10:00", "Executing"), ("10:00", "14:00", "NotExecuting"), order="A")},
         MEASURED, maps=of_standard("OPC_UA_Machinery")),
    Case("by_number", {"equipment_state_event": states(("06:00", "10:00", "6"), ("10:00", "13:00", "11"), ("13:00", "14:00", "99"))},
         MEASURED, maps={"state": {"state_class": {"from": "state", "map": {"6": "PackML:Execute", "11": "PackML:Held"}}}}),
    Case("by_hand", {"equipment_state_event": states(
        ("06:00", "08:00", "6"), ("08:00", "08:30", "U"), ("08:30", "08:50", "M"), ("08:50", "09:00", "U"), ("09:00", "11:00", "6"),
        ("11:00", "11:20", "M"), ("11:20", "14:00", "6"))},
         MEASURED, maps={"state": {"state_class": {"from": "state", "map": {"6": "PackML:Execute", "U": "SETUP", "M": "PackML:mode Manual"}}}}),
    Case("interval", {"equipment_state_event": [*RUN_STOP_RUN], "production_count": [
        counted(1, "15:00", 90, start_ts=D + "13:00"), counted(2, "14:00", 50, start_ts=D + "12:00"), counted(3, "13:59", 7)]}, TWO_SHIFTS),
    Case("counted_in_stop", {"equipment_state_event": [*RUN_STOP_RUN], "production_count": [
        counted(1, "10:00", 5, count_source="COUNTER"), counted(2, "14:10", 5, count_source="COUNTER")]}, TWO_SHIFTS),
    Case("no_states", {"production_count": [counted(1, "16:00", 100, start_ts=D + "12:00")]},
         {**TWO_SHIFTS, "settings": {"state_method": "NONE"}}),
    Case("confirmed", {
        "equipment_state_event": [
            {"equipment": "M", "start_ts": D + start, "end_ts": D + end, "state_class": "RUN", "order": order}
            for start, end, order in (("06:00", "10:00", "A"), ("10:00", "16:00", "B"), ("16:00", "18:00", "A"), ("18:00", "20:00", "B"),
                                      ("20:00", "21:00", "A"))],
        "production_count": [
            counted(1, "19:00", 600, order="A", count_source="ERP_CONFIRMATION"), counted(2, "21:00", 60, order="A", count_source="ERP_CONFIRMATION"),
            counted(3, "21:30", -6, order="A", count_source="ERP_CONFIRMATION", corrects="D1"),
            counted(4, "21:40", 33, order="Z", count_source="ERP_CONFIRMATION")]}, TWO_SHIFTS),
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


def test_work_by_hand_belongs_to_a_changeover_beside_it_and_is_a_delay_elsewhere(lake: Published) -> None:
    assert shift(lake, "by_hand", "apt_s, aust_s, adet_eq_s, fe") == (25_200 - 1200, 3600, 1200, 0)


def test_what_stands_by_is_delayed_while_an_order_is_active_and_idle_without_one(lake: Published) -> None:
    # Standby: 06:30-07:00 with order A (B lies inside it), 06:00-06:30 and 13:00-13:50 without. Engineering is organisational. Of the last
    # ten minutes nothing is known, whatever order is active.
    assert shift(lake, "e10", "apt_s, aust_s, adet_eq_s, adet_org_s, adot_s, unknown_s, fe") == (
        7200,
        3600,
        7200,
        1800 + 3600,
        1800 + 3000,
        600,
        1,
    )


def test_an_order_that_the_event_names_is_active(lake: Published) -> None:
    assert shift(lake, "opc_ua", "apt_s, adet_org_s, adot_s") == (14400, 14400, 0)


def test_numbers_are_mapped_by_the_plant_file_only(lake: Published) -> None:
    # State 99 is in nobody's list: the record is rejected and its hour unknown.
    assert shift(lake, "by_number", "apt_s, adet_eq_s, unknown_s, fe") == (14400, 10800, 3600, 0)


def test_run_time_shorter_than_a_cycle_does_not_split_a_stop_where_a_unit_flickers(lake: Published) -> None:
    # 20 s of run time is less than a cycle of 30 s: 08:00-08:30 is one failure of 1 800 s. 40 s is a cycle; 10 s lie between two reasons.
    assert shift(lake, "no_flicker", "apt_s, adet_eq_s, fe, ttr_s") == (25200 + 20 + 40 + 10, 600 + 1180 + 1200 + 550, 4, 3530)
    assert shift(lake, "flickers", "apt_s, adet_eq_s, fe, ttr_s") == (25200 + 40 + 10, 1800 + 1200 + 550, 3, 3550)


def pieces(lake: Published, plant: str) -> dict[str, tuple[float, bool]]:
    """Good pieces of each shift of 2 June, and whether some of them are allocated."""
    rows = lake.rows(
        "select shift_code, sum(gq), max(list_contains(flags, 'COUNT_ALLOCATED')) from mart_kpi_parts_shift where plant_id = ? and gq > 0 group by 1",
        [plant],
    )
    return {shift_code: (float(good), is_allocated) for shift_code, good, is_allocated in rows}


def test_an_interval_over_a_shift_change_is_split_by_run_time(lake: Published) -> None:
    # 13:00-15:00 ran half an hour in each shift: 45 and 45. 12:00-14:00 ends with the shift and is all its own, like the stamp of 13:59.
    assert pieces(lake, "interval") == {"S1": (45 + 50 + 7, False), "S2": (45, False)}


def test_an_interval_without_known_run_time_is_split_by_planned_time(lake: Published) -> None:
    assert pieces(lake, "no_states") == {"S1": (50, True), "S2": (50, True)}


def test_a_confirmation_of_an_order_is_spread_over_its_run_time_since_the_last_one(lake: Published) -> None:
    # D1: A ran 4 h in S1 and 2 h in S2 up to 19:00, so 400 and 200; its correction takes 4 and 2 away. D2: only 20:00-21:00. Order Z ran
    # nowhere: its confirmation stays at its stamp.
    assert pieces(lake, "confirmed") == {"S1": (400 - 4, True), "S2": (200 - 2 + 60 + 33, True)}


def test_pieces_inside_a_logged_stop_are_flagged(lake: Published) -> None:
    # The stop is 13:30-14:30; only S2 has a piece inside it.
    rows = lake.rows(
        "select shift_code, list_contains(flags, 'STOP_WITH_COUNTS') from kpi_value where plant_id = 'counted_in_stop' and kpi_id = 'OEE'"
        " and scope_type = 'EQUIPMENT' and period_type = 'SHIFT' and profile = 'ISO' and shift_code like 'S%' order by 1"
    )
    assert rows == [("S1", False), ("S2", True)]
