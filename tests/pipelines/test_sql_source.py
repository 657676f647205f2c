"""A source in a database through the whole of loading: what is asked, what becomes of it, and a server that goes away."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import polars as pl
import pytest
from postgres_server import Server
from small_portfolio import COUNTED, COUNTS, DAY_1, SmallPortfolio, plant_file

from connectors.windows import read_name

STOPS = "equipment_state_event"
COLUMNS = {"equipment": "unit", "start_ts": "started_at", "end_ts": "ended_at", "state_class": "state", "source_reason_code": "reason"}


@pytest.fixture
def mes(postgres: Server, portfolio: SmallPortfolio, monkeypatch: pytest.MonkeyPatch) -> Server:
    """Plant a has its stops in a database whose clock is the plant's; plant b delivers files."""
    monkeypatch.setenv("MES_PASSWORD", "secret")
    postgres.sql(
        "DROP SCHEMA IF EXISTS mes CASCADE", "CREATE SCHEMA mes", "GRANT USAGE ON SCHEMA mes TO reader",
        "CREATE TABLE mes.stops (id int PRIMARY KEY, unit text, started_at timestamp, ended_at timestamp, state text, reason int,"
        " changed_at timestamptz)", "GRANT SELECT ON mes.stops TO reader",
        "INSERT INTO mes.stops VALUES (1, 'M1', '2025-06-02 06:00', '2025-06-02 09:00', 'RUN', NULL, '2025-06-02 09:00+02'),"
        " (2, 'M1', '2025-06-02 09:00', '2025-06-02 09:30', 'DELAY_EQ', 17, '2025-06-02 09:30+02')",
    )  # fmt: skip
    source(portfolio, postgres, {"cursor": "changed_at", "lookback": "30min"})
    portfolio.plant("b")
    portfolio.file("b", "stops_1.csv", *DAY_1)
    portfolio.file("b", "counts_1.csv", *COUNTED, header=COUNTS)
    return postgres


def source(portfolio: SmallPortfolio, server: Server, options: dict[str, Any], mode: str = "upsert", timezone: str | None = None) -> None:
    about = {
        "kind": "sql", "root": server.root, "path": "mes.stops", "connection": {"password": {"env": "MES_PASSWORD"}}, "options": options,
        "timezone": timezone, "tables": {STOPS: {"mode": mode, "columns": COLUMNS, "key": "id"}},
    }  # fmt: skip
    portfolio.plant("a", plant_file("a") | {"sources": {"mes": about}})


def stops(portfolio: SmallPortfolio) -> list[tuple[Any, ...]]:
    found = portfolio.silver(STOPS, "a").sort("start_ts")
    return found.select(
        pl.col("start_ts").dt.strftime("%H:%M"), pl.col("end_ts").dt.strftime("%H:%M"), "state_class", "source_reason_code"
    ).rows()


def read(portfolio: SmallPortfolio) -> list[int]:
    """Records of plant a's answers, in the order in which they were asked for."""
    return portfolio.ledger().filter(pl.col("plant_id") == "a").sort("export_order")["records_read"].to_list()


def test_what_is_new_changed_or_late_and_nothing_else(portfolio: SmallPortfolio, mes: Server) -> None:
    assert portfolio.load().problems == []
    # 06:00 in Berlin is 04:00 UTC
    assert stops(portfolio) == [("04:00", "07:00", "RUN", None), ("07:00", "07:30", "DELAY_EQ", "17")]
    assert read(portfolio) == [2]
    assert not portfolio.plans()

    mes.sql(
        "INSERT INTO mes.stops VALUES (3, 'M1', '2025-06-02 09:30', '2025-06-02 14:00', 'RUN', NULL, '2025-06-02 14:00+02')",  # new
        "INSERT INTO mes.stops VALUES (4, 'M1', '2025-06-02 05:30', '2025-06-02 06:00', 'SETUP', NULL, '2025-06-02 09:10+02')",  # late
        "UPDATE mes.stops SET reason = 18, changed_at = '2025-06-02 10:00+02' WHERE id = 2",
    )
    assert portfolio.load().problems == []
    assert stops(portfolio) == [
        ("03:30", "04:00", "SETUP", None), ("04:00", "07:00", "RUN", None), ("07:00", "07:30", "DELAY_EQ", "18"), ("07:30", "12:00", "RUN", None),
    ]  # fmt: skip
    assert read(portfolio) == [2, 4]  # 09:30 less half an hour: rows 1 to 4, of which the first says what it said
    assert not portfolio.plans()


