"""What is rejected waits as delivered, is told by rule, and is replayed from bronze once its cause is mended; nothing is counted twice."""

from __future__ import annotations

import json
import sys
from collections import Counter
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from quick_refresh import make_quick
from small_portfolio import COUNTS, SmallPortfolio, plant_file

from pipelines import quarantine, silver
from pipelines.cli import main
from pipelines.lake import Lake
from pipelines.lock import writer_lock
from pipelines.quarantine import Wanted
from pipelines.refresh import Refresh

T0 = datetime(2026, 1, 1, tzinfo=UTC)
META = silver.commit_metadata("r", [])
BOXES = ("M1;2025-06-04 10:00;D3;100;2;Krt", "M1;2025-06-04 11:00;D4;50;0;Krt", "M1;2025-06-04 12:00;D5;7;0;pcs")
"""Two counts in a unit that nobody knows, one in pieces."""
ODD_STOPS = ("M1;2025-06-04 07:00;2025-06-04 06:00;RUN;;", "M1;2025-06-04 08:00;2025-06-04 09:00;LUNCH;;")


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    return Lake(tmp_path / "lake").create()


def rejected(at: datetime, *rows: tuple[str, int, str]) -> pl.DataFrame:
    """(batch, row number, rule) of records of plant 1001 that a refresh rejects."""
    told = [
        {"plant_id": "1001", "source_system": "mes", "source_object": "f.csv", "batch_id": batch, "table_name": "tag", "row_number": number,
         "rule": rule, "detail": f"{rule}: x", "raw_row": "{}", "rejected_at": at} for batch, number, rule in rows
    ]  # fmt: skip
    schema = {name: dtype for name, dtype in silver.QUARANTINE.items() if name not in ("quarantine_id", "resolved_at")}
    return pl.DataFrame(told, schema=schema)


def store(lake: Lake, at: datetime, batches: str, *rows: tuple[str, int, str]) -> int:
    """One refresh that loads these batches and rejects these rows."""
    return silver.quarantine(lake, rejected(at, *rows), [("1001", "tag", batch) for batch in batches], META, at=at)


def standing(lake: Lake) -> list[tuple[str, int, str, int, int | None]]:
    """(batch, row number, rule, day of rejection, day of resolution)."""
    rows = silver.read(lake, "quarantine").sort("batch_id", "row_number", "rejected_at", "rule").collect()
    day = [((pl.col(name) - T0).dt.total_days()).alias(name) for name in ("rejected_at", "resolved_at")]
    return rows.select("batch_id", "row_number", "rule", *day).rows()


def day(number: int) -> datetime:
    return T0 + timedelta(days=number)


# --- the table ---------------------------------------------------------------------------------------------------------------------


def test_what_is_accepted_later_stays_with_the_time_of_it(lake: Lake) -> None:
    store(lake, day(0), "ab", ("a", 1, "NOT_A_TIME"), ("a", 2, "MISSING"), ("b", 1, "MISSING"))
    store(lake, day(1), "a", ("a", 1, "NOT_A_TIME"))  # the mapping was mended: row 2 of a is fine now, b was not looked at
    assert standing(lake) == [("a", 1, "NOT_A_TIME", 0, None), ("a", 2, "MISSING", 0, 1), ("b", 1, "MISSING", 0, None)]


def test_a_record_rejected_for_another_rule_is_still_rejected(lake: Lake) -> None:
    store(lake, day(0), "a", ("a", 1, "NOT_A_TIME"))
    store(lake, day(1), "a", ("a", 1, "NEG_DURATION"))
    assert standing(lake) == [("a", 1, "NOT_A_TIME", 0, 1), ("a", 1, "NEG_DURATION", 1, None)]
    assert quarantine.unresolved(lake)["rejected"].to_list() == [1]


