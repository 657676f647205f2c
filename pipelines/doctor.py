"""`plantlake doctor`: what is installed, what the portfolio and the lake look like, and what to do about it.

Here: the examination. Elsewhere: the checks of plant files (`connectors.portfolio`) and of data (`quality_checks`).
"""

from __future__ import annotations

import shutil
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from connectors import portfolio as portfolios
from connectors.errors import PlantlakeError
from pipelines.lake import Lake
from pipelines.ledger import ExportLedger
from transforms.tables import TABLES

PACKAGES = {
    "dagster": "1.13",
    "dbt-core": "1.11",
    "dbt-duckdb": "1.11",
    "duckdb": "2",
    "polars": "2",
    "deltalake": "1",
    "great-expectations": "1",
}


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at."""

    check: str
    good: bool
    text: str
    fix: str = ""


def examine(folder: Path | None) -> list[Finding]:
    """Looks at everything that can be looked at; what cannot is a finding itself."""
    findings = list(_installation())
    try:
        root = portfolios.find(folder)
    except PlantlakeError as error:
        return [*findings, Finding("portfolio", False, error.problems[0].message, error.problems[0].fix or "")]
    for check in (_portfolio, _lake, _ledger):
        findings += _safely(check, root)
    return findings


def _safely(check: Callable[[Path], Iterator[Finding]], root: Path) -> list[Finding]:
    try:
        return list(check(root))
    except (PlantlakeError, OSError) as error:
        return [Finding(check.__name__.strip("_"), False, str(error))]


def _installation() -> Iterator[Finding]:
    yield Finding(
        "python", sys.version_info >= (3, 11), sys.version.split()[0], "install Python 3.11 or newer" if sys.version_info < (3, 11) else ""
    )
    for name, wanted in PACKAGES.items():
        try:
            found = version(name)
        except PackageNotFoundError:
            yield Finding(name, False, "not installed", "pip install -r requirements.txt")
            continue
        good = found.startswith(f"{wanted}.") or found == wanted
        yield Finding(name, good, found, "" if good else f"version {wanted} is needed: pip install -r requirements.txt")


def _portfolio(root: Path) -> Iterator[Finding]:
    found = portfolios.read(root)
    good, bad = len(found.plants), len(found.broken)
    yield Finding("plant files", not found.problems, f"{good} good, {bad} with problems", "plantlake plant check" if found.problems else "")
    for plant_id, plant in found.plants.items():
        place = found.source_root(plant)
        if "://" not in place and not Path(place).is_dir():
            yield Finding("exports", False, f"{plant_id}: {place} does not exist", f"create it, or set root: in plants/{plant_id}.yaml")


def _lake(root: Path) -> Iterator[Finding]:
    from pipelines import silver
    from pipelines.lock import holder

    lake = Lake(portfolios.lake_of(root))
    if not lake.format_file.exists():
        yield Finding("lake", False, f"{lake.root} is empty", "plantlake refresh")
        return
    free = shutil.disk_usage(lake.root).free / 1e9
    yield Finding("disk", free > 2, f"{free:.0f} GB free", "" if free > 2 else "free some space: a refresh writes before it removes")
    tables = [name for name in TABLES if silver.version(lake, name) is not None]
    yield Finding("silver", bool(tables), f"{len(tables)} tables", "" if tables else "plantlake refresh")
    yield Finding("snapshot", lake.snapshot.exists(), str(lake.snapshot), "" if lake.snapshot.exists() else "plantlake refresh")
    writer = holder(lake.ledger)
    if writer is not None:
        text = f"held by {writer}" + (" (dead: the next refresh takes it over)" if writer.is_dead else "")
        yield Finding("lock", True, text)


def _ledger(root: Path) -> Iterator[Finding]:
    from pipelines import silver

    lake = Lake(portfolios.lake_of(root))
    if not lake.ledger.exists():
        return
    with ExportLedger(lake.ledger) as ledger:
        failures = ledger.failures()
        yield Finding("exports", not failures, f"{len(failures)} failed", "plantlake refresh shows them" if failures else "")
        known = {row.batch_id for plant in ledger.plant_states() for row in ledger.tables(plant) if row.state == "COMMITTED"}
    committed = {batch for name in TABLES for batch in silver.committed_batches(lake, name)}
    lost = committed - known
    text = f"{len(known)} deliveries" + (f", {len(lost)} in silver that the ledger does not know" if lost else "")
    yield Finding("ledger", not lost, text,
                  "plantlake refresh loads them again; nothing is doubled" if lost else "")  # fmt: skip
