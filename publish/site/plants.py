"""The figures of a plant's own page: from the plant down to its machines, what happened there, and what it delivered.

Here: one folder a plant (`values.folder_of`). Every question is put once for all plants and its answer split. Every row is one of the
snapshot or a sum of parts; the browser divides last.
Elsewhere: the plants' values beside each other and the losses (`publish.site.values`), data health (`publish.site.trust`).

Files of a plant: `about.json` says which of the others there are (a table that nothing was delivered for has no file): `kpi`, `losses`,
`reasons`, `segments` (the time ledger of the newest days), `orders`, `quality`, `energy`, `tags` (a trend, in steps).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import polars as pl
from polars import selectors

from connectors.portfolio import Portfolio
from pipelines import views
from pipelines.lake import Lake
from publish.reader import Snapshot
from publish.scopes import IN_A_PLANT
from publish.site import values

LEDGER_DAYS = 7
ORDERS = 200
TREND_S = 48 * 3600
TREND_STEPS = 300
TAGS = 40
"""Tags of a plant that are drawn, those with a meaning and a machine first; about.json says how many there are."""

TOLD = {
    "equipment": ("equipment", """SELECT plant_id, equipment_id, equipment_code, equipment_name, parent_equipment_id, level,
        equipment_class, is_kpi_unit, in_rollup, kpi_scope, state_method FROM equipment ORDER BY plant_id, equipment_name, equipment_id"""),
    "shifts": ("mart_kpi_parts_shift", """SELECT plant_id, shift_code, count(DISTINCT production_day) AS days,
        max(production_day) AS last_day FROM mart_kpi_parts_shift WHERE valid_to_release IS NULL AND shift_code <> '~'
        GROUP BY ALL ORDER BY ALL"""),
}  # fmt: skip
"""Rows that stand in about.json: the table that they need, and the question."""
NOTHING = pl.DataFrame(schema={"plant_id": pl.String})
"""What is made of a table that nothing was delivered for."""
Frames = Mapping[str, pl.DataFrame]
"""Tables by name, each with the column `plant_id`."""


def write(reader: Snapshot, lake: Lake, portfolio: Portfolio, folder: Path, figures: values.Figures, tell: Callable[[str], None]) -> None:
    """Writes the folder of every plant of the snapshot into `folder`."""
    plants = [plant_id for (plant_id,) in reader.rows("SELECT plant_id FROM plant_status ORDER BY plant_id")]
    frames: dict[str, pl.DataFrame] = {}
    if figures.starts:
        shown = {kind: figures.starts[kind][:most] for kind, most in values.OWN_PERIODS.items()}
        first_day = shown["DAY"][-1]
        of = reader.query(f"SELECT DISTINCT scope_type, scope_id, scope_name, plant_id FROM unit_scope WHERE {_in_a_plant()} ORDER BY ALL")
        frames["scopes"] = of
        tell("site: plants")
        frames |= {"kpi": _kpis(figures.kpis, shown), "losses": _of_plants(figures.losses, of)}
        periods = figures.losses.select("period_type", "period_start").unique(maintain_order=True).rows()
        frames["reasons"] = _of_plants(_reasons(reader, periods), of)
        frames |= {"segments": _segments(reader), "orders": _orders(reader, lake), "quality": _quality(reader, lake, first_day)}
        frames |= {"energy": _energy(reader, first_day), "tags": _tags(reader, lake)}
    frames |= {name: reader.query(query) if reader.has(table) else NOTHING for name, (table, query) in TOLD.items()}
    split = {name: _split(frame) for name, frame in frames.items()}
    for plant_id in plants:
        mine = {name: parts[plant_id] for name, parts in split.items() if plant_id in parts}
        _write(folder / values.folder_of(plant_id), _about(portfolio, plant_id, mine), mine)


def _write(folder: Path, about: Mapping[str, Any], mine: Frames) -> None:
    tables = {name: frame for name, frame in mine.items() if name not in ("scopes", *TOLD)}
    values.dump(folder / "about.json", {**about, "files": sorted(tables)})
    for name, frame in tables.items():
        values.parquet(frame, folder / f"{name}.parquet")


def _split(frame: pl.DataFrame) -> dict[str, pl.DataFrame]:
    """By plant, with numbers that a browser reads."""
    plain = frame.with_columns(selectors.decimal().cast(pl.Float64), selectors.date().dt.to_string())
    return {str(plant): rows for (plant,), rows in plain.partition_by(["plant_id"], as_dict=True, include_key=False).items()}


def _in_a_plant() -> str:
    return f"scope_type IN ({views.listed(IN_A_PLANT)})"


# --- what the plant is ----------------------------------------------------------------------------------------------------------------


def _about(portfolio: Portfolio, plant_id: str, mine: Frames) -> dict[str, Any]:
    file = portfolio.plants.get(plant_id)
    rows = {name: mine[name].to_dicts() if name in mine else [] for name in ("scopes", *TOLD)}
    return {
        "plant_id": plant_id,
        **rows,
        "stated": [assumed.model_dump(mode="json") for assumed in file.assumptions] if file else [],
        "tags": mine["tags"]["tags"].max() if "tags" in mine else 0,
    }


# --- values, losses, reasons ----------------------------------------------------------------------------------------------------------


def _kpis(kpis: pl.DataFrame, shown: Mapping[str, Sequence[str]]) -> pl.DataFrame:
    """KPI values of plants and of all that is in them: the newest periods that have data anywhere."""
    return kpis.filter(pl.col("plant_id").is_not_null(), pl.col("profile") == "ISO", values.is_of(shown)).drop("profile")


def _of_plants(rows: pl.DataFrame, scopes: pl.DataFrame) -> pl.DataFrame:
    """Rows of scopes that are in a plant, each with its plant."""
    return rows.drop("plant_id", strict=False).join(scopes.select("scope_type", "scope_id", "plant_id"), on=["scope_type", "scope_id"])


def _reasons(reader: Snapshot, periods: Iterable[tuple[str, str]]) -> pl.DataFrame:
    """Stops by reason, as the macro says them."""
    told = "scope_type, scope_id, is_planned, reason_code, reason_name, six_big_loss, time_class, source_system, source_reason_code"
    frames = [
        reader.query(
            f"SELECT '{kind}' AS period_type, '{start}' AS period_start, {told}, seconds, micro_s, CAST(stops AS BIGINT) AS stops,"
            f" CAST(failures AS BIGINT) AS failures FROM loss_reasons('*', '{kind}', DATE '{start}') WHERE {_in_a_plant()}"
        )
        for kind, start in periods
    ]
    return pl.concat(frames) if frames else pl.DataFrame(schema={"scope_type": pl.String, "scope_id": pl.String})


# --- what happened --------------------------------------------------------------------------------------------------------------------


def _segments(reader: Snapshot) -> pl.DataFrame:
    """The time ledger of each plant's newest production days. The ledger lies in a file a plant and month: `month` names those to open."""
    newest = reader.query(
        "SELECT plant_id, max(production_day) AS last FROM mart_kpi_parts_shift WHERE valid_to_release IS NULL GROUP BY ALL"
    ).drop_nulls()
    # What was counted may be a few days ahead of the states.
    since = newest.with_columns(since=pl.col("last") - pl.duration(days=2 * LEDGER_DAYS))
    months = {f"{day:%Y-%m}" for row in since.select("since", "last").rows() for day in row}
    rows = reader.query(
        "SELECT plant_id, equipment_id, shift_code, production_day, epoch(start_ts) AS starts, epoch(end_ts) AS ends, time_class,"
        " reason_code, source_reason_code, is_failure, is_preliminary FROM time_segment"
        f" WHERE month IN ({views.listed(sorted(months))}) ORDER BY plant_id, equipment_id, start_ts"
    )
    names = dict(reader.rows("SELECT reason_code, reason_name FROM downtime_reason")) if reader.has("downtime_reason") else {}
    days = rows.select("plant_id", "production_day").unique()
    shown = days.filter(pl.col("production_day").rank("dense", descending=True).over("plant_id") <= LEDGER_DAYS)
    known = rows.join(shown, on=["plant_id", "production_day"], maintain_order="left")
    return known.with_columns(pl.col("reason_code").replace_strict(names, default=None, return_dtype=pl.String).alias("reason_name"))


