"""An OData service that is asked itself: what changed since, every entity once, and what is said when a service does not keep to it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("httpx", reason="extra http")

from odata_server import ODataServer, said
from plant_servers import Answer, Question, web_server

from connectors.contract import Place
from connectors.errors import ReadError
from connectors.kinds.erp.sap_odata import CONNECTOR, SapOdataOptions
from connectors.windows import Asked, read_name

NOW = datetime.now(UTC)


def confs(number: int) -> list[tuple[str, dict[str, Any]]]:
    """Confirmations, one changed each hour of 2026-11-20 and the days after it."""
    first = datetime(2026, 11, 20, tzinfo=UTC)
    return [((first + timedelta(hours=n)).strftime("%Y-%m-%dT%H:%M:%SZ"), {"Conf": f"{n:04}", "Yield": "1.50"}) for n in range(number)]


def place(url: str, last: str | None = None, path: str = "Confs", zone: str = "UTC", **options: Any) -> Place:
    return Place(f"{url}/svc", path, SapOdataOptions.model_validate(options), {}, last, zone)


def asked(server: Callable[[Question], Answer], folder: Path, **about: Any) -> list[str]:
    """The confirmations that a service gives to the question that is due."""
    with web_server(server) as web:
        at = place(web.url, **about)
        (export,) = CONNECTOR.discover(at)
        CONNECTOR.fetch(export, at, folder / "answer.json")
    frame = CONNECTOR.read(folder / "answer.json", at.options).collect()
    return frame["Conf"].to_list() if "Conf" in frame.columns else []


@pytest.mark.parametrize("version", [2, 4])
@pytest.mark.parametrize(("page", "options"), [(1, {}), (3, {}), (7, {}), (8, {}), (3, {"page_size": 3}), (8, {"page_size": 3})])
def test_every_entity_comes_once(tmp_path: Path, version: int, page: int, options: dict[str, Any]) -> None:
    """By links, and by place; the service gives at most `page` at once."""
    assert asked(ODataServer(confs(7), version, page), tmp_path, **options) == [f"{n:04}" for n in range(7)]


def test_numbers_keep_their_digits_and_metadata_is_left_out(tmp_path: Path) -> None:
    asked(lambda question: Answer('{"value": [{"Conf": "1", "Yield": 1.50, "Big": 123456789012345678.90}]}') if "Confs" in question.path
          else ODataServer([], 4)(question), tmp_path)  # fmt: skip
    (row,) = CONNECTOR.read(tmp_path / "answer.json", SapOdataOptions()).collect().to_dicts()
    assert (row["Yield"], row["Big"]) == ("1.50", "123456789012345678.90")


# --- what changed ----------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("version", "change", "zone", "condition"),
    [
        # asked for last on 2026-11-21 06:30 UTC, an hour of lookback: 05:30 UTC
        (2, "ChangedAt", "UTC", "ChangedAt ge datetimeoffset'2026-11-21T05:30:00Z'"),
        (4, "ChangedAt", "Asia/Tokyo", "ChangedAt ge 2026-11-21T05:30:00Z"),
        # a day has no time: from the midnight of the plant on, where it is 00:30 of the 21st in Chicago (UTC-6) and 14:30 in Tokyo
        (2, "ChangedOn", "America/Chicago", "ChangedOn ge datetime'2026-11-20T00:00:00'"),
        (4, "ChangedOn", "Asia/Tokyo", "ChangedOn ge 2026-11-21"),
    ],
)
def test_what_changed_is_asked_for_in_the_words_of_the_column(tmp_path: Path, version: int, change: str, zone: str, condition: str) -> None:
    server = ODataServer(confs(48), version)
    last = Asked("Confs", datetime(2026, 11, 21, 6, 30, tzinfo=UTC), suffix=".json").name
    asked(server, tmp_path, last=last, change=change, zone=zone, filter="Plant eq '1010'")
    assert server.filters == [f"(Plant eq '1010') and {condition}"]


def test_the_first_question_is_for_all_or_from_a_day_on_and_the_next_is_due_later(tmp_path: Path) -> None:
    server = ODataServer(confs(48))
    assert len(asked(server, tmp_path, change="ChangedAt")) == 48
    assert len(asked(server, tmp_path, change="ChangedAt", start="2026-11-21")) == 24
    ago = {
        name: Asked("Confs", NOW - timedelta(minutes=minutes), suffix=".json").name
        for name, minutes in (("10", 10), ("20", 20), ("1500", 1500))
    }

    def due(last: str, **options: Any) -> int:
        return len(list(CONNECTOR.discover(place("http://127.0.0.1:1", ago[last], **options))))

    assert [due("10", change="ChangedAt"), due("20", change="ChangedAt"), due("20"), due("1500")] == [0, 1, 0, 1]


def test_a_question_by_change_is_no_window_of_what_happened(tmp_path: Path) -> None:
    """Its name must not say that all events of a window are in it: mode window would delete the others."""
    (export,) = CONNECTOR.discover(place("http://127.0.0.1:1", change="ChangedAt", start="2026-11-21"))
    question = read_name(export.name)
    assert question is not None
    assert (question.start, question.end, question.cursor) == (None, None, "since 20261121T000000.000000Z")


# --- services that do not keep to it -----------------------------------------------------------------------------------------------------


def error(server: Callable[[Question], Answer], folder: Path, **about: Any) -> str:
    with pytest.raises(ReadError) as caught:
        asked(server, folder, **about)
    assert all(problem.actor == "retry" and problem.fix for problem in caught.value.problems)
    return str(caught.value)


def test_a_service_that_repeats_a_page(tmp_path: Path) -> None:
    whole = ODataServer(confs(9), page=3)

    def repeats(question: Question) -> Answer:
        question.params = {"$skiptoken": ["3"]} if "$skiptoken" in question.params else question.params
        return whole(question)

    assert "gives a page again" in error(repeats, tmp_path)

    def ignores_skip(question: Question) -> Answer:
        question.params.pop("$skip", None)
        return whole(question)

    assert "gives a page again" in error(ignores_skip, tmp_path, page_size=3)


def test_a_service_that_counts_more_than_it_gives(tmp_path: Path) -> None:
    told = error(ODataServer(confs(9), page=4, links=False), tmp_path)
    assert "4 of 9" in told
    assert "page_size: 1000" in told
    assert len(asked(ODataServer(confs(9), page=4, links=False), tmp_path, page_size=4)) == 9


def test_a_link_to_another_server_is_not_followed(tmp_path: Path) -> None:
    service = ODataServer([])
    away = said({"d": {"results": [{"Conf": "1"}], "__next": "http://127.0.0.2:9/svc/Confs?$skiptoken=2"}})
    assert "to another server" in error(lambda question: away if "Confs" in question.path else service(question), tmp_path)


def test_sets_and_columns_that_are_not_there(tmp_path: Path) -> None:
    assert "Closest: Confs" in error(ODataServer(confs(1)), tmp_path, path="Conf")
    assert "Closest: ChangedAt" in error(ODataServer(confs(1)), tmp_path, change="ChangeAt")
    assert "gives no metadata" in error(lambda _: Answer("<html>log in", 200), tmp_path)
    service = ODataServer(confs(1))
    refused = said({"error": {"code": "X/1", "message": {"value": "Property Plant not found"}}}, 400)
    assert "Property Plant not found" in error(lambda question: refused if "Confs" in question.path else service(question), tmp_path)


def test_a_busy_service_is_asked_again_and_a_torn_page_is_no_answer(tmp_path: Path) -> None:
    service, turns = ODataServer(confs(9), page=3), iter([429, None, 503, None, 500])

    def busy(question: Question) -> Answer:
        return Answer(status=status, headers={"Retry-After": "0"}) if (status := next(turns, None)) else service(question)

    assert len(asked(busy, tmp_path)) == 9

    def torn(question: Question) -> Answer:
        answer = service(question)
        answer.cut = 20 if "$skiptoken" in question.params else None
        return answer

    assert "connection broke" in error(torn, tmp_path)
