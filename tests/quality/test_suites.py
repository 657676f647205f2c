"""Every expectation of silver: sound plants pass it, and damage to one plant's silver table is named by exactly that check for that plant."""

from __future__ import annotations

from collections.abc import Iterator

import duckdb
import polars as pl
import pytest
from lake_of_two_plants import AT, lake

from quality_checks.further_profiles import FURTHER
from quality_checks.profiles import SILVER, profile
from quality_checks.runner import judge, profiles
from quality_checks.suites import CHECKS
from transforms.tables import TABLES

FUTURE, ANCIENT, FAR = "timestamptz '2026-11-20 12:06:00Z'", "timestamptz '1970-01-01 00:00:00Z'", "timestamptz '2040-01-01 00:00:00Z'"
GHOST = "'ghost'"

# One row per table that no other row of the plant needs.
LONELY = {
    "equipment": "M2", "material": "B", "ideal_rate": "M1B", "shift_instance": "2late", "planned_downtime": "P1",
    "production_order": "O4", "equipment_state_event": "M1-2", "production_count": "D1", "tag": "T2",
    **dict.fromkeys(FURTHER, "2"),
}  # fmt: skip


def _set(table: str, row: str, **cells: str) -> str:
    """Damages cells of one record of the southern plant."""
    assignments = ", ".join(f"{name} = {value}" for name, value in cells.items())
    return f"update silver.{table} set {assignments} where plant_id = 'south' and {TABLES[table].id} = '{row}'"


def _all(table: str, where: str = "true", **cells: str) -> str:
    assignments = ", ".join(f"{name} = {value}" for name, value in cells.items())
    return f"update silver.{table} set {assignments} where plant_id = 'south' and {where}"


def _copy(table: str, **cells: str) -> str:
    """Writes a record of the southern plant a second time, with other cells."""
    changes = ", ".join(f"{value} as {name}" for name, value in cells.items())
    source = f"silver.{table} where plant_id = 'south'"
    row = f" and {TABLES[table].id} = '{LONELY[table]}'" if table in LONELY else ""
    return f"insert into silver.{table} select * {f'replace ({changes})' if changes else ''} from {source}{row}"


def _for_every_table(table: str) -> Iterator[tuple[str, str]]:
    """Damage to keys, required columns, closed vocabularies and lineage, which every table of versions has."""
    row = LONELY[table]
    yield "one_current_revision", _copy(table, revision="2")
    yield "no_lost_record", _set(table, row, is_current="false")
    yield "revisions_distinct", _copy(table, is_current="false")
    yield "lineage_filled", _set(table, row, _batch_id="null")
    for check in CHECKS[table]:
        if check.measure.endswith("_nulls"):
            yield check.name, _set(table, row, **{check.measure.removesuffix("_nulls"): "null"})
        if check.measure.endswith("_strays"):
            stray = {check.measure.removesuffix("_strays"): "'Schichtende'"}
            yield check.name, _all(table, **stray) if "count_source" in stray else _set(table, row, **stray)  # else two sources


def _statement_nulls(table: str, where: str) -> Iterator[tuple[str, str]]:
    for check in CHECKS[table]:
        if check.measure.endswith("_nulls"):
            yield check.name, _all(table, where, **{check.measure.removesuffix("_nulls"): "null"})


