"""One check: a limit on a measure, with its reason, owner, review date, severity and rung.

Here: what a check is, and short ways to write one. Elsewhere: all checks (`quality_checks.suites` for silver,
`quality_checks.gold_suites`), the expectation that is made of one (`quality_checks.expectations`). Light on purpose: the process
that judges imports this module beside Great Expectations and nothing else of the product.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Literal

Rung = Literal["structural", "logical", "plausible"]
Severity = Literal["blocking", "warning"]

PLATFORM = "team:data-platform"
PLANTS = "team:plant-data"
SPRING, SUMMER = date(2027, 4, 1), date(2027, 7, 1)
"""Review dates: guesses about factories sooner, after the first plants have been seen; facts about keys later."""


@dataclass(frozen=True, slots=True)
class Check:
    """One expectation: the measure of a plant lies within [low, high]; None is unbounded."""

    name: str
    measure: str
    rung: Rung
    severity: Severity
    reason: str
    low: float | None = None
    high: float | None = None
    owner: str = PLATFORM
    review: date = SUMMER

    @property
    def limit(self) -> str:
        """The limit in words."""
        return limit_in_words(self.low, self.high)


def limit_in_words(low: float | None, high: float | None) -> str:
    """A limit for people; None is unbounded.

    >>> limit_in_words(None, 0.5), limit_in_words(0, 1), limit_in_words(1, 1)
    ('≤ 0.5', '≥ 0 and ≤ 1', '= 1')
    """
    if low is not None and low == high:
        return f"= {low:g}"
    return " and ".join(f"{sign} {bound:g}" for sign, bound in (("≥", low), ("≤", high)) if bound is not None)


def none(name: str, measure: str, rung: Rung, reason: str, *, severity: Severity = "blocking", owner: str = PLATFORM) -> Check:
    """Nothing of that kind may exist."""
    return Check(name, measure, rung, severity, reason, high=0.0, owner=owner)


def most(name: str, measure: str, high: float, reason: str, rung: Rung = "plausible") -> Check:
    """A guess about factories: a warning above `high`."""
    return Check(name, measure, rung, "warning", reason, high=high, owner=PLANTS, review=SPRING)


def references(*names: str) -> tuple[Check, ...]:
    """Most rows name a record that is known."""
    why = "{} records may arrive an export later; more than 1 in 20 missing means that codes are written differently"
    return tuple(most(f"{name}_known", f"{name}_orphan_share", 0.05, why.format(name), "logical") for name in names)


def times(*, future: bool = True) -> tuple[Check, ...]:
    """Times that a plant can mean: of what happened, or (`future` False) of plans."""
    clock = "rule T17: more than 5 min ahead of the clock is a wrong clock, zone or date format"
    placeholder = "plans end within three years; later is a placeholder such as 9999-12-31"
    ancient = "1900, 1970 and two-digit years are unread dates, not history"
    return (
        none("not_in_the_future", "future_rows", "plausible", clock)
        if future
        else none("within_horizon", "beyond_horizon_rows", "plausible", placeholder, severity="warning", owner=PLANTS),
        none("not_before_1990", "ancient_rows", "plausible", ancient),
    )
