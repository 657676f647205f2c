"""The portfolio and the compare page: ranks, gaps and cards are what the snapshot and the rules of `publish` say."""

from __future__ import annotations

import json
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from docs.browser import Browser
from publish.ranking import ranked
from publish.reader import Snapshot

MONTH = "2026-10-01"

SHARES = st.integers(0, 20).map(lambda part: part / 20)
ROWS = st.lists(
    st.tuples(SHARES, SHARES, SHARES, st.sampled_from("ABCD"), st.booleans(), st.sampled_from([None, 0.5])), min_size=1, max_size=9
)


def page_ranks(browser: Browser, rows: list[dict[str, Any]], trend: str) -> list[list[Any]]:
    """What the page's own module says: [scope, rank, shared, why there is none]."""
    return browser.run(
        """const done = arguments[arguments.length - 1];
        const program = document.querySelector('script[type=module]').src.replace('app.js', 'lib/rank.js');
        return import(program).then((found) => found.ranked(JSON.parse(arguments[0]), arguments[1])
          .map((row) => [row.scope_id, row.rank ?? null, row.shared ?? null, row.left]));""",
        json.dumps(rows), trend,
    )  # fmt: skip


@pytest.mark.parametrize("trend", ["HIGHER", "LOWER", "TARGET"])
def test_the_page_ranks_plants_as_the_command_line_does(browser: Browser, trend: str) -> None:
    browser.open("/portfolio")

    @settings(max_examples=25, deadline=None)
    @given(ROWS)
    def same(values: list[tuple[Any, ...]]) -> None:
        rows = []
        for place, (middle, below, above, grade, known, target) in enumerate(values):
            low, high = max(0.0, middle - below / 4), middle + above / 4
            rows.append({"scope_id": f"p{place}", "value": middle if known else None, "value_low": low, "value_high": high,
                         "grade": grade, "status": "OK" if known else "NOT_COMPUTABLE", "target": target})  # fmt: skip
        schema = {"value": pl.Float64, "target": pl.Float64}
        frame = pl.DataFrame(rows, schema_overrides=schema).with_columns(period_start=1, shift_code=pl.lit(None))
        expected = ranked(frame, trend).select("scope_id", "rank", "is_shared", "left_out").rows()
        told = [
            {"scope_id": row["scope_id"], "numerator": row["value"], "denominator": 1, "low": row["value_low"], "high": row["value_high"],
             "grade": row["grade"], "status": row["status"], "target": row["target"]} for row in rows
        ]  # fmt: skip
        assert sorted(map(tuple, page_ranks(browser, told, trend))) == sorted(expected)

    same()


def test_the_steps_between_two_plants_are_those_of_oee_gap_and_sum_to_it(browser: Browser, snapshot: Snapshot) -> None:
    browser.open(f"/compare?period=MONTH:{MONTH}&plants=cze01,deu01")
    steps = browser.run("return [...document.querySelectorAll('figure')].map((figure) => figure.csv.rows.map((row) => [row[0], row[1]]))")[
        0
    ]
    gap = dict(
        snapshot.rows(f"SELECT term, points FROM oee_gap('cze01', 'deu01', 'MONTH', DATE '{MONTH}') WHERE method IN ('GAP', 'LOSS')")
    )
    names = dict(snapshot.rows("SELECT DISTINCT kpi_id, name FROM kpi_definition"))
    assert dict(steps[1:-1]) == {
        names[term]: pytest.approx(100 * points, abs=1e-7) for term, points in gap.items() if term != "OEE" and points is not None
    }
    assert sum(points for _, points in steps[1:-1]) == pytest.approx(100 * gap["OEE"], abs=1e-6)
    assert steps[-1][1] - steps[0][1] == pytest.approx(100 * gap["OEE"], abs=1e-6)


def test_a_plant_without_states_is_not_split_and_nothing_of_it_is_zero(browser: Browser) -> None:
    browser.open(f"/compare?period=MONTH:{MONTH}&plants=deu01,deu02")
    text = browser.run("return document.querySelector('main').textContent")
    assert "delivers no machine states" in text
    assert "Cannot be split" in text
    assert "Ideal rates have different bases" in text


def test_values_of_grade_d_are_named_with_what_weakens_them(browser: Browser) -> None:
    browser.open(f"/compare?period=MONTH:{MONTH}&plants=deu01,gbr01")  # gbr01 delivers no reasons: what rests on them is not to be compared
    told = browser.texts(".notice li")
    assert told == [
        "Harrow Precision: A, E, MTBF, MTTR, CODED, COVERAGE of grade D, not to be compared: 0 % of its stop time has an approved reason."
    ]


