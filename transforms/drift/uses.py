"""What a plant file makes of each source column: only what is used can make a number wrong.

Here: the places of a mapping that name a column. Elsewhere: the mapping itself (`connectors.models`, `transforms.mapping`).
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass

from connectors.models import Column, Source, Table
from transforms.tables import TABLES

VALUE = "number"
"""What a tag column of a wide historian file holds."""


@dataclass(frozen=True, slots=True)
class Use:
    """One place of a mapping that names a source column."""

    table: str
    place: str
    """Below the table: columns.start_ts, skip.idle, key."""
    column: str | None = None
    """The canonical column that is made of it; None where it only decides or identifies."""
    type: str = "text"
    rule: Column | None = None
    is_needed: bool = False
    """The canonical column cannot be left out."""


def uses(source: Source, columns: Collection[str]) -> Mapping[str, Sequence[Use]]:
    """By source column: the places that name it. `columns` are those of the exports, for patterns and SQL."""
    found: dict[str, list[Use]] = defaultdict(list)
    for name, table in source.tables.items():
        for use, named in _of_table(name, table):
            for text in named:
                found[text].append(use)
        _add_patterns(name, table, columns, found)
    return dict(found)


def _of_table(name: str, table: Table) -> Iterator[tuple[Use, Sequence[str]]]:
    for column, rule in table.columns.items():
        about = TABLES[name].inputs.get(column)
        needed = bool(about and about.required) or any(
            column in choice and not ({*choice} & {*table.columns}) - {column} for choice in TABLES[name].alternatives
        )
        needed = needed or any(other.needs == column and key in table.columns for key, other in TABLES[name].inputs.items())
        is_value = about is not None and column != "tags"
        use = Use(name, f"columns.{column}", column, about.type if about and is_value else VALUE, rule, needed)
        yield use, [text for text in rule.from_ or () if not _is_pattern(text)]
        yield Use(name, f"columns.{column}.unit_from"), [rule.unit_from] if rule.unit_from else []
        yield Use(name, f"columns.{column}.shift"), [rule.shift] if rule.shift else []
        yield Use(name, f"columns.{column}.negate"), [rule.negate.column] if rule.negate else []
    for skip, test in table.skip.items():
        yield Use(name, f"skip.{skip}"), [test.column]
    yield Use(name, "withdrawn"), [table.withdrawn.column] if table.withdrawn else []
    yield Use(name, "key"), table.key or ()


def _add_patterns(name: str, table: Table, columns: Collection[str], found: dict[str, list[Use]]) -> None:
    for column, rule in table.columns.items():
        use = Use(name, f"columns.{column}", column, VALUE if column == "tags" else "text", rule)
        for text in rule.from_ or ():
            if _is_pattern(text):
                for free in (free for free in columns if free not in found and re.search(text[1:-1], free)):
                    found[free].append(use)
        if rule.sql:
            for word in (word for word in columns if re.search(rf"(?<!\w){re.escape(word)}(?!\w)", rule.sql)):
                found[word].append(use)


def _is_pattern(text: str) -> bool:
    return len(text) > 2 and text.startswith("/") and text.endswith("/")
