"""Golden cases beside the ledger of time: lines, yield, orders, stock, deliveries, money, definitions and units. Files in, KPIs out.

Numbers are worked out in the tests. All plants are refreshed once.
"""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import pytest
from golden_portfolio import Case, made, rate
from published import Published, check

from publish.explain import Question, explain

D = "2025-06-02T"


def run(unit: str, seconds: int, start: str = "06:00:00") -> dict[str, Any]:
    """A run of so many seconds from the start of the shift."""
    hours, rest = divmod(6 * 3600 + seconds, 3600)
    return {
        "equipment": unit, "event": f"run-{unit}", "start_ts": D + start, "end_ts": f"{D}{hours:02d}:{rest // 60:02d}:{rest % 60:02d}", "state_class": "RUN",
    }  # fmt: skip


CASES = [
    Case(
        "gc16_line",
        {
            "equipment_state_event": [run("S1", 18000), run("S2a", 25600), run("S2b", 25600), run("S3", 20000)],
            "production_count": [made("13:00", 3100, 3050, "S1"), made("13:00", 1500, 1470, "S2a"), made("13:00", 1500, 1470, "S2b"), made("13:00", 2940, 2850, "S3")],
        },
        {
            "equipment": {"units": {name: {"class": "STATION"} for name in ("S1", "S2a", "S2b", "S3")}}, "settings": {"state_method": "MEASURED"},
            "lines": {"L": {"stations": ["S1", ["S2a", "S2b"], "S3"], "class": "LINE"}},
        },
        words={"ideal_rates": [rate("gc16_line", s, equipment=u) for u, s in (("S1", 5), ("S2a", 16), ("S2b", 16), ("S3", 6))]},
    ),
    Case(
        "gc25_counts",
        {
            "production_count": [
                made("13:00", 1000, 990, "A", scrap_qty=10, rework_qty=40, first_pass_good_qty=950),
                made("13:00", 990, 985, "B", scrap_qty=5, rework_qty=15, first_pass_good_qty=970),
            ]
        },
        {"equipment": {"units": {"A": {}, "B": {}}}, "settings": {"state_method": "NONE"}},
    ),
    Case(
        "gc25_inspected",
        {
            "inspection_result": [
                {"equipment": "A", "material": "P", "characteristic": "visual", "result": result, "quantity": n, "attempt_no": attempt,
                 "measured_ts": D + "13:00", "lot_or_serial": f"{result}{attempt}"}
                for result, n, attempt in (("PASS", 950, 1), ("REWORK", 40, 1), ("FAIL", 10, 1), ("PASS", 40, 2))
            ],
            "production_count": [made("13:00", 1000, 990, "A")],
        },
        {"equipment": {"units": {"A": {}}}, "settings": {"state_method": "NONE"}},
    ),
    Case(
        "gc39_capability",
        {
            "inspection_result": [
                {"characteristic": "width", "material": "P", "measured_value": round(mean + sign * 0.1 * (49 / 50) ** 0.5, 12), "lsl": 9.4, "usl": 10.6,
                 "result": "PASS", "subgroup": group, "measured_ts": f"{D}{hour:02d}:{n:02d}", "lot_or_serial": f"{group}{n}"}
                for group, mean, hour in (("S1", 10.1, 8), ("S2", 9.9, 9)) for n in range(50) for sign in (1 if n % 2 else -1,)
            ],
            "production_count": [made("13:00", 100, 100)],
        },
        {"equipment": {"units": {"M": {}}}, "settings": {"state_method": "NONE"}},
    ),
    Case(
        "gc25_routing",
        {
            "inspection_result": [
                {"step": step, "material": "P", "characteristic": "visual", "result": result, "quantity": n, "attempt_no": 1, "measured_ts": D + "13:00", "lot_or_serial": f"{step}{result}"}
                for step, rows in (("10", (("PASS", 950), ("REWORK", 40), ("FAIL", 10))), ("20", (("PASS", 970), ("REWORK", 15), ("FAIL", 5))))
                for result, n in rows
            ],
            "production_count": [made("13:00", 1000, 985)],
        },
        {"equipment": {"units": {"M": {}}}, "settings": {"state_method": "NONE"}},
    ),
    Case(
        "gc14_bank",
        {
            "shift_instance": [
                {"equipment": "M1", "shift_code": "S", "start_ts": D + "06:00", "end_ts": D + "14:00"}, {"equipment": "M2", "shift_code": "S", "start_ts": D + "06:00", "end_ts": D + "22:00"},
            ],
            "equipment_state_event": [run("M1", 25200), run("M2", 40000)],
            "production_count": [made("13:00", 11000, 10800, "M1"), made("13:00", 4400, 4300, "M2")],
        },
        {"equipment": {"units": {"M1": {}, "M2": {}}}, "settings": {"state_method": "MEASURED"}, "calendar": "records", "shifts": {}},
        words={"ideal_rates": [rate("gc14_bank", 2, equipment="M1"), rate("gc14_bank", 8, equipment="M2")]},
    ),
    Case(
        "gc33_gc45_money",
        {
            "cost": [
                {"period": period, "cost_class": name, "amount": amount}
                for period, amounts in (
                    ("2025-01-01", {"DIRECT_LABOUR": 60000, "ENERGY": 40000, "COGS": 300000, "REVENUE": 500000, "SCRAP": 10000, "WARRANTY": 5000}),
                    ("2025-02-01", {"OVERHEAD": 120000, "COGS": 270000, "MAINTENANCE": 0, "REPLACEMENT_ASSET_VALUE": 1000000}),
                )
                for name, amount in amounts.items()
            ],
            "inventory_snapshot": [
                {"material": material, "stock_class": stock, "snapshot_date": day, "value": value}
                for day, rows in (
                    ("2025-01-10", (("A", "FGI", 300000), ("B", "WIP", 100000))), ("2025-01-20", (("A", "FGI", 500000), ("B", "WIP", 100000))),
                    ("2025-02-15", (("A", "FGI", 400000),)),
                )
                for material, stock, value in rows
            ],
            "production_count": [
                {"equipment": "M", "document": f"D{month}", "event_ts": f"2025-{month}-10T10:00", "material": "P", "produced_qty": n, "good_qty": n}
                for month, n in (("01", 50000), ("02", 60000))
            ],
        },
        {"equipment": {"units": {"M": {}}}, "settings": {"state_method": "NONE"}, "currency": "EUR"}, "2025-01-01", "2025-03-01T00:00",
        {
            "fx": [
                {"from_ccy": "EUR", "to_ccy": "USD", "period": period, "rate_type": kind, "rate": value}
                for period, kind, value in (("2025-01-01", "AVG", "1.08"), ("2025-02-01", "AVG", "1.10"), ("2025-01-01", "CLOSE", "1"), ("2025-02-01", "CLOSE", "1"))
            ],
            "product_families": [{"plant": "gc33_gc45_money", "material": "P", "family": "F", "weight": 1}],
        },
    ),
    Case(
        "gc45_turns",
        {
            "cost": [{"period": f"2025-{month}-01", "cost_class": "COGS", "amount": n} for month, n in (("01", 300000), ("02", 270000))],
            "inventory_snapshot": [
                {"material": "A", "stock_class": "FGI", "snapshot_date": f"2025-{month}-15", "value": n} for month, n in (("01", 500000), ("02", 400000))
            ],
        },
        {"settings": {"state_method": "NONE"}}, "2025-01-01", "2025-03-01T00:00",
    ),
    Case(
        "gc35_orders",
        {
            "production_order": [
                {"order": name, "material": "P", "planned_qty": 100, "due_ts": D + "16:00", "actual_start_ts": D + "06:00", "actual_end_ts": D + end, "planned_scrap_qty": 4}
                for name, end in (("O1", "12:00"), ("O2", "18:00"))
            ],
            "production_count": [made("13:00", n, n, document=o, order=o, scrap_qty=0) for o, n in (("O1", 150), ("O2", 50))],
        },
        {"equipment": {"units": {"M": {}}}, "settings": {"state_method": "NONE"}},
    ),
    Case(
        "gc36_otif",
        {
            "delivery_line": [
                {"line": f"L{n}", "material": "P", "promised_date": due, "ordered_qty": ordered, "delivered_qty": delivered, "last_delivery_date": last}
                for n, (ordered, delivered, due, last) in enumerate(
                    ((100, 100, "2025-06-05", "2025-06-05"), (100, 95, "2025-06-05", "2025-06-04"), (50, 50, "2025-06-05", "2025-06-06"), (10, 10, "2025-06-06", "2025-06-05"))
                )
            ]
        },
    ),
    Case(
        "gc40_maintenance",
        {
            "planned_downtime": [{"entry": "p", "start_ts": D + "06:00", "end_ts": D + "07:00", "planned_class": "PLANNED_MAINT", "planned_at": "2025-05-01T00:00"}],
            "equipment_state_event": [{**run("M", 0, "07:00:00"), "end_ts": D + "13:40:00"}],
            "production_count": [made("13:00", 720, 700)],
        },
        {"equipment": {"units": {"M": {}}}, "settings": {"state_method": "MEASURED"}, "definition": {"planned_maint_in_pbt": True}},
        words={"ideal_rates": [rate("gc40_maintenance", 30)]},
    ),
    Case(
        "gc41_bases", {"production_count": [made("13:00", 700, 700)]},
        {"equipment": {"units": {"M": {}}}, "settings": {"state_method": "NONE"}, "definition": {"rate_basis": "ERP_STANDARD"}},
        words={"ideal_rates": [rate("gc41_bases", 36, rate_basis="ERP_STANDARD"), rate("gc41_bases", 30, rate_basis="BEST_DEMONSTRATED")]},
    ),
    Case(
        "gc42_kilograms",
        {
            "production_count": [made("13:00", 500, 500, uom="kg")],
            "uom_conversion": [{"material": "P", "from_uom": "kg", "to_base_factor": 4}],
        },
        {"equipment": {"units": {"M": {}}}, "settings": {"state_method": "NONE"}},
        words={"ideal_rates": [rate("gc42_kilograms", 12)]},
    ),
    Case(
        "people_and_energy",
        {
            "energy": [
                {"carrier": "ELECTRICITY", "start_ts": "2025-06-01T00:00", "end_ts": "2025-07-01T00:00", "energy": 900},
                {"carrier": "GAS", "start_ts": "2025-06-01T00:00", "end_ts": "2025-07-01T00:00", "energy": 100},
            ],
            "labour_time": [
                {"entry": "a", "person": "Ada", "start_ts": D + "06:00", "end_ts": D + "14:00", "attended_s": 27000, "worked_s": 24300},
                {"entry": "b", "person": "Bob", "start_ts": D + "06:00", "end_ts": D + "10:00", "labour_class": "INDIRECT", "attended_s": 9000},
            ],
            "maintenance_order": [
                {"document": "m1", "equipment": "M", "maintenance_type": "CORRECTIVE", "reported_ts": D + "07:00", "work_start_ts": D + "07:00", "work_end_ts": D + "08:00"},
                {"document": "m2", "equipment": "M", "maintenance_type": "PREVENTIVE", "reported_ts": D + "09:00", "work_start_ts": D + "09:00", "work_end_ts": D + "12:00"},
            ],
            "production_count": [made("13:00", 520, 500)],
        },
        {"equipment": {"units": {"M": {}}}, "settings": {"state_method": "NONE"}},
        words={
            "product_families": [{"plant": "people_and_energy", "material": "P", "family": "F", "weight": 2}],
            "emission_factors": [{"plant": "*", "carrier": c, "kg_per_kwh": f, "valid_from": "", "valid_to": "", "basis": "location"} for c, f in (("ELECTRICITY", 0.4), ("GAS", 0.2))],
        },
    ),
]  # fmt: skip


