"""What moved between two states of a lake: rows of silver, rejected records, unit-shifts of gold, values of the headline KPIs.

Here: comparisons, set-based in DuckDB, as frames with the schemas below, and the lines that a terminal shows of them. A preview
compares the lake with its throwaway copy, a release with the one before. Elsewhere: making that copy (`pipelines.preview`), the
values themselves (`publish.reader`), tables of values (`publish.tables`).

A row of silver has changed when a business column of the current version of its record has. Lineage says who told what and when, so
it does not count. Records are found again by their id, and where the id follows from the mapping (a state without an id of its own),
by the line of the export that they were read from.
"""

from __future__ import annotations

import tempfile
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import polars as pl

from connectors.errors import PlantlakeError, Problem
from dbt_project.value_sql import kpi_value_sql
from pipelines import silver, views
from pipelines.lake import Lake
from transforms.canonical import NOT_BUSINESS
from transforms.statements import PLANT_FILE
from transforms.tables import STATEMENTS, TABLES

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

    from publish.reader import Snapshot

HEADLINE = ("OEE", "A", "E", "Q", "QC", "AE", "OOE", "TEEP", "COVERAGE")
"""Ratios that are compared, in the order in which people read them."""
NOISE = 1e-9
"""Values and coverages nearer than this are the same: sums of floats depend on their order."""

_COUNTED = pl.List(pl.Struct({"name": pl.String, "rows": pl.Int64}))
SILVER_DIFFERENCES: dict[str, pl.DataType | type[pl.DataType]] = {
    "plant_id": pl.String, "source_system": pl.String, "table_name": pl.String,
    "changed": pl.Int64, "added": pl.Int64, "removed": pl.Int64, "columns": _COUNTED,
    "accepted": pl.Int64, "left_out": pl.Int64, "rejected": pl.Int64, "rules": _COUNTED, "affected_events": pl.Int64,
    "failing_exports": pl.Int64, "mended_exports": pl.Int64,
}  # fmt: skip
"""One row per plant, source and table of silver in which something moved.

`changed`, `added`, `removed` count current rows; `columns` says in how many of the changed rows each column differs. Of source
records: `accepted` were rejected before and are in silver now, `left_out` were rejected and are now filtered or repeat another one,
`rejected` were not rejected before, and `rules` says why. `affected_events` counts the state events that use a changed entry of the
reason map. Exports that load into the table no longer, and those that do again.
"""
KPI_DIFFERENCES: dict[str, pl.DataType | type[pl.DataType]] = {
    "kpi_id": pl.String, "profile": pl.String, "scope_type": pl.String, "scope_id": pl.String, "period_type": pl.String,
    "period_start": pl.Date, "before": pl.Float64, "after": pl.Float64, "points": pl.Float64,
    "coverage_before": pl.Float64, "coverage_after": pl.Float64, "grade_before": pl.String, "grade_after": pl.String,
    "status_before": pl.String, "status_after": pl.String, "why_before": pl.String, "why_after": pl.String,
}  # fmt: skip
"""One row per KPI, scope and period of which the value, coverage, grade or status moved, the largest move first.

`points` are percentage points; null where one side has no value, and `why_*` then names the flag that says why. A side that does not
know the scope and period at all has nulls throughout.
"""
SHIFT_DIFFERENCES: dict[str, pl.DataType | type[pl.DataType]] = {
    "plant_id": pl.String, "month": pl.Date, "restated": pl.Int64, "added": pl.Int64, "removed": pl.Int64,
    "first_day": pl.Date, "last_day": pl.Date,
}  # fmt: skip
"""One row per plant and month of production days: unit-shifts whose parts changed, are new, or are no longer there."""

