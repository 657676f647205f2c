"""MTConnectStreams in JSON: the layouts of agents, to the same observations as XML.

Here: v2 of cppagent (`Samples: {Position: [..]}`), its v1 (`Samples: [{Position: ..}]`), and that of MTConnect.NET, whose names begin
with small letters (`samples: [{type, result, ..}]`). Elsewhere: XML, and records (`connectors.kinds.machines.mtconnect`).
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NoReturn

from connectors.errors import Problem, ReadError
from connectors.kinds.files.text import AGAIN
from connectors.kinds.machines.mtconnect_parts import CATEGORIES, Entry, Observation, refuse_error, refuse_other

VALUES = ("value", "result", "samples", "entries")
"""Where an observation holds what was observed; everything else are its attributes."""
LONE_SURROGATE = "\\ud"
"""Begins a character of JSON that may be half of a pair: text that no file can hold."""


def observations(path: Path) -> Iterator[Observation]:
    """Observations of a UTF-8 file of JSON in its order. Raises ReadError when it is no such document, or an agent's error."""
    try:
        yield from _observations(_parsed(path))
    except RecursionError as error:
        raise ReadError(Problem("The document is nested too deep for JSON of an agent.", fix=AGAIN)) from error


def _observations(document: dict[str, Any]) -> Iterator[Observation]:
    root = next((name for name in document if name.startswith("MTConnect")), None)
    if root:
        refuse_other(root)
    inner = document[root] if root else document
    inner = inner if isinstance(inner, dict) else {}
    errors = _either(inner, "Errors")
    if root == "MTConnectError" or errors is not None:
        _refuse_error(errors)
    streams = _either(inner, "Streams")
    if streams is None and _either(inner, "Header") is None:
        _refuse(document)
    instance = _text(_either(_dict(_either(inner, "Header")), "InstanceId"))
    for device in _wrapped(streams, "DeviceStream"):
        for component in _wrapped(_either(device, "ComponentStream", "ComponentStreams"), "ComponentStream"):
            for key, held in component.items():
                for name, found in _named(held) if key.lower() in CATEGORIES else ():
                    yield _observation(name, found, CATEGORIES[key.lower()], _texts(device), _texts(component), instance)


def _parsed(path: Path) -> dict[str, Any]:
    """The document, its numbers as they are written."""
    written = path.read_text(encoding="utf-8-sig")
    try:
        found = _loaded(written)
        if LONE_SURROGATE in written.lower():
            found = _loaded(json.dumps(found, ensure_ascii=False).encode("utf-8", "replace").decode("utf-8"))
    except json.JSONDecodeError as error:
        is_cut = error.pos >= len(error.doc.rstrip()) - 1 or error.msg.startswith("Unterminated string")
        told = "The document is truncated" if is_cut else "The document is not well-formed JSON"
        raise ReadError(Problem(f"{told} in line {error.lineno}.", found=error.msg, fix=AGAIN)) from error
    if not isinstance(found, dict):
        _refuse(found)
    return found


def _loaded(written: str) -> Any:
    return json.loads(written, parse_int=str, parse_float=str, parse_constant=str)


def _refuse(found: Any) -> NoReturn:
    shown = ", ".join(list(found)[:6]) if isinstance(found, dict) else f"a {type(found).__name__}"
    raise ReadError(Problem("The document is no MTConnectStreams document.", found=shown, fix="kind: <the kind for this format>"))


def _refuse_error(errors: Any) -> NoReturn:
    """The first error: in a list, or (from 2.6 on) below a name of its own."""
    first = next(iter(_wrapped(errors, "Error")), {})
    if "errorCode" not in first:
        first = next((one for held in first.values() for one in _wrapped(held, "Error")), first)
    refuse_error(_text(first.get("errorCode")), _text(first.get("value") or first.get("ErrorMessage")))


def _either(held: Mapping[str, Any], *names: str) -> Any:
    """What stands under one of the names; small letters first, as MTConnect.NET writes them, are the same name."""
    for name in names:
        for spelled in (name, name[0].lower() + name[1:]):
            if spelled in held:
                return held[spelled]
    return None


def _dict(held: Any) -> Mapping[str, Any]:
    return held if isinstance(held, dict) else {}


def _wrapped(held: Any, name: str) -> Iterator[Mapping[str, Any]]:
    """The objects of a list, of an object that holds the list under `name`, or of a list of such objects."""
    if isinstance(held, list):
        for one in held:
            yield from _wrapped(one, name)
    elif isinstance(held, dict) and _either(held, name) is not None:
        yield from _wrapped(_either(held, name), name)
    elif isinstance(held, dict) and held:
        yield held


def _named(held: Any) -> Iterator[tuple[str | None, Mapping[str, Any]]]:
    """Observations with the name of their element, which MTConnect.NET does not write."""
    for one in map(_dict, held if isinstance(held, list) else [held]):
        if "dataItemId" in one or (one and not any(isinstance(inner, dict | list) for inner in one.values())):
            yield None, one
            continue
        for name, found in one.items():
            for inner in found if isinstance(found, list) else [found]:
                if isinstance(inner, dict):
                    yield name, inner


def _observation(
    name: str | None, found: Mapping[str, Any], category: str, device: Mapping[str, str], component: Mapping[str, str], instance: str | None
) -> Observation:
    about = {key: text for key, value in found.items() if key not in VALUES and (text := _text(value)) is not None}
    level = about.pop("level", None) if category == "CONDITION" else None
    held = next((found[key] for key in VALUES if found.get(key) is not None), None)
    entries = tuple(_entries(held))
    value = None if entries else _text(held)
    return Observation(category, name or level or about.get("type") or "", about, value, entries, device, component, instance)


def _entries(held: Any) -> Iterator[Entry]:
    """Entries of a data set or table: an object by key, or a list of objects with key and value or cells."""
    if isinstance(held, dict):
        for key, value in held.items():
            if isinstance(value, dict) and "removed" in value:
                yield Entry(_text(value.get("value")), key, None, _text(value["removed"]))
            elif isinstance(value, dict):
                yield from (Entry(_text(cell), key, name) for name, cell in value.items())
            else:
                yield Entry(_text(value), key)
    elif isinstance(held, list) and held and all(isinstance(one, dict) for one in held):
        for one in held:
            key, removed = _text(one.get("key")), _text(one.get("removed"))
            cells = one.get("cells")
            if isinstance(cells, list):
                yield from (Entry(_text(cell.get("value")), key, _text(cell.get("key")), removed) for cell in map(_dict, cells))
            else:
                yield Entry(_text(one.get("value")), key, None, removed)


def _texts(held: Mapping[str, Any]) -> dict[str, str]:
    return {key: value for key, value in held.items() if isinstance(value, str)}


def _text(value: Any) -> str | None:
    """Text as written; a list of numbers (a time series, a position in space) with blanks between, as XML has it."""
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, list) and not any(isinstance(one, dict | list) for one in value):
        return " ".join(_text(one) or "" for one in value)
    return json.dumps(value, ensure_ascii=False)