def test_a_company_and_a_class_are_looked_at_by_their_own_values(browser: Browser, snapshot: Snapshot) -> None:
    for scope in ("COMPANY:Quill Foods", "CLASS:INJ_MOULD"):
        kind, name = scope.split(":")
        found = snapshot.rows(
            "SELECT value FROM kpi_value WHERE kpi_id = 'OEE' AND profile = 'ISO' AND scope_type = ? AND scope_id = ? AND period_type = 'MONTH'"
            f" AND period_start = DATE '{MONTH}'", [kind, name],
        )  # fmt: skip
        assert found, scope
        browser.open(f"/portfolio?period=MONTH:{MONTH}&scope={scope}")
        assert browser.run("return document.querySelector('[data-kpi=OEE] .value').textContent") == f"{100 * found[0][0]:.1f} %"


def test_losses_of_the_page_are_those_of_the_macro(browser: Browser, snapshot: Snapshot) -> None:
    browser.open(f"/portfolio?period=MONTH:{MONTH}")
    shown = browser.run(
        "return [...document.querySelectorAll('figure')].map((one) => one.csv).find((csv) => csv.name.startsWith('Lost time')).rows"
    )
    expected = snapshot.rows(
        f"SELECT name, CAST(seconds AS DOUBLE) / 3600, money FROM six_big_losses('PORTFOLIO', 'MONTH', DATE '{MONTH}') WHERE seconds > 0"
        " ORDER BY seconds DESC"
    )
    assert [row[1] for row in shown] == [pytest.approx(hours, rel=1e-9) for _, hours, _ in expected]
    assert [row[3] for row in shown] == [None if money is None else pytest.approx(money, rel=1e-9) for *_, money in expected]


def cells(browser: Browser, caption: str) -> list[list[Any]]:
    """The rows of the table whose name begins so, as they would be saved."""
    found = "[...document.querySelectorAll('figure, .told, .scroll, div')].map((one) => one.csv).find((csv) => csv?.name.startsWith(arguments[0]))"
    return browser.run(f"return {found}.rows", caption)


def test_of_a_class_its_machines_are_ranked_and_not_their_plants(browser: Browser, snapshot: Snapshot) -> None:
    browser.open(f"/portfolio?period=MONTH:{MONTH}&scope=CLASS:INJ_MOULD")
    shown = cells(browser, "OEE index by machine")
    expected = snapshot.rows(
        "SELECT u.scope_name, v.value FROM kpi_value AS v INNER JOIN unit_scope AS u ON v.scope_id = u.scope_id"
        " INNER JOIN unit_scope AS c ON u.unit_id = c.unit_id AND c.scope_type = 'CLASS' AND c.scope_id = 'INJ_MOULD'"
        " WHERE u.scope_type = 'EQUIPMENT' AND v.kpi_id = 'OEE' AND v.profile = 'ISO' AND v.period_type = 'MONTH'"
        f" AND v.shift_code IS NULL AND v.period_start = DATE '{MONTH}' ORDER BY v.value DESC"
    )
    assert len(expected) == 3  # deu01 moulds on three machines
    assert [(row[1], row[2]) for row in shown] == [(f"{name} · Linden Spritzguss Nord", pytest.approx(value)) for name, value in expected]
    machine = browser.one("figure table a")
    assert "/plant/deu01" in machine.get_attribute("href")
    assert "unit=" in machine.get_attribute("href")


def test_a_family_of_products_has_the_pieces_of_its_products_alone(browser: Browser, snapshot: Snapshot) -> None:
    browser.open(f"/portfolio?period=MONTH:{MONTH}")
    browser.choose("family", "housing")
    ((made, good, scrap),) = snapshot.rows(  # both products of deu01 with a number are housings; what was booked without one is not
        "SELECT CAST(sum(pq) AS DOUBLE), CAST(sum(gq) AS DOUBLE), CAST(sum(sq) AS DOUBLE) FROM mart_kpi_parts_shift"
        " WHERE plant_id = 'deu01' AND valid_to_release IS NULL AND length(material_key) > 1"
        f" AND production_day BETWEEN DATE '{MONTH}' AND DATE '2026-10-31'"
    )
    assert browser.texts(".headline")[0].startswith(f"housing, Oct 2026: {made:,.0f} made in 1 plant.")
    values = dict(zip(["QC", "SCRAP", "REWORK", "Q"], browser.texts(".kpi .value"), strict=True))
    assert (values["QC"], values["SCRAP"], values["REWORK"]) == (f"{100 * good / made:.1f} %", f"{100 * scrap / made:.1f} %", "–")
    assert "no rework is counted" in browser.texts("[data-kpi=REWORK]")[0]
    assert [row[1] for row in cells(browser, "OEE index by plant")] == ["Linden Spritzguss Nord"]
    assert "What is lost" not in browser.texts("h2")


def test_a_family_that_nobody_made_says_so(browser: Browser) -> None:
    browser.open(f"/portfolio?period=MONTH:{MONTH}&family=housing&scope=COMPANY:Quill Foods")
    assert browser.texts(".headline") == ["housing, Oct 2026: nobody made it in Quill Foods."]
    assert "grade" not in browser.texts("main")[0]
