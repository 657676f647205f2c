"""What changed between the board packs of two closed months, and closed months whose values are others by now; with the causes.

Here: the comparison of a pack with the one before, for machines and for people. Elsewhere: the comparisons themselves
(`publish.differences`, `publish.restated`), the snapshot as it stood (`publish.standing`), the pack (`publish.board_pack`).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any

import polars as pl

from publish import differences, restated
from publish.reader import HEADLINE, Snapshot
from publish.standing import Closing
from publish.workbook import moved


@dataclass(frozen=True)
class PackDifferences:
    """What moved since the closed month before, and what is restated of months closed earlier."""

    about: Closing
    previous: Closing | None
    releases: list[dict[str, Any]]
    """The releases after the previous pack's, with their causes."""
    kpis: pl.DataFrame
    """KPI_DIFFERENCES of the months that the previous pack could speak of."""
    shifts: pl.DataFrame
    """SHIFT_DIFFERENCES of the same months."""
    restated: pl.DataFrame
    """Values of months closed earlier that are others at this release: with what they were closed."""

    def as_dict(self) -> dict[str, Any]:
        """For machines."""
        return {
            "month": f"{self.about.month:%Y-%m}", "release": self.about.release,
            "previous": self.previous and {"month": f"{self.previous.month:%Y-%m}", "release": self.previous.release},
            "releases": self.releases, "kpis": self.kpis.to_dicts(), "shifts": self.shifts.to_dicts(),
            "restated": moved(self.restated).to_dicts(),
        }  # fmt: skip

    def lines(self) -> list[str]:
        """For people."""
        if self.previous is None:
            return ["No month was closed before this one: there is nothing to compare with."]
        lines = [f"Since the pack of {self.previous.month:%Y-%m} (release {self.previous.release}), up to release {self.about.release}:"]
        both = differences.Differences(pl.DataFrame(schema=differences.SILVER_DIFFERENCES), self.kpis, self.shifts)
        lines += both.lines(15) or [f"No value up to {self.previous.month:%Y-%m} has moved."]
        lines += [_release_line(release) for release in self.releases]
        if len(self.restated):
            lines.append("Closed months that are restated:")
            lines += [_restated_line(row) for row in moved(self.restated).iter_rows(named=True)]
        else:
            lines.append("No month that was closed earlier is restated.")
        return lines

    def text(self) -> str:
        """The page differences.md."""
        listed = "\n".join(f"- {line}" for line in self.lines())
        return f"# What changed: {self.about.month:%Y-%m}\n\n{listed}\n"


def _release_line(release: dict[str, Any]) -> str:
    causes = "; ".join(f"{cause['plant_id']}: {cause['cause']}" for cause in release["causes"][:6])
    more = f" and {len(release['causes']) - 6} more" if len(release["causes"]) > 6 else ""
    note = f" ({release['note']})" if release["note"] else ""
    return f"Release {release['release_id']} of {release['released_at']:%Y-%m-%d %H:%M} UTC{note}: {causes or 'no cause is known'}{more}"


def _restated_line(row: dict[str, Any]) -> str:
    factor, unit = (100, " %") if row["unit"] == "ratio" else (1, f" {row['unit']}")
    then, now = ("-" if row[side] is None else f"{factor * row[side]:,.1f}{unit}" for side in ("then", "now"))
    exports = f" ({row['exports']})" if row["exports"] else ""
    by = f"release {row['release']}: " if row["release"] is not None else ""
    return f"{row['kpi']} of {row['plant']} {row['month']:%Y-%m}: closed with {then}, now {now}; {by}{row['causes']}{exports}"


def find(reader: Snapshot, about: Closing, closed: list[Closing]) -> PackDifferences:
    """What a pack has to say of what was said before. `reader` is the snapshot as it stood."""
    before = [of for of in closed if of.month < about.month and of.closed_at <= about.closed_at]
    previous = before[-1] if before else None
    kpis, shifts = pl.DataFrame(schema=differences.KPI_DIFFERENCES), pl.DataFrame(schema=differences.SHIFT_DIFFERENCES)
    releases: list[dict[str, Any]] = []
    if previous is not None and previous.release < about.release:
        known = pl.col("period_start") <= previous.month
        then, now = (differences.kpi_values(reader, release).filter(known) for release in (previous.release, None))
        kpis = differences.kpi_differences(then, now)
        shifts = differences.shift_differences(reader, previous.release, about.release).filter(pl.col("month") <= previous.month)
        releases = _releases(reader, previous.release)
    again = restated.restated(reader, None, list(HEADLINE), "PLANT", "MONTH", days=(date.min, about.month)) if before else None
    return PackDifferences(about, previous, releases, kpis, shifts, pl.DataFrame() if again is None else again)


def _releases(reader: Snapshot, since: int) -> list[dict[str, Any]]:
    causes = reader.query("SELECT * FROM release_cause WHERE release_id > ? ORDER BY release_id, plant_id, cause", [since])
    found = reader.query("SELECT release_id, released_at, kind, note FROM release WHERE release_id > ? ORDER BY release_id", [since])
    return [
        row | {"causes": causes.filter(pl.col("release_id") == row["release_id"]).drop("release_id").to_dicts()}
        for row in found.iter_rows(named=True)
    ]
