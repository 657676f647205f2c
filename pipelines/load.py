"""Loads one refresh: new exports to bronze, bronze through conform to silver, one commit a table for all plants that fit in memory.

Here: the order of the steps, what a failure stops and what it does not, the account of every export. Elsewhere: what there is to
do (`pipelines.plan`), bytes and Parquet (`pipelines.bronze`), Delta (`pipelines.silver`), what one delivery is
(`pipelines.load_deliveries`) and what is known of a plant's (`pipelines.load_known`), samples of historians
(`pipelines.load_samples`), windows that exports replace (`pipelines.load_windows`), what plant files state
(`pipelines.load_stated`), what is read for it and what of it is new (`pipelines.standing`), the account's home
(`pipelines.ledger`), rows (`transforms`).
"""

from __future__ import annotations

import logging
import threading
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple

import polars as pl

from connectors.changes import holding, reads_as
from connectors.contract import Place
from connectors.errors import ConformError, PlantlakeError, Problem, UnreachableError
from connectors.models import PlantFile, Table
from connectors.naming import stated
from connectors.portfolio import Portfolio
from connectors.registry import connector
from connectors.windows import is_answer
from pipelines import bronze, disk, drift, lanes, load_deliveries, load_samples, load_stated, load_windows, silver
from pipelines.lake import Lake
from pipelines.ledger import ExportLedger, ExportRow, TableRow
from pipelines.load_deliveries import order_of
from pipelines.load_known import Known, known
from pipelines.plan import Delivery, Plan, PlantPlan, attempt_version, mapping_version, statement_hash
from pipelines.standing import Change, Standing
from transforms import revisions
from transforms.conform import Conformed, conform_together
from transforms.drift.profile import Profile
from transforms.mapping import Reading
from transforms.tables import TABLES, TableSpec

log = logging.getLogger("plantlake.load")

Progress = Callable[[str], None]
Ordered = tuple[str, ExportRow, Conformed]
"""A conformed export after its place in the order of its source."""
SAMPLE = "historian_sample"
TIMED = ("equipment_state_event", "production_count")
"""Tables whose data tell up to when a source has told everything; plans and orders reach into the future."""
FIRST = ("equipment", "material", "uom_conversion", "tag", "ideal_rate", "shift_instance", "planned_downtime", "production_order")
ORDER = (*FIRST, *(name for name in TABLES if name not in {*FIRST, SAMPLE}), SAMPLE)
"""Master data first, so that what names it can be checked against it."""


TOGETHER_ROWS = 200_000
"""Exports of one source are conformed together up to this many records; a larger one is conformed alone."""
COMMITTED_TOGETHER = 1_000_000
"""Rows, new and standing, that wait in memory for their commit: about 1.5 GB."""
LANDING = 4
"""Exports that are fetched and read at once."""
LANDED_TOGETHER = 64
"""Exports whose landing is written to the ledger in one transaction."""
LAST = "source_watermark"
"""Committed after all others: the calendar is known to reach as far as it says."""


class Landing(NamedTuple):
    """What became of an export on its way into bronze."""

    row: ExportRow
    problems: list[Problem]
    profiles: dict[str, Profile]
    layout: dict[str, str]
    is_unreached: bool = False
    """Its server could not be reached."""


@dataclass
class PlantResult:
    """What one plant contributes to the commits of a refresh."""

    plant: PlantFile
    known: Known
    changes: dict[str, Change] = field(default_factory=dict)
    accounts: list[TableRow] = field(default_factory=list)
    rejected: list[pl.DataFrame] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    samples: list[load_samples.SampleLoad] = field(default_factory=list)
    materials: set[str] = field(default_factory=set)
    """Numbers of materials that this refresh's data name; what a master says of its own records names nothing."""
    codes: set[str] = field(default_factory=set)
    """Codes of units, likewise."""
    is_remade: bool = False
    """A table is made anew under another mapping: what only its old rows named is named no more."""
    restate: bool = True
    """The plant file or a vocabulary states something else than what stands, or everything is made anew."""
    is_stated: bool = True
    """False where the plant file's statements could not be used: the next refresh tries again."""

    @property
    def rows(self) -> int:
        """Rows, new and standing, that wait for the commit."""
        return sum(len(change.rows) + len(change.standing) for change in self.changes.values())


