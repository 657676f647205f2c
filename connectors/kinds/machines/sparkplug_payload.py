"""Payloads of Sparkplug B: protobuf, or JSON as the tools around brokers write it, to the same metrics.

Here: one payload, the layout of its protobuf, values by their data types. Elsewhere: topics, births and deaths
(`connectors.kinds.machines.sparkplug`).

The layout is stated as numbers and types of fields, from which the `protobuf` package makes the parser: there is no generated code.
"""

from __future__ import annotations

import base64
import json
import re
import struct
import zlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cache, lru_cache
from typing import Any

import numpy as np

from connectors.kinds.files.json_values import Number, UnreadableError, as_text, dumped, refuse_repeated, value_at

DATATYPES = (
    "Unknown", "Int8", "Int16", "Int32", "Int64", "UInt8", "UInt16", "UInt32", "UInt64", "Float", "Double", "Boolean", "String", "DateTime",
    "Text", "UUID", "DataSet", "Bytes", "File", "Template", "PropertySet", "PropertySetList", "Int8Array", "Int16Array", "Int32Array",
    "Int64Array", "UInt8Array", "UInt16Array", "UInt32Array", "UInt64Array", "FloatArray", "DoubleArray", "BooleanArray", "StringArray",
    "DateTimeArray",
)  # fmt: skip
"""By their numbers."""
SIGNED = {"Int8": 8, "Int16": 16, "Int32": 32, "Int64": 64}
ARRAYS = {
    "Int8Array": "b", "Int16Array": "h", "Int32Array": "i", "Int64Array": "q", "UInt8Array": "B", "UInt16Array": "H", "UInt32Array": "I",
    "UInt64Array": "Q", "FloatArray": "f", "DoubleArray": "d", "DateTimeArray": "Q",
}  # fmt: skip
COMPRESSED = "SPBV1.0_COMPRESSED"
LARGEST = 64 << 20
"""Bytes of a payload that was compressed; more is a bomb."""
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
HEX = re.compile(r"(?:[0-9A-Fa-f]{2})+")


@dataclass(slots=True)
class Metric:
    """One metric as it was sent; its value waits for the data type, which a birth may have told."""

    name: str | None = None
    alias: str | None = None
    timestamp: str | None = None
    datatype: str | None = None
    value: Any = None
    historical: bool = False
    transient: bool = False
    properties: dict[str, str | None] = field(default_factory=dict)
    held: Any = None
    """The metric as it was delivered, for whoever has to see one that cannot be read."""

    @property
    def told(self) -> str:
        return dumped(dict(self.held)) if isinstance(self.held, dict) else str(self.held).strip().replace("\n", " ")


@dataclass(frozen=True, slots=True)
class Payload:
    """One payload: when it was sent, its place in the sequence, its metrics."""

    timestamp: str | None
    seq: int | None
    metrics: Sequence[Metric]


def payload_of(held: Any, encoding: str = "auto") -> Payload:
    """A payload that stands in a capture: an object, bytes as numbers, or a text with JSON, hex or base64. Raises UnreadableError."""
    if isinstance(held, dict) and held.get("type") == "Buffer":
        held = held.get("data")  # what Node.js makes of bytes
    if isinstance(held, dict):
        return _of_json(held)
    if isinstance(held, list) and all(isinstance(byte, Number) and byte.isdecimal() and int(byte) < 256 for byte in held):
        return _of_bytes(bytes(int(byte) for byte in held))
    if not isinstance(held, str):
        raise UnreadableError("there is no payload")
    text = held.strip()
    if encoding == "json" or (encoding == "auto" and text.startswith("{")):
        found = only_value(text)
        if not isinstance(found, dict):
            raise UnreadableError(f"the payload is no JSON object: {text[:40]}")
        return _of_json(found)
    return _of_bytes(_decoded(text, encoding))


def only_value(text: str) -> Any:
    """The one value of JSON that a text holds. Raises UnreadableError."""
    found, end = value_at(text)
    if text[end:].strip():
        raise UnreadableError("more than one value stands in the text", found=text[end : end + 60])
    return found


def _decoded(text: str, encoding: str) -> bytes:
    """Bytes of a text of hex (which base64 could be too, but for payloads of more than a few bytes never is) or base64."""
    if encoding == "hex" or (encoding == "auto" and HEX.fullmatch(text)):
        try:
            return bytes.fromhex(text)
        except ValueError as error:
            raise UnreadableError("the payload is not hexadecimal") from error
    try:
        return base64.b64decode(text, validate=True)
    except ValueError as error:
        raise UnreadableError("the payload is neither JSON nor hex nor base64") from error


