"""The SQL of KPIs over other parts than shifts: people and maintenance by day, inspections, orders, plant-months.

Here: for each table of parts its rows (one per unit or plant and day), and the levels from rows to one row per KPI, profile, scope and
period. Elsewhere: shifts, and what is common to all: coverage, grade, flags (`dbt_project.value_sql`).

A row takes part in a KPI where every column of the KPI is told, so that both sides are sums over the same rows. Scopes above a plant count
plants, not units. Where a plant says nothing, its month says so: it is a row of nothing, and the KPI names the reason.
"""

from __future__ import annotations

from collections.abc import Callable

from dbt_project.catalogue import condition_name, conditions, terms
from dbt_project.sql_text import PERIODS, PLANT_OF_SCOPE, Relation, lines

OF_MONTHS = ("MONTH", "QUARTER")
PARTS = ("day", "quality", "order", "month")
POOLED = ("routing", "characteristic")
"""What is no sum: made anew of the inspections of each scope and period."""


def ctes(relation: Relation, version: Callable[[str], str], chosen_like: Callable[[str, str], str]) -> list[tuple[str, str]]:
    """The CTEs, in order, of every table of parts but shifts; the last of each is `chosen_<parts>`.

    `version` gives the condition that a row of parts (under an alias) holds; `chosen_like` the SELECT of the last level.
    """
    found = []
    for parts in PARTS:
        found += [
            (f"row_{parts}", rows_sql(parts, relation, version)),
            (f"period_{parts}", _periods(parts)),
            (f"plant_{parts}", _plants(parts, relation)),
            (f"summed_{parts}", _summed(parts)),
            (f"chosen_{parts}", chosen_like(parts, f"summed_{parts}")),
        ]
    found.append(("inspected", _inspected(relation, version)))
    for parts, sql in (("routing", _routing()), ("characteristic", _characteristic())):
        found += [(f"summed_{parts}", sql), (f"chosen_{parts}", chosen_like(parts, f"summed_{parts}"))]
    return found


def _columns(parts: str) -> list[str]:
    return sorted({term.column for term in terms(parts)})


# --- rows ---------------------------------------------------------------------------------------------------------------------------------


def rows_sql(parts: str, relation: Relation, version: Callable[[str], str]) -> str:
    """One row per unit or plant and day (of orders: an order; of months: a plant's month) with every column that a KPI uses."""
    rows = {"day": _day, "quality": _quality, "order": _order, "month": _month}[parts](relation, version)
    nothing = ", ".join(f"null as {name}" for name in _columns(parts))
    # A plant that says nothing of a month that it worked in.
    return f"""{rows}
union all
select plant_id, '~' || plant_id, month, true, {nothing}, null, null
from (select distinct plant_id, month from unit_month) as worked"""


def _day(relation: Relation, version: Callable[[str], str]) -> str:
    told = ", ".join(f"p.{name}" for name in _columns("day"))
    return f"""select p.plant_id, p.equipment_id, p.production_day, false as is_nothing, {told},
    p.valid_from_release as release_id, p.as_of_ts
from {relation("mart_kpi_parts_day")} as p
where {version("p")}"""


def _quality(relation: Relation, version: Callable[[str], str]) -> str:
    return f"""select p.plant_id, p.equipment_id, p.production_day, false as is_nothing, p.fp_good, p.inspected,
    p.valid_from_release as release_id, p.as_of_ts
from {relation("mart_kpi_parts_quality")} as p
where p.characteristic = '~' and {version("p")}"""


def _order(relation: Relation, version: Callable[[str], str]) -> str:
    """On the day that it ended an order tells its times and pieces; on the day that it was due what was made by then."""
    columns = {
        "aoet_s": "case when h.kind = 'END' then h.aoet_s end",
        "attained_qty": "case when h.kind = 'DUE' and c.plant_id is not null then least(coalesce(w.made_by_due, 0), h.planned_qty) end",
        "due_orders": "case when h.kind = 'DUE' then 1 end",
        "first_op_pq": "case when h.kind = 'END' then coalesce(w.first_pq, w.pq) end",
        "on_time_orders": "case when h.kind = 'DUE' then case when h.is_on_time then 1 else 0 end end",
        "order_apt_s": "case when h.kind = 'END' then w.apt_s end",
        "order_aubt_s": "case when h.kind = 'END' then w.aubt_s end",
        "order_pq": "case when h.kind = 'END' then coalesce(w.last_pq, w.pq) end",
        "order_psq": "case when h.kind = 'END' then h.planned_scrap_qty end",
        "order_sq": "case when h.kind = 'END' then w.sq end",
        "planned_qty": "case when h.kind = 'DUE' then h.planned_qty end",
    }
    return f"""select h.plant_id, h.equipment_id, h.production_day, false as is_nothing,
    {lines([f"{columns[name]} as {name}" for name in _columns("order")])},
    greatest(h.valid_from_release, coalesce(w.release_id, 0)) as release_id, h.as_of_ts
from {relation("mart_kpi_parts_order")} as h
left join (
    select
        o.order_id, o.kind, sum(p.aubt_s) as aubt_s, sum(p.apt_s) as apt_s, sum(p.pq) as pq, sum(p.sq) as sq,
        sum(case when p.operation_key = o.first_operation_id then p.pq end) as first_pq,
        sum(case when p.operation_key = o.last_operation_id then p.pq end) as last_pq,
        sum(case when p.production_day <= o.production_day and p.operation_key in ('~', coalesce(o.last_operation_id, '~'))
            then coalesce(p.gq, p.pq) end) as made_by_due,
        max(p.valid_from_release) as release_id
    from {relation("mart_kpi_parts_order")} as o
    inner join {relation("mart_kpi_parts_order_work")} as p on o.order_id = p.order_id
    where {version("o")} and {version("p")}
    group by o.order_id, o.kind
) as w on h.order_id = w.order_id and h.kind = w.kind
-- A plant whose counts never name an order does not tell what was made of one.
left join (
    select distinct p.plant_id from {relation("mart_kpi_parts_order_work")} as p where not p.is_busy and {version("p")}
) as c on h.plant_id = c.plant_id
where {version("h")}"""


