"""Makes everything that follows from the KPI catalogue: the SQL of `kpi_value` and of `kpi_definition`.

Here: reading `kpis.yml`, writing SQL. `python -m dbt_project.generate` writes the two models, `--check` fails where they are stale.
Elsewhere: the parts that the SQL divides (`models/marts/mart_kpi_parts_shift.sql`), publishing the same view over Parquet
(`publish.snapshot`).
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import yaml

FOLDER = Path(__file__).resolve().parent
CATALOGUE = FOLDER / "kpis.yml"
VERSION = 1
PROFILES = ("ISO", "TPM")

IDEAL = {"ideal_pq_s", "ideal_gq_s"}
RATED = IDEAL | {"apt_rated_s", "micro_rated_s"}
COUNTED = IDEAL | {"pq", "gq", "sq"}
PLANNED = {"pbt_s", "pot_s", "unknown_s"}
STATES = {
    "apt_s",
    "micro_s",
    "apt_rated_s",
    "micro_rated_s",
    "unknown_s",
    "aupt_s",
    "aubt_s",
    "adet_eq_s",
    "adet_org_s",
    "aust_s",
    "adot_s",
}
GOOD = {"ideal_gq_s", "gq"}
DESCRIBED = ("name", "iso_name", "formula", "unit", "trend", "rollup_rule", "non_comparability")

SUMS = ("pbt_s", "unknown_s", "rate_base_s", "rate_known_s", "expected_count_shifts", "reported_count_shifts", "coded_stop_s")
"""Columns of the parts that every value needs for its coverage."""
COVERAGE = (*SUMS, "told_pbt_s", "rate_in_s", "rate_known_in_s", "stop_s")
"""Their sums by unit and shift, and what is derived of them there."""


@dataclass(frozen=True, slots=True)
class Kpi:
    """One KPI in one profile. Terms are columns of the parts, with '-' in front where they are subtracted."""

    kpi_id: str
    profile: str
    numerator: tuple[str, ...]
    denominator: tuple[str, ...]
    bound: str | None
    about: dict[str, Any]

    @property
    def columns(self) -> set[str]:
        return {term.lstrip("-") for term in (*self.numerator, *self.denominator)}

    @property
    def key(self) -> str:
        return f"{self.kpi_id}_{self.profile}".lower()


@cache
def catalogue() -> tuple[Kpi, ...]:
    """Every KPI of `kpis.yml` in every profile."""
    found = []
    for entry in yaml.safe_load(CATALOGUE.read_text(encoding="utf-8"))["kpis"]:
        for profile in PROFILES:
            about = {**entry, **entry.get("profiles", {}).get(profile, {})}
            terms = (tuple(about["numerator"]), tuple(about["denominator"]))
            found.append(Kpi(entry["kpi_id"], profile, *terms, about.get("bound"), about))
    return tuple(found)


def kpi_ids() -> list[str]:
    """The ids of the catalogue, in its order."""
    return list(dict.fromkeys(kpi.kpi_id for kpi in catalogue()))


def _words(text: str) -> str:
    """DuckDB: words between commas as an array."""
    return f"coalesce(string_split(nullif({text}, ''), ','), cast([] as varchar[]))"


def kpi_value_sql(relation: Callable[[str], str], as_of: str | None = None, words: Callable[[str], str] = _words) -> str:
    """The SELECT of `kpi_value`. `relation` gives the name of a table; `as_of` a release id (an expression) instead of the newest.

    Ratios are divided last (decision 13); every value carries its bounds, coverage, grade, status and flags (specification 4.2).
    `words` spells text to array for another engine than DuckDB.

    >>> sql = kpi_value_sql(lambda name: f"gold.{name}", as_of="41")
    >>> "gold.mart_kpi_parts_shift" in sql, "valid_from_release <= 41" in sql
    (True, True)
    """
    version = "p.valid_to_release is null"
    if as_of is not None:
        version = f"p.valid_from_release <= {as_of} and (p.valid_to_release is null or p.valid_to_release > {as_of})"
    return "\n".join(
        [
            f"with {_unit_shift(relation, version)},",
            f"{_periods(relation)},",
            f"{_chosen()},",
            f"{_judged()}",
            _final(words),
        ]
    )


def _signed(terms: tuple[str, ...], *, ideal_is_zero: bool = True) -> str:
    texts = []
    for term in terms:
        column = term.lstrip("-")
        value = f"coalesce({column}, 0)" if column in COUNTED and ideal_is_zero else column
        texts.append(f"- {value}" if term.startswith("-") else f"+ {value}")
    return " ".join(texts).removeprefix("+ ")


def _is_known(kpi: Kpi) -> str:
    """The condition under which a unit's shift takes part: what no source can know takes it out, on both sides of the ratio.

    A shift without a count is a shift without output as long as its unit books in that month (an order may be booked in a later
    shift); a unit that books nothing, no good pieces or nothing with an ideal rate all month is left out, not counted as zero.
    """
    tests = [f"{column} is not null" for column in sorted(kpi.columns - COUNTED)]
    if kpi.columns & COUNTED:
        tests.append("books_output = 1")
    if kpi.columns & RATED:
        tests.append("books_rated = 1")
    if kpi.columns & GOOD:
        tests.append("books_good = 1 and unknown_good_counts = 0")
    return " and ".join(tests) or "true"


def _unit_shift(relation: Callable[[str], str], version: str) -> str:
    """One row per unit and shift: the parts of all products, and each KPI's two sides as far as they are known."""
    columns = sorted({column for kpi in catalogue() for column in kpi.columns} | set(SUMS))
    sums = ",\n        ".join(f"sum(p.{column}) as {column}" for column in columns)
    sides = ",\n        ".join(
        f"case when {_is_known(kpi)} then {_signed(kpi.numerator)} end as n_{kpi.key},\n"
        f"        case when {_is_known(kpi)} then {_signed(kpi.denominator)} end as d_{kpi.key}"
        for kpi in catalogue()
    )
    return f"""shift_sum as (
    select
        p.equipment_id, p.plant_id, p.shift_instance_id, p.shift_code, p.production_day,
        {sums},
        sum(p.adet_eq_s + p.adet_org_s + p.aust_s + coalesce(p.adot_s, 0)) as stop_s,
        sum(case when p.unknown_s is not null then p.pbt_s end) as told_pbt_s,
        max(case when p.material_key <> '~' and p.pq is not null then 1 else 0 end) as has_output,
        max(case when p.material_key <> '~' and p.ideal_pq_s is not null then 1 else 0 end) as has_rated,
        max(case when p.material_key <> '~' and p.gq is not null then 1 else 0 end) as has_good,
        max(case when p.pq is not null then 1 else 0 end) as knows_output,
        sum(p.unknown_good_counts) as unknown_good_counts, sum(p.outside_counts) as outside_counts,
        max(case when p.state_method = 'RESIDUAL' then 1 else 0 end) as is_residual,
        max(case when p.state_method = 'NONE' then 1 else 0 end) as is_none,
        max(case when p.is_preliminary then 1 else 0 end) as is_preliminary,
        max(case when p.has_shift_overlap then 1 else 0 end) as has_overlap,
        max(case when array_contains(p.flags, 'DST_AMBIGUOUS') then 1 else 0 end) as has_ambiguous,
        max(p.valid_from_release) as release_id, max(p.as_of_ts) as as_of_ts
    from {relation("mart_kpi_parts_shift")} as p
    where {version}
    group by p.equipment_id, p.plant_id, p.shift_instance_id, p.shift_code, p.production_day
),

-- What a unit books in a month; one that provably made nothing all month knows everything about it.
booking as (
    select
        *,
        greatest(max(has_output) over month_of_unit, min(knows_output) over month_of_unit) as books_output,
        greatest(max(has_rated) over month_of_unit, min(knows_output) over month_of_unit - max(has_output) over month_of_unit) as books_rated,
        greatest(max(has_good) over month_of_unit, min(knows_output) over month_of_unit - max(has_output) over month_of_unit) as books_good
    from shift_sum
    window month_of_unit as (partition by equipment_id, date_trunc('month', production_day))
),

unit_shift as (
    select
        s.*, case when s.books_rated = 1 then s.rate_base_s end as rate_in_s, case when s.books_rated = 1 then s.rate_known_s end as rate_known_in_s, l.company, e.equipment_name, l.plant_name,
        case when l.assumed_calendar then 1 else 0 end as assumed_calendar, case when l.assumed_rate then 1 else 0 end as assumed_rate,
        case when l.calendar = 'none' then 1 else 0 end as no_calendar, coalesce(g.min_rate_coverage, 0.95) as min_rate_coverage,
        {sides}
    from booking as s
    inner join {relation("plant")} as l on s.plant_id = l.plant_id
    left join {relation("equipment")} as e on s.equipment_id = e.equipment_id
    left join {relation("plant_setting")} as g on s.plant_id = g.plant_id and g.equipment_id = '*'
)"""


