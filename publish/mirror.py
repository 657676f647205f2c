"""The mirror: published tables in a PostgreSQL database, for BI tools that speak nothing else.

Here: which tables, keys and views it has, loading them into a schema beside, and the swap of the two schemas in one transaction. Elsewhere:
what is told of the server (`connectors.publishing`), when it is written (`pipelines.outlets`), what tables mean (`publish.dictionary`).

Readers see the old tables or the new, never both: names change in one transaction, and what is half loaded has a name of its own. A mirror
that holds this snapshot already is left as it is. The schema's comment says which snapshot it holds, and that the schema is plantlake's.
"""

from __future__ import annotations

import hashlib
import json
import logging
import re
import secrets as random
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlencode

from connectors.errors import Actor, PlantlakeError, Problem, ReadError, listed
from connectors.portfolio import Portfolio
from connectors.publishing import Postgres
from connectors.secrets import resolved
from dbt_project import catalogue
from pipelines.lake import Lake
from pipelines.state import PARTS
from publish import dictionary

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

log = logging.getLogger("plantlake.mirror")
Tell = Callable[[str], None]
CONNECT_S = 10
BROKEN_MS = 60_000
"""So long an answer may stay away before the line counts as broken."""
LOCK_S = 10
BATCH = 100_000
OWN = "plantlake"
"""How the comment of a schema begins that the mirror may drop."""
ADDITIVE = sorted(f"{kpi.kpi_id} {kpi.profile}" for kpi in catalogue.catalogue() if kpi.is_additive)
VERSION = 1
"""Raised when the mirror of the same snapshot would look otherwise."""


@dataclass(frozen=True, slots=True)
class Mirrored:
    """A table of the mirror: its key, its further indexes, and which rows of the published table it has."""

    key: tuple[str, ...] = ()
    indexes: tuple[tuple[str, ...], ...] = ()
    where: str = "true"
    further: Mapping[str, str] = field(default_factory=dict)
    """Columns that the published table does not have: SQL over it."""


