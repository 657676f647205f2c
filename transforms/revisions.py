"""Versions of a record: what later exports change, what they only repeat, and what they no longer hold.

Here: pure frames with the columns of `transforms.tables` in, frames with `revision`, `is_current` and `is_deleted` out.
Elsewhere: ids and hashes (`transforms.keys`), which rows are read and what is committed (`pipelines.silver`), in which order
exports are taken (`pipelines.refresh`).

The order of versions is (`_export_order`, `_row_number`), never arrival. `_export_order` is a sortable text that no two exports
share. A version that says what its predecessor said is not kept, and that is why exports have to be merged in their order: of the
exports A, B, A the third is a version of its own, but merged as A, A, B it is lost. `in_order` tells whether new exports may be
merged into what is there; where it says no, the caller derives the table of that plant and source again from bronze, in order.
Under that rule the result does not depend on the order of arrival, nor on how often an export arrives.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import polars as pl

_DUPLICATE = "__duplicate"
_INCOMING = "__incoming"
_VERSION = ("_row_hash", "is_deleted")
EXPORT_COLUMNS = ("_batch_id", "_source_object", "_export_order", "_extracted_at", "_ingested_at", "_transform_version")
"""Lineage that a tombstone takes from the export in which its record is missing."""
INGESTION_COLUMNS = ("_ingested_at", "_transform_version")
"""When and by which version of the mapping a row was made: without meaning for whether two rows say the same."""
_WAS = "__was"


@dataclass(frozen=True, slots=True)
class Merged:
    """All versions of the records, and the incoming rows that said nothing new (one for each, in the order of versions)."""

    rows: pl.DataFrame
    duplicates: pl.DataFrame


@dataclass(frozen=True, slots=True)
class Settled:
    """Rows to store, and which of them (or of those that stood) are not as they stood."""

    rows: pl.DataFrame
    changed: pl.DataFrame


def in_order(known_orders: Collection[str], new_orders: Collection[str]) -> bool:
    """Whether exports with these `_export_order`s may be merged on top of those already loaded (same plant, source and table).

    True when every new export comes after every known one. An export that is loaded already is not in order: skip it first.

    >>> in_order(["2026-01-01", "2026-01-02"], ["2026-01-03"]), in_order(["2026-01-02"], ["2026-01-01", "2026-01-03"])
    (True, False)
    """
    return not known_orders or not new_orders or min(new_orders) > max(known_orders)


def merge(existing: pl.DataFrame, incoming: pl.DataFrame, *, id: str) -> Merged:
    """The versions of all records of both frames: mode `upsert`, and the last step of `window` and `snapshot`.

    `existing` holds all versions of every record whose id is in `incoming`, and may hold some versions of other records, which stay
    as they are; `incoming` the accepted rows of one or several later exports, with their tombstones. A version equal to its
    predecessor (`_row_hash` and `is_deleted`) is dropped, and listed in `duplicates` when it is an incoming row (tombstones are no
    source records and are not listed). The rest is numbered 1, 2, ... as `revision`; the last is current. A record that is
    delivered again after its tombstone is a new version. Columns and their order are those of `existing`; rows are ordered by id and
    version.
    """
    columns = existing.columns
    new = incoming.select(pl.col(name).cast(dtype) for name, dtype in existing.schema.items())
    others = existing.join(new, on=id, how="anti", maintain_order="left")
    spoken_of = existing.join(new, on=id, how="semi", maintain_order="left")
    versions = (
        pl.concat([spoken_of.with_columns(pl.lit(False).alias(_INCOMING)), new.with_columns(pl.lit(True).alias(_INCOMING))])
        .sort(id, "_export_order", "_row_number", _INCOMING)
        .with_columns(_repeats_predecessor(id).alias(_DUPLICATE))
    )
    rows = versions.filter(~pl.col(_DUPLICATE)).with_columns(_numbered(id))
    duplicates = versions.filter(pl.col(_DUPLICATE) & pl.col(_INCOMING) & (pl.col("_row_number") > 0))
    return Merged(pl.concat([others, rows.select(columns)]).sort(id, "revision"), duplicates.select(columns))


def _numbered(id: str) -> list[pl.Expr]:
    """`revision` and `is_current` of versions in their order."""
    return [
        pl.int_range(1, pl.len() + 1, dtype=pl.Int32).over(id).alias("revision"),
        (pl.col(id) != pl.col(id).shift(-1)).fill_null(True).alias("is_current"),
    ]


def above(delivered: pl.DataFrame, stated: pl.DataFrame, *, id: str) -> pl.DataFrame:
    """The versions of records that exports deliver and a plant file states as well: what was delivered counts, whatever came first.

    A statement holds where no export ever delivered its record, or where the last word of the exports is that it is gone; there it
    follows their versions. Elsewhere it is left out, with all its versions, so that delivered versions have the numbers and the
    state that they have where nothing was ever stated. Both frames hold all versions as `merge` gives them, alone or from here.
    """
    ours, theirs = (rows.sort(id, "revision").with_columns(_numbered(id)) for rows in (delivered, stated))
    ends = ours.filter("is_current").select(id, pl.col("is_deleted").alias("is_gone"), pl.col("revision").alias("before"))
    stands = theirs.filter(pl.col("is_current") & ~pl.col("is_deleted"))[id]
    kept = (
        theirs.join(ends, on=id, how="left")
        .filter(pl.col("is_gone").is_null() | (pl.col("is_gone") & pl.col(id).is_in(stands.implode())))
        .with_columns(pl.col("revision") + pl.col("before").fill_null(0))
        .select(delivered.columns)
    )
    ours = ours.with_columns(pl.col("is_current") & ~pl.col(id).is_in(kept[id].implode()))
    return pl.concat([ours.select(delivered.columns), kept]).sort(id, "revision")


def _repeats_predecessor(id: str) -> pl.Expr:
    same = [pl.col(name).eq_missing(pl.col(name).shift(1)) for name in (id, *_VERSION)]
    return pl.all_horizontal(*same) & (pl.int_range(pl.len()) > 0)


def tombstones(
    existing: pl.DataFrame,
    incoming: pl.DataFrame,
    *,
    id: str,
    source_system: str,
    lineage: Mapping[str, Any],
    time: str | None = None,
    window: tuple[datetime | None, datetime | None] | None = None,
) -> pl.DataFrame:
    """The deletions that one export states by not holding a record: add them to its rows and `merge`.

    With a `window` [from, to) that the export covers (mode `window`): the current rows of `source_system` whose `time` is inside
    it and that `incoming` does not hold become versions with `is_deleted`; a window that lacks a bound states nothing. With
    window None (mode `snapshot`): all current rows of the source that the snapshot no longer holds. Rows of other sources, and
    rows already deleted, are never touched. Of `incoming` only the ids count: add those of rejected rows, as far as they are
    known, because a record that was delivered but could not be accepted was not deleted.

    A tombstone keeps the business columns of the last version, has `_row_number` 0, and takes `EXPORT_COLUMNS` from `lineage`.
    """
    schema = existing.schema
    stated = {**{name: lineage[name] for name in EXPORT_COLUMNS}, "_row_number": 0, "is_deleted": True}
    standing = existing.filter(
        pl.col("is_current"), ~pl.col("is_deleted"), pl.col("_source_system") == source_system, *_inside(time, window)
    )
    gone = standing.join(incoming.select(pl.col(id).cast(schema[id])).unique(), on=id, how="anti", maintain_order="left")
    return gone.with_columns(pl.lit(value, dtype=schema[name]).alias(name) for name, value in stated.items())


def _inside(time: str | None, window: tuple[datetime | None, datetime | None] | None) -> list[pl.Expr]:
    if window is None:
        return []
    if time is None:
        raise ValueError("a window needs the column that it is a window of")
    start, end = window
    if start is None or end is None:
        return [pl.lit(False)]
    return [pl.col(time) >= start, pl.col(time) < end]


def settle(rows: pl.DataFrame, standing: pl.DataFrame, *, id: str | None) -> Settled:
    """What of `rows` differs from what stands; a row that says what it said keeps its `INGESTION_COLUMNS`.

    Both frames hold all versions of the same partitions and have the same columns. A version is known by `id` and `revision`;
    statements have no versions (`id` None) and are compared as they are. `changed` holds the rows that are new or different, and
    those of `standing` that are gone or were different: its partitions are the ones that have to be written.
    """
    if id is None:
        fresh, gone = _without(rows, standing, rows.columns), _without(standing, rows, rows.columns)
        return Settled(rows, pl.concat([rows, standing] if len(rows) != len(standing) else [fresh, gone]))
    key = [id, "revision"]
    was = standing.rename({name: f"{name}{_WAS}" for name in standing.columns if name not in key})
    both = rows.join(was, on=key, how="left", maintain_order="left")
    said = [name for name in rows.columns if name not in (*key, *INGESTION_COLUMNS)]
    same = pl.all_horizontal(pl.col(f"_row_hash{_WAS}").is_not_null(), *(pl.col(name).eq_missing(pl.col(f"{name}{_WAS}")) for name in said))
    both = both.with_columns(same.alias(_DUPLICATE))
    kept = [pl.when(_DUPLICATE).then(pl.col(f"{name}{_WAS}")).otherwise(pl.col(name)).alias(name) for name in INGESTION_COLUMNS]
    fresh = both.filter(~pl.col(_DUPLICATE)).select(rows.columns)
    gone = _without(standing, both.filter(_DUPLICATE), key)
    return Settled(both.with_columns(kept).select(rows.columns), pl.concat([fresh, gone.select(rows.columns)]))


def _without(rows: pl.DataFrame, others: pl.DataFrame, on: list[str]) -> pl.DataFrame:
    return rows.join(others, on=on, how="anti", nulls_equal=True)
