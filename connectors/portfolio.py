"""Reads a portfolio folder and says everything that is wrong with it at once, with file and line.

Here: finding the folder, loading its files, places and secrets of sources, rules across files. Elsewhere: the models
(`connectors.models`), the rules of one plant file (`connectors.plant_rules`), the vocabularies' rows (`connectors.vocabularies`), the
checks of data (`quality_checks`).
"""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from connectors import presets, vocabularies
from connectors.contract import Place
from connectors.errors import ConfigError, Problem, closest, listed
from connectors.models import PlantFile, PortfolioFile, Settings
from connectors.plant_rules import plant_rules
from connectors.registry import connector
from connectors.secrets import SECRET_WORDS, resolved
from connectors.strict import Keys, fields_at
from connectors.vocabularies import Vocabularies
from connectors.yaml_lines import line_of, load

M = TypeVar("M", bound=BaseModel)
OPEN = "???"
"""What a draft writes where only a person can know the value."""

DEFAULT_SETTINGS = Settings(
    state_method="MEASURED",
    microstop_s=300,
    plan_freeze_h=24.0,
    rate_basis=("BEST_DEMONSTRATED", "ENGINEERED", "ERP_STANDARD"),
    min_rate_coverage=0.95,
    flicker=False,
)


@dataclass(frozen=True)
class Portfolio:
    """A portfolio folder as read: plants that can be used, and the problems of those that cannot."""

    root: Path
    file: PortfolioFile
    plants: dict[str, PlantFile]
    broken: dict[str, list[Problem]] = field(default_factory=dict)
    vocabularies: Vocabularies = field(default_factory=lambda: Vocabularies({}, []))

    @property
    def lake(self) -> Path:
        return (self.root / self.file.lake).resolve()

    @property
    def site(self) -> Path:
        """The folder of the dashboard."""
        return (self.root / self.file.site).resolve()

    @property
    def problems(self) -> list[Problem]:
        return [*self.vocabularies.problems, *(problem for found in self.broken.values() for problem in found)]

    def stated_root(self, plant: PlantFile, source_id: str | None = None) -> str:
        """Where the patterns of a plant, or of a source that is elsewhere, start, as the plant file has it."""
        return (plant.sources[source_id].root if source_id else None) or plant.root or f"landing/{plant.plant}"

    def source_root(self, plant: PlantFile, source_id: str | None = None) -> str:
        """The same as a URL, or a local folder."""
        root = self.stated_root(plant, source_id)
        return root if "://" in root else str((self.root / root).resolve())

    def place(self, plant: PlantFile, source_id: str, last: str | None = None) -> Place:
        """Where a source's exports are and how they are reached. Raises ReadError when a secret cannot be had."""
        source = plant.sources[source_id]
        connection = source.connection if source.root else plant.connection | source.connection
        return Place(
            self.source_root(plant, source_id), source.path, connector(source.kind).Options.model_validate(source.options),
            resolved(connection, self.root, self.file.secret_command), last, source.timezone or plant.timezone, source.no_dst,
        )  # fmt: skip

    @property
    def person_salt(self) -> str:
        """What is hashed with the names of persons and customers: $PLANTLAKE_PERSON_SALT, else the portfolio's name."""
        return os.environ.get("PLANTLAKE_PERSON_SALT") or self.file.name

    def settings(self, plant: PlantFile) -> Settings:
        """The plant's settings over the portfolio's over plantlake's."""
        layers = (DEFAULT_SETTINGS, self.file.settings, plant.settings)
        stated = {key: value for layer in layers for key, value in layer.model_dump(exclude_none=True).items()}
        return Settings(**stated)


def find(folder: str | Path | None = None) -> Path:
    """The portfolio folder: the argument, else $PLANTLAKE_PORTFOLIO, else ./portfolio. Raises ConfigError listing the places."""
    tried = [str(place) for place in (folder, os.environ.get("PLANTLAKE_PORTFOLIO"), None if folder else "portfolio") if place]
    chosen = Path(tried[0])
    if not (chosen / "portfolio.yaml").is_file():
        raise ConfigError(
            Problem(
                f"{chosen} is not a portfolio: it holds no portfolio.yaml.",
                found=f"looked in {', '.join(tried)}",
                fix="give --portfolio DIR, set PLANTLAKE_PORTFOLIO, or run `plantlake demo` to write a sample",
            )
        )
    return chosen.resolve()


def plant_ids(root: Path) -> list[str]:
    """Ids of all plants by the names of their files: cheap at thousands of plants, nothing is parsed."""
    return sorted(path.stem for path in (root / "plants").glob("*.yaml"))


def read(root: Path, only: tuple[str, ...] = ()) -> Portfolio:
    """The portfolio with all plants, or those in `only`; a broken plant is reported in `broken` and stops no other.

    Raises ConfigError when portfolio.yaml itself cannot be used, or `only` names a plant that does not exist.
    """
    file = _portfolio_file(root)
    known = plant_ids(root)
    _all_known(only, known)
    words, named = vocabularies.load(root / "vocabularies"), presets.names(root)
    plants: dict[str, PlantFile] = {}
    broken: dict[str, list[Problem]] = {}
    for plant_id in only or known:
        plant, found = read_plant(root, plant_id, named)
        if plant is None or found:
            broken[plant_id] = found
        else:
            plants[plant_id] = plant
    companies = None if only or broken else {plant.company for plant in plants.values()}
    words.problems.extend(_aimless(words, known, companies))
    return Portfolio(root, file, plants, broken, words)


