"""Asking an OData service: its metadata, its conditions, its pages.

Here: questions and answers of V2 and V4. Elsewhere: what is due, and following pages (`connectors.pages`), what an answer means
(`connectors.kinds.erp.sap_odata`, which also reads responses that were saved), being polite (`connectors.http`).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, time
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote
from zoneinfo import ZoneInfo

from connectors import pages
from connectors.contract import Export, Place
from connectors.errors import Problem, ReadError, closest, listed
from connectors.http import Http
from connectors.kinds.files.json_values import as_text, dumped
from connectors.pages import Page, Params

if TYPE_CHECKING:
    from connectors.kinds.erp.sap_odata import SapOdataOptions

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
    own: SapOdataOptions = place.options
    return pages.questions(place, by_change=own.change is not None, start=own.start, lookback=own.lookback, every=own.every)


def answer(export: Export, place: Place, target: Path) -> None:
    """Writes all entities of all pages as one response."""
    since = pages.since_of(export)
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
        asked = _Question(http, place, service, since)
        found = pages.followed(http, asked.path, asked.params, place.options.page_size, asked.page)
        for number, entity in enumerate(entity for page in found for entity in page.records):
            out.write(f"{',' if number else ''}\n{dumped(entity)}")
        out.write(tail)


def properties(response: Any) -> list[str]:
    """The columns of an answer, which may hold no entity: nothing changed. None of a response that was saved."""
    ours = response.get(OURS) if isinstance(response, dict) else None
    return list(ours["properties"]) if isinstance(ours, dict) and isinstance(ours.get("properties"), list) else []


class _Question:
    """One question to one entity set."""

    def __init__(self, http: Http, place: Place, service: Service, since: datetime | None):
        self.http, self.options, self.service, self.since = http, place.options, service, since
        self.place, self.path = place, quote(place.path.strip("/"))

    def page(self, url: str, params: Params) -> Page:
        holder = _json(self.http, url, params)
        holder = holder["d"] if isinstance(holder.get("d"), dict | list) else holder
        if isinstance(holder, list):
            return Page(holder)
        given = holder.get("results", holder.get("value"))
        if not isinstance(given, list):
            found, fix = listed(list(holder)), "path: <an entity set>"
            raise ReadError(Problem("The service answered without a list of entities.", found=found, fix=fix, actor="retry"))
        link = next((as_text(holder[key]) for key in NEXT if holder.get(key)), None)
        stated = next((text for key in COUNT if (text := as_text(holder.get(key)))), "")
        return Page(given, link, int(stated[:18]) if stated.isdecimal() else 0)

    def params(self, skip: int) -> Params:
        own, is_v2 = self.options, self.service.version == 2
        conditions = [f"({own.filter})"] if own.filter else []
        conditions += [self._since(self.since)] if self.since and own.change else []
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


def _json(http: Http, url: str, params: Params) -> dict[str, Any]:
    value = pages.json_of(http, url, params, "The service", fix="root: <address of the service>")
    said = value.get("error") if isinstance(value, dict) else as_text(value)
    if said or not isinstance(value, dict):
        found = str(as_text(said))[:IN_TEXT]
        raise ReadError(Problem("The service answered with an error.", found=found, fix="mend path and options", actor="retry"))
    return value
