"""Who is told when something happens: the receivers under `alerts:` of portfolio.yaml.

Here: their shape, and which events there are. Elsewhere: what happened and who was told already (`pipelines.alerts`), how a message
goes out (`pipelines.alert_posts`), where secrets are (`connectors.secrets`).
"""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Literal, get_args

from pydantic import Field, field_validator, model_validator

from connectors.secrets import Secret
from connectors.strict import Duration, StrictModel, Texts

Event = Literal["plant_failed", "plant_stale", "drift_waiting", "outlet_failed", "refresh_failed", "month_closed", "recovered"]
EVENTS: tuple[Event, ...] = get_args(Event)
ADDRESS = re.compile(r"[^@\s<>\",;]+@[^@\s<>\",;]+")


def is_address(text: str | None) -> bool:
    """Whether mail can be sent there.

    >>> is_address("ops@acme.com"), is_address("team:acme-ops"), is_address("a@b\\nBcc: c@d"), is_address(None)
    (True, False, False, False)
    """
    return bool(text) and ADDRESS.fullmatch(str(text)) is not None


class Webhook(StrictModel):
    """A POST to an address."""

    url: Secret | str
    """Where to: an address, or where it is kept: addresses of Teams and Slack are secrets."""
    form: Literal["json", "teams", "slack"] = "json"
    """json: every field, for programs; teams: an adaptive card, as Teams workflows take it; slack: text."""
    headers: dict[str, Secret | str] = {}
    """Further headers, such as Authorization: {env: NAME}."""
    ca_file: str | None = None
    """Certificate of the authority that signed the server's, PEM; relative to the portfolio."""

    @field_validator("url")
    @classmethod
    def _is_http(cls, url: Secret | str) -> Secret | str:
        if isinstance(url, str) and not re.match(r"https?://[^/\s]", url):
            raise ValueError("write https://..., or where the address is kept: {env: NAME}")
        return url


class Mail(StrictModel):
    """A mail over SMTP."""

    host: str
    """The mail server."""
    port: int | None = Field(default=None, ge=1, le=65535)
    """Default: 587 with starttls, 465 with tls, 25 with none."""
    security: Literal["starttls", "tls", "none"] = "starttls"
    """starttls: encrypted after the greeting; tls: from the first byte; none: in the open, without login."""
    user: str | None = None
    """Login."""
    password: Secret | None = None
    """Where the password is: {env: NAME}, {file: path} or {manager: name}."""
    sender: str
    """The address that the mail comes from."""
    to: Texts = ()
    """Addresses; default: the owner of the plant, where that is an address."""
    ca_file: str | None = None
    """Certificate of the authority that signed the server's, PEM; relative to the portfolio."""

    @property
    def port_used(self) -> int:
        return self.port or {"starttls": 587, "tls": 465, "none": 25}[self.security]

    @model_validator(mode="after")
    def _addresses(self) -> Mail:
        wrong = [address for address in (self.sender, *self.to) if not is_address(address)]
        if wrong:
            raise ValueError(f"'{wrong[0]}' is no mail address")
        if (self.user is None) != (self.password is None):
            raise ValueError("user and password belong together")
        if self.user and self.security == "none":
            raise ValueError("security: none would send the password in the open; use starttls or tls")
        return self


class JsonLines(StrictModel):
    """Lines of JSON that are appended to a file."""

    path: str
    """The file, relative to the portfolio."""


class Receiver(StrictModel):
    """One that is told: exactly one of webhook, mail and file; which events and plants it wants."""

    name: str = Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_-]{0,62}$")
    """Its name. Who was told what is remembered by it."""
    webhook: Webhook | None = None
    """A POST to an address: generic JSON, Teams, Slack."""
    mail: Mail | None = None
    """A mail over SMTP."""
    file: JsonLines | None = None
    """Lines of JSON in a file."""
    events: tuple[Event, ...] = EVENTS
    """Which events; default: all."""
    plants: Texts = ()
    """Only events of these plants; default: all."""
    companies: Texts = ()
    """Only events of plants of these companies; default: all."""
    remind: Duration | Literal["never"] = timedelta(days=1)
    """What still stands is told again after so long; default 1d."""

    @model_validator(mode="after")
    def _one_way(self) -> Receiver:
        if sum(way is not None for way in (self.webhook, self.mail, self.file)) != 1:
            raise ValueError("give exactly one of webhook, mail, file")
        return self

    @property
    def remind_after(self) -> timedelta | None:
        return self.remind if isinstance(self.remind, timedelta) else None

    @property
    def kind(self) -> str:
        return "webhook" if self.webhook else "mail" if self.mail else "file"

    @property
    def way(self) -> Webhook | Mail | JsonLines:
        """How it is reached."""
        found = self.webhook or self.mail or self.file
        assert found is not None
        return found
