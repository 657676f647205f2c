"""The right numbers of the sample, counted second by second: no sweep, no SQL, nothing of the product.

Here: one byte for each second of a machine, painted from its log and its plan, and sums of it by shift; ideal times as exact
fractions; KPIs of profile ISO as two exact sums. Elsewhere: what happened (`simulate`), files (`dialects_*`). The rules are T1-T20
of the specification, section 1.4; micro-stops are stop blocks shorter than 300 s.
"""

from __future__ import annotations

import csv
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from fractions import Fraction
from functools import cache
from pathlib import Path

import polars as pl

from examples.sample.facts import EQ, IDLE, ORG, RUN, SETUP, START
from examples.sample.simulate import Count, Event, Machine, Planned, Site, Window, instant, simulate
from examples.sample.truth_office import month_kpis

MICROSTOP_S = 300
FREEZE_S = 24 * 3600
BASES = ("BEST_DEMONSTRATED", "ENGINEERED", "ERP_STANDARD")

NOTHING, C_RUN, C_IDLE, C_ORG, C_SETUP, C_EQ, C_MICRO, C_RUN_EXT = range(8)
NO_DEMAND, MAINT, BREAK, OTHER = 8, 9, 10, 11
PAINT = (RUN, IDLE, ORG, SETUP, EQ)
"""The later paints over the earlier: the precedence of rule T8."""
CODES = {RUN: C_RUN, IDLE: C_IDLE, ORG: C_ORG, SETUP: C_SETUP, EQ: C_EQ}
PLANNED_CODES = {"PLANNED_NO_DEMAND": NO_DEMAND, "PLANNED_MAINT": MAINT, "PLANNED_BREAK": BREAK, "PLANNED_OTHER": OTHER}
COLUMNS = {
    "planned_no_demand_s": (NO_DEMAND,), "planned_maint_s": (MAINT,), "planned_break_s": (BREAK,), "planned_other_s": (OTHER,),
    "apt_s": (C_RUN, C_RUN_EXT), "aust_s": (C_SETUP,), "adet_eq_s": (C_EQ,), "adet_org_s": (C_ORG,), "micro_s": (C_MICRO,),
    "adot_s": (C_IDLE,), "unknown_s": (NOTHING,), "pbt_ext_s": (C_RUN_EXT,),
}  # fmt: skip
STATES = ("apt_s", "aust_s", "adet_eq_s", "adet_org_s", "micro_s", "adot_s", "unknown_s")
TIMES = ("ct_s", "pot_s", "pbt_s", *COLUMNS)
QUANTITIES = ("pq", "gq", "sq", "ideal_pq_s", "ideal_gq_s")
KPIS: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "OEE": (("ideal_gq_s",), ("pbt_s",)),
    "A": (("apt_s",), ("pbt_s",)),
    "E": (("ideal_pq_s",), ("apt_s",)),
    "Q": (("ideal_gq_s",), ("ideal_pq_s",)),
    "OOE": (("ideal_gq_s",), ("pot_s",)),
    "TEEP": (("ideal_gq_s",), ("ct_s",)),
    "COVERAGE": (("pbt_s", "-unknown_s"), ("pbt_s",)),
}
Number = int | Fraction
Row = dict[str, object]


@dataclass
class Shift:
    """The parts of one machine in one shift (or overtime, or the time of a day outside both). `None` is unknown."""

    site: Site
    machine: str
    code: str
    day: date
    times: dict[str, int | None]
    products: dict[str, dict[str, Number]] = field(default_factory=dict)

    def part(self, name: str) -> Number | None:
        """A part of all products together."""
        if name in QUANTITIES:
            return sum((product[name] for product in self.products.values()), Fraction(0))
        return self.times[name]


@cache
def shifts(seed: int = 7, days: int = 45) -> tuple[Shift, ...]:
    """Every machine's shifts with their parts."""
    rates = _rates()
    return tuple(shift for site in simulate(seed, days) for machine in site.machines for shift in _machine_shifts(site, machine, rates))


