"""Exports that change between refreshes: what is told, what is loaded, and that the refresh works once the proposed edit is made.

Here: whole loads of small plants, with each proposed edit written into the plant file. Elsewhere: every kind of change and the traps,
on tables (`tests/transforms/test_drift_compare.py`).
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Sequence
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import polars as pl
import pytest
import xlsxwriter
import yaml
import zstandard
from quick_refresh import make_quick
from small_portfolio import SmallPortfolio, plant_file
from typer.testing import CliRunner

from connectors.changes import reads_as
from connectors.errors import PlantlakeError
from connectors.models import PlantFile
from connectors.portfolio import read_plant
from pipelines import cli
from pipelines import drift as drift_of
from pipelines.drift_store import DriftStore, Found
from pipelines.lock import writer_lock
from pipelines.refresh import Refresh
from transforms.drift.edits import merged

HEADER = "Unit;From;To;Class;Reason;Minutes"
COUNTS = "Unit;At;Document;Good;Scrap"


def stops(day: int, rows: int = 24) -> list[str]:
    """A day of June 2025 in stretches of twenty minutes from 06:00: three running, one standing for one of two reasons."""
    start = datetime(2025, 6, day, 6, tzinfo=UTC)
    return [
        f"M{row % 2 + 1};{start + timedelta(minutes=20 * row):%Y-%m-%d %H:%M};{start + timedelta(minutes=20 * row + 20):%Y-%m-%d %H:%M};"
        + (f"DELAY_EQ;{17 + row % 8};20" if row % 4 == 3 else "RUN;;20")
        for row in range(rows)
    ]


def counts(day: int, good: Callable[[int], object] = lambda row: f"{20 + row % 5}.5", rows: int = 24) -> list[str]:
    start = datetime(2025, 6, day, 6, tzinfo=UTC)
    return [
        f"M{row % 2 + 1};{start + timedelta(minutes=20 * row):%Y-%m-%d %H:%M};D{day}-{row};{good(row)};{row % 3}" for row in range(rows)
    ]


def about() -> dict[str, Any]:
    """A plant that weighs what it makes."""
    plant = plant_file("a")
    columns = plant["sources"]["erp"]["tables"]["production_count"]["columns"]
    columns |= {"good_qty": {"from": "Good", "unit": "kg"}, "scrap_qty": {"from": "Scrap", "unit": "kg"}}
    return plant


@pytest.fixture
def plant(made_once: Callable[..., Path], tmp_path: Path) -> SmallPortfolio:
    """Plant a with six days of stops and counts in the lake; a copy of the test's own."""

    def loaded(root: Path) -> None:
        portfolio = SmallPortfolio(root)
        portfolio.plant("a", about())
        for day in range(2, 8):
            portfolio.file("a", f"stops_{day:02}.csv", *stops(day), header=HEADER)
            portfolio.file("a", f"counts_{day:02}.csv", *counts(day), header=COUNTS)
        assert portfolio.load().problems == []
        assert drift(portfolio) == []

    return SmallPortfolio(made_once("six_days", loaded)).copy(tmp_path / "six_days")


def drift(portfolio: SmallPortfolio, *states: str) -> list[Found]:
    with DriftStore(portfolio.root / "lake" / "drift.sqlite") as store:
        return [found for found in store.all() if not states or found.state in states]


def apply(portfolio: SmallPortfolio, *findings: Found) -> None:
    """Writes the proposed edits into the plant file, which then still is a good one."""
    edit(portfolio, *(yaml.safe_load(str(found.edit)) for found in findings))


def edit(portfolio: SmallPortfolio, *edits: dict[str, Any]) -> None:
    path = portfolio.root / "plants" / "a.yaml"
    content = yaml.safe_load(path.read_text())
    for one in edits:
        content = merged(content, one)
    path.write_text(yaml.safe_dump(content, sort_keys=False))
    _, problems = read_plant(portfolio.root, "a")
    assert problems == []


def good(portfolio: SmallPortfolio) -> dict[str, float]:
    """Good kilograms by export."""
    rows = portfolio.silver("production_count")
    return {str(name): float(total) for name, total in rows.group_by("_source_object").agg(pl.col("good_qty").sum()).rows()}


A_DAY = sum(20 + row % 5 + 0.5 for row in range(24))
"""Good kilograms of a day: 538."""


# --- the edit mends it ------------------------------------------------------------------------------------------------------------------------