CURRENT = "is_current AND NOT is_deleted"


def _orders(reader: Snapshot, lake: Lake) -> pl.DataFrame:
    """The newest orders of each plant: as they were planned, and what the published parts say was made of them."""
    orders, materials = values.delivered(lake, "production_order", CURRENT), values.delivered(lake, "material", CURRENT)
    if orders is None:
        return NOTHING
    named = f"LEFT JOIN {materials} AS m ON o.material_id = m.material_id" if materials else ""
    name = "coalesce(m.material_name, m.local_material_no)" if materials else "CAST(NULL AS VARCHAR)"
    newest = "coalesce(o.actual_end_ts, o.due_ts, o.planned_end_ts, o.actual_start_ts, o.planned_start_ts)"
    return reader.query(
        f"""WITH shown AS (
            SELECT o.plant_id, o.order_id, o.order_no, {name} AS material, o.equipment_id, o.status, o.order_type, o.planned_qty, o.uom,
                epoch(o.due_ts) AS due, epoch(o.actual_start_ts) AS started, epoch(o.actual_end_ts) AS ended, epoch({newest}) AS newest
            FROM {orders} AS o {named}
            QUALIFY row_number() OVER (PARTITION BY o.plant_id ORDER BY {newest} DESC NULLS LAST, o.order_id) <= {ORDERS}
        ),
        made AS (
            SELECT order_id, sum(gq) AS good, sum(sq) AS scrap FROM mart_kpi_parts_order_work
            WHERE valid_to_release IS NULL AND order_id IN (SELECT order_id FROM shown) GROUP BY ALL
        ),
        told AS (
            SELECT order_id, bool_and(is_on_time) AS is_on_time FROM mart_kpi_parts_order
            WHERE valid_to_release IS NULL AND kind = 'DUE' AND order_id IN (SELECT order_id FROM shown) GROUP BY ALL
        )
        SELECT shown.* EXCLUDE (newest), made.good, made.scrap, told.is_on_time FROM shown
        LEFT JOIN made ON shown.order_id = made.order_id LEFT JOIN told ON shown.order_id = told.order_id
        ORDER BY plant_id, newest DESC NULLS LAST, shown.order_id"""
    )


