"""Sample exports to a draft of a plant file.

Here: the way from files to decisions, source by source; a file that cannot be read stops no other. Elsewhere: each step (the modules of
this package), writing the file and what the terminal says (`pipelines.cli_draft`).
"""

from __future__ import annotations

import os
import tempfile
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from pathlib import Path
from typing import Any

import polars as pl

from connectors.contract import Export, Place
from connectors.discovery import fetch
from connectors.errors import PlantlakeError, Problem
from connectors.portfolio import OPEN
from connectors.registry import connector
from pipelines.draft import columns, facts, files, plant_yaml, tables, times
from pipelines.draft.facts import Facts
from pipelines.draft.guess import Comment, Guess, unknown
from pipelines.draft.looks import FIXED, TABULAR, Look, NoExportError, days_in, device_names, looks
from pipelines.draft.plant_yaml import Decision

Tree = dict[Any, Any]
TIMES = ("start_ts", "event_ts", "ts", "measured_ts")
"""Columns that tell when something happened."""
SHOWN = 20
"""Columns that a comment lists."""


@dataclass(frozen=True)
class Stated:
    """What the user says of the plant; None is not known."""

    name: str | None = None
    company: str | None = None
    timezone: str | None = None
    calendar: str | None = None


@dataclass
class SourceDraft:
    """One source of the draft."""

    name: str
    kind: str
    path: str
    exports: int
    looked_at: int
    records: int
    tree: Tree
    tables: list[str]
    has_states: bool
    stops_only: bool
    shifts: list[str]
    zone_hint: str | None


@dataclass
class Draft:
    """A drafted plant file, and what to tell about it."""

    text: str
    sources: list[SourceDraft]
    left_out: list[tuple[str, str]]
    """Files that feed no source, and why."""
    decisions: list[Decision] = field(default_factory=list)
    failed: int = 0
    """Files that could not be read, or not be drafted for a defect."""

    @property
    def marked(self) -> list[Decision]:
        return [decision for decision in self.decisions if decision.sure < 90]

    @property
    def open(self) -> list[Decision]:
        return [decision for decision in self.decisions if decision.is_open]


@dataclass
class _Group:
    """Exports of one source: those that were looked at with what they are, and the others of the same name."""

    looks: list[tuple[Export, Look]]
    names: list[str]


def draft_plant(
    plant_id: str, places: Sequence[str], portfolio: Path, stated: Stated, tell: Callable[[str], None] = lambda text: None
) -> Draft:
    """Drafts a plant file from the exports at some places. Raises PlantlakeError where none of them can feed the lake."""
    gathered = files.gather(places)
    left_out, failures = list(gathered.left_out), list[tuple[str, str]]()
    every = [export.name for export in gathered.exports]
    sources: list[SourceDraft] = []
    with tempfile.TemporaryDirectory(prefix="plantlake-draft-") as folder:
        for group in _groups(gathered.exports, Path(folder), left_out, failures, tell):
            tell(group.names[0])
            try:
                found = _source(group, every, {source.name for source in sources})
            except Exception as error:  # a defect must not cost the other files
                failures += [(group.names[0], _defect(error))]
                continue
            if isinstance(found, str):
                left_out += [(_shown(group), found)]
            else:
                sources.append(found)
    left_out += failures
    if not sources:
        told = "; ".join(f"{name}: {why}" for name, why in left_out[:8]) or "no files"
        raise PlantlakeError(
            Problem("No export was found that a source can be drafted from.", plant=plant_id, found=told, fix="--from FILE, FOLDER or URL")
        )
    _tell_rivals(sources)
    tree = _plant(plant_id, gathered.root, portfolio, stated, sources, left_out)
    text = plant_yaml.text_of(tree)
    return Draft(text, sources, left_out, _with_lines(list(plant_yaml.decisions(tree)), text), len(failures))


def _tell_rivals(sources: Sequence[SourceDraft]) -> None:
    """Masters that several sources feed: each would say that what it does not hold is gone."""
    for table in ("material", "equipment", "ideal_rate", "tag"):
        rivals = [source for source in sources if table in source.tables]
        for source in rivals if len(rivals) > 1 else []:
            others = ", ".join(other.name for other in rivals if other is not source)
            held = source.tree["tables"][table]
            source.tree["tables"][table] = {Comment(f"? {table} comes from {others} too: keep the master"): None, **held}


def _shown(group: _Group) -> str:
    part = group.looks[0][1].part
    more = f" and {len(group.names) - 1} more" if len(group.names) > 1 else ""
    return f"{group.names[0]}{f' ({part})' if part else ''}{more}"


