"""Texts to moments: the format, and whether the day or the month comes first, decided from all that a column holds.

Here: pure functions over texts. Elsewhere: reading with a format (`transforms.clock`), what else a column holds (`pipelines.draft.facts`).
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from itertools import pairwise
from zoneinfo import ZoneInfo

import polars as pl

from transforms.clock import parse_timestamps

SENTINELS = (
    "0", "-", "--", "---", "?", "n/a", "N/A", "NA", "NULL", "null", "None", "nan", "NaN", "#N/A", "00000000", "000000",
    "0000-00-00",
    "0000-00-00 00:00:00", "00.00.0000", "00:00:00", "1899-12-30", "1899-12-31", "1900-01-01", "1900-01-01 00:00:00",
    "1900-01-01T00:00:00Z",
    "01.01.1900", "1/1/1900", "0001-01-01", "0001-01-01T00:00:00Z", "0001-01-01T00:00:00", "1753-01-01", "1970-01-01 00:00:00",
    "9999-12-31",
    "31.12.9999", "12/31/9999", "99991231", "9999-12-31 00:00:00", "9999-12-31T00:00:00Z",
)  # fmt: skip
"""What systems write where they know no time."""
ISO = re.compile(r"\d{4}-\d\d-\d\d(?:[T ]\d\d:\d\d(?::\d\d(?:[.,]\d+)?)?\s*(?P<offset>Z|[+-]\d\d:?\d\d|[+-]\d\d)?)?")
DAY = re.compile(
    r"(?P<a>\d{1,4}|[A-Za-z]{3,9})(?P<s1>[./ -])(?P<b>\d{1,2}|[A-Za-z]{3,9})(?P<s2>[./ -]|, )(?P<c>\d{4}|\d{2})"
    r"(?:(?P<gap>[T ]+)(?P<clock>\d{1,2}[:.]\d\d.*))?"
)
CLOCK = re.compile(
    r"(\d{1,2})(?P<sep>[:.])(\d\d)(?:(?P=sep)(?P<s>\d\d)(?P<f>[.,]\d+)?)?(?P<ap>\s?[AaPp][Mm])?(?P<off>\s?(?:Z|[+-]\d\d:?\d\d))?"
)
COMPACT = {14: "%Y%m%d%H%M%S", 12: "%Y%m%d%H%M", 8: "%Y%m%d"}
EPOCHS = {10: "epoch_s", 13: "epoch_ms", 16: "epoch_us", 19: "epoch_ns"}
DAMAGED = re.compile(r"\d{1,2}:\d\d\.\d")
"""What Excel leaves of a time: minutes, seconds and tenths."""
YEARS = (1980, 2060)
ZONES = ("Europe/Berlin", "America/New_York", "Australia/Sydney", "America/Santiago", "America/Sao_Paulo")
"""One zone of each set of clock changes that many plants live in."""


@dataclass(frozen=True)
class Moment:
    """How the texts of a column are read as moments."""

    formats: tuple[str, ...]
    """None for ISO 8601 and typed dates."""
    has_day: bool = True
    has_clock: bool = True
    has_offset: bool = False
    share: float = 1.0
    """Of the texts that are read."""
    sure: int = 97
    why: str = ""
    nulls: tuple[str, ...] = ()
    """Texts that stand for 'no time'."""
    naive: pl.Series = field(default_factory=lambda: pl.Series(dtype=pl.Datetime("us")), compare=False)
    """The moments as read, in the order of the records."""

    @property
    def is_moved_day(self) -> bool:
        """Whether every moment has an offset and the same clock: the day of a system that knows no times, shown in another zone."""
        read = self.naive.drop_nulls()
        clocks = read.dt.time().unique()
        return self.has_offset and not self.formats and len(read) > 0 and len(clocks) == 1 and clocks[0].hour in range(1, 24)

    @property
    def days(self) -> int:
        """Days from the first to the last moment."""
        read = self.naive.drop_nulls()
        return (read.max() - read.min()).days if len(read) else 0  # type: ignore[operator, union-attr]


def moment_of(
    texts: pl.Series,
    *,
    named: bool,
    hints: Sequence[tuple[str, int, str]] = (),
    stated: Iterable[date] = (),
    beyond: pl.Series | None = None,
) -> Moment | None:
    """How a column reads as moments; None when it holds something else.

    `named`: whether its name says that it is a time, without which a number is not taken for one. `hints`: other signs of the order of
    day and month ('DMY' or 'MDY', how sure, why). `stated`: the days that the names of the exports state. `beyond`: texts of the column
    that stand elsewhere, of which only the order of day and month is asked.
    """
    if not any(_may_be(text, named) for text in texts.drop_nulls().head(100).to_list()):
        return None
    stripped = texts.cast(pl.String).str.strip_chars()
    held = set(stripped.unique().to_list())
    nulls = tuple(word for word in SENTINELS if word in held)
    filled = stripped.filter(stripped.is_not_null() & (stripped != "") & ~stripped.is_in(list(nulls)))
    if filled.is_empty():
        return None
    sample = filled.head(1).append(filled.unique(maintain_order=True).head(3000)).to_list()
    more = beyond.drop_nulls().to_list() if beyond is not None else []
    found = _read(sample, Signs(hints, list(stated), filled, more), named=named)
    if found is None:
        return None
    kept = stripped.set(stripped.is_in(list(nulls)), None) if nulls else stripped
    naive = parse_timestamps(kept, found.formats)["naive"] if found.has_day else pl.Series([None] * len(kept), dtype=pl.Datetime("us"))
    share = 1.0 if not found.has_day else (len(naive) - naive.null_count()) / max(len(filled), 1)
    if share < 0.6:
        return None
    has_clock = found.has_clock and not (found.has_day and _is_midnight(naive))
    return Moment(found.formats, found.has_day, has_clock, found.has_offset, share, found.sure, found.why, nulls, naive)


def _may_be(text: str, named: bool) -> bool:
    """A quick look: most columns hold words or measurements."""
    text = text.strip()
    if text.isdigit():
        return named or len(text) in COMPACT or len(text) in EPOCHS
    return named or bool(ISO.fullmatch(text) or DAY.fullmatch(text) or CLOCK.fullmatch(text))


def _is_midnight(naive: pl.Series) -> bool:
    """Whether all moments are midnights of several days: days that a system writes with an empty clock."""
    read = naive.drop_nulls()
    return read.n_unique() > 1 and bool((read.dt.truncate("1d") == read).all())


@dataclass(frozen=True)
class Signs:
    """What may tell the order of day and month beside the texts themselves."""

    hints: Sequence[tuple[str, int, str]]
    stated: list[date]
    ordered: pl.Series
    """The texts in the order of the records."""
    beyond: list[str]


def _read(sample: list[str], signs: Signs, *, named: bool) -> Moment | None:
    majority = len(sample) * 0.6
    iso = [found for text in sample if (found := ISO.fullmatch(text))]
    if len(iso) > majority:
        return Moment((), has_clock=any(len(found[0]) > 10 for found in iso), has_offset=any(found["offset"] for found in iso), sure=99)
    if all(text.replace(".", "", 1).isdigit() for text in sample):
        return _of_digits(sample, named)
    days = [(text, found) for text in sample if (found := DAY.fullmatch(text))]
    if len(days) > majority:
        return _of_days(days, signs)
    clocks = [found for text in sample if (found := CLOCK.fullmatch(text))]
    if len(clocks) > majority and not all(DAMAGED.fullmatch(text) for text in sample):
        forms = dict.fromkeys(_clock_format(found) for found in clocks)
        return Moment(tuple(forms), has_day=False)
    return None


# --- digits ------------------------------------------------------------------------------------------------------------------------


def _of_digits(sample: list[str], named: bool) -> Moment | None:
    """Packed dates, seconds since 1970, Excel's serials, clocks without colons."""
    widths = Counter(len(text) for text in sample if text.isdigit())
    width, many = widths.most_common(1)[0] if widths else (0, 0)
    if width in COMPACT and many == len(sample) and _all_read(sample, COMPACT[width]):
        return Moment((COMPACT[width],), has_clock=width > 8, sure=97 if named else 80, why="eight or more digits that read as a date")
    if width in EPOCHS and many == len(sample) and _all_read(sample, EPOCHS[width]):
        return Moment((EPOCHS[width],), has_offset=True, sure=95 if named else 60, why=f"numbers that read as {EPOCHS[width]}")
    if named and widths.get(6, 0) + widths.get(5, 0) == len(sample) and all(_is_clock(text.zfill(6)) for text in sample):
        return Moment(("%H%M%S",), has_day=False, sure=85, why="six digits that read as a clock")
    if named and all(29_000 < float(text) < 58_000 for text in sample):
        return Moment(("excel",), sure=85, why="numbers in the range of Excel's dates")
    return None


