"""A lake of format 1 is read as it is, migrated by the next refresh, and from then on refused by an older plantlake."""

from __future__ import annotations

import json
import shutil
from contextlib import closing
from pathlib import Path

import polars as pl
import pytest
from deltalake import DeltaTable, write_deltalake
from small_portfolio import SmallPortfolio, plant_file

from connectors.errors import ConfigError
from pipelines import lake as lakes
from pipelines import migrate, rebuild, silver
from pipelines.lake import FORMAT_VERSION, Lake
from pipelines.refresh import Refresh

ORDERS = "Order;Unit;Item;Planned"


@pytest.fixture
def old(portfolio: SmallPortfolio) -> SmallPortfolio:
    """A portfolio whose lake has format 1: made by today's refresh, then laid out as it was: no journal, no partitions."""
    about = plant_file("a")
    columns = {"order": "Order", "material": "Item"}
    about["sources"]["orders"] = {
        "kind": "delimited", "path": "orders_*.csv", "options": {"delimiter": ";", "encoding": "utf-8"},
        "tables": {"production_order": {"columns": columns}},
    }  # fmt: skip
    portfolio.good("a", "b").plant("a", about)
    portfolio.file("a", "orders_1.csv", "O1;M1;4711;100", "O2;M1;4711;50", header=ORDERS)
    assert portfolio.load().problems == []
    lake = lake_of(portfolio)
    for table, dropped in (("production_day", ["month"]), ("production_order", [])):
        rows = silver.read(lake, table).collect().drop(dropped, strict=False)
        assert len(rows) > 0
        shutil.rmtree(lake.table(table))
        write_deltalake(lake.table(table), rows, configuration=silver._CONFIGURATION)
    shutil.rmtree(lake.journal)
    lake.format_file.write_text('{"version": 1, "created": "2026-01-01T00:00:00+00:00"}\n')
    return portfolio


def lake_of(portfolio: SmallPortfolio) -> Lake:
    return Lake(portfolio.root / "lake")


def layout(lake: Lake) -> dict[str, list[str]]:
    return {table: DeltaTable(lake.table(table)).metadata().partition_columns for table in ("production_day", "production_order")}


def rows(lake: Lake) -> list[pl.DataFrame]:
    frames = [silver.read(lake, table).collect() for table in ("production_day", "production_order")]
    return [frame.sort(pl.all().exclude(pl.List)) for frame in frames]


def test_a_lake_of_format_1_is_migrated_with_a_message(old: SmallPortfolio) -> None:
    lake = lake_of(old)
    before, orders = old.ledger(), silver.read(lake, "production_order").collect()
    assert lake.version == 1
    assert migrate.is_needed(lake)
    told: list[str] = []
    assert migrate.migrate(lake, told.append) == [2]
    assert told == ["The lake's format changes from 1 to 2; an older plantlake cannot write it afterwards."]
    assert layout(lake) == {"production_day": ["plant_id", "month"], "production_order": ["plant_id"]}
    assert silver.read(lake, "production_order").collect().sort("order_id").equals(orders.sort("order_id"))
    days = silver.read(lake, "production_day").select("month", pl.col("start_ts").dt.strftime("%Y-%m").alias("said")).collect()
    assert days["month"].equals(days["said"], check_names=False)
    assert json.loads(lake.format_file.read_text()) == {"version": 2, "created": "2026-01-01T00:00:00+00:00"}
    for path in lake.root.glob("ledger.sqlite*"):  # what the old ledger knew is in the journal now
        path.unlink()
    assert old.ledger().equals(before)
    assert migrate.migrate(lake, told.append) == []
    assert len(told) == 1


def test_the_next_refresh_of_a_migrated_lake_changes_nothing(old: SmallPortfolio) -> None:
    migrate.migrate(lake_of(old))
    assert not old.plans()
    assert old.load().changed == {}


class Killed(BaseException):
    """A process that ends here."""


