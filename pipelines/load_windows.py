"""Exports that replace a window of time, or everything of their source: what they delete, and claims that their data do not bear out.

Here: the window of an export, the deletions that it states by not holding a record, the flag of rows outside it, and the doubt
about an export that empties most of its window. Elsewhere: what a name states of a window (`connectors.naming`), tombstones as
versions (`transforms.revisions`), the merge (`pipelines.load`).

A window is a claim. Where data and claim differ, nothing that was delivered is dropped: a row outside the window is accepted, with
a flag, and deletes nothing there; its source is believed up to the end of the window that it states. Inside the window the claim
holds, as a shrunk export is how most systems say that a record is gone; but one that empties the greater part of its window where
it holds nothing looks like a file that was cut off, and the plant is told. The next complete export brings such records back.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import polars as pl

from connectors.errors import Problem
from pipelines.ledger import ExportRow
from pipelines.standing import Window
from transforms import revisions
from transforms.conform import Conformed
from transforms.mapping import Reading
from transforms.tables import TableSpec

log = logging.getLogger("plantlake.load")

OUTSIDE = "OUTSIDE_WINDOW"
"""Flag of a row that lies wholly outside the window that its export states."""
DOUBTED = 10
"""Fewer records that vanish where an export holds nothing are not worth a word."""


def replaced(export: ExportRow, item: Conformed) -> Window:
    """The window that an export replaces: the one that it states, else the span of its data."""
    return export.covers_from or item.data_from, export.covers_to or item.data_to


def flagged(item: Conformed, export: ExportRow, spec: TableSpec) -> Conformed:
    """The export's rows, those wholly outside the window that it states with a flag."""
    if spec.time is None or not (export.covers_from or export.covers_to) or item.accepted.is_empty():
        return item
    end = pl.coalesce("end_ts", spec.time) if "end_ts" in item.accepted.columns else spec.instant
    before = (end < export.covers_from) if export.covers_from else pl.lit(False)
    after = (spec.instant >= export.covers_to) if export.covers_to else pl.lit(False)
    outside = item.accepted.select((before | after).fill_null(False).alias("outside"))["outside"]
    if not outside.any():
        return item
    log.warning("%s: %d records lie outside the window that it states", export.name, outside.sum())
    flags = pl.when(outside).then(pl.concat_list("dq_flags", pl.lit(OUTSIDE))).otherwise(pl.col("dq_flags"))
    return replace(item, accepted=item.accepted.with_columns(flags.alias("dq_flags")))


def gone(
    standing: pl.DataFrame, spec: TableSpec, lineage: Mapping[str, Any], source_id: str, item: Conformed, window: Window | None
) -> pl.DataFrame:
    """The deletions that an export states by not holding a record (`window` None: of all that its source has).

    A record that was delivered and rejected is not deleted, as far as its key could be read.
    """
    held = pl.concat([item.accepted.select(str(spec.id)), item.refused.alias(str(spec.id)).to_frame()])
    return revisions.tombstones(
        standing, held, id=str(spec.id), source_system=source_id, lineage=lineage, time=spec.time if window else None, window=window
    )


def doubts(
    standing: pl.DataFrame, gone: pl.DataFrame, spec: TableSpec, reading: Reading, item: Conformed, window: Window | None
) -> list[Problem]:
    """What to say of an export that deletes most of a window where it holds nothing: it may claim more than it covers."""
    if window is None or window[0] is None or window[1] is None or len(gone) < DOUBTED or spec.time is None:
        return []
    time = pl.col(spec.time)
    first, last = item.accepted.select(time.min().alias("first"), time.max().alias("last")).row(0)
    silent = gone if first is None else gone.filter(~time.is_between(first, last))
    stood = standing.filter(
        pl.col("is_current"), ~pl.col("is_deleted"), pl.col("_source_system") == reading.source_id, time >= window[0], time < window[1]
    )
    if len(silent) < DOUBTED or 2 * len(silent) < len(stood):
        return []
    held = f"records from {first:%Y-%m-%d %H:%M} to {last:%Y-%m-%d %H:%M} UTC" if first else "no record"
    return [
        reading.problem(
            "The export lacks most of what stood in the window that it says it covers.",
            found=f"a window from {window[0]:%Y-%m-%d %H:%M} to {window[1]:%Y-%m-%d %H:%M} UTC and {held}; "
            f"{len(silent)} of {len(stood)} records that stood in the window lie where it has none",
            fix="if the file was cut off, ask the plant for the whole export: it brings the records back",
            consequence="The missing records count as deleted; their versions are kept.",
        )
    ]
