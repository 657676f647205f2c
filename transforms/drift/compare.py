"""What changed between an export and those before it, and what to do about it.

Here: the comparison, one function for each kind of change. Elsewhere: profiles (`transforms.drift.profile`), which exports are compared
and what is known of earlier changes (`pipelines.drift`), words that a map does not know, which need the records (`pipelines.drift`).

A change of something that the plant file uses needs a person; all others are told once.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from statistics import median
from typing import Any
from zoneinfo import ZoneInfo

from connectors.errors import listed
from connectors.models import Source
from transforms.drift import edits, moved
from transforms.drift.edits import Edit
from transforms.drift.matching import CONTRADICTS, SAME, Match, likeness, matches
from transforms.drift.profile import EMPTY, NUMBER, TEXT, TIME, ColumnProfile, Profile, is_number, shape
from transforms.drift.uses import Use, uses
from transforms.tables import TABLES

RECENT = 5
"""Exports that tell which columns a source has, and what they hold."""
FEW = 20.0
"""So many times fewer or more records than any export before are told: days off make small exports."""
ENOUGH = 8
"""Exports before the number of records is judged."""

WHAT = {
    "DROPPED": "a column is gone",
    "RENAMED": "a column is gone, and another holds what it held",
    "ADDED": "a column is new",
    "SWAPPED": "columns hold what others of them held",
    "REORDERED": "the columns stand in another order",
    "RETYPED": "numbers or times have become texts, or the other way round",
    "DECIMAL": "numbers have another decimal sign",
    "DATE_FORMAT": "times are written otherwise",
    "DAY_FIRST": "day and month have changed places",
    "EMPTIED": "a column that was filled is empty",
    "FILLED": "a column that was empty is filled",
    "SCALE": "all numbers of a column are a factor larger or smaller",
    "UNIT": "temperatures are of another scale",
    "SIGN": "numbers have turned negative",
    "ZONE": "a clock has moved by whole hours",
    "WORDS": "a word that the map does not know, in three records or more",
    "RARE_WORDS": "the same in one record or two",
    "REASONS": "a reason that no line of the reason map knows",
    "ROWS": "far fewer or far more records than ever before",
    "LAYOUT": "another encoding, delimiter or sheet, which was found",
    "LAYOUT_UNREAD": "another encoding, delimiter or sheet than the plant file states: the export could not be read",
}
"""What can have changed."""
NOTED = ("ADDED", "REORDERED", "FILLED", "LAYOUT", "REASONS", "RARE_WORDS")
"""Told once, whatever the plant file makes of the column: nothing is wrong yet."""
ASK = "ask the plant whether this is meant; `plantlake drift accept` ends the question"


@dataclass(frozen=True, slots=True)
class Exported:
    """One export as far as it is compared."""

    name: str
    profile: Profile
    taken_at: datetime | None = None
    """When it was taken, as the source's clock shows it, where its name states that."""


@dataclass(frozen=True)
class Finding:
    """One change of the exports of a source."""

    what: str
    """One of `WHAT`."""
    column: str | None
    message: str
    old: str = ""
    """What it was, in numbers."""
    new: str = ""
    is_mapped: bool = False
    edit: Edit | None = None
    advice: str | None = None
    """What to do where no edit says it."""
    mark: str = ""
    """What tells this change from another of its kind in the same column."""

    @property
    def needs_a_person(self) -> bool:
        return self.is_mapped and self.what not in NOTED

    @property
    def signature(self) -> str:
        """The same change seen in another export has the same."""
        return "|".join((self.what, self.column or "", self.mark))


@dataclass(frozen=True)
class Question:
    """What is compared: an export, those before it, and what the plant file says."""

    source: Source
    """As it reads for this export."""
    new: Exported
    past: Sequence[Exported]
    """Exports before it in the order of the source, oldest first."""
    held: Callable[[str], Sequence[Exported]] | None = None
    """By column: the exports that its values are held against; default: all of `past`."""
    texts: Callable[[str], Sequence[str]] = lambda _: ()
    """By column: its most frequent texts in this export."""
    zone: str = "UTC"
    """Zone of the source's local times."""
    plant_zone: str = "UTC"
    aliases: Mapping[str, str] = field(default_factory=dict)
    """The plant's own spellings of units."""

    @property
    def of(self) -> Mapping[str, Sequence[Use]]:
        known = {column.name for export in (*self.past[-1:], self.new) for column in export.profile.columns}
        return uses(self.source, known)

    def history(self, column: str) -> list[Exported]:
        exports = self.past if self.held is None else self.held(column)
        return [export for export in exports if column in export.profile.by_name]


