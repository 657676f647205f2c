"""The expectations of every table: each limit, with its reason, owner, review date, severity and rung.

Here: silver's limits, and all limits together. Elsewhere: what a check is (`quality_checks.checks`), gold's limits
(`quality_checks.gold_suites`), what is measured (`quality_checks.profiles`), the Great Expectations suite that is made of them
(`quality_checks.expectations`), the rules of a single row (the schemas of `transforms.tables`).

Rungs (house rule 11): *structural* - columns, keys and words are what they should be; *logical* - records agree with each other;
*plausible* - the numbers look like a factory. Blocking: a KPI made of such rows would be wrong. Warning: it would be weaker.
To change a limit, change its number here, say why, and move the review date; stored profiles are judged again without a query.
"""

from __future__ import annotations

import hashlib
import re
import sys
from collections.abc import Iterator
from pathlib import Path

from quality_checks.checks import PLANTS, SPRING, Check, references, times
from quality_checks.checks import most as _most
from quality_checks.checks import none as _none
from quality_checks.further_suites import FURTHER
from quality_checks.gold_suites import GOLD_OWN
from quality_checks.profiles import RECIPES
from transforms.tables import TABLES


def _of_schema(table: str) -> Iterator[Check]:
    """What the table's schema says of its columns, held against the stored table."""
    recipe = RECIPES[table]
    for column in recipe.filled:
        yield _none(f"{column}_filled", f"{column}_nulls", "structural", f"the schema of {table} requires {column}")
    for column in recipe.words:
        yield _none(f"{column}_known_word", f"{column}_strays", "structural", f"SQL knows the listed words of {column} only")


def _of_revisions(table: str) -> Iterator[Check]:
    """What holds of every table that keeps versions."""
    yield _none("one_current_revision", "ids_with_several_current", "structural", "two current versions of a record count twice")
    if TABLES[table].time is None:
        lost = "without a current version (a deletion is one) a record vanishes unseen"
        yield _none("no_lost_record", "ids_without_current", "structural", lost)
    else:
        moved = "a record that moved has its current version in another month; more than 1 in 100 were lost, not moved"
        yield _most("no_lost_record", "lost_record_share", 0.01, moved, "structural")
    yield _none("revisions_distinct", "repeated_revisions", "structural", "as-of answers need one row per record and revision")
    yield _none("lineage_filled", "rows_without_lineage", "structural", "every row must lead back to its export")


def _unit_known() -> Check:
    return _none("equipment_known", "equipment_orphan_rows", "logical", "rows of an unknown unit reach no KPI")


