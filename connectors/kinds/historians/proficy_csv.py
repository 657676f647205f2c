"""Exports of GE Proficy Historian as text (`kind: proficy_csv`): files with sections, and extracts of its ETL tool.

Here: sections, their keywords, quality. Elsewhere: rows of one section (`connectors.kinds.files.delimited`), columns of samples
(`connectors.kinds.historians.samples`).

A file is `*comments` and sections: `[Tags]`, `[Data]`, `[Messages]`, `[Alarms]`, each with a header of keywords, one after the other, any
of them several times. An extract has no header: `epoch seconds:nanoseconds,tag,value,type,quality`.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Annotated, Literal
from uuid import uuid4

import polars as pl
from polars.selectors import by_name
from pydantic import AfterValidator

from connectors import quality
from connectors.contract import ROW, SURPLUS, UNREADABLE, FileConnector
from connectors.errors import Problem, ReadError, listed
from connectors.kinds.files import delimited, text
from connectors.kinds.files.delimited import DelimitedOptions
from connectors.kinds.historians.samples import SAMPLE, Judge, judged, numbered, opc
from connectors.quality import Quality
from connectors.strict import StrictModel

SECTION = re.compile(r"\s*\"?\[\s*([A-Za-z][A-Za-z ]*?)\s*\]\"?[\s,;]*|\s*\[(Data|Tags|Messages|Alarms)\][ \t]+(.*)", re.IGNORECASE)
"""A line of its own, behind which a spreadsheet adds delimiters; or one that goes on with the header."""
KEYWORDS = {
    "tags": (
        "Tagname", "Description", "EngineeringUnits", "DataType", "HiEngineeringUnits", "LoEngineeringUnits", "StepValue", "Comment",
        "CollectorName", "SourceAddress",
    ),
    "messages": ("Timestamp", "Topic", "Username", "MessageNumber", "MessageString"),
    "alarms": (
        "Acked", "Acktime", "Actor", "AlarmID", "Condition", "DataSource", "Enabled", "EndTime", "EventCategory", "ItemID", "Message",
        "Quality", "Severity", "Source", "StartTime", "SubCondition", "Tagname", "Timestamp",
    ),
}  # fmt: skip
"""Columns that a record set always has, in their usual spelling; a file may leave some out, add others, and write them in any case."""
OF_DATA = {"tagname": "tag", "timestamp": "timestamp", "value": "value", "datatype": "value_type", "dataquality": "quality_code"}
NEEDED = {"data": ("tag", "timestamp", "value"), "tags": ("Tagname",), "messages": (), "alarms": ()}
EXTRACT = r"^(-?\d+:\d+),([^,]*),(.*),([^,]*),([^,]*)$"
"""A line of the ETL tool; it quotes nothing, so a value may hold commas."""


class ProficyOptions(StrictModel):
    """What the file itself does not say."""

    delimiter: Annotated[str, AfterValidator(delimited.as_delimiter)] = ","
    """Between fields; some locales have a semicolon."""
    decimal: Literal[".", ","] = "."
    """Decimal sign of the numbers."""
    quality_numbers: Literal["percent", "opc"] = "percent"
    """What a DataQuality that is a number means: percent good, as Proficy has it for sampled data, or a code of OPC Classic."""
    encoding: str | None = None
    """Encoding of the file; default: detected."""
    member: str | None = None
    """Which file of a zip, by name or pattern, where it holds several."""


class ProficyCsv(FileConnector):
    """Reads files of Proficy Historian."""

    kind = "proficy_csv"
    version = "1"
    Options = ProficyOptions
    records = ("data", "tags", "messages", "alarms")
    suffixes = (".csv", ".txt")

    def read(self, path: Path, options: ProficyOptions, records: str = "data") -> pl.LazyFrame:
        """The records of all sections of one name; none where the file has other sections only. See `connectors.contract`."""
        plain = text.lined(path, options.encoding, options.member, wanted="text of Proficy Historian")
        if _is_extract(plain):
            frame = _extract(plain) if records == "data" else _nothing(records)
        else:
            parts = [_part(file, records, options) for file in _files(plain, path, records)]
            frame = numbered(parts) if parts else _nothing(records)
        return _ordered(judged(frame, _judge(options))) if records == "data" else frame


def _judge(options: ProficyOptions) -> Judge:
    def of_percent(code: str) -> tuple[Quality | None, str | None]:
        return quality.percent_good(code) or quality.worded(code) or "UNCERTAIN", None

    return opc if options.quality_numbers == "opc" else of_percent


def _nothing(records: str) -> pl.LazyFrame:
    names = SAMPLE if records == "data" else KEYWORDS[records]
    return pl.LazyFrame(schema={ROW: pl.Int64, **dict.fromkeys(names, pl.String)})


def _ordered(frame: pl.LazyFrame) -> pl.LazyFrame:
    """The columns that are always there, then the others, what was too much last."""
    names = frame.collect_schema().names()
    last = [name for name in names if name in (SURPLUS, UNREADABLE)]
    others = [name for name in names if name not in (ROW, *SAMPLE, *last)]
    return frame.select(by_name(ROW, *SAMPLE, *others, *last))


# --- the ETL tool's extracts ---------------------------------------------------------------------------------------------------


def _is_extract(plain: Path) -> bool:
    first = next((line for line in text.lines(plain) if line.strip()), "")
    return re.match(EXTRACT, first) is not None


def _extract(plain: Path) -> pl.LazyFrame:
    """Lines that are none of a sample are kept as records that cannot be read."""
    line = pl.col("line").str.strip_chars_end("\r\n").str.strip_prefix("\ufeff")
    lines = pl.scan_lines(plain, name="line", glob=False).select(line).filter(pl.col("line").str.strip_chars() != "")
    found = lines.with_row_index(ROW, offset=1).with_columns(pl.col("line").str.extract_groups(EXTRACT).alias("part"))
    part = pl.col("part").struct
    lost = part[0].is_null()
    names = ("timestamp", "tag", "value", "value_type", "quality_code")
    fields = [part[place].alias(name) for place, name in enumerate(names)]
    return found.select(
        pl.col(ROW).cast(pl.Int64),
        *(pl.when(field != "").then(field).alias(name) for field, name in zip(fields, names, strict=True)),
        pl.lit(None, dtype=pl.String).alias("units"),
        pl.when(lost).then("line").alias(SURPLUS),
        pl.when(lost).then(pl.lit("the line is not seconds:nanoseconds,tag,value,type,quality")).alias(UNREADABLE),
    ).with_columns(_iso(pl.col("timestamp")).alias("timestamp"))  # fmt: skip


def _iso(stamp: pl.Expr) -> pl.Expr:
    """`1601890328:76000000` as `2020-10-05T09:32:08.076000000Z`; what is no such moment stays as it is."""
    seconds = stamp.str.extract(r"^(-?\d{1,11}):").cast(pl.Int64, strict=False)
    nanos = stamp.str.extract(r":(\d{1,9})$").str.zfill(9)
    day = pl.from_epoch(seconds, time_unit="s").dt.strftime("%Y-%m-%dT%H:%M:%S")
    return pl.coalesce(pl.concat_str(day, pl.lit("."), nanos, pl.lit("Z")), stamp)


# --- sections ------------------------------------------------------------------------------------------------------------------


@dataclass
class Sections:
    """One pass over a file: the sections that are wanted, each copied to a file of its own beside the export."""

    stem: Path
    wanted: str
    seen: dict[str, None] = field(default_factory=dict)
    files: list[Path] = field(default_factory=list)

    def open(self, name: str, stack: ExitStack) -> IO[str] | None:
        """Where the lines of a section go; None for one that is not wanted."""
        stack.close()
        self.seen[name] = None
        if name.casefold() != self.wanted:
            return None
        self.files.append(self.stem.with_name(f"{self.stem.name}-{len(self.files)}"))
        return stack.enter_context(self.files[-1].open("w", encoding="utf-8"))


def _files(plain: Path, path: Path, wanted: str) -> list[Path]:
    """Files with header and rows of each section that is wanted. Raises ReadError where there is no section at all."""
    sections = Sections(path.with_name(f"{path.name}.{uuid4().hex[:8]}"), wanted)
    out: IO[str] | None = None
    with ExitStack() as stack:
        for line in text.lines(plain):
            if line.startswith(("*", '"*')) or not line.strip(" \t,;"):
                continue
            if found := _section(line):
                out = sections.open(found[1] or found[2], stack)
                if out and found[3]:
                    out.write(f"{found[3]}\n")
                continue
            if not sections.seen:
                raise _no_sections(line)
            if out:
                out.write(f"{line}\n")
    if not any(name.casefold() in ("data", *KEYWORDS) for name in sections.seen):
        raise _no_sections(listed(list(sections.seen)) or "comments only")
    return sections.files


def _section(line: str) -> re.Match[str] | None:
    return SECTION.fullmatch(line) if "[" in line[:8] else None


def _no_sections(found: str) -> ReadError:
    told = "This is no file of Proficy Historian: no section ([Data], [Tags], [Messages], [Alarms]) stands in front of the first record."
    return ReadError(Problem(told, found=found.strip()[:80], fix="kind: delimited, or the kind for this format"))


def _part(file: Path, records: str, options: ProficyOptions) -> pl.LazyFrame:
    """The records of one section. Raises ReadError where it does not begin with its header."""
    if not file.stat().st_size:
        return _nothing(records)
    stated = DelimitedOptions(delimiter=options.delimiter, encoding="utf-8", header=1)
    frame = delimited.CONNECTOR.read(file, stated)
    own = [name for name in frame.collect_schema().names() if name not in (ROW, SURPLUS)]
    names = _renamed(own, records)
    lost = next((name for name in NEEDED[records] if name not in names.values()), None)
    if lost:
        word = next((key for key, name in OF_DATA.items() if name == lost), lost)
        told = f"The section [{records.capitalize()}] does not begin with its header: it has no {word.capitalize()}."
        raise ReadError(Problem(told, found=listed(own), fix=text.AGAIN))
    always = SAMPLE if records == "data" else KEYWORDS[records]
    lacking = [pl.lit(None, dtype=pl.String).alias(name) for name in always if name not in names.values()]
    return frame.rename(names).with_columns(lacking)


def _renamed(own: Sequence[str], records: str) -> dict[str, str]:
    """Keywords in their usual spelling, those of samples as all historians have them; the others as delivered."""
    usual = OF_DATA if records == "data" else {name.casefold(): name for name in KEYWORDS[records]}
    found: dict[str, str] = {}
    for name in own:
        new = usual.get(name.strip().casefold(), name.strip())
        found[name] = name if new in found.values() or (new in own and new != name) else new
    return found


CONNECTOR = ProficyCsv()