def compare(asked: Question) -> list[Finding]:
    """Every change of an export against those before it."""
    if not asked.past:
        return []
    pairs = renames(asked)
    of = asked.of
    found = [*_columns(asked, pairs, of), *_order(asked)]
    new = asked.new.profile.by_name
    swapped = swaps(asked)
    if swapped:
        found.append(_swapped(asked, swapped, of))
    for name in new:
        history = asked.history(name)
        if history and name not in {pair.new for pair in (*pairs, *swapped)}:
            found += _values(asked, new[name], history, of.get(name, ()))
    return _one_decimal([*found, *_rows(asked), *_layout(asked)], asked)


# --- columns ------------------------------------------------------------------------------------------------------------------------------


def renames(asked: Question) -> list[Match]:
    """Columns that went and came back under another name."""
    gone, came = _moves(asked)
    recent = asked.past[-RECENT:]
    known = {name: [export.profile.by_name[name] for export in recent if name in export.profile.by_name] for name in gone}
    return matches(known, [asked.new.profile.by_name[name] for name in came])


def _moves(asked: Question) -> tuple[list[str], list[str]]:
    """Columns that every recent export had and this has not, and that it has and none before had; in their order."""
    recent = [export.profile.by_name for export in asked.past[-RECENT:]]
    now = asked.new.profile.by_name
    already = asked.source.renamed
    gone = [name for name in recent[-1] if name not in now and all(name in columns for columns in recent)]
    came = [name for name in now if not any(name in export.profile.by_name for export in asked.past)]
    return gone, [name for name in came if name not in already]


def _columns(asked: Question, pairs: Sequence[Match], of: Mapping[str, Sequence[Use]]) -> Iterator[Finding]:
    gone, came = _moves(asked)
    told = {old for new, old in asked.source.renamed.items() if new in asked.new.profile.by_name}
    for pair in pairs:
        yield Finding(
            "RENAMED", pair.old, f"Column '{pair.old}' seems to be called '{pair.new}' now: {pair.because}.", pair.old, pair.new,
            pair.old in of and pair.old not in told, edits.renamed(pair.old, pair.new), mark=pair.new,
        )  # fmt: skip
    for name in gone:
        if name not in {pair.old for pair in pairs} | told:
            used = of.get(name, ())
            edit = edits.dropped(asked.new.name, used) if used else None
            advice = (
                None if edit or not used else f"ask the plant for the column: {used[0].table}.{used[0].place} cannot be made without it"
            )
            yield Finding(
                "DROPPED",
                name,
                f"Column '{name}' is no longer there.",
                f"place {_place(asked.past[-1], name)}",
                "-",
                bool(used),
                edit,
                advice,
            )
    for name in came:
        if name not in {pair.new for pair in pairs}:
            column = asked.new.profile.by_name[name]
            yield Finding(
                "ADDED",
                name,
                f"Column '{name}' is new.",
                "-",
                f"place {column.position + 1}, {_told(column)}",
                advice="map it where it tells something",
            )


def _place(export: Exported, name: str) -> int:
    return export.profile.by_name[name].position + 1


def _told(column: ColumnProfile) -> str:
    """What a column holds, in a few words without quoting it."""
    if column.kind == NUMBER:
        return f"numbers around {column.values[2]:g}"
    if column.kind == TIME:
        return "times"
    return "empty" if column.kind == EMPTY else f"{column.distinct} different texts" if column.distinct else column.kind


def swaps(asked: Question) -> list[Match]:
    """Columns whose values are nothing like their own of before, and those of another such column: their names say nothing any more."""
    recent, now = asked.past[-RECENT:], asked.new.profile.by_name
    known = {name: [export.profile.by_name[name] for export in recent if name in export.profile.by_name] for name in now}
    strange = {
        name: history for name, history in known.items()
        if history and likeness(history, now[name]).score < CONTRADICTS
    }  # fmt: skip
    found: list[Match] = []
    for name, history in strange.items():
        best = max((likeness(history, now[other]).score, other) for other in strange)
        if best[0] >= SAME and best[1] != name:
            found.append(Match(name, best[1], likeness(history, now[best[1]]).because))
    is_whole = {pair.old for pair in found} == {pair.new for pair in found} and len({pair.new for pair in found}) == len(found)
    return found if is_whole else []


