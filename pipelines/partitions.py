"""Plants as Dagster partitions: known by the names of their files, so that thousands load at once.

Here: the partition set and the portfolio that definitions are about. Elsewhere: reading plant files (`connectors.portfolio`).
"""

from __future__ import annotations

import os
import warnings
from pathlib import Path

from dagster import StaticPartitionsDefinition

from connectors import portfolio as portfolios
from connectors.errors import ConfigError


def portfolio_root() -> Path | None:
    """The portfolio that this process is about, None (with one warning) where there is none: a clean clone has to load too."""
    try:
        return portfolios.find(os.environ.get("PLANTLAKE_PORTFOLIO"))
    except ConfigError as error:
        warnings.warn(f"plantlake: no portfolio, so no plants are shown. {error.problems[0].fix}", stacklevel=2)
        return None


def plants(root: Path | None) -> StaticPartitionsDefinition:
    """One partition a plant."""
    return StaticPartitionsDefinition(portfolios.plant_ids(root) if root else [])
