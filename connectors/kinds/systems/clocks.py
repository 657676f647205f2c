"""The clock of a source: instants as a system without zones writes them, and windows that begin at its midnight.

Here: from UTC to that clock and back, one instant at a time. Elsewhere: columns of times (`transforms.clock`), which windows are asked
for (`connectors.kinds.systems.sql`).
"""

from __future__ import annotations

from contextlib import suppress
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from connectors.contract import Place
from connectors.errors import Problem, ReadError

ANCHOR = datetime(2000, 1, 1)  # noqa: DTZ001  (midnight of the source's own clock)


def local(place: Place, moment: datetime) -> datetime:
    """An instant as the source's clock shows it."""
    if place.no_dst:
        from transforms.clock import standard_offset

        return moment.astimezone(UTC).replace(tzinfo=None) + standard_offset(place.timezone)
    return moment.astimezone(ZoneInfo(place.timezone)).replace(tzinfo=None)


def utc(place: Place, local: datetime) -> datetime:
    from transforms.clock import local_to_utc, standard_offset

    if place.no_dst:
        return (local - standard_offset(place.timezone)).replace(tzinfo=UTC)
    return local_to_utc(local, ZoneInfo(place.timezone))


def floor(place: Place, moment: datetime, length: timedelta) -> datetime:
    """The start of the window in which an instant lies."""
    return utc(place, ANCHOR + (local(place, moment) - ANCHOR) // length * length)


def instant(place: Place, value: Any) -> datetime:
    """A time of the database. Raises ReadError for what is none."""
    if isinstance(value, str):
        with suppress(ValueError):
            value = datetime.fromisoformat(value)
    if isinstance(value, date) and not isinstance(value, datetime):
        value = datetime.combine(value, datetime.min.time())
    if not isinstance(value, datetime):
        fix = "options.query: SELECT ..., with the column as a timestamp; or options.cursor"
        raise ReadError(Problem("The column of options.time holds no times.", found=repr(value)[:60], fix=fix))
    return value if value.tzinfo else utc(place, value)
