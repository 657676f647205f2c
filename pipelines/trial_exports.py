"""What `plantlake plant try` says of a plant's exports: which it took, how fresh they are, what became of their records.

Here: the newest exports of each source up to a bound, the account of every table, first rows, rejected records as they stand in their
export. Elsewhere: the trial itself (`pipelines.trial`), the words and units of what was accepted (`pipelines.trial_words`).

What a refresh would load is `Plan.deliveries`; a trial takes the newest of it. Newest is by what names state, else by the time of the
file: the end of the data, by which a refresh orders such exports, is known only when they are read.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import polars as pl

from connectors.errors import PlantlakeError
from connectors.models import PlantFile
from connectors.naming import stated
from connectors.portfolio import Portfolio
from connectors.windows import read_name
from pipelines import silver
from pipelines.lake import Lake
from pipelines.ledger import ExportLedger, ExportRow, TableRow
from pipelines.load import TIMED
from pipelines.load_deliveries import HAPPENED
from pipelines.load_deliveries import bound as bound_of
from pipelines.origins import lines_of
from pipelines.plan import Delivery
from transforms.tables import TABLES

FILES = 31
SIZE = 16 << 20
"""Of each source the newest exports are tried, up to so many and so many bytes, and at least one."""
ANSWER = SIZE // 4
"""What an answer that nobody has asked for yet counts as."""
EARLIEST, LATEST = datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Bound:
    """How much of each source is tried: its newest exports. None is no bound; one export is always taken."""

    files: int | None = FILES
    size: int | None = SIZE

    def __str__(self) -> str:
        """In words, for people."""
        size = f"{self.size >> 20} MB" if self.size is not None else ""
        files = "" if self.files is None else "the newest export" if self.files == 1 else f"the newest {self.files} exports"
        return " or ".join(filter(None, (files, size))) or "all exports"


@dataclass(frozen=True, slots=True)
class Tried:
    """One source: which exports were taken, and how fresh the newest of them is."""

    source: str
    kind: str
    path: str
    taken: int
    taken_bytes: int
    left_out: int
    """Older exports that were not looked at."""
    left_out_bytes: int
    newest: str | None
    """Name of the newest export that was taken."""
    stamp: datetime | None
    """Of what moment that export is by its own word."""
    stamp_of: str | None
    """Who says so: its name (exported_at, covers), or the time of the file."""
    newest_record: datetime | None
    """The last instant of what happened, by the accepted records of all exports taken."""
    behind_s: float | None
    """The stamp less the newest record; below 0 the records lie after the export, which a wrong time zone does."""
    expect: str | None


@dataclass(frozen=True, slots=True)
class Account:
    """What became of the records of a source in one table: read = accepted + rejected + repeated + filtered."""

    source: str
    table: str
    exports: int
    failed: int
    """Exports of which nothing could be loaded into the table."""
    read: int
    accepted: int
    rejected: int
    repeated: int
    filtered_by: dict[str, int]
    """Records left out on purpose, by the name of the `skip` entry."""
    data_from: datetime | None
    data_to: datetime | None
    is_of_days: bool
    """Its records are of days: the two times are midnights in UTC."""
    first_rows: list[dict[str, Any]] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Line:
    """A rejected record as it stands in its export."""

    export: str
    row: int
    """Its number among the records of the export, from 1; of a spreadsheet the row of the sheet."""
    detail: str
    """Every rule that it breaks, with the text that broke it."""
    place: str
    text: str
    is_verbatim: bool


@dataclass(frozen=True, slots=True)
class Rejected:
    """The rejected records of a source and table by the first rule that they break."""

    source: str
    table: str
    rule: str
    records: int
    first: list[Line]


# --- which exports ----------------------------------------------------------------------------------------------------------------


def chosen(plant: PlantFile, deliveries: Sequence[Delivery], bound: Bound) -> list[Delivery]:
    """The newest deliveries of each source within the bound, newest last."""
    by_source: dict[str, list[Delivery]] = defaultdict(list)
    for item in deliveries:
        by_source[item.source_id].append(item)
    taken: list[Delivery] = []
    for own in by_source.values():
        newest = sorted(own, key=lambda item: _place(plant, item), reverse=True)
        taken += reversed(newest[: _fitting(newest, bound)])
    return taken


def _fitting(newest: Sequence[Delivery], bound: Bound) -> int:
    """How many of these, from the first on, are within the bound."""
    size = 0
    for number, item in enumerate(newest):
        size += item.export.size or (ANSWER if read_name(item.export.name) else 0)
        if number and ((bound.files is not None and number >= bound.files) or (bound.size is not None and size > bound.size)):
            return number
    return len(newest)


def _place(plant: PlantFile, item: Delivery) -> tuple[datetime, datetime, str]:
    """A name that does not fit its pattern is the newest: what is wrong with it has to be seen."""
    try:
        times = stated(plant, plant.sources[item.source_id], item.export.name)
    except PlantlakeError:
        return LATEST, LATEST, item.export.name
    moment = times.exported_at or times.covers_to or EARLIEST
    return moment, item.export.modified or EARLIEST, item.export.name


def common_start(plant: PlantFile, ledger: ExportLedger, cut: Iterable[str]) -> date | None:
    """The first whole production day of which every source that was cut (`cut`) tells; None where nothing older was taken anyway.

    A source of a month in 31 small exports lies beside one of a day: before that day the second says nothing only because it was cut.
    """
    begins = _begins(plant, ledger)
    limits = [begins[source] for source in cut if source in begins]
    if not limits or max(limits) <= min(begins.values()):
        return None
    last = max(row.data_to for row in ledger.tables(plant.plant) if row.data_to and row.table_name in TIMED)
    first, newest = _in_days(plant, max(limits)), _in_days(plant, last).date()
    day = first.date() if first.time() == time() else min(first.date() + timedelta(days=1), newest)
    return None if plant.data_start_on and plant.data_start_on >= day else day


def _in_days(plant: PlantFile, moment: datetime) -> datetime:
    """A moment on a clock that shows midnight when a production day of the plant begins."""
    hours, minutes = map(int, plant.production_day_start.split(":"))
    return moment.astimezone(ZoneInfo(plant.timezone)).replace(tzinfo=None) - timedelta(hours=hours, minutes=minutes)


def _begins(plant: PlantFile, ledger: ExportLedger) -> dict[str, datetime]:
    """Per source with events or counts from when on it tells everything: the window that its names state, else its first record."""
    windows = {name: bound_of(min, (row.covers_from for row in ledger.exports(plant.plant, name))) for name in plant.sources}
    found: dict[str, datetime] = {}
    for row in ledger.tables(plant.plant):
        if row.table_name in TIMED and (moment := windows.get(row.source_system) or row.data_from) is not None:
            found[row.source_system] = min(moment, found.get(row.source_system, moment))
    return found


def tried(plant: PlantFile, ledger: ExportLedger, found: Sequence[Delivery], taken: Sequence[Delivery]) -> list[Tried]:
    """Every source of the plant file, whether or not it delivers."""
    exports = ledger.exports(plant.plant)
    tables = ledger.tables(plant.plant)
    return [
        _tried(plant, name, [d for d in found if d.source_id == name], [d for d in taken if d.source_id == name],
               [row for row in exports if row.source_system == name], [row for row in tables if row.source_system == name])
        for name in plant.sources
    ]  # fmt: skip


def _tried(
    plant: PlantFile, name: str, found: Sequence[Delivery], taken: Sequence[Delivery], exports: Sequence[ExportRow],
    tables: Sequence[TableRow],
) -> Tried:  # fmt: skip
    source = plant.sources[name]
    size, taken_size = (sum(item.export.size or 0 for item in own) for own in (found, taken))
    newest = taken[-1].export.name if taken else None
    stamp, stamp_of = _stamp(next((row for row in exports if row.name == newest), None))
    newest_record = bound_of(max, (row.data_to for row in tables if TABLES[row.table_name].is_past or row.table_name in HAPPENED))
    behind = (stamp - newest_record).total_seconds() if stamp and newest_record else None
    return Tried(
        name, source.kind, source.path, len(taken), taken_size, len(found) - len(taken), size - taken_size, newest, stamp, stamp_of,
        newest_record, behind, source.expect,
    )  # fmt: skip


def _stamp(export: ExportRow | None) -> tuple[datetime | None, str | None]:
    if export is None:
        return None, None
    known = {"exported_at": export.exported_at, "covers": export.covers_to, "file time": export.modified}
    return next(((moment, word) for word, moment in known.items() if moment), (None, None))


# --- what became of records -----------------------------------------------------------------------------------------------------------


def accounts(plant: PlantFile, lake: Lake, ledger: ExportLedger, rows: int) -> list[Account]:
    """One account a source and table, with its first rows as silver has them."""
    by_table: dict[tuple[str, str], list[TableRow]] = defaultdict(list)
    for row in ledger.tables(plant.plant):
        by_table[row.source_system, row.table_name].append(row)
    pairs = [(name, table) for name, source in plant.sources.items() for table in source.tables]
    return [_account(plant, lake, name, table, by_table[name, table], rows) for name, table in pairs]


def _account(plant: PlantFile, lake: Lake, name: str, table: str, found: Sequence[TableRow], rows: int) -> Account:
    filtered: dict[str, int] = defaultdict(int)
    for row in found:
        for word, count in row.filtered_by.items():
            filtered[word] += count
    loaded, spec = [row for row in found if row.state == "COMMITTED"], TABLES[table]
    return Account(
        source=name, table=table, exports=len(loaded), failed=len(found) - len(loaded), read=sum(row.records_read for row in loaded),
        accepted=sum(row.accepted for row in loaded), rejected=sum(row.rejected for row in loaded),
        repeated=sum(row.duplicate for row in loaded), filtered_by=dict(filtered),
        data_from=bound_of(min, (row.data_from for row in loaded)), data_to=bound_of(max, (row.data_to for row in loaded)),
        is_of_days=spec.time is not None and spec.columns[spec.time] == pl.Date,
        first_rows=first_rows(plant, lake, name, table, {row.batch_id for row in loaded}, rows) if rows else [],
    )  # fmt: skip


def first_rows(plant: PlantFile, lake: Lake, source_id: str, table: str, batches: Collection[str], most: int) -> list[dict[str, Any]]:
    """The first accepted rows of a source in a table: what the plant file maps, in the lake's words and units, times in UTC."""
    schema = silver.columns(table)
    if "_row_number" not in schema:  # samples
        tags = silver.read(lake, "tag", [plant.plant]).select("tag_id", "tag_name").unique("tag_id")
        samples = silver.read(lake, table, [plant.plant]).filter(pl.col("_batch_id").is_in(list(batches))).sort("_batch_id", "_row")
        named = samples.head(most).join(tags, on="tag_id", how="left", maintain_order="left")
        return named.select(pl.col("_row").alias("row"), "tag_name", "ts", "value_num", "value_text", "quality").collect().to_dicts()
    frame = silver.read(lake, table, [plant.plant]).filter(pl.col("_source_system") == source_id, pl.col("is_current"))
    shown = _shown(plant.sources[source_id].tables[table].columns, table, schema)
    found = frame.sort("_source_object", "_row_number").head(most).collect()
    if "material_id" in shown:
        names = silver.read(lake, "material", [plant.plant]).select("material_id", pl.col("local_material_no").alias("material")).collect()
        found = found.join(names.unique("material_id"), on="material_id", how="left", maintain_order="left")
        shown = ["material" if name == "material_id" else name for name in shown]
    return found.select(pl.col("_row_number").alias("row"), *shown).to_dicts()


