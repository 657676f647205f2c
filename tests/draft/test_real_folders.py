"""Drafts of what plants, agents and vendors really emitted: decisions that are known to be right, from the folders' own descriptions.

`python tests/draft/test_real_folders.py` prints how many of them were met, and how many lines were left to a person. A decision is right
when it equals what is known; where the exports cannot tell, the mark is what is right. The folder is skipped where it is absent.
"""

from __future__ import annotations

import sys
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml

from connectors import portfolio
from pipelines.draft.drafting import Draft, Stated, draft_plant
from pipelines.draft.plant_yaml import plain

ROOT = Path(__file__).resolve().parents[2]
DATA = next((place / "shared" / "data" for place in ROOT.parents if (place / "shared" / "data").is_dir()), ROOT / "shared" / "data")
MARKED = "a line for a person"
ABSENT = "no such line"

DMY_SLASH, MDY_SLASH = "%d/%m/%Y %H:%M:%S", "%m/%d/%Y %H:%M:%S"
KNOWN: dict[str, dict[str, Any]] = {
    "mes_4tu_production": {
        "production_data_reconstructed.kind": "delimited",
        "production_data_reconstructed.options.delimiter": ",",
        "production_data_reconstructed.options.encoding": "utf-8",
        "production_data_reconstructed.tables.equipment_state_event.columns.equipment": "Resource",
        "production_data_reconstructed.tables.equipment_state_event.columns.start_ts": {"from": "Start Timestamp", "format": "%Y/%m/%d %H:%M:%S"},
        "production_data_reconstructed.tables.equipment_state_event.columns.end_ts": {"from": "Complete Timestamp", "format": "%Y/%m/%d %H:%M:%S"},
        "production_data_reconstructed.tables.equipment_state_event.columns.source_state": "Report Type",
        "production_data_reconstructed.tables.equipment_state_event.columns.state_class.map.D": MARKED,
        "production_data_reconstructed.tables.equipment_state_event.columns.state_class.map.S": MARKED,
        "production_data_reconstructed.tables.equipment_state_event.columns.order": "Case ID",
        "production_data_reconstructed.tables.equipment_state_event.columns.material": "Part Desc.",
        "production_data_reconstructed.tables.equipment_state_event.key": MARKED,
        "production_data_reconstructed.tables.production_count.columns.event_ts": {
            "from": "Complete Timestamp", "format": "%Y/%m/%d %H:%M:%S", "stamped": "end",
        },
        "production_data_reconstructed.tables.production_count.columns.good_qty": "Qty Completed",
        "production_data_reconstructed.tables.production_count.columns.scrap_qty": "Qty Rejected",
        "production_data_reconstructed.tables.production_count.columns.rework_qty": "Qty for MRB",
        "production_data_reconstructed.tables.production_count.columns.produced_qty": ABSENT,
    },
    "mes_sme_retrofit": {
        "company_a_labelled_subset.options.delimiter": ",",
        "company_a_labelled_subset.tables.equipment_state_event.columns.equipment": "asset",
        "company_a_labelled_subset.tables.equipment_state_event.columns.start_ts": "ts",
        "company_a_labelled_subset.tables.equipment_state_event.columns.source_state": "status",
        "company_a_labelled_subset.tables.equipment_state_event.columns.state_class.map.2.0": MARKED,
        "company_a_labelled_subset.tables.equipment_state_event.columns.material": "product",
        "company_a_labelled_subset.tables.equipment_state_event.intervals": {"stamped": "end", "grid_s": 300},
        "company_a_labelled_subset.tables.production_count.columns.event_ts": "ts",
        "company_a_labelled_subset.tables.production_count.columns.produced_qty": "items",
        "company_a_labelled_subset.tables.production_count.columns.good_qty": ABSENT,
    },
    "mes_optimoldiq": {
        "monthly_reports.kind": "excel",
        "monthly_reports.path": "dynamicDatabase/monthlyReports_history/monthlyReports_*.xlsb",
        "monthly_reports.covers": {"from_name": "monthlyReports_(\\d{6})"},
        "monthly_reports.tables.production_count.columns.event_ts": {"from": "recordDate", "shift": "workingShift"},
        "monthly_reports.tables.production_count.columns.equipment": "machineNo",
        "monthly_reports.tables.production_count.columns.material": "itemCode",
        "monthly_reports.tables.production_count.columns.order": "poNote",
        "monthly_reports.tables.production_count.columns.tool": "moldNo",
        "monthly_reports.tables.production_count.columns.produced_qty": "itemTotalQuantity",
        "monthly_reports.tables.production_count.columns.good_qty": "itemGoodQuantity",
        "purchase_order.path": "dynamicDatabase/purchaseOrders_history/purchaseOrder_*.xlsx",
        "purchase_order.exported_at": {"from_name": "purchaseOrder_(\\d{6})", "format": "%y%m%d"},
        "purchase_order.tables.production_order.columns.order": "poNo",
        "purchase_order.tables.production_order.columns.material": "itemCode",
        "purchase_order.tables.production_order.columns.planned_qty": "itemQuantity",
        "purchase_order.tables.production_order.columns.due_ts": "poETA",
        "mold_info.tables.ideal_rate.columns.tool": "moldNo",
        "mold_info.tables.ideal_rate.columns.pri_s": {"from": "moldSettingCycle", "unit": "s"},
        "mold_info.tables.ideal_rate.columns.pieces_per_cycle": "moldCavityStandard",
        "machine_info.tables.equipment.columns.equipment": "machineNo",
        "item_info.tables.material.columns.material": "itemCode",
        "item_info.tables.material.columns.material_name": "itemName",
    },
    "mes_garments": {
        "garments_worker_productivity.options.delimiter": ",",
        "garments_worker_productivity.tables.historian_sample": MARKED,
        "garments_worker_productivity.tables.historian_sample.columns.ts": {"from": "date", "format": "%m/%d/%Y"},
    },
    "hist_wind_T1": {
        "t1.options.encoding": "cp1252",
        "t1.options.delimiter": ",",
        "t1.options.decimal": ABSENT,
        "t1.tables.historian_sample.columns.ts": {"from": "Date/Time", "format": "%d %m %Y %H:%M"},
        "t1.tables.historian_sample.columns.tags": {
            "from": ["LV ActivePower (kW)", "Wind Speed (m/s)", "Theoretical_Power_Curve (KWh)", "Wind Direction (°)"],
        },
        "timezone": MARKED,
    },
    "hist_volve": {
        "volve_production_data.tables.historian_sample.columns.ts": {"from": "DATEPRD", "format": "%d-%b-%y"},
        "volve_production_data.tables.historian_sample": MARKED,
        "volve_production_data.tables.historian_sample.columns.tag": "NPD_WELL_BORE_NAME",
    },
    "hist_flotation": {
        "flotation_decimal_comma.options.delimiter": ",",
        "flotation_decimal_comma.options.decimal": ",",
        "flotation_decimal_comma.tables.historian_sample.columns.ts": MARKED,
    },
    "hist_vega_shrinkwrap": {"04t184148_mode1.tables.historian_sample.columns.ts": MARKED},
    "hist_skab": {
        "exports.path": "data/*/[0-9]*.csv",
        "exports.options.delimiter": ";",
        "exports.options.decimal": ABSENT,
        "exports.tables.historian_sample.columns.ts": "datetime",
        "anomaly_free.path": "data/anomaly-free/anomaly-free.csv",
    },
    "hist_openmv": {
        "electricity_usage.tables.historian_sample.columns.ts": {"from": "DateTime", "format": MDY_SLASH},
        "flotation_cell.tables.historian_sample.columns.ts": {"from": "Date and time", "format": DMY_SLASH},
        "raw_material_height.tables.historian_sample.columns.ts": {"from": "DateTime", "format": "%b-%d-%Y %H:%M"},
        "distillation_tower.tables.historian_sample.columns.ts": "Date",
        "ldpe.tables.historian_sample.columns.ts": MARKED,
        "kamyr_digester.tables.historian_sample.columns.ts": MARKED,
        "aeration_rate.tables.historian_sample.columns.ts": MARKED,
        "datapackage.kind": ABSENT,
    },
    "hist_nitrogen_generator": {
        "exports.path": "*.csv",
        "exports.tables.historian_sample.columns.ts": "timestamp",
        "exports.options.decimal": ABSENT,
    },
    "mtc_nist_shdr": {
        "mazak01.kind": "mtconnect_shdr",
        "mazak01.path": "Mazak01/Mazak01-*-*.txt",
        "mazak01.options.devices": "Devices.xml",
        "mazak01.options.device": "Mazak01",
        "mazak01.exported_at": {"from_name": "-\\d{8}-(\\d{8})"},
        "mazak01.covers": {"from_name": "-(\\d{8})-(\\d{8})"},
        "mazak01.tables.equipment_state_event.columns.equipment": "device",
        "mazak01.tables.equipment_state_event.columns.start_ts": "timestamp",
        "mazak01.tables.equipment_state_event.columns.state_class.map.ACTIVE": "RUN",
        "mazak01.tables.equipment_state_event.columns.state_class.map.READY": "IDLE",
        "mazak01.tables.equipment_state_event.columns.state_class.map.FEED_HOLD": "DELAY_ORG",
        "mazak01.tables.equipment_state_event.columns.state_class.map.UNAVAILABLE": "UNKNOWN",
        "mazak01.tables.historian_sample.columns.tag": "data_item",
    },
    "mtc_nist_xml": {
        "cover_hurco04_01of20.kind": "mtconnect",
        "cover_hurco04_01of20.tables.equipment_state_event.columns.equipment": "device",
        "cover_hurco04_01of20.tables.production_count.columns.produced_qty": "delta",
    },
    "mtc_misc_xml": {"current_mazak.kind": "mtconnect", "streams.kind": "mtconnect", "okuma.kind": "mtconnect_shdr"},
    "pi_webapi_json": {
        "summary_total_monthly_pump_flow.kind": "pi_web_api",
        "summary_total_monthly_pump_flow.tables.historian_sample.columns.tag": MARKED,
        "summary_total_monthly_pump_flow.tables.historian_sample.columns.ts": "timestamp",
        "summary_total_monthly_pump_flow.tables.historian_sample.columns.value": "value",
    },
    "erp_sap_gbi": {
        "mseg.options.thousands": ",",
        "mseg.options.encoding": "utf-8",
        "mseg.tables.goods_movement.columns.document": {"from": ["MBLNR", "MJAHR", "ZEILE"], "sep": "-"},
        "mseg.tables.goods_movement.columns.material": "MATNR",
        "mseg.tables.goods_movement.columns.qty": {"from": "MENGE", "unit_from": "MEINS", "negate": {"column": "SHKZG", "in": ["H"]}},
        "mseg.tables.goods_movement.columns.event_ts": {"from": ["BUDAT_MKPF", "CPUTM_MKPF"], "format": "%m/%d/%y %I:%M:%S %p"},
        "mseg.tables.goods_movement.columns.movement_class.map.101": "RECEIPT_PO",
        "mseg.tables.goods_movement.columns.movement_class.map.261": "ISSUE_PROD",
    },
    "idoc_sap_dm": {
        "loipro05_non_saperp.kind": "sap_idoc",
        "loipro05_non_saperp.tables.production_order.columns.order": "AUFNR",
        "loipro05_non_saperp.tables.production_order.columns.planned_qty": {"from": "GAMNG", "unit_from": "GMEIN"},
        "loipro05_non_saperp.tables.production_order.columns.material": MARKED,
        "mat_idoc.path": "*_MAT_IDOC.xml",
        "mat_idoc.tables.material.columns.material_name": "MAKTX",
    },
    "erp_s4_odata": {
        "production_order_confirmation_conf_by_orderid_conf.kind": "sap_odata",
        "production_order_confirmation_conf_by_orderid_conf.options.rows": "message",
        "production_order_confirmation_conf_by_orderid_conf.tables.production_count.columns.equipment": "WorkCenter",
        "production_order_confirmation_conf_by_orderid_conf.tables.production_count.columns.event_ts": MARKED,
        "production_order_confirmation_conf_by_orderid_conf.tables.production_count.columns.order": "OrderID",
        "production_order_confirmation_conf_by_orderid_conf.tables.production_count.skip": {
            "cancelled": {"column": "IsReversed", "in": ["true"]}, "cancelling": {"column": "IsReversal", "in": ["true"]},
        },
    },
    "erpnext_demo": {
        "item.kind": "json",
        "item.tables.material.columns.material": "item_code",
        "item.tables.material.columns.base_uom": "stock_uom",
        "workstation.tables.equipment.columns.equipment": "workstation_name",
        "address.kind": ABSENT,
    },
    "b2mml_examples": {
        "pes.kind": "b2mml",
        "pes.tables.production_count.columns.material": "material_definition_id",
        "pes.tables.production_count.columns.produced_qty": {"from": "quantity", "unit_from": "unit_of_measure"},
        "pes.tables.production_count.columns.equipment": MARKED,
    },
}  # fmt: skip
NO_EXPORTS = {"b2mml_schema", "opcua_nodesets"}
"""Folders without records of a plant."""