def _swapped(asked: Question, pairs: Sequence[Match], of: Mapping[str, Sequence[Use]]) -> Finding:
    """A file without a header names its columns by their places, so that another order of the places makes other columns."""
    became = {pair.new: pair.old for pair in pairs}
    order = [became.get(column.name, column.name) for column in asked.new.profile.columns]
    edit = edits.since(asked.new.name, options={"columns": order}) if asked.source.options.get("columns") else None
    names = listed([f"'{pair.new}' what '{pair.old}' held" for pair in pairs], 6)
    return Finding(
        "SWAPPED", None, f"Columns hold what others held: {names}.", listed([column.name for column in asked.past[-1].profile.columns], 30),
        listed(order, 30), any(pair.old in of for pair in pairs), edit, None if edit else ASK, "|".join(order),
    )  # fmt: skip


def _order(asked: Question) -> Iterator[Finding]:
    """Columns that both exports have, in another order. They are read by name, so nothing is wrong, unless the file has no header."""
    before, now = (list(export.profile.by_name) for export in (asked.past[-1], asked.new))
    both = [name for name in before if name in now]
    if both != (moved_to := [name for name in now if name in before]):
        yield Finding(
            "REORDERED", None, "The columns stand in another order. They are read by their names.", listed(both, 30), listed(moved_to, 30),
            mark="|".join(moved_to),
        )  # fmt: skip


# --- values -------------------------------------------------------------------------------------------------------------------------------


def _values(asked: Question, new: ColumnProfile, history: Sequence[Exported], used: Sequence[Use]) -> list[Finding]:
    """The first change of a column's values that is sure: one change makes the others meaningless."""
    past = [export.profile.by_name[new.name] for export in history]
    for check in (_emptied, _retyped, _date_format, _numbers, _zone):
        found = check(asked, past, new, [use for use in used if use.column] or used, history)
        if found:
            return [found]
    return []


Values = Sequence[ColumnProfile]


def _emptied(asked: Question, past: Values, new: ColumnProfile, used: Sequence[Use], _: Sequence[Exported]) -> Finding | None:
    """A column that always was filled and now is empty, or the other way round."""
    few = asked.new.profile.rows < 10
    if new.kind == EMPTY and not few and max(column.null for column in past) <= 0.1:
        edit = edits.dropped(asked.new.name, used) if used else None
        return Finding(
            "EMPTIED", new.name, f"Column '{new.name}' is empty in all {asked.new.profile.rows:,} records.",
            f"filled in {1 - max(column.null for column in past):.0%} of the records or more", "filled in none", bool(used), edit, ASK,
        )  # fmt: skip
    if new.kind != EMPTY and len(past) >= moved.HISTORY and all(column.kind == EMPTY for column in past):
        return Finding("FILLED", new.name, f"Column '{new.name}' was always empty and is not any more.", "empty", _told(new), bool(used))
    return None


def _retyped(asked: Question, past: Values, new: ColumnProfile, used: Sequence[Use], _: Sequence[Exported]) -> Finding | None:
    known = [column for column in past if column.kind != EMPTY]
    if NUMBER in {column.kind for column in known} and new.kind == TEXT and not _are_no_numbers(asked, known, new):
        return None
    kinds = {column.kind for column in known}
    if not known or new.kind == EMPTY or len(kinds) > 1 or new.kind in kinds:
        return _decimal(asked, known, new, used)
    typed = [use for use in used if use.type in ("number", "integer", "time", "date")]
    if used and not typed:  # a code is a text, whether it has letters or not
        return None
    if not used and asked.new.profile.rows < 10:
        return None
    old = known[-1]
    texts = [text for text in asked.texts(new.name) if text] if used else []
    edit = _text_edit(asked, new, used, texts) if old.kind == NUMBER else None
    shown = f"{new.kind}s ({listed([repr(text) for text in texts[:4]], 3)})" if texts else f"{new.kind}s, {new.numeric:.0%} of them numbers"
    return Finding(
        "RETYPED", new.name, f"Column '{new.name}' held {old.kind}s and now holds {new.kind}s.", f"{old.kind}s: {_told(old)}", shown,
        bool(typed), edit, ASK, mark=new.kind,
    )  # fmt: skip


def _are_no_numbers(asked: Question, known: Values, new: ColumnProfile) -> bool:
    """Whether a column of numbers holds so many texts that it is not one of the gaps that it always had."""
    if new.numeric <= 0.5:
        return all(column.numeric > 0.75 for column in known)
    return asked.new.profile.measured * (1 - new.null) >= 20 and all(column.numeric == 1.0 for column in known)


