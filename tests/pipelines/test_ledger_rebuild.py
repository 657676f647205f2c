"""A ledger whose file is lost or damaged is made anew from bronze and silver, and the next refresh finds nothing to load."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import duckdb
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from small_portfolio import COUNTS, SmallPortfolio

from connectors.errors import LockedError, PlantlakeError
from pipelines import doctor, rebuild, silver, upkeep
from pipelines.journal import Journal
from pipelines.lake import Lake
from pipelines.ledger import ExportLedger, ExportRow, TableRow
from pipelines.load import Loader
from pipelines.lock import writer_lock
from pipelines.refresh import Refresh

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
TABLES = ("equipment_state_event", "production_count", "equipment", "material", "shift_instance")


def lake_of(portfolio: SmallPortfolio) -> Lake:
    return Lake(portfolio.root / "lake")


def loaded(portfolio: SmallPortfolio) -> SmallPortfolio:
    """Two plants after three refreshes: a bad record, a file that cannot be read, other bytes under an old name, the same under a new."""
    portfolio.good("a", "b").load()
    portfolio.file("a", "counts_2.csv", "M1;2025-06-04 10:00;D3;hundred;2;pcs", header=COUNTS)
    portfolio.bytes("b", "stops_3.csv", b"")
    portfolio.load()
    shutil.copy(portfolio.root / "landing/a/stops_1.csv", portfolio.root / "landing/a/stops_1 (copy).csv")
    portfolio.file("b", "stops_2.csv", "M1;2025-06-03 06:00;2025-06-03 13:00;RUN;;420")
    portfolio.load()
    return portfolio


def lose(lake: Lake) -> None:
    """Deletes the ledger's file with what SQLite keeps beside it."""
    for path in lake.root.glob("ledger.sqlite*"):
        path.unlink()


def rows_of_silver(portfolio: SmallPortfolio) -> dict[str, pl.DataFrame]:
    lake = lake_of(portfolio)
    return {name: silver.read(lake, name).collect().drop("_ingested_at").sort(pl.all().exclude(pl.List)) for name in TABLES}


def test_a_lost_ledger_is_as_before_once_it_is_opened(portfolio: SmallPortfolio) -> None:
    before = loaded(portfolio).ledger()
    assert (len(before), before["name"].n_unique(), before["rejected"].sum()) == (10, 6, 1)
    lose(lake_of(portfolio))
    assert portfolio.ledger().equals(before)


def test_after_a_rebuild_the_next_refresh_states_again_and_changes_nothing(portfolio: SmallPortfolio) -> None:
    before, silver_before = loaded(portfolio).ledger(), rows_of_silver(portfolio)
    lake = lake_of(portfolio)
    lose(lake)
    made = rebuild.rebuild(lake)
    assert (made.tables, made.from_silver, made.set_aside) == (before["table_name"].count(), 0, None)
    assert portfolio.ledger().equals(before)
    job = Refresh(portfolio.root)
    with closing(job):
        todo = job.plan()
    assert todo.exports == 0
    assert [(plant.rederive, plant.restate) for plant in todo.plants.values()] == [([], True), ([], True)]
    assert portfolio.load().changed == {}
    assert not portfolio.plans()
    assert portfolio.ledger().equals(before)
    assert all(frame.equals(silver_before[name]) for name, frame in rows_of_silver(portfolio).items())


@pytest.mark.parametrize("offset", [0, 4096], ids=["header", "page"])
def test_a_damaged_ledger_is_set_aside(portfolio: SmallPortfolio, offset: int) -> None:
    before = loaded(portfolio).ledger()
    lake = lake_of(portfolio)
    assert rebuild.damage(lake.ledger) is None
    with lake.ledger.open("rb+") as file:
        file.seek(offset)
        file.write(b"\xff" * 4096)
    assert rebuild.damage(lake.ledger)
    if offset == 0:
        with pytest.raises(PlantlakeError, match="doctor --rebuild-ledger"):
            Refresh(portfolio.root)
    made = rebuild.rebuild(lake)
    assert made.set_aside is not None
    assert made.set_aside.exists()
    assert portfolio.ledger().equals(before)


