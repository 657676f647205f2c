"""What has to hold in a plant file beyond its models: zones, kinds and their options, tables and their columns, words, patterns.

Here: one function a part of the file; each gives the keys of what is wrong, and the problem. Elsewhere: shape and the rules inside one
model (`connectors.models`), reading files and their lines (`connectors.portfolio`).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any
from zoneinfo import available_timezones as read_timezones

from pydantic import ValidationError

from connectors.changes import changed
from connectors.discovery import settings_of
from connectors.errors import ConformError, Problem, closest, listed
from connectors.models import Column, Condition, PlantFile, Source, Table
from connectors.naming import stated
from connectors.registry import KINDS, connector
from connectors.secrets import in_the_open
from connectors.strict import Keys, fields_at

if TYPE_CHECKING:
    from transforms.tables import TableSpec

STATES = "equipment_state_event"


def plant_rules(plant: PlantFile, root: Path) -> Iterator[tuple[Keys, Problem]]:
    """Rules that a model alone cannot know: zones, holidays, and everything about each source."""
    yield from _zone(plant.timezone, ("timezone",))
    if isinstance(plant.holidays, str) and not (root / plant.holidays).is_file():
        yield from _holiday_calendar(plant.holidays)
    yield from _connection_rules(plant.connection, plant.root, plant.root)
    codes = set(plant.equipment.units)
    for code, unit in plant.equipment.units.items():
        if unit.parent and unit.parent not in codes:
            yield (
                ("equipment", "units", code, "parent"),
                Problem(f"Unit '{code}' has an unknown parent.", found=unit.parent, closest=closest(unit.parent, codes)),
            )
    yield from _line_rules(plant)
    for name, source in plant.sources.items():
        keys: Keys = ("sources", name)
        for inner, problem in (*_source_rules(plant, source), *_clock_rules(plant, name, source)):
            yield (*keys, *inner), problem.at(source=name)


def _line_rules(plant: PlantFile) -> Iterator[tuple[Keys, Problem]]:
    """Stations are units of the plant file, unless a master export may bring them; a station stands in one line."""
    units, line_of = set(plant.equipment.units), dict[str, str]()
    is_mastered = any("equipment" in source.tables for source in plant.sources.values())
    for code, line in plant.lines.items():
        keys: Keys = ("lines", code)
        if code in units:
            yield keys, Problem(f"'{code}' is a line and a unit.", fix=f"remove equipment.units.{code}: the line is a piece of equipment")
        for word in () if is_mastered else (*line.codes, *filter(None, [line.area])):
            if word not in units:
                fix = f"equipment.units.{word}: {'{kpi_unit: false}' if word == line.area else '{}'}"
                yield keys, Problem(f"Line '{code}' names an unknown unit.", found=word, closest=closest(word, units), fix=fix)
        for word in line.codes:
            if line_of.setdefault(word, code) != code:
                yield keys, Problem(f"Station '{word}' is in the lines '{line_of[word]}' and '{code}'.", fix="a station stands in one line")


@cache
def available_timezones() -> frozenset[str]:
    """The names of all zones; the library looks through its folder at each call."""
    return frozenset(read_timezones())


def _zone(name: str | None, keys: Keys) -> Iterator[tuple[Keys, Problem]]:
    if name is not None and name not in available_timezones():
        yield (
            keys,
            Problem(
                f"'{name}' is not a time zone.",
                found=name,
                closest=closest(name, available_timezones()),
                fix="an IANA name such as Europe/Berlin or America/Chicago",
            ),
        )


def _holiday_calendar(code: str) -> Iterator[tuple[Keys, Problem]]:
    import holidays

    country, _, region = code.partition("-")
    known = holidays.list_supported_countries()
    if country not in known:
        yield (
            ("holidays",),
            Problem(
                f"There is no public holiday calendar '{code}', and no such file.",
                closest=closest(country, known),
                fix="a country such as US, a region such as DE-BY, a list of dates, or a file in the portfolio",
            ),
        )
    elif region and region not in known[country]:
        yield (
            ("holidays",),
            Problem(
                f"The calendar of {country} has no region '{region}'.",
                found=listed(known[country]),
                closest=closest(region, known[country]),
            ),
        )


def _source_rules(plant: PlantFile, source: Source) -> Iterator[tuple[Keys, Problem]]:
    if source.kind not in KINDS:
        problem = Problem(f"There is no connector kind '{source.kind}'.", found=listed(list(KINDS)), closest=closest(source.kind, KINDS))
        yield ("kind",), problem
        return
    yield from _zone(source.timezone, ("timezone",))
    kind = connector(source.kind)
    try:
        kind.Options.model_validate(source.options)
    except ValidationError as error:
        for detail in error.errors():
            inner: Keys = tuple(key for key in detail["loc"] if isinstance(key, str | int))
            allowed = fields_at(kind.Options, inner[:-1])
            unknown = detail["type"] == "extra_forbidden"
            message = f"{source.kind} has no option '{inner[-1]}'." if unknown else detail["msg"].removeprefix("Value error, ")
            yield (
                ("options", *inner),
                Problem(
                    message,
                    found=".".join(map(str, inner)),
                    closest=closest(str(inner[-1]), allowed) if unknown and inner else None,
                    fix=f"one of {listed(sorted(allowed), 30)}" if unknown else None,
                ),
            )
    for pattern, keys in _patterns(source):
        yield from _regex(pattern, keys)
    yield from _connection_rules(source.connection, source.root or plant.root, source.root)
    for name, table in source.tables.items():
        for inner, problem in _table_rules(plant, source, name, table):
            yield ("tables", name, *inner), problem.at(table=name)
    yield from _secret_rules(source)
    yield from _change_rules(plant, source)


def _change_rules(plant: PlantFile, source: Source) -> Iterator[tuple[Keys, Problem]]:
    """The source after each of its changes keeps the rules of any source; what was wrong before the change is told there."""
    before = source.model_copy(update={"changes": ()})
    for number, change in enumerate(source.changes):
        keys: Keys = ("changes", number)
        for table in change.tables:
            if table not in source.tables:
                near = closest(table, source.tables)
                yield (*keys, "tables", table), Problem(f"The source maps no table '{table}'.", found=table, closest=near)
        try:
            stated(plant, source, change.since)
        except ConformError as error:
            yield from (((*keys, "since"), problem) for problem in error.problems)
        except (re.error, KeyError):  # a pattern or a zone that is told as what it is
            pass
        after = changed(before, change)
        known = {problem.message for _, problem in _source_rules(plant, before)}
        for inner, problem in _source_rules(plant, after):
            if problem.message not in known:
                yield (*keys, *inner), problem
        before = after


def _connection_rules(connection: Mapping[str, Any], root: str | None, own_root: str | None) -> Iterator[tuple[Keys, Problem]]:
    """Settings that a connection to `root` does not have, and secrets that stand in the open."""
    model = settings_of(root) if root else None
    known = model.model_fields if model else dict.fromkeys(connection)
    for key in sorted(set(connection) - set(known)):
        told = f"A connection to {str(root).partition('://')[0]}:// has no setting '{key}'."
        near, fix = closest(key, known), f"one of {listed(sorted(known), 30)}"
        yield ("connection", key), Problem(told, found=key, closest=near, fix=fix)
    for inner, problem in in_the_open(connection, own_root):
        yield ("connection", *inner) if inner else ("root",), problem


def _clock_rules(plant: PlantFile, name: str, source: Source) -> Iterator[tuple[Keys, Problem]]:
    """A clock is set by the stops that two sources of state events saw, of which one has a clock that follows no other."""
    wanted, keys, key = source.clock_reference, ("clock_reference",), f"sources.{name}.clock_reference"
    if wanted is None:
        return
    if "clock_offset_s" in source.model_fields_set:
        found, fix = f"clock_offset_s: {source.clock_offset_s:g} and {key}: {wanted}", f"remove sources.{name}.clock_offset_s or {key}"
        yield keys, Problem("A clock offset is stated, or estimated from a reference.", found=found, fix=fix)
    others = [
        other for other, about in plant.sources.items()
        if other != name and STATES in about.tables and about.clock_reference is None
    ]  # fmt: skip
    if wanted not in others:
        yield keys, Problem(
            f"'{wanted}' is no other source of {STATES} whose own clock follows none.", found=listed(others) or "there is none",
            closest=closest(wanted, others), fix=f"{key}: the source whose clock is right, or remove the key",
        )  # fmt: skip
    if STATES not in source.tables:
        yield keys, Problem(
            f"Only a source of {STATES} can be held against another's stops.", found=listed(list(source.tables)),
            fix=f"sources.{name}.clock_offset_s: <seconds> instead of {key}",
        )  # fmt: skip


def _secret_rules(source: Source) -> Iterator[tuple[Keys, Problem]]:
    """Names of persons and customers come from columns of their own, so that they can be kept out of everything that is stored."""
    from transforms.mapping import secret_columns
    from transforms.tables import TABLES

    secret = set(secret_columns(source))
    for table, mapped in source.tables.items():
        for name, rule in mapped.columns.items():
            keys: Keys = ("tables", table, "columns", name)
            wanted = TABLES[table].inputs.get(name) if table in TABLES else None
            if wanted is None:
                continue
            if wanted.is_secret and not rule.from_:
                yield keys, Problem(f"{table}.{name} has to come `from` a column.", fix="from: <source column>").at(table=table)
            if not wanted.is_secret and (shared := sorted(secret & {*(rule.from_ or ())})):
                message = f"Column '{shared[0]}' holds names that are not kept; {table}.{name} cannot be made of it."
                yield keys, Problem(message, fix="map another column").at(table=table)


def _patterns(source: Source) -> Iterator[tuple[str, Keys]]:
    if source.exported_at:
        yield source.exported_at.from_name, ("exported_at", "from_name")
    if source.covers:
        yield source.covers.from_name, ("covers", "from_name")


def _regex(pattern: str, keys: Keys, *, groups: bool = True, on_data: bool = False) -> Iterator[tuple[Keys, Problem]]:
    """A pattern for names is read by Python, one for data (`on_data`) by polars, which has no look-around and no back references."""
    try:
        if not re.compile(pattern).groups and groups:
            yield keys, Problem("The pattern has no group, so it takes nothing.", found=pattern, fix="put the part to take in ( )")
    except re.error as error:
        yield keys, Problem(f"Not a regular expression: {error}.", found=pattern)
        return
    if on_data:
        import polars as pl

        try:
            pl.Series([""]).str.contains(pattern)
        except pl.exceptions.PolarsError:
            fix = "write it without look-around (?=, ?!, ?<) and back references"
            yield keys, Problem("The engine of data does not know this kind of pattern.", found=pattern, fix=fix)


def _table_rules(plant: PlantFile, source: Source, name: str, table: Table) -> Iterator[tuple[Keys, Problem]]:
    from transforms.tables import TABLES

    if name not in TABLES:
        problem = Problem(f"There is no canonical table '{name}'.", found=listed(list(TABLES), 20), closest=closest(name, TABLES))
        yield (), problem
        return
    spec = TABLES[name]
    yield from _input_rules(spec, table)
    if table.mode and table.mode not in spec.modes:
        yield ("mode",), Problem(f"{name} cannot be written in mode '{table.mode}'.", fix=f"one of {', '.join(spec.modes)}")
    yield from _records_rule(source.kind, table.records)
    for skip, test in table.skip.items():
        yield from _matches(test, ("skip", skip))
    yield from _rules_of_words(spec, table)
    for column, rule in table.columns.items():
        for inner, problem in (*_column_rules(plant, rule), *_word_rules(spec, column, rule)):
            yield ("columns", column, *inner), problem


def _rules_of_words(spec: TableSpec, table: Table) -> Iterator[tuple[Keys, Problem]]:
    """Words of the mapping that only some tables understand."""
    for column, rule in table.columns.items():
        if rule.counter and (spec.name != "production_count" or column not in spec.inputs or spec.inputs[column].dimension != "quantity"):
            yield (
                ("columns", column, "counter"),
                Problem("Only quantities of production_count are read from counters.", fix="remove the key"),
            )
    if table.limits and spec.name != "historian_sample":
        yield ("limits",), Problem(f"{spec.name} has no tags to limit.", fix="remove the key")
    if table.withdrawn:
        yield from _matches(table.withdrawn, ("withdrawn",))
        if not spec.id or "_row_hash" not in spec.columns:
            yield ("withdrawn",), Problem(f"{spec.name} has no versions, so nothing of it can be taken back.", fix="remove the key")


def _records_rule(kind: str, named: str | None) -> Iterator[tuple[Keys, Problem]]:
    """A record set is one of the kind's, or looks like those that only an export itself can tell."""
    known, pattern = connector(kind).records, connector(kind).record_pattern
    if not named or named in known or (pattern and re.fullmatch(pattern, named)):
        return
    near = named.upper() if pattern and re.fullmatch(pattern, named.upper()) else closest(named, known)
    yield ("records",), Problem(f"{kind} has no records '{named}'.", found=", ".join(known), closest=near)


