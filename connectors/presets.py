"""Presets: what is known of a system whose exports are only a layout of a general format, as data.

A preset is one YAML: `connectors/systems/<system>/<name>.yaml` of plantlake, or `presets/<system>/<name>.yaml` of a portfolio. It holds
a whole source (kind, options, mapping of its standard tables); a plant file names it and states only what differs. Here: finding
presets, and laying a plant's own words over one. Elsewhere: what a source may say (`connectors.models`), checking the result
(`connectors.portfolio`).
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from connectors.errors import ConfigError, Problem, closest, listed
from connectors.yaml_lines import load

SYSTEMS = Path(__file__).resolve().parent / "systems"
OWN = "presets"
"""The folder of a portfolio with presets of its own."""
ORIGINS = frozenset({"from", "const", "sql", "from_name"})
TESTS = frozenset({"in", "not_in", "matches", "empty"})
NAMED = frozenset({"from", "column", "unit_from", "shift", "key"})
"""Keys under which a preset names columns of the source."""


@dataclass(frozen=True)
class Preset:
    """One layout of one system."""

    name: str
    """As a plant file names it: `sap.afru`."""
    about: str
    """What it is, in one sentence."""
    system: str
    """Product and versions."""
    notes: tuple[str, ...]
    """What it does and why: dirt of the system that it knows."""
    source: dict[str, Any]
    """What a plant file would say under `sources.<name>`."""


def names(root: Path | None = None) -> dict[str, Path]:
    """Name: file, of plantlake's presets and those of the portfolio at `root`, whose own win."""
    found = _below(SYSTEMS)
    return dict(sorted({**found, **(_below(root / OWN) if root else {})}.items()))


def _below(folder: Path) -> dict[str, Path]:
    return {".".join(path.relative_to(folder).with_suffix("").parts): path for path in sorted(folder.rglob("*.yaml"))}


def preset(name: str, root: Path | None = None) -> Preset:
    """A preset by its name. Raises ConfigError naming the closest."""
    return _known(name, names(root))


def _known(name: str, known: Mapping[str, Path]) -> Preset:
    path = known.get(name)
    if path is None:
        near = closest(name, known) or next((other for other in known if other.startswith(f"{name}.")), None)
        raise ConfigError(
            Problem(f"There is no preset '{name}'.", found=listed(list(known), 40), closest=near, fix="plantlake preset list")
        )
    return _read(name, path, path.stat().st_mtime_ns if path.exists() else 0)


@cache
def _read(name: str, path: Path, written: int) -> Preset:
    """`written`: when. A process that runs for days sees what was edited."""
    said = load(path, str(path))
    wrong = sorted(said.keys() ^ {"about", "system", "notes", "source"}) if isinstance(said, dict) else ["about"]
    if wrong or not isinstance(said["source"], dict):
        raise ConfigError(
            Problem(
                "A preset has the keys about, system, notes and source.",
                export=str(path),
                found=listed(wrong),
                fix="docs/adding-a-connector.md",
            )
        )
    return Preset(name, str(said["about"]), str(said["system"]), tuple(map(str, said["notes"] or ())), said["source"])


def with_presets(plant: Any, known: Mapping[str, Path]) -> Any:
    """The content of a plant file with every source laid over the preset that it names, one of `names`.

    Raises ConfigError for one that is not there.
    """
    sources = plant.get("sources") if isinstance(plant, dict) else None
    if not isinstance(sources, dict):
        return plant
    return {**plant, "sources": {name: _laid(name, source, known) for name, source in sources.items()}}


def _laid(name: Any, source: Any, known: Mapping[str, Path]) -> Any:
    if not isinstance(source, dict) or not isinstance(source.get("preset"), str):
        return source
    try:
        base = _known(source["preset"], known).source
    except ConfigError as error:
        raise error.at(source=str(name)) from error
    headers = source.get("headers")
    return over(renamed(base, headers) if isinstance(headers, dict) else base, source)


def over(base: Any, own: Any) -> Any:
    """What a plant says over what the preset says: key by key; null takes a key away.

    >>> over({"unit": "kg", "from": "MENGE"}, {"from": "Menge"})
    {'unit': 'kg', 'from': 'Menge'}
    >>> over({"columns": {"order": "AUFNR", "tool": "FHM"}}, {"columns": {"tool": None, "order": {"regex": "(.*)"}}})
    {'columns': {'order': {'from': 'AUFNR', 'regex': '(.*)'}}}
    """
    if not isinstance(own, dict) or not isinstance(base, dict):
        return own
    for exclusive in (ORIGINS, TESTS):
        if exclusive & own.keys():
            base = {key: value for key, value in base.items() if key not in exclusive}
    merged = {key: value for key, value in base.items() if key not in own}
    merged |= {key: _column_over(key, base, value) for key, value in own.items() if value is not None}
    return {key: merged[key] for key in dict.fromkeys([*base, *own]) if key in merged}


def _column_over(key: Any, base: Mapping[Any, Any], own: Any) -> Any:
    """One key of `over`; the columns of a table have a short form on either side."""
    if key not in base:
        return own
    if key == "columns" and isinstance(own, dict) and isinstance(base[key], dict):
        full = {name: _full(column, isinstance(own.get(name), dict)) for name, column in base[key].items()}
        return over(full, {name: _own_column(base[key].get(name), column) for name, column in own.items()})
    return over(base[key], own)


def _full(column: Any, wanted: bool) -> Any:
    return {"from": column} if wanted and isinstance(column, str | list) else column


def _own_column(base: Any, own: Any) -> Any:
    """A bare text renames the column of a rule that stays."""
    return {"from": own} if isinstance(base, dict) and "from" in base and isinstance(own, str) else own


def renamed(preset: Any, headers: Mapping[Any, Any], key: str = "") -> Any:
    """The preset with the columns of the source under other names, as a translated or labelled export has them.

    >>> renamed({"columns": {"order": "AUFNR", "qty": {"from": ["LMNGA", "XMNGA"]}}}, {"AUFNR": "Auftrag", "LMNGA": "Gutmenge"})
    {'columns': {'order': 'Auftrag', 'qty': {'from': ['Gutmenge', 'XMNGA']}}}
    """
    if isinstance(preset, dict):
        return {
            name: renamed(value, headers, "from" if key == "columns" and isinstance(value, str | list) else str(name))
            for name, value in preset.items()
        }
    if isinstance(preset, list):
        return [renamed(value, headers, key) for value in preset]
    return headers.get(preset, preset) if key in NAMED else preset


def columns_of(source: Any, key: str = "") -> Iterator[str]:
    """The columns of the source that a preset names, each as often as it does.

    >>> list(columns_of({"tables": {"t": {"columns": {"order": "AUFNR", "qty": {"from": ["LMNGA"], "unit_from": "MEINH"}}}}}))
    ['AUFNR', 'LMNGA', 'MEINH']
    """
    if isinstance(source, dict):
        for name, value in source.items():
            yield from columns_of(value, "from" if key == "columns" and isinstance(value, str | list) else str(name))
    elif isinstance(source, list):
        for value in source:
            yield from columns_of(value, key)
    elif key in NAMED and isinstance(source, str):
        yield source


def tables_of(preset: Preset) -> Collection[str]:
    """The canonical tables that it fills."""
    return list(preset.source.get("tables", {}))


def overview(root: Path | None = None) -> Iterator[Preset]:
    """All presets by name."""
    known = names(root)
    for name in known:
        yield _known(name, known)
