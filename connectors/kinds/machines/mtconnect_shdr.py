"""MTConnect SHDR dumps (`kind: mtconnect_shdr`): what adapters send and agents log, one observation after the other.

Here: observations, execution states and part-count steps of one dump, with types and units of Devices.xml. Elsewhere: what states
mean and how replayed snapshots are told apart (the plant file's map and key, `transforms.revisions`), the rule of counters
(`transforms.counters`).

A line is `timestamp|key|value[|key|value...]`; a condition has `timestamp|key|level|code|severity|qualifier|text`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import polars as pl
from lxml import etree

from connectors.contract import ROW, FileConnector
from connectors.errors import Problem, ReadError, closest, listed
from connectors.kinds.files.text import utf8
from connectors.strict import StrictModel
from transforms.counters import counter_deltas

LEVELS = ("NORMAL", "WARNING", "FAULT", "UNAVAILABLE")
STAMP = r"^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}"
MODEL = {
    "type": pl.String,
    "sub_type": pl.String,
    "category": pl.String,
    "units": pl.String,
    "native_units": pl.String,
    "component": pl.String,
}


class ShdrOptions(StrictModel):
    """What the dump itself does not say."""

    devices: str | None = None
    """Devices.xml of the agent, below the plant's root: types, units and components of the data items."""
    device: str | None = None
    """Name, uuid or id of the device, where Devices.xml holds several or the dump names none."""
    execution: str | None = None
    """Data item of the execution state; default: the one of type EXECUTION, else 'execution'."""
    controller_mode: str | None = None
    """Data item of the controller mode; default: the one of type CONTROLLER_MODE, else 'mode'."""
    part_count: tuple[str, ...] = ()
    """Data items that count parts; default: those of type PART_COUNT."""
    encoding: str | None = None
    """Encoding of the dump; default: detected."""


@dataclass(frozen=True)
class Model:
    """Data items of one device: key (name or id) to its attributes."""

    device: str | None = None
    items: pl.DataFrame = field(default_factory=lambda: pl.DataFrame(schema={"data_item": pl.String, **MODEL}))

    def named(self, kind: str) -> list[str]:
        return self.items.filter(pl.col("type") == kind)["data_item"].to_list()


class MtconnectShdr(FileConnector):
    """Reads SHDR dumps."""

    kind = "mtconnect_shdr"
    version = "1"
    Options = ShdrOptions
    records = ("observations", "states", "counts")
    suffixes = (".txt", ".shdr", ".log")

    def read(self, path: Path, options: ShdrOptions, records: str = "observations") -> pl.LazyFrame:
        """One of the record sets; `_row` numbers its records from 1 in the order of the file. See `connectors.contract`."""
        observations = _observations(utf8(path, options.encoding), options, path)
        if records == "states":
            return _states(observations, options).lazy()
        if records == "counts":
            return _counts(observations, options).lazy()
        return observations.lazy()


def _observations(path: Path, options: ShdrOptions, original: Path) -> pl.DataFrame:
    lines = _lines(path)
    split = lines.with_columns(pl.col("text").str.split("|").alias("f")).with_columns(pl.col("f").list.len().alias("n"))
    key = pl.col("f").list.get(1, null_on_oob=True).str.strip_chars()
    split = split.with_columns(
        pl.col("f").list.get(0).str.strip_chars().alias("timestamp"),
        key.str.extract(r"^(.*):[^:]+$", 1).alias("prefix"),
        key.str.extract(r"([^:]+)$", 1).alias("data_item"),
    )
    model = _model(options, split["data_item"].drop_nulls().unique().to_list())
    conditions = model.items.filter(pl.col("category") == "CONDITION")["data_item"].to_list()
    messages = model.named("MESSAGE")
    level = pl.col("f").list.get(2, null_on_oob=True).str.to_uppercase()
    bad = ~pl.col("timestamp").str.contains(STAMP) | (pl.col("n") < 3) | pl.col("data_item").is_null()
    split = split.with_columns(
        pl.when(pl.col("text").str.starts_with("*")).then(pl.lit("COMMAND"))
        .when(bad).then(pl.lit("MALFORMED"))
        .when(key.str.starts_with("@")).then(pl.lit("ASSET"))
        .when(pl.col("data_item").is_in(conditions) | (level.is_in(LEVELS) & (pl.col("n") >= 6))).then(pl.lit("CONDITION"))
        .when(pl.col("data_item").is_in(messages)).then(pl.lit("MESSAGE"))
        .otherwise(pl.lit("PAIRS")).alias("shape")
    )  # fmt: skip
    found = pl.concat([_pairs(split.filter(pl.col("shape") == "PAIRS")), _whole(split.filter(pl.col("shape") != "PAIRS"))], how="diagonal")
    found = found.sort("line", "place").with_row_index(ROW, offset=1)
    device = options.device or model.device or original.stem.split("-")[0]
    joined = found.join(model.items, on="data_item", how="left", maintain_order="left")
    return joined.select(
        pl.col(ROW).cast(pl.Int64), "line", "timestamp", pl.coalesce("prefix", pl.lit(device)).alias("device"), "data_item",
        pl.coalesce("own_category", "category").alias("category"), "type", "sub_type", "units", "native_units", "component", "value",
        (pl.col("value").str.to_uppercase() == "UNAVAILABLE").fill_null(False).alias("unavailable"),
        "native_code", "native_severity", "qualifier", "message",
    )  # fmt: skip


