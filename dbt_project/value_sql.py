"""The SQL of the KPI values: from parts to one row per KPI, profile, scope and period.

Here: the SELECTs, level by level: a unit's shift, a unit's month, scopes and periods, the value with its bounds, coverage, grade and
flags. Elsewhere: the definitions (`dbt_project.catalogue`), which units belong to a scope (`models/marts/unit_scope.sql`), the parts
(`models/marts/candidate_parts.sql`), publishing the same views over Parquet (`publish.snapshot`).

Ratios are divided last (decision 13). `relation` gives the name of a table wherever the SQL is to run. Filters on scope, period and
day reach the parts: no level is a barrier to them, and nobody who asks for months computes shifts.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from dbt_project import record_sql
from dbt_project.catalogue import KNOWLEDGE, VERSION, Kpi, Term, catalogue, condition_name, conditions, of_parts, terms
from dbt_project.sql_text import OF_MANY_PLANTS, PERIODS, PLANT_OF_SCOPE, Relation, holds, lines

SUMS = ("pbt_s", "unknown_s", "rate_base_s", "rate_known_s", "expected_count_shifts", "reported_count_shifts", "coded_stop_s")
"""Columns of the parts that every value needs for its coverage."""
PLANNED = ("planned_break_s", "planned_maint_s", "planned_no_demand_s", "planned_other_s")
"""Columns of the parts between POT and PBT; losses are told from there (`publish.losses`)."""
DERIVED = {
    "stop_s": "sum(p.adet_eq_s + p.adet_org_s + p.aust_s + coalesce(p.adot_s, 0))",
    "told_pbt_s": "sum(case when p.unknown_s is not null then p.pbt_s end)",
    "unknown_good_counts": "sum(p.unknown_good_counts)",
    "outside_counts": "sum(p.outside_counts)",
    "unknown_scrap": "sum(case when p.material_key <> '~' and p.pq is not null and p.sq is null then 1 else 0 end)",
    "good_equiv_units": "sum(p.good_equiv_units)",
    "unknown_rework": "sum(case when p.material_key <> '~' and p.pq is not null and p.rq is null then 1 else 0 end)",
}
"""Sums of a unit's shift that are no column of the parts."""
BASES = {"BEST_DEMONSTRATED": "ideal_best_s", "ENGINEERED": "ideal_engineered_s", "ERP_STANDARD": "ideal_erp_s"}
"""Ideal time at rates of a basis; all of it is `ideal_pq_s`, and what is missing to that is at another basis (OTHER)."""
COUNTED = {"ideal_pq_s", "ideal_gq_s", "local_ideal_pq_s", "local_ideal_gq_s", "pq", "gq", "sq", "rq"}
"""A shift without a count is a shift without output as long as its unit books in that month: an order may be booked in a later shift."""
COVERAGE = (*SUMS, *DERIVED, "rate_in_s", "rate_known_in_s", "rated_s", *BASES.values())
"""Sums by unit and period."""
BOOKS = ("books_output", "books_rated", "books_good")
MARKS = {
    "is_residual": "p.state_method = 'RESIDUAL'",
    "is_none": "p.state_method = 'NONE'",
    "is_preliminary": "p.is_preliminary",
    "has_overlap": "p.has_shift_overlap",
    "has_ambiguous": "array_contains(p.flags, 'DST_AMBIGUOUS')",
    "has_allocated": "array_contains(p.flags, 'COUNT_ALLOCATED')",
    "has_stop_counts": "array_contains(p.flags, 'STOP_WITH_COUNTS')",
}
"""Marks of a shift that everything made of it bears."""
OF_PLANT = ("assumed_calendar", "assumed_rate", "no_calendar")
UNIT = ("plant_id", "equipment_id")


def words_of(text: str) -> str:
    """DuckDB: words between commas as an array."""
    return f"coalesce(string_split(nullif({text}, ''), ','), cast([] as varchar[]))"


def inlined(relation: Relation) -> Relation:
    """The relation for a database that has the parts and silver and none of the views between them and the values."""
    made: dict[str, Callable[[Relation], str]] = {
        "mart_kpi_unit_shift": unit_shift_sql,
        "mart_kpi_unit_month": unit_month_sql,
        "unit_scope": unit_scope_sql,
    }

    def found(name: str) -> str:
        return f"({made[name](found)})" if name in made else relation(name)

    return found


