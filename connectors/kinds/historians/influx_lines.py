"""Line protocol of InfluxDB to samples: `measurement,tag=a field=1.5,other=2i 1672531200000000000`.

Here: one line, its escapes and types, and which lines are none. Elsewhere: options, files, quality (`connectors.kinds.historians.influx`).
"""

from __future__ import annotations

import json
import re
from collections import deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from functools import lru_cache

from connectors.errors import Problem, ReadError
from connectors.kinds.files.record_frames import Row, unreadable

SERIES = re.compile(r"\s*((?:[^\s\\]++|\\.)++) +")
"""Measurement and tags: all up to the first blank that is not escaped. Nothing is tried twice, however long the line."""
FIELD = re.compile(r'((?:[^=,\\ "]|\\.)(?:[^=,\\ ]++|\\.)*+)=("(?:[^"\\]++|\\.)*+"|[^, "]++)(,| +|\Z)', re.DOTALL)
STAMP = re.compile(r"-?\d{1,19}")
TYPES = {
    re.compile(r"-?\d+i"): "integer",
    re.compile(r"\d+u"): "unsigned",
    re.compile(r"[-+]?(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?"): "float",
    re.compile(r"t|T|true|True|TRUE|f|F|false|False|FALSE"): "boolean",
}
LONGEST_TEXT = 500
"""Lines that one quoted value may span; beyond it the quote is taken for a stray one."""
PER_SECOND = {"ns": 10**9, "us": 10**6, "ms": 10**3, "s": 1}
CONTEXT = {"# CONTEXT-DATABASE:": "database", "# CONTEXT-RETENTION-POLICY:": "retention_policy"}
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
LIKELY = range(1990, 2101)
"""Years in which plants sample; stamps of another precision lie in 1970, or in millions of years."""


class LineError(ValueError):
    """Why a line cannot be read, in words that follow 'UNREADABLE:'."""


def samples(lines: Iterable[str], precision: str, quality: str | None, columns: Sequence[str] = ()) -> Iterator[Row]:
    """One row a field of each point, with the tags that are to be columns. `quality` names the tag or field that judges the others.

    Raises ReadError where no time fits the precision.
    """
    context: Row = {}
    for text in _points(lines, context):
        try:
            yield from _rows(text, precision, quality, columns, context)
        except LineError as error:
            yield unreadable(text, str(error))


def _points(lines: Iterable[str], context: Row) -> Iterator[str]:
    """The texts of points, which may hold line breaks in quotes; comments tell the database, and between DDL and DML stand statements."""
    held: list[str] = []
    is_statement = is_open = False
    again: deque[str] = deque()
    coming = iter(lines)
    while (line := again.popleft() if again else next(coming, None)) is not None:
        if not held:
            if line.startswith("#"):
                is_statement = line.strip() == "# DDL" or (is_statement and line.strip() != "# DML")
                name, found, value = line.partition(":")
                if name + found in CONTEXT:
                    context[CONTEXT[name + found]] = value.strip()
                continue
            if is_statement or not line.strip():
                continue
        held.append(line)
        is_open ^= bool(_quotes(line) & 1)
        if not is_open:
            yield "\n".join(held)
            held = []
        elif len(held) > LONGEST_TEXT:
            yield held[0]
            again.extendleft(reversed(held[1:]))
            held, is_open = [], False
    if held:
        yield "\n".join(held)


def _quotes(line: str) -> int:
    """How many quotes of a line open or close a text."""
    return line.replace("\\\\", "").replace('\\"', "").count('"') if '"' in line else 0


def _rows(text: str, precision: str, quality: str | None, columns: Sequence[str], context: Row) -> Iterator[Row]:
    found = SERIES.match(text)
    if not found:
        raise LineError("there is no blank between series and fields")
    measurement, tags, told, name = series(found[1])
    fields, stamp = _fields(text, found.end())
    moment = _iso(stamp, precision)
    code = tags.get(quality) if quality else None
    if quality in fields:
        code = fields.pop(quality)[0]
    of_point: Row = {**context, "timestamp": moment, "quality_code": code, "measurement": measurement, "tags": told}
    for column in columns:
        of_point[f"tags.{column}"] = tags.get(column)
    for key, (value, value_type) in fields.items():
        yield {**of_point, "tag": f"{name}:{key}", "value": value, "value_type": value_type, "field": key}


