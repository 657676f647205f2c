"""Makes canonical rows of the inputs of a mapping: what all tables share, and a short function for a table that needs more.

Here: ids, references, derived columns, defaults. Elsewhere: how inputs are read (`transforms.mapping`), which rows are accepted
(`transforms.conform`, by the schemas of `transforms.tables`), versions (`transforms.revisions`).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import polars as pl

from connectors.errors import ConfigError
from connectors.models import Intervals
from transforms import stamps, states, units
from transforms.keys import row_hash, stable_id
from transforms.mapping import REJECT, Reading
from transforms.tables import EVENT_CLASSES, LINEAGE, ORDER_STATUS, PLANNED_CLASSES, RATE_BASES, TABLES, TAG_SEMANTICS, TableSpec

EPOCH = pl.lit("1970-01-01").str.to_datetime(time_unit="us", time_zone="UTC")
NOT_BUSINESS = {*LINEAGE, "month", "start_ts_source", "end_ts_source", "source_uom"}


def canonical(inputs: pl.DataFrame, reading: Reading, spec: TableSpec) -> pl.DataFrame:
    """Rows with every column of the table's schema, plus `_reject`; revision and currency are set by the merge."""
    rows = BUILDERS.get(spec.name, as_mapped)(inputs, reading)
    if spec.id:
        rows = rows.with_columns(_key_text(reading, spec).alias("_source_key"))
        rows = rows.with_columns(_identity(reading, spec).alias(spec.id))
    if spec.time and "month" in spec.columns:
        rows = rows.with_columns(pl.col(spec.time).dt.strftime("%Y-%m").alias("month"))
    return rows.with_columns(_lineage(reading)).with_columns(_hash(spec, rows)).select(*spec.columns, REJECT)


def _key_text(reading: Reading, spec: TableSpec) -> pl.Expr:
    """The natural key verbatim: the source columns of `key`, else the canonical inputs that identify a record."""
    parts = [pl.col(name) for name in _key_columns(reading, spec)]
    return pl.concat_str([part.cast(pl.String).fill_null("") for part in parts], separator="|")


def _key_columns(reading: Reading, spec: TableSpec) -> list[str]:
    if reading.table.key:
        return [f"key:{name}" for name in reading.table.key]
    return [_verbatim(name, spec) for name in spec.key]


def _verbatim(name: str, spec: TableSpec) -> str:
    """Times identify a record by their text as delivered, so that a corrected clock does not make a new record."""
    return f"{name}_source" if spec.inputs[name].type == "time" and name == spec.time else name


SHARED = {
    "equipment_id": ("equipment", ("equipment",)),
    "material_id": ("material", ("material",)),
    "order_id": ("order", ("order",)),
    "operation_id": ("operation", ("order", "operation")),
}
"""Ids that several systems of a plant share are not bound to one of them (namespace, inputs); the rest belong to their source."""


DERIVED_IDS = {"equipment_state_event": ("equipment", "start_ts_source", "state_word")}
"""What identifies a record without a number of its source, where that is not its whole natural key."""


def _identity(reading: Reading, spec: TableSpec) -> pl.Expr:
    plant = reading.plant.plant
    if spec.id in SHARED:
        namespace, parts = SHARED[spec.id]
        return stable_id(plant, namespace, [pl.col(name) for name in parts])
    if reading.table.key:
        return stable_id(plant, reading.source_id, [pl.col("_source_key")])
    derived = stable_id(plant, reading.source_id, [pl.col(name) for name in DERIVED_IDS.get(spec.name, ("_source_key",))])
    if not spec.own or spec.own[-1] not in reading.table.columns:
        return derived
    numbered = stable_id(plant, reading.source_id, [pl.col(name) for name in spec.own])
    return pl.when(pl.col(spec.own[-1]).is_not_null()).then(numbered).otherwise(derived)


