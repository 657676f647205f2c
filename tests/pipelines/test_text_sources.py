"""Sources of historians' and machines' text and of SAP lists through the whole of loading: canonical rows, and every record accounted for."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import polars as pl
from small_portfolio import SmallPortfolio, plant_file

from pipelines import silver
from pipelines.refresh import Refresh

SAMPLE = "historian_sample"
MAPPED = {"tag": "tag", "ts": "timestamp", "value": "value", "quality": "quality"}


def loaded(
    portfolio: SmallPortfolio, kind: str, name: str, content: bytes, table: dict[str, Any], target: str = SAMPLE, **options: Any
) -> pl.DataFrame:
    source = {"kind": kind, "path": name, "options": options, "tables": {target: table}}
    portfolio.plant("a", plant_file("a") | {"sources": {"s": source}})
    portfolio.bytes("a", name, content)
    assert portfolio.load().problems == []
    return portfolio.silver(target)


def samples(found: pl.DataFrame) -> list[tuple[Any, ...]]:
    return found.sort("ts", "value_num").select("ts", "value_num", "value_text", "quality").rows()


def account(portfolio: SmallPortfolio) -> tuple[int, ...]:
    """Records read, accepted, rejected, repeated and left out."""
    (row,) = portfolio.ledger().select("records_read", "accepted", "rejected", "duplicate", "filtered").rows()
    return tuple(row)


def at(second: float, hour: int = 6) -> datetime:
    return datetime(2025, 6, 2, hour, 0, int(second), round(second % 1 * 1e6), UTC)


def test_proficy_with_comments_and_a_bad_sample(portfolio: SmallPortfolio) -> None:
    text = b"*Proficy\n[Data]\nTagname,TimeStamp,Value,DataQuality\nA,6/2/25 08:00,1.5,Good\nA,6/2/25 08:01,0,Bad\nA,yesterday,0,Good\n"
    columns = MAPPED | {"ts": {"from": "timestamp", "format": "%m/%d/%y %H:%M"}}
    found = loaded(portfolio, "proficy_csv", "p.csv", text, {"columns": columns})
    # 08:00 in Berlin is 06:00 UTC in June
    assert samples(found) == [(at(0), 1.5, None, "GOOD"), (datetime(2025, 6, 2, 6, 1, tzinfo=UTC), 0.0, None, "BAD")]
    assert account(portfolio) == (3, 2, 1, 0, 0)


def test_points_of_influx_that_are_written_again(portfolio: SmallPortfolio) -> None:
    # 1748844000 s are 2025-06-02 06:00:00 UTC
    text = b'oven,unit=M4 temp=20.5,state="run" 1748844000\noven,unit=M4 temp=21 1748844000\nbroken\noven,unit=M4 temp=22 1748844001\n'
    table = {
        "skip": {"overwritten": {"column": "superseded", "in": ["true"]}},
        "columns": {**MAPPED, "tag": {"from": ["tags.unit", "field"], "sep": "."}},
    }
    found = loaded(portfolio, "influx", "oven.lp", text, table, precision="s", tags=["unit"])
    assert samples(found) == [(at(0), None, "run", "GOOD"), (at(0), 21.0, None, "GOOD"), (at(1), 22.0, None, "GOOD")]
    assert account(portfolio) == (5, 3, 1, 0, 1)
    assert portfolio.silver("tag")["tag_name"].sort().to_list() == ["M4.state", "M4.temp"]


def test_a_sheet_of_datalink_with_states(portfolio: SmallPortfolio) -> None:
    text = "FI-1;;TI-2;\nt/h;;degC;\n02.06.2025 08:00:00;1,5;02.06.2025 08:00:01;I/O Timeout\n02.06.2025 08:00:02;1.234,5;;\n".encode(
        "cp1252"
    )
    columns = MAPPED | {"ts": {"from": "timestamp", "format": "%d.%m.%Y %H:%M:%S"}}
    found = loaded(portfolio, "pi_csv", "mill.csv", text, {"columns": columns}, decimal=",", thousands=".", units_row=2)
    assert samples(found) == [(at(0), 1.5, None, "GOOD"), (at(1), None, None, "BAD"), (at(2), 1234.5, None, "GOOD")]


def test_versions_of_aveva_and_times_of_the_server(portfolio: SmallPortfolio) -> None:
    text = (
        b"ASCII\n|\nadmin|1|Server Local|10|0\nA|0|2025/06/02|08:00:00.000|0|1|192\nA|1|2025/06/02|08:00:00|0|2|192\n"
        b"A|0|2025/06/02|08:00:01.500|0|3|24\n"
    )
    table = {"skip": {"replaced": {"column": "superseded", "in": ["true"]}}, "columns": MAPPED}
    found = loaded(portfolio, "aveva_historian", "a.csv", text, table)
    assert samples(found) == [(at(0), 2.0, None, "GOOD"), (at(1.5), 3.0, None, "BAD")]
    assert account(portfolio) == (3, 2, 0, 0, 1)


def test_columns_of_canary_with_a_gap(portfolio: SmallPortfolio) -> None:
    text = b"Time,A,B\n2025-06-02 08:00:00,1.5,\n2025-06-02 08:00:01,No Data,2\n"
    found = loaded(portfolio, "canary_csv", "c.csv", text, {"columns": MAPPED})
    assert samples(found) == [(at(0), 1.5, None, "GOOD"), (at(1), None, None, "BAD"), (at(1), 2.0, None, "GOOD")]


def test_metrics_of_sparkplug_whose_births_stand_in_another_file(portfolio: SmallPortfolio) -> None:
    def message(kind: str, seq: int, **metric: Any) -> str:
        payload = {"timestamp": 1748844000000 + seq * 1000, "seq": seq, "metrics": [metric]}
        return json.dumps({"topic": f"spBv1.0/G/{kind}/N", "payload": payload}) + "\n"

    portfolio.bytes("a", "births.jsonl", message("NBIRTH", 0, name="T", alias=1, type="Int8", value=0).encode())
    text = message("NDATA", 1, alias=1, value=255) + message("NCMD", 2, alias=1, value=9) + message("NDATA", 3, alias=7, value=1)
    table = {"skip": {"commands": {"column": "message_type", "in": ["NCMD"]}}, "columns": MAPPED}
    found = loaded(portfolio, "sparkplug", "data.jsonl", text.encode(), table, births="births.jsonl")
    assert samples(found) == [(at(1), -1.0, None, "GOOD")]
    assert account(portfolio) == (3, 1, 1, 0, 1)
    (lost,) = silver.read(Refresh(portfolio.root).lake, "quarantine", ["a"]).collect().to_dicts()
    assert (lost["rule"], "alias 7 was not told by a birth" in lost["detail"]) == ("UNREADABLE", True)


def test_births_that_are_not_there_are_told_with_the_line_to_edit(portfolio: SmallPortfolio) -> None:
    source = {"kind": "sparkplug", "path": "d.jsonl", "options": {"births": "b.jsonl"}, "tables": {SAMPLE: {"columns": MAPPED}}}
    portfolio.plant("a", plant_file("a") | {"sources": {"s": source}})
    portfolio.bytes("a", "d.jsonl", b"x\n")
    (problem,) = portfolio.load().problems
    assert (problem.message, problem.fix) == (
        "The file that options.births names is not there.",
        "plants/a.yaml → sources.s.options.births",
    )


def test_confirmations_of_a_list_with_sums_and_trailing_minus(portfolio: SmallPortfolio) -> None:
    text = (
        "Rückmeldungen                    1\n--------------------------------------------\n|Platz|Ende            |     Gut|ME|Rückm|\n"
        "--------------------------------------------\n|M1   |02.06.2025 10:00|1.000,0 |KG|0001 |\n|M1   |02.06.2025 11:00|  302,5-|KG|0002 |\n"
        "|*    |                |  697,5 |KG|     |\n|M1   |02.06.2025 12:00|\n"
    )
    columns = {
        "equipment": "Platz", "event_ts": {"from": "Ende", "format": "%d.%m.%Y %H:%M"}, "good_qty": {"from": "Gut", "unit_from": "ME"},
        "document": "Rückm", "count_source": {"const": "ERP_CONFIRMATION"},
    }  # fmt: skip
    found = loaded(
        portfolio, "sap_spool", "coois.txt", text.encode("cp1252"), {"columns": columns}, "production_count", decimal=",", thousands="."
    )
    assert found.sort("document_no").select("document_no", "good_qty", "uom").rows() == [("0001", 1000.0, "kg"), ("0002", -302.5, "kg")]
    assert account(portfolio) == (3, 2, 1, 0, 0)  # the sum is no record, the torn line is one that cannot be read
