"""Builds gold: views over the pinned files of silver, dbt in process, one release.

Here: what dbt needs around it. Elsewhere: the models (`dbt_project`), what readers see of a release (`publish.snapshot`).
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from connectors.errors import PlantlakeError, Problem
from pipelines import silver
from pipelines.lake import Lake
from transforms.tables import STATEMENTS, TABLES

if TYPE_CHECKING:
    from collections.abc import Iterator

    from duckdb import DuckDBPyConnection

PROJECT = Path(__file__).resolve().parent.parent / "dbt_project"
CALC_VERSION = "1"
"""Version of the models and the KPI catalogue; raised when the same silver gives other parts."""

RELEASE = """
CREATE TABLE IF NOT EXISTS gold.release (
  release_id BIGINT PRIMARY KEY, refresh_id VARCHAR, released_at TIMESTAMPTZ, watermark TIMESTAMPTZ, calc_version VARCHAR,
  plants VARCHAR, exports BIGINT)
"""


class BuildError(PlantlakeError):
    """dbt could not build gold; what was published stands."""


@dataclass
class Built:
    """A release that was built and checked."""

    release_id: int
    models: dict[str, float] = field(default_factory=dict)
    """Model: seconds."""
    tests: int = 0


@contextmanager
def connection(lake: Lake) -> Iterator[DuckDBPyConnection]:
    """The private build database. Only for the holder of the writer's lock."""
    import duckdb

    con = duckdb.connect(str(lake.build_database))
    try:
        yield con
    finally:
        con.close()


def views(lake: Lake) -> None:
    """Makes `silver.<table>` in the build database, each over one version of its Delta table, pinned for this refresh."""
    with connection(lake) as con:
        for schema in ("silver", "int", "gold"):
            con.execute(f"CREATE SCHEMA IF NOT EXISTS {schema}")
        con.execute("SET TimeZone = 'UTC'")
        for name in (*TABLES, *STATEMENTS):
            con.execute(silver.duckdb_view_sql(lake, name))
        con.execute(RELEASE)


def next_release(lake: Lake) -> int:
    with connection(lake) as con:
        row = con.execute("SELECT coalesce(max(release_id), 0) + 1 FROM gold.release").fetchone()
    return int(row[0]) if row else 1


def build(lake: Lake, release_id: int, at: datetime, tell: Callable[[str], None] = lambda _: None) -> Built:
    """Runs every seed, model and data test once, in this process. Raises BuildError with what failed."""
    from dbt.cli.main import dbtRunner

    os.environ["PLANTLAKE_BUILD_DB"] = str(lake.build_database)
    variables = {"release_id": release_id, "calc_version": CALC_VERSION, "as_of": at.isoformat()}
    built = Built(release_id)

    def told(event: Any) -> None:
        name = getattr(event.info, "name", "")
        if name in {"LogModelResult", "LogStartLine"} and (found := re.search(r"(\w+)\.(\w+)", str(event.info.msg))):
            tell(f"dbt {found[2]}")

    runner = dbtRunner(callbacks=[told])
    arguments = ["build", "--project-dir", str(PROJECT), "--profiles-dir", str(PROJECT), "--target-path", str(lake.gold / "dbt"),
                 "--log-path", str(lake.logs / "dbt"), "--vars", json.dumps(variables), "--quiet"]  # fmt: skip
    outcome = runner.invoke(arguments)
    results = list(getattr(outcome.result, "results", None) or [])
    for item in results:
        if item.node.resource_type == "test":
            built.tests += 1
        elif item.node.resource_type == "model":
            built.models[item.node.name] = float(item.execution_time)
    failed = [item for item in results if str(item.status) in ("error", "fail", "runtime error")]
    if failed or not outcome.success:
        raise BuildError(_problems(failed, outcome.exception))
    return built


def _problems(failed: list[Any], exception: BaseException | None) -> list[Problem]:
    consequence = "Nothing was published; the last release stands."
    found = [
        Problem(
            f"dbt {item.node.resource_type} '{item.node.name}' failed.",
            found=(str(item.message) or str(item.status))[:600],
            fix=f"dbt_project/{item.node.original_file_path}",
            consequence=consequence,
            actor="us",
        )
        for item in failed
    ]
    return found or [Problem("dbt could not run.", found=str(exception)[:600], consequence=consequence, actor="us")]


def release(lake: Lake, built: Built, refresh_id: str, at: datetime, plants: list[str], exports: int) -> None:
    """Writes the release row: from now on the parts of this release count."""
    with connection(lake) as con:
        con.execute("SET TimeZone = 'UTC'")
        con.execute(
            "INSERT INTO gold.release SELECT ?, ?, ?, (SELECT max(data_to) FROM silver.source_watermark), ?, ?, ?",
            [built.release_id, refresh_id, at, CALC_VERSION, ",".join(plants), exports],
        )
