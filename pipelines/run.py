"""Runs one refresh as a Dagster run on the lake's own instance, so that the web UI shows what the command line did.

Here: the run. Elsewhere: the instance (`pipelines.run_history`), the assets (`pipelines.assets`), the steps (`pipelines.refresh`).
"""

from __future__ import annotations

import logging
import warnings

from connectors.errors import PlantlakeError, Problem
from pipelines.disk import no_space
from pipelines.lock import writer_lock
from pipelines.logs import to_file
from pipelines.plan import Plan
from pipelines.refresh import Refresh


def run(job: Refresh, todo: Plan, *, wait_s: float = 0) -> None:
    """Refreshes under the lake's lock; problems of plants are in the job's outcome.

    Raises LockedError when another refresh runs, PlantlakeError when a step failed that concerns every plant.
    """
    with writer_lock(job.lake, wait_s) as lock, to_file(job.lake, job.outcome.refresh_id):
        job.checked = lock.check
        import dagster as dg

        from pipelines import assets
        from pipelines.partitions import plants
        from pipelines.run_history import instance_of

        warnings.filterwarnings("ignore", category=dg.PreviewWarning)
        warnings.filterwarnings("ignore", category=dg.BetaWarning)
        resource = assets.PortfolioResource(root=str(job.portfolio.root))
        handed = assets.HANDED[job.outcome.refresh_id] = assets.Handed(job, todo)
        graph = assets.graph(plants(job.portfolio.root))
        definitions = dg.Definitions(assets=graph.assets, jobs=[graph.refresh], resources={"portfolio": resource}, executor=assets.EXECUTOR)
        with instance_of(job.lake) as instance:
            result = definitions.resolve_job_def("refresh").execute_in_process(
                instance=instance,
                raise_on_error=False,
                resources={"portfolio": resource},
                run_config={"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}},
                tags={assets.REFRESH_TAG: job.outcome.refresh_id},
            )
        del assets.HANDED[job.outcome.refresh_id]
    if handed.error is not None:
        full = no_space(handed.error, job.lake)
        raise PlantlakeError(full) if full else handed.error
    if not result.success and not job.outcome.problems:
        raise PlantlakeError(_unexpected(result))


def _unexpected(result: object) -> Problem:
    events = [event for event in result.all_events if event.is_failure]  # type: ignore[attr-defined]
    text = str(events[-1].event_specific_data.error) if events and events[-1].event_specific_data else "no reason was given"
    logging.getLogger("plantlake").error(text)
    return Problem(
        "The refresh failed; what was published stands.",
        found=text.splitlines()[0][:400],
        fix="see the newest file in lake/logs",
        actor="us",
    )
