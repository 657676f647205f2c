"""The catalogue as data for other programs: one entry per KPI, published as `metrics.json`.

Here: what an entry says, in readable words and in SQL. Elsewhere: the definitions (`kpis.yml`), the same for people
(`dbt_project.handbook`), the values themselves (`kpi_value`).
"""

from __future__ import annotations

import ast
import json
import operator
import re
from collections.abc import Mapping
from typing import Any

from dbt_project import record_sql, value_sql
from dbt_project.catalogue import NAME, VERSION, Kpi, catalogue, kpi_ids, read
from dbt_project.sql_text import PERIODS

SCOPES = ("EQUIPMENT", "LINE", "AREA", "PLANT", "CLASS", "COMPANY", "PORTFOLIO")
ABOVE_UNITS = ("PLANT", "COMPANY", "PORTFOLIO")
OF_PLANTS = ("order", "month")
"""Parts whose rows belong to a plant and to none of its units."""
TABLES = {
    "shift": ["mart_kpi_parts_shift"], "day": ["mart_kpi_parts_day"], "order": ["mart_kpi_parts_order", "mart_kpi_parts_order_work"],
    "month": ["mart_kpi_parts_month", "mart_kpi_parts_day", "mart_kpi_unit_month"],
    **{parts: ["mart_kpi_parts_quality"] for parts in ("quality", "routing", "characteristic")},
}  # fmt: skip
"""The tables that the sums are taken from."""


def metrics() -> dict[str, Any]:
    """Everything that `metrics.json` says."""
    return {
        "version": VERSION,
        "values": "kpi_value: kpi_id, profile, scope_type, scope_id, period_type, period_start, value, target; numerator / denominator",
        "rollup_rules": read()["rules"],
        "kpis": [entry(kpi_id) for kpi_id in kpi_ids()],
    }


def as_text(data: dict[str, Any]) -> str:
    """The text of `metrics.json`: a line a field."""

    def line(value: Any) -> str:
        return json.dumps(value, ensure_ascii=False)

    kpis = ",\n".join(
        "  {\n" + ",\n".join(f"   {line(name)}: {line(value)}" for name, value in kpi.items()) + "\n  }" for kpi in data["kpis"]
    )
    about = "".join(f" {line(name)}: {line(value)},\n" for name, value in data.items() if name != "kpis")
    return f'{{\n{about} "kpis": [\n{kpis}\n ]\n}}\n'


def entry(kpi_id: str) -> dict[str, Any]:
    """One KPI; the fields under `kpi_ml` go by their names in KPI-ML."""
    profiles = [kpi for kpi in catalogue() if kpi.kpi_id == kpi_id]
    kpi, about = profiles[0], profiles[0].about
    low, high = about["range"]
    return {
        "id": kpi_id,
        "name": about["name"],
        "iso_name": iso_name(kpi),
        "standard": about["iso_name"],
        "definition": about["definition"],
        "formula": about["formula"],
        "unit": about["unit"],
        "range": {"low": low, "high": high},
        "trend": about["trend"],
        "rollup_rule": about["rollup_rule"],
        "rollup": read()["rules"][about["rollup_rule"]],
        "not_comparable_when": about["non_comparability"],
        "profiles": [
            {
                "profile": of.profile, "formula": of.about["formula"],
                "numerator": readable(of.numerator), "denominator": readable(of.denominator),
                "numerator_expr": of.numerator, "denominator_expr": of.denominator,
            }
            for of in profiles
        ],
        "parts_name": kpi.parts,
        "parts_tables": TABLES[kpi.parts],
        "parts": [{"column": column, **_part(column)} for column in columns(kpi)],
        "needs": needs(kpi),
        "example": example(kpi),
        "scopes": list(scopes(kpi)),
        "periods": list(periods(kpi)),
        "why_missing": why_missing(kpi),
        "flags": flags(kpi),
        "version": VERSION,
        "kpi_ml": {
            "ID": kpi_id, "Name": about["name"], "Formula": about["formula"], "UnitOfMeasure": about["unit"],
            "Range": {"LowerLimit": low, "UpperLimit": high}, "Trend": about["trend"],
        },
    }  # fmt: skip


def iso_name(kpi: Kpi) -> str | None:
    """Its name in ISO 22400-2, where it has one."""
    prefix, _, name = str(kpi.about["iso_name"]).partition("ISO 22400-2: ")
    return name if name and not prefix else None


def columns(kpi: Kpi) -> list[str]:
    """The columns of its two sides, in the order in which they stand there."""
    return list(dict.fromkeys(NAME.findall(f"{kpi.numerator} {kpi.denominator}")))


