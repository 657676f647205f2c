"""Which scopes and days a question is about: the words of a reader, looked up in what is published.

Here: plants, companies, classes, scopes and days by their words, errors with the closest match. Elsewhere: the values of them
(`publish.reader`), which units belong to a scope (`dbt_project.value_sql`).
"""

from __future__ import annotations

import calendar
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING

from connectors.errors import PlantlakeError, Problem, closest, listed

if TYPE_CHECKING:
    from publish.reader import Snapshot

SCOPES = {name.lower(): name for name in ("PLANT", "COMPANY", "PORTFOLIO", "AREA", "LINE", "EQUIPMENT", "CLASS")}
PERIODS = {name.lower(): name for name in ("SHIFT", "DAY", "WEEK", "MONTH", "QUARTER")}
IN_A_PLANT = ("PLANT", "AREA", "LINE", "EQUIPMENT")
"""Scopes that have one plant: the others hold units of many, and are no answer to a question about one."""
BY_NAME = ("EQUIPMENT", "LINE", "AREA")
"""Scopes that go by their name: an equipment_id is for machines."""


class QueryError(PlantlakeError):
    """A question that the snapshot cannot answer as it was put."""


@dataclass(frozen=True, slots=True)
class Only:
    """What a question leaves in; whatever is empty leaves everything in. Words are ids or names, in any case."""

    plants: Sequence[str] = ()
    companies: Sequence[str] = ()
    classes: Sequence[str] = ()
    scopes: Sequence[str] = ()
    first: date | None = None
    last: date | None = None
    """The first and the last day on which a period may begin."""


def by(words: str) -> tuple[str | None, str | None]:
    """The kind of scope and of period that `--by` names. Raises QueryError for other words, and for two of a kind.

    >>> by("company, week"), by("day")
    (('COMPANY', 'WEEK'), (None, 'DAY'))
    """
    asked = [word.strip().lower() for word in words.split(",") if word.strip()]
    scopes = [SCOPES[word] for word in asked if word in SCOPES]
    periods = [PERIODS[word] for word in asked if word in PERIODS]
    wrong = [word for word in asked if word not in SCOPES and word not in PERIODS]
    if wrong or len(scopes) > 1 or len(periods) > 1:
        known = [*SCOPES, *PERIODS]
        word = wrong[0] if wrong else words
        raise QueryError(
            Problem(f"'--by {words}' does not name one scope and one period.", found=word, closest=closest(word, known),
                    fix=f"--by plant,month (scopes: {', '.join(SCOPES)}; periods: {', '.join(PERIODS)})")
        )  # fmt: skip
    return next(iter(scopes), None), next(iter(periods), None)


def kind_of(reader: Snapshot, words: Sequence[str]) -> str:
    """The kind of scope that these scopes are, for a question that names none. Raises QueryError where no scope bears the first word."""
    rows = reader.rows("SELECT DISTINCT scope_type, scope_id, scope_name FROM unit_scope ORDER BY ALL")
    known = {name: name for _, *names in rows for name in names if name is not None}
    shown = [name if of in BY_NAME else scope_id for of, scope_id, name in rows]
    named = {name.casefold() for name in looked_up("scope", "--scope", words[:1], known, shown=shown)}
    return next(
        kind for kind in SCOPES.values() if any(named & {str(name).casefold() for name in names} for of, *names in rows if of == kind)
    )


def scope_ids(reader: Snapshot, kind: str, only: Only) -> list[str] | None:
    """The ids of the scopes of this kind that are left in; None for all of them. Raises QueryError for a word that nothing bears."""
    found: list[set[str]] = []
    if only.plants:
        known = dict(reader.rows("SELECT plant_id, plant_name FROM plant"))
        plants = looked_up("plant", "--plant", only.plants, known)
        found.append(_of_plants(reader, kind, plants, "--plant"))
    if only.companies:
        known = {row[0]: row[0] for row in reader.rows("SELECT DISTINCT company FROM plant WHERE company IS NOT NULL")}
        companies = looked_up("company", "--company", only.companies, known)
        of_them = [row[0] for row in reader.rows("SELECT plant_id FROM plant WHERE list_contains(?, company)", [companies])]
        found.append(set(companies) if kind == "COMPANY" else _of_plants(reader, kind, of_them, "--company"))
    if only.classes:
        found.append(_of_classes(reader, kind, only.classes))
    if only.scopes:
        found.append(set(_scopes(reader, kind, only.scopes)))
    return sorted(set.intersection(*found)) if found else None


