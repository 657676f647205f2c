"""Names that are no names, and portfolios without figures, on every page: text stays text, and nothing is drawn of nothing."""

from __future__ import annotations

import csv
import io
import shutil
from pathlib import Path
from typing import Any

import duckdb
from golden_portfolio import refresh
from test_frame import PAGES

from connectors.portfolio import read
from docs.browser import Browser, served
from pipelines import upkeep
from pipelines.lake import Lake
from publish import site

NAMES = {
    "cze01": "<img src=x onerror=\"document.body.dataset.hacked='1'\">", "deu01": "=cmd|' /C calc'!A0", "deu02": "مصنع الصلب \u202egnitsac",
    "gbr01": "上海第二轧钢厂", "ind01": "W" * 200, "mex01": "\n\tÜñ </script><script>document.body.dataset.hacked='2'</script>",
    "usa01": "'\"><b>bold</b>&amp;${7*7}{{7*7}}", "usa02": "",
}  # fmt: skip
COMPANIES = {
    "Harrow Packaging": "<svg onload=document.body.dataset.hacked=3>",
    "Quill Foods": "+" + "a long company " * 14,
    "Linden Components": "שלום",
}
OTHER = {
    "plant_status": "company_of(company) AS company, name_of(plant_id) AS plant_name, 'STALE' AS status, '<i>x</i>' AS stale_reason,"
                    " 'javascript:alert(1)' AS owner",
    "plant": "company_of(company) AS company, name_of(plant_id) AS plant_name, '<u>assumed</u>' AS assumptions",
    "unit_scope": "CASE scope_type WHEN 'COMPANY' THEN company_of(scope_id) ELSE scope_id END AS scope_id, CASE scope_type WHEN 'COMPANY'"
                  " THEN company_of(scope_id) WHEN 'EQUIPMENT' THEN '<b>' || scope_name WHEN 'PLANT' THEN name_of(scope_id) ELSE scope_name END"
                  " AS scope_name",
    "equipment": "'<b>' || equipment_name AS equipment_name",
    "downtime_reason": "'=1+1<b>' || reason_name AS reason_name",
}  # fmt: skip
"""What replaces the columns of a published table."""


def renamed(sample: Path, folder: Path) -> Lake:
    """A lake of the sample's own parts, under other names."""
    given = Lake(read(sample).lake)
    lake = Lake(folder / "lake").create()
    shutil.copy(given.snapshot, lake.snapshot)
    shutil.copy(given.metrics, lake.metrics)
    with duckdb.connect(str(lake.snapshot)) as con:
        for macro, names in (("name_of", NAMES), ("company_of", COMPANIES)):
            words = ", ".join(f"'{key}': {quoted(name)}" for key, name in names.items())
            con.execute(f"CREATE MACRO {macro}(id) AS coalesce(MAP {{{words}}}[id], id)")
        for view, columns in OTHER.items():
            con.execute(f"CREATE OR REPLACE VIEW {view} AS SELECT * REPLACE ({columns}) FROM ({definition(con, view)})")
    return lake


def definition(con: duckdb.DuckDBPyConnection, view: str) -> str:
    """The query behind a published table."""
    ((sql,),) = con.execute("SELECT sql FROM duckdb_views() WHERE view_name = ? AND NOT internal", [view]).fetchall()
    return str(sql).split(" AS ", 1)[1].rstrip(";")


def quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def every_page(browser: Browser, *more: str) -> list[Any]:
    """Goes through all pages at a wide and a narrow window; returns what is wrong with them."""
    wrong = []
    for page in (*PAGES, *more):
        for width in (1440, 360):
            browser.size(width).open(page)
            wrong += [(page, width, "wider than the window", by) for by in [browser.settled().overflow()] if by]
        wrong += [(page, alert) for alert in browser.texts("[role=alert]")]
    return wrong


def test_names_are_text_on_every_page(window: Browser, sample: Path, tmp_path: Path, newest_month: None) -> None:
    given = read(sample)
    file = given.file.model_copy(update={"name": "<h1>" + "Ünïcode 投资组合 " * 9})
    lake = renamed(sample, tmp_path)
    site.build(lake, type(given)(given.root, file, given.plants, given.broken, given.vocabularies), tmp_path / "site")
    with served(tmp_path / "site") as address:
        browser = window.at(address).theme("light")
        assert every_page(browser, "/plant/cze01", "/plant/mex01", "/compare?plants=ind01,usa01", "/trust?plant=cze01") == []
        assert browser.run("return document.body.dataset.hacked ?? null") is None

        browser.size(1440).open("/portfolio").whole()
        shown = browser.texts("main bdi")
        assert [name for name in NAMES.values() if name and " ".join(name.split()) not in shown] == []
        assert "usa02" in shown  # a plant without a name goes by its id
        assert browser.run("return document.querySelectorAll('main img, main b, main i, main u, main script, header h1 h1').length") == 0

        path = browser.downloaded(browser.one("details.told .small").click)
        cells = [cell for row in csv.reader(io.StringIO(path.read_text(encoding="utf-8-sig"), newline="")) for cell in row]
        assert "'" + NAMES["deu01"] in cells
        assert [cell for cell in cells if cell[:1] in ("=", "+", "@", "\t")] == []
        assert window.noticed() == []


def test_a_portfolio_without_figures_says_so_on_every_page(window: Browser, tmp_path: Path) -> None:
    """One plant that has delivered nothing; then none at all."""
    (tmp_path / "plants").mkdir()
    (tmp_path / "portfolio.yaml").write_text("name: New\n")
    columns = "{equipment: Unit, start_ts: From, end_ts: To, state_class: Class}"
    (tmp_path / "plants" / "a.yaml").write_text(
        "plant: a\nname: A\ncompany: acme\ntimezone: UTC\ncalendar: none\nsources:\n  mes:\n    kind: delimited\n    path: '*.csv'\n"
        f"    tables: {{equipment_state_event: {{columns: {columns}}}}}\n"
    )
    refresh(tmp_path)
    upkeep.close_dbt()
    portfolio = read(tmp_path)
    lake = Lake(portfolio.lake)
    for plants in (1, 0):
        with duckdb.connect(str(lake.snapshot)) as con:
            con.execute(f"CREATE OR REPLACE VIEW plant_status AS SELECT * FROM ({definition(con, 'plant_status')}) LIMIT {plants}")
        site.build(lake, portfolio, portfolio.site)
        with served(portfolio.site) as address:
            browser = window.at(address).theme("light")
            assert every_page(browser, "/plant/a", "/plant") == []
            for page in PAGES[:4]:
                text = browser.size(1440).open(page).one("main").text
                assert len(text) > 20 and not {"NaN", "undefined", "Infinity"} & set(text.split()), page
            assert window.noticed() == []
