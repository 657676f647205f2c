"""Chosen columns as mappings of a plant file: formats, joined dates and clocks, maps of states, units, reversals, keys.

Here: pure functions from facts to the values below `columns:`. Elsewhere: the choice (`pipelines.draft.tables`), the text
(`pipelines.draft.plant_yaml`).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import polars as pl

from connectors.plant_rules import closed_words
from connectors.quality import opc_classic
from pipelines.draft import names
from pipelines.draft.facts import Facts, key_of, sums
from pipelines.draft.guess import Guess, unknown
from pipelines.draft.tables import Chosen, Match
from pipelines.draft.times import Moment
from transforms.tables import TABLES

Tree = dict[Any, Any]
MOVEMENTS = {
    "101": "RECEIPT_PROD", "102": "RECEIPT_PROD", "131": "RECEIPT_PROD", "261": "ISSUE_PROD", "262": "ISSUE_PROD", "531": "RECEIPT_PROD",
    "551": "SCRAP", "552": "SCRAP", "601": "ISSUE_SALES", "602": "ISSUE_SALES", "311": "TRANSFER", "312": "TRANSFER", "701": "ADJUST",
    "702": "ADJUST", "122": "RECEIPT_PO", "161": "RECEIPT_PO",
}  # fmt: skip
"""Movement types of SAP; 101 is a receipt from a purchase order too."""
MATERIALS = ("RAW", "CONSUMABLE", "SEMI", "FINISHED", "BYPRODUCT")
MOST_WORDS = 40
CLASSES = "RUN, SETUP, DELAY_EQ, DELAY_ORG, IDLE, STOP (its reason tells) or UNKNOWN"


@dataclass
class Drafted:
    """A canonical table of the plant file, and what a person should know beside it."""

    tree: Tree
    used: set[str] = field(default_factory=set)
    shifts: list[str] = field(default_factory=list)
    """Codes of shifts that the table's times need."""
    states: bool = False


def drafted(chosen: Chosen, facts: Sequence[Facts], texts: pl.DataFrame, records: str | None = None) -> Drafted:
    """The table's entry below `tables:`."""
    if chosen.table == "historian_sample" and "tag" not in chosen.matches:
        return _wide(chosen, facts)
    writer = _Writer(chosen, facts)
    columns = writer.columns()
    tree: Tree = {"records": Guess(records)} if records else {}
    if chosen.table != "historian_sample":
        tree |= _key(chosen, columns, texts, writer)
    if intervals := _intervals(chosen, texts):
        tree["intervals"] = intervals
    tree |= writer.skips
    tree["columns"] = columns
    return Drafted(tree, writer.used, writer.shifts, "state_class" in columns)


