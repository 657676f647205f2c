"""The mirror in PostgreSQL, asked as BI tools ask: psql, a server-side cursor, reflection. The server is real.

The portfolio is that of `three_releases.py`: OEE of plant a in June is 190 of 240 good hours' worth, 79.2 %.
"""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import duckdb
import psycopg
import pytest
import sqlalchemy as sa
import yaml
from postgres_server import PROGRAMS, Server, free_port
from small_portfolio import SmallPortfolio, plant_file, without_plants
from three_releases import three_releases
from typer.testing import CliRunner

from connectors import portfolio as portfolios
from connectors.errors import Problem
from connectors.publishing import Postgres, Publish
from dbt_project import catalogue
from pipelines import cli, outlets
from pipelines.lake import Lake
from publish import mirror

pytest.importorskip("adbc_driver_postgresql")
Made = Callable[..., Path]
HOSTILE = ("=cmd|' /C calc'!A0", '<script>alert("1")</script>', "مصنع الرياض", "東京工場; DROP SCHEMA plantlake", "x" * 200)
PAGE = (Path(__file__).resolve().parents[2] / "docs" / "bi.md").read_text(encoding="utf-8")
OEE = "SELECT value FROM plantlake.kpi_value WHERE kpi_id = 'OEE' AND profile = 'ISO' AND scope_id = 'a' AND period_type = 'MONTH'"
SUMMED = "SELECT sum(numerator) / sum(denominator) FROM plantlake.kpi_plant_day WHERE kpi_id = 'OEE' AND profile = 'ISO' AND plant_id = 'a'"


@dataclass
class Mirrored:
    """A lake, and the server that mirrors it."""

    server: Server
    lake: Path

    def settings(self, **other: Any) -> Postgres:
        usual = {"host": "127.0.0.1", "port": self.server.port, "database": "postgres", "user": "publisher", "password": {"env": "PG"}}
        return Postgres.model_validate(usual | {"reader": "bi readers"} | other)

    def write(self, tell: Callable[[str], None] = lambda _: None, **other: Any) -> Any:
        found = portfolios.read(self.lake)
        publish = Publish(postgres=self.settings(**other))
        given = outlets.Given(Lake(found.lake), replace(found, file=found.file.model_copy(update={"publish": publish})), tell)
        return outlets.write(outlets.OUTLETS[[outlet.name for outlet in outlets.OUTLETS].index("postgres")], given)

    def again(self, tell: Callable[[str], None] = lambda _: None, **other: Any) -> Any:
        """As if another release had been published."""
        self.server.sql("COMMENT ON SCHEMA plantlake IS 'plantlake an-older-release'")
        return self.write(tell, **other)

    def published(self, question: str) -> list[tuple[Any, ...]]:
        with duckdb.connect(str(self.lake / "lake" / "kpi.duckdb"), read_only=True) as con:
            con.execute("SET TimeZone = 'UTC'")
            return con.sql(question).fetchall()

    def asked(self, question: str, user: str = "analyst") -> list[tuple[Any, ...]]:
        with psycopg.connect(self.address(user)) as con:
            return con.execute(question).fetchall()  # type: ignore[arg-type]

    def address(self, user: str = "analyst") -> str:
        return f"host=127.0.0.1 port={self.server.port} dbname=postgres user={user} password={user}"

    def schemas(self) -> list[str]:
        return [name for (name,) in self.server.sql("SELECT nspname FROM pg_namespace WHERE nspname LIKE 'plantlake%' ORDER BY 1")]


@pytest.fixture(scope="module")
def server(postgres: Server) -> Server:
    """Nobody but the owner is a superuser: `publisher` may make schemas and roles, `analyst` may log in."""
    for role in ("publisher", "analyst", "stranger"):
        postgres.sql(f"CREATE ROLE {role} LOGIN PASSWORD '{role}'")
    postgres.sql(
        "ALTER ROLE publisher CREATEROLE", "GRANT CREATE ON DATABASE postgres TO publisher", "GRANT pg_signal_backend TO publisher"
    )
    return postgres


@pytest.fixture
def bi(server: Server, made_once: Made, monkeypatch: pytest.MonkeyPatch) -> Iterator[Mirrored]:
    """Two plants after three releases, mirrored; the analyst belongs to the reader's role."""
    monkeypatch.setenv("PG", "publisher")
    found = Mirrored(server, made_once("three_releases", three_releases))
    done = found.write()
    assert not isinstance(done, Problem), str(done)
    server.sql('GRANT "bi readers" TO analyst')
    yield found
    server.sql("DROP SCHEMA IF EXISTS own CASCADE", "DROP SCHEMA IF EXISTS empty, hostile CASCADE")


