"""What the dashboard costs for a large portfolio: a snapshot of many plants and years, made of one plant of the sample, and its site.

Here: such a snapshot, the time to build its site against the time to answer the same values once, sizes, and how long the portfolio page
takes in a real browser. Run it with a refreshed sample portfolio: `python -m bench.site demo --plants 300 --months 36`.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from connectors.portfolio import Portfolio, lake_of, read
from dbt_project import value_sql
from pipelines import state
from pipelines.lake import Lake
from pipelines.views import listed, quoted
from publish import site, snapshot
from publish.reader import Snapshot
from publish.site import values

SMALL = ("plant", "plant_status", "equipment", "unit_scope", "release", "release_cause", "kpi_definition", "kpi_target", "downtime_reason",
         "economics", "fx_rate", "plant_setting", "line_station", "quality_results", "drift", "export_ledger")  # fmt: skip
OWN = {"plant_id": "{} || '-' || i", "equipment_id": "{} || '-' || i", "parent_equipment_id": "{} || '-' || i", "unit_id": "{} || '-' || i",
       "plant_name": "{} || ' ' || i"}  # fmt: skip
"""Columns that name a plant or a unit: each copy has its own."""


def grown(demo: Lake, lake: Lake, plant: str, plants: int, months: int) -> None:
    """A published snapshot of `plants` copies of a plant, each with `months` copies of its October."""
    import duckdb

    folder = lake.release("000001-bench")
    folder.mkdir(parents=True)
    con = duckdb.connect(str(demo.snapshot), read_only=True)
    con.execute("SET TimeZone = 'UTC'")
    have = {row[0] for row in con.execute("SELECT view_name FROM duckdb_views() WHERE NOT internal").fetchall()}
    for name in SMALL:
        if name in have:
            con.execute(f"COPY ({_copies(con, name, plant, plants)}) TO {quoted(folder / f'{name}.parquet')} (FORMAT parquet)")
    pieces: dict[str, list[str]] = {"mart_kpi_parts_shift": [], "mart_kpi_parts_reason": [], "mart_kpi_unit_month": []}
    for back in range(months):
        for name in ("mart_kpi_parts_shift", "mart_kpi_parts_reason"):
            path = folder.parent / f"{name}-{back:03d}.parquet"
            con.execute(f"COPY ({_month(con, name, plant, plants, back)}) TO {quoted(path)} (FORMAT parquet, COMPRESSION snappy)")
            pieces[name].append(str(path))
        path = folder.parent / f"months-{back:03d}.parquet"
        source = f"read_parquet({quoted(pieces['mart_kpi_parts_shift'][-1])})"
        sums = value_sql.unit_month_sql(value_sql.inlined(lambda _, source=source: source))
        con.execute(f"COPY ({sums}) TO {quoted(path)} (FORMAT parquet, COMPRESSION snappy)")
        pieces["mart_kpi_unit_month"].append(str(path))
    con.close()
    lake.metrics.write_bytes(demo.metrics.read_bytes())
    snapshot._swap(lake, folder, pieces, {name: [] for name in state.TRAIL})


def _copies(con, table: str, plant: str, plants: int) -> str:
    columns = {row[0] for row in con.execute(f"DESCRIBE {table}").fetchall()}
    if "plant_id" not in columns:
        return f"SELECT * FROM {table}"
    named = [f"{sql.format(name)} AS {name}" for name, sql in OWN.items() if name in columns]
    if table == "unit_scope":
        named.append(
            "CASE WHEN scope_type IN ('PLANT', 'EQUIPMENT', 'LINE', 'AREA') THEN scope_id || '-' || i ELSE scope_id END AS scope_id"
        )
    return f"SELECT * REPLACE ({', '.join(named)}) FROM {table}, range({plants}) AS r (i) WHERE plant_id = {quoted(plant)}"


def _month(con, table: str, plant: str, plants: int, back: int) -> str:
    """October, moved back; another plant's figures differ a little."""
    columns = {row[0] for row in con.execute(f"DESCRIBE {table}").fetchall()}
    named = [f"{sql.format(name)} AS {name}" for name, sql in OWN.items() if name in columns]
    named.append(f"CAST(production_day - INTERVAL {back} MONTH AS DATE) AS production_day")
    named.append(f"shift_instance_id || '-' || i || '-{back}' AS shift_instance_id")
    if "ideal_gq_s" in columns:
        named.append(
            f"CAST(ideal_gq_s * (0.8 + 0.2 * ((i * 7919 + {back} * 104729 + day(production_day) * 31) % 100) / 100) AS DECIMAL(28, 9)) AS ideal_gq_s"
        )
    return (
        f"SELECT * REPLACE ({', '.join(named)}) FROM {table}, range({plants}) AS r (i) WHERE plant_id = {quoted(plant)}"
        " AND production_day BETWEEN DATE '2026-10-01' AND DATE '2026-10-28' AND valid_to_release IS NULL ORDER BY ALL"
    )


