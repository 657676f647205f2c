"""XML as a stream of elements: safe, namespaces ignored, every fault told with its line.

Here: the parser and its limits, names, texts and attributes of elements, forgetting what was read. Elsewhere: bytes and encodings
(`connectors.kinds.files.text`), records to frames (`connectors.kinds.documents.record_files`), what elements mean (each kind).

Nothing outside the document is ever read and no entity is expanded; libxml2's limits stand (256 levels, 10 MB for one text), so
that a document cannot take more memory than its elements do.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from lxml import etree

from connectors.errors import Problem, ReadError
from connectors.kinds.files.text import AGAIN, document

Element = etree._Element
DECLARED = re.compile(rb"""^<\?xml[^>]*?\sencoding\s*=\s*["']([A-Za-z][A-Za-z0-9._:-]*)["']""")
INSTANCE = "{http://www.w3.org/2001/XMLSchema-instance}"
OPEN_AT_THE_END = {
    etree.ErrorTypes.ERR_TAG_NOT_FINISHED, etree.ErrorTypes.ERR_LTSLASH_REQUIRED, etree.ErrorTypes.ERR_GT_REQUIRED,
    etree.ErrorTypes.ERR_ATTRIBUTE_NOT_FINISHED, etree.ErrorTypes.ERR_ATTRIBUTE_NOT_STARTED, etree.ErrorTypes.ERR_DOCUMENT_EMPTY,
    etree.ErrorTypes.ERR_CDATA_NOT_FINISHED, etree.ErrorTypes.ERR_COMMENT_NOT_FINISHED,
}  # fmt: skip
"""Faults that a document has whose end is missing; others are faults wherever they stand."""


def events(path: Path, encoding: str | None = None) -> Iterator[tuple[str, Element]]:
    """('start' or 'end', element) of every element in the order of the file; at its end an element is whole.

    The caller calls `forget` for what it no longer needs. Raises ReadError for what is empty, no XML, not well-formed or truncated
    (with its line), and for documents that declare or use entities.
    """
    yield from events_of(document(path, encoding, declared))


def events_of(plain: Path) -> Iterator[tuple[str, Element]]:
    """`events` of a file that is UTF-8 already, whatever its declaration says."""
    _refuse_no_xml(plain)
    parsing = etree.iterparse(
        str(plain), events=("start", "end"), encoding="utf-8", remove_comments=True, remove_pis=True, resolve_entities=False,
        no_network=True, load_dtd=False, attribute_defaults=False, dtd_validation=False, huge_tree=False, recover=False,
    )  # fmt: skip
    is_first = True
    try:
        for event, element in parsing:
            if is_first:
                _refuse_entities(element)
                is_first = False
            yield event, element
    except etree.XMLSyntaxError as error:
        raise _unreadable(error, plain) from error
    if undeclared := [entry.message for entry in parsing.error_log if "UNDECLARED_ENTITY" in entry.type_name]:
        raise _entities(undeclared[0])


def root_of(path: Path, encoding: str | None = None) -> Element:
    """A document as a whole, for formats whose records need what stands around them."""
    read = [element for event, element in events(path, encoding) if event == "start" and element.getparent() is None]
    return read[0]


def declared(head: bytes) -> str | None:
    """The encoding that an XML declaration names.

    >>> declared(b'<?xml version="1.0" encoding="ISO-8859-1"?><a/>')
    'ISO-8859-1'
    """
    found = DECLARED.match(head.removeprefix(b"\xef\xbb\xbf").lstrip()[:400])
    return found[1].decode("ascii") if found else None


def local(element: Element) -> str:
    """The name of an element without namespace and prefix."""
    return str(element.tag).rpartition("}")[2]


def text(element: Element) -> str | None:
    """What stands in an element itself, around its children; null where that is nothing but blanks."""
    found = element.text or ""
    if len(element):
        found = "".join((found, *(child.tail or "" for child in element))).strip()
    return found if found.strip() else None


def attributes(element: Element) -> dict[str, str]:
    """Its attributes by local name, without those of XML Schema (xsi:type, xsi:schemaLocation).

    Where two have one local name, the one of a namespace keeps its prefix.
    """
    written = {str(name): str(value) for name, value in element.attrib.items()}
    found = {name: value for name, value in written.items() if not name.startswith("{")}
    if len(found) == len(written):
        return found
    prefixes = {space: prefix for prefix, space in element.nsmap.items()}
    for name, value in written.items():
        space, _, own = name.removeprefix("{").rpartition("}")
        if space and not name.startswith(INSTANCE):
            found[f"{prefixes.get(space)}:{own}" if own in found else own] = value
    return found


def attribute(element: Element, name: str) -> str | None:
    """One attribute by its local name."""
    found = element.get(name)
    return attributes(element).get(name) if found is None and len(element.attrib) else found


def child(element: Element, names: Iterable[str]) -> Element | None:
    """The first child that has one of the names; the names are tried in order."""
    for name in names:
        for inner in element:
            if local(inner) == name:
                return inner
    return None


def joined(values: Sequence[str]) -> str | None:
    """What an element holds that may stand several times: its text, or a JSON list of all of them.

    >>> joined(["a"]), joined(["a", "b"]), joined([])
    ('a', '["a", "b"]', None)
    """
    return (json.dumps(list(values), ensure_ascii=False) if len(values) > 1 else values[0]) if values else None


def forget(element: Element) -> None:
    """Frees an element that has been read, and its siblings before it. Only at its end; ancestors stay."""
    empty(element)
    above = element.getparent()
    while above is not None and (before := element.getprevious()) is not None:
        above.remove(before)


def empty(element: Element) -> None:
    """Frees what an element holds; it stays where it is, as does the text behind it."""
    element.clear(keep_tail=True)  # type: ignore[call-arg]  # unknown to lxml-stubs 0.5 (2026-11)


def _refuse_no_xml(plain: Path) -> None:
    with plain.open("rb") as file:
        head = file.read(1 << 12).removeprefix(b"\xef\xbb\xbf").lstrip()
    if not head.startswith(b"<"):
        raise ReadError(Problem("The file is no XML document.", found=repr(head[:40]), fix="kind: <the kind for this format>"))
    if head[:15].lower().startswith((b"<!doctype html", b"<html")):
        told = "The file is HTML, such as a server sends instead of the document when a session has ended."
        raise ReadError(Problem(told, found=repr(head[:40]), fix=AGAIN))


def _refuse_entities(root: Element) -> None:
    dtd = root.getroottree().docinfo.internalDTD
    names = [entity.name for entity in dtd.entities()] if dtd is not None else []  # type: ignore[attr-defined]
    if names:
        raise _entities(f"<!ENTITY {names[0]} ...>")


def _entities(found: str) -> ReadError:
    told = "The document uses entities of its own, which are never expanded (they can read files and fill the memory)."
    return ReadError(Problem(told, found=found, fix="let the plant deliver it with the texts themselves, without <!ENTITY ...>"))


def _unreadable(error: etree.XMLSyntaxError, plain: Path) -> ReadError:
    """The fault in words: where it is, whether the end is missing, whether a limit was met, whether something follows the end."""
    said = re.sub(r", line \d+, column \d+.*$", "", str(error.msg))[:200]
    line = f"line {error.lineno}"
    if "depth" in said:
        return ReadError(
            Problem(f"The document is nested deeper than 256 levels, at {line}.", fix="let the plant deliver it as a flat list")
        )
    if "huge" in said.lower() or "loop" in said or "amplification" in said:
        told = f"The document holds one text of more than 10 MB, or entities that grow, at {line}."
        return ReadError(Problem(told, found=said, fix="let the plant deliver it without embedded files and entities"))
    if "Extra content" in said or "declaration allowed only" in said or "reserved XML declaration" in said.lower():
        told = f"The document ends before {line}, and more follows: several documents in one file, or blanks before the first."
        return ReadError(Problem(told, found=said, fix="let the plant deliver one document a file"))
    with plain.open("rb") as file:
        file.seek(max(0, plain.stat().st_size - 64))
        is_closed = file.read().rstrip().endswith(b">")
    if not is_closed or error.code in OPEN_AT_THE_END:  # type: ignore[attr-defined]
        return ReadError(Problem(f"The document is truncated: it ends in {line} before its elements do.", found=said, fix=AGAIN))
    return ReadError(Problem(f"The document is not well-formed XML in {line}.", found=said, fix=AGAIN))
