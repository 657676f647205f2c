"""Machines and historians: gbr01 (raw MTConnect SHDR, a dump a day) and the historian files of usa02 (wide and long).

Here: observations and samples. Elsewhere: state logs and counts of an MES (`dialects_mes`), pieces of an ERP (`dialects_erp`).
"""

from __future__ import annotations

from datetime import UTC, datetime
from math import sin
from random import Random

from examples.sample.delivery import DAY, Landing, Line, Period, Quirks, deliver, mixed, periods
from examples.sample.facts import EQ, GAP, IDLE, ORG, RUN, SETUP
from examples.sample.simulate import MAINTENANCE, PAUSE, Event, Machine, Site

WORDS = {RUN: "ACTIVE", SETUP: "PROGRAM_STOPPED", EQ: "INTERRUPTED", ORG: "FEED_HOLD", IDLE: "READY", GAP: "UNAVAILABLE"}
Observation = tuple[int, str, str]


def gbr01(site: Site, landing: Landing) -> None:
    """A dump a day and machine; each begins with the last observation of every data item, which older dumps hold too."""
    landing.raw(site, "Devices.xml", _devices(site).encode())
    for machine in site.machines:
        observations = _observations(site, machine)
        for period in periods(site, 1):
            landing.raw(site, f"agent/{machine.code}-{period.name}.txt", _dump(observations, period).encode())


def _observations(site: Site, machine: Machine) -> list[Observation]:
    """Everything the adapter said, by time; a value is said when it changes."""
    rng = Random(machine.code)
    before = site.start - 9 * DAY
    said: list[Observation] = [(before, "avail", "AVAILABLE"), (before, "mode", "AUTOMATIC"), (before, "system", "NORMAL||||")]
    word = ""
    for phase in machine.phases:
        now = _word(phase)
        if now != word:
            said.append((phase.start, "execution", now))
        if phase.cls == EQ:
            said += [(phase.start, "system", "FAULT|E101|1||Spindle overload"), (phase.end, "system", "NORMAL||||")]
        if phase.cls == RUN:
            said.append((phase.start + 1, "Sload", f"{rng.uniform(20, 80):.3f}"))
        word = now
    said += _part_counter(machine)
    said += [(order.start, "program", f"O{int(order.number) % 10000:04d}") for order in machine.orders]
    return sorted(row for row in said if row[0] < site.end)


def _word(phase: Event) -> str:
    if phase.reason in (PAUSE, MAINTENANCE, "off"):
        return WORDS[phase.cls]
    return phase.reason if phase.cls in (EQ, ORG) else WORDS[phase.cls]


def _part_counter(machine: Machine) -> list[Observation]:
    """The counter of all parts, set back to 0 with every order; it knows nothing of scrap."""
    said: list[Observation] = []
    counter, order = 0, ""
    for count in machine.counts:
        if count.order != order:
            said.append((count.window.start if not order else max(count.window.start, said[-1][0] + 1), "PartCountAct", "0"))
            counter, order = 0, count.order
        counter += count.total
        said.append((count.ts, "PartCountAct", str(counter)))
    return said


def _dump(observations: list[Observation], period: Period) -> str:
    last: dict[str, Observation] = {}
    for row in observations:
        if row[0] < period.start:
            last[row[1]] = row
    inside = [row for row in observations if period.start <= row[0] < period.end]
    return "".join(f"{_shdr_time(ts)}|{item}|{value}\n" for ts, item, value in [*sorted(last.values()), *inside])


def _shdr_time(ts: int) -> str:
    """UTC in the three precisions that adapters write."""
    return f"{datetime.fromtimestamp(ts, UTC):%Y-%m-%dT%H:%M:%S}" + ("Z", ".000Z", ".000000Z")[ts % 3]


def _devices(site: Site) -> str:
    head = (
        '<?xml version="1.0" encoding="UTF-8"?>\n<MTConnectDevices xmlns="urn:mtconnect.org:MTConnectDevices:1.3">\n'
        '  <Header creationTime="2026-01-05T08:00:00Z" sender="gbr01" instanceId="1" version="1.3" bufferSize="131072"/>\n  <Devices>\n'
    )
    return head + "".join(_device(machine.code) for machine in site.machines) + "  </Devices>\n</MTConnectDevices>\n"


