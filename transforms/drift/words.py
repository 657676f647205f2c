"""Words that a source never said before: states that a map does not know, reasons that nobody mapped, by count and minutes.

Here: finding them in the records of one export. Elsewhere: what a map does with a word that it does not know (`transforms.mapping`), the
same for a whole plant before its first refresh (`pipelines.trial_words`).
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence

import polars as pl

from connectors.errors import PlantlakeError
from connectors.models import Column, Source
from transforms.drift import edits
from transforms.drift.compare import Finding, Question
from transforms.drift.profile import SAMPLE, hashed
from transforms.drift.uses import Use
from transforms.mapping import as_mapped, as_text, map_words, shaped
from transforms.stamps import instants

MOST = 10
"""New words of one column that are told one by one, the most frequent."""
SEVERAL = 3
"""Records with a new word that need a person; fewer are a slip that waits in the quarantine like any other."""
FREQUENT = 0.02
"""Share of the records from which on a word was not only missed in the exports before, of which a sample is known."""
EVENTS, CLASS, REASON = "equipment_state_event", "state_class", "source_reason_code"


def new_words(asked: Question, records: pl.LazyFrame, salt: str, known_reasons: Collection[str]) -> list[Finding]:
    """What the columns with a map, and those of reasons, say for the first time. `known_reasons`: codes with a line in the reason map."""
    watched = [
        (column, use)
        for column, found in asked.of.items()
        for use in found
        if use.rule and use.rule.from_ == (column,) and (use.rule.map is not None or use.column == REASON)
    ]
    present = asked.new.profile.by_name
    watched = [(column, use) for column, use in watched if column in present and present[column].kind not in ("hidden", "empty")]
    if not watched:
        return []
    frame = as_mapped(records.collect(), asked.source)
    return [
        finding for column, use in watched if column in frame.columns
        for finding in _of_column(asked, frame, column, use, salt, known_reasons)
    ]  # fmt: skip


def _of_column(asked: Question, frame: pl.DataFrame, column: str, use: Use, salt: str, known_reasons: Collection[str]) -> Iterator[Finding]:
    rule = use.rule or Column(const="")
    texts = frame.select(as_text(frame, column).alias("raw")).with_columns(shaped(pl.col("raw"), rule).alias("t"))
    history = asked.history(column)
    before = {word for export in history for word in export.profile.by_name[column].words}
    if not history or not before:  # a column of many words has always new ones
        return
    counts = texts.drop_nulls("t").group_by("raw", "t").len().sort("len", "raw", descending=[True, False])
    if use.rule and use.rule.map is not None:
        words, keys = map_words(rule.map or {}, counts["t"])
        counts = counts.filter(~keys.is_in(list(words)))
    else:
        is_sampled = any(export.profile.rows > SAMPLE for export in history)
        counts = counts.filter(~pl.col("t").is_in(list(known_reasons)) & (pl.col("len") >= (FREQUENT * len(frame) if is_sampled else 1)))
    fresh = [(raw, text, number) for raw, text, number in counts.rows() if hashed(raw, salt) not in before]
    for raw, text, number in fresh[:MOST]:
        yield _told(asked, frame, column, use, text, number, _minutes(asked.source, frame, column, raw) if use.table == EVENTS else None)


def _told(asked: Question, frame: pl.DataFrame, column: str, use: Use, text: str, number: int, minutes: float | None) -> Finding:
    how_much = f"{number:,} of {len(frame):,} records" + (f", {minutes:,.0f} min" if minutes is not None else "")
    if use.rule and use.rule.map is not None:
        becomes = "its records are rejected" if use.rule.else_ == "reject" else f"they are mapped by else: {use.rule.else_}"
        edit = edits.word(asked.source, use, text)
        key = f"tables.{use.table}.{use.place}.map"
        advice = "the word is a guess by its spelling: decide" if edit else f"{key}: {{{text}: <what it means>}}"
        return Finding(
            "WORDS" if number >= SEVERAL else "RARE_WORDS", column,
            f"'{text}' in column '{column}' is not in the map of {use.table}.{use.column}; {becomes}.", "never said", how_much,
            use.rule.else_ == "reject", edit, advice, text,
        )  # fmt: skip
    return Finding(
        "REASONS", column, f"The reason '{text}' in column '{column}' is new, and no line of the reason map knows it.", "never said",
        how_much, True, None, "a line in vocabularies/reason_map.csv", text,
    )  # fmt: skip


def _minutes(source: Source, frame: pl.DataFrame, column: str, text: str) -> float | None:
    """How long the events of a word lasted together; None where they have no end of their own."""
    rules = source.tables[EVENTS].columns
    if not {"start_ts", "end_ts"} <= rules.keys() or any(not rules[name].from_ or rules[name].shift for name in ("start_ts", "end_ts")):
        return None
    own = frame.filter(as_text(frame, column) == text)
    try:
        start, end = (_times(own, rules[name]) for name in ("start_ts", "end_ts"))
    except (PlantlakeError, pl.exceptions.PolarsError):
        return None
    seconds: Sequence[float] = (end - start).dt.total_seconds().drop_nulls().to_list()
    return sum(second for second in seconds if second > 0) / 60


def _times(frame: pl.DataFrame, rule: Column) -> pl.Series:
    """Times of a column as they are written: a length needs no zone."""
    single = rule.from_[0] if rule.from_ and len(rule.from_) == 1 else None
    if single is not None and frame.schema[single].is_temporal():
        return frame[single].cast(pl.Datetime("us"))
    parts = [as_text(frame, name) for name in rule.from_ or ()]
    return instants(frame.select(pl.concat_str(parts, separator=rule.sep, ignore_nulls=True).alias("t"))["t"], rule.format, "UTC")["ts"]
