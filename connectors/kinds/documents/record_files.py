"""Records read one after the other to one frame, in bounded memory.

Here: records of text columns whose names may only be known at the end, kept in files beside the export where they are many.
Elsewhere: what a record is (each kind). As in `connectors.kinds.files.text`, the caller owns the folder of the export.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice
from pathlib import Path
from uuid import uuid4

import polars as pl

from connectors.contract import ROW

TOGETHER = 50_000
"""Records held as Python objects at a time."""

Record = Mapping[str, str | None]


def framed(records: Iterable[Record], columns: Sequence[str], path: Path) -> pl.LazyFrame:
    """`_row` from 1, then `columns`, then all other names in the order in which records bring them; every column is text."""
    coming, stem = iter(records), path.with_name(f"{path.name}.{uuid4().hex[:8]}")
    first = _chunk(list(islice(coming, TOGETHER)), columns, 0)
    parts, count = [first.lazy()], first.height
    for batch in _batches(coming):
        if len(parts) == 1:
            parts = [_stored(first, stem, 0)]
            first = first.clear()
        parts.append(_stored(_chunk(batch, columns, count), stem, len(parts)))
        count += len(batch)
    return parts[0] if len(parts) == 1 else pl.concat(parts, how="diagonal")


def joined(values: Sequence[str]) -> str | None:
    """What an element holds that may stand several times: its text, or a JSON list of all of them.

    >>> joined(["a"]), joined(["a", "b"]), joined([])
    ('a', '["a", "b"]', None)
    """
    return (json.dumps(list(values), ensure_ascii=False) if len(values) > 1 else values[0]) if values else None


def _batches(records: Iterator[Record]) -> Iterator[list[Record]]:
    while batch := list(islice(records, TOGETHER)):
        yield batch


def _chunk(batch: list[Record], columns: Sequence[str], before: int) -> pl.DataFrame:
    names = dict.fromkeys(columns)
    for record in batch:
        names.update(dict.fromkeys(record))
    data = {name: [record.get(name) for record in batch] for name in names}
    frame = pl.DataFrame(data, schema=dict.fromkeys(names, pl.String))
    return frame.select(pl.int_range(before + 1, before + 1 + len(batch), dtype=pl.Int64).alias(ROW), pl.all())


def _stored(frame: pl.DataFrame, stem: Path, number: int) -> pl.LazyFrame:
    target = stem.with_name(f"{stem.name}-{number}.parquet")
    frame.write_parquet(target, compression="lz4")
    return pl.scan_parquet(target, glob=False)
