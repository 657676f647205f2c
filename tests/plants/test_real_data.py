"""Every folder of real plant data lands by a plant file of a page: its records, its rejects, the account, and the dirt its README names.

Here: bronze and silver of all plants of `examples/real`. Elsewhere: the KPIs of the four plants that support some
(`test_real_plants.py`). Figures were counted in the raw files, without the product.
"""

from __future__ import annotations

import shutil
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import polars as pl
import pytest

from connectors.portfolio import read
from pipelines import silver
from pipelines.lock import writer_lock
from pipelines.refresh import Refresh

CHECKOUT = Path(__file__).resolve().parents[2]
DATA = CHECKOUT / "../shared/data"
NO_PLANT = {"b2mml_schema", "opcua_nodesets"}
"""Folders with standards: schemas, node sets, codes."""
FOUR = {"mes_4tu_production", "mes_optimoldiq", "mes_sme_retrofit", "mtc_nist_shdr"}
LINES = 60
EXPECTED = {
    # plant, source, table: read, accepted, rejected, duplicate, filtered, rows written
    ("b2mml_examples", "materials", "material"): (1, 1, 0, 0, 0, 1),
    ("b2mml_examples", "weighing", "goods_movement"): (1, 1, 0, 0, 0, 1),
    ("erp_s4_odata", "confirmations", "production_count"): (6, 5, 0, 1, 0, 5),
    ("erp_sap_gbi", "movements", "goods_movement"): (686, 686, 0, 0, 0, 686),
    ("erpnext_demo", "items", "material"): (22, 22, 0, 0, 0, 22),
    ("erpnext_demo", "items", "uom_conversion"): (22, 0, 0, 0, 22, 0),
    ("erpnext_demo", "workstations", "equipment"): (5, 5, 0, 0, 0, 5),
    ("hist_flotation", "dcs", "historian_sample"): (1000, 1000, 0, 0, 0, 23_000),
    ("hist_nitrogen_generator", "historian", "historian_sample"): (85_860, 85_860, 0, 0, 0, 429_300),
    ("hist_openmv", "aeration", "historian_sample"): (574, 574, 0, 0, 0, 573),
    ("hist_openmv", "distillate", "historian_sample"): (44_640, 44_640, 0, 0, 0, 44_640),
    ("hist_openmv", "electricity", "historian_sample"): (2712, 2712, 0, 0, 0, 10_848),
    ("hist_openmv", "flotation", "historian_sample"): (2922, 2922, 0, 0, 0, 14_610),
    ("hist_openmv", "level", "historian_sample"): (84, 84, 0, 0, 0, 84),
    ("hist_openmv", "tower", "historian_sample"): (253, 253, 0, 0, 0, 6831),
    ("hist_skab", "logger", "historian_sample"): (46_806, 46_325, 0, 481, 0, 437_733),
    ("hist_vega_shrinkwrap", "drives", "historian_sample"): (2048, 2048, 0, 0, 0, 16_384),
    ("hist_volve", "daily", "historian_sample"): (15_634, 15_634, 0, 0, 0, 64_172),
    ("hist_volve", "gauges", "historian_sample"): (15_634, 15_634, 0, 0, 0, 64_294),
    ("hist_wind_T1", "scada", "historian_sample"): (50_530, 50_530, 0, 0, 0, 202_120),
    ("idoc_sap_dm", "materials", "material"): (3, 3, 0, 0, 0, 3),
    ("idoc_sap_dm", "orders", "order_operation"): (3, 3, 0, 0, 0, 3),
    ("idoc_sap_dm", "orders", "production_order"): (1, 1, 0, 0, 0, 1),
    ("mes_garments", "teams", "historian_sample"): (1197, 1197, 0, 0, 0, 11_464),
    ("mtc_misc_xml", "agents", "historian_sample"): (1735, 1735, 0, 0, 0, 1735),
    ("mtc_misc_xml", "json_agents", "historian_sample"): (365, 365, 0, 0, 0, 365),
    ("mtc_misc_xml", "okuma", "historian_sample"): (25_668, 25_659, 9, 0, 0, 25_659),
    ("mtc_nist_xml", "agent", "equipment_state_event"): (14, 14, 0, 0, 0, 14),
    ("mtc_nist_xml", "agent", "historian_sample"): (11_928, 11_928, 0, 0, 0, 11_928),
    ("pi_webapi_json", "pi", "historian_sample"): (12, 12, 0, 0, 0, 12),
}

