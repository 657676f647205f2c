"""Drafts for the tests: of constructed files, with what a person would write for the values that are left open, and conformed."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import polars as pl

from connectors import portfolio
from connectors.contract import ROW, Place
from connectors.models import PlantFile
from connectors.registry import connector
from pipelines.draft.drafting import Draft, Stated, draft_plant
from pipelines.draft.plant_yaml import Decision
from transforms.conform import conform
from transforms.mapping import Reading
from transforms.samples import conform_samples

KNOWN = Stated("Works", "acme", "Europe/Berlin", "none")


@dataclass
class Drafts:
    """A portfolio folder with the landing folder of plant `p`."""

    root: Path

    def __post_init__(self) -> None:
        (self.root / "landing" / "p").mkdir(parents=True)
        (self.root / "plants").mkdir()
        (self.root / "portfolio.yaml").write_text("name: Test\n")

    @property
    def landing(self) -> Path:
        return self.root / "landing" / "p"

    def put(self, name: str, content: str | bytes, encoding: str = "utf-8") -> Path:
        path = self.landing / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else content.encode(encoding))
        return path

    def draft(self, stated: Stated = KNOWN, places: list[Path] | None = None) -> Draft:
        found = draft_plant("p", [str(place) for place in places or [self.landing]], self.root, stated)
        (self.root / "plants" / "p.yaml").write_text(found.text, encoding="utf-8")
        return found

    def checked(self) -> tuple[PlantFile | None, list[str]]:
        plant, problems = portfolio.read_plant(self.root, "p")
        return plant, [problem.message for problem in problems]

    def decide(self, **answers: str) -> PlantFile:
        """Writes answers for what was left open, by key, and reads the plant file."""
        path = self.root / "plants" / "p.yaml"
        text = path.read_text(encoding="utf-8")
        for key, answer in answers.items():
            text = re.sub(
                rf'(?m)(^\s*"?{re.escape(key)}"?: |\b{re.escape(key)}: )"\?\?\?"', lambda found, answer=answer: found[1] + answer, text
            )
        path.write_text(text, encoding="utf-8")
        plant, problems = self.checked()
        assert plant is not None, "\n".join([*problems, text])
        return plant

    def conformed(self, plant: PlantFile) -> dict[str, tuple[int, int]]:
        """Accepted and rejected records of each source and table, over all exports."""
        found: dict[str, tuple[int, int]] = {}
        for source_id, source in plant.sources.items():
            kind = connector(source.kind)
            options = kind.Options.model_validate(source.options)
            base = portfolio.read(self.root).source_root(plant)
            for export in kind.discover(Place(base, source.path)):
                for name, table in source.tables.items():
                    work = self.root / "work" / source_id / name
                    work.mkdir(parents=True, exist_ok=True)
                    target = work / Path(export.name).name
                    kind.fetch(export, Place(base, source.path), target)
                    frame = kind.read(target, self._local(options, base), table.records or kind.records[0])
                    good, bad = _conformed(frame, plant, source_id, source, name, table, export.name)
                    before = found.get(f"{source_id}.{name}", (0, 0))
                    found[f"{source_id}.{name}"] = (before[0] + good, before[1] + bad)
        return found

    def _local(self, options: Any, base: str) -> Any:
        devices = getattr(options, "devices", None)
        return options.model_copy(update={"devices": str(Path(base) / devices)}) if devices else options


def _conformed(frame: pl.LazyFrame, plant: PlantFile, source_id: str, source: Any, name: str, table: Any, export: str) -> tuple[int, int]:
    now = datetime.now(UTC)
    reading = Reading(plant, source_id, source, name, table, export, "b", "o", None, now, "v")
    if name == "historian_sample":
        found = conform_samples(frame.collect(), reading)
        return found.accepted_records, len(found.rejected)
    result = conform(frame, reading)
    assert frame.select(ROW).collect().height >= len(result.rejected)
    return len(result.accepted), len(result.rejected)


def decided(draft: Draft) -> dict[str, Decision]:
    """Decisions by their keys."""
    return {decision.where: decision for decision in draft.decisions}
