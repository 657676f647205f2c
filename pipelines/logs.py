"""A log file per refresh, in the lake.

Here: where log lines go. Elsewhere: what is logged (each module, under the logger `plantlake`).
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager

from pipelines.lake import Lake

KEPT = 200


@contextmanager
def to_file(lake: Lake, refresh_id: str) -> Iterator[None]:
    """Writes what `plantlake` logs during the block to lake/logs/refresh-<id>.log; old files go."""
    lake.logs.mkdir(parents=True, exist_ok=True)
    handler = logging.FileHandler(lake.logs / f"refresh-{refresh_id}.log", encoding="utf-8")
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s %(message)s"))
    logger = logging.getLogger("plantlake")
    logger.setLevel(logging.INFO)
    logger.propagate = False
    logger.addHandler(handler)
    try:
        yield
    except BaseException:
        logger.exception("the refresh ended with an error")
        raise
    finally:
        logger.removeHandler(handler)
        handler.close()
        for old in sorted(lake.logs.glob("refresh-*.log"))[:-KEPT]:
            old.unlink(missing_ok=True)
