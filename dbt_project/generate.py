"""Writes everything that follows from the KPI catalogue: `python -m dbt_project.generate`, or `--check`, which fails where a file is stale.

Here: which files there are. Elsewhere: the catalogue (`dbt_project.catalogue`), the SQL of the values (`dbt_project.value_sql`).
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any

from dbt_project import semantic_models, value_sql
from dbt_project.catalogue import FOLDER, VERSION, catalogue
from dbt_project.handbook import handbook
from dbt_project.metrics import as_text, metrics

STATED = ("plant", "plant_setting", "plant_definition_profile")
"""Silver's tables that the generated SQL reads."""
DESCRIBED = ("name", "iso_name", "formula", "unit", "trend", "rollup_rule", "non_comparability")


def kpi_definition_sql() -> str:
    """The SELECT of `kpi_definition`: one row per KPI and profile."""

    def text(value: Any) -> str:
        return "'" + str(value).replace("'", "''") + "'"

    rows = []
    for kpi in catalogue():
        low, high = (str(end) if end is not None else "null" for end in kpi.about.get("range", [None, None]))
        described = ", ".join(f"{text(kpi.about.get(name, ''))} as {name}" for name in DESCRIBED)
        rows.append(
            f"select {text(kpi.kpi_id)} as kpi_id, {VERSION} as version, {text(kpi.profile)} as profile, {described},"
            f" cast({low} as double) as range_low, cast({high} as double) as range_high,"
            f" {text(kpi.numerator)} as numerator_expr, {text(kpi.denominator)} as denominator_expr"
        )
    return "\nunion all\n".join(rows)


def generated() -> dict[Path, str]:
    """The files that follow from the catalogue, with their content."""

    def relation(name: str) -> str:
        if name == "equipment":
            return "(select * from {{ source('silver', 'equipment') }} where is_current)"
        if name == "stated_target":
            return "{{ source('silver', 'kpi_target') }}"
        return f"{{{{ source('silver', '{name}') }}}}" if name in STATED else f"{{{{ ref('{name}') }}}}"

    def jinja_words(text: str) -> str:
        return f'{{{{ words("{text}") }}}}'

    models = {
        "unit_scope": value_sql.unit_scope_sql(relation),
        "mart_kpi_unit_shift": value_sql.unit_shift_sql(relation),
        "mart_kpi_unit_month": value_sql.unit_month_sql(relation),
        "kpi_target": value_sql.target_sql(relation),
        "kpi_value": value_sql.kpi_value_sql(relation, words=jinja_words),
        "kpi_definition": kpi_definition_sql(),
    }
    note = "-- Generated from kpis.yml by `python -m dbt_project.generate`; edit the catalogue.\n"
    kinds = {"kpi_definition": "table"}
    marts = FOLDER / "models" / "marts"
    written = {
        marts / f"{name}.sql": f"{{{{ config(materialized='{kinds.get(name, 'view')}', tags=['standing']) }}}}\n{note}{sql}\n"
        for name, sql in models.items()
    }
    return written | {
        FOLDER / "metrics.json": as_text(metrics()),
        FOLDER.parent / "docs" / "kpi-handbook.md": handbook(),
        **semantic_models.files(),
    }


def main() -> int:
    """Writes the generated files, or with --check says which are stale."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("--check", action="store_true", help="fail when a generated file is not what the catalogue says")
    check = parser.parse_args().check
    stale = [path for path, content in generated().items() if not path.exists() or path.read_text(encoding="utf-8") != content]
    for path in stale:
        if check:
            sys.stderr.write(f"{path.relative_to(FOLDER.parent)} is stale: run `python -m dbt_project.generate`\n")
        else:
            path.write_text(generated()[path], encoding="utf-8")
    return 1 if check and stale else 0


if __name__ == "__main__":
    sys.exit(main())
