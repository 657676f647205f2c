"""Best demonstrated rates from files: which hours count, what is frozen, and what a frozen rate moves. Worked out by hand (section 4.1).

All units work from 06:00 to 14:00; counts are totals of an hour, booked at its end, unless said otherwise. The ERP says 36 s a piece.
Elsewhere: what lines of the vocabulary mean (`tests/transforms/test_statements.py`).
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from golden_portfolio import Case, refresh, write
from typer.testing import CliRunner

from pipelines import cli, upkeep
from publish.reader import Snapshot

runner = CliRunner()
Row = dict[str, Any]
DAYS = ("2025-06-02", "2025-06-03", "2025-06-04")
JULY = "2025-07-01"


def run(unit: str, day: str, *stops: tuple[str, str]) -> list[Row]:
    """A shift of run time with stops (from, to) in it."""
    cuts = [("06:00", "14:00", "RUN")]
    for begin, end in stops:
        first, last, _ = cuts.pop()
        cuts += [(first, begin, "RUN"), (begin, end, "DELAY_EQ"), (end, last, "RUN")]
    return [
        {"equipment": unit, "event": f"{unit}{day}{begin}", "start_ts": f"{day}T{begin}", "end_ts": f"{day}T{end}", "state_class": state}
        for begin, end, state in cuts
    ]


def made(unit: str, at: str, pieces: float, good: float | None = None, material: str = "P", **more: Any) -> Row:
    quantities = {"produced_qty": pieces, "good_qty": pieces if good is None else good}
    return {"equipment": unit, "document": f"{unit}{at}{material}", "event_ts": at, "material": material, "count_source": "MES",
            "corrects": "", **quantities, **more}  # fmt: skip


def hourly(unit: str, pieces: list[float], **more: Any) -> list[Row]:
    """Totals of consecutive hours from 06:00 on, eight a day, after a first one of nothing that says when counting began."""
    began = made(unit, f"{DAYS[0]}T06:00", 0, **more)
    return [began, *(made(unit, f"{DAYS[n // 8]}T{n % 8 + 7:02}:00", value, **more) for n, value in enumerate(pieces))]


# M: 24 hours. That of 200 pieces ran 54 min, that of 190 has 178 good ones, 93.7 %: both are out. One of 100 ran 55 min and has 95 good
# ones: it is in. That of 125 pieces was corrected by 5 on 20 June. Of 22 hours the discrete quantile 0.95 is the 21st, ceil(20.9):
# 19 of 100, then 120, 120, 150. So 120 pieces an hour, 30 s a piece; the record of 150 does not count.
M = hourly("M", [200, 190, *[100] * 15, 120, *[100] * 4, 125, 150])
M[2]["good_qty"], M[3]["good_qty"] = 178, 95
CORRECTION = {**made("M", "2025-06-20T12:30", -5), "corrects": M[23]["document"]}
# N says when each of its intervals began, so that the first needs none before it; T too: from 06:00 on.
N = [{**row, "start_ts": f"{row['event_ts'][:11]}{int(row['event_ts'][11:13]) - 1:02}:00"} for row in hourly("N", [100] * 19)[1:]]
CONFIRMED = hourly("C", [100] * 24, count_source="ERP_CONFIRMATION")
NAMELESS = hourly("U", [100] * 24, material="")
MIXED = [row for material in ("P", "Q") for row in hourly("X", [50] * 24, material=material)]
TOTALS = [made("T", f"2025-06-{day:02}T13:59", 800, start_ts=f"2025-06-{day:02}T06:00") for day in range(2, 27)]
# 864 x 36 s = 31 104 s in 28 800 s: E = 1.08.
REVIEWED = [made("R", "2025-06-10T13:59", 864)]
IN_JULY = [made("M", f"{JULY}T13:59", 700), made("N", f"{JULY}T13:59", 250)]
STATES = [
    *(event for unit in "NCUX" for day in DAYS for event in run(unit, day)),
    *run("M", DAYS[0], ("06:20", "06:26"), ("08:00", "08:05")), *run("M", DAYS[1]), *run("M", DAYS[2]),
    *(event for day in range(2, 27) for event in run("T", f"2025-06-{day:02}")),
    *run("R", "2025-06-10"), *run("M", JULY), *run("N", JULY),
]  # fmt: skip
PLANT = Case(
    "rates",
    {"equipment_state_event": STATES, "production_count": [*M, CORRECTION, *N, *CONFIRMED, *NAMELESS, *MIXED, *TOTALS, *REVIEWED, *IN_JULY]},
    {"equipment": {"units": {code: {} for code in "MNCUXTR"}}, "settings": {"state_method": "MEASURED"}},
    until="2025-07-02T00:00",
    words={"ideal_rates": [
        {"plant": plant, "equipment": "", "material": "", "tool": "", "rate_basis": "ERP_STANDARD", "rate": 36, "unit": "s"} for plant in ("rates", "early")
    ]},
)  # fmt: skip
EARLY = Case(
    "early",
    {"equipment_state_event": [event for day in DAYS for event in run("E", day)], "production_count": hourly("E", [100] * 24)},
    {"equipment": {"units": {"E": {}}}, "settings": {"state_method": "MEASURED"}},
    until="2025-06-05T00:00",
)


@dataclass(frozen=True)
class Told:
    """What was said before rates were frozen, and when they were."""

    root: Path
    before: dict[str, Any]
    frozen: dict[str, Any]
    oee: list[tuple[Any, ...]]

    def rate(self, unit: str, material: str | None = "P") -> Row:
        (found,) = (row for row in self.before["rates"] if (row["equipment"], row["material"]) == (unit, material))
        return dict(found)


def rates(root: Path, *words: str) -> dict[str, Any]:
    upkeep.close_dbt()  # dbt in this process has the build database open
    done = runner.invoke(cli.app, ["rates", *words, "--json", "-p", str(root)])
    assert done.exit_code == 0, done.exception
    return dict(json.loads(done.stdout))


def ask(root: Path, sql: str) -> list[tuple[Any, ...]]:
    with Snapshot(root / "lake" / "kpi.duckdb") as lake:
        return lake.rows(sql)


OEE = """SELECT scope_name, period_start, round(value, 9), rate_basis FROM kpi_value
WHERE kpi_id = 'OEE' AND profile = 'ISO' AND period_type = 'DAY' AND scope_type IN ('EQUIPMENT', 'PLANT') AND scope_name IN ('M', 'N', 'rates')
    AND period_start IN (DATE '2025-06-04', DATE '2025-07-01') ORDER BY ALL"""


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Told]:
    root = tmp_path_factory.mktemp("rates") / "portfolio"
    write(root, [PLANT, EARLY])
    assert [str(problem) for problem in refresh(root).problems] == []
    oee, before, frozen = ask(root, OEE), rates(root), rates(root, "--write")
    assert [str(problem) for problem in refresh(root).problems] == []
    yield Told(root, before, frozen, oee)


def test_golden_the_rate_is_that_of_the_21st_of_22_good_hours(told: Told) -> None:
    found = told.rate("M")
    assert (found["hours"], found["pieces_per_hour"], found["pri_s"], found["action"]) == (22, 120.0, 30.0, "FREEZE")
    # Golden case GC41: what OEE is multiplied by.
    assert (found["erp_standard_s"], found["in_force_basis"], found["factor"]) == (36.0, "ERP_STANDARD", pytest.approx(30 / 36))
    assert (told.before["quarter"], told.before["window_from"], told.before["window_to"]) == ("2025-Q3", "2024-07-01", "2025-06-30")


@pytest.mark.parametrize(
    ("unit", "material", "hours", "why"),
    [
        ("N", "P", 19, "fewer than 20 hours"),
        ("T", "P", 0, "pieces are not known by the hour"),
        ("C", "P", 0, "pieces are not known by the hour"),
        ("X", "Q", 0, "never made alone for an hour"),
        ("U", None, 24, "counts name no product"),
    ],
)
def test_golden_what_is_no_demonstrated_rate(told: Told, unit: str, material: str | None, hours: int, why: str) -> None:
    found = told.rate(unit, material)
    assert (found["hours"], found["pri_s"], found["why"], found["action"]) == (hours, None, why, "NONE")


def test_golden_a_frozen_rate_moves_its_quarter_and_no_day_before(told: Told) -> None:
    # 700 x 36 s of 28 800 s is 7/8, at 30 s it is 35/48 (GC41). Of the plant's 57 600 s of July 34 200 s are 59.375 %.
    june = round((100 + 120 + 4 * 100 + 120 + 150) * 36 / 28800, 9)
    assert told.oee == [
        ("M", day("2025-06-04"), june, "ERP_STANDARD"), ("M", day(JULY), 0.875, "ERP_STANDARD"),
        ("N", day("2025-06-04"), 0.375, "ERP_STANDARD"), ("N", day(JULY), 0.3125, "ERP_STANDARD"),
        ("rates", day("2025-06-04"), pytest.approx(told.oee[4][2]), "ERP_STANDARD"),
        ("rates", day(JULY), 0.59375, "ERP_STANDARD"),
    ]  # fmt: skip
    now = ask(told.root, OEE)
    assert [now[0], now[2], now[3], now[4]] == [told.oee[0], told.oee[2], told.oee[3], told.oee[4]]
    assert now[1] == ("M", day(JULY), round(35 / 48, 9), "BEST_DEMONSTRATED")
    # 700 x 30 s = 21 000 s are best demonstrated, 250 x 36 s = 9 000 s are not.
    assert now[5][3] == "BEST_DEMONSTRATED 70 %, ERP_STANDARD 30 %"
    assert ask(told.root, "SELECT min(production_day) FROM mart_kpi_parts_shift WHERE valid_to_release = 2") == [(day(JULY),)]
    assert ask(told.root, "SELECT plant_id, cause, first_day FROM release_cause WHERE release_id = 2") == [
        ("rates", "ideal rate", day(JULY))
    ]


def day(text: str) -> Any:
    from datetime import date

    return date.fromisoformat(text)


def test_golden_the_provenance_of_a_rate_is_with_it(told: Told) -> None:
    sql = "SELECT equipment_id = (SELECT equipment_id FROM equipment WHERE equipment_code = 'M'), pri_s, valid_from::DATE, valid_to, provenance"
    ((is_m, pri_s, since, until, provenance),) = ask(told.root, f"{sql} FROM ideal_rate WHERE rate_basis = 'BEST_DEMONSTRATED'")
    assert (is_m, pri_s, since, until) == (True, 30.0, day(JULY), None)
    said = "vocabularies/demonstrated_rates.csv: 2025-Q3, quantile 0.95 of 22 hours from 2024-07-01 to 2025-06-30, release 1, frozen 20"
    assert provenance.startswith(said)


def test_golden_a_frozen_quarter_is_not_frozen_again_unless_asked_for(told: Told) -> None:
    path = told.root / "vocabularies" / "demonstrated_rates.csv"
    frozen = path.read_bytes()
    assert told.frozen["written"]["lines"] == 1
    found = rates(told.root, "--write")
    assert (found["frozen"], found["written"]["lines"], path.read_bytes()) == (["rates"], 0, frozen)
    assert [row["action"] for row in found["rates"] if row["equipment"] == "M"] == ["FROZEN"]
    again = rates(told.root, "--again")
    assert [row["action"] for row in again["rates"] if row["equipment"] == "M"] == ["FREEZE"]


def test_golden_a_plant_whose_year_is_not_complete_is_not_frozen(told: Told) -> None:
    assert told.before["too_early"] == {"early": "2025-06-05 00:00:00+00:00"}
    assert [row["action"] for row in told.before["rates"] if row["plant"] == "early"] == ["FREEZE"], "shown all the same"
    assert "early" not in (told.root / "vocabularies" / "demonstrated_rates.csv").read_text()


def test_golden_a_year_later_nothing_is_left_of_the_hours(told: Told) -> None:
    found = rates(told.root, "--quarter", "2026-Q4", "--plant", "rates")
    ((unit, before, action),) = [(row["equipment"], row["frozen_before_s"], row["action"]) for row in found["rates"]]
    assert (unit, before, action) == ("M", 30.0, "END")


def test_golden_a_month_above_105_percent_asks_for_a_review(told: Told) -> None:
    # M: 2 680 pieces (2 685 less 5) x 36 s in 24 h less 11 min; R: 1.08. N ran at 100 %.
    found = [
        (row["equipment"], row["material"], row["month"], round(row["e"], 6), row["pri_s"], row["basis"]) for row in told.before["reviews"]
    ]
    e = (200 + 190 + 15 * 100 + 120 + 4 * 100 + 120 + 150) * 36 / (24 * 3600 - 11 * 60)
    assert found == [("M", "P", "2025-06-01", round(e, 6), 36.0, "ERP_STANDARD"), ("R", "P", "2025-06-01", 1.08, 36.0, "ERP_STANDARD")]


def test_golden_the_table_says_what_it_is_of(told: Told) -> None:
    upkeep.close_dbt()
    shown = runner.invoke(cli.app, ["rates", "--again", "-p", str(told.root)]).output
    assert [line.split() for line in shown.splitlines() if line.startswith("rates ")] == [
        ["rates", "M", "P", "22", "120", "30", "s", "-", "-", "36", "s", "36", "s", "ERP_STANDARD", "0.833", "FREEZE"],
    ]
    assert "No demonstrated rate: pieces are not known by the hour: rates 3 (units and products)." in shown
    assert "early is not frozen for 2025-Q3 yet: its data goes to 2025-06-05 00:00 UTC" in shown
    assert "Review: rates R P: E 108.0 % in 2025-06 on ERP_STANDARD 36 s." in shown
    assert "Basis of the ideal rates BEST_DEMONSTRATED 70 %, ERP_STANDARD 30 %: rates 2025-07-01." in (
        runner.invoke(cli.app, ["kpi", "OEE", "-p", str(told.root)]).output
    )


def test_golden_while_a_refresh_writes_the_command_says_so(told: Told) -> None:
    upkeep.close_dbt()
    holding = "import duckdb, sys; con = duckdb.connect(sys.argv[1]); print('held', flush=True); input()"
    build = str(told.root / "lake" / "gold" / "build.duckdb")
    with subprocess.Popen([sys.executable, "-c", holding, build], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as writer:
        assert writer.stdout is not None and writer.stdout.readline() == "held\n"
        done = runner.invoke(cli.app, ["rates", "-p", str(told.root)])
        writer.communicate("\n")
    assert "The build database is in use." in str(done.exception)


@pytest.mark.parametrize(("words", "said"), [(("--quarter", "2025-07"), "is no quarter"), (("--plant", "rate"), "Closest: rates")])
def test_golden_what_cannot_be_asked(told: Told, words: tuple[str, ...], said: str) -> None:
    assert said in str(runner.invoke(cli.app, ["rates", *words, "-p", str(told.root)]).exception)
