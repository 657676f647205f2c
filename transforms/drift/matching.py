"""Which new column is which old one: by what the columns hold, then by their names.

Here: how alike two columns are, and pairs of columns that went with columns that came. Elsewhere: what is said of a pair
(`transforms.drift.compare`).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from statistics import median

from transforms.drift.profile import EMPTY, HIDDEN, NUMBER, TIME, ColumnProfile

CONTENT, NAME, PLACE = 0.6, 0.3, 0.1
"""What counts how much."""
ALIKE = 0.5
"""From here on two columns are taken for one. Half of it are two columns of one kind, whose values differ."""
CONTRADICTS = 0.2
"""Below this the values say that they are two columns, whatever their names are."""
SAME = 0.6
"""From here on the values alone say it."""


@dataclass(frozen=True, slots=True)
class Match:
    """A column that went, and the one that came in its place."""

    old: str
    new: str
    because: str


@dataclass(frozen=True, slots=True)
class Likeness:
    """How alike the values of two columns are, from 0 to 1, and why in words."""

    score: float
    because: str = ""


def matches(gone: Mapping[str, Sequence[ColumnProfile]], came: Sequence[ColumnProfile]) -> list[Match]:
    """Pairs of columns, the surest first. `gone`: by name, what the last exports held there, newest last."""
    found: list[tuple[float, str, str, str]] = []
    for place, (old, history) in enumerate(gone.items()):
        for other, new in enumerate(came):
            alike = likeness(history, new)
            name = _alike(old, new.name)
            nearby = 1.0 if history[-1].position == new.position or (len(gone) == len(came) and place == other) else 0.0
            score = CONTENT * alike.score + NAME * name + PLACE * nearby
            if score >= ALIKE and alike.score >= CONTRADICTS:
                found.append((score, old, new.name, alike.because if alike.score >= SAME and alike.because else "by its name and place"))
    pairs: list[Match] = []
    for _, old, new_name, because in sorted(found, key=lambda item: -item[0]):
        if not any(pair.old == old or pair.new == new_name for pair in pairs):
            pairs.append(Match(old, new_name, because))
    return pairs


def likeness(history: Sequence[ColumnProfile], new: ColumnProfile) -> Likeness:
    """How far a column holds what the last exports held in another."""
    known = [column for column in history if column.kind != EMPTY] or list(history)
    old = known[-1]
    if HIDDEN in (old.kind, new.kind):
        return Likeness(0.5)
    if EMPTY in (old.kind, new.kind):
        return Likeness(0.6 if old.kind == new.kind else 0.3)
    if old.kind != new.kind:
        return Likeness(0.0)
    by_kind: dict[str, Callable[[Sequence[ColumnProfile], ColumnProfile], Likeness]] = {NUMBER: _numbers, TIME: _times}
    return by_kind.get(old.kind, _texts)([column for column in known if column.kind == old.kind], new)


def _texts(history: Sequence[ColumnProfile], new: ColumnProfile) -> Likeness:
    words = _words(history, new)
    if words is not None:
        return words
    shapes = max(_overlap(column.shapes, new.shapes) for column in history)
    ratio = _ratio(median(column.distinct for column in history), new.distinct)
    return Likeness(0.7 * shapes * (0.5 + 0.5 * ratio), f"{shapes:.0%} of its texts look the same")


def _words(history: Sequence[ColumnProfile], new: ColumnProfile) -> Likeness | None:
    """By the texts themselves, where there are few different ones."""
    known: dict[str, float] = {}
    for column in history:
        for word, share in column.words.items():
            known[word] = max(known.get(word, 0.0), share)
    if not (known and new.words):
        return None
    same = len(known.keys() & new.words.keys())
    covered = sum(share for word, share in new.words.items() if word in known)
    return Likeness(0.5 * covered + 0.5 * same / min(len(known), len(new.words)), f"{same} of its {len(new.words)} texts are the same")


def _numbers(history: Sequence[ColumnProfile], new: ColumnProfile) -> Likeness:
    words = _words(history, new)
    if words is not None and min(len(new.words), *(len(column.words) for column in history)) > 3 and words.score > 0.9:
        return words
    if not new.sizes or not any(column.sizes for column in history):
        return Likeness(0.4)
    old = [median(column.sizes[at] for column in history if column.sizes) for at in range(len(new.sizes))]
    apart = [abs(math.log(one / other)) for one, other in zip(old, new.sizes, strict=True)]
    width = math.log(old[-1] / old[0]) / 4 + 0.05
    score = math.exp(-(sum(apart) / len(apart)) / (2 * width + 0.2))
    if history[-1].is_whole != new.is_whole:
        score *= 0.5
    return Likeness(score, f"its median is {new.sizes[2]:g}, of '{history[-1].name}' it was {old[2]:g}")


def _times(history: Sequence[ColumnProfile], new: ColumnProfile) -> Likeness:
    layouts = set(history[-1].spans) & set(new.spans)
    if not layouts:
        return Likeness(0.4)
    hours = _overlap(_shares(history[-1].hours), _shares(new.hours)) if history[-1].hours and new.hours else 0.5
    return Likeness(0.6 + 0.3 * hours, "its times look the same")


def _shares(hours: Sequence[int]) -> dict[str, float]:
    total = sum(hours) or 1
    return {str(hour): count / total for hour, count in enumerate(hours)}


def _overlap(one: Mapping[str, float], other: Mapping[str, float]) -> float:
    return sum(min(share, other.get(key, 0.0)) for key, share in one.items())


def _ratio(one: float, other: float) -> float:
    return min(one, other) / max(one, other) if max(one, other) else 1.0


def _alike(one: str, other: str) -> float:
    from rapidfuzz import fuzz, utils

    return fuzz.WRatio(one, other, processor=utils.default_process) / 100
