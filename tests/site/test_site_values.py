"""The files of the site: rows of kpi_value and of the loss macros, and nothing else; built whole or not at all."""

from __future__ import annotations

import json
from pathlib import Path

import polars as pl
import pytest

from connectors.portfolio import read
from pipelines import outlets
from pipelines.lake import Lake
from publish import losses, site
from publish.reader import Snapshot
from publish.site import values


@pytest.fixture(scope="session")
def data(site_folder: Path) -> Path:
    return next((site_folder / "data").iterdir())


def test_every_value_of_a_file_is_numerator_over_denominator_of_kpi_value(data: Path, snapshot: Snapshot) -> None:
    for kind, kpi in (("MONTH", "OEE"), ("WEEK", "A"), ("QUARTER", "MTBF")):
        found = pl.read_parquet(data / f"kpi/ISO/{kind}/{kpi}.parquet").rows(named=True)
        expected = snapshot.rows(
            "SELECT scope_id, strftime(period_start, '%Y-%m-%d'), value, coverage FROM kpi_value WHERE scope_type = 'PLANT'"
            " AND profile = 'ISO' AND kpi_id = ? AND period_type = ? ORDER BY ALL", [kpi, kind],
        )  # fmt: skip
        divided = [
            (row["scope_id"], row["period_start"],
             None if row["status"] == "NOT_COMPUTABLE" else row["numerator"] / row["denominator"], row["coverage"]) for row in found
        ]  # fmt: skip
        assert sorted(divided, key=str) == sorted(expected, key=str)


def test_weeks_of_the_days_that_are_shown_are_the_weeks_of_all_days(snapshot: Snapshot) -> None:
    (first,) = snapshot.rows("SELECT strftime(max(production_day) - INTERVAL 20 DAY, '%Y-%m-%d') FROM mart_kpi_unit_shift")[0]
    sql = values.value_sql.kpi_value_sql(values.days_from(first))
    asked = f"WHERE period_type = 'WEEK' AND period_start >= DATE '{first}' AND scope_type = 'PLANT' AND kpi_id = 'OEE' ORDER BY ALL"
    said = "SELECT scope_id, profile, period_start, numerator, denominator, coverage, grade"
    assert snapshot.rows(f"{said} FROM ({sql}) {asked}") == snapshot.rows(f"{said} FROM kpi_value {asked}") != []


def rounded(snapshot: Snapshot, sql: str) -> list[tuple[object, ...]]:
    """Rows without the noise of sums of floats in another order."""
    return [tuple(round(cell, 6) if isinstance(cell, float) else cell for cell in row) for row in snapshot.rows(sql)]


def test_losses_over_shared_units_are_those_of_the_macros(snapshot: Snapshot) -> None:
    asked = "'MONTH', DATE '2026-10-01'"
    snapshot.run(f"CREATE OR REPLACE TEMP TABLE unit_of_test AS SELECT * FROM loss_unit({asked}, 'ISO')")
    snapshot.run(f"CREATE OR REPLACE TEMP TABLE price_of_test AS SELECT * FROM loss_value({asked}, 'AVG')")
    for name, macro in (("loss_waterfall", losses.LOSS_WATERFALL), ("six_big_losses", losses.SIX_BIG_LOSSES)):
        shared = rounded(snapshot, f"SELECT * FROM ({losses.over(macro, 'unit_of_test', 'price_of_test')}) ORDER BY ALL")
        assert shared == rounded(snapshot, f"SELECT * FROM {name}('*', {asked}) ORDER BY ALL") != []
        for kind in ("PLANT", "EQUIPMENT"):
            mine = [row for row in shared if row[0] == kind]
            assert mine == rounded(snapshot, f"SELECT * FROM {name}('{kind}', {asked}) ORDER BY ALL") != []


def test_only_numbers_and_texts_are_in_the_files(data: Path) -> None:
    plain = {pl.String, pl.Float64, pl.Int32, pl.Int64, pl.Boolean}
    for path in data.rglob("*.parquet"):
        assert set(pl.read_parquet_schema(path).values()) <= plain, path


def test_an_outlet_that_fails_tells_what_to_do_and_leaves_what_stood(sample: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    portfolio = read(sample)
    lake = Lake(portfolio.lake)
    index = site.build(lake, portfolio, tmp_path)
    before = index.read_text()

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(values, "_losses", full)
    outlet = outlets.Outlet(
        "site", "", "javascript", lambda _: True, lambda given: {"path": site.build(lake, portfolio, tmp_path, given.tell)}
    )
    told = outlets.write(outlet, outlets.Given(lake, portfolio, lambda _: None))
    assert "plantlake publish site" in str(told)
    assert "No space left" in str(told)
    assert index.read_text() == before
    assert not list(tmp_path.glob(".*")), "nothing half-written stays"
    folder = json.dumps(before)
    assert next((tmp_path / "data").iterdir()).name in folder