class _Writer:
    """The columns of one table, one after the other."""

    def __init__(self, chosen: Chosen, facts: Sequence[Facts]):
        self.chosen, self.facts = chosen, facts
        self.matches = dict(chosen.matches)
        self.spec = TABLES[chosen.table]
        self.used: set[str] = set()
        self.shifts: list[str] = []
        self.skips: Tree = {}

    def columns(self) -> Tree:
        self._settle()
        found: Tree = {}
        for name, wanted in self.spec.inputs.items():
            match = self.matches.get(name)
            if match is None or (match.facts.is_empty and name == "tag"):
                if wanted.required or (self.chosen.table, name) == ("historian_sample", "tag"):
                    found |= self._missing(name)
                continue
            self.used.add(match.facts.name)
            if wanted.type in ("time", "date"):
                found[name] = self._time(name, match, wanted.type)
            elif wanted.type in ("number", "integer"):
                found[name] = self._number(name, match)
            elif name == "state_class":
                found |= {"source_state": Guess(match.facts.name), name: self._states(match)}
            elif name == "movement_class":
                found[name] = self._mapped(match, self._movements(), "a movement type of SAP")
            elif name == "quality":
                found[name] = self._quality(match)
            elif name in self._known_words():
                found |= self._closed(name, match)
            else:
                found[name] = self._text(name, match)
        self._end_by_clock(found)
        self._reversals(found)
        return found

    # --- which column is which, once more, by what they hold together

    def _settle(self) -> None:
        """Ends that lie before their starts are the other way round; a total of two other columns is the total."""
        if self.chosen.table == "equipment_state_event" and "duration" in self.matches and "end_ts" in self.matches:
            del self.matches["duration"]
        self._settle_ends()
        if self.chosen.table == "production_count":
            self._settle_sums()

    def _end_by_clock(self, columns: Tree) -> None:
        """A state with one day and two clocks: the second one is its end."""
        start = self.matches.get("start_ts")
        if self.chosen.table != "equipment_state_event" or {"end_ts", "duration"} & set(columns) or start is None or not start.facts.moment:
            return
        clock = next(
            (fact for fact in self.facts if fact.is_clock and fact.scores.get("end", 0) >= names.PART and fact.name not in self.used), None
        )
        if clock is None or clock.moment is None or start.facts.moment.has_clock:
            return
        self.used.add(clock.name)
        formats = _joined(start.facts.moment, clock.moment)
        entry = {"from": [start.facts.name, clock.name], "format": formats[0] if len(formats) == 1 else list(formats)}
        columns["end_ts"] = Guess(entry, "an end after midnight would lie before its start", 70)

    def _settle_ends(self) -> None:
        for first, last in (("start_ts", "end_ts"), ("start_ts", "event_ts"), ("actual_start_ts", "actual_end_ts")):
            one, other = self.matches.get(first), self.matches.get(last)
            if one and other and one.facts.moment and other.facts.moment:
                rows = pl.DataFrame({"a": one.facts.moment.naive, "b": other.facts.moment.naive}).drop_nulls()
                if rows.height and float((rows["a"] > rows["b"]).mean() or 0) > 0.9:  # type: ignore[arg-type]
                    self.matches[first], self.matches[last] = other, one

    def _settle_sums(self) -> None:
        roles = ("produced_qty", "good_qty", "scrap_qty")
        held = {name: self.matches[name].facts for name in roles if name in self.matches}
        found = sums(self.facts) if 1 <= len(held) < 3 or any(self.matches[name].score < 90 for name in held) else None
        for name, fact in zip(roles, found or (), strict=False):
            if name not in held and all(fact is not other for other in held.values()):
                self.matches[name] = Match(fact, name, 80, ())

    # --- one column

    def _missing(self, name: str) -> Tree:
        wanted = self.spec.inputs[name]
        told = f"no column was found for {wanted.doc or wanted.type}"
        if wanted.type in ("time", "date") or wanted.is_secret:
            return {name: unknown(told)}
        return {name: {"const": unknown(f"{told}; the same for all records?")}}

    def _text(self, name: str, match: Match) -> Any:
        if name == "document" and (item := self._item(match)):
            self.used.add(item.name)
            year = [fact.name for fact in self.facts if fact.name.upper() == "MJAHR" and match.facts.name.upper() == "MBLNR"]
            self.used.update(year)
            return _sured({"from": [match.facts.name, *year, item.name], "sep": "-"}, match)
        if name == "tag" and (device := self._device(match)):
            return Guess({"from": [device.name, match.facts.name], "sep": "/"}, f"{device.distinct} devices in one export", 85)
        if name == "value" and (words := [word for word, _ in match.facts.words if word.upper() == "UNAVAILABLE"]):
            return _sured({"from": match.facts.name, "nulls": [*match.facts.nulls, *words]}, match)
        if match.facts.nulls:
            return _sured({"from": match.facts.name, "nulls": list(match.facts.nulls)}, match)
        return _sured(match.facts.name, match)

    def _device(self, match: Match) -> Facts | None:
        """The device of samples whose tags are named by the device."""
        found = next((fact for fact in self.facts if fact.name == "device" and match.facts.name == "data_item"), None)
        return found if found is not None and found.distinct > 1 else None

    def _item(self, match: Match) -> Facts | None:
        """The counter or item that makes a document's number unique."""
        items = [fact for fact in self.facts if fact.scores.get("document_item", 0) >= names.PART and fact.name != match.facts.name]
        return items[0] if items else None

    def _number(self, name: str, match: Match) -> Any:
        fact = match.facts
        entry: Tree = {"from": fact.name}
        if fact.nulls:
            entry["nulls"] = list(fact.nulls)
        unit = self._unit(name, fact)
        entry |= unit[0]
        if self.chosen.table == "production_count" and name.endswith("_qty") and (total := self._total(match)):
            return _sured(entry if len(entry) > 1 else fact.name, match, (total, 30))
        if name == "planned_qty" and match.role == "produced":
            return Guess(entry if len(entry) > 1 else fact.name, "taken for the quantity that was ordered", 75)
        plain = entry if len(entry) > 1 else fact.name
        return _sured(plain, match, *unit[1])

    def _total(self, match: Match) -> str:
        """Doubt about numbers that only rise from record to record of a machine: a counter's readings are not pieces."""
        unit = self.matches.get("equipment")
        machine = unit.facts.text if unit else pl.Series([""] * match.facts.rows)
        frame = pl.DataFrame({"e": machine, "v": match.facts.values}).drop_nulls("v")
        steps = frame.select(pl.col("v").diff().over("e").alias("s")).drop_nulls()["s"]
        rises = len(steps) > 10 and float((steps >= 0).mean() or 0) > 0.97 and float((steps > 0).mean() or 0) > 0.3  # type: ignore[arg-type]
        return "it only rises: readings of a counter, whose steps are the pieces?" if rises and match.facts.distinct > 10 else ""

    def _unit(self, name: str, fact: Facts) -> tuple[Tree, tuple[tuple[str, int], ...]]:
        """The unit of the numbers: a column, the header, or unknown where it is a length of time."""
        dimension = self.spec.inputs[name].dimension
        if dimension == "quantity":
            own = set(names.plain(fact.name).split())
            held = [
                it
                for it in self.facts
                if it.scores.get("unit", 0) >= names.PART and not it.is_empty and not it.is_number and not it.has_day
            ]
            held.sort(key=lambda it: (-len(own & set(names.plain(it.name).split())), -it.scores["unit"], abs(it.position - fact.position)))
            if held:
                self.used.add(held[0].name)
                others = [it.name for it in held[1:] if not it.text.equals(held[0].text)]
                return {"unit_from": held[0].name}, ((f"unit: or {', '.join(others[:3])}", 75),) if others else ()
        if dimension is None:
            return {}, ()
        stated = _unit_of(fact, name)
        if stated:
            return {"unit": stated}, ()
        if dimension in ("duration", "duration_per_item"):
            return {"unit": "s"}, (("the header states no unit; are these seconds?", 55),)
        return {}, ()

    def _movements(self) -> Mapping[str, str]:
        """A receipt (101) is one of a purchase order where nearly every record names one."""
        bought = next((fact for fact in self.facts if fact.name.upper() == "EBELN" and fact.filled > 0.9 * fact.rows), None)
        return {**MOVEMENTS, "101": "RECEIPT_PO", "102": "RECEIPT_PO"} if bought else MOVEMENTS

    def _mapped(self, match: Match, known: Mapping[str, str], what: str) -> Tree:
        words: Tree = {}
        for word, count in match.facts.words[:MOST_WORDS]:
            words[word] = Guess(known[word], f"{what}, {count} records", 75) if word in known else unknown(f"{count} records")
        return {"from": match.facts.name, "map": words}

    def _known_words(self) -> Mapping[str, Sequence[str]]:
        """The columns with a list of words; that of the types of materials is one of meaning only."""
        return {**closed_words(self.chosen.table), **({"material_type": MATERIALS} if self.chosen.table == "material" else {})}

    def _closed(self, name: str, match: Match) -> Tree:
        """A column with a closed list of words; one that may be left out is, where a word of the data is none of them."""
        known = self._known_words()[name]
        words = {word: names.closed_word(word, known) for word, _ in match.facts.words}
        if not self.spec.inputs[name].required and (None in words.values() or match.facts.distinct > MOST_WORDS):
            self.used.discard(match.facts.name)
            return {}
        mapped = {word: guess or unknown(f"one of {', '.join(known)}") for word, guess in words.items()}
        return {name: Guess({"from": match.facts.name, "map": mapped}, "each word by itself", 95)}

    def _quality(self, match: Match) -> Any:
        """Codes of OPC Classic, told by a 192; 0 alone is the best of OPC UA and the worst of OPC Classic."""
        fact = match.facts
        if not fact.is_number:
            return self._text("quality", match)
        is_classic = any(192 <= float(word) <= 255 for word, _ in fact.words)
        told = {word: opc_classic(int(float(word))) for word, _ in fact.words} if is_classic else {}
        doubt = "0 is good in OPC UA and bad in OPC Classic: GOOD, UNCERTAIN or BAD"
        words = {word: Guess(told[word], "OPC Classic", 90) if word in told else unknown(doubt) for word, _ in fact.words}
        return Guess({"from": fact.name, "map": words}, "codes of OPC Classic", 90 if is_classic else 0)

    def _states(self, match: Match) -> Any:
        fact = match.facts
        if fact.distinct > MOST_WORDS:
            every = {word: unknown(f"{count} records: {CLASSES}") for word, count in fact.words[:MOST_WORDS]}
            return Guess({"from": fact.name, "map": every}, f"the most frequent of {fact.distinct} words", 50)
        words = [word for word, _ in fact.words]
        if standard := names.standard_of(words):
            return Guess({"from": fact.name, "map": standard}, f"all {len(words)} words are states of {standard}", 85)
        mapped: Tree = {}
        for word, count in fact.words:
            guess = names.state_class(word)
            mapped[word] = Guess(guess.value, guess.why, guess.sure) if guess else unknown(f"{count} records: {CLASSES}")
        return Guess({"from": fact.name, "map": mapped}, "each word by itself", 95)

    # --- times

    def _time(self, name: str, match: Match, kind: str) -> Any:
        fact, moment = match.facts, match.facts.moment
        if moment is None:
            return _sured(fact.name, match)
        clock = None if moment.has_clock or kind == "date" else self._clock(fact, name)
        shift = None if clock or moment.has_clock or kind == "date" else self._shift(name)
        entry: Tree = {"from": [fact.name, clock.name] if clock else fact.name}
        formats = _joined(moment, clock.moment) if clock and clock.moment else moment.formats
        if formats:
            entry["format"] = formats[0] if len(formats) == 1 else list(formats)
        if moment.nulls:
            entry["nulls"] = list(moment.nulls)
        if shift:
            entry["shift"] = shift.name
        if name == "event_ts" and match.role in ("end", "actual_end") and not shift:
            entry["stamped"] = "end"
        more = [(moment.why, moment.sure)] if moment.sure < 90 else []
        if moment.is_moved_day:
            more.append(
                ("each has the same clock and offset: a day that a client moved into its own zone? then split: {sep: T, part: 1}", 40)
            )
        more += [(f"{100 * (1 - moment.share):.1f} % of the texts are no such time", 80)] if moment.share < 0.98 else []
        more += (
            [("a day without a clock time: a shift or a clock would place it", 60)] if self._lacks_clock(name, moment, clock, shift) else []
        )
        return _sured(entry if len(entry) > 1 else fact.name, match, *more)

    def _lacks_clock(self, name: str, moment: Moment, clock: Facts | None, shift: Facts | None) -> bool:
        return self.spec.is_past and name in ("start_ts", "end_ts", "event_ts") and not moment.has_clock and clock is None and shift is None

    def _clock(self, fact: Facts, name: str) -> Facts | None:
        """The clock that belongs to a day: it stands beside it, or its name shares a word."""
        clocks = [other for other in self.facts if other.is_clock and other.name not in self.used]
        own = set(names.plain(fact.name).split())
        shared = {other.name: len(own & set(names.plain(other.name).split())) for other in clocks}
        beside = {other.name: 0 < other.position - fact.position <= 1 for other in clocks}
        alike = {other.name: _stem(other.name) == _stem(fact.name) for other in clocks}
        fitting = [it for it in clocks if shared[it.name] or beside[it.name] or alike[it.name]]
        found = sorted(
            fitting, key=lambda it: (-shared[it.name], not beside[it.name], not alike[it.name], abs(it.position - fact.position))
        )[:1]
        if found:
            self.used.add(found[0].name)
        return found[0] if found else None

    def _shift(self, name: str) -> Facts | None:
        if name not in ("event_ts", "start_ts") or self.chosen.table not in ("production_count", "shift_instance"):
            return None
        found = next((fact for fact in self.facts if fact.scores.get("shift", 0) >= names.PART and 1 < fact.distinct <= 12), None)
        if found is not None:
            self.used.add(found.name)
            self.shifts = sorted(word for word, _ in found.words)
        return found

    # --- reversals

    def _reversals(self, columns: Tree) -> None:
        """Systems that book a cancelled record, or one out of stock, with a positive quantity: SAP's tables and OData services."""
        by_name = {fact.name.upper(): fact for fact in self.facts if not fact.is_empty}
        if self.chosen.table == "goods_movement" and (sign := by_name.get("SHKZG")) is not None:
            self._negated(columns, sign, {"column": sign.name, "in": ["H"]}, "SHKZG H is out of stock, with a positive quantity")
        if self.chosen.table != "production_count":
            return
        if (cancels := by_name.get("STZHL")) is not None:
            told = "records with STZHL cancel another one with a positive quantity"
            self._negated(columns, cancels, {"column": cancels.name, "not_in": ["00000000", "0", ""]}, told)
        elif "reverses" in columns:
            self._negate_cancelling(columns)
        if "document" in columns and "order" in columns and "count_source" not in columns:
            columns["count_source"] = Guess({"const": "ERP_CONFIRMATION"}, "documents about orders: confirmations of an ERP?", 80)
        if (use := by_name.get("MATERIAL_USE")) is not None:
            self.skips = {
                "skip": Guess(
                    {"not_produced": {"column": use.name, "not_in": ["Produced", "Material Produced"]}}, "what was consumed is not made", 85
                )
            }
            self.used.add(use.name)
        flags = {"cancelled": by_name.get("ISREVERSED"), "cancelling": by_name.get("ISREVERSAL")}
        if all(flags.values()):
            conditions = {name: {"column": fact.name, "in": ["true"]} for name, fact in flags.items() if fact}
            self.skips = {"skip": Guess(conditions, "both records of a cancelled pair are left out", 85)}
            self.used.update(fact.name for fact in flags.values() if fact)

    def _negate_cancelling(self, columns: Tree) -> None:
        """Records that name the one that they cancel, with positive quantities."""
        cancels = self.matches["reverses"].facts
        rows = cancels.text.is_not_null()
        told = f"records with {cancels.name} cancel another one with a positive quantity"
        if any((match.facts.values.filter(rows) > 0).any() for name, match in self.matches.items() if name.endswith("_qty")):
            self._negated(columns, cancels, {"column": cancels.name, "empty": False}, told)

    def _negated(self, columns: Tree, by: Facts, condition: Tree, told: str) -> None:
        self.used.add(by.name)
        for name in ("qty", "produced_qty", "good_qty", "scrap_qty", "rework_qty"):
            if name in columns:
                plain = columns[name].value if isinstance(columns[name], Guess) else columns[name]
                columns[name] = Guess({**(plain if isinstance(plain, dict) else {"from": plain}), "negate": condition}, told, 85)


