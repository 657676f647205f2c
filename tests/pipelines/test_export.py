"""`plantlake export`: what is taken elsewhere answers there as the snapshot does here (numbers: `three_releases.py`)."""

from __future__ import annotations

import csv
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb
import polars as pl
import pytest
from deltalake import DeltaTable
from small_portfolio import SmallPortfolio, without_plants
from three_releases import three_releases
from typer.testing import CliRunner

from pipelines import cli
from pipelines.lake import Lake
from publish import dictionary, export

Made = Callable[..., Path]
VALUES = "SELECT * FROM kpi_value ORDER BY kpi_id, profile, scope_type, scope_id, period_type, period_start, shift_code"
OEE = "kpi_id = 'OEE' AND profile = 'ISO' AND scope_id = 'a' AND period_type = 'MONTH'"


@pytest.fixture(scope="module")
def lake(made_once: Made) -> Path:
    return made_once("three_releases", three_releases) / "lake"


def said(lake: Path, *words: str) -> tuple[int, str]:
    done = CliRunner().invoke(cli.app, ["export", *words, "-p", str(lake.parent)])
    return done.exit_code, " ".join((done.output + str(done.exception or "")).split())


def asked(path: Path, question: str) -> list[tuple[Any, ...]]:
    with duckdb.connect(str(path), read_only=True) as con:
        con.execute("SET TimeZone = 'UTC'")
        return con.sql(question).fetchall()


def test_a_file_answers_when_the_lake_is_gone(lake: Path, tmp_path: Path) -> None:
    """It is moved, and everything that the snapshot points to is removed."""
    portfolio = SmallPortfolio(lake.parent).copy(tmp_path / "portfolio")
    here = [asked(lake / "kpi.duckdb", question) for question in (VALUES, "SELECT * FROM kpi_restated(1) ORDER BY ALL")]
    code, output = said(portfolio.root / "lake", str(tmp_path / "out" / "kpis.duckdb"))
    assert code == 0 and output.startswith(f"{tmp_path}/out/kpis.duckdb: ") and output.endswith(" MB.")
    (tmp_path / "away").mkdir()
    moved = shutil.move(tmp_path / "out" / "kpis.duckdb", tmp_path / "away" / "kpis.duckdb")
    shutil.rmtree(portfolio.root)
    assert list((tmp_path / "out").iterdir()) == []
    assert [asked(moved, question) for question in (VALUES, "SELECT * FROM kpi_restated(1) ORDER BY ALL")] == here
    of_june = "SELECT round(value, 4) FROM {} WHERE " + OEE
    assert asked(moved, of_june.format("kpi_value")) == [(0.7917,)]  # 190 of 240 hours' worth
    assert asked(moved, of_june.format("kpi_value_as_of(1)")) == [(0.75,)]  # 180 of 240 as release 1 told it
    assert asked(moved, "SELECT count(*) FROM duckdb_views() WHERE NOT internal AND sql LIKE '%read_parquet%'") == [(0,)]
    assert asked(moved, "SELECT sum(seconds) > 0 FROM loss_waterfall('PLANT', 'MONTH', DATE '2025-06-01')") == [(True,)]
    silent = "SELECT table_name, column_name FROM duckdb_columns() WHERE NOT internal AND coalesce(comment, '') = ''"
    assert asked(moved, silent) == []


