"""The figures of the pages Trust and Handbook: how far the data of each plant can be trusted, and what waits for whom.

Here: the files below `trust/`, `trust.json`, `handbook.json`, and the marks of the health overview with their limits: the browser judges
nothing. Elsewhere: what is counted there (`pipelines.ledger`, `.quarantine`, `.drift`, `.reasons`, `quality_checks`), values of KPIs
(`publish.site.values`).

A file is there when it has rows; `trust.json` lists those that are. Rejected records are counted and one of each kind is pointed at;
the records themselves stay in the lake.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import polars as pl

from connectors.portfolio import Portfolio
from dbt_project import handbook
from pipelines import reasons
from pipelines.lake import Lake
from publish.reader import Snapshot
from publish.tables import HELP

OK, WATCH, BAD, UNKNOWN = "OK", "WATCH", "BAD", "UNKNOWN"
DAY = 86400
BEHIND = (2 * DAY, 7 * DAY)
"""Data that ends so long before the portfolio's newest is watched, then bad: a weekend without a shift is normal, a week is not."""
KNOWN = (0.95, 0.80)
"""Share of planned time that is known: as `min_rate_coverage`, and as the check `state_known`."""
REJECTED = (0.01, 0.05)
"""Share of records that wait in quarantine: typing errors stay below 1 %, above 5 % a mapping is wrong."""
NAMED = (0.90, 0.50)
"""Share of stop time with an approved reason: below 90 % the ranking of reasons misleads (check `reasons_mapped`)."""
CLOCK_S = 60.0
"""A clock that is off by as much is told (check `clock_within_a_minute`)."""
ASPECTS = {
    "fresh": ("Fresh", f"Is the data new? Watched {BEHIND[0] // DAY} days behind the newest plant, bad after {BEHIND[1] // DAY} or stale."),
    "complete": ("Complete", f"Is it all there? Bad when an export failed or records do not add up, or under {KNOWN[1]:.0%} of planned time"
                             f" is known; watched under {KNOWN[0]:.0%}."),
    "rejects": ("Rejects", f"Are records turned away? Watched above {REJECTED[0]:.0%} of those read, bad above {REJECTED[1]:.0%}."),
    "mapped": ("Reasons", f"Has stop time a name? Watched under {NAMED[0]:.0%} with an approved reason, bad under {NAMED[1]:.0%}."),
    "drift": ("Drift", "Do exports look as before? Watched while a change is open, bad when it kept an export out."),
    "checks": ("Checks", "Do the numbers make sense? Watched when a check warns, bad when a blocking one fails."),
}  # fmt: skip
"""What the health overview asks of each plant: id, heading, and how it is judged."""
RELEASES = 30
"""So many releases are told with their causes; older ones: `plantlake release list`."""
SETTLED = 500
"""Changes of exports that wait for nobody, the newest."""
PAGES = 5
"""Quality pages that are copied, 170 kB each; older ones are in the lake."""


def _moment(column: str) -> str:
    return f"strftime({column}, '%Y-%m-%dT%H:%M:%SZ')"


