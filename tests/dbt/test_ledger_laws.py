"""Laws of the time ledger over random units, against a brute force that asks for every single second who owns it.

Half of the units log states (MEASURED), half only stops (RESIDUAL), in Berlin over the night of 25 hours; events of all classes touch,
nest, overlap, have no length, cross shifts and breaks. One refresh of the product builds all of it.
"""

from __future__ import annotations

import random
from collections import Counter, defaultdict
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from golden_portfolio import Case, Row, events, made, planned, rate, refresh, write

from dbt_project.catalogue import of_parts
from pipelines import build
from pipelines.lake import Lake
from publish.reader import Snapshot

ZONE = ZoneInfo("Europe/Berlin")
FROM, UNTIL = datetime(2025, 10, 25, 6, tzinfo=ZONE).astimezone(UTC), datetime(2025, 10, 27, 3, tzinfo=ZONE).astimezone(UTC)
SECONDS = int((UNTIL - FROM).total_seconds())
BEFORE = 7200
"""Events may begin two hours before the ledger does, and end two hours after it."""

LEVELS = ("RUN", "IDLE", "DELAY_ORG", "SETUP", "DELAY_EQ")
"""From the weakest to the strongest claim on a second (T8)."""
PLANNED = ("PLANNED_OTHER", "PLANNED_BREAK", "PLANNED_MAINT", "PLANNED_NO_DEMAND")
CLASS_OF = {"RUN": "apt", "IDLE": "adot", "DELAY_ORG": "adet_org", "SETUP": "aust", "DELAY_EQ": "adet_eq"}
PARTS = (
    "ct", "pot", "planned_maint", "planned_break", "planned_no_demand", "planned_other", "pbt", "pbt_ext", "apt", "aust", "adet_eq",
    "adet_org", "micro", "adot", "unknown",
)  # fmt: skip
SHIFTS = {"A": ("06:00", "14:00"), "B": ("14:00", "22:00"), "N": ("22:00", "06:00")}


class Event(NamedTuple):
    """An event in seconds since the start of the ledger."""

    start: int
    end: int
    state: str


class Window(NamedTuple):
    shift: str
    day: str
    start: int
    end: int


class Unit(NamedTuple):
    """What happened at one unit."""

    plant: str
    code: str
    is_residual: bool
    windows: list[Window]
    planned: list[Event]
    events: list[Event]
    counts: list[int]


def text(second: int) -> str:
    return (FROM + timedelta(seconds=second)).isoformat()


def local(day: int, clock: str) -> int:
    """Seconds since the start of the ledger of a local time of October 2025."""
    hours, minutes = map(int, clock.split(":"))
    return int((datetime(2025, 10, day, hours, minutes, tzinfo=ZONE).astimezone(UTC) - FROM).total_seconds())


def windows(codes: str) -> list[Window]:
    return [
        Window(code, f"2025-10-{day}", local(day, first), local(day + (last <= first), last))
        for day in (25, 26)
        for code, (first, last) in SHIFTS.items()
        if code in codes
    ]


def random_events(rng: random.Random, states: tuple[str, ...]) -> list[Event]:
    """Random events, many of which begin where another begins or ends."""
    found: list[Event] = []
    for _ in range(rng.randint(0, 40)):
        near = [moment for event in found for moment in (event.start, event.end)]
        start = rng.choice(near) if near and rng.random() < 0.4 else rng.randint(-BEFORE, SECONDS)
        length = rng.choice([rng.randint(1, 299), 299, 300, 301, rng.randint(300, 3600), rng.randint(3600, 5 * 3600)])
        found.append(Event(start, min(start + length, SECONDS + BEFORE), rng.choice(states)))
    # Events without length lie where others begin: whether they alone prove a shift alive is another question.
    return found + [Event(event.start, event.start, "DELAY_EQ") for event in found if rng.random() < 0.1]


