"""What agents can ask of the published snapshot, and how they are answered: each number with its parts, coverage, status and release.

Here: the questions as functions, their answers as models, limits and what is said when they cut. Elsewhere: how an agent is connected
(`publish.mcp_server`), the values (`publish.reader`), ranks (`publish.ranking`), losses (`publish.losses`), explanations
(`publish.explain`).

The snapshot is opened anew for each question, so that a refresh in between is seen, and held open for all of it, so that no answer is of
two releases.
"""

from __future__ import annotations

import json
import math
import re
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any, TypeVar

import polars as pl
from pydantic import BaseModel, ConfigDict

from connectors.errors import ConfigError, Problem, closest, listed
from pipelines import views
from pipelines.lake import Lake
from publish import scopes
from publish.reader import Snapshot
from publish.scopes import Only, QueryError
from publish.tables import EXPLAINED, FLAGGED, HELP

if TYPE_CHECKING:
    from publish.explain import Question

MOST_ROWS = 500
"""Rows of one answer, whatever is asked for."""
MOST_CHARS = 60_000
"""Characters of the rows of one answer."""
FINE_DAYS = 31
"""Days of shifts and days that are given where no first day is asked for."""
SQL_SECONDS = 20.0
SQL_MEMORY = "1GB"
NOTHING = "Nothing is published of any plant."
DIMENSIONS = ("plant", "company", "class", "line", "area", "equipment", "portfolio")
PUBLISHED = ("gold/releases", "gold/parts", "gold/months", "gold/ledger", "gold/trail", "silver/quarantine", "silver/ideal_rate")
"""Folders of a lake that hold what the snapshot's views read, and nothing else."""
M = TypeVar("M", bound=BaseModel)
A = TypeVar("A", bound=BaseModel)


# --- answers --------------------------------------------------------------------------------------------------------------------------


class Answer(BaseModel):
    """The base of every answer."""

    model_config = ConfigDict(use_attribute_docstrings=True)


class Release(Answer):
    """What an answer is of."""

    release_id: int | None = None
    """The newest release; null where nothing was released yet."""
    released_at: datetime | None = None
    """When it was released."""
    snapshot: str | None = None
    """The id of the published snapshot: answers with the same id are of one state."""
    stale_plants: list[str] = []
    """Plants whose numbers are not up to date; data_freshness says why."""


class Cut(Answer):
    """Whether something was left out of an answer."""

    rows_found: int
    """Rows that the question has."""
    truncated: bool
    """Whether rows were left out."""
    note: str | None = None
    """What was left out and how to ask for it, and what else has to be known."""


class Remark(Answer):
    """A flag of a number."""

    flag: str
    """Its name."""
    means: str
    """In words."""


class Metric(Answer):
    """A KPI of the catalogue, in short."""

    metric: str
    """Its id, as query_metrics takes it."""
    name: str
    """Its name."""
    unit: str
    """ratio (0.72 is 72 %), h, min, a currency, ..."""
    better: str
    """HIGHER, LOWER or TARGET."""
    formula: str
    """How it is computed."""


class Metrics(Cut):
    """The catalogue."""

    metrics: list[Metric]
    """In the order of the catalogue."""


class Described(Answer):
    """Everything that there is to know of a KPI."""

    metric: dict[str, Any]
    """Definition, formula and parts of each profile, standard, what it needs, how it rolls up, when it must not be compared, an example."""
    targets: list[dict[str, Any]]
    """Its targets by scope and time."""
    release: Release
    """What the targets are of."""


class Dimension(Answer):
    """One way to group numbers."""

    dimension: str
    """As group_by takes it."""
    members: int
    """How many there are."""


class Member(Answer):
    """One member of a dimension."""

    id: str
    """As plants, companies, classes and scopes take it."""
    name: str | None
    """For people."""
    plant_id: str | None
    """The plant that it is in."""


class Dimensions(Cut):
    """What numbers can be grouped and filtered by."""

    dimensions: list[Dimension]
    """Every dimension."""
    periods: list[str]
    """Kinds of periods."""
    first_day: date | None
    """The first day with a number."""
    last_day: date | None
    """The last one."""
    profiles: list[str]
    """Profiles of definitions."""
    members: list[Member]
    """Of the dimension that was asked for."""
    release: Release
    """What it is of."""