TABLES = {
    "ledger": f"""SELECT plant_id, source_system, table_name, count(DISTINCT sha256) AS exports,
        CAST(sum(records_read) AS BIGINT) AS records_read, CAST(sum(accepted) AS BIGINT) AS accepted,
        CAST(sum(rejected) AS BIGINT) AS rejected, CAST(sum(duplicate) AS BIGINT) AS duplicate, CAST(sum(filtered) AS BIGINT) AS filtered,
        CAST(sum(records_read - accepted - rejected - duplicate - filtered) AS BIGINT) AS unaccounted,
        CAST(sum(rows_written) AS BIGINT) AS rows_written, {_moment("max(data_to)")} AS data_to, {_moment("max(committed_at)")} AS loaded_at
        FROM export_ledger WHERE table_name IS NOT NULL GROUP BY plant_id, source_system, table_name ORDER BY 1, 2, 3""",
    "failed": f"""SELECT plant_id, source_system, name, table_name, left(coalesce(table_error, export_error), 2000) AS error,
        {_moment("first_seen_at")} AS first_seen_at
        FROM (SELECT *, first_seen_at = max(first_seen_at) OVER (PARTITION BY plant_id, source_system, name) AS is_newest
            FROM export_ledger)
        WHERE is_newest AND (export_state = 'FAILED' OR (export_state <> 'GONE' AND table_state = 'FAILED')) ORDER BY 1, 2, 3, 4""",
    "rejects": f"""SELECT * EXCLUDE (example), example.source_object AS example_export, example.row_number AS example_row,
        example.detail AS example_detail
        FROM (SELECT plant_id, source_system, table_name, rule, count(*) AS rows, count(DISTINCT source_object) AS exports,
            {_moment("min(rejected_at)")} AS first_seen, {_moment("max(rejected_at)")} AS last_seen,
            first(struct_pack(source_object, row_number, detail := left(detail, 500))
                ORDER BY rejected_at DESC, source_object, row_number) AS example
            FROM quarantine WHERE resolved_at IS NULL GROUP BY ALL)
        ORDER BY rows DESC, 1, 2, 3, 4""",
    "drift": f"""SELECT * FROM (SELECT finding_id, plant_id, source_system, export, column_name, what, message, before, now, edit_path,
            edit, advice, is_loaded, state, {_moment("found_at")} AS found_at, exports, {_moment("closed_at")} AS closed_at, closed_by, note
            FROM drift ORDER BY state <> 'OPEN', finding_id DESC)
        QUALIFY state = 'OPEN' OR row_number() OVER (PARTITION BY state = 'OPEN' ORDER BY finding_id DESC) <= {SETTLED}
        ORDER BY state <> 'OPEN', finding_id DESC""",
    "checks": f"""SELECT plant_id, table_name, check_name, rung, severity, measure, observed, limit_low, limit_high, rows, reason,
        {_moment("checked_at")} AS checked_at
        FROM (SELECT * FROM quality_results QUALIFY refresh_id = max(refresh_id) OVER (PARTITION BY plant_id, table_name))
        WHERE status = 'FAIL' ORDER BY severity, plant_id, table_name, check_name""",
    "clock_offset": f"""SELECT plant_id, source_system, arg_max(offset_s, day) AS offset_s, strftime(max(day), '%Y-%m-%d') AS last_day,
        max(abs(offset_s)) AS largest_s, count(*) AS days, count(*) FILTER (is_applied) AS applied, CAST(sum(pairs) AS BIGINT) AS pairs
        FROM clock_offset GROUP BY plant_id, source_system HAVING max(abs(offset_s)) >= {CLOCK_S} ORDER BY largest_s DESC, 1, 2""",
    "release_cause": f"""SELECT release_id, plant_id, cause, unit_days, strftime(first_day, '%Y-%m-%d') AS first_day,
        strftime(last_day, '%Y-%m-%d') AS last_day, exports[1] AS example_export
        FROM release_cause WHERE release_id > (SELECT max(release_id) - {RELEASES} FROM release)
        ORDER BY release_id DESC, unit_days DESC, plant_id, cause""",
}
"""Files that are one question to the snapshot: name, and the question. A file is named as its table where it has one of its own."""
NEEDS = {"ledger": "export_ledger", "failed": "export_ledger", "rejects": "quarantine", "checks": "quality_results"}
COUNTED = {
    "plant_status": "SELECT plant_id, status, data_to, failed_exports FROM plant_status",
    "export_ledger": """SELECT plant_id, CAST(sum(records_read) AS BIGINT) AS read_rows,
        CAST(sum(abs(records_read - accepted - rejected - duplicate - filtered)) AS BIGINT) AS unaccounted FROM export_ledger GROUP BY 1""",
    "quarantine": "SELECT plant_id, count(*) AS waiting_rows FROM quarantine WHERE resolved_at IS NULL GROUP BY 1",
    "mart_kpi_parts_reason": """SELECT plant_id, CAST(sum(seconds) AS DOUBLE) AS stop_s,
        CAST(coalesce(sum(seconds) FILTER (reason_code <> 'U-UNC'), 0) AS DOUBLE) AS named_s
        FROM mart_kpi_parts_reason WHERE valid_to_release IS NULL GROUP BY 1""",
    "drift": """SELECT plant_id, count(*) FILTER (state = 'OPEN') AS open_findings,
        count(*) FILTER (state = 'OPEN' AND NOT is_loaded) AS kept_out FROM drift GROUP BY 1""",
    "quality_results": """SELECT plant_id, count(*) FILTER (status <> 'SKIPPED') AS judged,
        count(*) FILTER (status = 'FAIL' AND severity = 'blocking') AS blocking,
        count(*) FILTER (status = 'FAIL' AND severity <> 'blocking') AS warnings
        FROM (SELECT * FROM quality_results QUALIFY refresh_id = max(refresh_id) OVER (PARTITION BY plant_id, table_name)) GROUP BY 1""",
}
"""What the overview counts of each plant, by the table that it is in."""
COLUMNS = {
    "status": pl.String, "data_to": pl.Datetime("us", "UTC"), "failed_exports": pl.Int64, "read_rows": pl.Int64, "unaccounted": pl.Int64,
    "waiting_rows": pl.Int64, "stop_s": pl.Float64, "named_s": pl.Float64, "open_findings": pl.Int64, "kept_out": pl.Int64,
    "judged": pl.Int64, "blocking": pl.Int64, "warnings": pl.Int64, "known_s": pl.Float64, "planned_s": pl.Float64,
}  # fmt: skip