KEYS: dict[str, tuple[str, ...]] = {
    "plant": ("plant_id",),
    "plant_setting": ("plant_id", "equipment_id", "valid_from"),
    "class_precedence": ("plant_id", "source_system", "state_class"),
    "source_setting": ("plant_id", "source_system"),
    "clock_offset": ("plant_id", "source_system", "day"),
    "rate_basis_rank": ("plant_id", "rate_basis"),
    "source_watermark": ("plant_id", "source_system"),
    "production_day": ("plant_id", "production_day"),
    "map_downtime_reason": ("plant_id", "source_system", "source_code", "valid_from"),
    "historian_sample": ("plant_id", "tag_id", "ts"),
    "plant_definition_profile": ("plant_id",),
    "line_station": ("plant_id", "line_id", "equipment_id"),
    "product_family": ("plant_id", "material_id"),
    "emission_factor": ("plant_id", "carrier", "valid_from"),
    "economics": ("plant_id", "equipment_id", "valid_from"),
    "fx_rate": ("plant_id", "from_ccy", "to_ccy", "period", "rate_type"),
    "equipment_class": ("plant_id", "equipment_class"),
    "kpi_target": ("plant_id", "kpi_id", "scope_type", "scope_id", "valid_from"),
}
"""What identifies a row of the tables without an id."""
MAP = "map_downtime_reason"


@dataclass(frozen=True)
class Side:
    """The silver layer of a lake at pinned Delta versions: a table that `versions` does not name did not exist. None: as it is now."""

    lake: Lake
    versions: Mapping[str, int] | None = None

    def files(self, table: str, plants: Sequence[str]) -> pl.DataFrame:
        """The files of a table that may hold rows of these plants, with `place`, their path in the table.

        Raises PlantlakeError when the version is no longer there: upkeep removes what nobody can need after a week.
        """
        if self.versions is not None and table not in self.versions:
            found: pl.DataFrame | None = pl.DataFrame(schema=views.FILES)
        else:
            found = views.files(self.lake, table, None if self.versions is None else self.versions[table])
        if found is None:
            raise PlantlakeError(
                Problem(f"Version {(self.versions or {}).get(table)} of silver table '{table}' is no longer kept.", table=table,
                        fix="compare values and shifts instead: they are kept for every release", actor="us")
            )  # fmt: skip
        mine = found.filter(pl.col("plant_id").is_null() | pl.col("plant_id").is_in(list(plants)))
        return mine.with_columns(pl.col("path").str.strip_prefix(self.lake.table(table).as_posix()).alias("place"))


def versions(lake: Lake) -> dict[str, int]:
    """Today's Delta version of each table of silver that exists, for a `Side`."""
    found = {name: silver.version(lake, name) for name in (*TABLES, *STATEMENTS, "quarantine")}
    return {name: number for name, number in found.items() if number is not None}


# --- silver -----------------------------------------------------------------------------------------------------------------------


def silver_differences(
    before: Side, after: Side, plants: Collection[str], ledgers: tuple[pl.DataFrame, pl.DataFrame] | None = None
) -> pl.DataFrame:
    """What moved in silver for these plants: SILVER_DIFFERENCES, by plant, source and table.

    Only files that one side has and the other has not are read. `ledgers` are the export ledgers of the two sides
    (`ExportLedger.frame`); without them nothing is said of exports that fail.
    """
    wanted = sorted(plants)
    with _both(before, after) as con:
        frames = [found for name in (*TABLES, *STATEMENTS) if (found := _table(con, before, after, name, wanted)) is not None]
        frames += [found] if (found := _rejects(con, before, after, wanted)) is not None else []
    if ledgers is not None:
        frames.append(_exports(*ledgers, wanted))
    merged = pl.concat([pl.DataFrame(schema=SILVER_DIFFERENCES), *frames], how="diagonal_relaxed")
    keys = ["plant_id", "source_system", "table_name"]
    lists = [pl.col(name).drop_nulls().first() for name in ("columns", "rules")]
    counts = [pl.col(name).sum() for name in SILVER_DIFFERENCES if name not in (*keys, "columns", "rules")]
    found = merged.group_by(keys).agg(*lists, *counts)
    empty = [pl.col(name).fill_null(pl.lit([], dtype=_COUNTED)) for name in ("columns", "rules")]
    return found.with_columns(empty).select(*SILVER_DIFFERENCES).sort(keys)


