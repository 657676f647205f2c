"""What the golden portfolio published, in the words of the cases: parts of a shift, values of a scope and period, at any release.

Here: questions to the snapshot, and how a case compares. Elsewhere: how files are written and refreshed (`golden_portfolio`).
"""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from publish.reader import Snapshot

PARTS = r"""
SELECT sum(COLUMNS('^(.*_s|pq|gq|sq|fe|setup_count)$')) AS "\0", bool_or(is_preliminary) AS is_preliminary, any_value(state_method) AS state_method
FROM mart_kpi_parts_shift
WHERE plant_id = ? AND shift_code = ? AND production_day = CAST(? AS DATE)
    AND (? IS NULL OR equipment_id IN (SELECT equipment_id FROM equipment WHERE equipment_code = ?))
    AND valid_from_release <= ? AND (valid_to_release IS NULL OR valid_to_release > ?)
"""


class Published(Snapshot):
    """The snapshot of the golden portfolio after both deliveries; release 1 is what the first one told."""

    def __init__(self, root: Path):
        super().__init__(root / "lake" / "kpi.duckdb")
        self._kpis: dict[int | None, pl.DataFrame] = {}
        self._silver = root / "lake" / "silver"

    def flags(self, table: str, plant: str, key: str) -> dict[str, list[str]]:
        """By the key of a record: what silver remarks about it."""
        rows = pl.scan_delta(str(self._silver / table)).filter(pl.col("plant_id") == plant).select(key, "dq_flags").collect()
        return {name: flags or [] for name, flags in rows.rows()}

    def parts(self, plant: str, shift: str = "S1", day: str = "2025-06-02", unit: str | None = None, release: int = 2) -> dict[str, Any]:
        """The parts of one shift over all products."""
        return self.query(PARTS, [plant, shift, day, unit, unit, release, release]).row(0, named=True)

    def kpis(self, release: int | None) -> pl.DataFrame:
        """Every value, read once: the view plans longer than it runs."""
        if release not in self._kpis:
            self._kpis[release] = self.query(f"SELECT * FROM {'kpi_value' if release is None else f'kpi_value_as_of({release})'}")
        return self._kpis[release]

    def told(
        self, plant: str, period: str = "DAY", start: str = "2025-06-02", scope: str = "PLANT", profile: str = "ISO",
        name: str | None = None, shift: str | None = None, release: int | None = None,
    ) -> dict[str, dict[str, Any]]:  # fmt: skip
        """KPI: its row of `kpi_value`. A shift is a period of its own; `name` is that of a unit or line."""
        wanted = {
            "plant_id": plant, "period_type": "SHIFT" if shift else period, "period_start": date.fromisoformat(start),
            "scope_type": "EQUIPMENT" if name and scope == "PLANT" else scope, "profile": profile,
            **({"scope_name": name} if name else {}), **({"shift_code": shift} if shift else {}),
        }  # fmt: skip
        found = self.kpis(release).filter(*(pl.col(column) == value for column, value in wanted.items())).to_dicts()
        assert found, wanted
        assert len({row["kpi_id"] for row in found}) == len(found), wanted
        return {row["kpi_id"]: row for row in found}

    def values(self, plant: str, *which: str, **other: Any) -> dict[str, Any]:
        """KPI: value."""
        return {name: row["value"] for name, row in self.told(plant, *which, **other).items()}


def check(found: dict[str, Any], **expected: Fraction | float | None) -> None:
    """Ratios to 1e-9; None is a value that is not known."""
    for name, value in expected.items():
        assert found[name] == (None if value is None else pytest.approx(float(value), rel=1e-9, abs=1e-9)), name


def exactly(found: dict[str, Any], **expected: Any) -> None:
    """Parts are exact; `adet_eq` stands for `adet_eq_s`."""
    named = {name: found[name if name in found else f"{name}_s"] for name in expected}
    assert named == {
        name: Decimal(value) if isinstance(value, int) and not isinstance(value, bool) else value for name, value in expected.items()
    }
