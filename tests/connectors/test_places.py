"""Files at a URL: the same folder on S3, SFTP and a web server; what is said when a server fails, and that no secret is in it."""

from __future__ import annotations

import os
import ssl
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pytest

pytest.importorskip("httpx", reason="extra http")
pytest.importorskip("paramiko", reason="extra sftp")
pytest.importorskip("moto", reason="extra test")

from hypothesis import given
from hypothesis import strategies as st
from plant_servers import PASSWORD, USER, Answer, Question, bucket, folder, hanging, is_reader, sftp_server, web_server

from connectors.contract import Export, Place
from connectors.discovery import SETTINGS, discover, fetch, near_misses, settings_of
from connectors.errors import ReadError, UnreachableError
from connectors.http import retry_after
from connectors.places.web import links

FILES = ("mes/stops_1.csv", "mes/stops 2ä.csv", "mes/old/stops_0.csv", "mes/.hidden.csv", "mes/stops_3.csv.part", "erp/counts_1.csv")


@dataclass
class Store:
    """A folder `plant` on some server: how to reach it, how to put a file there."""

    root: str
    connection: dict[str, Any]
    put: Callable[[str, bytes], object]

    def place(self, path: str, **changed: Any) -> Place:
        return Place(self.root, path, connection=self.connection | changed)


@pytest.fixture(scope="module")
def store_of(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[str], Store]]:
    """The store of a protocol, started when it is first asked for."""
    made: dict[str, Store] = {}
    with ExitStack() as stack:

        def start(protocol: str) -> Store:
            root = tmp_path_factory.mktemp(protocol)

            def put(name: str, body: bytes) -> None:
                path = root / "plant" / name
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(body)

            if protocol == "s3":
                s3 = stack.enter_context(bucket())
                keys = {"access_key": USER, "secret_key": PASSWORD, "endpoint": s3.endpoint, "timeout_s": 3}
                return Store(f"s3://{s3.name}/plant", keys, lambda name, body: s3.put(f"plant/{name}", body))
            if protocol == "sftp":
                sftp = stack.enter_context(sftp_server(root))
                return Store(sftp.url, {"password": PASSWORD, "fingerprint": sftp.fingerprint, "timeout_s": 3}, put)
            shown = folder(root)
            web = stack.enter_context(web_server(lambda question: shown(question) if is_reader(question) else Answer("who are you?", 401)))
            return Store(f"{web.url}/plant", {"user": USER, "password": PASSWORD, "timeout_s": 3}, put)

        def store(protocol: str) -> Store:
            if protocol not in made:
                made[protocol] = start(protocol)
                for name in FILES:
                    made[protocol].put(name, name.encode())
            return made[protocol]

        yield store


@pytest.fixture(params=["s3", "sftp", "http"])
def store(request: pytest.FixtureRequest, store_of: Callable[[str], Store]) -> Store:
    return store_of(request.param)


# --- listing and fetching, the same everywhere ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [
        ("mes/stops*.csv", ["mes/stops 2ä.csv", "mes/stops_1.csv"]),
        ("**/stops_*.csv", ["mes/old/stops_0.csv", "mes/stops_1.csv"]),
        ("*/counts_1.csv", ["erp/counts_1.csv"]),
        ("mes/stops_1.csv", ["mes/stops_1.csv"]),
        ("none/stops_*.csv", []),
        ("mes/none.csv", []),
    ],
)
def test_patterns(store: Store, pattern: str, expected: list[str]) -> None:
    assert [export.name for export in discover(store.place(pattern))] == expected


def test_an_export_knows_its_size_and_time_and_is_fetched_whole(store: Store, tmp_path: Path) -> None:
    body = os.urandom(3_000_000)
    store.put("big/b ä.bin", body)
    (export,) = discover(store.place("big/*.bin"))
    assert export.size == 3_000_000
    assert export.modified is not None
    assert abs(export.modified.timestamp() - time.time()) < 60
    assert "plant/big/" in export.url
    fetch(export, store.place("big/*.bin"), tmp_path / "copy")
    assert (tmp_path / "copy").read_bytes() == body


def test_what_is_most_like_a_pattern_that_found_nothing(store: Store) -> None:
    assert near_misses(store.place("mes/stop_1.csv"))[0] == "mes/stops_1.csv"


