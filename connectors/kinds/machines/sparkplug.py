"""Recorded messages of Sparkplug B (`kind: sparkplug`): what a tool beside a broker wrote down, a message a line.

Here: lines and topics, and what births and deaths mean for the messages behind them. Elsewhere: payloads in protobuf and JSON
(`connectors.kinds.machines.sparkplug_payload`), columns of samples (`connectors.kinds.historians.samples`).

A birth names the metrics of a node or device, their types and aliases; data may carry the alias alone, and an alias may mean something
else after the next birth. After a death no value is known: all metrics are stale until they are born again.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any, Literal

import polars as pl

from connectors import quality
from connectors.contract import FileConnector
from connectors.errors import Problem, ReadError
from connectors.kinds.files import text
from connectors.kinds.files.json_values import UnreadableError, as_text, refuse_repeated
from connectors.kinds.files.record_frames import Row, Spool, unreadable
from connectors.kinds.historians.samples import SAMPLE
from connectors.kinds.machines.sparkplug_payload import Metric, Payload, moment, only_value, payload_of, text_of
from connectors.strict import BESIDE, StrictModel

COLUMNS = (
    *SAMPLE, "group", "node", "device", "metric", "alias", "message_type", "seq", "missed", "historical", "transient", "properties",
    "received_at",
)  # fmt: skip
TYPES = ("NBIRTH", "NDATA", "NDEATH", "NCMD", "DBIRTH", "DDATA", "DDEATH", "DCMD")
TOPIC = re.compile(rf"spBv1\.0/([^/]+)/({'|'.join(TYPES)})/([^/]+)(?:/(.+))?")
STATE = re.compile(r"(?:spBv1\.0/)?STATE/(.+)")
BARE = re.compile(r"(?:(\S+(?: \d\d:\d\d:\S+)?)\s+)?((?:spBv1\.0|STATE)/\S+)\s+(\S.*)")
"""A line of a tool that writes no JSON: a time or none, topic, payload."""
OF_TOPIC = ("topic", "Topic")
OF_PAYLOAD = ("payload", "Payload", "payloadHex", "payload_hex", "payloadBase64", "message", "msg", "data")
OF_TIME = ("received_at", "tst", "received", "receivedAt", "time", "ts", "timestamp", "date")
UNITS = ("engUnit", "Engineering Units", "engineeringUnits", "EngUnit", "units")
QUALITY = ("Quality", "quality")


class SparkplugOptions(StrictModel):
    """What a capture itself does not say."""

    payload: Literal["auto", "json", "base64", "hex"] = "auto"
    """How payloads are written that are a text; default: JSON, else hex where all signs are hex, else base64."""
    births: Annotated[str | None, BESIDE] = None
    """A capture of births, below the plant's root: names, types and aliases for files that begin between two births."""
    encoding: str | None = None
    """Encoding of the file; default: detected."""
    member: str | None = None
    """Which file of a zip, by name or pattern, where it holds several."""


class Sparkplug(FileConnector):
    """Reads captures of Sparkplug B."""

    kind = "sparkplug"
    version = "1"
    Options = SparkplugOptions
    suffixes = (".jsonl", ".ndjson", ".log", ".txt")

    def read(self, path: Path, options: SparkplugOptions, records: str = "rows") -> pl.LazyFrame:
        """One row a metric of a message, in the order of the file. See `connectors.contract`."""
        nodes = _born(options) if options.births else {}
        spool = Spool(path, COLUMNS)
        for row in _rows(path, options, nodes):
            spool.add(row)
        return spool.frame()


# --- nodes and what was born on them -------------------------------------------------------------------------------------------


