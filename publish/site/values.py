"""The figures of the portfolio page: who is there, and the KPI values and losses of plants and of what is above them.

Here: `portfolio.json` (what every page needs first) and the Parquet files of values, by profile, kind of period and KPI, so that a page
loads what it shows and no more. Every row is one of `kpi_value` or of a loss macro: the browser divides a numerator by a denominator,
and judges nothing. Elsewhere: machines and lines (`publish.site.plants`), data health (`publish.site.trust`).

Files of a release: `portfolio.json`, `kpi/<profile>/<period>/<KPI>.parquet` (plants), `above/<profile>/<period>.parquet` (portfolio,
companies, classes: every KPI of HEADLINE), `losses/<period>/<start>.parquet`, `changes.json`, `metrics.json`.
"""

from __future__ import annotations

import hashlib
import itertools
import json
import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl

from connectors.portfolio import Portfolio
from dbt_project import value_sql
from dbt_project.catalogue import PROFILES
from dbt_project.sql_text import Relation
from pipelines import views
from pipelines.lake import Lake
from pipelines.views import listed
from publish import losses
from publish.reader import Snapshot
from publish.restated import restated_sql
from publish.scopes import IN_A_PLANT
from publish.tables import EXPLAINED, FLAGGED

HEADLINE = (
    "OEE", "A", "E", "Q", "OOE", "TEEP", "QC", "SCRAP", "REWORK", "FPY", "MTBF", "MTTR", "SCHED_ATT", "OTIF", "ENERGY_INT", "CO2_INT",
    "CODED", "COVERAGE", "LOSS_BREAKDOWN", "LOSS_ORGANISATION", "LOSS_SETUP", "LOSS_NO_ORDER", "LOSS_MINOR", "LOSS_UNKNOWN", "LOSS_SPEED",
    "LOSS_QUALITY",
)  # fmt: skip
"""KPIs that plants can be looked at and compared by; the losses are what OEE lacks to 1 (`oee_gap`)."""
ABOVE_UNITS = ("PORTFOLIO", "COMPANY", "CLASS", "PLANT")
PERIODS = {"MONTH": 36, "QUARTER": 12, "WEEK": 26}
"""Kinds of period and how many of them, the newest, plants are shown beside each other. Older ones are in kpi.duckdb."""
OWN_PERIODS = {"MONTH": 13, "QUARTER": 4, "WEEK": 13, "DAY": 31}
"""The same of a plant's own page, down to its machines; days have the KPIs of DAILY."""
DAILY = ("OEE", "A", "E", "Q", "SCRAP", "COVERAGE")
BESIDE = f"scope_type IN ({listed(ABOVE_UNITS)})"
IN_PLANTS = f"scope_type IN ({listed(IN_A_PLANT)}) AND profile = 'ISO' AND (period_type <> 'DAY' OR kpi_id IN ({listed(DAILY)}))"
STEPS = {"DAY": "1d", "WEEK": "1w", "MONTH": "1mo", "QUARTER": "1q"}
RESTATED_MONTHS = 3
"""How many months back the values are compared with those of the release before."""
LOSS_PERIODS = {"MONTH": 6, "QUARTER": 2}
NO_LOSS = dict.fromkeys(("period_type", "period_start", "scope_type", "scope_id"), pl.String)
VALUE = """scope_type, scope_id, strftime(period_start, '%Y-%m-%d') AS period_start, numerator, denominator,
    CASE WHEN value IS NULL THEN value_low END AS low, CASE WHEN value_high <> value OR value IS NULL THEN value_high END AS high, target,
    coverage, grade, status, nullif(array_to_string(flags, ','), '') AS flags, rate_basis,
    CAST(units_in AS INTEGER) AS units_in, CAST(units_of AS INTEGER) AS units_of,
    CAST(plants_in AS INTEGER) AS plants_in, CAST(plants_of AS INTEGER) AS plants_of"""
"""Columns of a value; `low` and `high` only where they say more than the value does. A value that is NOT_COMPUTABLE must not be divided."""


@dataclass(frozen=True, slots=True)
class Figures:
    """What pages share: a name for the release; by kind of period the first days of those with data, the newest first; the values of
    `_collected`, and the losses of every scope by period."""

    release: str
    starts: Mapping[str, Sequence[str]]
    kpis: pl.DataFrame
    losses: pl.DataFrame


