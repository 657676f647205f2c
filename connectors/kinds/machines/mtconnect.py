"""MTConnectStreams documents (`kind: mtconnect`): what an agent answers to `current` and `sample`, in XML or JSON.

Here: options and observations of one document of any version, whatever its namespaces, prefixes and vendor extensions. Elsewhere:
JSON to the same parts (`connectors.kinds.machines.mtconnect_json`), states and part counts made of observations
(`connectors.kinds.machines.observations`), text of adapters (`connectors.kinds.machines.mtconnect_shdr`), Devices.xml
(`connectors.kinds.machines.devices`).

An observation is one record; a data set is one record an entry, a table one a cell. Attributes without a column of their own are
kept as JSON, so that nothing of a vendor's extension is lost.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated

import polars as pl

from connectors.contract import ROW, FileConnector
from connectors.kinds.documents import xml_text
from connectors.kinds.files.record_frames import Record, framed
from connectors.kinds.files.text import document
from connectors.kinds.machines import mtconnect_json
from connectors.kinds.machines.devices import ITEM, items_by_id
from connectors.kinds.machines.mtconnect_parts import CATEGORIES, Entry, Observation, refuse_error, refuse_other
from connectors.kinds.machines.observations import UNAVAILABLE, ItemOptions, counts, refuse_unknown_items, states
from connectors.strict import BESIDE

COLUMNS = (
    "timestamp", "duration", "device", "data_item", "category", "type", "sub_type", "units", "native_units", "component", "value",
    "unavailable", "native_code", "native_severity", "qualifier", "message", "name", "device_uuid", "component_type", "composition",
    "condition_id", "entry", "cell", "entry_removed", "reset_triggered", "sample_count", "sample_rate", "statistic", "asset_type",
    "attributes", "sequence", "instance_id",
)  # fmt: skip
OF_ATTRIBUTE = {
    "timestamp": "timestamp", "duration": "duration", "dataItemId": "data_item", "type": "type", "subType": "sub_type", "units": "units",
    "nativeUnits": "native_units", "nativeCode": "native_code", "nativeSeverity": "native_severity", "qualifier": "qualifier",
    "name": "name", "compositionId": "composition", "conditionId": "condition_id", "resetTriggered": "reset_triggered",
    "sampleCount": "sample_count", "sampleRate": "sample_rate", "statistic": "statistic", "assetType": "asset_type",
    "sequence": "sequence",
}  # fmt: skip
AROUND = ("Header", "DeviceStream", "ComponentStream")
"""Elements whose attributes belong to the observations behind or in them."""
REPRESENTATIONS = ("DataSet", "Table", "TimeSeries")
WORDS = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")


class MtconnectOptions(ItemOptions):
    """What the document itself does not say."""

    devices: Annotated[str | None, BESIDE] = None
    """Devices.xml of the agent, below the plant's root: units and native units of the data items, which streams do not carry."""
    encoding: str | None = None
    """Encoding of the document; default: by byte order mark and declaration, as far as the bytes agree."""


class Mtconnect(FileConnector):
    """Reads MTConnectStreams documents."""

    kind = "mtconnect"
    version = "1"
    Options = MtconnectOptions
    records = ("observations", "states", "counts")
    suffixes = (".xml", ".json")

    def read(self, path: Path, options: MtconnectOptions, records: str = "observations") -> pl.LazyFrame:
        """One of the record sets; `_row` numbers its records from 1 in the order of the file. See `connectors.contract`."""
        observed = _with_devices(framed(map(_record, _entries(path, options.encoding)), COLUMNS, path), options)
        if records == "observations":
            return observed
        frame = observed.collect()
        return (states if records == "states" else counts)(frame, options).lazy()


def _entries(path: Path, encoding: str | None) -> Iterator[tuple[Observation, Entry]]:
    """Observations with each of their entries; those without entries once, with their value."""
    plain = document(path, encoding, xml_text.declared)
    with plain.open("rb") as file:
        is_json = file.read(1 << 12).removeprefix(b"\xef\xbb\xbf").lstrip().startswith((b"{", b"["))
    found = mtconnect_json.observations(plain) if is_json else _of_xml(plain)
    for observation in found:
        for entry in observation.entries or (Entry(observation.value),):
            yield observation, entry


# --- XML ---------------------------------------------------------------------------------------------------------------------