def _of_plants(reader: Snapshot, kind: str, plants: Sequence[str], option: str) -> set[str]:
    if kind not in IN_A_PLANT:
        raise QueryError(
            Problem(f"A {kind.lower()} is more than the plants of {option}.", found=f"--by {kind.lower()},...",
                    fix=f"--by plant,... with {option}, or --scope for one {kind.lower()}")
        )  # fmt: skip
    asked = "SELECT DISTINCT scope_id FROM unit_scope WHERE scope_type = ? AND list_contains(?, plant_id)"
    return {row[0] for row in reader.rows(asked, [kind, list(plants)])}


def _of_classes(reader: Snapshot, kind: str, words: Sequence[str]) -> set[str]:
    known = {row[0]: row[0] for row in reader.rows("SELECT DISTINCT scope_id FROM unit_scope WHERE scope_type = 'CLASS'")}
    classes = looked_up("equipment class", "--class", words, known)
    if kind == "CLASS":
        return set(classes)
    if kind != "EQUIPMENT":
        raise QueryError(
            Problem(f"A {kind.lower()} holds more than one equipment class.", found=f"--by {kind.lower()},...",
                    fix="--by equipment,... or --by class,... with --class")
        )  # fmt: skip
    return {row[0] for row in reader.rows("SELECT equipment_id FROM equipment WHERE list_contains(?, equipment_class)", [classes])}


def _scopes(reader: Snapshot, kind: str, words: Sequence[str]) -> list[str]:
    rows = reader.rows("SELECT DISTINCT scope_type, scope_id, scope_name FROM unit_scope ORDER BY ALL")
    elsewhere = {name.casefold(): of for of, *names in rows if of != kind for name in names if name is not None}
    known = {scope_id: name for of, scope_id, name in rows if of == kind}
    fixes = {word: f"--by {elsewhere[word.casefold()].lower()},..." for word in words if word.casefold() in elsewhere}
    return looked_up(kind.lower(), "--scope", words, known, fixes, [*(known.values() if kind in BY_NAME else known)])


def looked_up(
    what: str, option: str, words: Sequence[str], known: Mapping[str, str | None],
    fixes: Mapping[str, str] | None = None, shown: Sequence[str | None] | None = None,
) -> list[str]:  # fmt: skip
    """The ids that the words mean: an id, or everything of that name."""
    problems, found = [], []
    for word in words:
        same = [found_id for found_id, name in known.items() if word.casefold() in (found_id.casefold(), (name or "").casefold())]
        found += [word] if word in known else same
        if not same:
            told = sorted({str(name) for name in (known if shown is None else shown)})
            choices = [*sorted(known), *sorted({name for name in known.values() if name})]
            problems.append(
                Problem(f"There is no {what} '{word}'.", found=f"{option} {word}; known: {listed(told) or 'none'}",
                        closest=closest(word, choices), fix=(fixes or {}).get(word))
            )  # fmt: skip
    if problems:
        raise QueryError(problems)
    return found


# --- days and moments -----------------------------------------------------------------------------------------------------------------

_SPANS: tuple[tuple[re.Pattern[str], str], ...] = (
    (re.compile(r"(\d{4})-(\d\d)-(\d\d)"), "day"), (re.compile(r"(\d{4})-W(\d\d?)", re.IGNORECASE), "week"),
    (re.compile(r"(\d{4})-(\d\d?)"), "month"), (re.compile(r"(\d{4})-Q([1-4])", re.IGNORECASE), "quarter"),
    (re.compile(r"(\d{4})"), "year"),
)  # fmt: skip


