"""MTConnect SHDR dumps (`kind: mtconnect_shdr`): what adapters send and agents log, one observation after the other.

Here: the observations of one dump. Elsewhere: states and part counts made of them (`connectors.kinds.machines.observations`),
Devices.xml (`connectors.kinds.machines.devices`), documents of agents (`connectors.kinds.machines.mtconnect`), what states mean and
how replayed snapshots are told apart (the plant file's map and key, `transforms.revisions`).

A line is `timestamp|key|value[|key|value...]`; a condition has `timestamp|key|level|code|severity|qualifier|text`, a message
`timestamp|key|code|text`. The key may be `device:key`, the timestamp `stamp@duration`.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Annotated

import polars as pl

from connectors.contract import ROW, FileConnector, Original, as_read
from connectors.errors import Problem, ReadError
from connectors.kinds.files.text import utf8
from connectors.kinds.machines.devices import ITEM, Model, model_of
from connectors.kinds.machines.observations import UNAVAILABLE, ItemOptions, counts, refuse_unknown_items, states
from connectors.strict import BESIDE

LEVELS = ("NORMAL", "WARNING", "FAULT", "UNAVAILABLE")
QUALIFIERS = ("", "HIGH", "LOW")
STAMP = r"^\s*\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}"
QUOTED = re.compile(r'(?<=\|)"(?:[^"\\|]|\\.)*"(?=\||$)')
"""A value in quotes, in which '\\|' is no delimiter (SHDR 2)."""
NAMELESS = r"^$|:$"
"""A key that names no data item."""
MULTILINE = re.compile(r"--multiline--(\S+)$")
ESCAPED = "\ufdd0"
"""Stands for an escaped delimiter while lines are split: a code point that Unicode keeps out of all text."""
FIELD = pl.col("f").list


class ShdrOptions(ItemOptions):
    """What the dump itself does not say."""

    devices: Annotated[str | None, BESIDE] = None
    """Devices.xml of the agent, below the plant's root: types, units and components of the data items."""
    device: str | None = None
    """Name, uuid or id of the device, where Devices.xml holds several or the dump names none."""
    encoding: str | None = None
    """Encoding of the dump; default: detected."""


class MtconnectShdr(FileConnector):
    """Reads SHDR dumps."""

    kind = "mtconnect_shdr"
    version = "3"
    Options = ShdrOptions
    records = ("observations", "states", "counts")
    suffixes = (".txt", ".shdr", ".log")

    def read(self, path: Path, options: ShdrOptions, records: str = "observations") -> pl.LazyFrame:
        """One of the record sets; `_row` numbers its records from 1 in the order of the file. See `connectors.contract`."""
        observations = _observations(utf8(path, options.encoding), options)
        if records == "states":
            return states(observations, options).lazy()
        if records == "counts":
            return counts(observations, options).lazy()
        return observations.lazy()

    def originals(self, path: Path, options: ShdrOptions, records: str, rows: Collection[int]) -> Mapping[int, Original]:
        """Of observations the line that holds them, verbatim; states and steps of counters are made of several lines."""
        if records != "observations":
            return as_read(self.read(path, options, records), rows, f"record of '{records}'")
        found = self.read(path, options).filter(pl.col(ROW).is_in(list(rows))).select(ROW, "line").collect()
        lines = utf8(path, options.encoding).read_text(encoding="utf-8-sig").split("\n")
        return {row: Original(f"line {line}", lines[line - 1].rstrip("\r"), is_verbatim=True) for row, line in found.rows()}


# --- lines to observations ---------------------------------------------------------------------------------------------------


def _observations(path: Path, options: ShdrOptions) -> pl.DataFrame:
    """One row per observation, each with what Devices.xml says of its data item."""
    split = _split(_lines(path))
    readable = split.filter(~pl.col("raw"))
    later = readable.filter(pl.col("n") > 3)["f"].list.gather_every(2, 1).explode(empty_as_null=False)
    raw_keys = pl.concat([readable["key"], later.str.strip_chars()]).drop_nulls().unique()
    model = model_of(options.devices, options.device, raw_keys)
    keys = model.resolved(raw_keys, options.device)
    _refuse_unknown_items(options, model, keys)
    shaped = _shaped(_unmixed(split, keys), keys)
    single = shaped.filter(pl.col("shape") != "PAIR")
    found = pl.concat([_pairs(shaped.filter(pl.col("shape") == "PAIR")), _whole(single)], how="diagonal").sort("line", "place")
    joined = found.join(keys, on="key", how="left", maintain_order="left").with_row_index(ROW, offset=1)
    return joined.select(
        pl.col(ROW).cast(pl.Int64), "line", "timestamp", "duration",
        pl.when(pl.col("key").is_null()).then(pl.lit(model.label(options.device), dtype=pl.String)).otherwise("device").alias("device"),
        "data_item", pl.coalesce("own_category", "category").alias("category"), *(name for name in ITEM if name != "category"),
        _unescaped("value"),
        (pl.col("value").str.strip_chars().str.to_uppercase() == UNAVAILABLE).fill_null(False).alias("unavailable"),
        *map(_unescaped, ("native_code", "native_severity", "qualifier", "message")),
    )  # fmt: skip


