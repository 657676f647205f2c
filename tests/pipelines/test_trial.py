"""A plant file is tried on constructed exports: what is found is what was put there, and nothing is written.

Plant `a` works one shift of 8 hours, 06:00 to 14:00 in Berlin (UTC+2), on 2 June 2025. Its six records of states, of which the third
line of the file (the header is 1) has a word that the map does not know and the fifth ends before it starts:

    R 06:00-09:00   X 09:00-09:30   R 09:30-11:30   S 11:30-11:00   S 11:30-12:00 (reason 17)   R 12:00-14:00

Run time 3 + 2 + 2 = 7 h of 8 h: A = 87.5 %. Half an hour is a stop, half an hour (09:00) is unknown: 7.5 / 8 of the plan are known. The
ledger begins with the production day at midnight and ends with the data at 14:00: 14 h, of which events own 7.5, the plan 6 (nothing was
scheduled before 06:00), nobody 0.5. 100 good pieces and 2 rejects have no ideal rate. A meter says 1.5 MWh = 1,500 kWh.
"""

from __future__ import annotations

import doctest
import hashlib
import json
import os
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest
from small_portfolio import COUNTS, SmallPortfolio, plant_file
from test_cli import run

from connectors.contract import Export
from connectors.errors import ConfigError
from connectors.models import PlantFile
from pipelines import cli_trial, trial_words
from pipelines import trial as trials
from pipelines.lake import Lake
from pipelines.lock import writer_lock
from pipelines.plan import Delivery
from pipelines.trial import Trial, try_plant
from pipelines.trial_exports import Bound, chosen
from pipelines.trial_kpis import Verdict
from publish.reader import Snapshot

STOPS = "equipment_state_event"
STATES = (
    "M1;2025-06-02 06:00;2025-06-02 09:00;R;;180",
    "M1;2025-06-02 09:00;2025-06-02 09:30;X;17;30",
    "M1;2025-06-02 09:30;2025-06-02 11:30;R;;120",
    "M1;2025-06-02 11:30;2025-06-02 11:00;S;17;-30",
    "M1;2025-06-02 11:30;2025-06-02 12:00;S;17;30",
    "M1;2025-06-02 12:00;2025-06-02 14:00;R;;120",
)
METERS = "Meter;From;To;Carrier;Reading;Unit"
REASONS = "plant,source,source_code,reason_code,mapped_by,approved_at,valid_from,valid_to\na,mes,17,E-MECH,j,,,\n"


def about(plant: str) -> dict[str, Any]:
    """The small plant with a map of its states, and a meter."""
    file = plant_file(plant)
    columns = file["sources"]["mes"]["tables"][STOPS]["columns"]
    columns["state_class"] = {"from": "Class", "map": {"R": "RUN", "S": "DELAY_EQ"}}
    energy = {"equipment": "Meter", "start_ts": "From", "end_ts": "To", "carrier": "Carrier"}
    file["sources"]["meters"] = {
        "kind": "delimited", "path": "meters_*.csv", "options": {"delimiter": ";", "encoding": "utf-8"},
        "tables": {"energy": {"columns": {**energy, "energy": {"from": "Reading", "unit_from": "Unit"}}}},
    }  # fmt: skip
    return file


def written(portfolio: SmallPortfolio) -> SmallPortfolio:
    """Plant a with its exports, a file of states that is empty, a reason that waits for its approval. No lake."""
    portfolio.plant("a", about("a"))
    portfolio.file("a", "stops_1.csv", *STATES)
    portfolio.bytes("a", "stops_2.csv", b"")
    portfolio.file("a", "counts_1.csv", "M1;2025-06-02 10:00;D1;100;2;pcs", header=COUNTS)
    portfolio.file("a", "meters_1.csv", "E1;2025-06-02 00:00;2025-06-03 00:00;ELECTRICITY;1.5;MWh", header=METERS)
    (portfolio.root / "vocabularies").mkdir()
    (portfolio.root / "vocabularies/reason_map.csv").write_text(REASONS)
    return portfolio


