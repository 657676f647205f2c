"""Databases (`kind: sql`): rows of a table, a view or a query, asked for as they come.

Here: which rows are still to be asked for. Elsewhere: asking (`connectors.kinds.systems.session`), what differs between databases
(`databases`), where a cursor stood (`cursors`), rows as a file (`answers`), names of answers (`connectors.windows`).

Three ways of asking, by what the table offers:

* `cursor`: a column that grows with each row and each change. Asked from where it stood, less `lookback`.
* `time`: the time of what happened. Asked by whole windows, each of which then holds all there is in it.
* neither: all of it, each time.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Annotated, Any

import sqlalchemy as sa
from pydantic import Field, model_validator

from connectors.contract import Export, Place
from connectors.errors import Problem, ReadError
from connectors.kinds.systems import clocks
from connectors.kinds.systems.answers import Answers, Rows
from connectors.kinds.systems.cursors import Been, Value, back
from connectors.kinds.systems.session import Session, bound, session
from connectors.strict import Asking, Duration, StrictModel, Texts
from connectors.windows import MOST_WINDOWS, Asked, in_order, question_of, read_name, too_many

EVERY_WINDOW, EVERY_WHOLE = timedelta(hours=1), timedelta(days=1)
Back = Annotated[Duration | float, Field(union_mode="left_to_right")]


class SqlOptions(StrictModel):
    """What is asked, and when. None of it changes how an answer reads."""

    query: Annotated[str | None, Asking] = None
    """A SELECT that is asked instead of a table; `path` is then only its name."""
    columns: Annotated[Texts, Asking] = ()
    """Columns that are asked for; default: all."""
    where: Annotated[str | None, Asking] = None
    """A condition in the database's own SQL that every row meets, such as site = 'TUL'."""
    cursor: Annotated[Texts, Asking] = ()
    """Column that grows with each new row and each change (a number, a time); of several the first that is filled."""
    time: Annotated[str | None, Asking] = None
    """Instead of `cursor`: the column with the time of what happened, asked by windows."""
    window: Annotated[Duration, Asking] = timedelta(days=1)
    """Length of the windows of `time`, which begin at midnight of the source's clock."""
    lookback: Annotated[Back | None, Asking] = None
    """How far before the last place rows are asked for again, because they come late: 3d, or a number for a cursor that is one."""
    start: Annotated[date | int | None, Asking] = None
    """The first day, or the first number of the cursor, that is asked for; default: the first there is."""
    every: Annotated[Duration | None, Asking] = None
    """Least time between two questions; default: 1h for `time`, 1d for a whole table, none for `cursor`, where a look costs little."""
    rows: Annotated[int, Field(ge=1), Asking] = 500_000
    """About how many rows one question asks for, where `cursor` has more of them."""
    order: Annotated[Texts, Asking] = ()
    """Columns by which rows are ordered; default: `cursor` or `time`."""
    timeout_s: Annotated[float, Field(gt=0), Asking] = 300
    """Seconds without any answer after which the database counts as hanging."""

    @model_validator(mode="after")
    def _one_way(self) -> SqlOptions:
        if self.cursor and self.time:
            raise ValueError("give cursor or time, not both")
        if isinstance(self.start, int) and not self.cursor:
            raise ValueError("start is a day unless there is a cursor")
        if self.lookback is not None and not (self.cursor or (self.time and isinstance(self.lookback, timedelta))):
            raise ValueError("lookback is a length of time such as 3d with time, and means nothing for a whole table")
        return self


class Sql(Answers):
    """Asks databases."""

    kind = "sql"
    version = "1"
    Options = SqlOptions

    def discover(self, place: Place) -> Iterator[Export]:
        """The questions that are due, in the order of what they ask for."""
        now = datetime.now(UTC)
        last = read_name(place.last) if place.last else None
        options: SqlOptions = place.options
        due = options.every or (timedelta(0) if options.cursor else EVERY_WINDOW if options.time else EVERY_WHOLE)
        if last and now - last.asked < due:
            return
        ask = _since if options.cursor else _by_windows if options.time else _whole
        for question in in_order(ask(place, last, now)):
            yield Export(f"{place.root}/{place.path}", question.name)

    def fetch(self, export: Export, place: Place, target: Path) -> None:
        """Writes the answer; a connection that breaks leaves nothing that counts."""
        question = question_of(export.name)
        with session(place) as database:
            rows: Rows | None = None
            types = database.types()  # before the rows: MySQL forgets an answer that is under way when it is asked something else
            for names, found in database.stream(_condition(database, question)):
                rows = rows or Rows(target, names, types)
                if found:
                    rows.add(found)
            if rows is not None:
                rows.close()


# --- what is due ------------------------------------------------------------------------------------------------------------------


def _whole(place: Place, last: Asked | None, now: datetime) -> Iterator[Asked]:
    yield Asked(place.path, now)