def test_a_listing_of_more_than_one_page(store_of: Callable[[str], Store]) -> None:
    """S3 lists 1,000 names at a time."""
    store = store_of("s3")
    for number in range(1_005):
        store.put(f"many/{number:04}.csv", b"x")
    assert len(list(discover(store.place("many/*.csv")))) == 1_005


def test_a_file_that_vanished_is_asked_for_again(store: Store, tmp_path: Path) -> None:
    with pytest.raises(ReadError) as caught:
        fetch(Export(f"{store.root}/mes/gone.csv", "mes/gone.csv"), store.place("mes/*"), tmp_path / "copy")
    assert caught.value.problems[0].actor == "retry"
    assert not isinstance(caught.value, UnreachableError)


def test_a_setting_that_does_not_exist_is_told_without_its_value(store: Store) -> None:
    with pytest.raises(ReadError) as caught:
        discover(store.place("*", timeout="a-secret-by-mistake"))
    assert (caught.value.problems[0].closest, "a-secret" in str(caught.value)) == ("timeout_s", False)


@pytest.mark.parametrize("scheme", sorted(SETTINGS))
def test_the_page_names_every_setting(scheme: str) -> None:
    name = {"opc.tcp": "opcua_ha.md"}.get(scheme, "remote.md")
    page = (Path(__file__).parents[2] / "docs" / "connectors" / name).read_text(encoding="utf-8")
    model = settings_of(f"{scheme}://x")
    assert model is not None
    assert [name for name in model.model_fields if f"`{name}`" not in page] == []
    assert [name for name, field in model.model_fields.items() if not field.description] == []


# --- servers that fail ---------------------------------------------------------------------------------------------------------------


def told(place: Place, path: str = "*.csv") -> str:
    """What is said of a place that cannot be reached, which holds no secret."""
    with pytest.raises(ReadError) as caught:
        list(discover(Place(place.root, path, connection=place.connection)))
    text = str(caught.value)
    assert PASSWORD not in text
    assert all(problem.fix for problem in caught.value.problems)
    return text


@pytest.mark.parametrize("root", ["s3://acme/plant", "sftp://reader@{0}/plant", "http://{0}/plant"])
def test_a_server_that_hangs_costs_its_timeout(root: str) -> None:
    with hanging() as host:
        settings = (
            {"endpoint": f"http://{host}", "access_key": USER, "secret_key": PASSWORD} if root.startswith("s3") else {"password": PASSWORD}
        )
        place = Place(root.format(host), "*.csv", connection=settings | {"timeout_s": 2, "attempts": 2})
        begun = time.monotonic()
        assert "hangs: nothing came for 2 s" in told(place)
        assert time.monotonic() - begun < 6


@pytest.mark.parametrize("root", ["s3://acme/plant", "sftp://reader@127.0.0.1:1/plant", "http://127.0.0.1:1/plant"])
def test_a_server_that_is_off(root: str) -> None:
    settings = (
        {"endpoint": "http://127.0.0.1:1", "access_key": USER, "secret_key": PASSWORD} if root.startswith("s3") else {"password": PASSWORD}
    )
    assert "does not take the connection" in told(Place(root, "*.csv", connection=settings | {"attempts": 1}))


@pytest.mark.parametrize("root", ["s3://acme/plant", "sftp://reader@no.such.host.invalid/plant", "https://no.such.host.invalid/plant"])
def test_a_host_that_is_not_known(root: str) -> None:
    settings = {"endpoint": "http://no.such.host.invalid"} if root.startswith("s3") else {"password": PASSWORD}
    assert "host is not known" in told(Place(root, "*.csv", connection=settings | {"attempts": 1}))


def test_a_root_that_does_not_exist_names_what_is_beside_it(store: Store) -> None:
    root = (
        store.root.replace("acme-plants/plant", "acme-plant/x").replace("/plant", "/plnt")
        if "s3" in store.root
        else store.root.replace("/plant", "/plnt")
    )
    with pytest.raises(ReadError) as caught:
        list(discover(Place(root, "*.csv", connection=store.connection)))
    text = str(caught.value)
    assert "root does not exist" in text
    assert ("acme-plants" if "s3" in store.root else "plant") in text


