"""Every expectation of gold: sound parts pass it, and damage to one cell of one plant's candidate is named by its check for that plant.

Checks of sums overlap by nature (a second too many in a shift is one too many in its day): what else a damage makes fail is stated.
"""

from __future__ import annotations

from dataclasses import replace

import duckdb
import polars as pl
import pytest
from candidate_of_two_plants import candidate
from lake_of_two_plants import AT

from dbt_project.value_sql import inlined, kpi_value_sql
from quality_checks.gold_profiles import GOLD, KPI_VALUE, unit_days_sql
from quality_checks.measuring import measure
from quality_checks.profiles import profile
from quality_checks.runner import judge, profiles
from quality_checks.suites import CHECKS

SHIFT = "equipment_id = 'M2' and production_day = date '2026-10-03' and shift_code = 'late'"
OWN = f"{SHIFT} and material_key = '~'"
PRODUCT = f"{SHIFT} and material_key = 'A'"
MADE = "equipment_id = 'M1' and production_day = date '2026-10-01' and shift_code = 'early' and material_key = 'A'"
OFF = "equipment_id = 'M2' and production_day = date '2026-10-03' and shift_code = 'OFF'"


def _parts(where: str, **cells: str) -> str:
    assignments = ", ".join(f"{name} = {value}" for name, value in cells.items())
    return f"update gold.candidate_parts set {assignments} where plant_id = 'south' and {where}"


def _values(where: str, **cells: str) -> str:
    assignments = ", ".join(f"{name} = {value}" for name, value in cells.items())
    return (
        f"update gold.unit_day set {assignments} where plant_id = 'south' and scope_id = 'M1' and period_start = '2026-10-01' and {where}"
    )


def _value(kpi: str, value: float) -> str:
    """A wrong value with bounds around it."""
    return _values(f"kpi_id = '{kpi}' and profile = 'ISO'", value=str(value), value_low=str(value), value_high=str(value))


def _twice(table: str, where: str) -> str:
    return f"insert into gold.{table} select * from gold.{table} where plant_id = 'south' and {where}"


PARTS: dict[str, tuple[str, set[str]]] = {
    "equipment_id_filled": (_parts(OFF, equipment_id="null"), {"no_gap_in_the_day"}),  # its 8 h are missing in the day of M2
    "shift_instance_id_filled": (_parts(OFF, shift_instance_id="null"), set()),
    "material_key_filled": (_parts(PRODUCT, material_key="null"), set()),
    "production_day_filled": (_parts(OFF, production_day="null"), {"day_known", "no_gap_in_the_day"}),
    "shift_code_filled": (_parts(OWN, shift_code="null"), set()),
    "start_ts_filled": (_parts(OWN, start_ts="null"), set()),
    "ct_s_filled": (_parts(PRODUCT, ct_s="null"), set()),
    "state_method_filled": (_parts(OWN, state_method="null"), set()),
    "is_preliminary_filled": (_parts(OWN, is_preliminary="null"), set()),
    "state_method_known_word": (_parts(OWN, state_method="'GUESSED'"), set()),
    "key_unique": (_twice("candidate_parts", PRODUCT), {"busy_time_adds_up", "no_part_beyond_its_shift"}),
    "shift_has_own_row": (_parts(OFF, material_key="'A'"), {"shift_time_stated_once"}),
    "shift_time_stated_once": (_parts(PRODUCT, ttr_s="1", setup_elapsed_s="1", coded_stop_s="1"), set()),
    "equipment_known": (_parts("equipment_id = 'M2'", equipment_id="'M9'"), set()),
    "plant_known": ("delete from silver.plant where plant_id = 'south'", set()),
    "day_known": ("delete from silver.production_day where plant_id = 'south' and production_day = '2026-10-03'", set()),
    "calendar_time_adds_up": (_parts(OWN, ct_s="ct_s + 0.000001"), {"no_gap_in_the_day"}),
    "planned_time_adds_up": (_parts(OWN, planned_break_s="planned_break_s - 1"), set()),
    "busy_time_adds_up": (_parts(OWN, unknown_s="unknown_s + 0.000001"), set()),
    "busy_sums_add_up": (_parts(PRODUCT, aupt_s="aupt_s - 1"), set()),
    "no_part_beyond_its_shift": (_parts(OWN, coded_stop_s="28800.000001"), set()),
    "no_gap_in_the_day": (_parts(OFF, ct_s="ct_s - 0.000001"), set()),
    "no_piece_lost": (_parts(MADE, pq="289", gq="274"), set()),
    "times_not_negative": (_parts(OWN, ttr_s="-1"), set()),
    "unit_day_not_below_zero": (_parts(PRODUCT, pq="-1", gq="-1", sq="0"), {"no_piece_lost", "pieces_not_negative"}),
    "good_within_total": (_parts(MADE, gq="291", sq="-1"), {"pieces_not_negative"}),
    "rated_time_within_run_time": (_parts(OWN, apt_rated_s="apt_s + 1"), set()),
    "pieces_not_negative": (_parts(MADE, gq="291", sq="-1"), {"good_within_total"}),
    "good_and_rejects_within_total": (_parts(MADE, sq="16"), {"pieces_equal_total"}),
    "pieces_equal_total": (_parts(MADE, sq="14"), set()),
    "ideal_time_has_output": (_parts(PRODUCT, ideal_pq_s="1"), set()),
    # Parts that stand: 1 September is in the last full month. 26 461 s of ideal time in 25 200 s of run time are 1.05004.
    "rate_not_beaten_for_a_month": (
        f"""insert into gold.parts by name
        select * replace (production_day - 30 as production_day, case when material_key = 'A' then 26461 else ideal_pq_s end as ideal_pq_s)
        from gold.candidate_parts where plant_id = 'south' and {MADE.split(" and material_key", maxsplit=1)[0]}""", set(),
    ),
    "shift_at_most_a_day": (_parts(OFF, ct_s="90001"), {"no_gap_in_the_day"}),
    "not_in_the_future": (_parts(OWN, start_ts="timestamptz '2026-11-20 12:06:00Z'"), set()),
}  # fmt: skip

