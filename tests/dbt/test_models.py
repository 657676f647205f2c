"""Rules of the models, case by case: a few silver rows in, seconds, pieces and ratios that a person works out with a pencil out.

Every case is a plant of its own in one build. Elsewhere: the cases that whole exports show (`tests/golden`).
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import duckdb
import polars as pl
import pytest
import yaml
from silver_tables import DAY, at, build, count, event, plant, rate, write

from dbt_project import generate
from dbt_project.value_sql import kpi_value_sql
from pipelines import state
from transforms.tables import STATEMENTS, TABLES

MODELS = generate.FOLDER / "models"
HOUR = 3600

REASON = {"source_system": "*", "reason_code": "O-MAT", "approved_at": DAY}

CASES: list[dict[str, list[dict[str, Any]]]] = [
    # -- reasons: E-MECH of this source beats O-MAT of any; a suggestion does not count; E-ELEC holds from 10:00 only.
    plant("reasons") | {
        "map_downtime_reason": [
            {**REASON, "plant_id": "reasons", "source_code": "1"},
            {**REASON, "plant_id": "reasons", "source_code": "1", "source_system": "mes", "reason_code": "E-MECH"},
            {**REASON, "plant_id": "*", "source_code": "1", "reason_code": "I-NOORD"},
            {**REASON, "plant_id": "reasons", "source_code": "2", "reason_code": "E-MECH", "approved_at": None},
            {**REASON, "plant_id": "reasons", "source_code": "3", "reason_code": "E-ELEC", "valid_from": at("10:00")},
            {**REASON, "plant_id": "*", "source_code": "4", "reason_code": "P-PM"},
        ],
        "equipment_state_event": [
            event("reasons", at("06:00"), at("07:00"), source_reason_code="1"), event("reasons", at("07:00"), at("08:00"), source_reason_code="2"),
            event("reasons", at("09:00"), at("10:00"), source_reason_code="3"), event("reasons", at("10:00"), at("11:00"), source_reason_code="3"),
            event("reasons", at("12:00"), at("13:00"), source_reason_code="4"),
        ],
    },
    # -- this source's RUN beats its stops.
    plant("rank") | {
        "class_precedence": [{"plant_id": "rank", "source_system": "mes", "state_class": "RUN", "level": 5}],
        "equipment_state_event": [event("rank", at("06:00"), at("14:00"), "DELAY_EQ"), event("rank", at("08:00"), at("10:00"), "RUN")],
    },
    # -- a state log without ends: each state ends at the next of its source; UNKNOWN ends the one before; the last is open to 13:00.
    plant("log", until=at("13:00"), sources={"mes": 0.0, "plc": 0.0}) | {
        "equipment_state_event": [
            event("log", at("06:00"), None, "RUN"), event("log", at("08:00"), None, "UNKNOWN"), event("log", at("09:00"), None, "RUN"),
            event("log", at("12:00"), None, "DELAY_EQ"), event("log", at("07:00"), at("07:30"), "SETUP", _source_system="plc"),
        ],
    },
    # -- a stop whose time could be either of the repeated hour.
    plant("fold") | {"equipment_state_event": [event("fold", at("06:00"), at("08:00"), "DELAY_EQ", dq_flags=["DST_AMBIGUOUS"])]},
    # -- a stop log that says "no data": not run time.
    plant("said_unknown", method="RESIDUAL") | {
        "equipment_state_event": [
            event("said_unknown", at("06:00"), at("08:00"), "DELAY_EQ"), event("said_unknown", at("09:00"), at("10:00"), "UNKNOWN"),
        ],
    },
    # -- a stop log without a calendar: stops are known, run time is not.
    plant("stops_only", method="RESIDUAL", calendar="none", shifts=[("DAY", at("00:00"), at("00:00", 3))]) | {
        "equipment_state_event": [event("stops_only", at("06:00"), at("08:00"), "DELAY_EQ")],
    },
    # -- handover 13:00-14:00 goes to the later shift; a short shift inside a long one takes its hour and gives back the rest.
    plant("handover", shifts=[("A", at("06:00"), at("14:00")), ("B", at("13:00"), at("22:00")), ("C", at("15:00"), at("16:00"))]) | {
        "equipment_state_event": [event("handover", at("00:00"), at("00:00", 3), "DELAY_EQ")],
        "production_count": [count("handover", at("13:30"), produced_qty=1), count("handover", at("15:30"), produced_qty=2), count("handover", at("21:00"), produced_qty=4)],
    },
    # -- the unit's own threshold: 400 s is a micro-stop of N, not of M.
    plant("threshold", units=("M", "N")) | {
        "plant_setting": [
            {"plant_id": "threshold", "equipment_id": "*", "microstop_s": 300, "plan_freeze_s": 86400},
            {"plant_id": "threshold", "equipment_id": "threshold/N", "microstop_s": 600, "plan_freeze_s": 86400},
        ],
        "equipment_state_event": [
            event("threshold", at("06:00:00"), at("06:06:40"), "DELAY_EQ"),
            event("threshold", at("06:00:00"), at("06:06:40"), "DELAY_ORG", equipment_id="threshold/N"),
        ],
    },
    # -- rates: of the tool 10 s; of the product 20 s, 30 s from 10:00; of anything 40 s by a lesser basis; NAMEPLATE does not count; Z has the general one.
    plant("rates") | {
        "ideal_rate": [
            rate("rates", 40, rate_basis="ERP_STANDARD"), rate("rates", 20, material_id="P", valid_to=at("10:00")),
            rate("rates", 30, material_id="P", valid_from=at("10:00")), rate("rates", 5, material_id="P", rate_basis="NAMEPLATE"),
            rate("rates", 10, material_id="P", tool_code="T"),
        ],
        "production_count": [
            count("rates", at("09:00"), good_qty=1, scrap_qty=0), count("rates", at("10:00"), good_qty=1, scrap_qty=0),
            count("rates", at("11:00"), good_qty=1, scrap_qty=0, tool_code="T"), count("rates", at("12:00"), good_qty=1, scrap_qty=0, material_id="Z"),
        ],
    },
    # -- quantities: each kind of record, once.
    plant("pieces") | {
        "production_count": [
            count("pieces", at("07:00"), material_id="good", good_qty=10), count("pieces", at("07:10"), material_id="all_and_scrap", produced_qty=10, scrap_qty=3, rework_qty=1),
            count("pieces", at("07:20"), material_id="all_and_good", produced_qty=10, good_qty=8), count("pieces", at("07:30"), material_id="all", produced_qty=10),
            count("pieces", at("07:40"), material_id="scrap", scrap_qty=2),
        ],
    },
    # -- a correction of a correction of D1 belongs to D1's shift; the count's clock is 120 s ahead: 14:01 is 13:59.
    plant("chain", until=DAY + timedelta(days=2), sources={"mes": 120.0}, shifts=[("S1", at("06:00"), at("14:00")), ("S2", at("14:00"), at("22:00"))]) | {
        "production_count": [
            count("chain", at("14:01"), "D1", good_qty=100, scrap_qty=0), count("chain", at("20:00"), "D2", good_qty=-10, scrap_qty=10, corrects_count_id="chain-D1"),
            count("chain", at("10:00", 3), "D3", good_qty=1, scrap_qty=-1, corrects_count_id="chain-D2"),
            count("chain", at("15:00"), "D4", good_qty=5, scrap_qty=0, corrects_count_id="chain-of-nothing"),
        ],
    },
    # -- the newest thing told is a count at 14:00, where S2 begins: it has no time yet, but its pieces are not lost.
    plant("at_the_edge", until=at("14:00"), shifts=[("S1", at("06:00"), at("14:00")), ("S2", at("14:00"), at("22:00"))]) | {
        "equipment_state_event": [event("at_the_edge", at("06:00"), at("14:00"), "RUN")],
        "production_count": [count("at_the_edge", at("14:00"), good_qty=7, scrap_qty=0)],
    },
    # -- pieces at 23:00, outside the shift, once with a run there and once without.
    plant("overtime") | {
        "equipment_state_event": [event("overtime", at("22:00"), at("23:30"), "RUN"), event("overtime", at("20:00"), at("21:00"), "DELAY_EQ")],
        "production_count": [count("overtime", at("23:00"), good_qty=7, scrap_qty=0)],
    },
    plant("off") | {"production_count": [count("off", at("23:00"), good_qty=7, scrap_qty=0)]},
    # -- company "mixed": OEE of `complete` is 0.5; the others have no rate, no calendar, no counts.
    plant("complete", company="mixed") | {
        "equipment_state_event": [event("complete", at("06:00"), at("14:00"), "RUN")], "ideal_rate": [rate("complete", 10, material_id="P")],
        "production_count": [count("complete", at("09:00"), good_qty=1440, scrap_qty=0)],
    },
    plant("no_rate", company="mixed") | {
        "equipment_state_event": [event("no_rate", at("06:00"), at("10:00"), "RUN")],
        "production_count": [count("no_rate", at("09:00"), good_qty=90, scrap_qty=10)],
    },
    plant("no_calendar", company="mixed", calendar="none", shifts=[("DAY", at("00:00"), at("00:00", 3))]) | {
        "equipment_state_event": [event("no_calendar", at("06:00"), at("10:00"), "RUN")], "ideal_rate": [rate("no_calendar", 10, material_id="P")],
        "production_count": [count("no_calendar", at("09:00"), good_qty=720, scrap_qty=0)],
    },
    plant("no_counts", company="mixed") | {"ideal_rate": [rate("no_counts", 10)], "equipment_state_event": [event("no_counts", at("06:00"), at("10:00"), "RUN")]},
]  # fmt: skip


@pytest.fixture(scope="module")
def database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("models") / "build.duckdb"
    write(path, *CASES)
    build(path)
    return path


@pytest.fixture(scope="module")
def gold(database: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect(str(database)) as con:
        con.execute("set timezone = 'UTC'; use gold")
        yield con


def parts(gold: duckdb.DuckDBPyConnection, name: str, *columns: str, shift: str = "S1", unit: str = "M") -> tuple[Any, ...]:
    """Sums of parts of one shift, over all products."""
    sums = ", ".join(f"sum({column})" for column in columns)
    where = "plant_id = ? and shift_code = ? and equipment_id = ? and valid_to_release is null"
    found = gold.execute(f"select {sums} from mart_kpi_parts_shift where {where}", [name, shift, f"{name}/{unit}"]).fetchone()
    assert found is not None
    return found


def kpi(gold: duckdb.DuckDBPyConnection, scope: str, scope_id: str, kpi_id: str) -> dict[str, Any]:
    """The value of the day."""
    sql = "select * from kpi_value where scope_type = ? and scope_id = ? and kpi_id = ? and profile = 'ISO' and period_type = 'DAY' and period_start = '2025-06-02'"
    found = gold.execute(sql, [scope, scope_id, kpi_id])
    names = [column[0] for column in found.description or []]
    (row,) = found.fetchall()
    return dict(zip(names, row, strict=True))


def test_the_most_specific_approved_reason_that_holds_decides(gold: duckdb.DuckDBPyConnection) -> None:
    found = gold.execute(
        "select start_ts, time_class, reason_code, is_coded, is_failure from int.int_time_segment where plant_id = 'reasons' and event_id is not null order by 1"
    ).fetchall()
    assert found == [
        (at("06:00"), "ADET_EQ", "E-MECH", True, True),
        (at("07:00"), "ADET_ORG", "U-UNC", False, False),
        (at("09:00"), "ADET_ORG", "U-UNC", False, False),
        (at("10:00"), "ADET_EQ", "E-ELEC", True, True),
        # An operator cannot plan a stop afterwards: maintenance is a delay of the equipment, but no failure.
        (at("12:00"), "ADET_EQ", "P-PM", True, False),
    ]


def test_a_source_may_rank_its_states_otherwise(gold: duckdb.DuckDBPyConnection) -> None:
    assert parts(gold, "rank", "apt_s", "adet_eq_s", "fe", "ttr_s") == (2 * HOUR, 6 * HOUR, 1, 8 * HOUR)


def test_states_without_end_last_until_the_next_of_their_source(gold: duckdb.DuckDBPyConnection) -> None:
    # RUN 6-8 less SETUP 7-7:30, unknown 8-9, RUN 9-12, breakdown 12-13 and the shift is cut there.
    assert parts(gold, "log", "pbt_s", "apt_s", "aust_s", "unknown_s", "adet_eq_s") == (7 * HOUR, 4.5 * HOUR, HOUR / 2, HOUR, HOUR)


def test_a_doubtful_hour_is_flagged_where_it_counts(gold: duckdb.DuckDBPyConnection) -> None:
    sql = "select shift_code, flags from mart_kpi_parts_shift where plant_id = 'fold' and production_day = '2025-06-02' order by 1"
    assert gold.execute(sql).fetchall() == [("OFF", []), ("S1", ["DST_AMBIGUOUS"])]
    assert "DST_AMBIGUOUS" in kpi(gold, "PLANT", "fold", "A")["flags"]


def test_time_said_to_be_unknown_is_not_run_time(gold: duckdb.DuckDBPyConnection) -> None:
    assert parts(gold, "said_unknown", "apt_s", "adet_eq_s", "unknown_s") == (5 * HOUR, 2 * HOUR, HOUR)


def test_a_stop_log_without_calendar_knows_no_run_time(gold: duckdb.DuckDBPyConnection) -> None:
    assert parts(gold, "stops_only", "ct_s", "adet_eq_s", "apt_s", "pbt_s", "unknown_s", shift="DAY") == (
        24 * HOUR,
        2 * HOUR,
        None,
        None,
        None,
    )


def test_overlapping_windows_share_no_second_and_lose_none(gold: duckdb.DuckDBPyConnection) -> None:
    # A 6-13, B 13-15 and 16-22, C 15-16: together the 16 h of their union.
    assert [parts(gold, "handover", "pbt_s", "pq", shift=code) for code in "ABC"] == [(7 * HOUR, 0), (8 * HOUR, 5), (HOUR, 2)]
    flags = gold.execute(
        "select distinct flags from mart_kpi_parts_shift where plant_id = 'handover' and shift_code in ('A', 'B', 'C') and material_key = '~'"
    ).fetchall()
    assert all("SHIFT_OVERLAP" in found for (found,) in flags)


def test_a_unit_may_have_its_own_micro_stop_threshold(gold: duckdb.DuckDBPyConnection) -> None:
    assert parts(gold, "threshold", "micro_s", "adet_eq_s", "fe") == (0, 400, 1)
    assert parts(gold, "threshold", "micro_s", "adet_org_s", "fe", unit="N") == (400, 0, 0)


def test_the_most_specific_rate_that_holds_counts(gold: duckdb.DuckDBPyConnection) -> None:
    rates = gold.execute("select pri_s from int.int_count__rated where plant_id = 'rates' order by booked_us").fetchall()
    assert rates == [(20,), (30,), (10,), (40,)]
    assert parts(gold, "rates", "ideal_gq_s") == (100,)


def test_quantities_follow_from_what_is_counted(gold: duckdb.DuckDBPyConnection) -> None:
    found = gold.execute(
        "select material_key, pq, gq, sq from mart_kpi_parts_shift where plant_id = 'pieces' and material_key <> '~' order by 1"
    ).fetchall()
    assert found == [
        ("all", 10, None, None),  # how many of them are good nobody knows
        ("all_and_good", 10, 8, 2),
        ("all_and_scrap", 10, 6, 3),
        ("good", 10, 10, None),
        ("scrap", 2, 0, 2),
    ]


def test_corrections_are_booked_where_their_root_was_made(gold: duckdb.DuckDBPyConnection) -> None:
    # 100 - 10 + 1 good of 100; D4 corrects a document that never came and stays where it is.
    assert parts(gold, "chain", "gq", "sq", "pq") == (91, 9, 100)
    assert parts(gold, "chain", "gq", shift="S2") == (5,)


def test_a_count_at_the_watermark_is_not_lost(gold: duckdb.DuckDBPyConnection) -> None:
    assert parts(gold, "at_the_edge", "ct_s", "gq", shift="S2") == (0, 7)
    assert gold.execute(
        "select distinct is_preliminary from mart_kpi_parts_shift where plant_id = 'at_the_edge' and shift_code = 'S2'"
    ).fetchall() == [(True,)]


def test_runs_outside_shifts_are_overtime_and_take_their_counts(gold: duckdb.DuckDBPyConnection) -> None:
    columns = ("ct_s", "pot_s", "pbt_s", "pbt_ext_s", "apt_s", "gq", "outside_counts")
    assert parts(gold, "overtime", *columns, shift="OVERTIME") == (1.5 * HOUR, 1.5 * HOUR, 1.5 * HOUR, 1.5 * HOUR, 1.5 * HOUR, 7, 1)
    # A stop outside the shifts is nobody's loss: 24 h - 8 h - 1.5 h.
    assert parts(gold, "overtime", "ct_s", "pot_s", "adet_eq_s", "gq", shift="OFF") == (14.5 * HOUR, 0, 0, 0)
    assert parts(gold, "off", "ct_s", "pot_s", "gq", "outside_counts", shift="OFF") == (16 * HOUR, 0, 7, 1)


def test_plants_that_cannot_know_neither_poison_nor_dilute_their_company(gold: duckdb.DuckDBPyConnection) -> None:
    # 1440 x 10 s / 28800 s; the others are named missing.
    oee = kpi(gold, "COMPANY", "mixed", "OEE")
    assert (oee["value"], oee["numerator"], oee["denominator"]) == (0.5, 14400, 28800)
    assert (oee["plants_in"], oee["plants_of"], oee["coverage"] < 0.5) == (1, 4, True)
    assert {"PLANTS_PARTIAL", "UNITS_PARTIAL"} <= set(oee["flags"])
    # Availability does not need rates or counts: 8 h, 4 h and 4 h of three shifts of 8 h.
    a = kpi(gold, "COMPANY", "mixed", "A")
    assert (a["value"], a["plants_in"]) == (16 / 24, 3)


@pytest.mark.parametrize(
    ("scope_id", "kpi_id", "why"),
    [
        ("no_rate", "OEE", "NO_IDEAL_RATE"), ("no_rate", "E", "NO_IDEAL_RATE"), ("no_calendar", "OEE", "NO_CALENDAR"), ("no_calendar", "A", "NO_CALENDAR"),
        ("no_counts", "OEE", "NO_COUNTS"), ("no_counts", "Q", "NO_COUNTS"), ("pieces", "Q", "NO_REJECT_COUNT"), ("stops_only", "A", "NO_CALENDAR"),
    ],
)  # fmt: skip
def test_a_missing_value_says_why(gold: duckdb.DuckDBPyConnection, scope_id: str, kpi_id: str, why: str) -> None:
    found = kpi(gold, "PLANT", scope_id, kpi_id)
    assert (found["value"], found["status"], found["flags"][0], found["grade"]) == (None, "NOT_COMPUTABLE", why, "D")


def test_what_does_not_need_the_missing_thing_is_there(gold: duckdb.DuckDBPyConnection) -> None:
    assert kpi(gold, "PLANT", "no_rate", "QC")["value"] == 0.9
    # Without a calendar the reference time is still known: 7200 s of 24 h.
    assert kpi(gold, "PLANT", "no_calendar", "TEEP")["value"] == pytest.approx(7200 / 86400)
    assert kpi(gold, "PLANT", "no_calendar", "E")["value"] == pytest.approx(7200 / 14400)


def test_rows_that_do_not_change_are_not_written_again(tmp_path: Path) -> None:
    path = tmp_path / "build.duckdb"
    first = plant("shop") | {"equipment_state_event": [event("shop", at("06:00"), at("07:00"), "RUN")]}
    write(path, first)
    build(path, 1)
    before = versions(path)
    build(path, 2)
    assert versions(path) == before
    write(path, first | {"equipment_state_event": [event("shop", at("06:00"), at("08:00"), "RUN")]})
    build(path, 3)
    assert versions(path) == sorted([*(row for row in before if row[0] != "S1"), ("S1", 1, 3, 3600), ("S1", 3, None, 7200)], key=str)
    with duckdb.connect(str(path)) as con:
        sql = kpi_value_sql(lambda name: f"{'silver' if name.startswith('plant') else 'gold'}.{name}", as_of="2")
        where = "where kpi_id = 'A' and profile = 'ISO' and scope_type = 'PLANT' and period_type = 'DAY' and shift_code is null and denominator > 0"
        assert con.sql(f"select numerator from ({sql}) {where}").fetchall() == [(3600,)]
        assert con.sql(f"select numerator from gold.kpi_value {where}").fetchall() == [(7200,)]


def versions(path: Path) -> list[tuple[Any, ...]]:
    with duckdb.connect(str(path)) as con:
        return sorted(
            con.sql("select shift_code, valid_from_release, valid_to_release, apt_s::int from gold.mart_kpi_parts_shift").fetchall(),
            key=str,
        )


def test_units_swept_one_after_the_other_give_the_ledger_of_units_swept_together(tmp_path: Path) -> None:
    name = "grouped"
    events = [event(name, at("06:00"), at("08:00"), "RUN"), event(name, at("07:00"), at("07:30"), "DELAY_EQ")]
    other = [{**event(name, at("09:00"), at("10:00"), "SETUP"), "equipment_id": f"{name}/N"}]
    rows = plant(name, units=("M", "N", "O")) | {"equipment_state_event": [*events, *other]}
    ledgers = []
    for folder, variables in (("together", {}), ("apart", {"events_per_group": 1})):
        database = tmp_path / folder / "build.duckdb"
        database.parent.mkdir()
        write(database, rows)
        build(database, **variables)
        with duckdb.connect(str(database)) as con:
            ledgers.append(con.sql("select * from int.int_time_segment order by equipment_id, start_ts").fetchall())
            groups = con.sql("select count(distinct group_no) from int.int_unit").fetchall()
    assert groups == [(2,)]  # M has two events, N and O one between them
    assert ledgers[0] == ledgers[1]
    assert len(ledgers[0]) == 3 * 3 + 3 + 2  # off, shift, off of each; three more of M (a stop cuts its run), two more of N


def test_an_empty_lake_builds_empty_tables(tmp_path: Path) -> None:
    path = tmp_path / "build.duckdb"
    write(path)
    build(path)
    with duckdb.connect(str(path)) as con:
        assert con.sql("select count(*) from gold.kpi_value").fetchall() == [(0,)]


def test_generated_files_are_what_the_catalogue_says() -> None:
    assert {path for path, text in generate.generated().items() if path.read_text(encoding="utf-8") != text} == set()


def test_every_model_and_every_source_is_described() -> None:
    described = {
        model["name"]: model
        for path in MODELS.rglob("*.yml")
        for model in yaml.safe_load(path.read_text(encoding="utf-8")).get("models", [])
    }
    assert set(described) == {path.stem for path in MODELS.rglob("*.sql")}
    assert all(len(model["description"]) > 20 for model in described.values())
    silver, of_state = yaml.safe_load((MODELS / "sources.yml").read_text(encoding="utf-8"))["sources"]
    assert {table["name"] for table in of_state["tables"]} <= {*state.TABLES, *(parts.table for parts in state.PARTS)}
    columns: dict[str, Any] = {**{name: spec.columns for name, spec in TABLES.items()}, **STATEMENTS}
    assert {table["name"] for table in silver["tables"]} == set(columns)
    for table in silver["tables"]:
        assert {column["name"] for column in table["columns"]} <= set(columns[table["name"]]), table["name"]


def test_reasons_are_the_forty_of_the_specification() -> None:
    seed = pl.read_csv(generate.FOLDER / "seeds" / "downtime_reason.csv")
    assert (len(seed), seed["reason_code"].n_unique(), int(seed["counts_as_failure"].sum())) == (40, 40, 8)
