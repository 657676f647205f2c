"""What the eight invented plants are: zones, calendars, machines, products, words for stops, and how well each of them logs.

Here: facts as data. Elsewhere: what happens in the plants (`simulate`), what really follows from it (`truth`), how each plant
writes it down (`dialects_*`). The plant files (`plants/*.yaml`) state the same calendars in the product's words; a test compares.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date

START = date(2026, 9, 21)
"""The first production day, a Monday. Clocks change on 2026-10-25 (Europe) and 2026-11-01 (United States)."""

RUN, SETUP, EQ, ORG, IDLE, GAP = "RUN", "SETUP", "DELAY_EQ", "DELAY_ORG", "IDLE", "GAP"


@dataclass(frozen=True)
class Plant:
    """One plant. Times of the pattern are local; `reasons` gives the plant's own words for each class of stop."""

    plant: str
    company: str
    zone: str
    method: str
    shifts: dict[str, tuple[str, str]]
    machines: tuple[str, ...]
    products: tuple[str, ...]
    reasons: dict[str, tuple[str, ...]]
    day_start: str = "06:00"
    breaks: tuple[str, ...] = ()
    holidays: tuple[date, ...] = ()
    grid_s: int = 1
    """Every time is a multiple of it: a sheet that people fill in has minutes."""
    count_s: int = 3600
    """About how often pieces are booked."""
    logs_off: bool = False
    """Whether the machine says that it is off between shifts."""
    nests: bool = False
    """Whether entries of the log overlap."""
    gaps: int = 0
    """How many stretches of the log are lost a month and machine."""
    is_local: bool = True
    """Whether the log is in local time, so that the repeated hour of autumn can be ambiguous."""
    overtime: tuple[tuple[int, str], ...] = ()
    """(Day from the start, local span) in which the first machine runs outside every shift."""
    dead: tuple[tuple[int, str], ...] = ()
    """(Day from the start, shift) in which the interface of the first machine was dead: no stop and no count arrived."""
    planned: tuple[tuple[int, str, str, int, int], ...] = field(default=())
    """(Day, local span, planned class, index of the machine, hours between entering the plan and the start)."""


THREE = {"F": ("06:00-14:00", "Mon-Sat"), "S": ("14:00-22:00", "Mon-Sat"), "N": ("22:00-06:00", "Mon-Sat")}

