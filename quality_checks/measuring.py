"""How a table is measured: recipes of measures, and the one statement that takes them all.

Here: what a recipe is, its SQL, its answer as rows of `PROFILE`, and the parts that several tables share. Elsewhere: the recipes of
silver (`quality_checks.profiles`, `quality_checks.further_profiles`) and of gold (`quality_checks.gold_profiles`), which measure is
acceptable (`quality_checks.suites`).

Words: `every` holds all rows of the plants asked for, `cur` those that count (of versions: the current and not deleted ones). Counts
and shares of nothing are NULL (not applicable), never 0. Times are compared as instants or as epoch seconds: no zone, no extension
of DuckDB is needed.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import dataframely as dy
import polars as pl

from transforms.tables import LINEAGE, TABLES

if TYPE_CHECKING:
    import duckdb

CLOCK_TOLERANCE = timedelta(minutes=5)
"""Specification, rule T17: a time stamp further ahead of the clock is wrong."""
PLANNING_HORIZON = timedelta(days=3 * 366)
EARLIEST = datetime(1990, 1, 1, tzinfo=UTC)
"""No export of a running plant is older; what is, is a zero date (1900, 1970) or a lost century."""

PROFILE = pl.Schema({"plant_id": pl.String(), "table_name": pl.String(), "measure": pl.String(), "value": pl.Float64(), "rows": pl.Int64()})
"""Schema of a profile: one row per plant, table and measure; `rows` are the current rows of the plant in the table."""


@dataclass(frozen=True, slots=True)
class Part:
    """A SELECT of plant_id and measures over `every` and `cur`; a plant that it leaves out has 0, or NULL if `absent` is None."""

    sql: str
    measures: tuple[str, ...]
    absent: float | None = 0.0


@dataclass(frozen=True, slots=True)
class Recipe:
    """How one table is measured: aggregates over `cur`, and parts that need a join or another grain.

    `source` gives the relation, if it is not `silver.<table>`; `plants` says who is measured when nobody is asked for.
    """

    measures: Mapping[str, str]
    parts: tuple[Part, ...] = ()
    source: Callable[[], str] | None = None
    plants: str = "select plant_id from silver.plant union select distinct plant_id from every"
    rows: str = "count(*)"
    cur: str = "select * from every where is_current and not is_deleted"
    every: str = "*"
    filled: tuple[str, ...] = field(default=())
    words: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    def aggregates(self) -> dict[str, str]:
        """Every measure over `cur`, with those that the table's schema implies."""
        nulls = {f"{name}_nulls": f"count(*) filter (where {name} is null)" for name in self.filled}
        words = {f"{name}_strays": f"count(*) filter (where {name} not in ({texts(known)}))" for name, known in self.words.items()}
        return {**nulls, **words, **self.measures}

    def names(self) -> list[str]:
        """All measures of the table, in order."""
        return [*self.aggregates(), *(name for part in self.parts for name in part.measures)]


def measure(con: duckdb.DuckDBPyConnection, table: str, recipe: Recipe, plants: Sequence[str] | None, at: datetime) -> pl.DataFrame:
    """Measures of a table for the plants (None: all), as rows of `PROFILE`; `at` is the instant of the refresh.

    A plant without rows is in the result, with `rows` = 0 and NULL measures. Portfolio-wide vocabularies appear as plant '*'.
    """
    wide: pl.DataFrame = con.sql(statement(table, recipe, plants, at)).pl()
    long = wide.unpivot(index=["plant_id", "rows"], on=recipe.names(), variable_name="measure", value_name="value")
    return long.select("plant_id", pl.lit(table).alias("table_name"), "measure", "value", "rows").cast(PROFILE)


def statement(table: str, recipe: Recipe, plants: Sequence[str] | None, at: datetime) -> str:
    """The SQL of one table: one row per plant, one column per measure."""
    wanted = "" if plants is None else f"where plant_id in ({texts([*plants, '*'])})"
    named = f"select unnest([{texts(plants or ())}]::varchar[]) as plant_id union select distinct plant_id from every"
    aggregates = ", ".join(f"({sql})::double as {name}" for name, sql in recipe.aggregates().items())
    steps = [
        f"every as (select {recipe.every} from {recipe.source() if recipe.source else f'silver.{table}'} {wanted})",
        f"cur as ({recipe.cur})",
        f"plants as ({recipe.plants if plants is None else named})",
        f"base as (select plant_id, ({recipe.rows})::bigint as rows, {aggregates} from cur group by plant_id)",
        *(f"part_{number} as ({part.sql})" for number, part in enumerate(recipe.parts)),
    ]
    columns = ["plants.plant_id", "coalesce(base.rows, 0) as rows", *(f"base.{name}" for name in recipe.aggregates())]
    joins = ["left join base using (plant_id)"]
    for number, part in enumerate(recipe.parts):
        joins.append(f"left join part_{number} using (plant_id)")
        columns += [_column(f"part_{number}.{name}", name, part.absent) for name in part.measures]
    sql = f"with {', '.join(steps)} select {', '.join(columns)} from plants {' '.join(joins)} order by plants.plant_id"
    for name, value in {"{late}": at + CLOCK_TOLERANCE, "{horizon}": at + PLANNING_HORIZON, "{earliest}": EARLIEST}.items():
        sql = sql.replace(name, f"timestamptz '{value.astimezone(UTC).isoformat()}'")
    return sql


