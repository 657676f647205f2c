"""The site's folder over HTTP: what `plantlake serve` and the browser tests run; any other file server does as well.

Here: answers to requests, on the standard library alone. Elsewhere: the verb (`pipelines.cli_serve`), building the folder
(`publish.site`). The folder is read at every request, so what a refresh publishes is there at the next reload.
"""

from __future__ import annotations

import gzip
import io
import ipaddress
import os
import socket
import sys
from functools import lru_cache, partial
from http import HTTPStatus
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from socketserver import TCPServer
from typing import Any, BinaryIO
from urllib.parse import urlsplit

TYPES = {
    ".html": "text/html; charset=utf-8", ".css": "text/css; charset=utf-8", ".js": "text/javascript; charset=utf-8",
    ".json": "application/json", ".parquet": "application/vnd.apache.parquet", ".svg": "image/svg+xml", ".png": "image/png",
}  # fmt: skip
"""Told here and not asked of the machine: a registry that calls .js text/plain would stop every module."""
PACKED = (".html", ".css", ".js", ".json")
IMMUTABLE = ("assets", "data")
"""Folders whose files have a name of their own for every content (`publish.site`)."""


def is_loopback(host: str) -> bool:
    """Whether only this machine reaches an address.

    >>> is_loopback("127.0.0.1"), is_loopback("localhost"), is_loopback("::1"), is_loopback("0.0.0.0"), is_loopback("plant.example")
    (True, True, True, False, False)
    """
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


class Handler(SimpleHTTPRequestHandler):
    """Files below one folder, and nothing else: no listing, no hidden file, no way out of it."""

    protocol_version = "HTTP/1.1"
    server_version, sys_version = "plantlake", ""
    timeout = 60
    extensions_map = {**SimpleHTTPRequestHandler.extensions_map, **TYPES}

    def send_head(self) -> BinaryIO | None:
        """Answers GET and HEAD up to the body. One opened file gives size, tag and content: a swap between them cannot mix two."""
        if self._is_of_another_name():
            self.send_error(HTTPStatus.MISDIRECTED_REQUEST, "Served for this machine alone; plantlake serve --host lets others in")
            return None
        path = self._file()
        try:
            file = path.open("rb") if path else None
        except OSError:
            file = None
        if path is None or file is None:
            self.send_error(HTTPStatus.NOT_FOUND)
            return None
        about = os.fstat(file.fileno())
        tag = f'W/"{about.st_mtime_ns:x}-{about.st_size:x}-{about.st_ino:x}"'
        if tag in self.headers.get("If-None-Match", ""):
            file.close()
            self.send_response(HTTPStatus.NOT_MODIFIED)
            self._about(path, tag)
            self.end_headers()
            return None
        return self._whole(path, tag, file, about.st_size)

    def _whole(self, path: Path, tag: str, file: BinaryIO, size: int) -> BinaryIO:
        packed = path.suffix in PACKED and _accepts_gzip(self.headers.get("Accept-Encoding", ""))
        if packed:
            with file:
                content = _gzip(tag, file.read())
            file, size = io.BytesIO(content), len(content)
        self.send_response(HTTPStatus.OK)
        self.send_header("Content-Type", self.guess_type(path))
        self.send_header("Content-Length", str(size))
        if packed:
            self.send_header("Content-Encoding", "gzip")
        self._about(path, tag)
        self.end_headers()
        return file

    def _about(self, path: Path, tag: str) -> None:
        place = path.relative_to(Path(self.directory).resolve()).parts
        self.send_header("ETag", tag)
        self.send_header("Vary", "Accept-Encoding")
        forever = len(place) > 2 and place[0] in IMMUTABLE
        self.send_header("Cache-Control", "private, max-age=31536000, immutable" if forever else "no-cache")

    def end_headers(self) -> None:
        self.send_header("X-Content-Type-Options", "nosniff")
        self.send_header("Referrer-Policy", "no-referrer")
        super().end_headers()

    def _file(self) -> Path | None:
        """The file that is asked for; None for what is no file of the site."""
        root = Path(self.directory).resolve()
        try:
            path = Path(self.translate_path(self.path)).resolve()
        except (OSError, ValueError):
            return None
        path = path / "index.html" if path == root else path
        inside = path.is_relative_to(root) and not any(part.startswith(".") for part in path.relative_to(root).parts)
        return path if inside and path.is_file() else None

    def _is_of_another_name(self) -> bool:
        """A page elsewhere whose name was turned to 127.0.0.1 would read the figures with a browser of this machine."""
        named = urlsplit(f"//{self.headers.get('Host', 'localhost')}").hostname or ""
        return is_loopback(str(self.server.server_address[0])) and not is_loopback(named)  # type: ignore[index]

    def log_message(self, format: str, *args: Any) -> None:
        """Says nothing of requests: the terminal is the user's."""


class Server(ThreadingHTTPServer):
    """Serves one folder. Raises OSError where the address cannot be had."""

    allow_reuse_address = os.name != "nt"  # on Windows that would let two servers have one port
    daemon_threads = True

    def __init__(self, folder: Path, host: str = "127.0.0.1", port: int = 0):
        self.address_family = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0][0]
        super().__init__((host, port), partial(Handler, directory=str(folder)))

    def server_bind(self) -> None:
        """Without the look-up of this machine's name, which may take seconds."""
        TCPServer.server_bind(self)
        self.server_name, self.server_port = str(self.server_address[0]), int(self.server_address[1])

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A browser that goes away is no error."""
        if not isinstance(sys.exc_info()[1], ConnectionError | TimeoutError):
            super().handle_error(request, client_address)

    @property
    def address(self) -> str:
        """What a browser opens; for every address of this machine, its name."""
        host = str(self.server_address[0])
        host = socket.gethostname() if ipaddress.ip_address(host).is_unspecified else f"[{host}]" if ":" in host else host
        return f"http://{host}:{self.server_port}/"


def free_port(host: str, after: int) -> int | None:
    """The next port that nobody listens on."""
    family = socket.getaddrinfo(host, after, type=socket.SOCK_STREAM)[0][0]
    for port in range(after + 1, min(after + 200, 65536)):
        with socket.socket(family) as tried:
            try:
                tried.bind((host, port))
            except OSError:
                continue
            return port
    return None


def _accepts_gzip(accepted: str) -> bool:
    """Whether an Accept-Encoding asks for gzip as browsers do; whoever weighs it gets the file as it is.

    >>> _accepts_gzip("gzip, deflate, br"), _accepts_gzip("br"), _accepts_gzip("gzip;q=0")
    (True, False, False)
    """
    return "gzip" in (part.strip() for part in accepted.split(","))


@lru_cache(maxsize=64)
def _gzip(tag: str, content: bytes) -> bytes:
    return gzip.compress(content, 6, mtime=0)
