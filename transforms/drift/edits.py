"""The edit of a plant file that a change of the exports asks for, as the keys to add below `sources.<name>`.

Here: what to write, and merging it into a file. Elsewhere: what changed (`transforms.drift.compare`), what the keys mean
(`connectors.models`: `renamed`, `changes`). Every edit keeps the exports of before as they are: a name is renamed for those that have it,
everything else holds from the export on in which it was first seen.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from connectors.errors import PlantlakeError, closest
from connectors.models import Column, Source
from transforms import units
from transforms.drift.uses import Use

Edit = dict[str, Any]
"""Keys below a source."""
PLACES = {
    "quantity": (
        "kg", "g", "t", "mg", "lb", "oz", "L", "mL", "gal", "m3", "m", "mm", "cm", "km", "in", "ft", "{piece}", "10*3",
        "10*-3", "10*6", "10*-6",
    ),
    "duration": ("s", "min", "h", "ms", "us", "d"), "duration_per_item": ("s", "min", "h", "ms", "/h", "/min", "/s"),
    "energy": ("kWh", "Wh", "MWh", "GWh", "MJ", "J"), "power": ("kW", "W", "MW"),
}  # fmt: skip
"""Units that numbers of a dimension may have been changed to."""


def renamed(old: str, new: str) -> Edit:
    return {"renamed": {new: old}}


def since(export: str, **what: Any) -> Edit:
    """Something that holds from an export on."""
    return {"changes": [{"since": export, **what}]}


def columns(export: str, found: Mapping[tuple[str, str], Any]) -> Edit:
    """Mappings of (table, canonical column) that hold from an export on."""
    tables: dict[str, Any] = {}
    for (table, column), rule in found.items():
        tables.setdefault(table, {"columns": {}})["columns"][column] = rule
    return since(export, tables=tables)


def dropped(export: str, uses: Sequence[Use]) -> Edit | None:
    """Leaves out what was made of a column; None where a table cannot be made without it, or without what it tells."""
    if any(use.column is None or use.is_needed or (use.rule and len(use.rule.from_ or ()) != 1) for use in uses):
        return None
    return columns(export, {(use.table, str(use.column)): None for use in uses})


def mapped(export: str, uses: Sequence[Use], **more: Any) -> Edit:
    """The mapping of what is made of a column with some of its keys changed; a key that is None is left out."""
    return columns(export, {(use.table, str(use.column)): with_(use.rule, **more) for use in uses if use.rule})


def with_(rule: Column, **more: Any) -> Any:
    """A mapping as it stands in a file."""
    found = rule.model_dump(by_alias=True, exclude_unset=True, mode="json") | more
    if isinstance(found.get("from"), list) and len(found["from"]) == 1:
        found["from"] = found["from"][0]
    kept = {key: value for key, value in found.items() if value is not None and value != []}
    return kept["from"] if list(kept) == ["from"] else kept


def timed(export: str, uses: Sequence[Use], old: str, new: str) -> Edit | None:
    """Another layout of a time; None where it is only a part of the text that is read."""
    found: dict[tuple[str, str], Any] = {}
    for use in (use for use in uses if use.rule and use.column):
        rule = use.rule
        if rule is None or rule.sql or rule.regex or rule.split:
            return None
        if len(rule.from_ or ()) == 1:
            found[use.table, str(use.column)] = with_(rule, format=None if new.startswith("%Y-%m-%d") else new)
            continue
        if not rule.format or old not in rule.format[0]:
            return None
        found[use.table, str(use.column)] = with_(rule, format=rule.format[0].replace(old, new))
    return columns(export, found) if found else None


def scaled(
    export: str, uses: Sequence[Use], dimensions: Mapping[tuple[str, str], str | None], factor: float, aliases: Mapping[str, str]
) -> Edit | None:
    """Another unit of the numbers of a column, `factor` of which are one of before; None where no unit says so."""
    found: dict[tuple[str, str], Any] = {}
    for use in (use for use in uses if use.rule and use.column):
        rule, key = use.rule, (use.table, str(use.column))
        unit = _unit_with(rule.unit, dimensions.get(key), factor, aliases) if rule and not rule.unit_from else None
        if rule is None or unit is None:
            return None
        found[key] = with_(rule, unit=unit)
    return columns(export, found) if found else None


def _unit_with(unit: str | None, dimension: str | None, factor: float, aliases: Mapping[str, str]) -> str | None:
    """The unit in which numbers are `factor` times what they are in another."""
    default = {"quantity": units.PIECE, "duration": "s", "energy": "kWh", "power": "kW", "duration_per_item": "s"}
    if dimension not in default:
        return None
    for other in PLACES[dimension]:
        try:
            if dimension == "duration_per_item":
                (old, was_rate), (new, is_rate) = (units.seconds_per_item(text, aliases) for text in (unit or default[dimension], other))
                fits = was_rate == is_rate and _is_close(new / old if is_rate else old / new, factor)
            else:
                before, after = units.unit(unit or default[dimension], aliases), units.unit(other, aliases)
                fits = before.canonical == after.canonical and _is_close(before.factor / after.factor, factor)
        except PlantlakeError:
            continue
        if fits:
            return other
    return None


def _is_close(one: float, other: float) -> bool:
    return abs(one / other - 1) < 0.01


def warmed(export: str, uses: Sequence[Use], column: str, old: str, new: str) -> Edit | None:
    """Temperatures of another scale as they were before."""
    quoted = f'CAST("{column}" AS DOUBLE)'
    back = {
        ("Cel", "[degF]"): f"({quoted} - 32) / 1.8", ("[degF]", "Cel"): f"{quoted} * 1.8 + 32",
        ("Cel", "K"): f"{quoted} - 273.15", ("K", "Cel"): f"{quoted} + 273.15",
    }  # fmt: skip
    plain = [use for use in uses if use.rule and use.column and use.column != "tags" and use.rule.from_ == (column,)]
    if not plain or len(plain) != len(uses):
        return None
    return columns(export, {(use.table, str(use.column)): {"sql": back[old, new]} for use in plain})


def word(source: Source, use: Use, word: str) -> Edit | None:
    """A word that a map does not know yet, as the most like one that it knows; None where none is like it."""
    known = use.rule.map if use.rule else None
    if not isinstance(known, dict) or use.rule is None or use.column is None:
        return None
    near = closest(word, known, cutoff=80)
    is_changed = any(use.column in change.tables[use.table].columns for change in source.changes if use.table in change.tables)
    if near is None or is_changed:
        return None
    return {"tables": {use.table: {"columns": {use.column: {"map": {word: known[near]}}}}}}


def path(edit: Edit) -> str:
    """Where an edit goes, below `sources.<name>`.

    >>> path({"renamed": {"B": "A"}}), path({"tables": {"t": {"columns": {"c": {"map": {"x": "y"}}}}}})
    ('renamed', 'tables.t.columns.c.map')
    """
    keys: list[str] = []
    inner: Any = edit
    while isinstance(inner, dict) and len(inner) == 1 and (not keys or keys[-1] not in ("renamed", "map")):
        key = next(iter(inner))
        keys.append(key)
        inner = inner[key]
    return ".".join(keys)


def merged(given: Any, edit: Any) -> Any:
    """A file's content with an edit: keys are added or replaced, items of lists come behind those that are there.

    >>> merged({"a": {"b": 1}, "l": [1]}, {"a": {"c": 2}, "l": [2]})
    {'a': {'b': 1, 'c': 2}, 'l': [1, 2]}
    """
    if isinstance(given, dict) and isinstance(edit, dict):
        return given | {key: merged(given[key], value) if key in given else value for key, value in edit.items()}
    return [*given, *edit] if isinstance(given, list) and isinstance(edit, list) else edit
