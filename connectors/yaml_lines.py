"""YAML as people write it: 1.2 words (NO and off are words, 06:00 is a text), duplicate keys refused, line numbers on demand.

Here: loading and positions. Elsewhere: what the keys mean (`connectors.models`).
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import yaml

from connectors.errors import ConfigError, Problem

_Base = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class _Loader(_Base):  # type: ignore[misc, valid-type]
    """Core-schema scalars only: what a plant calls 'off' or 'NO' must not become a boolean."""


_Loader.yaml_implicit_resolvers = {}
for _tag, _pattern, _first in (
    ("tag:yaml.org,2002:bool", r"^(?:true|false)$", "tf"),
    ("tag:yaml.org,2002:int", r"^[-+]?(?:0|[1-9][0-9]*)$", "-+0123456789"),
    ("tag:yaml.org,2002:float", r"^[-+]?(?:0|[1-9][0-9]*)\.[0-9]+(?:[eE][-+]?[0-9]+)?$", "-+0123456789"),
    ("tag:yaml.org,2002:merge", r"^<<$", "<"),
    ("tag:yaml.org,2002:null", r"^(?:~|null|)$", ["~", "n", ""]),
):
    _Loader.add_implicit_resolver(_tag, re.compile(_pattern), list(_first))


def _mapping(loader: Any, node: yaml.MappingNode) -> dict[Any, Any]:
    own = list(node.value)
    loader.flatten_mapping(node)
    seen: dict[Any, int] = {}
    for key_node, _ in own:
        if key_node.tag == "tag:yaml.org,2002:merge":
            continue
        key = loader.construct_object(key_node, deep=True)
        if key in seen:
            raise yaml.constructor.ConstructorError(
                None, None, f"the key '{key}' stands twice, first in line {seen[key]}", key_node.start_mark
            )
        seen[key] = key_node.start_mark.line + 1
    return dict(loader.construct_pairs(node, deep=True))  # what is merged comes first, so that own keys win


_Loader.add_constructor("tag:yaml.org,2002:map", _mapping)


def load(path: Path, shown: str) -> Any:
    """The content of a YAML file. Raises ConfigError with the line; `shown` names the file in messages."""
    try:
        return yaml.load(path.read_text(encoding="utf-8-sig"), Loader=_Loader)
    except FileNotFoundError as error:
        raise ConfigError(Problem(f"{shown} does not exist.", export=shown)) from error
    except UnicodeDecodeError as error:
        raise ConfigError(Problem("The file is not UTF-8.", export=shown, fix="save it as UTF-8")) from error
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line = f":{mark.line + 1}" if mark else ""
        raise ConfigError(Problem(f"Not valid YAML: {error.problem or error.context}.", export=f"{shown}{line}")) from error


def line_of(path: Path, keys: tuple[str | int, ...]) -> int | None:
    """The line (from 1) of the deepest part of `keys` that stands in the file."""
    node = yaml.compose(path.read_text(encoding="utf-8-sig"), Loader=_Loader)
    line: int | None = None
    for key in keys:
        if isinstance(node, yaml.MappingNode):
            found = next(((k, v) for k, v in node.value if str(k.value) == str(key)), None)
            if found is None:
                break
            line, node = found[0].start_mark.line + 1, found[1]
        elif isinstance(node, yaml.SequenceNode) and isinstance(key, int) and key < len(node.value):
            node = node.value[key]
            line = node.start_mark.line + 1
        else:
            break
    return line