def _all_read(sample: list[str], form: str) -> bool:
    naive = parse_timestamps(pl.Series(sample), (form,))["naive"]
    return naive.null_count() <= len(sample) * 0.02 and bool(naive.dt.year().is_between(*YEARS).all())


def _is_clock(text: str) -> bool:
    return text[:2] <= "24" and text[2:4] < "60" and text[4:] < "60"


# --- day, month, year --------------------------------------------------------------------------------------------------------------


def _of_days(days: list[tuple[str, re.Match[str]]], signs: Signs) -> Moment | None:
    parts = [found for _, found in days]
    order = _order([*parts, *filter(None, map(DAY.fullmatch, signs.beyond))], signs)
    forms = Counter(_day_format(found, order.order) for found in parts)
    if None in forms or not forms:
        return None
    clocks = [CLOCK.fullmatch(found["clock"].strip()) for found in parts if found["clock"]]
    has_offset = any(clock and clock["off"] for clock in clocks)
    return Moment(tuple(map(str, forms)), has_clock=bool(clocks), has_offset=has_offset, sure=order.sure, why=order.why)


@dataclass(frozen=True)
class Order:
    """DMY, MDY or YMD, how sure, and why."""

    order: str
    sure: int
    why: str


def _order(parts: list[re.Match[str]], given: Signs) -> Order:
    first = parts[0]
    if len(first["a"]) == 4:
        return Order("YMD", 99, "the year comes first")
    if any(not found["a"].isdigit() for found in parts):
        return Order("MDY", 99, "the month is a word")
    if any(not found["b"].isdigit() for found in parts):
        return Order("DMY", 99, "the month is a word")
    a, b = (max(int(found[key]) for found in parts) for key in ("a", "b"))
    if a > 12 and b > 12:
        return Order("DMY", 10, f"both places pass 12 ({a}, {b}): two orders in one column, or no dates")
    if a > 12:
        return Order("DMY", 99, f"the first number reaches {a}")
    if b > 12:
        return Order("MDY", 99, f"the second number reaches {b}")
    signs = [*_signs(given.ordered, given.stated), *given.hints]
    signs += [("DMY", 97, "dots between the numbers")] if first["s1"] == "." else []
    return _weighed(signs)