def _lines(path: Path) -> pl.DataFrame:
    """Every line that is not blank, with its number in the file."""
    frame = pl.scan_csv(
        path, has_header=False, separator="\x01", quote_char=None, schema={"text": pl.String}, row_index_name="line", row_index_offset=1
    )
    lines = frame.with_columns(pl.col("line").cast(pl.Int64), pl.col("text").str.strip_chars_end("\r")).collect()
    lines = lines.filter(pl.col("text").fill_null("").str.strip_chars() != "")
    if not lines["text"].head(1000).str.contains(r"\|").any():
        raise ReadError(
            Problem(
                "The file is no SHDR dump: no line has the form timestamp|key|value.", found=str(lines["text"][0])[:80], fix="another kind"
            )
        )
    return lines


def _pairs(split: pl.DataFrame) -> pl.DataFrame:
    """One row a pair; a key without value at the end of a line is malformed."""
    plain = split.filter(pl.col("n") == 3).select(
        "line", pl.lit(0, dtype=pl.Int64).alias("place"), "timestamp", "prefix", "data_item", pl.col("f").list.get(2).alias("value")
    )
    several = split.filter(pl.col("n") > 3)
    if several.is_empty():
        return plain
    tail = several.with_columns(pl.col("f").list.slice(1).alias("rest")).with_columns(
        pl.int_ranges(0, pl.col("rest").list.len(), 2).alias("at")
    )
    pairs = tail.explode("at").with_columns(
        pl.col("rest").list.get(pl.col("at"), null_on_oob=True).str.strip_chars().alias("key"),
        pl.col("rest").list.get(pl.col("at") + 1, null_on_oob=True).alias("value"),
    )
    rows = pairs.select(
        "line", pl.col("at").cast(pl.Int64).alias("place"), "timestamp", pl.col("key").str.extract(r"^(.*):[^:]+$", 1).alias("prefix"),
        pl.col("key").str.extract(r"([^:]+)$", 1).alias("data_item"), "value",
        pl.when(pl.col("value").is_null()).then(pl.lit("MALFORMED")).alias("own_category"),
    )  # fmt: skip
    return pl.concat([plain, rows], how="diagonal")


def _whole(split: pl.DataFrame) -> pl.DataFrame:
    """Lines that are one observation: conditions, messages, assets, commands, and what cannot be read."""
    shape, part = pl.col("shape"), pl.col("f").list
    condition = shape == "CONDITION"
    raw = shape.is_in(["MALFORMED", "COMMAND"])
    rest = pl.col("f").list.slice(2).list.join("|")
    field_of = {"native_code": 3, "native_severity": 4, "qualifier": 5}
    return split.select(
        "line", pl.lit(0, dtype=pl.Int64).alias("place"),
        pl.when(~raw).then(pl.col("timestamp")).alias("timestamp"), pl.when(~raw).then(pl.col("prefix")).alias("prefix"),
        pl.when(~raw).then(pl.col("data_item")).alias("data_item"),
        pl.when(raw).then(pl.col("text")).when(condition).then(part.get(2, null_on_oob=True)).otherwise(rest).alias("value"),
        pl.when(shape == "MESSAGE").then(None).otherwise(shape).alias("own_category"),
        *(pl.when(condition).then(part.get(place, null_on_oob=True)).alias(name) for name, place in field_of.items()),
        pl.when(condition).then(pl.col("f").list.slice(6).list.join("|")).alias("message"),
    )  # fmt: skip


