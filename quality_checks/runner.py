"""Runs the checks: profiles of the silver tables in, one result per plant and check out.

Here: profiling all tables, the judgement by Great Expectations, the worst plants. Elsewhere: what is measured
(`quality_checks.profiles`), the limits (`quality_checks.suites`), storing results and showing them (`pipelines`).

Great Expectations takes 5-6 s to import and is imported here only, when there is something to judge. Its context is ephemeral:
nothing is written, nothing is sent.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from threading import Thread
from typing import TYPE_CHECKING, Any

import polars as pl

from quality_checks.profiles import PROFILE, RECIPES, profile
from quality_checks.suites import CHECKS, Check, suite

if TYPE_CHECKING:
    import duckdb

RESULTS = pl.Schema(
    {
        "refresh_id": pl.String(), "checked_at": pl.Datetime("us", "UTC"), "plant_id": pl.String(), "table_name": pl.String(),
        "check_name": pl.String(), "rung": pl.String(), "severity": pl.String(), "status": pl.String(), "measure": pl.String(),
        "observed": pl.Float64(), "limit_low": pl.Float64(), "limit_high": pl.Float64(), "rows": pl.Int64(), "reason": pl.String(),
    }
)  # fmt: skip
"""Schema of `quality_results`: one row per refresh, plant, table and check; status is PASS, FAIL or SKIPPED."""

NAME_THE_PLANTS = {"result_format": "COMPLETE", "unexpected_index_column_names": ["plant_id"]}
NO_ROWS = "the plant has no rows in this table"
NOTHING_TO_MEASURE = "nothing to measure: no row of the plant has what the check is about"
NOT_PROFILED = "this profile was stored before the measure existed"


def warm_up() -> Thread:
    """Starts the import of Great Expectations beside other work, which need not wait for it."""
    thread = Thread(target=_great_expectations, name="import great_expectations", daemon=True)
    thread.start()
    return thread


def run(
    con: duckdb.DuckDBPyConnection,
    refresh_id: str,
    plants: Sequence[str] | None = None,
    checked_at: datetime | None = None,
    tables: Sequence[str] | None = None,
) -> pl.DataFrame:
    """Profiles and judges the silver views of a connection, as rows of `RESULTS`. None: all plants, all tables, now."""
    at = checked_at or datetime.now(UTC)
    importing = warm_up()
    measured = profiles(con, at, plants, tables)
    importing.join()
    return judge(measured, refresh_id, at)


def profiles(
    con: duckdb.DuckDBPyConnection, at: datetime, plants: Sequence[str] | None = None, tables: Sequence[str] | None = None
) -> pl.DataFrame:
    """The profiles of several tables, as rows of `PROFILE`; worth storing, because `judge` needs nothing else."""
    return pl.concat(profile(con, table, plants, at) for table in tables or RECIPES)


def judge(profile_rows: pl.DataFrame, refresh_id: str, checked_at: datetime) -> pl.DataFrame:
    """Holds stored profiles against the limits as they are now, without a query.

    Raises RuntimeError when Great Expectations could not evaluate an expectation: an error is no judgement.
    """
    found = profile_rows.cast(PROFILE)
    tables = [table for table in CHECKS if table in set(found["table_name"])]
    if not tables:
        return pl.DataFrame(schema=RESULTS)
    validate = _validator()
    judged = [_judge_table(table, found.filter(pl.col("table_name") == table), validate) for table in tables]
    stamps = pl.lit(refresh_id).alias("refresh_id"), pl.lit(checked_at.astimezone(UTC)).alias("checked_at")
    return pl.concat(judged).with_columns(*stamps).select(*RESULTS).cast(RESULTS)


def worst(results: pl.DataFrame, n: int = 5) -> pl.DataFrame:
    """The n worst plants of each table: most failed blocking checks, then most failed checks, then by name.

    Columns table_name, plant_id, blocking, failed (counts) and checks (names, most severe first). Plants that fail nothing are left out.
    """
    failed = results.filter(pl.col("status") == "FAIL").sort("table_name", "plant_id", "severity", "check_name")
    by_plant = failed.group_by("table_name", "plant_id", maintain_order=True).agg(
        (pl.col("severity") == "blocking").sum().cast(pl.Int64).alias("blocking"),
        pl.len().cast(pl.Int64).alias("failed"),
        pl.col("check_name").alias("checks"),
    )
    order = ["table_name", "blocking", "failed", "plant_id"]
    return by_plant.sort(order, descending=[False, True, True, False]).group_by("table_name", maintain_order=True).head(n)


def _judge_table(table: str, found: pl.DataFrame, validate: Any) -> pl.DataFrame:
    wide = found.pivot(on="measure", index=["plant_id", "rows"], values="value").sort("plant_id")
    stored = set(wide.columns)
    absent = {check.measure for check in CHECKS[table]} - stored
    wide = wide.with_columns(pl.lit(None, dtype=pl.Float64).alias(name) for name in sorted(absent))
    failing = validate(table, wide)
    return pl.concat(_verdicts(table, check, wide, failing[check.name], check.measure in stored) for check in CHECKS[table])


def _verdicts(table: str, check: Check, wide: pl.DataFrame, failing: Sequence[str], profiled: bool) -> pl.DataFrame:
    """One row per plant: FAIL where Great Expectations named the plant, SKIPPED where there was nothing to judge."""
    observed = pl.col(check.measure)
    status = pl.when(observed.is_null()).then(pl.lit("SKIPPED")).when(pl.col("plant_id").is_in(failing)).then(pl.lit("FAIL"))
    nothing = pl.when(pl.col("rows") == 0).then(pl.lit(NO_ROWS)).otherwise(pl.lit(NOTHING_TO_MEASURE if profiled else NOT_PROFILED))
    return wide.select(
        "plant_id",
        pl.lit(table).alias("table_name"),
        pl.lit(check.name).alias("check_name"),
        pl.lit(check.rung).alias("rung"),
        pl.lit(check.severity).alias("severity"),
        status.otherwise(pl.lit("PASS")).alias("status"),
        pl.lit(check.measure).alias("measure"),
        observed.alias("observed"),
        pl.lit(check.low, dtype=pl.Float64).alias("limit_low"),
        pl.lit(check.high, dtype=pl.Float64).alias("limit_high"),
        "rows",
        pl.when(observed.is_null()).then(nothing).otherwise(pl.lit(check.reason)).alias("reason"),
    )


def _great_expectations() -> Any:
    """The module, with its usage statistics switched off before it is imported."""
    os.environ["GX_ANALYTICS_ENABLED"] = "false"
    import great_expectations

    return great_expectations


def _validator() -> Any:
    """A function (table, profile) -> plants that fail, by check name; all tables share one ephemeral context."""
    gx = _great_expectations()
    from great_expectations.data_context.types.base import ProgressBarsConfig

    context = gx.get_context(mode="ephemeral")
    context.enable_analytics(False)
    context.variables.progress_bars = ProgressBarsConfig(globally=False)
    source = context.data_sources.add_pandas("profiles")

    def validate(table: str, wide: pl.DataFrame) -> Mapping[str, Sequence[str]]:
        whole = source.add_dataframe_asset(table).add_batch_definition_whole_dataframe("all")
        report = whole.get_batch({"dataframe": wide.to_pandas()}).validate(suite(table), result_format=NAME_THE_PLANTS)
        return {result.expectation_config.meta["check"]: _failing(table, result) for result in report.results}

    return validate


def _failing(table: str, result: Any) -> list[str]:
    """The plants whose value Great Expectations did not expect."""
    trouble = result.exception_info
    if "result" not in result or not result.result or (trouble and trouble.get("raised_exception")):
        raise RuntimeError(f"Great Expectations could not judge {table}.{result.expectation_config.meta['check']}: {trouble}")
    return [row["plant_id"] for row in result.result.get("unexpected_index_list") or ()]