def _weighed(signs: Sequence[tuple[str, int, str]]) -> Order:
    """The surest sign decides; an undecided column says so."""
    if not signs:
        return Order("DMY", 50, "no number passes 12, so the data cannot tell day first from month first (%d/%m or %m/%d)")
    order, sure, why = max(signs, key=lambda sign: sign[1])
    against = [sign for sign in signs if sign[0] != order]
    if against:
        sure, why = min(sure, 60), f"{why}; but {against[0][2]}"
    return Order(order, sure, why)


def _signs(ordered: pl.Series, stated: list[date]) -> list[tuple[str, int, str]]:
    """What speaks for an order where no number passes 12: running time, consecutive days, the day in the export's name, AM and PM."""
    texts = [found[0] for found in (DAY.fullmatch(text) for text in ordered.head(20_000).to_list()) if found]
    read = {order: [day for text in texts if (day := _day(text, order))] for order in ("DMY", "MDY")}
    if not all(read.values()):
        return []
    names = {"DMY": "day first", "MDY": "month first"}
    found: list[tuple[str, int, str]] = []
    back = {order: sum(later < earlier for earlier, later in pairwise(days)) for order, days in read.items()}
    spans = {order: (max(days) - min(days)).days + 1 for order, days in read.items()}
    for order, other in (("DMY", "MDY"), ("MDY", "DMY")):
        if back[order] == 0 and back[other] > 0:
            found.append((order, 90, f"only {names[order]} runs forward in time"))
        if len(set(read[order])) > 2 and spans[order] * 4 <= spans[other]:
            found.append((order, 88, f"{names[order]} spans {spans[order]} days, {names[other]} {spans[other]}"))
        near = [any(abs((day - end).days) <= 1 for day in stated for end in (min(days), max(days))) for days in (read[order], read[other])]
        if near[0] and not near[1]:
            found.append((order, 92, f"{names[order]} agrees with the date in the file's name"))
    if any(re.search(r"[AaPp]\.?[Mm]\.?$", text) for text in texts[:100]):
        found.append(("MDY", 70, "AM and PM"))
    return found