@dataclass
class Loaded:
    """What a refresh did to silver."""

    changed: dict[str, list[str]] = field(default_factory=dict)
    """Table: plants whose rows changed."""
    accounts: list[TableRow] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)

    def note(self, table: str, plants: Iterable[str]) -> None:
        """That rows of these plants changed in a table."""
        self.changed[table] = sorted({*self.changed.get(table, ()), *plants})


class Loader:
    """One refresh of the lake's silver layer. `refresh_id` marks its commits; `at` is the instant it started."""

    def __init__(
        self, portfolio: Portfolio, lake: Lake, ledger: ExportLedger, refresh_id: str, at: datetime, tell: Progress = lambda _: None,
        check: Callable[[], None] = lambda: None, watch: drift.Watch | None = None,
    ):  # fmt: skip
        self.portfolio, self.lake, self.ledger = portfolio, lake, ledger
        self.refresh_id, self.at, self.tell = refresh_id, at, tell
        self.check = check
        """Called before each commit to silver; raises when this process may not write any more."""
        self.watch = watch
        """Keeps profiles of what is landed, and knows what earlier exports held."""
        self.unread: list[drift.Unread] = []
        self.standing = Standing(lake, portfolio.plants)
        self._readings: dict[tuple[str, str, str, tuple[int, ...]], Reading] = {}
        self._places: dict[tuple[str, str], Place] = {}
        self._asking, self._room = threading.Lock(), threading.BoundedSemaphore(LANDING)

    # --- bronze ---------------------------------------------------------------------------------------------------------------

    def land(self, plan: Plan) -> list[Problem]:
        """Brings every new export into bronze; one that cannot be read is recorded as failed and stops nothing else.

        A few are fetched and read at a time. What became of them is written to the ledger in groups: an export that was landed but
        not written down is landed again, which changes nothing.
        """
        deliveries = [delivery for todo in plan.plants.values() for delivery in todo.deliveries]
        problems: list[Problem] = []
        here = [delivery for delivery in deliveries if not self._is_remote(delivery)]
        with ThreadPoolExecutor(LANDING, thread_name_prefix="land") as pool:
            for start in range(0, len(here), LANDED_TOGETHER):
                problems += self._landed(pool.map(self._land, here[start : start + LANDED_TOGETHER]))
        there = lanes.asked(
            filter(self._is_remote, deliveries), self._lane, self._fetched, in_order=lambda item: is_answer(item.export.name)
        )
        answers = (answer for _, answer in there)
        while group := list(islice(answers, LANDED_TOGETHER)):
            problems += self._landed(group)
        return problems

    def _landed(self, found: Iterable[Landing]) -> list[Problem]:
        """Writes down what became of some exports, and tells what was wrong with them."""
        landings = list(found)
        if self.watch:
            self.watch.store.keep({key: made for one in landings for key, made in one.profiles.items()})
        self.ledger.record_export(*(replace(one.row, batch_id=self.ledger.batch_id(one.row) or one.row.batch_id) for one in landings))
        self.unread += [drift.Unread(one.row, one.layout) for one in landings if one.row.state == "FAILED" and one.layout]
        return [problem for one in landings for problem in one.problems]

    def _is_remote(self, delivery: Delivery) -> bool:
        return "://" in self._root(delivery) or is_answer(delivery.export.name)

    def _lane(self, delivery: Delivery) -> tuple[str, str]:
        """Deliveries that share their fate: files of one server, answers of one source, which must follow each other without a gap."""
        return self._root(delivery), f"{delivery.plant_id}/{delivery.source_id}" if is_answer(delivery.export.name) else ""

    def _root(self, delivery: Delivery) -> str:
        return self.portfolio.stated_root(self.portfolio.plants[delivery.plant_id], delivery.source_id)

    def _fetched(self, delivery: Delivery) -> tuple[Landing, bool]:
        """One export of a server in bronze, and whether it is of use to ask for the next one.

        The next answer of a system begins where the last one ended: one that is missing must not be passed over.
        """
        landing = self._land(delivery)
        is_missing = landing.row.state == "FAILED" and is_answer(landing.row.name)
        return landing, not (landing.is_unreached or is_missing)

    def _land(self, delivery: Delivery) -> Landing:
        """One export in bronze, as the ledger has to know it, and what was wrong with it."""
        plant = self.portfolio.plants[delivery.plant_id]
        source = plant.sources[delivery.source_id]
        row = self._export_row(delivery)
        self.tell(f"{row.plant_id} · {row.source_system} · {row.name}")
        record_sets = _record_sets(plant, delivery.source_id)
        landed: bronze.Landed | None = None
        try:
            times = stated(plant, source, delivery.export.name)
            options, extra = self.options(plant, delivery.source_id, delivery.export.name)
            place, kind = self._place(plant, delivery.source_id), connector(source.kind)
            landed = bronze.land(self.lake, kind, delivery.export, place, options, record_sets, extra_hash=extra, room=self._room)
            if len(landed.failed) == len(record_sets):
                raise next(iter(landed.failed.values()))
        except PlantlakeError as error:
            if disk.is_full(error):
                raise
            placed = error.at(plant=row.plant_id, source=row.source_system, export=row.name)
            again = any(problem.actor == "retry" for problem in placed.problems)  # a locked file is tried again, a bad one is not
            failed = replace(row, state="FAILED", error=str(placed), attempt="" if again else row.attempt)
            told = [
                replace(problem, consequence=problem.consequence or "Nothing from this file was loaded.") for problem in placed.problems
            ]
            return Landing(failed, told, {}, landed.layout if landed else {}, isinstance(error, UnreachableError))
        row = replace(
            row, state="LANDED", sha256=landed.sha256, landed_at=self.at, exported_at=times.exported_at, covers_from=times.covers_from,
            covers_to=times.covers_to,
        )  # fmt: skip
        row = replace(row, batch_id=load_deliveries.batch_id(plant, row.source_system, landed.batch_id, row))
        return Landing(row, [], self._profiles(plant, row, landed), landed.layout)

    def _profiles(self, plant: PlantFile, row: ExportRow, landed: bronze.Landed) -> dict[str, Profile]:
        """The profile of each record set, while its file is warm. One that cannot be made is made when it is asked for."""
        if self.watch is None:
            return {}
        try:
            source, of = plant.sources[row.source_system], self.watch.profiles
            return dict(of.make(source, path, landed.layout) for path in landed.parsed.values())
        except Exception as error:  # a shape of data that nobody foresaw
            log.warning("no profile of %s", row.name, exc_info=error)
            return {}

    def _place(self, plant: PlantFile, source_id: str) -> Place:
        """Where a source is; its secrets are asked for once a refresh."""
        key = (plant.plant, source_id)
        with self._asking:
            if key not in self._places:
                self._places[key] = self.portfolio.place(plant, source_id)
        return self._places[key]

    def _export_row(self, delivery: Delivery) -> ExportRow:
        export = delivery.export
        attempt = attempt_version(self.portfolio, self.portfolio.plants[delivery.plant_id], delivery.source_id)
        return ExportRow(
            delivery.plant_id, delivery.source_id, export.name, export.url, "NEW", export.size, export.modified,
            first_seen_at=self.at, attempt=attempt,
        )  # fmt: skip

    def options(self, plant: PlantFile, source_id: str, name: str) -> tuple[Any, str]:
        """The kind's options for an export with files beside the exports resolved, and a hash of what those files hold.

        Raises ReadError when such a file is not there.
        """
        return bronze.options_of(self.portfolio, plant, source_id, name)

    def parsed(self, plant: PlantFile, source_id: str, table: Table, export: ExportRow) -> Path:
        """The records of a landed export in Parquet."""
        kind = connector(plant.sources[source_id].kind)
        options, extra = self.options(plant, source_id, export.name)
        records = table.records or kind.records[0]
        return bronze.parsed(self.lake, kind, str(export.sha256), export.name, options, records, extra_hash=extra)

    # --- conform and silver -----------------------------------------------------------------------------------------------------

    def load(self, plan: Plan) -> Loaded:
        """Conforms everything that waits and commits it: for a group of plants one commit a table, then the ledger.

        A group is every plant on an ordinary day; plants with years to load are cut by the rows that wait for the commit. Nothing is
        written that stands already: a partition whose rows say what they said stays the file it was.
        """
        self.standing = Standing(self.lake, plan.plants)
        loaded, group = Loaded(), list[PlantResult]()
        if plan.restate:
            load_stated.state_portfolio(self, loaded)
        for plant_id, todo in plan.plants.items():
            group.append(self._plant(plant_id, todo))
            if sum(result.rows for result in group) > COMMITTED_TOGETHER:
                self._finish(group, loaded)
                group = []
        self._finish(group, loaded)
        return loaded

    def _finish(self, results: list[PlantResult], loaded: Loaded) -> None:
        """What is conformed becomes silver, and the ledger knows it."""
        load_samples.commit(self, [result for result in results if result.samples], loaded)
        for result in results:
            try:
                load_stated.state(self, result)
            except PlantlakeError as error:
                result.is_stated = False
                result.problems += error.at(plant=result.plant.plant).problems
        self._commit(results, loaded)
        for result in results:
            loaded.problems += result.problems
            loaded.accounts += result.accounts
        self._record(results)

    def _plant(self, plant_id: str, todo: PlantPlan) -> PlantResult:
        plant = self.portfolio.plants[plant_id]
        result = PlantResult(plant, known(plant, self.ledger, todo), restate=todo.restate, is_remade=bool(todo.rederive))
        self.tell(f"{plant.plant} · conform")
        pairs = [(source_id, name) for source_id, source in plant.sources.items() for name in source.tables]
        for source_id, name in sorted(pairs, key=lambda pair: ORDER.index(pair[1])):
            try:
                self._table(result, source_id, name, (source_id, name) in todo.rederive)
            except PlantlakeError as error:
                placed = error.at(plant=plant.plant, source=source_id, table=name)
                result.problems += placed.problems
                waiting, _ = result.known.landed(source_id, name)
                result.accounts += [self._failed(result, source_id, name, row, placed) for row in waiting]
        return result

    def _table(self, result: PlantResult, source_id: str, name: str, rederive: bool) -> None:
        waiting, standing = result.known.landed(source_id, name, rederive)
        if name == SAMPLE:
            result.samples += load_samples.prepare(self, result, source_id, waiting, rederive)
            return
        is_moved = any(not load_deliveries.is_loaded_as(row) for row in standing)  # a copy with a lesser name came
        if not waiting and not is_moved:
            return
        conformed = self._conform_all(result, source_id, name, waiting)
        if not rederive and (is_moved or not result.known.in_order(source_id, name, [order for order, *_ in conformed])):
            rederive = True
            result.known.complete()
            _, standing = result.known.landed(source_id, name)
            again = self._conform_all(result, source_id, name, standing)
            conformed = sorted([*conformed, *again], key=lambda item: item[0])
        self._merge(result, source_id, name, conformed, rederive)

    def _failed(self, result: PlantResult, source_id: str, name: str, export: ExportRow, error: PlantlakeError) -> TableRow:
        """The account of an export of a table that could not be made; it stays waiting."""
        version = self.reading(result.plant, source_id, name, export).transform_version
        return TableRow(
            result.plant.plant, source_id, str(export.batch_id), name, "FAILED", mapping_version=version, error=str(error)
        )  # fmt: skip

    def _conform_all(self, result: PlantResult, source_id: str, name: str, exports: Sequence[ExportRow]) -> list[Ordered]:
        """Conformed exports in their total order; one that fails is a problem and a failed account, and the rest goes on."""
        found: list[Ordered] = []
        for batch in self._batches(result, source_id, name, exports):
            for export, reading, given in self._conform_batch(batch):
                if isinstance(given, Exception):
                    result.accounts.append(failed_account(reading, export, foreseen(given), result))
                    result.known.tell(export, name, None)
                    continue
                item = load_windows.flagged(given, export, TABLES[name])
                result.known.tell(export, name, (item.data_from, item.data_to))
                order = order_of(export, item.data_to)
                accepted = item.accepted.with_columns(pl.lit(order).alias("_export_order"))
                found.append((order, export, replace(item, accepted=accepted)))
                result.materials |= item.materials if name != "material" else set()
                result.codes |= item.equipment if name != "equipment" else set()
                result.rejected += [quarantined(reading, export, item.rejected)] if len(item.rejected) else []
        return sorted(found, key=lambda item: item[0])

    def _batches(
        self, result: PlantResult, source_id: str, name: str, exports: Sequence[ExportRow]
    ) -> Iterator[list[tuple[ExportRow, Reading, pl.DataFrame | Exception]]]:
        """The records of exports, those with equal columns together while they are few."""
        waiting: dict[tuple[Any, ...], list[tuple[ExportRow, Reading, pl.DataFrame | Exception]]] = defaultdict(list)
        rows: dict[tuple[Any, ...], int] = defaultdict(int)
        for export in exports:
            reading = self.reading(result.plant, source_id, name, export)
            try:
                records = pl.read_parquet(self.parsed(result.plant, source_id, reading.table, export))
            except Exception as error:  # one export that nobody foresaw stops no other
                yield [(export, reading, error)]
                continue
            columns = (id(reading.source), *records.schema.items())
            if waiting[columns] and rows[columns] + len(records) > TOGETHER_ROWS:
                yield waiting.pop(columns)
                rows[columns] = 0
            waiting[columns].append((export, reading, records))
            rows[columns] += len(records)
        yield from waiting.values()

    def _conform_batch(
        self, batch: Sequence[tuple[ExportRow, Reading, pl.DataFrame | Exception]]
    ) -> Iterator[tuple[ExportRow, Reading, Conformed | Exception]]:
        """What conform makes of exports: of all at once, or, where that fails, of one after the other."""
        given = [(reading, records) for _, reading, records in batch if isinstance(records, pl.DataFrame)]
        try:
            items: Sequence[Conformed | Exception] = conform_together([frame for _, frame in given], [reading for reading, _ in given])
        except Exception:  # told below, for the export that it belongs to
            items = [_alone(reading, frame) for reading, frame in given]
        found = iter(items)
        for export, reading, records in batch:
            yield export, reading, records if isinstance(records, Exception) else next(found)

    def reading(self, plant: PlantFile, source_id: str, name: str, export: ExportRow) -> Reading:
        """What conform knows of one export for one table."""
        key = (plant.plant, source_id, name, holding(plant, plant.sources[source_id], export.name))
        if key not in self._readings:
            source = reads_as(plant, plant.sources[source_id], export.name)
            self._readings[key] = Reading(
                plant=plant, source_id=source_id, source=source, table_name=name, table=source.tables[name], export="", batch_id="",
                export_order="", extracted_at=None, ingested_at=self.at,
                transform_version=mapping_version(self.portfolio, plant, source_id, name),
                state_method=self.portfolio.settings(plant).state_method or "MEASURED",
                unit_aliases={row["alias"]: row["ucum"] for row in self.portfolio.vocabularies.rows("unit_aliases", plant.plant)},
                known_equipment=frozenset({*plant.equipment.units, *plant.lines}) if plant.equipment.unknown == "reject" else None,
                salt=self.portfolio.person_salt,
            )  # fmt: skip
        renames = partial(drift.renamed, self.watch, plant, source_id, export, self._readings[key].table) if self.watch else None
        return replace(
            self._readings[key], export=export.name, batch_id=str(export.batch_id), extracted_at=export.exported_at, renames=renames
        )  # fmt: skip

    def _merge(self, result: PlantResult, source_id: str, name: str, conformed: list[Ordered], rederive: bool) -> None:
        spec = TABLES[name]
        mode = result.plant.sources[source_id].tables[name].mode or spec.mode
        found = [item for _, _, item in conformed]
        windows = [load_windows.replaced(export, item) for _, export, item in conformed] if mode == "window" else []
        months = None if rederive else self.standing.months(spec, result.plant.plant, found, windows)
        change = self.standing.opened(result.changes.get(name), name, result.plant.plant, months)
        # What a killed refresh committed of these exports is made again, not counted as repeated.
        own = pl.col("_batch_id").is_in([str(export.batch_id) for _, export, _ in conformed]) & (pl.col("_source_system") == source_id)
        rows, stated = load_stated.apart(name, change.rows)
        rows = rows.filter(pl.col("_source_system") != source_id if rederive else ~own)
        duplicates: dict[str, int] = defaultdict(int)
        steps = [[item.accepted for item in found]] if mode == "upsert" else [[item.accepted] for item in found]
        for number, frames in enumerate(steps):
            gone: list[pl.DataFrame] = []
            if mode != "upsert":
                _, export, item = conformed[number]
                window = windows[number] if windows else None
                gone = [load_windows.gone(rows, spec, self._lineage(export, item), source_id, item, window)]
                result.problems += load_windows.doubts(
                    rows, gone[0], spec, self.reading(result.plant, source_id, name, export), item, window
                )
            merged = revisions.merge(rows, stacked([*frames, *gone], spec), id=str(spec.id))
            rows = merged.rows
            for batch, count in merged.duplicates.group_by("_batch_id").len().rows():
                duplicates[str(batch)] += int(count)
        rows = revisions.above(rows, stated, id=str(spec.id)) if name in load_stated.CODES else rows
        result.changes[name] = Change(rows, _months(rows, change.months), change.standing)
        for _, export, item in conformed:
            reading = self.reading(result.plant, source_id, name, export)
            result.accounts.append(account(reading, export, item, duplicates[str(export.batch_id)], self.at))

    def _lineage(self, export: ExportRow, item: Conformed) -> dict[str, Any]:
        """Where a deletion comes from: the export in which its record is missing."""
        return {
            "_batch_id": export.batch_id, "_source_object": export.name, "_export_order": order_of(export, item.data_to),
            "_extracted_at": export.exported_at, "_ingested_at": self.at, "_transform_version": "",
        }  # fmt: skip

    # --- commit -------------------------------------------------------------------------------------------------------------------

    def metadata(self, batches: Iterable[str] = ()) -> dict[str, str]:
        """What a commit of this refresh says about itself."""
        return silver.commit_metadata(self.refresh_id, batches)

    def _commit(self, results: list[PlantResult], loaded: Loaded) -> None:
        names = dict.fromkeys(name for result in results for name in result.changes)
        for name in sorted(names, key=lambda name: name == LAST):
            found = {result.plant.plant: result.changes[name].settled(name) for result in results if name in result.changes}
            partitions = [partition for _, own in found.values() for partition in own]
            if not partitions:
                continue
            changed = [plant_id for plant_id, (_, own) in found.items() if own]
            self.tell(f"commit {name} · {len(changed)} plants")
            rows = pl.concat([rows for rows, _ in found.values()], how="vertical_relaxed")
            accounts = [a for result in results for a in result.accounts if a.table_name == name and a.state == "COMMITTED"]
            self.check()
            metadata = silver.commit_metadata(self.refresh_id, {a.batch_id for a in accounts}, accounts)
            silver.replace(self.lake, name, rows, partitions, metadata)
            loaded.note(name, changed)
        self._commit_rejected(results)

    def _commit_rejected(self, results: list[PlantResult]) -> None:
        """What was rejected of the exports of this refresh. One that could not be loaded says nothing of its records."""
        scope = sorted({(a.plant_id, a.table_name, a.batch_id) for result in results for a in result.accounts if a.state == "COMMITTED"})
        if scope:
            self.check()
            none = silver.empty("quarantine").drop("quarantine_id")
            rows = pl.concat([none, *(frame for result in results for frame in result.rejected)])
            silver.quarantine(self.lake, rows, scope, self.metadata(), at=self.at)

    def _record(self, results: list[PlantResult]) -> None:
        with self.ledger.transaction():
            for result in results:
                self.ledger.record_export(*result.known.renamed, *result.known.names())
                self.ledger.record_tables(result.accounts)
                if result.is_stated:
                    self.ledger.record_plant(result.plant.plant, statement_hash(self.portfolio, result.plant), self.at)


