"""Which files there are, which of them are one source, and what their names say.

Here: listing what was named on the command line, groups of exports, path patterns, dates in names. Elsewhere: what is in the files
(`pipelines.draft.looks`), reading times from names when a plant is refreshed (`connectors.naming`).
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from itertools import takewhile
from pathlib import Path

from connectors.contract import Export, Place
from connectors.discovery import discover, is_export, matcher
from connectors.errors import PlantlakeError, Problem
from connectors.naming import FORMATS
from pipelines.draft.guess import Guess

PAPERS = (
    ".md", ".rst", ".pdf", ".doc", ".docx", ".html", ".htm", ".png", ".jpg", ".jpeg", ".gif", ".svg", ".py", ".ipynb", ".xsd",
    ".yaml", ".yml",
    ".toml", ".exe", ".dll",
)  # fmt: skip
NOTES = re.compile(r"(?i)(source_)?(readme|licen[cs]e|copying|changelog|notice)(\..*)?$")
LOOKED_AT = 6
"""Files of one name pattern that are opened."""
STAMP = re.compile(
    r"(?<!\d)(\d{4}-\d\d-\d\d[T_]\d\d-\d\d-\d\d|\d{8}[T_-]\d{6}|\d{8}_\d{4}|\d{14}|\d{12}|\d{4}[-_]\d\d[-_]\d\d|\d{8}|\d{4}-\d\d|\d{6})(?!\d)"
)
OTHERS = ("%y%m%d", "%d%m%Y", "%m%d%Y", "%d-%m-%Y")


@dataclass(frozen=True)
class Gathered:
    """The exports that were named, by their paths below a common root."""

    root: str
    exports: list[Export]
    left_out: list[tuple[str, str]] = field(default_factory=list)
    """Files that are no exports, and why."""


@dataclass(frozen=True)
class Stamps:
    """The dates in the names of a source's exports."""

    from_name: str
    format: str | None
    """None where plantlake tries it by itself."""
    days: list[date]
    is_window: bool = False
    """Whether each name holds two."""
    is_month: bool = False
    """Whether they are months."""


def gather(places: Sequence[str]) -> Gathered:
    """The files at some places: files, folders and addresses. Raises PlantlakeError for a place that does not exist."""
    roots = [_root(place) for place in places]
    root = roots[0][0] if len(set(roots)) == 1 or len({where for where, _ in roots}) == 1 else _common([where for where, _ in roots])
    exports: dict[str, Export] = {}
    for where, name in roots:
        below = "" if where == root else where.removeprefix(root).strip("/") + "/"
        for export in discover(Place(where, name or "**/*")):
            exports[f"{below}{export.name}"] = Export(export.url, f"{below}{export.name}", export.size, export.modified)
    papers = [(name, "documentation") for name in exports if _is_paper(name)]
    left = {name for name, _ in papers}
    return Gathered(root, [export for name, export in sorted(exports.items()) if name not in left], papers)


def _root(place: str) -> tuple[str, str]:
    """Folder and file name of a place; no name for a folder."""
    if "://" in place:
        base, _, name = place.rstrip("/").rpartition("/")
        return (base, name) if "." in name and not place.endswith("/") else (place.rstrip("/"), "")
    path = Path(place).expanduser()
    if path.is_dir():
        return str(path.resolve()), ""
    if path.is_file() and is_export(path.name):
        return str(path.resolve().parent), path.name
    raise PlantlakeError(Problem(f"There is no file or folder '{place}'.", fix="--from FILE, FOLDER or URL"))


def _common(folders: Sequence[str]) -> str:
    if any("://" in folder for folder in folders):
        raise PlantlakeError(
            Problem("All exports of a plant lie below one root; an address and a folder have none in common.", fix="--from one of them")
        )
    return os.path.commonpath(folders)


def _is_paper(name: str) -> bool:
    last = name.rpartition("/")[2]
    return last.lower().endswith(PAPERS) or bool(NOTES.match(last))


# --- groups ----------------------------------------------------------------------------------------------------------------------------


def shape(name: str) -> str:
    """A name without its numbers: what exports of one source share.

    >>> shape("mes/stops_20261119.csv") == shape("mes/stops_20261120.csv")
    True
    """
    return re.sub(r"\d+", "#", name)


def looked_at(exports: Sequence[Export]) -> list[Export]:
    """The first, the last and some between: enough to see whether exports of one name are alike."""
    if len(exports) <= LOOKED_AT:
        return list(exports)
    step = (len(exports) - 1) / (LOOKED_AT - 1)
    return [exports[round(number * step)] for number in range(LOOKED_AT)]


def pattern_of(names: Sequence[str], every: Sequence[str]) -> str | None:
    """The path pattern that matches these names and no other; None where there is none.

    >>> pattern_of(["mes/a_1.csv", "mes/a_2.csv"], ["mes/a_1.csv", "mes/a_2.csv", "mes/b_1.csv"])
    'mes/a_*.csv'
    >>> pattern_of(["x/1.csv", "y/2.csv"], ["x/1.csv", "y/2.csv", "z/all.csv"])
    '*/[0-9]*.csv'
    """
    for candidate in dict.fromkeys(_patterns(names)):
        matches = matcher(candidate)
        if all(matches.fullmatch(name) for name in names) and not any(matches.fullmatch(name) for name in every if name not in names):
            return candidate
    return None


