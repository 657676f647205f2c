"""`plantlake publish`: what readers use, made anew of the snapshot that stands.

Here: the verb. Elsewhere: the outlets (`pipelines.outlets`), the snapshot itself, which only a refresh makes (`publish.snapshot`).
"""

from __future__ import annotations

from typing import Annotated

import typer

from connectors.errors import ConfigError, Problem, closest, listed
from pipelines.terminal import PortfolioOption, err, lake_at, out, root_of, say


def publish(
    outlet: Annotated[list[str] | None, typer.Argument(help="Which; default: all that the portfolio has.", show_default=False)] = None,
    portfolio: PortfolioOption = None,
) -> None:
    """Makes the dashboard, the workbook and the mirror anew of what is published. A refresh does it by itself."""
    from connectors.portfolio import read
    from pipelines import alerts, outlets
    from pipelines.cli_alerts import told_of
    from publish.reader import Snapshot

    root = root_of(portfolio)
    status = err.status("Publishing ...")
    given = outlets.Given(lake_at(root), read(root), status.update)
    Snapshot(given.lake.snapshot).close()  # tells when nothing is published yet
    found = {of.name: of for of in outlets.OUTLETS}
    if unknown := [name for name in outlet or () if name not in found]:
        near = closest(unknown[0], list(found))
        raise ConfigError(Problem(f"There is no outlet '{unknown[0]}'.", found=listed(list(found)), closest=near, fix="plantlake publish"))
    problems: list[Problem] = []
    tried: dict[str, Problem | None] = {}
    with status:
        for of in [found[name] for name in outlet] if outlet else outlets.wanted(given.portfolio):
            made = outlets.write(of, given)
            tried[of.name] = made if isinstance(made, Problem) else None
            if isinstance(made, Problem):
                problems.append(made)
            else:
                out.print(f"{of.name}: {next(iter(made.values()), 'done')}", highlight=False, soft_wrap=True)
    say(problems)
    told_of(alerts.tell(given.lake, given.portfolio, lambda: alerts.Ran(outlets=tried)))
    raise typer.Exit(1 if problems else 0)
