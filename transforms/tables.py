"""The canonical silver tables: their columns and row rules, and what a plant file may map to each.

Here: one dataframely schema and one `TableSpec` a table; a row's rules live in its schema and nowhere else. Elsewhere: how a
mapping fills the inputs (`transforms.conform`), a table's rules over all its rows (`quality_checks.suites`), how versions are
merged and committed (`transforms.revisions`, `pipelines.silver`), what SQL makes of the tables (`dbt_project`).

Names and meaning follow the KPI and schema specification, section 3.3; times are UTC and as delivered (clock offsets are
subtracted in dbt), durations are seconds, quantities are in `uom` (UCUM, one canonical unit a dimension).
"""

from __future__ import annotations

import dataframely as dy
import polars as pl

from transforms.further_tables import FURTHER
from transforms.table_spec import LINEAGE, UTC_US, Input, Lineage, TableSpec, quantity, utc

__all__ = ["LINEAGE", "PORTFOLIO", "STATEMENTS", "TABLES", "UTC_US", "Input", "TableSpec"]

EVENT_CLASSES = ("RUN", "SETUP", "DELAY_EQ", "DELAY_ORG", "IDLE", "UNKNOWN", "STOP", "STANDBY", "ACTING", "MANUAL")
"""STOP is a stop whose reason tells the class; STANDBY one that the order decides (an active one: DELAY_ORG, none: IDLE); ACTING a
transition, which belongs to the stop beside it; MANUAL work by hand, which is SETUP beside a changeover and else DELAY_EQ.
Specification 1.3."""
PLANNED_CLASSES = ("PLANNED_BREAK", "PLANNED_MAINT", "PLANNED_NO_DEMAND", "PLANNED_OTHER")
RATE_BASES = ("BEST_DEMONSTRATED", "ENGINEERED", "ERP_STANDARD", "TARGET", "NAMEPLATE")
ORDER_STATUS = (
    "Waiting", "Pending", "Ready", "Dispatched", "Running", "Held", "Suspended", "Completed", "Aborted", "Cancelled", "Closed",
)  # fmt: skip  # B2MML dispatch status list
TAG_SEMANTICS = (
    "STATE", "COUNT_TOTAL", "COUNT_GOOD", "COUNT_REJECT", "SPEED", "ENERGY_COUNTER", "POWER", "TEMP", "PRESSURE", "VIBRATION",
    "OTHER",
)  # fmt: skip


class EquipmentStateEvent(Lineage):
    """One row per version of a state or stop event of one work unit."""

    month = dy.String()
    event_id = dy.String()
    equipment_id = dy.String()
    equipment_code = dy.String()
    start_ts = utc(nullable=False)
    end_ts = utc()
    start_ts_source = dy.String(nullable=True)
    end_ts_source = dy.String(nullable=True)
    source_state = dy.String(nullable=True)
    source_reason_code = dy.String(nullable=True)
    state_class = dy.Enum(EVENT_CLASSES, nullable=True)
    is_failure = dy.Bool(nullable=True)
    order_id = dy.String(nullable=True)
    material_id = dy.String(nullable=True)
    is_open = dy.Bool()

    @dy.rule()
    def NEG_DURATION(cls) -> pl.Expr:  # noqa: N802, N805  (rule T12: never abs())
        return pl.col("end_ts").is_null() | (pl.col("end_ts") >= pl.col("start_ts"))

    @dy.rule()
    def NO_STATE_AND_NO_REASON(cls) -> pl.Expr:  # noqa: N802, N805
        return pl.col("state_class").is_not_null() | pl.col("source_reason_code").is_not_null()