def values(lake: Published, plant: str, period: str = "MONTH", start: str = "2025-06-01", *other: str, **named: Any) -> dict[str, Any]:
    """KPI: value, of June 2025."""
    return lake.values(plant, period, start, *other, **named)


def test_golden_gc16_a_line_is_its_constraint_and_its_output(lake: Published) -> None:
    # Two parallel S2 need 16 s / 2 = 8 s a piece, longer than 5 and 6: PRI_line = 8. APT_c = 25 600, PQ_c = 3 000, GQ_line = 2 850.
    found = values(lake, "gc16_line", "DAY", "2025-06-02", "LINE")
    check(found, A=Fraction(8, 9), E=Fraction(15, 16), Q=Fraction(19, 20), OEE=Fraction(19, 24))
    # The line counts once in the plant: its stations do not.
    check(values(lake, "gc16_line", "DAY", "2025-06-02"), OEE=Fraction(19, 24), A=Fraction(8, 9))
    # Stations keep their own: S1 made 3 050 good pieces of 5 s in 28 800 s.
    check(values(lake, "gc16_line", "DAY", "2025-06-02", "EQUIPMENT", name="S1"), OEE=Fraction(5 * 3050, 28800))


def test_golden_gc25_first_pass_yield_rework_and_scrap(lake: Published) -> None:
    first = values(lake, "gc25_counts", "DAY", "2025-06-02", "EQUIPMENT", name="A")
    check(first, FPY=Fraction(19, 20), SCRAP=Fraction(1, 100), REWORK=Fraction(1, 25))
    second = values(lake, "gc25_counts", "DAY", "2025-06-02", "EQUIPMENT", name="B")
    check(second, FPY=Fraction(97, 99), SCRAP=Fraction(1, 198), REWORK=Fraction(1, 66))
    check(values(lake, "gc25_inspected", "DAY", "2025-06-02"), FPY=Fraction(19, 20))


