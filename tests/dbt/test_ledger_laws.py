"""Laws of the time ledger over random units, against a brute force that asks for every single second who owns it.

Half of the units log states (MEASURED), half only stops (RESIDUAL), in Berlin over the night of 25 hours; events of all classes touch,
nest, overlap, stay open, end before they begin, have no length, cross shifts and breaks. One refresh of the product builds all of it.

The ten laws of the specification (5.1) and the tests that prove them:

| law | where |
|---|---|
| 1 the parts partition time | `test_every_second_has_the_owner_that_the_rules_give_it`, `test_time_is_partitioned_without_rest` |
| 2 A x E x Q = OEE at every level | `test_a_times_e_times_q_is_oee` |
| 3 OEE of ISO = OEE of TPM | `test_oee_is_the_same_in_both_profiles` |
| 4 roll-up is associative | `test_any_partition_of_a_plant_adds_up_to_it`, `test_plants_companies_and_the_portfolio_are_the_sums_of_their_units` |
| 5 splitting an event changes no seconds | `test_an_event_in_two_pieces_owns_the_same_seconds` |
| 6 order, duplicates, re-delivery | `test_files_in_any_order_and_again_give_the_same_gold`; `tests/laws/test_deliveries.py`, `test_history.py` |
| 7 planned downtime moves no numerator | `test_planned_downtime_moves_neither_numerator_of_ooe_nor_of_teep` |
| 8 another time zone keeps the sums | `test_the_same_instants_told_in_another_zone_give_the_same_parts` |
| 9 LMDI and Shapley add up to the gap | `tests/publish/test_comparison_laws.py` |
| 10 a value is its numerator over its denominator | `tests/golden/test_every_value.py` |
"""

from __future__ import annotations

import hashlib
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
from hypothesis import given
from hypothesis import strategies as st

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
    """An event in seconds since the start of the ledger; an open one ends where the data ends."""

    start: int
    end: int
    state: str
    is_open: bool = False


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
    rejected: list[Event] = []
    """Events that end before they begin."""


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
    found += [Event(event.start, event.start, "DELAY_EQ") for event in found if rng.random() < 0.1]
    return found + left_open(rng, found, states)


def left_open(rng: random.Random, found: list[Event], states: tuple[str, ...]) -> list[Event]:
    """The last thing that some units told of: it began and has not ended (T10)."""
    since = max((event.start for event in found), default=0) + 1
    return (
        [Event(rng.randint(max(since, 0), SECONDS - 1), SECONDS, rng.choice(states), True)]
        if 0 < since < SECONDS and rng.random() < 0.5
        else []
    )


def negative(rng: random.Random) -> list[Event]:
    start = rng.randint(0, SECONDS)
    return [Event(start, start - rng.randint(1, 7200), "DELAY_EQ")] if rng.random() < 0.3 else []


def in_two(rng: random.Random, event: Event, before: int) -> list[Event]:
    last = min(event.end - 1, before)
    if event.is_open or last <= event.start:
        return [event]
    cut = rng.randint(event.start + 1, last)
    return [event._replace(end=cut), event._replace(start=cut)]


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
            units.append(Unit(plant, f"M{code}", is_residual, windows(codes), planned, random_events(rng, LEVELS), made, negative(rng)))
    return units + twins(rng, units)


def twins(rng: random.Random, units: list[Unit]) -> list[Unit]:
    """Plants m1 and r1 again: with every event in two pieces, and with more planned downtime."""
    found = []
    for unit in (unit for unit in units if unit.plant in ("m1", "r1")):
        # Nothing begins after what is open: that would end it.
        opened = min((event.start for event in unit.events if event.is_open), default=SECONDS + BEFORE)
        pieces = [piece for event in unit.events for piece in in_two(rng, event, opened)]
        more = [*unit.planned, Event(5000, 9000, "PLANNED_BREAK"), Event(30000, 50000, "PLANNED_NO_DEMAND")]
        found += [unit._replace(plant=f"{unit.plant}_split", events=pieces), unit._replace(plant=f"{unit.plant}_planned", planned=more)]
    return sorted(found, key=lambda unit: unit.plant)


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
    opened = [event.start + BEFORE for event in unit.events if event.is_open]
    for first, after in zip(borders[::2], borders[1::2], strict=True):
        short[first:after] = after - first < 300 and not any(first <= start < after for start in opened)
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