# --- a unit's shift -------------------------------------------------------------------------------------------------------------------


def unit_shift_sql(relation: Relation, as_of: str | None = None) -> str:
    """One row per unit and shift: sums of the parts of all its products, and what is known of it."""
    columns = sorted(({term.column for term in terms()} | {*SUMS, *PLANNED, *BASES.values()}) - {*DERIVED, "capacity_qty"})
    most = [f"max(case when {test} then 1 else 0 end) as {name}" for name, test in MARKS.items()]
    has = [
        f"max(case when p.material_key <> '~' and p.{column} is not null then 1 else 0 end) as {name}"
        for name, column in (("has_output", "pq"), ("has_rated", "ideal_pq_s"), ("has_good", "gq"))
    ]
    selected = [
        *(f"sum(p.{column}) as {column}" for column in columns), *(f"{sql} as {name}" for name, sql in DERIVED.items()), *has,
        "max(case when p.pq is not null then 1 else 0 end) as knows_output", *most,
        "max(p.valid_from_release) as release_id", "max(p.as_of_ts) as as_of_ts",
    ]  # fmt: skip
    return f"""select
    p.plant_id, p.equipment_id, p.shift_instance_id, p.shift_code, p.production_day,
    {lines(selected)}
from {relation("mart_kpi_parts_shift")} as p
where {holds(as_of)("p")}
group by p.plant_id, p.equipment_id, p.shift_instance_id, p.shift_code, p.production_day"""


def _books_sql() -> str:
    """What a unit books in a month. One that provably made nothing all month knows everything about it; one that books nothing, no good
    pieces or nothing with an ideal rate all month is left out of what needs them, not counted as zero."""
    nothing = "min(knows_output) - max(has_output)"
    return f"""select
    {", ".join(UNIT)}, date_trunc('month', production_day) as month,
    greatest(max(has_output), min(knows_output)) as books_output,
    greatest(max(has_rated), {nothing}) as books_rated,
    greatest(max(has_good), {nothing}) as books_good
from unit_shift
group by {", ".join(UNIT)}, date_trunc('month', production_day)"""


def known_sql(books: str) -> str:
    """A unit's shift with what its unit books in the month; `books` is a relation with that."""
    booked = ", ".join(f"b.{name}" for name in BOOKS)
    on = " and ".join([*(f"s.{name} = b.{name}" for name in UNIT), "date_trunc('month', s.production_day) = b.month"])
    return f"select s.*, {booked}\nfrom unit_shift as s\ninner join {books} as b on {on}"


def tests_of(needs: tuple[str, ...]) -> str:
    return " and ".join(KNOWLEDGE[word] for word in needs) or "true"


def sum_of(term: Term) -> str:
    """The aggregate that a term is, over a unit's shifts."""
    if term.column == "capacity_qty":
        planned, ideal, pieces = (
            f"sum(case when {tests_of(term.needs)} then cast({name} as double) end)" for name in ("pbt_s", "ideal_pq_s", "pq")
        )
        return f"cast(round({planned} * {pieces} / nullif({ideal}, 0), 6) as decimal(28, 6))"
    value = f"coalesce({term.column}, 0)" if term.column in COUNTED else term.column
    return f"sum(case when {tests_of(term.needs)} then {value} end)"


def _unit_columns() -> dict[str, str]:
    """Columns of a unit and period as aggregates of its shifts: sums, whether it takes part at all, what its coverage is made of."""
    return {
        **{term.name: sum_of(term) for term in terms()},
        **{name: f"sum({name})" for name in (*SUMS, *DERIVED)},
        "rate_in_s": "sum(case when books_rated = 1 then rate_base_s end)",
        "rate_known_in_s": "sum(case when books_rated = 1 then rate_known_s end)",
        "rated_s": "sum(ideal_pq_s)",
        **{name: f"sum({name})" for name in BASES.values()},
        **{f"in_{condition_name(needs)}": f"max(case when {tests_of(needs)} then 1 else 0 end)" for needs in conditions()},
        **{name: f"max({name})" for name in (*MARKS, "release_id", "as_of_ts")},
    }


def _named(columns: Mapping[str, str]) -> list[str]:
    return [f"{sql} as {name}" for name, sql in columns.items()]


# --- a unit's month -------------------------------------------------------------------------------------------------------------------


