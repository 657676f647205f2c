"""The worked example of docs/add-a-plant.md is written out of the page, refreshed, and gives the numbers that the page works out by hand;
every question of docs/sql.md, and every `plantlake sql` of a page, is asked of its lake (docs/on-call.md has one of its own)."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from connectors import portfolio
from pipelines.lock import writer_lock
from pipelines.refresh import Refresh
from publish.reader import Snapshot

DOCS = Path(__file__).resolve().parents[2] / "docs"
ADD, SQL = ((DOCS / name).read_text(encoding="utf-8") for name in ("add-a-plant.md", "sql.md"))
FILES = dict(re.findall(r"^`([\w./-]+\.(?:csv|yaml))`\n\n```\w+\n(.*?)^```", ADD, re.DOTALL | re.MULTILINE))
QUESTIONS = [text for page in (ADD, SQL) for text in re.findall(r"^```sql\n(.*?)^```", page, re.DOTALL | re.MULTILINE)]
TYPED = [
    text
    for page in sorted(DOCS.glob("*.md"))
    if page.name != "on-call.md"
    for text in re.findall(r'plantlake sql "(select [^"]+)"', page.read_text(encoding="utf-8"))
]
NUMBERS = {kpi: float(value) for kpi, value in re.findall(r"^\| ([A-Z]+) \| [\d, /]+ \| (\d\.\d{6}) \|$", ADD, re.MULTILINE)}


def written(folder: Path) -> Path:
    """The portfolio of the page."""
    for name, content in FILES.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content, encoding="utf-8")
    return folder


@pytest.fixture(scope="module")
def refreshed(tmp_path_factory: pytest.TempPathFactory) -> Refresh:
    """The refresh of the example, without Dagster and quality checks."""
    job = Refresh(written(tmp_path_factory.mktemp("worked") / "portfolio"))
    with writer_lock(job.lake):
        job.run(job.plan(), quality=False)
    job.close()
    return job


@pytest.fixture(scope="module")
def lake(refreshed: Refresh) -> Snapshot:
    return Snapshot(refreshed.lake.snapshot)


def test_the_page_holds_a_whole_portfolio(tmp_path: Path) -> None:
    assert {Path(name).suffix for name in FILES} == {".csv", ".yaml"}
    assert portfolio.read(written(tmp_path)).problems == []


def test_the_refresh_says_what_the_page_says(refreshed: Refresh) -> None:
    outcome = refreshed.outcome
    assert outcome.problems == []
    assert f'"{outcome.accepted} records accepted, {outcome.rejected} rejected"' in ADD


def test_the_numbers_are_those_worked_out_by_hand(lake: Snapshot) -> None:
    found = lake.rows(
        """SELECT kpi_id, round(value, 6), status, grade, flags FROM kpi_value
        WHERE scope_type = 'PLANT' AND period_type = 'DAY' AND profile = 'ISO' AND list_contains(?, kpi_id)""",
        [list(NUMBERS)],
    )
    assert set(NUMBERS) == {"A", "E", "Q", "OEE", "OOE", "TEEP"}
    assert {kpi: value for kpi, value, *_ in found} == NUMBERS
    assert {tuple(rest[:2]) + tuple(rest[2]) for _, _, *rest in found} == {("OK", "A")}  # nothing assumed, nothing flagged


def test_the_line_that_ends_before_it_starts_waits_in_quarantine(lake: Snapshot) -> None:
    (row,) = lake.rows(next(text for text in QUESTIONS if "raw_row" in text))
    assert row[:3] == ("mes/states_20261119.csv", 6, "NEG_DURATION")
    assert "19.11.2026 12:58:00" in row[4]


@pytest.mark.parametrize("question", [*QUESTIONS, *TYPED], ids=range(len(QUESTIONS) + len(TYPED)))
def test_every_question_has_an_answer(lake: Snapshot, question: str) -> None:
    assert lake.query(question).columns


def test_everything_in_the_lake_has_its_line_and_every_line_its_place(refreshed: Refresh) -> None:
    """'Where things are' in operations.md and a lake that was refreshed: both ways. Dagster, checks and alerts did not run here."""
    page = (DOCS / "operations.md").read_text(encoding="utf-8").partition("| path in the lake |")[2].partition("\n\n")[0]
    named = [path for line in page.splitlines() for path in re.findall(r"`([^`]+)`", line.split(" | ")[0])]
    lake = refreshed.lake.root
    missing = [path for path in named if not list(lake.glob(re.sub(r"<\w+>", "*", path)))]
    assert sorted(missing) == ["alerts.sqlite", "logs/refresh-<refresh>.log", "quality"]
    inside = [path for folder in (lake, lake / "bronze", lake / "gold") for path in folder.iterdir() if path.name not in ("bronze", "gold")]
    inside = [path.relative_to(lake).as_posix() for path in inside if not path.name.startswith(("ledger.sqlite-", "dbt", "build.duckdb."))]
    assert sorted(path for path in inside if not any(name == path or name.startswith(f"{path}/") for name in named)) == []


def test_the_shortest_quotient_is_the_published_one(lake: Snapshot) -> None:
    (row,) = lake.rows(next(text for text in QUESTIONS if "AS oee\n" in text))
    assert round(float(row[1]), 6) == NUMBERS["OEE"]


def test_every_published_column_is_named(lake: Snapshot) -> None:
    columns = lake.rows(
        "SELECT table_name, column_name FROM duckdb_columns() WHERE NOT internal AND column_name NOT LIKE '\\_%' ESCAPE '\\'"
        " AND schema_name = 'main' AND table_name NOT LIKE 'mart_kpi_unit%'"  # columns of these follow from the catalogue
    )
    described = {name: section(name) for name, _ in columns}
    assert len(described) == 32
    assert sorted((table, column) for table, column in columns if f"`{column}`" not in described[table]) == []


def section(table: str) -> str:
    """What docs/sql.md says of a table: its line, or the block of its columns."""
    block = SQL.partition(f"### {table}\n")[2].partition("\n###")[0]
    return block or next(line for line in SQL.splitlines() if line.startswith(f"| `{table}` |"))


def test_the_error_block_is_what_a_refresh_says(tmp_path: Path) -> None:
    (block,) = re.findall(r"^```\n(acme-tulsa · .*?)^```", ADD, re.DOTALL | re.MULTILINE)
    (wrong,) = re.findall(r"`(source_reason_code: \w+)` in the plant file, the refresh would say", ADD)
    root = written(tmp_path)
    file = root / "plants/acme-tulsa.yaml"
    file.write_text(file.read_text(encoding="utf-8").replace("source_reason_code: Reason", wrong), encoding="utf-8")
    job = Refresh(root)
    with writer_lock(job.lake):
        todo = job.plan()
        job.land(todo)
        job.load(todo)
    job.close()
    assert [str(problem) for problem in job.outcome.problems] == [block.rstrip("\n")]
