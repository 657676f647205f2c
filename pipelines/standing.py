"""What stands in silver, read no wider than a change of one plant needs, and which of its partitions a change leaves as they were.

Here: in which months a version of an incoming record may stand, what was read, and the comparison before a commit. Elsewhere:
the files of a table (`pipelines.silver`), how versions are merged and compared (`transforms.revisions`), what changes
(`pipelines.load`, `pipelines.load_stated`).

Most ids hold the text of their record's time, so that every version of a record lies in the month of its time (three hours more on each
side, for the repeated hour): its partitions are all that is read, whatever the history. Ids made of a source's own number say
nothing of the time. For those the id column, and nothing else, of the plant's other months is read: 16 digits of a hash, which no
minimum and maximum of a file can rule out.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import polars as pl

from pipelines import silver
from pipelines.lake import Lake
from transforms.conform import Conformed
from transforms.revisions import settle
from transforms.tables import TABLES, TableSpec

REPEATED = timedelta(hours=3)
"""More than any clock was ever set back."""
Window = tuple[datetime | None, datetime | None]


@dataclass
class Change:
    """New content of some partitions of a silver table for one plant, and what stood there.

    `months` are the UTC months whose rows are all in `rows`, None where the table is not divided by months.
    """

    rows: pl.DataFrame
    months: set[str] | None
    standing: pl.DataFrame

    def settled(self, table: str) -> tuple[pl.DataFrame, list[tuple[str, str]] | list[str]]:
        """The rows of the partitions whose content is not what it was, and those partitions."""
        found = settle(self.rows, self.standing, id=TABLES[table].id if table in TABLES else None)
        keys = ["plant_id"] if self.months is None else ["plant_id", "month"]
        partitions = found.changed.select(keys).unique().sort(keys)
        rows = found.rows.join(partitions, on=keys, how="semi")
        return rows, partitions.rows() if self.months is not None else partitions["plant_id"].to_list()


class Standing:
    """Silver as a refresh found it. The log of each table is read once; what the refresh commits is not seen."""

    def __init__(self, lake: Lake, plants: Collection[str]):
        self._lake, self._plants = lake, sorted(plants)
        self._snapshots: dict[str, silver.Snapshot] = {}
        self._by_plant: dict[str, dict[str, pl.DataFrame]] = {}

    def snapshot(self, table: str) -> silver.Snapshot:
        if table not in self._snapshots:
            self._snapshots[table] = silver.Snapshot(self._lake, table)
        return self._snapshots[table]

    def small(self, table: str, plant_id: str, columns: Sequence[str] | None = None) -> pl.DataFrame:
        """The plant's rows of a table that is not partitioned: read once for all plants of the refresh, always with the same columns."""
        if table not in self._by_plant:
            rows = self.snapshot(table).read(self._plants, columns=["plant_id", *columns] if columns else None).collect()
            found = rows.partition_by("plant_id", as_dict=True)
            self._by_plant[table] = {str(key[0]): part for key, part in found.items()} | {"": rows.clear()}
        return self._by_plant[table].get(plant_id, self._by_plant[table][""])

    def opened(self, change: Change | None, table: str, plant_id: str, months: Collection[str] | None = None) -> Change:
        """What stands in these months of a plant (None: in all of them), or what this refresh made of it before."""
        snapshot = self.snapshot(table)
        if "month" not in silver.partition_by(table):
            if change is not None:
                return change
            rows = snapshot.read([plant_id]).collect()
            return Change(rows, None, rows)
        wanted = set(snapshot.months(plant_id) if months is None else months)
        before = change or Change(silver.empty(table), set(), silver.empty(table))
        missing = wanted - (before.months or set())
        if not missing:
            return before
        more = snapshot.read([plant_id], sorted(missing)).collect()
        return Change(pl.concat([before.rows, more]), (before.months or set()) | missing, pl.concat([before.standing, more]))

    def months(self, spec: TableSpec, plant_id: str, found: Sequence[Conformed], windows: Sequence[Window] = ()) -> set[str] | None:
        """The months of every version of the records of these exports, and of the windows that they replace."""
        if spec.time is None:
            return None
        near = _months_near(pl.concat([item.accepted.select(spec.time, "month") for item in found]), spec) if found else set()
        near |= {month for start, end in windows if start and end for month in months_between(start, end)}
        movable = [item.movable for item in found if len(item.movable)]
        return near | (self._months_of(spec, plant_id, pl.concat(movable), near) if movable else set())

    def _months_of(self, spec: TableSpec, plant_id: str, ids: pl.Series, known: set[str]) -> set[str]:
        """The other months in which one of these ids stands."""
        others = self.snapshot(spec.name).months(plant_id) - known
        if not others:
            return set()
        standing = self.snapshot(spec.name).read([plant_id], sorted(others), ["month", str(spec.id)])
        wanted = ids.unique().alias(str(spec.id)).to_frame().lazy()
        return set(standing.join(wanted, on=str(spec.id), how="semi").select(pl.col("month").unique()).collect()["month"].to_list())


def months_between(start: datetime, end: datetime) -> set[str]:
    """The UTC months that a span touches.

    >>> sorted(months_between(datetime(2025, 11, 30), datetime(2026, 1, 1)))
    ['2025-11', '2025-12', '2026-01']
    """
    first, last = start.year * 12 + start.month - 1, end.year * 12 + end.month - 1
    return {f"{number // 12:04d}-{number % 12 + 1:02d}" for number in range(first, last + 1)}


def _months_near(rows: pl.DataFrame, spec: TableSpec) -> set[str]:
    around = rows.select(pl.concat([(spec.instant + shift).dt.strftime("%Y-%m").unique() for shift in (-REPEATED, REPEATED)]))
    return {*around.to_series().to_list(), *rows["month"].unique().to_list()}