def content(root: Path) -> dict[str, tuple[str, int]]:
    """Every file and folder of a portfolio with its bytes and time; of a lake all but the ledger, to which whoever locks it writes."""
    return {
        path.relative_to(root).as_posix(): (
            hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else "",
            path.stat().st_mtime_ns,
        )
        for path in sorted(root.rglob("*"))
        if not path.name.startswith("ledger.sqlite") and path.name != "lake"
    }


@dataclass
class Tried:
    """One trial, and the portfolio's folder before and after it."""

    trial: Trial
    before: dict[str, tuple[str, int]]
    after: dict[str, tuple[str, int]]
    left: list[str]
    """Folders of trials that are still there."""

    def verdict(self, kpi_id: str) -> Verdict:
        return next(verdict for verdict in self.trial.verdicts if verdict.kpi_id == kpi_id)


@pytest.fixture(scope="module")
def tried(module_portfolio: SmallPortfolio, tmp_path_factory: pytest.TempPathFactory) -> Tried:
    root = written(module_portfolio).root
    before = content(root)
    with pytest.MonkeyPatch.context() as patch:
        folder = tmp_path_factory.mktemp("trials")
        patch.setattr(tempfile, "tempdir", str(folder))
        trial = try_plant(root, "a")
        return Tried(trial, before, content(root), sorted(path.name for path in folder.glob("plantlake-try-*")))


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the process that judges: 5 s of CPU less."""
    monkeypatch.setattr(trials._Attempt, "_judged", lambda *_: {})
    monkeypatch.setattr("pipelines.refresh.Refresh.prepare", lambda _: None)


# --- what is found ----------------------------------------------------------------------------------------------------------------------


def test_nothing_is_written(tried: Tried) -> None:
    assert tried.after == tried.before
    assert "lake" not in {name.split("/")[0] for name in tried.after}
    assert tried.left == []


def test_records_are_accounted_for_by_source_and_table(tried: Tried) -> None:
    found = {(a.source, a.table): (a.read, a.accepted, a.rejected, a.repeated, a.filtered_by) for a in tried.trial.tables}
    assert found == {
        ("mes", STOPS): (6, 4, 2, 0, {}),
        ("erp", "production_count"): (1, 1, 0, 0, {}),
        ("meters", "energy"): (1, 1, 0, 0, {}),
    }
    states = tried.trial.tables[0]
    assert (states.data_from, states.data_to) == (datetime(2025, 6, 2, 4, tzinfo=UTC), datetime(2025, 6, 2, 12, tzinfo=UTC))
    first = states.first_rows[0]
    assert (first["row"], first["equipment_code"], first["start_ts"], first["state_class"]) == (1, "M1", states.data_from, "RUN")


def test_rejected_records_stand_with_file_line_and_text(tried: Tried) -> None:
    found = {group.rule: group for group in tried.trial.rejected}
    assert {rule: (group.source, group.table, group.records) for rule, group in found.items()} == {
        "UNMAPPED_VALUE": ("mes", STOPS, 1),
        "NEG_DURATION": ("mes", STOPS, 1),
    }
    (line,) = found["UNMAPPED_VALUE"].first
    assert (line.export, line.row, line.place, line.text, line.is_verbatim) == ("stops_1.csv", 2, "line 3", STATES[1], True)
    assert line.detail == "UNMAPPED_VALUE: state_class 'X'"
    assert (found["NEG_DURATION"].first[0].row, found["NEG_DURATION"].first[0].text) == (4, STATES[3])


def test_a_broken_file_hides_nothing_else(tried: Tried) -> None:
    (problem,) = tried.trial.problems
    assert (problem.where, problem.message) == ("a · mes · stops_2.csv", "The file is empty.")
    assert tried.trial.to_fix == ["problems: 1", "rejected records: 2"]
    assert tried.verdict("A").verdict == "COMPUTABLE"


def test_words_that_nobody_mapped_stand_with_their_time(tried: Tried) -> None:
    (state,) = tried.trial.states
    assert (state.source, state.word, state.seconds, state.events, state.becomes) == ("mes", "X", 1800.0, 1, "rejected")
    (reason,) = tried.trial.reasons
    assert (reason.source, reason.code, reason.seconds, reason.stops, reason.suggested) == ("mes", "17", 1800.0, 1, "E-MECH")
    (material,) = tried.trial.materials
    assert (material.material, material.pieces, material.machines) == (None, 102.0, ["M1"])


def test_a_unit_is_told_with_its_factor_and_an_example(tried: Tried) -> None:
    (energy,) = (item for item in tried.trial.units if item.is_converted)
    assert (energy.source, energy.table, energy.column, energy.from_column) == ("meters", "energy", "energy", "Reading")
    assert (energy.unit, energy.to_unit, energy.factor, energy.before, energy.after) == ("MWh", "kW.h", 1000.0, "1.5", 1500.0)
    assert {(item.column, item.unit, item.is_stated) for item in tried.trial.units if not item.is_converted} == {
        ("good_qty", "pcs", True), ("scrap_qty", "pcs", True),
    }  # fmt: skip


def test_the_timeline_of_a_machine_is_the_one_worked_out_by_hand(tried: Tried) -> None:
    (machine,) = tried.trial.machines
    shares = (machine.owned_by_events, machine.owned_by_plan, machine.by_rule, machine.unknown)
    assert [round(14 * share, 6) for share in shares if share is not None] == [7.5, 6.0, 0.0, 0.5]
    assert (machine.equipment, machine.state_method, machine.known_of_plan, machine.gap_count) == ("M1", "MEASURED", 0.9375, 1)
    (gap,) = machine.gaps
    assert (gap.start, gap.end, gap.seconds) == (datetime(2025, 6, 2, 7, tzinfo=UTC), datetime(2025, 6, 2, 7, 30, tzinfo=UTC), 1800.0)


def test_kpis_are_those_of_the_product_and_the_rest_says_what_blocks_it(tried: Tried) -> None:
    a, oee, repair, cmr, energy = (tried.verdict(kpi) for kpi in ("A", "OEE", "MTBF", "CMR", "ENERGY_INT"))
    assert (a.verdict, a.value, a.month, a.coverage) == ("COMPUTABLE", 0.875, date(2025, 6, 1), 0.9375)
    assert (oee.verdict, oee.why, oee.because) == ("BLOCKED", "NO_IDEAL_RATE", "no ideal rate is known")
    assert oee.fix == "vocabularies/ideal_rates.csv: a line for what the plant makes: counts without a material"
    assert (repair.verdict, repair.why) == ("NO_CASE", "NO_FAILURES")  # a stop with a reason that nobody approved is no failure
    assert (cmr.verdict, cmr.because) == ("BLOCKED", "no maintenance orders arrived")
    columns = ("maintenance_type", "work_start_ts", "work_end_ts")
    assert (cmr.columns, cmr.files) == ([f"maintenance_order.{name}" for name in columns], [])
    assert (energy.columns, energy.files) == ([], ["vocabularies/product_families.csv"])
    assert {row["kpi_id"]: row["value"] for row in tried.trial.as_dict()["kpis"]}["A"] == 0.875


def test_freshness_is_the_newest_record_against_the_stamp_of_the_export(portfolio: SmallPortfolio, quick: None) -> None:
    """The name says that it covers 2 June, which ends at midnight; the data end at 14:00, 10 h before."""
    file = about("a")
    del file["sources"]["meters"], file["sources"]["erp"]
    file["sources"]["mes"]["covers"] = {"from_name": "stops_(\\d{8})"}
    portfolio.plant("a", file)
    portfolio.file("a", "stops_20250602.csv", *STATES)
    (source,) = try_plant(portfolio.root, "a").sources
    assert (source.newest, source.stamp_of, source.behind_s) == ("stops_20250602.csv", "covers", 36_000.0)
    assert (source.stamp, source.newest_record) == (datetime(2025, 6, 2, 22, tzinfo=UTC), datetime(2025, 6, 2, 12, tzinfo=UTC))


# --- how much is taken --------------------------------------------------------------------------------------------------------------------


def deliveries(*sizes: int, source: str = "mes") -> list[Delivery]:
    """Exports of the days of June, oldest first, of these sizes."""
    names = [f"stops_202506{day:02d}.csv" for day in range(1, len(sizes) + 1)]
    return [Delivery("a", source, Export(name, name, size)) for name, size in zip(names, sizes, strict=True)]


@pytest.mark.parametrize(
    ("bound", "sizes", "taken"),
    [
        (Bound(2, None), (1, 1, 1), 2), (Bound(None, 10), (5, 5, 5), 2), (Bound(None, 10), (1, 1, 99), 1), (Bound(None, None), (9, 9, 9), 3),
    ],
)  # fmt: skip
def test_the_newest_exports_are_taken_up_to_a_bound_and_one_at_least(bound: Bound, sizes: tuple[int, ...], taken: int) -> None:
    found = deliveries(*sizes)
    assert chosen(PlantFile.model_validate(plant_file("a")), found[::-1], bound) == found[-taken:]


def test_what_was_left_out_is_told_and_silence_of_it_is_no_gap(portfolio: SmallPortfolio, quick: None) -> None:
    """Of two files of states only that of 3 June is taken, of two of counts both: timeline and KPIs begin on the 3rd, when both tell."""
    portfolio.good("a")
    for age, name in enumerate(("stops_2.csv", "stops_1.csv", "counts_1.csv")):
        os.utime(portfolio.root / "landing/a" / name, (1_750_000_000 - age, 1_750_000_000 - age))
    trial = try_plant(portfolio.root, "a", Bound(1, None))
    mes, erp = trial.sources
    assert (mes.newest, mes.taken, mes.left_out, erp.taken, erp.left_out) == ("stops_2.csv", 1, 1, 1, 0)
    assert trial.kpis_from == date(2025, 6, 3)
    assert [(m.known_of_plan, m.gap_count) for m in trial.machines] == [(1.0, 0)]
    assert {v.kpi_id: v.value for v in trial.verdicts}["A"] == 1.0  # 8 h of 8 h


# --- a portfolio that is in use ---------------------------------------------------------------------------------------------------------


def test_it_works_beside_a_refresh_and_finds_what_a_refresh_finds(good: SmallPortfolio, quick: None) -> None:
    """Every KPI by month as the refresh published it; its lake is not touched, although a writer holds it."""
    before = content(good.root)
    with writer_lock(Lake(good.root / "lake")):
        trial = try_plant(good.root, "a")
    assert content(good.root) == before
    assert [source.taken for source in trial.sources] == [2, 1]  # exports that the lake has already
    assert trial.to_fix == []
    with Snapshot(good.root / "lake/kpi.duckdb") as reader:
        published = reader.kpis(reader.kpi_ids(), "plant,month")
    told = dict(published.select("kpi_id", "value").iter_rows())
    assert {v.kpi_id: v.value for v in trial.verdicts if v.kpi_id in told} == told
    assert {v.value for v in trial.verdicts if v.kpi_id not in told} == {None}  # inspections, of which it has none
    assert (told["A"], told["SCRAP"]) == (15.5 / 16, 2 / 182)


def test_a_source_without_files_and_a_column_that_is_missing_hide_nothing(portfolio: SmallPortfolio, quick: None) -> None:
    portfolio.good("a")
    file = plant_file("a")
    file["sources"]["erp"]["path"] = "confirmations_*.csv"
    columns = {"start_ts": "From", "end_ts": "To", "person": "Who"}
    file["sources"]["clock"] = {**file["sources"]["mes"], "tables": {"labour_time": {"columns": columns}}}
    portfolio.plant("a", file)
    trial = try_plant(portfolio.root, "a")
    assert {problem.message for problem in trial.problems} >= {f"No file matches 'confirmations_*.csv' in {portfolio.root / 'landing/a'}."}
    assert any("'Who' is mapped" in problem.message for problem in trial.problems)
    values = {verdict.kpi_id: (verdict.verdict, verdict.why) for verdict in trial.verdicts}
    assert values["A"] == ("COMPUTABLE", None)
    assert values["QC"] == ("BLOCKED", "NO_COUNTS")


def test_what_a_gate_would_hold_has_to_be_mended() -> None:
    assert Trial("a", "A", "UTC", "", held="parts.x: y").to_fix == ["a refresh would publish nothing of it: parts.x: y"]


def test_a_plant_without_any_export_says_what_every_kpi_needs(portfolio: SmallPortfolio, quick: None) -> None:
    portfolio.plant("a")
    (portfolio.root / "landing/a").mkdir(parents=True)
    trial = try_plant(portfolio.root, "a")
    assert len(trial.problems) == 2
    assert {verdict.verdict for verdict in trial.verdicts} == {"BLOCKED"}
    assert trial.kpis.is_empty()


def test_a_step_that_fails_leaves_what_the_others_found(portfolio: SmallPortfolio, quick: None, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object, **__: object) -> None:
        raise ConfigError(trials.Problem("dbt model 'x' failed."))

    portfolio.good("a")
    monkeypatch.setattr("pipelines.refresh.Refresh.build", broken)
    trial = try_plant(portfolio.root, "a")
    assert [problem.message for problem in trial.problems] == ["dbt model 'x' failed."]
    assert [account.accepted for account in trial.tables] == [4, 2]


# --- in the terminal --------------------------------------------------------------------------------------------------------------------


@pytest.fixture
def shown(tried: Tried, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Any]:
    """`plantlake plant try a` with the trial of this module."""
    monkeypatch.setattr(trials, "try_plant", lambda *_, **__: tried.trial)
    return run


def test_the_terminal_tells_all_of_it(shown: Callable[..., Any], module_portfolio: SmallPortfolio) -> None:
    done = shown("plant", "try", "a", "-p", module_portfolio.root)
    assert done.returncode == 1
    lines = [" ".join(line.split()) for line in done.stdout.splitlines()]
    for text in (
        "mes equipment_state_event 1 6 4 2 0 0 2025-06-02 06:00 2025-06-02 14:00",
        "mes · equipment_state_event · UNMAPPED_VALUE: 1 record",
        "stops_1.csv line 3, record 2: UNMAPPED_VALUE: state_class 'X'",
        STATES[1],
        "mes X 30 min 1 rejected",
        "mes 17 30 min 1 E-MECH",
        "(none named) 102 - M1",
        "meters energy energy Reading MWh kW.h 1000 1.5 → 1500",
        "M1 MEASURED 2025-06-02 00:00 2025-06-02 14:00 53.6 % 42.9 % 0.0 % 3.6 % 93.8 % 1 30 min from 2025-06-02 09:00",
        "→ vocabularies/ideal_rates.csv: a line for what the plant makes: counts without a material",
        "→ map maintenance_order (maintenance_type, work_start_ts, work_end_ts)",
    ):
        assert text in lines, done.stdout
    assert "The file is empty." in done.stderr
    assert "To mend: rejected records: 2" in done.stderr


def test_machines_read_json(shown: Callable[..., Any], module_portfolio: SmallPortfolio) -> None:
    found = json.loads(shown("plant", "try", "a", "-p", module_portfolio.root, "--json").stdout)
    assert found["to_fix"] == ["problems: 1", "rejected records: 2"]
    assert found["rejected"][0]["first"][0]["text"] in STATES
    assert {verdict["verdict"] for verdict in found["verdicts"]} == {"COMPUTABLE", "NO_CASE", "BLOCKED"}


def test_the_examples_of_the_documentation_are_right() -> None:
    assert [doctest.testmod(module).failed for module in (cli_trial, trial_words)] == [0, 0]


def test_exit_codes(portfolio: SmallPortfolio, quick: None) -> None:
    """0: a refresh takes everything, whatever is missing; 2: the plant file itself cannot be used, or is not there."""
    portfolio.good("a").plant("b", {**plant_file("b"), "timezone": "Europe/Berlln"})
    done = run("plant", "try", "a", "-p", portfolio.root)
    assert (done.returncode, "Nothing was written." in done.stderr) == (0, True), done.stderr
    wrong = run("plant", "try", "b", "-p", portfolio.root)
    assert (wrong.returncode, "Europe/Berlin" in wrong.stderr) == (2, True)
    assert run("plant", "try", "c", "-p", portfolio.root).returncode == 2