def unit_month_sql(relation: Relation) -> str:
    """One row per unit and calendar month of its production days: every sum that a KPI needs, as the current parts give it."""
    return f"""with unit_shift as (
    select * from {relation("mart_kpi_unit_shift")}
),

books as (
{_books_sql()}
),

known as (
{known_sql("books")}
)

{_month_sql()}"""


def _month_sql() -> str:
    columns = {**_unit_columns(), **{name: f"max({name})" for name in BOOKS}}
    return f"""select
    {", ".join(UNIT)}, {PERIODS["MONTH"]} as month,
    {lines(_named(columns))}
from known
group by {", ".join(UNIT)}, date_trunc('month', production_day)"""


# --- which units belong to a scope ----------------------------------------------------------------------------------------------------

LINE_LEVELS = ("WorkCenter", "ProcessCell", "ProductionUnit", "ProductionLine", "StorageZone")
"""ISA-95 levels of a work centre; one that is no KPI unit itself is the sum of what lies below it."""
LEVELS_ABOVE = 4
"""Site, Area, WorkCenter, WorkUnit, EquipmentModule: nothing has more above it."""


def unit_scope_sql(relation: Relation) -> str:
    """One row per unit and scope that it is summed in; '~' and the plant is what belongs to the plant and to none of its units."""
    steps = [
        """step_1 as (
    select equipment_id as unit_id, parent_equipment_id as above_id
    from equipment
    where parent_equipment_id is not null
)"""
    ]
    steps += [
        f"""step_{n} as (
    select s.unit_id, e.parent_equipment_id as above_id
    from step_{n - 1} as s
    inner join equipment as e on s.above_id = e.equipment_id
    where e.parent_equipment_id is not null
)"""
        for n in range(2, LEVELS_ABOVE + 1)
    ]
    above = "\n    union\n".join(f"    select unit_id, above_id from step_{n}" for n in range(1, LEVELS_ABOVE + 1))
    levels = ", ".join(f"'{level}'" for level in LINE_LEVELS)
    carried = ("plant_id", *OF_PLANT, "min_rate_coverage", "definition_score")
    of_plant = (*carried, "company", "plant_name")
    kept, shown, joined = ", ".join(carried), ", ".join(of_plant), ", ".join(f"p.{name}" for name in of_plant)

    def rows(scope: str, key: str, name: str, source: str, where: str = "") -> str:
        return f"select unit_id, {scope} as scope_type, {key} as scope_id, {name} as scope_name, {kept} from {source}{where}"

    # A station counts above itself through its line alone.
    summed = " where in_rollup"
    own = "case when kpi_scope = 'LINE' then 'LINE' else 'EQUIPMENT' end"
    selects = [
        rows(own, "unit_id", "equipment_name", "unit", " where equipment_name is not null"),
        rows("above_scope", "above_id", "above_name", "unit_above", summed),
        rows("'CLASS'", "equipment_class", "equipment_class", "unit", " where equipment_class is not null"),
        rows("'PLANT'", "plant_id", "plant_name", "unit", summed),
        rows("'COMPANY'", "company", "company", "unit", summed),
        rows("'PORTFOLIO'", "'portfolio'", "'Portfolio'", "unit", summed),
    ]  # fmt: skip
    return f"""with equipment as (
    select equipment_id, parent_equipment_id, equipment_name, equipment_class, level, is_kpi_unit, in_rollup, kpi_scope, plant_id
    from {relation("equipment")}
),

of_plant as (
    select
        p.plant_id, p.company, p.plant_name, case when p.assumed_calendar then 1 else 0 end as assumed_calendar,
        case when p.assumed_rate then 1 else 0 end as assumed_rate, case when p.calendar = 'none' then 1 else 0 end as no_calendar,
        coalesce(g.min_rate_coverage, 0.95) as min_rate_coverage,
        -- Specification 4.1: what differs from the portfolio's definition and cannot be made anew of what the plant delivers.
        1.0 - case when d.rate_basis in ('TARGET', 'NAMEPLATE') then 0.4 else 0 end
        - case when d.scrap_scope <> 'STATION' then 0.15 else 0 end - case when d.perf_capped_at_source then 0.1 else 0 end
            as definition_score
    from {relation("plant")} as p
    left join {relation("plant_setting")} as g on p.plant_id = g.plant_id and g.equipment_id = '*'
    left join {relation("plant_definition_profile")} as d on p.plant_id = d.plant_id
),

{("," + chr(10) + chr(10)).join(steps)},

above as (
{above}
),

unit as (
    select e.equipment_id as unit_id, e.equipment_name, e.equipment_class, e.kpi_scope, e.in_rollup, {joined}
    from equipment as e
    inner join of_plant as p on e.plant_id = p.plant_id
    union all
    select '~' || plant_id, null, null, null, true, {shown} from of_plant
),

unit_above as (
    select u.*, a.above_id, e.equipment_name as above_name, case when e.level = 'Area' then 'AREA' else 'LINE' end as above_scope
    from above as a
    inner join unit as u on a.unit_id = u.unit_id
    inner join equipment as e on a.above_id = e.equipment_id
    where e.level = 'Area' or (e.level in ({levels}) and not e.is_kpi_unit)
)

{(chr(10) + "union all" + chr(10)).join(selects)}"""


