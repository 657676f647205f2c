"""Two plants after three refreshes, each with a moment of its own: what `plantlake kpi` and `plantlake restated` are asked about.

One piece is worth 240 s, a day has 28,800 s planned, so one good piece is 240 / 28,800 = 1/120 of a day's OEE.

    release 1 (5 July)  2 June: 100 good, 2 scrap. 3 June: 80 good. The half hour that M1 stood on 2 June has the reason 17: unknown
    release 2 (6 July)  counts_2.csv of a: the 100 were 90 and 12 scrap; 20 more on 3 June
    release 3 (8 July)  the reason map of a learns 17: a mechanical failure

    OEE of a   2 June  100/120 = 83.3 %  then  90/120 = 75.0 %
               3 June   80/120 = 66.7 %  then 100/120 = 83.3 %
               June    180/240 = 75.0 %  then 190/240 = 79.2 %;  of acme, with b: 360/480 = 75.0 %, then 370/480 = 77.1 %
    MTTR of a  2 June  nothing failed, then 0.5 h;  CODED 0 %, then 100 %
"""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

from small_portfolio import COUNTS, SmallPortfolio, clock_says

from pipelines import upkeep

FIFTH, SIXTH, EIGHTH = (datetime(2025, 7, day, 6, tzinfo=UTC) for day in (5, 6, 8))


def refreshed_at(portfolio: SmallPortfolio, moment: datetime) -> None:
    """A refresh whose clock says `moment`."""
    with clock_says(moment):
        portfolio.refresh()


def three_releases(root: Path) -> None:
    portfolio = SmallPortfolio(root).good("a", "b")
    vocabularies = portfolio.root / "vocabularies"
    vocabularies.mkdir()
    (vocabularies / "ideal_rates.csv").write_text("plant,rate,unit\na,240,s\nb,240,s\n")
    refreshed_at(portfolio, FIFTH)
    portfolio.file("a", "counts_2.csv", "M1;2025-06-02 10:00;D1;90;12;pcs", "M1;2025-06-03 11:00;D3;20;0;pcs", header=COUNTS)
    refreshed_at(portfolio, SIXTH)
    line = "a,*,17,E-MECH,jane,2025-06-01\n"
    (vocabularies / "reason_map.csv").write_text(f"plant,source,source_code,reason_code,mapped_by,approved_at\n{line}")
    refreshed_at(portfolio, EIGHTH)
    upkeep.close_dbt()  # other processes read this lake too
