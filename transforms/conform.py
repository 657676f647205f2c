"""Conform: one export's records become accepted canonical rows, rejected rows with their reasons, and counts that add up.

Here: the order of the steps and the account (read = accepted + rejected + filtered; duplicates are found by the merge). Elsewhere:
the mapping vocabulary (`transforms.mapping`), canonical rows (`transforms.canonical`), row rules (`transforms.tables`), samples of
historians, which are too many for this path (`transforms.samples`), versions (`transforms.revisions`), storage (`pipelines`).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import polars as pl

from connectors.contract import ROW, SURPLUS, UNREADABLE
from connectors.models import Column
from transforms import clock
from transforms.canonical import canonical
from transforms.mapping import REJECT, Reading, as_mapped, as_text, check_columns, condition, evaluate, mark_skipped, veiled
from transforms.tables import TABLES, UTC_US, TableSpec

FUTURE = timedelta(minutes=5)
EXPORT = "_export"

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
    stack = _Stack.of([as_mapped(export, reading.source) for export in exports])
    check_columns(reading, stack.frame.columns)
    skipped = mark_skipped(stack.frame, reading.table)
    kept = stack.frame.filter(skipped.is_null())
    inputs = evaluate(kept, reading, spec)
    if len(exports) > 1 and _reads_otherwise_alone(inputs, reading, spec):
        return [conform_together([export], [own])[0] for export, own in zip(exports, readings, strict=True)]
    if (still := _without_step(inputs, reading, spec)) is not None:
        skipped = skipped.scatter(skipped.is_null().arg_true().filter(still), "no_step")
        kept, inputs = kept.filter(~still), inputs.filter(~still)
    shown = veiled(kept, reading)
    inputs = _with_keys(inputs, shown, reading)
    rows = _withdrawn(canonical(inputs, reading, spec), kept, reading)
    rows = _future_is_rejected(_surplus_is_rejected(rows, kept, reading), reading, spec)
    accepted, rejected = _accept(rows, spec)
    good = rows["_row_number"].is_in(accepted["_row_number"].implode())
    ids = rows.select("_row_number", (pl.col(spec.id) if spec.id else pl.lit(None, dtype=pl.String)).alias("id"))
    found = _Found(
        stack.marked(accepted, "_row_number"),
        stack.marked(quarantine(rejected, shown), "row_number"),
        stack.marked(stack.frame.select(ROW, skipped.alias("skip")).drop_nulls("skip"), ROW),
        stack.marked(inputs.filter(good), ROW),
        stack.marked(ids.filter(~good), "_row_number"),
        stack.marked(ids.filter(good & ~_holds_time(inputs, reading, spec)), "_row_number"),
    )
    return found.of_each(exports, readings, spec)


@dataclass(frozen=True)
class _Stack:
    """The records of several exports one below the other."""

    frame: pl.DataFrame
    starts: pl.Series
    """What was added to the `_row` of each export."""

    @classmethod
    def of(cls, exports: Sequence[pl.DataFrame]) -> _Stack:
        starts = [0]
        for export in exports[:-1]:
            starts.append(starts[-1] + (export.select(pl.col(ROW).max()).item() or 0))
        moved = [export.with_columns(pl.col(ROW) + start) if start else export for export, start in zip(exports, starts, strict=True)]
        return cls(pl.concat(moved), pl.Series(starts, dtype=pl.Int64))

    def marked(self, rows: pl.DataFrame, row: str) -> pl.DataFrame:
        """With the number of each row's export in `_export`; the column `row` as it is in that export."""
        number = self.starts.search_sorted(rows[row].cast(pl.Int64), side="left").cast(pl.Int64) - 1
        return rows.with_columns(pl.col(row) - self.starts.gather(number), number.alias(EXPORT))


