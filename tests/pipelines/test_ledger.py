"""What the ledger remembers, and that it refuses accounts in which records were lost."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import polars as pl
import pytest

from connectors.errors import PlantlakeError
from pipelines.ledger import BLOCK_ROWS, EXPORT_LEDGER, ExportLedger, ExportRow, Past, Seen, TableRow

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
NAME = "stops/01.csv"
SEEN = ExportRow("1001", "mes", NAME, "/exports/stops/01.csv", "NEW", 10, NOON, first_seen_at=NOON)
LANDED = replace(SEEN, state="LANDED", sha256="aa", batch_id="b1", landed_at=NOON, exported_at=NOON, export_order="1|aa")
ACCOUNT = TableRow("1001", "mes", "b1", "production_count", "COMMITTED", 10, 6, 1, 2, {"heading": 1}, 6, "m1", "1", "r1", None, NOON)


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[ExportLedger]:
    with ExportLedger(tmp_path / "ledger.sqlite") as opened:
        yield opened


def test_what_was_seen_comes_back_as_it_was(ledger: ExportLedger) -> None:
    ledger.record_export(LANDED)
    assert ledger.exports("1001") == [LANDED]
    seen = ledger.seen("1001", "mes", [NAME, "stops/02.csv"])
    assert seen.keys() == {NAME}
    assert seen[NAME].is_as(10, NOON)
    assert not seen[NAME].is_as(10, NOON + timedelta(seconds=1))
    assert ledger.seen("01001", "mes", [NAME]) == {}
    assert (ledger.knows("1001"), ledger.knows("1001", "mes"), ledger.knows("1001", "erp"), ledger.knows("01001")) == (
        True,
        True,
        False,
        False,
    )


def test_an_export_is_new_then_failed_then_landed_in_one_row(ledger: ExportLedger) -> None:
    ledger.record_export(SEEN)
    ledger.failed(replace(SEEN, attempt="v1"), "truncated")
    assert ledger.seen("1001", "mes", [NAME]) == {NAME: Seen("FAILED", 10, NOON.isoformat(), "v1")}
    assert ledger.failing() == [("1001", "mes · stops/01.csv", None, "truncated")]
    assert ledger.exports("1001") == []
    ledger.record_export(replace(LANDED, first_seen_at=NOON + timedelta(hours=1)))
    assert ledger.exports("1001") == [LANDED]  # first seen at noon, no error left
    assert len(ledger.frame()) == 1


def test_other_bytes_under_the_same_name_are_another_version(ledger: ExportLedger) -> None:
    def last_size() -> int | None:
        return ledger.seen("1001", "mes", [NAME])[NAME].size

    other = replace(LANDED, sha256="bb", batch_id="b2", size=11)
    ledger.record_export(LANDED, other)
    assert ledger.exports("1001", "mes") == [LANDED, replace(other, export_order="1|aa")]
    assert last_size() == 11
    ledger.record_export(replace(LANDED, data_to=NOON))  # what the older one told, once more: that is no second delivery of it
    assert last_size() == 11
    ledger.record_export(replace(LANDED, landed_at=NOON + timedelta(hours=1)))  # and back again
    assert last_size() == 10


def test_what_is_known_stays_known(ledger: ExportLedger) -> None:
    ledger.record_export(replace(LANDED, data_to=NOON))
    ledger.record_export(replace(LANDED, export_order=None))
    [row] = ledger.exports("1001")
    assert (row.data_to, row.export_order) == (NOON, "1|aa")


def test_an_object_that_is_gone_keeps_what_it_gave(ledger: ExportLedger) -> None:
    ledger.record_export(LANDED)
    ledger.record_tables([ACCOUNT])
    ledger.gone("1001", "mes", ["stops/01.csv"])
    assert ledger.frame().select("export_state", "table_state", "accepted").rows() == [("GONE", "COMMITTED", 6)]


@pytest.mark.parametrize("lost", [{"accepted": 5}, {"records_read": 11}, {"filtered_by": {}}])
def test_records_are_conserved(ledger: ExportLedger, lost: dict[str, object]) -> None:
    with pytest.raises(PlantlakeError, match=r"read 1\d, accepted \d, rejected 1, duplicate 2, filtered \d") as raised:
        ledger.record_tables([ACCOUNT, replace(ACCOUNT, batch_id="b2", **lost)])  # type: ignore[arg-type]
    assert raised.value.problems[0].actor == "us"
    assert ledger.tables("1001") == []  # nothing of the refresh was written


def test_sqlite_itself_refuses_lost_records(ledger: ExportLedger) -> None:
    ledger.record_tables([ACCOUNT])
    with pytest.raises(sqlite3.IntegrityError), ledger.transaction():
        ledger._connection.execute("UPDATE export_table SET accepted = 7")


def test_a_failed_table_needs_no_counts(ledger: ExportLedger) -> None:
    failed = TableRow("1001", "mes", "b1", "production_count", "FAILED", mapping_version="m1", error="Column 'x' is not there.")
    ledger.record_tables([failed])
    ledger.record_tables([ACCOUNT])
    assert ledger.tables("1001") == [ACCOUNT]
    assert ledger.mapping_versions("1001") == {("mes", "production_count"): {"m1"}}


def test_a_refresh_is_written_as_a_whole(ledger: ExportLedger) -> None:
    def refresh() -> None:
        with ledger.transaction():
            ledger.record_export(LANDED)
            ledger.record_plant("1001", "hash", NOON)
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        refresh()
    assert (ledger.exports("1001"), ledger.plant_states()) == ([], {})


def test_the_frame_has_one_row_per_export_and_table(ledger: ExportLedger) -> None:
    copy = replace(LANDED, name="stops/01 (copy).csv")
    ledger.record_export(LANDED, copy, replace(SEEN, name="stops/02.csv"))
    ledger.record_tables([ACCOUNT, replace(ACCOUNT, table_name="equipment_state_event")])
    frame = ledger.frame()
    assert dict(frame.schema) == EXPORT_LEDGER
    assert frame.select("name", "table_name", "records_read").rows() == [
        ("stops/01 (copy).csv", None, None),  # the same bytes are counted once
        ("stops/01.csv", "equipment_state_event", 10),
        ("stops/01.csv", "production_count", 10),
        ("stops/02.csv", None, None),
    ]
    assert frame["filtered_by"].drop_nulls().unique().to_list() == ['{"heading": 1}']


def test_an_empty_ledger_has_a_typed_frame(ledger: ExportLedger) -> None:
    assert dict(ledger.frame().schema) == EXPORT_LEDGER
    assert ledger.frame().is_empty()


def test_what_waits_is_told_row_by_row_and_what_is_loaded_together(ledger: ExportLedger) -> None:
    def export(number: int, sha256: str, order: str | None, **told: object) -> ExportRow:
        about = {"exported_at": None, "data_from": None, "data_to": None} | told
        return replace(LANDED, name=f"stops/{number:02d}.csv", sha256=sha256, batch_id=f"b-{sha256}", export_order=order, **about)  # type: ignore[arg-type]

    hour = timedelta(hours=1)
    loaded = export(1, "aa", "1|aa", data_from=NOON, data_to=NOON + hour)
    second = export(2, "bb", "2|bb", data_from=NOON + hour, data_to=NOON + 2 * hour, covers_to=NOON + 3 * hour)
    broken = export(3, "cc", "3|cc", data_to=NOON + 9 * hour)  # one of its tables failed
    new, copy = export(4, "dd", None), export(5, "bb", None)  # the copy has the bytes of the second
    ledger.record_export(loaded, second, broken, new, copy)
    accounts = [replace(ACCOUNT, batch_id=f"b-{sha256}") for sha256 in ("aa", "bb", "cc")]
    failed = TableRow("1001", "mes", "b-cc", "equipment_state_event", "FAILED", error="where\nwhat")
    ledger.record_tables([*accounts, failed])
    assert ledger.waiting("1001") == [second, broken, new, copy]
    assert sorted((row.batch_id, row.table_name) for row in ledger.waiting_tables("1001")) == [
        ("b-bb", "production_count"), ("b-cc", "equipment_state_event"), ("b-cc", "production_count"),
    ]  # fmt: skip
    assert ledger.past("1001") == {"mes": Past("2|bb", NOON, NOON + 2 * hour, NOON + 3 * hour, None)}
    assert ledger.awaited("1001") == {("mes", "stops/03.csv")}
    assert ledger.unloaded() == {"1001"}  # the fourth has no account


def test_only_the_block_of_what_changed_has_a_new_version(ledger: ExportLedger) -> None:
    assert ledger.blocks() == {0: ""}
    ledger.record_export(LANDED, replace(LANDED, name="stops/02.csv", sha256="bb", batch_id="b2"))
    with ledger.transaction():
        ledger._connection.execute("UPDATE export SET export_id = ? WHERE batch_id = 'b2'", (7 * BLOCK_ROWS,))
    before = ledger.blocks()
    assert before.keys() == {0, 7}
    ledger.record_tables([ACCOUNT])  # of the first
    after = ledger.blocks()
    assert (after[0] != before[0], after[7] == before[7]) == (True, True)
    ledger.gone("1001", "mes", ["stops/02.csv"])
    assert (ledger.blocks()[0] == after[0], ledger.blocks()[7] != after[7]) == (True, True)
    assert [ledger.frame(block)["name"].to_list() for block in (0, 7)] == [["stops/01.csv"], ["stops/02.csv"]]
    assert ledger.frame().equals(pl.concat([ledger.frame(0), ledger.frame(7)]))


def test_times_are_told_in_utc(ledger: ExportLedger) -> None:
    ledger.record_export(replace(LANDED, landed_at=NOON.astimezone(timezone(timedelta(hours=5)))))
    assert ledger.frame()["landed_at"].to_list() == [NOON]
    with pytest.raises(ValueError, match="zone"):
        ledger.record_export(replace(LANDED, landed_at=datetime(2026, 1, 1)))  # noqa: DTZ001


def test_a_ledger_is_opened_again(tmp_path: Path) -> None:
    for _ in range(2):
        with ExportLedger(tmp_path / "ledger.sqlite") as ledger:
            ledger.record_plant("1001", "hash", NOON)
            assert ledger.plant_states() == {"1001": "hash"}
