"""Bad input is normal: it gives an error block or a quarantined row, the other plant goes on, and the accounts add up."""

from __future__ import annotations

import ctypes
import gzip
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from small_portfolio import COUNTED, COUNTS, DAY_1, DAY_2, HEADER, SmallPortfolio, plant_file

from pipelines.refresh import Outcome
from transforms.tables import LINEAGE

STOPS = "equipment_state_event"


def conserved(portfolio: SmallPortfolio) -> None:
    """read = accepted + rejected + duplicate + filtered, for each export and table."""
    committed = portfolio.ledger().filter(pl.col("table_state") == "COMMITTED")
    wrong = committed.filter(pl.col("records_read") != pl.sum_horizontal("accepted", "rejected", "duplicate", "filtered"))
    assert len(committed) > 0
    assert wrong.is_empty(), wrong


def told(outcome: Outcome) -> str:
    return "\n\n".join(str(problem) for problem in outcome.problems)


# --- files ---------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("stops_3.csv", b"", "The file is empty"),
        ("stops_3.csv", gzip.compress("\n".join((HEADER, *DAY_1)).encode() * 50)[:-20], "stops_3.csv"),
        ("stops_3.csv", b"PK\x03\x04 this is no zip", "stops_3.csv"),
        ("stops_3.csv", b"\x00\x01\x02" * 100, "stops_3.csv"),
        ("stops_3.csv", b"Unit;From\n", "'To'"),
        ("stops_3.csv", HEADER.replace("Reason", "Reason_Code").encode() + b"\nM1;2025-06-02 06:00;;RUN;;1\n", "Closest: Reason_Code"),
    ],
    ids=["empty", "truncated gzip", "no zip", "binary", "columns missing", "column renamed"],
)  # fmt: skip
def test_a_file_that_cannot_be_used_is_told_and_everything_else_is_loaded(
    portfolio: SmallPortfolio, name: str, content: bytes, said: str
) -> None:
    portfolio.good("a", "b").bytes("b", name, content)
    outcome = portfolio.load()
    assert outcome.broken_plants == ["b"]
    assert said in told(outcome)
    assert all(problem.export == name and problem.consequence for problem in outcome.problems)
    assert portfolio.silver(STOPS)["plant_id"].value_counts().sort("plant_id").rows() == [("a", 4), ("b", 4)]
    assert not portfolio.plans(), "the same bad file is not tried again and again"
    conserved(portfolio)


def test_mending_the_file_loads_it(portfolio: SmallPortfolio) -> None:
    portfolio.good("a").bytes("a", "stops_3.csv", b"")
    portfolio.load()
    portfolio.file("a", "stops_3.csv", "M1;2025-06-04 06:00;2025-06-04 14:00;RUN;;480")
    assert portfolio.load().problems == []
    assert len(portfolio.silver(STOPS)) == 5


def test_mending_the_plant_file_loads_the_export_that_failed(portfolio: SmallPortfolio) -> None:
    renamed = HEADER.replace("Reason", "Reason_Code")
    portfolio.plant("a")
    portfolio.file("a", "counts_1.csv", *COUNTED, header=COUNTS)
    portfolio.file("a", "stops_1.csv", *DAY_1, header=renamed)
    assert "Closest: Reason_Code" in told(portfolio.load())
    assert portfolio.silver(STOPS).is_empty()
    about = plant_file("a")
    about["sources"]["mes"]["tables"][STOPS]["columns"]["source_reason_code"] = "Reason_Code"
    portfolio.plant("a", about)
    assert portfolio.load().problems == []
    assert len(portfolio.silver(STOPS)) == 3
    assert not portfolio.plans()


def test_half_written_files_are_not_looked_at(portfolio: SmallPortfolio) -> None:
    portfolio.good("a")
    for name in ("stops_3.csv.part", "~$stops_3.csv", ".stops_3.csv", "stops_3.csv.tmp"):
        portfolio.bytes("a", name, b"half")
    outcome = portfolio.load()
    assert (outcome.problems, outcome.exports) == ([], 3)


def test_a_pattern_that_nothing_fits_names_what_lies_there(portfolio: SmallPortfolio) -> None:
    portfolio.good("a", "b")
    for path in (portfolio.root / "landing" / "b").glob("stops_*"):
        path.rename(path.with_name(path.name.replace("stops_", "stop-")))
    outcome = portfolio.load()
    assert outcome.broken_plants == ["b"]
    assert "No file matches 'stops_*.csv'" in told(outcome)
    assert "stop-1.csv" in told(outcome)
    assert portfolio.silver("production_count")["plant_id"].unique().sort().to_list() == ["a", "b"], "other sources of the plant go on"


def test_a_plant_whose_folder_is_missing_stops_no_other(portfolio: SmallPortfolio) -> None:
    portfolio.good("a").plant("b")
    outcome = portfolio.load()
    assert outcome.broken_plants == ["b"]
    assert len(portfolio.silver(STOPS)) == 4


