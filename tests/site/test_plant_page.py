"""The page of a plant: the cards say what kpi_value says, from the plant down to a machine."""

from __future__ import annotations

import pytest

from docs.browser import Browser
from publish.reader import Snapshot

CARDS = ("OEE", "A", "E", "Q")


def shown(browser: Browser, kpi: str) -> str:
    return browser.texts(f'[data-kpi="{kpi}"] .value')[0]


def expected(snapshot: Snapshot, kpi: str, scope: str, scope_id: str) -> str:
    (value,) = snapshot.rows(
        "SELECT value FROM kpi_value WHERE kpi_id = ? AND scope_type = ? AND scope_id = ? AND profile = 'ISO' AND period_type = 'MONTH'"
        " AND period_start = DATE '2026-10-01' AND shift_code IS NULL", [kpi, scope, scope_id],
    )[0]  # fmt: skip
    return f"{100 * value:.1f} %"


def test_drilling_from_the_plant_to_a_machine_shows_the_values_of_each(browser: Browser, snapshot: Snapshot) -> None:
    browser.open("/plant/deu01?period=MONTH:2026-10-01")
    assert [shown(browser, kpi) for kpi in CARDS] == [expected(snapshot, kpi, "PLANT", "deu01") for kpi in CARDS]
    ((machine, name),) = snapshot.rows("SELECT equipment_id, equipment_name FROM equipment WHERE plant_id = 'deu01' ORDER BY ALL LIMIT 1")
    browser.open(f"/plant/deu01?period=MONTH:2026-10-01&unit={machine}")
    assert [shown(browser, kpi) for kpi in CARDS] == [expected(snapshot, kpi, "EQUIPMENT", machine) for kpi in CARDS]
    assert name in browser.texts(".crumbs")[0]
    assert f"plantlake explain OEE --plant deu01 --period 2026-10 --unit {machine}" in browser.texts(".command")[0]


@pytest.mark.parametrize("width", [360, 1440])
def test_every_plant_is_drawn_without_overflow(browser: Browser, snapshot: Snapshot, width: int) -> None:
    browser.size(width)
    for (plant,) in snapshot.rows("SELECT plant_id FROM plant_status ORDER BY plant_id LIMIT 3"):
        browser.open(f"/plant/{plant}")
        assert browser.overflow() <= 0


def test_an_unknown_plant_says_so(browser: Browser) -> None:
    browser.open("/plant/%3Cscript%3E")
    assert "There is no such plant" in browser.texts("#main")[0]
