"""Runs dbt over the scope of a refresh, in this process: the models and the laws of the ledger.

Here: the invocation, and which plants broke a law. Elsewhere: what is in scope (`pipelines.scope`), the models (`dbt_project`), what
becomes of the candidate parts (`pipelines.release`).
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any

from connectors.errors import PlantlakeError, Problem
from pipelines.lake import Lake
from pipelines.state import PARTS, PROJECT, begin, connection, values_version

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection


_MANIFESTS: dict[str, Any] = {}


class BuildError(PlantlakeError):
    """dbt could not build gold; what was published stands."""


@dataclass
class Built:
    """Candidate parts that were built."""

    models: dict[str, float] = field(default_factory=dict)
    """Model: seconds."""
    tests: int = 0
    broken: dict[str, str] = field(default_factory=dict)
    """Plant: the law of the ledger that its parts break."""


def next_release(con: DuckDBPyConnection) -> int:
    row = con.execute("SELECT coalesce(max(release_id), 0) + 1 FROM gold.release").fetchone()
    return int(row[0]) if row else 1


def build(lake: Lake, at: datetime, tell: Callable[[str], None] = lambda _: None) -> Built:
    """Runs every seed, model and data test in scope once. A law that a plant's rows break holds that plant back, and no other.

    Raises BuildError when a model cannot be built, or a broken law names no plant.
    """
    built = Built()
    with connection(lake) as con:
        begin(con, at)
        stands = con.execute("SELECT version FROM gold.standing_views").fetchone() == (values_version(),)
        has_records = not stands or _has_records(con)
        made = [parts.table for parts in PARTS if has_records or not parts.of_records]
        con.execute("DELETE FROM gold.built_parts")
        con.executemany("INSERT INTO gold.built_parts VALUES (?)", [[table] for table in made])
    # Views over parts stay as they are: to plan the large ones again takes a second.
    left_out = ["tag:history", *(["tag:standing"] if stands else []), *([] if has_records else ["tag:records"])]
    results, exception = _invoke(lake, ["build", "--exclude", *left_out], {}, tell)
    for item in results:
        if item.node.resource_type == "test":
            built.tests += 1
        elif item.node.resource_type == "model":
            built.models[item.node.name] = float(item.execution_time)
    broken = [item for item in results if item.node.resource_type == "test" and _is_broken(item)]
    failed = [item for item in results if str(item.status) in ("error", "runtime error")]
    with connection(lake) as con:
        for item in broken:
            plants = _plants_of(con, item)
            failed += [] if plants else [item]
            built.broken |= dict.fromkeys(plants, f"breaks the law {item.node.name}")
    if failed or exception is not None or not results:
        raise BuildError(_problems(failed, exception))
    if not stands:
        with connection(lake) as con:
            con.execute("DELETE FROM gold.standing_views")
            con.execute("INSERT INTO gold.standing_views VALUES (?)", [values_version()])
    return built


RECORDS = (
    "energy", "labour_time", "maintenance_order", "inspection_result", "cost", "inventory_snapshot", "delivery_line", "production_order",
    "order_operation",
)  # fmt: skip
"""Tables of silver that parts of records are made of, beside counts of first-pass pieces."""


def _has_records(con: DuckDBPyConnection) -> bool:
    """Whether a plant in scope delivers any record that parts of records are made of, or has such parts."""
    in_scope = "plant_id IN (SELECT plant_id FROM gold.open_scope)"
    found = [f"SELECT 1 FROM silver.{table} WHERE {in_scope}" for table in RECORDS]
    found += [f"SELECT 1 FROM gold.{parts.table} WHERE valid_to_release IS NULL AND {in_scope}" for parts in PARTS if parts.of_records]
    found.append(f"SELECT 1 FROM silver.production_count WHERE first_pass_good_qty IS NOT NULL AND {in_scope}")
    return any(con.execute(f"{query} LIMIT 1").fetchone() for query in found)


def test_all(lake: Lake, tell: Callable[[str], None] = lambda _: None) -> list[Problem]:
    """Runs every data test over all history, as the nightly job does; returns what is broken."""
    results, exception = _invoke(lake, ["test"], {"test_all": True}, tell)
    bad = [item for item in results if str(item.status) in ("error", "runtime error") or _is_broken(item)]
    return _problems(bad, exception) if bad or exception is not None or not results else []


def _is_broken(item: Any) -> bool:
    """Whether a law does not hold; tests with the tag `notice` are told by quality checks and hold nobody back."""
    return str(item.status) in ("fail", "warn") and "notice" not in item.node.tags


def _invoke(lake: Lake, verbs: list[str], variables: dict[str, Any], tell: Callable[[str], None]) -> tuple[list[Any], BaseException | None]:
    from dbt.cli.main import dbtRunner

    os.environ["PLANTLAKE_BUILD_DB"] = str(lake.build_database)

    def told(event: Any) -> None:
        name = getattr(event.info, "name", "")
        if name in {"LogModelResult", "LogStartLine"} and (found := re.search(r"(\w+)\.(\w+)", str(event.info.msg))):
            tell(f"dbt {found[2]}")

    target = lake.gold / "dbt" / ("all" if variables else "scope")  # what dbt parsed stays there, and holds for the same variables
    arguments = [
        "--project-dir", str(PROJECT), "--profiles-dir", str(PROJECT), "--target-path", str(target), "--log-path", str(lake.logs / "dbt"),
        "--vars", json.dumps(variables), "--log-level", "none", "--no-write-json",
    ]  # fmt: skip
    outcome = dbtRunner(manifest=_parsed(variables, arguments), callbacks=[told]).invoke([*verbs, *arguments])
    return list(getattr(outcome.result, "results", None) or []), outcome.exception


def _parsed(variables: dict[str, Any], arguments: list[str]) -> Any:
    """What dbt makes of the project, parsed once in a process. A copy: dbt writes the SQL that it compiles into it."""
    from dbt.cli.main import dbtRunner

    key = json.dumps(variables, sort_keys=True)
    if key not in _MANIFESTS:
        _MANIFESTS[key] = dbtRunner().invoke(["parse", *arguments]).result
    return _MANIFESTS[key].deepcopy() if _MANIFESTS[key] else None


def _plants_of(con: DuckDBPyConnection, item: Any) -> list[str]:
    """The plants of the rows that a failed test stored; none where its rows name no plant."""
    import duckdb

    try:
        rows = con.execute(f"SELECT DISTINCT plant_id FROM {item.node.relation_name} WHERE plant_id IS NOT NULL").fetchall()
    except duckdb.Error:
        return []
    return [row[0] for row in rows]


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
