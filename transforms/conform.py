"""Conform: one export's records become accepted canonical rows, rejected rows with their reasons, and counts that add up.

Here: the order of the steps and the account (read = accepted + rejected + filtered; duplicates are found by the merge). Elsewhere:
the mapping vocabulary (`transforms.mapping`), canonical rows (`transforms.canonical`), row rules (`transforms.tables`), samples of
historians, which are too many for this path (`transforms.samples`), versions (`transforms.revisions`), storage (`pipelines`).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import polars as pl

from connectors.contract import ROW
from transforms.canonical import canonical
from transforms.mapping import REJECT, Reading, as_text, check_columns, evaluate, mark_skipped
from transforms.tables import TABLES, TableSpec

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

    @property
    def filtered(self) -> int:
        return sum(self.filtered_by.values())


def conform(records: pl.LazyFrame, reading: Reading) -> Conformed:
    """Conforms the records of one export for one table.

    Raises ConformError when the mapping and the file do not fit each other (nothing is loaded then).
    """
    spec = TABLES[reading.table_name]
    frame = records.collect(engine="streaming")
    check_columns(reading, frame.columns)
    skipped = mark_skipped(frame, reading.table)
    kept = frame.filter(skipped.is_null())
    inputs = evaluate(kept, reading, spec)
    inputs = _with_keys(inputs, kept, reading)
    rows = _future_is_rejected(_surplus_is_rejected(canonical(inputs, reading, spec), kept), reading, spec)
    accepted, rejected = _accept(rows, spec)
    start, end = _span(accepted, spec)
    named = inputs.filter(pl.col(ROW).is_in(accepted["_row_number"].to_list()))
    return Conformed(
        accepted, quarantine(rejected, kept), len(frame), _counted(skipped), start, _most(end, _until(named, spec)),
        _codes(accepted, "equipment_code"), _codes(named, "material"),
    )  # fmt: skip


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