def test_a_file_that_cannot_be_fetched_is_tried_again(portfolio: SmallPortfolio) -> None:
    """A file that vanishes between looking and fetching is, for plantlake, the same as one that is locked."""
    from contextlib import closing

    from pipelines.refresh import Refresh

    path = portfolio.good("a").file("a", "stops_3.csv", "M1;2025-06-04 06:00;2025-06-04 14:00;RUN;;480")
    job = Refresh(portfolio.root)
    with closing(job):
        todo = job.plan()
        away = path.rename(path.with_suffix(".away"))
        job.land(todo)
        job.load(todo)
    assert [problem.actor for problem in job.outcome.problems] == ["retry"]
    away.rename(path)
    assert portfolio.load().problems == []
    assert len(portfolio.silver(STOPS)) == 5


@contextmanager
def no_override() -> Iterator[None]:
    """Root may read every file: in the block this thread and those that it starts may not (capabilities(7), CAP_DAC_*)."""
    libc = ctypes.CDLL(None, use_errno=True)
    header = (ctypes.c_uint32 * 2)(0x20080522, 0)
    sets = (ctypes.c_uint32 * 6)()  # effective, permitted and inheritable, low words before high words
    assert libc.capget(header, sets) == 0
    kept = sets[0]
    sets[0] = kept & ~0b110
    assert libc.capset(header, sets) == 0
    try:
        yield
    finally:
        sets[0] = kept
        assert libc.capset(header, sets) == 0


@pytest.mark.skipif(sys.platform != "linux", reason="rights of files, as Linux has them")
def test_a_locked_file_is_told(portfolio: SmallPortfolio) -> None:
    portfolio.good("a").bytes("a", "stops_3.csv", b"x").chmod(0)
    with no_override():
        assert "locked or may not be read" in told(portfolio.load())
    assert len(portfolio.silver(STOPS)) == 4, "the other exports are loaded"


# --- rows ------------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("line", "rule"),
    [
        ("M1;2025-02-30 06:00;2025-06-04 07:00;RUN;;", "NOT_A_TIME"),
        ("M1;2025-03-30 02:30;2025-03-30 04:00;RUN;;", "DST_NONEXISTENT"),
        ("M1;yesterday;2025-06-04 07:00;RUN;;", "NOT_A_TIME"),
        ("M1;2025-06-04 07:00;2025-06-04 06:00;RUN;;", "NEG_DURATION"),
        ("M1;2025-06-04 06:00;2025-06-04 07:00;RUNNING;;", "UNKNOWN_STATE"),
        (";2025-06-04 06:00;2025-06-04 07:00;RUN;;", "MISSING"),
        ("M1;2025-06-04 06:00;2025-06-04 07:00;RUN;;5;surplus", "TOO_MANY_FIELDS"),
        ("M1;2099-06-04 06:00;2099-06-04 07:00;RUN;;", "FUTURE_TS"),
    ],
)
def test_a_bad_stop_is_quarantined_with_its_whole_row(portfolio: SmallPortfolio, line: str, rule: str) -> None:
    portfolio.good("a").file("a", "stops_3.csv", line, "M1;2025-06-05 06:00;2025-06-05 07:00;RUN;;60")
    outcome = portfolio.load()
    (row,) = portfolio.silver("quarantine").to_dicts()
    assert (row["rule"], row["source_object"], row["row_number"]) == (rule, "stops_3.csv", 1)
    assert row["raw_row"].startswith('{"Unit"')
    assert (outcome.rejected, len(portfolio.silver(STOPS))) == (1, 5)
    conserved(portfolio)


@pytest.mark.parametrize(
    ("line", "rule"), [("M1;2025-06-04 10:00;D3;hundred;2;pcs", "NOT_A_NUMBER"), ("M1;2025-06-04 10:00;D3;100;2;Krt", "UNKNOWN_UNIT")]
)
def test_a_bad_count_is_quarantined_and_loaded_once_it_can_be_read(portfolio: SmallPortfolio, line: str, rule: str) -> None:
    portfolio.good("a").file("a", "counts_2.csv", line, header=COUNTS)
    portfolio.load()
    assert portfolio.silver("quarantine")["rule"].to_list() == [rule]
    if rule == "UNKNOWN_UNIT":
        (portfolio.root / "vocabularies").mkdir()
        (portfolio.root / "vocabularies" / "unit_aliases.csv").write_text("plant,alias,ucum\na,Krt,{piece}\n")
        portfolio.load()
        assert portfolio.silver("quarantine")["resolved_at"].null_count() == 0
        assert len(portfolio.silver("production_count")) == 3
    conserved(portfolio)


