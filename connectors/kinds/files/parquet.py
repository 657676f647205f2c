"""Parquet (`kind: parquet`): tables with types, as other lakes, historians and data scientists hand them on.

Here: flat columns with the types that the file gives them. Elsewhere: what columns mean (`transforms`); folders that are one table
(Delta, Iceberg), which are no files and need a kind of their own.

The file is read by Arrow and written anew beside the export: on a damaged one polars 2.1 panics, or asks for more memory than there is
and takes the whole process with it (2026-11), where Arrow raises an error.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import polars as pl
import pyarrow as pa
from pyarrow import parquet

from connectors.contract import ROW, FileConnector
from connectors.errors import Problem, ReadError, closest, listed
from connectors.kinds.files.lines import unique
from connectors.kinds.files.text import AGAIN
from connectors.strict import StrictModel, Texts

MAGIC, ENCRYPTED = b"PAR1", b"PARE"
BATCH = 1 << 17
DAMAGE = (pa.ArrowException, OSError, ValueError, OverflowError, KeyError)
"""What Arrow raises, depending on where the damage is."""


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
        """Columns with their types, categories and UTF-8 bytes as text; batches stream. See `connectors.contract`."""
        _refuse_other_files(path)
        try:
            file = parquet.ParquetFile(path)
        except DAMAGE as error:
            raise _damaged(error) from error
        types = dict(zip(file.schema_arrow.names, file.schema_arrow.types, strict=True))
        names = _chosen(list(file.schema_arrow.names), options)
        _refuse_nested(types, names)
        shown = unique(names, taken=(ROW,))
        target = path.with_name(f"{path.name}.records")
        schema = pa.schema([(new, _plain(types[name])) for name, new in zip(names, shown, strict=True)])
        _rewrite(file, names, schema, target)
        frame = pl.scan_parquet(target, glob=False, hive_partitioning=False)
        if options.nulls:
            text = pl.col(pl.String)
            frame = frame.with_columns(pl.when(~text.is_in(options.nulls)).then(text))
        return frame.with_row_index(ROW, offset=1).with_columns(pl.col(ROW).cast(pl.Int64))


def _refuse_other_files(path: Path) -> None:
    """Raises ReadError for what is empty, cut off, encrypted or no Parquet."""
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


def _damaged(error: BaseException) -> ReadError:
    return ReadError(Problem("The Parquet file is damaged.", found=(str(error).splitlines() or [type(error).__name__])[0][:200], fix=AGAIN))


def _chosen(found: list[str], options: ParquetOptions) -> list[str]:
    names = list(options.columns) or found
    if not names:
        raise ReadError(Problem("The file has no columns.", fix=AGAIN))
    lost = next((name for name in names if name not in found), None)
    if lost:
        near = closest(lost, found)
        fix = f"options.columns: {near or '<columns of the file>'}"
        raise ReadError(Problem(f"The file has no column '{lost}'.", found=listed(found, 40), closest=near, fix=fix))
    twice = next((name for name in names if found.count(name) > 1), None)
    if twice is not None:
        fix = "options.columns: <the others>, or let the plant name each column once"
        raise ReadError(Problem(f"The file has several columns '{twice}'.", found=listed(found, 40), fix=fix))
    return names


def _refuse_nested(types: dict[str, Any], names: list[str]) -> None:
    nested = [f"{name} ({types[name]})" for name in names if pa.types.is_nested(types[name])]
    if nested:
        flat = [name for name, dtype in types.items() if not pa.types.is_nested(dtype)]
        fix = f"options.columns: [{', '.join(flat)}], or let the plant write one column a field"
        raise ReadError(Problem("Nested columns cannot be mapped.", found=listed(nested, 5)[:300], fix=fix))


def _plain(dtype: Any) -> Any:
    """The type of a column in the frame: bytes are text, because older writers do not mark text as such."""
    if pa.types.is_dictionary(dtype):
        return _plain(dtype.value_type)
    if isinstance(dtype, pa.BaseExtensionType):
        return _plain(dtype.storage_type)
    kinds = (pa.types.is_binary, pa.types.is_large_binary, pa.types.is_binary_view, pa.types.is_fixed_size_binary, pa.types.is_null)
    return pa.large_string() if any(is_kind(dtype) for is_kind in kinds) else dtype


def _rewrite(file: Any, names: list[str], schema: Any, target: Path) -> None:
    """Writes the columns to a whole file, batch by batch. Raises ReadError for damage, and for bytes that are no text."""
    try:
        with parquet.ParquetWriter(target, schema, compression="lz4") as out:
            for batch in file.iter_batches(batch_size=BATCH, columns=names):
                arrays = [_cast(batch.column(name), name, dtype) for name, dtype in zip(names, schema.types, strict=True)]
                out.write_batch(pa.record_batch(arrays, schema=schema))
    except DAMAGE as error:
        raise _damaged(error) from error


def _cast(column: Any, name: str, dtype: Any) -> Any:
    found = column if column.type == dtype else _plainly(column, name, dtype)
    found.validate(full=True)  # Arrow does not look whether a text is UTF-8 while it reads
    return found


def _plainly(column: Any, name: str, dtype: Any) -> Any:
    try:
        plain = column.storage if isinstance(column.type, pa.BaseExtensionType) else column
        plain = plain.cast(pa.large_binary()) if pa.types.is_fixed_size_binary(plain.type) else plain
        return plain.cast(dtype)
    except pa.ArrowException as error:
        told, fix = f"The bytes of the column '{name}' are no text.", "options.columns: <all other columns>"
        raise ReadError(Problem(told, found=str(column.type), fix=fix)) from error


CONNECTOR = Parquet()