def test_golden_gc25_final_yield_counts_what_was_mended(lake: Published) -> None:
    # Of 1 000 pieces that were begun 985 were good in the end, 55 of them after rework: 197 / 200, more than any first pass.
    begun, ended = (lake.parts("gc25_counts", unit=unit) for unit in "AB")
    check({"final_yield": float(ended["gq"] / begun["pq"])}, final_yield=Fraction(197, 200))


def test_golden_gc25_rolled_yield_is_the_product_of_the_steps(lake: Published) -> None:
    check(values(lake, "gc25_routing"), RTY=Fraction(1843, 1980), FPY=Fraction(950 + 970, 1000 + 990))


def test_golden_gc39_capability_is_made_of_pooled_subgroups(lake: Published) -> None:
    # Two subgroups of 50 with s = 0.1 around 10.1 and 9.9: s within is 0.1, s overall is sqrt((0.98 + 1) / 99) = sqrt(0.02).
    found = values(lake, "gc39_capability")
    check(found, CP=2, CPK=2, CPK_SHARE=1)
    assert found["PPK"] == pytest.approx(0.6 / (3 * 0.02**0.5), rel=1e-9)


def test_golden_gc14_a_bank_of_machines_by_time_and_by_capacity(lake: Published) -> None:
    # (2 x 10 800 + 8 x 4 300) / (28 800 + 57 600); by capacity 15 100 good of 28 800 / 2 + 57 600 / 8 = 21 600 pieces.
    check(values(lake, "gc14_bank"), OEE=Fraction(560, 864), OEE_CAP=Fraction(151, 216), A=Fraction(652, 864))


