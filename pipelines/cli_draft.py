"""`plantlake plant new`: drafts a plant file from sample exports, and says what a person has to decide.

Here: options, writing the file, the summary in the terminal. Elsewhere: the draft (`pipelines.draft`), checking and trying the file
(`connectors.portfolio`, `pipelines.trial`).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from connectors.errors import PlantlakeError, Problem
from pipelines.terminal import JsonOption, PortfolioOption, counted, err, root_of, show
from pipelines.terminal import as_json as print_json

if TYPE_CHECKING:
    from pipelines.draft.drafting import Draft

LISTED = 40
"""Marked lines that the terminal lists; the file and --json have all."""


def plant_new(
    id: Annotated[str, typer.Argument(help="The plant's short id: the name of its file.")],
    places: Annotated[list[str], typer.Option("--from", help="A file, a folder or an address with sample exports (repeatable).")],
    more: Annotated[list[str] | None, typer.Argument(help="More files, folders or addresses.", show_default=False)] = None,
    name: Annotated[str | None, typer.Option(help="Name for people.", show_default=False)] = None,
    company: Annotated[str | None, typer.Option(help="The portfolio company it belongs to.", show_default=False)] = None,
    timezone: Annotated[str | None, typer.Option(help="Its time zone, such as Europe/Berlin.", show_default=False)] = None,
    calendar: Annotated[str | None, typer.Option(help="none, where no shifts are known.", show_default=False)] = None,
    force: Annotated[bool, typer.Option("--force", help="Write over a plant file that is there.")] = False,
    portfolio: PortfolioOption = None,
    as_json: JsonOption = False,
) -> None:
    """Drafts plants/ID.yaml from sample exports: kinds, encodings, delimiters, date and number formats, columns, states, units, keys.

    Every guess is marked in the file (`# ? why, sure: 60 %`); what only a person can know is "???", which `plant check` refuses by its
    name. The exports are only read. A file that cannot be drafted is told and stops no other. Exit code 1 when a file could not be read.
    """
    from pipelines.draft.drafting import Stated, draft_plant

    root = root_of(portfolio)
    target = _target(root, id, force)
    _refuse_wrong(timezone, calendar)
    with err.status(f"Looking at the exports of {id} ...") as status:
        draft = draft_plant(
            id, [*places, *(more or ())], root, Stated(name, company, timezone, calendar), lambda text: status.update(text[:110])
        )
    target.parent.mkdir(exist_ok=True)
    target.write_text(draft.text, encoding="utf-8")
    if as_json:
        print_json(_as_dict(draft, target))
    else:
        for part in _told(draft, id, target.relative_to(root).as_posix()):
            show(part)
    raise typer.Exit(1 if draft.failed else 0)


def _target(root: Path, plant_id: str, force: bool) -> Path:
    from connectors.models import PLANT_ID

    if not re.fullmatch(PLANT_ID, plant_id):
        raise PlantlakeError(Problem(f"'{plant_id}' is no id of a plant.", fix="letters, digits, - and _ (63 at most), such as acme-tulsa"))
    target = root / "plants" / f"{plant_id}.yaml"
    if target.exists() and not force:
        raise PlantlakeError(Problem(f"plants/{plant_id}.yaml is there already.", fix="another id, or --force to write over it"))
    return target


def _refuse_wrong(timezone: str | None, calendar: str | None) -> None:
    from connectors.errors import closest
    from connectors.plant_rules import available_timezones

    if timezone and timezone not in available_timezones():
        near = closest(timezone, available_timezones())
        raise PlantlakeError(Problem(f"'{timezone}' is not a time zone.", closest=near, fix="--timezone Europe/Berlin, an IANA name"))
    if calendar not in (None, "none", "records"):
        raise PlantlakeError(
            Problem(f"'{calendar}' is no calendar that a draft can state.", fix="--calendar none, or write the shifts into the file")
        )


def _as_dict(draft: Draft, target: Path) -> dict[str, Any]:
    return {
        "file": str(target),
        "sources": [
            {
                "source": source.name, "kind": source.kind, "path": source.path, "exports": source.exports, "looked_at": source.looked_at,
                "records": source.records, "tables": source.tables,
            }
            for source in draft.sources
        ],
        "decisions": [
            {"where": d.where, "line": d.line, "value": d.value, "sure": d.sure, "why": d.why, "open": d.is_open} for d in draft.decisions
        ],
        "not_drafted": [{"file": name, "because": why} for name, why in draft.left_out],
    }  # fmt: skip


def _told(draft: Draft, plant_id: str, shown: str) -> Iterator[Any]:
    from rich.table import Table
    from rich.text import Text

    yield f"Drafted {shown}: {counted(len(draft.decisions), 'decision')}, {len(draft.marked)} of them marked for a person"
    table = Table(header_style="bold", box=None, pad_edge=False)
    for title in ("", "source", "kind", "files", "looked at", "records", "tables"):
        table.add_column(title, justify="right" if title in ("files", "looked at", "records") else "left", overflow="fold")
    for source in draft.sources:
        cells = (source.name, source.kind, str(source.exports), str(source.looked_at), f"{source.records:,}", ", ".join(source.tables))
        table.add_row("", *map(Text, cells))
    yield table
    yield from _listed("For you to write", [f"line {d.line}: {_place(d.where)}: {d.why}" for d in draft.open])
    guessed = [d for d in draft.marked if not d.is_open]
    yield from _listed("For you to check", [f"line {d.line}: {_place(d.where)}: {d.why} ({d.sure} %)" for d in guessed])
    yield from _listed("Not drafted", [f"{name}: {why}" for name, why in draft.left_out if why != "documentation"])
    yield f"Next:  edit {shown}\n       plantlake plant check {plant_id}\n       plantlake plant try {plant_id}"


def _place(where: str) -> str:
    """A key as people say it.

    >>> _place("sources.mes.tables.production_count.columns.good_qty")
    'mes · production_count · good_qty'
    """
    return re.sub(r"^sources\.(.*?)(\.|$)", r"\1 · ", where).replace("tables.", "", 1).replace(".columns.", " · ", 1).removesuffix(" · ")


def _listed(title: str, lines: list[str]) -> Iterator[str]:
    if lines:
        yield title
        yield from (f"  {line}" for line in lines[:LISTED])
    if len(lines) > LISTED:
        yield f"  and {len(lines) - LISTED} more (--json lists all)"