def test_a_renamed_column_stops_its_file_and_one_line_mends_it(plant: SmallPortfolio) -> None:
    """`Status` holds what `Class` held; nothing of the file is loaded, nothing is nulled, and the older files stay as they are."""
    before = plant.silver("equipment_state_event")
    plant.file("a", "stops_08.csv", *stops(8), header=HEADER.replace("Class", "Status"))
    (problem,) = plant.load().problems
    assert problem.message == "Column 'Class' is mapped in columns.state_class but is not in the file."
    assert problem.closest == "Status (2 of its 2 texts are the same)"
    assert problem.fix == "plants/a.yaml → sources.mes.renamed: {Status: Class}"
    assert plant.silver("equipment_state_event").equals(before)
    (found,) = drift(plant)
    assert (found.what, found.column_name, found.state, found.is_loaded) == ("RENAMED", "Class", "OPEN", False)
    assert found.edit_path == "plants/a.yaml → sources.mes.renamed"
    assert found.edit == "sources:\n  mes:\n    renamed:\n      Status: Class\n"
    apply(plant, found)
    assert plant.load().problems == []
    assert len(plant.silver("equipment_state_event")) == len(before) + 24
    assert [found.state for found in drift(plant)] == ["MENDED"]
    plant.file("a", "stops_09.csv", *stops(9), header=HEADER.replace("Class", "Status"))
    assert plant.load().problems == []
    assert drift(plant, "OPEN") == []


def test_columns_that_are_renamed_and_shuffled(plant: SmallPortfolio) -> None:
    """Two mapped columns at once, in another order: both are in the error, and both edits are needed."""
    rows = [";".join(reversed(line.split(";"))) for line in stops(8)]
    plant.file("a", "stops_08.csv", *rows, header="Min;Grund;Status;To;From;Unit")
    assert {problem.fix for problem in plant.load().problems} == {
        "plants/a.yaml → sources.mes.renamed: {Status: Class}", "plants/a.yaml → sources.mes.renamed: {Grund: Reason}",
    }  # fmt: skip
    found = drift(plant)
    assert {(f.what, f.column_name, f.now, f.state) for f in found if f.what != "REORDERED"} == {
        ("RENAMED", "Class", "Status", "OPEN"), ("RENAMED", "Reason", "Grund", "OPEN"), ("RENAMED", "Minutes", "Min", "NOTED"),
    }  # fmt: skip
    apply(plant, *drift(plant, "OPEN"))
    assert plant.load().problems == []
    assert plant.silver("equipment_state_event").filter(pl.col("_source_object") == "stops_08.csv")["source_reason_code"].n_unique() == 3


def test_a_dropped_column_is_left_out_from_then_on(plant: SmallPortfolio) -> None:
    """The reasons of older files stay. Without the edit nothing of the new file is loaded: a mapped column is never nulled."""
    plant.file("a", "stops_08.csv", *[";".join(line.split(";")[:4]) for line in stops(8)], header="Unit;From;To;Class")
    (problem,) = plant.load().problems
    assert problem.message == "Column 'Reason' is mapped in columns.source_reason_code but is not in the file."
    assert "stops_08.csv" not in plant.silver("equipment_state_event")["_source_object"].to_list()
    (found,) = drift(plant, "OPEN")
    assert yaml.safe_load(str(found.edit)) == {
        "sources": {
            "mes": {"changes": [{"since": "stops_08.csv", "tables": {"equipment_state_event": {"columns": {"source_reason_code": None}}}}]}
        }
    }
    apply(plant, found)
    assert plant.load().problems == []
    reasons = (
        plant.silver("equipment_state_event").group_by("_source_object").agg(pl.col("source_reason_code").count()).sort("_source_object")
    )
    assert reasons["source_reason_code"].to_list() == [6, 6, 6, 6, 6, 6, 0]


def test_a_decimal_comma_is_read_from_then_on(plant: SmallPortfolio) -> None:
    plant.file("a", "counts_08.csv", *counts(8, lambda row: f"{20 + row % 5},5"), header=COUNTS)
    plant.load()
    assert "counts_08.csv" not in good(plant)  # every record is rejected: no number, and no guess
    (found,) = drift(plant)
    assert (found.what, found.edit_path, found.is_loaded) == ("DECIMAL", "plants/a.yaml → sources.erp.changes", True)
    apply(plant, found)
    plant.load()
    assert good(plant) == {f"counts_{day:02}.csv": A_DAY for day in range(2, 9)}
    assert [found.state for found in drift(plant)] == ["MENDED"]


