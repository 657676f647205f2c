"""What a changed map would move: the product's own refresh, on a throwaway copy of the lake.

Here: the copy (`clone`), the refresh on it, the comparison, applying what was shown. Nothing of a refresh is written again here, so
that a preview cannot disagree with it. Elsewhere: its steps (`pipelines.refresh`), comparing two states (`publish.differences`).

The copy lies in the lake's own folder, `lake/preview-<id>`, because hard links need the same file system. Linked is what is never
changed in place: the data files and numbered log entries of Delta, and the original bytes and records in bronze. All else is
copied. Links are made file by file, never of a folder: a write to the copy then cannot reach the lake, `bronze/tmp` is its own, no
file system needs symbolic links, and removing the copy follows none. Of bronze only the exports of plants in the plan are linked.
The copy is removed when the comparison is done; what a killed preview left, the next one removes.

New exports that wait in landing are left out of the preview and of applying it, so that what moves is the map's doing; the next
refresh takes them. An export that failed under the map of before is tried again: that is the map's doing too.
"""

from __future__ import annotations

import errno
import hashlib
import json
import logging
import os
import re
import shutil
import sqlite3
import uuid
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import polars as pl

from connectors.errors import ConfigError, PlantlakeError, Problem, listed
from connectors.portfolio import lake_of
from pipelines import upkeep
from pipelines.bronze import object_path
from pipelines.disk import no_space
from pipelines.lake import Lake
from pipelines.ledger import ExportLedger
from pipelines.lock import holder, writer_lock
from pipelines.logs import to_file
from pipelines.plan import Delivery, Plan, mapping_version, statement_hash
from pipelines.refresh import Outcome, Refresh, Request

if TYPE_CHECKING:
    from publish.differences import Differences

log = logging.getLogger("plantlake.preview")

Tell = Callable[[str], None]
_IMMUTABLE_LOG = re.compile(r"\d{20}\.")
"""Delta's commits and checkpoints: written once under their number. `_last_checkpoint` is not."""
_NOT_NEEDED = {"releases", "dbt"}
"""Of gold: published files, which the copy makes its own of, and dbt's working files."""


@dataclass(frozen=True)
class Preview:
    """What applying today's maps would move; false when the lake was made with them already."""

    plants: tuple[str, ...]
    """Plants whose maps, settings or vocabularies differ from those that the lake was made with."""
    differences: Differences
    problems: list[Problem] = field(default_factory=list)
    reasons: list[str] = field(default_factory=list)
    """What else moves numbers: another version of the calculation, work that an interrupted refresh left."""
    held: dict[str, str] = field(default_factory=dict)
    """Plant: why a gate would hold it. Its rows of silver would change, its published numbers would not."""
    state: str = ""
    """What the lake and the maps were: applying refuses when they are something else by then."""
    kpis: pl.DataFrame = field(default_factory=pl.DataFrame)
    """The values of the headline KPIs as they would be (`publish.differences.kpi_values`)."""

    def __bool__(self) -> bool:
        return bool(self.plants or self.reasons)

    def lines(self, most: int = 20) -> list[str]:
        """For people."""
        if not self:
            return ["The lake was made with today's maps; nothing would move."]
        held = [f"{plant} would keep its published numbers: {reason}" for plant, reason in self.held.items()]
        found = [*(f"Also in these figures: {reason}." for reason in self.reasons), *self.differences.lines(most), *held]
        return found or [f"{', '.join(self.plants)}: the maps differ, but no row and no value would move."]

    def as_dict(self) -> dict[str, Any]:
        """For machines."""
        problems = [{"where": p.where, "message": p.message, "found": p.found, "closest": p.closest, "fix": p.fix} for p in self.problems]
        told = {"plants": list(self.plants), "reasons": self.reasons, "held": self.held, "problems": problems}
        return {**told, **self.differences.as_dict()}


# --- preview and apply ------------------------------------------------------------------------------------------------------------


def preview(root: Path, only: tuple[str, ...] = (), *, wait_s: float = 0, tell: Tell = lambda _: None) -> Preview:
    """Refreshes a copy of the portfolio's lake with today's maps and compares; the lake stays as it is.

    `only` names plants, none means all. Holds the lake's lock while the copy is made, not longer. Raises LockedError when another
    refresh runs, ConfigError when nothing is published yet (there is nothing to compare with), PlantlakeError when a step fails
    that concerns every plant or the disk has no room for the copy.
    """
    from publish.differences import Side, kpi_values, versions
    from publish.reader import Snapshot

    lake = Lake(lake_of(root))
    if not lake.snapshot.exists():
        raise ConfigError(
            Problem(f"Nothing is published yet: {lake.snapshot} does not exist.", found="nothing to compare with", fix="plantlake refresh")
        )
    with _room(lake), ExitStack() as stack:
        with writer_lock(lake, wait_s):
            sweep(lake)
            job = stack.enter_context(_on_copy(lake, root, only, tell))
            todo = known_only(job.plan(lake), job.ledger)
            if not todo:
                return Preview((), _nothing(), list(job.outcome.problems))
            tell("copy of the lake")
            clone(lake, job.lake, (str(row.sha256) for plant in todo.plants for row in job.ledger.exports(plant)))
            state = _state(lake, job, todo)
            published = stack.enter_context(Snapshot(lake.snapshot))
        before, ledger = Side(job.lake, versions(job.lake)), job.ledger.frame()
        values, release = kpi_values(published), _newest(published)
        with to_file(job.lake, job.outcome.refresh_id):
            _refresh(job, todo)
        tell("comparison")
        with Snapshot(job.lake.snapshot) as now:
            plants, done = tuple(todo.plants), job.outcome
            shown = _compared(before, job, plants, ledger, values, now, release)
            return Preview(plants, shown, list(done.problems), todo.reasons, done.held, state, kpi_values(now))


