"""The change scope: what of gold has to be made anew, and which files of silver that takes.

Here: the comparison of today's silver with the versions that each plant's parts were made from, the rows of `gold.change_scope`, the
views of one build. Elsewhere: the statements (`pipelines.scope_sql`), the build (`pipelines.build`), closing the scope when parts are
published (`pipelines.release`).

The pointer to what gold was made from (`gold.built_version`) moves in the transaction that publishes parts. So a refresh that is
killed, a plant that a gate holds, a replay or a rebuilt table all need nothing special: the next comparison finds the difference.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import polars as pl

from pipelines import scope_sql as sql
from pipelines import silver, state, views
from pipelines.lake import Lake
from transforms.tables import STATEMENTS, TABLES

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

SPANS = ("shift_instance", "planned_downtime")
MONTHLY = tuple(name for name in (*TABLES, *STATEMENTS) if "month" in silver.partition_by(name) and name != "historian_sample")
WHOLE = tuple(name for name in (*TABLES, *STATEMENTS) if name not in {*MONTHLY, "historian_sample"})
FACTS = (*MONTHLY, "historian_sample")
LOOKED_AT = frozenset(FACTS) & {*sql.OPENS_NOTHING, *(table for table, *_ in sql.UNIT_RECORDS)}
"""Tables of which a build also sees the months that changed: the checks of quality look at them."""
DATE_SPAN_DAYS = 2


@dataclass
class Scope:
    """What one refresh builds."""

    versions: dict[str, int]
    """Table: the Delta version that this refresh reads."""
    plants: list[str] = field(default_factory=list)
    """Plants with an open scope."""
    orphans: list[str] = field(default_factory=list)
    """Plants with an open scope and no plant file."""
    rows: int = 0
    """Rows of silver in the files that the build reads."""
    files: int = 0


class Finder:
    """Finds and opens the scope of one refresh on the build database, under the writer's lock. `at` is when the refresh began."""

    def __init__(self, con: DuckDBPyConnection, lake: Lake, at: datetime):
        self.con, self.lake, self.at = con, lake, at
        self.files: dict[tuple[str, int | None], pl.DataFrame | None] = {}
        self.versions = {table: self._version(table) for table in (*TABLES, *STATEMENTS)}
        self.changed: dict[str, set[tuple[str, str]]] = defaultdict(set)
        """Fact table: (plant, month) whose files changed since the plant's parts were made."""

    def find(self, known: Collection[str], wanted: Collection[str] = (), since: date | None = None, full: bool = False) -> Scope:
        """Opens what has to be built of the `wanted` plants (all when empty); `known` are the plants that have a plant file.

        `since` asks for every day from there on, `full` for every day, whatever changed.
        """
        state.create(self.con)
        plants = sorted(set(known) & set(wanted or known))
        self._whole_views()
        self.con.execute(sql.SESSION)
        anew = self._built_anew(plants, full)
        groups = self._groups([plant for plant in plants if plant not in anew])
        self._index(anew)
        for versions, members in groups.items():
            self._compare(dict(versions), members, anew)
        if since is not None:
            self.con.execute("INSERT INTO scope_day SELECT plant_id, '*', production_day, 'asked' FROM silver.production_day"
                             f" WHERE production_day >= DATE '{since}' AND plant_id IN ({views.listed(plants)})")  # fmt: skip
        for plant, cause in anew.items():
            self.con.execute("INSERT INTO scope_day VALUES (?, '*', NULL, ?)", [plant, cause])
        self._spans_to_days()
        self.con.execute(sql.OPEN, {"at": self.at})
        self._orphans(known)
        rows = self.con.execute(
            f"SELECT DISTINCT plant_id FROM gold.change_scope WHERE state = 'OPEN' AND plant_id IN ({views.listed(plants)}) ORDER BY 1"
        ).fetchall()
        orphans = self.con.execute("SELECT DISTINCT plant_id FROM gold.change_scope WHERE state = 'ORPHANED' ORDER BY 1").fetchall()
        return Scope(self.versions, [row[0] for row in rows], [row[0] for row in orphans])

    def admit(self, scope: Scope, plants: Collection[str]) -> None:
        """Makes the scope of these plants what this build makes anew, and `silver` the views over the files that it takes."""
        self._stretches(plants)
        self._views(scope)
        if self._followers(plants):
            self._stretches(plants)
            self._views(scope)
        self.con.execute(sql.EVENTS_NOW)
        self.con.execute(sql.BEGUN.format(days=self._days_of_going()))

    # --- what is compared -------------------------------------------------------------------------------------------------------

    def _version(self, table: str) -> int:
        found = silver.version(self.lake, table)
        return -1 if found is None else found

    def _files(self, table: str, version: int | None = None) -> pl.DataFrame | None:
        key = (table, version)
        if key not in self.files:
            self.files[key] = pl.DataFrame(schema=views.FILES) if version == -1 else views.files(self.lake, table, version)
        return self.files[key]

    def _now(self, table: str) -> pl.DataFrame:
        found = self._files(table, self.versions[table])
        return pl.DataFrame(schema=views.FILES) if found is None else found

    def _whole_views(self) -> None:
        for table in WHOLE:
            self.con.execute(views.view_sql(table, self._now(table)["path"].to_list()))
        self.con.execute("CREATE SCHEMA IF NOT EXISTS fresh")
        kinds = self.con.execute(
            "SELECT count(*) FROM information_schema.tables WHERE table_schema = 'int' AND table_name = 'int_time_segment'"
        )
        exists = bool((kinds.fetchone() or (0,))[0])
        columns = "plant_id, equipment_id, event_id, order_id, production_day, start_ts, end_ts, is_first_segment"
        nothing = (
            "SELECT NULL::VARCHAR AS plant_id, NULL::VARCHAR AS equipment_id, NULL::VARCHAR AS event_id, NULL::VARCHAR AS order_id,"
            " NULL::DATE AS production_day, NULL::TIMESTAMPTZ AS start_ts, NULL::TIMESTAMPTZ AS end_ts, NULL::BOOLEAN AS is_first_segment WHERE false"
        )
        self.con.execute(f"CREATE OR REPLACE TEMP VIEW segment AS {f'SELECT {columns} FROM int.int_time_segment' if exists else nothing}")

    def _built_anew(self, plants: list[str], full: bool) -> dict[str, str]:
        """Plants of which every day is built, and why."""
        code = state.calc_version()
        built = dict(self.con.execute("SELECT plant_id, calc_version FROM gold.built_plant").fetchall())
        causes = {plant: "first build" for plant in plants if plant not in built}
        causes |= {plant: "code" for plant in plants if built.get(plant, code) != code}
        return causes | ({plant: causes.get(plant, "asked") for plant in plants} if full else {})

    def _groups(self, plants: list[str]) -> dict[tuple[tuple[str, int], ...], list[str]]:
        """Plants by the versions that their parts were made from, where one of them is not today's."""
        built: dict[str, dict[str, int]] = {plant: dict.fromkeys(self.versions, -1) for plant in plants}
        for plant, table, version in self.con.execute("SELECT plant_id, table_name, version FROM gold.built_version").fetchall():
            if plant in built and table in self.versions:
                built[plant][table] = version
        groups: dict[tuple[tuple[str, int], ...], list[str]] = defaultdict(list)
        for plant, versions in built.items():
            if versions != self.versions:
                groups[tuple(sorted(versions.items()))].append(plant)
        return dict(groups)

    def _compare(self, versions: dict[str, int], plants: list[str], anew: dict[str, str]) -> None:
        """Spans and days of everything that differs between these versions and today's for these plants."""
        changed = self._differences(versions, plants)
        if changed is None:
            gone = dict.fromkeys(plants, "history of silver is gone")
            anew |= gone
            self._index(gone)
            return
        self.con.execute(f"CREATE OR REPLACE TEMP TABLE diffed AS SELECT unnest([{views.listed(plants)}]::VARCHAR[]) AS plant_id")
        same = "true" if versions["source_watermark"] == self.versions["source_watermark"] else "false"
        self.con.execute(sql.GROUP.format(same=same))
        self._changed_months(changed)
        moved = {table for table, months in changed.items() if months}
        moved |= {table for table in WHOLE if versions[table] != self.versions[table]}
        statements = {
            sql.CALENDAR: {*SPANS, "production_day"}, sql.ORDER: {"production_order"}, sql.STATE_EVENT: {"equipment_state_event"},
            sql.ORDER_DAYS: {"production_order"}, sql.OPERATION_DAYS + sql.GOING_OPERATION: {"order_operation"}, sql.FX_RATE: {"fx_rate"}, sql.COUNT: {"production_count"}, sql.IDEAL_RATE: {"ideal_rate"}, sql.WATERMARK + sql.SOURCES: {"source_watermark"},
            sql.CLOCK_OFFSET: {"clock_offset"},
        }  # fmt: skip
        for statement, tables in statements.items():
            if tables & moved:
                self.con.execute(statement)
        for table, statement in sql.OF_TABLES:
            if table in moved:
                self.con.execute(statement)
        self._update_index(changed)
        if "map_downtime_reason" in moved:
            self._remap()

    def _differences(self, versions: dict[str, int], plants: list[str]) -> dict[str, set[tuple[str, str]]] | None:
        """Makes `was` and `fresh`; the months that differ by fact table. None where files of the old version are gone."""
        changed = {}
        for table in FACTS:
            found = self._difference(table, versions[table], plants)
            if found is None:
                return None
            changed[table] = found
        return changed if all(self._whole_difference(table, versions[table], plants) for table in WHOLE) else None

    def _difference(self, table: str, version: int, plants: Collection[str]) -> set[tuple[str, str]] | None:
        """Makes `was` and `fresh` the files of a fact table that are gone and new; (plant, month) of both. None: old files are gone."""
        if version == self.versions[table]:
            old = new = pl.DataFrame(schema=views.FILES)
        else:
            found = self._files(table, version)
            if found is None:
                return None
            mine = pl.col("plant_id").is_in(list(plants))
            was, now = found.filter(mine), self._now(table).filter(mine)
            old, new = was.join(now, on="path", how="anti"), now.join(was, on="path", how="anti")
        if not all(Path(path).exists() for path in old["path"]):
            return None
        self._pair(table, old["path"].to_list(), new["path"].to_list())
        months = {(plant, month) for frame in (old, new) for plant, month in frame.select("plant_id", "month").iter_rows()}
        self.changed[table] |= months
        return months

    def _whole_difference(self, table: str, version: int, plants: list[str]) -> bool:
        if version == self.versions[table]:
            self._pair(table, [], [])
            return True
        was = self._files(table, version)
        if was is None or not all(Path(path).exists() for path in was["path"]):
            return False
        where = f"plant_id IN ({views.listed([*plants, '*'])})"
        mine = pl.col("plant_id").is_null() | pl.col("plant_id").is_in(plants)
        self._pair(table, was.filter(mine)["path"].to_list(), self._now(table).filter(mine)["path"].to_list(), where)
        return True

    def _pair(self, table: str, was: list[str], fresh: list[str], where: str = "") -> None:
        self.con.execute(views.view_sql(table, was, name=f"was.{table}", where=where))
        self.con.execute(views.view_sql(table, fresh, name=f"fresh.{table}", where=where))

    # --- the indexes ------------------------------------------------------------------------------------------------------------

    def _index(self, plants: dict[str, str]) -> None:
        """Makes the indexes of plants that are built anew."""
        if not plants:
            return
        listed = views.listed(plants)
        for table in ("event_reach", "event_code", "span_reach", "spread_month", "count_link"):
            self.con.execute(f"DELETE FROM gold.{table} WHERE plant_id IN ({listed})")
        changed = {}
        for table in FACTS:
            files = self._now(table).filter(pl.col("plant_id").is_in(list(plants)))
            self._pair(table, [], files["path"].to_list())
            changed[table] = set(files.select("plant_id", "month").iter_rows())
            self.changed[table] |= changed[table]
        self.con.execute("CREATE OR REPLACE TEMP TABLE diffed (plant_id VARCHAR)")
        self.con.execute(sql.GROUP.format(same="true").replace("was.source_watermark", "silver.source_watermark"))
        self.con.execute("CREATE OR REPLACE TEMP TABLE counted_anew (plant_id VARCHAR, count_id VARCHAR)")
        self._changed_months(changed)
        self._update_index(changed)

    def _changed_months(self, changed: dict[str, set[tuple[str, str]]]) -> None:
        frame = pl.DataFrame(
            [(table, plant, month) for table, months in changed.items() for plant, month in sorted(months)],
            schema={"table_name": pl.String, "plant_id": pl.String, "month": pl.String}, orient="row",
        )  # fmt: skip
        self.con.register("changed_frame", frame.to_arrow())
        self.con.execute("CREATE OR REPLACE TEMP TABLE changed_month AS SELECT * FROM changed_frame")
        self.con.unregister("changed_frame")

    def _update_index(self, changed: dict[str, set[tuple[str, str]]]) -> None:
        if changed["equipment_state_event"]:
            self.con.execute(sql.INDEX)
        for table in SPANS:
            if changed[table]:
                self.con.execute(sql.SPAN_INDEX.format(table=table))
        if changed["production_count"]:
            self.con.execute(sql.SPREAD_INDEX)
            self._update_links()

    def _update_links(self) -> None:
        self.con.execute(
            """CREATE OR REPLACE TEMP TABLE fresh_count AS
            WITH q AS (
                SELECT q.plant_id, q.month, q.equipment_id, q.count_id, coalesce(q.corrects_count_id, q.reverses_count_id) AS parent_id,
                    epoch_us(q.event_ts) - coalesce(c.offset_us, 0) AS event_us
                FROM fresh.production_count AS q LEFT JOIN clock AS c ON c.plant_id = q.plant_id AND c.source_system = q._source_system
                WHERE q.is_current AND NOT q.is_deleted),
            parent AS (SELECT parent_id FROM q WHERE parent_id IS NOT NULL UNION SELECT parent_id FROM gold.count_link)
            SELECT * FROM q WHERE parent_id IS NOT NULL OR count_id IN (SELECT parent_id FROM parent)"""
        )
        self.con.execute(sql.LINKS_BEFORE)
        self._search()
        self.con.execute(sql.LINKS_AFTER)

    def _search(self) -> None:
        """Looks for documents that corrections name, in the plant's other months: near ones first."""
        now = self._now("production_count")
        looked: set[str] = set()
        for reach in (2, 12, 1200):
            wanted = self.con.execute(sql.UNRESOLVED).fetchall()
            paths = [
                path
                for plant, month, path in now.select("plant_id", "month", "path").iter_rows()
                if path not in looked and any(plant == other and abs(_months(month) - _months(at)) < reach for other, at in wanted)
            ]
            if paths:
                looked.update(paths)
                self.con.execute(views.view_sql("production_count", paths, name="fresh.searched"))
                self.con.execute(sql.LINKS_SEARCH.replace("FROM searched", "FROM fresh.searched"))

    def _remap(self) -> None:
        self.con.execute(sql.REASON_MAP)
        months = set(self.con.execute(sql.RECODED_MONTHS).fetchall())
        if months:
            paths = self._chosen("equipment_state_event", months)["path"].to_list()
            self.con.execute(views.view_sql("equipment_state_event", paths, name="fresh.recoded_event"))
            self.con.execute(sql.RECODED.replace("FROM recoded_event", "FROM fresh.recoded_event"))

    # --- from time to days, from days to files ----------------------------------------------------------------------------------

    def _spans_to_days(self) -> None:
        """Days of the spans; `horizon` holds the last group's plants only, so that spans are taken by what they say themselves."""
        if not self.con.execute("SELECT 1 FROM span LIMIT 1").fetchone():
            return
        self.con.execute(
            """CREATE OR REPLACE TEMP TABLE horizon AS SELECT plant_id, NULL::BIGINT AS old_to_us, epoch_us(max(data_to)) + 86400000000 AS new_to_us,
            NULL::BIGINT AS old_from_us, epoch_us(min(data_from)) - 86400000000 AS new_from_us FROM silver.source_watermark GROUP BY plant_id"""
        )
        self._day_windows(set(self.con.execute(sql.SPAN_MONTHS).fetchall()))
        self.con.execute(sql.DAYS)

    def _day_windows(self, months: set[tuple[str, str]]) -> None:
        """`day_window`: production days of plants and days of their shift windows, from the files of these months."""
        for table in ("production_day", "shift_instance"):
            self.con.execute(views.view_sql(table, self._chosen(table, months)["path"].to_list(), name=f"fresh.{table}_near"))
        self.con.execute(
            """CREATE OR REPLACE TEMP TABLE day_window AS
            SELECT plant_id, '*' AS equipment_id, production_day, epoch_us(start_ts) AS start_us, epoch_us(end_ts) AS end_us
            FROM fresh.production_day_near
            UNION ALL SELECT plant_id, coalesce(equipment_id, '*'), production_day, epoch_us(start_ts), epoch_us(end_ts)
            FROM fresh.shift_instance_near WHERE is_current AND NOT is_deleted AND end_ts > start_ts"""
        )

    def _chosen(self, table: str, months: set[tuple[str, str]]) -> pl.DataFrame:
        wanted = pl.DataFrame(sorted(row for row in months if row[1]), schema={"plant_id": pl.String, "month": pl.String}, orient="row")
        return self._now(table).join(wanted, on=["plant_id", "month"], how="semi")

    def _orphans(self, known: Collection[str]) -> None:
        """Scope of plants without a plant file waits until the file is there again."""
        listed = views.listed(known)
        self.con.execute(f"UPDATE gold.change_scope SET state = 'ORPHANED' WHERE state = 'OPEN' AND plant_id NOT IN ({listed})")
        self.con.execute(f"UPDATE gold.change_scope SET state = 'OPEN' WHERE state = 'ORPHANED' AND plant_id IN ({listed})")

    def _stretches(self, plants: Collection[str]) -> None:
        self.con.execute("DELETE FROM gold.open_scope; DELETE FROM gold.event_begun")
        self.con.execute(
            "INSERT INTO gold.open_scope SELECT DISTINCT plant_id, equipment_id, production_day FROM gold.change_scope"
            f" WHERE state = 'OPEN' AND plant_id IN ({views.listed(plants)})"
        )
        days = self.con.execute("SELECT DISTINCT plant_id, production_day FROM gold.open_scope WHERE production_day IS NOT NULL").fetchall()
        self._day_windows({(plant, month) for plant, day in days for month in _months_near(day)})
        self.con.execute(sql.STRETCHES)

    def _views(self, scope: Scope) -> None:
        """Every fact table of silver as a view over the files that overlap the stretches; of plants built anew, all their files."""
        anew = self.con.execute("SELECT DISTINCT plant_id FROM gold.open_scope WHERE production_day IS NULL").fetchall()
        whole = pl.col("plant_id").is_in([row[0] for row in anew])
        starts = self.con.execute(
            f"""SELECT plant_id, strftime(unnest([data_from - INTERVAL 2 DAY, data_from]), '%Y-%m') FROM silver.source_watermark
            WHERE plant_id IN (SELECT plant_id FROM gold.open_scope)
            UNION SELECT plant_id, strftime(unnest([data_start_on - INTERVAL {DATE_SPAN_DAYS} DAY, data_start_on + INTERVAL {DATE_SPAN_DAYS} DAY]), '%Y-%m')
            FROM silver.plant WHERE data_start_on IS NOT NULL AND plant_id IN (SELECT plant_id FROM gold.open_scope)"""
        ).fetchall()
        near = sql.STRETCH_MONTHS.format(before=4 * sql.DAY_US, after=4 * sql.DAY_US)
        at = sql.STRETCH_MONTHS.format(before=sql.DAY_US, after=sql.DAY_US)
        queries = {
            "equipment_state_event": [sql.EVENT_MONTHS], "production_count": [at, sql.COUNT_MONTHS, sql.SPREAD_MONTHS], "production_day": [near],
            "shift_instance": [near, sql.SPAN_TABLE_MONTHS.format(table="shift_instance")],
            "planned_downtime": [sql.SPAN_TABLE_MONTHS.format(table="planned_downtime")],
            **{table: [at, sql.PLACE_MONTHS] for table, *_ in sql.UNIT_RECORDS},
            **{table: [sql.PLACE_MONTHS] for table, *_ in sql.DAY_RECORDS},
        }  # fmt: skip
        scope.rows = scope.files = 0
        for table in FACTS:
            months = {row for query in queries.get(table, []) for row in self.con.execute(query).fetchall()}
            months |= set(starts) if table == "production_day" else self.changed[table] if table in LOOKED_AT else set()
            files = pl.concat([self._chosen(table, months), self._now(table).filter(whole)]).unique("path")
            self.con.execute(views.view_sql(table, files["path"].to_list()))
            scope.rows += int(files["records"].sum())
            scope.files += len(files)

    def _followers(self, plants: Collection[str]) -> bool:
        """Opens the days that follow from events that go on beyond the scope; whether there are any."""
        self.con.execute(sql.EVENTS_NOW)
        days = self._days_of_going()
        self.con.execute(sql.BEGUN.format(days=days))
        self.con.execute("DELETE FROM scope_day")
        known = self.con.execute(
            "CREATE OR REPLACE TEMP TABLE span_before AS SELECT DISTINCT * FROM span; SELECT count(*) FROM span_before"
        ).fetchone()
        self.con.execute(sql.FOLLOWERS.format(days=days))
        if self.con.execute("SELECT 1 FROM gold.spread_month WHERE plant_id IN (SELECT plant_id FROM stretch) LIMIT 1").fetchone():
            self.con.execute(sql.SHARED)
        self.con.execute("CREATE OR REPLACE TEMP TABLE span AS SELECT * FROM span EXCEPT SELECT * FROM span_before")
        assert known is not None
        self._spans_to_days()
        self.con.execute("CREATE OR REPLACE TEMP TABLE span AS SELECT * FROM span_before UNION SELECT * FROM span")
        before = self.con.execute("SELECT count(*) FROM gold.change_scope WHERE state = 'OPEN'").fetchone()
        self.con.execute(f"DELETE FROM scope_day WHERE plant_id NOT IN ({views.listed(plants)})")
        self.con.execute(sql.OPEN, {"at": self.at})
        return before != self.con.execute("SELECT count(*) FROM gold.change_scope WHERE state = 'OPEN'").fetchone()

    def _days_of_going(self) -> str:
        """Days between which events that reach out of the scope may own time, as literals: they prune the ledger's row groups."""
        row = self.con.execute("SELECT min(start_us), max(greatest(from_us, start_us)) FROM going").fetchone()
        if row is None or row[0] is None:
            return "DATE '2000-01-01' AND DATE '1999-01-01'"
        return " AND ".join(
            f"CAST(make_timestamp({moment}) AS DATE) {shift}" for moment, shift in ((row[0], "- 3"), (max(row[1], row[0]), "+ 3"))
        )


def _months(month: str) -> int:
    return int(month[:4]) * 12 + int(month[5:])


def _months_near(day: date) -> Iterable[str]:
    """The UTC months in which windows of a production day may begin."""
    from datetime import timedelta

    return {(day + timedelta(days=shift)).strftime("%Y-%m") for shift in (-4, 0, 4)}
