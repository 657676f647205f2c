"""PI Web API that is asked itself: which windows, which streams, and every value once however few come at a time."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("httpx", reason="extra http")

from pi_server import PiServer, item
from plant_servers import PASSWORD, USER, Answer, Question, is_reader, web_server

from connectors.contract import Place
from connectors.errors import ReadError, UnreachableError
from connectors.kinds.historians.pi_web_api import CONNECTOR, PiWebApiOptions
from connectors.windows import Asked, read_name

DAY = datetime(2026, 11, 20, tzinfo=UTC)
NAME = Asked("PI1", DAY + timedelta(days=1), DAY, DAY + timedelta(days=1), ".json").name


def place(url: str, path: str = "PI1", last: str | None = None, settings: dict[str, Any] | None = None, **options: Any) -> Place:
    return Place(f"{url}/piwebapi", path, PiWebApiOptions.model_validate(options), settings or {}, last)


def values(server: Callable[[Question], Answer], folder: Path, path: str = "PI1", *columns: str, **options: Any) -> list[tuple[Any, ...]]:
    """Tag, time and value of what a server says of a day."""
    with web_server(server) as web:
        at = place(web.url, path, **options)
        (export,) = (one for one in [export_of(at)])
        CONNECTOR.fetch(export, at, folder / "answer.json")
    return CONNECTOR.read(folder / "answer.json", at.options).select(columns or ("tag", "timestamp", "value")).collect().rows()


def export_of(at: Place) -> Any:
    from connectors.contract import Export

    return Export(at.root, NAME)


def stamp(minute: int, part: int = 0) -> str:
    return f"2026-11-20T00:{minute:02}:00.{part:07}Z"


# --- what is due ---------------------------------------------------------------------------------------------------------------------


def due(last: datetime | None, asked: timedelta, **options: Any) -> list[tuple[timedelta, timedelta]]:
    """Start and end of the windows that are due, before now; the last answer ended at `last` and was asked for `asked` ago."""
    now = datetime.now(UTC)
    name = Asked("PI1", now - asked, last - timedelta(hours=1), last, ".json").name if last else None
    found = [read_name(export.name) for export in CONNECTOR.discover(place("http://127.0.0.1:1", last=name, **options))]
    assert all(one and one.of == "PI1" for one in found)
    return [(now - one.start, now - one.end) for one in found if one and one.start and one.end]


def hours(*spans: tuple[timedelta, timedelta]) -> list[tuple[float, float]]:
    return [(round(start / timedelta(hours=1), 2), round(end / timedelta(hours=1), 2)) for start, end in spans]


def test_windows_go_on_where_the_last_answer_ended() -> None:
    """It ended 30 h ago: from 31 h ago (lookback 1 h) in pieces of a day."""
    ended = datetime.now(UTC) - timedelta(hours=30)
    assert hours(*due(ended, timedelta(hours=30))) == [(31, 7), (7, 0)]
    assert hours(*due(ended, timedelta(hours=30), lookback="6h", window="2d")) == [(36, 0)]
    assert due(ended, timedelta(minutes=10)) == []
    assert hours(*due(ended, timedelta(minutes=10), every="5min")) == [(31, 7), (7, 0)]


def test_the_first_day_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    start = (datetime.now(UTC) - timedelta(days=2)).date()
    assert len(due(None, timedelta(0), start=start.isoformat())) == 3
    with pytest.raises(ReadError, match="not said from when on") as caught:
        due(None, timedelta(0))
    assert "options.start" in str(caught.value.problems[0].fix)
    with pytest.raises(ReadError, match="more than 5000 windows"):
        due(None, timedelta(0), start="1900-01-01")


# --- streams and values ----------------------------------------------------------------------------------------------------------------


def test_a_search_names_by_path_attributes_and_ids(tmp_path: Path) -> None:
    power = "\\\\AF1\\Plant\\Mill|Power"
    pi = PiServer(
        {"MILL.T1": [item(stamp(1), 20.10)], "MILL.T2": [item(stamp(2), 7)], "OVEN.T1": [item(stamp(3), 9)], power: [item(stamp(4), 5)]}
    )
    t1, t2, oven, watt = [(name, stamp(n), value) for n, (name, value) in enumerate(
        [("MILL.T1", "20.1"), ("MILL.T2", "7"), ("OVEN.T1", "9"), ("Power", "5")], 1)]  # fmt: skip
    assert values(pi, tmp_path, "PI1/MILL.*") == [t1, t2]
    assert values(pi, tmp_path, "PI1", tags=["OVEN.T1", power]) == [oven, watt]
    assert values(pi, tmp_path, "PI1", tags=["\\\\PI1\\OVEN.T1"], web_ids=["W-MILL.T1"]) == [t1, oven]
    assert values(pi, tmp_path, "PI1") == [t1, t2, oven]


@pytest.mark.parametrize("page_size", [2, 3, 4, 7, 8])
def test_every_value_comes_once_however_few_come_at_a_time(tmp_path: Path, page_size: int) -> None:
    """Seven values, of which three have one stamp; a page may end between them. The other stream never fills a page."""
    full = [item(stamp(n), n) for n in (1, 2)] + [item(stamp(3), text) for text in "abc"] + [item(stamp(n), n) for n in (4, 5)]
    pi = PiServer({"FULL": full, "THIN": [item(stamp(9), 9)]})
    found = values(pi, tmp_path, "PI1/*", "tag", "value", page_size=page_size)
    assert found == [("FULL", value) for value in ("1", "2", "a", "b", "c", "4", "5")] + [("THIN", "9")]


def test_a_server_that_gives_less_than_is_asked_for(tmp_path: Path) -> None:
    """Its own limit (1,000 by default) is below the page size: a stream of exactly that many values is asked for the rest."""
    items = [item(f"2026-11-20T{n // 3600:02}:{n // 60 % 60:02}:{n % 60:02}Z", n) for n in range(2_500)]
    found = values(PiServer({"T": items}, limit=1_000), tmp_path, "PI1/T", "value", page_size=5_000)
    assert [int(value) for (value,) in found] == list(range(2_500))


def test_more_values_at_one_stamp_than_can_be_asked_for(tmp_path: Path) -> None:
    """1,500 of them, and the server gives 1,000: an error, never 1,000 values that look like all."""
    pi = PiServer({"T": [item(stamp(1), n) for n in range(1_500)]}, limit=1_000)
    with pytest.raises(ReadError, match="have one stamp"):
        values(pi, tmp_path, "PI1/T")


def test_a_server_that_repeats_a_page(tmp_path: Path) -> None:
    pi = PiServer({"T": [item(stamp(n), n) for n in range(9)]})

    def repeats(question: Question) -> Answer:
        question.params |= {"startTime": [stamp(0)]} if "startTime" in question.params else {}
        return pi(question)

    with pytest.raises(ReadError, match="does not go on"):
        values(repeats, tmp_path, "PI1/T", page_size=4)


def test_a_stream_that_fails_is_a_record_and_the_others_are_read(tmp_path: Path) -> None:
    """A tag that is not there and one that cannot be read, under HTTP 200 and 207: each a rejected record with the server's words."""
    pi = PiServer({"A": [item(stamp(1), 1)], "B": []}, errors={"B": "Archive offline."})
    found = values(pi, tmp_path, "PI1", "tag", "value", "_unreadable", tags=["A", "B", "C"])
    assert found == [
        (None, None, "PI Web API: PI Point not found 'C'."), ("A", "1", None), (None, None, "PI Web API: Archive offline."),
    ]  # fmt: skip


