"""Responses of SAP's OData services (`kind: sap_odata`), saved as files or asked for: V2 (`d.results`) and V4 (`value`).

Here: the envelopes of both versions, dates and times of V2 as ISO 8601, what a response says is missing. Elsewhere: JSON text
(`connectors.kinds.files.json_values`), values to records (`connectors.kinds.files.json_rows`), which zone a time is in and what a
reversed confirmation means (the plant file).

An Edm.DateTime has no zone: SAP writes a day, or a clock time of the plant, as if it were UTC. It is given back without one.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Annotated, Any, Literal

import polars as pl
from pydantic import Field

from connectors.contract import Export, FileConnector, Place
from connectors.errors import Problem, ReadError, listed
from connectors.kinds.erp import odata_live
from connectors.kinds.erp.odata_live import COUNT, NEXT
from connectors.kinds.files.json_rows import FIX_FIELDS, PathTo, found_at, shown, spread
from connectors.kinds.files.json_values import Number, Twice, UnreadableError, as_text, documents, refuse_repeated
from connectors.kinds.files.record_frames import Row, Spool, unreadable
from connectors.strict import Asking, Duration, StrictModel, Texts

DATE = re.compile(r"/Date\((-?\d{1,16})([+-]\d{1,4})?\)/")
"""Milliseconds since 1970, and for an Edm.DateTimeOffset its offset in minutes."""
TIME = re.compile(r"PT(\d{1,2})H(\d{1,2})M(\d{1,2})(\.\d+)?S")
"""An Edm.Time as SAP Gateway writes it, always with all three parts; a duration such as PT8H is none."""
EPOCH = datetime(1970, 1, 1)  # noqa: DTZ001  (an Edm.DateTime has no zone)
ACCEPT = "options.incomplete: accept (where the rest is in files of its own)"


class SapOdataOptions(StrictModel):
    """Where in the response the records are, and what their fields become."""

    rows: PathTo = ()
    """Keys that lead to the records, where somebody wrapped the response anew: message; default: d.results, or value."""
    explode: PathTo = ()
    """An expanded navigation inside the records, such as to_ProdnOrdConfMatlDocItm: one record an element, the other fields repeated."""
    keep: Texts = ()
    """Objects that stay JSON text instead of becoming columns."""
    fields: Texts = ()
    """Fields that a file may lack altogether: their columns are there all the same, empty."""
    metadata: bool = False
    """Keep what is about records and not of them: __metadata, links to other entities, annotations of @odata."""
    incomplete: Literal["refuse", "accept"] = "refuse"
    """What to do with a response that says it goes on, or counts more records than it holds."""
    nulls: tuple[str, ...] = ()
    """Texts that mean 'empty' in every column, such as 00000000."""
    encoding: str | None = None
    """Encoding of the file; default: detected."""
    member: str | None = None
    """Which file of a zip, by name or pattern, where it holds several."""

    # What a service is asked, and when.
    change: Annotated[str | None, Asking] = None
    """Property that tells when an entity was last changed; without it all entities are asked for each time."""
    start: Annotated[date | None, Asking] = None
    """The first day of `change` that is asked for; default: the first there is."""
    lookback: Annotated[Duration, Asking] = timedelta(hours=1)
    """How far before the last question changes are asked for again: clocks differ, and bookings are committed late."""
    every: Annotated[Duration | None, Asking] = None
    """Least time between two questions; default: 15min with `change`, else 1d."""
    filter: Annotated[str | None, Asking] = None
    """A condition in OData's words that every entity meets, such as Plant eq '1010'."""
    select: Annotated[Texts, Asking] = ()
    """Properties that are asked for; default: all."""
    expand: Annotated[Texts, Asking] = ()
    """Navigation properties that come with each entity."""
    page_size: Annotated[int | None, Field(ge=1), Asking] = None
    """Entities that are asked for at once ($top and $skip, ordered by the key); default: the service makes pages as it likes."""
    parameters: Annotated[dict[str, str], Asking] = {}
    """Further parameters of each question, such as {sap-client: "100"}."""