_OWN: dict[str, tuple[Check, ...]] = {
    "plant": (
        Check("plant_stated_once", "plant_rows", "structural", "blocking", "a second row doubles every join on the plant", 1.0,
            1.0),
        _none("divested_after_acquired", "acquired_after_divested", "logical", "a plant is sold after it is bought", owner=PLANTS),
        _none("data_start_passed", "data_start_in_future", "logical", "no KPI before the first day with data", severity="warning",
            owner=PLANTS),
    ),
    "equipment": (
        _none("codes_distinct", "repeated_codes", "logical", "one code naming two units mixes their events"),
        _most("parent_known", "parent_equipment_orphan_share", 0.0, "a missing parent cuts a unit off its line and area",
            "logical"),
        _none("no_parent_loop", "parent_loops", "logical", "a unit above itself makes roll-ups endless"),
        _none("kpi_units_not_nested", "nested_kpi_units", "logical", "a branch has one KPI level, else its time counts twice"),
        _none("stations_have_a_line", "left_out_units", "logical",
            "a KPI unit outside the roll-up whose line is no KPI unit counts nowhere"),
        Check("has_kpi_unit", "kpi_units", "plausible", "warning", "without a KPI unit the plant has no KPI", low=1.0, owner=PLANTS,
            review=SPRING),
        _most("units_report", "silent_unit_share", 0.5,
            "spare and new machines are silent; more than half over a week or longer means a broken interface or other codes"),
    ),
    "material": (
        _none("numbers_distinct", "repeated_codes", "logical", "one number naming two materials mixes their rates"),
        _none("cost_not_negative", "negative_costs", "plausible", "a negative cost turns scrap into profit", severity="warning",
            owner=PLANTS),
    ),
    "ideal_rate": (
        _unit_known(),
        *references("material"),
        _none("rate_positive", "rates_not_positive", "logical", "an ideal time of zero makes any machine infinitely slow"),
        _none("validity_not_empty", "empty_validity", "logical", "such a rate never applies, its author meant another date",
            severity="warning", owner=PLANTS),
        _none("one_rate_at_a_time", "overlapping_rows", "logical", "two rates for one key and instant: which one was meant?"),
        Check("rate_not_too_fast", "fastest_s", "plausible", "warning",
            "1000 pieces a second is beyond the fastest can lines; the unit is wrong", low=0.001, owner=PLANTS, review=SPRING),
        _most("rate_not_too_slow", "slowest_s", 7 * 86400.0, "a week per piece is longer than a furnace campaign; wrong unit"),
    ),
    "shift_instance": (
        _unit_known(),
        _none("ends_after_start", "ends_not_after_start", "logical", "a window without length holds no time"),
        _none("windows_apart", "overlapping_rows", "logical", "time in two shifts counts twice in planned time"),
        _none("day_matches_start", "day_mismatches", "logical",
            "a shift belongs to the day it starts on; zones and early starts move it by two days at most"),
        _most("shift_at_most_a_day", "longest_hours", 25.0, "25 h is a whole day when clocks go back; longer is a lost end"),
        *times(future=False),
    ),
    "planned_downtime": (
        _unit_known(),
        _none("ends_not_before_start", "ends_before_start", "logical", "negative time cannot be taken out"),
        _most("inside_a_shift", "outside_shift_share", 0.5,
            "entries on weekends and holidays do no harm; more than half outside means a wrong zone or calendar", "logical"),
        _most("at_most_a_year", "longest_days", 366.0, "a longer stop is a closure: end the unit instead"),
        *times(future=False),
    ),
    "production_order": (
        *references("equipment", "material"),
        _none("actual_ends_after_start", "actual_ends_before_start", "logical", "negative time spreads no counts"),
        _most("plan_ends_after_start", "planned_ends_before_start_share", 0.02,
            "planners leave swapped dates in cancelled orders; more is a swapped mapping", "logical"),
        _most("counts_match_plan", "overproduced_share", 0.1,
            "orders are cut into lots; half as much again on more than 1 in 10 is another unit of measure or a repeated order number",
            "logical"),
        _none("plan_not_negative", "negative_planned_rows", "plausible", "nobody plans to unmake pieces", severity="warning",
            owner=PLANTS),
        _most("plan_size_sane", "largest_planned_qty", 1e8, "above 1e8 the decimal sign or the unit was misread"),
        *times(),
    ),
    "equipment_state_event": (
        _unit_known(),
        *references("order", "material"),
        _none("ends_not_before_start", "ends_before_start", "logical", "rule T12: negative events are quarantined"),
        _none("open_flag_true", "open_flag_mismatches", "logical", "the ledger closes what is open at the watermark"),
        _none("state_or_reason", "rows_without_state_and_reason", "logical", "nothing says what the time was"),
        _most("open_events_recent", "forgotten_open_share", 0.01,
            "an event open for a week before the last one was forgotten; 1 in 100 is an interface that loses ends", "logical"),
        _most("reasons_mapped", "unmapped_reason_share", 0.1,
            "unmapped and unapproved reasons become U-UNC; above 10 % of coded stops the reason ranking misleads"),
        _most("state_known", "unknown_share", 0.2, "UNKNOWN widens the bounds of A; above 1 in 5 events the bounds say little"),
        _most("event_at_most_a_month", "longest_days", 31.0, "shutdowns take weeks; a longer state is an end that never arrived"),
        *times(),
    ),
    "production_count": (
        _unit_known(),
        *references("order", "material"),
        _none("has_quantity", "rows_without_quantity", "logical", "a count without quantity counts nothing"),
        _most("parts_equal_total", "unequal_parts_share", 0.02,
            "good + scrap + rework = produced; sources that book rework apart differ on few rows", "logical"),
        _none("chains_not_negative", "negative_chains", "logical",
            "a document with its corrections is below zero: a reversal came twice, or the rest is in a month that was not looked at",
            severity="warning"),
        _most("first_document_known", "document_orphan_share", 0.1,
            "of corrections in the first week after a month that was not looked at nothing is said; above 1 in 10, numbers do not match",
            "logical"),
        _most("counts_within_order", "outside_order_share", 0.1,
            "late bookings happen; more than 1 in 10 a day outside the order's own times means other clocks or order numbers", "logical"),
        _most("negatives_have_a_reason", "loose_negative_share", 0.02,
            "hand corrections happen; more are reversals whose reference is not mapped", "logical"),
        _none("one_source_of_counts", "units_with_several_count_sources", "logical",
            "counts of several sources are never added together", severity="warning", owner=PLANTS),
        _none("one_unit_per_material", "materials_with_several_uoms", "logical",
            "an ideal rate is per one unit; pieces and kilograms of a material do not add up", severity="warning", owner=PLANTS),
        _most("quantity_sane", "largest_qty", 1e8, "above 1e8 in one record the decimal sign or the unit was misread"),
        _most("scrap_sane", "scrap_ratio", 0.5, "more scrap than half is a ramp-up or swapped columns"),
        *times(),
    ),
    "tag": (
        _unit_known(),
        _none("names_distinct", "repeated_codes", "logical", "one name for two tags of a source mixes their samples"),
        _most("measured_tags_have_unit", "measured_tags_without_unit_share", 0.0,
            "power, temperature or speed without a unit cannot be compared between plants", "logical"),
    ),
    "historian_sample": (
        _none("tag_id_filled", "tag_id_nulls", "structural", "a sample of no tag is no measurement"),
        _none("ts_filled", "ts_nulls", "structural", "a sample without an instant cannot be placed"),
        _none("quality_filled", "quality_nulls", "structural", "every delivered quality maps to a word"),
        _none("quality_known_word", "quality_strays", "structural", "SQL knows GOOD, UNCERTAIN and BAD only"),
        _none("lineage_filled", "rows_without_lineage", "structural", "every row must lead back to its export"),
        _none("tag_known", "tag_orphan_rows", "logical", "a sample of an unlisted tag has no unit and no meaning"),
        _none("values_finite", "not_finite_rows", "logical", "NaN and infinity spoil every mean they touch"),
        _most("good_has_value", "good_without_value_share", 0.01,
            "loggers write empty good samples at restarts; more is a value column that was not read", "logical"),
        _most("mostly_not_bad", "bad_share", 0.2, "sensors fail; more than 1 in 5 bad samples is a failed gateway"),
        _most("instants_differ", "repeated_instant_share", 0.5,
            "coarse clocks repeat instants (estimated, within some 5 %); above half an export was loaded twice or seconds were cut off"),
        _most("tags_move", "frozen_tag_share", 0.5,
            "set points stand still; more than half of the busy tags frozen is a stuck gateway"),
        _most("tags_repeat", "tags_with_one_sample_share", 0.5,
            "a tag with one sample in a day or longer was read from a header or a stray column"),
        *times(),
    ),
    "clock_offset": (
        _most("clock_within_a_minute", "largest_offset_s", 60.0,
            "rule T17: a clock that is a minute off in its last week lost its synchronisation; corrected where it is steady, to be set"),
        _none("clock_steady", "unsteady_days", "plausible",
            "rule T17: the sources saw the same stops and their clocks differ by another time each: nothing is corrected on such a day",
            severity="warning", owner=PLANTS),
    ),
    "map_downtime_reason": (
        _none("validity_not_empty", "empty_validity", "logical", "such an entry never applies", severity="warning", owner=PLANTS),
        _none("one_reason_at_a_time", "overlapping_rows", "logical", "rule: one reason per code and instant"),
        _most("entries_approved", "unapproved_share", 0.2,
            "proposed entries do not count until approved; above 1 in 5 nobody looks after the map"),
    ),
}  # fmt: skip