def _text_edit(asked: Question, new: ColumnProfile, used: Sequence[Use], texts: Sequence[str]) -> Edit | None:
    """Numbers with a text around them are cut out; texts beside numbers are taken for empty."""
    other = [text for text in texts if not is_number(shape(text))]
    rules = [use.rule for use in used if use.rule]
    if not other or not rules or any(rule.regex or rule.sql for rule in rules):
        return None
    if all(any(letter.isdigit() for letter in text) for text in other):
        return edits.mapped(asked.new.name, used, regex=r"([-+]?[0-9][0-9.,]*)")
    if new.numeric == 0 or any(any(letter.isdigit() for letter in text) for text in other):
        return None
    nulls = [*dict.fromkeys([*(word for rule in rules for word in rule.nulls), *other])]
    return edits.mapped(asked.new.name, used, nulls=nulls)


def _decimal(asked: Question, known: Values, new: ColumnProfile, used: Sequence[Use]) -> Finding | None:
    """Another decimal sign of numbers that stand as text."""
    signs = [column.decimal for column in known if column.decimal]
    if not signs or not new.decimal or new.decimal in signs:
        return None
    return Finding(
        "DECIMAL", new.name, f"The numbers of '{new.name}' have the decimal sign '{new.decimal}' now.", f"'{signs[-1]}'",
        f"'{new.decimal}'", any(use.type in ("number", "integer") for use in used),
        edits.since(asked.new.name, options={"decimal": new.decimal}), mark=new.decimal,
    )  # fmt: skip


def _one_decimal(found: Sequence[Finding], asked: Question) -> list[Finding]:
    """One decimal sign is one edit, whatever number of columns shows it; where columns disagree, none mends it."""
    columns = [finding for finding in found if finding.what == "DECIMAL"]
    if not columns:
        return list(found)
    changed = {finding.column for finding in columns}
    others = [column for column in asked.new.profile.columns if column.decimal and column.name not in changed]
    first = max(columns, key=lambda finding: finding.is_mapped)
    names = listed([f"'{finding.column}'" for finding in columns])
    agree = not any(column.decimal != first.mark for column in others)
    one = Finding(
        "DECIMAL", None if len(columns) > 1 else first.column, f"The numbers of {names} have the decimal sign '{first.mark}' now.",
        first.old, first.new, first.is_mapped, first.edit if agree else None,
        None if agree else "ask the plant: other columns of the file have the other sign", first.mark,
    )  # fmt: skip
    return [*(finding for finding in found if finding.what != "DECIMAL"), one]


def _date_format(asked: Question, past: Values, new: ColumnProfile, used: Sequence[Use], _: Sequence[Exported]) -> Finding | None:
    known = [column for column in past if column.kind == TIME and column.spans]
    if not known or new.kind != TIME or not new.spans:
        return None
    if flip := moved.swapped(known, new):
        old, now = flip
        edit = edits.timed(asked.new.name, used, old, now)
        return Finding(
            "DAY_FIRST", new.name, f"Day and month of '{new.name}' have changed places.", old,
            f"{now}: {new.spans[now][0]} to {new.spans[now][1]}", bool(used), edit, ASK, mark=now,
        )  # fmt: skip
    layouts = {layout for column in known for layout in column.spans}
    if layouts & set(new.spans) or "" in layouts or "" in new.spans:
        return None
    is_iso = all(layout.startswith("%Y-%m-%d") for layout in (*layouts, *new.spans))
    if is_iso and all(use.rule is not None and not use.rule.format for use in used):  # ISO 8601 is read as it comes
        return None
    old, now = (next(iter(column.spans)) for column in (known[-1], new))
    kept = old.replace(":%S", "").replace("%.f", "") == now.replace(":%S", "").replace("%.f", "")
    edit = edits.timed(asked.new.name, used, old, now) if len(new.spans) == 1 or kept else None
    advice = None if edit else "ask the plant which is the day: the dates can be read both ways"
    return Finding(
        "DATE_FORMAT",
        new.name,
        f"The times of '{new.name}' are written otherwise.",
        old,
        " or ".join(new.spans),
        bool(used),
        edit,
        advice,
        mark=now,
    )