def measure(lake: Lake, portfolio: Portfolio, folder: Path) -> None:
    """Seconds to build, bytes a page loads, and the same values asked for once."""
    began = time.perf_counter()
    marks: list[tuple[str, float]] = []
    site.build(lake, portfolio, folder, lambda text: marks.append((text, time.perf_counter())))
    total = time.perf_counter() - began
    ends = [*(at for _, at in marks[1:]), began + total]
    print("build:", f"{total:.1f} s;", "; ".join(f"{text} {end - at:.1f} s" for (text, at), end in zip(marks, ends, strict=True)))
    with Snapshot(lake.snapshot) as reader:
        began = time.perf_counter()
        reader.query(
            "SELECT numerator, denominator FROM kpi_value WHERE scope_type = 'PLANT' AND period_type = 'MONTH' AND profile = 'ISO'"
            f" AND kpi_id IN ({listed(values.HEADLINE)})"
        )
        bare = time.perf_counter() - began
        days = reader.rows("SELECT count(DISTINCT (plant_id, production_day)) FROM mart_kpi_parts_shift")[0][0]
    print(f"one question for the months of all plants: {bare:.1f} s; the site is {total / bare:.1f} x that; {days:,} plant-days")
    data = next((folder / "data").iterdir())
    for name in ("portfolio.json", "above/ISO/MONTH.parquet", "kpi/ISO/MONTH/OEE.parquet", "kpi/ISO/WEEK/OEE.parquet", "changes.json"):
        if (data / name).exists():
            print(f"{name}: {(data / name).stat().st_size / 1e6:.2f} MB")
    print(f"all files: {sum(path.stat().st_size for path in data.rglob('*') if path.is_file()) / 1e6:.0f} MB")


def browse(folder: Path) -> None:
    """Milliseconds in a real browser: first paint, fully drawn, and what a click on a plant and a change of the period take."""
    from docs.browser import Browser, missing, served

    if reason := missing():
        print(f"pages were not timed: {reason}")
        return
    with served(folder) as address, tempfile.TemporaryDirectory() as downloads:
        browser = Browser(Path(downloads))
        try:
            browser.at(address).size(1440).open("/portfolio", fresh=True)
            paint, drawn, loaded = browser.run(
                """const paint = performance.getEntriesByName('first-contentful-paint')[0], drawn = performance.getEntriesByName('drawn');
                const files = performance.getEntriesByType('resource');
                return [paint.startTime, drawn.at(-1).startTime, files.reduce((sum, file) => sum + file.decodedBodySize, 0)];"""
            )
            print(f"portfolio page: first paint {paint:.0f} ms, drawn {drawn:.0f} ms, {loaded / 1e6:.2f} MB")
            for what, change in (("another period", "location.hash = '#/portfolio?period=MONTH:2026-08-01'"), ("another KPI", "location.hash = '#/portfolio?kpi=MTBF'"),
                                 ("a plant", "document.querySelector('tbody a').click()")):  # fmt: skip
                took = browser.run(
                    f"""const began = performance.now(), known = performance.getEntriesByName('drawn').length; {change};
                    return new Promise((done) => {{ const look = () => {{ const marks = performance.getEntriesByName('drawn');
                      marks.length > known ? done(marks.at(-1).startTime - began) : setTimeout(look, 5); }}; look(); }});"""
                )
                print(f"{what}: drawn after {took:.0f} ms")
        finally:
            browser.quit()


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("demo", type=Path, help="a refreshed sample portfolio")
    parser.add_argument("--plants", type=int, default=300)
    parser.add_argument("--months", type=int, default=36)
    parser.add_argument("--plant", default="cze01")
    parser.add_argument("--keep", type=Path, help="keep lake and site here")
    asked = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as scratch:
        root = asked.keep or Path(scratch)
        lake = Lake(root / "lake").create()
        began = time.perf_counter()
        grown(Lake(lake_of(asked.demo)), lake, asked.plant, asked.plants, asked.months)
        print(f"a snapshot of {asked.plants} plants and {asked.months} months: made in {time.perf_counter() - began:.0f} s")
        measure(lake, replace(read(asked.demo), root=root), root / "site")
        browse(root / "site")


if __name__ == "__main__":
    main()
