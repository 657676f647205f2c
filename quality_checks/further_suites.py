"""The limits of the silver tables beside time and counts, each with its reason.

Here: what is acceptable. Elsewhere: what is measured (`quality_checks.further_profiles`), what a check is (`quality_checks.checks`), the
other limits of silver and the checks that every table has (`quality_checks.suites`). No part is made of these tables without its own
guard: what fails here is told and holds no plant (`LEDGER_TABLES`).
"""

from __future__ import annotations

from collections.abc import Iterator

from quality_checks.checks import PLANTS, Check, most, none, references, times


def _span(most_days: float, why: str) -> Iterator[Check]:
    yield none("ends_not_before_start", "ends_before_start", "logical", "rule T12: negative time is no time")
    yield most("span_sane", "longest_days", most_days, why)


def _size() -> Check:
    return most("quantity_sane", "largest_qty", 1e8, "above 1e8 in one record the decimal sign or the unit was misread")


def _hashed() -> Check:
    return none("names_hashed", "names_not_hashed", "structural", "silver keeps nobody's name: 32 hex digits of a salted hash, or nothing")


FURTHER: dict[str, tuple[Check, ...]] = {
    "order_operation": (
        *references("equipment", "order"),
        *_span(92.0, "a quarter for one operation is an end that was booked with the order's"),
        most("plan_sane", "longest_planned_days", 366.0, "a planned year of one operation is a wrong unit or a lost decimal sign"),
        *times(),
    ),
    "inspection_result": (
        *references("equipment", "material", "order"),
        none("limits_ordered", "limits_swapped", "logical", "between swapped limits nothing passes"),
        none("attempts_from_one", "attempts_below_one", "logical", "the first pass is attempt 1"),
        most("pass_within_limits", "passed_outside_share", 0.01,
            "concessions happen; above 1 in 100 value and limits have other units", "logical"),
        most("values_have_unit", "value_without_unit_share", 0.05, "a value without a unit compares with nothing"),
        most("fails_sane", "fail_share", 0.5, "more than half failed is a ramp-up or swapped words"),
        _size(),
        *times(),
    ),
    "scrap": (
        *references("equipment", "material", "order", "count"),
        most("defects_coded", "uncoded_share", 0.2, "above 1 in 5 entries without a defect its ranking misleads"),
        most("cost_has_sign_of_qty", "cost_against_qty_share", 0.01, "a reversal takes back cost and pieces alike", "logical"),
        _size(),
        *times(),
    ),
    "maintenance_order": (
        *references("equipment"),
        *_span(92.0, "work of a quarter is an order that nobody closed"),
        most("begun_after_report", "begun_before_reported_share", 0.05,
            "orders are written after the fact; above 1 in 20 the two times are swapped", "logical"),
        most("labour_sane", "longest_labour_h", 10_000.0, "five man-years in one order are minutes read as hours"),
        none("cost_not_negative", "negative_costs", "plausible", "an order that earns money was booked with the wrong sign",
            severity="warning", owner=PLANTS),
        *times(),
    ),
    "goods_movement": (
        *references("material", "order"),
        none("no_reversal_of_itself", "reversals_of_itself", "logical", "a document cannot cancel itself"),
        most("value_has_sign_of_qty", "value_against_qty_share", 0.01, "stock gains pieces and value together", "logical"),
        most("class_fits_sign", "wrong_sign_share", 0.05,
            "receipts add, issues take; more exceptions are reversals whose reference is not mapped, or unsigned quantities", "logical"),
        _size(),
        *times(),
    ),
    "inventory_snapshot": (
        *references("material"),
        none("totals_stand_alone", "totals_beside_materials", "logical", "a class told in total and by material counts twice"),
        none("value_not_negative", "negative_values", "plausible", "stock owes nobody money", severity="warning", owner=PLANTS),
        most("stock_not_negative", "negative_qty_share", 0.05, "issues are booked before receipts; more is a sign that was misread"),
        _size(),
        *times(),
    ),
    "energy": (
        *references("equipment"),
        *_span(32.0, "meters are read monthly at least; longer is an end that was lost"),
        none("intervals_apart", "overlapping_rows", "logical", "energy of overlapping intervals of one meter counts twice"),
        most("mostly_not_negative", "negative_share", 0.01, "meters turn back when changed; more is generation, or a swapped sign"),
        most("power_sane", "largest_kw", 1e6, "a gigawatt is a power station: a wrong unit, or a counter for its difference"),
        *times(),
    ),
    "labour_time": (
        _hashed(),
        *references("equipment"),
        *_span(1.0, "longer than a day at work is a stamp that was forgotten"),
        none("attended_within_span", "attended_beyond_span", "logical", "nobody attends longer than from start to end"),
        none("worked_within_attended", "worked_beyond_attended", "logical", "work on orders is part of the time attended"),
        *times(),
    ),
    "cost": (
        none("period_is_a_month", "periods_within_month", "logical", "a month is named by its first day"),
        most("amount_sane", "largest_amount", 1e12, "above 1e12 the decimal sign was misread"),
        *times(),
    ),
    "delivery_line": (
        _hashed(),
        *references("material"),
        most("delivered_has_date", "delivered_without_date_share", 0.05,
            "without its date a delivery is neither on time nor late", "logical"),
        most("not_overdelivered", "overdelivered_share", 0.05,
            "a tenth too much on more than 1 in 20 lines is another unit than the one ordered in", "logical"),
        _size(),
        *times(),
        *times(future=False)[:1],
    ),
    "uom_conversion": (
        *references("material"),
        none("factor_positive", "factors_not_positive", "logical", "nothing is made of none"),
        none("no_conversion_to_itself", "conversions_to_itself", "logical", "one of a unit is one of it"),
        most("factor_sane", "largest_factor", 1e6, "a million base units in one is a factor the wrong way round"),
    ),
}  # fmt: skip
"""The checks of these tables, beside those of their schemas and their versions."""
