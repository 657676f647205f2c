"""The command line: help, exit codes, tables for people and JSON for machines; one real refresh is shared by the module."""

from __future__ import annotations

import csv
import io
import json
import subprocess
import sys
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from small_portfolio import SmallPortfolio, plant_file

from pipelines.cli import main


@dataclass(frozen=True)
class Done:
    """What a command printed and returned."""

    returncode: int
    stdout: str
    stderr: str


def run(*arguments: str | Path, cwd: Path | None = None) -> Done:
    """`plantlake ...` in this process."""
    out, err = io.StringIO(), io.StringIO()
    with pytest.MonkeyPatch.context() as patch, redirect_stdout(out), redirect_stderr(err):
        patch.delenv("PLANTLAKE_PORTFOLIO", raising=False)
        patch.setattr(sys, "argv", ["plantlake", *map(str, arguments)])
        if cwd is not None:
            patch.chdir(cwd)
        with pytest.raises(SystemExit) as ended:
            main()
    return Done(int(ended.value.code or 0), out.getvalue(), err.getvalue())


@pytest.fixture(scope="module")
def refreshed(module_portfolio: SmallPortfolio) -> tuple[SmallPortfolio, dict[str, Any]]:
    """A portfolio of two plants after one `plantlake refresh`, one of them with a file that cannot be read; and what it said."""
    module_portfolio.good("a", "b").bytes("b", "stops_3.csv", b"")
    done = run("refresh", "-p", module_portfolio.root, "--json")
    assert done.returncode == 1, done.stderr  # a plant needs somebody
    return module_portfolio, json.loads(done.stdout)


@pytest.mark.parametrize(
    "verb",
    ["", "demo", "plant", "plant check", "plant try", "plant schema", "refresh", "kpi", "restated", "sql", "status", "doctor", "dev"],
)
def test_every_verb_explains_itself(verb: str) -> None:
    done = run(*verb.split(), "--help")
    assert done.returncode == 0
    assert "Usage:" in done.stdout


def test_help_and_checks_import_nothing_heavy() -> None:
    code = "import sys; sys.argv = ['plantlake', '--help']; from pipelines.cli import main\ntry: main()\nexcept SystemExit: pass\n"
    code += "print([name for name in ('dagster', 'dbt', 'great_expectations', 'polars', 'duckdb', 'pandas') if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=Path(__file__).resolve().parents[2])
    assert done.stdout.splitlines()[-1] == "[]"


def test_a_refresh_tells_what_it_did(refreshed: tuple[SmallPortfolio, dict[str, Any]]) -> None:
    _, said = refreshed
    assert {name: said[name] for name in ("release_id", "plants", "exports", "accepted", "rejected", "nothing_new", "stale_plants")} == {
        "release_id": 1, "plants": 2, "exports": 7, "accepted": 12, "rejected": 0, "nothing_new": False, "stale_plants": ["b"],
    }  # fmt: skip
    (problem,) = said["problems"]
    assert (problem["where"], problem["message"]) == ("b · mes · stops_3.csv", "The file is empty.")


def test_a_second_refresh_finds_nothing_and_makes_no_release(refreshed: tuple[SmallPortfolio, dict[str, Any]]) -> None:
    portfolio, _ = refreshed
    done = run("refresh", "-p", portfolio.root)
    assert done.returncode == 1
    assert "Nothing new. 1 of 2 plants are up to date." in done.stderr
    assert "stops_3.csv" in done.stderr, "what is still broken is told again"
    assert json.loads(run("sql", "SELECT max(release_id) AS n FROM release", "-p", portfolio.root, "--json").stdout) == [{"n": 1}]


def test_one_plant_alone_is_all_right(refreshed: tuple[SmallPortfolio, dict[str, Any]]) -> None:
    portfolio, _ = refreshed
    done = run("refresh", "-p", portfolio.root, "--plant", "a")
    assert (done.returncode, "Nothing new" in done.stderr) == (0, True), done.stderr


def test_the_account_of_every_export_is_published(refreshed: tuple[SmallPortfolio, dict[str, Any]]) -> None:
    portfolio, _ = refreshed
    query = "SELECT name, records_read = accepted + rejected + duplicate + filtered AS adds_up FROM export_ledger WHERE table_state = 'COMMITTED'"
    rows = json.loads(run("sql", query, "-p", portfolio.root, "--json").stdout)
    assert len(rows) == 6
    assert all(row["adds_up"] for row in rows)


def test_sql_reads_and_never_writes(refreshed: tuple[SmallPortfolio, dict[str, Any]]) -> None:
    portfolio, _ = refreshed
    shown = run("sql", "SELECT plant_id, count(*) AS files FROM export_ledger GROUP BY 1 ORDER BY 1", "-p", portfolio.root)
    assert shown.returncode == 0, shown.stderr
    assert [line.split() for line in shown.stdout.splitlines()] == [["plant_id", "files"], ["a", "3"], ["b", "4"]]
    for query in ("DROP TABLE kpi_value", "SELECT * FROM nothing", "SELEKT 1"):
        failed = run("sql", query, "-p", portfolio.root)
        assert failed.returncode == 2
        assert "Traceback" not in failed.stderr


