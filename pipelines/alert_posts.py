"""How alerts go out: a POST, a mail, lines in a file; and what they look like there.

Here: one message for all that a receiver has to be told, the time it may take, errors in words and without secrets. Elsewhere: what is
told and to whom (`pipelines.alerts`), what waits (`pipelines.alert_store`), the receivers' shape (`connectors.receivers`).

Each receiver has a thread of its own: one that hangs or drips holds nobody up for longer than LONGEST_S. What it has not taken by then
is sent again by the next refresh.
"""

from __future__ import annotations

import json
import os
import queue
import ssl
import threading
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from time import monotonic
from typing import Any
from urllib.parse import urlsplit

from connectors.errors import PlantlakeError
from connectors.receivers import JsonLines, Mail, Receiver, Webhook
from connectors.secrets import Secret, resolved

LONGEST_S = 30.0
"""Seconds for all receivers of a round, beside each other."""
TIMEOUT_S = 10.0
"""Seconds that a server may say nothing."""
TRIES = 3
SHOWN = 20
"""Events that stand in one message for people; further ones are counted."""
MOST = 500
"""Events in one message for programs."""
AGAIN = {408, 425, 429, 500, 502, 503, 504}
TITLES = {
    "plant_failed": "failed", "plant_stale": "is stale", "drift_waiting": "has changed exports", "outlet_failed": "was not written",
    "refresh_failed": "the refresh failed", "month_closed": "is closed", "recovered": "is well again",
}  # fmt: skip
Event = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Message:
    """Events for one receiver; of mail, for one address."""

    receiver: Receiver
    address: str
    events: Sequence[Event]
    numbers: Sequence[int] = ()


@dataclass(frozen=True, slots=True)
class Answer:
    """What became of a message: its error in words, or None when it was taken."""

    message: Message
    error: str | None


@dataclass(frozen=True, slots=True)
class From:
    """Who sends, and where references of secrets are looked up."""

    portfolio: str
    root: Path
    secret_command: str | None


# --- sending --------------------------------------------------------------------------------------------------------------------------


def messages(receiver: Receiver, waiting: Sequence[tuple[int, str, Event]]) -> Iterator[Message]:
    """(number, address, event) as messages: one for each address, as long as one may be."""
    for address in dict.fromkeys(address for _, address, _ in waiting):
        mine = [(number, event) for number, to, event in waiting if to == address]
        for start in range(0, len(mine), MOST):
            part = mine[start : start + MOST]
            yield Message(receiver, address, [event for _, event in part], [number for number, _ in part])


def send(sender: From, of: Mapping[str, Sequence[Message]]) -> list[Answer]:
    """Sends the messages of each receiver, and says what became of each."""
    answers: queue.Queue[Answer] = queue.Queue()
    open_ = {id(message): message for mine in of.values() for message in mine}
    for mine in of.values():
        threading.Thread(target=_send_all, args=(sender, mine, answers.put), daemon=True, name="alerts").start()
    found: list[Answer] = []
    until = monotonic() + LONGEST_S
    while open_:
        try:
            answer = answers.get(timeout=max(0.0, until - monotonic()))
        except queue.Empty:
            break
        found.append(answer)
        open_.pop(id(answer.message))
    late = f"it did not take the message within {LONGEST_S:.0f} s"
    return found + [Answer(message, late) for message in open_.values()]


def _send_all(sender: From, mine: Sequence[Message], tell: Any) -> None:
    """The messages of one receiver, one after the other. After one that could not be sent the others would only wait as long."""
    error: str | None = None
    for message in mine:
        error = error if error and not message.address else _send(sender, message)
        tell(Answer(message, error))


def _send(sender: From, message: Message) -> str | None:
    secrets: list[str] = []
    try:
        way = message.receiver.way
        stated = {name: value for name, value in way if isinstance(value, Secret | dict)}
        settings = resolved(stated, sender.root, sender.secret_command)
        secrets = list(_hidden(settings, way))
        if isinstance(way, JsonLines):
            _append(sender.root / way.path, message)
        elif isinstance(way, Webhook):
            _post(sender, way, settings, message)
        else:
            _mail(sender, way, settings.get("password"), message)
    except PlantlakeError as error:
        problem = error.problems[0]
        return veiled(" ".join(part for part in (problem.message, problem.found, problem.fix) if part), secrets)
    except Exception as error:
        return veiled(" ".join(f"{type(error).__name__}: {error}".split())[:300], secrets)
    return None


