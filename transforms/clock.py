"""Clocks: text to instants, local time to UTC, and local calendars as windows in UTC. The only place with time zones.

Here: rules T1, T12, T14 and T15 of the specification, section 1.4. Elsewhere: which column is a time and in which zone (the plant
file), clock offsets (dbt), what shifts there are (`transforms.statements`).
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import polars as pl

UTC_US = pl.Datetime("us", "UTC")
NAIVE = pl.Datetime("us")
EPOCHS = {"epoch_s": 1_000_000, "epoch_ms": 1_000, "epoch_us": 1}
ISO = r"^(\d{4}-\d{2}-\d{2})(?:[T ](\d{2}:\d{2}(?::\d{2}(?:[.,]\d+)?)?)\s*(Z|[+-]\d{2}:?\d{2}|[+-]\d{2})?)?$"
"""Date, clock, offset of an ISO 8601 text."""
ISO_LAYOUTS = (
    "%Y-%m-%d %H:%M:%S", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%dT%H:%M:%SZ", "%Y-%m-%d %H:%M:%S%.f", "%Y-%m-%dT%H:%M:%S%.f", "%Y-%m-%dT%H:%M:%S%.fZ",
)  # fmt: skip
"""Layouts that one fast pass reads, where every text of a column has the same."""


def parse_timestamps(text: pl.Series, formats: Sequence[str] = ()) -> pl.DataFrame:
    """Text to `naive` (Datetime us without zone) and `offset_s` (seconds, null where the text carries no offset).

    `formats` are tried in order; without any, ISO 8601. '24:00' is 00:00 of the next day; more than six fractional digits are
    cut; a date that does not exist is null.
    """
    frame = pl.DataFrame({"t": text.cast(pl.String).str.strip_chars()})
    naive, offset = _one(frame, formats[0] if formats else None)
    for form in formats[1:]:
        more_naive, more_offset = _one(frame, form)
        missing = naive.is_null()
        naive, offset = more_naive.zip_with(missing, naive), more_offset.zip_with(missing, offset)
    return pl.DataFrame({"naive": naive, "offset_s": offset})


def _one(frame: pl.DataFrame, form: str | None) -> tuple[pl.Series, pl.Series]:
    text = pl.col("t")
    none = pl.lit(None, dtype=pl.Int64)
    if form is None:
        return _iso(frame)
    if form in EPOCHS or form == "epoch_ns":
        whole, part = text.cast(pl.Int64, strict=False), text.cast(pl.Float64, strict=False)
        if form == "epoch_ns":
            return _pair(frame, (whole // 1000).cast(NAIVE), pl.lit(0, dtype=pl.Int64))
        factor = EPOCHS[form]
        exact = pl.when(whole.is_between(-(2**63 // factor), 2**63 // factor - 1)).then(whole * factor)  # more would wrap around
        return _pair(frame, pl.coalesce(exact, (part * factor).round().cast(pl.Int64, strict=False)).cast(NAIVE), pl.lit(0, dtype=pl.Int64))
    if form == "excel":
        number = text.str.replace(",", ".", literal=True).cast(pl.Float64, strict=False)
        days = pl.when(number.is_between(0, 2_958_466)).then(number)  # Excel ends with the year 9999
        micros = (days * 86_400_000_000.0 / 1000).round().cast(pl.Int64) * 1000 - 25_569 * 86_400_000_000
        return _pair(frame, micros.cast(NAIVE), none)
    if any(code in form for code in ("%z", "%Z", "%:z", "%#z")):
        numeric = text.str.replace("[Zz]$", "+00:00")  # chrono's %z reads no letter
        aware = numeric.str.to_datetime(form, time_unit="us", time_zone="UTC", strict=False)
        return _pair(frame, aware.dt.replace_time_zone(None), pl.lit(0, dtype=pl.Int64))
    cut = text.str.replace(r"(\.\d{6})\d+", "$1") if "%.f" in form or "%f" in form else text
    late = _is_24(form, cut)
    source = pl.when(late).then(_without_24(cut)).otherwise(cut)
    has_clock = any(code in form for code in ("%H", "%I", "%T", "%R", "%X", "%c", "%r", "%k", "%l"))
    parsed = source.str.to_datetime(form, time_unit="us", strict=False) if has_clock else source.str.to_date(form, strict=False).cast(NAIVE)
    return _pair(frame, parsed + pl.when(late).then(pl.duration(days=1)).otherwise(pl.duration(days=0)), none)


LATE = r"(^|[^\d:]|^\d{8})24(:00(?::00)?|00(?:00)?)(?:\.0+)?$"
"""A clock of 24:00, 24:00:00 or SAP's 240000 at the end of a text; not the 24 minutes of 17:24:00."""


def _is_24(form: str, text: pl.Expr) -> pl.Expr:
    """Whether the clock of a text is 24:00."""
    return text.str.contains(LATE).fill_null(False) & pl.lit("%H" in form or "%T" in form or "%R" in form)


def _without_24(text: pl.Expr) -> pl.Expr:
    return text.str.replace(LATE, "${1}00${2}")


