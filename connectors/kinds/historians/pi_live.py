"""Asking PI Web API: which windows are due, which streams there are, and their recorded values.

Here: questions and answers over HTTP. Elsewhere: what an answer means (`connectors.kinds.historians.pi_web_api`, which also reads
responses that were saved), being polite (`connectors.http`), names of answers (`connectors.windows`).

PI gives at most so many values a question and no token for the rest. A stream that came full is asked again from its last stamp on,
and what it gave at that stamp is thrown away: of several values at one stamp some may have been cut off.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from connectors.contract import Export, Place
from connectors.errors import Problem, ReadError, closest, listed
from connectors.http import Http
from connectors.kinds.files.json_values import as_text, dumped
from connectors.pages import json_of
from connectors.windows import due_questions, window_of

if TYPE_CHECKING:
    from connectors.kinds.historians.pi_web_api import PiWebApiOptions

LONGEST_QUESTION = 1_900
"""Letters of a query: IIS refuses more than 2,048 as it comes."""
FOUND_AT_ONCE = 1_000
"""Points of one page of a search."""
SAME_STAMP = 16
"""How many times the usual number of values is asked for where one stamp alone filled a page."""
NAMED = ("WebId", "Name", "Path")
WHOLE = "IsComplete"
"""Marks a stream of an answer: all of its values are there, however many they are."""


@dataclass(frozen=True, slots=True)
class Stream:
    """A point or an attribute as the server knows it."""

    web_id: str
    name: str
    path: str | None = None


def questions(place: Place) -> Iterator[Export]:
    """The windows that are due, each an answer of its own."""
    own: PiWebApiOptions = place.options
    of = place.path.strip("/") or "tags"
    found = due_questions(
        of, place.last, start=own.start, window=own.window, lookback=own.lookback, every=own.every, suffix=".json"
    )  # fmt: skip
    for question in found:
        yield Export(f"{place.root.rstrip('/')}/{place.path}", question.name)


def answer(export: Export, place: Place, target: Path) -> None:
    """Writes what the server recorded in a window: a line for each stream."""
    start, end = window_of(export.name)
    window = {"startTime": _text(start), "endTime": _text(end), "boundaryType": place.options.boundary}
    with Http(place, {"Accept": "application/json"}) as http, target.open("w", encoding="utf-8") as out:
        pi = _Pi(http, place.options)
        streams, lost = pi.streams(place.path)
        for records in chain([lost], http.each(_parts(streams), lambda part: pi.recorded(part, window))):
            out.writelines(f"{dumped({'Items': [record]})}\n" for record in records)


class _Pi:
    """One server, asked for one answer."""

    def __init__(self, http: Http, options: PiWebApiOptions):
        self.http, self.options = http, options

    # --- streams ------------------------------------------------------------------------------------------------------------------

    def streams(self, path: str) -> tuple[list[Stream], list[dict[str, Any]]]:
        """The streams that are wanted, and a record with the server's words for each that is not there. Raises ReadError for none."""
        server, _, pattern = path.replace("\\", "/").strip("/").partition("/")
        found, lost = [Stream(web_id, web_id) for web_id in self.options.web_ids], list[dict[str, Any]]()
        for name, paths in (("points", self._points(server)), ("attributes", [tag for tag in self.options.tags if "|" in tag])):
            for part in _parts_of_texts(paths):
                asked = [*(("path", text) for text in part), ("selectedFields", _fields("Items.Object."))]
                for item in self._items(f"{name}/multiple", asked):
                    stream = _stream(item.get("Object"))
                    found += [stream] if stream else []
                    lost += [] if stream else [{"Name": item.get("Identifier"), **(item.get("Exception") or {"Errors": ["not found"]})}]
        if pattern or not (found or lost):
            found += self._search(server, pattern or "*")
        if not found:
            told = "PI Web API knows none of the tags."
            fix = "path: <data server>/<pattern of names>, or options.tags"
            raise ReadError(Problem(told, found=listed([str(one.get("Name")) for one in lost]) or path, fix=fix, actor="retry"))
        return list({stream.web_id: stream for stream in found}.values()), lost

    def _points(self, server: str) -> list[str]:
        r"""Paths of the points: \\server\name."""
        return [tag if tag.startswith("\\\\") else f"\\\\{server}\\{tag}" for tag in self.options.tags if "|" not in tag]

    def _search(self, server: str, pattern: str) -> Iterator[Stream]:
        try:
            about = self._ask("dataservers", [("path", f"\\\\{server}"), ("selectedFields", "WebId")])
        except FileNotFoundError:
            about = {}
        if not isinstance(about.get("WebId"), str):
            names = [str(item.get("Name")) for item in self._items("dataservers", [("selectedFields", "Items.Name")])]
            told, fix = f"PI Web API knows no data server '{server}'.", "path: <data server>/<pattern>"
            raise ReadError(Problem(told, found=listed(names), closest=closest(server, names), fix=fix, actor="retry"))
        start = 0
        while True:
            asked = [("nameFilter", pattern), ("startIndex", start), ("maxCount", FOUND_AT_ONCE), ("selectedFields", _fields("Items."))]
            page = list(self._items(f"dataservers/{quote(about['WebId'])}/points", asked))
            yield from filter(None, map(_stream, page))
            start += len(page)
            if len(page) < FOUND_AT_ONCE:
                return

    # --- values -------------------------------------------------------------------------------------------------------------------

    def recorded(self, streams: Sequence[Stream], window: dict[str, str]) -> list[dict[str, Any]]:
        """The values of some streams in a window, each stream as the server gives it, with all of its values."""
        asked = [*(("webId", stream.web_id) for stream in streams), *window.items(), ("maxCount", str(self.options.page_size))]
        given = {as_text(item.get("WebId")): item for item in self._items("streamsets/recorded", asked)}
        return [self._whole(stream, given.get(stream.web_id), window) for stream in streams]

    def _whole(self, stream: Stream, given: dict[str, Any] | None, window: dict[str, str]) -> dict[str, Any]:
        if given is None:
            return {"WebId": stream.web_id, "Name": stream.name, "Errors": ["the server gave no answer for this stream"]}
        items = given.get("Items")
        if not isinstance(items, list) or not items:
            return given if given.get("Errors") else given | {WHOLE: True}
        return given | {"Items": list(self._rest(stream, items, window)), WHOLE: True}

    def _rest(self, stream: Stream, items: list[Any], window: dict[str, str]) -> Iterator[Any]:
        """The values of a page and of those after it."""
        most = self.options.page_size
        while len(items) >= most or len(items) in self.options.max_count:
            last = _stamp(items[-1])
            kept = [item for item in items if _stamp(item) != last]
            if last is None or (not kept and most > self.options.page_size):
                told = "More values have one stamp than PI Web API gives at once: the rest of the stream cannot be asked for."
                raise ReadError(Problem(told, found=f"{stream.name} {last}: {len(items)}", fix="options.page_size: more", actor="retry"))
            most = most if kept else most * SAME_STAMP
            yield from kept
            asked = [*(window | {"startTime": last, "boundaryType": "Inside"}).items(), ("maxCount", str(most))]
            items = list(self._items(f"streams/{quote(stream.web_id)}/recorded", asked))
            if not items or _stamp(items[0]) != last:
                told, found = "PI Web API does not go on where it was asked to.", f"{stream.name}: asked from {last}"
                raise ReadError(Problem(told, found=found, fix="wait: the next refresh asks again", actor="retry"))
        yield from items

    # --- questions ----------------------------------------------------------------------------------------------------------------

    def _items(self, path: str, params: Sequence[tuple[str, Any]]) -> Iterator[dict[str, Any]]:
        items = self._ask(path, params).get("Items")
        if not isinstance(items, list):
            fix = "let the plant look at PI Web API, or mend path and options"
            raise ReadError(Problem("PI Web API answered without items.", found=path, fix=fix, actor="retry"))
        yield from (item for item in items if isinstance(item, dict))

    def _ask(self, path: str, params: Sequence[tuple[str, Any]]) -> dict[str, Any]:
        value = json_of(self.http, path, list(params), "PI Web API", fix="root: https://<host>/piwebapi")
        said = value.get("Errors") or value.get("Message") if isinstance(value, dict) and "Items" not in value else None
        if said or not isinstance(value, dict):
            told, found = "PI Web API answered with an error.", str(as_text(said))[:300]
            raise ReadError(Problem(told, found=found, fix="mend path and options", actor="retry"))
        return value


def _fields(above: str) -> str:
    extra = ";Items.Identifier;Items.Exception" if above.endswith("Object.") else ""
    return ";".join(f"{above}{name}" for name in NAMED) + extra


def _stream(about: Any) -> Stream | None:
    if not isinstance(about, dict) or not isinstance(about.get("WebId"), str):
        return None
    return Stream(str(about["WebId"]), str(about.get("Name") or about["WebId"]), as_text(about.get("Path")))


def _stamp(item: Any) -> str | None:
    return as_text(item.get("Timestamp")) if isinstance(item, dict) else None


def _text(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def _parts(streams: Sequence[Stream]) -> Iterator[list[Stream]]:
    """Streams that are asked for together: as many as fit a question."""
    by_id = {stream.web_id: stream for stream in streams}
    for part in _parts_of_texts(by_id):
        yield [by_id[web_id] for web_id in part]


def _parts_of_texts(texts: Iterable[str]) -> Iterator[list[str]]:
    part: list[str] = []
    length = 300  # of the window and the rest
    for text in texts:
        own = len(quote(text, safe="")) + len("&webId=")
        if part and length + own > LONGEST_QUESTION:
            yield part
            part, length = [], 300
        part.append(text)
        length += own
    if part:
        yield part