@lru_cache(maxsize=50_000)
def series(text: str) -> tuple[str, Mapping[str, str], str, str]:
    """Measurement, tags, tags as JSON, and the name of the series, its tags in the order of their keys. Raises LineError.

    >>> series(r"oven\\ 1,zone=a\\,b,unit=M\\=4")
    ('oven 1', {'unit': 'M=4', 'zone': 'a,b'}, '{"unit":"M=4","zone":"a,b"}', 'oven 1,unit=M=4,zone=a,b')
    """
    measurement, *pairs = _split(text, ",")
    tags: dict[str, str] = {}
    for pair in pairs:
        parts = _split(pair, "=")
        if len(parts) != 2 or not all(parts):
            raise LineError(f"'{pair[:40]}' is no tag=value")
        key, value = map(_plain, parts)
        if key in tags:
            raise LineError(f"the tag '{key}' is there twice")
        tags[key] = value
    if not measurement:
        raise LineError("there is no measurement")
    ordered = dict(sorted(tags.items()))
    return _plain(measurement), ordered, as_json(ordered), name_of(_plain(measurement), ordered)


def as_json(tags: Mapping[str, str]) -> str:
    return json.dumps(tags, ensure_ascii=False, separators=(",", ":"))


def name_of(measurement: str, tags: Mapping[str, str]) -> str:
    return ",".join([measurement, *(f"{key}={value}" for key, value in tags.items())])


def _split(text: str, sign: str) -> list[str]:
    """The parts between signs that are not escaped."""
    return text.split(sign) if "\\" not in text else re.split(rf"(?<!\\){sign}", text)


def _plain(text: str) -> str:
    return re.sub(r"\\([,= ])", r"\1", text) if "\\" in text else text


def _fields(text: str, at: int) -> tuple[dict[str, tuple[str, str]], str | None]:
    """The fields with their types, and the time as it is written, if any. Raises LineError."""
    fields: dict[str, tuple[str, str]] = {}
    while True:
        found = FIELD.match(text, at)
        if not found:
            raise LineError(f"no field=value stands at '{text[at : at + 40]}'")
        key, at = _plain(found[1]), found.end()
        if key in fields:
            raise LineError(f"the field '{key}' is there twice")
        fields[key] = _typed(found[2])
        if found[3] != ",":
            break
    stamp = text[at:].strip()
    if stamp and not STAMP.fullmatch(stamp):
        raise LineError(f"'{stamp[:40]}' is no time")
    return fields, stamp or None


def _typed(written: str) -> tuple[str, str]:
    """A value and its type.

    >>> _typed("5i"), _typed("1.50"), _typed("T"), _typed('"5"')
    (('5', 'integer'), ('1.50', 'float'), ('true', 'boolean'), ('5', 'string'))
    """
    if written.startswith('"'):
        return re.sub(r'\\(["\\])', r"\1", written[1:-1]), "string"
    for pattern, name in TYPES.items():
        if pattern.fullmatch(written):
            if name == "boolean":
                return ("true" if written[0] in "tT" else "false"), name
            return written.rstrip("iu"), name
    raise LineError(f"'{written[:40]}' is no value")


def _iso(stamp: str | None, precision: str) -> str | None:
    """The moment of a stamp in UTC, with the digits of its precision.

    >>> _iso("1672531200000000001", "ns"), _iso("1672531200500", "ms"), _iso("1672531200", "s")
    ('2023-01-01T00:00:00.000000001Z', '2023-01-01T00:00:00.500Z', '2023-01-01T00:00:00Z')
    """
    if stamp is None:
        return None
    per = PER_SECOND[precision]
    seconds, part = divmod(int(stamp), per)
    digits = len(str(per)) - 1
    return f"{_second(seconds)}.{part:0{digits}}Z" if digits else f"{_second(seconds)}Z"


@lru_cache(maxsize=4096)
def _second(seconds: int) -> str:
    try:
        moment = EPOCH + timedelta(seconds=seconds)
    except OverflowError as error:
        raise LineError("the time lies beyond all calendars: it has another precision") from error
    if moment.year not in LIKELY:
        raise LineError(f"the time lies in {moment.year}: it has another precision")
    return moment.strftime("%Y-%m-%dT%H:%M:%S")


def refuse_wrong_precision(first: str | None, precision: str) -> None:
    """Raises ReadError where the first time of a file does not fit the precision, but another one."""
    if first is None or _fits(first, precision):
        return
    better = next((name for name in PER_SECOND if _fits(first, name)), None)
    if better:
        told = f"The times of the file are not of the precision '{precision}'."
        raise ReadError(Problem(told, found=first, closest=better, fix=f"options.precision: {better}"))


def _fits(stamp: str, precision: str) -> bool:
    try:
        _iso(stamp, precision)
    except LineError:
        return False
    return True
