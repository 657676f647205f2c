"""The gates: which plants may not be built or published in this refresh, and why.

Here: holding plants, and who is held. A plant that is held keeps its last good parts and its open scope; mending what held it lets the
next refresh build it, and nothing else. Elsewhere: the checks (`quality_checks`), the laws of the ledger (dbt tests), what readers see
of it (`plant_status` in `publish.snapshot`).
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import TYPE_CHECKING

from pipelines.ledger import ExportLedger
from pipelines.views import listed

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

UNUSED_BY_PARTS = frozenset({"historian_sample", "tag", "goods_movement"})
"""Tables that no part is made of: their failures are told and hold nobody."""


def rolled_back(con: DuckDBPyConnection) -> dict[str, str]:
    """Plants that somebody took back to an older release: they wait for `plantlake release resume`."""
    return dict(con.execute("SELECT plant_id, reason FROM gold.plant_gate WHERE gate = 'rollback'").fetchall())


def failed_exports(con: DuckDBPyConnection, failing: Mapping[str, Mapping[str, str]]) -> dict[str, str]:
    """Plants of which an export failed that their last good parts did not have to do without.

    `failing` is plant: export: why, as of now. A plant that was never published has nothing to lose: what can be built is.
    """
    known = dict(con.execute("SELECT plant_id, failures FROM gold.built_plant").fetchall())
    held = {}
    for plant, exports in failing.items():
        new = sorted(set(exports) - set(known.get(plant) or [])) if plant in known else []
        if new:
            more = f" (and {len(new) - 1} more)" if len(new) > 1 else ""
            held[plant] = f"{new[0]} could not be loaded{more}: {exports[new[0]]}"
    return held


def hold(con: DuckDBPyConnection, held: Mapping[str, str], gate: str, at: datetime, limits_version: str = "") -> None:
    """Takes plants out of this build: their scope stays open. Since when a plant is held is kept over refreshes."""
    if not held:
        return
    plants = listed(held)
    con.execute(f"DELETE FROM gold.open_scope WHERE plant_id IN ({plants})")
    since = dict(con.execute("SELECT plant_id, held_since FROM gold.plant_gate").fetchall())
    con.execute(f"DELETE FROM gold.plant_gate WHERE gate <> 'rollback' AND plant_id IN ({plants})")
    taken_back = rolled_back(con)
    rows = [[plant, since.get(plant, at), gate, reason, limits_version] for plant, reason in held.items() if plant not in taken_back]
    if rows:
        con.executemany("INSERT INTO gold.plant_gate VALUES (?, ?, ?, ?, ?)", rows)


def failing(ledger: ExportLedger, plants: Collection[str]) -> dict[str, dict[str, str]]:
    """Plant: export: why, of the newest versions of exports that could not be loaded into a table that parts are made of."""
    found: dict[str, dict[str, str]] = {}
    for plant, name, table, error in ledger.failing():
        if plant in plants and table not in UNUSED_BY_PARTS:
            found.setdefault(plant, {})[" · ".join(filter(None, (name, table)))] = _first(error)
    return found


def _first(error: str) -> str:
    """The sentence of an error block that says what is wrong: the line after the one that says where."""
    lines = [line.strip() for line in error.splitlines() if line.strip()]
    return (lines[1] if len(lines) > 1 else lines[0] if lines else "no reason was given")[:300]