@dataclass(slots=True)
class Node:
    """What births have told of one edge node and its devices."""

    by_alias: dict[str, tuple[str | None, Metric]] = field(default_factory=dict)
    """Device (None: the node itself) and metric; an alias is unique on a node."""
    born: dict[tuple[str | None, str], Metric] = field(default_factory=dict)
    bd_seq: str | None = None
    """Pairs a birth with the death that was announced for it."""
    last_seq: int | None = None
    last_seen: str | None = None
    dead: set[str | None] = field(default_factory=set)
    """Devices (None: the node) that died and were not born again."""

    def forget(self, device: str | None, *, is_node: bool) -> None:
        """What a birth replaces: of a device its own metrics, of a node those of all its devices."""
        self.by_alias = {} if is_node else {alias: told for alias, told in self.by_alias.items() if told[0] != device}
        self.born = {} if is_node else {key: metric for key, metric in self.born.items() if key[0] != device}

    def missed(self, kind: str, seq: int | None) -> int | None:
        """Messages that are not in the capture, at least: the sequence goes from 0 to 255 and begins with a birth of the node."""
        last = self.last_seq
        if seq is None or kind in ("NDEATH", "NCMD", "DCMD"):
            return None
        self.last_seq = seq
        return None if kind == "NBIRTH" or last is None else (seq - last - 1) % 256 or None

    def is_dead(self, device: str | None) -> bool:
        return None in self.dead or device in self.dead


@dataclass(frozen=True, slots=True)
class Message:
    """One message: its topic in parts, its payload, when it was received."""

    kind: str
    group: str
    node: str
    device: str | None
    payload: Payload
    received: str | None

    @property
    def is_birth(self) -> bool:
        return self.kind.endswith("BIRTH")


def _born(options: SparkplugOptions) -> dict[tuple[str, str], Node]:
    """The nodes as a capture of births leaves them. Raises ReadError where that file cannot be read."""
    nodes: dict[tuple[str, str], Node] = {}
    try:
        for _ in _rows(Path(options.births or ""), options, nodes):
            pass
    except (ReadError, OSError) as error:
        told = f"The births in '{options.births}' cannot be read."
        raise ReadError(Problem(told, found=str(error)[:200], fix="options.births: <a capture of NBIRTH and DBIRTH>")) from error
    for node in nodes.values():
        node.last_seq = None  # the capture that is read may begin much later
    return nodes


def _rows(path: Path, options: SparkplugOptions, nodes: dict[tuple[str, str], Node]) -> Iterator[Row]:
    """Raises ReadError where no line is a message of Sparkplug."""
    first: UnreadableError | None = None
    is_readable = False
    for line in text.lines(text.lined(path, options.encoding, options.member, wanted="JSON")):
        if not line.strip():
            continue
        try:
            rows = list(_of_line(line, options, nodes))
            is_readable = True
        except (UnreadableError, RecursionError) as error:
            problem = error if isinstance(error, UnreadableError) else UnreadableError("the line is nested too deep")
            first = first or problem
            rows = [unreadable(line.encode("utf-8", "backslashreplace").decode(), problem.why)]
        yield from rows
    if first and not is_readable:
        told = f"No line of the file is a message of Sparkplug B: {first.why}."
        raise ReadError(Problem(told, found=first.found, fix="options.payload, or kind: json"))


# --- lines and topics ----------------------------------------------------------------------------------------------------------


def _of_line(line: str, options: SparkplugOptions, nodes: dict[tuple[str, str], Node]) -> Iterator[Row]:
    """The rows of one line. Raises UnreadableError."""
    topic, held, received = _parts(line)
    if isinstance(topic, str) and (host := STATE.fullmatch(topic)):
        yield _state(host[1], held, received)
        return
    kind, group, node, device = _address(topic)
    message = Message(kind, group, node, device, payload_of(held, options.payload), received)
    yield from _of_message(message, nodes.setdefault((group, node), Node()))


