"""Lines of delimited text into fields, and what can be told from the first of them: delimiter, header, decimal sign.

Here: pure functions over lines. Elsewhere: options, files and records (`connectors.kinds.files.delimited`), encodings
(`connectors.kinds.files.text`).
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from connectors.errors import Problem, ReadError
from connectors.kinds.files.text import AGAIN

DELIMITERS = ("\t", ";", "|", ",")
"""Candidates, best first: a comma is often a decimal sign or part of a text, a tab never."""
LONGEST_FIELD = 500
"""Lines that one quoted field may span; beyond it the quote is taken for a stray one."""
DATA = re.compile(
    r"\s*[-+]?[.,]?\d[\d\s.,:/'-]*(?:[eE][-+]?\d+|%|T\d[\d:.,]*)?(?:Z|[-+]\d\d:?\d\d)?(?:\s?[AaPp][Mm])?\s*",
)
"""A number or a moment: what a header's cells are not."""

Fields = list[str | None]


@dataclass(frozen=True, slots=True)
class Line:
    """One line of the table, which may span several lines of the file."""

    first: int
    """Number of its first line in the file, from 0."""
    after: int
    """Number of the line after it."""
    text: str
    fields: Fields
    """None where a field is empty and unquoted."""

    @property
    def width(self) -> int:
        return len(self.fields)

    @property
    def filled(self) -> int:
        return sum(field is not None and bool(field.strip()) for field in self.fields)


class Splitter:
    """Splits lines at a delimiter, outside quotes (RFC 4180: quotes enclose whole fields, and are doubled inside)."""

    def __init__(self, delimiter: str, quote: str):
        self.delimiter, self.quote = delimiter, quote
        self.blank = f"{delimiter} \t\r\n\ufeff"
        sep, q = re.escape(delimiter), re.escape(quote or '"')
        self._quoted = re.compile(rf" *+{q}([^{q}]*+(?:{q}{q}[^{q}]*+)*+){q}(?!{q}) *({sep}|\Z)")
        self._open = re.compile(rf" *+{q}[^{q}]*+(?:{q}{q}[^{q}]*+)*+\Z")

    def split(self, text: str) -> Fields | None:
        """The fields of a line, or None when its last field is quoted and goes on in the next line.

        >>> Splitter(";", "'").split("a;;'';'x;''y'"), Splitter(";", "'").split("a;'b")
        (['a', None, '', "x;'y"], None)
        """
        if not self.quote or self.quote not in text:
            return [field or None for field in text.split(self.delimiter)]
        fields: Fields = []
        at = 0
        while True:
            if found := self._quoted.match(text, at):
                fields.append(found[1].replace(self.quote * 2, self.quote))
                at = found.end()
                if not found[2]:
                    return fields
                continue
            if self._open.match(text, at):
                return None
            end = text.find(self.delimiter, at)
            fields.append((text[at:] if end < 0 else text[at:end]) or None)
            if end < 0:
                return fields
            at = end + len(self.delimiter)

    def texts(self, physical: Iterable[str], first: int = 0, comment: str | None = None) -> Iterator[tuple[int, int, str, Fields | None]]:
        """First and next line number, text, and the fields of each line that holds a quote (the others only need a split).

        Blank lines and comments are left out. Raises ReadError where a quoted field is never closed.
        """
        held: list[str] = []
        quote, blank = self.quote, self.blank
        for number, raw in enumerate(physical, first):
            if not held:
                if not raw.strip(blank) or (comment and raw.startswith(comment)):
                    continue
                if not quote or quote not in raw:
                    yield number, number + 1, raw.rstrip("\r\n"), None
                    continue
            held.append(raw)
            text = "".join(held).rstrip("\r\n")
            fields = self.split(text)
            if fields is not None:
                yield number - len(held) + 1, number + 1, text, fields
                held = []
            elif len(held) > LONGEST_FIELD:
                raise self._never_closed(held[0], "does not end for hundreds of lines")
        if held:
            raise self._never_closed(held[0], "is never closed: the file is truncated, or the quote is a stray one")

    def lines(self, physical: Iterable[str], first: int = 0, comment: str | None = None) -> Iterator[Line]:
        """The lines of a table, without blank lines and comments. Raises ReadError where a quoted field is never closed."""
        for start, after, text, fields in self.texts(physical, first, comment):
            yield Line(start, after, text, fields or [field or None for field in text.split(self.delimiter)])

    def _never_closed(self, text: str, what: str) -> ReadError:
        fix = f'{AGAIN}, or options.quote: "" when {self.quote} is part of the texts'
        return ReadError(Problem(f"A quoted field {what}.", found=text.strip()[:80], fix=fix))


def detect_delimiter(physical: Sequence[str], quote: str) -> str | None:
    """The delimiter that splits most lines into the same number of fields, and more than one; None when none does.

    >>> detect_delimiter(["a;b", "1,5;2", "1,7;3"], '"'), detect_delimiter(["Flow", "13,5", "14,1"], '"')
    (';', None)
    """
    scores: dict[str, int] = {}
    for delimiter in DELIMITERS:
        lines = sample(physical, delimiter, quote)
        widths = Counter(line.width for line in lines if line.width > 1)
        if widths and not _makes_a_title_of_the_header(lines):
            scores[delimiter] = widths.most_common(1)[0][1]
    best = max(scores.values(), default=0)
    return next((delimiter for delimiter in DELIMITERS if scores.get(delimiter, 0) >= max(best * 0.9, 1)), None)


