"""Plants whose files lie on servers, through the whole of loading: landed once, read again when they change, and who waits for whom."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("httpx", reason="extra http")
pytest.importorskip("paramiko", reason="extra sftp")
pytest.importorskip("moto", reason="extra test")

from plant_servers import PASSWORD, USER, Answer, WebServer, bucket, folder, hanging, is_reader, sftp_server, web_server
from small_portfolio import DAY_1, DAY_2, HEADER, SmallPortfolio, plant_file

STOPS = "equipment_state_event"


def csv(*lines: str) -> bytes:
    return "".join(f"{line}\n" for line in (HEADER, *lines)).encode()


def remote_plant(plant: str, root: str, connection: dict[str, Any], path: str = "mes/stops_*.csv") -> dict[str, Any]:
    """A plant whose stops are at a URL."""
    about = plant_file(plant)
    mes = about["sources"]["mes"] | {"path": path, "root": root, "connection": connection}
    return about | {"sources": {"mes": mes}}


Put = Callable[[str, bytes], object]


@contextmanager
def on_s3(root: Path) -> Iterator[tuple[str, dict[str, Any], Put]]:
    with bucket() as s3:
        keys = {"access_key": {"env": "PLANT_USER"}, "secret_key": {"env": "PLANT_SECRET"}, "endpoint": s3.endpoint}
        yield f"s3://{s3.name}/plant", keys, lambda name, body: s3.put(f"plant/{name}", body)


@contextmanager
def on_sftp(root: Path) -> Iterator[tuple[str, dict[str, Any], Put]]:
    with sftp_server(root) as server:
        yield server.url, {"password": {"env": "PLANT_SECRET"}, "fingerprint": server.fingerprint}, in_folder(root)


@contextmanager
def on_web(root: Path) -> Iterator[tuple[str, dict[str, Any], Put]]:
    with web_server(lambda question: folder(root)(question) if is_reader(question) else Answer(status=401)) as web:
        yield f"{web.url}/plant", {"user": USER, "password": {"env": "PLANT_SECRET"}}, in_folder(root)


def in_folder(root: Path) -> Put:
    """Each file a second younger than the one before: a web server tells seconds."""
    now = time.time()

    def put(name: str, body: bytes) -> None:
        nonlocal now
        path = root / "plant" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(body)
        now += 1
        os.utime(path, (now, now))

    return put


@pytest.mark.parametrize("server", [on_s3, on_sftp, on_web])
def test_files_on_a_server_are_loaded_once_and_again_when_they_change(
    server: Any, portfolio: SmallPortfolio, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Day 1 is 3 events of 180, 30 and 270 minutes, day 2 one of 480; then day 2 is delivered anew with a stop at its end."""
    monkeypatch.setenv("PLANT_USER", USER)
    monkeypatch.setenv("PLANT_SECRET", PASSWORD)
    with server(tmp_path / "server") as (root, connection, put):
        portfolio.plant("a", remote_plant("a", root, connection))
        put("mes/stops_1.csv", csv(*DAY_1))
        put("mes/stops_2.csv", csv(*DAY_2))
        assert portfolio.load().problems == []
        assert minutes(portfolio) == [180, 30, 270, 480]
        assert not portfolio.plans()

        put("mes/stops_2.csv", csv("M1;2025-06-03 06:00;2025-06-03 13:00;RUN;;420", "M1;2025-06-03 13:00;2025-06-03 14:00;DELAY_EQ;17;60"))
        outcome = portfolio.load()
        assert (outcome.problems, outcome.exports) == ([], 1)
        assert minutes(portfolio) == [180, 30, 270, 420, 60]
        assert not portfolio.plans()
    told = str(portfolio.ledger().rows()) + "".join(path.read_text() for path in (portfolio.root / "lake" / "bronze" / "journal").iterdir())
    assert "stops_2.csv" in told
    assert PASSWORD not in told


def minutes(portfolio: SmallPortfolio) -> list[float]:
    found = portfolio.silver(STOPS).sort("start_ts")
    return ((found["end_ts"] - found["start_ts"]).dt.total_seconds() / 60).to_list()