ISO = "profile = 'ISO'"
VALUES: dict[str, tuple[str, set[str]]] = {
    "kpi_id_filled": (_values(f"kpi_id = 'AE' and {ISO}", kpi_id="null"), set()),
    "profile_filled": (_values(f"kpi_id = 'AE' and {ISO}", profile="null"), set()),
    "scope_id_filled": (_values(f"kpi_id = 'AE' and {ISO}", scope_id="null"), set()),
    "period_start_filled": (_values(f"kpi_id = 'AE' and {ISO}", period_start="null"), set()),
    "coverage_filled": (_values(f"kpi_id = 'AE' and {ISO}", coverage="null"), set()),
    "grade_filled": (_values(f"kpi_id = 'AE' and {ISO}", grade="null"), set()),
    "status_filled": (_values(f"kpi_id = 'AE' and {ISO}", status="null"), set()),
    "grade_known_word": (_values(f"kpi_id = 'AE' and {ISO}", grade="'E'"), set()),
    "status_known_word": (_values(f"kpi_id = 'AE' and {ISO}", status="'FINE'"), set()),
    "value_unique": (_twice("unit_day", "scope_id = 'M1' and period_start = '2026-10-01' and kpi_id = 'AE' and profile = 'ISO'"), set()),
    "every_unit_day_has_values": ("delete from gold.unit_day where plant_id = 'south' and scope_id = 'M2' and period_start = '2026-10-03'", set()),
    "values_finite": (_values(f"kpi_id = 'AE' and {ISO}", value_high="'inf'"), set()),
    "status_true": (_values(f"kpi_id = 'AE' and {ISO}", value="null"), set()),
    "bounds_around_value": (_values(f"kpi_id = 'AE' and {ISO}", value_low="value + 0.1"), set()),
    "availability_not_negative": (_value("A", -0.01), {"oee_is_a_times_e_times_q"}),
    "availability_at_most_one": (_value("A", 1.01), {"oee_is_a_times_e_times_q"}),
    "quality_not_negative": (_value("Q", -0.01), {"oee_is_a_times_e_times_q"}),
    "quality_at_most_one": (_value("Q", 1.01), {"oee_is_a_times_e_times_q"}),
    "time_coverage_not_negative": (_value("COVERAGE", -0.01), set()),
    "time_coverage_at_most_one": (_value("COVERAGE", 1.01), set()),
    "effectiveness_not_negative": (_value("E", -0.01), {"oee_is_a_times_e_times_q"}),
    "oee_not_negative": (_value("OEE", -0.01), {"oee_is_a_times_e_times_q"}),
    "oee_is_a_times_e_times_q": (_value("OEE", 0.99), set()),
    "coverage_not_negative": (_values(f"kpi_id = 'AE' and {ISO}", coverage="-0.01"), set()),
    "coverage_at_most_one": (_values(f"kpi_id = 'AE' and {ISO}", coverage="1.01"), set()),
    "rate_not_too_slow": (_value("E", 1.21), {"oee_is_a_times_e_times_q"}),  # 1 of 6 days of M1, in two profiles
    "oee_at_most_one": (_value("OEE", 1.01), {"oee_is_a_times_e_times_q"}),
}  # fmt: skip
CASES = [("candidate_parts", name) for name in PARTS] + [("kpi_value", name) for name in VALUES]
DAMAGE = {"candidate_parts": PARTS, "kpi_value": VALUES}


