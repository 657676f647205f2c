"""The tables beside time and counts, from the plant's files to silver and the change scope; vocabularies of the whole portfolio."""

from __future__ import annotations

from contextlib import closing
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from small_portfolio import SmallPortfolio, plant_file

from connectors.portfolio import read
from pipelines import scope, scope_sql, silver, state
from pipelines.lock import writer_lock
from pipelines.plan import mapping_version, statement_hash
from pipelines.refresh import Refresh
from publish.reader import Snapshot
from publish.restated import restated
from transforms.further_tables import FURTHER
from transforms.tables import PORTFOLIO, STATEMENTS, TABLES

HOUR = "2025-06-{day} 06:00;2025-06-{day} 07:00"
DELIVERED = {
    "order_operation": ("order;operation;equipment;actual_start_ts;actual_end_ts", "O1;10;M1;{hour}", {"day": "03"}),
    "inspection_result": ("inspection;equipment;characteristic;result;measured_ts", "I1;M1;bore;{result};2025-06-02 06:00", {"result": "FAIL"}),
    "scrap": ("entry;equipment;event_ts;qty", "E1;M1;2025-06-02 06:00;{qty}", {"qty": "3"}),
    "maintenance_order": (
        "document;equipment;maintenance_type;reported_ts;work_start_ts;work_end_ts;cost",
        "W1;M1;CORRECTIVE;2025-06-02 06:00;2025-06-03 06:00;2025-06-03 07:00;{qty}", {"qty": "3"},
    ),
    "energy": ("equipment;carrier;start_ts;end_ts;energy", "{unit};GAS;{hour};{qty}", {"day": "02", "qty": "3"}),
    "labour_time": ("person;equipment;start_ts;end_ts;labour_class", "Jane Doe;M1;{hour};{labour}", {"labour": "MAINTENANCE"}),
    "goods_movement": ("document;material;movement_class;qty;event_ts", "G1;A;TRANSFER;{qty};2025-06-02 06:00", {"qty": "3"}),
    "inventory_snapshot": ("material;stock_class;snapshot_date;value", "A;FGI;2025-06-02;{qty}", {"qty": "3"}),
    "cost": ("period;cost_class;amount", "2025-06-02;ENERGY;{qty}", {"qty": "3"}),
    "delivery_line": (
        "line;customer;material;promised_date;ordered_qty;delivered_qty", "L1;Acme Corp;A;2025-06-02;9;{qty}", {"qty": "3"},
    ),
    "uom_conversion": ("material;from_uom;to_base_factor", "A;kg;{qty}", {"qty": "3"}),
}  # fmt: skip
"""By table: the header of its export, a record, and what the second delivery changes in it."""
NAMED = {
    "operation": {"2025-06-02", "2025-06-03"}, "inspection": {"2025-06-02"}, "scrap": {"2025-06-02"},
    "maintenance": {"2025-06-02", "2025-06-03"}, "energy": {"2025-06-02"}, "labour": {"2025-06-02"},
    "unit of measure": {None},
}  # fmt: skip
"""The days that the second delivery names, by cause."""
FX = "from_ccy,to_ccy,period,rate_type,rate\nEUR,USD,2025-06,AVG,{}\n"


def record(table: str, unit: str = "M1", **changed: str) -> str:
    said = {"day": "02", "result": "PASS", "qty": "2", "labour": "DIRECT", "unit": unit, **changed}
    return DELIVERED[table][1].format(hour=HOUR.format(**said), **said)


def deliver(portfolio: SmallPortfolio, name: str, lines: dict[str, list[str]]) -> None:
    for table, found in lines.items():
        portfolio.file("p", f"{table}_{name}.csv", *found, header=DELIVERED[table][0])


def about() -> dict[str, Any]:
    """The small plant with every further table from a file of its own."""
    plant = plant_file("p")
    for table, (header, *_) in DELIVERED.items():
        columns: dict[str, Any] = {name: name for name in header.split(";")}
        columns |= {name: {"from": name, "format": "%Y-%m-%d"} for name in columns if TABLES[table].inputs[name].type == "date"}
        options = {"delimiter": ";", "encoding": "utf-8"}
        plant["sources"][table] = {
            "kind": "delimited", "path": f"{table}_*.csv", "options": options, "tables": {table: {"columns": columns}},
        }  # fmt: skip
    return plant