def _month(relation: Relation, version: Callable[[str], str]) -> str:
    """Money, stock and deliveries of a plant's month with its energy, people and pieces: both sides of a KPI stand in one row."""
    elsewhere = {"energy_kwh": "d", "co2_kg": "d", "labour_h": "d", "good_equiv_units": "u"}
    columns = [f"{elsewhere.get(name, 'm')}.{name} as {name}" for name in _columns("month")]
    return f"""select k.plant_id, '~' || k.plant_id as equipment_id, k.month as production_day, false as is_nothing,
    {lines(columns)},
    greatest(coalesce(m.valid_from_release, 0), coalesce(d.release_id, 0), coalesce(u.release_id, 0)) as release_id,
    coalesce(m.as_of_ts, d.as_of_ts, u.as_of_ts) as as_of_ts
from (
    select p.plant_id, p.production_day as month from {relation("mart_kpi_parts_month")} as p where {version("p")}
    union
    select p.plant_id, cast(date_trunc('month', p.production_day) as date) from {relation("mart_kpi_parts_day")} as p where {version("p")}
) as k
left join {relation("mart_kpi_parts_month")} as m on k.plant_id = m.plant_id and k.month = m.production_day and {version("m")}
left join (
    select
        p.plant_id, cast(date_trunc('month', p.production_day) as date) as month, sum(p.energy_kwh) as energy_kwh,
        case when count(p.co2_kg) = count(p.energy_kwh) then sum(p.co2_kg) end as co2_kg, sum(p.labour_s) / 3600 as labour_h,
        max(p.valid_from_release) as release_id, max(p.as_of_ts) as as_of_ts
    from {relation("mart_kpi_parts_day")} as p
    where {version("p")}
    group by p.plant_id, cast(date_trunc('month', p.production_day) as date)
) as d on k.plant_id = d.plant_id and k.month = d.month
left join (
    select t.plant_id, cast(t.month as date) as month, sum(t.good_equiv_units) as good_equiv_units,
        max(t.release_id) as release_id, max(t.as_of_ts) as as_of_ts
    from unit_month as t
    inner join {relation("unit_scope")} as x on t.equipment_id = x.unit_id and x.scope_type = 'PLANT'
    group by t.plant_id, cast(t.month as date)
) as u on k.plant_id = u.plant_id and k.month = u.month"""


# --- from rows to scopes ------------------------------------------------------------------------------------------------------------------


def _test(needs: tuple[str, ...]) -> str:
    return " and ".join(f"{name} is not null" for name in needs)


def _periods(parts: str) -> str:
    sums = [f"sum(case when {_test(term.needs)} then {term.column} end) as {term.name}" for term in terms(parts)]
    part = [f"max(case when {_test(needs)} then 1 else 0 end) as in_{condition_name(needs)}" for needs in conditions(parts)]
    kinds = OF_MONTHS if parts == "month" else tuple(PERIODS)
    return "\nunion all\n".join(
        f"""select '{kind}' as period_type, {PERIODS[kind]} as period_start, plant_id, equipment_id,
    {lines([*sums, *part, "max(release_id) as release_id", "max(as_of_ts) as as_of_ts"])}
from row_{parts}{"" if kind in OF_MONTHS else " where not is_nothing"}
group by plant_id, equipment_id, {PERIODS[kind]}"""
        for kind in kinds
    )


def _sums(parts: str) -> list[str]:
    return [f"sum({term.name}) as {term.name}" for term in terms(parts)]


def _plants(parts: str, relation: Relation) -> str:
    names = [condition_name(needs) for needs in conditions(parts)]
    part = [f"max(in_{name}) as in_{name}" for name in names]
    return f"""select
    x.scope_type, x.scope_id, x.plant_id, u.period_type, u.period_start, max(x.scope_name) as scope_name,
    {lines([*_sums(parts), *part, "max(release_id) as release_id", "max(as_of_ts) as as_of_ts"])}
from period_{parts} as u
inner join {relation("unit_scope")} as x on u.equipment_id = x.unit_id
group by x.scope_type, x.scope_id, x.plant_id, u.period_type, u.period_start"""


