"""What columns, states and reasons are called: headers to roles, words to state classes and reason codes.

Here: texts compared with the lists in `words/`. Elsewhere: what the columns hold (`pipelines.draft.facts`), which role becomes which
canonical column (`pipelines.draft.tables`).
"""

from __future__ import annotations

import csv
import re
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache, lru_cache
from pathlib import Path

from pipelines.draft.guess import Guess

WORDS = Path(__file__).parent / "words"
UNIT = re.compile(r"[\[(]([^\[\]()]{1,20})[\])]\s*$|\s/\s(\S{1,10})$")
"""The unit at the end of a header: `Power (kW)`, `Temp [°C]`."""
CHINESE = re.compile(r"[\u3400-\u9fff]")
SHORT = {
    "qte": "quantite",
    "cant": "cantidad",
    "qtd": "quantidade",
    "qtde": "quantidade",
    "nbre": "nombre",
    "nb": "nombre",
    "anz": "anzahl",
    "quant": "quantity",
}
"""Short forms that are never another word."""
EXACT, ALIKE, PART = 100, 90, 84
"""Scores of a header that is a known name, is spelled like one, or holds one beside other words."""


@dataclass(frozen=True)
class Role:
    """What a column can be, and what it then holds: text, number, time, date, clock or any."""

    name: str
    holds: str
    names: tuple[str, ...]


@cache
def roles() -> dict[str, Role]:
    from connectors.yaml_lines import load

    listed = load(WORDS / "columns.yaml", "columns.yaml")
    return {
        name: Role(name, about["holds"], tuple(dict.fromkeys(filter(None, map(plain, about["names"]))))) for name, about in listed.items()
    }


@lru_cache(maxsize=10_000)
def plain(text: str) -> str:
    """A header as words: no unit in brackets, no accents, case, punctuation or camel case.

    >>> plain("itemGoodQuantity"), plain("Menge [kg]"), plain("Stück_gut"), plain("良品数")
    ('item good quantity', 'menge', 'stuck gut', '良品数')
    """
    text = re.sub(r"(?<=[a-z0-9])(?=[A-Z][a-z]|[A-Z]+$|[A-Z]{2,}[a-z]?)", " ", UNIT.sub("", text.strip()))
    bare = "".join(sign for sign in unicodedata.normalize("NFKD", text.casefold()) if not unicodedata.combining(sign))
    return " ".join(SHORT.get(word, word) for word in re.findall(r"[^\W_]+", bare.replace("%", " percent ")))


def unit_in(header: str) -> str | None:
    """The unit that a header ends with.

    >>> unit_in("LV ActivePower (kW)"), unit_in("Temp [°C]"), unit_in("Machine")
    ('kW', '°C', None)
    """
    found = UNIT.search(header)
    return (found[1] or found[2]).strip() if found else None


GENERIC = frozenset({
    "no", "nr", "num", "number", "id", "ids", "code", "cd", "name", "key", "value", "date", "time", "ts", "zeit", "utc", "local", "of",
    "de", "du", "der", "del", "1", "2", "s", "min", "h", "kg", "pcs", "stk", "st",
})  # fmt: skip
"""Words behind a name that do not make another thing of it: 'machine no', but not 'machine tonnage'."""


@lru_cache(maxsize=10_000)
def scores(header: str) -> Mapping[str, int]:
    """The roles that a header may name, each with a score to 100. Of a dotted path its last part is the name.

    >>> scores("Machine No")["equipment"], scores("orders.Machine")["equipment"], scores("machineTonnage").get("equipment")
    (100, 97, None)
    """
    *above, last = re.split(r"[./@]+|::", header) if re.search(r"\w[./@]+\w|::", header) else [header]
    found = _scores(plain(last))
    if above:
        found = {name: score - 3 for name, score in found.items()} | {
            name: score for name, score in _scores(plain(header)).items() if score == EXACT
        }
    return found


def _scores(words: str) -> dict[str, int]:
    if not words:
        return {}
    found = dict.fromkeys(_exact().get(words.replace(" ", ""), ()), EXACT)
    alike = [*_spelled(words.replace(" ", "")).items(), *((role, _held(words.split(), name)) for role, name in _pairs() if name in words)]
    for role, score in alike:
        if score > found.get(role, 0):
            found[role] = score
    return found


@cache
def _pairs() -> tuple[tuple[str, str], ...]:
    return tuple((role.name, name) for role in roles().values() for name in role.names)


@cache
def _exact() -> dict[str, list[str]]:
    """Roles by their names without blanks."""
    found: dict[str, list[str]] = {}
    for role, name in _pairs():
        found.setdefault(name.replace(" ", ""), []).append(role)
    return found


def _held(tokens: list[str], name: str) -> int:
    """Whether the words of a header hold a name so that the name is what the header is about."""
    if CHINESE.search(name):
        return PART if len(name) > 1 else 0
    wanted = name.split()
    at = next((at for at in range(len(tokens) - len(wanted) + 1) if tokens[at : at + len(wanted)] == wanted), None)
    if at is None or len(name) < 3:
        return 0
    behind = [token for token in tokens[at + len(wanted) :] if token not in GENERIC]
    extra = len(tokens) - len(wanted)
    if behind and len(wanted) == 1:
        return 0
    return max(PART - 6 * (extra - 1), 60) - (14 if behind and extra < 3 else 0)