class Number(Answer):
    """One KPI value. It never travels without its parts and its coverage."""

    metric: str
    """KPI id."""
    scope_type: str
    """Kind of scope."""
    scope_id: str
    """The scope."""
    scope_name: str | None
    """For people."""
    plant_id: str | None
    """The plant of a scope that has one."""
    period_type: str
    """Kind of period."""
    period_start: date
    """Its first day."""
    shift_code: str | None
    """Of a shift."""
    profile: str
    """Profile of the definition."""
    value: float | None
    """numerator / denominator; null is unknown, never 0. Never average values: sum both sides, then divide."""
    unit: str | None
    """ratio: 0.72 is 72 %."""
    numerator: float | None
    """Sum of the numerator's parts."""
    denominator: float | None
    """Sum of the denominator's parts."""
    value_low: float | None
    """The least that it can be, given what is unknown."""
    value_high: float | None
    """The most that it can be."""
    previous: float | None
    """The value of the period before."""
    target: float | None
    """Its target."""
    coverage: float | None
    """Share of time, rates, counts, units and plants that is known, 0 to 1."""
    confidence: float | None
    """Coverage less what is assumed."""
    grade: str | None
    """A to D by coverage; D must not be ranked."""
    status: str | None
    """OK, ESTIMATED (rests on an assumption), PRELIMINARY (more data may come), ..."""
    flags: list[Remark]
    """What has to be known of the number."""
    why_missing: str | None
    """Of a value that is null: why, and what would make it known."""
    rate_basis: str | None
    """What ideal rates it rests on. Numbers of different bases are not comparable."""
    plants_in: int | None
    """Plants that take part ..."""
    plants_of: int | None
    """... of so many."""
    units_in: int | None
    """Units that take part ..."""
    units_of: int | None
    """... of so many."""
    release_id: int | None
    """The release that the value is of."""
    as_of: datetime | None
    """Data up to then are in it."""


class Numbers(Cut):
    """KPI values."""

    numbers: list[Number]
    """By period and scope, newest first."""
    release: Release
    """What they are of."""


class Ranked(Number):
    """A KPI value with its place."""

    rank: int | None
    """Shared where values cannot be told apart: their intervals overlap."""
    is_shared: bool | None
    """Whether others have the same rank."""
    left_out: str | None
    """Why it has no rank: NOT_COMPUTABLE, GRADE_D, NO_TARGET, NOT_IN_PERIOD."""


class Ranking(Cut):
    """Scopes of one period by one KPI, best first."""

    numbers: list[Ranked]
    """Best first, then those without a rank."""
    release: Release
    """What they are of."""


class Freshness(Answer):
    """How far the data of one plant go."""

    plant_id: str
    """The plant."""
    plant_name: str | None
    """For people."""
    company: str | None
    """Its company."""
    owner: str | None
    """Who answers for its data."""
    status: str
    """OK, STALE (its last good numbers stand), NO_DATA."""
    data_to: datetime | None
    """The newest record."""
    refreshed_at: datetime | None
    """When something of it was loaded last."""
    exports: int | None
    """Exports that were loaded."""
    failed_exports: int | None
    """Exports that could not be."""
    records_read: int | None
    """Records that were read."""
    rejected: int | None
    """Records that were rejected; they are kept in the quarantine."""
    stale_since: datetime | None
    """Since when it is stale."""
    stale_reason: str | None
    """Why."""


class Freshnesses(Cut):
    """How far the data of each plant go."""

    plants: list[Freshness]
    """Stale ones first."""
    release: Release
    """What it is of."""


class Explained(Answer):
    """Where a number comes from, from the value down to its records."""

    explanation: dict[str, Any]
    """value, definition, release, parts by unit and shift, time by class, segments, counts, records; checks: whether each step sums up."""
    truncated: bool
    """Whether lists were cut."""
    note: str | None = None
    """What was cut."""
    release: Release
    """What it is of."""


class Losses(Answer):
    """Where planned time went."""

    scope_type: str
    """Kind of scope."""
    period_type: str
    """Kind of period."""
    period_start: date
    """Its first day."""
    waterfall: list[dict[str, Any]]
    """From calendar time to good time, in seconds; what is a LOSS sums to planned busy time less good time. Money where it is known."""
    six_big_losses: list[dict[str, Any]]
    """The same by cause."""
    reasons: list[dict[str, Any]]
    """Stops by reason, the longest first."""
    truncated: bool
    """Whether rows were left out."""
    note: str | None = None
    """What was left out."""
    release: Release
    """What it is of."""


class Rows(Cut):
    """The answer to a SELECT."""

    columns: list[str]
    """Names."""
    rows: list[list[Any]]
    """Values."""
    release: Release
    """What it is of."""


