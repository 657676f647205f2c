"""Receivers of alerts for tests: a web server that answers as it is told, a mail server, a server that says nothing."""

from __future__ import annotations

import json
import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult


class WebServer:
    """Takes POSTs and answers with `statuses` in their order, then with 200."""

    def __init__(self, *statuses: int):
        self.statuses, self.taken, self.headers = list(statuses), [], []  # type: ignore[var-annotated]
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                content = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                status = outer.statuses.pop(0) if outer.statuses else 200
                if status == 200:
                    outer.taken.append(content)
                    outer.headers.append(dict(self.headers))
                self.send_response(status)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server.server_port}/hook/s3cret-path"

    @property
    def events(self) -> list[dict[str, Any]]:
        return [event for body in self.taken for event in body["events"]]

    def close(self) -> None:
        self.server.shutdown()
        self.server.server_close()


@contextmanager
def web_server(*statuses: int) -> Iterator[WebServer]:
    server = WebServer(*statuses)
    try:
        yield server
    finally:
        server.close()


@contextmanager
def silent_server() -> Iterator[int]:
    """The port of a server that takes connections and never says a word."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


def free_port() -> int:
    """A port on which nobody listens."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port: int = server.getsockname()[1]
    return port


class MailServer:
    """Keeps what it takes. `security` as in a plant's portfolio; with a password only who knows it may send."""

    def __init__(self, security: str, context: ssl.SSLContext | None = None, password: str | None = None):
        self.taken: list[Any] = []
        self.recipients: list[list[str]] = []

        class Handler:
            async def handle_DATA(inner, server: Any, session: Any, envelope: Any) -> str:  # noqa: N802, N805
                from email import message_from_bytes, policy

                self.taken.append(message_from_bytes(envelope.content, policy=policy.default))
                self.recipients.append(envelope.rcpt_tos)
                return "250 OK"

        def authenticated(_: Any, __: Any, ___: Any, ____: str, data: Any) -> AuthResult:
            return AuthResult(handled=False, success=data.password == (password or "").encode())

        rules = {"authenticator": authenticated, "auth_required": True, "auth_require_tls": True} if password else {}
        if security == "starttls":
            rules |= {"tls_context": context, "require_starttls": True}

        class Listening(Controller):
            def factory(self) -> SMTP:
                return SMTP(self.handler, hostname="mail.test", **rules)

        tls = {"ssl_context": context} if security == "tls" else {}
        self.controller = Listening(Handler(), hostname="127.0.0.1", port=free_port(), **tls)

    def __enter__(self) -> MailServer:
        if self.controller.ssl_context:
            self.controller._trigger_server = self._look  # type: ignore[method-assign]  # its own speaks no TLS as a client
        self.controller.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.controller.stop()

    def _look(self) -> None:
        anybody = ssl.create_default_context()
        anybody.check_hostname, anybody.verify_mode = False, ssl.CERT_NONE
        with socket.create_connection(("127.0.0.1", self.port)) as plain, anybody.wrap_socket(plain) as secure:
            secure.recv(1024)

    @property
    def port(self) -> int:
        return int(self.controller.port)