def write(reader: Snapshot, lake: Lake, portfolio: Portfolio, folder: Path, tell: Callable[[str], None]) -> Figures:
    """Writes the figures of the portfolio into `folder`; returns those that the pages of plants are made of too."""
    folder.mkdir(parents=True)
    shutil.copy(lake.metrics, folder / "metrics.json")
    starts = _starts(reader) if reader.has("kpi_value") and reader.has("unit_scope") else {}
    told, lost = _portfolio(reader, lake, portfolio, starts), [pl.DataFrame(schema=NO_LOSS)]
    tell("site: values")
    kpis = _collected(reader, starts)
    _values(kpis, folder, told["periods"])
    tell("site: changes")
    dump(folder / "changes.json", _changes(reader, told["periods"].get("MONTH", [])))
    tell("site: losses")
    for kind, most in LOSS_PERIODS.items():
        told["losses"][kind] = told["periods"].get(kind, [])[:most]
        for start in told["losses"][kind]:
            lost.append(_losses(reader, folder, kind, start))
    dump(folder / "portfolio.json", told)
    release = f"{told['release']['release_id'] if told['release'] else 0:06d}"
    return Figures(release, starts, kpis, pl.concat(lost, how="diagonal"))


def dump(path: Path, content: Any) -> None:
    """A JSON file of the site."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(content, ensure_ascii=False, default=str, separators=(",", ":")), encoding="utf-8")


def parquet(frame: pl.DataFrame, path: Path) -> None:
    """A Parquet file that hyparquet reads by itself: Snappy, and of numbers and texts alone."""
    path.parent.mkdir(parents=True, exist_ok=True)
    frame.write_parquet(path, compression="snappy")


def delivered(lake: Lake, table: str, where: str = "", newest_months: int = 0) -> str | None:
    """The SELECT over a table of silver, or over the newest months of each plant; None where nothing of it was delivered."""
    found = views.files(lake, table)
    if found is None or found.is_empty():
        return None
    if newest_months:
        found = found.filter(pl.col("month").rank("dense", descending=True).over("plant_id") <= newest_months)
    return f"({views.select_sql(table, found['path'].to_list(), where=where)})"


def _portfolio(reader: Snapshot, lake: Lake, portfolio: Portfolio, starts: Mapping[str, Sequence[str]]) -> dict[str, Any]:
    metrics = json.loads(lake.metrics.read_text(encoding="utf-8"))
    about = {kpi["id"]: kpi for kpi in metrics["kpis"]}
    release = reader.dicts("SELECT release_id, released_at, watermark, calc_version FROM release ORDER BY release_id DESC LIMIT 1")
    scopes = reader.dicts("SELECT DISTINCT scope_type, scope_id, scope_name FROM unit_scope WHERE scope_type IN ('PORTFOLIO', 'COMPANY',"
                          " 'CLASS') ORDER BY ALL") if starts else []  # fmt: skip
    return {
        "name": portfolio.file.name,
        "currency": portfolio.file.currency,
        "release": release[0] if release else None,
        "profiles": PROFILES,
        "kpis": [
            {name: about[kpi].get(name) for name in ("id", "name", "unit", "trend", "definition", "formula", "not_comparable_when")}
            for kpi in HEADLINE if kpi in about
        ],
        "scopes": scopes,
        "families": _families(reader, lake) if starts else [],
        "plants": _plants(reader),
        "periods": {kind: starts[kind][:most] for kind, most in PERIODS.items() if kind in starts},
        "losses": {},
        "buckets": [{"bucket": bucket, "what": what, "name": name} for bucket, what, name, _ in losses.BUCKETS],
        "causes": [{"cause": cause, "is_six": six, "name": name} for cause, six, name, _ in losses.CAUSES],
        "words": {**FLAGGED, **EXPLAINED},
    }  # fmt: skip


def _families(reader: Snapshot, lake: Lake) -> list[str]:
    """The families of products that the portfolio knows."""
    found = delivered(lake, "product_family")
    return [family for (family,) in reader.rows(f"SELECT DISTINCT family FROM {found} ORDER BY family")] if found else []


def _plants(reader: Snapshot) -> list[dict[str, Any]]:
    about = "country_code, timezone, calendar, assumptions, reporting_currency"
    known = reader.dicts(f"SELECT plant_id, {about} FROM plant") if reader.has("plant") else []
    of = {row["plant_id"]: row for row in known}
    rows = reader.dicts("SELECT * FROM plant_status ORDER BY plant_id")
    return [{**row, **of.get(row["plant_id"], {}), "folder": folder_of(row["plant_id"])} for row in rows]


def folder_of(plant_id: str) -> str:
    """The folder of a plant's own files. Ids are texts of any kind; names of folders are not."""
    return f"plants/{hashlib.sha256(plant_id.encode()).hexdigest()[:12]}"