class SapOdata(FileConnector):
    """Reads saved responses of OData services."""

    kind = "sap_odata"
    version = "1"
    Options = SapOdataOptions
    suffixes = (".json", ".json.gz")

    def is_system(self, place: Place) -> bool:
        """At an address of HTTP there is the service itself."""
        return place.root.startswith(("http://", "https://"))

    def discover(self, place: Place) -> Iterator[Export]:
        return odata_live.questions(place) if self.is_system(place) else super().discover(place)

    def fetch(self, export: Export, place: Place, target: Path) -> None:
        if self.is_system(place):
            odata_live.answer(export, place, target)
        else:
            super().fetch(export, place, target)

    def read(self, path: Path, options: SapOdataOptions, records: str = "rows") -> pl.LazyFrame:
        """Every value as text, null where it is null or absent; `_row` numbers the records. See `connectors.contract`."""
        out = Spool(path, options.fields, FIX_FIELDS)
        try:
            for response in documents(path, options.encoding, options.member):
                out.expect(odata_live.properties(response))
                for entity in _entities(response, options):
                    for row in _rows(entity, options):
                        out.add(row)
        except UnreadableError as error:
            raise ReadError(error.problem) from error
        return out.frame(options.nulls)


# --- envelopes -----------------------------------------------------------------------------------------------------------------


def _entities(response: Any, options: SapOdataOptions) -> Iterator[Any]:
    """The entities of a response of either version, collection or single. Raises ReadError for an error, and for one page of several."""
    if not isinstance(response, dict):
        yield from _at(response, options)
        return
    refuse_repeated(response)
    if "error" in response and not {"d", "value"} & response.keys():
        raise _told(response["error"])
    if options.rows:
        yield from _at(response, options)
        return
    holder = response.get("d", response)
    if not isinstance(holder, dict):
        yield from _listed(holder)
        return
    refuse_repeated(holder)
    key = "results" if "d" in response else "value"
    if key in holder and isinstance(holder[key], list):
        _refuse_incomplete(holder, len(holder[key]), options)
        yield from holder[key]
    elif "d" in response or _is_annotated(response):
        yield holder
    else:
        found = listed(list(response)) or "an empty object"
        fix = "options.rows: <path of the records>, or kind: json"
        raise ReadError(Problem("This is no response of OData: there is neither 'd' nor 'value'.", found=found, fix=fix))


def _at(response: Any, options: SapOdataOptions) -> Iterator[Any]:
    for _, entity in found_at(response, options.rows):
        yield entity


def _listed(holder: Any) -> Iterator[Any]:
    if not isinstance(holder, list):
        raise UnreadableError("'d' is neither an object nor an array", found=shown(holder)[:60])
    yield from holder


def _is_annotated(response: dict[str, Any]) -> bool:
    return any(key.startswith(("@odata.", "odata.", "@context")) for key in response)


def _told(error: Any) -> ReadError:
    """The error that a service answered with."""
    message = error.get("message") if isinstance(error, dict) else error
    text = message.get("value") if isinstance(message, dict) else message
    code = as_text(error.get("code")) if isinstance(error, dict) else None
    found = ": ".join(part for part in (code, as_text(text)) if part)[:300] or shown(error)[:300]
    return ReadError(
        Problem("The service answered with an error.", found=found, fix="mend the request that the message names, fetch it again")
    )


def _refuse_incomplete(holder: dict[str, Any], count: int, options: SapOdataOptions) -> None:
    if options.incomplete == "accept":
        return
    link = next((key for key in NEXT if holder.get(key)), None)
    if link:
        raise _paged(link, holder[link])
    stated = next((text for key in COUNT if (text := as_text(holder.get(key)))), "")
    if stated.isdecimal() and int(stated[:18]) > count:
        told = "The response counts more records than it holds."
        raise ReadError(Problem(told, found=f"{count} of {stated}", fix=f"fetch all records ($top, $skip), or {ACCEPT}"))