def _by_windows(place: Place, last: Asked | None, now: datetime) -> Iterator[Asked]:
    """Windows up to now, from the one on in which the last answer ended, or `lookback` before."""
    options: SqlOptions = place.options
    length = options.window
    start = _begin(place, last)
    if start is None:
        return
    edges = [start]
    local = clocks.local(place, start)
    while edges[-1] < now:
        local += length
        edges.append(min(clocks.utc(place, local), now))
        if len(edges) > MOST_WINDOWS:
            raise too_many(start, length)
    yield from (Asked(place.path, now, start, end) for start, end in pairwise(edges) if start < end)


def _begin(place: Place, last: Asked | None) -> datetime | None:
    """The start of the first window; None where no row has a time."""
    options: SqlOptions = place.options
    if last and last.end:
        lookback = options.lookback if isinstance(options.lookback, timedelta) else timedelta(0)
        return clocks.floor(place, last.end - lookback, options.window)
    if isinstance(options.start, date):
        return clocks.utc(place, datetime.combine(options.start, datetime.min.time()))
    with session(place) as database:
        first = database.value(sa.func.min(sa.column(str(options.time))))
    return clocks.floor(place, clocks.instant(place, first), options.window) if first is not None else None


def _since(place: Place, last: Asked | None, now: datetime) -> Iterator[Asked]:
    """Rows beyond the place of the cursor, in slices; none where cursor and number of the rows around it are as they were."""
    options: SqlOptions = place.options
    been = Been.read(last.cursor) if last else None
    been = been if been and been.column == ",".join(options.cursor) else None
    with session(place) as database:
        cursor = database.cursor()
        since: Any = back(been.until, options.lookback) if been else options.start
        if isinstance(options.start, date) and not been:
            since = database.in_its_clock(cursor, clocks.utc(place, datetime.combine(options.start, datetime.min.time())))
        newest, count = database.row(sa.func.max(cursor), sa.func.count(), where=_beyond(cursor, since))
        if not count or (been and been.is_still(newest, count)):
            return
        _refuse_future(newest, now)
        column = ",".join(options.cursor)
        first = database.value(sa.func.min(cursor)) if since is None and count > options.rows else since
        while count > options.rows and (edge := _edge(database, cursor, first, options.rows)) is not None:
            yield Asked(place.path, now, cursor=str(Been(column, first, edge)))
            first, count = edge, count - options.rows
        tail = newest if newest is not None else first
        around = database.row(sa.func.count(), where=_beyond(cursor, back(tail, options.lookback)))[0] if tail is not None else count
        yield Asked(place.path, now, cursor=str(Been(column, first, tail, around)))


def _beyond(cursor: Any, since: Value | None) -> Any:
    """Rows whose cursor is empty are asked for each time: nothing says whether they are new."""
    return sa.or_(cursor >= bound(since), cursor.is_(None)) if since is not None else sa.true()


def _edge(database: Session, cursor: Any, since: Value | None, rows: int) -> Any:
    """Where the next slice begins: so many rows on, and beyond all that share the value of the first."""
    if since is None:  # no row has a cursor
        return None
    edge = database.value(cursor, where=cursor >= bound(since), order=cursor, offset=rows)
    return database.value(sa.func.min(cursor), where=cursor > bound(since)) if edge is not None and edge == since else edge


def _refuse_future(newest: Any, now: datetime) -> None:
    """Raises ReadError for a cursor from which no row would ever be new."""
    moment = newest if isinstance(newest, datetime) else datetime.combine(newest, datetime.min.time()) if isinstance(newest, date) else None
    if moment is not None and moment.replace(tzinfo=moment.tzinfo or UTC) > now + timedelta(days=2):
        fix = "options.where: <a condition that leaves such rows out>, or options.cursor: <a column that says when a row was written>"
        raise ReadError(
            Problem("The cursor lies in the future: rows written from now on would not be asked for.", found=str(newest), fix=fix)
        )


def _condition(database: Session, question: Asked) -> tuple[Any, Any]:
    """Which rows answer a question, and their order."""
    options = database.options
    order: list[Any] = [sa.column(name) for name in options.order]
    if question.start and question.end and options.time:
        time: Any = sa.column(options.time)
        start, end = (database.in_its_clock(time, moment) for moment in (question.start, question.end))
        inside = sa.and_(time >= bound(start), time < bound(end))
        is_newest = question.asked - question.end < timedelta(seconds=1)
        return sa.or_(inside, time.is_(None)) if is_newest else inside, order or [time]
    been = Been.read(question.cursor)
    if been is None:
        return sa.true(), order
    cursor = database.cursor()
    if been.count is not None:
        return _beyond(cursor, been.since), order or [cursor]
    inside = cursor < bound(been.until)
    return (sa.and_(cursor >= bound(been.since), inside) if been.since is not None else inside), order or [cursor]


CONNECTOR = Sql()