# --- targets --------------------------------------------------------------------------------------------------------------------------


def target_sql(relation: Relation) -> str:
    """One row per KPI, scope and span of days in which one target holds; no two spans of a scope overlap.

    The target that names a scope goes before that of every scope of its kind ('*'); of several the one that holds since last. A unit is
    named by its id or as 'plant/code'.
    """
    keys = ("kpi_id", "scope_type", "scope_id")
    listed, of_span, same = ", ".join(keys), ", ".join(f"s.{key}" for key in keys), " and ".join(f"s.{key} = a.{key}" for key in keys)
    return f"""with stated as (
    select kpi_id, upper(scope_type) as scope_type, scope_id as named, target,
        coalesce(valid_from, date '0001-01-01') as first_day, coalesce(valid_to, date '9999-12-31') as end_day
    from {relation("stated_target")}
),

scope as (
    select distinct scope_type, scope_id, scope_id as named from {relation("unit_scope")}
    union
    select x.scope_type, x.scope_id, e.plant_id || '/' || e.equipment_code
    from {relation("unit_scope")} as x
    inner join {relation("equipment")} as e on x.scope_id = e.equipment_id
),

aimed as (
    select t.kpi_id, x.scope_type, x.scope_id, t.target, t.first_day, t.end_day, case when t.named = '*' then 1 else 0 end as is_general
    from stated as t
    inner join scope as x on t.scope_type = x.scope_type and (t.named = x.named or (t.named = '*' and x.named = x.scope_id))
),

edge as (
    select {listed}, first_day as day from aimed
    union
    select {listed}, end_day from aimed
),

span as (
    select *, lead(day) over (partition by {listed} order by day) as end_day from edge
),

ranked as (
    select {of_span}, a.target, s.day, s.end_day,
        row_number() over (partition by {of_span}, s.day order by a.is_general, a.first_day desc, a.end_day, a.target) as place
    from span as s
    inner join aimed as a on {same} and a.first_day <= s.day and a.end_day >= s.end_day
    where s.end_day is not null
)

select {listed}, target, nullif(day, date '0001-01-01') as valid_from, nullif(end_day, date '9999-12-31') as valid_to
from ranked
where place = 1"""


# --- scopes and periods ---------------------------------------------------------------------------------------------------------------


def kpi_value_sql(
    relation: Relation, as_of: str | None = None, words: Callable[[str], str] = words_of, *, shifts_only: bool = False
) -> str:
    """The SELECT of `kpi_value`; `as_of` is a release id (an expression) instead of the newest.

    `words` spells text to array for another engine than DuckDB; `shifts_only` leaves out KPIs over other parts than shifts, and targets.

    >>> sql = kpi_value_sql(lambda name: f"gold.{name}", as_of="41")
    >>> "gold.mart_kpi_parts_shift" in sql, "valid_from_release <= 41" in sql
    (True, True)
    """
    if as_of is None:
        shifts, months = f"select * from {relation('mart_kpi_unit_shift')}", f"select * from {relation('mart_kpi_unit_month')}"
        ctes = [("unit_shift", shifts), ("unit_month", months), ("known", known_sql("unit_month"))]
    else:
        ctes = [("unit_shift", unit_shift_sql(relation, as_of)), ("books", _books_sql()),
                ("known", known_sql("books")), ("unit_month", _month_sql())]  # fmt: skip
    chosen = ("shift",) if shifts_only else ("shift", *record_sql.PARTS, *record_sql.POOLED)
    ctes += [("unit_period", _periods_sql()), ("plant_part", _plant_part_sql(relation)), ("summed", _summed_sql()),
             ("scope_size", _size_sql(relation)), ("kpi", _kpi_sql()), ("chosen_shift", _chosen_sql("shift", "summed")),
             *([] if shifts_only else record_sql.ctes(relation, holds(as_of), _chosen_sql)),
             ("chosen", "\nunion all\n".join(f"select * from chosen_{parts}" for parts in chosen)),
             ("judged", _JUDGED), ("scored", _SCORED)]  # fmt: skip
    listed = ",\n\n".join(f"{name} as (\n{sql}\n)" for name, sql in ctes)
    return f"with {listed}\n\n{_final_sql(words, None if shifts_only else relation('kpi_target'))}"