def test_a_server_that_is_gone_holds_back_no_other_plant_and_is_asked_again(portfolio: SmallPortfolio, mes: Server) -> None:
    source(portfolio, mes, {"cursor": "id", "rows": 1})
    mes.stop()
    try:
        (problem,) = portfolio.load().problems
        assert (problem.plant, problem.source, problem.actor) == ("a", "mes", "retry")
        assert "cannot be reached" in problem.message
        assert len(portfolio.silver(STOPS, "b")) == 3
    finally:
        mes.start()
    assert portfolio.load().problems == []
    assert len(stops(portfolio)) == 2


def test_after_an_answer_that_failed_the_rest_is_asked_for_by_the_next_refresh(
    portfolio: SmallPortfolio, mes: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of three slices the second cannot be had: the third is not asked for, and nothing is missing in the end."""
    from connectors.errors import Problem, ReadError
    from connectors.kinds.systems.sql import CONNECTOR, Sql

    mes.sql("INSERT INTO mes.stops VALUES (3, 'M1', '2025-06-02 09:30', '2025-06-02 14:00', 'RUN', NULL, '2025-06-02 14:00+02')")
    source(portfolio, mes, {"cursor": "id", "rows": 1})
    fetched: list[str] = []
    fetch = CONNECTOR.fetch

    def breaking(self: Any, export: Any, *rest: Any) -> None:
        fetched.append(export.name)
        if len(fetched) == 2:
            raise ReadError(Problem("The connection to the database broke.", actor="retry"))
        fetch(export, *rest)

    with monkeypatch.context() as patched:
        patched.setattr(Sql, "fetch", breaking)
        (problem,) = portfolio.load().problems
    assert "broke" in problem.message
    assert (len(fetched), len(stops(portfolio))) == (2, 1)
    assert portfolio.load().problems == []
    assert [row[0] for row in stops(portfolio)] == ["04:00", "07:00", "07:30"]
    assert not portfolio.plans()


def test_a_row_that_left_a_window_is_deleted(portfolio: SmallPortfolio, mes: Server) -> None:
    """A day that is asked for again holds all there is in it."""
    today = datetime.now(UTC)
    mes.sql(
        "DELETE FROM mes.stops",
        f"INSERT INTO mes.stops SELECT n, 'M' || n, '{today:%Y-%m-%d} 00:00', NULL, 'RUN' FROM generate_series(1, 3) n",
    )
    source(portfolio, mes, {"time": "started_at", "every": "0.01s"}, mode="window", timezone="UTC")
    assert portfolio.load().problems == []
    assert portfolio.silver(STOPS, "a")["equipment_code"].sort().to_list() == ["M1", "M2", "M3"]
    mes.sql("DELETE FROM mes.stops WHERE id = 2")
    assert portfolio.load().problems == []
    assert portfolio.silver(STOPS, "a")["equipment_code"].sort().to_list() == ["M1", "M3"]


def test_the_answers_state_their_question_and_no_secret(portfolio: SmallPortfolio, mes: Server) -> None:
    portfolio.load()
    (name,) = portfolio.ledger().filter(pl.col("plant_id") == "a")["name"].to_list()
    question = read_name(name)
    assert question
    assert (question.of, question.cursor) == ("mes.stops", "changed_at=..t20250602T073000.000000Z+2")
    held = b"".join(path.read_bytes() for path in (portfolio.root / "lake").rglob("*") if path.is_file())
    assert mes.root.encode() in held
    assert b"secret" not in held
