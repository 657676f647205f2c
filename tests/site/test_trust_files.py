"""What the site says of data health: small tables in, marks and files out. Elsewhere: how the page draws them (`test_trust_page`).

plant   read  waits   stop time / named    failing checks    open drift   what is to be seen
good    1000      5        100 h / 95 h    0 of 2                         everything is OK
weak    1000     20        100 h / 80 h    1 warning         1, loaded    data ends 3 days earlier: five times WATCH
lost    1000     60        100 h / 40 h    1 blocking        1, kept out  10 records too few, 8 days behind: bad throughout
new        -      -               -        -                              nothing was delivered: UNKNOWN, never OK
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import polars as pl
import pytest

from connectors.models import PortfolioFile
from connectors.portfolio import Portfolio
from connectors.vocabularies import Vocabularies
from dbt_project.catalogue import published
from pipelines.drift_store import DRIFT
from pipelines.lake import Lake
from publish.reader import Snapshot
from publish.site import trust
from publish.snapshot import STATUS
from publish.tables import EXPLAINED, FLAGGED
from quality_checks import docs
from quality_checks.measuring import PROFILE
from quality_checks.runner import RESULTS
from quality_checks.store import Store

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)
HOSTILE = "<script>alert(1)</script> =cmd|' /C calc'!A0 \u202eמפעל 工場 " + "x" * 200
LEDGER = {
    "plant_id": pl.String, "source_system": pl.String, "name": pl.String, "export_state": pl.String, "export_error": pl.String,
    "sha256": pl.String, "first_seen_at": pl.Datetime("us", "UTC"), "data_to": pl.Datetime("us", "UTC"), "table_name": pl.String,
    "table_state": pl.String, "table_error": pl.String, "records_read": pl.Int64, "accepted": pl.Int64, "rejected": pl.Int64,
    "duplicate": pl.Int64, "filtered": pl.Int64, "rows_written": pl.Int64, "committed_at": pl.Datetime("us", "UTC"),
}  # fmt: skip
QUARANTINE = {
    "plant_id": pl.String, "source_system": pl.String, "source_object": pl.String, "table_name": pl.String, "row_number": pl.Int64,
    "rule": pl.String, "detail": pl.String, "rejected_at": pl.Datetime("us", "UTC"), "resolved_at": pl.Datetime("us", "UTC"),
}  # fmt: skip
STOPS = {
    "plant_id": pl.String, "source_system": pl.String, "source_reason_code": pl.String, "reason_code": pl.String, "seconds": pl.Float64,
    "stops": pl.Int64, "valid_to_release": pl.Int64,
}  # fmt: skip
CLOCKS = {
    "plant_id": pl.String,
    "source_system": pl.String,
    "day": pl.Date,
    "offset_s": pl.Float64,
    "pairs": pl.Int64,
    "is_applied": pl.Boolean,
}
SCHEMAS: dict[str, dict[str, Any]] = {
    "plant_status": STATUS, "export_ledger": LEDGER, "quarantine": QUARANTINE, "mart_kpi_parts_reason": STOPS, "drift": DRIFT,
    "quality_results": RESULTS, "clock_offset": CLOCKS,
}  # fmt: skip
Tables = dict[str, list[dict[str, Any]]]


def status(plant: str, days_behind: float | None = 0, **rest: Any) -> dict[str, Any]:
    told = "NO_DATA" if days_behind is None else "OK"
    data_to = None if days_behind is None else NOON - timedelta(days=days_behind)
    return {"plant_id": plant, "status": told, "data_to": data_to, "failed_exports": 0, **rest}


def account(plant: str, read: int, accepted: int, rejected: int, duplicate: int = 0, **rest: Any) -> dict[str, Any]:
    export = {"name": "a.csv", "sha256": "1", "export_state": "LANDED", "table_state": "COMMITTED", "first_seen_at": NOON}
    return {
        "plant_id": plant, "source_system": "mes", "table_name": "production_count", "records_read": read, "accepted": accepted,
        "rejected": rejected, "duplicate": duplicate, "filtered": 0, "rows_written": accepted, "committed_at": NOON, **export, **rest,
    }  # fmt: skip


def rejected(plant: str, count: int, rule: str = "NOT_A_NUMBER", **rest: Any) -> list[dict[str, Any]]:
    at = {"source_system": "mes", "table_name": "production_count", "source_object": "a.csv", "detail": rule, "rejected_at": NOON}
    return [{"plant_id": plant, "rule": rule, "row_number": row, **at, **rest} for row in range(1, count + 1)]


def stopped(plant: str, hours: float, code: str, reason: str) -> dict[str, Any]:
    return {
        "plant_id": plant,
        "source_system": "mes",
        "source_reason_code": code,
        "reason_code": reason,
        "seconds": hours * 3600,
        "stops": 10,
    }


def judged(plant: str, status: str, severity: str = "warning", refresh: str = "2", check: str = "c") -> dict[str, Any]:
    return {
        "refresh_id": refresh, "checked_at": NOON, "plant_id": plant, "table_name": "order", "check_name": check, "rung": "logical",
        "severity": severity, "status": status, "measure": "share", "observed": 0.3, "limit_high": 0.1, "rows": 10, "reason": "why",
    }  # fmt: skip


def changed(plant: str, number: int, state: str = "OPEN", *, loaded: bool = True) -> dict[str, Any]:
    return {
        "finding_id": number, "plant_id": plant, "source_system": "mes", "message": f"change {number}", "state": state, "is_loaded": loaded,
        "found_at": NOON, "refresh_id": "1", "exports": 1,
    }  # fmt: skip


FOUR: Tables = {
    "plant_status": [status("good"), status("weak", 3), status("lost", 8), status("new", None)],
    "export_ledger": [account("good", 1000, 900, 5, 95), account("weak", 1000, 980, 20), account("lost", 1000, 930, 60)],
    "quarantine": [*rejected("good", 5), *rejected("weak", 20), *rejected("lost", 60)],
    "mart_kpi_parts_reason": [
        stopped("good", 95, "1", "E-MECH"), stopped("good", 5, "9", "U-UNC"), stopped("weak", 80, "1", "E-MECH"),
        stopped("weak", 20, "~", "U-UNC"), stopped("lost", 40, "1", "E-MECH"), stopped("lost", 60, HOSTILE, "U-UNC"),
    ],
    "drift": [changed("weak", 1), changed("lost", 2, loaded=False), changed("good", 3, "ACCEPTED")],
    "quality_results": [
        judged("good", "PASS"), judged("good", "PASS", check="d"), judged("weak", "FAIL"), judged("lost", "FAIL", "blocking"),
        judged("good", "FAIL", "blocking", refresh="1"),
    ],
}  # fmt: skip


def lake_with(folder: Path, tables: Tables) -> Lake:
    """A lake whose snapshot has these tables, and no others."""
    lake = Lake(folder / "lake")
    lake.root.mkdir(parents=True)
    lake.metrics.write_text(json.dumps({**published(), "targets": []}), encoding="utf-8")
    con = duckdb.connect(str(lake.snapshot))
    con.execute("SET TimeZone = 'UTC'")
    for name, schema in SCHEMAS.items():
        if name in tables:
            rows = [{column: row.get(column) for column in schema} for row in tables[name]]
            con.register("given", pl.DataFrame(rows, schema=schema, orient="row").to_arrow())
            con.execute(f"CREATE TABLE {name} AS SELECT * FROM given")
            con.unregister("given")
    con.close()
    return lake


class Written:
    """The files of one release of the site."""

    def __init__(self, folder: Path, tables: Tables) -> None:
        lake = lake_with(folder, tables)
        self.folder = folder / "release"
        portfolio = Portfolio(folder, PortfolioFile(name="Small"), {}, {}, Vocabularies({}, []))
        with Snapshot(lake.snapshot) as reader:
            trust.write(reader, lake, portfolio, self.folder, lambda _: None)

    def json(self, name: str) -> Any:
        return json.loads((self.folder / name).read_text(encoding="utf-8"))

    def rows(self, name: str) -> list[dict[str, Any]]:
        return pl.read_parquet(self.folder / "trust" / f"{name}.parquet").to_dicts()


@pytest.fixture(scope="module")
def four(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Written]:
    yield Written(tmp_path_factory.mktemp("four"), FOUR)


def test_every_aspect_of_a_plant_has_a_mark_and_the_worst_plant_is_first(four: Written) -> None:
    marks = {row["plant_id"]: {aspect: row[aspect] for aspect in trust.ASPECTS} for row in four.rows("health")}
    assert marks == {
        "lost": dict.fromkeys(trust.ASPECTS, "BAD"),  # 8 days behind, 1000 - 930 - 60 = 10 unaccounted, 6 % wait, 40 % named
        "weak": {**dict.fromkeys(trust.ASPECTS, "WATCH"), "complete": "OK"},  # 3 days behind, 980 + 20 = 1000, 2 % wait, 80 % named
        "good": dict.fromkeys(trust.ASPECTS, "OK"),  # 900 + 5 + 95 = 1000, 0.5 % wait, 95 % named
        "new": dict.fromkeys(trust.ASPECTS, "UNKNOWN"),
    }
    assert [(row["plant_id"], row["trouble"]) for row in four.rows("health")] == [("lost", 600), ("weak", 5), ("good", 0), ("new", 0)]


def test_what_is_unknown_stays_unknown_in_the_numbers_too(four: Written) -> None:
    new = four.rows("health")[-1]
    assert [new[name] for name in ("data_to", "behind_s", "read_rows", "stop_s", "named_s", "known_s")] == [None] * 6


def test_records_read_are_accounted_for_by_source_and_table(four: Written) -> None:
    told = {
        row["plant_id"]: (row["records_read"], row["duplicate"], row["unaccounted"], row["rows_written"]) for row in four.rows("ledger")
    }
    assert told == {"good": (1000, 95, 0, 900), "lost": (1000, 0, 10, 930), "weak": (1000, 0, 0, 980)}


def test_too_few_and_too_many_records_do_not_make_up_for_each_other(tmp_path: Path) -> None:
    accounts = [account("p", 10, 8, 0, sha256="1"), account("p", 10, 12, 0, sha256="2")]
    health = Written(tmp_path, {"plant_status": [status("p")], "export_ledger": accounts}).rows("health")[0]
    assert (health["unaccounted"], health["complete"]) == (4, "BAD")


def test_rejects_are_counted_by_rule_with_one_to_look_at(tmp_path: Path) -> None:
    later = NOON + timedelta(hours=1)
    rows = [
        *rejected("p", 2), *rejected("p", 1, rejected_at=later, source_object="b.csv", detail=HOSTILE), *rejected("p", 1, "MISSING"),
        *rejected("p", 7, resolved_at=later),
    ]  # fmt: skip
    found = Written(tmp_path, {"plant_status": [status("p")], "quarantine": rows}).rows("rejects")
    assert [(row["rule"], row["rows"], row["exports"]) for row in found] == [("NOT_A_NUMBER", 3, 2), ("MISSING", 1, 1)]
    first = found[0]
    assert (first["first_seen"], first["last_seen"]) == ("2026-11-20T12:00:00Z", "2026-11-20T13:00:00Z")
    assert (first["example_export"], first["example_row"], first["example_detail"]) == ("b.csv", 1, HOSTILE)


def test_stop_time_waits_for_a_name_by_code_and_without_one(four: Written) -> None:
    told = [(row["plant_id"], row["code"], row["seconds"] / 3600, row["state"]) for row in four.rows("codes")]
    assert told == [("lost", HOSTILE, 60, "unmapped"), ("weak", None, 20, "uncoded"), ("good", "9", 5, "unmapped")]


def test_a_check_counts_as_it_was_judged_last(four: Written) -> None:
    """`good` failed in the first refresh and passes in the second."""
    assert [(row["plant_id"], row["severity"]) for row in four.rows("checks")] == [("lost", "blocking"), ("weak", "warning")]


def test_open_changes_come_before_settled_ones(four: Written) -> None:
    assert [(row["finding_id"], row["state"]) for row in four.rows("drift")] == [(2, "OPEN"), (1, "OPEN"), (3, "ACCEPTED")]


def test_only_the_newest_version_of_an_export_can_have_failed(tmp_path: Path) -> None:
    failed = {"export_state": "FAILED", "table_name": None, "table_state": None, "export_error": "not a CSV"}
    accounts = [
        account("p", 0, 0, 0, name="mended.csv", first_seen_at=NOON - timedelta(days=1), **failed), account("p", 5, 5, 0, name="mended.csv"),
        account("p", 0, 0, 0, name="broken.csv", **failed), account("p", 0, 0, 0, name="gone.csv", **{**failed, "export_state": "GONE"}),
        account("p", 0, 0, 0, name="half.csv", table_state="FAILED", table_error="no such column"),
    ]  # fmt: skip
    found = Written(tmp_path, {"plant_status": [status("p", failed_exports=2)], "export_ledger": accounts})
    assert [(row["name"], row["error"]) for row in found.rows("failed")] == [("broken.csv", "not a CSV"), ("half.csv", "no such column")]
    assert found.rows("health")[0]["complete"] == "BAD"


def test_clocks_are_told_from_a_minute_on(tmp_path: Path) -> None:
    rows = [
        {"plant_id": "p", "source_system": source, "day": date(2026, 11, day), "offset_s": offset, "pairs": 3, "is_applied": True}
        for source, day, offset in (("fast", 1, -90.0), ("fast", 2, -30.0), ("right", 1, 59.0))
    ]
    found = Written(tmp_path, {"plant_status": [status("p")], "clock_offset": rows}).rows("clock_offset")
    assert [(row["source_system"], row["offset_s"], row["largest_s"], row["days"], row["last_day"]) for row in found] == [
        ("fast", -30, 90, 2, "2026-11-02")
    ]


def test_a_stale_plant_is_bad_however_new_its_data_is(tmp_path: Path) -> None:
    row = status("p") | {"status": "STALE", "stale_since": NOON, "stale_reason": HOSTILE}
    assert Written(tmp_path, {"plant_status": [row]}).rows("health")[0]["fresh"] == "BAD"


def test_hostile_names_are_kept_as_they_are(tmp_path: Path) -> None:
    tables = {"plant_status": [status(HOSTILE)], "export_ledger": [account(HOSTILE, 1, 1, 0, source_system=HOSTILE)]}
    found = Written(tmp_path, tables)
    assert [(row["plant_id"], row["source_system"]) for row in found.rows("ledger")] == [(HOSTILE, HOSTILE)]
    assert found.rows("health")[0]["plant_id"] == HOSTILE


def test_an_empty_portfolio_has_no_files_and_says_so(tmp_path: Path) -> None:
    found = Written(tmp_path, {name: [] for name in SCHEMAS})
    told = found.json("trust.json")
    assert (told["files"], told["releases"], told["quality"], told["month"]) == ([], [], None, None)
    assert not (found.folder / "trust").exists()


def test_the_handbook_lists_every_kpi_once_and_every_word_is_explained(four: Written) -> None:
    kpis = published()["kpis"]
    listed = [kpi for ids in four.json("handbook.json")["groups"].values() for kpi in ids]
    assert sorted(listed) == sorted(kpi["id"] for kpi in kpis)
    words = {word for kpi in kpis for word in (*kpi["flags"], *kpi["why_missing"])}
    assert sorted(words - {*EXPLAINED, *FLAGGED}) == []


def test_the_newest_quality_pages_come_along_and_their_list_names_no_other(tmp_path: Path) -> None:
    lake = lake_with(tmp_path, {"plant_status": [status("good")]})
    store = Store(lake.quality)
    for number in range(trust.PAGES + 2):
        refresh = f"2026112{number}T060000Z"
        results = pl.DataFrame([judged("good", "FAIL", refresh=refresh)], schema=RESULTS, orient="row")
        store.save(refresh, pl.DataFrame(schema=PROFILE), results)
        docs.write(store, refresh)
    newest = trust.pages(lake, tmp_path / "release")
    assert newest == f"quality/2026112{trust.PAGES + 1}T060000Z/index.html"
    listed = re.findall(r'href="([^"]+)"', (tmp_path / "release/quality/index.html").read_text(encoding="utf-8"))
    assert listed == [f"2026112{number}T060000Z/index.html" for number in range(trust.PAGES + 1, 1, -1)]
    assert [link for link in listed if not (tmp_path / "release/quality" / link).is_file()] == []


def test_releases_come_with_their_causes_the_biggest_first(tmp_path: Path) -> None:
    lake = lake_with(tmp_path, {"plant_status": [status("a")]})
    with duckdb.connect(str(lake.snapshot)) as con:
        con.execute(
            "CREATE TABLE release AS SELECT i AS release_id, TIMESTAMPTZ '2026-11-20 12:00:00Z' AS released_at, 'REFRESH' AS kind, 'v' AS calc_version,"
            " 1 AS exports, 10 AS unit_days, 4 AS parts_changed, 0 AS parts_closed, NULL AS note, NULL::TIMESTAMPTZ AS watermark"
            f" FROM range(1, {trust.RELEASES + 2}) t(i)"
        )
        newest = trust.RELEASES + 1
        con.execute(
            "CREATE TABLE release_cause (release_id BIGINT, plant_id VARCHAR, cause VARCHAR, unit_days BIGINT, first_day DATE, last_day DATE,"
            f" exports VARCHAR[]); INSERT INTO release_cause VALUES ({newest}, 'a', 'count', 2, '2026-11-01', '2026-11-02', ['x.csv', 'y.csv']),"
            f" ({newest}, 'b', 'count', 1, NULL, NULL, []), ({newest}, 'a', 'calendar', 9, NULL, NULL, [])"
        )
    with Snapshot(lake.snapshot) as reader:
        told = trust.releases(reader)
        causes = reader.dicts(trust.TABLES["release_cause"])
    assert [row["release_id"] for row in told] == list(range(newest, 1, -1))
    assert [(row["cause"], row["plants"], row["unit_days"]) for row in told[0]["causes"]] == [("calendar", 1, 9), ("count", 2, 3)]
    assert told[1]["causes"] == []
    assert [(row["plant_id"], row["cause"], row["first_day"], row["example_export"]) for row in causes] == [
        ("a", "calendar", None, None), ("a", "count", "2026-11-01", "x.csv"), ("b", "count", None, None),
    ]  # fmt: skip
