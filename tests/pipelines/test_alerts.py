"""Who is told what, when, and that nothing is lost or told twice: against servers that take, refuse, fail and hang."""

from __future__ import annotations

import json
import sqlite3
import ssl
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import polars as pl
import pytest
import trustme
import yaml
from quick_refresh import make_quick
from receiving_servers import MailServer, free_port, silent_server, web_server
from small_portfolio import DAY_1, SmallPortfolio, plant_file
from typer.testing import CliRunner

from connectors import portfolio as portfolios
from connectors.errors import ConfigError, LockedError, Problem
from connectors.models import PlantFile, PortfolioFile
from connectors.portfolio import Portfolio
from pipelines import alert_posts, alerts, cli
from pipelines.alert_store import AlertStore
from pipelines.alerts import Ran, Seen, Standing
from pipelines.lake import Lake

AT = datetime(2026, 11, 22, 6, tzinfo=UTC)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
HOSTILE = "=cmd|' /C calc'!A0 <script>@here</script>\r\nBcc: all@acme.com مصنع 工場" + "x" * 200


def portfolio_of(root: Path, *receivers: dict[str, Any], plants: tuple[str, ...] = ("a",), **more: Any) -> Portfolio:
    """A portfolio that is stated, not written."""
    file = PortfolioFile.model_validate({"name": "Small", "alerts": receivers, **more})
    return Portfolio(root, file, {plant: PlantFile.model_validate(plant_file(plant)) for plant in plants})


def to_file(name: str = "log", **more: Any) -> dict[str, Any]:
    return {"name": name, "file": {"path": f"{name}.jsonl"}, **more}


def failed(plant: str = "a", why: str = "1 export(s) could not be loaded", mark: str = "", **about: Any) -> Standing:
    of = {"plant_id": plant, "plant_name": plant.title(), "company": "acme", "owner": None, **about}
    return Standing("plant", plant, "plant_failed", AT - HOUR, why, "mend the column", of, mark)


def news(
    store: AlertStore, portfolio: Portfolio, at: datetime, *standing: Standing, judged: tuple[str, ...] = ("a",)
) -> list[tuple[str, bool]]:
    """(event, whether it reminds) of what is entered, and then taken by the file."""
    alerts.enter(store, portfolio, Seen(list(standing), {("plant", plant) for plant in judged}), at, at)
    waiting = [row for receiver in portfolio.file.alerts for row in store.waiting(receiver.name)]
    store.taken([row.number for row in waiting])
    return [(row.content["event"], row.content["is_reminder"]) for row in waiting]


@pytest.fixture
def store(tmp_path: Path) -> Iterator[AlertStore]:
    with AlertStore(tmp_path / "alerts.sqlite") as found:
        yield found


# --- what is news ---------------------------------------------------------------------------------------------------------------------


def test_what_stands_is_told_once_reminded_daily_and_its_end_is_told(store: AlertStore, tmp_path: Path) -> None:
    portfolio = portfolio_of(tmp_path, to_file())
    assert news(store, portfolio, AT, failed()) == [("plant_failed", False)]
    assert news(store, portfolio, AT + HOUR, failed(why="2 export(s) could not be loaded")) == []
    assert news(store, portfolio, AT + 23 * HOUR, failed()) == [("plant_failed", True)]  # a daily refresh does not begin to the second
    assert news(store, portfolio, AT + 24 * HOUR, failed()) == []
    assert news(store, portfolio, AT + 25 * HOUR) == [("recovered", False)]
    assert news(store, portfolio, AT + 26 * HOUR) == []
    assert news(store, portfolio, AT + 27 * HOUR, failed()) == [("plant_failed", False)]


def test_what_nobody_looked_at_has_not_ended(store: AlertStore, tmp_path: Path) -> None:
    portfolio = portfolio_of(tmp_path, to_file())
    news(store, portfolio, AT, failed())
    assert news(store, portfolio, AT + HOUR, judged=()) == []  # refresh --plant b
    assert news(store, portfolio, AT + 2 * HOUR, judged=("a",)) == [("recovered", False)]


