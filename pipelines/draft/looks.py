"""What one export is: its kind by content, the options that the kind needs, and its first records.

Here: bytes and documents to a kind, and what the kinds do not detect while they read (sheets, paths of records, encodings of East Asia).
Elsewhere: reading (`connectors.kinds`), what the columns hold (`pipelines.draft.facts`). The name of a file is only a hint.
"""

from __future__ import annotations

import json
import re
import zipfile
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import polars as pl

from connectors.errors import PlantlakeError, Problem, ReadError
from connectors.registry import connector
from pipelines.draft.facts import names_are_data
from pipelines.draft.guess import Guess

HEAD = 1 << 16
ROWS = 20_000
"""Records that are looked at of one export."""
DOCUMENT = 64 << 20
"""Bytes of the largest JSON document that is searched for its records."""
SHDR = re.compile(r"\d{4}-\d\d-\d\dT[\d:.]+Z?(?:@[\d.]+)?\|[^|]*\|")
LINE_PROTOCOL = re.compile(r"[^,\s#=]+(?:\\ [^,\s=]*)*(?:,(?:[^,\s=\\]|\\.)+=(?:[^,\s\\]|\\.)+)* (?:[^,\s=\\]|\\.)+=.+")
ODATA = re.compile(r'"/Date\(-?\d+|"PT\d\d?H\d\d?M')
"""Moments and clocks as OData V2 writes them, whatever somebody wrapped around the response."""
EAST_ASIAN = re.compile(r"gb|big5|cp949|cp932|euc|shift|johab|hz|iso2022")
XML_KINDS = (
    (re.compile(r"^MTConnect(Streams|Error)$"), "mtconnect"),
    (
        re.compile(
            r"B2MML|BatchML|^(Sync|Process|Show|Change|Get|Respond|Acknowledge|Confirm|Cancel)[A-Z]|Performance$|ProductionSchedule$"
        ),
        "b2mml",
    ),
)
NO_EXPORTS = {
    "MTConnectDevices": "the device model: name it in options.devices",
    "schema": "an XML schema",
    "UANodeSet": "an OPC UA node set",
}


TABULAR = ("delimited", "excel", "parquet")
"""Kinds whose exports of one source have the same columns; a document leaves out what is empty."""
FIXED = ("mtconnect", "mtconnect_shdr", "pi_web_api", "b2mml", "proficy_csv", "influx", "aveva_historian", "pi_csv")
"""Kinds that give the same columns whatever the export."""


PAGES = "the response is one page of several; are all pages files of their own?"


def _is_spool(lines: list[str]) -> bool:
    """A list for eyes: lines between pipes, and lines that only divide."""
    piped = sum(line.startswith("|") and line.endswith("|") for line in lines)
    return piped > 2 and piped * 3 > len(lines) and any(re.fullmatch(r"\|?-{8,}[-|]*", line) for line in lines)


def _is_aveva(lines: list[str]) -> bool:
    """An import file, or a result of the History tables."""
    head = lines[0].casefold()
    is_import = head in ("ascii", "unicode", "utf-8", "utf8") and len(lines) > 2 and len(lines[1]) < 4
    return is_import or ("tagname" in head and "datetime" in head and ("opcquality" in head or "qualitydetail" in head or "ww" in head))


TEXTS: dict[str, Callable[[list[str]], bool]] = {
    "mtconnect_shdr": lambda lines: sum(bool(SHDR.match(line)) for line in lines) * 2 > len(lines),
    "proficy_csv": lambda lines: (
        any(re.fullmatch(r"(?i)\[(tags|data|messages|alarms)\][\s,;]*", line) for line in lines[:20])
        or all(re.match(r"\d{9,10}:\d{1,9},[^,]+,", line) for line in lines)
    ),
    "influx": lambda lines: (
        lines[0].startswith(("#group", "#datatype", "#default", "# DDL", "# DML"))
        or all(LINE_PROTOCOL.fullmatch(line) for line in lines[:-1] or lines)
    ),
    "aveva_historian": _is_aveva,
    "sap_spool": _is_spool,
}
"""Kinds by the first lines of a text."""