@cache
def drafted(folder: str) -> Draft:
    return draft_plant(folder, [str(DATA / folder)], ROOT / "examples" / "real", Stated())


def met(folder: str) -> dict[str, bool]:
    """Of each known decision, whether the draft took it."""
    draft = drafted(folder)
    by_key = {decision.where.removeprefix("sources."): decision for decision in draft.decisions}
    found: dict[str, bool] = {}
    for key, wanted in KNOWN[folder].items():
        marked = [d for where, d in by_key.items() if where in (key, f"{key}.const") and d.sure < 90]
        decision = by_key.get(key)
        if wanted == MARKED:
            found[key] = bool(marked)
        elif wanted == ABSENT:
            found[key] = decision is None
        else:
            found[key] = decision is not None and decision.value == wanted
    return found


needs_data = pytest.mark.skipif(not DATA.is_dir(), reason="the folder of real plant data is not here")


@needs_data
@pytest.mark.parametrize("folder", KNOWN)
def test_known_decisions(folder: str) -> None:
    wrong = [key for key, right in met(folder).items() if not right]
    assert wrong == [], drafted(folder).text


@needs_data
def test_every_folder_is_known() -> None:
    assert {path.name for path in DATA.iterdir() if path.is_dir()} <= set(KNOWN) | NO_EXPORTS


