"""Where a KPI value comes from: formula, parts, time, segments and records, each a step further down, as one answer.

Here: the steps over the published snapshot, and whether the sums of each step give the one above. Elsewhere: what a column is made of
(`publish.made_of`), from a record to the line of its export (`pipelines.origins`), how it is shown (`pipelines.cli_explain`).

The steps follow ids that the build stored (`time_segment`, `count_ledger`, `record_ledger`), not the rules that made them: a rule that
was wrong shows its result, and does not explain it away. All of it is of one release; nothing here opens what a refresh writes to.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from connectors.errors import Problem, listed
from dbt_project import record_sql, value_sql
from dbt_project.catalogue import KNOWLEDGE, NAME, Kpi, Term, catalogue
from dbt_project.sql_text import holds
from publish import scopes
from publish.made_of import COUNT, IN_PBT, MADE_OF, PLANNED, RECORD, TIME, Made
from publish.reader import Snapshot
from publish.scopes import Only, QueryError

Answer = dict[str, Any]
CLASSES = {
    "APT": "run", "AUST": "setup", "ADET_EQ": "stop of the equipment", "ADET_ORG": "stop by organisation", "MICRO": "micro-stop",
    "ADOT": "no order", "UNKNOWN": "unknown", "PLANNED_BREAK": "planned break", "PLANNED_MAINT": "planned maintenance",
    "PLANNED_NO_DEMAND": "planned, no demand", "PLANNED_OTHER": "planned, other", "NOT_SCHEDULED": "not scheduled",
}  # fmt: skip
LACKING = {
    "plan": "its planned time is not known", "run_time": "its run time is not known", "states": "no states of it are delivered",
    "output": "it books no pieces in the month", "rate": "nothing that it made has an ideal rate",
    "good": "its good pieces are not known", "scrap": "its scrap is not known", "rework": "its rework is not known",
}  # fmt: skip
"""Why a unit or shift is left out of both sides, by what it does not know."""


@dataclass(frozen=True, slots=True)
class Question:
    """Which value, and how far down. Words as they were typed; `limit` 0 lists everything."""

    kpi: str
    plant: str
    period: str
    unit: str | None = None
    shift: str | None = None
    profile: str = "ISO"
    classes: Sequence[str] = ()
    """Only segments of these classes of time."""
    limit: int = 5


@dataclass(frozen=True, slots=True)
class Place:
    """What the value is of."""

    plant_id: str
    scope_type: str
    scope_id: str
    period_type: str
    first: date
    last: date
    shift_code: str | None
    units: tuple[str, ...]
    """Units (and lines) that are summed in the scope; '~' and the plant is what belongs to no unit."""
    stations: dict[str, str]
    """Stations of the lines among them: their line."""

    @property
    def months(self) -> list[str]:
        count = (self.last.year - self.first.year) * 12 + self.last.month - self.first.month
        start = self.first.year * 12 + self.first.month - 1
        return [f"{(start + n) // 12}-{(start + n) % 12 + 1:02d}" for n in range(count + 1)]

    @property
    def owners(self) -> list[str]:
        """Units whose ledgers hold what the parts are made of: a line has none of its own."""
        return [unit for unit in self.units if unit not in self.stations.values()] + list(self.stations)


def explain(reader: Snapshot, question: Question) -> Answer:
    """The answer, ready for JSON. Raises QueryError for a KPI, plant, unit or period that is not there, with what there is instead."""
    (kpi_id,) = reader.known_kpis([question.kpi])
    kpi = next((kpi for kpi in catalogue() if (kpi.kpi_id, kpi.profile) == (kpi_id, question.profile)), None)
    if kpi is None:
        known = [kpi.profile for kpi in catalogue() if kpi.kpi_id == kpi_id]
        raise QueryError(Problem(f"{kpi_id} has no profile {question.profile}.", found=listed(known), fix=f"--profile {known[0]}"))
    if not reader.has(TIME):
        raise QueryError(Problem("The published snapshot is of an older plantlake: it has no ledgers.", fix="plantlake refresh"))
    place = _place(reader, question)
    value = _value(reader, kpi_id, question.profile, place)
    parts = _shifts(reader, kpi, place, question.limit) if kpi.parts == "shift" else _rows(reader, kpi, place, question.limit)
    made = _made(kpi)
    orders = _orders(reader, place, question.limit) if any(MADE_OF[name].through_order for name in made) else None
    of_time = kpi.parts == "shift" or any(MADE_OF[name].ledger == TIME for name in made)
    time = _time(reader, place) if of_time else []
    answer: Answer = {
        "value": value,
        "definition": reader.query("SELECT * FROM kpi_definition WHERE kpi_id = ? AND profile = ?", [kpi_id, question.profile]).to_dicts()[
            0
        ]
        | {"columns": kpi.columns()},
        "release": _release(reader, place, value),
        "parts": parts,
        "time": time,
        "excluded": _excluded(time, parts) if of_time else None,
        "segments": _segments(reader, place, made, question, orders),
        "counts": _counts(reader, place, made, question.limit, orders),
        "records": _records(reader, place, made, question.limit),
    }
    if kpi.parts in ("quality", "routing") and not (answer["records"] or {}).get("of"):
        answer["counts"] = _counts(reader, place, ["pq"], question.limit, None)  # nothing was inspected: counts told the first pass
    answer["checks"] = _checks(reader, kpi, place, value, parts)
    return answer


# --- which value ----------------------------------------------------------------------------------------------------------------------


def _place(reader: Snapshot, question: Question) -> Place:
    kind, first, last = scopes.period(question.period, "--period")
    if question.shift is not None and kind != "DAY":
        raise QueryError(Problem("A shift is of one day.", found=f"--shift {question.shift} --period {question.period}",
                                 fix=f"--shift {question.shift} --period {first}"))  # fmt: skip
    plant_id = (scopes.scope_ids(reader, "PLANT", Only(plants=[question.plant])) or [question.plant])[0]
    scope_type, scope_id = "PLANT", plant_id
    if question.unit is not None:
        scope_type, scope_id = _unit(reader, plant_id, question.unit)
    units = tuple(
        row[0]
        for row in reader.rows("SELECT unit_id FROM unit_scope WHERE scope_type = ? AND scope_id = ? ORDER BY 1", [scope_type, scope_id])
    )
    stations = dict(reader.rows("SELECT equipment_id, line_id FROM line_station WHERE list_contains(?, line_id)", [list(units)]))
    kind = "SHIFT" if question.shift is not None else kind
    return Place(plant_id, scope_type, scope_id, kind, first, last, question.shift, units, stations)


def _unit(reader: Snapshot, plant_id: str, word: str) -> tuple[str, str]:
    """The machine, line or area of the plant that bears this id or name."""
    rows = reader.rows(
        "SELECT DISTINCT scope_type, scope_id, scope_name FROM unit_scope WHERE plant_id = ? AND list_contains(?, scope_type) ORDER BY ALL",
        [plant_id, list(scopes.BY_NAME)],
    )
    found = [(kind, scope_id) for kind, scope_id, name in rows if word.casefold() in (scope_id.casefold(), str(name).casefold())]
    if len(found) == 1:
        return found[0]
    from connectors.errors import closest

    names = [str(name) for _, _, name in rows]
    if found:
        raise QueryError(Problem(f"'{word}' names several things in {plant_id}.", found=listed([f"{k.lower()} {i}" for k, i in found]),
                                 fix=f"--unit {found[0][1]}"))  # fmt: skip
    raise QueryError(Problem(f"{plant_id} has no machine, line or area '{word}'.", found=listed(names), closest=closest(word, names)))


def _value(reader: Snapshot, kpi_id: str, profile: str, place: Place) -> Answer:
    """The published value. Raises QueryError where there is none, with the periods that have one."""
    of = "kpi_id = ? AND profile = ? AND scope_type = ? AND scope_id = ? AND period_type = ?"
    key = [kpi_id, profile, place.scope_type, place.scope_id, place.period_type]
    at_shift, shift = (" AND shift_code = ?", [place.shift_code]) if place.shift_code is not None else ("", [])
    found = reader.query(f"SELECT * FROM kpi_value WHERE {of} AND period_start = ?{at_shift}", [*key, place.first, *shift]).to_dicts()
    if len(found) == 1:
        return found[0]
    what = f"{place.scope_id} {place.first}" + (f" shift {place.shift_code}" if shift else "")
    if place.shift_code is not None and (codes := _codes(reader, of, key, place.first)):
        raise QueryError(
            Problem(f"There is no {kpi_id} of {what}.", found="shifts of the day: " + listed(codes), fix=f"--shift {codes[0]}")
        )
    known = [str(row[0]) for row in reader.rows(f"SELECT DISTINCT period_start FROM kpi_value WHERE {of} ORDER BY 1 DESC", key)]
    fix = f"--period {known[0]}" if known and place.period_type in ("DAY", "SHIFT") else "plantlake status" if not known else None
    told = f"periods of this kind that have one begin on: {listed(known)}" if known else f"no {place.period_type.lower()} of it has one"
    raise QueryError(Problem(f"There is no {kpi_id} of {what}.", found=told, fix=fix))


def _codes(reader: Snapshot, of: str, key: list[Any], day: date) -> list[str]:
    return [
        row[0] for row in reader.rows(f"SELECT DISTINCT shift_code FROM kpi_value WHERE {of} AND period_start = ? ORDER BY 1", [*key, day])
    ]


def _release(reader: Snapshot, place: Place, value: Answer) -> Answer:
    """The release that the value is of, and what a reader has to know of its plant."""
    release = reader.query("SELECT release_id, released_at, calc_version, kind FROM release WHERE release_id = ?", [value["release_id"]])
    status = reader.rows("SELECT stale_since, stale_reason FROM plant_status WHERE plant_id = ?", [place.plant_id])
    since, reason = status[0] if status else (None, None)
    return {**(release.to_dicts() or [{}])[0], "stale_since": since, "stale_reason": reason}


# --- parts ----------------------------------------------------------------------------------------------------------------------------


def _known(place: Place) -> tuple[str, list[Any]]:
    """CTEs up to `taken`: every shift of the units of the place, with what it knows and what its unit books."""
    shift = " and shift_code = ?" if place.shift_code is not None else ""
    sql = f"""with unit_shift as (
        select * from mart_kpi_unit_shift
        where plant_id = ? and production_day between ? and ? and list_contains(?, equipment_id){shift}
    ),
    known as ({value_sql.known_sql("mart_kpi_unit_month")})"""
    return sql, [place.plant_id, place.first, place.last, list(place.units), *([place.shift_code] if shift else [])]


def _shifts(reader: Snapshot, kpi: Kpi, place: Place, limit: int) -> Answer:
    """The columns that the KPI sums, by unit and by shift, and which units and shifts are in neither side."""
    known, given = _known(place)
    taken, columns = value_sql.tests_of(kpi.needs), kpi.columns()
    month = "date_trunc('month', production_day)" if place.period_type in ("MONTH", "QUARTER") else "true"
    sums = ", ".join(f"{value_sql.sum_of(Term(name, kpi.needs))} as {name}" for name in columns)
    lacks = ", ".join(f"min(case when {KNOWLEDGE[word]} then 1 else 0 end) as has_{word}" for word in kpi.needs)
    by_month = reader.query(
        f"""{known} select equipment_id, {sums}, count(*) as shifts, count(case when {taken} then 1 end) as shifts_in,
            max(release_id) as release_id{f", {lacks}" if lacks else ""}
        from known group by equipment_id, {month} order by equipment_id""",
        given,
    ).to_dicts()
    names = dict(reader.rows("SELECT equipment_id, equipment_name FROM equipment"))
    units: dict[str, Answer] = {}
    for row in by_month:
        unit = units.setdefault(
            row["equipment_id"],
            {"equipment_id": row["equipment_id"], "name": names.get(row["equipment_id"]), "shifts": 0, "shifts_in": 0, "release_id": 0,
             "stations": sorted(names.get(s, s) for s, line in place.stations.items() if line == row["equipment_id"]),
             "left_out": None, "columns": dict.fromkeys(columns)},
        )  # fmt: skip
        for name in columns:
            unit["columns"][name] = _plus(unit["columns"][name], row[name])
        unit["shifts"] += row["shifts"]
        unit["shifts_in"] += row["shifts_in"]
        unit["release_id"] = max(unit["release_id"], row["release_id"])
        if row["shifts_in"] < row["shifts"]:
            unit["left_out"] = next((LACKING[word] for word in kpi.needs if not row[f"has_{word}"]), None)
    main = _main(kpi)
    listed_units = sorted(units.values(), key=lambda unit: -abs(float(unit["columns"][main] or 0)))
    shown = reader.query(
        f"""{known} select equipment_id, shift_instance_id, production_day, shift_code, release_id,
            {", ".join(f"{_of_shift(name)} as {name}" for name in columns)}
        from known where {taken}
        order by abs(coalesce({_of_shift(main)}, 0)) desc, production_day, equipment_id, shift_code{_most(limit)}""",
        given,
    ).to_dicts()
    return {
        "table": "mart_kpi_parts_shift", "columns": columns,
        "sums": {name: _total(unit["columns"][name] for unit in units.values()) for name in columns},
        "units": [_plain(unit) for unit in listed_units],
        "rows_of": sum(unit["shifts_in"] for unit in units.values()),
        "rows": [_plain({**row, "name": names.get(row["equipment_id"])}) for row in shown],
    }  # fmt: skip


def _of_shift(column: str) -> str:
    """A column of a unit's shift; capacity is one of a month only, and a shift shows the pieces that it comes of."""
    return "pq" if column == "capacity_qty" else column


