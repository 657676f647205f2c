"""What a lake holds depends on what was delivered, not on when, how often, or under which plant file it was loaded first.

Here: small cases of one plant, each compared with a lake that got everything at once. Elsewhere: random plants (`tests/laws`), what a
refresh reads and writes (`test_load_work.py`).
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from small_portfolio import COUNTED, COUNTS, HEADER, SmallPortfolio, plant_file

from pipelines import ledger as ledgers
from pipelines import load_deliveries, silver
from pipelines.ledger import ExportLedger, ExportRow, TableRow
from pipelines.refresh import Refresh
from transforms.tables import LINEAGE

STOPS = "equipment_state_event"
EARLY, LATE = "M1;2025-06-02 06:00;2025-06-02 09:00;RUN;17;", "M1;2025-06-02 06:00;2025-06-02 10:00;RUN;17;"
PLANNED = {"equipment": "Unit", "start_ts": "From", "end_ts": "To", "planned_class": {"const": "PLANNED_MAINT"}}
NOON = datetime(2025, 6, 2, 12, tzinfo=UTC)


def dated() -> dict[str, Any]:
    """Plant a: the names of its stops say when they were taken."""
    about = plant_file("a")
    about["sources"]["mes"]["exported_at"] = {"from_name": r"stops_(\d{8})"}
    return about


def versions(portfolio: SmallPortfolio, table: str) -> list[dict[str, Any]]:
    """All versions of what exports delivered; of what the plant file states, what holds."""
    rows = silver.read(Refresh(portfolio.root).lake, table).collect()
    stated = pl.col("_source_system") == "plant_file"
    rows = rows.filter(~stated | (pl.col("is_current") & ~pl.col("is_deleted")))
    rows = rows.with_columns(pl.when(stated).then(0).otherwise("revision").alias("revision"))
    kept = ("plant_id", "revision", "is_current", "is_deleted", "_source_system")
    return rows.drop(name for name in LINEAGE if name not in kept).sort(pl.all()).to_dicts()


def watermarks(portfolio: SmallPortfolio) -> dict[str, tuple[datetime, datetime]]:
    return {row["source_system"]: (row["data_from"], row["data_to"]) for row in portfolio.silver("source_watermark").to_dicts()}


# --- what one delivery is ----------------------------------------------------------------------------------------------------------


def test_bytes_that_are_copied_count_under_the_least_of_their_names(tmp_path: Path) -> None:
    # Both files end at 09:00, so their names order them: m before z. A copy of z named a makes m the last word.
    one_by_one, at_once = SmallPortfolio(tmp_path / "one by one"), SmallPortfolio(tmp_path / "at once")
    other = EARLY.replace(";17;", ";18;")
    for name, line in (("z", EARLY), ("m", other), ("a", EARLY)):
        for portfolio in (one_by_one, at_once):
            portfolio.plant("a")
            portfolio.file("a", f"stops_{name}.csv", line)
        one_by_one.load()
        if name == "m":
            assert one_by_one.silver(STOPS)["source_reason_code"].to_list() == ["17"]
    at_once.load()
    assert one_by_one.silver(STOPS)["source_reason_code"].to_list() == ["18"]
    assert versions(one_by_one, STOPS) == versions(at_once, STOPS)
    assert not one_by_one.plans()
    counted = one_by_one.ledger().filter(pl.col("table_name") == STOPS)
    assert len(counted) == 2, "three files, two deliveries"


def test_the_same_bytes_of_two_machines_are_two_deliveries(tmp_path: Path) -> None:
    """What a column takes from the name tells them apart; a copy that gives the same is none more."""
    portfolio, about = SmallPortfolio(tmp_path), plant_file("a")
    about["sources"]["mes"]["tables"][STOPS]["columns"]["equipment"] = {"from_name": r"stops_(\w)"}
    portfolio.plant("a", about)
    portfolio.file("a", "stops_x1.csv", EARLY)
    portfolio.load()
    portfolio.file("a", "stops_y1.csv", EARLY)
    portfolio.file("a", "stops_x2.csv", EARLY)
    portfolio.load()
    units = portfolio.silver("equipment").select("equipment_id", "equipment_code")
    assert sorted(portfolio.silver(STOPS).join(units, on="equipment_id")["equipment_code"].to_list()) == ["x", "y"]
    assert not portfolio.plans()


def cancelling() -> dict[str, Any]:
    """Plant a: its counts say in `Status` whether the document was cancelled."""
    about = plant_file("a")
    about["sources"]["erp"]["tables"]["production_count"]["withdrawn"] = {"column": "Status", "in": ["2"]}
    about["sources"]["erp"]["exported_at"] = {"from_name": r"counts_(\d{8})"}
    return about


def test_a_document_that_is_cancelled_counts_no_more(tmp_path: Path) -> None:
    """Told on Monday, cancelled on Tuesday, told so again on Wednesday: in whatever order the exports arrive."""
    told = {"20250602": "1", "20250603": "2", "20250604": "2"}
    lakes = []
    for number, days in enumerate((sorted(told), sorted(told, reverse=True))):
        portfolio = SmallPortfolio(tmp_path / str(number))
        portfolio.plant("a", cancelling())
        for day in days:
            portfolio.file("a", f"counts_{day}.csv", f"{COUNTED[0]};{told[day]}", f"{COUNTED[1]};1", header=f"{COUNTS};Status")
            portfolio.load()
        assert portfolio.silver("production_count")["document_no"].to_list() == ["D2"]
        lakes.append(versions(portfolio, "production_count"))
        account = portfolio.ledger().filter(pl.col("table_name") == "production_count").sort("name")
        assert account.select("records_read", "accepted", "duplicate").rows() == [(2, 2, 0), (2, 1, 1), (2, 0, 2)]
    assert lakes[0] == lakes[1]


def loaded_before(portfolio: SmallPortfolio, patch: pytest.MonkeyPatch) -> None:
    """Loads as plantlake did when the bytes alone made a delivery."""
    with patch.context() as before:
        before.setattr(load_deliveries, "identified", lambda plant, rows, loaded: list(rows))
        before.setattr(load_deliveries, "_said", lambda export: ())
        portfolio.load()
    with closing(sqlite3.connect(portfolio.root / "lake" / "ledger.sqlite")) as connection:
        connection.execute("PRAGMA user_version = 2")


def test_a_lake_from_before_is_not_delivered_again(portfolio: SmallPortfolio, monkeypatch: pytest.MonkeyPatch) -> None:
    portfolio.plant("a", dated())
    portfolio.file("a", "stops_20250603.csv", EARLY)
    loaded_before(portfolio, monkeypatch)
    before = portfolio.ledger().filter(pl.col("name").str.starts_with("stops"))
    portfolio.file("a", "counts_1.csv", *COUNTED, header=COUNTS)
    portfolio.file("a", "stops_20250603.csv", EARLY)  # touched
    portfolio.load()
    after = portfolio.ledger().filter(pl.col("name").str.starts_with("stops"))
    assert after["batch_id"].to_list() == before["batch_id"].to_list()
    assert after["committed_at"].to_list() == before["committed_at"].to_list()


def test_a_word_that_a_lake_from_before_took_for_a_repeat_is_heard(portfolio: SmallPortfolio, monkeypatch: pytest.MonkeyPatch) -> None:
    # The 3rd says 09:00, the 4th 10:00, the 5th 09:00 again: once two versions, now three.
    portfolio.plant("a", dated())
    for day, line in ((3, EARLY), (4, LATE), (5, EARLY)):
        portfolio.file("a", f"stops_2025060{day}.csv", line)
    loaded_before(portfolio, monkeypatch)
    assert portfolio.silver(STOPS)["revision"].to_list() == [2]
    portfolio.file("a", "counts_1.csv", *COUNTED, header=COUNTS)
    portfolio.load()
    assert portfolio.silver(STOPS)["revision"].to_list() == [3]
    assert portfolio.ledger().filter(pl.col("table_name") == STOPS).select("accepted", "duplicate").rows() == [(1, 0)] * 3
    assert not portfolio.plans()


def test_a_corrected_time_zone_makes_no_other_delivery(portfolio: SmallPortfolio) -> None:
    about = dated()
    portfolio.plant("a", about)
    portfolio.file("a", "stops_20250603.csv", EARLY)
    portfolio.load()
    before = portfolio.ledger()["batch_id"].to_list()
    about["timezone"] = "America/Chicago"
    portfolio.plant("a", about)
    portfolio.file("a", "stops_20250603.csv", EARLY)
    portfolio.load()
    at_once = SmallPortfolio(portfolio.root / "at once")
    at_once.plant("a", about)
    at_once.file("a", "stops_20250603.csv", EARLY)
    at_once.load()
    assert portfolio.ledger()["batch_id"].to_list() == before == at_once.ledger()["batch_id"].to_list()


# --- masters and what is stated -----------------------------------------------------------------------------------------------------


def mastered() -> dict[str, Any]:
    """Plant a: its units come by snapshot as well, the names of all its exports say when they were taken."""
    about = dated()
    columns = {"equipment": "Number", "equipment_name": "Name"}
    master = {**about["sources"]["mes"], "path": "units_*.csv", "exported_at": {"from_name": r"units_(\d{8})"}}
    about["sources"]["master"] = {**master, "tables": {"equipment": {"columns": columns}}}
    return about


def units(portfolio: SmallPortfolio) -> list[tuple[Any, ...]]:
    rows = silver.read(Refresh(portfolio.root).lake, "equipment").collect().sort("equipment_code", "revision")
    return rows.select("equipment_code", "equipment_name", "_source_system", "revision", "is_deleted", "is_current").rows()


def test_a_unit_of_the_master_counts_from_its_first_record_and_stands_again_when_the_master_drops_it(portfolio: SmallPortfolio) -> None:
    portfolio.plant("a", mastered())
    portfolio.file("a", "stops_20250603.csv", EARLY)
    portfolio.load()
    assert units(portfolio) == [("M1", "M1", "plant_file", 1, False, True)]
    portfolio.file("a", "units_20250601.csv", "M1;Press", "M2;Saw", header="Number;Name")
    portfolio.load()
    assert units(portfolio) == [("M1", "Press", "master", 1, False, True), ("M2", "Saw", "master", 1, False, True)]
    portfolio.file("a", "units_20250604.csv", "M3;Drill", header="Number;Name")  # M1 and M2 are gone; only M1 has data
    portfolio.load()
    assert units(portfolio) == [
        ("M1", "Press", "master", 1, False, False), ("M1", "Press", "master", 2, True, False), ("M1", "M1", "plant_file", 3, False, True),
        ("M2", "Saw", "master", 1, False, False), ("M2", "Saw", "master", 2, True, True), ("M3", "Drill", "master", 1, False, True),
    ]  # fmt: skip
    portfolio.file("a", "units_20250605.csv", "M1;Press", header="Number;Name")
    portfolio.load()
    assert units(portfolio)[:3] == [
        ("M1", "Press", "master", 1, False, False), ("M1", "Press", "master", 2, True, False), ("M1", "Press", "master", 3, False, True),
    ]  # fmt: skip


def test_a_unit_that_only_an_older_mapping_named_is_gone(portfolio: SmallPortfolio) -> None:
    about = plant_file("a")
    portfolio.plant("a", about)
    portfolio.file("a", "stops_1.csv", EARLY, "M7;2025-06-02 06:00;2025-06-02 09:00;SETUP;;")
    portfolio.load()
    assert portfolio.silver("equipment")["equipment_code"].sort().to_list() == ["M1", "M7"]
    columns = about["sources"]["mes"]["tables"][STOPS]["columns"]
    columns["state_class"] = {"from": "Class", "map": {"RUN": "RUN"}, "else": "reject"}
    portfolio.plant("a", about)
    portfolio.load()
    assert portfolio.silver("equipment")["equipment_code"].to_list() == ["M1"]


# --- spans -------------------------------------------------------------------------------------------------------------------------


def both_tables() -> dict[str, Any]:
    """Plant a: one file gives the stops and, at the start of each, a count."""
    about = plant_file("a")
    counts = {"equipment": "Unit", "event_ts": "From", "good_qty": {"from": "Minutes", "unit": "pcs"}}
    about["sources"]["mes"]["tables"]["production_count"] = {"columns": counts}
    del about["sources"]["erp"]
    return about


def without_ends(about: dict[str, Any]) -> None:
    del about["sources"]["mes"]["tables"][STOPS]["columns"]["end_ts"]


def all_rejected(about: dict[str, Any]) -> None:
    about["sources"]["mes"]["tables"][STOPS]["columns"]["state_class"] = {"from": "Class", "map": {"IDLE": "IDLE"}, "else": "reject"}


def in_kolkata(about: dict[str, Any]) -> None:
    about["timezone"] = "Asia/Kolkata"


@pytest.mark.parametrize("mend", [without_ends, all_rejected, in_kolkata])
@pytest.mark.parametrize("first", [plant_file, lambda _: both_tables()])
def test_data_that_are_made_anew_tell_their_span_anew(
    tmp_path: Path, first: Callable[[str], dict[str, Any]], mend: Callable[[dict[str, Any]], None]
) -> None:
    mended = first("a")
    mend(mended)
    late, at_once = SmallPortfolio(tmp_path / "late"), SmallPortfolio(tmp_path / "at once")
    for portfolio, about in ((late, first("a")), (at_once, mended)):
        portfolio.plant("a", about)
        portfolio.file("a", "stops_1.csv", f"{EARLY}5", "M1;2025-06-02 09:00;2025-06-02 11:00;RUN;;7")
        portfolio.load()
    late.plant("a", mended)
    late.load()
    told = late.ledger().select("data_from", "data_to", "export_order").unique().rows()
    assert told == at_once.ledger().select("data_from", "data_to", "export_order").unique().rows()
    assert watermarks(late) == watermarks(at_once)
    assert not late.plans()


def test_orders_that_reach_into_the_future_do_not_put_events_out_of_order(portfolio: SmallPortfolio) -> None:
    """Each table has its own place: the end of a plan says nothing of which stops are newer."""
    about = plant_file("a")
    about["sources"]["mes"]["tables"]["planned_downtime"] = {"columns": {**PLANNED, "end_ts": "Until"}}
    portfolio.plant("a", about)
    header = f"{HEADER};Until"
    portfolio.file("a", "stops_1.csv", f"{EARLY};2030-01-01 00:00", header=header)
    portfolio.load()
    before = portfolio.ledger().filter(pl.col("table_name") == STOPS)["committed_at"].to_list()
    portfolio.file("a", "stops_2.csv", "M1;2025-06-03 06:00;2025-06-03 09:00;RUN;;;2029-01-01 00:00", header=header)
    portfolio.load()
    accounts = portfolio.ledger().filter(pl.col("name") == "stops_1.csv")
    assert accounts.filter(pl.col("table_name") == STOPS)["committed_at"].to_list() == before, "the first file's stops are made once"


# --- entries of a plan ----------------------------------------------------------------------------------------------------------------


def planned_plant(**more: str) -> dict[str, Any]:
    about = dated()
    plan = {**about["sources"]["mes"], "path": "plan_*.csv", "exported_at": {"from_name": r"plan_(\d{8})"}}
    about["sources"]["plan"] = {**plan, "tables": {"planned_downtime": {"columns": {**PLANNED, **more}}}}
    return about


@pytest.mark.parametrize(("columns", "expected"), [({"entry": "Id"}, [(2, 30, 12)]), ({}, [(1, 2, 8), (1, 30, 12)])])
def test_a_planned_entry_with_its_own_id_moves(portfolio: SmallPortfolio, columns: dict[str, str], expected: list[tuple[int, ...]]) -> None:
    # Entry 7 moves from 2 June, 10:00 in Berlin, to 30 July, 14:00: into another month.
    portfolio.plant("a", planned_plant(**columns))
    portfolio.file("a", "stops_20250603.csv", EARLY)
    header = "Unit;From;To;Id"
    portfolio.file("a", "plan_20250601.csv", "M1;2025-06-02 10:00;2025-06-02 11:00;7", header=header)
    portfolio.load()
    portfolio.file("a", "plan_20250602.csv", "M1;2025-07-30 14:00;2025-07-30 15:00;7", header=header)
    portfolio.load()
    rows = portfolio.silver("planned_downtime").sort("start_ts")
    assert rows.select("revision", pl.col("start_ts").dt.day().alias("day"), pl.col("start_ts").dt.hour()).rows() == expected


# --- versions that nobody waits for ------------------------------------------------------------------------------------------------------


def test_a_failed_version_is_not_told_when_another_mapping_cannot_read_it_either(portfolio: SmallPortfolio) -> None:
    about = plant_file("a")
    del about["sources"]["erp"]
    portfolio.plant("a", about)
    portfolio.file("a", "stops_1.csv", EARLY, header=HEADER.replace("Class", "State"))
    assert portfolio.load().problems != []
    portfolio.file("a", "stops_1.csv", EARLY)
    assert portfolio.load().problems == []
    about["sources"]["mes"]["tables"][STOPS]["columns"]["source_state"] = "Class"
    portfolio.plant("a", about)
    assert portfolio.load().problems == []
    assert not portfolio.plans()


# --- ledgers from before ------------------------------------------------------------------------------------------------------------------


def test_accounts_from_before_take_the_span_of_their_export(tmp_path: Path) -> None:
    """Export 1 was taken at an unknown time and had events and orders; its events end at noon, its orders in 2030."""
    row = ExportRow(
        "a", "mes", "1.csv", "1.csv", "LANDED", sha256="aa", batch_id="b1", data_from=NOON, data_to=NOON,
        export_order="2030-01-01T00:00:00.000000|1.csv|aa",
    )  # fmt: skip
    accounts = [TableRow("a", "mes", "b1", table, "COMMITTED") for table in (STOPS, "production_order")]
    path = tmp_path / "lake" / "ledger.sqlite"
    with ExportLedger(path) as ledger:
        ledger.record_export(row)
        ledger.record_tables(accounts)
        assert spans(ledger) == {STOPS: (None, None), "production_order": (None, None)}
    expected = {STOPS: (NOON, NOON), "production_order": (None, datetime(2030, 1, 1, tzinfo=UTC))}
    with closing(sqlite3.connect(path)) as connection:
        for column in ("data_from", "data_to"):
            connection.execute(f"ALTER TABLE export_table DROP COLUMN {column}")
        connection.execute("PRAGMA user_version = 1")
        connection.commit()
    with ExportLedger(path) as ledger:
        assert spans(ledger) == expected
    for journal in (path.parent / "bronze" / "journal").glob("*.jsonl"):  # lines from before say nothing of spans
        journal.write_text(journal.read_text().replace(f',"{next(iter(ledgers.SPANNED))}":true', ""))
    path.unlink()
    with ExportLedger(path) as ledger:
        assert spans(ledger) == expected


def spans(ledger: ExportLedger) -> dict[str, tuple[datetime | None, datetime | None]]:
    return {row.table_name: (row.data_from, row.data_to) for row in ledger.tables("a")}
