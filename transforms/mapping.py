"""Executes the mapping vocabulary of a plant file on the records of one export, set-based.

Here: one function a word of the vocabulary (join, split, map, number, time, unit, negate ...); each canonical input becomes a
column of values, and what cannot be read becomes a named reason. Elsewhere: the words (`connectors.models`), the canonical tables
made of the inputs (`transforms.canonical`), acceptance (`transforms.conform`), time zones (`transforms.clock`).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple

import polars as pl

from connectors.contract import ROW, SURPLUS
from connectors.errors import ConfigError, ConformError, Problem, closest, listed
from connectors.models import Column, Condition, PlantFile, Source, Table
from transforms import states, units
from transforms.counters import steps
from transforms.keys import salted_hash
from transforms.numbers import parse_booleans, parse_numbers
from transforms.stamps import instants, local_dates, shift_bounds
from transforms.tables import TABLES, Input, TableSpec

REJECT = "_reject"
"""Column with the list of reasons for which a record is not accepted, each `RULE: detail`."""


class Rename(NamedTuple):
    """A column of earlier exports that an export seems to have under another name."""

    name: str
    because: str
    """What the two have in common, in words."""


@dataclass(frozen=True)
class Reading:
    """What conform knows of one export beside its records."""

    plant: PlantFile
    source_id: str
    source: Source
    table_name: str
    table: Table
    export: str
    batch_id: str
    export_order: str
    extracted_at: datetime | None
    ingested_at: datetime
    transform_version: str
    state_method: str = "MEASURED"
    unit_aliases: Mapping[str, str] = field(default_factory=dict)
    known_equipment: frozenset[str] | None = None
    salt: str = ""
    """What is hashed with the names of persons and customers."""
    renames: Callable[[Sequence[str]], Mapping[str, Rename]] | None = None
    """Of mapped columns that are not in the export: under which name it seems to have them, by what earlier exports held there."""

    @property
    def secret_columns(self) -> frozenset[str]:
        """The source columns that hold names of persons or customers: nothing keeps what they say."""
        return frozenset(secret_columns(self.source))

    @property
    def zone(self) -> str:
        return self.source.timezone or self.plant.timezone

    @property
    def fix_path(self) -> str:
        return f"plants/{self.plant.plant}.yaml → sources.{self.source_id}.tables.{self.table_name}"

    def problem(self, message: str, **more: str | None) -> Problem:
        place = {"plant": self.plant.plant, "source": self.source_id, "table": self.table_name, "export": self.export}
        return Problem(message, **{**place, **more})  # type: ignore[arg-type]


def secret_columns(source: Source) -> Iterator[str]:
    """The columns of a source's records that any of its tables takes a secret from, under every name that they ever had."""
    mapped = [(table, name, rule) for table, about in source.tables.items() for name, rule in about.columns.items()]
    for change in source.changes:
        mapped += [(table, name, rule) for table, about in change.tables.items() for name, rule in about.columns.items() if rule]
    found = {
        column
        for table, name, rule in mapped
        if table in TABLES and name in TABLES[table].inputs and TABLES[table].inputs[name].is_secret
        for column in rule.from_ or ()
    }
    yield from sorted(found | {new for new, old in source.renamed.items() if old in found})


def as_mapped(frame: pl.DataFrame, source: Source) -> pl.DataFrame:
    """The records with the columns that were renamed under the names that the mapping has for them."""
    names = {new: old for new, old in source.renamed.items() if new in frame.columns and old not in frame.columns}
    return frame.rename(names) if names else frame


def veiled(frame: pl.DataFrame, reading: Reading) -> pl.DataFrame:
    """The records with a salted hash instead of every name of a person or a customer.

    Of a record with more fields than the header nobody knows which field holds what: all of it is hashed.
    """
    secret = reading.secret_columns & set(frame.columns)
    if not secret:
        return frame
    shifted = pl.col(SURPLUS).is_not_null() if SURPLUS in frame.columns else pl.lit(False)
    texts = {name: as_text(frame, name) for name in frame.columns if name != ROW}
    shown = {name: pl.lit(None, dtype=pl.String) if name in secret else pl.when(~shifted).then(text) for name, text in texts.items()}
    return frame.with_columns(pl.coalesce(shown[name], salted_hash(reading.salt, text)).alias(name) for name, text in texts.items())


