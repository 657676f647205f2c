"""Incremental = full: after every refresh of a random history, gold is what a new lake makes of the same files and plant files at once.

Here: a portfolio in which every plant has a random history of its own (`random_plants`), so that one refresh proves many cases:
deliveries (corrected, reversed, moved to another day, deleted), and edits of plant files and vocabularies. Elsewhere: silver
(`test_deliveries.py`), which days a change names (`test_scope_days.py`).

A refresh costs seconds, so the ordinary run takes a short history and compares twice. `PLANTLAKE_LAWS=full` takes 12 plants through 50
deliveries with a refresh and a comparison after each (half an hour); PLANTLAKE_LAWS_SEED chooses another history.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory

import polars as pl
import pytest
from equal_lakes import Frames, assert_conserved, differences, gold_tables
from random_plants import Delivery, RandomPlant, write_words
from small_portfolio import SmallPortfolio

from pipelines import silver
from pipelines.lake import Lake

IS_FULL = os.environ.get("PLANTLAKE_LAWS") == "full"
PLANTS, STEPS, AT_ONCE, COMPARED_EVERY = (12, 50, 1, 1) if IS_FULL else (8, 8, 1, 4)
"""Plants, deliveries of each, deliveries of a plant in one refresh, comparisons."""
SEED = int(os.environ.get("PLANTLAKE_LAWS_SEED", "7"))
VARIANTS = ("ended", "next", "numbered", "window", "stops")
SKEWED = (5, 6, 7, 9)
"""Plants whose states follow the clock of another source."""
CHANGE_SHARE, LATE_SHARE = 0.3, 0.15
"""How often a plant's refresh comes with an edit of its plant file or words, and how often a delivery comes late."""


class History:
    """A portfolio of random plants that lives on, and what happened last."""

    def __init__(self, root: Path, seed: int):
        self.portfolio = SmallPortfolio(root)
        self.plants = [
            RandomPlant(
                f"p{number:02d}-{VARIANTS[number % 5]}", 1000 * seed + number, variant=VARIANTS[number % 5], skewed=number in SKEWED
            )
            for number in range(PLANTS)
        ]
        self.rng = Random(seed)
        self.told: list[str] = []
        self.late: dict[str, list[Delivery]] = {plant.plant_id: [] for plant in self.plants}
        root.mkdir(parents=True, exist_ok=True)
        (root / "portfolio.yaml").write_text("name: Random\n")
        self._write()

    def _write(self) -> None:
        for plant in self.plants:
            plant.write_about(self.portfolio.root)
        write_words(self.portfolio.root, self.plants)

    def step(self, first: int) -> None:
        """Exports and edits of every plant, and one refresh. The first time, each system exports."""
        self.told = []
        for plant in self.plants:
            exports = plant.deliver() if first == 0 else [plant.deliver_one() for _ in range(AT_ONCE)]
            exports = self._arrived(plant.plant_id, exports)
            for export in exports:
                export.write(self.portfolio.root / "landing" / plant.plant_id)
            edits = [plant.change()] if first and self.rng.random() < CHANGE_SHARE else []
            self.told.append(f"{plant.plant_id}: {', '.join([*(export.name for export in exports), *edits])}")
        self._write()
        outcome = self.portfolio.refresh()
        silent = "No file matches"  # where all exports of a source are late
        problems = [problem for problem in outcome.problems if not problem.message.startswith(silent)]
        assert outcome.held == {}
        assert problems == [], "\n\n".join(map(str, problems))

    def _arrived(self, plant_id: str, exports: list[Delivery]) -> list[Delivery]:
        """Some exports arrive a few refreshes late, and so out of order."""
        due = [export for export in self.late[plant_id] if self.rng.random() < 0.4]
        held = [export for export in exports if self.rng.random() < LATE_SHARE]
        self.late[plant_id] = [export for export in self.late[plant_id] if export not in due] + held
        return [export for export in exports if export not in held] + due

    @property
    def lake(self) -> Lake:
        return Lake(self.portfolio.root / "lake")


@contextmanager
def built_at_once(root: Path) -> Iterator[Lake]:
    """A new lake of the same files, plant files and vocabularies."""
    with TemporaryDirectory() as folder:
        other = Path(folder)
        for name in ("plants", "vocabularies", "landing"):
            (other / name).symlink_to(root / name)
        (other / "portfolio.yaml").write_text((root / "portfolio.yaml").read_text())
        SmallPortfolio(other).refresh()
        yield Lake(other / "lake")


def by_plant(frames: Frames, plant: str) -> Frames:
    return {name: rows.filter(pl.col("plant_id") == plant) for name, rows in frames.items()}


def compared(history: History) -> list[str]:
    """Per plant that differs: what it did last, and the first rows that differ."""
    with built_at_once(history.portfolio.root) as other:
        assert_conserved(other)
        ours, theirs = gold_tables(history.lake), gold_tables(other)
    found = []
    for plant, told in zip(history.plants, history.told, strict=True):
        for name in (name for name in ours if name != "kpi_value"):
            texts = differences(by_plant({name: ours[name]}, plant.plant_id), by_plant({name: theirs[name]}, plant.plant_id))
            found += [f"{told}\n{text}" for text in texts]
    return found or differences({"kpi_value": ours["kpi_value"]}, {"kpi_value": theirs["kpi_value"]})


@pytest.fixture(scope="module")
def history(tmp_path_factory: pytest.TempPathFactory) -> History:
    return History(tmp_path_factory.mktemp("history") / "portfolio", SEED)


def days_corrected(history: History) -> set[str]:
    """Plants of which the clock is corrected on a day."""
    return {*silver.read(history.lake, "clock_offset").filter(pl.col("is_applied")).collect()["plant_id"]}


@pytest.mark.parametrize("first", range(0, STEPS, AT_ONCE))
def test_a_refresh_ends_where_a_full_build_does(history: History, first: int) -> None:
    history.step(first)
    assert_conserved(history.lake)
    if (first // AT_ONCE) % COMPARED_EVERY == COMPARED_EVERY - 1:
        found = compared(history)
        assert not found, "\n\n".join(["incremental on the left, full on the right", *found])
        assert days_corrected(history), "the history says nothing of estimated clocks"