def _unit_sums() -> list[str]:
    return [*(term.name for term in terms()), *COVERAGE]


def plant_month_ctes(relation: Relation) -> list[tuple[str, str]]:
    """The CTEs of `kpi_value` from `unit_month` to the sums of a scope by plant, of months alone."""
    return [("unit_period", _periods_sql(("MONTH",))), ("plant_part", _plant_part_sql(relation))]


def _periods_sql(kinds: tuple[str, ...] = ("SHIFT", *PERIODS)) -> str:
    """One row per unit and period, of these kinds of period."""
    of_shifts = _unit_columns()
    sums = {*_unit_sums()}
    of_months = {name: f"{'sum' if name in sums else 'max'}({name})" for name in of_shifts}

    def select(kind: str, start: str, source: str, columns: Mapping[str, str], keys: tuple[str, ...] = ()) -> str:
        return f"""select
    '{kind}' as period_type, {start} as period_start, {keys[0] if keys else "cast(null as varchar)"} as shift_code, {", ".join(UNIT)},
    {lines(_named(columns))}
from {source}
group by {", ".join((*UNIT, start, *keys))}"""

    selects = {
        "SHIFT": select("SHIFT", "production_day", "known", of_shifts, ("shift_code",)),
        "DAY": select("DAY", PERIODS["DAY"], "known", of_shifts),
        "WEEK": select("WEEK", PERIODS["WEEK"], "known", of_shifts),
        "MONTH": select("MONTH", "cast(month as date)", "unit_month", of_months),
        "QUARTER": select("QUARTER", "cast(date_trunc('quarter', month) as date)", "unit_month", of_months),
    }
    return "\nunion all\n".join(selects[kind] for kind in kinds)


def _plant_part_sql(relation: Relation) -> str:
    """A scope's sums by plant: a plant is counted once without a distinct count, which is dear to plan."""
    sums = [f"sum(u.{name}) as {name}" for name in _unit_sums()]
    units = [f"sum(u.in_{name}) as units_{name}" for name in map(condition_name, conditions())]
    most = [f"max(u.{name}) as {name}" for name in (*MARKS, "release_id", "as_of_ts")]
    plant = [f"max(x.{name}) as {name}" for name in (*OF_PLANT, "min_rate_coverage", "scope_name")]
    plant.append("min(x.definition_score) as definition_score")
    return f"""select
    x.scope_type, x.scope_id, x.plant_id, u.period_type, u.period_start, u.shift_code,
    {lines([*sums, *units, "count(*) as units_of", "min(u.is_none) as all_none", *most, *plant])}
from unit_period as u
inner join {relation("unit_scope")} as x on u.equipment_id = x.unit_id
group by x.scope_type, x.scope_id, x.plant_id, u.period_type, u.period_start, u.shift_code"""


def _summed_sql() -> str:
    names = [condition_name(needs) for needs in conditions()]
    sums = [f"sum({name}) as {name}" for name in _unit_sums()]
    units = [f"cast(sum(units_{name}) as bigint) as units_{name}" for name in names]
    plants = [f"count(case when units_{name} > 0 then 1 end) as plants_{name}" for name in names]
    most = [f"max({name}) as {name}" for name in (*MARKS, *OF_PLANT, "min_rate_coverage", "release_id", "as_of_ts", "scope_name")]
    sizes = ["cast(sum(units_of) as bigint) as units_of", "count(*) as plants_told"]
    return f"""select
    scope_type, scope_id, period_type, period_start, shift_code,
    {PLANT_OF_SCOPE},
    {lines([*sums, *units, *plants, *sizes, "min(all_none) as all_none", "min(definition_score) as definition_score", *most])}
from plant_part
group by scope_type, scope_id, period_type, period_start, shift_code"""