def test_a_broken_plant_file_stops_no_other_plant(portfolio: SmallPortfolio) -> None:
    about = plant_file("b")
    portfolio.good("a", "b").plant("b", {**about, "timezone": "Europe/Berln"})
    outcome = portfolio.load()
    assert "Closest: Europe/Berlin" in told(outcome)
    assert portfolio.silver(STOPS)["plant_id"].unique().to_list() == ["a"]


@pytest.mark.parametrize("line", ["a,0,s", "a,1,kg", "a,fast,s"])
def test_a_rate_that_is_none_is_told_with_its_line_until_it_is_mended(portfolio: SmallPortfolio, line: str) -> None:
    portfolio.good("a", "b")
    (portfolio.root / "vocabularies").mkdir()
    rates = portfolio.root / "vocabularies" / "ideal_rates.csv"
    rates.write_text(f"plant,rate,unit\n{line}\n")
    for _ in range(2):
        assert "ideal_rates.csv:2" in told(portfolio.load())
    assert len(portfolio.silver(STOPS)) == 8
    rates.write_text("plant,rate,unit\na,30,s\n")
    assert portfolio.load().problems == []
    assert portfolio.silver("ideal_rate")["pri_s"].to_list() == [30.0]


# --- order, repetition, interruption --------------------------------------------------------------------------------------------


def business(portfolio: SmallPortfolio, table: str) -> pl.DataFrame:
    """What a table says, without where it came from."""
    rows = portfolio.silver(table)
    return (
        rows.drop(name for name in LINEAGE if name in rows.columns and name not in ("plant_id", "_row_hash"))
        .drop("dq_flags", strict=False)
        .sort(pl.all())
    )


def kpis(portfolio: SmallPortfolio) -> pl.DataFrame:
    """Every KPI value of the published snapshot."""
    from publish.reader import Snapshot

    with Snapshot(portfolio.root / "lake" / "kpi.duckdb") as reader:
        frame = reader.query(
            "SELECT * EXCLUDE (release_id, as_of_ts) FROM kpi_value WHERE period_type IN ('SHIFT', 'MONTH') AND profile = 'ISO'"
        )
    return frame.sort([name for name in frame.columns if not frame.schema[name].is_nested()])


def test_the_order_of_arrival_and_repetition_change_nothing(tmp_path: Path) -> None:
    corrected = "M1;2025-06-02 09:00;2025-06-02 09:45;DELAY_EQ;17;45"
    about: dict[str, Any] = plant_file("a")
    about["sources"]["mes"]["exported_at"] = {"from_name": r"stops_(\d{8})"}
    files = {"stops_20250603.csv": DAY_1, "stops_20250604.csv": DAY_2, "stops_20250605.csv": (corrected, *DAY_2)}
    lakes = []
    for name, order in (("forward", list(files)), ("backward", list(reversed(files)))):
        lake = SmallPortfolio(tmp_path / name)
        lake.plant("a", about)
        lake.file("a", "counts_1.csv", *COUNTED, header=COUNTS)
        for file in order:
            lake.file("a", file, *files[file])
            lake.load()
        lake.file("a", "stops_20250606.csv", *files["stops_20250605.csv"])  # the same bytes under another name
        lake.refresh()
        conserved(lake)
        lakes.append(lake)
    forward, backward = lakes
    for table in (STOPS, "production_count", "equipment", "shift_instance"):
        assert business(forward, table).equals(business(backward, table)), table
    assert len(forward.silver(STOPS)) == 4, "a repeated stop is one stop"
    assert forward.silver(STOPS).filter(pl.col("state_class") == "DELAY_EQ")["end_ts"][0].minute == 45, "the later export wins"
    assert kpis(forward).equals(kpis(backward))


def command(root: Path) -> list[str]:
    return [sys.executable, "-m", "pipelines.cli", "refresh", "-p", str(root), "--json"]


@pytest.fixture(scope="module")
def undisturbed(module_portfolio: SmallPortfolio) -> SmallPortfolio:
    module_portfolio.good("a", "b").refresh()
    return module_portfolio


def test_refreshes_that_are_killed_at_any_moment_are_finished_by_the_next(portfolio: SmallPortfolio, undisturbed: SmallPortfolio) -> None:
    portfolio.good("a", "b")
    moments = [random.Random(number).uniform(0.5, 4) * (number + 1) for number in range(3)]
    for moment in moments:
        process = subprocess.Popen(command(portfolio.root), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        time.sleep(moment)
        process.send_signal(signal.SIGKILL)
        process.wait()
    portfolio.refresh()
    for table in (STOPS, "production_count", "equipment", "shift_instance"):
        assert business(portfolio, table).equals(business(undisturbed, table)), f"{table}, killed after {moments} s"
    assert kpis(portfolio).equals(kpis(undisturbed)), f"killed after {moments} s"
    conserved(portfolio)
