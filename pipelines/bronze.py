"""The bronze layer: the original bytes of every export by their hash, and its records as delivered in Parquet.

Here: storing, giving back and parsing. Both stores are immutable and keyed by content, so that writing again is a no-op, and a
process that is killed leaves at most a file in `lake.scratch` that nobody reads. Elsewhere: what was delivered when and by whom
(`pipelines.ledger`), how a format is read (`connectors.kinds`), what the records mean (`transforms`).
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import uuid
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any

import zstandard
from polars.exceptions import PolarsError

from connectors import registry
from connectors.changes import reads_as
from connectors.contract import Connector, Export, FileConnector, Place
from connectors.errors import PlantlakeError, Problem, ReadError
from connectors.models import PlantFile
from connectors.strict import BESIDE
from pipelines import disk
from pipelines.lake import Lake

if TYPE_CHECKING:
    from connectors.portfolio import Portfolio

LEVEL = 1
"""zstd: on a 150 MB CSV and two cores, level 1 stored 480 MB/s at 3.6 : 1, level 3 370 MB/s at 3.8 : 1."""
_CHUNK = 4 << 20


@dataclass(frozen=True, slots=True)
class Landed:
    """One export in bronze: its bytes, and the Parquet file of each record set that could be read."""

    sha256: str
    size: int
    batch_id: str
    parsed: dict[str, Path] = field(default_factory=dict)
    layout: dict[str, str] = field(default_factory=dict)
    """What the connector found of the file itself."""
    failed: dict[str, PlantlakeError] = field(default_factory=dict)
    """Record sets that could not be read, and why; the bytes are kept all the same."""

    def records(self, name: str = "rows") -> Path:
        """The Parquet file of a record set. Raises the error with which reading it failed."""
        if name in self.failed:
            raise self.failed[name]
        return self.parsed[name]


def batch_id(connector: Connector, sha256: str) -> str:
    """The id of a delivery: a hash of the bytes and of the connector's version (specification 3.2, rule 3)."""
    return hashlib.sha256(f"{sha256}|{connector.kind}|{connector.version}".encode()).hexdigest()[:32]


