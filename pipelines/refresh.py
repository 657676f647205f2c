"""The main job: pull what is new, conform, find what changed, check, build it, publish it; and what came of it.

Here: the steps of one refresh in their order, as functions of one object that a Dagster run drives (`pipelines.assets`) and the
command line starts (`pipelines.cli`). Elsewhere: each step (`pipelines.plan`, `.load`, `.scope`, `.gates`, `.build`, `.release`,
`quality_checks`, `publish`).
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import polars as pl

from connectors import portfolio as portfolios
from connectors.errors import Problem
from pipelines import bronze, drift, gates, migrate, outlets, state
from pipelines.drift_store import DriftStore, Found
from pipelines.lake import Lake
from pipelines.ledger import ExportLedger
from pipelines.load import Loader
from pipelines.outlets import Outlet
from pipelines.plan import Pairs, Plan, plan
from pipelines.release import Move, Moved, move
from pipelines.scope import Finder, Scope

log = logging.getLogger("plantlake.refresh")


@dataclass
class Outcome:
    """What one refresh did, for the terminal, the log and Dagster's metadata."""

    refresh_id: str
    exports: int = 0
    accepted: int = 0
    rejected: int = 0
    duplicate: int = 0
    filtered: int = 0
    changed: dict[str, list[str]] = field(default_factory=dict)
    release_id: int | None = None
    unit_days: int = 0
    parts_changed: int = 0
    parts_closed: int = 0
    held: dict[str, str] = field(default_factory=dict)
    """Plant: why a gate holds it. Its last good parts stand."""
    models: dict[str, float] = field(default_factory=dict)
    drift: list[Found] = field(default_factory=list)
    """Changes of exports that were found for the first time."""
    quality: pl.DataFrame | None = None
    problems: list[Problem] = field(default_factory=list)
    outlets: dict[str, Problem | None] = field(default_factory=dict)
    """Outlets that were written, or why not."""
    plants: int = 0

    @property
    def broken_plants(self) -> list[str]:
        """Plants of which something could not be read, loaded or published."""
        return sorted({problem.plant for problem in self.problems if problem.plant} | set(self.held))

    def as_dict(self) -> dict[str, Any]:
        """For machines; rows of the quality checks are in the snapshot."""
        counts = ("refresh_id", "release_id", "plants", "exports", "accepted", "rejected", "duplicate", "filtered", "changed", "unit_days",
                  "parts_changed", "parts_closed", "held")  # fmt: skip
        problems = [{"where": p.where, "message": p.message, "found": p.found, "closest": p.closest, "fix": p.fix} for p in self.problems]
        drift = [{"id": found.finding_id, "where": found.where, "what": found.what, "column": found.column_name, "message": found.message,
                  "state": found.state, "edit": found.edit} for found in self.drift]  # fmt: skip
        return {**{name: getattr(self, name) for name in counts}, "problems": problems, "drift": drift}


@dataclass(frozen=True)
class Request:
    """What a refresh is asked to do; nothing asked means every plant, only what changed."""

    plants: tuple[str, ...] = ()
    full: bool = False
    since: date | None = None
    replay: Pairs = field(default_factory=dict)
    """Tables that are conformed again from bronze although their mapping is what it was."""
    deliveries: bool = True
    """Whether exports that wait are landed."""


