"""`plantlake explain`: from a value down to the lines that `explained_portfolio.py` wrote. The numbers are worked out there."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import pytest
from explained_portfolio import COUNTS_1, COUNTS_2, STOPS_1, STOPS_2, explained
from small_portfolio import SmallPortfolio
from typer.testing import CliRunner

from dbt_project.catalogue import catalogue
from pipelines import cli, state
from pipelines.lake import Lake
from pipelines.lock import writer_lock
from publish.made_of import MADE_OF
from publish.reader import Snapshot

runner = CliRunner()


@pytest.fixture(scope="module")
def lake(tmp_path_factory: pytest.TempPathFactory) -> SmallPortfolio:
    return explained(SmallPortfolio(tmp_path_factory.mktemp("explain") / "portfolio"))


def asked(lake: SmallPortfolio, *words: str) -> dict[str, Any]:
    done = runner.invoke(cli.app, ["explain", *words, "-p", str(lake.root), "--json"])
    assert done.exit_code == 0, done.output or done.exception
    return dict(json.loads(done.output))


def refused(lake: SmallPortfolio, *words: str) -> str:
    return str(runner.invoke(cli.app, ["explain", *words, "-p", str(lake.root)]).exception)


@pytest.fixture(scope="module")
def day(lake: SmallPortfolio) -> dict[str, Any]:
    return asked(lake, "OEE", "--plant", "mill", "--period", "2025-06-02", "--limit", "0")


def sha256_of(lake: SmallPortfolio, name: str) -> str:
    return hashlib.sha256((lake.root / "landing" / "mill" / name).read_bytes()).hexdigest()


# --- from the value to the sums -------------------------------------------------------------------------------------------------------


def test_the_value_its_parts_and_its_time(day: dict[str, Any]) -> None:
    assert day["value"]["value"] == pytest.approx(170 * 120 / 28_800)
    assert (day["definition"]["formula"], day["definition"]["columns"]) == ("A x E x Q = sum(PRI x GQ) / PBT", ["ideal_gq_s", "pbt_s"])
    assert day["parts"]["sums"] == {"ideal_gq_s": 20_400, "pbt_s": 28_800}
    assert [(unit["name"], unit["columns"]["ideal_gq_s"]) for unit in day["parts"]["units"]] == [("M1", 20_400)]
    assert {row["time_class"]: row["seconds"] / 60 for row in day["time"]} == {"APT": 440, "ADET_EQ": 40, "NOT_SCHEDULED": 960}
    assert (day["excluded"]["not_scheduled_minutes"], day["excluded"]["unknown_minutes"]) == (960, 0)


@pytest.mark.parametrize(
    ("kpi", "period"),
    [("OEE", "2025-06"), ("OEE", "2025-W23"), ("TEEP", "2025-Q2"), ("QC", "2025-06"), ("ALLOC_EFF", "2025-06"), ("OEE_CAP", "2025-Q2")],
)
def test_every_sum_agrees_whatever_is_asked(lake: SmallPortfolio, kpi: str, period: str) -> None:
    answer = asked(lake, kpi, "--plant", "mill", "--period", period)
    assert answer["checks"]
    assert [check for check in answer["checks"] if not check["holds"]] == []


def test_a_shift_and_a_unit_have_values_of_their_own(lake: SmallPortfolio) -> None:
    answer = asked(lake, "A", "--plant", "The mill", "--unit", "m1", "--period", "2025-06-02", "--shift", "F")
    assert (answer["value"]["scope_type"], answer["value"]["shift_code"]) == ("EQUIPMENT", "F")
    assert answer["value"]["value"] == pytest.approx(26_400 / 28_800)
    assert sum(row["seconds"] for row in answer["time"]) == 28_800


# --- from the sums to the lines -------------------------------------------------------------------------------------------------------


def test_a_count_is_followed_to_its_line(lake: SmallPortfolio, day: dict[str, Any]) -> None:
    (first,) = (row for row in day["counts"]["rows"] if row["gq"] == 100)
    record = first["record"]
    assert record["original"] == {"place": "line 2", "text": COUNTS_1[1], "is_verbatim": True}
    assert (record["export"]["name"], record["row_number"], record["revision"]) == ("counts_20250603.csv", 1, 1)
    assert record["export"]["sha256"] == sha256_of(lake, "counts_20250603.csv")
    assert record["mapping"]["where"] == "plants/mill.yaml → sources.erp.tables.production_count"
    assert record["mapping"]["is_current"] is True


def test_a_line_is_numbered_as_in_the_file_although_titles_and_blank_lines_are_no_records(day: dict[str, Any]) -> None:
    (last,) = (row for row in day["segments"]["rows"] if row["duration_s"] == 260 * 60)
    assert last["record"]["row_number"] == 3
    assert (last["record"]["original"]["place"], last["record"]["original"]["text"]) == ("line 7", STOPS_1[6])


def test_a_stop_that_was_told_again_comes_from_the_export_that_won(day: dict[str, Any]) -> None:
    stops = [row for row in day["segments"]["rows"] if row["time_class"] == "ADET_EQ"]
    assert sum(row["duration_s"] for row in stops) == 2_400
    record = stops[0]["record"]
    assert (record["revision"], record["export"]["name"], record["original"]["text"]) == (2, "stops_20250604.csv", STOPS_2[1])
    assert [(was["revision"], was["file"], was["row_number"]) for was in record["earlier"]] == [(1, "stops_20250603.csv", 2)]


def test_a_reversal_stands_with_what_it_reverses_though_it_was_booked_a_day_later(day: dict[str, Any]) -> None:
    by_good = {row["gq"]: row for row in day["counts"]["rows"]}
    assert set(by_good) == {100, 80, -80, 70}
    reversal, reversed_ = by_good[-80], by_good[80]
    assert reversal["record"]["original"]["text"] == COUNTS_2[1]
    assert reversal["record"]["corrects"] == [reversed_["count_id"]]
    assert [one["original"]["text"] for one in reversal["chain"]] == [COUNTS_1[2]]
    assert [one["original"]["text"] for one in reversed_["chain"]] == [COUNTS_2[1]]


def test_the_ideal_rate_is_named(day: dict[str, Any]) -> None:
    (rate,) = day["ideal_rates"]
    assert (rate["says"]["pri_s"], rate["says"]["provenance"]) == (120, "sheet 7")
    assert rate["original"]["why"] == "vocabularies/ideal_rates.csv states it, no export does"


def test_parts_of_days_are_followed_too_and_names_of_persons_stay_hidden(lake: SmallPortfolio) -> None:
    answer = asked(lake, "WORKER_EFF", "--plant", "mill", "--period", "2025-06")
    assert answer["value"]["value"] == pytest.approx(0.75)
    (row,) = answer["records"]["rows"]
    assert (row["table_name"], row["amount"], row["further"]) == ("labour_time", 28_800, 21_600)
    assert json.loads(row["record"]["original"]["text"]) == {
        "Who": "(hidden)", "Unit": "M1", "From": "2025-06-02 06:00", "To": "2025-06-02 14:00", "Worked h": "6",
    }  # fmt: skip
    assert "Jane" not in json.dumps(answer)
    assert all(check["holds"] for check in answer["checks"])


# --- how far down ---------------------------------------------------------------------------------------------------------------------


def test_a_limit_lists_the_largest_and_says_of_how_many(lake: SmallPortfolio) -> None:
    answer = asked(lake, "OEE", "--plant", "mill", "--period", "2025-06", "--limit", "1")
    assert [len(answer[rows]["rows"]) for rows in ("parts", "segments", "counts")] == [1, 1, 1]
    assert (answer["counts"]["of"], answer["counts"]["rows"][0]["gq"]) == (5, 100)
    assert answer["segments"]["rows"][0]["time_class"] == "UNKNOWN"


def test_segments_of_one_class(lake: SmallPortfolio) -> None:
    answer = asked(lake, "OEE", "--plant", "mill", "--period", "2025-06-02", "--time", "apt")
    assert [row["duration_s"] for row in answer["segments"]["rows"]] == [260 * 60, 180 * 60]


def test_unknown_time_has_no_event_and_says_so(lake: SmallPortfolio) -> None:
    done = runner.invoke(cli.app, ["explain", "A", "--plant", "mill", "--period", "2025-06-03", "-p", str(lake.root)])
    assert "Unknown inside PBT: 180.0." in done.output
    assert "no event owns it: nothing is logged" in done.output


def test_the_terminal_tells_what_json_tells(lake: SmallPortfolio) -> None:
    lines = runner.invoke(
        cli.app, ["explain", "OEE", "--plant", "mill", "--period", "2025-06-02", "-p", str(lake.root)]
    ).output.splitlines()
    assert lines[0] == "OEE of mill, day of 2025-06-02: 70.8 %"
    assert f"     | {COUNTS_1[1]}" in lines
    assert f"     sha256 {sha256_of(lake, 'counts_20250603.csv')}" in lines
    assert lines[-1] == "Every sum agrees: 4 comparisons from the value down to the ledgers."


# --- when there is no answer ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("OEEE", "--plant", "mill", "--period", "2025-06"), "Closest: OEE"),
        (("OEE", "--plant", "mil", "--period", "2025-06"), "Closest: mill"),
        (("OEE", "--plant", "mill", "--unit", "M2", "--period", "2025-06"), "no machine, line or area 'M2'.\nFound: M1"),
        (("OEE", "--plant", "mill", "--period", "2025-07"), "begin on: 2025-06-01"),
        (("OEE", "--plant", "mill", "--period", "2025"), "--period 2025-Q1"),
        (("OEE", "--plant", "mill", "--period", "2025-06", "--shift", "F"), "--shift F --period 2025-06-01"),
        (("OEE", "--plant", "mill", "--period", "2025-06-02", "--shift", "N"), "shifts of the day: F"),
        (("OEE", "--plant", "mill", "--period", "2025-06", "--time", "ADET"), "ADET_EQ"),
    ],
)
def test_what_is_not_there_is_said_with_what_is(lake: SmallPortfolio, words: tuple[str, ...], said: str) -> None:
    assert said in refused(lake, *words)


def test_a_value_that_is_not_computable_says_why_and_what_to_map(lake: SmallPortfolio) -> None:
    done = runner.invoke(cli.app, ["explain", "OEE", "--plant", "bare", "--period", "2025-06", "-p", str(lake.root)])
    assert "OEE of bare, month of 2025-06-01: not computable" in done.output
    assert "What helps: vocabularies/ideal_rates.csv" in done.output
    assert "in neither side: it books no pieces in the month." in done.output


# --- beside a refresh -----------------------------------------------------------------------------------------------------------------


def test_it_answers_while_a_refresh_holds_the_lake_and_its_database(lake: SmallPortfolio, day: dict[str, Any]) -> None:
    held = Lake(lake.root / "lake")
    with writer_lock(held), state.connection(held) as con:
        con.execute("BEGIN; DELETE FROM int.int_time_segment; DELETE FROM int.int_count_ledger")
        meanwhile = asked(lake, "OEE", "--plant", "mill", "--period", "2025-06-02", "--limit", "0")
        con.execute("ROLLBACK")
    assert meanwhile == day


def test_it_writes_nothing_into_the_lake(lake: SmallPortfolio) -> None:
    def files() -> dict[Path, int]:
        return {path: path.stat().st_mtime_ns for path in (lake.root / "lake").rglob("*") if path.is_file()}

    before = files()
    asked(lake, "OEE", "--plant", "mill", "--period", "2025-06")
    assert files() == before


def test_a_refresh_publishes_the_ledgers_of_the_months_that_it_built(lake: SmallPortfolio, tmp_path: Path) -> None:
    copy = lake.copy(tmp_path / "portfolio")
    trail = Lake(copy.root / "lake").published_trail
    before = {path.name: path.parent.name for path in (trail / "count_ledger").rglob("*.parquet")}
    copy.bytes("mill", "counts_20250605.csv", "".join(f"{line}\n" for line in (COUNTS_1[0], "M1;2025-06-02 12:00;D6;;5;pcs")).encode())
    copy.refresh()
    after = {path.name: path.parent.name for path in (trail / "count_ledger").rglob("*.parquet")}
    assert {plant for name, plant in after.items() if name not in before} == {"plant_id=mill"}
    with Snapshot(Lake(copy.root / "lake").snapshot) as reader:
        assert reader.rows("select sum(gq) from count_ledger where plant_id = 'mill' and month = '2025-06'") == [(185,)]
    assert asked(copy, "OEE", "--plant", "mill", "--period", "2025-06-02")["value"]["numerator"] == 175 * 120


def test_it_says_so_when_sums_do_not_agree(lake: SmallPortfolio, tmp_path: Path) -> None:
    """A ledger that lost a row, as nobody should ever see it."""
    import duckdb

    copy = lake.copy(tmp_path / "portfolio")
    with duckdb.connect(str(Lake(copy.root / "lake").snapshot)) as con:
        (sql,) = con.sql("select sql from duckdb_views() where view_name = 'count_ledger'").fetchall()[0]
        con.execute(sql.replace("CREATE VIEW", "CREATE OR REPLACE VIEW").rstrip(";") + " WHERE gq <> 70")
    done = runner.invoke(cli.app, ["explain", "OEE", "--plant", "mill", "--period", "2025-06-02", "-p", str(copy.root)])
    assert "DOES NOT AGREE: ideal_gq_s of the parts = sum of its records: 20,400 there, 12,000 here." in done.output


def test_every_column_of_a_kpi_says_what_it_is_made_of() -> None:
    assert {column for kpi in catalogue() for column in kpi.columns()} - set(MADE_OF) == set()