def test_every_value_is_that_of_the_snapshot(bi: Mirrored) -> None:
    columns = "kpi_id, profile, scope_type, scope_id, period_type, period_start, value, value_low, value_high, numerator, denominator, coverage, grade"
    order = "ORDER BY kpi_id, profile, scope_type, scope_id, period_type, period_start"
    here = bi.asked(f"SELECT {columns}, flags, as_of_ts FROM plantlake.kpi_value {order}")
    there = bi.published(f"SELECT {columns}, array_to_string(flags, ','), as_of_ts FROM kpi_value WHERE period_type <> 'SHIFT' {order}")
    assert len(here) == len(there) > 1000
    assert here == there  # to the bit: both are doubles


def test_columns_and_numbers_are_worked_out_by_hand(bi: Mirrored) -> None:
    assert [round(row[0], 4) for row in bi.asked(f"{OEE} ORDER BY period_start")] == [0.7917]  # 190 / 240
    assert bi.asked("SELECT sum(gq)::int FROM plantlake.mart_kpi_parts_shift WHERE plant_id = 'a'") == [(190,)]  # 90 + 80 + 20, once
    assert bi.asked("SELECT plant_id, status FROM plantlake.plant_status ORDER BY 1") == [("a", "OK"), ("b", "OK")]
    names = "SELECT column_name FROM information_schema.columns WHERE table_schema = 'plantlake' AND table_name = 'kpi_value' ORDER BY ordinal_position"
    assert bi.asked(names) == bi.published("SELECT column_name FROM (DESCRIBE kpi_value)")


def test_sums_of_days_divided_last_are_the_month_of_every_additive_kpi(bi: Mirrored) -> None:
    """A mean of a's two days would be the same here; of both sides the sums are, wherever the days differ."""
    wrong = bi.asked("""
        SELECT v.kpi_id, v.profile, v.scope_id, v.value, d.value
        FROM plantlake.kpi_value AS v
        JOIN (SELECT kpi_id, profile, plant_id, sum(numerator) / nullif(sum(denominator), 0) AS value FROM plantlake.kpi_plant_day GROUP BY 1, 2, 3) AS d
          ON d.kpi_id = v.kpi_id AND d.profile = v.profile AND d.plant_id = v.scope_id
        WHERE v.scope_type = 'PLANT' AND v.period_type = 'MONTH' AND v.value IS NOT NULL AND abs(v.value - d.value) > 1e-9""")
    assert wrong == []
    additive = {f"{kpi.kpi_id} {kpi.profile}" for kpi in catalogue.catalogue() if kpi.is_additive}
    assert {"OEE ISO", "OEE TPM", "MTBF ISO"} < additive
    assert not {"NEE ISO", "MTBF_FE1 ISO", "OEE_CAP ISO", "RTY ISO", "CPK ISO"} & additive  # products, + 1, quotients, spreads
    assert bi.asked("SELECT count(*) FROM plantlake.kpi_definition WHERE is_additive") == [(len(additive),)]


def psql(bi: Mirrored, command: str, user: str = "analyst") -> subprocess.CompletedProcess[str]:
    program = PROGRAMS / "psql" if PROGRAMS else Path("psql")
    words = [str(program), "-X", "-A", "-h", "127.0.0.1", "-p", str(bi.server.port), "-U", user, "-d", "postgres", "-c", command]
    return subprocess.run(words, capture_output=True, text=True, check=False, env={"PGPASSWORD": user, "PATH": os.environ["PATH"]})


def test_psql_lists_describes_and_answers(bi: Mirrored) -> None:
    listed = psql(bi, r"\dt plantlake.*").stdout
    assert {"kpi_value", "plant_status", "quality_results", "mart_kpi_parts_shift", "release"} <= set(listed.replace("|", "\n").split("\n"))
    described = psql(bi, r"\d+ plantlake.kpi_value").stdout
    assert "product of the shares that are known" in described
    assert "PRIMARY KEY, btree (kpi_id, profile, scope_type, scope_id, period_type, period_start)" in described
    assert round(float(psql(bi, SUMMED).stdout.splitlines()[1]), 4) == 0.7917


