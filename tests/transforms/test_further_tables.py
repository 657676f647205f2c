"""The tables beside time and counts: a few records in, canonical rows out; one refusal for each rule; the same record again."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from io import StringIO
from typing import Any

import polars as pl
import pytest
from small_plant import reading

from connectors.contract import ROW
from transforms import revisions
from transforms.conform import Conformed, conform
from transforms.further_tables import FURTHER
from transforms.keys import stable_id
from transforms.tables import LINEAGE, TABLES

MAPPED: dict[str, dict[str, Any]] = {
    spec.name: {name: {"from": name, "format": "%Y-%m-%d"} if wanted.type == "date" else name for name, wanted in spec.inputs.items()}
    for spec in FURTHER
}
"""Every input from the column of its name."""
FULL: dict[str, dict[str, str]] = {
    "order_operation": {
        "order": "O1", "operation": "0010", "equipment": "M1", "planned_setup_s": "600", "planned_run_s": "3600.5",
        "actual_start_ts": "2025-06-02 06:00", "actual_end_ts": "2025-06-02 07:00", "queue_s": "60", "transport_s": "30",
    },
    "inspection_result": {
        "equipment": "M1", "material": "A", "order": "O1", "lot_or_serial": "S1", "step": "leak", "characteristic": "bore",
        "measured_value": "10.0", "unit": "mm", "lsl": "9.9", "usl": "10.1", "subgroup": "1", "result": "PASS", "attempt_no": "2",
        "quantity": "3", "measured_ts": "2025-06-02 06:00", "inspection_type": "FINAL", "inspection": "I1",
    },
    "scrap": {
        "equipment": "M1", "material": "A", "order": "O1", "document": "D1", "event_ts": "2025-06-02 06:00", "qty": "2",
        "defect_code": "D7", "disposition": "REWORK", "is_startup": "yes", "scrap_cost": "5.25", "entry": "E1",
    },
    "maintenance_order": {
        "document": "W1", "equipment": "M1", "maintenance_type": "CORRECTIVE", "reported_ts": "2025-06-02 06:00",
        "work_start_ts": "2025-06-02 06:30", "work_end_ts": "2025-06-02 07:00", "failure_event": "17", "failure_code": "F",
        "labour_h": "1.5", "cost": "80", "ai_triggered": "true",
    },
    "goods_movement": {
        "document": "G1", "material": "A", "movement_class": "ISSUE_PROD", "qty": "-5", "value": "-50", "event_ts": "2025-06-02 06:00",
        "posted_ts": "2025-06-02 07:00", "reverses": "G0", "order": "O1", "storage_location": "S",
    },
    "inventory_snapshot": {"material": "A", "stock_class": "FGI", "snapshot_date": "2025-06-01", "qty": "5", "value": "50"},
    "energy": {
        "equipment": "M1", "carrier": "GAS", "start_ts": "2025-06-02 06:00", "end_ts": "2025-06-02 07:00", "energy": "12.5",
        "allocation_rule": "by area",
    },
    "labour_time": {
        "person": "Jane Doe", "equipment": "M1", "start_ts": "2025-06-02 06:00", "end_ts": "2025-06-02 14:00",
        "labour_class": "INDIRECT", "attended_s": "27000", "worked_s": "25000", "entry": "L1",
    },
    "cost": {
        "period": "2025-05-31", "cost_class": "ENERGY", "amount": "1234.5", "is_variable": "true", "cost_center": "C1", "entry": "E1",
    },
    "delivery_line": {
        "line": "SO1/10", "customer": "Acme Corp", "material": "A", "promised_date": "2025-06-02", "requested_date": "2025-06-01",
        "ordered_qty": "10", "delivered_qty": "9", "last_delivery_date": "2025-06-03",
    },
    "uom_conversion": {"material": "A", "from_uom": "kg", "to_base_factor": "4"},
}  # fmt: skip
"""A record with every column filled."""


def conformed(table: str, *rows: dict[str, str | None], **more: Any) -> Conformed:
    """Conforms records that differ from the full one as stated; None leaves a field empty."""
    full = [{**FULL[table], **row} for row in rows or ({},)]
    text = "\n".join([",".join(FULL[table]), *(",".join(str(value or "") for value in row.values()) for row in full)])
    frame = pl.read_csv(StringIO(text), infer_schema=False).with_row_index(ROW, offset=1).cast({ROW: pl.Int64})
    columns = more.pop("columns", MAPPED[table])
    return conform(frame.lazy(), reading(columns, table, salt="salt", **more))


def one(table: str, **cells: str | None) -> dict[str, Any]:
    """The one accepted row of a record."""
    found = conformed(table, cells)
    assert found.rejected.is_empty(), found.rejected["detail"].to_list()
    (row,) = found.accepted.to_dicts()
    return row


def why(table: str, **cells: str | None) -> str:
    """Why a record is refused."""
    found = conformed(table, cells)
    assert found.accepted.is_empty()
    return str(found.rejected["detail"].item())


def id_of(namespace: str, *parts: str) -> str:
    return str(pl.select(stable_id("p", namespace, [pl.lit(part) for part in parts])).item())


def utc(hour: int, minute: int = 0) -> datetime:
    """An instant of 2 June; local times in Berlin are two hours later."""
    return datetime(2025, 6, 2, hour, minute, tzinfo=UTC)


def business(table: str, **cells: str | None) -> dict[str, Any]:
    """What a row says, without its lineage, its own id and the texts of its times."""
    left_out = {*LINEAGE, TABLES[table].id, "start_ts_source", "end_ts_source"}
    return {name: value for name, value in one(table, **cells).items() if name not in left_out}


A, M1, O1 = (id_of(*pair) for pair in (("material", "A"), ("equipment", "M1"), ("order", "O1")))
FILLED: dict[str, dict[str, Any]] = {
    "order_operation": {
        "order_id": O1, "operation_no": "0010", "equipment_id": M1, "planned_setup_s": Decimal(600), "planned_run_s": Decimal("3600.5"),
        "actual_start_ts": utc(4), "actual_end_ts": utc(5), "queue_s": Decimal(60), "transport_s": Decimal(30),
    },
    "inspection_result": {
        "month": "2025-06", "equipment_id": M1, "material_id": A, "order_id": O1, "lot_or_serial": "S1", "step": "leak",
        "characteristic": "bore", "measured_value": 10.0, "unit": "mm", "lsl": 9.9, "usl": 10.1, "subgroup_id": "1", "result": "PASS",
        "attempt_no": 2, "quantity": Decimal(3), "measured_ts": utc(4), "inspection_type": "FINAL",
    },
    "scrap": {
        "month": "2025-06", "count_id": id_of("mes", "D1"), "equipment_id": M1, "material_id": A, "order_id": O1, "event_ts": utc(4),
        "qty": Decimal(2), "uom": "{piece}", "defect_code": "D7", "disposition": "REWORK", "is_startup": True,
        "scrap_cost": Decimal("5.25"),
    },
    "maintenance_order": {
        "month": "2025-06", "maintenance_no": "W1", "equipment_id": M1, "maintenance_type": "CORRECTIVE", "reported_ts": utc(4),
        "work_start_ts": utc(4, 30), "work_end_ts": utc(5), "failure_event_id": "17", "failure_code": "F", "labour_h": Decimal("1.5"),
        "cost": Decimal(80), "ai_triggered": True,
    },
    "goods_movement": {
        "month": "2025-06", "document_no": "G1", "material_id": A, "movement_class": "ISSUE_PROD", "qty": Decimal(-5), "uom": "{piece}",
        "value_local": Decimal(-50), "event_ts": utc(4), "posted_ts": utc(5), "reverses_movement_id": id_of("mes", "G0"), "order_id": O1,
        "storage_location": "S",
    },
    "inventory_snapshot": {
        "month": "2025-06", "material_id": A, "stock_class": "FGI", "snapshot_date": date(2025, 6, 1), "qty": Decimal(5),
        "uom": "{piece}", "value_local": Decimal(50),
    },
    "energy": {
        "month": "2025-06", "equipment_id": M1, "carrier": "GAS", "start_ts": utc(4), "end_ts": utc(5), "energy_kwh": 12.5,
        "source_uom": "kW.h", "allocation_rule": "by area",
    },
    "cost": {
        "month": "2025-05", "period": date(2025, 5, 1), "cost_class": "ENERGY", "amount_local": Decimal("1234.5"), "is_variable": True,
        "cost_center": "C1",
    },
    "uom_conversion": {"material_id": A, "from_uom": "kg", "to_base_factor": Decimal(4)},
}  # fmt: skip


@pytest.mark.parametrize("table", FILLED)
def test_a_record_with_all_columns(table: str) -> None:
    assert business(table) == FILLED[table]


def test_of_persons_and_customers_a_salted_hash_is_all_that_is_kept() -> None:
    found = business("labour_time")
    assert {name: found[name] for name in ("equipment_id", "start_ts", "end_ts", "labour_class", "attended_s", "worked_s")} == {
        "equipment_id": M1, "start_ts": utc(4), "end_ts": utc(12), "labour_class": "INDIRECT", "attended_s": 27000, "worked_s": 25000,
    }  # fmt: skip
    line = business("delivery_line")
    assert (line["ordered_qty"], line["delivered_qty"], line["promised_date"], line["last_delivery_date"], line["requested_date"]) == (
        10, 9, date(2025, 6, 2), date(2025, 6, 3), date(2025, 6, 1),
    )  # fmt: skip
    assert [len(value) for value in (found["person_hash"], line["customer_hash"])] == [32, 32]
    assert one("labour_time", entry="L2")["person_hash"] == found["person_hash"] != one("labour_time", person="John")["person_hash"]


@pytest.mark.parametrize(
    ("table", "name", "more"),
    [
        ("labour_time", "Jane", {}),
        ("labour_time", "Jane", {"key": ["person", "start_ts"]}),
        ("labour_time", "Jane", {"columns": {**MAPPED["labour_time"], "person": {"from": "person", "map": {"John": "J"}}}}),
        ("delivery_line", "Acme", {}),
    ],
)
def test_no_column_and_no_rejected_record_holds_a_name(table: str, name: str, more: dict[str, Any]) -> None:
    wrong = {"start_ts": "25:99"} if table == "labour_time" else {"promised_date": "31.02."}
    found = conformed(table, {}, wrong, **more)
    assert len(found.accepted) + len(found.rejected) == 2
    for frame in (found.accepted, found.rejected):
        assert name not in frame.write_json()
    assert found.rejected.height > 0


def test_of_a_record_with_too_many_fields_nothing_is_shown_where_names_are_about() -> None:
    # "Doe, Jane" without quotes shifts all that follows: any column may hold the name.
    text = ",".join(FULL["labour_time"]) + ",_surplus\nDoe, Jane,M1,2025-06-02 06:00,2025-06-02 14:00,DIRECT,27000,25000,L1"
    frame = pl.read_csv(StringIO(text), infer_schema=False).with_row_index(ROW, offset=1).cast({ROW: pl.Int64})
    found = conform(frame.lazy(), reading(MAPPED["labour_time"], "labour_time", salt="salt"))
    (row,) = found.rejected.to_dicts()
    assert row["rule"] == "TOO_MANY_FIELDS"
    assert [word for word in ("Doe", "Jane") if word in str(row)] == []


DEFAULTS: dict[str, dict[str, Any]] = {
    "inspection_result": {"attempt_no": 1, "quantity": Decimal(1), "inspection_type": "IN_PROCESS"},
    "scrap": {"disposition": "SCRAP", "is_startup": None},
    "maintenance_order": {"ai_triggered": False},
    "labour_time": {"labour_class": "DIRECT", "attended_s": Decimal(8 * 3600), "worked_s": None},
    "cost": {"is_variable": False},
}


@pytest.mark.parametrize("table", DEFAULTS)
def test_what_is_not_told_has_its_default_mapped_or_not(table: str) -> None:
    empty = dict.fromkeys(DEFAULTS[table])
    assert {name: one(table, **empty)[name] for name in DEFAULTS[table]} == DEFAULTS[table]
    unmapped = {name: column for name, column in MAPPED[table].items() if name not in DEFAULTS[table]}
    (row,) = conformed(table, {}, columns=unmapped).accepted.to_dicts()
    assert {name: row[name] for name in DEFAULTS[table]} == DEFAULTS[table]


@pytest.mark.parametrize(
    ("table", "cells", "reason"),
    [
        ("order_operation", {"actual_end_ts": "2025-06-02 05:59"}, "NEG_DURATION"),
        ("order_operation", {"planned_setup_s": "-1"}, "OUT_OF_RANGE: planned_setup_s"),
        ("inspection_result", {"lsl": "10.2"}, "LIMITS_SWAPPED"),
        ("inspection_result", {"result": "OK"}, "UNKNOWN_WORD: result 'OK'"),
        ("inspection_result", {"inspection_type": "END"}, "UNKNOWN_WORD: inspection_type 'END'"),
        ("inspection_result", {"attempt_no": "0"}, "OUT_OF_RANGE: attempt_no"),
        ("inspection_result", {"quantity": "-1"}, "OUT_OF_RANGE: quantity"),
        ("inspection_result", {"measured_ts": "2025-07-01 00:00"}, "FUTURE_TS: measured_ts lies after the ingestion"),
        ("scrap", {"disposition": "BIN"}, "UNKNOWN_WORD: disposition 'BIN'"),
        ("scrap", {"qty": None}, "MISSING: qty"),
        ("scrap", {"event_ts": "2025-07-01 00:00"}, "FUTURE_TS: event_ts lies after the ingestion"),
        ("maintenance_order", {"work_end_ts": "2025-06-02 06:29"}, "NEG_DURATION"),
        ("maintenance_order", {"maintenance_type": "REPAIR"}, "UNKNOWN_WORD: maintenance_type 'REPAIR'"),
        ("maintenance_order", {"labour_h": "-1"}, "OUT_OF_RANGE: labour_h"),
        ("goods_movement", {"movement_class": "101"}, "UNKNOWN_WORD: movement_class '101'"),
        ("goods_movement", {"qty": "five"}, "NOT_A_NUMBER: qty 'five'"),
        ("inventory_snapshot", {"stock_class": "RAW"}, "UNKNOWN_WORD: stock_class 'RAW'"),
        ("inventory_snapshot", {"value": None}, "MISSING: value"),
        ("energy", {"end_ts": "2025-06-02 05:59"}, "NEG_DURATION"),
        ("energy", {"carrier": "OIL"}, "UNKNOWN_WORD: carrier 'OIL'"),
        ("labour_time", {"end_ts": "2025-06-02 05:59"}, "NEG_DURATION"),
        ("labour_time", {"worked_s": "27001"}, "WORKED_EXCEEDS_ATTENDED"),
        ("labour_time", {"attended_s": "-1", "worked_s": None}, "OUT_OF_RANGE: attended_s"),
        ("labour_time", {"labour_class": "TEMP"}, "UNKNOWN_WORD: labour_class 'TEMP'"),
        ("cost", {"cost_class": "RENT"}, "UNKNOWN_WORD: cost_class 'RENT'"),
        ("cost", {"amount": None}, "MISSING: amount"),
        ("delivery_line", {"ordered_qty": "-1"}, "OUT_OF_RANGE: ordered_qty"),
        ("delivery_line", {"delivered_qty": "-1"}, "OUT_OF_RANGE: delivered_qty"),
        ("uom_conversion", {"to_base_factor": "0"}, "OUT_OF_RANGE: to_base_factor"),
        ("uom_conversion", {"from_uom": "crate"}, "UNKNOWN_UNIT: from_uom 'crate'"),
    ],
)  # fmt: skip
def test_every_rule_refuses_its_record(table: str, cells: dict[str, str | None], reason: str) -> None:
    assert why(table, **cells) == reason


CHANGED = {
    "order_operation": {"queue_s": "90"}, "inspection_result": {"result": "HOLD"}, "scrap": {"qty": "3"},
    "maintenance_order": {"reported_ts": "2025-05-31 06:00"}, "goods_movement": {"value": "-55"}, "inventory_snapshot": {"value": "51"},
    "energy": {"energy": "13"}, "labour_time": {"worked_s": "26000"}, "cost": {"amount": "1300"},
    "delivery_line": {"promised_date": "2025-07-02"}, "uom_conversion": {"to_base_factor": "5"},
}  # fmt: skip


@pytest.mark.parametrize("table", CHANGED)
def test_delivered_again_a_record_says_nothing_new_and_changed_it_is_a_version(table: str) -> None:
    first, again, changed = (conformed(table, cells).accepted for cells in ({}, {}, CHANGED[table]))
    ordered = [frame.with_columns(pl.lit(str(number)).alias("_export_order")) for number, frame in enumerate((first, again, changed))]
    merged = revisions.merge(first.clear(), pl.concat(ordered), id=str(TABLES[table].id))
    assert merged.rows.select("revision", "is_current").rows() == [(1, False), (2, True)]
    assert len(merged.duplicates) == 1


@pytest.mark.parametrize(
    ("unit", "kwh"), [("kWh", 36.0), ("MWh", 36000.0), ("Wh", 0.036), ("MJ", 10.0), ("GJ", 10000.0), ("kJ", 0.01), ("J", 0.00001), ("therm", 1055.056)]
)  # fmt: skip
def test_energy_is_in_kilowatt_hours(unit: str, kwh: float) -> None:
    columns = {**MAPPED["energy"], "energy": {"from": "energy", "unit": unit}}
    found = conformed("energy", {"energy": "36"}, columns=columns).accepted["energy_kwh"].item()
    assert found == pytest.approx(kwh, rel=1e-5)


def test_what_is_no_energy_is_refused_with_its_unit() -> None:
    columns = {**MAPPED["energy"], "energy": {"from": "energy", "unit_from": "allocation_rule"}}
    assert conformed("energy", {"allocation_rule": "kg"}, columns=columns).rejected["detail"].to_list() == ["UNKNOWN_UNIT: energy 'kg'"]


def test_a_conversion_is_known_by_the_unit_and_not_by_its_spelling() -> None:
    first, second = one("uom_conversion", from_uom="kg"), one("uom_conversion", from_uom=" kg ")
    krt = conformed("uom_conversion", {"from_uom": "Krt"}, unit_aliases={"Krt": "kg"}).accepted.to_dicts()[0]
    assert {row["uom_conversion_id"] for row in (first, second, krt)} == {first["uom_conversion_id"]}


def test_the_amounts_of_a_month_are_one_record_whatever_the_day() -> None:
    first, second = (one("cost", period=day, entry=None) for day in ("2025-05-01", "2025-05-31"))
    assert (first["cost_id"], first["period"]) == (second["cost_id"], date(2025, 5, 1))


def test_a_count_names_the_operation_that_its_order_has() -> None:
    columns = {"equipment": "U", "event_ts": "At", "order": "O", "operation": "Op", "good_qty": "Good", "first_pass_good_qty": "First"}
    text = "U,At,O,Op,Good,First\nM1,2025-06-02 06:00,O1,0010,9,8\nM1,2025-06-02 06:01,,0010,9,\nM1,2025-06-02 06:02,O1,,9,"
    frame = pl.read_csv(StringIO(text), infer_schema=False).with_row_index(ROW, offset=1).cast({ROW: pl.Int64})
    found = conform(frame.lazy(), reading(columns, "production_count")).accepted
    assert found["operation_id"].to_list() == [one("order_operation")["operation_id"], None, None]
    assert found["first_pass_good_qty"].to_list() == [8, None, None]


def test_a_material_has_its_base_unit_in_ucum() -> None:
    columns = {"material": "No", "base_uom": "Unit", "is_serialised": "Serial", "contribution_margin": "Margin"}
    text = "No,Unit,Serial,Margin\nA,ST,yes,1.5\nB,Krt,no,\nC,crate,,\nD,,,"
    frame = pl.read_csv(StringIO(text), infer_schema=False).with_row_index(ROW, offset=1).cast({ROW: pl.Int64})
    found = conform(frame.lazy(), reading(columns, "material", unit_aliases={"Krt": "{piece}"})).accepted
    assert found.select("base_uom", "is_serialised", "contribution_margin", "dq_flags").rows() == [
        ("{piece}", True, Decimal("1.5"), []), ("{piece}", False, None, []), ("crate", None, None, ["UNKNOWN_UNIT"]), (None, None, None, []),
    ]  # fmt: skip


def test_a_plan_has_a_version() -> None:
    text = "No,Plan\nO1,3\nO2,"
    frame = pl.read_csv(StringIO(text), infer_schema=False).with_row_index(ROW, offset=1).cast({ROW: pl.Int64})
    found = conform(frame.lazy(), reading({"order": "No", "plan_version": "Plan"}, "production_order")).accepted
    assert found["plan_version"].to_list() == [3, 1]


def test_work_that_ends_in_the_repeated_hour_is_as_long_as_it_was() -> None:
    # 02:40 before and 02:20 after the clock went back: 40 minutes (rule T12).
    row = one("maintenance_order", reported_ts="2025-10-26 02:30", work_start_ts="2025-10-26 02:40", work_end_ts="2025-10-26 02:20")
    assert row["work_end_ts"] - row["work_start_ts"] == timedelta(minutes=40)
