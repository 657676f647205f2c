"""Plants whose historian and ERP are asked, through the whole of loading: nothing twice, nothing lost when a server was away."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("httpx", reason="extra http")

from odata_server import ODataServer
from pi_server import PiServer, item
from plant_servers import Answer, Question, web_server
from small_portfolio import SmallPortfolio, plant_file

from connectors.windows import read_name


def plant(portfolio: SmallPortfolio, **source: Any) -> None:
    portfolio.plant("a", plant_file("a") | {"sources": {"system": source}})


def in_days(days: float) -> str:
    return (datetime.now(UTC) - timedelta(days=days)).strftime("%Y-%m-%dT%H:%M:%S.0000000Z")


SAMPLES = {"historian_sample": {"columns": {"tag": "tag", "ts": "timestamp", "value": "value", "quality": "quality"}}}


def test_a_historian_that_was_away_for_a_window_is_asked_for_it_again(portfolio: SmallPortfolio) -> None:
    """Three windows of a day are due; the server fails in the second one: the first lands, the third is not asked before the second."""
    first_day = (datetime.now(UTC) - timedelta(days=2.5)).date()
    pi = PiServer({"T1": [item(in_days(days), number) for number, days in enumerate((2.2, 1.2, 0.2))]})
    away = True

    def answer(question: Question) -> Answer:
        second = question.params.get("startTime", [""])[0].startswith((first_day + timedelta(days=1)).isoformat())
        return Answer("maintenance", 403) if away and second else pi(question)

    def values() -> list[float]:
        return portfolio.silver("historian_sample").sort("ts")["value_num"].to_list()

    with web_server(answer) as web:
        plant(portfolio, kind="pi_web_api", root=f"{web.url}/piwebapi", path="PI1/T*", timezone="UTC", tables=SAMPLES,
              options={"start": first_day.isoformat(), "every": "0s"})  # fmt: skip
        (problem,) = portfolio.load().problems
        assert (problem.message, problem.actor) == ("The user may not read this.", "retry")
        assert len(values()) < 3
        away = False
        assert portfolio.load().problems == []
        assert values() == [0, 1, 2]
        pi.recorded["T1"].append(item(in_days(0), 3))
        late = item(in_days(0.01), 9)  # came late, within the hour of lookback
        pi.recorded["T1"].insert(3, late)
        assert portfolio.load().problems == []
        assert values() == [0, 1, 2, 9, 3]
    names = portfolio.ledger().filter(pl_landed())["name"].to_list()
    assert all(read_name(name) for name in names)


def pl_landed() -> Any:
    import polars as pl

    return pl.col("export_state") == "LANDED"


def test_a_historian_is_left_alone_between_two_questions(portfolio: SmallPortfolio) -> None:
    pi = PiServer({"T1": [item(in_days(0.2), 1)]})
    with web_server(pi) as web:
        plant(portfolio, kind="pi_web_api", root=f"{web.url}/piwebapi", path="PI1/T*", timezone="UTC", tables=SAMPLES,
              options={"start": datetime.now(UTC).date().isoformat()})  # fmt: skip
        assert portfolio.load().problems == []
        asked = len(web.asked)
        assert not portfolio.plans()
        assert len(web.asked) == asked


def test_confirmations_that_changed_are_the_ones_that_count(portfolio: SmallPortfolio, tmp_path: Path) -> None:
    """Confirmation 2 is corrected from 20 to 25 pieces; then nothing changed, and an empty answer is no error."""
    columns = {
        "equipment": "WorkCenter", "event_ts": "EndedAt", "document": "Conf", "good_qty": {"from": "Yield", "unit": "{piece}"},
    }  # fmt: skip
    entity = {"WorkCenter": "M1", "EndedAt": "2026-11-20T10:00:00Z", "Conf": "1", "Yield": "10"}
    now = datetime.now(UTC)
    service = ODataServer(
        [(stamp(now - timedelta(days=3)), entity), (stamp(now - timedelta(days=2)), entity | {"Conf": "2", "Yield": "20"})]
    )
    with web_server(service) as web:
        tables = {"production_count": {"mode": "upsert", "columns": columns}}
        plant(
            portfolio, kind="sap_odata", root=f"{web.url}/svc", path="Confs", tables=tables, options={"change": "ChangedAt", "every": "0s"}
        )
        assert portfolio.load().problems == []
        assert counted(portfolio) == {"1": 10, "2": 20}
        service.entities[1] = (stamp(now), entity | {"Conf": "2", "Yield": "25"})
        assert portfolio.load().problems == []
        assert counted(portfolio) == {"1": 10, "2": 25}
        service.entities.clear()
        assert portfolio.load().problems == []
        assert counted(portfolio) == {"1": 10, "2": 25}
    assert service.filters[0] == ""
    assert service.filters[1].startswith("ChangedAt ge datetimeoffset'")


def stamp(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


def counted(portfolio: SmallPortfolio) -> dict[str, float]:
    found = portfolio.silver("production_count")
    key = next(name for name in found.columns if "document" in name)
    return dict(zip(found[key].to_list(), map(float, found["good_qty"].to_list()), strict=True))
