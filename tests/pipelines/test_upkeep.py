"""What refreshes leave behind is tidied: files that nobody can read go, holes in the build database close, nothing that counts is lost."""

from __future__ import annotations

import json
import os
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import polars as pl
import pytest
from deltalake import DeltaTable
from small_portfolio import SmallPortfolio

from pipelines import silver, upkeep
from pipelines.lake import Lake

EVENTS = "equipment_state_event"
NOW = datetime(2026, 5, 1, 6, tzinfo=UTC)
META = silver.commit_metadata("r", [])


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    return Lake(tmp_path / "a lake's folder").create()


def write(lake: Lake, *ids: str, plant: str = "a") -> int:
    """Makes these events all that January of the plant holds; the version of the table."""
    given: list[dict[str, Any]] = [{"plant_id": plant, "month": "2026-01", "event_id": event} for event in ids]
    frame = pl.DataFrame([{name: row.get(name) for name in silver.columns(EVENTS)} for row in given], schema=silver.columns(EVENTS))
    return silver.replace(lake, EVENTS, frame, [(plant, "2026-01")], META)


def a_week_passes(lake: Lake) -> None:
    """Everything in the table's folder and in its log happened eight days earlier."""
    earlier = 8 * 86400
    for path in lake.table(EVENTS).rglob("*.json"):
        lines = [json.loads(line) for line in path.read_text().splitlines()]
        for line in lines:
            for action, name in (("remove", "deletionTimestamp"), ("add", "modificationTime"), ("commitInfo", "timestamp")):
                if action in line:
                    line[action][name] -= earlier * 1000
        path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    for path in lake.table(EVENTS).rglob("*"):
        if path.is_file():
            os.utime(path, (time.time() - earlier,) * 2)


def parquet(lake: Lake) -> int:
    return len(list(lake.table(EVENTS).rglob("*.parquet")))


def ids_at(lake: Lake, version: int) -> list[str]:
    _, paths = silver.files(lake, EVENTS, version)
    return sorted(pl.read_parquet(paths)["event_id"].to_list()) if paths else []


# --- silver ------------------------------------------------------------------------------------------------------------------------


def test_replaced_files_stay_a_week(lake: Lake) -> None:
    write(lake, "old")
    write(lake, "new")
    assert upkeep.keep(lake, [EVENTS], at=NOW).removed == {}
    assert parquet(lake) == 2
    a_week_passes(lake)
    kept = upkeep.keep(lake, [EVENTS], at=NOW + timedelta(days=8))
    assert (kept.removed, kept.problems) == ({EVENTS: 1}, [])
    assert parquet(lake) == 1
    assert silver.read(lake, EVENTS).collect()["event_id"].to_list() == ["new"]


def test_what_a_held_plant_was_built_from_stays_as_long_as_it_is_held(lake: Lake) -> None:
    write(lake, "first")
    built = write(lake, "second")
    write(lake, "third")
    write(lake, "fourth")
    with duckdb.connect(str(lake.build_database)) as con:
        con.execute("CREATE SCHEMA gold; CREATE TABLE gold.built_version (plant_id VARCHAR, table_name VARCHAR, version BIGINT)")
        con.execute("INSERT INTO gold.built_version VALUES ('held', ?, ?), ('good', ?, ?), ('new', ?, -1), ('x', 'tag', 7)",
                    [EVENTS, built, EVENTS, built + 2, EVENTS])  # fmt: skip
    a_week_passes(lake)
    kept = upkeep.keep(lake, [EVENTS], at=NOW)
    assert (kept.removed, kept.problems) == ({EVENTS: 2}, [])  # first and third
    assert ids_at(lake, built) == ["second"]
    assert ids_at(lake, built + 2) == ["fourth"]
    with duckdb.connect(str(lake.build_database)) as con:  # the plant is mended
        con.execute("UPDATE gold.built_version SET version = ? WHERE plant_id = 'held'", [built + 2])
    assert upkeep.keep(lake, [], at=NOW + timedelta(days=1)).removed == {EVENTS: 1}
    assert parquet(lake) == 1


def test_without_the_versions_of_gold_nothing_is_removed(lake: Lake) -> None:
    """A build database that cannot be read may know of a held plant."""
    write(lake, "old")
    write(lake, "new")
    a_week_passes(lake)
    lake.build_database.write_bytes(b"no database" * 4096)
    kept = upkeep.keep(lake, [EVENTS], at=NOW)
    assert kept.removed == {}
    assert [problem.split(":")[0] for problem in kept.problems] == ["silver"]
    assert parquet(lake) == 2
    assert upkeep.last_vacuum(lake) is None


def test_a_version_that_the_log_forgot_hinders_nothing(lake: Lake) -> None:
    write(lake, "old")
    write(lake, "new")
    assert silver.maintain(lake, EVENTS, keep_versions=[0, 99, 10**6]) == (0, 0)


