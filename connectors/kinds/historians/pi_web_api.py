"""Responses of PI Web API (`kind: pi_web_api`): values of streams and stream sets, saved as files or asked for.

Here: the shapes of the responses, polymorphic values, flags and states as quality, what a response says is missing. Elsewhere: JSON
text (`connectors.kinds.files.json_values`), the words of quality and PI's system states (`connectors.quality`), asking the
server (`connectors.kinds.historians.pi_live`), other responses of it, such as searches of points (`kind: json`).

A timed value may hold a number, a text, a truth value, an array, a digital state (`{Name, Value, IsSystem}`) or the text of an error;
which of them can change from one item to the next. A response of HTTP 200 may hold errors of single streams and items.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path
from typing import Annotated, Any, Literal

import polars as pl
from pydantic import BeforeValidator, Field, WithJsonSchema

from connectors import quality
from connectors.contract import Export, FileConnector, Place
from connectors.errors import Problem, ReadError, listed
from connectors.kinds.files.json_rows import shown
from connectors.kinds.files.json_values import Number, UnreadableError, as_text, documents, refuse_repeated
from connectors.kinds.files.record_frames import Row, Spool, unreadable
from connectors.kinds.historians import pi_live
from connectors.strict import Asking, Duration, StrictModel, Texts

COLUMNS = (
    "tag", "web_id", "path", "summary_type", "timestamp", "value", "value_type", "state_code", "units", "quality", "quality_code",
    "quality_text", "good", "questionable", "substituted", "annotated", "errors",
)  # fmt: skip
STREAM = {"tag": "Name", "web_id": "WebId", "path": "Path", "units": "UnitsAbbreviation"}
FLAGS = {"good": "Good", "questionable": "Questionable", "substituted": "Substituted", "annotated": "Annotated"}
ACCEPT = "options.incomplete: accept (where the rest is in files of its own)"


def _as_numbers(value: Any) -> Any:
    return (value,) if isinstance(value, int) else value


ONE_OR_SEVERAL = {"anyOf": [{"type": "integer"}, {"type": "array", "items": {"type": "integer"}}]}


class PiWebApiOptions(StrictModel):
    """What a response itself does not say."""

    tag: str | None = None
    """Name of the stream, for responses that name none (`streams/{webId}/recorded`)."""
    incomplete: Literal["refuse", "accept"] = "refuse"
    """What to do with a response that says it goes on, or was cut off at its limit."""
    max_count: Annotated[tuple[int, ...], BeforeValidator(_as_numbers), WithJsonSchema(ONE_OR_SEVERAL)] = (1000, 150_000)
    """Numbers of items at which a stream counts as cut off: what was asked for, PI's default and the server's usual limit; 0 for never."""
    encoding: str | None = None
    """Encoding of the file; default: detected."""
    member: str | None = None
    """Which file of a zip, by name or pattern, where it holds several."""

    # What a server is asked, and when.
    tags: Annotated[Texts, Asking] = ()
    """Names of points of the data server that `path` names, or whole paths of points and attributes."""
    web_ids: Annotated[Texts, Asking] = ()
    """WebIds of streams, instead of names."""
    start: Annotated[date | None, Asking] = None
    """The first day (UTC) that is asked for."""
    window: Annotated[Duration, Asking] = timedelta(days=1)
    """How much time one answer covers."""
    lookback: Annotated[Duration, Asking] = timedelta(hours=1)
    """How far before the last answer's end values are asked for again, because they come late."""
    every: Annotated[Duration, Asking] = timedelta(minutes=15)
    """Least time between two questions."""
    boundary: Annotated[Literal["Inside", "Outside", "Interpolated"], Asking] = "Inside"
    """PI's boundaryType: whether the values just outside of the window are given too."""
    page_size: Annotated[int, Field(ge=2, le=150_000), Asking] = 10_000
    """Values of a stream that are asked for at once (maxCount)."""


class PiWebApi(FileConnector):
    """Reads saved responses of PI Web API."""

    kind = "pi_web_api"
    version = "1"
    Options = PiWebApiOptions
    suffixes = (".json", ".json.gz")

    def is_system(self, place: Place) -> bool:
        """At an address of HTTP there is the server itself."""
        return place.root.startswith(("http://", "https://"))

    def discover(self, place: Place) -> Iterator[Export]:
        return pi_live.questions(place) if self.is_system(place) else super().discover(place)

    def fetch(self, export: Export, place: Place, target: Path) -> None:
        if self.is_system(place):
            pi_live.answer(export, place, target)
        else:
            super().fetch(export, place, target)

    def read(self, path: Path, options: PiWebApiOptions, records: str = "rows") -> pl.LazyFrame:
        """One row a timed value, in the order of the file; the columns are always the same. See `connectors.contract`."""
        out = Spool(path, COLUMNS)
        try:
            for response in documents(path, options.encoding, options.member):
                for row in _rows(response, {"tag": options.tag}, options):
                    out.add(row)
        except UnreadableError as error:
            raise ReadError(error.problem) from error
        return out.frame()


