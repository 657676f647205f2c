"""A source in a Delta table through the whole of loading: a master that shrinks, and answers that a mapping did not fit."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pyarrow as pa
from deltalake import write_deltalake
from small_portfolio import SmallPortfolio, plant_file


def plant(portfolio: SmallPortfolio, root: Path, columns: dict[str, Any]) -> None:
    about = {
        "kind": "delta", "root": str(root), "path": "gold/rates", "timezone": "UTC",
        "tables": {"material": {"mode": "snapshot", "columns": columns}},
    }  # fmt: skip
    portfolio.plant("a", plant_file("a") | {"sources": {"lakehouse": about}})


def write(root: Path, *numbers: str) -> None:
    write_deltalake(str(root / "gold/rates"), pa.table({"no": list(numbers), "text": [f"Part {no}" for no in numbers]}), mode="overwrite")


def materials(portfolio: SmallPortfolio) -> list[str]:
    return sorted(portfolio.silver("material", "a")["local_material_no"].to_list())


def test_each_version_is_the_master_of_then(portfolio: SmallPortfolio, tmp_path: Path) -> None:
    write(tmp_path, "1", "2", "3")
    plant(portfolio, tmp_path, {"material": "no", "material_name": "text"})
    assert portfolio.load().problems == []
    assert materials(portfolio) == ["1", "2", "3"]
    assert not portfolio.plans()
    write(tmp_path, "1", "3")
    assert portfolio.load().problems == []
    assert materials(portfolio) == ["1", "3"]
    assert not portfolio.plans()


def test_an_answer_that_the_mapping_did_not_fit_waits_in_bronze(portfolio: SmallPortfolio, tmp_path: Path) -> None:
    """It is not asked for again, and not forgotten: the mended mapping reads it from there."""
    write(tmp_path, "1", "2")
    plant(portfolio, tmp_path, {"material": "number", "material_name": "text"})
    (problem,) = portfolio.load().problems
    assert "Column 'number'" in problem.message
    assert materials(portfolio) == []
    write_deltalake(str(tmp_path / "gold/rates"), pa.table({"no": ["9"], "text": ["later"]}), mode="append")
    portfolio.load()
    plant(portfolio, tmp_path, {"material": "no", "material_name": "text"})
    assert portfolio.load().problems == []
    assert materials(portfolio) == ["1", "2", "9"]
    assert len(portfolio.ledger().filter(portfolio.ledger()["export_state"] == "LANDED")) == 2