def test_what_is_rejected_again_is_open_again_since_its_first_day(lake: Lake) -> None:
    store(lake, day(0), "a", ("a", 1, "MISSING"))
    store(lake, day(1), "a")
    store(lake, day(2), "a", ("a", 1, "MISSING"))
    assert standing(lake) == [("a", 1, "MISSING", 0, None)]
    store(lake, day(3), "a")
    store(lake, day(4), "a")
    assert standing(lake) == [("a", 1, "MISSING", 0, 3)]  # resolved on day 3, not again on day 4


def test_without_a_change_there_is_no_commit(lake: Lake) -> None:
    first = store(lake, day(0), "ab", ("a", 1, "MISSING"))
    assert store(lake, day(1), "abc", ("a", 1, "MISSING")) == first
    assert store(lake, day(2), "d", ("d", 1, "MISSING")) == first + 1
    with_d = {Path(path).name for path in silver.files(lake, "quarantine")[1]}
    assert len(with_d) == 2, "another export's rows are added: the file of the first stays as it is"


def test_the_same_bytes_under_another_name_are_the_same_record(lake: Lake) -> None:
    store(lake, day(0), "a", ("a", 1, "MISSING"))
    renamed = rejected(day(1), ("a", 1, "MISSING")).with_columns(pl.lit("f (1).csv").alias("source_object"))
    silver.quarantine(lake, renamed, [("1001", "tag", "a")], META, at=day(1))
    assert standing(lake) == [("a", 1, "MISSING", 0, None)]


Refreshes = st.lists(
    st.dictionaries(st.sampled_from("abc"), st.dictionaries(st.integers(1, 3), st.sampled_from(["X", "Y"]), max_size=3), min_size=1),
    min_size=1, max_size=6,
)  # fmt: skip


@settings(max_examples=12, deadline=None)
@given(Refreshes)
def test_law_unresolved_rows_are_what_the_last_load_of_each_export_rejected(
    tmp_path_factory: pytest.TempPathFactory, history: list[dict[str, dict[int, str]]]
) -> None:
    """Whatever the history: unresolved = the last load's rejects; nothing that was ever rejected vanishes; the first day is kept."""
    lake = Lake(tmp_path_factory.mktemp("law")).create()
    last: dict[str, dict[int, str]] = {}
    first: dict[tuple[str, int, str], int] = {}
    for number, load in enumerate(history):
        rows = [(batch, row, rule) for batch, found in load.items() for row, rule in found.items()]
        store(lake, day(number), "".join(load), *rows)
        last |= load
        for row in rows:
            first.setdefault(row, number)
    found = standing(lake)
    assert {row[:3] for row in found if row[4] is None} == {(b, n, rule) for b, rows in last.items() for n, rule in rows.items()}
    assert {row[:3]: row[3] for row in found} == first
    assert len(found) == len(first)


# --- list and show -----------------------------------------------------------------------------------------------------------------


def test_rows_are_told_by_plant_source_table_and_rule(lake: Lake) -> None:
    store(lake, day(0), "ab", ("a", 1, "MISSING"), ("a", 2, "MISSING"), ("b", 1, "MISSING"), ("b", 2, "NOT_A_TIME"))
    store(lake, day(1), "a", ("a", 1, "MISSING"))  # a 2 is resolved
    shown = ("rule", "rows", "resolved", "exports", "example")
    assert quarantine.summary(lake, Wanted()).select(shown).rows() == [
        ("MISSING", 2, 0, 2, "MISSING: x"),
        ("NOT_A_TIME", 1, 0, 1, "NOT_A_TIME: x"),
    ]
    assert quarantine.summary(lake, Wanted(all=True)).select(shown).rows()[0] == ("MISSING", 2, 1, 2, "MISSING: x")
    assert quarantine.summary(lake, Wanted(rule="NOT_A_TIME")).select("rows").rows() == [(1,)]
    assert quarantine.summary(lake, Wanted(plants=["1002"])).is_empty()
    assert quarantine.summary(lake, Wanted(table="material")).is_empty()