def check_columns(reading: Reading, columns: Sequence[str]) -> None:
    """Raises ConformError naming every mapped source column that the export does not have, with the closest it has."""
    named = {
        (f"columns.{name}", text)
        for name, rule in reading.table.columns.items()
        for text in [
            *(rule.from_ or ()),
            *((rule.since and rule.since.from_) or ()),
            *((rule.counter and rule.counter.by) or ()),
            rule.unit_from,
            rule.shift,
            rule.negate and rule.negate.column,
        ]
        if text and not _is_pattern(text)
    }
    named |= {(f"skip.{name}", condition.column) for name, condition in reading.table.skip.items()}
    named |= {("withdrawn", test.column) for test in [reading.table.withdrawn] if test}
    named |= {("key", text) for text in reading.table.key or ()}
    missing = sorted((place, text) for place, text in named if text not in columns)
    if missing:
        renames = reading.renames([text for _, text in missing]) if reading.renames else {}
        raise ConformError([_not_there(reading, place, text, columns, renames.get(text)) for place, text in missing])


def _not_there(reading: Reading, place: str, text: str, columns: Sequence[str], rename: Rename | None) -> Problem:
    """A mapped column that an export lacks. What earlier exports had is renamed for all; what none ever had is a slip of the mapping."""
    shown = [column for column in columns if column != ROW]
    told, found = f"Column '{text}' is mapped in {place} but is not in the file.", listed(shown, 40)
    if rename:
        source = f"plants/{reading.plant.plant}.yaml → sources.{reading.source_id}"
        return reading.problem(
            told, found=found, closest=f"{rename.name} ({rename.because})", fix=f"{source}.renamed: {{{rename.name}: {text}}}"
        )
    near = closest(text, shown)
    fix = f"{reading.fix_path}.{place}: {near or '<a column of the file>'}" + ("; null leaves it out" if reading.source.preset else "")
    return reading.problem(told, found=found, closest=near, fix=fix)


def _is_pattern(text: str) -> bool:
    return len(text) > 2 and text.startswith("/") and text.endswith("/")


def as_text(frame: pl.DataFrame, name: str) -> pl.Expr:
    """A source column as text without the blanks around it; what is empty becomes null. Whole numbers lose their '.0'."""
    dtype = frame.schema[name]
    column = pl.col(name)
    if dtype.is_float():
        whole = column.cast(pl.Int64, strict=False)
        column = pl.when(whole == column).then(whole.cast(pl.String)).otherwise(column.cast(pl.String))
    elif dtype == pl.Boolean:
        column = column.cast(pl.String)
    elif dtype.is_temporal():
        column = column.dt.to_string("iso")
    elif dtype != pl.String:
        column = column.cast(pl.String)
    stripped = column.str.strip_chars()
    return pl.when(stripped != "").then(stripped)


def condition(frame: pl.DataFrame, test: Condition) -> pl.Expr:
    """True where a record meets the condition; never null."""
    text = as_text(frame, test.column)
    if test.empty is not None:
        return text.is_null() == test.empty
    if test.matches is not None:
        return text.str.contains(test.matches).fill_null(False)
    if test.in_ is not None:
        return text.fill_null("").is_in([word.strip() for word in test.in_])
    return ~text.fill_null("").is_in([word.strip() for word in test.not_in or ()])


def mark_skipped(frame: pl.DataFrame, table: Table) -> pl.Series:
    """The name of the first `skip` entry that each record meets, null for the records of this table."""
    name: pl.Expr = pl.lit(None, dtype=pl.String)
    if not table.skip:
        return pl.Series("skip", [None], dtype=pl.String).new_from_index(0, len(frame))
    for skip, test in reversed(table.skip.items()):
        name = pl.when(condition(frame, test)).then(pl.lit(skip)).otherwise(name)
    return frame.with_columns(name.alias("skip"))["skip"]


def evaluate(frame: pl.DataFrame, reading: Reading, spec: TableSpec) -> pl.DataFrame:
    """The inputs of a canonical table, one column each, with `_row`, `_reject` and, for times, the text as delivered.

    Inputs that the plant file does not map are null of their type. A value that is there but cannot be read is null and names
    its reason in `_reject`.
    """
    out = frame.select(ROW)
    reasons: list[pl.Series] = []
    for name, wanted in spec.inputs.items():
        rule = reading.table.columns.get(name)
        if rule is None:
            out = out.with_columns(pl.lit(None, dtype=_DTYPES[wanted.type]).alias(name))
            continue
        with _told(reading, f"columns.{name}", rule.sql or rule.regex):
            columns, found = _value(frame, reading, name, wanted, rule, out)
        out = out.with_columns(columns)
        reasons += found
        if wanted.required:
            reasons += missing(out[name], found, f"MISSING: {name}")
    return out.with_columns(collect_reasons(reasons, len(out)))