def test_a_table_is_vacuumed_once_a_day(lake: Lake) -> None:
    write(lake, "a")
    [file] = lake.table(EVENTS).rglob("*.parquet")

    def leave() -> None:
        """A write that was interrupted long ago."""
        file.with_name("new-0-killed-00000.parquet").write_bytes(file.read_bytes())
        a_week_passes(lake)

    leave()
    assert upkeep.keep(lake, [EVENTS], at=NOW).removed == {EVENTS: 1}
    leave()
    assert upkeep.keep(lake, [EVENTS], at=NOW + timedelta(hours=23)).removed == {}
    assert upkeep.keep(lake, [], at=NOW + timedelta(hours=24)).removed == {EVENTS: 1}  # also when the table did not change
    assert upkeep.last_vacuum(lake) == NOW + timedelta(hours=24)
    leave()
    assert upkeep.keep(lake, [], at=NOW - timedelta(days=900)).removed == {EVENTS: 1}  # a clock that was set back


def test_small_files_of_changed_tables_are_made_one(lake: Lake) -> None:
    samples = pl.DataFrame({"plant_id": ["a"], "month": ["2026-01"], "tag_id": ["t"], "ts": [NOW], "value_num": [1.0]})
    for number in range(17):
        frame = samples.with_columns(pl.lit(f"b{number}").alias("_batch_id"), pl.lit(number).alias("_row"))
        missing = [pl.lit(None, dtype=dtype).alias(name) for name, dtype in silver.columns("historian_sample").items() if name not in frame]
        silver.append(lake, "historian_sample", frame.with_columns(missing), META)
    assert upkeep.keep(lake, ["historian_sample"], at=NOW).compacted == {"historian_sample": 1}
    assert upkeep.keep(lake, ["historian_sample"], at=NOW).compacted == {}
    assert len(silver.files(lake, "historian_sample")[1]) == 1
    assert silver.read(lake, "historian_sample").collect().height == 17


def test_checkpoints_are_made_and_old_logs_go(lake: Lake) -> None:
    for number in range(51):
        write(lake, f"e{number}")
    log = lake.table(EVENTS) / "_delta_log"
    assert (log / "_last_checkpoint").exists()
    for path in log.glob("*.json"):
        os.utime(path, (time.time() - 100 * 86400,) * 2)
    for number in range(50):
        write(lake, f"f{number}")
    assert len(list(log.glob("*.json"))) < 60  # of 102
    assert silver.read(lake, EVENTS).collect()["event_id"].to_list() == ["f49"]


# --- the build database ------------------------------------------------------------------------------------------------------------


@pytest.fixture
def full_of_holes(lake: Lake, monkeypatch: pytest.MonkeyPatch) -> Lake:
    """A build database of 300,000 rows of which 1,000 are left, with a key, a view and a macro."""
    monkeypatch.setattr(upkeep, "SMALL", 1 << 20)
    data = lake.gold / "data.parquet"
    with duckdb.connect(str(lake.build_database)) as con:
        con.execute("CREATE SCHEMA gold; CREATE SCHEMA silver; CREATE SCHEMA int")
        con.execute("CREATE TABLE gold.parts AS SELECT i AS a, md5(i::VARCHAR) AS s FROM range(300000) t(i)")
        con.execute("CREATE TABLE gold.release (release_id BIGINT PRIMARY KEY, note VARCHAR)")
        con.execute("INSERT INTO gold.release VALUES (1, 'it''s')")
        con.execute(f"COPY (SELECT 1 AS x) TO '{upkeep._text(data)}' (FORMAT parquet)")
        con.execute(f"CREATE VIEW silver.v AS SELECT * FROM read_parquet('{upkeep._text(data)}')")
        con.execute("CREATE VIEW int.w AS SELECT a, x FROM build.gold.parts, build.silver.v")
        con.execute("CREATE MACRO gold.plus(n) AS n + 1")
        con.execute("CHECKPOINT; DELETE FROM gold.parts WHERE a >= 1000")
    return lake


def content(lake: Lake) -> tuple[Any, ...]:
    with duckdb.connect(str(lake.build_database)) as con:
        rows = con.execute("SELECT count(*), sum(a), sum(x), gold.plus(1) FROM int.w GROUP BY ALL").fetchall()
        with pytest.raises(duckdb.ConstraintException):
            con.execute("INSERT INTO gold.release VALUES (1, 'twice')")
        return rows[0]


def test_a_database_that_is_mostly_holes_is_written_anew(full_of_holes: Lake) -> None:
    lake = full_of_holes
    kept = upkeep.keep(lake, [], at=NOW)
    assert kept.problems == []
    assert kept.database is not None
    before, after = kept.database
    assert after < before / 2
    assert lake.build_database.stat().st_size == after
    assert content(lake) == (1000, 999 * 500, 1000, 2)
    assert upkeep.keep(lake, [], at=NOW).database is None  # once is enough
    assert sorted(path.name for path in lake.gold.iterdir() if path.is_file()) == ["build.duckdb", "data.parquet"]


