"""How a source reads for one export: plants change their exports, and what was delivered before reads as it did.

Here: which changes of a plant file hold for an export, and the source with them. Elsewhere: the words (`connectors.models.Change`), what a
name states (`connectors.naming`), how a change is noticed and the edit that it needs (`transforms.drift`).
"""

from __future__ import annotations

import re
from datetime import datetime
from typing import Any

from connectors.errors import PlantlakeError
from connectors.models import Change, PlantFile, Source, Table
from connectors.naming import stated

Place = tuple[datetime | None, list[tuple[int, str]]]


def reads_as(plant: PlantFile, source: Source, name: str) -> Source:
    """The source as it reads for the export of this name."""
    reads = source
    for number in holding(plant, source, name):
        reads = changed(reads, source.changes[number])
    return reads


def holding(plant: PlantFile, source: Source, name: str) -> tuple[int, ...]:
    """Which of a source's changes hold for an export."""
    if not source.changes:
        return ()
    place = _place(plant, source, name)
    return tuple(at for at, change in enumerate(source.changes) if not _is_before(place, _place(plant, source, change.since)))


def changed(source: Source, change: Change) -> Source:
    """The source after one change."""
    tables = {
        name: _changed(table, change.tables[name].columns) if name in change.tables else table for name, table in source.tables.items()
    }
    more: dict[str, Any] = {"timezone": change.timezone} if change.timezone else {}
    return source.model_copy(update={"options": {**source.options, **change.options}, "tables": tables, **more})


def _changed(table: Table, columns: dict[str, Any]) -> Table:
    kept = {name: rule for name, rule in {**table.columns, **columns}.items() if rule is not None}
    return table.model_copy(update={"columns": kept})


def _place(plant: PlantFile, source: Source, name: str) -> Place:
    try:
        times = stated(plant, source, name)
    except PlantlakeError:  # told where the export is landed, or the plant file is checked
        return None, natural(name)
    return times.exported_at or times.covers_to, natural(name)


def _is_before(one: Place, other: Place) -> bool:
    if one[0] is None or other[0] is None:
        return one[1] < other[1]
    return one < other


def natural(name: str) -> list[tuple[int, str]]:
    """A name as people order it: numbers in it count as numbers.

    >>> sorted(["stops_10.csv", "stops_9.csv"], key=natural)
    ['stops_9.csv', 'stops_10.csv']
    """
    return [(int(part), "") if part.isdecimal() else (-1, part) for part in re.split(r"(\d+)", name) if part]
