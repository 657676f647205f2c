"""What `plantlake plant try` says of a plant's words and units: which of them nobody mapped, and what was converted.

Here: state words that the map does not know, reason codes without an approved line, materials without an ideal rate, conversions with
an example. Elsewhere: the mapping itself (`transforms.mapping`), the classes and rates that the build found (`dbt_project`), rejected
records (`pipelines.trial_exports`).

Reasons and materials are asked of what the build made, in planned time as it counts. A state word that is not mapped never got so far:
its record was rejected. How long it lasted is what conform makes of the same records when their state is left open.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import polars as pl

from connectors.errors import PlantlakeError
from connectors.models import Column, PlantFile, Table
from connectors.vocabularies import Vocabularies
from pipelines import silver
from pipelines.ledger import ExportRow
from pipelines.load import Loader
from publish.reader import Snapshot
from transforms import states, units
from transforms.conform import conform
from transforms.mapping import Reading, as_mapped, as_text, check_columns, evaluate, map_words, mark_skipped
from transforms.tables import EVENT_CLASSES, TABLES

STATES = "equipment_state_event"
DEFAULT_UNITS = {"quantity": units.PIECE, "duration": "s", "energy": "kW.h", "duration_per_item": "s"}
"""What is converted, and the unit of numbers of which none is stated."""
UNMAPPED_STATES = {"word": pl.String, "seconds": pl.Float64, "events": pl.Int64}


@dataclass(frozen=True, slots=True)
class StateWord:
    """A state word of a source that its map does not know."""

    source: str
    word: str
    seconds: float
    """How long it lasted together, planned time or not."""
    events: int
    becomes: str
    """What happens to its records: rejected, or what `else` says."""


@dataclass(frozen=True, slots=True)
class ReasonCode:
    """A reason code of which no approved line of the reason map tells the meaning, with the stops that bear it in planned time."""

    source: str
    code: str
    seconds: float
    stops: int
    suggested: str | None
    """The reason of a line that waits for its approval."""


@dataclass(frozen=True, slots=True)
class UnratedMaterial:
    """A material that was made where no ideal rate holds for it."""

    material: str | None
    """None where counts name no material."""
    pieces: float
    seconds: float
    """Run time of events that name it, without a rate."""
    machines: list[str]


@dataclass(frozen=True, slots=True)
class Conversion:
    """How the numbers of a column become numbers in the lake's unit, with the first record as an example."""

    source: str
    table: str
    column: str
    """The canonical column."""
    from_column: str
    unit: str
    """As the source or the plant file writes it."""
    is_stated: bool
    """Whether the plant file or a column says so; else it is the default of the column."""
    to_unit: str
    factor: float
    is_inverted: bool
    """The number is pieces per time: `factor` divided by it is the time per piece."""
    before: str
    after: float
    export: str
    row: int

    @property
    def is_converted(self) -> bool:
        return self.factor != 1 or self.is_inverted


# --- states ---------------------------------------------------------------------------------------------------------------------------


def state_words(loader: Loader, plant: PlantFile, exports: Sequence[ExportRow], refused: Collection[str]) -> list[StateWord]:
    """State words that the maps of the plant's sources do not know, longest first. `refused` are the sources with rejected events."""
    found: list[StateWord] = []
    for source_id, source in plant.sources.items():
        rule = source.tables[STATES].columns.get("state_class") if STATES in source.tables else None
        if rule is None or rule.const is not None:
            continue
        if source_id not in refused and (rule.map is None or rule.else_ == "reject"):  # every word was known
            continue
        told = _told(loader, plant, source_id, rule, [row for row in exports if row.source_system == source_id])
        becomes = "rejected" if rule.map is None or rule.else_ == "reject" else f"else: {rule.else_}"
        found += [StateWord(source_id, word, seconds, events, becomes) for word, seconds, events in told.iter_rows()]
    return sorted(found, key=lambda word: (-word.seconds, -word.events, word.word))