# --- protobuf ------------------------------------------------------------------------------------------------------------------

LAYOUT: Mapping[str, Mapping[int, tuple[str, str]]] = {
    "Payload": {1: ("timestamp", "uint64"), 2: ("metrics", "*Metric"), 3: ("seq", "uint64"), 4: ("uuid", "string"), 5: ("body", "bytes")},
    "Metric": {
        1: ("name", "string"), 2: ("alias", "uint64"), 3: ("timestamp", "uint64"), 4: ("datatype", "uint32"), 5: ("is_historical", "bool"),
        6: ("is_transient", "bool"), 7: ("is_null", "bool"), 8: ("metadata", "MetaData"), 9: ("properties", "PropertySet"),
        10: ("int_value", "uint32"), 11: ("long_value", "uint64"), 12: ("float_value", "float"), 13: ("double_value", "double"),
        14: ("boolean_value", "bool"), 15: ("string_value", "string"), 16: ("bytes_value", "bytes"), 17: ("dataset_value", "DataSet"),
        18: ("template_value", "Template"),
    },
    "MetaData": {
        1: ("is_multi_part", "bool"), 2: ("content_type", "string"), 3: ("size", "uint64"), 4: ("seq", "uint64"),
        5: ("file_name", "string"), 6: ("file_type", "string"), 7: ("md5", "string"), 8: ("description", "string"),
    },
    "PropertySet": {1: ("keys", "*string"), 2: ("values", "*PropertyValue")},
    "PropertyValue": {
        1: ("type", "uint32"), 2: ("is_null", "bool"), 3: ("int_value", "uint32"), 4: ("long_value", "uint64"), 5: ("float_value", "float"),
        6: ("double_value", "double"), 7: ("boolean_value", "bool"), 8: ("string_value", "string"), 9: ("propertyset_value", "PropertySet"),
        10: ("propertysets_value", "PropertySetList"),
    },
    "PropertySetList": {1: ("propertyset", "*PropertySet")},
    "DataSet": {1: ("num_of_columns", "uint64"), 2: ("columns", "*string"), 3: ("types", "*uint32"), 4: ("rows", "*Row")},
    "Row": {1: ("elements", "*Element")},
    "Element": {
        1: ("int_value", "uint32"), 2: ("long_value", "uint64"), 3: ("float_value", "float"), 4: ("double_value", "double"),
        5: ("boolean_value", "bool"), 6: ("string_value", "string"),
    },
    "Template": {
        1: ("version", "string"), 2: ("metrics", "*Metric"), 3: ("parameters", "*Parameter"), 4: ("template_ref", "string"),
        5: ("is_definition", "bool"),
    },
    "Parameter": {
        1: ("name", "string"), 2: ("type", "uint32"), 3: ("int_value", "uint32"), 4: ("long_value", "uint64"), 5: ("float_value", "float"),
        6: ("double_value", "double"), 7: ("boolean_value", "bool"), 8: ("string_value", "string"),
    },
}  # fmt: skip
"""Messages of the specification (Sparkplug 3.0, chapter 6.4): number, name and type of each field, '*' where it repeats."""


@cache
def _message() -> Any:
    """The class that parses a payload."""
    from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

    kinds = descriptor_pb2.FieldDescriptorProto
    file = descriptor_pb2.FileDescriptorProto(name="plantlake_sparkplug_b.proto", package="plantlake.sparkplug_b", syntax="proto2")
    for message, fields in LAYOUT.items():
        made = file.message_type.add(name=message)
        for number, (name, kind) in fields.items():
            plain = kind.removeprefix("*")
            added = made.field.add(name=name, number=number, label=kinds.LABEL_REPEATED if plain != kind else kinds.LABEL_OPTIONAL)
            if plain in LAYOUT:
                added.type, added.type_name = kinds.TYPE_MESSAGE, f".plantlake.sparkplug_b.{plain}"
            else:
                added.type = getattr(kinds, f"TYPE_{plain.upper()}")
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    return message_factory.GetMessageClass(pool.FindMessageTypeByName("plantlake.sparkplug_b.Payload"))