def _parts(line: str) -> tuple[Any, Any, str | None]:
    """Topic, payload and time of receipt."""
    if not line.lstrip().startswith("{"):
        if found := BARE.fullmatch(line.strip()):
            return found[2], found[3], _received(found[1])
        raise UnreadableError("the line is neither JSON nor topic and payload", found=line[:60])
    held = only_value(line.strip())
    refuse_repeated(held)
    topic = next((held[key] for key in OF_TOPIC if key in held), None)
    if topic is None:
        raise UnreadableError("the message has no topic", found=", ".join(list(held)[:6]))
    if "metrics" in held:
        return topic, held, None
    payload = next((held[key] for key in OF_PAYLOAD if key in held), None)
    return topic, payload, _received(next((as_text(held[key]) for key in OF_TIME if held.get(key) is not None), None))


def _received(told: str | None) -> str | None:
    """A time of receipt: milliseconds or seconds since 1970 as ISO 8601, any other text as it is.

    >>> _received("1672531200500"), _received("1672531200.5"), _received("2023-01-01T00:00:00.5Z+0000"), _received("06:00")
    ('2023-01-01T00:00:00.500Z', '2023-01-01T00:00:00.500Z', '2023-01-01T00:00:00.5Z', '06:00')
    """
    if told is None:
        return None
    if re.fullmatch(r"\d{12,14}", told):
        return moment(told)
    if re.fullmatch(r"\d{9,11}(\.\d{1,9})?", told):
        return moment(str(round(float(told) * 1000)))
    return told.removesuffix("+0000") if told.endswith("Z+0000") else told


def _address(topic: Any) -> tuple[str, str, str, str | None]:
    """Type, group, node and device of a topic: a text, or the object that libraries of Java make of it. Raises UnreadableError."""
    if isinstance(topic, dict):
        parts = [as_text(topic.get(key)) for key in ("type", "groupId", "edgeNodeId", "deviceId")]
        kind, group, node, device = parts
        if kind in TYPES and group and node:
            return kind, group, node, device or None
    elif found := TOPIC.fullmatch(str(topic)):
        group, kind, node, device = found.groups()
        if kind.startswith("D") == (device is not None):
            return kind, group, node, device
    raise UnreadableError("the topic is none of Sparkplug B", found=str(topic)[:80])


def _state(host: str, held: Any, received: str | None) -> Row:
    """Whether a host application is there: `{online, timestamp}`, or a word in older versions."""
    told = only_value(held.strip()) if isinstance(held, str) and held.lstrip().startswith("{") else held
    online = as_text(told.get("online")) if isinstance(told, dict) else as_text(told)
    stamp = as_text(told.get("timestamp")) if isinstance(told, dict) else None
    return {
        "tag": f"STATE/{host}", "timestamp": moment(stamp) or stamp or received, "value": online, "node": host, "metric": "online",
        "message_type": "STATE", "received_at": received,
    }  # fmt: skip


# --- messages ------------------------------------------------------------------------------------------------------------------


def _of_message(message: Message, node: Node) -> Iterator[Row]:
    missed = node.missed(message.kind, message.payload.seq)
    of_all: Row = {
        "group": message.group, "node": message.node, "device": message.device, "message_type": message.kind,
        "seq": None if message.payload.seq is None else str(message.payload.seq), "missed": None if missed is None else str(missed),
        "received_at": message.received,
    }  # fmt: skip
    sent = moment(message.payload.timestamp) or message.payload.timestamp
    if message.is_birth:
        node.forget(message.device, is_node=message.kind == "NBIRTH")
        node.dead.discard(message.device)
    for metric in message.payload.metrics:
        try:
            yield of_all | _of_metric(metric, message, node, sent)
        except UnreadableError as error:
            yield unreadable(f"{message.kind} {message.group}/{message.node}/{message.device or ''}: {metric.told}", error.why)
    if message.kind.endswith("DEATH"):
        yield from _stale(message, node, of_all)
    node.last_seen = sent or message.received or node.last_seen


