"""The portfolio's vocabularies: reviewed CSV tables that give the words of many plants one meaning.

Here: their columns, reading and writing them, problems with file and line. Elsewhere: what they mean in SQL (`dbt_project`), unit
arithmetic (`transforms.units`), the shared taxonomy of reasons (`dbt_project/seeds/downtime_reason.csv`).
"""

from __future__ import annotations

import csv
import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from math import isfinite
from pathlib import Path

from connectors.errors import Problem, closest, listed

COLUMNS: dict[str, tuple[str, ...]] = {
    "reason_map": ("plant", "source", "source_code", "reason_code", "mapped_by", "approved_at", "valid_from", "valid_to"),
    "ideal_rates": (
        "plant", "equipment", "material", "tool", "rate_basis", "rate", "unit", "pieces_per_cycle",
        "valid_from", "valid_to", "provenance",
    ),
    "demonstrated_rates": (
        "plant", "equipment", "material", "tool", "quarter", "pri_s", "hours", "window_from", "window_to", "quantile",
        "release_id", "frozen_on", "calc_version",
    ),
    "unit_aliases": ("plant", "alias", "ucum"),
    "equipment_classes": ("equipment_class", "name", "family"),
    "fx": ("from_ccy", "to_ccy", "period", "rate_type", "rate"),
    "product_families": ("plant", "material", "family", "weight"),
    "emission_factors": ("plant", "carrier", "kg_per_kwh", "valid_from", "valid_to", "basis"),
    "targets": ("kpi_id", "scope_type", "scope_id", "target", "valid_from", "valid_to"),
    "economics": (
        "plant", "equipment", "regime", "contribution_per_unit", "avoidable_cost_per_h", "material_cost_per_unit", "currency",
        "valid_from", "valid_to",
    ),
}  # fmt: skip
REQUIRED: dict[str, tuple[str, ...]] = {
    "reason_map": ("plant", "source_code", "reason_code"),
    "ideal_rates": ("plant", "rate", "unit"),
    "demonstrated_rates": ("plant", "equipment", "material", "quarter", "hours", "window_from", "window_to"),
    "unit_aliases": ("plant", "alias", "ucum"),
    "equipment_classes": ("equipment_class",),
    "fx": ("from_ccy", "to_ccy", "period", "rate_type", "rate"),
    "product_families": ("plant", "material", "family"),
    "emission_factors": ("plant", "carrier", "kg_per_kwh"),
    "targets": ("kpi_id", "scope_type", "scope_id", "target"),
    "economics": ("plant", "regime"),
}
KEYS: dict[str, tuple[str, ...]] = {
    "demonstrated_rates": ("plant", "equipment", "material", "tool", "quarter"),
    "unit_aliases": ("plant", "alias"),
    "equipment_classes": ("equipment_class",),
    "fx": ("from_ccy", "to_ccy", "period", "rate_type"),
    "product_families": ("plant", "material"),
    "emission_factors": ("plant", "carrier", "valid_from", "basis"),
    "targets": ("kpi_id", "scope_type", "scope_id", "valid_from"),
    "economics": ("plant", "equipment", "valid_from"),
}
"""What a line of a vocabulary is about. Two lines about one thing contradict each other; of the others the more specific line wins."""
DATES = ("valid_from", "valid_to", "approved_at", "window_from", "window_to", "frozen_on")
NUMBERS = (
    "rate", "pieces_per_cycle", "weight", "kg_per_kwh", "target", "contribution_per_unit", "avoidable_cost_per_h", "material_cost_per_unit",
    "pri_s", "hours", "quantile",
)  # fmt: skip
QUARTER = re.compile(r"\d{4}-Q[1-4]")

TAXONOMY = Path(__file__).resolve().parent.parent / "dbt_project" / "seeds" / "downtime_reason.csv"

RATE_TYPES = ("AVG", "CLOSE", "BUDGET")
REGIMES = ("CAPACITY", "DEMAND")
"""What a plant could do with another hour: sell what it makes in it, or do without it."""
SCOPES = ("PORTFOLIO", "COMPANY", "CLASS", "PLANT", "AREA", "LINE", "EQUIPMENT")
"""What a target may be of."""

Row = dict[str, str]


@dataclass(frozen=True, slots=True)
class Vocabularies:
    """The rows of each vocabulary as text, '' where empty; `line` holds the line in the file. Rows with a problem are left out."""

    tables: dict[str, list[Row]]
    problems: list[Problem]

    def rows(self, name: str, plant: str | None = None) -> list[Row]:
        """Rows of one vocabulary; with a plant only its own and those for every plant ('*')."""
        return [row for row in self.tables.get(name, []) if plant is None or row.get("plant") in (plant, "*")]


def load(folder: Path) -> Vocabularies:
    """Reads every known vocabulary below `folder`; one that is absent is empty."""
    tables: dict[str, list[Row]] = {}
    problems: list[Problem] = []
    for path in sorted(folder.glob("*.csv")):
        if path.stem not in COLUMNS:
            known = closest(path.stem, COLUMNS)
            problems.append(
                Problem(
                    "No vocabulary has this name.",
                    export=f"vocabularies/{path.name}",
                    found=path.stem,
                    closest=known and f"{known}.csv",
                    fix="rename or remove the file",
                )
            )
            continue
        try:
            tables[path.stem], found = _read(path)
        except (OSError, UnicodeDecodeError, csv.Error) as error:
            fix = "save it as CSV in UTF-8"
            found = [Problem("The vocabulary cannot be read.", export=f"vocabularies/{path.name}", found=str(error)[:200], fix=fix)]
        problems += found
    return Vocabularies(tables, problems)


