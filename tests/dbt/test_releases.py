"""Versions of the parts: a release writes what changed, closes what it replaces and leaves the rest as it is."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from ledger_portfolio import Plant, refresh, write, write_plant

from pipelines import build
from pipelines.lake import Lake
from publish.reader import Snapshot

D = "2025-06-02T"
SHIFTS = {"S1": "06:00-14:00", "S2": "14:00-22:00"}


def shop(*, stopped_until: str = "09:00", good: int = 686, **other: Any) -> Plant:
    """One unit, two shifts, a stop of S1 that begins at 08:00 and pieces of S1."""
    events = [("e1", D + "08:00", D + stopped_until, "DELAY_EQ"), ("e2", D + "16:00", D + "17:00", "SETUP")]
    counts = [{"document": "D1", "at": D + "13:00", "produced": 700, "good": good}]
    return Plant("shop", shifts=SHIFTS, rates={"P": 30}, events=events, counts=counts, **other)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    write(tmp_path, [shop(), Plant("neighbour", events=[("e1", D + "08:00", D + "08:30", "DELAY_EQ")])])
    refresh(tmp_path)
    return tmp_path


def versions(root: Path, where: str = "true") -> list[tuple[Any, ...]]:
    """(plant, shift, product or time, from release, to release) of every version of every part."""
    with Snapshot(root / "lake" / "kpi.duckdb") as snapshot:
        return snapshot.rows(
            f"""select plant_id, shift_code, case when material_key = '~' then 'time' else 'product' end, valid_from_release, valid_to_release
            from mart_kpi_parts_shift where {where} order by all"""
        )


def oee(root: Path, as_of: int | None = None) -> float:
    """OEE of S1 today, or as release `as_of` told it."""
    valid = "valid_to_release is null"
    if as_of is not None:
        valid = f"valid_from_release <= {as_of} and (valid_to_release is null or valid_to_release > {as_of})"
    with Snapshot(root / "lake" / "kpi.duckdb") as snapshot:
        sql = f"select sum(ideal_gq_s) / sum(pbt_s) from mart_kpi_parts_shift where plant_id = 'shop' and shift_code = 'S1' and {valid}"
        return float(snapshot.rows(sql)[0][0])


def test_a_refresh_without_news_makes_no_release(root: Path) -> None:
    before = versions(root)
    outcome = refresh(root)
    assert outcome.release_id is None
    assert versions(root) == before
    assert {row[3:] for row in before} == {(1, None)}


def test_a_corrected_export_closes_exactly_the_parts_of_its_shift(root: Path) -> None:
    write_plant(root, shop(stopped_until="08:40", good=680))
    refresh(root)
    changed = [row for row in versions(root) if row[3:] != (1, None)]
    assert changed == [
        ("shop", "S1", "product", 1, 2), ("shop", "S1", "product", 2, None),
        ("shop", "S1", "time", 1, 2), ("shop", "S1", "time", 2, None),
    ]  # fmt: skip


def test_an_older_release_can_still_be_asked(root: Path) -> None:
    # 686 x 30 s and then 680 x 30 s over 8 h.
    write_plant(root, shop(good=680))
    refresh(root)
    assert oee(root) == pytest.approx(20400 / 28800)
    assert oee(root, as_of=2) == pytest.approx(20400 / 28800)
    assert oee(root, as_of=1) == pytest.approx(20580 / 28800)


def test_a_shift_that_goes_on_becomes_final_with_the_next_export(tmp_path: Path) -> None:
    # Told up to 13:00, then up to midnight: the shift's parts are closed and written anew, and the shift after it appears.
    open_stop = ("e1", D + "12:00", "", "DELAY_EQ")
    write(tmp_path, [Plant("shop", shifts=SHIFTS, until=D + "13:00", events=[open_stop])])
    refresh(tmp_path)
    (tmp_path / "landing" / "shop" / "mes1_202506020000-202506021300.csv").unlink()
    write_plant(tmp_path, Plant("shop", shifts=SHIFTS, events=[open_stop, ("e1", D + "12:00", D + "13:30", "DELAY_EQ")]))
    refresh(tmp_path)
    assert [row[1:] for row in versions(tmp_path, "shift_code in ('S1', 'S2')")] == [
        ("S1", "time", 1, 2), ("S1", "time", 2, None), ("S2", "time", 2, None),
    ]  # fmt: skip
    with Snapshot(tmp_path / "lake" / "kpi.duckdb") as snapshot:
        told = snapshot.rows(
            "select valid_from_release, adet_eq_s, is_preliminary from mart_kpi_parts_shift where shift_code = 'S1' order by all"
        )
    assert told == [(1, 3600, True), (2, 5400, False)]


def test_a_full_rebuild_from_the_same_exports_gives_the_same_parts(root: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    write_plant(root, shop(stopped_until="08:40"))
    refresh(root)
    other = tmp_path_factory.mktemp("other")
    write(other, [shop(stopped_until="08:40"), Plant("neighbour", events=[("e1", D + "08:00", D + "08:30", "DELAY_EQ")])])
    refresh(other)
    assert current(root) == current(other)


def current(root: Path) -> list[tuple[Any, ...]]:
    """Today's parts without their versions."""
    with build.connection(Lake(root / "lake")) as con:
        rows: list[tuple[Any, ...]] = con.sql(
            """select * exclude (valid_from_release, valid_to_release, as_of_ts, calc_version) from gold.mart_kpi_parts_shift
            where valid_to_release is null order by all"""
        ).fetchall()
    return rows
