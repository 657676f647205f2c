"""The expectations of gold: candidate parts, and the KPIs that they give, before a plant's numbers are replaced.

Here: their limits. Elsewhere: what a check is (`quality_checks.checks`), what is measured (`quality_checks.gold_profiles`), silver's
limits (`quality_checks.suites`).

Blocking holds the whole plant, so it is kept for what cannot be true: lost or doubled time, pieces and keys, a share above one. What
a factory can do (book late, beat a slow ideal rate, count rework twice) is a warning.
"""

from __future__ import annotations

from collections.abc import Iterator

from quality_checks.checks import PLANTS, SPRING, Check, most, none

ROUNDING = 1e-9
"""Ratios are doubles; sums of seconds are exact."""


def _within_one(kpi: str, measure: str, reason: str) -> Iterator[Check]:
    yield Check(f"{kpi}_not_negative", f"{measure}_lowest", "logical", "blocking", reason, low=-ROUNDING)
    yield Check(f"{kpi}_at_most_one", f"{measure}_highest", "logical", "blocking", reason, high=1 + ROUNDING)


GOLD_OWN: dict[str, tuple[Check, ...]] = {
    "candidate_parts": (
        none("key_unique", "repeated_keys", "structural", "a part that is there twice is added twice"),
        none("shift_has_own_row", "shifts_without_own_row", "structural",
            "the '~' row carries the time of the shift: without it the time is lost, with two it is doubled"),
        none("shift_time_stated_once", "shift_time_on_products", "structural",
            "time of the shift on a product row is added again for each product"),
        none("equipment_known", "equipment_orphan_rows", "logical", "parts of a unit that silver does not know reach no roll-up"),
        none("plant_known", "unknown_plant_rows", "logical", "parts of a plant that nobody states are in no company and no portfolio"),
        none("day_known", "unknown_day_rows", "logical", "a day that is no production day of the plant has no length to hold it against"),
        none("calendar_time_adds_up", "calendar_unbalanced", "logical", "CT = POT + time that is not scheduled, without tolerance"),
        none("planned_time_adds_up", "plan_unbalanced", "logical",
            "POT = planned stops + PBT, PBT = as planned + extension, without tolerance"),
        none("busy_time_adds_up", "busy_time_unbalanced", "logical",
            "PBT = APT + AUST + ADET + MICRO + ADOT + UNKNOWN, without tolerance: each second has one owner"),
        none("busy_sums_add_up", "busy_sums_unbalanced", "logical", "AUPT = APT + AUST and AUBT = AUPT + ADET, without tolerance"),
        none("no_part_beyond_its_shift", "parts_longer_than_shift", "logical", "no state of a shift lasts longer than the shift"),
        none("no_gap_in_the_day", "unit_days_with_gaps", "logical",
            "shifts and the rest of a day are as long as the day, up to the watermark (days that a shift enters or leaves are not judged)"),
        none("no_piece_lost", "unit_days_with_lost_pieces", "logical",
            "pieces of the parts = pieces of the current counts (days that a shift enters or leaves are not judged)"),
        none("times_not_negative", "negative_times", "logical", "seconds below zero hide others"),
        none("unit_day_not_below_zero", "unit_days_below_zero", "logical",
            "a unit that unmade pieces: a reversal came without its document, or twice; map `reverses`, or start the data later"),
        none("good_within_total", "unit_days_with_more_good", "logical", "more good pieces than pieces is a quality above one"),
        none("rated_time_within_run_time", "rated_beyond_run_time", "logical", "run time with an ideal rate is a part of run time"),
        none("pieces_not_negative", "negative_pieces", "logical",
            "a shift below zero took back pieces of another one: right in the month, odd in the shift", severity="warning", owner=PLANTS),
        none("good_and_rejects_within_total", "more_good_than_produced", "logical",
            "rework that is counted as scrap too ends above the total", severity="warning", owner=PLANTS),
        most("pieces_equal_total", "unequal_pieces_share", 0.02,
            "good + scrap + rework = produced; sources that book rework apart differ on few parts", "logical"),
        none("ideal_time_has_output", "ideal_time_without_output", "logical",
            "corrections at another rate than their document leave ideal time without pieces", severity="warning", owner=PLANTS),
        none("rate_not_beaten_for_a_month", "beaten_rates", "plausible",
            "specification 4.1: E of a unit and product above 1.05 in the last full month: its ideal rate is too slow, or pieces are"
            " counted twice; `plantlake rates` names unit, product and rate", severity="warning", owner=PLANTS),
        most("shift_at_most_a_day", "longest_shift_hours", 25.0, "25 h is a whole day when clocks go back; longer is a lost end"),
        none("not_in_the_future", "future_rows", "plausible", "rule T17: a shift that has not begun has no parts"),
    ),
    "kpi_value": (
        none("value_unique", "repeated_values", "structural", "one value per KPI, profile, unit and day: a unit or plant is stated twice"),
        none("every_unit_day_has_values", "unit_days_without_value", "structural",
            "a unit and day with parts but without KPIs was lost in a join"),
        none("values_finite", "values_not_finite", "logical", "NaN and infinity spoil every mean they touch"),
        none("status_true", "status_contradictions", "logical", "NOT_COMPUTABLE has no value, and nothing else has none"),
        none("bounds_around_value", "bounds_crossed", "logical", "value_low ≤ value ≤ value_high"),
        *_within_one("availability", "a", "run time is a part of planned time"),
        *_within_one("quality", "q", "good pieces are a part of all pieces"),
        *_within_one("time_coverage", "coverage", "known time is a part of planned time"),
        Check("effectiveness_not_negative", "e_lowest", "logical", "blocking", "a machine cannot be slower than still", low=-ROUNDING),
        Check("oee_not_negative", "oee_lowest", "logical", "blocking", "good pieces below zero", low=-ROUNDING),
        Check("oee_is_a_times_e_times_q", "oee_gap", "logical", "blocking",
            "where all run time has a rate, OEE is the product of its factors; they are divided separately", high=ROUNDING),
        Check("coverage_not_negative", "least_coverage", "logical", "blocking", "coverage is a share of what should be known",
            low=-ROUNDING),
        Check("coverage_at_most_one", "most_coverage", "logical", "blocking", "more than everything cannot be known", high=1 + ROUNDING),
        most("rate_not_too_slow", "too_fast_share", 0.1,
            "E above 1.2 on a day is a late booking; on more than 1 in 10 days the ideal rate is too slow"),
        Check("oee_at_most_one", "oee_above_one_share", "plausible", "warning",
            "OEE above 1 on a day is a late booking; on more than 1 in 10 days the ideal rate is too slow", high=0.1, owner=PLANTS,
            review=SPRING),
    ),
}  # fmt: skip
"""Checks of the candidate's own rules; those of filled columns and known words follow from its recipe."""
