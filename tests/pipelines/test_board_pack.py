"""A board pack is a closed month as it stood: the same bytes each time, never changed, and whole or said not to be (`two_closings.py`)."""

from __future__ import annotations

import json
import shutil
import subprocess
import zipfile
from collections.abc import Callable
from datetime import UTC, date, datetime
from pathlib import Path

import openpyxl
import polars as pl
import pytest
from small_portfolio import SmallPortfolio
from two_closings import two_closings
from typer.testing import CliRunner

from pipelines import cli
from publish import board_pdf, standing
from publish.reader import Snapshot

pytestmark = pytest.mark.filterwarnings("ignore::UserWarning")
runner = CliRunner()


@pytest.fixture(scope="module")
def lake(made_once: Callable[..., Path]) -> SmallPortfolio:
    return SmallPortfolio(made_once("two_closings", two_closings))


def made(lake: SmallPortfolio, month: str, folder: Path) -> Path:
    done = runner.invoke(cli.app, ["board-pack", month, str(folder), "-p", str(lake.root)])
    assert done.exit_code == 0, f"{done.output}{done.exception}"
    return folder


@pytest.fixture(scope="module")
def june(lake: SmallPortfolio, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return made(lake, "2025-06", tmp_path_factory.mktemp("june") / "pack")


@pytest.fixture(scope="module")
def july(lake: SmallPortfolio, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return made(lake, "2025-07", tmp_path_factory.mktemp("july") / "pack")


def oee(pack: Path) -> dict[str, float]:
    """OEE by plant in the Parquet of a pack."""
    values = pl.read_parquet(pack / "parquet" / "kpi_value.parquet")
    mine = values.filter(kpi_id="OEE", scope_type="PLANT", profile="ISO").drop_nulls("value")
    return dict(mine.select("scope_id", pl.col("value").round(6)).rows())


def ideal_seconds(pack: Path) -> dict[str, float]:
    """Ideal time of good pieces by plant, of the parts in a pack."""
    parts = pl.read_parquet(pack / "parquet" / "mart_kpi_parts_shift.parquet")
    return {plant: float(seconds) for plant, seconds in parts.group_by("plant_id").agg(pl.col("ideal_gq_s").sum()).rows() if seconds}


def test_a_pack_says_what_the_month_was_closed_with(june: Path, july: Path) -> None:
    """The correction of August is not in June's pack: 180 pieces of 240 s, not 170."""
    assert oee(june) == {"a": 0.75, "b": 0.75}
    assert ideal_seconds(june) == {"a": 180 * 240, "b": 180 * 240}
    assert oee(july) == {"a": 0.8}
    assert ideal_seconds(july) == {"a": 96 * 240}
    for pack, number in ((june, 0.75), (july, 0.8)):
        rows = openpyxl.load_workbook(pack / "kpi.xlsx", data_only=True)["KPIs"].iter_rows(values_only=True)
        assert {row[0]: row[2] for row in rows if row[0] == "a"} == {"a": pytest.approx(number)}
        assert "follow from the parts in this pack, to 1e-9" in (pack / "README.md").read_text()


def test_it_says_what_changed_since_the_pack_before_and_why(june: Path, july: Path) -> None:
    assert "No month was closed before this one" in (june / "differences.md").read_text()
    told = json.loads((july / "differences.json").read_text())
    assert (told["previous"], told["release"]) == ({"month": "2025-06", "release": 1}, 2)
    moved = {row["scope_id"]: (round(row["before"], 4), round(row["after"], 4)) for row in told["kpis"] if row["kpi_id"] == "OEE"}
    assert moved == {"a": (0.75, 0.7083), "portfolio": (0.75, 0.7292)}
    (restated,) = (row for row in told["restated"] if row["kpi"] == "OEE")
    assert (restated["plant"], restated["month"], restated["release"]) == ("a", "2025-06-01", 2)
    assert "counts_2.csv" in restated["exports"]
    assert "count" in restated["causes"]
    page = (july / "differences.md").read_text()
    assert "OEE of a 2025-06: closed with 75.0 %, now 70.8 %; release 2: count" in page


def test_the_status_of_the_plants_is_that_of_the_closing(june: Path, july: Path) -> None:
    """Plant a had three exports when June was closed, and one of counts and one of stops more in July."""
    status = {pack: pl.read_parquet(pack / "parquet" / "plant_status.parquet") for pack in (june, july)}
    assert [frame.filter(plant_id="a")["exports"].item() for frame in status.values()] == [2, 4]


def test_made_again_it_has_the_same_bytes(lake: SmallPortfolio, june: Path, tmp_path: Path) -> None:
    again = made(lake, "2025-06", tmp_path / "another")
    files = sorted(path.relative_to(june) for path in june.rglob("*") if path.is_file())
    assert {path for path in files if (again / path).read_bytes() != (june / path).read_bytes()} == set()
    assert len(files) > 15
    assert (tmp_path / "another.zip").read_bytes() == june.with_name("pack.zip").read_bytes()


def test_checksums_are_those_that_sha256sum_checks(june: Path) -> None:
    subprocess.run(["sha256sum", "--quiet", "-c", "checksums.sha256"], cwd=june, check=True)
    assert runner.invoke(cli.app, ["board-pack", "verify", str(june)]).exit_code == 0
    with zipfile.ZipFile(june.with_name("pack.zip")) as archive:
        assert {entry.date_time for entry in archive.infolist()} == {(2025, 7, 10, 6, 0, 0)}
        assert archive.read("board-pack-2025-06/README.md") == (june / "README.md").read_bytes()


def test_a_pack_that_was_touched_is_told_and_never_overwritten(lake: SmallPortfolio, june: Path, tmp_path: Path) -> None:
    pack = shutil.copytree(june, tmp_path / "pack")
    (pack / "differences.md").write_text("nothing\n")
    (pack / "kpi.xlsx").unlink()
    (pack / "more.txt").write_text("x")
    done = runner.invoke(cli.app, ["board-pack", "verify", str(pack)])
    assert done.exit_code == 1
    assert [word in done.output for word in ("differences.md was changed", "kpi.xlsx is missing", "more.txt is no part")] == [True] * 3
    done = runner.invoke(cli.app, ["board-pack", "2025-06", str(pack), "-p", str(lake.root)])
    assert "holds a board pack that was changed" in str(done.exception)
    assert (pack / "differences.md").read_text() == "nothing\n"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["pack"]


def test_a_month_that_is_not_closed_says_how(lake: SmallPortfolio, tmp_path: Path) -> None:
    with Snapshot(lake.root / "lake" / "kpi.duckdb") as reader, pytest.raises(Exception, match="2025-08 is not closed") as told:
        standing.closing(reader, date(2025, 8, 1))
    assert "closed months: 2025-06, 2025-07" in str(told.value)
    assert list(tmp_path.iterdir()) == []


# --- the PDF ------------------------------------------------------------------------------------------------------------------------------


def test_the_pdf_has_the_headline_and_says_what_is_missing(june: Path) -> None:
    """The portfolio is 360 good pieces of 480; c has no rank, and the page says why."""
    content = (june / "board-pack.pdf").read_bytes()
    assert content.startswith(b"%PDF")
    assert 2 <= content.count(b"/Type /Page\n") <= 4
    if shutil.which("pdftotext"):
        text = subprocess.run(
            ["pdftotext", "-layout", str(june / "board-pack.pdf"), "-"], capture_output=True, text=True, check=True
        ).stdout
        assert "75.0 %" in text
        assert "c: no rank" in text


def test_a_character_that_no_font_has_is_told(tmp_path: Path) -> None:
    """Latin, Cyrillic, Arabic and Hebrew are drawn; a character for private use has no font."""
    moment = datetime(2025, 7, 10, tzinfo=UTC)
    blocks = [board_pdf.Lines(["Süd Łódź Завод مصنع מפעל", chr(0xE000) + " plant", "x" * 2000])]
    told = board_pdf.draw(blocks, tmp_path / "x.pdf", "x", "x", moment)
    assert told == ["No installed font has U+E000; they are written as their numbers."]
    before = (tmp_path / "x.pdf").read_bytes()
    board_pdf.draw(blocks, tmp_path / "x.pdf", "x", "x", moment)
    assert (tmp_path / "x.pdf").read_bytes() == before
    if shutil.which("pdftotext"):
        text = subprocess.run(["pdftotext", str(tmp_path / "x.pdf"), "-"], capture_output=True, text=True, check=True).stdout
        assert "[U+E000] plant" in text
        assert "Łódź Завод" in text


def test_a_portfolio_of_300_plants_still_has_few_pages(tmp_path: Path) -> None:
    rows = [[f"{n}", f"p{n:03}", "a name of some length", "60.0 %"] for n in range(board_pdf.MOST)]
    moment = datetime(2025, 7, 10, tzinfo=UTC)
    board_pdf.draw([board_pdf.Grid(["rank", "plant", "name", "OEE"], rows, (6, 13, 34, 11))], tmp_path / "x.pdf", "x", "x", moment)
    assert (tmp_path / "x.pdf").read_bytes().count(b"/Type /Page\n") == 1


def test_without_the_packages_the_problem_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(board_pdf.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(Exception, match=r"plantlake\[board\]"):
        board_pdf.check()