def _rows(reader: Snapshot, kpi: Kpi, place: Place, limit: int) -> Answer:
    """The rows of other parts than shifts that take part: a place and day, an order, a plant's month. What is pooled is shown as kept."""
    columns, inside = kpi.columns(), "plant_id = ? and list_contains(?, equipment_id) and production_day between ? and ?"
    given = [place.plant_id, list(place.units), place.first, place.last]
    if kpi.parts in record_sql.POOLED:
        pieces = kpi.parts == "routing"
        shown = [
            "material_key",
            "step_key",
            "characteristic",
            "subgroup_key",
            *(["inspected", "fp_good"] if pieces else ["n", "sum_x", "sum_x2"]),
        ]
        source = f"select equipment_id, production_day, {', '.join(shown)}, valid_from_release as release_id from mart_kpi_parts_quality"
        source += f" where valid_to_release is null and characteristic {'=' if pieces else '<>'} '~' and {inside}"
        order = "inspected" if pieces else "n"
    else:
        shown, order = columns, _main(kpi)
        rows = record_sql.rows_sql(kpi.parts, str, holds())
        told = " and ".join(f"{name} is not null" for name in columns)
        source = f"""with unit_month as (select * from mart_kpi_unit_month), row_of as ({rows})
            select equipment_id, production_day, {", ".join(columns)}, release_id
            from row_of where not is_nothing and {told} and {inside}"""
    found = reader.query(
        f"select * from ({source}) order by abs(coalesce({order}, 0)) desc, production_day, equipment_id", given
    ).to_dicts()
    names = dict(reader.rows("SELECT equipment_id, equipment_name FROM equipment"))
    pooled = kpi.parts in record_sql.POOLED
    sums = None if pooled else {name: _total(row[name] for row in found) for name in columns}
    return {
        "table": f"mart_kpi_parts_{'quality' if pooled else kpi.parts}", "columns": shown, "sums": sums, "units": [],
        "rows_of": len(found),
        "rows": [_plain({**row, "name": names.get(row["equipment_id"])}) for row in (found[:limit] if limit else found)],
    }  # fmt: skip