def _day(text: str, order: str) -> date | None:
    found = DAY.fullmatch(text)
    if not found:
        return None
    a, b, c = (int(found[key]) for key in "abc")
    day, month = (a, b) if order == "DMY" else (b, a)
    try:
        return date(c if c > 99 else 2000 + c, month, day)
    except ValueError:
        return None


def _day_format(found: re.Match[str], order: str) -> str | None:
    year = "%Y" if len(found["a" if order == "YMD" else "c"]) == 4 else "%y"
    month = "%m" if all(found[key].isdigit() for key in "abc") else "%b" if max(map(len, (found["a"], found["b"]))) == 3 else "%B"
    a, b, c = {"YMD": (year, month, "%d"), "DMY": ("%d", month, year), "MDY": (month, "%d", year)}[order]
    form = f"{a}{found['s1']}{b}{found['s2']}{c}"
    if not found["clock"]:
        return form
    clock = CLOCK.fullmatch(found["clock"].strip())
    return f"{form}{found['gap']}{_clock_format(clock)}" if clock else None


def _clock_format(found: re.Match[str]) -> str:
    sep = found["sep"]
    seconds = f"{sep}%S" if found["s"] else ""
    half = found["ap"] or ""
    hour = "%I" if half else "%H"
    offset = found["off"] or ""
    return (
        f"{hour}{sep}%M{seconds}{'%.f' if found['f'] else ''}"
        f"{' %p' if half.startswith(' ') else '%p' if half else ''}{' %z' if offset.startswith(' ') else '%z' if offset else ''}"
    )


# --- zones -------------------------------------------------------------------------------------------------------------------------


def zone_hint(naive: pl.Series) -> str | None:
    """What an hour that is missing or repeated on the night of a clock change says about the zone; None where the data is too coarse."""
    local = naive.drop_nulls()
    if len(local) < 100 or (local.max() - local.min()).days < 1:  # type: ignore[operator, union-attr]
        return None
    told: dict[str, tuple[int, int]] = {zone: _changes(local, zone) for zone in ZONES}
    kept = [zone for zone, (right, wrong) in told.items() if right and not wrong]
    if kept:
        return f"its clock changes as in {' or '.join(kept)}: hours are missing or repeated on those nights"
    if any(wrong for _, wrong in told.values()) and not any(right for right, _ in told.values()):
        return "its clock does not change on any night on which those of Europe or North America do: UTC, standard time, or a zone without"
    return None


def _changes(local: pl.Series, zone: str) -> tuple[int, int]:
    """Nights on which the hour that the zone skips is empty although both neighbours are full, and nights on which it is full."""
    right = wrong = 0
    for gap in _gaps(zone, local.min(), local.max()):  # type: ignore[arg-type]
        hours = [
            int(local.is_between(gap.replace(hour=hour), gap.replace(hour=hour, minute=59, second=59)).sum()) for hour in _around(gap.hour)
        ]
        if hours[0] > 1 and hours[2] > 1:
            right += hours[1] == 0
            wrong += hours[1] > 0
    return right, wrong


def _around(hour: int) -> tuple[int, int, int]:
    return (max(hour - 1, 0), hour, hour + 1) if hour else (1, 0, 1)


def _gaps(zone: str, first: datetime, last: datetime) -> list[datetime]:
    """The hours that a zone's clock skips between two moments."""
    info, found = ZoneInfo(zone), []
    for day in pl.date_range(first.date(), last.date(), eager=True):
        for hour in (0, 1, 2, 3):
            local = datetime(day.year, day.month, day.day, hour, 30)  # noqa: DTZ001  (a reading of a clock)
            if local.replace(tzinfo=info).utcoffset() != local.replace(tzinfo=info, fold=1).utcoffset() and (
                local.replace(tzinfo=info).utcoffset() < local.replace(tzinfo=info, fold=1).utcoffset()  # type: ignore[operator]
            ):
                found.append(local.replace(minute=0))
    return found
