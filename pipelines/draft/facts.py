"""What the columns of an export hold, told from its records alone.

Here: numbers and their signs, moments, words, keys, empty columns, units rows. Elsewhere: names (`pipelines.draft.names`), formats of
moments (`pipelines.draft.times`), which canonical column a column is (`pipelines.draft.tables`).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import combinations

import polars as pl

from connectors.contract import ROW, SURPLUS, UNREADABLE
from connectors.kinds.files.lines import DATA, Line, detect_numbers
from pipelines.draft import names
from pipelines.draft.guess import Guess
from pipelines.draft.times import SENTINELS, Moment, moment_of
from transforms.mapping import as_text
from transforms.numbers import parse_numbers

WORDS_KEPT = 60
NOTHING = tuple(word for word in SENTINELS if not re.fullmatch(r"0+|00:00:00", word))
"""What systems write where nothing stands; zeros are numbers."""
NUMERIC = re.compile(r"[-+(]?[\d.,' \u00a0]*\d[\d.,' \u00a0]*\)?[-+]?\s?%?")
GROUPED = re.compile(r"-?\d{1,3}([.,])\d{3}")
"""A number that a decimal sign and a sign between thousands explain alike."""


@dataclass(frozen=True)
class Style:
    """How an export writes numbers."""

    decimal: str = "."
    thousands: str = ""
    sure: int = 99
    why: str = ""

    @property
    def options(self) -> dict[str, Guess]:
        """What differs from the defaults of the kinds, or is not sure."""
        found: dict[str, Guess] = {}
        if self.decimal != "." or self.sure < 90:
            found["decimal"] = Guess(self.decimal, self.why, self.sure)
        if self.thousands:
            found["thousands"] = Guess(self.thousands, self.why, self.sure)
        return found


@dataclass(frozen=True)
class Facts:
    """One column of an export."""

    name: str
    position: int
    rows: int
    filled: int
    distinct: int
    words: tuple[tuple[str, int], ...]
    """Its texts and how often each stands, most frequent first, 60 at most."""
    is_number: bool
    is_whole: bool
    low: float | None
    high: float | None
    moment: Moment | None
    nulls: tuple[str, ...]
    """Texts in it that stand for 'nothing'."""
    unit: str | None
    text: pl.Series
    values: pl.Series
    """Its numbers, where it holds numbers."""

    @property
    def scores(self) -> Mapping[str, int]:
        return names.scores(self.name)

    @property
    def is_empty(self) -> bool:
        return self.filled == 0

    @property
    def is_unique(self) -> bool:
        return self.filled == self.rows == self.distinct and self.rows > 1

    @property
    def has_day(self) -> bool:
        return self.moment is not None and self.moment.has_day

    @property
    def is_clock(self) -> bool:
        return self.moment is not None and not self.moment.has_day


def texts_of(frame: pl.DataFrame) -> pl.DataFrame:
    """Every column of an export as text without the blanks around it; what plantlake adds is left out."""
    plain = pl.col(pl.String).str.strip_chars()
    kept = frame.drop([ROW, SURPLUS, UNREADABLE], strict=False)
    texts = kept.with_columns(pl.when(plain != "").then(plain).name.keep())
    return texts.with_columns(as_text(kept, name).alias(name) for name, dtype in kept.schema.items() if dtype != pl.String)


def style_of(texts: pl.DataFrame) -> Style:
    """Decimal sign and thousands sign, from what all columns together prove.

    >>> style_of(pl.DataFrame({"a": ["1.234,5", "7,25"]})).options["decimal"].value, style_of(pl.DataFrame({"a": ["1,234", "2,500"]})).sure
    (',', 50)
    """
    cells = _numeric_cells(texts)
    decimal, thousands = detect_numbers([Line(0, 1, "", list(cells))])
    other = "," if decimal == "." else "."
    groups = [cell for cell in cells if (found := GROUPED.fullmatch(cell)) and found[1] == other]
    if thousands or not groups:
        return Style(decimal, thousands)
    several = [cell for cell in cells if re.fullmatch(rf"-?\d{{1,3}}(\{other}\d{{3}}){{2,}}", cell)]
    proven = _proves(cells, decimal)
    if proven or several:
        shown = f"'{proven or several[0]}' beside '{groups[0]}'"
        return Style(decimal, other, 92, f"{shown}: {'comma' if other == ',' else 'point'} between thousands")
    told = f"'{groups[0]}' may be a thousand or a fraction: no other number tells"
    return Style(".", other if other == "," else "", 50, told)


def _proves(cells: Iterable[str], decimal: str) -> str | None:
    return next((cell for cell in cells if re.fullmatch(rf"-?\d+\{decimal}(\d{{1,2}}|\d{{4,}})-?|-?0\{decimal}\d+", cell)), None)


def _numeric_cells(texts: pl.DataFrame) -> list[str]:
    cells: dict[str, None] = {}
    for name in texts.columns:
        found = [text for text in texts[name].drop_nulls().unique(maintain_order=True).head(400).to_list() if NUMERIC.fullmatch(text)]
        if len(found) * 2 > min(texts[name].n_unique(), 400) - 1:
            cells.update(dict.fromkeys(found))
    return list(cells)


def facts_of(
    texts: pl.DataFrame,
    style: Style,
    *,
    stated: Sequence[date] = (),
    hints: Sequence[tuple[str, int, str]] = (),
    typed: Mapping[str, pl.DataType] | None = None,
    beyond: Mapping[str, pl.Series] | None = None,
) -> list[Facts]:
    """What each column holds; a column whose order of day and month is decided decides those of the others that are not.

    `beyond`: texts of columns that stand in records that are not in `texts`.
    """
    values = _numbers(texts, style)
    moments = {name: _moment(texts[name], (typed or {}).get(name), hints, stated, (beyond or {}).get(name)) for name in texts.columns}
    orders = {order: name for name, moment in moments.items() if moment and moment.sure >= 90 and (order := order_of(moment))}
    unsure = [name for name, moment in moments.items() if moment and moment.sure < 90 and order_of(moment)]
    if len(orders) == 1 and unsure:
        ((order, known),) = orders.items()
        more = [*hints, (order, 90, f"column '{known}' has that order")]
        moments |= {name: _moment(texts[name], None, more, stated, (beyond or {}).get(name)) for name in unsure}
    return [_facts(texts[name], at, values[name], moments[name]) for at, name in enumerate(texts.columns)]


def _moment(
    text: pl.Series, dtype: pl.DataType | None, hints: Sequence[tuple[str, int, str]], stated: Sequence[date], beyond: pl.Series | None
) -> Moment | None:
    if dtype is not None and dtype.is_temporal():
        return _typed(text)
    named = any(names.roles()[role].holds in ("time", "date", "clock") and score >= 84 for role, score in names.scores(text.name).items())
    return moment_of(text, named=named, hints=hints, stated=stated, beyond=beyond)


def order_of(moment: Moment | None) -> str | None:
    if not moment or not moment.formats or not re.match(r"%[dm][./ -]%[dm]", moment.formats[0]):
        return None
    return "DMY" if moment.formats[0].startswith("%d") else "MDY"


def _facts(text: pl.Series, at: int, values: pl.Series, moment: Moment | None) -> Facts:
    filled = text.drop_nulls()
    counts = filled.value_counts(sort=True).rows() if len(filled) else []
    held = {str(word): int(count) for word, count in counts}
    nulls = tuple(word for word in NOTHING if word in held)
    real = len(filled) - sum(held[word] for word in nulls)
    is_number = real > 0 and len(values) - values.null_count() >= 0.97 * real and not (moment and moment.has_day and moment.sure >= 80)
    read = values.drop_nulls()
    return Facts(
        text.name, at, len(text), len(filled), len(held), tuple(list(held.items())[:WORDS_KEPT]), is_number,
        bool(is_number and (read == read.round()).all()), float(read.min()) if is_number else None,  # type: ignore[arg-type]
        float(read.max()) if is_number else None, moment, nulls, names.unit_in(text.name), text, values,  # type: ignore[arg-type]
    )  # fmt: skip


def _typed(text: pl.Series) -> Moment:
    naive = text.str.to_datetime("%Y-%m-%dT%H:%M:%S%.f", time_unit="us", strict=False)
    if naive.null_count() == len(naive):
        naive = text.str.slice(0, 10).str.to_date("%Y-%m-%d", strict=False).cast(pl.Datetime("us"))
    has_clock = bool((naive.dt.truncate("1d") != naive).any())
    return Moment((), has_clock=has_clock, sure=99, why="typed", naive=naive)


def _numbers(texts: pl.DataFrame, style: Style) -> pl.DataFrame:
    """Every column as numbers, null where it holds none."""
    real = texts.with_columns(pl.when(~pl.all().is_in(list(NOTHING))).then(pl.all()))
    return real.with_columns(parse_numbers(pl.all(), decimal=style.decimal, thousands=style.thousands))


# --- several columns together --------------------------------------------------------------------------------------------------------


def key_of(texts: pl.DataFrame, natural: Sequence[str], preferred: Sequence[str]) -> list[str]:
    """The fewest columns that tell all different records apart; nothing where the natural key already does.

    >>> key_of(pl.DataFrame({"m": ["1", "1"], "t": ["6", "6"], "o": ["A", "B"]}), ["m", "t"], ["o"])
    ['m', 't', 'o']
    """
    every = texts.unique().height
    if not natural or texts.select(natural).unique().height == every:
        return []
    key = list(natural)
    candidates = [name for name in dict.fromkeys([*preferred, *texts.columns]) if name not in key]
    while candidates and len(key) < 10:
        counted = {name: texts.select([*key, name]).unique().height for name in candidates}
        best = max(candidates, key=lambda name: counted[name] + (name in preferred) * 0.5)
        key.append(best)
        candidates.remove(best)
        if counted[best] == every:
            return key
    return key


def sums(facts: Sequence[Facts]) -> tuple[Facts, Facts, Facts] | None:
    """Three columns of numbers of which the first is the sum of the others in (nearly) every record, and not always equal to one."""
    numbers = [fact for fact in facts if fact.is_number and fact.is_whole and fact.distinct > 2 and (fact.low or 0) >= 0][:15]
    for total in numbers:
        for one, other in combinations([fact for fact in numbers if fact is not total], 2):
            rows = pl.DataFrame({"t": total.values, "a": one.values, "b": other.values}).drop_nulls()
            agrees = (rows["t"] == rows["a"] + rows["b"]).mean() if len(rows) > 5 else 0
            if float(agrees or 0) > 0.97 and (rows["a"] > 0).any() and (rows["b"] > 0).any():  # type: ignore[arg-type]
                return (total, one, other) if (one.values.sum() or 0) >= (other.values.sum() or 0) else (total, other, one)
    return None


TOTALS = re.compile(r"(?i)(sum|summe|total|totals|gesamt|gesamtsumme|insgesamt|suma|totale|totaux|soma|合计|总计|小计)\b[:.]?")


def footer_of(texts: pl.DataFrame) -> str | None:
    """A pattern for the line of totals at the end, where one of the last three records begins with such a word.

    >>> footer_of(pl.DataFrame({"a": ["M1", "M2", "Summe"], "n": ["1", "2", "3"]}))
    '^Summe'
    """
    for row in texts.tail(3).rows():
        first = next((text for text in row if text), "")
        if TOTALS.match(first) and texts.height > 2:
            return f"^{re.escape(TOTALS.match(first)[1])}"  # type: ignore[index]
    return None


def names_are_data(names_: Sequence[str]) -> bool:
    """Whether names of columns are numbers or moments: then the header was missed."""
    shown = [name for name in names_ if not name.startswith("column_")]
    return len(shown) > 1 and sum(
        bool(DATA.fullmatch(name)) or moment_of(pl.Series([name]), named=False) is not None for name in shown
    ) * 2 > len(shown)


def units_row(texts: pl.DataFrame) -> bool:
    """Whether the first record holds units: no number above numbers, and mostly words that are units."""
    from connectors.errors import ConfigError
    from transforms.units import unit

    if texts.height < 3:
        return False
    known = tried = 0
    for name in texts.columns:
        first, rest = texts[name][0], texts[name].slice(1, 50).drop_nulls()
        if first is None or rest.is_empty() or not all(NUMERIC.fullmatch(text) for text in rest.to_list()):
            continue
        tried += 1
        try:
            known += not NUMERIC.fullmatch(first) and bool(unit(first.strip("[]()")))
        except ConfigError:
            continue
    return tried > 0 and known * 2 > tried