def _main(kpi: Kpi) -> str:
    """The column by which contributions are ordered: the first of the numerator."""
    return str(NAME.findall(kpi.numerator)[0])


def _made(kpi: Kpi) -> list[str]:
    return [name for name in kpi.columns() if name in MADE_OF]


# --- time -----------------------------------------------------------------------------------------------------------------------------


def _ledger(place: Place, owners: bool = True) -> tuple[str, list[Any]]:
    """The condition on a ledger's rows that belong to the place; plant and month stand in the names of its files."""
    shift = " and shift_code = ?" if place.shift_code is not None else ""
    sql = f"plant_id = ? and list_contains(?, month) and production_day between ? and ?{shift}"
    given: list[Any] = [place.plant_id, place.months, place.first, place.last, *([place.shift_code] if shift else [])]
    return (sql + " and list_contains(?, equipment_id)", [*given, place.owners]) if owners else (sql, given)


def _time(reader: Snapshot, place: Place) -> list[Answer]:
    """The seconds of the units in the period by class, in planned busy time first."""
    inside, given = _ledger(place)
    found = reader.query(
        f"select time_class, sum(duration_s) as seconds, count(*) as segments from {TIME} where {inside} group by 1", given
    )
    rows = {row["time_class"]: row for row in found.to_dicts()}
    total = sum(float(row["seconds"]) for row in rows.values())
    return [
        {"time_class": name, "name": CLASSES[name], "in_pbt": name in IN_PBT, "seconds": float(rows[name]["seconds"]),
         "share": float(rows[name]["seconds"]) / total if total else None, "segments": rows[name]["segments"]}
        for name in CLASSES if name in rows
    ]  # fmt: skip