pytestmark = pytest.mark.skipif(not DATA.is_dir(), reason="the real plants' data is not beside the checkout")


@pytest.fixture(scope="module")
def lake(tmp_path_factory: pytest.TempPathFactory) -> Refresh:
    root = tmp_path_factory.mktemp("folders") / "portfolio"
    shutil.copytree(CHECKOUT / "examples/real", root, ignore=shutil.ignore_patterns("lake"))
    for file in (root / "plants").glob("*.yaml"):
        if file.stem in FOUR:
            file.unlink()
            continue
        file.write_text(file.read_text().replace("../../../shared/data", str(DATA.resolve())))
    job = Refresh(root)
    with closing(job), writer_lock(job.lake):
        todo = job.plan()
        job.land(todo)
        job.load(todo)
    assert job.outcome.problems == []
    return Refresh(root)


def samples(lake: Refresh, plant: str, *tags: str) -> pl.DataFrame:
    """ts, value_num, value_text, quality and tag of a plant's samples, by tag and time."""
    names = silver.read(lake.lake, "tag", [plant]).collect().select("tag_id", pl.col("tag_name").alias("tag")).unique()
    rows = silver.read(lake.lake, "historian_sample", [plant]).collect().join(names, on="tag_id")
    return (rows.filter(pl.col("tag").is_in(tags)) if tags else rows).sort("tag", "ts")


def test_every_folder_with_plant_data_has_a_plant_file_of_at_most_a_page() -> None:
    files = {file.stem: file.read_text(encoding="utf-8") for file in (CHECKOUT / "examples/real/plants").glob("*.yaml")}
    assert set(files) == {folder.name for folder in DATA.iterdir() if folder.is_dir()} - NO_PLANT
    assert {name: text.count("\n") for name, text in files.items() if text.count("\n") > LINES} == {}
    assert [name for name, text in files.items() if "sql:" in text] == [], "the escape hatch is for one plant in five at most"
    assert read(CHECKOUT / "examples/real").problems == []


def test_records_rejects_and_rows_of_every_source(lake: Refresh) -> None:
    account = ("records_read", "accepted", "rejected", "duplicate", "filtered", "rows_written")
    rows = lake.ledger.frame().group_by("plant_id", "source_system", "table_name").agg(pl.col(account).sum())
    found = {(row["plant_id"], row["source_system"], row["table_name"]): tuple(row[name] for name in account) for row in rows.to_dicts()}
    assert found == EXPECTED
    assert all(read == sum(parts[:4]) for read, *parts in found.values()), "read = accepted + rejected + duplicate + filtered"


def test_a_second_refresh_has_nothing_to_do(lake: Refresh) -> None:
    assert not lake.plan().plants


# --- the dirt that the READMEs name ----------------------------------------------------------------------------------------------


def test_wind_a_missing_stamp_is_a_gap_and_units_stand_in_headers(lake: Refresh) -> None:
    power = samples(lake, "hist_wind_T1", "LV ActivePower")
    assert len(power) == 52_560 - 2_030
    assert power["ts"].diff().max().total_seconds() == (4 * 24 + 8) * 3600 + 20 * 60, "the longest gap"
    assert power.filter(pl.col("value_num") < 0).height == 57
    assert power["ts"][0] == datetime(2017, 12, 31, 21, tzinfo=UTC), "midnight in Turkey is 21:00 UTC all year"
    assert dict(silver.read(lake.lake, "tag", ["hist_wind_T1"]).collect().select("tag_name", "unit").rows())["Wind Direction"] == "°", (
        "CP1252"
    )


def test_flotation_decimal_commas_and_a_ph_that_cannot_be(lake: Refresh) -> None:
    iron = samples(lake, "hist_flotation", "% Iron Feed")
    assert iron["value_num"][0] == 55.2
    ph = samples(lake, "hist_flotation", "Ore Pulp pH")
    assert ph.filter(pl.col("value_num") > 14)["quality"].unique().to_list() == ["UNCERTAIN"]
    assert ph.filter(pl.col("value_num") <= 14)["quality"].unique().to_list() == ["GOOD"]