PLANTS: tuple[Plant, ...] = (
    Plant(
        "deu01", "Linden Components", "Europe/Berlin", "MEASURED", THREE,
        ("SGM-01", "SGM-02", "SGM-03"), ("4711-A", "4712-B"),
        {SETUP: ("Rüsten",), EQ: ("Werkzeugbruch", "Hydraulikstörung", "Fühler verschmutzt"),
         ORG: ("Materialmangel", "Bediener fehlt", "Qualitätsprüfung"), IDLE: ("Kein Auftrag",)},
        breaks=("09:00-09:15", "12:00-12:30", "18:00-18:30", "23:30-23:50"), holidays=(date(2026, 10, 3), date(2026, 10, 31)),
        logs_off=True, nests=True, gaps=3, overtime=((13, "06:00-10:30"),),
        planned=(
            (8, "06:00-10:00", "PLANNED_MAINT", 0, 96), (16, "08:00-12:00", "PLANNED_MAINT", 1, 2), (22, "14:00-22:00", "PLANNED_NO_DEMAND", 2, 72),
            (36, "20:00-24:00", "PLANNED_MAINT", 0, 24),
        ),
    ),
    Plant(
        "usa01", "Linden Components", "America/Chicago", "MEASURED", {"D": ("06:00-18:00", "Mon-Sat"), "N": ("18:00-06:00", "Mon-Sat")},
        ("PRESS 1", "PRESS 2"), ("BRKT-100", "BRKT-200"),
        {SETUP: ("Die change",), EQ: ("Hydraulic leak", "Die crash", "Light curtain"), ORG: ("No coil", "No operator", "Quality hold"),
         IDLE: ("No order",)},
        breaks=("11:30-12:00", "22:00-22:30"), holidays=(date(2026, 10, 12),), nests=True, gaps=2,
        planned=((9, "06:00-12:00", "PLANNED_MAINT", 0, 200), (24, "18:00-22:00", "PLANNED_OTHER", 1, 48)),
    ),
    Plant(
        "gbr01", "Harrow Packaging", "Europe/London", "MEASURED", {"E": ("06:00-14:00", "Mon-Fri"), "L": ("14:00-22:00", "Mon-Fri")},
        ("CNC1", "CNC2"), ("HX-7", "HX-9"),
        {SETUP: ("PROGRAM_STOPPED",), EQ: ("INTERRUPTED", "STOPPED"), ORG: ("FEED_HOLD", "OPTIONAL_STOP"), IDLE: ("READY",)},
        breaks=("10:00-10:20", "18:00-18:20"), count_s=14400, logs_off=True, gaps=3, is_local=False,
    ),
    Plant(
        "mex01", "Harrow Packaging", "America/Mexico_City", "NONE", {"1": ("07:00-15:00", "Mon-Sat"), "2": ("15:00-23:00", "Mon-Fri")},
        ("EMP-10", "EMP-20"), ("CAJA-12", "CAJA-24"), {SETUP: ("",), EQ: ("",), ORG: ("",), IDLE: ("",)},
        day_start="07:00", breaks=("11:00-11:30",), holidays=(date(2026, 11, 2),), count_s=14400,
    ),
    Plant(
        "cze01", "Harrow Packaging", "Europe/Prague", "RESIDUAL",
        {"R": ("06:00-14:00", "daily"), "O": ("14:00-22:00", "daily"), "N": ("22:00-06:00", "daily")},
        ("L1", "L2", "L3"), ("P-330", "P-500"),
        {SETUP: ("201",), EQ: ("101", "102", "103"), ORG: ("301", "302", "999"), IDLE: ("401",)},
        breaks=("10:30-11:00", "18:30-19:00"), holidays=(date(2026, 9, 28), date(2026, 10, 28)), nests=True, dead=((10, "O"),),
        planned=((12, "06:00-14:00", "PLANNED_MAINT", 1, 150), (30, "22:00-06:00", "PLANNED_NO_DEMAND", 2, 30), (33, "07:00-09:00", "PLANNED_MAINT", 0, -5)),
    ),
    Plant(
        "usa02", "Quill Foods", "America/New_York", "MEASURED", {"A": ("07:00-19:00", "daily"), "B": ("19:00-07:00", "daily")},
        ("FILL1", "FILL2"), ("JUICE-1L", "JUICE-2L"),
        {SETUP: ("CIP",), EQ: ("VALVE", "CAPPER JAM", "CONVEYOR"), ORG: ("NO CAPS", "STARVED", "QA HOLD"), IDLE: ("NO PLAN",)},
        day_start="07:00", breaks=("13:00-13:30",), gaps=2,
    ),
    Plant(
        "deu02", "Quill Foods", "Europe/Berlin", "NONE", THREE,
        ("10023", "10024"), ("000000000000100200", "000000000000100300"), {SETUP: ("",), EQ: ("",), ORG: ("",), IDLE: ("",)},
        breaks=("09:00-09:30", "17:00-17:30", "23:00-23:30"), holidays=(date(2026, 10, 3),), count_s=14400,
        planned=((15, "06:00-14:00", "PLANNED_MAINT", 0, 500),),
    ),
    Plant(
        "ind01", "Quill Foods", "Asia/Kolkata", "RESIDUAL", {"I": ("06:30-14:30", "Mon-Sat"), "II": ("14:30-22:30", "Mon-Sat")},
        ("Packer 1", "Packer 2", "Packer 3"), ("TEA-250", "TEA-500"),
        {SETUP: ("Changeover",), EQ: ("Film jam", "Sealer fault", "Drive trip"), ORG: ("No film", "Power cut", "Manpower"), IDLE: ("No plan",)},
        day_start="06:30", breaks=("11:00-11:30", "19:00-19:30"), holidays=(date(2026, 10, 2), date(2026, 10, 20)), grid_s=60,
    ),
)  # fmt: skip

BY_ID = {plant.plant: plant for plant in PLANTS}
