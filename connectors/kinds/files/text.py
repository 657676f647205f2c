"""Bytes of a text export to UTF-8 text on disk: compression, encoding, and what is no text at all.

Here: everything before the first delimiter. Elsewhere: lines, header and records (`connectors.kinds.files.delimited`).
What has to be unpacked or transcoded is streamed into a file beside the export (`<name>.plain`, `<name>.utf8`): the caller has put
the export into a private folder, keeps that folder as long as the frame is in use, and removes it.
"""

from __future__ import annotations

import codecs
import gzip
import re
import zipfile
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from fnmatch import fnmatchcase
from itertools import islice
from pathlib import Path
from typing import IO

import zstandard

from connectors.errors import Problem, ReadError, closest, listed

CHUNK = 4 << 20
FED = 2 << 10
"""Bytes of zstd that are unpacked at a time: four of them can hold 128 kB, so 64 MB at most come at once."""
BOMB_BYTES, BOMB_RATIO = 2 << 30, 200
"""What unpacks to more than so many bytes and to more than so many times its size is no export: texts of machines reach 60."""
LONGEST_LINE = 4 << 20
"""Bytes; a longer line is damage, and would have to be held in memory as a whole."""
AGAIN = "ask the plant for the file again"
OLE, ZIP, GZIP, ZSTD = b"\xd0\xcf\x11\xe0", b"PK\x03\x04", b"\x1f\x8b", b"\x28\xb5\x2f\xfd"
BOMS = {codecs.BOM_UTF8: "utf-8", codecs.BOM_UTF16_LE: "utf-16", codecs.BOM_UTF16_BE: "utf-16"}
OTHER_FORMATS = {
    b"PAR1": "a Parquet file",
    b"ARROW1": "an Arrow file",
    b"%PDF": "a PDF",
    b"SQLite format 3": "an SQLite database",
    b"\x89PNG": "a picture",
    b"Rar!": "a RAR archive",
    b"7z\xbc\xaf": "a 7z archive",
}
KINDS_OF = {"JSON": "json", "a Parquet file": "parquet", "XML or HTML": "xml, mtconnect, b2mml or sap_idoc"}
ASCII_SUPERSETS = re.compile(
    r"(cp|windows-)(125\d|437|85\d|86\d|874|9\d\d)|iso.?8859.*|latin.*|ascii|utf-?8.*|gb.*|big5|shift_?jis|euc.*", re.IGNORECASE
)
"""Encodings in which ASCII bytes are ASCII, so that a pure ASCII file needs no copy."""
WIDE = re.compile(r"utf-?(16|32)|ucs|iso-10646", re.IGNORECASE)
"""Declared by documents that somebody wrote as UTF-16 and saved as something else: their head would not be readable as ASCII."""
LATIN1 = re.compile(r"iso-?8859-1|latin-?1|l1", re.IGNORECASE)
"""Means CP1252 wherever it is written on Windows, which adds the euro sign and keeps all letters."""


@dataclass(frozen=True, slots=True)
class Census:
    """What one pass over the bytes tells."""

    ascii: bool = True
    utf8: bool = True
    cut: bool = False
    """The file ends inside a character of UTF-8."""
    nul: bool = False


def utf8(path: Path, encoding: str | None = None, member: str | None = None, wanted: str = "delimited text") -> Path:
    """The export as a file of UTF-8 text (a byte order mark of UTF-8 stays): itself where it is one already.

    `wanted` is what the kind reads, in the words of the messages.

    Raises ReadError for what is empty, truncated, of another format, or not in the encoding that was stated.
    """
    plain = _decompressed(path, member)
    head = _head(plain)
    _refuse_empty(head, plain)
    _refuse_other_formats(head, wanted)
    census = _census(plain)
    found = encoding or _encoding(head, census)
    if (census.ascii or (census.utf8 and re.fullmatch(r"utf-?8.*", found, re.I))) and ASCII_SUPERSETS.fullmatch(found):
        if census.nul:
            raise _nul()
        return plain
    if census.cut and found == "utf-8":
        raise ReadError(Problem("The file is truncated: it ends inside a character.", fix=AGAIN))
    return _transcoded(plain, path.with_name(f"{path.name}.utf8"), found, stated=encoding is not None, detected=_encoding(head, census))


def lined(
    path: Path, encoding: str | None = None, member: str | None = None, wanted: str = "delimited text", longest: int = LONGEST_LINE
) -> Path:
    """The export like `utf8`, for kinds that take it line by line: raises ReadError too for a line that is no line of any record."""
    plain = utf8(path, encoding, member, wanted)
    held = 0
    with plain.open("rb") as file:
        while chunk := file.read(min(CHUNK, longest)):
            first = chunk.find(b"\n")
            held += first if first >= 0 else len(chunk)
            if held > longest:
                told = f"A line is longer than {longest >> 20} MB: the line ends were lost, or this is no text of records."
                raise ReadError(Problem(told, fix=f"{AGAIN}, or kind: <the kind for this format>"))
            held = len(chunk) - chunk.rfind(b"\n") - 1 if first >= 0 else held
    return plain


