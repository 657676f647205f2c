"""Times of a plant: the clock's rules applied with what a plant file says (formats, zones, shifts).

Here: columns of one export to instants and days. Elsewhere: the rules themselves (`transforms.clock`), which column is which
(`transforms.mapping`).
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import polars as pl

from connectors.models import PlantFile
from transforms import clock
from transforms.clock import NAIVE, UTC_US

PLAUSIBLE = tuple(int(datetime(year, 1, 1, tzinfo=UTC).timestamp()) * 1_000_000 for year in (1900, 2200))


def instants(raw: pl.Series, formats: Sequence[str], zone: str, *, no_dst: bool = False, by: pl.Series | None = None) -> pl.DataFrame:
    """`ts` (UTC) and `flag` of a column of texts or dates; an offset in the text wins over the zone."""
    if raw.dtype.is_temporal():
        zoned = getattr(raw.dtype, "time_zone", None)
        if zoned:
            return pl.DataFrame({"ts": raw.cast(pl.Datetime("us", zoned)).dt.convert_time_zone("UTC"), "flag": _no_flags(len(raw))})
        return clock.to_utc(raw.cast(NAIVE), zone, no_dst=no_dst, by=by)
    parsed = _plausible(clock.parse_timestamps(raw, formats))
    offset = parsed["offset_s"]
    if offset.null_count() == len(offset):
        return clock.to_utc(parsed["naive"], zone, no_dst=no_dst, by=by)
    absolute = parsed.select((pl.col("naive") - pl.duration(seconds=pl.col("offset_s"))).dt.replace_time_zone("UTC").alias("ts"))["ts"]
    if offset.null_count() == parsed["naive"].null_count():
        return pl.DataFrame({"ts": absolute, "flag": _no_flags(len(raw))})
    local = clock.to_utc(parsed["naive"].zip_with(offset.is_null(), pl.Series([None], dtype=NAIVE)), zone, no_dst=no_dst, by=by)
    return pl.DataFrame({"ts": absolute.zip_with(offset.is_not_null(), local["ts"]), "flag": local["flag"]})


def _plausible(parsed: pl.DataFrame) -> pl.DataFrame:
    """What a wrong format makes of a number, such as the year -20091, is no time."""
    micros = parsed["naive"].to_physical()  # as integers: the year 57385 is no datetime of Python
    if micros.is_between(PLAUSIBLE[0], PLAUSIBLE[1]).all():
        return parsed
    return parsed.with_columns(pl.when(pl.col("naive").dt.year().is_between(1900, 2199)).then(pl.col("naive")).alias("naive"))


def _no_flags(length: int) -> pl.Series:
    return pl.Series("flag", [None], dtype=pl.String).new_from_index(0, length)


def local_dates(text: pl.Series, formats: Sequence[str]) -> pl.Series:
    """Local calendar days of a column of texts."""
    return clock.parse_timestamps(text, formats)["naive"].dt.date()


def shift_bounds(day: pl.Series, code: pl.Series, plant: PlantFile) -> pl.DataFrame:
    """`start_ts` and `end_ts` of the shift with each code that starts on each local day; null for codes that the plant does not have."""
    keys = pl.DataFrame({"local_start_date": day.cast(pl.Date), "shift_code": code.cast(pl.String)})
    empty = keys.select(pl.lit(None, dtype=UTC_US).alias("start_ts"), pl.lit(None, dtype=UTC_US).alias("end_ts"))
    if keys["local_start_date"].null_count() == len(keys) or not plant.shifts:
        return empty if len(keys) else pl.DataFrame(schema={"start_ts": UTC_US, "end_ts": UTC_US})
    lines = [(shift, *pattern.at.split("-"), set(range(7))) for shift, pattern in plant.shifts.items()]
    windows = clock.shift_windows(plant.timezone, lines, keys["local_start_date"].min(), keys["local_start_date"].max())  # type: ignore[arg-type]
    return keys.join(windows, on=["local_start_date", "shift_code"], how="left", maintain_order="left").select("start_ts", "end_ts")


def production_days(ts: pl.Expr, plant: PlantFile) -> pl.Expr:
    """The production day of an instant at a plant."""
    return clock.production_day(ts, plant.timezone, plant.production_day_start)


def repair_repeated_hour(rows: pl.DataFrame, zone: str, start: str = "start_ts", end: str = "end_ts") -> pl.DataFrame:
    """Rule T12's only repair: an end in the repeated hour that lies before its start, and is right one pass later.

    Whether the text carried its own offset is not told apart: an end that is positive is never touched.
    """
    negative = rows[end] < rows[start]
    if zone == "UTC" or not negative.any():
        return rows
    later = pl.col(end).dt.convert_time_zone(zone).dt.replace_time_zone(None)
    second = later.dt.replace_time_zone(zone, ambiguous="latest", non_existent="null").dt.convert_time_zone("UTC")
    hour = timedelta(hours=1)
    repaired = (pl.col(end) < pl.col(start)) & (second - pl.col(end) == hour) & (second >= pl.col(start))
    return rows.with_columns(pl.when(repaired).then(second).otherwise(pl.col(end)).alias(end))
