"""History of an OPC UA server (`kind: opcua_ha`): values of variables, asked for by windows of time.

Here: which windows are due, and how a value becomes a row. Elsewhere: the conversation with the server
(`connectors.kinds.historians.opcua_client`), words of quality (`connectors.quality`), rows as a file
(`connectors.kinds.systems.answers`), names of answers (`connectors.windows`).
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path
from typing import Annotated, Any, Literal

import pyarrow as pa
from pydantic import Field

from connectors import quality
from connectors.contract import SURPLUS, UNREADABLE, Export, Place
from connectors.errors import Problem, ReadError, listed
from connectors.kinds.systems.answers import TEXT, Answers, Rows, as_text
from connectors.places.base import Reached
from connectors.strict import Asking, Duration, StrictModel, Texts
from connectors.windows import due_questions, window_of

INSTANT = pa.timestamp("us", "UTC")
COLUMNS: dict[str, pa.DataType] = {
    "tag": TEXT, "node_id": TEXT, "path": TEXT, "timestamp": INSTANT, "server_timestamp": INSTANT, "value": TEXT, "value_type": TEXT,
    "units": TEXT, "quality": TEXT, "quality_code": pa.int64(), "quality_text": TEXT, SURPLUS: TEXT, UNREADABLE: TEXT,
}  # fmt: skip
"""Named as those of the other historians."""


class OpcUaOptions(StrictModel):
    """What is asked, and when. None of it changes how an answer reads."""

    nodes: Annotated[Texts, Asking] = ()
    """Ids of variables: ns=2;s=Line1.Speed, or nsu=http://acme/plc;s=Line1.Speed, which holds when namespaces change their numbers;
    `path` is then only a name."""
    start: Annotated[date | None, Asking] = None
    """The first day (UTC) that is asked for."""
    window: Annotated[Duration, Asking] = timedelta(days=1)
    """How much time one answer covers."""
    lookback: Annotated[Duration, Asking] = timedelta(hours=1)
    """How far before the last answer's end values are asked for again, because they come late."""
    every: Annotated[Duration, Asking] = timedelta(minutes=15)
    """Least time between two questions."""
    page_size: Annotated[int, Field(ge=0), Asking] = 10_000
    """Values of a variable that are asked for at once; 0 leaves it to the server."""
    in_flight: Annotated[int, Field(ge=1, le=32), Asking] = 4
    """Variables that are read at the same time."""


class OpcUaSettings(Reached):
    """Without a user: anonymous. With a certificate: signed and encrypted."""

    user: str | None = None
    """User name."""
    password: str | None = None
    """Its password."""
    certificate: str | None = None
    """The client's certificate: the text of a PEM file by reference, or the path of a file."""
    private_key: str | None = None
    """Its key, by reference."""
    server_certificate: str | None = None
    """The server's certificate, where it shall be no other."""
    policy: Literal["Basic256Sha256", "Aes128Sha256RsaOaep", "Aes256Sha256RsaPss"] = "Basic256Sha256"
    """Security policy, with a certificate."""
    mode: Literal["Sign", "SignAndEncrypt"] = "SignAndEncrypt"
    """Security mode, with a certificate."""


class OpcUaHistory(Answers):
    """Asks OPC UA servers for history."""

    kind = "opcua_ha"
    version = "1"
    Options = OpcUaOptions

    def discover(self, place: Place) -> Iterator[Export]:
        """The windows that are due; the server is not asked for them."""
        own: OpcUaOptions = place.options
        of = place.path.strip("/") or "nodes"
        for question in due_questions(of, place.last, start=own.start, window=own.window, lookback=own.lookback, every=own.every):
            yield Export(f"{place.root}/{place.path}", question.name)

    def fetch(self, export: Export, place: Place, target: Path) -> None:
        """Writes what the server has of a window: values in the order of each variable's time."""
        client = _client()
        start, end = window_of(export.name)
        out, lost, is_any_read = Rows(target, list(COLUMNS), COLUMNS), list[str](), False
        for variable, values in client.history(place, start, end):
            if isinstance(values, str):
                lost.append(f"{variable.tag}: {values}")
                out.add([tuple(_lost(variable, values).values())])
            elif values:
                out.add([tuple(_row(variable, value).values()) for value in values])
            is_any_read = is_any_read or not isinstance(values, str)
        out.close()
        if not is_any_read:
            fix = "does the server keep history of these variables, and may this user read it?"
            raise ReadError(Problem("The server gives no history of any variable.", found=listed(lost, 5), fix=fix, actor="retry"))


def _client() -> Any:
    """The module that speaks OPC UA. Raises ReadError where its library is not installed."""
    try:
        from connectors.kinds.historians import opcua_client
    except ImportError as error:
        fix = "pip install 'plantlake[opcua]'"
        raise ReadError(
            Problem("The library of OPC UA is not installed.", found=f"no package {error.name}", fix=fix, actor="us")
        ) from error
    return opcua_client


def _about(variable: Any) -> dict[str, Any]:
    own = {"tag": variable.tag, "node_id": variable.node_id, "path": variable.path, "units": variable.units}
    return dict.fromkeys(COLUMNS) | own


def _lost(variable: Any, why: str) -> dict[str, Any]:
    """A variable that could not be read, as a record that is rejected with the server's words."""
    return _about(variable) | {SURPLUS: variable.node_id, UNREADABLE: f"the history of {variable.node_id} cannot be read: {why}"}


def _row(variable: Any, value: Any) -> dict[str, Any]:
    """One value as a row. Where its status is bad a value says nothing, and is left out; the code tells why."""
    word = quality.opc_ua(value.status)
    return _about(variable) | {
        "timestamp": value.at, "server_timestamp": value.server_at, "value": None if word == "BAD" else as_text(value.value),
        "value_type": value.kind, "quality": word, "quality_code": value.status,
        "quality_text": value.status_name if value.status else None,
    }  # fmt: skip


CONNECTOR = OpcUaHistory()