class NoExportError(Exception):
    """A file that is no export of records; the message says what it is."""


@dataclass(frozen=True)
class Look:
    """One export as a kind reads it: some exports hold several sets of records, or several sheets that are a source each."""

    kind: str
    options: dict[str, Guess] = field(default_factory=dict)
    sets: dict[str | None, pl.DataFrame] = field(default_factory=dict)
    """First records by the name of their set; None is the kind's default."""
    part: str = ""
    """The sheet, where a workbook holds several."""
    path: Path = Path()
    """The file, as long as the draft is made."""
    message: str = ""
    """What the document says that it is about (an IDoc's message type)."""

    @property
    def signature(self) -> tuple[Any, ...]:
        """What exports of one source have in common."""
        if self.kind in TABULAR:
            return (self.kind, self.part, tuple((name, tuple(sorted(frame.columns))) for name, frame in self.sets.items()))
        rows = self.options.get("rows")
        return (self.kind, rows.value if rows else "", self.message or "")


def days_in(look: Look, column: str) -> pl.Series:
    """The different days that stand in a column of the whole file, where more records are in it than were looked at."""
    if look.kind not in TABULAR or look.sets[None].height < ROWS or column not in look.sets[None].columns:
        return pl.Series(column, [], dtype=pl.String)
    options = connector(look.kind).Options.model_validate({name: guess.value for name, guess in look.options.items()})
    days = pl.col(column).cast(pl.String).str.extract(r"^\s*(\d{1,4}[./ -]\d{1,2}[./ -]\d{2,4})")
    return connector(look.kind).read(look.path, options).select(days.unique()).collect()[column].drop_nulls()


def looks(path: Path, devices: Path | None = None) -> list[Look]:
    """What a file is; `devices` is the device model of an MTConnect agent. Raises NoExportError, or ReadError with what the kind says."""
    kind = kind_of(path)
    if kind in ("mtconnect", "mtconnect_shdr") and devices is not None:
        return _with_devices(path, kind, devices)
    return [replace(look, path=path) for look in _LOOKERS.get(kind, _fixed)(path, kind)]


def device_names(path: Path) -> list[str]:
    """The devices of a device model; none where a file is no such model."""
    from connectors.kinds.documents.xml_text import events, local

    found: list[str] = []
    try:
        for event, element in events(path):
            if event == "start" and not found and element.getparent() is None and local(element) != "MTConnectDevices":
                return []
            if event == "start" and local(element) == "Device":
                found.append(element.get("name") or element.get("id") or "")
    except ReadError:
        return []
    return found


def _with_devices(path: Path, kind: str, devices: Path) -> list[Look]:
    """Types and units of the data items come from the device model; a dump that names no device is of one that its name names."""
    known = device_names(devices)
    named = [name for name in known if name and name.casefold() in str(path).casefold()] or (known if len(known) == 1 else [])
    options = {"devices": Guess(str(devices), "a device model lies beside the exports", 95)}
    if kind == "mtconnect_shdr" and named:
        options["device"] = Guess(named[0], "its name stands in the file's name" if len(known) > 1 else "the only device of the model", 92)
    try:
        return _fixed(path, kind, options)
    except ReadError:
        return _fixed(path, kind)


# --- kinds ---------------------------------------------------------------------------------------------------------------------------


def kind_of(path: Path) -> str:
    """The kind that reads a file, by what it holds."""
    head = _plain_head(path)
    if head.startswith(b"PAR1"):
        return "parquet"
    if head.startswith(b"\xd0\xcf\x11\xe0") or _is_workbook(path):
        return "excel"
    start = head.removeprefix(b"\xef\xbb\xbf").lstrip(b" \t\r\n\x00\xff\xfe")[:1]
    if start == b"<":
        return _kind_of_xml(path)
    if start == b"{" or (start == b"[" and _kind_of_text(head) != "proficy_csv"):
        return _kind_of_json(path)
    return _kind_of_text(head)