def random_units(seed: int) -> list[Unit]:
    rng = random.Random(seed)
    units = []
    for number, (plant, codes, is_residual) in enumerate(
        (("m1", "ABN", False), ("m2", "AN", False), ("r1", "ABN", True), ("r2", "B", True))
    ):
        planned = random_events(rng, PLANNED)[: 3 * number]
        planned = [event for event in planned if event.end > event.start]
        for code in range(10):
            made = [w.start + 100 for w in windows(codes) if w.start + 100 < SECONDS and rng.random() < 0.5]
            units.append(Unit(plant, f"M{code}", is_residual, windows(codes), planned, random_events(rng, LEVELS), made))
    return units


def brute_force(unit: Unit) -> dict[tuple[str, str], Counter[str]]:
    """Seconds of every part by (shift code, production day), second by second."""
    seconds = np.arange(-BEFORE, SECONDS + BEFORE)
    owner = np.full(len(seconds), "", dtype="U12")
    for state in LEVELS:
        for event in unit.events:
            if event.state == state:
                owner[(seconds >= event.start) & (seconds < event.end)] = state
    # T7: a stop block is an unbroken row of seconds in which something other than run is logged, whoever owns them.
    stopped = np.zeros(len(seconds) + 2, dtype=bool)
    for event in unit.events:
        if event.state != "RUN":
            stopped[1:-1] |= (seconds >= event.start) & (seconds < event.end)
    borders = np.flatnonzero(stopped[1:] != stopped[:-1])
    short = np.zeros(len(seconds), dtype=bool)
    for first, after in zip(borders[::2], borders[1::2], strict=True):
        short[first:after] = after - first < 300
    planned = np.full(len(seconds), "", dtype="U20")
    for name in PLANNED:
        for event in unit.planned:
            if event.state == name:
                planned[(seconds >= event.start) & (seconds < event.end)] = name
    day = np.where(seconds < local(26, "06:00"), "2025-10-25", "2025-10-26")
    inside = (seconds >= 0) & (seconds < SECONDS)
    found: dict[tuple[str, str], Counter[str]] = {}
    in_window = np.zeros(len(seconds), dtype=bool)
    for window in unit.windows:
        here = inside & (seconds >= window.start) & (seconds < window.end)
        in_window |= here
        # T16: a gap is run time where only stops are logged, if anything at all was heard of the shift.
        is_alive = bool((owner[here] != "").any()) or any(window.start <= at < window.end for at in unit.counts)
        gap = "apt" if unit.is_residual and is_alive else "unknown"
        claims = zip(owner[here].tolist(), planned[here].tolist(), short[here].tolist(), strict=True)
        found[window.shift, window.day] = Counter(part for claim in claims for part in parts_of(*claim, gap))
    for name in ("2025-10-25", "2025-10-26"):
        off = inside & ~in_window & (day == name)
        running = int((off & (owner == "RUN")).sum())
        found["OVERTIME", name] = Counter(dict.fromkeys(("ct", "pot", "pbt", "pbt_ext", "apt"), running))
        found["OFF", name] = Counter(ct=int(off.sum()) - running)
    return {key: counter for key, counter in found.items() if counter["ct"]}


def parts_of(state: str, planned: str, is_short: bool, gap: str) -> tuple[str, ...]:
    """The parts that one second inside a shift adds to (T3, T4, T7, T16)."""
    if planned and state != "RUN":
        return ("ct", "pot", planned.lower())
    if planned:
        return ("ct", "pot", "pbt", "pbt_ext", "apt")
    is_micro = is_short and state in ("DELAY_EQ", "DELAY_ORG")
    return ("ct", "pot", "pbt", "micro" if is_micro else CLASS_OF.get(state, gap))


def as_cases(units: list[Unit]) -> list[Case]:
    return [as_case(name, [unit for unit in units if unit.plant == name]) for name in dict.fromkeys(unit.plant for unit in units)]