@contextmanager
def _both(before: Side, after: Side) -> Iterator[DuckDBPyConnection]:
    """A database in memory with the schemas `before` and `after`; what does not fit spills to a folder of its own."""
    import duckdb

    with tempfile.TemporaryDirectory(dir=_made(after.lake)) as spill, duckdb.connect() as con:
        con.execute("SET TimeZone = 'UTC'")
        con.execute("SET temp_directory = ?", [spill])
        for side in ("before", "after"):
            con.execute(f"CREATE SCHEMA {side}")
        yield con


def _made(lake: Lake) -> str:
    lake.scratch.mkdir(parents=True, exist_ok=True)
    return str(lake.scratch)


def _views(con: DuckDBPyConnection, before: Side, after: Side, table: str, plants: Sequence[str]) -> bool:
    """Views over the files that one side has and the other has not; whether there are any. Rows of shared files are the same."""
    old, new = before.files(table, plants), after.files(table, plants)
    for name, mine, other in (("before", old, new), ("after", new, old)):
        alone = mine.join(other, on="place", how="anti")["path"].to_list()
        con.execute(views.view_sql(table, alone, name=f"{name}.{_name(table)}", where=f"plant_id IN ({views.listed(plants)})"))
    return set(old["place"]) != set(new["place"])


def _table(con: DuckDBPyConnection, before: Side, after: Side, table: str, plants: Sequence[str]) -> pl.DataFrame | None:
    """Changed, added and removed rows of one table."""
    if not _views(con, before, after, table, plants):
        return None
    spec = TABLES.get(table)
    identified = spec is not None and spec.id is not None
    where = "is_current AND NOT is_deleted" if identified else "true"
    key = ("plant_id", str(spec.id)) if spec is not None and identified else KEYS[table]
    compared = _compared(table)
    same = ("plant_id", str(key[-1]), "_row_hash") if identified else tuple(dict.fromkeys((*key, *compared)))
    for name, mine, other in (("gone", "before", "after"), ("came", "after", "before")):
        con.execute(
            f"CREATE OR REPLACE TEMP TABLE {name} AS SELECT row_number() OVER () AS n, m.*"
            f" FROM (SELECT * FROM {mine}.{_name(table)} WHERE {where}) AS m"
            f" ANTI JOIN (SELECT * FROM {other}.{_name(table)} WHERE {where}) AS o ON {_equal('m', 'o', same)}"
        )
    con.execute("CREATE OR REPLACE TEMP TABLE pair (gone BIGINT, came BIGINT)")
    _pair(con, key, "true")
    if identified:
        _pair(con, ("plant_id", "_source_system", "_batch_id", "_row_number"), f"_batch_id <> '{PLANT_FILE}'")
    counted = _counted(con, table, compared)
    return pl.concat([counted, _affected(con, after, plants)], how="diagonal_relaxed") if table == MAP else counted


def _compared(table: str) -> list[str]:
    """Business columns of a table; an id that only repeats the code beside it says nothing more."""
    columns = silver.columns(table)
    if table in STATEMENTS:
        return [name for name in columns if name not in (*KEYS[table], "month")]
    spec = TABLES[table]
    if spec.id is None:
        return ["value_num", "value_text", "quality"]
    left_out = {*NOT_BUSINESS, spec.id, *(["equipment_id"] if "equipment_code" in columns else [])}
    return [name for name in columns if name not in left_out]


def _pair(con: DuckDBPyConnection, key: Sequence[str], where: str) -> None:
    """Pairs what is gone with what came and has the same key, where that is certain."""
    sides = [
        f"(SELECT n, {_columns(key)} FROM {side} WHERE {where} AND n NOT IN (SELECT {side} FROM pair)"
        f" QUALIFY count(*) OVER (PARTITION BY {_columns(key)}) = 1)"
        for side in ("gone", "came")
    ]
    con.execute(f"INSERT INTO pair SELECT g.n, c.n FROM {sides[0]} AS g JOIN {sides[1]} AS c ON {_equal('g', 'c', key)}")


