"""What a draft decides: a value, how sure it is, and why.

Here: `Guess`, the word for what only a person can say, and comments. Elsewhere: how they look in YAML (`pipelines.draft.plant_yaml`).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from connectors.portfolio import OPEN

SURE = 90
"""From so many per cent on a decision is not marked."""


@dataclass(frozen=True, slots=True)
class Guess:
    """A value, the share of cases (in per cent) in which a decision on such grounds is right, and the grounds."""

    value: Any
    why: str = ""
    sure: int = 100

    @property
    def is_marked(self) -> bool:
        return self.sure < SURE

    @property
    def is_open(self) -> bool:
        """Whether a person has to write the value: `plant check` refuses it as it stands."""
        return bool(self.value == OPEN)

    @property
    def mark(self) -> str:
        """The comment behind the line, in the one form that all marks have."""
        return f"? {self.why}" if self.is_open else f"? {self.why}, sure: {self.sure} %"


def unknown(why: str) -> Guess:
    """What the exports do not tell."""
    return Guess(OPEN, why, 0)


@dataclass(frozen=True, slots=True)
class Comment:
    """A line of the file for people; as the key of a mapping, it stands there."""

    text: str
