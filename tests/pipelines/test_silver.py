"""Rows go to Delta and come back through polars and DuckDB with their names and types; commits are whole or nothing."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import polars as pl
import pytest
from deltalake import DeltaTable

from connectors.errors import PlantlakeError
from pipelines import silver
from pipelines.lake import Lake
from pipelines.silver import Drop
from transforms.tables import STATEMENTS, TABLES

T0 = datetime(2026, 1, 31, 23, 30, tzinfo=UTC)
META = silver.commit_metadata("r1", ["b2", "b1"])


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    return Lake(tmp_path / "a lake's folder").create()


def rows(table: str, *given: dict[str, Any]) -> pl.DataFrame:
    """Rows of a table; what is not given is null."""
    return pl.DataFrame([{name: row.get(name) for name in silver.columns(table)} for row in given], schema=silver.columns(table))


def events(*given: tuple[str, str, str]) -> pl.DataFrame:
    """(plant, month, id) of each event."""
    return rows("equipment_state_event", *({"plant_id": p, "month": m, "event_id": i, "start_ts": T0} for p, m, i in given))


def samples(plant: str, batch: str, *hours: int) -> pl.DataFrame:
    stamps = [T0 + timedelta(hours=hour) for hour in hours]
    return rows(
        "historian_sample",
        *({"plant_id": plant, "month": f"{ts:%Y-%m}", "tag_id": "t", "ts": ts, "value_num": float(hour), "quality": "GOOD",
           "_batch_id": batch, "_row": row} for row, (hour, ts) in enumerate(zip(hours, stamps, strict=True), 1)),
    )  # fmt: skip


def ids(lake: Lake, **which: Any) -> list[tuple[str, str, str]]:
    found = silver.read(lake, "equipment_state_event", **which).select("plant_id", "month", "event_id").sort(pl.all()).collect()
    return found.rows()


def held(lake: Lake) -> list[tuple[str, str, float]]:
    found = silver.read(lake, "historian_sample").select("plant_id", "_batch_id", "value_num").sort(pl.all()).collect()
    return found.rows()


def in_duckdb(lake: Lake, table: str) -> duckdb.DuckDBPyConnection:
    connection = duckdb.connect()
    connection.execute("SET TimeZone = 'UTC'; CREATE SCHEMA silver")
    connection.execute(silver.duckdb_view_sql(lake, table))
    return connection


@pytest.mark.parametrize("table", [*TABLES, *STATEMENTS, "quarantine"])
def test_every_table_has_its_types_before_it_is_written(lake: Lake, table: str) -> None:
    assert silver.read(lake, table).collect().schema == silver.columns(table)
    with in_duckdb(lake, table) as connection:
        assert connection.sql(f"SELECT * FROM silver.{table}").fetchall() == []


@pytest.mark.parametrize("table", [*TABLES, *STATEMENTS])
def test_every_table_keeps_its_types_in_delta_and_duckdb(lake: Lake, table: str) -> None:
    empty_view = in_duckdb(lake, table)
    expected = empty_view.sql(f"DESCRIBE silver.{table}").fetchall()
    row = rows(table, {"plant_id": "1001", "month": "2026-01"})
    silver.replace(lake, table, row, [("1001", "2026-01")] if "month" in row.columns else ["1001"], META)
    assert silver.read(lake, table).collect().equals(row)
    with in_duckdb(lake, table) as connection:
        assert connection.sql(f"DESCRIBE silver.{table}").fetchall() == expected
        assert connection.sql(f"SELECT plant_id, typeof(plant_id) FROM silver.{table}").fetchall() == [("1001", "VARCHAR")]


def test_values_come_back_exactly(lake: Lake) -> None:
    count = rows(
        "production_count",
        {"plant_id": "0012", "month": "2026-01", "count_id": "ab", "event_ts": T0 + timedelta(microseconds=1), "material_id": "007",
         "good_qty": Decimal("0.100001"), "scrap_qty": Decimal("-999999999999.999999"), "revision": 2, "is_current": True,
         "is_deleted": False, "dq_flags": ["LATE", "it's"], "count_source": "MES"},
    )  # fmt: skip
    silver.replace(lake, "production_count", count, [("0012", "2026-01")], META)
    assert silver.read(lake, "production_count", ["0012"], ["2026-01"], current_only=True).collect().equals(count)
    with in_duckdb(lake, "production_count") as connection:
        found = connection.sql("SELECT plant_id, month, epoch_us(event_ts), good_qty, scrap_qty, dq_flags FROM silver.production_count")
        assert found.fetchall() == [
            ("0012", "2026-01", 1769902200000001, Decimal("0.100001"), Decimal("-999999999999.999999"), ["LATE", "it's"])
        ]


def test_closed_vocabularies_are_stored_as_text(lake: Lake) -> None:
    event = events(("1001", "2026-01", "a")).with_columns(pl.lit("RUN").cast(pl.Enum(["RUN", "IDLE"])).alias("state_class"))
    silver.replace(lake, "equipment_state_event", event, [("1001", "2026-01")], META)
    assert silver.read(lake, "equipment_state_event").collect()["state_class"].to_list() == ["RUN"]


def test_exactly_the_given_partitions_are_replaced_in_one_commit(lake: Lake) -> None:
    first = [("1001", "2026-01", "a"), ("1001", "2026-02", "b"), ("10-01", "2026-01", "c"), ("p_2", "2026-02", "d")]
    silver.replace(lake, "equipment_state_event", events(*first), [row[:2] for row in first], META)
    before = silver.version(lake, "equipment_state_event")
    assert before is not None
    # 1001 gets other rows in January, p_2 loses all of February; the month of the one is not a month of the other
    silver.replace(lake, "equipment_state_event", events(("1001", "2026-01", "x")), [("1001", "2026-01"), ("p_2", "2026-02")], META)
    assert silver.version(lake, "equipment_state_event") == before + 1
    assert ids(lake) == [("10-01", "2026-01", "c"), ("1001", "2026-01", "x"), ("1001", "2026-02", "b")]
    assert ids(lake, plants=["1001"], months=["2026-02"]) == [("1001", "2026-02", "b")]
    assert ids(lake, plants=[]) == []


def test_current_rows_are_the_last_versions_that_are_not_deleted(lake: Lake) -> None:
    versions = [(True, False), (False, False), (True, True)]
    material = rows(
        "material",
        *({"plant_id": "1001", "material_id": str(n), "is_current": c, "is_deleted": d} for n, (c, d) in enumerate(versions)),
    )
    silver.replace(lake, "material", material, ["1001"], META)
    assert silver.read(lake, "material", current_only=True).collect()["material_id"].to_list() == ["0"]


def test_master_data_of_one_plant_leave_the_others(lake: Lake) -> None:
    for plant in ("1001", "1002"):
        silver.replace(lake, "material", rows("material", {"plant_id": plant, "material_id": "old"}), [plant], META)
    silver.replace(lake, "material", rows("material", {"plant_id": "1002", "material_id": "new"}), ["1002", "1003"], META)
    found = silver.read(lake, "material").select("plant_id", "material_id").sort("plant_id").collect()
    assert found.rows() == [("1001", "old"), ("1002", "new")]


def test_a_commit_that_fails_leaves_the_old_version(lake: Lake) -> None:
    silver.replace(lake, "equipment_state_event", events(("1001", "2026-01", "a")), [("1001", "2026-01")], META)
    before = silver.files(lake, "equipment_state_event")
    with pytest.raises(PlantlakeError, match="outside the partitions"):
        silver.replace(lake, "equipment_state_event", events(("1002", "2026-01", "b")), [("1001", "2026-01")], META)
    assert silver.files(lake, "equipment_state_event") == before
    assert ids(lake) == [("1001", "2026-01", "a")]


def test_what_a_killed_writer_left_is_not_read(lake: Lake) -> None:
    silver.replace(lake, "equipment_state_event", events(("1001", "2026-01", "a")), [("1001", "2026-01")], META)
    _, [file] = silver.files(lake, "equipment_state_event")
    Path(file).with_name("new-1-killed-00000.parquet").write_bytes(Path(file).read_bytes())
    assert ids(lake) == [("1001", "2026-01", "a")]
    with in_duckdb(lake, "equipment_state_event") as connection:
        assert connection.sql("SELECT count(*) FROM silver.equipment_state_event").fetchall() == [(1,)]


def test_partitions_without_rows_are_empty_partitions(lake: Lake) -> None:
    silver.replace(lake, "equipment_state_event", silver.empty("equipment_state_event"), [("1001", "2026-01")], META)
    assert ids(lake) == []
    silver.replace(lake, "equipment_state_event", events(("1001", "2026-01", "a")), [("1001", "2026-01")], META)
    silver.replace(lake, "equipment_state_event", silver.empty("equipment_state_event"), [("1001", "2026-01")], META)
    assert ids(lake) == []
    assert silver.duckdb_view_sql(lake, "equipment_state_event").endswith("WHERE false")


def test_readers_may_skip_files_by_their_statistics(lake: Lake) -> None:
    silver.append(lake, "historian_sample", samples("1001", "b1", 1, 2, 3), META)
    [action] = pl.DataFrame(DeltaTable(lake.table("historian_sample")).get_add_actions(flatten=True)).to_dicts()
    assert (action["num_records"], action["min._batch_id"], action["max._batch_id"]) == (3, "b1", "b1")
    assert (action["min.ts"], action["max.ts"]) == (T0 + timedelta(hours=1), T0 + timedelta(hours=3))


def test_a_pinned_view_does_not_see_later_commits(lake: Lake) -> None:
    silver.replace(lake, "equipment_state_event", events(("1001", "2026-01", "a")), [("1001", "2026-01")], META)
    with in_duckdb(lake, "equipment_state_event") as connection:
        silver.replace(lake, "equipment_state_event", events(("1001", "2026-01", "b")), [("1001", "2026-01")], META)
        silver.maintain(lake, "equipment_state_event")
        assert connection.sql("SELECT event_id FROM silver.equipment_state_event").fetchall() == [("a",)]


def test_samples_are_appended_as_a_stream_of_frames(lake: Lake) -> None:
    def frames() -> Iterator[pl.DataFrame]:
        yield samples("1001", "b1", 0, 1)
        yield samples("1002", "b2", 2)

    silver.append(lake, "historian_sample", frames(), META)
    assert held(lake) == [("1001", "b1", 0.0), ("1001", "b1", 1.0), ("1002", "b2", 2.0)]
    _, paths = silver.files(lake, "historian_sample")
    assert [Path(path).parts[-3:-1] for path in paths] == [
        ("plant_id=1001", "month=2026-01"), ("plant_id=1001", "month=2026-02"), ("plant_id=1002", "month=2026-02"),
    ]  # fmt: skip
    with in_duckdb(lake, "historian_sample") as connection:
        found = connection.sql("SELECT sum(value_num), max(ts) FROM silver.historian_sample WHERE plant_id = '1001'")
        assert found.fetchall() == [(1.0, T0 + timedelta(hours=1))]


def test_loading_an_export_again_replaces_what_it_gave(lake: Lake) -> None:
    silver.append(lake, "historian_sample", pl.concat([samples("1001", "b1", 0, 1), samples("1001", "b2", 2)]), META)
    silver.append(lake, "historian_sample", samples("1002", "b1", 9), META)  # the same bytes at another plant
    for _ in range(2):
        silver.append(lake, "historian_sample", samples("1001", "b1", 1, 5).lazy(), META)
    assert held(lake) == [("1001", "b1", 1.0), ("1001", "b1", 5.0), ("1001", "b2", 2.0), ("1002", "b1", 9.0)]


def test_an_export_may_replace_a_window_of_earlier_ones(lake: Lake) -> None:
    silver.append(lake, "historian_sample", pl.concat([samples("1001", "b1", 0, 1, 2), samples("1001", "b2", 1)]), META)
    drop = Drop("1001", ("b1",), T0 + timedelta(hours=1), T0 + timedelta(hours=2))
    silver.append(lake, "historian_sample", samples("1001", "b3", 1), META, [drop])
    assert held(lake) == [("1001", "b1", 0.0), ("1001", "b1", 2.0), ("1001", "b2", 1.0), ("1001", "b3", 1.0)]


def test_batches_are_deleted_in_one_commit(lake: Lake) -> None:
    silver.append(lake, "historian_sample", pl.concat([samples("1001", "b1", 0, 1), samples("1001", "b2", 2)]), META)
    before = silver.version(lake, "historian_sample")
    silver.delete_batches(lake, "historian_sample", [("1001", "b1"), ("1002", "b2")], META)
    assert held(lake) == [("1001", "b2", 2.0)]
    assert silver.version(lake, "historian_sample") == (before or 0) + 1


def test_an_append_that_fails_half_way_changes_nothing(lake: Lake) -> None:
    silver.append(lake, "historian_sample", samples("1001", "b1", 0), META)
    before = silver.files(lake, "historian_sample")

    def frames() -> Iterator[pl.DataFrame]:
        yield samples("1001", "b2", 1)
        raise RuntimeError("the disk is full")

    with pytest.raises(Exception, match="the disk is full"):
        silver.append(lake, "historian_sample", frames(), META)
    # polars may still write a file of its own when it raises: no version names it, and upkeep takes it away.
    assert silver.files(lake, "historian_sample") == before
    assert held(lake) == [("1001", "b1", 0.0)]


def test_many_small_files_become_one(lake: Lake) -> None:
    for hour in range(20):
        silver.append(lake, "historian_sample", samples("1001", f"b{hour}", hour + 1), META)
    before = held(lake)
    silver.maintain(lake, "historian_sample")
    assert len(silver.files(lake, "historian_sample")[1]) == 1
    assert held(lake) == before
    silver.delete_batches(lake, "historian_sample", [("1001", "b7")], META)
    assert len(held(lake)) == 19


def test_commits_name_their_exports(lake: Lake) -> None:
    silver.append(lake, "historian_sample", samples("1001", "b1", 0), META)
    silver.replace(lake, "material", rows("material", {"plant_id": "1001"}), ["1001"], silver.commit_metadata("r2", ["b3"]))
    assert silver.committed_batches(lake, "historian_sample") == {"b1", "b2"}
    assert silver.committed_batches(lake, "material") == {"b3"}
    assert silver.committed_batches(lake, "tag") == set()


def test_rejected_rows_are_replaced_by_export_and_table(lake: Lake) -> None:
    def rejected(batch: str, table: str, *numbers: int) -> pl.DataFrame:
        return rows(
            "quarantine",
            *({"plant_id": "1001", "batch_id": batch, "table_name": table, "row_number": number, "rule": "NEG_DURATION",
               "raw_row": json.dumps({"End": "it's"}), "rejected_at": T0} for number in numbers),
        ).drop("quarantine_id", "resolved_at")  # fmt: skip

    both = pl.concat([rejected("b1", "tag", 1, 2), rejected("b2", "tag", 3), rejected("b1", "material", 4)])
    silver.quarantine(lake, both, [("1001", "tag", "b1"), ("1001", "tag", "b2"), ("1001", "material", "b1")], META)
    silver.quarantine(lake, rejected("b1", "tag", 2), [("1001", "tag", "b1"), ("1001", "tag", "b9")], META)
    kept = silver.read(lake, "quarantine", ["1001"]).sort("row_number").collect()
    found = kept.filter(pl.col("resolved_at").is_null())
    assert kept.filter(pl.col("resolved_at").is_not_null())["row_number"].to_list() == [1]
    assert found.select("batch_id", "table_name", "row_number").rows() == [("b1", "tag", 2), ("b2", "tag", 3), ("b1", "material", 4)]
    assert found["quarantine_id"].n_unique() == 3
    assert found["quarantine_id"].null_count() == 0
    with in_duckdb(lake, "quarantine") as connection:
        assert connection.sql("SELECT raw_row ->> 'End' FROM silver.quarantine WHERE row_number = 2").fetchall() == [("it's",)]


def test_a_column_that_is_added_later_is_null_in_older_rows(lake: Lake, monkeypatch: pytest.MonkeyPatch) -> None:
    full = silver.columns("material")
    old = {name: dtype for name, dtype in full.items() if name != "standard_cost"}
    with monkeypatch.context() as patch:
        patch.setattr(silver, "columns", lambda _: old)
        silver.replace(lake, "material", pl.DataFrame({"plant_id": ["1001"]}).join(
            pl.DataFrame({name: [None] for name in old if name != "plant_id"}), how="cross"), ["1001"], META)  # fmt: skip
    assert silver.read(lake, "material").collect().schema == full
    with in_duckdb(lake, "material") as connection:
        assert connection.sql("SELECT standard_cost FROM silver.material").fetchall() == [(None,)]
    silver.replace(lake, "material", rows("material", {"plant_id": "1002", "standard_cost": Decimal(5)}), ["1002"], META)
    assert silver.read(lake, "material").sort("plant_id").collect()["standard_cost"].to_list() == [None, Decimal(5)]
    with in_duckdb(lake, "material") as connection:
        found = connection.sql("SELECT plant_id, standard_cost FROM silver.material ORDER BY 1").fetchall()
        assert found == [("1001", None), ("1002", Decimal(5))]


def test_dates_are_dates(lake: Lake) -> None:
    day = rows("production_day", {"plant_id": "1001", "month": "2026-01", "production_day": date(2026, 1, 31), "start_ts": T0})
    silver.replace(lake, "production_day", day, [("1001", "2026-01")], META)
    with in_duckdb(lake, "production_day") as connection:
        assert connection.sql("SELECT production_day, start_ts FROM silver.production_day").fetchall() == [(date(2026, 1, 31), T0)]


@pytest.mark.parametrize("table", ["production_day", "production_order"])
def test_a_table_of_the_old_layout_is_laid_out_anew_in_one_commit(lake: Lake, monkeypatch: pytest.MonkeyPatch, table: str) -> None:
    given = {"plant_id": "1001", "start_ts": T0} if table == "production_day" else {"plant_id": "1001", "order_id": "4711"}
    old = rows(table, given, {**given, "plant_id": "1002"})
    with monkeypatch.context() as patch:  # as lakes of format 1 have it: no partitions, and no month of a production day
        patch.setattr(silver, "partition_by", lambda _: [])
        patch.setattr(silver, "columns", lambda _: {name: dtype for name, dtype in old.schema.items() if name != "month"})
        silver.replace(lake, table, old, ["1001", "1002"], META)
    assert silver.read(lake, table, ["1002"]).collect()["plant_id"].to_list() == ["1002"], "it can be read before"
    before = silver.version(lake, table)
    assert before is not None
    assert silver.repartition(lake, table)
    assert silver.version(lake, table) == before + 1
    assert not silver.repartition(lake, table)
    expected = old.with_columns(pl.lit("2026-01").alias("month")) if table == "production_day" else old
    assert silver.read(lake, table).sort("plant_id").collect().equals(expected)
    assert silver.read(lake, table, ["1001"]).collect().equals(expected.head(1))
    assert all("plant_id=" in path for path in silver.files(lake, table)[1])
    plants = [("1002", "2026-01")] if table == "production_day" else ["1002"]
    silver.replace(lake, table, silver.empty(table), plants, META)
    with in_duckdb(lake, table) as connection:
        assert connection.sql(f"SELECT plant_id FROM silver.{table}").fetchall() == [("1001",)]


def test_orders_are_replaced_by_plant(lake: Lake) -> None:
    for plant in ("1001", "1002"):
        silver.replace(lake, "production_order", rows("production_order", {"plant_id": plant, "order_id": "old"}), [plant], META)
    silver.replace(lake, "production_order", rows("production_order", {"plant_id": "1002", "order_id": "new"}), ["1002"], META)
    found = silver.read(lake, "production_order").sort("plant_id").collect()
    assert found.select("plant_id", "order_id").rows() == [("1001", "old"), ("1002", "new")]


def test_statistics_of_instants_need_no_pandas(lake: Lake) -> None:
    """pandas costs a second of each start, and pyarrow asks for it when it hands out an instant."""
    program = (
        "import sys, polars as pl; from datetime import datetime, UTC; from pipelines import silver; from pipelines.lake import Lake;"
        f"lake = Lake({str(lake.root)!r});"
        "row = {'plant_id': 'a', 'month': '2026-01', 'event_id': 'e', 'start_ts': datetime(2026, 1, 1, tzinfo=UTC)};"
        "frame = pl.DataFrame([{n: row.get(n) for n in silver.columns('equipment_state_event')}],"
        " schema=silver.columns('equipment_state_event'));"
        "silver.replace(lake, 'equipment_state_event', frame, [('a', '2026-01')], {});"
        "print('pandas' in sys.modules)"
    )
    said = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert said.stdout.split() == ["False"]
    [action] = pl.DataFrame(DeltaTable(lake.table("equipment_state_event")).get_add_actions(flatten=True)).to_dicts()
    assert (action["min.start_ts"], action["null_count.start_ts"], action["null_count.end_ts"]) == (datetime(2026, 1, 1, tzinfo=UTC), 0, 1)


def test_an_append_of_nothing_is_no_commit(lake: Lake) -> None:
    silver.append(lake, "historian_sample", samples("1001", "b1", 0), META)
    before = silver.version(lake, "historian_sample")
    assert silver.append(lake, "historian_sample", silver.empty("historian_sample"), META, [Drop("1001", ("b7",))]) == before
    assert silver.version(lake, "historian_sample") == before


def test_a_snapshot_reads_the_log_once_and_only_the_columns_asked_for(lake: Lake) -> None:
    silver.replace(
        lake, "equipment_state_event", events(("a", "2026-01", "x"), ("b", "2026-02", "y")), [("a", "2026-01"), ("b", "2026-02")], META
    )
    snapshot = silver.Snapshot(lake, "equipment_state_event")
    silver.replace(lake, "equipment_state_event", silver.empty("equipment_state_event"), [("a", "2026-01")], META)
    assert (snapshot.months("a"), snapshot.months("b"), snapshot.months("c")) == ({"2026-01"}, {"2026-02"}, set())
    assert snapshot.read(["a"], columns=["month", "event_id"]).collect().rows() == [("2026-01", "x")]
    assert silver.Snapshot(lake, "tag").read(["a"], columns=["tag_id"]).collect().schema == {"tag_id": pl.String}