def _model(options: ShdrOptions, keys: list[str]) -> Model:
    """The device of Devices.xml that the options name, else the one that has most of the dump's keys."""
    if not options.devices:
        return Model()
    try:
        root = etree.parse(options.devices).getroot()
    except (etree.XMLSyntaxError, OSError) as error:
        raise ReadError(Problem("Devices.xml cannot be read.", found=str(error)[:200], fix="options.devices")) from error
    devices = [_device(node) for node in root.iter() if _local(node) == "Device"]
    if options.device:
        names = {name: model for model, names in devices for name in names}
        if options.device not in names:
            near = closest(options.device, names)
            raise ReadError(
                Problem(f"Devices.xml has no device '{options.device}'.", found=listed(sorted(names)), closest=near, fix="options.device")
            )
        return names[options.device]
    if not devices:
        raise ReadError(Problem("Devices.xml holds no device.", found=options.devices, fix="options.devices"))
    return max((model for model, _ in devices), key=lambda model: model.items["data_item"].is_in(keys).sum())


def _device(node: etree._Element) -> tuple[Model, list[str]]:
    rows = []
    for item in node.iter():
        if _local(item) != "DataItem":
            continue
        component = next((a.get("name") or a.get("id") for a in item.iterancestors() if _local(a) not in ("DataItems", "Components")), None)
        about = (item.get("type"), item.get("subType"), item.get("category"), item.get("units"), item.get("nativeUnits"), component)
        rows += [(key, *about) for key in dict.fromkeys([item.get("name"), item.get("id")]) if key]
    items = pl.DataFrame(rows, schema={"data_item": pl.String, **MODEL}, orient="row").unique(
        "data_item", keep="first", maintain_order=True
    )
    names = [name for name in (node.get("name"), node.get("uuid"), node.get("id")) if name]
    return Model(node.get("name") or node.get("id"), items), names


def _local(node: etree._Element) -> str:
    return etree.QName(node).localname if isinstance(node.tag, str) else ""


def _moment() -> pl.Expr:
    """The stamp as a sortable instant, to the microsecond."""
    text = pl.col("timestamp").str.replace(r"(\.\d{6})\d+", "$1").str.strip_suffix("Z")
    return text.str.to_datetime("%Y-%m-%dT%H:%M:%S%.f", time_unit="us", strict=False)


def _items(observations: pl.DataFrame, stated: tuple[str, ...], kind: str, usual: tuple[str, ...]) -> list[str]:
    typed = observations.filter(pl.col("type") == kind)["data_item"].unique().to_list()
    return list(stated) or typed or [name for name in usual if (observations["data_item"] == name).any()]


def _states(observations: pl.DataFrame, options: ShdrOptions) -> pl.DataFrame:
    """Observations of the execution item in the order of the file, each with the controller mode as of its instant."""
    execution = _items(observations, (options.execution,) if options.execution else (), "EXECUTION", ("execution",))
    mode = _items(
        observations, (options.controller_mode,) if options.controller_mode else (), "CONTROLLER_MODE", ("mode", "controllermode")
    )
    states = observations.filter(pl.col("data_item").is_in(execution)).with_columns(_moment().alias("at"))
    modes = observations.filter(pl.col("data_item").is_in(mode)).select(
        "device", _moment().alias("at"), pl.col("value").alias("controller_mode")
    )
    joined = states.sort("at", ROW, nulls_last=True).join_asof(
        modes.drop_nulls("at").sort("at"), on="at", by="device", strategy="backward", check_sortedness=False
    )
    ordered = joined.sort(ROW).drop(ROW).with_row_index(ROW, offset=1)
    return ordered.select(
        pl.col(ROW).cast(pl.Int64), "timestamp", "device", "data_item", pl.col("value").alias("execution"), "controller_mode"
    )


def _counts(observations: pl.DataFrame, options: ShdrOptions) -> pl.DataFrame:
    """Steps of the part counters; none where a counter never moves, because unknown is not zero."""
    names = _items(observations, options.part_count, "PART_COUNT", ("PartCountAct", "part_count", "partcount"))
    counted = observations.filter(pl.col("data_item").is_in(names), ~pl.col("unavailable")).with_columns(_moment().alias("at"))
    steps = counter_deltas(counted, by=["device", "data_item"], order=["at", ROW], value="value")
    ordered = steps.sort(ROW).drop(ROW).with_row_index(ROW, offset=1)
    return ordered.select(pl.col(ROW).cast(pl.Int64), "timestamp", "device", "data_item", "sub_type", "delta", "total", "reset")


CONNECTOR = MtconnectShdr()