def texts(words: Sequence[str]) -> str:
    """Words as a list of SQL literals.

    >>> texts(["a", "it's"])
    "'a', 'it''s'"
    """
    return ", ".join("'" + word.replace("'", "''") + "'" for word in words) or "null"


def unit_orphans() -> Part:
    """Every plant has units, so that a plant without any has orphans only. `silver.equipment` is never windowed."""
    sql = """
        select cur.plant_id, count(*) as equipment_orphan_rows
        from cur anti join silver.equipment known on known.plant_id = cur.plant_id and known.equipment_id = cur.equipment_id
        where cur.equipment_id is not null group by cur.plant_id"""
    return Part(sql, ("equipment_orphan_rows",))


def _revisions(id_column: str, *, by_month: bool) -> Part:
    """Of versions. Where a table is kept by month, the current version of a record may be in another month: a share, no count."""
    name = "lost_record_share" if by_month else "ids_without_current"
    lost = "avg((current_rows = 0)::double)" if by_month else "count(*) filter (where current_rows = 0)"
    sql = f"""
        select plant_id, count(*) filter (where current_rows > 1) as ids_with_several_current, {lost} as {name},
               sum(repeats) as repeated_revisions
        from (select plant_id, {id_column}, count(*) filter (where is_current) as current_rows,
                     count(*) - count(distinct revision) as repeats
              from every group by all)
        group by plant_id"""
    return Part(sql, ("ids_with_several_current", name, "repeated_revisions"))


def orphans(column: str, table: str, id_column: str | None = None) -> Part:
    """Rows that name a record which no revision of its table has; NULL where the plant delivers no such table at all."""
    known = id_column or column
    name = f"{column.removesuffix('_id')}_orphan"
    sql = f"""
        select cur.plant_id, count(*) filter (where known.id is null) / count(*) as {name}_share
        from cur left join (select distinct plant_id, {known} as id from silver.{table}) known
          on known.plant_id = cur.plant_id and known.id = cur.{column}
        where cur.{column} is not null and cur.plant_id in (select plant_id from silver.{table})
        group by cur.plant_id"""
    return Part(sql, (f"{name}_share",), absent=None)


def overlaps(key: Sequence[str], start: str, end: str, id_columns: Sequence[str]) -> Part:
    """Rows that start before an earlier one of the same key has ended; versions of one record do not count against each other."""
    same = ", ".join(f"coalesce({column}, '')" for column in key)
    sql = f"""
        select plant_id, count(*) as overlapping_rows from (
            select plant_id, first, max(last) over (partition by plant_id, {same} order by first, {", ".join(id_columns)}
                                                    rows between unbounded preceding and 1 preceding) as until
            from (select plant_id, {", ".join(dict.fromkeys([*key, *id_columns]))}, min({start}) as first, max({end}) as last
                  from cur group by all))
        where until > first group by plant_id"""
    return Part(sql, ("overlapping_rows",))


def schema_rules(table: str) -> tuple[tuple[str, ...], dict[str, tuple[str, ...]]]:
    """Columns that must be filled, and closed vocabularies, as the table's dataframely schema states them."""
    known = {*LINEAGE, "month"}
    columns = {name: column for name, column in TABLES[table].schema.columns().items() if name not in known}
    words = {name: tuple(column.categories) for name, column in columns.items() if isinstance(column, dy.Enum)}
    return tuple(name for name, column in columns.items() if not column.nullable), words


def revised(table: str, measures: Mapping[str, str], *parts: Part) -> Recipe:
    """A recipe for a table of versions: its own measures, those of its schema, its lineage and its revisions."""
    lost = "_batch_id is null or _source_system is null or _source_object is null or _row_hash is null"
    filled, words = schema_rules(table)
    return Recipe(
        {"rows_without_lineage": f"count(*) filter (where {lost})", **measures},
        (_revisions(TABLES[table].id or "", by_month=TABLES[table].time is not None), *parts),
        every="* exclude (_source_key, _export_order, _extracted_at, _ingested_at, _transform_version, _row_number, dq_flags)",
        filled=filled,
        words=words,
    )


def _column(column: str, name: str, absent: float | None) -> str:
    if absent is None:
        return f"{column}::double as {name}"
    return f"coalesce({column}::double, case when base.rows > 0 then {absent} end) as {name}"
