"""Adds to a plant's changes what nobody delivered: the plant file's statements, its calendar, and things that the data named.

Here: which rows the statements replace, up to when each source has told everything. Elsewhere: the rows themselves
(`transforms.statements`), deliveries (`pipelines.load`).
"""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import polars as pl

from connectors.models import PlantFile
from pipelines import silver
from pipelines.ledger import ExportRow, Past
from pipelines.load_deliveries import Key, bound, spanned
from pipelines.plan import portfolio_hash
from pipelines.standing import Change, months_between
from transforms import revisions, statements
from transforms.statements import PLANT_FILE, Stated
from transforms.tables import STATEMENTS, TABLES

if TYPE_CHECKING:
    from pipelines.load import Loaded, Loader, PlantResult

Spans = dict[str, tuple[datetime | None, datetime | None]]
Horizon = tuple[date, date]
"""First and last local day of a plant's calendar."""
CODES = {"equipment": "equipment_code", "material": "local_material_no", "tag": "tag_name"}
"""Tables whose records come from masters and, as far as no master brings them, from the plant file; with the column of their names."""
NAMED_BY = {
    name: tuple(table for table, spec in TABLES.items() if column in spec.columns and table != name)
    for name, column in (("equipment", "equipment_code"), ("material", "material_id"))
}
"""Tables whose records name units and materials. A unit counts where a table keeps its code: others name meters, pumps and offices too."""
NEAR = 3
"""Days around a local day in which the UTC starts of its windows may lie, its neighbours included."""


def state(loader: Loader, result: PlantResult) -> None:
    """Adds the rows that the plant file and the vocabularies state to the plant's changes.

    Where they state nothing new, what can have changed is the equipment and material that new data named, up to when each source
    has told everything, and the days of the calendar that come with it: nothing else is looked at. Raises PlantlakeError for
    statements that cannot be used, such as a unit that is no time per piece.
    """
    portfolio, plant = loader.portfolio, result.plant
    about = Stated(plant, portfolio.settings(plant), portfolio.vocabularies, portfolio.file.currency, portfolio.root, loader.at)
    spans = source_spans(loader, result)
    if result.restate:
        _replace(loader, result, "ideal_rate", statements.ideal_rates(about), PLANT_FILE)
        for name, frame in statements.statements(about).items():
            _say(loader, result, name, frame)
    is_open = result.restate or result.is_remade
    if is_open or _is_new(loader, result, "equipment", result.codes):
        _replace(loader, result, "equipment", _equipment(loader, about, result), PLANT_FILE)
    if is_open or _is_new(loader, result, "material", result.materials):
        _replace(loader, result, "material", _materials(loader, about, result), PLANT_FILE)
    for source_id in {load.reading.source_id for load in result.samples}:
        _replace(loader, result, "tag", _tags(loader, about, result, source_id), source_id)
    _state_calendar(loader, about, result, spans)
    _say(loader, result, "source_watermark", _watermarks(plant, spans))


def state_portfolio(loader: Loader, loaded: Loaded) -> None:
    """What the vocabularies state of no plant, written once; rows that stand already are not written."""
    for name, frame in statements.of_portfolio(loader.portfolio.vocabularies).items():
        rows, partitions = Change(frame, None, silver.read(loader.lake, name).collect()).settled(name)
        if partitions:
            loader.check()
            silver.replace(loader.lake, name, rows, partitions, loader.metadata())
            loaded.note(name, ())
    loader.ledger.record_plant("*", portfolio_hash(loader.portfolio), loader.at)


def _state_calendar(loader: Loader, about: Stated, result: PlantResult, spans: Spans) -> None:
    """Shift windows, breaks and production days of the months that may have changed: all of them where the plant file states
    something else, else those by which the calendar grew or shrank at its two ends."""
    horizon = _horizon(result.plant, spans)
    if horizon is None:
        return
    months = None if result.restate else _months_moved(_horizon(result.plant, _spans_before(loader, result)), horizon)
    if months is not None and not months:
        return
    first, last = _around(months, horizon)
    for name, frame in statements.calendar(about, first, last).items():
        _replace(loader, result, name, frame if months is None else frame.filter(pl.col("month").is_in(sorted(months))), PLANT_FILE, months)
    # A shift may belong to the production day before, or after, that of its first instant.
    days = statements.production_days(about, first - timedelta(days=2), last + timedelta(days=2))
    days = days if months is None else days.filter(pl.col("month").is_in(sorted(months)))
    standing = loader.standing.opened(None, "production_day", result.plant.plant, months)
    result.changes["production_day"] = Change(days, {*(standing.months or ()), *days["month"].unique().to_list()}, standing.standing)


