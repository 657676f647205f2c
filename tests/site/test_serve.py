"""The dashboard over HTTP: files of the folder and nothing else, packed and cached as their names allow; whole at every moment."""

from __future__ import annotations

import gzip
import json
import re
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from http.client import HTTPConnection, HTTPResponse
from pathlib import Path
from threading import Event, Thread

import pytest

from connectors.portfolio import Portfolio, read
from docs.browser import served
from pipelines.lake import Lake
from publish import site

CLI = [sys.executable, "-m", "pipelines.cli", "serve"]


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A folder as the site's is, with things beside and below it that nobody may read."""
    root = tmp_path_factory.mktemp("portfolio")
    for name, text in {
        "portfolio.yaml": "name: secret", "site/index.html": "<p>hello", "site/assets/a1/app.js": "export {}; " * 200,
        "site/data/000001-x/portfolio.json": "{}", "site/data/000001-x/kpi/OEE 1.parquet": "PAR1", "site/.half.part/index.html": "half",
        "site-of-others/index.html": "others",
    }.items():  # fmt: skip
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    (root / "site" / "link.yaml").symlink_to(root / "portfolio.yaml")
    with served(root / "site") as address:
        yield address


def ask(address: str, path: str, method: str = "GET", **headers: str) -> tuple[HTTPResponse, bytes]:
    """An answer and its body; the path goes out as it is written here."""
    connection = HTTPConnection(address.split("/")[2], timeout=10)
    connection.request(method, path, headers={name.replace("_", "-"): value for name, value in headers.items()})
    answer = connection.getresponse()
    body = answer.read()
    connection.close()
    return answer, body


@pytest.mark.parametrize(
    "path",
    [
        "/../portfolio.yaml", "/%2e%2e/portfolio.yaml", "/assets/../../portfolio.yaml", "/..%2fportfolio.yaml", "/..\\portfolio.yaml",
        "/../site-of-others/index.html", "/link.yaml", "/.half.part/index.html", "/assets/", "/assets", "/data/000001-x/", "/%00",
        "/nothing.json", "//etc/passwd", "/etc/passwd",
    ],
)  # fmt: skip
def test_only_files_of_the_site_are_answered(address: str, path: str) -> None:
    answer, body = ask(address, path)
    assert (answer.status, b"secret" in body, b"<li>" in body) == (404, False, False)


def test_the_page_is_asked_for_each_time_and_what_it_names_never_again(address: str) -> None:
    page, body = ask(address, "/?anything")
    assert (page.status, body, page.headers["Cache-Control"]) == (200, b"<p>hello", "no-cache")
    for path, kind in (
        ("/assets/a1/app.js", "text/javascript; charset=utf-8"),
        ("/data/000001-x/portfolio.json", "application/json"),
        ("/data/000001-x/kpi/OEE%201.parquet", "application/vnd.apache.parquet"),
    ):
        answer, _ = ask(address, path)
        assert (answer.status, answer.headers["Content-Type"]) == (200, kind)
        assert "immutable" in answer.headers["Cache-Control"]


def test_text_is_packed_for_who_asks_and_what_is_known_is_not_sent_again(address: str) -> None:
    whole, text = ask(address, "/assets/a1/app.js")
    packed, body = ask(address, "/assets/a1/app.js", Accept_Encoding="gzip, br")
    assert (len(body) < len(text) / 10, gzip.decompress(body) == text, packed.headers["Content-Encoding"]) == (True, True, "gzip")
    assert whole.headers["Content-Encoding"] is None
    head, nothing = ask(address, "/assets/a1/app.js", "HEAD")
    assert (head.status, head.headers["Content-Length"], nothing) == (200, str(len(text)), b"")
    known, nothing = ask(address, "/assets/a1/app.js", If_None_Match=whole.headers["ETag"])
    assert (known.status, nothing) == (304, b"")
    assert ask(address, "/assets/a1/app.js", "POST")[0].status == 501


