"""Keeps `silver.clock_offset` what the events of silver say of the clocks: estimated again where the events are others (rule T17).

Here: which months of which plants are stale, reading their events, the commit. Elsewhere: the estimate itself (`transforms.skew`), the
days that a changed estimate restates (`pipelines.scope`).

An estimate is a function of the events in silver and of nothing else: any order of arrival gives the same. It is made of the events
that began in the month before, in the month and in the month after, because a stop may have begun before midnight. Which files those
were is remembered in the build database (`gold.clock_month`), month by month: forgotten before the estimates are written and told
after, so that a refresh that was killed in between estimates again. Plants without a reference cost nothing.
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import polars as pl

from connectors.models import PlantFile
from pipelines import silver, state
from pipelines.lake import Lake
from pipelines.standing import Change

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

TABLE, EVENTS = "clock_offset", "equipment_state_event"
CODE = "1"
"""Raised when the same events give other estimates."""
READ = ("equipment_id", "_source_system", "start_ts", "end_ts", "state_class", "is_current", "is_deleted")
FRINGE = timedelta(hours=1)
"""Events so near to a month may have a part in its pairs."""
Months = dict[str, str]
"""Month: what its estimates are made of."""


def estimate(lake: Lake, plants: Mapping[str, PlantFile], metadata: Mapping[str, str], check: Callable[[], None]) -> list[str]:
    """Makes the estimates of these plants those of today's events; returns the plants of which one differs.

    `check` is called before the commit: it raises when the writer's lock was lost.
    """
    following = {plant_id: plant for plant_id, plant in plants.items() if references(plant)}
    standing = silver.read(lake, TABLE, plants).collect()
    if not following and standing.is_empty():
        return []
    made = _made_of(lake, following)
    with state.connection(lake) as con:
        state.create(con)
        known = {} if silver.version(lake, TABLE) is None else _known(con)
        found = {
            plant_id: _plant(lake, plants[plant_id], standing.filter(pl.col("plant_id") == plant_id), made[plant_id], known)
            for plant_id in sorted({*following, *standing["plant_id"]})
        }
        stale = {plant_id: change for plant_id, change in found.items() if change is not None}
        con.execute("DELETE FROM gold.clock_month WHERE list_contains(?, plant_id)", [[*stale]])
        changed = _commit(lake, stale, metadata, check)
        rows = [(plant_id, month, made_of) for plant_id in stale for month, made_of in made[plant_id].items()]
        con.execute(
            "INSERT INTO gold.clock_month SELECT unnest(?), unnest(?), unnest(?)",
            [list(column) for column in zip(*rows, strict=True)] or [[]] * 3,
        )
    return changed


def references(plant: PlantFile) -> dict[str, str]:
    """Source: the source whose clock its own is held against."""
    return {name: source.clock_reference for name, source in plant.sources.items() if source.clock_reference}


def _made_of(lake: Lake, following: Mapping[str, PlantFile]) -> defaultdict[str, Months]:
    """By plant: its months with events, and what the estimates of each are made of."""
    from pipelines import views

    made: defaultdict[str, Months] = defaultdict(dict)
    files = views.files(lake, EVENTS)
    if files is None:
        return made
    for (plant_id,), mine in files.filter(pl.col("plant_id").is_in(list(following))).group_by("plant_id"):
        plant = following[str(plant_id)]
        stated = {name: plant.sources[name].clock_offset_s for name in references(plant).values()}
        paths = dict(mine.group_by("month").agg(pl.col("path").sort()).rows())
        for month in paths:
            near = [paths.get(other) for other in _around(month)]
            text = repr((CODE, sorted(references(plant).items()), sorted(stated.items()), near))
            made[str(plant_id)][month] = hashlib.sha256(text.encode()).hexdigest()[:16]
    return made


def _known(con: DuckDBPyConnection) -> dict[tuple[str, str], str]:
    rows = con.execute("SELECT plant_id, month, made_of FROM gold.clock_month").fetchall()
    return {(plant_id, month): made_of for plant_id, month, made_of in rows}


def _plant(lake: Lake, plant: PlantFile, standing: pl.DataFrame, made: Months, known: Mapping[tuple[str, str], str]) -> Change | None:
    """The plant's estimates as they have to be; None where they are made of what they were made of."""
    stale = {month for month, made_of in made.items() if known.get((plant.plant, month)) != made_of}
    gone = {*standing["day"].dt.strftime("%Y-%m")} - set(made)
    if not stale and not gone:
        return None
    kept = standing.filter(~pl.col("day").dt.strftime("%Y-%m").is_in([*stale, *gone]))
    events = silver.Snapshot(lake, EVENTS)
    return Change(pl.concat([kept, *(_month(events, plant, month) for month in sorted(stale))]).sort(standing.columns), None, standing)


def _month(events: silver.Snapshot, plant: PlantFile, month: str) -> pl.DataFrame:
    """The estimates of the days of one UTC month."""
    from transforms.skew import clock_offsets

    follows = references(plant)
    first = datetime.fromisoformat(f"{month}-01").replace(tzinfo=UTC)
    after = (first + timedelta(days=31)).replace(day=1)
    is_near = (pl.col("start_ts") < after + FRINGE) & (pl.coalesce("end_ts", "start_ts") >= first - FRINGE)
    rows = (
        events.read([plant.plant], _around(month), READ)
        .filter(pl.col("is_current"), ~pl.col("is_deleted"), pl.col("_source_system").is_in([*follows, *follows.values()]), is_near)
        .rename({"_source_system": "source_system"})
        .collect()
    )
    found = clock_offsets(rows, follows, {name: plant.sources[name].clock_offset_s for name in follows.values()})
    mine = found.filter(pl.col("day") >= first.date(), pl.col("day") < after.date())
    return mine.select(pl.lit(plant.plant).alias("plant_id"), pl.all())


def _around(month: str) -> list[str]:
    """A month with its neighbours.

    >>> _around("2025-01")
    ['2024-12', '2025-01', '2025-02']
    """
    first = datetime.fromisoformat(f"{month}-01")
    return [(first + timedelta(days=days)).strftime("%Y-%m") for days in (-1, 0, 31)]


def _commit(lake: Lake, changes: Mapping[str, Change], metadata: Mapping[str, str], check: Callable[[], None]) -> list[str]:
    """Writes the estimates of the plants of which one differs, in one commit."""
    settled = [change.settled(TABLE) for change in changes.values()]
    changed = sorted(str(plant_id) for _, partitions in settled for plant_id in partitions)
    if changed:
        check()
        silver.replace(lake, TABLE, pl.concat([rows for rows, _ in settled]), changed, metadata)
    return changed