def test_another_state_and_another_mark_are_news(store: AlertStore, tmp_path: Path) -> None:
    portfolio = portfolio_of(tmp_path, to_file(remind="never"))
    assert news(store, portfolio, AT, failed(mark="7")) == [("plant_failed", False)]
    assert news(store, portfolio, AT + 9 * DAY, failed(mark="7")) == []
    assert news(store, portfolio, AT + 9 * DAY, failed(mark="8")) == [("plant_failed", False)]
    stale = Standing("plant", "a", "plant_stale", AT, "held", "look", {"plant_id": "a"})
    assert news(store, portfolio, AT + 9 * DAY, stale) == [("plant_stale", False)]


def test_each_receiver_has_what_it_wants_and_a_memory_of_its_own(store: AlertStore, tmp_path: Path) -> None:
    receivers = [
        to_file("all"), to_file("other", plants=["b"]), to_file("company", companies="acme"), to_file("ends", events=["recovered"]),
        to_file("outlets", events=["outlet_failed"]),
    ]  # fmt: skip
    portfolio = portfolio_of(tmp_path, *receivers)
    outlet = Standing("outlet", "site", "outlet_failed", AT, "disk full", "make room")
    alerts.enter(store, portfolio, Seen([failed(), outlet]), AT, AT)
    assert {name: [row.content["event"] for row in store.waiting(name)] for name in ("all", "other", "company", "ends", "outlets")} == {
        "all": ["plant_failed", "outlet_failed"], "other": [], "company": ["plant_failed"], "ends": [], "outlets": ["outlet_failed"],
    }  # fmt: skip
    later = portfolio_of(tmp_path, to_file("all"), to_file("new"))
    assert news(store, later, AT + HOUR, failed()) == [("plant_failed", False), ("outlet_failed", False), ("plant_failed", False)]
    assert store.waiting("outlets") == []  # a receiver that is no longer stated is forgotten


def test_a_new_receiver_hears_what_stands_and_no_month_that_was_closed_before(store: AlertStore, tmp_path: Path) -> None:
    old = Standing("month", "2026-09", "month_closed", AT - 30 * DAY, "closed by ann", "nothing")
    new = Standing("month", "2026-10", "month_closed", AT, "closed by ann", "nothing")
    portfolio = portfolio_of(tmp_path, to_file())
    assert news(store, portfolio, AT, failed(), old, new) == [("plant_failed", False), ("month_closed", False)]
    assert news(store, portfolio, AT + 9 * DAY, old, new, judged=()) == []  # what is done needs no reminder


def test_what_was_not_taken_is_not_reminded_of(store: AlertStore, tmp_path: Path) -> None:
    portfolio = portfolio_of(tmp_path, to_file())
    for day in range(4):
        alerts.enter(store, portfolio, Seen([failed()]), AT + day * DAY, AT)
    assert len(store.waiting("log")) == 1


def test_mail_goes_to_the_owner_where_that_is_an_address(tmp_path: Path) -> None:
    mail = {"name": "owners", "mail": {"host": "mail.test", "sender": "plantlake@acme.com"}}
    portfolio = portfolio_of(tmp_path, mail, {**mail, "name": "desk", "mail": mail["mail"] | {"to": "desk@acme.com"}})
    owners, desk = portfolio.file.alerts
    for owner, expected in (("ann@acme.com", ["ann@acme.com"]), ("team:acme-ops", []), (None, []), ("a@b.c\nBcc: x@y.z", [])):
        event = alerts.as_event(portfolio, failed(owner=owner), AT)
        assert alerts.addresses(owners, event) == expected
        assert alerts.addresses(desk, event) == ["desk@acme.com"]


# --- what stands ----------------------------------------------------------------------------------------------------------------------


def quiet(portfolio: Portfolio, row: dict[str, Any], at: datetime = AT) -> str | None:
    found = alerts._quiet(portfolio, "a", {"plant_id": "a"}, row, {"a": (AT - 5 * DAY, {})}, at)
    return found.why if found else None