def _kind_of_text(head: bytes) -> str:
    """Text with a layout of its own is told by its first lines; all other is delimited."""
    encoding = "utf-16" if head.startswith((b"\xff\xfe", b"\xfe\xff")) else "utf-8"
    lines = [line.strip() for line in head.decode(encoding, "replace").lstrip("\ufeff").splitlines()[:200] if line.strip()]
    return next((kind for kind, is_of in TEXTS.items() if lines and is_of(lines)), "delimited")


def _plain_head(path: Path) -> bytes:
    """The first bytes, unpacked."""
    from connectors.kinds.files import text

    with path.open("rb") as file:
        head = file.read(HEAD)
    if head.startswith((text.GZIP, text.ZSTD)) or (head.startswith(text.ZIP) and not _is_workbook(path)):
        with text.utf8(path, wanted="JSON").open("rb") as file:
            return file.read(HEAD)
    return head


def _is_workbook(path: Path) -> bool:
    try:
        with zipfile.ZipFile(path) as archive:
            return any(name.startswith("xl/") for name in archive.namelist())
    except (zipfile.BadZipFile, OSError):
        return False


def _kind_of_xml(path: Path) -> str:
    from connectors.kinds.documents.xml_text import events, local

    names: list[str] = []
    for event, element in events(path):
        if event == "start":
            names.append(local(element))
        if len(names) > 40:
            break
    if names[0] in NO_EXPORTS:
        raise NoExportError(NO_EXPORTS[names[0]])
    if "EDI_DC40" in names or "IDOC" in names[:2]:
        return "sap_idoc"
    return next((kind for pattern, kind in XML_KINDS if pattern.search(names[0])), "xml")


def _kind_of_json(path: Path) -> str:
    value = _document(path)
    first = value[0] if isinstance(value, list) and value else value
    if not isinstance(first, dict):
        return "json"
    if "MTConnectStreams" in first or ("streams" in first and "header" in first):
        return "mtconnect"
    if _is_pi(first):
        return "pi_web_api"
    if ("d" in first and isinstance(first["d"], dict | list)) or any(str(key).startswith("@odata") for key in first):
        return "sap_odata"
    return "sap_odata" if ODATA.search(json.dumps(first)[: 1 << 20]) else "json"


def _is_pi(first: dict[str, Any]) -> bool:
    items = first.get("Items")
    held = items[0] if isinstance(items, list) and items else {}
    inner = held.get("Items") if isinstance(held, dict) else None
    return isinstance(held, dict) and (
        "Timestamp" in held or isinstance(inner, list) or (isinstance(held.get("Value"), dict) and "Timestamp" in held["Value"])
    )


def _document(path: Path) -> Any:
    """A JSON document, or the first line of JSON lines; nothing where it is too large or no JSON."""
    from connectors.kinds.files import text

    plain = text.utf8(path, wanted="JSON")
    if plain.stat().st_size > DOCUMENT:
        raise ReadError(Problem("The JSON document is too large to look for its records.", fix="draft from a smaller sample of it"))
    content = plain.read_text(encoding="utf-8-sig")
    try:
        return json.loads(content)
    except (ValueError, RecursionError):
        return _first_line(content)


def _first_line(content: str) -> Any:
    try:
        return json.loads(content.lstrip().split("\n", 1)[0])
    except (ValueError, RecursionError):
        return None


# --- delimited text ------------------------------------------------------------------------------------------------------------------


def _delimited(path: Path, kind: str) -> list[Look]:
    from connectors.kinds.files.delimited import sniff

    stated = _east_asian(path)
    try:
        found = sniff(path)
    except ReadError as error:
        if "no header" not in str(error):
            raise
        return [_headless(path, stated)]
    options = {"delimiter": Guess({"\t": "tab"}.get(found.delimiter or "", found.delimiter)), "encoding": _encoding(found.encoding, stated)}
    if isinstance(found.header, int) and found.header > 1:
        options["header"] = Guess(found.header, f"line {found.header} is the first that is as wide as the table", 85)
    frame = _first(path, kind, options)
    if names_are_data(frame.columns[1:]) and (sheet := _sheet(path)):
        return [sheet]
    return [Look(kind, options, {None: frame})]


