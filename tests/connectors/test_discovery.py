"""Finding and fetching exports, in folders and on a file system of fsspec."""

from __future__ import annotations

from pathlib import Path

import fsspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.contract import Place
from connectors.discovery import discover, fetch, matcher, near_misses
from connectors.errors import ReadError

NAMES = [
    "mes/stops_2024-02.csv",
    "mes/stops_2024-01.csv",
    "mes/old/stops_2023-12.csv",
    "mes/counts_1.csv",
    "mes/.stops_9.csv",
    "mes/~$stops_8.xlsx",
    "mes/stops_7.csv.part",
    "mes/stops_6.csv.TMP",
    ".hidden/stops_5.csv",
    "hist/[1] tag.csv",
    "readme.txt",
]


@pytest.fixture(params=["folder", "memory"])
def root(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The same files in a folder and in fsspec's memory."""
    if request.param == "folder":
        for name in NAMES:
            (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / name).write_text(name)
        return str(tmp_path)
    files = fsspec.filesystem("memory")
    files.store.clear()
    for name in NAMES:
        files.pipe_file(f"/plant/{name}", name.encode())
    return "memory://plant"


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [
        ("mes/stops_*.csv", ["mes/stops_2024-01.csv", "mes/stops_2024-02.csv"]),
        ("mes/stops_2024-0?.csv", ["mes/stops_2024-01.csv", "mes/stops_2024-02.csv"]),
        ("**/stops_*.csv", ["mes/old/stops_2023-12.csv", "mes/stops_2024-01.csv", "mes/stops_2024-02.csv"]),
        ("mes/**/stops_*.csv", ["mes/old/stops_2023-12.csv", "mes/stops_2024-01.csv", "mes/stops_2024-02.csv"]),
        ("*/counts_[0-9].csv", ["mes/counts_1.csv"]),
        ("mes/*", ["mes/counts_1.csv", "mes/stops_2024-01.csv", "mes/stops_2024-02.csv"]),
        ("*.txt", ["readme.txt"]),
        ("./readme.txt", ["readme.txt"]),
        ("hist/[[]1] tag.csv", ["hist/[1] tag.csv"]),
        ("nothing/*.csv", []),
        ("*.csv", []),
    ],
)
def test_patterns(root: str, pattern: str, expected: list[str]) -> None:
    """Sorted by name; hidden, locked and half-copied files are no exports; '*' stays inside a folder."""
    assert [export.name for export in discover(Place(root, pattern))] == expected


def test_an_export_knows_its_size_and_can_be_fetched(root: str, tmp_path: Path) -> None:
    (export,) = discover(Place(root, "mes/counts_1.csv"))
    assert export.size == len("mes/counts_1.csv")
    assert export.modified is not None
    assert export.modified.tzinfo is not None
    fetch(export, Place(root, ""), tmp_path / "copy")
    assert (tmp_path / "copy").read_text() == "mes/counts_1.csv"


def test_a_missing_root_says_what_to_mend(tmp_path: Path) -> None:
    for root in (str(tmp_path / "none"), "memory://none"):
        with pytest.raises(ReadError) as caught:
            discover(Place(root, "*.csv"))
        assert "does not exist" in str(caught.value)
        assert "root:" in str(caught.value.problems[0].fix)


def test_a_root_on_an_unknown_system_says_so() -> None:
    with pytest.raises(ReadError, match="cannot be listed"):
        discover(Place("nosuch://plant", "*.csv"))


def test_a_file_that_vanished_is_tried_again(root: str, tmp_path: Path) -> None:
    (export,) = discover(Place(root, "readme.txt"))
    if "://" in root:
        fsspec.filesystem("memory").rm("/plant/readme.txt")
    else:
        (Path(root) / "readme.txt").unlink()
    with pytest.raises(ReadError) as caught:
        fetch(export, Place(root, ""), tmp_path / "copy")
    assert caught.value.problems[0].actor == "retry"


def test_near_misses_begin_with_the_nearest(root: str) -> None:
    assert near_misses(Place(root, "mes/stop_2024-01.csv"))[0] == "mes/stops_2024-01.csv"
    assert near_misses(Place(str(Path(root) / "none") if "://" not in root else "memory://none", "x")) == []


@given(st.text(st.sampled_from("ab/._-"), min_size=1, max_size=12))
def test_a_name_without_wildcards_matches_itself_alone(name: str) -> None:
    assert matcher(name).fullmatch(name)
    assert not matcher(name).fullmatch(name + "x")
