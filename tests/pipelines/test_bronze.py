"""Bytes go in and come back, are read once, and a half-written file is no file."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any, ClassVar

import polars as pl
import pytest

from connectors.contract import Export, Place
from connectors.errors import ConfigError, PlantlakeError, Problem, ReadError
from connectors.strict import StrictModel
from pipelines import bronze
from pipelines.lake import Lake

PLACE = Place("", "")


class Options(StrictModel):
    separator: str = ","


class Lines:
    """A real, small connector: separated text; record set 'head' is the first record. Counts how often it reads."""

    kind: ClassVar[str] = "lines"
    version: ClassVar[str] = "1"
    Options: ClassVar[type[StrictModel]] = Options
    records: ClassVar[tuple[str, ...]] = ("rows", "head")
    suffixes: ClassVar[tuple[str, ...]] = (".txt",)

    def __init__(self) -> None:
        self.reads: list[str] = []

    def discover(self, place: Place) -> Iterator[Export]:
        return iter(Export(str(path), path.name) for path in sorted(Path(place.root).glob(place.path)))

    def fetch(self, export: Export, place: Place, target: Path) -> None:
        shutil.copyfile(export.url, target)

    def read(self, path: Path, options: Any, records: str = "rows") -> pl.LazyFrame:
        assert path.suffix == ".txt"
        if records not in self.records:
            raise ReadError(Problem(f"no record set {records}"))
        self.reads.append(records)
        frame = pl.scan_csv(path, separator=options.separator, infer_schema=False).with_row_index("_row", 1)
        return frame.head(1) if records == "head" else frame


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    return Lake(tmp_path / "a lake's folder").create()


@pytest.fixture
def export(tmp_path: Path) -> Export:
    path = tmp_path / "day 1.txt"
    path.write_bytes(b"Unit,Good\n007,5\nP\xc3\xa4,6\n")
    return Export(str(path), "mes/day 1.txt")


def files(folder: Path) -> list[str]:
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())


@pytest.mark.parametrize("size", [0, 1, 10_000_000])
def test_bytes_come_back(lake: Lake, tmp_path: Path, size: int) -> None:
    source = tmp_path / "x.bin"
    source.write_bytes(b"0123456789"[: min(size, 10)] * max(1, size // 10))
    sha256, stored, path = bronze.store(lake, source)
    assert (stored, path) == (size, lake.objects / sha256[:2] / f"{sha256}.zst")
    assert sha256 == bronze.sha256_of(source)
    with bronze.original(lake, sha256, "sub/x.bin") as again:
        assert (again.name, again.read_bytes()) == ("x.bin", source.read_bytes())
    assert files(lake.scratch) == []


def test_the_same_bytes_are_stored_once(lake: Lake, export: Export) -> None:
    first = bronze.store(lake, Path(export.url))
    written = first[2].stat().st_mtime_ns
    assert bronze.store(lake, Path(export.url)) == first
    assert (len(files(lake.objects)), first[2].stat().st_mtime_ns) == (1, written)


def test_landing_reads_each_record_set_once(lake: Lake, export: Export) -> None:
    lines = Lines()
    landed = bronze.land(lake, lines, export, PLACE, Options(), ("rows", "head"))
    assert pl.read_parquet(landed.records()).rows() == [(1, "007", "5"), (2, "Pä", "6")]
    assert pl.read_parquet(landed.records("head")).rows() == [(1, "007", "5")]
    assert bronze.land(lake, lines, export, PLACE, Options(), ("rows", "head")) == landed
    assert lines.reads == ["rows", "head"]
    assert landed.batch_id == bronze.batch_id(lines, landed.sha256)
    assert files(lake.scratch) == []


def test_other_options_or_another_version_read_the_original_again(lake: Lake, export: Export) -> None:
    lines = Lines()
    landed = bronze.land(lake, lines, export, PLACE, Options())
    Path(export.url).unlink()
    other = bronze.parsed(lake, lines, landed.sha256, export.name, Options(separator=";"))
    assert pl.read_parquet(other).columns == ["_row", "Unit,Good"]
    aided = bronze.parsed(lake, lines, landed.sha256, export.name, Options(), extra_hash="devices")
    newer = Lines()
    newer.version = "2"  # type: ignore[misc]
    newer_path = bronze.parsed(lake, newer, landed.sha256, export.name, Options())
    assert len({landed.records(), other, aided, newer_path}) == 4
    assert newer_path == bronze.parsed_path(lake, newer, landed.sha256, Options())


def test_a_record_set_that_cannot_be_read_holds_back_no_other(lake: Lake, export: Export) -> None:
    landed = bronze.land(lake, Lines(), export, PLACE, Options(), ("nothing", "rows"))
    assert list(landed.parsed) == ["rows"]
    with pytest.raises(PlantlakeError, match=r"mes/day 1\.txt\n  no record set nothing"):
        landed.records("nothing")
    assert bronze.object_path(lake, landed.sha256).exists()


def test_damage_that_shows_while_streaming_is_a_read_error(lake: Lake, tmp_path: Path) -> None:
    path = tmp_path / "bad.txt"
    path.write_text("a,b\n1,2\n1,2,3,4\n")
    landed = bronze.land(lake, Lines(), Export(str(path), path.name), PLACE, Options())
    with pytest.raises(ReadError, match="cannot be read as lines"):
        landed.records()
    assert files(lake.parsed) == []


def test_what_a_killed_process_left_is_ignored(lake: Lake, export: Export) -> None:
    (lake.scratch / "abc.part").write_bytes(b"half")
    (lake.scratch / "folder").mkdir()
    landed = bronze.land(lake, Lines(), export, PLACE, Options())
    assert pl.read_parquet(landed.records()).height == 2
    bronze.clean(lake)
    assert list(lake.scratch.iterdir()) == []


def test_damaged_and_missing_objects_are_named(lake: Lake, export: Export) -> None:
    sha256, _, path = bronze.store(lake, Path(export.url))
    path.write_bytes(path.read_bytes()[:-12])
    with pytest.raises(ReadError, match="cannot be given back"), bronze.original(lake, sha256):
        pass
    path.unlink()
    with pytest.raises(ReadError, match="is not there"), bronze.original(lake, sha256):
        pass


def test_a_lake_of_a_newer_format_is_not_opened(lake: Lake) -> None:
    assert Lake(lake.root).create().format_file.read_text().startswith('{"version": 2, ')
    lake.format_file.write_text('{"version": 3}')
    with pytest.raises(ConfigError, match="upgrade plantlake"):
        Lake(lake.root)
    lake.format_file.write_text("{")
    with pytest.raises(ConfigError, match="does not say"):
        Lake(lake.root)
