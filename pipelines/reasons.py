"""Reasons that wait for somebody: which codes of the plants nobody mapped, what they may mean, and their approval.

Here: the Pareto of unmapped minutes from the published snapshot, suggestions from the texts of the codes, and the two edits of
`vocabularies/reason_map.csv` (a line without `approved_at` is suggested, one with it approved, and only approved lines count).
Elsewhere: what an approved line does (dbt: `int_event__classified`), the words of six languages (`pipelines.draft.names`), the terminal
(`pipelines.cli_reasons`).
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from connectors import vocabularies
from connectors.vocabularies import COLUMNS, Row, Vocabularies

if TYPE_CHECKING:
    from publish.reader import Snapshot

NAME = "reason_map"
State = Literal["unmapped", "suggested", "approved"]


@dataclass(frozen=True, slots=True)
class Waiting:
    """A code of a plant that no approved line explains, with the planned time in which it stopped machines."""

    plant: str
    source: str
    code: str
    minutes: float
    stops: int
    state: State
    """unmapped, suggested; approved where the line came after the last refresh."""
    reason_code: str | None
    """What a line of the map says, or what the text suggests where there is none."""
    why: str | None
    sure: int | None
    """Of a suggestion, in per cent."""


def waiting(reader: Snapshot, words: Vocabularies, plants: Collection[str] = ()) -> list[Waiting]:
    """Codes without an approved line at the last release, longest first."""
    found = reader.query(
        """SELECT plant_id, source_system, source_reason_code, CAST(sum(seconds) / 60 AS DOUBLE), CAST(sum(stops) AS BIGINT)
        FROM mart_kpi_parts_reason
        WHERE valid_to_release IS NULL AND reason_code = 'U-UNC' AND source_reason_code <> '~' AND (len($plants) = 0 OR plant_id IN $plants)
        GROUP BY ALL ORDER BY 4 DESC, 1, 2, 3""",
        {"plants": list(plants)},
    )
    return [_waiting(words, *row) for row in found.rows()]


def _waiting(words: Vocabularies, plant: str, source: str, code: str, minutes: float, stops: int) -> Waiting:
    line = line_for(words, plant, source, code)
    if line:
        state: State = "approved" if line["approved_at"] else "suggested"
        return Waiting(plant, source, code, minutes, stops, state, line["reason_code"], line["mapped_by"] or None, None)
    guess = suggestion(code)
    return Waiting(plant, source, code, minutes, stops, "unmapped", *(guess or (None, None, None)))


def suggestion(text: str) -> tuple[str, str, int] | None:
    """What the text of a code suggests: reason code, why, and how sure in per cent; None for a number or an unknown word."""
    from pipelines.draft import names

    found = names.reason_code(text)
    return (str(found.value), found.why, found.sure) if found else None


def line_for(words: Vocabularies, plant: str, source: str, code: str) -> Row | None:
    """The line of the map that explains a code: of the plant before '*', of the source before any."""
    lines = [
        row for row in words.rows(NAME, plant) if row["source_code"] == code and row["source"] in (source, "", "*") and not row["valid_to"]
    ]
    return min(lines, key=lambda row: (not row["approved_at"], row["plant"] == "*", row["source"] != source), default=None)


def suggest(root: Path, found: Collection[Waiting]) -> int:
    """Writes a line without approval for every code that has no line and whose text suggests a reason; how many."""
    new = [
        {"plant": item.plant, "source": item.source, "source_code": item.code, "reason_code": str(item.reason_code),
         "mapped_by": f"plantlake: {item.why} ({item.sure} %)"}
        for item in found if item.state == "unmapped" and item.reason_code
    ]  # fmt: skip
    if new:
        _write(root, [*_lines(root), *new])
    return len(new)


def approve(root: Path, plant: str, codes: Collection[str], by: str, reason: str | None = None) -> list[str]:
    """Approves the lines of these codes of a plant today, with another reason if one is given; the codes that were found.

    A code without a line is approved as a new line where `reason` is given.
    """
    today, lines, done = datetime.now(UTC).date().isoformat(), _lines(root), list[str]()
    for line in lines:
        if line.get("plant") == plant and line.get("source_code") in codes and not line.get("valid_to"):
            line.update({"approved_at": line.get("approved_at") or today, "mapped_by": by, **({"reason_code": reason} if reason else {})})
            done.append(line["source_code"])
    for code in codes if reason else ():
        if code not in done:
            lines.append({"plant": plant, "source_code": code, "reason_code": str(reason), "mapped_by": by, "approved_at": today})
            done.append(code)
    if done:
        _write(root, lines)
    return done


def suggested(root: Path, plant: str) -> list[str]:
    """The codes of a plant that wait for approval."""
    return [line["source_code"] for line in _lines(root) if line["plant"] == plant and not line.get("approved_at")]


def _lines(root: Path) -> list[Row]:
    return vocabularies.lines_of(_path(root))[1]


def _write(root: Path, lines: Collection[Row]) -> None:
    """The file's own columns in their order, then those that it lacks."""
    own, _ = vocabularies.lines_of(_path(root))
    vocabularies.write(_path(root), list(dict.fromkeys([*own, *COLUMNS[NAME]])), lines)


def _path(root: Path) -> Path:
    return root / "vocabularies" / f"{NAME}.csv"


def read_words(root: Path) -> Vocabularies:
    return vocabularies.load(root / "vocabularies")
