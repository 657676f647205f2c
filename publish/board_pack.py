"""A board pack: a closed month, frozen in a folder that can be handed on: Parquet, workbook, PDF, definitions, differences, checksums.

Here: what is in a pack, its bytes, checking it. Elsewhere: the snapshot as it stood (`publish.standing`), the workbook, the PDF
(`publish.workbook`, `publish.board_pdf`), what changed since the pack before (`publish.pack_differences`).

A pack that is there is never changed. Made again of the same closed month it has the same bytes: no clock but that of the release and of
the closing is in it.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import tempfile
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, date
from pathlib import Path

from connectors.errors import PlantlakeError, Problem, listed
from connectors.portfolio import Portfolio
from dbt_project.catalogue import published
from pipelines import state
from pipelines.lake import Lake
from publish import board_pdf, pack_differences, site, standing, workbook
from publish.reader import Snapshot
from publish.standing import Closing

CHECKSUMS = "checksums.sha256"
SMALL = (
    "kpi_definition",
    "kpi_target",
    "plant",
    "plant_status",
    "unit_scope",
    "downtime_reason",
    "economics",
    "fx_rate",
    "release",
    "release_cause",
)
"""Tables that are in a pack whole."""
OLDEST = (1980, 1, 1, 0, 0, 0)
"""Before this a zip file knows no time."""
Tell = Callable[[str], None]


@dataclass(frozen=True)
class Made:
    """A pack: where it is, whether it was made now, and what has to be told of it."""

    folder: Path
    archive: Path
    is_new: bool
    notes: list[str]


def make(lake: Lake, portfolio: Portfolio, month: date, folder: Path, tell: Tell) -> Made:
    """Makes the pack of a closed month, whole or not at all, with a zip file beside it.

    Raises PlantlakeError for a month that is not closed, and where another pack is in the folder.
    """
    board_pdf.check()
    _check(folder)
    with Snapshot(lake.snapshot) as reader:
        about, closed = standing.closing(reader, month), standing.closings(reader)
        folder.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=folder.parent, prefix=f".{folder.name}.") as scratch:
            part = Path(scratch) / "pack"
            part.mkdir()
            notes = _write(reader, part, Path(scratch), about, closed, portfolio, tell)
            is_new = _settle(part, folder)
    archive = _zipped(folder, about)
    return Made(folder, archive, is_new, notes)


def _write(
    published_now: Snapshot, part: Path, scratch: Path, about: Closing, closed: list[Closing], portfolio: Portfolio, tell: Tell
) -> list[str]:
    """Writes everything that a pack has; what has to be told."""
    tell("the snapshot as it stood")
    stood = Lake(scratch / "stood")
    stood.root.mkdir()
    standing.write(published_now, stood.snapshot, about)
    name = portfolio.file.name
    with Snapshot(stood.snapshot) as reader:
        reader.in_order()
        wrong, values = standing.not_reconciled(reader, about)
        changes = pack_differences.find(reader, about, closed)
        _definitions(reader, part, about)
        stood.metrics.write_bytes((part / "definitions.json").read_bytes())
        tell("Parquet")
        _parquet(reader, part / "parquet", about)
        (part / "differences.json").write_text(
            json.dumps(changes.as_dict(), default=str, indent=1, ensure_ascii=False) + "\n", encoding="utf-8"
        )
        (part / "differences.md").write_text(changes.text(), encoding="utf-8")
        tell("the workbook")
        workbook.write(reader, part / "kpi.xlsx", name, month=about.month)
        tell("the PDF")
        shown = workbook.Shown(reader, name, about.month)
        notes = board_pdf.draw(board_pdf.pages(shown, _closed(about), changes), part / "board-pack.pdf", f"{name} {about.month:%Y-%m}",
                               f"{name}, {about.month:%Y-%m}, release {about.release}", about.closed_at)  # fmt: skip
        tell("the dashboard")
        site.build(stood, portfolio, part / "site", named=f"{about.month:%Y-%m}")
    if wrong:
        notes.append(
            f"{wrong:,} of {values:,} values of the month do not follow from the parts any more: a definition, or what belongs to a "
            "plant, was changed since it was closed. The pack has the values that it was closed with."
        )
    (part / "README.md").write_text(_readme(name, about, part, wrong, values, notes), encoding="utf-8")
    (part / CHECKSUMS).write_text("".join(f"{digest}  {path}\n" for path, digest in _digests(part).items()), encoding="utf-8")
    return notes


def _closed(about: Closing) -> str:
    with_ = f"with the numbers of release {about.release} of {about.released_at:%Y-%m-%d %H:%M} UTC"
    return f"Closed on {about.closed_at:%Y-%m-%d %H:%M} UTC by {about.closed_by}, {with_}."


def _definitions(reader: Snapshot, part: Path, about: Closing) -> None:
    targets = reader.query("SELECT * FROM kpi_target ORDER BY ALL").to_dicts()
    told = {**published(), "release": about.release, "targets": targets}
    (part / "definitions.json").write_text(json.dumps(told, ensure_ascii=False, default=str, indent=1) + "\n", encoding="utf-8")


def _parquet(reader: Snapshot, folder: Path, about: Closing) -> None:
    """The values of the month, its parts as they stood, and the small tables, each in an order of its own that is always the same."""
    folder.mkdir()
    asked = {name: f"SELECT * FROM {name}" for name in SMALL if reader.has(name)}
    asked["kpi_value"] = f"SELECT * FROM kpi_value WHERE period_type = 'MONTH' AND period_start = DATE '{about.month}'"
    for parts in state.PARTS:
        if reader.has(parts.mart):
            days = f"production_day BETWEEN DATE '{about.month}' AND DATE '{about.last_day}'"
            asked[parts.mart] = f"SELECT * FROM {parts.mart} WHERE valid_to_release IS NULL AND {days}"
    for name, sql in asked.items():
        reader.query(f"{sql} ORDER BY ALL").write_parquet(folder / f"{name}.parquet", compression="snappy")


ABOUT = {
    "board-pack.pdf": "two to four pages for the board", "kpi.xlsx": "the workbook of the month, with live ratios over the parts",
    "parquet": "the values of the month, its additive parts as they stood, definitions, targets, status of the plants",
    "site": "the dashboard of the month: open index.html through any file server",
    "definitions.json": "every KPI: formula, roll-up, targets",
    "differences.md": "what changed since the pack before and why, and closed months that are restated",
    "differences.json": "the same for machines",
    CHECKSUMS: "sha256 of every file: `sha256sum -c checksums.sha256`, or `plantlake board-pack verify`",
}  # fmt: skip


def _readme(name: str, about: Closing, part: Path, wrong: int, values: int, notes: list[str]) -> str:
    there = [f"| `{path}` | {text} |" for path, text in ABOUT.items() if path == CHECKSUMS or (part / path).exists()]
    proof = (f"All {values:,} values of the month follow from the parts in this pack, to 1e-9." if not wrong
             else f"{values - wrong:,} of {values:,} values of the month follow from the parts in this pack.")  # fmt: skip
    lines = [
        f"# {name}: {about.month:%Y-%m}", "",
        f"{_closed(about)} This pack is frozen: later corrections are told by later packs.", "",
        "| file | what |", "|---|---|",
        *there, "", proof, *notes,
    ]  # fmt: skip
    return "\n".join(lines) + "\n"


# --- frozen -------------------------------------------------------------------------------------------------------------------------------


def _check(folder: Path) -> None:
    """Raises PlantlakeError where something else is in the folder than a whole pack."""
    if not folder.exists() or (folder.is_dir() and not any(folder.iterdir())):
        return
    if not (folder / CHECKSUMS).is_file():
        raise PlantlakeError(Problem(f"{folder} is there and no board pack.", fix="name another folder"))
    if next(wrong(folder), None) is not None:
        fix = f"`plantlake board-pack verify {folder}` says what; name another folder to make it anew"
        raise PlantlakeError(Problem(f"{folder} holds a board pack that was changed.", fix=fix))


def _settle(part: Path, folder: Path) -> bool:
    """Gives the pack its name; false where the same one is there. Raises PlantlakeError where another one is."""
    if folder.exists() and not any(folder.iterdir()):
        folder.rmdir()
    if not folder.exists():
        part.rename(folder)
        return True
    there, made = _digests(folder), _digests(part)
    if there == made and _told(folder) == made:
        return False
    differ = sorted(path for path in there.keys() | made.keys() if there.get(path) != made.get(path))
    raise PlantlakeError(
        Problem(
            f"{folder} holds another pack of this month; a pack is never changed.", found=f"other: {listed(differ, 8)}",
            fix=f"`plantlake board-pack verify {folder}` says whether it is whole; name another folder for the new one",
        )
    )  # fmt: skip


def _digests(folder: Path) -> dict[str, str]:
    """The sha256 of every file, by its path in the folder, but of the checksums."""
    paths = sorted(path for path in folder.rglob("*") if path.is_file() and path.relative_to(folder).as_posix() != CHECKSUMS)
    return {path.relative_to(folder).as_posix(): _sha256(path) for path in paths}


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _told(folder: Path) -> dict[str, str]:
    """The checksums that a pack states."""
    lines = (folder / CHECKSUMS).read_text(encoding="utf-8").splitlines()
    return {path: digest for digest, _, path in (line.partition("  ") for line in lines)}


def _zipped(folder: Path, about: Closing) -> Path:
    """The pack as one file beside its folder."""
    archive = folder.with_name(f"{folder.name}.zip")
    moment = max(OLDEST, tuple(about.closed_at.astimezone(UTC).timetuple()[:6]))
    with tempfile.NamedTemporaryFile(dir=folder.parent, prefix=f".{archive.name}.", delete=False) as made:
        part = Path(made.name)
    try:
        with zipfile.ZipFile(part, "w", zipfile.ZIP_DEFLATED) as file:
            for path in sorted(path for path in folder.rglob("*") if path.is_file()):
                entry = zipfile.ZipInfo(f"board-pack-{about.month:%Y-%m}/{path.relative_to(folder).as_posix()}", moment)  # type: ignore[arg-type]
                entry.compress_type, entry.external_attr, entry.create_system = zipfile.ZIP_DEFLATED, 0o644 << 16, 3
                file.writestr(entry, path.read_bytes())
        if archive.exists() and _sha256(archive) == _sha256(part):
            return archive
        part.chmod(0o644)
        part.replace(archive)
    finally:
        with contextlib.suppress(FileNotFoundError):
            part.unlink()
    return archive


# --- checking -----------------------------------------------------------------------------------------------------------------------------


def wrong(folder: Path) -> Iterator[Problem]:
    """What is not as it was when the pack was made: files that differ, are missing, or were added."""
    if not (folder / CHECKSUMS).is_file():
        yield Problem(f"{folder} is no board pack.", found=f"no {CHECKSUMS}", fix="plantlake board-pack 2026-01 makes one")
        return
    told, there = _told(folder), _digests(folder)
    for path in sorted(told.keys() | there.keys()):
        if path not in there:
            yield Problem(f"{path} is missing.", fix="take the pack from its zip file, or from where it was handed out")
        elif path not in told:
            yield Problem(f"{path} is no part of the pack: it was added later.", fix=f"remove {folder / path}")
        elif told[path] != there[path]:
            yield Problem(f"{path} was changed.", found=f"sha256 {there[path][:12]}..., expected {told[path][:12]}...",
                          fix="take the pack from its zip file, or from where it was handed out")  # fmt: skip
