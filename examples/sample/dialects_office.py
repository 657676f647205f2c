"""What the offices of the plants export: meters, time clock, maintenance, laboratory, ERP.

Here: a file a kind and week (or one for the whole horizon), in the plant's own words and formats. Elsewhere: the records (`office`), what
is made of them (`truth_office`), machines and confirmations (the other dialects).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from examples.sample.delivery import Cell, Landing, Line, Period, Quirks, deliver, mixed, once, stamp
from examples.sample.office import Office, offices
from examples.sample.simulate import Site

GERMAN = "%d.%m.%Y %H:%M:%S"
US = "%m/%d/%Y %I:%M:%S %p"
ISO = "%Y-%m-%d %H:%M:%S"


@dataclass(frozen=True)
class Style:
    """How a plant writes dates, numbers and yes."""

    stamp: str = ISO
    day: str = "%Y-%m-%d"
    delimiter: str = ","
    encoding: str = "utf-8"
    comma: bool = False

    def number(self, value: float, digits: int = 1) -> str:
        text = f"{value:.{digits}f}"
        return text.replace(".", ",") if self.comma else text


STYLES = {
    "deu01": Style(GERMAN, "%d.%m.%Y", ";", "cp1252", comma=True),
    "usa01": Style(US, "%m/%d/%Y"),
    "cze01": Style(delimiter=";", comma=True),
    "usa02": Style(US, "%m/%d/%Y"),
}


def office(site: Site, landing: Landing, seed: int) -> None:
    """Every kind of record that the plant delivers."""
    found = offices(seed, site.days)[site.plant.plant]
    style = STYLES[site.plant.plant]
    for kind, write in WRITERS.items():
        if getattr(found, kind):
            write(found, landing, style)


def _weekly(found: Office, landing: Landing, style: Style, stem: str, header: tuple[str, ...], lines: Callable[[Period], list[Line]],
            quirks: Quirks | None = None) -> None:  # fmt: skip
    def write(name: str, period: Period, wrong: bool) -> None:
        landing.text(found.site, name, header, lines(period), delimiter=style.delimiter, encoding=style.encoding)

    deliver(found.site, stem, ".csv", write, quirks or Quirks())


def _whole(found: Office, landing: Landing, style: Style, stem: str, header: tuple[str, ...], lines: list[Line]) -> None:
    name = once(found.site, stem, ".csv")
    landing.text(found.site, name, header, lines, delimiter=style.delimiter, encoding=style.encoding)


def _energy(found: Office, landing: Landing, style: Style) -> None:
    """kWh of electricity by machine or site, MJ of gas by site; a meter that says 'n/a' is refused."""

    def line(row: tuple[Cell, ...], rule: str = "") -> Line:
        return Line(row, rule)

    def lines(period: Period) -> list[Line]:
        rows = [
            line((e.machine or "", e.carrier, stamp(found.site, e.start, style.stamp), stamp(found.site, e.end, style.stamp),
                  style.number(e.tenths * (0.36 if e.carrier == "GAS" else 0.1), 2), "MJ" if e.carrier == "GAS" else "kWh"))
            for e in found.energy if period.start <= e.start < period.end
        ]  # fmt: skip
        at = stamp(found.site, period.start, style.stamp)
        return mixed(rows, [line(("", "ELECTRICITY", at, at, "n/a", "kWh"), "NOT_A_NUMBER")])

    _weekly(found, landing, style, "energy/meters", ("Meter", "Carrier", "From", "To", "Reading", "Unit"), lines, Quirks(twice=2))


def _attendance(found: Office, landing: Landing, style: Style) -> None:
    def lines(period: Period) -> list[Line]:
        return [
            Line((a.person, a.machine, stamp(found.site, a.start, style.stamp), stamp(found.site, a.end, style.stamp), a.attended // 60, a.worked // 60))
            for a in found.attendance if period.start <= a.start < period.end
        ]  # fmt: skip

    _weekly(found, landing, style, "hr/attendance", ("Person", "Machine", "In", "Out", "Attended min", "Worked min"), lines)


def _repairs(found: Office, landing: Landing, style: Style) -> None:
    lines = [
        Line((r.number, r.machine, r.kind, *(stamp(found.site, ts, style.stamp) for ts in (r.reported, r.start, r.end)), r.code, r.cost))
        for r in found.repairs
    ]
    header = ("Order", "Machine", "Type", "Reported", "Start", "End", "Fault", "Cost")
    _whole(found, landing, style, "cmms/maintenance", header, lines)


def _measured(found: Office, landing: Landing, style: Style) -> None:
    def lines(period: Period) -> list[Line]:
        return [
            Line((m.serial, m.machine, m.material, m.order, m.subgroup, stamp(found.site, m.ts, style.stamp), style.number(m.value, 4),
                  style.number(m.lower, 4), style.number(m.upper, 4), "OK" if m.is_good else "NOK"))
            for m in found.measured if period.start <= m.ts < period.end
        ]  # fmt: skip

    header = ("Serial", "Machine", "Item", "Order", "Sample", "Measured", "Value", "LSL", "USL", "Verdict")
    _weekly(found, landing, style, "lab/measurements", header, lines)


def _scrapped(found: Office, landing: Landing, style: Style) -> None:
    def lines(period: Period) -> list[Line]:
        return [
            Line((s.machine, s.material, s.order, stamp(found.site, s.ts, style.stamp), s.pieces, s.code, "ja" if s.is_startup else "nein"))
            for s in found.scrapped if period.start <= s.ts < period.end
        ]  # fmt: skip

    _weekly(found, landing, style, "bde/ausschuss", ("Maschine", "Artikel", "Auftrag", "Zeitpunkt", "Menge", "Grund", "Anfahren"), lines)


def _orders(found: Office, landing: Landing, style: Style) -> None:
    """An order a line, and an operation a line: queue before it, setup and run as planned."""
    orders, operations = [], []
    for o in found.orders:
        start, end, due = (stamp(found.site, ts, style.stamp) for ts in (o.start, o.end, o.due))
        orders.append(Line((o.number, o.material, o.machine, o.planned, start, end, due, "Completed")))
        operations.append(Line((o.number, "0010", o.machine, start, end, 15)))
    header = ("Order", "Item", "Machine", "Quantity", "Start", "End", "Due", "Status")
    _whole(found, landing, style, "erp/orders", header, orders)
    _whole(found, landing, style, "erp/operations", ("Order", "Operation", "Machine", "Start", "End", "Queue min"), operations)


def _stock(found: Office, landing: Landing, style: Style) -> None:
    lines = [Line((s.stock_class, s.day.strftime(style.day), s.value)) for s in found.stock]
    _whole(found, landing, style, "erp/stock", ("Class", "Day", "Value"), lines)


def _costs(found: Office, landing: Landing, style: Style) -> None:
    lines = [Line((c.month.strftime(style.day), c.cost_class, c.amount)) for c in found.costs]
    _whole(found, landing, style, "erp/costs", ("Month", "Class", "Amount"), lines)


def _deliveries(found: Office, landing: Landing, style: Style) -> None:
    lines = [
        Line((d.number, d.customer, d.material, d.promised.strftime(style.day), d.delivered_on.strftime(style.day), d.ordered, d.delivered))
        for d in found.deliveries
    ]
    header = ("Line", "Customer", "Item", "Promised", "Delivered on", "Ordered", "Delivered")
    _whole(found, landing, style, "erp/deliveries", header, lines)


WRITERS: dict[str, Callable[[Office, Landing, Style], None]] = {
    "energy": _energy, "attendance": _attendance, "repairs": _repairs, "measured": _measured, "scrapped": _scrapped, "orders": _orders,
    "stock": _stock, "costs": _costs, "deliveries": _deliveries,
}  # fmt: skip
"""Kind of record: what writes it."""
