"""The records of a JSON text one after the other, so that a large document is in memory as text and not as objects.

Here: walking into a text along a path of keys. Elsewhere: parsing one value (`connectors.kinds.files.json_values`), paths through arrays
and fields above the records, which need the values as a whole (`connectors.kinds.files.json_rows`).

A document of 77 MB took 718 MB as objects and 200 MB so.
"""

from __future__ import annotations

from collections.abc import Collection, Generator, Iterator, Sequence
from json import JSONDecodeError
from json.decoder import scanstring  # type: ignore[attr-defined]
from typing import Any

from connectors.kinds.files.json_rows import ANY, found_at
from connectors.kinds.files.json_values import UnreadableError, after_blanks, refuse_bare, told, value_at
from connectors.kinds.files.record_frames import Row


def records_at(source: str, path: Sequence[str], parents: Collection[str] = ()) -> Iterator[tuple[Row, Any]]:
    """The records at a path in each of the values of a text, as `found_at` gives them. Raises UnreadableError.

    >>> [record for _, record in records_at('{"n": 2, "d": {"rows": [{"a": 1}, {"a": 2}]}} {"d": {"rows": []}}', ("d", "rows"))]
    [{'a': '1'}, {'a': '2'}]
    """
    at = after_blanks(source, 0)
    while at < len(source):
        refuse_bare(source, at)
        if parents or ANY in path:
            value, at = value_at(source, at)
            yield from found_at(value, path, parents)
        else:
            at = yield from _inside(source, at, path, "")
        at = after_blanks(source, at)


Walk = Generator[tuple[Row, Any], None, int]
"""Gives records and returns the position behind the value."""


def _inside(source: str, at: int, path: Sequence[str], above: str) -> Walk:
    sign = source[at : at + 1]
    if sign == "[" and not path:
        return (yield from _elements(source, at))
    if sign == "{" and path:
        return (yield from _member(source, at, path, above))
    value, end = value_at(source, at)
    yield from found_at(value, path, at=above)
    return end


def _elements(source: str, start: int) -> Walk:
    at = after_blanks(source, start + 1)
    if source[at : at + 1] == "]":
        return at + 1
    while True:
        value, at = value_at(source, at)
        yield {}, value
        at, sign = _sign(source, at, ",]")
        if sign == "]":
            return at


def _member(source: str, start: int, path: Sequence[str], above: str) -> Walk:
    """Goes into the member that the path names; the others are parsed and forgotten."""
    keys: dict[str, None] = {}
    at = after_blanks(source, start + 1)
    sign = ","
    if source[at : at + 1] == "}":
        at, sign = at + 1, "}"
    while sign == ",":
        key, at = _key(source, at)
        if key != path[0]:
            _, at = value_at(source, at)
        elif key in keys:
            raise UnreadableError(f"the key '{key}' is there twice")
        else:
            at = yield from _inside(source, at, path[1:], f"{above}.{key}" if above else key)
        keys[key] = None
        at, sign = _sign(source, at, ",}")
    if path[0] not in keys:
        yield from found_at(keys, path, at=above)  # raises, and says what there is
    return at


def _key(source: str, at: int) -> tuple[str, int]:
    """The key that begins here, and the position of its value."""
    try:
        if source[at : at + 1] != '"':
            raise JSONDecodeError("Expecting property name enclosed in double quotes", source, at)
        key, at = scanstring(source, at + 1, False)
    except JSONDecodeError as error:
        raise told(source, error) from error
    return key, _sign(source, at, ":")[0]


def _sign(source: str, at: int, signs: str) -> tuple[int, str]:
    """The position behind one of the signs and the blanks after it, and which it is."""
    at = after_blanks(source, at)
    sign = source[at : at + 1]
    if not sign or sign not in signs:
        raise told(source, JSONDecodeError(f"Expecting '{signs[0]}' delimiter", source, at))
    return (at + 1 if sign in "]}" else after_blanks(source, at + 1)), sign