FLAGS = ("is_residual", "is_none", "is_preliminary", "has_overlap", "has_ambiguous", "assumed_calendar", "assumed_rate", "no_calendar")
PERIOD = ("period_type", "period_start", "shift_code")


def _rollup() -> str:
    """Sums by scope and period, and how many of the scope's units and plants take part: of units to plants, companies, the portfolio.

    Each level sums the one below, so that a unit is counted once without a distinct count, which is dear to plan.
    """
    keys = [kpi.key for kpi in catalogue()]
    of_unit = [f"sum({side}_{key}) as {side}_{key}" for key in keys for side in ("n", "d")]
    sums = [f"sum({name}) as {name}" for name in (*COVERAGE, "unknown_good_counts", "outside_counts")]
    most = [f"max({name}) as {name}" for name in (*FLAGS, "min_rate_coverage", "release_id", "as_of_ts")]

    def level(name: str, below: str, scope: str, carried: tuple[str, ...], plants: str, plants_told: str) -> str:
        """Sums of the level below by `scope` and period; `carried` are columns of the scope that levels above need."""
        taking_part = [f"cast({plants.format(key=key)} as bigint) as p_{key}, cast(sum(u_{key}) as bigint) as u_{key}" for key in keys]
        columns = [*carried, *PERIOD, *of_unit, *taking_part, *sums, *most,
                   "min(all_none) as all_none", "cast(sum(units_of) as bigint) as units_of", f"cast({plants_told} as bigint) as plants_told"]  # fmt: skip
        listed = ",\n        ".join(columns)
        return f"{name} as (\n    select\n        {listed}\n    from {below}\n    group by {', '.join((*carried, *PERIOD))}\n)"

    units = [f"max(case when d_{key} is not null then 1 else 0 end) as p_{key}" for key in keys]
    units += [f"max(case when d_{key} is not null then 1 else 0 end) as u_{key}" for key in keys]
    unit = ("plant_id", "company", "plant_name", "equipment_id", "equipment_name")
    listed = ",\n        ".join([*of_unit, *units, *sums, *most, "min(is_none) as all_none", "1 as units_of", "1 as plants_told"])
    periods = ("production_day, shift_code", "production_day", "week_start", "month_start")
    sets = ", ".join(f"({', '.join(unit)}, {period})" for period in periods)
    unit_period = f"""unit_period as (
    select
        {", ".join(unit)},
        case when grouping(shift_code) = 0 then 'SHIFT' when grouping(production_day) = 0 then 'DAY'
            when grouping(week_start) = 0 then 'WEEK' else 'MONTH' end as period_type,
        coalesce(production_day, week_start, month_start) as period_start,
        shift_code,
        {listed}
    from (
        select *, cast(date_trunc('week', production_day) as date) as week_start, cast(date_trunc('month', production_day) as date) as month_start
        from unit_shift
    ) as s
    group by grouping sets ({sets})
)"""
    any_unit, all_plants = "max(p_{key})", "sum(p_{key})"
    return ",\n\n".join([
        unit_period,
        level("plant_period", "unit_period", "PLANT", ("plant_id", "plant_name", "company"), any_unit, "1"),
        level("company_period", "plant_period", "COMPANY", ("company",), all_plants, "sum(plants_told)"),
        level("portfolio_period", "company_period", "PORTFOLIO", (), all_plants, "sum(plants_told)"),
    ])  # fmt: skip


