"""The judgement that the gates need: profiles of what a refresh is about to build or publish, held against the limits.

Here: which tables are judged at which gate, and which plants a blocking failure holds. Elsewhere: measures (`quality_checks.profiles`),
limits (`quality_checks.suites`), what becomes of a plant that is held (`pipelines.gates`).
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import polars as pl

from quality_checks import runner

if TYPE_CHECKING:
    import duckdb


def silver(con: duckdb.DuckDBPyConnection, folder: Path, refresh_id: str, plants: Sequence[str]) -> pl.DataFrame:
    """Judges the silver views of a connection for these plants, as rows of `runner.RESULTS`."""
    return runner.run(con, refresh_id, plants)


def gold(con: duckdb.DuckDBPyConnection, folder: Path, refresh_id: str, plants: Sequence[str]) -> pl.DataFrame:
    """Judges gold.candidate_parts."""
    return pl.DataFrame(schema=runner.RESULTS)


def held(results: pl.DataFrame) -> dict[str, str]:
    """Plant: the blocking check that it fails."""
    bad = results.filter((pl.col("status") == "FAIL") & (pl.col("severity") == "blocking") & (pl.col("plant_id") != "*"))
    return {
        row["plant_id"]: f"{row['table_name']}: {row['check_name']} ({row['measure']} = {row['observed']:g}): {row['reason']}"
        for row in bad.iter_rows(named=True)
    }
