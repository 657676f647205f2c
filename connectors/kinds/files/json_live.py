"""Asking an HTTP interface that answers in JSON: parameters for what changed, pages by links, by place or by number.

Here: questions in the words of the plant file (`options.ask` of `kind: json`). Elsewhere: what is due, and following pages
(`connectors.pages`), what an answer means (`connectors.kinds.files.json_records`), being polite (`connectors.http`), systems with rules of
their own (`pi_web_api`, `sap_odata`).
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote
from zoneinfo import ZoneInfo

from pydantic import Field, model_validator

from connectors import pages
from connectors.contract import Export, Place
from connectors.errors import Problem, ReadError
from connectors.http import Http
from connectors.kinds.files.json_rows import PathTo, found_at
from connectors.kinds.files.json_values import UnreadableError, as_text, dumped
from connectors.pages import Page, Params
from connectors.strict import Duration, StrictModel

if TYPE_CHECKING:
    from connectors.kinds.files.json_records import JsonOptions


UTC_FORMAT = "%Y-%m-%dT%H:%M:%SZ"


class JsonAsk(StrictModel):
    """How an HTTP interface is asked for records."""

    parameters: dict[str, str] = {}
    """Parameters of each question."""
    since: dict[str, str] = {}
    """Parameters that ask for what changed, {since} standing for the time; without them all records are asked for each time."""
    since_format: str = UTC_FORMAT
    """How that time is written (strptime): with Z or %z in UTC, else on the source's clock."""
    start: date | None = None
    """The first day that is asked for; default: all."""
    lookback: Duration = timedelta(hours=1)
    """How far before the last question changes are asked for again."""
    every: Duration | None = None
    """Least time between two questions; default: 15min with `since`, else 1d."""
    next: PathTo = ()
    """Keys that lead to the address of the next page, such as links.next."""
    offset: str | None = None
    """Parameter with the number of records that came already, such as limit_start."""
    page: str | None = None
    """Parameter with the number of the page, from 1."""
    size: str | None = None
    """Parameter with the number of records of a page, such as limit_page_length."""
    page_size: int = Field(default=500, ge=1)
    """Records of a page; a shorter one is the last. Of `offset` and `page`."""
    total: PathTo = ()
    """Keys that lead to the number of all records: fewer are then an error."""

    @model_validator(mode="after")
    def _one_way(self) -> JsonAsk:
        if sum(map(bool, (self.next, self.offset, self.page))) > 1:
            raise ValueError("give at most one of next, offset, page")
        return self


def questions(place: Place, ask: JsonAsk) -> Iterator[Export]:
    """The question that is due."""
    return pages.questions(place, by_change=bool(ask.since), start=ask.start, lookback=ask.lookback, every=ask.every)


def answer(export: Export, place: Place, ask: JsonAsk, target: Path) -> None:
    """Writes the pages as they come, a line each; of pages that are nothing but records, a line for each of these."""
    since = pages.since_of(export)
    options: JsonOptions = place.options
    with Http(place, {"Accept": "application/json"}) as http, target.open("w", encoding="utf-8") as out:

        def one(url: str, params: Params) -> Page:
            value = pages.json_of(http, url, params, "The server", fix="mend root and path")
            records = _records(value, options)
            told = [value] if options.rows else records
            out.writelines(f"{dumped(part)}\n" for part in told or [value])
            total = _at(value, ask.total) or ""
            return Page(records, _at(value, ask.next), int(total[:18]) if total.isdecimal() else 0)

        size = ask.page_size if ask.offset or ask.page else None
        for _ in pages.followed(http, quote(place.path.lstrip("/"), safe="/%"), lambda got: _params(place, ask, since, got), size, one):
            pass


def _records(value: Any, options: JsonOptions) -> list[Any]:
    try:
        return [record for _, record in found_at(value, options.rows)]
    except UnreadableError as error:
        problem = error.problem
        found = problem.found or " ".join((as_text(value) or "").split())[:200]
        raise ReadError(Problem(f"The answer holds no records: {problem.message}", found=found, fix=problem.fix, actor="retry")) from error


def _params(place: Place, ask: JsonAsk, since: datetime | None, got: int) -> Params:
    found = dict(ask.parameters)
    if since:
        is_utc = ask.since_format.endswith("Z") or "%z" in ask.since_format
        told = since.astimezone(UTC if is_utc else ZoneInfo(place.timezone)).strftime(ask.since_format)
        found |= {name: text.replace("{since}", told) for name, text in ask.since.items()}
    if ask.size:
        found[ask.size] = str(ask.page_size)
    if ask.offset:
        found[ask.offset] = str(got)
    if ask.page:
        found[ask.page] = str(got // ask.page_size + 1)
    return list(found.items())


def _at(value: Any, keys: tuple[str, ...]) -> str | None:
    """The text at a path; None where there is none."""
    for key in keys:
        value = value.get(key) if isinstance(value, dict) else None
    return as_text(value) if keys and isinstance(value, str) else None