def test_grams_are_kilograms_again_from_then_on(plant: SmallPortfolio) -> None:
    """20.5 kg are written as 20500. They are loaded, a thousand times too much, until somebody makes the edit."""
    plant.file("a", "counts_08.csv", *counts(8, lambda row: (20 + row % 5) * 1000 + 500), header=COUNTS)
    assert plant.load().problems == []
    assert good(plant)["counts_08.csv"] == 1000 * A_DAY
    (found,) = drift(plant)
    assert (found.what, found.message, found.before, found.now, found.is_loaded) == (
        "SCALE", "The numbers of 'Good' are larger by a factor of 1,000.", "median 22.5 of the 6 exports before", "median 2.25e+04", True,
    )  # fmt: skip
    apply(plant, found)
    assert plant.load().problems == []
    assert good(plant) == {f"counts_{day:02}.csv": A_DAY for day in range(2, 9)}
    plant.file("a", "counts_09.csv", *counts(9, lambda row: (20 + row % 5) * 1000 + 500), header=COUNTS)
    plant.load()
    assert good(plant)["counts_09.csv"] == A_DAY
    assert [found.state for found in drift(plant)] == ["MENDED"]


def test_another_layout_of_times(plant: SmallPortfolio) -> None:
    def german(line: str) -> str:
        unit, at, *rest = line.split(";")
        return ";".join([unit, f"{datetime.fromisoformat(at):%d.%m.%Y %H:%M}", *rest])

    for day in (20, 21):  # the 20th tells which is the day
        plant.file("a", f"counts_{day}.csv", *map(german, counts(day)), header=COUNTS)
    plant.load()
    (found,) = drift(plant)
    assert (found.what, found.column_name, found.before, found.now, found.exports) == (
        "DATE_FORMAT",
        "At",
        "%Y-%m-%d %H:%M",
        "%d.%m.%Y %H:%M",
        2,
    )
    apply(plant, found)
    plant.load()
    assert len(good(plant)) == 8


def test_a_stated_delimiter_that_changed(plant: SmallPortfolio) -> None:
    lines = [line.replace(";", ",") for line in counts(8, lambda _: 20)]
    plant.file("a", "counts_08.csv", *lines, header=COUNTS.replace(";", ","))
    (problem,) = plant.load().problems
    assert problem.fix == 'options.delimiter: ","'
    (found,) = drift(plant)
    assert (found.what, found.before, found.now, found.is_loaded) == ("LAYOUT_UNREAD", ";", ",", False)
    apply(plant, found)
    assert plant.load().problems == []
    assert good(plant)["counts_08.csv"] == 480


def test_a_sheet_that_is_called_otherwise(plant: SmallPortfolio) -> None:
    def workbook(name: str, sheet: str, day: int) -> None:
        with xlsxwriter.Workbook(plant.root / "landing" / "a" / name) as book:
            book.add_worksheet("Help").write(0, 0, "how to")
            page = book.add_worksheet(sheet)
            for number, line in enumerate([COUNTS, *counts(day, lambda _: 20)]):
                page.write_row(number, 0, line.split(";"))

    file = about()
    source = file["sources"]["erp"]
    file["sources"]["sheets"] = source | {"kind": "excel", "path": "sheet_*.xlsx", "options": {"sheet": "Export"}}
    plant.plant("a", file)
    workbook("sheet_20.xlsx", "Export", 20)
    assert plant.load().problems == []
    workbook("sheet_21.xlsx", "Data", 21)
    assert len(plant.load().problems) == 1
    (found,) = drift(plant)
    assert (found.what, found.export) == ("LAYOUT_UNREAD", "sheet_21.xlsx")
    assert yaml.safe_load(str(found.edit))["sources"]["sheets"] == {"changes": [{"since": "sheet_21.xlsx", "options": {"sheet": "Data"}}]}
    apply(plant, found)
    assert plant.load().problems == []
    assert good(plant)["sheet_21.xlsx"] == 480


# --- told once, and what ends it -----------------------------------------------------------------------------------------------------------------


def grams(row: int) -> int:
    return (20 + row % 5) * 1000 + 500


def test_a_change_is_told_once_and_waits(plant: SmallPortfolio) -> None:
    """The tenth export in grams is as wrong as the first: time accepts nothing."""
    for day in range(8, 20):
        plant.file("a", f"counts_{day:02}.csv", *counts(day, grams), header=COUNTS)
        told = plant.load().drift
        assert [found.what for found in told] == (["SCALE"] if day == 8 else [])
    (found,) = drift(plant)
    assert (found.state, found.exports, found.export, found.last_export) == ("OPEN", 12, "counts_08.csv", "counts_19.csv")


