"""The assets: bronze, one for each silver table, one for each dbt model, the snapshot; and the job that refreshes them.

Here: what each asset is for, its owner, group, metadata and checks. A refresh is one unpartitioned run in one process; it logs a
materialization of `plant` for each plant that changed. Elsewhere: the work (`pipelines.refresh`), triggers (`pipelines.triggers`).
"""

from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import dagster as dg

from pipelines.lock import writer_lock
from pipelines.outlets import OUTLETS, wanted
from pipelines.state import PROJECT
from transforms.tables import STATEMENTS, TABLES

OWNERS = ["team:data-engineering"]
EXECUTOR = dg.in_process_executor
BRONZE, SNAPSHOT, PLANT = dg.AssetKey("bronze"), dg.AssetKey("kpi_snapshot"), dg.AssetKey("plant")
SILVER_GRAIN = {
    **{name: spec.grain for name, spec in TABLES.items()},
    **dict.fromkeys(STATEMENTS, "stated by plant files and vocabularies"),
    "clock_offset": "one row per source that follows a reference clock and UTC day; estimated from state events",
}


@dataclass
class Handed:
    """A refresh that the command line has planned and holds the lake's lock for; `error` is what ended it before its end."""

    job: Any
    todo: Any
    error: Exception | None = None


HANDED: dict[str, Handed] = {}
"""By refresh id. Dagster copies resources and configuration, so what is alive is handed over here, within one process."""
REFRESH_TAG = "plantlake/refresh_id"


class PortfolioResource(dg.ConfigurableResource):  # type: ignore[type-arg]
    """The portfolio folder a run works on."""

    root: str

    @contextmanager
    def refresh(self, refresh_id: str | None, scope: "Scope", tell: Any) -> Iterator[tuple[Any, Any]]:
        """The refresh of a run with its plan, under the lake's lock."""
        from pipelines.alerts import telling
        from pipelines.logs import to_file
        from pipelines.refresh import Refresh, Request

        handed = HANDED.get(refresh_id or "")
        if handed is not None:
            try:
                yield handed.job, handed.todo
            except Exception as error:
                handed.error = error
                raise
            return
        since = date.fromisoformat(scope.since) if scope.since else None
        job = Refresh(Path(self.root), Request(tuple(scope.plants), scope.full, since), tell=tell)
        with closing(job), telling(job), writer_lock(job.lake) as lock, to_file(job.lake, job.outcome.refresh_id):
            job.checked = lock.check
            yield job, job.plan()


class Scope(dg.Config):
    """What a refresh is asked to do; empty means every plant, only what is new."""

    plants: list[str] = []
    full: bool = False
    since: str = ""
    """A day, as 2026-01-31: that and all later days are built anew."""


@dataclass(frozen=True)
class Graph:
    """Everything that `pipelines.definitions` hands to Dagster."""

    assets: Sequence[Any]
    checks: Sequence[Any]
    refresh: Any
    laws: Any


def silver_key(table: str) -> dg.AssetKey:
    return dg.AssetKey(["silver", table])


def graph(plants: dg.PartitionsDefinition[str]) -> Graph:
    """The asset graph over these plants."""
    plant = dg.AssetSpec(
        PLANT, partitions_def=plants, deps=[silver_key(name) for name in TABLES], group_name="plants", owners=OWNERS,
        description="One plant's data in silver. Materialized by each refresh that changed it; the partition shows when that was.",
    )  # fmt: skip
    refresh = _refresh_asset()
    job = dg.define_asset_job("refresh", selection=dg.AssetSelection.assets(*refresh.keys), executor_def=EXECUTOR,
                              description="The main job: pull what is new, conform, check, build, publish.")  # fmt: skip
    return Graph([refresh, plant], [], job, all_laws)


@dg.op
def every_data_test(context: dg.OpExecutionContext, portfolio: PortfolioResource) -> None:
    """Runs the data tests over all history; fails naming what is broken. A refresh tests the days that it builds."""

    from connectors.portfolio import lake_of
    from pipelines import build
    from pipelines.lake import Lake

    lake = Lake(lake_of(Path(portfolio.root)))
    with writer_lock(lake, wait_s=3600):
        broken = build.test_all(lake, context.log.debug)
    if broken:
        raise dg.Failure(description="\n\n".join(str(problem) for problem in broken), allow_retries=False)