def days(text: str, option: str) -> tuple[date, date]:
    """The first and the last day of a day, week, month, quarter or year. Raises QueryError for anything else.

    >>> [str(day) for word in ("2026-11", "2026-Q1", "2026-W02") for day in days(word, "--period")]
    ['2026-11-01', '2026-11-30', '2026-01-01', '2026-03-31', '2026-01-05', '2026-01-11']
    """
    for pattern, kind in _SPANS:
        if (match := pattern.fullmatch(text.strip())) is not None:
            try:
                return _span(kind, *map(int, match.groups()))
            except ValueError:
                break
    raise QueryError(Problem(f"'{text}' is no day and no period.", found=f"{option} {text}",
                             fix=f"{option} 2026-11-05, 2026-11, 2026-W45, 2026-Q4 or 2026"))  # fmt: skip


def period(text: str, option: str) -> tuple[str, date, date]:
    """The kind of period that a word names, with its first and last day. Raises QueryError for a year, of which there are no values.

    >>> [str(part) for part in period("2026-W02", "--period")]
    ['WEEK', '2026-01-05', '2026-01-11']
    """
    first, last = days(text, option)
    kind = next(kind for pattern, kind in _SPANS if pattern.fullmatch(text.strip()))
    if kind == "year":
        raise QueryError(Problem("There are no values of years.", found=f"{option} {text}", fix=f"{option} {text}-Q1 or {text}-01"))
    return kind.upper(), first, last


def _span(kind: str, year: int, number: int = 1, day: int = 1) -> tuple[date, date]:
    if kind == "day":
        return date(year, number, day), date(year, number, day)
    if kind == "week":
        monday = date.fromisocalendar(year, number, 1)
        return monday, monday + timedelta(6)
    first, last = {"month": (number, number), "quarter": (3 * number - 2, 3 * number), "year": (1, 12)}[kind]
    return date(year, first, 1), date(year, last, calendar.monthrange(year, last)[1])


def release_at(reader: Snapshot, text: str, option: str = "--as-of") -> tuple[int, datetime]:
    """The release that a word names, and when it came: its id, or the newest one up to a day (its end) or a moment, in UTC.

    Raises QueryError for a release that does not exist and a moment before the first.
    """
    known = reader.rows("SELECT release_id, released_at FROM release ORDER BY release_id")
    if not known:
        raise QueryError(Problem("There is no release yet.", found=f"{option} {text}", fix="plantlake refresh"))
    first, last = known[0], known[-1]
    told = f"releases {first[0]} of {first[1]:%Y-%m-%d %H:%M} to {last[0]} of {last[1]:%Y-%m-%d %H:%M} UTC"
    if text.strip().isdigit():
        found = [row for row in known if row[0] == int(text)]
        reason = f"There is no release {text.strip()}."
    else:
        moment = _moment(text, option)
        found = [row for row in known if row[1] <= moment]
        reason = f"Nothing had been released by {moment:%Y-%m-%d %H:%M} UTC."
    if not found:
        raise QueryError(Problem(reason, found=told, fix="plantlake release list"))
    return found[-1]


def _moment(text: str, option: str) -> datetime:
    """A moment as it was written; of a day its end."""
    try:
        found = datetime.fromisoformat(text.strip())
    except ValueError as error:
        raise QueryError(Problem(f"'{text}' is no release, day or time.", found=f"{option} {text}",
                                 fix=f"{option} 41, {option} 2026-11-05 or {option} '2026-11-05 08:00' (UTC)")) from error  # fmt: skip
    if re.fullmatch(r"\d{4}-\d\d-\d\d", text.strip()):
        found += timedelta(days=1, microseconds=-1)
    return found.astimezone(UTC) if found.tzinfo else found.replace(tzinfo=UTC)