def sha256_of(path: Path) -> str:
    """The sha256 of a file's bytes."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def options_of(portfolio: Portfolio, plant: PlantFile, source_id: str, name: str) -> tuple[Any, str]:
    """How an export reads: the options of the kind with files beside its exports resolved, and a hash of what those hold.

    Raises ReadError when such a file is not there.
    """
    source = reads_as(plant, plant.sources[source_id], name)
    given, hashes = dict(source.options), []
    kind = registry.connector(source.kind)
    for option, field_info in kind.Options.model_fields.items():
        if BESIDE in field_info.metadata and given.get(option):
            path = Path(portfolio.source_root(plant, source_id)) / str(given[option])
            if not path.is_file():
                fix = f"plants/{plant.plant}.yaml → sources.{source_id}.options.{option}"
                raise ReadError(Problem(f"The file that options.{option} names is not there.", found=str(path), fix=fix))
            given[option] = str(path)
            hashes.append(sha256_of(path))
    return kind.Options.model_validate(given), "|".join(hashes)


def object_path(lake: Lake, sha256: str) -> Path:
    return lake.objects / sha256[:2] / f"{sha256}.zst"


def store(lake: Lake, path: Path) -> tuple[str, int, Path]:
    """Keeps the bytes of a file: (sha256, size, where). One pass hashes and compresses; bytes that are there stay untouched."""
    digest, size = hashlib.sha256(), 0
    lake.scratch.mkdir(parents=True, exist_ok=True)
    part = lake.scratch / f"{uuid.uuid4().hex}.part"
    try:
        compressor = zstandard.ZstdCompressor(level=LEVEL, threads=min(4, os.cpu_count() or 1), write_checksum=True)
        with path.open("rb") as source, part.open("wb") as target, compressor.stream_writer(target, closefd=False) as writer:
            while chunk := source.read(_CHUNK):
                size += len(chunk)
                digest.update(chunk)
                writer.write(chunk)
        target_path = object_path(lake, digest.hexdigest())
        if not target_path.exists():
            with lake.half_written(target_path) as ready:
                part.replace(ready)
    finally:
        part.unlink(missing_ok=True)
    return digest.hexdigest(), size, target_path


@contextmanager
def original(lake: Lake, sha256: str, name: str = "original", folder: Path | None = None) -> Iterator[Path]:
    """A local file with the original bytes, for the block. Give the export's `name`: connectors look at its suffix.

    `folder` is where it is put; readers give one of their own, because the scratch of a lake is its writer's. Raises ReadError when the
    object is missing or damaged (its bytes no longer have their hash).
    """
    with nullcontext(folder) if folder else _folder(lake) as place:
        path = place / (PurePosixPath(name).name or "original")
        digest = hashlib.sha256()
        try:
            with object_path(lake, sha256).open("rb") as source, path.open("wb") as target:
                for chunk in zstandard.ZstdDecompressor().read_to_iter(source, read_size=_CHUNK, write_size=_CHUNK):
                    digest.update(chunk)
                    target.write(chunk)
        except FileNotFoundError as error:
            raise _lost(sha256, name, f"{object_path(lake, sha256)} is not there") from error
        except zstandard.ZstdError as error:
            raise _lost(sha256, name, f"it cannot be decompressed ({error})") from error
        if digest.hexdigest() != sha256:
            raise _lost(sha256, name, f"its bytes hash to {digest.hexdigest()}")
        yield path


def parsed_path(lake: Lake, connector: Connector, sha256: str, options: Any, records: str = "rows", *, extra_hash: str = "") -> Path:
    """Where the records of these bytes are, read by this version of the connector with these options.

    `extra_hash` stands for whatever else decides how the bytes read, such as the hash of an auxiliary file named in the options.
    """
    how = {"version": connector.version, "options": options.model_dump(mode="json"), "records": records, "extra": extra_hash}
    text = json.dumps(how, sort_keys=True, ensure_ascii=False)
    return lake.parsed / connector.kind / f"{sha256}-{hashlib.sha256(text.encode()).hexdigest()[:16]}.parquet"


def parsed(
    lake: Lake,
    connector: Connector,
    sha256: str,
    name: str,
    options: Any,
    records: str = "rows",
    *,
    extra_hash: str = "",
    path: Path | None = None,
) -> Path:
    """The records of stored bytes as delivered, in Parquet; made when it is not there yet, in a stream.

    `path` is a local copy of the original bytes where the caller has one; else they are taken from the object. Raises ReadError.
    """
    target = parsed_path(lake, connector, sha256, options, records, extra_hash=extra_hash)
    if target.exists():
        return target
    with nullcontext(path) if path else original(lake, sha256, name) as bytes_at, lake.half_written(target) as part:
        try:
            connector.read(bytes_at, options, records).sink_parquet(part, compression="zstd", compression_level=1)
        except PolarsError as error:  # damage that shows only while the file streams by
            if disk.is_full(error):
                raise
            raise _unreadable(connector, name, error) from error
    return target


def land(
    lake: Lake,
    connector: Connector,
    export: Export,
    place: Place,
    options: Any,
    record_sets: Sequence[str] = ("rows",),
    *,
    extra_hash: str = "",
    room: AbstractContextManager[Any] | None = None,
) -> Landed:
    """Fetches an export once, keeps its bytes and reads its record sets. `room` is entered once it is fetched: fetching waits for others,
    reading takes memory.

    A record set that cannot be read is in `failed` and holds back no other. What cannot be fetched raises, and so does a disk
    without room, which says nothing of the export.
    """
    with _folder(lake) as folder:
        path = folder / (PurePosixPath(export.name).name or "original")
        connector.fetch(export, place, path)
        with room or nullcontext():
            sha256, size, _ = store(lake, path)
            landed = Landed(sha256, size, batch_id(connector, sha256))
            for records in record_sets:
                try:
                    file = parsed(lake, connector, sha256, export.name, options, records, extra_hash=extra_hash, path=path)
                    landed.parsed[records] = file
                except PlantlakeError as error:
                    if disk.is_full(error):
                        raise
                    landed.failed[records] = error.at(export=export.name)
            if isinstance(connector, FileConnector):
                landed.layout.update(connector.layout(path, options))
        return landed


def clean(lake: Lake) -> None:
    """Removes what killed processes left behind. Only for the holder of the writer's lock."""
    if lake.scratch.exists():
        shutil.rmtree(lake.scratch, ignore_errors=True)
    lake.scratch.mkdir(parents=True, exist_ok=True)


def _unreadable(connector: Connector, name: str, error: Exception) -> ReadError:
    return ReadError(
        Problem(
            f"The file cannot be read as {connector.kind}.",
            export=name,
            found=(str(error).splitlines() or [type(error).__name__])[0][:300],
            fix="ask the plant for the file again, or adjust options of the source",
            consequence="Nothing from this file was loaded.",
        )
    )


@contextmanager
def _folder(lake: Lake) -> Iterator[Path]:
    folder = lake.scratch / uuid.uuid4().hex
    folder.mkdir(parents=True)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _lost(sha256: str, name: str, found: str) -> ReadError:
    return ReadError(
        Problem(
            f"The original bytes {sha256} in bronze cannot be given back.",
            export=name,
            found=found,
            fix="restore lake/bronze/objects from a backup, or let the plant deliver the export again",
            actor="us",
        )
    )
