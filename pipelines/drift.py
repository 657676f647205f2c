"""Whether the exports of a source have changed: each new export is held against those before it, in the order of exports.

Here: which exports are compared with which, what is told once, what waits for a person and what ends it. Elsewhere: the comparison
(`transforms.drift`), where profiles and changes are kept (`pipelines.drift_store`), the command (`pipelines.cli_drift`).

An export is compared with the exports that come before it, whenever it arrived, so a late old one is held against older ones. Of a column
that has changed and waits for a person, later exports are held against those before the change: the change is told once and stays until
somebody accepts it, the plant file says something else of the column, or an export is as before. Nothing is accepted because time went
by: a thousand times too much is wrong in the tenth export too. From a change on that was settled the column has a new history.
"""

from __future__ import annotations

import hashlib
import json
import logging
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import cached_property
from pathlib import Path
from zoneinfo import ZoneInfo

import polars as pl
import yaml

from connectors.changes import reads_as
from connectors.errors import PlantlakeError, Problem
from connectors.models import PlantFile, Source, Table
from connectors.portfolio import Portfolio
from connectors.registry import connector
from pipelines import bronze, disk
from pipelines.drift_store import DriftStore, Found, State
from pipelines.lake import Lake
from pipelines.ledger import ExportLedger, ExportRow
from pipelines.load_deliveries import order_of
from transforms.drift import edits
from transforms.drift.compare import Exported, Finding, Question, compare, renames, unreadable
from transforms.drift.profile import VERSION, Profile, profile
from transforms.drift.uses import uses
from transforms.drift.words import new_words
from transforms.mapping import Rename, as_text, secret_columns

log = logging.getLogger("plantlake.drift")

KEPT = 20
"""Exports that an export is held against."""
LAST = "9999"
"""The place of an export that could not be loaded and whose name states no time: behind everything."""
ENOUGH_TO_RETURN = 20
"""Records of an export that may say that a change is over."""
OF_VALUES = ("SWAPPED", "RETYPED", "DATE_FORMAT", "DAY_FIRST", "DECIMAL", "EMPTIED", "FILLED", "SCALE", "UNIT", "SIGN", "ZONE")
"""Changes that give a column a new history."""


@dataclass(frozen=True)
class Unread:
    """An export that could not be read, and what it looks like."""

    export: ExportRow
    layout: Mapping[str, str]


@dataclass
class Profiles:
    """The profiles of a lake's exports, made when they are first asked for."""

    lake: Lake
    portfolio: Portfolio
    store: DriftStore
    _known: dict[str, Profile | None] = field(default_factory=dict)

    def make(self, source: Source, path: Path, layout: Mapping[str, str] | None = None) -> tuple[str, Profile]:
        """The profile of an export whose records are at `path` in bronze, with its key."""
        return _key(source, path), profile(pl.scan_parquet(path), set(secret_columns(source)), self.portfolio.person_salt, layout)

    def of(self, plant: PlantFile, export: ExportRow, records: str) -> Profile | None:
        """The profile of an export; None where its records cannot be read."""
        try:
            key = _key(plant.sources[export.source_system], self.path(plant, export, records))
            if len(self._known) > 50 * KEPT:
                self._known.clear()
            if key not in self._known:
                self._known[key] = self.store.profile(key) or self._made(plant, export, records)
            return self._known[key]
        except PlantlakeError:
            return None
        except Exception as error:  # a shape of data that nobody foresaw hinders no other export
            log.warning("no profile of %s", export.name, exc_info=error)
            return None

    def path(self, plant: PlantFile, export: ExportRow, records: str) -> Path:
        """Where the records of an export are in bronze, if they are. Raises PlantlakeError where a file beside the exports is gone."""
        source = plant.sources[export.source_system]
        options, extra = bronze.options_of(self.portfolio, plant, export.source_system, export.name)
        return bronze.parsed_path(self.lake, connector(source.kind), str(export.sha256), options, records, extra_hash=extra)

    def _made(self, plant: PlantFile, export: ExportRow, records: str) -> Profile:
        source = plant.sources[export.source_system]
        options, extra = bronze.options_of(self.portfolio, plant, export.source_system, export.name)
        path = bronze.parsed(self.lake, connector(source.kind), str(export.sha256), export.name, options, records, extra_hash=extra)
        key, made = self.make(source, path)
        self.store.keep({key: made})
        return made


def _key(source: Source, path: Path) -> str:
    """Of bytes and of how they are read, which make the path, and of what is kept out of the profile."""
    what = hashlib.sha256(json.dumps([VERSION, sorted(secret_columns(source))]).encode()).hexdigest()[:8]
    return f"{source.kind}/{path.stem}-{what}"