CODES = {
    "plant_id": pl.String, "source_system": pl.String, "code": pl.String, "seconds": pl.Float64, "stops": pl.Int64, "state": pl.String,
    "reason_code": pl.String,
}  # fmt: skip


def write(reader: Snapshot, lake: Lake, portfolio: Portfolio, folder: Path, tell: Callable[[str], None]) -> None:
    """Writes the files of both pages into `folder`, which is one release of the site."""
    from publish.site.values import dump, parquet

    tell("site: trust")
    month = _newest_month(reader)
    frames = {name: reader.query(sql) for name, sql in TABLES.items() if reader.has(NEEDS.get(name, name))}
    said = _said(reader, month)
    frames |= {"health": health(reader, said), "codes": codes(reader, portfolio), "missing": missing(said)}
    kept = {name: frame for name, frame in frames.items() if not frame.is_empty()}
    for name, frame in kept.items():
        parquet(frame, folder / "trust" / f"{name}.parquet")
    aspects = [{"aspect": aspect, "name": name, "asks": asks} for aspect, (name, asks) in ASPECTS.items()]
    told = {"files": sorted(kept), "aspects": aspects, "month": month, "releases": releases(reader), "quality": pages(lake, folder)}
    dump(folder / "trust.json", told)
    kpis = json.loads(lake.metrics.read_text(encoding="utf-8"))["kpis"]
    groups = {title: [kpi["id"] for kpi in found] for title, found in handbook.grouped(kpis).items()}
    dump(folder / "handbook.json", {"groups": groups, "help": HELP, "month": month, "has_missing": "missing" in kept})