@pytest.fixture(scope="module")
def module(tmp_path_factory: pytest.TempPathFactory) -> SmallPortfolio:
    """Two refreshes of a plant that delivers every table, then one after a rate of a currency changed."""
    portfolio = SmallPortfolio(tmp_path_factory.mktemp("further") / "portfolio").good("p")
    portfolio.plant("p", about())
    (portfolio.root / "vocabularies").mkdir()
    (portfolio.root / "vocabularies" / "fx.csv").write_text(FX.format("1.10"))
    deliver(portfolio, "1", {table: [record(table), *([record(table, unit="")] if table == "energy" else [])] for table in DELIVERED})
    assert portfolio.refresh().problems == []
    deliver(portfolio, "2", {table: [record(table, **changed)] for table, (*_, changed) in DELIVERED.items()})
    deliver(portfolio, "3", {"energy": [record("energy", unit="", qty="9")]})
    assert portfolio.refresh().problems == []
    return portfolio


def lake(portfolio: SmallPortfolio) -> Any:
    return Refresh(portfolio.root).lake


@pytest.mark.parametrize("spec", FURTHER, ids=lambda spec: spec.name)
def test_every_table_reaches_silver_with_its_versions(module: SmallPortfolio, spec: Any) -> None:
    rows = silver.read(lake(module), spec.name).collect()
    assert set(rows["revision"]) == {1, 2}
    assert module.silver(spec.name).height == (2 if spec.name == "energy" else 1)


def test_a_change_names_the_days_of_its_unit_and_the_meter_of_the_site_none(module: SmallPortfolio) -> None:
    with state.connection(lake(module)) as con:
        rows = con.execute("SELECT cause, production_day::VARCHAR, equipment_id FROM gold.change_scope WHERE closed_release = 2").fetchall()
    of_units = [row for row in rows if not row[2].startswith("~")]
    assert {cause: {day for other, day, _ in of_units if other == cause} for cause, *_ in of_units} == NAMED
    assert {cause for cause, _, unit in rows if unit == "*"} == {"unit of measure"}
    # Of the plant as a whole: the days around those of its records, and the months of its money and stock.
    of_plant = {cause: {day for other, day, unit in rows if other == cause and unit.startswith("~")} for cause, *_ in rows}
    assert {cause: of_plant[cause] for cause in ("inspection", "cost", "stock", "delivery")} == {
        "inspection": {"2025-06-01", "2025-06-02", "2025-06-03"}, **{key: {"2025-06-01"} for key in ("cost", "stock", "delivery")},
    }  # fmt: skip


def test_every_table_says_what_its_changes_open() -> None:
    open_days = {*scope_sql.STATED_APART, *(row[0] for row in (*scope_sql.STATEMENTS, *scope_sql.UNIT_RECORDS))}
    assert {*TABLES, *STATEMENTS} == open_days | set(scope_sql.OPENS_NOTHING)
    assert open_days & set(scope_sql.OPENS_NOTHING) == set()
    assert {row[0] for row in scope_sql.UNIT_RECORDS} - {"order_operation"} <= scope.LOOKED_AT


def test_materials_that_only_these_tables_name_are_known_and_units_are_not_added(module: SmallPortfolio) -> None:
    assert module.silver("material")["local_material_no"].to_list() == ["A"]
    assert module.silver("equipment")["equipment_code"].to_list() == ["M1"]


def test_nothing_that_is_kept_names_a_person(module: SmallPortfolio) -> None:
    for table in ("labour_time", "delivery_line", "quarantine"):
        text = silver.read(lake(module), table).collect().write_json()
        assert [name for name in ("Jane", "Acme") if name in text] == []


def test_a_rate_of_a_currency_is_written_once_and_restates_no_plant(module: SmallPortfolio, tmp_path: Path) -> None:
    portfolio = module.copy(tmp_path / "portfolio")
    assert portfolio.silver("fx_rate").select("plant_id", "from_ccy", "rate").rows() == [("*", "EUR", Decimal("1.10"))]
    names = [*TABLES, *STATEMENTS]
    before = {name: silver.version(lake(portfolio), name) for name in names}
    (portfolio.root / "vocabularies" / "fx.csv").write_text(FX.format("1.25"))
    job = Refresh(portfolio.root)
    with closing(job), writer_lock(job.lake):
        todo = job.plan()
        assert (list(todo.plants), bool(todo)) == ([], True)
        job.land(todo)
        job.load(todo)
        assert job.find().plants == []
        assert not job.plan().restate
    assert {name for name in names if silver.version(lake(portfolio), name) != before[name]} == {"fx_rate"}
    assert portfolio.silver("fx_rate")["rate"].to_list() == [Decimal("1.25")]
    assert {name for name in STATEMENTS if name in scope_sql.OPENS_NOTHING} == {*PORTFOLIO, "economics"} - {"fx_rate"}


