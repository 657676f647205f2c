"""`plantlake workbook` and `plantlake board-pack`: what is handed to people as a file.

Here: the verbs. Elsewhere: the workbook (`publish.workbook`), the pack (`publish.board_pack`), closing a month (`pipelines.cli_release`).
"""

from __future__ import annotations

import re
import uuid
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from connectors.errors import PlantlakeError, Problem
from pipelines.terminal import PortfolioOption, counted, err, lake_at, out, root_of, say


def workbook(
    target: Annotated[Path, typer.Argument(metavar="[FILE]", help="Where it is written.")] = Path("kpi.xlsx"),
    by: Annotated[str, typer.Option(help="One scope and one period for the sheet of values over time, as line,week.")] = "plant,month",
    portfolio: PortfolioOption = None,
) -> None:
    """Writes what is published as a workbook: KPIs, live ratios over the parts, losses, trends, health, changes, definitions."""
    from connectors.portfolio import read
    from publish import workbook as book
    from publish.reader import Snapshot

    if target.suffix.lower() != ".xlsx":
        raise PlantlakeError(Problem(f"'{target.suffix}' is no known ending.", found=str(target), fix="plantlake workbook NAME.xlsx"))
    if not target.absolute().parent.is_dir():
        raise PlantlakeError(Problem(f"The folder {target.parent} does not exist.", found=str(target), fix=f"mkdir {target.parent}"))
    root = root_of(portfolio)
    part = target.with_name(f".{target.name}.{uuid.uuid4().hex}")
    with Snapshot(lake_at(root).snapshot) as reader, err.status("Writing the workbook ..."):
        try:
            book.write(reader, part, read(root).file.name, by)
            part.replace(target)
        except OSError as error:
            raise PlantlakeError(
                Problem(f"{target} cannot be written.", found=str(error), fix="close it where it is open, or name another file")
            ) from error
        finally:
            part.unlink(missing_ok=True)
    out.print(f"Written to {target} ({target.stat().st_size / 1024:,.0f} kB).", highlight=False, soft_wrap=True)


class _Packs(TyperGroup):
    """`board-pack 2026-10` is short for `board-pack make 2026-10`."""

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        return super().resolve_command(ctx, ["make", *args] if re.fullmatch(r"\d{4}-\d{1,2}", args[0]) else args)


app = typer.Typer(
    help="Board packs: a closed month as a frozen folder (`plantlake board-pack 2026-10`), and whether one is whole.", cls=_Packs,
    no_args_is_help=True, rich_markup_mode=None,
)  # fmt: skip


@app.command("make")
def make_pack(
    month: Annotated[datetime, typer.Argument(formats=["%Y-%m"], help="A closed month, as 2026-10.")],
    folder: Annotated[Path | None, typer.Argument(help="Where it is written.", show_default="board-packs/2026-10 in the portfolio")] = None,
    portfolio: PortfolioOption = None,
) -> None:
    """Makes the pack of a closed month: Parquet, workbook, PDF, dashboard, definitions, differences, checksums; and a zip file beside it.

    A pack that is there is never changed. `plantlake release close` closes a month.
    """
    from connectors.portfolio import read
    from publish import board_pack

    root = root_of(portfolio)
    target = folder or root / "board-packs" / f"{month:%Y-%m}"
    status = err.status("Making the board pack ...")
    with status:
        made = board_pack.make(
            lake_at(root), read(root), month.date(), target.absolute(), lambda what: status.update(f"Making the board pack: {what} ...")
        )
    words = "Written to" if made.is_new else "The same pack is there already:"
    out.print(f"{words} {made.folder} and {made.archive.name}.", highlight=False, soft_wrap=True)
    for note in made.notes:
        err.print(note, highlight=False, soft_wrap=True)


@app.command()
def verify(folder: Annotated[Path, typer.Argument(help="A board pack.")]) -> None:
    """Says whether a pack is as it was made: no file changed, missing or added."""
    from publish import board_pack

    problems = list(board_pack.wrong(folder))
    say(problems)
    if not problems:
        lines = (folder / board_pack.CHECKSUMS).read_text(encoding="utf-8").splitlines()
        out.print(f"{folder} is whole: {counted(len(lines), 'file')}.", highlight=False, soft_wrap=True)
    raise typer.Exit(1 if problems else 0)