def _periods(relation: Callable[[str], str]) -> str:
    """All scopes under each other, with the number of plants that each should have."""
    keys = [kpi.key for kpi in catalogue()]
    shared = [*PERIOD, *(f"{side}_{key}" for key in keys for side in ("n", "d", "p", "u")), *COVERAGE, "unknown_good_counts",
              "outside_counts", *FLAGS, "min_rate_coverage", "release_id", "as_of_ts", "all_none", "units_of", "plants_told"]  # fmt: skip
    scopes = (
        ("EQUIPMENT", "equipment_id", "equipment_name", "plant_id", "unit_period"),
        ("PLANT", "plant_id", "plant_name", "plant_id", "plant_period"),
        ("COMPANY", "company", "company", "cast(null as varchar)", "company_period"),
        ("PORTFOLIO", "'portfolio'", "'Portfolio'", "cast(null as varchar)", "portfolio_period"),
    )
    columns = ", ".join(shared)
    selects = [
        f"    select '{scope}' as scope_type, {key} as scope_id, {name} as scope_name, {plant} as plant_id, {columns} from {level}"
        for scope, key, name, plant, level in scopes
    ]
    union = "\n    union all\n".join(selects)
    return f"""{_rollup()},

summed as (
{union}
),

summed_with_plants as (
    select s.*, c.plants as company_plants, t.plants as portfolio_plants
    from summed as s
    left join (select company, count(*) as plants from {relation("plant")} group by company) as c
        on s.scope_type = 'COMPANY' and s.scope_id = c.company
    cross join (select count(*) as plants from {relation("plant")}) as t
)"""


