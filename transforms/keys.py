"""Stable keys and row hashes: the same record gets the same id on every machine, in every version, at every load.

Here: `stable_id` and `row_hash`, both sha256, as polars expressions. Elsewhere: which columns are the natural key of a table
(`transforms.tables`), how versions with equal or different hashes become revisions (`transforms.revisions`).

Why DuckDB computes the sha256: polars has none, and its own `.hash()` changes between versions. A million texts of 20 characters
take 0.13 s in DuckDB on two cores and 0.8 s in `hashlib`; a faster, non-cryptographic hash would save a tenth of a second and
cost a second notion of "the same".
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import TYPE_CHECKING

import polars as pl

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

SEPARATOR = "\x1f"
ID_LENGTH = 16
HASH_LENGTH = 32


def stable_id(plant_id: str, namespace: str, parts: Sequence[pl.Expr]) -> pl.Expr:
    """The surrogate key of a record: the first 16 hex digits of sha256 (specification 3.2, rule 1).

    Hashed are plant_id, namespace and parts, joined with U+001F; each part is trimmed and in Unicode NFC, case and leading zeros
    kept. An absent part keeps its place; a blank one counts as absent; the id is null when all parts are absent. Parts should be
    text: what else is given takes polars' own text form.

    >>> frame = pl.DataFrame({"unit": [" P-01", "p-01", None]})
    >>> frame.select(stable_id("acme", "equipment", [pl.col("unit")]).alias("id"))["id"].to_list()
    ['ff04cf88ca98a02a', '331c263f198b98b1', None]
    """
    head = SEPARATOR.join((plant_id, namespace, ""))
    texts = [part.cast(pl.String).str.strip_chars().fill_null("") for part in parts]
    text = pl.concat_str(texts, separator=SEPARATOR)
    present = text.str.len_bytes() > len(parts) - 1  # more than the separators
    return pl.when(present).then(pl.lit(head) + text).map_batches(_hash_text, return_dtype=pl.String, is_elementwise=True)


def row_hash(columns: Sequence[str]) -> pl.Expr:
    """A hash of the business columns of a row, 32 hex digits; equal rows have equal hashes whatever the order of `columns`.

    Hashed are `name=value` of the columns that are not null, by name: a column that a later version adds does not change the hash
    of rows that do not have it. Values are written in a form that no version of polars changes: times as microseconds since
    1970, dates as days, floats by their bits (-0.0 as 0.0), decimals without trailing zeros.
    """
    return pl.struct(sorted(columns)).map_batches(_hash_rows, return_dtype=pl.String, is_elementwise=True)


def salted_hash(salt: str, text: pl.Expr) -> pl.Expr:
    """What is kept of the name of a person or a customer: 32 hex digits of sha256 over salt and text; null stays null.

    >>> pl.DataFrame({"who": ["Jane", None]}).select(salted_hash("s", pl.col("who")).alias("h"))["h"].to_list()
    ['95442c5a25149b156aebbed8373afc1a', None]
    """
    said = pl.when(text.is_not_null()).then(pl.lit(salt + SEPARATOR) + text)
    return said.map_batches(lambda texts: _sha256(texts, HASH_LENGTH), return_dtype=pl.String, is_elementwise=True)


@cache
def _database() -> DuckDBPyConnection:
    import duckdb

    return duckdb.connect()


def _hash_rows(rows: pl.Series) -> pl.Series:
    frame = rows.struct.unnest()
    texts = [pl.lit(f"{name}=") + _as_text(name, dtype) for name, dtype in frame.schema.items()]
    text = frame.select(pl.concat_str(texts, separator=SEPARATOR, ignore_nulls=True)).to_series()
    return _sha256(text, HASH_LENGTH).alias(rows.name)


def _as_text(name: str, dtype: pl.DataType) -> pl.Expr:
    value = pl.col(name)
    if isinstance(dtype, pl.Datetime):
        value = value.dt.timestamp("us")
    elif dtype.is_temporal():
        value = value.to_physical()
    elif dtype.is_float():  # the two zeros are one, and any NaN is the same NaN
        number = value.cast(pl.Float64).fill_nan(float("nan"))
        value = pl.when(number == 0.0).then(0.0).otherwise(number).reinterpret(dtype=pl.Int64)
    elif isinstance(dtype, pl.List):
        value = value.cast(pl.List(pl.String)).list.eval(pl.element().fill_null("")).list.join("\x1e")
    text = value.cast(pl.String)
    return text.str.replace(r"(\.\d*?)0+$", "$1").str.strip_suffix(".") if dtype.is_decimal() else text


def _hash_text(text: pl.Series) -> pl.Series:
    ascii_only = text.str.len_bytes().sum() == text.str.len_chars().sum()
    # U+001F combines with nothing, so the joined text may be normalized as a whole; ASCII is normal as it is.
    return _sha256(text if ascii_only else text.str.normalize("NFC"), ID_LENGTH)


def _sha256(text: pl.Series, length: int) -> pl.Series:
    if not len(text):
        return pl.Series(text.name, [], dtype=pl.String)
    with _database().cursor() as connection:  # a cursor each: polars calls from several threads
        connection.register("texts", text.alias("text").to_frame().to_arrow())
        hashed = connection.sql(f"SELECT left(sha256(text), {length}) AS hash FROM texts").to_arrow_table()
    return pl.DataFrame(hashed).to_series().alias(text.name)