def test_credentials_that_are_refused(store_of: Callable[[str], Store]) -> None:
    for protocol in ("sftp", "http"):
        store = store_of(protocol)
        with pytest.raises(UnreachableError, match="refuses the credentials") as caught:
            list(discover(store.place("*.csv", password="wrong-secret")))
        assert "wrong-secret" not in str(caught.value)


@pytest.mark.parametrize(
    ("code", "status", "words"),
    [
        ("InvalidAccessKeyId", 403, "refuses the credentials"),
        ("SignatureDoesNotMatch", 403, "refuses the credentials"),
        ("AccessDenied", 403, "may not read this"),
        ("SlowDown", 503, "busy"),
    ],
)
def test_words_of_s3(code: str, status: int, words: str) -> None:
    body = f"<?xml version='1.0'?><Error><Code>{code}</Code><Message>no {PASSWORD}</Message></Error>"
    with web_server(lambda _: Answer(body, status, {"Content-Type": "application/xml"})) as web:
        place = Place("s3://acme/plant", "*", connection={"endpoint": web.url, "access_key": USER, "secret_key": PASSWORD, "attempts": 1})
        assert words in told(place)


def test_a_server_whose_key_is_not_the_one_that_is_known(store_of: Callable[[str], Store]) -> None:
    """Its fingerprint is told, so that somebody can ask the plant whether it is theirs; the password is not sent."""
    store = store_of("sftp")
    for other in ({"fingerprint": "SHA256:" + "A" * 43}, {"fingerprint": None, "known_hosts": "/dev/null"}):
        text = told(store.place("*.csv", **other))
        assert "not known whose server this is" in text
        assert f"connection.fingerprint: {store.connection['fingerprint']}" in text


def test_a_certificate_is_checked(tmp_path: Path) -> None:
    trustme = pytest.importorskip("trustme", reason="extra test")
    authority = trustme.CA()
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(tls)
    authority.cert_pem.write_to_path(str(tmp_path / "authority.pem"))
    (tmp_path / "stops.csv").write_text("x")
    with web_server(folder(tmp_path), tls) as web:
        assert "certificate is not trusted" in told(Place(web.url, "*.csv"))
        for good in ({"ca_file": str(tmp_path / "authority.pem")}, {"check_certificate": False}):
            assert [export.name for export in discover(Place(web.url, "*.csv", connection=good))] == ["stops.csv"]


# --- web servers ---------------------------------------------------------------------------------------------------------------------


def fetched(web_url: str, target: Path, **settings: Any) -> bytes:
    place = Place(web_url, "a.csv", connection={"timeout_s": 2, **settings})
    fetch(Export(f"{web_url}/a.csv", "a.csv"), place, target)
    return target.read_bytes()


def test_a_busy_server_is_obeyed(tmp_path: Path) -> None:
    """429 with Retry-After: 1 is asked again after a second; one that wants an hour is left to the next refresh."""
    answers = iter([Answer(status=429, headers={"Retry-After": "1"}), Answer(status=503), Answer(b"whole")])
    begun = time.monotonic()
    with web_server(lambda _: next(answers)) as web:
        assert fetched(web.url, tmp_path / "a") == b"whole"
        assert time.monotonic() - begun > 1
        assert len(web.asked) == 3
    with web_server(lambda _: Answer(status=429, headers={"Retry-After": "3600"})) as web:
        with pytest.raises(UnreachableError, match="asks to wait 3600 s"):
            fetched(web.url, tmp_path / "b")
        assert len(web.asked) == 1