def _with_lines(found: list[Decision], text: str) -> list[Decision]:
    """Decisions with the line of the file on which they stand."""
    import yaml

    node = yaml.compose(text)
    return [Decision(d.where, d.value, d.sure, d.why, d.is_open, _line(node, d.where)) for d in found]


def _line(node: Any, where: str) -> int | None:
    line: int | None = None
    rest = where
    while rest and hasattr(node, "value") and isinstance(node.value, list):
        pairs = [pair for pair in node.value if isinstance(pair, tuple)]
        found = max(
            (pair for pair in pairs if rest == str(pair[0].value) or rest.startswith(f"{pair[0].value}.")),
            key=lambda pair: len(str(pair[0].value)),
            default=None,
        )
        if found is None:
            return line
        line, node = found[0].start_mark.line + 1, found[1]
        rest = rest[len(str(found[0].value)) + 1 :]
    return line


# --- files to groups -----------------------------------------------------------------------------------------------------------------


def _groups(
    exports: Sequence[Export], folder: Path, left_out: list[tuple[str, str]], failures: list[tuple[str, str]], tell: Callable[[str], None]
) -> list[_Group]:
    """Exports that are one source: alike by name, kind and columns."""
    devices = _device_model(exports, folder)
    shapes: dict[str, list[Export]] = {}
    for export in exports:
        shapes.setdefault(files.shape(export.name), []).append(export)
    found: list[_Group] = []
    for alike in shapes.values():
        seen: dict[tuple[Any, ...], _Group] = {}
        looked = files.looked_at(alike)
        for export in looked:
            tell(export.name)
            for look in _looks(export, folder, left_out, failures, devices):
                group = seen.setdefault(look.signature, _Group([], []))
                group.looks.append((export, look))
                group.names.append(export.name)
        if seen and len(looked) < len(alike):
            largest = max(seen.values(), key=lambda group: len(group.looks))
            largest.names = [export.name for export in alike if export.name in largest.names or export not in looked]
        found += seen.values()
    return _merged(found, [export.name for export in exports])


def _defect(error: Exception) -> str:
    return f"it cannot be drafted: {type(error).__name__}: {str(error)[:150]}"


def _fetch(export: Export, target: Path) -> None:
    """Copies an export from the folder that it lies in. Raises PlantlakeError."""
    folder, _, name = export.url.rpartition("/")
    fetch(replace(export, name=name), Place(folder, name), target)


def _device_model(exports: Sequence[Export], folder: Path) -> tuple[str, Path] | None:
    """The device model of an MTConnect agent among the exports: its name, and where it was copied to."""
    for export in exports:
        if "device" in export.name.lower() and export.name.lower().endswith(".xml"):
            target = Path(tempfile.mkdtemp(dir=folder)) / "Devices.xml"
            try:
                _fetch(export, target)
            except PlantlakeError:
                continue
            if device_names(target):
                return export.name, target
    return None


def _looks(
    export: Export, folder: Path, left_out: list[tuple[str, str]], failures: list[tuple[str, str]], devices: tuple[str, Path] | None
) -> list[Look]:
    """What an export is; a file that is none, or cannot be read, is told."""
    own = Path(tempfile.mkdtemp(dir=folder))
    target = own / export.name.rpartition("/")[2]
    try:
        _fetch(export, target)
        found = looks(target, devices[1] if devices else None)
        for look in found:
            if devices and "devices" in look.options:
                look.options["devices"] = Guess(devices[0], look.options["devices"].why, look.options["devices"].sure)
        return found
    except NoExportError as told:
        left_out.append((export.name, str(told)))
    except PlantlakeError as error:
        problem = error.problems[0]
        failures.append((export.name, f"{problem.message}{f' Found: {problem.found}' if problem.found else ''}"[:300]))
    except Exception as error:  # a defect of a kind, or of this package, must not cost the other files
        failures.append((export.name, _defect(error)))
    return []


def _merged(groups: list[_Group], every: Sequence[str]) -> list[_Group]:
    """Groups with equal columns as one, where one pattern matches their files and no other."""
    found: list[_Group] = []
    for group in groups:
        signature = group.looks[0][1].signature
        for other in found:
            same = signature == other.looks[0][1].signature and (signature[0] in TABULAR or signature[0] == "sap_idoc")
            told = signature[0] not in TABULAR or sum(len(names) for _, names in signature[2]) > 2
            if same and told and files.pattern_of([*other.names, *group.names], every):
                other.looks += group.looks
                other.names += group.names
                break
        else:
            found.append(group)
    return found


