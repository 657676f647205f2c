"""Databases: what is asked and when, rows with their types, and what is said of a database that does not answer.

PostgreSQL and MySQL are real servers; they and SQLite show that nothing rests on one dialect.
"""

from __future__ import annotations

import signal
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from datetime import time as clock
from decimal import Decimal
from pathlib import Path
from typing import Any

import mysql_server
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from postgres_server import Server
from pydantic import ValidationError
from reading import AskedSource

from connectors.contract import Place
from connectors.errors import Problem, ReadError, UnreachableError
from connectors.kinds.systems import databases
from connectors.kinds.systems.cursors import Been, back
from connectors.kinds.systems.sql import SqlOptions
from connectors.windows import Asked, read_name

READER = {"password": "secret"}


class Source(AskedSource):
    """A source of a database."""

    def __init__(self, root: str, path: str, folder: Path, connection: dict[str, Any] | None = None, timezone: str = "UTC", **options: Any):
        super().__init__("sql", root, path, folder, connection, timezone, **options)


@pytest.fixture(params=["postgresql", "mysql", "sqlite"])
def base(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[str, Any]]:
    """(root, run): an empty database, and what runs a statement in it."""
    if request.param == "sqlite":
        path = tmp_path / "mes.db"
        connection = sqlite3.connect(path, isolation_level=None)
        yield f"sqlite:///{path}", lambda *statements: [connection.execute(statement) for statement in statements]
        connection.close()
    elif request.param == "mysql":
        own: mysql_server.Server = request.getfixturevalue("mysql")
        own.sql("DROP DATABASE mes")
        yield own.root, own.sql
    else:
        server: Server = request.getfixturevalue("postgres")
        server.sql("DROP SCHEMA public CASCADE", "CREATE SCHEMA public AUTHORIZATION owner", "GRANT USAGE ON SCHEMA public TO reader",
                   "ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT SELECT ON TABLES TO reader")  # fmt: skip
        yield server.root, server.sql


def asked(base: tuple[str, Any], path: str, folder: Path, **options: Any) -> Source:
    return Source(base[0], path, folder, {} if base[0].startswith("sqlite") else READER, **options)


# --- a cursor ---------------------------------------------------------------------------------------------------------------------


def test_a_number_that_grows(base: Any, tmp_path: Path) -> None:
    base[1]("CREATE TABLE stops (id BIGINT, unit TEXT)", "INSERT INTO stops VALUES (1, 'M1'), (2, 'M2'), (7, 'M1')")
    stops = asked(base, "stops", tmp_path, cursor="id")
    assert stops.land() == [[1, 2, 7]]
    assert stops.due() == []
    base[1]("INSERT INTO stops VALUES (8, 'M1')")
    assert stops.land() == [[7, 8]]  # the last place is asked for again, because it may be shared
    assert stops.due() == []


def test_rows_that_share_the_last_value_and_rows_without_one(base: Any, tmp_path: Path) -> None:
    base[1]("CREATE TABLE stops (id INT, rev INT)", "INSERT INTO stops VALUES (1, 5), (2, 5), (3, NULL)")
    stops = asked(base, "stops", tmp_path, cursor="rev", order="id")
    assert stops.land() == [[1, 2, 3]]
    base[1]("INSERT INTO stops VALUES (4, 5)")
    assert stops.land() == [[1, 2, 3, 4]]
    base[1]("INSERT INTO stops VALUES (5, NULL)")
    assert stops.land() == [[1, 2, 3, 4, 5]]
    assert stops.due() == []
    base[1]("DELETE FROM stops WHERE rev IS NOT NULL")
    none = asked(base, "stops", tmp_path, cursor="rev", order="id")
    assert (none.land(), none.due()) == ([[3, 5]], [])


def test_rows_that_come_late_are_seen_within_the_lookback(base: Any, tmp_path: Path) -> None:
    """A transaction may take its number and commit after a later one."""
    base[1]("CREATE TABLE stops (id INT)", "INSERT INTO stops VALUES (1), (2), (3), (5), (6)")
    stops = asked(base, "stops", tmp_path, cursor="id", lookback=3)
    assert stops.land() == [[1, 2, 3, 5, 6]]
    assert stops.due() == []
    base[1]("INSERT INTO stops VALUES (4)")
    assert stops.land() == [[3, 4, 5, 6]]
    assert stops.due() == []


