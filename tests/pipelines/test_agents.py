"""What agents are told: with a real client over standard input and output, over HTTP, and in the process; and what they are refused."""

from __future__ import annotations

import asyncio
import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from small_portfolio import DAY_1, SmallPortfolio, plant_file
from typer.testing import CliRunner

from connectors.errors import ConfigError
from pipelines import cli, upkeep
from pipelines.lake import Lake
from publish import agents
from publish.agents import Desk
from publish.reader import Snapshot

pytest.importorskip("fastmcp", reason="extra mcp")
from fastmcp import Client
from fastmcp.client.transports import StdioTransport, StreamableHttpTransport
from fastmcp.exceptions import ToolError

from publish.mcp_server import server

ROOT = Path(__file__).resolve().parents[2]
HOSTILE = "=cmd|' /C calc'!A0 <script>alert(1)</script> مصنع 工場 '; DROP TABLE plant; --" + "x" * 120
DEFINITION = {
    "breaks_in_pbt": False, "planned_maint_in_pbt": False, "no_demand_in_pbt": False, "rework_counts_as_good": False,
    "microstop_threshold_s": 60, "rate_basis": "BEST_DEMONSTRATED", "perf_capped_at_source": False, "scrap_scope": "STATION", "oee_scope": "MACHINE",
}  # fmt: skip
"""A plant whose definition is not known has grade D, which is not ranked."""
TOKEN = "t0ken-of-agents"
Ask = Callable[..., dict[str, Any]]


@pytest.fixture(scope="module")
def root(made_once: Callable[..., Path]) -> Path:
    """Plants a and b after their first refresh; b has a hostile name. Only for reading."""

    def refreshed(root: Path) -> None:
        portfolio = SmallPortfolio(root).good("a", "b")
        for plant, name, company in (("a", "A", "acme"), ("b", HOSTILE, "other")):
            portfolio.plant(plant, plant_file(plant) | {"name": name, "company": company, "definition": DEFINITION})
        portfolio.refresh()
        upkeep.close_dbt()

    return made_once("agents", refreshed)


def asking(source: Any) -> Ask:
    """A function that asks one tool in a session of its own and gives the structured answer."""

    def ask(tool: str, **arguments: Any) -> dict[str, Any]:
        async def once() -> dict[str, Any]:
            async with Client(source) as client:
                found = (await client.call_tool(tool, arguments)).structured_content
                assert found is not None
                return found

        return asyncio.run(once())

    return ask


@pytest.fixture(scope="module")
def ask(root: Path) -> Ask:
    return asking(server(Desk(Lake(root / "lake")), allow_sql=True))


def environment() -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": str(ROOT)}


def words(root: Path, *more: str) -> list[str]:
    return ["-m", "pipelines.cli", "mcp", "-p", str(root), *more]