def lines(plain: Path) -> Iterator[str]:
    """The lines of a UTF-8 text without their ends, whichever these are."""
    with plain.open(encoding="utf-8-sig") as source:
        for line in source:
            yield line.rstrip("\n")


def head(plain: Path, most: int, characters: int = 1 << 20) -> list[str]:
    """The first lines of a text, fewer than asked for where they are long."""
    found: list[str] = []
    for line in islice(lines(plain), most):
        found.append(line)
        characters -= len(line)
        if characters <= 0:
            break
    return found


def document(path: Path, encoding: str | None = None, declared: Callable[[bytes], str | None] = lambda head: None) -> Path:
    """A document of a format with rules of its own (XML) as a file of UTF-8 text, like `utf8`; `declared` reads what its head says.

    What the bytes prove goes before what the head declares: a byte order mark, text that cannot be UTF-16, valid UTF-8 with letters.
    """
    plain = _decompressed(path, None)
    head = _head(plain)
    _refuse_empty(head, plain)
    census = _census(plain)
    seen = _encoding(head, census)
    if census.cut and not encoding:
        raise ReadError(Problem("The document is truncated: it ends inside a character.", fix=AGAIN))
    named = (declared(head) or "utf-8").lower()
    proven = seen.startswith("utf-16") or (census.utf8 and not census.ascii) or WIDE.match(named)
    found = encoding or (seen if proven else "cp1252" if LATIN1.fullmatch(named) else named)
    if census.nul and not found.lower().startswith(("utf-16", "utf-32")):
        raise _nul()
    if census.utf8 and re.fullmatch(r"utf-?8.*|(us-)?ascii", found, re.I):
        return plain
    return _transcoded(plain, path.with_name(f"{path.name}.utf8"), found, stated=True, detected=seen)


def encoding_of(path: Path) -> str:
    """The encoding of an unpacked text: by byte order mark, the zero bytes of UTF-16, else UTF-8 where all is valid, else CP1252."""
    return _encoding(_head(path), _census(path))


def looks_like(path: Path) -> str:
    """The encoding of the first bytes of a text, 'ascii' where they do not tell, '' of what is no text. Nothing is read by it."""
    head = _head(path)
    found = _encoding(head, Census(head.isascii(), _is_utf8(head)))
    if b"\x00" in head and not found.startswith("utf-16"):
        return ""
    return "ascii" if head.isascii() and found == "utf-8" else found


def _is_utf8(head: bytes) -> bool:
    try:
        codecs.getincrementaldecoder("utf-8")("strict").decode(head)
    except UnicodeDecodeError:
        return False
    return True


def _refuse_empty(head: bytes, plain: Path) -> None:
    if not head.strip(b"\x00 \t\r\n\xef\xbb\xbf\xff\xfe"):
        raise ReadError(Problem("The file is empty.", found=f"{plain.stat().st_size} bytes without any text", fix=AGAIN))


