"""Servers of plants for tests, on this machine: an SFTP server, a web server that does what it is told, an S3 endpoint, one that hangs.

Real parts: paramiko's server side, Python's http.server, moto's S3. Each is closed at the end of its block.
"""

from __future__ import annotations

import base64
import hashlib
import os
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email.utils import formatdate
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

USER, PASSWORD = "reader", "hunter2-secret"


# --- one that hangs -----------------------------------------------------------------------------------------------------------------


@contextmanager
def hanging() -> Iterator[str]:
    """host:port that takes every connection and never says a word."""
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen(50)
        yield f"127.0.0.1:{server.getsockname()[1]}"


# --- HTTP ---------------------------------------------------------------------------------------------------------------------------


@dataclass
class Answer:
    """What the web server says to one question."""

    body: bytes | str = b""
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    cut: int | None = None
    """Only so many bytes are sent of what Content-Length promises; then the connection is closed."""
    hang_s: float = 0
    drip_s: float = 0
    """Between one byte of the body and the next."""


@dataclass
class Question:
    """What somebody asked."""

    method: str
    path: str
    params: dict[str, list[str]]
    headers: dict[str, str]
    body: bytes = b""


@dataclass
class WebServer:
    """A web server whose answers a test gives: `answer` maps a question to its answer. `asked` is what was asked, in order."""

    answer: Callable[[Question], Answer]
    asked: list[Question] = field(default_factory=list)
    url: str = ""
    in_flight: int = 0
    most_in_flight: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Any

    def _answered(self) -> None:
        web: WebServer = self.server.web
        parts = urlsplit(self.path)
        length = int(self.headers.get("Content-Length") or 0)
        question = Question(
            self.command,
            unquote(parts.path),
            parse_qs(parts.query),
            {k.lower(): v for k, v in self.headers.items()},
            self.rfile.read(length),
        )
        with web.lock:
            web.asked.append(question)
            web.in_flight += 1
            web.most_in_flight = max(web.in_flight, web.most_in_flight)
        try:
            self._say(web.answer(question))
        except ConnectionError:  # whoever asked gave up
            self.close_connection = True
        finally:
            with web.lock:
                web.in_flight -= 1

    do_GET = do_HEAD = do_POST = _answered  # noqa: N815

    def _say(self, answer: Answer) -> None:
        body = answer.body.encode() if isinstance(answer.body, str) else answer.body
        time.sleep(answer.hang_s)
        self.send_response(answer.status)
        for key, value in {"Content-Length": str(len(body)), "Content-Type": "application/octet-stream", **answer.headers}.items():
            self.send_header(key, value)
        self.end_headers()
        if self.command != "HEAD":
            for part in [body[n : n + 1] for n in range(len(body))] if answer.drip_s else [body[: answer.cut]]:
                time.sleep(answer.drip_s)
                self.wfile.write(part)
        if answer.cut is not None:
            self.wfile.flush()
            self.connection.shutdown(socket.SHUT_RDWR)
            self.close_connection = True

    def log_message(self, *_: object) -> None:
        """Tests are quiet."""