def _excluded(time: list[Answer], parts: Answer) -> Answer:
    """What planned busy time leaves out, what is unknown in it, and who is in neither side."""
    seconds = {row["time_class"]: row["seconds"] for row in time}
    return {
        "planned_minutes": {name: seconds[name] / 60 for name in PLANNED if name in seconds},
        "not_scheduled_minutes": seconds.get("NOT_SCHEDULED", 0) / 60,
        "unknown_minutes": seconds.get("UNKNOWN", 0) / 60,
        "units_left_out": [
            {"equipment_id": unit["equipment_id"], "name": unit["name"], "shifts": unit["shifts"] - unit["shifts_in"], "of": unit["shifts"],
             "why": unit["left_out"]}
            for unit in parts["units"] if unit["shifts_in"] < unit["shifts"]
        ],
    }  # fmt: skip


def _segments(reader: Snapshot, place: Place, made: list[str], question: Question, orders: list[str] | None) -> Answer | None:
    """The largest segments of the classes that the KPI uses, losses before run time, each with the event that owns it."""
    of = [MADE_OF[name] for name in made if MADE_OF[name].ledger == TIME]
    if not of:
        return None
    inside, given = _inside(reader, place, of, orders)
    wanted = " or ".join(f"({where})" for where in dict.fromkeys(one.where for one in of))
    if question.classes:
        wanted, given = "list_contains(?, time_class)", [*given, _classes(question.classes)]
    rows = reader.query(
        f"""select equipment_id, production_day, shift_code, start_ts, end_ts, duration_s, time_class, reason_code, is_coded, is_failure,
            order_id, material_id, event_id, count(*) over () as of
        from {TIME} where {inside} and ({wanted})
        order by time_class in ('APT', 'NOT_SCHEDULED'), duration_s desc, start_ts, equipment_id{_most(question.limit)}""",
        given,
    ).to_dicts()
    return _with_names(reader, rows)


