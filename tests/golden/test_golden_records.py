"""Golden cases beside the ledger of time: lines, yield, orders, stock, deliveries, money, definitions and units. Files in, KPIs out.

Numbers are worked out in the tests. All plants are refreshed once.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
from golden_portfolio import Case, refresh, write
from mf_query import assert_equal, needs_mf

from publish.explain import Question, explain
from publish.reader import Snapshot

D = "2025-06-02T"
ONE_SHIFT = {"equipment": {"units": {"M": {}}}, "settings": {"state_method": "RESIDUAL"}}


def run(unit: str, seconds: int, start: str = "06:00:00") -> dict[str, Any]:
    """A run of so many seconds from the start of the shift."""
    hours, rest = divmod(6 * 3600 + seconds, 3600)
    return {
        "equipment": unit, "event": f"run-{unit}", "start_ts": D + start, "end_ts": f"{D}{hours:02d}:{rest // 60:02d}:{rest % 60:02d}", "state_class": "RUN",
    }  # fmt: skip


def made(unit: str, produced: float, good: float, **other: Any) -> dict[str, Any]:
    return {
        "equipment": unit,
        "document": f"D-{unit}",
        "event_ts": D + "13:00",
        "material": "P",
        "produced_qty": produced,
        "good_qty": good,
        **other,
    }


def rate(plant: str, seconds: float, **other: Any) -> dict[str, Any]:
    return {"plant": plant, "equipment": "", "material": "P", "tool": "", "rate_basis": "ENGINEERED", "rate": seconds, "unit": "s", **other}


CASES = [
    Case(
        "gc16_line",
        {
            "equipment_state_event": [run("S1", 18000), run("S2a", 25600), run("S2b", 25600), run("S3", 20000)],
            "production_count": [made("S1", 3100, 3050), made("S2a", 1500, 1470), made("S2b", 1500, 1470), made("S3", 2940, 2850)],
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
                made("A", 1000, 990, scrap_qty=10, rework_qty=40, first_pass_good_qty=950),
                made("B", 990, 985, scrap_qty=5, rework_qty=15, first_pass_good_qty=970),
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
            "production_count": [made("A", 1000, 990)],
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
            "production_count": [made("M", 100, 100)],
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
            "production_count": [made("M", 1000, 985)],
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
            "production_count": [made("M1", 11000, 10800), made("M2", 4400, 4300)],
        },
        {"equipment": {"units": {"M1": {}, "M2": {}}}, "settings": {"state_method": "MEASURED"}, "calendar": "records", "shifts": {}},
        words={"ideal_rates": [rate("gc14_bank", 2, equipment="M1"), rate("gc14_bank", 8, equipment="M2")]},
    ),
    Case(
        "gc26_reliability",
        {
            "equipment_state_event": [
                {"equipment": "M", "event": f"e{n}", "start_ts": f"2025-06-02T{start}", "end_ts": f"2025-06-02T{end}", "state_class": "DELAY_EQ"}
                for n, (start, end) in enumerate((("07:00", "07:20"), ("09:00", "09:40")))
            ]
        },
        ONE_SHIFT,
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
        "gc35_orders",
        {
            "production_order": [
                {"order": name, "material": "P", "planned_qty": 100, "due_ts": D + "16:00", "actual_start_ts": D + "06:00", "actual_end_ts": D + end, "planned_scrap_qty": 4}
                for name, end in (("O1", "12:00"), ("O2", "18:00"))
            ],
            "production_count": [made("M", n, n, document=o, order=o, scrap_qty=0) for o, n in (("O1", 150), ("O2", 50))],
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
            "production_count": [made("M", 720, 700)],
        },
        {"equipment": {"units": {"M": {}}}, "settings": {"state_method": "MEASURED"}, "definition": {"planned_maint_in_pbt": True}},
        words={"ideal_rates": [rate("gc40_maintenance", 30)]},
    ),
    Case(
        "gc41_bases", {"production_count": [made("M", 700, 700)]},
        {"equipment": {"units": {"M": {}}}, "settings": {"state_method": "NONE"}, "definition": {"rate_basis": "ERP_STANDARD"}},
        words={"ideal_rates": [rate("gc41_bases", 36, rate_basis="ERP_STANDARD"), rate("gc41_bases", 30, rate_basis="BEST_DEMONSTRATED")]},
    ),
    Case(
        "gc42_kilograms",
        {
            "production_count": [made("M", 500, 500, uom="kg")],
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
            "production_count": [made("M", 520, 500)],
        },
        {"equipment": {"units": {"M": {}}}, "settings": {"state_method": "NONE"}},
        words={
            "product_families": [{"plant": "people_and_energy", "material": "P", "family": "F", "weight": 2}],
            "emission_factors": [{"plant": "*", "carrier": c, "kg_per_kwh": f, "valid_from": "", "valid_to": "", "basis": "location"} for c, f in (("ELECTRICITY", 0.4), ("GAS", 0.2))],
        },
    ),
]  # fmt: skip


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("golden") / "portfolio"
    write(root, CASES)
    outcome = refresh(root)
    assert [str(problem) for problem in outcome.problems] == []
    return root


@pytest.fixture(scope="module")
def lake(root: Path) -> Iterator[Snapshot]:
    with Snapshot(root / "lake" / "kpi.duckdb") as snapshot:
        yield snapshot


def values(
    lake: Snapshot,
    plant: str,
    period: str = "MONTH",
    start: str = "2025-06-01",
    scope: str = "PLANT",
    profile: str = "ISO",
    name: str | None = None,
) -> dict[str, Any]:
    """KPI: value."""
    rows = lake.rows(
        "SELECT kpi_id, value FROM kpi_value WHERE plant_id = ? AND period_type = ? AND period_start = CAST(? AS DATE) AND scope_type = ? AND profile = ?"
        " AND (scope_name = ? OR ? IS NULL)",
        [plant, period, start, scope, profile, name, name],
    )
    return dict(rows)


def check(found: dict[str, Any], **expected: Fraction | float | None) -> None:
    """Compares to 1e-9."""
    for name, value in expected.items():
        assert found[name] == (None if value is None else pytest.approx(float(value), rel=1e-9, abs=1e-9)), name


def test_golden_gc16_a_line_is_its_constraint_and_its_output(lake: Snapshot) -> None:
    # Two parallel S2 need 16 s / 2 = 8 s a piece, longer than 5 and 6: PRI_line = 8. APT_c = 25 600, PQ_c = 3 000, GQ_line = 2 850.
    found = values(lake, "gc16_line", "DAY", "2025-06-02", "LINE")
    check(found, A=Fraction(8, 9), E=Fraction(15, 16), Q=Fraction(19, 20), OEE=Fraction(19, 24))
    # The line counts once in the plant: its stations do not.
    check(values(lake, "gc16_line", "DAY", "2025-06-02"), OEE=Fraction(19, 24), A=Fraction(8, 9))
    # Stations keep their own: S1 made 3 050 good pieces of 5 s in 28 800 s.
    check(values(lake, "gc16_line", "DAY", "2025-06-02", "EQUIPMENT", name="S1"), OEE=Fraction(5 * 3050, 28800))


def test_golden_gc25_first_pass_yield_rework_and_scrap(lake: Snapshot) -> None:
    first = values(lake, "gc25_counts", "DAY", "2025-06-02", "EQUIPMENT", name="A")
    check(first, FPY=Fraction(19, 20), SCRAP=Fraction(1, 100), REWORK=Fraction(1, 25))
    second = values(lake, "gc25_counts", "DAY", "2025-06-02", "EQUIPMENT", name="B")
    check(second, FPY=Fraction(97, 99), SCRAP=Fraction(1, 198), REWORK=Fraction(1, 66))
    check(values(lake, "gc25_inspected", "DAY", "2025-06-02"), FPY=Fraction(19, 20))


def test_golden_gc25_rolled_yield_is_the_product_of_the_steps(lake: Snapshot) -> None:
    check(values(lake, "gc25_routing"), RTY=Fraction(1843, 1980), FPY=Fraction(950 + 970, 1000 + 990))


def test_golden_gc39_capability_is_made_of_pooled_subgroups(lake: Snapshot) -> None:
    # Two subgroups of 50 with s = 0.1 around 10.1 and 9.9: s within is 0.1, s overall is sqrt((0.98 + 1) / 99) = sqrt(0.02).
    found = values(lake, "gc39_capability")
    check(found, CP=2, CPK=2, CPK_SHARE=1)
    assert found["PPK"] == pytest.approx(0.6 / (3 * 0.02**0.5), rel=1e-9)


def test_golden_gc14_a_bank_of_machines_by_time_and_by_capacity(lake: Snapshot) -> None:
    # (2 x 10 800 + 8 x 4 300) / (28 800 + 57 600); by capacity 15 100 good of 28 800 / 2 + 57 600 / 8 = 21 600 pieces.
    check(values(lake, "gc14_bank"), OEE=Fraction(560, 864), OEE_CAP=Fraction(151, 216), A=Fraction(652, 864))


def test_golden_gc44_losses_add_up_to_what_is_missing(lake: Snapshot) -> None:
    found = values(lake, "gc14_bank")
    losses = {name: value for name, value in found.items() if name.startswith("LOSS_")}
    # 86 400 s planned, 65 200 s run, 57 200 s of ideal time, 56 000 s of it good.
    check(losses, LOSS_UNKNOWN=Fraction(21200, 86400), LOSS_SPEED=Fraction(8000, 86400), LOSS_QUALITY=Fraction(1200, 86400), LOSS_SETUP=0)
    assert sum(losses.values()) == pytest.approx(1 - found["OEE"], abs=1e-12)


def test_golden_gc26_means_between_and_to_restoration(lake: Snapshot) -> None:
    # 28 800 s less 1 200 s and 2 400 s of breakdown: 25 200 s = 7 h of operation, 2 failures.
    check(
        values(lake, "gc26_reliability"),
        MTBF=Fraction(7, 2),
        MTTR=Fraction(1, 2),
        FAIL_RATE=Fraction(200, 7),
        MTBF_FE1=Fraction(7, 3),
        INH_AVAIL=Fraction(7, 8),
    )


def test_golden_gc33_each_month_is_converted_at_its_rate(lake: Snapshot) -> None:
    # 100 000 EUR x 1.08 + 120 000 EUR x 1.10 = 240 000 USD over 110 000 pieces; months 108 000 / 50 000 and 132 000 / 60 000.
    check(values(lake, "gc33_gc45_money", "QUARTER", "2025-01-01"), CONV_COST=Fraction(24, 11))
    check(values(lake, "gc33_gc45_money", start="2025-01-01"), CONV_COST=Fraction(108, 50), COPQ=Fraction(15, 500))
    check(values(lake, "gc33_gc45_money", start="2025-02-01"), CONV_COST=Fraction(132, 60))


def test_golden_gc45_stock_is_a_mean_over_days_and_a_sum_over_plants(lake: Snapshot) -> None:
    # Here cost of goods is in EUR at 1.08 and 1.10, stock at 1: (300 000 x 1.08 + 270 000 x 1.10) x 365 / (500 000 x 31 + 400 000 x 28).
    turns = Fraction(324000 + 297000) * 365 / (500000 * 31 + 400000 * 28)
    check(values(lake, "gc33_gc45_money", "QUARTER", "2025-01-01"), INV_TURNS=turns)
    check(values(lake, "gc33_gc45_money", start="2025-01-01"), WIP_DAYS=Fraction(100000 * 31, 324000))
    check(values(lake, "gc33_gc45_money", start="2025-02-01"), MAINT_COST=0, WIP_DAYS=None)


def test_golden_gc35_one_order_does_not_pay_for_another(lake: Snapshot) -> None:
    found = values(lake, "gc35_orders")
    check(found, SCHED_ATT=Fraction(3, 4), ORDER_OT=Fraction(1, 2), SCRAP_PLAN=0)
    # 6 h and 12 h from start to end; 150 + 50 pieces.
    check(found, THRU=Fraction(200, 18), FALLOFF=0)


def test_golden_gc36_on_time_and_in_full(lake: Snapshot) -> None:
    check(values(lake, "gc36_otif"), OTIF=Fraction(1, 2))


def test_golden_gc40_planned_maintenance_in_and_out_of_busy_time(lake: Snapshot) -> None:
    # 8 h less 1 h of maintenance = 25 200 s; 700 x 30 s = 21 000 s.
    check(values(lake, "gc40_maintenance"), OEE=Fraction(5, 6), A=Fraction(24000, 25200))
    check(values(lake, "gc40_maintenance", profile="LOCAL"), OEE=Fraction(35, 48), A=Fraction(24000, 28800))


def test_golden_gc41_bases_of_the_ideal_rate(lake: Snapshot) -> None:
    check(values(lake, "gc41_bases"), OEE=Fraction(35, 48))
    check(values(lake, "gc41_bases", profile="LOCAL"), OEE=Fraction(7, 8))
    # The factor between the two is 30 s / 36 s, and the basis stands beside the number.
    bases = (
        "SELECT DISTINCT rate_basis FROM kpi_value WHERE scope_id = 'gc41_bases' AND kpi_id = '{}' AND profile = '{}' AND value IS NOT NULL"
    )
    assert lake.rows(bases.format("OEE", "ISO")) == [("BEST_DEMONSTRATED",)]
    assert lake.rows(bases.format("OEE", "LOCAL")) == [(None,)], "its basis is the plant's own: plant_definition_profile"
    assert lake.rows(bases.format("LOADING", "ISO")) == [(None,)], "no ideal rate enters"


def test_golden_gc42_kilograms_become_pieces(lake: Snapshot) -> None:
    check(values(lake, "gc42_kilograms"), AE=Fraction(5, 6))
    assert lake.rows("SELECT sum(pq) FROM mart_kpi_parts_shift WHERE plant_id = 'gc42_kilograms' AND valid_to_release IS NULL") == [(2000,)]


def test_golden_people_energy_and_maintenance(lake: Snapshot) -> None:
    # 500 good pieces weigh 1 000 equivalent units; 1 000 kWh; 900 x 0.4 + 100 x 0.2 = 380 kg; 36 000 s = 10 h attended.
    found = values(lake, "people_and_energy")
    check(found, ENERGY_INT=1, CO2_INT=Fraction(38, 100), LAB_PROD=100, WORKER_EFF=Fraction(9, 10), CMR=Fraction(1, 4))


def test_golden_what_was_not_delivered_says_why(lake: Snapshot) -> None:
    (row,) = lake.rows(
        "SELECT value, status, flags[1] FROM kpi_value WHERE plant_id = 'gc42_kilograms' AND kpi_id = 'OTIF' AND period_type = 'MONTH' AND scope_type = 'PLANT' AND profile = 'ISO'"
    )
    assert row == (None, "NOT_COMPUTABLE", "NO_DELIVERIES")


@needs_mf
def test_golden_records_are_the_same_in_metricflow(root: Path, tmp_path: Path) -> None:
    """People, maintenance, inspections, orders and deliveries; the sample portfolio has none of them."""
    assert assert_equal(root / "lake", tmp_path, lambda kpi: kpi.parts != "shift") > 10


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
    lake: Snapshot, plant: str, kpi: str, records: int | None, counts: int | None
) -> None:
    ((month,),) = lake.rows(
        "SELECT min(period_start) FROM kpi_value WHERE plant_id = ? AND kpi_id = ? AND period_type = 'MONTH' AND value IS NOT NULL",
        [plant, kpi],
    )
    answer = explain(lake, Question(kpi, plant, f"{month:%Y-%m}"))
    assert [check for check in answer["checks"] if not check["holds"]] == []
    assert [answer[name] and answer[name]["of"] for name in ("records", "counts")] == [records, counts]


def test_golden_cases_import_nothing_of_the_calculation() -> None:
    """A case that used the product's own rules would agree with itself."""
    for path in Path(__file__).parent.glob("*.py"):
        nodes = ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        names = {
            name
            for node in nodes
            for name in (
                [node.module] if isinstance(node, ast.ImportFrom) else [a.name for a in node.names] if isinstance(node, ast.Import) else []
            )
        }
        assert not {name for name in names if name and name.split(".")[0] in ("transforms", "dbt_project")}, path.name
