"""Databases: how each is reached, that it is only read and never waited for without end, and what its errors mean.

Here: what differs between PostgreSQL, SQL Server, Oracle, MySQL and SQLite, so that `sql` need not know which one it asks. Elsewhere:
what is asked, and rows (`connectors.kinds.systems.sql`), secrets (`connectors.secrets`). SQLAlchemy speaks every dialect.
"""

from __future__ import annotations

import re
import socket
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from os import dup
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy.exc import ArgumentError, NoSuchModuleError, SQLAlchemyError
from sqlalchemy.pool import NullPool

from connectors.contract import Place
from connectors.errors import Actor, Problem, ReadError, closest, listed
from connectors.places.base import without_secrets

CONNECT_S = 10
"""Seconds until a server that does not answer counts as not there."""


@dataclass(frozen=True, slots=True)
class Database:
    """What differs from one database to the next."""

    driver: str
    package: str
    """What has to be installed, and the extra of plantlake that does it has the database's name."""
    timeouts: Callable[[float], dict[str, Any]]
    """Arguments of the driver for a server that does not answer."""
    read_only: tuple[str, ...] = ()
    """Statements that make the session refuse to write."""


DATABASES: dict[str, Database] = {
    "postgresql": Database(
        "postgresql+psycopg", "psycopg[binary]", lambda _: {"connect_timeout": CONNECT_S, "application_name": "plantlake"},
        ("SET SESSION CHARACTERISTICS AS TRANSACTION READ ONLY",),
    ),
    "mysql": Database(
        "mysql+pymysql", "pymysql", lambda s: {"connect_timeout": CONNECT_S, "read_timeout": s, "write_timeout": s},
        ("SET SESSION TRANSACTION READ ONLY",),
    ),
    "mssql": Database("mssql+pymssql", "pymssql", lambda s: {"login_timeout": CONNECT_S, "timeout": int(s), "appname": "plantlake"}),
    "oracle": Database("oracle+oracledb", "oracledb", lambda _: {"tcp_connect_timeout": CONNECT_S}),
    "duckdb": Database("duckdb", "duckdb-engine", lambda _: {"read_only": True}),
    "sqlite": Database("sqlite", "", lambda s: {"timeout": s, "uri": True}, ("PRAGMA query_only = ON",)),
}  # fmt: skip
REFUSED = "The database refuses the user or the password."
UNREACHABLE = ("The database cannot be reached.", "The host of the database is not known.", REFUSED)
"""What holds for every question to a database. A password that is refused is not tried for each table: accounts get locked."""
OTHER_NAMES = {"postgres": "postgresql", "mariadb": "mysql", "sqlserver": "mssql"}


@dataclass(frozen=True, slots=True)
class Told:
    """What an error of a database means."""

    pattern: str
    message: str
    fix: str
    actor: Actor = "plant"
    lacks: str = ""
    """What is not there: a table or a column."""