OWN: dict[str, dict[str, str]] = {
    "plant": {
        **dict(_statement_nulls("plant", "true")),
        "calendar_known_word": _all("plant", calendar="'moon'"),
        "plant_stated_once": _copy("plant"),
        "divested_after_acquired": _all("plant", divested_on="date '2019-12-31'"),
        "data_start_passed": _all("plant", data_start_on="date '2026-11-21'"),
    },
    "equipment": {
        "codes_distinct": _set("equipment", "M2", equipment_code="'M1'"),
        "parent_known": _set("equipment", "M2", parent_equipment_id=GHOST),
        "no_parent_loop": _set("equipment", "L1", parent_equipment_id="'L1'"),
        "kpi_units_not_nested": _set("equipment", "L1", is_kpi_unit="true"),
        "stations_have_a_line": _set("equipment", "M2", in_rollup="false"),
        "has_kpi_unit": _all("equipment", is_kpi_unit="false"),
        "units_report": _all("equipment", "is_kpi_unit", equipment_id="'new-' || equipment_id"),
    },
    "material": {
        "numbers_distinct": _set("material", "B", local_material_no="'A'"),
        "cost_not_negative": _set("material", "B", standard_cost="-0.01"),
    },
    "ideal_rate": {
        "equipment_known": _set("ideal_rate", "M1A", equipment_id=GHOST),
        "material_known": _set("ideal_rate", "M1A", material_id=GHOST),
        "rate_positive": _set("ideal_rate", "M1A", pri_s="0"),
        "validity_not_empty": _set("ideal_rate", "M1A", valid_to="valid_from"),
        "one_rate_at_a_time": _set("ideal_rate", "M2A", equipment_id="'M1'"),
        "rate_not_too_fast": _set("ideal_rate", "M1A", pri_s="0.0009"),
        "rate_not_too_slow": _set("ideal_rate", "M1A", pri_s="604801"),
    },
    "shift_instance": {
        "equipment_known": _set("shift_instance", "2late", equipment_id=GHOST),
        "ends_after_start": _set("shift_instance", "2late", end_ts="start_ts"),
        "windows_apart": _set("shift_instance", "0early", end_ts="timestamptz '2026-10-01 12:00:01Z'"),
        "day_matches_start": _set("shift_instance", "2late", production_day="date '2026-03-10'"),
        "shift_at_most_a_day": _set("shift_instance", "2late", end_ts="timestamptz '2026-10-04 13:00:01Z'"),
        "within_horizon": _set("shift_instance", "2late", production_day="date '2040-01-01'", start_ts=FAR,
                               end_ts="timestamptz '2040-01-01 08:00:00Z'"),
        "not_before_1990": _set("shift_instance", "2late", production_day="date '1970-01-01'", start_ts=ANCIENT,
                                end_ts="timestamptz '1970-01-01 08:00:00Z'"),
    },
    "planned_downtime": {
        "equipment_known": _set("planned_downtime", "P2", equipment_id=GHOST),
        "ends_not_before_start": _set("planned_downtime", "P1", end_ts="timestamptz '2026-10-01 07:59:59Z'"),
        "inside_a_shift": _all("planned_downtime", start_ts="timestamptz '2026-10-01 20:00:00Z'",
                               end_ts="timestamptz '2026-10-02 04:00:00Z'"),
        "at_most_a_year": _set("planned_downtime", "P1", end_ts="timestamptz '2027-10-04 00:00:00Z'"),
        "within_horizon": _set("planned_downtime", "P1", start_ts=FAR, end_ts=FAR),
        "not_before_1990": _set("planned_downtime", "P1", start_ts=ANCIENT, end_ts=ANCIENT),
    },
    "production_order": {
        "equipment_known": _set("production_order", "O1", equipment_id=GHOST),
        "material_known": _set("production_order", "O1", material_id=GHOST),
        "actual_ends_after_start": _set("production_order", "O1", actual_end_ts="timestamptz '2026-10-01 04:59:59Z'"),
        "counts_match_plan": _set("production_order", "O1", planned_qty="193"),  # 1.5 x 193 < 290
        "plan_ends_after_start": _set("production_order", "O1", planned_end_ts="timestamptz '2026-10-01 03:59:59Z'"),
        "plan_not_negative": _set("production_order", "O1", planned_scrap_qty="-1"),
        "plan_size_sane": _set("production_order", "O1", planned_qty="100000001"),
        "not_in_the_future": _set("production_order", "O1", actual_end_ts=FUTURE),
        "not_before_1990": _set("production_order", "O1", due_ts=ANCIENT),
    },
    "equipment_state_event": {
        "equipment_known": _set("equipment_state_event", "M1-0", equipment_id=GHOST),
        "order_known": _set("equipment_state_event", "M1-0", order_id=GHOST),
        "material_known": _set("equipment_state_event", "M1-0", material_id=GHOST),
        "ends_not_before_start": _set("equipment_state_event", "M1-0", end_ts="timestamptz '2026-10-01 03:59:59Z'"),
        "open_flag_true": _set("equipment_state_event", "M1-4", is_open="false"),
        "state_or_reason": _set("equipment_state_event", "M1-1", source_reason_code="null"),
        "open_events_recent": _set("equipment_state_event", "M1-4", start_ts="timestamptz '2026-09-24 11:59:59Z'"),
        "reasons_mapped": _set("equipment_state_event", "M1-1", source_reason_code="'E99'"),
        "state_known": _all("equipment_state_event", "event_id in ('M1-0', 'M2-0', 'M1-2')", state_class="'UNKNOWN'"),
        "event_at_most_a_month": _set("equipment_state_event", "M1-0", end_ts="timestamptz '2026-11-01 04:00:01Z'"),
        "not_in_the_future": _all("equipment_state_event", "is_open", start_ts=FUTURE),
        "not_before_1990": _set("equipment_state_event", "M1-0", start_ts=ANCIENT, end_ts=ANCIENT),
    },
    "production_count": {
        "equipment_known": _set("production_count", "D1", equipment_id=GHOST),
        "order_known": _set("production_count", "D1", order_id=GHOST),
        "material_known": _set("production_count", "D1", material_id=GHOST),
        "has_quantity": _set("production_count", "D1", produced_qty="null", good_qty="null", scrap_qty="null"),
        "parts_equal_total": _set("production_count", "D1", good_qty="94"),
        "chains_not_negative": _set("production_count", "R2", produced_qty="-101", good_qty="-96"),
        "first_document_known": _set("production_count", "R2", reverses_count_id=GHOST),
        "negatives_have_a_reason": _set("production_count", "R2", reverses_count_id="null", order_id="null"),
        "counts_within_order": _set("production_count", "D1", event_ts="timestamptz '2026-10-02 19:00:01Z'"),  # it ended a day and 1 s before
        "one_source_of_counts": _set("production_count", "D4", count_source="'COUNTER'"),
        "one_unit_per_material": _set("production_count", "D4", uom="'kg'"),
        "quantity_sane": _set("production_count", "D1", produced_qty="200000005", good_qty="200000000"),
        "scrap_sane": _all("production_count", good_qty="0.49 * produced_qty", scrap_qty="0.51 * produced_qty"),
        "not_in_the_future": _set("production_count", "D1", posted_ts=FUTURE),
        "not_before_1990": _set("production_count", "D1", event_ts=ANCIENT, order_id="null"),
    },
    "tag": {
        "equipment_known": _set("tag", "T2", equipment_id=GHOST),
        "names_distinct": _set("tag", "T2", tag_name="'M1.Temp'"),
        "measured_tags_have_unit": _set("tag", "T2", unit="null"),
    },
    "historian_sample": {
        **{check.name: _all("historian_sample", "tag_id = 'T2' and _row = 2", **{check.measure.removesuffix("_nulls"): "null"})
           for check in CHECKS["historian_sample"] if check.measure.endswith("_nulls")},
        "quality_known_word": _all("historian_sample", "tag_id = 'T2' and _row = 2", quality="'192'"),
        "lineage_filled": _all("historian_sample", "tag_id = 'T2' and _row = 2", _batch_id="null"),
        "tag_known": _all("historian_sample", "tag_id = 'T2' and _row = 2", tag_id=GHOST),
        "values_finite": _all("historian_sample", "tag_id = 'T2' and _row = 2", value_num="'nan'"),
        "good_has_value": _all("historian_sample", "tag_id = 'T1' and _row < 13", value_num="null"),  # 13/1204 > 1 %
        "mostly_not_bad": _all("historian_sample", "tag_id = 'T1' and _row < 241", quality="'BAD'"),  # 241/1204 > 20 %
        "instants_differ": _all("historian_sample", "tag_id = 'T1'", ts="timestamptz '2026-10-01 00:00:00Z'"),
        "tags_move": _all("historian_sample", "tag_id = 'T1'", value_num="7"),
        "tags_repeat": "delete from silver.historian_sample where plant_id = 'south' and not (tag_id = 'T2' and _row = 24 or tag_id = 'T1' and _row = 0)",
        "not_in_the_future": _all("historian_sample", "tag_id = 'T2' and _row = 2", ts=FUTURE),
        "not_before_1990": _all("historian_sample", "tag_id = 'T2' and _row = 2", ts=ANCIENT),
    },
    "clock_offset": {
        "clock_within_a_minute": _all("clock_offset", "day = date '2026-10-09'", offset_s="-60.001"),
        "clock_steady": _all("clock_offset", "day = date '2026-10-09'", iqr_s="5", is_applied="false"),
    },
    "map_downtime_reason": {
        **dict(_statement_nulls("map_downtime_reason", "source_code = 'E01'")),
        "validity_not_empty": _all("map_downtime_reason", "source_code = 'E01'", valid_from=ANCIENT, valid_to=ANCIENT),
        "one_reason_at_a_time": _all("map_downtime_reason", "source_code = 'E02'", source_code="'E01'"),
        "entries_approved": _all("map_downtime_reason", "source_code = 'E01'", approved_at="null"),
    },
}  # fmt: skip