def _values(kpis: pl.DataFrame, folder: Path, periods: Mapping[str, Sequence[str]]) -> None:
    """The values of the newest periods: a file a KPI for plants, one file for what is above them."""
    if not periods:
        return
    frame = kpis.filter(is_of(periods), pl.col("scope_type").is_in(ABOVE_UNITS)).drop("plant_id")
    of_plants, above = frame.filter(pl.col("scope_type") == "PLANT"), frame.filter(pl.col("scope_type") != "PLANT")
    key = ["profile", "period_type", "kpi_id"]
    plants = of_plants.partition_by(key, as_dict=True, include_key=False)
    scopes = above.partition_by(key[:2], as_dict=True, include_key=False)
    for profile, kind in itertools.product(PROFILES, periods):
        parquet(scopes.get((profile, kind), above.clear().drop(key[:2])), folder / "above" / profile / f"{kind}.parquet")
        for kpi in HEADLINE:  # a definition that lacks a KPI has a file without rows: no page asks in vain
            parquet(plants.get((profile, kind, kpi), of_plants.clear().drop(key)), folder / "kpi" / profile / kind / f"{kpi}.parquet")


def is_of(periods: Mapping[str, Sequence[str]]) -> pl.Expr:
    """Whether a row is of one of these periods: the first days by kind."""
    return pl.any_horizontal((pl.col("period_type") == kind) & pl.col("period_start").is_in(list(of)) for kind, of in periods.items())


def _starts(reader: Snapshot) -> dict[str, list[str]]:
    """By kind the first days of the periods that have data, the newest first."""
    days = reader.query("SELECT DISTINCT production_day AS day FROM mart_kpi_parts_shift WHERE valid_to_release IS NULL")["day"]
    found = {kind: days.dt.truncate(step).unique().sort(descending=True) for kind, step in STEPS.items()}
    return {kind: [start.isoformat() for start in starts] for kind, starts in found.items() if len(starts)}


def _collected(reader: Snapshot, starts: Mapping[str, Sequence[str]]) -> pl.DataFrame:
    """The values of all pages, with profile, period_type, kpi_id, plant_id (of what is in a plant) and the columns of VALUE.

    Two questions and not one a kind of period and page: to plan a question to `kpi_value` takes longer than to answer it. Months and
    quarters are sums of months; the others of shifts, read for these days alone.
    """
    if not starts:
        return pl.DataFrame()
    months = _asked(reader, ("MONTH", "QUARTER"), starts, lambda oldest: "kpi_value")
    return pl.concat([months, _asked(reader, ("WEEK", "DAY"), starts, lambda oldest: f"({value_sql.kpi_value_sql(days_from(oldest))})")])


def _asked(reader: Snapshot, kinds: Sequence[str], starts: Mapping[str, Sequence[str]], source: Callable[[str], str]) -> pl.DataFrame:
    """The values of these kinds of period; `source` gives the relation that has them from a day on."""
    shown = [
        (kind, found[-1], which)
        for kind, (periods, which) in itertools.product(kinds, ((PERIODS, BESIDE), (OWN_PERIODS, IN_PLANTS)))
        if (found := starts[kind][: periods.get(kind, 0)])
    ]
    wanted = " OR ".join(f"(period_type = '{kind}' AND period_start >= DATE '{first}' AND {which})" for kind, first, which in shown)
    # What this implies of a column by itself is said once more: that reaches the sums below, and the files.
    firsts = {kind: min(first for of, first, _ in shown if of == kind) for kind, *_ in shown}
    implied = " AND ".join(f"(period_type <> '{kind}' OR period_start >= DATE '{first}')" for kind, first in firsts.items())
    oldest = min(firsts.values())
    return reader.query(
        f"SELECT profile, period_type, kpi_id, CASE WHEN scope_type = 'PLANT' THEN scope_id ELSE plant_id END AS plant_id, {VALUE}"
        f" FROM {source(oldest)} WHERE shift_code IS NULL AND kpi_id IN ({listed(HEADLINE)}) AND period_type IN ({listed(firsts)})"
        f" AND period_start >= DATE '{oldest}' AND {implied} AND ({wanted})"
        " ORDER BY profile, kpi_id, scope_type, scope_id, period_start"
    )