def test_a_name_that_somebody_turned_to_this_machine_is_refused(address: str) -> None:
    port = address.rstrip("/").rsplit(":", 1)[1]
    assert [ask(address, "/", Host=host)[0].status for host in (f"localhost:{port}", "127.0.0.1", "[::1]:80", "evil.example")] == [
        200, 200, 200, 421,
    ]  # fmt: skip


# --- the verb ---


def test_a_port_that_is_taken_is_one_clear_error(sample: Path) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        done = subprocess.run([*CLI, "-p", sample, "--port", str(port)], capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 2
    assert f"Port {port} of 127.0.0.1 is taken by another program." in done.stderr
    free = int(re.findall(r"plantlake serve --port (\d+)", done.stderr)[0])
    assert free > port and "Traceback" not in done.stderr


def test_without_a_snapshot_it_says_what_makes_one(tmp_path: Path) -> None:
    (tmp_path / "portfolio.yaml").write_text("name: New\n")
    done = subprocess.run([*CLI, "-p", tmp_path, "--port", "0"], capture_output=True, text=True, check=False, timeout=60)
    assert (done.returncode, "plantlake refresh" in done.stderr, "Traceback" in done.stderr) == (2, True, False)
    assert list(tmp_path.iterdir()) == [tmp_path / "portfolio.yaml"]


def test_a_site_that_is_not_there_is_built_and_ctrl_c_ends_it(sample: Path, tmp_path: Path) -> None:
    (tmp_path / "portfolio.yaml").write_text(f"name: Copy\nlake: {Lake(read(sample).lake).root}\n")
    running = subprocess.Popen([*CLI, "-p", tmp_path, "--port", "0"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert running.stdout is not None
    address = re.findall(r"http://127.0.0.1:\d+/", running.stdout.readline())[0]
    assert b'data-folder="data/' in ask(address, "/")[1]
    running.send_signal(2)
    _, said = running.communicate(timeout=20)
    assert (running.returncode, "Traceback" in said, "Stopped." in said, "no login" in said) == (0, False, True, False)


# --- whole at every moment ---


def test_whoever_reads_while_a_site_is_built_finds_one_release_and_all_of_it(sample: Path, tmp_path: Path, newest_month: None) -> None:
    """index.html names a folder; whatever is asked of it is there and says the same release, though newer ones are built meanwhile."""
    given = read(sample)
    portfolio = Portfolio(tmp_path, given.file.model_copy(update={"lake": str(given.lake)}), given.plants)
    folder, over, seen = tmp_path / "site", Event(), []
    site.build(Lake(given.lake), portfolio, folder)

    def build() -> None:
        while not over.is_set():
            site.build(Lake(given.lake), portfolio, folder)

    builder = Thread(target=build)
    builder.start()
    with served(folder) as address:
        end = time.monotonic() + 40
        while len(set(seen)) < 2 and time.monotonic() < end:
            page = ask(address, "/")[1].decode()
            data, program = (re.findall(pattern, page)[0] for pattern in (r'data-folder="([^"]+)"', r'src="([^"]+)"'))
            told, body = ask(address, f"/{data}/portfolio.json")
            assert (told.status, ask(address, f"/{program}")[0].status) == (200, 200)
            site_of = json.loads(body)
            kind, starts = next(iter(site_of["periods"].items()))
            for name in (f"above/ISO/{kind}", f"kpi/ISO/{kind}/OEE", f"losses/{kind}/{starts[0]}"):
                answer, content = ask(address, f"/{data}/{name}.parquet")
                assert (answer.status, content[:4], content[-4:]) == (200, b"PAR1", b"PAR1"), name
            assert data.startswith(f"data/{site_of['release']['release_id']:06d}-")
            seen.append(data)
    over.set()
    builder.join()
    assert len(set(seen)) >= 2, "nothing was built while somebody read: this proves nothing"
    assert not list(folder.glob(".*.part"))
    shutil.rmtree(folder)
