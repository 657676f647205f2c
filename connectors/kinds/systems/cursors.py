"""Where the cursor of a table stood: values of a column that grows, in the names of answers.

Here: writing and reading them, and stepping back. Elsewhere: what is asked for from there (`connectors.kinds.systems.sql`), the rest of
a name (`connectors.windows`).
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any
from urllib.parse import quote, unquote

from connectors.errors import Problem, ReadError

Value = int | Decimal | float | datetime | date | str | bytes


@dataclass(frozen=True, slots=True)
class Been:
    """What an answer's name says of the cursor: rows from `since` on and before `until`; or, where `count` is told, all there are."""

    column: str
    since: Value | None
    until: Value | None
    """None where no row has one."""
    count: int | None = None
    """Rows from `until` less the lookback on, when it was asked: one more is a row that came late."""

    def __str__(self) -> str:
        return f"{quote(self.column, safe='')}={_written(self.since)}..{_written(self.until)}" + (
            "" if self.count is None else f"+{self.count}"
        )

    def is_still(self, until: Any, count: int) -> bool:
        """Whether a cursor stands where it stood, with as many rows around it; 0.1 of a float is that of a name."""
        return (_written(until), count) == (_written(self.until), self.count)

    @classmethod
    def read(cls, text: str) -> Been | None:
        found = re.fullmatch(r"([^=]+)=([^+]*?)\.\.([^+]*?)(?:\+(\d+))?", text)
        if not found:
            return None
        return cls(unquote(found[1]), _read(found[2]), _read(found[3]), int(found[4]) if found[4] else None)


def _written(value: Any) -> str:
    """A value of a cursor in a name.

    >>> [_written(value) for value in (17, Decimal("1.50"), datetime(2026, 11, 20, 6, tzinfo=UTC), date(2026, 11, 20), "2026/11", b"\\x00")]
    ['n17', 'n1.50', 't20261120T060000.000000Z', 'd20261120', 's2026%2F11', 'b00']
    """
    match value:
        case None:
            return ""
        case datetime():
            plain = value.astimezone(UTC) if value.tzinfo else value
            return f"t{_basic(plain.replace(tzinfo=None).isoformat(timespec='microseconds'))}{'Z' if value.tzinfo else ''}"
        case date():
            return f"d{_basic(value.isoformat())}"
        case int():
            return f"n{value}"
        case Decimal() | float():
            return f"n{Decimal(str(value)):f}"
        case bytes() | bytearray() | memoryview():
            return f"b{bytes(value).hex()}"
    return f"s{quote(str(value), safe='')}".replace(".", "%2E").replace("+", "%2B")


def _basic(iso: str) -> str:
    """ISO 8601 without what names of files cannot hold everywhere (strftime gives the year 99 two digits)."""
    return iso.replace("-", "").replace(":", "")


def _read(text: str) -> Any:
    """The value that `_written` wrote.

    >>> [_read(_written(value)) for value in (17, Decimal("1.50"), datetime(2026, 11, 20, 6), "2026.11/20", None)]
    [17, Decimal('1.50'), datetime.datetime(2026, 11, 20, 6, 0), '2026.11/20', None]
    """
    kind, body = text[:1], text[1:]
    if kind == "n":
        return int(body) if re.fullmatch(r"-?\d+", body) else Decimal(body)
    if kind == "t":
        moment = datetime.strptime(body.rstrip("Z"), "%Y%m%dT%H%M%S.%f")  # noqa: DTZ007  (the database's own clock)
        return moment.replace(tzinfo=UTC) if body.endswith("Z") else moment
    if kind == "d":
        return datetime.strptime(body, "%Y%m%d").date()  # noqa: DTZ007
    return bytes.fromhex(body) if kind == "b" else unquote(body) if kind == "s" else None


def back(until: Any, lookback: timedelta | float | None) -> Any:
    """A place of the cursor, less `lookback`. Raises ReadError where the two do not fit."""
    if not lookback or until is None:
        return until
    step: Any = lookback
    try:
        if isinstance(until, str):
            text = datetime.fromisoformat(until) - step
            return text.isoformat(sep="T" if "T" in until else " ")
        if isinstance(until, date) and not isinstance(until, datetime):
            return until - timedelta(days=math.ceil(step / timedelta(days=1)))
        return until - (Decimal(str(step)) if isinstance(until, Decimal) else int(step) if isinstance(until, int) else step)
    except (TypeError, ValueError) as error:
        fix = "options.lookback: a length of time (3d) for a cursor of times, a number for one of numbers"
        raise ReadError(Problem("The lookback does not fit the cursor.", found=f"{lookback} before {until}", fix=fix)) from error