def days_from(first: str) -> Relation:
    """The published tables with the parts of these days alone: a condition on periods would not reach the files."""

    def found(name: str) -> str:
        is_daily = name.startswith("mart_kpi_") and name != "mart_kpi_unit_month"
        return f"(SELECT * FROM {name} WHERE production_day >= DATE '{first}')" if is_daily else name

    return found


def _losses(reader: Snapshot, folder: Path, kind: str, start: str) -> pl.DataFrame:
    """Waterfall and causes of every scope in a period: writes those of the portfolio page, and returns all."""
    reader.run(f"CREATE OR REPLACE TEMP TABLE site_unit AS SELECT * FROM loss_unit('{kind}', DATE '{start}', 'ISO')")
    reader.run(f"CREATE OR REPLACE TEMP TABLE site_price AS SELECT * FROM loss_value('{kind}', DATE '{start}', 'AVG')")
    waterfall, causes = (losses.over(macro, "site_unit", "site_price") for macro in (losses.LOSS_WATERFALL, losses.SIX_BIG_LOSSES))
    said = "CAST(seconds AS DOUBLE) AS seconds, share, money, currency, valued, why"
    frame = reader.query(
        f"SELECT scope_type, scope_id, 'BUCKET' AS of, bucket AS term, step, {said} FROM ({waterfall})"
        f" UNION ALL SELECT scope_type, scope_id, 'CAUSE', cause, step, {said} FROM ({causes})"
        " ORDER BY scope_type, scope_id, of, step"
    )
    parquet(frame.filter(pl.col("scope_type").is_in(ABOVE_UNITS)), folder / "losses" / kind / f"{start}.parquet")
    return frame.select(pl.lit(kind).alias("period_type"), pl.lit(start).alias("period_start"), pl.all())


def _changes(reader: Snapshot, months: Sequence[str]) -> dict[str, Any]:
    """What the newest release did: per plant why it was built anew, and the values of the newest months that it restated."""
    releases = reader.dicts("SELECT release_id, released_at FROM release ORDER BY release_id DESC LIMIT 2") if reader.has("release") else []
    if not releases:
        return {"previous": None, "causes": [], "restated": []}
    causes = reader.dicts(
        "SELECT plant_id, cause, CAST(unit_days AS INTEGER) AS unit_days, exports[:3] AS exports, len(exports) AS of_exports"
        f" FROM release_cause WHERE release_id = {releases[0]['release_id']} ORDER BY plant_id, cause"
    )
    moved = _restated(reader, releases[1]["release_id"], months[1 : RESTATED_MONTHS + 1]) if len(releases) > 1 and months[1:] else []
    return {"previous": releases[1] if len(releases) > 1 else None, "causes": causes, "restated": moved}


def _restated(reader: Snapshot, before: int, months: Sequence[str]) -> list[dict[str, Any]]:
    """Values of plants in these months, which are over, that release `before` gave otherwise."""
    first, last = months[-1], months[0]
    asked = (
        f"scope_type = 'PLANT' AND period_type = 'MONTH' AND profile = 'ISO' AND kpi_id IN ('OEE', 'A', 'E', 'Q')"
        f" AND period_start BETWEEN DATE '{first}' AND DATE '{last}'"
    )
    is_touched = f"(valid_from_release > {before} OR valid_to_release > {before}) AND production_day >= DATE '{first}'"
    touched = reader.rows(
        f"SELECT 1 FROM mart_kpi_parts_shift WHERE {is_touched} AND production_day < DATE '{last}' + INTERVAL 1 MONTH LIMIT 1"
    )
    if not touched:
        return []
    then = f"(SELECT * FROM ({value_sql.kpi_value_sql(days_from(first), as_of=str(before), shifts_only=True)}) WHERE {asked})"
    now = f"(SELECT * FROM kpi_value WHERE {asked})"
    return reader.dicts(
        f"SELECT scope_id, period_start, kpi_id, 'ratio' AS unit, value_then, value_now, difference FROM ({restated_sql(then, now)})"
        " ORDER BY period_start DESC, abs(difference) DESC NULLS LAST, scope_id, kpi_id LIMIT 500"
    )