def test_records_are_found_by_the_start_of_their_id(lake: Lake) -> None:
    store(lake, day(0), "a", ("a", 1, "MISSING"), ("a", 2, "MISSING"))
    both = quarantine.records(lake, Wanted())
    assert both["row_number"].to_list() == [1, 2]
    assert quarantine.records(lake, Wanted(), ids=[both["quarantine_id"][1][:10]])["row_number"].to_list() == [2]
    assert len(quarantine.records(lake, Wanted(), limit=1)) == 1


def test_an_empty_lake_has_no_rejected_rows(lake: Lake) -> None:
    assert quarantine.summary(lake, Wanted()).is_empty()
    assert quarantine.waiting(lake) == {}


# --- replay ------------------------------------------------------------------------------------------------------------------------


def odd(portfolio: SmallPortfolio) -> SmallPortfolio:
    """Plants a and b; a delivered two counts in boxes and two odd stops: 4 records are rejected."""
    portfolio.good("a", "b").file("a", "counts_2.csv", *BOXES, header=COUNTS)
    portfolio.file("a", "stops_3.csv", *ODD_STOPS)
    return portfolio


def lake_of(portfolio: SmallPortfolio) -> Lake:
    return Lake(portfolio.root / "lake")


def conserved(portfolio: SmallPortfolio) -> None:
    """Per committed export and table: unresolved records = what the ledger says was rejected."""
    accounts = portfolio.ledger().filter(pl.col("table_state") == "COMMITTED", pl.col("rejected") > 0)
    keys = ["plant_id", "batch_id", "table_name", "rejected"]
    assert quarantine.unresolved(lake_of(portfolio)).select(keys).rows() == accounts.select(keys).sort(keys).rows()


def replay(portfolio: SmallPortfolio, pairs: quarantine.Pairs) -> None:
    """Bronze and silver of a replay, as the refresh does them."""
    job = Refresh(portfolio.root)
    with closing(job), writer_lock(job.lake):
        todo = quarantine.force(job.plan(), pairs)
        job.land(todo)
        job.load(todo)


def test_the_tables_with_unresolved_rows_wait(portfolio: SmallPortfolio) -> None:
    odd(portfolio).load()
    conserved(portfolio)
    lake = lake_of(portfolio)
    assert quarantine.waiting(lake) == {"a": [("erp", "production_count"), ("mes", "equipment_state_event")]}
    assert quarantine.waiting(lake, source="erp") == {"a": [("erp", "production_count")]}
    assert quarantine.waiting(lake, ["b"]) == quarantine.waiting(lake, []) == quarantine.waiting(lake, table="tag") == {}


def test_replay_makes_again_what_waits_although_no_mapping_changed(portfolio: SmallPortfolio) -> None:
    odd(portfolio).load()
    lake = lake_of(portfolio)
    pairs = quarantine.waiting(lake)
    before, rows = quarantine.open_ids(lake, pairs), portfolio.silver("production_count").drop("_ingested_at")
    replay(portfolio, pairs)  # nothing was mended
    done = quarantine.replayed(lake, before)
    assert (done.resolved, done.remain) == (0, 4)
    assert done.remaining.select("rule", "rows").sort("rule").rows() == [("NEG_DURATION", 1), ("UNKNOWN_STATE", 1), ("UNKNOWN_UNIT", 2)]
    assert portfolio.silver("production_count").drop("_ingested_at").equals(rows)
    conserved(portfolio)


def test_records_are_conserved_when_what_was_mended_is_broken_again(portfolio: SmallPortfolio) -> None:
    portfolio.good("a").file("a", "counts_2.csv", *BOXES, header=COUNTS)
    words = portfolio.root / "vocabularies" / "unit_aliases.csv"
    words.parent.mkdir()
    for aliases, waiting in (("", 2), ("a,Krt,{piece}\n", 0), ("", 2)):
        words.write_text(f"plant,alias,ucum\n{aliases}")
        portfolio.load()
        conserved(portfolio)
        assert quarantine.unresolved(lake_of(portfolio))["rejected"].sum() == waiting