def _device(code: str) -> str:
    items = (
        ("EVENT", "EXECUTION", "execution", ""), ("EVENT", "PART_COUNT", "PartCountAct", ""), ("EVENT", "CONTROLLER_MODE", "mode", ""),
        ("EVENT", "PROGRAM", "program", ""), ("SAMPLE", "LOAD", "Sload", ' units="PERCENT" nativeUnits="PERCENT"'),
        ("CONDITION", "SYSTEM", "system", ""),
    )  # fmt: skip
    listed = "".join(
        f'              <DataItem category="{category}" type="{kind}" id="{code}-{name}" name="{name}"{units}/>\n'
        for category, kind, name, units in items
    )
    return (
        f'    <Device id="{code}" name="{code}" uuid="{code}-0001">\n'
        f'      <DataItems>\n        <DataItem category="EVENT" type="AVAILABILITY" id="{code}-avail" name="avail"/>\n      </DataItems>\n'
        f'      <Components>\n        <Controller id="{code}-cont" name="controller">\n          <Components>\n'
        f'            <Path id="{code}-path" name="path">\n            <DataItems>\n{listed}            </DataItems>\n            </Path>\n'
        f"          </Components>\n        </Controller>\n      </Components>\n    </Device>\n"
    )


# -- historian of usa02 -----------------------------------------------------------------------------------------------------------


def historian(site: Site, landing: Landing) -> None:
    """Ten-minute values with units in the header, and a long export with quality codes and milliseconds since 1970."""
    header = ("Timestamp", "FILL1.Speed [1/min]", "FILL1.Temp [Cel]", "FILL2.Speed [1/min]", "FILL2.Power (kW)")

    def write_wide(name: str, period: Period, wrong: bool) -> None:
        lines = [
            Line((f"{datetime.fromtimestamp(ts, UTC):%Y-%m-%dT%H:%M:%SZ}", *_wide(site, ts))) for ts in range(period.start, period.end, 600)
        ]
        bad = [Line(("2026-13-01T00:00:00Z", "110.0", "4.1", "98.0", "20.0"), "NOT_A_TIME")]
        landing.text(site, name, header, mixed(lines, bad))

    def write_long(name: str, period: Period, wrong: bool) -> None:
        lines = [Line(cells) for ts in range(period.start, period.end, 1800) for cells in _long(site, ts)]
        bad = [Line(("", str(period.start * 1000), "7.5", "192"), "MISSING"), Line(("FILL1.State", "soon", "7.5", "192"), "NOT_A_TIME")]
        landing.text(site, name, ("tag", "ts", "value", "quality"), mixed(lines, bad))

    deliver(site, "hist/wide", ".csv", write_wide, Quirks(twice=1))
    deliver(site, "hist/long", ".csv", write_long, Quirks(late=2))


def _at(machine: Machine, ts: int) -> str:
    return next((phase.cls for phase in machine.phases if phase.start <= ts < phase.end), IDLE)


def _wide(site: Site, ts: int) -> tuple[str, ...]:
    first, second = (_at(machine, ts) == RUN for machine in site.machines[:2])
    warm = 4 + 2 * sin(ts / 40000)
    return (
        f"{120 - ts % 7 if first else 0:.1f}", f"{warm:.2f}" if ts % 86400 else "", f"{75 - ts % 5 if second else 0:.1f}",
        f"{18 + 3 * sin(ts / 9000) if second else 2.5:.3f}",
    )  # fmt: skip


def _long(site: Site, ts: int) -> list[tuple[str, ...]]:
    """A state word and a running meter; the quality is an OPC Classic code, now and then bad."""
    quality = "0" if ts % 97200 == 0 else "192"
    state = _at(site.machines[0], ts)
    meter = f"{100000 + (ts - site.start) / 60:.1f}"
    return [
        ("FILL1.State", str(ts * 1000), state if quality == "192" else "", quality),
        ("FILL1.Energy", str(ts * 1000 + 250), meter, "192"),
    ]
