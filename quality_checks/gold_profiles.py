"""Measures of gold before it is published: `gold.candidate_parts`, and the KPIs that these parts give.

Here: the recipes of both. Elsewhere: what a recipe is (`quality_checks.measuring`), what is acceptable
(`quality_checks.gold_suites`), the models that make the parts (`dbt_project`).

`candidate_parts` has the columns of `mart_kpi_parts_shift` without its two release columns and holds the units and days of the refresh's
scope, whole days only. The laws of time hold exactly, because parts are decimals. What silver says is counted again here by other
means than the models', so that pieces or hours that a model loses are missed.
"""

from __future__ import annotations

from collections.abc import Iterator

from quality_checks.measuring import Part, Recipe, unit_orphans

KEY = ("equipment_id", "shift_instance_id", "material_key", "production_day", "shift_code")
SHIFT_TIMES = (
    "ct_s", "pot_s", "planned_maint_s", "planned_break_s", "planned_no_demand_s", "planned_other_s", "pbt_planned_s", "pbt_ext_s",
    "pbt_s", "aust_s", "adet_eq_s", "adet_org_s", "micro_s", "adot_s", "unknown_s", "coded_stop_s", "rate_base_s", "micro_rated_s",
)  # fmt: skip
"""Seconds that belong to the shift: on its '~' row, and zero or unknown on the rows of products."""
TIMES = (*SHIFT_TIMES, "apt_s", "apt_rated_s", "aupt_s", "aubt_s", "rate_known_s", "ttr_s", "setup_elapsed_s")
PLANNED = "planned_maint_s + planned_break_s + planned_no_demand_s + planned_other_s"

_SHIFTS = f"""
    select plant_id, equipment_id, shift_instance_id, min(shift_code) as shift_code, min(production_day) as production_day,
           count(*) filter (where material_key = '~') as own_rows, bool_or(is_preliminary) as is_preliminary,
           sum(ct_s) as ct_s, sum(pot_s) as pot_s, sum({PLANNED}) as planned_s, sum(pbt_s) as pbt_s,
           sum(pbt_planned_s + pbt_ext_s) as pbt_sum_s, sum(apt_s) as apt_s,
           sum(apt_s) + sum(aust_s + adet_eq_s + adet_org_s + micro_s + adot_s + unknown_s) as owned_s,
           sum(aupt_s) as aupt_s, sum(aubt_s) as aubt_s, sum(apt_s) + sum(aust_s) as run_and_setup_s,
           sum(apt_s) + sum(aust_s + adet_eq_s + adet_org_s + micro_s) as busy_s,
           greatest({", ".join(f"max({name})" for name in SHIFT_TIMES if name != "ct_s")}) as longest_s
    from cur group by plant_id, equipment_id, shift_instance_id"""

_OF_SHIFTS = Part(
    f"""
    select plant_id, count(*) filter (where own_rows <> 1) as shifts_without_own_row,
           count(*) filter (where ct_s <> pot_s + case when shift_code = 'OFF' then ct_s else 0 end) as calendar_unbalanced,
           count(*) filter (where pot_s <> planned_s + pbt_s or pbt_s <> pbt_sum_s) as plan_unbalanced,
           count(*) filter (where pbt_s <> owned_s) as busy_time_unbalanced,
           count(*) filter (where aupt_s <> run_and_setup_s or aubt_s <> busy_s) as busy_sums_unbalanced,
           count(*) filter (where greatest(longest_s, apt_s) > ct_s) as parts_longer_than_shift,
           max(ct_s) / 3600 as longest_shift_hours
    from ({_SHIFTS}) group by plant_id""",
    (
        "shifts_without_own_row", "calendar_unbalanced", "plan_unbalanced", "busy_time_unbalanced", "busy_sums_unbalanced",
        "parts_longer_than_shift", "longest_shift_hours",
    ),
)  # fmt: skip

