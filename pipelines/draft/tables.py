"""Which canonical tables the records of an export can feed, and which of their columns is which.

Here: the choice among the templates in `words/tables.yaml`. Elsewhere: roles by name (`pipelines.draft.names`), what columns hold
(`pipelines.draft.facts`), the mapping of a chosen column: formats, maps, units (`pipelines.draft.columns`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache

from pipelines.draft import names
from pipelines.draft.facts import Facts

SAMPLES = "historian_sample"
EVENTS = ("equipment_state_event", "production_count")
LEAST = 60
"""A column whose name and content speak less for a role is not taken for it."""


Pair = tuple[int, int, int, str, Facts, str]
"""A column of the export for a canonical one: score, rank of the role and position (both negative), canonical name, column, role."""


@dataclass(frozen=True)
class Template:
    """A canonical table in the roles of the columns of an export; of several roles the first that is there is taken."""

    columns: Mapping[str, Sequence[str]]
    needs: tuple[tuple[str, ...], ...]
    """Canonical columns: one of each group has to be found before the table is drafted."""
    is_master: bool = False
    one_row_each: str = ""
    """The canonical column that a master has one record of each."""


@dataclass(frozen=True)
class Match:
    """A column of the export for a canonical column."""

    facts: Facts
    role: str
    score: int
    rivals: tuple[str, ...] = ()
    """Columns that fit nearly as well."""


@dataclass(frozen=True)
class Chosen:
    """A canonical table with the columns that were found for it."""

    table: str
    matches: dict[str, Match] = field(default_factory=dict)
    is_certain: bool = True
    why: str = ""

    @property
    def strength(self) -> float:
        return sum(match.score for match in self.matches.values()) / 100


@cache
def templates() -> dict[str, Template]:
    """The templates in `words/tables.yaml`; those of samples are long files, one value a record."""
    from connectors.yaml_lines import load

    listed = load(names.WORDS / "tables.yaml", "tables.yaml")
    return {
        name: Template(about["columns"], tuple(map(tuple, about["needs"])), about.get("is_master", False), about.get("one_of_each", ""))
        for name, about in listed.items()
    }


BY_RECORDS = {"states": ("equipment_state_event",), "counts": ("production_count",), "observations": (SAMPLES,)}
"""Sets of records that say themselves what they are."""


def chosen(facts: Sequence[Facts], records: str | None = None, *, is_fixed: bool = False, may_be_wide: bool = True) -> list[Chosen]:
    """The tables that records feed, best first: what happened, else one master, else samples of a wide historian.

    `is_fixed`: the kind always gives these columns, so that one may be empty in the records that were looked at. `may_be_wide`: its
    columns can be tags; those of documents and messages are not.
    """
    filled = [fact for fact in facts if is_fixed or not fact.is_empty]
    only = BY_RECORDS.get(records or "")
    long = _fit(SAMPLES, templates()[SAMPLES], filled)
    if long and (only == (SAMPLES,) or (only is None and (is_fixed or not _exact(filled, "state")))):
        return [long]
    filled = [fact for fact in facts if not fact.is_empty]
    found = [fit for name, template in templates().items() if name != SAMPLES and (fit := _fit(name, template, filled))]
    if only:
        return [fit for fit in found if fit.table in only]
    return _preferred(found, filled, _wide(filled) if may_be_wide else None)


def _preferred(found: list[Chosen], filled: Sequence[Facts], wide: Chosen | None) -> list[Chosen]:
    special = [fit for fit in found if fit.table not in EVENTS and not templates()[fit.table].is_master]
    if special:
        return [max(special, key=lambda fit: fit.strength)]
    masters = [fit for fit in found if templates()[fit.table].is_master]
    orders = [fit for fit in masters if fit.table == "production_order"]
    events = [fit for fit in found if fit.table in EVENTS and _is_event(fit, filled)]
    if orders and not any(fit.table == "equipment_state_event" or "good_qty" in fit.matches for fit in events):
        return orders[:1]
    if events and not (wide and max(fit.strength for fit in events) < 2):
        return events
    if masters and not wide:
        return [max(masters, key=lambda fit: fit.strength)]
    return [wide] if wide else masters[:1] or events


def _is_event(fit: Chosen, filled: Sequence[Facts]) -> bool:
    """A state is a word of few; a status that is another one in each record is none."""
    state = fit.matches.get("state_class")
    if state is not None and state.facts.rows == 1 and names.state_class(state.facts.words[0][0]) is None:
        return False
    return fit.table != "equipment_state_event" or state is None or state.facts.distinct <= max(40, state.facts.rows // 20)


def _exact(filled: Sequence[Facts], role: str) -> bool:
    return any(fact.scores.get(role, 0) == names.EXACT for fact in filled)


# --- one table -------------------------------------------------------------------------------------------------------------------------


def _fit(table: str, template: Template, facts: Sequence[Facts]) -> Chosen | None:
    """The best column for each canonical column, each used once; None where what the table needs is not there."""
    pairs = [
        (score, -rank, -fact.position, canonical, fact, role)
        for canonical, wanted in template.columns.items()
        for rank, role in enumerate(wanted)
        for fact in facts
        if (score := _score(fact, role, canonical)) >= LEAST
    ]
    matches: dict[str, Match] = {}
    used: set[str] = set()
    for score, _, _, canonical, fact, role in sorted(pairs, key=lambda pair: pair[:3], reverse=True):
        if canonical in matches or fact.name in used:
            continue
        rivals = tuple(
            dict.fromkeys(
                other.name
                for points, _, _, name, other, why in pairs
                if name == canonical and other is not fact and points >= score - 3 and why == role
            )
        )
        matches[canonical] = Match(fact, role, score, rivals)
        used.add(fact.name)
    _give_way(matches, template, pairs)
    ordered = {name: matches[name] for name in template.columns if name in matches}
    if not all(any(name in ordered for name in group) for group in template.needs):
        return None
    if template.one_row_each and not _one_each(ordered[template.one_row_each]):
        return None
    return Chosen(table, ordered)


def _give_way(matches: dict[str, Match], template: Template, pairs: Sequence[Pair]) -> None:
    """A column that the table can do without gives its column of the export to one that it needs."""
    for group in template.needs:
        if any(name in matches for name in group):
            continue
        needed = {name for other in template.needs for name in other}
        holders = {match.facts.name: name for name, match in matches.items() if name not in needed}
        spare = [pair for pair in pairs if pair[3] in group and pair[4].name in holders]
        for score, _, _, canonical, fact, role in sorted(spare, key=lambda pair: pair[:3], reverse=True)[:1]:
            del matches[holders[fact.name]]
            matches[canonical] = Match(fact, role, min(score, 85))


def _one_each(match: Match) -> bool:
    """Whether a master has one record of each; a document of one record with several such fields is none."""
    fact = match.facts
    if fact.rows == 1:
        return match.score > names.ALIKE and not match.rivals
    return fact.filled > 0.9 * fact.rows and fact.distinct > 0.9 * fact.rows


def _score(fact: Facts, role: str, canonical: str) -> int:
    """How much the name and the content of a column speak for a role; 0 where it holds something else."""
    named = fact.scores.get(role, 0)
    if not named:
        return _by_content(fact, role)
    if named < names.EXACT and max(fact.scores.values()) > named + 4:
        return 0  # another role has more of the name: 'order quantity' is not the quantity
    return named + _bonus(fact, role) if _holds(fact, names.roles()[role].holds, role) else 0


def _holds(fact: Facts, holds: str, role: str) -> bool:
    if holds in ("time", "date"):
        return fact.has_day
    if holds == "clock":
        return fact.is_clock
    if holds == "number":
        return fact.is_number
    if holds == "text":
        if fact.words and fact.words[0][0][:1] in ("[", "{"):
            return False
        return not fact.has_day and not (role in ("state", "reason") and fact.is_number and not fact.is_whole)
    return True


def _bonus(fact: Facts, role: str) -> int:
    """Content that fits well goes before a name: codes before names of a machine, words before numbers as states."""
    if role == "state":
        known = sum(names.state_class(word) is not None for word, _ in fact.words)
        return 3 if known * 2 > len(fact.words) else -6 if fact.is_number else 0
    if role == "equipment":
        return 2 if 1 < fact.distinct < max(fact.rows / 3, 3) else 0
    if role in ("start", "end", "time") and fact.moment:
        return 2 if fact.moment.has_clock else 0
    if role == "material_name" and names.plain(fact.name) == "description":
        return -4
    if role in ("material", "order") and fact.name.lower().endswith(("name", "desc", "text")):
        return -8
    return 0


def _by_content(fact: Facts, role: str) -> int:
    """Columns whose names tell little: names that repeat, a few words that machines' states are called."""
    if role == "tag" and names.plain(fact.name) in ("name", "item", "label", "id") and 0 < fact.distinct * 3 <= fact.filled:
        return 80
    if role == "state" and not fact.is_number and 1 < fact.distinct <= 20:
        known = [guess for word, _ in fact.words if (guess := names.state_class(word)) and len(word) > 2]
        return 66 if len(known) * 10 >= 7 * len(fact.words) and len({guess.value for guess in known}) > 1 else 0
    return 0


# --- wide files of historians ------------------------------------------------------------------------------------------------------------


def _wide(filled: Sequence[Facts]) -> Chosen | None:
    """A moment and numbers side by side: each column of numbers is a tag."""
    times = [fact for fact in filled if fact.has_day]
    numbers = [fact for fact in filled if fact.is_number and not fact.has_day]
    clocks = sum(fact.is_clock for fact in filled)
    if not numbers or len(numbers) < 0.6 * (len(filled) - len(times) - clocks):
        return None
    is_series = bool(times) or (len(numbers) > 2 and len(numbers) >= 0.8 * len(filled)) or len(numbers) == len(filled)
    if not is_series or (len(numbers) == 1 and not times and filled[0].rows < 50):
        return None
    best = sorted(times, key=lambda fact: (-max(fact.scores.get("time", 0), fact.scores.get("start", 0)), fact.position))
    time = best[0] if best else None
    matches = {"ts": Match(time, "time", max(time.scores.get("time", 80), 80))} if time else {}
    return Chosen(SAMPLES, matches, is_certain=time is not None and time.distinct * 1.5 > time.rows)