RETRY: Actor = "retry"
ERRORS = (
    Told(
        r"42501|permission denied|\b1044\b|\b1142\b|\b229\b|ORA-01031",
        "The user may not read this.", "let the database's owner GRANT SELECT to the user of `root:`",
    ),
    Told(
        r"28P01|28000|password authentication failed|no password supplied|Access denied|\b1045\b|18456|Login failed|ORA-01017",
        REFUSED, "connection: {password: {env: NAME}}, and the user in `root:`",
    ),
    Told(
        r"3D000|database \".*\" does not exist|Unknown database|\b1049\b|\b4060\b|ORA-12514|ORA-12505|unable to open database file",
        "There is no such database.", "root: <the database after the host>",
    ),
    Told(
        r"name or service not known|could not translate host|resolve host|nodename nor servname|getaddrinfo|ORA-12545|Unknown host",
        "The host of the database is not known.", "root: <the host>, or the network's names", RETRY,
    ),
    Told(
        r"42P01|no such table|Invalid object name|\b1146\b|ORA-00942",
        "The table is not in the database, or may not be seen.", "path: <schema.table>", lacks="table",
    ),
    Told(
        r"42703|no such column|Invalid column name|\b1054\b|ORA-00904",
        "A column is not in the table.", "options: <names of columns>", lacks="column",
    ),
    Told(
        r"42601|syntax error|\b1064\b|Incorrect syntax|ORA-00933|ORA-00936|25006|readonly|read-only transaction",
        "The database does not take the question.", "options.query or options.where: one SELECT in the database's own words",
    ),
    Told(
        r"year 10K|after year|year is out of range|before year 1|out of range.*date",
        "A time lies beyond the years 1 to 9999, such as 'infinity'.",
        "options.query: SELECT ..., nullif(valid_to, 'infinity') AS valid_to FROM ...",
    ),
    Told(
        r"57014|statement timeout|timed? ?out|timeout expired|DPY-4024|\b1205\b|\b3024\b",
        "The database took too long.",
        "an index on the column that is asked for, a smaller options.rows or options.window, or a larger options.timeout_s", RETRY,
    ),
    Told(
        r"connection refused|\b2003\b|20009|ORA-12541|DPY-6005|could not connect|no route to host|network is unreachable",
        "The database cannot be reached.", "is it running, and are host and port of `root:` right?", RETRY,
    ),
    Told(
        r"57P0|terminat|server closed|connection (was )?(lost|closed|reset|is bad)|\b2006\b|\b2013\b|20004|ORA-0311[34]|consuming|EOF",
        "The connection to the database broke.", "none: the next refresh asks again", RETRY,
    ),
)  # fmt: skip
"""The first that fits counts. By code where the database has one, because messages come in the server's language."""


def engine(place: Place, silent_s: float) -> sa.Engine:
    """The database of a place. Raises ReadError when the address is none, or its driver is not installed."""
    url = _url(place)
    about = DATABASES[url.get_backend_name()]
    own = {key: value for key, value in place.connection.items() if key not in {"user", "password"}}
    try:
        found = sa.create_engine(url, poolclass=NullPool, connect_args=about.timeouts(silent_s) | own)
    except (ImportError, NoSuchModuleError) as error:
        name = url.get_backend_name()
        fix = f"pip install 'plantlake[{name}]'"
        raise ReadError(
            Problem(f"The driver of {name} is not installed.", found=f"no package {about.package}", fix=fix, actor="us")
        ) from error
    sa.event.listen(found, "connect", lambda connection, _: _prepared(connection, about, silent_s))
    return found


def _url(place: Place) -> sa.URL:
    try:
        url = sa.make_url(place.root)
    except (ArgumentError, ValueError) as error:
        raise ReadError(
            Problem("The address is none of a database.", found=place.root, fix="root: postgresql://user@host/database")
        ) from error
    name = OTHER_NAMES.get(url.get_backend_name(), url.get_backend_name())
    if name not in DATABASES:
        near = closest(name, DATABASES)
        fix = f"root: {near or 'postgresql'}://user@host/database"
        raise ReadError(Problem(f"There is no database '{name}'.", found=listed(list(DATABASES)), closest=near, fix=fix))
    if name == "sqlite":
        return url.set(drivername="sqlite", database=f"file:{_file(url)}", query={"mode": "ro", "uri": "true"})
    if name == "duckdb":
        return url.set(drivername="duckdb", database=str(_file(url)))
    given = place.connection
    return url.set(drivername=DATABASES[name].driver, username=given.get("user", url.username), password=given.get("password"))


def _file(url: sa.URL) -> Path:
    path, fix = Path(url.database or ""), f"root: {url.get_backend_name()}:////folder/file.db"
    if not path.is_absolute():
        raise ReadError(Problem("The file of the database is not told in full.", found=str(path), fix=fix))
    if not path.is_file():
        raise ReadError(Problem("The file of the database is not there.", found=str(path), fix=fix, actor="retry"))
    return path


