"""How texts read as moments: every decision from a small column whose answer is plain to see."""

from __future__ import annotations

from datetime import date, datetime, timedelta

import polars as pl
import pytest

from pipelines.draft.times import moment_of, zone_hint

AT = datetime.fromisoformat
"""A reading of a clock, which has no zone."""


def texts(*values: str) -> pl.Series:
    return pl.Series("t", values, dtype=pl.String)


@pytest.mark.parametrize(
    ("values", "form", "sure"),
    [
        (("2026-11-19 06:00:00", "2026-11-20 06:00:00"), (), 99),
        (("19.11.2026 06:00", "01.12.2026 07:30"), ("%d.%m.%Y %H:%M",), 99),
        (("11/19/2026 06:00:00", "12/01/2026 07:30:00"), ("%m/%d/%Y %H:%M:%S",), 99),
        (("1/24/17", "2/3/17"), ("%m/%d/%y",), 99),
        (("2026/11/19 06:00:00",), ("%Y/%m/%d %H:%M:%S",), 99),
        (("07-Apr-14", "08-Apr-14"), ("%d-%b-%y",), 99),
        (("Jan-01-2011 08:11",), ("%b-%d-%Y %H:%M",), 99),
        (("01 01 2018 00:10", "31 01 2018 00:20"), ("%d %m %Y %H:%M",), 99),
        (("11/19/2026 1:15 PM", "11/19/2026 11:15 AM"), ("%m/%d/%Y %I:%M %p",), 99),
        (("2026-11-19T06:00:00.123Z", "2026-11-19T06:00:01+01:00"), (), 99),
        (("20261119060000", "20261120060000"), ("%Y%m%d%H%M%S",), 97),
        (("20261119", "20261120"), ("%Y%m%d",), 97),
        (("1795068000", "1795068060"), ("epoch_s",), 95),
        (("1795068000123", "1795068060123"), ("epoch_ms",), 95),
        (("46345.25", "46345.5"), ("excel",), 85),
    ],
)
def test_formats(values: tuple[str, ...], form: tuple[str, ...], sure: int) -> None:
    found = moment_of(texts(*values), named=True)
    assert found is not None
    assert (found.formats, found.sure, found.has_day) == (form, sure, True)
    assert found.naive.null_count() == 0


def test_what_the_data_cannot_tell_is_said() -> None:
    """Both numbers stay at or below 12 in a column that holds one day: 5 April and 4 May are equally likely."""
    found = moment_of(texts("05/04/2026 06:00", "05/04/2026 07:00"), named=True)
    assert found is not None
    assert found.sure == 50
    assert "cannot tell day first from month first" in found.why


def test_time_runs_forward() -> None:
    """Day first: 1, 2, 3 February, 1 March. Month first: 2 January, 2 February, 2 March, 3 January: backwards."""
    found = moment_of(texts("01/02/2026", "02/02/2026", "03/02/2026", "01/03/2026"), named=True)
    assert found is not None
    assert (found.formats, found.why) == (("%d/%m/%Y",), "only day first runs forward in time")


def test_days_that_follow_each_other() -> None:
    """Month first the column is 1 to 5 November in a heap; day first it is one day in each of five months."""
    found = moment_of(texts("11/01/2026", "11/03/2026", "11/05/2026", "11/02/2026", "11/04/2026"), named=True)
    assert found is not None
    assert (found.formats, found.sure) == (("%m/%d/%Y",), 88)
    assert "spans 5 days" in found.why


def test_the_name_of_the_file() -> None:
    """stops_20260405.csv: 05/04/2026 is 5 April."""
    found = moment_of(texts("05/04/2026 06:00", "05/04/2026 07:00"), named=True, stated=[date(2026, 4, 5)])
    assert found is not None
    assert (found.formats, found.sure) == (("%d/%m/%Y %H:%M",), 92)


def test_two_orders_in_one_column_are_no_silent_choice() -> None:
    found = moment_of(texts("13/04/2026", "04/14/2026"), named=True)
    assert found is None or found.sure < 50


def test_signs_against_each_other_are_not_sure() -> None:
    found = moment_of(texts("01/02/2026 6:00 AM", "02/02/2026 6:00 AM", "03/02/2026 6:00 AM", "01/03/2026 6:00 AM"), named=True)
    assert found is not None
    assert (found.formats, found.sure) == (("%d/%m/%Y %I:%M %p",), 60)
    assert "AM and PM" in found.why


def test_no_time_is_told_apart() -> None:
    found = moment_of(texts("20261119", "00000000", "20261120", "99991231"), named=True)
    assert found is not None
    assert (found.formats, found.nulls) == (("%Y%m%d",), ("00000000", "99991231"))
    assert found.naive.drop_nulls().to_list() == [AT("2026-11-19"), AT("2026-11-20")]


@pytest.mark.parametrize("values", [("06:00:00", "14:30:00"), ("060000", "143000"), ("6:00 AM", "2:30 PM")])
def test_clocks_are_no_days(values: tuple[str, ...]) -> None:
    found = moment_of(texts(*values), named=True)
    assert found is not None
    assert not found.has_day


@pytest.mark.parametrize("values", [("24:00.0", "12:30.5"), ("4711", "4712"), ("1.5", "2.25"), ("R", "S"), ("1.2.3", "1.2.4"), ("", "")])
def test_what_is_no_moment(values: tuple[str, ...]) -> None:
    """Minutes that Excel left of a time, orders, measurements, states and versions."""
    assert moment_of(texts(*values), named=False) is None


def stamps(first: datetime, last: datetime, without: int | None = None) -> pl.Series:
    every = pl.datetime_range(first, last, timedelta(minutes=10), eager=True)
    return every if without is None else every.filter(~((every.dt.date() == date(2026, 3, 29)) & (every.dt.hour() == without)))


def test_a_missing_hour_tells_the_zone() -> None:
    """The night of 29 March 2026: Europe skips 02:00 to 03:00, and no other zone skips anything."""
    first, last = AT("2026-03-27"), AT("2026-04-01")
    assert "Europe/Berlin" in (zone_hint(stamps(first, last, without=2)) or "")
    assert "does not change" in (zone_hint(stamps(first, last)) or "")
    assert zone_hint(stamps(AT("2026-05-01"), AT("2026-05-04"))) is None