def _of_metric(metric: Metric, message: Message, node: Node, sent: str | None) -> Row:
    """The row of a metric. Raises UnreadableError for an alias that no birth has told."""
    known = _resolved(metric, message, node)
    if message.is_birth and known.name:
        node.born[message.device, known.name] = known
        if known.alias is not None:
            node.by_alias[known.alias] = (message.device, known)
        if known.name == "bdSeq":
            node.bd_seq = text_of(known.value, known.datatype)
    code = next((known.properties[key] for key in QUALITY if key in known.properties), None)
    orphaned = not message.is_birth and message.kind.endswith("DATA") and node.is_dead(message.device)
    word = quality.sparkplug(int(code)) if code and code.isdecimal() and len(code) < 10 else None
    return {
        "tag": _tag(message, known.name), "timestamp": moment(known.timestamp) or known.timestamp or sent,
        "value": text_of(metric.value, known.datatype), "value_type": known.datatype,
        "units": next((known.properties[key] for key in UNITS if known.properties.get(key)), None),
        "quality": "UNCERTAIN" if orphaned and word != "BAD" else word, "quality_code": code,
        "quality_text": "no birth since the death" if orphaned else None,
        "metric": known.name, "alias": known.alias, "historical": "true" if metric.historical else "false",
        "transient": "true" if metric.transient else "false",
        "properties": json.dumps(known.properties, ensure_ascii=False) if known.properties else None,
    }  # fmt: skip


def _resolved(metric: Metric, message: Message, node: Node) -> Metric:
    """The metric, completed by the name, type and properties that its birth told."""
    if message.is_birth:
        if not metric.name:
            raise UnreadableError("a metric is born without a name")
        return metric
    born: Metric | None = None
    if metric.name:
        born = node.born.get((message.device, metric.name))
    elif metric.alias is None:
        raise UnreadableError("the metric has neither name nor alias")
    elif metric.alias not in node.by_alias:
        raise UnreadableError(f"the alias {metric.alias} was not told by a birth in this capture (options.births)")
    else:
        device, born = node.by_alias[metric.alias]
        if device != message.device:
            raise UnreadableError(f"the alias {metric.alias} belongs to {device or 'the node itself'}")
    if born is None:
        return metric
    metric.name, metric.alias, metric.datatype = born.name, born.alias, metric.datatype or born.datatype
    if born.properties:
        metric.properties = {key: value for key, value in born.properties.items() if key not in QUALITY} | metric.properties
    return metric


def _tag(message: Message, name: str | None) -> str:
    return "/".join(part for part in (message.group, message.node, message.device, name) if part)


def _stale(message: Message, node: Node, of_all: Mapping[str, str | None]) -> Iterator[Row]:
    """After a death every metric that was born is stale; one of a birth before the last (bdSeq) came too late to say anything.

    A death of a node was written when the node came, so its own time is of no use: it counts from when it was received, else from the
    last message.
    """
    is_node = message.kind == "NDEATH"
    told = next((text_of(metric.value, metric.datatype) for metric in message.payload.metrics if metric.name == "bdSeq"), None)
    if is_node and told is not None and node.bd_seq is not None and told != node.bd_seq:
        return
    own = None if is_node else moment(message.payload.timestamp) or message.payload.timestamp
    at = own or message.received or node.last_seen
    node.dead.add(message.device)
    lost = [(device, metric) for (device, _), metric in node.born.items() if is_node or device == message.device]
    for device, metric in lost:
        if metric.name != "bdSeq":
            tag = "/".join(part for part in (message.group, message.node, device, metric.name) if part)
            yield {
                **of_all, "tag": tag, "device": device, "metric": metric.name, "alias": metric.alias, "timestamp": at,
                "value_type": metric.datatype, "quality": "BAD", "quality_code": str(quality.STALE),
                "quality_text": f"stale since {message.kind}",
            }  # fmt: skip
    if not lost and not message.payload.metrics:
        yield unreadable(f"{message.kind} {_tag(message, None)}", "what died was not born in this capture (options.births)")


CONNECTOR = Sparkplug()
