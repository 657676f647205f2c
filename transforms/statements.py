"""What a plant file and the vocabularies state, as rows: settings, lines, calendars, breaks, maps, rates, equipment.

Here: statements to frames, for one plant, and for the whole portfolio. Elsewhere: what exports deliver (`transforms.conform`), zones
(`transforms.clock`), when the frames are written (`pipelines.load`), what SQL does with them (`dbt_project`).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import polars as pl

from connectors.errors import ConfigError, Problem
from connectors.models import Line, PlantFile, Settings, Source, Table, Unit, weekdays
from connectors.vocabularies import Row, Vocabularies
from transforms import clock
from transforms.canonical import canonical
from transforms.keys import stable_id
from transforms.mapping import REJECT, Reading
from transforms.tables import STATEMENTS, TABLES, UTC_US
from transforms.units import seconds_per_item

PLANT_FILE = "plant_file"
"""The source of rows that the plant file and the vocabularies state."""

ECONOMICS = ("contribution_per_unit", "avoidable_cost_per_h", "material_cost_per_unit")
DEMONSTRATED = "vocabularies/demonstrated_rates.csv: "
"""How the provenance of a frozen rate begins."""
PRECEDENCE = {"DELAY_EQ": 10, "SETUP": 20, "DELAY_ORG": 30, "IDLE": 40, "RUN": 90}
"""Rule T8: lower wins."""


@dataclass(frozen=True)
class Stated:
    """What the rows of one plant are made of."""

    plant: PlantFile
    settings: Settings
    words: Vocabularies
    currency: str
    root: Path
    at: datetime
    """Instant of the refresh."""


def statements(stated: Stated) -> dict[str, pl.DataFrame]:
    """Rows of the statement tables that need no data: plant, settings, precedence, offsets, rate order, reason map."""
    plant, settings = stated.plant, stated.settings
    about = {assumption.about for assumption in plant.assumptions}
    rows: dict[str, list[dict[str, object]]] = {
        "plant": [
            {
                "plant_id": plant.plant, "plant_name": plant.name, "company": plant.company, "country_code": plant.country,
                "timezone": plant.timezone, "production_day_start": plant.production_day_start,
                "currency": plant.currency or stated.currency, "reporting_currency": stated.currency,
                "acquired_on": plant.acquired_on, "divested_on": plant.divested_on,
                "data_start_on": plant.data_start_on, "owner": plant.owner, "calendar": plant.calendar_kind,
                "assumed_calendar": "calendar" in about, "assumed_rate": "ideal_rate" in about,
                "assumptions": "\n".join(f"{a.about}: {a.because}" for a in plant.assumptions),
            }
        ],
        "plant_setting": [
            {
                "plant_id": plant.plant, "equipment_id": "*", "valid_from": None, "valid_to": None, "microstop_s": settings.microstop_s,
                "plan_freeze_s": round((settings.plan_freeze_h or 0) * 3600), "min_rate_coverage": settings.min_rate_coverage,
                "flicker": settings.flicker,
            },
            *(
                {"plant_id": plant.plant, "equipment_id": _id(plant, code), **unit.settings.model_dump()}
                for code, unit in plant.equipment.units.items()
                if unit.settings.model_dump(exclude_none=True)
            ),
        ],
        "plant_definition_profile": [{"plant_id": plant.plant, **plant.definition.model_dump()}],
        "line_station": [station for code, line in plant.lines.items() for station in _stations(plant, code, line)],
        "class_precedence": [
            {"plant_id": plant.plant, "source_system": name, "state_class": state, "level": source.rank.get(state, level)}  # type: ignore[call-overload]
            for name, source in plant.sources.items()
            for state, level in PRECEDENCE.items()
        ],
        "source_setting": [
            {"plant_id": plant.plant, "source_system": name, "clock_offset_s": source.clock_offset_s,
             "clock_reference": source.clock_reference}
            for name, source in plant.sources.items()
        ],
        "rate_basis_rank": [
            {"plant_id": plant.plant, "rate_basis": basis, "rank": rank} for rank, basis in enumerate(settings.rate_basis or (), start=1)
        ],
        "map_downtime_reason": [_reason(row, plant.plant) for row in stated.words.rows("reason_map", plant.plant)],
        "product_family": [
            {"plant_id": plant.plant, "material_id": _id(plant, row["material"], "material"), "family": row["family"],
             "weight": float(row["weight"] or 1)}
            for row in _own_first(stated.words.rows("product_families", plant.plant), "material")
        ],
        "emission_factor": [
            {"plant_id": plant.plant, "carrier": row["carrier"], "kg_per_kwh": float(row["kg_per_kwh"]),
             "valid_from": _instant(row["valid_from"]), "valid_to": _instant(row["valid_to"]), "basis": row["basis"] or None}
            for row in _own_first(stated.words.rows("emission_factors", plant.plant), "carrier")
        ],
        "economics": [
            {"plant_id": plant.plant, "equipment_id": _id(plant, row["equipment"]) if row["equipment"] else "*", "regime": row["regime"],
             **{name: float(row[name]) if row[name] else None for name in ECONOMICS},
             "currency": row["currency"] or plant.currency or stated.currency,
             "valid_from": _date(row["valid_from"]), "valid_to": _date(row["valid_to"])}
            for row in _own_first(stated.words.rows("economics", plant.plant), "equipment")
        ],
    }  # fmt: skip
    return {name: _frame(name, found) for name, found in rows.items()}


def of_portfolio(words: Vocabularies) -> dict[str, pl.DataFrame]:
    """Rows of the statement tables that say nothing of a plant, of which each portfolio has one: `plant_id` is '*'."""
    rows: dict[str, list[dict[str, object]]] = {
        "fx_rate": [
            {**_said(row, "from_ccy", "to_ccy", "rate_type"), "period": _date(row["period"]), "rate": Decimal(row["rate"])}
            for row in words.rows("fx")
        ],
        "equipment_class": [_said(row, "equipment_class", "name", "family") for row in words.rows("equipment_classes")],
        "kpi_target": [
            {**_said(row, "kpi_id", "scope_type", "scope_id"), "target": float(row["target"]),
             "valid_from": _date(row["valid_from"]), "valid_to": _date(row["valid_to"])}
            for row in words.rows("targets")
        ],
    }  # fmt: skip
    return {name: _frame(name, [{"plant_id": "*", **row} for row in found]) for name, found in rows.items()}


def _frame(name: str, rows: list[dict[str, object]]) -> pl.DataFrame:
    return pl.DataFrame(rows, schema=STATEMENTS[name], orient="row")


def _said(row: Row, *names: str) -> dict[str, object]:
    return {name: row[name] or None for name in names}


def _date(text: str) -> date | None:
    """A day of a vocabulary, or the first of a month ('2026-09')."""
    return date.fromisoformat(text[:10] if len(text) > 7 else f"{text}-01") if text else None


def _own_first(rows: list[Row], key: str) -> list[Row]:
    """The lines of a plant, and those for every plant ('*') about what no line of its own is about."""
    own = {row[key] for row in rows if row["plant"] != "*"}
    return [row for row in rows if row["plant"] != "*" or row[key] not in own]


def _id(plant: PlantFile, code: str, namespace: str = "equipment") -> str:
    """The id of what a code of the plant names."""
    return str(pl.select(stable_id(plant.plant, namespace, [pl.lit(code)])).item())


def _stations(plant: PlantFile, code: str, line: Line) -> Iterator[dict[str, object]]:
    """A line's stations, numbered from its infeed; those of one `parallel_group` work in parallel."""
    placed = [(group, station) for group, codes in enumerate(line.groups, start=1) for station in codes]
    for position, (group, station) in enumerate(placed, start=1):
        yield {
            "plant_id": plant.plant, "line_id": _id(plant, code), "equipment_id": _id(plant, station), "position": position,
            "parallel_group": group, "is_constraint_default": station == line.constraint,
            "is_output_counter": station in line.outputs, "valid_from": line.valid_from,
        }  # fmt: skip


