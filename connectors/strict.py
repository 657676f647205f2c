"""The base of everything a user writes in YAML: unknown keys are errors, and every field is described.

Here: `StrictModel`, options that are one text or several, and the mark of those that name a file. Elsewhere: the models of portfolio and
plant files (`connectors.models`), how their errors become problems with file and line (`connectors.portfolio`).
"""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, WithJsonSchema


class StrictModel(BaseModel):
    """A frozen model that refuses unknown keys; subclasses describe each field with `Field(description=...)`."""

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True, use_attribute_docstrings=True)


BESIDE = "a file beside the exports"
"""Marks an option that names a file below the plant's root, as in `Annotated[str | None, BESIDE]`: it is found there, and a changed one
reads the exports anew."""


def as_texts(value: Any) -> Any:
    """One text as several.

    >>> as_texts("a"), as_texts(["a", "b"])
    (('a',), ['a', 'b'])
    """
    return (value,) if isinstance(value, str) else value


ONE_OR_SEVERAL = {"anyOf": [{"type": "string"}, {"type": "array", "items": {"type": "string"}}]}
Texts = Annotated[tuple[str, ...], BeforeValidator(as_texts), WithJsonSchema(ONE_OR_SEVERAL)]