def _shown(mapped: Mapping[str, Any], table: str, schema: Mapping[str, Any]) -> list[str]:
    """The columns of silver that hold the mapped inputs; of references the code or number where silver keeps it."""
    found: list[str] = []
    for name in mapped:
        about = TABLES[table].inputs[name]
        of_material = ("local_material_no", "material_id") if name == "material" else ()
        choices = [about.column or name, f"{name}_code", f"{name}_no", *of_material]
        found += [choice for choice in choices if choice in schema][:1]
    units = ["uom"] if "uom" in schema and any(TABLES[table].inputs[name].dimension == "quantity" for name in mapped) else []
    return list(dict.fromkeys([*found, *units]))


def rejected(portfolio: Portfolio, plant: PlantFile, lake: Lake, ledger: ExportLedger, rows: int) -> list[Rejected]:
    """Rejected records by source, table and rule, most first, with the first `rows` of each as they stand in their export."""
    found = silver.read(lake, "quarantine", [plant.plant]).sort("source_object", "row_number").collect()
    groups = found.group_by("source_system", "table_name", "rule", maintain_order=True)
    names = {(row.source_system, row.name): str(row.sha256) for row in ledger.exports(plant.plant)}
    told = [
        Rejected(str(key[0]), str(key[1]), str(key[2]), len(own), _lines(portfolio, plant, lake, names, own.head(rows)))
        for key, own in groups
    ]
    return sorted(told, key=lambda group: -group.records)


def _lines(portfolio: Portfolio, plant: PlantFile, lake: Lake, names: Mapping[tuple[str, str], str], records: pl.DataFrame) -> list[Line]:
    found: list[Line] = []
    for (source_id, table, name), own in records.group_by("source_system", "table_name", "source_object", maintain_order=True):
        wanted = [int(number) for number in own["row_number"]]
        try:
            sha256 = names[str(source_id), str(name)]
            lines = lines_of(lake, portfolio, plant, str(source_id), str(table), sha256, str(name), set(wanted))
        except PlantlakeError:  # what the quarantine keeps of it is told instead
            lines = {}
        for row in own.iter_rows(named=True):
            line = lines.get(row["row_number"])
            said = (line.place, line.text, line.is_verbatim) if line else (f"record {row['row_number']}", row["raw_row"], False)
            found.append(Line(str(name), row["row_number"], row["detail"], *said))
    return found
