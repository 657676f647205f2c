"""Delta tables (`kind: delta`): what another lake, Databricks or Fabric, holds of a plant.

Here: which version of a table is still to be asked for, and its rows as one file. Elsewhere: the log and the files (deltalake), stores and
their settings (`connectors.places.buckets`), reading what was written (`connectors.kinds.systems.answers`). plantlake's own tables are
none of these: `pipelines.silver`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated, Any, Literal

import pyarrow as pa
from pyarrow import parquet

from connectors.contract import Export, Place
from connectors.errors import Problem, ReadError, UnreachableError, closest, listed
from connectors.kinds.systems.answers import LEVEL, TEXT, Answers, as_text
from connectors.places import buckets
from connectors.places.base import Reached, settings, shown, without_secrets
from connectors.strict import Asking, Duration, StrictModel, Texts
from connectors.windows import Asked, question_of, read_name

FEED = ("_change_type", "_commit_version", "_commit_timestamp")
"""Columns that a change data feed adds."""
STORES: dict[str, tuple[type[Any], dict[str, str]]] = {
    "s3": (buckets.S3Settings, {
        "access_key": "AWS_ACCESS_KEY_ID", "secret_key": "AWS_SECRET_ACCESS_KEY", "session_token": "AWS_SESSION_TOKEN",
        "region": "AWS_REGION", "endpoint": "AWS_ENDPOINT_URL", "anonymous": "AWS_SKIP_SIGNATURE",
    }),
    "abfs": (buckets.AzureSettings, {
        "account": "AZURE_STORAGE_ACCOUNT_NAME", "account_key": "AZURE_STORAGE_ACCOUNT_KEY", "sas_token": "AZURE_STORAGE_SAS_TOKEN",
        "tenant": "AZURE_TENANT_ID", "client": "AZURE_CLIENT_ID", "client_secret": "AZURE_CLIENT_SECRET", "endpoint": "AZURE_ENDPOINT",
    }),
    "gs": (buckets.GoogleSettings, {"anonymous": "GOOGLE_SKIP_SIGNATURE"}),
}  # fmt: skip
"""Settings of a store in plantlake's words, and what deltalake calls them."""
STORES |= {"s3a": STORES["s3"], "az": STORES["abfs"], "abfss": STORES["abfs"], "gcs": STORES["gs"]}


class DeltaOptions(StrictModel):
    """What is asked of a table. None of it changes how an answer reads."""

    changes: Annotated[Literal["whole", "appended", "feed"], Asking] = "whole"
    """whole: each new version; appended: the rows that were added, where nothing else was; feed: the table's change data feed."""
    columns: Annotated[Texts, Asking] = ()
    """Columns that are asked for; default: all."""
    where: Annotated[str | None, Asking] = None
    """A condition in SQL that every row meets, such as site = 'TUL'; with changes: whole."""
    every: Annotated[Duration | None, Asking] = None
    """Least time between two questions; default: each new version."""


class Delta(Answers):
    """Asks Delta tables."""

    kind = "delta"
    version = "1"
    Options = DeltaOptions

    def discover(self, place: Place) -> Iterator[Export]:
        """The newest version of the table, where it is not the one that was asked for last."""
        now, last = datetime.now(UTC), read_name(place.last) if place.last else None
        if last and now - last.asked < (place.options.every or timedelta(0)):
            return
        with _told(place):
            version = _table(place, without_files=True).version()
        before = _versions(last.cursor)[1] if last else None
        if version == before:
            return
        since = f"v{before}.." if before is not None and before < version and place.options.changes != "whole" else ""
        yield Export(f"{place.root}/{place.path}", Asked(place.path, now, cursor=f"{since}v{version}").name)

    def fetch(self, export: Export, place: Place, target: Path) -> None:
        """Writes a version of the table, or what came since another, as one file."""
        since, version = _versions(question_of(export.name).cursor)
        with _told(place):
            table = _table(place, version)
            _write(_changes(table, since, version, place), target)


def _versions(cursor: str) -> tuple[int | None, int]:
    """From which version to which an answer tells; from none where it is the whole table.

    >>> _versions("v12"), _versions("v3..v12")
    ((None, 12), (3, 12))
    """
    found = re.fullmatch(r"(?:v(\d+)\.\.)?v(\d+)", cursor)
    if not found:
        raise ReadError(Problem("The name tells of no version.", found=cursor, actor="us"))
    return int(found[1]) if found[1] else None, int(found[2])


# --- asking -------------------------------------------------------------------------------------------------------------------------