def test_what_comes_back_is_over(plant: SmallPortfolio) -> None:
    plant.file("a", "counts_08.csv", *counts(8, grams), header=COUNTS)
    plant.load()
    plant.file("a", "counts_09.csv", *counts(9), header=COUNTS)
    plant.load()
    (found,) = drift(plant)
    assert (found.state, found.closed_by) == ("RETURNED", "counts_09.csv is as before")


def test_a_file_that_is_delivered_anew_is_over(plant: SmallPortfolio) -> None:
    plant.file("a", "stops_08.csv", *stops(8), header=HEADER.replace("Class", "Status"))
    plant.load()
    plant.file("a", "stops_08.csv", *stops(8), header=HEADER)
    assert plant.load().problems == []
    assert [found.state for found in drift(plant)] == ["RETURNED"]


def test_a_file_that_is_no_longer_delivered_is_over(plant: SmallPortfolio) -> None:
    plant.file("a", "stops_08.csv", *stops(8), header=HEADER.replace("Class", "Status")).rename(plant.root / "aside.csv")
    plant.file("a", "stops_08.csv", *stops(8), header=HEADER.replace("Class", "Status"))
    plant.load()
    (plant.root / "landing" / "a" / "stops_08.csv").unlink()
    plant.load()
    assert [found.state for found in drift(plant)] == ["RETURNED"]


def test_an_accepted_change_is_the_new_history(plant: SmallPortfolio) -> None:
    """Accepted: these are grams of something else. Later exports in grams are no news, and kilograms would be."""
    plant.file("a", "counts_08.csv", *counts(8, grams), header=COUNTS)
    plant.load()
    (found,) = drift(plant)
    answer = run(plant, "drift", "accept", str(found.finding_id), "--note", "a new scale")
    assert answer.exit_code == 0
    for day in range(9, 12):
        plant.file("a", f"counts_{day:02}.csv", *counts(day, grams), header=COUNTS)
    plant.load()
    assert [(found.state, found.note) for found in drift(plant)] == [("ACCEPTED", "a new scale")]
    plant.file("a", "counts_12.csv", *counts(12), header=COUNTS)
    plant.load()
    assert [(found.state, found.message) for found in drift(plant)][1:] == [
        ("OPEN", "The numbers of 'Good' are smaller by a factor of 1,000.")
    ]


def test_a_late_old_export_is_held_against_older_ones(plant: SmallPortfolio) -> None:
    """Grams from the 9th on. The 8th comes after the 10th, in kilograms; then the same bytes again under another name."""
    for day in (9, 10):
        plant.file("a", f"counts_{day:02}.csv", *counts(day, grams), header=COUNTS)
    plant.load()
    plant.file("a", "counts_08.csv", *counts(8), header=COUNTS)
    assert plant.load().drift == []
    plant.file("a", "counts_again.csv", *counts(8), header=COUNTS)
    assert plant.load().drift == []
    assert [(found.state, found.export, found.exports) for found in drift(plant)] == [("OPEN", "counts_09.csv", 2)]


def test_an_export_that_a_killed_refresh_did_not_compare_is_compared_by_the_next(plant: SmallPortfolio) -> None:
    plant.file("a", "counts_08.csv", *counts(8, grams), header=COUNTS)
    job = Refresh(plant.root)
    with closing(job), writer_lock(job.lake):
        todo = job.plan()
        job.land(todo)
        job.load(todo)
    assert drift(plant) == []
    assert [found.what for found in plant.load().drift] == ["SCALE"]


def test_a_lake_without_profiles_makes_them_when_they_are_asked_for(plant: SmallPortfolio) -> None:
    """The store is gone: what stands is history and no news, and the next export is held against it."""
    for file in (plant.root / "lake").glob("drift.sqlite*"):
        file.unlink()
    plant.file("a", "counts_08.csv", *counts(8, grams), header=COUNTS)
    assert [found.what for found in plant.load().drift] == ["SCALE"]


def test_a_damaged_store_is_told(plant: SmallPortfolio) -> None:
    """The file's first page is no page of SQLite any more."""
    store = plant.root / "lake" / "drift.sqlite"
    with store.open("rb+") as file:
        file.write(b"\xff" * 4096)
    with pytest.raises(PlantlakeError) as caught:
        Refresh(plant.root)
    (problem,) = caught.value.problems
    assert problem.message == "The file of profiles of exports and their changes is damaged."
    assert str(problem.found).startswith(f"{store}: ")
    assert "move it away: profiles are made again" in str(problem.fix)