@dataclass(frozen=True)
class _Found:
    """What became of the records of exports that were conformed together, each row with the number of its export."""

    accepted: pl.DataFrame
    rejected: pl.DataFrame
    skipped: pl.DataFrame
    named: pl.DataFrame
    """The inputs of the accepted rows."""
    refused: pl.DataFrame
    movable: pl.DataFrame

    def of_each(self, exports: Sequence[pl.DataFrame], readings: Sequence[Reading], spec: TableSpec) -> list[Conformed]:
        number = self.accepted[EXPORT]
        accepted = self.accepted.with_columns(
            pl.Series([own.batch_id for own in readings], dtype=pl.String).gather(number).alias("_batch_id"),
            pl.Series([own.export for own in readings], dtype=pl.String).gather(number).alias("_source_object"),
            pl.Series([own.extracted_at for own in readings], dtype=UTC_US).gather(number).alias("_extracted_at"),
        )
        rows, rejected, skipped = _parts(accepted), _parts(self.rejected), _parts(self.skipped)
        refused, movable = _parts(self.refused), _parts(self.movable)
        spans, until = _per_export(accepted, *_span(spec, accepted)), _per_export(self.named, *_until(spec, self.named))
        units, materials = _codes(accepted, "equipment_code"), _codes(self.named, "material")
        return [
            Conformed(
                rows[i], rejected[i], len(export), _counted(skipped[i]["skip"]), spans[i][0], _most(spans[i][1], until[i][0]),
                units[i], materials[i], refused[i]["id"].drop_nulls(), movable[i]["id"].drop_nulls(),
            )
            for i, export in enumerate(exports)
        ]  # fmt: skip


def _parts(rows: pl.DataFrame) -> Mapping[int, pl.DataFrame]:
    """The rows of each export."""
    nothing = rows.clear().drop(EXPORT)
    parts: dict[int, pl.DataFrame] = defaultdict(lambda: nothing)
    if len(rows):
        parts.update({key[0]: part for key, part in rows.partition_by(EXPORT, as_dict=True, include_key=False).items()})
    return parts


def _per_export(rows: pl.DataFrame, *values: pl.Expr) -> Mapping[int, tuple[Any, ...]]:
    """A few values of each export."""
    found: dict[int, tuple[Any, ...]] = defaultdict(lambda: (None, None))
    if len(rows) and values:
        found.update({number: tuple(own) for number, *own in rows.group_by(EXPORT).agg(*values).rows()})
    return found