def _lineage(reading: Reading) -> list[pl.Expr]:
    return [
        pl.lit(reading.plant.plant).alias("plant_id"),
        pl.lit(1, dtype=pl.Int32).alias("revision"),
        pl.lit(True).alias("is_current"),
        pl.lit(False).alias("is_deleted"),
        pl.lit(reading.batch_id).alias("_batch_id"),
        pl.lit(reading.source_id).alias("_source_system"),
        pl.lit(reading.export).alias("_source_object"),
        pl.col("_row").alias("_row_number"),
        pl.lit(reading.export_order).alias("_export_order"),
        pl.lit(reading.extracted_at, dtype=pl.Datetime("us", "UTC")).alias("_extracted_at"),
        pl.lit(reading.ingested_at, dtype=pl.Datetime("us", "UTC")).alias("_ingested_at"),
        pl.lit(reading.transform_version).alias("_transform_version"),
    ]


def _hash(spec: TableSpec, rows: pl.DataFrame) -> pl.Expr:
    return row_hash([name for name in spec.columns if name not in NOT_BUSINESS]).alias("_row_hash")


def reference(reading: Reading, namespace: str, column: str | None = None) -> pl.Expr:
    """The id of what a code names; null where the code is."""
    code = pl.col(column or namespace)
    return pl.when(code.is_not_null()).then(stable_id(reading.plant.plant, namespace, [code]))


def _operation(reading: Reading) -> pl.Expr:
    """The id of an operation of an order; null where either is unknown."""
    both = pl.col("order").is_not_null() & pl.col("operation").is_not_null()
    return pl.when(both).then(stable_id(reading.plant.plant, "operation", [pl.col("order"), pl.col("operation")]))


def _numbered(reading: Reading, column: str) -> pl.Expr:
    """The id of the record of this source to which it gave a number."""
    return stable_id(reading.plant.plant, reading.source_id, [pl.col(column)])


def _one_of(column: str, words: tuple[str, ...], rule: str) -> pl.Expr:
    """Adds a reason where a filled text is not one of the words."""
    wrong = pl.col(column).is_not_null() & ~pl.col(column).is_in(words)
    return _reject_where(wrong, pl.format(f"{rule}: {column} '{{}}'", pl.col(column)))


def _reject_where(wrong: pl.Expr, text: pl.Expr | str) -> pl.Expr:
    reason = text if isinstance(text, pl.Expr) else pl.lit(text)
    return pl.when(wrong).then(pl.concat_list(pl.col(REJECT), reason)).otherwise(pl.col(REJECT)).alias(REJECT)


def _allowed(rows: pl.DataFrame, column: str, words: tuple[str, ...], rule: str, default: str | None = None) -> pl.DataFrame:
    filled = rows.with_columns(pl.col(column).fill_null(default)) if default else rows
    checked = filled.with_columns(_one_of(column, words, rule))
    return checked.with_columns(pl.when(pl.col(column).is_in(words)).then(pl.col(column)).alias(column))


def _equipment(rows: pl.DataFrame, reading: Reading) -> pl.DataFrame:
    """Resolves aliases, refuses unknown codes where the plant file says so, and adds the id."""
    aliases = {alias: code for code, unit in reading.plant.equipment.units.items() for alias in unit.aliases}
    if aliases:
        rows = rows.with_columns(pl.col("equipment").replace(aliases))
    known = reading.known_equipment
    if known is not None:
        unknown = pl.col("equipment").is_not_null() & ~pl.col("equipment").is_in(list(known))
        rows = rows.with_columns(_reject_where(unknown, pl.format("UNKNOWN_EQUIPMENT: '{}'", pl.col("equipment"))))
    return rows.with_columns(pl.col("equipment").alias("equipment_code"), reference(reading, "equipment").alias("equipment_id"))


def _flags(rows: pl.DataFrame, *columns: str) -> pl.Expr:
    present = [pl.col(name) for name in columns if name in rows.columns]
    flags = pl.concat_list(present).list.drop_nulls().list.unique() if present else pl.lit([], dtype=pl.List(pl.String))
    return flags.alias("dq_flags")


def _text_columns(rows: pl.DataFrame, *names: str) -> pl.DataFrame:
    """Adds text columns that no mapped time brought along."""
    return rows.with_columns(pl.lit(None, dtype=pl.String).alias(name) for name in names if name not in rows.columns)