def test_without_ledger_and_journal_silver_names_the_exports_and_bronze_has_them(portfolio: SmallPortfolio) -> None:
    loaded(portfolio)
    before, silver_before, lake = portfolio.ledger(), rows_of_silver(portfolio), lake_of(portfolio)
    lose(lake)
    shutil.rmtree(lake.journal)
    shutil.rmtree(portfolio.root / "landing")  # the plants have nothing more to give
    made = rebuild.rebuild(lake)
    # 7 deliveries gave rows to silver: a's and b's first three, b's second version of stops_2; a's counts_2 gave none (all rejected),
    # b's stops_3 could not be read
    assert (made.exports, made.from_silver) == (7, 7)
    portfolio.load()
    kept = [
        "plant_id",
        "source_system",
        "sha256",
        "table_name",
        "records_read",
        "accepted",
        "rejected",
        "duplicate",
        "data_from",
        "data_to",
    ]
    told = before.filter(pl.col("accepted") > 0).select(kept)
    assert portfolio.ledger().select(kept).sort(kept).equals(told.sort(kept))
    assert all(frame.equals(silver_before[name]) for name, frame in rows_of_silver(portfolio).items())


def test_silver_tells_what_a_killed_refresh_did_not_write_down(portfolio: SmallPortfolio, monkeypatch: pytest.MonkeyPatch) -> None:
    portfolio.good("a").load()
    lake = lake_of(portfolio)
    portfolio.file("a", "stops_3.csv", "M1;2025-06-04 06:00;2025-06-04 14:00;RUN;;480")

    def killed(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(Loader, "_record", killed)
        portfolio.load()
    with ExportLedger(lake.ledger) as ledger:
        [lost] = rebuild.unknown(lake, ledger)
        assert lost.table_name == "equipment_state_event"
        assert lost.batch_id in [row.batch_id for row in ledger.exports("a") if row.name == "stops_3.csv"]
    portfolio.file("a", "stops_4.csv", "M1;2025-06-05 06:00;2025-06-05 14:00;RUN;;480")
    portfolio.load()
    with ExportLedger(lake.ledger) as ledger:
        assert rebuild.unknown(lake, ledger) == []
    account = portfolio.ledger().filter(pl.col("name") == "stops_3.csv").select("accepted", "duplicate")
    assert account.rows() == [(1, 0)], "made again, it is not a repetition of itself"


def test_commits_carry_the_accounts_of_their_exports(tmp_path: Path) -> None:
    lake = Lake(tmp_path / "lake").create()
    accounts = [TableRow("a", "mes", f"b{n}", "material", "COMMITTED", 10, 6, 1, 2, {"heading": 1}, 6, "m1", "1") for n in (1, 2)]
    accounts.append(replace(accounts[0], plant_id="b", mapping_version=None))  # the same bytes at another plant
    rows = silver.empty("material")
    silver.replace(lake, "material", rows, ["a", "b"], silver.commit_metadata("r1", ["b1", "b2"], accounts))
    silver.replace(lake, "material", rows, ["a"], silver.commit_metadata("r2", ["b2"], [replace(accounts[1], accepted=7, rejected=0)]))
    assert silver.committed_accounts(lake, "material") == {
        ("a", "b1"): accounts[0], ("a", "b2"): replace(accounts[1], accepted=7, rejected=0), ("b", "b1"): accounts[2],
    }  # fmt: skip
    assert silver.committed_batches(lake, "material") == {"b1", "b2"}


def test_nothing_is_rebuilt_while_a_refresh_runs(portfolio: SmallPortfolio) -> None:
    before = portfolio.good("a").load()
    lake = lake_of(portfolio)
    with writer_lock(lake), pytest.raises(LockedError):
        rebuild.rebuild(lake)
    assert before.accepted == portfolio.ledger()["accepted"].sum()


# --- the journal -------------------------------------------------------------------------------------------------------------------


SEEN = ExportRow("1001", "mes", "01.csv", "/exports/01.csv", "NEW", 10, NOON, first_seen_at=NOON)
LANDED = replace(SEEN, state="LANDED", sha256="aa", batch_id="b1", landed_at=NOON, export_order="1|aa")


def test_a_half_written_line_counts_for_nothing_and_harms_no_other(tmp_path: Path) -> None:
    with ExportLedger(tmp_path / "ledger.sqlite") as ledger:
        ledger.record_export(LANDED)
    [file] = Journal(tmp_path / "bronze/journal").files
    with file.open("ab") as lines:
        lines.write('{"kind":"export","plant_id":"wer kö'.encode()[:-1])  # cut within a letter
    with ExportLedger(tmp_path / "ledger.sqlite") as ledger:
        ledger.record_export(replace(LANDED, name="02.csv", sha256="bb", batch_id="b2"))
        before = ledger.frame()
    (tmp_path / "ledger.sqlite").unlink()
    with ExportLedger(tmp_path / "ledger.sqlite") as ledger:
        assert ledger.frame().equals(before)
        assert len(before) == 2


def test_what_was_taken_back_is_not_in_the_journal(tmp_path: Path) -> None:
    def refresh(ledger: ExportLedger) -> None:
        with ledger.transaction():
            ledger.record_export(LANDED)
            raise KeyboardInterrupt

    with ExportLedger(tmp_path / "ledger.sqlite") as ledger:
        with pytest.raises(KeyboardInterrupt):
            refresh(ledger)
        ledger.record_export(SEEN)
    assert [entry.get("sha256") for entry in Journal(tmp_path / "bronze/journal").entries()] == [None]


def test_what_the_journal_could_not_take_the_ledger_does_not_hold(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError("No space left on device")

    with ExportLedger(tmp_path / "ledger.sqlite") as ledger:
        with monkeypatch.context() as patch, pytest.raises(OSError, match="No space"):
            patch.setattr(Journal, "append", full)
            ledger.record_export(LANDED)
        assert ledger.exports("1001") == []
        ledger.record_export(LANDED)  # once there is space
        assert ledger.exports("1001") == [LANDED]


names = st.sampled_from(["01.csv", "02.csv"])
versions = st.sampled_from([None, "aa", "bb"])
exports = st.builds(
    lambda name, version, state, days: replace(
        SEEN, name=name, state=state if version else "FAILED", error=None if version else "torn", sha256=version,
        batch_id=version and f"b-{version}", data_to=NOON + timedelta(days=days) if days else None,
    ),
    names, versions, st.sampled_from(["LANDED", "FAILED"]), st.integers(0, 3),
)  # fmt: skip
tables = st.builds(
    lambda version, table, state, good: TableRow(
        "1001", "mes", f"b-{version}", table, state, good + 1, good, 1, 0, {}, good, "m1", "1", committed_at=NOON
    ),
    st.sampled_from(["aa", "bb"]), st.sampled_from(["tag", "material"]), st.sampled_from(["COMMITTED", "FAILED"]), st.integers(0, 3),
)  # fmt: skip


def known(ledger: ExportLedger) -> tuple[pl.DataFrame, list[object]]:
    files = ["01.csv", "02.csv"]
    asked = (ledger.waiting, ledger.past, ledger.awaited, ledger.waived)
    accounts = sorted(ledger.waiting_tables("1001"), key=repr)
    return ledger.frame(), [ledger.seen("1001", "mes", files), accounts, *(ask("1001") for ask in asked)]


@settings(max_examples=25, deadline=None)
@given(st.lists(st.one_of(exports, tables, names), max_size=12))
def test_law_a_ledger_made_anew_is_the_ledger(tmp_path_factory: pytest.TempPathFactory, history: list[ExportRow | TableRow | str]) -> None:
    """Whatever was recorded in whatever order: the frame, what waits, and the last version of each name are the same afterwards."""
    path = tmp_path_factory.mktemp("law") / "ledger.sqlite"
    with ExportLedger(path) as ledger:
        for step in history:
            if isinstance(step, ExportRow):
                ledger.record_export(step)
            elif isinstance(step, TableRow):
                ledger.record_tables([step])
            else:
                ledger.gone("1001", "mes", [step])
        before = known(ledger)
        ledger.rebuild()
        in_place = known(ledger)
    path.unlink()
    with ExportLedger(path) as ledger:
        from_nothing = known(ledger)
    for made in (in_place, from_nothing):
        assert made[0].equals(before[0])
        assert made[1] == before[1]


# --- doctor ------------------------------------------------------------------------------------------------------------------------


def found(portfolio: SmallPortfolio) -> dict[str, doctor.Finding]:
    return {finding.check: finding for finding in doctor.examine(portfolio.root)}


def test_doctor_finds_a_good_lake_good(good: SmallPortfolio) -> None:
    wrong = [finding for finding in doctor.examine(good.root) if not finding.good]
    assert wrong == []
    assert found(good)["ledger"].text == "3 deliveries"


def test_doctor_notices_a_ledger_that_is_missing_or_damaged_and_makes_it_anew(portfolio: SmallPortfolio) -> None:
    before = loaded(portfolio).ledger()
    lake = lake_of(portfolio)
    lose(lake)
    finding = found(portfolio)["ledger"]
    assert (finding.good, finding.fix) == (False, "plantlake doctor --rebuild-ledger")
    assert not lake.ledger.exists(), "looking makes nothing"
    lake.ledger.write_bytes(b"no ledger at all" * 512)
    assert "damaged" in found(portfolio)["ledger"].text
    assert doctor.rebuilt(portfolio.root).text.startswith("made anew: 10 exports, 8 accounts; the damaged file is")
    assert found(portfolio)["ledger"].good
    assert portfolio.ledger().equals(before)


def test_doctor_tells_what_silver_holds_and_the_ledger_does_not(portfolio: SmallPortfolio) -> None:
    portfolio.good("a").load()
    lake = lake_of(portfolio)
    rows = silver.read(lake, "material").collect()
    silver.replace(lake, "material", rows, ["a"], silver.commit_metadata("killed", ["of-nobody"]))
    finding = found(portfolio)["ledger"]
    assert not finding.good
    assert "1 in silver that the ledger does not hold as loaded (material)" in finding.text


def test_doctor_tells_when_readers_see_less_than_silver_holds(good: SmallPortfolio) -> None:
    assert found(good)["snapshot"].good
    upkeep.keep(lake_of(good), TABLES)  # commits of upkeep bring nothing new
    assert found(good)["snapshot"].good
    assert found(good)["upkeep"].good
    os.utime(lake_of(good).snapshot, (time.time() - 3600,) * 2)
    finding = found(good)["snapshot"]
    assert (finding.good, finding.fix) == (False, "plantlake refresh")
    with writer_lock(lake_of(good)):  # a refresh is on its way
        assert found(good)["snapshot"].good


def test_doctor_names_held_plants_and_open_work(portfolio: SmallPortfolio) -> None:
    portfolio.good("a").load()
    lake = lake_of(portfolio)
    with duckdb.connect(str(lake.build_database)) as con:
        con.execute(
            "CREATE SCHEMA gold; CREATE TABLE gold.plant_gate (plant_id VARCHAR, held_since TIMESTAMPTZ, gate VARCHAR, reason VARCHAR)"
        )
        con.execute("INSERT INTO gold.plant_gate VALUES ('a', now(), 'silver', 'event_id is not unique')")
        con.execute("CREATE TABLE gold.change_scope (plant_id VARCHAR, state VARCHAR)")
        con.execute("INSERT INTO gold.change_scope VALUES ('a', 'OPEN'), ('a', 'OPEN'), ('b', 'CLOSED'), ('gone', 'ORPHANED')")
    findings = found(portfolio)
    assert (findings["held"].good, findings["held"].text) == (False, "a (silver): event_id is not unique")
    assert (findings["open work"].good, findings["open work"].text) == (True, "2 rows of the change scope wait for the next refresh (a)")
    assert (findings["orphaned work"].good, "(gone)" in findings["orphaned work"].text) == (False, True)
    with writer_lock(lake):  # it has one writer: not opened then
        assert "held" not in found(portfolio)


@pytest.mark.parametrize(("holds", "good"), [(True, True), (False, False)], ids=["in use", "damaged"])
def test_doctor_looks_at_a_build_database_only_when_it_is_free(portfolio: SmallPortfolio, holds: bool, good: bool) -> None:
    portfolio.good("a").load()
    path = lake_of(portfolio).build_database
    if not holds:
        path.write_bytes(b"no database" * 4096)
        assert found(portfolio)["build database"].good == good
        return
    code = f"import duckdb, time; con = duckdb.connect({str(path)!r}); print('open', flush=True); time.sleep(60)"
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True) as other:
        assert other.stdout is not None
        other.stdout.readline()
        finding = found(portfolio)["build database"]
        other.kill()
    assert (finding.good, "in use" in finding.text) == (good, True)


def test_doctor_weighs_free_space_against_the_lake(portfolio: SmallPortfolio, monkeypatch: pytest.MonkeyPatch) -> None:
    portfolio.good("a").load()
    assert found(portfolio)["disk"].good
    monkeypatch.setattr(doctor, "FREE_SHARE", 1e12)
    assert not found(portfolio)["disk"].good