def _summed(parts: str) -> str:
    names = [condition_name(needs) for needs in conditions(parts)]
    plants = [f"cast(sum(in_{name}) as bigint) as plants_{name}" for name in names]
    return f"""select
    scope_type, scope_id, period_type, period_start, max(scope_name) as scope_name,
    {PLANT_OF_SCOPE},
    {lines([*_sums(parts), *plants, "count(*) as plants_told", "max(release_id) as release_id", "max(as_of_ts) as as_of_ts"])}
from plant_{parts}
group by scope_type, scope_id, period_type, period_start"""


# --- what is pooled -----------------------------------------------------------------------------------------------------------------------

SCOPE = "scope_type, scope_id, period_type, period_start"


def _inspected(relation: Relation, version: Callable[[str], str]) -> str:
    """Inspections by scope and period: one row per plant, product, step, characteristic and subgroup."""
    sums = ", ".join(f"sum(p.{name}) as {name}" for name in ("inspected", "fp_good", "n", "sum_x", "sum_x2"))
    periods = "\n    union all\n".join(
        f"    select '{kind}' as period_type, {start} as period_start, * from held" for kind, start in PERIODS.items()
    )
    return f"""select
    x.scope_type, x.scope_id, max(x.scope_name) as scope_name, p.period_type, p.period_start, p.plant_id,
    p.material_key, p.step_key, p.characteristic, p.subgroup_key, {sums}, max(p.lsl) as lsl, min(p.usl) as usl,
    max(p.valid_from_release) as release_id, max(p.as_of_ts) as as_of_ts
from (
    with held as (select p.* from {relation("mart_kpi_parts_quality")} as p where {version("p")})
{periods}
) as p
inner join {relation("unit_scope")} as x on p.equipment_id = x.unit_id
group by x.scope_type, x.scope_id, p.period_type, p.period_start, p.plant_id,
    p.material_key, p.step_key, p.characteristic, p.subgroup_key"""


def _pooled(parts: str, columns: dict[str, str], source: str) -> str:
    """One row per scope and period, with the columns under the names that the last level reads."""
    named = [f"{columns[term.column]} as {term.name}" for term in terms(parts)]
    plants = [f"count(distinct plant_id) as plants_{condition_name(needs)}" for needs in conditions(parts)]
    return f"""select
    {SCOPE}, max(scope_name) as scope_name,
    {PLANT_OF_SCOPE},
    {lines([*named, *plants, "count(distinct plant_id) as plants_told", "max(release_id) as release_id", "max(as_of_ts) as as_of_ts"])}
from (
{source}
) as made
group by {SCOPE}"""


def _routing() -> str:
    """Rule R4: the product of the first pass yields of the steps of each product, weighted by the units that were started."""
    source = f"""select {SCOPE}, max(scope_name) as scope_name, plant_id, material_key, max(inspected) as started,
    case when min(fp_good) = 0 then 0 else exp(sum(ln(cast(nullif(fp_good, 0) as double) / cast(inspected as double)))) end as rty,
    max(release_id) as release_id, max(as_of_ts) as as_of_ts
from inspected
where characteristic = '~' and inspected > 0
group by {SCOPE}, plant_id, material_key"""
    return _pooled("routing", {"rty_units": "sum(cast(started as double) * rty)", "units_started": "sum(cast(started as double))"}, source)


def _characteristic() -> str:
    """Rule R7: capability of pooled subgroups. Of several characteristics there is no index, only the share that is capable."""
    source = f"""select
    *, (usl - lsl) as cp_span, least(coalesce(usl - mean, mean - lsl), coalesce(mean - lsl, usl - mean)) as cpk_span
from (
    select {SCOPE}, max(scope_name) as scope_name, plant_id, material_key, step_key, characteristic,
        sum(sum_x) / sum(n) as mean, max(lsl) as lsl, min(usl) as usl,
        sqrt(greatest(sum(sum_x2 - sum_x * sum_x / n), 0) / nullif(sum(n) - count(*), 0)) as s_within,
        sqrt(greatest(sum(sum_x2) - sum(sum_x) * sum(sum_x) / sum(n), 0) / nullif(sum(n) - 1, 0)) as s_overall,
        max(release_id) as release_id, max(as_of_ts) as as_of_ts
    from inspected
    where n > 0
    group by {SCOPE}, plant_id, material_key, step_key, characteristic
    having max(lsl) is not null or min(usl) is not null
) as of_characteristic"""

    def alone(value: str) -> str:
        return f"case when count(*) = 1 then max({value}) else 0 end"

    columns = {
        "cp_span": alone("cp_span"), "cp_spread": alone("6 * s_within"), "cpk_span": alone("cpk_span"), "cpk_spread": alone("3 * s_within"),
        "ppk_span": alone("cpk_span"), "ppk_spread": alone("3 * s_overall"),
        "capable": "sum(case when cpk_span >= 1.33 * 3 * s_within then 1 else 0 end)", "characteristics": "count(s_within)",
    }  # fmt: skip
    return _pooled("characteristic", columns, source)
