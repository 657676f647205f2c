"""What was said before and is not said any more: values as of a release, or of a closed month, beside today's, and why they differ.

Here: the comparison as SQL (the published table macro `kpi_restated` is the same), the releases that moved each value, their causes
and exports. Elsewhere: values as of a release (`dbt_project.value_sql`), what a map would move (`publish.differences`), how it looks
(`publish.tables`).

A value is restated when it had been said and now is another, a value where there was none, or none. Periods that nobody had spoken of
are news. A release moved a value when it changed a column of its parts that the KPI is made of; where none did, when it changed a
part of it, or one of the months of the period: what a unit books all month decides about each of its shifts.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import date
from typing import TYPE_CHECKING, Any

import polars as pl

from dbt_project.catalogue import catalogue
from dbt_project.metrics import TABLES
from dbt_project.sql_text import PERIODS
from dbt_project.value_sql import DERIVED
from publish.ranking import NOISE

if TYPE_CHECKING:
    from publish.reader import Snapshot

KEY = ("kpi_id", "profile", "scope_type", "scope_id", "period_type", "period_start", "shift_code")
SIDED = ("value", "grade", "status", "why")
NOT_OF_EXPORTS = ("reason map", "setting", "clock offset", "code", "asked", "history of silver is gone", "rollback")
"""Causes (how they begin) that no export gives."""
OF_RECORDS = {
    "day": {"energy": "energy", "labour": "labour_time", "maintenance": "maintenance_order"},
    "month": {"stock": "inventory_snapshot", "cost": "cost", "delivery": "delivery_line", "exchange rate": "fx_rate"},
    "order": {"order": "production_order", "operation": "order_operation"},
    "shift": {"order": "production_order", "operation": "order_operation"},
    **{parts: {"inspection": "inspection_result"} for parts in ("quality", "routing", "characteristic")},
    "losses": {"scrap": "scrap"}, "none": {"movement": "goods_movement"},
}  # fmt: skip
"""By kind of parts: causes by which records of their own restate them, and the table of these. A release names all of a day."""
STARTS = {"SHIFT": "production_day", **PERIODS}
LENGTH = {"SHIFT": "1d", "DAY": "1d", "WEEK": "1w", "MONTH": "1mo", "QUARTER": "3mo"}
DAYS = "production_day BETWEEN date_trunc('month', CAST($first AS DATE)) AND last_day(CAST($last AS DATE))"
"""The months of the periods."""

RELEASES = pl.List(
    pl.Struct({
        "release_id": pl.Int64, "released_at": pl.Datetime("us", "UTC"), "plant_id": pl.String,
        "causes": pl.List(pl.String), "exports": pl.List(pl.String),
    })
)  # fmt: skip
"""The releases that moved a value, by plant: their causes and the exports of them that tell of the period."""


_NO_MOVES = pl.DataFrame(
    schema={
        "kpi_id": pl.String,
        "scope_id": pl.String,
        "period_start": pl.Date,
        "shift_code": pl.String,
        "plant_id": pl.String,
        "release_id": pl.Int64,
    }
)


def restated_sql(then: str, now: str) -> str:
    """The SELECT of what differs between two relations with the columns of `kpi_value`: of values that `then` has.

    >>> "GROUP BY" in restated_sql("kpi_value_as_of(3)", "kpi_value")
    True
    """
    columns = ", ".join((*KEY, "scope_name", "plant_id", "value", "grade", "status", "flags"))
    sides = [
        f"max({'CASE WHEN value IS NULL THEN flags[1] END' if name == 'why' else name}) FILTER ({test}) AS {name}_{side}"
        for name in SIDED
        for side, test in (("then", "NOT is_now"), ("now", "is_now"))
    ]
    return f"""SELECT {", ".join(KEY)}, arg_max(scope_name, is_now) AS scope_name, max(plant_id) AS plant_id,
    {", ".join(sides)}, value_now - value_then AS difference