def _checks(table: str) -> tuple[Check, ...]:
    revised = _of_revisions(table) if table in TABLES and TABLES[table].id else ()
    return (*_of_schema(table), *revised, *{**_OWN, **FURTHER, **GOLD_OWN}[table])


CHECKS: dict[str, tuple[Check, ...]] = {table: _checks(table) for table in RECIPES}
"""All checks, by table: of its columns, of its revisions, its own."""


def limits_version() -> str:
    """A name of all limits as they are now: it differs when a check was added, dropped or changed in anything but its words.

    >>> limits_version() == limits_version(), len(limits_version())
    (True, 12)
    """
    limits = [
        (table, check.name, check.measure, check.severity, check.low, check.high) for table, found in CHECKS.items() for check in found
    ]
    return hashlib.sha256(repr(sorted(limits)).encode()).hexdigest()[:12]


BLOCK = re.compile(r"(<!-- checks:start -->\n).*?(<!-- checks:end -->)", re.DOTALL)


def page(text: str) -> str:
    """docs/quality.md with its table of checks written anew from `CHECKS`; a test holds the page to it."""
    return BLOCK.sub(lambda found: f"{found[1]}{_tables()}{found[2]}", text)


def _tables() -> str:
    lines: list[str] = []
    for table, checks in CHECKS.items():
        lines += [f"\n### {table}\n", "| check | measure | limit | rung | severity | why |", "|---|---|---|---|---|---|"]
        lines += [f"| `{c.name}` | `{c.measure}` | {c.limit} | {c.rung} | {c.severity} | {c.reason} |" for c in checks]
    return "\n".join([*lines, "", ""])


if __name__ == "__main__":
    target = Path(sys.argv[1])
    target.write_text(page(target.read_text(encoding="utf-8")), encoding="utf-8")