@contextmanager
def web_server(answer: Callable[[Question], Answer], tls: Any = None) -> Iterator[WebServer]:
    """A web server for the block; `tls` is an SSLContext."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
    server.daemon_threads = True
    if tls:
        server.socket = tls.wrap_socket(server.socket, server_side=True)
    web = WebServer(answer, url=f"http{'s' if tls else ''}://127.0.0.1:{server.server_port}")
    server.web = web  # type: ignore[attr-defined]
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
    try:
        yield web
    finally:
        server.shutdown()
        server.server_close()


def is_reader(question: Question) -> bool:
    """Whether the question came with the right user and password."""
    wanted = base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()
    return question.headers.get("authorization") == f"Basic {wanted}"


def folder(root: Path) -> Callable[[Question], Answer]:
    """A folder as nginx shows it: lists with links, files with size, time, ranges."""

    def answer(question: Question) -> Answer:
        path = root / question.path.strip("/")
        if path.is_dir():
            names = sorted(f"{one.name}{'/' if one.is_dir() else ''}" for one in path.iterdir())
            links = "".join(f'<a href="{name.replace(" ", "%20")}">{name}</a>\n' for name in ["../", *names])
            return Answer(f"<html><body><h1>Index</h1>{links}</body></html>", headers={"Content-Type": "text/html"})
        if not path.is_file():
            return Answer("there is no such page", 404)
        body, status = path.read_bytes(), path.stat()
        told = {
            "Last-Modified": formatdate(status.st_mtime, usegmt=True),
            "ETag": f'"{status.st_mtime_ns}-{len(body)}"',
            "Accept-Ranges": "bytes",
        }
        ranged = question.headers.get("range", "")
        if ranged and question.headers.get("if-range") == told["ETag"]:
            start = int(ranged.removeprefix("bytes=").rstrip("-"))
            return Answer(body[start:], 206, told | {"Content-Range": f"bytes {start}-{len(body) - 1}/{len(body)}"})
        return Answer(body, headers=told)

    return answer


# --- SFTP ---------------------------------------------------------------------------------------------------------------------------


@dataclass
class SftpServer:
    """An SFTP server over a folder. `break_after` bytes the connection is cut, so many `times`."""

    root: Path
    host: str = ""
    fingerprint: str = ""
    break_after: int | None = None
    times: int = 0
    logins: int = 0
    transports: list[Any] = field(default_factory=list)

    @property
    def url(self) -> str:
        return f"sftp://{USER}@{self.host}/plant"


@contextmanager
def sftp_server(root: Path) -> Iterator[SftpServer]:
    """An SFTP server for the block, whose / is `root`."""
    import paramiko

    key = paramiko.ECDSAKey.generate()
    told = "SHA256:" + base64.b64encode(hashlib.sha256(key.asbytes()).digest()).decode().rstrip("=")
    server = SftpServer(root, fingerprint=told)
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(20)
        server.host = f"127.0.0.1:{listener.getsockname()[1]}"
        threading.Thread(target=_serve, args=(listener, key, server), daemon=True).start()
        yield server
        for transport in server.transports:
            transport.close()


def _serve(listener: socket.socket, key: Any, server: SftpServer) -> None:
    import paramiko

    class Login(paramiko.ServerInterface):
        def check_auth_password(self, username: str, password: str) -> int:
            server.logins += 1
            good = (username, password) == (USER, PASSWORD)
            return paramiko.AUTH_SUCCESSFUL if good else paramiko.AUTH_FAILED

        def check_channel_request(self, kind: str, chanid: int) -> int:
            return paramiko.OPEN_SUCCEEDED

    class Folder(paramiko.SFTPServerInterface):
        def _at(self, path: str) -> Path:
            return server.root / path.lstrip("/")

        def list_folder(self, path: str) -> Any:
            try:
                return [paramiko.SFTPAttributes.from_stat(one.lstat(), one.name) for one in sorted(self._at(path).iterdir())]
            except OSError as error:
                return paramiko.SFTPServer.convert_errno(error.errno)

        def stat(self, path: str) -> Any:
            try:
                return paramiko.SFTPAttributes.from_stat(self._at(path).stat())
            except OSError as error:
                return paramiko.SFTPServer.convert_errno(error.errno)

        lstat = stat

        def open(self, path: str, flags: int, attr: Any) -> Any:
            try:
                file = self._at(path).open("rb")
            except OSError as error:
                return paramiko.SFTPServer.convert_errno(error.errno)
            handle = Handle(flags)
            handle.readfile = file
            return handle

    class Handle(paramiko.SFTPHandle):
        def stat(self) -> Any:
            return paramiko.SFTPAttributes.from_stat(os.fstat(self.readfile.fileno()))

        def read(self, offset: int, length: int) -> Any:
            if server.break_after is not None and offset >= server.break_after and server.times > 0:
                server.times -= 1
                server.transports[-1].close()
            return super().read(offset, length)

    while True:
        try:
            connection, _ = listener.accept()
        except OSError:
            return
        transport = paramiko.Transport(connection)
        server.transports.append(transport)
        transport.add_server_key(key)
        transport.set_subsystem_handler("sftp", paramiko.SFTPServer, Folder)
        threading.Thread(target=_started, args=(transport, Login()), daemon=True).start()


def _started(transport: Any, login: Any) -> None:
    try:
        transport.start_server(server=login)
        channels = []  # one that is forgotten is closed
        while transport.is_active():
            channels.append(transport.accept(0.2))
    except Exception:  # a client that went away
        transport.close()


# --- S3 -----------------------------------------------------------------------------------------------------------------------------


@dataclass
class Bucket:
    """A bucket of an S3 endpoint."""

    endpoint: str
    client: Any
    name: str = "acme-plants"

    def put(self, name: str, body: bytes) -> None:
        """Behind the endpoint's back: a thousand objects in a moment."""
        from moto.s3.models import s3_backends

        s3_backends["123456789012"]["aws"].put_object(self.name, name, body)


@contextmanager
def bucket() -> Iterator[Bucket]:
    """An S3 endpoint with one bucket, for the block."""
    import logging

    import boto3
    from moto.server import ThreadedMotoServer

    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    endpoint = f"http://{host}:{port}"
    client = boto3.client("s3", endpoint_url=endpoint, aws_access_key_id=USER, aws_secret_access_key=PASSWORD, region_name="us-east-1")
    made = Bucket(endpoint, client)
    client.create_bucket(Bucket=made.name)
    try:
        yield made
    finally:
        server.stop()