def _counted(con: DuckDBPyConnection, table: str, compared: Sequence[str]) -> pl.DataFrame:
    """Sums of `gone`, `came` and `pair` by plant and source."""
    source = next((name for name in ("_source_system", "source_system") if name in silver.columns(table)), None)
    told = f"c.{source}" if source else f"'{PLANT_FILE}'"
    differs = [f"g.{_name(name)} IS DISTINCT FROM c.{_name(name)}" for name in compared]
    sums = ", ".join(f"count(*) FILTER ({test}) AS {_name(name)}" for name, test in zip(compared, differs, strict=True))
    changed = pl.DataFrame(
        con.sql(
            f"SELECT c.plant_id, {told} AS source_system, count(*) AS changed, {sums} FROM pair AS p"
            f" JOIN gone AS g ON g.n = p.gone JOIN came AS c ON c.n = p.came WHERE {' OR '.join(differs)} GROUP BY ALL"
        ).to_arrow_table()
    )
    alone = [
        pl.DataFrame(
            con.sql(
                f"SELECT plant_id, {told} AS source_system, count(*) AS {count} FROM {side} AS c"
                f" WHERE n NOT IN (SELECT {side} FROM pair) GROUP BY ALL"
            ).to_arrow_table()
        )
        for side, count in (("came", "added"), ("gone", "removed"))
    ]
    named = changed.select("plant_id", "source_system", "changed", _most(compared))
    frames = [frame.with_columns(pl.lit(table).alias("table_name")) for frame in (named, *alone)]
    return pl.concat([pl.DataFrame(schema=SILVER_DIFFERENCES), *frames], how="diagonal_relaxed")


def _most(compared: Sequence[str]) -> pl.Expr:
    """Columns that differ somewhere, with their counts, the most frequent first."""
    pairs = [pl.struct(pl.lit(name).alias("name"), pl.col(name).cast(pl.Int64).alias("rows")) for name in compared]
    some = pl.concat_list(pairs).list.filter(pl.element().struct.field("rows") > 0)
    return (
        some.list.sort(descending=True).list.eval(pl.element().sort_by(pl.element().struct.field("rows"), descending=True)).alias("columns")
    )


def _affected(con: DuckDBPyConnection, after: Side, plants: Sequence[str]) -> pl.DataFrame:
    """Current state events whose reason is an entry of the map that changed."""
    events = views.select_sql("equipment_state_event", after.files("equipment_state_event", plants)["path"].to_list())
    return pl.DataFrame(
        con.sql(
            f"""
            SELECT e.plant_id, m.source_system, '{MAP}' AS table_name, count(*) AS affected_events
            FROM ({events}) AS e
            JOIN (SELECT DISTINCT plant_id, source_system, source_code FROM (SELECT * FROM gone UNION ALL SELECT * FROM came)) AS m
                ON e.plant_id = m.plant_id AND e.source_reason_code = m.source_code AND m.source_system IN ('*', e._source_system)
            WHERE e.is_current AND NOT e.is_deleted GROUP BY ALL
            """
        ).to_arrow_table()
    )


def _rejects(con: DuckDBPyConnection, before: Side, after: Side, plants: Sequence[str]) -> pl.DataFrame | None:
    """Records that were rejected and are no longer, and those that are now."""
    if not _views(con, before, after, "quarantine", plants):
        return None
    key = ("plant_id", "source_system", "batch_id", "table_name", "row_number")
    where = "resolved_at IS NULL"
    for name, mine, other in (("freed", "before", "after"), ("held", "after", "before")):
        con.execute(
            f"CREATE OR REPLACE TEMP TABLE {name} AS SELECT DISTINCT ON ({_columns(key)}) m.*"
            f" FROM (SELECT * FROM {mine}.quarantine WHERE {where}) AS m"
            f" ANTI JOIN (SELECT * FROM {other}.quarantine WHERE {where}) AS o ON {_equal('m', 'o', key)}"
        )
    tables = [str(row[0]) for row in con.execute("SELECT DISTINCT table_name FROM freed ORDER BY 1").fetchall() if row[0] in TABLES]
    frames = [_freed(con, after, table, plants) for table in tables]
    held = pl.DataFrame(
        con.sql(
            "SELECT plant_id, source_system, table_name, split_part(detail, '; ', 1) AS name, count(*) AS rows FROM held GROUP BY ALL"
            " ORDER BY rows DESC, name"
        ).to_arrow_table()
    )
    rules = held.group_by("plant_id", "source_system", "table_name", maintain_order=True).agg(
        pl.col("rows").sum().alias("rejected"), pl.struct("name", "rows").alias("rules")
    )
    return pl.concat([pl.DataFrame(schema=SILVER_DIFFERENCES), *frames, rules], how="diagonal_relaxed")


