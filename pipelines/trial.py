"""`plantlake plant try`: what a refresh would make of a plant's newest exports, found out in a lake of its own that is gone afterwards.

Here: the trial, which is the refresh itself (`pipelines.refresh`) of one plant in a temporary lake, and all that it found as one `Trial`.
Elsewhere: the parts of the answer (`pipelines.trial_exports`, `.trial_words`, `.trial_kpis`), how it looks (`pipelines.cli_trial`),
the same for a plant that is in the lake already, with its history (`pipelines.preview`).

The portfolio's own lake is neither read nor written, so that a trial needs no lock and no first refresh. A step that fails is a problem
in the answer, and what the other steps found is told all the same.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import asdict, dataclass, field, replace
from datetime import date
from pathlib import Path
from typing import Any, TypeVar

import polars as pl

from connectors.errors import ConfigError, PlantlakeError, Problem
from connectors.models import PlantFile
from pipelines import state, trial_exports, trial_kpis, trial_words, upkeep
from pipelines.disk import no_space
from pipelines.lake import Lake
from pipelines.ledger import ExportRow
from pipelines.load import Loader
from pipelines.logs import to_file
from pipelines.plan import Delivery, Plan, PlantPlan
from pipelines.refresh import Refresh, Request
from pipelines.trial_exports import Account, Bound, Rejected, Tried
from pipelines.trial_kpis import Built, Machine, Verdict
from pipelines.trial_words import Conversion, ReasonCode, StateWord, UnratedMaterial
from publish.reader import Snapshot

T = TypeVar("T")
Tell = Callable[[str], None]
MONTHS = 6
"""Months of the preview of KPIs, the newest."""
SHOWN = ("kpi_id", "period_start", "value", "value_low", "value_high", "unit", "coverage", "grade", "status", "flags", "rate_basis")
"""Columns of a previewed KPI for machines."""


@dataclass
class Trial:
    """Everything that a trial found. Times are UTC; `timezone` is that of the plant."""

    plant: str
    name: str
    timezone: str
    bound: str
    """How many exports of each source were taken at most, in words."""
    sources: list[Tried] = field(default_factory=list)
    tables: list[Account] = field(default_factory=list)
    rejected: list[Rejected] = field(default_factory=list)
    states: list[StateWord] = field(default_factory=list)
    reasons: list[ReasonCode] = field(default_factory=list)
    materials: list[UnratedMaterial] = field(default_factory=list)
    units: list[Conversion] = field(default_factory=list)
    machines: list[Machine] = field(default_factory=list)
    kpis_from: date | None = None
    """First production day of timeline and KPIs, where it is later than the data because sources were cut at different days."""
    kpis: pl.DataFrame = field(default_factory=pl.DataFrame)
    """The values of the headline KPIs by month, as `publish.reader.Snapshot.kpis` gives them."""
    verdicts: list[Verdict] = field(default_factory=list)
    held: str | None = None
    """Why a gate would hold the plant: a refresh would load its exports and publish nothing of them."""
    problems: list[Problem] = field(default_factory=list)

    @property
    def to_fix(self) -> list[str]:
        """What somebody has to mend, a line each; empty where a refresh would take everything."""
        records = sum(group.records for group in self.rejected)
        found = [f"problems: {len(self.problems)}"] if self.problems else []
        found += [f"rejected records: {records:,}"] if records else []
        return found + ([f"a refresh would publish nothing of it: {self.held}"] if self.held else [])

    def as_dict(self) -> dict[str, Any]:
        """For machines."""
        lists = ("sources", "tables", "rejected", "states", "reasons", "materials", "units", "machines", "verdicts")
        problems = [{"where": p.where, "message": p.message, "found": p.found, "closest": p.closest, "fix": p.fix} for p in self.problems]
        return {
            **{name: getattr(self, name) for name in ("plant", "name", "timezone", "bound", "to_fix")},
            **{name: [asdict(item) for item in getattr(self, name)] for name in lists},
            "kpis_from": self.kpis_from,
            "kpis": self.kpis.select(name for name in SHOWN if name in self.kpis.columns).to_dicts(),
            "held": self.held, "problems": problems,
        }  # fmt: skip


def try_plant(root: Path, plant_id: str, bound: Bound | None = None, *, rows: int = 3, tell: Tell = lambda _: None) -> Trial:
    """Refreshes one plant of the portfolio in a temporary lake. `rows` are the first rows of each table and of each kind of rejection.

    Raises ConfigError with every problem of a plant file that cannot be used, PlantlakeError when the disk has no room for the trial.
    """
    with _lake() as lake, closing(Refresh(root, Request((plant_id,)), lake=lake, tell=tell)) as job:
        plant = job.portfolio.plants.get(plant_id)
        if plant is None:
            raise ConfigError(job.portfolio.problems)
        job.prepare()
        with to_file(lake, job.outcome.refresh_id):
            return _Attempt(job, plant, bound or Bound(), rows).run()


@contextmanager
def _lake() -> Iterator[Lake]:
    with tempfile.TemporaryDirectory(prefix="plantlake-try-") as folder:
        lake = Lake(folder)
        try:
            yield lake
        except Exception as error:
            if problem := no_space(error, lake):
                fix = "free some of it, take fewer exports (--files 1), or set TMPDIR to a folder on a larger disk"
                raise PlantlakeError(replace(problem, fix=fix, consequence="Nothing was changed.")) from error
            raise
        finally:
            upkeep.close_dbt()


class _Attempt:
    """One trial: the steps of the refresh, then what there is to say of each."""

    def __init__(self, job: Refresh, plant: PlantFile, bound: Bound, rows: int):
        self.job, self.plant, self.bound, self.rows = job, plant, bound, rows
        self.trial = Trial(plant.plant, plant.name, plant.timezone, str(bound))
        self.problems: list[Problem] = []

    def run(self) -> Trial:
        found, taken = self._load()
        self._tell_of_exports(found, taken)
        measured = self._step(self._build, "The KPIs could not be computed.")
        upkeep.close_dbt()
        if measured is None:
            self.trial.verdicts = trial_kpis.verdicts(None, self.job.portfolio, self.plant, ())
        else:
            with Built(self.job.lake.build_database) as reader:
                self._tell_of_numbers(reader)
            self.trial.held = self._judged(measured).get(self.plant.plant) or self.job.outcome.held.get(self.plant.plant)
        self.trial.problems = self._own([*self.job.outcome.problems, *self.problems])
        return self.trial

    def _step(self, step: Callable[[], T], consequence: str) -> T | None:
        """What a step gives; None, and a problem, where it fails."""
        try:
            return step()
        except PlantlakeError as error:
            self.problems += [replace(problem, consequence=consequence) for problem in error.problems]
            return None

    def _own(self, problems: Sequence[Problem]) -> list[Problem]:
        """Each problem of this plant or of no plant once; tracebacks are in no log that stays."""
        mine = [problem for problem in problems if problem.plant in (None, self.plant.plant)]
        fix = f"plantlake refresh --plant {self.plant.plant} writes the traceback to lake/logs"
        return list(dict.fromkeys(replace(p, fix=fix) if p.fix and "newest file in lake/logs" in p.fix else p for p in mine))

    # --- the refresh --------------------------------------------------------------------------------------------------------------

    def _load(self) -> tuple[list[Delivery], list[Delivery]]:
        """Exports to silver. Gives what was found, and what of it was taken."""
        job, plant_id = self.job, self.plant.plant
        todo = job.plan()
        mine = todo.plants.setdefault(plant_id, PlantPlan(restate=True))
        found = mine.deliveries
        mine.deliveries = trial_exports.chosen(self.plant, found, self.bound)
        job.land(todo)
        job.load(todo)
        taken = {(item.source_id, item.export.name) for item in mine.deliveries}
        cut = sorted({item.source_id for item in found if (item.source_id, item.export.name) not in taken})
        self.trial.kpis_from = trial_exports.common_start(self.plant, job.ledger, cut)
        if self.trial.kpis_from:
            self._begin(self.trial.kpis_from)
        return found, mine.deliveries

    def _begin(self, day: date) -> None:
        """States that the plant's data begin on that day."""
        self.job.portfolio.plants[self.plant.plant] = self.plant.model_copy(update={"data_start_on": day})
        self.job.load(Plan({self.plant.plant: PlantPlan(restate=True)}, []))

    def _build(self) -> pl.DataFrame:
        """Silver to values. What a gate of quality would hold is built all the same; gives what the gates have to judge."""
        from quality_checks import runner
        from quality_checks.gold_profiles import GOLD
        from quality_checks.profiles import SILVER

        job = self.job
        job.find()
        job.build(quality=False)
        job.tell("quality checks")
        with state.connection(job.lake) as con:
            return runner.profiles(con, job.at, [self.plant.plant], (*SILVER, *GOLD))

    def _judged(self, measured: pl.DataFrame) -> Mapping[str, str]:
        """Which gate would hold the plant, and why. Last: the process that judges has started meanwhile."""
        from quality_checks import gate, runner

        return gate.held(runner.judge(measured, self.job.outcome.refresh_id, self.job.at))

    # --- the answer -----------------------------------------------------------------------------------------------------------------

    def _tell_of_exports(self, found: Sequence[Delivery], taken: Sequence[Delivery]) -> None:
        trial, job = self.trial, self.job
        trial.sources = trial_exports.tried(self.plant, job.ledger, found, taken)
        trial.tables = trial_exports.accounts(self.plant, job.lake, job.ledger, self.rows)
        trial.rejected = trial_exports.rejected(job.portfolio, self.plant, job.lake, job.ledger, self.rows)
        loader, exports = self._loader(), self._exports()
        refused = {group.source for group in trial.rejected if group.table == trial_words.STATES}
        trial.states = trial_words.state_words(loader, self.plant, exports, refused)
        trial.units = trial_words.conversions(loader, self.plant, exports)

    def _tell_of_numbers(self, reader: Snapshot) -> None:
        trial = self.trial
        trial.reasons = trial_words.reason_codes(reader, self.plant, self.job.portfolio.vocabularies)
        trial.materials = trial_words.unrated_materials(reader, self._loader(), self.plant)
        trial.machines = trial_kpis.machines(reader, self.plant)
        values = trial_kpis.values(reader, self.plant)
        trial.kpis = trial_kpis.headline(values, MONTHS)
        unrated = [material.material or "counts without a material" for material in trial.materials]
        trial.verdicts = trial_kpis.verdicts(values, self.job.portfolio, self.plant, unrated)

    def _loader(self) -> Loader:
        job = self.job
        return Loader(job.portfolio, job.lake, job.ledger, job.outcome.refresh_id, job.at)

    def _exports(self) -> list[ExportRow]:
        """The exports that could be read, newest first."""
        return sorted(self.job.ledger.exports(self.plant.plant), key=lambda row: row.export_order or "", reverse=True)