def _chosen() -> str:
    """One row per KPI, profile, scope and period with its numerator and denominator."""
    rows = ",\n        ".join(
        f"('{kpi.kpi_id}', '{kpi.profile}', {bool(kpi.columns & RATED)}, {bool(kpi.columns & COUNTED)}, {bool(kpi.columns & PLANNED)},"
        f" {bool(kpi.columns & STATES)}, {bool(kpi.columns & GOOD)}, {bool(kpi.columns & IDEAL) and not kpi.columns & {'apt_rated_s'} and len(kpi.columns & IDEAL) == 1},"
        f" {kpi.bound is not None})"
        for kpi in catalogue()
    )  # fmt: skip

    def pick(prefix: str) -> str:
        cases = "\n            ".join(
            f"when k.kpi_id = '{kpi.kpi_id}' and k.profile = '{kpi.profile}' then s.{prefix}_{kpi.key}" for kpi in catalogue()
        )
        return f"case\n            {cases}\n        end"

    return f"""kpi as (
    select * from (values
        {rows}
    ) as v (kpi_id, profile, uses_rate, uses_counts, uses_plan, uses_states, uses_good, is_withheld, has_bound)
),

chosen as (
    select
        s.scope_type, s.scope_id, s.scope_name, s.plant_id, s.shift_code, s.period_type, s.period_start, k.*,
        cast({pick("n")} as double) as numerator,
        cast({pick("d")} as double) as denominator,
        {pick("p")} as plants_in,
        {pick("u")} as units_in, s.units_of,
        case
            when s.scope_type not in ('COMPANY', 'PORTFOLIO') then null when s.period_type = 'SHIFT' then s.plants_told
            else coalesce(s.company_plants, s.portfolio_plants)
        end as plants_of,
        s.plants_told,
        cast(s.unknown_s as double) as unknown_s, s.min_rate_coverage, s.release_id, s.as_of_ts,
        cast(s.told_pbt_s - s.unknown_s as double) / nullif(cast(s.told_pbt_s as double), 0) as time_cov,
        coalesce(
            cast(s.rate_known_in_s as double) / nullif(cast(s.rate_in_s as double), 0),
            cast(s.rate_known_s as double) / nullif(cast(s.rate_base_s as double), 0)
        ) as rate_cov,
        cast(s.reported_count_shifts as double) / nullif(s.expected_count_shifts, 0) as count_cov,
        cast(s.coded_stop_s as double) / nullif(cast(s.stop_s as double), 0) as reason_cov,
        s.unknown_good_counts, s.outside_counts, s.is_residual, s.is_none, s.all_none, s.is_preliminary, s.has_overlap, s.has_ambiguous, s.assumed_calendar,
        s.assumed_rate, s.no_calendar
    from summed_with_plants as s
    cross join kpi as k
)"""