def _sured(value: Any, match: Match, *more: tuple[str, int]) -> Guess:
    """A value with the doubts about it: its name, columns that fit as well, and what was told of its content."""
    doubts = list(more)
    if match.score < 90:
        doubts.append((f"by its {'content' if match.score in (66, 80) else 'name'}", min(match.score, 85)))
    if match.rivals:
        doubts.append((f"or {', '.join(match.rivals[:3])}", 75))
    if not doubts:
        return Guess(value, "name and content", min(99, max(match.score, 90)))
    return Guess(value, "; ".join(why for why, _ in doubts), min(sure for _, sure in doubts))


def _stem(header: str) -> str:
    """What CPUDT and CPUTM, ISDD and ISDZ have in common."""
    return names.plain(header).replace(" ", "")[:3]


def _joined(day: Moment, clock: Moment) -> tuple[str, ...]:
    days, clocks = day.formats or ("%Y-%m-%d",), clock.formats
    return tuple(f"{one} {other}" for one in days for other in clocks)


def _unit_of(fact: Facts, name: str) -> str | None:
    """A unit in brackets of the header, or its last word, where it is one of the kind that the column wants."""
    from connectors.errors import ConfigError
    from transforms.units import unit

    words = names.plain(fact.name).split()
    known = {
        "min": "min",
        "minutes": "min",
        "mins": "min",
        "sec": "s",
        "s": "s",
        "seconds": "s",
        "h": "h",
        "hours": "h",
        "std": "h",
        "kwh": "kWh",
        "kg": "kg",
        "lb": "lb",
    }
    text = fact.unit or (known.get(words[-1]) if words else None)
    if text is None:
        return None
    try:
        found = unit(text)
    except ConfigError:
        return None
    of_time = found.canonical == "s"
    wanted = name in ("duration", "pri_s", "queue_s", "transport_s") or name.endswith("_s")
    return text if of_time == wanted else None


