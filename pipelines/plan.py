"""What a refresh has to do: which exports are new, which tables have to be made anew, which plants state something else.

Here: the comparison of the portfolio with the ledger, cheap enough to answer 'nothing new' in a second. Elsewhere: doing it
(`pipelines.load`), what the ledger holds (`pipelines.ledger`).
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Mapping, Set
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from connectors.contract import Connector, Export, FileConnector, Place
from connectors.discovery import near_misses
from connectors.errors import PlantlakeError, Problem, UnreachableError, closest, listed
from connectors.models import PlantFile, Source
from connectors.places.base import shown
from connectors.portfolio import Portfolio
from connectors.registry import connector
from connectors.strict import reading
from connectors.windows import is_answer
from pipelines import lanes
from pipelines.ledger import ExportLedger, Seen
from transforms.mapping import secret_columns

TRANSFORM_CODE = "1"
"""Raised when conform makes other rows of the same records: every table is then made anew from bronze."""
TABLE_CODE = {
    "equipment_state_event": "2", "production_count": "2", "planned_downtime": "2", "equipment": "2", "material": "2",
    "production_order": "3", "maintenance_order": "2", "labour_time": "2", "order_operation": "2",
}  # fmt: skip
"""The same for one table."""
STATEMENT_CODE = "3"
"""Raised when the same statements make other rows: every plant file is then told to silver once more."""


NOT_READ_BY = {
    "tables", "clock_offset_s", "clock_reference", "rank", "expect", "path", "root", "connection", "preset", "headers", "renamed",
    "changes",
}  # fmt: skip
"""Keys of a source that change no row of its exports: where they are, and what is stated of the source."""


@dataclass(frozen=True, slots=True)
class Delivery:
    """An export that has to be landed, or was landed and failed under an older mapping."""

    plant_id: str
    source_id: str
    export: Export


@dataclass
class PlantPlan:
    """What has to be done for one plant."""

    deliveries: list[Delivery] = field(default_factory=list)
    rederive: list[tuple[str, str]] = field(default_factory=list)
    """(source, table) pairs whose mapping changed: made anew from bronze."""
    restate: bool = False
    """The plant file or a vocabulary states something else than at the last refresh."""
    gone: list[tuple[str, str]] = field(default_factory=list)
    """(source, name) of exports that failed and are no longer delivered: they are waited for no more."""
    unloaded: bool = False
    """Exports are in bronze that no table was told of: a refresh was killed in between."""

    def __bool__(self) -> bool:
        return bool(self.deliveries or self.rederive or self.restate or self.gone or self.unloaded)


@dataclass
class Plan:
    """What a refresh has to do, and what is wrong before it starts."""

    plants: dict[str, PlantPlan]
    problems: list[Problem]
    reasons: list[str] = field(default_factory=list)
    """Why a refresh is needed although no plant delivered or states anything new."""
    restate: bool = False
    """The vocabularies state something else of no plant in particular: rates of currencies, classes, targets."""

    def __bool__(self) -> bool:
        return bool(self.plants or self.reasons or self.restate)

    @property
    def exports(self) -> int:
        return sum(len(plant.deliveries) for plant in self.plants.values())


Pairs = Mapping[str, Collection[tuple[str, str]]]
"""Plant: (source, table) pairs."""


def plan(portfolio: Portfolio, ledger: ExportLedger, *, full: bool = False, replay: Pairs | None = None, deliveries: bool = True) -> Plan:
    """Compares every usable plant with the ledger. `full` makes every table anew, `replay` these; without `deliveries`, exports that
    wait are left waiting."""
    found: dict[str, PlantPlan] = {}
    problems = list(portfolio.problems)
    states = ledger.plant_states()
    unloaded = ledger.unloaded()
    remote = _asked_remotely(portfolio, ledger)
    for plant_id, plant in portfolio.plants.items():
        todo = PlantPlan(unloaded=plant_id in unloaded)
        awaited = ledger.awaited(plant_id)
        for source_id in plant.sources:
            try:
                exports = _exports(portfolio, plant, source_id, ledger, remote)
                new, gone, missing = _compared(portfolio, plant, source_id, ledger, awaited, exports)
            except PlantlakeError as error:
                problems += error.at(plant=plant_id, source=source_id).problems
                continue
            if deliveries:
                todo.deliveries += new
                todo.gone += gone
                problems += missing
        known = ledger.mapping_versions(plant_id)
        asked = set((replay or {}).get(plant_id, ()))
        todo.rederive = [
            (source_id, table)
            for source_id, source in plant.sources.items()
            for table in source.tables
            if (source_id, table) in known
            and (full or (source_id, table) in asked or known[source_id, table] != {mapping_version(portfolio, plant, source_id, table)})
        ]
        todo.restate = full or states.get(plant_id) != statement_hash(portfolio, plant)
        if todo:
            found[plant_id] = todo
    return Plan(found, problems, restate=full or states.get("*") != portfolio_hash(portfolio))


Found = tuple[list[Delivery], list[tuple[str, str]], list[Problem]]
"""What a source delivers that is new, what it delivers no more, and what is wrong with it."""
Listed = list[Export] | PlantlakeError


def _asked_remotely(portfolio: Portfolio, ledger: ExportLedger) -> dict[tuple[str, str], Listed]:
    """What sources at URLs hold, many asked at once: one that hangs holds no other."""

    def ask(key: tuple[str, str]) -> tuple[Listed, bool]:
        plant = portfolio.plants[key[0]]
        try:
            place = portfolio.place(plant, key[1], ledger.last(*key))
            return list(connector(plant.sources[key[1]].kind).discover(place)), True
        except PlantlakeError as error:
            return error, not isinstance(error, UnreachableError)

    stated = {
        (plant_id, source_id): portfolio.stated_root(plant, source_id)
        for plant_id, plant in portfolio.plants.items() for source_id in plant.sources
    }  # fmt: skip
    roots = {key: root for key, root in stated.items() if "://" in root}
    found = dict(lanes.asked(roots, lambda key: roots[key], ask))
    closed = {roots[key]: error for key, error in found.items() if isinstance(error, UnreachableError)}
    return found | {key: closed[root] for key, root in roots.items() if key not in found}


def _exports(
    portfolio: Portfolio, plant: PlantFile, source_id: str, ledger: ExportLedger, remote: Mapping[tuple[str, str], Listed]
) -> list[Export]:
    """What a source holds. Raises PlantlakeError."""
    found = remote.get((plant.plant, source_id))
    if isinstance(found, PlantlakeError):
        raise found
    if found is not None:
        return found
    kind = connector(plant.sources[source_id].kind)
    last = None if isinstance(kind, FileConnector) else ledger.last(plant.plant, source_id)
    return list(kind.discover(portfolio.place(plant, source_id, last)))


def _compared(
    portfolio: Portfolio, plant: PlantFile, source_id: str, ledger: ExportLedger, awaited: Set[tuple[str, str]], exports: list[Export]
) -> Found:
    """What of a source's exports is new, what is no longer delivered, and what is wrong."""
    source = plant.sources[source_id]
    if not exports and not ledger.knows(plant.plant, source_id):
        place = portfolio.place(plant, source_id)
        problem = _nothing_there(place, connector(source.kind), f"plants/{plant.plant}.yaml → sources.{source_id}.path")
        return [], [], [problem.at(plant=plant.plant, source=source_id)]
    attempt = attempt_version(portfolio, plant, source_id)
    delivered = [export.name for export in exports]
    seen = ledger.seen(plant.plant, source_id, delivered)
    new = [Delivery(plant.plant, source_id, export) for export in exports if _is_new(export, seen.get(export.name), attempt)]
    failed = {name for name, known in seen.items() if known.state == "FAILED"}
    new.sort(key=lambda item: item.export.name in failed)  # one that hangs whenever it is asked for comes after those that do not
    missing = sorted({name for of, name in awaited if of == source_id}.difference(delivered))
    answers = ledger.seen(plant.plant, source_id, [name for name in missing if is_answer(name)])
    gone = [name for name in missing if name not in answers or answers[name].state == "FAILED"]  # an answer in bronze is not asked again
    return new, [(source_id, name) for name in gone], []


