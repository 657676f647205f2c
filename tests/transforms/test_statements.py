"""What plant files and vocabularies state, as rows."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from connectors.errors import ConfigError
from connectors.models import PlantFile, Settings
from connectors.vocabularies import COLUMNS, Vocabularies
from transforms import statements
from transforms.statements import Stated

NOW = datetime(2025, 6, 30, tzinfo=UTC)


def stated(words: dict[str, list[dict[str, str]]] | None = None, root: Path = Path(), **more: Any) -> Stated:
    source = {"kind": "delimited", "path": "*.csv", "tables": {"equipment": {"columns": {"equipment": "U"}}}}
    plant = PlantFile.model_validate(
        {
            "plant": "p", "name": "P", "company": "c", "timezone": "Europe/Berlin", "sources": {"mes": source},
            "shifts": {"F": {"at": "06:00-14:00", "days": "Mon-Fri"}}, **more,
        }
    )  # fmt: skip
    tables = {name: [{**dict.fromkeys(COLUMNS[name], ""), **row} for row in rows] for name, rows in (words or {}).items()}
    return Stated(
        plant,
        Settings(state_method="RESIDUAL", microstop_s=300, plan_freeze_h=24, rate_basis=("ENGINEERED", "TARGET"), flicker=False),
        Vocabularies(tables, []),
        "USD",
        root,
        NOW,
    )


def test_settings_reach_sql_as_rows() -> None:
    found = statements.statements(stated())
    assert found["plant_setting"].select("microstop_s", "plan_freeze_s").row(0) == (300, 86400)
    assert found["rate_basis_rank"].select("rate_basis", "rank").rows() == [("ENGINEERED", 1), ("TARGET", 2)]
    assert found["class_precedence"].select("state_class", "level").rows()[0] == ("DELAY_EQ", 10)


def test_a_plant_says_its_currency_or_takes_the_portfolios() -> None:
    assert statements.statements(stated())["plant"]["currency"].item() == "USD"
    assert statements.statements(stated(currency="EUR"))["plant"]["currency"].item() == "EUR"


def test_the_reason_map_of_a_plant_is_its_own_and_that_of_every_plant() -> None:
    rows = [{"plant": plant, "source_code": "17", "reason_code": reason} for plant, reason in (("p", "A"), ("*", "B"), ("q", "C"))]
    assert statements.statements(stated({"reason_map": rows}))["map_downtime_reason"]["reason_code"].to_list() == ["A", "B"]


def test_the_pattern_gives_windows_and_breaks_in_utc() -> None:
    breaks = {"lunch": {"at": "10:00-10:30", "days": "Mon-Fri"}}
    found = statements.calendar(stated(breaks=breaks, holidays=[date(2025, 6, 3)]), date(2025, 6, 2), date(2025, 6, 3))
    # Sunday 1 June to Wednesday 4 June, the neighbours of the span; Tuesday is a holiday. 06:00 in Berlin is 04:00 UTC.
    assert found["shift_instance"]["start_ts"].to_list() == [datetime(2025, 6, day, 4, tzinfo=UTC) for day in (2, 4)]
    assert found["planned_downtime"].select("start_ts", "planned_class").rows()[0] == (datetime(2025, 6, 2, 8, tzinfo=UTC), "PLANNED_BREAK")


def test_an_unknown_calendar_is_whole_production_days() -> None:
    found = statements.calendar(stated(calendar="none", shifts={}, production_day_start="06:00"), date(2025, 6, 2), date(2025, 6, 2))
    assert found["shift_instance"].select("shift_code", "start_ts", "source").rows()[1] == (
        "DAY",
        datetime(2025, 6, 2, 4, tzinfo=UTC),
        "NONE",
    )


def test_calendars_that_records_bring_are_not_stated() -> None:
    assert statements.calendar(stated(calendar="records"), date(2025, 6, 2), date(2025, 6, 3))["shift_instance"].is_empty()


def test_public_holidays_and_a_file_of_dates(tmp_path: Path) -> None:
    assert date(2025, 10, 3) in statements.holidays_of(stated(holidays="DE-BY").plant, tmp_path, [2025])
    (tmp_path / "free.txt").write_text("2025-12-24\n\n2025-12-31 half day\n")
    assert statements.holidays_of(stated(holidays="free.txt").plant, tmp_path, [2025]) == {date(2025, 12, 24), date(2025, 12, 31)}


def test_ideal_rates_in_seconds_a_piece() -> None:
    rows = [
        {"plant": "p", "equipment": "M1", "rate": "120", "unit": "1/h"},  # 3600 s / 120 = 30 s
        {"plant": "p", "equipment": "M2", "rate": "1", "unit": "min", "pieces_per_cycle": "4"},  # 60 s for four = 15 s
    ]
    assert statements.ideal_rates(stated({"ideal_rates": rows}))["pri_s"].to_list() == [30.0, 15.0]


def test_an_ideal_rate_in_a_unit_that_is_none_is_told() -> None:
    with pytest.raises(ConfigError, match="neither a time per piece"):
        statements.ideal_rates(stated({"ideal_rates": [{"plant": "p", "rate": "1", "unit": "kg"}]}))


def test_an_ideal_rate_in_the_plants_own_unit() -> None:
    words = {"ideal_rates": [{"plant": "p", "rate": "2", "unit": "Takt"}], "unit_aliases": [{"plant": "p", "alias": "Takt", "ucum": "min"}]}
    assert statements.ideal_rates(stated(words))["pri_s"].to_list() == [120.0]


def test_a_rate_of_zero_is_told_and_not_divided_by() -> None:
    with pytest.raises(ConfigError, match="rate"):
        statements.ideal_rates(stated({"ideal_rates": [{"plant": "p", "rate": "0", "unit": "1/h", "line": "3"}]}))


def frozen(quarter: str, pri_s: str, **more: str) -> dict[str, str]:
    return {"plant": "p", "equipment": "M1", "material": "A", "quarter": quarter, "pri_s": pri_s, "hours": "22", **more}


def test_a_frozen_rate_holds_until_a_later_quarter_says_something_else_of_its_key() -> None:
    lines = [
        frozen("2025-Q3", "30.5"), frozen("2025-Q1", "31"), frozen("2026-Q1", ""), frozen("2026-Q2", "29"), frozen("2025-Q4", "12", tool="T1"),
    ]  # fmt: skip
    found = statements.ideal_rates(stated({"demonstrated_rates": lines}, production_day_start="06:00"))
    assert set(found["rate_basis"]) == {"BEST_DEMONSTRATED"}
    # Quarters begin with their first production day, at 06:00 in Berlin: 05:00 UTC in winter, 04:00 in summer. The line without a rate
    # ends that of 2025-Q3; nothing ends the last, nor that of tool T1.
    assert found.sort("valid_from").select("pri_s", "tool_code", "valid_from", "valid_to").rows() == [
        (31.0, None, datetime(2025, 1, 1, 5, tzinfo=UTC), datetime(2025, 7, 1, 4, tzinfo=UTC)),
        (30.5, None, datetime(2025, 7, 1, 4, tzinfo=UTC), datetime(2026, 1, 1, 5, tzinfo=UTC)),
        (12.0, "T1", datetime(2025, 10, 1, 4, tzinfo=UTC), None),
        (29.0, None, datetime(2026, 4, 1, 4, tzinfo=UTC), None),
    ]


def test_equipment_is_what_the_file_lists_and_the_data_named_less_what_a_master_brings() -> None:
    about = stated(equipment={"units": {"M1": {"class": "PRESS"}}, "class": "OTHER", "not_kpi_units": ["M3"]})
    found = statements.equipment(about, ["M1", "M2", "M3", "M4"], ["M4"])
    assert found.select("equipment_code", "equipment_class", "is_kpi_unit", "state_method").rows() == [
        ("M1", "PRESS", True, "RESIDUAL"), ("M2", "OTHER", True, "RESIDUAL"), ("M3", "OTHER", False, "RESIDUAL"),
    ]  # fmt: skip


LINE = {
    "equipment": {"units": {"S1": {}, "S2a": {"settings": {"microstop_s": 30}}, "S2b": {}, "S3": {}, "HALL": {"kpi_unit": False}}},
    "lines": {"L1": {"class": "PACK", "area": "HALL", "stations": ["S1", ["S2a", "S2b"], "S3"], "constraint": "S2a"}},
}


def named(frame: pl.DataFrame, *columns: str) -> pl.DataFrame:
    """Ids of units as their codes."""
    codes = {statements._id(stated(**LINE).plant, code): code for code in ("L1", "S1", "S2a", "S2b", "S3", "HALL")}
    return frame.with_columns(pl.col(*columns).replace(codes))


def test_the_stations_of_a_line_are_numbered_from_the_infeed() -> None:
    found = named(statements.statements(stated(**LINE))["line_station"], "line_id", "equipment_id")
    assert found.drop("plant_id", "valid_from").rows() == [
        ("L1", "S1", 1, 1, False, False), ("L1", "S2a", 2, 2, True, False), ("L1", "S2b", 3, 2, False, False), ("L1", "S3", 4, 3, False, True),
    ]  # fmt: skip


def test_a_line_is_a_kpi_unit_and_its_stations_keep_theirs_outside_of_the_roll_up() -> None:
    found = named(statements.equipment(stated(**LINE), [], []), "parent_equipment_id")
    columns = ("equipment_code", "parent_equipment_id", "level", "kpi_scope", "is_kpi_unit", "in_rollup", "equipment_class")
    assert sorted(found.select(columns).rows()) == [
        ("HALL", None, "Area", "MACHINE", False, True, None),
        ("L1", "HALL", "ProductionLine", "LINE", True, True, "PACK"),
        ("S1", "L1", "WorkUnit", "MACHINE", True, False, None), ("S2a", "L1", "WorkUnit", "MACHINE", True, False, None),
        ("S2b", "L1", "WorkUnit", "MACHINE", True, False, None), ("S3", "L1", "WorkUnit", "MACHINE", True, False, None),
    ]  # fmt: skip


def test_stations_that_a_master_brings_are_not_stated_twice() -> None:
    assert statements.equipment(stated(**LINE), [], ["S1", "S2a", "S2b", "S3"])["equipment_code"].to_list() == ["L1", "HALL"]


def test_settings_of_a_unit_stand_beside_those_of_the_plant() -> None:
    found = named(statements.statements(stated(**LINE))["plant_setting"], "equipment_id")
    assert found.select("equipment_id", "microstop_s", "plan_freeze_s", "flicker").rows() == [
        ("*", 300, 86400, False),
        ("S2a", 30, None, None),
    ]


def test_a_plant_says_how_its_own_oee_is_defined_and_nothing_else_is_known() -> None:
    (row,) = statements.statements(stated(definition={"breaks_in_pbt": True, "oee_scope": "LINE_END"}))[
        "plant_definition_profile"
    ].to_dicts()
    assert {name: value for name, value in row.items() if value is not None} == {
        "plant_id": "p", "breaks_in_pbt": True, "setup_in_pbt": True, "oee_scope": "LINE_END",
    }  # fmt: skip


def test_a_plants_own_lines_stand_instead_of_those_for_every_plant() -> None:
    factors = [
        {"plant": plant, "carrier": carrier, "kg_per_kwh": factor}
        for plant, carrier, factor in (("*", "GAS", "0.2"), ("*", "ELECTRICITY", "0.4"), ("p", "ELECTRICITY", "0.1"), ("q", "GAS", "9"))
    ]
    families = [{"plant": "p", "material": "A", "family": "CUPS", "weight": "2"}, {"plant": "p", "material": "B", "family": "LIDS"}]
    found = statements.statements(stated({"emission_factors": factors, "product_families": families}))
    assert found["emission_factor"].select("carrier", "kg_per_kwh").rows() == [("GAS", 0.2), ("ELECTRICITY", 0.1)]
    assert found["product_family"].select("family", "weight").rows() == [("CUPS", 2.0), ("LIDS", 1.0)]


def test_rates_classes_and_targets_are_of_the_whole_portfolio() -> None:
    words = {
        "fx": [{"from_ccy": "EUR", "to_ccy": "USD", "period": "2026-09", "rate_type": "AVG", "rate": "1.10"}],
        "equipment_classes": [{"equipment_class": "PRESS", "name": "Press"}],
        "targets": [{"kpi_id": "OEE", "scope_type": "PLANT", "scope_id": "*", "target": "0.8", "valid_from": "2026-01-01"}],
    }
    found = statements.of_portfolio(stated(words).words)
    assert found["fx_rate"].rows() == [("*", "EUR", "USD", date(2026, 9, 1), "AVG", Decimal("1.10000000"))]
    assert found["equipment_class"].rows() == [("*", "PRESS", "Press", None)]
    assert found["kpi_target"].rows() == [("*", "OEE", "PLANT", "*", 0.8, date(2026, 1, 1), None)]
