"""Ids and hashes must be the same on every machine and in every version: they are compared with hashlib and with fixed texts."""

from __future__ import annotations

import hashlib
import unicodedata
from datetime import UTC, date, datetime

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from transforms.keys import row_hash, stable_id


def ids(*columns: list[str | None], plant: str = "1001", namespace: str = "mes") -> list[str | None]:
    frame = pl.DataFrame({str(i): column for i, column in enumerate(columns)}).cast(pl.String)
    return frame.select(stable_id(plant, namespace, [pl.col(name) for name in frame.columns]))[:, 0].to_list()


@settings(deadline=None, max_examples=40)
@given(st.lists(st.tuples(st.text(max_size=6), st.none() | st.text(max_size=6)), min_size=1, max_size=5))
def test_an_id_is_the_documented_sha256(rows: list[tuple[str, str | None]]) -> None:
    # polars and Python agree on what a blank is only for ordinary ones; control characters are no part of a key
    rows = [tuple(None if part is None else "".join(c for c in part if c.isprintable()) for part in row) for row in rows]
    expected = []
    for row in rows:
        parts = [unicodedata.normalize("NFC", (part or "").strip()) for part in row]
        text = "\x1f".join(["1001", "mes", *parts])
        expected.append(hashlib.sha256(text.encode()).hexdigest()[:16] if any(parts) else None)
    assert ids(*map(list, zip(*rows, strict=True))) == expected


def test_leading_zeros_and_case_count_and_blanks_at_the_ends_do_not() -> None:
    plain, zeros, case, blanks = ids(["7", "007", "P", " 7 "])
    assert plain == blanks
    assert len({plain, zeros, case}) == 3


def test_an_absent_part_keeps_its_place() -> None:
    first, second = ids(["a", None], [None, "a"])
    assert first != second


def test_plant_and_namespace_are_part_of_the_id() -> None:
    assert len({ids(["7"])[0], ids(["7"], plant="1002")[0], ids(["7"], namespace="erp")[0]}) == 3


def test_composed_and_decomposed_letters_are_one() -> None:
    one, other = ids(["M\u00fchle", "Mu\u0308hle"])
    assert one == other


ROW = {
    "t": datetime(2026, 1, 1, tzinfo=UTC), "d": date(2026, 1, 1), "x": 1.5, "n": 3, "b": True, "s": "a", "l": ["p", "q"],
}  # fmt: skip


def hashes(rows: list[dict[str, object]]) -> list[str]:
    frame = pl.DataFrame(rows, schema_overrides={"t": pl.Datetime("us", "UTC")})
    return frame.select(row_hash(frame.columns))[:, 0].to_list()


def test_a_hash_is_a_fixed_text() -> None:
    # 1.5 is 0x3FF8000000000000 = 4609434218613702656; 2026-01-01 is day 20454 and 1767225600 s after 1970
    text = "\x1f".join(["b=true", "d=20454", "l=p\x1eq", "n=3", "s=a", "t=1767225600000000", "x=4609434218613702656"])
    assert hashes([ROW]) == [hashlib.sha256(text.encode()).hexdigest()[:32]]


@pytest.mark.parametrize(
    ("change", "same"),
    [({"x": -0.0}, False), ({"s": ""}, False), ({"s": None}, False), ({"new": None}, True), ({"new": ""}, False)],
)
def test_what_changes_a_hash(change: dict[str, object], same: bool) -> None:
    assert (hashes([ROW]) == hashes([ROW | change])) is same


def test_equal_numbers_have_equal_hashes() -> None:
    zero, negative = hashes([{"x": 0.0}, {"x": -0.0}])
    assert zero == negative
    amounts = [pl.DataFrame({"q": ["100.5"]}).cast(pl.Decimal(18, scale)) for scale in (1, 6)]
    one, other = (frame.select(row_hash(["q"])).item() for frame in amounts)
    assert one == other == hashlib.sha256(b"q=100.5").hexdigest()[:32]


@pytest.mark.parametrize("scale", [0, 1, 6])
def test_whole_decimals_keep_their_zeros(scale: int) -> None:
    frame = pl.DataFrame({"q": ["100", "1", "10"]}).cast(pl.Decimal(18, scale))
    assert frame.select(row_hash(["q"]).alias("h"))["h"].to_list() == [
        hashlib.sha256(text).hexdigest()[:32] for text in (b"q=100", b"q=1", b"q=10")
    ]


def test_streaming_keeps_the_order_of_rows() -> None:
    frame = pl.DataFrame({"a": [f"unit {i % 977}" for i in range(300_000)]})
    expressions = [stable_id("p", "x", [pl.col("a")]).alias("id"), row_hash(["a"]).alias("hash")]
    streamed = frame.lazy().select(expressions).collect(engine="streaming")
    assert streamed.equals(frame.select(expressions))
    assert streamed["id"].n_unique() == streamed["hash"].n_unique() == 977
