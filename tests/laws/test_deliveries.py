"""Promise 2: the same exports in any order of arrival, in any split into files, any number of times, give equal lakes.

Here: random plants (`random_plants`), and by hand the cases that are easily got wrong. Elsewhere: what later exports do to gold
(`test_history.py`), the four real plants (`test_real_orders.py`).
"""

from __future__ import annotations

import itertools
import os
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from random import Random
from typing import Any

import polars as pl
import pytest
from equal_lakes import Frames, accounts, assert_conserved, assert_equal, differences, silver_tables
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from random_plants import Delivery, RandomPlant, write_words
from small_portfolio import COUNTED, COUNTS, DAY_2, HEADER, SmallPortfolio, plant_file

from pipelines import load as loading
from pipelines import silver
from pipelines.lake import Lake
from pipelines.load import Loaded, Loader, PlantResult
from transforms.tables import STATEMENTS, TABLES

VARIANTS = ("ended", "next", "numbered", "window", "stops")
SKEWED = ("ended", "stops")
ZONES = ("Europe/Berlin", "America/Chicago", "Asia/Kolkata", "UTC")
Arrivals = dict[str, list[Delivery]]
EVENTS = "equipment_state_event"
COMMIT = Loader._commit

EXAMPLES = 12 if os.environ.get("PLANTLAKE_LAWS") == "full" else 2

few = settings(
    max_examples=EXAMPLES, derandomize=True, deadline=None, phases=(Phase.generate,), suppress_health_check=[HealthCheck.too_slow]
)
"""Each example is a portfolio of one plant of each variant, so a few are many cases; a failure names the plant, which is smaller than
what shrinking would find in hours."""


@contextmanager
def lake_of(plants: Sequence[RandomPlant]) -> Iterator[SmallPortfolio]:
    """An empty portfolio of these plants."""
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        (root / "portfolio.yaml").write_text("name: Random\n")
        for plant in plants:
            plant.write_about(root)
        write_words(root, plants)
        yield SmallPortfolio(root)


def deliver(portfolio: SmallPortfolio, arrivals: Arrivals, at_once: int | None = None) -> None:
    """Loads the exports in the order given, so many of each plant at a time."""
    longest = max(map(len, arrivals.values()))
    step = at_once or longest
    for first in range(0, longest, step):
        for plant_id, exports in arrivals.items():
            for export in exports[first : first + step]:
                export.write(portfolio.root / "landing" / plant_id)
        portfolio.load()


def lake(portfolio: SmallPortfolio) -> Lake:
    return Lake(portfolio.root / "lake")


def random_portfolio(seed: int, *, offsets: bool) -> tuple[list[RandomPlant], Arrivals]:
    """One plant of each variant, and its exports in the order in which they were written."""
    plants = [
        RandomPlant(f"{variant}-{seed}", seed + number, variant=variant, offsets=offsets, skewed=variant in SKEWED)
        for number, variant in enumerate(VARIANTS)
    ]
    return plants, {plant.plant_id: [export for _ in range(2) for export in plant.deliver()] for plant in plants}


@few
@given(seed=st.integers(0, 9999), dice=st.integers(0, 9999), at_once=st.integers(2, 5))
def test_any_order_of_arrival_and_any_repetition_give_equal_lakes(seed: int, dice: int, at_once: int) -> None:
    plants, exports = random_portfolio(seed, offsets=False)
    rng = Random(dice)
    shuffled = {plant_id: rng.sample(found, len(found)) for plant_id, found in exports.items()}
    again = {plant_id: [rng.choice(found), *found] for plant_id, found in shuffled.items()}
    with lake_of(plants) as one, lake_of(plants) as other:
        deliver(one, exports)
        deliver(other, shuffled, at_once)
        assert_equal(lake(one), lake(other), silver_tables, accounts, hint=f"{at_once} at once; {shuffled}")
        deliver(other, again)
        assert_equal(lake(one), lake(other), silver_tables, accounts, hint=f"after a repetition; {shuffled}")
        assert_conserved(lake(one))
        assert_conserved(lake(other))