def test_a_bi_client_reflects_tables_and_fetches_in_pieces(bi: Mirrored) -> None:
    engine = sa.create_engine("postgresql+psycopg://", creator=lambda: psycopg.connect(bi.address()))
    tables = sa.MetaData(schema="plantlake")
    tables.reflect(engine, views=True)
    value = tables.tables["plantlake.kpi_value"]
    assert [column.name for column in value.primary_key] == ["kpi_id", "profile", "scope_type", "scope_id", "period_type", "period_start"]
    assert {type(value.c[name].type).__name__ for name in ("value", "period_start", "as_of_ts", "flags")} == {
        "DOUBLE_PRECISION",
        "DATE",
        "TIMESTAMP",
        "TEXT",
    }
    assert value.c.grade.comment == "A to D (specification 4.2)"
    silent = [f"{t.name}.{c.name}" for t in tables.tables.values() if t.name not in mirror.VIEWS for c in t.c if not c.comment]
    assert silent == [] and all(table.comment for table in tables.tables.values())
    engine.dispose()
    with psycopg.connect(bi.address()) as con, con.cursor("bi") as cursor:
        cursor.itersize = 100
        cursor.execute("SELECT kpi_id, value FROM plantlake.kpi_value")
        assert sum(1 for _ in cursor) == bi.asked("SELECT count(*) FROM plantlake.kpi_value")[0][0]


@pytest.mark.parametrize(
    "attempt",
    [
        "UPDATE plantlake.kpi_value SET value = 1", "DELETE FROM plantlake.plant", "DROP TABLE plantlake.release", "TRUNCATE plantlake.release",
        "CREATE TABLE plantlake.mine (x int)", "ALTER TABLE plantlake.plant ADD x int", 'SET ROLE publisher',
    ],
)  # fmt: skip
def test_a_reader_only_reads(bi: Mirrored, attempt: str) -> None:
    with psycopg.connect(bi.address()) as con, pytest.raises(psycopg.errors.InsufficientPrivilege):
        con.execute(attempt)  # type: ignore[arg-type]
    with psycopg.connect(bi.address("stranger")) as con, pytest.raises(psycopg.errors.InsufficientPrivilege):
        con.execute(OEE)  # type: ignore[arg-type]


def test_a_release_that_is_there_is_not_written_again(bi: Mirrored) -> None:
    tables = "SELECT oid FROM pg_class WHERE relnamespace = 'plantlake'::regnamespace ORDER BY oid"
    before = bi.server.sql(tables)
    assert bi.write()["written"] == "it holds this release already"
    assert bi.server.sql(tables) == before
    assert bi.again()["rows"] > 1000
    assert bi.server.sql(tables) != before
    assert round(bi.asked(OEE)[0][0], 4) == 0.7917  # the reader's rights are those of every swap


def test_an_open_report_reads_on_and_leaves_nothing_behind(bi: Mirrored, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mirror, "LOCK_S", 1)
    rows = bi.asked("SELECT count(*) FROM plantlake.kpi_value")[0][0]
    with psycopg.connect(bi.address()) as con, con.cursor("report") as cursor:
        cursor.itersize = 10
        cursor.execute("SELECT value FROM plantlake.kpi_value")
        first = cursor.fetchmany(10)
        done = bi.again()
        assert done["left behind"][0].startswith("a query that still reads plantlake_old_")
        assert len(first) + sum(1 for _ in cursor) == rows
    bi.again()
    assert bi.schemas() == ["plantlake"]


def test_views_of_others_follow_or_are_named(bi: Mirrored) -> None:
    """The publisher's own view is carried over; the analyst's, which it may not replace, goes on showing the old and is named."""
    bi.server.sql(
        "CREATE SCHEMA own", "GRANT ALL ON SCHEMA own TO publisher, analyst", "SET ROLE publisher", f"CREATE VIEW own.follows AS {OEE}",
        "SET ROLE analyst", f"CREATE VIEW own.stays AS {OEE}",
    )  # fmt: skip
    assert bi.again()["left behind"] == ["own.stays"]
    reads = "SELECT pg_get_viewdef('own.{}'::regclass)"
    assert "FROM plantlake.kpi_value" in bi.server.sql(reads.format("follows"))[0][0]
    assert "FROM plantlake_old_" in bi.server.sql(reads.format("stays"))[0][0]
    bi.server.sql("DROP VIEW own.stays")
    assert "left behind" not in bi.again()
    assert bi.schemas() == ["plantlake"]