def _size_sql(relation: Relation) -> str:
    """How many plants a scope above plants should have."""
    return f"""select scope_type, scope_id, count(distinct plant_id) as plants
from {relation("unit_scope")}
where {OF_MANY_PLANTS}
group by scope_type, scope_id"""


# --- values ---------------------------------------------------------------------------------------------------------------------------


USES = {
    "uses_rate": ("rate",), "uses_counts": ("output",), "uses_plan": ("plan",), "uses_states": ("run_time", "states"),
    "uses_good": ("good",), "uses_scrap": ("scrap",), "uses_rework": ("rework",),
}  # fmt: skip
"""What a KPI may rest on: any of these words of knowledge."""


def uses(kpi: Kpi) -> dict[str, bool]:
    """What a KPI rests on."""
    return {name: any(word in kpi.needs for word in words) for name, words in USES.items()}


def _kpi_sql() -> str:
    """The catalogue as the rest of the SQL needs it."""
    rows = []
    for kpi in catalogue():
        needs = [str(does).lower() for does in uses(kpi).values()]
        none, no_data = (f"'{kpi.about[key]}'" if key in kpi.about else "cast(null as varchar)" for key in ("none", "no_data"))
        withheld, bound = str(bool(kpi.about.get("withheld"))).lower(), str(kpi.high is not None).lower()
        rows.append(
            f"({kpi.number}, '{kpi.parts}', '{kpi.kpi_id}', '{kpi.profile}', '{kpi.about['trend']}', {', '.join(needs)}, {withheld},"
            f" {bound}, {none}, {no_data})"
        )
    columns = ", ".join(["number", "parts", "kpi_id", "profile", "trend", *USES, "is_withheld", "has_bound", "none_word", "no_data_word"])
    return f"select * from (values\n    {lines(rows)}\n) as v ({columns})"


def _pick(parts: str, of: Callable[[Kpi], str | None]) -> str:
    """What differs from KPI to KPI; KPIs with the same SQL share a branch."""
    found: dict[str, list[str]] = {}
    for kpi in of_parts(parts):
        if (sql := of(kpi)) is not None:
            found.setdefault(sql, []).append(str(kpi.number))
    return (
        "case\n        "
        + "\n        ".join(f"when k.number in ({', '.join(numbers)}) then {sql}" for sql, numbers in found.items())
        + "\n    end"
    )


OF_SHIFTS = {
    "time_cov": "cast(s.told_pbt_s - s.unknown_s as double) / nullif(cast(s.told_pbt_s as double), 0)",
    "rate_cov": "coalesce(cast(s.rate_known_in_s as double) / nullif(cast(s.rate_in_s as double), 0),"
    " cast(s.rate_known_s as double) / nullif(cast(s.rate_base_s as double), 0))",
    "count_cov": "cast(s.reported_count_shifts as double) / nullif(s.expected_count_shifts, 0)",
    "reason_cov": "cast(s.coded_stop_s as double) / nullif(cast(s.stop_s as double), 0)",
    **{
        name: f"s.{name}"
        for name in (
            "min_rate_coverage",
            "definition_score",
            "unknown_good_counts",
            "unknown_scrap",
            "unknown_rework",
            "outside_counts",
            *MARKS,
            "all_none",
            *OF_PLANT,
            "rated_s",
            *BASES.values(),
        )
    },
}
"""What only shifts tell of a value, and how."""
UNTOLD = {
    "min_rate_coverage": "0",
    "definition_score": "1.0",
    **dict.fromkeys(("time_cov", "rate_cov", "count_cov", "reason_cov", "rated_s", *BASES.values()), "cast(null as double)"),
}
"""The same of other parts: nothing, or no mark."""


