"""Values of JSON as records: the way to the array that holds them, and nested fields as dotted columns.

Here: pure functions over values. Elsewhere: text to values (`connectors.kinds.files.json_values`), records to a frame
(`connectors.kinds.files.record_frames`), what the user says of a file (`connectors.kinds.files.json_records`), systems that answer in
JSON (`connectors.kinds.historians.pi_web_api`, `connectors.kinds.erp.sap_odata`).
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from functools import lru_cache
from typing import Annotated, Any

from pydantic import BeforeValidator, WithJsonSchema

from connectors.contract import ROW, SURPLUS, UNREADABLE
from connectors.errors import closest, listed
from connectors.kinds.files.json_values import DEEPEST, Number, TooDeepError, Twice, UnreadableError, as_text, dumped, refuse_repeated
from connectors.kinds.files.lines import unpatterned
from connectors.kinds.files.record_frames import Row
from connectors.strict import ONE_OR_SEVERAL

ANY = "*"
"""In a path: every value of an object, whose keys then say what each is (`machines.*`)."""
KEY = "(key)"
"""The column of those keys where the path begins with the star; else it is called as the path is, up to the star."""
ROWS = "options.rows: <path of the records>"
FIX_FIELDS = "options.keep: [<that object>], or options.rows: <path>.*"
"""Where objects have values for names, which become too many columns."""
RESERVED = (ROW, SURPLUS, UNREADABLE)


def _as_path(value: Any) -> Any:
    if not isinstance(value, str):
        return value
    return tuple(value.split(".")) if value else ()


PathTo = Annotated[tuple[str, ...], BeforeValidator(_as_path), WithJsonSchema(ONE_OR_SEVERAL)]
"""An option that is such a path: value.results, or a list where a key holds a dot."""


@lru_cache(maxsize=20_000)
def name_of(prefix: str, key: str) -> str:
    """The column of a field; a name of plantlake's own, or none at all, gets a number as in a CSV.

    >>> name_of("", "Value"), name_of("Value", "Name"), name_of("", "_row"), name_of("", "")
    ('Value', 'Value.Name', '_row_2', 'column')
    """
    name = f"{prefix}.{key}" if prefix else key
    return f"{name}_2" if name in RESERVED else unpatterned(name) if name.strip() else "column"


# --- the way to the records ----------------------------------------------------------------------------------------------------


class MissingError(UnreadableError):
    """A path leads nowhere."""


def found_at(
    value: Any, path: Sequence[str], parents: Collection[str] = (), at: str = "", row: Row | None = None
) -> Iterator[tuple[Row, Any]]:
    """The records at a path, each with the fields above it that are asked for; arrays on the way are gone through.

    An array there gives its elements, an object itself, null nothing; an element of an array on the way may lack the path as long as
    another has it. Raises UnreadableError where the path leads nowhere.

    >>> list(found_at({"day": "1", "lines": [{"id": "A", "stops": ["x", "y"]}]}, ("lines", "stops"), ["day", "lines.id"]))
    [({'day': '1', 'lines.id': 'A'}, 'x'), ({'day': '1', 'lines.id': 'A'}, 'y')]
    """
    row = {} if row is None else row
    if isinstance(value, list) and not path:
        yield from ((row, element) for element in value)
    elif isinstance(value, list):
        yield from _each(found_at(element, path, parents, at, row) for element in value)
    elif value is None:
        return
    elif not path:
        yield row, value
    elif not isinstance(value, dict):
        raise MissingError(f"'{at or 'the file'}' is no object, so nothing can be inside it", found=shown(value)[:60], fix=ROWS)
    else:
        refuse_repeated(value)
        row = row | dict(_fields(value, parents, at))
        yield from _stepped(value, path, parents, at, row)


def _each(ways: Iterable[Iterator[tuple[Row, Any]]]) -> Iterator[tuple[Row, Any]]:
    """The records of several ways of which one at least leads somewhere."""
    lost: MissingError | None = None
    is_found = False
    for way in ways:
        try:
            yield from way
            is_found = True
        except MissingError as error:
            lost = error
    if lost and not is_found:
        raise lost


def _stepped(value: dict[str, Any], path: Sequence[str], parents: Collection[str], at: str, row: Row) -> Iterator[tuple[Row, Any]]:
    key, rest = path[0], path[1:]
    inner = f"{at}.{key}" if at else key
    if key == ANY:
        column = KEY if inner == ANY else name_of("", inner)
        yield from _each(found_at(element, rest, parents, inner, {**row, column: name}) for name, element in value.items())
    elif key in value:
        yield from found_at(value[key], rest, parents, inner, row)
    else:
        near = closest(key, value)
        where = f" in '{at}'" if at else ""
        fix = f"options.rows: {'.'.join([*([at] if at else []), near, *rest])}" if near else ROWS
        raise MissingError(f"there is no '{key}'{where}", found=listed(list(value)) or "an empty object", near=near, fix=fix)


def _fields(value: dict[str, Any], names: Collection[str], at: str) -> Iterator[tuple[str, str | None]]:
    """Fields of an object that stands at `at`, by their dotted names from the root."""
    for name in names:
        if not at or name.startswith(f"{at}."):
            holder, key = _holder(value, name[len(at) + 1 if at else 0 :])
            if key in holder:
                yield name, as_text(holder[key])


def _holder(value: dict[str, Any], dotted: str) -> tuple[dict[str, Any], str]:
    """The object that a dotted name leads into, and the last key."""
    key, _, rest = dotted.partition(".")
    inner = value.get(key)
    return _holder(inner, rest) if rest and dotted not in value and isinstance(inner, dict) else (value, dotted)


# --- one record ----------------------------------------------------------------------------------------------------------------


def flattened(record: dict[str, Any], row: Row, keep: Collection[str] = (), prefix: str = "", without: str | None = None) -> Row:
    """Adds the fields of an object to a row: nested ones as dotted columns, arrays as JSON text. Raises UnreadableError.

    >>> flattened({"a": None, "b": {"c": "1", "d": ["2"]}}, {})
    {'a': None, 'b.c': '1', 'b.d': '["2"]'}
    """
    if prefix.count(".") > DEEPEST:
        raise TooDeepError
    refuse_repeated(record)
    for key, value in record.items():
        if key == without:
            continue
        name = name_of(prefix, key)
        kind = type(value)
        if (kind is dict or kind is Twice) and value and name not in keep:
            flattened(value, row, keep, name)
        elif name in row:
            raise UnreadableError(f"the field '{name}' is there twice")
        else:
            row[name] = value if value is None or kind is str or kind is Number else as_text(value)
    return row


def spread(value: Any, path: Sequence[str], row: Row, keep: Collection[str] = (), prefix: str = "") -> Iterator[Row]:
    """The rows of a record whose array at `path` is spread: one an element, everything else repeated.

    An empty or absent array leaves one row, so that its record is not lost. A single object counts as an array of one.

    >>> list(spread({"id": "7", "ops": [{"no": "10"}, {"no": "20"}]}, ("ops",), {}))
    [{'id': '7', 'ops.no': '10'}, {'id': '7', 'ops.no': '20'}]
    """
    if not isinstance(value, dict):
        yield {**row, prefix: as_text(value)}
        return
    if not path:
        yield flattened(value, dict(row), keep, prefix)
        return
    key, rest = path[0], path[1:]
    above = flattened(value, dict(row), keep, prefix, without=key)
    inner = value.get(key)
    elements = inner if isinstance(inner, list) else [] if inner is None else [inner]
    for element in elements:
        yield from spread(element, rest, above, keep, name_of(prefix, key))
    if not elements:
        yield above


def shown(value: Any) -> str:
    """The text of a record that cannot be read, as far as there is one."""
    try:
        return dumped(value).encode("utf-8", "backslashreplace").decode()
    except (UnreadableError, RecursionError):
        return "..."
