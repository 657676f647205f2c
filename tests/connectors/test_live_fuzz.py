"""Whatever a server answers, asking it ends: with a file that reads or is refused in words, or with an error in words."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

pytest.importorskip("httpx", reason="extra http")

from odata_server import ODataServer
from plant_servers import Answer, Question, WebServer, web_server

from connectors.contract import Connector, Export, Place
from connectors.errors import ReadError
from connectors.registry import connector
from connectors.windows import Asked

DAY = datetime(2026, 11, 20, tzinfo=UTC)
WORDS = [
    "Items",
    "WebId",
    "Name",
    "Timestamp",
    "Value",
    "Errors",
    "Object",
    "d",
    "results",
    "value",
    "__next",
    "__count",
    "@odata.nextLink",
    "data",
]
LEAVES = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False)
    | st.sampled_from(["", "x", "Confs?$skiptoken=1", "http://[", "http://h:x/", *WORDS])
)
ANSWERS = st.recursive(
    LEAVES, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(WORDS), inner, max_size=4), max_leaves=12
)
BODIES = ANSWERS.map(json.dumps) | st.text(max_size=20) | st.binary(max_size=20)
KINDS: dict[str, dict[str, Any]] = {
    "pi_web_api": {"tags": ["A", "\\\\AF\\B|C"], "page_size": 2},
    "sap_odata": {"change": "ChangedAt"},
    "json": {"rows": "data", "ask": {"offset": "start", "page_size": 2}},
}


@pytest.fixture(scope="module")
def server() -> Iterator[WebServer]:
    """A server whose answers the examples set."""
    with ExitStack() as stack:
        yield stack.enter_context(web_server(lambda _: Answer()))


@pytest.mark.parametrize("kind", KINDS)
@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(bodies=st.lists(BODIES, min_size=1, max_size=4))
@example(bodies=['{"Items": [{"Object": {"WebId": "W"}}]}', '{"Items": [{"WebId": "W", "Items": [{"Timestamp": null}, {}]}]}'])
@example(bodies=['{"value": [], "@odata.nextLink": "//other/x"}'])
@example(bodies=['{"value": [], "@odata.nextLink": "http://["}'])
@example(bodies=['{"value": [], "@odata.nextLink": "Confs\\u0001"}'])
@example(bodies=['{"value": [], "@odata.nextLink": ":99999999999"}'])
def test_asking_ends(kind: str, server: WebServer, tmp_path: Path, bodies: list[str | bytes]) -> None:
    given_bodies = iter(bodies)
    metadata = ODataServer([])

    def answer(question: Question) -> Answer:
        if question.path.endswith("$metadata"):
            return metadata(question)
        return Answer(next(given_bodies, "{}"))

    server.answer = answer
    found: Connector = connector(kind)
    root = f"{server.url}/svc"
    place = Place(root, "Confs", found.Options.model_validate(KINDS[kind]), {"attempts": 1, "timeout_s": 5})
    name = Asked("Confs", DAY + timedelta(days=1), *((DAY, DAY + timedelta(days=1)) if kind == "pi_web_api" else ()), suffix=".json").name
    with suppress(ReadError):
        found.fetch(Export(root, name), place, tmp_path / "answer.json")
        found.read(tmp_path / "answer.json", place.options).collect()