class ProductionCount(Lineage):
    """One row per version of a confirmation, a shift total or a counter step; quantities are signed, reversals are rows."""

    month = dy.String()
    count_id = dy.String()
    equipment_id = dy.String()
    equipment_code = dy.String()
    order_id = dy.String(nullable=True)
    operation_id = dy.String(nullable=True)
    material_id = dy.String(nullable=True)
    tool_code = dy.String(nullable=True)
    start_ts = utc()
    event_ts = utc(nullable=False)
    posted_ts = utc()
    produced_qty = quantity()
    good_qty = quantity()
    scrap_qty = quantity()
    rework_qty = quantity()
    first_pass_good_qty = quantity()
    uom = dy.String()
    source_uom = dy.String()
    document_no = dy.String(nullable=True)
    reverses_count_id = dy.String(nullable=True)
    corrects_count_id = dy.String(nullable=True)
    count_source = dy.Enum(("ERP_CONFIRMATION", "MES", "COUNTER", "MANUAL"))

    @dy.rule()
    def NEG_DURATION(cls) -> pl.Expr:  # noqa: N802, N805
        return pl.col("start_ts").is_null() | (pl.col("event_ts") >= pl.col("start_ts"))

    @dy.rule()
    def NO_QUANTITY(cls) -> pl.Expr:  # noqa: N802, N805
        return pl.any_horizontal(pl.col("produced_qty", "good_qty", "scrap_qty", "rework_qty").is_not_null())

    @dy.rule()
    def PARTS_EXCEED_TOTAL(cls) -> pl.Expr:  # noqa: N802, N805
        produced = pl.col("produced_qty").abs()
        parts = pl.sum_horizontal(pl.col("good_qty", "scrap_qty")).abs()
        # Reworked pieces may be good by now: rework is a part of its own, or one of the good.
        return produced.is_null() | ((parts <= produced) & (pl.col("rework_qty").abs() <= produced).fill_null(True))


class ProductionOrder(Lineage):
    """One row per version of an order (ISA-95 operations request)."""

    order_id = dy.String()
    order_no = dy.String()
    material_id = dy.String(nullable=True)
    equipment_id = dy.String(nullable=True)
    order_type = dy.Enum(("PRODUCTION", "REWORK", "TRIAL"))
    planned_qty = quantity()
    planned_scrap_qty = quantity()
    plan_version = dy.Int32(min=1)
    uom = dy.String(nullable=True)
    planned_start_ts = utc()
    planned_end_ts = utc()
    due_ts = utc()
    status = dy.Enum(ORDER_STATUS, nullable=True)
    actual_start_ts = utc()
    actual_end_ts = utc()

    @dy.rule()
    def NEG_DURATION(cls) -> pl.Expr:  # noqa: N802, N805
        return (pl.col("actual_end_ts") >= pl.col("actual_start_ts")).fill_null(True)


class PlannedDowntime(Lineage):
    """One row per version of a calendar entry that is taken out of planned time; no equipment means the whole plant."""

    month = dy.String()
    planned_downtime_id = dy.String()
    equipment_id = dy.String(nullable=True)
    start_ts = utc(nullable=False)
    end_ts = utc(nullable=False)
    planned_class = dy.Enum(PLANNED_CLASSES)
    planned_at = utc()
    reason_code = dy.String(nullable=True)

    @dy.rule()
    def NEG_DURATION(cls) -> pl.Expr:  # noqa: N802, N805
        return pl.col("end_ts") >= pl.col("start_ts")


class ShiftInstance(Lineage):
    """One row per version of a shift window in UTC; no equipment means every KPI unit of the plant."""

    month = dy.String()
    shift_instance_id = dy.String()
    equipment_id = dy.String(nullable=True)
    shift_code = dy.String()
    production_day = dy.Date()
    start_ts = utc(nullable=False)
    end_ts = utc(nullable=False)
    source = dy.Enum(("PATTERN", "MES", "NONE"))

    @dy.rule()
    def NEG_DURATION(cls) -> pl.Expr:  # noqa: N802, N805
        return pl.col("end_ts") > pl.col("start_ts")


class Equipment(Lineage):
    """One row per version of a piece of equipment (ISA-95 role-based equipment)."""

    equipment_id = dy.String()
    equipment_code = dy.String()
    equipment_name = dy.String()
    parent_equipment_id = dy.String(nullable=True)
    level = dy.String()
    equipment_class = dy.String(nullable=True)
    physical_asset_id = dy.String(nullable=True)
    is_kpi_unit = dy.Bool()
    in_rollup = dy.Bool()
    kpi_scope = dy.Enum(("MACHINE", "LINE"))
    state_method = dy.Enum(("MEASURED", "RESIDUAL", "NONE"))