def _head(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.read(1 << 16)


def _encoding(head: bytes, census: Census) -> str:
    for mark, name in BOMS.items():
        if head.startswith(mark):
            return name
    even, odd = head[0:4000:2].count(0), head[1:4000:2].count(0)
    if max(even, odd) > len(head[:4000]) // 8 and min(even, odd) < max(even, odd) // 4:
        return "utf-16-le" if odd > even else "utf-16-be"
    return "utf-8" if census.utf8 or census.cut else "cp1252"


def _census(path: Path) -> Census:
    decoder = codecs.getincrementaldecoder("utf-8")("strict")
    plain = valid = True
    nul = False
    with path.open("rb") as file:
        while chunk := file.read(CHUNK):
            nul = nul or b"\x00" in chunk
            if valid and not (plain := plain and chunk.isascii()):
                try:
                    decoder.decode(chunk)
                except UnicodeDecodeError:
                    valid = False
    pending = valid and bool(decoder.getstate()[0])
    return Census(ascii=plain, utf8=valid and not pending, cut=pending, nul=nul)


def _transcoded(source: Path, target: Path, encoding: str, *, stated: bool, detected: str) -> Path:
    try:
        with source.open("r", encoding=encoding, newline="") as text, target.open("w", encoding="utf-8", newline="") as out:
            while part := text.read(CHUNK):
                if "\x00" in part:
                    raise _nul()
                out.write(part.removeprefix("\ufeff"))
    except LookupError as error:
        fix = f"options.encoding: {detected}"
        raise ReadError(Problem(f"There is no encoding '{encoding}'.", found="the file looks like " + detected, fix=fix)) from error
    except UnicodeError as error:
        known = f"options.encoding: {detected}"
        fix = known if stated and detected != encoding else "options.encoding: <the plant's: cp1250, cp949, shift_jis ...>"
        raise ReadError(Problem(f"The file is not in the encoding '{encoding}'.", found=str(error)[:200], fix=fix)) from error
    return target


def _nul() -> ReadError:
    found = "zero bytes, as a file system leaves them when a machine stops while it writes"
    fix = f"{AGAIN}, or options.encoding if it is UTF-16"
    return ReadError(Problem("The file is binary or was only partly written.", found=found, fix=fix))


def _refuse_other_formats(head: bytes, wanted: str) -> None:
    if head.startswith(OLE) or _is_workbook(head):
        raise ReadError(Problem("The file is an Excel workbook, whatever its name says.", found=repr(head[:8]), fix="kind: excel"))
    other = next((name for magic, name in OTHER_FORMATS.items() if head.startswith(magic)), None)
    start = head.removeprefix(codecs.BOM_UTF8).lstrip()[:9].lower()
    if start.startswith((b"<?xml", b"<html", b"<!doctype", b"<table")):
        other = "XML or HTML"
    elif re.match(rb'\{\s*"|\[\s*\{\s*"', start):
        other = "JSON"
    controls = sum(byte < 9 for byte in head[:4000]) - head[:4000].count(0)
    if other is None and controls > len(head[:4000]) // 50 and not head.startswith(tuple(BOMS)):
        other = "binary"
    if other and other != wanted:
        fix = f"kind: {KINDS_OF.get(other, '<the kind for this format>')}"
        raise ReadError(Problem(f"The file is {other}, not {wanted}.", found=repr(head[:40]), fix=fix))


def _is_workbook(head: bytes) -> bool:
    return head.startswith(ZIP) and any(part in head for part in (b"[Content_Types].xml", b"_rels/.rels", b"xl/"))


def _decompressed(path: Path, member: str | None) -> Path:
    magic = _head(path)
    unpack: Callable[[], Iterator[bytes]]
    if magic.startswith(GZIP):
        unpack = lambda: _gzip(path)  # noqa: E731
    elif magic.startswith(ZSTD):
        unpack = lambda: _zstd(path)  # noqa: E731
    elif magic.startswith(ZIP) and not _is_workbook(magic):
        unpack = lambda: _zip(path, member)  # noqa: E731
    else:
        return path
    target = path.with_name(f"{path.name}.plain")
    most = largest(path)
    try:
        with target.open("wb") as out:
            for chunk in unpack():
                out.write(chunk)
                if out.tell() > most:
                    raise bomb(path, most)
    except (EOFError, zlib.error, zstandard.ZstdError, zipfile.BadZipFile, gzip.BadGzipFile) as error:
        raise ReadError(Problem("The compressed file is truncated or damaged.", found=str(error)[:200], fix=AGAIN)) from error
    except (RuntimeError, NotImplementedError) as error:
        fix = "deliver it without password, deflated"
        raise ReadError(Problem("The zip cannot be opened.", found=str(error)[:200], fix=fix)) from error
    return target


def largest(path: Path) -> int:
    """Bytes to which a packed export may unpack."""
    return max(BOMB_BYTES, BOMB_RATIO * path.stat().st_size)


def bomb(path: Path, most: int) -> ReadError:
    """The error for what unpacks to more."""
    told = "The compressed file unpacks to much more than any export does: it is damaged, or a bomb."
    found = f"{path.stat().st_size:,} bytes that unpack to more than {most:,}"
    return ReadError(Problem(told, found=found, fix="if it is an export: deliver it unpacked, or in parts"))


def _gzip(path: Path) -> Iterator[bytes]:
    with gzip.open(path, "rb") as inner:
        yield from _chunks(inner)


def _zip(path: Path, member: str | None) -> Iterator[bytes]:
    with zipfile.ZipFile(path) as archive, archive.open(_member(archive, member)) as inner:
        yield from _chunks(inner)


def _zstd(path: Path) -> Iterator[bytes]:
    """All frames of a file. A reader of streams would take a truncated frame for its end, so frames are followed by hand."""
    frame = None
    with path.open("rb") as file:
        while chunk := file.read(FED):
            while chunk:
                frame = frame or zstandard.ZstdDecompressor().decompressobj()
                yield frame.decompress(chunk)
                chunk = frame.unused_data if frame.eof else b""
                frame = None if frame.eof else frame
    if frame is not None:
        raise EOFError("the last frame has no end")


def _chunks(file: IO[bytes] | gzip.GzipFile) -> Iterator[bytes]:
    while chunk := file.read(CHUNK):
        yield chunk


def _member(archive: zipfile.ZipFile, pattern: str | None) -> str:
    names = [info.filename for info in archive.infolist() if not info.is_dir()]
    names = [name for name in names if not name.startswith("__MACOSX/") and not Path(name).name.startswith(".")]
    fitting = [name for name in names if pattern is None or fnmatchcase(name, pattern) or fnmatchcase(Path(name).name, pattern)]
    if len(fitting) == 1:
        return fitting[0]
    near = closest(pattern or "", names) if pattern else next(iter(names), None)
    told = "The zip holds no file" if not fitting else f"The zip holds {len(fitting)} files, and one is read"
    wanted = f" that fits '{pattern}'" if pattern and not fitting else ""
    raise ReadError(Problem(f"{told}{wanted}.", found=listed(names), closest=near, fix=f"options.member: {near or '<name or pattern>'}"))