def test_a_long_history_is_asked_for_in_slices(base: Any, tmp_path: Path) -> None:
    base[1]("CREATE TABLE stops (id INT, rev INT)", "INSERT INTO stops VALUES (1, 1), (2, 1), (3, 1), (4, 4), (5, 8), (6, 9), (7, NULL)")
    stops = asked(base, "stops", tmp_path, cursor="rev", order="id", rows=2)
    assert stops.land() == [[1, 2, 3], [4, 5], [6, 7]]  # three share a value: they stay together
    assert stops.due() == []


def test_after_a_failure_the_next_slice_is_asked_for(base: Any, tmp_path: Path) -> None:
    base[1]("CREATE TABLE stops (id INT)", "INSERT INTO stops VALUES (1), (2), (3), (4)")
    stops = asked(base, "stops", tmp_path, cursor="id", rows=1)
    first, second, *_ = stops.due()
    stops.rows(first)
    assert stops.rows(second)["id"].to_list() == [2]
    assert stops.land() == [[3], [4]]


def test_of_two_columns_the_first_that_is_filled(base: Any, tmp_path: Path) -> None:
    base[1]("CREATE TABLE stops (id INT, changed INT, made INT)", "INSERT INTO stops VALUES (1, NULL, 1), (2, NULL, 2)")
    stops = asked(base, "stops", tmp_path, cursor=["changed", "made"])
    assert stops.land() == [[1, 2]]
    base[1]("UPDATE stops SET changed = 3 WHERE id = 1")
    assert stops.land() == [[2, 1]]


def test_where_start_columns_and_a_query(base: Any, tmp_path: Path) -> None:
    base[1]("CREATE TABLE stops (id INT, site TEXT)", "INSERT INTO stops VALUES (1, 'TUL'), (2, 'TUL'), (3, 'A:B'), (4, 'TUL')")
    stops = asked(base, "stops", tmp_path, cursor="id", start=2, where="site = 'TUL'", columns=["id"])
    (export,) = stops.due()
    assert stops.rows(export).columns == ["_row", "id"]
    assert asked(base, "stops", tmp_path, cursor="id", start=2, where="site = 'TUL'").land() == [[2, 4]]
    assert asked(base, "odd", tmp_path, cursor="id", query="SELECT id + 10 AS id FROM stops WHERE site LIKE '%:%';").land() == [[13]]


def test_another_cursor_asks_from_the_start(base: Any, tmp_path: Path) -> None:
    base[1]("CREATE TABLE stops (id INT, rev INT)", "INSERT INTO stops VALUES (1, 100)")
    stops = asked(base, "stops", tmp_path, cursor="id")
    stops.land()
    stops.place = replace(stops.place, options=SqlOptions(cursor=("rev",)))
    assert stops.land() == [[1]]


def test_an_empty_table_has_nothing_to_ask_for_and_a_whole_one_has_its_columns(base: Any, tmp_path: Path) -> None:
    base[1]("CREATE TABLE stops (id INT, at TIMESTAMP)")
    assert asked(base, "stops", tmp_path, cursor="id").due() == []
    assert asked(base, "stops", tmp_path, time="at").due() == []
    whole = asked(base, "stops", tmp_path)
    (export,) = whole.due()
    assert whole.rows(export).schema.names() == ["_row", "id", "at"]


# --- windows of time ----------------------------------------------------------------------------------------------------------------