def _paged(key: str, link: Any) -> ReadError:
    told = "The response is one page of several: it has a link to the next one."
    return ReadError(Problem(told, found=f"{key}: {as_text(link)}"[:200], fix=f"fetch all pages, and {ACCEPT}"))


# --- entities ------------------------------------------------------------------------------------------------------------------


def _rows(entity: Any, options: SapOdataOptions) -> list[Row]:
    try:
        plain = _plain(entity, options)
        if not isinstance(plain, dict):
            raise UnreadableError("the record is no object")
        return list(spread(plain, options.explode, {}, options.keep))
    except UnreadableError as error:
        return [unreadable(shown(entity), error.why)]


def _plain(value: Any, options: SapOdataOptions) -> Any:
    """A value without what only speaks about it, dates and times as ISO 8601, and expanded collections as arrays."""
    if isinstance(value, list):
        return [_plain(part, options) for part in value]
    if isinstance(value, str):
        return value if isinstance(value, Number) else iso(value)
    if not isinstance(value, dict) or isinstance(value, Twice):
        return value
    if isinstance(value.get("results"), list) and value.keys() <= {"results", *NEXT, *COUNT}:
        _refuse_incomplete(value, len(value["results"]), options)
        return _plain(value["results"], options)
    for key in value:
        if "@" in key and key.endswith(NEXT) and value[key] and options.incomplete == "refuse":
            raise _paged(key, value[key])
    return {key: _plain(part, options) for key, part in value.items() if options.metadata or not _is_about(key, part)}


def _is_about(key: str, value: Any) -> bool:
    """Whether a field is about its record: metadata, annotations, and links to entities that were not expanded.

    >>> [_is_about(key, None) for key in ("__metadata", "@odata.etag", "Qty@odata.type", "@removed", "Qty")]
    [True, True, True, False, False]
    """
    is_link = isinstance(value, dict) and value.keys() == {"__deferred"}
    return is_link or key == "__metadata" or "@odata." in key or key.startswith("odata.")


def iso(text: str) -> str:
    """A date or time of V2 as ISO 8601, any other text as it is.

    Midnight of an Edm.DateTime is the day alone, because SAP keeps the time of a day in a field of its own; such a day and a time of day
    can be joined by a blank.

    >>> iso("/Date(1474416000000)/"), iso("/Date(1474445850500)/"), iso("/Date(1474416000000+0120)/")
    ('2016-09-21', '2016-09-21T08:17:30.500', '2016-09-21T02:00:00+02:00')
    >>> iso("PT11H16M07S"), iso("PT24H00M00S"), iso("PT8H"), iso("/Date(99999999999999999)/")
    ('11:16:07', '24:00:00', 'PT8H', '/Date(99999999999999999)/')
    """
    if found := TIME.fullmatch(text):
        hours, minutes, seconds = (part.zfill(2) for part in found.groups()[:3])
        return f"{hours}:{minutes}:{seconds}{found[4] or ''}"
    found = DATE.fullmatch(text) if text.startswith("/Date(") else None
    if not found:
        return text
    minutes = int(found[2] or 0)
    try:
        moment = EPOCH + timedelta(milliseconds=int(found[1]), minutes=minutes)
    except OverflowError:
        return text
    if found[2]:
        sign = "-" if minutes < 0 else "+"
        return f"{_stamp(moment)}{sign}{abs(minutes) // 60:02}:{abs(minutes) % 60:02}"
    return moment.date().isoformat() if moment.time() == datetime.min.time() else _stamp(moment)


def _stamp(moment: datetime) -> str:
    return moment.isoformat(timespec="milliseconds" if moment.microsecond else "seconds")


CONNECTOR = SapOdata()