def _reason(row: Row, plant_id: str) -> dict[str, object]:
    return {
        "plant_id": plant_id, "source_system": row["source"] or "*", "source_code": row["source_code"], "reason_code": row["reason_code"],
        "mapped_by": row["mapped_by"] or "unknown", "approved_at": _instant(row["approved_at"]),
        "valid_from": _instant(row["valid_from"]), "valid_to": _instant(row["valid_to"]),
    }  # fmt: skip


def _instant(text: str) -> datetime | None:
    """A date or a time of a vocabulary; without an offset it is UTC."""
    moment = datetime.fromisoformat(text) if text else None
    return moment.replace(tzinfo=UTC) if moment is not None and moment.tzinfo is None else moment


def holidays_of(plant: PlantFile, root: Path, years: Iterable[int]) -> set[date]:
    """The local days on which no shift starts."""
    stated = plant.holidays
    if not isinstance(stated, str):
        return set(stated)
    file = root / stated
    if file.is_file():
        return {date.fromisoformat(line.strip()[:10]) for line in file.read_text().splitlines() if line.strip()}
    import holidays

    country, _, region = stated.partition("-")
    return set(holidays.country_holidays(country, subdiv=region or None, years=list(years)))


def production_days(stated: Stated, first: date, last: date) -> pl.DataFrame:
    """One row per production day, with its start and end in UTC (23, 24 or 25 h), and the UTC month in which it starts."""
    plant = stated.plant
    days = clock.day_windows(plant.timezone, plant.production_day_start, first, last)
    month = pl.col("start_ts").dt.strftime("%Y-%m").alias("month")
    rows = days.with_columns(pl.lit(plant.plant).alias("plant_id"), month).select(*STATEMENTS["production_day"])
    return rows.cast(STATEMENTS["production_day"])  # type: ignore[arg-type]


