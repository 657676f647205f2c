"""The lint that refuses an average of a ratio: what it refuses, what it passes, and where it looks.

A of two machines: one ran 90 of 100 h, the other 1 of 10. Together they ran 91 of 110 h = 82.7 %; the mean of 90 % and 10 % says 50 %.
"""

from __future__ import annotations

import pytest

from dbt_project import lint


def test_what_the_lint_is_about() -> None:
    ran, planned = (90, 1), (100, 10)
    ratios = [run / plan for run, plan in zip(ran, planned, strict=True)]
    assert sum(ratios) / 2 == pytest.approx(0.5)
    assert sum(ran) / sum(planned) == pytest.approx(0.827, abs=5e-4)


@pytest.mark.parametrize(
    ("sql", "call"),
    [
        ("select avg(value) from kpi_value where kpi_id = 'OEE'", "avg(value)"),
        ("select plant_id, MEDIAN(value_low) from kpi_value_as_of(3) group by 1", "MEDIAN(value_low)"),
        ("select avg(v.value) over (order by v.period_start) from kpi_value as v", "avg(v.value)"),
        ("select sum(value) / count(*) from kpi_value", "sum(value)"),
        ("select mean(oee) from plant_month", "mean(oee)"),
        ("select sum(apt_s / pbt_s) from parts", "sum(apt_s / pbt_s)"),
        ("select avg(cast(gq as double) / nullif(pq, 0)) from parts", "avg(cast(gq as double) / nullif(pq, 0))"),
        ("select avg(100 * a.gq / a.pq) from parts as a", "avg(100 * a.gq / a.pq)"),
        ("with m as (select plant_id, sum(apt_s) / sum(pbt_s) as ran from p group by 1) select avg(ran) from m", "avg(ran)"),
        ("select {{ words('x') }}, avg(gq / pq) from {{ ref('parts') }}", "avg(gq / pq)"),
    ],
)
def test_an_average_of_a_ratio_is_refused(sql: str, call: str) -> None:
    assert lint.refused(sql) == [call]


@pytest.mark.parametrize(
    "sql",
    [
        "select sum(apt_s) / sum(pbt_s) from parts",
        "select sum(numerator) / sum(denominator) from kpi_value where kpi_id = 'OEE'",
        "select sum(apt_s / 3600) as run_h, avg(apt_s) as mean_s from parts",
        "select avg(value) from historian_sample",
        "select avg(duration_s / 60) from stop",
        "select 1 -- never avg(value) of kpi_value",
        "select 'avg(gq / pq)' as naive",
        "select sum(value * denominator) / sum(denominator) from kpi_value",
    ],
)
def test_sums_that_are_divided_last_pass(sql: str) -> None:
    assert lint.refused(sql) == []


def test_pages_and_modules_are_looked_into_and_prose_is_not() -> None:
    page = "never avg(gq / pq)\n\n```sql\nSELECT 1;\nSELECT avg(value) FROM kpi_value\n```\n"
    assert lint.of_file("docs/x.md", page) == [(5, "avg(value)")]
    module = '''"""Not sum(a / b)."""
RATE = "select {x}" f"sum({a} / {b}) from {t}"
MEAN = frame.select((pl.col("gq") / pl.col("pq")).mean(), pl.mean("oee"), pl.col("apt_s").mean(), pl.col("fe").sum() / 2)
'''
    assert lint.of_file("publish/x.py", module) == [
        (2, "sum(_put_ / _put_)"), (3, "(pl.col('gq') / pl.col('pq')).mean()"), (3, "pl.mean('oee')"),
    ]  # fmt: skip


def test_nothing_in_the_repository_averages_a_ratio() -> None:
    assert lint.problems() == []


def test_what_is_allowed_is_still_there(monkeypatch: pytest.MonkeyPatch) -> None:
    pieces = list(lint.ALLOWED)
    monkeypatch.setattr(lint, "ALLOWED", {})
    found = lint.problems()
    assert [piece for piece in pieces if not any(piece in problem for problem in found)] == []
