"""The frame of every page in a real browser: silent, from its own files alone, at every size, with the keyboard, on paper.

Here: what holds on all pages. Elsewhere: figures (`test_cards.py`), names that are no names (`test_hostile_names.py`), each page's own
(`test_*_page.py`). The end of the fixture `browser` looks at the console and at what was asked of other hosts.
"""

from __future__ import annotations

import csv
from pathlib import Path

import pytest
from selenium.webdriver.common.keys import Keys

from docs.browser import Browser

PAGES = ("/portfolio", "/portfolio?scope=CLASS:INJ_MOULD&family=housing", "/compare", "/plant/deu01", "/trust", "/handbook")
WIDTHS = (360, 768, 1440, 2560)
READABLE = (Path(__file__).parent / "readable.js").read_text(encoding="utf-8")


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("page", PAGES)
def test_a_page_is_drawn_and_fits_every_width(browser: Browser, page: str, theme: str) -> None:
    browser.theme(theme).open(page)
    assert browser.run("return document.documentElement.dataset.theme") == theme
    assert browser.texts("[role=alert]") == []
    for width in WIDTHS:
        assert browser.size(width).settled().overflow() == 0, width


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("page", PAGES)
def test_a_page_can_be_read_by_whoever_sees_little_or_nothing(browser: Browser, page: str, theme: str) -> None:
    """Every control, picture and table has a name, headings are in order, text has an AA contrast."""
    browser.theme(theme).open(page).whole()
    assert browser.run(READABLE) == []


# --- the address ---


def test_an_address_leads_to_its_state_and_back_leads_back(browser: Browser) -> None:
    browser.open("/compare?period=QUARTER:2026-10-01&profile=TPM")
    assert browser.chosen() == {"kind": "QUARTER", "period": "2026-10-01", "profile": "TPM"} | browser.chosen("#main")
    assert browser.texts("nav a[aria-current]") == ["Compare"]
    browser.follow(browser.one("nav a[href*='/portfolio']").click)
    assert (browser.texts("nav a[aria-current]"), browser.chosen("#top")["profile"]) == (["Portfolio"], "TPM")
    browser.follow(browser.driver.back)
    assert browser.driver.current_url.endswith("#/compare?period=QUARTER:2026-10-01&profile=TPM")
    assert browser.texts("nav a[aria-current]") == ["Compare"]


@pytest.mark.parametrize(
    "place",
    [
        "/nowhere",
        "/portfolio?period=YEAR:1900-01-01&profile=X&kpi=NONE&scope=A:b&family=none",
        "/plant/no%2Fsuch%ZZ",
        "/compare?plants=a,b",
    ],
)
def test_an_address_that_leads_nowhere_is_no_error(browser: Browser, place: str) -> None:
    browser.open(place, fresh=True)
    assert browser.texts("main h2, main .headline, main .nothing") != []
    assert browser.texts("[role=alert]") == []


def test_a_page_opened_from_a_folder_tells_how_to_open_it(browser: Browser, site_folder: Path) -> None:
    browser.driver.get((site_folder / "index.html").as_uri())
    told = browser.until(
        "const late = document.querySelector('.late'); return getComputedStyle(late).visibility === 'visible' && late.textContent",
        "what helps",
    )
    assert "plantlake serve" in told
    assert any("blocked" in said for said in browser.noticed())  # the browser's own words: they are not another page's


def test_filters_are_in_the_address_and_move_the_figures(browser: Browser) -> None:
    browser.open("/portfolio")
    seen = {tuple(browser.texts(".kpi .value"))}
    for name, value in (("profile", "TPM"), ("kind", "WEEK"), ("scope", "COMPANY:Quill Foods")):
        browser.follow(lambda name=name, value=value: browser.choose(name, value))
        assert value.split(":")[0] in browser.driver.current_url
        assert browser.chosen()[name] == value
        seen.add(tuple(browser.texts(".kpi .value")))
    assert len(seen) == 4
    linked = browser.driver.current_url.split("#")[1]
    shown = browser.texts(".kpi .value")
    assert browser.open(linked, fresh=True).texts(".kpi .value") == shown


# --- the keyboard ---