def _numbers(asked: Question, past: Values, new: ColumnProfile, used: Sequence[Use], history: Sequence[Exported]) -> Finding | None:
    measured = [use for use in used if use.type in ("number", "integer") and use.rule]
    known = [column for column in past if column.kind == NUMBER]
    if not measured or new.kind != NUMBER or _says_its_unit(asked, measured, history):
        return None
    if moved.turned(known, new):
        return Finding(
            "SIGN", new.name, f"The numbers of '{new.name}' are negative now.", "never negative", f"{new.negative:.0%} negative", True,
            None, ASK,
        )  # fmt: skip
    if found := moved.scaled(known, new, asked.new.profile.rows):
        word = "larger" if found.factor > 1 else "smaller"
        edit = edits.scaled(asked.new.name, measured, _dimensions(measured), found.factor, asked.aliases)
        return Finding(
            "SCALE", new.name, f"The numbers of '{new.name}' are {word} by a factor of {found.about}.",
            f"median {found.before:.4g} of the {len(known)} exports before", f"median {found.now:.4g}", True, edit, ASK,
            mark=f"{round(math.log10(found.factor), 1)}",
        )  # fmt: skip
    if units := moved.warmed(known, new):
        old, now = units
        middle = median(column.values[2] for column in known if column.values)
        return Finding(
            "UNIT", new.name, f"The numbers of '{new.name}' look like {now} where they were {old}.", f"median {middle:.4g}",
            f"median {new.values[2]:.4g}", True, edits.warmed(asked.new.name, used, new.name, old, now), ASK, mark=f"{old}>{now}",
        )  # fmt: skip
    return None


def _dimensions(used: Sequence[Use]) -> dict[tuple[str, str], str | None]:
    return {
        (use.table, str(use.column)): TABLES[use.table].inputs[str(use.column)].dimension
        for use in used
        if use.column in TABLES[use.table].inputs
    }


def _says_its_unit(asked: Question, used: Sequence[Use], history: Sequence[Exported]) -> bool:
    """Whether the file itself tells another unit now, in the column that the mapping reads it from."""
    for unit in {use.rule.unit_from for use in used if use.rule and use.rule.unit_from}:
        now = asked.new.profile.by_name.get(unit)
        known = {word for export in history if unit in export.profile.by_name for word in export.profile.by_name[unit].words}
        if now and set(now.words) - known:
            return True
    return False


def _zone(asked: Question, past: Values, new: ColumnProfile, used: Sequence[Use], history: Sequence[Exported]) -> Finding | None:
    """A clock that moved by whole hours: against the moment of the export, or against the shifts of the day."""
    if not any(use.type == "time" for use in used) or new.kind != TIME or not new.spans:
        return None
    layout = next(iter(new.spans))
    known = [(export, column) for export, column in zip(history, past, strict=True) if layout in column.spans]
    if not known:
        return None
    end = datetime.fromisoformat(new.spans[layout][1])
    lags = [lag for export, column in known if (lag := _lag(export, column, layout)) is not None]
    now = _lag(asked.new, new, layout)
    hours, proof = _moved_lag(asked, history, lags, now), ""
    if hours and now is not None:
        proof = f"its last time lies {now:.1f} h before the export was taken, {median(lags):.1f} h before"
    elif not _is_as_ever(lags, now) and new.hours:
        hours = moved.rolled([column.hours for _, column in known if column.hours], new.hours)
        hours = hours if hours in _plausible(asked, end) else None
        proof = "the pattern of the day has moved"
    if hours is None or _is_clock_change(asked, datetime.fromisoformat(known[0][1].spans[layout][0]), end, hours):
        return None
    zone = _zone_after(asked, end, hours)
    return Finding(
        "ZONE", new.name, f"The clock of '{new.name}' has moved by {-hours:+d} h: {proof}.", f"zone {asked.zone}", f"as in {zone}", True,
        edits.since(asked.new.name, timezone=zone), ASK, mark=str(hours),
    )  # fmt: skip


def _moved_lag(asked: Question, history: Sequence[Exported], lags: Sequence[float], now: float | None) -> int | None:
    return moved.lagged(lags, now) if now is not None and _is_punctual(asked, history) else None


def _is_as_ever(lags: Sequence[float], now: float | None) -> bool:
    """Whether the data end as long before the export as they always do: then the people have moved, and not the clock."""
    return now is not None and len(lags) >= moved.HISTORY and max(lags) - min(lags) <= 0.5 and abs(now - median(lags)) <= 0.5


def _is_punctual(asked: Question, history: Sequence[Exported]) -> bool:
    """Whether the export was taken at the time of day at which it always is: else it was the export that moved, not its clock."""
    times = [export.taken_at for export in (*history, asked.new) if export.taken_at is not None]
    hours = [(moment - times[0]).total_seconds() / 3600 % 24 for moment in times]
    return bool(times) and max(min(hour, 24 - hour) for hour in hours) <= 0.25