def _aimless(words: Vocabularies, plants: Collection[str], companies: Collection[str] | None) -> list[Problem]:
    """Targets of a plant or company that there is not; companies are known when all plants are read."""
    found = []
    for row in words.rows("targets"):
        kind, named = row["scope_type"].lower(), row["scope_id"]
        if kind in ("area", "line", "equipment") and "/" in named:
            kind, named = "plant", named.split("/")[0]
        known = {"portfolio": ["portfolio"], "company": companies, "plant": plants}.get(kind)
        if known is not None and named not in (*known, "*"):
            found.append(
                Problem(
                    f"There is no {kind} '{named}'.",
                    export=f"vocabularies/targets.csv:{row['line']}",
                    found=row["scope_id"],
                    closest=closest(named, known),
                    fix=f"correct scope_id, or write '*' for every {row['scope_type'].lower()}",
                    consequence="The target counts for nothing.",
                )
            )
    return found


def lake_of(root: Path) -> Path:
    """The lake of a portfolio, without reading any plant file."""
    return (root / _portfolio_file(root).lake).resolve()


def site_of(root: Path) -> Path:
    """The folder of a portfolio's dashboard, without reading any plant file."""
    return (root / _portfolio_file(root).site).resolve()


def _portfolio_file(root: Path) -> PortfolioFile:
    file, problems = _model(root / "portfolio.yaml", "portfolio.yaml", PortfolioFile)
    if file is None:
        raise ConfigError(problems)
    return file


def read_plant(root: Path, plant_id: str, named: Mapping[str, Path] | None = None) -> tuple[PlantFile | None, list[Problem]]:
    """One plant file and everything that is wrong with it. `named`: the presets, where the caller has listed them."""
    known = presets.names(root) if named is None else named
    shown = f"plants/{plant_id}.yaml"
    path = root / "plants" / f"{plant_id}.yaml"
    plant, problems = _model(path, shown, PlantFile, lambda content: presets.with_presets(content, known))
    if problems_of_open := list(_left_open(path, shown)):
        problems = [problem for problem in problems if problem.found != OPEN]
        return None, [problem.at(plant=plant_id) for problem in (*problems_of_open, *problems)]
    if plant is not None:
        problems = [problem.at(export=f"{shown}:{line_of(path, keys) or 1}") for keys, problem in plant_rules(plant, root)]
        if plant.plant != plant_id:
            problems.append(
                Problem(
                    "The plant's id and its file's name differ.",
                    export=f"{shown}:{line_of(path, ('plant',))}",
                    found=plant.plant,
                    fix=f"plant: {plant_id}, or rename the file to {plant.plant}.yaml",
                )
            )
    return plant, [problem.at(plant=plant_id) for problem in problems]


def _left_open(path: Path, shown: str) -> Iterator[Problem]:
    """The values that a draft left to a person, each with the comment that stands behind it."""
    if not path.is_file():
        return
    for number, line in enumerate(path.read_text(encoding="utf-8-sig", errors="replace").splitlines(), 1):
        value, _, comment = line.partition("#")
        if f'"{OPEN}"' in value or value.rstrip().endswith(f": {OPEN}"):
            key = value.split(":")[0].strip(" -\"'")
            why = comment.strip().lstrip("? ") or "write the value"
            yield Problem(f"'{key}' is left open.", export=f"{shown}:{number}", found=OPEN, fix=why)


def _all_known(only: tuple[str, ...], known: list[str]) -> None:
    unknown = [plant for plant in only if plant not in known]
    if unknown:
        raise ConfigError(
            Problem(f"There is no plant '{plant}'.", found=listed(known), closest=closest(plant, known), fix=f"plants/{plant}.yaml")
            for plant in unknown
        )


def _model(
    path: Path, shown: str, model: type[M], complete: Callable[[Any], Any] = lambda content: content
) -> tuple[M | None, list[Problem]]:
    try:
        content = complete(load(path, shown))
    except ConfigError as error:
        return None, error.problems
    try:
        return model.model_validate(content if content is not None else {}), []
    except ValidationError as error:
        return None, [_problem(path, shown, model, detail) for detail in error.errors()]


def _problem(path: Path, shown: str, model: type[BaseModel], detail: ErrorDetails) -> Problem:
    keys: Keys = tuple(key for key in detail["loc"] if isinstance(key, str | int))
    at = f"{shown}:{line_of(path, keys) or 1}"
    dotted = ".".join(str(key) for key in keys)
    if detail["type"] == "extra_forbidden":
        allowed = fields_at(model, keys[:-1])
        return Problem(
            f"Unknown key '{keys[-1]}'.",
            export=at,
            found=dotted,
            closest=closest(str(keys[-1]), allowed),
            fix=f"one of {listed(sorted(allowed), 20)}" if allowed else None,
        )
    if detail["type"] == "missing":
        return Problem(f"'{dotted}' is missing.", export=at)
    message = detail["msg"].removeprefix("Value error, ")
    is_secret = any(SECRET_WORDS.search(str(key)) for key in keys) or "url" in keys
    found = None if isinstance(detail["input"], dict | list) or is_secret else str(detail["input"])
    if is_secret and isinstance(detail["input"], str):
        message = f"{message}; a secret stands by reference: {{env: NAME}}, {{file: path}} or {{manager: name}}"
    return Problem(f"{dotted}: {message}" if dotted else message, export=at, found=found)
