"""Sources of JSON, PI Web API, OData and Parquet through the whole of loading: canonical rows, rejected records, and what is refused."""

from __future__ import annotations

import io
import json
from datetime import UTC, datetime
from typing import Any

import polars as pl
from small_portfolio import SmallPortfolio, plant_file

from pipelines import silver
from pipelines.refresh import Refresh

STOPS = "equipment_state_event"


def source(kind: str, path: str, table: str, columns: dict[str, Any], **options: Any) -> dict[str, Any]:
    return {"kind": kind, "path": path, "options": options, "tables": {table: {"columns": columns}}}


def plant(portfolio: SmallPortfolio, **sources: dict[str, Any]) -> SmallPortfolio:
    portfolio.plant("a", plant_file("a") | {"sources": sources})
    return portfolio


def quarantine(portfolio: SmallPortfolio) -> pl.DataFrame:
    return silver.read(Refresh(portfolio.root).lake, "quarantine", ["a"]).collect()


def test_lines_of_json_with_a_broken_one_and_a_file_without(portfolio: SmallPortfolio) -> None:
    columns = {"equipment": "unit", "start_ts": "at.from", "end_ts": "at.to", "state_class": "state"}
    plant(portfolio, log=source("json", "log_*.jsonl", STOPS, columns))
    line = '{{"unit": "M1", "at": {{"from": "2025-06-02 {0}:00", "to": "2025-06-02 {1}:00"}}, "state": "RUN"}}\n'
    portfolio.bytes("a", "log_1.jsonl", (line.format("06", "07") + '{"unit": "M1", "at": {\n' + line.format("07", "08")).encode())
    portfolio.bytes("a", "log_2.jsonl", (line.format("08", "09") + line.format("09", "10")).encode())
    assert portfolio.load().problems == []
    assert len(portfolio.silver(STOPS)) == 4
    (lost,) = quarantine(portfolio).to_dicts()
    assert (lost["row_number"], lost["rule"]) == (2, "UNREADABLE")
    assert "ends in the middle" in lost["detail"]
    assert json.loads(lost["raw_row"])["_surplus"] == '{"unit": "M1", "at": {'


def test_a_stream_set_of_pi(portfolio: SmallPortfolio) -> None:
    columns = {"tag": "tag", "ts": "timestamp", "value": "value", "quality": "quality"}
    plant(portfolio, pi=source("pi_web_api", "pi_*.json", "historian_sample", columns))
    items = [
        {"Timestamp": "2025-06-02T06:00:00.1234567Z", "Value": 20.5, "Good": True, "Questionable": False},
        {"Timestamp": "2025-06-02T06:01:00Z", "Value": {"Name": "I/O Timeout", "Value": 246, "IsSystem": True}, "Good": False},
    ]
    body = {"Items": [{"WebId": "W1", "Name": "TI-1", "Items": items}, {"WebId": "W2", "Errors": ["PI Point not found."]}]}
    portfolio.bytes("a", "pi_1.json", json.dumps(body).encode())
    assert portfolio.load().problems == []
    found = portfolio.silver("historian_sample").sort("ts").select("ts", "value_num", "value_text", "quality").rows()
    assert found == [
        (datetime(2025, 6, 2, 6, 0, 0, 123456, UTC), 20.5, None, "GOOD"),
        (datetime(2025, 6, 2, 6, 1, tzinfo=UTC), None, None, "BAD"),
    ]
    assert "PI Web API: PI Point not found." in quarantine(portfolio)["detail"][0]


def test_confirmations_of_odata_and_the_page_that_is_not_whole(portfolio: SmallPortfolio) -> None:
    ended = {"from": ["EndDate", "EndTime"], "sep": " "}
    columns = {"equipment": "WorkCenter", "event_ts": ended, "document": "Conf", "good_qty": {"from": "Yield", "unit_from": "Unit"}}
    plant(portfolio, s4=source("sap_odata", "conf_*.json", "production_count", columns))
    record = {"WorkCenter": "M1", "EndDate": "/Date(1748822400000)/", "EndTime": "PT11H16M07S", "Conf": "1", "Yield": "100.5", "Unit": "kg"}
    portfolio.bytes("a", "conf_1.json", json.dumps({"d": {"results": [record]}}).encode())
    portfolio.bytes("a", "conf_2.json", json.dumps({"d": {"results": [record | {"Conf": "2"}], "__next": "x"}}).encode())
    (problem,) = portfolio.load().problems
    assert (problem.export, "one page of several" in problem.message) == ("conf_2.json", True)
    (row,) = portfolio.silver("production_count").to_dicts()
    # 2025-06-02 11:16:07 at the plant, which is in Berlin
    assert row["event_ts"] == datetime(2025, 6, 2, 9, 16, 7, tzinfo=UTC)


def test_typed_columns_of_parquet_and_a_page_that_is_damaged(portfolio: SmallPortfolio) -> None:
    columns = {"equipment": "unit", "start_ts": "from", "end_ts": "to", "state_class": "state"}
    plant(portfolio, lake=source("parquet", "*.parquet", STOPS, columns))
    hours = [datetime(2025, 6, 2, hour, tzinfo=UTC) for hour in range(6, 10)]
    table = pl.DataFrame({"unit": ["M1"] * 3, "from": hours[:3], "to": hours[1:], "state": ["RUN", "DELAY_EQ", "RUN"]})
    held = io.BytesIO()
    table.with_columns(pl.col("unit").cast(pl.Categorical)).write_parquet(held, compression="snappy")
    body = held.getvalue()
    portfolio.bytes("a", "good.parquet", body)
    portfolio.bytes("a", "torn.parquet", body[:4] + bytes(200) + body[204:])
    (problem,) = portfolio.load().problems
    assert problem.export == "torn.parquet"
    assert portfolio.silver(STOPS).sort("start_ts")["start_ts"].to_list() == hours[:3]
