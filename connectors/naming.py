"""What an export's name states: when it was taken, which window of event times it covers, and what columns take from it.

Here: patterns of a plant file applied to names. Elsewhere: the order of exports (`pipelines.plan`), zones (`transforms.clock`).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

from connectors.errors import ConformError, Problem
from connectors.models import PlantFile, Source
from connectors.windows import read_name

FORMATS = (
    "%Y%m%d%H%M%S", "%Y%m%dT%H%M%S", "%Y%m%d_%H%M%S", "%Y%m%d-%H%M%S", "%Y%m%d_%H%M", "%Y%m%d%H%M", "%Y-%m-%dT%H:%M:%S",
    "%Y-%m-%dT%H-%M-%S", "%Y-%m-%d_%H-%M-%S", "%Y-%m-%d_%H-%M", "%Y-%m-%d", "%Y%m%d", "%d.%m.%Y", "%Y_%m_%d", "%G-W%V-%u",
    "%Y-%m", "%Y%m",
)  # fmt: skip
"""Tried in order where the plant file gives no format; a day or a month alone is the start of that production day or month."""


@dataclass(frozen=True, slots=True)
class Stated:
    """Times in UTC that a name states; None where it states nothing."""

    exported_at: datetime | None = None
    covers_from: datetime | None = None
    covers_to: datetime | None = None


def stated(plant: PlantFile, source: Source, name: str) -> Stated:
    """The times in an export's name: those that a system's answer states, or that the plant file's patterns find.

    Raises ConformError when a pattern is given and the name does not fit it.
    """
    if answer := read_name(name):
        return Stated(answer.asked, answer.start, answer.end)
    exported_at, start, end = None, None, None
    if source.exported_at:
        groups = _groups(source.exported_at.from_name, name, "exported_at")
        exported_at = _instant(groups[0], source.exported_at.format, plant, source)[0]
    if source.covers:
        groups = _groups(source.covers.from_name, name, "covers")
        start, after = _instant(groups[0], source.covers.format, plant, source)
        end = _instant(groups[1], source.covers.format, plant, source)[0] if len(groups) > 1 else after
    return Stated(exported_at, start, end)


def taken(source: Source, name: str) -> tuple[str, ...]:
    """What columns of a source's tables take from an export's name (`from_name`), in the order of the plant file; '' for nothing."""
    rules = [rule for table in source.tables.values() for column in table.columns.values() for rule in (column, column.since)]
    found = [re.search(rule.from_name, name) for rule in rules if rule and rule.from_name]
    return tuple((match[1] or "") if match else "" for match in found)


def _groups(pattern: str, name: str, key: str) -> tuple[str, ...]:
    found = re.search(pattern, name)
    if not found:
        raise ConformError(Problem(f"The name does not fit the pattern of '{key}'.", found=name, fix=f"{key}.from_name: {pattern}"))
    return found.groups()


def _instant(text: str, formats: tuple[str, ...], plant: PlantFile, source: Source) -> tuple[datetime, datetime]:
    """The instant a text means, and the end of the second, day or month it names."""
    for form in formats or FORMATS:
        try:
            moment = datetime.strptime(text, form)  # noqa: DTZ007  (the zone is added below)
        except ValueError:
            continue
        if not formats and moment.strftime(form) != text:  # strptime takes '20261104' for 2026-1-10 4:00 in a longer format
            continue
        return _bounds(moment, form, plant, source)
    raise ConformError(
        Problem("The time in the name cannot be read.", found=text, fix="exported_at.format / covers.format: a strptime format")
    )


def _bounds(moment: datetime, form: str, plant: PlantFile, source: Source) -> tuple[datetime, datetime]:
    zone = ZoneInfo(source.timezone or plant.timezone)
    if "%H" in form or "%I" in form:
        start = moment.replace(tzinfo=zone).astimezone(UTC)
        return start, start
    hours, minutes = map(int, plant.production_day_start.split(":"))
    day_start = time(hours, minutes)
    whole_month = not any(code in form for code in ("%d", "%j", "%u"))
    after = (moment.replace(day=28) + timedelta(days=4)).replace(day=1) if whole_month else moment + timedelta(days=1)
    plant_zone = ZoneInfo(plant.timezone)
    first, last = (datetime.combine(day.date(), day_start, plant_zone).astimezone(UTC) for day in (moment, after))
    return first, last