class Refresh:
    """One refresh of a portfolio's lake. The holder of the lake's lock calls the steps in order, or `run`.

    `check` is called before each commit: it raises when the lock was lost.
    """

    def __init__(
        self,
        root: Path,
        request: Request | None = None,
        *,
        lake: Lake | None = None,
        tell: Callable[[str], None] = lambda _: None,
    ):
        self.at = datetime.now(UTC).replace(microsecond=0)
        self.outcome = Outcome(self.at.strftime("%Y%m%dT%H%M%SZ"))
        self.request = request or Request()
        self.portfolio = portfolios.read(root, self.request.plants)
        self.lake = (lake or Lake(self.portfolio.lake)).create()
        self.ledger = ExportLedger(self.lake.ledger)
        self.drift = DriftStore(self.lake.drift)
        if self.drift.mark is None:  # a lake that is older: what it holds is history, not news
            self.drift.set_mark(self.ledger.newest())
        self.scope: Scope | None = None
        self.checked: Callable[[], None] = lambda: None
        self._tell = tell
        self._arrived: dict[str, list[str]] = {}
        self._unread: list[drift.Unread] = []
        self.outcome.plants = len(self.portfolio.plants) + len(self.portfolio.broken)

    def tell(self, text: str) -> None:
        log.info(text)
        self._tell(text)

    def close(self) -> None:
        """Closes the ledger, and ends the process that judges when one was started."""
        import sys

        self.ledger.close()
        self.drift.close()
        if judging := sys.modules.get("quality_checks.judging"):
            judging.stop()

    def run(self, todo: Plan, *, quality: bool = True) -> Outcome:
        """All steps. Without `quality` the checks of Great Expectations are left out, and their gates stand open."""
        if quality:
            self.prepare()
        self.land(todo)
        self.load(todo)
        self.watch()
        self.find()
        if quality:
            self.check()
        self.build(quality=quality)
        self.publish()
        self.keep()
        return self.outcome

    def prepare(self) -> None:
        """Starts the process that judges, which takes seconds, beside the steps before it."""
        from quality_checks.runner import warm_up

        warm_up()

    # --- silver -------------------------------------------------------------------------------------------------------------------

    def plan(self, of: Lake | None = None) -> Plan:
        """What there is to do; problems of the portfolio are part of the outcome. A copy that is not filled yet names its original."""
        asked = self.request
        found = plan(self.portfolio, self.ledger, full=asked.full, replay=asked.replay, deliveries=asked.deliveries)
        found.reasons = self._reasons(of or self.lake)
        self.outcome.problems = list(found.problems)
        return found

    def _reasons(self, lake: Lake) -> list[str]:
        """Why a refresh is needed although nothing was delivered."""
        marked = state.marker(lake)
        reasons = ["a refresh was interrupted"] if marked.unfinished else []
        reasons += ["the lake's format is older"] if migrate.is_needed(lake) else []
        if not lake.snapshot.exists():
            reasons.append("nothing is published yet")
        elif not lake.build_database.exists():
            reasons.append("the build database is gone: every plant is built anew")
        if marked.calc_version and marked.calc_version != state.calc_version():
            reasons.append("the calculation has changed: every plant is built anew")
        elif marked.calc_version and marked.values_version != state.values_version():
            reasons.append("definitions of KPIs have changed: values are published anew, over the parts that hold")
        if marked.limits_version and marked.limits_version != _limits_version():
            reasons.append("limits of quality have changed: what was measured is judged again")
        return reasons + (["days are asked for"] if self.request.since or self.request.full else [])

    def land(self, todo: Plan) -> None:
        """New exports to bronze."""
        for reason in todo.reasons:
            self.tell(reason)
        state.mark(self.lake, replace(state.marker(self.lake), unfinished=True))
        migrate.migrate(self.lake, self.tell)
        bronze.clean(self.lake)
        for plant_id, work in todo.plants.items():
            for source_id, name in work.gone:
                self.ledger.gone(plant_id, source_id, [name])
            self._arrived[plant_id] = [delivery.export.name for delivery in work.deliveries]
        loader = self._loader()
        self.outcome.problems += loader.land(todo)
        self._unread = loader.unread
        self.outcome.exports = todo.exports

    def load(self, todo: Plan) -> None:
        """Bronze to silver."""
        loaded = self._loader().load(todo)
        self.outcome.changed = loaded.changed
        self.outcome.problems += loaded.problems
        for account in loaded.accounts:
            self.outcome.accepted += account.accepted
            self.outcome.rejected += account.rejected
            self.outcome.duplicate += account.duplicate
            self.outcome.filtered += account.filtered
        self._set_clocks()

    def watch(self) -> None:
        """Whether the exports have changed."""
        if self.request.deliveries:
            self.tell("changes of exports")
            watch = self._watch()
            self.outcome.drift = watch.run(self._unread)
            self.outcome.problems += watch.problems

    def _watch(self) -> drift.Watch:
        return drift.Watch(self.portfolio, self.lake, self.ledger, self.drift, self.outcome.refresh_id, self.at)

    def _set_clocks(self) -> None:
        """What the events of silver say of the clocks that follow another (rule T17)."""
        from pipelines import clocks

        changed = clocks.estimate(self.lake, self.portfolio.plants, self._loader().metadata(), self.checked)
        self.outcome.changed |= {clocks.TABLE: changed} if changed else {}

    # --- gold ---------------------------------------------------------------------------------------------------------------------

    def find(self) -> Scope:
        """What of gold has to be made anew, and the first gate: plants with exports that newly failed keep what they have."""
        self.tell("change scope")
        asked = self.request
        with state.connection(self.lake) as con:
            finder = Finder(con, self.lake, self.at)
            self.scope = finder.find(self.portfolio.plants, asked.plants, asked.since, asked.full)
            finder.admit(self.scope, self.scope.plants)
            self._hold(con, gates.rolled_back(con), "rollback")
            self._hold(con, gates.failed_exports(con, gates.failing(self.ledger, self.scope.plants)), "silver")
        for plant in self.scope.orphans:
            self.outcome.problems.append(
                Problem(
                    f"Plant '{plant}' has changes to build and no plant file.",
                    fix=f"restore plants/{plant}.yaml; when the plant was sold, keep the file and state divested_on",
                    consequence="Its published numbers stay as they are.",
                )
            )
        return self.scope

    def check(self) -> pl.DataFrame:
        """The gate of silver: quality checks over the files in scope. A plant that fails a blocking one is not built."""
        from quality_checks import gate

        assert self.scope is not None
        self.tell("quality checks")
        with state.connection(self.lake) as con:
            results = gate.silver(con, self.lake.quality, self.outcome.refresh_id, self._building())
            self._hold(con, gate.held(results), "silver")
        self._judged(results)
        self._judge_again()
        return results

    def _judge_again(self) -> None:
        """Holds the last measures of plants that are not in scope against changed limits, without a query."""
        from quality_checks.store import Store, rejudge

        marked = state.marker(self.lake)
        assert self.scope is not None
        others = sorted(set(self.portfolio.plants) - set(self.scope.plants)) if marked.limits_version not in ("", _limits_version()) else []
        if others:
            store = Store(self.lake.quality)
            results = rejudge(store, self.outcome.refresh_id, others)
            store.save(self.outcome.refresh_id, store.latest_profiles(others), results)
            self._judged(results)
        state.mark(self.lake, replace(marked, limits_version=_limits_version()))

    def build(self, *, quality: bool = True) -> Moved:
        """Silver to candidate parts, the gate of gold, and the move: one release."""
        assert self.scope is not None
        building = self._building()
        if building or state.marker(self.lake).values_version != state.values_version():
            self._candidates(quality)
        with state.connection(self.lake) as con:
            moved = move(con, self._move(building))
            held = dict(con.execute("SELECT plant_id, coalesce(limits_version, '') FROM gold.plant_gate").fetchall())
        self.outcome.release_id, self.outcome.unit_days = moved.release_id, moved.unit_days
        self.outcome.parts_changed, self.outcome.parts_closed = moved.changed, moved.closed
        made = replace(state.marker(self.lake), calc_version=state.calc_version(), values_version=state.values_version())
        state.mark(self.lake, replace(made, unfinished=True, held=held))
        return moved

    def _candidates(self, quality: bool) -> None:
        from pipelines import build

        built = build.build(self.lake, self.at, self.tell)
        self.outcome.models = built.models
        self.tell("gate of gold")
        with state.connection(self.lake) as con:
            self._hold(con, built.broken, "gold")
            if quality and self._building():
                from quality_checks import gate

                results = gate.gold(con, self.lake.quality, self.outcome.refresh_id, self._building())
                self._hold(con, gate.held(results), "gold")
                self._judged(results)

    def _move(self, building: list[str]) -> Move:
        assert self.scope is not None
        self.checked()
        moving = [plant for plant in building if plant not in self.outcome.held]
        compared = [plant for plant in self.portfolio.plants if not self.request.plants or plant in self.request.plants]
        unchanged = [plant for plant in compared if plant not in self.scope.plants and plant not in self.outcome.held]
        failing = gates.failing(self.ledger, [*moving, *unchanged])
        exports = {plant: self._arrived[plant][:20] for plant in moving if self._arrived.get(plant)}
        return Move(
            self.outcome.refresh_id, self.at, self.scope.versions, moving, unchanged,
            {plant: sorted(names) for plant, names in failing.items()}, exports,
        )  # fmt: skip

    def _building(self) -> list[str]:
        assert self.scope is not None
        return [plant for plant in self.scope.plants if plant not in self.outcome.held]

    def _hold(self, con: Any, held: Mapping[str, str], gate: str) -> None:
        gates.hold(con, held, gate, self.at, _limits_version() if gate in ("silver", "gold") else "")
        self.outcome.held |= held

    def _judged(self, results: pl.DataFrame) -> None:
        from quality_checks import gate

        for line in gate.told(results):
            log.warning(line)
        self.outcome.quality = results if self.outcome.quality is None else pl.concat([self.outcome.quality, results])

    def publish(self) -> Path:
        """Gold to readers: a new snapshot, swapped in one step."""
        from publish import snapshot

        self.tell("publish")
        self.checked()
        path = snapshot.publish(self.lake, self.portfolio, self.ledger, self.outcome)
        state.mark(self.lake, replace(state.marker(self.lake), unfinished=False))
        return path

    def document(self) -> Path:
        """Writes the quality page of this refresh; returns where it is."""
        from quality_checks import docs
        from quality_checks.store import Store

        return docs.write(Store(self.lake.quality), self.outcome.refresh_id)

    def write(self, outlet: Outlet) -> Mapping[str, Any] | None:
        """Makes what readers use of the snapshot; what could not be made is a problem of the refresh and hinders nothing."""
        made = outlets.write(outlet, outlets.Given(self.lake, self.portfolio, self.tell))
        self.outcome.outlets[outlet.name] = made if isinstance(made, Problem) else None
        if isinstance(made, Problem):
            log.warning(made)
            self.outcome.problems.append(made)
            return None
        return made

    def keep(self) -> None:
        """Upkeep of what this refresh left behind; its failures hinder nothing."""
        from pipelines import upkeep

        self.tell("upkeep")
        kept = upkeep.keep(self.lake, self.outcome.changed)
        for problem in kept.problems:
            log.warning(problem)

    def _loader(self) -> Loader:
        refresh = self.outcome.refresh_id
        return Loader(self.portfolio, self.lake, self.ledger, refresh, self.at, self.tell, self.checked, self._watch())


def _limits_version() -> str:
    from quality_checks.suites import limits_version

    return limits_version()