def _table(place: Place, version: int | None = None, *, without_files: bool = False) -> Any:
    from deltalake import DeltaTable

    return DeltaTable(_uri(place), version=version, storage_options=_stored(place), without_files=without_files)


def _uri(place: Place) -> str:
    """Where the table is; 'gold/stops' below the root, or '.' for the root itself."""
    below = place.path.strip("/").removeprefix("./")
    return place.root.rstrip("/") if below in {"", "."} else f"{place.root.rstrip('/')}/{below}"


def _stored(place: Place) -> dict[str, str]:
    """The settings of the store as deltalake names them; of others as they stand."""
    scheme = place.root.partition("://")[0] if "://" in place.root else ""
    if scheme not in STORES:
        return {key: str(value) for key, value in place.connection.items()} if scheme else {}
    model, names = STORES[scheme]
    given = settings(place, model)
    foreign = [key for key in model.model_fields if key not in names and key not in Reached.model_fields and getattr(given, key)]
    if foreign:
        fix = f"connection: {listed(sorted(names))}, or what the cloud itself looks for (its environment variables)"
        raise ReadError(Problem(f"deltalake has no setting for '{foreign[0]}'.", found=listed(foreign), fix=fix))
    waits = {"timeout": f"{given.timeout_s:g}s", "connect_timeout": "10s", "max_retries": str(given.attempts - 1), "retry_timeout": "60s"}
    found = {theirs: str(value) for ours, theirs in names.items() if (value := getattr(given, ours, None)) not in {None, False}}
    is_plain = str(getattr(given, "endpoint", None) or "").startswith("http://")
    return waits | found | ({"allow_http": "true"} if is_plain else {})


def _changes(table: Any, since: int | None, version: int, place: Place) -> pa.RecordBatchReader:
    """The rows of an answer, some at a time."""
    options: DeltaOptions = place.options
    columns = _columns(table, options)
    if options.changes == "feed":
        return _feed(table, since, version, columns)
    if since is not None and not options.where and (added := _added(table, since, place)) is not None:
        return added.scanner(columns=columns).to_reader()
    return table.scan(columns=columns, predicate=options.where)


def _columns(table: Any, options: DeltaOptions) -> list[str]:
    """The columns that are asked for. Raises ReadError for one that the table does not have."""
    known = [field.name for field in table.schema().fields]
    lost = next((name for name in options.columns if name not in known), None)
    if lost:
        near = closest(lost, known)
        fix = f"options.columns: {near or '<columns of the table>'}"
        raise ReadError(Problem(f"The table has no column '{lost}'.", found=listed(known, 40), closest=near, fix=fix))
    return list(options.columns) or known


def _feed(table: Any, since: int | None, version: int, columns: list[str]) -> Any:
    """What changed after a version; of the first answer everything, as if it had just been inserted."""
    if since is not None:
        return table.load_cdf(starting_version=since + 1, ending_version=version, columns=[*columns, *FEED])
    rows = pa.RecordBatchReader.from_stream(table.scan(columns=columns))
    at = datetime.now(UTC)
    types = (pa.string(), pa.int64(), pa.timestamp("us", "UTC"))
    schema = pa.schema([*rows.schema, *(pa.field(name, dtype) for name, dtype in zip(FEED, types, strict=True))])
    told = [pa.scalar(value, dtype) for value, dtype in zip(("insert", version, at), types, strict=True)]
    batches = (pa.record_batch([*batch.columns, *(pa.repeat(value, len(batch)) for value in told)], schema=schema) for batch in rows)
    return pa.RecordBatchReader.from_batches(schema, batches)


def _added(table: Any, since: int, place: Place) -> Any:
    """The files that came after a version, as one set of rows; None where it is gone, or where rows went since."""
    from deltalake.exceptions import DeltaError
    from pyarrow import dataset

    try:
        before = set(_table(place, since).file_uris())
        if before - set(table.file_uris()):
            return None
        known = {str(path).rpartition("/")[2] for path in before}
        whole = table.to_pyarrow_dataset(as_large_types=True)
    except DeltaError:  # a log that was cleaned up, deletion vectors
        return None
    new = [part for part in whole.get_fragments() if part.path.rpartition("/")[2] not in known]
    return dataset.FileSystemDataset(new, whole.schema, whole.format, whole.filesystem)


# --- the answer ---------------------------------------------------------------------------------------------------------------------