class Material(Lineage):
    """One row per version of a material."""

    material_id = dy.String()
    local_material_no = dy.String()
    material_name = dy.String(nullable=True)
    portfolio_family = dy.String(nullable=True)
    material_type = dy.String(nullable=True)
    base_uom = dy.String(nullable=True)
    is_serialised = dy.Bool(nullable=True)
    standard_cost = dy.Decimal(18, 6, nullable=True)
    contribution_margin = dy.Decimal(18, 6, nullable=True)


class IdealRate(Lineage):
    """One row per version of an ideal rate (PRI, s per base unit); an absent equipment, material or tool means any."""

    ideal_rate_id = dy.String()
    equipment_id = dy.String(nullable=True)
    material_id = dy.String(nullable=True)
    tool_code = dy.String(nullable=True)
    rate_basis = dy.Enum(RATE_BASES)
    pri_s = dy.Float64(min_exclusive=0.0)
    provenance = dy.String()
    valid_from = utc(nullable=False)
    valid_to = utc()


class Tag(Lineage):
    """One row per version of a historian tag."""

    tag_id = dy.String()
    tag_name = dy.String()
    equipment_id = dy.String(nullable=True)
    semantic = dy.Enum(TAG_SEMANTICS)
    description = dy.String(nullable=True)
    unit = dy.String(nullable=True)
    value_type = dy.Enum(("NUM", "BOOL", "ENUM", "TEXT"), nullable=True)
    is_step = dy.Bool(nullable=True)


class HistorianSample(dy.Schema):
    """One row per sample; narrow on purpose (no hash, no revision): replaced by export, not by key."""

    plant_id = dy.String()
    month = dy.String()
    tag_id = dy.String()
    ts = utc(nullable=False)
    value_num = dy.Float64(nullable=True)
    value_text = dy.String(nullable=True)
    quality = dy.Enum(("GOOD", "UNCERTAIN", "BAD"))
    _batch_id = dy.String()
    _row = dy.Int64()


_EQUIPMENT = Input(required=True, doc="code of the work unit as on the shop floor")
_MATERIAL = Input(doc="material number as delivered, leading zeros kept")
_ORDER = Input(doc="order number")
_QUANTITY = Input("number", dimension="quantity")