def test_a_file_that_broke_off_goes_on_where_it_stopped(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_bytes(body := os.urandom(200_000))
    whole, cuts = folder(tmp_path), iter([50_000, 60_000, None])

    def answer(question: Question) -> Answer:
        given = whole(question)
        given.cut = next(cuts)
        return given

    with web_server(answer) as web:
        assert fetched(web.url, tmp_path / "copy") == body
        ranges = [question.headers.get("range") for question in web.asked]
    assert ranges == [None, "bytes=50000-", "bytes=110000-"]


def test_a_file_that_changed_in_between_is_fetched_anew(tmp_path: Path) -> None:
    """The ETag of the second answer is another one: what came before is thrown away."""
    answers = iter([Answer(b"old" * 10_000, headers={"ETag": '"1"'}, cut=9_000), Answer(b"new" * 10_000, headers={"ETag": '"2"'})])
    with web_server(lambda _: next(answers)) as web:
        assert fetched(web.url, tmp_path / "a") == b"new" * 10_000
        assert web.asked[1].headers["if-range"] == '"1"'


def test_a_file_that_always_breaks_off_is_not_landed(tmp_path: Path) -> None:
    with web_server(lambda _: Answer(b"x" * 1000, cut=10)) as web, pytest.raises(ReadError, match="connection broke"):
        fetched(web.url, tmp_path / "a", attempts=2)


def test_a_file_whose_name_is_told_needs_no_list(tmp_path: Path) -> None:
    with web_server(lambda question: Answer(b"x") if question.path == "/a.csv" else Answer(status=403)) as web:
        (export,) = discover(Place(web.url, "a.csv"))
        assert (export.size, export.modified) == (1, None)
        assert "may not read this" in told(Place(web.url, "*.csv"))


def test_a_server_that_drips_is_one_that_hangs(tmp_path: Path) -> None:
    """A byte each fifth of a second keeps every timeout between bytes from ending it."""
    with web_server(lambda _: Answer(b"x" * 100, drip_s=0.2)) as web:
        begun = time.monotonic()
        with pytest.raises(UnreachableError, match="hangs"):
            fetched(web.url, tmp_path / "a", timeout_s=1)
        assert time.monotonic() - begun < 3


def test_files_of_one_server_come_over_one_connection(tmp_path: Path) -> None:
    for number in range(5):
        (tmp_path / "plant" / f"{number}.csv").parent.mkdir(exist_ok=True)
        (tmp_path / "plant" / f"{number}.csv").write_text(str(number))
    with sftp_server(tmp_path) as server:
        place = Place(server.url, "*.csv", connection={"password": PASSWORD, "fingerprint": server.fingerprint})
        for export in discover(place):
            fetch(export, place, tmp_path / "copy")
            assert (tmp_path / "copy").read_text() == export.name[0]
        assert server.logins == 2  # listing, and all files


def test_a_server_that_sends_us_elsewhere_is_not_shown_the_password(tmp_path: Path) -> None:
    with (
        web_server(lambda _: Answer(b"x")) as other,
        web_server(lambda _: Answer(status=302, headers={"Location": f"{other.url}/a.csv"})) as web,
    ):
        assert fetched(web.url, tmp_path / "a", user=USER, password=PASSWORD, headers={"X-Api-Key": PASSWORD}) == b"x"
        assert PASSWORD not in str(other.asked[0].headers)
        assert "authorization" not in other.asked[0].headers


def test_sftp_goes_on_where_a_connection_broke(tmp_path: Path) -> None:
    (tmp_path / "plant").mkdir()
    (tmp_path / "plant" / "a.csv").write_bytes(body := os.urandom(400_000))
    with sftp_server(tmp_path) as server:
        place = Place(server.url, "*.csv", connection={"password": PASSWORD, "fingerprint": server.fingerprint, "timeout_s": 3})
        (export,) = discover(place)
        server.break_after, server.times = 200_000, 1
        fetch(export, place, tmp_path / "copy")
        assert server.logins == 3  # listing, fetching, going on
        assert (tmp_path / "copy").read_bytes() == body
        server.times = 10_000
        with pytest.raises(ReadError, match="connection broke"):
            fetch(export, place, tmp_path / "copy")


# --- whatever a server says ------------------------------------------------------------------------------------------------------------


@given(st.text(st.sampled_from('<>a hrefHREF="/.%20?#:é\n&;[]@'), max_size=80) | st.text(max_size=40))
def test_any_page_is_a_list_of_names_in_its_folder(page: str) -> None:
    for name in links(f'<a href="ok.csv"><a href="{page}">x</a>{page}', "http://h/x/"):
        assert name
        assert "/" not in unquote(name)[:-1] or "%2F" in page.upper() or "/" in unquote(page)


@given(st.text(max_size=30))
def test_any_header_is_a_wait_or_none(text: str) -> None:
    wait = retry_after(text)
    assert wait is None or wait >= 0
