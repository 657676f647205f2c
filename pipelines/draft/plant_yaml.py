"""What a draft decided as the text of a plant file, every doubt marked on its line.

Here: YAML as people write it, a line a column. Elsewhere: the decisions (`pipelines.draft.drafting`), reading it (`connectors.yaml_lines`).
A mark looks alike everywhere: `# ? why, sure: 60 %`. A value that only a person can write is "???" with `# ? why`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from textwrap import wrap
from typing import Any

from pipelines.draft.guess import Comment, Guess

LINE = 130
BLOCKS = ("sources", "tables", "columns", "shifts")
PLAIN = re.compile(r"[^\W\d](?:[\w./%-]| (?=[\w(]))*")
WORDS = ("true", "false", "null", "yes", "no", "on", "off", "y", "n", "~")


@dataclass(frozen=True)
class Decision:
    """A decision and where it stands: what `--json` prints."""

    where: str
    value: Any
    sure: int
    why: str
    is_open: bool
    line: int | None = None


def text_of(tree: Mapping[Any, Any]) -> str:
    """The text of a plant file."""
    return "\n".join(_lines(tree, 0)) + "\n"


def decisions(tree: Mapping[Any, Any], above: str = "") -> Iterator[Decision]:
    """Every decision of a tree, by its dotted key."""
    for key, value in tree.items():
        if isinstance(key, Comment):
            if key.text.startswith("? "):
                yield Decision(above, None, 60, key.text.removeprefix("? "), is_open=False)
            continue
        where = f"{above}.{key}" if above else str(key)
        inner = value.value if isinstance(value, Guess) else value
        if isinstance(value, Guess):
            yield Decision(where, plain(inner), value.sure, value.why, value.is_open)
        if isinstance(inner, Mapping):
            yield from decisions(inner, where)


def plain(value: Any) -> Any:
    """A value without what is told about it."""
    if isinstance(value, Guess):
        return plain(value.value)
    if isinstance(value, Mapping):
        return {key: plain(inner) for key, inner in value.items() if not isinstance(key, Comment)}
    return [plain(inner) for inner in value] if isinstance(value, list | tuple) else value


def _lines(tree: Mapping[Any, Any], indent: int) -> Iterator[str]:
    pad = " " * indent
    for key, value in tree.items():
        if isinstance(key, Comment):
            yield from (f"{pad}# {line}".rstrip() for line in wrap(_shown(key.text), LINE - indent, break_long_words=False) or [""])
            continue
        marks = _marks(value)
        inner = value.value if isinstance(value, Guess) else value
        line = f"{pad}{scalar(key)}:"
        if isinstance(inner, Mapping) and inner and not _is_short(key, inner, marks, indent):
            own = [value.mark] if isinstance(value, Guess) and value.is_marked else []
            yield _marked(line, own)
            yield from _lines(inner, indent + 2)
        else:
            yield _marked(f"{line} {flow(inner)}", marks)


def _marked(line: str, marks: list[str]) -> str:
    text = _shown("; ".join(mark.removeprefix("? ") for mark in marks))
    return f"{line}  # ? {text}" if marks else line


def _shown(text: str) -> str:
    """A text for a comment: one line, without what YAML refuses."""
    return "".join(sign if sign.isprintable() else " " for sign in text)


def _marks(value: Any) -> list[str]:
    """The marks of a value and of all inside it."""
    own = [value.mark] if isinstance(value, Guess) and value.is_marked else []
    inner = value.value if isinstance(value, Guess) else value
    if isinstance(inner, Mapping):
        return own + [mark for held in inner.values() for mark in _marks(held)]
    return own


def _is_short(key: Any, value: Mapping[Any, Any], marks: list[str], indent: int) -> bool:
    """Whether a mapping fits on one line, with one mark at most."""
    if key in BLOCKS or "tables" in value or "columns" in value or any(isinstance(name, Comment) for name in value):
        return False
    if (key == "map" and _has_open(value)) or any(isinstance(held, Mapping) and _has_open(held) for held in value.values()):
        return False  # `plant check` names the key of the line
    return len(marks) < 2 and indent + len(f"{key}: {flow(value)}") <= LINE


def _has_open(value: Mapping[Any, Any]) -> bool:
    return any(isinstance(held, Guess) and held.is_open for held in value.values())


def flow(value: Any) -> str:
    """A value on one line.

    >>> flow({"from": "Start", "format": "%d.%m.%Y"}), flow(["a", 1, True]), flow("12"), flow("Größe")
    ('{from: Start, format: "%d.%m.%Y"}', '[a, 1, true]', '"12"', 'Größe')
    """
    value = value.value if isinstance(value, Guess) else value
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{scalar(key)}: {flow(inner)}" for key, inner in value.items() if not isinstance(key, Comment)) + "}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(map(flow, value)) + "]"
    return scalar(value)


def scalar(value: Any) -> str:
    if not isinstance(value, str):
        return json.dumps(value)
    if PLAIN.fullmatch(value) and value.casefold() not in WORDS:
        return value
    quoted = json.dumps(value, ensure_ascii=False)
    return "".join(sign if sign.isprintable() else f"\\U{ord(sign):08x}" for sign in quoted)