def truth(seed: int = 7, days: int = 45) -> dict[str, pl.DataFrame]:
    """`parts` (machine x shift, '~' for all products together), `products` (machine x shift x material) and `kpis`.

    Sums are exact; `kpis` gives numerator and denominator as decimals of nine digits, which all of them fit in.
    """
    found = shifts(seed, days)
    return {
        "parts": pl.DataFrame(list(_parts(found)), infer_schema_length=None),
        "products": pl.DataFrame(list(_products(found)), infer_schema_length=None),
        "kpis": pl.DataFrame([*_kpis(found), *_office_kpis(seed, days)], infer_schema_length=None),
    }


# -- seconds of a machine ---------------------------------------------------------------------------------------------------------


def ledger(site: Site, machine: Machine) -> bytearray:
    """One code a second from the start to the end of the site's horizon: what the log says, with the plan over it."""
    seconds = bytearray(site.end - site.start)
    micro = _is_micro(site, machine.events)
    for cls in PAINT:
        for event in machine.events:
            if event.cls == cls:
                _paint(seconds, site, event.start, event.end, C_MICRO if event in micro else CODES[cls])
    _take_out_plan(seconds, site, machine.code)
    return seconds


def _paint(seconds: bytearray, site: Site, start: int, end: int, code: int) -> None:
    start, end = max(start, site.start) - site.start, min(end, site.end) - site.start
    if end > start:
        seconds[start:end] = bytes([code]) * (end - start)


def _is_micro(site: Site, events: Iterable[Event]) -> set[Event]:
    """The delays inside stop blocks shorter than 300 s: a block is a run of seconds in which any stop is logged (rule T7)."""
    margin = 14400
    first, last = site.start - margin, site.end + margin
    stopped = bytearray(last - first)
    for event in events:
        if event.cls != RUN:
            stopped[max(0, event.start - first) : max(0, event.end - first)] = b"\1" * (event.end - event.start)
    block = bytearray(last - first)
    for match in re.finditer(rb"\x01+", stopped):
        if match.end() - match.start() < MICROSTOP_S and first + match.end() <= site.end:
            block[match.start() : match.end()] = b"\1" * (match.end() - match.start())
    return {event for event in events if event.cls in (EQ, ORG) and block[event.start - first]}


def _take_out_plan(seconds: bytearray, site: Site, machine: str) -> None:
    """What was planned in time wins over everything but a run, which extends the busy time (rules T2-T4)."""
    for entry in sorted(site.planned, key=lambda entry: -PLANNED_CODES[entry.cls]):
        if entry.machine in (None, machine) and _in_time(entry):
            code = PLANNED_CODES[entry.cls]
            table = bytes(C_RUN_EXT if n in (C_RUN, C_RUN_EXT) else code for n in range(256))
            start, end = max(entry.start - site.start, 0), min(entry.end, site.end) - site.start
            seconds[start:end] = seconds[start:end].translate(table)


def _in_time(entry: Planned) -> bool:
    return entry.planned_at is None or entry.planned_at <= entry.start - FREEZE_S


# -- shifts -----------------------------------------------------------------------------------------------------------------------


def _machine_shifts(site: Site, machine: Machine, rates: Rates) -> Iterator[Shift]:
    seconds = ledger(site, machine)
    counts: dict[Window, list[Count]] = defaultdict(list)
    for count in machine.counts:
        counts[count.window].append(count)
    rest = seconds[:]
    for window in site.windows:
        start, end = window.start - site.start, window.end - site.start
        alive = bool(counts[window]) or any(event.start < window.end and event.end > window.start for event in machine.events)
        times = _times(site, seconds[start:end], alive)
        rest[start:end] = b"\xff" * (end - start)
        yield Shift(site, machine.code, window.code, window.day, times, _made(site, machine, counts.pop(window), rates))
    yield from _outside(site, machine, rest, counts, rates)