def _of_xml(plain: Path) -> Iterator[Observation]:
    """Observations in the order of the document; each is forgotten when it has been read."""
    root = ""
    around: dict[str, dict[str, str]] = {}
    for event, element in xml_text.events_of(plain):
        name = xml_text.local(element)
        if not root:
            root = name
            refuse_other(root)
        if event == "start":
            if name in AROUND:
                around[name] = xml_text.attributes(element)
            continue
        if root == "MTConnectError":
            _refuse_error(element)
        above = element.getparent()
        if above is not None and (category := CATEGORIES.get(xml_text.local(above).lower())):
            yield _observation(element, category, around)
            xml_text.forget(element)
        elif name == "ComponentStream":
            xml_text.forget(element)
    if root == "MTConnectError":
        refuse_error(None, None)


def _refuse_error(element: xml_text.Element) -> None:
    """Of an answer that is an error: 1.x and 2.x write <Error errorCode>, from 2.6 on each error has an element of its own."""
    if code := element.get("errorCode"):
        refuse_error(code, "".join(str(part) for part in element.itertext()).strip())


def _observation(element: xml_text.Element, category: str, around: Mapping[str, Mapping[str, str]]) -> Observation:
    entries = tuple(entry for inner in element if xml_text.local(inner) == "Entry" for entry in _cells(inner))
    value = None if entries else "".join(str(part) for part in element.itertext())
    header, device, component = (around.get(name, {}) for name in AROUND)
    name, about = xml_text.local(element), xml_text.attributes(element)
    return Observation(category, name, about, value, entries, device, component, header.get("instanceId"))


def _cells(entry: xml_text.Element) -> Iterator[Entry]:
    """One entry of a data set, or the cells of an entry of a table."""
    key, removed = entry.get("key"), entry.get("removed")
    cells = [inner for inner in entry if xml_text.local(inner) == "Cell"]
    for cell in cells:
        yield Entry(cell.text or "", key, cell.get("key"), removed)
    if not cells:
        yield Entry(entry.text or "", key, None, removed)


# --- observations to records -------------------------------------------------------------------------------------------------


def type_of(element: str) -> str:
    """The type of a data item by the name of its element.

    >>> type_of("PartCount"), type_of("PathFeedrateOverride"), type_of("WorkOffsetTable"), type_of("AdapterURI"), type_of("PH")
    ('PART_COUNT', 'PATH_FEEDRATE_OVERRIDE', 'WORK_OFFSET', 'ADAPTER_URI', 'PH')
    """
    for representation in REPRESENTATIONS:
        element = element.removesuffix(representation) or element
    return WORDS.sub("_", element.replace("MTConnect", "Mtconnect")).upper()


def _record(found: tuple[Observation, Entry]) -> Record:
    """The columns of one observation or entry; a condition has its level as value and its text as message."""
    observation, entry = found
    record: dict[str, str | None] = {OF_ATTRIBUTE[name]: value for name, value in observation.about.items() if name in OF_ATTRIBUTE}
    others = {name: value for name, value in observation.about.items() if name not in OF_ATTRIBUTE}
    is_condition = observation.category == "CONDITION"
    value = observation.element.upper() if is_condition else entry.value
    record["type"] = observation.about.get("type") or (None if is_condition else type_of(observation.element))
    return record | {
        "device": observation.device.get("name") or observation.device.get("uuid"),
        "device_uuid": observation.device.get("uuid"),
        "component": observation.component.get("name") or observation.component.get("componentId"),
        "component_type": observation.component.get("component"),
        "category": observation.category,
        "value": value,
        "message": (entry.value or None) if is_condition else None,
        "entry": entry.key,
        "cell": entry.cell,
        "entry_removed": entry.removed,
        "attributes": json.dumps(others, ensure_ascii=False) if others else None,
        "instance_id": observation.instance,
    }


def _with_devices(observed: pl.LazyFrame, options: MtconnectOptions) -> pl.LazyFrame:
    """Whether each is unavailable, and what Devices.xml adds where the stream says nothing."""
    is_gone = (pl.col("value").str.strip_chars().str.to_uppercase() == UNAVAILABLE).fill_null(False)
    observed = observed.with_columns(is_gone.alias("unavailable"))
    if not options.devices:
        return observed
    items = items_by_id(options.devices)
    names = observed.select("data_item", "name").unique().collect()
    known = [*items["data_item"], *names["data_item"].drop_nulls(), *names["name"].drop_nulls()]
    refuse_unknown_items(options, list(dict.fromkeys(known)), "the stream")
    told = items.rename({name: f"told_{name}" for name in ITEM}).lazy()
    joined = observed.join(told, on=["device", "data_item"], how="left", maintain_order="left")
    return joined.with_columns(pl.coalesce(name, f"told_{name}").alias(name) for name in ITEM).select(ROW, *COLUMNS)


CONNECTOR = Mtconnect()
