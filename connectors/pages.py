"""Records that a system gives over HTTP in pages: which question is due, and every record once.

Here: asking for what changed since the last question, following pages by links or by place, and the errors of servers that do not keep
to it. Elsewhere: being polite (`connectors.http`), what a page looks like (the kinds), names of answers (`connectors.windows`).

A record has no window of its own: what is asked for is what changed since, or all there is.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from itertools import count
from typing import Any

from connectors.contract import Export, Place
from connectors.errors import Problem, ReadError
from connectors.http import Http
from connectors.kinds.files.json_values import UnreadableError, value_at
from connectors.windows import STAMP, Asked, in_order, question_of, read_name

EVERY_CHANGE, EVERY_WHOLE = timedelta(minutes=15), timedelta(days=1)
SINCE = "since "
Params = list[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class Page:
    """One answer of a server."""

    records: list[Any]
    link: str | None = None
    """Where the next one is, if the server says so."""
    counted: int = 0
    """How many records there are of all, if the server says so."""


def questions(
    place: Place, *, by_change: bool, start: date | None, lookback: timedelta, every: timedelta | None
) -> Iterator[Export]:  # fmt: skip
    """The question that is due: what changed since the last one, or all."""
    now, last = datetime.now(UTC), read_name(place.last) if place.last else None
    least = every if every is not None else EVERY_CHANGE if by_change else EVERY_WHOLE
    if last and now - last.asked < least:
        return
    since = last.asked - lookback if last else datetime.combine(start, time(), UTC) if start else None
    cursor = f"{SINCE}{since.strftime(STAMP)}" if by_change and since else ""
    for question in in_order([Asked(place.path.strip("/"), now, suffix=".json", cursor=cursor)]):
        yield Export(f"{place.root.rstrip('/')}/{place.path}", question.name)


def since_of(export: Export) -> datetime | None:
    """Since when changes are asked for; None for all."""
    text = question_of(export.name).cursor.removeprefix(SINCE)
    return datetime.strptime(text, STAMP).replace(tzinfo=UTC) if text else None


def json_of(http: Http, url: str, params: Params, who: str, *, fix: str) -> Any:
    """What a server answers in JSON. Raises ReadError for anything else, such as the page of a login."""
    body = http.get(url, params or None).decode("utf-8-sig", "replace")
    try:
        return value_at(body.strip())[0]
    except UnreadableError as error:
        told, found = f"{who} answered with something else than JSON.", " ".join(body.split())[:200]
        raise ReadError(Problem(told, found=found, fix=fix, actor="retry")) from error


def followed(http: Http, url: str, params: Callable[[int], Params], size: int | None, ask: Callable[[str, Params], Page]) -> Iterator[Page]:
    """All pages. `params` gives those of a question for what comes after so many records; with `size`, a question gives so many at most.

    Raises ReadError where a page comes twice, or fewer records come than the server counts.
    """
    at, given = url, params(0)
    seen: set[str] = set()
    before: list[Any] = []
    got, of_question, counted = 0, 0, 0
    for number in count(1):
        page = ask(at, given)
        if page.records and page.records == before:
            raise _repeated(number, got)
        yield page
        before, got, of_question = page.records, got + len(page.records), of_question + len(page.records)
        counted = max(counted, page.counted)
        if page.link:
            at, given = http.at(page.link), []
            if at in seen:
                raise _repeated(number, got)
            seen.add(at)
        elif size and of_question >= size:
            at, given, of_question = url, params(got), 0
        else:
            break
    if got < counted:
        told, fix = "The server counts more records than it gives.", "page_size: 1000, if it gives no links to further pages"
        raise ReadError(Problem(told, found=f"{got} of {counted}", fix=fix, actor="retry"))


def _repeated(number: int, got: int) -> ReadError:
    told, fix = "The server gives a page again that it gave before.", "page_size: 1000, so that pages are asked for by their place"
    return ReadError(Problem(told, found=f"page {number}, after {got} records", fix=fix, actor="retry"))
