"""When two lakes are equal, and that a lake lost nothing: comparisons with the first rows that differ.

Here: which columns count (design, 'Order of exports': business columns, revisions and tombstones do; ingestion times, lineage and
release ids do not), reading them, the message. Elsewhere: who makes the lakes (`random_plants`, the tests beside this).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from contextlib import closing

import polars as pl

from pipelines import silver, state
from pipelines.lake import Lake
from pipelines.ledger import ExportLedger
from publish.reader import Snapshot
from transforms.tables import LINEAGE, STATEMENTS, TABLES

Frames = dict[str, pl.DataFrame]

KEPT_LINEAGE = ("plant_id", "revision", "is_current", "is_deleted", "dq_flags", "_source_system")
NOT_BUSINESS = {*(name for name in LINEAGE if name not in KEPT_LINEAGE), "_batch_id", "_row"}
STATED = "plant_file"
"""Source of rows that nobody delivered."""
REJECTED = ("plant_id", "source_system", "table_name", "rule", "detail", "raw_row")
NOT_PARTS = ("as_of_ts", "calc_version", "valid_from_release", "valid_to_release")
NOT_VALUES = ("as_of_ts", "release_id")
COUNTS = ("records_read", "accepted", "rejected", "duplicate", "filtered")
SHOWN = 6


def silver_tables(lake: Lake) -> Frames:
    """Every silver table by its business columns, and `quarantine` by what was rejected and why."""
    found = {name: _business(silver.read(lake, name).collect()) for name in (*TABLES, *STATEMENTS)}
    return {**found, "quarantine": silver.read(lake, "quarantine").select(REJECTED).collect()}


def _business(rows: pl.DataFrame) -> pl.DataFrame:
    if "revision" in rows.columns:  # what the plant file states has as many versions as there were plant files
        stated = pl.col("_source_system") == STATED
        rows = rows.filter(~stated | (pl.col("is_current") & ~pl.col("is_deleted")))
        rows = rows.with_columns(pl.when(pl.col("_source_system") == STATED).then(1).otherwise("revision").alias("revision"))
    return rows.drop(name for name in rows.columns if name in NOT_BUSINESS)


def gold_tables(lake: Lake) -> Frames:
    """The current parts of every kind, the ledger of time, and the published KPI values of months, which are made of the parts."""
    with state.connection(lake) as con:
        parts = {
            of.table: con.sql(f"SELECT * FROM gold.{of.mart} WHERE valid_to_release IS NULL").pl().drop(NOT_PARTS) for of in state.PARTS
        }
        segments = con.sql("SELECT * FROM int.int_time_segment").pl()
    with Snapshot(lake.snapshot) as reader:
        values = reader.query("SELECT * FROM kpi_value WHERE period_type = 'MONTH'")
    return {**parts, "segments": segments, "kpi_value": values.drop(NOT_VALUES)}


def accounts(lake: Lake, by: Iterable[str] = ("plant_id", "source_system", "table_name", "batch_id")) -> Frames:
    """The accounts of the export ledger, summed `by`; leave out 'batch_id' to compare exports that were split.

    Historian samples are appended: which of two exports with the same sample accepted it was decided by arrival, so theirs are summed.
    """
    with closing(ExportLedger(lake.ledger)) as ledger:
        rows = ledger.frame().filter(pl.col("table_name").is_not_null())
    rows = rows.with_columns(pl.when(pl.col("table_name") != "historian_sample").then("batch_id").alias("batch_id"))
    return {"export_ledger": rows.group_by(*by, "table_state").agg(pl.col(COUNTS).sum())}


def differences(left: Mapping[str, pl.DataFrame], right: Mapping[str, pl.DataFrame]) -> list[str]:
    """One text per table in which the two differ as sets of rows that may repeat, with the first rows of either side."""
    assert left.keys() == right.keys()
    texts = [_difference(name, left[name], right[name]) for name in left]
    return [text for text in texts if text]


def _difference(name: str, left: pl.DataFrame, right: pl.DataFrame) -> str:
    assert left.schema == right.schema, f"{name}: other columns"
    ours, theirs = _counted(left), _counted(right)
    only_left, only_right = _without(ours, theirs), _without(theirs, ours)
    if only_left.is_empty() and only_right.is_empty():
        return ""
    head = f"{name}: {len(left)} and {len(right)} rows; {len(only_left)} only on the left, {len(only_right)} only on the right"
    both = pl.concat([only_left.select(pl.lit("left").alias("side"), pl.all()), only_right.select(pl.lit("right").alias("side"), pl.all())])
    telling = [column for column in both.columns if column == "side" or both[column].n_unique() > 1]
    constant = {column: both[column][0] for column in both.columns if column not in telling and both[column][0] is not None}
    lines = [", ".join(f"{key}={value}" for key, value in row.items() if key in telling) for row in _first(both, telling)]
    return "\n  ".join([head, f"all: {constant}", *lines])


def _first(both: pl.DataFrame, telling: list[str]) -> list[dict[str, object]]:
    """The first rows of both sides, those of one record together."""
    keys = [name for name in telling if name != "side"]
    return both.sort(*keys, "side", nulls_last=True).head(2 * SHOWN).to_dicts()


def _counted(rows: pl.DataFrame) -> pl.DataFrame:
    """Rows with how often they occur; lists as sorted text, so that every column can be compared."""
    lists = [pl.col(name).list.sort().list.join(",") for name, dtype in rows.schema.items() if isinstance(dtype, pl.List)]
    columns = rows.columns
    return rows.with_columns(lists).group_by(columns).len("times").select(*columns, "times")


def _without(rows: pl.DataFrame, others: pl.DataFrame) -> pl.DataFrame:
    return rows.join(others, on=rows.columns, how="anti", nulls_equal=True)


def assert_equal(left: Lake, right: Lake, *reads: Callable[[Lake], Frames], hint: str = "") -> None:
    """Fails with the first rows that differ in what each of `reads` finds in the two lakes."""
    found = [text for read in reads for text in differences(read(left), read(right))]
    assert not found, "\n".join([f"The lakes differ. {hint}", *found])


def conservation(lake: Lake) -> list[str]:
    """What does not add up, per export and table: read = accepted + rejected + duplicate + filtered; the quarantine holds the rejected
    records and no others; silver holds the rows written."""
    with closing(ExportLedger(lake.ledger)) as ledger:
        rows = ledger.frame().filter(pl.col("table_state") == "COMMITTED")
    wrong = rows.filter(pl.col("records_read") != pl.sum_horizontal("accepted", "rejected", "duplicate", "filtered"))
    found = [f"read is not the sum: {row}" for row in wrong.select("plant_id", "name", "table_name", *COUNTS).to_dicts()]
    key = ["plant_id", "batch_id", "table_name"]
    held = silver.read(lake, "quarantine").group_by(key).agg(pl.col("row_number").n_unique().cast(pl.Int64).alias("held")).collect()
    return [
        *found,
        *_unequal(rows.select(*key, pl.col("rejected").alias("told")).filter(pl.col("told") > 0), held, "rejected", "in quarantine"),
        *_unequal(
            rows.select(*key, pl.col("rows_written").alias("told")).filter(pl.col("told") > 0), _standing(lake), "written", "in silver"
        ),
    ]


def _standing(lake: Lake) -> pl.DataFrame:
    """Rows of silver that an export gave, without tombstones, by plant, export and table."""
    frames = [
        silver.read(lake, name)
        .filter(pl.col("_source_system") != STATED if name != "historian_sample" else True)
        .filter(pl.col("_row_number" if name != "historian_sample" else "_row") > 0)
        .group_by("plant_id", pl.col("_batch_id").alias("batch_id"), pl.lit(name).alias("table_name"))
        .agg(pl.len().cast(pl.Int64).alias("held"))
        for name in TABLES
        if name != "tag"
    ]
    return pl.concat(frames).collect()


def _unequal(told: pl.DataFrame, held: pl.DataFrame, said: str, where: str) -> list[str]:
    both = told.join(held, on=["plant_id", "batch_id", "table_name"], how="full", coalesce=True).filter(
        pl.col("told").fill_null(0) != pl.col("held").fill_null(0)
    )
    return [
        f"{row['plant_id']} {row['table_name']} {row['batch_id']}: {row['told'] or 0} {said}, {row['held'] or 0} {where}"
        for row in both.to_dicts()
    ]


def assert_conserved(lake: Lake) -> None:
    """Fails with every account that does not add up."""
    found = conservation(lake)
    assert not found, "\n".join(found[:20])