def test_a_plant_without_new_data_is_stale_after_its_own_time(tmp_path: Path) -> None:
    portfolio = portfolio_of(tmp_path)
    assert quiet(portfolio, {"data_to": AT - 4 * DAY}) is None
    assert (
        quiet(portfolio, {"data_to": AT - 4 * DAY - HOUR})
        == "no new data for longer than 4 d; the newest record is of 2026-11-18 05:00 UTC"
    )
    assert quiet(portfolio, {}) == "no new data for longer than 4 d: it has never delivered any"
    future = {"data_to": AT + 900 * DAY, "refreshed_at": AT - 5 * DAY}  # a clock that is wrong keeps nothing secret
    assert quiet(portfolio, future) is not None
    assert quiet(portfolio_of(tmp_path, stale_after="6h"), {"data_to": AT - 7 * HOUR}) is not None
    plant = PlantFile.model_validate(plant_file("a") | {"stale_after": "30d"})
    assert quiet(Portfolio(tmp_path, portfolio.file, {"a": plant}), {"data_to": AT - 20 * DAY}) is None
    sold = PlantFile.model_validate(plant_file("a") | {"divested_on": date(2026, 1, 31)})
    assert quiet(Portfolio(tmp_path, portfolio.file, {"a": sold}), {"data_to": AT - 300 * DAY}) is None


def test_the_refresh_knows_better_than_what_is_published(tmp_path: Path) -> None:
    about, row = {"plant_id": "a"}, {"stale_since": AT - DAY, "stale_reason": "1 export(s) could not be loaded", "failed_exports": 1}
    block = "a · mes\n  Found: ReasonCode\n  Fix: map ReasonCode"
    broken = Ran(["a"], failures=[("a", block)])
    found = alerts._failed("a", about, row, broken, (), AT)
    assert found is not None and (found.event, found.since, found.fix) == ("plant_failed", AT - DAY, "map ReasonCode")
    assert alerts._failed("a", about, row, Ran(["a"]), (), AT) is None  # mended; the next release says so too
    unasked = alerts._failed("a", about, row, Ran(["b"]), (), AT)
    assert unasked is not None and unasked.event == "plant_failed"
    held = alerts._failed("a", about, row | {"failed_exports": 0}, Ran(["a"]), ("a",), AT)
    assert held is not None and held.event == "plant_stale"


# --- receivers ------------------------------------------------------------------------------------------------------------------------


def sent(portfolio: Portfolio, *events: dict[str, Any]) -> dict[str, str | None]:
    """By receiver: the error with which its message ended."""
    sender = alert_posts.From("Small", portfolio.root, None)
    of = {
        receiver.name: list(
            alert_posts.messages(receiver, [(0, to, event) for event in events for to in alerts.addresses(receiver, event)])
        )
        for receiver in portfolio.file.alerts
    }
    return {answer.message.receiver.name: answer.error for answer in alert_posts.send(sender, of)}


def test_a_webhook_gets_every_field_and_errors_of_the_server_are_tried_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOOK_KEY", "hunter2")
    with web_server(500, 503) as server:
        hook = {"url": server.url, "headers": {"X-Api-Key": {"env": "HOOK_KEY"}, "X-Plain": "plain"}}
        portfolio = portfolio_of(tmp_path, {"name": "hook", "webhook": hook}, site_url="https://lake.acme.com/")
        assert sent(portfolio, alerts.as_event(portfolio, failed(), AT)) == {"hook": None}
        (event,) = server.events
        assert (server.headers[0]["X-Api-Key"], server.headers[0]["X-Plain"]) == ("hunter2", "plain")
    assert {name: event[name] for name in ("event", "where", "plant", "company", "since", "why", "fix", "link")} == {
        "event": "plant_failed", "where": "A (a)", "plant": "a", "company": "acme", "since": "2026-11-22 05:00 UTC",
        "why": "1 export(s) could not be loaded", "fix": "mend the column", "link": "https://lake.acme.com/#/trust?plant=a",
    }  # fmt: skip