class Clock(NamedTuple):
    """How a plant tells the time."""

    zone: str
    day_start: str
    shifts: dict[str, tuple[str, str]]
    naive: bool = False
    """Whether stamps are local times without an offset."""

    def told(self, second: int) -> str:
        moment = FROM + timedelta(seconds=second)
        return moment.astimezone(ZoneInfo(self.zone)).replace(tzinfo=None).isoformat() if self.naive else moment.isoformat()


BERLIN = Clock("Europe/Berlin", "06:00", SHIFTS)
SAME_HOURS = {
    "utc": Clock("UTC", "04:00", {"A": ("04:00", "12:00"), "B": ("12:00", "20:00"), "N": ("20:00", "04:00")}, True),
    "kolkata": Clock("Asia/Kolkata", "09:30", {"A": ("09:30", "17:30"), "B": ("17:30", "01:30"), "N": ("01:30", "09:30")}, True),
}


def as_cases(units: list[Unit]) -> list[Case]:
    cases = [as_case(name, [unit for unit in units if unit.plant == name], BERLIN) for name in dict.fromkeys(unit.plant for unit in units)]
    of_m1 = [unit for unit in units if unit.plant == "m1"]
    return cases + [as_case(name, of_m1, clock) for name, clock in SAME_HOURS.items() if of_m1]


def as_case(name: str, units: list[Unit], clock: Clock) -> Case:
    about = {
        "timezone": clock.zone, "production_day_start": clock.day_start, "company": name[0],
        "settings": {"state_method": "RESIDUAL" if units[0].is_residual else "MEASURED"}, "equipment": {"units": {unit.code: {"class": "TEST"} for unit in units}},
        "shifts": {w.shift: {"at": "-".join(clock.shifts[w.shift]), "days": "daily"} for w in units[0].windows},
    }  # fmt: skip
    tables: dict[str, list[Row]] = {
        "planned_downtime": planned(*((clock.told(e.start), clock.told(e.end), e.state) for e in units[0].planned)),
        "equipment_state_event": [
            row
            for unit in units
            for row in events(
                *(
                    (f"{unit.code}-{n}", clock.told(e.start), "" if e.is_open else clock.told(e.end), e.state)
                    for n, e in enumerate([*unit.events, *unit.rejected])
                ),
                unit=unit.code,
            )
        ],
        "production_count": [
            made(clock.told(moment), 1000, 999 - moment % 50, unit.code, document=f"{unit.code}-{moment}", material="PQ"[moment % 2])
            for unit in units
            for moment in unit.counts
        ],
    }
    filled = {table: rows for table, rows in tables.items() if rows}
    until = UNTIL.astimezone(ZoneInfo(clock.zone)).strftime("%Y-%m-%dT%H:%M")
    return Case(name, filled, about, "2025-10-25", until, {"ideal_rates": [rate(name, 7, "P"), rate(name, 11, "Q")]})