# --- shapes of responses ---------------------------------------------------------------------------------------------------------


def _rows(response: Any, above: Row, options: PiWebApiOptions) -> Iterator[Row]:
    """The rows of a response: items, items of several streams, one value, or a batch of all of these."""
    if isinstance(response, list):
        response = {"Items": response}
    refuse_repeated(response)
    if _is_batch(response):
        for name, part in response.items():
            yield from _part(name, part, options)
    elif "Items" in response:
        yield from _items(response, _stream(response, above), options)
    elif _is_value(response):
        yield _row(response, _stream(response, above))
    else:
        raise _no_values(response)


def _is_batch(response: dict[str, Any]) -> bool:
    return bool(response) and all(isinstance(part, dict) and {"Status", "Content"} <= part.keys() for part in response.values())


def _part(name: str, part: dict[str, Any], options: PiWebApiOptions) -> Iterator[Row]:
    """One answer of a batch; one that failed is a record that is rejected."""
    content = part["Content"]
    if str(part["Status"]).startswith("2") and isinstance(content, dict | list):
        yield from _rows(content, {"tag": name}, options)
        return
    told = _messages(content) if isinstance(content, dict) else as_text(content)
    why = f"the request '{name}' of the batch failed with status {as_text(part['Status'])}: {told}"
    yield unreadable(shown(part), why)


def _items(response: dict[str, Any], stream: Row, options: PiWebApiOptions) -> Iterator[Row]:
    items = response["Items"] if response["Items"] is not None else []
    if not isinstance(items, list):
        raise UnreadableError("'Items' is no array", found=shown(items)[:60])
    if items and not any(isinstance(item, dict) and ("Items" in item or _is_value(item) or _messages(item)) for item in items):
        raise _no_values(items[0] if isinstance(items[0], dict) else {})
    _refuse_incomplete(response, items, options)
    for item in items:
        try:
            yield from _item(item, stream, options)
        except UnreadableError as error:
            yield unreadable(shown(item), error.why)


def _item(item: Any, stream: Row, options: PiWebApiOptions) -> Iterator[Row]:
    if not isinstance(item, dict):
        raise UnreadableError("the item is no timed value")
    refuse_repeated(item)
    if "Items" in item:
        yield from _items(item, _stream(item, stream, is_one_of_several=True), options)
    elif _is_value(item):
        yield _row(item, _stream(item, stream, is_one_of_several=True))
    else:
        told = _messages(item)
        raise UnreadableError(f"PI Web API: {told}" if told else "the item has neither a Timestamp nor Items")


def _is_value(item: dict[str, Any]) -> bool:
    """Whether an object is a timed value, or holds one as summaries and stream sets of single values do."""
    return "Timestamp" in item or (isinstance(item.get("Value"), dict) and "Timestamp" in item["Value"])


def _stream(holder: dict[str, Any], above: Row, *, is_one_of_several: bool = False) -> Row:
    """What an object says of its stream; what it does not say is as above it.

    A stream of a set that has an id or a path of its own never takes the name from above: several would have the same.
    """
    own = {name: as_text(holder[key]) for name, key in STREAM.items() if isinstance(holder.get(key), str)}
    if is_one_of_several and (own.get("web_id") or own.get("path")):
        above = above | {"tag": None}
    named = above | {name: text for name, text in own.items() if text or name not in above}
    return named if named.get("tag") else named | {"tag": _tag(named)}


def _tag(stream: Row) -> str | None:
    r"""The name of a stream without Name: the end of its path (of an attribute with its element), else its WebId.

    >>> _tag({"path": "\\PI1\TI-101"}), _tag({"path": "\\AF1\Plant\Mill|Power"}), _tag({"web_id": "F1Dp"})
    ('TI-101', 'Mill|Power', 'F1Dp')
    """
    path = stream.get("path")
    return path.rpartition("\\")[2] if path else stream.get("web_id")


