"""What the lake keeps of quality: measures and results, by refresh and the last of each plant.

Here: files below one folder (`lake/quality`), and judging again what they hold. Elsewhere: what fills them (`quality_checks.gate`),
pages (`quality_checks.docs`). The holder of the lake's lock writes; each file is replaced in one step.

```
profiles/<refresh>.parquet   measures that this refresh took            (the last KEPT refreshes)
results/<refresh>.parquet    its judgement                              (the last KEPT refreshes)
profiles.parquet             the last measures of each plant and table
results.parquet              the last judgement of each plant and table, and earlier failures: the published quality_results
docs/                        pages (quality_checks.docs)
```
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import polars as pl

from quality_checks import runner
from quality_checks.measuring import PROFILE
from quality_checks.runner import RESULTS

KEPT = 200
"""Refreshes of which measures, results and pages are kept: a week of hourly ones."""
OF_A_PLANT = ["plant_id", "table_name"]


class Store:
    """The folder of one lake; it is made when something is saved."""

    def __init__(self, folder: Path) -> None:
        self.folder = Path(folder)

    def save(self, refresh_id: str, profiles: pl.DataFrame, results: pl.DataFrame) -> None:
        """Adds measures and their judgement to a refresh (its two gates save one after the other); what it saved before is replaced."""
        for kind, rows in (("profiles", profiles), ("results", results)):
            _write(self._of(kind, refresh_id), _replaced(self._read(kind, refresh_id), rows))
        _write(self.folder / "profiles.parquet", _replaced(self._read("profiles"), profiles))
        _write(self.folder / "results.parquet", self._history(results))
        self._forget()

    def refreshes(self) -> list[str]:
        """Ids of the refreshes that are kept, oldest first: an id is a time."""
        return sorted(path.stem for path in (self.folder / "results").glob("*.parquet"))

    def profiles(self, refresh_id: str) -> pl.DataFrame:
        """Measures of one refresh, as rows of `PROFILE`."""
        return self._read("profiles", refresh_id)

    def results(self, refresh_id: str) -> pl.DataFrame:
        """The judgement of one refresh, as rows of `RESULTS`."""
        return self._read("results", refresh_id)

    def latest_profiles(self, plants: Collection[str] | None = None) -> pl.DataFrame:
        """The last measures of each plant and table, as rows of `PROFILE`; None: of all plants."""
        found = self._read("profiles")
        return found if plants is None else found.filter(pl.col("plant_id").is_in(list(plants)))

    def all_results(self) -> pl.DataFrame:
        """The table `quality_results`: the last judgement of each plant and table, whenever it was, and failures of kept refreshes."""
        return self._read("results")

    def _history(self, results: pl.DataFrame) -> pl.DataFrame:
        before = self._read("results")
        earlier = before.join(results.select("refresh_id", *OF_A_PLANT).unique(), on=["refresh_id", *OF_A_PLANT], how="anti")
        rows = pl.concat([earlier, results.select(*RESULTS).cast(RESULTS)])
        oldest = sorted({*self.refreshes(), *rows["refresh_id"]})[-KEPT:][:1]
        is_last = pl.col("refresh_id") == pl.col("refresh_id").max().over(OF_A_PLANT)
        is_kept_failure = (pl.col("status") == "FAIL") & (pl.col("refresh_id") >= (oldest[0] if oldest else ""))
        return rows.filter(is_last | is_kept_failure).sort("refresh_id", *OF_A_PLANT, "check_name")

    def _forget(self) -> None:
        old = self.refreshes()[:-KEPT]
        for refresh_id in old:
            for kind in ("profiles", "results"):
                self._of(kind, refresh_id).unlink(missing_ok=True)

    def _of(self, kind: str, refresh_id: str | None) -> Path:
        return self.folder / kind / f"{refresh_id}.parquet" if refresh_id else self.folder / f"{kind}.parquet"

    def _read(self, kind: str, refresh_id: str | None = None) -> pl.DataFrame:
        """A file with today's columns: older ones may lack some; nothing where there is none."""
        schema = PROFILE if kind == "profiles" else RESULTS
        path = self._of(kind, refresh_id)
        empty = pl.DataFrame(schema=schema)
        if not path.exists():
            return empty
        return pl.concat([empty, pl.read_parquet(path)], how="diagonal_relaxed").select(*schema).cast(schema)


def rejudge(store: Store, refresh_id: str, plants: Collection[str] | None = None, at: datetime | None = None) -> pl.DataFrame:
    """Holds the last measures of the plants (None: all) against the limits of today, without a query; rows of `RESULTS`, not saved."""
    return runner.judge(store.latest_profiles(plants), refresh_id, at or datetime.now(UTC))


def _replaced(before: pl.DataFrame, rows: pl.DataFrame) -> pl.DataFrame:
    """The new rows, and those of plants and tables that they do not speak of."""
    kept = before.join(rows.select(OF_A_PLANT).unique(), on=OF_A_PLANT, how="anti")
    return pl.concat([kept, rows.select(*before.columns).cast(before.schema)])


def _write(path: Path, rows: pl.DataFrame) -> None:
    with replacing(path) as part:
        rows.write_parquet(part, compression="zstd")


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """A path that becomes `path` when the block ends well, in one step."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f".{path.name}.part")
    try:
        yield part
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)