def _makes_a_title_of_the_header(lines: Sequence[Line]) -> bool:
    """Whether lines above the first one of data were passed over: a decimal comma splits numbers, not the header above them."""
    at = header_index(lines)
    return at > 0 and looks_like_data(lines[at])


def unused_delimiter(physical: Sequence[str]) -> str:
    """A delimiter for a file of one column."""
    return next((sign for sign in (",", ";", "\t", "|") if not any(sign in line for line in physical)), "\x1f")


def sample(physical: Sequence[str], delimiter: str, quote: str, first: int = 0, comment: str | None = None) -> list[Line]:
    """The lines of a head that may end inside a quoted field."""
    found: list[Line] = []
    try:
        found.extend(Splitter(delimiter, quote).lines(physical, first, comment))
    except ReadError:
        unquoted = Splitter(delimiter, "").lines(physical, first, comment)
        return found or list(unquoted)
    return found


def header_index(lines: Sequence[Line]) -> int:
    """Position of the header: the first line that fills at least 6 in 10 of the usual number of fields.

    Titles above a table fill one or two cells; a header may be a little narrower than its rows, which must not make the first
    record the header. Above a narrow table a title may fill enough, but ends in empty cells and holds a number or date.
    """
    usual = Counter(line.width for line in lines).most_common(1)[0][0]
    wide = [n for n, line in enumerate(lines) if line.filled >= 0.6 * usual]
    if not wide:
        return 0
    first = lines[wide[0]]
    if first.filled < usual and _holds_data(first):
        return next((n for n in wide[1:20] if lines[n].filled >= usual and not _holds_data(lines[n])), wide[0])
    return wide[0]


def _holds_data(line: Line) -> bool:
    return any(field and DATA.fullmatch(field) for field in line.fields)


def looks_like_data(line: Line) -> bool:
    """Whether every cell is a number or a moment: then the line is no header."""
    cells = [field for field in line.fields if field is not None and field.strip()]
    return bool(cells) and all(DATA.fullmatch(cell) for cell in cells)


def finds(texts: Sequence[str], line: Line) -> bool:
    """Whether each text is, or as a regular expression matches, a cell of the line."""
    cells = [field.strip() for field in line.fields if field]
    return all(text in cells or any(_matches(text, cell) for cell in cells) for text in texts)


def _matches(pattern: str, cell: str) -> bool:
    try:
        return re.fullmatch(pattern, cell) is not None
    except re.error:
        return False


def unique(names: Sequence[str | None], taken: Iterable[str] = ()) -> list[str]:
    """Names as delivered; an empty one becomes `column_<position>`, a repeated one and one that polars takes for a pattern get a number.

    >>> unique(["a", None, "a", "a_2", "*"])
    ['a', 'column_2', 'a_2', 'a_2_2', '*_2']
    """
    seen = set(taken)
    found: list[str] = []
    for position, raw in enumerate(names, 1):
        name = base = unpatterned(raw) if raw and raw.strip() else f"column_{position}"
        count = 1
        while name in seen:
            count += 1
            name = f"{base}_{count}"
        seen.add(name)
        found.append(name)
    return found


def unpatterned(name: str) -> str:
    """A name that polars does not take for a pattern of several columns: '*' and '^...$' get a number.

    >>> unpatterned("*"), unpatterned("^T.*$"), unpatterned("a*")
    ('*_2', '^T.*$_2', 'a*')
    """
    return f"{name}_2" if name == "*" or (name.startswith("^") and name.endswith("$")) else name


def detect_numbers(lines: Sequence[Line]) -> tuple[str, str]:
    """Decimal sign and thousands sign of the numbers in some lines.

    Only what the cells prove: '1.234,5' and '12,5' prove a decimal comma, '1,234.5' a thousands comma; '1,234' proves nothing.

    >>> detect_numbers([Line(0, 1, "", ["1.234,5", "7,25"])]), detect_numbers([Line(0, 1, "", ["1,234.50", "1,234"])])
    ((',', '.'), ('.', ','))
    """
    cells = [field.strip() for line in lines for field in line.fields if field]
    comma = sum(bool(re.fullmatch(r"-?\d+,(\d{1,2}|\d{4,})-?|-?0,\d+|-?\d{1,3}(\.\d{3})+,\d+-?", cell)) for cell in cells)
    point = sum(bool(re.fullmatch(r"-?\d+\.(\d{1,2}|\d{4,})-?|-?0\.\d+|-?\d{1,3}(,\d{3})+\.\d+-?", cell)) for cell in cells)
    decimal, other = (",", ".") if comma > point else (".", ",")
    groups = re.compile(rf"-?\d{{1,3}}([{other} '])(\d{{3}}\1)*\d{{3}}\{decimal}\d+-?")
    signs = Counter(found[1] for cell in cells if (found := groups.fullmatch(cell)))
    return decimal, signs.most_common(1)[0][0] if signs else ""