def test_teams_and_slack_take_what_they_are_sent(tmp_path: Path) -> None:
    with web_server() as server:
        portfolio = portfolio_of(
            tmp_path,
            {"name": "teams", "webhook": {"url": server.url, "form": "teams"}},
            {"name": "slack", "webhook": {"url": server.url, "form": "slack"}},
        )
        events = [alerts.as_event(portfolio, failed(plant_name=HOSTILE, why=HOSTILE), AT)] * 300
        assert sent(portfolio, *events) == {"teams": None, "slack": None}
        card = next(body for body in server.taken if "attachments" in body)
        text = next(body for body in server.taken if "text" in body)["text"]
    content = card["attachments"][0]["content"]
    assert (card["type"], content["type"], content["version"]) == ("message", "AdaptiveCard", "1.4")
    assert content["body"][0]["text"] == "[Small] 300 events: 300 failed"
    assert content["body"][-1]["text"].startswith("... and 280 more")
    assert len(json.dumps(card, ensure_ascii=False).encode()) < 28_000
    assert "<" not in text and "&lt;script&gt;@here" in text and len(text) < 40_000


@pytest.mark.parametrize("status", [302, 400, 404, 410])
def test_what_a_server_will_never_take_is_not_asked_again_at_once(tmp_path: Path, status: int) -> None:
    with web_server(status, 200) as server:
        portfolio = portfolio_of(tmp_path, {"name": "hook", "webhook": {"url": server.url}})
        error = sent(portfolio, alerts.as_event(portfolio, failed(), AT))["hook"]
        assert error is not None and str(status) in error and "s3cret" not in error
        assert server.taken == []


def test_who_hangs_or_is_not_there_holds_nobody_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(alert_posts, "TIMEOUT_S", 0.3)
    with silent_server() as port:
        hangs = (
            {"webhook": {"url": f"http://127.0.0.1:{port}/"}},
            {"mail": {"host": "127.0.0.1", "port": port, "security": "none", "sender": "p@a.c", "to": "x@a.c"}},
        )
        gone = {"webhook": {"url": f"http://127.0.0.1:{free_port()}/"}}
        receivers = [{"name": f"r{n}", **about} for n, about in enumerate((*hangs, gone, to_file()), 1)]
        portfolio = portfolio_of(tmp_path, *(receiver | ({"name": "log"} if "file" in receiver else {}) for receiver in receivers))
        errors = sent(portfolio, alerts.as_event(portfolio, failed(), AT))
    assert errors["log"] is None
    assert [("imed out" in str(errors[name]), "refused" in str(errors[name])) for name in ("r1", "r2", "r3")] == [
        (True, False), (True, False), (False, True),
    ]  # fmt: skip
    assert json.loads((tmp_path / "log.jsonl").read_text())["event"] == "plant_failed"