def _chosen_sql(parts: str, summed: str) -> str:
    """One row per KPI over these parts, profile, scope and period with its two sides."""
    of_shifts = parts == "shift"
    told = [f"{sql if of_shifts else UNTOLD.get(name, '0')} as {name}" for name, sql in OF_SHIFTS.items()]
    plants = _pick(parts, lambda kpi: f"plants_{condition_name(kpi.needs)}")
    high = _pick(parts, lambda kpi: kpi.high and kpi.over_terms(kpi.high)) if of_shifts else "cast(null as double)"
    shift = "s.shift_code" if of_shifts else "cast(null as varchar) as shift_code"
    return f"""select
    s.scope_type, s.scope_id, s.scope_name, s.plant_id, {shift}, s.period_type, s.period_start, k.*,
    {_pick(parts, lambda kpi: kpi.over_terms(kpi.numerator))} as numerator,
    {_pick(parts, lambda kpi: kpi.over_terms(kpi.denominator))} as denominator,
    {high} as high,
    {plants} as plants_in,
    {_pick(parts, lambda kpi: f"units_{condition_name(kpi.needs)}") if of_shifts else plants} as units_in,
    {"s.units_of" if of_shifts else "s.plants_told as units_of"},
    case when s.period_type = 'SHIFT' and c.plants is not null then s.plants_told else c.plants end as plants_of,
    s.plants_told, s.release_id, s.as_of_ts,
    {lines(told)}
from {summed} as s
left join scope_size as c on s.scope_type = c.scope_type and s.scope_id = c.scope_id
cross join (select * from kpi where parts = '{parts}') as k"""


NOTHING = "coalesce(denominator, 0) = 0"
MISSING = (
    ("parts <> 'shift' and denominator is null", "no_data_word"),
    ("parts <> 'shift' and denominator = 0", "coalesce(none_word, no_data_word)"),
    (f"uses_plan and {NOTHING} and no_calendar = 1", "'NO_CALENDAR'"),
    ("uses_states and all_none = 1", "'NO_STATES'"),
    (f"uses_good and unknown_good_counts > 0 and {NOTHING}", "'NO_REJECT_COUNT'"),
    (f"uses_scrap and unknown_scrap > 0 and {NOTHING}", "'NO_REJECT_COUNT'"),
    (f"uses_rework and unknown_rework > 0 and {NOTHING}", "'NO_REWORK_COUNT'"),
    ("uses_rate and rate_cov = 0", "'NO_IDEAL_RATE'"),
    ("uses_counts and count_cov = 0", "'NO_COUNTS'"),
    ("denominator = 0 and none_word is not null", "none_word"),
    (f"{NOTHING} and uses_plan", "'NO_PLANNED_TIME'"),
    (f"{NOTHING} and uses_counts and uses_states", "'NO_RUN_TIME'"),
    (f"{NOTHING} and uses_counts", "case when count_cov > 0 then 'NO_RUN_TIME' else 'NO_COUNTS' end"),
    (NOTHING, "'NO_DATA'"),
    ("has_bound and time_cov = 0", "'NO_DATA'"),
    ("is_withheld and rate_cov < min_rate_coverage", "'RATE_PARTIAL'"),
)
"""Why a value cannot be given, in the order in which a reader would ask: (when, the word)."""

_JUDGED = f"""select
    *,
    case
        {"".join(f"when {test} then {word}{chr(10)}        " for test, word in MISSING).rstrip()}
    end as missing,
    case when is_residual = 1 then least(time_cov, 0.85) when all_none = 1 then null else time_cov end as time_score
from chosen"""

_SCORED = """-- Specification 4.2: a weighted geometric mean, so that one hole cannot be averaged away.
select
    *,
    case
        when time_score = 0 or (uses_rate and rate_cov = 0) or count_cov = 0 or (uses_states and reason_cov = 0) then 0
        else exp(
            (0.30 * coalesce(ln(nullif(time_score, 0)), 0) + case when uses_rate then 0.25 * coalesce(ln(nullif(rate_cov, 0)), 0) else 0 end
            + 0.20 * coalesce(ln(nullif(count_cov, 0)), 0)
            + case when uses_states and reason_cov > 0 then 0.10 * ln(reason_cov) else 0 end + 0.15 * ln(definition_score))
            / (0.15 + case when time_score is null then 0 else 0.30 end + case when uses_rate and rate_cov is not null then 0.25 else 0 end
            + case when count_cov is null then 0 else 0.20 end + case when uses_states and reason_cov > 0 then 0.10 else 0 end)
        )
    end as score
from judged"""

