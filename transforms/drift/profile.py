"""The profile of an export: per column a few hundred bytes that tell what kind of values it holds.

Here: measuring, and the profile as JSON. Elsewhere: comparing profiles (`transforms.drift.compare`).

A profile quotes nothing: words are kept as salted hashes, texts as their shape ('9.9.9 9:9'), numbers as quantiles, times as their first
and last. Of columns with names of persons it tells the name and the place of the column and nothing else.
"""

from __future__ import annotations

import hashlib
import json
import math
import re
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from itertools import islice
from typing import Any

import polars as pl

from connectors.contract import ROW, SURPLUS, UNREADABLE
from transforms.numbers import parse_numbers

VERSION = "1"
"""Raised when a profile of the same records says something else."""
SAMPLE = 500
"""Records that are measured, evenly spaced over the export: a median is known to a twentieth of the spread of its column."""
SHAPED = 100
"""Different texts of a column of which the shape is looked at."""
WORDS = 40
"""A column with more different texts than this is not a list of words."""
SHAPES = 4
QUANTILES = (0.05, 0.25, 0.5, 0.75, 0.95)
MOSTLY = 0.9
"""From this share on the values of a column are of one kind."""
TEXT, NUMBER, TIME, EMPTY, HIDDEN = "text", "number", "time", "empty", "hidden"
_NUMBER = re.compile(r"^[-+(]?(?:9(?:[.,' ]9)*|[.,]9)(?:a[-+]9)?[-+)]? ?%?$")
_TIME = re.compile(r"^9(?P<sep>[-./])9(?P=sep)9(?:(?P<between>[aT ]+)9:9(?P<s>:9)?(?P<f>[.,]9)?)?(?P<rest>(?: ?[-+]9:?9?|a)?)$")
_RUNS = re.compile(r"\d+|[^\W\d_]+")


@dataclass(frozen=True)
class ColumnProfile:
    """What one column of an export holds."""

    name: str
    position: int
    kind: str = EMPTY
    null: float = 1.0
    """Share of records without a value."""
    distinct: int = 0
    words: Mapping[str, float] = field(default_factory=dict)
    """Hash of a text: its share of the values, where there are few different ones."""
    shapes: Mapping[str, float] = field(default_factory=dict)
    """Shape of a text that is neither number nor time: its share of the values."""
    decimal: str = ""
    """Decimal sign of numbers that stand as text; empty where none has a fraction."""
    numeric: float = 0.0
    """Share of the values that are numbers."""
    is_whole: bool = False
    negative: float = 0.0
    sizes: Sequence[float] = ()
    """Quantiles of the numbers' size, zeros left out."""
    values: Sequence[float] = ()
    """Quantiles of the numbers."""
    spans: Mapping[str, Sequence[str]] = field(default_factory=dict)
    """Layout of a time (strptime; '' of a typed column) that reads all values: first, last, how many days of a month, how many months."""
    hours: Sequence[int] = ()
    """Records in each hour of the day, as the clock is written."""


@dataclass(frozen=True)
class Profile:
    """One record set of an export."""

    rows: int
    columns: Sequence[ColumnProfile]
    layout: Mapping[str, str] = field(default_factory=dict)
    """What was found of the file itself: encoding, delimiter, sheets."""

    @property
    def by_name(self) -> dict[str, ColumnProfile]:
        return {column.name: column for column in self.columns}

    @property
    def measured(self) -> int:
        return min(self.rows, SAMPLE)

    def dumps(self) -> str:
        """As JSON without what is empty."""
        columns = [{name: value for name, usual in _USUAL.items() if (value := getattr(column, name)) != usual} for column in self.columns]
        return json.dumps({"rows": self.rows, "layout": dict(self.layout), "columns": columns}, ensure_ascii=False, separators=(",", ":"))


_USUAL: dict[str, Any] = {item.name: {} if item.default_factory is dict else item.default for item in fields(ColumnProfile)}


def loads(text: str) -> Profile:
    """A profile from its JSON."""
    found = json.loads(text)
    return Profile(found["rows"], tuple(ColumnProfile(**_tuples(column)) for column in found["columns"]), found["layout"])


def _tuples(value: Any) -> Any:
    """JSON knows lists only."""
    if isinstance(value, dict):
        return {key: _tuples(inner) for key, inner in value.items()}
    return tuple(value) if isinstance(value, list) else value