def test_volve_a_zero_of_a_gauge_is_no_reading(lake: Refresh) -> None:
    assert samples(lake, "hist_volve", "15/9-F-12/AVG_DOWNHOLE_PRESSURE")["value_num"].min() > 0
    assert samples(lake, "hist_volve", "15/9-F-12/BORE_OIL_VOL")["value_num"].min() == 0


def test_vega_the_start_and_the_mode_stand_in_the_name(lake: Refresh) -> None:
    """01-04T184148 in Berlin is 17:41:48 UTC; the first record is 8 ms later, the last 8.196 s."""
    torque = samples(lake, "hist_vega_shrinkwrap", "mode1/pCut::Motor_Torque")
    assert torque["ts"][0] == datetime(2018, 1, 4, 17, 41, 48, 8000, tzinfo=UTC)
    assert torque["ts"][-1] == datetime(2018, 1, 4, 17, 41, 56, 195_999, tzinfo=UTC)


def test_skab_overlapping_experiments_are_one_series(lake: Refresh) -> None:
    pressure = samples(lake, "hist_skab", "Pressure")
    assert pressure.select("ts").is_duplicated().sum() == 0


def test_pi_buckets_without_data_are_bad_and_have_no_value(lake: Refresh) -> None:
    """Months begin at 08:00Z in winter and 07:00Z in summer; seven have the error that comes under HTTP 200."""
    total = samples(lake, "pi_webapi_json", "PumpFlow.Total")
    assert total["ts"].dt.hour().unique().sort().to_list() == [7, 8]
    assert total.filter(pl.col("quality") == "BAD").height == total["value_num"].null_count() == 7


def test_sap_direction_is_shkzg(lake: Refresh) -> None:
    moved = silver.read(lake.lake, "goods_movement", ["erp_sap_gbi"]).collect()
    outward = moved.filter(pl.col("qty") < 0)
    assert outward["movement_class"].unique().to_list() == ["RECEIPT_PO"], "122 and 161 give back what was received"
    assert outward.height == 42
    assert moved.filter(pl.col("movement_class") == "ISSUE_PROD").height == 162
    assert moved["value_local"].max() == 50_000_000


def test_s4_a_day_that_a_client_moved_to_tokyo_is_the_day(lake: Refresh) -> None:
    """2016-09-21T09:00:00+09:00 with PT11H11M07S is 11:11:07 on the 21st by the plant's clock, 18:11:07 UTC."""
    counts = silver.read(lake.lake, "production_count", ["erp_s4_odata"]).collect()
    (row,) = counts.filter(pl.col("document_no") == "207-1").to_dicts()
    assert (row["event_ts"], row["good_qty"]) == (datetime(2016, 9, 21, 18, 11, 7, tzinfo=UTC), 10)


def test_idoc_an_order_without_limits_and_empty_dates(lake: Refresh) -> None:
    (order,) = silver.read(lake.lake, "production_order", ["idoc_sap_dm"]).collect().to_dicts()
    assert (order["order_no"], order["planned_qty"]) == ("208277437", 200)
    assert order["planned_start_ts"] == datetime(2023, 12, 11, 0, 29, 41, tzinfo=UTC)


def test_mtconnect_unavailable_is_no_value(lake: Refresh) -> None:
    rows = samples(lake, "mtc_misc_xml")
    assert rows.filter(pl.col("value_text") == "UNAVAILABLE").height == 0
    assert rows.filter(pl.col("value_num").is_null() & pl.col("value_text").is_null())["quality"].unique().to_list() == ["BAD"]


def test_garments_dates_are_us_and_productivity_over_one_stays(lake: Refresh) -> None:
    actual = samples(lake, "mes_garments").filter(pl.col("tag").str.ends_with("/actual_productivity"))
    assert (len(actual), actual.filter(pl.col("value_num") > 1).height) == (1197, 37)
    assert actual["ts"].max() == datetime(2015, 3, 10, 18, tzinfo=UTC), "3/11/2015 begins at 18:00 UTC in Dhaka"