def _quality(reader: Snapshot, lake: Lake, first_day: str) -> pl.DataFrame:
    """Yields and measured characteristics of the newest days: sums by machine, step, product and characteristic."""
    materials = values.delivered(lake, "material", CURRENT)
    named = f"LEFT JOIN {materials} AS m ON q.material_key = m.material_id" if materials else ""
    name = "coalesce(m.material_name, m.local_material_no)" if materials else "CAST(NULL AS VARCHAR)"
    return reader.query(
        f"""SELECT q.plant_id, q.equipment_id, q.production_day, nullif(q.characteristic, '~') AS characteristic, {name} AS material,
            q.lsl, q.usl, sum(q.inspected) AS inspected, sum(q.fp_good) AS fp_good, CAST(sum(q.n) AS BIGINT) AS n, sum(q.sum_x) AS sum_x,
            sum(q.sum_x2) AS sum_x2
        FROM mart_kpi_parts_quality AS q {named}
        WHERE q.valid_to_release IS NULL AND q.production_day >= DATE '{first_day}' GROUP BY ALL ORDER BY ALL"""
    )


def _energy(reader: Snapshot, first_day: str) -> pl.DataFrame:
    """Energy by day of every unit it was measured at; a unit '~<plant>' is the plant itself."""
    return reader.query(
        "SELECT plant_id, equipment_id, production_day, sum(energy_kwh) AS energy_kwh, sum(co2_kg) AS co2_kg FROM mart_kpi_parts_day"
        f" WHERE valid_to_release IS NULL AND energy_kwh IS NOT NULL AND production_day >= DATE '{first_day}' GROUP BY ALL ORDER BY ALL"
    )


def _tags(reader: Snapshot, lake: Lake) -> pl.DataFrame:
    """The newest 48 hours of every tag with numbers, in steps: smallest, mean and largest good sample, and how many are not good.

    A sample of bad quality counts, and its number does not.
    """
    samples, tags = values.delivered(lake, "historian_sample", newest_months=2), values.delivered(lake, "tag", CURRENT)
    if samples is None or tags is None:
        return NOTHING
    step = TREND_S // TREND_STEPS
    return reader.query(
        f"""WITH sample AS (SELECT plant_id, tag_id, epoch(ts) AS second, quality,
            CASE WHEN quality IS DISTINCT FROM 'BAD' THEN value_num END AS number FROM {samples}
        ),
        newest AS (SELECT plant_id, max(second) AS last FROM sample GROUP BY ALL),
        trend AS (
            SELECT s.plant_id, s.tag_id,
                CAST(n.last - {TREND_S} + {step} * floor((s.second - n.last + {TREND_S}) / {step}) AS BIGINT) AS second,
                count(*) AS samples, count(*) FILTER (quality = 'BAD') AS bad, count(*) FILTER (quality = 'UNCERTAIN') AS uncertain,
                min(number) AS low, avg(number) AS mean, max(number) AS high
            FROM sample AS s INNER JOIN newest AS n ON s.plant_id = n.plant_id AND s.second > n.last - {TREND_S}
            GROUP BY ALL
        ),
        numeric AS (
            SELECT t.plant_id, t.tag_id, t.tag_name, t.equipment_id, t.semantic, t.unit, t.is_step,
                row_number() OVER (
                    PARTITION BY t.plant_id ORDER BY t.semantic = 'OTHER', t.equipment_id IS NULL, t.tag_name, t.tag_id
                ) AS place,
                count(*) OVER (PARTITION BY t.plant_id) AS tags
            FROM {tags} AS t WHERE t.tag_id IN (SELECT tag_id FROM trend WHERE mean IS NOT NULL)
        )
        SELECT n.* EXCLUDE (place), r.second, r.samples, r.bad, r.uncertain, r.low, r.mean, r.high
        FROM numeric AS n INNER JOIN trend AS r ON n.tag_id = r.tag_id AND n.plant_id = r.plant_id
        WHERE n.place <= {TAGS} ORDER BY n.plant_id, n.place, r.second"""
    )
