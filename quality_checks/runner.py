"""Runs the checks: profiles of tables in, one result per plant and check out.

Here: profiling several tables, results made of the judgement, the worst plants. Elsewhere: what is measured
(`quality_checks.profiles`), the limits (`quality_checks.suites`), the judgement by Great Expectations (`quality_checks.judging`),
which plants a result holds back (`quality_checks.gate`), storing (`quality_checks.store`) and showing (`quality_checks.docs`).
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import polars as pl

from quality_checks import judging
from quality_checks.checks import Check
from quality_checks.measuring import PROFILE
from quality_checks.profiles import SILVER, profile
from quality_checks.suites import CHECKS

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

NO_ROWS = "the plant has no rows in this table"
NOTHING_TO_MEASURE = "nothing to measure: no row of the plant has what the check is about"
NOT_PROFILED = "this profile was stored before the measure existed"


def warm_up() -> None:
    """Starts the process that judges, so that it imports Great Expectations beside other work."""
    judging.start()


def run(
    con: duckdb.DuckDBPyConnection,
    refresh_id: str,
    plants: Sequence[str] | None = None,
    checked_at: datetime | None = None,
    tables: Sequence[str] | None = None,
) -> pl.DataFrame:
    """Profiles and judges tables of a connection, as rows of `RESULTS`. None: all plants, all of silver, now."""
    at = checked_at or datetime.now(UTC)
    warm_up()
    return judge(profiles(con, at, plants, tables), refresh_id, at)


def profiles(
    con: duckdb.DuckDBPyConnection, at: datetime, plants: Sequence[str] | None = None, tables: Sequence[str] | None = None
) -> pl.DataFrame:
    """The profiles of several tables (None: all of silver), as rows of `PROFILE`; worth storing: `judge` needs nothing else."""
    return pl.concat(profile(con, table, plants, at) for table in tables or SILVER)


def judge(profile_rows: pl.DataFrame, refresh_id: str, checked_at: datetime) -> pl.DataFrame:
    """Holds stored profiles against the limits as they are now, without a query.

    Raises RuntimeError when Great Expectations could not evaluate an expectation: an error is no judgement.
    """
    found = profile_rows.cast(PROFILE)
    wide = {table: _wide(table, found.filter(pl.col("table_name") == table)) for table in CHECKS}
    wide = {table: frame for table, frame in wide.items() if len(frame)}
    if not wide:
        return pl.DataFrame(schema=RESULTS)
    asked = {table: frame.drop("rows").to_dict(as_series=False) for table, frame in wide.items()}
    failing = judging.start()({table: CHECKS[table] for table in wide}, asked)
    known = {table: set(found.filter(pl.col("table_name") == table)["measure"]) for table in wide}
    verdicts = [
        _verdicts(table, check, frame, failing[table].get(check.name, ()), check.measure in known[table])
        for table, frame in wide.items()
        for check in CHECKS[table]
    ]
    stamps = pl.lit(refresh_id).alias("refresh_id"), pl.lit(checked_at.astimezone(UTC)).alias("checked_at")
    return pl.concat(verdicts).with_columns(*stamps).select(*RESULTS).cast(RESULTS)


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


def _wide(table: str, found: pl.DataFrame) -> pl.DataFrame:
    """One row per plant and one column per measure that is judged; NULL where nothing was measured."""
    wide = found.pivot(on="measure", index=["plant_id", "rows"], values="value").sort("plant_id")
    measures = dict.fromkeys(check.measure for check in CHECKS[table])
    return wide.select(
        "plant_id", "rows", *(pl.col(name) if name in wide.columns else pl.lit(None, pl.Float64).alias(name) for name in measures)
    )


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