# --- one source ------------------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Records:
    """One set of records of a source as text, over all exports that were looked at."""

    texts: pl.DataFrame
    typed: dict[str, pl.DataType]
    """Columns whose texts were dates."""
    lengths: list[int]
    """Records of each export, in the order of `looks`."""


@dataclass(frozen=True)
class _Found:
    """A canonical table that a set of records feeds."""

    chosen: tables.Chosen
    drafted: columns.Drafted
    told: list[Facts]
    lengths: list[int]


def _source(group: _Group, every: Sequence[str], taken: set[str]) -> SourceDraft | str:
    """A source, or why there is none."""
    look, names = group.looks[0][1], list(dict.fromkeys(group.names))
    pattern, stamps = files.pattern_of(names, every), files.stamps_of(names)
    options = _options(group)
    sets = _records(group, options)
    held = next(iter(sets.values())).texts.columns if sets else []
    if look.kind == "delimited" and facts.names_are_data(held):
        return f"no line of it reads as a header ({', '.join(held[:4])}): write the source with options.header: false and columns"
    found, hint = _tables(group, sets, options, stamps.days if stamps else ())
    if not found:
        return f"no canonical table fits its columns ({', '.join(held[:8])[:160] or 'none'})"
    tree: Tree = {Comment(line): None for line in _preset_hint(look.kind, held, list(found))}
    tree |= {"kind": Guess(look.kind), "path": _path(pattern, names)}
    if options:
        tree["options"] = options
    if stamps and pattern and "*" in pattern:
        tree |= files.stamp_guess(stamps, _is_covered(group, list(found.values())))
    tree["tables"] = {name: _commented(part) for name, part in found.items()}
    states = [part for part in found.values() if part.drafted.states]
    return SourceDraft(
        _named(files.slug(pattern or names[0], look.part), taken), look.kind, str(tree["path"].value), len(names),
        len({export.name for export, _ in group.looks}), max(records.texts.height for records in sets.values()), tree, list(found),
        bool(states), bool(states) and not any(_runs(part.drafted.tree) for part in states),
        [code for part in found.values() for code in part.drafted.shifts], hint,
    )  # fmt: skip


def _preset_hint(kind: str, columns_: Sequence[str], found: Sequence[str]) -> list[str]:
    """The preset whose columns an export has: it knows more of the system than an export can tell."""
    from connectors.presets import columns_of, overview, tables_of

    held, fitting = set(columns_), list[tuple[int, str]]()
    for known in overview():
        named = set(columns_of(known.source))
        if known.source.get("kind") == kind and set(tables_of(known)) & set(found) and len(named) > 6 and named <= held:
            fitting.append((len(named), known.name))
    if not fitting:
        return []
    name = max(fitting)[1]
    return [f"? a preset knows this layout: preset: {name} may stand instead of kind, options and tables (plantlake preset show {name})"]


def _records(group: _Group, options: dict[str, Guess]) -> dict[str | None, _Records]:
    """The records of all exports without units below the header and totals at the end, which become options."""
    parts: dict[str | None, list[pl.DataFrame]] = {}
    typed: dict[str | None, dict[str, pl.DataType]] = {}
    for _, look in group.looks:
        for name, frame in look.sets.items():
            texts = facts.texts_of(frame)
            parts.setdefault(name, []).append(_trimmed(texts, options) if look.kind in ("delimited", "excel") else texts)
            typed.setdefault(name, {}).update({column: dtype for column, dtype in frame.schema.items() if dtype.is_temporal()})
    return {
        name: _Records(pl.concat(frames, how="diagonal_relaxed"), typed[name], [frame.height for frame in frames])
        for name, frames in parts.items()
    }


def _trimmed(texts: pl.DataFrame, options: dict[str, Guess]) -> pl.DataFrame:
    if footer := facts.footer_of(texts):
        options["footer"] = Guess(footer, "a line of totals ends the table", 85)
        texts = texts.head(texts.height - 1)
    if not facts.units_row(texts):
        return texts
    options |= {"units_row": Guess(True, "the first record holds units", 90), "units_in_header": Guess(True)}
    units = dict(zip(texts.columns, texts.row(0), strict=True))
    return texts.rename({name: f"{name} ({unit})" for name, unit in units.items() if unit}).slice(1)


