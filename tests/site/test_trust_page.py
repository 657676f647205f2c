"""The pages Trust and Handbook in a real browser, held against what the snapshot says."""

from __future__ import annotations

from urllib.parse import unquote

from dbt_project.catalogue import published
from docs.browser import Browser
from publish.reader import Snapshot

RED = "Harrow Precision"
"""gbr01 of the sample: its machines stop without a code, so no stop time has a name."""


def cells(browser: Browser, column: int) -> dict[str, str]:
    """The overview by plant: one of its columns (1: plant)."""
    names, texts = browser.texts(".health tbody th"), browser.texts(f".health tbody tr > :nth-child({column})")
    return dict(zip(names, texts, strict=True))


def test_the_overview_says_of_each_plant_what_the_snapshot_says(browser: Browser, snapshot: Snapshot) -> None:
    waiting = dict(
        snapshot.rows(
            "SELECT s.plant_name, count(q.rule) / any_value(s.records_read) FROM plant_status AS s"
            " LEFT JOIN quarantine AS q ON q.plant_id = s.plant_id AND q.resolved_at IS NULL GROUP BY ALL"
        )
    )
    told = cells(browser.open("/trust"), 5)
    assert {name: text.split(": ")[1] for name, text in told.items()} == {
        name: f"{share:.1%} wait".replace("%", " %") for name, share in waiting.items()
    }
    assert next(iter(told)) == RED


def test_a_mark_is_a_word_and_a_sign_not_a_colour_alone(browser: Browser) -> None:
    marks = browser.open("/trust").texts(".health .mark")
    signs = {"good": "✓", "watch": "!", "bad": "✕", "unknown": "?"}
    assert len(marks) == 8 * 6
    assert [mark for mark in marks if not any(mark.startswith(f"{sign}{word}: ") for word, sign in signs.items())] == []


def test_a_cell_leads_to_the_plant_and_the_section_that_says_more(browser: Browser) -> None:
    cell = browser.open("/trust").one(".health .mark.bad")
    browser.follow(lambda: cell.send_keys("\n"))
    assert "plant=gbr01" in browser.driver.current_url
    assert browser.texts(".health tbody th") == [RED]
    assert "plantlake reasons suggest --plant gbr01" in browser.texts("#trust-mapped code")
    assert browser.texts("#trust-mapped tbody tr") != []
    browser.until("return Math.abs(document.getElementById('trust-mapped').getBoundingClientRect().top) < innerHeight", "the section")


def test_what_is_typed_chooses_plants_and_stands_in_the_address(browser: Browser) -> None:
    field = browser.open("/trust").one("input[name=find]")
    field.send_keys("quill juices")
    browser.until("return document.querySelectorAll('.health tbody tr').length === 1", "one plant")
    assert browser.texts(".health tbody th") == ["Quill Juices East"]
    assert "find=quill juices" in unquote(browser.driver.current_url).replace("+", " ")
    field.send_keys(" nowhere")
    browser.until("return document.querySelector('.health') === null", "no plant")
    assert "No plant fits" in browser.texts("#main h2")


def test_all_records_of_the_ledger_are_accounted_for(browser: Browser, snapshot: Snapshot) -> None:
    ((read, rejected),) = snapshot.rows("SELECT CAST(sum(records_read) AS BIGINT), CAST(sum(rejected) AS BIGINT) FROM export_ledger")
    told = browser.open("/trust").texts("#trust-complete > p")[1]
    assert f"All {read:,} records are accounted for." in told
    assert f"{rejected:,} rejected" in told


def test_checks_that_fail_stand_with_what_was_seen_and_what_is_allowed(browser: Browser, snapshot: Snapshot) -> None:
    failing = snapshot.rows(
        "SELECT check_name FROM (SELECT * FROM quality_results QUALIFY refresh_id = max(refresh_id) OVER (PARTITION BY plant_id, table_name))"
        " WHERE status = 'FAIL'"
    )
    shown = browser.open("/trust").texts("#trust-checks tbody td:nth-child(3)")
    assert sorted(shown) == sorted(name.replace("_", " ") for (name,) in failing)


def test_every_table_of_the_page_is_saved_whole(browser: Browser, snapshot: Snapshot) -> None:
    browser.open("/trust")
    saved = browser.downloaded(lambda: browser.one("#trust-complete button.small").click()).read_text(encoding="utf-8-sig").splitlines()
    ((rows,),) = snapshot.rows("SELECT count(*) FROM (SELECT DISTINCT plant_id, source_system, table_name FROM export_ledger)")
    assert len(saved) == 1 + rows
    assert saved[0].startswith("Plant,Source,Table,Exports,Read,Accepted,Rejected,Duplicate,Filtered,Unaccounted,Rows written")


def test_the_handbook_has_every_kpi_and_finds_by_words(browser: Browser) -> None:
    kpis = published()["kpis"]
    browser.open("/handbook")
    assert sorted(browser.texts(".groups li .soft")) == sorted(kpi["id"] for kpi in kpis)
    browser.one("input[name=find]").send_keys("time between failures")
    browser.until("return document.querySelectorAll('.groups li').length < 10", "fewer KPIs")
    assert "MTBF" in browser.texts(".groups li .soft")


def test_a_kpi_has_an_address_that_says_what_it_is_and_who_lacks_it(browser: Browser, snapshot: Snapshot) -> None:
    lacking = snapshot.rows(
        "SELECT DISTINCT s.plant_name FROM kpi_value AS v JOIN plant_status AS s ON s.plant_id = v.scope_id WHERE kpi_id = 'A'"
        " AND scope_type = 'PLANT' AND profile = 'ISO' AND period_type = 'MONTH' AND v.status = 'NOT_COMPUTABLE'"
        " AND period_start = (SELECT max(period_start) FROM kpi_value WHERE kpi_id = 'OEE' AND period_type = 'MONTH' AND scope_type = 'PLANT')"
    )
    browser.open("/handbook/A")
    assert browser.texts(".entry h2") == ["Availability (A)"]
    assert "APT / PBT" in browser.texts(".entry dd")
    assert any(text.startswith("R1: sum the seconds of both sides") for text in browser.texts(".entry dd"))
    assert sorted(browser.texts(".entry a")) == sorted(name for (name,) in lacking) != []


def test_a_kpi_that_is_not_there_is_named(browser: Browser) -> None:
    browser.open("/handbook/%3Cscript%3E")
    assert browser.texts("#main h2")[0] == "There is no KPI <script>"