def _judged() -> str:
    """Why a value cannot be given, in the order in which a reader would ask."""
    return """judged as (
    select
        *,
        case
            when uses_plan and coalesce(denominator, 0) = 0 and no_calendar = 1 then 'NO_CALENDAR'
            when uses_states and all_none = 1 then 'NO_STATES'
            when uses_good and unknown_good_counts > 0 and coalesce(denominator, 0) = 0 then 'NO_REJECT_COUNT'
            when uses_rate and rate_cov = 0 then 'NO_IDEAL_RATE'
            when uses_counts and count_cov = 0 then 'NO_COUNTS'
            when coalesce(denominator, 0) = 0 and uses_plan then 'NO_PLANNED_TIME'
            when coalesce(denominator, 0) = 0 and uses_counts and uses_states then 'NO_RUN_TIME'
            when coalesce(denominator, 0) = 0 and uses_counts then case when count_cov > 0 then 'NO_RUN_TIME' else 'NO_COUNTS' end
            when coalesce(denominator, 0) = 0 then 'NO_DATA'
            when has_bound and time_cov = 0 then 'NO_DATA'
            when is_withheld and rate_cov < min_rate_coverage then 'RATE_PARTIAL'
        end as missing,
        case when is_residual = 1 then least(time_cov, 0.85) when all_none = 1 then null else time_cov end as time_score
    from chosen
),

scored as (
    select
        *,
        case
            when time_score = 0 or (uses_rate and rate_cov = 0) or count_cov = 0 or (uses_states and reason_cov = 0) then 0
            else exp(
                (0.30 * coalesce(ln(nullif(time_score, 0)), 0) + case when uses_rate then 0.25 * coalesce(ln(nullif(rate_cov, 0)), 0) else 0 end
                + 0.20 * coalesce(ln(nullif(count_cov, 0)), 0)
                + case when uses_states and reason_cov > 0 then 0.10 * ln(reason_cov) else 0 end)
                / (0.15 + case when time_score is null then 0 else 0.30 end + case when uses_rate and rate_cov is not null then 0.25 else 0 end
                + case when count_cov is null then 0 else 0.20 end + case when uses_states and reason_cov > 0 then 0.10 else 0 end)
            )
        end as score
    from judged
)"""


def _final(words: Callable[[str], str]) -> str:
    flags = {
        "PERF_GT_1": "kpi_id = 'E' and numerator > denominator",
        "RESIDUAL_APT": "uses_states and is_residual = 1",
        "RATE_PARTIAL": "uses_rate and rate_cov > 0 and rate_cov < min_rate_coverage and coalesce(missing, '') <> 'RATE_PARTIAL'",
        "COUNT_PARTIAL": "uses_counts and count_cov > 0 and count_cov < 1",
        "COUNT_OUTSIDE_SHIFT": "uses_counts and outside_counts > 0",
        "UNKNOWN_TIME": "uses_plan and time_cov < 1",
        "ASSUMED_CALENDAR": "assumed_calendar = 1 and uses_plan",
        "ASSUMED_RATE": "assumed_rate = 1 and uses_rate",
        "PLANTS_PARTIAL": "plants_of is not null and plants_in < plants_of",
        "UNITS_PARTIAL": "scope_type <> 'EQUIPMENT' and units_in < units_of",
        "SHIFT_OVERLAP": "has_overlap = 1",
        "DST_AMBIGUOUS": "has_ambiguous = 1",
        "PRELIMINARY": "is_preliminary = 1",
    }
    listed = ", ".join(f"case when {test} then '{flag}' end" for flag, test in flags.items())
    return f"""select
    kpi_id, {VERSION} as kpi_version, scope_type, scope_id, scope_name, plant_id, period_type, period_start, shift_code, profile,
    case when missing is null then numerator / nullif(denominator, 0) end as value,
    case when missing is null or missing in ('NO_DATA', 'RATE_PARTIAL') then numerator / nullif(denominator, 0) end as value_low,
    case
        when missing is not null and missing not in ('NO_DATA', 'RATE_PARTIAL') then null
        when has_bound then (numerator + coalesce(unknown_s, 0)) / nullif(denominator, 0)
        when is_withheld and rate_cov > 0 and rate_cov < 1 then numerator / nullif(denominator, 0) / rate_cov
        else numerator / nullif(denominator, 0)
    end as value_high,
    numerator, denominator,
    coalesce(time_cov, 1) * case when uses_rate then coalesce(rate_cov, 1) else 1 end * case when uses_counts then coalesce(count_cov, 1) else 1 end
        * cast(units_in as double) / units_of * coalesce(cast(plants_told as double) / plants_of, 1) as coverage,
    case
        when missing is not null then 'D'
        when score >= 0.95 and all_none = 0 then 'A' when score >= 0.85 then 'B' when score >= 0.70 then 'C' else 'D'
    end as grade,
    case
        when missing is not null then 'NOT_COMPUTABLE'
        when (assumed_calendar = 1 and uses_plan) or (assumed_rate = 1 and uses_rate)
            or (uses_rate and rate_cov < min_rate_coverage) then 'ESTIMATED'
        when is_preliminary = 1 then 'PRELIMINARY'
        else 'OK'
    end as status,
    {words(f"concat_ws(',', missing, {listed})")} as flags,
    plants_in, plants_of, units_in, units_of, release_id, as_of_ts
from scored"""


