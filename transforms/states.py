"""Words of the standards for what a machine does (PackML, SEMI E10, OPC UA Machinery, vendors), and the class that each of them means.

Here: the seed `state_class` of the dbt project as words for `state_class` in a plant file: `PackML:Held`, or `map: PackML` for a source
that delivers the names themselves. Elsewhere: classes that only an order or a neighbour decides (`int_event__decided`), reasons
(seed `downtime_reason`).

Numbers of states are never mapped by themselves: vendors number PackML differently, so a plant file says `map: {"6": "PackML:Execute"}`.
"""

from __future__ import annotations

import csv
from functools import cache
from pathlib import Path

import polars as pl

import dbt_project

SEED = Path(dbt_project.__file__).parent / "seeds" / "state_class.csv"


@cache
def words() -> dict[str, tuple[str, bool | None]]:
    """Word: its class, and whether the state is a failure (None: its reason decides).

    >>> words()["PackML:Aborted"], words()["SEMI_E10:Standby"]
    (('DELAY_EQ', True), ('STANDBY', None))
    """
    with SEED.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    is_failure = {"true": True, "false": False, "": None}
    return {f"{row['standard']}:{row['state']}": (row["state_class"], is_failure[row["is_failure"]]) for row in rows}


def standards() -> list[str]:
    """Names for `map`."""
    return list(dict.fromkeys(word.split(":")[0] for word in words()))


def of_standard(name: str) -> dict[str, str]:
    """The words of a standard by the text of their state, as `plain` writes it."""
    return {_plain(word.split(":")[1]): word for word in words() if word.startswith(f"{name}:")}


def plain(text: pl.Series) -> pl.Series:
    """Names of states without case, blanks and punctuation: 'NOT_EXECUTING' and 'NotExecuting' are one."""
    return text.str.to_lowercase().str.replace_all(r"[^a-z0-9]", "")


def _plain(text: str) -> str:
    return str(plain(pl.Series([text]))[0])


def classes() -> dict[str, str]:
    """Word: its class."""
    return {word: state_class for word, (state_class, _) in words().items()}


def failures() -> dict[str, bool]:
    """Word: whether its state is a failure, where the standard says so."""
    return {word: is_failure for word, (_, is_failure) in words().items() if is_failure is not None}