def _tables(
    group: _Group, sets: Mapping[str | None, _Records], options: dict[str, Guess], stated: Sequence[date]
) -> tuple[dict[str, _Found], str | None]:
    """The tables that the sets of records feed, each from the set that fits it best, and a hint of the zone."""
    look, found, hint = group.looks[0][1], dict[str, _Found](), None
    may_be_wide = look.kind in (*TABULAR, "json", "xml")
    for name, records in sets.items():
        style = facts.style_of(records.texts)
        if "decimal" in connector(look.kind).Options.model_fields:
            options |= {key: guess for key, guess in style.options.items() if not (look.kind == "excel" and guess.sure < 60)}
        told = _told(group, records, style, stated, _hints(options, style))
        for chosen in tables.chosen(told, name or _default_set(look), is_fixed=look.kind in FIXED, may_be_wide=may_be_wide):
            if chosen.table not in found or found[chosen.table].chosen.strength < chosen.strength:
                found[chosen.table] = _Found(chosen, columns.drafted(chosen, told, records.texts, name), told, records.lengths)
        hint = hint or _zone_hint(told)
    return found, hint


def _is_covered(group: _Group, found: Sequence[_Found]) -> bool:
    """Whether nearly all records of each export lie on the day, or in the month, that its name states."""
    timed = [(part.chosen.matches[name].facts.moment, part.lengths) for part in found for name in TIMES if name in part.chosen.matches]
    moment, lengths = timed[0] if timed else (None, [])
    if moment is None or len(lengths) != len(group.looks):
        return False
    at, inside, every = 0, 0, 0
    for (export, _), length in zip(group.looks, lengths, strict=True):
        stamps = files.stamps_of([export.name])
        if stamps is None:
            return False
        read = moment.naive.slice(at, length).drop_nulls()
        start, end = files.ends_of(stamps.days[0], stamps.is_month)
        inside, every, at = inside + int(read.is_between(start, end).sum()), every + len(read), at + length
    return every > 0 and inside > 0.9 * every


def _told(
    group: _Group, records: _Records, style: facts.Style, stated: Sequence[date], hints: Sequence[tuple[str, int, str]]
) -> list[Facts]:
    """What the columns hold; where the first records leave the order of day and month open, all records are asked."""
    told = facts.facts_of(records.texts, style, stated=stated, hints=hints, typed=records.typed)
    open_ = [fact.name for fact in told if fact.moment and fact.moment.sure < 90 and facts.order_of(fact.moment)]
    beyond = {name: pl.concat([days_in(look, name).rename(name) for _, look in group.looks]) for name in open_}
    if not any(len(days) for days in beyond.values()):
        return told
    return facts.facts_of(records.texts, style, stated=stated, hints=hints, typed=records.typed, beyond=beyond)


def _path(pattern: str | None, names: list[str]) -> Guess:
    if pattern is None:
        return Guess(names[0], f"no pattern matches this and the {len(names) - 1} files like it alone", 50)
    if "*" in pattern and len(names) == 1:
        return Guess(pattern, "one export was there: will the next differ in these numbers only?", 85)
    return Guess(pattern, f"the pattern of {len(names)} names", 95)


def _named(name: str, taken: set[str]) -> str:
    number, found = 1, name
    while found in taken:
        number += 1
        found = f"{name}_{number}"
    return found


def _default_set(look: Look) -> str | None:
    default = connector(look.kind).records[0]
    return default if default != "rows" else None


def _options(group: _Group) -> dict[str, Guess]:
    """Options that the looks at all exports agree on; where they differ, the most frequent with a mark."""
    found: dict[str, Guess] = {}
    for name in dict.fromkeys(name for _, look in group.looks for name in look.options):
        guesses = [look.options[name] for _, look in group.looks if name in look.options]
        if name == "encoding" and {guess.value for guess in guesses} == {"utf-8", "cp1252"}:
            found[name] = next(guess for guess in guesses if guess.value == "cp1252")
            continue
        value, count = Counter(str(guess.value) for guess in guesses).most_common(1)[0]
        best = next(guess for guess in guesses if str(guess.value) == value)
        others = sorted({str(guess.value) for guess in guesses} - {value})
        found[name] = (
            best if count == len(guesses) else Guess(best.value, f"other exports have {', '.join(others)}: leave it out to detect it", 50)
        )
    return found


def _hints(options: Mapping[str, Guess], style: facts.Style) -> list[tuple[str, int, str]]:
    """Signs of a place where the day comes first; none of them is proof."""
    if style.decimal == "," and style.sure >= 90:
        return [("DMY", 75, "decimal commas are written where the day comes first")]
    delimiter = options.get("delimiter")
    return [("DMY", 65, "semicolons are written where the day comes first")] if delimiter and delimiter.value == ";" else []