@contextmanager
def over_http(root: Path, token: str | None = TOKEN) -> Iterator[str]:
    """The address of a server that was started as people start it."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    known = environment() | ({"PLANTLAKE_MCP_TOKEN": token} if token else {})
    with subprocess.Popen([sys.executable, *words(root, "--http", f"127.0.0.1:{port}")], env=known, stderr=subprocess.DEVNULL) as process:
        try:
            until = time.monotonic() + 60
            while time.monotonic() < until and process.poll() is None:
                try:
                    socket.create_connection(("127.0.0.1", port), 0.2).close()
                    break
                except OSError:
                    time.sleep(0.1)
            yield f"http://127.0.0.1:{port}/mcp"
        finally:
            process.terminate()


# --- numbers --------------------------------------------------------------------------------------------------------------------------


def test_a_number_comes_with_its_parts_and_where_it_is_from(ask: Ask) -> None:
    """Two shifts of 8 h: 450 and 480 minutes of run time, 30 of delay. A = 55,800 s / 57,600 s."""
    answer = ask("query_metrics", metrics=["a"], plants=["a"])
    (number,) = answer["numbers"]
    assert (number["numerator"], number["denominator"], number["value"]) == (55_800, 57_600, 0.96875)
    assert (number["scope_id"], number["period_start"], number["unit"], number["coverage"]) == ("a", "2025-06-01", "ratio", 1)
    assert (number["grade"], number["confidence"]) == ("D", 0)  # no reason of its stops is mapped
    assert (number["release_id"], answer["release"]["release_id"]) == (1, 1)
    assert answer["release"]["snapshot"].startswith("000001-")
    assert (answer["truncated"], answer["rows_found"]) == (False, 1)


def test_a_number_that_is_missing_says_why_and_what_helps(ask: Ask) -> None:
    (number,) = ask("query_metrics", metrics=["OEE"], plants=["a"])["numbers"]
    assert number["value"] is None
    assert number["why_missing"] == "no ideal rate is known; what helps: vocabularies/ideal_rates.csv: a line for what the plant makes"
    assert {"flag": "NO_IDEAL_RATE", "means": "no ideal rate is known"} in number["flags"]


@pytest.mark.parametrize(
    ("group_by", "period_type"), [("plant", "month"), ("equipment", "shift"), ("company", "week"), ("portfolio", "day")]
)
def test_every_number_is_that_of_kpi_value(ask: Ask, root: Path, group_by: str, period_type: str) -> None:
    wanted = ["A", "OEE", "Q", "MTTR", "UNPL_DOWN", "COVERAGE"]
    told = ask("query_metrics", metrics=wanted, group_by=group_by, period_type=period_type, limit=500)
    assert not told["truncated"]
    found = {(n["metric"], n["scope_id"], n["period_start"], n["shift_code"]): n for n in told["numbers"]}
    with Snapshot(root / "lake" / "kpi.duckdb") as reader:
        sql = "SELECT * FROM kpi_value WHERE profile = 'ISO' AND scope_type = ? AND period_type = ? AND list_contains(?, kpi_id)"
        rows = reader.query(sql, [group_by.upper(), period_type.upper(), wanted]).to_dicts()
    assert len(rows) == len(found) > 0
    for row in rows:
        number = found[row["kpi_id"], row["scope_id"], str(row["period_start"]), row["shift_code"]]
        for name in ("value", "numerator", "denominator", "value_low", "value_high", "coverage", "confidence"):
            assert number[name] == (None if row[name] is None else pytest.approx(row[name], rel=1e-9, abs=1e-9)), name
        assert [remark["flag"] for remark in number["flags"]] == (row["flags"] or [])
        assert all(remark["means"] != remark["flag"] for remark in number["flags"])


def test_what_cannot_be_told_apart_shares_a_rank(ask: Ask) -> None:
    """Both made 182 pieces, 180 of them good. What has grade D or no value is not ranked."""
    ranked = ask("rank_metric", metric="QC")["numbers"]
    assert [(row["scope_id"], row["rank"], row["is_shared"]) for row in ranked] == [("a", 1, True), ("b", 1, True)]
    assert ranked[0]["value"] == pytest.approx(180 / 182, abs=1e-12)
    assert {row["left_out"] for row in ask("rank_metric", metric="A")["numbers"]} == {"GRADE_D"}
    assert {row["left_out"] for row in ask("rank_metric", metric="OEE")["numbers"]} == {"NOT_COMPUTABLE"}


def test_an_explanation_adds_up_to_the_number(ask: Ask) -> None:
    told = ask("explain_metric", metric="A", plant="a", period="2025-06", limit=2)["explanation"]
    assert told["value"]["value"] == 0.96875
    assert told["parts"]["sums"] == {"apt_s": 55_800, "pbt_s": 57_600, "unknown_s": 0}
    assert {check["holds"] for check in told["checks"] if "holds" in check} <= {True}


def test_dimensions_have_members_and_metrics_their_definition(ask: Ask) -> None:
    found = ask("list_dimensions", dimension="plant")
    assert [(row["id"], row["name"]) for row in found["members"]] == [("a", "A"), ("b", HOSTILE)]
    assert (found["first_day"], found["last_day"]) == ("2025-06-02", "2025-06-03")
    assert {row["dimension"]: row["members"] for row in found["dimensions"]} | {"class": 0} == {
        "plant": 2, "company": 2, "class": 0, "line": 0, "area": 0, "equipment": 2, "portfolio": 1,
    }  # fmt: skip
    assert [row["metric"] for row in ask("list_metrics", search="mean time to rest")["metrics"]] == ["MTTR"]
    assert ask("describe_metric", metric="oee")["metric"]["formula"] == "A x E x Q = sum(PRI x GQ) / PBT"
    fresh = {row["plant_id"]: row for row in ask("data_freshness")["plants"]}
    assert (fresh["b"]["plant_name"], fresh["a"]["exports"], fresh["a"]["status"]) == (HOSTILE, 3, "OK")
    lost = {row["bucket"]: row["seconds"] for row in ask("losses", group_by="plant", plants=["a"])["waterfall"]}
    assert lost == {} or lost["PBT"] == 57_600


# --- limits and refusals --------------------------------------------------------------------------------------------------------------


def test_what_is_cut_is_said(ask: Ask, monkeypatch: pytest.MonkeyPatch) -> None:
    few = ask("query_metrics", metrics=["A", "Q"], period_type="day", limit=3)
    assert (len(few["numbers"]), few["rows_found"], few["truncated"]) == (3, 8, True)
    assert few["note"].startswith("3 of 8 rows are shown: raise limit")
    monkeypatch.setattr(agents, "MOST_CHARS", 2_000)
    small = ask("query_metrics", metrics=["A", "Q"], period_type="day")
    assert small["truncated"] and 0 < len(small["numbers"]) < 8
    assert len(json.dumps(small["numbers"])) < 3_000


@pytest.mark.parametrize(
    ("tool", "arguments", "told"),
    [
        ("query_metrics", {"metrics": ["OEEE"]}, "Closest: OEE"),
        ("describe_metric", {"metric": "Mean time to restor"}, "Closest: Mean time to restoration"),
        ("query_metrics", {"metrics": ["A"], "group_by": "plants"}, "Closest: plant"),
        ("query_metrics", {"metrics": ["A"], "period_type": "year"}, "There is no period_type 'year'"),
        ("query_metrics", {"metrics": ["A"], "profile": "IOS"}, "Closest: iso"),
        ("query_metrics", {"metrics": ["A"], "plants": ["'; DROP TABLE plant; --"]}, "There is no plant"),
        ("query_metrics", {"metrics": ["A"], "since": "yesterday"}, "is no day and no period"),
        ("query_metrics", {"metrics": ["A"], "as_of": "99"}, "There is no release 99"),
        ("query_metrics", {"metrics": []}, "at least 1"),
        ("query_metrics", {"metrics": ["A"], "limit": 10**9}, "less than or equal to 500"),
        ("explain_metric", {"metric": "A", "plant": "a", "period": "2024-01"}, "There is no A of a"),
        ("list_dimensions", {"dimension": "machines"}, "There is no dimension 'machines'"),
        ("drop_everything", {}, "drop_everything"),
        ("run_sql", {"query": "SELECT * FROM read_text('/etc/passwd')"}, "Permission"),
        ("run_sql", {"query": "SELECT * FROM glob('/etc/*')"}, "Permission"),
        ("run_sql", {"query": "SELECT * FROM '/etc/passwd'"}, "does not exist"),
        ("run_sql", {"query": "COPY (SELECT 1) TO '/tmp/agents.csv'"}, "Only one SELECT"),
        ("run_sql", {"query": "ATTACH 'x.db'; SELECT 1"}, "Only one SELECT"),
        ("run_sql", {"query": "SET enable_external_access = true"}, "Only one SELECT"),
        ("run_sql", {"query": "SELEC 1"}, "syntax error"),
        ("run_sql", {"query": "SELECT plant_nam FROM plant_status"}, "plant_name"),
    ],
)
def test_errors_finish_the_job(ask: Ask, tool: str, arguments: dict[str, Any], told: str) -> None:
    with pytest.raises(ToolError) as error:
        ask(tool, **arguments)
    assert told in str(error.value)


def test_sql_reads_what_is_published_and_is_limited(ask: Ask, root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    answer = ask("run_sql", query="SELECT plant_id, plant_name FROM plant_status ORDER BY 1")
    assert (answer["columns"], answer["rows"]) == (["plant_id", "plant_name"], [["a", "A"], ["b", HOSTILE]])
    assert ask("run_sql", query="SELECT count(*) FROM quarantine")["rows"] == [[0]]
    many = ask("run_sql", query="SELECT range AS n FROM range(1000)", limit=10)
    assert (len(many["rows"]), many["truncated"]) == (10, True)
    portfolio = str(root / "portfolio.yaml")
    for path in (portfolio, f"{root}/lake/gold/parts/../../../portfolio.yaml", f"{root}/lake/gold/build.duckdb"):
        with pytest.raises(ToolError, match="Permission"):
            ask("run_sql", query=f"SELECT * FROM read_blob('{path}')")
    monkeypatch.setattr(agents, "SQL_SECONDS", 0.2)
    with pytest.raises(ToolError, match="took longer"):
        ask("run_sql", query="SELECT sum(a.range * b.range) FROM range(1000000) a, range(1000000) b")


def test_without_allow_sql_there_is_none_and_every_tool_is_read_only(root: Path) -> None:
    async def tools() -> list[Any]:
        async with Client(server(Desk(Lake(root / "lake")))) as client:
            return await client.list_tools()

    found = {tool.name: tool for tool in asyncio.run(tools())}
    assert sorted(found) == [
        "data_freshness", "describe_metric", "explain_metric", "list_dimensions", "list_metrics", "losses", "query_metrics", "rank_metric",
    ]  # fmt: skip
    for tool in found.values():
        hints = tool.annotations
        assert (hints.read_only_hint, hints.idempotent_hint, hints.destructive_hint, hints.open_world_hint) == (True, True, False, False)
        assert tool.output_schema and tool.description
    asked = found["query_metrics"].input_schema["properties"]
    assert asked["group_by"]["enum"] == ["plant", "company", "portfolio", "area", "line", "equipment", "class"]
    assert "OEE" in asked["metrics"]["items"]["enum"]


def test_nothing_published_is_no_crash(tmp_path: Path) -> None:
    lake = Lake(tmp_path / "lake").create()
    with pytest.raises(ToolError, match="Nothing is published yet"):
        asking(server(Desk(lake)))("query_metrics", metrics=["OEE"])


def test_a_portfolio_without_plants_answers(portfolio: SmallPortfolio) -> None:
    portfolio.root.mkdir(parents=True)
    (portfolio.root / "portfolio.yaml").write_text("name: Empty\n")
    portfolio.refresh()
    ask = asking(server(Desk(Lake(portfolio.root / "lake"))))
    assert ask("query_metrics", metrics=["OEE"])["numbers"] == []
    assert ask("rank_metric", metric="OEE")["numbers"] == []
    assert ask("data_freshness")["plants"] == []
    assert ask("list_dimensions", dimension="plant")["members"] == []


# --- how it is reached ----------------------------------------------------------------------------------------------------------------


def test_over_standard_input_a_refresh_is_seen_by_the_next_question(good: SmallPortfolio) -> None:
    transport = StdioTransport(sys.executable, words(good.root), env=environment())

    async def session() -> tuple[dict[str, Any], dict[str, Any]]:
        async with Client(transport) as client:
            before = (await client.call_tool("query_metrics", {"metrics": ["A"], "plants": ["a"]})).structured_content
            good.file("a", "stops_3.csv", *(line.replace("2025-06-02", "2025-06-04") for line in DAY_1))
            good.refresh()
            after = (await client.call_tool("query_metrics", {"metrics": ["A"], "plants": ["a"]})).structured_content
            assert before is not None and after is not None
            return before, after

    before, after = asyncio.run(session())
    assert (before["release"]["release_id"], before["numbers"][0]["numerator"]) == (1, 55_800)
    assert (after["release"]["release_id"], after["numbers"][0]["numerator"]) == (2, 82_800)  # 450 minutes more
    assert before["release"]["snapshot"] != after["release"]["snapshot"]


def test_over_http_only_who_has_the_token_and_asks_this_server_is_answered(root: Path) -> None:
    with over_http(root) as url:
        asked = asking(StreamableHttpTransport(url, auth=TOKEN))("query_metrics", metrics=["A"], plants=["a"])
        assert asked["numbers"][0]["value"] == 0.96875
        call = {"jsonrpc": "2.0", "id": 1, "method": "tools/list"}
        sent = {"Accept": "application/json, text/event-stream", "Authorization": f"Bearer {TOKEN}"}

        def status(**headers: str) -> int:
            return httpx.post(url, json=call, headers={**sent, **headers}, timeout=10).status_code

        assert status(Authorization="Bearer wrong") == 401
        assert status(Host="evil.example") == 421
        assert status(Origin="http://evil.example") == 403


def test_without_a_token_only_this_machine_may_ask(root: Path) -> None:
    done = CliRunner().invoke(cli.app, ["mcp", "--http", "0.0.0.0:8765", "-p", str(root)], env={"PLANTLAKE_MCP_TOKEN": ""})
    assert isinstance(done.exception, ConfigError) and "PLANTLAKE_MCP_TOKEN" in str(done.exception)
    wrong = CliRunner().invoke(cli.app, ["mcp", "--http", "8765", "-p", str(root)])
    assert isinstance(wrong.exception, ConfigError) and "is no address" in str(wrong.exception)