def _months_moved(old: Horizon | None, new: Horizon) -> set[str] | None:
    """The UTC months in which a calendar of one horizon differs from that of another; None means any.

    >>> sorted(_months_moved((date(2025, 1, 5), date(2025, 6, 20)), (date(2025, 1, 5), date(2025, 6, 21))))
    ['2025-06']
    """
    if old is None:
        return None
    near = timedelta(days=NEAR)
    months: set[str] = set()
    for before, after in zip(old, new, strict=True):
        if before != after:
            low, high = (datetime.combine(day, time(), UTC) for day in (min(before, after) - near, max(before, after) + near))
            months |= months_between(low, high)
    return months


def _around(months: set[str] | None, horizon: Horizon) -> Horizon:
    """The days of the horizon that windows of these months may start on."""
    if months is None:
        return horizon
    near = timedelta(days=NEAR)
    first, last = date.fromisoformat(f"{min(months)}-01") - near, date.fromisoformat(f"{max(months)}-01") + timedelta(days=31) + near
    return max(horizon[0], min(first, horizon[1])), min(horizon[1], max(last, horizon[0]))


def _spans_before(loader: Loader, result: PlantResult) -> Spans:
    """Up to when each source had told everything when silver was last told so."""
    rows = loader.standing.small("source_watermark", result.plant.plant)
    return {source: (first, last) for source, first, last in rows.select("source_system", "data_from", "data_to").rows()}


def _say(loader: Loader, result: PlantResult, name: str, frame: pl.DataFrame) -> None:
    """Makes these the rows of the plant in a statement table."""
    result.changes[name] = Change(frame, None, loader.standing.small(name, result.plant.plant))


def _is_new(loader: Loader, result: PlantResult, name: str, seen: set[str]) -> bool:
    """Whether the data named something that does not stand, or an export brought master data."""
    return name in result.changes or not seen <= {*_names(loader, result, name)[CODES[name]]}


def _names(loader: Loader, result: PlantResult, name: str) -> pl.DataFrame:
    """What is named in a master table: current rows that nobody deleted, with `_batch_id` and the column of their names."""
    return _versions(loader, result, name).filter(pl.col("is_current") & ~pl.col("is_deleted"))


def _versions(loader: Loader, result: PlantResult, name: str) -> pl.DataFrame:
    change = result.changes.get(name)
    own = ["unit"] if name == "tag" else []
    columns = [str(TABLES[name].id), CODES[name], "is_current", "is_deleted", "_batch_id", "_source_system", *own]
    return change.rows if change else loader.standing.small(name, result.plant.plant, columns)


