"""The four real plants: their files delivered one by one, from the first to the last and from the last to the first, give equal lakes.

Here: real formats (CSV, xlsb, xlsx, MTConnect dumps that repeat each other's bytes and records). Elsewhere: what is in them
(`tests/plants/test_real_plants.py`), random plants (`test_deliveries.py`).
"""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
import yaml
from equal_lakes import accounts, assert_conserved, assert_equal, gold_tables, silver_tables
from small_portfolio import SmallPortfolio

from connectors.contract import Place
from connectors.registry import connector
from pipelines.lake import Lake

CHECKOUT = Path(__file__).resolve().parents[2]
DATA = CHECKOUT / "../shared/data"
PLANTS = ("mes_4tu_production", "mes_optimoldiq", "mes_sme_retrofit", "mtc_nist_shdr")

pytestmark = pytest.mark.skipif(
    not all((DATA / plant).is_dir() for plant in PLANTS), reason="the real plants' data is not beside the checkout"
)


class Deliveries:
    """A portfolio of the real plants whose landing folders fill file by file."""

    def __init__(self, root: Path):
        self.portfolio = SmallPortfolio(root)
        shutil.copytree(CHECKOUT / "examples/real", root, ignore=shutil.ignore_patterns("lake"))
        for file in (root / "plants").glob("*.yaml"):
            if file.stem not in PLANTS:
                file.unlink()
        self.files: dict[str, list[Path]] = {}
        for plant in PLANTS:
            about = yaml.safe_load((root / "plants" / f"{plant}.yaml").read_text())
            about.pop("root")
            (root / "plants" / f"{plant}.yaml").write_text(yaml.safe_dump(about, sort_keys=False))
            for source in about["sources"].values():
                if "devices" in source.get("options", {}):
                    self._copy(plant, DATA / plant / source["options"]["devices"])
            patterns = [(source["kind"], source["path"]) for source in about["sources"].values()]
            found = {export.url for kind, path in patterns for export in connector(kind).discover(Place(str(DATA / plant), path))}
            self.files[plant] = sorted(Path(url) for url in found)

    def _copy(self, plant: str, file: Path) -> None:
        to = self.portfolio.root / "landing" / plant / file.relative_to(DATA / plant)
        to.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(file, to)

    def deliver(self, *, backwards: bool) -> Lake:
        """One file of each plant in each load, and gold at the end."""
        orders = {plant: files[::-1] if backwards else files for plant, files in self.files.items()}
        for number in range(max(map(len, orders.values()))):
            for plant, files in orders.items():
                if number < len(files):
                    self._copy(plant, files[number])
            self.portfolio.load()
        outcome = self.portfolio.refresh()
        assert outcome.problems == []
        return Lake(self.portfolio.root / "lake")


def test_the_order_of_arrival_does_not_matter(tmp_path: Path) -> None:
    forwards, backwards = Deliveries(tmp_path / "forwards"), Deliveries(tmp_path / "backwards")
    assert {plant: len(files) for plant, files in forwards.files.items()} == {
        "mes_4tu_production": 1, "mes_optimoldiq": 7, "mes_sme_retrofit": 1, "mtc_nist_shdr": 15,
    }  # fmt: skip
    left, right = forwards.deliver(backwards=False), backwards.deliver(backwards=True)
    assert_conserved(left)
    assert_conserved(right)
    assert_equal(left, right, silver_tables, accounts, gold_tables)