PLACE = (("plant_id", "production_day"), ("equipment_id", "production_day"))
TABLES = {
    "kpi_value": Mirrored(
        ("kpi_id", "profile", "scope_type", "scope_id", "period_type", "period_start"),
        (("scope_type", "period_type", "period_start"), ("plant_id", "period_start")),
        "list_contains($periods, period_type)",
    ),
    "kpi_definition": Mirrored(("kpi_id", "profile"), further={"is_additive": "list_contains($additive, kpi_id || ' ' || profile)"}),
    "kpi_target": Mirrored(indexes=(("kpi_id", "scope_type", "scope_id"),)),
    "kpi_release": Mirrored(indexes=(("closed_month", "kpi_id"),)),
    **{parts.mart: Mirrored(indexes=PLACE, where="valid_to_release IS NULL") for parts in PARTS},
    "plant": Mirrored(("plant_id",)),
    "plant_status": Mirrored(("plant_id",)),
    "equipment": Mirrored(("equipment_id",), (("plant_id",),)),
    "unit_scope": Mirrored(indexes=(("unit_id",), ("scope_type", "scope_id"))),
    "line_station": Mirrored(),
    "downtime_reason": Mirrored(("reason_code",)),
    "ideal_rate": Mirrored(indexes=(("plant_id",),)),
    "economics": Mirrored(),
    "fx_rate": Mirrored(),
    "quality_results": Mirrored(indexes=(("plant_id", "table_name"),)),
    "drift": Mirrored(indexes=(("plant_id",),)),
    "release": Mirrored(("release_id",)),
    "release_cause": Mirrored(indexes=(("release_id",),)),
}  # fmt: skip
"""What is mirrored. Parts are those that stand; rejected records and export ledgers stay where they are: BI needs neither."""
SIDES = "kpi_id, profile, plant_id{unit}, period_start AS production_day, numerator, denominator, units_in, units_of, plants_in, plants_of"
VIEWS = {
    f"kpi_{name}_day": f"""SELECT {SIDES.format(unit=unit)}
FROM {{schema}}.kpi_value
WHERE scope_type = '{scope}' AND period_type = 'DAY' AND denominator IS NOT NULL
  AND (kpi_id, profile) IN (SELECT kpi_id, profile FROM {{schema}}.kpi_definition WHERE is_additive)"""
    for name, scope, unit in (("plant", "PLANT", ""), ("unit", "EQUIPMENT", ", scope_id AS equipment_id"))
}
"""Both sides of the KPIs that may be summed over scopes and days: sum(numerator) / sum(denominator), in any BI tool."""
TOLD = {
    "kpi_definition.is_additive": "both sides may be summed over scopes of a kind and over periods, and divided after that",
    "kpi_plant_day": "One row per additive KPI, profile, plant and day: sum(numerator) / sum(denominator) is the KPI over any of them.",
    "kpi_unit_day": "One row per additive KPI, profile, unit and day: sum(numerator) / sum(denominator) is the KPI over any of them.",
    "kpi_value.flags": "words between commas",
}
"""What the mirror has and the dictionary does not know."""
RETRY: Actor = "retry"
KEYS = "portfolio.yaml → publish.postgres"
ERRORS: tuple[tuple[str, str, str, Actor], ...] = (
    (
        r"28P01|28000|password authentication failed|no password supplied|no pg_hba.conf entry",
        "The database of the mirror refuses the user or the password.", f"{KEYS}.user, .password, .sslmode", "plant",
    ),
    (r"3D000|database \".*\" does not exist", "There is no such database for the mirror.", f"{KEYS}.database", "plant"),
    (
        r"could not translate host|name or service not known|resolve host", "The host of the mirror is not known.",
        f"{KEYS}.host, or the network's names", RETRY,
    ),
    (
        r"failed to connect|connection refused|no route to host|timeout expired", "The database of the mirror cannot be reached.",
        f"is it running, and are host and port right? {KEYS}", RETRY,
    ),
    (
        r"42501|permission denied|must be owner", "The user may not write the mirror.",
        'as an administrator: GRANT CREATE ON DATABASE "{database}" TO "{user}"', "plant",
    ),
    (r"53100|no space left", "The disk of the mirror's database is full.", "make room there", "plant"),
    (r"55P03|lock timeout", "Somebody holds the tables of the mirror.", "none: the next refresh tries again", RETRY),
    (
        r"57P0|terminat|server closed|connection .*(lost|closed|reset|bad)|broken pipe|no connection to the server|EOF",
        "The connection to the mirror's database broke.", "none: the next refresh tries again", RETRY,
    ),
)  # fmt: skip
"""The first that fits counts; by code where the server gives one, because its messages come in its own language."""


def write(lake: Lake, portfolio: Portfolio, tell: Tell) -> dict[str, Any]:
    """Mirrors the snapshot that stands; what the mirror showed before stands until the last step. Raises ReadError when it could not."""
    to = portfolio.file.publish.postgres
    if to is None:
        fix = "portfolio.yaml → publish: {postgres: {host: ..., database: ..., user: ..., password: {env: NAME}}}"
        raise ReadError(Problem("The portfolio has no mirror in PostgreSQL.", fix=fix))
    password = resolved({"password": to.password}, portfolio.root, portfolio.file.secret_command)["password"]
    snapshot = _snapshot_id(lake, to)
    with _errors(to, password), closing(_connected(to, password)) as con:
        server = Server(con, to.db_schema)
        found: dict[str, Any] = {"place": f"postgresql://{to.host}:{to.port}/{to.database}, schema {to.db_schema}"}
        server.mine()
        if server.holds() == snapshot:
            return found | {"written": "it holds this release already"}
        server.clean()
        with closing(_opened(lake)) as db:
            rows = _load(db, server, to, tell)
        tell("postgres: keys, comments, rights")
        _describe(server)
        _grant(server, to.reader)
        server.run(f"COMMENT ON SCHEMA {server.next} IS {literal(f'{OWN} {snapshot}')}")
        left = server.swap()
        if left:
            log.warning("These still read older tables of the mirror, which stay for them: %s", listed(left))
        return found | {"tables": len(rows), "rows": sum(rows.values())} | ({"left behind": left} if left else {})