def _unescaped(name: str) -> pl.Expr:
    return pl.col(name).str.replace_all(ESCAPED, "|", literal=True)


def _refuse_unknown_items(options: ShdrOptions, model: Model, keys: pl.DataFrame) -> None:
    """Raises ReadError for a data item in the options unknown to Devices.xml and the dump; without Devices.xml nobody can tell."""
    if not model.items.is_empty():
        refuse_unknown_items(options, [*dict.fromkeys([*model.items["data_item"], *keys["data_item"].drop_nulls()])], "the dump")


def _lines(path: Path) -> pl.DataFrame:
    """`line` (from 1) and `text` of every line that is not blank; an asset over several lines is one, at its first."""
    lines = pl.scan_lines(path, name="text", row_index_name="line", row_index_offset=1, glob=False).collect()
    text = pl.col("text").str.strip_chars_end("\r")
    text = pl.when(pl.col("line") == 1).then(text.str.strip_prefix("\ufeff")).otherwise(text)
    lines = _joined(lines.select(pl.col("line").cast(pl.Int64), text.alias("text"))).filter(pl.col("text").str.strip_chars() != "")
    if not lines["text"].str.contains(STAMP + r"[^|]*\|").any():
        told = "The file is no SHDR dump: no line has the form timestamp|key|value."
        raise ReadError(Problem(told, found=str(lines["text"][0])[:80], fix="kind: <the kind for this format>, such as delimited"))
    return lines


def _joined(lines: pl.DataFrame) -> pl.DataFrame:
    """Assets that go over several lines (`--multiline--TAG` to the line `--multiline--TAG`), each as one text with line breaks."""
    if not lines["text"].str.contains("--multiline--", literal=True).any():
        return lines
    rows: list[tuple[int, str]] = []
    body: list[tuple[int, str]] = []
    tag = ""
    for row in lines.iter_rows():
        if body:
            body.append(row)
            if row[1].strip() == tag:
                rows.append((body[0][0], "\n".join(text for _, text in body)))
                body = []
        elif "|" in row[1] and (opened := MULTILINE.search(row[1])):
            tag, body = opened.group(), [row]
        else:
            rows.append(row)
    return pl.DataFrame([*rows, *body], schema=lines.schema, orient="row")  # a body without end stays as it is


def _split(lines: pl.DataFrame) -> pl.DataFrame:
    """The fields `f` of each line, their number `n`, the first `key`, and whether the line can only be kept as `raw` text."""
    text = pl.col("text")
    if lines["text"].str.contains(r'\|"[^|]*\\\|').any():
        hidden = [QUOTED.sub(lambda found: found.group().replace("|", ESCAPED), line) for line in lines["text"]]
        lines = lines.with_columns(pl.Series("text", hidden))
    split = lines.with_columns(
        text.str.split("|").alias("f"), pl.lit(0, dtype=pl.Int64).alias("place"), ~text.str.contains(STAMP).alias("raw")
    )
    split = split.with_columns(
        FIELD.get(0).str.strip_chars().str.extract(r"^([^@]*)").alias("timestamp"), FIELD.get(0).str.extract(r"@(.*)$").alias("duration")
    )
    split = _counted(split)
    lacking = (pl.col("n") < 3) & ~pl.col("key").fill_null("").str.starts_with("@")
    return split.with_columns(pl.col("raw") | lacking | pl.col("key").fill_null("").str.contains(NAMELESS))


def _counted(split: pl.DataFrame) -> pl.DataFrame:
    return split.with_columns(FIELD.len().cast(pl.Int64).alias("n"), FIELD.get(1, null_on_oob=True).str.strip_chars().alias("key"))


def _unmixed(split: pl.DataFrame, keys: pl.DataFrame) -> pl.DataFrame:
    """Cuts a line before the first condition, message or series that stands behind pairs: pairs and the rest are two lines then."""
    special = keys.filter(pl.col("layout") != "PAIR")["key"]
    if special.is_empty():
        return split
    alone = pl.col("raw") | (pl.col("n") <= 3) | pl.col("key").is_in(special.implode()) | pl.col("key").str.starts_with("@")
    names = FIELD.gather_every(2, 1).list.eval(pl.element().str.strip_chars().is_in(special.implode()))
    several = split.filter(~alone).with_columns(names.alias("is_special"))
    mixed = several.filter(pl.col("is_special").list.any()).with_columns((pl.col("is_special").list.arg_max() * 2 + 1).alias("at"))
    if mixed.is_empty():
        return split
    pairs = mixed.with_columns(FIELD.head("at").alias("f"))
    rest = mixed.with_columns(
        pl.concat_list(FIELD.head(1), FIELD.slice(pl.col("at"))).alias("f"), pl.col("at").cast(pl.Int64).alias("place")
    )
    cut = _counted(pl.concat([pairs, rest]).select(split.columns))
    return pl.concat([split.join(mixed, on="line", how="anti", maintain_order="left"), cut])