def _prepared(connection: Any, about: Database, silent_s: float) -> None:
    """A session that only reads. JSON stays the text that the database has: numbers in it would lose digits."""
    if about.driver.startswith("postgresql"):
        from psycopg.types.json import set_json_loads

        set_json_loads(lambda data: data.decode() if isinstance(data, bytes) else str(data), connection)
    elif about.driver.startswith("oracle"):
        connection.call_timeout = int(silent_s * 1000)
    if about.read_only:
        cursor = connection.cursor()
        for statement in about.read_only:
            cursor.execute(statement)
        cursor.close()
        connection.commit()


def plain_rows(result: sa.CursorResult[Any]) -> Any:
    """What gives the rest of the rows: the driver itself, where SQLAlchemy (2.1) holds none of them back; its rows cost a third more."""
    held = getattr(result.cursor_strategy, "_rowbuffer", None)
    return result.cursor if held is not None and not held and result.cursor is not None else result


@contextmanager
def answering(connection: Any, seconds: float) -> Iterator[None]:
    """What the block asks is answered within so many seconds, or the connection is cut and TimeoutError is raised.

    A server that hangs holds its connection open, and libpq waits for ever; other drivers have a timeout of their own.
    """
    handle = getattr(getattr(connection, "pgconn", None), "socket", None)
    if handle is None:
        yield
        return
    cut = threading.Event()
    timer = threading.Timer(seconds, _cut, (handle, cut))
    timer.daemon = True
    timer.start()
    try:
        yield
    except Exception as error:
        if cut.is_set():
            raise TimeoutError(f"timed out: no answer for {seconds:g} s") from error
        raise
    finally:
        timer.cancel()


def _cut(handle: int, cut: threading.Event) -> None:
    cut.set()
    with socket.socket(fileno=dup(handle)) as line:
        line.shutdown(socket.SHUT_RDWR)


def meaning(error: BaseException) -> Told | None:
    """What an error of a database or its driver means, as far as it is known."""
    inner = getattr(error, "orig", None) or error
    numbers = [str(part) for part in inner.args[:1] if isinstance(part, int)]
    text = " ".join([str(getattr(inner, "sqlstate", "") or ""), *numbers, str(inner)])
    return next((told for told in ERRORS if re.search(told.pattern, text, re.IGNORECASE)), None)


def is_unreachable(error: BaseException) -> bool:
    """Whether nothing at all can be asked of the database."""
    told = meaning(error)
    return told is not None and told.message in UNREACHABLE


def problem(error: BaseException, place: Place) -> Problem:
    """An error of a database or its driver, in words that say what to do."""
    inner = getattr(error, "orig", None) or error
    shown = without_secrets(" ".join(str(inner).split()), place.connection)[:300] or type(inner).__name__
    told = meaning(error)
    if told is None:
        return Problem("The database answers with an error.", found=shown, fix="options of the source, or ask whoever runs the database")
    return Problem(told.message, found=shown, fix=told.fix, actor=told.actor)


def tables(connection: sa.Connection) -> list[str]:
    """Every table and view that the user can see, as `path` would name it."""
    inspector = sa.inspect(connection)
    usual = inspector.default_schema_name
    found: list[str] = []
    for schema in inspector.get_schema_names():
        if schema in {"information_schema", "pg_catalog", "sys", "INFORMATION_SCHEMA", "mysql", "performance_schema"}:
            continue
        names = [*inspector.get_table_names(schema), *inspector.get_view_names(schema)]
        found += names if schema in {usual, "main"} else [f"{schema}.{name}" for name in names]
    return found


def columns(connection: sa.Connection, name: str) -> Mapping[str, Any]:
    """Columns of a table or view with their SQLAlchemy types; nothing where the database does not tell."""
    schema, _, table = name.rpartition(".")
    try:
        return {str(column["name"]): column["type"] for column in sa.inspect(connection).get_columns(table, schema or None)}
    except SQLAlchemyError:
        connection.rollback()  # some take no further question after one that failed
        return {}
