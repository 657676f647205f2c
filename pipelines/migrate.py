"""Leads a lake from an older format to today's.

Here: one step from each format to the next. Elsewhere: the format file and the refusal of newer lakes (`pipelines.lake`), the new
layouts themselves (`pipelines.silver`, `pipelines.journal`).

A step may be killed at any moment and is then done again: each part of it looks at what is there, and the format file is written
last. Readers of an older format go on meanwhile: the published snapshot is not touched. Once the format file is written an older
plantlake refuses the lake.
"""

from __future__ import annotations

import logging
from collections.abc import Callable

from pipelines import rebuild, silver
from pipelines.lake import FORMAT_VERSION, Lake
from pipelines.ledger import ExportLedger

log = logging.getLogger("plantlake.migrate")

Step = Callable[[Lake], None]


def is_needed(lake: Lake) -> bool:
    """Whether the lake has an older format than today's; cheap."""
    return lake.version < FORMAT_VERSION


def migrate(lake: Lake, tell: Callable[[str], None] = lambda _: None) -> list[int]:
    """Leads the lake to today's format, one message a step; returns the formats that it came to. Only for the holder of the lock."""
    reached = []
    while is_needed(lake):
        version = lake.version
        text = f"The lake's format changes from {version} to {version + 1}; an older plantlake cannot write it afterwards."
        log.warning(text)
        tell(text)
        STEPS[version](lake)
        lake.write_format(version + 1)
        reached.append(version + 1)
    return reached


def _to_2(lake: Lake) -> None:
    """Format 2: the journal of the ledger, production days by plant and month, orders by plant."""
    with ExportLedger(lake.ledger) as ledger:
        rebuild.write_base(lake, ledger)
    for table in ("production_day", "production_order"):
        silver.repartition(lake, table)


STEPS: dict[int, Step] = {1: _to_2}
"""By the format that a step starts from."""