def test_a_line_has_its_stations_whoever_brings_them(portfolio: SmallPortfolio) -> None:
    plant = {**plant_file("p"), "lines": {"L1": {"stations": ["M1", "M2"]}}}
    plant["sources"]["master"] = {
        "kind": "delimited", "path": "units_*.csv", "options": {"delimiter": ";", "encoding": "utf-8"},
        "tables": {"equipment": {"columns": {"equipment": "Code", "equipment_name": "Name"}}},
    }  # fmt: skip
    portfolio.good("p").plant("p", plant)
    portfolio.file("p", "units_1.csv", "M1;Filler", "M2;Packer", "M3;Spare", header="Code;Name")
    assert portfolio.load().problems == []
    units = portfolio.silver("equipment").sort("equipment_code")
    codes = dict(units.select("equipment_id", "equipment_code").rows())
    found = units.with_columns(pl.col("parent_equipment_id").replace(codes))
    assert found.select("equipment_code", "equipment_name", "parent_equipment_id", "kpi_scope", "in_rollup").rows() == [
        ("L1", "L1", None, "LINE", True), ("M1", "Filler", "L1", "MACHINE", False), ("M2", "Packer", "L1", "MACHINE", False),
        ("M3", "Spare", None, "MACHINE", True),
    ]  # fmt: skip
    assert portfolio.silver("line_station")["position"].to_list() == [1, 2]
    portfolio.plant("p", {**plant, "lines": {}})
    assert portfolio.load().problems == []
    assert portfolio.silver("equipment").sort("equipment_code").select("equipment_code", "in_rollup").rows() == [
        ("M1", True), ("M2", True), ("M3", True),
    ]  # fmt: skip


def test_a_setting_of_a_unit_and_a_line_make_no_delivered_table_anew_but_the_master(portfolio: SmallPortfolio) -> None:
    plant = plant_file("p")
    plant["sources"]["master"] = {
        "kind": "delimited", "path": "units_*.csv", "options": {"delimiter": ";", "encoding": "utf-8"},
        "tables": {"equipment": {"columns": {"equipment": "Code"}}},
    }  # fmt: skip
    portfolio.good("p").plant("p", plant)
    portfolio.file("p", "units_1.csv", "M1", header="Code")
    assert portfolio.load().problems == []
    for more, anew in (
        ({"equipment": {"units": {}}, "definition": {"breaks_in_pbt": True}}, []),
        ({"lines": {"L1": {"stations": ["M1"]}}}, [("master", "equipment")]),
    ):
        portfolio.plant("p", {**plant, **more})
        job = Refresh(portfolio.root)
        with closing(job):
            todo = job.plan().plants["p"]
        assert (todo.rederive, todo.restate) == (anew, True)
    with_unit, with_setting = ({**plant, "equipment": {"units": {"M1": about}}} for about in ({}, {"settings": {"microstop_s": 9}}))
    versions = []
    for said in (with_unit, with_setting):
        portfolio.plant("p", said)
        found = read(portfolio.root)
        versions.append(
            [mapping_version(found, found.plants["p"], "mes", "equipment_state_event"), statement_hash(found, found.plants["p"])]
        )
    assert versions[0][0] == versions[1][0]
    assert versions[0][1] != versions[1][1]


def test_a_value_made_of_records_names_the_release_that_restated_it(module: SmallPortfolio) -> None:
    # The first inspection passed and the second failed it; no part of a shift changed.
    with Snapshot(lake(module).snapshot) as reader:
        found = restated(reader, 1, ["FPY"], "PLANT", "DAY").to_dicts()
    assert [(row["period_start"], row["value_then"], row["value_now"]) for row in found] == [(date(2025, 6, 2), 1.0, 0.0)]
    (moved,) = found[0]["releases"]
    assert moved["release_id"] == 2
    assert moved["causes"] == ["inspection", "unit of measure"]  # and not the energy, scrap and hours of the same day
    assert moved["exports"] == ["inspection_result_2.csv", "uom_conversion_2.csv"]