def health(reader: Snapshot, said: pl.DataFrame) -> pl.DataFrame:
    """One row a plant, the worst first: what was counted, and a mark of every aspect."""
    rows = reader.query("SELECT DISTINCT plant_id FROM plant_status")
    found = [reader.query(sql) for table, sql in COUNTED.items() if reader.has(table)]
    for counted in [*found, *_known(said)]:
        rows = rows.join(counted, on="plant_id", how="left")
    rows = rows.with_columns(pl.lit(None, dtype).alias(name) for name, dtype in COLUMNS.items() if name not in rows.columns).cast(COLUMNS)  # type: ignore[arg-type]
    behind = (pl.col("data_to").max() - pl.col("data_to")).dt.total_seconds()
    counts = ("failed_exports", "waiting_rows", "open_findings", "kept_out", "judged", "blocking", "warnings")
    rows = rows.with_columns(behind.alias("behind_s"), *(pl.col(name).fill_null(0) for name in counts))
    rows = rows.with_columns(mark.alias(name) for name, mark in _marks().items())
    trouble = pl.sum_horizontal(pl.when(pl.col(name) == BAD).then(100).when(pl.col(name) == WATCH).then(1).otherwise(0) for name in ASPECTS)
    data_to = pl.col("data_to").dt.strftime("%Y-%m-%dT%H:%M:%SZ")
    return rows.with_columns(trouble=trouble, data_to=data_to).sort("trouble", "plant_id", descending=[True, False])


def _marks() -> dict[str, pl.Expr]:
    """The rules of ASPECTS. What nothing is known of is UNKNOWN, never OK."""
    delivered = pl.col("status") != "NO_DATA"
    balanced = (pl.col("failed_exports") == 0) & (pl.col("unaccounted").fill_null(0) == 0)
    known, named = pl.col("known_s") / pl.col("planned_s"), pl.col("named_s") / pl.col("stop_s")
    rejected = pl.col("waiting_rows") / pl.col("read_rows")
    has_stops, has_read, is_judged = pl.col("stop_s") > 0, pl.col("read_rows") > 0, pl.col("judged") > 0
    return {
        "fresh": _mark(pl.col("data_to").is_not_null(), (pl.col("status") == "STALE") | (pl.col("behind_s") > BEHIND[1]),
                       pl.col("behind_s") > BEHIND[0]),
        "complete": _mark(delivered, ~balanced | (known < KNOWN[1]), known < KNOWN[0]),
        "rejects": _mark(has_read, rejected > REJECTED[1], rejected > REJECTED[0]),
        "mapped": _mark(has_stops, named < NAMED[1], named < NAMED[0]),
        "drift": _mark(delivered, pl.col("kept_out") > 0, pl.col("open_findings") > 0),
        "checks": _mark(is_judged, pl.col("blocking") > 0, pl.col("warnings") > 0),
    }  # fmt: skip


def _mark(there: pl.Expr, bad: pl.Expr, watch: pl.Expr) -> pl.Expr:
    """What is bad is so even where nothing else is known."""
    bad, watch, there = (side.fill_null(value=False) for side in (bad, watch, there))
    return pl.when(bad).then(pl.lit(BAD)).when(~there).then(pl.lit(UNKNOWN)).when(watch).then(pl.lit(WATCH)).otherwise(pl.lit(OK))


def _newest_month(reader: Snapshot) -> str | None:
    """The first day of the newest month with values."""
    if not reader.has("kpi_value") or not reader.has("mart_kpi_unit_month"):
        return None
    rows = reader.rows("SELECT strftime(max(month), '%Y-%m-%d') FROM mart_kpi_unit_month")
    return str(rows[0][0]) if rows and rows[0][0] else None


def _said(reader: Snapshot, month: str | None) -> pl.DataFrame:
    """Of each plant in the newest month: its coverage, and the KPIs that have no value. One question: kpi_value is dear to plan, and with
    a condition on what it works out last, three times as dear."""
    if month is None:
        return pl.DataFrame(schema={"kpi_id": pl.String, "plant_id": pl.String, "status": pl.String})
    rows = reader.query(
        "SELECT kpi_id, scope_id AS plant_id, status, flags[1] AS why, CAST(numerator AS DOUBLE) AS known_s,"
        " CAST(denominator AS DOUBLE) AS planned_s FROM kpi_value WHERE scope_type = 'PLANT' AND profile = 'ISO'"
        f" AND period_type = 'MONTH' AND period_start = DATE '{month}'"
    )
    return rows.filter((pl.col("kpi_id") == "COVERAGE") | (pl.col("status") == "NOT_COMPUTABLE")).sort("kpi_id", "plant_id")