def test_killed_in_the_middle_the_old_stands(bi: Mirrored) -> None:
    """The process itself is killed while tables are half loaded."""
    bi.server.sql("COMMENT ON SCHEMA plantlake IS 'plantlake an-older-release'")
    (bi.lake.parent / "killed.py").write_text(f"""
import os, signal
from dataclasses import replace
from pathlib import Path
from connectors import portfolio
from connectors.publishing import Postgres, Publish
from pipelines.lake import Lake
from publish import mirror
found = portfolio.read(Path({str(bi.lake)!r}))
publish = Publish(postgres=Postgres.model_validate({bi.settings().model_dump(by_alias=True, exclude_none=True)!r}))
def tell(what):
    if what.endswith("mart_kpi_parts_reason"):
        os.kill(os.getpid(), signal.SIGKILL)
mirror.write(Lake(found.lake), replace(found, file=found.file.model_copy(update={{"publish": publish}})), tell)
""")
    killed = subprocess.run(
        [sys.executable, str(bi.lake.parent / "killed.py")], check=False, capture_output=True, env={**os.environ, "PG": "publisher"}
    )
    assert killed.returncode == -signal.SIGKILL, killed.stderr.decode()
    assert bi.schemas() == ["plantlake", "plantlake_next"]
    assert round(bi.asked(OEE)[0][0], 4) == 0.7917
    assert bi.write()["rows"] > 1000
    assert bi.schemas() == ["plantlake"]


def test_a_line_that_breaks_is_one_problem_and_the_old_stands(bi: Mirrored) -> None:
    def cut(what: str) -> None:
        if what.endswith("mart_kpi_parts_reason"):
            bi.server.sql("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'publisher'")

    problem = bi.again(cut)
    assert isinstance(problem, Problem)
    assert (problem.message, problem.actor) == ("The connection to the mirror's database broke.", "retry")
    assert round(bi.asked(OEE)[0][0], 4) == 0.7917
    assert bi.write()["rows"] > 1000


def test_what_is_wrong_is_told_with_what_to_do(bi: Mirrored, monkeypatch: pytest.MonkeyPatch) -> None:
    def told(**other: Any) -> tuple[str, str]:
        problem = bi.write(**other)
        assert isinstance(problem, Problem)
        assert "not-the-password" not in str(problem)
        return problem.message, str(problem.fix)

    assert told(port=free_port())[0] == "The database of the mirror cannot be reached."
    assert told(database="nothere") == ("There is no such database for the mirror.", "portfolio.yaml → publish.postgres.database")
    assert told(host="no-such-host.invalid")[0] == "The host of the mirror is not known."
    assert told(password={"env": "PG_NONE"})[0] == "The secret 'env: PG_NONE' cannot be had."
    monkeypatch.setenv("PG_WRONG", "not-the-password")
    refused = "The database of the mirror refuses the user or the password."
    assert told(password={"env": "PG_WRONG"}) == (refused, "portfolio.yaml → publish.postgres.user, .password, .sslmode")
    monkeypatch.setenv("PG_STRANGER", "stranger")
    stranger = {"user": "stranger", "password": {"env": "PG_STRANGER"}, "schema": "elsewhere"}
    assert told(**stranger) == (
        "The user may not write the mirror.",
        'as an administrator: GRANT CREATE ON DATABASE "postgres" TO "stranger"',
    )
    bi.server.sql("GRANT CREATE ON DATABASE postgres TO stranger")
    assert told(**stranger, reader='no"body')[1].startswith('as an administrator: CREATE ROLE "no""body" NOLOGIN')
    bi.server.sql("CREATE SCHEMA own", "CREATE TABLE own.ledger (x int)", "GRANT ALL ON SCHEMA own TO publisher")
    assert told(schema="own")[0] == "The schema 'own' holds tables that plantlake did not write."
    assert bi.server.sql("SELECT count(*) FROM own.ledger") == [(0,)]
    with psycopg.connect(bi.address("owner")) as con:
        con.execute("SELECT pg_advisory_lock(hashtext('plantlake plantlake'))")
        assert told()[0] == "Another plantlake is writing this mirror."
    monkeypatch.setitem(sys.modules, "adbc_driver_postgresql", None)
    assert told() == ("The driver of the mirror is not installed.", "pip install 'plantlake[mirror]'")