def _feels_neighbours(reading: Reading, spec: TableSpec) -> bool:
    """Whether a row may depend on other records of its file (loggers' intervals, counters, SQL with windows) or on its name."""
    rules = reading.table.columns
    dates = [rule for name, rule in rules.items() if rule.shift or (name in spec.inputs and spec.inputs[name].type == "date")]
    looks_around = any(rule.sql or rule.counter or rule.from_name or (rule.since and rule.since.from_name) for rule in rules.values())
    return bool(reading.table.intervals) or looks_around or spec.name == "ideal_rate" or any(not rule.format for rule in dates)


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

    A source's own number (of an event, a document, an entry) says nothing of the time.
    """
    yes = pl.Series([True], dtype=pl.Boolean).new_from_index(0, len(inputs))
    if spec.time is None:
        return yes
    if reading.table.key:
        texts = {text for name in (spec.time, "day") for text in _texts(reading.table.columns.get(name))}
        return yes if texts and texts <= set(reading.table.key) else ~yes
    return inputs[spec.own[-1]].is_null() if spec.own else yes


def _texts(rule: Column | None) -> list[str]:
    """The source columns that a time is made of."""
    return [*(rule.from_ or ()), *([rule.shift] if rule.shift else [])] if rule else []


def _with_keys(inputs: pl.DataFrame, kept: pl.DataFrame, reading: Reading) -> pl.DataFrame:
    return inputs.with_columns(kept.select(as_text(kept, name).alias(f"key:{name}") for name in reading.table.key or ()))


def _counted(skipped: pl.Series) -> dict[str, int]:
    counts = skipped.drop_nulls().value_counts(sort=True).rows()
    return {str(name): int(count) for name, count in counts}


def unreadable(kept: pl.DataFrame) -> list[pl.Series]:
    """The reason of a record that its connector could not read: a broken line of JSON, an item that is an error message."""
    if UNREADABLE not in kept.columns or kept[UNREADABLE].null_count() == len(kept):
        return []
    return [kept.select((pl.lit("UNREADABLE: ") + pl.col(UNREADABLE)).alias("r"))["r"]]


def too_many_fields(kept: pl.DataFrame) -> list[pl.Series]:
    """The reason of a record with more fields than the header: its text has shifted, and nothing in it can be trusted."""
    if SURPLUS not in kept.columns or kept[SURPLUS].null_count() == len(kept):
        return []
    surplus = pl.col(SURPLUS).is_not_null()
    if UNREADABLE in kept.columns:
        surplus &= pl.col(UNREADABLE).is_null()
    reason = pl.when(surplus).then(pl.lit("TOO_MANY_FIELDS: the record has more fields than the header"))
    return [kept.select(reason.alias("r"))["r"]]


def _surplus_is_rejected(rows: pl.DataFrame, kept: pl.DataFrame, reading: Reading) -> pl.DataFrame:
    """What else is wrong with such a record is told too, unless it may quote the name of a person; of an unreadable one nothing is."""
    for reason in unreadable(kept):
        rows = rows.with_columns(reason.alias("_r")).with_columns(
            pl.when(pl.col("_r").is_not_null()).then(pl.concat_list("_r")).otherwise(pl.col(REJECT)).alias(REJECT)
        ).drop("_r")  # fmt: skip
    for reason in too_many_fields(kept):
        others = [] if reading.secret_columns else [REJECT]
        rows = rows.with_columns(reason.alias("_r")).with_columns(
            pl.when(pl.col("_r").is_not_null()).then(pl.concat_list(*others, "_r")).otherwise(pl.col(REJECT)).alias(REJECT)
        ).drop("_r")  # fmt: skip
    return rows


def _without_step(inputs: pl.DataFrame, reading: Reading, spec: TableSpec) -> pl.Series | None:
    """Readings of counters at which nothing was made: the first of a counter, and those at which none moved. None without counters."""
    if not any(rule.counter for rule in reading.table.columns.values()):
        return None
    made = [name for name, wanted in spec.inputs.items() if wanted.dimension == "quantity" and name in reading.table.columns]
    nothing = pl.all_horizontal(pl.col(name).fill_null(0) == 0 for name in made)
    return inputs.select((nothing & (pl.col(REJECT).list.len() == 0)).alias("still"))["still"]


def _withdrawn(rows: pl.DataFrame, kept: pl.DataFrame, reading: Reading) -> pl.DataFrame:
    """Records that take back what was told of their key are versions that are deleted."""
    test = reading.table.withdrawn
    return rows if test is None else rows.with_columns(kept.select(condition(kept, test).alias("is_deleted"))["is_deleted"])


def _future_is_rejected(rows: pl.DataFrame, reading: Reading, spec: TableSpec) -> pl.DataFrame:
    """Rule T17: what happened cannot lie after its ingestion; plans and orders may."""
    if not spec.is_past:
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
    kept, failure = spec.schema.filter(rows, cast=True)
    good = kept.with_columns(pl.col(pl.Enum).cast(pl.String))
    if not len(failure):
        return good, pl.DataFrame(schema={"_row_number": pl.Int64, "reasons": pl.List(pl.String)})
    details = failure.details()
    rules = [name for name in details.columns if name not in rows.columns]
    broken = [pl.when(pl.col(rule) == "invalid").then(pl.lit(_rule_name(rule))) for rule in rules]
    names = pl.concat_list(broken).list.drop_nulls() if broken else pl.lit([], dtype=pl.List(pl.String))
    return good, details.select("_row_number", names.alias("reasons"))


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


def _codes(rows: pl.DataFrame, column: str) -> Mapping[int, frozenset[str]]:
    """What a column names in each export."""
    named = _per_export(rows, pl.col(column).drop_nulls().unique()) if column in rows.columns else {}
    return defaultdict(frozenset, {number: frozenset(codes) for number, (codes,) in named.items()})


def _until(spec: TableSpec, inputs: pl.DataFrame) -> list[pl.Expr]:
    """The end of the last shift, where records are stamped by their shift."""
    name = f"{spec.time}_until"
    return [pl.col(name).max()] if name in inputs.columns else []


def _most(first: datetime | None, second: datetime | None) -> datetime | None:
    return max((moment for moment in (first, second) if moment is not None), default=None)


def _span(spec: TableSpec, accepted: pl.DataFrame) -> list[pl.Expr]:
    """First and last instant of the accepted data."""
    if spec.time is None:
        return []
    ends = [pl.col("end_ts")] if "end_ts" in accepted.columns else []
    return [spec.instant.min().alias("first"), pl.max_horizontal(end.max() for end in (spec.instant, *ends)).alias("last")]