def test_who_drips_is_left_when_its_time_is_over(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(alert_posts, "LONGEST_S", 0.3)
    with silent_server() as port:
        portfolio = portfolio_of(tmp_path, {"name": "drip", "webhook": {"url": f"http://127.0.0.1:{port}/"}}, to_file())
        errors = sent(portfolio, alerts.as_event(portfolio, failed(), AT))
    assert (errors["log"], errors["drip"]) == (None, "it did not take the message within 0 s")


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture(scope="module")
def context(authority: trustme.CA) -> ssl.SSLContext:
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(made)
    return made


def mail_to(port: int, security: str, tmp_path: Path, authority: trustme.CA, **more: Any) -> Portfolio:
    authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    mail = {"host": "127.0.0.1", "port": port, "security": security, "sender": "plantlake@acme.com", "to": ["x@acme.com", "y@acme.com"]}
    ca_file = {"ca_file": "ca.pem"} if security != "none" else {}
    return portfolio_of(tmp_path, {"name": "mail", "mail": mail | ca_file | more})


@pytest.mark.parametrize("security", ["starttls", "tls", "none"])
def test_a_mail_is_one_for_each_address_and_says_what_to_do(
    security: str, tmp_path: Path, authority: trustme.CA, context: ssl.SSLContext
) -> None:
    with MailServer(security, context) as server:
        portfolio = mail_to(server.port, security, tmp_path, authority)
        assert sent(portfolio, alerts.as_event(portfolio, failed(plant_name=HOSTILE), AT)) == {"mail": None}
    assert server.recipients == [["x@acme.com"], ["y@acme.com"]]
    mail = server.taken[0]
    assert mail["To"] == "x@acme.com" and mail["Bcc"] is None
    subject = "".join(mail["Subject"].split())  # Python's header moves a space beside what is not ASCII
    assert subject.startswith("[Small]=cmd|'/Ccalc'!A0<script>@here</script>Bcc:all@acme.comمصنع工場x")
    assert (
        "  Since: 2026-11-22 05:00 UTC\n  Why: 1 export(s) could not be loaded\n  To do: mend the column\n"
        in mail.get_content().replace("\r", "")
    )
    assert "\nBcc:" not in mail.get_content()


def test_a_login_is_by_reference_and_a_wrong_one_is_told_without_it(
    tmp_path: Path, authority: trustme.CA, context: ssl.SSLContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    with MailServer("starttls", context, password="hunter2") as server:
        portfolio = mail_to(server.port, "starttls", tmp_path, authority, user="lake", password={"env": "MAIL_PASSWORD"}, to="x@acme.com")
        event = alerts.as_event(portfolio, failed(), AT)
        missing = sent(portfolio, event)["mail"]
        monkeypatch.setenv("MAIL_PASSWORD", "wrong-one")
        wrong = sent(portfolio, event)["mail"]
        monkeypatch.setenv("MAIL_PASSWORD", "hunter2")
        assert sent(portfolio, event) == {"mail": None}
    assert missing is not None and "env: MAIL_PASSWORD" in missing
    assert wrong is not None and "535" in wrong and "wrong-one" not in wrong
    assert len(server.taken) == 1


def test_a_server_that_nobody_vouches_for_gets_no_mail(tmp_path: Path, context: ssl.SSLContext, authority: trustme.CA) -> None:
    with MailServer("tls", context) as server:
        portfolio = mail_to(server.port, "tls", tmp_path, trustme.CA(), to="x@acme.com")
        error = sent(portfolio, alerts.as_event(portfolio, failed(), AT))["mail"]
    assert error is not None and "CERTIFICATE_VERIFY_FAILED" in error
    assert server.taken == []


# --- nothing is lost ------------------------------------------------------------------------------------------------------------------


def test_a_receiver_that_was_down_is_told_later_and_only_once(tmp_path: Path) -> None:
    with web_server(400) as server:
        lake, portfolio = Lake(tmp_path / "lake").create(), portfolio_of(tmp_path, {"name": "hook", "webhook": {"url": server.url}})
        ran = Ran(["a"], [Problem("The file cannot be read.", plant="a", fix="mend it")])
        first = alerts.tell(lake, portfolio, lambda: ran)
        with AlertStore(lake.alerts) as store:
            (row,) = store.waiting("hook")
        assert (first[0].error, row.tries, row.error) == ("RuntimeError: HTTP 400 Bad Request", 1, "RuntimeError: HTTP 400 Bad Request")
        assert [answer.error for answer in alerts.tell(lake, portfolio, lambda: ran)] == [None]
        assert alerts.tell(lake, portfolio, lambda: ran) == []
        assert [event["event"] for event in server.events] == ["plant_failed"]


def test_two_refreshes_at_once_send_it_once_and_a_killed_one_keeps_nothing(store: AlertStore, tmp_path: Path) -> None:
    alerts.enter(store, portfolio_of(tmp_path, to_file()), Seen([failed()]), AT, AT)
    assert len(store.claim("log", AT)) == 1
    assert store.claim("log", AT) == []  # another process is sending it
    assert len(store.claim("log", AT + timedelta(minutes=2))) == 1  # that one was killed


def test_a_damaged_store_is_set_aside_and_what_stands_is_told_once_more(tmp_path: Path) -> None:
    lake, portfolio = Lake(tmp_path / "lake").create(), portfolio_of(tmp_path, to_file())
    ran = Ran(["a"], [Problem("The file cannot be read.", plant="a")])
    lake.alerts.write_bytes(b"no database at all" * 100)
    assert [answer.error for answer in alerts.tell(lake, portfolio, lambda: ran)] == [None]
    assert alerts.tell(lake, portfolio, lambda: ran) == []
    assert lake.alerts.with_name("alerts.sqlite.damaged").exists()


def test_a_store_that_cannot_be_written_ends_no_refresh_and_hides_no_failure(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    lake, portfolio = Lake(tmp_path / "lake").create(), portfolio_of(tmp_path, to_file())
    lake.alerts.mkdir()  # sqlite3.OperationalError, as on a full disk
    with pytest.raises(sqlite3.OperationalError):
        AlertStore(lake.alerts)
    assert alerts.tell(lake, portfolio, lambda: Ran(["a"])) == []
    alerts.tell(lake, portfolio, lambda: Ran(error=Problem("The disk is full.", fix="make room")))
    event = json.loads((tmp_path / "log.jsonl").read_text())
    assert (event["event"], event["why"], event["fix"]) == ("refresh_failed", "The disk is full.", "make room")


# --- what is stated -------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("receiver", "told"),
    [
        ({"name": "x"}, "exactly one of webhook, mail, file"),
        ({"name": "x", "webhok": {"url": "https://a.b"}}, "Closest: webhook"),
        ({"name": "x", "webhook": {"url": "ftp://hunter2"}}, "https://"),
        ({"name": "x", "mail": {"host": "h", "sender": "a@b.c", "user": "u", "password": "hunter2"}}, "by reference"),
        ({"name": "x", "mail": {"host": "h", "sender": "a@b.c", "security": "none", "user": "u", "password": {"env": "E"}}}, "in the open"),
        ({"name": "x", "file": {"path": "f"}, "events": ["plant_faild"]}, "plant_failed"),
        ({"name": "x", "file": {"path": "f"}, "remind": "tomorrow"}, "length of time"),
    ],
)
def test_a_receiver_that_cannot_be_used_is_told_with_its_line_and_without_secrets(
    receiver: dict[str, Any], told: str, tmp_path: Path
) -> None:
    (tmp_path / "plants").mkdir()
    (tmp_path / "portfolio.yaml").write_text(yaml.safe_dump({"name": "Small", "alerts": [receiver]}, sort_keys=False))
    with pytest.raises(ConfigError) as error:
        portfolios.read(tmp_path)
    text = str(error.value)
    assert told in text and "portfolio.yaml:" in text and "hunter2" not in text


def test_plants_that_there_are_not_are_told(tmp_path: Path) -> None:
    portfolio = portfolio_of(tmp_path, to_file(plants=["b"], companies=["acne"]), plants=("a", "bb"))
    assert [(problem.message, problem.closest) for problem in alerts.problems(portfolio)] == [
        ("There is no plant 'b'.", "bb"), ("There is no company 'acne'.", "acme"),
    ]  # fmt: skip


# --- the command line -----------------------------------------------------------------------------------------------------------------


@pytest.fixture
def lines(good: SmallPortfolio, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[SmallPortfolio, Any]]:
    """Plant a after its first refresh, told to a file; a function that runs a verb and gives its exit code and the events it told."""
    make_quick(monkeypatch)
    (good.root / "portfolio.yaml").write_text("name: Small\nstale_after: 36500d\nalerts: [{name: log, file: {path: told.jsonl}}]\n")
    log = good.root / "told.jsonl"

    def run(*words: str) -> tuple[int, list[tuple[str, str | None]]]:
        log.write_text("")
        done = CliRunner().invoke(cli.app, [*words, "-p", str(good.root)])
        assert done.exception is None or isinstance(done.exception, SystemExit | ConfigError | LockedError), done.exception
        return done.exit_code, [(event["event"], event["subject"]) for event in map(json.loads, log.read_text().splitlines())]

    yield good, run


def test_a_refresh_tells_what_failed_stands_and_is_well_again(lines: tuple[SmallPortfolio, Any]) -> None:
    good, run = lines
    assert run("refresh") == (0, [])
    broken = good.file("a", "stops_3.csv", *DAY_1, header="Unit;From;To;Klass;Reason;Minutes")
    assert run("refresh") == (1, [("plant_failed", "a"), ("drift_waiting", "a")])
    assert run("refresh") == (1, [])  # nothing new; it was told
    broken.unlink()
    assert run("refresh")[1] == [("recovered", "a")]
    assert run("release", "close", "2025-06") == (0, [("month_closed", "2025-06")])
    assert run("alerts", "send") == (0, [])


def test_a_refresh_that_fails_wholly_tells_so_and_that_it_is_over(
    lines: tuple[SmallPortfolio, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    good, run = lines
    good.file("a", "stops_3.csv", "M1;2025-06-04 06:00;2025-06-04 14:00;RUN;;480")

    def fails(*_: object) -> None:
        raise ConfigError(Problem("The disk is full.", fix="make room"))

    with monkeypatch.context() as patch:
        patch.setattr("pipelines.refresh.Refresh.land", fails)
        assert run("refresh") == (1, [("refresh_failed", None)])
        assert run("refresh") == (1, [])

        def held(*_: object) -> None:
            raise LockedError(Problem("Another refresh runs."))

        patch.setattr("pipelines.refresh.Refresh.land", held)
        assert run("refresh") == (1, [])
    assert run("refresh") == (0, [("recovered", None)])


def test_a_run_that_dagster_starts_by_itself_tells_too(lines: tuple[SmallPortfolio, Any]) -> None:
    from pipelines.assets import PortfolioResource, Scope

    good, run = lines
    run("refresh")
    (good.root / "plants" / "a.yaml").write_text("plant: a\n")
    with PortfolioResource(root=str(good.root)).refresh(None, Scope(), lambda _: None) as (job, todo):
        job.run(todo, quality=False)
    (event,) = map(json.loads, (good.root / "told.jsonl").read_text().splitlines())
    assert (event["event"], event["subject"], event["where"]) == ("plant_failed", "a", "A (a)")
    assert "'name' is missing" in event["why"]
    assert event["company"] == "acme"  # as its file said when it could be read: who wants that company still hears


def test_a_plant_without_new_data_is_told_although_nothing_is_new(lines: tuple[SmallPortfolio, Any]) -> None:
    good, run = lines
    run("refresh")
    about = (good.root / "portfolio.yaml").read_text()
    (good.root / "portfolio.yaml").write_text(about.replace("36500d", "2d"))
    assert run("refresh") == (0, [("plant_stale", "a")])  # its data are of June 2025
    assert run("refresh") == (0, [])


def test_list_test_and_send_tell_who_takes_what(good: SmallPortfolio, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOOK", f"http://127.0.0.1:{free_port()}/hunter2")
    (good.root / "portfolio.yaml").write_text(
        "name: Small\nalerts:\n  - {name: log, file: {path: told.jsonl}}\n  - {name: hook, webhook: {url: {env: HOOK}}}\n"
    )
    run = CliRunner()
    tested = run.invoke(cli.app, ["alerts", "test", "-p", str(good.root)])
    assert tested.exit_code == 1 and "log: took 1 event" in tested.output and "hook: not taken: ConnectError" in tested.output
    assert not Lake(good.root / "lake").alerts.exists()  # a test is not remembered
    assert run.invoke(cli.app, ["alerts", "send", "-p", str(good.root)]).exit_code == 1
    listed = run.invoke(cli.app, ["alerts", "list", "--json", "-p", str(good.root)])
    assert [(row["name"], row["kind"], row["to"], row["waiting"]) for row in json.loads(listed.stdout)] == [
        ("log", "file", "told.jsonl", 0), ("hook", "webhook", "env: HOOK", 1),
    ]  # fmt: skip
    assert "hunter2" not in tested.output + listed.output
    unknown = run.invoke(cli.app, ["alerts", "test", "lgo", "-p", str(good.root)])
    assert isinstance(unknown.exception, ConfigError) and unknown.exception.problems[0].closest == "log"


def test_status_of_a_snapshot_that_is_not_there_is_nothing(tmp_path: Path) -> None:
    lake, portfolio = Lake(tmp_path / "lake").create(), portfolio_of(tmp_path, to_file())
    assert alerts.tell(lake, portfolio, lambda: Ran(["a"], ended=True)) == []
    assert pl.DataFrame(list(alerts.problems(portfolio))).is_empty()