def _nothing_there(place: Place, kind: Connector, fix: str) -> Problem:
    """What to say of a source that has delivered nothing yet."""
    goes_on = "Other sources and plants go on."
    root = shown(place.root)
    if not isinstance(kind, FileConnector) or kind.is_system(place):
        return Problem(f"'{place.path}' in {root} holds nothing yet.", fix=fix, consequence=goes_on, actor="retry")
    near = near_misses(place)
    return Problem(
        f"No file matches '{place.path}' in {root}.", found=listed(near) or None, closest=closest(place.path, near), fix=fix,
        consequence=goes_on,
    )  # fmt: skip


def _is_new(export: Export, known: Seen | None, attempt: str) -> bool:
    """New, changed on disk, or failed under another mapping than today's."""
    if known is None:
        return True
    if known.state == "FAILED" and known.attempt != attempt:
        return True
    return not known.is_as(export.size, export.modified)


def _digest(*parts: Any) -> str:
    return hashlib.sha256(json.dumps(parts, sort_keys=True, default=str).encode()).hexdigest()[:16]


def attempt_version(portfolio: Portfolio, plant: PlantFile, source_id: str) -> str:
    """Everything of the plant file that decides whether an export of the source can be loaded."""
    return _digest(*(mapping_version(portfolio, plant, source_id, table) for table in sorted(plant.sources[source_id].tables)))