def test_the_keyboard_reaches_everything_in_the_order_of_the_page(browser: Browser) -> None:
    browser.open("/portfolio", fresh=True).keys(Keys.TAB)
    assert browser.focused().text == "Skip to the numbers"
    assert browser.run("return document.activeElement.getBoundingClientRect().left") >= 0  # in sight as soon as it has the focus
    browser.keys(Keys.ENTER)
    browser.until("return document.activeElement.id === 'main'", "the focus to go to the numbers")
    assert browser.driver.current_url.split("#")[1] == "/portfolio"

    browser.open("/portfolio", fresh=True)
    reached = []
    for _ in range(12):
        browser.keys(Keys.TAB)
        reached.append(browser.run("const at = document.activeElement; return at.name || at.textContent"))
        assert browser.run(
            "const s = getComputedStyle(document.activeElement); return s.outlineStyle !== 'none' && s.outlineWidth !== '0px'"
        )
    assert reached[:9] == ["Skip to the numbers", "Portfolio", "Compare", "Plants", "Trust", "Handbook", "kind", "period", "profile"]


def test_a_filter_changed_with_the_keyboard_keeps_the_focus(browser: Browser) -> None:
    browser.open("/portfolio")
    for name in ("profile", "kpi"):
        browser.run("document.querySelector(`select[name=${arguments[0]}]`).focus()", name)
        before = browser.driver.current_url
        browser.follow(lambda: browser.keys(Keys.ARROW_DOWN))
        assert browser.driver.current_url != before
        assert browser.focused().get_attribute("name") == name


def test_a_table_is_sorted_with_the_keyboard_and_says_so(browser: Browser) -> None:
    browser.open("/portfolio")
    table = "const table = document.querySelector('main table'); "

    def plants() -> list[str]:
        return list(browser.run(table + "return [...table.tBodies[0].rows].map((row) => row.cells[1].textContent)"))

    def says() -> str:
        return str(browser.run(table + "return table.tHead.rows[0].cells[1].ariaSort"))

    ranked = plants()
    browser.run(table + "table.querySelectorAll('.sort')[1].focus()")
    browser.keys(Keys.ENTER)
    assert (plants(), says()) == (sorted(ranked), "ascending")
    browser.keys(Keys.ENTER)
    assert (plants(), says()) == (sorted(ranked, reverse=True), "descending")


# --- what is taken away ---


def test_a_table_is_saved_as_it_is_shown(browser: Browser) -> None:
    browser.open("/portfolio").run("document.querySelectorAll('details.told').forEach((one) => { one.open = true; })")
    path = browser.downloaded(browser.one("details.told .small").click)
    header, *rows = csv.reader(path.read_text(encoding="utf-8-sig").splitlines())
    assert header == browser.texts("details.told:first-of-type table thead th")[: len(header)]
    place = header.index("Plant")
    shown = browser.run(
        "return [...document.querySelector('details.told table').tBodies[0].rows].map((row) => row.cells[arguments[0]].textContent)", place
    )
    assert [row[place] for row in rows] == shown


def test_all_tables_of_a_page_are_one_file(browser: Browser) -> None:
    browser.open("/portfolio")
    captions = browser.texts("main table caption")
    path = browser.downloaded(
        lambda: browser.run("[...document.querySelectorAll('.tools button')].find(b => b.textContent === 'CSV').click()")
    )
    lines = path.read_text(encoding="utf-8-sig").splitlines()
    assert [caption for caption in captions if not any(caption in line for line in lines)] == []


@pytest.mark.parametrize("page", PAGES)
def test_on_paper_every_chart_is_drawn_and_nothing_is_cut_off(browser: Browser, page: str) -> None:
    browser.open(page, fresh=True)
    assert browser.pdf()[:5] == b"%PDF-"
    undrawn = (
        "return [...document.querySelectorAll('.chart')].filter((one) => !one.querySelector('svg, canvas')).map((one) => one.ariaLabel)"
    )
    assert browser.run(undrawn) == []
    with browser.on_paper():
        wide = "return [...document.querySelectorAll('main *')].filter((n) => n.getBoundingClientRect().right > innerWidth + 1).length"
        assert browser.run(wide) == 0
        assert (
            browser.run(
                "return [...document.querySelectorAll('nav, .tools, select, button:not(.sort)')].filter((n) => n.checkVisibility()).length"
            )
            == 0
        )
