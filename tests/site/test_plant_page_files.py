"""The files of a plant's page: rows of kpi_value, of the loss macros and of the ledger, of that plant alone; and of a family of products."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import polars as pl
import pytest
from golden_portfolio import Case, events, made, rate, refresh, write

from connectors.portfolio import read
from docs.browser import Browser, served
from pipelines.lake import Lake
from publish import site
from publish.reader import Snapshot
from publish.site.values import folder_of


def bolts(plant: str) -> dict[str, str]:
    return {"plant": plant, "material": "P", "family": "bolts", "weight": "1"}


CASES = [
    # 8 h of shift S1, 1 h of it stopped: A = 7 / 8; 200 good of 210 pieces at 60 s: Q = 20 / 21.
    Case(
        "mill",
        {
            "equipment_state_event": events(("a", "06:00", "10:00", "RUN"), ("b", "10:00", "11:00", "DELAY_EQ"), ("c", "11:00", "14:00", "RUN")),
            "production_count": [made("12:00", 210, 200)],
        },
        words={"ideal_rates": [rate("mill", 60)], "product_families": [bolts("mill")]},
    ),
    # Each station makes 200 pieces in 8 h = 28 800 s. S1 needs 30 s a piece, S2 60 s: 6 000 / 28 800 = 20.8 % and 12 000 / 28 800 = 41.7 %,
    # which is that of the line, whose constraint is S2, of its hall and of the plant.
    Case(
        "hall",
        {
            "equipment_state_event": [row for unit in ("S1", "S2") for row in events((f"{unit}a", "06:00", "14:00", "RUN"), unit=unit)],
            "production_count": [made("12:00", 200, 200, unit) for unit in ("S1", "S2")],
        },
        {
            "equipment": {"units": {"S1": {}, "S2": {}, "HALL": {"kpi_unit": False}}},
            "lines": {"L1": {"name": "Line 1", "area": "HALL", "stations": ["S1", "S2"], "constraint": "S2"}},
        },
        words={"ideal_rates": [rate("hall", 30, equipment="S1"), rate("hall", 60, equipment="S2")]},
    ),
    Case(
        "bare", {"production_count": [made("12:00", 100, 90)]}, {"name": "<script>alert(1)</script>"},
        words={"product_families": [bolts("bare")]},
    ),
    Case("none"),
]  # fmt: skip


@pytest.fixture(scope="module")
def small(made_once: Callable[..., Path]) -> Path:
    def build(root: Path) -> None:
        write(root, CASES)
        refresh(root)
        portfolio = read(root)
        site.build(Lake(portfolio.lake), portfolio, portfolio.site)

    return made_once("plant_files", build)


def folder(root: Path, plant: str) -> Path:
    return next((root / "site" / "data").iterdir()) / folder_of(plant)


def about(root: Path, plant: str) -> dict[str, list[str]]:
    found: dict[str, list[str]] = json.loads((folder(root, plant) / "about.json").read_text(encoding="utf-8"))
    return found


def test_values_are_those_of_kpi_value_and_as_worked_out_by_hand(small: Path) -> None:
    rows = pl.read_parquet(folder(small, "mill") / "kpi.parquet")
    with Snapshot(Lake(read(small).lake).snapshot) as snapshot:
        expected = snapshot.rows(
            "SELECT scope_type, kpi_id, period_type, value FROM kpi_value WHERE plant_id = 'mill' AND profile = 'ISO' AND shift_code IS NULL"
            " AND scope_type IN ('PLANT', 'EQUIPMENT') AND kpi_id IN ('OEE', 'A', 'E', 'Q') ORDER BY ALL"
        )
    mine = rows.filter(pl.col("kpi_id").is_in(["OEE", "A", "E", "Q"]))
    assert mine.select("scope_type", "kpi_id", "period_type", pl.col("numerator") / pl.col("denominator")).rows() != []
    assert sorted(mine.select("scope_type", "kpi_id", "period_type", pl.col("numerator") / pl.col("denominator")).rows()) == sorted(
        expected
    )
    day = {row["kpi_id"]: row["numerator"] / row["denominator"] for row in mine.rows(named=True)
           if (row["scope_type"], row["period_type"], row["period_start"]) == ("EQUIPMENT", "DAY", "2025-06-02")}  # fmt: skip
    assert (day["A"], day["Q"]) == pytest.approx((7 / 8, 20 / 21))


def test_the_ledger_of_the_newest_days_covers_the_shift(small: Path) -> None:
    rows = pl.read_parquet(folder(small, "mill") / "segments.parquet").filter(pl.col("shift_code") == "S1").sort("starts")
    hours = rows.select("time_class", (pl.col("ends") - pl.col("starts")) / 3600).rows()
    assert hours == [("APT", 4.0), ("ADET_EQ", 1.0), ("APT", 3.0)]


def test_losses_and_reasons_are_those_of_the_macros(small: Path) -> None:
    losses, reasons = (pl.read_parquet(folder(small, "mill") / f"{name}.parquet") for name in ("losses", "reasons"))
    month = losses.filter(pl.col("period_type") == "MONTH", pl.col("scope_type") == "EQUIPMENT", pl.col("of") == "BUCKET")
    stop = reasons.filter(pl.col("period_type") == "MONTH", pl.col("scope_type") == "EQUIPMENT", pl.col("reason_code") == "U-UNC")
    with Snapshot(Lake(read(small).lake).snapshot) as snapshot:
        expected = snapshot.rows(
            "SELECT bucket, CAST(seconds AS DOUBLE) FROM loss_waterfall('EQUIPMENT', 'MONTH', DATE '2025-06-01') AS w"
            " WHERE scope_id IN (SELECT equipment_id FROM equipment WHERE plant_id = 'mill') ORDER BY step"
        )
    assert month.sort("step").select("term", "seconds").rows() == expected != []
    assert stop.select("seconds", "stops").rows() == [(3600.0, 1)]


def test_what_was_not_delivered_has_no_file_and_every_plant_has_a_folder(small: Path) -> None:
    assert {"kpi", "segments", "losses"} <= set(about(small, "mill")["files"])
    assert {"orders", "tags", "energy"}.isdisjoint(about(small, "mill")["files"])
    for plant in ("mill", "bare", "none"):
        found = about(small, plant)
        assert found["plant_id"] == plant
        assert {path.stem for path in folder(small, plant).glob("*.parquet")} == set(found["files"])


def test_ids_never_name_a_folder() -> None:
    for hostile in ("../../etc", "=cmd|' /C calc'!A0", "<script>", "工厂", "x" * 200):
        assert folder_of(hostile).removeprefix("plants/").isalnum()


def test_the_page_leads_from_the_plant_over_hall_and_line_to_a_station(small: Path, window: Browser) -> None:
    with served(small / "site") as address:
        browser = window.at(address).size(1440).open("/plant/hall?period=MONTH:2025-06-01")
        seen = [(browser.texts(".title")[0], browser.texts("[data-kpi=OEE] .value")[0])]
        for name in ("HALL", "Line 1", "S1"):
            link = next(one for one in browser.all("#main table a") if one.text == name)
            browser.follow(link.click)
            seen.append((browser.texts(".title")[0], browser.texts("[data-kpi=OEE] .value")[0]))
        assert seen == [("hall Plant", "41.7 %"), ("HALL Area", "41.7 %"), ("Line 1 Line", "41.7 %"), ("S1 Machine", "20.8 %")]
        assert [one.text for one in browser.all(".crumbs a")] == ["All plants", "hall", "HALL", "Line 1", "S1"]
        browser.follow(browser.all(".crumbs a")[2].click)
        assert browser.texts(".title") == ["HALL Area"]
        assert browser.noticed() == []


def test_a_family_sums_the_pieces_of_its_products_and_says_what_is_not_known(small: Path) -> None:
    release = next((small / "site" / "data").iterdir())
    rows = pl.read_parquet(release / "families" / "ISO" / "MONTH.parquet")
    assert rows.select("plant_id", "kpi_id", "numerator", "denominator", "made", "known", "why").rows() == [
        ("bare", "Q", None, None, 100.0, 0.0, "NO_IDEAL_RATE"),
        ("bare", "QC", 90.0, 100.0, 100.0, 100.0, None),
        ("bare", "REWORK", None, None, 100.0, 0.0, "NO_REWORK_COUNT"),
        ("bare", "SCRAP", 10.0, 100.0, 100.0, 100.0, None),
        ("mill", "Q", 200 * 60.0, 210 * 60.0, 210.0, 210.0, None),
        ("mill", "QC", 200.0, 210.0, 210.0, 210.0, None),
        ("mill", "REWORK", None, None, 210.0, 0.0, "NO_REWORK_COUNT"),
        ("mill", "SCRAP", 10.0, 210.0, 210.0, 210.0, None),
    ]
    assert json.loads((release / "portfolio.json").read_text(encoding="utf-8"))["families"] == ["bolts"]