def apply(root: Path, only: tuple[str, ...], shown: Preview, *, wait_s: float = 0, tell: Tell = lambda _: None) -> Outcome:
    """Does to the lake what was shown, as a refresh of its own.

    Raises PlantlakeError, and does nothing, when the lake or the maps have changed since: what was shown would not be what happens.
    """
    from pipelines.alerts import telling
    from pipelines.run import run

    job = Refresh(root, Request(only), tell=tell)
    with closing(job):
        todo = known_only(job.plan(), job.ledger)
        if _state(job.lake, job, todo) != shown.state:
            raise PlantlakeError(
                [
                    Problem(
                        "The lake or its maps have changed since the preview; nothing was applied.",
                        found=f"plants shown: {listed(shown.plants)}; plants whose maps differ now: {listed(list(todo.plants)) or 'none'}",
                        fix="plantlake refresh --reconform",
                        actor="retry",
                    ),
                    *job.outcome.problems,
                ]
            )
        with telling(job):
            run(job, todo, wait_s=wait_s)
        return job.outcome


def known_only(todo: Plan, ledger: ExportLedger) -> Plan:
    """The plan without exports that are new, changed on disk or gone: what remains is what today's maps make of the exports of before.

    A plant of which the lake has nothing waits for its first refresh. What a killed refresh landed and did not load waits for the next
    one too, unless the maps of its plant changed.
    """
    plants, stated = {}, ledger.plant_states()
    for plant_id, plant in todo.plants.items():
        if plant_id not in stated and not ledger.knows(plant_id):
            continue
        tried = [item for item in plant.deliveries if _is_as_before(item, ledger)]
        if replace(plant, deliveries=tried, gone=[], unloaded=False):
            plants[plant_id] = replace(plant, deliveries=tried, gone=[])
    return Plan(plants, todo.problems, todo.reasons, todo.restate)


def _is_as_before(item: Delivery, ledger: ExportLedger) -> bool:
    known = ledger.seen(item.plant_id, item.source_id, [item.export.name]).get(item.export.name)
    return known is not None and known.is_as(item.export.size, item.export.modified)


def _refresh(job: Refresh, todo: Plan) -> None:
    """A refresh without Dagster's run around it. Upkeep finds nothing due: the copy remembers when the lake was last tidied."""
    job.run(todo)


@contextmanager
def _on_copy(lake: Lake, root: Path, only: tuple[str, ...], tell: Tell) -> Iterator[Refresh]:
    """A refresh of an empty copy that has the ledger only, enough to plan. Its own lock says that it is in use."""
    folder = lake.root / f"preview-{os.getpid()}-{uuid.uuid4().hex[:8]}"
    try:
        folder.mkdir()
        for path in (lake.format_file, lake.upkeep):
            if path.exists():
                _copy(path, folder / path.name)
        copy = Lake(folder)
        _copy_ledger(lake.ledger, copy.ledger)
        with writer_lock(copy) as lock, closing(_job(root, only, copy, tell)) as job:
            job.checked = lock.check
            yield job
    finally:
        upkeep.close_dbt()  # a database that is open keeps its room on the disk although its file is removed
        shutil.rmtree(folder, ignore_errors=True)


def _job(root: Path, only: tuple[str, ...], lake: Lake, tell: Tell) -> Refresh:
    """The refresh of the portfolio in another lake than the one its file names."""
    return Refresh(root, Request(only), lake=lake, tell=tell)


def _state(lake: Lake, job: Refresh, todo: Plan) -> str:
    """A digest of what a preview rests on: silver, the published release, and for the plants in the plan what makes their rows."""
    from publish.differences import versions
    from publish.reader import Snapshot

    with Snapshot(lake.snapshot) as published:
        parts: list[Any] = [versions(lake), _newest(published)]
    for plant_id, about in sorted(todo.plants.items()):
        plant = job.portfolio.plants[plant_id]
        maps = [(*pair, mapping_version(job.portfolio, plant, *pair)) for pair in sorted(about.rederive)]
        tried = sorted((item.source_id, item.export.name) for item in about.deliveries)
        parts.append((plant_id, statement_hash(job.portfolio, plant), maps, tried))
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()


def _newest(published: Any) -> int:
    ((release,),) = published.rows("SELECT coalesce(max(release_id), 0) FROM release")
    return int(release)