_DAYS = """
    day as (
        select days.plant_id, days.production_day, days.start_ts, days.end_ts,
               least(days.end_ts, told.until) as until
        from silver.production_day days
        join (select mark.plant_id,
                     max(mark.data_to - to_microseconds(cast(round(coalesce(offset_s, clock_offset_s, 0) * 1000000) as bigint))) as until
              from silver.source_watermark mark
              left join silver.source_setting setting
                on setting.plant_id = mark.plant_id and setting.source_system = mark.source_system
              left join silver.clock_offset estimate
                on estimate.plant_id = mark.plant_id and estimate.source_system = mark.source_system and estimate.is_applied
                   and estimate.day = make_timestamp(epoch_us(mark.data_to) - 1)::date
              group by mark.plant_id) told on told.plant_id = days.plant_id
        where days.plant_id in (select plant_id from cur)),
    crossing as (
        select day.plant_id, day.production_day
        from day join silver.shift_instance shift
          on shift.plant_id = day.plant_id and shift.start_ts < day.end_ts and shift.end_ts > day.end_ts
             and shift.start_ts > day.end_ts - interval 2 day
        where shift.is_current and not shift.is_deleted
        group by day.plant_id, day.production_day),
    whole as (
        select day.* from day
        anti join crossing out using (plant_id, production_day)
        anti join crossing into_it on into_it.plant_id = day.plant_id and into_it.production_day = day.production_day - 1),
    unit_day as (
        select plant_id, equipment_id, production_day, sum(ct_s) as ct_s, coalesce(sum(pq) filter (where material_key <> '~'), 0) as pieces
        from cur group by plant_id, equipment_id, production_day)"""
"""Production days of the plants up to what their sources have told; `whole` are those that no shift window enters or leaves, so that all
of a unit's time and counts of the day bear its date."""

_OF_DAYS = Part(
    f"""
    with {_DAYS}
    select unit_day.plant_id,
           count(*) filter (where ct_s <> greatest(epoch_us(whole.until) - epoch_us(whole.start_ts), 0) / 1000000::decimal(18, 6))
               as unit_days_with_gaps
    from unit_day join whole using (plant_id, production_day)
    where whole.until > whole.start_ts
    group by unit_day.plant_id""",
    ("unit_days_with_gaps",),
    absent=None,
)

_LOST_PIECES = Part(
    f"""
    with {_DAYS},
    booked as (
        select counted.plant_id, counted.equipment_id, counted.count_id, coalesce(corrects_count_id, reverses_count_id) as parent_id,
               counted.event_ts - to_microseconds(cast(round(coalesce(offset_s, clock_offset_s, 0) * 1000000) as bigint)) as ts,
               coalesce(produced_qty, coalesce(good_qty, 0) + coalesce(scrap_qty, 0) + coalesce(rework_qty, 0)) as pieces
        from silver.production_count counted
        left join silver.source_setting setting
          on setting.plant_id = counted.plant_id and setting.source_system = counted._source_system
        left join silver.clock_offset estimate
          on estimate.plant_id = counted.plant_id and estimate.source_system = counted._source_system and estimate.is_applied
             and estimate.day = make_timestamp(epoch_us(counted.event_ts))::date
        where is_current and not is_deleted and counted.plant_id in (select plant_id from cur)
          and counted.equipment_id in (select equipment_id from silver.equipment where is_current and not is_deleted and is_kpi_unit)),
    dated as (
        select one.plant_id, one.equipment_id, one.pieces, coalesce(four.ts, three.ts, two.ts, up.ts, one.ts) as ts
        from booked one
        left join booked up on up.plant_id = one.plant_id and up.count_id = one.parent_id
        left join booked two on two.plant_id = up.plant_id and two.count_id = up.parent_id
        left join booked three on three.plant_id = two.plant_id and three.count_id = two.parent_id
        left join booked four on four.plant_id = three.plant_id and four.count_id = three.parent_id),
    delivered as (
        select dated.plant_id, dated.equipment_id, whole.production_day, sum(dated.pieces) as pieces
        from dated join whole on whole.plant_id = dated.plant_id and dated.ts >= whole.start_ts and dated.ts < whole.end_ts
        group by all)
    select unit_day.plant_id, count(*) filter (where coalesce(delivered.pieces, 0) <> unit_day.pieces) as unit_days_with_lost_pieces
    from unit_day join whole using (plant_id, production_day)
    left join delivered using (plant_id, equipment_id, production_day)
    group by unit_day.plant_id""",
    ("unit_days_with_lost_pieces",),
    absent=None,
)
"""Conservation: pieces of the parts against pieces of the current counts. A correction counts on the day of its first document, four
steps up (rule T20)."""

_UNIT_DAY_PIECES = Part(
    """
    select plant_id, count(*) filter (where pq < 0 or gq < 0) as unit_days_below_zero,
           count(*) filter (where known_gq > known_pq) as unit_days_with_more_good
    from (select plant_id, equipment_id, production_day, sum(pq) as pq, sum(gq) as gq,
                 sum(gq) filter (where pq is not null) as known_gq, sum(pq) filter (where gq is not null) as known_pq
          from cur group by plant_id, equipment_id, production_day)
    group by plant_id""",
    ("unit_days_below_zero", "unit_days_with_more_good"),
)


