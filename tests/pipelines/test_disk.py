"""A disk without room is said to be one, and is never taken for a bad export. The errors are real: /dev/full, and a disk of 1 MB."""

from __future__ import annotations

import os
import random
import subprocess
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import duckdb
import polars as pl
import pytest
from small_portfolio import HEADER, SmallPortfolio

from connectors.errors import Problem, ReadError
from pipelines import disk, silver
from pipelines.lake import Lake
from pipelines.refresh import Refresh

FULL = Path("/dev/full")
FRAME = pl.DataFrame({"a": range(100_000)})
needs_full = pytest.mark.skipif(not FULL.exists(), reason="no /dev/full")


@needs_full
@pytest.mark.parametrize(
    "write",
    [
        lambda: FULL.write_text("x" * 100_000),
        lambda: FRAME.write_parquet(FULL),
        lambda: FRAME.lazy().sink_parquet(FULL),
        lambda: duckdb.sql(f"COPY (SELECT range FROM range(1000000)) TO '{FULL}'"),
    ],
    ids=["system", "polars", "polars stream", "duckdb"],
)
def test_every_library_that_writes_is_understood(tmp_path: Path, write: Callable[[], object]) -> None:
    with pytest.raises(Exception) as caught:
        write()
    problem = disk.no_space(caught.value, Lake(tmp_path / "lake").create())
    assert problem is not None
    assert "no room left" in problem.message


def test_an_error_that_came_of_a_full_disk_is_one() -> None:
    try:
        try:
            raise OSError(28, "No space left on device")
        except OSError as error:
            raise ReadError(Problem("The file cannot be read.")) from error
    except ReadError as error:
        assert disk.is_full(error)
    assert not disk.is_full(ReadError(Problem("The file cannot be read.")))


def test_the_block_says_what_may_be_freed(tmp_path: Path) -> None:
    lake = Lake(tmp_path / "lake").create()
    (lake.scratch / "left.part").write_bytes(b"x" * 2_000)
    (lake.logs / "old.log").write_bytes(b"x" * 1_500_000)
    text = str(disk.no_space(OSError(28, "x"), lake))
    assert "bronze/tmp (left by interrupted refreshes) 2.0 kB" in text
    assert "logs 1.5 MB" in text
    assert " free of " in text
    assert "half-published" in text
    assert disk.no_space(ValueError("x"), lake) is None


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of 1 MB; needs the right to mount."""
    folder = tmp_path / "disk"
    folder.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "none", str(folder)], capture_output=True, check=False).returncode:
        pytest.skip("may not mount")
    try:
        yield folder
    finally:
        subprocess.run(["umount", str(folder)], check=True)


def incompressible(number: int) -> list[str]:
    chance = random.Random(number)
    return [f"M{chance.random()};2025-06-02 06:00;2025-06-02 07:00;RUN;{chance.random()};" for _ in range(20_000)]


@pytest.mark.skipif(os.name != "posix", reason="mount")
def test_an_export_that_did_not_fit_is_landed_once_there_is_room(portfolio: SmallPortfolio, small_disk: Path) -> None:
    portfolio.good("a").load()
    job = Refresh(portfolio.root)
    portfolio.file("a", "stops_3.csv", *incompressible(1), header=HEADER)
    bronze = job.lake.root / "bronze"
    bronze.rename(bronze.with_name("bronze before"))
    bronze.symlink_to(small_disk)
    with closing(job), pytest.raises(Exception) as caught:
        job.land(job.plan())
    assert disk.no_space(caught.value, job.lake) is not None
    assert [path for path in small_disk.rglob("*") if path.is_file()] == [], "nothing half-written is left"
    bronze.unlink()
    bronze.with_name("bronze before").rename(bronze)
    assert portfolio.load().problems == []
    assert len(portfolio.silver("equipment_state_event")) == 20_004


@pytest.mark.skipif(os.name != "posix", reason="mount")
def test_a_commit_that_did_not_fit_leaves_the_old_version_and_no_file(tmp_path: Path, small_disk: Path) -> None:
    lake = Lake(tmp_path / "lake").create()
    lake.silver.rmdir()
    lake.silver.symlink_to(small_disk)
    ids = pl.Series("id", [str(random.Random(n).random()) for n in range(300_000)])

    def rows(table: str, **given: Any) -> pl.DataFrame:
        nothing = {name: pl.lit(None, dtype=dtype) for name, dtype in silver.columns(table).items()}
        return ids.to_frame().select(**nothing | {"plant_id": pl.lit("a")} | given)

    many = rows("material", material_id=pl.col("id"))
    events = rows("equipment_state_event", event_id=pl.col("id"), month=pl.lit("2026-01"))
    silver.replace(lake, "material", many.head(1), ["a"], {})
    silver.replace(lake, "equipment_state_event", events.head(1), [("a", "2026-01")], {})
    before = {name: silver.files(lake, name) for name in ("material", "equipment_state_event")}
    for name, frame, partitions in (("material", many, ["a"]), ("equipment_state_event", events, [("a", "2026-01")])):
        with pytest.raises(Exception) as caught:
            silver.replace(lake, name, frame, partitions, {})  # type: ignore[arg-type]
        assert disk.is_full(caught.value), caught.value
        assert silver.files(lake, name) == before[name]
        assert len([path for path in lake.table(name).rglob("*.parquet") if "_delta_log" not in path.parts]) == 1