@needs_data
@pytest.mark.parametrize("folder", KNOWN)
def test_a_draft_fails_only_where_it_is_marked(folder: str, tmp_path: Path) -> None:
    """`plant check` refuses the open lines and nothing else; with these answered, nothing."""
    draft = drafted(folder)
    (tmp_path / "plants").mkdir()
    target = tmp_path / "plants" / f"{folder}.yaml"
    target.write_text(draft.text, encoding="utf-8")
    _, problems = portfolio.read_plant(tmp_path, folder)
    assert len(problems) == len(draft.open)
    assert all(problem.message.endswith("is left open.") and problem.fix for problem in problems)
    answers = {"timezone": "Europe/Berlin", "calendar": "none", "company": "c", "at": "06:00-14:00", "ts": "x", "measured_ts": "x"}
    content = yaml.safe_load(draft.text)
    _answer(content, answers)
    target.write_text(yaml.safe_dump(content, allow_unicode=True, sort_keys=False), encoding="utf-8")
    _, problems = portfolio.read_plant(tmp_path, folder)
    assert [problem.message for problem in problems] == []


def _answer(tree: Any, answers: dict[str, str]) -> None:
    for key, value in tree.items():
        if isinstance(value, dict):
            word = {"movement_class": "ADJUST", "result": "PASS", "planned_class": "PLANNED_OTHER"}.get(key, "UNKNOWN")
            _answer(
                value, {**answers, "const": word if key in ("movement_class", "result") else "x", "*": word} if key != "map" else answers
            )
        elif value == portfolio.OPEN:
            tree[key] = answers.get(key, answers.get("*", "UNKNOWN"))