def test_a_server_that_says_nothing_is_not_waited_for(bi: Mirrored, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mirror, "CONNECT_S", 2)
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        problem = bi.write(port=silent.getsockname()[1])
    assert isinstance(problem, Problem) and problem.message == "The database of the mirror cannot be reached."


def test_what_docs_bi_says_runs(bi: Mirrored, monkeypatch: pytest.MonkeyPatch) -> None:
    """The first question gives OEE of both plants in June: 190 and 180 of 240 hours' worth, of a unit that is known on both days."""
    questions = re.findall(r"^```sql\n(.*?)^```", PAGE, re.DOTALL | re.MULTILINE)
    oee, meanings = (bi.asked(question) for question in questions)
    assert [(plant, f"{month}", round(value, 4), float(known)) for plant, month, value, known in oee] == [
        ("a", "2025-06-01", 0.7917, 1.0), ("b", "2025-06-01", 0.75, 1.0),
    ]  # fmt: skip
    assert meanings[0] == ("kpi_id", "text", "KPI (kpi_definition)")
    (program,) = re.findall(r"^```python\n(.*?)^```", PAGE, re.DOTALL | re.MULTILINE)
    monkeypatch.setenv("PLANTLAKE_BI", bi.address())
    names: dict[str, Any] = {}
    exec(program, names)
    assert {plant: round(value, 4) for plant, value in names["oee"].items()} == {"a": 0.7917, "b": 0.75}
    (keys,) = re.findall(r"^```yaml\n(.*?)^```", PAGE, re.DOTALL | re.MULTILINE)
    assert Publish.model_validate(yaml.safe_load(keys)["publish"]).postgres is not None
    tables = re.findall(r"`(\w+)`", PAGE.partition("| tables | for |")[2].partition("\n\n")[0])
    assert [name for name in tables if name not in {*mirror.TABLES, *mirror.VIEWS, "plant_id", "equipment_id", "kpi_id", "profile", "reason_code",
                                                   "scope_type", "period_type"}] == []  # fmt: skip


def test_names_of_any_kind_and_a_portfolio_without_data(bi: Mirrored, made_once: Made, tmp_path: Path) -> None:
    portfolio = SmallPortfolio(tmp_path / "hostile").good(*"abcde")
    for plant, name in zip("abcde", HOSTILE, strict=True):
        portfolio.plant(plant, plant_file(plant) | {"name": name, "company": f"{name}\0"})
    portfolio.refresh()
    hostile = Mirrored(bi.server, portfolio.root)
    assert hostile.write(schema="hostile")["rows"] > 1000
    named = bi.asked("SELECT plant_name, company FROM hostile.plant ORDER BY plant_id")
    assert named == [(name, name) for name in HOSTILE]

    done = Mirrored(bi.server, made_once("without_plants", without_plants)).write(schema="empty")
    assert not isinstance(done, Problem), str(done)
    assert bi.asked("SELECT count(*) FROM empty.plant_status") == [(0,)]


def test_the_verb_and_the_key_of_portfolio_yaml(bi: Mirrored, tmp_path: Path) -> None:
    portfolio = SmallPortfolio(bi.lake).copy(tmp_path / "portfolio")
    file = portfolio.root / "portfolio.yaml"
    postgres = (
        f"{{host: 127.0.0.1, port: {bi.server.port}, database: postgres, user: publisher, password: {{env: PG}}, reader: bi readers}}"
    )

    def said(*words: str) -> tuple[int, str]:
        done = CliRunner().invoke(cli.app, ["publish", *words, "-p", str(portfolio.root)])
        return done.exit_code, done.output + str(done.exception or "")

    assert "The portfolio has no mirror in PostgreSQL." in said("postgres")[1]
    file.write_text(f"name: Small\npublish:\n  postgres: {postgres}\n")
    assert "postgres" in {outlet.name for outlet in outlets.wanted(portfolios.read(portfolio.root))}
    assert said("postgres") == (0, f"postgres: postgresql://127.0.0.1:{bi.server.port}/postgres, schema plantlake\n")
    file.write_text(f"name: Small\npublish:\n  postgres: {postgres.replace('{env: PG}', 'hunter2')}\n")
    code, output = said("postgres")
    assert code != 0 and "stands in the open" in output and "hunter2" not in output