@pytest.fixture(scope="module")
def gold() -> duckdb.DuckDBPyConnection:
    con = candidate()
    con.execute(f"create table gold.unit_day as select * from {unit_days_sql()}")
    return con


@pytest.fixture(scope="module")
def failures(gold: duckdb.DuckDBPyConnection) -> dict[tuple[str, str], set[tuple[str, str]]]:
    """What each damage makes fail, as (check, plant). One judgement for all: the plants of a case carry its number."""
    recipes = {"candidate_parts": GOLD["candidate_parts"], "kpi_value": replace(KPI_VALUE, source=lambda: "gold.unit_day")}
    damaged = []
    for number, (table, check) in enumerate(CASES):
        gold.execute("begin")
        gold.execute(DAMAGE[table][check][0])
        found = measure(gold, table, recipes[table], ["north", "south"], AT)
        damaged.append(found.with_columns(pl.format(f"{number}/{{}}", "plant_id").alias("plant_id")))
        gold.execute("rollback")
    failed = judge(pl.concat(damaged), "r1", AT).filter(pl.col("status") == "FAIL")
    by_case: dict[tuple[str, str], set[tuple[str, str]]] = {case: set() for case in CASES}
    for plant, check in failed.select("plant_id", "check_name").iter_rows():
        number, _, name = plant.partition("/")
        by_case[CASES[int(number)]].add((check, name))
    return by_case


def test_every_expectation_has_a_damage_and_every_damage_an_expectation() -> None:
    assert set(CASES) == {(table, check.name) for table in GOLD for check in CHECKS[table]}


def test_sound_candidates_pass_every_check(gold: duckdb.DuckDBPyConnection) -> None:
    results = judge(profiles(gold, AT, None, tuple(GOLD)), "r1", AT)
    assert results.filter(pl.col("status") != "PASS").is_empty()
    assert results.height == 2 * len(CASES)


@pytest.mark.parametrize(("table", "check"), CASES, ids=lambda part: part)
def test_damage_is_named_by_its_check_for_its_plant(failures: dict[tuple[str, str], set[tuple[str, str]]], table: str, check: str) -> None:
    expected = {check, *DAMAGE[table][check][1]}
    assert failures[table, check] == {(name, "south") for name in expected}


def test_values_of_the_candidate_are_those_of_the_view_that_readers_get(gold: duckdb.DuckDBPyConnection) -> None:
    def relation(name: str) -> str:
        if name == "mart_kpi_parts_shift":
            return "(select *, 0 as valid_from_release, null as valid_to_release from gold.candidate_parts)"
        return "(select * from silver.equipment where is_current)" if name == "equipment" else f"silver.{name}"

    wanted = gold.sql(
        f"select * from ({kpi_value_sql(inlined(relation), shifts_only=True)}) where scope_type = 'EQUIPMENT' and period_type = 'DAY' order by all"
    )
    assert gold.sql(f"select * from {unit_days_sql()} order by all").fetchall() == wanted.fetchall()


