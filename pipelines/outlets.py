"""What is made of a snapshot once it stands: the dashboard, the workbook, the mirror; each is one line of OUTLETS and one Dagster asset.

Here: what an outlet is and gets, which ones a portfolio wants, running them. Elsewhere: each outlet (`publish`), the snapshot they read
(`publish.snapshot`). An outlet that fails stops no other and leaves what it had written before: the refresh tells, and ends with exit
code 1.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from connectors.errors import PlantlakeError, Problem
from connectors.portfolio import Portfolio
from pipelines.lake import Lake

log = logging.getLogger("plantlake.outlets")
Tell = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Given:
    """What an outlet gets: the lake with its published snapshot, the portfolio, and whom to tell what is being done."""

    lake: Lake
    portfolio: Portfolio
    tell: Tell


@dataclass(frozen=True, slots=True)
class Outlet:
    """A thing that readers use; `write` makes it anew, whole or not at all, and returns what Dagster shows: first where it is."""

    name: str
    description: str
    kind: str
    is_wanted: Callable[[Portfolio], bool]
    write: Callable[[Given], Mapping[str, Any]]


def _site(given: Given) -> Mapping[str, Any]:
    from publish import site

    return {"path": str(site.build(given.lake, given.portfolio, given.portfolio.site, given.tell))}


def _postgres(given: Given) -> Mapping[str, Any]:
    from publish import mirror

    return mirror.write(given.lake, given.portfolio, given.tell)


def _workbook(given: Given) -> Mapping[str, Any]:
    from publish import workbook
    from publish.reader import Snapshot

    target = given.lake.workbook
    with given.lake.half_written(target) as part, Snapshot(given.lake.snapshot) as reader:
        workbook.write(reader, part, given.portfolio.file.name)
    return {"path": str(target), "bytes": target.stat().st_size}


OUTLETS: tuple[Outlet, ...] = (
    Outlet("site", "The dashboard: a folder of static files, built of the snapshot.", "javascript", lambda portfolio: True, _site),
    Outlet(
        "postgres", "The published tables in PostgreSQL, for Power BI, Tableau and Excel.", "postgres",
        lambda portfolio: portfolio.file.publish.postgres is not None, _postgres,
    ),
    Outlet("workbook", "kpi.xlsx: KPIs, live ratios over the parts, losses, health and definitions.", "excel",
           lambda portfolio: portfolio.file.publish.workbook, _workbook),
)  # fmt: skip


def write(outlet: Outlet, given: Given) -> Mapping[str, Any] | Problem:
    """Makes one outlet; a problem when it could not be made."""
    given.tell(outlet.name)
    try:
        return outlet.write(given)
    except PlantlakeError as error:
        return error.problems[0]
    except Exception as error:
        log.exception("outlet %s", outlet.name)
        return Problem(
            f"The {outlet.name} was not written; what it showed before stands, and so does everything else that was published.",
            found=f"{type(error).__name__}: {error}"[:400],
            fix=f"see the newest file in lake/logs; `plantlake publish {outlet.name}` tries again", actor="us",
        )  # fmt: skip


def wanted(portfolio: Portfolio) -> list[Outlet]:
    """The outlets that a portfolio has."""
    return [outlet for outlet in OUTLETS if outlet.is_wanted(portfolio)]
