"""The conversation with an OPC UA server: its variables by id or by names, and their history, page by page.

Here: what OPC UA says and how a server may fail. Elsewhere: what is asked, and rows (`connectors.kinds.historians.opcua_ha`). Only
imported when a server is asked: asyncua takes half a second.
"""

from __future__ import annotations

import asyncio
import logging
import queue
import socket
import threading
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from asyncua import Client, Node, ua
from asyncua.crypto import security_policies
from asyncua.crypto.uacrypto import CertProperties, load_certificate
from cryptography.x509 import ExtensionNotFound, SubjectAlternativeName, UniformResourceIdentifier

from connectors.contract import Place
from connectors.discovery import matcher
from connectors.errors import PlantlakeError, Problem, ReadError, closest, listed
from connectors.kinds.historians.opcua_ha import OpcUaSettings
from connectors.places.base import settings, unreachable

DEEPEST = 30
"""Folders below each other that '**' goes into."""
WAITING = 16
"""Pages that wait to be written."""
HISTORY_READ = 0x04
"""The bit of AccessLevel that says that there is history to be read."""
logging.getLogger("asyncua").setLevel(logging.CRITICAL)  # what goes wrong is told in plantlake's words


@dataclass(frozen=True, slots=True)
class Variable:
    """A variable of the server."""

    tag: str
    """Its browse name."""
    node_id: str
    path: str | None = None
    """Browse names from the root of what was looked for."""
    units: str | None = None
    failure: str | None = None
    """Why it is known before it is read that there is nothing."""


@dataclass(frozen=True, slots=True)
class Value:
    """One value as the server keeps it."""

    at: datetime | None = None
    server_at: datetime | None = None
    value: Any = None
    kind: str | None = None
    status: int = 0

    @property
    def status_name(self) -> str:
        return str(ua.StatusCode(self.status & 0xFFFF0000).name)


Answer = tuple[Variable, list[Value] | str]
"""Some values of a variable, or what the server says instead."""


def history(place: Place, start: datetime, end: datetime) -> Iterator[Answer]:
    """What the server has of [start, end), page by page as it comes. Raises ReadError."""
    pages: queue.Queue[Answer | BaseException | None] = queue.Queue(WAITING)
    stopped = threading.Event()

    def work() -> None:
        try:
            asyncio.run(_ask(place, start, end, lambda page: _put(pages, page, stopped)))
            _put(pages, None, stopped)
        except BaseException as error:
            _put(pages, error, stopped)

    worker = threading.Thread(target=work, name="opcua", daemon=True)
    worker.start()
    try:
        while (page := pages.get()) is not None:
            if isinstance(page, BaseException):
                raise _told(page, place) from page
            yield page
    finally:
        stopped.set()
        worker.join()


def _put(pages: queue.Queue[Any], page: Any, stopped: threading.Event) -> None:
    """Hands a page over, waiting while too many wait. Raises where nobody wants it any more."""
    while not stopped.is_set():
        try:
            pages.put(page, timeout=0.2)
        except queue.Full:
            continue
        return
    raise asyncio.CancelledError


async def _ask(place: Place, start: datetime, end: datetime, give: Any) -> None:
    options, slots = place.options, asyncio.Semaphore(place.options.in_flight)
    async with _client(place) as client:
        variables = await _variables(client, place)

        async def read(variable: Variable, node: Node) -> None:
            async with slots:
                try:
                    async for values in _pages(node, start, end, options.page_size):
                        give((variable, values))
                    give((variable, []))  # it could be read, also where there was nothing
                except ua.UaStatusCodeError as error:
                    if error.code in OF_THE_SESSION:
                        raise
                    give((variable, str(ua.StatusCode(error.code).name)))

        async with asyncio.TaskGroup() as group:
            for variable, node in variables:
                if variable.failure:
                    give((variable, variable.failure))
                else:
                    group.create_task(read(variable, node))


