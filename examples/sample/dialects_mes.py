"""Plants with a manufacturing execution system: state or stop logs and hourly pieces.

Here: deu01 (CSV in CP1252, decimal comma), usa01 (workbooks), cze01 (UTF-8 with byte order mark, only stops), usa02 (UTF-16).
Elsewhere: machines and historians (`dialects_machine`), ERP (`dialects_erp`), sheets that people fill in (`dialects_sheet`).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from examples.sample.delivery import DAY, Landing, Line, Period, Quirks, deliver, mixed, once, stamp
from examples.sample.facts import EQ, IDLE, ORG, RUN, SETUP
from examples.sample.simulate import MAINTENANCE, PAUSE, Count, Event, Machine, Planned, Site

GERMAN = "%d.%m.%Y %H:%M:%S"
AMERICAN = "%m/%d/%Y %I:%M:%S %p"


def log(site: Site, period: Period, overlap_s: int = DAY) -> Iterator[tuple[Machine, Event, int | None]]:
    """Entries that a state log shows at the end of a period: those of the period and `overlap_s` before, by start.

    The end is None where the entry was still open when the file was made.
    """
    rows = [
        (event, machine) for machine in site.machines for event in machine.events
        if event.start < period.end and event.end > period.start - overlap_s
    ]  # fmt: skip
    for event, machine in sorted(rows, key=lambda row: (row[0].start, row[1].code, row[0])):
        yield machine, event, event.end if event.end <= period.end else None


def pieces(site: Site, period: Period) -> Iterator[tuple[Machine, Count]]:
    """Counts of a period by time."""
    rows = [(count, machine) for machine in site.machines for count in machine.counts if period.start <= count.ts < period.end]
    for count, machine in sorted(rows, key=lambda row: (row[0].ts, row[1].code, row[0].order)):
        yield machine, count


def spoiled(number: int, quantity: int) -> int:
    """What a wrong first version of a file says: every fiftieth quantity is off."""
    return quantity + 7 if number % 50 == 11 else quantity


def plan(site: Site) -> list[Planned]:
    """Entries of the maintenance plan (breaks are the plant file's)."""
    return [entry for entry in site.planned if entry.planned_at is not None]


# -- deu01 ------------------------------------------------------------------------------------------------------------------------

GERMAN_STATES = {RUN: "Produktion", SETUP: "Rüsten", EQ: "Störung", ORG: "Stillstand", IDLE: "Kein Auftrag"}


def german_number(value: int) -> str:
    """Whole numbers with points between thousands.

    >>> german_number(12345)
    '12.345'
    """
    return f"{value:,}".replace(",", ".")


def deu01(site: Site, landing: Landing) -> None:
    """Semicolons, CP1252, local time, umlauts; weekly files that overlap by a day, so open entries are completed by the next."""
    states = ("Maschine", "Beginn", "Ende", "Zustand", "Störgrund", "Bemerkung")
    counts = ("Maschine", "Zeitpunkt", "Auftrag", "Artikel", "Menge gesamt", "Gutmenge", "Ausschuss", "ME")

    def write_states(name: str, period: Period, wrong: bool) -> None:
        lines = [
            Line(
                (
                    m.code,
                    stamp(site, e.start, GERMAN),
                    stamp(site, end, GERMAN) if end else "",
                    _german_state(e),
                    _german_reason(e),
                    _note(e),
                )
            )
            for m, e, end in log(site, period)
        ]
        landing.text(site, name, states, mixed(lines, _bad_states(site, period)), delimiter=";", encoding="cp1252")

    def write_counts(name: str, period: Period, wrong: bool) -> None:
        lines = []
        for n, (m, c) in enumerate(pieces(site, period)):
            good = spoiled(n, c.good) if wrong else c.good
            numbers = (german_number(good + c.scrap), german_number(good), german_number(c.scrap))
            lines.append(Line((m.code, stamp(site, c.ts, GERMAN), c.order, c.material, *numbers, "Stk")))
        landing.text(site, name, counts, mixed(lines, [] if wrong else _bad_counts(site, period)), delimiter=";", encoding="cp1252")

    deliver(site, "bde/zustand", ".csv", write_states, Quirks(late=2, twice=3))
    deliver(site, "bde/mengen", ".csv", write_counts, Quirks(late=4, corrected=1, twice=2))
    words = {"PLANNED_MAINT": "Wartung", "PLANNED_NO_DEMAND": "Keine Aufträge"}
    entries = [
        Line(
            (
                e.number,
                e.machine,
                stamp(site, e.start, GERMAN),
                stamp(site, e.end, GERMAN),
                words[e.cls],
                stamp(site, e.planned_at or 0, GERMAN),
            )
        )
        for e in plan(site)
    ]
    bad = [Line(("PM-900", "SGM-01", "31.09.2026 06:00:00", "30.09.2026 08:00:00", "Wartung", "01.09.2026 08:00:00"), "NOT_A_TIME")]
    landing.text(site, once(site, "instandhaltung/plan", ".csv"), ("Nr", "Maschine", "Von", "Bis", "Art", "Erfasst am"), [*entries, *bad],
                 delimiter=";", encoding="cp1252")  # fmt: skip


def _german_state(event: Event) -> str:
    return "Aus" if event.reason == "off" else GERMAN_STATES[event.cls]


def _german_reason(event: Event) -> str:
    return {"off": "", PAUSE: "Pause", MAINTENANCE: "Wartung"}.get(event.reason, event.reason)


def _note(event: Event) -> str:
    """A remark with the delimiter in it, so that it is quoted."""
    return "geprüft; siehe Schichtbuch" if event.start % 97 == 0 else ""


def _bad_states(site: Site, period: Period) -> list[Line]:
    noon = period.start + 7 * 3600
    at, later = stamp(site, noon, GERMAN), stamp(site, noon + 1200, GERMAN)
    return [
        Line(("SGM-01", later, at, "Störung", "Werkzeugbruch", ""), "NEG_DURATION"),
        Line(("", at, later, "Störung", "Werkzeugbruch", ""), "MISSING"),
        Line(("SGM-99", at, later, "Störung", "Werkzeugbruch", ""), "UNKNOWN_EQUIPMENT"),
        Line(("SGM-02", at, later, "Kaffee", "", ""), "UNMAPPED_VALUE"),
        Line(("SGM-02", "31.02.2026 10:00:00", later, "Störung", "Materialmangel", ""), "NOT_A_TIME"),
    ]


def _bad_counts(site: Site, period: Period) -> list[Line]:
    at = stamp(site, period.start + 5000, GERMAN)
    return [
        Line(("SGM-01", at, "799999", "4711-A", "zwölf", "12", "0", "Stk"), "NOT_A_NUMBER"),
        Line(("SGM-01", at, "799998", "4711-A", "12", "12", "0", "Fuhre"), "UNKNOWN_UNIT"),
        Line(("SGM-03", at, "799997", "4712-B", "12", "12", "5", "Stk"), "PARTS_EXCEED_TOTAL"),
        Line(("SGM-03", "gestern", "799996", "4712-B", "12", "12", "0", "Stk"), "NOT_A_TIME"),
    ]


# -- usa01 ------------------------------------------------------------------------------------------------------------------------

AMERICAN_STATES = {RUN: "Running", SETUP: "Die change", EQ: "Fault", ORG: "Stopped", IDLE: "Idle"}


def usa01(site: Site, landing: Landing) -> None:
    """A workbook a week: titles above the header in row 4, units in row 5, 12-hour clock as text."""

    def write(name: str, period: Period, wrong: bool) -> None:
        def fill(book: Any, _: Any) -> dict[str, tuple[list[Line], int]]:
            tables = {"States": _american_log(site, period), "Counts": _american_counts(site, period, wrong)}
            heads = {
                "States": (("Machine", "Start", "End", "Duration", "State", "Reason"), ("", "local", "local", "min", "", "")),
                "Counts": (("Machine", "Time", "Order", "Item", "Total", "Good", "Scrap"), ("", "local", "", "", "pcs", "pcs", "pcs")),
            }
            for title, lines in tables.items():
                sheet = book.add_worksheet(title)
                sheet.write(0, 0, "Linden Components - Stamping")
                sheet.write(1, 0, f"{title} {period.name}")
                for row, cells in enumerate((*heads[title], *(line.cells for line in lines)), start=3):
                    sheet.write_row(row, 0, ["" if cell is None else cell for cell in cells])
            return {title: (lines, 6) for title, lines in tables.items()}

        landing.book(site, name, fill)

    deliver(site, "mes/week", ".xlsx", write, Quirks(late=3, corrected=4, twice=1))
    words = {"PLANNED_MAINT": "PM", "PLANNED_OTHER": "Training"}
    entries = [
        Line(
            (
                e.number,
                e.machine,
                stamp(site, e.start, AMERICAN),
                stamp(site, e.end, AMERICAN),
                words[e.cls],
                stamp(site, e.planned_at or 0, AMERICAN),
            )
        )
        for e in plan(site)
    ]
    landing.text(site, once(site, "cmms/workorders", ".csv"), ("WO", "Asset", "Sched Start", "Sched End", "Type", "Created"), entries)


def _american_log(site: Site, period: Period) -> list[Line]:
    lines = []
    for m, e, end in log(site, period):
        minutes = round((end - e.start) / 60, 2) if end else None
        reason = {PAUSE: "Lunch", MAINTENANCE: "PM"}.get(e.reason, e.reason)
        lines.append(
            Line(
                (
                    m.code,
                    stamp(site, e.start, AMERICAN),
                    stamp(site, end, AMERICAN) if end else None,
                    minutes,
                    AMERICAN_STATES[e.cls],
                    reason,
                )
            )
        )
    at, later = (stamp(site, period.start + s, AMERICAN) for s in (9000, 9900))
    bad = [
        Line(("PRESS 1", later, at, -15, "Fault", "Die crash"), "NEG_DURATION"),
        Line(("PRESS 1", "02/30/2026 08:00:00 AM", at, 15, "Fault", "Die crash"), "NOT_A_TIME"),
        Line(("PRESS 2", at, later, 15, "Lubing", ""), "UNMAPPED_VALUE"),
        Line(("", at, later, 15, "Fault", "Die crash"), "MISSING"),
    ]
    return mixed(lines, bad)


def _american_counts(site: Site, period: Period, wrong: bool) -> list[Line]:
    lines = []
    for n, (m, c) in enumerate(pieces(site, period)):
        good = spoiled(n, c.good) if wrong else c.good
        lines.append(Line((m.code, stamp(site, c.ts, AMERICAN), c.order, c.material, good + c.scrap, good, c.scrap)))
    at = stamp(site, period.start + 5001, AMERICAN)
    bad = [
        Line(("PRESS 1", at, "799999", "BRKT-100", "twelve", 12, 0), "NOT_A_NUMBER"),
        Line(("PRESS 2", at, "799998", "BRKT-100", None, None, None), "NO_QUANTITY"),
    ]
    return mixed(lines, [] if wrong else bad)


# -- cze01 ------------------------------------------------------------------------------------------------------------------------


def cze01(site: Site, landing: Landing) -> None:
    """Only stops are logged, with numbers for reasons; each file replaces the week it states."""
    stops = ("ID", "Linka", "Začátek", "Konec", "Kód", "Popis")
    names = {machine.code: n for n, machine in enumerate(site.machines)}

    def write_stops(name: str, period: Period, wrong: bool) -> None:
        lines = []
        for n, (m, e, _) in enumerate(log(site, period, 0)):
            if e.start < period.start:
                continue
            end = e.end if e.end <= site.end else None
            code = "500" if e.reason == MAINTENANCE else e.reason
            late = 600 if wrong and n % 40 == 7 and end else 0
            cells = (
                f"{names[m.code]}-{e.start}-{e.cls[:7]}",
                m.code,
                stamp(site, e.start),
                stamp(site, end + late) if end else "",
                code,
                "",
            )
            lines.append(Line(cells))
        if wrong:
            at = period.start + 90000
            lines.append(Line((f"0-{at}-FALSE", "L1", stamp(site, at), stamp(site, at + 5400), "101", "neplatný záznam")))
        landing.text(site, name, stops, mixed(lines, [] if wrong else _bad_stops(site, period)), encoding="utf-8-sig")

    def write_counts(name: str, period: Period, wrong: bool) -> None:
        lines = [
            Line((m.code, stamp(site, c.ts), c.order, c.material, spoiled(n, c.good) if wrong else c.good, c.scrap))
            for n, (m, c) in enumerate(pieces(site, period))
        ]
        bad = [Line(("L2", stamp(site, period.start + 5002), "799999", "P-330", "asi 300", 0), "NOT_A_NUMBER")]
        landing.text(
            site, name, ("Linka", "Čas", "Zakázka", "Výrobek", "Dobré", "Zmetky"), mixed(lines, [] if wrong else bad), encoding="utf-8-sig"
        )

    deliver(site, "prostoje/stops", ".csv", write_stops, Quirks(late=1, corrected=3, twice=0))
    deliver(site, "vyroba/counts", ".csv", write_counts, Quirks(late=5, corrected=2, twice=4))
    entries = [
        Line((e.number, e.machine, stamp(site, e.start), stamp(site, e.end), e.cls, stamp(site, e.planned_at or 0))) for e in plan(site)
    ]
    landing.text(site, once(site, "udrzba/plan", ".csv"), ("ID", "Linka", "Od", "Do", "Typ", "Zadáno"), entries, encoding="utf-8-sig")


def _bad_stops(site: Site, period: Period) -> list[Line]:
    at, later = (stamp(site, period.start + s) for s in (30000, 31800))
    return [
        Line((f"X1-{period.name}", "L1", later, at, "101", ""), "NEG_DURATION"),
        Line((f"X2-{period.name}", "", at, later, "101", ""), "MISSING"),
        Line((f"X3-{period.name}", "L2", "2026-02-31 10:00:00", later, "101", ""), "NOT_A_TIME"),
        Line((f"X4-{period.name}", "L3", at, later, "", "bez kódu"), "NO_STATE_AND_NO_REASON"),
    ]


# -- usa02 ------------------------------------------------------------------------------------------------------------------------

FILLER_STATES = {RUN: "EXECUTE", SETUP: "CIP", EQ: "HELD", ORG: "SUSPENDED", IDLE: "IDLE"}


def usa02(site: Site, landing: Landing) -> None:
    """Tabs in UTF-16; the log says 'Filler 1' where the counts say FILL1; pieces in thousands."""
    alias = {machine.code: f"Filler {n}" for n, machine in enumerate(site.machines, start=1)}

    def write_states(name: str, period: Period, wrong: bool) -> None:
        lines = []
        for m, e, end in log(site, period):
            reason = {PAUSE: "LUNCH"}.get(e.reason, e.reason)
            lines.append(Line((alias[m.code], stamp(site, e.start), stamp(site, end) if end else "", FILLER_STATES[e.cls], reason)))
        at, later = (stamp(site, period.start + s) for s in (12000, 13800))
        bad = [
            Line(("Filler 1", later, at, "HELD", "VALVE"), "NEG_DURATION"),
            Line(("Filler 2", at, later, "EXEKUTE", ""), "UNMAPPED_VALUE"),
        ]
        landing.text(site, name, ("Unit", "From", "To", "State", "Reason"), mixed(lines, bad), delimiter="\t", encoding="utf-16")

    def write_counts(name: str, period: Period, wrong: bool) -> None:
        lines = []
        for n, (m, c) in enumerate(pieces(site, period)):
            good = spoiled(n, c.good) if wrong else c.good
            lines.append(Line((m.code, stamp(site, c.ts), c.order, c.material, f"{good / 1000:.3f}", f"{c.scrap / 1000:.3f}", "TSD")))
        bad = [Line(("FILL1", stamp(site, period.start + 5003), "799999", "JUICE-1L", "0.120", "0.000", "PAL"), "UNKNOWN_UNIT")]
        header = ("Unit", "Time", "Order", "SKU", "Good", "Reject", "UOM")
        landing.text(site, name, header, mixed(lines, [] if wrong else bad), delimiter="\t", encoding="utf-16")

    deliver(site, "mes/states", ".txt", write_states, Quirks(late=4, twice=2))
    deliver(site, "mes/counts", ".txt", write_counts, Quirks(late=0, corrected=5, twice=3))