def _input_rules(spec: TableSpec, table: Table) -> Iterator[tuple[Keys, Problem]]:
    name = spec.name
    for column in table.columns:
        if column not in spec.inputs:
            yield (
                ("columns", column),
                Problem(
                    f"{name} has no column '{column}'.",
                    closest=closest(column, spec.inputs),
                    fix=f"one of {listed(list(spec.inputs), 30)}",
                ),
            )
    for column, wanted in spec.inputs.items():
        if wanted.required and column not in table.columns:
            yield (
                ("columns",),
                Problem(f"{name} needs '{column}' ({wanted.doc or wanted.type}).", fix=f"columns.{column}: <source column>"),
            )
        if wanted.needs and column in table.columns and wanted.needs not in table.columns:
            yield ("columns", column), Problem(f"{name}.{column} needs '{wanted.needs}'.", fix=f"columns.{wanted.needs}: <source column>")
    for choice in spec.alternatives:
        if not any(column in table.columns for column in choice):
            yield ("columns",), Problem(f"{name} needs at least one of {', '.join(choice)}.")


def _word_rules(spec: TableSpec, column: str, rule: Column) -> Iterator[tuple[Keys, Problem]]:
    """What a mapping may give to a column with a closed list of words: another word would reject every row that it meets."""
    known = closed_words(spec.name).get(column)
    if isinstance(rule.map, str):
        yield from _standard(rule.map, spec.name, column)
    if known is None:
        return
    listed_words = rule.map if isinstance(rule.map, dict) else {}
    given: list[tuple[Keys, str | None]] = [(("map", source), target) for source, target in listed_words.items()]
    given += [(("const",), rule.const), (("default",), None if rule.map else rule.default)]
    given += [(("else",), rule.else_)] if rule.map and rule.else_ not in ("reject", "keep", "empty") else []
    for keys, word in given:
        if word and word not in known:
            near = closest(word, known)
            yield (
                keys,
                Problem(f"{spec.name}.{column} has no word '{word}'.", found=word, closest=near, fix=f"one of {', '.join(known)}"),
            )


