"""What Dagster sees: the assets from bronze to the snapshot, the refresh job, its schedule and the sensor for new exports.

Here: assembly only. Elsewhere: the assets (`pipelines.assets`), plants as partitions (`pipelines.partitions`), the work itself
(`pipelines.refresh`).
"""

from __future__ import annotations

from dagster import Definitions

from pipelines import assets, triggers
from pipelines.partitions import plants, portfolio_root

_root = portfolio_root()
_graph = assets.graph(plants(_root))

defs = Definitions(
    assets=_graph.assets,
    asset_checks=_graph.checks,
    jobs=[_graph.refresh, _graph.laws],
    schedules=[triggers.daily(_graph.refresh), triggers.nightly(_graph.laws)],
    sensors=[triggers.new_exports(_graph.refresh)],
    resources={"portfolio": assets.PortfolioResource(root=str(_root) if _root else "")},
    executor=assets.EXECUTOR,
)