def _sheet(path: Path) -> Look | None:
    """A sheet of PI DataLink, whose times and values stand side by side below names and units; a title may stand above these."""
    for row in (None, 1, 2, 3, 4):
        options = {"tag_row": Guess(row, "the first line that has a name above each value", 75)} if row else {}
        try:
            frame = _first(path, "pi_csv", options)
        except ReadError:
            continue
        if frame.height:
            return Look("pi_csv", options, {None: frame})
    return None


def _headless(path: Path, stated: str | None) -> Look:
    """A file whose first line holds data: its columns have no names but their positions."""
    from connectors.kinds.files import text
    from connectors.kinds.files.lines import detect_delimiter

    plain = text.utf8(path, stated)
    with plain.open(encoding="utf-8-sig", newline="") as file:
        lines = [line for _, line in zip(range(200), file, strict=False)]
    delimiter = detect_delimiter(lines, '"') or ","
    options = {
        "delimiter": Guess({"\t": "tab"}.get(delimiter, delimiter)), "encoding": _encoding(stated or text.encoding_of(plain), stated),
        "header": Guess(False, "the first line holds data; name the columns with columns: [...]", 80),
    }  # fmt: skip
    return Look("delimited", options, {None: _first(path, "delimited", options)})


def _encoding(found: str | None, stated: str | None) -> Guess:
    if stated:
        return Guess(stated, "told by its bytes", 85)
    if found == "cp1252":
        return Guess(found, "not UTF-8; letters with accents look right in it?", 85)
    return Guess(found or "utf-8")


def _east_asian(path: Path) -> str | None:
    """A code page of East Asia, whose bytes tell it well; those of Europe look alike, and are left to CP1252."""
    from connectors.kinds.files import text

    with path.open("rb") as file:
        head = file.read(HEAD)
    if head.startswith((text.GZIP, text.ZSTD, text.ZIP)) or text.encoding_of(path) != "cp1252":
        return None
    from charset_normalizer import from_bytes

    best = from_bytes(head[: head.rfind(b"\n") + 1] or head).best()
    return best.encoding if best and EAST_ASIAN.match(best.encoding) else None


def _first(path: Path, kind: str, options: dict[str, Guess], records: str | None = None) -> pl.DataFrame:
    found = connector(kind)
    stated = found.Options.model_validate({name: guess.value for name, guess in options.items()})
    return found.read(path, stated, records or found.records[0]).head(ROWS).collect()


# --- workbooks -----------------------------------------------------------------------------------------------------------------------


def _excel(path: Path, kind: str) -> list[Look]:
    """A source for each sheet that holds a table."""
    from connectors.kinds.files.cells import open_workbook

    sheets = list(open_workbook(path).sheet_names)
    if len(sheets) == 1:
        return [Look(kind, {}, {None: _first(path, kind, {})})]
    found: list[Look] = []
    for sheet in sheets:
        options = {"sheet": Guess(sheet)}
        try:
            frame = _first(path, kind, options)
        except ReadError:
            continue
        if frame.width > 2 and frame.height:
            found.append(Look(kind, options, {None: frame}, sheet))
    return found or [Look(kind, {}, {None: _first(path, kind, {})})]


# --- documents -----------------------------------------------------------------------------------------------------------------------


def _json(path: Path, kind: str) -> list[Look]:
    """The longest array of objects of a document."""
    options = {} if _is_lines(path) else _rows_of(_document(path))
    return [Look(kind, options, {None: _first(path, kind, options)})]


def _rows_of(value: Any) -> dict[str, Guess]:
    """The option `rows` for a document that wraps its records."""
    options: dict[str, Guess] = {}
    if isinstance(value, dict):
        arrays = sorted(_arrays(value, ()), key=lambda found: (-found[1], len(found[0])))
        scalars = sum(not isinstance(inner, dict | list) for inner in value.values())
        if arrays and (arrays[0][1] > 1 or len({way[0] for way, _ in arrays}) == 1 <= scalars):
            sure = 97 if len(arrays) == 1 or arrays[0][1] > 3 * arrays[1][1] else 75
            others = ", ".join(".".join(way) for way, _ in arrays[1:4])
            options["rows"] = Guess(".".join(arrays[0][0]), f"the longest array of objects; others: {others}", sure)
    return options