def test_kpis_as_a_table_a_file_and_json(refreshed: tuple[SmallPortfolio, dict[str, Any]], tmp_path: Path) -> None:
    portfolio, _ = refreshed
    assert "A" in run("kpi", "A", "-p", portfolio.root).stdout
    rows = json.loads(run("kpi", "A", "--by", "plant,month", "-p", portfolio.root, "--json").stdout)
    assert rows
    done = run("kpi", "--by", "equipment,day", "--out", tmp_path / "x.csv", "-p", portfolio.root)
    assert done.returncode == 0, done.stderr
    with (tmp_path / "x.csv").open(encoding="utf-8") as file:
        assert "kpi_id" in (next(csv.reader(file)))
    assert run("kpi", "--out", tmp_path / "x.xlsx", "-p", portfolio.root).returncode == 0
    assert (tmp_path / "x.xlsx").read_bytes().startswith(b"PK")
    assert run("kpi", "--out", tmp_path / "x.pdf", "-p", portfolio.root).returncode == 2


@pytest.mark.parametrize("arguments", [("kpi", "OEEE"), ("kpi", "--by", "planet,month"), ("kpi", "--profile", "XYZ")])
def test_a_kpi_that_does_not_exist_is_told(refreshed: tuple[SmallPortfolio, dict[str, Any]], arguments: tuple[str, ...]) -> None:
    portfolio, _ = refreshed
    done = run(*arguments, "-p", portfolio.root)
    assert done.returncode == 2, done.stdout
    assert "Traceback" not in done.stderr


def test_status_names_the_stale_plant_and_why(refreshed: tuple[SmallPortfolio, dict[str, Any]]) -> None:
    portfolio, _ = refreshed
    done = run("status", "-p", portfolio.root, "--json")
    states = {row["plant_id"]: (row["status"], row["failed_exports"]) for row in json.loads(done.stdout)}
    assert done.returncode == 1
    assert states["b"] == ("STALE", 1)
    assert states["a"][0] != "STALE"
    assert "b: " in run("status", "-p", portfolio.root).stdout


def test_doctor_says_what_to_do(refreshed: tuple[SmallPortfolio, dict[str, Any]]) -> None:
    portfolio, _ = refreshed
    findings = {finding["check"]: finding for finding in json.loads(run("doctor", "-p", portfolio.root, "--json").stdout)}
    assert findings["plant files"]["good"]
    assert findings["snapshot"]["good"]
    assert not findings["exports"]["good"]
    assert findings["exports"]["fix"]


# --- plant check, and requests that cannot be met -----------------------------------------------------------------------------------


def test_plant_check_tells_all_problems_with_file_and_line(portfolio: SmallPortfolio) -> None:
    portfolio.good("a").plant("b", {**plant_file("b"), "timezone": "Europe/Berln"})
    done = run("plant", "check", "-p", portfolio.root)
    assert done.returncode == 1
    assert "b · plants/b.yaml:4" in done.stderr
    assert "Closest: Europe/Berlin" in done.stderr
    assert "1 of 2 plant files are good; 1 problem(s)." in done.stderr
    (found,) = json.loads(run("plant", "check", "-p", portfolio.root, "--json").stdout)
    assert (found["where"], found["closest"]) == ("b · plants/b.yaml:4", "Europe/Berlin")
    assert run("plant", "check", "a", "-p", portfolio.root).returncode == 0


def test_the_schema_is_json() -> None:
    assert json.loads(run("plant", "schema").stdout)["$defs"]["Source"]
    assert json.loads(run("plant", "schema", "--portfolio-file").stdout)["properties"]["currency"]


@pytest.mark.parametrize(
    "arguments",
    [
        ("refresh",),
        ("status",),
        ("kpi",),
        ("sql", "SELECT 1"),
        ("plant", "check"),
        ("fly",),
        ("refresh", "--fast"),
        ("refresh", "-p", "nowhere"),
    ],
)
def test_a_request_that_cannot_be_met_ends_with_2_and_no_traceback(tmp_path: Path, arguments: tuple[str, ...]) -> None:
    done = run(*arguments, cwd=tmp_path)
    assert done.returncode == 2
    assert done.stderr
    assert "Traceback" not in done.stderr


def test_a_broken_portfolio_file_ends_with_2(portfolio: SmallPortfolio) -> None:
    portfolio.good("a")
    (portfolio.root / "portfolio.yaml").write_text("nme: Small\n")
    done = run("refresh", "-p", portfolio.root)
    assert done.returncode == 2
    assert "Closest: name" in done.stderr


def test_before_the_first_refresh_there_is_nothing_to_read(portfolio: SmallPortfolio) -> None:
    portfolio.good("a")
    for arguments in (("status",), ("kpi",), ("sql", "SELECT 1")):
        done = run(*arguments, "-p", portfolio.root)
        assert done.returncode == 2
        assert "refresh" in done.stderr
        assert "Traceback" not in done.stderr
    assert run("doctor", "-p", portfolio.root).returncode == 1
