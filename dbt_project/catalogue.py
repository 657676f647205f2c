"""The KPI catalogue as Python sees it: `kpis.yml`, read and checked.

Here: one `Kpi` per KPI and profile, the sums that its two sides are made of, and what a unit's shift must know to be in them.
Elsewhere: the SQL that follows from it (`dbt_project.value_sql`), the files that are written of it (`dbt_project.generate`).
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from dbt_project import described

FOLDER = Path(__file__).resolve().parent
CATALOGUE = FOLDER / "kpis.yml"
VERSION = 1
PROFILES = ("ISO", "TPM", "LOCAL")
NAME = re.compile(r"[a-z_]\w*")

SUMMED_RULES = ("R1", "R2", "R3", "R6")
"""Rules by which both sides are sums."""
CONSTANT = re.compile(r"(?:^|[+(-])\s*\d+(?:\.\d+)?\s*(?:$|[+)-])")
"""A number that is added to a side: it would be added once for each row."""
QUOTIENTS = {"capacity_qty"}
"""Sums that are quotients themselves (`value_sql.sum_of`)."""

KNOWLEDGE = {
    "plan": "pbt_s is not null",
    "run_time": "apt_s is not null",
    "states": "adet_eq_s is not null",
    "output": "books_output = 1",
    "rate": "books_rated = 1",
    "good": "books_good = 1 and unknown_good_counts = 0",
    "scrap": "unknown_scrap = 0",
    "rework": "unknown_rework = 0",
}
"""What a unit's shift may know: the test of it, over the columns of `mart_kpi_unit_shift`. The order is that of the names below."""


@dataclass(frozen=True, slots=True)
class Term:
    """The sum of one column of a table of parts over the rows that know what `needs` names."""

    column: str
    needs: tuple[str, ...]

    @property
    def name(self) -> str:
        return f"{self.column}__{condition_name(self.needs)}"


@dataclass(frozen=True, slots=True)
class Kpi:
    """One KPI in one profile. Its sides are arithmetic over sums of columns of the parts."""

    number: int
    parts: str
    """The table of parts: shift, day, quality, order or month."""
    kpi_id: str
    profile: str
    numerator: str
    denominator: str
    high: str | None
    """The numerator if what is unknown were good."""
    needs: tuple[str, ...]
    """What a row must know to take part: words of KNOWLEDGE in their order; of other parts than shifts the columns themselves."""
    about: dict[str, Any]

    @property
    def is_additive(self) -> bool:
        """Whether the sums of its sides over scopes of a kind and over periods are its sides there: what a reader may sum, then divide."""
        is_sum = all(not CONSTANT.search(side) and not QUOTIENTS & {*NAME.findall(side)} for side in (self.numerator, self.denominator))
        return is_sum and self.about["rollup_rule"] in SUMMED_RULES

    def columns(self) -> list[str]:
        return sorted({name for side in (self.numerator, self.denominator, self.high or "") for name in NAME.findall(side)})

    def terms(self) -> list[Term]:
        return [Term(column, self.needs) for column in self.columns()]

    def over_terms(self, side: str) -> str:
        """A side as SQL over the terms, as doubles."""
        return NAME.sub(lambda found: f"cast({Term(found[0], self.needs).name} as double)", side)


def condition_name(needs: tuple[str, ...]) -> str:
    """The name of what a shift must know, as it stands in the names of columns."""
    return "_".join(needs) or "all"


@cache
def read() -> dict[str, Any]:
    """`kpis.yml`."""
    found: dict[str, Any] = described.read(CATALOGUE)
    return found


@cache
def published() -> dict[str, Any]:
    """`metrics.json`, which is made of `kpis.yml`: everything that there is to know of each KPI, and quick to read."""
    found: dict[str, Any] = json.loads((FOLDER / "metrics.json").read_text(encoding="utf-8"))
    return found


@cache
def _together(name: str | None) -> set[str]:
    """The columns of all KPIs of a group."""
    entries = [entry for entry in read()["kpis"] if name and entry.get("together") == name]
    sides = [side for entry in entries for side in (entry["numerator"], entry["denominator"])]
    return {column for side in sides for column in NAME.findall(side)}


@cache
def catalogue() -> tuple[Kpi, ...]:
    """Every KPI of `kpis.yml` in every profile. Raises ValueError for a column that `parts` does not list."""
    found: list[Kpi] = []
    for entry in read()["kpis"]:
        for profile in entry.get("in", PROFILES):
            about = {**entry, **entry.get("profiles", {}).get(profile, {})}
            parts, numerator, denominator = about.get("parts", "shift"), about["numerator"], about["denominator"]
            columns = {*NAME.findall(numerator), *NAME.findall(denominator)}
            if unknown := columns - set(read()["parts"][parts]):
                raise ValueError(f"{CATALOGUE.name}: {entry['kpi_id']} uses {sorted(unknown)}, which `parts.{parts}` does not list")
            columns |= _together(about.get("together"))
            needed = {word for column in columns for word in read()["parts"][parts][column]} if parts == "shift" else columns
            needs = tuple(word for word in KNOWLEDGE if word in needed) if parts == "shift" else tuple(sorted(needed))
            found.append(Kpi(len(found) + 1, parts, entry["kpi_id"], profile, numerator, denominator, about.get("high"), needs, about))
    return tuple(found)


def of_parts(parts: str) -> list[Kpi]:
    """The KPIs over one table of parts."""
    return [kpi for kpi in catalogue() if kpi.parts == parts]


def kpi_ids() -> list[str]:
    """The ids of the catalogue, in its order."""
    return list(dict.fromkeys(kpi.kpi_id for kpi in catalogue()))


def terms(parts: str = "shift") -> list[Term]:
    """Every sum over a table of parts that some KPI needs, once."""
    return sorted({term for kpi in of_parts(parts) for term in kpi.terms()}, key=lambda term: term.name)


def conditions(parts: str = "shift") -> list[tuple[str, ...]]:
    """Every set of things that a row must know for some KPI, once."""
    return sorted({kpi.needs for kpi in of_parts(parts)})
