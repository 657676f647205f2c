"""What happened, and who has not heard of it: compares how things stand with what each receiver was told before.

Here: what stands (plants that failed or are stale, changed exports that wait, outlets, the refresh, closed months), what of it is news,
the one call that every refresh makes (`telling`). Elsewhere: the receivers (`connectors.receivers`), what was told and what waits
(`pipelines.alert_store`), how messages go out (`pipelines.alert_posts`), the verbs (`pipelines.cli_alerts`).

What stands is told once, again when it becomes something else, and as a reminder; when it ends, whoever was told of it hears that too.
Nothing here can end a refresh: what fails is logged, and tried again by the next one.
"""

from __future__ import annotations

import hashlib
import logging
import sqlite3
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from connectors.errors import LockedError, PlantlakeError, Problem
from connectors.portfolio import Portfolio
from connectors.receivers import Event, Mail, Receiver, is_address
from pipelines.alert_store import AlertStore, Told
from pipelines.lake import Lake

if TYPE_CHECKING:
    from pipelines.alert_posts import Answer
    from pipelines.refresh import Refresh

log = logging.getLogger("plantlake.alerts")
Key = tuple[str, str]
"""Topic and subject: ('plant', 'acme-tulsa')."""
Known = Mapping[str, tuple[datetime, Mapping[str, Any]]]
"""By plant: when it was seen first, and who it is."""
EARLY = 0.9
"""A reminder is due after this share of its time: a daily refresh does not begin to the second."""


@dataclass(frozen=True, slots=True)
class Standing:
    """Something that is so. Another `mark` makes it news again."""

    topic: str
    subject: str
    event: Event
    since: datetime
    why: str
    fix: str
    plant: Mapping[str, Any] | None = None
    mark: str = ""

    @property
    def key(self) -> Key:
        return self.topic, self.subject


@dataclass
class Seen:
    """What one look found: what stands, and of what it is known when it does not stand any more."""

    standing: list[Standing] = field(default_factory=list)
    judged: set[Key] = field(default_factory=set)


@dataclass(frozen=True, slots=True)
class Ran:
    """What a refresh knows beyond what is published. A verb that refreshes nothing knows nothing of it."""

    asked: Collection[str] = ()
    """Plants that it looked at."""
    problems: Sequence[Problem] = ()
    failures: Sequence[tuple[str, str]] = ()
    """(plant, block) of exports that cannot be loaded."""
    outlets: Mapping[str, Problem | None] = field(default_factory=dict)
    """Outlets that were written (None), or could not be."""
    ended: bool = False
    error: Problem | None = None
    began: datetime | None = None
    """When what happened began; a receiver that is new is told of nothing older."""


# --- the call that a refresh makes ----------------------------------------------------------------------------------------------------


@contextmanager
def telling(job: Refresh, told: Callable[[list[Answer]], None] = lambda _: None) -> Iterator[None]:
    """Around a refresh: tells what came of it, also when nothing was new and when it failed wholly. `told` hears what was answered."""
    try:
        yield
    except LockedError:
        raise  # the refresh that holds the lake tells
    except Exception as error:
        problem = error.problems[0] if isinstance(error, PlantlakeError) else _unexpected(error)
        told(tell(job.lake, job.portfolio, lambda: Ran(error=problem)))
        raise
    told(tell(job.lake, job.portfolio, lambda: of_refresh(job)))


def of_refresh(job: Refresh) -> Ran:
    """What a refresh that came to its end knows."""
    asked = job.request.plants or [*job.portfolio.plants, *job.portfolio.broken]
    return Ran(list(asked), job.outcome.problems, job.ledger.failures(), job.outcome.outlets, ended=True)


def _unexpected(error: Exception) -> Problem:
    found = f"{type(error).__name__}: {error}"[:400]
    return Problem("The refresh failed; what was published stands.", found=found, fix="see the newest file in lake/logs", actor="us")


def tell(lake: Lake, portfolio: Portfolio, ran: Callable[[], Ran] = Ran) -> list[Answer]:
    """Looks how things stand, enters what is news, and sends what waits. Never raises; gives what each receiver answered."""
    if not portfolio.file.alerts:
        return []
    try:
        at = datetime.now(UTC).replace(microsecond=0)
        known: Ran = ran()
        try:
            with AlertStore(lake.alerts) as store:
                enter(store, portfolio, look(lake, portfolio, store, known, at), at, known.began or at)
                answers = deliver(store, portfolio, at)
        except sqlite3.Error:
            if known.error is None:
                raise
            with AlertStore(":memory:") as store:  # a full disk must not keep itself secret: told at each refresh until it is not full
                enter(store, portfolio, Seen([_refresh_failed(known.error, at)]), at, at)
                answers = deliver(store, portfolio, at)
    except Exception:
        log.exception("alerts")
        return []
    for answer in answers:
        if answer.error:
            log.warning("alerts: %s was not reached and is tried again: %s", answer.message.receiver.name, answer.error)
    return answers