@dg.job(executor_def=EXECUTOR, description="Every data test over all history, as the nights have time for it.")
def all_laws() -> None:
    """The nightly job."""
    every_data_test()


def dbt_models() -> dict[str, dict[str, Any]]:
    """Models of the dbt project by name, with description, group and the names they read, from its own YAML and SQL."""
    import re

    from dbt_project import described

    models: dict[str, dict[str, Any]] = {}
    for path in sorted(PROJECT.glob("models/**/*.sql")):
        text = path.read_text(encoding="utf-8")
        refs = re.findall(r"ref\(\s*['\"](\w+)['\"]", text)
        sources = re.findall(r"source\(\s*['\"]silver['\"]\s*,\s*['\"](\w+)['\"]", text)
        about = described.models(path.parent.name).get(path.stem, {})
        models[path.stem] = {
            "description": about.get("description", ""), "refs": refs, "sources": sources, "folder": path.parent.name,
        }  # fmt: skip
    return models


def model_key(name: str) -> dg.AssetKey:
    return dg.AssetKey(["gold", name])


def _specs() -> list[dg.AssetSpec]:
    bronze = dg.AssetSpec(BRONZE, group_name="bronze", owners=OWNERS, kinds={"parquet"},
                          description="Original bytes of every export by hash, and its records as delivered.")  # fmt: skip
    silver = [
        dg.AssetSpec(silver_key(name), deps=[BRONZE], group_name="silver", owners=OWNERS, kinds={"polars", "deltalake"}, description=grain,
                     metadata={"dagster/column_schema": _columns(name)}, skippable=True)
        for name, grain in SILVER_GRAIN.items()
    ]  # fmt: skip
    models = dbt_models()
    gold = [
        dg.AssetSpec(
            model_key(name), group_name="gold", owners=OWNERS, kinds={"dbt", "duckdb"}, description=about["description"], skippable=True,
            deps=[*(model_key(ref) for ref in dict.fromkeys(about["refs"]) if ref in models),
                  *(silver_key(source) for source in dict.fromkeys(about["sources"]) if source in SILVER_GRAIN)],
        )
        for name, about in models.items()
    ]  # fmt: skip
    last = [model_key(name) for name in ("mart_kpi_parts_shift", "kpi_value") if name in models]
    snapshot = dg.AssetSpec(SNAPSHOT, deps=last, group_name="published", owners=OWNERS, kinds={"duckdb"}, skippable=True,
                            description="kpi.duckdb: what executives, Excel and SQL read.")  # fmt: skip
    outlets = [
        dg.AssetSpec(outlet.name, deps=[SNAPSHOT], group_name="published", owners=OWNERS, kinds={outlet.kind}, skippable=True,
                     description=outlet.description)
        for outlet in OUTLETS
    ]  # fmt: skip
    return [bronze, *silver, *gold, snapshot, *outlets]


def _columns(table: str) -> dg.TableSchema:
    from pipelines.silver import columns

    return dg.TableSchema([dg.TableColumn(name, str(dtype)) for name, dtype in columns(table).items()])


def _check_specs() -> list[dg.AssetCheckSpec]:
    return [
        dg.AssetCheckSpec(
            "suite", asset=silver_key(name), description=f"Great Expectations suite of {name}: structure, keys, references, ranges."
        )
        for name in (*TABLES, "plant", "map_downtime_reason", "clock_offset")
    ] + [
        dg.AssetCheckSpec("suite", asset=model_key(name), description=f"Great Expectations suite of {name}, before parts move.")
        for name in ("candidate_parts", "kpi_value")
    ]