@dataclass
class Watch:
    """One look at what was landed since the last."""

    portfolio: Portfolio
    lake: Lake
    ledger: ExportLedger
    store: DriftStore
    refresh_id: str
    at: datetime
    problems: list[Problem] = field(default_factory=list)

    @cached_property
    def profiles(self) -> Profiles:
        return Profiles(self.lake, self.portfolio, self.store)

    def run(self, unread: Sequence[Unread] = ()) -> list[Found]:
        """Compares what is new, ends what is over, and gives what was found for the first time."""
        number, mark = self.ledger.newest(), self.store.mark
        by_source: dict[tuple[str, str], list[ExportRow]] = defaultdict(list)
        for row in self.ledger.landed_since(mark or 0):
            if row.plant_id in self.portfolio.plants and row.source_system in self.portfolio.plants[row.plant_id].sources:
                by_source[row.plant_id, row.source_system].append(row)
        for item in unread:
            by_source.setdefault((item.export.plant_id, item.export.source_system), [])
        new: list[Found] = []
        for (plant_id, source_id), rows in by_source.items():
            own = [item for item in unread if (item.export.plant_id, item.export.source_system) == (plant_id, source_id)]
            new += self._looked(self.portfolio.plants[plant_id], source_id, rows, own)
        with self.store.transaction():
            self.store.set_mark(number)
            self._end_what_is_over()
        return new

    def _looked(self, plant: PlantFile, source_id: str, rows: Sequence[ExportRow], unread: Sequence[Unread]) -> list[Found]:
        """What one source's exports changed. What goes wrong with one source is told, and hinders no other."""
        try:
            of = _Source(self, plant, source_id)
            return [*of.look(rows), *(found for item in unread for found in of.look_at_unread(item))]
        except Exception as error:
            if disk.is_full(error):
                raise
            log.error("%s · %s: exports were not compared", plant.plant, source_id, exc_info=error)
            self.problems.append(
                Problem(
                    "Whether the exports of a source have changed could not be found out.",
                    found=f"{plant.plant} · {source_id}: {type(error).__name__}: {error}"[:300], fix="see the newest file in lake/logs",
                    consequence="Numbers are made as ever.", actor="us",
                )
            )  # fmt: skip
            return []

    def _end_what_is_over(self) -> None:
        """Changes that the plant file answers by now, and those of exports that are no longer delivered."""
        for found in self.store.open(set(self.portfolio.plants)):
            plant = self.portfolio.plants[found.plant_id]
            source = plant.sources.get(found.source_system)
            if source is None:
                self.end(found, "MENDED", "the plant file: the source is gone")
                continue
            mapping = mapping_of(plant, source, found.export, found.column_name)
            if mapping != found.mapping and not (found.what == "WORDS" and _still_unknown(source, found)):
                self.end(found, "MENDED", "the plant file")
            elif mapping != found.mapping:
                self.store.remap(int(found.finding_id or 0), mapping)
            elif not found.is_loaded and self._is_gone(found):
                self.end(found, "RETURNED", "the export is no longer delivered")

    def _is_gone(self, found: Found) -> bool:
        seen = self.ledger.seen(found.plant_id, found.source_system, [found.export]).get(found.export)
        return seen is not None and seen.state == "GONE"

    def end(self, found: Found, state: State, by: str) -> None:
        self.store.end(int(found.finding_id or 0), state, self.at, by)