def _zone_hint(told: Sequence[Facts]) -> str | None:
    moments = [fact.moment for fact in told if fact.moment and fact.moment.has_clock and fact.moment.has_day and not fact.moment.has_offset]
    return times.zone_hint(moments[0].naive) if moments else None


def _runs(tree: Tree) -> bool:
    return "RUN" in str(plant_yaml.plain(tree)) or "Execut" in str(plant_yaml.plain(tree)) or OPEN in str(plant_yaml.plain(tree))


def _commented(found: _Found) -> Tree:
    """A table with what a person may want to add: columns that nothing was made of, and reasons."""
    chosen, drafted, told, used = found.chosen, found.drafted, found.told, found.drafted.used
    spare = [fact.name for fact in told if fact.name not in used and not fact.is_empty]
    empty = [fact.name for fact in told if fact.is_empty]
    tree: Tree = {}
    if not chosen.is_certain:
        tree[Comment("? numbers side by side: taken for the samples of a historian")] = None
    if spare:
        tree[Comment(f"not mapped: {_some(spare)}")] = None
    if empty:
        tree[Comment(f"empty in all records looked at: {_some(empty)}")] = None
    if lines := columns.reasons(told, chosen):
        tree[Comment("reasons, for vocabularies/reason_map.csv; a suggestion counts when somebody has approved it:")] = None
        tree |= {Comment(f"  {line}"): None for line in lines}
    return {**tree, **drafted.tree}


def _some(names: Sequence[str]) -> str:
    shown = ", ".join(name.replace("\n", " ") for name in names[:SHOWN])
    return shown if len(names) <= SHOWN else f"{shown} and {len(names) - SHOWN} more"


# --- the plant -------------------------------------------------------------------------------------------------------------------------


def _plant(
    plant_id: str, root: str, portfolio: Path, stated: Stated, sources: Sequence[SourceDraft], left_out: Sequence[tuple[str, str]]
) -> Tree:
    tree: Tree = {
        Comment(
            'Drafted from sample exports. A line with "# ?" is a guess: check it and remove the mark. "???" is for you to write.'
        ): None,
        "plant": plant_id,
        "name": Guess(stated.name) if stated.name else Guess(plant_id, "a name for people", 50),
        "company": Guess(stated.company) if stated.company else unknown("the portfolio company that the plant belongs to"),
        "timezone": Guess(stated.timezone) if stated.timezone else unknown(_zone_doubt(sources)),
    }
    if (where := _root_of(root, portfolio, plant_id)) is not None:
        tree["root"] = where
    tree |= _calendar(stated, sources)
    states = [source for source in sources if source.has_states]
    if not states:
        tree["settings"] = {"state_method": Guess("NONE", "no export tells states or stops of machines", 85)}
    elif all(source.stops_only for source in states):
        tree["settings"] = {"state_method": Guess("RESIDUAL", "only stops are told: the rest of a shift would be run time", 75)}
    tree["sources"] = {source.name: source.tree for source in sources}
    if left_out:
        tree[Comment("Not drafted:")] = None
        tree |= {Comment(f"  {name}: {why}".replace("\n", " ")): None for name, why in left_out}
    return tree


def _zone_doubt(sources: Sequence[SourceDraft]) -> str:
    hints = "; ".join(f"{source.name}: {source.zone_hint}" for source in sources if source.zone_hint)
    return "an IANA name such as Europe/Berlin" + (f" ({hints})" if hints else "")


def _root_of(root: str, portfolio: Path, plant_id: str) -> str | None:
    """Where the patterns start; nothing where it is the plant's own landing folder."""
    if "://" in root:
        return root
    landing = portfolio / "landing" / plant_id
    return None if Path(root) == landing.resolve() else Path(os.path.relpath(root, portfolio)).as_posix()


def _calendar(stated: Stated, sources: Sequence[SourceDraft]) -> Tree:
    codes = sorted({code for source in sources for code in source.shifts})
    if codes:
        shifts = {code: {"at": unknown(f'when shift {code} runs, such as "06:00-14:00"'), "days": "daily"} for code in codes}
        return {"shifts": shifts, **({"calendar": stated.calendar} if stated.calendar else {})}
    if stated.calendar:
        return {"calendar": stated.calendar}
    return {
        "calendar": unknown(
            'write shifts: {A: {at: "06:00-14:00", days: Mon-Fri}} instead, or none: then nothing over planned time is computed'
        )
    }
