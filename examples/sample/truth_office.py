"""The right numbers of the offices' records: sums of plants by month, record by record, nothing of the product.

Here: numerator and denominator of the KPIs over people, energy, maintenance, quality, orders, stock, money and customers. Elsewhere: the
records (`office`), machines and shifts (`truth`). Amounts in money are in the portfolio's USD: flows at the month's AVG rate, stocks and
assets at its CLOSE rate, stocks as their mean over the days of which they are told.
"""

from __future__ import annotations

import csv
from calendar import monthrange
from collections import defaultdict
from collections.abc import Iterable, Iterator
from datetime import date
from fractions import Fraction
from functools import cache
from pathlib import Path

from examples.sample.facts import START
from examples.sample.office import Office, offices
from examples.sample.simulate import Site

CURRENCIES = {"deu01": "EUR", "cze01": "CZK"}
CONVERSION = ("DIRECT_LABOUR", "ENERGY", "MAINTENANCE", "DEPRECIATION", "OVERHEAD")
Sides = tuple[Fraction, Fraction]
Sums = dict[date, Fraction]


def month_kpis(seed: int = 7, days: int = 45) -> Iterator[tuple[str, date, str, Fraction, Fraction]]:
    """(plant, month, KPI, numerator, denominator) of every plant with an office."""
    for plant, office in offices(seed, days).items():
        for kpi, (above, below) in _kpis(office).items():
            for month in sorted(below):
                if below[month]:
                    yield plant, month, kpi, above.get(month, Fraction(0)), below[month]


def _kpis(office: Office) -> dict[str, tuple[Sums, Sums]]:
    found = {**_of_days(office), **_of_orders(office)}
    if office.costs:
        found |= _of_money(office)
    return found


def _of_days(office: Office) -> dict[str, tuple[Sums, Sums]]:
    found: dict[str, tuple[Sums, Sums]] = {}
    good = _equivalent(office.site)
    if office.energy:
        kwh = _sum((e.day, Fraction(e.tenths, 10)) for e in office.energy)
        found["ENERGY_INT"] = kwh, good
        if _factor(office, "GAS") is not None:
            co2 = _sum((e.day, Fraction(e.tenths, 10) * (_factor(office, e.carrier) or 0)) for e in office.energy)
            found["CO2_INT"] = co2, good
    if office.attendance:
        found["WORKER_EFF"] = _sum((a.day, a.worked) for a in office.attendance), _sum((a.day, a.attended) for a in office.attendance)
        found["LAB_PROD"] = good, _sum((a.day, Fraction(a.attended, 3600)) for a in office.attendance)
    if office.repairs:
        corrective = _sum((r.day, r.end - r.start) for r in office.repairs if r.kind == "CORRECTIVE")
        found["CMR"] = corrective, _sum((r.day, r.end - r.start) for r in office.repairs)
    if office.measured:
        found["FPY"] = _sum((m.day, int(m.is_good)) for m in office.measured), _sum((m.day, 1) for m in office.measured)
    return found


def _of_orders(office: Office) -> dict[str, tuple[Sums, Sums]]:
    found: dict[str, tuple[Sums, Sums]] = {}
    if office.orders:
        attained = _sum((o.day, min(o.made_by_due, o.planned)) for o in office.orders)
        found["SCHED_ATT"] = attained, _sum((o.day, o.planned) for o in office.orders)
        found["ORDER_OT"] = _sum((o.day, int(o.end <= o.due)) for o in office.orders), _sum((o.day, 1) for o in office.orders)
    if office.deliveries:
        both = _sum((d.promised, int(d.delivered_on <= d.promised and d.delivered >= d.ordered)) for d in office.deliveries)
        found["OTIF"] = both, _sum((d.promised, 1) for d in office.deliveries)
    return found


def _of_money(office: Office) -> dict[str, tuple[Sums, Sums]]:
    currency = CURRENCIES.get(office.site.plant.plant, "USD")

    def flow(*classes: str) -> Sums:
        return _sum((c.month, c.amount * _fx(currency, c.month, "AVG")) for c in office.costs if c.cost_class in classes)

    found = {"CONV_COST": (flow(*CONVERSION), _equivalent(office.site)), "COPQ": (flow("SCRAP"), flow("REVENUE"))}
    assets = _sum(
        (c.month, c.amount * _fx(currency, c.month, "CLOSE") * _days_of(c.month)) for c in office.costs
        if c.cost_class == "REPLACEMENT_ASSET_VALUE"
    )  # fmt: skip
    found["MAINT_COST"] = {month: amount * 365 for month, amount in flow("MAINTENANCE").items()}, assets
    if office.stock:
        for kpi, classes in (("INV_TURNS", ("RMI", "WIP", "FGI")), ("WIP_DAYS", ("WIP",))):
            told = _sum((s.day, s.value) for s in office.stock if s.stock_class in classes)
            days = _sum((s.day, 1) for s in office.stock if s.stock_class == "WIP")
            mean = {month: _rounded(told[month] / days[month] * _fx(currency, month, "CLOSE") * _days_of(month)) for month in told}
            cogs = flow("COGS")
            found[kpi] = ({month: amount * 365 for month, amount in cogs.items()}, mean) if kpi == "INV_TURNS" else (mean, cogs)
    return found


def _sum(rows: Iterable[tuple[date, int | Fraction]]) -> Sums:
    """Sums by the month of the day."""
    found: Sums = defaultdict(Fraction)
    for day, amount in rows:
        found[day.replace(day=1)] += amount
    return dict(found)


def _rounded(value: Fraction) -> Fraction:
    """To four digits, as money is kept."""
    return Fraction(round(value * 10000), 10000)


def _equivalent(site: Site) -> Sums:
    """Good pieces in equivalent units."""
    weights = {row["material"]: Fraction(row["weight"]) for row in _words("product_families") if row["plant"] == site.plant.plant}
    return _sum((c.window.day, c.good * weights[c.material]) for machine in site.machines for c in machine.counts if c.window.day >= START)


def _factor(office: Office, carrier: str) -> Fraction | None:
    plant = office.site.plant.plant
    found = [row["kg_per_kwh"] for row in _words("emission_factors") if (row["plant"], row["carrier"]) == (plant, carrier)]
    return Fraction(found[0]) if found else None


def _fx(currency: str, month: date, kind: str) -> Fraction:
    if currency == "USD":
        return Fraction(1)
    wanted = (currency, f"{month:%Y-%m}", kind)
    return next(Fraction(row["rate"]) for row in _words("fx") if (row["from_ccy"], row["period"], row["rate_type"]) == wanted)


def _days_of(month: date) -> int:
    return monthrange(month.year, month.month)[1]


@cache
def _words(name: str) -> list[dict[str, str]]:
    with (Path(__file__).parent / "vocabularies" / f"{name}.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))