def test_a_wrong_part_makes_a_wrong_kpi_fail_through_the_view() -> None:
    con = candidate()
    con.execute(_parts(MADE, ideal_gq_s="ideal_pq_s + 1"))
    failed = judge(profiles(con, AT, ["north", "south"], ["kpi_value"]), "r1", AT).filter(status="FAIL")
    assert failed.select("plant_id", "check_name").rows() == [("south", "quality_at_most_one")]


def test_the_months_of_a_product_are_those_of_the_candidate_and_of_what_stands() -> None:
    con = candidate()
    con.execute("update silver.source_watermark set data_to = timestamptz '2026-11-02 00:00:00Z'")  # October is over
    con.execute(
        "insert into gold.parts by name select * replace (9999999 as ideal_pq_s) from gold.candidate_parts where material_key = 'A'"
    )
    # M1 ran 20 000 s of A in each of 6 shifts, and 5 200 s of no product in the one that made pieces: 1.05 of 125 200 s are 131 460 s.
    # What stood of these days is replaced by the candidate and counts no more.
    for ideal, beaten in ((131460, 0), (131461, 1)):
        con.execute(_parts(MADE, ideal_pq_s=str(ideal)))
        found = dict(profile(con, "candidate_parts", ["south"], AT).select("measure", "value").iter_rows())
        assert found["beaten_rates"] == beaten


def test_days_that_a_shift_enters_or_leaves_are_not_judged_by_their_length() -> None:
    con = candidate()
    con.execute(
        "update silver.shift_instance set end_ts = end_ts + interval 9 hour where shift_instance_id = '1late' and plant_id = 'south'"
    )
    con.execute(_parts("production_day in (date '2026-10-02', date '2026-10-03')", ct_s="ct_s + 1", pq="7"))
    found = dict(profile(con, "candidate_parts", ["south"], AT).select("measure", "value").iter_rows())
    assert (found["unit_days_with_gaps"], found["unit_days_with_lost_pieces"]) == (0, 0)  # what is left is the first


def test_a_day_is_as_long_as_its_sources_have_told_by_the_true_clock() -> None:
    con = candidate()
    # Told until 06:00 on the 4th by a clock that is an hour ahead: until 05:00, so that an hour is missing in the last day.
    con.execute("update silver.source_setting set clock_offset_s = 3600 where plant_id = 'south'")
    found = dict(profile(con, "candidate_parts", ["south"], AT).select("measure", "value").iter_rows())
    assert found["unit_days_with_gaps"] == 2  # the last day of both units
    con.execute(_parts("production_day = date '2026-10-03' and shift_code = 'OFF'", ct_s="ct_s - 3600"))
    found = dict(profile(con, "candidate_parts", ["south"], AT).select("measure", "value").iter_rows())
    assert found["unit_days_with_gaps"] == 0


def test_an_estimated_clock_is_that_of_the_last_instant_that_was_told() -> None:
    # Told until midnight by a clock that was an hour ahead on the day before: until 23:00 of the 3rd, five hours less than the parts said.
    con = candidate()
    con.execute("update silver.source_watermark set data_to = timestamptz '2026-10-04 00:00Z' where plant_id = 'south'")
    con.execute(
        "insert into silver.clock_offset values ('south', 'mes', date '2026-10-03', 3600, 3, 0, true), ('south', 'mes', date '2026-10-04', 7, 3, 0, true)"
    )
    con.execute(_parts("production_day = date '2026-10-03' and shift_code = 'OFF'", ct_s="ct_s - 5 * 3600"))
    found = dict(profile(con, "candidate_parts", ["south"], AT).select("measure", "value").iter_rows())
    assert found["unit_days_with_gaps"] == 0


def test_corrections_count_on_the_day_of_their_document_when_pieces_are_compared(gold: duckdb.DuckDBPyConnection) -> None:
    # D1-D4, minus R2 and C3 of the 10th: 290 pieces on the 1st, none on the 10th.
    con = candidate()
    con.execute("delete from silver.production_count where plant_id = 'south' and count_id = 'C3'")
    found = dict(profile(con, "candidate_parts", ["south"], AT).select("measure", "value").iter_rows())
    assert found["unit_days_with_lost_pieces"] == 1