def test_windows_of_a_column_of_times(base: Any, tmp_path: Path) -> None:
    """Days of the plant's clock; the one that goes on is asked for again, those before it are not."""
    day = datetime.now(UTC).replace(tzinfo=None, hour=0, minute=0, second=0, microsecond=0) - timedelta(days=2)
    at = [day + timedelta(hours=hour) for hour in (6, 20, 30)]
    values = ", ".join(f"({number}, '{moment:%Y-%m-%d %H:%M:%S}')" for number, moment in enumerate(at))
    base[1]("CREATE TABLE stops (id INT, at TIMESTAMP)", f"INSERT INTO stops VALUES {values}, (9, NULL)")
    stops = asked(base, "stops", tmp_path, time="at", timezone="UTC", every="1s")
    names = [read_name(export.name) for export in stops.due()]
    assert [name.start for name in names if name] == [(day + timedelta(days=n)).replace(tzinfo=UTC) for n in range(3)]
    assert [rows[:2] for rows in stops.land()] == [[0, 1], [2], [9]]  # the row without a time comes with the newest
    assert stops.due() == []  # not before `every`
    time.sleep(1.1)
    assert len(stops.due()) == 1
    assert len(asked(base, "stops", tmp_path, time="at", start=date.today() - timedelta(days=1)).due()) == 2  # noqa: DTZ011


def test_windows_of_a_local_clock_meet_where_it_changes(base: Any, tmp_path: Path) -> None:
    """In Berlin 2025-10-26 has 25 hours: midnight to midnight is 22:00 to 23:00 UTC."""
    base[1]("CREATE TABLE stops (id INT, at TIMESTAMP)",
            "INSERT INTO stops VALUES (1, '2025-10-25 23:59:59'), (2, '2025-10-26 00:00:00'), (3, '2025-10-26 02:30:00'), (4, '2025-10-27 00:00:00')")  # fmt: skip
    stops = asked(base, "stops", tmp_path, time="at", timezone="Europe/Berlin")
    exports = stops.due()
    name = read_name(exports[1].name)
    assert name
    assert (name.start, name.end) == (datetime(2025, 10, 25, 22, tzinfo=UTC), datetime(2025, 10, 26, 23, tzinfo=UTC))
    assert [stops.rows(export)["id"].to_list() for export in exports[:3]] == [[1], [2, 3], [4]]


def test_a_first_time_of_1900_is_no_beginning(base: Any, tmp_path: Path) -> None:
    base[1]("CREATE TABLE stops (at DATE)", "INSERT INTO stops VALUES ('1900-01-01')")
    with pytest.raises(ReadError, match="more than 5000 windows") as caught:
        asked(base, "stops", tmp_path, time="at").due()
    assert "options.start" in str(caught.value.problems[0].fix)


# --- rows and their types -------------------------------------------------------------------------------------------------------------


def test_types_of_postgresql(postgres: Server, tmp_path: Path) -> None:
    """The session's zone is New York: an instant is the same, a time without a zone stays as it is."""
    postgres.sql(
        "DROP TABLE IF EXISTS kinds", "DROP TYPE IF EXISTS mood", "CREATE TYPE mood AS ENUM ('run', 'stop')",
        "CREATE TABLE kinds (i2 smallint, i8 bigint, n numeric(12,4), free numeric, f float8, ok boolean, t text, c char(3), d date, tod time,"
        " ts timestamp, tz timestamptz, took interval, u uuid, j json, jb jsonb, arr int[], b bytea, e mood, ip inet, none int)",
        "INSERT INTO kinds VALUES (-1, 9223372036854775807, 12.3456, 123456789012345678901234567890.000000000000000001, 0.1, true, 'Ä''x', 'ab',"
        " '2026-11-20', '06:30:00.5', '2026-11-20 06:00:00.123456', '2026-11-20 06:00:00+01', '90 minutes',"
        " '00000000-0000-0000-0000-00000000000a', '{\"q\": 1.50}', '{\"q\": 1.50}', '{1,NULL,3}', '\\x00ff', 'stop', '10.0.0.1', NULL)",
        "INSERT INTO kinds (i2) VALUES (2)", "GRANT SELECT ON kinds TO reader",
    )  # fmt: skip
    source = Source(postgres.root, "kinds", tmp_path, READER, order="i2")
    (export,) = source.due()
    found = source.rows(export)
    first = found.drop("_row").row(0, named=True)
    assert first == {
        "i2": -1, "i8": 2**63 - 1, "n": Decimal("12.3456"), "free": "123456789012345678901234567890.000000000000000001", "f": 0.1, "ok": True,
        "t": "Ä'x", "c": "ab ", "d": date(2026, 11, 20), "tod": clock(6, 30, 0, 500000), "ts": datetime.fromisoformat("2026-11-20 06:00:00.123456"),
        "tz": datetime(2026, 11, 20, 5, tzinfo=UTC), "took": timedelta(minutes=90), "u": "00000000-0000-0000-0000-00000000000a",
        "j": '{"q": 1.50}', "jb": '{"q": 1.50}', "arr": "[1, null, 3]", "b": "00ff", "e": "stop", "ip": "10.0.0.1", "none": None,
    }  # fmt: skip
    assert found.row(1, named=True) == {"_row": 2, "i2": 2} | {name: None for name in first if name != "i2"}
    assert (found.schema["n"], found.schema["tz"], found.schema["none"]) == (pl.Decimal(12, 4), pl.Datetime("us", "UTC"), pl.Int64)


