"""Delta tables: real ones, written by deltalake, and what becomes of their versions."""

from __future__ import annotations

import shutil
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from deltalake import CommitProperties, DeltaTable, write_deltalake
from plant_servers import PASSWORD, USER, bucket, hanging
from reading import AskedSource

from connectors.errors import ReadError, UnreachableError
from connectors.kinds.systems.delta import DeltaOptions


class Source(AskedSource):
    """A table."""

    def __init__(self, root: Path | str, folder: Path, path: str = "gold/stops", connection: dict[str, Any] | None = None, **options: Any):
        super().__init__("delta", root, path, folder, connection, **options)

    def land(self, column: str = "id") -> list[list[Any]]:
        """In the order of the column: Delta keeps none."""
        return [sorted(ids) for ids in super().land(column)]


@pytest.fixture
def lake(tmp_path: Path) -> Path:
    """A lake with one table of two rows."""
    write(tmp_path / "lake", [1, 2])
    return tmp_path / "lake"


def write(lake: Path, ids: list[int], mode: Any = "append", **more: Any) -> None:
    write_deltalake(
        str(lake / "gold/stops"), pa.table({"id": pa.array(ids, pa.int64())} | more), mode=mode, schema_mode="merge" if more else None
    )


def test_each_version_is_asked_for_once(lake: Path, tmp_path: Path) -> None:
    source = Source(lake, tmp_path)
    assert source.land() == [[1, 2]]
    assert source.due() == []
    write(lake, [3])
    write(lake, [4])
    assert source.land() == [[1, 2, 3, 4]]
    write(lake, [9], "overwrite")
    assert source.land() == [[9]]
    assert source.due() == []


def test_what_was_added_since_the_last_version(lake: Path, tmp_path: Path) -> None:
    source = Source(lake, tmp_path, changes="appended")
    assert source.land() == [[1, 2]]
    write(lake, [3])
    write(lake, [4])
    assert source.land() == [[3, 4]]
    DeltaTable(str(lake / "gold/stops")).optimize.compact()  # the files are others: all of it is asked for
    assert source.land() == [[1, 2, 3, 4]]
    write(lake, [5])
    assert source.land() == [[5]]


def test_a_partitioned_table_keeps_its_columns(tmp_path: Path) -> None:
    uri = str(tmp_path / "gold/stops")
    write_deltalake(uri, pa.table({"id": [1], "site": ["TUL"]}), partition_by=["site"])
    source = Source(tmp_path, tmp_path, changes="appended")
    (export,) = source.due()
    source.rows(export)
    write_deltalake(uri, pa.table({"id": [2, 3], "site": ["OSL", "TUL"]}), mode="append")
    (export,) = source.due()
    assert sorted(source.rows(export).select("id", "site").rows()) == [(2, "OSL"), (3, "TUL")]
    assert Source(tmp_path, tmp_path, where="site = 'TUL'").land() == [[1, 3]]


def test_a_feed_tells_inserts_changes_and_deletions(tmp_path: Path) -> None:
    uri = str(tmp_path / "gold/stops")
    write_deltalake(uri, pa.table({"id": [1, 2], "v": [10, 20]}), configuration={"delta.enableChangeDataFeed": "true"})
    source = Source(tmp_path, tmp_path, changes="feed")
    (export,) = source.due()
    assert source.rows(export).select("id", "v", "_change_type", "_commit_version").rows() == [(1, 10, "insert", 0), (2, 20, "insert", 0)]
    DeltaTable(uri).update(predicate="id = 1", updates={"v": "v + 1"})
    DeltaTable(uri).delete("id = 2")
    (export,) = source.due()
    told = source.rows(export).sort("_commit_version", "_change_type").select("id", "v", "_change_type").rows()
    assert told == [(1, 11, "update_postimage"), (1, 10, "update_preimage"), (2, 20, "delete")]


def test_a_column_that_was_added(lake: Path, tmp_path: Path) -> None:
    source = Source(lake, tmp_path)
    source.land()
    write(lake, [3], reason=["17"])
    (export,) = source.due()
    assert sorted(source.rows(export).select("id", "reason").rows()) == [(1, None), (2, None), (3, "17")]


def test_types(tmp_path: Path) -> None:
    at = datetime(2026, 11, 20, 6, 0, 0, 123456, UTC)
    row = {
        "d": pa.array([Decimal("1.50")], pa.decimal128(10, 2)), "at": pa.array([at], pa.timestamp("us", "UTC")),
        "naive": pa.array([at.replace(tzinfo=None)], pa.timestamp("us")), "b": pa.array([b"\x00\xff"]), "tags": pa.array([["x", None]]),
        "who": pa.array([{"name": "Ä", "n": 1}]), "ok": [True],
    }  # fmt: skip
    write_deltalake(str(tmp_path / "gold/stops"), pa.table(row))
    (export,) = (source := Source(tmp_path, tmp_path)).due()
    found = source.rows(export)
    assert found.drop("_row").row(0) == (Decimal("1.50"), at, at.replace(tzinfo=None), "00ff", '["x", null]', '{"name": "Ä", "n": 1}', True)
    assert Source(tmp_path, tmp_path, columns=["d"]).rows(export).columns == ["_row", "d"]