def _state_events(inputs: pl.DataFrame, reading: Reading) -> pl.DataFrame:
    rows = _text_columns(inputs, "start_ts_source", "end_ts_source", "start_ts_flag", "end_ts_flag")
    rows = _equipment(rows, reading)
    rows = _classed(rows)
    by_duration = pl.col("start_ts") + pl.duration(microseconds=(pl.col("duration") * 1e6).round().cast(pl.Int64))
    rows = rows.with_columns(pl.coalesce("end_ts", by_duration).alias("end_ts"))
    rows = _on_grid(rows, reading.table.intervals) if reading.table.intervals else stamps.repair_repeated_hour(rows, reading.zone)
    # Rule T11: what has no length has no seconds and is no failure, but the row is kept.
    rows = rows.with_columns(pl.when(pl.col("end_ts") == pl.col("start_ts")).then(pl.lit("ZERO_LENGTH")).alias("length_flag"))
    return rows.with_columns(
        pl.col("end_ts").is_null().alias("is_open"),
        reference(reading, "order").alias("order_id"),
        reference(reading, "material").alias("material_id"),
        pl.coalesce("source_state", "state_word").alias("source_state"),
        _flags(rows, "start_ts_flag", "end_ts_flag", "length_flag"),
    )


def _classed(rows: pl.DataFrame) -> pl.DataFrame:
    """The class of a word of a standard, and whether that state is a failure. `state_word` keeps what identifies the event: two
    states of one instant and one class are two events."""
    word = pl.col("state_class")
    rows = rows.with_columns(
        word.alias("state_word"),
        word.replace(states.classes()).alias("state_class"),
        pl.coalesce("is_failure", word.replace_strict(states.failures(), default=None, return_dtype=pl.Boolean)).alias("is_failure"),
    )
    return _allowed(rows, "state_class", EVENT_CLASSES, "UNKNOWN_STATE")