def _told(loader: Loader, plant: PlantFile, source_id: str, rule: Column, exports: Sequence[ExportRow]) -> pl.DataFrame:
    """The words of a source that its map does not know, each with its time; an event without an end lasts until the unit's next one."""
    events = [frame for frame in (_open_events(loader, plant, source_id, rule, export) for export in exports) if frame is not None]
    if not events:
        return pl.DataFrame(schema=UNMAPPED_STATES)
    frame = pl.concat(events).unique(["equipment_id", "start_ts", "source_state"]).sort("equipment_id", "start_ts")
    end = pl.coalesce("end_ts", pl.col("start_ts").shift(-1).over("equipment_id"))
    seconds = ((end - pl.col("start_ts")).dt.total_microseconds() / 1e6).clip(lower_bound=0).fill_null(0.0)
    unknown = frame.with_columns(seconds.alias("seconds")).filter(~known(frame["source_state"], rule))
    summed = unknown.group_by("source_state").agg(pl.col("seconds").sum(), pl.len().cast(pl.Int64).alias("events"))
    return summed.rename({"source_state": "word"}).select(*UNMAPPED_STATES)


def _open_events(loader: Loader, plant: PlantFile, source_id: str, rule: Column, export: ExportRow) -> pl.DataFrame | None:
    """The events of an export with the word of their state, whatever it is; None where it cannot be loaded."""
    reading = loader.reading(plant, source_id, STATES, export)
    columns = {**reading.table.columns, "state_class": Column(const="UNKNOWN"), "source_state": rule.model_copy(update={"map": None})}
    asked = replace(reading, table=reading.table.model_copy(update={"columns": columns}))
    try:
        records = pl.scan_parquet(loader.parsed(plant, source_id, reading.table, export))
        rows = conform(records, asked).accepted
    except (PlantlakeError, pl.exceptions.PolarsError):
        return None
    return rows.select("equipment_id", "start_ts", "end_ts", "source_state").filter(pl.col("source_state").is_not_null())


def known(words: pl.Series, rule: Column) -> pl.Series:
    """Whether the map of a column of states knows each word; without a map the words are classes, or words of a standard, themselves.

    >>> known(pl.Series(["R", "X", "RUN"]), Column(from_=("State",), map={"R": "RUN"})).to_list()
    [True, False, False]
    """
    if rule.map is None:
        return words.is_in([*EVENT_CLASSES, *states.words()])
    listed, keys = map_words(rule.map, words)
    return keys.is_in(list(listed))


# --- reasons and materials ------------------------------------------------------------------------------------------------------------


def reason_codes(reader: Snapshot, plant: PlantFile, vocabularies: Vocabularies) -> list[ReasonCode]:
    """Reason codes without an approved line, longest first."""
    rows = reader.rows(
        """SELECT source_system, source_reason_code, CAST(sum(duration_s) AS DOUBLE), count(DISTINCT event_id) FROM int_time_segment
        WHERE plant_id = ? AND source_reason_code IS NOT NULL AND time_class <> 'APT'
        GROUP BY ALL ORDER BY 3 DESC, 1, 2""",
        [plant.plant],
    )
    waiting = {
        (row["source"], row["source_code"]): row["reason_code"]
        for row in vocabularies.rows("reason_map", plant.plant)
        if not row["approved_at"]
    }
    return [
        ReasonCode(source, code, seconds, stops, waiting.get((source, code)) or waiting.get(("", code)) or waiting.get(("*", code)))
        for source, code, seconds, stops in rows
    ]


def unrated_materials(reader: Snapshot, loader: Loader, plant: PlantFile) -> list[UnratedMaterial]:
    """Materials of which pieces or run time have no ideal rate, most pieces first."""
    found = reader.query(
        """WITH made AS (
            SELECT material_key, equipment_id, sum(pq) AS pieces, 0 AS seconds FROM int_count_ledger
            WHERE plant_id = $plant AND pri_s IS NULL AND coalesce(pq, 0) <> 0 GROUP BY ALL
            UNION ALL
            SELECT material_key, equipment_id, 0, sum(apt_s - apt_rated_s) FROM mart_kpi_parts_shift
            WHERE plant_id = $plant AND valid_to_release IS NULL AND material_key <> '~' AND apt_s > apt_rated_s GROUP BY ALL
        )
        SELECT m.material_key, CAST(sum(m.pieces) AS DOUBLE) AS pieces, CAST(sum(m.seconds) AS DOUBLE) AS seconds,
            list_sort(list(DISTINCT coalesce(e.equipment_code, m.equipment_id))) AS machines
        FROM made AS m LEFT JOIN equipment AS e ON m.equipment_id = e.equipment_id AND e.is_current
        GROUP BY m.material_key ORDER BY pieces DESC, seconds DESC, m.material_key""",
        {"plant": plant.plant},
    )
    numbers = dict(silver.read(loader.lake, "material", [plant.plant]).select("material_id", "local_material_no").collect().iter_rows())
    return [
        UnratedMaterial(None if key == "?" else numbers.get(key, key), pieces, seconds, machines)
        for key, pieces, seconds, machines in found.rows()
    ]


