"""A plant whose numbers `plantlake explain` is asked about: every line that a value is made of stands in this file.

One machine M1, one shift from 06:00 to 14:00 UTC (28,800 s), a piece is worth 120 s. The first refresh has the first files; the second those
in which the MES tells a stop again, ten minutes longer, and the ERP reverses document D2 and books 70 pieces instead of its 80.

    2 June   run 3 h, stop 40 min (30 at first), the rest run.  Good: D1 100, D2 80, D3 -80 (booked on 3 June), D4 70: 170
             OEE = 170 x 120 / 28,800 = 70.8 %,  A = 26,400 / 28,800 = 91.7 %
    3 June   nothing is logged after 07:00: 7 h unknown. Good: D5 10

`bare` delivers the same stops and no counts; of `line` there are two stations. People of mill: 8 h attended, 6 h worked on orders.
"""

from __future__ import annotations

from typing import Any

from small_portfolio import SmallPortfolio

STOPS = "Unit;From;To;Class;Reason"
STOPS_1 = (
    "MES export of mill",
    "",
    STOPS,
    "M1;2025-06-02 06:00;2025-06-02 09:00;RUN;",
    'M1;2025-06-02 09:00;2025-06-02 09:30;DELAY_EQ;"17"',
    "",
    "M1;2025-06-02 09:30;2025-06-02 14:00;RUN;",
)
"""Line 5 of the file is its second record."""
STOPS_2 = (STOPS, "M1;2025-06-02 09:00;2025-06-02 09:40;DELAY_EQ;17", "M1;2025-06-03 06:00;2025-06-03 07:00;RUN;")
COUNTS = "Unit;At;Document;Reverses;Good;Uom"
COUNTS_1 = (COUNTS, "M1;2025-06-02 10:00;D1;;100;pcs", "M1;2025-06-02 11:00;D2;;80;pcs")
COUNTS_2 = (
    COUNTS,
    "M1;2025-06-03 10:00;D3;D2;-80;pcs",
    "M1;2025-06-02 11:00;D4;;70;pcs",
    "M1;2025-06-03 06:30;D5;;10;pcs",
)
PEOPLE = ("Who;Unit;From;To;Worked h", "Jane Doe;M1;2025-06-02 06:00;2025-06-02 14:00;6")


def source(path: str, table: str, columns: dict[str, Any], **options: Any) -> dict[str, Any]:
    return {
        "kind": "delimited", "path": path, "options": {"delimiter": ";", "encoding": "utf-8", **options},
        "exported_at": {"from_name": r"_(\d{8})\."}, "tables": {table: {"columns": columns}},
    }  # fmt: skip


def plant_file(plant: str, *, counts: bool) -> dict[str, Any]:
    stops = {
        "equipment": "Unit", "start_ts": "From", "end_ts": "To", "state_class": "Class", "source_reason_code": "Reason",
    }  # fmt: skip
    counted = {
        "equipment": "Unit", "event_ts": "At", "document": "Document", "reverses": "Reverses", "good_qty": {"from": "Good", "unit_from": "Uom"},
    }  # fmt: skip
    people = {"person": "Who", "equipment": "Unit", "start_ts": "From", "end_ts": "To", "worked_s": {"from": "Worked h", "unit": "h"}}
    sources = {"mes": source("stops_*.csv", "equipment_state_event", stops, header=["Unit", "From"])}
    if counts:
        sources |= {"erp": source("counts_*.csv", "production_count", counted), "hr": source("people_*.csv", "labour_time", people)}
    return {
        "plant": plant, "name": f"The {plant}", "company": "acme", "timezone": "UTC", "shifts": {"F": {"at": "06:00-14:00", "days": "daily"}},
        "settings": {"state_method": "MEASURED"}, "sources": sources,
    }  # fmt: skip


def explained(portfolio: SmallPortfolio) -> SmallPortfolio:
    portfolio.plant("mill", plant_file("mill", counts=True))
    portfolio.plant("bare", plant_file("bare", counts=False))
    vocabularies = portfolio.root / "vocabularies"
    vocabularies.mkdir()
    (vocabularies / "ideal_rates.csv").write_text("plant,rate,unit,rate_basis,provenance\nmill,120,s,ENGINEERED,sheet 7\n")
    _write(portfolio, "mill", "stops_20250603.csv", STOPS_1)
    _write(portfolio, "bare", "stops_20250603.csv", STOPS_1)
    _write(portfolio, "mill", "counts_20250603.csv", COUNTS_1)
    _write(portfolio, "mill", "people_20250603.csv", PEOPLE)
    portfolio.refresh()
    _write(portfolio, "mill", "stops_20250604.csv", STOPS_2)
    _write(portfolio, "mill", "counts_20250604.csv", COUNTS_2)
    portfolio.refresh()
    return portfolio


def _write(portfolio: SmallPortfolio, plant: str, name: str, lines: tuple[str, ...]) -> None:
    portfolio.bytes(plant, name, "".join(f"{line}\r\n" for line in lines).encode())