def _inside(reader: Snapshot, place: Place, of: list[Made], orders: list[str] | None) -> tuple[str, list[Any]]:
    """The condition on a ledger's rows: of the orders where all that is asked for comes through them, else of the place."""
    by_order = orders is not None and all(one.through_order for one in of)
    return _order_ledger(place, orders or [], reader) if by_order else _ledger(place)


def _classes(words: Iterable[str]) -> list[str]:
    from connectors.errors import closest

    found = [word.upper() for word in words]
    if unknown := [word for word in found if word not in CLASSES]:
        raise QueryError(
            Problem(f"There is no class of time '{unknown[0]}'.", found=listed(list(CLASSES)), closest=closest(unknown[0], CLASSES))
        )
    return found


# --- records --------------------------------------------------------------------------------------------------------------------------


def _counts(reader: Snapshot, place: Place, made: list[str], limit: int, orders: list[str] | None) -> Answer | None:
    """The counts with the largest part in the KPI."""
    of = [MADE_OF[name] for name in made if MADE_OF[name].ledger == COUNT]
    if not of:
        return None
    inside, given = _inside(reader, place, of, orders)
    amount = next((one.amount for one in of if one.amount), "pq")
    rows = reader.query(
        f"""select equipment_id, production_day, shift_code, material_key, count_id, order_id, operation_id, pq, gq, sq, rq, pri_s,
            ideal_rate_id, ideal_pq_s, ideal_gq_s, is_outside, count(*) over () as of
        from {COUNT} where {inside}
        order by abs(coalesce({amount}, 0)) desc, abs(coalesce(pq, 0)) desc, production_day, count_id{_most(limit)}""",
        given,
    ).to_dicts()
    return _with_names(reader, rows)


