"""How long the workbook of a large portfolio takes: `python -m bench.workbook PORTFOLIO`.

Makes 300 plants x 36 months of the newest whole month of a refreshed sample portfolio (the parts of one month, the sums of all), writes the
workbook, and writes as many bare cells with xlsxwriter alone. Prints seconds, cells and the ratio.
"""

from __future__ import annotations

import sys
import tempfile
import time
import zipfile
from datetime import date
from pathlib import Path

import duckdb
import xlsxwriter

from publish import workbook
from publish.reader import Snapshot
from publish.snapshot import derive

PLANTS, MONTHS = 300, 36
PER_PLANT = {
    "plant": ("plant_id", "plant_name"), "plant_status": ("plant_id", "plant_name"), "plant_setting": ("plant_id", "equipment_id"),
    "equipment": ("plant_id", "equipment_id", "parent_equipment_id"), "unit_scope": ("plant_id", "unit_id", "scope_id"),
    "mart_kpi_parts_shift": ("plant_id", "equipment_id"), "mart_kpi_parts_reason": ("plant_id", "equipment_id"),
    "mart_kpi_unit_month": ("plant_id", "equipment_id"), "mart_kpi_unit_shift": ("plant_id", "equipment_id"), "economics": ("plant_id",),
}  # fmt: skip
"""Tables that grow with the plants, and the columns that tell the copies of a plant apart."""


def large(small: Path, target: Path) -> date:
    """Writes a snapshot of many plants and months made of a small one; returns the month that they all repeat."""
    with Snapshot(small) as reader:
        month: date = workbook.Shown(reader, "small").month
        views = dict(reader.rows("SELECT view_name, sql FROM duckdb_views() WHERE NOT internal AND schema_name = 'main'"))
        plants = reader.rows("SELECT count(*) FROM plant")[0][0]
    con = duckdb.connect(str(target))
    con.execute("SET TimeZone = 'UTC'")
    con.execute(f"ATTACH '{small}' AS small (READ_ONLY)")
    con.execute("USE small")
    copies = -(-PLANTS // plants)
    for name in sorted(views.keys() - {"kpi_value"}):
        source = f"SELECT * FROM main.{name}"
        if "production_day" in [row[0] for row in con.execute(f"DESCRIBE {source}").fetchall()]:
            source += f" WHERE date_trunc('month', production_day) = DATE '{month}'"
        if name == "mart_kpi_unit_month":
            of_one = f"(SELECT * FROM main.{name} WHERE month = DATE '{month}')"
            earlier = "* REPLACE (CAST(month - INTERVAL (m) MONTH AS DATE) AS month)"
            source = f"SELECT * EXCLUDE (m) FROM (SELECT {earlier} FROM {of_one}, range({MONTHS}) AS r (m))"
        if name in PER_PLANT:
            told = ", ".join(f"{column} || '_' || n AS {column}" for column in PER_PLANT[name])
            if name == "unit_scope":
                kept = "CASE WHEN scope_type IN ('CLASS', 'COMPANY', 'PORTFOLIO') THEN scope_id ELSE scope_id || '_' || n END AS scope_id"
                told = told.replace("scope_id || '_' || n AS scope_id", kept)
            source = f"SELECT * EXCLUDE (n) FROM (SELECT * REPLACE ({told}) FROM ({source}), range({copies}) AS c (n))"
        con.execute(f"CREATE TABLE {target.stem}.main.{name} AS {source}")
    con.execute(f"USE {target.stem}")
    con.execute("DETACH small")
    con.execute("DROP TABLE mart_kpi_unit_shift")
    derive(con, ["unit_scope", "mart_kpi_unit_month"])
    con.close()
    return month


def cells(file: Path) -> int:
    """How many cells a workbook has."""
    with zipfile.ZipFile(file) as archive:
        return sum(archive.read(name).count(b"<c ") for name in archive.namelist() if name.startswith("xl/worksheets/sheet"))


def bare(file: Path, number: int) -> None:
    """As many cells, as xlsxwriter alone writes them."""
    book = xlsxwriter.Workbook(str(file))
    sheet = book.add_worksheet()
    form = book.add_format({"num_format": "0.0%"})
    for place in range(number):
        sheet.write_number(place // 40, place % 40, place / 3, form)
    book.close()


def main() -> None:
    small = Path(sys.argv[1]) / "lake" / "kpi.duckdb"
    with tempfile.TemporaryDirectory() as folder:
        target = Path(folder) / "large.duckdb"
        large(small, target)
        started = time.perf_counter()
        with Snapshot(target) as reader:
            workbook.write(reader, Path(folder) / "kpi.xlsx", "Large")
        took = time.perf_counter() - started
        number = cells(Path(folder) / "kpi.xlsx")
        started = time.perf_counter()
        bare(Path(folder) / "bare.xlsx", number)
        alone = time.perf_counter() - started
        size = (Path(folder) / "kpi.xlsx").stat().st_size / 1e6
    sys.stdout.write(f"workbook of {PLANTS} plants x {MONTHS} months: {took:.1f} s, {number:,} cells, {size:.1f} MB\n")
    sys.stdout.write(f"the same number of bare cells:           {alone:.1f} s; ratio {took / alone:.1f}\n")


if __name__ == "__main__":
    main()
