"""Which days a change names, and that no other day is restated: one case per row of the table 'Change scope' (design, section 4).

Here: one plant a case, all with the same three weeks of June 2025; a first refresh, one change to each plant, a second refresh. So
two refreshes prove all cases. Elsewhere: that what is built for the named days is right (`test_history.py`).

Every plant: Europe/Berlin, production days from midnight, one shift 06:00-14:00 every day. M1 runs, stops 09:00-09:30 and runs on; M2
runs. Days are written as numbers: 2 is 2025-06-02. Data goes from the 2nd to the 22nd, 14:00.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from small_portfolio import SmallPortfolio

from pipelines import state
from pipelines.lake import Lake

STATES, COUNTED, ORDERED, PLANNED = (
    "Id;Unit;From;To;Class;Reason;Order",
    "Unit;At;Doc;Item;Order;Good;Scrap;Cor;Source",
    "Order;Item",
    "Id;Unit;From;To;Class",
)
EVENTS = "equipment_state_event"
ALL = range(2, 23)


def about(plant: str) -> dict[str, Any]:
    """The plant file of every case."""
    options = {"delimiter": ";", "encoding": "utf-8"}
    states = {
        "event": "Id",
        "equipment": "Unit",
        "start_ts": "From",
        "end_ts": "To",
        "state_class": "Class",
        "source_reason_code": "Reason",
        "order": "Order",
    }
    counts = {
        "equipment": "Unit", "event_ts": "At", "document": "Doc", "material": "Item", "order": "Order", "corrects": "Cor", "count_source": "Source",
        "good_qty": {"from": "Good", "unit": "pcs"}, "scrap_qty": {"from": "Scrap", "unit": "pcs"},
    }  # fmt: skip
    plan = {"entry": "Id", "equipment": "Unit", "start_ts": "From", "end_ts": "To", "planned_class": "Class"}
    tables = {
        "states": {EVENTS: {"columns": states}}, "counts": {"production_count": {"columns": counts}},
        "orders": {"production_order": {"columns": {"order": "Order", "material": "Item"}}}, "plan": {"planned_downtime": {"columns": plan, "key": ["Id"]}},
    }  # fmt: skip
    return {
        "plant": plant, "name": plant, "company": "acme", "timezone": "Europe/Berlin", "data_start_on": "2025-06-02",
        "shifts": {"F": {"at": "06:00-14:00", "days": "daily"}},
        "sources": {
            name: {"kind": "delimited", "path": f"{name}_*.csv", "options": options, "exported_at": {"from_name": r"_(\d+)", "format": "%Y%m%d"},
                   "tables": mapped}
            for name, mapped in tables.items()
        },
    }  # fmt: skip


def event(unit: str, day: int, number: int, start: str, end: str, state: str = "RUN", reason: str = "", order: str = "") -> str:
    stop = f"2025-06-{end}" if len(end) > 5 else f"2025-06-{day:02d} {end}" if end else ""
    return f"{unit}-{day}-{number};{unit};2025-06-{day:02d} {start};{stop};{state};{reason};{order}"


def usual_states() -> list[str]:
    """Order O7 runs on M1 on the 6th, 7th and 8th; code 44 is the reason on the 5th and the 12th, code 17 else."""
    lines = []
    for day in ALL:
        order, reason = "O7" if day in (6, 7, 8) else "", "44" if day in (5, 12) else "17"
        lines.append(event("M1", day, 1, "06:00", "09:00", order=order))
        lines.append(event("M1", day, 2, "09:00", "09:30", "DELAY_EQ", reason))
        lines.append(event("M1", day, 3, "09:30", "14:00", order=order))
        lines.append(event("M2", day, 1, "06:00", "14:00"))
    return lines


def count(
    unit: str, day: int, good: int = 100, doc: str = "", corrects: str = "", at: str = "10:00", order: str = "", source: str = "MES"
) -> str:
    return f"{unit};2025-06-{day:02d} {at};{doc or f'D-{unit}-{day}'};A;{order};{good};2;{corrects};{source}"


ORDERED_DAYS = {6, 7, 8}
"""The confirmation of O7 is spread over these days of M1: one of them in scope brings the others (rule T19)."""


def usual_counts() -> list[str]:
    """A hundred a day and unit; the order O7 is confirmed as a whole on the 8th."""
    daily = [count(unit, day) for unit in ("M1", "M2") for day in ALL]
    return [*daily, count("M1", 8, doc="C-O7", at="13:00", order="O7", source="ERP_CONFIRMATION")]


@dataclass
class Plant:
    """The plant of one case, whose files and statements the change edits."""

    portfolio: SmallPortfolio
    plant_id: str
    about: dict[str, Any]
    words: dict[str, list[str]]

    def states(self, *lines: str, at: int = 25) -> None:
        self.portfolio.file(self.plant_id, f"states_202506{at}.csv", *lines, header=STATES)

    def counts(self, *lines: str) -> None:
        self.portfolio.file(self.plant_id, "counts_20250625.csv", *lines, header=COUNTED)

    def orders(self, *lines: str) -> None:
        self.portfolio.file(self.plant_id, "orders_20250625.csv", *lines, header=ORDERED)

    def plan(self, *lines: str) -> None:
        self.portfolio.file(self.plant_id, "plan_20250625.csv", *lines, header=PLANNED)

    def reason(self, code: str, reason: str, since: str = "") -> None:
        self.words["reason_map"].append(f"{self.plant_id},*,{code},{reason},test,2024-01-01,{since},")

    def rate(self, seconds: int, since: str, until: str = "", unit: str = "") -> None:
        self.words["ideal_rates"].append(f"{self.plant_id},{unit},,,ENGINEERED,{seconds},s,,{since},{until},test")


Days = Iterable[int]
Named = dict[str, Days]


@dataclass
class Case:
    """A change, the days of each unit whose parts it restates, and the days that it may name beside them."""

    name: str
    change: Callable[[Plant], None]
    restated: Named
    named_too: Named = field(default_factory=dict)
    states: Callable[[], list[str]] = usual_states
    edit: Callable[[dict[str, Any]], None] = lambda _: None
    """What is special about the plant file from the start."""


def without_ends(plant: dict[str, Any]) -> None:
    plant["sources"]["states"]["tables"][EVENTS]["columns"].pop("end_ts")


def open_since_the_20th() -> list[str]:
    """M1 stopped on the 20th at 12:00 and that is the last that was heard of it; M2 runs on."""
    kept = [line for line in usual_states() if not any(line.startswith(f"M1-{day}-") for day in (20, 21, 22))]
    return [*kept, event("M1", 20, 1, "06:00", "12:00"), event("M1", 20, 2, "12:00", "", "DELAY_EQ")]


def seen_by_a_plc(plant: dict[str, Any]) -> None:
    """M2 has a PLC, whose clock is right."""
    states = plant["sources"]["states"]
    plant["sources"] |= {"plc": {**states, "path": "plc_*.csv"}, "states": {**states, "clock_reference": "plc"}}


def of_m2(earlier: int = 0) -> list[str]:
    """M2 on the 12th, so many seconds (less than a minute) earlier: it stood from 10:00 to 10:30."""
    clocks = (
        ("06:00", "10:00", "10:30", "14:00")
        if not earlier
        else tuple(f"{clock}:{60 - earlier}" for clock in ("05:59", "09:59", "10:29", "13:59"))
    )
    return [event("M2", 12, n, start, f"12 {end}") for n, (start, end) in enumerate((clocks[:2], clocks[2:]), start=1)]


def stopped_since_the_12th() -> list[str]:
    """M1 stood from the 12th, 09:00, to the 15th, 10:00; its PLC is not heard."""
    gone = ("M1-12-2", "M1-12-3", "M1-13-", "M1-14-", "M1-15-", "M2-12-")
    kept = [line for line in usual_states() if not line.startswith(gone)]
    return [*kept, *of_m2(), event("M1", 12, 2, "09:00", "15 10:00", "DELAY_EQ", "17"), event("M1", 15, 3, "10:00", "14:00")]


def set_in(*keys: str, to: Any) -> Callable[[Plant], None]:
    def change(plant: Plant) -> None:
        inner = plant.about
        for key in keys[:-1]:
            inner = inner.setdefault(key, {})
        inner[keys[-1]] = to

    return change


CASES = (
    Case("nothing new", lambda p: p.states(*usual_states()[:8]), {}),
    Case(
        "a stop gets another reason: its day, named with one more on each side",
        lambda p: p.states(event("M1", 5, 2, "09:00", "09:30", "SETUP", "44")), {"M1": [5]}, {"M1": [4, 6]},
    ),
    Case(
        # It was half an hour; now it owns the shifts of the 5th to the 18th where nothing with a better class does.
        "a two-week stop",
        lambda p: p.states(event("M1", 4, 2, "09:00", "18 09:30", "DELAY_EQ", "17")), {"M1": range(4, 19)}, {"M1": [3, 19]},
    ),
    Case(
        "a revised event that moves to another day",
        lambda p: p.states("M1-5-2;M1;2025-06-09 10:00;2025-06-09 10:30;DELAY_EQ;44;"), {"M1": [5, 9]}, {"M1": [4, 6, 8, 10]},
    ),
    Case(
        # On the 5th it ran from 06:00 to 06:00 of the 6th; now only to 12:00.
        "a state between two others ends the one before",
        lambda p: p.states(event("M2", 5, 9, "12:00", "", "DELAY_EQ", "17")), {"M2": [5, 6]}, {"M2": [4, 7]}, edit=without_ends,
    ),
    Case("a count is revised", lambda p: p.counts(count("M1", 7, good=90)), {"M1": [7]}),
    Case(
        "a count correction restates its root's day, not its own",
        lambda p: p.counts(count("M1", 18, good=-5, doc="K1", corrects="D-M1-7")), {"M1": [7]}, {"M1": [18]},
    ),
    Case(
        "a correction of a correction is booked at the root",
        lambda p: p.counts(count("M1", 18, good=-5, doc="K1", corrects="D-M1-7"), count("M1", 20, good=1, doc="K2", corrects="K1")),
        {"M1": [7]}, {"M1": [18, 20]},
    ),
    Case(
        "an order confirmed as a whole names every day of its run",
        lambda p: p.counts(count("M1", 8, good=300, doc="C-O7", at="13:00", order="O7", source="ERP_CONFIRMATION")), {"M1": [6, 7, 8]},
    ),
    Case("an order makes another material", lambda p: p.orders("O7;B"), {"M1": [6, 7, 8]}),
    Case(
        # The whole plant has told everything up to the 23rd, 14:00, so the 22nd is no longer preliminary.
        "the watermark moves",
        lambda p: p.states(event("M1", 23, 1, "06:00", "14:00"), event("M2", 23, 1, "06:00", "14:00")), {"M1": [22, 23], "M2": [22, 23]},
    ),
    Case(
        # The failure was counted on the 20th, where it began; it is longer now.
        "the watermark moves while an event is open",
        lambda p: p.states(event("M2", 23, 1, "06:00", "14:00")), {"M1": [20, 22, 23], "M2": [22, 23]}, {"M1": [19, 21]},
        states=open_since_the_20th,
    ),
    Case("a reason is mapped", lambda p: p.reason("44", "E-MECH"), {"M1": [5, 12]}, {"M1": [4, 6, 11, 13]}),
    Case("a reason is mapped from the 10th on", lambda p: p.reason("44", "E-MECH", "2025-06-10"), {"M1": [12]}, {"M1": [11, 13]}),
    # 2025-06-15 is midnight UTC, 02:00 at the plant; the shift of the 18th begins after the rate has ended.
    Case("a new ideal rate from the 15th on", lambda p: p.rate(40, "2025-06-15"), dict.fromkeys(("M1", "M2"), range(15, 23))),
    Case(
        "a new ideal rate of one unit for three days",
        lambda p: p.rate(40, "2025-06-15", "2025-06-18", "M2"), {"M2": [15, 16, 17]}, {"M2": [18]},
    ),
    Case("a planned entry moves", lambda p: p.plan("P1;M1;2025-06-16 10:00;2025-06-16 11:00;PLANNED_MAINT"), {"M1": [9, 16]}),
    Case("a planned entry of the whole plant", lambda p: p.plan("P9;;2025-06-17 10:00;2025-06-17 11:00;PLANNED_MAINT"), {"M1": [17], "M2": [17]}),
    Case("a holiday", set_in("holidays", to=["2025-06-11"]), {"M1": [11], "M2": [11]}),
    Case("another shift pattern", set_in("shifts", "F", "at", to="06:00-13:00"), {"M1": ALL, "M2": ALL}),
    # The stops of half an hour are micro-stops now; M2 never stops, but the setting is the whole plant's.
    Case("a changed setting", set_in("settings", "microstop_s", to=3600), {"M1": ALL}, {"M2": ALL}),
    # Everything was two hours later, the 22nd ends at 12:00 now; the counts have a clock of their own.
    Case("a clock offset", set_in("sources", "states", "clock_offset_s", to=7200), {"M1": ALL, "M2": ALL}),
    Case(
        # The PLC now says that M2 did all on the 12th 20 s earlier: the clock of the states was 20 s ahead on that day. So the stop of M1
        # began and ended 20 s earlier, on the 15th too, although no record of M1 changed.
        "another estimate of a clock",
        lambda p: p.portfolio.file(p.plant_id, "plc_20250625.csv", *of_m2(20), header=STATES) and None,
        {"M1": [12, 15], "M2": [12]}, {"M1": [11, 13, 14], "M2": [11, 13, 14]}, states=stopped_since_the_12th, edit=seen_by_a_plc,
    ),
    Case("a unit that was never heard of", lambda p: p.states(event("M3", 12, 1, "06:00", "14:00")), {"M3": ALL}),
)  # fmt: skip
IDS = [case.name for case in CASES]


@dataclass
class Result:
    """What the second refresh did to a plant: the days it named and the days it restated, by unit."""

    named: dict[str, set[int]]
    restated: dict[str, set[int]]
    untouched: pl.DataFrame
    """Current parts of days that were not named."""


def _setting(root: Path) -> dict[str, Plant]:
    portfolio = SmallPortfolio(root)
    plants = {}
    for number, case in enumerate(CASES):
        plant_id = f"c{number:02d}"
        plant = Plant(portfolio, plant_id, about(plant_id), {"reason_map": [], "ideal_rates": []})
        case.edit(plant.about)
        plant.rate(30, "2025-01-01")
        plant.states(*case.states(), at=23)
        if "plc" in plant.about["sources"]:
            portfolio.file(plant_id, "plc_20250623.csv", *of_m2(), header=STATES)
        portfolio.file(plant_id, "counts_20250623.csv", *usual_counts(), header=COUNTED)
        portfolio.file(plant_id, "orders_20250623.csv", "O7;A", header=ORDERED)
        portfolio.file(plant_id, "plan_20250623.csv", "P1;M1;2025-06-09 10:00;2025-06-09 11:00;PLANNED_MAINT", header=PLANNED)
        plants[case.name] = plant
    return plants


def _write(plants: Iterable[Plant], root: Path) -> None:
    heads = {
        "reason_map": "plant,source,source_code,reason_code,mapped_by,approved_at,valid_from,valid_to",
        "ideal_rates": "plant,equipment,material,tool,rate_basis,rate,unit,pieces_per_cycle,valid_from,valid_to,provenance",
    }
    (root / "vocabularies").mkdir(parents=True, exist_ok=True)
    for name, head in heads.items():
        lines = [line for plant in plants for line in plant.words[name]]
        (root / "vocabularies" / f"{name}.csv").write_text("\n".join([head, *lines, ""]))
    for plant in plants:
        plant.portfolio.plant(plant.plant_id, plant.about)


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Result]:
    root = tmp_path_factory.mktemp("scope") / "portfolio"
    plants = _setting(root)
    _write(plants.values(), root)
    first = next(iter(plants.values())).portfolio.refresh()
    assert first.problems == []
    for case in CASES:
        case.change(plants[case.name])
    _write(plants.values(), root)
    second = next(iter(plants.values())).portfolio.refresh()
    assert second.problems == []
    assert second.release_id is not None
    assert first.release_id is not None
    with state.connection(Lake(root / "lake")) as con:
        return {name: _result(con, plant.plant_id, first.release_id, second.release_id) for name, plant in plants.items()}


def _result(con: Any, plant: str, first: int, second: int) -> Result:
    parts = con.sql(
        """SELECT p.*, e.equipment_code FROM gold.mart_kpi_parts_shift AS p
        JOIN (SELECT DISTINCT equipment_id, equipment_code FROM silver.equipment) AS e USING (equipment_id) WHERE p.plant_id = ?""",
        params=[plant],
    ).pl()
    units = dict(parts.select("equipment_id", "equipment_code").unique().rows())
    days = {unit: set(parts.filter(pl.col("equipment_code") == unit)["production_day"]) for unit in units.values()}
    named: dict[str, set[date]] = {}
    for unit_id, day in con.execute(
        "SELECT DISTINCT equipment_id, production_day FROM gold.change_scope WHERE plant_id = ? AND closed_release = ?", [plant, second]
    ).fetchall():
        for unit in units.values() if unit_id == "*" else [units[unit_id]]:
            named.setdefault(unit, set()).update(days[unit] if day is None else {day} & days[unit])  # a day without parts costs nothing
    changed = parts.filter((pl.col("valid_from_release") == second) | (pl.col("valid_to_release") == second))
    restated = {str(unit): set(rows["production_day"]) for (unit,), rows in changed.group_by("equipment_code")}
    asked = pl.DataFrame(
        [(u, d) for u, found in named.items() for d in found], schema={"equipment_code": pl.String, "production_day": pl.Date}, orient="row"
    )
    rest = parts.filter(pl.col("valid_to_release").is_null()).join(asked, on=asked.columns, how="anti")
    return Result(_numbers(named), _numbers(restated), rest)


def _numbers(days: dict[str, set[date]]) -> dict[str, set[int]]:
    return {unit: {day.day for day in found} for unit, found in days.items() if found}


def _sets(*named: Named) -> dict[str, set[int]]:
    units = {unit for each in named for unit in each}
    return {unit: {day for each in named for day in each.get(unit, ())} for unit in units}


@pytest.mark.parametrize("case", CASES, ids=IDS)
def test_a_change_restates_exactly_its_days(results: dict[str, Result], case: Case) -> None:
    assert results[case.name].restated == _sets(case.restated)


@pytest.mark.parametrize("case", CASES, ids=IDS)
def test_a_change_names_its_days_and_few_beside_them(results: dict[str, Result], case: Case) -> None:
    named, must, may = results[case.name].named, _sets(case.restated), _sets(case.restated, case.named_too)
    assert {unit: days - named.get(unit, set()) for unit, days in must.items()} == {unit: set() for unit in must}, f"named are {named}"
    if may.get("M1", set()) & ORDERED_DAYS:
        may["M1"] |= ORDERED_DAYS
    assert {unit: days - may.get(unit, set()) for unit, days in named.items()} == {unit: set() for unit in named}


@pytest.mark.parametrize("case", CASES, ids=IDS)
def test_a_day_outside_keeps_its_release(results: dict[str, Result], case: Case) -> None:
    kept = results[case.name].untouched
    assert set(kept["valid_from_release"]) <= {1}
    if len(_sets(case.restated).get("M1", set())) < len(ALL):
        assert len(kept) > 0


def test_a_shift_that_begins_before_the_first_production_day_is_built(portfolio: SmallPortfolio) -> None:
    # Data begin on the 2nd at 05:30, half an hour before the production day: they belong to the 1st, and so does their shift, which
    # goes on to 17:30.
    plant = {**about("early"), "production_day_start": "06:00", "shifts": {"D": {"at": "05:30-17:30", "days": "daily"}}}
    plant.pop("data_start_on")
    plant["sources"] = {"states": plant["sources"]["states"]}
    portfolio.plant("early", plant)
    portfolio.file("early", "states_20250623.csv", "1;M1;2025-06-02 05:30;2025-06-02 09:00;RUN;;", header=STATES)
    outcome = portfolio.refresh()
    assert outcome.held == {}