@few
@given(seed=st.integers(0, 9999), dice=st.integers(0, 9999))
def test_any_split_into_files_gives_equal_lakes(seed: int, dice: int) -> None:
    # With offsets in the stamps: in the repeated hour of autumn the order of a file's rows says which pass is meant.
    plants, exports = random_portfolio(seed, offsets=True)
    rng = Random(dice)
    parts = {plant_id: [part for export in found for part in export.split(rng)] for plant_id, found in exports.items()}
    shuffled = {plant_id: rng.sample(found, len(found)) for plant_id, found in parts.items()}
    with lake_of(plants) as one, lake_of(plants) as other:
        deliver(one, exports)
        deliver(other, shuffled, 8)

        def of_tables(of: Lake) -> dict[str, pl.DataFrame]:
            # A part may be byte for byte what another export is: a copy is read once, and its repeats are no duplicates.
            told = accounts(of, ("plant_id", "source_system", "table_name"))
            return {name: rows.drop("records_read", "duplicate", strict=False) for name, rows in told.items()}

        assert_equal(lake(one), lake(other), silver_tables, of_tables, hint=str(shuffled))
        assert_conserved(lake(other))


# --- by hand ----------------------------------------------------------------------------------------------------------------------

File = tuple[str, str, tuple[str, ...]]
"""Name, header, records."""
MATERIAL = "Number;Name"
RUN = "M1;2025-06-02 06:00;2025-06-02 {}:00;RUN;;"


def stamped_plant() -> dict[str, Any]:
    """Plant a: stops and counts whose names say when they were taken."""
    about = plant_file("a")
    for source in about["sources"].values():
        source["exported_at"] = {"from_name": r"_(\d{8})", "format": "%Y%m%d"}
    return about


def windowed_plant() -> dict[str, Any]:
    """Plant a: its stops replace the day that their name states."""
    about = stamped_plant()
    about["sources"]["mes"]["covers"] = {"from_name": r"_(\d{8})\.", "format": "%Y%m%d"}
    about["sources"]["mes"]["exported_at"] = {"from_name": r"_(\d{8})_", "format": "%Y%m%d"}
    about["sources"]["mes"]["tables"][EVENTS]["mode"] = "window"
    return about


def mastered_plant(table: str = "equipment") -> dict[str, Any]:
    """Plant a: its units (or materials) come by snapshot as well."""
    about = stamped_plant()
    columns = {"equipment": "Number", "equipment_name": "Name"} if table == "equipment" else {"material": "Number", "material_name": "Name"}
    master = {**about["sources"]["mes"], "path": "master_*.csv", "tables": {table: {"columns": columns}}}
    return {**about, "sources": {**about["sources"], "master": master}}


def in_all_orders(portfolio: SmallPortfolio, about: dict[str, Any], *files: File) -> Frames:
    """Loads the files in each order of arrival, one by one, and all at once: one plant each; what they hold has to be equal.

    Returned is what they hold, without the ids (which are hashed with the plant's name).
    """
    orders = {"a": files, **{f"a{n}": order for n, order in enumerate(itertools.permutations(files))}}
    for plant in orders:
        portfolio.plant(plant, {**about, "plant": plant})
    for number in range(len(files)):
        for plant, order in orders.items():
            for name, header, lines in order if plant == "a" and number == 0 else order[number : number + 1]:
                portfolio.file(plant, name, *lines, header=header)
        portfolio.load()
    of = lake(portfolio)
    assert_conserved(of)
    found = {**silver_tables(of), **accounts(of)}
    for plant, order in orders.items():
        told = differences(of_plant(found, "a"), of_plant(found, plant))
        assert not told, "\n".join([f"order of arrival {[name for name, *_ in order]}", *told])
    return of_plant(found, "a")


def of_plant(found: Frames, plant: str) -> Frames:
    """What a lake holds of a plant, without ids and names that are its own."""
    own = ("plant_name", "batch_id")
    return {
        name: rows.filter(pl.col("plant_id") == plant).drop(c for c in rows.columns if c.endswith("_id") or c in own)
        for name, rows in found.items()
    }


def current(rows: pl.DataFrame) -> pl.DataFrame:
    return rows.filter(pl.col("is_current") & ~pl.col("is_deleted"))


