"""What was said before and is not said any more: values as of a release, or of a closed month, beside today's, and why they differ.

Here: the comparison as SQL (the published table macro `kpi_restated` is the same), the releases that moved each value, their causes
and exports. Elsewhere: values as of a release (`dbt_project.value_sql`), what a map would move (`publish.differences`), how it looks
(`publish.tables`).

A value is restated when it had been said and now is another, a value where there was none, or none. Periods that nobody had spoken of
are news. A release moved a value when it gave or took a version of a part of it; where none did, when it did so in the months of the
period: what a unit books all month decides about each of its shifts.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import TYPE_CHECKING, Any

import polars as pl

from publish.ranking import NOISE

if TYPE_CHECKING:
    from publish.reader import Snapshot

KEY = ("kpi_id", "profile", "scope_type", "scope_id", "period_type", "period_start", "shift_code")
SIDED = ("value", "grade", "status", "why")
NOT_OF_EXPORTS = ("reason map", "setting", "clock offset", "code", "asked", "history of silver is gone", "rollback")
"""Causes (how they begin) that no export gives."""
STARTS = {
    "SHIFT": "production_day", "DAY": "production_day", "WEEK": "CAST(date_trunc('week', production_day) AS DATE)",
    "MONTH": "CAST(date_trunc('month', production_day) AS DATE)", "QUARTER": "CAST(date_trunc('quarter', production_day) AS DATE)",
}  # fmt: skip
LENGTH = {"SHIFT": "1d", "DAY": "1d", "WEEK": "1w", "MONTH": "1mo", "QUARTER": "3mo"}

RELEASES = pl.List(
    pl.Struct({
        "release_id": pl.Int64, "released_at": pl.Datetime("us", "UTC"), "plant_id": pl.String,
        "causes": pl.List(pl.String), "exports": pl.List(pl.String),
    })
)  # fmt: skip
"""The releases that moved a value, by plant: their causes and the exports of them that tell of the period."""


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
    """With the releases that moved each value."""
    if changed.is_empty():
        return changed.with_columns(pl.lit(None, RELEASES).alias("releases"))
    last = pl.col("period_start").dt.offset_by(LENGTH[period]).dt.offset_by("-1d").alias("last_day")
    about = changed.select("scope_id", "period_start", "shift_code", "since_release", last).unique()
    by = ["scope_id", "period_start", "shift_code"]
    moves = _moves(reader, about, scope, period, "shift_code" if period == "SHIFT" else "CAST(NULL AS VARCHAR)")
    found = about.join(moves, on=by, nulls_equal=True)
    silent = about.join(found, on=by, how="anti", nulls_equal=True)
    if len(silent):
        months = pl.concat_list(pl.col("period_start").dt.truncate("1mo"), pl.col("last_day").dt.truncate("1mo")).list.unique()
        by_month = _moves(reader, silent, scope, "MONTH", "CAST(NULL AS VARCHAR)").rename({"period_start": "month"}).drop("shift_code")
        more = silent.with_columns(months.alias("month")).explode("month").join(by_month, on=["scope_id", "month"]).drop("month")
        found = pl.concat([found, more.unique()])
    found = found.filter(pl.col("release_id") > pl.col("since_release"))
    told = _causes(reader, found)
    listed = (
        told.sort("release_id", "plant_id")
        .group_by(by, maintain_order=True)
        .agg(pl.struct("release_id", "released_at", "plant_id", "causes", "exports").alias("releases"))
    )
    joined = changed.join(listed, on=by, how="left", nulls_equal=True, maintain_order="left")
    return joined.with_columns(pl.col("releases").fill_null(pl.lit([], dtype=RELEASES)).cast(RELEASES))


def _moves(reader: Snapshot, about: pl.DataFrame, scope: str, period: str, shift: str) -> pl.DataFrame:
    """By scope and period: releases that gave or took a version of a part, and of which plant it is."""
    return reader.query(
        f"""
        SELECT DISTINCT x.scope_id, {STARTS[period]} AS period_start, {shift} AS shift_code, p.plant_id, v.release_id
        FROM (SELECT plant_id, equipment_id, production_day, shift_code, unnest([valid_from_release, valid_to_release]) AS release_id
            FROM mart_kpi_parts_shift WHERE production_day >= date_trunc('month', ?::DATE) AND production_day <= last_day(?::DATE)
                AND (valid_from_release > ? OR valid_to_release > ?)) AS p
        INNER JOIN unit_scope AS x ON p.equipment_id = x.unit_id
        INNER JOIN release AS v ON p.release_id = v.release_id
        WHERE x.scope_type = ? AND list_contains(?, x.scope_id)
        """,
        [about["period_start"].min(), about["last_day"].max(), *[about["since_release"].min()] * 2, scope, about["scope_id"].unique().to_list()],
    )


def _causes(reader: Snapshot, found: pl.DataFrame) -> pl.DataFrame:
    """Moves with when they came, their causes and their exports: those of the days of the period, or all where none is of them."""
    releases = found["release_id"].unique().to_list()
    causes = reader.query(
        """SELECT release_id, plant_id, released_at, cause, first_day, last_day AS last_cause_day, exports
        FROM release INNER JOIN release_cause USING (release_id) WHERE list_contains(?, release_id)""",
        [releases],
    )
    exports = reader.query(
        """SELECT plant_id, name, CAST(min(least(data_from, covers_from)) AS DATE) - 1 AS from_day,
            CAST(max(greatest(data_to, covers_to)) AS DATE) + 1 AS to_day
        FROM export_ledger WHERE list_contains(?, plant_id) GROUP BY plant_id, name""",
        [found["plant_id"].unique().to_list()],
    )
    key = [*found.columns]
    days = ("first_day", "last_cause_day"), ("from_day", "to_day")
    of_cause, of_export = (_overlaps(*pair) for pair in days)
    both = found.join(causes, on=["release_id", "plant_id"], how="left")
    touching = _where_any(both, of_cause, key)
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
    )
    files = _where_any(named, of_export, key).group_by(key).agg(pl.col("name").unique().sort().alias("exports"))
    grouped = touching.group_by(key).agg(pl.col("released_at").first(), pl.col("cause").drop_nulls().unique().sort().alias("causes"))
    return grouped.join(files, on=key, how="left", nulls_equal=True).with_columns(
        pl.col("exports").fill_null(pl.lit([], dtype=pl.List(pl.String)))
    )


def _overlaps(first: str, last: str) -> pl.Expr:
    """Whether days touch the period; days that are not known do."""
    return (pl.col(first).is_null() | (pl.col(first) <= pl.col("last_day"))) & (
        pl.col(last).is_null() | (pl.col(last) >= pl.col("period_start"))
    )


def _where_any(frame: pl.DataFrame, test: pl.Expr, key: Sequence[str]) -> pl.DataFrame:
    """The rows that pass; of a group where none passes, all."""
    return frame.with_columns(test.alias("_in")).filter(pl.col("_in") | ~pl.col("_in").any().over(key)).drop("_in")