def _on_grid(rows: pl.DataFrame, intervals: Intervals) -> pl.DataFrame:
    """The other end of each interval of a logger: its neighbour's stamp, or its own grid line when that is nearer."""
    step = intervals.grid_s * 1_000_000
    micros = pl.col("start_ts").dt.epoch("us")
    order = ["start_ts", "_row"]
    if intervals.stamped == "end":
        line = ((micros + step - 1) // step) * step - step
        neighbour = micros.shift(1).over("equipment_id", order_by=order)
        start, end = pl.max_horizontal(line, neighbour), micros
    else:
        line = (micros // step) * step + step
        neighbour = micros.shift(-1).over("equipment_id", order_by=order)
        start, end = micros, pl.min_horizontal(line, neighbour)
    if intervals.first == "unknown":
        alone = neighbour.is_null()
        start, end = pl.when(alone).then(micros).otherwise(start), pl.when(alone).then(micros).otherwise(end)
    as_time = pl.Datetime("us", "UTC")
    return rows.with_columns(start.cast(as_time).alias("start_ts"), end.cast(as_time).alias("end_ts"))


def _counts(inputs: pl.DataFrame, reading: Reading) -> pl.DataFrame:
    rows = _text_columns(inputs, "event_ts_source", "event_ts_flag", "start_ts_flag")
    rows = _equipment(rows, reading)
    rows = _allowed(rows, "count_source", ("ERP_CONFIRMATION", "MES", "COUNTER", "MANUAL"), "UNKNOWN_WORD", default="MES")
    names = ("produced_qty", "good_qty", "scrap_qty", "rework_qty", "first_pass_good_qty")
    rows = _one_unit(rows, names)
    return rows.with_columns(
        *(_numbered(reading, name).alias(f"{name}_count_id") for name in ("reverses", "corrects")),
        *(pl.col(name).round(6).cast(pl.Decimal(18, 6), strict=False) for name in names),
        reference(reading, "order").alias("order_id"),
        _operation(reading).alias("operation_id"),
        reference(reading, "material").alias("material_id"),
        pl.col("tool").alias("tool_code"),
        pl.col("document").alias("document_no"),
        _flags(rows, "event_ts_flag", "start_ts_flag"),
    )


def _one_unit(rows: pl.DataFrame, names: Sequence[str]) -> pl.DataFrame:
    """Adds `uom` and `source_uom`, the unit of all quantities of a record; a record with several is refused."""
    found = {kind: [f"{name}_{kind}" for name in names if f"{name}_{kind}" in rows.columns] for kind in ("uom", "source_uom")}
    uoms = found["uom"]
    if len(uoms) > 1:
        mixed = pl.any_horizontal(pl.col(uoms[0]) != pl.col(name) for name in uoms)
        rows = rows.with_columns(_reject_where(mixed.fill_null(False), "MIXED_UNITS: quantities of one record differ in dimension"))
    unknown = pl.lit(None, dtype=pl.String)
    return rows.with_columns((pl.coalesce(each) if each else unknown).alias(kind) for kind, each in found.items())


def _orders(inputs: pl.DataFrame, reading: Reading) -> pl.DataFrame:
    rows = _equipment(inputs, reading)
    rows = _allowed(rows, "order_type", ("PRODUCTION", "REWORK", "TRIAL"), "UNKNOWN_WORD", default="PRODUCTION")
    rows = _allowed(rows, "status", ORDER_STATUS, "UNKNOWN_WORD")
    rows = _one_unit(rows, ("planned_qty", "planned_scrap_qty"))
    times = [f"{name}_flag" for name in ("planned_start_ts", "planned_end_ts", "due_ts", "actual_start_ts", "actual_end_ts")]
    return rows.with_columns(
        pl.col("order").alias("order_no"),
        reference(reading, "material").alias("material_id"),
        pl.col("plan_version").fill_null(1),
        *(pl.col(name).round(6).cast(pl.Decimal(18, 6), strict=False) for name in ("planned_qty", "planned_scrap_qty")),
        _flags(rows, *times),
    )


def _planned(inputs: pl.DataFrame, reading: Reading) -> pl.DataFrame:
    rows = _text_columns(inputs, "start_ts_source", "start_ts_flag", "end_ts_flag")
    rows = _equipment(rows, reading)
    rows = _allowed(rows, "planned_class", PLANNED_CLASSES, "UNKNOWN_WORD")
    return rows.with_columns(_flags(rows, "start_ts_flag", "end_ts_flag"))


def _shift_instances(inputs: pl.DataFrame, reading: Reading) -> pl.DataFrame:
    rows = _text_columns(_equipment(inputs, reading), "start_ts_source", "end_ts_source")
    windows = stamps.shift_bounds(rows["day"], rows["shift_code"], reading.plant)
    rows = rows.with_columns(
        pl.coalesce(pl.col("start_ts"), windows["start_ts"]).alias("start_ts"),
        pl.coalesce(pl.col("end_ts"), windows["end_ts"]).alias("end_ts"),
    )
    no_window = pl.col("day").is_not_null() & pl.col("shift_code").is_not_null() & pl.col("start_ts").is_null()
    rows = rows.with_columns(_reject_where(no_window, pl.format("UNKNOWN_SHIFT: '{}'", pl.col("shift_code"))))
    day = stamps.production_days(pl.col("start_ts"), reading.plant)
    return rows.with_columns(
        pl.coalesce(pl.col("start_ts_source"), pl.col("day").cast(pl.String)).alias("start_ts_source"),
        day.alias("production_day"), pl.lit(_shift_source(reading)).alias("source"), _flags(rows),
    )  # fmt: skip


def _shift_source(reading: Reading) -> str:
    """Where a window comes from: the plant file's pattern (or, without a calendar, its whole days), else the plant's records."""
    if reading.batch_id != "plant_file":
        return "MES"
    return "NONE" if reading.plant.calendar_kind == "none" else "PATTERN"


def _equipment_master(inputs: pl.DataFrame, reading: Reading) -> pl.DataFrame:
    """A piece of equipment as delivered; what the plant file says of lines and their stations counts above that."""
    plant = reading.plant
    rows = _equipment(inputs, reading)
    rows = _allowed(rows, "state_method", ("MEASURED", "RESIDUAL", "NONE"), "UNKNOWN_WORD", default=reading.state_method)
    lines, line_of = list(plant.lines), {station: code for code, line in plant.lines.items() for station in line.codes}
    is_line, is_station = pl.col("equipment").is_in(lines), pl.col("equipment").is_in(list(line_of))
    areas = [line.area for line in plant.lines.values() if line.area]  # a work unit above a line is not meant: it is the default
    is_area = pl.col("equipment").is_in(areas) & (pl.col("level").fill_null("WorkUnit") == "WorkUnit")
    level = (
        pl.when(is_line).then(pl.lit("ProductionLine")).when(is_area).then(pl.lit("Area")).otherwise(pl.col("level").fill_null("WorkUnit"))
    )
    above = {**line_of, **{code: line.area for code, line in plant.lines.items() if line.area}}
    stated = pl.col("equipment").replace_strict(above, default=None, return_dtype=pl.String)
    scope = pl.col("kpi_scope") if "kpi_scope" in rows.columns else pl.lit("MACHINE")
    return rows.with_columns(pl.coalesce(stated, "parent").alias("parent")).with_columns(
        pl.coalesce("equipment_name", "equipment").alias("equipment_name"),
        reference(reading, "equipment", "parent").alias("parent_equipment_id"),
        level.alias("level"),
        pl.coalesce(pl.col("equipment_class"), pl.lit(plant.equipment.class_)).alias("equipment_class"),
        pl.col("physical_asset").alias("physical_asset_id"),
        ((pl.col("is_kpi_unit").fill_null(True) | is_line) & ~pl.col("equipment").is_in(list(plant.equipment.not_kpi_units))).alias(
            "is_kpi_unit"
        ),
        (~is_station).alias("in_rollup"),
        pl.when(is_line).then(pl.lit("LINE")).otherwise(scope).alias("kpi_scope"),
        _flags(rows),
    )


def _materials(inputs: pl.DataFrame, reading: Reading) -> pl.DataFrame:
    rows = _ucum(inputs, "base_uom", reading)
    return rows.with_columns(
        reference(reading, "material").alias("material_id"),
        pl.col("material").alias("local_material_no"),
        *(pl.col(name).round(6).cast(pl.Decimal(18, 6), strict=False) for name in ("standard_cost", "contribution_margin")),
        _flags(rows, "base_uom_flag"),
    )


def _ucum(rows: pl.DataFrame, column: str, reading: Reading) -> pl.DataFrame:
    """A column of units as UCUM codes, by the plant's words for them; one that is no unit stays as it is, with a flag."""
    known: dict[str, str] = {}
    for word in rows[column].drop_nulls().unique().to_list():
        try:
            known[word] = units.unit(word, reading.unit_aliases).ucum
        except ConfigError:
            continue
    strange = pl.col(column).is_not_null() & ~pl.col(column).is_in(list(known))
    flag = pl.when(strange).then(pl.lit("UNKNOWN_UNIT")).alias(f"{column}_flag")
    return rows.with_columns(flag, pl.col(column).replace(known))


def _ideal_rates(inputs: pl.DataFrame, reading: Reading) -> pl.DataFrame:
    rows = _text_columns(_equipment(inputs, reading), "valid_from_flag", "valid_to_flag")
    rows = _allowed(rows, "rate_basis", RATE_BASES, "UNKNOWN_WORD", default="ENGINEERED")
    cycle = pl.col("pieces_per_cycle").fill_null(1.0)
    positive = (pl.col("pri_s") > 0) & pl.col("pri_s").is_finite() & (cycle > 0)
    rows = rows.with_columns(_reject_where(pl.col("pri_s").is_not_null() & ~positive, "NOT_POSITIVE: pri_s"))
    return rows.with_columns(
        pl.when(positive).then(pl.col("pri_s") / cycle).alias("pri_s"),
        reference(reading, "material").alias("material_id"),
        pl.col("tool").alias("tool_code"),
        pl.col("provenance").fill_null(reading.export),
        pl.coalesce(pl.col("valid_from"), EPOCH).alias("valid_from"),
        _flags(rows, "valid_from_flag", "valid_to_flag"),
    )


def _tags(inputs: pl.DataFrame, reading: Reading) -> pl.DataFrame:
    rows = _allowed(_equipment(inputs, reading), "semantic", TAG_SEMANTICS, "UNKNOWN_WORD", default="OTHER")
    rows = _allowed(rows, "value_type", ("NUM", "BOOL", "ENUM", "TEXT"), "UNKNOWN_WORD")
    return rows.with_columns(pl.col("tag").alias("tag_name"), _flags(rows))


def as_mapped(inputs: pl.DataFrame, reading: Reading) -> pl.DataFrame:
    """The columns of a table that are its inputs: defaults, closed words, references, decimals, one unit a record."""
    spec = TABLES[reading.table_name]
    times = [name for name, wanted in spec.inputs.items() if wanted.type == "time"]
    rows = _text_columns(inputs, *(f"{name}_source" for name in times), *(f"{name}_flag" for name in times))
    rows = _one_unit(rows, [name for name, wanted in spec.inputs.items() if wanted.dimension in ("quantity", "energy")])
    for name, wanted in spec.inputs.items():
        if wanted.default is not None:
            rows = rows.with_columns(pl.col(name).fill_null(pl.lit(wanted.default)))
        dtype = spec.columns.get(wanted.column or name)
        if isinstance(dtype, pl.Enum):
            rows = _allowed(rows, name, tuple(dtype.categories), "UNKNOWN_WORD")
    for start in times:
        if (end := start.replace("start", "end")) != start and end in times:
            rows = stamps.repair_repeated_hour(rows, reading.zone, start, end)
    if "equipment" in spec.inputs:
        rows = _equipment(rows, reading)
    rows = rows.with_columns(
        reference(reading, name).alias(f"{name}_id") for name in ("order", "material") if name in spec.inputs and f"{name}_id" != spec.id
    )
    held = {wanted.column or name: name for name, wanted in spec.inputs.items() if (wanted.column or name) in spec.columns}
    return rows.with_columns(
        *(_fitting(name, spec.columns[column]).alias(column) for column, name in held.items()),
        _flags(rows, *(f"{name}_flag" for name in times)),
    )


def _fitting(name: str, dtype: pl.DataType) -> pl.Expr:
    return pl.col(name).round(dtype.scale).cast(dtype, strict=False) if isinstance(dtype, pl.Decimal) else pl.col(name)


def _scrap(inputs: pl.DataFrame, reading: Reading) -> pl.DataFrame:
    return as_mapped(inputs, reading).with_columns(_numbered(reading, "document").alias("count_id"))


def _movements(inputs: pl.DataFrame, reading: Reading) -> pl.DataFrame:
    return as_mapped(inputs, reading).with_columns(_numbered(reading, "reverses").alias("reverses_movement_id"))


def _labour(inputs: pl.DataFrame, reading: Reading) -> pl.DataFrame:
    span = (pl.col("end_ts") - pl.col("start_ts")).dt.total_microseconds() / 1e6
    return as_mapped(inputs.with_columns(pl.coalesce("attended_s", span).alias("attended_s")), reading)


def _costs(inputs: pl.DataFrame, reading: Reading) -> pl.DataFrame:
    return as_mapped(inputs.with_columns(pl.col("period").dt.month_start()), reading)


def _conversions(inputs: pl.DataFrame, reading: Reading) -> pl.DataFrame:
    rows = _ucum(inputs, "from_uom", reading)
    strange = pl.format("UNKNOWN_UNIT: from_uom '{}'", pl.col("from_uom"))
    return as_mapped(rows.with_columns(_reject_where(pl.col("from_uom_flag").is_not_null(), strange)), reading)


BUILDERS: dict[str, Callable[[pl.DataFrame, Reading], pl.DataFrame]] = {
    "equipment_state_event": _state_events,
    "production_count": _counts,
    "production_order": _orders,
    "planned_downtime": _planned,
    "shift_instance": _shift_instances,
    "equipment": _equipment_master,
    "material": _materials,
    "ideal_rate": _ideal_rates,
    "tag": _tags,
    "scrap": _scrap,
    "goods_movement": _movements,
    "labour_time": _labour,
    "cost": _costs,
    "uom_conversion": _conversions,
}
"""What makes the rows of a table that is more than its inputs, which `as_mapped` takes."""
