"""The canonical tables beside time, counts and their masters: operations, inspections, scrap, maintenance, stock, energy, people, money.

Here: one schema and one `TableSpec` a table, as in `transforms.tables`, which knows them all. Elsewhere: what these words mean
(`transforms.table_spec`), the few columns that are not simply an input (`transforms.canonical`).

Units that only these tables name are not added to a plant's equipment: an energy meter or a pump in maintenance is no KPI unit. Dates
are local days, and stand in the month that they name.
"""

from __future__ import annotations

import dataframely as dy
import polars as pl

from transforms.table_spec import Input, Lineage, TableSpec, ends_after, money, quantity, seconds, utc

RESULTS = ("PASS", "FAIL", "REWORK", "HOLD")
INSPECTION_TYPES = ("IN_PROCESS", "FINAL", "VISION_AI", "LAB", "INCOMING")
DISPOSITIONS = ("SCRAP", "REWORK", "DOWNGRADE", "RETURN")
MAINTENANCE_TYPES = ("CORRECTIVE", "PREVENTIVE", "PREDICTIVE", "CONDITION", "IMPROVEMENT")
MOVEMENT_CLASSES = ("RECEIPT_PROD", "ISSUE_PROD", "RECEIPT_PO", "ISSUE_SALES", "TRANSFER", "SCRAP", "ADJUST")
STOCK_CLASSES = ("RMI", "CI", "WIP", "FGI")
CARRIERS = ("ELECTRICITY", "GAS", "STEAM", "COMPRESSED_AIR", "WATER")
LABOUR_CLASSES = ("DIRECT", "INDIRECT", "MAINTENANCE")
COST_CLASSES = (
    "MATERIAL", "DIRECT_LABOUR", "ENERGY", "MAINTENANCE", "DEPRECIATION", "OVERHEAD", "SCRAP", "REWORK", "WARRANTY", "APPRAISAL",
    "PREVENTION", "COGS", "REVENUE", "REPLACEMENT_ASSET_VALUE",
)  # fmt: skip


class OrderOperation(Lineage):
    """One row per version of an operation of an order (ISA-95 segment requirement and response)."""

    operation_id = dy.String()
    order_id = dy.String()
    operation_no = dy.String()
    equipment_id = dy.String(nullable=True)
    planned_setup_s = seconds()
    planned_run_s = seconds()
    actual_start_ts = utc()
    actual_end_ts = utc()
    queue_s = seconds()
    transport_s = seconds()

    @dy.rule()
    def NEG_DURATION(cls) -> pl.Expr:  # noqa: N802, N805
        return ends_after("actual_start_ts", "actual_end_ts")


class InspectionResult(Lineage):
    """One row per version of the result of a test of one characteristic (ISA-95 test result), or of equal results together."""

    month = dy.String()
    inspection_id = dy.String()
    equipment_id = dy.String(nullable=True)
    material_id = dy.String(nullable=True)
    order_id = dy.String(nullable=True)
    lot_or_serial = dy.String(nullable=True)
    step = dy.String(nullable=True)
    characteristic = dy.String()
    measured_value = dy.Float64(nullable=True)
    unit = dy.String(nullable=True)
    lsl = dy.Float64(nullable=True)
    usl = dy.Float64(nullable=True)
    subgroup_id = dy.String(nullable=True)
    result = dy.Enum(RESULTS)
    attempt_no = dy.Int32(min=1)
    quantity = dy.Decimal(18, 6, min=0)
    measured_ts = utc(nullable=False)
    inspection_type = dy.Enum(INSPECTION_TYPES)

    @dy.rule()
    def LIMITS_SWAPPED(cls) -> pl.Expr:  # noqa: N802, N805
        return (pl.col("lsl") <= pl.col("usl")).fill_null(True)


class Scrap(Lineage):
    """One row per version of an entry about scrap: detail of what the counts hold, never added to them; quantities are signed."""

    month = dy.String()
    scrap_id = dy.String()
    count_id = dy.String(nullable=True)
    equipment_id = dy.String()
    material_id = dy.String(nullable=True)
    order_id = dy.String(nullable=True)
    event_ts = utc(nullable=False)
    qty = quantity(nullable=False)
    uom = dy.String()
    defect_code = dy.String(nullable=True)
    disposition = dy.Enum(DISPOSITIONS)
    is_startup = dy.Bool(nullable=True)
    scrap_cost = money()


