"""Loading costs what changed: what is read, what is written, and what is left alone, whatever the history of a plant.

Here: files opened and columns read, counted where all reads of silver pass; versions and files of tables before and after.
Elsewhere: that the rows are right (`test_bad_input.py`), versions (`tests/transforms/test_revisions.py`).
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime
from itertools import pairwise
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from small_portfolio import COUNTS, DAY_1, DAY_2, SmallPortfolio, plant_file

from connectors.errors import LockedError, Problem
from pipelines import silver
from pipelines.lake import Lake
from pipelines.load import Loader
from pipelines.refresh import Refresh
from transforms.tables import STATEMENTS, TABLES

STOPS = "equipment_state_event"
CALENDAR = ("shift_instance", "planned_downtime", "production_day")
ALL = [*TABLES, *STATEMENTS, "quarantine"]


def stop(day: date, minutes: int = 30) -> list[str]:
    """A day of one unit: run, a stop of so many minutes from 09:00, run."""
    return [
        f"M1;{day} 06:00;{day} 09:00;RUN;;", f"M1;{day} 09:00;{day} 09:{minutes};DELAY_EQ;17;", f"M1;{day} 09:{minutes};{day} 14:00;RUN;;",
    ]  # fmt: skip


def count(day: date, document: str = "") -> str:
    return f"M1;{day} 10:00;{document};100;2;pcs"


def about(documents: bool, **more: Any) -> dict[str, Any]:
    """A plant whose exports state when they were taken; its counts have numbers of documents, or none."""
    found = {**plant_file("a"), **more}
    found["sources"]["mes"]["exported_at"] = {"from_name": r"stops_(\d{8})"}
    found["sources"]["erp"]["exported_at"] = {"from_name": r"counts_(\d{8})"}
    if not documents:
        del found["sources"]["erp"]["tables"]["production_count"]["columns"]["document"]
    return found


def stops_only() -> dict[str, Any]:
    found = about(documents=False)
    del found["sources"]["erp"]
    return found


def divmod_month(number: int) -> tuple[int, int]:
    """Year and month of a count of months."""
    return number // 12, number % 12 + 1


def history(portfolio: SmallPortfolio, months: int, documents: bool) -> SmallPortfolio:
    """A lake with a day of data in each of so many months up to June 2025, loaded."""
    days = [date(*divmod_month(2025 * 12 + 5 - number), 12) for number in range(months)]
    portfolio.plant("a", about(documents, data_start_on=days[-1].replace(day=1).isoformat()))
    for number, day in enumerate(days):
        portfolio.file("a", f"stops_{day:%Y%m%d}.csv", *stop(day))
        portfolio.file("a", f"counts_{day:%Y%m%d}.csv", count(day, f"D{number}"), header=COUNTS)
    assert portfolio.load().problems == []
    return portfolio


Read = tuple[str, tuple[str, ...], int, int]
"""Table, columns (none: all), files, rows of one read."""


@contextmanager
def counted(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[Read]]:
    """What is read of silver within the block."""
    reads: list[Read] = []
    scan = silver._scan

    def spy(lake: Lake, table: str, paths: list[str], keys: Any = None, wanted: Any = None) -> pl.LazyFrame:
        rows = sum(pl.scan_parquet(lake.table(table) / path).select(pl.len()).collect().item() for path in paths)
        reads.append((table, tuple(wanted or ()), len(paths), rows))
        return scan(lake, table, paths, keys, wanted)

    with monkeypatch.context() as patch:
        patch.setattr(silver, "_scan", spy)
        yield reads


def versions(portfolio: SmallPortfolio) -> dict[str, int | None]:
    lake = Lake(portfolio.root / "lake")
    return {name: silver.version(lake, name) for name in ALL}


def changed(portfolio: SmallPortfolio, before: dict[str, int | None]) -> set[str]:
    return {name for name, version in versions(portfolio).items() if version != before[name]}


def files(portfolio: SmallPortfolio, table: str) -> set[str]:
    return set(silver.files(Lake(portfolio.root / "lake"), table)[1])


def partitions(paths: set[str]) -> set[str]:
    return {"/".join(Path(path).parts[-3:-1]) for path in paths}


# --- what is read --------------------------------------------------------------------------------------------------------------


def a_new_day(portfolio: SmallPortfolio, monkeypatch: pytest.MonkeyPatch, document: str = "") -> list[Read]:
    day = date(2025, 6, 17)
    portfolio.file("a", "stops_20250617.csv", *stop(day))
    portfolio.file("a", "counts_20250617.csv", count(day, document), header=COUNTS)
    with counted(monkeypatch) as reads:
        assert portfolio.load().problems == []
    return reads


def test_a_new_day_reads_the_same_in_lakes_of_1_12_and_60_months(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    found = [a_new_day(history(SmallPortfolio(tmp_path / str(months)), months, documents=False), monkeypatch) for months in (1, 12, 60)]
    assert found[0] == found[1] == found[2]
    assert {(table, count) for table, _, count, _ in found[0]} == {
        (STOPS, 1), ("production_count", 1), *((name, 1) for name in ("shift_instance", "production_day")),
        ("source_watermark", 1), ("equipment", 1),
    }  # fmt: skip


def test_ids_of_documents_are_looked_up_and_nothing_else_of_older_months(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    reads = a_new_day(history(SmallPortfolio(tmp_path / "p"), 12, documents=True), monkeypatch, "D99")
    of_counts = sorted((columns, count) for table, columns, count, _ in reads if table == "production_count")
    assert of_counts == [((), 1), (("month", "count_id"), 11)]
    assert all(count == 1 for table, _, count, _ in reads if table != "production_count")


def test_a_document_that_moves_to_another_month_is_one_record(tmp_path: Path) -> None:
    portfolio = history(SmallPortfolio(tmp_path / "p"), 3, documents=True)  # D1 is of 12 May
    portfolio.file("a", "counts_20250620.csv", count(date(2025, 6, 19), "D1"), header=COUNTS)
    portfolio.load()
    rows = silver.read(Lake(portfolio.root / "lake"), "production_count").filter(pl.col("document_no") == "D1").sort("revision").collect()
    assert rows.select("month", "revision", "is_current").rows() == [("2025-05", 1, False), ("2025-06", 2, True)]


# --- what is written -----------------------------------------------------------------------------------------------------------


def test_a_correction_of_one_row_rewrites_one_partition_of_one_table(tmp_path: Path) -> None:
    portfolio = history(SmallPortfolio(tmp_path / "p"), 12, documents=False)
    before, stops = versions(portfolio), files(portfolio, STOPS)
    # an export of the day of the last one, that corrects a stop of 12 March: 09:45 instead of 09:30. The third row so is a new one.
    portfolio.file("a", "stops_20250613.csv", stop(date(2025, 3, 12), 45)[1])
    portfolio.load()
    assert changed(portfolio, before) == {STOPS}
    after = files(portfolio, STOPS)
    assert partitions(stops - after) == partitions(after - stops) == {"plant_id=a/month=2025-03"}
    assert (len(stops - after), len(after - stops)) == (1, 1)


def test_what_is_delivered_again_in_another_file_commits_nothing(portfolio: SmallPortfolio) -> None:
    portfolio.good("a", "b").load()
    before = versions(portfolio)
    portfolio.file("a", "stops_3.csv", *reversed(DAY_1))
    outcome = portfolio.load()
    assert (outcome.exports, outcome.changed, changed(portfolio, before)) == (1, {}, set())
    account = portfolio.ledger().filter(pl.col("name") == "stops_3.csv")
    assert account.select("table_state", "records_read", "accepted", "duplicate").row(0) == ("COMMITTED", 3, 0, 3)


def test_a_mapping_that_says_the_same_commits_nothing(portfolio: SmallPortfolio) -> None:
    portfolio.good("a").load()
    before = versions(portfolio)
    other = plant_file("a")
    other["sources"]["mes"]["tables"][STOPS]["columns"]["source_reason_code"] = {"from": "Reason", "nulls": ["never seen"]}
    portfolio.plant("a", other)
    assert portfolio.plans()
    portfolio.load()
    assert changed(portfolio, before) == set()
    assert not portfolio.plans()


def test_a_statement_rewrites_its_own_table_of_its_own_plant(portfolio: SmallPortfolio) -> None:
    portfolio.good("a", "b").load()
    before = versions(portfolio)
    portfolio.plant("a", {**plant_file("a"), "name": "Another name"})
    assert portfolio.load().changed == {"plant": ["a"]}
    assert changed(portfolio, before) == {"plant"}
    assert portfolio.silver("plant").sort("plant_id")["plant_name"].to_list() == ["Another name", "B"]


def test_a_holiday_rewrites_the_month_that_it_lies_in(tmp_path: Path) -> None:
    portfolio = history(SmallPortfolio(tmp_path / "p"), 12, documents=False)
    before, shifts = versions(portfolio), files(portfolio, "shift_instance")
    portfolio.plant("a", about(documents=False, holidays=["2025-03-14"], data_start_on="2024-07-01"))
    portfolio.load()
    assert changed(portfolio, before) == {"shift_instance"}
    assert partitions(files(portfolio, "shift_instance") - shifts) == {"plant_id=a/month=2025-03"}
    gone = silver.read(Lake(portfolio.root / "lake"), "shift_instance").filter(pl.col("is_deleted")).collect()
    assert gone["production_day"].to_list() == [date(2025, 3, 14)]


def test_rejected_rows_are_written_when_they_change(portfolio: SmallPortfolio) -> None:
    portfolio.good("a").file("a", "stops_3.csv", "M1;never;;RUN;;")
    portfolio.load()
    before = versions(portfolio)
    portfolio.file("a", "stops_4.csv", *DAY_2, "M1;2025-06-04 06:00;2025-06-04 07:00;RUN;;")
    portfolio.load()
    assert "quarantine" not in changed(portfolio, before)
    portfolio.file("a", "stops_5.csv", "M1;2025-06-05 06:00;2025-06-05 07:00;RUN;;", "M1;never again;;RUN;;")
    portfolio.load()
    assert "quarantine" in changed(portfolio, before)
    assert sorted(portfolio.silver("quarantine")["source_object"]) == ["stops_3.csv", "stops_5.csv"]


# --- the calendar grows with the data ------------------------------------------------------------------------------------------


def calendar_file() -> dict[str, Any]:
    """Nights over the ends of months, a break, a zone with summer time and a day that starts at 06:00."""
    more = {
        "shifts": {"E": {"at": "06:00-14:00", "days": "daily"}, "N": {"at": "22:00-06:00", "days": "daily"}},
        "breaks": {"night break": {"at": "02:00-02:30", "days": "daily"}},
        "production_day_start": "06:00", "timezone": "America/Chicago",
    }  # fmt: skip
    return about(documents=False, **more)


def stated_rows(portfolio: SmallPortfolio, table: str) -> pl.DataFrame:
    rows = portfolio.silver(table)
    kept = [name for name in rows.columns if not name.startswith("_") and name not in ("revision", "dq_flags")]
    return rows.select(kept).sort(pl.all())


def test_a_calendar_that_grew_day_by_day_is_the_one_of_a_lake_loaded_at_once(tmp_path: Path) -> None:
    days = [
        date(2024, 12, 30),
        date(2025, 1, 1),
        date(2025, 1, 31),
        date(2025, 3, 8),
        date(2025, 3, 9),
        date(2024, 11, 29),
        date(2025, 5, 1),
    ]
    grown, at_once = SmallPortfolio(tmp_path / "grown"), SmallPortfolio(tmp_path / "at once")
    for lake in (grown, at_once):
        lake.plant("a", calendar_file())
    for day in days:
        for lake in (grown, at_once):
            lake.file("a", f"stops_{day:%Y%m%d}.csv", *stop(day))
            lake.file("a", f"counts_{day:%Y%m%d}.csv", count(day), header=COUNTS)
        assert grown.load().problems == []
    at_once.load()
    for table in CALENDAR:
        assert stated_rows(grown, table).equals(stated_rows(at_once, table)), table
    # From two days before 29 November to two days after 1 May: 2 + 31 + 31 + 28 + 31 + 30 + 1 days from the 29th, and four neighbours
    assert len(grown.silver("production_day")) == 2 + 31 + 31 + 28 + 31 + 30 + 1 + 4


@pytest.mark.parametrize(("first", "then"), [("19:00-03:00", "14:00-22:00"), ("14:00-22:00", "19:00-03:00")])
def test_a_shift_that_moved_into_another_month_stays_there_when_its_calendar_grows(tmp_path: Path, first: str, then: str) -> None:
    """In Chicago 19:00 on 31 January is 1 February 01:00 UTC, and 14:00 is 31 January 20:00 UTC. The calendar then grows in February
    alone, whose file holds one version of that shift and not the other."""
    grown = SmallPortfolio(tmp_path / "grown")
    for at, day in ((first, date(2025, 1, 20)), (first, date(2025, 2, 10)), (then, date(2025, 2, 11)), (then, date(2025, 2, 20))):
        grown.plant("a", about(documents=False, timezone="America/Chicago", shifts={"L": {"at": at, "days": "daily"}}))
        grown.file("a", f"stops_{day:%Y%m%d}.csv", *stop(day))
        grown.file("a", f"counts_{day:%Y%m%d}.csv", count(day), header=COUNTS)
        assert grown.load().problems == []
    of_day = grown.silver("shift_instance").filter(pl.col("production_day") == date(2025, 1, 31))
    starts = {"19:00-03:00": "2025-02-01 01:00", "14:00-22:00": "2025-01-31 20:00"}
    assert of_day.select(pl.col("start_ts").dt.strftime("%Y-%m-%d %H:%M"), "revision").rows() == [(starts[then], 2)]


def test_a_horizon_that_shrinks_takes_its_days_back(portfolio: SmallPortfolio) -> None:
    """A name that was believed to cover its month covers its day: the source has told less than was thought."""
    plant = stops_only()
    plant["sources"]["mes"]["covers"] = {"from_name": r"stops_(\d{6})"}
    portfolio.plant("a", plant)
    portfolio.file("a", "stops_20250402.csv", *stop(date(2025, 4, 2)))
    portfolio.load()
    assert portfolio.silver("production_day")["production_day"].max() == date(2025, 5, 3)  # the watermark is 1 May, and two days more
    plant["sources"]["mes"]["covers"] = {"from_name": r"stops_(\d{8})"}
    portfolio.plant("a", plant)
    portfolio.load()
    assert portfolio.silver("production_day")["production_day"].max() == date(2025, 4, 5)  # the watermark is 3 April
    assert portfolio.silver("shift_instance")["production_day"].max() == date(2025, 4, 4)
    assert partitions(files(portfolio, "production_day")) == {"plant_id=a/month=2025-03", "plant_id=a/month=2025-04"}


# --- the lock ------------------------------------------------------------------------------------------------------------------


def load_with(portfolio: SmallPortfolio, check: Any) -> None:
    job = Refresh(portfolio.root)
    with closing(job):
        todo = job.plan()
        loader = Loader(job.portfolio, job.lake, job.ledger, job.outcome.refresh_id, job.at, check=check)
        loader.land(todo)
        loader.load(todo)


def test_the_lock_is_checked_before_each_commit(portfolio: SmallPortfolio) -> None:
    portfolio.good("a").file("a", "stops_3.csv", "M1;never;;RUN;;")
    before = versions(portfolio)
    seen: list[dict[str, int | None]] = []
    load_with(portfolio, lambda: seen.append(versions(portfolio)))
    written = changed(portfolio, before)
    assert len(seen) == len(written) > 5
    states = [*seen, versions(portfolio)]
    assert all(len([name for name in ALL if one[name] != two[name]]) == 1 for one, two in pairwise(states))


def test_who_lost_the_lock_writes_nothing_more(portfolio: SmallPortfolio) -> None:
    portfolio.good("a")
    before = versions(portfolio)

    def lost() -> None:
        raise LockedError(Problem("lost"))

    with pytest.raises(LockedError):
        load_with(portfolio, lost)
    assert changed(portfolio, before) == set()
    assert portfolio.ledger()["table_state"].drop_nulls().is_empty()


# --- windows ---------------------------------------------------------------------------------------------------------------------


@dataclass
class Windowed:
    """A plant whose stops come in exports that replace the local days of their name."""

    portfolio: SmallPortfolio

    def plant(self) -> Windowed:
        found = stops_only()
        found["sources"]["mes"]["exported_at"] = {"from_name": r"_at_(\d{8})"}
        found["sources"]["mes"]["covers"] = {"from_name": r"stops_(\d{8})_(\d{8})"}
        found["sources"]["mes"]["tables"][STOPS]["mode"] = "window"
        self.portfolio.plant("a", found)
        return self

    def deliver(self, name: str, *lines: str) -> list[Problem]:
        self.portfolio.file("a", name, *lines)
        return self.portfolio.load().problems

    def starts(self) -> list[str]:
        """Local starts of the stops that stand."""
        return sorted(self.portfolio.silver(STOPS)["start_ts_source"])


@pytest.fixture
def windowed(portfolio: SmallPortfolio) -> Windowed:
    return Windowed(portfolio).plant()


def events(day: int, hours: range) -> list[str]:
    return [f"M1;2025-06-{day:02d} {hour:02d}:00;2025-06-{day:02d} {hour:02d}:50;RUN;;" for hour in hours]


def test_a_shrunk_window_deletes_what_it_no_longer_holds(windowed: Windowed) -> None:
    windowed.deliver("stops_20250602_20250604_at_20250604.csv", *events(2, range(6, 9)), *events(3, range(6, 8)))
    assert windowed.deliver("stops_20250602_20250603_at_20250605.csv", *events(2, range(6, 8))) == []
    assert windowed.starts() == ["2025-06-02 06:00", "2025-06-02 07:00", "2025-06-03 06:00", "2025-06-03 07:00"]


def test_a_record_that_is_delivered_again_and_rejected_is_not_deleted(windowed: Windowed) -> None:
    windowed.deliver("stops_20250602_20250603_at_20250603.csv", *events(2, range(6, 9)))
    # the stop of 07:00 is there again, with an end that lies before its start
    damaged = "M1;2025-06-02 07:00;2025-06-02 06:10;RUN;;"
    windowed.deliver("stops_20250602_20250603_at_20250604.csv", *events(2, range(6, 7)), damaged)
    assert windowed.starts() == ["2025-06-02 06:00", "2025-06-02 07:00"]
    assert windowed.portfolio.silver("quarantine")["rule"].to_list() == ["NEG_DURATION"]


def test_rows_outside_the_window_are_accepted_and_flagged_and_delete_nothing(windowed: Windowed) -> None:
    windowed.deliver("stops_20250605_20250606_at_20250606.csv", *events(5, range(6, 8)))
    # an export of 2 June that also holds a stop of 5 June, of which there are two; and one that reaches over the edge of its window
    over_the_edge = "M1;2025-06-02 23:00;2025-06-03 02:00;RUN;;"
    problems = windowed.deliver("stops_20250602_20250603_at_20250607.csv", *events(2, range(6, 7)), over_the_edge, *events(5, range(6, 7)))
    assert problems == []
    assert windowed.starts() == ["2025-06-02 06:00", "2025-06-02 23:00", "2025-06-05 06:00", "2025-06-05 07:00"]
    rows = silver.read(Lake(windowed.portfolio.root / "lake"), STOPS).collect()
    assert rows.filter(pl.col("dq_flags").list.contains("OUTSIDE_WINDOW")).is_empty(), "the stop of 5 June only repeated what stood"
    windowed.deliver("stops_20250602_20250603_at_20250608.csv", *events(2, range(6, 7)), over_the_edge, *events(9, range(6, 7)))
    flagged = windowed.portfolio.silver(STOPS).filter(pl.col("dq_flags").list.contains("OUTSIDE_WINDOW"))
    assert flagged["start_ts_source"].to_list() == ["2025-06-09 06:00"]
    # nobody told of 7 and 8 June: the source is believed up to the end of the latest window, 6 June at 00:00 in Berlin
    watermark = windowed.portfolio.silver("source_watermark")["data_to"].to_list()
    assert [moment.isoformat() for moment in watermark] == ["2025-06-05T22:00:00+00:00"]
    ledger = windowed.portfolio.ledger().filter(pl.col("table_name") == STOPS)
    assert ledger["accepted"].sum() + ledger["duplicate"].sum() == ledger["records_read"].sum() == 2 + 3 + 3


def test_an_export_that_empties_most_of_its_window_is_told(windowed: Windowed) -> None:
    windowed.deliver("stops_20250602_20250604_at_20250604.csv", *events(2, range(0, 12)), *events(3, range(0, 12)))
    cut_off = windowed.deliver("stops_20250602_20250604_at_20250605.csv", *events(2, range(0, 2)))
    assert [problem.export for problem in cut_off] == ["stops_20250602_20250604_at_20250605.csv"]
    assert "22 of 24 records" in str(cut_off[0])
    assert len(windowed.starts()) == 2
    # the whole export brings them back, as new versions
    assert windowed.deliver("stops_20250602_20250604_at_20250606.csv", *events(3, range(0, 12)), *events(2, range(0, 12))) == []
    assert len(windowed.starts()) == 24


def test_a_window_reads_its_own_months(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    windowed = Windowed(SmallPortfolio(tmp_path / "p")).plant()
    for month in (2, 3, 4, 5):
        windowed.portfolio.file("a", f"stops_2025{month:02d}10_2025{month:02d}12_at_2025{month:02d}12.csv", *stop(date(2025, month, 10)))
    windowed.portfolio.load()
    with counted(monkeypatch) as reads:
        assert windowed.deliver("stops_20250410_20250412_at_20250601.csv", *stop(date(2025, 4, 10))[:2]) == []
    assert [(files, columns) for table, columns, files, _ in reads if table == STOPS] == [(1, ())]


# --- names ---------------------------------------------------------------------------------------------------------------------


def test_what_names_state_follows_the_plant_file(portfolio: SmallPortfolio) -> None:
    """A window that names no longer state is no watermark any more, in this refresh and in the next."""
    plant = stops_only()
    plant["sources"]["mes"]["covers"] = {"from_name": r"stops_(\d{8})"}
    portfolio.plant("a", plant)
    portfolio.file("a", "stops_20250602.csv", *stop(date(2025, 6, 2)))
    portfolio.load()

    def told() -> list[datetime]:
        return list(portfolio.silver("source_watermark")["data_to"])

    assert told() == [datetime(2025, 6, 2, 22, tzinfo=UTC)]  # the end of 2 June in Berlin
    del plant["sources"]["mes"]["covers"]
    portfolio.plant("a", plant)
    portfolio.load()
    assert told() == [datetime(2025, 6, 2, 12, tzinfo=UTC)]  # the end of the data
    portfolio.file("a", "stops_20250603.csv", "M2;2025-06-02 06:00;2025-06-02 13:00;RUN;;")
    portfolio.load()
    assert told() == [datetime(2025, 6, 2, 12, tzinfo=UTC)]
