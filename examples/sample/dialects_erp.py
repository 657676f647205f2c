"""Pieces as an ERP confirms them: mex01 and gbr01 (documents, reversals and corrections by reference), deu02 (the layout of SAP).

Here: documents. What is booked wrongly is put right by later documents, so that the sum of a shift is what was made in it.
Elsewhere: what was made (`simulate`), logs of an MES (`dialects_mes`).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from examples.sample.delivery import DAY, HOUR, Landing, Line, Period, Quirks, deliver, mixed, once, stamp
from examples.sample.dialects_mes import plan
from examples.sample.simulate import Count, Machine, Site


@dataclass(frozen=True)
class Document:
    """One confirmation. `ts` is what the document itself states: a correction states the day on which it was made."""

    number: int
    counter: int
    machine: str
    count: Count
    ts: int
    posted: int
    good: int
    scrap: int
    reverses: int | None = None
    """Counter of the document of the same number that this one cancels."""
    corrects: int | None = None
    """Counter of the document of the same number that this one corrects."""
    is_cancelled: bool = False


def documents(site: Site) -> list[Document]:
    """All confirmations by posting time.

    Every ninth was typed wrongly, cancelled a day later and confirmed anew; every eleventh is corrected four days later, every third
    of these corrections again. SAP has no reference for corrections: there they state the time of the original.
    """
    found: list[Document] = []
    number = 10020
    for machine in site.machines:
        for n, count in enumerate(machine.counts):
            number += 1
            found += _history(site, machine, number, n, count)
    if site.plant.plant == "deu02":
        found = [replace(document, ts=document.count.ts) if document.corrects else document for document in found]
    return sorted(found, key=lambda document: (document.posted, document.number, document.counter))


def _history(site: Site, machine: Machine, number: int, n: int, count: Count) -> list[Document]:
    right = Document(number, 1, machine.code, count, count.ts, count.ts + 300, count.good, count.scrap)
    if n % 9 == 4 and count.ts + 2 * DAY < site.end:
        typo = replace(right, good=count.good * 10 + 1, is_cancelled=True)
        cancels = replace(
            typo, counter=2, ts=count.ts + DAY, posted=count.ts + DAY, good=-typo.good, scrap=-typo.scrap, reverses=1, is_cancelled=False
        )
        return [typo, cancels, replace(right, counter=3, posted=count.ts + DAY + 60)]
    if n % 11 == 6 and count.ts + 8 * DAY < site.end:
        first = replace(right, good=count.good + count.scrap, scrap=0)
        later = count.ts + 4 * DAY
        if n % 3:
            return [first, replace(right, counter=2, ts=later, posted=later, good=-count.scrap, scrap=count.scrap, corrects=1)]
        much = count.scrap + 3
        again = later + 2 * DAY
        return [
            first,
            replace(right, counter=2, ts=later, posted=later, good=-much, scrap=much, corrects=1),
            replace(right, counter=3, ts=again, posted=again, good=3, scrap=-3, corrects=2),
        ]
    return [right]


def _posted(site: Site, period: Period) -> Iterator[Document]:
    """Documents that were posted in a period; the first one's file has all before it, the last one's all after it."""
    for document in documents(site):
        if period.start <= document.posted < period.end or (period.end == site.end and document.posted >= site.end):
            yield document


# -- mex01 and gbr01 --------------------------------------------------------------------------------------------------------------

HEADER = (
    "Confirmation",
    "Work center",
    "Order",
    "Material",
    "Description",
    "Yield",
    "Scrap",
    "UoM",
    "Finished",
    "Posted",
    "Reverses",
    "Corrects",
)


def confirmations(site: Site, landing: Landing) -> None:
    """Commas, quoted descriptions, times with their offset; the reference names number and counter."""

    def write(name: str, period: Period, wrong: bool) -> None:
        lines = [Line(_cells(site, document)) for document in _posted(site, period)]
        landing.text(site, name, HEADER, mixed(lines, _bad(site, period)))

    deliver(site, "erp/confirmations", ".csv", write, Quirks(late=2, twice=1))
    orders = [
        Line((order.number, order.material, machine.code, _offset(site, order.start), _offset(site, order.end), "Completed"))
        for machine in site.machines for order in machine.orders
    ]  # fmt: skip
    landing.text(site, once(site, "erp/orders", ".csv"), ("Order", "Material", "Work center", "Start", "End", "Status"), orders)


def _cells(site: Site, d: Document) -> tuple[str, ...]:
    def reference(counter: int | None) -> str:
        return f"{d.number}/{counter:02d}" if counter else ""

    return (
        f"{d.number}/{d.counter:02d}", d.machine, d.count.order, d.count.material, f"{d.count.material}, standard", str(d.good), str(d.scrap),
        "pzs", _offset(site, d.ts), _offset(site, d.posted), reference(d.reverses), reference(d.corrects),
    )  # fmt: skip


def _offset(site: Site, ts: int) -> str:
    return datetime.fromtimestamp(ts, UTC).astimezone(ZoneInfo(site.plant.zone)).isoformat()


def _bad(site: Site, period: Period) -> list[Line]:
    at, machine, material = _offset(site, period.start + 9000), site.plant.machines[0], site.plant.products[0]
    rest = (at, at, "", "")
    return [
        Line(("99001/01", machine, "799999", material, "bad", "doce", "0", "pzs", *rest), "NOT_A_NUMBER"),
        Line(("99002/01", "", "799999", material, "bad", "12", "0", "pzs", *rest), "MISSING"),
        Line(("99003/01", machine, "799999", material, "bad", "12", "0", "bultos", *rest), "UNKNOWN_UNIT"),
        Line(("99004/01", machine, "799999", material, "bad", "12", "0", "pzs", "2026-02-31T10:00:00", at, "", ""), "NOT_A_TIME"),
    ]


# -- deu02 ------------------------------------------------------------------------------------------------------------------------

SAP = (
    "RUECK", "RMZHL", "ARBPL", "AUFNR", "MATNR", "LMNGA", "XMNGA", "MEINH", "IEDD", "IEDZ", "ERSDA", "ERZET", "STOKZ", "STZHL",
)  # fmt: skip


def sap_number(value: int) -> str:
    """Three decimals, points between thousands, the minus behind.

    >>> sap_number(-1302)
    '1.302,000-'
    """
    return f"{abs(value):,}".replace(",", ".") + ",000" + ("-" if value < 0 else "")


def deu02(site: Site, landing: Landing) -> None:
    """Padded keys, trailing minus; a cancelling row has positive quantities and the counter of the row it cancels in STZHL."""

    def write(name: str, period: Period, wrong: bool) -> None:
        lines = [Line(_sap_cells(site, document)) for document in _posted(site, period)]
        lines = mixed(lines, _bad_sap(site, period))
        total = f"*;;;;;{sap_number(sum(d.good for d in _posted(site, period)))};;;;;;;;"
        landing.text(site, name, SAP, lines, delimiter=";", encoding="cp1252", after=(total,))

    deliver(site, "sap/afru", ".csv", write, Quirks(late=3, twice=5))
    entries = [
        Line((e.number, e.machine, stamp(site, e.start, "%Y%m%d"), stamp(site, e.start, "%H%M%S"), stamp(site, e.end, "%Y%m%d"),
              stamp(site, e.end, "%H%M%S"), "PM01", stamp(site, e.planned_at or 0, "%Y%m%d")))
        for e in plan(site)
    ]  # fmt: skip
    header = ("AUFNR", "ARBPL", "GSTRP", "GSUZP", "GLTRP", "GLUZP", "AUART", "ERDAT")
    landing.text(site, once(site, "sap/pm", ".csv"), header, entries, delimiter=";", encoding="cp1252")


def _sap_cells(site: Site, d: Document) -> tuple[str, ...]:
    sign = -1 if d.reverses else 1
    reference = d.reverses or 0
    return (
        f"{d.number:010d}", f"{d.counter:08d}", d.machine.rjust(8, "0"), d.count.order.rjust(12, "0"), d.count.material,
        sap_number(sign * d.good), sap_number(sign * d.scrap), "ST", *_sap_time(site, d.ts), *_sap_time(site, d.posted),
        "X" if d.is_cancelled else "", f"{reference:08d}",
    )  # fmt: skip


def _sap_time(site: Site, ts: int) -> tuple[str, str]:
    """Day and clock; midnight is 240000 of the day before."""
    clock = stamp(site, ts, "%H%M%S")
    return (stamp(site, ts - HOUR, "%Y%m%d"), "240000") if clock == "000000" else (stamp(site, ts, "%Y%m%d"), clock)


def _bad_sap(site: Site, period: Period) -> list[Line]:
    at = _sap_time(site, period.start + 9000)
    material = site.plant.products[0]

    def line(number: int, machine: str, good: str, unit: str, when: tuple[str, str], rule: str) -> Line:
        cells = (f"{number:010d}", "00000001", machine, "000000799999", material, good, "0,000", unit, *when, *at, "", "00000000")
        return Line(cells, rule)

    return [
        line(99001, "00010023", "zwoelf", "ST", at, "NOT_A_NUMBER"),
        line(99002, "", "12,000", "ST", at, "MISSING"),
        line(99003, "00010024", "12,000", "PAL", at, "UNKNOWN_UNIT"),
        line(99004, "00010024", "12,000", "ST", ("20260231", "100000"), "NOT_A_TIME"),
    ]
