"""`gold.candidate_parts` of the lake of two plants: units M1 and M2, 1-3 October 2026, as the models would make them.

A day is 24 h from 06:00 in Berlin: the shifts early and late of 8 h, and 8 h that nobody scheduled. Of a shift's 28800 s a break takes
900 s; the 27900 s of PBT are 25200 run (20000 of them of material A), 900 setup, 600 and 300 delay, 300 micro-stops, 300 idle and
300 unknown. M1 made 290 pieces early on the 1st: 4 documents of 100, one reversed, one corrected by -10; 15 of them are scrap.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import duckdb
import polars as pl
from lake_of_two_plants import AT, DAY, PLANTS, hours, lake

from transforms.tables import TABLES

DECIMAL = "decimal(18, 6)"
WHOLE = {"fe": "bigint", "setup_count": "bigint", "expected_count_shifts": "integer",
         "reported_count_shifts": "integer", "unknown_good_counts": "integer", "outside_counts": "integer"}  # fmt: skip
SHIFT = {
    "ct_s": 28800, "pot_s": 28800, "planned_maint_s": 0, "planned_break_s": 900, "planned_no_demand_s": 0, "planned_other_s": 0,
    "pbt_planned_s": 27900, "pbt_ext_s": 0, "pbt_s": 27900, "local_pbt_s": 27900, "aust_s": 900, "adet_eq_s": 600, "adet_org_s": 300, "micro_s": 300,
    "adot_s": 300, "unknown_s": 300, "coded_stop_s": 1800, "micro_rated_s": 300, "rate_base_s": 25200, "fe": 1, "ttr_s": 600,
    "setup_count": 1, "setup_elapsed_s": 900, "expected_count_shifts": 1, "reported_count_shifts": 1,
}  # fmt: skip
UNKNOWN = ("local_ideal_pq_s", "local_ideal_gq_s", "ideal_best_s", "ideal_engineered_s", "ideal_erp_s", "good_equiv_units")


def candidate() -> duckdb.DuckDBPyConnection:
    """The lake of two plants with the candidate of both; the units of the north are called north/M1 and north/M2."""
    con = lake()
    con.execute("create schema gold")
    con.register("given", pl.DataFrame([row for plant in PLANTS for row in _plant(plant)], infer_schema_length=None).to_arrow())
    cells = [f"cast({name} as {_type(name)}) as {name}" for name in _plant("north")[0]]
    con.execute(f"create table gold.candidate_parts as select {', '.join(cells)} from given")
    con.unregister("given")
    none = "cast(null as bigint)"
    con.execute(
        f"create table gold.parts as select *, {none} as valid_from_release, {none} as valid_to_release from gold.candidate_parts limit 0"
    )
    units = [name for name, spec in TABLES.items() if "equipment_id" in spec.columns]
    for table in ("gold.candidate_parts", *(f"silver.{name}" for name in units)):  # ids of units are unique in a portfolio
        con.execute(f"update {table} set equipment_id = 'north/' || equipment_id where plant_id = 'north'")
    return con


def _type(name: str) -> str:
    if "ideal_" in name:
        return "decimal(28, 9)"
    if name.endswith("_s") or name in {"pq", "gq", "sq", "rq", "good_equiv_units"}:
        return DECIMAL
    others = {"production_day": "date", "start_ts": "timestamptz", "as_of_ts": "timestamptz", "is_preliminary": "boolean",
              "has_shift_overlap": "boolean", "flags": "varchar[]"}  # fmt: skip
    return {**WHOLE, **others}.get(name, "varchar")


def _plant(plant: str) -> list[dict[str, Any]]:
    rows = []
    for unit in ("M1", "M2"):
        for day in range(3):
            made = unit == "M1" and day == 0
            rows += [*_shift(plant, unit, day, "early", 4, made=made), *_shift(plant, unit, day, "late", 12), _off(plant, unit, day)]
    return rows


def _shift(plant: str, unit: str, day: int, code: str, start: int, *, made: bool = False) -> list[dict[str, Any]]:
    pieces = {"pq": 290, "gq": 275, "sq": 15, "ideal_pq_s": 8700, "ideal_gq_s": 8250} if made else {}
    zero = dict.fromkeys(("pq", "gq", "sq", "rq", "ideal_pq_s", "ideal_gq_s"), 0) if made else {}
    return [
        _row(plant, unit, day, code, start, material_key="~", **SHIFT, **_run(5200, 900, 1200), **zero),
        _row(plant, unit, day, code, start, material_key="A", **dict.fromkeys(SHIFT, 0), **_run(20000, 0, 0), **pieces),
    ]


def _off(plant: str, unit: str, day: int) -> dict[str, Any]:
    return _row(plant, unit, day, "OFF", 20, material_key="~", **{**dict.fromkeys(SHIFT, 0), "ct_s": 28800}, **_run(0, 0, 0))


def _run(apt: int, aust: int, adet: int) -> dict[str, int]:
    return {"apt_s": apt, "apt_rated_s": apt, "rate_known_s": apt, "aupt_s": apt + aust, "tbf_s": apt + aust, "aubt_s": apt + aust + adet}


def _row(plant: str, unit: str, day: int, code: str, start: int, **cells: Any) -> dict[str, Any]:
    date = (DAY + timedelta(days=day)).date()
    key = {
        "equipment_id": unit, "shift_instance_id": f"{unit}:{code}:{date}", "plant_id": plant, "production_day": date, "shift_code": code,
        "start_ts": hours(start, day), "state_method": "MEASURED", "is_preliminary": False, "has_shift_overlap": False,
        "calc_version": "1", "as_of_ts": AT, "unknown_good_counts": 0, "outside_counts": 0,
    }  # fmt: skip
    nothing = dict.fromkeys(("pq", "gq", "sq", "rq", "ideal_pq_s", "ideal_gq_s", "flags", *UNKNOWN))
    return {**key, **nothing, **cells}
