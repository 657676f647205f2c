"""A changed map is previewed on a copy of the lake: the figures are the ones that applying it gives, and the lake stays as it is.

Plant `a` works one shift of 8 hours on two days of June. On the first, its stop of half an hour has a state that the map does not
know, and is rejected; 180 good pieces at 240 s ideal time are 43,200 s of 57,600 s planned. Hence, before anything changes:

    OEE = 43,200 / 57,600 = 75 %      A = (7.5 h + 8 h) / 16 h = 96.875 %      COVERAGE = (16 h - 0.5 h) / 16 h = 96.875 %
"""

from __future__ import annotations

import errno
import hashlib
import io
import json
import os
import signal
import socket
import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from polars.testing import assert_frame_equal
from quick_refresh import make_quick
from small_portfolio import DAY_2, SmallPortfolio, plant_file

from connectors.errors import ConfigError, LockedError, PlantlakeError
from pipelines import preview as previews
from pipelines import silver, upkeep
from pipelines.cli import main
from pipelines.lake import Lake
from pipelines.ledger import ExportLedger, ExportRow
from pipelines.lock import writer_lock
from pipelines.plan import Delivery
from pipelines.preview import Preview, apply, clone, preview, sweep
from publish.differences import kpi_values
from publish.reader import Snapshot

STOPS = "equipment_state_event"
JUNE = date(2025, 6, 1)
CODE = Path(__file__).resolve().parents[2]


def mapped(plant: str, **states: str) -> dict[str, Any]:
    """The small plant with a map of its states."""
    about = plant_file(plant)
    columns = about["sources"]["mes"]["tables"][STOPS]["columns"]
    columns |= {"state_class": {"from": "Class", "map": states}, "source_state": "Class"}
    return about


def rates(portfolio: SmallPortfolio, seconds: int) -> None:
    """The ideal time per piece of plant a."""
    folder = portfolio.root / "vocabularies"
    folder.mkdir(exist_ok=True)
    (folder / "ideal_rates.csv").write_text(f"plant,rate,unit\na,{seconds},s\n")


def refreshed(portfolio: SmallPortfolio) -> SmallPortfolio:
    """Plants a and b, of which a has a state that nobody mapped, after their first refresh."""
    portfolio.good("a", "b").plant("a", mapped("a", RUN="RUN"))
    rates(portfolio, 240)
    portfolio.refresh()
    upkeep.close_dbt()  # as the end of its process does
    return portfolio


def content(lake: Path) -> dict[str, str]:
    """Every file of a lake with a hash of its bytes. Of the ledger what it holds, because taking the lock writes to its file."""
    found = {}
    for path in sorted(lake.rglob("*")):
        name = path.relative_to(lake).as_posix()
        if path.is_file() and not name.startswith("ledger.sqlite"):
            found[name] = hashlib.sha256(path.read_bytes()).hexdigest()
    with closing(sqlite3.connect(lake / "ledger.sqlite")) as connection:
        found["ledger"] = "\n".join(line for line in connection.iterdump() if "writer_lock" not in line)
    return found


@dataclass
class Shown:
    """One preview, and the lake before and after it."""

    portfolio: SmallPortfolio
    preview: Preview
    before: dict[str, str]
    after: dict[str, str]

    def moves(self) -> dict[tuple[str, str], tuple[float | None, float | None]]:
        """(KPI, scope): percent before and after."""
        rows = self.preview.differences.kpis.rows(named=True)
        percent = [tuple(None if row[side] is None else round(100 * row[side], 6) for side in ("before", "after")) for row in rows]
        return {(row["kpi_id"], row["scope_id"]): pair for row, pair in zip(rows, percent, strict=True)}  # type: ignore[misc]


@pytest.fixture(scope="module")
def shown(module_portfolio: SmallPortfolio) -> Shown:
    """The map learns the state, the ideal time becomes 160 s; and a new export waits that is none of the map's business."""
    portfolio = refreshed(module_portfolio)
    portfolio.plant("a", mapped("a", RUN="RUN", DELAY_EQ="DELAY_EQ"))
    rates(portfolio, 160)
    portfolio.file("a", "stops_3.csv", DAY_2[0].replace("06-03", "06-04"))
    lake = portfolio.root / "lake"
    before = content(lake)
    return Shown(portfolio, preview(portfolio.root), before, content(lake))


# --- what is shown ----------------------------------------------------------------------------------------------------------------