@cache
def _collapsed() -> dict[str, list[str]]:
    """Names of five letters and more without blanks, with their roles; umlauts written as two letters are one."""
    found: dict[str, list[str]] = {}
    for role, name in _pairs():
        if len(name.replace(" ", "")) > 4:
            found.setdefault(_folded(name.replace(" ", "")), []).append(role)
    return found


def _folded(text: str) -> str:
    return text.replace("ae", "a").replace("oe", "o").replace("ue", "u")


def _spelled(header: str) -> dict[str, int]:
    """A typing error, an umlaut written as two letters, a cut word: alike in nearly nine of ten letters."""
    from rapidfuzz import fuzz, process

    if len(header) < 5:
        return {}
    found: dict[str, int] = {}
    for name, ratio, _ in process.extract(_folded(header), list(_collapsed()), scorer=fuzz.ratio, score_cutoff=88, limit=5):
        for role in _collapsed()[name]:
            found[role] = max(found.get(role, 0), round(min(ratio, ALIKE)))
    return found


# --- words of states and reasons ---------------------------------------------------------------------------------------------------


@cache
def _meanings(name: str) -> list[tuple[str, str]]:
    """Words and what they mean; a word may stand under several meanings."""
    with (WORDS / f"{name}.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.reader(file))[1:]
    return [(_word(word), meaning) for meaning, words in rows for word in words.split("|")]


@cache
def _listed(name: str) -> dict[str, str]:
    """Word: what it means; the first meaning wins where a word stands twice."""
    return dict(reversed(_meanings(name)))


def _word(text: str) -> str:
    return " ".join(re.findall(r"[^\W_]+", text.casefold()))


def state_class(word: str) -> Guess | None:
    """The class that a word of a machine's state suggests.

    >>> state_class("In Betrieb").value, state_class("AVERIA").value, state_class("xyz")
    ('RUN', 'DELAY_EQ', None)
    """
    known, bare = _listed("states"), _word(word)
    if bare in known:
        is_plain = known[bare] in ("RUN", "SETUP", "UNKNOWN") and len(bare) > 2
        return Guess(known[bare], f"'{word}' reads as {known[bare]}", 92 if is_plain else 80 if len(bare) > 2 else 60)
    return _standard_word(word) or _nearly(bare, word, known)


def _nearly(bare: str, word: str, known: Mapping[str, str]) -> Guess | None:
    held = [name for name in known if len(name) > 3 and name in bare and re.search(rf"(^|\s){re.escape(name)}(\s|$)", bare)]
    held += [name for name in known if CHINESE.search(name) and len(name) > 1 and name in bare]
    if held:
        best = max(held, key=len)
        return Guess(known[best], f"'{word}' holds '{best}'", 70)
    from rapidfuzz import fuzz, process

    found = process.extractOne(bare, [name for name in known if len(name) > 4], scorer=fuzz.ratio, score_cutoff=88)
    return Guess(known[found[0]], f"'{word}' is spelled like '{found[0]}'", 70) if found and len(bare) > 4 else None


def _standard_word(word: str) -> Guess | None:
    """A name of a state that only a standard uses, such as Suspended of PackML."""
    bare = re.sub(r"[^a-z0-9]", "", word.casefold())
    known = _standard_words().get(bare)
    return Guess(known, f"a state of {known.partition(':')[0]}", 80) if known else None


@cache
def _standard_words() -> dict[str, str]:
    from transforms import states

    found: dict[str, str] = {}
    for word in states.words():
        found.setdefault(re.sub(r"[^a-z0-9]", "", word.partition(":")[2].casefold()), word)
    return found


def closed_word(word: str, known: Iterable[str]) -> Guess | None:
    """The word of a closed list that a word of the data means.

    >>> closed_word("Corrective", ["CORRECTIVE", "PREVENTIVE"]).value, closed_word("x", ["PASS"])
    ('CORRECTIVE', None)
    """
    listed = {_word(name): name for name in known}
    found = listed.get(_word(word)) or next(
        (name for other, name in _meanings("closed") if other == _word(word) and name in listed.values()), None
    )
    return Guess(found, f"'{word}' reads as {found}", 85) if found else None


def standard_of(words: Iterable[str]) -> str | None:
    """The standard whose state names the words are, where there are four or more and all are."""
    from transforms import states

    bare = {re.sub(r"[^a-z0-9]", "", word.casefold()) for word in words}
    return next((name for name in states.standards() if len(bare) > 3 and bare <= set(states.of_standard(name))), None)


def reason_code(text: str) -> Guess | None:
    """The portfolio's code that the text of a reason suggests.

    >>> reason_code("Werkzeugwechsel Presse 3").value, reason_code("17")
    ('S-TOOL', None)
    """
    known, bare = _listed("reasons"), _word(text)
    held = [
        name for name in known if (name in bare and re.search(rf"(^|\s){re.escape(name)}", bare)) or (CHINESE.search(name) and name in bare)
    ]
    if not held:
        return None
    best = max(held, key=len)
    return Guess(known[best], f"'{text}' holds '{best}'", 70)
