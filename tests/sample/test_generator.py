"""The sample portfolio: that it is what it says, and that its truth is right by hand.

Here: the generator alone, and what the product makes of single exports. Elsewhere: the whole lake against the truth (tests of the
pipeline). Small worlds of 16 days keep it quick; the clock changes are looked at in the whole 45 days.
"""

from __future__ import annotations

import csv
import hashlib
import shutil
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime
from fractions import Fraction
from itertools import pairwise
from pathlib import Path

import polars as pl
import pytest

from connectors import portfolio
from connectors.models import PlantFile, Source
from connectors.naming import stated
from connectors.registry import connector
from examples.sample import truth, write_portfolio
from examples.sample.dialects_erp import documents
from examples.sample.facts import BY_ID, EQ, IDLE, ORG, PLANTS, RUN, SETUP
from examples.sample.simulate import Count, Event, Machine, Order, Planned, Site, Window, instant, local, repeated_hour, simulate
from examples.sample.truth import QUANTITIES, Shift, _machine_shifts, _rates, decimal, ideal_s
from transforms.conform import conform
from transforms.mapping import Reading
from transforms.samples import conform_samples

DAYS = 16


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A sample portfolio of 16 days with its truth."""
    target = tmp_path_factory.mktemp("sample")
    write_portfolio(target, days=DAYS, with_truth=True)
    return target


def digest(folder: Path) -> dict[str, str]:
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return {path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


# -- the truth by hand ------------------------------------------------------------------------------------------------------------

ZERO = instant("Asia/Kolkata", date(2026, 9, 21), "06:30")


def hour_shift(*events: Event, method: str = "MEASURED", planned: tuple[Planned, ...] = (), counts: tuple[Count, ...] = ()) -> Shift:
    """The parts of one machine in a world whose only shift is the first hour of the first day."""
    window = Window(ZERO, ZERO + 3600, "I", date(2026, 9, 21))
    shifted = tuple(sorted(replace(event, start=ZERO + event.start, end=ZERO + event.end) for event in events))
    plans = tuple(replace(p, start=ZERO + p.start, end=ZERO + p.end, planned_at=p.planned_at and ZERO + p.planned_at) for p in planned)
    made = tuple(replace(count, ts=ZERO + count.ts, window=window) for count in counts)
    machine = Machine("Packer 1", shifted, made, (), ())
    site = Site(replace(BY_ID["ind01"], method=method), ZERO, ZERO + 86400, 1, (window,), plans, (machine,))
    return next(shift for shift in _machine_shifts(site, machine, _rates()) if shift.code == "I")


def times(shift: Shift) -> dict[str, int]:
    return {name: value for name, value in shift.times.items() if value and name not in ("ct_s", "pot_s")}


def test_precedence_of_overlapping_entries() -> None:
    # 0-3600 RUN; 600-1800 ORG; 1200-1500 EQ inside it; 1500-1560 SETUP inside it: EQ 300, SETUP 60, ORG 1200-300-60 = 840.
    shift = hour_shift(Event(0, 3600, RUN), Event(600, 1800, ORG), Event(1200, 1500, EQ), Event(1500, 1560, SETUP))
    assert times(shift) == {"pbt_s": 3600, "apt_s": 2400, "adet_org_s": 840, "adet_eq_s": 300, "aust_s": 60}


def test_chained_short_stops_are_no_micro_stops() -> None:
    # 299 s alone is a micro-stop, 300 s is none; 200 + 200 s that touch are one block of 400 s.
    stops = (Event(100, 399, EQ), Event(1000, 1300, EQ), Event(2000, 2200, EQ), Event(2200, 2400, ORG))
    shift = hour_shift(*stops, method="RESIDUAL")
    assert times(shift) == {"pbt_s": 3600, "apt_s": 2601, "micro_s": 299, "adet_eq_s": 500, "adet_org_s": 200}


def test_a_break_beats_a_stop_and_a_run_beats_a_break() -> None:
    # Break 600-1200. Stop 300-900: 300 s count, the rest is break. Run 900-3600: 300 s of it in the break extend the busy time.
    pause = Planned("", None, 600, 1200, "PLANNED_BREAK", None)
    shift = hour_shift(Event(300, 900, EQ), Event(900, 3600, RUN), planned=(pause,))
    assert times(shift) == {"pbt_s": 3300, "planned_break_s": 300, "apt_s": 2700, "adet_eq_s": 300, "unknown_s": 300, "pbt_ext_s": 300}


def test_what_is_planned_too_late_is_not_planned() -> None:
    def shift(planned_at: int) -> dict[str, int]:
        return times(hour_shift(Event(0, 3600, EQ), planned=(Planned("1", None, 0, 3600, "PLANNED_MAINT", planned_at),)))

    assert shift(-86400) == {"planned_maint_s": 3600}
    assert shift(-86399) == {"pbt_s": 3600, "adet_eq_s": 3600}


def test_a_residual_shift_needs_a_sign_of_life() -> None:
    assert times(hour_shift(method="RESIDUAL")) == {"pbt_s": 3600, "unknown_s": 3600}
    count = Count(1800, "1", "TEA-250", 10, 0, Window(0, 0, "", date(2026, 9, 21)))
    assert times(hour_shift(method="RESIDUAL", counts=(count,))) == {"pbt_s": 3600, "apt_s": 3600}


def test_ideal_times_by_product() -> None:
    # TEA-250: 50 a minute = 1.2 s; TEA-500: 25 a minute = 2.4 s. 100 of 110 and 50 of 50: pieces 110 x 1.2 + 50 x 2.4 = 252 s, good 240 s.
    window = Window(0, 0, "", date(2026, 9, 21))
    shift = hour_shift(Event(0, 3600, RUN), counts=(Count(60, "1", "TEA-250", 100, 10, window), Count(90, "2", "TEA-500", 50, 0, window)))
    assert [shift.part(name) for name in QUANTITIES] == [160, 150, 10, 252, 240]


def test_which_rate_counts() -> None:
    before, after = (instant("UTC", date(2026, 10, day), "12:00") for day in (14, 15))
    assert ideal_s(_rates(), "deu01", "SGM-01", "4711-A", before) == Fraction(5, 2)  # 10 s, four cavities
    assert ideal_s(_rates(), "deu01", "SGM-01", "4711-A", after) == Fraction(12, 5)  # 9.6 s, four cavities, from 15 October on
    assert ideal_s(_rates(), "deu01", "SGM-03", "4712-B", after) == 18  # the line for this machine
    assert ideal_s(_rates(), "usa01", "PRESS 1", "BRKT-100", after) == 4  # 15 a minute, demonstrated; not the routing's 5 s


def test_decimals_are_exact() -> None:
    assert decimal(Fraction(-5, 2)) == "-2.5"
    with pytest.raises(ValueError, match="nine decimals"):
        decimal(Fraction(1, 3))


# -- laws of the truth ------------------------------------------------------------------------------------------------------------


def test_identities_of_time() -> None:
    parts = truth(days=45)["parts"].with_columns(pl.col("^.*_s$").exclude("ideal_pq_s", "ideal_gq_s").fill_null(0))
    planned = pl.sum_horizontal("planned_break_s", "planned_maint_s", "planned_no_demand_s", "planned_other_s")
    assert parts.filter(pl.col("pot_s") != planned + pl.col("pbt_s")).is_empty()
    classes = pl.sum_horizontal("apt_s", "aust_s", "adet_eq_s", "adet_org_s", "micro_s", "adot_s", "unknown_s")
    without_states = pl.col("plant").is_in([plant.plant for plant in PLANTS if plant.method == "NONE"])
    assert parts.filter(~without_states, pl.col("pbt_s") != classes).is_empty()
    assert parts.filter(pl.col("pq").cast(pl.Float64) != pl.col("gq").cast(pl.Float64) + pl.col("sq").cast(pl.Float64)).is_empty()


def test_a_day_has_23_24_or_25_hours() -> None:
    days = truth(days=45)["parts"].group_by("plant", "equipment", "production_day").agg(pl.col("ct_s").sum())
    long = days.filter(pl.col("ct_s") != 86400)
    assert set(long["ct_s"]) == {90000}
    found = {(row["plant"], row["production_day"]) for row in long.iter_rows(named=True)}
    europe, america = ("deu01", "gbr01", "cze01", "deu02"), ("usa01", "usa02")
    # The clock changes at two in the night, which belongs to the production day that began the morning before.
    assert found == {(plant, date(2026, 10, 24)) for plant in europe} | {(plant, date(2026, 10, 31)) for plant in america}


def test_kpis_roll_up_as_sums() -> None:
    kpis = truth(days=DAYS)["kpis"].filter(pl.col("period_type") == "DAY", pl.col("kpi_id") == "OEE")
    sides = pl.col("numerator", "denominator").cast(pl.Decimal(38, 9)).sum()
    by_scope = {
        scope: kpis.filter(scope_type=scope).group_by("period_start").agg(sides).sort("period_start") for scope in ("PLANT", "PORTFOLIO")
    }
    assert by_scope["PLANT"].equals(by_scope["PORTFOLIO"])


def test_without_states_oee_is_known_and_availability_is_not() -> None:
    kpis = truth(days=DAYS)["kpis"].filter(scope_type="PLANT", scope_id="mex01", period_type="WEEK")
    assert set(kpis["kpi_id"]) == {"OEE", "Q", "OOE", "TEEP"}


# -- the world --------------------------------------------------------------------------------------------------------------------


def machines(plant: str, days: int = 45) -> tuple[Site, tuple[Machine, ...]]:
    site = next(site for site in simulate(7, days) if site.plant.plant == plant)
    return site, site.machines


def test_everything_of_the_list_happens() -> None:
    site, (first, second, _) = machines("deu01")
    hours = repeated_hour("Europe/Berlin")
    assert hours is not None
    across = [e for e in first.events if e.cls == EQ and e.start < hours[0] + 3600 < e.end]
    assert [(local("Europe/Berlin", e.start).time().isoformat(), local("Europe/Berlin", e.end).time().isoformat()) for e in across] == [
        ("02:40:00", "02:20:00")  # forty minutes, that the local clock shows as minus twenty
    ]
    assert second.events[-1].end > site.end or any(e.end > site.end for e in second.events)
    assert any(order.material != following.material for order, following in pairwise(first.orders))
    codes = Counter(shift.code for shift in _machine_shifts(site, first, _rates()))
    assert codes["OVERTIME"] == 1
    parts = truth()["parts"]
    for column in ("micro_s", "aust_s", "adot_s", "pbt_ext_s", "planned_maint_s", "planned_no_demand_s", "planned_other_s", "unknown_s"):
        assert parts[column].sum() > 0, column
    assert parts.filter(plant="cze01", equipment="L1", shift_code="O", production_day=date(2026, 10, 1))["unknown_s"].to_list() == [27000]


def test_entries_overlap_and_cross_shifts_and_midnight() -> None:
    site, found = machines("deu01")
    events = [event for machine in found for event in machine.events if event.cls in (EQ, ORG)]
    starts = {window.start for window in site.windows}
    assert any(event.start < start < event.end for event in events for start in starts)
    assert any(local("Europe/Berlin", e.start).date() < local("Europe/Berlin", e.end - 1).date() for e in events)
    ordered = sorted(found[0].events)
    assert any(b.start < a.end and a.cls in (EQ, ORG) and b.cls in (EQ, ORG) for a, b in pairwise(ordered))


def test_stamps_lie_in_the_shift_and_keys_are_unique() -> None:
    for site in simulate(7, 45):
        for machine in site.machines:
            assert all(count.window.start < count.ts < count.window.end for count in machine.counts)
            keys = [(local(site.plant.zone, count.ts), count.order, count.material) for count in machine.counts]
            assert len(set(keys)) == len(keys)
            logged = [(local(site.plant.zone, event.start), event.cls) for event in machine.events]
            assert len(set(logged)) == len(logged)


@pytest.mark.parametrize("plant", ["gbr01", "mex01", "deu02"])
def test_documents_add_up_to_what_was_made(plant: str) -> None:
    site, found = machines(plant)
    made = Counter({count: count.good for machine in found for count in machine.counts})
    booked: Counter[Count] = Counter()
    for document in documents(site):
        booked[document.count] += document.good
    assert {count: good for count, good in booked.items() if good} == {count: good for count, good in made.items() if good}
    kinds = Counter((bool(d.reverses), bool(d.corrects)) for d in documents(site))
    assert kinds[True, False] > 5
    assert kinds[False, True] > 5


# -- files ------------------------------------------------------------------------------------------------------------------------


def test_the_same_seed_gives_the_same_bytes(world: Path, tmp_path: Path) -> None:
    write_portfolio(tmp_path / "again", days=DAYS, with_truth=True)
    assert digest(tmp_path / "again") == digest(world)
    write_portfolio(tmp_path / "other", seed=8, days=2)
    write_portfolio(tmp_path / "short", seed=7, days=2)
    assert digest(tmp_path / "other") != digest(tmp_path / "short")


def test_the_whole_sample_takes_less_than_twenty_seconds(tmp_path: Path) -> None:
    simulate.cache_clear()
    started = time.monotonic()
    write_portfolio(tmp_path, with_truth=True)
    assert time.monotonic() - started < 20


def test_the_portfolio_has_no_problems(world: Path) -> None:
    found = portfolio.read(world)
    assert [str(problem) for problem in found.problems] == []
    assert sorted(found.plants) == sorted(BY_ID)
    assert len({plant.company for plant in found.plants.values()}) == 3


def test_plant_files_state_what_the_plants_do(world: Path) -> None:
    for plant_id, file in portfolio.read(world).plants.items():
        plant = BY_ID[plant_id]
        assert (file.company, file.timezone, file.production_day_start) == (plant.company, plant.zone, plant.day_start)
        assert {code: (shift.at, shift.days) for code, shift in file.shifts.items()} == plant.shifts
        assert sorted(pause.at for pause in file.breaks.values()) == sorted(plant.breaks)
        assert file.holidays == plant.holidays
        assert tuple(file.equipment.units) == plant.machines
        assert file.settings.state_method == plant.method


def test_reasons_give_the_class_of_the_stop(world: Path) -> None:
    with (Path(__file__).parents[2] / "dbt_project/seeds/downtime_reason.csv").open(encoding="utf-8") as file:
        classes = {row["reason_code"]: row["state_class"] for row in csv.DictReader(file)}
    mapped = {
        (row["plant"], row["source_code"]): classes[row["reason_code"]] for row in portfolio.read(world).vocabularies.rows("reason_map")
    }
    for plant_id in ("cze01", "ind01"):  # what these log has no class but by its reason; a reason that is not mapped is DELAY_ORG
        for cls in (SETUP, EQ, ORG, IDLE):
            assert {mapped.get((plant_id, word), ORG) for word in BY_ID[plant_id].reasons[cls]} == {cls}


def exports(world: Path) -> Iterator[tuple[PlantFile, str, Source, str, Path]]:
    found = portfolio.read(world)
    for plant in found.plants.values():
        root = found.source_root(plant)
        for source_id, source in plant.sources.items():
            for export in connector(source.kind).discover(found.place(plant, source_id)):
                yield plant, source_id, source, export.name, Path(root) / export.name


def test_names_state_windows_that_cover_the_horizon(world: Path) -> None:
    windows: dict[tuple[str, str], set[tuple[datetime, datetime]]] = {}
    for plant, source_id, source, name, _ in exports(world):
        told = stated(plant, source, name)
        assert told.exported_at is not None
        if source.covers is None:  # stock, costs and deliveries are of local days, and complete what was told before
            continue
        assert told.covers_from is not None
        assert told.covers_to is not None
        windows.setdefault((plant.plant, source_id), set()).add((told.covers_from, told.covers_to))
    for (plant_id, _), found in windows.items():
        site, _ = machines(plant_id, DAYS)
        ordered = sorted(found)
        assert (ordered[0][0], ordered[-1][1]) == tuple(datetime.fromtimestamp(ts, UTC) for ts in (site.start, site.end))
        assert all(a[1] == b[0] for a, b in pairwise(ordered))


def test_files_are_late_corrected_and_sent_twice(world: Path) -> None:
    by_window: dict[tuple[str, str, str], list[Path]] = {}
    for path in (world / "landing").rglob("*_exp*"):
        stem, window, _ = path.name.rsplit("_", 2)
        by_window.setdefault((path.parent.as_posix(), stem, window), []).append(path)
    several = [sorted(paths) for paths in by_window.values() if len(paths) > 1]
    same = [paths for paths in several if paths[0].read_bytes() == paths[1].read_bytes()]
    assert same
    assert len(several) > len(same)


def test_every_bad_row_is_rejected_and_no_other(world: Path) -> None:
    """Each export alone through the product's conform: the rejected rows are those of dirt.csv, each for its reason."""
    with (world / "truth" / "dirt.csv").open(encoding="utf-8", newline="") as file:
        expected = Counter((row["plant"], row["file"], int(row["row"]), row["rule"]) for row in csv.DictReader(file))
    aliases = {row["alias"]: row["ucum"] for row in portfolio.read(world).vocabularies.rows("unit_aliases")}
    found: Counter[tuple[str, str, int, str]] = Counter()
    for plant, source_id, source, name, path in exports(world):
        if source.kind == "mtconnect_shdr":
            continue  # raw dumps have no bad rows
        local_copy = world / "copy" / path.name
        local_copy.parent.mkdir(exist_ok=True)
        shutil.copyfile(path, local_copy)
        kind = connector(source.kind)
        for table_name, table in source.tables.items():
            known = frozenset(plant.equipment.units) if plant.equipment.unknown == "reject" else None
            reading = Reading(
                plant=plant, source_id=source_id, source=source, table_name=table_name, table=table, export=name, batch_id="b", export_order="",
                extracted_at=None, ingested_at=datetime(2027, 1, 1, tzinfo=UTC), transform_version="", unit_aliases=aliases, known_equipment=known,
            )  # fmt: skip
            records = kind.read(local_copy, kind.Options.model_validate(source.options))
            is_historian = table_name == "historian_sample"
            rejected = (conform_samples(records.collect(), reading) if is_historian else conform(records, reading)).rejected
            found.update((plant.plant, name, row, rule) for row, rule in rejected.select("row_number", "rule").rows())
    assert found == expected
    assert len({rule for *_, rule in expected}) >= 9


def test_the_dump_replays_and_the_counter_is_reset(world: Path) -> None:
    dumps = sorted((world / "landing/gbr01/agent").glob("CNC1-*.txt"))
    replayed = [line for line in dumps[1].read_text().splitlines() if line < "2026-09-22T05:00"]  # the production day begins at 05:00 UTC
    assert len(replayed) >= 5
    assert set(replayed) <= set(dumps[0].read_text().splitlines())
    parts = [int(line.split("|")[2]) for line in "".join(d.read_text() for d in dumps).splitlines() if "|PartCountAct|" in line]
    assert any(later < before for before, later in pairwise(parts))


def test_an_order_is_a_stretch_of_operating_time() -> None:
    _, found = machines("usa01")
    orders: tuple[Order, ...] = found[0].orders
    assert all(a.end <= b.start for a, b in pairwise(orders))
