"""A conversation with a database: small questions, the rows of an answer, and what is said when it goes wrong.

Here: SQL of every dialect, made by SQLAlchemy. Elsewhere: which rows are asked for (`connectors.kinds.systems.sql`), how a database is
reached and what its errors mean (`connectors.kinds.systems.databases`).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import Any

import pyarrow as pa
import sqlalchemy as sa
from sqlalchemy.exc import SQLAlchemyError

from connectors.contract import Place
from connectors.errors import Problem, ReadError, UnreachableError, closest, listed
from connectors.kinds.systems import databases
from connectors.kinds.systems.clocks import local

FETCHED = 20_000
"""Rows that are in memory at once, as Python values."""


def bound(value: Any) -> Any:
    """A value to compare with, with its type: an instant stays one in a session of any time zone."""
    if isinstance(value, datetime):
        return sa.bindparam(None, value, type_=sa.DateTime(timezone=value.tzinfo is not None), unique=True)
    return sa.bindparam(None, value, unique=True)


class Session:
    """A connection to the database of a place, and what is asked over it."""

    def __init__(self, place: Place, connection: sa.Connection):
        self.place, self.connection = place, connection
        self.options: Any = place.options
        schema, _, name = place.path.rpartition(".")
        query = self.options.query
        self.source = sa.text(f"({_escaped(query.strip().rstrip(';'))}) asked") if query else sa.table(name, schema=schema or None)

    def cursor(self) -> Any:
        columns: list[Any] = [sa.column(name) for name in self.options.cursor]
        return sa.func.coalesce(*columns) if len(columns) > 1 else columns[0]

    def row(self, *what: Any, where: Any = None, order: Any = None, offset: int | None = None) -> Any:
        """The one row of a small question; None where there is none."""
        asked = self._select(*what, where=where, order=[] if order is None else [order])
        asked = asked.limit(1) if offset is not None else asked
        asked = asked.offset(offset) if offset else asked  # SQL Server takes no offset without an order
        with databases.answering(self._driver, self.options.timeout_s):
            return self.connection.execute(asked).first()

    def value(self, *what: Any, **how: Any) -> Any:
        found = self.row(*what, **how)
        return found[0] if found is not None else None

    def stream(self, condition: tuple[Any, Any]) -> Iterator[tuple[list[str], Sequence[Any]]]:
        """The rows of an answer with the names of their columns, some at a time; at least once, so that an empty one has columns."""
        where, order = condition
        what: list[Any] = [sa.column(name) for name in self.options.columns] or [sa.literal_column("*")]
        seconds = self.options.timeout_s
        with databases.answering(self._driver, seconds):
            result = self.connection.execution_options(stream_results=True).execute(self._select(*what, where=where, order=order))
            found: Sequence[Any] = result.fetchmany(1)
        names = list(result.keys())
        rows = databases.plain_rows(result)
        yield names, found
        while found:
            with databases.answering(self._driver, seconds):
                found = rows.fetchmany(FETCHED)
            yield names, found

    def types(self) -> dict[str, pa.DataType]:
        """Types that the database declares for the columns of a table; those of a query are known by their values."""
        if self.options.query:
            return {}
        declared = {name: _arrow(dtype) for name, dtype in databases.columns(self.connection, self.place.path).items()}
        return {name: dtype for name, dtype in declared.items() if dtype is not None}

    def in_its_clock(self, column: Any, moment: datetime) -> Any:
        """An instant as a column of times writes it."""
        shown = self.value(column, where=column.is_not(None), offset=0)
        if isinstance(shown, datetime) and shown.tzinfo:
            return moment
        plain = local(self.place, moment)
        return plain.isoformat(sep="T" if "T" in shown else " ") if isinstance(shown, str) else plain

    def _select(self, *what: Any, where: Any, order: Any) -> Any:
        asked = sa.select(*what).select_from(self.source)
        asked = asked.where(sa.text(f"({_escaped(self.options.where)})")) if self.options.where else asked
        return asked.where(where).order_by(*order) if where is not None else asked.order_by(*order)

    @property
    def _driver(self) -> Any:
        return self.connection.connection.driver_connection


def _escaped(sql: str) -> str:
    """SQL in which a colon is a colon, and no parameter."""
    return sql.replace(":", r"\:")


@contextmanager
def session(place: Place) -> Iterator[Session]:
    """A connection for the block. Whatever the database or its driver raise becomes a ReadError."""
    engine = databases.engine(place, place.options.timeout_s)
    try:
        with _connected(engine) as connection:
            try:
                yield Session(place, connection)
            except Exception:
                connection.invalidate()  # it may have been cut: nothing more is said over it
                raise
    except (SQLAlchemyError, TimeoutError, UnicodeDecodeError, engine.dialect.loaded_dbapi.Error) as error:
        kind = UnreachableError if databases.is_unreachable(error) else ReadError
        raise kind(_told(error, place)) from error


def _connected(engine: sa.Engine) -> sa.Connection:
    """A connection. Raises ReadError for a setting that the driver does not know."""
    try:
        return engine.connect()
    except TypeError as error:
        fix = f"connection: settings of {engine.driver}, beside user and password"
        raise ReadError(Problem("The driver of the database takes no such setting.", found=str(error)[:200], fix=fix)) from error


def _told(error: BaseException, place: Place) -> Problem:
    """The problem, with what is most like a table or a column that is not there."""
    found = databases.problem(error, place)
    meaning = databases.meaning(error)
    if meaning is None or not meaning.lacks:
        return found
    engine = databases.engine(place, place.options.timeout_s)
    try:
        with engine.connect() as connection:
            return _lacking(found, meaning.lacks, place, connection)
    except SQLAlchemyError:
        return found


def _lacking(found: Problem, lacks: str, place: Place, connection: sa.Connection) -> Problem:
    if lacks == "table":
        names = databases.tables(connection)
        near = closest(place.path, names)
        told = f"The table '{place.path}' is not in the database." if not place.options.query else found.message
        return Problem(told, found=listed(names) or "no table", closest=near, fix=f"path: {near or '<schema.table>'}")
    names = list(databases.columns(connection, place.path))
    for option, wanted in _named(place.options).items():
        for name in wanted:
            if names and name not in names:
                near = closest(name, names)
                told = f"The table '{place.path}' has no column '{name}'."
                return Problem(told, found=listed(names, 40), closest=near, fix=f"options.{option}: {near or '<a column of the table>'}")
    return found


def _named(options: Any) -> Mapping[str, tuple[str, ...]]:
    return {"cursor": options.cursor, "time": (options.time,) if options.time else (), "columns": options.columns, "order": options.order}


def _arrow(dtype: Any) -> pa.DataType | None:
    """The type of a column that the database declares; None where its values say it better."""
    generic = sa.types
    if isinstance(dtype, generic.Boolean):
        return pa.bool_()
    if isinstance(dtype, generic.Integer):
        return pa.int64()
    if isinstance(dtype, generic.Float):
        return pa.float64()
    if isinstance(dtype, generic.Numeric):
        fits = dtype.precision is not None and dtype.precision <= 38 and 0 <= (dtype.scale or 0) <= dtype.precision
        return pa.decimal128(dtype.precision, dtype.scale or 0) if fits else pa.large_string()
    if isinstance(dtype, generic.DateTime):
        return pa.timestamp("us", "UTC" if dtype.timezone else None)
    if isinstance(dtype, generic.Date):
        return pa.date32()
    if isinstance(dtype, generic.String | generic.JSON | generic.Uuid | generic.LargeBinary | generic.ARRAY):
        return pa.large_string()
    return None