HOURS = (pl.col("end_ts") - pl.col("start_ts")).dt.total_hours()


def test_a_correction_and_its_withdrawal_are_versions_whatever_comes_first(portfolio: SmallPortfolio) -> None:
    found = in_all_orders(
        portfolio,
        stamped_plant(),
        ("stops_20250603.csv", HEADER, (RUN.format("09"),)),
        ("stops_20250604.csv", HEADER, (RUN.format("10"),)),
        ("stops_20250605.csv", HEADER, (RUN.format("09"), "M1;2025-06-04 06:00;;RUN;;")),
    )
    rows = current(found[EVENTS]).sort("start_ts").select("revision", HOURS)
    assert rows.rows() == [(3, 3), (1, None)]


def test_the_same_bytes_taken_again_later_are_a_later_word(portfolio: SmallPortfolio) -> None:
    # The 3rd says 09:00, the 4th 10:00, the 5th 09:00 again, byte for byte: the third version of the event.
    found = in_all_orders(
        portfolio,
        stamped_plant(),
        ("stops_20250603.csv", HEADER, (RUN.format("09"),)),
        ("stops_20250604.csv", HEADER, (RUN.format("10"),)),
        ("stops_20250605.csv", HEADER, (RUN.format("09"),)),
    )
    rows = current(found[EVENTS]).select("revision", HOURS)
    assert rows.rows() == [(3, 3)]


def test_two_empty_windows_are_two_deliveries(portfolio: SmallPortfolio) -> None:
    # On the 5th two days are told, both as empty: the run of the 2nd was none.
    found = in_all_orders(
        portfolio,
        windowed_plant(),
        ("stops_20250604_20250602.csv", HEADER, (RUN.format("09"),)),
        ("stops_20250605_20250602.csv", HEADER, ()),
        ("stops_20250605_20250603.csv", HEADER, ()),
    )
    assert current(found[EVENTS]).is_empty()


def test_a_shrunk_window_deletes_and_a_later_one_brings_back(portfolio: SmallPortfolio) -> None:
    late = "M1;2025-06-02 12:00;2025-06-02 13:00;RUN;;"
    found = in_all_orders(
        portfolio,
        windowed_plant(),
        ("stops_20250603_20250602.csv", HEADER, (RUN.format("09"), late)),
        ("stops_20250604_20250602.csv", HEADER, (RUN.format("09"),)),
        ("stops_20250605_20250602.csv", HEADER, (late,)),
    )
    # The early run: told, repeated, missing. The late one: told, missing, told again.
    rows = found[EVENTS].sort("start_ts", "revision").select("revision", "is_deleted", "is_current")
    assert rows.rows() == [(1, False, False), (2, True, True), (1, False, False), (2, True, False), (3, False, True)]


@pytest.mark.parametrize("table", ["equipment", "material"])
def test_a_shrunk_snapshot_deletes(portfolio: SmallPortfolio, table: str) -> None:
    found = in_all_orders(
        portfolio,
        mastered_plant(table),
        ("master_20250601.csv", MATERIAL, ("X1;old", "X2;other")),
        ("master_20250605.csv", MATERIAL, ("X1;new",)),
    )
    assert current(found[table])[f"{table}_name"].to_list() == ["new"]


@pytest.mark.parametrize("table", ["equipment", "material"])
def test_a_master_record_counts_though_the_data_named_it_first(portfolio: SmallPortfolio, table: str) -> None:
    about = mastered_plant(table)
    about["sources"]["erp"]["tables"]["production_count"]["columns"]["material"] = {"const": "X1"}
    line = COUNTED[0].replace("M1", "X1")
    files: list[File] = [("master_20250601.csv", MATERIAL, ("X1;by its name",)), ("counts_20250602.csv", COUNTS, (line,))]
    found = in_all_orders(portfolio, about, *files)
    assert current(found[table])[f"{table}_name"].to_list() == ["by its name"]


