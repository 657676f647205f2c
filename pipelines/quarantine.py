"""Rejected records: how many wait for somebody and why, the records themselves, and which tables to make again once that is mended.

Here: summaries and selections of silver's `quarantine` table, what a replay has to do and what it achieved. Elsewhere: which records
are rejected (`transforms.conform`), how the table is kept (`pipelines.silver.quarantine`), the replay itself, which is a refresh
(`pipelines.refresh`), the terminal (`pipelines.cli_quarantine`).
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

import polars as pl

from connectors.errors import Problem, listed
from connectors.portfolio import Portfolio
from pipelines import silver
from pipelines.lake import Lake
from pipelines.plan import Plan, PlantPlan

Pairs = dict[str, list[tuple[str, str]]]
"""By plant: (source, table) pairs."""
GROUP = ("plant_id", "source_system", "table_name", "rule")
EXPORT_TABLE = ("plant_id", "batch_id", "table_name")
STAY = "They stay in quarantine."


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which rejected records: those of these plants, of this source, table and rule; empty means any. Resolved ones only with `all`."""

    plants: Collection[str] = ()
    source: str | None = None
    table: str | None = None
    rule: str | None = None
    all: bool = False

    def rows(self, lake: Lake) -> pl.LazyFrame:
        """The records, with the columns of `quarantine`."""
        found = silver.read(lake, "quarantine", list(self.plants) or None)
        for name, value in (("source_system", self.source), ("table_name", self.table), ("rule", self.rule)):
            found = found if value is None else found.filter(pl.col(name) == value)
        return found if self.all else found.filter(pl.col("resolved_at").is_null())


def summary(lake: Lake, wanted: Wanted) -> pl.DataFrame:
    """One row per plant, source, table and rule, most rows first: `rows` (rejected records that wait), `resolved` (those that were
    accepted later), `exports` they came in, `first_rejected`, `last_rejected`, and one `example` of the rule's detail.
    """
    is_open = pl.col("resolved_at").is_null()
    newest = pl.col("detail").sort_by(is_open, "rejected_at", descending=True)
    counted = wanted.rows(lake).group_by(GROUP).agg(
        is_open.sum().cast(pl.Int64).alias("rows"), (~is_open).sum().cast(pl.Int64).alias("resolved"),
        pl.col("batch_id").n_unique().cast(pl.Int64).alias("exports"), pl.col("rejected_at").min().alias("first_rejected"),
        pl.col("rejected_at").max().alias("last_rejected"), newest.drop_nulls().first().alias("example"),
    )  # fmt: skip
    return counted.sort(["rows", "resolved", *GROUP], descending=[True, True, *[False] * len(GROUP)]).collect()


def records(lake: Lake, wanted: Wanted, limit: int | None = None, ids: Collection[str] = ()) -> pl.DataFrame:
    """The records themselves, newest first, in the order of their file; of these `quarantine_id`s (or starts of them) if given."""
    found = wanted.rows(lake)
    if ids:
        found = found.filter(pl.any_horizontal(pl.col("quarantine_id").str.starts_with(start) for start in ids))
    order = ["rejected_at", "plant_id", "source_object", "table_name", "row_number"]
    found = found.sort(order, descending=[True, False, False, False, False])
    return (found if limit is None else found.head(limit)).collect()


def unresolved(lake: Lake) -> pl.DataFrame:
    """Per export and table: `rejected`, the records that stand rejected, which is what the export ledger says of it.

    Columns plant_id, batch_id, table_name, rejected; exports of which nothing stands rejected have no row.
    """
    rows = Wanted().rows(lake).group_by(EXPORT_TABLE)
    return rows.agg(pl.col("row_number").n_unique().cast(pl.Int64).alias("rejected")).sort(EXPORT_TABLE).collect()


