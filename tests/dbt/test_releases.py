"""Versions of the parts: a release writes what changed, closes what it replaces and leaves the rest as it is."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from golden_portfolio import Case, deliver_later, events, made, rate, refresh, write

from pipelines import build
from pipelines.lake import Lake
from pipelines.refresh import Outcome
from publish.reader import Snapshot

TWO_SHIFTS = {
    "settings": {"state_method": "RESIDUAL"},
    "shifts": {"S1": {"at": "06:00-14:00", "days": "daily"}, "S2": {"at": "14:00-22:00", "days": "daily"}},
}
CASES = [
    # A stop of S1 and its pieces are corrected by the second delivery; S2 has a setup that is not.
    Case(
        "shop",
        {"equipment_state_event": events(("e1", "08:00", "09:00", "DELAY_EQ"), ("e2", "16:00", "17:00", "SETUP")), "production_count": [made("13:00", 700, 686)]},
        TWO_SHIFTS, words={"ideal_rates": [rate("shop", 30)]},
        later={"equipment_state_event": events(("e1", "08:00", "08:40", "DELAY_EQ")), "production_count": [made("13:00", 700, 680)]},
    ),
    Case("neighbour", {"equipment_state_event": events(("e1", "08:00", "08:30", "DELAY_EQ"))}, TWO_SHIFTS),
    # Told up to 13:00, then up to midnight.
    Case(
        "goes_on", {"equipment_state_event": events(("e1", "12:00", "", "DELAY_EQ"))}, TWO_SHIFTS, until="2025-06-02T13:00",
        later={"equipment_state_event": events(("e1", "12:00", "13:30", "DELAY_EQ"))}, later_until="2025-06-03T00:00",
    ),
]  # fmt: skip


@pytest.fixture(scope="module")
def refreshed(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[Outcome]]:
    """Refreshed after the first delivery, without news, and after the second."""
    root = tmp_path_factory.mktemp("releases")
    write(root, CASES)
    outcomes = [refresh(root), refresh(root)]
    deliver_later(root, CASES)
    return root, [*outcomes, refresh(root)]


@pytest.fixture(scope="module")
def lake(refreshed: tuple[Path, list[Outcome]]) -> Iterator[Snapshot]:
    with Snapshot(refreshed[0] / "lake" / "kpi.duckdb") as snapshot:
        yield snapshot


def versions(lake: Snapshot, plant: str) -> list[tuple[Any, ...]]:
    """(shift, product or time, from release, to release) of every version of the plant's parts, without the hours off."""
    return lake.rows(
        """SELECT shift_code, if(material_key = '~', 'time', 'product') AS of, valid_from_release, valid_to_release
        FROM mart_kpi_parts_shift WHERE plant_id = ? AND shift_code <> 'OFF' ORDER BY ALL""",
        [plant],
    )


def test_a_refresh_without_news_makes_no_release(refreshed: tuple[Path, list[Outcome]], lake: Snapshot) -> None:
    assert [outcome.release_id for outcome in refreshed[1]] == [1, None, 2]
    assert versions(lake, "neighbour") == [("S1", "time", 1, None), ("S2", "time", 1, None)]


def test_a_correction_closes_exactly_the_parts_of_its_shift(lake: Snapshot) -> None:
    assert versions(lake, "shop") == [
        ("S1", "product", 1, 2), ("S1", "product", 2, None), ("S1", "time", 1, 2), ("S1", "time", 2, None), ("S2", "time", 1, None),
    ]  # fmt: skip


def test_an_older_release_can_still_be_asked(lake: Snapshot) -> None:
    # 686 x 30 s and then 680 x 30 s over 8 h.
    def oee(valid: str) -> float:
        sql = f"SELECT sum(ideal_gq_s) / sum(pbt_s) FROM mart_kpi_parts_shift WHERE plant_id = 'shop' AND shift_code = 'S1' AND {valid}"
        return float(lake.rows(sql)[0][0])

    assert oee("valid_to_release IS NULL") == pytest.approx(20400 / 28800)
    assert oee("valid_from_release <= 1 AND (valid_to_release IS NULL OR valid_to_release > 1)") == pytest.approx(20580 / 28800)


def test_a_shift_that_goes_on_becomes_final_with_the_next_export(lake: Snapshot) -> None:
    assert versions(lake, "goes_on") == [("S1", "time", 1, 2), ("S1", "time", 2, None), ("S2", "time", 2, None)]
    told = lake.rows(
        """SELECT valid_from_release, adet_eq_s, is_preliminary FROM mart_kpi_parts_shift
        WHERE plant_id = 'goes_on' AND shift_code = 'S1' ORDER BY ALL"""
    )
    assert told == [(1, 3600, True), (2, 5400, False)]


def test_a_full_rebuild_from_the_same_exports_gives_the_same_parts(refreshed: tuple[Path, list[Outcome]], tmp_path: Path) -> None:
    write(tmp_path, CASES)
    deliver_later(tmp_path, CASES)
    refresh(tmp_path)
    assert current(tmp_path) == current(refreshed[0])


def current(root: Path) -> list[tuple[Any, ...]]:
    """Today's parts without their versions."""
    with build.connection(Lake(root / "lake")) as con:
        rows: list[tuple[Any, ...]] = con.sql(
            """SELECT * EXCLUDE (valid_from_release, valid_to_release, as_of_ts, calc_version) FROM gold.mart_kpi_parts_shift
            WHERE valid_to_release IS NULL ORDER BY ALL"""
        ).fetchall()
    return rows