def _patterns(names: Sequence[str]) -> Iterator[str]:
    if len(names) == 1:
        folder, _, last = names[0].rpartition("/")
        yield "/".join(filter(None, [folder, STAMP.sub(lambda found: "*" if _read([found[1]]) else found[0], last)]))
        yield names[0]
        return
    parts = [name.split("/") for name in names]
    if len({len(part) for part in parts}) == 1:
        columns = list(zip(*parts, strict=True))
        folders = [column[0] if len(set(column)) == 1 else "*" for column in columns[:-1]]
        for last in dict.fromkeys([_pattern(columns[-1]), _affixed(columns[-1])]):
            yield "/".join([*folders, last])
            yield "/".join([*folders, last.replace("*", "[0-9]*", 1)])


def _pattern(names: Sequence[str]) -> str:
    """Numbers that differ as '*'."""
    split = [re.split(r"(\d+)", name) for name in names]
    if len({tuple(part[::2]) for part in split}) > 1:
        return _affixed(names)
    return "".join(column[0] if len(set(column)) == 1 else "*" for column in zip(*split, strict=True))


def _affixed(names: Sequence[str]) -> str:
    """What the names begin and end with."""
    first = _common_start(names)
    last = _common_start([name[len(first) :][::-1] for name in names])[::-1]
    return f"{first}*{last}"


def _common_start(texts: Sequence[str]) -> str:
    alike = takewhile(lambda signs: len(set(signs)) == 1, zip(*texts, strict=False))
    return "".join(signs[0] for signs in alike)


# --- what names say --------------------------------------------------------------------------------------------------------------------


def stamps_of(names: Sequence[str]) -> Stamps | None:
    """The dates in names: all names hold one at the same place.

    >>> stamps_of(["mes/stops_20261119.csv"]).from_name, stamps_of(["report_181020.xlsx"]).format, stamps_of(["T1.csv"])
    ('stops_(\\\\d{8})', '%y%m%d', None)
    """
    lasts = [name.rpartition("/")[2] for name in names]
    found = [list(STAMP.finditer(last)) for last in lasts]
    if not all(found) or len({len(stamps) for stamps in found}) != 1:
        return None
    days = [_read([stamps[at][1] for stamps in found]) for at in (0, -1)]
    if days[-1] is None or days[0] is None:
        return None
    form, read = days[-1]
    first = found[0][-1] if len(found[0]) == 1 else found[0][0]
    digits = re.sub(r"\d+", lambda part: rf"\d{{{len(part[0])}}}", found[0][-1][1])
    before = re.escape(re.sub(r".*\d", "", lasts[0][: first.start()])[-20:]).replace(r"\-", "-").replace(r"\_", "_")
    stated = None if form in FORMATS else form
    if len(found[0]) == 2 and found[0][0].end() + 1 == found[0][1].start():
        return Stamps(
            f"{before}({digits}){lasts[0][found[0][0].end()]}({digits})",
            stated,
            [day for _, both in [days[0], days[-1]] for day in both],
            is_window=True,
        )
    is_month = not any(code in form for code in ("%d", "%j", "%u"))
    return Stamps(f"{before}({digits})", stated, read, is_month=is_month) if len(found[0]) == 1 else None


def _read(texts: Sequence[str]) -> tuple[str, list[date]] | None:
    """The first format that reads all texts as days of our time."""
    for form in (*FORMATS, *OTHERS):
        try:
            moments = [datetime.strptime(text, form) for text in texts]  # noqa: DTZ007  (a day)
        except ValueError:
            continue
        if all(moment.strftime(form) == text and 1990 <= moment.year <= 2060 for moment, text in zip(moments, texts, strict=True)):
            return form, [moment.date() for moment in moments]
    return None


def slug(pattern: str, part: str = "") -> str:
    """The name of a source: the words of its pattern.

    >>> slug("mes/stops_*.csv"), slug("valve1/*.csv"), slug("Störungen 2026.xlsx", "Blatt 1")
    ('stops', 'valve1', 'storungen_blatt_1')
    """
    from pipelines.draft.names import plain

    folder, _, last = pattern.rpartition("/")
    words = _words(re.sub(r"\.\w+(\.(gz|zst|zip))?$", "", last)) or _words(folder.rpartition("/")[2]) or ["exports"]
    return "_".join([*words, *plain(part).split()]).encode("ascii", "ignore").decode()[:50].strip("_") or "exports"


def _words(text: str) -> list[str]:
    from pipelines.draft.names import plain

    return [word for word in plain(re.sub(r"\[[^]]*\]|[*#?]", " ", text)).split() if not word.isdigit()]


def stamp_guess(stamps: Stamps, is_covered: bool) -> dict[str, Guess]:
    """`exported_at` of a source, or `covers` where names state a window, or the day or month that the records are of."""
    value: dict[str, str] = {"from_name": stamps.from_name}
    stated = {"format": stamps.format} if stamps.format else {}
    if is_covered and not stamps.is_window:
        return {"covers": Guess({**value, **stated}, "the records are of the date in the name: does the export tell all of it?", 75)}
    if stamps.is_window:
        value["from_name"] = re.sub(r"^(.*?)\(([^()]*)\)", r"\1\2", stamps.from_name)
    found = {"exported_at": Guess({**value, **stated}, "the date in the name", 92 if stamps.format is None else 80)}
    if stamps.is_window:
        window = {"from_name": stamps.from_name, **stated}
        found["covers"] = Guess(window, "two dates in the name: does the export tell all between them?", 75)
    return found


def ends_of(day: date, is_month: bool) -> tuple[datetime, datetime]:
    """The span of a day or a month in a name, with the half day by which a night shift goes beyond it."""
    start = datetime(day.year, day.month, day.day)  # noqa: DTZ001  (a reading of a clock)
    after = (start + timedelta(days=32)).replace(day=1) if is_month else start + timedelta(days=1)
    return start, after + timedelta(hours=12)