def killed(*_: object, **__: object) -> None:
    raise Killed


@pytest.mark.parametrize(
    ("module", "name"),
    [(rebuild, "write_base"), (silver, "repartition"), (Lake, "write_format")],
    ids=["before the journal", "before the tables", "before the format file"],
)
def test_a_migration_that_was_killed_is_done_by_the_next_one(
    old: SmallPortfolio, monkeypatch: pytest.MonkeyPatch, module: object, name: str
) -> None:
    lake, before = lake_of(old), old.ledger()
    with monkeypatch.context() as patch, pytest.raises(Killed):
        patch.setattr(module, name, killed)
        migrate.migrate(lake)
    assert lake.version == 1
    assert migrate.migrate(lake) == [2]
    undisturbed = rows(lake)
    assert [len(frame) for frame in undisturbed] == [12, 2]  # two plants x (two days and two on each side); two orders
    rebuild.rebuild(lake)
    assert old.ledger().equals(before)


def test_a_migration_killed_between_two_tables_is_done_by_the_next_one(old: SmallPortfolio, monkeypatch: pytest.MonkeyPatch) -> None:
    lake = lake_of(old)
    repartition = silver.repartition

    def first_only(where: Lake, table: str) -> bool:
        if table != "production_day":
            raise Killed
        return repartition(where, table)

    with monkeypatch.context() as patch, pytest.raises(Killed):
        patch.setattr(silver, "repartition", first_only)
        migrate.migrate(lake)
    assert layout(lake) == {"production_day": ["plant_id", "month"], "production_order": []}
    assert migrate.migrate(lake) == [2]
    assert layout(lake)["production_order"] == ["plant_id"]


def test_readers_work_before_the_migration(old: SmallPortfolio) -> None:
    """Opening an older lake writes nothing; the ledger and silver's orders are read as they are."""
    before = lake_of(old).format_file.read_bytes()
    job = Refresh(old.root)
    with closing(job):
        assert not job.ledger.frame().is_empty()
    assert silver.read(lake_of(old), "production_order", ["a"]).collect().height == 2
    assert lake_of(old).create().version == 1
    assert lake_of(old).format_file.read_bytes() == before


def test_an_older_plantlake_refuses_a_migrated_lake(old: SmallPortfolio, monkeypatch: pytest.MonkeyPatch) -> None:
    migrate.migrate(lake_of(old))
    monkeypatch.setattr(lakes, "FORMAT_VERSION", 1)
    with pytest.raises(ConfigError, match="format 2; this plantlake knows formats up to 1") as refused:
        lake_of(old)
    assert "upgrade plantlake" in str(refused.value)


def test_a_lake_of_a_newer_format_is_refused_with_what_to_do(tmp_path: Path) -> None:
    lake = Lake(tmp_path / "lake").create()
    lake.write_format(FORMAT_VERSION + 1)
    with pytest.raises(ConfigError, match="upgrade plantlake to the version that wrote the lake"):
        Lake(tmp_path / "lake")


@pytest.mark.parametrize("text", ["", "{}", '{"version": "two"}', "\x00"])
def test_a_format_file_that_says_nothing_is_told(tmp_path: Path, text: str) -> None:
    Lake(tmp_path / "lake").create().format_file.write_text(text)
    with pytest.raises(ConfigError, match="does not say which format") as told:
        Lake(tmp_path / "lake")
    assert f'{{"version": {FORMAT_VERSION}}}' in str(told.value)


def test_a_new_lake_has_todays_format(tmp_path: Path) -> None:
    lake = Lake(tmp_path / "lake")
    assert not lake.format_file.exists()
    assert lake.create().version == FORMAT_VERSION
    assert not migrate.is_needed(lake)


def test_there_is_a_step_from_every_format_to_the_next() -> None:
    assert sorted(migrate.STEPS) == list(range(1, FORMAT_VERSION))