def as_case(name: str, units: list[Unit]) -> Case:
    about = {
        "timezone": "Europe/Berlin", "production_day_start": "06:00", "company": name[0],
        "settings": {"state_method": "RESIDUAL" if units[0].is_residual else "MEASURED"}, "equipment": {"units": {unit.code: {"class": "TEST"} for unit in units}},
        "shifts": {w.shift: {"at": "-".join(SHIFTS[w.shift]), "days": "daily"} for w in units[0].windows},
    }  # fmt: skip
    tables: dict[str, list[Row]] = {
        "planned_downtime": planned(*((text(e.start), text(e.end), e.state) for e in units[0].planned)),
        "equipment_state_event": [
            row
            for unit in units
            for row in events(
                *((f"{unit.code}-{n}", text(e.start), text(e.end), e.state) for n, e in enumerate(unit.events)), unit=unit.code
            )
        ],
        "production_count": [
            made(text(moment), 1000, 999 - moment % 50, unit.code, document=f"{unit.code}-{moment}", material="PQ"[moment % 2])
            for unit in units
            for moment in unit.counts
        ],
    }
    filled = {table: rows for table, rows in tables.items() if rows}
    return Case(name, filled, about, "2025-10-25", "2025-10-27T03:00", {"ideal_rates": [rate(name, 7, "P"), rate(name, 11, "Q")]})


UNITS = random_units(20251025)


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("laws")
    write(root, as_cases(UNITS))
    outcome = refresh(root)
    assert outcome.problems == []
    assert outcome.rejected == 0
    return root


@pytest.fixture(scope="module")
def lake(root: Path) -> Iterator[Snapshot]:
    with Snapshot(root / "lake" / "kpi.duckdb") as snapshot:
        yield snapshot


@pytest.fixture(scope="module")
def ledger(lake: Snapshot) -> dict[tuple[str, str], dict[tuple[str, str], Counter[str]]]:
    """The product's parts by unit, shift and day."""
    sums = ", ".join(f"sum({name}_s) as {name}" for name in PARTS)
    found: dict[tuple[str, str], dict[tuple[str, str], Counter[str]]] = {}
    for row in lake.query(
        f"""select e.plant_id, e.equipment_code, p.shift_code, p.production_day::varchar as day, {sums}
        from mart_kpi_parts_shift as p inner join equipment as e using (equipment_id) where valid_to_release is null group by all"""
    ).to_dicts():
        unit = found.setdefault((row["plant_id"], row["equipment_code"]), {})
        unit[row["shift_code"], row["day"]] = Counter({name: row[name] for name in PARTS if row[name]})
    return found


@pytest.mark.parametrize("unit", UNITS, ids=[f"{unit.plant}-{unit.code}" for unit in UNITS])
def test_every_second_has_the_owner_that_the_rules_give_it(unit: Unit, ledger: Any) -> None:
    assert ledger[unit.plant, unit.code] == brute_force(unit)


def test_time_is_partitioned_without_rest(lake: Snapshot) -> None:
    broken = lake.rows(
        """select equipment_id, shift_instance_id from mart_kpi_parts_shift where valid_to_release is null
        group by all having not (
            sum(ct_s) = sum(pot_s) + case when max(shift_code) = 'OFF' then sum(ct_s) else 0 end
            and sum(pot_s) = sum(planned_break_s + planned_maint_s + planned_no_demand_s + planned_other_s + pbt_s)
            and sum(pbt_s) = sum(apt_s + aust_s + adet_eq_s + adet_org_s + micro_s + adot_s + unknown_s)
            and sum(pbt_s) = sum(pbt_planned_s + pbt_ext_s))"""
    )
    assert broken == []


def test_the_day_of_25_hours_closes_for_every_unit(lake: Snapshot) -> None:
    days = lake.rows(
        """select distinct production_day::varchar, ct from (
            select equipment_id, production_day, sum(ct_s) as ct from mart_kpi_parts_shift group by all) order by 1"""
    )
    # 25 October from 06:00 CEST to 06:00 CET: 25 h. 26 October is told up to 03:00: 21 h.
    assert days == [("2025-10-25", 25 * 3600), ("2025-10-26", 21 * 3600)]


