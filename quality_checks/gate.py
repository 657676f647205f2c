"""The two gates: what is measured and judged at each, and which plants the answer holds back.

Here: the gate of silver (before dbt), the gate of gold (before parts move), who is held and the line that says why. Elsewhere: what
holding means (`pipelines`), the limits (`quality_checks.suites`), what is stored of it (`quality_checks.store`).

A plant is held by a blocking check that failed on a table which its parts are made of, or on the parts. What failed for the whole
portfolio ('*': vocabularies) holds nobody, because it would hold everybody; it is told.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import polars as pl

from quality_checks import runner
from quality_checks.checks import limit_in_words
from quality_checks.gold_profiles import GOLD
from quality_checks.profiles import LEDGER_TABLES, SILVER
from quality_checks.store import Store

if TYPE_CHECKING:
    import duckdb

PORTFOLIO = "*"
HOLDING = frozenset({*LEDGER_TABLES, *GOLD})
"""Tables whose blocking failures hold a plant; of the others (tags, samples, materials) no part is made."""


def silver(
    con: duckdb.DuckDBPyConnection, folder: Path, refresh_id: str, plants: Sequence[str], at: datetime | None = None
) -> pl.DataFrame:
    """Measures, judges and stores the silver views of a connection for these plants; rows of `RESULTS`.

    Tables that are kept by month may show only the months in scope; all others have to be whole.
    """
    return _judged(con, folder, refresh_id, plants, tuple(SILVER), at)


def gold(con: duckdb.DuckDBPyConnection, folder: Path, refresh_id: str, plants: Sequence[str], at: datetime | None = None) -> pl.DataFrame:
    """The same for `gold.candidate_parts` and its KPIs; silver has to be on the connection as at the gate of silver."""
    return _judged(con, folder, refresh_id, plants, tuple(GOLD), at)


def held(results: pl.DataFrame) -> dict[str, str]:
    """Plant: why it may not be built or published, in one line, for every plant with a blocking failure that counts.

    The line names the first failure in the order of tables and checks, and how many there are more.
    """
    failed = _blocking(results).filter(pl.col("table_name").is_in(HOLDING), pl.col("plant_id") != PORTFOLIO)
    lines: dict[str, list[str]] = {}
    for row in failed.iter_rows(named=True):
        lines.setdefault(row["plant_id"], []).append(_line(row))
    return {plant: found[0] + (f" (and {len(found) - 1} more)" if len(found) > 1 else "") for plant, found in sorted(lines.items())}


def told(results: pl.DataFrame) -> list[str]:
    """Blocking failures that hold nobody: of the whole portfolio, and of tables that no part is made of."""
    failed = _blocking(results).filter(~pl.col("table_name").is_in(HOLDING) | (pl.col("plant_id") == PORTFOLIO))
    return [f"{row['plant_id']}: {_line(row)}" for row in failed.iter_rows(named=True)]


def _judged(
    con: duckdb.DuckDBPyConnection, folder: Path, refresh_id: str, plants: Sequence[str], tables: Sequence[str], at: datetime | None
) -> pl.DataFrame:
    if not plants:
        return pl.DataFrame(schema=runner.RESULTS)
    at = at or datetime.now(UTC)
    runner.warm_up()
    measured = runner.profiles(con, at, plants, tables)
    results = runner.judge(measured, refresh_id, at)
    Store(folder).save(refresh_id, measured, results)
    return results


def _blocking(results: pl.DataFrame) -> pl.DataFrame:
    return results.filter(pl.col("status") == "FAIL", pl.col("severity") == "blocking")


def _line(row: dict[str, Any]) -> str:
    limit = limit_in_words(row["limit_low"], row["limit_high"])
    return f"{row['table_name']}.{row['check_name']}: {row['measure']} is {row['observed']:.6g}, allowed is {limit}: {row['reason']}"