def _hidden(settings: Mapping[str, Any], way: Webhook | Mail | JsonLines) -> Iterator[str]:
    """Texts that must not be shown: values of secrets, and of an address what stands behind the host."""
    url = settings.get("url") or (way.url if isinstance(way, Webhook) else None)
    if isinstance(url, str):
        parts = urlsplit(url)
        yield from (
            text for text in (url, f"{parts.path}?{parts.query}", parts.path, parts.query, parts.password) if text and len(text) > 3
        )
    for name, value in settings.items():
        if name != "url":
            yield from (text for text in (value.values() if isinstance(value, Mapping) else [value]) if text)


def veiled(text: str, secrets: Sequence[str]) -> str:
    """The text without secrets.

    >>> veiled("535 user:hunter2 refused", ["hunter2"])
    '535 user:... refused'
    """
    for secret in sorted(secrets, key=len, reverse=True):
        text = text.replace(secret, "...")
    return text


def place(receiver: Receiver) -> str:
    """Where a receiver is, in words that may be shown."""
    way = receiver.way
    if isinstance(way, JsonLines):
        return way.path
    if isinstance(way, Mail):
        return f"{', '.join(way.to) or 'owners of plants'} over {way.host}:{way.port_used}"
    if isinstance(way.url, Secret):
        return way.url.told
    parts = urlsplit(way.url)
    return f"{parts.scheme}://{parts.hostname}{f':{parts.port}' if parts.port else ''}/..."


# --- file -----------------------------------------------------------------------------------------------------------------------------


def _append(path: Path, message: Message) -> None:
    """One write, so that lines of two processes do not mix."""
    path.parent.mkdir(parents=True, exist_ok=True)
    lines = "".join(json.dumps(event, ensure_ascii=False, default=str) + "\n" for event in message.events)
    with path.open("ab") as file:
        file.write(lines.encode())
        file.flush()
        os.fsync(file.fileno())


# --- webhook --------------------------------------------------------------------------------------------------------------------------


class _AgainError(Exception):
    """Worth another try at once."""


def _post(sender: From, way: Webhook, settings: Mapping[str, Any], message: Message) -> None:
    try:
        import httpx
        from tenacity import Retrying, retry_if_exception_type, stop_after_attempt, wait_exponential_jitter
    except ModuleNotFoundError as error:
        from connectors.places.base import not_installed

        raise not_installed(error, "http") from None
    url = str(settings.get("url") or way.url)
    headers = {**{name: value for name, value in way.headers.items() if isinstance(value, str)}, **settings.get("headers", {})}
    bodies = {"json": as_json, "teams": as_card, "slack": as_text}
    body = json.dumps(bodies[way.form](sender.portfolio, message.events), ensure_ascii=False, default=str).encode()
    trusted = _context(sender.root, way.ca_file) if url.startswith("https:") else False
    again = retry_if_exception_type((_AgainError, httpx.ConnectError, httpx.ReadError, httpx.RemoteProtocolError))
    sent = {"User-Agent": "plantlake", "Content-Type": "application/json; charset=utf-8", **headers}
    with httpx.Client(timeout=TIMEOUT_S, verify=trusted, follow_redirects=False) as client:
        wait = wait_exponential_jitter(initial=0.5, max=5, jitter=0.5)
        for attempt in Retrying(stop=stop_after_attempt(TRIES), wait=wait, retry=again, reraise=True):
            with attempt, client.stream("POST", url, content=body, headers=sent) as response:
                if response.status_code in AGAIN:
                    raise _AgainError(f"HTTP {response.status_code}")
                if response.status_code >= 300:
                    raise RuntimeError(f"HTTP {response.status_code} {response.reason_phrase}")


def _context(root: Path, ca_file: str | None) -> ssl.SSLContext:
    return ssl.create_default_context(cafile=str(root / ca_file) if ca_file else None)


# --- mail -----------------------------------------------------------------------------------------------------------------------------