def _write(rows: Any, target: Path) -> None:
    """Rows as one file, batch by batch; what a column of a plant file cannot hold is text."""
    rows = pa.RecordBatchReader.from_stream(rows)
    schema = pa.schema([(field.name, _plain(field.type)) for field in rows.schema])
    with parquet.ParquetWriter(target, schema, compression="zstd", compression_level=LEVEL) as out:
        for batch in rows:
            arrays = [_column(column, dtype) for column, dtype in zip(batch.columns, schema.types, strict=True)]
            out.write_batch(pa.record_batch(arrays, schema=schema))


def _is_text(dtype: pa.DataType) -> bool:
    """Whether values are written as text: bytes in hex, structs, lists and maps in JSON."""
    binary = (pa.types.is_binary, pa.types.is_large_binary, pa.types.is_binary_view, pa.types.is_fixed_size_binary)
    return pa.types.is_nested(dtype) or any(is_kind(dtype) for is_kind in binary)


def _plain(dtype: pa.DataType) -> pa.DataType:
    if pa.types.is_dictionary(dtype):
        return _plain(dtype.value_type)
    words = (pa.types.is_string, pa.types.is_string_view, pa.types.is_null)
    return TEXT if _is_text(dtype) or any(is_kind(dtype) for is_kind in words) else dtype


def _column(column: pa.Array, dtype: pa.DataType) -> pa.Array:
    if _is_text(column.type):
        return pa.array([as_text(value) for value in column.to_pylist()], TEXT)
    return column if column.type == dtype else column.cast(dtype)


# --- what is wrong --------------------------------------------------------------------------------------------------------------------

GONE = re.compile(r"not found|NoSuchKey|No such file|404", re.IGNORECASE)
SILENT = re.compile(r"error sending request|timed? ?out|connection refused|dns error|connect error|operation timed", re.IGNORECASE)
REFUSED = re.compile(
    r"\b40[13]\b|AccessDenied|InvalidAccessKey|SignatureDoesNotMatch|Unauthenticated|Unauthorized|Forbidden", re.IGNORECASE
)


@contextmanager
def _told(place: Place) -> Iterator[None]:
    """Whatever deltalake raises inside becomes a ReadError."""
    from deltalake.exceptions import DeltaError, DeltaProtocolError, TableNotFoundError

    try:
        yield
    except TableNotFoundError as error:
        raise ReadError(_no_table(place)) from error
    except DeltaProtocolError as error:
        fix = "let the plant share a table without it, or upgrade plantlake"
        raise ReadError(Problem("The table uses what cannot be read here.", found=_short(error, place), fix=fix)) from error
    except (DeltaError, OSError, pa.ArrowException, ValueError, RuntimeError) as error:
        if SILENT.search(str(error)):
            told, fix = "The store of the table does not answer.", "is the store running, and are `root:` and connection.endpoint right?"
            raise UnreachableError(Problem(told, found=_short(error, place), fix=fix, actor="retry")) from error
        raise ReadError(_problem(str(error), _short(error, place))) from error


def _problem(whole: str, text: str) -> Problem:
    """What the message of an error means; `text` is what is shown of it."""
    if REFUSED.search(whole):
        fix = "connection: {access_key: {env: NAME}, secret_key: {env: NAME}}, or let its owner grant reading"
        return Problem("The store refuses the user.", found=text, fix=fix)
    if re.search("table version", whole, re.IGNORECASE):
        fix = "options.changes: whole, at least for the next refresh"
        return Problem("The table's log tells no more of what came since the last answer.", found=text, fix=fix)
    if GONE.search(whole):
        fix = "none: the next refresh asks for the version of then"
        return Problem("A file of the table is gone: it was vacuumed while it was read.", found=text, fix=fix, actor="retry")
    return Problem("The table cannot be read.", found=text, fix="options of the source, or ask whoever writes the table")


def _no_table(place: Place) -> Problem:
    """There is no table; in a local folder with the tables that are there."""
    root = Path(place.root)
    tables: list[str] = []
    if "://" not in place.root and root.is_dir():
        tables = sorted(str(log.parent.relative_to(root)) for depth in ("", "*/", "*/*/") for log in root.glob(f"{depth}_delta_log"))
    near = closest(place.path, tables)
    fix = f"path: {near or '<folder of a table below the root>'}"
    return Problem(f"There is no Delta table '{place.path}' in {shown(place.root)}.", found=listed(tables) or None, closest=near, fix=fix)


def _short(error: BaseException, place: Place) -> str:
    return without_secrets(" ".join(str(error).split()), place.connection)[:300]


CONNECTOR = Delta()