@asynccontextmanager
async def _client(place: Place) -> AsyncIterator[Client]:
    """A session, for the block."""
    given = settings(place, OpcUaSettings)
    client = Client(place.root, timeout=given.timeout_s)
    if given.user:
        client.set_user(given.user)
        client.set_password(given.password or "")
    if given.certificate:
        await _secure(client, given)
    await _connect(client, given)
    try:
        yield client
    finally:
        try:
            async with asyncio.timeout(2):  # a server that hangs is not waited for to say goodbye
                await client.disconnect()
        except Exception:
            logging.getLogger("plantlake.opcua").debug("no goodbye", exc_info=True)


async def _connect(client: Client, given: OpcUaSettings) -> None:
    """Opens the session, more than once where the server is busy or breaks off."""
    for attempt in range(1, given.attempts + 1):
        try:
            async with asyncio.timeout(given.timeout_s * 2):
                await client.connect()
        except (ua.UaStatusCodeError, ConnectionError) as error:
            if attempt == given.attempts or _cause(error) not in {"busy", "broken"}:
                raise
            await asyncio.sleep(attempt)
        else:
            return


async def _secure(client: Client, given: OpcUaSettings) -> None:
    """Signs and encrypts. Raises ReadError for a certificate or a key that cannot be used."""
    policy = getattr(security_policies, f"SecurityPolicy{given.policy}")
    try:
        certificate, key = _bytes(given.certificate), _bytes(given.private_key)
        server = _properties(_bytes(given.server_certificate)) if given.server_certificate else None
        about = await load_certificate(certificate, _form(certificate))
        names = about.extensions.get_extension_for_class(SubjectAlternativeName).value.get_values_for_type(UniformResourceIdentifier)
        client.application_uri = next(iter(names), client.application_uri)  # servers compare it with the certificate's
        mode = ua.MessageSecurityMode[given.mode]
        await client.set_security(policy, _properties(certificate), _properties(key), server_certificate=server, mode=mode)
    except (OSError, ValueError, TypeError, ExtensionNotFound) as error:
        fix = "connection: {certificate: path, private_key: {file: path}}; PEM or DER, the certificate with the application's URI"
        raise ReadError(Problem("The client's certificate or its key cannot be used.", found=str(error)[:200], fix=fix)) from error


def _bytes(text: str | None) -> bytes:
    """A certificate or a key: the text itself, or what is in the file that it names."""
    given = text or ""
    return given.encode() if given.lstrip().startswith("-----BEGIN") else Path(given).expanduser().read_bytes()


def _form(content: bytes) -> str:
    return "pem" if content.lstrip().startswith(b"-----BEGIN") else "der"


def _properties(content: bytes) -> CertProperties:
    return CertProperties(content, _form(content))


# --- variables ----------------------------------------------------------------------------------------------------------------------


async def _variables(client: Client, place: Place) -> list[tuple[Variable, Node]]:
    """The variables that are wanted, each once. Raises ReadError where there is none."""
    if place.options.nodes:
        return [await _by_id(client, text) for text in dict.fromkeys(place.options.nodes)]
    parts = [part for part in place.path.strip("/").split("/") if part]
    seen: dict[str, tuple[Variable, Node]] = {}
    names: list[str] = []
    async for path, node in _walk(client.nodes.objects, parts, (), names):
        identity = node.nodeid.to_string()
        if identity not in seen and await _has_history(node):
            seen[identity] = Variable(path[-1], identity, "/".join(path), await _units(node)), node
    if not seen:
        near = closest(parts[-1] if parts else "", names)
        told = f"No variable with history is named '{place.path}' below Objects."
        fix = "path: <names from Objects on, such as Line1/*/Speed>, or options.nodes"
        raise ReadError(Problem(told, found=listed(sorted(set(names))) or None, closest=near, fix=fix))
    return list(seen.values())


async def _by_id(client: Client, text: str) -> tuple[Variable, Node]:
    """A variable by its id, or what the server says of it."""
    try:
        node = client.get_node(await _numbered(client, text))
    except (ua.UaError, ValueError) as error:
        fix = "options.nodes: ns=2;s=Line1.Speed, or nsu=http://acme/plc;s=Line1.Speed"
        raise ReadError(Problem("This is no id of a node.", found=text, fix=fix)) from error
    try:
        tag = (await node.read_browse_name()).Name
    except ua.UaStatusCodeError as error:
        return Variable(text, text, failure=str(ua.StatusCode(error.code).name)), node
    return Variable(str(tag), text, None, await _units(node)), node


