"""`plantlake alerts ...`: who is told what, a test of each receiver, sending what waits.

Here: the verbs. Elsewhere: what is told and when (`pipelines.alerts`), how it goes out (`pipelines.alert_posts`).
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Any

import typer

from connectors.errors import ConfigError, Problem, closest, listed
from pipelines.terminal import JsonOption, PortfolioOption, as_json, counted, err, lake_at, out, root_of, say

if TYPE_CHECKING:
    from connectors.portfolio import Portfolio
    from connectors.receivers import Receiver
    from pipelines.alert_posts import Answer

app = typer.Typer(
    help="Alerts: who is told what, a test of each receiver, sending what waits.", no_args_is_help=True, rich_markup_mode=None
)
NamesArgument = Annotated[list[str] | None, typer.Argument(help="Receivers; default: all.", show_default=False)]


@app.command("list")
def list_receivers(portfolio: PortfolioOption = None, json: JsonOption = False) -> None:
    """Every receiver: how it is reached, which events and plants it wants, what waits to be told and why."""
    from pipelines import alert_posts, alerts
    from pipelines.alert_store import AlertStore

    found = _portfolio(portfolio)
    lake = lake_at(found.root)
    say(list(alerts.problems(found)))
    rows: list[dict[str, Any]] = []
    with AlertStore(lake.alerts if lake.alerts.exists() else ":memory:") as store:
        for receiver in found.file.alerts:
            waiting = store.waiting(receiver.name)
            rows.append(
                {
                    "name": receiver.name, "kind": receiver.kind, "to": alert_posts.place(receiver), "events": list(receiver.events),
                    "plants": list(receiver.plants), "companies": list(receiver.companies),
                    "remind": f"{receiver.remind_after.total_seconds() / 3600:g}h" if receiver.remind_after else "never",
                    "waiting": len(waiting), "error": next((row.error for row in reversed(waiting) if row.error), None),
                }
            )  # fmt: skip
    if json:
        as_json(rows)
        return
    for row in rows:
        named = [*row["plants"], *row["companies"]]
        out.print(f"{row['name']}: {row['kind']}, {row['to']}", highlight=False, soft_wrap=True, markup=False, style="bold")
        out.print(f"  {', '.join(row['events'])}; {', '.join(named) or 'every plant'}; reminds: {row['remind']}", highlight=False,
                  soft_wrap=True, markup=False)  # fmt: skip
        if row["waiting"]:
            reason = f"; not taken: {row['error']}" if row["error"] else ""
            out.print(f"  {counted(row['waiting'], 'event')} waiting{reason}", highlight=False, soft_wrap=True, markup=False)
    if not rows:
        err.print("Nobody is told: portfolio.yaml states no alerts. docs/alerts.md shows how.", highlight=False)


@app.command()
def test(names: NamesArgument = None, portfolio: PortfolioOption = None) -> None:
    """Sends a made-up event to every receiver, and tells what each answered. Nothing is remembered of it.

    Mail that goes to owners goes to each owner's address once.
    """
    from pipelines import alert_posts, alerts

    found = _portfolio(portfolio)
    sample = alerts.sample(found, datetime.now(UTC).replace(microsecond=0))
    sender = alert_posts.From(found.file.name, found.root, found.file.secret_command)
    of = {}
    for receiver in _named(found, names or ()):
        to = alerts.addresses(receiver, sample) or _owners(found)
        if not to:
            err.print(f"{receiver.name}: no plant's owner is a mail address, and `to` is not stated: nobody is told.", highlight=False)
        of[receiver.name] = list(alert_posts.messages(receiver, [(0, address, sample) for address in to]))
    _told(alert_posts.send(sender, of))


@app.command("send")
def send_waiting(portfolio: PortfolioOption = None) -> None:
    """Looks how things stand, and sends what is news and what waits, as every refresh does. A receiver that was down is tried again."""
    from pipelines import alerts

    found = _portfolio(portfolio)
    answers = alerts.tell(lake_at(found.root), found)
    if not answers:
        err.print("Nothing to tell.", highlight=False)
    _told(answers)


def told_of(answers: list[Answer]) -> None:
    """Receivers that could not be reached, on standard error."""
    for answer in answers:
        if answer.error:
            err.print(f"Alerts: {answer.message.receiver.name} was not reached ({answer.error}); the next refresh tries again.",
                      highlight=False, soft_wrap=True, markup=False)  # fmt: skip


def _told(answers: list[Answer]) -> None:
    """What each receiver answered; ends the verb."""
    for answer in answers:
        to = f" {answer.message.address}" if answer.message.address else ""
        said = f"not taken: {answer.error}" if answer.error else f"took {counted(len(answer.message.events), 'event')}"
        out.print(f"{answer.message.receiver.name}{to}: {said}", highlight=False, soft_wrap=True, markup=False)
    raise typer.Exit(1 if any(answer.error for answer in answers) else 0)


def _portfolio(portfolio: object) -> Portfolio:
    from connectors.portfolio import read

    return read(root_of(portfolio))  # type: ignore[arg-type]


def _owners(portfolio: Portfolio) -> list[str]:
    from connectors.receivers import is_address

    return sorted({str(plant.owner) for plant in portfolio.plants.values() if is_address(plant.owner)})


def _named(portfolio: Portfolio, names: list[str] | tuple[str, ...]) -> list[Receiver]:
    known = {receiver.name: receiver for receiver in portfolio.file.alerts}
    if unknown := [name for name in names if name not in known]:
        raise ConfigError(Problem(f"There is no receiver '{unknown[0]}'.", found=listed(list(known)) or "portfolio.yaml states no alerts",
                                  closest=closest(unknown[0], known), fix="plantlake alerts list"))  # fmt: skip
    return [known[name] for name in names] or list(known.values())
