"""The published tables in a file or a folder of their own, to be taken elsewhere: DuckDB, Parquet or Delta, with what every column means.

Here: writing them whole or not at all, and the data dictionary beside them. Elsewhere: what tables mean (`publish.dictionary`), views and
macros (`publish.snapshot`), the verb (`pipelines.cli_export`).

`duckdb` is one file that answers as the snapshot does: its tables are in it, `kpi_value` and the macros are over them. `parquet` and
`delta` hold every table as rows, `kpi_value` too, a file or a folder each.
"""

from __future__ import annotations

import csv
import shutil
from collections.abc import Callable, Collection, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from connectors.errors import PlantlakeError, Problem, closest, listed
from pipelines.lake import Lake
from pipelines.views import listed as texts
from pipelines.views import quoted
from publish import dictionary, snapshot

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

Format = Literal["duckdb", "parquet", "delta"]
Tell = Callable[[str], None]
BATCH = 100_000
MARK = "# Data dictionary of plantlake"
"""How the page begins that every exported folder has: what has it may be replaced by the next export."""
COLUMNS = ("table", "column", "type", "meaning", "unit", "source")


@dataclass(frozen=True, slots=True)
class Exported:
    """What was written."""

    tables: int
    rows: int
    size: int
    """Bytes."""


def write(lake: Lake, to: Path, form: Format, tell: Tell, tables: Collection[str] = (), periods: Collection[str] = ()) -> Exported:
    """Writes the tables of the snapshot (all, or these; of `kpi_value` all kinds of period, or these) to `to`, whole or not at all.

    Raises PlantlakeError where something else is there, a table does not exist, or there is no room.
    """
    import duckdb

    to = to.absolute()
    _may_write(lake, to, form)
    try:
        with _half(to) as part, closing(duckdb.connect(str(part) if form == "duckdb" else ":memory:")) as con:
            con.execute(f"SET TimeZone = 'UTC'; ATTACH {quoted(lake.snapshot)} AS published (READ_ONLY)")
            chosen = _chosen(con, tables)
            if form == "duckdb":
                rows = _one_file(con, chosen, tell)
            else:
                part.mkdir()
                rows = sum(_one_table(con, name, part, form, periods, tell, f"{n} of {len(chosen)}") for n, name in enumerate(chosen, 1))
                _dictionary(con, part, chosen)
    except (duckdb.IOException, duckdb.OutOfMemoryException, OSError) as error:
        fix = "make room, or name another place"
        problem = Problem(f"{to} was not written.", found=str(error)[:300], fix=fix, consequence="What was there before stands.")
        raise PlantlakeError(problem) from error
    files = [to] if to.is_file() else [path for path in to.rglob("*") if path.is_file()]
    return Exported(len(chosen), rows, sum(path.stat().st_size for path in files))


def _may_write(lake: Lake, to: Path, form: Format) -> None:
    """Nothing is replaced but an earlier export."""
    if to.resolve().is_relative_to(lake.root.resolve()):
        raise PlantlakeError(Problem("An export lies outside the lake.", found=str(to), fix="name another place"))
    if to.is_dir():
        page = to / "data_dictionary.md"
        is_mine = form != "duckdb" and (not any(to.iterdir()) or (page.is_file() and page.read_text(encoding="utf-8").startswith(MARK)))
    else:
        is_mine = not to.exists() or (form == "duckdb" and _is_snapshot(to))
    if not is_mine:
        raise PlantlakeError(
            Problem(f"{to} is there already and is no export of plantlake in {form}.", fix="name another place, or remove it")
        )


def _is_snapshot(path: Path) -> bool:
    import duckdb

    try:
        with duckdb.connect(str(path), read_only=True) as con:
            return bool(con.execute("SELECT 1 FROM duckdb_tables() WHERE table_name = 'kpi_definition'").fetchall())
    except duckdb.Error:
        return False


@contextmanager
def _half(to: Path) -> Iterator[Path]:
    """A place beside `to` that takes its place when the block ends well, and vanishes when it does not."""
    to.parent.mkdir(parents=True, exist_ok=True)
    part, before = to.with_name(f".{to.name}.part"), to.with_name(f".{to.name}.before")
    try:
        for left in (part, before):
            _remove(left)
        yield part
        if to.is_dir():
            to.rename(before)
        part.replace(to)
    finally:
        if before.exists() and not to.exists():
            before.rename(to)
        for left in (part, before, part.with_name(f"{part.name}.wal")):
            _remove(left)