class Server:
    """One connection to the database, and the schemas of the mirror in it."""

    def __init__(self, con: Any, schema: str):
        self.con, self.schema, self.next = con, schema, f"{schema}_next"
        for setting in ("search_path = pg_catalog", f"lock_timeout = '{LOCK_S}s'", "standard_conforming_strings = on", "TimeZone = 'UTC'"):
            self.run(f"SET {setting}")

    def run(self, statement: str) -> None:
        with self.con.cursor() as cursor:
            cursor.execute(statement)

    def rows(self, question: str) -> list[tuple[Any, ...]]:
        with self.con.cursor() as cursor:
            cursor.execute(question)
            return list(cursor.fetchall())

    def mine(self) -> None:
        """Raises ReadError where another writes the mirror, or where the schema is somebody else's."""
        if self.rows(f"SELECT pg_try_advisory_lock(hashtext({literal(f'plantlake {self.schema}')}))") != [(True,)]:
            raise ReadError(Problem("Another plantlake is writing this mirror.", fix="none: the next refresh tries again", actor="retry"))
        there = (
            f"SELECT relname FROM pg_class WHERE relnamespace = {literal(self.schema)}::regnamespace AND relkind IN ('r', 'v', 'm', 'p')"
        )
        if self.comment() is not None and self.holds() is None and (tables := self.rows(there)):
            problem = Problem(
                f"The schema '{self.schema}' holds tables that plantlake did not write.", found=listed([name for (name,) in tables]),
                fix="portfolio.yaml → publish.postgres.schema: a name that is free", consequence="Nothing in it was changed.",
            )  # fmt: skip
            raise ReadError(problem)

    def comment(self) -> str | None:
        """The comment of the schema, empty without one; None where there is no schema."""
        found = self.rows(
            f"SELECT coalesce(obj_description(oid, 'pg_namespace'), '') FROM pg_namespace WHERE nspname = {literal(self.schema)}"
        )
        return found[0][0] if found else None

    def holds(self) -> str | None:
        """The snapshot that the mirror holds."""
        said = (self.comment() or "").split()
        return said[1] if said[:1] == [OWN] and len(said) > 1 else None

    def clean(self) -> list[str]:
        """Drops what was half loaded, and older tables; keeps those that a view of somebody else or an open query reads, and names them."""
        self.run(f"DROP SCHEMA IF EXISTS {self.next} CASCADE")
        left = []
        for (name,) in self.rows(f"SELECT nspname FROM pg_namespace WHERE nspname ~ '^{self.schema}_old_[0-9a-f]{{8}}$' ORDER BY nspname"):
            views = [view for view, _ in self.readers(name)]
            if views or not self.tried(f"DROP SCHEMA {name} CASCADE"):
                left += views or [f"a query that still reads {name}"]
        return left

    def tried(self, statement: str) -> bool:
        """Whether a statement could be done that is not worth failing for."""
        try:
            self.run(statement)
        except self.con.Error as error:
            if error.sqlstate is None:  # the line itself is gone
                raise
            log.info("%s: %s", statement, error)
            return False
        return True

    def readers(self, schema: str) -> list[tuple[str, str]]:
        """Views outside a schema that read its tables: name and definition."""
        found = self.rows(f"""
            SELECT DISTINCT format('%I.%I', n.nspname, v.relname), pg_get_viewdef(v.oid)
            FROM pg_depend AS d
            JOIN pg_rewrite AS r ON d.classid = 'pg_rewrite'::regclass AND r.oid = d.objid
            JOIN pg_class AS v ON v.oid = r.ev_class
            JOIN pg_namespace AS n ON n.oid = v.relnamespace
            JOIN pg_class AS t ON d.refclassid = 'pg_class'::regclass AND t.oid = d.refobjid
            JOIN pg_namespace AS s ON s.oid = t.relnamespace
            WHERE s.nspname = {literal(schema)} AND n.nspname <> s.nspname""")
        return [(name, text) for name, text in found]

    def swap(self) -> list[str]:
        """The new tables take the place of the old, in one transaction. Views of others that the user may replace follow; names the others."""
        views = self.readers(self.schema)
        self.run("BEGIN")
        if self.comment() is not None:
            self.run(f"ALTER SCHEMA {self.schema} RENAME TO {self.schema}_old_{random.token_hex(4)}")
        self.run(f"ALTER SCHEMA {self.next} RENAME TO {self.schema}")
        self.run("COMMIT")
        for name, text in views:
            self.tried(f"CREATE OR REPLACE VIEW {name} AS {text}")
        return self.clean()


