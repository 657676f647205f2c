"""What `plantlake refresh` does in the terminal: progress, the outcome in words, a preview before it is applied.

Here: texts and exit codes. Elsewhere: the refresh (`pipelines.refresh`, `pipelines.run`), the preview (`pipelines.preview`).
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from pipelines.terminal import as_json as print_json
from pipelines.terminal import counted, err, out, say

if TYPE_CHECKING:
    from pipelines.drift_store import Found
    from pipelines.refresh import Outcome, Request


def refresh(root: Path, request: Request | None, *, retry_lock_s: float, as_json: bool) -> int:
    """Refreshes a portfolio with progress, and says what came of it. Returns the exit code."""
    from pipelines import alerts
    from pipelines.cli_alerts import told_of
    from pipelines.refresh import Refresh

    status = err.status("Looking for new exports ...")
    job = Refresh(root, request, tell=lambda text: status.update(text[:110]))
    only = job.request.plants
    try:
        with alerts.telling(job, told_of):
            todo = job.plan()
            if todo:
                job.prepare()  # takes its seconds beside the import of Dagster
                from pipelines.run import run

                with status:
                    status.update(f"{counted(len(todo.plants), 'plant')}, {counted(todo.exports, 'new export')}: starting ...")
                    run(job, todo, wait_s=retry_lock_s)
            failures = [(plant, text) for plant, text in job.ledger.failures() if not only or plant in only]
            waiting = job.drift.open(only or None)
            _told(job.outcome, failures, nothing=not todo, as_json=as_json, waiting=waiting)
            return 1 if job.outcome.problems or failures or waiting else 0
    finally:
        job.close()


def _told(
    outcome: Outcome, failures: list[tuple[str, str]], *, nothing: bool, as_json: bool, waiting: Sequence[Found] = ()
) -> None:  # fmt: skip
    broken = sorted({*outcome.broken_plants, *(plant for plant, _ in failures)})
    if as_json:
        print_json(outcome.as_dict() | {"nothing_new": nothing, "stale_plants": broken})
        return
    say(outcome.problems)
    for plant, text in failures:
        if plant not in outcome.broken_plants or (plant in outcome.held and plant not in {p.plant for p in outcome.problems}):
            err.print(text + "\n", highlight=False, soft_wrap=True, markup=False)
    good = outcome.plants - len(broken)
    if nothing:
        err.print(f"Nothing new. {good} of {outcome.plants} plants are up to date.", highlight=False)
        _tell_drift(outcome, waiting)
        return
    for plant, reason in outcome.held.items():
        err.print(f"{plant} keeps its last good numbers: {reason}\n", highlight=False, soft_wrap=True, markup=False)
    released = f"Release {outcome.release_id}: " if outcome.release_id else "No number changed: "
    err.print(
        f"{released}{counted(outcome.exports, 'export')}, {counted(outcome.accepted, 'record')} accepted, {outcome.rejected:,} rejected, "
        f"{outcome.duplicate:,} repeated, {outcome.filtered:,} left out on purpose. {good} of {outcome.plants} plants refreshed"
        + (f"; not {', '.join(broken)}." if broken else "."),
        highlight=False,
    )  # fmt: skip
    _tell_drift(outcome, waiting)


def _tell_drift(outcome: Outcome, waiting: Sequence[Found]) -> None:
    """What changed in the exports, and how much of it waits."""
    from pipelines.cli_drift import told

    for line in told(outcome.drift, waiting):
        err.print(line, highlight=False, soft_wrap=True, markup=False)


def reconform(root: Path, plants: tuple[str, ...], *, yes: bool, retry_lock_s: float, as_json: bool) -> int:
    """Shows what changed maps would move, and applies it when that is wanted. Returns the exit code.

    Without a terminal and without `yes` nothing is applied.
    """
    from pipelines.preview import apply, preview

    with err.status("Conforming a copy of the lake ...") as status:
        shown = preview(root, plants, wait_s=retry_lock_s, tell=lambda text: status.update(text[:110]))
    say(shown.problems)
    if as_json and not yes:
        print_json(shown.as_dict())
        return 1 if shown.problems else 0
    for line in [] if as_json else shown.lines():
        out.print(line, highlight=False, soft_wrap=True, markup=False)
    if not shown:
        return 1 if shown.problems else 0
    if not yes and not (sys.stdin.isatty() and typer.confirm("Apply this?", err=True)):
        err.print("Nothing was applied. `plantlake refresh --reconform --yes`, or `plantlake refresh`, applies it.", highlight=False)
        return 1 if shown.problems else 0
    with err.status("Applying ...") as status:
        outcome = apply(root, plants, shown, wait_s=retry_lock_s, tell=lambda text: status.update(text[:110]))
    if as_json:
        print_json({"preview": shown.as_dict(), "applied": outcome.as_dict()})
    else:
        _told(outcome, [], nothing=False, as_json=False)
    return 1 if outcome.problems or outcome.held else 0