def _compared(
    before: Any, job: Refresh, plants: tuple[str, ...], ledger: pl.DataFrame, values: pl.DataFrame, now: Any, release: int
) -> Differences:
    from publish.differences import Differences, Side, kpi_differences, kpi_values, shift_differences, silver_differences

    rows = silver_differences(before, Side(job.lake), plants, (ledger, job.ledger.frame()))
    return Differences(rows, kpi_differences(values, kpi_values(now)), shift_differences(now, release, _newest(now)))


def _nothing() -> Differences:
    from publish.differences import KPI_DIFFERENCES, SHIFT_DIFFERENCES, SILVER_DIFFERENCES, Differences

    return Differences(*(pl.DataFrame(schema=schema) for schema in (SILVER_DIFFERENCES, KPI_DIFFERENCES, SHIFT_DIFFERENCES)))


# --- the copy ---------------------------------------------------------------------------------------------------------------------


def clone(lake: Lake, copy: Lake, exports: Iterable[str]) -> None:
    """Makes `copy` hold silver, the build database and these exports (sha256) of bronze as `lake` does. For the lock's holder.

    The ledger is not copied here, nor are releases, logs, pages and Dagster's instance: the copy makes its own.
    """
    _clone_folder(lake.silver, copy.silver, _is_immutable)
    copy.gold.mkdir(parents=True, exist_ok=True)
    for entry in sorted(lake.gold.iterdir()):
        if entry.is_file():
            _copy(entry, copy.gold / entry.name)
        elif entry.name not in _NOT_NEEDED:
            _clone_folder(entry, copy.gold / entry.name, _is_immutable)
    wanted = set(exports)
    for sha256 in wanted:
        _link(object_path(lake, sha256), object_path(copy, sha256))
    for kind in lake.parsed.iterdir():
        for file in os.scandir(kind):  # a Path for each of a million files would cost seconds
            if file.name.split("-", 1)[0] in wanted:
                _link(kind / file.name, copy.parsed / kind.name / file.name)


def sweep(lake: Lake) -> None:
    """Removes copies that killed previews left behind. For the lock's holder: a copy being made has no lock of its own yet."""
    for folder in lake.root.glob("preview-*"):
        user = holder(folder / lake.ledger.name) if folder.is_dir() else None
        if folder.is_dir() and (user is None or user.is_dead):
            log.warning("removed %s, left by a preview that was interrupted", folder)
            shutil.rmtree(folder, ignore_errors=True)


def _clone_folder(source: Path, target: Path, is_immutable: Callable[[Path], bool]) -> None:
    for folder, _, names in os.walk(source):
        here = target / Path(folder).relative_to(source)
        here.mkdir(parents=True, exist_ok=True)
        for name in names:
            path = Path(folder, name)
            (_link if is_immutable(path) else _copy)(path, here / name)


def _is_immutable(path: Path) -> bool:
    if path.parent.name == "_delta_log":
        return _IMMUTABLE_LOG.match(path.name) is not None
    return path.suffix == ".parquet"


def _link(source: Path, target: Path) -> None:
    """A second name of the same bytes, or a copy where the file system cannot (another device, no hard links, too many)."""
    if target.exists() or not source.exists():
        return
    target.parent.mkdir(parents=True, exist_ok=True)
    try:
        os.link(source, target)
    except OSError:
        _copy(source, target)


def _copy(source: Path, target: Path) -> None:
    """The same bytes; XFS and Btrfs share the blocks until one side changes, so that a large database costs nothing."""
    if hasattr(os, "copy_file_range"):
        try:
            with source.open("rb") as reader, target.open("wb") as writer:
                while os.copy_file_range(reader.fileno(), writer.fileno(), 1 << 30):
                    pass
            return
        except OSError as error:
            if error.errno not in (errno.EXDEV, errno.EINVAL, errno.ENOSYS, errno.EOPNOTSUPP):
                raise
    shutil.copyfile(source, target)


def _copy_ledger(source: Path, target: Path) -> None:
    """One consistent state of the ledger, without the lock of whoever holds the lake."""
    with closing(sqlite3.connect(source, timeout=30)) as old, closing(sqlite3.connect(target)) as new:
        old.backup(new)
        new.execute("DELETE FROM writer_lock")
        new.commit()


@contextmanager
def _room(lake: Lake) -> Iterator[None]:
    """Says what to free when the disk has no room: before it is filled, and when it is."""
    needed = 2 * sum(path.stat().st_size for path in lake.gold.glob("build.duckdb*"))
    free = shutil.disk_usage(lake.root).free
    if free < needed:
        raise PlantlakeError(
            Problem(
                f"The disk of {lake.root} has no room for a preview.",
                found=f"{free / 1e9:.1f} GB free; the copy of the build database takes up to {needed / 1e9:.1f} GB",
                fix="free some of it, or apply the maps without a preview: plantlake refresh",
                consequence="Nothing was changed.",
                actor="us",
            )
        )
    try:
        yield
    except Exception as error:
        if problem := no_space(error, lake):
            raise PlantlakeError(replace(problem, consequence="Nothing was changed.")) from error
        raise