def readable(side: str) -> str:
    """A side with the symbols of its columns.

    >>> readable("apt_s + micro_s"), readable("tbf_s / 3600"), readable("aupt_s * ideal_gq_s")
    ('APT + micro-stops', 'TBF / 3600', 'AUPT * sum(PRI x GQ)')
    """

    def symbol(found: re.Match[str]) -> str:
        text = str(read()["columns"][found[0]]["symbol"])
        return text if side == found[0] or re.fullmatch(r"[\w-]+(\([^()]*\))?( \(\w+\))?", text) else f"({text})"

    return NAME.sub(symbol, side)


def _part(column: str) -> dict[str, str]:
    about = read()["columns"][column]
    return {"symbol": about["symbol"], "means": about["means"]}


def needs(kpi: Kpi) -> list[dict[str, Any]]:
    """What a plant maps or states for it: what each is for, and canonical columns, keys of the plant file, vocabularies."""
    if kpi.parts == "shift":
        known = [read()["knowledge"][word] for word in kpi.needs]
        return [{"for": about["means"], "from": about["from"]} for about in known]
    return [{"for": read()["columns"][column]["means"], "from": read()["columns"][column]["from"]} for column in columns(kpi)]


def example(kpi: Kpi) -> dict[str, Any] | None:
    """A golden case of the specification with its sums, and the value that follows from them."""
    if (told := kpi.about.get("example")) is None:
        return None
    over, under = (side_value(side, told["parts"]) for side in (kpi.numerator, kpi.denominator))
    return {**told, "value": over / under}


def side_value(side: str, parts: Mapping[str, float]) -> float:
    """A side over the sums of its columns.

    >>> side_value("apt_s + micro_s / 2", {"apt_s": 10, "micro_s": 4})
    12.0
    """
    work = {ast.Add: operator.add, ast.Sub: operator.sub, ast.Mult: operator.mul, ast.Div: operator.truediv}

    def of(node: ast.expr) -> float:
        if isinstance(node, ast.BinOp):
            return float(work[type(node.op)](of(node.left), of(node.right)))
        return float(parts[node.id] if isinstance(node, ast.Name) else ast.literal_eval(node))

    return of(ast.parse(side, mode="eval").body)


def scopes(kpi: Kpi) -> tuple[str, ...]:
    """Kinds of scope that it exists for."""
    return ABOVE_UNITS if kpi.parts in OF_PLANTS else SCOPES


def periods(kpi: Kpi) -> tuple[str, ...]:
    """Kinds of period that it exists for."""
    return {"shift": ("SHIFT", *PERIODS), "month": record_sql.OF_MONTHS}.get(kpi.parts, tuple(PERIODS))


# --- what a reader may see beside it ------------------------------------------------------------------------------------------------------


def _holds(kpi: Kpi) -> set[str]:
    """What is true of every value of the KPI, in the words of the SQL."""
    found = {name for name, does in value_sql.uses(kpi).items() if does}
    found |= {"is_withheld"} if kpi.about.get("withheld") else set()
    found |= {"has_bound"} if kpi.high is not None else set()
    found |= {f"kpi_id = '{kpi.kpi_id}'", f"parts = '{kpi.parts}'"}
    return found | ({"none_word is not null"} if "none" in kpi.about else set())


SETTLED = re.compile(r"(uses_\w+|is_withheld|has_bound|kpi_id = .*|parts = .*|none_word is not null)")
"""A condition that the catalogue decides, and no data."""


def _open(test: str, kpi: Kpi) -> list[str] | None:
    """The conditions of a test that data decide; None where the catalogue says that it never holds."""
    terms = test.split(" and ")
    settled = [term for term in terms if SETTLED.fullmatch(term)]
    return [term for term in terms if term not in settled] if set(settled) <= _holds(kpi) else None


def why_missing(kpi: Kpi) -> list[str]:
    """The words that may say why there is no value, in the order in which they are looked for."""
    about, found = kpi.about, []
    if kpi.parts != "shift":
        return list(dict.fromkeys([about["no_data"], about.get("none", about["no_data"])]))
    for test, word in value_sql.MISSING:
        if test.startswith("parts <> 'shift'") or (conditions := _open(test, kpi)) is None:
            continue
        found += [about["none"]] if word == "none_word" else re.findall(r"'([A-Z_]+)'", word)
        if conditions == [value_sql.NOTHING]:
            break
    found += ["NO_DATA"] if kpi.high is not None else []
    found += ["RATE_PARTIAL"] if about.get("withheld") and value_sql.uses(kpi)["uses_rate"] else []
    return list(dict.fromkeys(found))


def flags(kpi: Kpi) -> list[str]:
    """The flags that a value may bear; of other parts than shifts only that plants are missing."""
    found = [flag for flag, test in value_sql.FLAGS.items() if _open(test, kpi) is not None]
    return [flag for flag in found if flag not in why_missing(kpi)] if kpi.parts == "shift" else ["PLANTS_PARTIAL"]