def _freed(con: DuckDBPyConnection, after: Side, table: str, plants: Sequence[str]) -> pl.DataFrame:
    """Of the records that are no longer rejected: those that are rows now, and the rest."""
    rows = views.select_sql(table, after.files(table, plants)["path"].to_list())
    row = "_row_number" if "_row_number" in silver.columns(table) else "_row"
    return pl.DataFrame(
        con.sql(
            f"""
            SELECT f.plant_id, f.source_system, f.table_name,
                count(*) FILTER (s._batch_id IS NOT NULL) AS accepted, count(*) FILTER (s._batch_id IS NULL) AS left_out
            FROM freed AS f
            LEFT JOIN (SELECT DISTINCT plant_id, _batch_id, {row} AS row_number FROM ({rows})) AS s
                ON f.plant_id = s.plant_id AND f.batch_id = s._batch_id AND f.row_number = s.row_number
            WHERE f.table_name = '{table}' GROUP BY ALL
            """
        ).to_arrow_table()
    )


def _exports(before: pl.DataFrame, after: pl.DataFrame, plants: Sequence[str]) -> pl.DataFrame:
    """Exports that load into their table no longer, and those that do again."""
    key = ["plant_id", "source_system", "batch_id", "table_name"]

    def states(frame: pl.DataFrame) -> pl.DataFrame:
        return frame.filter(pl.col("plant_id").is_in(plants), pl.col("table_state").is_not_null()).select(*key, "table_state")

    was, now = pl.col("table_state").eq_missing("FAILED"), pl.col("table_state_after").eq_missing("FAILED")
    both = states(before).join(states(after), on=key, how="full", suffix="_after", coalesce=True)
    counts = both.group_by("plant_id", "source_system", "table_name").agg(
        (now & ~was).sum().cast(pl.Int64).alias("failing_exports"), (was & ~now).sum().cast(pl.Int64).alias("mended_exports")
    )
    return counts.filter(pl.col("failing_exports") + pl.col("mended_exports") > 0)


# --- gold -------------------------------------------------------------------------------------------------------------------------


def kpi_values(
    reader: Snapshot, release: int | None = None, *, profile: str = "ISO", kpis: Sequence[str] = HEADLINE, period: str = "MONTH"
) -> pl.DataFrame:
    """Values of the headline KPIs of every plant and of the portfolio, as published or as of a release: one side of a comparison."""
    relation = "kpi_value" if release is None else f"({kpi_value_sql(lambda name: name, as_of=str(int(release)))})"
    return reader.query(
        f"""
        SELECT kpi_id, profile, scope_type, scope_id, period_type, period_start, value, coverage, grade, status,
            CASE WHEN value IS NULL THEN flags[1] END AS why
        FROM {relation}
        WHERE scope_type IN ('PLANT', 'PORTFOLIO') AND period_type = ? AND profile = ? AND list_contains(?, kpi_id)
        """,
        [period, profile, list(kpis)],
    )