async def _numbered(client: Client, text: str) -> ua.NodeId:
    """An id with the number that its namespace has on this server today."""
    if text.startswith("nsu="):
        uri, _, rest = text.removeprefix("nsu=").partition(";")
        known = await client.get_namespace_array()
        if uri not in known:
            near = closest(uri, known)
            told = "The server has no such namespace."
            raise ReadError(Problem(told, found=listed(known), closest=near, fix=f"options.nodes: nsu={near or '<namespace>'};{rest}"))
        text = f"ns={known.index(uri)};{rest}"
    return ua.NodeId.from_string(text)


async def _walk(node: Node, parts: Sequence[str], above: tuple[str, ...], names: list[str]) -> AsyncIterator[tuple[tuple[str, ...], Node]]:
    """Variables whose names fit the parts of a pattern, folder by folder; `names` are those at the last level, for a message."""
    if not parts or len(above) > DEEPEST:
        return
    part, rest = parts[0], parts[1:]
    deep = part == "**"
    if deep and rest:
        async for found in _walk(node, rest, above, names):
            yield found
    fits = matcher(part)
    for below in await node.get_references(ua.ObjectIds.HierarchicalReferences, ua.BrowseDirection.Forward):
        name = str(below.BrowseName.Name)
        if not rest:
            names.append(name)
        if not deep and not fits.fullmatch(name):
            continue
        child, path = Node(node.session, below.NodeId), (*above, name)
        if (not rest) and below.NodeClass == ua.NodeClass.Variable:
            yield path, child
        if deep or rest:
            async for found in _walk(child, parts if deep else rest, path, names):
                yield found


async def _has_history(node: Node) -> bool:
    asked = [ua.AttributeIds.Historizing, ua.AttributeIds.UserAccessLevel, ua.AttributeIds.AccessLevel]
    historizing, *access = [value.Value.Value if value.Value else None for value in await node.read_attributes(asked)]
    return bool(historizing) or any(int(level or 0) & HISTORY_READ for level in access)


async def _units(node: Node) -> str | None:
    """The name of the variable's engineering unit, where the server tells one."""
    try:
        value = await (await node.get_child(["0:EngineeringUnits"])).read_value()
    except ua.UaError:
        return None
    return getattr(getattr(value, "DisplayName", None), "Text", None)


# --- history ------------------------------------------------------------------------------------------------------------------------


async def _pages(node: Node, start: datetime, end: datetime, size: int) -> AsyncIterator[list[Value]]:
    """The values of a variable in [start, end), page by page.

    Most servers give a point to continue from. One that gives none with a full page is asked again from the last stamp on, and what it
    gave at that stamp before is not given twice; where that stamp alone fills a page, or the newest come first, a larger one is asked for.
    """
    reached: datetime | None = None
    held: list[Value] = []
    while True:
        last, full, count = reached, False, 0
        point: bytes | None = None
        while True:
            result = await node.history_read(_details(reached or start, end, size), point)
            result.StatusCode.check()
            found = [_value(value) for value in getattr(result.HistoryData, "DataValues", None) or ()]
            inside = [value for value in found if value.at is None or start <= value.at < end]  # bounds lie outside
            fresh = [value for value in inside if value not in held] if reached else inside
            if fresh:
                yield fresh
            count += len(found)
            stamps = [value.at for value in inside if value.at]
            is_reverse = bool(stamps) and stamps[0] > stamps[-1]
            if stamps and not is_reverse:
                newest = max(stamps)
                held = [value for value in [*held, *inside] if value.at == newest]
                last = newest
            before, point = point, result.ContinuationPoint
            if not point:
                full = bool(size) and len(found) >= size and before is None
                break
            if point == before:
                raise ReadError(Problem("The server gives the same page again and again.", found=node.nodeid.to_string(), fix=SERVER))
        if not full:
            return
        size, reached = (size * 2 if last == reached else size), last