def calendar(stated: Stated, first: date, last: date) -> dict[str, pl.DataFrame]:
    """Shift windows and planned breaks of the local pattern between two days, as canonical rows."""
    plant = stated.plant
    free = holidays_of(plant, stated.root, range(first.year, last.year + 1))
    span = (first - timedelta(days=1), last + timedelta(days=1))
    shifts = _windows(plant, plant.shifts, span, free) if plant.calendar_kind == "pattern" else _unknown_calendar(stated, *span)
    if plant.calendar_kind == "records":
        shifts = shifts.clear()
    breaks = _windows(plant, plant.breaks, span, free)
    classes = {name: pause.planned_class for name, pause in plant.breaks.items()}
    planned = breaks.select("start_ts", "end_ts", "local_start_date", pl.col("shift_code").alias("entry")).with_columns(
        pl.col("entry").replace_strict(classes, default=None, return_dtype=pl.String).alias("planned_class"),
        pl.col("local_start_date").cast(pl.String).alias("start_ts_source"),
    )
    return {
        "shift_instance": _canonical(stated, "shift_instance", shifts.rename({"local_start_date": "day"})),
        "planned_downtime": _canonical(stated, "planned_downtime", planned.drop("local_start_date")),
    }


def _windows(plant: PlantFile, pattern: Mapping[str, object], span: tuple[date, date], free: set[date]) -> pl.DataFrame:
    lines = [(code, *line.at.split("-"), set(weekdays(line.days))) for code, line in pattern.items()]  # type: ignore[attr-defined]
    return clock.shift_windows(plant.timezone, lines, *span, free)


def _unknown_calendar(stated: Stated, first: date, last: date) -> pl.DataFrame:
    """Where the calendar is unknown the ledger runs in whole production days, which say nothing about planned time."""
    days = production_days(stated, first, last)
    return days.select(pl.lit("DAY").alias("shift_code"), pl.col("production_day").alias("local_start_date"), "start_ts", "end_ts")


def ideal_rates(stated: Stated) -> pl.DataFrame:
    """The plant's lines of vocabularies/ideal_rates.csv and its frozen demonstrated rates.

    Raises ConfigError for lines that state no positive time per piece.
    """
    aliases = {row["alias"]: row["ucum"] for row in stated.words.rows("unit_aliases", stated.plant.plant)}
    rows, problems = [], []
    for number, row in enumerate(stated.words.rows("ideal_rates", stated.plant.plant), start=1):
        try:
            rows.append({"_row": number, **_rate(row, aliases)})
        except ConfigError as error:
            problems += error.at(export=f"vocabularies/ideal_rates.csv:{row.get('line') or number}").problems
    if problems:
        raise ConfigError(problems)
    rows += [{"_row": number, **row} for number, row in enumerate(_demonstrated(stated), start=len(rows) + 1)]
    return _canonical(stated, "ideal_rate", pl.DataFrame(rows, infer_schema_length=None))


def quarter_start(plant: PlantFile, quarter: str) -> datetime:
    """The instant at which the first production day of a quarter begins.

    A rate thus changes between two production days, and never within one that a KPI is of.
    """
    day = quarter_day(quarter)
    start: datetime = clock.day_windows(plant.timezone, plant.production_day_start, day, day)["start_ts"].item()
    return start


def quarter_day(quarter: str) -> date:
    """The first day of a quarter.

    >>> quarter_day("2026-Q4")
    datetime.date(2026, 10, 1)
    """
    return date(int(quarter[:4]), 3 * int(quarter[-1]) - 2, 1)


def _demonstrated(stated: Stated) -> Iterator[dict[str, object]]:
    """Frozen rates of vocabularies/demonstrated_rates.csv: each holds until a line of a later quarter for the same unit, product and tool.

    A line without a rate (too few hours) ends the one before it.
    """
    keys: dict[tuple[str, ...], dict[str, Row]] = {}
    for row in stated.words.rows("demonstrated_rates", stated.plant.plant):
        keys.setdefault((row["equipment"], row["material"], row["tool"]), {})[row["quarter"]] = row
    for (equipment, material, tool), lines in keys.items():
        quarters = sorted(lines)
        for quarter, later in zip(quarters, [*quarters[1:], None], strict=True):
            row = lines[quarter]
            if row["pri_s"]:
                yield {
                    "equipment": equipment, "material": material, "tool": tool or None, "rate_basis": "BEST_DEMONSTRATED",
                    "pri_s": float(row["pri_s"]), "valid_from": quarter_start(stated.plant, quarter),
                    "valid_to": quarter_start(stated.plant, later) if later else None,
                    "provenance": f"{DEMONSTRATED}{quarter}, quantile {row['quantile']} of {row['hours']} hours from {row['window_from']}"
                    f" to {row['window_to']}, release {row['release_id']}, frozen {row['frozen_on']}, calculation {row['calc_version']}",
                }  # fmt: skip