@pytest.mark.parametrize("table", ["equipment", "material"])
def test_what_the_data_name_is_there_though_the_master_dropped_it(portfolio: SmallPortfolio, table: str) -> None:
    about = mastered_plant(table)
    about["sources"]["erp"]["tables"]["production_count"]["columns"]["material"] = {"const": "X1"}
    line = COUNTED[0].replace("M1", "X1")
    found = in_all_orders(
        portfolio,
        about,
        ("counts_20250602.csv", COUNTS, (line,)),
        ("master_20250601.csv", MATERIAL, ("X1;by its name", "X2;other")),
        ("master_20250603.csv", MATERIAL, ("X2;other",)),
    )
    assert len(current(found[table])) == 2


def test_a_file_that_is_touched_changes_nothing(portfolio: SmallPortfolio) -> None:
    portfolio.good("a")
    portfolio.load()
    of = Lake(portfolio.root / "lake")
    before, told = silver_tables(of), accounts(of)
    portfolio.file("a", "stops_2.csv", *DAY_2)
    assert portfolio.plans(), "a file with a new time may hold something new"
    portfolio.load()
    assert differences(silver_tables(of), before) == []
    assert differences(accounts(of), told) == []


def in_lisbon(about: dict[str, Any]) -> None:
    about["timezone"] = "Europe/Lisbon"


def one_spelling(about: dict[str, Any]) -> None:
    about["equipment"] = {"units": {"M1": {"aliases": ["m-1"]}}}


def no_setup(about: dict[str, Any]) -> None:
    about["sources"]["mes"]["tables"][EVENTS]["columns"]["state_class"] = {"from": "Class", "map": {"RUN": "RUN"}, "else": "reject"}


@pytest.mark.parametrize("mend", [in_lisbon, one_spelling, no_setup])
def test_a_mended_plant_file_means_what_it_would_have_meant_at_once(tmp_path: Path, mend: Callable[[dict[str, Any]], None]) -> None:
    late, at_once = SmallPortfolio(tmp_path / "late"), SmallPortfolio(tmp_path / "at once")
    mended = plant_file("a")
    mend(mended)
    for portfolio, about in ((late, plant_file("a")), (at_once, mended)):
        portfolio.plant("a", about)
        portfolio.file("a", "stops_1.csv", RUN.format("09"), "m-1;2025-06-02 10:00;2025-06-02 11:00;SETUP;;")
        portfolio.load()
    late.plant("a", mended)
    late.load()
    assert_equal(lake(at_once), lake(late), silver_tables, accounts)


def test_plants_that_do_not_fit_in_memory_together_are_committed_one_after_the_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    at_once, apart, killed = (SmallPortfolio(tmp_path / name).good("a", "b", "c") for name in ("at once", "apart", "killed"))
    at_once.load()
    monkeypatch.setattr(loading, "COMMITTED_TOGETHER", 0)
    assert apart.load().changed[EVENTS] == ["a", "b", "c"]
    assert_equal(lake(at_once), lake(apart), silver_tables, accounts)
    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(Loader, "_commit", lambda self, results, loaded: interrupted(self, results, loaded, before="c"))
        killed.load()
    assert set(silver.read(lake(killed), EVENTS).collect()["plant_id"]) == {"a", "b"}
    assert len(killed.ledger().filter(pl.col("table_name") == EVENTS)["plant_id"].unique()) == 2, "what was committed is accounted for"
    killed.load()
    assert_equal(lake(at_once), lake(killed), silver_tables, accounts)


def interrupted(loader: Loader, results: list[PlantResult], loaded: Loaded, *, before: str) -> None:
    if [result.plant.plant for result in results] == [before]:
        raise KeyboardInterrupt
    COMMIT(loader, results, loaded)


def test_what_did_not_change_is_not_written_again(portfolio: SmallPortfolio) -> None:
    """Change scope is found by comparing versions of silver: a writer that rewrites equal rows makes work where nothing changed."""
    portfolio.good("a")
    portfolio.load()
    of = Lake(portfolio.root / "lake")
    names = [*TABLES, *STATEMENTS]
    before = {name: silver.files(of, name)[1] for name in names}
    portfolio.file("a", "stops_2.csv", *DAY_2)
    portfolio.load()
    assert {name: silver.files(of, name)[1] for name in names} == before
