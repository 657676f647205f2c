"""Exports of InfluxDB (`kind: influx`): line protocol, files of `influx_inspect export`, annotated CSV of Flux queries.

Here: options, which of the forms a file has, the tables of annotated CSV. Elsewhere: one line of line protocol
(`connectors.kinds.historians.influx_lines`), columns of samples (`connectors.kinds.historians.samples`).

A record is one field of one point. InfluxDB has no null (a missing field is a missing record) and no quality; where a site keeps it in a
tag or a second field, the option `quality` names that.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Literal
from uuid import uuid4

import polars as pl
from polars.selectors import by_name

from connectors.contract import ROW, SURPLUS, UNREADABLE, FileConnector
from connectors.errors import Problem, ReadError, listed
from connectors.kinds.files import delimited, text
from connectors.kinds.files.delimited import DelimitedOptions
from connectors.kinds.files.lines import unique
from connectors.kinds.files.record_frames import Spool
from connectors.kinds.historians import influx_lines
from connectors.kinds.historians.samples import SAMPLE, SUPERSEDED, judged, numbered, opc, with_superseded
from connectors.strict import StrictModel, Texts

COLUMNS = (*SAMPLE, "measurement", "field", "tags", "start", "stop", "database", "retention_policy")
ANNOTATIONS = ("#group", "#datatype", "#default")
SYSTEM = ("result", "table", "_start", "_stop", "_time", "_value", "_field", "_measurement")
OF_COLUMN = {"_time": "timestamp", "_value": "value", "_field": "field", "_measurement": "measurement", "_start": "start", "_stop": "stop"}
TYPES = {"double": "float", "long": "integer", "unsignedLong": "unsigned", "boolean": "boolean", "string": "string"}
FIRST_POINTS = 1000


class InfluxOptions(StrictModel):
    """What an export itself does not say."""

    precision: Literal["ns", "us", "ms", "s"] = "ns"
    """Of the times in line protocol: what the writer said when it wrote the points."""
    tags: Texts = ()
    """Tags that become columns (tags.<key>), there also where a file has none of them; all tags stand in `tags` as JSON."""
    quality: str | None = None
    """The tag or field that holds the quality of a point (words, or codes of OPC Classic); such a field is no sample itself."""
    encoding: str | None = None
    """Encoding of the file; default: detected."""
    member: str | None = None
    """Which file of a zip, by name or pattern, where it holds several."""


class Influx(FileConnector):
    """Reads exports of InfluxDB."""

    kind = "influx"
    version = "1"
    Options = InfluxOptions
    suffixes = (".lp", ".line", ".txt", ".csv")

    def read(self, path: Path, options: InfluxOptions, records: str = "rows") -> pl.LazyFrame:
        """One row a field of each point, in the order of the file. See `connectors.contract`."""
        plain = text.lined(path, options.encoding, options.member, wanted="text of InfluxDB")
        found = _of_tables(plain, path, options) if _is_csv(plain) else _of_lines(plain, path, options)
        names = found.collect_schema().names()
        wanted = [*COLUMNS, *(f"tags.{tag}" for tag in options.tags)]
        lacking = [pl.lit(None, dtype=pl.String).alias(name) for name in wanted if name not in names]
        last = [name for name in (SURPLUS, UNREADABLE) if name in names]
        whole = with_superseded(judged(found.with_columns(lacking), opc))
        return whole.select(by_name(ROW, *wanted, SUPERSEDED, *last))


# --- line protocol -------------------------------------------------------------------------------------------------------------


def _of_lines(plain: Path, path: Path, options: InfluxOptions) -> pl.LazyFrame:
    """Raises ReadError where no line is a point."""
    _refuse_no_points(plain, options)
    spool = Spool(path, ("tag", "timestamp", "value", "value_type"), "kind: <the kind for this format>")
    for row in influx_lines.samples(text.lines(plain), options.precision, options.quality, options.tags):
        spool.add(row)
    return spool.frame()


def _refuse_no_points(plain: Path, options: InfluxOptions) -> None:
    """Judges the first points: none that can be read is another format, none of this precision another precision."""
    first: str | None = None
    why = ""
    for line in islice(text.lines(plain), FIRST_POINTS):
        point = line.rsplit(" ", 1)
        if len(point) == 2 and first is None and influx_lines.STAMP.fullmatch(point[1]):
            first = point[1]
    influx_lines.refuse_wrong_precision(first, options.precision)
    for row in islice(influx_lines.samples(text.lines(plain), options.precision, options.quality), FIRST_POINTS):
        if UNREADABLE not in row:
            return
        why = why or f"{(row[SURPLUS] or '')[:80]} ({row[UNREADABLE]})"
    if why:
        told = "The file is neither line protocol nor annotated CSV of InfluxDB."
        raise ReadError(Problem(told, found=why, fix="kind: <the kind for this format>, such as delimited"))


# --- annotated CSV -------------------------------------------------------------------------------------------------------------


@dataclass
class Table:
    """One table of annotated CSV: what stands above its rows, and the file that holds them."""

    file: Path
    annotations: dict[str, list[str]] = field(default_factory=dict)
    header: list[str] = field(default_factory=list)

    def of(self, annotation: str) -> dict[str, str]:
        """What an annotation says of each column."""
        return dict(zip(self.header, self.annotations.get(annotation, []), strict=False))

    @property
    def tags(self) -> list[str]:
        group = self.of("#group")
        return sorted(name for name in self.header if name and name not in SYSTEM and group.get(name, "true") == "true")

    @property
    def fields(self) -> list[str]:
        """Columns of values where a query pivoted them; else none."""
        group = self.of("#group")
        return [name for name in self.header if name and not name.startswith("_") and name not in SYSTEM and group.get(name) == "false"]


def _is_csv(plain: Path) -> bool:
    first = next((line for line in text.lines(plain) if line.strip()), "")
    return first.startswith((*ANNOTATIONS, ",result,", ",error,"))


def _of_tables(plain: Path, path: Path, options: InfluxOptions) -> pl.LazyFrame:
    parts = [part for table in _tables(plain, path) for part in _samples(table, options)]
    return numbered(parts) if parts else pl.LazyFrame(schema={ROW: pl.Int64, **dict.fromkeys(COLUMNS, pl.String)})


def _tables(plain: Path, path: Path) -> list[Table]:
    """The tables with their rows copied to files beside the export; a blank line, an annotation or a header begins one."""
    stem = path.with_name(f"{path.name}.{uuid4().hex[:8]}")
    found: list[Table] = []
    is_open = in_quotes = False
    out = None
    try:
        for line in text.lines(plain):
            if in_quotes:
                in_quotes ^= bool(line.count('"') & 1)
            elif not line.strip(", \t"):
                is_open = False
                continue
            elif not is_open or line.startswith((*ANNOTATIONS, ",result,", ",error,")):
                if is_open or not found or found[-1].header:
                    found.append(Table(stem.with_name(f"{stem.name}-{len(found)}")))
                is_open = False
                _add_head(found[-1], line)
                if found[-1].header:
                    is_open = True
                    if out:
                        out.close()
                    out = found[-1].file.open("w", encoding="utf-8")
                continue
            else:
                in_quotes = bool(line.count('"') & 1)
            if out:
                out.write(f"{line}\n")
    finally:
        if out:
            out.close()
    return [table for table in found if table.header]


def _add_head(table: Table, line: str) -> None:
    """Takes an annotation or the header. Raises ReadError for the table of an error."""
    try:
        cells = next(csv.reader([line]), [])
    except csv.Error as error:
        raise ReadError(Problem("A header cannot be read.", found=line[:80], fix=text.AGAIN)) from error
    if line.startswith("#"):
        table.annotations[cells[0].strip()] = cells[1:]
        return
    table.header = unique(cells[1:], taken=(ROW, SURPLUS))
    if {"result", "table"} <= set(cells[1:]):
        return
    if "error" in cells:
        told = "InfluxDB answered with an error instead of samples, or behind some of them."
        raise ReadError(Problem(told, found=line[:80], fix="mend the query, and export again"))
    raise ReadError(Problem("A table of the annotated CSV does not begin with its header.", found=line[:80], fix=text.AGAIN))


def _samples(table: Table, options: InfluxOptions) -> Iterator[pl.LazyFrame]:
    """The samples of a table; one frame a field where the query pivoted them. Raises ReadError where there are no values."""
    rows = _rows(table)
    types = table.of("#datatype")
    if "_value" in table.header:
        named = pl.col("_field") if "_field" in table.header else pl.lit(None, dtype=pl.String)
        yield _long(rows, table, options, pl.col("_value"), named, types.get("_value"))
        return
    if not table.fields:
        told = "A table of the annotated CSV has neither _value nor columns of fields that #group tells from tags."
        fix = "export it with its annotations (datatype, group, default), or kind: delimited"
        raise ReadError(Problem(told, found=listed(table.header), fix=fix))
    frames = []
    for name in table.fields:
        if name != options.quality:
            frame = _long(rows, table, options, pl.col(name), pl.lit(name), types.get(name))
            frames.append(frame.filter(pl.col("value").is_not_null() | _lost(frame)))
    order = [frame.with_columns(pl.lit(place).alias("place")) for place, frame in enumerate(frames)]
    if order:
        yield (
            pl.concat(order)
            .sort(ROW, "place", maintain_order=True)
            .drop("place", ROW)
            .with_row_index(ROW, offset=1)
            .with_columns(pl.col(ROW).cast(pl.Int64))
        )


def _lost(frame: pl.LazyFrame) -> pl.Expr:
    return pl.col(SURPLUS).is_not_null() if SURPLUS in frame.collect_schema().names() else pl.lit(False)


def _rows(table: Table) -> pl.LazyFrame:
    """Rows as text, an empty cell filled with its default."""
    if not table.file.stat().st_size:
        return pl.LazyFrame(schema={ROW: pl.Int64, **dict.fromkeys(table.header, pl.String)})
    names = ("(annotation)", *table.header)
    stated = DelimitedOptions(delimiter=",", encoding="utf-8", header=False, columns=names)
    frame = delimited.CONNECTOR.read(table.file, stated).drop("(annotation)")
    defaults = {name: value for name, value in table.of("#default").items() if value}
    return frame.with_columns(pl.col(name).fill_null(value) for name, value in defaults.items() if name in table.header)


def _long(rows: pl.LazyFrame, table: Table, options: InfluxOptions, value: pl.Expr, named: pl.Expr, datatype: str | None) -> pl.LazyFrame:
    none = pl.lit(None, dtype=pl.String)
    known = rows.collect_schema().names()
    texts = {new: pl.col(old) if old in known else none for old, new in OF_COLUMN.items()} | {"value": value, "field": named}
    tags = [name for name in table.tags if name in known]
    measurement = texts["measurement"].fill_null("")
    parts = [pl.concat_str(pl.lit(f",{name}="), pl.col(name)).fill_null("") for name in tags]
    tag = pl.concat_str(measurement, *parts, pl.lit(":"), texts["field"].fill_null(""))
    code = pl.col(options.quality) if options.quality in known else none
    return rows.select(
        pl.col(ROW),
        *(expression.alias(name) for name, expression in texts.items()),
        tag.alias("tag"),
        pl.lit(TYPES.get(datatype or "", datatype), dtype=pl.String).alias("value_type"),
        code.alias("quality_code"),
        (pl.struct(tags).struct.json_encode() if tags else pl.lit("{}")).alias("tags"),
        *((pl.col(name) if name in tags else none).alias(f"tags.{name}") for name in options.tags),
        *(pl.col(name) for name in (SURPLUS,) if name in known),
    )


CONNECTOR = Influx()