# --- the snapshot ---------------------------------------------------------------------------------------------------------------------


class Desk:
    """Answers questions of agents, one at a time: DuckDB keeps one instance of a path, and an old one would hide the next snapshot."""

    def __init__(self, lake: Lake):
        self.lake = lake
        self._one = threading.Lock()

    @contextmanager
    def _open(self) -> Iterator[tuple[Snapshot, Release]]:
        with self._one:
            if not self.lake.snapshot.exists():
                raise ConfigError(Problem("Nothing is published yet.", fix="run `plantlake refresh`, then ask again"))
            with Snapshot(self.lake.snapshot) as reader:
                yield reader, _release(reader)

    # --- what there is ------------------------------------------------------------------------------------------------------------

    def metrics(self, search: str | None = None) -> Metrics:
        """The catalogue, or what of it a word is in."""
        from dbt_project.catalogue import published

        word = (search or "").casefold()
        known = published()["kpis"]
        found = [kpi for kpi in known if word in f"{kpi['id']} {kpi['name']} {kpi['definition']}".casefold()]
        rows = [
            Metric(metric=kpi["id"], name=kpi["name"], unit=kpi["unit"], better=kpi["trend"], formula=kpi["profiles"][0]["formula"])
            for kpi in found
        ]
        near = None if rows or not word else closest(word, [f"{kpi['id']} {kpi['name']}" for kpi in known])
        note = f"Nothing is called '{search}'. Closest: {near}." if near else None
        return _cut(rows, MOST_ROWS, lambda shown, cut: Metrics(metrics=shown, **cut), note)

    def describe(self, metric: str) -> Described:
        """One KPI."""
        from dbt_project.catalogue import published

        known = {kpi["id"]: kpi for kpi in published()["kpis"]}
        name = metric.upper()
        if name not in known:
            near = closest(metric, [*known, *(kpi["name"] for kpi in known.values())])
            raise QueryError(Problem(f"There is no metric '{metric}'.", found=listed(list(known), 60), closest=near, fix="list_metrics"))
        about = {key: value for key, value in known[name].items() if key != "kpi_ml"}
        about["why_missing"] = {flag: EXPLAINED.get(flag, flag) for flag in about.get("why_missing", ())}
        about["flags"] = {flag: meaning(flag) for flag in about.get("flags", ())}
        with self._open() as (reader, release):
            sql = "SELECT * FROM kpi_target WHERE kpi_id = ? ORDER BY scope_type, scope_id, valid_from"
            targets = reader.query(sql, [name]).to_dicts() if reader.has("kpi_target") else []
        return Described(metric=about, targets=plain(targets), release=release)

    def dimensions(
        self, dimension: str | None = None, plants: Sequence[str] = (), search: str | None = None, limit: int = 100
    ) -> Dimensions:  # fmt: skip
        """The dimensions, and the members of one."""
        from dbt_project.catalogue import PROFILES

        kind = _one_of(dimension, {name: scopes.SCOPES[name] for name in DIMENSIONS}, "dimension") if dimension else None
        sizes: dict[str, int] = {}
        members: list[Member] = []
        first, last, note = None, None, NOTHING
        with self._open() as (reader, release):
            if reader.has("unit_scope"):
                sizes = dict(reader.rows("SELECT scope_type, count(DISTINCT scope_id) FROM unit_scope GROUP BY 1"))
                ((first, last),) = reader.rows("SELECT min(production_day), max(production_day) FROM mart_kpi_parts_shift")
                members, note = _members(reader, kind, plants, search) if kind else [], ""
        dims = [Dimension(dimension=name, members=sizes.get(scopes.SCOPES[name], 0)) for name in DIMENSIONS]
        whole: dict[str, Any] = {
            "dimensions": dims,
            "periods": list(scopes.PERIODS),
            "first_day": first,
            "last_day": last,
            "profiles": list(PROFILES),
        }
        return _cut(members, limit, lambda shown, cut: Dimensions(members=shown, release=release, **whole, **cut), note)

    # --- numbers ------------------------------------------------------------------------------------------------------------------

    def query(
        self, metrics: Sequence[str], group_by: str, period_type: str, profile: str, only: Filters, last: int | None, as_of: str | None,
        limit: int,
    ) -> Numbers:  # fmt: skip
        """KPI values by scope and period."""
        with self._open() as (reader, release):
            if not reader.has("kpi_value"):
                return Numbers(numbers=[], release=release, rows_found=0, truncated=False, note=NOTHING)
            if not metrics:
                raise QueryError(Problem("No metric is asked for.", fix="metrics: [OEE]; list_metrics names them"))
            stated, note = only.only(), None
            if period_type.lower() in ("shift", "day") and stated.first is None:
                stated, note = _of_late(reader, stated)
            number = scopes.release_at(reader, as_of, "as_of")[0] if as_of else None
            frame = reader.kpis(list(metrics), _by(group_by, period_type), _profile(profile), last, only=stated, as_of=number)
            known = set(reader.known_kpis(metrics))
        rows = frame.sort("period_start", descending=True, maintain_order=True).to_dicts()
        without = sorted(known - {row["kpi_id"] for row in rows})
        if without:
            told = f"No value: {listed(without)}. list_dimensions says how far the data go; describe_metric at which scopes it exists."
            note = " ".join(filter(None, [note, told]))
        return _cut([number_of(row) for row in rows], limit, lambda shown, cut: Numbers(numbers=shown, release=release, **cut), note)

    def rank(self, metric: str, group_by: str, period_type: str, profile: str, only: Filters, limit: int) -> Ranking:
        """Scopes by one KPI in the newest period, as far as their values can be told apart."""
        from publish.ranking import ranked

        with self._open() as (reader, release):
            if not reader.has("kpi_value"):
                return Ranking(numbers=[], release=release, rows_found=0, truncated=False, note=NOTHING)
            frame = reader.kpis([metric], _by(group_by, period_type), _profile(profile), only=only.only())
            rows = ranked(frame, frame["trend"][0] if len(frame) else "HIGHER").to_dicts()
        shown = [Ranked(**number_of(row).model_dump(), **{name: row[name] for name in ("rank", "is_shared", "left_out")}) for row in rows]
        bases = {row["rate_basis"] for row in rows if row["rate_basis"]}
        note = f"The ideal rates rest on different bases ({', '.join(sorted(bases))}): compare with care." if len(bases) > 1 else None
        return _cut(shown, limit, lambda some, cut: Ranking(numbers=some, release=release, **cut), note)

    def freshness(self, plants: Sequence[str] = (), *, only_stale: bool = False, limit: int = 200) -> Freshnesses:
        """How far the data of each plant go."""
        with self._open() as (reader, release):
            rows = reader.query("SELECT * FROM plant_status ORDER BY status <> 'STALE', status, plant_id").to_dicts()
            if plants:
                known = {row["plant_id"]: row["plant_name"] for row in rows}
                named = set(scopes.looked_up("plant", "plants", plants, known))
                rows = [row for row in rows if row["plant_id"] in named]
        found = [Freshness(**row) for row in rows if row["status"] == "STALE" or not only_stale]
        return _cut(found, limit, lambda shown, cut: Freshnesses(plants=shown, release=release, **cut))

    def explain(self, question: Question) -> Explained:
        """Where a number comes from."""
        from dataclasses import replace

        from publish.explain import explain

        with self._open() as (reader, release):
            asked = replace(question, limit=min(max(question.limit, 1), 50))
            found = plain(explain(reader, asked))
            for fewer in (3, 1):
                if len(json.dumps(found)) > MOST_CHARS and fewer < asked.limit:
                    asked = replace(asked, limit=fewer)
                    found = plain(explain(reader, asked))
        left = [part for part in ("records", "counts", "segments", "parts") if found.get(part)]
        dropped = []
        while len(json.dumps(found)) > MOST_CHARS and left:
            dropped.append(left.pop(0))
            found[dropped[-1]] = None
        note = f"left out, too long: {', '.join(dropped)}; ask for one unit or shift" if dropped else None
        if asked.limit < question.limit and not note:
            note = f"{asked.limit} rows of each list are shown"
        return Explained(explanation=found, truncated=note is not None, note=note, release=release)

    def losses(self, group_by: str, period_type: str, profile: str, only: Filters, limit: int) -> Losses:
        """Where planned time went, of the newest period that the filters leave."""
        from publish import loss_tables

        with self._open() as (reader, release):
            found = loss_tables.ask(reader, _by(group_by, period_type), only.only(), profile=_profile(profile)).as_dict()
        rows: dict[str, Any] = {name: plain(found[name]) for name in ("waterfall", "six_big_losses", "reasons")}
        rows["reasons"].sort(key=lambda row: -(row.get("seconds") or 0))
        sizes = {name: len(part) for name, part in rows.items()}
        shown: dict[str, Any] = {name: _fitting(part, limit, MOST_CHARS // 3, json.dumps) for name, part in rows.items()}
        cut = [f"{len(shown[name])} of {size} rows of {name}" for name, size in sizes.items() if len(shown[name]) < size]
        note = f"shown: {', '.join(cut)}; ask for fewer scopes" if cut else None
        about = {name: found[name] for name in ("scope_type", "period_type", "period_start")}
        return Losses(**about, **shown, truncated=bool(cut), note=note, release=release)

    # --- SQL ----------------------------------------------------------------------------------------------------------------------

    def sql(self, query: str, limit: int) -> Rows:
        """One SELECT over the published tables: read-only, no other file, limited in time, memory and rows."""
        import duckdb

        with self._open() as (reader, release):
            con = reader.connection
            try:
                statements = con.extract_statements(query)
            except duckdb.Error as error:
                raise QueryError(Problem(str(error).splitlines()[0], fix="one SELECT of DuckDB's SQL")) from None
            if len(statements) != 1 or statements[0].type != duckdb.StatementType.SELECT:
                found = ", ".join(str(statement.type).rpartition(".")[2] for statement in statements) or "nothing"
                raise QueryError(Problem("Only one SELECT can be asked.", found=found, fix="SELECT ... FROM kpi_value WHERE ..."))
            _close_in(con, self.lake)
            timer = threading.Timer(SQL_SECONDS, con.interrupt)
            timer.start()
            try:
                most = min(max(limit, 1), MOST_ROWS)
                cursor = con.execute(query)
                rows = cursor.fetchmany(most + 1)
                columns = [column[0] for column in cursor.description or ()]
            except duckdb.InterruptException:
                fix = "ask for fewer plants or days: WHERE plant_id = ... AND period_start >= ..."
                raise QueryError(Problem(f"The question took longer than {SQL_SECONDS:.0f} s.", fix=fix)) from None
            except duckdb.Error as error:
                tables = [row[0] for row in con.execute("SELECT view_name FROM duckdb_views() WHERE NOT internal").fetchall()]
                raise QueryError(Problem(str(error)[:600], found=f"tables: {listed(sorted(tables), 40)}")) from None
            finally:
                timer.cancel()
        shown = _fitting([plain(list(row)) for row in rows[:most]], most, MOST_CHARS, json.dumps)
        is_cut = len(shown) < len(rows)
        note = f"{len(shown)} rows are shown; there are more: aggregate, or ask for fewer" if is_cut else None
        return Rows(columns=columns, rows=shown, rows_found=len(rows), truncated=is_cut, note=note, release=release)


def _close_in(con: Any, lake: Lake) -> None:
    """Leaves the files that published views read, and nothing else of the machine; cannot be undone on this connection."""
    folders = views.listed(f"{lake.root / folder}/" for folder in PUBLISHED)
    for setting in (
        f"SET allowed_directories = [{folders}]", f"SET memory_limit = '{SQL_MEMORY}'", "SET temp_directory = ''",
        "SET enable_external_access = false", "SET lock_configuration = true",
    ):  # fmt: skip
        con.execute(setting)


# --- the words of a question ----------------------------------------------------------------------------------------------------------


class Filters(BaseModel):
    """What a question leaves in, in the words of an agent."""

    plants: Sequence[str] = ()
    companies: Sequence[str] = ()
    classes: Sequence[str] = ()
    scopes: Sequence[str] = ()
    since: str | None = None
    until: str | None = None

    def only(self) -> Only:
        first = scopes.days(self.since, "since")[0] if self.since else None
        last = scopes.days(self.until, "until")[1] if self.until else None
        return Only(self.plants, self.companies, self.classes, self.scopes, first, last)


def _one_of(word: str, known: Mapping[str, str], what: str) -> str:
    if word.lower() not in known:
        near = closest(word, list(known))
        told, fix = f"There is no {what} '{word}'.", f"{what}: {near or next(iter(known))}"
        raise QueryError(Problem(told, found=listed(list(known), 20), closest=near, fix=fix))
    return known[word.lower()]


def _by(group_by: str, period_type: str) -> str:
    return f"{_one_of(group_by, scopes.SCOPES, 'group_by')},{_one_of(period_type, scopes.PERIODS, 'period_type')}"


def _profile(profile: str) -> str:
    from dbt_project.catalogue import PROFILES

    return _one_of(profile, {name.lower(): name for name in PROFILES}, "profile")


def _of_late(reader: Snapshot, only: Only) -> tuple[Only, str | None]:
    """Shifts and days of all history would be millions of rows: the newest, where no first day is asked for."""
    from dataclasses import replace

    ((last,),) = reader.rows("SELECT max(production_day) FROM mart_kpi_parts_shift")
    end = min(filter(None, [last, only.last]), default=None)
    if end is None:
        return only, None
    first = end - timedelta(days=FINE_DAYS - 1)
    return replace(only, first=first), f"From {first} on; state since for earlier days."


def _members(reader: Snapshot, kind: str, plants: Sequence[str], search: str | None) -> list[Member]:
    ids = scopes.scope_ids(reader, kind, Only(plants=plants)) if plants else None
    within = "" if ids is None else " AND list_contains(?, scope_id)"
    rows = reader.rows(
        "SELECT scope_id, max(scope_name), CASE WHEN count(DISTINCT plant_id) = 1 THEN max(plant_id) END FROM unit_scope"
        f" WHERE scope_type = ?{within} GROUP BY scope_id ORDER BY scope_id",
        [kind, *([] if ids is None else [ids])],
    )
    word = (search or "").casefold()
    return [Member(id=row[0], name=row[1], plant_id=row[2]) for row in rows if word in f"{row[0]} {row[1]}".casefold()]


# --- how answers are made -------------------------------------------------------------------------------------------------------------


def _release(reader: Snapshot) -> Release:
    about = reader.rows("SELECT release_id, released_at FROM release ORDER BY release_id DESC LIMIT 1") if reader.has("release") else []
    sql = reader.rows("SELECT sql FROM duckdb_views() WHERE view_name = 'plant_status'")
    found = re.search(r"releases/([^/']+)/", sql[0][0]) if sql else None
    stale = [row[0] for row in reader.rows("SELECT plant_id FROM plant_status WHERE status = 'STALE' ORDER BY 1")]
    number, moment = about[0] if about else (None, None)
    return Release(release_id=number, released_at=moment, snapshot=found[1] if found else None, stale_plants=stale[:100])


def meaning(flag: str) -> str:
    """A flag in words."""
    return FLAGGED.get(flag) or EXPLAINED.get(flag) or flag.replace("_", " ").lower()


def number_of(row: Mapping[str, Any]) -> Number:
    """A row of `kpi_value` as an agent gets it."""
    flags = list(row["flags"] or ())
    why = None
    if row["value"] is None:
        first = flags[0] if flags else None
        why = EXPLAINED.get(str(first), str(first)) + (f"; what helps: {HELP[str(first)]}" if str(first) in HELP else "")
    same = {name: plain(row[name]) for name in Number.model_fields if name in row and name != "flags"}
    remarks = [Remark(flag=flag, means=meaning(flag)) for flag in flags]
    return Number(metric=row["kpi_id"], as_of=row["as_of_ts"], flags=remarks, why_missing=why, **same)


def plain(value: Any) -> Any:
    """A value as JSON has it; a number that is none is null.

    >>> plain({"a": Decimal("1.5"), "b": [date(2026, 11, 1), float("nan")]})
    {'a': 1.5, 'b': ['2026-11-01', None]}
    """
    if isinstance(value, Mapping):
        return {str(key): plain(part) for key, part in value.items()}
    if isinstance(value, list | tuple | pl.Series):
        return [plain(part) for part in value]
    if isinstance(value, Decimal):
        return plain(float(value))
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if value is None or isinstance(value, str | int):
        return value
    return value.isoformat() if isinstance(value, date | datetime) else str(value)


def _fitting(rows: Sequence[Any], limit: int, chars: int, text: Any) -> list[Any]:
    """The first rows that stay within both limits."""
    shown, size = [], 0
    for row in rows[: min(max(limit, 1), MOST_ROWS)]:
        size += len(text(row))
        if size > chars:
            break
        shown.append(row)
    return shown


def _cut(rows: Sequence[M], limit: int, answer: Callable[[list[M], dict[str, Any]], A], note: str | None = None) -> A:
    """The answer with the rows that fit, and what was left out in words."""
    shown = _fitting(rows, limit, MOST_CHARS, lambda row: row.model_dump_json())
    is_cut = len(shown) < len(rows)
    told = f"{len(shown)} of {len(rows)} rows are shown: raise limit (at most {MOST_ROWS}) or ask for less." if is_cut else None
    return answer(shown, {"rows_found": len(rows), "truncated": is_cut, "note": " ".join(filter(None, [told, note])) or None})