def _two(table: str, **damages: dict[str, str]) -> dict[str, str]:
    """Damages to the second row of a further table, with ghosts in all that it refers to."""
    known = {check.name: f"{check.name.removesuffix('_known')}_id" for check in CHECKS[table] if check.name.endswith("_known")}
    ghosts = {name: {column: GHOST} for name, column in known.items()}
    return {name: _set(table, "2", **cells) for name, cells in {**ghosts, **damages}.items()}


def _spanned(start: str, end: str, far: str) -> dict[str, dict[str, str]]:
    """Damages to a span that is one hour of the first of October."""
    before = "timestamptz '2026-10-01 09:59:59Z'"
    return {
        "ends_not_before_start": {end: before}, "span_sane": {end: f"timestamptz '{far}'"}, "not_in_the_future": {start: FUTURE, end: FUTURE},
        "not_before_1990": {start: ANCIENT, end: "timestamptz '1970-01-01 00:00:01Z'"},
    }  # fmt: skip


SIZE, LATE_DAY, OLD_DAY = "100000001", "date '2026-11-21'", "date '1970-01-01'"
OWN |= {
    "order_operation": _two(
        "order_operation", **_spanned("actual_start_ts", "actual_end_ts", "2027-01-01 10:00:01Z") | {
            "span_sane": {"actual_start_ts": "timestamptz '2026-07-01 10:00:00Z'", "actual_end_ts": "timestamptz '2026-10-01 10:00:01Z'"},
        },
        plan_sane={"planned_run_s": "31622401"},  # 366 days and a second
    ),
    "inspection_result": _two(
        "inspection_result", limits_ordered={"lsl": "10.2", "measured_value": "null"}, attempts_from_one={"attempt_no": "0"},
        pass_within_limits={"measured_value": "10.2"}, values_have_unit={"unit": "null"}, quantity_sane={"quantity": SIZE},
        not_in_the_future={"measured_ts": FUTURE}, not_before_1990={"measured_ts": ANCIENT},
    ) | {"fails_sane": _all("inspection_result", result="'FAIL'")},
    "scrap": _two(
        "scrap", defects_coded={"defect_code": "null"}, cost_has_sign_of_qty={"scrap_cost": "-5"}, quantity_sane={"qty": SIZE},
        not_in_the_future={"event_ts": FUTURE}, not_before_1990={"event_ts": ANCIENT},
    ),
    "maintenance_order": _two(
        "maintenance_order",
        **_spanned("work_start_ts", "work_end_ts", "2027-01-01 10:00:01Z") | {
            "span_sane": {"reported_ts": "timestamptz '2026-07-01 10:00:00Z'", "work_start_ts": "timestamptz '2026-07-01 10:00:00Z'",
                          "work_end_ts": "timestamptz '2026-10-01 10:00:01Z'"},
            "not_before_1990": {"reported_ts": ANCIENT},
        },
        begun_after_report={"work_start_ts": "timestamptz '2026-09-30 09:59:59Z'"}, labour_sane={"labour_h": "10001"},
        cost_not_negative={"cost": "-1"},
    ),
    "goods_movement": _two(
        "goods_movement", no_reversal_of_itself={"reverses_movement_id": "movement_id"}, value_has_sign_of_qty={"value_local": "-10"},
        class_fits_sign={"movement_class": "'ISSUE_SALES'"}, quantity_sane={"qty": SIZE}, not_in_the_future={"posted_ts": FUTURE},
        not_before_1990={"event_ts": ANCIENT},
    ),
    "inventory_snapshot": _two(
        "inventory_snapshot", totals_stand_alone={"material_id": "null"}, value_not_negative={"value_local": "-1"},
        stock_not_negative={"qty": "-1"}, quantity_sane={"qty": SIZE}, not_in_the_future={"snapshot_date": LATE_DAY},
        not_before_1990={"snapshot_date": OLD_DAY},
    ),
    "energy": _two(
        "energy", **_spanned("start_ts", "end_ts", "2026-11-02 10:00:01Z"), intervals_apart={"carrier": "'ELECTRICITY'"},
        mostly_not_negative={"energy_kwh": "-1"}, power_sane={"energy_kwh": "1000001"},
    ),
    "labour_time": _two(
        "labour_time",
        **{
            name: {"attended_s": "0", "worked_s": "0", **cells}
            for name, cells in _spanned("start_ts", "end_ts", "2026-10-02 10:00:01Z").items()
        },
        names_hashed={"person_hash": "'Jane Doe'"}, attended_within_span={"attended_s": "3602"}, worked_within_attended={"worked_s": "3601"},
    ),
    "cost": _two(
        "cost", period_is_a_month={"period": "date '2026-10-02'"}, amount_sane={"amount_local": "1000000000001"},
        not_in_the_future={"period": "date '2026-12-01'"}, not_before_1990={"period": OLD_DAY},
    ),
    "delivery_line": _two(
        "delivery_line", names_hashed={"customer_hash": "'Acme Corp'"}, delivered_has_date={"last_delivery_date": "null"},
        not_overdelivered={"delivered_qty": "11.1"}, quantity_sane={"ordered_qty": SIZE}, not_in_the_future={"last_delivery_date": LATE_DAY},
        not_before_1990={"promised_date": OLD_DAY}, within_horizon={"promised_date": "date '2040-01-01'"},
    ),
    "uom_conversion": _two(
        "uom_conversion", factor_positive={"to_base_factor": "0"}, no_conversion_to_itself={"from_uom": "'{piece}'"},
        factor_sane={"to_base_factor": "1000001"},
    ),
}  # fmt: skip
DAMAGE = {table: {**(dict(_for_every_table(table)) if table in LONELY else {}), **own} for table, own in OWN.items()}
CASES = [(table, check.name) for table in SILVER for check in CHECKS[table]]