def _known(said: pl.DataFrame) -> list[pl.DataFrame]:
    """Of each plant the planned seconds of the newest month, and those of them that are known; nothing where no states are expected."""
    known = said.filter((pl.col("kpi_id") == "COVERAGE") & (pl.col("status") != "NOT_COMPUTABLE"))
    return [known.select("plant_id", "known_s", "planned_s")] if "known_s" in said.columns else []


def missing(said: pl.DataFrame) -> pl.DataFrame:
    """Which plants have no value of which KPI in the newest month, and why: the first flag."""
    none = said.filter(pl.col("status") == "NOT_COMPUTABLE")
    return none.select("kpi_id", "plant_id", "why") if "why" in said.columns else pl.DataFrame()


def codes(reader: Snapshot, portfolio: Portfolio) -> pl.DataFrame:
    """Stop time without an approved reason, longest first: by the plant's code, and as one row where it sent none (code NULL)."""
    if not reader.has("mart_kpi_parts_reason"):
        return pl.DataFrame()
    uncoded = reader.dicts(
        "SELECT plant_id, CAST(NULL AS VARCHAR) AS source_system, CAST(NULL AS VARCHAR) AS code, CAST(sum(seconds) AS DOUBLE) AS seconds,"
        " CAST(sum(stops) AS BIGINT) AS stops, 'uncoded' AS state, CAST(NULL AS VARCHAR) AS reason_code FROM mart_kpi_parts_reason"
        " WHERE valid_to_release IS NULL AND reason_code = 'U-UNC' AND source_reason_code = '~' GROUP BY plant_id"
    )
    coded = [
        {"plant_id": row.plant, "source_system": row.source, "code": row.code, "seconds": row.minutes * 60, "stops": row.stops,
         "state": row.state, "reason_code": row.reason_code}
        for row in reasons.waiting(reader, portfolio.vocabularies)
    ]  # fmt: skip
    return pl.DataFrame([*uncoded, *coded], schema=CODES).sort("seconds", descending=True)


def releases(reader: Snapshot) -> list[dict[str, Any]]:
    """The newest releases, each with its causes: how many plants, and days of units that were made anew."""
    if not reader.has("release"):
        return []
    rows = reader.dicts(
        f"SELECT release_id, {_moment('released_at')} AS released_at, kind, calc_version, exports, unit_days, parts_changed, parts_closed,"
        f" note, {_moment('watermark')} AS watermark FROM release ORDER BY release_id DESC LIMIT {RELEASES}"
    )
    found = reader.dicts(
        "SELECT release_id, cause, count(DISTINCT plant_id) AS plants, CAST(sum(unit_days) AS BIGINT) AS unit_days FROM release_cause"
        " GROUP BY 1, 2 ORDER BY 1, 4 DESC, 2"
    ) if reader.has("release_cause") else []  # fmt: skip
    return [{**row, "causes": [cause for cause in found if cause["release_id"] == row["release_id"]]} for row in rows]


def pages(lake: Lake, folder: Path) -> str | None:
    """Copies the newest quality pages with a list of them; returns the path of the newest, None where nothing was checked yet."""
    from quality_checks import docs
    from quality_checks.store import Store

    store, kept = Store(lake.quality), list[str]()
    for refresh_id in store.refreshes()[-PAGES:]:
        with suppress(FileNotFoundError):  # a refresh that runs now may remove the oldest
            text = (store.folder / "docs" / refresh_id / "index.html").read_text(encoding="utf-8")
            place = folder / "quality" / refresh_id / "index.html"
            place.parent.mkdir(parents=True)
            place.write_text(text, encoding="utf-8")
            kept.append(refresh_id)
    if not kept:
        return None
    (folder / "quality" / "index.html").write_text(docs.index(kept, store.all_results()), encoding="utf-8")
    return f"quality/{kept[-1]}/index.html"
