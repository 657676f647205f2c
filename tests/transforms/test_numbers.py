"""Numbers as systems and people write them: the declared style is read, everything else is no number."""

from __future__ import annotations

import doctest

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from transforms import numbers
from transforms.numbers import parse_booleans, parse_numbers


def number(text: str | None, decimal: str = ".", thousands: str = "") -> float | None:
    frame = pl.DataFrame({"t": [text]}, schema={"t": pl.String})
    return frame.select(parse_numbers(pl.col("t"), decimal=decimal, thousands=thousands).alias("t"))["t"][0]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("12.5", 12.5), (" 12.5 ", 12.5), ("-3", -3.0), ("+3", 3.0), ("3-", -3.0), ("(7.5)", -7.5), (".5", 0.5), ("5.", 5.0),
        ("1e3", 1000.0), ("1.5E-2", 0.015), ("12.5 %", 12.5), ("0", 0.0), ("-0", 0.0),
        ("", None), ("twelve", None), ("12,5", None), ("1 2", None), ("--3", None), ("-3-", None), ("NaN", None), ("inf", None), ("0x10", None),
        ("1e999", None), (None, None),
    ],
)  # fmt: skip
def test_plain_style(text: str | None, expected: float | None) -> None:
    assert number(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("1.234,5", 1234.5), ("1.234.567", 1234567.0), ("302,35-", -302.35), ("1234,5", 1234.5), ("0,5", 0.5),
        ("12.5", None),  # a decimal point in a style that groups with it: an English number, or one that lost a digit
        ("1.23,4", None), ("1,234.5", None),
    ],
)  # fmt: skip
def test_german_style(text: str, expected: float | None) -> None:
    assert number(text, ",", ".") == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("1,234.5", 1234.5), ("12,345,678", 12345678.0), ("(1,234)", -1234.0),
        ("12,34", None),  # a group that lost a digit, or a decimal comma
        ("1,2345", None), (",234", None),
    ],
)  # fmt: skip
def test_american_style(text: str, expected: float | None) -> None:
    assert number(text, ".", ",") == expected


def test_blanks_and_apostrophes_group_where_they_are_declared() -> None:
    assert [number(f"1{blank}234,5", ",", " ") for blank in (" ", "\u00a0", "\u2009", "\u202f")] == [1234.5] * 4
    assert number("1 234,5", ",", "\u00a0") == 1234.5
    assert number("1 23,5", ",", " ") is None
    assert number("1\u2019234.5", ".", "'") == 1234.5
    assert number("1'234.5", ".", "'") == 1234.5


@pytest.mark.parametrize(
    ("text", "expected"),
    [("\u00a0302,35-\u202f", -302.35), ("12,5\u00a0%", 12.5), ("\u22123,5", -3.5), ("3,5\u2212", -3.5)],
)
def test_no_break_blanks_and_the_typographic_minus(text: str, expected: float) -> None:
    assert number(text, ",") == expected


@pytest.mark.parametrize("text", ["(-7)", "(7-)", "+5-", "/1.25", "- ", "()", ".", "1e", "\u0663"])
def test_two_signs_reciprocals_and_leftovers_are_no_numbers(text: str) -> None:
    assert number(text) is None  # SAP writes a reciprocal exchange rate as '/1.25'; the last is an Arabic 3


@given(
    st.text(alphabet="0123456789.,'-+()% eE/\u00a0", max_size=8),
    st.sampled_from([(".", ""), (",", ""), (",", "."), (".", ","), (",", " ")]),
)
def test_law_what_is_read_is_written_with_these_digits_alone(text: str, style: tuple[str, str]) -> None:
    found = number(text, *style)
    if found is not None:
        digits = "".join(sign for sign in text.lower().replace(style[1], "") if sign.isdigit() or sign in (style[0], "e"))
        assert digits.strip("e")
        if "e" not in digits:
            assert abs(found) == float(digits.replace(style[0], "."))


@given(st.decimals(min_value=-(10**9), max_value=10**9, places=3))
def test_law_a_number_written_in_a_style_is_read_in_that_style(value: object) -> None:
    english = f"{value:,.3f}"
    german = english.replace(",", "_").replace(".", ",").replace("_", ".")
    assert number(german, ",", ".") == number(english, ".", ",") == float(str(value))


def test_truth_values_in_several_languages() -> None:
    texts = pl.DataFrame({"t": ["Y", "nein", "X", "1", "0", "false", "?", None]})
    assert texts.select(parse_booleans(pl.col("t")).alias("t"))["t"].to_list() == [True, False, True, True, False, False, None, None]


def test_the_worked_examples_are_true() -> None:
    found = doctest.testmod(numbers)
    assert found.attempted > 0
    assert found.failed == 0