class _Source:
    """The exports of one source in one look."""

    def __init__(self, watch: Watch, plant: PlantFile, source_id: str):
        self.watch, self.plant, self.source_id = watch, plant, source_id
        self.base = plant.sources[source_id]
        self.known = watch.store.of_source(plant.plant, source_id)

    # --- the exports that were read -------------------------------------------------------------------------------------------------

    def look(self, rows: Iterable[ExportRow]) -> list[Found]:
        """What the exports changed, in their order."""
        placed = sorted(((self._place(row), row) for row in rows), key=lambda item: item[0])
        new: list[Found] = []
        done: set[str] = set()
        for place, row in placed:
            if str(row.batch_id) not in done:  # copies are one delivery
                done.add(str(row.batch_id))
                for records in _record_sets(self.base):
                    new += self._compared(row, place, records)
        return new

    def _place(self, row: ExportRow) -> str:
        if row.export_order:
            return str(row.export_order)
        return order_of(row, None) if row.exported_at or row.covers_to else f"{LAST}|{row.name}|{row.sha256}"

    def _compared(self, row: ExportRow, place: str, records: str) -> list[Found]:
        exported = self._exported(row, records)
        if exported is None:
            return []
        asked = self._question(row, place, records, exported)
        told = [*compare(asked), *self._words(row, records, asked)] if asked.past else []
        return self._entered(row, place, records, told, exported.profile)

    def _exported(self, row: ExportRow, records: str) -> Exported | None:
        found = self.watch.profiles.of(self.plant, row, records)
        taken = row.exported_at.astimezone(self._zone(row.name)).replace(tzinfo=None) if row.exported_at else None
        return Exported(row.name, found, taken) if found is not None else None

    def _zone(self, name: str) -> ZoneInfo:
        return ZoneInfo(reads_as(self.plant, self.base, name).timezone or self.plant.timezone)

    def _question(self, row: ExportRow, place: str, records: str, exported: Exported) -> Question:
        source = of_records(reads_as(self.plant, self.base, row.name), records)
        past = self._before(place, records)
        aliases = {line["alias"]: line["ucum"] for line in self.watch.portfolio.vocabularies.rows("unit_aliases", self.plant.plant)}
        return Question(
            source, exported, [export for _, export in past], lambda column: self._held(column, place, records, past),
            lambda column: self.texts(row, records, column), str(self._zone(row.name)), self.plant.timezone, aliases,
        )  # fmt: skip

    def _before(self, place: str, records: str) -> list[tuple[str, Exported]]:
        """The exports next before a place, oldest first."""
        rows = self.watch.ledger.before(self.plant.plant, self.source_id, place, KEPT)
        found = [(str(row.export_order), self._exported(row, records)) for row in {row.sha256: row for row in rows}.values()]
        return [(order, export) for order, export in reversed(found) if export is not None]

    def _held(self, column: str, place: str, records: str, past: Sequence[tuple[str, Exported]]) -> list[Exported]:
        """What a column's values are held against: exports before a change that waits, else those since the last that was settled."""
        own = [
            found for found in self.known if found.records == records and found.what in OF_VALUES and found.column_name in (column, None)
        ]
        waiting = [found.place for found in own if found.state == "OPEN" and found.place < place]
        if waiting:
            past = self._before(min(waiting), records)
        settled = [found.place for found in own if found.state in ("ACCEPTED", "MENDED", "NOTED") and found.place < place]
        return [export for order, export in past if not settled or order >= max(settled)]

    def texts(self, row: ExportRow, records: str, column: str) -> list[str]:
        """The most frequent texts of a column, never of one with names of persons."""
        if column in set(secret_columns(self.base)):
            return []
        frame = self._records(row, records)
        if frame is None or column not in frame.collect_schema():
            return []
        values = frame.select(column).collect()
        counts = values.select(as_text(values, column).alias("t")).drop_nulls()["t"].value_counts(sort=True)
        return [str(text) for text in counts["t"].head(20)]

    def _records(self, row: ExportRow, records: str) -> pl.LazyFrame | None:
        try:
            path = self.watch.profiles.path(self.plant, row, records)
        except PlantlakeError:
            return None
        return pl.scan_parquet(path) if path.exists() else None

    def _words(self, row: ExportRow, records: str, asked: Question) -> list[Finding]:
        """Words that no export before had and the mapping does not know."""
        frame = self._records(row, records)
        if frame is None:
            return []
        lines = self.watch.portfolio.vocabularies.rows("reason_map", self.plant.plant)
        codes = {line["source_code"] for line in lines if line["source"] in ("", "*", self.source_id)}
        return new_words(asked, frame, self.watch.portfolio.person_salt, codes)

    # --- what is kept of it ----------------------------------------------------------------------------------------------------------

    def _entered(self, row: ExportRow, place: str, records: str, told: Sequence[Finding], of: Profile) -> list[Found]:
        """Enters what is found for the first time, and ends what this export shows no longer."""
        store = self.watch.store
        seen = {finding.signature for finding in told}
        before = [found for found in self.known if found.records == records]
        new: list[Found] = []
        with store.transaction():
            for finding in told:
                same = [found for found in before if found.signature == finding.signature and found.state in ("OPEN", "NOTED", "ACCEPTED")]
                if same and same[-1].state == "OPEN":
                    store.seen_again(int(same[-1].finding_id or 0), row.name)
                elif not same:
                    new.append(self._found(row, place, records, finding))
            ids = store.add(new)
            for found in before:
                if found.state == "OPEN" and found.signature not in seen and self._is_over(found, row, place, of):
                    self.watch.end(found, "RETURNED", f"{row.name} is as before")
        self.known = store.of_source(self.plant.plant, self.source_id)
        return [replace(found, finding_id=number) for found, number in zip(new, ids, strict=True)]

    def _is_over(self, found: Found, row: ExportRow, place: str, of: Profile) -> bool:
        """Whether an export without the change says that it is over: the one that had it, delivered anew, or a later one that can tell."""
        if row.name == found.export:
            return True
        column = of.by_name.get(found.column_name or "")
        can_tell = of.rows >= ENOUGH_TO_RETURN and (found.column_name is None or column is not None)
        if found.what in ("DROPPED", "RENAMED"):
            can_tell = column is not None
        return can_tell and found.what != "WORDS" and _moment(found.place) < _moment(place) != LAST

    def _found(self, row: ExportRow, place: str, records: str, finding: Finding) -> Found:
        at = place if not place.startswith(LAST) else self._last_place(row)
        state: State = "OPEN" if finding.needs_a_person else "NOTED"
        edit = {"sources": {self.source_id: finding.edit}} if finding.edit and finding.is_mapped else None
        mapping = mapping_of(self.plant, self.base, row.name, finding.column)
        path = f"plants/{self.plant.plant}.yaml → sources.{self.source_id}.{edits.path(finding.edit)}" if edit and finding.edit else None
        return Found(
            self.plant.plant, self.source_id, records, row.name, at, finding.column, finding.what, finding.message, finding.old,
            finding.new,
            yaml.safe_dump(edit, sort_keys=False, allow_unicode=True, width=120) if edit else None, path, finding.advice,
            bool(row.sha256) and self.watch.ledger.is_loaded(row), state, finding.signature, mapping, self.watch.at.isoformat(),
            self.watch.refresh_id, row.name,
        )  # fmt: skip

    def _last_place(self, row: ExportRow) -> str:
        """The place of an export that tells no time: that of the last that was loaded before it."""
        last = self.watch.ledger.before(self.plant.plant, self.source_id, LAST, 1)
        return f"{_moment(str(last[0].export_order)) if last else ''}|{row.name}|{row.sha256 or ''}"

    # --- those that were not ---------------------------------------------------------------------------------------------------------

    def look_at_unread(self, item: Unread) -> list[Found]:
        """Why an export that could not be read may be another file than those before it."""
        row, records = item.export, _record_sets(self.base)[0]
        place = self._place(row)
        past = [export.profile.layout for _, export in self._before(place, records)]
        source = reads_as(self.plant, self.base, row.name)
        told = unreadable(source, row.name, [layout for layout in past if layout], item.layout)
        known = {found.signature for found in self.known if found.state in ("OPEN", "ACCEPTED")}
        new = [self._found(row, place, records, finding) for finding in told if finding.signature not in known]
        with self.watch.store.transaction():
            ids = self.watch.store.add(new)
        return [replace(found, finding_id=number) for found, number in zip(new, ids, strict=True)]