def test_new_words_of_a_map(plant: SmallPortfolio) -> None:
    file = about()
    file["sources"]["mes"]["tables"]["equipment_state_event"]["columns"]["state_class"] = {
        "from": "Class", "map": {"RUN": "RUN", "DELAY_EQ": "DELAY_EQ"},
    }  # fmt: skip
    plant.plant("a", file)
    plant.file("a", "stops_08.csv", *[line.replace("DELAY_EQ", "WAIT") for line in stops(8)], header=HEADER)
    plant.load()
    (found,) = drift(plant, "OPEN")
    assert (found.what, found.now) == ("WORDS", "6 of 24 records, 120 min")
    edit(plant, {"sources": {"mes": {"tables": {"equipment_state_event": {"columns": {"state_class": {"map": {"WAIT": "IDLE"}}}}}}}})
    plant.load()
    assert [found.state for found in drift(plant)] == ["MENDED"]


# --- persons ------------------------------------------------------------------------------------------------------------------------------


def test_nothing_of_persons_is_profiled(portfolio: SmallPortfolio) -> None:
    """Neither under today's name of the column nor under the one that it had."""
    columns = {"equipment": "Unit", "start_ts": "From", "end_ts": "To", "person": "Worker"}
    source = {"kind": "delimited", "path": "time_*.csv", "options": {"delimiter": ";"}, "renamed": {"Employee": "Worker"},
              "tables": {"labour_time": {"columns": columns}}}  # fmt: skip
    portfolio.plant("a", plant_file("a") | {"sources": {"time": source}})
    (portfolio.root / "portfolio.yaml").write_text("name: Small\n")
    for day, name in ((2, "Worker"), (3, "Employee")):
        lines = [f"M1;2025-06-0{day} 06:00;2025-06-0{day} 14:00;{who}" for who in ("Jane Doe", "Max Roe")]
        portfolio.file("a", f"time_{day}.csv", *lines, header=f"Unit;From;To;{name}")
    portfolio.load()
    with closing(sqlite3.connect(portfolio.root / "lake" / "drift.sqlite")) as con:
        profiles = [json.loads(zstandard.ZstdDecompressor().decompress(row[0])) for row in con.execute("SELECT content FROM profile")]
    persons = {column["name"]: column for made in profiles for column in made["columns"] if column["name"] in ("Worker", "Employee")}
    assert persons == {name: {"name": name, "position": 3, "kind": "hidden"} for name in ("Worker", "Employee")}


# --- the plant file -------------------------------------------------------------------------------------------------------------------------


def small(**source: Any) -> PlantFile:
    file = about()
    file["sources"]["erp"] |= source
    return PlantFile.model_validate(file)


def decimals(plant: PlantFile, *names: str) -> list[str]:
    return [reads_as(plant, plant.sources["erp"], name).options.get("decimal", ".") for name in names]


def test_a_change_holds_from_an_export_on_by_the_numbers_in_its_name() -> None:
    plant = small(changes=[{"since": "counts_10.csv", "options": {"decimal": ","}}])
    assert decimals(plant, "counts_9.csv", "counts_10.csv", "counts_11.csv") == [".", ",", ","]


def test_changes_hold_each_by_itself_whatever_their_order() -> None:
    """A late export had something of its own: the change that was written last began first."""
    plant = small(changes=[{"since": "c_9.csv", "options": {"decimal": ","}}, {"since": "c_5.csv", "timezone": "UTC"}])
    reads = [reads_as(plant, plant.sources["erp"], f"c_{number}.csv") for number in (4, 5, 9)]
    assert [(source.options.get("decimal"), source.timezone) for source in reads] == [(None, None), (None, "UTC"), (",", "UTC")]


def test_a_change_holds_by_the_time_that_names_state() -> None:
    plant = small(
        exported_at={"from_name": r"_(\d{8})\.", "format": "%d%m%Y"},
        changes=[{"since": "counts_01032026.csv", "options": {"decimal": ","}}],
    )
    assert decimals(plant, "counts_28022026.csv", "counts_01032026.csv", "counts_01042026.csv") == [".", ",", ","]