def _refresh_asset() -> dg.AssetsDefinition:
    @dg.multi_asset(name="refresh_lake", specs=_specs(), check_specs=_check_specs(), can_subset=False)
    def refresh(context: dg.AssetExecutionContext, config: Scope, portfolio: PortfolioResource) -> Iterator[Any]:
        """Pulls what is new, conforms, checks, builds and publishes; lands every plant that can be, then fails naming the others."""
        with portfolio.refresh(context.run.tags.get(REFRESH_TAG), config, context.log.debug) as (job, todo):
            yield from _run(context, job, todo)
            problems = list(job.outcome.problems)
        if problems:
            raise dg.Failure(
                description="\n\n".join(str(problem) for problem in problems),
                metadata={"plants": dg.MetadataValue.json(job.outcome.broken_plants)}, allow_retries=False,
            )  # fmt: skip

    return refresh


def _run(context: dg.AssetExecutionContext, job: Any, todo: Any) -> Iterator[Any]:
    if not todo:
        context.log.info("Nothing new.")
        return
    job.prepare()
    job.land(todo)
    yield dg.MaterializeResult(asset_key=BRONZE, metadata={"exports": job.outcome.exports})
    job.load(todo)
    job.watch()
    for name, plants in job.outcome.changed.items():
        if silver_key(name) in context.selected_asset_keys:
            yield dg.MaterializeResult(asset_key=silver_key(name), metadata=_rows(job.lake, name) | {"plants": len(plants)})
    for plant in sorted({plant for plants in job.outcome.changed.values() for plant in plants}):
        context.log_event(dg.AssetMaterialization(asset_key=PLANT, partition=plant, metadata=_plant_rows(job, plant)))
    scope = job.find()
    context.log.info(f"{len(scope.plants)} plants in scope; {scope.files} files with {scope.rows} rows of silver")
    yield from _checks(job.check(), "silver")
    job.build()
    for name, seconds in job.outcome.models.items():
        if model_key(name) in context.selected_asset_keys:
            yield dg.MaterializeResult(asset_key=model_key(name), metadata={"seconds": seconds, "release": job.outcome.release_id})
    yield from _checks(job.outcome.quality, "gold")
    path = job.publish()
    page = job.document()
    yield dg.MaterializeResult(
        asset_key=SNAPSHOT,
        metadata={
            "path": dg.MetadataValue.path(str(path)), "release": job.outcome.release_id, "unit_days": job.outcome.unit_days,
            "held": dg.MetadataValue.json(job.outcome.held), "quality": dg.MetadataValue.url(page.as_uri()),
        },
    )  # fmt: skip
    for outlet in wanted(job.portfolio):
        made = job.write(outlet)
        if made is not None:
            yield dg.MaterializeResult(asset_key=outlet.name, metadata=made)
    job.keep()


def _rows(lake: Any, table: str) -> dict[str, Any]:
    from pipelines import views

    found = views.files(lake, table)
    return {"dagster/row_count": 0 if found is None else int(found["records"].sum())}


def _plant_rows(job: Any, plant: str) -> dict[str, Any]:
    return {"tables": dg.MetadataValue.json(sorted(name for name, plants in job.outcome.changed.items() if plant in plants))}


def _worst(results: Any) -> list[dict[str, Any]]:
    from quality_checks.runner import worst

    return list(worst(results).to_dicts()) if len(results) else []


def _checks(results: Any, layer: str) -> Iterator[dg.AssetCheckResult]:
    """One check a table of the layer, with its worst plants; the result of each plant is in quality_results."""
    for spec in (spec for spec in _check_specs() if spec.asset_key.path[0] == layer):
        table = spec.asset_key.path[-1]
        mine = results.filter(results["table_name"] == table)
        failed = mine.filter(mine["status"] == "FAIL")
        severity = dg.AssetCheckSeverity.ERROR if "blocking" in failed["severity"].to_list() else dg.AssetCheckSeverity.WARN
        yield dg.AssetCheckResult(
            passed=failed.is_empty(), asset_key=spec.asset_key, check_name=spec.name, severity=severity,
            metadata={"checks": len(mine), "failed": len(failed), "worst": dg.MetadataValue.json(_worst(mine))},
        )  # fmt: skip