def _remove(path: Path) -> None:
    shutil.rmtree(path) if path.is_dir() else path.unlink(missing_ok=True)


def _chosen(con: DuckDBPyConnection, wanted: Collection[str]) -> list[str]:
    views = "SELECT view_name FROM duckdb_views() WHERE database_name = 'published' AND schema_name = 'main' AND NOT internal ORDER BY 1"
    there = [name for (name,) in con.execute(views).fetchall()]
    if unknown := [name for name in wanted if name not in there]:
        near = closest(unknown[0], there)
        raise PlantlakeError(Problem(f"There is no published table '{unknown[0]}'.", found=listed(there, 60), closest=near))
    return [name for name in there if name in wanted] if wanted else there


def _one_file(con: DuckDBPyConnection, chosen: Collection[str], tell: Tell) -> int:
    """The tables in one database, with the views and macros over them and the comments of both."""
    rows = 0
    tables = [name for name in chosen if name not in snapshot.DERIVED]
    for number, name in enumerate(tables, 1):
        tell(f"{number} of {len(tables)}: {name}")
        con.execute(f"CREATE TABLE {name} AS SELECT * FROM published.{name}")
        rows += _number(con, f"SELECT count(*) FROM {name}")
    con.execute("DETACH published")
    snapshot.derive(con, tables)
    snapshot.comment(con)
    con.execute("CHECKPOINT")
    return rows


def _one_table(con: DuckDBPyConnection, name: str, part: Path, form: Format, periods: Collection[str], tell: Tell, place: str) -> int:
    """One table as a Parquet file, or as a Delta table."""
    tell(f"{place}: {name}")
    query = f"SELECT * FROM published.{name}"
    if name == "kpi_value" and periods:
        query += f" WHERE period_type IN ({texts(periods)})"
    if form == "parquet":
        return _number(con, f"COPY ({query}) TO {quoted(part / f'{name}.parquet')} (FORMAT parquet, COMPRESSION snappy)")
    from deltalake import DeltaTable, write_deltalake

    write_deltalake(part / name, con.sql(query).to_arrow_reader(BATCH), name=name, description=dictionary.told(name).about)
    return DeltaTable(part / name).count()


def _number(con: DuckDBPyConnection, question: str) -> int:
    return int(con.execute(question).fetchall()[0][0] or 0)


def _dictionary(con: DuckDBPyConnection, part: Path, chosen: Collection[str]) -> None:
    """`data_dictionary.csv` for programs, `data_dictionary.md` for people."""
    rows = [row for name in chosen for row in _rows(con, name)]
    with (part / "data_dictionary.csv").open("w", encoding="utf-8", newline="") as file:
        csv.writer(file, lineterminator="\n").writerows([COLUMNS, *rows])
    release = _number(con, "SELECT max(release_id) FROM published.release")
    lines = [MARK, "", f"Release {release}, exported {datetime.now(UTC):%Y-%m-%d %H:%M} UTC. Times are UTC; NULL is unknown."]
    for name in chosen:
        told = dictionary.told(name)
        lines += [
            "",
            f"## {name}",
            "",
            f"{told.about} Source: {told.source}.",
            "",
            "| column | type | meaning | unit |",
            "|---|---|---|---|",
        ]
        lines += [
            f"| `{column}` | {dtype} | {meaning.replace('|', chr(92) + '|')} | {unit} |"
            for of, column, dtype, meaning, unit, _ in rows
            if of == name
        ]
    (part / "data_dictionary.md").write_text("\n".join(lines) + "\n", encoding="utf-8")


def _rows(con: DuckDBPyConnection, table: str) -> Iterator[tuple[str, ...]]:
    told = dictionary.told(table)
    described = con.execute(f"SELECT column_name, column_type FROM (DESCRIBE SELECT * FROM published.{table})").fetchall()
    for column, dtype in described:
        yield table, column, dtype.lower(), told.columns.get(column, ""), dictionary.unit(table, column), told.source