_DTYPES: dict[str, pl.DataType | type[pl.DataType]] = {
    "text": pl.String,
    "time": pl.Datetime("us", "UTC"),
    "date": pl.Date,
    "number": pl.Float64,
    "integer": pl.Int64,
    "boolean": pl.Boolean,
}

Found = tuple[list[pl.Series], list[pl.Series]]


def _value(frame: pl.DataFrame, reading: Reading, name: str, wanted: Input, rule: Column, before: pl.DataFrame) -> Found:
    """One input; `before` holds those that stand before it in the table."""
    if wanted.type == "time":
        return _time(frame, reading, name, rule)
    if wanted.type == "date":
        return _date(frame, reading, name, rule)
    if wanted.type in ("number", "integer"):
        return _number(frame, reading, name, wanted, rule, before)
    text, reasons = _text(frame, reading, name, rule)
    if wanted.type == "boolean":
        value = pl.DataFrame({name: text}).select(parse_booleans(pl.col(name)).alias(name))[name]
        return [value], [*reasons, *_unread(text, value, f"NOT_A_BOOLEAN: {name}")]
    if wanted.is_secret:
        unread = [reason.str.replace(r" '.*'$", "") for reason in reasons]
        return [pl.DataFrame({name: text}).select(salted_hash(reading.salt, pl.col(name)).alias(name))[name]], unread
    return [text.rename(name)], reasons


def _text(frame: pl.DataFrame, reading: Reading, name: str, rule: Column) -> tuple[pl.Series, list[pl.Series]]:
    """The text of a column after join, nulls, split, regex, default and map; and the reasons of what `map` refuses."""
    raw = frame.with_columns(_origin(frame, reading, name, rule).alias("t"))["t"]
    text = raw.to_frame().select(shaped(pl.col("t"), rule).alias("t"))["t"]
    if rule.map is None:
        return text, []
    words, key = map_words(rule.map, text)
    mapped = key.replace_strict(words, default=None, return_dtype=pl.String)
    unknown = text.is_not_null() & ~key.is_in(list(words))
    if rule.else_ == "reject":
        return mapped, _reason(unknown, f"UNMAPPED_VALUE: {name}", text)
    other = {"keep": text, "empty": pl.Series([None] * len(text), dtype=pl.String)}.get(rule.else_)
    instead = other if other is not None else pl.Series([rule.else_] * len(text), dtype=pl.String)
    return mapped.zip_with(~unknown, instead) if len(text) else mapped, []


def map_words(given: dict[str, str] | str, text: pl.Series) -> tuple[dict[str, str], pl.Series]:
    """What `map` gives, and the texts as it writes them: its own words exactly, names of a standard's states without case and blanks."""
    if isinstance(given, str):
        return states.of_standard(given), states.plain(text)
    return {key.strip(): value for key, value in given.items()}, text


def _origin(frame: pl.DataFrame, reading: Reading, name: str, rule: Column) -> pl.Expr:
    if rule.const is not None:
        return pl.lit(rule.const)
    if rule.from_name is not None:
        return pl.lit(_of_name(reading, name, rule.from_name))
    if rule.sql is not None:
        return pl.sql_expr(rule.sql).cast(pl.String)
    parts = [as_text(frame, column) for column in rule.from_ or ()]
    if len(parts) == 1:
        return parts[0]
    joined = pl.concat_str(parts, separator=rule.sep, ignore_nulls=True)
    return pl.when(pl.any_horizontal(part.is_not_null() for part in parts)).then(joined)


def _of_name(reading: Reading, name: str, pattern: str) -> str:
    """What a column takes from the export's name. Raises ConformError where the name does not fit."""
    found = re.search(pattern, reading.export)
    if found is None or not found[1]:
        fix = f"{reading.fix_path}.columns.{name}.from_name"
        raise ConformError(reading.problem(f"The export's name does not give '{name}'.", found=reading.export, fix=f"{fix}: {pattern}"))
    return found[1]