def test_rows_that_move_are_told_by_plant_source_and_table(shown: Shown) -> None:
    """One record of line 3 (the header is 1) was rejected and is a row now; one ideal rate has another time."""
    rows = {(row["source_system"], row["table_name"]): row for row in shown.preview.differences.silver.to_dicts()}
    assert set(rows) == {("mes", STOPS), ("plant_file", "ideal_rate")}
    stops, rate = rows["mes", STOPS], rows["plant_file", "ideal_rate"]
    assert (stops["accepted"], stops["added"], stops["changed"], stops["removed"], stops["rejected"]) == (1, 1, 0, 0, 0)
    assert (rate["changed"], rate["columns"]) == (1, [{"name": "pri_s", "rows": 1}])
    assert shown.preview.plants == ("a",)
    assert f"a · mes · {STOPS}: 1 row is new, 1 rejected row becomes accepted" in shown.preview.lines()


def test_values_that_move_are_the_ones_worked_out_by_hand(shown: Shown) -> None:
    """OEE 180 x 160 s / 57,600 s = 50 %. The half hour is known to be a stop: covered, A as before. Plant b has no rate and no move."""
    moves = shown.moves()
    assert moves["OEE", "a"] == moves["OEE", "portfolio"] == (75.0, 50.0)
    assert moves["A", "a"] == (96.875, 96.875), "its coverage moved"
    assert moves["COVERAGE", "a"] == (96.875, 100.0)
    assert moves["COVERAGE", "portfolio"] == (98.4375, 100.0)  # 16 h of b are known, 15.5 h of a's 16 h: 31.5 / 32
    assert {scope for _, scope in moves} == {"a", "portfolio"}
    oee = "OEE of a 2025-06: 75.0 % → 50.0 % (-25.0 points), coverage 97% → 100%"
    assert any(line.startswith(oee) for line in shown.preview.lines()), shown.preview.lines()


def test_restated_shifts_are_counted(shown: Shown) -> None:
    (row,) = shown.preview.differences.shifts.to_dicts()
    assert (row["plant_id"], row["month"], row["restated"], row["added"], row["removed"]) == ("a", JUNE, 2, 0, 0)


def test_nothing_in_the_lake_changes(shown: Shown) -> None:
    assert shown.after == shown.before
    assert not list((shown.portfolio.root / "lake").glob("preview-*")), "the copy is gone"


def test_machines_get_the_same(shown: Shown) -> None:
    told = json.loads(json.dumps(shown.preview.as_dict(), default=str))
    assert (told["plants"], told["held"], told["reasons"], told["problems"]) == (["a"], {}, [], [])
    (oee,) = (row for row in told["kpis"] if (row["kpi_id"], row["scope_id"]) == ("OEE", "a"))
    assert (oee["before"], oee["after"], oee["period_start"]) == (0.75, 0.5, "2025-06-01")
    assert [len(told[name]) for name in ("silver", "shifts")] == [2, 1]


def test_applying_gives_exactly_what_was_shown(shown: Shown) -> None:
    """Through Dagster, as the command line does it; then there is nothing left to move, and the new export still waits."""
    root = shown.portfolio.root
    outcome = apply(root, (), shown.preview)
    assert (outcome.problems, outcome.held, outcome.release_id) == ([], {}, 2)
    key = ["kpi_id", "scope_type", "scope_id", "period_start"]
    with Snapshot(root / "lake" / "kpi.duckdb") as reader:
        assert_frame_equal(kpi_values(reader).sort(key), shown.preview.kpis.sort(key))
    assert len(shown.portfolio.silver(STOPS, "a")) == 4
    again = preview(root)
    assert not again
    assert again.lines() == ["The lake was made with today's maps; nothing would move."]
    assert shown.portfolio.plans(), "stops_3.csv waits for the next refresh"
    with pytest.raises(PlantlakeError, match="have changed since the preview"):
        apply(root, (), shown.preview)


