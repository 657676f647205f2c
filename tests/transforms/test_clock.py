"""Clocks: text to local time, local time to UTC on the days on which clocks change, local calendars as windows in UTC.

In 2025 Berlin changes from +1 to +2 on 30 March at 02:00 and back on 26 October at 03:00; Chicago from -6 to -5 on 9 March at 02:00
and back on 2 November at 02:00.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from transforms import clock, stamps

BERLIN, CHICAGO = "Europe/Berlin", "America/Chicago"


def naive(text: str, *formats: str) -> str | None:
    value = clock.parse_timestamps(pl.Series([text]), formats)["naive"][0]
    return None if value is None else value.isoformat()


def utc(texts: list[str | None], zone: str, **how: object) -> list[tuple[str | None, str | None]]:
    """(hh:mm of UTC, flag) of local texts."""
    local = clock.parse_timestamps(pl.Series(texts, dtype=pl.String))["naive"]
    found = clock.to_utc(local, zone, **how)  # type: ignore[arg-type]
    return [(None if ts is None else ts.strftime("%H:%M"), flag) for ts, flag in found.rows()]


# --- text to time ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "formats", "expected"),
    [
        ("2025-06-01 17:24:00", (), "2025-06-01T17:24:00"),
        ("2025-06-01T17:24", (), "2025-06-01T17:24:00"),
        ("2025-06-01", (), "2025-06-01T00:00:00"),
        ("2025-06-01 24:00", (), "2025-06-02T00:00:00"),
        ("2025-06-01 24:00:00", (), "2025-06-02T00:00:00"),
        ("2025-12-31T24:00:00", (), "2026-01-01T00:00:00"),
        ("2025-06-01 12:00:00,5", (), "2025-06-01T12:00:00.500000"),
        ("2025-06-01 12:00:00.1234567", (), "2025-06-01T12:00:00.123456"),  # SQL Server's datetime2: the seventh digit is cut
        ("2025-02-30 12:00", (), None),
        ("01.06.2025 17:24", ("%d.%m.%Y %H:%M",), "2025-06-01T17:24:00"),
        ("01.06.2025 24:00", ("%d.%m.%Y %H:%M",), "2025-06-02T00:00:00"),
        ("20250601 240000", ("%Y%m%d %H%M%S",), "2025-06-02T00:00:00"),  # SAP's end of day
        ("20250601240000", ("%Y%m%d%H%M%S",), "2025-06-02T00:00:00"),
        ("01.06.2025 17:24:00", ("%d.%m.%Y %H:%M:%S",), "2025-06-01T17:24:00"),  # 24 minutes are no 24:00
        ("06/01/2025 5:24:00 PM", ("%m/%d/%Y %I:%M:%S %p",), "2025-06-01T17:24:00"),
        ("01.06.2025", ("%d.%m.%Y",), "2025-06-01T00:00:00"),
        ("31.06.2025", ("%d.%m.%Y",), None),
        ("1748736000", ("epoch_s",), "2025-06-01T00:00:00"),
        ("1748736000.5", ("epoch_s",), "2025-06-01T00:00:00.500000"),
        ("1748736000250", ("epoch_ms",), "2025-06-01T00:00:00.250000"),
        ("1748736000000000123", ("epoch_ns",), "2025-06-01T00:00:00"),
        ("45809", ("excel",), "2025-06-01T00:00:00"),  # days since 1899-12-30
        ("45809.75", ("excel",), "2025-06-01T18:00:00"),
        ("45809,75", ("excel",), "2025-06-01T18:00:00"),
        ("  2025-06-01 06:00  ", (), "2025-06-01T06:00:00"),
        ("tomorrow", (), None),
        ("NaN", ("epoch_s",), None),
        ("1e300", ("epoch_ms",), None),
        ("inf", ("excel",), None),
        ("1e15", ("excel",), None),
        ("18446744073711", ("epoch_s",), None),  # in 64 bits the microseconds would wrap around to 1970
        ("2025-06-01T12:00:00Z", ("%Y-%m-%dT%H:%M:%S%z",), "2025-06-01T12:00:00"),
        ("2025-06-01T12:00:00+02:00", ("%Y-%m-%dT%H:%M:%S%z",), "2025-06-01T10:00:00"),
        ("", (), None),
    ],
)
def test_a_text_is_read_by_its_format(text: str, formats: tuple[str, ...], expected: str | None) -> None:
    assert naive(text, *formats) == expected


def test_formats_are_tried_in_order() -> None:
    texts = pl.Series(["01.06.2025 06:00", "2025-06-02 06:00", "06/03/2025"])
    found = clock.parse_timestamps(texts, ["%d.%m.%Y %H:%M", "%Y-%m-%d %H:%M", "%m/%d/%Y"])["naive"]
    assert [moment.day for moment in found] == [1, 2, 3]


def test_an_offset_in_the_text_wins_over_the_zone_of_the_plant() -> None:
    texts = pl.Series(["2025-06-01T12:00:00Z", "2025-06-01T12:00:00+02:00", "2025-06-01T12:00:00-0530", "2025-06-01 12:00:00"])
    found = stamps.instants(texts, (), BERLIN)["ts"]
    # Z: 12:00; +2: 10:00; -5:30: 17:30; none: Berlin's summer time, +2
    assert [moment.strftime("%H:%M") for moment in found] == ["12:00", "10:00", "17:30", "10:00"]


def test_what_a_wrong_format_makes_of_a_number_is_no_time() -> None:
    assert stamps.instants(pl.Series(["1748736000"]), ["epoch_ms"], "UTC")["ts"].to_list() == [datetime(1970, 1, 21, 5, 45, 36, tzinfo=UTC)]
    assert stamps.instants(pl.Series(["1748736000000"]), ["epoch_s"], "UTC")["ts"].to_list() == [None]  # the year 57384


# --- local time to UTC ------------------------------------------------------------------------------------------------------


def test_summer_and_winter_have_their_own_offsets() -> None:
    assert utc(["2025-07-01 12:00", "2025-12-01 12:00"], BERLIN) == [("10:00", None), ("11:00", None)]
    assert utc(["2025-07-01 12:00", "2025-12-01 12:00"], CHICAGO) == [("17:00", None), ("18:00", None)]


@pytest.mark.parametrize(("zone", "text"), [(BERLIN, "2025-03-30 02:30"), (CHICAGO, "2025-03-09 02:30")])
def test_a_time_in_the_hour_that_spring_leaves_out_does_not_exist(zone: str, text: str) -> None:
    assert utc([text], zone) == [(None, "DST_NONEXISTENT")]


def test_the_repeated_hour_of_berlin_is_told_apart_by_the_order_of_arrival() -> None:
    texts = ["2025-10-26 01:50", "2025-10-26 02:10", "2025-10-26 02:50", "2025-10-26 02:05", "2025-10-26 02:40", "2025-10-26 03:10"]
    # the clock runs back from 02:50 to 02:05: what follows is the second pass, at +1
    assert utc(texts, BERLIN) == [("23:50", None), ("00:10", None), ("00:50", None), ("01:05", None), ("01:40", None), ("02:10", None)]


def test_the_repeated_hour_of_chicago_is_told_apart_by_the_order_of_arrival() -> None:
    texts = ["2025-11-02 00:50", "2025-11-02 01:20", "2025-11-02 01:10", "2025-11-02 02:00"]
    assert utc(texts, CHICAGO) == [("05:50", None), ("06:20", None), ("07:10", None), ("08:00", None)]


def test_where_the_order_tells_nothing_the_first_pass_is_taken_and_flagged() -> None:
    assert utc(["2025-10-26 02:10", "2025-10-26 02:20"], BERLIN) == [("00:10", "DST_AMBIGUOUS"), ("00:20", "DST_AMBIGUOUS")]


def test_a_file_with_the_newest_row_first_is_read_from_its_end() -> None:
    once = ["2025-10-26 03:10", "2025-10-26 02:50", "2025-10-26 02:10", "2025-10-26 01:10"]
    assert utc(once, BERLIN) == [("02:10", None), ("00:50", "DST_AMBIGUOUS"), ("00:10", "DST_AMBIGUOUS"), ("23:10", None)]
    twice = ["2025-10-26 03:10", "2025-10-26 02:50", "2025-10-26 02:10", "2025-10-26 02:40", "2025-10-26 02:05", "2025-10-26 01:10"]
    # from its end the clock runs back from 02:40 to 02:10: what stands above is the second pass
    assert utc(twice, BERLIN) == [("02:10", None), ("01:50", None), ("01:10", None), ("00:40", None), ("00:05", None), ("23:10", None)]


@given(st.lists(st.integers(0, 6 * 60 - 1), min_size=5, max_size=40, unique=True), st.booleans())
def test_law_an_ordered_file_over_the_repeated_hour_is_right_or_flagged(minutes: list[int], newest_first: bool) -> None:
    start = datetime(2025, 10, 25, 22, tzinfo=UTC)  # 00:00 in Berlin; the six hours hold both passes
    truth = sorted((start + timedelta(minutes=minute) for minute in minutes), reverse=newest_first)
    local = [moment.astimezone(ZoneInfo(BERLIN)).replace(tzinfo=None) for moment in truth]
    found = clock.to_utc(pl.Series(local, dtype=pl.Datetime("us")), BERLIN)
    assert all(ts == moment or flag == "DST_AMBIGUOUS" for moment, (ts, flag) in zip(truth, found.rows(), strict=True))


def test_a_production_day_holds_exactly_the_instants_that_are_dated_to_it() -> None:
    for start in ("00:00", "02:00", "02:30", "06:00"):
        for month, first, last in ((3, 28, 31), (6, 1, 3)):
            days = clock.day_windows(BERLIN, start, date(2025, month, first), date(2025, month, last))
            edges = (
                days.select("production_day", pl.col("start_ts").alias("t")),
                days.select("production_day", pl.col("end_ts").dt.offset_by("-1s").alias("t")),
            )
            for frame in edges:
                dated = frame.select("production_day", clock.production_day(pl.col("t"), BERLIN, start).alias("d"))
                assert dated["d"].to_list() == dated["production_day"].to_list()


def test_clocks_of_several_machines_do_not_tell_of_each_other() -> None:
    texts = ["2025-10-26 02:30", "2025-10-26 02:10", "2025-10-26 02:40", "2025-10-26 02:05"]
    machines = pl.Series(["A", "B", "A", "A"])
    # A runs back from 02:40 to 02:05; B has one stamp and tells nothing
    assert utc(texts, BERLIN, by=machines) == [("00:30", None), ("00:10", "DST_AMBIGUOUS"), ("00:40", None), ("01:05", None)]


def test_a_source_without_daylight_saving_keeps_standard_time() -> None:
    assert utc(["2025-07-01 12:00", "2025-03-30 02:30"], BERLIN, no_dst=True) == [("11:00", None), ("01:30", None)]
    assert utc(["2025-07-01 12:00"], "Australia/Sydney", no_dst=True) == [("02:00", None)]  # standard +10, also south of the equator


def test_standard_time_is_winter_time_in_ireland_too() -> None:
    assert utc(["2025-07-01 12:00"], "Europe/Dublin", no_dst=True) == [("12:00", None)]


def test_empty_stays_empty() -> None:
    assert utc([None, "2025-10-26 02:10", None], BERLIN) == [(None, None), ("00:10", "DST_AMBIGUOUS"), (None, None)]
    assert utc([], BERLIN) == []


@given(
    st.datetimes(datetime(2000, 1, 1), datetime(2030, 12, 31)),  # noqa: DTZ001
    st.sampled_from([BERLIN, CHICAGO, "Asia/Kolkata", "Australia/Lord_Howe", "America/Sao_Paulo", "UTC"]),
)
def test_law_a_local_time_converts_as_the_zone_database_says(local: datetime, zone: str) -> None:
    found = clock.to_utc(pl.Series([local], dtype=pl.Datetime("us")), zone)
    ts, flag = found.row(0)
    info = ZoneInfo(zone)
    first, second = (local.replace(tzinfo=info, fold=fold).astimezone(UTC) for fold in (0, 1))
    if first.astimezone(info).replace(tzinfo=None) != local:
        assert (ts, flag) == (None, "DST_NONEXISTENT")
    else:
        assert ts == first
        assert flag == ("DST_AMBIGUOUS" if first != second else None)


# --- calendars ---------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("zone", "day", "hours"),
    [
        (BERLIN, date(2025, 3, 30), 23), (BERLIN, date(2025, 10, 26), 25), (BERLIN, date(2025, 6, 1), 24),
        (CHICAGO, date(2025, 3, 9), 23), (CHICAGO, date(2025, 11, 2), 25), ("UTC", date(2025, 3, 30), 24),
    ],
)  # fmt: skip
def test_a_production_day_is_23_24_or_25_hours_long(zone: str, day: date, hours: int) -> None:
    (found,) = clock.day_windows(zone, "00:00", day, day).rows()
    assert found[2] - found[1] == timedelta(hours=hours)


def test_production_days_follow_each_other_without_a_gap() -> None:
    days = clock.day_windows(BERLIN, "06:00", date(2025, 3, 25), date(2025, 4, 5))
    assert days["start_ts"][1:].to_list() == days["end_ts"][:-1].to_list()


NIGHT = ("N", "22:00", "06:00", frozenset(range(7)))


@pytest.mark.parametrize(("day", "hours"), [(date(2025, 3, 29), 7), (date(2025, 10, 25), 9), (date(2025, 6, 1), 8)])
def test_the_night_in_which_the_clock_changes_is_7_or_9_hours_long(day: date, hours: int) -> None:
    (found,) = clock.shift_windows(BERLIN, [NIGHT], day, day).rows()
    assert found[3] - found[2] == timedelta(hours=hours)


def test_no_shift_starts_on_a_holiday_or_on_another_weekday() -> None:
    early = ("F", "06:00", "14:00", frozenset(range(5)))
    windows = clock.shift_windows(BERLIN, [early], date(2025, 4, 30), date(2025, 5, 4), holidays={date(2025, 5, 1)})
    # Wednesday runs, Thursday is 1 May, Friday runs, then a weekend
    assert windows["local_start_date"].to_list() == [date(2025, 4, 30), date(2025, 5, 2)]


def test_a_shift_may_end_at_24_00() -> None:
    (found,) = clock.shift_windows("UTC", [("L", "14:00", "24:00", frozenset(range(7)))], date(2025, 6, 1), date(2025, 6, 1)).rows()
    assert found[3] == datetime(2025, 6, 2, tzinfo=UTC)


def test_a_shift_that_starts_in_the_missing_hour_starts_after_it() -> None:
    (found,) = clock.shift_windows(BERLIN, [("X", "02:30", "10:00", frozenset(range(7)))], date(2025, 3, 30), date(2025, 3, 30)).rows()
    assert found[2] == datetime(2025, 3, 30, 1, tzinfo=UTC)  # 03:00 of Berlin's summer time


def test_the_production_day_of_an_instant_is_its_local_day_shifted_by_the_start_of_the_day() -> None:
    moments = pl.DataFrame({"t": [datetime(2025, 6, 2, 3, 59, tzinfo=UTC), datetime(2025, 6, 2, 4, 0, tzinfo=UTC)]})
    found = moments.select(clock.production_day(pl.col("t"), BERLIN, "06:00").alias("d"))["d"]
    assert found.to_list() == [date(2025, 6, 1), date(2025, 6, 2)]  # 05:59 and 06:00 in Berlin
