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
        """The limit in words.

        >>> Check("a", "b", "plausible", "warning", "c", high=0.5).limit
        '≤ 0.5'
        """
        if self.low is not None and self.low == self.high:
            return f"= {self.low:g}"
        bounds = [f"{sign} {bound:g}" for sign, bound in (("≥", self.low), ("≤", self.high)) if bound is not None]
        return " and ".join(bounds)


def none(name: str, measure: str, rung: Rung, reason: str, *, severity: Severity = "blocking", owner: str = PLATFORM) -> Check:
    """Nothing of that kind may exist."""
    return Check(name, measure, rung, severity, reason, high=0.0, owner=owner)


def most(name: str, measure: str, high: float, reason: str, rung: Rung = "plausible") -> Check:
    """A guess about factories: a warning above `high`."""
    return Check(name, measure, rung, "warning", reason, high=high, owner=PLANTS, review=SPRING)