def kpi_differences(before: pl.DataFrame, after: pl.DataFrame) -> pl.DataFrame:
    """What moved between two frames of `kpi_values`: KPI_DIFFERENCES.

    First values that appear or vanish, then by the size of the move; moves of the same size in the order of the headline.
    """
    key = ["kpi_id", "profile", "scope_type", "scope_id", "period_type", "period_start"]
    told = ("value", "coverage", "grade", "status", "why")
    sides = [frame.select(*key, *(pl.col(name).alias(f"{name}_{side}") for name in told)) for side, frame in (("b", before), ("a", after))]
    both = sides[0].join(sides[1], on=key, how="full", coalesce=True)
    moved = pl.any_horizontal(
        *(_moved(pl.col(f"{name}_b"), pl.col(f"{name}_a")) for name in ("value", "coverage")),
        *(pl.col(f"{name}_b").ne_missing(pl.col(f"{name}_a")) for name in ("grade", "status", "why")),
    )
    points = (100 * (pl.col("value_a") - pl.col("value_b"))).alias("points")
    found = both.filter(moved).with_columns(points)
    one_sided = pl.col("value_a").is_null() != pl.col("value_b").is_null()
    rank = pl.col("kpi_id").replace_strict({name: i for i, name in enumerate(HEADLINE)}, default=len(HEADLINE), return_dtype=pl.Int64)
    found = found.sort(~one_sided, -pl.col("points").abs().fill_null(0).round(6), rank, "scope_type", "scope_id", "period_start")
    sides_of = [pl.col(f"{name}_{short}").alias(f"{name}_{long}") for name in told[1:] for short, long in (("b", "before"), ("a", "after"))]
    named = found.select(*key, pl.col("value_b").alias("before"), pl.col("value_a").alias("after"), "points", *sides_of)
    return named.select(pl.col(name).cast(dtype) for name, dtype in KPI_DIFFERENCES.items())


def _moved(before: pl.Expr, after: pl.Expr) -> pl.Expr:
    return (before.is_null() != after.is_null()) | ((before - after).abs() > NOISE).fill_null(False)


def shift_differences(reader: Snapshot, before: int, after: int) -> pl.DataFrame:
    """Unit-shifts whose parts differ between two releases that a snapshot knows: SHIFT_DIFFERENCES, by plant and month."""

    def valid(release: int) -> str:
        return f"valid_from_release <= {int(release)} AND (valid_to_release IS NULL OR valid_to_release > {int(release)})"

    found = reader.query(
        f"""
        WITH part AS (
            SELECT plant_id, production_day, equipment_id, shift_instance_id, {valid(before)} AS was, {valid(after)} AS is_now
            FROM mart_kpi_parts_shift WHERE ({valid(before)}) OR ({valid(after)})
        ),
        unit_shift AS (
            SELECT plant_id, production_day, bool_or(was) AS was, bool_or(is_now) AS is_now FROM part
            GROUP BY plant_id, production_day, equipment_id, shift_instance_id HAVING bool_or(was <> is_now)
        )
        SELECT plant_id, CAST(date_trunc('month', production_day) AS DATE) AS month, count(*) FILTER (was AND is_now) AS restated,
            count(*) FILTER (NOT was) AS added, count(*) FILTER (NOT is_now) AS removed,
            min(production_day) AS first_day, max(production_day) AS last_day
        FROM unit_shift GROUP BY ALL ORDER BY ALL
        """
    )
    return found.select(pl.col(name).cast(dtype) for name, dtype in SHIFT_DIFFERENCES.items())


# --- for the terminal -------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Differences:
    """What moved between two states of a lake; false when nothing did."""

    silver: pl.DataFrame
    kpis: pl.DataFrame
    shifts: pl.DataFrame

    def __bool__(self) -> bool:
        return bool(len(self.silver) or len(self.kpis) or len(self.shifts))

    def as_dict(self) -> dict[str, list[dict[str, Any]]]:
        """For machines: the rows of the three frames."""
        return {"silver": self.silver.to_dicts(), "kpis": self.kpis.to_dicts(), "shifts": self.shifts.to_dicts()}

    def lines(self, most: int = 20) -> list[str]:
        """For people: what happened to rows, which shifts are restated, and the `most` largest moves of KPIs."""
        found = [_silver_line(row) for row in self.silver.iter_rows(named=True)]
        found += [_shift_line(rows) for _, rows in self.shifts.group_by("plant_id", maintain_order=True)]
        visible = [row for row in self.kpis.iter_rows(named=True) if _is_visible(row)]
        kpis = [_kpi_line(row) for row in visible[:most]]
        rest = len(self.kpis) - len(kpis)
        return [*found, *kpis, *([f"and {rest:,} smaller move{'s' if rest > 1 else ''} (--json shows all)"] if rest > 0 else [])]