# --- units ----------------------------------------------------------------------------------------------------------------------------


def conversions(loader: Loader, plant: PlantFile, exports: Sequence[ExportRow]) -> list[Conversion]:
    """Every column of a quantity, duration, energy or rate that the plant file maps, once for each unit that its records have."""
    found: list[Conversion] = []
    for source_id, source in plant.sources.items():
        own = [row for row in exports if row.source_system == source_id]
        for table, mapped in source.tables.items():
            rules = {name: rule for name, rule in mapped.columns.items() if TABLES[table].inputs[name].dimension in DEFAULT_UNITS}
            seen: set[tuple[str, str]] = set()
            for item in _of_exports(loader, plant, source_id, table, rules, own):
                if (item.column, item.unit) not in seen:
                    seen.add((item.column, item.unit))
                    found.append(item)
    return found


def _of_exports(
    loader: Loader, plant: PlantFile, source_id: str, table: str, rules: Mapping[str, Column], exports: Sequence[ExportRow]
) -> Iterator[Conversion]:
    if not rules:
        return
    for export in exports:
        reading = loader.reading(plant, source_id, table, export)
        try:
            records = as_mapped(pl.read_parquet(loader.parsed(plant, source_id, reading.table, export)), reading.source)
            check_columns(reading, records.columns)
            kept = records.filter(mark_skipped(records, reading.table).is_null())
            for name, rule in ((name, reading.table.columns[name]) for name in rules if name in reading.table.columns):
                yield from _of_column(_examples(kept, rule), reading, name, rule)
        except (PlantlakeError, pl.exceptions.PolarsError):  # told where the export was not loaded
            continue


def _examples(records: pl.DataFrame, rule: Column) -> pl.DataFrame:
    """A record for each unit of a column, one with another number than 0 where there is one."""
    texts = [as_text(records, name) for name in rule.from_ or ()]
    if not texts:
        return records.head(1)
    told = records.filter(pl.any_horizontal(text.is_not_null() for text in texts))
    ordered = told.sort(pl.any_horizontal(text.str.contains("[1-9]") for text in texts), descending=True, maintain_order=True)
    return ordered.unique(rule.unit_from, keep="first", maintain_order=True) if rule.unit_from else ordered.head(1)


def _of_column(records: pl.DataFrame, reading: Reading, name: str, rule: Column) -> Iterator[Conversion]:
    dimension = str(TABLES[reading.table_name].inputs[name].dimension)
    alone = replace(reading, table=Table(columns={name: rule}))
    values = evaluate(records, alone, TABLES[reading.table_name])[name]
    words = records.select(as_text(records, rule.unit_from).alias("u"))["u"] if rule.unit_from else pl.Series([None] * len(records))
    for place, (value, word) in enumerate(zip(values, words, strict=True)):
        unit = word or rule.unit or DEFAULT_UNITS[dimension]
        if value is None:
            continue
        to_unit, factor, is_inverted = _factor(unit, dimension, reading)
        text = " + ".join(str(records[column][place]).strip() for column in rule.from_ or () if records[column][place] is not None)
        yield Conversion(
            reading.source_id, reading.table_name, name, ", ".join(rule.from_ or ()), unit, bool(word or rule.unit), to_unit, factor,
            is_inverted, text or str(rule.const or rule.sql), float(value), reading.export, int(records["_row"][place]),
        )  # fmt: skip


def _factor(unit: str, dimension: str, reading: Reading) -> tuple[str, float, bool]:
    if dimension == "duration_per_item":
        factor, is_inverted = units.seconds_per_item(unit, reading.unit_aliases)
        return "s per piece", factor, is_inverted
    found = units.unit(unit, reading.unit_aliases)
    return found.canonical, found.factor, False
