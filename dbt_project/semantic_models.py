"""The MetricFlow project of the KPIs of rules R1 to R3: `dbt_project/semantic`, generated whole, read by `mf query`.

Here: the sums by plant and month that its semantic models are over, which are published as views in the snapshot's schema `semantic`,
and the YAML of models and metrics. Elsewhere: how sums are made (`dbt_project.value_sql`, `dbt_project.record_sql`: `kpi_value` is made of
the same pieces), publishing (`publish.snapshot`). It is a dbt project of its own: what a refresh parses does not grow with it.

A metric is a ratio of two metrics that go by its name and `_numerator`, `_denominator`. What else a row of `kpi_value` says (whether
a value is withheld, its grade, its flags) has no place in MetricFlow.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import yaml

from dbt_project import record_sql, value_sql
from dbt_project.catalogue import FOLDER, NAME, Kpi, Term, catalogue
from dbt_project.metrics import iso_name
from dbt_project.sql_text import Relation, holds, lines

RULES = ("R1", "R2", "R3")
"""KPIs whose sides are sums over any scope and period."""
PROJECT = FOLDER / "semantic"
SPINE = "time_spine"
PLANT = ("plant_name", "company", "country_code")


def semantic_kpis() -> list[Kpi]:
    """The KPIs of RULES: in ISO, and in the profiles in which they are something else."""
    iso = {kpi.kpi_id: kpi for kpi in catalogue() if kpi.profile == "ISO"}

    def is_other(kpi: Kpi) -> bool:
        return (kpi.numerator, kpi.denominator) != (iso[kpi.kpi_id].numerator, iso[kpi.kpi_id].denominator)

    return [kpi for kpi in catalogue() if kpi.about["rollup_rule"] in RULES and (kpi.profile == "ISO" or is_other(kpi))]


def metric_name(kpi: Kpi) -> str:
    """'oee', 'availability_tpm': MetricFlow takes no name of one letter."""
    word = kpi.kpi_id if len(kpi.kpi_id) > 1 else str(iso_name(kpi)).replace(" ", "_")
    return word.lower() + ("" if kpi.profile == "ISO" else f"_{kpi.profile.lower()}")


def _parts() -> list[str]:
    return list(dict.fromkeys(kpi.parts for kpi in semantic_kpis()))


def _terms(parts: str) -> list[Term]:
    return sorted({term for kpi in semantic_kpis() if kpi.parts == parts for term in _of_sides(kpi)}, key=lambda term: term.name)


def _of_sides(kpi: Kpi) -> list[Term]:
    return [Term(column, kpi.needs) for column in dict.fromkeys(NAME.findall(f"{kpi.numerator} {kpi.denominator}"))]


# --- the views that are published ---------------------------------------------------------------------------------------------------------


def views(relation: Relation) -> dict[str, str]:
    """The views of the schema `semantic`, by name: sums by plant and month for each table of parts, the days that there are, the plants."""
    return {f"{parts}_month": _sums_sql(parts, relation) for parts in _parts()} | {
        SPINE: _spine_sql(relation),
        "plants": f"select plant_id, {', '.join(PLANT)} from {relation('plant')}",
    }


def _sums_sql(parts: str, relation: Relation) -> str:
    """One row per plant and month, with every sum that a metric over these parts needs."""
    ctes = [("unit_month", f"select * from {relation('mart_kpi_unit_month')}")]
    if parts == "shift":
        ctes += value_sql.plant_month_ctes(relation)
        source = "plant_part"
    else:
        ctes += [
            (name, sql) for name, sql in record_sql.ctes(relation, holds(), lambda *_: "") if name in {f"{step}_{parts}" for step in STEPS}
        ]
        source = f"plant_{parts}"
    listed = ",\n\n".join(f"{name} as (\n{sql}\n)" for name, sql in ctes)
    return f"""with {listed}

select
    plant_id, period_start as month,
    {lines([term.name for term in _terms(parts)])}
from {source}
where scope_type = 'PLANT' and period_type = 'MONTH'"""


STEPS = ("row", "period", "plant")


def _spine_sql(relation: Relation) -> str:
    end = "max(month) + interval 1 month - interval 1 day"
    return f"""select cast(unnest(generate_series(min(month), {end}, interval 1 day)) as date) as date_day
