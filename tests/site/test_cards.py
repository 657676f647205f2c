"""Cards say what kpi_value says: at every level, of every definition and kind of period, in the words of the page."""

from __future__ import annotations

import pytest

from docs.browser import Browser
from publish.reader import Snapshot

SHOWN = {"OEE": "ratio", "A": "ratio", "E": "ratio", "Q": "ratio", "TEEP": "ratio", "SCRAP": "ratio"}


@pytest.mark.parametrize("profile", ["ISO", "TPM", "LOCAL"])
@pytest.mark.parametrize(("kind", "start"), [("MONTH", "2026-10-01"), ("QUARTER", "2026-10-01"), ("WEEK", "2026-10-19")])
def test_cards_of_the_portfolio_are_kpi_value(browser: Browser, snapshot: Snapshot, profile: str, kind: str, start: str) -> None:
    expected = dict(
        snapshot.rows(
            f"SELECT kpi_id, value FROM kpi_value WHERE scope_type = 'PORTFOLIO' AND profile = '{profile}' AND period_type = '{kind}'"
            f" AND period_start = DATE '{start}' AND shift_code IS NULL"
        )
    )
    browser.open(f"/portfolio?period={kind}:{start}&profile={profile}")
    said = dict(
        browser.run(
            "return [...document.querySelectorAll('.kpi')].map((card) => [card.dataset.kpi, card.querySelector('.value').textContent])"
        )
    )
    for kpi in SHOWN:
        value = expected.get(kpi)
        assert said[kpi] == ("–" if value is None else f"{100 * value:.1f} %"), kpi