TABLES: dict[str, TableSpec] = {
    spec.name: spec
    for spec in (
        TableSpec(
            "equipment_state_event", "one row per version of a state or stop event of one work unit", EquipmentStateEvent,
            {
                "equipment": _EQUIPMENT,
                "event": Input(doc="the source's own event id, where it has one"),
                "start_ts": Input("time", required=True, doc="start of the state"),
                "end_ts": Input("time", doc="end; empty = still open. Without a column, each state ends at the next one"),
                "duration": Input("number", dimension="duration", doc="length, where the source has no end column"),
                "state_class": Input(
                    doc=f"one of {', '.join(EVENT_CLASSES)}, or a word of a standard such as PackML:Held; empty = by its reason"
                ),
                "is_failure": Input("boolean", doc="whether a stop is a failure, where the source says so; empty = by its reason"),
                "source_state": Input(doc="state as delivered"),
                "source_reason_code": Input(doc="reason as delivered; vocabularies/reason_map.csv maps it"),
                "order": _ORDER,
                "material": _MATERIAL,
            },
            id="event_id", key=("equipment", "event", "start_ts", "state_class"), time="start_ts",
            alternatives=(("state_class", "source_reason_code"),), own=("equipment", "event"), is_past=True,
        ),
        TableSpec(
            "production_count", "one row per version of a confirmation, shift total or counter step", ProductionCount,
            {
                "equipment": _EQUIPMENT,
                "event_ts": Input("time", required=True, doc="when it was produced (drives the shift), not when it was booked"),
                "start_ts": Input("time", doc="when the counting began, where it is the sum of an interval that ends at event_ts"),
                "posted_ts": Input("time", doc="when it was booked"),
                "material": _MATERIAL,
                "order": _ORDER,
                "operation": Input(needs="order", doc="number of the order's operation"),
                "tool": Input(doc="mould, die or tool, where the ideal rate depends on it"),
                "produced_qty": _QUANTITY,
                "good_qty": _QUANTITY,
                "scrap_qty": _QUANTITY,
                "rework_qty": _QUANTITY,
                "first_pass_good_qty": Input("number", dimension="quantity", doc="good at the first attempt, without rework"),
                "document": Input(doc="number of the confirmation, with its counter"),
                "reverses": Input(doc="document that this one cancels"),
                "corrects": Input(doc="document that this one corrects; its quantities are differences"),
                "count_source": Input(doc="ERP_CONFIRMATION, MES (default), COUNTER or MANUAL"),
            },
            id="count_id", key=("equipment", "document", "event_ts", "material", "order", "tool"), time="event_ts",
            alternatives=(("produced_qty", "good_qty", "scrap_qty"),), own=("document",), is_past=True,
        ),
        TableSpec(
            "production_order", "one row per version of an order", ProductionOrder,
            {
                "order": Input(required=True, doc="order number"),
                "material": _MATERIAL,
                "equipment": Input(doc="planned work unit"),
                "order_type": Input(doc="PRODUCTION (default), REWORK or TRIAL"),
                "planned_qty": _QUANTITY,
                "planned_scrap_qty": _QUANTITY,
                "plan_version": Input("integer", default=1, doc="frozen version of the plan; default 1"),
                "planned_start_ts": Input("time"),
                "planned_end_ts": Input("time"),
                "due_ts": Input("time"),
                "status": Input(doc=f"one of {', '.join(ORDER_STATUS)}"),
                "actual_start_ts": Input("time"),
                "actual_end_ts": Input("time"),
            },
            id="order_id", key=("order",), mode="upsert", modes=("upsert", "snapshot"),
        ),
        TableSpec(
            "planned_downtime", "one row per version of a planned entry of the calendar", PlannedDowntime,
            {
                "equipment": Input(doc="work unit; without it the entry holds for the whole plant"),
                "start_ts": Input("time", required=True),
                "end_ts": Input("time", required=True),
                "planned_class": Input(required=True, doc=f"one of {', '.join(PLANNED_CLASSES)}"),
                "planned_at": Input("time", doc="when it entered the plan; without it the entry counts as planned in time"),
                "reason_code": Input(doc="portfolio reason code"),
                "entry": Input(doc="the source's own id, where it has one"),
            },
            id="planned_downtime_id", key=("equipment", "entry", "start_ts", "planned_class"), time="start_ts", own=("entry",),
        ),
        TableSpec(
            "shift_instance", "one row per version of a shift window", ShiftInstance,
            {
                "equipment": Input(doc="work unit; without it the window holds for every KPI unit"),
                "shift_code": Input(required=True, doc="code of the shift"),
                "day": Input("date", doc="local day on which the shift starts; its times then come from the plant file's shifts"),
                "start_ts": Input("time", doc="start, where the source states it"),
                "end_ts": Input("time", doc="end, where the source states it"),
            },
            id="shift_instance_id", key=("equipment", "shift_code", "day", "start_ts"), time="start_ts",
            alternatives=(("day", "start_ts"),),
        ),
        TableSpec(
            "equipment", "one row per version of a piece of equipment", Equipment,
            {
                "equipment": _EQUIPMENT,
                "equipment_name": Input(),
                "equipment_class": Input(doc="portfolio class (vocabularies/equipment_classes.csv)"),
                "parent": Input(doc="code of the equipment above"),
                "level": Input(doc="ISA-95 level; default WorkUnit"),
                "physical_asset": Input(doc="serial number of the asset"),
                "is_kpi_unit": Input("boolean", doc="default true"),
                "state_method": Input(doc="MEASURED, RESIDUAL or NONE; default: the plant's setting"),
            },
            id="equipment_id", key=("equipment",), mode="snapshot", modes=("upsert", "snapshot"),
        ),
        TableSpec(
            "material", "one row per version of a material", Material,
            {
                "material": Input(required=True, doc="material number as delivered"),
                "material_name": Input(),
                "portfolio_family": Input(doc="harmonised product family"),
                "material_type": Input(doc="RAW, CONSUMABLE, SEMI, FINISHED, BYPRODUCT"),
                "base_uom": Input(dimension="any", doc="unit of its quantities; kept as its UCUM code"),
                "is_serialised": Input("boolean", doc="each piece has a serial number"),
                "standard_cost": Input("number", doc="per base unit, in the plant's currency"),
                "contribution_margin": Input("number", doc="per base unit, in the plant's currency"),
            },
            id="material_id", key=("material",), mode="snapshot", modes=("upsert", "snapshot"),
        ),
        TableSpec(
            "ideal_rate", "one row per version of an ideal rate", IdealRate,
            {
                "equipment": Input(doc="without it: any unit"),
                "material": Input(doc="without it: any material"),
                "tool": Input(doc="without it: any tool"),
                "rate_basis": Input(doc=f"one of {', '.join(RATE_BASES)}; default ENGINEERED"),
                "pri_s": Input("number", required=True, dimension="duration_per_item",
                               doc="ideal time per piece (unit s, min, h) or pieces per time (unit 1/h, 1/min)"),
                "pieces_per_cycle": Input("number", doc="cavities or multi-up, where pri_s is the time of a cycle"),
                "provenance": Input(doc="where the rate stands; default: the export"),
                "valid_from": Input("time", doc="default: always"),
                "valid_to": Input("time", doc="exclusive; default: still valid"),
            },
            id="ideal_rate_id", key=("equipment", "material", "tool", "rate_basis", "valid_from"),
            mode="snapshot", modes=("upsert", "snapshot"),
        ),
        TableSpec(
            "tag", "one row per version of a historian tag", Tag,
            {
                "tag": Input(required=True, doc="tag name, verbatim"),
                "equipment": Input(),
                "semantic": Input(doc=f"one of {', '.join(TAG_SEMANTICS)}; default OTHER"),
                "description": Input(),
                "unit": Input(doc="UCUM or common unit"),
                "value_type": Input(doc="NUM, BOOL, ENUM, TEXT"),
                "is_step": Input("boolean"),
            },
            id="tag_id", key=("tag",), mode="snapshot", modes=("upsert", "snapshot"),
        ),
        TableSpec(
            "historian_sample", "one row per sample of one tag", HistorianSample,
            {
                "tag": Input(doc="column with the tag name (long files); in wide files, whose a record is: <tag>/<column>"),
                "ts": Input("time", required=True),
                "value": Input(doc="column with the value (long files); numbers and words alike"),
                "quality": Input(doc="quality as delivered: GOOD/BAD words, or an OPC code with `map`"),
                "tags": Input(doc="wide files: `from` lists the value columns (or one regex between slashes); each is a tag"),
            },
            id=None, key=("tag", "ts"), time="ts", mode="append", modes=("append", "window"),
            alternatives=(("value", "tags"),),
        ),
        *FURTHER,
    )
}  # fmt: skip

