"""Numbers that moved as a whole: another unit, another scale, another sign; times that moved to another zone.

Here: tests on a column's profiles, each sure enough to wake somebody. Elsewhere: what is said then (`transforms.drift.compare`).

A median is held against the medians of the exports before, in logarithms, with their own variation and that of a sample of this size.
A factor counts from 50 on, or where it is one of known units; and only where all quartiles moved by it, and none lies where one ever lay,
because a product of which more is made moves some records and not all. Below 50 the factor has to be met closely: ten times as much is a
good season.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from statistics import median

from transforms.drift.profile import ColumnProfile

HISTORY = 3
"""Exports before it that a column's median is held against, at least."""
VALUES = 5
"""Values of a column, at least."""
LARGE = 50.0
SIGMAS = 6.0
CLOSE = 0.04
"""How closely (in logarithms) a factor below LARGE has to be met; 0.04 is four percent."""
FACTORS = {
    1000.0: "1,000", 1e6: "1,000,000", 100.0: "100", 60.0: "60", 3600.0: "3,600", 1440.0: "1,440", 86400.0: "86,400",
    25.4: "25.4 (mm and in)", 304.8: "304.8 (mm and ft)", 3.28084: "3.28084 (ft and m)", 2.20462: "2.20462 (lb and kg)",
    453.592: "453.592 (g and lb)", 28.3495: "28.3495 (g and oz)", 3.78541: "3.78541 (L and gal)", 3.6: "3.6 (MJ and kWh)",
    1.60934: "1.60934 (km and mi)", 6.89476: "6.89476 (kPa and psi)", 14.5038: "14.5038 (psi and bar)",
}  # fmt: skip
TEMPERATURES = {"Cel": {"[degF]": (1.8, 32.0), "K": (1.0, 273.15)}, "[degF]": {"Cel": (1 / 1.8, -32 / 1.8)}, "K": {"Cel": (1.0, -273.15)}}


@dataclass(frozen=True, slots=True)
class Scaled:
    """A column whose numbers are so many times what they were."""

    factor: float
    """New by old; the exact one where it is known."""
    about: str
    """The factor in words."""
    before: float
    now: float


def scaled(history: Sequence[ColumnProfile], new: ColumnProfile, rows: int) -> Scaled | None:
    """Whether a column's numbers are all a factor larger or smaller than in the exports before."""
    known = [column for column in history if column.sizes]
    count = round(min(rows, 500) * (1 - new.null))
    if len(known) < HISTORY or not new.sizes or count < VALUES:
        return None
    old = [[math.log(column.sizes[at]) for column in known] for at in (1, 2, 3)]
    now = [math.log(new.sizes[at]) for at in (1, 2, 3)]
    middle = median(old[1])
    shift = now[1] - middle
    sigma = _sigma(old[1], median(old[2]) - median(old[0]), count)
    is_apart = now[0] > max(old[2]) if shift > 0 else now[2] < min(old[0])
    if not is_apart or abs(shift) < max(SIGMAS * sigma, 1.2 * (max(old[1]) - min(old[1])), 0.2):
        return None
    natural = max(
        abs((high - mid) - median(o - m for o, m in zip(old[2], old[1], strict=True))) for mid, high in zip(old[1], old[2], strict=True)
    )
    wobble = max(abs((value - median(past)) - shift) for value, past in zip(now, old, strict=True))
    if wobble > max(0.3, min(3 * natural, abs(shift) / 10)):
        return None
    found = _factor(shift, sigma, all(column.is_whole for column in (*known, new)))
    if found is None:
        return None
    exact, words = found
    return Scaled(exact if shift > 0 else 1 / exact, words, math.exp(middle), new.sizes[2])


def _sigma(medians: Sequence[float], quartiles: float, count: int) -> float:
    middle = median(medians)
    spread = 1.4826 * median(abs(value - middle) for value in medians)
    return math.hypot(max(spread, 0.02), 1.25 * quartiles / 1.35 / math.sqrt(count))


def _factor(shift: float, sigma: float, whole: bool) -> tuple[float, str] | None:
    size = abs(shift)
    near = min(FACTORS, key=lambda factor: abs(math.log(factor) - size))
    apart = abs(math.log(near) - size)
    if size >= math.log(LARGE) - 3 * sigma and near >= LARGE and apart <= max(0.1, 3 * sigma):
        return near, FACTORS[near]
    if size >= math.log(LARGE):
        return math.exp(size), f"about {math.exp(size):,.0f}"
    if near < LARGE and apart <= CLOSE and 3 * sigma <= 0.15 and not (whole and near % 1):
        return near, FACTORS[near]
    return None