def _records(reader: Snapshot, place: Place, made: list[str], limit: int) -> Answer | None:
    """The other records: of people, energy, maintenance, inspections, orders, money, stock and deliveries."""
    of = list(dict.fromkeys(MADE_OF[name].where for name in made if MADE_OF[name].ledger == RECORD))
    if not of:
        return None
    inside, given = _of_places(place)
    rows = reader.query(
        f"""select equipment_id, production_day, table_name, record_id, word, amount, further, count(*) over () as of
        from {RECORD} where {inside} and ({" or ".join(f"({where})" for where in of)})
        order by abs(coalesce(amount, 0)) desc, production_day, table_name, record_id{_most(limit)}""",
        given,
    ).to_dicts()
    return _with_names(reader, rows)


def _of_places(place: Place) -> tuple[str, list[Any]]:
    """Records of a plant's month may name any of its units."""
    inside, given = _ledger(place, owners=False)
    return (inside, given) if place.scope_type == "PLANT" else (f"{inside} and list_contains(?, equipment_id)", [*given, place.owners])


def _orders(reader: Snapshot, place: Place, limit: int) -> list[str]:
    """The orders that count in the period, the largest first."""
    rows = reader.rows(
        f"""select order_id from mart_kpi_parts_order
        where valid_to_release is null and plant_id = ? and production_day between ? and ?
        group by order_id order by max(planned_qty) desc nulls last, order_id{_most(limit)}""",
        [place.plant_id, place.first, place.last],
    )
    return [row[0] for row in rows]


def _order_ledger(place: Place, orders: list[str], reader: Snapshot) -> tuple[str, list[Any]]:
    """What was done for orders, whenever that was: their work says in which months to look."""
    months = reader.rows(
        """select distinct strftime(production_day, '%Y-%m') from mart_kpi_parts_order_work
        where valid_to_release is null and plant_id = ? and list_contains(?, order_id)""",
        [place.plant_id, orders],
    )
    return "plant_id = ? and list_contains(?, month) and list_contains(?, order_id)", [place.plant_id, [row[0] for row in months], orders]


def _with_names(reader: Snapshot, rows: list[Answer]) -> Answer:
    names = dict(reader.rows("SELECT equipment_id, equipment_name FROM equipment"))
    count = rows[0]["of"] if rows else 0
    kept = [{"name": names.get(row["equipment_id"]), **{key: value for key, value in row.items() if key != "of"}} for row in rows]
    return {"of": count, "rows": [_plain(row) for row in kept]}


# --- whether it adds up ---------------------------------------------------------------------------------------------------------------


def _checks(reader: Snapshot, kpi: Kpi, place: Place, value: Answer, parts: Answer) -> list[Answer]:
    """The sums of the parts against both sides of the value, and the ledgers against the sums of the parts."""
    found = []
    if parts["sums"] is not None:
        for side, expression in (("numerator", kpi.numerator), ("denominator", kpi.denominator)):
            told = {name: parts["sums"][name] for name in NAME.findall(expression)}
            if None not in told.values():
                named = ", ".join(f"cast(? as double) as {name}" for name in told)
                given = reader.rows(f"select {expression} from (select {named})", list(told.values()))
                found.append(_check(f"{side} = {expression} of the parts", value[side], given[0][0]))
    sums = _shift_ledger(reader, kpi, place) if kpi.parts == "shift" else _record_ledger(reader, kpi, place)
    known = {name: pair for name, pair in sums.items() if pair != (None, None)}
    return found + [_check(f"{name} of the parts = sum of its records", told, ledger) for name, (told, ledger) in known.items()]


