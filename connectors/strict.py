"""The base of everything a user writes in YAML: unknown keys are errors, and every field is described.

Here: `StrictModel`, options that are one text, several, or a length of time, options that only say what is asked, and the mark of those
that name a file. Elsewhere: the models of portfolio and plant files (`connectors.models`), how their errors become problems with file
and line (`connectors.portfolio`).
"""

from __future__ import annotations

import re
import types
import typing
from collections.abc import Mapping
from datetime import timedelta
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, WithJsonSchema


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

Asking = Field(exclude=True)
"""`Annotated[..., Asking]`: an option that decides what a system is asked, and when. It is no part of what decides how an answer reads,
so that nothing is read again when it changes."""


def reading(options: Mapping[str, Any], model: type[BaseModel]) -> dict[str, Any]:
    """Options as they stand in a plant file, without those that only say what is asked.

    >>> class Of(StrictModel):
    ...     every: Annotated[str, Asking] = "1h"
    ...     nulls: str = ""
    >>> reading({"every": "2h", "nulls": "-"}, Of), Of(every="2h").model_dump()
    ({'nulls': '-'}, {'nulls': ''})
    """
    return {name: value for name, value in options.items() if name not in model.model_fields or not model.model_fields[name].exclude}


def as_duration(value: Any) -> Any:
    """A length of time in words. A bare number is none: it would have no unit.

    >>> as_duration("90s"), as_duration("1.5 h"), as_duration("2d")
    (datetime.timedelta(seconds=90), datetime.timedelta(seconds=5400), datetime.timedelta(days=2))
    """
    if isinstance(value, timedelta):
        return value
    found = re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*(s|min|h|d)\s*", value) if isinstance(value, str) else None
    if not found:
        raise ValueError("write a length of time such as 30s, 15min, 6h or 7d")
    return timedelta(seconds=float(found[1]) * SECONDS[found[2]])


SECONDS = {"s": 1, "min": 60, "h": 3600, "d": 86400}
Duration = Annotated[
    timedelta, BeforeValidator(as_duration), WithJsonSchema({"type": "string", "pattern": r"^\s*\d+(\.\d+)?\s*(s|min|h|d)\s*$"})
]

Keys = tuple[str | int, ...]
"""A place in a YAML file: the keys that lead to it."""


def fields_at(model: type[BaseModel], keys: Keys) -> set[str]:
    """The keys that the model allows at a place of the file."""
    current: Any = model
    for key in keys:
        inner = _inner_model(current)
        if inner is not None and key in _aliases(inner):
            current = inner.model_fields[_aliases(inner)[str(key)]].annotation
        elif inner is None:
            return set()
    inner = _inner_model(current)
    return set(_aliases(inner)) if inner else set()


def _aliases(model: type[BaseModel]) -> dict[str, str]:
    return {info.alias or name: name for name, info in model.model_fields.items()}


def _inner_model(annotation: Any) -> type[BaseModel] | None:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    parts = typing.get_args(annotation) if typing.get_origin(annotation) or isinstance(annotation, types.UnionType) else ()
    return next((found for part in parts if (found := _inner_model(part))), None)
