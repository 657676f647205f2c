"""Numbers and truth values as people and systems write them.

Here: text to numbers under a declared decimal sign and grouping, strictly. Elsewhere: units (`transforms.units`), which column is
a number (the plant file).
"""

from __future__ import annotations

import re

import polars as pl

BLANK = "[ \u00a0\u2009\u202f]"
"""Blanks that group digits: plain, no-break, thin, narrow no-break. Which of them a system wrote cannot be seen, so any is read."""
GROUPS = {" ": BLANK, "\u00a0": BLANK, "\u2009": BLANK, "\u202f": BLANK, "'": "['\u2019]", "\u2019": "['\u2019]"}
MINUS = "\u2212"
"""The typographic minus of reports."""


def parse_numbers(text: pl.Expr, *, decimal: str = ".", thousands: str = "") -> pl.Expr:
    """Text to Float64; null where it is no number in the declared style.

    Understands a sign before or behind ('302,35-', SAP), brackets for negatives, a percent sign (12,5 % is 12.5), exponents, and
    blanks around, no-break ones included. Groups have to be complete: with decimal ',' and thousands '.', '1.234,5' is 1234.5 and
    '12.5' is no number, because a spreadsheet that lost a sign cannot be told from one that did not. A blank that groups may be any.

    >>> import polars as pl
    >>> texts = pl.DataFrame({"t": ["1.234,5", "302,35-", "(7)", "12.5", "zwölf"]})
    >>> texts.select(parse_numbers(pl.col("t"), decimal=",", thousands="."))["t"].to_list()
    [1234.5, -302.35, -7.0, None, None]
    """
    body = text.str.strip_chars().str.replace_all(MINUS, "-", literal=True)
    bracketed = body.str.contains(r"^\(.*\)$")
    body = pl.when(bracketed).then(body.str.slice(1, body.str.len_chars() - 2)).otherwise(body)
    body = body.str.replace(r"\s*%$", "").str.strip_chars()
    trailing = body.str.contains(r"^[^+-].*[+-]$")
    negative = bracketed | (trailing & body.str.ends_with("-")) | body.str.starts_with("-")
    digits = body.str.strip_chars("+-").str.strip_chars()
    point, group = re.escape(decimal), GROUPS.get(thousands, re.escape(thousands))
    whole = rf"(?:\d+|\d{{1,3}}(?:{group}\d{{3}})+)" if thousands else r"\d+"
    pattern = rf"^(?:{whole}(?:{point}\d*)?|{point}\d+)(?:[eE][+-]?\d+)?$"
    plain = digits.str.replace_all(group, "") if thousands else digits
    plain = plain.str.replace(decimal, ".", literal=True) if decimal != "." else plain
    value = plain.cast(pl.Float64, strict=False)
    signed = pl.when(negative).then(-value).otherwise(value)
    signs = body.str.count_matches(r"[+-]") - digits.str.count_matches(r"[+-]") + bracketed.cast(pl.UInt32)
    return pl.when(digits.str.contains(pattern) & (signs <= 1) & signed.is_finite()).then(signed)


def parse_booleans(text: pl.Expr) -> pl.Expr:
    """Text to Boolean by the words of systems in several languages; null where it is none of them.

    >>> import polars as pl
    >>> pl.DataFrame({"t": ["Y", "nein", "X", "?"]}).select(parse_booleans(pl.col("t")).alias("t"))["t"].to_list()
    [True, False, True, None]
    """
    word = text.str.strip_chars().str.to_lowercase()
    yes = word.is_in(["true", "t", "1", "y", "yes", "x", "ja", "j", "oui", "si", "sí", "wahr"])
    no = word.is_in(["false", "f", "0", "n", "no", "nein", "non", "falsch"])
    return pl.when(yes).then(True).when(no).then(False)
