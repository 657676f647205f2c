"""Random plants: systems that live through some days and export what they know, as legacy systems do.

Here: what a plant's systems hold, how it changes (later corrections, reversals, deletions, moved events), the exports they write and
the plant file that reads them. Elsewhere: the laws that must hold whatever the exports are (`test_deliveries.py`, `test_history.py`).

Each system exports now and then all records of a look-back window, as it knows them at that moment; so exports overlap, and a later
one corrects an earlier one. The name of an export says when it was taken, so any order of arrival means the same. Everything follows
from one seed.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from random import Random
from typing import Any
from zoneinfo import ZoneInfo

import yaml

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
STAMP = "%Y%m%dT%H%M%S"
STARTS = (datetime(2025, 3, 27, tzinfo=UTC), datetime(2025, 10, 23, tzinfo=UTC), datetime(2025, 6, 27, tzinfo=UTC))
"""Clocks go forward (2025-03-30 in Europe), go back (2025-10-26), and a month that ends."""
CODES = ("17", "18", "19", "44")
REASONS = ("E-MECH", "E-ELEC", "S-CO", "P-BRK", "P-NOD", "S-CLEAN")
MATERIALS = ("A-100", "B-200", "007")
PATTERNS: tuple[dict[str, Any], ...] = (
    {"F": {"at": "06:00-14:00", "days": "Mon-Fri"}, "S": {"at": "14:00-22:00", "days": "Mon-Fri"}},
    {"F": {"at": "06:00-14:00", "days": "daily"}, "S": {"at": "14:00-22:00", "days": "daily"}, "N": {"at": "22:00-06:00", "days": "daily"}},
    {"D": {"at": "05:30-17:30", "days": "daily"}, "N": {"at": "18:00-05:00", "days": "Mon-Sat"}},
)


@dataclass(frozen=True)
class Delivery:
    """One export: its name below the plant's landing folder, its header and its records."""

    name: str
    header: str
    lines: tuple[str, ...]
    is_whole: bool = False
    """It says something by what it does not hold (window, snapshot): it cannot be split."""

    def write(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        (folder / self.name).write_text("\n".join((self.header, *self.lines, "")), encoding="utf-8")

    def split(self, rng: Random) -> list[Delivery]:
        """The same records in up to three files, in their order."""
        if self.is_whole or len(self.lines) < 2:
            return [self]
        cuts = sorted({0, len(self.lines), rng.randrange(1, len(self.lines)), rng.randrange(1, len(self.lines))})
        stem = self.name.removesuffix(".csv")
        return [
            Delivery(f"{stem}_p{number}.csv", self.header, self.lines[first:last])
            for number, (first, last) in enumerate(pairwise(cuts), start=1)
        ]


@dataclass(frozen=True)
class Wall:
    """The clock on the wall of a plant, and how its systems write it down."""

    zone: str
    with_offset: bool = False
    wrong_s: tuple[int, ...] = (0,)
    """Seconds by which it is ahead, one day after the other."""

    def text(self, moment: datetime | None) -> str:
        if moment is None:
            return ""
        moment += timedelta(seconds=self.wrong_s[moment.toordinal() % len(self.wrong_s)])
        local = moment.astimezone(ZoneInfo(self.zone))
        return local.isoformat(sep=" ", timespec="seconds") if self.with_offset else local.strftime("%Y-%m-%d %H:%M:%S")

    def stamp(self, moment: datetime) -> str:
        """As names of exports have it: UTC, so that two never fall together when clocks go back."""
        return moment.strftime(STAMP)


@dataclass
class Record:
    """One record of a system; `at` is the instant by which it is looked back for."""

    number: int
    unit: str
    at: datetime
    end: datetime | None = None
    cells: dict[str, str] = field(default_factory=dict)
    is_gone: bool = False


class System:
    """A source system of a plant: lives on to an instant, is corrected, exports."""

    name: str
    is_whole = False

    def __init__(self, rng: Random, wall: Wall, units: Sequence[str], start: datetime):
        self.rng, self.wall, self.units, self.now = rng, wall, units, start
        self.records: list[Record] = []
        self.last: datetime | None = None

    def live(self, until: datetime) -> None:
        raise NotImplementedError

    def correct(self) -> None:
        """Changes something that was exported before."""

    def source(self) -> dict[str, Any]:
        """The source's part of the plant file."""
        raise NotImplementedError

    def line(self, record: Record) -> str:
        raise NotImplementedError

    header: str

    def _csv(self, tables: dict[str, Any], **more: Any) -> dict[str, Any]:
        stamped = {"from_name": r"_(\d{8}T\d{6})Z", "format": STAMP}
        return {
            "kind": "delimited", "path": f"{self.name}_*.csv", "options": {"delimiter": ";", "encoding": "utf-8"},
            "exported_at": stamped, "tables": tables, **more,
        }  # fmt: skip

    def _number(self) -> int:
        return len(self.records) + 1

    def known(self, since: datetime) -> list[Record]:
        """What an export that looks back to `since` holds."""
        return [r for r in self.records if not r.is_gone and r.at < self.now and (r.end or self.now) >= since]

    def export(self, until: datetime, look_back: timedelta) -> Delivery:
        """Lives on, is corrected, and writes what it knows then."""
        self.live(until)
        for _ in range(self.rng.randrange(0, 4)):
            self.correct()
        since = self.now - look_back
        records = sorted(self.known(since), key=lambda record: (record.unit, record.at, record.number))
        lines = [self.line(record) for record in records]
        if lines and self.rng.random() < 0.3:
            lines.append(self.rng.choice(lines))  # the same record twice in one file
        if self.rng.random() < 0.2:
            lines.insert(self.rng.randrange(len(lines) + 1), self.spoiled())
        return Delivery(self._file(since), self.header, tuple(lines), self.is_whole)

    def spoiled(self) -> str:
        """A record that must be rejected: its time is no time."""
        return ";".join([self.units[0], "32.13.2025", *["x"] * (self.header.count(";") - 1)])

    def _file(self, since: datetime) -> str:
        return f"{self.name}_{self.wall.stamp(self.now)}Z.csv"


class States(System):
    """A log of states. `variant`: ended (each has its end; the last is open), next (each holds until the next), numbered (with the
    source's own id: its start may be moved), window (an export replaces the window that it states), stops (stops only)."""

    name = "states"
    classes = {
        "R": "RUN", "U": "SETUP", "D": "DELAY_EQ", "O": "DELAY_ORG", "I": "IDLE", "X": "UNKNOWN", "B": "STANDBY", "A": "ACTING", "P": "STOP",
        "M": "MANUAL",
    }  # fmt: skip

    def __init__(self, rng: Random, wall: Wall, units: Sequence[str], start: datetime, variant: str, long_stop: bool):
        super().__init__(rng, wall, units, start)
        self.variant, self.is_whole = variant, variant == "window"
        self.long_stop_at = start + DAY * rng.randrange(1, 4) if long_stop else None
        self.header = "Unit;From;To;State;Reason;Order;Id"
        self.reach = dict.fromkeys(units, start)

    def source(self) -> dict[str, Any]:
        columns: dict[str, Any] = {
            "equipment": "Unit", "start_ts": "From", "end_ts": "To", "source_reason_code": "Reason", "order": "Order",
            "state_class": {"from": "State", "map": dict(self.classes), "else": "reject"},
        }  # fmt: skip
        if self.variant == "next":
            columns.pop("end_ts")
        if self.variant == "numbered":
            columns["event"] = "Id"
        table: dict[str, Any] = {"columns": columns, "skip": {"test_machine": {"column": "Unit", "in": ["TEST"]}}}
        more: dict[str, Any] = {}
        if self.variant == "window":
            table["mode"] = "window"
            more["covers"] = {"from_name": r"_(\d{8}T\d{6})_(\d{8}T\d{6})\.csv", "format": STAMP}
        return self._csv({"equipment_state_event": table}, **more)

    def live(self, until: datetime) -> None:
        for unit in self.units:
            while self.reach[unit] < until:
                self._next(unit)
        self.now = until

    def _next(self, unit: str) -> None:
        start = self.reach[unit]
        state = self.rng.choice("RRRRUDDOIXBBAPM") if self.variant != "stops" else self.rng.choice("UDDOBAM")
        seconds = self.rng.choice((15, 45, 299, 300, 1200, 4000, 9000, 20000, 33333))
        if self.long_stop_at is not None and start >= self.long_stop_at and unit == self.units[0]:
            state, seconds, self.long_stop_at = "D", 14 * 86400, None
        end = start + timedelta(seconds=seconds)
        reason = self.rng.choice(("", *CODES)) if state in "UDOIBP" else ""
        order = self.rng.choice(("", "O1", "O2", "O3")) if state in "RB" else ""
        self.records.append(Record(self._number(), unit, start, end, {"state": state, "reason": reason, "order": order}))
        gap = (
            timedelta(seconds=self.rng.choice((0, 0, 0, 60, 7200)))
            if self.variant != "stops"
            else timedelta(seconds=self.rng.choice((30, 3600, 30000)))
        )
        self.reach[unit] = end + gap

    def correct(self) -> None:
        known = [record for record in self.records if record.at < self.now and not record.is_gone]
        if not known:
            return
        record = self.rng.choice(known[-60:])
        what = self.rng.choice(("reason", "end", "state", "start", "gone", "order"))
        if what == "end" and record.end is not None:
            record.end = record.at + timedelta(seconds=self.rng.choice((0, 40, 310, 5000, 30000)))
        elif what == "start" and self.variant in ("numbered", "window"):
            record.at += timedelta(seconds=self.rng.choice((-90000, -600, 600, 90000)))
            record.end = None if record.end is None else max(record.end, record.at + HOUR)
        elif what == "gone":
            record.is_gone = self.variant == "window"
        elif what in ("reason", "order", "state"):
            record.cells[what] = {
                "reason": self.rng.choice(CODES),
                "order": self.rng.choice(("O1", "O2")),
                "state": self.rng.choice("RDUOBA"),
            }[what]

    def known(self, since: datetime) -> list[Record]:
        if self.variant == "window":  # an export's records are those that began in its window
            return [r for r in self.records if not r.is_gone and since <= r.at < self.now]
        return super().known(since)

    def line(self, record: Record) -> str:
        end = record.end if record.end is None or record.end <= self.now else None
        cells = record.cells
        return ";".join(
            (
                record.unit,
                self.wall.text(record.at),
                self.wall.text(end),
                cells["state"],
                cells["reason"],
                cells["order"],
                f"E{record.number}",
            )
        )

    def _file(self, since: datetime) -> str:
        if self.variant != "window":
            return super()._file(since)
        local = [moment.astimezone(ZoneInfo(self.wall.zone)).strftime(STAMP) for moment in (since, self.now)]
        return f"{self.name}_{self.wall.stamp(self.now)}Z_{local[0]}_{local[1]}.csv"


class Witness(System):
    """The PLC of the first unit, with the right clock: it logs the runs and stops of a log of states, not all of them, and no correction.

    What it says late, or says otherwise, gives another clock to all units, of which it says nothing."""

    name = "witness"
    header = "Unit;From;To;State;Id"

    def __init__(self, rng: Random, wall: Wall, units: Sequence[str], start: datetime, of: States):
        super().__init__(rng, wall, units, start)
        self.of, self.seen = of, 0

    def source(self) -> dict[str, Any]:
        columns = {
            "equipment": "Unit", "start_ts": "From", "end_ts": "To", "event": "Id",
            "state_class": {"from": "State", "map": {"R": "RUN", "X": "UNKNOWN"}, "else": "DELAY_ORG"},
        }  # fmt: skip
        return self._csv({"equipment_state_event": {"columns": columns}})

    def live(self, until: datetime) -> None:
        for seen in (record for record in self.of.records[self.seen :] if record.unit == self.units[0]):
            late = timedelta(seconds=self.rng.choice((0, 0, 0, 1, 2)))
            self.records.append(replace(seen, at=seen.at + late, is_gone=self.rng.random() < 0.1))
        self.now, self.seen = until, len(self.of.records)

    def line(self, record: Record) -> str:
        end = record.end if record.end is None or record.end <= self.now else None
        return ";".join((record.unit, self.wall.text(record.at), self.wall.text(end), record.cells["state"], f"W{record.number}"))

    def correct(self) -> None:
        """A whole day was 20 s later."""
        known = [record for record in self.records if record.at < self.now - DAY]
        for record in known:
            if record.at.date() == known[-1].at.date() and record.end is not None:
                record.at, record.end = record.at + timedelta(seconds=20), record.end + timedelta(seconds=20)


class Counts(System):
    """Confirmations with materials and orders; some are reversed, some corrected, some corrections corrected again. Some sum up an interval,
    some confirm an order as a whole."""

    name = "counts"
    header = "Unit;At;Doc;Item;Order;Good;Scrap;Rev;Cor;From;Kind;Uom"

    def source(self) -> dict[str, Any]:
        columns = {
            "equipment": "Unit", "event_ts": "At", "document": "Doc", "material": "Item", "order": "Order", "reverses": "Rev",
            "corrects": "Cor", "count_source": "Kind", "start_ts": "From", "good_qty": {"from": "Good", "unit_from": "Uom"}, "scrap_qty": {"from": "Scrap", "unit_from": "Uom"},
        }  # fmt: skip
        return self._csv({"production_count": {"columns": columns}})

    def live(self, until: datetime) -> None:
        moment = self.now
        while (moment := moment + timedelta(seconds=self.rng.choice((1800, 7200, 20000)))) < until:
            good, scrap = self.rng.choice((("100", "2"), ("80", "0"), ("7.5", ""), ("0", "3")))
            cells = {
                "item": self.rng.choice((*MATERIALS, "")),
                "order": self.rng.choice(("O1", "O2", "O3", "")),
                "good": good,
                "scrap": scrap,
                "hours": self.rng.choice(("", "", "2", "14")),
                "kind": self.rng.choice(("MES", "ERP_CONFIRMATION")),
            }
            self.records.append(Record(self._number(), self.rng.choice(self.units), moment, moment, {**cells, "rev": "", "cor": ""}))
        self.now = until

    def correct(self) -> None:
        if not self.records:
            return
        what = self.rng.choice(("reverse", "correct", "correct", "change", "move"))
        record = self.rng.choice(self.records[-80:])
        if what == "change":
            record.cells["good"] = self.rng.choice(("90", "110"))
        elif what == "move":
            record.at = record.end = record.at - timedelta(seconds=self.rng.choice((600, 50000)))
        elif self._depth(record) < 3 and not record.cells["rev"]:
            negative = (
                {name: _minus(record.cells[name]) for name in ("good", "scrap")} if what == "reverse" else {"good": "-2", "scrap": "2"}
            )
            link = {"rev": f"D{record.number}", "cor": ""} if what == "reverse" else {"rev": "", "cor": f"D{record.number}"}
            moment = self.now - timedelta(seconds=self.rng.choice((60, 3600)))
            self.records.append(Record(self._number(), record.unit, moment, moment, {**record.cells, **negative, **link}))

    def _depth(self, record: Record) -> int:
        parent = record.cells["rev"] or record.cells["cor"]
        return 0 if not parent else 1 + self._depth(self.records[int(parent[1:]) - 1])

    def line(self, record: Record) -> str:
        cells = [record.cells[name] for name in ("item", "order", "good", "scrap", "rev", "cor")]
        hours = record.cells["hours"]
        cells += [self.wall.text(record.at - timedelta(hours=int(hours))) if hours else "", record.cells["kind"]]
        return ";".join((record.unit, self.wall.text(record.at), f"D{record.number}", *cells, "pcs"))


def _minus(text: str) -> str:
    return text.removeprefix("-") if text.startswith("-") else f"-{text}" if text else ""


class Orders(System):
    """Orders O1 to O4 with the material that they make; it may change, and so may the dates."""

    name = "orders"
    header = "Unit;Start;Order;Item;Qty;Uom"

    def source(self) -> dict[str, Any]:
        columns = {"order": "Order", "material": "Item", "planned_start_ts": "Start", "planned_qty": {"from": "Qty", "unit_from": "Uom"}}
        return self._csv({"production_order": {"columns": columns}})

    def live(self, until: datetime) -> None:
        if not self.records:
            for number in range(1, 5):
                self.records.append(Record(number, self.units[0], self.now, self.now, {"item": self.rng.choice(MATERIALS), "qty": "500"}))
        self.now = until

    def known(self, since: datetime) -> list[Record]:
        return [record for record in self.records if self.rng.random() < 0.8]

    def correct(self) -> None:
        if self.records:
            record = self.rng.choice(self.records)
            record.cells["item"] = self.rng.choice(MATERIALS)

    def line(self, record: Record) -> str:
        return ";".join((record.unit, self.wall.text(record.at), f"O{record.number}", record.cells["item"], record.cells["qty"], "pcs"))


class Operations(System):
    """Operations of the orders at units, with when they began and ended; some go on, some end long after they began."""

    name = "operations"
    header = "Unit;Start;End;Order;No"

    def source(self) -> dict[str, Any]:
        columns = {"order": "Order", "operation": "No", "equipment": "Unit", "actual_start_ts": "Start", "actual_end_ts": "End"}
        return self._csv({"order_operation": {"columns": columns}})

    def live(self, until: datetime) -> None:
        moment = self.now
        while (moment := moment + timedelta(hours=self.rng.choice((5, 11, 30)))) < until:
            end = self.rng.choice((None, moment + timedelta(hours=self.rng.choice((2, 9, 40)))))
            cells = {"order": self.rng.choice(("O1", "O2", "O3"))}
            self.records.append(Record(self._number(), self.rng.choice(self.units), moment, end, cells))
        self.now = until

    def correct(self) -> None:
        if self.records:
            record = self.rng.choice(self.records[-9:])
            record.end = self.rng.choice((None, record.at + timedelta(hours=self.rng.choice((1, 20)))))

    def line(self, record: Record) -> str:
        end = record.end if record.end is None or record.end <= self.now else None
        return ";".join((record.unit, self.wall.text(record.at), self.wall.text(end), record.cells["order"], str(record.number)))

    def spoiled(self) -> str:
        return ";32.13.2025;;;"


class Plan(System):
    """Planned stops, in windows: a later plan replaces what an earlier one said about its window."""

    name = "plan"
    header = "Unit;From;To;Class;PlannedAt;Id"
    is_whole = True

    def source(self) -> dict[str, Any]:
        columns = {
            "equipment": "Unit",
            "start_ts": "From",
            "end_ts": "To",
            "planned_class": "Class",
            "planned_at": "PlannedAt",
            "entry": "Id",
        }
        covers = {"from_name": r"_(\d{8}T\d{6})_(\d{8}T\d{6})\.csv", "format": STAMP}
        return self._csv({"planned_downtime": {"mode": "window", "columns": columns}}, covers=covers)

    def live(self, until: datetime) -> None:
        while self.now < until:
            self.now += timedelta(hours=self.rng.choice((9, 20, 31)))
            cells = {"class": self.rng.choice(("PLANNED_MAINT", "PLANNED_BREAK", "PLANNED_NO_DEMAND"))}
            unit = self.rng.choice((*self.units, ""))
            end = self.now + timedelta(minutes=self.rng.choice((30, 200, 1500)))
            cells["planned_at"] = self.wall.text(self.now - self.rng.choice((HOUR, 2 * DAY)))
            self.records.append(Record(self._number(), unit, self.now, end, cells))
        self.now = until

    def correct(self) -> None:
        if self.records:
            record = self.rng.choice(self.records)
            record.is_gone = self.rng.random() < 0.5
            record.at += timedelta(minutes=self.rng.choice((-30, 0, 30)))

    def known(self, since: datetime) -> list[Record]:
        return [r for r in self.records if not r.is_gone and since <= r.at < self.now]

    def line(self, record: Record) -> str:
        cells = record.cells
        return ";".join(
            (record.unit, self.wall.text(record.at), self.wall.text(record.end), cells["class"], cells["planned_at"], f"P{record.number}")
        )

    def _file(self, since: datetime) -> str:
        local = [moment.astimezone(ZoneInfo(self.wall.zone)).strftime(STAMP) for moment in (since, self.now)]
        return f"{self.name}_{self.wall.stamp(self.now)}Z_{local[0]}_{local[1]}.csv"


class Rates(System):
    """Ideal rates by snapshot, with the day from which they hold; a rate may vanish, and a new one begin in the past."""

    name = "rates"
    header = "Unit;ValidFrom;Item;Seconds"
    is_whole = True

    def source(self) -> dict[str, Any]:
        columns = {"equipment": "Unit", "valid_from": "ValidFrom", "material": "Item", "pri_s": {"from": "Seconds", "unit": "s"}}
        return self._csv({"ideal_rate": {"columns": columns, "mode": "snapshot"}})

    def live(self, until: datetime) -> None:
        if not self.records:
            for item in self.rng.choice(((*MATERIALS, ""), MATERIALS[:1])):
                self.records.append(Record(self._number(), "", self.now - 30 * DAY, None, {"item": item, "seconds": "30"}))
        self.now = until

    def known(self, since: datetime) -> list[Record]:
        return [record for record in self.records if not record.is_gone]

    def correct(self) -> None:
        if not self.records:
            return
        record = self.rng.choice(self.records)
        if self.rng.random() < 0.3:
            record.is_gone = not record.is_gone
        elif self.rng.random() < 0.5:
            record.cells["seconds"] = self.rng.choice(("20", "31.5", "45"))
        else:
            begins = self.now - DAY * self.rng.randrange(1, 5)
            unit = self.rng.choice(("", self.units[0]))
            self.records.append(Record(self._number(), unit, begins, None, {"item": self.rng.choice(MATERIALS), "seconds": "25"}))

    def line(self, record: Record) -> str:
        return ";".join((record.unit, self.wall.text(record.at), record.cells["item"], record.cells["seconds"]))


class Master(System):
    """Materials and units by snapshot, one file each time; what a snapshot no longer holds is deleted."""

    is_whole = True
    TABLES = {
        "material": ("Number;Name", {"material": "Number", "material_name": "Name"}),
        "equipment": ("Code;Name", {"equipment": "Code", "equipment_name": "Name"}),
    }

    def __init__(self, rng: Random, wall: Wall, units: Sequence[str], start: datetime, table: str):
        super().__init__(rng, wall, units, start)
        self.table, self.name = table, f"{table}s"
        self.header = self.TABLES[table][0]
        keys = MATERIALS if table == "material" else (*units, "SPARE")
        self.records = [Record(n, key, start, None, {"name": f"{table} {n}"}) for n, key in enumerate(keys, start=1)]

    def source(self) -> dict[str, Any]:
        return self._csv({self.table: {"columns": self.TABLES[self.table][1], "mode": "snapshot"}})

    def live(self, until: datetime) -> None:
        self.now = until

    def correct(self) -> None:
        record = self.rng.choice(self.records)
        record.cells["name"] = f"renamed {self.rng.randrange(9)}"
        if record.unit not in self.units:
            record.is_gone = self.rng.random() < 0.3

    def known(self, since: datetime) -> list[Record]:
        return [record for record in self.records if not record.is_gone]

    def line(self, record: Record) -> str:
        return f"{record.unit};{record.cells['name']}"

    def spoiled(self) -> str:
        return ";no key"


class RandomPlant:
    """A plant with random systems. `deliver` gives the exports of the next hours or days, `change` edits its plant file or words.

    With `offsets` the stamps of its exports carry their offset from UTC. `skewed`: the clock of its states is wrong, and a witness has
    the right one.
    """

    def __init__(self, plant_id: str, seed: int, *, variant: str | None = None, offsets: bool = False, skewed: bool = False):
        self.rng = rng = Random(seed)
        self.plant_id = plant_id
        self.wall = Wall(rng.choice(("Europe/Berlin", "America/Chicago", "Asia/Kolkata", "UTC")), offsets)
        self.variant = variant or rng.choice(("ended", "next", "numbered", "window", "stops"))
        self.units = ("M1", "M 2") if rng.random() < 0.7 else ("0815",)
        self.start = rng.choice(STARTS)
        self.now = self.start
        given = (rng, self.wall, self.units, self.start)
        long_stop = rng.random() < 0.4
        systems: list[System] = [
            States(*given, self.variant, long_stop),
            Counts(*given),
            Orders(*given),
            Operations(*given),
            Plan(*given),
            Rates(*given),
        ]
        systems += [Master(*given, table) for table in Master.TABLES]
        kept = [system for system in systems[2:] if rng.random() < 0.6]
        self.systems = [*systems[:2], *kept]
        if skewed:
            states = systems[0]
            assert isinstance(states, States)
            self.systems.insert(2, Witness(*given, states))
            states.wall = replace(self.wall, wrong_s=(0, 40, 150, 151, -30, 400))
        self.about = self._about()
        if skewed:
            self.about["sources"]["states"]["clock_reference"] = "witness"
        self.reasons = {(code, ""): REASONS[number] for number, code in enumerate(CODES[:2])}
        self.rates: list[str] = [f"{plant_id},,,,ENGINEERED,36,s,,,,by test"] if rng.random() < 0.5 else []

    def _about(self) -> dict[str, Any]:
        return {
            "plant": self.plant_id, "name": self.plant_id.title(), "company": "acme", "timezone": self.wall.zone,
            "production_day_start": self.rng.choice(("00:00", "06:00")), "shifts": copy.deepcopy(self.rng.choice(PATTERNS)),
            "breaks": {"lunch": {"at": "11:00-11:30", "days": "Mon-Fri"}}, "holidays": [],
            "settings": {"microstop_s": 300, "plan_freeze_h": 24, "state_method": "RESIDUAL" if self.variant == "stops" else "MEASURED"},
            "sources": {system.name: system.source() for system in self.systems},
        }  # fmt: skip

    def deliver(self) -> list[Delivery]:
        """The plant lives on for half a day to three days; its states and counts, and perhaps other systems, export."""
        self.now += timedelta(hours=self.rng.choice((7, 12, 24, 24, 31, 70)))
        systems = [system for number, system in enumerate(self.systems) if number < 2 or system.last is None or self.rng.random() < 0.4]
        return [self._export(system) for system in systems]

    def deliver_one(self) -> Delivery:
        """The next export of one system, the one that a turn of the dice says."""
        self.now += timedelta(hours=self.rng.choice((7, 12, 24, 31, 50)))
        fresh = [system for system in self.systems if system.last is None]
        return self._export(fresh[0] if fresh else self.rng.choice((*self.systems[:2], *self.systems)))

    def _export(self, system: System) -> Delivery:
        look_back = self.rng.choice((DAY, DAY, 2 * DAY, 4 * DAY, 9 * DAY))
        system.last = self.now
        return system.export(self.now, look_back)

    def change(self) -> str:
        """Edits the plant file or the vocabularies; tells what was changed."""
        name = self.rng.choice([*CHANGES, *([*OF_SOME_DAYS] * 4)])
        CHANGES[name](self)
        return name

    def write_about(self, root: Path) -> None:
        """Writes the plant file."""
        (root / "plants").mkdir(parents=True, exist_ok=True)
        (root / "plants" / f"{self.plant_id}.yaml").write_text(yaml.safe_dump(self.about, sort_keys=False), encoding="utf-8")

    def reason_lines(self) -> list[str]:
        return [f"{self.plant_id},*,{code},{reason},test,2024-01-01,{since}," for (code, since), reason in sorted(self.reasons.items())]


def write_words(root: Path, plants: Sequence[RandomPlant]) -> None:
    """Writes the vocabularies that the plants share."""
    folder = root / "vocabularies"
    folder.mkdir(parents=True, exist_ok=True)
    head = "plant,source,source_code,reason_code,mapped_by,approved_at,valid_from,valid_to"
    (folder / "reason_map.csv").write_text("\n".join([head, *(line for plant in plants for line in plant.reason_lines()), ""]))
    head = "plant,equipment,material,tool,rate_basis,rate,unit,pieces_per_cycle,valid_from,valid_to,provenance"
    (folder / "ideal_rates.csv").write_text("\n".join([head, *(line for plant in plants for line in plant.rates), ""]))


def _mapping(plant: RandomPlant) -> None:
    states = plant.about["sources"]["states"]["tables"]["equipment_state_event"]["columns"]["state_class"]
    states["map"]["I"] = "DELAY_ORG" if states["map"]["I"] == "IDLE" else "IDLE"


def _reason_map(plant: RandomPlant) -> None:
    since = plant.rng.choice(("", f"{(plant.now - 3 * DAY).date()}"))
    plant.reasons[plant.rng.choice(CODES), since] = plant.rng.choice(REASONS)


def _ideal_rate(plant: RandomPlant) -> None:
    since = (plant.now - DAY * plant.rng.randrange(0, 6)).date()
    material = plant.rng.choice(("", *MATERIALS))
    rate = plant.rng.choice((20, 40, 50))
    line = f"{plant.plant_id},,{material},,ENGINEERED,{rate},s,,{since},,by test"
    known = {tuple(row.split(",")[i] for i in (2, 8)) for row in plant.rates}
    if (material, str(since)) not in known:
        plant.rates.append(line)


def _microstop(plant: RandomPlant) -> None:
    plant.about["settings"]["microstop_s"] = plant.rng.choice((60, 300, 301, 900))


def _plan_freeze(plant: RandomPlant) -> None:
    plant.about["settings"]["plan_freeze_h"] = plant.rng.choice((0, 24, 60))


def _flicker(plant: RandomPlant) -> None:
    plant.about["settings"]["flicker"] = not plant.about["settings"].get("flicker", False)


def _shifts(plant: RandomPlant) -> None:
    plant.about["shifts"] = copy.deepcopy(plant.rng.choice(PATTERNS))


def _breaks(plant: RandomPlant) -> None:
    plant.about["breaks"]["lunch"]["at"] = plant.rng.choice(("11:00-11:30", "11:15-12:00", "19:00-19:20"))


def _holiday(plant: RandomPlant) -> None:
    plant.about["holidays"] = sorted({*plant.about["holidays"], str((plant.now - DAY * plant.rng.randrange(0, 5)).date())})


def _clock_offset(plant: RandomPlant) -> None:
    source = plant.rng.choice(("states", "counts"))
    plant.about["sources"][source]["clock_offset_s"] = plant.rng.choice((0, 90, -3600, 30.5))
    plant.about["sources"][source].pop("clock_reference", None)


def _rank(plant: RandomPlant) -> None:
    plant.about["sources"]["states"]["rank"] = plant.rng.choice(({}, {"IDLE": 5}, {"RUN": 1}))


def _watermark(plant: RandomPlant) -> None:
    source = plant.about["sources"][plant.rng.choice(("states", "counts"))]
    source["complete_until"] = plant.rng.choice(("data", "exported_at"))


def _unit(plant: RandomPlant) -> None:
    units = plant.about.setdefault("equipment", {}).setdefault("units", {})
    units[plant.rng.choice(plant.units)] = plant.rng.choice(
        ({}, {"kpi_unit": False}, {"state_method": "NONE"}, {"state_method": "RESIDUAL"})
    )


def _first_day(plant: RandomPlant) -> None:
    plant.about["data_start_on"] = str((plant.start + DAY * plant.rng.randrange(-3, 1)).date())


def _day_start(plant: RandomPlant) -> None:
    plant.about["production_day_start"] = plant.rng.choice(("00:00", "06:00", "22:00"))


def _calendar(plant: RandomPlant) -> None:
    plant.about["calendar"] = plant.rng.choice(("pattern", "pattern", "none"))


def _rate_basis(plant: RandomPlant) -> None:
    plant.about["settings"]["rate_basis"] = plant.rng.choice((["ENGINEERED", "TARGET"], ["TARGET"], ["TARGET", "ENGINEERED"]))


def _target(plant: RandomPlant) -> None:
    until = (plant.now - DAY * plant.rng.randrange(0, 6)).date()
    line = f"{plant.plant_id},{plant.units[0]},,,TARGET,{plant.rng.choice((28, 33))},s,,,{until},by test"
    plant.rates = [row for row in plant.rates if ",TARGET," not in row] + [line]


def _zone(plant: RandomPlant) -> None:
    plant.about["timezone"] = plant.rng.choice((plant.wall.zone, "Europe/Lisbon"))


CHANGES: dict[str, Callable[[RandomPlant], None]] = {
    "mapping": _mapping, "reason map": _reason_map, "ideal rate": _ideal_rate, "micro-stop": _microstop, "flicker": _flicker, "plan freeze": _plan_freeze,
    "shift pattern": _shifts, "breaks": _breaks, "holiday": _holiday, "clock offset": _clock_offset, "rank": _rank,
    "watermark": _watermark, "unit": _unit, "first day": _first_day, "day start": _day_start, "calendar": _calendar,
    "rate basis": _rate_basis, "target rate": _target, "zone": _zone,
}  # fmt: skip
"""What people change between two refreshes, each with what it is called."""
OF_SOME_DAYS = ("reason map", "ideal rate", "breaks", "holiday", "watermark")
"""Edits that restate some days only; a plant that is often built whole would prove little."""