def test_segments_follow_each_other_without_gap_or_overlap(root: Path) -> None:
    with build.connection(Lake(root / "lake")) as con:
        broken = con.sql(
            """select * from (
                select *, lead(start_ts) over (partition by equipment_id order by start_ts) as next_ts from int.int_time_segment)
            where end_ts <= start_ts or next_ts <> end_ts"""
        ).fetchall()
        spans = con.sql("select distinct epoch(max(end_ts) - min(start_ts)) from int.int_time_segment group by equipment_id").fetchall()
    assert broken == []
    assert spans == [(SECONDS,)]


def test_a_times_e_times_q_is_oee(lake: Snapshot) -> None:
    factors = lake.rows(
        """select (max(value) filter (kpi_id = 'A')) * (max(value) filter (kpi_id = 'E')) * (max(value) filter (kpi_id = 'Q')),
            max(value) filter (kpi_id = 'OEE')
        from kpi_value where kpi_id in ('OEE', 'A', 'E', 'Q') group by scope_type, scope_id, period_type, period_start, shift_code, profile
        having count(value) filter (kpi_id in ('A', 'E', 'Q', 'OEE')) = 4
            -- A unit that counts nothing all month has an availability, but no part in the other three.
            and not bool_or(list_contains(flags, 'UNITS_PARTIAL') or list_contains(flags, 'PLANTS_PARTIAL'))"""
    )
    assert len(factors) > 100
    for product, oee in factors:
        assert product == pytest.approx(oee, rel=1e-12, abs=1e-12)


def test_plants_companies_and_the_portfolio_are_the_sums_of_their_units(lake: Snapshot) -> None:
    """Rules R1 and R2; where one is added to a sum (MTBF_FE1) it is none."""
    additive = [kpi.kpi_id for kpi in of_parts("shift") if kpi.about["rollup_rule"] in ("R1", "R2") and kpi.kpi_id != "MTBF_FE1"]
    question = "select * from kpi_value where period_type <> 'SHIFT' and list_contains(?, kpi_id) and profile = 'ISO'"
    values = lake.query(question, [additive]).to_dicts()
    sums: defaultdict[str, Counter[tuple[Any, ...]]] = defaultdict(Counter)
    for row in values:
        for side in ("numerator", "denominator"):
            key = (row["kpi_id"], row["profile"], row["period_type"], row["period_start"], side)
            sums[row["scope_type"]][key] += row[side] or 0
    for scope in ("PLANT", "CLASS", "COMPANY", "PORTFOLIO"):
        assert sums[scope] == pytest.approx(sums["EQUIPMENT"], rel=1e-12)


@pytest.fixture(scope="module")
def gaps(lake: Snapshot) -> dict[tuple[Any, ...], Decimal]:
    """Planned time less good time, as OEE is made of them, by kind of scope, kind of period, start, scope and shift."""
    rows = lake.rows(
        """select scope_type, period_type, period_start, scope_id, shift_code, denominator - numerator from kpi_value
        where kpi_id = 'OEE' and profile = 'ISO' and denominator is not null and not list_contains(flags, 'RATE_PARTIAL')"""
    )
    return {tuple(key): gap for *key, gap in rows}


@pytest.mark.parametrize("macro", ["loss_waterfall", "six_big_losses"])
def test_losses_are_planned_time_less_good_time_without_rest(lake: Snapshot, gaps: dict[tuple[Any, ...], Decimal], macro: str) -> None:
    asked = {key[:3] for key in gaps if key[0] in ("EQUIPMENT", "PLANT", "PORTFOLIO")}
    assert {kind for _, kind, _ in asked} == {"SHIFT", "DAY", "WEEK", "MONTH", "QUARTER"}
    found = {}
    for scope, kind, start in asked:
        is_loss = "what = 'LOSS'" if macro == "loss_waterfall" else "true"
        query = f"select scope_id, shift_code, sum(seconds) from {macro}('{scope}', '{kind}', date '{start}') where {is_loss} group by all"
        found |= {(scope, kind, start, scope_id, shift): lost for scope_id, shift, lost in lake.rows(query)}
    assert {key: found[key] for key in gaps if key[:3] in asked} == {key: gap for key, gap in gaps.items() if key[:3] in asked}