# --- several columns together --------------------------------------------------------------------------------------------------------


def _wide(chosen: Chosen, facts: Sequence[Facts]) -> Drafted:
    """Every column of numbers is a tag of its own."""
    time = chosen.matches.get("ts")
    used = {time.facts.name} if time else set()
    columns: Tree = {}
    if time:
        columns["ts"] = _Writer(chosen, facts)._time("ts", time, "time")
    else:
        named = next((fact for fact in facts if fact.scores.get("time", 0) >= names.PART and not fact.is_empty), None)
        low = f"'{named.name}' is no moment (it begins with {named.words[0][0]})" if named else "no column holds a moment"
        columns["ts"] = unknown(f"{low}: the file does not say when it was measured")
        used |= {named.name} if named else set()
    tags = [fact.name for fact in facts if fact.is_number and fact.name not in used and not fact.is_empty]
    texts = [fact.name for fact in facts if not fact.is_number and not fact.moment and fact.name not in used and not fact.is_empty]
    if time and time.facts.distinct * 1.5 > time.facts.rows:
        tags += [name for name in texts if next(fact for fact in facts if fact.name == name).distinct <= MOST_WORDS]
    columns["tags"] = _tags(tags, [name for name in texts if name not in tags], facts)
    series = [fact for fact in facts if fact.name in texts and 1 < fact.distinct <= fact.rows / 5]
    if time and len(series) > 1:
        stamps = time.facts.text.rename("t")
        series.sort(key=lambda fact: -pl.DataFrame([stamps, fact.text.rename("s")]).unique().height)
    tree: Tree = {"columns": columns}
    if series and time and time.facts.distinct * 1.5 < time.facts.rows:
        told = f"{series[0].distinct} series whose values stand at the same times"
        tree = {"columns": {"tag": Guess(series[0].name, told, 75), **columns}}
        used |= {series[0].name}
    return Drafted(tree, used | set(tags))