def test_a_column_whose_values_change_their_type_becomes_text(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """SQLite keeps what it is given, whatever the column says; what was written as numbers is text then too."""
    monkeypatch.setattr("connectors.kinds.systems.session.FETCHED", 2)
    path = tmp_path / "x.db"
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE t (id INTEGER, v INTEGER, w)")
        connection.executemany("INSERT INTO t VALUES (?, ?, ?)", [(1, 10, None), (2, None, None), (3, "12 kg", 1.5), (4, 7, b"\x01")])
    source = Source(f"sqlite:///{path}", "t", tmp_path, order="id")
    (export,) = source.due()
    found = source.rows(export)
    assert found.rows() == [(1, 1, "10", None), (2, 2, None, None), (3, 3, "12 kg", "1.5"), (4, 4, "7", "01")]


def test_types_of_mysql(mysql: mysql_server.Server, tmp_path: Path) -> None:
    mysql.sql(
        "DROP TABLE IF EXISTS kinds", "SET sql_mode = ''",
        "CREATE TABLE kinds (n decimal(12,4), f double, t varchar(20) CHARACTER SET utf8mb4, d date, tod time, ts datetime(6), j json,"
        " b varbinary(5), u bigint unsigned, ok tinyint(1), e enum('a', 'b'), zero date)",
        "INSERT INTO kinds VALUES (12.3456, 0.1, 'Ä:%x', '2026-11-20', '06:30:00', '2026-11-20 06:00:00.123456', '{\"q\": 1.50}',"
        " x'00ff', 18446744073709551615, 1, 'b', '0000-00-00')",
    )  # fmt: skip
    source = Source(mysql.root, "kinds", tmp_path, READER)
    (export,) = source.due()
    assert source.rows(export).drop("_row").row(0, named=True) == {
        "n": Decimal("12.3456"), "f": 0.1, "t": "Ä:%x", "d": date(2026, 11, 20), "tod": timedelta(hours=6, minutes=30),
        "ts": datetime.fromisoformat("2026-11-20 06:00:00.123456"), "j": '{"q": 1.50}', "b": "00ff", "u": "18446744073709551615", "ok": 1,
        "e": "b", "zero": "0000-00-00",
    }  # fmt: skip


def test_each_error_of_mysql_says_what_to_do(mysql: mysql_server.Server, tmp_path: Path) -> None:
    mysql.sql("DROP TABLE IF EXISTS stops", "CREATE TABLE stops (id int)")
    at = mysql.root
    for root, path, options, connection, message, near in [
        (at, "stop", {}, READER, "table 'stop'", "stops"),
        (at, "stops", {"cursor": "idd"}, READER, "column 'idd'", "id"),
        (at, "stops", {}, {"password": "not-it"}, "refuses the user", None),
        (at.replace("/mes", "/other"), "stops", {}, READER, "may not read", None),
        (at, "stops", {"where": "id =="}, READER, "does not take", None),
        (at, "q", {"query": "SELECT sleep(20)", "timeout_s": 1}, READER, "took too long", None),
        (at.replace(str(mysql.port), "1"), "stops", {}, READER, "cannot be reached", None),
    ]:
        problem = told(Source(root, path, tmp_path, connection, **options))
        assert message in problem.message, str(problem)
        assert problem.closest == near


def test_a_file_of_duckdb(tmp_path: Path) -> None:
    duckdb = pytest.importorskip("duckdb")
    pytest.importorskip("duckdb_engine", reason="extra duckdb")
    path = tmp_path / "x.duckdb"
    with duckdb.connect(path) as connection:
        connection.execute(
            "CREATE TABLE stops AS SELECT i AS id, i::DECIMAL(6,2) AS d, [i] AS tags, TIMESTAMP '2026-11-20' AS at FROM range(3) r(i)"
        )
    source = Source(f"duckdb:///{path}", "stops", tmp_path, cursor="id")
    (export,) = source.due()
    assert source.rows(export).row(2) == (3, 2, "2.00", "[2]", datetime.fromisoformat("2026-11-20"))
    assert source.due() == []


def test_nothing_is_written(postgres: Server, tmp_path: Path) -> None:
    postgres.sql("DROP TABLE IF EXISTS own", "CREATE TABLE own (id int)", "GRANT ALL ON own TO reader")
    source = Source(
        postgres.root, "q", tmp_path, READER, query="SELECT id FROM own) asked; INSERT INTO own VALUES (1); SELECT * FROM (SELECT 1"
    )
    with pytest.raises(ReadError):
        source.land()
    writes = Source(postgres.root, "q", tmp_path, READER, query="SELECT nextval('s')")
    postgres.sql("DROP SEQUENCE IF EXISTS s", "CREATE SEQUENCE s", "GRANT ALL ON s TO reader")
    with pytest.raises(ReadError, match="does not take the question"):
        writes.land()
    assert postgres.sql("SELECT count(*) FROM own") == [(0,)]


# --- what is wrong ----------------------------------------------------------------------------------------------------------------------


def told(source: Source) -> Problem:
    with pytest.raises(ReadError) as caught:
        source.land()
    assert "secret" not in str(caught.value)
    return caught.value.problems[0]


def test_each_error_says_what_to_do(postgres: Server, tmp_path: Path) -> None:
    postgres.sql("DROP TABLE IF EXISTS stops, hidden", "CREATE TABLE stops (id int, started_at timestamp)", "CREATE TABLE hidden (id int)",
                 "GRANT SELECT ON stops TO reader", "REVOKE ALL ON hidden FROM reader")  # fmt: skip
    at = postgres.root
    cases = [
        (at, "stop", {}, READER, "table 'stop'", "stops", "path: stops", "plant"),
        (at, "mes.stops", {"cursor": "id"}, READER, "table 'mes.stops'", "stops", "path: stops", "plant"),
        (at, "stops", {"cursor": "idd"}, READER, "column 'idd'", "id", "options.cursor: id", "plant"),
        (at, "stops", {"time": "startedat"}, READER, "column 'startedat'", "started_at", "options.time: started_at", "plant"),
        (at, "hidden", {}, READER, "may not read", None, "GRANT SELECT", "plant"),
        (at, "stops", {"where": "id =="}, READER, "does not take", None, "options.where", "plant"),
        (at, "stops", {}, {"password": "not-it"}, "refuses the user", None, "password: {env", "plant"),
        (at, "stops", {}, {}, "refuses the user", None, "password: {env", "plant"),
        (at.replace("/postgres", "/mes"), "stops", {}, READER, "no such database", None, "root:", "plant"),
        (at.replace(str(postgres.port), "1"), "stops", {}, READER, "cannot be reached", None, "running", "retry"),
        (at.replace("127.0.0.1", "no-such-host.invalid"), "stops", {}, READER, "host of the database is not known", None, "root:", "retry"),
        ("postgress://x@host/db", "stops", {}, READER, "no database 'postgress'", "postgresql", "root: postgresql://", "plant"),
        ("sqlite:////none.db", "stops", {}, {}, "file of the database is not there", None, "sqlite:////", "retry"),
    ]  # fmt: skip
    for root, path, options, connection, message, near, fix, actor in cases:
        problem = told(Source(root, path, tmp_path, connection, **options))
        assert message in problem.message, (path, str(problem))
        assert (problem.closest, problem.actor) == (near, actor), (path, str(problem))
        assert fix in str(problem.fix), (path, str(problem))


def test_a_password_that_is_refused_is_tried_once_a_refresh(postgres: Server, tmp_path: Path) -> None:
    for connection, path, kind in (({"password": "not-it"}, "stops", UnreachableError), (READER, "none", ReadError)):
        with pytest.raises(ReadError) as caught:
            Source(postgres.root, path, tmp_path, connection, cursor="id").due()
        assert type(caught.value) is kind


def test_a_driver_that_is_not_installed_names_the_extra(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pymysql", None)
    problem = told(Source("mysql://me@127.0.0.1:1/x", "stops", tmp_path))
    assert ("plantlake[mysql]" in str(problem.fix), problem.actor) == (True, "us")


def test_times_beyond_the_calendar_say_how_to_ask(postgres: Server, tmp_path: Path) -> None:
    postgres.sql(
        "DROP TABLE IF EXISTS valid",
        "CREATE TABLE valid (id int, until timestamptz)",
        "INSERT INTO valid VALUES (1, 'infinity')",
        "GRANT SELECT ON valid TO reader",
    )
    assert "nullif" in str(told(Source(postgres.root, "valid", tmp_path, READER)).fix)
    mended = "SELECT id, nullif(until, 'infinity') AS until FROM valid"
    assert Source(postgres.root, "valid", tmp_path, READER, query=mended).land("until") == [[None]]


def test_a_cursor_in_the_future_is_refused(postgres: Server, tmp_path: Path) -> None:
    postgres.sql(
        "DROP TABLE IF EXISTS valid",
        "CREATE TABLE valid (id int, until timestamp)",
        "INSERT INTO valid VALUES (1, '9999-12-31')",
        "GRANT SELECT ON valid TO reader",
    )
    assert "lies in the future" in told(Source(postgres.root, "valid", tmp_path, READER, cursor="until")).message


def test_a_statement_that_takes_too_long(postgres: Server, tmp_path: Path) -> None:
    postgres.sql("ALTER ROLE reader SET statement_timeout = '200ms'")
    try:
        problem = told(Source(postgres.root, "slow", tmp_path, READER, query="SELECT pg_sleep(5)"))
    finally:
        postgres.sql("ALTER ROLE reader RESET statement_timeout")
    assert (problem.message, problem.actor) == ("The database took too long.", "retry")


def test_a_server_that_hangs_is_not_waited_for(postgres: Server, tmp_path: Path) -> None:
    """Its process stands still: the connection is open, and nothing ever comes."""
    source = Source(postgres.root, "slow", tmp_path, READER, query="SELECT pg_sleep(20)", timeout_s=1)
    stop = threading.Timer(0.4, postgres.signal, [signal.SIGSTOP])
    stop.start()
    began = time.monotonic()
    try:
        problem = told(source)
    finally:
        stop.join()
        postgres.signal(signal.SIGCONT)
    assert time.monotonic() - began < 5
    assert (problem.message, problem.actor) == ("The database took too long.", "retry")


def test_a_connection_that_breaks_midway_gives_no_answer(postgres: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("connectors.kinds.systems.session.FETCHED", 100)
    postgres.sql(
        "DROP TABLE IF EXISTS big", "CREATE TABLE big AS SELECT i AS id FROM generate_series(1, 100000) i", "GRANT SELECT ON big TO reader"
    )
    source = Source(postgres.root, "big", tmp_path, READER, cursor="id")
    (export,) = source.due()
    seen = iter(range(1000))
    plain = databases.answering

    def killed(connection: Any, seconds: float) -> Any:
        if next(seen) == 3:
            postgres.sql("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'reader'")
            time.sleep(0.2)
        return plain(connection, seconds)

    monkeypatch.setattr(databases, "answering", killed)
    with pytest.raises(ReadError) as caught:
        source.rows(export)
    assert (caught.value.problems[0].message, caught.value.problems[0].actor) == ("The connection to the database broke.", "retry")
    monkeypatch.setattr(databases, "answering", plain)
    assert source.land() == [list(range(1, 100001))]


def test_a_password_is_in_no_name_and_no_address(postgres: Server, tmp_path: Path) -> None:
    postgres.sql(
        "DROP TABLE IF EXISTS stops", "CREATE TABLE stops (id int)", "INSERT INTO stops VALUES (1)", "GRANT SELECT ON stops TO reader"
    )
    (export,) = Source(postgres.root, "stops", tmp_path, READER, cursor="id").due()
    assert "secret" not in f"{export}"


def test_errors_of_databases_that_no_test_can_start() -> None:
    """Codes as their drivers give them."""
    cases = [
        ((1045, "Access denied for user 'x'@'h' (using password: YES)"), "refuses the user"),
        ((18456, b"Login failed for user 'x'."), "refuses the user"),
        (("ORA-01017: invalid username/password; logon denied",), "refuses the user"),
        ((1146, "Table 'mes.stop' doesn't exist"), "table is not"),
        ((208, b"Invalid object name 'stop'."), "table is not"),
        (("ORA-00942: table or view does not exist",), "table is not"),
        ((207, b"Invalid column name 'idd'."), "column is not"),
        (("ORA-00904: \"IDD\": invalid identifier",), "column is not"),
        ((2003, "Can't connect to MySQL server on 'h'"), "cannot be reached"),
        (("DPY-6005: cannot connect to database",), "cannot be reached"),
        ((2013, "Lost connection to MySQL server during query"), "connection to the database broke"),
    ]  # fmt: skip
    for arguments, message in cases:
        assert message in databases.problem(Exception(*arguments), Place("mysql://h/x", "t")).message, arguments


VALUES = (
    st.integers() | st.decimals(allow_nan=False, allow_infinity=False) | st.text() | st.binary() | st.dates() | st.datetimes()
    | st.datetimes(timezones=st.just(UTC))
)  # fmt: skip


@given(since=VALUES | st.none(), until=VALUES | st.none(), count=st.integers(0) | st.none(), column=st.text(min_size=1))
def test_any_place_of_a_cursor_can_be_named(since: Any, until: Any, count: int | None, column: str) -> None:
    been = Been(column, since, until, count)
    name = read_name(Asked("mes.stops", datetime(2026, 11, 21, 7, tzinfo=UTC), cursor=str(been)).name)
    assert name
    assert Been.read(name.cursor) == been


def test_steps_back() -> None:
    """A cursor of days goes back whole days."""
    assert back(date(2026, 11, 20), timedelta(hours=6)) == date(2026, 11, 19)
    assert back("2026-11-20 06:00:00", timedelta(hours=6)) == "2026-11-20 00:00:00"
    assert back(Decimal("7.5"), 3) == Decimal("4.5")
    with pytest.raises(ReadError, match="lookback does not fit"):
        back(17, timedelta(hours=6))


@pytest.mark.parametrize(
    "options",
    [{"cursor": "a", "time": "b"}, {"start": 3}, {"time": "b", "lookback": 3}, {"lookback": "3d"}, {"every": 60}, {"window": "1 day"}],
)
def test_options_that_contradict_themselves(options: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        SqlOptions.model_validate(options)


def test_a_setting_that_the_driver_does_not_know(tmp_path: Path, postgres: Server) -> None:
    for root, setting in (("mysql://me@127.0.0.1:1/x", {"sslmod": "x"}), (postgres.root, {"sslmod": "x"})):
        assert "sslmod" in str(told(Source(root, "stops", tmp_path, READER | setting)).found)


def test_a_name_tells_the_question() -> None:
    been = Been("changed,made", datetime(2026, 11, 20, 6, tzinfo=UTC), datetime(2026, 11, 21, 6, tzinfo=UTC), 3)
    name = Asked("mes.stops", datetime(2026, 11, 21, 7, tzinfo=UTC), cursor=str(been)).name
    found = read_name(name)
    assert found
    assert (found.of, found.start, Been.read(found.cursor)) == ("mes.stops", None, been)


def test_the_common_path_imports_no_database() -> None:
    code = "import sys, connectors.portfolio, connectors.registry; print('sqlalchemy' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.strip() == "False"
