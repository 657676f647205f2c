"""When work starts by itself: the laws every night, a refresh every morning and when the ledger does not know an export that lies there.

Here: the schedule and the sensor. Elsewhere: the job (`pipelines.assets`), the comparison with the ledger (`pipelines.plan`).
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from dagster import DefaultSensorStatus, RunRequest, ScheduleDefinition, SensorDefinition, SensorEvaluationContext, SkipReason

from pipelines.partitions import portfolio_root

if TYPE_CHECKING:
    from dagster import JobDefinition
    from dagster._core.definitions.unresolved_asset_job_definition import UnresolvedAssetJobDefinition


def daily(job: UnresolvedAssetJobDefinition) -> ScheduleDefinition:
    """Once a day, after the exports of the night are due."""
    return ScheduleDefinition(
        name="daily_refresh", job=job, cron_schedule="30 7 * * *", execution_timezone="UTC",
        description="Refreshes the whole portfolio every morning.",
    )  # fmt: skip


def nightly(job: JobDefinition) -> ScheduleDefinition:
    """Once a night, when nobody waits for a refresh."""
    return ScheduleDefinition(
        name="nightly_laws", job=job, cron_schedule="15 1 * * *", execution_timezone="UTC",
        description="Runs every data test over all history.",
    )  # fmt: skip


def new_exports(job: UnresolvedAssetJobDefinition) -> SensorDefinition:
    """Asks for a refresh when an export waits that the ledger does not know; the same waiting exports ask once."""

    def evaluate(context: SensorEvaluationContext) -> RunRequest | SkipReason:
        from pipelines.refresh import Refresh

        root = portfolio_root()
        if root is None:
            return SkipReason("There is no portfolio: set PLANTLAKE_PORTFOLIO.")
        refresh = Refresh(root)
        try:
            todo = refresh.plan()
        finally:
            refresh.close()
        if not todo:
            return SkipReason("No new exports.")
        waiting = sorted(
            f"{d.plant_id}/{d.source_id}/{d.export.name}/{d.export.size}/{d.export.modified}"
            for p in todo.plants.values()
            for d in p.deliveries
        )
        key = hashlib.sha256("\n".join([*waiting, *sorted(todo.plants)]).encode()).hexdigest()[:16]
        return RunRequest(run_key=key, tags={"plantlake/exports": str(len(waiting))})

    return SensorDefinition(
        name="new_exports", evaluation_fn=evaluate, job=job, minimum_interval_seconds=300,
        default_status=DefaultSensorStatus.STOPPED, description="Starts a refresh when exports wait that the ledger does not know.",
    )  # fmt: skip