def account(reading: Reading, export: ExportRow, item: Conformed, duplicate: int, at: datetime) -> TableRow:
    """What became of the records of one export in one table."""
    accepted = len(item.accepted) - duplicate
    return TableRow(
        reading.plant.plant, reading.source_id, str(export.batch_id), reading.table_name, "COMMITTED", item.read, accepted,
        len(item.rejected), duplicate, item.filtered_by, accepted, reading.transform_version,
        connector(reading.source.kind).version, committed_at=at, data_from=item.data_from, data_to=item.data_to,
    )  # fmt: skip


def foreseen(error: Exception) -> PlantlakeError:
    """The error itself, or what to say of one that should not happen; its traceback goes to the log.

    A disk without room is no fault of the export: that error is raised on.
    """
    if disk.is_full(error):
        raise error
    if isinstance(error, PlantlakeError):
        return error
    log.error("unforeseen", exc_info=error)
    found = f"{type(error).__name__}: {error}".splitlines()[0][:400]
    return ConformError(Problem("The export cannot be conformed.", found=found, fix="see the newest file in lake/logs", actor="us"))


def failed_account(reading: Reading, export: ExportRow, error: PlantlakeError, result: PlantResult) -> TableRow:
    """The account of an export that could not be loaded into a table; its problems are told once, while somebody waits for it."""
    placed = error.at(plant=reading.plant.plant, source=reading.source_id, table=reading.table_name, export=export.name)
    if (reading.source_id, reading.table_name, str(export.batch_id)) not in result.known.waived:
        result.problems += [
            replace(p, consequence=p.consequence or "Nothing from this file was loaded into the table.") for p in placed.problems
        ]
    return TableRow(
        reading.plant.plant, reading.source_id, str(export.batch_id), reading.table_name, "FAILED",
        mapping_version=reading.transform_version, error=str(placed),
    )  # fmt: skip