def test_rows_deleted_one_by_one_count_as_holes(lake: Lake) -> None:
    with duckdb.connect(str(lake.build_database)) as con:
        con.execute(
            "CREATE SCHEMA gold; CREATE TABLE gold.parts AS SELECT i AS a, md5(i::VARCHAR) AS s FROM range(300000) t(i); CHECKPOINT"
        )
        full = upkeep.size_of(con)
        con.execute("DELETE FROM gold.parts WHERE a % 5 > 0; CHECKPOINT")
        left = upkeep.size_of(con)
    assert full.live > 0.9 * full.file
    assert left.live < 0.3 * full.live  # a fifth of the rows, in whatever blocks


def test_a_small_or_dense_database_stays(full_of_holes: Lake, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(upkeep, "SMALL", 1 << 30)
        assert upkeep.compact_database(full_of_holes) is None
    monkeypatch.setattr(upkeep, "HOLES", 1e9)
    assert upkeep.compact_database(full_of_holes) is None


class Killed(BaseException):
    """A process that ends here."""


def test_a_kill_while_it_is_written_anew_leaves_the_old_one(full_of_holes: Lake, monkeypatch: pytest.MonkeyPatch) -> None:
    copy = upkeep._copy

    def killed(path: Path, part: Path) -> None:
        copy(path, part)
        raise Killed

    with monkeypatch.context() as patch, pytest.raises(Killed):
        patch.setattr(upkeep, "_copy", killed)
        upkeep.keep(full_of_holes, [], at=NOW)
    assert content(full_of_holes) == (1000, 999 * 500, 1000, 2)
    assert upkeep.keep(full_of_holes, [], at=NOW).database is not None


def test_a_database_that_is_in_use_stays_and_that_is_told(full_of_holes: Lake) -> None:
    with duckdb.connect(str(full_of_holes.build_database)) as con:
        kept = upkeep.keep(full_of_holes, [], at=NOW)
        assert kept.database is None
        assert [problem.split(":")[0] for problem in kept.problems] == ["build database"]
        con.execute("INSERT INTO gold.release VALUES (2, 'still there')")
    with duckdb.connect(str(full_of_holes.build_database)) as con:
        assert con.execute("SELECT count(*) FROM gold.release").fetchall() == [(2,)]


def test_views_over_files_that_are_gone_are_copied_too(full_of_holes: Lake) -> None:
    (full_of_holes.gold / "data.parquet").unlink()
    kept = upkeep.keep(full_of_holes, [], at=NOW)
    assert kept.problems == []
    with duckdb.connect(str(full_of_holes.build_database)) as con:
        views = con.execute("SELECT schema_name, view_name FROM duckdb_views() WHERE NOT internal ORDER BY 1").fetchall()
    assert views == [("int", "w"), ("silver", "v")]


# --- files, and all of it ----------------------------------------------------------------------------------------------------------


def test_logs_of_more_than_a_month_and_half_written_files_go(lake: Lake) -> None:
    for name, days in (("refresh-1.log", 31), ("refresh-2.log", 29), ("dbt/dbt.log", 31)):
        path = lake.logs / name
        path.parent.mkdir(exist_ok=True)
        path.write_text("x")
        os.utime(path, ((NOW - timedelta(days=days)).timestamp(),) * 2)
    (lake.scratch / "abc.part").write_bytes(b"half")
    kept = upkeep.keep(lake, [], at=NOW)
    assert kept.logs == 2
    assert [path.name for path in lake.logs.rglob("*.log")] == ["refresh-2.log"]
    assert list(lake.scratch.iterdir()) == []


def test_what_upkeep_remembers_may_be_lost(lake: Lake) -> None:
    write(lake, "a")
    for text in ("", "[]", "{"):
        lake.upkeep.write_text(text)
        assert upkeep.remembered(lake) in ({}, [])
        assert upkeep.keep(lake, [], at=NOW).problems == []
        assert upkeep.last_vacuum(lake) == NOW


def test_after_a_whole_refresh_upkeep_finds_its_way(portfolio: SmallPortfolio, monkeypatch: pytest.MonkeyPatch) -> None:
    """dbt ran in this process: the build database is free again, and a next refresh works on what was written anew."""
    outcome = portfolio.good("a").refresh()
    lake = Lake(portfolio.root / "lake")
    monkeypatch.setattr(upkeep, "SMALL", 0)
    monkeypatch.setattr(upkeep, "HOLES", 0.0)
    kept = upkeep.keep(lake, outcome.changed, at=NOW)
    assert kept.problems == []
    assert kept.database is not None
    assert set(outcome.changed) <= set(upkeep.remembered(lake)["vacuumed"])
    portfolio.file("a", "stops_3.csv", "M1;2025-06-04 06:00;2025-06-04 14:00;RUN;;480")
    assert portfolio.refresh().release_id == 2
    assert DeltaTable(lake.table(EVENTS)).version() >= 1