def test_the_command_line_shows_and_applies_nothing_without_a_terminal(
    portfolio: SmallPortfolio, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """160 s: 50 % instead of 75 %. Exit code 0, because nothing is wrong."""
    rates(portfolio, 160)
    before = content(portfolio.root / "lake")
    make_quick(monkeypatch)
    monkeypatch.setattr(sys, "argv", ["plantlake", "refresh", "--reconform", "-p", str(portfolio.root)])
    monkeypatch.setattr(sys, "stdin", io.StringIO("y\n"))  # no terminal: what it would say is not asked for
    with pytest.raises(SystemExit) as ended:
        main()
    told = capsys.readouterr()
    assert not ended.value.code, told.err
    lines = told.out.splitlines()
    assert lines[0] == "a · plant_file · ideal_rate: 1 row changes (pri_s 1)"
    assert lines[1] == "a · unit-shifts: 2 restated (2025-06-02 to 2025-06-03)"
    assert "OEE of a 2025-06: 75.0 % → 50.0 % (-25.0 points), coverage 97%" in lines
    assert "Nothing was applied" in told.err
    assert content(portfolio.root / "lake") == before


def test_other_reasons_to_move_numbers_are_told_first() -> None:
    found = Preview((), previews._nothing(), reasons=["a refresh was interrupted"])
    assert found
    assert found.lines() == ["Also in these figures: a refresh was interrupted."]


# --- what goes wrong --------------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def standing(tmp_path_factory: pytest.TempPathFactory) -> SmallPortfolio:
    """A portfolio that was refreshed once; tests leave its lake as it is and put its files back."""
    return refreshed(SmallPortfolio(tmp_path_factory.mktemp("standing") / "portfolio"))


@pytest.fixture
def portfolio(standing: SmallPortfolio) -> Any:
    yield standing
    standing.plant("a", mapped("a", RUN="RUN"))
    standing.plant("b")
    (standing.root / "plants" / "c.yaml").unlink(missing_ok=True)
    (standing.root / "vocabularies" / "ideal_rates.csv").write_text("plant,rate,unit\na,240,s\n")


def test_without_anything_published_there_is_nothing_to_compare(tmp_path: Path) -> None:
    fresh = SmallPortfolio(tmp_path / "fresh").good("a")
    with pytest.raises(ConfigError, match="Nothing is published yet") as error:
        preview(fresh.root)
    assert error.value.problems[0].fix == "plantlake refresh"
    assert not (fresh.root / "lake").exists(), "asking makes no lake"


def test_a_map_for_which_an_export_no_longer_loads_says_that_the_plant_would_be_held(portfolio: SmallPortfolio) -> None:
    """The column Till is in none of the files: no stop of `a` can be loaded, and its published numbers would stay."""
    about = mapped("a", RUN="RUN")
    about["sources"]["mes"]["tables"][STOPS]["columns"]["end_ts"] = "Till"
    portfolio.plant("a", about)
    found = preview(portfolio.root)
    (row,) = found.differences.silver.filter(pl.col("table_name") == STOPS).to_dicts()
    assert row["failing_exports"] == 2
    assert list(found.held) == ["a"]
    assert "Till" in str(found.problems[0])
    assert found.differences.kpis.is_empty()
    assert any(line.startswith("a would keep its published numbers: ") for line in found.lines())


def test_a_broken_plant_file_is_told_and_the_lake_is_not_touched(portfolio: SmallPortfolio) -> None:
    (portfolio.root / "plants" / "b.yaml").write_text("plant: b\nname: [\n")
    found = preview(portfolio.root)
    assert not found
    assert [problem.plant for problem in found.problems] == ["b"]


def test_a_plant_file_that_changes_after_the_preview_is_not_applied(portfolio: SmallPortfolio) -> None:
    """What was shown rests on 160 s; by now the file says 150 s."""
    lake = Lake(portfolio.root / "lake")
    rates(portfolio, 160)
    with previews._on_copy(lake, portfolio.root, (), lambda _: None) as job:
        state = previews._state(lake, job, previews.known_only(job.plan(), job.ledger))
    rates(portfolio, 150)
    with pytest.raises(PlantlakeError, match="nothing was applied"):
        apply(portfolio.root, (), Preview(("a",), previews._nothing(), state=state))


def tried(delivery: Delivery) -> ExportRow:
    """An export as the ledger knows it after it was tried under an older map."""
    export = delivery.export
    return ExportRow(delivery.plant_id, delivery.source_id, export.name, export.url, "NEW", export.size, export.modified, attempt="older")


def test_exports_that_are_new_or_changed_are_left_out_and_failed_ones_are_tried_again(portfolio: SmallPortfolio) -> None:
    """`c` has one export that could not be loaded, one that was changed since, one that is new."""
    portfolio.plant("c")
    portfolio.file("c", "stops_1.csv", "", header="Other;Columns")
    portfolio.file("c", "stops_2.csv", *DAY_2)
    lake = Lake(portfolio.root / "lake")
    with previews._on_copy(lake, portfolio.root, ("c",), lambda _: None) as job:
        todo = job.plan()
        assert sorted(item.export.name for item in todo.plants["c"].deliveries) == ["stops_1.csv", "stops_2.csv"]
        assert previews.known_only(todo, job.ledger).plants == {}, "nothing of the plant is in the lake"
        for delivery in todo.plants["c"].deliveries:
            job.ledger.failed(tried(delivery), "cannot be read")
        portfolio.file("c", "stops_2.csv", *DAY_2, DAY_2[0].replace("06-03", "06-05"))
        portfolio.file("c", "stops_3.csv", *DAY_2)
        again = previews.known_only(job.plan(), job.ledger)
        assert [item.export.name for item in again.plants["c"].deliveries] == ["stops_1.csv"]


def test_a_preview_waits_for_a_refresh_and_names_it(portfolio: SmallPortfolio) -> None:
    with writer_lock(Lake(portfolio.root / "lake")), pytest.raises(LockedError, match="Another refresh is writing"):
        preview(portfolio.root)


def test_a_disk_without_room_is_told_before_it_is_filled(portfolio: SmallPortfolio, monkeypatch: pytest.MonkeyPatch) -> None:
    usage = type("Usage", (), {"free": 1_000, "total": 1_000, "used": 0})
    monkeypatch.setattr(previews.shutil, "disk_usage", lambda _: usage)
    with pytest.raises(PlantlakeError, match="has no room for a preview"):
        preview(portfolio.root)


# --- the copy ---------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("links", [True, False], ids=["links", "no links"])
def test_a_copy_shares_what_never_changes_and_nothing_else(
    portfolio: SmallPortfolio, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, links: bool
) -> None:
    """Where the file system has no hard links, everything is copied and is the same."""
    if not links:
        monkeypatch.setattr(os, "link", lambda *_: (_ for _ in ()).throw(OSError(errno.EXDEV, "another device")))
    lake, copy = Lake(portfolio.root / "lake"), Lake(tmp_path / "copy").create()
    with ExportLedger(lake.ledger) as ledger:
        of_a = {str(row.sha256) for row in ledger.exports("a")}
    clone(lake, copy, of_a)
    shared = {path.relative_to(copy.root).as_posix() for path in copy.root.rglob("*") if path.is_file() and path.stat().st_nlink > 1}
    for name in ("silver/plant/_delta_log/00000000000000000000.json", *(f"bronze/objects/{sha[:2]}/{sha}.zst" for sha in of_a)):
        assert (name in shared) is links
        assert (copy.root / name).read_bytes() == (lake.root / name).read_bytes()
    assert not {"gold/build.duckdb", "gold/state.json"} & shared
    assert all(name.endswith((".parquet", ".zst")) or "/_delta_log/0" in name for name in shared)
    assert {path.stem for path in copy.objects.rglob("*.zst")} == of_a, "only the exports asked for"
    for table in (STOPS, "production_count", "plant", "quarantine"):
        assert_frame_equal(silver.read(lake, table).collect(), silver.read(copy, table).collect(), check_row_order=False)


def left_behind(lake: Lake, name: str, pid: int) -> Path:
    """The folder of a preview whose process has this id."""
    folder = lake.root / name
    folder.mkdir()
    with writer_lock(Lake(folder)):
        held = sqlite3.connect(folder / "ledger.sqlite")
        row = held.execute("SELECT * FROM writer_lock").fetchone()
    held.execute("INSERT INTO writer_lock VALUES (?, ?, ?, ?, ?, ?, ?)", (*row[:3], pid, socket.gethostname(), *row[5:]))
    held.commit()
    held.close()
    return folder


def test_leftovers_of_killed_previews_are_removed_and_living_ones_are_not(portfolio: SmallPortfolio) -> None:
    lake = Lake(portfolio.root / "lake")
    gone = subprocess.Popen([sys.executable, "-c", ""])
    gone.wait()
    dead, unborn = left_behind(lake, "preview-1-dead", gone.pid), lake.root / "preview-2-unborn"
    unborn.mkdir()  # killed before it had a ledger
    alive = left_behind(lake, "preview-3-alive", os.getpid())
    sweep(lake)
    assert [path.exists() for path in (dead, unborn, alive)] == [False, False, True]
    with closing(sqlite3.connect(alive / "ledger.sqlite")) as connection:
        connection.execute("DELETE FROM writer_lock")
        connection.commit()
    sweep(lake)
    assert not alive.exists()


@pytest.mark.skipif(os.name == "nt", reason="kill -9")
def test_a_preview_that_is_killed_leaves_the_lake_as_it_was(portfolio: SmallPortfolio) -> None:
    rates(portfolio, 160)
    lake = Lake(portfolio.root / "lake")
    before = content(lake.root)
    code = f"from pathlib import Path; from pipelines.preview import preview; preview(Path({str(portfolio.root)!r}))"
    process = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                               cwd=CODE)  # fmt: skip
    deadline = time.monotonic() + 120
    while not list(lake.root.glob("preview-*/silver/source_watermark/_delta_log")) and process.poll() is None:
        assert time.monotonic() < deadline
        time.sleep(0.01)
    time.sleep(0.5)
    process.send_signal(signal.SIGKILL)
    process.wait()
    (left,) = lake.root.glob("preview-*")
    assert {name: text for name, text in content(lake.root).items() if not name.startswith("preview-")} == before
    (portfolio.root / "vocabularies" / "ideal_rates.csv").write_text("plant,rate,unit\na,240,s\n")
    assert not preview(portfolio.root), "the next one"
    assert not left.exists()
