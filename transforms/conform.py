"""Conform: one export's records become accepted canonical rows, rejected rows with their reasons, and counts that add up.

Here: the order of the steps and the account (read = accepted + rejected + filtered; duplicates are found by the merge). Elsewhere:
the mapping vocabulary (`transforms.mapping`), canonical rows (`transforms.canonical`), row rules (`transforms.tables`), samples of
historians, which are too many for this path (`transforms.samples`), versions (`transforms.revisions`), storage (`pipelines`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import polars as pl

from connectors.contract import ROW
from connectors.models import Column
from transforms import clock
from transforms.canonical import canonical
from transforms.mapping import REJECT, Reading, as_text, check_columns, evaluate, mark_skipped
from transforms.tables import TABLES, UTC_US, TableSpec

SURPLUS = "_surplus"
FUTURE = timedelta(minutes=5)

REJECTED_SCHEMA: dict[str, Any] = {"row_number": pl.Int64, "rule": pl.String, "detail": pl.String, "raw_row": pl.String}


@dataclass(frozen=True)
class Conformed:
    """What became of the records of one export in one table."""

    accepted: pl.DataFrame
    rejected: pl.DataFrame
    read: int
    filtered_by: dict[str, int] = field(default_factory=dict)
    data_from: datetime | None = None
    data_to: datetime | None = None
    equipment: frozenset[str] = frozenset()
    """Codes of the units that accepted rows name."""
    materials: frozenset[str] = frozenset()
    """Numbers of the materials that accepted rows name."""
    refused: pl.Series = field(default_factory=lambda: pl.Series("id", [], dtype=pl.String))
    """Ids of the rejected records, as far as their keys could be read: they were delivered, so nobody deleted them."""
    movable: pl.Series = field(default_factory=lambda: pl.Series("id", [], dtype=pl.String))
    """Ids of accepted records whose key says nothing of their time: another version of them may stand in any month."""

    @property
    def filtered(self) -> int:
        return sum(self.filtered_by.values())


def conform(records: pl.LazyFrame, reading: Reading) -> Conformed:
    """Conforms one export for one table.

    `records` is what the connector read: source columns and `_row`. `accepted` rows have every column of the table's schema with
    revision 1. Raises ConformError when the mapping and the file do not fit each other (nothing is loaded then).
    """
    return conform_together([records.collect(engine="streaming")], [reading])[0]


def conform_together(exports: Sequence[pl.DataFrame], readings: Sequence[Reading]) -> list[Conformed]:
    """Conforms several exports of one source for one table at once; each gives what it would give alone.

    The frames have the same columns and types, and the readings differ in nothing but their export (name, batch, times). A hundred
    small files take little more time so than one. Raises ConformError as `conform` does, without saying for which of the exports:
    the caller then takes them one by one.
    """
    reading, spec = readings[0], TABLES[readings[0].table_name]
    if len(exports) > 1 and _feels_neighbours(reading, spec):
        return [conform_together([export], [own])[0] for export, own in zip(exports, readings, strict=True)]
    frame, starts = _stacked(exports)
    check_columns(reading, frame.columns)
    skipped = mark_skipped(frame, reading.table)
    kept = frame.filter(skipped.is_null())
    inputs = evaluate(kept, reading, spec)
    if len(exports) > 1 and _reads_otherwise_alone(inputs, reading, spec):
        return [conform_together([export], [own])[0] for export, own in zip(exports, readings, strict=True)]
    inputs = _with_keys(inputs, kept, reading)
    rows = _future_is_rejected(_surplus_is_rejected(canonical(inputs, reading, spec), kept), reading, spec)
    ids = rows.select("_row_number", pl.col(spec.id).alias("id") if spec.id else pl.lit(None, dtype=pl.String).alias("id"))
    accepted, rejected = _accept(rows, spec)
    good = ids["_row_number"].is_in(accepted["_row_number"].to_list())
    named = inputs.filter(good)
    parts = _Parts(starts)
    found = zip(
        exports, readings, parts.of(accepted, "_row_number"), parts.of(quarantine(rejected, kept), "row_number"),
        parts.of(frame.select(ROW, skipped.alias("skip")), ROW), parts.of(named, ROW),
        parts.of(ids.filter(~good), "_row_number"), parts.of(ids.filter(good & ~_holds_time(inputs, reading, spec)), "_row_number"),
        strict=True,
    )  # fmt: skip
    return [_one(spec, *of_export) for of_export in found]


def _one(
    spec: TableSpec, records: pl.DataFrame, reading: Reading, accepted: pl.DataFrame, rejected: pl.DataFrame, skipped: pl.DataFrame,
    named: pl.DataFrame, refused: pl.DataFrame, movable: pl.DataFrame,
) -> Conformed:  # fmt: skip
    """What became of one of the exports that were conformed together."""
    rows = accepted.with_columns(
        pl.lit(reading.batch_id).alias("_batch_id"),
        pl.lit(reading.export).alias("_source_object"),
        pl.lit(reading.extracted_at, dtype=UTC_US).alias("_extracted_at"),
    )
    start, end = _span(rows, spec)
    return Conformed(
        rows, rejected, len(records), _counted(skipped["skip"]), start, _most(end, _until(named, spec)),
        _codes(rows, "equipment_code"), _codes(named, "material"), refused["id"].drop_nulls(), movable["id"].drop_nulls(),
    )  # fmt: skip


def _stacked(exports: Sequence[pl.DataFrame]) -> tuple[pl.DataFrame, list[int]]:
    """The exports one below the other, and what to take from the `_row` of each to have its own again."""
    starts = [0]
    for export in exports[:-1]:
        starts.append(starts[-1] + (export.select(pl.col(ROW).max()).item() or 0))
    moved = [export.with_columns(pl.col(ROW) + start) for export, start in zip(exports, starts, strict=True)]
    return pl.concat(moved) if len(moved) > 1 else exports[0], starts


@dataclass(frozen=True)
class _Parts:
    """Takes apart again what was stacked."""

    starts: list[int]

    def of(self, frame: pl.DataFrame, row: str) -> list[pl.DataFrame]:
        """The rows of each export, with the numbers that they have there."""
        if len(self.starts) == 1:
            return [frame]
        starts = pl.Series(self.starts, dtype=pl.Int64)
        number = starts.search_sorted(frame[row].cast(pl.Int64), side="left").cast(pl.Int64) - 1
        own = frame.with_columns(pl.col(row) - starts.gather(number), number.alias("_export"))
        found = own.partition_by("_export", as_dict=True, include_key=False)
        nothing = frame.clear()
        return [found.get((export,), nothing) for export in range(len(self.starts))]


def _feels_neighbours(reading: Reading, spec: TableSpec) -> bool:
    """Whether a row may depend on other records of its file (loggers' intervals, SQL with windows) or on the name of the file."""
    rules = reading.table.columns
    dates = [rule for name, rule in rules.items() if rule.shift or (name in spec.inputs and spec.inputs[name].type == "date")]
    has_sql = any(rule.sql for rule in rules.values())
    return bool(reading.table.intervals) or has_sql or spec.name == "ideal_rate" or any(not rule.format for rule in dates)


def _reads_otherwise_alone(inputs: pl.DataFrame, reading: Reading, spec: TableSpec) -> bool:
    """Whether the order of records or the layout of their neighbours decides what a time means: only in the repeated hour, and in
    texts without a stated format that are not strictly ISO 8601."""
    timed = [(name, rule) for name, rule in reading.table.columns.items() if name in spec.inputs and spec.inputs[name].type == "time"]
    return any(_is_repeated(inputs[name], rule, reading) or _is_odd(inputs[f"{name}_source"], rule) for name, rule in timed)


def _is_odd(texts: pl.Series, rule: Column) -> bool:
    return not rule.format and not rule.shift and not texts.str.contains(clock.ISO).all()


def _is_repeated(times: pl.Series, rule: Column, reading: Reading) -> bool:
    zone = rule.timezone or reading.zone
    if zone == "UTC" or reading.source.no_dst or rule.shift:
        return False
    written = times.dt.offset_by("1us") if rule.stamped == "end" else times
    local = written.dt.convert_time_zone(zone).dt.replace_time_zone(None)
    return local.dt.replace_time_zone(zone, ambiguous="null", non_existent="null").null_count() > times.null_count()


def _holds_time(inputs: pl.DataFrame, reading: Reading, spec: TableSpec) -> pl.Series:
    """Per record, whether its key holds the text of its time, so that no version of it can lie in another month.

    A source's own number (of an event, of a document) says nothing of the time.
    """
    yes = pl.Series([True], dtype=pl.Boolean).new_from_index(0, len(inputs))
    if spec.time is None:
        return yes
    own = {"equipment_state_event": "event", "production_count": "document"}.get(spec.name)
    if reading.table.key:
        texts = {text for name in (spec.time, "day") for text in _texts(reading.table.columns.get(name))}
        return yes if texts and texts <= set(reading.table.key) else ~yes
    return inputs[own].is_null() if own else yes


def _texts(rule: Column | None) -> list[str]:
    """The source columns that a time is made of."""
    return [*(rule.from_ or ()), *([rule.shift] if rule.shift else [])] if rule else []


def _with_keys(inputs: pl.DataFrame, kept: pl.DataFrame, reading: Reading) -> pl.DataFrame:
    return inputs.with_columns(kept.select(as_text(kept, name).alias(f"key:{name}") for name in reading.table.key or ()))


def _counted(skipped: pl.Series) -> dict[str, int]:
    counts = skipped.drop_nulls().value_counts(sort=True).rows()
    return {str(name): int(count) for name, count in counts}


def too_many_fields(kept: pl.DataFrame) -> list[pl.Series]:
    """The reason of a record with more fields than the header: its text has shifted, and nothing in it can be trusted."""
    if SURPLUS not in kept.columns or kept[SURPLUS].null_count() == len(kept):
        return []
    reason = pl.when(pl.col(SURPLUS).is_not_null()).then(pl.lit("TOO_MANY_FIELDS: the record has more fields than the header"))
    return [kept.select(reason.alias("r"))["r"]]


def _surplus_is_rejected(rows: pl.DataFrame, kept: pl.DataFrame) -> pl.DataFrame:
    for reason in too_many_fields(kept):
        rows = rows.with_columns(reason.alias("_r")).with_columns(
            pl.when(pl.col("_r").is_not_null()).then(pl.concat_list(REJECT, "_r")).otherwise(pl.col(REJECT)).alias(REJECT)
        ).drop("_r")  # fmt: skip
    return rows


def _future_is_rejected(rows: pl.DataFrame, reading: Reading, spec: TableSpec) -> pl.DataFrame:
    """Rule T17: what happened cannot lie after its ingestion; plans and orders may."""
    if spec.name not in ("equipment_state_event", "production_count"):
        return rows
    late = (rows[str(spec.time)] > reading.ingested_at + FUTURE).fill_null(False)
    if not late.any():
        return rows
    return _reject(rows, late, f"FUTURE_TS: {spec.time} lies after the ingestion")


def _reject(rows: pl.DataFrame, where: pl.Series, reason: str) -> pl.DataFrame:
    marked = pl.when(pl.col("_where")).then(pl.concat_list(pl.col(REJECT), pl.lit(reason))).otherwise(pl.col(REJECT))
    return rows.with_columns(where.alias("_where")).with_columns(marked.alias(REJECT)).drop("_where")


def _accept(rows: pl.DataFrame, spec: TableSpec) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Accepted rows, and `_row_number` with the reasons of the others: those of the mapping, then the rules of the schema."""
    readable = rows.filter(pl.col(REJECT).list.len() == 0)
    unreadable = rows.filter(pl.col(REJECT).list.len() > 0).select(pl.col("_row_number"), pl.col(REJECT).alias("reasons"))
    good, failure = _rules(readable.drop(REJECT), spec)
    return good, pl.concat([unreadable, failure]).sort("_row_number")


def _rules(rows: pl.DataFrame, spec: TableSpec) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Rows that keep every rule of the table's schema, and the names of the rules that the others break."""
    good, failure = spec.schema.filter(rows, cast=True)
    details = failure.details()
    rules = [name for name in details.columns if name not in rows.columns]
    broken = [pl.when(pl.col(rule) == "invalid").then(pl.lit(_rule_name(rule))) for rule in rules]
    names = pl.concat_list(broken).list.drop_nulls() if broken else pl.lit([], dtype=pl.List(pl.String))
    return good.with_columns(pl.col(pl.Enum).cast(pl.String)), details.select("_row_number", names.alias("reasons"))


def _rule_name(rule: str) -> str:
    """A rule of the schema as a reason.

    >>> _rule_name("start_ts|nullability"), _rule_name("NEG_DURATION")
    ('MISSING: start_ts', 'NEG_DURATION')
    """
    column, _, check = rule.partition("|")
    if not check:
        return column
    return f"{ {'nullability': 'MISSING', 'dtype': 'BAD_TYPE'}.get(check, 'OUT_OF_RANGE') }: {column}"


def quarantine(rejected: pl.DataFrame, kept: pl.DataFrame) -> pl.DataFrame:
    """Rejected rows with the whole record as delivered (JSON)."""
    if rejected.is_empty():
        return pl.DataFrame(schema=REJECTED_SCHEMA)
    columns = [name for name in kept.columns if name != ROW]
    raw = kept.filter(pl.col(ROW).is_in(rejected["_row_number"].to_list())).select(
        pl.col(ROW).alias("_row_number"),
        pl.struct(as_text(kept, name).alias(name) for name in columns).struct.json_encode().alias("raw_row"),
    )
    return rejected.join(raw, on="_row_number", how="left", maintain_order="left").select(
        pl.col("_row_number").alias("row_number"),
        pl.col("reasons").list.first().str.extract(r"^([A-Z_]+)", 1).alias("rule"),
        pl.col("reasons").list.join("; ").alias("detail"),
        "raw_row",
    )


def _codes(frame: pl.DataFrame, column: str) -> frozenset[str]:
    return frozenset(frame[column].drop_nulls().unique().to_list()) if column in frame.columns else frozenset()


def _until(inputs: pl.DataFrame, spec: TableSpec) -> datetime | None:
    """The end of the last shift, where records are stamped by their shift."""
    name = f"{spec.time}_until"
    return inputs[name].max() if name in inputs.columns else None  # type: ignore[return-value]


def _most(first: datetime | None, second: datetime | None) -> datetime | None:
    return max((moment for moment in (first, second) if moment is not None), default=None)


def _span(accepted: pl.DataFrame, spec: TableSpec) -> tuple[datetime | None, datetime | None]:
    """First and last instant of the accepted data."""
    if spec.time is None or accepted.is_empty():
        return None, None
    columns = [name for name in (spec.time, "end_ts") if name in accepted.columns]
    first, last = accepted.select(pl.col(spec.time).min().alias("first"), pl.max_horizontal(pl.col(columns).max()).alias("last")).row(0)
    return first, last
