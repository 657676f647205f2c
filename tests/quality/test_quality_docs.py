"""Data Docs: pages that stand alone, name the worst plants first, and take names as text."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from lake_of_two_plants import AT
from lxml import html

from quality_checks import docs
from quality_checks import store as stores
from quality_checks.measuring import PROFILE
from quality_checks.runner import RESULTS
from quality_checks.store import Store
from quality_checks.suites import CHECKS

HOSTILE = "<script>alert('x')</script> & \"sons\""
NO_PROFILES = pl.DataFrame(schema=PROFILE)


def failure(
    plant: str, table: str, check: str, refresh_id: str = "r1", status: str = "FAIL", observed: float | None = 0.25
) -> dict[str, Any]:
    about = next(one for one in CHECKS[table] if one.name == check)
    return {
        "refresh_id": refresh_id, "checked_at": AT, "plant_id": plant, "table_name": table, "check_name": check, "rung": about.rung,
        "severity": about.severity, "status": status, "measure": about.measure, "observed": observed, "limit_low": about.low,
        "limit_high": about.high, "rows": 12, "reason": about.reason,
    }  # fmt: skip


def page(*rows: dict[str, Any]) -> html.HtmlElement:
    return html.fromstring(docs.page("r1", pl.DataFrame(rows, schema=RESULTS)))


def cells(row: html.HtmlElement) -> list[str]:
    return [cell.text_content().strip() for cell in row]


def test_a_failure_says_what_was_seen_what_is_allowed_why_whose_and_until_when() -> None:
    tree = page(failure("tulsa", "equipment_state_event", "reasons_mapped"))
    (row,) = tree.xpath("//h3/following-sibling::div[1]//tbody/tr")
    check = next(one for one in CHECKS["equipment_state_event"] if one.name == "reasons_mapped")
    assert cells(row) == [
        "equipment_state_event", "reasons_mapped", "FAIL, warning", "0.25", "≤ 0.1", check.reason, check.owner, check.review.isoformat(),
    ]  # fmt: skip


def test_the_worst_plants_stand_first() -> None:
    tree = page(
        failure("many", "tag", "names_distinct"), failure("many", "material", "cost_not_negative"),
        failure("worst", "tag", "names_distinct"), failure("worst", "candidate_parts", "key_unique"),
        failure("one", "material", "cost_not_negative"), failure("sound", "material", "cost_not_negative", status="PASS"),
    )  # fmt: skip
    assert [title.text_content() for title in tree.xpath("//h3")] == [
        "worst: 2 blocking, 0 warnings", "many: 1 blocking, 1 warning", "one: 1 warning",
    ]  # fmt: skip
    assert "4 plants judged, 3 with failures, 2 of them blocking." in tree.text_content()


def test_every_check_is_counted_by_status_with_the_range_that_was_observed() -> None:
    tree = page(
        failure("a", "material", "cost_not_negative", observed=2.0), failure("b", "material", "cost_not_negative", status="PASS", observed=0.0),
        failure("c", "material", "cost_not_negative", status="SKIPPED", observed=None),
    )  # fmt: skip
    (row,) = tree.xpath("//details//tbody/tr")
    assert cells(row)[:8] == ["cost_not_negative", "plausible", "warning", "1", "1", "1", "0 to 2", "≤ 0"]
    assert tree.xpath("//summary")[0].text_content() == "material: 1 of 1 checks failed by a plant"


def test_a_check_that_was_dropped_since_is_still_shown() -> None:
    row = {**failure("a", "material", "cost_not_negative"), "check_name": "of_old", "reason": "it was so"}
    assert "of_old" in page(row).text_content()


def test_names_are_text_whatever_they_are(tmp_path: Path) -> None:
    row = {**failure(HOSTILE, "tag", "names_distinct"), "reason": HOSTILE}
    text = docs.page("r1", pl.DataFrame([row], schema=RESULTS))
    assert "<script" not in text
    tree = html.fromstring(text)
    assert HOSTILE in tree.xpath("//h3")[0].text_content()
    assert tree.xpath("//*[@aria-label]")[0].get("aria-label") == f"Failed checks of {HOSTILE}"


def test_pages_load_nothing_and_run_nothing() -> None:
    for text in (
        docs.page("r1", pl.DataFrame([failure("a", "tag", "names_distinct")], schema=RESULTS)),
        docs.index(["r1"], pl.DataFrame(schema=RESULTS)),
    ):
        assert not re.search(r"https?:|//\w|url\(|@import|<script|<link|<img", text)
        assert "default-src 'none'" in text


def test_tables_have_headers_and_the_page_a_language_and_a_width_for_phones() -> None:
    tree = page(failure("a", "tag", "names_distinct"))
    assert tree.get("lang") == "en"
    assert tree.xpath("//meta[@name='viewport']/@content") == ["width=device-width, initial-scale=1"]
    for table in tree.xpath("//table"):
        assert all(header.get("scope") == "col" for header in table.xpath("./thead//th"))
        assert len({len(row) for row in table.xpath(".//tr")}) == 1
        assert all(row.xpath("./th[@scope='row']") for row in table.xpath("./tbody/tr"))
    assert len(tree.xpath("//h1")) == 1


def _luminance(colour: str) -> float:
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


@pytest.mark.parametrize("mode", ["light", "dark"])
def test_words_are_readable_in_both_modes(mode: str) -> None:
    """WCAG 2.2, 1.4.3: a contrast of 4.5 between text and what is behind it."""
    found = re.findall(r"--(\w+): (#\w{6})", docs.STYLE)
    colours = dict(found[: len(found) // 2] if mode == "light" else found[len(found) // 2 :])
    for text in ("text", "dim", "bad", "warn", "good", "link"):
        for back in ("back", "head"):
            one, other = sorted((_luminance(colours[text]), _luminance(colours[back])))
            assert (other + 0.05) / (one + 0.05) >= 4.5, (text, back)


def test_a_page_per_refresh_and_a_list_of_those_that_are_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stores, "KEPT", 2)
    store = Store(tmp_path)
    for name in ("20261120T120000Z", "20261120T130000Z", "20261120T140000Z"):
        store.save(
            name,
            NO_PROFILES,
            pl.DataFrame(
                [failure("a", "tag", "names_distinct", name), failure("a", "material", "cost_not_negative", name)], schema=RESULTS
            ),
        )
        path = docs.write(store, name)
        assert path == tmp_path / "docs" / name / "index.html"
        assert f"Quality of refresh {name}" in path.read_text(encoding="utf-8")
    tree = html.parse(str(tmp_path / "docs" / "index.html")).getroot()
    assert tree.xpath("//tbody//a/@href") == ["20261120T140000Z/index.html", "20261120T130000Z/index.html"]
    assert cells(tree.xpath("//tbody/tr")[0]) == ["20261120T140000Z", "1", "1", "1"]
    assert sorted(path.name for path in (tmp_path / "docs").iterdir()) == ["20261120T130000Z", "20261120T140000Z", "index.html"]


def test_a_refresh_that_judged_nothing_has_a_page_too(tmp_path: Path) -> None:
    path = docs.write(Store(tmp_path), "20261120T120000Z")
    assert "0 plants judged" in path.read_text(encoding="utf-8")


def test_a_refresh_without_failures_says_so() -> None:
    assert "No plant of this refresh fails a check." in page(failure("a", "material", "cost_not_negative", status="PASS")).text_content()
