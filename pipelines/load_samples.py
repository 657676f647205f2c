"""Streams the samples of historians into silver: bounded batches, one commit, nothing delivered twice.

Here: the loop over batches and the account of records. Elsewhere: one batch (`transforms.samples`), all other tables
(`pipelines.load`), Delta (`pipelines.silver`).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

import polars as pl
import pyarrow.parquet as pq
from polars.io.plugins import register_io_source

from connectors.contract import ROW
from connectors.errors import PlantlakeError
from connectors.registry import connector
from pipelines import silver
from pipelines.ledger import ExportRow, TableRow
from pipelines.load_deliveries import bound
from transforms.mapping import Reading
from transforms.samples import Samples, conform_samples

if TYPE_CHECKING:
    from pipelines.load import Loaded, Loader, PlantResult

SAMPLE = "historian_sample"
BATCH_ROWS = 1_000_000
RECENT_ROWS = 2_000_000
"""Samples of a source that are not committed yet and can still be compared with in memory."""
SAME = ["tag_id", "ts", "value_num", "value_text"]
"""A sample with these is the same observation, however often it is delivered."""


@dataclass
class SampleLoad:
    """The samples of one export on their way into the lake."""

    export: ExportRow
    reading: Reading
    parsed: Path
    again: bool
    """The export was loaded before, under another mapping."""
    rejected: list[pl.DataFrame] = field(default_factory=list)
    tags: list[pl.DataFrame] = field(default_factory=list)
    filtered_by: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    read: int = 0
    duplicate: int = 0
    written: int = 0
    last: datetime | None = None
    fresh: list[pl.DataFrame] | None = field(default_factory=list)
    """What it brought, while it is little; None when it is too much to keep."""
    error: PlantlakeError | None = None

    @property
    def source(self) -> tuple[str, str]:
        return self.reading.plant.plant, self.reading.source_id


def prepare(loader: Loader, result: PlantResult, source_id: str, exports: Sequence[ExportRow], rederive: bool) -> list[SampleLoad]:
    """The loads of a source, in the order of exports."""
    from pipelines.load import failed_account

    loads = []
    for export in exports:
        reading = loader.reading(result.plant, source_id, SAMPLE, export)
        try:
            loads.append(SampleLoad(export, reading, loader.parsed(result.plant, source_id, reading.table, export), rederive))
        except PlantlakeError as error:
            result.accounts.append(failed_account(reading, export, error, result))
    return loads


def commit(loader: Loader, results: Sequence[PlantResult], loaded: Loaded) -> None:
    """Appends the samples of all plants in one commit and adds their accounts, rejected rows and tags to the results."""
    from pipelines.load import failed_account, quarantined

    loads = [load for result in results for load in result.samples]
    stream = _Stream(loader, loads, {result.plant.plant: result for result in results})
    while stream.waits:
        loader.check()
        silver.append(loader.lake, SAMPLE, stream.frame(), loader.metadata(stream.batch_ids), stream.drops)
    by_plant = {result.plant.plant: result for result in results}
    for load in loads:
        result = by_plant[load.reading.plant.plant]
        if load.error is not None:
            result.accounts.append(failed_account(load.reading, load.export, load.error, result))
            continue
        rejected = pl.concat(load.rejected) if load.rejected else None
        if rejected is not None:
            result.rejected.append(quarantined(load.reading, load.export, rejected))
        result.accounts.append(_account(load, 0 if rejected is None else len(rejected), loader.at))
        result.known.tell(load.export, SAMPLE, (None, load.last))
    plants = {load.reading.plant.plant for load in loads if load.written or load.again}
    if plants:
        loaded.note(SAMPLE, plants)


def _account(load: SampleLoad, rejected: int, at: datetime) -> TableRow:
    accepted = load.read - rejected - load.duplicate - sum(load.filtered_by.values())
    return TableRow(
        *load.source, str(load.export.batch_id), SAMPLE, "COMMITTED", load.read, accepted, rejected, load.duplicate,
        dict(load.filtered_by), load.written, load.reading.transform_version, connector(load.reading.source.kind).version, committed_at=at,
        data_to=load.last,
    )  # fmt: skip


class _Stream:
    """The loads one after the other, as lazy frames that polars streams into the lake.

    Samples that an earlier load of the same frame brought are compared with in memory while they are few. When they are many, the
    frame ends before a load that may repeat them, so that they can be looked up in the lake: memory does not grow with the files.
    """

    def __init__(self, loader: Loader, loads: Sequence[SampleLoad], results: Mapping[str, PlantResult]):
        self.loader, self.results = loader, results
        self.waiting = list(loads)
        self.open: set[tuple[str, str]] = set()
        """Sources with more samples in the frame that is being written than are kept."""
        self.recent: dict[tuple[str, str], list[pl.DataFrame]] = defaultdict(list)
        self.loaded_to: dict[tuple[str, str], datetime | None] = {}

    @property
    def waits(self) -> bool:
        return bool(self.waiting)

    @property
    def batch_ids(self) -> list[str]:
        return [str(load.export.batch_id) for load in self.waiting]

    @property
    def drops(self) -> list[silver.Drop]:
        """Loading an export again replaces what it gave before, also when the last refresh was killed after its commit."""
        return [silver.Drop(load.reading.plant.plant, (str(load.export.batch_id),)) for load in self.waiting if not load.read]

    def frame(self) -> pl.LazyFrame:
        def produce(*_: object) -> Iterator[pl.DataFrame]:
            yield from self._batches()

        return register_io_source(produce, schema=silver.columns(SAMPLE))

    def _batches(self) -> Iterator[pl.DataFrame]:
        from pipelines.load import foreseen

        self.open.clear()
        self.recent.clear()
        while self.waiting:
            load = self.waiting[0]
            if self._may_repeat(load):
                return
            self.loader.tell(f"{' · '.join(load.source)} · {load.export.name}")
            last: datetime | None = None
            try:
                for part in pq.ParquetFile(load.parsed).iter_batches(batch_size=BATCH_ROWS):
                    samples = conform_samples(pl.DataFrame(part), load.reading)
                    last = _later(last, samples.accepted["ts"].max())
                    yield self._counted(load, samples)
            except Exception as error:  # one export that nobody foresaw stops no other
                load.error = foreseen(error)
            self._remember(load)
            load.last = last
            self.loaded_to[load.source] = _later(self._seen(load), last)
            self.waiting.pop(0)

    def _may_repeat(self, load: SampleLoad) -> bool:
        """Whether its first batch reaches back behind what uncommitted loads of its source brought, and they are too many to keep."""
        if load.source not in self.open:
            return False
        first = next(pq.ParquetFile(load.parsed).iter_batches(batch_size=BATCH_ROWS), None)
        if first is None:
            return False
        try:
            start = conform_samples(pl.DataFrame(first), load.reading).accepted["ts"].min()
        except Exception:  # told when its turn comes
            return False
        seen = self._seen(load)
        return isinstance(start, datetime) and seen is not None and start <= seen

    def _counted(self, load: SampleLoad, samples: Samples) -> pl.DataFrame:
        load.read += samples.read
        load.tags.append(samples.tags)
        for name, count in samples.filtered_by.items():
            load.filtered_by[name] += count
        if len(samples.rejected):
            load.rejected.append(samples.rejected)
        fresh = self._without_repeats(load, samples.accepted)
        if len(fresh) != len(samples.accepted):
            load.duplicate += samples.accepted[ROW].n_unique() - fresh[ROW].n_unique()
        load.written += len(fresh)
        if load.fresh is not None:
            load.fresh.append(fresh.select(SAME))
            if sum(map(len, load.fresh)) > RECENT_ROWS:
                load.fresh = None
        return fresh.select(*silver.columns(SAMPLE))

    def _remember(self, load: SampleLoad) -> None:
        """Keeps what a load brought for comparison, as long as there is room."""
        kept = self.recent[load.source]
        if load.source in self.open or load.fresh is None or sum(map(len, [*kept, *load.fresh])) > RECENT_ROWS:
            self.open.add(load.source)
            kept.clear()
        else:
            kept.extend(load.fresh)
        load.fresh = None

    def _without_repeats(self, load: SampleLoad, rows: pl.DataFrame) -> pl.DataFrame:
        """Leaves out samples that an earlier export delivered: replayed snapshots and overlapping extracts."""
        seen = self._seen(load)
        old = rows.filter(pl.col("ts") <= seen) if seen is not None else rows.clear()
        if old.is_empty():
            return rows
        months = sorted(old["month"].unique().to_list())
        standing = (
            silver.read(self.loader.lake, SAMPLE, [load.source[0]], months)
            .filter(pl.col("_batch_id") != load.export.batch_id)
            .select(SAME)
            .join(old.lazy().select("tag_id", "ts").unique(), on=["tag_id", "ts"], how="semi")
            .collect()
        )
        before = pl.concat([standing, *self.recent[load.source]])
        fresh = old.join(before, on=SAME, how="anti", nulls_equal=True)
        return pl.concat([fresh, rows.filter(pl.col("ts") > seen)])

    def _seen(self, load: SampleLoad) -> datetime | None:
        """Up to when earlier exports of the source had brought samples."""
        if load.source not in self.loaded_to:
            plant_id, source_id = load.source
            result = self.results[plant_id]
            known = [tables[SAMPLE][1] for (of, _), tables in result.known.spans.items() if of == source_id and SAMPLE in tables]
            past = [result.known.past[source_id].data_to] if source_id in result.known.past else []
            self.loaded_to[load.source] = bound(max, [*known, *past])
        return self.loaded_to[load.source]


def _later(first: datetime | None, second: object) -> datetime | None:
    return max((moment for moment in (first, second) if isinstance(moment, datetime)), default=None)
