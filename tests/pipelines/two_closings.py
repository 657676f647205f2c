"""Three plants, two closed months and a correction between: what workbooks and board packs are made of in tests.

One piece is worth 240 s, a day has 28,800 s planned, so one good piece is 240 / 28,800 = 1/120 of a day's OEE.

    release 1 (5 July)    29 June: 100 good, 2 scrap. 30 June: 80 good. June is closed on 10 July
    release 2 (5 August)  counts_2.csv of a: the 100 were 90 and 12 scrap. 1 July: 96 good of a. July is closed on 10 August

    OEE of a   June  180/240 = 75.0 %, since release 2: 170/240 = 70.8 %;  July  96/120 = 80.0 %
    OEE of b   June  75.0 %; nothing of July
    OEE of c   never: it delivers stops and no counts; its name and its company are hostile
"""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

from small_portfolio import COUNTED, COUNTS, DAY_1, DAY_2, SmallPortfolio, clock_says, plant_file
from three_releases import refreshed_at

from pipelines import cli_release, upkeep

HOSTILE, RIGHT_TO_LEFT = "=cmd|' /C calc'!A0", "+مصنع <script>alert(1)</script> *?~"
MOMENTS = tuple(datetime(2025, month, day, 6, tzinfo=UTC) for month in (7, 8) for day in (5, 10))


def closed_at(portfolio: SmallPortfolio, month: datetime, moment: datetime) -> None:
    """`plantlake release close`, with a clock that says `moment`."""
    with clock_says(moment):
        cli_release.close(month, portfolio.root)


def _late(line: str) -> str:
    """The same at the end of June: a month is planned from the first day of data to the last."""
    return line.replace("2025-06-02", "2025-06-29").replace("2025-06-03", "2025-06-30")


def two_closings(root: Path) -> None:
    portfolio = SmallPortfolio(root)
    for plant in "abc":
        portfolio.plant(plant, plant_file(plant) | ({"name": HOSTILE, "company": RIGHT_TO_LEFT} if plant == "c" else {}))
        portfolio.file(plant, "stops_1.csv", *map(_late, (*DAY_1, *DAY_2)))
        if plant != "c":
            portfolio.file(plant, "counts_1.csv", *map(_late, COUNTED), header=COUNTS)
    vocabularies = portfolio.root / "vocabularies"
    vocabularies.mkdir()
    (vocabularies / "ideal_rates.csv").write_text("plant,rate,unit\na,240,s\nb,240,s\n")
    refreshed_at(portfolio, MOMENTS[0])
    closed_at(portfolio, datetime(2025, 6, 1), MOMENTS[1])  # noqa: DTZ001
    portfolio.file("a", "counts_2.csv", "M1;2025-06-29 10:00;D1;90;12;pcs", "M1;2025-07-01 10:00;D9;96;0;pcs", header=COUNTS)
    portfolio.file("a", "stops_3.csv", "M1;2025-07-01 06:00;2025-07-01 14:00;RUN;;480")
    refreshed_at(portfolio, MOMENTS[2])
    closed_at(portfolio, datetime(2025, 7, 1), MOMENTS[3])  # noqa: DTZ001
    upkeep.close_dbt()