def _silver_line(row: Mapping[str, Any]) -> str:
    said = [text for name, words in _WORDS.items() if (text := _said(row, name, words))]
    return f"{row['plant_id']} · {row['source_system']} · {row['table_name']}: {', '.join(said)}"


_WORDS = {
    "changed": ("row changes", "rows change"),
    "added": ("row is new", "rows are new"),
    "removed": ("row is no longer there", "rows are no longer there"),
    "accepted": ("rejected row becomes accepted", "rejected rows become accepted"),
    "left_out": ("rejected row is left out or repeated", "rejected rows are left out or repeated"),
    "rejected": ("row becomes rejected", "rows become rejected"),
    "failing_exports": ("export can no longer be loaded", "exports can no longer be loaded"),
    "mended_exports": ("export that failed is loaded", "exports that failed are loaded"),
    "affected_events": ("event uses a changed entry", "events use a changed entry"),
}
_DETAILS = {"changed": "columns", "rejected": "rules"}


def _said(row: Mapping[str, Any], name: str, words: tuple[str, str]) -> str | None:
    count = row[name]
    if not count:
        return None
    text = f"{count:,} {words[0] if count == 1 else words[1]}"
    details = row[_DETAILS[name]][:4] if name in _DETAILS else []
    listed = ", ".join(f"{item['name']} {item['rows']:,}" for item in details)
    return f"{text} ({listed})" if listed else text


def _shift_line(rows: pl.DataFrame) -> str:
    counts = {name: int(rows[name].sum()) for name in ("restated", "added", "removed")}
    said = [f"{count:,} {name}" for name, count in counts.items() if count]
    days = sorted({str(rows["first_day"].min()), str(rows["last_day"].max())})
    return f"{rows['plant_id'][0]} · unit-shifts: {', '.join(said)} ({' to '.join(days)})"


def _is_visible(row: Mapping[str, Any]) -> bool:
    """Whether a move can be told from nothing with the digits that are shown."""
    return _percent(row["before"], row["why_before"]) != _percent(row["after"], row["why_after"]) or "→" in _coverage(row)


def _kpi_line(row: Mapping[str, Any]) -> str:
    scope = "the portfolio" if row["scope_type"] == "PORTFOLIO" else row["scope_id"]
    period = f"{row['period_start']:%Y-%m}" if row["period_type"] == "MONTH" else str(row["period_start"])
    points = f" ({row['points']:+.1f} points)" if row["points"] is not None else ""
    values = [_percent(row[side], row[f"why_{side}"]) for side in ("before", "after")]
    return f"{row['kpi_id']} of {scope} {period}: {values[0]} → {values[1]}{points}, {_coverage(row)}"


def _percent(value: float | None, why: str | None) -> str:
    return f"{100 * value:.1f} %" if value is not None else f"- ({why})" if why else "-"


def _coverage(row: Mapping[str, Any]) -> str:
    texts = [f"{value:.0%}" if value is not None else "-" for value in (row["coverage_before"], row["coverage_after"])]
    grades = [row["grade_before"] or "-", row["grade_after"] or "-"]
    said = [f"{name} {' → '.join(dict.fromkeys(pair))}" for name, pair in (("coverage", texts), ("grade", grades))]
    return ", ".join(said if grades[0] != grades[1] else said[:1])


def _equal(left: str, right: str, names: Sequence[str]) -> str:
    return " AND ".join(f"{left}.{_name(name)} IS NOT DISTINCT FROM {right}.{_name(name)}" for name in names)


def _columns(names: Sequence[str]) -> str:
    return ", ".join(map(_name, names))


def _name(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
