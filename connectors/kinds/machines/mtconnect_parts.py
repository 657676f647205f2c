"""What MTConnect documents are made of, whether they are XML or JSON, and which documents are refused.

Here: one observation as delivered, and the words of the standard that both forms share. Elsewhere: the two forms
(`connectors.kinds.machines.mtconnect`, `connectors.kinds.machines.mtconnect_json`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NoReturn

from connectors.errors import Problem, ReadError

CATEGORIES = {"samples": "SAMPLE", "events": "EVENT", "condition": "CONDITION", "conditions": "CONDITION"}
"""Containers of observations by their name in small letters (JSON v1 writes it so)."""
NEXT = {
    "MTConnectDevices": "options.devices of a source whose path is the streams, or `path:` without this file",
    "MTConnectAssets": "kind: xml for assets, or `path:` without this file",
}


@dataclass(frozen=True, slots=True)
class Entry:
    """A value: of an observation, of an entry of a data set, or of a cell of a table."""

    value: str | None
    key: str | None = None
    cell: str | None = None
    removed: str | None = None


@dataclass(frozen=True, slots=True)
class Observation:
    """One observation as it stands in its document."""

    category: str
    element: str
    """Name of its element (a condition: its level)."""
    about: Mapping[str, str]
    """Its attributes."""
    value: str | None
    entries: tuple[Entry, ...]
    device: Mapping[str, str]
    component: Mapping[str, str]
    instance: str | None


def refuse_other(root: str) -> None:
    """Raises ReadError when the document is of another kind; errors of agents are told where their code stands."""
    if root in ("MTConnectStreams", "MTConnectError"):
        return
    fix = NEXT.get(root, "kind: xml, or the kind for this format")
    raise ReadError(Problem("The document is no MTConnectStreams document.", found=f"the root element {root}", fix=fix))


def refuse_error(code: str | None, said: str | None) -> NoReturn:
    """Raises the ReadError for an answer that is an MTConnectError: the agent delivered no observations."""
    told = f"The agent answered with the error {code or 'of no code'} instead of observations."
    behind = "ask again from the agent's firstSequence: what its buffer no longer holds is lost"
    fix = behind if code == "OUT_OF_RANGE" else "correct the request that the agent answered, and ask it again"
    raise ReadError(Problem(told, found=(said or "no text")[:200], fix=fix))
