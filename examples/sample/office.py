"""What the offices of a plant know beside its machines: people, energy, maintenance, quality, orders, stock, money, customers.

Here: a deterministic list of records for each plant, made of what happened (`simulate`). Elsewhere: how a plant writes them down
(`dialects_office`), which numbers follow (`truth_office`). Instants are whole seconds since 1970 in UTC; money is in whole units of the
plant's currency.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cache
from random import Random

from examples.sample.facts import EQ, START
from examples.sample.simulate import Machine, Site, instant, simulate

HOUR, DAY = 3600, 86400


@dataclass(frozen=True)
class Energy:
    """What the meter of a machine, or of the site, measured on a production day, in tenths of a kWh."""

    machine: str | None
    carrier: str
    day: date
    start: int
    end: int
    tenths: int


@dataclass(frozen=True)
class Attendance:
    """One person in one shift; seconds."""

    person: str
    machine: str
    day: date
    start: int
    end: int
    attended: int
    worked: int


@dataclass(frozen=True)
class Repair:
    """A maintenance order; `day` is the production day of the middle of its work."""

    number: str
    machine: str
    kind: str
    reported: int
    start: int
    end: int
    day: date
    code: str
    cost: int


@dataclass(frozen=True)
class Measured:
    """One serial number that was measured, within limits."""

    machine: str
    material: str
    order: str
    serial: str
    subgroup: str
    ts: int
    day: date
    value: float
    lower: float
    upper: float

    @property
    def is_good(self) -> bool:
        return self.lower <= self.value <= self.upper


@dataclass(frozen=True)
class Scrapped:
    """Why pieces of one count were scrapped."""

    machine: str
    material: str
    order: str
    ts: int
    day: date
    pieces: int
    code: str
    is_startup: bool


@dataclass(frozen=True)
class OfficeOrder:
    """An order as the ERP plans it: the machine's order with its plan. `day` is the production day on which it is due."""

    number: str
    machine: str
    material: str
    start: int
    end: int
    due: int
    day: date
    planned: int
    made_by_due: int


@dataclass(frozen=True)
class Stock:
    """Value of one class of stock at the end of a local day."""

    stock_class: str
    day: date
    value: int


@dataclass(frozen=True)
class Cost:
    """An amount of one class in one month."""

    month: date
    cost_class: str
    amount: int


@dataclass(frozen=True)
class DeliveryLine:
    """A line of a customer's order."""

    number: str
    customer: str
    material: str
    promised: date
    delivered_on: date
    ordered: int
    delivered: int


@dataclass(frozen=True)
class Office:
    """All records of a plant; a plant delivers some of them (`KINDS`)."""

    site: Site
    energy: tuple[Energy, ...] = ()
    attendance: tuple[Attendance, ...] = ()
    repairs: tuple[Repair, ...] = ()
    measured: tuple[Measured, ...] = ()
    scrapped: tuple[Scrapped, ...] = ()
    orders: tuple[OfficeOrder, ...] = ()
    stock: tuple[Stock, ...] = ()
    costs: tuple[Cost, ...] = ()
    deliveries: tuple[DeliveryLine, ...] = ()


KINDS: dict[str, tuple[str, ...]] = {
    "deu01": ("energy", "attendance", "repairs", "measured", "scrapped", "orders", "stock", "costs", "deliveries"),
    "usa01": ("energy", "attendance", "repairs", "stock", "costs", "deliveries"),
    "cze01": ("energy", "repairs", "orders", "deliveries"),
    "usa02": ("energy", "measured", "stock", "costs", "deliveries"),
}
"""Which records each plant delivers; the others deliver none of them, and KPIs over them say so."""
LIMITS = {"deu01": (24.9, 25.1, 0.03), "usa02": (0.985, 1.015, 0.004)}
"""Lower and upper limit of the measured characteristic, and its spread."""
SITE_METER = ("usa02",)
"""Plants with one meter for the whole site."""
COSTS = {
    "DIRECT_LABOUR": 90_000, "ENERGY": 21_000, "MAINTENANCE": 18_000, "DEPRECIATION": 40_000, "OVERHEAD": 35_000, "SCRAP": 6_500,
    "COGS": 320_000, "REVENUE": 410_000, "REPLACEMENT_ASSET_VALUE": 4_800_000,
}  # fmt: skip


@cache
def offices(seed: int, days: int) -> dict[str, Office]:
    """The office of every plant that delivers records of it."""
    return {site.plant.plant: _office(site, seed) for site in simulate(seed, days) if site.plant.plant in KINDS}


def _office(site: Site, seed: int) -> Office:
    makers = {
        "energy": _energy, "attendance": _attendance, "repairs": _repairs, "measured": _measured, "scrapped": _scrapped,
        "orders": _orders, "stock": _stock, "costs": _costs, "deliveries": _deliveries,
    }  # fmt: skip
    made = {kind: tuple(makers[kind](site, Random(f"{seed}:{site.plant.plant}:{kind}"))) for kind in KINDS[site.plant.plant]}
    return Office(site, **made)  # type: ignore[arg-type]


def days(site: Site) -> Iterator[tuple[date, int, int]]:
    """Production days with their first instant and the one after their last."""
    for n in range(site.days):
        day = START + timedelta(days=n)
        yield (
            day,
            instant(site.plant.zone, day, site.plant.day_start),
            instant(site.plant.zone, day + timedelta(days=1), site.plant.day_start),
        )