def _standard(name: str, table: str, column: str) -> Iterator[tuple[Keys, Problem]]:
    """What `map: <standard>` needs: a standard that is known, and the column of states."""
    from transforms import states

    if (table, column) != ("equipment_state_event", "state_class"):
        yield (
            ("map",),
            Problem(f"{table}.{column} has no standard '{name}'; only equipment_state_event.state_class has.", fix="map: {<text>: <word>}"),
        )
    elif name not in states.standards():
        yield (
            ("map",),
            Problem(
                f"There is no standard of states '{name}'.", found=name, closest=closest(name, states.standards()),
                fix=f"one of {', '.join(states.standards())}, or map: {{<text>: <word>}}",
            ),
        )  # fmt: skip


@cache
def closed_words(table: str) -> dict[str, list[str]]:
    """The columns of a canonical table with a closed list of words, and that list."""
    from transforms import states
    from transforms.tables import TABLES

    columns = TABLES[table].columns
    words = {name: dtype.categories.to_list() for name, dtype in columns.items() if hasattr(dtype, "categories")}
    if table == "equipment_state_event":
        words["state_class"] += states.words()
    return words


def _matches(test: Condition, keys: Keys) -> Iterator[tuple[Keys, Problem]]:
    if test.matches is not None:
        yield from _regex(test.matches, (*keys, "matches"), groups=False, on_data=True)


def _column_rules(plant: PlantFile, rule: Column) -> Iterator[tuple[Keys, Problem]]:
    yield from _zone(rule.timezone, ("timezone",))
    if rule.regex:
        yield from _regex(rule.regex, ("regex",), on_data=True)
    if rule.from_name:
        yield from _regex(rule.from_name, ("from_name",))
    if rule.since:
        yield from (((("since", *inner)), problem) for inner, problem in _column_rules(plant, rule.since))
    if rule.negate:
        yield from _matches(rule.negate, ("negate",))
    if rule.shift and not plant.shifts:
        yield (
            ("shift",),
            Problem("A time by shift needs the plant's shifts.", fix="shifts: {A: {at: '06:00-14:00', days: Mon-Fri}}"),
        )
