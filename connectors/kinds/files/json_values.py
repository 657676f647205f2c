"""JSON text to values with nothing lost: digits as they are written, keys that are there twice, several values in one text.

Here: parsing, and values back to JSON text. Elsewhere: bytes and encodings (`connectors.kinds.files.text`), records made of values
(`connectors.kinds.files.json_rows`), what the values of a system mean (the kinds).

Python's own parser does it: a parser that makes floats of numbers loses 20-digit order numbers and the zero of 0.10.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from json.encoder import encode_basestring
from pathlib import Path
from typing import Any

from connectors.errors import Problem, ReadError
from connectors.kinds.files import text
from connectors.kinds.files.text import AGAIN

LONGEST_NUMBER = 1000
"""Digits; a longer number is damage or an attack."""
DEEPEST = 100
"""Levels of nesting; the deepest export seen has eight."""
BLANK = re.compile(r"[ \t\r\n\ufeff\x1e]*")
"""Between values; \\x1e is the record separator of RFC 7464."""
WORDS = {None: "null", True: "true", False: "false"}
BLANKS = " \t\r\n\ufeff\x1e"


class Number(str):
    """A number as it is written; also NaN, Infinity and -Infinity, which some writers put where JSON has no word."""

    __slots__ = ()


class Twice(dict[str, Any]):
    """An object in which a key is there more than once."""

    def __init__(self, pairs: list[tuple[str, Any]]):
        super().__init__(pairs)
        self.pairs = pairs

    @property
    def key(self) -> str:
        """The first key that is repeated."""
        names = [key for key, _ in self.pairs]
        return next(key for key in names if names.count(key) > 1)


class UnreadableError(ValueError):
    """Why a text or a value cannot be taken as it stands; whoever reads it knows whether a record or the export is lost by it."""

    def __init__(self, why: str, *, found: str | None = None, near: str | None = None, fix: str = AGAIN):
        super().__init__(why)
        self.why, self.found, self.near, self.fix = why, found, near, fix

    @property
    def problem(self) -> Problem:
        """As a problem of the whole export."""
        return Problem(f"{self.why[0].upper()}{self.why[1:]}.", found=self.found, closest=self.near, fix=self.fix)


class TooDeepError(UnreadableError):
    """Nested deeper than anything that a plant exports."""

    def __init__(self) -> None:
        super().__init__(f"the JSON is nested deeper than {DEEPEST} levels")


def refuse_repeated(value: dict[str, Any]) -> None:
    """Raises UnreadableError for an object in which a key is there more than once."""
    if isinstance(value, Twice):
        raise UnreadableError(f"the key '{value.key}' is there twice")


def _number(digits: str) -> Number:
    if len(digits) > LONGEST_NUMBER:
        raise UnreadableError(f"a number has {len(digits)} digits", found=f"{digits[:40]}...")
    return Number(digits)


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    return found if len(found) == len(pairs) else Twice(pairs)


DECODER = json.JSONDecoder(parse_float=_number, parse_int=_number, parse_constant=Number, object_pairs_hook=_object, strict=False)
"""Not strict: line breaks and tabs inside texts are kept, as operators type them."""


def value_at(source: str, at: int = 0) -> tuple[Any, int]:
    """The value that begins at a position, and the position behind it. Raises UnreadableError.

    >>> value_at('{"a": 0.10, "b": 12345678901234567890}')[0]
    {'a': '0.10', 'b': '12345678901234567890'}
    """
    try:
        return DECODER.raw_decode(source, at)
    except json.JSONDecodeError as error:
        raise told(source, error) from error
    except RecursionError as error:
        raise TooDeepError() from error


def told(source: str, error: json.JSONDecodeError) -> UnreadableError:
    """What the parser says, with the place and the text around it."""
    is_cut = error.msg.startswith("Unterminated string") or not source[error.pos : error.pos + 1000].strip()
    what = "the JSON ends in the middle of a value" if is_cut else f"no JSON: {error.msg[:1].lower()}{error.msg[1:]}"
    near = source[max(error.pos - 20, 0) : error.pos + 40].strip()
    place = f"line {error.lineno}, column {error.colno}" if "\n" in source else f"column {error.colno}"
    return UnreadableError(f"{what} ({place})", found=f"... {near[:60]}" if near else None)


def values(source: str) -> Iterator[Any]:
    """The values of a text that stand one after the other, mostly one. Raises UnreadableError."""
    at = after_blanks(source, 0)
    while at < len(source):
        refuse_bare(source, at)
        value, at = value_at(source, at)
        yield value
        at = after_blanks(source, at)


def refuse_bare(source: str, at: int) -> None:
    """Raises UnreadableError where neither an object nor an array begins."""
    if source[at] not in "{[":
        raise UnreadableError("the file is no JSON of objects or arrays", found=source[at : at + 60], fix="kind: delimited")


def content(plain: Path) -> str:
    """All of a text of UTF-8."""
    return plain.read_bytes().decode("utf-8-sig")


def documents(path: Path, encoding: str | None, member: str | None) -> Iterator[Any]:
    """The values of an export as they follow each other; where each has a line of its own, one is in memory at a time. Raises ReadError."""
    try:
        plain = text.utf8(path, encoding, member, wanted="JSON")
        for source in (line for _, line in numbered_lines(plain)) if is_lines(plain) else [content(plain)]:
            yield from values(source)
    except UnreadableError as error:
        raise ReadError(error.problem) from error


def is_lines(plain: Path) -> bool:
    """Whether a text is JSON lines: its first line is a value and not all of it, or a broken one above one that is a value."""
    head = []
    for _, line in numbered_lines(plain):
        head.append(line)
        if len(head) == 2:
            break
    if len(head) < 2 or not head[0].startswith(("{", "[")):
        return False
    return _is_value(head[0]) or (head[0][-1] not in "{[,:" and head[1].startswith("{") and _is_value(head[1]))


def _is_value(line: str) -> bool:
    try:
        _, end = value_at(line)
    except UnreadableError:
        return False
    return not line[end:].strip(BLANKS)


def numbered_lines(plain: Path) -> Iterator[tuple[int, str]]:
    """Number and text of each line that is not blank."""
    with plain.open(encoding="utf-8-sig", newline="\n") as source:
        for number, line in enumerate(source, 1):
            if stripped := line.strip(BLANKS):
                yield number, stripped


def dumped(value: Any, depth: int = 0) -> str:
    """A value as JSON text, its numbers as they were written and repeated keys repeated. Raises UnreadableError where it is too deep.

    >>> dumped(value_at('{"a": [1e-7, "x", null, true], "a": {}}')[0])
    '{"a": [1e-7, "x", null, true], "a": {}}'
    """
    if depth > DEEPEST:
        raise TooDeepError()
    if isinstance(value, str):
        return str(value) if isinstance(value, Number) else encode_basestring(value)
    if isinstance(value, list):
        return f"[{', '.join([dumped(part, depth + 1) for part in value])}]"
    if isinstance(value, dict):
        pairs = value.pairs if isinstance(value, Twice) else value.items()
        return f"{{{', '.join([f'{encode_basestring(key)}: {dumped(part, depth + 1)}' for key, part in pairs])}}}"
    return json.dumps(value) if value is not None and not isinstance(value, bool) else WORDS[value]


def as_text(value: Any) -> str | None:
    """A value as the text of a cell: texts and numbers as they are, true and false, null as None, the rest as JSON.

    >>> [as_text(value) for value in value_at('[1.50, "1.50", true, null, "", [1.0]]')[0]]
    ['1.50', '1.50', 'true', None, '', '[1.0]']
    """
    if value is None:
        return None
    if isinstance(value, str):
        return str(value)
    if isinstance(value, bool):
        return "true" if value else "false"
    return dumped(value)


def after_blanks(source: str, at: int) -> int:
    """The position of the next sign that is no blank."""
    found = BLANK.match(source, at)
    return found.end() if found else at
