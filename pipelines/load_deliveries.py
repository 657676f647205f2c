"""What one delivery is: bytes, and what their name states of them; its place among those of its source, and the span of its data.

Here: the id of a delivery, which names belong to one, their order. Elsewhere: what a name states (`connectors.naming`), where names
and bytes are kept (`pipelines.ledger`), what a delivery does to silver (`pipelines.load`).

The same bytes whose name states another time or window, or something else that a column takes from it, are another word of the
source: on Wednesday it may say again what it said on Monday. Where names state the same, or nothing, the bytes are one delivery however
often they are copied. It counts under the least of its names, so that it does not matter which copy came first.
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from connectors.models import PlantFile
from connectors.naming import taken
from connectors.registry import connector
from pipelines import bronze
from pipelines.ledger import ExportRow

Key = tuple[str, str]
"""Source and batch."""
Span = tuple[datetime | None, datetime | None]
HAPPENED = ("equipment_state_event", "production_count", "historian_sample")
"""Tables whose data tell what happened; plans and orders reach into the future."""


def batch_id(plant: PlantFile, source_id: str, content: str, export: ExportRow) -> str:
    """The id of a delivery of a source: of its content, and of what its name states where it states something.

    Times count as the plant's clocks show them, so that a corrected time zone makes no other delivery.
    """
    source = plant.sources[source_id]
    zone = ZoneInfo(source.timezone or plant.timezone)
    said = [moment.astimezone(zone).replace(tzinfo=None).isoformat() if moment else "" for moment in _said(export)]
    said += taken(source, export.name)
    return hashlib.sha256("|".join([source_id, content, *(said if any(said) else [])]).encode()).hexdigest()[:32]


def _said(export: ExportRow) -> tuple[datetime | None, ...]:
    return export.exported_at, export.covers_from, export.covers_to


def identified(plant: PlantFile, rows: Sequence[ExportRow], loaded: Collection[Key]) -> list[ExportRow]:
    """A plant's exports with the ids of their deliveries by what their names state today.

    An id that was once given stays. Where two names that now state different times have one, it stays with the name under which it
    was loaded, and the other gets its own; a name that was not loaded yet joins the delivery of which it is a copy.
    """
    groups: dict[tuple[Any, ...], list[ExportRow]] = defaultdict(list)
    owner: dict[Key, tuple[Any, ...]] = {}
    for row in rows:
        source = plant.sources.get(row.source_system)
        group = (row.source_system, row.sha256, *_said(row), *(taken(source, row.name) if source else ()))
        groups[group].append(row)
        if _key(row) not in owner or is_loaded_as(row):
            owner[_key(row)] = group
    given: dict[tuple[str, ...], str] = {}
    for group, copies in groups.items():
        own = sorted((row for row in copies if owner[_key(row)] == group), key=lambda row: _key(row) not in loaded)
        batch = str(own[0].batch_id) if own else _new_id(plant, copies[0])
        for row in copies:
            keeps = owner[_key(row)] == group and _key(row) in loaded
            given[row.source_system, row.name, str(row.sha256)] = str(row.batch_id) if keeps else batch
    return [replace(row, batch_id=given[row.source_system, row.name, str(row.sha256)]) for row in rows]


def _key(row: ExportRow) -> Key:
    return row.source_system, str(row.batch_id)


def _new_id(plant: PlantFile, row: ExportRow) -> str:
    source = plant.sources.get(row.source_system)
    if source is None:
        return str(row.batch_id)
    return batch_id(plant, row.source_system, bronze.batch_id(connector(source.kind), str(row.sha256)), row)


def once(exports: Iterable[ExportRow]) -> list[ExportRow]:
    """Each delivery once, under the least of its names."""
    found: dict[str, ExportRow] = {}
    for row in sorted(exports, key=lambda row: row.name):
        found.setdefault(str(row.batch_id), row)
    return list(found.values())


def order_of(export: ExportRow, data_to: datetime | None) -> str:
    """The place of an export in the total order of its source: when it was taken, else the end of its data, else its name."""
    moment = export.exported_at or export.covers_to or data_to
    return "|".join((moment.strftime("%Y-%m-%dT%H:%M:%S.%f") if moment else "", export.name, str(export.sha256)))


def is_loaded_as(export: ExportRow) -> bool:
    """Whether its delivery was loaded under this name."""
    return bool(export.export_order) and str(export.export_order).endswith(f"|{export.name}|{export.sha256}")


def spanned(export: ExportRow, spans: Mapping[str, Span]) -> ExportRow:
    """The export with the span of what its tables tell that happened, and with its last place among the tables of its source."""
    happened = [span for table, span in spans.items() if table in HAPPENED]
    return replace(
        export, data_from=bound(min, (first for first, _ in happened)), data_to=bound(max, (last for _, last in happened)),
        export_order=max((order_of(export, last) for _, last in spans.values()), default=order_of(export, None)),
    )  # fmt: skip


def bound(pick: Any, moments: Iterable[datetime | None]) -> datetime | None:
    """The first or last of some moments, as far as there are any."""
    found: datetime | None = pick((moment for moment in moments if moment is not None), default=None)
    return found