FROM (SELECT false AS is_now, {columns} FROM {then} UNION ALL SELECT true AS is_now, {columns} FROM {now})
GROUP BY {", ".join(KEY)}
HAVING bool_or(NOT is_now) AND ((value_then IS NULL) <> (value_now IS NULL) OR abs(value_now - value_then) > {NOISE})"""


def restated(
    reader: Snapshot,
    since: int | None,
    kpis: Sequence[str],
    scope: str,
    period: str,
    *,
    ids: Sequence[str] | None = None,
    profile: str = "ISO",
    days: tuple[date, date] = (date.min, date.max),
) -> pl.DataFrame:
    """Values that were said as of release `since` (None: of closed months) and are others today, newest period first.

    Columns: those of `kpi_restated`, unit, since_release and `releases` (RELEASES).
    """
    of_scopes = "" if ids is None else " AND list_contains(?, scope_id)"
    asked = f"scope_type = ? AND period_type = ? AND profile = ? AND list_contains(?, kpi_id) AND period_start BETWEEN ? AND ?{of_scopes}"
    wanted: list[Any] = [scope, period, profile, list(kpis), *days, *([] if ids is None else [list(ids)])]
    then = "kpi_release" if since is None else f"kpi_value_as_of({int(since)})"
    closing = "(SELECT period_start, max(release_id) AS since_release FROM kpi_release GROUP BY period_start)"
    changed = reader.query(
        f"""
        SELECT r.*, d.unit, {"c.since_release" if since is None else int(since)} AS since_release
        FROM ({restated_sql(then, "kpi_value")}) AS r
        LEFT JOIN kpi_definition AS d USING (kpi_id, profile)
        {f"LEFT JOIN {closing} AS c USING (period_start)" if since is None else ""}
        WHERE {asked}
        ORDER BY period_start DESC, scope_id, shift_code, kpi_id
        """,
        wanted,
    ).with_columns(pl.col("since_release").cast(pl.Int64))
    return _explained(reader, changed, scope, period)


def _explained(reader: Snapshot, changed: pl.DataFrame, scope: str, period: str) -> pl.DataFrame:
    """With the releases that moved each value: of a KPI of records by its own tables of parts; else by the columns of the KPI, by any part
    of the shifts of its period, or by those of its months."""
    if changed.is_empty():
        return changed.with_columns(pl.lit(None, RELEASES).alias("releases"))
    last = pl.col("period_start").dt.offset_by(LENGTH[period]).dt.offset_by("-1d").alias("last_day")
    by = ["kpi_id", "scope_id", "period_start", "shift_code"]
    about = changed.select(*by, "since_release", last)
    found = [_joined(about, _moves_of_records(reader, about, scope, period), by)]
    about = _without(about, found)
    moves = _moves(reader, about, scope, period)
    found.append(_joined(about, _of_kpis(moves, about["kpi_id"].unique().to_list()), by))
    found.append(_joined(_without(about, found), moves, by[1:]))
    if len(silent := _without(about, found)):
        months = pl.concat_list(pl.col("period_start").dt.truncate("1mo"), pl.col("last_day").dt.truncate("1mo")).list.unique()
        by_month = _moves(reader, silent, scope, "MONTH").rename({"period_start": "month"}).drop("shift_code")
        found.append(_joined(silent.with_columns(months.alias("month")).explode("month"), by_month, ["scope_id", "month"]))
    told = _causes(reader, pl.concat(found))
    listed = (
        told.sort("release_id", "plant_id")
        .group_by(by, maintain_order=True)
        .agg(pl.struct("release_id", "released_at", "plant_id", "causes", "exports").alias("releases"))
    )
    joined = changed.join(listed, on=by, how="left", nulls_equal=True, maintain_order="left")
    return joined.with_columns(pl.col("releases").fill_null(pl.lit([], dtype=RELEASES)).cast(RELEASES))


def _joined(about: pl.DataFrame, moves: pl.DataFrame, on: Sequence[str]) -> pl.DataFrame:
    """Values with the plants and releases that moved them since their own release."""
    columns = ["kpi_id", "scope_id", "period_start", "shift_code", "last_day", "plant_id", "release_id"]
    found = about.join(moves, on=on, nulls_equal=True).filter(pl.col("release_id") > pl.col("since_release"))
    return found.select(columns).unique()


def _without(about: pl.DataFrame, found: Sequence[pl.DataFrame]) -> pl.DataFrame:
    return about.join(pl.concat(found), on=["kpi_id", "scope_id", "period_start", "shift_code"], how="anti", nulls_equal=True)


def kpi_columns(kpi_id: str) -> set[str]:
    """The columns of the parts that a KPI is made of, in any profile.

    >>> sorted(kpi_columns("CODED"))
    ['adet_eq_s', 'adet_org_s', 'adot_s', 'aust_s', 'coded_stop_s']
    """
    named = {column for kpi in catalogue() if kpi.kpi_id == kpi_id for column in kpi.columns()}
    return {found for name in named for found in (re.findall(r"p\.(\w+)", DERIVED[name]) if name in DERIVED else [name])}


def _of_kpis(moves: pl.DataFrame, kpis: Sequence[str]) -> pl.DataFrame:
    """Moves by KPI: those in which a column of it changed."""
    known = set(moves.columns)
    of = [(kpi, [f"~{name}" for name in sorted(kpi_columns(kpi)) if f"~{name}" in known]) for kpi in kpis]
    frames = [moves.filter(pl.any_horizontal(columns)).with_columns(pl.lit(kpi).alias("kpi_id")) for kpi, columns in of if columns]
    return pl.concat([moves.clear().with_columns(pl.lit("").alias("kpi_id")), *frames])


def _moves(reader: Snapshot, about: pl.DataFrame, scope: str, period: str) -> pl.DataFrame:
    """By scope and period: releases that gave or took a version of a part, of which plant it is, and (~column) what changed in it."""
    summed = sorted({name for kpi in about["kpi_id"].unique().to_list() for name in kpi_columns(kpi)})
    summed = [name for name in summed if reader.has("mart_kpi_parts_shift", name)]
    sums = [f", sum({name}) FILTER (is_given) IS DISTINCT FROM sum({name}) FILTER (NOT is_given) AS {_quoted(name)}" for name in summed]
    changed = "".join(f", bool_or({_quoted(name)}) AS {_quoted(name)}" for name in summed)
    given, taken = (
        f"SELECT *, {end} AS release_id, {is_given} AS is_given FROM mart_kpi_parts_shift WHERE {end} > $since AND {DAYS}"
        for end, is_given in (("valid_from_release", "true"), ("valid_to_release", "false"))
    )
    shift = "shift_code" if period == "SHIFT" else "CAST(NULL AS VARCHAR)"
    return reader.query(
        f"""
        WITH part AS (
            {given}
            UNION ALL
            {taken}
        ),
        unit_shift AS (
            SELECT plant_id, equipment_id, shift_instance_id, shift_code, production_day, release_id{"".join(sums)}
            FROM part GROUP BY plant_id, equipment_id, shift_instance_id, shift_code, production_day, release_id
        )
        SELECT x.scope_id, {STARTS[period]} AS period_start, {shift} AS shift_code, u.plant_id, u.release_id{changed}
        FROM unit_shift AS u INNER JOIN unit_scope AS x ON u.equipment_id = x.unit_id
        WHERE x.scope_type = $scope AND list_contains($ids, x.scope_id)
        GROUP BY ALL
        """,
        _asked_of(about, scope),
    )


def _moves_of_records(reader: Snapshot, about: pl.DataFrame, scope: str, period: str) -> pl.DataFrame:
    """By KPI, scope and period: releases that gave or took a version of a part that is made of records (orders, inspections, ...)."""
    frames = [_NO_MOVES]
    for parts in sorted({kpi.parts for kpi in catalogue()} - {"shift"}):
        asked = about.filter(pl.col("kpi_id").is_in([kpi.kpi_id for kpi in catalogue() if kpi.parts == parts]))
        tables = [table for table in TABLES[parts] if table.startswith("mart_kpi_parts") and reader.has(table)]
        if asked.is_empty() or not tables:
            continue
        versions = " UNION ALL ".join(
            f"SELECT plant_id, equipment_id, production_day, {end} AS release_id FROM {table} WHERE {end} > $since AND {DAYS}"
            for table in tables
            for end in ("valid_from_release", "valid_to_release")
        )
        moves = reader.query(
            f"""
            SELECT DISTINCT x.scope_id, {STARTS[period]} AS period_start, CAST(NULL AS VARCHAR) AS shift_code, v.plant_id, v.release_id
            FROM ({versions}) AS v
            INNER JOIN unit_scope AS x ON v.plant_id = x.plant_id AND v.equipment_id IN (x.unit_id, '~' || x.plant_id)
            WHERE x.scope_type = $scope AND list_contains($ids, x.scope_id)
            """,
            _asked_of(asked, scope),
        )
        frames.append(asked.select("kpi_id").unique().join(moves, how="cross").select(_NO_MOVES.columns))
    return pl.concat(frames, how="vertical_relaxed")


def _asked_of(about: pl.DataFrame, scope: str) -> dict[str, Any]:
    return {
        "first": about["period_start"].min(), "last": about["last_day"].max(), "since": about["since_release"].min(),
        "scope": scope, "ids": about["scope_id"].unique().to_list(),
    }  # fmt: skip


def _quoted(name: str) -> str:
    return f'"~{name}"'


def _causes(reader: Snapshot, found: pl.DataFrame) -> pl.DataFrame:
    """Moves with when they came, their causes and their exports: those of the days of the period, or all where none is of them."""
    releases = found["release_id"].unique().to_list()
    causes = reader.query(
        """SELECT c.release_id, c.plant_id, r.released_at, c.cause, c.first_day, c.last_day AS last_cause_day, c.exports
        FROM release AS r INNER JOIN release_cause AS c USING (release_id) WHERE list_contains(?, c.release_id)""",
        [releases],
    )
    exports = reader.query(
        """SELECT plant_id, name, CAST(min(least(data_from, covers_from)) AS DATE) - 1 AS from_day,
            CAST(max(greatest(data_to, covers_to)) AS DATE) + 1 AS to_day, list(DISTINCT table_name) AS tables
        FROM export_ledger WHERE list_contains(?, plant_id) GROUP BY plant_id, name""",
        [found["plant_id"].unique().to_list()],
    )
    key = [*found.columns]
    days = ("first_day", "last_cause_day"), ("from_day", "to_day")
    of_cause, of_export = (_overlaps(*pair) for pair in days)
    both = found.join(causes, on=["release_id", "plant_id"], how="left")
    foreign, foreign_tables = _foreign()
    touching = _where_any(both.join(foreign, on=["kpi_id", "cause"], how="left"), of_cause & pl.col("is_foreign").is_null(), key)
    named = (
        touching.with_columns(
            pl.any_horizontal(pl.lit(False), *(pl.col("cause").str.starts_with(word) for word in NOT_OF_EXPORTS)).alias("is_no_export")
        )
        .filter(~pl.col("is_no_export"))
        .explode("exports")
        .select(*key, pl.col("exports").alias("name"))
        .unique()
        .drop_nulls("name")
        .join(exports, on=["plant_id", "name"], how="left")
        .join(foreign_tables, on="kpi_id", how="left")
    )
    is_of_it = pl.col("tables").list.set_difference("foreign_tables").list.len().fill_null(1) > 0
    files = _where_any(named, of_export & is_of_it, key).group_by(key).agg(pl.col("name").unique().sort().alias("exports"))
    grouped = touching.group_by(key).agg(pl.col("released_at").first(), pl.col("cause").drop_nulls().unique().sort().alias("causes"))
    return grouped.join(files, on=key, how="left", nulls_equal=True).with_columns(
        pl.col("exports").fill_null(pl.lit([], dtype=pl.List(pl.String)))
    )


def _foreign() -> tuple[pl.DataFrame, pl.DataFrame]:
    """Of each KPI what cannot have moved it, because other kinds of parts are made of it: causes, and tables."""
    every = {cause: table for of in OF_RECORDS.values() for cause, table in of.items()}
    pairs = sorted({(kpi.kpi_id, cause) for kpi in catalogue() for cause in every.keys() - OF_RECORDS[kpi.parts].keys()})
    causes = pl.DataFrame(pairs, schema=["kpi_id", "cause"], orient="row")
    tables = causes.with_columns(pl.col("cause").replace_strict(every).alias("table_name")).group_by("kpi_id").agg("table_name")
    return causes.with_columns(is_foreign=True), tables.rename({"table_name": "foreign_tables"})


def _overlaps(first: str, last: str) -> pl.Expr:
    """Whether days touch the period; days that are not known do."""
    return (pl.col(first).is_null() | (pl.col(first) <= pl.col("last_day"))) & (
        pl.col(last).is_null() | (pl.col(last) >= pl.col("period_start"))
    )


def _where_any(frame: pl.DataFrame, test: pl.Expr, key: Sequence[str]) -> pl.DataFrame:
    """The rows that pass; of a group where none passes, all."""
    return frame.with_columns(test.alias("_in")).filter(pl.col("_in") | ~pl.col("_in").any().over(key)).drop("_in")