# --- what stands ----------------------------------------------------------------------------------------------------------------------


def look(lake: Lake, portfolio: Portfolio, store: AlertStore, ran: Ran, at: datetime) -> Seen:
    """How things stand: what is published, what the lake keeps, and what the refresh knows beyond."""
    status, months = _published(lake)
    found = Seen()
    who = {plant: {"plant_name": about.name, "company": about.company, "owner": about.owner} for plant, about in portfolio.plants.items()}
    store.keep_plants(who, at)
    known = store.plants()
    _plants(found, portfolio, status, known, ran, _held(lake), at)
    _drift(found, lake, portfolio, known)
    for name, problem in ran.outlets.items():
        found.judged.add(("outlet", name))
        if problem is not None:
            found.standing.append(
                Standing("outlet", name, "outlet_failed", at, _told(problem), problem.fix or f"plantlake publish {name}", None)
            )
    if ran.ended:
        found.judged.add(("refresh", ""))
    if ran.error is not None:
        found.standing.append(_refresh_failed(ran.error, at))
    for month, closed_at, by in months:
        fix = "nothing: its values are kept in kpi_release, and later changes are restatements (`plantlake restated`)"
        found.standing.append(Standing("month", f"{month:%Y-%m}", "month_closed", closed_at, f"closed by {by}", fix))
    return found


def _refresh_failed(problem: Problem, at: datetime) -> Standing:
    fix = problem.fix or "see the newest file in lake/logs; `plantlake doctor` says what is wrong with the lake"
    return Standing("refresh", "", "refresh_failed", at, _told(problem), fix)


def _told(problem: Problem) -> str:
    """Message and finding of a problem; its fix stands by itself."""
    return "\n".join(part for part in (problem.where, problem.message, f"Found: {problem.found}" if problem.found else "") if part)


def _published(lake: Lake) -> tuple[dict[str, dict[str, Any]], list[tuple[Any, ...]]]:
    """plant_status by plant, and the months that are closed: (month, when, by whom)."""
    from publish.reader import Snapshot

    if not lake.snapshot.exists():
        return {}, []
    with Snapshot(lake.snapshot) as reader:
        status = {row["plant_id"]: row for row in reader.query("SELECT * FROM plant_status").to_dicts()}
        sql = "SELECT closed_month, min(closed_at), min(closed_by) FROM kpi_release GROUP BY 1 ORDER BY 1"
        return status, reader.rows(sql) if reader.has("kpi_release", "closed_by") else []


def _held(lake: Lake) -> Collection[str]:
    from pipelines import state

    return state.marker(lake).held


def _plants(
    found: Seen, portfolio: Portfolio, status: Mapping[str, Mapping[str, Any]], known: Known, ran: Ran,
    held: Collection[str], at: datetime,
) -> None:  # fmt: skip
    for plant_id in sorted({*status, *portfolio.plants, *portfolio.broken}):
        row = status.get(plant_id, {})
        about = _about(known, plant_id)
        standing = _failed(plant_id, about, row, ran, held, at) or _quiet(portfolio, plant_id, about, row, known, at)
        if standing:
            found.standing.append(standing)
        if plant_id in ran.asked:
            found.judged.add(("plant", plant_id))


def _about(known: Known, plant_id: str) -> dict[str, Any]:
    """Who the plant is, by its file as it could be read last."""
    _, about = known.get(plant_id, (None, {}))
    return {"plant_id": plant_id, **{name: about.get(name) for name in ("plant_name", "company", "owner")}}


def _failed(
    plant_id: str, about: Mapping[str, Any], row: Mapping[str, Any], ran: Ran, held: Collection[str], at: datetime
) -> Standing | None:  # fmt: skip
    """A plant of which something could not be loaded, or that a gate holds. The refresh knows better than what is published."""
    problems = [problem for problem in ran.problems if problem.plant == plant_id]
    blocks = [text for plant, text in ran.failures if plant == plant_id]
    is_asked = plant_id in ran.asked
    since, reason = row.get("stale_since") or at, row.get("stale_reason")
    if problems or blocks or (not is_asked and row.get("failed_exports")):
        why = [_told(problem) for problem in problems[:3]] or blocks[:3] or [str(reason)]
        fix = next((problem.fix for problem in problems if problem.fix), None) or _fix_in(blocks) or "`plantlake status` names the exports"
        return Standing("plant", plant_id, "plant_failed", since, "\n".join(dict.fromkeys(why)), fix, about)
    if reason and (not is_asked or plant_id in held):
        fix = "`plantlake status` and docs/on-call.md; its last good numbers stand until it is mended"
        return Standing("plant", plant_id, "plant_stale", since, str(reason), fix, about)
    return None


