"""What the ledger remembers, and that it refuses accounts in which records were lost."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest

from connectors.errors import PlantlakeError
from pipelines.ledger import EXPORT_LEDGER, ExportLedger, ExportRow, TableRow

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
SEEN = ExportRow("1001", "mes", "stops/01.csv", "/exports/stops/01.csv", "NEW", 10, NOON, first_seen_at=NOON)
LANDED = replace(SEEN, state="LANDED", sha256="aa", batch_id="b1", landed_at=NOON, exported_at=NOON, export_order="1|aa")
ACCOUNT = TableRow("1001", "mes", "b1", "production_count", "COMMITTED", 10, 6, 1, 2, {"heading": 1}, 6, "m1", "1", "r1", None, NOON)


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[ExportLedger]:
    with ExportLedger(tmp_path / "ledger.sqlite") as opened:
        yield opened


def test_what_was_seen_comes_back_as_it_was(ledger: ExportLedger) -> None:
    ledger.record_export(LANDED)
    assert ledger.seen("1001") == {("mes", "stops/01.csv"): LANDED}
    assert ledger.seen("01001") == {}


def test_an_export_is_new_then_failed_then_landed_in_one_row(ledger: ExportLedger) -> None:
    ledger.record_export(SEEN)
    ledger.failed(replace(SEEN, attempt="v1"), "truncated")
    seen = ledger.seen("1001")["mes", "stops/01.csv"]
    assert (seen.state, seen.error, seen.attempt, seen.sha256) == ("FAILED", "truncated", "v1", None)
    assert ledger.exports("1001") == []
    ledger.record_export(replace(LANDED, first_seen_at=NOON + timedelta(hours=1)))
    assert ledger.exports("1001") == [LANDED]  # first seen at noon, no error left
    assert len(ledger.frame()) == 1


def test_other_bytes_under_the_same_name_are_another_version(ledger: ExportLedger) -> None:
    other = replace(LANDED, sha256="bb", batch_id="b2", size=11)
    ledger.record_export(LANDED, other)
    assert ledger.exports("1001", "mes") == [LANDED, replace(other, export_order="1|aa")]
    assert ledger.seen("1001")["mes", "stops/01.csv"].sha256 == "bb"
    ledger.record_export(replace(LANDED, data_to=NOON))  # what the older one told, once more: that is no second delivery of it
    assert ledger.seen("1001")["mes", "stops/01.csv"].sha256 == "bb"
    ledger.record_export(replace(LANDED, landed_at=NOON + timedelta(hours=1)))  # and back again
    assert ledger.seen("1001")["mes", "stops/01.csv"].sha256 == "aa"


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
    assert (ledger.seen("1001"), ledger.plant_states()) == ({}, {})


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


def test_an_empty_ledger_has_typed_frames(ledger: ExportLedger) -> None:
    assert ledger.frame().is_empty()
    assert ledger.watermarks().is_empty()


def test_watermarks_are_of_committed_exports(ledger: ExportLedger) -> None:
    later = replace(LANDED, name="stops/02.csv", sha256="bb", batch_id="b2", data_from=NOON, data_to=NOON + timedelta(days=9))
    ledger.record_export(replace(LANDED, data_from=NOON, data_to=NOON + timedelta(hours=1), covers_to=NOON + timedelta(hours=2)), later)
    ledger.record_tables([ACCOUNT, TableRow("1001", "mes", "b2", "production_count", "FAILED")])
    [row] = ledger.watermarks().to_dicts()
    assert (row["data_from"], row["data_to"], row["covers_to"]) == (NOON, NOON + timedelta(hours=1), NOON + timedelta(hours=2))


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