def kpi_definition_sql() -> str:
    """The SELECT of `kpi_definition`: one row per KPI and profile."""

    def text(value: Any) -> str:
        return "'" + str(value).replace("'", "''") + "'"

    def expression(terms: tuple[str, ...]) -> str:
        return text(_signed(terms, ideal_is_zero=False))

    rows = []
    for kpi in catalogue():
        low, high = (str(end) if end is not None else "null" for end in kpi.about.get("range", [None, None]))
        described = ", ".join(f"{text(kpi.about.get(name, ''))} as {name}" for name in DESCRIBED)
        rows.append(
            f"select {text(kpi.kpi_id)} as kpi_id, {VERSION} as version, {text(kpi.profile)} as profile, {described},"
            f" cast({low} as double) as range_low, cast({high} as double) as range_high,"
            f" {expression(kpi.numerator)} as numerator_expr, {expression(kpi.denominator)} as denominator_expr"
        )
    return "\nunion all\n".join(rows)


def generated() -> dict[Path, str]:
    """The files that follow from the catalogue, with their content."""
    note = "-- Generated from kpis.yml by `python -m dbt_project.generate`; edit the catalogue.\n"
    refs = {"plant", "equipment", "plant_setting"}

    def relation(name: str) -> str:
        if name == "equipment":
            return "(select * from {{ source('silver', 'equipment') }} where is_current and not is_deleted)"
        return f"{{{{ source('silver', '{name}') }}}}" if name in refs else f"{{{{ ref('{name}') }}}}"

    def jinja_words(text: str) -> str:
        return f'{{{{ words("{text}") }}}}'

    marts = FOLDER / "models" / "marts"
    return {
        marts / "kpi_value.sql": f"{{{{ config(materialized='view') }}}}\n{note}{kpi_value_sql(relation, words=jinja_words)}\n",
        marts / "kpi_definition.sql": f"{{{{ config(materialized='table') }}}}\n{note}{kpi_definition_sql()}\n",
    }


def main() -> int:
    """Writes the generated files, or with --check says which are stale."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("--check", action="store_true", help="fail when a generated file is not what the catalogue says")
    check = parser.parse_args().check
    stale = [path for path, content in generated().items() if not path.exists() or path.read_text(encoding="utf-8") != content]
    for path in stale:
        if check:
            sys.stderr.write(f"{path.relative_to(FOLDER.parent)} is stale: run `python -m dbt_project.generate`\n")
        else:
            path.write_text(generated()[path], encoding="utf-8")
    return 1 if check and stale else 0


if __name__ == "__main__":
    sys.exit(main())