def _pair(frame: pl.DataFrame, naive: pl.Expr, offset: pl.Expr) -> tuple[pl.Series, pl.Series]:
    out = frame.select(naive.alias("n"), offset.alias("o")) if len(frame) else pl.DataFrame(schema={"n": NAIVE, "o": pl.Int64})
    both = out.select(pl.col("n").cast(NAIVE), pl.when(pl.col("n").is_not_null()).then(pl.col("o")).cast(pl.Int64))
    return both["n"], both["o"]


def _iso(frame: pl.DataFrame) -> tuple[pl.Series, pl.Series]:
    """ISO 8601: by the layout of the first text where that fits all, else by taking each text apart."""
    text = pl.col("t")
    for layout in ISO_LAYOUTS:
        if frame["t"].drop_nulls().head(1).str.to_datetime(layout, time_unit="us", strict=False).null_count():
            continue
        offset = pl.lit(0 if layout.endswith("Z") else None, dtype=pl.Int64)
        found = _pair(frame, text.str.to_datetime(layout, time_unit="us", strict=False), offset)
        if found[0].null_count() == frame["t"].null_count():
            return found
        break
    parts = frame.with_columns(text.str.extract_groups(ISO).alias("g")).select(
        pl.col("g").struct.field("1").alias("d"), pl.col("g").struct.field("2").alias("c"), pl.col("g").struct.field("3").alias("o")
    )
    clock = pl.col("c").fill_null("00:00:00").str.replace(",", ".", literal=True).str.replace(r"(\.\d{6})\d+$", "$1")
    clock = pl.when(clock.str.len_chars() == 5).then(clock + ":00").otherwise(clock)
    late = clock.str.starts_with("24:00:00")
    clock = pl.when(late).then(pl.lit("00:00:00")).otherwise(clock)
    moment = (pl.col("d") + " " + clock).str.to_datetime("%Y-%m-%d %H:%M:%S%.f", time_unit="us", strict=False)
    moment = moment + pl.when(late).then(pl.duration(days=1)).otherwise(pl.duration(days=0))
    digits = pl.col("o").str.replace(":", "", literal=True).str.pad_end(5, "0")
    seconds = digits.str.slice(1, 2).cast(pl.Int64, strict=False) * 3600 + digits.str.slice(3, 2).cast(pl.Int64, strict=False) * 60
    sign = pl.when(digits.str.starts_with("-")).then(-1).otherwise(1)
    offset_s = pl.when(pl.col("o") == "Z").then(pl.lit(0, dtype=pl.Int64)).otherwise(sign * seconds)
    return _pair(parts, moment, offset_s)


def to_utc(naive: pl.Series, zone: str, *, no_dst: bool = False, by: pl.Series | None = None) -> pl.DataFrame:
    """Local times to `ts` (UTC) and `flag`, by rule T14.

    A time that does not exist (spring) is null with flag DST_NONEXISTENT. In the repeated hour (autumn) the order of the rows
    decides, from the end of the file where the newest row comes first: once the clock ran backwards inside the hour of that day
    it is the second pass; where the order tells nothing the first is taken, with flag DST_AMBIGUOUS. `by` tells the clocks apart
    whose rows are mixed (one a machine). `no_dst` keeps the zone's standard time all year (rule T15).
    """
    if zone == "UTC":
        return pl.DataFrame({"ts": naive.dt.replace_time_zone("UTC"), "flag": _no_flags(naive)})
    if no_dst:
        shifted = naive - standard_offset(zone)
        return pl.DataFrame({"ts": shifted.dt.replace_time_zone("UTC"), "flag": _no_flags(naive)})
    plain = naive.dt.replace_time_zone(zone, ambiguous="null", non_existent="null")
    if plain.null_count() == naive.null_count():
        return pl.DataFrame({"ts": plain.dt.convert_time_zone("UTC"), "flag": _no_flags(naive)})
    first = naive.dt.replace_time_zone(zone, ambiguous="earliest", non_existent="null").dt.convert_time_zone("UTC")
    missing = first.is_null() & naive.is_not_null()
    ambiguous = plain.is_null() & naive.is_not_null() & ~missing
    flag = pl.DataFrame({"m": missing}).select(pl.when("m").then(pl.lit("DST_NONEXISTENT")).alias("f"))["f"]
    if not ambiguous.any():
        return pl.DataFrame({"ts": first, "flag": flag})
    return _resolved(naive, zone, first, flag, ambiguous, by)


def _no_flags(naive: pl.Series) -> pl.Series:
    return pl.Series("flag", [None], dtype=pl.String).new_from_index(0, len(naive))