def test_a_quiet_day_is_an_answer(tmp_path: Path) -> None:
    assert values(PiServer({"A": []}), tmp_path, "PI1/A") == []


def test_questions_are_short_and_few_are_in_flight(tmp_path: Path) -> None:
    """200 points with long ids: 25 or so a question, never more than two at a time, each within the letters that IIS takes."""
    pi = PiServer({f"MILL.{'X' * 40}.{n:03}": [item(stamp(1), n)] for n in range(200)})

    def slow(question: Question) -> Answer:
        answer = pi(question)
        answer.hang_s = 0.02
        return answer

    with web_server(slow) as web:
        at = place(web.url, "PI1/*", settings={"in_flight": 2})
        CONNECTOR.fetch(export_of(at), at, tmp_path / "answer.json")
        sets = [question for question in web.asked if question.path.endswith("streamsets/recorded")]
        assert web.most_in_flight == 2
    assert 4 < len(sets) < 20
    assert CONNECTOR.read(tmp_path / "answer.json", at.options).collect().height == 200


# --- servers that refuse -----------------------------------------------------------------------------------------------------------------


def test_a_data_server_and_tags_that_are_not_known(tmp_path: Path) -> None:
    pi = PiServer({"A": []})
    with pytest.raises(ReadError, match="knows no data server 'PI2'") as caught:
        values(pi, tmp_path, "PI2/A")
    assert caught.value.problems[0].closest == "PI1"
    with pytest.raises(ReadError, match="knows none of the tags"):
        values(pi, tmp_path, "PI1", tags=["X"])


def test_what_a_server_answers_instead(tmp_path: Path) -> None:
    def says(answer: Answer) -> str:
        with pytest.raises(ReadError) as caught:
            values(lambda _: answer, tmp_path, "PI1/A")
        return str(caught.value)

    assert "something else than JSON" in says(Answer("<html>login</html>"))
    assert "The archive is offline." in says(Answer('{"Errors": ["The archive is offline."]}'))
    assert "maxCount is too large" in says(Answer('{"Errors": ["maxCount is too large"]}', 400))
    assert "without items" in says(Answer('{"WebId": "DS1"}'))


def test_credentials_come_with_each_question_and_a_busy_server_is_asked_again(tmp_path: Path) -> None:
    pi, turns = PiServer({"A": [item(stamp(1), 1)]}), iter([429, 500])

    def answer(question: Question) -> Answer:
        if not is_reader(question):
            return Answer(f"no entry for {PASSWORD}", 401)
        return Answer(status=status, headers={"Retry-After": "0"}) if (status := next(turns, None)) else pi(question)

    with web_server(answer) as web:
        at = place(web.url, "PI1/A", settings={"user": USER, "password": PASSWORD})
        CONNECTOR.fetch(export_of(at), at, tmp_path / "a")
        assert CONNECTOR.read(tmp_path / "a", at.options).collect().height == 1
        at = place(web.url, "PI1/A", settings={"user": USER, "password": "wrong-secret"})
        with pytest.raises(UnreachableError, match="refuses the credentials") as caught:
            CONNECTOR.fetch(export_of(at), at, tmp_path / "a")
        assert "wrong-secret" not in str(caught.value)


def test_an_answer_that_broke_off_is_none(tmp_path: Path) -> None:
    pi = PiServer({"A": [item(stamp(n), n) for n in range(50)]})

    def torn(question: Question) -> Answer:
        answer = pi(question)
        answer.cut = 500 if "streamsets" in question.path else None
        return answer

    with pytest.raises(ReadError, match="connection broke"):
        values(torn, tmp_path, "PI1/A")
