"""Counters: what a total that only grows says about what was made, over resets, roll-overs and words."""

from __future__ import annotations

import doctest

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from transforms import counters
from transforms.counters import counter_deltas


def deltas(readings: list[str | int | None], modulus: int | None = None) -> list[float | None]:
    return moved(readings, modulus)["delta"].to_list()


def moved(readings: list[str | int | None], modulus: int | None = None) -> pl.DataFrame:
    values = [None if reading is None else str(reading) for reading in readings]
    frame = pl.LazyFrame({"tag": ["a"] * len(values), "t": range(len(values)), "v": values}, schema_overrides={"v": pl.String})
    return counter_deltas(frame, by=["tag"], order=["t"], value="v", modulus=modulus).collect()


@pytest.mark.parametrize(
    ("samples", "modulus", "made"),
    [
        # 30 up to 65530, 6 to the end of 16 bits and 10 more, 30
        ([(65500, "good"), (65530, "good"), (10, "good"), (40, "good")], 65536, 76),
        # 20 before the reset, 15 after it
        ([(500, "good"), (520, "good"), (0, "good"), (15, "good")], None, 35),
        # the 0 is no reading: 50, then 30
        ([(100, "good"), (150, "good"), (0, "bad"), (180, "good")], None, 80),
    ],
    ids=["rollover16", "reset", "bad"],
)
def test_golden_gc34(samples: list[tuple[int, str]], modulus: int | None, made: int) -> None:
    assert sum(step or 0 for step in deltas([value if quality == "good" else None for value, quality in samples], modulus)) == made


def test_the_first_reading_is_a_baseline_and_a_counter_at_rest_has_no_rows() -> None:
    assert deltas([7]) == []
    assert deltas([7, 7, 7]) == []
    assert deltas([]) == []


def test_a_reset_counts_from_zero_and_says_so() -> None:
    found = moved([5, 9, 2, 3])
    assert found.select("delta", "total", "reset").rows() == [(4.0, 9.0, False), (2.0, 2.0, True), (1.0, 3.0, False)]


def test_a_word_is_a_row_without_delta_and_the_next_reading_goes_on() -> None:
    assert deltas([5, "many", 8]) == [None, 3.0]
    assert deltas([5, "NaN", "inf", 8]) == [None, None, 3.0]


def test_a_null_is_no_reading() -> None:
    assert deltas([None, 5, None, 8]) == [3.0]


def test_readings_are_taken_in_order_within_their_counter() -> None:
    frame = pl.LazyFrame({"tag": ["a", "b", "a", "b"], "t": [2, 1, 1, 2], "v": [9, 100, 5, 101]})
    found = counter_deltas(frame, by=["tag"], order=["t"], value="v").collect()
    assert found.select("tag", "t", "delta").rows() == [("a", 2, 4.0), ("b", 2, 1.0)]


@given(st.lists(st.integers(0, 10**9), max_size=30))
def test_law_without_a_reset_the_steps_add_up_to_last_minus_first(readings: list[int]) -> None:
    grown = sorted(readings)
    assert sum(step or 0 for step in deltas(list(grown))) == (grown[-1] - grown[0] if grown else 0)


@given(st.lists(st.integers(0, 65535), max_size=30), st.integers(0, 10**6))
def test_law_a_16_bit_counter_loses_nothing_as_long_as_it_is_read_once_a_turn(steps: list[int], start: int) -> None:
    totals = [start + sum(steps[:n]) for n in range(len(steps) + 1)]
    assert sum(step or 0 for step in deltas([total % 65536 for total in totals], 65536)) == sum(steps)


@given(st.lists(st.one_of(st.integers(0, 100), st.just("word"), st.none()), max_size=30))
def test_law_a_step_is_never_negative_and_words_are_never_lost(readings: list[str | int | None]) -> None:
    found = moved(readings)
    assert all(step is None or step > 0 for step in found["delta"])
    assert found["delta"].null_count() == sum(reading == "word" for reading in readings)


def test_the_worked_examples_are_true() -> None:
    found = doctest.testmod(counters)
    assert found.attempted > 0
    assert found.failed == 0