@pytest.mark.parametrize("form", ["parquet", "delta"])
def test_a_folder_holds_every_table_as_rows_with_their_dictionary(lake: Path, tmp_path: Path, form: str) -> None:
    to = tmp_path / "contract"
    assert said(lake, str(to), "--format", form)[0] == 0
    tables = [
        name for (name,) in asked(lake / "kpi.duckdb", "SELECT view_name FROM duckdb_views() WHERE schema_name = 'main' AND NOT internal")
    ]

    def read(name: str) -> pl.DataFrame:
        return pl.read_parquet(to / f"{name}.parquet") if form == "parquet" else pl.DataFrame(DeltaTable(to / name).to_pyarrow_table())

    for name in tables:
        assert read(name).height == asked(lake / "kpi.duckdb", f"SELECT count(*) FROM {name}")[0][0], name
    june = read("kpi_value").filter(pl.col("period_type") == "MONTH", kpi_id="OEE", profile="ISO", scope_id="a")
    assert june["value"].round(4).to_list() == [0.7917]
    with (to / "data_dictionary.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert {row["table"] for row in rows} == set(tables)
    assert [row for row in rows if not row["meaning"] or not row["source"]] == []
    (pbt,) = (row for row in rows if (row["table"], row["column"]) == ("mart_kpi_parts_shift", "pbt_s"))
    assert (pbt["type"], pbt["unit"], pbt["source"]) == ("decimal(18,6)", "s", "dbt model mart_kpi_parts_shift")
    page = (to / "data_dictionary.md").read_text(encoding="utf-8")
    assert [name for name in tables if f"\n## {name}\n" not in page or dictionary.told(name).about not in page] == []


def test_some_tables_and_kinds_of_period(lake: Path, tmp_path: Path) -> None:
    to = tmp_path / "months"
    assert said(lake, str(to), "--table", "kpi_value", "--table", "plant", "--period", "month")[0] == 0
    assert sorted(path.name for path in to.iterdir()) == ["data_dictionary.csv", "data_dictionary.md", "kpi_value.parquet", "plant.parquet"]
    assert pl.read_parquet(to / "kpi_value.parquet")["period_type"].unique().to_list() == ["MONTH"]


def test_an_earlier_export_is_replaced_and_nothing_else(lake: Path, tmp_path: Path) -> None:
    file, folder = tmp_path / "kpis.duckdb", tmp_path / "contract"
    for to in (file, folder):
        assert said(lake, str(to), *(["--table", "plant"] if to is folder else []))[0] == 0
        (folder / "of an older version").touch() if to is folder else None
        assert said(lake, str(to), *(["--table", "release"] if to is folder else []))[0] == 0
    assert sorted(path.name for path in folder.iterdir()) == ["data_dictionary.csv", "data_dictionary.md", "release.parquet"]
    letters = tmp_path / "letters"
    letters.mkdir()
    (letters / "dear.txt").write_text("Dear")
    text = tmp_path / "text.duckdb"
    text.write_text("no database")
    for to in (letters, text):
        code, output = said(lake, str(to))
        assert code != 0 and "is there already and is no export" in output
    assert ((letters / "dear.txt").read_text(), text.read_text()) == ("Dear", "no database")
    assert "An export lies outside the lake." in said(lake, str(lake / "kpi.duckdb"))[1]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["contract", "kpis.duckdb", "letters", "text.duckdb"]


@pytest.mark.parametrize("form", ["duckdb", "parquet", "delta"])
def test_what_ends_half_way_leaves_the_earlier_export(lake: Path, tmp_path: Path, form: Any) -> None:
    to = tmp_path / "out"
    export.write(Lake(lake), to, form, lambda _: None)
    before = {path: path.stat().st_mtime_ns for path in [to, *to.rglob("*")]}

    def stop(what: str) -> None:
        if what.endswith("plant_status"):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        export.write(Lake(lake), to, form, stop)
    assert {path: path.stat().st_mtime_ns for path in [to, *to.rglob("*")]} == before
    assert list(tmp_path.iterdir()) == [to]


def test_words_that_mean_nothing_are_told(lake: Path, tmp_path: Path) -> None:
    to = str(tmp_path / "out")
    assert "There is no format 'parket'. Found: duckdb, parquet, delta Closest: parquet" in said(lake, to, "--format", "parket")[1]
    assert "Closest: kpi_value" in said(lake, to, "--table", "kpi_values")[1]
    assert "There is no kind of period 'YEAR'." in said(lake, to, "--period", "year")[1]
    assert "holds every table" in said(lake, f"{to}.duckdb", "--period", "month")[1]
    assert list(tmp_path.iterdir()) == []


def test_a_portfolio_without_data_can_be_exported(made_once: Made, tmp_path: Path) -> None:
    nothing = made_once("without_plants", without_plants)
    for form in ("duckdb", "parquet", "delta"):
        assert said(nothing / "lake", str(tmp_path / form), "--format", form)[0] == 0
    assert asked(tmp_path / "duckdb", "SELECT count(*) FROM kpi_value") == [(0,)]