def _resolved(naive: pl.Series, zone: str, first: pl.Series, flag: pl.Series, ambiguous: pl.Series, by: pl.Series | None) -> pl.DataFrame:
    """Chooses the pass of ambiguous rows by the order in which they stand."""
    second = naive.dt.replace_time_zone(zone, ambiguous="latest", non_existent="null").dt.convert_time_zone("UTC")
    rows = pl.DataFrame({"naive": naive, "first": first, "second": second, "flag": flag, "amb": ambiguous}).with_row_index("i")
    rows = rows.with_columns((by if by is not None else pl.Series([""] * len(rows), dtype=pl.String)).alias("clock"))
    hour = rows.join(_newest_first(rows), on="clock", how="left", nulls_equal=True, maintain_order="left").filter("amb")
    hour = hour.with_columns(pl.col("naive").dt.date().alias("day"))
    hour = hour.sort(pl.when("newest_first").then(-pl.col("i").cast(pl.Int64)).otherwise("i"))
    hour = hour.with_columns((pl.col("naive") < pl.col("naive").cum_max().shift(1).over("clock", "day")).fill_null(False).alias("back"))
    hour = hour.with_columns(
        pl.col("back").cum_max().over("clock", "day").alias("is_second"), pl.col("back").any().over("clock", "day").alias("told")
    )
    choice = hour.select(
        "i", pl.when("is_second").then("second").otherwise("first").alias("chosen"),
        pl.when(~pl.col("told")).then(pl.lit("DST_AMBIGUOUS")).alias("unsure"),
    )  # fmt: skip
    joined = rows.join(choice, on="i", how="left", maintain_order="left")
    return joined.select(pl.coalesce("chosen", "first").alias("ts"), pl.coalesce("unsure", "flag").alias("flag"))


def _newest_first(rows: pl.DataFrame) -> pl.DataFrame:
    """`newest_first` per clock: whether its stamps mostly run back, so that they arrived in the opposite order."""
    step = pl.col("naive").diff()
    back = (step < pl.duration()).sum() > (step > pl.duration()).sum() + 1  # one step back alone is the repeated hour itself
    return rows.drop_nulls("naive").group_by("clock").agg(back.alias("newest_first"))


def standard_offset(zone: str) -> timedelta:
    """The zone's offset outside daylight-saving time (2024): the lesser one of January and July.

    The database's own mark of daylight saving is not asked: for Ireland it says that summer is standard.
    """
    return min(datetime(2024, month, 1, tzinfo=ZoneInfo(zone)).utcoffset() or timedelta(0) for month in (1, 7))


def local_to_utc(local: datetime, zone: ZoneInfo) -> datetime:
    """One local time of a calendar; one in the spring gap means the first instant after it."""
    moment = local.replace(tzinfo=zone).astimezone(UTC)
    if moment.astimezone(zone).replace(tzinfo=None) == local:
        return moment
    before = local.replace(tzinfo=zone, fold=1).astimezone(UTC)
    low, high = sorted((before, moment))
    while high - low > timedelta(seconds=1):
        middle = low + (high - low) / 2
        low, high = (middle, high) if middle.astimezone(zone).utcoffset() == low.astimezone(zone).utcoffset() else (low, middle)
    return high.replace(microsecond=0)


def day_windows(zone: str, day_start: str, first: date, last: date) -> pl.DataFrame:
    """Production days between two local days: production_day, start_ts, end_ts (UTC; 23, 24 or 25 h)."""
    info, start = ZoneInfo(zone), time.fromisoformat(day_start)
    days = [first + timedelta(days=n) for n in range((last - first).days + 2)]
    edges = [local_to_utc(datetime.combine(day, start), info) for day in days]
    schema: dict[str, pl.DataType | type[pl.DataType]] = {"production_day": pl.Date, "start_ts": UTC_US, "end_ts": UTC_US}
    return pl.DataFrame({"production_day": days[:-1], "start_ts": edges[:-1], "end_ts": edges[1:]}, schema=schema)


def shift_windows(
    zone: str, lines: Sequence[tuple[str, str, str, Collection[int]]], first: date, last: date, holidays: Collection[date] = ()
) -> pl.DataFrame:
    """A local pattern between two local days: shift_code, local_start_date, start_ts, end_ts in UTC.

    `lines` are (code, start, end, weekdays), Monday = 0; an end at or before its start is on the next day, and no shift starts
    on a holiday. A night on which the clock is changed is 7 h or 9 h long.
    """
    info = ZoneInfo(zone)
    rows = []
    for n in range((last - first).days + 1):
        day = first + timedelta(days=n)
        for code, start, end, weekdays in lines:
            if day.weekday() not in weekdays or day in holidays:
                continue
            opens = datetime.combine(day, time.fromisoformat(start))
            closes = (
                datetime.combine(day, time(0)) + timedelta(days=1) if end == "24:00" else datetime.combine(day, time.fromisoformat(end))
            )
            closes = closes if closes > opens else closes + timedelta(days=1)
            rows.append((code, day, local_to_utc(opens, info), local_to_utc(closes, info)))
    schema: dict[str, pl.DataType | type[pl.DataType]] = {
        "shift_code": pl.String,
        "local_start_date": pl.Date,
        "start_ts": UTC_US,
        "end_ts": UTC_US,
    }
    return pl.DataFrame(rows, schema=schema, orient="row")


def production_day(ts: pl.Expr, zone: str, day_start: str) -> pl.Expr:
    """The production day of an instant: local time minus the start of the day, as a date (rule T13)."""
    start = time.fromisoformat(day_start)
    local = ts.dt.convert_time_zone(zone).dt.replace_time_zone(None)
    return (local - pl.duration(hours=start.hour, minutes=start.minute)).dt.date()
