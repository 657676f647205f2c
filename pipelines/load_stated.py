"""Adds to a plant's changes what nobody delivered: the plant file's statements, its calendar, and things that the data named.

Here: which rows the statements replace, up to when each source has told everything. Elsewhere: the rows themselves
(`transforms.statements`), deliveries (`pipelines.load`).
"""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import polars as pl

from connectors.models import PlantFile
from pipelines.ledger import ExportRow
from transforms import revisions, statements
from transforms.statements import PLANT_FILE, Stated
from transforms.tables import STATEMENTS, TABLES

if TYPE_CHECKING:
    from pipelines.load import Loader, PlantResult

Spans = dict[str, tuple[datetime | None, datetime | None]]


def state(loader: Loader, result: PlantResult) -> None:
    """Adds the rows that the plant file and the vocabularies state to the plant's changes.

    Raises PlantlakeError for statements that cannot be used, such as a unit that is no time per piece.
    """
    from pipelines.load import Change

    portfolio, plant = loader.portfolio, result.plant
    about = Stated(plant, portfolio.settings(plant), portfolio.vocabularies, portfolio.file.currency, portfolio.root, loader.at)
    spans = source_spans(loader, result)
    horizon = _horizon(plant, spans)
    frames = {
        "ideal_rate": statements.ideal_rates(about),
        "equipment": _equipment(loader, about, result),
        "material": _materials(loader, about, result),
        **(statements.calendar(about, *horizon) if horizon else {}),
    }
    for name, frame in frames.items():
        _replace(loader, result, name, frame, PLANT_FILE)
    for source_id in {load.reading.source_id for load in result.samples}:
        _replace(loader, result, "tag", _tags(loader, about, result, source_id), source_id)
    for name, frame in statements.statements(about).items():
        result.changes[name] = Change(frame, None)
    result.changes["source_watermark"] = Change(_watermarks(plant, spans), None)
    if horizon:
        days = statements.production_days(about, horizon[0] - timedelta(days=1), horizon[1] + timedelta(days=1))
        result.changes["production_day"] = Change(days, None)


def _replace(loader: Loader, result: PlantResult, name: str, frame: pl.DataFrame, source_system: str) -> None:
    """Makes the stated rows the current ones of their source; a row that is no longer stated is deleted, as by a snapshot."""
    from pipelines.load import Change, stacked

    spec = TABLES[name]
    base, months = loader.base(result, spec, [], whole=True)
    lineage = {
        "_batch_id": PLANT_FILE, "_source_object": f"plants/{result.plant.plant}.yaml", "_export_order": loader.at.isoformat(),
        "_extracted_at": None, "_ingested_at": loader.at, "_transform_version": PLANT_FILE,
    }  # fmt: skip
    gone = revisions.tombstones(base, frame, id=str(spec.id), source_system=source_system, lineage=lineage)
    rows = revisions.merge(base, stacked([frame, gone], spec), id=str(spec.id)).rows
    if len(rows) != len(base) or name in result.changes:
        result.changes[name] = Change(rows, None if months is None else sorted({*months, *rows["month"].unique().to_list()}))


def _standing(loader: Loader, result: PlantResult, name: str) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Current rows of a master table: those of the plant file, those of exports."""
    rows, _ = loader.base(result, TABLES[name], [], whole=True)
    current = rows.filter(pl.col("is_current") & ~pl.col("is_deleted"))
    mine = pl.col("_batch_id") == PLANT_FILE
    return current.filter(mine), current.filter(~mine)


def _equipment(loader: Loader, about: Stated, result: PlantResult) -> pl.DataFrame:
    named, mastered = _standing(loader, result, "equipment")
    return statements.equipment(about, {*named["equipment_code"], *result.codes}, mastered["equipment_code"])


def _materials(loader: Loader, about: Stated, result: PlantResult) -> pl.DataFrame:
    named, mastered = _standing(loader, result, "material")
    return statements.materials(about, {*named["local_material_no"], *result.materials} - set(mastered["local_material_no"]))


def _tags(loader: Loader, about: Stated, result: PlantResult, source_id: str) -> pl.DataFrame:
    seen = [frame for load in result.samples if load.reading.source_id == source_id for frame in load.tags]
    named, _ = _standing(loader, result, "tag")
    known = named.filter(pl.col("_source_system") == source_id).select(pl.col("tag_name").alias("tag"), "unit")
    unique = pl.concat([pl.DataFrame(schema={"tag": pl.String, "unit": pl.String}), *seen, known]).unique(
        "tag", keep="first", maintain_order=True
    )
    return statements.tags(about, unique, source_id)


def source_spans(loader: Loader, result: PlantResult) -> Spans:
    """Per source with events or counts: the first instant of its data, and up to when it has told everything.

    That is the window its exports state, else (`complete_until: exported_at`) when they were taken, else the end of the data.
    """
    from pipelines.load import TIMED

    plant = result.plant
    known = [_told(loader, result, row) for row in loader.ledger.exports(plant.plant)]
    failed = {(a.source_system, a.batch_id) for a in result.accounts if a.state == "FAILED"}
    spans: Spans = {}
    for source_id, source in plant.sources.items():
        rows = [
            row for row in known if row.source_system == source_id and (source_id, row.batch_id) not in failed and row.state != "FAILED"
        ]
        if not rows or not set(source.tables) & set(TIMED):
            continue
        first = _bound(min, (row.data_from for row in rows))
        told = [row.covers_to for row in rows] + ([row.exported_at for row in rows] if source.complete_until == "exported_at" else [])
        last = _bound(max, told) or _bound(max, (row.data_to for row in rows))
        spans[source_id] = (first, last)
    return spans


def _told(loader: Loader, result: PlantResult, row: ExportRow) -> ExportRow:
    """An export with what its name states today and what this refresh found in it. A quiet day's dump may hold the bytes of another
    day's, and still says that the day was quiet."""
    stated = loader.restated(result.plant, row)
    found = result.exports.get((row.source_system, str(row.batch_id)))
    return replace(stated, data_from=found.data_from, data_to=found.data_to) if found else stated


def _bound(pick: Any, moments: Any) -> datetime | None:
    found: datetime | None = pick((moment for moment in moments if moment is not None), default=None)
    return found


def _watermarks(plant: PlantFile, spans: Spans) -> pl.DataFrame:
    rows = [{"plant_id": plant.plant, "source_system": name, "data_from": first, "data_to": last} for name, (first, last) in spans.items()]
    return pl.DataFrame(rows, schema=STATEMENTS["source_watermark"], orient="row")


def _horizon(plant: PlantFile, spans: Spans) -> tuple[date, date] | None:
    """The local days that the calendar has to cover: from the start of the data to the last watermark."""
    zone = ZoneInfo(plant.timezone)
    first = _bound(min, (start for start, _ in spans.values()))
    last = _bound(max, (end for _, end in spans.values()))
    start = plant.data_start_on or (first.astimezone(zone).date() if first else None)
    if start is None or last is None:
        return None
    end = last.astimezone(zone).date()
    return (start, end) if end >= start else None
