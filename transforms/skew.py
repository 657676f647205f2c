"""How far the clock of a source is off, by the stops that a reference saw too (rule T17).

Here: transitions of units, their pairs, one estimate per source and UTC day. Elsewhere: which events they are made of and where the
estimates are kept (`pipelines.clocks`), subtracting them (`dbt_project`, `int_clock`), the warnings (`quality_checks`).
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta

import polars as pl

from transforms.tables import STATEMENTS

REACH = timedelta(minutes=10)
"""Two sources saw one transition when their stamps are no further apart. So no estimate is larger."""
LEAST_PAIRS = 3
"""Fewer pairs of a day say nothing of its clock."""
STEADY_S = 5.0
"""An offset whose interquartile range reaches so many seconds is not corrected: it is no offset."""
NOTICED_S = 2.0
"""Nor is one that is not larger than this: people and programs stamp that late."""
SAME = ["equipment_id", "is_up"]


def clock_offsets(events: pl.DataFrame, references: Mapping[str, str], stated_s: Mapping[str, float]) -> pl.DataFrame:
    """Rows of `clock_offset` without the plant, for every source that follows a reference and day on which a pair was found.

    `events` (source_system, equipment_id, start_ts, end_ts, state_class) are the current events of one plant with their raw stamps;
    `references` names the source whose clock is right, `stated_s` what is subtracted from the clock of a reference.
    """
    seen = transitions(events)
    samples = [
        _pairs(_of(seen, source), _of(seen, reference).with_columns(pl.col("ts") - timedelta(seconds=stated_s.get(reference, 0.0))))
        .select(pl.lit(source).alias("source_system"), "ts", (pl.col("ts") - pl.col("other_ts")).dt.total_microseconds().alias("us"))
        for source, reference in references.items()
    ]  # fmt: skip
    if not samples:
        return _empty()
    quartile = [(pl.col("us").quantile(share, "linear")) for share in (0.25, 0.75)]
    estimates = (
        pl.concat(samples)
        .group_by("source_system", pl.col("ts").dt.date().alias("day"))
        .agg(
            (pl.col("us").median() / 1e6).round(6).alias("offset_s"),
            pl.len().alias("pairs"),
            ((quartile[1] - quartile[0]) / 1e6).round(6).alias("iqr_s"),
        )
    )
    applied = (pl.col("pairs") >= LEAST_PAIRS) & (pl.col("iqr_s") < STEADY_S) & (pl.col("offset_s").abs() > NOTICED_S)
    return estimates.with_columns(applied.alias("is_applied")).select(_empty().columns).cast(dict(_empty().schema))  # type: ignore[arg-type]


def transitions(events: pl.DataFrame) -> pl.DataFrame:
    """The instants at which a source says that a unit goes down or up: source_system, equipment_id, ts, is_up.

    A RUN goes up where it starts and down where it ends, every other state the other way round; UNKNOWN says neither. Where one state
    follows another of its kind (a setup after a stop, an order after an order) both are said at once, and nothing happened.

    >>> from datetime import datetime
    >>> def at(clock): return datetime.fromisoformat(f"2025-06-02T{clock}")
    >>> rows = [("plc", "M", at("06:00"), at("10:00"), "RUN"), ("plc", "M", at("10:00"), at("10:05"), "DELAY_EQ"),
    ...         ("plc", "M", at("10:05"), at("10:20"), "SETUP"), ("plc", "M", at("10:20"), None, "RUN")]
    >>> names = ["source_system", "equipment_id", "start_ts", "end_ts", "state_class"]
    >>> found = transitions(pl.DataFrame(rows, schema=names, orient="row")).sort("ts")
    >>> [(ts.strftime("%H:%M"), is_up) for ts, is_up in found.select("ts", "is_up").rows()]
    [('06:00', True), ('10:00', False), ('10:20', True)]
    """
    is_run = (pl.col("state_class") == "RUN").fill_null(False)  # a stop may have a reason and no class
    known = events.filter(pl.col("state_class").ne_missing("UNKNOWN"))
    starts = known.select("source_system", "equipment_id", pl.col("start_ts").alias("ts"), is_run.alias("is_up"))
    ends = known.select("source_system", "equipment_id", pl.col("end_ts").alias("ts"), ~is_run.alias("is_up")).drop_nulls("ts")
    said = pl.concat([starts, ends]).unique()
    return said.filter(pl.len().over("source_system", "equipment_id", "ts") == 1)


def _of(seen: pl.DataFrame, source: str) -> pl.DataFrame:
    return seen.filter(pl.col("source_system") == source).select(*SAME, "ts").sort("ts")


def _pairs(seen: pl.DataFrame, reference: pl.DataFrame) -> pl.DataFrame:
    """Transitions (`ts`) with that of the reference (`other_ts`): of one unit, in one direction, each the other's nearest."""
    there = _nearest(seen, reference)
    back = _nearest(reference, seen).select(*SAME, pl.col("other_ts").alias("ts"), pl.col("ts").alias("other_ts"))
    return there.join(back, on=[*SAME, "ts", "other_ts"], how="semi")


def _nearest(seen: pl.DataFrame, others: pl.DataFrame) -> pl.DataFrame:
    others = others.with_columns(pl.col("ts").alias("other_ts"))
    return seen.join_asof(others, on="ts", by=SAME, strategy="nearest", tolerance=REACH, check_sortedness=False).drop_nulls("other_ts")


def _empty() -> pl.DataFrame:
    return pl.DataFrame(schema={name: dtype for name, dtype in STATEMENTS["clock_offset"].items() if name != "plant_id"})
