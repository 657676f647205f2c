"""What plantlake says when something is wrong, in one shape everywhere.

Here: `Problem` (one thing that is wrong, with its place and its mend), the exceptions that carry problems, and the search for
the closest match. Elsewhere: how a block is coloured in the terminal (`pipelines.cli`), which rows were rejected
(`transforms.accept`), quality findings (`quality_checks`).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Literal

Actor = Literal["plant", "us", "retry"]


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong: where, what was expected, what was found, and what to edit.

    `actor` says who can mend it: the plant (its file or its YAML), us (a defect of plantlake) or nobody but time (retry).
    """

    message: str
    plant: str | None = None
    source: str | None = None
    table: str | None = None
    export: str | None = None
    found: str | None = None
    closest: str | None = None
    fix: str | None = None
    consequence: str | None = None
    actor: Actor = "plant"

    def at(self, **where: str | None) -> Problem:
        """The same problem with the parts of its place that were not known deeper down."""
        missing = {key: value for key, value in where.items() if getattr(self, key) is None}
        return replace(self, **missing)  # type: ignore[arg-type]

    @property
    def where(self) -> str:
        return " · ".join(part for part in (self.plant, self.source, self.table, self.export) if part)

    def __str__(self) -> str:
        """The block of the design: place, expectation, finding, closest match, fix, what it means for the rest."""
        found = f"Found: {self.found}" if self.found else ""
        closest = f"Closest: {self.closest}" if self.closest else ""
        lines = [
            self.message,
            "      ".join(part for part in (found, closest) if part),
            f"Fix: {self.fix}" if self.fix else "",
            self.consequence or "",
        ]
        body = [f"  {line}" for text in lines if text for line in text.splitlines()]
        return "\n".join([self.where, *body] if self.where else [line.strip() for line in body])


class PlantlakeError(Exception):
    """Something the user has to know about; always carries at least one problem and never a traceback to the terminal."""

    def __init__(self, problems: Problem | Iterable[Problem]):
        self.problems: list[Problem] = [problems] if isinstance(problems, Problem) else list(problems)
        super().__init__("\n\n".join(str(problem) for problem in self.problems))

    def at(self, **where: str | None) -> PlantlakeError:
        return type(self)([problem.at(**where) for problem in self.problems])


class ConfigError(PlantlakeError):
    """portfolio.yaml, a plant file or a vocabulary cannot be used as it stands."""


class ReadError(PlantlakeError):
    """An export cannot be read by its connector; nothing of it was loaded."""


class UnreachableError(ReadError):
    """The place of a source cannot be reached: nothing more is asked of it in this refresh, and the next one tries again."""


class ConformError(PlantlakeError):
    """An export was read but does not fit its mapping; nothing of it was loaded into the table."""


class LockedError(PlantlakeError):
    """Another refresh holds the writer's lock of the lake."""


def closest(word: str, choices: Iterable[str], *, cutoff: float = 60.0) -> str | None:
    """The choice most like `word` (case does not count), or None when nothing is near.

    >>> closest("ReasonCd", ["Date", "Reason_Code", "WorkCenter"])
    'Reason_Code'

    One that is spelled alike goes before one that is a part of it:

    >>> closest("OEEE", ["E", "OEE"])
    'OEE'
    """
    from rapidfuzz import fuzz, process, utils

    choices = list(choices)
    best = process.extractOne(word, choices, scorer=fuzz.ratio, processor=utils.default_process, score_cutoff=75)
    best = best or process.extractOne(word, choices, scorer=fuzz.WRatio, processor=utils.default_process, score_cutoff=cutoff)
    return best[0] if best else None


def listed(words: Sequence[str], most: int = 12) -> str:
    """Words for a `Found:` line, cut where nobody would read on.

    >>> listed(["a", "b", "c"], most=2)
    'a, b and 1 more'
    """
    shown = ", ".join(words[:most])
    return shown if len(words) <= most else f"{shown} and {len(words) - most} more"
