"""The names of what a system was asked: an object, a window of its times, and the moment of asking.

A file has a name that somebody gave it. What a database or a historian answers has none, so the connector gives it one that states
all that matters, and the order of exports, the ledger and a rebuild need nothing else. Here: making and reading such names, and the
windows that are still to be asked. Elsewhere: what names of files state (`connectors.naming`), asking (the kinds).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta

from connectors.errors import Problem, ReadError

STAMP = "%Y%m%dT%H%M%S.%fZ"
_STAMP = r"\d{8}T\d{6}\.\d{6}Z"
_NAME = re.compile(rf"(?P<of>.+)/(?:(?P<start>{_STAMP})~(?P<end>{_STAMP})|(?P<cursor>[^/@]*))@(?P<asked>{_STAMP})(?P<suffix>\.[a-z0-9.]+)")


@dataclass(frozen=True, slots=True)
class Asked:
    """One question to a system: what it holds of an object in [start, end), or between two places of a cursor, or all of it, as it was
    at `asked` (UTC)."""

    of: str
    asked: datetime
    start: datetime | None = None
    end: datetime | None = None
    suffix: str = ".parquet"
    cursor: str = ""
    """Up to where a cursor has come, in words of the kind without '/' and '@': no window of event times, so nothing is deleted by it."""

    @property
    def name(self) -> str:
        """The name of the answer.

        >>> day = datetime(2026, 11, 20, tzinfo=UTC)
        >>> Asked("mes.stops", day + timedelta(days=1, hours=6), day, day + timedelta(days=1)).name
        'mes.stops/20261120T000000.000000Z~20261121T000000.000000Z@20261121T060000.000000Z.parquet'
        """
        window = f"{_text(self.start)}~{_text(self.end)}" if self.start and self.end else self.cursor
        return f"{self.of}/{window}@{_text(self.asked)}{self.suffix}"


def read_name(name: str) -> Asked | None:
    """The question that a name tells of; None for the name of a file.

    >>> read_name("mes.stops/@20261121T060000.000000Z.parquet").of, read_name("stops_20261121.csv")
    ('mes.stops', None)
    >>> read_name("mes.stops/id=17..42@20261121T060000.000000Z.parquet").cursor
    'id=17..42'
    """
    found = _NAME.fullmatch(name)
    if not found:
        return None
    start, end = (_moment(found[key]) if found[key] else None for key in ("start", "end"))
    return Asked(found["of"], _moment(found["asked"]), start, end, found["suffix"], found["cursor"] or "")


def question_of(name: str) -> Asked:
    """The same, for the name of an answer. Raises ReadError for another one."""
    question = read_name(name)
    if question is None:
        raise ReadError(Problem("The name tells of no question.", found=name, actor="us"))
    return question


def window_of(name: str) -> tuple[datetime, datetime]:
    """The window that the name of an answer tells of. Raises ReadError for another one."""
    question = question_of(name)
    if question.start is None or question.end is None:
        raise ReadError(Problem("The name tells of no window.", found=name, actor="us"))
    return question.start, question.end


def in_order(questions: Iterable[Asked]) -> Iterator[Asked]:
    """Questions of one moment, a microsecond apart: their order is that of their answers, whatever their names.

    >>> day = datetime(2026, 11, 20, tzinfo=UTC)
    >>> [question.asked.microsecond for question in in_order([Asked("a", day), Asked("b", day)])]
    [0, 1]
    """
    return (replace(question, asked=question.asked + timedelta(microseconds=number)) for number, question in enumerate(questions))


def is_answer(name: str) -> bool:
    """Whether an export is what a system answered, not a file."""
    return read_name(name) is not None


def windows(start: datetime, until: datetime, length: timedelta) -> Iterator[tuple[datetime, datetime]]:
    """What lies between two instants, in pieces of at most this length.

    >>> day = datetime(2026, 11, 20, tzinfo=UTC)
    >>> [(a.hour, b.hour) for a, b in windows(day, day + timedelta(hours=5), timedelta(hours=2))]
    [(0, 2), (2, 4), (4, 5)]
    """
    while start < until:
        end = min(start + length, until)
        yield start, end
        start = end


MOST_WINDOWS = 5_000
"""A first time that lies so many windows back is a mistake, such as 1900-01-01."""


def due(
    reached: datetime | None, first: datetime | None, now: datetime, length: timedelta, lookback: timedelta
) -> list[tuple[datetime, datetime]]:
    """What is still to be asked of a system: from where the last answer ended (`reached`), less `lookback` for what comes late, or from
    the `first` instant that counts. Raises ReadError where there is neither.

    >>> day = datetime(2026, 11, 20, tzinfo=UTC)
    >>> [(a.hour, b.hour) for a, b in due(day + timedelta(hours=6), None, day + timedelta(hours=9), timedelta(hours=3), timedelta(hours=1))]
    [(5, 8), (8, 9)]
    """
    begin = reached - lookback if reached else first
    if begin is None:
        raise ReadError(Problem("It is not said from when on the system is asked.", fix="options.start: <the first day, 2026-01-31>"))
    if (now - begin) / length > MOST_WINDOWS:
        raise too_many(begin, length)
    return list(windows(begin, now, length))


def too_many(begin: datetime, length: timedelta) -> ReadError:
    """The error that says of more than MOST_WINDOWS where they begin."""
    told = f"From {begin:%Y-%m-%d} to today are more than {MOST_WINDOWS} windows."
    return ReadError(Problem(told, found=f"window: {length}", fix="options.start: <the first day that counts>, or a longer window"))


def due_questions(
    of: str, last: str | None, *, start: date | None, window: timedelta, lookback: timedelta, every: timedelta, suffix: str = ".parquet"
) -> Iterator[Asked]:
    """A question for each window that is due; none before `every` has passed since the last one, of which `last` is the name."""
    now, before = datetime.now(UTC), read_name(last) if last else None
    if before and now - before.asked < every:
        return
    first = datetime.combine(start, time(), UTC) if start else None
    found = due(before.end if before else None, first, now, window, lookback)
    yield from in_order(Asked(of, now, begin, end, suffix) for begin, end in found)


def _text(moment: datetime | None) -> str:
    return moment.astimezone(UTC).strftime(STAMP) if moment else ""


def _moment(text: str) -> datetime:
    return datetime.strptime(text, STAMP).replace(tzinfo=UTC)
