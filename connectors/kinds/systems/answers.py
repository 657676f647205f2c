"""What kinds that ask a system share: their answers are Parquet files that plantlake wrote itself, and how their rows are written.

Here: reading an answer, and writing one from rows of Python values with the types kept. Elsewhere: what is asked (`sql`, `delta`,
`opcua_ha`), Parquet as plants deliver it (`connectors.kinds.files.parquet`), names of answers (`connectors.windows`).
"""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from operator import attrgetter
from pathlib import Path
from typing import Any, ClassVar

import polars as pl
import pyarrow as pa
from pyarrow import parquet

from connectors.contract import Original, as_read
from connectors.kinds.files.lines import unique
from connectors.kinds.files.parquet import Parquet, ParquetOptions

TEXT = pa.large_string()
LEVEL = 1
"""zstd: bronze compresses the file again, which then costs little."""
TYPES: dict[type, pa.DataType] = {
    bool: pa.bool_(), int: pa.int64(), float: pa.float64(), date: pa.date32(), time: pa.time64("us"), timedelta: pa.duration("us"),
    str: TEXT,
}  # fmt: skip
"""Types of columns by their values. A number of which nothing but its digits is known stays text: Decimal."""
REFUSED = (pa.ArrowException, OverflowError, ValueError, TypeError)
"""What Arrow raises for a value that its type does not hold."""


class Answers:
    """The reading half of a kind whose answers `Rows` wrote."""

    records: ClassVar[tuple[str, ...]] = ("rows",)
    record_pattern: ClassVar[str | None] = None
    suffixes: ClassVar[tuple[str, ...]] = ()
    """None: no file that a plant delivers is an answer."""

    def read(self, path: Path, options: Any, records: str = "rows") -> pl.LazyFrame:
        """The rows as the system gave them, with its types. See `connectors.contract`."""
        return Parquet().read(path, ParquetOptions())

    def originals(self, path: Path, options: Any, records: str, rows: Collection[int]) -> Mapping[int, Original]:
        """Rows of the answer in JSON: a system has no lines of text."""
        return as_read(self.read(path, options, records), rows, "row")


class Rows:
    """An answer that is being written, some rows at a time, in bounded memory.

    A column has the type that is declared for it, else that of its first values. Where a value does not fit it, the column becomes
    text, digit for digit, those of its values included that are written already: nothing is rounded, cut or refused.
    """

    def __init__(self, target: Path, names: Sequence[str], declared: Mapping[str, pa.DataType] | None = None):
        self.target = target
        self.rows = 0
        self._types: list[pa.DataType | None] = [(declared or {}).get(name) for name in names]
        self._names = unique(list(names))
        self._writer: parquet.ParquetWriter | None = None

    def add(self, rows: Sequence[Sequence[Any]]) -> None:
        """Writes rows of values in the order of the columns."""
        arrays = [self._column(number, values) for number, values in enumerate(zip(*rows, strict=True))]
        self._open().write_batch(pa.record_batch(arrays, schema=self._schema()))
        self.rows += len(rows)

    def close(self) -> None:
        """The file is whole; without any row it has its columns."""
        self._open().close()

    def _schema(self) -> pa.Schema:
        return pa.schema([(name, dtype or TEXT) for name, dtype in zip(self._names, self._types, strict=True)])

    def _open(self) -> parquet.ParquetWriter:
        if self._writer is None:
            self._types = [dtype or TEXT for dtype in self._types]
            self._writer = parquet.ParquetWriter(self.target, self._schema(), compression="zstd", compression_level=LEVEL)
        return self._writer

    def _column(self, number: int, values: Sequence[Any]) -> pa.Array:
        dtype, found = self._types[number], _type_of(values)
        is_first = self._writer is None
        if dtype is None or (is_first and found and pa.types.is_timestamp(dtype) and pa.types.is_timestamp(found)):
            self._types[number] = dtype = found  # whether times have a zone is what they themselves say
        try:
            return _array(values, dtype or TEXT)
        except REFUSED:
            self._become_text(number)
            return _array(values, TEXT)

    def _become_text(self, number: int) -> None:
        self._types[number] = TEXT
        if self._writer is None:
            return
        self._writer.close()
        before = self.target.with_name(f"{self.target.name}.before")
        self.target.replace(before)
        self._writer = parquet.ParquetWriter(self.target, self._schema(), compression="zstd", compression_level=LEVEL)
        with parquet.ParquetFile(before) as file:
            for batch in file.iter_batches():
                values = _array(batch.column(number).to_pylist(), TEXT)
                self._writer.write_batch(batch.set_column(number, pa.field(self._names[number], TEXT), values))
        before.unlink()


def _type_of(values: Sequence[Any]) -> pa.DataType | None:
    """The type of a column by its values; None where there are none yet."""
    first = next((value for value in values if value is not None), None)
    if first is None:
        return None
    if isinstance(first, datetime):
        return pa.timestamp("us", "UTC" if first.tzinfo else None)
    return TYPES.get(type(first), TEXT)


def _array(values: Sequence[Any], dtype: pa.DataType) -> pa.Array:
    """Values as a column. Raises one of REFUSED where a value would have to change."""
    kinds = set(map(type, values)) - {type(None)}
    if dtype == TEXT:
        return pa.array(values if kinds <= {str} else [as_text(value) for value in values], TEXT)
    if not kinds <= _allowed(dtype):
        raise TypeError(f"{kinds} is no {dtype}")
    if kinds & {datetime, time}:
        naive = {zone is None for zone in set(map(attrgetter("tzinfo"), filter(None, values)))}
        if naive != {not getattr(dtype, "tz", None)}:
            raise TypeError("times with and without a zone, or of day with an offset")
    return pa.array(values, dtype)


def _allowed(dtype: pa.DataType) -> set[type]:
    """Types of values that a column takes as they are."""
    if pa.types.is_timestamp(dtype):
        return {datetime}
    if pa.types.is_decimal(dtype):
        return {Decimal, int}
    return {kind for kind, own in TYPES.items() if own == dtype}


def as_text(value: Any) -> str | None:
    """One value as text without loss: bytes in hex, arrays and objects in JSON, numbers with all their digits.

    >>> as_text(Decimal("1E+3")), as_text(b"\\x00\\xff"), as_text([1, None, Decimal("2.50")]), as_text(True)
    ('1000', '00ff', '[1, null, "2.50"]', 'true')
    """
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, Decimal):
        return format(value, "f")
    if isinstance(value, bytes | bytearray | memoryview):
        return bytes(value).hex()
    if isinstance(value, dict | list | tuple):
        return json.dumps(value, default=as_text, ensure_ascii=False)
    return value.isoformat(sep=" ") if isinstance(value, datetime) else repr(value) if isinstance(value, float) else str(value)