class MaintenanceOrder(Lineage):
    """One row per version of a maintenance order."""

    month = dy.String()
    maintenance_id = dy.String()
    maintenance_no = dy.String()
    equipment_id = dy.String()
    maintenance_type = dy.Enum(MAINTENANCE_TYPES)
    reported_ts = utc(nullable=False)
    work_start_ts = utc()
    work_end_ts = utc()
    failure_event_id = dy.String(nullable=True)
    failure_code = dy.String(nullable=True)
    labour_h = dy.Decimal(9, 2, nullable=True, min=0)
    cost = money()
    ai_triggered = dy.Bool()

    @dy.rule()
    def NEG_DURATION(cls) -> pl.Expr:  # noqa: N802, N805
        return ends_after("work_start_ts", "work_end_ts")


class GoodsMovement(Lineage):
    """One row per version of an inventory transaction; quantities are signed into stock, reversals are rows."""

    month = dy.String()
    movement_id = dy.String()
    document_no = dy.String()
    material_id = dy.String()
    movement_class = dy.Enum(MOVEMENT_CLASSES)
    qty = quantity(nullable=False)
    uom = dy.String()
    value_local = money()
    event_ts = utc(nullable=False)
    posted_ts = utc()
    reverses_movement_id = dy.String(nullable=True)
    order_id = dy.String(nullable=True)
    storage_location = dy.String(nullable=True)


class InventorySnapshot(Lineage):
    """One row per version of the stock of one material (or of none: of all) and stock class on one day."""

    month = dy.String()
    inventory_snapshot_id = dy.String()
    material_id = dy.String(nullable=True)
    stock_class = dy.Enum(STOCK_CLASSES)
    snapshot_date = dy.Date()
    qty = quantity()
    uom = dy.String(nullable=True)
    value_local = money(nullable=False)


class Energy(Lineage):
    """One row per version of what one meter measured in one interval; no equipment means the whole site."""

    month = dy.String()
    energy_id = dy.String()
    equipment_id = dy.String(nullable=True)
    carrier = dy.Enum(CARRIERS)
    start_ts = utc(nullable=False)
    end_ts = utc(nullable=False)
    start_ts_source = dy.String(nullable=True)
    end_ts_source = dy.String(nullable=True)
    energy_kwh = dy.Float64()
    source_uom = dy.String()
    allocation_rule = dy.String(nullable=True)

    @dy.rule()
    def NEG_DURATION(cls) -> pl.Expr:  # noqa: N802, N805
        return ends_after("start_ts", "end_ts")


class LabourTime(Lineage):
    """One row per version of the time that one person attended; who it was is a salted hash."""

    month = dy.String()
    labour_id = dy.String()
    person_hash = dy.String()
    equipment_id = dy.String(nullable=True)
    start_ts = utc(nullable=False)
    end_ts = utc(nullable=False)
    start_ts_source = dy.String(nullable=True)
    end_ts_source = dy.String(nullable=True)
    labour_class = dy.Enum(LABOUR_CLASSES)
    attended_s = seconds()
    worked_s = seconds()

    @dy.rule()
    def NEG_DURATION(cls) -> pl.Expr:  # noqa: N802, N805
        return ends_after("start_ts", "end_ts")

    @dy.rule()
    def WORKED_EXCEEDS_ATTENDED(cls) -> pl.Expr:  # noqa: N802, N805
        return (pl.col("worked_s") <= pl.col("attended_s")).fill_null(True)


class Cost(Lineage):
    """One row per version of an amount of one cost class in one month."""

    month = dy.String()
    cost_id = dy.String()
    period = dy.Date()
    cost_class = dy.Enum(COST_CLASSES)
    amount_local = money(nullable=False)
    is_variable = dy.Bool()
    cost_center = dy.String(nullable=True)


class DeliveryLine(Lineage):
    """One row per version of a line of a customer's order; who the customer is is a salted hash."""

    month = dy.String()
    delivery_line_id = dy.String()
    customer_hash = dy.String(nullable=True)
    material_id = dy.String(nullable=True)
    promised_date = dy.Date()
    requested_date = dy.Date(nullable=True)
    ordered_qty = dy.Decimal(18, 6, min=0)
    delivered_qty = dy.Decimal(18, 6, min=0)
    uom = dy.String()
    last_delivery_date = dy.Date(nullable=True)


class UomConversion(Lineage):
    """One row per version of an alternative unit of a material: quantity in its base unit = quantity in `from_uom` x factor."""

    uom_conversion_id = dy.String()
    material_id = dy.String()
    from_uom = dy.String()
    to_base_factor = dy.Decimal(18, 9, min_exclusive=0)


_UNIT = Input(doc="code of the work unit")
_MATERIAL = Input(doc="material number as delivered")
_ORDER = Input(doc="order number")
_START = Input("time", required=True, doc="start of the interval")
_END = Input("time", required=True, doc="end of the interval, exclusive")
_SECONDS = Input("number", dimension="duration")
_NUMBER = Input("number")