def _times(site: Site, part: bytearray, alive: bool) -> dict[str, int | None]:
    """Seconds by class inside a shift; what nobody logged is run time where only stops are logged and the shift lived (T16)."""
    times = {name: sum(part.count(code) for code in codes) for name, codes in COLUMNS.items()}
    if site.plant.method == "RESIDUAL" and alive:
        times["apt_s"], times["unknown_s"] = times["apt_s"] + times["unknown_s"], 0
    pbt = sum(times[name] for name in STATES)
    whole = {"ct_s": len(part), "pot_s": len(part), "pbt_s": pbt, **times}
    return _known(site, whole)


def _known(site: Site, times: dict[str, int]) -> dict[str, int | None]:
    """Without states nothing is known but the plan."""
    if site.plant.method != "NONE":
        return dict(times)
    return {name: None if name in STATES else value for name, value in times.items()}


def _outside(site: Site, machine: Machine, rest: bytearray, counts: dict[Window, list[Count]], rates: Rates) -> Iterator[Shift]:
    """What a day has outside its shifts: runs are overtime (rule T4), the rest belongs to the reference time only."""
    for n in range(site.days):
        day = START + timedelta(days=n)
        edges = [instant(site.plant.zone, START + timedelta(days=n + m), site.plant.day_start) - site.start for m in (0, 1)]
        part = rest[edges[0] : edges[1]]
        ran = part.count(C_RUN) + part.count(C_RUN_EXT)
        off = len(part) - part.count(0xFF) - ran
        made = [count for window, found in counts.items() for count in found if window.day == day]
        zero = dict.fromkeys(TIMES, 0)
        if ran:
            times = {**zero, "ct_s": ran, "pot_s": ran, "pbt_s": ran, "apt_s": ran, "pbt_ext_s": ran}
            yield Shift(site, machine.code, "OVERTIME", day, _known(site, times), _made(site, machine, made, rates))
        if off:
            yield Shift(site, machine.code, "OFF", day, _known(site, {**zero, "ct_s": off}))


def _made(site: Site, machine: Machine, counts: list[Count], rates: Rates) -> dict[str, dict[str, Number]]:
    products: dict[str, dict[str, Number]] = {}
    for count in counts:
        product = products.setdefault(count.material, dict.fromkeys(QUANTITIES, 0))
        ideal = ideal_s(rates, site.plant.plant, machine.code, count.material, count.ts)
        added: tuple[Number, ...] = (count.total, count.good, count.scrap, ideal * count.total, ideal * count.good)
        for name, value in zip(QUANTITIES, added, strict=True):
            product[name] += value
    return products


# -- ideal rates ------------------------------------------------------------------------------------------------------------------

Rates = list[dict[str, str]]
PER_ITEM = {"s": 1, "min": 60, "h": 3600}
ITEMS_PER = {"1/min": 60, "1/h": 3600}