def _lag(export: Exported, column: ColumnProfile, layout: str) -> float | None:
    if export.taken_at is None or layout not in column.spans:
        return None
    return (export.taken_at - datetime.fromisoformat(column.spans[layout][1])).total_seconds() / 3600


def _offset(zone: str, moment: datetime) -> int:
    """Whole hours of a zone's offset."""
    return round((moment.replace(tzinfo=ZoneInfo(zone)).utcoffset() or timedelta(0)).total_seconds() / 3600)


def _plausible(asked: Question, moment: datetime) -> set[int]:
    """Hours by which a clock moves that shows another zone in use: UTC, the plant's."""
    own = _offset(asked.zone, moment)
    return {own, own - _offset(asked.plant_zone, moment), own - _standard(asked, moment)} - {0}


def _standard(asked: Question, moment: datetime) -> int:
    return min(_offset(asked.zone, moment.replace(month=month, day=1)) for month in (1, 7))


def _is_clock_change(asked: Question, before: datetime, after: datetime, hours: int) -> bool:
    """An hour more or less where one of the zones has changed its clock in between, and the people with it."""
    return abs(hours) == 1 and any(_offset(zone, before) != _offset(zone, after) for zone in (asked.zone, asked.plant_zone))


def _zone_after(asked: Question, moment: datetime, hours: int) -> str:
    own = _offset(asked.zone, moment)
    if own - hours == 0:
        return "UTC"
    if own - hours == _offset(asked.plant_zone, moment):
        return asked.plant_zone
    return f"Etc/GMT{hours - own:+d}"


# --- the export as a whole ----------------------------------------------------------------------------------------------------------------


def _rows(asked: Question) -> Iterator[Finding]:
    """A number of records beyond everything seen before. A day off makes one small export; two in a row are a question."""
    before, now = [export.profile.rows for export in asked.past], asked.new.profile.rows
    usual = [rows for rows in before[:-1] if rows]
    if len(usual) < ENOUGH or not now:
        return
    few, many = (max(min(usual) / FEW, 1), "few"), (max(usual) * FEW, "many")
    for limit, word in (few, many):
        far = [rows < limit if word == "few" else rows > limit for rows in (before[-1], now)]
        if far[1]:
            yield Finding(
                "ROWS", None, f"The export has very {word} records" + (", and so had the one before it." if far[0] else "."),
                f"{min(usual):,} to {max(usual):,} in {len(usual)} exports", f"{now:,}", all(far),
                advice="ask the plant whether the exports are whole" if word == "few" else ASK, mark=f"{word} again" if far[0] else word,
            )  # fmt: skip


def _layout(asked: Question) -> Iterator[Finding]:
    """What the connector found of the file itself, where it was always the same."""
    recent = [export.profile.layout for export in asked.past[-RECENT:] if export.profile.layout]
    for key, value in asked.new.profile.layout.items():
        before = {layout.get(key) for layout in recent}
        if len(before) == 1 and (old := next(iter(before))) and old != value and "ascii" not in (old, value):
            yield Finding(
                "LAYOUT", None, f"The {key} of the file has changed; it was found and the file was read.", old, value, mark=f"{key}={value}"
            )


def unreadable(source: Source, export: str, past: Sequence[Mapping[str, str]], now: Mapping[str, str]) -> list[Finding]:
    """Why an export that could not be read may be another file than those before it."""
    found: list[Finding] = []
    for key, value in now.items():
        before = [layout[key] for layout in past if layout.get(key)]
        if not before or before[-1] == value or value == "ascii":
            continue
        edit = _option(source, export, key, before[-1], value)
        found.append(
            Finding(
                "LAYOUT_UNREAD",
                None,
                f"The {key} of the file has changed, and it cannot be read.",
                before[-1],
                value,
                True,
                edit,
                ASK,
                mark=f"{key}={value}",
            )
        )
    return found


def _option(source: Source, export: str, key: str, old: str, new: str) -> Edit | None:
    if key in ("delimiter", "encoding"):
        return edits.since(export, options={key: new})
    sheet: Any = source.options.get("sheet")
    if key == "sheets" and isinstance(sheet, str):
        gone, came = ([name for name in one.split("\n") if name not in other.split("\n")] for one, other in ((old, new), (new, old)))
        if sheet in gone and len(came) == 1:
            return edits.since(export, options={"sheet": came[0]})
    return None
