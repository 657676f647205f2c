"""The base of everything a user writes in YAML: unknown keys are errors, and every field is described.

Here: `StrictModel` only. Elsewhere: the models of portfolio and plant files (`connectors.models`), how their errors become
problems with file and line (`connectors.portfolio`).
"""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict


class StrictModel(BaseModel):
    """A frozen model that refuses unknown keys; subclasses describe each field with `Field(description=...)`."""

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True, use_attribute_docstrings=True)