@pytest.fixture(scope="module")
def silver() -> duckdb.DuckDBPyConnection:
    return lake()


@pytest.fixture(scope="module")
def sound(silver: duckdb.DuckDBPyConnection) -> pl.DataFrame:
    return judge(profiles(silver, AT), "r1", AT)


@pytest.fixture(scope="module")
def failures(silver: duckdb.DuckDBPyConnection) -> dict[str, list[tuple[str, str]]]:
    """What each damage makes fail, as (check, plant). One judgement for all: the plants of a case carry its number."""
    damaged = []
    for number, (table, check) in enumerate(CASES):
        silver.execute("begin")
        silver.execute(DAMAGE[table][check])
        damaged.append(profile(silver, table, None, AT).with_columns(pl.format(f"{number}/{{}}", "plant_id").alias("plant_id")))
        silver.execute("rollback")
    failed = judge(pl.concat(damaged), "r1", AT).filter(pl.col("status") == "FAIL")
    found: dict[str, list[tuple[str, str]]] = {}
    for plant, check in failed.select("plant_id", "check_name").iter_rows():
        found.setdefault(plant.split("/")[0], []).append((check, plant.split("/")[1]))
    return found


def test_every_expectation_has_a_damage_and_every_damage_an_expectation() -> None:
    assert {(table, name) for table, damages in DAMAGE.items() for name in damages} == set(CASES)
    assert len(CASES) == len(set(CASES))


def test_sound_plants_pass_every_check_of_every_suite(sound: pl.DataFrame) -> None:
    assert sound.filter(pl.col("status") != "PASS").is_empty()
    assert sound.height == 2 * len(CASES)


@pytest.mark.parametrize(("table", "check"), CASES, ids=lambda part: part)
def test_damage_fails_exactly_its_check_for_exactly_its_plant(failures: dict[str, list[tuple[str, str]]], table: str, check: str) -> None:
    assert failures.get(str(CASES.index((table, check)))) == [(check, "south")]