def profile(records: pl.LazyFrame, hidden: Collection[str] = (), salt: str = "", layout: Mapping[str, str] | None = None) -> Profile:
    """The profile of the records of an export as its connector gave them. `hidden` are columns of which nothing is kept."""
    rows = int(records.select(pl.len()).collect().item())
    names = [name for name in records.collect_schema().names() if name not in (ROW, SURPLUS, UNREADABLE)]
    sample = records.select(name for name in names if name not in hidden).gather_every(-(-rows // SAMPLE) or 1).collect()
    columns = [
        _column(sample[name], position, salt) if name in sample.columns else ColumnProfile(name, position, HIDDEN)
        for position, name in enumerate(names)
    ]
    return Profile(rows, tuple(columns), layout or {})


def hashed(text: str, salt: str) -> str:
    """A word of a profile."""
    return hashlib.blake2b(text.encode(), digest_size=5, key=salt.encode()[:64]).hexdigest()


def _column(given: pl.Series, position: int, salt: str) -> ColumnProfile:
    known = given.drop_nulls()
    column = ColumnProfile(given.name, position, null=_share(given.len() - known.len(), given.len()))
    if given.dtype.is_temporal() and given.dtype not in (pl.Time, pl.Duration) and known.len():
        naive = known.dt.replace_time_zone(None) if isinstance(known.dtype, pl.Datetime) else known
        return _times(replace(column, distinct=known.n_unique()), {"": naive.cast(pl.Datetime("us"))})
    if given.dtype.is_numeric() and known.len():
        numbers = known.cast(pl.Float64).to_list()
        counts = Counter(f"{number:.12g}" for number in numbers)
        return _numbers(replace(column, numeric=1.0, **_worded(counts, salt)), numbers)
    texts = [
        text for value in (known if known.dtype == pl.String else known.cast(pl.String, strict=False)).to_list() if (text := value.strip())
    ]
    column = replace(column, null=_share(given.len() - len(texts), given.len()))
    return _texts(column, texts, salt) if texts else column


def _worded(counts: Counter[str], salt: str) -> dict[str, Any]:
    total = counts.total()
    words = {hashed(text, salt): _share(count, total) for text, count in counts.items()} if len(counts) <= WORDS else {}
    return {"distinct": len(counts), "words": words}


def _texts(column: ColumnProfile, texts: list[str], salt: str) -> ColumnProfile:
    counts = Counter(texts)
    column = replace(column, kind=TEXT, **_worded(counts, salt))
    shaped: Counter[str] = Counter()
    for text in islice(counts, SHAPED):
        shaped[shape(text)] += counts[text]
    total = shaped.total()
    numeric = {found: count for found, count in shaped.items() if is_number(found)}
    column = replace(column, numeric=_share(sum(numeric.values()), total))
    if column.numeric >= MOSTLY:
        decimal, thousands = number_style(numeric)
        has_fraction = any(decimal in found for found in numeric)
        shown = {found: _share(count, total) for found, count in shaped.items() if found not in numeric}
        return _numbers(replace(column, decimal=decimal if has_fraction else "", shapes=shown), _parsed(texts, decimal, thousands))
    timed = {found: count for found, count in shaped.items() if _TIME.match(found)}
    if sum(timed.values()) >= MOSTLY * total and (readings := _readings(timed, texts)):
        return _times(replace(column, words={}), readings)
    return replace(column, shapes={found[:40]: _share(count, total) for found, count in shaped.most_common(SHAPES)})


def shape(text: str) -> str:
    """A text with every run of digits as 9 and every run of letters as a.

    >>> shape("20.11.2026 06:00"), shape("-1,5"), shape("P1"), shape("2.5E-7")
    ('9.9.9 9:9', '-9,9', 'a9', '9.9a-9')
    """
    return _RUNS.sub(lambda run: "9" if run[0].isdecimal() else "a", text[:60])


def is_number(shape: str) -> bool:
    """Whether texts of a shape are numbers, in whatever style.

    >>> [is_number(shape) for shape in ("9", "-9.9", "9.9,9-", "9a-9", "9.9.9 9:9", "a9")]
    [True, True, True, True, False, False]
    """
    return bool(_NUMBER.match(shape))


def number_style(shapes: Mapping[str, int]) -> tuple[str, str]:
    """Decimal sign and sign between groups of numbers by their shapes.

    >>> number_style({"9,9": 5, "9": 1}), number_style({"9.9,9": 1, "9,9": 4}), number_style({"9.9.9": 2}), number_style({"9": 3})
    ((',', ''), (',', '.'), (',', '.'), ('.', ''))
    """
    decimals, groups = Counter[str](), Counter[str]()
    for found, count in shapes.items():
        signs = re.findall(r"[.,' ](?=9)", found)
        is_grouped_only = len(signs) > 1 and len(set(signs)) == 1
        if signs and not is_grouped_only:
            decimals[signs.pop()] += count
        groups.update(dict.fromkeys(signs, count))
    told = [sign for sign, _ in decimals.most_common() if sign in ".," and sign not in groups]
    decimal = told[0] if told else "," if groups["."] else "."
    return decimal, next((sign for sign, _ in groups.most_common() if sign != decimal), "")


def _parsed(texts: Sequence[str], decimal: str, thousands: str) -> list[float]:
    if decimal == ".":
        try:
            return [float(text) for text in texts]
        except ValueError:
            pass
    frame = pl.DataFrame({"t": texts}).select(parse_numbers(pl.col("t"), decimal=decimal, thousands=thousands))
    return frame["t"].drop_nulls().to_list()


def _numbers(column: ColumnProfile, found: Sequence[float]) -> ColumnProfile:
    values = sorted(value for value in found if math.isfinite(value))
    if not values:
        return column
    return replace(
        column, kind=NUMBER, is_whole=all(value == int(value) for value in values), values=_quantiles(values),
        negative=_share(sum(value < 0 for value in values), len(values)), sizes=_quantiles(sorted(abs(value) for value in values if value)),
    )  # fmt: skip


def _quantiles(ordered: Sequence[float]) -> tuple[float, ...]:
    return tuple(float(f"{ordered[round(q * (len(ordered) - 1))]:.6g}") for q in QUANTILES) if ordered else ()


def _readings(shapes: Mapping[str, int], texts: Sequence[str]) -> dict[str, pl.Series]:
    """By layout: the texts as times, for every layout that reads them all, else those that read most of them."""
    common = max(shapes, key=lambda found: shapes[found])
    found = _TIME.match(common)
    if found is None:
        return {}
    sep = found["sep"]
    example = next(text for text in texts if shape(text) == common)
    parts = [text.split(sep, 2) for text in texts[:20] if text.count(sep) >= 2]
    is_iso = max(len(part[0]) for part in parts) == 4
    clock = ""
    if found["between"]:
        has_fraction = any(_TIME.match(other)["f"] for other in shapes)  # type: ignore[index]
        between = example[_date_end(example)]
        clock = f"{between}%H:%M" + (":%S" if found["s"] else "") + ("%.f" if found["s"] and (is_iso or has_fraction) else "")
    year = "%Y" if is_iso or max(len(_RUNS.match(part[2])[0]) for part in parts) == 4 else "%y"  # type: ignore[index]
    dates = [f"%Y{sep}%m{sep}%d"] if is_iso else [f"%d{sep}%m{sep}{year}", f"%m{sep}%d{sep}{year}"]
    text = pl.col("t")
    if any(_TIME.match(other)["rest"] for other in shapes):  # type: ignore[index]
        text = text.str.replace(r"(\d) ?([-+]\d\d?:?\d*|[A-Za-z])$", "$1")
    if any("," in other for other in shapes):
        text = text.str.replace(",", ".", literal=True)
    read = pl.DataFrame({"t": texts}).select(_read(text, date + clock).alias(date + clock) for date in dates)
    most = {times.name: times for times in read.get_columns() if times.len() - times.null_count() >= MOSTLY * times.len()}
    return {layout: times for layout, times in most.items() if not times.null_count()} or most


def _date_end(text: str) -> int:
    return next((at for at, letter in enumerate(text) if letter in "T "), 0)


def _read(text: pl.Expr, layout: str) -> pl.Expr:
    if "%H" in layout:
        return text.str.to_datetime(layout, time_unit="us", strict=False)
    return text.str.to_date(layout, strict=False).cast(pl.Datetime("us"))


def _times(column: ColumnProfile, readings: Mapping[str, pl.Series]) -> ColumnProfile:
    spans: dict[str, Sequence[str]] = {}
    hours: Sequence[int] = ()
    for layout, times in readings.items():
        moments = [moment for moment in times.to_list() if moment is not None]
        days, months = len({moment.day for moment in moments}), len({moment.month for moment in moments})
        spans[layout] = (str(min(moments)), str(max(moments)), str(days), str(months))
        counts = Counter(moment.hour for moment in moments)
        hours = tuple(counts[hour] for hour in range(24)) if any(moment.hour or moment.minute for moment in moments) else ()
    return replace(column, kind=TIME, spans=spans, hours=hours)


def _share(part: int, whole: int) -> float:
    return round(part / whole, 4) if whole else 0.0