def _unknown(name: str, table: str, column: str) -> Part:
    """Rows whose plant, or day of the plant, silver does not state."""
    sql = f"""
        select cur.plant_id, count(*) as {name} from cur
        anti join silver.{table} known on known.plant_id = cur.plant_id and known.{column} = cur.{column}
        group by cur.plant_id"""
    return Part(sql, (name,))


BEATEN = 1.05
"""Specification 4.1: E above this for a month triggers a review of the ideal rate."""


def product_months_sql(parts: str) -> str:
    """E by unit, product and calendar month of the current parts in a relation, with the ideal time a piece (s) and its basis.

    Run time that no source attributes to a product is shared among those of its shift by their ideal time: in a shift of one product it is
    all of it.
    """
    return f"""
        select plant_id, equipment_id, material_key, cast(date_trunc('month', production_day) as date) as month,
               sum(ideal_pq_s)::double / nullif(sum(run_s), 0) as e, sum(ideal_pq_s)::double / nullif(sum(pq)::double, 0) as pri_s,
               case greatest(sum(ideal_best_s), sum(ideal_engineered_s), sum(ideal_erp_s), 0.5 * sum(ideal_pq_s))
                   when sum(ideal_best_s) then 'BEST_DEMONSTRATED' when sum(ideal_engineered_s) then 'ENGINEERED'
                   when sum(ideal_erp_s) then 'ERP_STANDARD' else 'OTHER' end as rate_basis
        from (select *, apt_rated_s::double + coalesce(max(case when material_key = '~' then apt_rated_s end) over of_shift::double
                        * ideal_pq_s::double / nullif(sum(ideal_pq_s) over of_shift, 0)::double, 0) as run_s
              from {parts} window of_shift as (partition by equipment_id, shift_instance_id))
        where material_key <> '~'
        group by all"""


_BEATEN_RATES = Part(
    f"""
    with last_month as (
        select plant_id, date_trunc('month', make_timestamp(max(epoch_us(data_to)))) as until
        from silver.source_watermark where plant_id in (select plant_id from cur) group by plant_id),
    of_month as (
        select stood.* exclude (valid_from_release, valid_to_release)
        from gold.parts stood anti join (select distinct equipment_id, production_day from cur) anew using (equipment_id, production_day)
        where stood.valid_to_release is null
        union all by name select * from cur),
    judged as (
        select of_month.* from of_month join last_month using (plant_id)
        where production_day >= until - interval 1 month and production_day < until)
    select plant_id, count(*) filter (where e > {BEATEN}) as beaten_rates from ({product_months_sql("judged")}) group by plant_id""",
    ("beaten_rates",),
)
"""Units and products of the last full month, in whatever refresh it is looked at: what stood, and the candidate's days in their place."""

CANDIDATE_PARTS = Recipe(
    {
        "repeated_keys": "count(*) - count(distinct (equipment_id, shift_instance_id, material_key))",
        "shift_time_on_products":
            f"count(*) filter (where material_key <> '~' and ({' or '.join(f'{name} <> 0' for name in SHIFT_TIMES)}))",
        "negative_times": f"count(*) filter (where least({', '.join(TIMES)}) < 0)",
        "negative_pieces": "count(*) filter (where least(pq, gq, sq, rq) < 0)",
        "more_good_than_produced": "count(*) filter (where gq + coalesce(sq, 0) > pq or rq > pq)",
        "unequal_pieces_share": "avg((gq + sq <> pq and gq + sq + coalesce(rq, 0) <> pq)::double) filter (where material_key <> '~')",
        "ideal_time_without_output":
            "count(*) filter (where coalesce(pq, 0) = 0 and (coalesce(ideal_pq_s, 0) <> 0 or coalesce(ideal_gq_s, 0) <> 0))",
        "rated_beyond_run_time":
            "count(*) filter (where apt_rated_s > apt_s or micro_rated_s > micro_s or rate_known_s > rate_base_s + apt_s)",
        "future_rows": "count(*) filter (where start_ts > {late})",
    },
    (
        unit_orphans(), _unknown("unknown_plant_rows", "plant", "plant_id"),
        _unknown("unknown_day_rows", "production_day", "production_day"), _OF_SHIFTS, _OF_DAYS, _LOST_PIECES, _UNIT_DAY_PIECES,
        _BEATEN_RATES,
    ),
    source=lambda: "gold.candidate_parts",
    plants="select distinct plant_id from every",
    cur="select * from every",
    filled=(*KEY, "start_ts", "ct_s", "state_method", "is_preliminary"),
    words={"state_method": ("MEASURED", "RESIDUAL", "NONE")},
)  # fmt: skip


