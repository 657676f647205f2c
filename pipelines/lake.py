"""Where everything is in a lake, and which version of this layout it has.

Here: paths and the format file. Elsewhere: what is written there (`pipelines.bronze`, `pipelines.silver`, `pipelines.ledger`,
`publish`). A lake is a local folder; object stores come with a later issue.
"""

from __future__ import annotations

import json
import os
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from connectors.errors import ConfigError, Problem

FORMAT_VERSION = 2
"""Raised when the layout changes so that an older plantlake would read it wrongly (the steps: `pipelines.migrate`)."""


class Lake:
    """The paths of one lake. Opening it checks the format and creates nothing; `create` does."""

    def __init__(self, root: str | Path):
        self.root = Path(root).expanduser().absolute()
        self._check_format()

    def __repr__(self) -> str:
        return f"Lake({str(self.root)!r})"

    @property
    def format_file(self) -> Path:
        return self.root / "format.json"

    @property
    def objects(self) -> Path:
        """Original bytes of exports, by sha256."""
        return self.root / "bronze" / "objects"

    @property
    def parsed(self) -> Path:
        """Records of exports as delivered, in Parquet."""
        return self.root / "bronze" / "parsed"

    @property
    def journal(self) -> Path:
        """What was delivered and what became of it, in lines: the export ledger can be made anew from it."""
        return self.root / "bronze" / "journal"

    @property
    def scratch(self) -> Path:
        """Fetched files and half-written objects; whatever a killed process left here counts for nothing."""
        return self.root / "bronze" / "tmp"

    @property
    def silver(self) -> Path:
        return self.root / "silver"

    def table(self, name: str) -> Path:
        """The Delta table of a silver table or of `quarantine`."""
        return self.silver / name

    @property
    def quarantine(self) -> Path:
        return self.table("quarantine")

    @property
    def gold(self) -> Path:
        return self.root / "gold"

    @property
    def build_database(self) -> Path:
        """dbt's private database."""
        return self.gold / "build.duckdb"

    def release(self, release_id: str) -> Path:
        """The folder with the Parquet files of one release."""
        return self.gold / "releases" / release_id

    @property
    def published_parts(self) -> Path:
        """The published parts, a folder a month."""
        return self.gold / "parts"

    @property
    def published_months(self) -> Path:
        """The published sums of the parts by unit and month, a file a month."""
        return self.gold / "months"

    @property
    def published_ledger(self) -> Path:
        """The published export ledger, a file for each block of exports."""
        return self.gold / "ledger"

    @property
    def published_trail(self) -> Path:
        """The published ledgers of time, counts and records: a file for each plant and month."""
        return self.gold / "trail"

    @property
    def snapshot(self) -> Path:
        """The published database that readers open."""
        return self.root / "kpi.duckdb"

    @property
    def metrics(self) -> Path:
        """What each KPI is, and its targets, for readers of the published database."""
        return self.root / "metrics.json"

    @property
    def workbook(self) -> Path:
        """The newest release as a workbook."""
        return self.root / "published" / "kpi.xlsx"

    @property
    def ledger(self) -> Path:
        """Export ledger and writer's lock."""
        return self.root / "ledger.sqlite"

    @property
    def drift(self) -> Path:
        """Profiles of exports, and what changed in them."""
        return self.root / "drift.sqlite"

    @property
    def alerts(self) -> Path:
        """Who was told what, and what waits to be told."""
        return self.root / "alerts.sqlite"

    @property
    def quality(self) -> Path:
        """Measures, judgements and pages of the quality checks."""
        return self.root / "quality"

    @property
    def dagster_home(self) -> Path:
        return self.root / ".dagster"

    @property
    def logs(self) -> Path:
        return self.root / "logs"

    @property
    def upkeep(self) -> Path:
        """What upkeep remembers, such as when a table was vacuumed."""
        return self.root / "upkeep.json"

    @property
    def version(self) -> int:
        """The format of the lake as it stands; one that is not made yet has today's."""
        return self._read_format() or FORMAT_VERSION

    def write_format(self, version: int) -> None:
        """Says which format the lake has; when it was made stays."""
        known = json.loads(self.format_file.read_text(encoding="utf-8")) if self.format_file.exists() else {}
        known = {"version": version, "created": known.get("created") or datetime.now(UTC).isoformat(timespec="seconds")}
        with self.half_written(self.format_file) as part:
            part.write_text(json.dumps(known) + "\n", encoding="utf-8")

    def create(self) -> Lake:
        """Makes the folders that are missing and the format file; a lake that is there stays as it is."""
        for folder in (
            self.objects,
            self.parsed,
            self.journal,
            self.scratch,
            self.silver,
            self.gold / "releases",
            self.dagster_home,
            self.logs,
        ):
            folder.mkdir(parents=True, exist_ok=True)
        if not self.format_file.exists():
            self.write_format(FORMAT_VERSION)
        return self

    @contextmanager
    def half_written(self, target: Path) -> Iterator[Path]:
        """A path below `scratch` that becomes `target` when the block ends well, in one step, and vanishes when it does not."""
        self.scratch.mkdir(parents=True, exist_ok=True)
        part = self.scratch / f"{uuid.uuid4().hex}.part"
        try:
            yield part
            target.parent.mkdir(parents=True, exist_ok=True)
            _sync(part)
            part.replace(target)
        finally:
            part.unlink(missing_ok=True)

    def _read_format(self) -> int | None:
        """The version in the format file, None without a file. Raises ConfigError for a file that does not say it."""
        try:
            text = self.format_file.read_text(encoding="utf-8")
        except FileNotFoundError:
            return None
        try:
            version = json.loads(text)["version"]
        except (ValueError, KeyError, TypeError):
            version = None
        if not isinstance(version, int):
            problem = Problem(f"{self.format_file} does not say which format the lake has.", found=text[:80],
                              fix=f'restore the file: {{"version": {FORMAT_VERSION}}}')  # fmt: skip
            raise ConfigError(problem)
        return version

    def _check_format(self) -> None:
        version = self._read_format()
        if version is not None and version > FORMAT_VERSION:
            problem = Problem(f"The lake {self.root} has format {version}; this plantlake knows formats up to {FORMAT_VERSION}.",
                              fix="upgrade plantlake to the version that wrote the lake", actor="us")  # fmt: skip
            raise ConfigError(problem)


def _sync(path: Path) -> None:
    """Bytes reach the disk before their name does, or a power cut leaves a good name on an empty file."""
    with path.open("rb+") as file:
        os.fsync(file.fileno())
