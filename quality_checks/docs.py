"""Data Docs: a page per refresh that says which plants fail what, and one that lists the refreshes.

Here: two templates and what goes into them. Elsewhere: the results (`quality_checks.store`), reading the page (docs/quality.md).

Great Expectations renders Data Docs too, with style sheets, fonts and scripts from other hosts, and one page per suite run, where one
asks for one page per plant. These pages are single files without scripts that load nothing: they open from a share, by mail, on a
phone. What fails is shown row by row, what passes by its check: 100 plants and 230 checks are 23,000 rows that nobody reads.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterable
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import polars as pl

from quality_checks.checks import Check, limit_in_words
from quality_checks.store import Store, replacing
from quality_checks.suites import CHECKS, limits_version

if TYPE_CHECKING:
    from jinja2 import Environment

STYLE = """
:root { color-scheme: light dark; --text: #1b1f24; --dim: #57606a; --back: #ffffff; --line: #d0d7de; --head: #f3f5f7;
  --bad: #b3261e; --warn: #8a5300; --good: #1a6b35; --link: #0b57d0; }
@media (prefers-color-scheme: dark) { :root { --text: #e6e8eb; --dim: #a8b0b8; --back: #14171a; --line: #3a4149; --head: #1e2328;
  --bad: #ff8a80; --warn: #ffc266; --good: #7fd69a; --link: #8ab4f8; } }
* { box-sizing: border-box; }
body { font: 16px/1.5 system-ui, sans-serif; color: var(--text); background: var(--back); margin: 0 auto; max-width: 80rem; padding: 1rem; }
h1 { font-size: 1.5rem; line-height: 1.2; } h2 { font-size: 1.2rem; margin-top: 2rem; } h3 { font-size: 1rem; margin: 1.5rem 0 .25rem; }
a { color: var(--link); } p.dim, td.dim, .dim { color: var(--dim); }
.wide { overflow-x: auto; }
.wide:focus-visible, a:focus-visible, summary:focus-visible { outline: 2px solid var(--link); outline-offset: 2px; }
table { border-collapse: collapse; width: 100%; font-size: .875rem; }
caption { text-align: left; color: var(--dim); padding: .25rem 0; }
th, td { text-align: left; vertical-align: top; padding: .35rem .6rem; border-bottom: 1px solid var(--line); overflow-wrap: anywhere; }
thead th { background: var(--head); white-space: nowrap; } th { font-weight: 600; } td.number { text-align: right; white-space: nowrap; }
td.why { min-width: 16rem; }
.blocking, .FAIL { color: var(--bad); font-weight: 600; } .warning { color: var(--warn); font-weight: 600; } .PASS { color: var(--good); }
summary { cursor: pointer; font-weight: 600; padding: .25rem 0; }
"""

HEAD = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<title>{{ title }}</title>
<style>{{ style }}</style>
</head>
<body>
<main>
<h1>{{ title }}</h1>
"""

PAGE = (
    HEAD
    + """<p>{{ summary }} Limits {{ limits }}. <a href="../index.html">All refreshes</a></p>
<h2 id="plants">Plants that fail</h2>
{% if not plants %}<p>No plant of this refresh fails a check.</p>{% endif %}
{% for plant in plants %}
<h3>{{ plant.name }}: {% if plant.blocking %}<span class="blocking">{{ plant.blocking }} blocking</span>, {% endif -%}
{{ plant.warnings }} warning{{ "" if plant.warnings == 1 else "s" }}</h3>
<div class="wide" tabindex="0" role="region" aria-label="Failed checks of {{ plant.name }}">
<table>
<thead><tr><th scope="col">table</th><th scope="col">check</th><th scope="col">status</th><th scope="col">observed</th>
<th scope="col">limit</th><th scope="col">why</th><th scope="col">owner</th><th scope="col">review</th></tr></thead>
<tbody>
{% for row in plant.rows %}<tr><td>{{ row.table_name }}</td><th scope="row">{{ row.check_name }}</th>
<td class="{{ row.severity }}">{{ row.status }}, {{ row.severity }}</td><td class="number">{{ row.seen }}</td>
<td class="number">{{ row.limit }}</td><td class="why">{{ row.reason }}</td><td>{{ row.owner }}</td><td>{{ row.review }}</td></tr>
{% endfor %}</tbody>
</table>
</div>
{% endfor %}
<h2 id="checks">Every check</h2>
{% for table in tables %}
<details>
<summary>{{ table.name }}: {{ table.failed }} of {{ table.rows | length }} checks failed by a plant</summary>
<div class="wide" tabindex="0" role="region" aria-label="Checks of {{ table.name }}">
<table>
<caption>Number of plants by status, and what was observed.</caption>
<thead><tr><th scope="col">check</th><th scope="col">rung</th><th scope="col">severity</th><th scope="col">fail</th>
<th scope="col">pass</th><th scope="col">skipped</th><th scope="col">observed</th><th scope="col">limit</th><th scope="col">why</th>
<th scope="col">owner</th><th scope="col">review</th></tr></thead>
<tbody>
{% for row in table.rows %}<tr><th scope="row">{{ row.check_name }}</th><td>{{ row.rung }}</td><td>{{ row.severity }}</td>
<td class="number{{ " FAIL" if row.failed }}">{{ row.failed }}</td><td class="number">{{ row.passed }}</td>
<td class="number">{{ row.skipped }}</td><td class="number">{{ row.seen }}</td><td class="number">{{ row.limit }}</td>
<td class="why">{{ row.why }}</td><td>{{ row.owner }}</td><td>{{ row.review }}</td></tr>
{% endfor %}</tbody>
</table>
</div>
</details>
{% endfor %}
</main>
</body>
</html>
"""
)

INDEX = (
    HEAD
    + """<p>One page per refresh that judged something, newest first.</p>
<div class="wide" tabindex="0" role="region" aria-label="Refreshes">
<table>
<thead><tr><th scope="col">refresh</th><th scope="col">blocking failures</th><th scope="col">warnings</th>
<th scope="col">plants that fail</th></tr></thead>
<tbody>
{% for row in refreshes %}<tr><th scope="row"><a href="{{ row.refresh_id | urlencode }}/index.html">{{ row.refresh_id }}</a></th>
<td class="number{{ " blocking" if row.blocking }}">{{ row.blocking }}</td><td class="number">{{ row.warnings }}</td>
<td class="number">{{ row.plants }}</td></tr>
{% endfor %}</tbody>
</table>
</div>
</main>
</body>
</html>
"""
)


STATUS = {"FAIL": "failed", "PASS": "passed", "SKIPPED": "skipped"}


def write(store: Store, refresh_id: str) -> Path:
    """Writes the page of a refresh and the list of refreshes; returns the page: `<store>/docs/<refresh_id>/index.html`.

    Pages of refreshes that the store no longer keeps are removed.
    """
    folder = store.folder / "docs"
    path = folder / refresh_id / "index.html"
    _save(path, page(refresh_id, store.results(refresh_id)))
    kept = [name for name in {*store.refreshes(), refresh_id} if (folder / name / "index.html").exists()]
    _save(folder / "index.html", index(kept, store.all_results()))
    for old in folder.iterdir():
        if old.is_dir() and old.name not in kept:
            shutil.rmtree(old, ignore_errors=True)
    return path


def page(refresh_id: str, results: pl.DataFrame) -> str:
    """The page of one refresh as HTML; `results` are rows of `runner.RESULTS`."""
    plants = _plants(results)
    holding = sum(1 for plant in plants if plant["blocking"])
    judged = results["plant_id"].n_unique()
    summary = f"{judged} plant{'' if judged == 1 else 's'} judged, {len(plants)} with failures, {holding} of them blocking."
    return _render(
        PAGE,
        title=f"Quality of refresh {refresh_id}", summary=summary, limits=limits_version(), plants=plants,
        tables=list(_tables(results)),
    )  # fmt: skip


def index(refreshes: Iterable[str], failures: pl.DataFrame) -> str:
    """The list of refreshes as HTML, newest first, with what failed in each."""
    counted = failures.filter(pl.col("status") == "FAIL").group_by("refresh_id").agg(
        (pl.col("severity") == "blocking").sum().alias("blocking"), (pl.col("severity") != "blocking").sum().alias("warnings"),
        pl.col("plant_id").n_unique().alias("plants"),
    )  # fmt: skip
    known = {row["refresh_id"]: row for row in counted.iter_rows(named=True)}
    nothing = {"blocking": 0, "warnings": 0, "plants": 0}
    rows = [{**nothing, **known.get(name, {}), "refresh_id": name} for name in sorted(refreshes, reverse=True)]
    return _render(INDEX, title="Quality", refreshes=rows)


def _plants(results: pl.DataFrame) -> list[dict[str, Any]]:
    """Failures by plant, the worst first: most blocking ones, then most failures, then by name."""
    failed = results.filter(pl.col("status") == "FAIL").sort("plant_id", "severity", "table_name", "check_name")
    found: dict[str, list[dict[str, Any]]] = {}
    for row in failed.iter_rows(named=True):
        seen = _number(row["observed"])
        about = {"seen": seen, "limit": limit_in_words(row["limit_low"], row["limit_high"]), **_owner(row)}
        found.setdefault(row["plant_id"], []).append({**row, **about})
    plants = [{"name": name, "rows": rows, "blocking": sum(row["severity"] == "blocking" for row in rows)} for name, rows in found.items()]
    for plant in plants:
        plant["warnings"] = len(plant["rows"]) - plant["blocking"]
    return sorted(plants, key=lambda plant: (-plant["blocking"], -len(plant["rows"]), plant["name"]))


def _tables(results: pl.DataFrame) -> Iterable[dict[str, Any]]:
    """Every check of the refresh by table: how many plants pass it, and between which values they lie."""
    key = ["table_name", "check_name", "rung", "severity", "limit_low", "limit_high"]
    counted = results.group_by(key, maintain_order=True).agg(
        *((pl.col("status") == status).sum().alias(name) for status, name in STATUS.items()),
        pl.col("observed").min().alias("lowest"), pl.col("observed").max().alias("highest"),
    )  # fmt: skip
    for (table,), rows in counted.group_by("table_name", maintain_order=True):
        shown = [{**row, "seen": _span(row["lowest"], row["highest"]), **_about(row)} for row in rows.iter_rows(named=True)]
        yield {"name": table, "rows": shown, "failed": sum(row["failed"] > 0 for row in shown)}


def _about(row: dict[str, Any]) -> dict[str, str]:
    check = _check(row)
    return {"why": check.reason if check else "", "limit": limit_in_words(row["limit_low"], row["limit_high"]), **_owner(row)}


def _owner(row: dict[str, Any]) -> dict[str, str]:
    check = _check(row)
    return {"owner": check.owner if check else "", "review": check.review.isoformat() if check else ""}


def _check(row: dict[str, Any]) -> Check | None:
    """The check as it is now; None when it was dropped since."""
    return _checks_by_name().get((row["table_name"], row["check_name"]))


@cache
def _checks_by_name() -> dict[tuple[str, str], Check]:
    return {(table, check.name): check for table, checks in CHECKS.items() for check in checks}


def _span(lowest: float | None, highest: float | None) -> str:
    if lowest is None or highest is None:
        return ""
    return _number(lowest) if lowest == highest else f"{_number(lowest)} to {_number(highest)}"


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.6g}"


def _render(template: str, **values: Any) -> str:
    text: str = _environment().from_string(template).render(style=STYLE, **values)
    return text


@cache
def _environment() -> Environment:
    from jinja2 import Environment

    return Environment(autoescape=True, trim_blocks=True)


def _save(path: Path, text: str) -> None:
    with replacing(path) as part:
        part.write_text(text, encoding="utf-8")