SERVER = "ask whoever runs the server"


def _details(start: datetime, end: datetime, size: int) -> ua.ReadRawModifiedDetails:
    return ua.ReadRawModifiedDetails(IsReadModified=False, StartTime=start, EndTime=end, NumValuesPerNode=size, ReturnBounds=False)


def _value(told: ua.DataValue) -> Value:
    variant = told.Value
    kind = variant.VariantType if variant is not None else None
    status = told.StatusCode.value if told.StatusCode is not None else 0
    at, server_at = _instant(told.SourceTimestamp), _instant(told.ServerTimestamp)
    value = _plain(variant.Value, kind) if variant is not None else None
    return Value(at or server_at, server_at, value, kind.name if kind is not None and kind.value else None, status)


def _instant(moment: datetime | None) -> datetime | None:
    return moment if moment is None or moment.tzinfo else moment.replace(tzinfo=UTC)


def _plain(value: Any, kind: ua.VariantType | None) -> Any:
    """A value in Python's own words; a Float with the digits that 32 bits have."""
    if isinstance(value, list):
        return [_plain(part, kind) for part in value]
    if kind == ua.VariantType.Float and isinstance(value, float):
        import numpy as np

        return str(np.float32(value))
    if isinstance(value, ua.LocalizedText):
        return value.Text
    return value if value is None or isinstance(value, bool | int | float | str | bytes | datetime) else str(value)


# --- what is wrong --------------------------------------------------------------------------------------------------------------------

CODES = ua.StatusCodes
CREDENTIALS = {CODES.BadUserAccessDenied, CODES.BadIdentityTokenRejected, CODES.BadIdentityTokenInvalid}
BUSY = {CODES.BadTooManySessions, CODES.BadTooManyOperations, CODES.BadTcpNotEnoughResources, CODES.BadResourceUnavailable}
BROKEN = {
    CODES.BadConnectionClosed, CODES.BadSessionClosed, CODES.BadSessionIdInvalid, CODES.BadSecureChannelClosed, CODES.BadShutdown,
    CODES.BadServerHalted, CODES.BadCommunicationError, CODES.BadSecureChannelIdInvalid,
}  # fmt: skip
HANGS = {CODES.BadTimeout, CODES.BadRequestTimeout}
OF_THE_SESSION = CREDENTIALS - {CODES.BadUserAccessDenied} | BUSY | BROKEN | HANGS
"""What is said of one variable and holds for all of them."""


def _told(error: BaseException, place: Place) -> PlantlakeError:
    """Any error of the conversation in words that say what to do."""
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    if isinstance(error, PlantlakeError):
        return error
    seconds = settings(place, OpcUaSettings).timeout_s
    cause = _cause(error)
    if cause:
        return unreachable(cause, place, error, timeout_s=seconds)
    if isinstance(error, ua.UaError | ValueError | OSError):
        text = " ".join(str(error).split())[:300] or type(error).__name__
        return ReadError(Problem("The OPC UA server answers with an error.", found=text, fix=SERVER, actor="retry"))
    found = f"{type(error).__name__}: {error}"[:300]
    return ReadError(Problem("What the OPC UA server says cannot be understood.", found=found, fix=SERVER, actor="retry"))


def _cause(error: BaseException) -> str | None:
    """The cause in the words of `connectors.places.base`."""
    if isinstance(error, ua.UaStatusCodeError):
        sets = (("credentials", CREDENTIALS), ("busy", BUSY), ("broken", BROKEN), ("hang", HANGS))
        found = next((cause for cause, codes in sets if error.code in codes), None)
        name = str(ua.StatusCode(error.code).name)
        return found or ("certificate" if "Certificate" in name or "Security" in name else None)
    if isinstance(error, TimeoutError):
        return "hang"
    if isinstance(error, socket.gaierror):
        return "host"
    if isinstance(error, ConnectionRefusedError):
        return "refused"
    if isinstance(error, OSError) and "Connect call failed" in str(error):
        return "refused"
    return "broken" if isinstance(error, ConnectionError | asyncio.CancelledError | asyncio.IncompleteReadError) else None
