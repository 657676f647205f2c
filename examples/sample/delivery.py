"""How exports reach the landing folder: windows, names, late and corrected and repeated files, and a list of every bad row.

Here: writing files byte for byte the same each time. Elsewhere: the rows of each plant (`dialects_*`).
"""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import xlsxwriter

from examples.sample.facts import START
from examples.sample.simulate import Site, instant, local

HOUR, DAY = 3600, 86400
Cell = str | int | float | datetime | None


@dataclass(frozen=True)
class Line:
    """A record as the plant writes it. `rule` says why a bad one has to be rejected."""

    cells: tuple[Cell, ...]
    rule: str = ""


@dataclass(frozen=True)
class Period:
    """A window of production days that a file states it covers."""

    first: date
    after: date
    start: int
    end: int

    @property
    def name(self) -> str:
        return f"{self.first:%Y%m%d}-{self.after:%Y%m%d}"


@dataclass
class Landing:
    """The landing folder, and what in it is bad."""

    root: Path
    dirt: list[dict[str, object]] = field(default_factory=list)

    def text(
        self,
        site: Site,
        name: str,
        header: Sequence[str],
        lines: Iterable[Line],
        *,
        delimiter: str = ",",
        encoding: str = "utf-8",
        after: Sequence[str] = (),
    ) -> None:
        """Writes a delimited file; `after` are lines below the table."""
        buffer = io.StringIO(newline="")
        writer = csv.writer(buffer, delimiter=delimiter, lineterminator="\r\n")
        writer.writerow(header)
        rows = list(lines)
        writer.writerows(["" if cell is None else cell for cell in line.cells] for line in rows)
        buffer.writelines(f"{line}\r\n" for line in after)
        self.raw(site, name, buffer.getvalue().encode(encoding))
        self._note(site, name, "", rows, 1)

    def raw(self, site: Site, name: str, content: bytes) -> None:
        path = self.root / site.plant.plant / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)

    def book(self, site: Site, name: str, fill: Callable[[Any, Any], dict[str, tuple[list[Line], int]]]) -> None:
        """Writes a workbook; `fill` gets it with a date format and gives the lines of each table with the sheet's row of the first."""
        path = self.root / site.plant.plant / name
        path.parent.mkdir(parents=True, exist_ok=True)
        book = xlsxwriter.Workbook(str(path))
        book.set_properties({"created": datetime(2026, 1, 1), "author": ""})  # noqa: DTZ001
        tables = fill(book, book.add_format({"num_format": "dd-mmm-yyyy"}))
        book.close()
        for table, (lines, first) in tables.items():
            self._note(site, name, table, lines, first)

    def _note(self, site: Site, name: str, table: str, lines: Sequence[Line], first: int) -> None:
        """Row numbers are those of plantlake: the record's in a text, the sheet's own in a workbook."""
        self.dirt += [
            {
                "plant": site.plant.plant, "file": name, "table": table, "row": number, "rule": line.rule,
                "record": "|".join("" if cell is None else str(cell) for cell in line.cells),
            }
            for number, line in enumerate(lines, start=first)
            if line.rule
        ]  # fmt: skip


def periods(site: Site, days: int = 7) -> list[Period]:
    """The horizon in windows of so many production days; the last may be shorter."""
    found = []
    for n in range(0, site.days, days):
        first, after = START + timedelta(days=n), START + timedelta(days=min(site.days, n + days))
        start, end = (instant(site.plant.zone, day, site.plant.day_start) for day in (first, after))
        found.append(Period(first, after, start, end))
    return found


def stamp(site: Site, ts: int, form: str = "%Y-%m-%d %H:%M:%S") -> str:
    """An instant as the plant's clock shows it."""
    return local(site.plant.zone, ts).strftime(form)


@dataclass(frozen=True)
class Quirks:
    """What goes wrong on the way, by number of the period (from 0); -1 is nowhere."""

    late: int = -1
    """This file arrives eleven days after the others."""
    corrected: int = -1
    """This file was first sent with mistakes."""
    twice: int = -1
    """This file is sent again, byte for byte, under another name."""


def deliver(site: Site, stem: str, suffix: str, write: Callable[[str, Period, bool], None], quirks: Quirks, days: int = 7) -> None:
    """Calls `write(name, period, with mistakes)` for every file of a source. Names hold the window and when the file was made."""
    for number, period in enumerate(periods(site, days)):
        made = period.end + 2 * HOUR + (11 * DAY if number == quirks.late else 0)
        if number == quirks.corrected:
            write(_name(site, stem, period, made, suffix), period, True)
            made += 3 * DAY
        write(_name(site, stem, period, made, suffix), period, False)
        if number == quirks.twice:
            write(_name(site, stem, period, made + HOUR, suffix), period, False)


def _name(site: Site, stem: str, period: Period, made: int, suffix: str) -> str:
    return f"{stem}_{period.name}_exp{stamp(site, made, '%Y%m%dT%H%M')}{suffix}"


def once(site: Site, stem: str, suffix: str) -> str:
    """Name of a file that covers the whole horizon."""
    return _name(site, stem, periods(site, site.days)[0], site.end + 2 * HOUR, suffix)


def mixed(lines: list[Line], bad: Sequence[Line]) -> list[Line]:
    """The bad rows between the good ones, spread evenly."""
    step = max(1, len(lines) // (len(bad) + 1))
    found: list[Line] = []
    for number, line in enumerate(lines):
        found.append(line)
        if number % step == step - 1 and number // step < len(bad):
            found.append(bad[number // step])
    return found