@contextmanager
def _told(reading: Reading, place: str, rule: str | None) -> Iterator[None]:
    """What the engine says of a rule that it cannot execute (an SQL expression, a regular expression), with the key to edit."""
    try:
        yield
    except pl.exceptions.PolarsError as error:
        said = (str(error).splitlines() or [type(error).__name__])[0][:300]
        raise ConformError(
            reading.problem(f"The rule of {place} cannot be used: {said}.", found=rule, fix=f"{reading.fix_path}.{place}")
        ) from error


def shaped(text: pl.Expr, rule: Column) -> pl.Expr:
    if rule.nulls:
        text = pl.when(~text.is_in([word.strip() for word in rule.nulls])).then(text)
    if rule.split:
        part = rule.split.part - 1 if rule.split.part > 0 else rule.split.part
        text = text.str.split(rule.split.sep).list.get(part, null_on_oob=True).str.strip_chars()
    if rule.regex:
        groups = [text.str.extract(rule.regex, number) for number in range(1, re.compile(rule.regex).groups + 1)]
        text = groups[0] if len(groups) == 1 else pl.concat_str(groups, separator=rule.sep)
    if rule.default is not None:
        text = text.fill_null(rule.default)
    if rule.prefix is not None:
        text = pl.lit(rule.prefix) + text
    return pl.when(text != "").then(text)


def _number(frame: pl.DataFrame, reading: Reading, name: str, wanted: Input, rule: Column, before: pl.DataFrame) -> Found:
    """Numbers in the canonical unit of their dimension; `<name>_uom` and `<name>_source_uom` for quantities."""
    value, reasons = _sum(frame, reading, name, rule) if rule.sum else _plain_number(frame, reading, name, rule)
    if rule.counter:
        apart = [before["equipment"], *(frame.select(as_text(frame, column).alias("k"))["k"] for column in rule.counter.by)]
        value = steps(value, apart, before["event_ts"], rule.counter.modulus)
    if rule.negate:
        turned = frame.select(pl.when(condition(frame, rule.negate)).then(-1.0).otherwise(1.0).alias("s"))["s"]
        value = value * turned
    extra: list[pl.Series] = []
    if wanted.dimension == "duration_per_item":
        value = _per_item(value, reading, rule)
    elif wanted.dimension is not None:
        value, extra, more = _convert(frame, reading, name, wanted, rule, value)
        reasons = [*reasons, *more]
    if wanted.type == "integer":
        value = value.cast(pl.Int64, strict=False)
    return [value.rename(name), *extra], reasons


def _plain_number(frame: pl.DataFrame, reading: Reading, name: str, rule: Column) -> tuple[pl.Series, list[pl.Series]]:
    single = rule.from_[0] if rule.from_ and len(rule.from_) == 1 else None
    if single and frame.schema[single].is_numeric() and not (rule.nulls or rule.map or rule.regex or rule.split or rule.default):
        value = frame[single].cast(pl.Float64)
        return value.set(~value.is_finite(), None) if len(value) else value, []
    text, reasons = _text(frame, reading, name, rule)
    options = reading.source.options
    parsed = parse_numbers(pl.col("t"), decimal=options.get("decimal", "."), thousands=options.get("thousands", ""))
    value = text.rename("t").to_frame().select(parsed.alias("t"))["t"]
    return value, [*reasons, *_unread(text, value, f"NOT_A_NUMBER: {name}")]


def _sum(frame: pl.DataFrame, reading: Reading, name: str, rule: Column) -> tuple[pl.Series, list[pl.Series]]:
    parts: list[pl.Series] = []
    reasons: list[pl.Series] = []
    for column in rule.from_ or ():
        value, found = _plain_number(frame, reading, name, rule.model_copy(update={"from_": (column,), "sum": False}))
        parts.append(value.rename(column))
        reasons += found
    columns = pl.DataFrame(parts)
    total = pl.when(pl.any_horizontal(pl.all().is_not_null())).then(pl.sum_horizontal(pl.all()))
    return columns.select(total.alias(name))[name], reasons


def _per_item(value: pl.Series, reading: Reading, rule: Column) -> pl.Series:
    factor, inverted = _unit_of(reading, rule, lambda text: units.seconds_per_item(text, reading.unit_aliases), "s")
    return factor / value if inverted else value * factor


def _unit_of(reading: Reading, rule: Column, find: object, default: str) -> tuple[float, bool]:
    try:
        return find(rule.unit or default)  # type: ignore[operator, no-any-return]
    except ConfigError as error:
        raise ConformError(
            [problem.at(plant=reading.plant.plant, source=reading.source_id, table=reading.table_name) for problem in error.problems]
        ) from error