def _is_lines(path: Path) -> bool:
    from connectors.kinds.files import text
    from connectors.kinds.files.json_values import is_lines

    return is_lines(text.utf8(path, wanted="JSON"))


def _arrays(value: Any, way: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], int]]:
    """Ways to arrays of objects, and how many elements each has."""
    if len(way) > 6 or not isinstance(value, dict):
        return
    for key, inner in value.items():
        if isinstance(inner, list) and inner and all(isinstance(element, dict) for element in inner):
            yield (*way, key), len(inner)
            nested = Counter(found for element in inner[:200] for found, count in _arrays(element, (*way, key)) for _ in range(count))
            yield from nested.items()
        elif isinstance(inner, dict):
            yield from _arrays(inner, (*way, key))


def _xml(path: Path, kind: str) -> list[Look]:
    """The element that repeats most and holds others."""
    from connectors.kinds.documents.xml_text import attributes, events, forget, local

    way: list[str] = []
    counted: Counter[tuple[str, ...]] = Counter()
    parts: Counter[tuple[str, ...]] = Counter()
    for seen, (event, element) in enumerate(events(path)):
        if seen > 400_000:
            break
        if event == "start":
            way.append(local(element))
            counted[tuple(way)] += 1
            parts[tuple(way)] += len(attributes(element))
            parts[tuple(way[:-1])] += 1
        else:
            way.pop()
            forget(element)
    rows = [found for found in counted if len(found) > 1 and parts[found] >= 2 * counted[found]]
    if not rows:
        raise NoExportError("an XML document without repeated elements")
    best = max(rows, key=lambda found: (counted[found] > 1, counted[found], -len(found)))
    near = [found for found in rows if found != best and counted[found] * 3 >= counted[best]]
    others = ", ".join("/".join(found) for found in near[:3])
    options = {
        "rows": Guess(
            "/".join(best[1:]) or best[0], f"it repeats most; others: {others}" if near else "it repeats most", 75 if near else 92
        )
    }
    return [Look(kind, options, {None: _first(path, kind, options)})]


def _idoc(path: Path, kind: str) -> list[Look]:
    from connectors.kinds.documents.xml_text import events, local

    names = Counter(local(element) for event, element in events(path) if event == "start")
    segments = [name for name in names if re.fullmatch(r"[EZ]\w*", name) and name != "EDI_DC40" and not name.startswith("EDI")]
    sets = {name: _first(path, kind, {}, name) for name in segments[:40]}
    messages = [str(frame["EDI_DC40.MESTYP"][0]) for frame in sets.values() if frame.height]
    return [Look(kind, {}, {name: frame for name, frame in sets.items() if frame.height}, message=messages[0] if messages else "")]


def _odata(path: Path, kind: str) -> list[Look]:
    """A response as it came, as one page of several, or wrapped anew."""
    errors: list[ReadError] = []
    for options in ({}, {"incomplete": Guess("accept", PAGES, 50)}, _rows_of(_document(path))):
        try:
            return [Look(kind, options, {None: _first(path, kind, options)})]
        except ReadError as error:
            errors.append(error)
    raise errors[0]


def _fixed(path: Path, kind: str, options: dict[str, Guess] | None = None) -> list[Look]:
    """A kind whose records are always the same: those of its sets that hold any."""
    options = options or {}
    sets: dict[str | None, pl.DataFrame] = {}
    errors: list[PlantlakeError] = []
    for number, records in enumerate(connector(kind).records):
        try:
            frame = _first(path, kind, options, records)
        except ReadError as error:
            errors.append(error)
            continue
        if frame.height:
            sets[None if number == 0 else records] = frame
    if not sets and errors:
        raise errors[0]
    return [Look(kind, options, sets)]


_LOOKERS: dict[str, Callable[[Path, str], list[Look]]] = {
    "delimited": _delimited, "excel": _excel, "json": _json, "xml": _xml, "sap_idoc": _idoc, "sap_odata": _odata,
}  # fmt: skip
RECOGNISED = ("parquet", "mtconnect", "b2mml", "pi_web_api", "pi_csv", *TEXTS, *_LOOKERS)
"""The kinds that a draft can tell from their bytes."""