@cache
def _rates() -> Rates:
    with (Path(__file__).parent / "vocabularies" / "ideal_rates.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def ideal_s(rates: Rates, plant: str, machine: str, material: str, ts: int) -> Fraction:
    """Ideal seconds a piece: the best basis that counts, then the line for this machine, valid at the time of the pieces."""
    day = datetime.fromtimestamp(ts, UTC).date().isoformat()
    fitting = [
        rate for rate in rates
        if rate["plant"] == plant and rate["material"] == material and rate["equipment"] in ("", machine)
        and rate["rate_basis"] in BASES and rate["valid_from"] <= day and (not rate["valid_to"] or day < rate["valid_to"])
    ]  # fmt: skip
    best = min(fitting, key=lambda rate: (BASES.index(rate["rate_basis"]), rate["equipment"] == ""))
    value = Fraction(best["rate"])
    seconds = value * PER_ITEM[best["unit"]] if best["unit"] in PER_ITEM else ITEMS_PER[best["unit"]] / value
    return seconds / int(best["pieces_per_cycle"] or 1)


# -- tables -----------------------------------------------------------------------------------------------------------------------


def decimal(value: Number) -> str:
    """An exact number as a decimal of at most nine digits. Raises ValueError where it would have to be rounded.

    >>> decimal(Fraction(25, 2)), decimal(7)
    ('12.5', '7')
    """
    scaled = Fraction(value) * 10**9
    if scaled.denominator != 1:
        raise ValueError(f"{value} has more than nine decimals")
    whole, digits = divmod(abs(int(scaled)), 10**9)
    text = f"{whole}.{digits:09d}".rstrip("0").rstrip(".")
    return f"-{text}" if value < 0 else text


def _labels(shift: Shift) -> Row:
    plant = shift.site.plant
    return {
        "company": plant.company, "plant": plant.plant, "equipment": shift.machine, "shift_code": shift.code, "production_day": shift.day,
    }  # fmt: skip


def _parts(found: Iterable[Shift]) -> Iterator[Row]:
    for shift in found:
        quantities = {name: decimal(shift.part(name) or 0) for name in QUANTITIES}
        yield {**_labels(shift), **shift.times, **quantities}


def _products(found: Iterable[Shift]) -> Iterator[Row]:
    for shift in found:
        for material, made in sorted(shift.products.items()):
            yield {**_labels(shift), "material": material, **{name: decimal(value) for name, value in made.items()}}


def _periods(shift: Shift, scope: str) -> Iterator[tuple[str, date, str]]:
    if scope in ("EQUIPMENT", "PLANT"):
        yield "SHIFT", shift.day, shift.code
    yield "DAY", shift.day, ""
    yield "WEEK", shift.day - timedelta(days=shift.day.weekday()), ""
    yield "MONTH", shift.day.replace(day=1), ""


def _scopes(shift: Shift) -> Iterator[tuple[str, str]]:
    plant = shift.site.plant
    yield "EQUIPMENT", f"{plant.plant}/{shift.machine}"
    yield "PLANT", plant.plant
    yield "COMPANY", plant.company
    yield "PORTFOLIO", "portfolio"


def _signed(shift: Shift, terms: tuple[str, ...]) -> Number | None:
    """A side of a KPI in one shift; None where one of its parts is unknown."""
    total: Number = 0
    for term in terms:
        value = shift.part(term.lstrip("-"))
        if value is None:
            return None
        total += -value if term.startswith("-") else value
    return total


Key = tuple[str, str, str, date, str, str]


def _kpis(found: Iterable[Shift]) -> Iterator[Row]:
    """Sums over machines, time and products, divided last; a machine whose part is unknown is in neither sum.

    Where nothing at all is known of the busy time there is no value but the coverage, which is 0 (golden case GC46).
    """
    sums: dict[Key, list[Number]] = defaultdict(lambda: [0, 0, 0, 0])
    for shift in found:
        busy = (shift.times["pbt_s"] or 0, shift.times["unknown_s"] or 0)
        sides = {kpi: (_signed(shift, above), _signed(shift, below)) for kpi, (above, below) in KPIS.items()}
        for scope, scope_id in _scopes(shift):
            for period, day, code in _periods(shift, scope):
                for kpi, (above, below) in sides.items():
                    if above is not None and below is not None:
                        total = sums[scope, scope_id, period, day, code, kpi]
                        total[:] = [old + new for old, new in zip(total, (above, below, *busy), strict=True)]
    for key in sorted(sums):
        yield _value(key, *sums[key])


def _office_kpis(seed: int, days: int) -> Iterator[Row]:
    for plant, month, kpi, above, below in month_kpis(seed, days):
        yield {
            "scope_type": "PLANT", "scope_id": plant, "period_type": "MONTH", "period_start": month, "shift_code": "", "kpi_id": kpi,
            "numerator": decimal(above), "denominator": decimal(below), "value": float(above / below),
        }  # fmt: skip


def _value(key: Key, above: Number, below: Number, busy: Number, unknown: Number) -> Row:
    scope, scope_id, period, day, code, kpi = key
    is_known = below != 0 and (kpi == "COVERAGE" or busy == 0 or unknown < busy)
    return {
        "scope_type": scope, "scope_id": scope_id, "period_type": period, "period_start": day, "shift_code": code, "kpi_id": kpi,
        "numerator": decimal(above), "denominator": decimal(below), "value": float(above / Fraction(below)) if is_known else None,
    }  # fmt: skip