def _refuse_incomplete(response: dict[str, Any], items: list[Any], options: PiWebApiOptions) -> None:
    """Raises ReadError where the response says that it goes on, or holds as many items as its limit."""
    if options.incomplete == "accept" or response.get(pi_live.WHOLE) is True:
        return
    links = response.get("Links")
    link = links.get("Next") if isinstance(links, dict) else None
    if link:
        told, fix = "The response is one page of several: it has a link to the next one.", f"fetch all pages, and {ACCEPT}"
        raise ReadError(Problem(told, found=f"Links.Next: {as_text(link)}"[:200], fix=fix))
    if len(items) in options.max_count and any(isinstance(item, dict) and "Timestamp" in item for item in items):
        told = f"The stream holds {len(items)} items, as many as a response may: it was probably cut off."
        fix = f"ask again from the last stamp on, or options.max_count: <maxCount of the request>, or {ACCEPT}"
        raise ReadError(Problem(told, found=f"{len(items)} items", fix=fix))


def _no_values(response: dict[str, Any]) -> UnreadableError:
    told = _messages(response)
    if told:
        fix = "mend the request that the message names, and fetch it again"
        return UnreadableError("PI Web API answered with an error", found=told[:300], fix=fix)
    found = listed(list(response)) or "an empty object"
    return UnreadableError("this is no response with timed values", found=found, fix="kind: json with options.rows")


# --- one timed value -------------------------------------------------------------------------------------------------------------


def _row(item: dict[str, Any], stream: Row) -> Row:
    """A timed value, alone or inside a summary (`{Type, Value: {Timestamp, ...}}`). Raises UnreadableError."""
    timed = item["Value"] if "Timestamp" not in item else item
    refuse_repeated(timed)
    if "Value" not in timed:
        raise UnreadableError("the item has no Value")
    good, questionable = timed.get("Good"), timed.get("Questionable")
    errors = "; ".join(filter(None, (_messages(timed), _messages(item) if timed is not item else "")))
    row: Row = {
        **stream,
        "summary_type": as_text(item.get("Type")) if timed is not item else None,
        "timestamp": as_text(timed["Timestamp"]),
        "quality": quality.pi(good if isinstance(good, bool) else None, questionable is True),
        "quality_text": ", ".join(key for key in ("Questionable", "Substituted") if timed.get(key) is True) or None,
        **{name: as_text(timed.get(key)) for name, key in FLAGS.items()},
        "errors": errors or None,
    }
    if units := timed.get("UnitsAbbreviation"):
        row["units"] = as_text(units)
    row |= _value(timed["Value"], good)
    if errors:
        row |= {"quality": "BAD", "quality_text": row.get("quality_text") or errors}
    return row


def _value(value: Any, good: Any) -> Row:
    """`value` with its type; a state instead of a value is the quality, and no value.

    >>> _value(Number("1.50"), True), _value("Bad Input", False)
    ({'value': '1.50', 'value_type': 'number'}, {'value_type': 'system_state', 'quality_code': '255', 'quality_text': 'Bad Input'})
    """
    if isinstance(value, dict):
        return _state(value, good)
    if isinstance(value, str) and not isinstance(value, Number):
        code = quality.pi_code(value) if good is False else None
        return _system(code, value) if code is not None else {"value": value, "value_type": "text"}
    kinds: dict[type, str] = {Number: "number", bool: "boolean", list: "array", type(None): "null"}
    return {"value": as_text(value), "value_type": kinds[type(value)]}


def _state(value: dict[str, Any], good: Any) -> Row:
    """A digital state: of the tag's own set its name is the value, of the SYSTEM set it says why there is none."""
    refuse_repeated(value)
    if "Name" not in value or "Value" not in value:
        told = _messages(value)
        return (
            {"value_type": "error", "quality": "BAD", "quality_text": told} if told else {"value": as_text(value), "value_type": "object"}
        )
    name, code = as_text(value["Name"]), as_text(value["Value"])
    is_reserved = good is False and code is not None and code.isdecimal() and int(code) in quality.PI_RESERVED
    if good is not True and (value.get("IsSystem") is True or is_reserved):
        return {**_system(None, name), "quality_code": code, "quality": "BAD"}
    return {"value": name, "value_type": "state", "state_code": code}


def _system(code: int | None, name: str | None) -> Row:
    return {"value_type": "system_state", "quality_code": None if code is None else str(code), "quality_text": name}


def _messages(holder: dict[str, Any]) -> str:
    """The texts of `Errors` and `Message`, whichever of their forms they have; empty where nothing failed."""
    errors = holder.get("Errors")
    told: list[str] = []
    for error in errors if isinstance(errors, list) else [errors] if errors else []:
        said = error.get("Message") if isinstance(error, dict) else error
        lines = said if isinstance(said, list) else [said if said is not None else error]
        told += [text for line in lines if (text := as_text(line))]
    message = holder.get("Message")
    return "; ".join([*([str(as_text(message))] if message else []), *told])


CONNECTOR = PiWebApi()