def apart(name: str, rows: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
    """The delivered rows of a table, and the stated ones where they may be about the same records."""
    return (rows.filter(~_mine()), rows.filter(_mine())) if name in CODES else (rows, rows.clear())


def _replace(
    loader: Loader, result: PlantResult, name: str, frame: pl.DataFrame, source_system: str, months: set[str] | None = None
) -> None:
    """Makes the stated rows the current ones of their source; a row that is no longer stated is deleted, as by a snapshot.

    `months` are the months that `frame` holds all rows of (None: of all): only there does a missing row mean anything.
    """
    from pipelines.load import stacked

    spec = TABLES[name]
    change = loader.standing.opened(result.changes.get(name), name, result.plant.plant, months)
    delivered, before = apart(name, change.rows) if name in CODES else (change.rows.clear(), change.rows)
    order = _order_after(before.filter(pl.col("_source_system") == source_system, _mine()), loader.at.isoformat())
    lineage = {
        "_batch_id": PLANT_FILE, "_source_object": f"plants/{result.plant.plant}.yaml", "_export_order": order,
        "_extracted_at": None, "_ingested_at": loader.at, "_transform_version": PLANT_FILE,
    }  # fmt: skip
    stated = before if months is None else before.filter(pl.col("month").is_in(sorted(months)))
    gone = revisions.tombstones(stated, frame, id=str(spec.id), source_system=source_system, lineage=lineage)
    incoming = stacked([_unsaid(frame, before, str(spec.id)).with_columns(pl.lit(order).alias("_export_order")), gone], spec)
    rows = revisions.merge(before, incoming, id=str(spec.id)).rows
    rows = revisions.above(delivered, rows, id=str(spec.id)) if name in CODES else rows
    covered = None if change.months is None else {*change.months, *rows["month"].unique().to_list()}
    result.changes[name] = Change(rows, covered, change.standing)


def _unsaid(frame: pl.DataFrame, before: pl.DataFrame, id: str) -> pl.DataFrame:
    """The stated rows that do not say what their current version says; of the others some versions may lie in months that are not open."""
    standing = before.filter(pl.col("is_current") & ~pl.col("is_deleted")).select(id, "_row_hash")
    return frame.join(standing, on=[id, "_row_hash"], how="anti", maintain_order="left")


def _order_after(standing: pl.DataFrame, now: str) -> str:
    """A place in the order of versions behind all that was stated before: the clock may have been set back, or two refreshes fall
    into one second."""
    last = standing.select(pl.col("_export_order").max()).item()
    return now if last is None or last < now else f"{last}+"


def _mine() -> pl.Expr:
    return pl.col("_batch_id") == PLANT_FILE


def _equipment(loader: Loader, about: Stated, result: PlantResult) -> pl.DataFrame:
    mastered = _names(loader, result, "equipment").filter(~_mine())["equipment_code"]
    return statements.equipment(about, _named(loader, result, "equipment", result.codes), mastered)


def _materials(loader: Loader, about: Stated, result: PlantResult) -> pl.DataFrame:
    mastered = _names(loader, result, "material").filter(~_mine())["local_material_no"]
    return statements.materials(about, _named(loader, result, "material", result.materials) - set(mastered))


def _named(loader: Loader, result: PlantResult, name: str, seen: set[str]) -> set[str]:
    """The units or materials that the plant's data name.

    Those are the ones that stand stated, and what new data name. Only where something may be named no more (other statements, another
    mapping), or a master dropped a record that hid its statement, silver itself is asked, and of it nothing but the column of ids.
    """
    versions, id = _versions(loader, result, name), str(TABLES[name].id)
    if not (result.restate or result.is_remade or _dropped(versions, result.changes.get(name), id)):
        return {*_names(loader, result, name).filter(_mine())[CODES[name]], *seen}
    used = pl.concat([_ids(loader, result, table, id) for table in NAMED_BY[name]])
    return {*versions.join(used, on=id, how="semi")[CODES[name]], *seen}


def _dropped(versions: pl.DataFrame, change: Change | None, id: str) -> bool:
    """Whether a master dropped a record in this refresh."""
    if change is None:
        return False
    gone = pl.col("is_current") & pl.col("is_deleted") & ~_mine()
    return not versions.filter(gone).join(change.standing.filter(gone), on=id, how="anti").is_empty()


def _ids(loader: Loader, result: PlantResult, table: str, id: str) -> pl.DataFrame:
    """The units or materials that the delivered rows of a table name, in any of their versions."""
    change, snapshot, plant_id = result.changes.get(table), loader.standing.snapshot(table), result.plant.plant
    delivered = pl.col("_source_system") != PLANT_FILE
    found = [change.rows.filter(delivered).select(id)] if change else []
    if change is None or change.months is not None:
        others = snapshot.months(plant_id) - (change.months or set()) if change else None
        found.append(snapshot.read([plant_id], others, ["plant_id", id, "_source_system"]).filter(delivered).select(id).unique().collect())
    return pl.concat(found).drop_nulls().unique()


def _tags(loader: Loader, about: Stated, result: PlantResult, source_id: str) -> pl.DataFrame:
    seen = [frame for load in result.samples if load.reading.source_id == source_id for frame in load.tags]
    named = _names(loader, result, "tag").filter(_mine())
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
    known = [_told(result, row) for row in result.known.rows]
    failed = _failed(result)
    spans: Spans = {}
    for source_id, source in plant.sources.items():
        rows = [
            row for row in known if row.source_system == source_id and (source_id, row.batch_id) not in failed and row.state != "FAILED"
        ]
        past = [result.known.past[source_id]] if source_id in result.known.past else []
        if not (rows or past) or not set(source.tables) & set(TIMED):
            continue
        every: list[ExportRow | Past] = [*rows, *past]
        first = bound(min, (row.data_from for row in every))
        told = [row.covers_to for row in every] + ([row.exported_at for row in every] if source.complete_until == "exported_at" else [])
        last = bound(max, told) or bound(max, (row.data_to for row in every))
        spans[source_id] = (first, last)
    return spans


def _told(result: PlantResult, row: ExportRow) -> ExportRow:
    """An export with what its name states today and the span of what is loaded of it. A quiet day's dump may hold the bytes of another
    day's, and still says that the day was quiet."""
    return spanned(row, result.known.spans.get((row.source_system, str(row.batch_id)), {}))


def _failed(result: PlantResult) -> set[Key]:
    """Deliveries of which a table could not be loaded, now or when it was last tried."""
    done = {(a.source_system, a.table_name, a.batch_id) for a in result.accounts if a.state == "COMMITTED"}
    now = {(a.source_system, a.table_name, a.batch_id) for a in result.accounts if a.state == "FAILED"}
    return {(source_id, batch) for source_id, _, batch in {*result.known.failed, *now} - done}


def _watermarks(plant: PlantFile, spans: Spans) -> pl.DataFrame:
    rows = [{"plant_id": plant.plant, "source_system": name, "data_from": first, "data_to": last} for name, (first, last) in spans.items()]
    return pl.DataFrame(rows, schema=STATEMENTS["source_watermark"], orient="row")


def _horizon(plant: PlantFile, spans: Spans) -> Horizon | None:
    """The local days that the calendar has to cover: from the start of the data to the last watermark."""
    zone = ZoneInfo(plant.timezone)
    first = bound(min, (start for start, _ in spans.values()))
    last = bound(max, (end for _, end in spans.values()))
    start = plant.data_start_on or (first.astimezone(zone).date() if first else None)
    if start is None or last is None:
        return None
    end = last.astimezone(zone).date()
    return (start, end) if end >= start else None
