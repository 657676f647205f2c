"""A PI Web API for tests: its answers have the shapes of the real one, made of what a test says the server has recorded.

Here: searches, points and attributes by path, recorded values with PI's limit of items. Elsewhere: the web server (`plant_servers`).
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import Any

from plant_servers import Answer, Question

SERVER = "PI1"


@dataclass
class PiServer:
    """`recorded`: name of a point, or path of an attribute: its values by time, as items. `limit`: most items of an answer."""

    recorded: dict[str, list[dict[str, Any]]]
    limit: int = 150_000
    errors: dict[str, str] = field(default_factory=dict)
    """Streams whose values cannot be read, with the server's words."""

    def __call__(self, question: Question) -> Answer:
        path = question.path.removeprefix("/piwebapi/").split("/")
        asked = question.params
        if path == ["dataservers"]:
            return self._servers(asked)
        if path[0] == "dataservers" and path[2] == "points":
            start, most = int(asked["startIndex"][0]), int(asked["maxCount"][0])
            names = [name for name in sorted(self.recorded) if "|" not in name and fnmatchcase(name, asked["nameFilter"][0])]
            return said({"Links": {}, "Items": [self._about(name) for name in names[start : start + most]]})
        if path[1:] == ["multiple"]:
            return said({"Links": {}, "Items": [self._one(text) for text in asked["path"]]}, 207)
        if path == ["streamsets", "recorded"]:
            return said({"Links": {}, "Items": [self._stream(web_id, asked) for web_id in asked["webId"]]})
        if path[0] == "streams" and path[2] == "recorded":
            return said({"Links": {}, "Items": self._values(path[1][2:], asked), "UnitsAbbreviation": ""})
        return said({"Errors": ["The request is not known."]}, 404)

    def _servers(self, asked: dict[str, list[str]]) -> Answer:
        if "path" not in asked:
            return said({"Items": [{"Name": SERVER}]})
        if asked["path"] != [f"\\\\{SERVER}"]:
            return said({"Errors": ["PI Server not found."]}, 404)
        return said({"WebId": "DS1"})

    def _about(self, name: str) -> dict[str, Any]:
        return {"WebId": f"W-{name}", "Name": name.rpartition("|")[2], "Path": name if "|" in name else f"\\\\{SERVER}\\{name}"}

    def _one(self, path: str) -> dict[str, Any]:
        name = path if "|" in path else path.removeprefix(f"\\\\{SERVER}\\")
        known = name in self.recorded
        exception = None if known else {"Errors": [f"PI Point not found '{name}'."]}
        return {"Identifier": path, "IdentifierType": "Path", "Object": self._about(name) if known else None, "Exception": exception}

    def _stream(self, web_id: str, asked: dict[str, list[str]]) -> dict[str, Any]:
        name = web_id[2:]
        about = self._about(name) | {"Links": {}}
        if name in self.errors:
            return about | {"Errors": [self.errors[name]]}
        return about | {"Items": self._values(name, asked), "UnitsAbbreviation": ""}

    def _values(self, name: str, asked: dict[str, list[str]]) -> list[dict[str, Any]]:
        start, end = (asked[key][0] for key in ("startTime", "endTime"))
        found = [item for item in self.recorded[name] if start <= item["Timestamp"] <= end]
        return found[: min(int(asked["maxCount"][0]), self.limit)]


def said(body: Any, status: int = 200) -> Answer:
    return Answer(json.dumps(body), status, {"Content-Type": "application/json; charset=utf-8"})


def item(stamp: str, value: Any, *, good: bool = True) -> dict[str, Any]:
    """A timed value as PI Web API writes it."""
    return {
        "Timestamp": stamp, "Value": value, "UnitsAbbreviation": "", "Good": good, "Questionable": False, "Substituted": False,
        "Annotated": False,
    }  # fmt: skip