def mapping_version(portfolio: Portfolio, plant: PlantFile, source_id: str, table: str) -> str:
    """Everything that conform knows beside the records: rows made under another version are made anew."""
    source = plant.sources[source_id]
    shifts = plant.shifts if any(column.shift for column in source.tables[table].columns.values()) or table == "shift_instance" else {}
    options = reading(source.options, connector(source.kind).Options)
    return _digest(
        TRANSFORM_CODE + TABLE_CODE.get(table, ""),
        connector(source.kind).version,
        source.model_dump(exclude={*NOT_READ_BY, "options"}, exclude_defaults=True) | ({"options": options} if options else {}),
        source.tables[table].model_dump(exclude_defaults=True),
        plant.timezone,
        plant.production_day_start,
        plant.equipment.model_dump(exclude={"units": {"__all__": {"settings"}}}) if "equipment" in source.tables[table].columns else {},
        {code: shift.model_dump() for code, shift in shifts.items()},
        portfolio.vocabularies.rows("unit_aliases", plant.plant),
        *_of_lines(plant, table),
        *([portfolio.person_salt] if any(secret_columns(source)) else []),
        *_of_changes(source, table),
    )


def _of_changes(source: Source, table: str) -> list[Any]:
    """What a source says of exports that changed, as far as it concerns a table; nothing where it says nothing."""
    changes = [
        (change.since, change.timezone, change.options, change.tables[table].model_dump() if table in change.tables else None)
        for change in source.changes
        if change.timezone or change.options or table in change.tables
    ]
    return [source.renamed, changes] if source.renamed or changes else []


def _of_lines(plant: PlantFile, table: str) -> list[Any]:
    """What conform knows of lines: all of them where it makes equipment, their codes where it refuses codes that are not known."""
    if table == "equipment":
        return [{code: line.model_dump() for code, line in plant.lines.items()}] if plant.lines else []
    return [sorted(plant.lines)] if plant.lines and plant.equipment.unknown == "reject" else []


def statement_hash(portfolio: Portfolio, plant: PlantFile) -> str:
    """Everything that the plant file, the portfolio and the vocabularies state apart from mappings."""
    named = ("reason_map", "ideal_rates", "demonstrated_rates", "product_families", "emission_factors", "economics")
    words = _words(portfolio, named, plant.plant)
    own = plant.model_dump(exclude={"sources", "connection", "stale_after"})
    sources = {
        name: (source.clock_offset_s, source.rank, source.complete_until, *filter(None, [source.clock_reference]))
        for name, source in plant.sources.items()
    }
    return _digest(
        TRANSFORM_CODE + STATEMENT_CODE,
        own,
        sources,
        portfolio.settings(plant).model_dump(),
        portfolio.file.currency,
        words,
        _holidays(portfolio.root, plant),
    )


def portfolio_hash(portfolio: Portfolio) -> str:
    """Everything that the vocabularies state of no plant in particular."""
    return _digest(STATEMENT_CODE, _words(portfolio, ("fx", "equipment_classes", "targets")))


def _words(portfolio: Portfolio, names: Collection[str], plant_id: str | None = None) -> list[dict[str, str]]:
    """Lines of vocabularies without their place in the file."""
    rows = (row for name in names for row in portfolio.vocabularies.rows(name, plant_id))
    return [{key: value for key, value in row.items() if key != "line"} for row in rows]


def _holidays(root: Path, plant: PlantFile) -> str:
    file = root / plant.holidays if isinstance(plant.holidays, str) else None
    return file.read_text() if file is not None and file.is_file() else ""
