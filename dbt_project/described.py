"""What the project's YAML says of its models, read once in a process.

Here: reading, by libyaml where PyYAML has it (ten times as fast, and every refresh reads these files). Elsewhere: the KPI catalogue
(`dbt_project.catalogue`), plant files with their line numbers (`connectors.yaml_lines`).
"""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

import yaml

MODELS = Path(__file__).resolve().parent / "models"
LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def read(path: Path) -> Any:
    """The content of one YAML file of the project."""
    return yaml.load(path.read_text(encoding="utf-8"), Loader=LOADER)


@cache
def models(layer: str) -> dict[str, dict[str, Any]]:
    """The entries of `models/<layer>/*.yml` by name; a file without models has none.

    >>> models("marts")["kpi_value"]["name"]
    'kpi_value'
    """
    files = sorted((MODELS / layer).glob("*.yml"))
    return {entry["name"]: entry for path in files for entry in (read(path) or {}).get("models", [])}
