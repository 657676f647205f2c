"""`plantlake doctor`: what is installed, what the portfolio and the lake look like, and what to do about it.

Here: the examination. Elsewhere: the checks of plant files (`connectors.portfolio`) and of data (`quality_checks`), the ledger made
anew (`pipelines.rebuild`), upkeep (`pipelines.upkeep`).
"""

from __future__ import annotations

import shutil
import sqlite3
import sys
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING

from connectors import portfolio as portfolios
from connectors.errors import PlantlakeError
from pipelines.disk import size_of
from pipelines.lake import FORMAT_VERSION, Lake
from pipelines.ledger import ExportLedger
from transforms.tables import STATEMENTS, TABLES

if TYPE_CHECKING:
    from pipelines.lock import Holder

PACKAGES = {
    "dagster": "1.13",
    "dbt-core": "1.11",
    "dbt-duckdb": "1.11",
    "duckdb": "2",
    "polars": "2",
    "deltalake": "1",
    "great-expectations": "1",
}

LEAST_FREE = 2_000_000_000
FREE_SHARE = 0.2
"""Bytes, and share of the lake's size, that have to be free."""
LATE_UPKEEP = timedelta(days=14)
REBUILD = "plantlake doctor --rebuild-ledger"
HELD = "plantlake status says since when; mend its data or plant file, then plantlake refresh"
SCOPE = """
SELECT state, string_agg(DISTINCT plant_id, ', ' ORDER BY plant_id), count(*) FROM gold.change_scope
WHERE state IN ('OPEN', 'ORPHANED') GROUP BY state ORDER BY state
"""


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


def rebuilt(folder: Path | None, *, wait_s: float = 0) -> Finding:
    """Makes the export ledger anew. Raises LockedError while a refresh runs, ConfigError without a portfolio."""
    from pipelines import rebuild

    made = rebuild.rebuild(Lake(portfolios.lake_of(portfolios.find(folder))), wait_s=wait_s)
    text = f"made anew: {made.exports} exports, {made.tables} accounts"
    text += f"; {made.from_silver} of them are known from silver only, and are counted again" if made.from_silver else ""
    text += f"; the damaged file is {made.set_aside}" if made.set_aside else ""
    return Finding("rebuild", True, text, "plantlake refresh: it states the plant files again, which changes nothing")


def tested(folder: Path | None) -> list[Finding]:
    """Every data test over all history, under the lake's lock."""

    from pipelines import build
    from pipelines.lock import writer_lock

    lake = Lake(portfolios.lake_of(portfolios.find(folder)))
    with writer_lock(lake):
        found = build.test_all(lake)
    return [Finding("laws", False, p.message, f"{p.found or ''} {p.fix or ''}") for p in found] or [
        Finding("laws", True, "every data test holds over all history")
    ]


def _lake(root: Path) -> Iterator[Finding]:
    from pipelines import silver

    lake = Lake(portfolios.lake_of(root))
    if not lake.format_file.exists():
        yield Finding("lake", False, f"{lake.root} is empty", "plantlake refresh")
        return
    if lake.version < FORMAT_VERSION:
        yield Finding("format", True, f"{lake.version}; the next refresh changes it to {FORMAT_VERSION}")
    yield _disk(lake)
    tables = [name for name in TABLES if silver.version(lake, name) is not None]
    yield Finding("silver", bool(tables), f"{len(tables)} tables", "" if tables else "plantlake refresh")
    writer = _writer(lake)
    if writer is not None:
        text = f"held by {writer}" + (" (dead: the next refresh takes it over)" if writer.is_dead else "")
        yield Finding("lock", True, text)
    is_written = writer is not None and not writer.is_dead
    yield _snapshot(lake, is_written)
    yield from _upkeep(lake)
    yield from [] if is_written else _gold(lake)


def _disk(lake: Lake) -> Finding:
    """A refresh writes before it removes: it needs room beside what is there."""
    free = shutil.disk_usage(lake.root).free
    size = size_of(lake.root) - sum(map(size_of, lake.root.glob("preview-*")))
    needed = max(LEAST_FREE, int(FREE_SHARE * size))
    text = f"{free / 1e9:.1f} GB free, the lake has {size / 1e9:.1f} GB"
    fix = f"free some space: a refresh writes before it removes, {needed / 1e9:.1f} GB are wanted"
    return Finding("disk", free >= needed, text, "" if free >= needed else fix)


