"""What a portfolio publishes beside its snapshot: the key `publish` of portfolio.yaml.

Here: what each thing that readers use needs to be told. Elsewhere: the rest of portfolio.yaml (`connectors.models`), what is made of it
(`pipelines.outlets`), references to secrets (`connectors.secrets`).
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field

from connectors.secrets import Secret
from connectors.strict import StrictModel

Period = Literal["DAY", "WEEK", "MONTH", "QUARTER"]


def _by_reference(value: Any) -> Any:
    if isinstance(value, str):
        raise ValueError("a password stands in the open; write {env: NAME}, {file: path} or {manager: name}")
    return value


class Postgres(StrictModel):
    """A mirror of the published tables in PostgreSQL, for BI tools."""

    host: str
    """Host of the server, or the folder of its socket."""
    port: int = Field(default=5432, ge=1, le=65535)
    """Port of the server."""
    database: str
    """The database; it has to be there."""
    user: str
    """Who writes. Needs CREATE on the database, and no more."""
    password: Annotated[Secret | None, BeforeValidator(_by_reference)] = None
    """By reference: {env: NAME}, {file: path} or {manager: name}. Empty where the server asks for none."""
    sslmode: Literal["disable", "allow", "prefer", "require", "verify-ca", "verify-full"] = "prefer"
    """How the line is encrypted, in libpq's words."""
    db_schema: str = Field(default="plantlake", alias="schema", pattern=r"^[a-z_][a-z0-9_]{0,39}$")
    """The schema, which belongs to the mirror alone."""
    reader: str | None = Field(default=None, min_length=1, max_length=63)
    """A role that may read the schema and nothing else; it is made where it is missing and the user may make roles."""
    periods: tuple[Period, ...] = ("DAY", "WEEK", "MONTH", "QUARTER")
    """Kinds of period that the table kpi_value holds."""


class Publish(StrictModel):
    """What is made of the published snapshot."""

    workbook: bool = True
    """Whether each release is also written as a workbook, lake/published/kpi.xlsx."""
    postgres: Postgres | None = None
    """A mirror in PostgreSQL; needs plantlake[mirror]."""