def _of_bytes(data: bytes) -> Payload:
    from google.protobuf.message import DecodeError

    try:
        found = _message().FromString(data)
        if found.uuid == COMPRESSED:
            found = _message().FromString(_unpacked(found.body))
        metrics = [_of_metric(metric) for metric in found.metrics]
    except UnreadableError:
        raise
    except (DecodeError, ValueError, zlib.error) as error:  # a text that is no UTF-8 is a ValueError
        raise UnreadableError("the payload is no protobuf of Sparkplug B") from error
    return Payload(_given(found, "timestamp"), found.seq if found.HasField("seq") else None, metrics)


def _unpacked(body: bytes) -> bytes:
    """Raises UnreadableError where nothing sensible can be so large."""
    unpacker = zlib.decompressobj(wbits=47)  # gzip and deflate alike
    found = unpacker.decompress(body, LARGEST)
    if unpacker.unconsumed_tail:
        raise UnreadableError(f"the compressed payload is larger than {LARGEST >> 20} MB")
    return found


def _given(message: Any, name: str) -> str | None:
    return str(getattr(message, name)) if message.HasField(name) else None


def _of_metric(metric: Any) -> Metric:
    keys, values = metric.properties.keys, metric.properties.values
    return Metric(
        _given(metric, "name"), _given(metric, "alias"), _given(metric, "timestamp"), _named(_given(metric, "datatype")),
        None if metric.is_null else _value_of(metric), metric.is_historical, metric.is_transient,
        {key: text_of(_value_of(value), _named(_given(value, "type"))) for key, value in zip(keys, values, strict=False)},
        held=metric,
    )  # fmt: skip


def _value_of(message: Any) -> Any:
    """The value that is set, as Python has it; messages as what JSON would hold."""
    from google.protobuf.json_format import MessageToDict

    for descriptor, value in message.ListFields():
        if descriptor.name.endswith("_value"):
            if descriptor.message_type is not None:
                return json.dumps(MessageToDict(value, preserving_proto_field_name=True), ensure_ascii=False)
            return np.float32(value) if descriptor.name == "float_value" else value
    return None


# --- JSON ----------------------------------------------------------------------------------------------------------------------


def _of_json(held: dict[str, Any]) -> Payload:
    """A payload as Tahu, Ignition, Chariot, Node-RED or a script writes it."""
    refuse_repeated(held)
    plain = {_key(key): value for key, value in held.items()}
    metrics = plain.get("metrics", [])
    if "metrics" not in plain and not plain.keys() & {"timestamp", "seq"}:
        raise UnreadableError("the payload has no metrics")
    if not isinstance(metrics, list) or not all(isinstance(metric, dict) for metric in metrics):
        raise UnreadableError("the payload's metrics are no array of objects")
    for metric in metrics:
        refuse_repeated(metric)
    seq = _number(plain.get("seq"))
    return Payload(
        _number(plain.get("timestamp")), int(seq) if seq and seq.isdecimal() else None, [_of_object(metric) for metric in metrics]
    )


@lru_cache(maxsize=1000)
def _key(key: str) -> str:
    """`is_historical`, `isHistorical` and `IsHistorical` are one key."""
    return key.replace("_", "").casefold()


def _of_object(held: Mapping[str, Any]) -> Metric:
    plain = {_key(key): value for key, value in held.items()}
    values = [value for key, value in plain.items() if key == "value" or (key.endswith("value") and key != "metadatavalue")]
    value = next((found for found in values if found is not None), None)
    return Metric(
        as_text(plain.get("name")), _number(plain.get("alias")), _number(plain.get("timestamp")),
        _named(as_text(plain.get("datatype", plain.get("type")))), None if _is(plain, "isnull") else value,
        _is(plain, "ishistorical") or _is(plain, "historical"), _is(plain, "istransient") or _is(plain, "transient"),
        dict(_properties(plain.get("properties"))), held=held,
    )  # fmt: skip


def _is(held: Mapping[str, Any], key: str) -> bool:
    return held.get(key) is True or str(held.get(key)).casefold() in ("true", "1")


def _number(value: Any) -> str | None:
    """A number as text: as it is, or of the two halves into which JavaScript splits 64 bits."""
    if isinstance(value, dict) and {"low", "high"} <= value.keys():
        return str(_whole(value))
    return as_text(value)


def _whole(halves: Mapping[str, Any]) -> int:
    try:
        low, high = (int(str(halves[half])) & 0xFFFFFFFF for half in ("low", "high"))
    except ValueError as error:
        raise UnreadableError("a number of 64 bits has halves that are no numbers") from error
    return high << 32 | low