def _tags(tags: list[str], texts: list[str], facts: Sequence[Facts]) -> Any:
    by_name = {fact.name: fact for fact in facts}
    nulls = sorted({word for tag in tags for word in by_name[tag].nulls})
    every = not texts and len(tags) > 8
    entry: Tree = {"from": "/.*/"} if every else {"from": tags}
    if nulls:
        entry["nulls"] = nulls
    why = f"each of {len(tags)} columns is a tag"
    return Guess(entry, why, 90)


def _key(chosen: Chosen, columns: Tree, texts: pl.DataFrame, writer: _Writer) -> Tree:
    """`key:` where different records have the same natural key."""
    spec = TABLES[chosen.table]
    own = [name for name in spec.own if name in columns]
    natural = [column for name in (own[-1:] if own and own[-1] != "equipment" else spec.key) for column in _sources(columns.get(name))]
    natural = [name for name in dict.fromkeys(natural) if name in texts.columns]
    preferred = [match.facts.name for match in writer.matches.values()]
    key = key_of(texts, natural, preferred)
    if not key:
        return {}
    same = texts.height - texts.select(natural).unique().height
    return {"key": Guess(key, f"{same:,} of the records looked at repeat {', '.join(natural)}", 70)}


def _sources(value: Any) -> Iterator[str]:
    """The source columns of a mapping."""
    plain = value.value if isinstance(value, Guess) else value
    if isinstance(plain, dict):
        plain = [plain.get("from"), plain.get("shift")]
    for item in plain if isinstance(plain, list) else [plain]:
        if isinstance(item, list):
            yield from item
        elif isinstance(item, str):
            yield item