FLAGS = {
    "PERF_GT_1": "kpi_id = 'E' and numerator > denominator",
    "RESIDUAL_APT": "uses_states and is_residual = 1",
    "RATE_PARTIAL": "uses_rate and rate_cov > 0 and rate_cov < min_rate_coverage and coalesce(missing, '') <> 'RATE_PARTIAL'",
    "COUNT_PARTIAL": "uses_counts and count_cov > 0 and count_cov < 1",
    "COUNT_OUTSIDE_SHIFT": "uses_counts and outside_counts > 0",
    "COUNT_ALLOCATED": "uses_counts and has_allocated = 1",
    "STOP_WITH_COUNTS": "uses_counts and has_stop_counts = 1",
    "UNKNOWN_TIME": "uses_plan and time_cov < 1",
    "ASSUMED_CALENDAR": "assumed_calendar = 1 and uses_plan",
    "ASSUMED_RATE": "assumed_rate = 1 and uses_rate",
    "PLANTS_PARTIAL": "plants_of is not null and plants_in < plants_of",
    "UNITS_PARTIAL": "parts = 'shift' and scope_type <> 'EQUIPMENT' and units_in < units_of",
    "SHIFT_OVERLAP": "has_overlap = 1",
    "DST_AMBIGUOUS": "has_ambiguous = 1",
    "PRELIMINARY": "is_preliminary = 1",
}
"""Flag of a value: when it bears it."""


def _basis_sql() -> str:
    """The bases of the ideal rates as words: one alone, several with their shares of ideal time, the most trusted first."""
    other = f"rated_s - {' - '.join(BASES.values())}"
    shares = [f"case when {part} > 0 then '{basis}' || {_share(part)} end" for basis, part in {**BASES, "OTHER": other}.items()]
    return f"case when uses_rate and profile <> 'LOCAL' then nullif(concat_ws(', ', {', '.join(shares)}), '') end"


def _share(part: str) -> str:
    """A part of the ideal time in percent, unless it is all of it; what is there is never 0 and what is not all never 100."""
    percent = f"greatest(1, least(99, cast(round(100 * cast({part} as double) / cast(rated_s as double)) as integer)))"
    return f"case when {part} = rated_s then '' else ' ' || cast({percent} as varchar) || ' %' end"


AIMED = {
    "target": "target",
    "target_gap": "value - target",
    "meets_target": "case when trend = 'HIGHER' then value >= target when trend = 'LOWER' then value <= target end",
}
"""What stands beside a value where it has a target."""


def _aim(targets: str) -> str:
    """The join with the table of targets, of which one holds for a scope on a day."""
    return f"""
left join (
    select kpi_id as of_kpi, scope_type as of_type, scope_id as of_scope, target, valid_from, valid_to from {targets}
) as t
    on kpi_id = of_kpi and scope_type = of_type and scope_id = of_scope
    and (valid_from is null or period_start >= valid_from) and (valid_to is null or period_start < valid_to)"""


def _final_sql(words: Callable[[str], str], targets: str | None) -> str:
    aimed = AIMED if targets else {**dict.fromkeys(AIMED, "cast(null as double)"), "meets_target": "cast(null as boolean)"}
    listed = ", ".join(f"case when {test} then '{flag}' end" for flag, test in FLAGS.items())
    return f"""select
    kpi_id, {VERSION} as kpi_version, scope_type, scope_id, scope_name, plant_id, period_type, period_start, shift_code, profile,
    value,
    case when missing is null or missing in ('NO_DATA', 'RATE_PARTIAL') then numerator / nullif(denominator, 0) end as value_low,
    case
        when missing is not null and missing not in ('NO_DATA', 'RATE_PARTIAL') then null
        when has_bound then coalesce(high, numerator) / nullif(denominator, 0)
        when is_withheld and rate_cov > 0 and rate_cov < 1 then numerator / nullif(denominator, 0) / rate_cov
        else numerator / nullif(denominator, 0)
    end as value_high,
    {lines(_named(aimed))},
    numerator, denominator,
    coalesce(time_cov, 1) * case when uses_rate then coalesce(rate_cov, 1) else 1 end
        * case when uses_counts then coalesce(count_cov, 1) else 1 end
        * cast(units_in as double) / units_of * coalesce(cast(plants_told as double) / plants_of, 1) as coverage,
    case when missing is null then score else 0 end as confidence,
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
    {_basis_sql()} as rate_basis,
    plants_in, plants_of, units_in, units_of, release_id, as_of_ts
from (
    select *, case when missing is null then numerator / nullif(denominator, 0) end as value from scored
) as v{_aim(targets) if targets else ""}"""