@needs_data
@pytest.mark.parametrize(
    ("folder", "source", "table", "draft_source", "but"),
    [
        ("mes_4tu_production", "reports", "equipment_state_event", "production_data_reconstructed", {"state_class"}),
        ("mes_4tu_production", "reports", "production_count", "production_data_reconstructed", set()),
        ("mes_sme_retrofit", "logger", "equipment_state_event", "company_a_labelled_subset", {"state_class"}),
        ("mes_sme_retrofit", "logger", "production_count", "company_a_labelled_subset", {"count_source"}),
        ("mes_optimoldiq", "monthly_report", "production_count", "monthly_reports", {"scrap_qty"}),
        ("mes_optimoldiq", "orders", "production_order", "purchase_order", set()),
        ("mes_optimoldiq", "moulds", "ideal_rate", "mold_info", {"rate_basis"}),
        ("mes_optimoldiq", "items", "material", "item_info", {"material_type"}),
        ("mtc_nist_shdr", "agent", "equipment_state_event", "mazak01", {"state_class"}),
        ("mtc_nist_shdr", "agent", "historian_sample", "mazak01", {"value"}),
    ],
)
def test_drafts_agree_with_the_plants_written_by_hand(folder: str, source: str, table: str, draft_source: str, but: set[str]) -> None:
    """Every column of the hand-written mapping is drafted alike, but for those that only a person can know."""
    from connectors.yaml_lines import load

    hand = load(ROOT / "examples" / "real" / "plants" / f"{folder}.yaml", folder)["sources"][source]["tables"][table]["columns"]
    content = yaml.safe_load(drafted(folder).text)["sources"][draft_source]["tables"][table]["columns"]
    assert {name: content.get(name) for name in hand if name not in but} == {
        name: plain(rule) for name, rule in hand.items() if name not in but
    }


if __name__ == "__main__":
    every = [0, 0, 0, 0, 0]
    for name in KNOWN:
        right, found = met(name), drafted(name)
        row = (sum(right.values()), len(right), len(found.decisions), len(found.marked), len(found.open))
        every = [one + other for one, other in zip(every, row, strict=True)]
        sys.stdout.write(
            f"{name:26} {row[0]:3} of {row[1]:3} known right; {row[2]:4} decisions, {row[3]:3} marked, {row[4]:3} of them open\n"
        )
        sys.stdout.writelines(f"    wrong: {key}\n" for key, is_right in right.items() if not is_right)
    sys.stdout.write(
        f"{'all':26} {every[0]:3} of {every[1]:3} known right; {every[2]:4} decisions, {every[3]:3} marked, {every[4]:3} of them open\n"
    )
