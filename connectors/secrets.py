"""How a source is reached: settings of its connection, in which what is secret stands by reference only.

A plant file lies in version control, so it never holds a password: it names where one is. Here: the reference, its resolution at
the moment of use, and what may not stand in the open. Elsewhere: who uses it (`connectors.discovery`, kinds that ask a system).
"""

from __future__ import annotations

import os
import re
import shlex
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from pydantic import model_validator

from connectors.errors import Problem, ReadError
from connectors.strict import StrictModel

SECRET_WORDS = re.compile(
    r"(^|[_-])(pass(word|phrase|wd)?|pwd|secret|token|key|credentials?|sas|authorization|cookie)($|[_-])", re.IGNORECASE
)
"""Names of settings that hold a secret."""
MANAGER_SECONDS = 30


class Secret(StrictModel):
    """Where a secret is. Exactly one."""

    env: str | None = None
    """An environment variable."""
    file: str | None = None
    """A file that holds nothing else (a mounted secret); relative to the portfolio."""
    manager: str | None = None
    """The secret's name in the manager that `secret_command` of portfolio.yaml asks."""

    @model_validator(mode="after")
    def _one_place(self) -> Secret:
        if sum(place is not None for place in (self.env, self.file, self.manager)) != 1:
            raise ValueError("give exactly one of env, file, manager")
        return self

    @property
    def told(self) -> str:
        """The reference in words, which may be shown."""
        return f"env: {self.env}" if self.env else f"file: {self.file}" if self.file else f"manager: {self.manager}"


def resolved(settings: Mapping[str, Any], root: Path, command: str | None = None) -> dict[str, Any]:
    """The settings with the secrets in place, to be used and forgotten. Raises ReadError naming the reference, never its value."""
    return {key: _resolved(value, root, command) for key, value in settings.items()}


def _resolved(value: Any, root: Path, command: str | None) -> Any:
    if isinstance(value, Secret):
        return _asked(value, root, command)
    return resolved(value, root, command) if isinstance(value, Mapping) else value


def _asked(secret: Secret, root: Path, command: str | None) -> str:
    if secret.env:
        found = os.environ.get(secret.env)
        if not found:
            raise _missing(secret, "the variable is not set", f"export {secret.env}=... where plantlake runs")
        return found
    if secret.file:
        try:
            return (root / secret.file).expanduser().read_text(encoding="utf-8").rstrip("\r\n")
        except (OSError, UnicodeDecodeError) as error:
            raise _missing(secret, str(error), "put the secret there, or mend the path") from error
    return _managed(secret, command)


def _managed(secret: Secret, command: str | None) -> str:
    if not command:
        fix = "portfolio.yaml → secret_command: vault kv get -field=value plantlake/{name}"
        raise _missing(secret, "portfolio.yaml names no secret manager", fix)
    words = [word.replace("{name}", str(secret.manager)) for word in shlex.split(command)]
    try:
        done = subprocess.run(words, capture_output=True, text=True, timeout=MANAGER_SECONDS, check=False)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise _missing(secret, f"{words[0]}: {type(error).__name__}", "portfolio.yaml → secret_command") from error
    if done.returncode or not done.stdout.strip():
        told = (done.stderr.strip().splitlines() or ["it printed nothing"])[-1][:200]
        raise _missing(secret, f"{words[0]} ended with {done.returncode}: {told}", "let the manager give it to this user")
    return done.stdout.rstrip("\r\n")


def _missing(secret: Secret, found: str, fix: str) -> ReadError:
    return ReadError(Problem(f"The secret '{secret.told}' cannot be had.", found=found, fix=fix, actor="retry"))


def in_the_open(settings: Mapping[str, Any], root: str | None, above: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Problem]]:
    """Settings that hold a secret as text, and a password in the address: (keys, what is wrong)."""
    for key, value in settings.items():
        if isinstance(value, Mapping):
            yield from in_the_open(value, None, (*above, key))
        elif SECRET_WORDS.search(key) and isinstance(value, str):
            yield (
                (*above, key),
                Problem(f"'{key}' is a secret and stands in the open.", fix=f"{key}: {{env: NAME}} or {{file: path}} or {{manager: name}}"),
            )
    if root and "://" in root and urlsplit(root).password:
        shown = root.replace(f":{urlsplit(root).password}@", ":...@")
        yield (), Problem("The address holds a password.", found=shown, fix="take it out; connection: {password: {env: NAME}}")