def lines_of(path: Path) -> tuple[list[str], list[Row]]:
    """Header and lines of a vocabulary as they stand, those with a problem too: whoever writes it again loses nothing."""
    if not path.exists():
        return [], []
    with path.open(encoding="utf-8-sig", newline="") as file:
        reader = csv.DictReader(file)
        return list(reader.fieldnames or ()), list(reader)


def write(path: Path, header: Sequence[str], lines: Iterable[Mapping[str, str]]) -> None:
    """Writes a vocabulary, whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_suffix(".csv.part")
    with part.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, header, restval="", extrasaction="ignore", lineterminator="\n")
        writer.writeheader()
        writer.writerows(lines)
    part.replace(path)


def _read(path: Path) -> tuple[list[Row], list[Problem]]:
    name, shown = path.stem, f"vocabularies/{path.name}"
    with path.open(encoding="utf-8-sig", newline="") as file:
        reader = csv.DictReader(file)
        header = tuple(reader.fieldnames or ())
        problems = [
            Problem(f"Unknown column '{column}'.", export=f"{shown}:1", found=listed(header), closest=closest(column, COLUMNS[name]))
            for column in header
            if column not in COLUMNS[name]
        ]
        problems += [
            Problem(f"Column '{column}' is missing.", export=f"{shown}:1", found=listed(header), closest=closest(column, header))
            for column in REQUIRED[name]
            if column not in header
        ]
        if problems:
            return [], problems
        rows = [
            {
                **dict.fromkeys(COLUMNS[name], ""),
                **{k: (v or "").strip() for k, v in row.items() if k},
                "line": str(reader.line_num),
            }
            for row in reader
        ]
    found = [(row, [*_row_problems(name, row, shown), *again]) for row, again in zip(rows, _repeated(name, rows, shown), strict=True)]
    return [row for row, wrong in found if not wrong], [problem for _, wrong in found for problem in wrong]


def _repeated(name: str, rows: list[Row], shown: str) -> list[list[Problem]]:
    """Of each row, whether a line before it is about the same thing."""
    lines: dict[tuple[str, ...], str] = {}
    found: list[list[Problem]] = []
    for row in rows:
        key = tuple(row[column] for column in KEYS.get(name, ("line",)))
        first = lines.setdefault(key, row["line"])
        about = ", ".join(f"{column} {row[column]}" for column in KEYS.get(name, ()) if row[column])
        found.append(
            []
            if first == row["line"]
            else [Problem(f"Line {first} is about the same: {about}.", export=f"{shown}:{row['line']}", fix="keep one of the two lines",
                          consequence=f"The line is left out; line {first} stands.")]
        )  # fmt: skip
    return found


def _row_problems(name: str, row: Row, shown: str) -> list[Problem]:
    at = f"{shown}:{row['line']}"
    found = [Problem(f"'{key}' is empty.", export=at) for key in REQUIRED[name] if not row[key]]
    for key in DATES:
        if row.get(key) and not _is_date(row[key]):
            found.append(Problem(f"'{key}' is not a date.", export=at, found=row[key], fix="write YYYY-MM-DD"))
    if row.get("quarter") and not QUARTER.fullmatch(row["quarter"]):
        found.append(Problem("'quarter' is not a quarter.", export=at, found=row["quarter"], fix="write YYYY-Q1 to YYYY-Q4"))
    if row.get("pri_s") and _is_number(row["pri_s"]) and float(row["pri_s"]) <= 0:
        found.append(Problem("'pri_s' is not above 0.", export=at, found=row["pri_s"], fix="leave it empty where no rate was demonstrated"))
    if row.get("period") and not _is_date(row["period"] if len(row["period"]) > 7 else f"{row['period']}-01"):
        found.append(Problem("'period' is not a month.", export=at, found=row["period"], fix="write YYYY-MM"))
    for key in NUMBERS:
        if row.get(key) and not _is_number(row[key]):
            found.append(Problem(f"'{key}' is not a number.", export=at, found=row[key], fix="write digits with a decimal point"))
    return [*found, *_unknown_words(name, row, at)]


def _unknown_words(name: str, row: Row, at: str) -> list[Problem]:
    """Words that have to come from a closed list and do not: such an entry would silently count for nothing."""
    found = []
    for key, words in _closed(name).items():
        if row[key] and row[key] not in words:
            near = closest(row[key], words)
            fix = f"{key}: {near}" if near else f"one of {listed(sorted(words), 60)}"
            found.append(Problem(f"There is no {key} '{row[key]}'.", export=at, found=row[key], closest=near, fix=fix,
                                 consequence="The line is left out."))  # fmt: skip
    return found


@cache
def _closed(name: str) -> dict[str, Collection[str]]:
    """The columns of a vocabulary that take their words from a closed list, with that list."""
    if name == "reason_map":
        return {"reason_code": reason_codes()}
    if name == "ideal_rates":
        from transforms.tables import RATE_BASES

        return {"rate_basis": RATE_BASES}
    if name == "emission_factors":
        from transforms.further_tables import CARRIERS

        return {"carrier": CARRIERS}
    if name == "targets":
        from dbt_project.catalogue import kpi_ids

        return {"kpi_id": kpi_ids(), "scope_type": SCOPES}
    if name == "economics":
        return {"regime": REGIMES}
    return {"rate_type": RATE_TYPES} if name == "fx" else {}


@cache
def reason_codes() -> frozenset[str]:
    """The codes of the shared taxonomy of reasons."""
    with TAXONOMY.open(encoding="utf-8", newline="") as file:
        return frozenset(row["reason_code"] for row in csv.DictReader(file))


def _is_date(text: str) -> bool:
    try:
        datetime.fromisoformat(text)
    except ValueError:
        return False
    return True


def _is_number(text: str) -> bool:
    try:
        return isfinite(float(text))
    except ValueError:
        return False
