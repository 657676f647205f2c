"""SAP IDocs in XML (`kind: sap_idoc`): control record and segments, of any basic type and of several IDocs in one file.

Here: a record set for each segment type, named by its segment (E1AFKOL, E1AFVOL, ZE1...). Elsewhere: the parser
(`connectors.kinds.documents.xml_text`), SAP's words for nothing (00000000, 240000) and which message wins (the plant file's `nulls`,
`key` and `exported_at`).

A segment's own fields have their SAP names; fields of the segments around it and of the control record stand behind the segment's
name: E1AFKOL.AUFNR, EDI_DC40.DOCNUM. SAP leaves empty fields out, so columns that every export must have are options.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

import polars as pl

from connectors.contract import FileConnector
from connectors.errors import Problem, ReadError, closest, listed
from connectors.kinds.documents.xml_text import Element, attributes, events, forget, joined, local, text
from connectors.kinds.files.record_frames import Record, framed
from connectors.kinds.files.text import AGAIN
from connectors.strict import StrictModel

CONTROL = "EDI_DC40"
CONTROL_FIELDS = ("MANDT", "DOCNUM", "IDOCTYP", "CIMTYP", "MESTYP", "SNDPRN", "RCVPRN", "CREDAT", "CRETIM")
"""Fields of the control record that are columns whether an export has them or not."""
NUMBER = "_idoc"
"""Which IDoc of the file, from 1: for exports whose control records carry no DOCNUM."""

Fields = dict[str, str | None]


class SapIdocOptions(StrictModel):
    """What an IDoc does not say itself."""

    fields: dict[str, tuple[str, ...]] = {}
    """Fields by segment ({E1AFVOL: [VORNR, LTXA1]}) that are columns of every export: SAP leaves empty fields and segments out."""
    encoding: str | None = None
    """Encoding of the file; default: by byte order mark and declaration, as far as the bytes agree."""


class SapIdoc(FileConnector):
    """Reads IDoc XML."""

    kind = "sap_idoc"
    version = "1"
    Options = SapIdocOptions
    records = (CONTROL,)
    record_pattern = r"[A-Z_][\w-]*"
    suffixes = (".xml",)

    def read(self, path: Path, options: SapIdocOptions, records: str = CONTROL) -> pl.LazyFrame:
        """The segments of one type in the order of the file; of EDI_DC40 one record an IDoc. See `connectors.contract`.

        Raises ReadError when the file holds no such segment and the options name no fields of it.
        """
        seen: dict[str, int] = {}
        found = framed(_segments(path, options.encoding, records, seen), _columns(options, records), path)
        if records not in seen and records not in options.fields:
            near = closest(records, seen)
            fix = f"records: {near or next(iter(seen))}, or options.fields: {{{records}: [...]}} where an export may have none"
            raise ReadError(Problem(f"The file holds no segment '{records}'.", found=listed(list(seen)), closest=near, fix=fix))
        return found


def _columns(options: SapIdocOptions, records: str) -> list[str]:
    """The columns of every export: the number of the IDoc, its control record, and the stated fields."""
    if records == CONTROL:
        return list(dict.fromkeys([NUMBER, *CONTROL_FIELDS, *options.fields.get(CONTROL, ())]))
    control = dict.fromkeys([*CONTROL_FIELDS, *options.fields.get(CONTROL, ())])
    return [NUMBER, *(f"{CONTROL}.{name}" for name in control), *options.fields.get(records, ())]


def _segments(path: Path, encoding: str | None, wanted: str, seen: dict[str, int]) -> Iterator[Record]:
    """Records of the wanted segments of each IDoc; `seen` counts the segments of all types. One IDoc is in memory at a time."""
    number, root = 0, ""
    for event, element in events(path, encoding):
        root = root or local(element)
        if event == "start" or local(element) != "IDOC":
            continue
        number += 1
        control = next((inner for inner in element if _is_control(inner)), None)
        about = {} if control is None else _fields(control)
        seen[CONTROL] = seen.get(CONTROL, 0) + 1
        if wanted == CONTROL:
            yield {NUMBER: str(number), **about}
        above: Fields = {NUMBER: str(number), **{f"{CONTROL}.{name}": value for name, value in about.items()}}
        for segment in element:
            if not _is_control(segment):
                yield from _below(segment, above, wanted, seen)
        forget(element)
    if not number:
        fix = f"kind: xml, or {AGAIN}"
        raise ReadError(Problem("The file holds no IDoc: there is no element IDOC.", found=f"the root element {root}", fix=fix))


def _below(segment: Element, above: Mapping[str, str | None], wanted: str, seen: dict[str, int]) -> Iterator[Record]:
    """The wanted ones among a segment and those in it, in the order of the file."""
    name, own = local(segment), _fields(segment)
    seen[name] = seen.get(name, 0) + 1
    if name == wanted:
        yield {**above, **own}
    around: Fields | None = None
    for inner in segment:
        if _is_segment(inner):
            around = around or {**above, **{f"{name}.{field}": value for field, value in own.items()}}
            yield from _below(inner, around, wanted, seen)


def _is_control(element: Element) -> bool:
    """EDI_DC40, and EDI_DC of releases before 4.0."""
    return local(element).startswith("EDI_DC")


def _is_segment(element: Element) -> bool:
    return len(element) > 0 or "SEGMENT" in attributes(element)


def _fields(segment: Element) -> Fields:
    """The fields of a segment; an empty element is NULL as SAP means it, a field that stands twice a JSON list."""
    found: dict[str, list[str]] = {}
    for inner in segment:
        if not _is_segment(inner):
            held = found.setdefault(local(inner), [])
            held += [told] if (told := text(inner)) is not None else []
    return {name: joined(values) for name, values in found.items()}


CONNECTOR = SapIdoc()
