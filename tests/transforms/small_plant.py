"""One plant in a few lines, for the tests of transforms: records in, canonical rows out.

Here: how a test states a mapping. Elsewhere: the words of a mapping (`test_mapping.py`), the account (`test_conform.py`).
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import polars as pl

from connectors.contract import ROW
from connectors.models import PlantFile
from transforms.mapping import REJECT, Reading, evaluate
from transforms.tables import TABLES

NOW = datetime(2025, 6, 30, 12, tzinfo=UTC)


def reading(columns: dict[str, Any], table: str = "equipment_state_event", **more: Any) -> Reading:
    """What conform knows of one export. `more`: parts of the source, of the table (skip, key, intervals) or of the plant."""
    of_table = {name: more.pop(name) for name in ("skip", "key", "intervals", "mode") if name in more}
    of_source = {name: more.pop(name) for name in ("options", "timezone", "no_dst", "clock_offset_s") if name in more}
    of_reading = {
        name: more.pop(name) for name in ("unit_aliases", "known_equipment", "extracted_at", "ingested_at", "salt") if name in more
    }
    source = {"kind": "delimited", "path": "*.csv", "tables": {table: {"columns": columns, **of_table}}, **of_source}
    plant = PlantFile.model_validate(
        {
            "plant": "p", "name": "P", "company": "c", "timezone": "Europe/Berlin", "sources": {"mes": source},
            "shifts": {"F": {"at": "06:00-14:00", "days": "daily"}, "N": {"at": "22:00-06:00", "days": "daily"}}, **more,
        }
    )  # fmt: skip
    own = plant.sources["mes"]
    known = {"ingested_at": NOW, "extracted_at": None, **of_reading}
    return Reading(plant, "mes", own, table, own.tables[table], "a.csv", "batch", "1", transform_version="v", **known)


def records(**columns: list[Any]) -> pl.DataFrame:
    """Records as a connector gives them: text columns and `_row` from 1."""
    return pl.DataFrame(columns).with_row_index(ROW, offset=1).cast({ROW: pl.Int64})


def read(frame: pl.DataFrame, columns: dict[str, Any], table: str = "equipment_state_event", **more: Any) -> pl.DataFrame:
    """The inputs of a table, as the mapping reads them."""
    return evaluate(frame, reading(columns, table, **more), TABLES[table])


def reasons(inputs: pl.DataFrame) -> list[list[str]]:
    return inputs[REJECT].to_list()