def day_of(site: Site, ts: int) -> date:
    """The production day of an instant inside the horizon."""
    return next(day for day, start, end in days(site) if start <= ts < end)


def months(site: Site) -> list[tuple[date, int]]:
    """The months of the horizon, each with how many production days of it there are."""
    found: dict[date, int] = {}
    for day, *_ in days(site):
        found[day.replace(day=1)] = found.get(day.replace(day=1), 0) + 1
    return list(found.items())


def _energy(site: Site, rng: Random) -> Iterator[Energy]:
    machines: tuple[Machine | None, ...] = (None,) if site.plant.plant in SITE_METER else site.machines
    for day, start, end in days(site):
        for machine in machines:
            of = site.machines if machine is None else (machine,)
            pieces = sum(count.total for each in of for count in each.counts if count.window.day == day)
            yield Energy(
                machine.code if machine else None, "ELECTRICITY", day, start, end, 900 * len(of) + pieces // 4 + rng.randrange(300)
            )
        yield Energy(None, "GAS", day, start, end, 400 + rng.randrange(200))


def _attendance(site: Site, rng: Random) -> Iterator[Attendance]:
    for number, window in enumerate(site.windows):
        for index, machine in enumerate(site.machines):
            attended = window.end - window.start - 1800
            worked = attended - 60 * rng.randrange(10, 90)
            yield Attendance(f"{1001 + (number + index) % 14}", machine.code, window.day, window.start, window.end, attended, worked)


def _repairs(site: Site, rng: Random) -> Iterator[Repair]:
    for machine in site.machines:
        long = [event for event in machine.phases if event.cls == EQ and event.end - event.start > 1800 and event.start > site.start]
        for number, event in enumerate(long):
            start, cost = event.start + 600, 100 + 10 * rng.randrange(80)
            number_text = f"W{machine.code[-1]}{number:04d}"
            day = day_of(site, min((start + event.end) // 2, site.end - 1))
            yield Repair(number_text, machine.code, "CORRECTIVE", event.start, start, event.end, day, event.reason, cost)
    for entry in site.planned:
        if entry.cls == "PLANNED_MAINT" and entry.machine and entry.end <= site.end:
            day = day_of(site, (entry.start + entry.end) // 2)
            reported = entry.start - DAY
            yield Repair(f"W{entry.number}P", entry.machine, "PREVENTIVE", reported, entry.start, entry.end, day, "", 400)


def _measured(site: Site, rng: Random) -> Iterator[Measured]:
    lower, upper, spread = LIMITS[site.plant.plant]
    for machine in site.machines:
        for number, count in enumerate(machine.counts[::6]):
            for piece in range(5):
                value = round((lower + upper) / 2 + spread * rng.gauss(0.2, 1), 4)
                serial = f"{machine.code.replace(' ', '')}-{number:04d}-{piece}"
                yield Measured(
                    machine.code,
                    count.material,
                    count.order,
                    serial,
                    f"{machine.code}-{number:04d}",
                    count.ts,
                    count.window.day,
                    value,
                    lower,
                    upper,
                )


def _scrapped(site: Site, rng: Random) -> Iterator[Scrapped]:
    for machine in site.machines:
        started: set[str] = set()
        for count in machine.counts:
            if count.scrap:
                code = rng.choice(("Grat", "Lunker", "Maß"))
                yield Scrapped(
                    machine.code, count.material, count.order, count.ts, count.window.day, count.scrap, code, count.order not in started
                )
            started.add(count.order)


def _orders(site: Site, rng: Random) -> Iterator[OfficeOrder]:
    for machine in site.machines:
        for order in machine.orders:
            counts = [count for count in machine.counts if count.order == order.number]
            due = min(order.end + HOUR * rng.choice((-3, 2, 10, 20)), site.end - 1)
            if not counts or due <= order.start:
                continue
            planned = 50 * round(sum(count.good for count in counts) * rng.choice((0.97, 1.0, 1.04)) / 50 + 1)
            day = day_of(site, due)
            by_due = sum(count.good for count in counts if count.window.day <= day)
            yield OfficeOrder(order.number, machine.code, order.material, order.start, order.end, due, day, planned, by_due)


def _stock(site: Site, rng: Random) -> Iterator[Stock]:
    for day, *_ in days(site):
        for stock_class, value in (("RMI", 180_000), ("WIP", 60_000), ("FGI", 240_000)):
            yield Stock(stock_class, day, value + 100 * rng.randrange(-200, 200))


def _costs(site: Site, rng: Random) -> Iterator[Cost]:
    for month, share in months(site):
        for cost_class, amount in COSTS.items():
            of_month = amount if cost_class == "REPLACEMENT_ASSET_VALUE" else amount * share // 30
            yield Cost(month, cost_class, of_month + rng.randrange(100))


def _deliveries(site: Site, rng: Random) -> Iterator[DeliveryLine]:
    for n, (day, *_) in enumerate(days(site)):
        for line in range(3):
            ordered = 50 * rng.randrange(1, 20)
            late, short = rng.choice((0, 0, 0, 0, -1, 1, 3)), rng.choice((0, 0, 0, 0, 0, 5))
            delivered_on = day + timedelta(days=late)
            yield DeliveryLine(
                f"{70000 + n}/{line + 1:02d}",
                f"K{rng.randrange(100, 130)}",
                rng.choice(site.plant.products),
                day,
                delivered_on,
                ordered,
                ordered - short,
            )
