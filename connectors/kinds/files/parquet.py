"""Parquet (`kind: parquet`): tables with types, as other lakes, historians and data scientists hand them on.

Here: flat columns with the types that the file gives them. Elsewhere: what columns mean (`transforms`); folders that are one table
(Delta, Iceberg), which are no files and need a kind of their own.
"""

from __future__ import annotations

from pathlib import Path

import polars as pl
from polars import selectors

from connectors.contract import ROW, FileConnector
from connectors.errors import Problem, ReadError, closest, listed
from connectors.kinds.files.json_records import Texts
from connectors.kinds.files.lines import unique, unpatterned
from connectors.kinds.files.text import AGAIN
from connectors.strict import StrictModel

MAGIC, ENCRYPTED = b"PAR1", b"PARE"


class ParquetOptions(StrictModel):
    """Which columns are read. The file says everything else."""

    columns: Texts = ()
    """Columns that are read; default: all. Nested ones can be left out so."""
    nulls: tuple[str, ...] = ()
    """Texts that mean 'empty' in every column of text, such as NULL or '-'."""


class Parquet(FileConnector):
    """Reads Parquet files."""

    kind = "parquet"
    version = "1"
    Options = ParquetOptions
    suffixes = (".parquet", ".pq", ".parq")

    def read(self, path: Path, options: ParquetOptions, records: str = "rows") -> pl.LazyFrame:
        """Columns with their types, categories and UTF-8 bytes as text; row groups stream. See `connectors.contract`."""
        _refuse_other_files(path)
        frame = pl.scan_parquet(path, glob=False, hive_partitioning=False)
        try:
            schema = frame.collect_schema()
        except pl.exceptions.PolarsError as error:
            found = (str(error).splitlines() or [""])[0][:200]
            raise ReadError(Problem("The Parquet file cannot be read.", found=found, fix=AGAIN)) from error
        names = _chosen(schema, options)
        _refuse_nested({name: schema[name] for name in names}, schema)
        shown = unique([unpatterned(name) for name in names], taken=(ROW,))
        columns = [_column(name, schema[name], options).alias(new) for name, new in zip(names, shown, strict=True)]
        return frame.select(columns).with_row_index(ROW, offset=1).with_columns(pl.col(ROW).cast(pl.Int64))


def _refuse_other_files(path: Path) -> None:
    """Raises ReadError for what is empty, cut off, encrypted or no Parquet, and for a damaged footer."""
    import pyarrow
    from pyarrow import parquet

    size = path.stat().st_size
    if not size:
        raise ReadError(Problem("The file is empty.", found="0 bytes", fix=AGAIN))
    with path.open("rb") as file:
        head = file.read(4)
        file.seek(max(size - 4, 0))
        tail = file.read(4)
    if ENCRYPTED in (head, tail):
        raise ReadError(Problem("The Parquet file is encrypted.", fix="let the plant write it without encryption"))
    if head != MAGIC:
        fix = "kind: <the kind for this format>, such as delimited or json"
        raise ReadError(Problem("The file is no Parquet.", found=repr(head), fix=fix))
    if tail != MAGIC or size < 12:
        raise ReadError(Problem("The Parquet file is truncated: its end is missing.", found=f"{size} bytes", fix=AGAIN))
    try:
        parquet.read_metadata(path)
    except (pyarrow.ArrowException, OSError) as error:
        raise ReadError(Problem("The Parquet file is damaged.", found=str(error)[:200], fix=AGAIN)) from error


def _chosen(schema: pl.Schema, options: ParquetOptions) -> list[str]:
    names = list(options.columns) or schema.names()
    lost = next((name for name in names if name not in schema), None)
    if lost:
        near = closest(lost, schema.names())
        fix = f"options.columns: {near or '<columns of the file>'}"
        raise ReadError(Problem(f"The file has no column '{lost}'.", found=listed(schema.names(), 40), closest=near, fix=fix))
    if not names:
        raise ReadError(Problem("The file has no columns.", fix=AGAIN))
    return names


def _refuse_nested(columns: dict[str, pl.DataType], schema: pl.Schema) -> None:
    nested = [f"{name} ({dtype})" for name, dtype in columns.items() if dtype.is_nested() or dtype == pl.Object]
    if nested:
        flat = [name for name, dtype in schema.items() if not dtype.is_nested() and dtype != pl.Object]
        told = "Nested columns cannot be mapped."
        fix = f"options.columns: [{', '.join(flat)}], or let the plant write one column a field"
        raise ReadError(Problem(told, found=listed(nested, 5)[:300], fix=fix))


def _column(name: str, dtype: pl.DataType, options: ParquetOptions) -> pl.Expr:
    """A column as it is; what stands for text becomes text. Bytes that are no UTF-8 fail when they stream by."""
    column = selectors.by_name(name).as_expr()
    if dtype in (pl.Categorical, pl.Enum, pl.Binary, pl.Null):
        column, dtype = column.cast(pl.String), pl.String()
    return pl.when(~column.is_in(options.nulls)).then(column) if dtype == pl.String and options.nulls else column


CONNECTOR = Parquet()
