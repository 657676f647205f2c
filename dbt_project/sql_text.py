"""What the modules that write SQL share: how a relation is named, when a version of a part holds, kinds of periods and scopes.

Here: pieces of text. Elsewhere: the SELECTs over shifts (`dbt_project.value_sql`) and over other parts (`dbt_project.record_sql`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

Relation = Callable[[str], str]
"""The name of a table, wherever the SQL is to run."""

PERIODS = {
    "DAY": "production_day",
    "WEEK": "cast(date_trunc('week', production_day) as date)",
    "MONTH": "cast(date_trunc('month', production_day) as date)",
    "QUARTER": "cast(date_trunc('quarter', production_day) as date)",
}
"""Kind of period longer than a shift: the day on which that of a production day starts."""
OF_MANY_PLANTS = "scope_type in ('CLASS', 'COMPANY', 'PORTFOLIO')"
PLANT_OF_SCOPE = f"case when {OF_MANY_PLANTS} then null else min(plant_id) end as plant_id"


def lines(columns: Iterable[str], indent: int = 4) -> str:
    """Columns, one a line."""
    return f",\n{' ' * indent}".join(columns)


def holds(as_of: str | None = None) -> Callable[[str], str]:
    """The condition, by alias of the parts, that a version holds: at a release (an expression), or today.

    >>> holds()("p"), holds("41")("p")
    ('p.valid_to_release is null', 'p.valid_from_release <= 41 and (p.valid_to_release is null or p.valid_to_release > 41)')
    """

    def of(alias: str) -> str:
        open_end = f"{alias}.valid_to_release is null"
        return f"{alias}.valid_from_release <= {as_of} and ({open_end} or {alias}.valid_to_release > {as_of})" if as_of else open_end

    return of