def _check(what: str, told: float | None, found: float | None) -> Answer:
    first, second = float(told or 0), float(found or 0)
    return {"what": what, "told": first, "found": second, "holds": abs(first - second) <= 1e-6 * max(1.0, abs(first))}


def _shift_ledger(reader: Snapshot, kpi: Kpi, place: Place) -> dict[str, tuple[float | None, float | None]]:
    """Column: the sum of the parts and that of the ledgers, over the shifts that take part. A line is its constraint and no sum."""
    columns = [name for name in _made(kpi) if MADE_OF[name].amount is not None]
    of = {ledger: [name for name in columns if MADE_OF[name].ledger == ledger] for ledger in (TIME, COUNT)}
    if not columns:
        return {}
    known, given = _known(place)
    joins, selected = "", []
    for ledger, names in of.items():
        if names:
            inside, more = _ledger(place)
            sums = ", ".join(f"sum(case when {MADE_OF[name].where} then {MADE_OF[name].amount} end) as booked_{name}" for name in names)
            joins += f"""
            left join (
                select equipment_id as {ledger}_unit, shift_instance_id as {ledger}_shift, {sums} from {ledger} where {inside} group by all)
                as {ledger} on k.equipment_id = {ledger}_unit and k.shift_instance_id = {ledger}_shift"""
            given += more
            selected += [f"sum(k.{name}), sum(case when k.{name} is not null then {ledger}.booked_{name} end)" for name in names]
    order = [name for names in of.values() for name in names]
    lines = sorted(set(place.stations.values()))
    row = reader.rows(
        f"""{known} select {", ".join(selected)} from known as k {joins}
        where {value_sql.tests_of(kpi.needs)} and not list_contains(?, k.equipment_id)""",
        [*given, lines],
    )[0]
    return {name: (row[2 * n], row[2 * n + 1]) for n, name in enumerate(order)}


def _record_ledger(reader: Snapshot, kpi: Kpi, place: Place) -> dict[str, tuple[float | None, float | None]]:
    """The same of records: over the places and days (of money: the months) whose rows take part."""
    columns = [name for name in _made(kpi) if MADE_OF[name].ledger == RECORD and MADE_OF[name].amount is not None]
    if not columns or kpi.parts in record_sql.POOLED:
        return {}
    key = "date_trunc('month', production_day)" if kpi.parts == "month" else "(equipment_id, production_day)"
    told = " and ".join(f"{name} is not null" for name in kpi.columns())
    inside, given = _of_places(place)
    rows = f"""with unit_month as (select * from mart_kpi_unit_month), row_of as ({record_sql.rows_sql(kpi.parts, str, holds())}),
        taken as (select * from row_of where not is_nothing and {told} and plant_id = ? and list_contains(?, equipment_id)
            and production_day between ? and ?),
        booked as (select * from {RECORD} where {inside} and {key} in (select {key} from taken))"""
    parts = ", ".join(f"(select sum({name}) from taken)" for name in columns)
    records = ", ".join(f"(select sum(case when {MADE_OF[name].where} then {MADE_OF[name].amount} end) from booked)" for name in columns)
    row = reader.rows(f"{rows} select {parts}, {records}", [place.plant_id, list(place.units), place.first, place.last, *given])[0]
    return {name: (row[n], row[n + len(columns)]) for n, name in enumerate(columns)}


# --- numbers --------------------------------------------------------------------------------------------------------------------------


def _most(limit: int) -> str:
    return f" limit {limit}" if limit else ""


def _plus(one: Any, other: Any) -> Any:
    return other if one is None else one if other is None else one + other


def _total(values: Iterable[Any]) -> float | None:
    total = None
    for value in values:
        total = _plus(total, value)
    return None if total is None else float(total)


def _plain(value: Any) -> Any:
    """Decimals as floats, for JSON; everything else as it is."""
    from decimal import Decimal

    if isinstance(value, dict):
        return {key: _plain(one) for key, one in value.items()}
    return float(value) if isinstance(value, Decimal) else value
