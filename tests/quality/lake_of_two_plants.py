"""A silver lake of two sound plants, north and south, for the tests of the checks: a handful of rows per table, in DuckDB.

Each plant: a line L1 with the units M1 and M2, materials A and B, three ideal rates, four orders, six shift windows of 8 h on
1-3 October 2026, two planned entries, ten events, six counts (one reversal, one correction, both made on the 10th), two tags with
1204 samples over a day, and two rows of each further table. `candidate_of_two_plants` has the parts that belong to it.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

import duckdb
import polars as pl

from transforms.tables import STATEMENTS, TABLES

PLANTS = ("north", "south")
AT = datetime(2026, 11, 20, 12, tzinfo=UTC)
"""The instant of the refresh."""
DAY = datetime(2026, 10, 1, tzinfo=UTC)
"""Midnight of the first day with data."""

Rows = list[dict[str, Any]]


def lake() -> duckdb.DuckDBPyConnection:
    """All silver tables that the checks read, as tables of a database in memory (plantlake gives views: the same to SQL)."""
    con = duckdb.connect()
    con.execute("create schema silver")
    rows = [table_rows for plant in PLANTS for table_rows in _plant(plant).items()]
    for table in (*TABLES, *STATEMENTS):
        found = [row for name, table_rows in rows for row in table_rows if name == table]
        write(con, table, found)
    con.execute(
        """insert into silver.historian_sample (plant_id, month, tag_id, ts, value_num, quality, _batch_id, _row)
           select plant_id, '2026-10', 'T1', to_timestamp(1790812800 + second), second % 7, 'GOOD', 'b', second
           from (values ('north'), ('south')) plants(plant_id), range(1200) seconds(second)"""
    )  # 1790812800 s = 2026-10-01T00:00:00Z
    return con


def write(con: duckdb.DuckDBPyConnection, table: str, rows: Rows) -> None:
    """Creates `silver.<table>` with the canonical columns; what a row does not state is NULL, its lineage is sound."""
    columns = TABLES[table].columns if table in TABLES else STATEMENTS[table]
    lineage = {
        "revision": 1, "is_current": True, "is_deleted": False, "dq_flags": [], "_batch_id": "b", "_source_system": "mes",
        "_source_object": "export.csv", "_source_key": "k", "_row_number": 1, "_row_hash": "h", "_export_order": "1",
        "_extracted_at": AT, "_ingested_at": AT, "_transform_version": "1", "month": "2026-10",
    }  # fmt: skip
    full = [{name: row.get(name, lineage.get(name)) for name in columns} for row in rows]
    types = {name: pl.String if isinstance(kind, pl.Enum) else kind for name, kind in columns.items()}  # Delta has no enums
    con.register("given", pl.DataFrame(full, schema=types, orient="row").to_arrow())
    con.execute(f"create or replace table silver.{table} as select * from given")
    con.unregister("given")


def hours(hour: float, day: int = 0) -> datetime:
    """An instant on the first day with data, or some days later."""
    return DAY + timedelta(days=day, hours=hour)


def _plant(plant: str) -> dict[str, Rows]:
    rows = {**_masters(plant), **_times(plant), **_production(plant), **_further()}
    return {table: [{"plant_id": plant, **row} for row in found] for table, found in rows.items()}


def _masters(plant: str) -> dict[str, Rows]:
    units = [("L1", None, False), ("M1", "L1", True), ("M2", "L1", True)]
    return {
        "plant": [
            {
                "plant_name": plant.title(), "company": "acme", "timezone": "Europe/Berlin", "production_day_start": "06:00",
                "currency": "EUR", "acquired_on": date(2020, 1, 1), "divested_on": date(2030, 1, 1),
                "data_start_on": date(2026, 10, 1), "calendar": "pattern", "assumed_calendar": False, "assumed_rate": False,
            }
        ],
        "equipment": [
            {
                "equipment_id": unit, "equipment_code": unit, "equipment_name": unit, "parent_equipment_id": parent,
                "level": "WorkUnit", "is_kpi_unit": kpi, "in_rollup": True, "kpi_scope": "MACHINE", "state_method": "MEASURED",
            }
            for unit, parent, kpi in units
        ],
        "material": [{"material_id": m, "local_material_no": m, "standard_cost": 1, "base_uom": "{piece}"} for m in "AB"],
        "ideal_rate": [
            {
                "ideal_rate_id": f"{unit}{material}", "equipment_id": unit, "material_id": material, "rate_basis": "ENGINEERED",
                "pri_s": 30.0, "provenance": "data sheet", "valid_from": hours(0, -100), "valid_to": None,
            }
            for unit, material in (("M1", "A"), ("M2", "A"), ("M1", "B"))
        ],
        "plant_setting": [{"equipment_id": "*", "microstop_s": 300, "plan_freeze_s": 86400, "min_rate_coverage": 0.95}],
        "source_watermark": [{"source_system": "mes", "data_from": hours(4), "data_to": hours(28, 2)}],
        "source_setting": [{"source_system": "mes", "clock_offset_s": 0.0}],
        "clock_offset": [
            {"source_system": "plc", "day": DAY.date() + timedelta(days=day), "offset_s": 30.0 + day, "pairs": 3, "iqr_s": 1.0, "is_applied": True}
            for day in range(9)
        ],
        "production_day": [
            {"production_day": (DAY + timedelta(days=day)).date(), "start_ts": hours(4, day), "end_ts": hours(28, day)} for day in range(-1, 12)
        ],
        "tag": [
            {"tag_id": "T1", "tag_name": "M1.Temp", "equipment_id": "M1", "semantic": "TEMP", "unit": "Cel", "value_type": "NUM"},
            {"tag_id": "T2", "tag_name": "M2.Power", "equipment_id": "M2", "semantic": "POWER", "unit": "kW", "value_type": "NUM"},
        ],
        "historian_sample": [
            {"tag_id": "T2", "ts": hours(hour), "value_num": 3.5 + hour, "quality": "GOOD", "_row": hour} for hour in (0, 1, 2, 24)
        ],
        "map_downtime_reason": [
            {
                "source_system": "mes", "source_code": code, "reason_code": "E-MECH", "mapped_by": "ann", "approved_at": DAY,
                "valid_from": None, "valid_to": None,
            }
            for code in ("E01", "E02")
        ],
    }  # fmt: skip


def _times(plant: str) -> dict[str, Rows]:
    return {
        "shift_instance": [
            {
                "shift_instance_id": f"{day}{code}", "shift_code": code, "production_day": (DAY + timedelta(days=day)).date(),
                "start_ts": hours(start, day), "end_ts": hours(start + 8, day), "source": "PATTERN",
            }
            for day in range(3)
            for code, start in (("early", 4), ("late", 12))
        ],
        "planned_downtime": [
            {"planned_downtime_id": "P1", "start_ts": hours(8), "end_ts": hours(8.25), "planned_class": "PLANNED_BREAK"},
            {
                "planned_downtime_id": "P2", "equipment_id": "M1", "start_ts": hours(13), "end_ts": hours(14),
                "planned_class": "PLANNED_MAINT",
            },
        ],
        "equipment_state_event": [
            {
                "event_id": f"{unit}-{number}", "equipment_id": unit, "equipment_code": unit, "start_ts": hours(4 + 2 * number),
                "end_ts": None if number == 4 else hours(6 + 2 * number), "is_open": number == 4, "order_id": "O1",
                "material_id": "A", "state_class": None if number == 1 else "RUN", "source_reason_code": "E01" if number == 1 else None,
            }
            for unit in ("M1", "M2")
            for number in range(5)
        ],
    }  # fmt: skip


LATER = {"event_ts": hours(10, 9), "posted_ts": hours(11, 9)}


def _production(plant: str) -> dict[str, Rows]:
    documents = [("D1", 100, 5, {}), ("D2", 100, 5, {}), ("D3", 100, 5, {}), ("D4", 100, 5, {}),
                 ("R2", -100, -5, {"reverses_count_id": "D2", **LATER}), ("C3", -10, 0, {"corrects_count_id": "D3", **LATER})]  # fmt: skip
    return {
        "production_order": [
            {
                "order_id": f"O{number}", "order_no": f"O{number}", "material_id": "A", "equipment_id": "M1",
                "order_type": "PRODUCTION", "planned_qty": 300, "planned_scrap_qty": 2, "plan_version": 1, "uom": "{piece}", "status": "Running",
                "planned_start_ts": hours(4), "planned_end_ts": hours(20), "due_ts": hours(0, 5), "actual_start_ts": hours(5),
                "actual_end_ts": hours(19),
            }
            for number in range(1, 5)
        ],
        "production_count": [
            {
                "count_id": name, "equipment_id": "M1", "equipment_code": "M1", "order_id": "O1", "material_id": "A",
                "event_ts": hours(10), "posted_ts": hours(11), "produced_qty": total, "good_qty": total - scrap, "scrap_qty": scrap,
                "uom": "{piece}", "source_uom": "ST", "count_source": "MES", **link,
            }
            for name, total, scrap, link in documents
        ],
    }  # fmt: skip


def _further() -> dict[str, Rows]:
    """Two rows of each table beside time and counts."""
    day, later, somebody = hours(10), hours(11), "0123456789abcdef" * 2
    unit, made = {"equipment_id": "M1"}, {"equipment_id": "M1", "material_id": "A", "order_id": "O1"}
    interval = {"equipment_id": "M1", "start_ts": day, "end_ts": later}
    alike: dict[str, tuple[str, dict[str, Any]]] = {
        "order_operation": (
            "operation_id",
            {
                **unit, "order_id": "O1", "operation_no": "10", "planned_setup_s": 600, "planned_run_s": 3600, "actual_start_ts": day,
                "actual_end_ts": later,
            },
        ),
        "inspection_result": (
            "inspection_id",
            {
                **made, "characteristic": "bore", "measured_value": 10.0, "unit": "mm", "lsl": 9.9, "usl": 10.1, "result": "PASS",
                "attempt_no": 1, "quantity": 1, "measured_ts": day, "inspection_type": "FINAL",
            },
        ),
        "scrap": (
            "scrap_id",
            {
                **made, "count_id": "D1", "event_ts": day, "qty": 2, "uom": "{piece}", "defect_code": "D7", "disposition": "SCRAP",
                "is_startup": False, "scrap_cost": 5,
            },
        ),
        "maintenance_order": (
            "maintenance_id",
            {
                **unit, "maintenance_no": "W", "maintenance_type": "CORRECTIVE", "reported_ts": day, "work_start_ts": day,
                "work_end_ts": later, "labour_h": 1, "cost": 80, "ai_triggered": False,
            },
        ),
        "goods_movement": (
            "movement_id",
            {
                "document_no": "G", "material_id": "A", "movement_class": "RECEIPT_PROD", "qty": 10, "uom": "{piece}", "value_local": 10,
                "event_ts": day, "posted_ts": later, "order_id": "O1",
            },
        ),
        "inventory_snapshot": (
            "inventory_snapshot_id",
            {"material_id": "A", "stock_class": "FGI", "snapshot_date": DAY.date(), "qty": 10, "uom": "{piece}", "value_local": 10},
        ),
        "energy": ("energy_id", {**interval, "carrier": "ELECTRICITY", "energy_kwh": 12.0, "source_uom": "kW.h"}),
        "labour_time": (
            "labour_id", {**interval, "person_hash": somebody, "labour_class": "DIRECT", "attended_s": 3600, "worked_s": 3000},
        ),
        "cost": ("cost_id", {"period": DAY.date(), "cost_class": "MATERIAL", "amount_local": 1000, "is_variable": True}),
        "delivery_line": (
            "delivery_line_id",
            {
                "customer_hash": somebody, "material_id": "A", "promised_date": DAY.date(), "ordered_qty": 10, "delivered_qty": 10,
                "uom": "{piece}", "last_delivery_date": DAY.date(),
            },
        ),
        "uom_conversion": ("uom_conversion_id", {"material_id": "A", "from_uom": "kg", "to_base_factor": 4}),
    }  # fmt: skip
    apart = {"energy": {"2": {"carrier": "GAS"}}}
    return {
        table: [{**row, id: number, **apart.get(table, {}).get(number, {})} for number in "12"] for table, (id, row) in alike.items()
    }  # fmt: skip