def _mail(sender: From, way: Mail, password: str | None, message: Message) -> None:
    import smtplib
    from email.message import EmailMessage
    from email.utils import formatdate, make_msgid

    mail = EmailMessage()
    mail["From"], mail["To"], mail["Subject"] = way.sender, message.address, title(sender.portfolio, message.events)
    mail["Date"], mail["Message-ID"] = formatdate(localtime=False), make_msgid(domain=way.sender.rpartition("@")[2])
    mail["Auto-Submitted"] = "auto-generated"  # no answers of absent people
    mail.set_content(body(message.events))
    encrypted = _context(sender.root, way.ca_file) if way.security != "none" else None
    if way.security == "tls":
        server: smtplib.SMTP = smtplib.SMTP_SSL(way.host, way.port_used, timeout=TIMEOUT_S, context=encrypted)
    else:
        server = smtplib.SMTP(way.host, way.port_used, timeout=TIMEOUT_S)
    with server:
        if way.security == "starttls":
            server.starttls(context=encrypted)
        if way.user and password:
            server.login(way.user, password)
        server.send_message(mail)


# --- words ----------------------------------------------------------------------------------------------------------------------------


def title(portfolio: str, events: Sequence[Event]) -> str:
    """One line for all events.

    >>> title("Small", [{"event": "plant_failed", "where": "Tulsa (acme-tulsa)"}])
    '[Small] Tulsa (acme-tulsa) failed'
    >>> title("Small", [{"event": "plant_failed"}, {"event": "recovered"}, {"event": "plant_failed"}])
    '[Small] 3 events: 2 failed, 1 is well again'
    """
    if len(events) == 1:
        return _line(f"[{portfolio}] {headline(events[0])}")
    counts = {TITLES[event["event"]]: 0 for event in events}
    for event in events:
        counts[TITLES[event["event"]]] += 1
    return _line(f"[{portfolio}] {len(events)} events: {', '.join(f'{count} {what}' for what, count in counts.items())}")


def headline(event: Event) -> str:
    """What happened, in one line."""
    where, what = event.get("where"), TITLES[event["event"]]
    return " ".join(f"{'Still: ' if event.get('is_reminder') else ''}{where or ''} {what}".split())


def _line(text: str) -> str:
    return " ".join(text.split())[:200]


def facts(event: Event) -> list[tuple[str, str]]:
    """Since when, why, what to do, where to look."""
    names = (("since", "Since"), ("why", "Why"), ("fix", "To do"), ("owner", "Owner"), ("link", "See"))
    return [(shown, str(event[name])) for name, shown in names if event.get(name)]


def body(events: Sequence[Event]) -> str:
    """All events as plain text."""
    blocks = ["\n".join([headline(event), *(f"  {name}: {_indented(text)}" for name, text in facts(event))]) for event in events[:SHOWN]]
    return "\n\n".join([*blocks, *_more(events)]) + "\n"


def _indented(text: str) -> str:
    return text.replace("\n", "\n    ")


def _more(events: Sequence[Event]) -> list[str]:
    return [f"... and {len(events) - SHOWN} more: `plantlake status` lists every plant."] if len(events) > SHOWN else []


def as_json(portfolio: str, events: Sequence[Event]) -> dict[str, Any]:
    """Every field, for programs."""
    return {"portfolio": portfolio, "title": title(portfolio, events), "events": list(events)}


def as_text(portfolio: str, events: Sequence[Event]) -> dict[str, Any]:
    """What Slack takes; its three signs of markup are written out, so that names mention nobody."""
    text = f"{title(portfolio, events)}\n\n{body(events)}"[:12_000]
    return {"text": text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")}


def as_card(portfolio: str, events: Sequence[Event]) -> dict[str, Any]:
    """An adaptive card, as Teams workflows take it. A card may have 28 kB."""

    def text(words: str, **more: Any) -> dict[str, Any]:
        return {"type": "TextBlock", "text": words, "wrap": True, **more}

    rows: list[dict[str, Any]] = [text(title(portfolio, events), size="Medium", weight="Bolder")]
    for event in events[:SHOWN]:
        rows.append(text(headline(event)[:200], weight="Bolder", separator=True))
        rows.append({"type": "FactSet", "facts": [{"title": name, "value": words[:400]} for name, words in facts(event)]})
    rows += [text(words) for words in _more(events)]
    card = {"$schema": "http://adaptivecards.io/schemas/adaptive-card.json", "type": "AdaptiveCard", "version": "1.4", "body": rows}
    return {"type": "message", "attachments": [{"contentType": "application/vnd.microsoft.card.adaptive", "content": card}]}