def test_an_old_version_whose_files_are_gone_is_told_and_the_new_one_is_asked_for(lake: Path, tmp_path: Path) -> None:
    source = Source(lake, tmp_path)
    (old,) = source.due()
    write(lake, [9], "overwrite")
    DeltaTable(str(lake / "gold/stops")).vacuum(retention_hours=0, enforce_retention_duration=False, dry_run=False)
    with pytest.raises(ReadError, match="vacuumed") as caught:
        source.rows(old)
    assert caught.value.problems[0].actor == "retry"
    assert source.land() == [[9]]


def test_a_table_that_began_anew(lake: Path, tmp_path: Path) -> None:
    """It was dropped and written again: its versions count from 0."""
    source = Source(lake, tmp_path, changes="appended")
    write(lake, [3])
    source.land()
    shutil.rmtree(lake / "gold/stops")
    write(lake, [7])
    assert source.land() == [[7]]


def test_a_log_that_was_cleaned_up(lake: Path, tmp_path: Path) -> None:
    source = Source(lake, tmp_path, changes="appended")
    source.land()
    write(lake, [3])
    table = DeltaTable(str(lake / "gold/stops"))
    table.create_checkpoint()
    for entry in (lake / "gold/stops/_delta_log").glob("*0.json"):
        entry.unlink()
    assert source.land() == [[1, 2, 3]]


def test_what_is_wrong_is_told(lake: Path, tmp_path: Path) -> None:
    for source, message, near, fix in [
        (Source(lake, tmp_path, "gold/stop"), "no Delta table 'gold/stop'", "gold/stops", "path: gold/stops"),
        (Source(tmp_path / "none", tmp_path), "no Delta table", None, "path:"),
        (Source("s3://plant", tmp_path, connection={"role_arn": "arn:x"}), "no setting for 'role_arn'", None, "access_key"),
        (Source(lake, tmp_path, columns=["idd"]), "no column 'idd'", "id", "options.columns: id"),
        (Source("s3://plant", tmp_path, connection={"endpoint": "http://127.0.0.1:1", "access_key": "k", "secret_key": "hunter2", "attempts": 1}),
         "does not answer", None, "endpoint"),
    ]:  # fmt: skip
        with pytest.raises(ReadError) as caught:
            source.land()
        assert message in str(caught.value)
        assert "hunter2" not in str(caught.value)
        assert caught.value.problems[0].closest == near
        assert fix in str(caught.value.problems[0].fix)


def test_a_feed_whose_log_was_cleaned_up_says_how_to_go_on(lake: Path, tmp_path: Path) -> None:
    source = Source(lake, tmp_path, changes="feed")
    source.land()
    write(lake, [3])
    write(lake, [4])
    DeltaTable(str(lake / "gold/stops")).create_checkpoint()
    (lake / "gold/stops/_delta_log/00000000000000000001.json").unlink()
    with pytest.raises(ReadError, match="log") as caught:
        source.land()
    assert "options.changes: whole" in str(caught.value.problems[0].fix)
    source.place = replace(source.place, options=DeltaOptions())
    assert source.land() == [[1, 2, 3, 4]]


def test_a_broken_log_is_told(lake: Path, tmp_path: Path) -> None:
    (lake / "gold/stops/_delta_log/00000000000000000000.json").write_text('{"commitInfo": ')
    with pytest.raises(ReadError):
        Source(lake, tmp_path).land()


def test_a_commit_without_rows_is_a_version(lake: Path, tmp_path: Path) -> None:
    source = Source(lake, tmp_path, changes="appended")
    source.land()
    write_deltalake(
        str(lake / "gold/stops"), pa.table({"id": pa.array([], pa.int64())}), mode="append", commit_properties=CommitProperties()
    )
    assert source.land() == [[]]


def test_a_table_in_a_bucket_and_a_store_that_hangs(lake: Path, tmp_path: Path) -> None:
    pytest.importorskip("moto", reason="extra test")
    keys = {"access_key": USER, "secret_key": PASSWORD, "region": "us-east-1", "timeout_s": 1, "attempts": 1}
    with bucket() as s3:
        for path in (lake / "gold").rglob("*.*"):
            s3.put(f"plant/{path.relative_to(lake)}", path.read_bytes())
        source = Source(f"s3://{s3.name}/plant", tmp_path, connection=keys | {"endpoint": s3.endpoint})
        (export,) = source.due()
        assert PASSWORD not in f"{export}"
        assert source.land() == [[1, 2]]
        assert source.due() == []
        with pytest.raises(ReadError, match="no Delta table 'gold/none'"):
            Source(f"s3://{s3.name}/plant", tmp_path, "gold/none", keys | {"endpoint": s3.endpoint}).due()
    with hanging() as server, pytest.raises(UnreachableError) as caught:
        Source("s3://plant", tmp_path, connection=keys | {"endpoint": f"http://{server}"}).due()
    assert caught.value.problems[0].actor == "retry"
    assert PASSWORD not in str(caught.value)