def _intervals(chosen: Chosen, texts: pl.DataFrame) -> Guess | None:
    """States with one stamp a record on a regular grid: each record stands for an interval."""
    start = chosen.matches.get("start_ts")
    if chosen.table != "equipment_state_event" or not start or {"end_ts", "duration"} & set(chosen.matches) or not start.facts.moment:
        return None
    unit = chosen.matches.get("equipment")
    frame = pl.DataFrame(
        {"t": start.facts.moment.naive, "e": texts[unit.facts.name] if unit else pl.Series([""] * texts.height)}
    ).drop_nulls("t")
    steps = frame.sort("e", "t", maintain_order=True).select((pl.col("t").diff().over("e").dt.total_seconds()).alias("s")).drop_nulls()["s"]
    steps = steps.filter(steps > 0)
    if len(steps) < 20:
        return None
    step, count = steps.value_counts(sort=True).row(0)
    if not 5 <= step <= 3600 or count < 0.6 * len(steps):
        return None
    why = f"{100 * count / len(steps):.0f} % of the steps are {step} s: does a stamp end its interval, or start it?"
    return Guess({"stamped": "end", "grid_s": int(step)}, why, 60)


def reasons(facts: Sequence[Facts], chosen: Chosen) -> list[str]:
    """Comments: the codes of reasons, and what they suggest, as lines for vocabularies/reason_map.csv."""
    match = chosen.matches.get("source_reason_code")
    if chosen.table != "equipment_state_event" or match is None:
        return []
    text = next(
        (fact for fact in facts if fact.scores.get("reason_text", 0) >= names.PART and fact.name != match.facts.name and not fact.is_empty),
        None,
    )
    told = _texts_of(match.facts, text)
    found = []
    for word, count in match.facts.words[:MOST_WORDS]:
        said = told.get(word, word)
        guess = names.reason_code(said)
        shown = f"{word} ({said})" if said != word else word
        found.append(f"{shown}: {guess.value if guess else '?'}{f', sure: {guess.sure} %' if guess else ''}, {count} records")
    return found


def _texts_of(code: Facts, text: Facts | None) -> dict[str, str]:
    if text is None:
        return {}
    pairs = pl.DataFrame({"c": code.text, "t": text.text}).drop_nulls().group_by("c").agg(pl.col("t").mode().first())
    return {str(one): str(other) for one, other in pairs.rows()}