def _fix_in(blocks: Sequence[str]) -> str | None:
    """What an error's block says to do."""
    lines = (line.strip() for block in blocks for line in block.splitlines())
    return next((line.removeprefix("Fix: ") for line in lines if line.startswith("Fix: ")), None)


def _quiet(
    portfolio: Portfolio, plant_id: str, about: Mapping[str, Any], row: Mapping[str, Any], known: Known, at: datetime
) -> Standing | None:  # fmt: skip
    """A plant whose newest record is older than it may be; of one that never delivered, its file."""
    plant = portfolio.plants.get(plant_id)
    if plant is None or (plant.divested_on is not None and plant.divested_on <= at.date()):
        return None
    newest, limit = row.get("data_to"), plant.stale_after or portfolio.file.stale_after
    if newest is None or newest > at:  # records of the future say nothing about today
        newest = row.get("refreshed_at")
    since = newest or (known[plant_id][0] if plant_id in known else at)
    if at - since <= limit:
        return None
    hours = limit.total_seconds() / 3600
    told = f"no new data for longer than {f'{hours / 24:g} d' if hours >= 24 else f'{hours:g} h'}"
    why = f"{told}; the newest record is of {since:%Y-%m-%d %H:%M} UTC" if newest else f"{told}: it has never delivered any"
    fix = "ask the plant whether its exports still arrive where the plant file looks; where it rests on purpose, raise stale_after there"
    return Standing("plant", plant_id, "plant_stale", since, why, fix, about, mark="quiet")


def _drift(found: Seen, lake: Lake, portfolio: Portfolio, known: Known) -> None:
    from pipelines.drift_store import DriftStore

    if not lake.drift.exists():
        return
    with DriftStore(lake.drift) as store:
        waiting = store.open()
    for plant_id in sorted({row.plant_id for row in waiting}):
        mine = [row for row in waiting if row.plant_id == plant_id]
        why = "\n".join([f"{row.source_system} · {row.export}: {row.message}" for row in mine[:3]])
        more = f"\n... and {len(mine) - 3} more" if len(mine) > 3 else ""
        since = min(datetime.fromisoformat(row.found_at) for row in mine)
        fix = "`plantlake drift` shows each with the lines to edit, and accepts it"
        mark = str(max(row.finding_id or 0 for row in mine))
        found.standing.append(Standing("drift", plant_id, "drift_waiting", since, why + more, fix, _about(known, plant_id), mark))
    found.judged |= {("drift", plant) for plant in (*portfolio.plants, *portfolio.broken)}


# --- what is news ---------------------------------------------------------------------------------------------------------------------


def enter(store: AlertStore, portfolio: Portfolio, seen: Seen, at: datetime, began: datetime) -> None:
    """Enters what each receiver has not been told, in one transaction with the note that it was."""
    with store.transaction():
        store.keep_only([receiver.name for receiver in portfolio.file.alerts])
        for receiver in portfolio.file.alerts:
            _enter(store, portfolio, receiver, seen, at, store.since(receiver.name, began))


def _enter(store: AlertStore, portfolio: Portfolio, receiver: Receiver, seen: Seen, at: datetime, since: datetime) -> None:
    told = store.told(receiver.name)
    for standing in seen.standing:
        content = as_event(portfolio, standing, at)
        to = addresses(receiver, content)
        if not wants(receiver, content) or not to or (standing.event == "month_closed" and standing.since < since):
            continue
        before, mark = told.get(standing.key), f"{standing.event} {standing.mark}"
        is_reminder = before is not None and before.mark == mark
        if is_reminder and not _is_due(store, receiver, standing, before, at):
            continue
        if before is not None and is_reminder:
            content |= {"since": before.content["since"], "is_reminder": True}
        for address in to:
            store.enter(receiver.name, address, standing.key, content, at)
        store.set_told(receiver.name, standing.key, mark, content, at)
    over = seen.judged - {standing.key for standing in seen.standing}
    for key in sorted(over & set(told)):
        content = _recovered(told[key].content, at)
        store.end(receiver.name, key)
        if "recovered" in receiver.events and key[0] != "drift":
            for address in addresses(receiver, content):
                store.enter(receiver.name, address, key, content, at)


def _is_due(store: AlertStore, receiver: Receiver, standing: Standing, before: Told | None, at: datetime) -> bool:
    """Whether it is time to remind. What has not even been taken yet needs no reminder, and what is done cannot be forgotten."""
    if receiver.remind_after is None or standing.event == "month_closed" or before is None:
        return False
    return at - before.told_at >= receiver.remind_after * EARLY and not store.waits(receiver.name, standing.key)