STATEMENTS: dict[str, dict[str, pl.DataType | type[pl.DataType]]] = {
    "plant": {
        "plant_id": pl.String, "plant_name": pl.String, "company": pl.String, "country_code": pl.String, "timezone": pl.String,
        "production_day_start": pl.String, "currency": pl.String, "reporting_currency": pl.String,
        "acquired_on": pl.Date, "divested_on": pl.Date,
        "data_start_on": pl.Date, "owner": pl.String, "calendar": pl.String,
        "assumed_calendar": pl.Boolean, "assumed_rate": pl.Boolean, "assumptions": pl.String,
    },
    "plant_setting": {
        "plant_id": pl.String, "equipment_id": pl.String, "valid_from": UTC_US, "valid_to": UTC_US,
        "microstop_s": pl.Int64, "plan_freeze_s": pl.Int64, "min_rate_coverage": pl.Float64, "flicker": pl.Boolean,
    },
    "plant_definition_profile": {
        "plant_id": pl.String, "breaks_in_pbt": pl.Boolean, "planned_maint_in_pbt": pl.Boolean, "no_demand_in_pbt": pl.Boolean,
        "setup_in_pbt": pl.Boolean, "rework_counts_as_good": pl.Boolean, "microstop_threshold_s": pl.Int64, "rate_basis": pl.String,
        "perf_capped_at_source": pl.Boolean, "scrap_scope": pl.String, "oee_scope": pl.String,
    },
    "line_station": {
        "plant_id": pl.String, "line_id": pl.String, "equipment_id": pl.String, "position": pl.Int32, "parallel_group": pl.Int32,
        "is_constraint_default": pl.Boolean, "is_output_counter": pl.Boolean, "valid_from": pl.Date,
    },
    "class_precedence": {"plant_id": pl.String, "source_system": pl.String, "state_class": pl.String, "level": pl.Int32},
    "source_setting": {
        "plant_id": pl.String, "source_system": pl.String, "clock_offset_s": pl.Float64, "clock_reference": pl.String,
    },
    "clock_offset": {
        "plant_id": pl.String, "source_system": pl.String, "day": pl.Date, "offset_s": pl.Float64, "pairs": pl.Int64,
        "iqr_s": pl.Float64, "is_applied": pl.Boolean,
    },
    "rate_basis_rank": {"plant_id": pl.String, "rate_basis": pl.String, "rank": pl.Int32},
    "source_watermark": {"plant_id": pl.String, "source_system": pl.String, "data_from": UTC_US, "data_to": UTC_US},
    "production_day": {
        "plant_id": pl.String, "month": pl.String, "production_day": pl.Date, "start_ts": UTC_US, "end_ts": UTC_US,
    },
    "map_downtime_reason": {
        "plant_id": pl.String, "source_system": pl.String, "source_code": pl.String, "reason_code": pl.String,
        "mapped_by": pl.String, "approved_at": UTC_US, "valid_from": UTC_US, "valid_to": UTC_US,
    },
    "product_family": {"plant_id": pl.String, "material_id": pl.String, "family": pl.String, "weight": pl.Float64},
    "emission_factor": {
        "plant_id": pl.String, "carrier": pl.String, "kg_per_kwh": pl.Float64, "valid_from": UTC_US, "valid_to": UTC_US,
        "basis": pl.String,
    },
    "economics": {
        "plant_id": pl.String, "equipment_id": pl.String, "regime": pl.String, "contribution_per_unit": pl.Float64,
        "avoidable_cost_per_h": pl.Float64, "material_cost_per_unit": pl.Float64, "currency": pl.String,
        "valid_from": pl.Date, "valid_to": pl.Date,
    },
    "fx_rate": {
        "plant_id": pl.String, "from_ccy": pl.String, "to_ccy": pl.String, "period": pl.Date, "rate_type": pl.String,
        "rate": pl.Decimal(18, 8),
    },
    "equipment_class": {"plant_id": pl.String, "equipment_class": pl.String, "name": pl.String, "family": pl.String},
    "kpi_target": {
        "plant_id": pl.String, "kpi_id": pl.String, "scope_type": pl.String, "scope_id": pl.String, "target": pl.Float64,
        "valid_from": pl.Date, "valid_to": pl.Date,
    },
}  # fmt: skip
"""What plant files, vocabularies and calendars state, as tables: rewritten for a plant, or for its month, where they state something else.

`plant.calendar` is pattern, records or none; `equipment_id` of `plant_setting` and `economics` is '*' for the whole plant;
`map_downtime_reason` knows '*' for any plant and any source; `source_watermark.data_to` is up to when a source has told everything;
`production_day.month` is the UTC month in which the day starts. `clock_offset` follows from the events of silver (rule T17): `day` is the
UTC date of a source's raw stamp. `PORTFOLIO` states nothing of a plant: its `plant_id` is '*'.
"""
PORTFOLIO = ("fx_rate", "equipment_class", "kpi_target")
"""Statement tables of the whole portfolio: written once, whatever plants there are."""