from {relation("mart_kpi_unit_month")}"""


# --- the dbt project ----------------------------------------------------------------------------------------------------------------------


def files() -> dict[Path, str]:
    """Every generated file of the project. The models are what the snapshot holds already: nothing is built here."""
    note = "-- Generated from kpis.yml by `python -m dbt_project.generate`. Published with each release; never built here.\n"
    found = {PROJECT / "models" / f"{name}.sql": f"{note}{sql}\n" for name, sql in views(str).items()}
    text = yaml.safe_dump(_semantic(), sort_keys=False, allow_unicode=True, width=140)
    return found | {
        PROJECT / "models" / "semantic.yml": f"# Generated from kpis.yml by `python -m dbt_project.generate`; edit the catalogue.\n{text}"
    }


def _semantic() -> dict[str, Any]:
    return {
        "models": [{"name": SPINE, "time_spine": {"standard_granularity_column": "date_day"},
                    "columns": [{"name": "date_day", "granularity": "day"}]}],
        "semantic_models": [*(_model(parts) for parts in _parts()), _plant()],
        "metrics": [metric for kpi in semantic_kpis() for metric in _metrics(kpi)],
    }  # fmt: skip


def _model(parts: str) -> dict[str, Any]:
    return {
        "name": f"{parts}_month",
        "description": f"Sums of the parts '{parts}' by plant and month.",
        "model": f"ref('{parts}_month')",
        "defaults": {"agg_time_dimension": "first_day"},
        "primary_entity": f"{parts}_sum",
        "entities": [{"name": "plant", "type": "foreign", "expr": "plant_id"}],
        "dimensions": [{"name": "first_day", "type": "time", "expr": "month", "type_params": {"time_granularity": "month"}}],
        "measures": [{"name": _measure(term), "agg": "sum", "expr": term.name} for term in _terms(parts)],
    }


def _measure(term: Term) -> str:
    """MetricFlow keeps two underscores for itself."""
    return term.name.replace("__", "_where_")


def _plant() -> dict[str, Any]:
    return {
        "name": "plants",
        "description": "One row per plant.",
        "model": "ref('plants')",
        "entities": [{"name": "plant", "type": "primary", "expr": "plant_id"}],
        "dimensions": [{"name": name, "type": "categorical"} for name in PLANT],
    }


def _metrics(kpi: Kpi) -> list[dict[str, Any]]:
    """A KPI and its two sides; of a side of several columns also each column."""
    name, label = metric_name(kpi), f"{kpi.about['name']}{'' if kpi.profile == 'ISO' else f' ({kpi.profile})'}"
    sides = {side: f"{name}_{side}" for side in ("numerator", "denominator")}
    found: list[dict[str, Any]] = []
    for side, of in sides.items():
        found += _side(kpi, getattr(kpi, side), of, f"{label}, {side}")
    found.append({
        "name": name, "label": label, "description": f"{kpi.about['formula']} [{kpi.about['unit']}]. {kpi.about['definition']}",
        "type": "ratio", "type_params": sides,
    })  # fmt: skip
    return found


def _side(kpi: Kpi, expression: str, name: str, label: str) -> list[dict[str, Any]]:
    def simple(term: Term, of: str, title: str) -> dict[str, Any]:
        return {"name": of, "label": title, "type": "simple", "type_params": {"measure": _measure(term)}}

    columns = list(dict.fromkeys(NAME.findall(expression)))
    if expression == columns[0]:
        return [simple(Term(expression, kpi.needs), name, label)]
    inputs = {column: f"{name}_{column}" for column in columns}
    return [
        *(simple(Term(column, kpi.needs), of, f"{label}: {column}") for column, of in inputs.items()),
        {
            "name": name, "label": label, "type": "derived",
            "type_params": {"expr": re.sub(r"(?<=/ )(\d+)", r"\1.0", expression),
                            "metrics": [{"name": of, "alias": column} for column, of in inputs.items()]},
        },
    ]  # fmt: skip