def _convert(
    frame: pl.DataFrame, reading: Reading, name: str, wanted: Input, rule: Column, value: pl.Series
) -> tuple[pl.Series, list[pl.Series], list[pl.Series]]:
    default = {"quantity": units.PIECE, "duration": "s", "energy": "kW.h"}.get(wanted.dimension or "", "1")
    if rule.unit_from:
        texts = frame.select(as_text(frame, rule.unit_from).alias("u"))["u"].fill_null(rule.unit or default)
    else:
        texts = pl.Series([rule.unit or default] * len(frame), dtype=pl.String)
    known: dict[str, units.Unit] = {}
    for word in texts.unique().to_list():
        try:
            known[word] = units.unit(word, reading.unit_aliases, of=_CANONICAL.get(wanted.dimension or ""))
        except ConfigError as error:
            if not rule.unit_from:
                raise ConformError(
                    [
                        replaced.at(plant=reading.plant.plant, source=reading.source_id, table=reading.table_name)
                        for replaced in error.problems
                    ]
                ) from error
    unknown = value.is_not_null() & ~texts.is_in(list(known))
    factor = texts.replace_strict({w: u.factor for w, u in known.items()}, default=None, return_dtype=pl.Float64)
    canonical = texts.replace_strict({w: u.canonical for w, u in known.items()}, default=None, return_dtype=pl.String)
    source = texts.replace_strict({w: u.ucum for w, u in known.items()}, default=None, return_dtype=pl.String)
    reasons = _reason(unknown, f"UNKNOWN_UNIT: {name}", texts)
    return value * factor, [canonical.rename(f"{name}_uom"), source.rename(f"{name}_source_uom")], reasons


_CANONICAL = {"duration": "s", "energy": "kW.h"}
"""Dimensions of which every unit has this canonical one."""


def _time(frame: pl.DataFrame, reading: Reading, name: str, rule: Column) -> Found:
    """An instant in UTC, with `<name>_source` (text as delivered) and `<name>_flag` (DST_AMBIGUOUS)."""
    if rule.shift:
        return _shift_start(frame, reading, name, rule)
    if rule.since:
        return _counted_time(frame, reading, name, rule, rule.since)
    single = rule.from_[0] if rule.from_ and len(rule.from_) == 1 else None
    typed = single is not None and frame.schema[single].is_temporal() and frame.schema[single] not in (pl.Time, pl.Duration)
    reasons: list[pl.Series] = []
    if typed:
        text, raw = frame.select(as_text(frame, str(single)).alias(name))[name], frame[str(single)]
    else:
        text, reasons = _text(frame, reading, name, rule)
        raw = text
    zone = rule.timezone or reading.zone
    stamps = instants(raw, rule.format, zone, no_dst=reading.source.no_dst, by=_clock_of(frame, reading))
    value, flag = stamps["ts"], stamps["flag"]
    if rule.stamped == "end":
        value = value.dt.offset_by("-1us")
    missing_hour = flag.eq_missing("DST_NONEXISTENT")
    reasons += _reason(missing_hour, f"DST_NONEXISTENT: {name}", text)
    reasons += _reason(text.is_not_null() & value.is_null() & ~missing_hour, f"NOT_A_TIME: {name}", text)
    kept = flag.set(missing_hour, None) if len(flag) else flag
    return [value.rename(name), text.rename(f"{name}_source"), kept.rename(f"{name}_flag")], reasons


def _counted_time(frame: pl.DataFrame, reading: Reading, name: str, rule: Column, since: Column) -> Found:
    """An instant that is told as the time since another."""
    (start, _, flag), reasons = _time(frame, reading, name, since)
    text, unread = _text(frame, reading, name, rule)
    count, not_numbers = _plain_number(frame, reading, name, rule)
    factor, _ = _unit_of(reading, rule, lambda word: (units.unit(word, reading.unit_aliases, of="s").factor, False), "s")
    passed = (count * factor * 1_000_000).round().cast(pl.Int64).cast(pl.Duration("us"))
    value = start + passed
    if rule.stamped == "end":
        value = value.dt.offset_by("-1us")
    return [value.rename(name), text.rename(f"{name}_source"), flag.rename(f"{name}_flag")], [*reasons, *(not_numbers or unread)]