def unit_days_sql() -> str:
    """KPI values of the candidate by unit and day: the view that readers get, over the candidate's parts."""

    from dbt_project import value_sql  # it reads the catalogue

    def relation(name: str) -> str:
        if name == "mart_kpi_parts_shift":
            return "(select *, cast(0 as bigint) as valid_from_release, cast(null as bigint) as valid_to_release from gold.candidate_parts)"
        return "(select * from silver.equipment where is_current)" if name == "equipment" else f"silver.{name}"

    values = value_sql.kpi_value_sql(value_sql.inlined(relation), shifts_only=True)
    return f"(select * from ({values}) where scope_type = 'EQUIPMENT' and period_type = 'DAY')"


def _extremes(*kpis: str) -> Iterator[tuple[str, str]]:
    for kpi in kpis:
        yield f"{kpi.lower()}_lowest", f"min(value) filter (where kpi_id = '{kpi}')"
        yield f"{kpi.lower()}_highest", f"max(value) filter (where kpi_id = '{kpi}')"


_FACTORS = Part(
    """
    select plant_id, max(abs(oee.value - a.value * e.value * q.value)) as oee_gap
    from (select * from cur where kpi_id = 'OEE') oee
    join (select * from cur where kpi_id = 'A') a using (plant_id, scope_id, period_start, profile)
    join (select * from cur where kpi_id = 'E') e using (plant_id, scope_id, period_start, profile)
    join (select * from cur where kpi_id = 'Q') q using (plant_id, scope_id, period_start, profile)
    where e.denominator = a.numerator and a.denominator = oee.denominator and e.numerator = q.denominator and q.numerator = oee.numerator
    group by plant_id""",
    ("oee_gap",),
    absent=None,
)
"""Where all run time has an ideal rate and all four are over the same shifts."""

_LOST_UNIT_DAYS = Part(
    """
    select parts.plant_id, count(*) as unit_days_without_value
    from (select distinct plant_id, equipment_id, production_day from gold.candidate_parts
          where plant_id in (select plant_id from plants)) parts
    anti join cur on cur.plant_id = parts.plant_id and cur.scope_id = parts.equipment_id and cur.period_start = parts.production_day
    group by parts.plant_id""",
    ("unit_days_without_value",),
)

KPI_VALUE = Recipe(
    {
        "repeated_values": "count(*) - count(distinct (kpi_id, profile, scope_id, period_start))",
        "values_not_finite":
            "count(*) filter (where isnan(value) or isinf(value) or isnan(value_low) or isinf(value_low)"
            " or isnan(value_high) or isinf(value_high))",
        "status_contradictions": "count(*) filter (where (status = 'NOT_COMPUTABLE') <> (value is null))",
        "bounds_crossed": "count(*) filter (where value_low > value + 1e-9 or value > value_high + 1e-9 or value_low > value_high + 1e-9)",
        **dict(_extremes("A", "Q", "COVERAGE")),
        "e_lowest": "min(value) filter (where kpi_id = 'E')",
        "oee_lowest": "min(value) filter (where kpi_id = 'OEE')",
        "too_fast_share": "avg((value > 1.2)::double) filter (where kpi_id = 'E')",
        "oee_above_one_share": "avg((value > 1)::double) filter (where kpi_id = 'OEE')",
        "least_coverage": "min(coverage)",
        "most_coverage": "max(coverage)",
    },
    (_FACTORS, _LOST_UNIT_DAYS),
    source=unit_days_sql,
    plants="select distinct plant_id from gold.candidate_parts",
    cur="select * from every",
    filled=("kpi_id", "profile", "scope_id", "period_start", "coverage", "grade", "status"),
    words={"grade": ("A", "B", "C", "D"), "status": ("OK", "ESTIMATED", "PRELIMINARY", "NOT_COMPUTABLE")},
)  # fmt: skip

GOLD: dict[str, Recipe] = {"candidate_parts": CANDIDATE_PARTS, "kpi_value": KPI_VALUE}
"""How the candidate is measured; silver has to be there too."""
