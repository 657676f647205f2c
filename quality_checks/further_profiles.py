"""Measures of the silver tables beside time and counts: operations, inspections, scrap, maintenance, stock, energy, people, money.

Here: one recipe a table. Elsewhere: the other recipes of silver and what their windows can tell (`quality_checks.profiles`), the limits
(`quality_checks.further_suites`).
"""

from __future__ import annotations

from quality_checks.measuring import Part, Recipe, orphans, overlaps, revised

_UNIT, _MATERIAL, _ORDER = orphans("equipment_id", "equipment"), orphans("material_id", "material"), orphans("order_id", "production_order")

_TOTALS_BESIDE = Part(
    """
    select plant_id, count(*) as totals_beside_materials from (
        select plant_id from cur group by plant_id, stock_class, snapshot_date
        having bool_or(material_id is null) and bool_or(material_id is not null))
    group by plant_id""",
    ("totals_beside_materials",),
)

_TO_ITSELF = Part(
    """
    select cur.plant_id, count(*) as conversions_to_itself
    from cur join silver.material made on made.plant_id = cur.plant_id and made.material_id = cur.material_id
    where made.is_current and not made.is_deleted and made.base_uom = cur.from_uom and cur.to_base_factor <> 1
    group by cur.plant_id""",
    ("conversions_to_itself",),
)


def _counted(condition: str) -> str:
    return f"count(*) filter (where {condition})"


def _share(condition: str) -> str:
    return f"avg(coalesce(({condition})::double, 0))"


def _times(*columns: str) -> dict[str, str]:
    """Instants or days that lie ahead of the clock, and such as no plant can mean."""
    late = " or ".join(f"epoch({name}) > epoch({{late}})" for name in columns)
    return {"future_rows": _counted(late), "ancient_rows": _counted(f"epoch({columns[0]}) < epoch({{earliest}})")}


def _span(start: str, end: str) -> dict[str, str]:
    return {
        "ends_before_start": _counted(f"{end} < {start}"),
        "longest_days": f"max(epoch({end}) - epoch({start})) / 86400",
    }


def _unhashed(column: str) -> dict[str, str]:
    return {"names_not_hashed": _counted(f"not regexp_full_match({column}, '[0-9a-f]{{32}}')")}


FURTHER: dict[str, Recipe] = {
    "order_operation": revised(
        "order_operation",
        {
            **_span("actual_start_ts", "actual_end_ts"), **_times("actual_start_ts", "actual_end_ts"),
            "longest_planned_days": "max(greatest(planned_setup_s, planned_run_s)) / 86400",
        },
        _UNIT, _ORDER,
    ),
    "inspection_result": revised(
        "inspection_result",
        {
            "limits_swapped": _counted("lsl > usl"),
            "attempts_below_one": _counted("attempt_no < 1"),
            "value_without_unit_share": _share("measured_value is not null and unit is null"),
            "passed_outside_share": _share("result = 'PASS' and (measured_value < lsl or measured_value > usl)"),
            "fail_share": _share("result = 'FAIL'"),
            "largest_qty": "max(quantity)",
            **_times("measured_ts"),
        },
        _UNIT, _MATERIAL, _ORDER,
    ),
    "scrap": revised(
        "scrap",
        {
            "largest_qty": "max(abs(qty))", "uncoded_share": _share("defect_code is null"),
            "cost_against_qty_share": _share("sign(scrap_cost) * sign(qty) < 0"), **_times("event_ts"),
        },
        _UNIT, _MATERIAL, _ORDER, orphans("count_id", "production_count"),
    ),
    "maintenance_order": revised(
        "maintenance_order",
        {
            **_span("work_start_ts", "work_end_ts"),
            "begun_before_reported_share": _share("epoch(work_start_ts) < epoch(reported_ts) - 86400"),
            "longest_labour_h": "max(labour_h)", "negative_costs": _counted("cost < 0"),
            **_times("reported_ts", "work_start_ts", "work_end_ts"),
        },
        _UNIT,
    ),
    "goods_movement": revised(
        "goods_movement",
        {
            "reversals_of_itself": _counted("reverses_movement_id = movement_id"),
            "value_against_qty_share": _share("sign(value_local) * sign(qty) < 0"),
            "wrong_sign_share": _share(
                "reverses_movement_id is null and ((movement_class in ('RECEIPT_PROD', 'RECEIPT_PO') and qty < 0)"
                " or (movement_class in ('ISSUE_PROD', 'ISSUE_SALES', 'SCRAP') and qty > 0))"
            ),
            "largest_qty": "max(abs(qty))", **_times("event_ts", "posted_ts"),
        },
        _MATERIAL, _ORDER,
    ),
    "inventory_snapshot": revised(
        "inventory_snapshot",
        {
            "negative_values": _counted("value_local < 0"), "negative_qty_share": _share("qty < 0"),
            "largest_qty": "max(abs(qty))", **_times("snapshot_date"),
        },
        _MATERIAL, _TOTALS_BESIDE,
    ),
    "energy": revised(
        "energy",
        {
            **_span("start_ts", "end_ts"), "negative_share": _share("energy_kwh < 0"),
            "largest_kw": "max(energy_kwh / (epoch(end_ts) - epoch(start_ts)) * 3600) filter (where end_ts > start_ts)",
            **_times("start_ts", "end_ts"),
        },
        _UNIT, overlaps(("equipment_id", "carrier", "allocation_rule"), "start_ts", "end_ts", ("energy_id",)),
    ),
    "labour_time": revised(
        "labour_time",
        {
            **_unhashed("person_hash"), **_span("start_ts", "end_ts"),
            "attended_beyond_span": _counted("attended_s > epoch(end_ts) - epoch(start_ts) + 1"),
            "worked_beyond_attended": _counted("worked_s > attended_s"), **_times("start_ts", "end_ts"),
        },
        _UNIT,
    ),
    "cost": revised(
        "cost",
        {
            "periods_within_month": _counted("day(period) <> 1"), "largest_amount": "max(abs(amount_local))", **_times("period"),
        },
    ),
    "delivery_line": revised(
        "delivery_line",
        {
            **_unhashed("customer_hash"),
            "delivered_without_date_share": _share("delivered_qty > 0 and last_delivery_date is null"),
            "overdelivered_share": _share("delivered_qty > 1.1 * ordered_qty"), "largest_qty": "max(greatest(ordered_qty, delivered_qty))",
            "future_rows": _counted("epoch(last_delivery_date) > epoch({late})"),
            "ancient_rows": _counted("epoch(promised_date) < epoch({earliest})"),
            "beyond_horizon_rows": _counted("epoch(promised_date) > epoch({horizon})"),
        },
        _MATERIAL,
    ),
    "uom_conversion": revised(
        "uom_conversion",
        {"factors_not_positive": _counted("to_base_factor <= 0"), "largest_factor": "max(to_base_factor)"},
        _MATERIAL, _TO_ITSELF,
    ),
}  # fmt: skip
"""How each of these tables is measured."""
