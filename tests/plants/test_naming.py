"""What an export's name states: when it was taken and which window it covers, in UTC."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from connectors.errors import ConformError
from connectors.models import PlantFile
from connectors.naming import Stated, stated


def told(name: str, day_start: str = "00:00", zone: str = "Europe/Berlin", **source: Any) -> Stated:
    about = {"kind": "delimited", "path": "*", "tables": {"equipment": {"columns": {"equipment": "U"}}}, **source}
    plant = PlantFile.model_validate(
        {
            "plant": "p",
            "name": "P",
            "company": "c",
            "timezone": zone,
            "calendar": "none",
            "production_day_start": day_start,
            "sources": {"s": about},
        }
    )
    return stated(plant, plant.sources["s"], name)


def at(month: int, day: int, hour: int = 0, minute: int = 0) -> datetime:
    return datetime(2025, month, day, hour, minute, tzinfo=UTC)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("a_20250602143000.csv", at(6, 2, 12, 30)), ("a_20250602T143000.csv", at(6, 2, 12, 30)), ("a_2025-06-02_14-30.csv", at(6, 2, 12, 30)),
        ("a_202506021430.csv", at(6, 2, 12, 30)), ("a_20250602.csv", at(6, 1, 22)), ("a_2025-W23-1.csv", at(6, 1, 22)),
    ],
)  # fmt: skip
def test_common_formats_need_no_format(name: str, expected: datetime) -> None:
    assert told(name, exported_at={"from_name": r"a_(.*)\.csv"}).exported_at == expected  # Berlin is at +2 in June


def test_a_format_of_the_plants_own() -> None:
    assert told("a_02-06-25.csv", exported_at={"from_name": r"a_(.*)\.csv", "format": "%d-%m-%y"}).exported_at == at(6, 1, 22)


def test_a_day_in_the_name_is_the_production_day() -> None:
    found = told("a_20250602.csv", day_start="06:00", covers={"from_name": r"a_(\d{8})"})
    assert (found.covers_from, found.covers_to) == (at(6, 2, 4), at(6, 3, 4))


def test_the_day_on_which_the_clock_changes_has_25_hours() -> None:
    found = told("a_20251026.csv", covers={"from_name": r"a_(\d{8})"})
    assert (found.covers_from, found.covers_to) == (at(10, 25, 22), at(10, 26, 23))


def test_a_month_is_a_whole_month() -> None:
    found = told("a_2025-12.csv", zone="UTC", covers={"from_name": r"a_(\d{4}-\d{2})"})
    assert (found.covers_from, found.covers_to) == (at(12, 1), datetime(2026, 1, 1, tzinfo=UTC))


def test_two_groups_are_start_and_end() -> None:
    found = told("a_20250602-20250609.csv", zone="UTC", covers={"from_name": r"a_(\d{8})-(\d{8})"})
    assert (found.covers_from, found.covers_to) == (at(6, 2), at(6, 9))


def test_a_source_in_utc_names_its_times_in_utc() -> None:
    assert told("a_20250602T143000.csv", timezone="UTC", exported_at={"from_name": r"a_(.*)\.csv"}).exported_at == at(6, 2, 14, 30)


@pytest.mark.parametrize("name", ["b_20250602.csv", "a_20251332.csv", "a_soon.csv"])
def test_a_name_that_does_not_fit_is_told(name: str) -> None:
    with pytest.raises(ConformError, match=r"does not fit|cannot be read"):
        told(name, exported_at={"from_name": r"a_(.*)\.csv"})


def test_nothing_is_stated_where_nothing_is_asked() -> None:
    assert told("a_20250602.csv") == Stated()
