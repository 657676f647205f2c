"""Parquet, beyond the samples: types as the file gives them, and what no column can be made of."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, time, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import polars as pl
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pyarrow import parquet
from sample_files import mutated

from connectors.errors import ReadError
from connectors.kinds.files.parquet import CONNECTOR, ParquetOptions

Make = Callable[..., Path]


def read(path: Path, **options: Any) -> pl.DataFrame:
    return CONNECTOR.read(path, ParquetOptions.model_validate(options)).collect()


def test_types_are_those_of_the_file(tmp_path: Path) -> None:
    path = tmp_path / "x.parquet"
    now = datetime(2026, 11, 1, 6, 30, 0, 123456, UTC)
    table = pa.table({
        "u": pa.array([2**64 - 1], pa.uint64()), "d": pa.array([Decimal("12.50")], pa.decimal128(10, 2)),
        "ns": pa.array([1_761_978_600_123_456_789], pa.timestamp("ns")), "utc": pa.array([now], pa.timestamp("us", "UTC")),
        "t": pa.array([time(6, 30)], pa.time64("us")), "dur": pa.array([timedelta(minutes=5)], pa.duration("us")),
        "cat": pa.array(["a"]).dictionary_encode(), "bytes": pa.array(["µ".encode()], pa.binary()), "none": pa.nulls(1), "b": pa.array([True]),
    })  # fmt: skip
    parquet.write_table(table, path)
    found = read(path)
    assert found.select("u", "d", "utc", "t", "dur", "cat", "bytes", "none", "b").row(0) == (
        2**64 - 1, Decimal("12.50"), now, time(6, 30), timedelta(minutes=5), "a", "µ", None, True,
    )  # fmt: skip
    assert [found.schema[name] for name in ("ns", "cat", "bytes", "none")] == [pl.Datetime("ns"), pl.String, pl.String, pl.String]


def test_row_groups_stream_and_keep_their_order(tmp_path: Path) -> None:
    path = tmp_path / "x.parquet"
    pl.DataFrame({"n": range(10_000)}).write_parquet(path, row_group_size=700)
    found = CONNECTOR.read(path, ParquetOptions()).collect(engine="streaming")
    assert found["_row"].to_list() == [n + 1 for n in found["n"]] == list(range(1, 10_001))


def test_the_name_of_a_file_is_no_pattern(tmp_path: Path) -> None:
    path = tmp_path / "plant=[1]" / "x*.parquet"
    path.parent.mkdir()
    pl.DataFrame({"a": [1]}).write_parquet(path)
    assert read(path).columns == ["_row", "a"]


def test_names_that_polars_would_take_for_patterns(tmp_path: Path) -> None:
    path = tmp_path / "x.parquet"
    pl.DataFrame({"*": ["a"], "^T.*$": [1], "": [2]}).write_parquet(path)
    assert read(path, nulls=["-"]).rows(named=True) == [{"_row": 1, "*_2": "a", "^T.*$_2": 1, "column_3": 2}]


def test_what_is_no_readable_parquet_is_told(make: Make, tmp_path: Path) -> None:
    whole = tmp_path / "whole.parquet"
    pl.DataFrame({"a": ["x"] * 100}).write_parquet(whole)
    body = whole.read_bytes()
    for content, told in [
        (b"", "empty"), (b"PAR1", "truncated"), (body[:40], "truncated"), (b"PARE" + body[4:], "encrypted"),
        (b"x" + body, "no Parquet"), (body[:-20] + b"\xff" * 12 + body[-8:], "damaged"),
    ]:  # fmt: skip
        with pytest.raises(ReadError, match=told):
            read(make(content, name="x.parquet"))


def test_bytes_that_are_no_text_name_their_column(tmp_path: Path) -> None:
    path = tmp_path / "x.parquet"
    parquet.write_table(pa.table({"a": [1], "id": pa.array([b"\xff\xfe"], pa.binary()), "u": pa.array([b"x" * 16], pa.binary(16))}), path)
    with pytest.raises(ReadError, match="bytes of the column 'id'"):
        read(path)
    assert read(path, columns=["a", "u"]).row(0) == (1, 1, "x" * 16)


def test_two_columns_of_one_name_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "x.parquet"
    parquet.write_table(pa.table([[1], [2], [3]], names=["a", "b", "a"]), path)
    with pytest.raises(ReadError, match="several columns 'a'"):
        read(path)
    assert read(path, columns="b").row(0) == (1, 2)


SEEDS = ("snappy", "zstd", "gzip", "uncompressed")


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_whatever_happens_to_a_file_it_is_a_frame_or_a_read_error(tmp_path: Path, data: st.DataObject) -> None:
    whole = tmp_path / "whole.parquet"
    table = pl.DataFrame({"n": [1, None, 3] * 9, "t": ["a", "b", None] * 9, "d": [datetime(2026, 11, 1, tzinfo=UTC)] * 27})
    table.write_parquet(whole, compression=data.draw(st.sampled_from(SEEDS)), row_group_size=10)
    path = tmp_path / "fuzz.parquet"
    path.write_bytes(mutated(data, [whole.read_bytes()], bytes(range(256))))
    try:
        frame = read(path)
    except ReadError as told:
        assert told.problems[0].message
    else:
        assert frame["_row"].to_list() == list(range(1, frame.height + 1))
