"""The figures of the portfolio page when it is narrowed: the machines of a class, and the plants that make a family of products.

Here: `machines/<period>/<KPI>.parquet` (rows of kpi_value of the machines and lines that have a class) and
`families/<profile>/<period>.parquet` (sums of the parts by family and plant). Elsewhere: everything that is not narrowed
(`publish.site.values`).

Time belongs to machines and not to products, so a family has the KPIs that pieces alone tell, of FAMILY_KPIS. A record of a product takes
part where it knows both sides; `known` of `made` pieces are of such records.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import polars as pl

from dbt_project.catalogue import PROFILES, Kpi, catalogue
from pipelines.lake import Lake
from publish.reader import Snapshot
from publish.site import values

FAMILY_KPIS = ("Q", "QC", "SCRAP", "REWORK")
WHY = {"Q": "NO_IDEAL_RATE", "QC": "NO_REJECT_COUNT", "SCRAP": "NO_REJECT_COUNT", "REWORK": "NO_REWORK_COUNT"}
"""Why a family has no value; Q lacks what QC lacks where it has a rate."""


def write(reader: Snapshot, lake: Lake, folder: Path, figures: values.Figures, tell: Callable[[str], None]) -> None:
    """Writes both kinds of files into `folder`; none where nothing has values."""
    if not figures.starts:
        return
    tell("site: classes and families")
    _machines(reader, folder, figures)
    _families(reader, lake, folder, figures.starts)


def _machines(reader: Snapshot, folder: Path, figures: values.Figures) -> None:
    named = reader.query(
        "SELECT own.scope_id, own.scope_name, class.scope_id AS equipment_class FROM unit_scope AS own INNER JOIN unit_scope AS class"
        " ON own.unit_id = class.unit_id AND class.scope_type = 'CLASS' WHERE own.scope_type IN ('LINE', 'EQUIPMENT')"
        " AND own.scope_id = own.unit_id"
    )
    frame = figures.kpis.filter(pl.col("scope_type").is_in(["LINE", "EQUIPMENT"]), pl.col("period_type") != "DAY").drop("profile")
    machines, key = frame.join(named, on="scope_id", maintain_order="left"), ["period_type", "kpi_id"]
    of = machines.partition_by(key, as_dict=True, include_key=False)
    for kind, kpi in itertools.product(values.PERIODS, values.HEADLINE):
        values.parquet(of.get((kind, kpi), machines.clear().drop(key)), folder / "machines" / kind / f"{kpi}.parquet")


def _families(reader: Snapshot, lake: Lake, folder: Path, starts: Mapping[str, Sequence[str]]) -> None:
    families = values.delivered(lake, "product_family")
    if families is None:
        return
    kpis = [kpi for kpi in catalogue() if kpi.kpi_id in FAMILY_KPIS]
    days = _days(reader, families, kpis, min(starts[kind][:most][-1] for kind, most in values.PERIODS.items()))
    for (kind, most), profile in itertools.product(values.PERIODS.items(), PROFILES):
        start = pl.col("production_day").dt.truncate(values.STEPS[kind]).dt.to_string().alias("period_start")
        sums = days.group_by("family", "plant_id", start).agg(pl.exclude("production_day").sum())
        shown = sums.filter(pl.col("period_start").is_in(list(starts[kind][:most])))
        rows = [_long(shown, kpi) for kpi in kpis if kpi.profile == profile]
        if rows:
            values.parquet(
                pl.concat(rows).sort("family", "plant_id", "kpi_id", "period_start"), folder / "families" / profile / f"{kind}.parquet"
            )


def _days(reader: Snapshot, families: str, kpis: Sequence[Kpi], first: str) -> pl.DataFrame:
    """Sums by family, plant and day: the pieces made, and of each KPI both sides and the pieces whose records know them."""
    sums = ["sum(p.pq) AS made", "sum(p.ideal_pq_s) AS rated"]
    for kpi in kpis:
        known = f"FILTER (p.{kpi.numerator} IS NOT NULL AND p.{kpi.denominator} IS NOT NULL)"
        for name, column in (("numerator", kpi.numerator), ("denominator", kpi.denominator), ("known", "pq")):
            sums.append(f"sum(p.{column}) {known} AS {name}_{kpi.number}")
    return reader.query(
        f"SELECT f.family, p.plant_id, p.production_day, {', '.join(sums)} FROM mart_kpi_parts_shift AS p"
        f" INNER JOIN {families} AS f ON p.plant_id = f.plant_id AND p.material_key = f.material_id"
        f" WHERE p.valid_to_release IS NULL AND p.production_day >= DATE '{first}' AND p.pq > 0 GROUP BY ALL"
    )


def _long(sums: pl.DataFrame, kpi: Kpi) -> pl.DataFrame:
    """The rows of one KPI, and why there is no value. What nobody knows is NULL, never the 0 of an empty sum."""
    known = pl.col(f"known_{kpi.number}")
    sides = [pl.when(known > 0).then(f"{name}_{kpi.number}").alias(name) for name in ("numerator", "denominator")]
    numbers = [number.cast(pl.Float64) for number in (*sides, pl.col("made"), known.alias("known"))]
    said = pl.lit(WHY[kpi.kpi_id])
    if kpi.kpi_id == "Q":
        said = pl.when(pl.col("rated") > 0).then(pl.lit(WHY["QC"])).otherwise(said)
    why = pl.when(known == 0).then(said).alias("why")
    return sums.select("family", "plant_id", "period_start", pl.lit(kpi.kpi_id).alias("kpi_id"), *numbers, why)