def _rate(row: Row, aliases: Mapping[str, str]) -> dict[str, object]:
    factor, inverted = seconds_per_item(row["unit"], aliases)
    rate, pieces = float(row["rate"]), float(row["pieces_per_cycle"] or 1)
    if not (0 < rate < float("inf") and 0 < pieces < float("inf")):
        found = f"rate {row['rate']}, pieces_per_cycle {row['pieces_per_cycle'] or 1}"
        fix = "correct the line, or remove it where the rate is unknown"
        raise ConfigError(Problem("An ideal rate and its pieces per cycle are positive.", found=found, fix=fix))
    return {
        **{name: row[name] or None for name in ("equipment", "material", "tool")},
        "rate_basis": row["rate_basis"] or None,
        "pri_s": factor / rate if inverted else rate * factor,
        "pieces_per_cycle": pieces if row["pieces_per_cycle"] else None,
        "valid_from": _instant(row["valid_from"]),
        "valid_to": _instant(row["valid_to"]),
        "provenance": row["provenance"] or "vocabularies/ideal_rates.csv",
    }


def equipment(stated: Stated, seen: Iterable[str], mastered: Iterable[str]) -> pl.DataFrame:
    """Units that the plant file lists or the data named, as far as no master export brings them."""
    plant = stated.plant
    known: dict[str, Unit | Line] = {**plant.lines, **plant.equipment.units}
    codes = [code for code in dict.fromkeys([*known, *sorted(set(seen))]) if code not in set(mastered)]
    about = {
        "equipment_name": "name", "equipment_class": "class_", "parent": "parent", "level": "level", "is_kpi_unit": "kpi_unit",
        "state_method": "state_method", "kpi_scope": "scope",
    }  # fmt: skip
    rows = [
        {"_row": number, "equipment": code, **{name: getattr(known.get(code), key, None) for name, key in about.items()}}
        for number, code in enumerate(codes, start=1)
    ]
    given = pl.DataFrame(rows, infer_schema_length=None)
    return _canonical(stated, "equipment", given.with_columns(pl.col("kpi_scope").cast(pl.String).fill_null("MACHINE")) if rows else given)


def materials(stated: Stated, seen: Iterable[str]) -> pl.DataFrame:
    """Materials that the data named and no master export brings."""
    return _canonical(stated, "material", pl.DataFrame({"material": sorted(set(seen))}, schema={"material": pl.String}))


def tags(stated: Stated, seen: pl.DataFrame, source_id: str) -> pl.DataFrame:
    """Tags (columns tag, unit) that a historian's exports named and no tag list brings."""
    return _canonical(stated, "tag", seen.sort("tag"), source_id)


def _canonical(stated: Stated, table: str, given: pl.DataFrame, source_id: str = PLANT_FILE) -> pl.DataFrame:
    """Canonical rows of stated inputs, through the same builders as the rows of exports."""
    spec = TABLES[table]
    types: dict[str, pl.DataType | type[pl.DataType]] = {
        "text": pl.String,
        "time": UTC_US,
        "date": pl.Date,
        "number": pl.Float64,
        "integer": pl.Int64,
        "boolean": pl.Boolean,
    }
    inputs = given if "_row" in given.columns else given.with_row_index("_row", offset=1)
    inputs = inputs.with_columns(
        pl.lit(None, dtype=types[i.type]).alias(name) for name, i in spec.inputs.items() if name not in inputs.columns
    )
    inputs = inputs.with_columns(
        pl.col("_row").cast(pl.Int64), pl.lit([], dtype=pl.List(pl.String)).alias(REJECT),
        *(pl.col(name).cast(types[i.type]) for name, i in spec.inputs.items()),
    )  # fmt: skip
    reading = Reading(
        plant=stated.plant, source_id=source_id, source=Source(kind="delimited", path="-", tables={table: Table(columns={})}),
        table_name=table, table=Table(columns={}), export=f"plants/{stated.plant.plant}.yaml", batch_id=PLANT_FILE,
        export_order=stated.at.isoformat(), extracted_at=None, ingested_at=stated.at, transform_version=PLANT_FILE,
        state_method=stated.settings.state_method or "MEASURED",
    )  # fmt: skip
    rows = canonical(inputs, reading, spec).drop(REJECT)
    return rows.with_columns(pl.col(pl.Enum).cast(pl.String))