def _clock_of(frame: pl.DataFrame, reading: Reading) -> pl.Series | None:
    """Whose clock each record was written by, as far as the mapping tells: rows of several machines may be mixed in a file."""
    rule = reading.table.columns.get("equipment") or reading.table.columns.get("tag")
    if rule is None or not rule.from_ or any(name not in frame.columns for name in rule.from_):
        return None
    return frame.select(pl.concat_str([as_text(frame, name) for name in rule.from_], ignore_nulls=True).alias("clock"))["clock"]


def _date(frame: pl.DataFrame, reading: Reading, name: str, rule: Column) -> Found:
    """A local calendar day."""
    single = rule.from_[0] if rule.from_ and len(rule.from_) == 1 else None
    if single is not None and frame.schema[single].is_temporal():
        return [frame[single].cast(pl.Date).rename(name)], []
    text, reasons = _text(frame, reading, name, rule)
    value = local_dates(text, rule.format)
    return [value.rename(name)], [*reasons, *_unread(text, value, f"NOT_A_DATE: {name}")]


def _shift_start(frame: pl.DataFrame, reading: Reading, name: str, rule: Column) -> Found:
    """The start of the named shift on the local day given by `from`."""
    (day,), reasons = _date(frame, reading, name, rule)
    code = frame.select(as_text(frame, str(rule.shift)).alias("c"))["c"]
    bounds = shift_bounds(day, code, reading.plant)
    unknown = code.is_not_null() & ~code.is_in(list(reading.plant.shifts))
    text = day.cast(pl.String) + " " + code
    reasons += _reason(unknown, f"UNKNOWN_SHIFT: {name}", code)
    return [bounds["start_ts"].rename(name), bounds["end_ts"].rename(f"{name}_until"), text.rename(f"{name}_source")], reasons


def evaluate_sample(frame: pl.DataFrame, reading: Reading) -> tuple[pl.DataFrame, list[pl.Series]]:
    """`_row`, `ts` and the texts of a historian's records: `tag`, `value` and `quality` of long files, `tag` of wide ones that have it."""
    rules = reading.table.columns
    with _told(reading, "columns.ts", rules["ts"].sql or rules["ts"].regex):
        (ts, *_), reasons = _time(frame, reading, "ts", rules["ts"])
    reasons += missing(ts, reasons, "MISSING: ts")
    out = frame.select(ROW).with_columns(ts.alias("ts"))
    for name in ("tag", "value", "quality") if "tags" not in rules else ("tag",) * ("tag" in rules):
        rule = rules.get(name, _NOTHING)
        with _told(reading, f"columns.{name}", rule.sql or rule.regex):
            text, found = _text(frame, reading, name, rule)
        reasons += found
        if name == "tag":
            reasons += missing(text, found, "MISSING: tag")
        out = out.with_columns(text.alias(name))
    return out, reasons


_NOTHING = Column(const="")


def missing(value: pl.Series, reasons: Sequence[pl.Series], text: str) -> list[pl.Series]:
    """The reason of values that are not there and have no reason yet."""
    if not value.null_count():
        return []
    absent = value.is_null()
    for told in reasons:
        absent &= told.is_null()
    return _reason(absent, text)


def _unread(text: pl.Series, value: pl.Series, rule: str) -> list[pl.Series]:
    """The reason of texts that are there but have no value."""
    if text.null_count() == value.null_count():
        return []
    return _reason(text.is_not_null() & value.is_null(), rule, text)


def _reason(where: pl.Series, rule: str, text: pl.Series | None = None) -> list[pl.Series]:
    """The rule, with the text that broke it, where the condition holds, else null; nothing where it holds nowhere."""
    if not where.any():
        return []
    said = pl.lit(rule) if text is None else pl.lit(f"{rule} '") + pl.col("t").fill_null("") + pl.lit("'")
    frame = pl.DataFrame({"w": where, "t": where if text is None else text})
    return [frame.select(pl.when(pl.col("w")).then(said).alias("r"))["r"]]


def collect_reasons(reasons: Sequence[pl.Series], length: int) -> pl.Series:
    """One list of reasons a record."""
    if not reasons:
        return pl.Series(REJECT, [[]], dtype=pl.List(pl.String)).new_from_index(0, length)
    frame = pl.DataFrame([series.alias(str(i)) for i, series in enumerate(reasons)])
    return frame.select(pl.concat_list(pl.all()).list.drop_nulls().alias(REJECT))[REJECT]