def waiting(lake: Lake, plants: Collection[str] | None = None, source: str | None = None, table: str | None = None) -> Pairs:
    """By plant: the (source, table) pairs with records that stand rejected; a refresh makes them again from bronze.

    `plants` None means all of them.
    """
    if plants is not None and not plants:
        return {}
    found = Wanted(plants or (), source, table).rows(lake).select("plant_id", "source_system", "table_name").unique().collect()
    pairs: Pairs = {}
    for plant_id, *pair in sorted(found.iter_rows()):
        pairs.setdefault(plant_id, []).append((pair[0], pair[1]))
    return pairs


def mapped(pairs: Mapping[str, Collection[tuple[str, str]]], portfolio: Portfolio) -> tuple[Pairs, list[Problem]]:
    """The pairs that plant files map today, and a problem for each one that they do not: it cannot be made again.

    Plants whose file is broken are left out without a word: the refresh tells what is wrong with them.
    """
    kept: Pairs = {}
    problems: list[Problem] = []
    for plant_id, wanted in pairs.items():
        plant = portfolio.plants.get(plant_id)
        if plant is None:
            problems += [] if plant_id in portfolio.broken else [_no_plant(plant_id)]
            continue
        for source_id, table in wanted:
            source = plant.sources.get(source_id)
            if source is not None and table in source.tables:
                kept.setdefault(plant_id, []).append((source_id, table))
            else:
                problems.append(_not_mapped(plant_id, source_id, table, list(source.tables) if source else list(plant.sources)))
    return kept, problems


def force(todo: Plan, pairs: Mapping[str, Collection[tuple[str, str]]]) -> Plan:
    """Adds pairs to what a refresh makes again from bronze, whether or not their mapping changed. Returns the plan."""
    for plant_id, wanted in pairs.items():
        plant = todo.plants.setdefault(plant_id, PlantPlan())
        plant.rederive += [pair for pair in wanted if pair not in plant.rederive]
    return todo


def _no_plant(plant_id: str) -> Problem:
    fix = f"restore plants/{plant_id}.yaml; or leave them, they count nowhere"
    return Problem("Rejected records wait of a plant that has no plant file.", plant=plant_id, fix=fix, consequence=STAY)


def _not_mapped(plant_id: str, source_id: str, table: str, known: list[str]) -> Problem:
    return Problem(
        "Rejected records wait of a table that the plant file no longer maps.",
        plant=plant_id,
        source=source_id,
        table=table,
        found=listed(known),
        fix=f"plants/{plant_id}.yaml → sources.{source_id}.tables.{table}: map it again; or leave them, they count nowhere",
        consequence=STAY,
    )


@dataclass(frozen=True, slots=True)
class Replayed:
    """What a replay achieved: records that are resolved now, and those that still wait, one row per plant, source, table and rule."""

    resolved: int
    remaining: pl.DataFrame

    @property
    def remain(self) -> int:
        return int(self.remaining["rows"].sum())


def open_ids(lake: Lake, pairs: Mapping[str, Collection[tuple[str, str]]]) -> pl.DataFrame:
    """The records of these pairs that stand rejected: (plant_id, source_system, table_name, batch_id, row_number)."""
    chosen = [(plant_id, *pair) for plant_id, wanted in pairs.items() for pair in wanted]
    keys = ["plant_id", "source_system", "table_name"]
    frame = pl.LazyFrame(chosen, schema=dict.fromkeys(keys, pl.String), orient="row")
    rows = Wanted(list(pairs)).rows(lake).join(frame, on=keys, how="semi")
    return rows.select(*keys, "batch_id", "row_number").unique().collect()


def replayed(lake: Lake, before: pl.DataFrame) -> Replayed:
    """Compares the records that stood rejected (`open_ids`) with today's. One that is rejected for another rule now is not resolved."""
    standing = Wanted().rows(lake).join(before.lazy(), on=before.columns, how="semi").collect()
    remaining = standing.group_by(GROUP).agg(
        pl.len().cast(pl.Int64).alias("rows"), pl.col("detail").drop_nulls().first().alias("example")
    ).sort(["rows", *GROUP], descending=[True, *[False] * len(GROUP)])  # fmt: skip
    return Replayed(len(before) - standing.select(before.columns).n_unique(), remaining)