UNITS = random_units(20251025)
REARRANGED = ("m2", "r1")


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("laws")
    write(root, as_cases(UNITS))
    outcome = refresh(root)
    assert outcome.problems == []
    negatives = [unit for unit in UNITS for _ in unit.rejected]
    assert outcome.rejected == len(negatives) + len(SAME_HOURS) * sum(unit.plant == "m1" for unit in negatives) > 0
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
            select equipment_id, production_day, sum(ct_s) as ct from mart_kpi_parts_shift
            where not list_contains(?, plant_id) group by all) order by 1""",
        [list(SAME_HOURS)],
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


def test_oee_is_the_same_in_both_profiles(lake: Snapshot) -> None:
    """Law 3: micro-stops move A and E (they do here), never OEE."""
    pairs = lake.rows(
        """select kpi_id, max(value) filter (profile = 'ISO'), max(value) filter (profile = 'TPM') from kpi_value
        where kpi_id in ('OEE', 'A') group by kpi_id, scope_type, scope_id, period_type, period_start, shift_code"""
    )
    oee = [(iso, tpm) for kpi, iso, tpm in pairs if kpi == "OEE" and iso is not None]
    assert len(oee) > 100
    assert all(iso == pytest.approx(tpm, rel=1e-12) for iso, tpm in oee)
    assert any(iso != tpm for kpi, iso, tpm in pairs if kpi == "A")


@pytest.fixture(scope="module")
def rows_of_parts(lake: Snapshot) -> dict[str, list[tuple[Any, Any]]]:
    """(run time, planned time) of every row of parts, by plant."""
    found: dict[str, list[tuple[Any, Any]]] = defaultdict(list)
    for plant, apt, pbt in lake.rows("select plant_id, apt_s, pbt_s from mart_kpi_parts_shift where valid_to_release is null"):
        found[plant].append((apt or 0, pbt or 0))
    return found


@pytest.fixture(scope="module")
def availability(lake: Snapshot) -> dict[str, tuple[Any, Any]]:
    rows = lake.rows(
        """select scope_id, numerator, denominator from kpi_value
        where kpi_id = 'A' and profile = 'ISO' and scope_type = 'PLANT' and period_type = 'MONTH'"""
    )
    return {plant: (numerator, denominator) for plant, *(numerator, denominator) in rows}


@given(dice=st.randoms(use_true_random=False), groups=st.integers(1, 9))
def test_any_partition_of_a_plant_adds_up_to_it(
    rows_of_parts: dict[str, list[tuple[Any, Any]]], availability: dict[str, tuple[Any, Any]], dice: random.Random, groups: int
) -> None:
    """Law 4: the rows of a plant in any groups; the sums of the sums are what is published of the plant, to the microsecond."""
    for plant, rows in rows_of_parts.items():
        sums: defaultdict[int, list[Any]] = defaultdict(lambda: [0, 0])
        for apt, pbt in rows:
            group = sums[dice.randrange(groups)]
            group[0] += apt
            group[1] += pbt
        assert (sum(apt for apt, _ in sums.values()), sum(pbt for _, pbt in sums.values())) == availability[plant]


@pytest.mark.parametrize("plant", ["m1", "r1"])
def test_an_event_in_two_pieces_owns_the_same_seconds(ledger: Any, plant: str) -> None:
    """Law 5."""
    for code in {unit.code for unit in UNITS}:
        assert ledger[f"{plant}_split", code] == ledger[plant, code]


@pytest.mark.parametrize("plant", ["m1", "r1"])
def test_planned_downtime_moves_neither_numerator_of_ooe_nor_of_teep(lake: Snapshot, plant: str) -> None:
    """Law 7. The denominator of OEE moves, so the downtime was there."""

    def side(of: str, name: str, *kpis: str) -> list[tuple[Any, ...]]:
        return lake.rows(
            f"""select kpi_id, period_type, period_start, shift_code, {name} from kpi_value
            where scope_type = 'PLANT' and scope_id = ? and profile = 'ISO' and list_contains(?, kpi_id) order by all""",
            [of, list(kpis)],
        )

    assert side(f"{plant}_planned", "numerator", "OOE", "TEEP") == side(plant, "numerator", "OOE", "TEEP") != []
    assert side(f"{plant}_planned", "denominator", "OEE") != side(plant, "denominator", "OEE")


def test_the_same_instants_told_in_another_zone_give_the_same_parts(ledger: Any) -> None:
    """Law 8: all local times shifted by five and a half hours, the zone with them."""
    utc, kolkata = ({code: parts for (plant, code), parts in ledger.items() if plant == name} for name in SAME_HOURS)
    assert len(utc) == 10
    assert kolkata == utc


def test_files_in_any_order_and_again_give_the_same_gold(lake: Snapshot, tmp_path: Path) -> None:
    """Law 6: every export shuffled and cut into three files, of which two come later, beside a copy of the first under another name."""
    rng = random.Random(6)
    write(tmp_path, as_cases([unit for unit in UNITS if unit.plant in REARRANGED]))
    later: list[tuple[Path, str]] = []
    for path in sorted((tmp_path / "landing").rglob("*_1_*.csv")):
        header, *lines = path.read_text(encoding="utf-8").splitlines()
        rng.shuffle(lines)
        thirds = ["\n".join([header, *lines[n::3], ""]) for n in rng.sample(range(3), 3)]
        files = [
            (path.with_stem(f"{path.stem}_{name}"), text) for name, text in zip(("x", "b", "a", "c"), [*thirds, thirds[0]], strict=True)
        ]
        path.unlink()
        files[0][0].write_text(files[0][1], encoding="utf-8")
        later += files[1:]
    refresh(tmp_path)
    for path, content in later:
        path.write_text(content, encoding="utf-8")
    refresh(tmp_path)
    with Snapshot(tmp_path / "lake" / "kpi.duckdb") as other:
        assert digest(other) == digest(lake)


def digest(lake: Snapshot) -> str:
    """A hash of all of today's parts."""
    rows = lake.rows(
        """select * exclude (valid_from_release, valid_to_release, as_of_ts) from mart_kpi_parts_shift
        where valid_to_release is null and list_contains(?, plant_id) order by all""",
        [list(REARRANGED)],
    )
    assert len(rows) > 100
    return hashlib.sha256(repr(rows).encode()).hexdigest()
