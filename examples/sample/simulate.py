"""What happens in the plants: shifts, orders, runs, stops and pieces, second by second and without any format.

Here: a deterministic simulation. Elsewhere: the plants (`facts`), the numbers that follow (`truth`), how the plants write it down
(`dialects_*`). Instants are whole seconds since 1970 in UTC; intervals are half-open.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from functools import cache
from itertools import pairwise
from random import Random
from zoneinfo import ZoneInfo

from examples.sample.facts import EQ, GAP, IDLE, ORG, PLANTS, RUN, SETUP, START, Plant

PAUSE = "pause"
"""Reason of the stop at a planned break; a plant that logs only stops does not log it."""
MAINTENANCE = "maintenance"
CHANGES = {"Europe": date(2026, 10, 25), "America": date(2026, 11, 1)}
WEEKDAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")


@dataclass(frozen=True, order=True)
class Window:
    """A shift (or an overtime) of the whole plant."""

    start: int
    end: int
    code: str
    day: date


@dataclass(frozen=True, order=True)
class Event:
    """What a machine did, or what its log says it did."""

    start: int
    end: int
    cls: str
    reason: str = ""


@dataclass(frozen=True)
class Order:
    """An order on a machine, from its first to its last second of operating time."""

    start: int
    end: int
    number: str
    material: str


@dataclass(frozen=True)
class Count:
    """Pieces that were made, stamped inside the shift that made them."""

    ts: int
    order: str
    material: str
    good: int
    scrap: int
    window: Window

    @property
    def total(self) -> int:
        return self.good + self.scrap


@dataclass(frozen=True)
class Planned:
    """An entry of the plan for one machine, or a break of the pattern for all of them."""

    number: str
    machine: str | None
    start: int
    end: int
    cls: str
    planned_at: int | None


@dataclass(frozen=True)
class Machine:
    """One machine over the whole period. `events` is what is logged (all, or only stops), in the order of their starts."""

    code: str
    events: tuple[Event, ...]
    counts: tuple[Count, ...]
    orders: tuple[Order, ...]
    phases: tuple[Event, ...]
    """Everything that was true of the machine, without overlaps."""


@dataclass(frozen=True)
class Site:
    """One plant over the whole period [start, end)."""

    plant: Plant
    start: int
    end: int
    days: int
    windows: tuple[Window, ...]
    planned: tuple[Planned, ...]
    machines: tuple[Machine, ...]


def instant(zone: str, day: date, clock: str) -> int:
    """A local time as an instant; in the repeated hour the first pass.

    >>> instant("Europe/Berlin", date(2026, 10, 25), "06:00") - instant("Europe/Berlin", date(2026, 10, 24), "22:00")
    32400
    """
    day = day + timedelta(days=1) if clock == "24:00" else day
    hours, minutes = map(int, clock.replace("24:", "00:").split(":"))
    return int(datetime.combine(day, time(hours, minutes), ZoneInfo(zone)).timestamp())


def local(zone: str, ts: int) -> datetime:
    """An instant as the local clock shows it."""
    return datetime.fromtimestamp(ts, UTC).astimezone(ZoneInfo(zone)).replace(tzinfo=None)


def span(zone: str, day: date, at: str) -> tuple[int, int]:
    """The two instants of a local 'start-end' on a day; an end at or before the start is on the next day."""
    first, last = at.split("-")
    return instant(zone, day, first), instant(zone, day if last > first else day + timedelta(days=1), last)


def _days_of(text: str) -> set[int]:
    if text == "daily":
        return set(range(7))
    first, last = text.split("-")
    return set(range(WEEKDAYS.index(first), WEEKDAYS.index(last) + 1))


@cache
def simulate(seed: int, days: int) -> tuple[Site, ...]:
    """Every plant over `days` production days; the same seed gives the same world."""
    return tuple(_site(plant, seed, days) for plant in PLANTS)


def _site(plant: Plant, seed: int, days: int) -> Site:
    calendar = [START + timedelta(days=n) for n in range(days)]
    start, end = (instant(plant.zone, START + timedelta(days=n), plant.day_start) for n in (0, days))
    working = [day for day in calendar if day not in plant.holidays]
    windows = tuple(
        sorted(
            Window(*span(plant.zone, day, at), code, day)
            for day in working
            for code, (at, weekdays) in plant.shifts.items()
            if day.weekday() in _days_of(weekdays)
        )
    )
    planned = tuple(_planned(plant, calendar, working, days))
    machines = tuple(
        _machine(plant, n, windows, planned, (start, end), Random(f"{seed}:{plant.plant}:{n}")) for n in range(len(plant.machines))
    )
    return Site(plant, start, end, days, windows, planned, machines)


def _planned(plant: Plant, calendar: list[date], working: list[date], days: int) -> list[Planned]:
    found = [
        Planned("", None, *span(plant.zone, day, at), "PLANNED_BREAK", None)
        for day in working
        for at in plant.breaks
    ]  # fmt: skip
    for number, (offset, at, cls, machine, hours) in enumerate(plant.planned, start=1):
        if offset < days:
            start, end = span(plant.zone, calendar[offset], at)
            found.append(Planned(f"PM-{number:03d}", plant.machines[machine], start, end, cls, start - hours * 3600))
    return found


def _machine(
    plant: Plant, index: int, windows: tuple[Window, ...], planned: tuple[Planned, ...], horizon: tuple[int, int], rng: Random
) -> Machine:
    code = plant.machines[index]
    spans = _merged(windows)
    orders = _orders(plant, index, spans, rng)
    phases = [phase for start, end in spans for phase in _phases(plant, start, end, rng)]
    phases = _with_setups(phases, orders, plant, rng)
    phases = _with_plan(phases, plant, code, planned, spans, rng)
    phases = _with_clock_change(phases, plant, index, spans)
    phases = _with_gaps(phases, plant, spans, rng)
    overtime = [Window(*span(plant.zone, START + timedelta(days=n), at), "OVERTIME", START + timedelta(days=n)) for n, at in plant.overtime]
    overtime = [window for window in overtime if index == 0 and window.end <= horizon[1]]
    for window in overtime:
        phases = _overlay(phases, Event(window.start, window.end, RUN))
        phases = _overlay(phases, Event(window.start + 5000, window.start + 5180, EQ, plant.reasons[EQ][-1]))
    if index == 1 and plant.method != "NONE":
        phases = _overlay(phases, Event(horizon[1] - 1500, horizon[1] + 5400, EQ, plant.reasons[EQ][0]))
    phases = _filled(phases, horizon) if plant.logs_off else phases
    phases = _joined(phases)
    events = _logged(plant, index, phases, windows, rng)
    counts = _counts(plant, index, [*windows, *overtime], orders, phases, rng)
    return Machine(code, tuple(events), tuple(counts), tuple(orders), tuple(phases))


def _merged(windows: tuple[Window, ...]) -> list[tuple[int, int]]:
    """Stretches of shifts without a pause between them."""
    spans: list[tuple[int, int]] = []
    for window in windows:
        if spans and spans[-1][1] == window.start:
            spans[-1] = (spans[-1][0], window.end)
        else:
            spans.append((window.start, window.end))
    return spans


def _orders(plant: Plant, index: int, spans: list[tuple[int, int]], rng: Random) -> list[Order]:
    """Orders one after the other over the operating time, each of 6 to 16 hours; most change the product."""
    found: list[Order] = []
    product = index % len(plant.products)
    for start, end in spans:
        t = start
        while t < end:
            until = min(end, t + rng.randrange(6, 16) * 3600 // plant.grid_s * plant.grid_s)
            until = end if end - until < 5400 else until
            found.append(Order(t, until, f"{700000 + index * 10000 + len(found)}", plant.products[product]))
            product = (product + 1) % len(plant.products) if rng.random() < 0.7 else product
            t = until
    return found


def _phases(plant: Plant, start: int, end: int, rng: Random) -> list[Event]:
    """Runs and stops that follow each other from `start` to `end`; every fourth micro-stop is chained to another one."""
    found: list[Event] = []
    t = start
    while t < end:
        t = _append(found, t, end, RUN, "", 120 + int(rng.expovariate(1 / 2600)), plant)
        kind = rng.random()
        if kind < 0.55:
            cls = rng.choice((EQ, EQ, ORG))
            t = _append(found, t, end, cls, rng.choice(plant.reasons[cls]), rng.randrange(20, 299), plant)
            if rng.random() < 0.25:
                other = EQ if cls == ORG else ORG
                t = _append(found, t, end, other, rng.choice(plant.reasons[other]), rng.randrange(30, 290), plant)
        elif kind < 0.93:
            cls = rng.choice((EQ, ORG))
            t = _append(found, t, end, cls, rng.choice(plant.reasons[cls]), rng.randrange(300, 4200), plant)
        else:
            t = _append(found, t, end, IDLE, rng.choice(plant.reasons[IDLE]), rng.randrange(900, 5400), plant)
    return found


def _append(found: list[Event], t: int, end: int, cls: str, reason: str, seconds: int, plant: Plant) -> int:
    until = min(end, t + max(plant.grid_s, seconds // plant.grid_s * plant.grid_s))
    if until > t:
        found.append(Event(t, until, cls, reason))
    return until


def _overlay(phases: list[Event], new: Event) -> list[Event]:
    """The phases with `new` in place of whatever was there."""
    kept: list[Event] = []
    for phase in phases:
        if phase.end <= new.start or phase.start >= new.end:
            kept.append(phase)
            continue
        if phase.start < new.start:
            kept.append(replace(phase, end=new.start))
        if phase.end > new.end:
            kept.append(replace(phase, start=new.end))
    return sorted([*kept, new])


def _with_setups(phases: list[Event], orders: list[Order], plant: Plant, rng: Random) -> list[Event]:
    for before, after in pairwise(orders):
        if before.material != after.material:
            seconds = rng.randrange(600, 2700) // plant.grid_s * plant.grid_s
            phases = _overlay(phases, Event(after.start, min(after.end, after.start + seconds), SETUP, plant.reasons[SETUP][0]))
    return phases


def _with_plan(
    phases: list[Event], plant: Plant, code: str, planned: tuple[Planned, ...], spans: list[tuple[int, int]], rng: Random
) -> list[Event]:
    """Most breaks and all planned stops are kept; some breaks are worked through, some take longer."""
    for entry in planned:
        inside = any(start <= entry.start and entry.end <= end for start, end in spans)
        if not inside or entry.machine not in (None, code):
            continue
        if entry.cls == "PLANNED_BREAK":
            over = rng.choice((0, 0, 0, 60, 240, 420)) if plant.method == "MEASURED" else 0
            event = Event(entry.start, entry.end, RUN) if rng.random() < 0.2 else Event(entry.start, entry.end + over, ORG, PAUSE)
        elif entry.cls == "PLANNED_NO_DEMAND":
            event = Event(entry.start, entry.end, IDLE, plant.reasons[IDLE][0])
        else:
            event = Event(entry.start, entry.end, EQ, MAINTENANCE)
        phases = _overlay(phases, event)
    return phases


def repeated_hour(zone: str) -> tuple[int, int] | None:
    """The two real hours that the local clock shows as one, in autumn 2026; None where clocks are not changed.

    >>> repeated_hour("Asia/Kolkata") is None
    True
    """
    day = CHANGES.get(zone.split("/", maxsplit=1)[0])
    if day is None:
        return None
    midnight, next_midnight = instant(zone, day, "00:00"), instant(zone, day + timedelta(days=1), "00:00")
    if next_midnight - midnight == 86400:
        return None
    hour = next(
        midnight + 3600 * n for n in range(24) if local(zone, midnight + 3600 * n) == local(zone, midnight + 3600 * (n + 1))
    )  # fmt: skip
    return hour, hour + 7200


def _with_clock_change(phases: list[Event], plant: Plant, index: int, spans: list[tuple[int, int]]) -> list[Event]:
    """In the repeated hour everything runs, but for one stop of the first machine from the first pass into the second.

    A local log cannot tell the passes apart in general; so it is asked only what the order of its rows tells.
    """
    hours = repeated_hour(plant.zone)
    if hours is None or not plant.is_local or not any(start <= hours[0] and hours[1] <= end for start, end in spans):
        return phases
    phases = _overlay(phases, Event(hours[0] - 60, hours[1] + 1800, RUN))
    phases = _overlay(phases, Event(hours[1] + 1800, hours[1] + 2300, ORG, plant.reasons[ORG][0]))
    if index:
        return phases
    return _overlay(phases, Event(hours[0] + 2400, hours[0] + 3600 + 1200, EQ, plant.reasons[EQ][0]))


def _with_gaps(phases: list[Event], plant: Plant, spans: list[tuple[int, int]], rng: Random) -> list[Event]:
    hours = repeated_hour(plant.zone) or (0, 0)
    for _ in range(plant.gaps):
        start, end = rng.choice(spans)
        t = rng.randrange(start, max(start + 1, end - 3000))
        gap = Event(t, min(end, t + rng.randrange(400, 2400)), GAP)
        if gap.end < hours[0] - 120 or gap.start > hours[1] + 120:
            phases = _overlay(phases, gap)
    return phases


def _filled(phases: list[Event], horizon: tuple[int, int]) -> list[Event]:
    """Between the shifts the machine says that it is off, from before the first day on."""
    found: list[Event] = []
    t = horizon[0] - 7200
    for phase in phases:
        if phase.start > t:
            found.append(Event(t, phase.start, IDLE, "off"))
        found.append(phase)
        t = max(t, phase.end)
    return [*found, Event(t, horizon[1] + 7200, IDLE, "off")] if t < horizon[1] else found


def _joined(phases: list[Event]) -> list[Event]:
    """Neighbours of one kind are one phase."""
    found: list[Event] = []
    for phase in phases:
        if found and found[-1].end == phase.start and (found[-1].cls, found[-1].reason) == (phase.cls, phase.reason):
            found[-1] = replace(found[-1], end=phase.end)
        else:
            found.append(phase)
    return found


def _logged(plant: Plant, index: int, phases: list[Event], windows: tuple[Window, ...], rng: Random) -> list[Event]:
    """What the log says: everything, or only stops; in some plants with entries inside and across others."""
    if plant.method == "NONE":
        return []
    events = [phase for phase in phases if phase.cls != GAP]
    if plant.method == "RESIDUAL":
        events = [event for event in events if event.cls != RUN and event.reason != PAUSE]
    if plant.nests:
        events += _nested(plant, phases, rng)
    dead = [w for w in windows if index == 0 and ((w.day - START).days, w.code) in plant.dead]
    for window in dead:
        events = [cut for event in events for cut in _without(event, window)]
    seen: set[tuple[int, str]] = set()
    unique: list[Event] = []
    for event in sorted(events):
        if (event.start, event.cls) not in seen:
            seen.add((event.start, event.cls))
            unique.append(event)
    return unique


def _nested(plant: Plant, phases: list[Event], rng: Random) -> list[Event]:
    """Entries inside a long stop, and entries that begin in one and end in the run after it."""
    hours = repeated_hour(plant.zone) or (0, 0)
    found = []
    for phase in phases:
        near_change = hours[0] - 7200 < phase.end and phase.start < hours[1] + 7200
        if phase.cls not in (EQ, ORG) or phase.end - phase.start < 900 or phase.reason in (PAUSE, MAINTENANCE) or near_change:
            continue
        other = EQ if phase.cls == ORG else ORG
        dice = rng.random()
        if dice < 0.2:
            found.append(Event(phase.start + 120, phase.start + 120 + rng.randrange(60, 600), other, rng.choice(plant.reasons[other])))
        elif dice < 0.35:
            found.append(Event(phase.end - 200, phase.end + rng.randrange(60, 500), phase.cls, rng.choice(plant.reasons[phase.cls])))
    return found


def _without(event: Event, window: Window) -> list[Event]:
    """What is left of an event outside a window."""
    parts = [replace(event, end=min(event.end, window.start)), replace(event, start=max(event.start, window.end))]
    return [part for part in parts if part.end > part.start]


def _counts(plant: Plant, index: int, windows: list[Window], orders: list[Order], phases: list[Event], rng: Random) -> list[Count]:
    """Pieces by what ran, booked about once an hour (or twice a shift) for each order; at least one record a shift."""
    found: list[Count] = []
    for window in sorted(windows):
        if index == 0 and ((window.day - START).days, window.code) in plant.dead:
            continue
        running = [phase for phase in phases if phase.cls in (RUN, GAP) and phase.start < window.end and phase.end > window.start]
        for start, end, order in _chunks(plant, window, orders):
            seconds = sum(max(0, min(end, phase.end) - max(start, phase.start)) for phase in running)
            found.append(_count(plant, window, start, end, order, seconds, rng))
    return found


def _chunks(plant: Plant, window: Window, orders: list[Order]) -> list[tuple[int, int, Order]]:
    """The window cut at orders and about every `count_s` seconds; overtime goes to the order before it."""
    here = [order for order in orders if order.start < window.end and order.end > window.start]
    if not here:
        last = [order for order in orders if order.end <= window.start][-1]
        here = [replace(last, start=window.start, end=window.end)]
    cuts = []
    for order in here:
        t, until = max(window.start, order.start), min(window.end, order.end)
        while until - t > 0:
            end = until if until - t < 1.5 * plant.count_s else t + plant.count_s
            cuts.append((t, end, order))
            t = end
    return cuts


def _count(plant: Plant, window: Window, start: int, end: int, order: Order, seconds: int, rng: Random) -> Count:
    """Pieces of one stretch, at 78 to 99 % of the product's usual speed, stamped shortly before the stretch ends."""
    cycle = CYCLE_S[plant.plant][plant.products.index(order.material)]
    total = int(seconds * rng.uniform(0.78, 0.99) / cycle)
    scrap = sum(rng.random() < 0.03 for _ in range(min(total, 60))) * max(1, total // 60)
    ts = end - 1 - rng.randrange(0, max(1, min(240, (end - start) // 3)))
    return Count(ts, order.number, order.material, total - min(scrap, total), min(scrap, total), window)


CYCLE_S: dict[str, tuple[float, float]] = {
    "deu01": (2.5, 18.0), "usa01": (4.0, 7.5), "gbr01": (95.0, 240.0), "mex01": (1.5, 2.0), "cze01": (6.0, 9.6), "usa02": (0.5, 0.8),
    "deu02": (3.2, 12.5), "ind01": (1.2, 2.4),
}  # fmt: skip
"""Usual seconds a piece of each product: how fast the machines really are. What counts as ideal stands in ideal_rates.csv."""