def wants(receiver: Receiver, event: Mapping[str, Any]) -> bool:
    """Whether the receiver wants it. One that names plants or companies wants nothing that belongs to no plant."""
    if event["event"] not in receiver.events:
        return False
    if receiver.plants and event["plant"] not in receiver.plants:
        return False
    return not receiver.companies or event["company"] in receiver.companies


def addresses(receiver: Receiver, event: Mapping[str, Any]) -> list[str]:
    """Where it goes: of mail each address, else one place. Without stated addresses the owner of the plant, where that is one."""
    if not isinstance(receiver.way, Mail):
        return [""]
    return [*receiver.way.to] or [owner for owner in [event["owner"]] if is_address(owner)]


def as_event(portfolio: Portfolio, standing: Standing, at: datetime) -> dict[str, Any]:
    """What is told: where, since when, why, what to do, and where to look."""
    plant = standing.plant or {}
    plant_id, name = plant.get("plant_id"), plant.get("plant_name")
    where = f"{name} ({plant_id})" if plant_id and name else plant_id or standing.subject
    since = _minute(standing.since)
    named = "|".join([standing.topic, standing.subject, standing.event, since, standing.mark])
    return {
        "id": hashlib.sha256(named.encode()).hexdigest()[:16], "event": standing.event, "where": where, "plant": plant_id,
        "plant_name": name, "company": plant.get("company"), "owner": plant.get("owner"), "subject": standing.subject or None,
        "since": since, "at": at.isoformat(), "why": standing.why, "fix": standing.fix, "link": _page(portfolio, plant_id),
        "is_reminder": False,
    }  # fmt: skip


def _page(portfolio: Portfolio, plant_id: str | None) -> str | None:
    """The page of the dashboard that tells more: of a plant, how far its data can be trusted."""
    url = portfolio.file.site_url
    return f"{url}#/trust?plant={quote(plant_id, safe='')}" if url and plant_id else url


def _recovered(before: Mapping[str, Any], at: datetime) -> dict[str, Any]:
    from pipelines.alert_posts import TITLES

    where = before["where"] or "The refresh"
    why = f"{TITLES[before['event']]} since {before['since']}: that has ended"
    named = f"{before['id']}|recovered|{at.isoformat()}"
    return {**before, "id": hashlib.sha256(named.encode()).hexdigest()[:16], "event": "recovered", "where": where, "since": _minute(at),
            "at": at.isoformat(), "why": why, "fix": "nothing", "is_reminder": False}  # fmt: skip


def _minute(moment: datetime) -> str:
    return f"{moment.astimezone(UTC):%Y-%m-%d %H:%M} UTC"


# --- sending what waits ---------------------------------------------------------------------------------------------------------------


def deliver(store: AlertStore, portfolio: Portfolio, at: datetime) -> list[Answer]:
    """Sends everything that waits, and notes what was taken."""
    from pipelines import alert_posts

    sender = alert_posts.From(portfolio.file.name, portfolio.root, portfolio.file.secret_command)
    claimed = {receiver.name: (receiver, store.claim(receiver.name, at)) for receiver in portfolio.file.alerts}
    of = {
        name: list(alert_posts.messages(receiver, [(row.number, row.address, row.content) for row in rows]))
        for name, (receiver, rows) in claimed.items()
        if rows
    }
    answers = alert_posts.send(sender, of)
    for answer in answers:
        if answer.error is None:
            store.taken(answer.message.numbers)
        else:
            store.refused(answer.message.numbers, answer.error)
    return answers


def sample(portfolio: Portfolio, at: datetime) -> dict[str, Any]:
    """One made-up event, for `plantlake alerts test`."""
    about = {"plant_id": "sample-plant", "plant_name": "Sample plant", "company": "Sample company", "owner": None}
    why, fix = "This is a test: nothing has happened.", "nothing; `plantlake alerts list` shows who is told what"
    return as_event(portfolio, Standing("plant", "sample-plant", "plant_failed", at, why, fix, about), at)


def problems(portfolio: Portfolio) -> Iterable[Problem]:
    """Receivers that wait for plants or companies that there are not."""
    from connectors.errors import closest, listed

    plants = [*portfolio.plants, *portfolio.broken]
    companies = sorted({plant.company for plant in portfolio.plants.values()})
    for receiver in portfolio.file.alerts:
        for what, named, known in (("plant", receiver.plants, plants), ("company", receiver.companies, companies)):
            for name in (name for name in named if name not in known):
                where = f"portfolio.yaml: alerts → {receiver.name}"
                fix = f"correct {'plants' if what == 'plant' else 'companies'}"
                told, consequence = f"There is no {what} '{name}'.", "It is told of nothing there."
                near = closest(name, known)
                yield Problem(told, export=where, found=listed(known), closest=near, fix=fix, consequence=consequence)
