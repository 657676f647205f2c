"""What several exports say of the same records, as versions; small frames by hand, and the law for any exports."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from transforms.revisions import above, in_order, merge, settle, tombstones

UTC_US = pl.Datetime("us", "UTC")
SCHEMA: dict[str, pl.DataType | type[pl.DataType]] = {
    "plant_id": pl.String, "month": pl.String, "id": pl.String, "ts": UTC_US, "value": pl.String,
    "revision": pl.Int32, "is_current": pl.Boolean, "is_deleted": pl.Boolean,
    "_batch_id": pl.String, "_source_system": pl.String, "_source_object": pl.String, "_row_number": pl.Int64,
    "_row_hash": pl.String, "_export_order": pl.String, "_extracted_at": UTC_US, "_ingested_at": UTC_US,
    "_transform_version": pl.String,
}  # fmt: skip
EMPTY = pl.DataFrame(schema=SCHEMA)
T0 = datetime(2026, 1, 1, tzinfo=UTC)
Export = list[tuple[str, str]]
"""(id, value) of each row; the first letter of an id is its event hour after T0."""


def at(id: str) -> datetime:
    return T0 + timedelta(hours=ord(id[0]) - ord("a"))


def frame(order: str, rows: Export, source: str = "mes") -> pl.DataFrame:
    """The accepted rows of one export."""
    return pl.DataFrame(
        [
            {"plant_id": "1001", "month": f"{at(id):%Y-%m}", "id": id, "ts": at(id), "value": value, "revision": 1, "is_current": True,
             "is_deleted": False, "_batch_id": f"batch {order}", "_source_system": source, "_source_object": f"{order}.csv",
             "_row_number": number, "_row_hash": value, "_export_order": order, "_extracted_at": None, "_ingested_at": T0,
             "_transform_version": "1"}
            for number, (id, value) in enumerate(rows, 1)
        ],
        schema=SCHEMA,
    )  # fmt: skip


def lineage(order: str) -> dict[str, object]:
    return {"_batch_id": f"batch {order}", "_source_object": f"{order}.csv", "_export_order": order, "_extracted_at": None,
            "_ingested_at": T0, "_transform_version": "1"}  # fmt: skip


def told(rows: pl.DataFrame) -> list[tuple[str, int, str, bool, bool]]:
    return rows.select("id", "revision", "value", "is_current", "is_deleted").rows()


def snapshot(existing: pl.DataFrame, order: str, rows: Export) -> pl.DataFrame:
    new = frame(order, rows)
    gone = tombstones(existing, new, id="id", source_system="mes", lineage=lineage(order))
    return merge(existing, pl.concat([new, gone]), id="id").rows


def test_a_later_export_wins_and_the_earlier_version_stays() -> None:
    first = merge(EMPTY, frame("1", [("a", "5"), ("b", "7")]), id="id").rows
    second = merge(first, frame("2", [("a", "6"), ("b", "7")]), id="id")
    assert told(second.rows) == [("a", 1, "5", False, False), ("a", 2, "6", True, False), ("b", 1, "7", True, False)]
    assert second.duplicates.select("id", "_batch_id").rows() == [("b", "batch 2")]  # b said nothing new


def test_a_record_that_no_export_speaks_of_stays_as_it_stands() -> None:
    """Of 'b' only the second version is in the months that were opened."""
    versions = merge(merge(EMPTY, frame("1", [("a", "5"), ("b", "7")]), id="id").rows, frame("2", [("b", "8")]), id="id").rows
    opened = versions.filter((pl.col("id") == "a") | (pl.col("revision") == 2))
    rows = merge(opened, frame("3", [("a", "6")]), id="id").rows
    assert rows.select("id", "revision", "is_current").rows() == [("a", 1, False), ("a", 2, True), ("b", 2, True)]


def test_a_statement_gives_way_to_what_was_delivered_and_follows_its_deletion() -> None:
    """Record a is stated and alive at the master, b is gone there, c is only stated, d is gone there and no longer stated."""
    delivered = snapshot(merge(EMPTY, frame("1", [("a", "5"), ("b", "6"), ("d", "7")]), id="id").rows, "2", [("a", "8")])
    first = merge(EMPTY, frame("9", [("a", "x"), ("b", "x"), ("c", "x"), ("d", "x")], "file"), id="id").rows
    gone = tombstones(first, frame("10", [("a", ""), ("b", ""), ("c", "")]), id="id", source_system="file", lineage=lineage("99"))
    stated = merge(first, gone, id="id").rows
    expected = [
        ("a", 1, "5", False, False), ("a", 2, "8", True, False),
        ("b", 1, "6", False, False), ("b", 2, "6", False, True), ("b", 3, "x", True, False),
        ("c", 1, "x", True, False),
        ("d", 1, "7", False, False), ("d", 2, "7", True, True),
    ]  # fmt: skip
    rows = above(delivered, stated, id="id")
    assert told(rows) == expected
    mine = rows["_source_system"] == "file"
    assert told(above(rows.filter(~mine), rows.filter(mine), id="id")) == expected, "also of what stood so before"


def test_an_export_may_correct_itself() -> None:
    merged = merge(EMPTY, frame("1", [("a", "5"), ("a", "5"), ("a", "6")]), id="id")
    assert told(merged.rows) == [("a", 1, "5", False, False), ("a", 2, "6", True, False)]
    assert len(merged.duplicates) == 1


def test_a_value_that_returns_is_a_new_version() -> None:
    merged = merge(EMPTY, pl.concat([frame("1", [("a", "5")]), frame("2", [("a", "6")]), frame("3", [("a", "5")])]), id="id")
    assert [row[2] for row in told(merged.rows)] == ["5", "6", "5"]


def test_a_window_deletes_only_inside_itself_and_only_its_own_source() -> None:
    standing = merge(EMPTY, pl.concat([frame("1", [("a", "1"), ("b", "2"), ("c", "3")]), frame("1", [("bx", "9")], "erp")]), id="id").rows
    new = frame("2", [("a", "1")])
    gone = tombstones(standing, new, id="id", source_system="mes", lineage=lineage("2"), time="ts", window=(at("a"), at("c")))
    assert gone.select("id", "is_deleted", "_batch_id", "_row_number").rows() == [("b", True, "batch 2", 0)]  # c starts at the end
    merged = merge(standing, pl.concat([new, gone]), id="id")
    assert told(merged.rows) == [
        ("a", 1, "1", True, False), ("b", 1, "2", False, False), ("b", 2, "2", True, True),
        ("bx", 1, "9", True, False), ("c", 1, "3", True, False),
    ]  # fmt: skip
    assert len(merged.duplicates) == 1  # the tombstone is no record of the source


@pytest.mark.parametrize("window", [(None, None), (at("a"), None), (None, at("z"))])
def test_a_window_without_bounds_deletes_nothing(window: tuple[datetime | None, datetime | None]) -> None:
    standing = merge(EMPTY, frame("1", [("a", "1")]), id="id").rows
    assert tombstones(standing, EMPTY, id="id", source_system="mes", lineage=lineage("2"), time="ts", window=window).is_empty()


def test_a_window_needs_its_column() -> None:
    with pytest.raises(ValueError, match="column"):
        tombstones(EMPTY, EMPTY, id="id", source_system="mes", lineage=lineage("2"), window=(T0, T0))


def test_what_comes_back_after_its_deletion_is_a_new_version() -> None:
    rows = EMPTY
    for order, export in (("1", [("a", "1")]), ("2", []), ("3", []), ("4", [("a", "1")])):
        rows = snapshot(rows, order, export)
    assert told(rows) == [("a", 1, "1", False, False), ("a", 2, "1", False, True), ("a", 3, "1", True, False)]
    assert rows["_export_order"].to_list() == ["1", "2", "4"]  # deleted once, though absent twice


def test_rows_that_say_what_they_said_are_settled() -> None:
    standing = merge(EMPTY, frame("1", [("a", "5"), ("b", "7")]), id="id").rows
    later = standing.with_columns(_ingested_at=pl.lit(T0 + timedelta(days=1), dtype=UTC_US), _transform_version=pl.lit("2"))
    found = settle(later, standing, id="id")
    assert found.rows.equals(standing)
    assert found.changed.is_empty()


def test_changed_rows_are_the_new_the_different_and_the_gone() -> None:
    standing = merge(EMPTY, frame("1", [("a", "5"), ("b", "7"), ("d", "9")]), id="id").rows
    moved = frame("2", [("a", "6")]).with_columns(pl.lit("2026-02").alias("month"))
    rows = merge(standing, moved, id="id").rows.filter(pl.col("id") != "d")
    # a has a version more, in another month, and its first one is no longer current; d is gone; b is as it was
    found = settle(rows, standing, id="id").changed
    assert sorted(found.select("id", "revision", "month", "is_current").rows()) == [
        ("a", 1, "2026-01", False), ("a", 1, "2026-01", True), ("a", 2, "2026-02", True), ("d", 1, "2026-01", True),
    ]  # fmt: skip


def test_statements_are_compared_as_they_are() -> None:
    standing = pl.DataFrame({"plant_id": ["p", "p"], "word": ["x", None]})
    assert settle(standing.reverse(), standing, id=None).changed.is_empty()
    assert settle(standing.head(1), standing, id=None).changed.is_empty() is False
    assert settle(pl.concat([standing, standing]), standing, id=None).changed.is_empty() is False


def test_incoming_enums_are_stored_as_text() -> None:
    incoming = frame("1", [("a", "RUN")]).with_columns(pl.col("value").cast(pl.Enum(["RUN", "IDLE"])))
    assert merge(EMPTY, incoming, id="id").rows.schema == EMPTY.schema


EXPORTS = st.lists(
    st.lists(st.tuples(st.sampled_from("abc"), st.sampled_from("12")), max_size=4), min_size=1, max_size=6,
)  # fmt: skip


def arrive(exports: dict[str, Export], arrivals: list[str], mode: str) -> pl.DataFrame:
    """The lake after these arrivals, by the rule of `in_order`: skip what is known, derive again what comes too early."""
    known: list[str] = []
    rows = EMPTY
    for order in arrivals:
        if order in known:
            continue
        again = not in_order(known, [order])
        known.append(order)
        rows = EMPTY if again else rows
        for todo in sorted(known) if again else [order]:
            new = frame(todo, exports[todo])
            gone = [EMPTY]
            if mode != "upsert":
                window = (at("a"), at("c")) if mode == "window" else None
                time = "ts" if window else None
                gone = [tombstones(rows, new, id="id", source_system="mes", lineage=lineage(todo), time=time, window=window)]
            rows = merge(rows, pl.concat([new, *gone]), id="id").rows
    return rows


@pytest.mark.parametrize("mode", ["upsert", "window", "snapshot"])
@settings(deadline=None, max_examples=25)
@given(data=st.data(), contents=EXPORTS)
def test_any_order_of_arrival_and_any_repetition_gives_the_same(mode: str, data: st.DataObject, contents: list[Export]) -> None:
    exports = {str(number): rows for number, rows in enumerate(contents)}
    once = sorted(exports)
    arrivals = data.draw(st.permutations(once + data.draw(st.lists(st.sampled_from(once), max_size=3))))
    assert arrive(exports, arrivals, mode).equals(arrive(exports, once, mode))


@settings(deadline=None, max_examples=25)
@given(contents=EXPORTS, cut=st.integers(0, 6))
def test_many_exports_at_once_are_as_good_as_one_by_one(contents: list[Export], cut: int) -> None:
    frames = [frame(str(number), rows) for number, rows in enumerate(contents)]
    whole = merge(EMPTY, pl.concat([EMPTY, *frames]), id="id")
    first = merge(EMPTY, pl.concat([EMPTY, *frames[:cut]]), id="id")
    second = merge(first.rows, pl.concat([EMPTY, *frames[cut:]]), id="id")
    assert second.rows.equals(whole.rows)
    assert len(first.duplicates) + len(second.duplicates) == len(whole.duplicates)


@settings(deadline=None, max_examples=25)
@given(contents=EXPORTS)
def test_versions_are_what_a_reader_of_all_exports_would_write_down(contents: list[Export]) -> None:
    expected: dict[str, list[str]] = {}
    for id, value in (row for rows in contents for row in rows):
        versions = expected.setdefault(id, [])
        if not versions or versions[-1] != value:
            versions.append(value)
    rows = merge(EMPTY, pl.concat([EMPTY, *(frame(str(n), rows) for n, rows in enumerate(contents))]), id="id").rows
    assert told(rows) == [
        (id, number, value, number == len(versions), False)
        for id, versions in sorted(expected.items())
        for number, value in enumerate(versions, 1)
    ]