def test_golden_gc44_losses_add_up_to_what_is_missing(lake: Published) -> None:
    found = values(lake, "gc14_bank")
    losses = {name: value for name, value in found.items() if name.startswith("LOSS_")}
    # 86 400 s planned, 65 200 s run, 57 200 s of ideal time, 56 000 s of it good.
    check(losses, LOSS_UNKNOWN=Fraction(21200, 86400), LOSS_SPEED=Fraction(8000, 86400), LOSS_QUALITY=Fraction(1200, 86400), LOSS_SETUP=0)
    assert sum(losses.values()) == pytest.approx(1 - found["OEE"], abs=1e-12)


def test_golden_gc33_each_month_is_converted_at_its_rate(lake: Published) -> None:
    # 100 000 EUR x 1.08 + 120 000 EUR x 1.10 = 240 000 USD over 110 000 pieces; months 108 000 / 50 000 and 132 000 / 60 000.
    check(values(lake, "gc33_gc45_money", "QUARTER", "2025-01-01"), CONV_COST=Fraction(24, 11))
    check(values(lake, "gc33_gc45_money", start="2025-01-01"), CONV_COST=Fraction(108, 50), COPQ=Fraction(15, 500))
    check(values(lake, "gc33_gc45_money", start="2025-02-01"), CONV_COST=Fraction(132, 60))


def test_golden_gc45_stock_is_a_mean_over_days_and_a_sum_over_plants(lake: Published) -> None:
    # Here cost of goods is in EUR at 1.08 and 1.10, stock at 1: (300 000 x 1.08 + 270 000 x 1.10) x 365 / (500 000 x 31 + 400 000 x 28).
    turns = Fraction(324000 + 297000) * 365 / (500000 * 31 + 400000 * 28)
    check(values(lake, "gc33_gc45_money", "QUARTER", "2025-01-01"), INV_TURNS=turns)
    check(values(lake, "gc33_gc45_money", start="2025-01-01"), WIP_DAYS=Fraction(100000 * 31, 324000))
    check(values(lake, "gc33_gc45_money", start="2025-02-01"), MAINT_COST=0, WIP_DAYS=None)


def test_golden_gc45_in_the_currency_of_the_portfolio(lake: Published) -> None:
    # (300 000 + 270 000) x 365 / (500 000 x 31 + 400 000 x 28); sum over sum times 12 would be 7.6.
    check(values(lake, "gc45_turns", "QUARTER", "2025-01-01"), INV_TURNS=Fraction(1387, 178))


