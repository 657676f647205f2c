"""The KPI handbook, `docs/kpi-handbook.md`: the catalogue for people who know ISO 22400.

Here: how an entry of `metrics.json` reads on a page. Elsewhere: what it says (`dbt_project.metrics`), the words that are the same for all
KPIs (docs/kpis.md).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from dbt_project.metrics import metrics

START = """# KPI handbook

Generated from `dbt_project/kpis.yml` by `python -m dbt_project.generate`; edit the catalogue. What holds for every KPI (scopes, profiles,
status, grade, coverage, what the words in capitals mean) stands in [kpis.md](kpis.md). The same as data is `metrics.json`
([sql.md](sql.md#metricsjson)).

Names are those of ISO 22400-2:2014. Its clauses are not quoted: definitions are in our own words. "not ISO" marks what the standard does
not have; SMRP numbers are those of its best practice metrics. A KPI is sum(numerator) / sum(denominator), NULL where the denominator is 0.

**Roll-up rules**
"""
GROUPS = {
    "Equipment": ("shift", lambda kpi_id: not kpi_id.startswith("LOSS_")),
    "Losses": ("shift", lambda kpi_id: kpi_id.startswith("LOSS_")),
    "People and maintenance": ("day", None),
    "Orders and schedule": ("order", None),
    "Quality": ("quality routing characteristic", None),
    "Plant and money": ("month", None),
}
"""Heading: the parts of its KPIs, and which of them."""


def handbook() -> str:
    """The whole page."""
    return "\n".join(_lines()).strip() + "\n"


def _lines() -> Iterator[str]:
    data = metrics()
    yield START
    yield from ("| rule | |", "|---|---|", *(f"| {rule} | {text} |" for rule, text in data["rollup_rules"].items()), "")
    groups = grouped(data["kpis"])
    yield from ("| | |", "|---|---|")
    for title, kpis in groups.items():
        yield f"| {title} | {_listed([_link(kpi) for kpi in kpis])} |"
    for title, kpis in groups.items():
        yield from ("", f"## {title}")
        for kpi in kpis:
            yield from _section(kpi)


def grouped(kpis: list[dict[str, Any]]) -> dict[str, list[dict[str, Any]]]:
    """KPIs of `metrics.json` by the heading under which they stand."""
    return {title: [kpi for kpi in kpis if _belongs(kpi, *which)] for title, which in GROUPS.items()}


def _belongs(kpi: dict[str, Any], parts: str, which: Any) -> bool:
    return kpi["parts_name"] in parts.split() and (which is None or which(kpi["id"]))


def _section(kpi: dict[str, Any]) -> Iterator[str]:
    yield from ("", f"### {kpi['id']}", "", f"**{kpi['name']}.** {kpi['definition']}", "")
    rows = [
        ("formula", kpi["formula"]),
        *_computed(kpi),
        *_profiles(kpi),
        ("source", kpi["standard"]),
        ("unit, range, better", f"{kpi['unit']}; {_range(kpi['range'])}; {TREND[kpi['trend']]}"),
        ("made of", "; ".join(f"**{part['symbol']}** {part['means']}" for part in _once(kpi["parts"]))),
        ("to be mapped", "; ".join(f"{need['for']}: {_places(need['from'])}" for need in kpi["needs"])),
        ("roll-up", f"{kpi['rollup_rule']}: {kpi['rollup']}"),
        ("exists for", f"{_listed(kpi['scopes'])}; {_listed(kpi['periods'])}"),
        ("not comparable", kpi["not_comparable_when"]),
        ("no value because", ", ".join(kpi["why_missing"])),
        ("flags", ", ".join(kpi["flags"])),
    ]
    yield from ("| | |", "|---|---|", *(f"| {name} | {text} |" for name, text in rows))
    if kpi["example"]:
        yield from ("", _example(kpi))


TREND = {"HIGHER": "higher", "LOWER": "lower", "TARGET": "at its target"}


def _ratio(profile: dict[str, Any]) -> str:
    sides = [f"({side})" if " " in re.sub(r" ?\([^()]*\)", "", side) else side for side in (profile["numerator"], profile["denominator"])]
    return " / ".join(sides)


def _computed(kpi: dict[str, Any]) -> list[tuple[str, str]]:
    """The sums that are divided, where the formula does not show them."""
    ratio = _ratio(kpi["profiles"][0])
    return [] if ratio in kpi["formula"] else [("computed as", ratio)]


def _profiles(kpi: dict[str, Any]) -> list[tuple[str, str]]:
    """Profiles that differ from ISO."""
    iso, *others = kpi["profiles"]
    differ = [f"{other['profile']}: {_ratio(other)}" for other in others if _ratio(other) != _ratio(iso)]
    missing = [] if others else [f"{iso['profile']} only"]
    return [("profiles", "; ".join([*differ, *missing]) or "the same in ISO, TPM and LOCAL")]


def _range(ends: dict[str, float | None]) -> str:
    low, high = ends["low"], ends["high"]
    return f"from {low:g} to {high:g}" if low is not None and high is not None else (
        f"from {low:g}" if low is not None else f"up to {high:g}" if high is not None else "any")  # fmt: skip


def _once(parts: list[dict[str, str]]) -> list[dict[str, str]]:
    return list({part["symbol"]: part for part in parts}.values())


def _places(places: list[str]) -> str:
    """Canonical columns by their table, then what is stated elsewhere."""
    tables: dict[str, list[str]] = {}
    for table, column in (place.split(".") for place in places if "`" not in place):
        tables.setdefault(table, []).append(column)
    mapped = [f"`{table}` ({', '.join(columns)})" for table, columns in tables.items()]
    return ", ".join([*mapped, *(place for place in places if "`" in place)])


def _listed(words: list[str]) -> str:
    return ", ".join(words)


def _example(kpi: dict[str, Any]) -> str:
    told, symbols = kpi["example"], {part["column"]: part["symbol"] for part in kpi["parts"]}
    sums = ", ".join(f"{symbols[column]} = {value:,.10g}" for column, value in told["parts"].items())
    value, unit = told["value"], kpi["unit"]
    shown = f"{100 * value:.1f} %" if unit == "ratio" else f"{value:,.4g}{'' if unit == 'index' else ' ' + unit}"
    return f"*Example ({told['case']}).* {told['told'].strip()} {sums}: {kpi['id']} = {shown}."


def _link(kpi: dict[str, Any]) -> str:
    return f"[{kpi['id']}](#{kpi['id'].lower()})"