def _load(db: DuckDBPyConnection, server: Server, to: Postgres, tell: Tell) -> dict[str, int]:
    """Writes every table that the snapshot has into the schema beside, with keys, indexes and views; rows by table."""
    server.run(f"CREATE SCHEMA {server.next}")
    there = {name for (name,) in db.execute("SELECT view_name FROM duckdb_views() WHERE schema_name = 'main'").fetchall()}
    rows = {}
    for name, table in TABLES.items():
        if name in there:
            tell(f"postgres: {name}")
            rows[name] = _copy(db, server, name, table, to)
    if "kpi_value" in there:
        for view, sql in VIEWS.items():
            server.run(f"CREATE VIEW {server.next}.{view} AS {sql.format(schema=server.next)}")
    return rows


def _copy(db: DuckDBPyConnection, server: Server, name: str, table: Mirrored, to: Postgres) -> int:
    further = "".join(f", {sql} AS {column}" for column, sql in table.further.items())
    query = f"SELECT *{further} FROM {name} WHERE {table.where}"
    known: dict[str, Any] = {"periods": list(to.periods), "additive": ADDITIVE}
    given = {word: value for word, value in known.items() if f"${word}" in query}
    found = db.execute(f"SELECT column_name, column_type FROM (DESCRIBE SELECT * FROM {name})").fetchall()
    columns = [_column(column, dtype) for column, dtype in found] + [f'"{column}"' for column in table.further]
    batches = db.sql(f"SELECT {', '.join(columns)} FROM ({query})", params=given).to_arrow_reader(BATCH)
    with server.con.cursor() as cursor:
        rows = cursor.adbc_ingest(name, batches, mode="create", db_schema_name=server.next)
    place = f"{server.next}.{name}"
    if table.key:
        server.run(f"ALTER TABLE {place} ADD PRIMARY KEY ({', '.join(table.key)})")
    for index in table.indexes:
        server.run(f"CREATE INDEX ON {place} ({', '.join(index)})")
    server.run(f"ANALYZE {place}")
    return int(rows)


def _column(name: str, dtype: str) -> str:
    """A column as PostgreSQL and BI tools take it: lists are words between commas, and no text has the character 0."""
    column = '"' + name.replace('"', '""') + '"'
    if dtype.endswith("[]"):
        return f"array_to_string({column}, ',') AS {column}"
    if dtype.startswith(("VARCHAR", "ENUM", "JSON")):
        return f"replace(CAST({column} AS VARCHAR), chr(0), '') AS {column}"
    return column


def _describe(server: Server) -> None:
    """Comments on tables, views and columns, from the dictionary."""
    columns: dict[tuple[str, str], list[str]] = {}
    for kind, table, column in server.rows(f"""
        SELECT CASE c.relkind WHEN 'v' THEN 'VIEW' ELSE 'TABLE' END, c.relname, a.attname
        FROM pg_class AS c JOIN pg_attribute AS a ON a.attrelid = c.oid
        WHERE c.relnamespace = {literal(server.next)}::regnamespace AND c.relkind IN ('r', 'v') AND a.attnum > 0
        ORDER BY c.relname, a.attnum"""):  # fmt: skip
        columns.setdefault((kind, table), []).append(column)
    for (kind, table), names in columns.items():
        known = dictionary.told("kpi_value" if table in VIEWS else table)
        texts = {column: TOLD.get(f"{table}.{column}") or known.columns.get(column) for column in names}
        server.run(f"COMMENT ON {kind} {server.next}.{table} IS {literal(TOLD.get(table) or known.about)}")
        for column, text in texts.items():
            server.run(f'COMMENT ON COLUMN {server.next}.{table}."{column}" IS {literal(text or "")}')