def test_golden_gc35_one_order_does_not_pay_for_another(lake: Published) -> None:
    found = values(lake, "gc35_orders")
    check(found, SCHED_ATT=Fraction(3, 4), ORDER_OT=Fraction(1, 2), SCRAP_PLAN=0)
    # 6 h and 12 h from start to end; 150 + 50 pieces.
    check(found, THRU=Fraction(200, 18), FALLOFF=0)


def test_golden_gc36_on_time_and_in_full(lake: Published) -> None:
    check(values(lake, "gc36_otif"), OTIF=Fraction(1, 2))


def test_golden_gc40_planned_maintenance_in_and_out_of_busy_time(lake: Published) -> None:
    # 8 h less 1 h of maintenance = 25 200 s; 700 x 30 s = 21 000 s.
    check(values(lake, "gc40_maintenance"), OEE=Fraction(5, 6), A=Fraction(24000, 25200))
    check(values(lake, "gc40_maintenance", profile="LOCAL"), OEE=Fraction(35, 48), A=Fraction(24000, 28800))


def test_golden_gc41_bases_of_the_ideal_rate(lake: Published) -> None:
    check(values(lake, "gc41_bases"), OEE=Fraction(35, 48))
    check(values(lake, "gc41_bases", profile="LOCAL"), OEE=Fraction(7, 8))
    # The factor between the two is 30 s / 36 s, and the basis stands beside the number.
    bases = (
        "SELECT DISTINCT rate_basis FROM kpi_value WHERE scope_id = 'gc41_bases' AND kpi_id = '{}' AND profile = '{}' AND value IS NOT NULL"
    )
    assert lake.rows(bases.format("OEE", "ISO")) == [("BEST_DEMONSTRATED",)]
    assert lake.rows(bases.format("OEE", "LOCAL")) == [(None,)], "its basis is the plant's own: plant_definition_profile"
    assert lake.rows(bases.format("LOADING", "ISO")) == [(None,)], "no ideal rate enters"


def test_golden_gc42_kilograms_become_pieces(lake: Published) -> None:
    check(values(lake, "gc42_kilograms"), AE=Fraction(5, 6))
    assert lake.rows("SELECT sum(pq) FROM mart_kpi_parts_shift WHERE plant_id = 'gc42_kilograms' AND valid_to_release IS NULL") == [(2000,)]


def test_golden_people_energy_and_maintenance(lake: Published) -> None:
    # 500 good pieces weigh 1 000 equivalent units; 1 000 kWh; 900 x 0.4 + 100 x 0.2 = 380 kg; 36 000 s = 10 h attended.
    found = values(lake, "people_and_energy")
    check(found, ENERGY_INT=1, CO2_INT=Fraction(38, 100), LAB_PROD=100, WORKER_EFF=Fraction(9, 10), CMR=Fraction(1, 4))


def test_golden_what_was_not_delivered_says_why(lake: Published) -> None:
    (row,) = lake.rows(
        "SELECT value, status, flags[1] FROM kpi_value WHERE plant_id = 'gc42_kilograms' AND kpi_id = 'OTIF' AND period_type = 'MONTH' AND scope_type = 'PLANT' AND profile = 'ISO'"
    )
    assert row == (None, "NOT_COMPUTABLE", "NO_DELIVERIES")


@pytest.mark.parametrize(
    ("plant", "kpi", "records", "counts"),
    [
        ("gc16_line", "OEE", None, 4),
        ("gc25_inspected", "FPY", 4, None),
        ("gc25_counts", "RTY", 0, 2),
        ("gc33_gc45_money", "INV_TURNS", 5, None),
        ("gc35_orders", "SCHED_ATT", 2, 2),
        ("gc36_otif", "OTIF", 4, None),
        ("gc39_capability", "CPK", 100, None),
        ("people_and_energy", "ENERGY_INT", 2, 1),
    ],
)
def test_golden_values_of_every_kind_of_parts_lead_to_their_records(
    lake: Published, plant: str, kpi: str, records: int | None, counts: int | None
) -> None:
    ((month,),) = lake.rows(
        "SELECT min(period_start) FROM kpi_value WHERE plant_id = ? AND kpi_id = ? AND period_type = 'MONTH' AND value IS NOT NULL",
        [plant, kpi],
    )
    answer = explain(lake, Question(kpi, plant, f"{month:%Y-%m}"))
    assert [check for check in answer["checks"] if not check["holds"]] == []
    assert [answer[name] and answer[name]["of"] for name in ("records", "counts")] == [records, counts]