def quarantined(reading: Reading, export: ExportRow, rejected: pl.DataFrame) -> pl.DataFrame:
    """Rejected rows with where they stand in what was delivered."""
    utc = pl.Datetime("us", "UTC")
    return rejected.select(
        pl.lit(reading.plant.plant).alias("plant_id"),
        pl.lit(export.batch_id).alias("batch_id"), pl.lit(reading.source_id).alias("source_system"),
        pl.lit(export.name).alias("source_object"), pl.lit(reading.table_name).alias("table_name"),
        "row_number", "rule", "detail", "raw_row",
        pl.lit(reading.ingested_at, dtype=utc).alias("rejected_at"), pl.lit(None, dtype=utc).alias("resolved_at"),
    )  # fmt: skip


def stacked(frames: Iterable[pl.DataFrame], spec: TableSpec) -> pl.DataFrame:
    """Frames of one table on top of each other; empty with the table's columns where there is none."""
    parts = [frame.select(*spec.columns) for frame in frames]
    return pl.concat([pl.DataFrame(schema=silver.columns(spec.name)), *parts], how="vertical_relaxed")


def _alone(reading: Reading, records: pl.DataFrame) -> Conformed | Exception:
    try:
        return conform_together([records], [reading])[0]
    except Exception as error:  # one export that nobody foresaw stops no other
        return error


def _record_sets(plant: PlantFile, source_id: str) -> tuple[str, ...]:
    default = connector(plant.sources[source_id].kind).records[0]
    return tuple(dict.fromkeys(table.records or default for table in plant.sources[source_id].tables.values()))


def _months(rows: pl.DataFrame, months: set[str] | None) -> set[str] | None:
    return None if months is None else {*months, *rows["month"].unique().to_list()}