def _grant(server: Server, reader: str | None) -> None:
    """The reader's role may read the new tables; a role that cannot log in, to be granted to those who can."""
    if reader is None:
        return
    role = '"' + reader.replace('"', '""') + '"'
    is_there = server.rows(f"SELECT 1 FROM pg_roles WHERE rolname = {literal(reader)}")
    if not is_there and not server.tried(f"CREATE ROLE {role} NOLOGIN"):
        fix = f"as an administrator: CREATE ROLE {role} NOLOGIN"
        raise ReadError(
            Problem(f"There is no role '{reader}', and the user may make none.", fix=f"{fix}; or leave out publish.postgres.reader")
        )
    server.run(f"GRANT USAGE ON SCHEMA {server.next} TO {role}")
    server.run(f"GRANT SELECT ON ALL TABLES IN SCHEMA {server.next} TO {role}")


# --- the two databases --------------------------------------------------------------------------------------------------------------------


def _opened(lake: Lake) -> DuckDBPyConnection:
    import duckdb

    con = duckdb.connect(str(lake.snapshot), read_only=True)
    con.execute("SET TimeZone = 'UTC'; SET enable_progress_bar = false")
    return con


def _snapshot_id(lake: Lake, to: Postgres) -> str:
    """What tells one snapshot, and one way to mirror it, from another. Read before the snapshot is: of two that follow each other at once
    the newer is mirrored again."""
    release = json.loads(lake.metrics.read_text(encoding="utf-8"))["release"]
    way = json.dumps([VERSION, to.reader, to.periods, ADDITIVE, repr(TABLES), VIEWS])
    return f"{release}-{hashlib.sha256(way.encode()).hexdigest()[:12]}"


def _connected(to: Postgres, password: str | None) -> Any:
    try:
        from adbc_driver_postgresql import dbapi
    except ImportError as error:
        fix = "pip install 'plantlake[mirror]'"
        found = "no package adbc-driver-postgresql"
        raise ReadError(Problem("The driver of the mirror is not installed.", found=found, fix=fix, actor="us")) from error
    settings = {
        "host": to.host, "port": to.port, "dbname": to.database, "user": to.user, "sslmode": to.sslmode, "application_name": "plantlake",
        "connect_timeout": CONNECT_S, "tcp_user_timeout": BROKEN_MS, "keepalives_idle": 30,
    } | ({"password": password} if password else {})  # fmt: skip
    return dbapi.connect(f"postgresql://?{urlencode(settings, quote_via=quote)}", autocommit=True)


@contextmanager
def _errors(to: Postgres, password: str | None) -> Iterator[None]:
    """Errors of the database in words that say what to do; the password is not among them."""
    try:
        yield
    except PlantlakeError:
        raise
    except Exception as error:
        if not type(error).__module__.startswith("adbc_driver"):
            raise
        shown = " ".join(str(error).split("Query was:")[0].split())[:300]
        shown = shown.replace(password, "...") if password else shown
        raise ReadError(_problem(shown, getattr(error, "sqlstate", None), to)) from error


def _problem(shown: str, sqlstate: str | None, to: Postgres) -> Problem:
    stands = "The mirror stands as it was; everything else is published."
    for pattern, message, fix, actor in ERRORS:
        if re.search(pattern, f"{sqlstate or ''} {shown}", re.IGNORECASE):
            return Problem(message, found=shown, fix=fix.format(database=to.database, user=to.user), consequence=stands, actor=actor)
    fix = "ask whoever runs the database; `plantlake publish postgres` tries again"
    return Problem("The mirror's database answers with an error.", found=shown, fix=fix, consequence=stands)


def literal(text: str) -> str:
    """A text as a literal of PostgreSQL.

    >>> literal("it's")
    "'it''s'"
    """
    return "'" + text.replace("'", "''") + "'"