def _quantity(doc: str = "", *, required: bool = True) -> Input:
    return Input("number", required=required, dimension="quantity", doc=doc)


def _word(words: tuple[str, ...], default: str | None = None, doc: str = "") -> Input:
    said = f"one of {', '.join(words)}" + (f"; default {default}" if default else "") + (f"; {doc}" if doc else "")
    return Input(required=default is None, default=default, doc=said)


FURTHER: tuple[TableSpec, ...] = (
    TableSpec(
        "order_operation", "one row per version of an operation of an order", OrderOperation,
        {
            "order": Input(required=True, doc="order number"),
            "operation": Input(required=True, column="operation_no", doc="number of the operation, such as 0010"),
            "equipment": Input(doc="work unit that did it"),
            "planned_setup_s": _SECONDS,
            "planned_run_s": _SECONDS,
            "actual_start_ts": Input("time"),
            "actual_end_ts": Input("time"),
            "queue_s": Input("number", dimension="duration", doc="time that it waited before"),
            "transport_s": Input("number", dimension="duration", doc="time of transport before"),
        },
        id="operation_id", key=("order", "operation"), modes=("upsert", "snapshot"),
    ),
    TableSpec(
        "inspection_result", "one row per version of the result of a test of one characteristic", InspectionResult,
        {
            "equipment": Input(doc="station that made it, not where it was tested"),
            "material": _MATERIAL,
            "order": _ORDER,
            "lot_or_serial": Input(doc="serial number, or lot"),
            "step": Input(doc="operation or test step"),
            "characteristic": Input(required=True, doc="what was tested"),
            "measured_value": Input("number", doc="empty for attribute checks"),
            "unit": Input(doc="unit of the value and its limits, as delivered"),
            "lsl": Input("number", doc="lower limit"),
            "usl": Input("number", doc="upper limit"),
            "subgroup": Input(column="subgroup_id", doc="rational subgroup, for Cp and Cpk"),
            "result": _word(RESULTS),
            "attempt_no": Input("integer", default=1, doc="1 (default) = first pass"),
            "quantity": Input("number", default=1.0, doc="pieces that the row reports; default 1"),
            "measured_ts": Input("time", required=True, doc="when it was tested"),
            "inspection_type": _word(INSPECTION_TYPES, "IN_PROCESS"),
            "inspection": Input(doc="the source's own id, where it has one"),
        },
        id="inspection_id", key=("lot_or_serial", "characteristic", "measured_ts", "equipment", "step", "attempt_no", "inspection"),
        time="measured_ts", own=("inspection",), is_past=True,
    ),
    TableSpec(
        "scrap", "one row per version of an entry about scrap (detail of the counts, not added to them)", Scrap,
        {
            "equipment": Input(required=True, doc="unit that caused it"),
            "material": _MATERIAL,
            "order": _ORDER,
            "document": Input(doc="number of the confirmation that counts it, as production_count of the same source maps it"),
            "event_ts": Input("time", required=True, doc="when it was made"),
            "qty": _quantity("pieces, signed"),
            "defect_code": Input(doc="as delivered"),
            "disposition": _word(DISPOSITIONS, "SCRAP"),
            "is_startup": Input("boolean", doc="start-up loss; empty is unknown, and counts as production reject"),
            "scrap_cost": _NUMBER,
            "entry": Input(doc="the source's own id, where it has one"),
        },
        id="scrap_id", key=("equipment", "event_ts", "material", "order", "defect_code", "disposition", "document", "entry"),
        time="event_ts", own=("entry",), is_past=True,
    ),
    TableSpec(
        "maintenance_order", "one row per version of a maintenance order", MaintenanceOrder,
        {
            "document": Input(required=True, column="maintenance_no", doc="number of the order"),
            "equipment": Input(required=True, doc="code of the work unit"),
            "maintenance_type": _word(MAINTENANCE_TYPES),
            "reported_ts": Input("time", required=True, doc="when the fault was reported, or the order made"),
            "work_start_ts": Input("time"),
            "work_end_ts": Input("time"),
            "failure_event": Input(column="failure_event_id", doc="the stop that it mends, as the source names it"),
            "failure_code": Input(doc="as delivered"),
            "labour_h": Input("number", doc="hours of work"),
            "cost": _NUMBER,
            "ai_triggered": Input("boolean", default=False, doc="raised by a predictive model; default false"),
        },
        id="maintenance_id", key=("document",), time="reported_ts", own=("document",),
    ),
    TableSpec(
        "goods_movement", "one row per version of an inventory transaction", GoodsMovement,
        {
            "document": Input(required=True, column="document_no", doc="number of the document, with its item"),
            "material": Input(required=True, doc="material number as delivered"),
            "movement_class": _word(MOVEMENT_CLASSES),
            "qty": _quantity("signed into stock"),
            "value": Input("number", column="value_local", doc="in the plant's currency, signed like the quantity"),
            "event_ts": Input("time", required=True, doc="when it moved"),
            "posted_ts": Input("time", doc="when it was booked"),
            "reverses": Input(doc="document that this one cancels"),
            "order": _ORDER,
            "storage_location": Input(),
        },
        id="movement_id", key=("document",), time="event_ts", own=("document",), is_past=True,
    ),
    TableSpec(
        "inventory_snapshot", "one row per version of the stock of one material and stock class on one day", InventorySnapshot,
        {
            "material": Input(doc="material number; without it the stock of all materials of the class"),
            "stock_class": _word(STOCK_CLASSES, doc="raw, in process (CI, WIP), finished"),
            "snapshot_date": Input("date", required=True, doc="local day at whose end it was taken"),
            "qty": _quantity(required=False),
            "value": Input("number", required=True, column="value_local", doc="in the plant's currency, at standard cost"),
        },
        id="inventory_snapshot_id", key=("material", "stock_class", "snapshot_date"), time="snapshot_date", modes=("upsert",),
    ),
    TableSpec(
        "energy", "one row per version of what one meter measured in one interval", Energy,
        {
            "equipment": Input(doc="work unit; without it the meter of the site"),
            "carrier": _word(CARRIERS),
            "start_ts": _START,
            "end_ts": _END,
            "energy": Input("number", required=True, dimension="energy", column="energy_kwh", doc="kWh, MWh, MJ, GJ, [Btu] …; default kWh"),
            "allocation_rule": Input(doc="how it was allocated, where it was not measured at the unit"),
        },
        id="energy_id", key=("equipment", "carrier", "start_ts", "allocation_rule"), time="start_ts", is_past=True,
    ),
    TableSpec(
        "labour_time", "one row per version of the time that one person attended", LabourTime,
        {
            "person": Input(required=True, column="person_hash", is_secret=True, doc="name or number; only a salted hash is kept"),
            "equipment": _UNIT,
            "start_ts": _START,
            "end_ts": _END,
            "labour_class": _word(LABOUR_CLASSES, "DIRECT"),
            "attended_s": Input("number", dimension="duration", doc="attended, without breaks; default from start to end"),
            "worked_s": Input("number", dimension="duration", doc="worked on orders"),
            "entry": Input(doc="the source's own id, where it has one"),
        },
        id="labour_id", key=("person", "equipment", "start_ts", "entry"), time="start_ts", own=("entry",), is_past=True,
    ),
    TableSpec(
        "cost", "one row per version of an amount of one cost class in one month", Cost,
        {
            "period": Input("date", required=True, doc="any day of the month"),
            "cost_class": _word(COST_CLASSES),
            "amount": Input("number", required=True, column="amount_local", doc="in the plant's currency"),
            "is_variable": Input("boolean", default=False, doc="avoidable with machine hours; default false"),
            "cost_center": Input(),
            "entry": Input(doc="the source's own id, where it has one"),
        },
        id="cost_id", key=("period", "cost_class", "cost_center", "is_variable", "entry"), time="period", modes=("upsert",),
        own=("entry",),
    ),
    TableSpec(
        "delivery_line", "one row per version of a line of a customer's order", DeliveryLine,
        {
            "line": Input(required=True, doc="number of the order with its line"),
            "customer": Input(column="customer_hash", is_secret=True, doc="name or number; only a salted hash is kept"),
            "material": _MATERIAL,
            "promised_date": Input("date", required=True, doc="the FIRST date that was confirmed"),
            "requested_date": Input("date"),
            "ordered_qty": _quantity(),
            "delivered_qty": _quantity("so far"),
            "last_delivery_date": Input("date"),
        },
        id="delivery_line_id", key=("line",), time="promised_date", modes=("upsert",), own=("line",),
    ),
    TableSpec(
        "uom_conversion", "one row per version of an alternative unit of a material", UomConversion,
        {
            "material": Input(required=True, doc="material number as delivered"),
            "from_uom": Input(required=True, dimension="any", doc="the alternative unit, such as kg"),
            "to_base_factor": Input("number", required=True, doc="base units in one of it: 4, where 1 kg is 4 pieces"),
        },
        id="uom_conversion_id", key=("material", "from_uom"), mode="snapshot", modes=("upsert", "snapshot"),
    ),
)  # fmt: skip