def _shaped(split: pl.DataFrame, keys: pl.DataFrame) -> pl.DataFrame:
    """`shape` of each line: PAIR, CONDITION, MESSAGE, REST (series and asset events), ASSET, COMMAND or MALFORMED.

    Without Devices.xml a condition is told by its level and qualifier, and UNAVAILABLE has no code: a burst of such pairs is none.
    """
    known = split.join(keys.select("key", "layout", "category"), on="key", how="left", maintain_order="left")
    value = FIELD.get(2, null_on_oob=True).str.strip_chars().str.to_uppercase()
    qualifier = FIELD.get(5, null_on_oob=True).str.strip_chars().str.to_uppercase()
    codeless = FIELD.get(3, null_on_oob=True).str.strip_chars() == ""
    looks = pl.col("category").is_null() & value.is_in(LEVELS) & qualifier.is_in(QUALIFIERS) & ((value != UNAVAILABLE) | codeless)
    tuples = pl.col("layout").is_in(["MESSAGE", "REST"]) & (value != UNAVAILABLE)
    shape = (
        pl.when(pl.col("raw") & pl.col("text").str.starts_with("*")).then(pl.lit("COMMAND"))
        .when("raw").then(pl.lit("MALFORMED"))
        .when(pl.col("key").str.starts_with("@")).then(pl.lit("ASSET"))
        .when((pl.col("layout") == "CONDITION") | looks).then(pl.lit("CONDITION"))
        .when(tuples).then(pl.col("layout"))
        .otherwise(pl.lit("PAIR"))
    )  # fmt: skip
    return known.with_columns(shape.alias("shape"))


def _pairs(split: pl.DataFrame) -> pl.DataFrame:
    """One row a pair; a key without value, or a value without key, is malformed; nothing behind a last delimiter is nothing."""
    plain = split.filter(pl.col("n") == 3).select("line", "place", "timestamp", "duration", "key", FIELD.get(2).alias("value"))
    several = split.filter(pl.col("n") > 3)
    if several.is_empty():
        return plain
    exploded = several.with_columns(pl.int_ranges(1, pl.col("n"), 2).alias("at")).explode("at", empty_as_null=False)
    pairs = exploded.with_columns(
        FIELD.get(pl.col("at")).str.strip_chars().alias("key"), FIELD.get(pl.col("at") + 1, null_on_oob=True).alias("value")
    ).filter((pl.col("key") != "") | (pl.col("value").fill_null("") != ""))
    bad = pl.col("value").is_null() | pl.col("key").str.contains(NAMELESS)
    rows = pairs.select(
        "line", pl.col("at").alias("place"), "timestamp", "duration", pl.when(~bad).then("key").alias("key"),
        pl.when(bad).then(pl.concat_str("key", "value", separator="|", ignore_nulls=True)).otherwise("value").alias("value"),
        pl.when(bad).then(pl.lit("MALFORMED")).alias("own_category"),
    )  # fmt: skip
    return pl.concat([plain, rows], how="diagonal")


def _whole(split: pl.DataFrame) -> pl.DataFrame:
    """Lines that are one observation: conditions, messages, series, assets, commands, and what cannot be read."""
    shape, raw = pl.col("shape"), pl.col("raw")
    condition = shape == "CONDITION"
    coded = (shape == "MESSAGE") & (pl.col("n") > 3)
    own = pl.when(raw | (shape == "ASSET")).then(shape).when(condition & pl.col("category").is_null()).then(shape)

    def part(place: int) -> pl.Expr:
        return FIELD.get(place, null_on_oob=True)

    def behind(place: int) -> pl.Expr:
        return FIELD.slice(place).list.join("|")

    value = pl.when(raw).then(pl.col("text")).when(condition).then(part(2)).when(coded).then(behind(3)).otherwise(behind(2))
    return split.select(
        "line", "place", *(pl.when(~raw).then(name).alias(name) for name in ("timestamp", "duration", "key")), value.alias("value"),
        own.alias("own_category"), pl.when(condition).then(part(3)).when(coded).then(part(2)).alias("native_code"),
        pl.when(condition).then(part(4)).alias("native_severity"), pl.when(condition).then(part(5)).alias("qualifier"),
        pl.when(condition & (pl.col("n") > 6)).then(behind(6)).alias("message"),
    )  # fmt: skip


CONNECTOR = MtconnectShdr()
