"""HTTP interfaces that answer in JSON, asked by options: as ERPNext and Odoo's or a MES's own interface give their records."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("httpx", reason="extra http")

from plant_servers import Answer, Question, web_server
from pydantic import ValidationError

from connectors.contract import Place
from connectors.errors import ReadError
from connectors.kinds.files.json_live import JsonAsk
from connectors.kinds.files.json_records import CONNECTOR, JsonOptions
from connectors.windows import Asked

Server = Callable[[Question], Answer]
RECORDS = [{"name": f"JC-{n}", "qty": 1.50} for n in range(7)]


def said(body: Any) -> Answer:
    return Answer(json.dumps(body), headers={"Content-Type": "application/json"})


def frappe(question: Question) -> Answer:
    """/api/resource of ERPNext: limit_start and limit_page_length, 20 where nobody says, no link and no count."""
    start, size = int(question.params.get("limit_start", ["0"])[0]), int(question.params.get("limit_page_length", ["20"])[0])
    return said({"data": RECORDS[start : start + size]})


def asked(
    server: Server, folder: Path, ask: dict[str, Any], last: str | None = None, zone: str = "UTC", **options: Any
) -> tuple[list[Any], list[Question]]:
    """Names of the records that come, and what was asked for them."""
    with web_server(server) as web:
        at = Place(web.url, "api/resource/Job Card", JsonOptions.model_validate({"ask": ask, **options}), {}, last, zone)
        (export,) = CONNECTOR.discover(at)
        CONNECTOR.fetch(export, at, folder / "answer.json")
    frame = CONNECTOR.read(folder / "answer.json", at.options).collect()
    assert "qty" not in frame.columns or set(frame["qty"]) == {"1.5"}
    return (frame["name"].to_list() if "name" in frame.columns else []), web.asked


@pytest.mark.parametrize("page_size", [2, 6, 7, 8])
def test_pages_by_place(tmp_path: Path, page_size: int) -> None:
    ask = {"offset": "limit_start", "size": "limit_page_length", "page_size": page_size, "parameters": {"fields": '["*"]'}}
    names, questions = asked(frappe, tmp_path, ask, rows="data")
    assert names == [f"JC-{n}" for n in range(7)]
    assert {question.path for question in questions} == {"/api/resource/Job Card"}
    assert [question.params["limit_start"] for question in questions] == [[str(n)] for n in range(0, 8, page_size) if n <= 7][
        : 7 // page_size + 1
    ]


def test_pages_by_number_links_and_none_at_all(tmp_path: Path) -> None:
    def numbered(question: Question) -> Answer:
        page = int(question.params["p"][0])
        return said(RECORDS[(page - 1) * 3 : page * 3])

    def linked(question: Question) -> Answer:
        start = int(question.params.get("after", ["0"])[0])
        rest = {"next": f"/api/resource/Job%20Card?after={start + 3}"} if start + 3 < 7 else {"next": None}
        return said({"items": RECORDS[start : start + 3], "links": rest, "total": 7})

    wanted = [f"JC-{n}" for n in range(7)]
    assert asked(numbered, tmp_path, {"page": "p", "page_size": 3})[0] == wanted
    assert asked(linked, tmp_path, {"next": "links.next", "total": "total"}, rows="items")[0] == wanted
    assert asked(lambda _: said(RECORDS), tmp_path, {})[0] == wanted
    assert asked(lambda _: said({"data": []}), tmp_path, {}, rows="data", fields=["name"])[0] == []


def test_what_changed_is_asked_for_on_the_clock_of_the_source(tmp_path: Path) -> None:
    """Asked last at 06:30 UTC, less an hour of lookback: 05:30 UTC is 11:00 in Kolkata."""
    last = Asked("api/resource/Job Card", datetime(2026, 11, 21, 6, 30, tzinfo=UTC), suffix=".json").name
    since = {"filters": '[["modified", ">=", "{since}"]]'}
    _, local = asked(frappe, tmp_path, {"since": since, "since_format": "%Y-%m-%d %H:%M:%S"}, last, "Asia/Kolkata", rows="data")
    _, utc = asked(frappe, tmp_path, {"since": {"after": "{since}"}}, last, "Asia/Kolkata", rows="data")
    assert local[0].params["filters"] == ['[["modified", ">=", "2026-11-21 11:00:00"]]']
    assert utc[0].params["after"] == ["2026-11-21T05:30:00Z"]


def test_servers_that_do_not_keep_to_it(tmp_path: Path) -> None:
    def error(server: Server, ask: dict[str, Any], **options: Any) -> str:
        with pytest.raises(ReadError) as caught:
            asked(server, tmp_path, ask, **options)
        assert all(problem.fix and problem.actor == "retry" for problem in caught.value.problems)
        return str(caught.value)

    assert "gives a page again" in error(lambda _: said({"data": RECORDS}), {"offset": "start", "page_size": 7}, rows="data")
    assert "3 of 7" in error(lambda _: said({"data": RECORDS[:3], "total": 7}), {"total": "total"}, rows="data")
    assert "something else than JSON" in error(lambda _: Answer("<html>log in"), {})
    assert "holds no records" in error(lambda _: said({"exc_type": "PermissionError"}), {}, rows="data")


def test_one_way_of_paging() -> None:
    with pytest.raises(ValidationError, match="at most one of next, offset, page"):
        JsonOptions.model_validate({"ask": {"next": "a", "offset": "b"}})


def test_the_page_names_every_key_of_ask() -> None:
    page = (Path(__file__).parents[2] / "docs" / "connectors" / "json.md").read_text(encoding="utf-8")
    assert [name for name in JsonAsk.model_fields if f"`{name}`" not in page] == []
    assert [name for name, field in JsonAsk.model_fields.items() if not field.description] == []
