"""Devices.xml of an MTConnect agent: which data items a device has, their types and units, and how their observations are laid out.

Here: the device model as a table, any version and namespace. Elsewhere: the observations (`connectors.kinds.machines.mtconnect_shdr`,
`connectors.kinds.machines.mtconnect`).
"""

from __future__ import annotations

from dataclasses import dataclass, field

import polars as pl
from lxml import etree

from connectors.errors import Problem, ReadError, closest, listed

ITEM = ("category", "type", "sub_type", "units", "native_units", "component")
SCHEMA = {"of": pl.String, "data_item": pl.String, **dict.fromkeys(ITEM, pl.String), "layout": pl.String}
LAYOUTS = {"ALARM": "CONDITION", "MESSAGE": "MESSAGE", "ASSET_CHANGED": "REST", "ASSET_REMOVED": "REST"}
"""Event types that have more than one field in SHDR; everything else is a pair."""


@dataclass(frozen=True)
class Model:
    """The data items of all devices by every key they may be sent under, and the device that keys without a prefix belong to."""

    device: str | None = None
    aliases: dict[str, str] = field(default_factory=dict)
    items: pl.DataFrame = field(default_factory=lambda: pl.DataFrame(schema=SCHEMA))

    def label(self, stated: str | None) -> str | None:
        """What observations without a prefix call their device; null when neither the options nor Devices.xml say."""
        return stated or self.device

    def resolved(self, keys: pl.Series, stated: str | None) -> pl.DataFrame:
        """One row per key of the dump: device, data_item, the columns of ITEM, layout. The prefix of a key ends at its first ':'."""
        key, prefix = pl.col("key"), pl.col("prefix")
        known = self.items.filter(pl.col("of") == self.device)["data_item"] if self.device else self.items["data_item"]
        whole = ~key.str.contains(":", literal=True) | key.is_in(known.implode()) | key.str.starts_with("@")
        named = pl.DataFrame({"key": keys}, schema={"key": pl.String}).with_columns(
            pl.when(~whole).then(key.str.extract(r"^\s*([^:]*?)\s*:")).alias("prefix"),
            pl.when(whole).then(key).otherwise(key.str.extract(r":\s*(.*)$")).alias("data_item"),
        )
        of = (
            pl.when(prefix.is_null())
            .then(pl.lit(self.device))
            .otherwise(prefix.replace_strict(self.aliases, default=None, return_dtype=pl.String))
        )
        own = prefix.is_null() | (pl.col("of") == pl.lit(self.device)).fill_null(False)
        named = named.with_columns(of.alias("of")).with_columns(
            pl.when(own).then(pl.lit(self.label(stated), dtype=pl.String)).otherwise(prefix).alias("device")
        )
        return named.join(self.items, on=["of", "data_item"], how="left").select("key", "device", "data_item", *ITEM, "layout")


def model_of(path: str | None, stated: str | None, keys: pl.Series) -> Model:
    """The model in a Devices.xml; its device is the one that is stated, else the only one that has most of the dump's keys.

    Raises ReadError when the file cannot be read, has no such device, or several devices fit equally well.
    """
    if not path:
        return Model()
    devices = [_device(node) for node in _nodes(path)]
    aliases = {name: of for of, names, _ in devices for name in names}
    items = pl.concat([items for _, _, items in devices])
    if stated and stated not in aliases:
        told = f"Devices.xml has no device '{stated}'."
        raise ReadError(Problem(told, found=listed(sorted(aliases)), closest=closest(stated, aliases), fix="options.device"))
    return Model(aliases[stated] if stated else _fitting(items, [of for of, _, _ in devices], keys), aliases, items)


def items_by_id(path: str) -> pl.DataFrame:
    """One row per data item and name of its device (name, uuid or id): device, data_item (its id) and the columns of ITEM."""
    rows = [
        (name, item.get("id"), *_about(item))
        for node in _nodes(path)
        for name in dict.fromkeys(filter(None, (node.get("name"), node.get("uuid"), node.get("id"))))
        for item in node.iter()
        if _local(item) == "DataItem"
    ]
    schema = {"device": pl.String, "data_item": pl.String, **dict.fromkeys(ITEM, pl.String)}
    return pl.DataFrame(rows, schema=schema, orient="row").unique(["device", "data_item"], keep="first", maintain_order=True)


def _nodes(path: str) -> list[etree._Element]:
    try:
        root = etree.parse(path, etree.XMLParser(resolve_entities=False, no_network=True)).getroot()
    except (etree.XMLSyntaxError, OSError) as error:
        raise ReadError(Problem("Devices.xml cannot be read.", found=str(error)[:200], fix="options.devices")) from error
    found = [node for node in root.iter() if _local(node) in ("Device", "Agent")]
    if not found:
        raise ReadError(Problem("Devices.xml holds no device.", found=f"the root element {_local(root)}", fix="options.devices"))
    return found


def _fitting(items: pl.DataFrame, devices: list[str], keys: pl.Series) -> str | None:
    """The device of keys without a prefix: the only one, else the one that has most of them."""
    if len(devices) == 1:
        return devices[0]
    bare = keys.filter(~keys.str.contains(":", literal=True))
    fits = items.filter(pl.col("data_item").is_in(bare.implode())).group_by("of").len().sort("len", "of", descending=[True, False])
    if fits.is_empty():
        return None
    best = fits.filter(pl.col("len") == fits["len"][0])["of"].to_list()
    if len(best) > 1:
        told = "Devices.xml holds several devices that fit this dump equally well."
        raise ReadError(Problem(told, found=listed(best), fix=f"options.device: {best[0]}"))
    return str(best[0])


def _device(node: etree._Element) -> tuple[str, list[str], pl.DataFrame]:
    names = [name for name in (node.get("name"), node.get("uuid"), node.get("id")) if name]
    of = names[0] if names else ""
    rows = []
    for item in node.iter():
        if _local(item) != "DataItem":
            continue
        source = next(((part.text or "").strip() for part in item if _local(part) == "Source"), None)
        keys = (item.get("name"), source, item.get("id"))
        rows += [(rank, of, key, *_about(item), _layout(item)) for rank, key in enumerate(keys) if key]
    table = pl.DataFrame(rows, schema={"rank": pl.Int64, **SCHEMA}, orient="row")
    return of, names, table.sort("rank", maintain_order=True).unique("data_item", keep="first", maintain_order=True).drop("rank")


def _about(item: etree._Element) -> tuple[str | None, ...]:
    return item.get("category"), item.get("type"), item.get("subType"), item.get("units"), item.get("nativeUnits"), _component(item)


def _component(item: etree._Element) -> str | None:
    holder = next((node for node in item.iterancestors() if _local(node) not in ("DataItems", "Components")), None)
    return None if holder is None else holder.get("name") or holder.get("id")


def _layout(item: etree._Element) -> str:
    if item.get("category") == "CONDITION":
        return "CONDITION"
    return "REST" if item.get("representation") == "TIME_SERIES" else LAYOUTS.get(item.get("type", ""), "PAIR")


def _local(node: etree._Element) -> str:
    return etree.QName(node).localname if isinstance(node.tag, str) else ""