def warmed(history: Sequence[ColumnProfile], new: ColumnProfile) -> tuple[str, str] | None:
    """(old unit, new unit) of temperatures, where all quartiles are where another scale of temperature puts them."""
    known = [column for column in history if column.values]
    if len(known) < HISTORY or not new.values:
        return None
    old = [[column.values[at] for column in known] for at in (1, 2, 3)]
    middle = [median(past) for past in old]
    natural = max(1.4826 * median(abs(value - middle[1]) for value in old[1]), 0.02 * abs(middle[1]), 0.1)
    reach = max(old[1]) - min(old[1])
    for unit, others in TEMPERATURES.items():
        for other, (factor, offset) in others.items():
            expected = [factor * value + offset for value in middle]
            apart = max(abs(value - wanted) for value, wanted in zip(new.values[1:4], expected, strict=True))
            moved = abs(new.values[2] - middle[1])
            if moved > max(SIGMAS * natural, 1.5 * reach, 5 * apart) and apart <= 2 * natural * max(1.0, factor) and 0 < middle[1] < 2000:
                return unit, other
    return None


def turned(history: Sequence[ColumnProfile], new: ColumnProfile) -> bool:
    """Whether numbers that never were negative now nearly all are."""
    known = [column for column in history if column.values]
    return len(known) >= HISTORY and all(column.negative == 0 for column in known) and new.negative >= 0.9 and len(new.values) > 0


def lagged(history: Sequence[float], new: float) -> int | None:
    """Whole hours by which the clock of an export's data moved against the moment it was taken (positive: the data are written earlier).

    >>> lagged([0.2, 0.3, 0.25, 0.3], 2.25), lagged([0.2, 5.0, 0.1, 0.3], 2.2), lagged([0.2, 0.3, 0.25], 0.4)
    (2, None, None)
    """
    if len(history) < HISTORY:
        return None
    spread = max(history) - min(history)
    moved = new - median(history)
    hours = round(moved)
    if spread > 0.5 or not hours or abs(hours) > 14 or abs(moved - hours) > max(0.15, spread):
        return None
    return hours


def rolled(history: Sequence[Sequence[int]], new: Sequence[int]) -> int | None:
    """Whole hours by which the day's pattern of a time column moved (positive: it is written earlier); None where it may not have.

    >>> early = [0] * 6 + [10] * 8 + [0] * 10
    >>> rolled([early, early, early], [0] * 4 + [9] * 8 + [0] * 12)
    2
    """
    known = [_normal(hours) for hours in history if sum(hours) >= 20]
    if len(known) < HISTORY or sum(new) < 20:
        return None
    usual = [sum(hours[at] for hours in known) / len(known) for at in range(24)]
    natural = max(_apart(hours, usual) for hours in known)
    now = _normal(new)
    still = _apart(now, usual)
    fits = {hours: _apart(now, usual[hours % 24 :] + usual[: hours % 24]) for hours in (*range(-12, 0), *range(1, 13))}
    best: int = min(fits, key=lambda hours: (fits[hours], abs(hours)))
    if still < max(0.2, 3 * natural) or fits[best] > max(0.1, 1.2 * natural) or fits[best] > still / 3:
        return None
    return best


def _normal(hours: Sequence[int]) -> list[float]:
    total = sum(hours)
    return [count / total for count in hours]


def _apart(one: Sequence[float], other: Sequence[float]) -> float:
    """The share of records that would have to move."""
    return sum(abs(a - b) for a, b in zip(one, other, strict=True)) / 2


def swapped(history: Sequence[ColumnProfile], new: ColumnProfile) -> tuple[str, str] | None:
    """(old layout, new layout) where day and month changed places: said by the days after the 12th, else by what stands still.

    Where all days of an export are before the 13th both readings are possible. The right one is then that in which the times go on where
    those before it ended.
    """
    known = [column for column in history if column.spans]
    certain = next((next(iter(column.spans)) for column in reversed(known) if len(column.spans) == 1), None)
    if certain is None or not certain.startswith(("%d", "%m")) or not new.spans:
        return None
    other = certain.replace("%d", "%\0").replace("%m", "%d").replace("%\0", "%m")
    if set(new.spans) == {other}:
        return certain, other
    if set(new.spans) != {certain, other}:
        return None
    last = next((datetime.fromisoformat(column.spans[certain][1]) for column in reversed(known) if certain in column.spans), None)
    if last is None:
        return None
    stays, swaps = (_away(new.spans[layout], last) for layout in (certain, other))
    return (certain, other) if swaps <= 3 and stays >= 20 else None


def _away(span: Sequence[str], last: datetime) -> float:
    """Days between the end of what was known and a span, whichever way."""
    first, end = (datetime.fromisoformat(text) for text in span[:2])
    if first <= last <= end:
        return 0.0 if (end - last).days <= 40 else (end - last).days
    return abs((first - last).total_seconds() if first > last else (last - end).total_seconds()) / 86400
