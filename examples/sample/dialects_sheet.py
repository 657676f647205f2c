"""A plant without any system: ind01, where a clerk keeps a workbook a week with two tables on one sheet.

Here: the shift sheet. Elsewhere: plants with systems (`dialects_mes`, `dialects_machine`, `dialects_erp`).
"""

from __future__ import annotations

from datetime import datetime, time
from typing import Any

from examples.sample.delivery import Landing, Line, Period, Quirks, deliver, mixed, stamp
from examples.sample.dialects_mes import log, pieces, spoiled
from examples.sample.simulate import Site

PRODUCTION = ("Date", "Shift", "Machine", "Item", "Produced", "OK", "Rejected")
STOPS = ("Machine", "Stop date", "From", "Minutes", "Reason", "Remarks")


def ind01(site: Site, landing: Landing) -> None:
    """Pieces by shift above, stops below with their start and minutes; a blank row between, a signature at the end."""

    def write(name: str, period: Period, wrong: bool) -> None:
        def fill(book: Any, day_format: Any) -> dict[str, tuple[list[Line], int]]:
            sheet = book.add_worksheet("Shift report")
            sheet.write(0, 0, "Quill Foods - Packing hall")
            production, stops = _production(site, period, wrong), _stops(site, period, wrong)
            row = _table(sheet, 2, PRODUCTION, production, day_format)
            below = row + 2
            row = _table(sheet, below, STOPS, stops, day_format)
            sheet.write(row + 1, 0, "Checked by shift in-charge")
            return {"production": (production, 4), "stops": (stops, below + 2)}

        landing.book(site, name, fill)

    deliver(site, "sheets/shift_report", ".xlsx", write, Quirks(late=2, corrected=4, twice=3))


def _table(sheet: Any, row: int, header: tuple[str, ...], lines: list[Line], day_format: Any) -> int:
    """Writes a table from a row (from 0) on, and gives the row below it."""
    sheet.write_row(row, 0, header)
    for number, line in enumerate(lines, start=row + 1):
        for column, cell in enumerate(line.cells):
            if isinstance(cell, datetime):
                sheet.write_datetime(number, column, cell, day_format)
            elif cell is not None:
                sheet.write(number, column, cell)
    return row + 1 + len(lines)


def _production(site: Site, period: Period, wrong: bool) -> list[Line]:
    sums: dict[tuple[Any, ...], list[int]] = {}
    for machine, count in pieces(site, period):
        key = (count.window.start, count.window.day, count.window.code, machine.code, count.material)
        total = sums.setdefault(key, [0, 0])
        total[0], total[1] = total[0] + count.good, total[1] + count.scrap
    lines = []
    for n, ((_, day, code, machine_code, material), (good, scrap)) in enumerate(sorted(sums.items())):
        told = spoiled(n, good) if wrong else good
        lines.append(Line((datetime.combine(day, time()), code, machine_code, material, told + scrap, told, scrap)))
    day = datetime.combine(period.first, time())
    bad = [
        Line((day, "I", "Packer 1", "TEA-100", "many", 100, 0), "NOT_A_NUMBER"),
        Line((day, "IV", "Packer 1", "TEA-100", 100, 100, 0), "UNKNOWN_SHIFT"),
        Line((day, "I", None, "TEA-100", 100, 100, 0), "MISSING"),
    ]
    return mixed(lines, [] if wrong else bad)


def _stops(site: Site, period: Period, wrong: bool) -> list[Line]:
    """Stops that began in the period; one that is not over has no minutes."""
    lines = []
    for machine, event, _ in log(site, period, 0):
        if event.start >= period.start:
            minutes = (event.end - event.start) // 60 if event.end <= site.end else None
            day, clock = stamp(site, event.start, "%d-%m-%Y"), stamp(site, event.start, "%H:%M")
            lines.append(Line((machine.code, day, clock, minutes, event.reason, None)))
    bad = [
        Line(("Packer 2", stamp(site, period.start, "%d-%m-%Y"), "07:11", -20, "Film jam", None), "NEG_DURATION"),
        Line(("Packer 2", "31-02-2026", "07:12", 20, "Film jam", None), "NOT_A_TIME"),
        Line(("Packer 3", stamp(site, period.start, "%d-%m-%Y"), "07:13", "half an hour", "Film jam", None), "NOT_A_NUMBER"),
    ]
    return mixed(lines, bad)