def test_a_pair_that_no_plant_file_maps_is_told(portfolio: SmallPortfolio) -> None:
    odd(portfolio).load()
    about = plant_file("a")
    del about["sources"]["erp"]
    portfolio.plant("a", about)
    waiting = quarantine.waiting(lake_of(portfolio)) | {"gone": [("mes", "equipment_state_event")]}
    pairs, problems = quarantine.mapped(waiting, Refresh(portfolio.root).portfolio)
    assert pairs == {"a": [("mes", "equipment_state_event")]}
    assert [problem.where for problem in problems] == ["a · erp · production_count", "gone"]


def run(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, *arguments: str | Path) -> tuple[int, str, str]:
    """`plantlake quarantine ...`: exit code, stdout, stderr."""
    monkeypatch.setattr(sys, "argv", ["plantlake", "quarantine", *map(str, arguments)])
    with pytest.raises(SystemExit) as ended:
        main()
    told = capsys.readouterr()
    return int(ended.value.code or 0), told.out, told.err


def test_the_command_line_from_a_rejected_unit_to_its_replay(
    portfolio: SmallPortfolio, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    odd(portfolio).load()
    here = ("-p", portfolio.root)
    code, out, err = run(capsys, monkeypatch, "list", *here)
    assert code == 0
    assert [" ".join(line.split()[:6]) for line in out.splitlines()[1:2]] == ["a erp production_count UNKNOWN_UNIT 2 1"]
    assert "4 records in quarantine" in err

    _, out, _ = run(capsys, monkeypatch, "list", *here, "--json", "--plant", "a", "--table", "equipment_state_event")
    assert Counter(row["rule"] for row in json.loads(out)) == {"NEG_DURATION": 1, "UNKNOWN_STATE": 1}

    _, out, err = run(capsys, monkeypatch, "show", *here, "--rule", "UNKNOWN_UNIT", "--limit", "1")
    assert "a · erp · production_count · counts_2.csv · record 1" in out
    assert '"Uom":"Krt"' in out  # as delivered
    assert "There are more" in err
    _, out, _ = run(capsys, monkeypatch, "show", *here, "--rule", "UNKNOWN_UNIT", "--json")
    rows: list[dict[str, Any]] = json.loads(out)
    assert [(row["row_number"], row["source_object"]) for row in rows] == [(1, "counts_2.csv"), (2, "counts_2.csv")]
    _, out, _ = run(capsys, monkeypatch, "show", rows[1]["quarantine_id"], *here, "--json")
    assert [row["row_number"] for row in json.loads(out)] == [2]

    (portfolio.root / "vocabularies").mkdir()
    (portfolio.root / "vocabularies" / "unit_aliases.csv").write_text("plant,alias,ucum\na,Krt,{piece}\n")
    (portfolio.root / "landing" / "a" / "counts_2.csv").unlink()  # the plant has nothing more to give: bronze has
    make_quick(monkeypatch)
    code, out, err = run(capsys, monkeypatch, "replay", *here)
    assert code == 1  # the two stops still wait
    assert "2 records resolved, 2 still wait" in err
    assert "NEG_DURATION" in out
    assert "UNKNOWN_STATE" in out
    assert len(portfolio.silver("production_count")) == 2 * len(("D1", "D2")) + len(BOXES)
    conserved(portfolio)
    _, out, _ = run(capsys, monkeypatch, "list", *here, "--all", "--rule", "UNKNOWN_UNIT", "--json")
    assert [(row["rows"], row["resolved"]) for row in json.loads(out)] == [(0, 2)]


def test_nothing_in_quarantine_is_said(
    portfolio: SmallPortfolio, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    portfolio.good("a").load()
    assert run(capsys, monkeypatch, "list", "-p", portfolio.root) == (0, "", "Nothing is in quarantine.\n")
    code, _, err = run(capsys, monkeypatch, "replay", "-p", portfolio.root)
    assert (code, "Nothing to replay" in err) == (0, True)
