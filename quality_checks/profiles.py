"""Measures of the silver tables, per plant: what Great Expectations judges instead of rows.

Here: one recipe per silver table, set-based, that says how many, how large, which share; and all recipes together. Elsewhere: what a
recipe is (`quality_checks.measuring`), gold (`quality_checks.gold_profiles`), which measure is acceptable and why
(`quality_checks.suites`), the judgement (`quality_checks.runner`), rules that one row can break by itself (the schemas of
`transforms.tables`; some are counted again here, because silver has to obey them whoever wrote it).

Windows: in a refresh a table that is kept by month shows only the months that the refresh touches; tables without months (master data,
orders, statements) are whole. A measure says only what such a window can tell: what may lie in another month is left out of a share.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING

import polars as pl

from quality_checks.further_profiles import FURTHER
from quality_checks.gold_profiles import GOLD
from quality_checks.measuring import Part, Recipe, measure, orphans, overlaps, revised, unit_orphans
from transforms.skew import LEAST_PAIRS, NOTICED_S, STEADY_S

if TYPE_CHECKING:
    import duckdb

LEDGER_TABLES = (
    "plant", "equipment", "ideal_rate", "shift_instance", "planned_downtime", "production_order", "equipment_state_event",
    "production_count", "map_downtime_reason", "order_operation", "inspection_result", "maintenance_order", "energy", "labour_time",
    "cost", "inventory_snapshot", "delivery_line", "uom_conversion", "clock_offset", "scrap",
)  # fmt: skip
"""Silver tables that the ledger of time and the parts are made of. What is wrong elsewhere makes no KPI wrong, and holds no plant."""


def profile(con: duckdb.DuckDBPyConnection, table: str, plants: Sequence[str] | None, at: datetime) -> pl.DataFrame:
    """Measures of one table for the plants (None: all), as rows of `PROFILE`; see `measuring.measure`."""
    return measure(con, table, RECIPES[table], plants, at)


def _repeats(id_column: str, *code: str) -> Part:
    """Codes that two different records bear."""
    sql = f"""
        select plant_id, count(*) as repeated_codes
        from (select plant_id, {", ".join(code)} from cur group by all having count(distinct {id_column}) > 1)
        group by plant_id"""
    return Part(sql, ("repeated_codes",))


_UNMAPPED = Part(
    """
    select coded.plant_id, 1 - coalesce(mapped.n, 0) / coded.n as unmapped_reason_share
    from (select plant_id, count(*) as n from cur where source_reason_code is not null and state_class is distinct from 'RUN'
          group by plant_id) coded
    left join (
        select cur.plant_id, count(*) as n from cur semi join (
            select plants.plant_id, source_system, source_code, valid_from, valid_to
            from silver.map_downtime_reason entry join plants on entry.plant_id in (plants.plant_id, '*')
            where approved_at is not null) entry
          on entry.plant_id = cur.plant_id and entry.source_code = cur.source_reason_code
            and entry.source_system in (cur._source_system, '*')
            and cur.start_ts >= coalesce(entry.valid_from, '-infinity'::timestamptz)
            and cur.start_ts < coalesce(entry.valid_to, 'infinity'::timestamptz)
        where cur.source_reason_code is not null and cur.state_class is distinct from 'RUN'
        group by cur.plant_id) mapped using (plant_id)""",
    ("unmapped_reason_share",),
    absent=None,
)
"""Specification 3.4: a mapping counts once it is approved; an entry for one plant or for all ('*')."""

_FORGOTTEN = Part(
    """
    with told as (
        select plant_id, _source_system from cur group by all having avg((end_ts is null)::double) <= 0.5)
    select cur.plant_id, avg((end_ts is null and epoch(start_ts) < last_start - 7 * 86400)::double) as forgotten_open_share
    from cur semi join told using (plant_id, _source_system)
    join (select plant_id, max(epoch(start_ts)) as last_start from cur group by plant_id) latest using (plant_id)
    group by cur.plant_id""",
    ("forgotten_open_share",),
    absent=None,
)
"""Of sources that tell ends at all: in a log of states each ends where the next begins (T10), and most have no end of their own."""

_CHAINS = Part(
    """
    with recursive link as (
        select plant_id, count_id, coalesce(reverses_count_id, corrects_count_id) as parent from cur
        where coalesce(reverses_count_id, corrects_count_id) is not null),
    walk(plant_id, count_id, root, depth) as (
        select plant_id, count_id, parent, 1 from link
        union all
        select walk.plant_id, walk.count_id, link.parent, depth + 1
        from walk join link on link.plant_id = walk.plant_id and link.count_id = walk.root where depth < 50),
    rooted as (select plant_id, count_id, arg_max(root, depth) as root from walk group by all),
    member as (
        select plant_id, count_id, root from rooted
        union all select plant_id, root, root from (select distinct plant_id, root from rooted))
    select plant_id, count(*) as negative_chains from (
        select cur.plant_id, member.root from cur join member using (plant_id, count_id) group by all
        having bool_or(cur.count_id = member.root)
           and least(sum(produced_qty), sum(good_qty), sum(scrap_qty), sum(rework_qty)) < 0)
    group by plant_id""",
    ("negative_chains",),
)
"""A document with all that reverses and corrects it, to any depth; a chain without its first document is an orphan, not a sum. What
corrects it in another month may be missing, so that a sum below zero is a hint only."""

_LOST_DOCUMENTS = Part(
    """
    with months as (
        select distinct plant_id, month, strptime(month || '-01', '%Y-%m-%d') as began from cur),
    early as (
        select month.plant_id, month.month, month.began + interval 7 day as until
        from months month anti join months before on before.plant_id = month.plant_id and before.began = month.began - interval 1 month)
    select cur.plant_id, count(*) filter (where known.id is null) / count(*) as document_orphan_share
    from cur left join early using (plant_id, month)
    left join (select distinct plant_id, count_id as id from cur) known
      on known.plant_id = cur.plant_id and known.id = coalesce(reverses_count_id, corrects_count_id)
    where coalesce(reverses_count_id, corrects_count_id) is not null
      and (early.until is null or epoch(cur.event_ts) >= epoch(early.until))
    group by cur.plant_id""",
    ("document_orphan_share",),
    absent=None,
)
"""The first week after a month that is not there is left out: what is corrected in it may have been booked in that month."""

_OUTSIDE_ORDERS = Part(
    """
    select cur.plant_id,
           avg((epoch(cur.event_ts) not between epoch(made.actual_start_ts) - 86400 and epoch(made.actual_end_ts) + 86400)::double)
               as outside_order_share
    from cur join silver.production_order made on made.plant_id = cur.plant_id and made.order_id = cur.order_id
    where made.is_current and not made.is_deleted and made.actual_start_ts is not null and made.actual_end_ts is not null
      and coalesce(cur.reverses_count_id, cur.corrects_count_id) is null
    group by cur.plant_id""",
    ("outside_order_share",),
    absent=None,
)
"""Counts of an order a day before its start or after its end; a correction is booked later by nature."""

_COUNTED_TWICE = Part(
    """
    select plant_id, count(*) as units_with_several_count_sources
    from (select plant_id, equipment_id from cur group by plant_id, equipment_id, month having count(distinct count_source) > 1)
    group by plant_id""",
    ("units_with_several_count_sources",),
)

_MIXED_UOM = Part(
    """
    select plant_id, count(*) as materials_with_several_uoms
    from (select plant_id, material_id from cur where material_id is not null group by all having count(distinct uom) > 1)
    group by plant_id""",
    ("materials_with_several_uoms",),
)

_OUTSIDE_SHIFTS = Part(
    """
    with shifts as (
        select plant_id, coalesce(equipment_id, '') as unit, start_ts, end_ts from silver.shift_instance
        where is_current and not is_deleted and plant_id in (select plant_id from cur)
        union all
        select plant_id, '*', start_ts, end_ts from silver.shift_instance
        where is_current and not is_deleted and plant_id in (select plant_id from cur)),
    reach as (
        select plant_id, unit, start_ts, max(end_ts) over (partition by plant_id, unit order by start_ts) as until from shifts),
    asked as (
        select plant_id, planned_downtime_id, start_ts, end_ts, unnest(
            case when equipment_id is null then ['*'] else [equipment_id, ''] end) as unit
        from cur where (plant_id, month) in (
            select plant_id, month from silver.shift_instance where is_current and not is_deleted)),
    found as (
        select asked.plant_id, asked.planned_downtime_id, bool_or(coalesce(reach.until > asked.start_ts, false)) as inside
        from asked asof left join reach
          on reach.plant_id = asked.plant_id and reach.unit = asked.unit and reach.start_ts < asked.end_ts
        group by asked.plant_id, asked.planned_downtime_id)
    select plant_id, avg((not inside)::double) as outside_shift_share from found group by plant_id""",
    ("outside_shift_share",),
    absent=None,
)
"""An entry touches a window when the latest end among the windows that start before its end is after its start (no range join).
Entries of a month whose windows are not there are left out."""

_ANCESTORS = Part(
    """
    with recursive walk(plant_id, unit, ancestor, depth) as (
        select plant_id, equipment_id, parent_equipment_id, 1 from cur where parent_equipment_id is not null
        union all
        select walk.plant_id, walk.unit, above.parent_equipment_id, depth + 1
        from walk join cur above on above.plant_id = walk.plant_id and above.equipment_id = walk.ancestor
        where above.parent_equipment_id is not null and depth < 12)
    select walk.plant_id, count(distinct unit) filter (where unit = ancestor) as parent_loops,
           count(distinct unit) filter (
               where unit <> ancestor and lower_unit.is_kpi_unit and lower_unit.in_rollup and above.is_kpi_unit and above.in_rollup)
               as nested_kpi_units
    from walk
    join cur lower_unit on lower_unit.plant_id = walk.plant_id and lower_unit.equipment_id = walk.unit
    left join cur above on above.plant_id = walk.plant_id and above.equipment_id = walk.ancestor
    group by walk.plant_id""",
    ("parent_loops", "nested_kpi_units"),
)
"""A station keeps its own ledger and counts in its plant through its line alone: it is no part of the roll-up."""

_LEFT_OUT = Part(
    """
    select cur.plant_id, count(*) as left_out_units
    from cur left join cur above on above.plant_id = cur.plant_id and above.equipment_id = cur.parent_equipment_id
    where cur.is_kpi_unit and not cur.in_rollup and not coalesce(above.is_kpi_unit and above.in_rollup, false)
    group by cur.plant_id""",
    ("left_out_units",),
)

_SILENT = Part(
    """
    with sign as (
        select plant_id, equipment_id, start_ts as ts from silver.equipment_state_event where is_current and not is_deleted
        union all
        select plant_id, equipment_id, event_ts from silver.production_count where is_current and not is_deleted),
    heard as (select plant_id, equipment_id from sign group by all),
    told as (select plant_id from sign group by plant_id having max(epoch(ts)) - min(epoch(ts)) >= 7 * 86400)
    select cur.plant_id, count(*) filter (where heard.equipment_id is null) / count(*) as silent_unit_share
    from cur left join heard using (plant_id, equipment_id)
    where is_kpi_unit and cur.plant_id in (select plant_id from told) group by cur.plant_id""",
    ("silent_unit_share",),
    absent=None,
)
"""Units without an event or a count; of less than a week nothing is said, machines rest on weekends."""

_OVERPRODUCED = Part(
    """
    with counted as (
        select plant_id, order_id, uom, max(pieces) as pieces from (
            select plant_id, order_id, uom, equipment_id,
                   sum(coalesce(produced_qty, coalesce(good_qty, 0) + coalesce(scrap_qty, 0) + coalesce(rework_qty, 0))) as pieces
            from silver.production_count where is_current and not is_deleted and order_id is not null group by all)
        group by all)
    select cur.plant_id, avg((pieces > 1.5 * planned_qty)::double) as overproduced_share
    from cur join counted on counted.plant_id = cur.plant_id and counted.order_id = cur.order_id
      and counted.uom = coalesce(cur.uom, counted.uom)
    where planned_qty > 0 group by cur.plant_id""",
    ("overproduced_share",),
    absent=None,
)
"""Orders of which one unit alone booked half as much again as was planned (each operation of an order books the whole quantity). Counts
of other months can only add to it."""

_SAMPLES_PER_TAG = """
    select plant_id, tag_id, count(*) as n, count(*) filter (where ts is null) as no_ts,
           count(*) filter (where quality is null) as no_quality,
           count(*) filter (where quality not in ('GOOD', 'UNCERTAIN', 'BAD')) as strays,
           count(*) filter (where quality = 'BAD') as bad,
           count(*) filter (where quality = 'GOOD' and value_num is null and value_text is null) as hollow,
           count(*) filter (where isnan(value_num) or isinf(value_num)) as not_finite, count(*) filter (where ts > {late}) as future,
           count(*) filter (where ts < {earliest}) as ancient, count(*) filter (where _batch_id is null) as no_batch, count(ts) as stamped,
           min(ts) as first_ts, max(ts) as last_ts, approx_count_distinct(ts) as instants, count(value_num) as numbers,
           min(value_num) as lowest, max(value_num) as highest
    from every group by plant_id, tag_id"""


SILVER: dict[str, Recipe] = {
    "plant": Recipe(
        {
            "plant_rows": "count(*)",
            "acquired_after_divested": "count(*) filter (where acquired_on > divested_on)",
            "data_start_in_future": "count(*) filter (where epoch(data_start_on) > epoch({late}))",
        },
        cur="select * from every",
        filled=("plant_name", "company", "timezone", "production_day_start", "calendar"),
        words={"calendar": ("pattern", "records", "none")},
    ),
    "equipment": revised(
        "equipment",
        {"kpi_units": "count(*) filter (where is_kpi_unit)"},
        _repeats("equipment_id", "equipment_code"), orphans("parent_equipment_id", "equipment", "equipment_id"), _ANCESTORS, _LEFT_OUT,
        _SILENT,
    ),
    "material": revised(
        "material",
        {"negative_costs": "count(*) filter (where standard_cost < 0)"},
        _repeats("material_id", "local_material_no"),
    ),
    "ideal_rate": revised(
        "ideal_rate",
        {
            "rates_not_positive": "count(*) filter (where pri_s <= 0 or isnan(pri_s) or isinf(pri_s))",
            "fastest_s": "min(pri_s) filter (where pri_s > 0)",
            "slowest_s": "max(pri_s) filter (where not isnan(pri_s) and not isinf(pri_s))",
            "empty_validity": "count(*) filter (where valid_to <= valid_from)",
        },
        unit_orphans(), orphans("material_id", "material"),
        overlaps(
            ("equipment_id", "material_id", "tool_code", "rate_basis"), "valid_from", "coalesce(valid_to, 'infinity'::timestamptz)",
            ("ideal_rate_id",),
        ),
    ),
    "shift_instance": revised(
        "shift_instance",
        {
            "ends_not_after_start": "count(*) filter (where end_ts <= start_ts)",
            "longest_hours": "max(epoch(end_ts) - epoch(start_ts)) / 3600",
            "day_mismatches": "count(*) filter (where epoch(start_ts) - epoch(production_day) not between -2 * 86400 and 3 * 86400)",
            "ancient_rows": "count(*) filter (where start_ts < {earliest})",
            "beyond_horizon_rows": "count(*) filter (where start_ts > {horizon} or end_ts > {horizon})",
        },
        unit_orphans(), overlaps(("equipment_id",), "start_ts", "end_ts", ("shift_instance_id",)),
    ),
    "planned_downtime": revised(
        "planned_downtime",
        {
            "ends_before_start": "count(*) filter (where end_ts < start_ts)",
            "longest_days": "max(epoch(end_ts) - epoch(start_ts)) / 86400",
            "ancient_rows": "count(*) filter (where start_ts < {earliest})",
            "beyond_horizon_rows": "count(*) filter (where start_ts > {horizon} or end_ts > {horizon})",
        },
        unit_orphans(), _OUTSIDE_SHIFTS,
    ),
    "production_order": revised(
        "production_order",
        {
            "actual_ends_before_start": "count(*) filter (where actual_end_ts < actual_start_ts)",
            "planned_ends_before_start_share": "avg(coalesce((planned_end_ts < planned_start_ts)::double, 0))",
            "negative_planned_rows": "count(*) filter (where planned_qty < 0 or planned_scrap_qty < 0)",
            "largest_planned_qty": "max(abs(planned_qty))",
            "future_rows": "count(*) filter (where actual_start_ts > {late} or actual_end_ts > {late})",
            "ancient_rows":
                "count(*) filter (where least(planned_start_ts, planned_end_ts, due_ts, actual_start_ts, actual_end_ts) < {earliest})",
        },
        orphans("equipment_id", "equipment"), orphans("material_id", "material"), _OVERPRODUCED,
    ),
    "equipment_state_event": revised(
        "equipment_state_event",
        {
            "ends_before_start": "count(*) filter (where end_ts < start_ts)",
            "open_flag_mismatches": "count(*) filter (where is_open <> (end_ts is null))",
            "rows_without_state_and_reason": "count(*) filter (where state_class is null and source_reason_code is null)",
            "future_rows": "count(*) filter (where start_ts > {late} or end_ts > {late})",
            "ancient_rows": "count(*) filter (where start_ts < {earliest})",
            "longest_days": "max(epoch(end_ts) - epoch(start_ts)) / 86400",
            "unknown_share": "avg((state_class is not distinct from 'UNKNOWN')::double)",
        },
        unit_orphans(), orphans("order_id", "production_order"), orphans("material_id", "material"), _UNMAPPED, _FORGOTTEN,
    ),
    "production_count": revised(
        "production_count",
        {
            "rows_without_quantity": "count(*) filter (where coalesce(produced_qty, good_qty, scrap_qty, rework_qty) is null)",
            "unequal_parts_share":
                "avg((good_qty + scrap_qty <> produced_qty and good_qty + scrap_qty + coalesce(rework_qty, 0) <> produced_qty)::double)",
            "loose_negative_share":
                "avg((coalesce(least(produced_qty, good_qty, scrap_qty, rework_qty) < 0, false) and reverses_count_id is null"
                " and corrects_count_id is null)::double)",
            "largest_qty": "max(greatest(abs(produced_qty), abs(good_qty), abs(scrap_qty), abs(rework_qty)))",
            "scrap_ratio":
                "sum(scrap_qty) filter (where produced_qty is not null)"
                " / nullif(sum(produced_qty) filter (where scrap_qty is not null), 0)",
            "future_rows": "count(*) filter (where event_ts > {late} or posted_ts > {late})",
            "ancient_rows": "count(*) filter (where event_ts < {earliest})",
        },
        unit_orphans(), orphans("order_id", "production_order"), orphans("material_id", "material"), _LOST_DOCUMENTS, _CHAINS,
        _OUTSIDE_ORDERS, _COUNTED_TWICE, _MIXED_UOM,
    ),
    "tag": revised(
        "tag",
        {
            "measured_tags_without_unit_share":
                "avg((unit is null)::double) filter (where value_type = 'NUM'"
                " and semantic in ('SPEED', 'ENERGY_COUNTER', 'POWER', 'TEMP', 'PRESSURE', 'VIBRATION'))",
        },
        unit_orphans(), _repeats("tag_id", "tag_name", "_source_system"),
    ),
    "historian_sample": Recipe(
        {
            "tag_id_nulls": "coalesce(sum(n) filter (where tag_id is null), 0)",
            "ts_nulls": "sum(no_ts)",
            "quality_nulls": "sum(no_quality)",
            "quality_strays": "sum(strays)",
            "rows_without_lineage": "sum(no_batch)",
            "not_finite_rows": "sum(not_finite)",
            "good_without_value_share": "sum(hollow) / sum(n)",
            "bad_share": "sum(bad) / sum(n)",
            "repeated_instant_share": "1 - sum(least(instants, stamped)) / nullif(sum(stamped), 0)",
            "frozen_tag_share": "avg((lowest = highest)::double) filter (where numbers >= 1000)",
            "tags_with_one_sample_share":
                "case when max(epoch(last_ts)) - min(epoch(first_ts)) >= 86400 then avg((n = 1)::double) end",
            "future_rows": "sum(future)",
            "ancient_rows": "sum(ancient)",
        },
        (
            Part(
                """select cur.plant_id, sum(n) as tag_orphan_rows
                   from cur anti join silver.tag known on known.plant_id = cur.plant_id and known.tag_id = cur.tag_id
                   where cur.tag_id is not null group by cur.plant_id""",
                ("tag_orphan_rows",),
            ),
        ),
        rows="sum(n)",
        cur=_SAMPLES_PER_TAG,
    ),
    "clock_offset": Recipe(
        {
            "largest_offset_s": "max(abs(offset_s))",
            "unsteady_days": f"count(*) filter (where iqr_s >= {STEADY_S} and abs(offset_s) > {NOTICED_S})",
        },
        cur=f"""
            select every.* from every
            join (select plant_id, source_system, max(day) as newest from every group by all) last using (plant_id, source_system)
            where every.day > last.newest - 7 and pairs >= {LEAST_PAIRS}""",
    ),
    "map_downtime_reason": Recipe(
        {
            "empty_validity": "count(*) filter (where valid_to <= valid_from)",
            "unapproved_share": "avg((approved_at is null)::double)",
        },
        (
            overlaps(
                ("source_system", "source_code"), "coalesce(valid_from, '-infinity'::timestamptz)",
                "coalesce(valid_to, 'infinity'::timestamptz)", ("entry",),
            ),
        ),
        cur="select *, row_number() over () as entry from every",
        filled=("source_system", "source_code", "reason_code", "mapped_by"),
    ),
    **FURTHER,
}  # fmt: skip
"""How each silver table is measured; the order is the order of the results."""

RECIPES: dict[str, Recipe] = {**SILVER, **GOLD}
"""Every table that is measured."""