def _properties(held: Any) -> Iterator[tuple[str, str | None]]:
    """Properties by their names, in any of the forms: two arrays, objects with type and value, bare values."""
    if isinstance(held, dict) and isinstance(held.get("keys"), list) and isinstance(held.get("values"), list):
        held = dict(zip(map(str, held["keys"]), held["values"], strict=False))
    for name, told in held.items() if isinstance(held, dict) else ():
        value: Any = told
        if isinstance(told, dict):
            inner = _of_object({key: part for key, part in told.items() if _key(key) != "properties"})
            value, kind = inner.value, inner.datatype
            yield name, text_of(value, kind)
        else:
            yield name, as_text(value)


# --- values --------------------------------------------------------------------------------------------------------------------


@lru_cache(maxsize=1000)
def _named(datatype: str | None) -> str | None:
    """The name of a data type by its number or its name; what is neither stays as it is.

    >>> _named("9"), _named("int32"), _named("integer"), _named("0")
    ('Float', 'Int32', 'integer', None)
    """
    if datatype is None or datatype == "0" or datatype.casefold() == "unknown":
        return None
    if datatype.isdecimal():
        return DATATYPES[int(datatype)] if len(datatype) < 4 and int(datatype) < len(DATATYPES) else datatype
    return next((name for name in DATATYPES if name.casefold() == datatype.casefold()), datatype)


def text_of(value: Any, datatype: str | None) -> str | None:
    """A value as text. Signed numbers travel as unsigned ones: 4294967295 of an Int32 is -1.

    >>> text_of(4294967295, "Int32"), text_of(Number("255"), "Int8"), text_of(Number("-1"), "Int8"), text_of(np.float32(0.1), "Float")
    ('-1', '-1', '-1', '0.1')
    >>> text_of(1672531200500, "DateTime"), text_of(b"\\x01\\x00\\xff\\xff", "Int16Array"), text_of(True, "Boolean")
    ('2023-01-01T00:00:00.500Z', '[1, -1]', 'true')
    """
    if value is None:
        return None
    if isinstance(value, dict) and {"low", "high"} <= value.keys():
        value = _whole(value)
    if isinstance(value, bytes):
        return _array(value, datatype)
    if datatype in SIGNED or datatype == "DateTime":
        whole = str(value)
        if re.fullmatch(r"-?\d{1,20}", whole):
            return moment(whole) or whole if datatype == "DateTime" else _signed(int(whole), SIGNED[datatype or ""])
    if isinstance(value, bool | np.bool_):
        return "true" if value else "false"
    if datatype == "Boolean" and str(value) in ("0", "1"):
        return "true" if str(value) == "1" else "false"
    return str(value) if isinstance(value, int | float | np.floating) else as_text(value)


def _signed(number: int, bits: int) -> str:
    """Sign-extended to 32 or 64 bits or not, as writers differ."""
    low = number & (1 << bits) - 1
    is_wrapped = number >= 1 << bits - 1
    return str(low - (1 << bits) if is_wrapped and low >> bits - 1 else number)


def _array(data: bytes, datatype: str | None) -> str:
    """An array as JSON; bytes that are none as base64."""
    if code := ARRAYS.get(datatype or ""):
        size = struct.calcsize(code)
        values = struct.unpack(f"<{len(data) // size}{code}", data[: len(data) // size * size])
        return json.dumps([float(str(np.float32(value))) if code == "f" else value for value in values])
    if datatype == "StringArray":
        return json.dumps([part.decode("utf-8", "replace") for part in data.removesuffix(b"\x00").split(b"\x00")], ensure_ascii=False)
    if datatype == "BooleanArray" and len(data) >= 4:
        count = min(int.from_bytes(data[:4], "little"), (len(data) - 4) * 8)
        return json.dumps([bool(data[4 + place // 8] >> 7 - place % 8 & 1) for place in range(count)])
    return base64.b64encode(data).decode()


@lru_cache(maxsize=4096)
def moment(milliseconds: str | None) -> str | None:
    """Milliseconds since 1970 in ISO 8601; None for what is none.

    >>> moment("1672531200500"), moment("x"), moment(None), moment("99999999999999999")
    ('2023-01-01T00:00:00.500Z', None, None, None)
    """
    if not milliseconds or not re.fullmatch(r"-?\d{1,17}", milliseconds):
        return None
    try:
        found = EPOCH + timedelta(milliseconds=int(milliseconds))
    except OverflowError:
        return None
    return f"{found:%Y-%m-%dT%H:%M:%S}.{found.microsecond // 1000:03}Z"