def test_a_plant_that_hangs_holds_no_other(portfolio: SmallPortfolio, tmp_path: Path) -> None:
    """Two plants hang, one while it is listed and one while each of its five files is fetched: 2 s each, at the same time."""
    slow = tmp_path / "slow"
    for number in range(5):
        in_folder(slow)(f"stops_{number}.csv", csv(*DAY_1))
    listed = folder(slow)

    def stuck(question: Any) -> Answer:
        answer = listed(question)
        answer.hang_s = 5 if question.method == "GET" and question.path.endswith(".csv") else 0
        return answer

    with hanging() as host, web_server(stuck) as web:
        patience = {"timeout_s": 2}
        portfolio.plant("a", remote_plant("a", f"http://{host}/x", patience, "*.csv"))
        portfolio.plant("b", remote_plant("b", f"{web.url}/plant", patience, "*.csv"))
        portfolio.good("c")
        begun = time.monotonic()
        outcome = portfolio.load()
        assert time.monotonic() - begun < 8
        assert {(problem.plant, problem.message) for problem in outcome.problems} == {
            ("a", "The server hangs: nothing came for 2 s."), ("b", "The server hangs: nothing came for 2 s."),
        }  # fmt: skip
        assert len(fetches(web)) <= 4  # in flight when the first one was given up; the others were not asked for
        assert portfolio.silver(STOPS, "c").height == 4
    with web_server(listed) as web:
        portfolio.plant("b", remote_plant("b", f"{web.url}/plant", {}, "*.csv"))
        portfolio.load()
        assert portfolio.silver(STOPS, "b").height == 3  # five times the same bytes


def fetches(web: WebServer) -> list[str]:
    return [question.path for question in web.asked if question.method == "GET" and question.path.endswith(".csv")]


def test_a_file_that_breaks_off_is_not_landed_and_the_next_refresh_has_it(portfolio: SmallPortfolio, tmp_path: Path) -> None:
    put = in_folder(tmp_path)
    put("stops_1.csv", csv(*DAY_1))
    put("stops_2.csv", csv(*DAY_2))
    listed, broken = folder(tmp_path), True

    def torn(question: Any) -> Answer:
        answer = listed(question)
        if broken and question.method == "GET" and question.path.endswith("_1.csv"):
            answer.cut = 60  # in the middle of a line: read as it is, it would be a file with one record less
            answer.headers = {}
        return answer

    with web_server(torn) as web:
        portfolio.plant("a", remote_plant("a", f"{web.url}/plant", {"attempts": 2}, "*.csv"))
        (problem,) = portfolio.load().problems
        assert (problem.export, problem.message, problem.actor) == ("stops_1.csv", "The connection broke.", "retry")
        assert minutes(portfolio) == [480]
        broken = False
        assert portfolio.load().problems == []
        assert minutes(portfolio) == [180, 30, 270, 480]


def test_a_missing_folder_and_a_missing_secret(portfolio: SmallPortfolio, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NOT_SET", raising=False)
    in_folder(tmp_path)("mes/stops_1.csv", csv(*DAY_1))
    with web_server(folder(tmp_path)) as web:
        portfolio.plant("a", remote_plant("a", f"{web.url}/plant", {}, "mse/stops_*.csv"))
        portfolio.plant("b", remote_plant("b", f"{web.url}/plant", {"token": {"env": "NOT_SET"}}))
        missing, secret = sorted(portfolio.load().problems, key=lambda problem: str(problem.plant))
    assert (missing.message, missing.closest) == (f"No file matches 'mse/stops_*.csv' in {web.url}/plant.", "mes/stops_1.csv")
    assert secret.message == "The secret 'env: NOT_SET' cannot be had."


def test_a_connection_of_the_plant_serves_its_sources_and_is_checked_before_anything_is_asked(
    portfolio: SmallPortfolio, tmp_path: Path
) -> None:
    in_folder(tmp_path)("stops_1.csv", csv(*DAY_1))
    with web_server(lambda question: folder(tmp_path)(question) if is_reader(question) else Answer(status=401)) as web:
        about = plant_file("a") | {"root": f"{web.url}/plant", "connection": {"user": USER, "passwort": "x", "timeout_s": 5}}
        about["sources"].pop("erp")
        portfolio.plant("a", about)
        (problem,) = portfolio.load().problems
        assert (problem.message, problem.closest) == ("A connection to http:// has no setting 'passwort'.", "password")
        assert web.asked == []
        (tmp_path / "secret").write_text(PASSWORD)
        about["connection"] = {"user": USER, "password": {"file": str(tmp_path / "secret")}}
        portfolio.plant("a", about)
        assert portfolio.load().problems == []
        assert minutes(portfolio) == [180, 30, 270]