@pytest.mark.parametrize(
    ("change", "line", "message"),
    [
        ({"since": "x", "tables": {"production_cont": {}}}, "changes", "The source maps no table 'production_cont'."),
        ({"since": "x", "options": {"delimeter": ","}}, "changes", "delimited has no option 'delimeter'."),
        ({"since": "x", "timezone": "Berlin"}, "changes", "'Berlin' is not a time zone."),
        ({"since": "x", "tables": {"production_count": {"columns": {"event_ts": None}}}}, "changes",
         "production_count needs 'event_ts' (when it was counted or confirmed)."),
    ],
)  # fmt: skip
def test_a_change_keeps_the_rules_of_its_source(portfolio: SmallPortfolio, change: dict[str, Any], line: str, message: str) -> None:
    file = about()
    file["sources"]["erp"]["changes"] = [change]
    portfolio.plant("a", file)
    _, problems = read_plant(portfolio.root, "a")
    assert [problem.message.split(" (", 1)[0] for problem in problems] == [message.split(" (", 1)[0]]
    assert all(problem.export and problem.export.startswith("plants/a.yaml:") for problem in problems)


def test_a_plant_file_without_changes_makes_nothing_anew(plant: SmallPortfolio) -> None:
    """Lakes that were filled before a source could say such things stay as they are."""
    file = about()
    file["sources"]["erp"] |= {"renamed": {}, "changes": []}
    plant.plant("a", file)
    assert not plant.plans()


# --- the command ----------------------------------------------------------------------------------------------------------------------------


def run(portfolio: SmallPortfolio, *words: str) -> Any:
    return CliRunner().invoke(cli.app, [*words, "-p", str(portfolio.root)])


def test_the_command_shows_what_waits_with_its_edit(plant: SmallPortfolio) -> None:
    assert run(plant, "drift").exit_code == 0
    plant.file("a", "counts_08.csv", *counts(8, grams), header=COUNTS)
    plant.load()
    answer = run(plant, "drift", "--json")
    (told,) = json.loads(answer.stdout)
    assert (answer.exit_code, told["what"], told["plant_id"], told["source_system"], told["column_name"]) == (
        1,
        "SCALE",
        "a",
        "erp",
        "Good",
    )
    assert (
        json.loads(run(plant, "drift", "--plant", "b", "--json").stdout)
        == json.loads(run(plant, "drift", "--source", "mes", "--json").stdout)
        == []
    )


def test_accepting_what_is_not_there_says_what_is(plant: SmallPortfolio) -> None:
    answer = run(plant, "drift", "accept", "7")
    assert "No change 7 is waiting." in str(answer.exception)


def test_refresh_and_status_say_what_waits(
    plant: SmallPortfolio, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    make_quick(monkeypatch)
    plant.file("a", "counts_08.csv", *counts(8, grams), header=COUNTS)
    words: Sequence[str] = ("refresh", "-p", str(plant.root))
    assert cli.app(words, standalone_mode=False) == 1
    assert "The numbers of 'Good' are larger by a factor of 1,000. (plantlake drift: 1)" in capfd.readouterr().err
    cli.app(("status", "-p", str(plant.root)), standalone_mode=False)
    cli.app(("sql", "SELECT what, state, edit_path FROM drift", "-p", str(plant.root)), standalone_mode=False)
    said = capfd.readouterr().out
    assert "1 change of exports waiting for somebody (a): plantlake drift" in said
    assert "plants/a.yaml → sources.erp.changes" in said


def test_what_goes_wrong_with_one_source_hinders_no_other(plant: SmallPortfolio, monkeypatch: pytest.MonkeyPatch) -> None:
    """A defect of the comparison is told once, and is no reason to look at the same exports for ever."""
    plant.file("a", "counts_08.csv", *counts(8, grams), header=COUNTS)
    plant.file("a", "stops_08.csv", *stops(8), header=HEADER.replace("Minutes", "Min"))
    look = drift_of._Source.look
    with monkeypatch.context() as patch:
        patch.setattr(drift_of._Source, "look", lambda of, rows: 1 / 0 if of.source_id == "erp" else look(of, rows))
        outcome = plant.load()
    assert [(problem.message, problem.actor) for problem in outcome.problems] == [
        ("Whether the exports of a source have changed could not be found out.", "us")
    ]
    assert "counts_08.csv" in good(plant)
    assert [found.what for found in outcome.drift] == ["RENAMED"]
    assert plant.load().problems == []


def test_the_files_of_a_store_are_few(plant: SmallPortfolio) -> None:
    """12 exports are a file, not twelve."""
    assert sorted(path.name for path in Path(plant.root / "lake").glob("drift*")) == ["drift.sqlite"]