def _moment(place: str) -> str:
    return place.split("|", 1)[0]


def _record_sets(source: Source) -> list[str]:
    default = connector(source.kind).records[0]
    return list(dict.fromkeys(table.records or default for table in source.tables.values()))


def of_records(source: Source, records: str) -> Source:
    """The source with the tables of one record set."""
    default = connector(source.kind).records[0]
    return source.model_copy(
        update={"tables": {name: table for name, table in source.tables.items() if (table.records or default) == records}}
    )


def mapping_of(plant: PlantFile, source: Source, export: str, column: str | None) -> str:
    """Of everything that the plant file says of a column of an export, or of how the whole export reads."""
    reads = reads_as(plant, source, export)
    names = {column, *(new for new, old in source.renamed.items() if column in (new, old))}
    used = {
        name: sorted(f"{use.table}.{use.place} {use.rule}" for use in found) for name, found in uses(reads, []).items() if name in names
    }
    what = [reads.timezone or plant.timezone, reads.options, used, sorted(str(name) for name in names)]
    return hashlib.sha256(json.dumps(what, default=str, sort_keys=True).encode()).hexdigest()[:16]


def _still_unknown(source: Source, found: Found) -> bool:
    """Whether no map knows a word yet."""
    word = found.signature.split("|", 2)[2]
    rules = [rule for table in source.tables.values() for rule in table.columns.values() if found.column_name in (rule.from_ or ())]
    return not any(isinstance(rule.map, dict) and word in {key.strip() for key in rule.map} for rule in rules)


def renamed(
    watch: Watch, plant: PlantFile, source_id: str, export: ExportRow, table: Table, missing: Sequence[str]
) -> Mapping[str, Rename]:
    """Under which names an export seems to have mapped columns that it lacks, by what the exports before it held there.

    Exports of the same refresh are not in their order yet: then those are asked that have the columns.
    """
    of = _Source(watch, plant, source_id)
    records = table.records or connector(of.base.kind).records[0]
    exported = of._exported(export, records)
    if exported is None:
        return {}
    past = [found for _, found in of._before(of._place(export), records)]
    if not past:
        others = [row for row in watch.ledger.some(plant.plant, source_id, KEPT) if row.sha256 != export.sha256]
        found = [of._exported(row, records) for row in sorted(others, key=lambda row: row.name)]
        past = [one for one in found if one is not None and any(name in one.profile.by_name for name in missing)]
    if not past:
        return {}
    asked = Question(of_records(reads_as(plant, of.base, export.name), records), exported, past)
    return {pair.old: Rename(pair.new, pair.because) for pair in renames(asked)}
