"""Polite HTTP: how plantlake asks a server of a plant, whatever it asks for.

Here: settings of the connection, timeouts, what is asked again and when, how many questions are in flight, downloads that go on where
they stopped, errors in words and without secrets. Elsewhere: folders over HTTP (`connectors.places.web`), what systems are asked
(`connectors.kinds`).

A server that is busy (429, 503) says how long to wait, and is obeyed up to WAIT_S; what is longer waits for the next refresh. A
connection that broke is tried again. A server that hangs is not: it would hold the refresh once more.
"""

from __future__ import annotations

import ssl
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from pathlib import Path
from time import monotonic
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import urljoin, urlsplit

from pydantic import Field

from connectors.contract import Place
from connectors.errors import PlantlakeError, Problem, ReadError
from connectors.places.base import AGAIN, SLOWEST, Reached, not_installed, settings, shown, unreachable, without_secrets

if TYPE_CHECKING:
    import httpx
    from tenacity import RetryCallState

WAIT_S = 60
"""Seconds that a busy server may ask to wait for, between two questions."""
BUSY = {429, 503}
BROKEN = {408, 425, 500, 502, 504}
LARGEST = 256 << 20
"""Bytes of an answer that is held in memory: one page."""

T = TypeVar("T")
R = TypeVar("R")


class HttpSettings(Reached):
    """A user with a password, a token, or headers of the server's own."""

    user: str | None = None
    """Login (Basic)."""
    password: str | None = None
    """Password."""
    token: str | None = None
    """Bearer token."""
    headers: dict[str, str] = {}
    """Further headers, such as an API key: {X-Api-Key: {env: NAME}}."""
    ca_file: str | None = None
    """Certificate of the authority that signed the server's, PEM."""
    check_certificate: bool = True
    """False trusts any server that answers: only on a network of which nobody else is part."""
    in_flight: int = Field(default=4, ge=1, le=32)
    """Questions at a time."""


class _AgainError(Exception):
    """Worth another try, after `wait` seconds where the server said so."""

    def __init__(self, problem: ReadError, wait: float | None = None):
        self.problem, self.wait = problem, wait


