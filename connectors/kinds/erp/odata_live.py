"""Asking an OData service: which questions are due, the metadata, the pages of an answer.

Here: questions and answers over HTTP, V2 and V4. Elsewhere: what an answer means (`connectors.kinds.erp.sap_odata`, which also reads
responses that were saved), being polite (`connectors.http`), names of answers (`connectors.windows`).

An entity has no window of its own: what is asked for is what changed since, by a column of the service, or all there is.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, time, timedelta
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote
from zoneinfo import ZoneInfo

from connectors.contract import Export, Place
from connectors.errors import Problem, ReadError, closest, listed
from connectors.http import Http
from connectors.kinds.files.json_values import UnreadableError, as_text, dumped, value_at
from connectors.windows import STAMP, Asked, in_order, read_name

if TYPE_CHECKING:
    from connectors.kinds.erp.sap_odata import SapOdataOptions

EVERY_CHANGE, EVERY_WHOLE = timedelta(minutes=15), timedelta(days=1)
SINCE = re.compile(r"since (\d{8}T\d{6}\.\d{6}Z)")
NEXT = ("__next", "@odata.nextLink", "odata.nextLink", "@nextLink")
COUNT = ("__count", "@odata.count", "odata.count", "@count")
IN_TEXT = 300
OURS = "plantlake"
"""Beside the entities of an answer: what of the metadata reading needs."""


@dataclass(frozen=True, slots=True)
class Service:
    """What the metadata says of one entity set."""

    version: int
    """2 or 4."""
    types: dict[str, str]
    """Property: type."""
    days: frozenset[str]
    """Properties that hold a day alone."""
    keys: tuple[str, ...] = field(default=())


def questions(place: Place) -> Iterator[Export]:
    """The question that is due: what changed since the last one, or all."""
    options: SapOdataOptions = place.options
    now, last = datetime.now(UTC), read_name(place.last) if place.last else None
    every = options.every if options.every is not None else EVERY_CHANGE if options.change else EVERY_WHOLE
    if last and now - last.asked < every:
        return
    since = ""
    if options.change and last:
        since = f"since {(last.asked - options.lookback).strftime(STAMP)}"
    elif options.change and options.start:
        since = f"since {datetime.combine(options.start, time(), UTC).strftime(STAMP)}"
    for question in in_order([Asked(place.path.strip("/"), now, suffix=".json", cursor=since)]):
        yield Export(f"{place.root.rstrip('/')}/{place.path}", question.name)


def answer(export: Export, place: Place, target: Path) -> None:
    """Writes all entities of all pages as one response."""
    question = read_name(export.name)
    if question is None:
        raise ReadError(Problem("The name tells of no question.", found=export.name, actor="us"))
    with Http(place, {"Accept": "application/json"}) as http, target.open("w", encoding="utf-8") as out:
        service = _service(http, place)
        names = [
            name
            for name, of in service.types.items()
            if of.startswith("Edm.") and (not place.options.select or name in place.options.select)
        ]
        head, tail = ('"d":{"results":[', "]}}") if service.version == 2 else ('"value":[', "]}")
        out.write(f"{{{dumped(OURS)}:{dumped({'properties': names})},")
        out.write(head)
        for number, entity in enumerate(_Pages(http, place, service).entities(question)):
            out.write(f"{',' if number else ''}\n{dumped(entity)}")
        out.write(tail)


def properties(response: Any) -> list[str]:
    """The columns of an answer, which may hold no entity: nothing changed. None of a response that was saved."""
    ours = response.get(OURS) if isinstance(response, dict) else None
    return list(ours["properties"]) if isinstance(ours, dict) and isinstance(ours.get("properties"), list) else []


class _Pages:
    """The pages of one question."""

    def __init__(self, http: Http, place: Place, service: Service):
        self.http, self.options, self.service = http, place.options, service
        self.place, self.path = place, quote(place.path.strip("/"))

    def entities(self, question: Asked) -> Iterator[Any]:
        """All entities. Raises ReadError where a page comes twice, or fewer come than the service counts."""
        url, params = self.path, self._params(question)
        seen: set[str] = set()
        before: list[Any] = []
        got, of_question, counted = 0, 0, 0
        for page in count(1):
            given, link, stated = self._page(url, params)
            if given and given == before:
                raise self._repeated(page, got)
            yield from given
            before, got, of_question, counted = given, got + len(given), of_question + len(given), max(counted, stated)
            if link:
                url, params = self.http.at(link), []
                if url in seen:
                    raise self._repeated(page, got)
                seen.add(url)
            elif self.options.page_size and of_question >= self.options.page_size:
                url, params, of_question = self.path, self._params(question, got), 0
            else:
                break
        if got < counted:
            told, fix = "The service counts more entities than it gives.", "options.page_size: 1000, if it gives no links to further pages"
            raise ReadError(Problem(told, found=f"{got} of {counted}", fix=fix, actor="retry"))

    def _page(self, url: str, params: list[tuple[str, str]]) -> tuple[list[Any], str | None, int]:
        """Entities, link to the next page, and how many there are of all."""
        holder = _json(self.http, url, params)
        holder = holder["d"] if isinstance(holder.get("d"), dict | list) else holder
        if isinstance(holder, list):
            return holder, None, 0
        given = holder.get("results", holder.get("value"))
        if not isinstance(given, list):
            found, fix = listed(list(holder)), "path: <an entity set>"
            raise ReadError(Problem("The service answered without a list of entities.", found=found, fix=fix, actor="retry"))
        link = next((as_text(holder[key]) for key in NEXT if holder.get(key)), None)
        stated = next((text for key in COUNT if (text := as_text(holder.get(key)))), "")
        return given, link, int(stated[:18]) if stated.isdecimal() else 0

    def _params(self, question: Asked, skip: int = 0) -> list[tuple[str, str]]:
        own, is_v2 = self.options, self.service.version == 2
        since = SINCE.fullmatch(question.cursor)
        conditions = [f"({own.filter})"] if own.filter else []
        conditions += [self._since(datetime.strptime(since[1], STAMP).replace(tzinfo=UTC))] if since and own.change else []
        found = {
            "$filter": " and ".join(conditions), "$select": ",".join(own.select), "$expand": ",".join(own.expand),
            "$top": str(own.page_size or ""), "$skip": str(skip or ""),
            "$orderby": ",".join(self.service.keys) if own.page_size else "",
            ("$inlinecount" if is_v2 else "$count"): ("allpages" if is_v2 else "true"), **own.parameters,
        }  # fmt: skip
        return [(key, value) for key, value in found.items() if value]

    def _since(self, moment: datetime) -> str:
        """The condition on the column of changes, in the words of its type; a day is asked for from its midnight on."""
        column, kind = str(self.options.change), self.service.types[str(self.options.change)]
        zone = ZoneInfo(self.place.timezone)
        local = moment.astimezone(zone).replace(tzinfo=None)
        if column in self.service.days:
            local = datetime.combine(local.date(), time())
        if kind == "Edm.Date":
            return f"{column} ge {local:%Y-%m-%d}"
        if kind == "Edm.DateTime":
            return f"{column} ge datetime'{local:%Y-%m-%dT%H:%M:%S}'"
        utc = moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        return f"{column} ge datetimeoffset'{utc}'" if self.service.version == 2 else f"{column} ge {utc}"

    def _repeated(self, page: int, got: int) -> ReadError:
        told = "The service gives a page again that it gave before."
        fix = "options.page_size: 1000, so that pages are asked for by their place"
        return ReadError(Problem(told, found=f"page {page}, after {got} entities", fix=fix, actor="retry"))


# --- metadata ---------------------------------------------------------------------------------------------------------------------


def _service(http: Http, place: Place) -> Service:
    """The version of the service and the entity set's properties. Raises ReadError naming the closest set, or column."""
    from lxml import etree

    options: SapOdataOptions = place.options
    client = [(key, value) for key, value in options.parameters.items() if not key.startswith("$")]
    body = http.get("$metadata", client)
    try:
        root = etree.fromstring(body, etree.XMLParser(resolve_entities=False, no_network=True, huge_tree=False))
    except etree.XMLSyntaxError as error:
        fix = "root: <address of the service, above its entity sets>"
        found = " ".join(body[:IN_TEXT].decode("utf-8", "replace").split())[:200] or str(error)
        raise ReadError(Problem("The service gives no metadata.", found=found, fix=fix, actor="retry")) from error
    sets = {str(node.get("Name")): str(node.get("EntityType")).rpartition(".")[2] for node in root.iter("{*}EntitySet")}
    name = place.path.strip("/")
    if name not in sets:
        told = f"The service has no entity set '{name}'."
        raise ReadError(Problem(told, found=listed(sorted(sets)), closest=closest(name, sets), fix="path: <an entity set>", actor="retry"))
    kind = next((node for node in root.iter("{*}EntityType") if node.get("Name") == sets[name]), None)
    properties = [] if kind is None else list(kind.iter("{*}Property"))
    types = {str(node.get("Name")): str(node.get("Type")) for node in properties}
    if options.change and options.change not in types:
        told, fix = f"'{name}' has no property '{options.change}'.", "options.change"
        times = [column for column, of in types.items() if of.startswith("Edm.Date")]
        raise ReadError(Problem(told, found=listed(times), closest=closest(options.change, times), fix=fix, actor="retry"))
    days = {str(node.get("Name")) for node in properties if node.get("Type") == "Edm.Date" or "Date" in _formats(node)}
    keys = () if kind is None else tuple(str(node.get("Name")) for node in kind.iter("{*}PropertyRef"))
    return Service(4 if str(root.get("Version")).startswith("4") else 2, types, frozenset(days), keys)


def _formats(node: Any) -> set[str]:
    return {value for key, value in node.attrib.items() if key.endswith("display-format")}


def _json(http: Http, url: str, params: list[tuple[str, str]]) -> dict[str, Any]:
    body = http.get(url, params or None).decode("utf-8-sig", "replace")
    try:
        value, _ = value_at(body.strip())
    except UnreadableError as error:
        told, found = "The service answered with something else than JSON.", " ".join(body.split())[:200]
        raise ReadError(Problem(told, found=found, fix="root: <address of the service>", actor="retry")) from error
    said = value.get("error") if isinstance(value, dict) else as_text(value)
    if said or not isinstance(value, dict):
        found = str(as_text(said))[:IN_TEXT]
        raise ReadError(Problem("The service answered with an error.", found=found, fix="mend path and options", actor="retry"))
    return value