def _writer(lake: Lake) -> Holder | None:
    from pipelines.lock import holder

    try:
        return holder(lake.ledger)
    except sqlite3.DatabaseError:  # told by the check of the ledger
        return None


def _snapshot(lake: Lake, is_written: bool) -> Finding:
    """What readers see must not be older than what silver holds, unless a refresh is on its way there."""
    from pipelines import silver

    if not lake.snapshot.exists():
        return Finding("snapshot", is_written, "not published yet", "" if is_written else "plantlake refresh")
    published = datetime.fromtimestamp(lake.snapshot.stat().st_mtime, UTC)
    commits = [moment for name in (*TABLES, *STATEMENTS) if (moment := silver.last_commit(lake, name))]
    is_behind = bool(commits) and max(commits) > published and not is_written
    text = f"published {published:%Y-%m-%d %H:%M} UTC"
    text += f"; silver is newer ({max(commits):%Y-%m-%d %H:%M} UTC): a refresh ended before it published" if is_behind else ""
    return Finding("snapshot", not is_behind, text, "plantlake refresh" if is_behind else "")


def _upkeep(lake: Lake) -> Iterator[Finding]:
    from pipelines import upkeep

    last = upkeep.last_vacuum(lake)
    if last is None:
        return
    is_late = datetime.now(UTC) - last > LATE_UPKEEP
    text = f"every table vacuumed since {last:%Y-%m-%d %H:%M} UTC"
    yield Finding("upkeep", not is_late, text, "plantlake refresh: each one tidies; lake/logs says what hindered it" if is_late else "")


def _gold(lake: Lake) -> Iterator[Finding]:
    """What waits to be built, and plants that keep their last good numbers. The build database has one writer: only read when it is
    free."""
    if not lake.build_database.exists():
        return
    import duckdb

    try:
        with closing(duckdb.connect(str(lake.build_database), read_only=True)) as con:
            sql = "SELECT table_name FROM information_schema.tables WHERE table_schema = 'gold'"
            tables = {name for (name,) in con.execute(sql).fetchall()}
            if "change_scope" in tables:
                yield from _open_scope(con.execute(SCOPE).fetchall())
            if "plant_gate" in tables:
                held = con.execute("SELECT plant_id, gate, reason FROM gold.plant_gate ORDER BY plant_id").fetchall()
                yield Finding("held plants", not held, f"{len(held)}")
                yield from (Finding("held", False, f"{plant} ({gate}): {reason}", HELD) for plant, gate, reason in held)
    except duckdb.ConnectionException:  # open for writing in this very process
        return
    except duckdb.Error as error:
        is_free = "Could not set lock" not in str(error)
        text = str(error).splitlines()[0] if is_free else "in use by another process, so not looked at"
        yield Finding("build database", not is_free, text, f"restore {lake.build_database}, or plantlake refresh --full" if is_free else "")


def _open_scope(rows: list[tuple[str, str, int]]) -> Iterator[Finding]:
    """Open rows are work that the next refresh does; those of a plant without a file are nobody's."""
    for state, plants, count in rows:
        if state == "OPEN":
            yield Finding("open work", True, f"{count} rows of the change scope wait for the next refresh ({plants})")
        elif state == "ORPHANED":
            fix = "put the plant file back, or rename it back: then they are built"
            yield Finding("orphaned work", False, f"{count} rows of the change scope belong to no plant file ({plants})", fix)


def _ledger(root: Path) -> Iterator[Finding]:
    from pipelines import rebuild

    lake = Lake(portfolios.lake_of(root))
    if not lake.format_file.exists():
        return
    if not lake.ledger.exists():
        yield Finding("ledger", False, f"{lake.ledger} is not there", REBUILD)
        return
    if found := rebuild.damage(lake.ledger):
        yield Finding("ledger", False, f"{lake.ledger} is damaged: {found}", REBUILD)
        return
    with ExportLedger(lake.ledger) as ledger:
        failures = ledger.failures()
        yield Finding("exports", not failures, f"{len(failures)} failed", "plantlake refresh shows them" if failures else "")
        lost = rebuild.unknown(lake, ledger)
        text = f"{len({(plant, batch) for plant, _, batch in ledger.committed()})} deliveries"
    tables = ", ".join(sorted({item.table_name for item in lost}))
    text += f", {len(lost)} in silver that the ledger does not hold as loaded ({tables})" if lost else ""
    yield Finding("ledger", not lost, text,
                  f"plantlake refresh loads them again, nothing is doubled; if that does not help: {REBUILD}" if lost else "")  # fmt: skip