class Http:
    """A server below an address. Raises FileNotFoundError for 404 and 410, ReadError for all else that fails."""

    def __init__(self, place: Place, headers: Mapping[str, str] | None = None):
        try:
            import httpx
            import tenacity  # noqa: F401
        except ModuleNotFoundError as error:
            raise not_installed(error, "http") from None
        self.place, self.own = place, settings(place, HttpSettings)
        self.base = place.root.rstrip("/") + "/"
        parts = urlsplit(self.base)
        if parts.username:
            self.base = self.base.replace(f"{parts.netloc.rpartition('@')[0]}@", "", 1)
        user = self.own.user or parts.username
        bearer = {"Authorization": f"Bearer {self.own.token}"} if self.own.token else {}
        self.client = httpx.Client(
            auth=httpx.BasicAuth(user, self.own.password or "") if user else None,
            headers={"User-Agent": "plantlake", **(headers or {}), **bearer, **self.own.headers},
            timeout=httpx.Timeout(self.own.timeout_s), verify=self._trusted(), follow_redirects=True, max_redirects=5,
            limits=httpx.Limits(max_connections=self.own.in_flight), event_hooks={"request": [self._veil]},
        )  # fmt: skip

    def __enter__(self) -> Http:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        self.client.close()

    # --- questions ----------------------------------------------------------------------------------------------------------------

    def get(self, path: str, params: Any = None) -> bytes:
        """The body of an answer, all of it."""
        return self._tried(lambda: self._body(self.at(path), params))

    def head(self, path: str) -> Mapping[str, str]:
        """What a server says of a file without sending it; nothing where it cannot."""
        return self._tried(lambda: self._headers(self.at(path)))

    def at(self, path: str) -> str:
        """An address below the root. Raises ReadError for one on another server, which would be shown the credentials."""
        try:
            url = urljoin(self.base, path)
            urlsplit(url).port  # noqa: B018  (it is read when it is asked for)
        except ValueError:
            raise self._no_address(path) from None
        if urlsplit(url)[:2] != urlsplit(self.base)[:2]:
            told, fix = "The server sends us to another server.", "mend `root:`; credentials are for one server"
            raise ReadError(Problem(told, found=f"{shown(self.base)} → {shown(url)}", fix=fix, actor="retry"))
        return url

    def each(self, questions: Iterable[T], ask: Callable[[T], R]) -> Iterator[R]:
        """The answers to questions in their order, some in flight. The first error ends it."""
        from concurrent.futures import ThreadPoolExecutor

        pool = ThreadPoolExecutor(self.own.in_flight, thread_name_prefix="http")
        try:
            yield from pool.map(ask, questions)
        finally:
            pool.shutdown(wait=True, cancel_futures=True)

    def download(self, path: str, target: Path) -> None:
        """A file. One that broke off goes on where it stopped, as long as the server says that it is the same."""
        with target.open("wb") as out:
            state: dict[str, str] = {}
            self._tried(lambda: self._streamed(self.at(path), out, state))

    # --- one try ------------------------------------------------------------------------------------------------------------------

    def _body(self, url: str, params: Any) -> bytes:
        with self._sent("GET", url, params=params) as response:
            parts, size = [], 0
            for chunk in self._flowing(response.iter_bytes()):
                parts.append(chunk)
                size += len(chunk)
                if size > LARGEST:
                    fix = "ask for less at a time (page_size, window)"
                    raise ReadError(Problem(f"The answer is longer than {LARGEST >> 20} MB.", found=shown(url), fix=fix))
            return b"".join(parts)

    def _headers(self, url: str) -> Mapping[str, str]:
        with self._sent("HEAD", url, allowed={405, 501}) as response:
            return dict(response.headers) if response.status_code < 400 else {}

    def _streamed(self, url: str, out: Any, state: dict[str, str]) -> None:
        at, version = out.tell(), state.get("version")
        resume = {"Range": f"bytes={at}-", "If-Range": version} if at and version else {}
        with self._sent("GET", url, headers={"Accept-Encoding": "identity", **resume}) as response:
            if not (at and response.status_code == 206 and response.headers.get("content-range", "").startswith(f"bytes {at}-")):
                out.seek(0)
                out.truncate()
            tag = response.headers.get("etag", "")
            state["version"] = (tag if not tag.startswith("W/") else "") or response.headers.get("last-modified", "")
            for chunk in self._flowing(response.iter_raw()):  # as they come: what came before a connection breaks is kept
                out.write(chunk)

    def _flowing(self, chunks: Iterator[bytes]) -> Iterator[bytes]:
        """What comes, unless it drips: a byte now and then would keep any timeout from ending it."""
        begun, size = monotonic(), 0
        for chunk in chunks:
            size += len(chunk)
            yield chunk
            spent = monotonic() - begun
            if spent > self.own.timeout_s and size < SLOWEST * spent:
                raise unreachable("hang", self.place, f"{size} bytes in {spent:.0f} s", timeout_s=self.own.timeout_s)

    @contextmanager
    def _sent(self, method: str, url: str, *, allowed: Iterable[int] = (), **more: Any) -> Iterator[httpx.Response]:
        """An answer whose body can be read; what fails on the way is an error in words."""
        import httpx

        try:
            with self.client.stream(method, url, **more) as response:
                if response.status_code not in allowed:
                    self._refuse(response)
                yield response
        except PlantlakeError:
            raise
        except httpx.TimeoutException as error:
            raise unreachable("hang", self.place, error, timeout_s=self.own.timeout_s) from None
        except httpx.ConnectError as error:
            raise self._not_connected(error) from None
        except httpx.TooManyRedirects as error:
            raise unreachable("broken", self.place, error) from None
        except (httpx.UnsupportedProtocol, httpx.InvalidURL):
            raise self._no_address(url) from None
        except httpx.HTTPError as error:
            raise _AgainError(unreachable("broken", self.place, error)) from None

    def _refuse(self, response: httpx.Response) -> None:
        status = response.status_code
        if status < 400:
            return
        if status in (404, 410):
            raise FileNotFoundError(shown(str(response.url)))
        said = f"HTTP {status} of {shown(str(response.url))}: {self._words(response)}"
        if status in BUSY:
            wait = retry_after(response.headers.get("retry-after"))
            problem = unreachable("busy", self.place, said if wait is None else f"it asks to wait {wait:.0f} s; {said}")
            raise problem if wait is not None and wait > WAIT_S else _AgainError(problem, wait)
        if status in BROKEN:
            told = Problem("The server fails.", found=without_secrets(said, self.place.connection), actor="retry",
                           fix="wait, or let the plant look at its log", consequence=AGAIN)  # fmt: skip
            raise _AgainError(ReadError(told))
        if status in (401, 407):
            raise unreachable("credentials", self.place, said)
        if status == 403:
            raise unreachable("forbidden", self.place, said)
        fix = "mend the question that the message names"
        raise ReadError(
            Problem("The server refuses the question.", found=without_secrets(said, self.place.connection), fix=fix, actor="retry")
        )

    def _words(self, response: httpx.Response) -> str:
        """The first words of an error's body."""
        text = b""
        for chunk in response.iter_bytes(2000):
            text += chunk
            if len(text) >= 2000:
                break
        return " ".join(text[:2000].decode("utf-8", "replace").split())[:200]

    def _no_address(self, url: str) -> ReadError:
        found = without_secrets(url, self.place.connection)[:200]
        return ReadError(Problem("This is no address of HTTP.", found=found, fix="root: https://<host>/...", actor="retry"))

    def _not_connected(self, error: Exception) -> Exception:
        text = str(error)
        if isinstance(error.__cause__, ssl.SSLError) or "CERTIFICATE_VERIFY" in text or "SSL" in text:
            return unreachable("certificate", self.place, text)
        if any(word in text for word in ("Name or service", "getaddrinfo", "nodename", "Temporary failure in name", "No address")):
            return unreachable("host", self.place, text)
        return _AgainError(unreachable("refused", self.place, text))

    def _veil(self, request: httpx.Request) -> None:
        """Another server, to which this one sends us, is shown no credentials."""
        if (request.url.scheme, request.url.netloc.decode()) != tuple(urlsplit(self.base)[:2]):
            for name in ("Authorization", *self.own.headers):
                request.headers.pop(name, None)

    def _trusted(self) -> ssl.SSLContext | bool:
        if not self.own.check_certificate or not self.base.startswith("https:"):
            return False  # reading the authorities of the system takes 40 ms
        if not self.own.ca_file:
            return True
        try:
            return ssl.create_default_context(cafile=self.own.ca_file)
        except (OSError, ssl.SSLError) as error:
            raise ReadError(
                Problem("The authority's certificate cannot be read.", found=str(error), fix="connection.ca_file", actor="retry")
            ) from None

    def _tried(self, question: Callable[[], T]) -> T:
        from tenacity import Retrying, retry_if_exception_type, stop_after_attempt

        again = retry_if_exception_type(_AgainError)
        try:
            given: T = Retrying(stop=stop_after_attempt(self.own.attempts), wait=_wait, retry=again, reraise=True)(question)
            return given
        except _AgainError as error:
            raise error.problem from None


def _wait(state: RetryCallState) -> float:
    """As long as the server says; else half a second, one, two ..., up to ten, and some jitter so that plants do not ask in step."""
    from tenacity import wait_exponential_jitter

    error = state.outcome.exception() if state.outcome else None
    said = error.wait if isinstance(error, _AgainError) else None
    return said if said is not None else wait_exponential_jitter(initial=0.5, max=10, jitter=0.5)(state)


def retry_after(text: str | None) -> float | None:
    """Seconds to wait by a Retry-After header: a number, or a date.

    >>> retry_after("120"), retry_after("Wed, 21 Oct 2015 07:28:00 GMT"), retry_after("soon"), retry_after(None)
    (120.0, 0.0, None, None)
    """
    if not text:
        return None
    if text.strip().isdecimal():
        return float(text[:9])
    moment = http_date(text)
    return max(0.0, (moment - datetime.now(UTC)).total_seconds()) if moment else None


def http_date(text: str | None) -> datetime | None:
    """A date of a header; None where it is none."""
    try:
        moment = parsedate_to_datetime(text) if text else None
    except ValueError:
        return None
    return moment.astimezone(UTC) if moment and moment.tzinfo else None
