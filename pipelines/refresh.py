"""The main job: pull what is new, conform, check, build, publish; and what came of it.

Here: the steps of one refresh in their order, as functions of one object that a Dagster run drives (`pipelines.definitions`) and the
command line starts (`pipelines.cli`). Elsewhere: each step (`pipelines.plan`, `.load`, `.build`, `quality_checks`, `publish`).
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import polars as pl

from connectors import portfolio as portfolios
from connectors.errors import Problem
from pipelines import bronze
from pipelines.lake import Lake
from pipelines.ledger import ExportLedger
from pipelines.load import Loader
from pipelines.plan import Plan, plan

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
    models: dict[str, float] = field(default_factory=dict)
    quality: pl.DataFrame | None = None
    problems: list[Problem] = field(default_factory=list)
    plants: int = 0

    @property
    def broken_plants(self) -> list[str]:
        """Plants of which something could not be read or loaded."""
        return sorted({problem.plant for problem in self.problems if problem.plant})

    def as_dict(self) -> dict[str, Any]:
        """For machines; rows of the quality checks are in the snapshot."""
        counts = ("refresh_id", "release_id", "plants", "exports", "accepted", "rejected", "duplicate", "filtered", "changed")
        problems = [{"where": p.where, "message": p.message, "found": p.found, "closest": p.closest, "fix": p.fix} for p in self.problems]
        return {**{name: getattr(self, name) for name in counts}, "problems": problems}


class Refresh:
    """One refresh of a portfolio's lake. The holder of the lake's lock calls the steps in order."""

    def __init__(self, root: Path, only: tuple[str, ...] = (), *, full: bool = False, tell: Callable[[str], None] = lambda _: None):
        self.at = datetime.now(UTC).replace(microsecond=0)
        self.outcome = Outcome(self.at.strftime("%Y%m%dT%H%M%SZ"))
        self.portfolio = portfolios.read(root, only)
        self.lake = Lake(self.portfolio.lake).create()
        self.ledger = ExportLedger(self.lake.ledger)
        self.full = full
        self._tell = tell
        self.outcome.plants = len(self.portfolio.plants) + len(self.portfolio.broken)

    def tell(self, text: str) -> None:
        log.info(text)
        self._tell(text)

    def close(self) -> None:
        self.ledger.close()

    def plan(self) -> Plan:
        """What there is to do; problems of the portfolio are part of the outcome."""
        found = plan(self.portfolio, self.ledger, full=self.full)
        self.outcome.problems = list(found.problems)
        return found

    def land(self, todo: Plan) -> None:
        """New exports to bronze."""
        bronze.clean(self.lake)
        self.outcome.problems += self._loader().land(todo)
        self.outcome.exports = todo.exports

    def load(self, todo: Plan) -> None:
        """Bronze to silver. Great Expectations takes seconds to import, so that starts beside it."""
        from quality_checks.runner import warm_up

        warm_up()
        loaded = self._loader().load(todo)
        self.outcome.changed = loaded.changed
        self.outcome.problems += loaded.problems
        for account in loaded.accounts:
            self.outcome.accepted += account.accepted
            self.outcome.rejected += account.rejected
            self.outcome.duplicate += account.duplicate
            self.outcome.filtered += account.filtered

    def check(self) -> pl.DataFrame:
        """The quality checks of silver, stored with the lake."""
        from pipelines import build
        from quality_checks import runner

        self.tell("quality checks")
        build.views(self.lake)
        with build.connection(self.lake) as con:
            con.execute("SET enable_progress_bar = false")
            self.outcome.quality = runner.run(con, self.outcome.refresh_id)
        return self.outcome.quality

    def build(self) -> None:
        """Silver to gold: one release."""
        from pipelines import build

        release_id = build.next_release(self.lake)
        built = build.build(self.lake, release_id, self.at, self.tell)
        plants = sorted({plant for plants in self.outcome.changed.values() for plant in plants})
        build.release(self.lake, built, self.outcome.refresh_id, self.at, plants, self.outcome.exports)
        self.outcome.release_id, self.outcome.models = built.release_id, built.models

    def publish(self) -> Path:
        """Gold to readers: a new snapshot, swapped in one step."""
        from publish import snapshot

        self.tell("publish")
        return snapshot.publish(self.lake, self.portfolio, self.ledger, self.outcome)

    def _loader(self) -> Loader:
        return Loader(self.portfolio, self.lake, self.ledger, self.outcome.refresh_id, self.at, self.tell)
