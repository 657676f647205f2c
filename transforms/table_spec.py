"""What a canonical table is: its inputs, its key, its schema, and the column types that tables share.

Here: the words that a table is described with. Elsewhere: the tables themselves (`transforms.tables`, `transforms.further_tables`).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

import dataframely as dy
import polars as pl

UTC_US = pl.Datetime("us", "UTC")

InputType = Literal["text", "time", "date", "number", "integer", "boolean"]


@dataclass(frozen=True, slots=True)
class Input:
    """One canonical column that a plant file may map. `dimension` names the physical dimension whose units are converted."""

    type: InputType = "text"
    required: bool = False
    dimension: Literal["quantity", "duration", "duration_per_item", "power", "energy", "any"] | None = None
    doc: str = ""
    default: str | float | bool | None = None
    """What counts where nothing is delivered."""
    column: str | None = None
    """The column that holds it, where that has another name."""
    needs: str | None = None
    """Another input without which this one says nothing."""
    is_secret: bool = False
    """It names a person or a customer: nothing but a salted hash of it leaves the mapping."""


@dataclass(frozen=True, slots=True)
class TableSpec:
    """What the rest of the program has to know of a table.

    `key` lists the inputs that identify a record (the natural key, hashed into `id`); `time` is the column that places a row in
    its UTC month (a date: in its month) and in the window of an export (None for master data, which is not partitioned by month).
    """

    name: str
    grain: str
    schema: type[dy.Schema]
    inputs: dict[str, Input] = field(default_factory=dict)
    id: str | None = None
    key: tuple[str, ...] = ()
    time: str | None = None
    mode: Literal["append", "upsert", "window", "snapshot"] = "upsert"
    modes: tuple[str, ...] = ("upsert", "window")
    alternatives: tuple[tuple[str, ...], ...] = ()
    """Inputs of which at least one must be mapped."""
    own: tuple[str, ...] = ()
    """Where a source gives its own number, that identifies the record, whatever else of it changes; the number is the last of these."""
    is_past: bool = False
    """Its rows tell what happened: none may lie after its ingestion (rule T17)."""

    @property
    def columns(self) -> dict[str, pl.DataType]:
        return {name: column.dtype for name, column in self.schema.columns().items()}

    @property
    def instant(self) -> pl.Expr:
        """The column `time` as an instant: a date counts as its midnight in UTC."""
        return pl.col(str(self.time)).cast(UTC_US)


class Lineage(dy.Schema):
    """Columns of every revised row: where it came from and which version of its record it is."""

    plant_id = dy.String()
    revision = dy.Int32(min=1)
    is_current = dy.Bool()
    is_deleted = dy.Bool()
    dq_flags = dy.List(dy.String())
    _batch_id = dy.String()
    _source_system = dy.String()
    _source_object = dy.String()
    _source_key = dy.String()
    _row_number = dy.Int64()
    _row_hash = dy.String()
    _export_order = dy.String()
    _extracted_at = dy.Datetime(time_zone="UTC", nullable=True)
    _ingested_at = dy.Datetime(time_zone="UTC")
    _transform_version = dy.String()


LINEAGE = tuple(Lineage.columns())
"""Names of the lineage columns, in their order."""


def utc(nullable: bool = True) -> dy.Datetime:
    """An instant."""
    return dy.Datetime(time_zone="UTC", nullable=nullable)


def quantity(nullable: bool = True) -> dy.Decimal:
    """A quantity in the unit that the row's `uom` names."""
    return dy.Decimal(18, 6, nullable=nullable)


def seconds() -> dy.Decimal:
    """A length of time; it is never negative."""
    return dy.Decimal(18, 3, nullable=True, min=0)


def money(nullable: bool = True) -> dy.Decimal:
    """An amount in the plant's currency."""
    return dy.Decimal(18, 4, nullable=nullable)


def ends_after(start: str, end: str) -> pl.Expr:
    """Rule T12: no span is negative, and none is made positive by abs()."""
    return (pl.col(end) >= pl.col(start)).fill_null(True)
